"""lower and upper are theorems: checked in integers, on banks and matrices that make rounding matter."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from exact import Exact, definite, exponent, integers, violations

from cnninv_lite import BlockModel, FilterBank, _bracket, _rounding, rip_bracket, rip_exact, rip_search

U = _rounding.UNIT
KINDS = ["Gaussian", "dyadic", "tie", "near tie", "copies", "signs", "scales", "huge", "tiny", "one scale"]


def weights(kind, rng, shape):
    """Weights on which something ties, nearly ties, cancels or is of another order of magnitude."""
    w = rng.standard_normal(shape) / np.sqrt(prod(shape[1:]))
    column = (shape[0],) + (1,) * (len(shape) - 1)
    if kind == "dyadic":
        w = rng.integers(-8, 9, shape) / 8
    elif kind in ("tie", "near tie", "copies"):  # the same filters again, with signs, some moved by an ulp
        w = w[np.arange(shape[0]) % max(1, shape[0] // 2)] * rng.choice([-1, 1], column)
        if kind == "near tie":
            w = np.where(rng.random(shape) < 0.3, np.nextafter(w, 2 * w), w)
        elif kind == "tie":
            w = w * rng.choice([1, 1, 1.5], column)
    elif kind == "signs":
        w = rng.choice([-1, 1], shape) / np.sqrt(prod(shape[1:]))
    elif kind == "scales":
        w = w * 2.0 ** rng.integers(-30, 31, column)
    elif kind in ("huge", "tiny"):
        w = w * (1e9 if kind == "huge" else 1e-9)
    elif kind == "one scale":
        w = w * rng.uniform(0.1, 3)
    return w


def instance(seed):
    """A bank and a model, or a matrix and a sparsity; its rows; and all largest supports."""
    rng, kind = np.random.default_rng(seed), KINDS[seed % len(KINDS)]
    while True:
        K, M, ell, n, t = (int(rng.integers(a, b)) for a, b in ((2, 9), (1, 6), (1, 5), (1, 5), (1, 3)))
        if seed % 3 == 0:
            ell = n = 1
            K += 3
        k, s = int(rng.integers(1, min(K, 5) + 1)), int(rng.integers(1, 3))
        model = BlockModel(K, n, k, s if n > 1 else 1)
        if 2 <= model.count() <= 700:
            break
    w = weights(kind, rng, (K, M, ell))
    supports = list(model.supports())
    if n == 1 and ell == 1:
        return w[..., 0].T.copy(), k, w[..., 0], supports
    W = FilterBank(w, (M, (n - 1) * t + ell), t)
    return W, model, W.toarray(), supports


@pytest.mark.parametrize("seed", range(120), ids=lambda seed: f"{seed} {KINDS[seed % len(KINDS)]}")
def test_no_end_of_a_bracket_is_wrong_in_integers(seed, monkeypatch):
    W, model, rows, supports = instance(seed)
    exact = Exact(rows)
    few = rip_exact(W, model, side="both")
    monkeypatch.setattr(_bracket, "FEW", 0)
    settled = rip_exact(W, model, side="both")
    larger = rip_exact(W, model, side="larger")
    others = [rip_bracket(W, model, 3000, rng=seed), rip_search(W, model, 1, rng=seed)]
    for found in (few, settled, larger, *others):
        assert not violations(exact, supports, found)
        assert found.upper >= found.lower
    for found in (few, settled):
        for side in (found.stretch, found.crush):
            assert side.exact
            assert side.upper - side.lower <= found.rounding <= 1e-9 * (1 + (rows**2).sum(axis=1).max())
    assert larger.exact


def test_the_checker_itself():
    assert definite([[2, 1], [1, 1]], semi=False)
    assert definite([[1, 1], [1, 1]], semi=True)
    assert not definite([[1, 1], [1, 1]], semi=False)
    assert not definite([[0, 1], [1, 5]], semi=True)
    assert definite([[0, 0], [0, 5]], semi=True)
    assert not definite([[3, 2, 2], [2, 3, 2], [2, 2, 1]], semi=True)
    third = 1 / 3
    assert integers([third, -0.75], exponent([third, -0.75])).tolist() == [
        Fraction(third) * 2**54,
        -3 * 2**52,
    ]
    exact = Exact(np.array([[1.0, 0.0], [0.5, 0.5]]))  # G = [[1, 1/2], [1/2, 1/2]]
    top = (3 + 5**0.5) / 4 - 1
    assert exact.above([0, 1], 1, top - 1e-15)
    assert not exact.above([0, 1], 1, top + 1e-15)
    assert exact.reaches([0], 1, 0.0)
    assert not exact.above([0], 1, 0.0)


def worst_sums():
    """Columns whose squared norms are 1 + 383 times 0.9 u: a sum that adds one by one returns 1."""
    A = np.full((384, 16), np.sqrt(0.9 * U))
    A[0] = 1
    return A


def test_a_correlation_errs_by_no_more_than_its_bound():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 10, 100):
        w = rng.standard_normal((6, n, 1))
        C, e = FilterBank(w, (n, 1)).correlations()[..., 0], exponent(w)
        true = integers(w[..., 0], e)
        norms = np.sqrt((w[..., 0] ** 2).sum(axis=1))
        worst = 0.0
        for i in range(6):
            for j in range(6):
                error = abs(Fraction(C[i, j]) - Fraction(int(true[i].dot(true[j])), 4**e))
                worst = max(worst, float(error) / (norms[i] * norms[j]))
        assert worst <= _rounding.gamma(n)
        if n <= 2:
            assert worst > _rounding.gamma(n) / 10  # so that a bound made ten times too small is noticed


def test_a_slack_made_ten_times_too_small_is_noticed(monkeypatch):
    A = worst_sums()
    if (FilterBank(A.T[..., None], (384, 1)).correlations()[0, 0, 0] - 1) / U > 383 * 0.9 - 60:
        pytest.skip("this machine sums in another order, which errs less")
    exact, supports = Exact(A.T), [np.array([j]) for j in range(16)]
    monkeypatch.setattr(_bracket, "FEW", 0)
    assert not violations(exact, supports, rip_exact(A, 1))
    for module in ("_bracket", "_branch_and_bound"):
        monkeypatch.setattr(f"cnninv_lite.{module}.slack", lambda *args: _rounding.slack(*args) / 10)
    assert violations(exact, supports, rip_exact(A, 1))


def graded(rng, m):
    """Symmetric matrices with entries of very different size: on these LAPACK errs most."""
    X = rng.standard_normal((4000, m, m)) * 10.0 ** rng.uniform(-8, 0, (4000, m, m))
    return X + X.transpose(0, 2, 1)


@pytest.mark.parametrize("m", [3, 4, 6])
def test_an_eigenvalue_routine_is_not_trusted(m, monkeypatch):
    X = graded(np.random.default_rng(m), m)
    e, U = np.linalg.eigh(X)
    _rounding.checked(X, e, U)
    for wrong in (e * (1 + 40 * m * _rounding.UNIT), e + np.abs(e).max(axis=1)[:, None] * 1e-13):
        with pytest.raises(ArithmeticError, match=rf"at most 32 m u for m = {m} columns, but got"):
            _rounding.checked(X, wrong, U)
    with pytest.raises(ArithmeticError):
        _rounding.checked(X, e, U * (1 + 1e-13))
    monkeypatch.setattr(_rounding, "EIGEN", _rounding.EIGEN / 10)
    with pytest.raises(ArithmeticError):  # a bound made ten times too small is noticed
        _rounding.checked(X, e, U)


@pytest.mark.parametrize("m", [1, 2, 5, 7])
def test_both_ways_to_whiten_agree_and_know_what_is_hard(m):
    rng = np.random.default_rng(m)
    X = rng.standard_normal((500, m, m)) * rng.uniform(0, 1, (500, 1, 1))
    X = X + X.transpose(0, 2, 1)
    X[:, range(m), range(m)] = 0
    b, top = rng.standard_normal((500, m, 3)), np.linalg.eigvalsh(X)[:, -1]
    R, hard = _rounding.whiten(X, 1.0)
    easy = np.setdiff1d(np.arange(500), hard)
    assert set(np.flatnonzero(top >= 1)) <= set(hard)
    assert set(np.flatnonzero(top < 0.9)) <= set(easy) if m <= 2 else len(easy) > 0
    true = np.einsum("bac,bac->bc", b, np.linalg.solve(np.eye(m) - X, b))
    for which, way in ((easy, R[easy]), (np.flatnonzero(top < 1), _rounding.whiten_hard(X[top < 1], 1.0)[1])):
        q = np.square(way @ b[which]).sum(axis=1)
        np.testing.assert_allclose(q, true[which], rtol=1e-9)
