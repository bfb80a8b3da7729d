"""Filter banks: their laws, their norms, their reproducibility."""

import numpy as np
import pytest
import scipy.fft
from scipy.stats import kstest

from cnninv_lite import dct_filters, gaussian_filters, pca_filters, rademacher_filters

SHAPES = [(5, 2, 7), (1, 1, 1), (4, 3, (2, 5)), (3, 1, (4,))]
RANDOM = [gaussian_filters, rademacher_filters]


def full(K, M, ell):
    return (K, M, *(ell if isinstance(ell, tuple) else (ell,)))


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
@pytest.mark.parametrize("draw", RANDOM)
def test_shape_type_and_seed(draw, sizes):
    w = draw(*sizes, rng=0)
    assert w.shape == full(*sizes)
    assert w.dtype == np.float64
    np.testing.assert_array_equal(w, draw(*sizes, rng=0))
    np.testing.assert_array_equal(w, draw(*sizes, rng=np.random.default_rng(0)))


@pytest.mark.parametrize("draw", RANDOM)
def test_a_generator_advances_and_the_global_state_does_not(draw):
    rng = np.random.default_rng(0)
    first, second = draw(4, 2, 9, rng=rng), draw(4, 2, 9, rng=rng)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, draw(4, 2, 9, rng=1))
    assert not np.array_equal(draw(4, 2, 9), draw(4, 2, 9))  # no seed: fresh entropy
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(4, 2, 9)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("sizes", [(20_000, 2, 7), (20_000, 1, (3, 5))], ids=str)
def test_gaussian_law(sizes):
    w = gaussian_filters(*sizes, rng=1)
    size = w[0].size
    assert kstest(w.ravel() * size**0.5, "norm").pvalue > 0.001
    assert w.mean() == pytest.approx(0, abs=5 / (size * len(w)) ** 0.5 / size**0.5)
    energy = (w**2).reshape(len(w), -1).sum(axis=1)
    assert energy.mean() == pytest.approx(1, abs=0.02)
    assert energy.var() == pytest.approx(2 / size, rel=0.1)  # chi-square of M |ell| terms
    correlation = w.reshape(len(w), -1).T @ w.reshape(len(w), -1) / len(w) * size
    assert np.abs(correlation - np.eye(size)).max() < 0.06  # the entries of a filter are uncorrelated


@pytest.mark.parametrize("sizes", [(5000, 2, 7), (5000, 3, (2, 2))], ids=str)
def test_rademacher_law(sizes):
    w = rademacher_filters(*sizes, rng=2)
    size = w[0].size
    np.testing.assert_allclose(np.abs(w), size**-0.5)
    np.testing.assert_allclose((w**2).reshape(len(w), -1).sum(axis=1), 1)
    assert abs((w > 0).mean() - 0.5) < 0.01
    correlation = np.sign(w).reshape(len(w), -1).T @ np.sign(w).reshape(len(w), -1) / len(w)
    assert np.abs(correlation - np.eye(size)).max() < 0.08


@pytest.mark.parametrize(("M", "ell"), [(1, 6), (3, 4), (1, (3, 5)), (2, (3, 2)), (1, 1)], ids=str)
def test_dct_is_orthonormal(M, ell):
    size = M * int(np.prod(ell))
    w = dct_filters(size, M, ell)
    assert w.shape == full(size, M, ell)
    rows = w.reshape(size, size)
    np.testing.assert_allclose(rows @ rows.T, np.eye(size), atol=1e-13)
    for K in range(1, size + 1):  # a smaller bank is the start of the larger one
        np.testing.assert_array_equal(dct_filters(K, M, ell), w[:K])


def test_dct_follows_its_formula_smoothest_first():
    j = np.arange(8)
    for q, w in enumerate(dct_filters(8, 1, 8)[:, 0]):
        cosine = np.cos(np.pi * q * (2 * j + 1) / 16)
        np.testing.assert_allclose(w, cosine / np.linalg.norm(cosine), atol=1e-14)
    np.testing.assert_allclose(dct_filters(1, 2, (3, 4)), 24**-0.5)  # the first one is constant


def test_dct_order_is_total_frequency():
    M, ell = 2, (3, 4)
    frequency = []
    for w in dct_filters(24, M, ell):
        peak = np.unravel_index(np.abs(scipy.fft.dctn(w, norm="ortho")).argmax(), w.shape)
        frequency.append(sum(f / n for f, n in zip(peak, w.shape, strict=True)))
    assert (np.diff(frequency) > -1e-9).all()


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_principal_components_do_not_depend_on_the_scale(dtype):
    x = np.cumsum(np.random.default_rng(0).standard_normal((2, 2, 60)), axis=-1).astype(dtype)
    w = pca_filters(x, 6, 4)
    for power in (500, -500) if dtype == "f8" else (75, -75):
        np.testing.assert_array_equal(pca_filters(np.ldexp(x, power), 6, 4), w)


@pytest.mark.parametrize("offset", [1e3, -1e6, 1e8])
def test_principal_components_do_not_depend_on_the_mean(offset):
    x = np.cumsum(np.random.default_rng(0).standard_normal((2, 2, 60)), axis=-1)
    np.testing.assert_allclose(pca_filters(x + offset, 6, 4), pca_filters(x, 6, 4), atol=1e-14 * abs(offset))
