"""The products of W as a LinearOperator, and of what SciPy makes of it, against the dense matrix."""

import numpy as np
import pytest
import scipy
import scipy.signal
from samples import CASES, make, normal
from scipy.sparse.linalg import LinearOperator, aslinearoperator, lsqr, svds

from cnninv_lite import FilterBank

cases = pytest.mark.parametrize("case", CASES, ids=str)


@cases
def test_hooks(case):
    W, dense = make(case)
    rows, columns = W.shape
    x, z, X, Z = normal(columns), normal(rows), normal((columns, 4)), normal((rows, 4))
    close = {"atol": 1e-13}
    np.testing.assert_allclose(W.matvec(x), dense @ x, **close)
    if not NEW_SCIPY:  # a column for a vector is on its way out
        np.testing.assert_allclose(W.matvec(x[:, None]), dense @ x[:, None], **close)
    np.testing.assert_allclose(W.rmatvec(z), dense.T @ z, **close)
    np.testing.assert_allclose(W.matmat(X), dense @ X, **close)
    np.testing.assert_allclose(W.rmatmat(Z), dense.T @ Z, **close)
    np.testing.assert_allclose(W @ x, dense @ x, **close)
    np.testing.assert_allclose(W @ X, dense @ X, **close)
    np.testing.assert_allclose(W.T @ z, dense.T @ z, **close)
    np.testing.assert_allclose(W.H @ Z, dense.T @ Z, **close)
    assert (W @ X[:, :0]).shape == (rows, 0)
    assert (W.T @ Z[:, :0]).shape == (columns, 0)


NEW_SCIPY = tuple(map(int, scipy.__version__.split(".")[:2])) >= (
    1,
    18,
)  # operators take batches from then on


OPERATORS = {  # made of W by SciPy and by NumPy
    "W": lambda W: W,
    "W.T": lambda W: W.T,
    "W.H": lambda W: W.T.conj() if isinstance(W, np.ndarray) else W.H,
    "sum": lambda W: W + W,
    "difference": lambda W: 3 * W - W,
    "multiple": lambda W: W * 0.5,
    "product": lambda W: W @ W.T,
    "product of a sum": lambda W: (W.T @ (W + W)).T,
}


PRODUCTS = {  # an operator's, a matrix's; side and kind of the array
    "@": (lambda A, X: A @ X, lambda A, X: A @ X, 1, "matrix"),
    "dot": (lambda A, X: A.dot(X), lambda A, X: A @ X, 1, "matrix"),
    "matmat": (lambda A, X: A.matmat(X), lambda A, X: A @ X, 1, "matrix"),
    "rmatmat": (lambda A, X: A.rmatmat(X), lambda A, X: A.T @ X, 0, "matrix"),
    "T @": (lambda A, X: A.T @ X, lambda A, X: A.T @ X, 0, "matrix"),
    "H @": (lambda A, X: A.H @ X, lambda A, X: A.T @ X, 0, "matrix"),
    "matvec": (lambda A, x: A.matvec(x), lambda A, x: x @ A.T, 1, "vector"),
    "rmatvec": (lambda A, x: A.rmatvec(x), lambda A, x: x @ A, 0, "vector"),
    "T.matvec": (lambda A, x: A.T.matvec(x), lambda A, x: x @ A, 0, "vector"),
}


@pytest.mark.parametrize("case", [CASES[i] for i in (1, 2, 4, 8, 10)], ids=str)
@pytest.mark.filterwarnings("ignore:Calling .* on 'column vectors':FutureWarning")
@pytest.mark.parametrize("made", OPERATORS)
@pytest.mark.parametrize("times", PRODUCTS)
def test_products_with_batches_are_those_of_the_matrix(case, made, times):
    operator, matrix = map(OPERATORS[made], make(case))
    product, expected, side, kind = PRODUCTS[times]
    size = matrix.shape[side]
    for batch in [(3,), (2, 3), (1,), (0,), (2, 0)]:
        a = normal((*batch, size, 4) if kind == "matrix" else (*batch, size))
        if NEW_SCIPY and a.shape != (size, 1):  # SciPy takes that one for a column
            found = product(operator, a)
            np.testing.assert_allclose(found, expected(matrix, a), atol=1e-11 * (1 + np.abs(matrix).max()))
        elif not NEW_SCIPY and a.shape != (size, 1):
            with pytest.raises(ValueError):
                product(operator, a)


