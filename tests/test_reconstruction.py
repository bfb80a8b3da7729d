"""One layer back: the reconstruction and its certificate against dense W; bounds that no layer breaks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import layer

from cnninv_lite import (
    BlockModel,
    FilterBank,
    certificate,
    gaussian_filters,
    reconstruct,
    reconstruction_bound,
    relative_error,
)

PHI = (1 + 5**0.5) / 2
LAYERS = [  # K, M, ell, D, stride, k
    (4, 6, (3,), (9,), 1, 2),
    (5, 8, (4,), (11,), 2, 3),
    (3, 5, (2,), (3,), 3, 2),  # one position
    (3, 4, (2, 3), (5, 4), 1, 2),
    (4, 6, (3, 2), (6, 6), (2, 1), 3),
]


def dense_certificate(A, S, F):
    """Compute the bound from the rows of the dense W, one support at a time."""
    T = sorted(set(S) | set(F))
    G, own = A[T] @ A[T].T, A[list(S)] @ A[list(S)].T
    deviation = np.linalg.norm(G - np.eye(len(T)), 2)
    golden = deviation * np.sqrt(np.linalg.eigvalsh(G)[-1] / np.linalg.eigvalsh(own)[0])
    if set(S) <= set(F):
        return min(deviation, golden)
    golden *= 1 if set(F) <= set(S) else PHI
    return min(golden, reconstruction_bound(deviation, version="sharp"))


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("shape", LAYERS)
def test_reconstruct_against_dense(shape, nonnegative):
    *shape, k = shape
    W, x = layer(*shape), np.random.default_rng(1).standard_normal((2, 3, shape[1], *shape[3]))
    A, model, result = W.toarray(), BlockModel(W.K, W.n, k), reconstruct(W, x, k, nonnegative=nonnegative)
    for at in np.ndindex(2, 3):
        z = model.project(A @ x[at].ravel(), nonnegative=nonnegative)
        back = A.T @ z
        np.testing.assert_allclose(result.z[at].ravel(), z, atol=1e-12)
        np.testing.assert_allclose(result.x[at].ravel(), back, atol=1e-12)
        error = np.linalg.norm(back - x[at].ravel()) / np.linalg.norm(x[at])
        assert result.relative_error[at] == pytest.approx(error)


@pytest.mark.parametrize("shape", LAYERS)
def test_certificate_against_dense_in_every_form(shape):
    *shape, k = shape
    W = layer(*shape)
    model, A = BlockModel(W.K, W.n, k), W.toarray()
    z, found = model.sample(6, rng=2), model.sample(6, rng=3)
    found[0], found[1] = z[0], 0  # the same support, and none found
    bounds = certificate(W, z, found)
    np.testing.assert_allclose(certificate(W, z != 0, found), bounds)
    np.testing.assert_allclose(
        certificate(W, z.reshape(2, 3, *z.shape[1:]), found.reshape(2, 3, *z.shape[1:])).ravel(), bounds
    )
    for one, other, bound in zip(z, found, bounds, strict=True):
        S, F = np.flatnonzero(one), np.flatnonzero(other)
        assert bound == pytest.approx(dense_certificate(A, S, F))
        assert certificate(W, S, F) == certificate(W, S.tolist(), other) == pytest.approx(bound)
        assert certificate(W, S[::-1], np.tile(F, 2)) == pytest.approx(bound)  # supports are sets
    np.testing.assert_allclose(
        certificate(W, np.flatnonzero(z[2]), found)[2], bounds[2]
    )  # one against a batch


@given(
    seed=st.integers(0, 10**6),
    K=st.integers(1, 6),
    M=st.integers(1, 12),
    ell=st.integers(1, 4),
    extra=st.integers(0, 6),
    stride=st.integers(1, 3),
    scale=st.sampled_from([0.5, 0.9, 1.0, 1.2]),
    nonnegative=st.booleans(),
    two=st.booleans(),
    sign=st.booleans(),
    data=st.data(),
)
def test_certificate_is_never_violated(seed, K, M, ell, extra, stride, scale, nonnegative, two, sign, data):
    rng, axes = np.random.default_rng(seed), 2 if two else 1
    W = FilterBank(
        scale * gaussian_filters(K, M, (ell,) * axes, rng=rng), (M, *(ell + extra,) * axes), stride
    )
    k = data.draw(st.integers(1, K))
    z = BlockModel(K, W.n, k).sample(20, rng=rng, values="sign" if sign else "normal")
    z = np.abs(z) if nonnegative else z
    result = reconstruct(W, W.synthesis(z), k, nonnegative=nonnegative)
    bound = certificate(W, z, result.z)
    assert (result.relative_error <= bound * (1 + 1e-9) + 1e-9).all()


def test_certificate_is_attained_where_the_support_is_found():
    W = FilterBank([[[0.8]]], (1, 1))
    result = reconstruct(W, [[3.0]], 1)
    assert result.relative_error == pytest.approx(0.36)
    assert certificate(W, [0], [0]) == pytest.approx(0.36)


@pytest.mark.parametrize("delta", [0.1, 0.01])
def test_the_golden_ratio_is_approached(delta):
    """The worst layer of the code bound: G = I + delta R, R the reflection that swaps z/|z| and e/|e|."""
    b = np.sqrt((5 - 5**0.5) / 10)
    a = np.sqrt(1 - b**2)
    e = delta * np.array([a + 1e-6, 0.0, -b])  # found, in both, missed
    z = np.array([0.0, 0.0, delta * (a + b - 1e-6)])
    z[1] = np.sqrt(1 - z @ z)
    v = z - e / np.linalg.norm(e)
    v /= np.linalg.norm(v)
    G = np.eye(3) + delta * (np.eye(3) - 2 * np.outer(v, v))
    W = FilterBank(np.linalg.cholesky(G)[:, :, None], (3, 1))
    z = z[:, None]
    result = reconstruct(W, W.synthesis(z), 2)
    assert np.flatnonzero(result.z).tolist() == [0, 1]
    np.testing.assert_allclose(np.linalg.norm(result.z - z), PHI * delta, rtol=1e-5)
    bound = certificate(W, z, result.z)
    assert 1 - 2 * delta < result.relative_error / bound <= 1


def test_certificate_at_its_ends():
    W = FilterBank([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]], (1, 2))
    none = np.zeros((3, 1))
    assert certificate(W, [0, 1], [0, 2]) == np.inf  # dependent rows: x may be 0 though z is not
    assert certificate(W, none, [0, 2]) == certificate(W, [], [0]) == certificate(W, [], []) == 0
    assert certificate(W, [0], [0]) == 0
    assert certificate(W, [0], none) == 0  # nothing found: W x is zero on S, which G_S = 1 excludes
    assert certificate(W, np.zeros((0, 3, 1)), [0]).shape == (0,)
    W32 = FilterBank(W.filters.astype(np.float32), (1, 2))
    assert certificate(W32, [0, 1], [0, 2]) == np.inf


def test_certificate_of_long_inputs_and_far_supports():
    W = layer(3, 4, (5,), (400,), 3)
    A = W.toarray()
    S, F = [0, 200, 300], [1, 131, 320]
    assert certificate(W, S, F) == pytest.approx(dense_certificate(A, S, F))


@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 3), nonnegative=st.booleans(), two=st.booleans())
def test_energy_identity(seed, scale, nonnegative, two):
    rng, axes = np.random.default_rng(seed), 2 if two else 1
    W = FilterBank(scale * gaussian_filters(4, 3, (3,) * axes, rng=rng), (3, *(8,) * axes), 2)
    x = rng.standard_normal((2, 3, 3, *(8,) * axes))  # anything, no code needed
    result = reconstruct(W, x, 3, nonnegative=nonnegative)
    over = tuple(range(2, x.ndim))
    energy = [np.sum(a**2, axis=over) for a in (x, result.z, result.x)]
    error = energy[0] - 2 * energy[1] + energy[2]  # from the code and the norm of x
    np.testing.assert_allclose(error, ((result.x - x) ** 2).sum(axis=over), rtol=1e-10, atol=1e-12)


W = layer(2, 3, (2,), (5,), 1)
CODE = np.zeros((2, 4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: certificate(np.eye(3), [0], [0]), TypeError, "W must be a FilterBank"),
        (lambda: certificate(W, [0, 8], [0]), ValueError, r"true_support .* 0\.\.7"),
        (lambda: certificate(W, [0], [-1]), ValueError, r"found_support .* 0\.\.7"),
        (lambda: certificate(W, [0.5], [0]), TypeError, "true_support .* float64"),
        (lambda: certificate(W, [True, False], [0]), TypeError, "true_support .* bool"),
        (lambda: certificate(W, np.zeros((2, 5)), [0]), ValueError, r"true_support .*\(2, 5\)"),
        (lambda: certificate(W, 3, [0]), ValueError, "true_support"),
        (lambda: certificate(W, CODE * np.nan, [0]), ValueError, "true_support .* NaN"),
        (lambda: certificate(W, CODE, CODE + 1j), TypeError, "found_support .* complex"),
        (lambda: certificate(W, np.zeros((3, 2, 4)), np.zeros((2, 2, 4))), ValueError, r"\(3,\) and \(2,\)"),
        (lambda: reconstruct(W, np.zeros((3, 4)), 1), ValueError, "x "),
        (lambda: reconstruct(W, np.zeros((3, 5)), 3), ValueError, r"k .* 1\.\.2"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_relative_error_where_the_target_is_zero():
    target = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    seen = relative_error(np.array([[0.0, 0.0], [0.5, 0.0], [3.0, 5.0]]), target, axes=1)
    assert seen.tolist() == [0.0, np.inf, 0.2]
    assert type(relative_error([3.0], [4.0])) is float


def test_one_code_gives_one_number():
    W = FilterBank([[[0.6, 0.8]]], (1, 4), stride=2)
    result = reconstruct(W, [[0.6, 0.8, 0.3, -0.4]], k=1)
    assert type(result.relative_error) is type(certificate(W, [0], [0])) is float


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sign", [-1, 1])
def test_scale_makes_no_difference(dtype, sign):
    """Times a power of two, up or down: the same relative error and the same code, to the last bit."""
    power = sign * (500 if dtype is np.float64 else 75)
    W = layer(4, 6, (3,), (9,), 1)
    W = FilterBank(W.filters.astype(dtype), (6, 9))
    x = np.random.default_rng(1).standard_normal((5, 6, 9)).astype(dtype)
    one, scaled = reconstruct(W, x, 2), reconstruct(W, np.ldexp(x, power), 2)
    assert scaled.z.dtype == scaled.x.dtype == dtype
    np.testing.assert_array_equal(scaled.z, np.ldexp(one.z, power))
    np.testing.assert_array_equal(scaled.relative_error, one.relative_error)
    np.testing.assert_array_equal(certificate(W, np.ldexp(one.z, power), one.z), certificate(W, one.z, one.z))


def test_results_print_in_a_line_and_compare_without_an_error():
    W = layer(4, 6, (3,), (90,), 1)
    result = reconstruct(W, np.ones((50, 6, 90)), 2)
    assert result == result
    assert result != reconstruct(W, np.ones((50, 6, 90)), 2)
    assert "x of shape (50, 6, 90)" in repr(result)
    assert len(repr(result)) < 200


def test_certificate_of_batches_one_inside_the_other():
    W = layer(4, 6, (3,), (9,), 1)
    true, found = [0, 8], [0, 8, 15]
    masks = np.zeros((2, W.shape[0]), bool)
    masks[0, true], masks[1, found] = True, True
    masks = masks.reshape(2, 4, -1)
    both = certificate(W, masks, masks[::-1])  # found holds true, then true holds found
    A = W.toarray()
    expected = [dense_certificate(A, true, found), dense_certificate(A, found, true)]
    np.testing.assert_allclose(both, expected)


def test_pooling_is_by_magnitude_unless_asked_for():
    W = FilterBank([[[1.0]]], (1, 2))
    assert reconstruct(W, [[-3.0, 1.0]], k=1).z.tolist() == [[-3.0, 0.0]]


# The sharp curve


# What a RIP constant guarantees
