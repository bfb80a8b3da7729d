"""W as an operator: every form of it against one dense matrix written as loops."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from oracles import positions
from samples import CASES, make, normal
from scipy.sparse.linalg import LinearOperator

import cnninv_lite.layer as operators
from cnninv_lite import FilterBank, adjoint_error

cases = pytest.mark.parametrize("case", CASES, ids=str)
BATCHES = [(), (3,), (2, 3), (0,), (2, 0, 3)]


@cases
def test_shapes(case):
    K, M, ell, D, stride = case
    W, dense = make(case)
    assert (W.K, W.M, W.ell, W.D, W.stride) == case
    assert W.n == positions(D, ell, stride)
    assert W.shape == dense.shape == (K * np.prod(W.n), M * np.prod(D))
    assert repr(W).startswith(f"FilterBank(K={K}, M={M}, ell={ell}")


@cases
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_matrices(case, dtype):
    W, dense = make(case, dtype)
    assert W.dtype == W.toarray().dtype == W.tosparse().dtype == dtype
    np.testing.assert_array_equal(W.toarray(), dense)
    sparse = W.tosparse()
    np.testing.assert_array_equal(sparse.toarray(), dense)
    assert sparse.nnz == W.shape[0] * W.filters[0].size
    assert sparse.has_canonical_format


@cases
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_analysis_and_synthesis(case, batch):
    W, dense = make(case)
    x, z = normal((*batch, W.M, *W.D)), normal((*batch, W.K, *W.n))
    h, back = W.analysis(x), W.synthesis(z)
    assert h.shape == z.shape
    assert back.shape == x.shape
    lead = (int(np.prod(batch)),)
    np.testing.assert_allclose(
        h.reshape(*lead, W.shape[0]), x.reshape(*lead, W.shape[1]) @ dense.T, atol=1e-13
    )
    np.testing.assert_allclose(
        back.reshape(*lead, W.shape[1]), z.reshape(*lead, W.shape[0]) @ dense, atol=1e-13
    )


@cases
def test_adjoint(case):
    for dtype, bound in [(np.float64, 1e-14), (np.float32, 1e-6)]:
        W, _ = make(case, dtype)
        assert adjoint_error(W, rng=3) < bound
        x, z = normal((W.M, *W.D), dtype), normal((W.K, *W.n), dtype)
        left, right = np.vdot(W.analysis(x), z), np.vdot(x, W.synthesis(z))
        assert abs(left - right) <= 10 * bound * np.linalg.norm(x) * np.linalg.norm(z) * np.linalg.norm(
            W.filters
        )


@st.composite
def layers(draw):
    axes = draw(st.integers(1, 2))
    size = st.integers(1, 5 if axes == 1 else 3)
    ell = tuple(draw(size) for _ in range(axes))
    D = tuple(length + draw(st.integers(0, 6)) for length in ell)
    stride = tuple(draw(st.integers(1, 7)) for _ in range(axes))
    return draw(st.integers(1, 4)), draw(st.integers(1, 3)), ell, D, stride


@given(layers(), st.integers(0, 2**32 - 1))
def test_any_layer_is_its_matrix(case, seed):
    W, dense = make(case, seed=seed)
    x, z = normal((2, W.M, *W.D), seed=seed), normal((2, W.K, *W.n), seed=seed + 1)
    np.testing.assert_array_equal(W.toarray(), dense)
    np.testing.assert_allclose(W.analysis(x).reshape(2, -1), x.reshape(2, -1) @ dense.T, atol=1e-12)
    np.testing.assert_allclose(W.synthesis(z).reshape(2, -1), z.reshape(2, -1) @ dense, atol=1e-12)
    assert adjoint_error(W, rng=seed) < 1e-13


@cases
def test_correlations_hold_all_of_W_Wt(case):
    W, dense = make(case)
    gram = (dense @ dense.T).reshape(W.K, *W.n, W.K, *W.n)
    table = W.correlations()
    L = [-(-length // step) for length, step in zip(W.ell, W.stride, strict=True)]
    assert table.shape == (W.K, W.K, *(2 * a - 1 for a in L))
    for p in np.ndindex(*W.n):
        for q in np.ndindex(*W.n):
            lag = [b - a for a, b in zip(p, q, strict=True)]
            near = all(abs(d) < a for d, a in zip(lag, L, strict=True))
            place = tuple(a - 1 + d for a, d in zip(L, lag, strict=True))
            expected = table[(slice(None), slice(None), *place)] if near else np.zeros((W.K, W.K))
            found = gram[(slice(None), *p, slice(None), *q)]
            np.testing.assert_allclose(found, expected, atol=1e-13)


def test_correlations_know_lags_that_the_input_has_no_room_for():
    W = FilterBank([[[1.0, 2.0, 3.0]]], (1, 3))  # one position, five lags
    np.testing.assert_allclose(W.correlations(), [[[3, 8, 14, 8, 3]]])


@cases
def test_normalized(case):
    W, dense = make(case)
    unit = W.normalized()
    rows = unit.toarray()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    np.testing.assert_allclose(rows * np.linalg.norm(dense, axis=1, keepdims=True), dense, atol=1e-15)
    assert (unit.n, unit.stride, unit.D) == (W.n, W.stride, W.D)


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint8, np.int64, np.uint64, np.longdouble])
def test_other_types_become_float64(dtype):
    filters, x = np.array([[[3, 100]]], dtype), np.array([[100, 100, 7]], dtype)
    W = FilterBank(filters, (1, 3))
    assert W.dtype == np.float64
    h = W.analysis(x)
    assert h.dtype == np.float64
    np.testing.assert_array_equal(h, [[10300, 1000]])  # no overflow in a small type
    np.testing.assert_array_equal(W.synthesis(np.array([[1, 2]], dtype)), [[3, 106, 200]])


def test_float32_stays_and_mixtures_widen():
    for filters, signal, expected in [
        ("f4", "f4", "f4"),
        ("f4", "f8", "f8"),
        ("f8", "f4", "f8"),
        ("f4", "i4", "f8"),
    ]:
        W, dense = make(CASES[2], filters)
        x, z = normal((W.M, *W.D)).astype(signal), normal((W.K, *W.n)).astype(signal)
        assert W.analysis(x).dtype == W.synthesis(z).dtype == (W @ x.ravel()).dtype == np.dtype(expected)
        np.testing.assert_allclose(W.analysis(x).ravel(), dense @ x.ravel(), atol=2e-6)
    W, _ = make(CASES[2], "f4")
    assert (
        W.normalized().dtype
        == W.correlations().dtype
        == W.analysis(np.ones((0, W.M, *W.D), "f4")).dtype
        == "f4"
    )


@cases
@pytest.mark.parametrize("chunk", [1, 200, 1000])
def test_chunks_do_not_show(case, chunk, monkeypatch):
    W, _ = make(case)
    x, z = normal((7, W.M, *W.D)), normal((7, W.K, *W.n))
    h, back = W.analysis(x), W.synthesis(z)
    monkeypatch.setattr(operators, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(operators, "MANY_WEIGHTS", 0)
    np.testing.assert_allclose(W.analysis(x), h, atol=1e-13)
    np.testing.assert_allclose(W.synthesis(z), back, atol=1e-13)


def test_one_long_signal_is_gathered_piece_by_piece():
    W = FilterBank(normal((2, 3, 20)), (3, 30_000), 3)  # 4.8 MB of columns, several pieces
    x, z = normal((3, 30_000)), normal((2, *W.n))
    sparse = W.tosparse()
    np.testing.assert_allclose(W.analysis(x).ravel(), sparse @ x.ravel(), atol=1e-12)
    np.testing.assert_allclose(W.synthesis(z).ravel(), sparse.T @ z.ravel(), atol=1e-12)


@pytest.mark.parametrize("case", [CASES[2], CASES[8]], ids=str)
def test_inputs_in_any_memory_order(case):
    W, dense = make(case)
    x, z = normal((4, W.M, *W.D)), normal((4, W.K, *W.n))
    for view in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a[..., ::-1].copy()[..., ::-1],
    ):
        np.testing.assert_allclose(W.analysis(view(x)), W.analysis(x), atol=1e-13)
        np.testing.assert_allclose(W.synthesis(view(z)), W.synthesis(z), atol=1e-13)
    same = np.broadcast_to(x[0], x.shape)
    np.testing.assert_allclose(W.analysis(same)[3].ravel(), dense @ x[0].ravel(), atol=1e-13)
    transposed = FilterBank(np.asfortranarray(W.filters), (W.M, *W.D), W.stride)
    np.testing.assert_array_equal(transposed.toarray(), dense)


@cases
def test_the_input_is_neither_changed_nor_shared(case):
    W, _ = make(case)
    x, z = normal((2, W.M, *W.D)), normal((2, W.K, *W.n))
    before = x.copy(), z.copy(), W.filters.copy()
    for a in (x, z):
        a.flags.writeable = False
    results = [
        W.analysis(x),
        W.synthesis(z),
        W.toarray(),
        W.correlations(),
        W @ x[0].ravel(),
        W.T @ z[0].ravel(),
    ]
    for result in results:
        assert result.flags.writeable
        assert not any(np.shares_memory(result, a) for a in (x, z, W.filters))
        result[...] = -1
    for a, b in zip((x, z, W.filters), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_bank_keeps_its_own_filters():
    filters = normal((2, 1, 3))
    W = FilterBank(filters, (1, 5))
    before = W.toarray()
    filters[...] = 0
    np.testing.assert_array_equal(W.toarray(), before)
    with pytest.raises(ValueError, match="read-only"):
        W.filters[0] = 1


COPIES = {
    "pickle, as for a worker": lambda W: pickle.loads(pickle.dumps(W)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@cases
@pytest.mark.parametrize("copied", COPIES)
def test_copies_are_as_closed_as_the_bank(case, copied):
    W, dense = make(case, np.float32)
    V = COPIES[copied](W)
    assert repr(V) == repr(W)
    np.testing.assert_array_equal(V.toarray(), dense)
    for bank in (W, V):
        assert not bank.filters.flags.writeable
        assert not np.shares_memory(W.filters, V.filters)
        for name in ("filters", "stride", "n", "K", "shape", "dtype", "anything"):
            with pytest.raises(AttributeError, match=rf"^{name} of a FilterBank cannot be set"):
                setattr(bank, name, getattr(bank, name, 0))


@cases
@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_painting_is_synthesis_of_the_code_in_full(case, batch, dtype):
    W, _ = make(case, dtype)
    rng = np.random.default_rng(3)
    index = rng.integers(0, W.shape[0], (*batch, 5))  # some index twice, as a rule
    value = rng.standard_normal(index.shape).astype(dtype)
    z = np.zeros((int(np.prod(batch)), W.shape[0]), dtype)
    np.add.at(z, (np.arange(len(z))[:, None], index.reshape(len(z), 5)), value.reshape(len(z), 5))
    x = W.paint(index, value)
    assert x.dtype == dtype
    np.testing.assert_allclose(x, W.synthesis(z.reshape(*batch, W.K, *W.n)), atol=20 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(W.paint(index[..., :0], value[..., :0]), np.zeros_like(x))


def test_what_is_not_finite_is_let_through_on_demand():
    W, _ = make(CASES[1])
    x, z = normal((W.M, *W.D)), normal((W.K, *W.n))
    x[0, 0] = z[0, 0] = np.nan
    for product, a in ((W.analysis, x), (W.synthesis, z)):
        found = product(a, check_finite=False)
        assert np.isnan(found).any()
        assert np.isfinite(found).any()


@cases
@pytest.mark.parametrize(("dtype", "power"), [("f8", 500), ("f8", -500), ("f4", 75), ("f4", -75)])
def test_scaled_banks_are_normalised_alike(case, dtype, power):
    W, _ = make(case, dtype)
    V = FilterBank(np.ldexp(W.filters, power), (W.M, *W.D), W.stride)
    np.testing.assert_array_equal(V.normalized().filters, W.normalized().filters)
    assert adjoint_error(V, rng=0) == pytest.approx(adjoint_error(W, rng=0), abs=1e-17)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e300])
def test_tiny_and_huge_filters_have_directions(scale):
    V = FilterBank(scale * np.array([[[3.0, 4.0]], [[0.0, -1.0]]]), (1, 4)).normalized()
    np.testing.assert_allclose(V.filters, [[[0.6, 0.8]], [[0, -1]]])


@pytest.mark.parametrize("case", [c for c in CASES if len(c[2]) == 1], ids=str)
def test_scipy_correlate_1d(case):
    W, _ = make(case)
    x = normal((W.M, *W.D))
    for i, h in enumerate(W.analysis(x)):
        full = sum(scipy.signal.correlate(x[m], W.filters[i, m], mode="valid") for m in range(W.M))
        np.testing.assert_allclose(h, full[:: W.stride[0]], atol=1e-13)


@pytest.mark.parametrize("case", [c for c in CASES if len(c[2]) == 2], ids=str)
def test_scipy_correlate_2d(case):
    W, _ = make(case)
    x = normal((W.M, *W.D))
    for i, h in enumerate(W.analysis(x)):
        full = sum(scipy.signal.correlate2d(x[m], W.filters[i, m], mode="valid") for m in range(W.M))
        np.testing.assert_allclose(h, full[:: W.stride[0], :: W.stride[1]], atol=1e-13)


def test_synthesis_is_full_convolution_at_stride_one():
    W, _ = make(CASES[1])
    z = normal((W.K, *W.n))
    full = sum(scipy.signal.convolve(z[i], W.filters[i, 0]) for i in range(W.K))
    np.testing.assert_allclose(W.synthesis(z)[0], full, atol=1e-13)


def test_a_large_batch_is_fast_enough_and_needs_little_memory():
    W = FilterBank(normal((16, 2, 16)), (2, 128))
    x, z = normal((3000, 2, 128)), normal((3000, 16, *W.n))
    W.analysis(x[:2])
    for call, signal in ((W.analysis, x), (W.synthesis, z)):
        tracemalloc.start()
        out = call(signal)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # All columns at once would need 87 MB; the result and two chunks are all that is allowed.
        assert peak < out.nbytes + 3 * operators.CHUNK_BYTES


def test_work_grows_with_chunks_not_with_the_batch(monkeypatch):
    W = FilterBank(normal((4, 1, 8)), (1, 64))
    calls = []
    matmul = np.matmul
    monkeypatch.setattr(operators.np, "matmul", lambda *a, **kw: calls.append(1) or matmul(*a, **kw))
    W.analysis(normal((2000, 1, 64)))
    W.synthesis(normal((2000, 4, *W.n)))
    columns = 2000 * 8 * W.n[0] * 8
    assert len(calls) <= 2 * (columns // operators.CHUNK_BYTES + 2)


def test_large_filters_are_not_read_again_for_a_few_columns(monkeypatch):
    W = FilterBank(normal((64, 16, 32)), (16, 3000))  # 262 kB of filters, 12 MB of columns
    calls = []
    matmul = np.matmul
    monkeypatch.setattr(operators.np, "matmul", lambda *a, **kw: calls.append(1) or matmul(*a, **kw))
    monkeypatch.setattr(operators, "CHUNK_BYTES", 1 << 12)
    W.analysis(normal((16, 3000)))
    W.synthesis(normal((64, *W.n)))
    assert len(calls) == 2 * -(-W.n[0] // (4 * 64))


def test_adjoint_error_notices():
    W, dense = make(CASES[2])
    rows, columns = W.shape

    def operator(forward, backward):
        return LinearOperator((rows, columns), matvec=forward, rmatvec=backward, dtype=float)

    assert adjoint_error(dense, rng=0) < 1e-14
    assert adjoint_error(W.tosparse(), rng=0) < 1e-14
    assert adjoint_error(operator(lambda x: dense @ x, lambda z: 2 * (dense.T @ z)), rng=0) > 1e-3
    assert adjoint_error(operator(lambda x: dense @ x, lambda z: -(dense.T @ z)), rng=0) > 1e-3
    assert adjoint_error(operator(lambda x: 0 * (dense @ x), lambda z: dense.T @ z), rng=0) > 1e-3
    assert adjoint_error(np.zeros((3, 4)), rng=0) == 0.0
    assert adjoint_error(W, rng=5) == adjoint_error(W, rng=np.random.default_rng(5))
