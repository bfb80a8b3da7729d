"""Pursuits and sparse coding, against plain loops over dense W."""

import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import LAYERS, flat, layer

from cnninv_lite import (
    BlockModel,
    FilterBank,
    Pursuit,
    cosamp,
    iht,
    lasso,
    reconstruct,
)
from cnninv_lite.pursuit import Reason


def plain_iht(A, x, model, mu, nonnegative, steps):
    """IHT as it is written, on one flattened signal."""
    z, codes = np.zeros(len(A)), []
    for _ in range(steps):
        z = model.project(z + mu * A @ (x - A.T @ z), nonnegative=nonnegative)
        codes.append(z)
    return codes


def plain_niht(A, x, model, nonnegative, steps):
    """Normalised IHT as Blumensath & Davies (2010) write it, with c = 0.01 and steps halved."""
    z, codes = np.zeros(len(A)), []
    for _ in range(steps):
        g = A @ (x - A.T @ z)
        support = z != 0
        along, leave = np.where(support, g, 0), False
        if np.abs(along).max() <= 1.5e-8 * np.abs(g).max():  # nothing to gain on this support
            along = model.project(g, nonnegative=nonnegative)
            support, leave = (support, True) if z.any() else (along != 0, False)
        if not along.any():
            codes.append(z)
            continue
        mu = along @ along / np.sum((A.T @ along) ** 2)
        while True:
            new = model.project(z + mu * g, nonnegative=nonnegative)
            step = new - z
            same = not leave and ((new != 0) == support).all()
            if same or mu * np.sum((A.T @ step) ** 2) <= 0.99 * step @ step:
                break
            mu /= 2
        z = new
        codes.append(z)
    return codes


def plain_cosamp(A, x, model, steps):
    """CoSaMP as Baraniuk et al. (2010) write it, on one flattened signal."""
    wider = BlockModel(model.n_blocks, model.shape[1:], model.k, 2 * model.order)
    z, codes = np.zeros(len(A)), []
    for _ in range(steps):
        T = np.flatnonzero((wider.project(A @ (x - A.T @ z)) != 0) | (z != 0))
        b = np.zeros(len(A))
        b[T] = np.linalg.lstsq(A[T].T, x, rcond=None)[0]
        z = model.project(b)
        codes.append(z)
    return codes


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("method", ["signal", "lag"])
@pytest.mark.parametrize("shape", LAYERS)
def test_iht_against_plain_loops(shape, method, nonnegative, order):
    W = layer(*shape)
    A, model = W.toarray(), BlockModel(W.K, W.n, 2, order)
    x = np.random.default_rng(1).standard_normal((2, 2, W.M, *W.D))
    how = {"nonnegative": nonnegative, "order": order, "method": method, "tol": 0}
    for step in ("fixed", 0.4, "normalised"):
        result = iht(W, x, 2, step=step, max_iter=6, **how)
        for at in np.ndindex(2, 2):
            if step == "normalised":
                codes = plain_niht(A, flat(x[at]), model, nonnegative, 6)
            else:
                codes = plain_iht(A, flat(x[at]), model, 1 if step == "fixed" else step, nonnegative, 6)
            np.testing.assert_allclose(flat(result.z[at]), codes[-1], atol=1e-11)
            residuals = [np.linalg.norm(flat(x[at]) - A.T @ z) for z in (0 * codes[0], *codes)]
            np.testing.assert_allclose(result.history[:, *at], residuals[: len(result.history)], atol=1e-7)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("shape", LAYERS)
def test_cosamp_against_plain_loops(shape, order):
    W = layer(*shape)
    A, model = W.toarray(), BlockModel(W.K, W.n, 1, order)
    x = np.random.default_rng(1).standard_normal((2, 2, W.M, *W.D))
    result = cosamp(W, x, 1, order=order, max_iter=4, tol=0)
    for at in np.ndindex(2, 2):
        np.testing.assert_allclose(flat(result.z[at]), plain_cosamp(A, flat(x[at]), model, 4)[-1], atol=1e-9)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("method", ["signal", "lag", "auto"])
