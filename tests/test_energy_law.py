"""The law of ||W^T z||^2: against closed forms, against drawn filters, and its tail bounds against it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import dense_matrix
from scipy import stats

from cnninv_lite import BlockModel, EnergyLaw, FilterBank, energy_law, gaussian_filters

LAYERS = [  # K, M, ell, n, stride, k, order
    (3, 4, (3,), (5,), (1,), 2, 1),
    (3, 2, (4,), (6,), (2,), 2, 2),
    (2, 3, (3,), (4,), (1,), 2, 3),
    (3, 2, (2, 3), (3, 2), (1, 1), 2, 1),
    (2, 2, (3, 2), (3, 3), (2, 1), 2, 2),
]


def size_of(ell, n, stride):
    return tuple((count - 1) * t + length for length, count, t in zip(ell, n, stride, strict=True))


def relative_gap(value, target):
    return np.max(np.abs(value / target - 1))


@pytest.mark.parametrize("dof", [1, 2, 3, 30, 1000])
def test_equal_weights_give_chi_square(dof):
    law, exact = EnergyLaw(np.full(4, 0.3), dof), stats.chi2(4 * dof, scale=0.3)
    x = law.mean * np.array([1e-3, 0.1, 0.5, 0.9, 1 - 1e-12, 1, 1.1, 2, 5])
    for value, target in ((law.sf(x), exact.sf(x)), (law.cdf(x), exact.cdf(x))):
        seen = target > 1e-250
        assert relative_gap(value[seen], target[seen]) < 1e-9


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5, unique=True), st.floats(0.05, 30))
def test_two_degrees_of_freedom_in_closed_form(weights, ratio):
    a = np.sort(weights)[::-1]
    if np.min(a[:-1] / a[1:]) < 1.05:
        return  # partial fractions cancel
    law = EnergyLaw(a, 2)
    x = ratio * law.mean
    others = [np.prod([1 - b / c for b in a if b != c]) for c in a]
    terms = np.exp(-x / (2 * a)) / np.array(others)
    assert law.sf(x) == pytest.approx(terms.sum(), rel=1e-6, abs=1e-11 * np.abs(terms).max())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("weights", "dof"),
    [
        ([1, 0.3, 0.001], 1),
        ([1] + 1000 * [1e-3], 1),
        ([1, 1e-6], 1),
        (10.0 ** -np.arange(8), 2),
        (np.linspace(0.1, 1, 9), 32),
    ],
)
def test_uneven_weights_against_their_own_draws(weights, dof):
    law = EnergyLaw(np.array(weights, float), dof)
    draws = law.sample(40_000, rng=0)
    quantiles = np.quantile(draws, [0.001, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999])
    empirical = np.mean(draws[:, None] <= quantiles, axis=0)
    assert np.abs(law.cdf(quantiles) - empirical).max() < 0.0105  # 4 standard deviations
    assert np.abs(law.cdf(quantiles) + law.sf(quantiles) - 1).max() < 1e-12
    assert draws.mean() == pytest.approx(law.mean, abs=4 * np.sqrt(law.variance / len(draws)))


def test_ends_of_the_line_and_shapes():
    law = EnergyLaw(np.array([1.0, 0.5]), 3)
    assert law.cdf([-1.0, 0.0]).tolist() == [0.0, 0.0]
    assert law.sf([[-1.0, 0.0]]).tolist() == [[1.0, 1.0]]
    assert isinstance(law.cdf(1.0), float)
    assert law.cdf(5e-324) == 0
    assert law.sf(1e6 * law.mean) == 0
    assert isinstance(law.sample(rng=0), float)
    assert law.sample((2, 3), rng=0).shape == (2, 3)
    grid = np.linspace(0.01, 4, 40) * law.mean
    assert (np.diff(law.cdf(grid)) > 0).all()


@pytest.mark.parametrize(("K", "M", "ell", "n", "stride", "k", "order"), LAYERS)
def test_law_against_drawn_filters(K, M, ell, n, stride, k, order):
    D = size_of(ell, n, stride)
    z = BlockModel(K, n, k, order).sample(rng=5)
    rng = np.random.default_rng(6)
    banks = (FilterBank(gaussian_filters(K, M, ell, rng=rng), (M, *D), stride) for _ in range(200))
    energies = [np.sum(bank.synthesis(z) ** 2) for bank in banks]
    W = FilterBank(np.zeros((K, M, *ell)), (M, *D), stride)
    law = energy_law(W, z)
    assert np.array_equal(law.weights, energy_law((K, M, *ell), z, stride=stride).weights)
    grid = np.linspace(min(energies), max(energies), 50)
    cdf = law.cdf(grid)
    assert stats.kstest(energies, lambda e: np.interp(e, grid, cdf)).pvalue > 1e-3
    assert law.mean == pytest.approx(np.sum(z**2))


@pytest.mark.parametrize(("K", "M", "ell", "n", "stride", "k", "order"), LAYERS)
def test_weights_are_the_eigenvalues(K, M, ell, n, stride, k, order):
    D, L = size_of(ell, n, stride), int(np.prod(ell))
    for z in BlockModel(K, n, k, order).sample(20, rng=7):
        units = dense_matrix(np.eye(L).reshape(L, 1, *ell), D, stride).reshape(L, -1, np.prod(D))
        Z = [np.einsum("p,apd->da", block.ravel(), units) for block in z]
        gram = sum(Zi @ Zi.T for Zi in Z)
        expected = np.linalg.eigvalsh(gram)[::-1]
        weights = energy_law((K, M, *ell), z, stride=stride).weights * M * L
        assert np.allclose(weights, expected[: len(weights)], atol=1e-12)
        assert np.abs(expected[len(weights) :]).max(initial=0) < 1e-11
        most = min(order, int(np.prod([-(-a // t) for a, t in zip(ell, stride, strict=True)])))
        assert weights[0] <= most * np.sum(z**2) * (1 + 1e-12)
        if order == 1:  # diagonal: the energy over each position
            cover = sum(block.ravel() ** 2 @ (units != 0).any(axis=0) for block in z)
            assert np.allclose(weights, np.sort(cover)[::-1][: len(weights)])


@given(st.integers(0, 10**6), st.integers(0, len(LAYERS) - 1), st.floats(0.05, 12))
def test_tail_bounds_hold(seed, which, tau):
    K, M, ell, n, stride, k, order = LAYERS[which]
    z = BlockModel(K, n, k, order).sample(rng=seed)
    law = energy_law((K, M, *ell), z / np.linalg.norm(z), stride=stride)
    u = min(order, np.prod([-(-a // t) for a, t in zip(ell, stride, strict=True)])) * tau / (M * np.prod(ell))
    deviation = 2 * np.sqrt(u) + 2 * u  # for every code of the order, whatever its values
    assert law.tail(deviation) <= 2 * np.exp(-tau) * (1 + 1e-9)
    assert law.tail(deviation) <= law.tail_bound(deviation) * (1 + 1e-9)
    assert law.tail_bound(deviation) <= min(1, 2 * np.exp(-tau)) * (1 + 1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("weights", "dof"), [([1, 0.5], 3), ([1], 1), (10.0 ** -np.arange(8), 2), ([1] * 500, 9)]
)
def test_far_tails_are_quiet(weights, dof):
    law = EnergyLaw(np.array(weights, float), dof)
    for x in 10.0 ** np.arange(2, 301, 7):
        assert law.cdf(x * law.mean) == 1
        assert law.sf(x * law.mean) <= (1e-15 if x < 1e4 else 0)
        assert 0 <= law.cdf(law.mean / x) < 0.1
        assert 0.9 < law.sf(law.mean / x) <= 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("power", [-500, -75, 75, 500])
def test_the_scale_of_the_code_makes_no_difference(power):
    z = BlockModel(3, 5, 2, 2).sample(rng=4)
    law, scaled = energy_law((3, 4, 3), z), energy_law((3, 4, 3), np.ldexp(z, power))
    assert np.array_equal(scaled.weights, np.ldexp(law.weights, 2 * power))
    for deviation in (0.1, 0.5, 2.0):
        assert scaled.tail(deviation) == law.tail(deviation)
        assert scaled.tail_bound(deviation) == law.tail_bound(deviation)


def test_printing_takes_a_line():
    law = energy_law((3, 4, 300), np.ones((3, 50)))
    assert "\n" not in repr(law)
    assert f"{len(law.weights)} weights" in repr(law)


z = np.ones((2, 4))
BANK = FilterBank(np.ones((2, 1, 1)), (1, 4))
LAW = EnergyLaw(np.ones(2), 1)
BAD = {
    "zero": (lambda: energy_law((2, 3, 4), np.zeros((2, 4))), ValueError, "z must not be zero"),
    "K": (lambda: energy_law((2, 3, 4), np.ones((3, 4))), ValueError, "z must have shape (K, *n) = (2, n)"),
    "axes": (lambda: energy_law((2, 3, 4, 4), z), ValueError, "(2, n, n), but got shape (2, 4)"),
    "no positions": (lambda: energy_law((2, 3, 4), np.ones((2, 0))), ValueError, "(2, 0)"),
    "NaN": (lambda: energy_law((2, 3, 4), z * np.nan), ValueError, "z must be finite"),
    "complex": (lambda: energy_law((2, 3, 4), z * 1j), TypeError, "z must be real"),
    "no taps": (lambda: energy_law((2, 3), z), ValueError, "W must be a FilterBank or a shape (K, M, *ell)"),
    "ell 0": (lambda: energy_law((2, 3, 0), z), ValueError, "W[2]"),
    "no shape": (lambda: energy_law("layer", z), TypeError, "W must be"),
    "stride 0": (lambda: energy_law((2, 3, 4), z, stride=0), ValueError, "stride"),
    "stride twice": (lambda: energy_law(BANK, z, stride=1), ValueError, "stride must be left out"),
    "x NaN": (lambda: LAW.sf(np.nan), ValueError, "x must be finite"),
    "deviation": (lambda: LAW.tail(-0.1), ValueError, "deviation must be >= 0, but got -0.1"),
    "size": (lambda: LAW.sample(0.5), TypeError, "size"),
    "rng": (lambda: LAW.sample(rng="x"), TypeError, "rng"),
}


@pytest.mark.parametrize(("call", "error", "sentence"), BAD.values(), ids=BAD)
def test_bad_input(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("M", "ell", "places"),
    [(2, 2, (0, 1)), (1, 3, (0, 1, 1)), (1, 5, (0, 2)), (2, 2, (0, 0, 1)), (1, 1, (0,) * 14)],
)
def test_tails_of_signs_by_listing_all(M, ell, places):
    """Filters of signs, order 1: the law from every choice of signs, against both of its bounds."""
    z = np.full(len(places), len(places) ** -0.5)
    signs = np.array(list(product((-1, 1), repeat=len(places) * M * ell)))
    x = np.zeros((len(signs), M, ell + max(places)))
    for value, place, w in zip(z, places, signs.reshape(-1, len(places), M, ell).swapaxes(0, 1), strict=True):
        x[..., place : place + ell] += value * w / np.sqrt(M * ell)
    energy = (x**2).sum(axis=(1, 2))
    assert energy.mean() == pytest.approx(1)
    for tau in np.linspace(0.05, 8, 100):
        u = tau / (M * ell)
        assert np.mean(energy - 1 >= 2 * np.sqrt(u) + 2 * u) <= np.exp(-tau)
        assert np.mean(energy - 1 <= -np.sqrt(6 * u)) <= np.exp(-tau)
