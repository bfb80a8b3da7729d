"""rip_exact against brute force over every support, and the theory that it rests on."""

from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnninv_lite import (
    BlockModel,
    FilterBank,
    _bracket,
    gaussian_filters,
    rip_bracket,
    rip_certificates,
    rip_exact,
    rip_search,
)

TOL = 1e-10


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Leave even a few supports to branch and bound."""
    monkeypatch.setattr(_bracket, "FEW", 0)


def brute(W, model):
    """Delta as it is defined: all largest supports, eigenvalues from the dense matrix W."""
    A = W.toarray()
    G = A @ A.T
    T = np.array(list(model.supports(limit=8_000)))
    e = np.linalg.eigvalsh(G[T[:, :, None], T[:, None]])
    return max(e[:, -1].max() - 1, 1 - e[:, 0].min())


def small_case(rng):
    """A random bank and model with few enough supports for brute force."""
    while True:
        axes = int(rng.choice([1, 1, 2]))
        K, M, s = (int(rng.integers(1, top)) for top in (6, 3, 4))
        k = int(rng.integers(1, min(K, 3) + 1))
        ell = rng.integers(1, 6 if axes == 1 else 4, axes)
        t = rng.integers(1, 4, axes)
        n = rng.integers(1, 9 if axes == 1 else 4, axes)
        D = (n - 1) * t + ell + rng.integers(0, t)
        w = rng.standard_normal((K, M, *ell)) / np.sqrt(M * prod(ell))
        kind = rng.integers(4)
        if kind == 0:
            w /= np.linalg.norm(w.reshape(K, -1), axis=1).reshape(K, *(1,) * (axes + 1))
        elif kind == 1:
            w *= rng.uniform(0.2, 1.6, (K, *(1,) * (axes + 1)))
        elif kind == 2:
            w = rng.integers(-1, 2, w.shape) / np.sqrt(M * prod(ell))
        W, model = FilterBank(w, (M, *D.tolist()), t.tolist()), None
        model = BlockModel(K, W.n, k, s)
        if model.count() <= 8_000:
            return W, model


def check_witness(W, model, found):
    z, witness = found.witness.code, found.witness
    assert model.contains(z)
    assert z.shape == (W.K, *W.n)
    assert np.isclose(np.linalg.norm(z), 1)
    assert set(np.flatnonzero(z)) <= set(witness.support.tolist())
    assert np.isclose((W.synthesis(z) ** 2).sum(), witness.energy, rtol=TOL, atol=TOL)
    assert np.isclose(abs(witness.energy - 1), found.lower, rtol=TOL, atol=TOL)
    assert witness.side == ("upper" if witness.energy > 1 else "lower") or found.lower < TOL


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_brute_force_on_random_small_cases(seed):
    rng = np.random.default_rng(seed)
    for _ in range(25):
        W, model = small_case(rng)
        found, true = rip_exact(W, model), brute(W, model)
        assert abs(found.lower - true) <= TOL * max(1, true), (W, model)
        assert found.exact
        assert 0 <= found.upper - found.lower <= found.rounding <= 1e-9 * max(1, true)
        check_witness(W, model, found)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30_000))
@settings(suppress_health_check=list(HealthCheck))
def test_no_certificate_is_below_the_truth_and_no_witness_above_it(seed, budget):
    W, model = small_case(np.random.default_rng(seed))
    true = rip_exact(W, model).lower
    slack = TOL * max(1, true)
    for name, bound in rip_certificates(W, model).items():
        assert bound >= true - slack, name
    for found in (rip_search(W, model, 2, rng=seed), rip_bracket(W, model, budget, rng=seed)):
        assert found.lower <= true + slack
        assert found.upper >= true - slack
        assert found.lower <= found.upper
        assert not found.exact or abs(found.lower - true) <= slack
        check_witness(W, model, found)


def test_random_climbs_on_larger_banks_never_pass_a_certified_bound():
    """Attack the bounds where brute force cannot go: power iterations inside the model, from many codes."""
    for seed, (k, s, t) in enumerate([(4, 1, 1), (5, 1, 2), (3, 2, 1), (2, 3, 1)]):
        W = FilterBank(gaussian_filters(12, 2, 6, rng=seed), (2, 40), t)
        model = BlockModel(12, W.n, k, s)
        bound = rip_exact(W, model).upper
        z, seen = model.sample(200, rng=seed), 0.0
        for sign in (1, -1):
            y = z
            for _ in range(30):
                step = W.analysis(W.synthesis(y))
                y = model.project(step if sign > 0 else 4 * y - step)
                y /= np.sqrt((y**2).sum(axis=(1, 2), keepdims=True))
                seen = max(seen, np.abs((W.synthesis(y) ** 2).sum(axis=(1, 2)) - 1).max())
        assert 0.5 * bound < seen <= bound + TOL


def aligned_bank(K, q, t, n):
    """w_i = e_i at tap 0 plus e_{i+1 mod K} at tap q t: a chain that needs n* positions to close."""
    w = np.zeros((K, K, q * t + 1))
    w[np.arange(K), np.arange(K), 0] = w[np.arange(K), (np.arange(K) + 1) % K, q * t] = np.sqrt(0.5)
    return FilterBank(w, (K, (n - 1) * t + q * t + 1), t)


@pytest.mark.parametrize(("k", "s", "q", "t"), [(3, 1, 3, 1), (4, 1, 1, 1), (3, 1, 2, 2), (2, 2, 2, 1)])
def test_the_constant_jumps_at_n_star_and_stays(k, s, q, t):
    n_star = (s * k - 1) * q + 1
    K = s * k
    deltas = [rip_exact(aligned_bank(K, q, t, n), BlockModel(K, n, k, s)).lower for n in range(1, n_star + 4)]
    assert np.all(np.diff(deltas) >= -TOL)
    assert deltas[n_star - 1] > deltas[n_star - 2] + 0.05
    assert np.allclose(deltas[n_star - 1 :], deltas[n_star - 1], atol=TOL)


@pytest.mark.parametrize(("k", "s"), [(3, 1), (2, 2)])
def test_length_independence_of_random_filters(k, s):
    w = gaussian_filters(5, 2, 4, rng=3)
    n_star = (s * k - 1) * 3 + 1
    deltas = []
    for n in (1, 2, 3, 5, n_star - 1, n_star, n_star + 1, 40, 1000):
        W = FilterBank(w, (2, n + 3))
        deltas.append(rip_exact(W, BlockModel(5, W.n, k, s)).lower)
    assert np.all(np.diff(deltas) >= -TOL)
    assert np.ptp(deltas[-4:]) <= TOL


def test_in_two_dimensions_each_axis_must_reach_n_star():
    w = np.zeros((2, 1, 2, 2))
    w[0, 0, 0, 1] = w[1, 0, 0, 0] = 1  # they coincide when shifted along the second axis by one
    n_star = (2 - 1) * 1 + 1

    def delta(*n):
        return rip_exact(FilterBank(w, (1, n[0] + 1, n[1] + 1)), BlockModel(2, n, 2)).lower

    assert delta(n_star**2, 1) == pytest.approx(0)  # n = 4 positions, but only one along the second axis
    assert delta(1, n_star) == pytest.approx(1)
    assert delta(n_star, n_star) == pytest.approx(1)
    assert delta(5, 6) == pytest.approx(1)


def test_known_values():
    basis = np.eye(4)[:, None]
    assert rip_exact(FilterBank(basis, (1, 8), 4), BlockModel(4, 2, 3)).lower == 0  # orthonormal rows
    assert rip_exact(FilterBank(2 * basis, (1, 8), 4), BlockModel(4, 2, 3)).lower == pytest.approx(3)
    shifted = rip_exact(FilterBank(basis, (1, 8)), BlockModel(4, 5, 2))  # e_1, and e_0 one later, coincide
    assert shifted.lower == pytest.approx(1)
    assert rip_exact(FilterBank(0 * basis, (1, 8)), BlockModel(4, 5, 2)).lower == pytest.approx(1)
    pair = FilterBank([[[0.6, 0.8]], [[1.0, 0.0]]], (1, 6))
    assert rip_exact(pair, BlockModel(2, 5, 2)).lower == pytest.approx(0.8)
    assert rip_exact(pair, BlockModel(2, 5, 1)).lower == pytest.approx(0)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_any_scale_of_the_filters(scale):
    W = FilterBank(scale * gaussian_filters(4, 1, 3, rng=0), (1, 7))
    model = BlockModel(4, W.n, 2, 2)
    assert rip_exact(W, model).lower == pytest.approx(brute(W, model), rel=1e-9)


def test_a_column_of_zeros_is_lost():
    A = np.random.default_rng(0).standard_normal((6, 12)) / 6
    A[:, 4] = 0
    found = rip_exact(A, 3)
    assert found.crush.exact
    assert found.stretch.exact
    assert found.crush.lower <= 1 <= found.crush.upper
    assert abs(found.stretch.lower - rip_exact(np.delete(A, 4, axis=1), 3).stretch.lower) < TOL


def test_supports_of_more_columns_than_the_proof_allows_are_certified():
    found = rip_bracket(np.eye(120), 110)
    assert found.lower == 0
    assert found.upper < 1e-6


def test_float32_filters_are_measured_in_double_precision():
    w = gaussian_filters(4, 1, 3, rng=0).astype(np.float32)
    model = BlockModel(4, 5, 2, 2)
    single, double = (rip_exact(FilterBank(v, (1, 7)), model).lower for v in (w, w.astype(float)))
    assert single == double


def test_bracket_closes_when_the_budget_allows_and_is_certified_when_not():
    W = FilterBank(gaussian_filters(16, 8, 5, rng=1), (8, 40))
    model = BlockModel(16, W.n, 3, 2)
    true = rip_exact(W, model).lower
    brackets = [rip_bracket(W, model, budget, rng=0) for budget in (1, 30_000, 200_000_000)]
    for found in brackets:
        assert found.lower <= true + TOL
        assert found.upper >= true - TOL
    assert [found.exact for found in brackets] == [False, False, True]
    assert brackets[0].upper >= brackets[1].upper >= brackets[2].upper
    assert brackets[1].evaluated < brackets[2].evaluated


def test_refuses_what_is_too_much_and_says_how_much_it_is():
    W = FilterBank(gaussian_filters(32, 4, 6, rng=1), (4, 60))
    model = BlockModel(32, W.n, 6)
    words = rf"budget = 1000 .*{model.count()} supports of 6 columns.*rip_bracket"
    with pytest.raises(ValueError, match=words):
        rip_exact(W, model, budget=1000)


def test_few_supports_are_enumerated(monkeypatch):
    """The model of all codes has one support, of 96 columns: nothing else would end."""
    monkeypatch.setattr(_bracket, "FEW", 1000)
    W = FilterBank(gaussian_filters(12, 2, 4, rng=0), (2, 11))
    model = BlockModel(12, W.n, 12, order=8)
    assert model.count() == 1
    e = np.linalg.eigvalsh(W.toarray() @ W.toarray().T)
    for found in (rip_exact(W, model), rip_bracket(W, model, 1), rip_search(W, model, 1)):
        assert found.exact
        assert found.evaluated == 1
        assert found.stretch.lower == pytest.approx(e[-1] - 1)
        assert found.crush.lower == pytest.approx(1 - e[0])
        assert found.stretch.exact
        assert found.crush.exact
        check_witness(W, model, found)


def test_the_search_counts_against_the_budget():
    W = FilterBank(gaussian_filters(32, 4, 6, rng=1), (4, 60))
    model = BlockModel(32, W.n, 5)
    whole, cut = (rip_search(W, model, rng=0, budget=budget) for budget in (10**9, 1000))
    assert cut.evaluated < whole.evaluated
    assert cut.lower <= whole.lower + TOL
    short, long = (rip_bracket(W, model, budget, rng=0) for budget in (1, 3_000_000))
    assert short.evaluated < long.evaluated < 6_000_000


def test_printing_a_result_takes_few_lines():
    W = FilterBank(gaussian_filters(32, 4, 6, rng=1), (4, 60))
    found = rip_search(W, BlockModel(32, W.n, 3), 2, rng=0)
    assert len(repr(found)) < 200
    assert len(repr(found.stretch)) < 300
    assert found != rip_search(W, BlockModel(32, W.n, 3), 2, rng=0)  # and comparing never raises


def test_reproducible():
    W = FilterBank(gaussian_filters(16, 8, 5, rng=1), (8, 40))
    model = BlockModel(16, W.n, 3, 2)
    first, second = (rip_bracket(W, model, 30_000, rng=7) for _ in range(2))
    assert (first.lower, first.upper, first.evaluated) == (second.lower, second.upper, second.evaluated)
    assert np.array_equal(first.witness.code, second.witness.code)
    generator = np.random.default_rng(7)
    assert rip_bracket(W, model, 30_000, rng=generator).lower == first.lower


def test_progress_is_only_shown_when_asked_for(capsys):
    W = FilterBank(gaussian_filters(6, 2, 4, rng=1), (2, 20))
    model = BlockModel(6, W.n, 3)
    quiet = rip_bracket(W, model, rng=0)
    assert capsys.readouterr() == ("", "")
    shown = rip_bracket(W, model, rng=0, progress=True)  # a bar if tqdm is there, nothing otherwise
    assert shown.lower == quiet.lower