@pytest.mark.parametrize("shape", LAYERS)
def test_the_first_step_is_the_layer(shape, method, nonnegative):
    W = layer(*shape)
    x = np.random.default_rng(2).standard_normal((3, W.M, *W.D))
    layer_code = reconstruct(W, x, 2, nonnegative=nonnegative)
    first = iht(W, x, 2, max_iter=1, method=method, nonnegative=nonnegative)
    np.testing.assert_array_equal(first.z, layer_code.z)
    np.testing.assert_array_equal(first.relative_error, layer_code.relative_error)
    scaled = iht(W, x, 2, step="normalised", max_iter=1, method=method, nonnegative=nonnegative)
    np.testing.assert_array_equal(scaled.z != 0, layer_code.z != 0)
    over = tuple(range(1, x.ndim))
    energy = np.maximum((layer_code.x**2).sum(axis=over), 1e-300)
    best = (x * layer_code.x).sum(axis=over) / energy  # of all multiples of the code
    np.testing.assert_allclose(scaled.z, best.reshape(-1, *(1,) * len(over)) * layer_code.z)


@given(
    seed=st.integers(0, 10**6),
    K=st.integers(1, 6),
    M=st.integers(1, 8),
    ell=st.integers(1, 4),
    extra=st.integers(0, 6),
    stride=st.integers(1, 3),
    order=st.integers(1, 2),
    two=st.booleans(),
    nonnegative=st.booleans(),
    step=st.sampled_from([0.2, "normalised"]),
    data=st.data(),
)
def test_both_ways_agree(seed, K, M, ell, extra, stride, order, two, nonnegative, step, data):
    axes = 2 if two else 1
    if step == "normalised":
        M += 8  # with fewer dimensions than choices it ends at once, and rounding decides what comes next
    W = layer(K, M, (ell,) * axes, (ell + extra,) * axes, stride, rng=seed)
    x = np.random.default_rng(seed + 1).standard_normal((3, M, *W.D))
    how = {"step": step, "order": order, "nonnegative": nonnegative, "max_iter": 8, "tol": 1e-7}
    k = data.draw(st.integers(1, K))
    one, other = (iht(W, x, k, method=method, **how) for method in ("signal", "lag"))
    np.testing.assert_allclose(other.z, one.z, atol=1e-9)
    np.testing.assert_allclose(other.x, one.x, atol=1e-9)
    assert BlockModel(K, W.n, k, order).contains(one.z).all()
    if nonnegative:
        assert (one.z >= 0).all()
    if step == "normalised":  # the residual never grows
        assert (np.diff(one.history, axis=0) <= 1e-9).all()


@pytest.mark.parametrize("method", ["signal", "lag"])
@pytest.mark.parametrize("step", ["fixed", "normalised"])
def test_a_batch_is_its_signals(step, method):
    W = layer(6, 12, (3,), (40,), 1)
    model = BlockModel(6, W.n, 3)
    z = model.sample((3, 4), rng=1)
    z[0, 0] = 0
    x = (
        W.synthesis(z)
        + 0.1 * np.random.default_rng(2).standard_normal((3, 4, 12, 40)) * (np.arange(4) > 1)[:, None, None]
    )
    how = {"step": step, "method": method, "max_iter": 60, "tol": 1e-4}
    result = iht(W, x, 3, **how)
    assert len(set(result.iterations.ravel())) > 3
    longer = iht(W, x, 3, **(how | {"max_iter": 200}))
    for at in np.ndindex(3, 4):
        one = iht(W, x[at], 3, **how)
        assert isinstance(one.iterations, int)
        assert isinstance(one.relative_error, float)
        assert (type(one.converged), type(one.reason)) == (bool, Reason)
        assert (one.iterations, one.reason) == (result.iterations[at], result.reason[at])
        np.testing.assert_allclose(one.z, result.z[at], atol=1e-12)
        np.testing.assert_allclose(one.history, result.history[: len(one.history), *at], atol=1e-7)
        assert (result.history[one.iterations :, *at] == result.history[one.iterations, *at]).all()
        if result.converged[at]:  # it does not change any more
            np.testing.assert_array_equal(longer.z[at], result.z[at])
    assert (result.iterations[0, 0], result.reason[0, 0], result.relative_error[0, 0]) == (1, "settled", 0)


def test_cosamp_and_lasso_of_a_batch():
    W = layer(6, 4, (3,), (20,), 1)
    x = np.random.default_rng(2).standard_normal((2, 3, 4, 20))
    lam = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 50.0]])
    for solve in (
        lambda x, lam: cosamp(W, x, 2, max_iter=9),
        lambda x, lam: lasso(W, x, lam),
    ):
        result = solve(x, lam)
        assert result.history.shape[1:] == (2, 3)
        for at in np.ndindex(2, 3):
            one = solve(x[at], lam[at])
            np.testing.assert_allclose(one.z, result.z[at], atol=1e-10)
            assert (one.iterations, one.reason, one.converged) == (
                result.iterations[at],
                result.reason[at],
                result.converged[at],
            )
            assert (type(one.iterations), type(one.reason), type(one.converged)) == (int, Reason, bool)


