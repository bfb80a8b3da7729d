"""The lasso against scikit-learn and against many more steps of its own."""

import numpy as np
import pytest
from samples import LAYERS, flat, layer

from cnninv_lite import (
    FilterBank,
    dct_filters,
    gaussian_filters,
    lasso,
)


def objective(A, x, z, lam):
    return np.sum((x - A.T @ z) ** 2) / 2 + lam * np.abs(z).sum()


@pytest.mark.parametrize("shape", LAYERS)
@pytest.mark.parametrize("lam", [0.05, 0.5])
def test_lasso_against_scikit_learn(shape, lam):
    linear_model = pytest.importorskip("sklearn.linear_model")
    W = layer(*shape)
    A, x = W.toarray(), np.random.default_rng(1).standard_normal((4, W.M, *W.D))
    result = lasso(W, x, lam, tol=1e-11, max_iter=20_000)
    assert result.converged.all()
    peer = linear_model.Lasso(alpha=lam / A.shape[1], fit_intercept=False, tol=1e-13, max_iter=100_000)
    for one, code in zip(x, result.z, strict=True):
        best = peer.fit(A.T, flat(one)).coef_
        assert objective(A, flat(one), flat(code), lam) == pytest.approx(
            objective(A, flat(one), best, lam), abs=1e-9
        )
        np.testing.assert_allclose(A.T @ flat(code), A.T @ best, atol=1e-4)


@pytest.mark.parametrize(
    "filters", [dct_filters(16, 1, 16), gaussian_filters(12, 1, 6, rng=0), 40 * np.ones((2, 1, 9))]
)
def test_lasso_of_coherent_filters_is_certified(filters):
    """The promised gap holds: no code found with many more steps is better by more than it."""
    W = FilterBank(filters, (1, 60))
    x = np.random.default_rng(3).standard_normal((3, 1, 60)).cumsum(axis=2)
    lam = 0.05 * np.abs(W.analysis(x)).max(axis=(1, 2))
    result, better = lasso(W, x, lam, tol=1e-3), lasso(W, x, lam, tol=1e-8, max_iter=50_000)
    assert result.converged.all()
    A = W.toarray()
    for i in range(3):
        found, best = (objective(A, flat(x[i]), flat(r.z[i]), lam[i]) for r in (result, better))
        assert best - 1e-9 <= found <= best + 1e-3 * np.sum(x[i] ** 2) / 2
    np.testing.assert_allclose(result.history[-1] / result.history[0], result.relative_error, rtol=1e-6)
    short = lasso(W, x, lam, tol=1e-12, max_iter=3)
    assert (short.reason == "max_iter").all()
    assert not short.converged.any()


def test_lasso_at_its_ends():
    W = layer(4, 2, (3,), (9,), 1)
    x = np.random.default_rng(0).standard_normal((2, 9))
    top = np.abs(W.analysis(x)).max()
    assert not lasso(W, x, top * 1.001).z.any()
    assert lasso(W, x, top * 0.99, tol=1e-12).z.any()
    mask = np.zeros((4, 7), bool)
    mask[1, 2] = mask[3, 5] = True
    result = lasso(W, x, 0.01, support=mask)
    assert not result.z[~mask].any()
    assert result.z[mask].any()
    assert not lasso(W, x, 0.01, support=np.zeros((4, 7))).z.any()
    np.testing.assert_array_equal(lasso(W, [x, 2 * x], 0.01, support=mask).z[0], result.z)
    nothing = lasso(W, 0 * x, 0.1)
    assert (nothing.reason, nothing.iterations, nothing.relative_error) == ("settled", 1, 0.0)
    blank = lasso(FilterBank(np.zeros((2, 1, 2)), (1, 4)), np.ones((1, 4)), 0.1)
    assert (blank.reason, blank.relative_error) == ("settled", 1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tol", [1e-3, 1e-9])
def test_lasso_that_says_settled_has_closed_its_gap_in_64_bit(dtype, tol):
    """The gap of the returned code, from dense matrices; the small one is not closed in so many steps."""
    rng = np.random.default_rng(4)
    filters = rng.standard_normal((12, 1, 6)).astype(dtype)
    x = rng.standard_normal((20, 1, 60)).cumsum(axis=2).astype(dtype)
    W = FilterBank(filters, (1, 60))
    A = FilterBank(filters.astype(float), (1, 60)).toarray()
    lam = 0.05 * np.abs(W.analysis(x)).max(axis=(1, 2))
    result = lasso(W, x, lam, tol=tol, max_iter=500)
    for i in range(20):
        z, y, weight = flat(result.z[i]).astype(float), flat(x[i]).astype(float), float(lam[i])
        r = y - A.T @ z
        s = min(1, weight / np.abs(A @ r).max())
        gap = r @ r / 2 + weight * np.abs(z).sum() - (y @ y - (y - s * r) @ (y - s * r)) / 2
        assert (result.reason[i] == "settled") == result.converged[i]
        if result.converged[i]:
            assert gap <= 1.001 * tol * (y @ y) / 2
    assert result.converged.any() == (tol == 1e-3)