@cases
def test_rows_times_operators(case):
    W, dense = make(case)
    x, X = normal(W.shape[0]), normal((3, W.shape[0]))
    np.testing.assert_allclose(x @ W, x @ dense, atol=1e-12)
    np.testing.assert_allclose(X @ W, X @ dense, atol=1e-12)
    if NEW_SCIPY:
        many = normal((2, 3, W.shape[0]))
        np.testing.assert_allclose(many @ W, many @ dense, atol=1e-12)


def test_the_hooks_do_not_loop_over_columns(monkeypatch):
    W, _ = make(CASES[2])
    calls = []
    analyse = FilterBank.analysis
    monkeypatch.setattr(FilterBank, "analysis", lambda W, x: calls.append(1) or analyse(W, x))
    assert (W @ np.ones((W.shape[1], 50))).shape == (W.shape[0], 50)
    assert len(calls) == 1


VIEWS = {"W": lambda W: W, "W.T": lambda W: W.T, "W.H": lambda W: W.H, "W.T.T": lambda W: W.T.T}


MASKED = {
    "W @ x": lambda W, x, z: W @ x,
    "W @ X": lambda W, x, z: W @ x[:, None] * [1, 2],
    "W * x": lambda W, x, z: W * x,
    "z @ W": lambda W, x, z: z @ W,
    "Z @ W": lambda W, x, z: (z * [[1], [2]]) @ W,
    "dot": lambda W, x, z: W.dot(x),
    "matvec": lambda W, x, z: W.matvec(x),
    "matmat": lambda W, x, z: W.matmat(x[:, None] * [1, 2]),
    "rmatvec": lambda W, x, z: W.rmatvec(z),
    "rmatmat": lambda W, x, z: W.rmatmat(z[:, None] * [1, 2]),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("product", MASKED)
def test_products_refuse_masked_arrays(view, product):
    W = VIEWS[view](make(CASES[1])[0])
    x, z = (np.ma.masked_less(normal(size), 0) for size in W.shape[::-1])
    assert MASKED[product](W, x.data, z.data) is not None
    with pytest.raises(TypeError, match=r"^\w must be an array without a mask, but got a masked array"):
        MASKED[product](W, x, z)


@pytest.mark.parametrize("case", [CASES[2], CASES[7]], ids=str)
def test_algebra_of_operators(case):
    W, dense = make(case)
    rows, columns = W.shape
    x, z = normal(columns), normal(rows)
    assert isinstance(W, LinearOperator)
    assert aslinearoperator(W) is W
    np.testing.assert_allclose((W @ W.T) @ z, dense @ dense.T @ z, atol=1e-12)
    np.testing.assert_allclose((W.H @ W) @ x, dense.T @ dense @ x, atol=1e-12)
    np.testing.assert_allclose((2 * W - W) @ x, dense @ x, atol=1e-12)
    np.testing.assert_allclose(
        (W.T @ W + 3 * aslinearoperator(np.eye(columns))) @ x, dense.T @ dense @ x + 3 * x
    )
    np.testing.assert_allclose(W.T.T @ x, dense @ x, atol=1e-12)


@pytest.mark.parametrize("case", [CASES[2], CASES[7]], ids=str)
def test_scipys_solvers_take_it(case):
    W, dense = make(case)
    values = svds(W, k=3, return_singular_vectors=False, v0=np.ones(min(W.shape)))
    np.testing.assert_allclose(np.sort(values)[::-1], np.linalg.svd(dense, compute_uv=False)[:3])
    b = normal(W.shape[0])
    solution = lsqr(W, b, atol=1e-14, btol=1e-14)[0]
    np.testing.assert_allclose(solution, np.linalg.lstsq(dense, b)[0], atol=1e-8)