@pytest.mark.parametrize("step", ["fixed", "normalised"])
def test_a_long_batch_with_one_active_filter(step):
    W = layer(2, 4, (1, 1), (1, 2), 1)
    x = np.random.default_rng(0).standard_normal((30_000, 4, 1, 2))
    one, other = (iht(W, x, 1, step=step, max_iter=2, method=method) for method in ("signal", "lag"))
    np.testing.assert_allclose(other.z, one.z, atol=1e-12)
    np.testing.assert_array_equal(iht(W, x, 1, max_iter=1, method="lag").z, reconstruct(W, x, 1).z)


def test_cosamp_says_when_rows_depend():
    """Two equal filters: z and its mirror make one x, and the shortest code halves the value."""
    W = FilterBank([[[1.0, 2.0]], [[1.0, 2.0]], [[2.0, -1.0]]], (1, 2))
    result = cosamp(W, [[1.0, 2.0]], 2)
    assert (result.reason, result.converged) == ("dependent", True)
    np.testing.assert_allclose(result.z.ravel(), [0.5, 0.5, 0.0], atol=1e-12)
    assert result.relative_error < 1e-12
    assert cosamp(W, [[0.0, 0.0]], 2).reason == "settled"


@pytest.mark.parametrize(
    "solve", [iht, cosamp, lambda W, x, k: lasso(W, x, 0.1)], ids=["iht", "cosamp", "lasso"]
)
def test_dtypes_and_empty_batches(solve):
    W = layer(4, 6, (3,), (9,), 1)
    W32 = FilterBank(W.filters.astype(np.float32), (6, 9))
    x = np.random.default_rng(0).standard_normal((5, 6, 9))
    exact = solve(W, x, 2)
    for bank, signal, dtype in (
        (W32, x.astype(np.float32), np.float32),
        (W32, x, np.float64),
        (W, x.astype(np.float32), np.float64),
    ):
        result = solve(bank, signal, 2)
        assert isinstance(result, Pursuit)
        assert result.z.dtype == result.x.dtype == result.history.dtype == dtype
        np.testing.assert_allclose(result.x, exact.x, atol=2e-2)
    assert solve(W, np.ones((6, 9), int), 2).z.dtype == np.float64
    none = solve(W, x[:0], 2)
    assert none.z.shape == (0, 4, 7)
    assert none.history.shape[1:] == none.reason.shape == none.iterations.shape == (0,)


SOLVERS = {
    "iht": lambda W, x, unit: iht(W, x, 3, step=0.5 / unit**2),
    "normalised": lambda W, x, unit: iht(W, x, 3, step="normalised"),
    "through the signal": lambda W, x, unit: iht(W, x, 3, step="normalised", method="signal"),
    "cosamp": lambda W, x, unit: cosamp(W, x, 3),
    "lasso": lambda W, x, unit: lasso(W, x, 0.05 * np.abs(x).max() * unit),
}


@cache
def unscaled(solve, dtype):
    rng = np.random.default_rng(0)
    filters, x = (rng.standard_normal(shape).astype(dtype) / 4 for shape in ((6, 8, 3), (2, 8, 20)))
    return filters, x, solve(FilterBank(filters, (8, 20)), x, 1.0)


@pytest.mark.parametrize("solve", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 500), (np.float32, 75)], ids=["64 bit", "32 bit"])
@settings(max_examples=10)
@given(data=st.data())
def test_no_scale_of_the_data_changes_what_is_found(solve, dtype, most, data):
    """Signals and filters are multiplied by powers of two: the codes by their ratio, the rest not at all."""
    a = data.draw(st.integers(-most, most), label="log2 of the signals")
    b = data.draw(st.integers(max(-most, a - most), min(most, a + most)), label="log2 of the filters")
    filters, x, plain = unscaled(solve, dtype)
    scaled = solve(FilterBank(np.ldexp(filters, b), (8, 20)), np.ldexp(x, a), np.ldexp(1.0, b))
    np.testing.assert_array_equal(scaled.z, np.ldexp(plain.z, a - b))
    np.testing.assert_array_equal(scaled.x, np.ldexp(plain.x, a))
    np.testing.assert_array_equal(scaled.history, np.ldexp(plain.history, a))
    for name in ("relative_error", "iterations", "reason"):
        np.testing.assert_array_equal(getattr(scaled, name), getattr(plain, name))


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_tiny_or_huge_signal_is_not_taken_for_zero(size):
    W = layer(4, 2, (3,), (9,), 1)
    result = iht(W, size * np.random.default_rng(0).standard_normal((2, 9)), 2, step=1e-3, max_iter=3)
    assert result.reason == "max_iter"
    assert 0.9 < result.relative_error < 1


