"""Sampling, searching, coherence and certificates against dense matrices."""

import tracemalloc
from importlib import import_module
from itertools import combinations

import numpy as np
import pytest

from cnninv_lite import (
    BlockModel,
    FilterBank,
    RIPBracket,
    coherence,
    cumulative_coherence,
    gaussian_filters,
    gram,
    rip_bracket,
    rip_certificates,
    rip_exact,
    rip_sample,
    rip_search,
)
from cnninv_lite._lags import LagTable
from cnninv_lite.rip import _draw

gram_module = import_module("cnninv_lite._lags")  # the package's name `gram` is the function

BANKS = [
    FilterBank(gaussian_filters(5, 2, 4, rng=0), (2, 11)),
    FilterBank(gaussian_filters(5, 2, 5, rng=1), (2, 14), 2),
    FilterBank(gaussian_filters(4, 1, (2, 3), rng=2), (1, 5, 6)),
    FilterBank(gaussian_filters(4, 3, (3, 3), rng=3), (3, 8, 6), (2, 1)),
]


def dense_gram(W):
    A = W.toarray()
    return A @ A.T


@pytest.mark.parametrize("W", BANKS, ids=repr)
def test_gram_matches_the_dense_matrix(W):
    rng, G = np.random.default_rng(0), dense_gram(W)
    T = rng.integers(0, W.shape[0], (3, 50, 4))
    assert np.allclose(gram(W, T), G[T[..., :, None], T[..., None, :]], atol=1e-13)
    assert gram(W, [2]).shape == (1, 1)
    everything = np.arange(W.shape[0])
    assert np.allclose(gram(W, everything), G, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("W", BANKS, ids=repr)
def test_energies_are_those_of_the_dense_codes(W, order, dtype, monkeypatch):
    W = FilterBank(W.filters.astype(dtype), (W.M, *W.D), W.stride)
    I, place, v = _draw(BlockModel(W.K, W.n, 3, order), 500, np.random.default_rng(order), "normal")
    I[:20, -1], place[:20, -1] = I[:20, 0], place[:20, 0]  # columns that occur twice
    v = v.astype(dtype)
    z = np.zeros((500, W.shape[0]))
    np.add.at(z, (np.arange(500)[:, None], I * (W.shape[0] // W.K) + place), v)
    expected = ((z @ W.toarray().astype(float)) ** 2).sum(axis=1)
    P = np.stack([p.reshape(place.shape) for p in np.unravel_index(place.ravel(), W.n)], axis=-1)
    found = LagTable(W).energies(I, P, v)
    assert found.dtype == np.float64  # whatever the filters are: the table is
    np.testing.assert_allclose(found, expected, atol=1e-12)
    monkeypatch.setattr(gram_module, "CHUNK", 1)
    np.testing.assert_allclose(LagTable(W).energies(I, P, v), found, atol=1e-12)


def test_energies_of_codes_with_one_column_or_none_and_of_no_codes():
    table = LagTable(BANKS[0])
    I, P, v = np.array([[2], [0]]), np.array([[[3]], [[1]]]), np.array([[2.0], [-1.0]])
    np.testing.assert_allclose(table.energies(I, P, v), table.energy[[2, 0]] * [4, 1])
    assert table.energies(I[:0], P[:0], v[:0]).shape == (0,)
    np.testing.assert_array_equal(table.energies(I[:, :0], P[:, :0], v[:, :0]), [0, 0])


def test_energies_in_bounded_memory():
    W = FilterBank(gaussian_filters(64, 8, 5, rng=0), (8, 300))
    table = LagTable(W)
    I, place, v = _draw(BlockModel(64, W.n, 8), 200_000, np.random.default_rng(0), "normal")
    tracemalloc.start()
    table.energies(I, place[..., None], v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000 * 8 + 12 * gram_module.CHUNK


def test_gram_bounds_inner_products_and_what_comes_back():
    W = FilterBank(gaussian_filters(6, 3, 4, rng=5), (3, 14), stride=2)
    A, rng = W.toarray(), np.random.default_rng(6)
    for _ in range(20):
        T = rng.choice(len(A), 5, replace=False)
        delta = np.linalg.norm(gram(W, T) - np.eye(5), 2)
        y, z = rng.standard_normal((2, 5))
        assert (
            abs((A[T].T @ y) @ (A[T].T @ z) - y @ z) <= delta * np.linalg.norm(y) * np.linalg.norm(z) + 1e-12
        )
        assert np.linalg.norm(A[T] @ (A[T].T @ z) - z) <= delta * np.linalg.norm(z) + 1e-12


@pytest.mark.parametrize("W", BANKS, ids=repr)
def test_coherence_matches_the_dense_matrix(W):
    A = W.toarray()
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    G = np.abs(A @ A.T)
    np.fill_diagonal(G, 0)
    assert coherence(W) == pytest.approx(G.max(), abs=1e-12)
    first = np.arange(W.K) * (W.shape[0] // W.K)
    assert coherence(W, shifts=False) == pytest.approx(G[np.ix_(first, first)].max(), abs=1e-12)


def test_coherence_knows_the_length_of_the_input():
    w = np.array([[[1.0, 1.0, 0.0]]])
    assert coherence(FilterBank(w, (1, 3))) == 0  # one position: nothing to compare
    assert coherence(FilterBank(w, (1, 4))) == pytest.approx(0.5)
    assert coherence(FilterBank(w, (1, 4)), shifts=False) == 0


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("W", BANKS, ids=repr)
def test_cumulative_coherence_bounds_every_row_of_every_support(W, order):
    A = W.toarray()
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    model = BlockModel(W.K, W.n, 2, order)
    T = model.sample(3000, rng=0).reshape(3000, -1) != 0
    off = np.abs(A @ A.T)
    np.fill_diagonal(off, 0)
    worst = np.where(T, T @ off, 0).max()
    babel = cumulative_coherence(W, model)
    assert worst <= babel + 1e-12
    assert babel <= coherence(W) * (model.sparsity - 1) + 1e-12


def test_cumulative_coherence_is_attained_for_order_one():
    W = BANKS[0]
    A = W.toarray()
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    G = np.abs(A @ A.T).reshape(W.K, W.n[0], W.K, W.n[0])
    best = 0.0
    for i in range(W.K):
        for p in range(W.n[0]):
            others = np.sort(np.delete(G[i, p].max(axis=1), i))[::-1]
            best = max(best, others[:2].sum())
    assert cumulative_coherence(W, BlockModel(W.K, W.n, 3)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("W", BANKS, ids=repr)
def test_sample_measures_what_dense_codes_and_supports_show(W, order):
    model = BlockModel(W.K, W.n, 2, order)
    seen = rip_sample(W, model, 400, rng=5)
    true = rip_exact(W, model).lower
    assert seen.energies.shape == seen.smallest.shape == seen.largest.shape == (400,)
    assert (seen.smallest <= seen.energies + 1e-12).all()
    assert (seen.energies <= seen.largest + 1e-12).all()
    assert seen.from_codes <= seen.from_supports + 1e-12
    assert seen.from_supports <= true + 1e-12
    # the same law as dense codes: two estimates of the mean energy agree
    z = model.sample(4000, rng=6)
    dense = (W.synthesis(z) ** 2).reshape(4000, -1).sum(axis=1) / (z**2).reshape(4000, -1).sum(axis=1)
    many = rip_sample(W, model, 4000, rng=7).energies
    spread = np.sqrt((dense.var() + many.var()) / 4000)
    assert abs(dense.mean() - many.mean()) < 4.5 * spread


@pytest.mark.parametrize(("values", "order"), [("normal", 1), ("uniform", 2), ("sign", 3)])
def test_sampled_energies_are_those_of_the_codes_drawn(values, order, monkeypatch):
    """Rebuild the drawn codes as dense arrays, columns drawn twice included."""
    from cnninv_lite import rip

    W = FilterBank(gaussian_filters(3, 2, 4, rng=0), (2, 6))
    model = BlockModel(3, W.n, 2, order)
    drawn = []
    draw = rip._draw
    monkeypatch.setattr(rip, "_draw", lambda *args: drawn.append(draw(*args)) or drawn[-1])
    seen = rip_sample(W, model, 300, rng=0, values=values)
    I, place, v = (np.concatenate(parts) for parts in zip(*drawn))
    z = np.zeros((300, 3, W.n[0]))
    np.add.at(z, (np.arange(300)[:, None], I, place), v)
    G = dense_gram(W)
    for b in range(300):
        support = np.unique(I[b] * W.n[0] + place[b])
        e = np.linalg.eigvalsh(G[np.ix_(support, support)])
        assert np.allclose([e[0], e[-1]], [seen.smallest[b], seen.largest[b]], atol=1e-12)
    norm = (z**2).sum(axis=(1, 2))
    energy = (W.synthesis(z) ** 2).sum(axis=(1, 2))
    expected = np.divide(energy, norm, out=np.ones(300), where=norm > 1e-12)
    assert np.allclose(seen.energies, expected, atol=1e-9)
    assert model.contains(z).all()


def test_sampled_supports_are_uniform():
    W = FilterBank(gaussian_filters(4, 1, 2, rng=0), (1, 4))
    model = BlockModel(4, W.n, 2)
    from cnninv_lite.rip import _draw

    I, place, _ = _draw(model, 30_000, np.random.default_rng(0), "sign")
    assert (I[:, 0] != I[:, 1]).all()
    pairs = np.sort(I, axis=1) @ [4, 1]
    counts = [np.count_nonzero(pairs == 4 * a + b) for a, b in combinations(range(4), 2)]
    assert np.allclose(counts, 5000, atol=5 * np.sqrt(5000))
    assert np.allclose(np.bincount(place.ravel(), minlength=3), 20_000, atol=5 * np.sqrt(20_000))


def test_a_million_codes_in_bounded_memory():
    W = FilterBank(gaussian_filters(64, 8, 5, rng=0), (8, 300))
    tracemalloc.start()
    seen = rip_sample(W, BlockModel(64, W.n, 3), 1_000_000, rng=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(seen.energies) == 1_000_000
    assert peak < 60e6


def test_search_finds_the_exact_constant_nearly_always():
    hits = []
    for seed in range(5):
        for k, s in ((4, 1), (2, 2)):
            W = FilterBank(gaussian_filters(12, 4, 4, rng=seed), (4, 30))
            model = BlockModel(12, W.n, k, s)
            hits.append(abs(rip_search(W, model, rng=seed).lower - rip_exact(W, model).lower) < 1e-10)
    assert sum(hits) >= 9


def test_search_beats_samples():
    W = FilterBank(gaussian_filters(32, 8, 5, rng=0), (8, 40))
    model = BlockModel(32, W.n, 6)
    assert rip_search(W, model, 4, rng=0).lower > 1.5 * rip_sample(W, model, 2000, rng=0).from_supports


def test_certificates_for_unit_filters_are_the_textbook_ones():
    W = FilterBank(gaussian_filters(20, 8, 5, rng=0), (8, 40)).normalized()
    model = BlockModel(20, W.n, 4)
    bounds = rip_certificates(W, model)
    assert bounds["gershgorin"] == pytest.approx(cumulative_coherence(W, model))
    assert bounds["gershgorin"] <= 3 * coherence(W) + 1e-12
    assert bounds["perron"] <= bounds["gershgorin"] + 1e-12
    assert bounds["trace"] == pytest.approx(3)


def test_reproducible_from_the_seed():
    W, model = BANKS[0], BlockModel(5, BANKS[0].n, 2, 2)
    a, b, c = (rip_sample(W, model, 100, rng=seed) for seed in (3, np.random.default_rng(3), 4))
    assert np.array_equal(a.energies, b.energies)
    assert not np.array_equal(a.energies, c.energies)
    first, second = (rip_search(W, model, 3, rng=3) for _ in range(2))
    assert (first.lower, first.evaluated) == (second.lower, second.evaluated)
    assert isinstance(first, RIPBracket)


@pytest.mark.parametrize("power", [-500, -75, 75, 500])
def test_coherence_is_the_same_at_any_scale(power):
    W, model = BANKS[1], BlockModel(5, BANKS[1].n, 2, 2)
    scaled = FilterBank(np.ldexp(W.filters, power), (W.M, *W.D), W.stride)
    mixed = FilterBank(np.ldexp(W.filters, np.arange(5).reshape(5, 1, 1) * power // 5), (W.M, *W.D), W.stride)
    for bank in (scaled, mixed):
        assert coherence(bank) == coherence(W)
        assert cumulative_coherence(bank, model) == cumulative_coherence(W, model)


@pytest.mark.parametrize("power", [-500, -30, 30, 200])
def test_both_sides_follow_the_scale(power, recwarn):
    A = np.random.default_rng(0).standard_normal((8, 14)) / 3
    one, scaled = rip_exact(A, 3), rip_exact(np.ldexp(A, power), 3)
    assert scaled.stretch.exact
    assert scaled.crush.exact
    largest = np.ldexp(1 + one.stretch.lower, 2 * power)
    assert scaled.stretch.lower == pytest.approx(largest - 1, rel=1e-11)
    assert scaled.crush.lower == pytest.approx(1 - np.ldexp(1 - one.crush.lower, 2 * power), rel=1e-11)
    if power > 0:
        assert scaled.rescaled == pytest.approx(one.rescaled, rel=1e-9)
        assert scaled.scale == pytest.approx(np.ldexp(one.scale, -power), rel=1e-9)
    assert not recwarn.list


W, MODEL = BANKS[0], BlockModel(5, BANKS[0].n, 2)
ZERO = FilterBank([[[1.0, 1.0]], [[0.0, 0.0]]], (1, 4))


MEASURES = [rip_search, rip_exact, rip_bracket, rip_certificates, cumulative_coherence]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("bank", "model", "error", "words"),
    [
        (W.toarray(), MODEL, TypeError, "k must be an integer, the sparsity, for a matrix W, but got BlockM"),
        (None, MODEL, TypeError, "W must be a FilterBank or a matrix, but got NoneType"),
        (W, 3, TypeError, "model must be a BlockModel for a FilterBank W, but got int"),
        (W, BlockModel(4, W.n, 2), ValueError, r"\(5, 8\) of W, but got \(4, 8\)"),
        (W, BlockModel(5, 9, 2), ValueError, r"but got \(5, 9\)"),
        (BANKS[2], BlockModel(4, 16, 2), ValueError, r"\(4, 4, 4\) of W, but got \(4, 16\)"),
    ],
)
def test_refuses_banks_and_models_that_do_not_fit(measure, bank, model, error, words):
    with pytest.raises(error, match=words):
        measure(bank, model)
    with pytest.raises(error, match=words):
        rip_sample(bank, model, 10)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: rip_sample(W, MODEL, 0), ValueError, "n must be an integer >= 1, but got 0"),
        (lambda: rip_sample(W, MODEL, 10.0), TypeError, "n must be an integer"),
        (lambda: rip_sample(W, MODEL, 10, values="cauchy"), ValueError, "values must be one of"),
        (lambda: rip_sample(W, MODEL, 10, values=None), ValueError, "values must be one of"),
        (lambda: rip_sample(W, MODEL, 10, rng="x"), TypeError, "rng must be"),
        (lambda: rip_search(W, MODEL, 0), ValueError, "restarts must be an integer >= 1, but got 0"),
        (lambda: rip_search(W, MODEL, True), TypeError, "restarts must be an integer"),
        (lambda: rip_search(W, MODEL, rng=-1), TypeError, "rng must be"),
        (lambda: rip_exact(W, MODEL, budget=0), ValueError, "budget must be an integer >= 1"),
        (lambda: rip_exact(W, MODEL, budget=1e9), TypeError, "budget must be an integer"),
        (lambda: rip_bracket(W, MODEL, 0), ValueError, "budget must be an integer >= 1, but got 0"),
        (lambda: rip_bracket(W, MODEL, "all"), TypeError, "budget must be an integer"),
        (lambda: coherence(ZERO), ValueError, "but got a zero filter 1"),
        (lambda: coherence(np.ones((2, 0))), ValueError, "W must be a FilterBank or a matrix"),
        (lambda: cumulative_coherence(ZERO, BlockModel(2, 3, 2)), ValueError, "but got a zero filter 1"),
        (lambda: gram(W, [0.0, 1.0]), TypeError, "support must be an array of integers"),
        (lambda: gram(W, 3), ValueError, "support must have at least one axis"),
        (lambda: gram(W, [0, 40]), ValueError, "support must hold integers in 0..39, but got 40"),
        (lambda: gram(W, [-1]), ValueError, "integers in 0..39, but got -1"),
        (lambda: gram("W", [0]), TypeError, "W must be a FilterBank or a matrix, but got str"),
    ],
)
def test_refuses_bad_arguments_in_sentences(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_values_of_sampled_codes_follow_their_law():
    model, rng = BlockModel(6, 5, 3), np.random.default_rng(0)
    *_, signs = _draw(model, 2000, rng, "sign")
    assert set(signs.ravel()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 4 / signs.size**0.5
    *_, even = _draw(model, 2000, rng, "uniform")
    assert -1 <= even.min() < -0.99 < 0.99 < even.max() <= 1
    assert even.var() == pytest.approx(1 / 3, rel=0.05)


def test_a_sampled_code_that_cancels_shows_nothing():
    W = FilterBank([[[2.0]]], (1, 2))  # every code but zero has the energy 4
    seen = rip_sample(W, BlockModel(1, 2, 1, order=2), 2000, rng=0, values="sign")
    assert set(seen.energies.tolist()) == {1.0, 4.0}
    assert np.mean(seen.energies == 1) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_set_of_filters_is_drawn_as_often(k):
    blocks = np.sort(np.nonzero(BlockModel(4, 1, k).sample(6000, rng=0)[..., 0])[1].reshape(6000, k))
    _, counts = np.unique(blocks, axis=0, return_counts=True)
    expected = 6000 / len(list(combinations(range(4), k)))
    assert len(counts) * expected == 6000
    assert np.abs(counts - expected).max() < 5 * expected**0.5