def test_reasons_are_their_words_and_results_print_in_a_line():
    W = layer(6, 12, (3,), (40,), 1)
    x = np.random.default_rng(2).standard_normal((3, 12, 40))
    one, batch = iht(W, x[0], 3, max_iter=2), iht(W, x, 3, max_iter=2)
    assert (str(one.reason), repr(one.reason), f"{one.reason}") == ("max_iter", "'max_iter'", "max_iter")
    assert one.reason is Reason.MAX_ITER
    assert batch.reason[0] is Reason.MAX_ITER
    settled = iht(W, 0 * x, 3)
    assert settled.reason[0] is Reason.SETTLED
    assert cosamp(W, 0 * x[0], 3).reason is Reason.SETTLED
    assert (batch.reason == "max_iter").all()
    assert repr(one).endswith("iterations<=2, reason={'max_iter': 1})")
    assert repr(batch).endswith("iterations<=2, reason={'max_iter': 3})")
    assert all(len(repr(result)) < 110 for result in (one, batch))
    assert one == one
    assert one != batch
    with pytest.raises(AttributeError):
        one.z = 0


W = layer(3, 2, (2,), (6,), 1)
X = np.ones((2, 6))
NAN, INF = float("nan"), float("inf")


def refusals():
    """List a call for each bad argument of each function."""
    solvers = {
        "iht": lambda W=W, x=X, k=2, **more: iht(W, x, k, **more),
        "cosamp": lambda W=W, x=X, k=2, **more: cosamp(W, x, k, **more),
        "lasso": lambda W=W, x=X, lam=0.1, **more: lasso(W, x, lam, **more),
    }
    common = [
        ("W", np.eye(3), TypeError, "FilterBank"),
        ("x", np.ones((2, 7)), ValueError, r"\(2, 7\)"),
        ("x", X * NAN, ValueError, "NaN"),
        ("x", X * INF, ValueError, "infinity"),
        ("x", X + 0j, TypeError, "complex128"),
        ("k", 0, ValueError, r"1\.\.3"),
        ("k", 4, ValueError, r"1\.\.3"),
        ("k", 2.0, TypeError, "float"),
        ("order", 0, ValueError, ">= 1"),
        ("max_iter", 0, ValueError, ">= 1"),
        ("max_iter", 2.5, TypeError, "float"),
        ("tol", -1e-3, ValueError, ">= 0"),
        ("tol", NAN, ValueError, ">= 0"),
        ("tol", "small", TypeError, "'small'"),
        ("tol", True, TypeError, "True"),
    ]
    special = {
        "iht": [
            ("step", 0, ValueError, "> 0, but got 0"),
            ("step", -1.0, ValueError, "> 0"),
            ("step", INF, ValueError, "inf"),
            ("step", "big", ValueError, "'big'"),
            ("step", [1.0, 2.0], TypeError, "1.0, 2.0"),
            ("method", "fast", ValueError, "'fast'"),
        ],
        "lasso": [
            ("support", np.ones((3, 4)), ValueError, r"\(3, 4\)"),
            ("support", np.ones((2, 3, 5)), ValueError, r"\(2, 3, 5\)"),
            ("support", np.full((3, 5), NAN), ValueError, "NaN"),
        ],
    }
    weights = [
        ("lam", 0, ValueError, "> 0"),
        ("lam", -0.1, ValueError, "> 0"),
        ("lam", NAN, ValueError, "NaN"),
        ("lam", [0.1, 0.2], ValueError, "batch"),
        ("lam", "much", TypeError, "real"),
    ]
    for name, solve in solvers.items():
        cases = common + special.get(name, []) + (weights if name == "lasso" else [])
        for argument, value, error, words in cases:
            if name != "lasso" or argument not in ("k", "order"):
                yield pytest.param(
                    solve, argument, value, error, words, id=f"{name}-{argument}-{value!s:.12}"
                )


@pytest.mark.parametrize(("solve", "argument", "value", "error", "words"), list(refusals()))
def test_refusals(solve, argument, value, error, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=f"^{argument}.*{words}"):
            solve(**{argument: value})
