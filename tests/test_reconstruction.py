"""One layer back: the reconstruction and its certificate against dense W; bounds that no layer breaks."""

from fractions import Fraction
from itertools import combinations, pairwise, product, zip_longest
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import dense_matrix, largest_supports, rip_constant
from scipy.optimize import minimize, nnls

from cnninv_lite import (
    BlockModel,
    FilterBank,
    certificate,
    code_bound,
    depth_bound,
    gain_bound,
    gaussian_filters,
    iht_rate,
    reconstruct,
    reconstruction_bound,
    relative_error,
    sharp_certificate,
)

PHI = (1 + 5**0.5) / 2
VERSIONS = ("paper", "sharp", "direct", "energy", "best")
LAYERS = [  # K, M, ell, D, stride, k
    (4, 6, (3,), (9,), 1, 2),
    (5, 8, (4,), (11,), 2, 3),
    (3, 5, (2,), (3,), 3, 2),  # one position
    (3, 4, (2, 3), (5, 4), 1, 2),
    (4, 6, (3, 2), (6, 6), (2, 1), 3),
]


def layer(K, M, ell, D, stride, rng=0):
    return FilterBank(gaussian_filters(K, M, ell, rng=rng), (M, *D), stride)


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


def forms(d, c, pi, g):
    """Return the two forms of the proof, on the common places and on the lost ones, and beta."""
    beta = pi - 1 - d + 2 * c
    common = [g - pi * d**2 - c**2 * d, g / 2 - c * d + c**2 / 2, beta]
    lost = [g - 1 - d + 2 * c * d - c**2 * d - pi * d**2 + beta, g / 2 - c + c**2 / 2 + beta, pi + beta]
    return common, lost, beta


@given(st.integers(0, 10**6))
def test_identity_of_the_proof(seed):
    rng = np.random.default_rng(seed)
    part = np.repeat(range(3), rng.integers(1, 4, 3))
    C, L, V = (part == number for number in range(3))
    z, H = rng.standard_normal(C.size) * ~V, rng.standard_normal((C.size, C.size))
    H, (d, c, pi, g) = H + H.T, rng.standard_normal(4)
    e = H @ z
    y = np.where(L, -z, e)
    w, (*both, beta) = y + c * z, forms(d, c, pi, g)
    parts = [
        sum(a * b for a, b in zip(form, (z[at] @ z[at], 2 * z[at] @ e[at], e[at] @ e[at]), strict=True))
        for form, at in zip(both, (C, L), strict=True)
    ]
    pooling = e[V] @ e[V] - (z + e)[L] @ (z + e)[L]
    right = w @ (d * w - H @ w) + pi * (d**2 * z @ z - e @ e) + beta * pooling + sum(parts)
    left = g * (z @ z + z @ e) - (y @ y + y @ H @ y)
    assert left == pytest.approx(right, abs=1e-9 * (1 + np.abs(H).sum()) ** 2 * (z @ z))


DELTAS = [1e-9, 0.001, 0.02, 0.1, 0.1644, 0.3, 0.47, 0.6, 0.75, 0.9, 0.99, 0.999]


def test_the_certificate_proves_the_curve():
    for delta, c, pi, E in zip(DELTAS, *sharp_certificate(DELTAS), strict=True):
        common, lost, beta = forms(delta, c, pi, E**2)
        assert beta >= 0
        assert pi >= 0
        for a, b, d in (common, lost):  # eigenvalues >= 0, on the scale on which they are small
            assert min(a, d) >= -1e-15
            assert a * d - b**2 >= -1e-11 * max(abs(a * d), 1e-6)


def one_bad_direction(delta, v):
    """Return z and G = (1 + delta) I - 2 delta v v^T on places common, lost, won: a tie of the last two."""
    v = v / np.linalg.norm(v)
    kappa, both = (1 + delta) / (2 * delta), v[1] + v[2]
    angle = np.arctan2(v[0] * both, kappa - v[1] * both)
    z = np.array([np.cos(angle), np.sin(angle), 0.0])
    return z, (1 + delta) * np.eye(3) - 2 * delta * np.outer(v, v)


def spread(z, G, m):
    """Give the lost and the won value to m places each: the same norms, and small single values."""
    P = np.zeros((2 * m + 1, 3))
    P[0, 0], P[1 : m + 1, 1], P[m + 1 :, 2] = 1, m**-0.5, m**-0.5
    delta = np.linalg.eigvalsh(G)[-1] - 1
    return P @ z, (1 + delta) * np.eye(len(P)) + P @ (G - (1 + delta) * np.eye(3)) @ P.T


def worst(delta):
    """Return the worst direction by a search on the sphere, and its error: a bound from below on E."""

    def error(angles):
        a, b = angles
        z, G = one_bad_direction(delta, np.array([np.cos(a), np.sin(a) * np.cos(b), np.sin(a) * np.sin(b)]))
        u = G @ z
        y = np.array([u[0] - z[0], -z[1], u[2]])
        return np.sqrt(y @ G @ y / (z @ G @ z)), z, G

    grid = [(a, b) for a in np.linspace(0.05, 3.1, 25) for b in np.linspace(0, 6.2, 25)]
    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 2000}
    start = max(grid, key=lambda angles: error(angles)[0])
    found = minimize(lambda angles: -error(angles)[0], start, method="Nelder-Mead", options=options)
    return error(found.x)


@pytest.mark.parametrize("delta", DELTAS[1:-1])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_worst_layer_reaches_the_curve(delta, nonnegative):
    error, z, G = worst(delta)
    E = sharp_certificate(delta)[2]
    assert error == pytest.approx(E, abs=2e-9)  # the primal maximum and the dual minimum
    signs = np.sign(z)
    signs[2] = np.sign((G @ z)[2])
    z, G = signs * z, G * np.outer(signs, signs)  # now z and u are >= 0
    for m in (1, 256) if delta < 0.6 else (256,):
        code, gram = spread(z, G, m)
        u = gram @ code
        u[m + 1 :] *= 1 + 1e-12  # the tie goes to the wrong places
        found = BlockModel(2 * m + 1, 1, m + 1).project(u[:, None], nonnegative=nonnegative)[:, 0]
        assert np.flatnonzero(found).tolist() == [0, *range(m + 1, 2 * m + 1)]
        y = found - code
        seen = np.sqrt(y @ gram @ y / (code @ gram @ code))
        assert seen == pytest.approx(E, abs=1e-7)
        assert np.abs(np.linalg.eigvalsh(gram) - 1).max() == pytest.approx(delta)


def positive(poly, end):
    """Tell whether a polynomial (Fractions, constant first) is > 0 on [0, end]: by Sturm, exactly."""

    def at(p, x):
        return sum(a * x**j for j, a in enumerate(p))

    def remainder(a, b):
        a = list(a)
        while len(a) >= len(b):
            factor = a[-1] / b[-1]
            for j, value in enumerate(b):
                a[len(a) - len(b) + j] -= factor * value
            a.pop()
        while a and a[-1] == 0:
            a.pop()
        return a

    def changes(x):
        signs = [value > 0 for value in (at(p, x) for p in chain) if value != 0]
        return sum(a != b for a, b in pairwise(signs))

    chain = [poly, [j * a for j, a in enumerate(poly)][1:]]
    while len(chain[-1]) > 1 and (rest := remainder(chain[-2], chain[-1])):
        chain.append([-a for a in rest])
    return at(poly, 0) > 0 and at(poly, end) > 0 and changes(0) == changes(end)


def test_positive_can_say_no():
    F = Fraction
    assert positive([F(1), F(-1)], F(9, 10))
    assert not positive([F(1), F(-1)], F(11, 10))
    assert not positive([F(1), F(-4), F(3)], F(2))  # 1 - 4 x + 3 x^2 > 0 at both ends, < 0 between
    assert positive([F(2), F(-4), F(3)], F(2))


@pytest.mark.parametrize(
    ("slope", "pi", "end"),
    [
        (Fraction(5, 3), (Fraction(273, 100), Fraction(-27, 10)), Fraction(53, 100)),
        (Fraction(33, 20), (Fraction(272, 100), Fraction(-265, 100)), Fraction(54, 100)),
    ],
    ids=["5/3", "1.65"],
)
def test_the_curve_below_a_line_in_rational_arithmetic(slope, pi, end):
    """E <= slope delta for every delta < 1: two polynomials up to `end`, the bound from energy beyond."""
    d, c = Poly([0, 1]), Poly([0, Fraction(3, 2)])
    pi, g = Poly(pi), Poly([0, 0, slope**2])
    (a, b, beta), (p, q, r), _ = forms(d, c, pi, g)
    determinants = a * beta - b * b, p * r - q * q
    assert (determinants[0].values[:2], a.values[:2]) == ([0, 0], [0, 0])  # divide both by delta^2
    for poly in (a.values[2:], determinants[0].values[2:], determinants[1].values, beta.values, pi.values):
        assert positive(poly, end)
    assert positive(r.values, end)
    assert 2 / (1 + slope**2) <= end  # from there on sqrt(2 delta - delta^2) <= slope delta


class Poly:
    """A polynomial with rational coefficients, as far as `forms` needs it."""

    def __init__(self, values):
        self.values = [Fraction(a) for a in values]

    def __add__(self, other):
        other = other if isinstance(other, Poly) else Poly([other])
        return Poly([a + b for a, b in zip_longest(self.values, other.values, fillvalue=0)])

    def __mul__(self, other):
        other = other if isinstance(other, Poly) else Poly([other])
        out = [Fraction(0)] * (len(self.values) + len(other.values) - 1)
        for (i, a), (j, b) in product(enumerate(self.values), enumerate(other.values)):
            out[i + j] += a * b
        return Poly(out)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self + -1 * other if isinstance(other, Poly) else self + -other

    def __truediv__(self, number):
        return self * Fraction(1, number)

    def __pow__(self, power):
        return self if power == 1 else self * self ** (power - 1)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("delta", [0.1, 0.3, 0.5, 0.7])
def test_a_climb_comes_close_to_the_curve_and_never_above(delta, nonnegative):
    """Layers with n = 1, K <= 6, k <= 3 and any Gram matrix I + delta B, ||B|| = 1, with codes of theirs."""
    E, best = sharp_certificate(delta)[2], 0.0
    for rng, (K, k) in zip(np.random.default_rng(1).spawn(5), [(2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]):
        model = BlockModel(K, 1, k)

        def error(p, model=model, K=K, k=k):
            B = p[: K * K].reshape(K, K)
            B = (B + B.T) / np.abs(np.linalg.eigvalsh(B + B.T)).max()
            G, z = np.eye(K) + delta * B, np.zeros(K)
            z[:k] = np.abs(p[K * K :]) if nonnegative else p[K * K :]
            d = model.project((G @ z)[:, None], nonnegative=nonnegative)[:, 0] - z
            return np.sqrt(max(d @ G @ d, 0) / (z @ G @ z))

        seen, p = max(((error(p), p) for p in rng.standard_normal((50, K * K + k))), key=lambda pair: pair[0])
        step = 0.5
        for _ in range(1200):
            move = p + step * rng.standard_normal(p.size) * (rng.random(p.size) < 0.3)
            if (new := error(move)) > seen:
                seen, p, step = new, move, min(1.3 * step, 1)
            else:
                step = max(0.985 * step, 1e-4)
        best = max(best, seen)
    assert 0.8 * E < best <= E + 1e-9


# What a RIP constant guarantees


@st.composite
def layers(draw):
    """Draw a dense W, its model, and its constants of orders 1, 2, 3."""
    K, k = draw(st.sampled_from([(2, 1), (2, 2), (3, 2), (4, 2), (3, 3)]))
    ell, n, t = draw(
        st.sampled_from(
            [
                ((1,), (1,), (1,)),
                ((3,), (2,), (1,)),
                ((3,), (3,), (2,)),
                ((2, 2), (1, 2), (1, 1)),
                ((2,), (3,), (2,)),
            ]
        )
    )
    M = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    w = gaussian_filters(K, M, ell, rng=rng)
    kind = draw(st.sampled_from(["random", "unit", "orthogonal", "coherent", "uneven"]))
    if kind == "unit":
        w /= np.linalg.norm(w.reshape(K, -1), axis=1).reshape(-1, *(1,) * (w.ndim - 1))
    elif kind == "orthogonal" and w[0].size >= K:
        w = np.linalg.qr(w.reshape(K, -1).T)[0].T.reshape(w.shape) + rng.uniform(0, 0.2) * w
    elif kind == "coherent":
        w = 0.9 * w + 0.3 * w[:1]
    elif kind == "uneven":
        w *= rng.uniform(0.7, 1.2, K).reshape(-1, *(1,) * (w.ndim - 1))
    size = tuple((a - 1) * b + c for a, b, c in zip(n, t, ell, strict=True))
    A, places = dense_matrix(w, size, t), int(np.prod(n))
    constants = [rip_constant(A, largest_supports(K, places, k, order)) for order in (1, 2, 3)]
    return A, BlockModel(K, places, k), constants, rng


def hard_codes(A, model, rng, nonnegative=False):
    """Yield codes of the model: random ones, then the worst of a climb on the relative error."""

    def error(z):
        x = A.T @ z
        return np.linalg.norm(A.T @ model.project(A @ x, nonnegative=nonnegative) - x) / np.linalg.norm(x)

    start = [code.ravel() for code in model.sample(12, rng=rng)]
    start = [np.abs(z) for z in start] if nonnegative else start
    yield from start
    z = max(start, key=error)
    seen = error(z)
    for step in 0.5 ** np.arange(25):
        moved = z * (1 + step * rng.standard_normal(z.shape))
        moved = np.abs(moved) if nonnegative else moved
        if (new := error(moved)) > seen:
            seen, z = new, moved
    yield z


@given(layers(), st.booleans(), st.sampled_from([0.0, 0.02, 0.5]))
def test_no_layer_breaks_a_reconstruction_bound(layer, nonnegative, level):
    A, model, (d1, d2, _), rng = layer
    errors, noise, most = [], [], code_bound(d2, noise=level) + 1e-9
    for z in hard_codes(A, model, rng, nonnegative):
        r = rng.standard_normal(A.shape[1])
        r *= level * np.linalg.norm(z) / np.linalg.norm(r)
        x = A.T @ z + r
        found = model.project(A @ x, nonnegative=nonnegative)
        size = np.linalg.norm(x)
        assert np.linalg.norm(found - z) <= most * np.linalg.norm(z)
        if np.linalg.norm(r) <= size:
            errors.append(np.linalg.norm(A.T @ found - x) / size)
            noise.append(np.linalg.norm(r) / size)
    for version in VERSIONS:
        bounds = reconstruction_bound(d2, d1, version=version, noise=noise)
        assert (np.array(errors) <= bounds + 1e-9).all(), version


@given(layers(), st.booleans())
def test_energy_bound_for_any_input(layer, nonnegative):
    A, model, (d1, d2, _), rng = layer
    if d1 > 1:
        return
    for x in rng.standard_normal((10, A.shape[1])):
        distances = [0.0 if nonnegative else x @ x]
        for support in largest_supports(model.n_blocks, model.block_size, model.k, 1):
            columns = A[list(support)].T
            if nonnegative:
                distances.append(x @ x - nnls(columns, x)[1] ** 2)
            else:
                distances.append(x @ x - np.sum((x - columns @ np.linalg.lstsq(columns, x)[0]) ** 2))
        far = sqrt(max(0.0, 1 - max(distances[1:]) / (x @ x)))
        found = A.T @ model.project(A @ x, nonnegative=nonnegative)
        bound = reconstruction_bound(max(d1, d2), d1, version="energy", noise=min(1.0, far))
        assert np.linalg.norm(found - x) / np.linalg.norm(x) <= bound + 1e-9


@given(layers())
def test_no_layer_breaks_the_bound_with_the_gain(layer):
    A, model, (d1, *_), rng = layer
    if d1 > 1:
        return
    bound = gain_bound([d1])
    for z in hard_codes(A, model, rng):
        x = A.T @ z
        found = model.project(A @ x)
        back = A.T @ found
        error = np.linalg.norm(back * (found @ found) / (back @ back) - x) / np.linalg.norm(x)
        assert error <= bound + 1e-9


@given(layers())
def test_other_places_hear_crosstalk_alone(layer):
    """Values moved off the support of z: the identity of fixed switches, and how little they agree with x."""
    A, model, (_, d2, _), rng = layer
    for z in hard_codes(A, model, rng):
        x = A.T @ z
        moved = model.sample(rng=rng).ravel() * (z == 0)  # P_F^T v
        inner, fixed = moved @ (A @ x), A.T @ moved
        assert np.sum((fixed - x) ** 2) == pytest.approx(x @ x + fixed @ fixed - 2 * inner)
        assert abs(inner) <= d2 * np.linalg.norm(moved) * np.linalg.norm(z) + 1e-9


@given(layers(), st.floats(0.05, 3))
def test_no_layer_breaks_the_rate_of_iht(layer, distance):
    A, model, (_, d2, d3), rng = layer
    rate = iht_rate(d3, delta_2k=d2)
    assert rate == min(iht_rate(d3), iht_rate(delta_2k=d2))
    for z in hard_codes(A, model, rng):
        before = model.project(z + distance * model.sample(rng=rng).ravel())
        after = model.project(before + A @ (A.T @ (z - before)))
        assert np.linalg.norm(after - z) <= rate * np.linalg.norm(before - z) + 1e-9


def test_golden_ratio_is_attained_in_the_code():
    delta, tilt = 0.3, 1e-7
    a, b = np.array([PHI, 1]) / np.hypot(PHI, 1)
    z = np.array([0.0, a + b - tilt, 0.0])
    z[0] = sqrt(1 / delta**2 - z[1] ** 2)
    e = np.array([0.0, -b, a])
    mirror = z * delta - e  # the reflection across it swaps z / |z| and e
    G = np.eye(3) + delta * (np.eye(3) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))
    A = np.linalg.cholesky(G)
    assert rip_constant(A, [(0, 1, 2)]) == pytest.approx(delta)
    found = BlockModel(3, 1, 2).project(A @ A.T @ z)
    assert np.linalg.norm(found - z) / np.linalg.norm(z) == pytest.approx(code_bound(delta), rel=1e-6)


@pytest.mark.parametrize("delta", [0.1, 0.5, 0.9])
def test_energy_bound_is_attained_for_one_active_filter(delta):
    G = np.array([[1 - delta, 1 - delta + 1e-9], [1 - delta + 1e-9, 1 + delta]])
    A = np.linalg.cholesky(G)
    x = A[0]
    found = A.T @ BlockModel(2, 1, 1).project(A @ x)
    bound = reconstruction_bound(1.0, delta, version="energy")
    assert np.linalg.norm(found - x) / np.linalg.norm(x) == pytest.approx(bound, rel=1e-6)
    gain = (found @ x) / (found @ found)
    assert np.linalg.norm(gain * found - x) / np.linalg.norm(x) == pytest.approx(
        gain_bound([delta]), rel=1e-6
    )


def test_hypothesis_of_the_theorem_is_needed():
    A, x = np.array([[1.0, 0.0]]), np.array([0.0, 1.0])  # delta = 0, but x is no W^T z
    assert reconstruction_bound(0.0, version="paper") == 0
    assert np.linalg.norm(A.T @ BlockModel(1, 1, 1).project(A @ x) - x) == 1
    A, x = np.eye(2), np.ones(2)  # nor if the rows of W are a basis
    assert rip_constant(A, [(0, 1)]) == 0
    assert np.linalg.norm(A.T @ BlockModel(2, 1, 1).project(A @ x) - x) == 1


def test_reconstruction_bounds_by_hand_and_in_order():
    delta = np.linspace(0, 0.99, 100)
    rho = np.sqrt((1 + delta) / (1 - delta))
    expected = {
        "paper": 5 * delta / (1 - delta) * rho,
        "direct": delta * (rho + np.sqrt(rho**2 + 4)) / 2,
        "energy": np.sqrt(2 * delta - delta**2),
    }
    bound = {version: reconstruction_bound(delta, version=version) for version in VERSIONS}
    for version, values in expected.items():
        assert np.allclose(bound[version], values, rtol=1e-12)
    for values in bound.values():
        assert (np.diff(values) > 0).all()
    for other in ("direct", "energy"):
        assert (bound["sharp"] <= bound[other]).all()
        least = reconstruction_bound(delta, 0.0, version="direct")
        assert (bound["sharp"] <= least + 1e-15).all()  # a smaller delta_k does not help the direct bound
    assert np.array_equal(bound["best"], bound["sharp"])
    assert reconstruction_bound(0.5, 0.1) == reconstruction_bound(0.5, 0.1, version="energy")
    assert reconstruction_bound(0.147, version="paper") < 1 < reconstruction_bound(0.1472, version="paper")


@pytest.mark.parametrize("version", VERSIONS)
def test_where_a_version_says_nothing(version):
    beyond = {"paper": (1.0, 0.5), "sharp": (1.0, 0.5), "direct": (1.0, 0.5), "energy": (2.0, 1.1)}
    d2, d1 = beyond.get(version, (2.0, 1.1))
    assert reconstruction_bound(d2, d1, version=version) == inf
    assert reconstruction_bound(0.0, version=version) == 0
    both = reconstruction_bound(np.array([[0.1], [d2]]), np.array([[0.1], [d1]]), version=version)
    assert both.shape == (2, 1)
    assert np.isfinite(both[0, 0])
    assert both[1, 0] == inf
    noisy = reconstruction_bound(0.1, version=version, noise=[0.0, 0.1, 0.2])
    assert noisy.shape == (3,)
    assert (noisy[1:] == inf).all() if version == "paper" else (np.diff(noisy) > 0).all()


def test_iht_thresholds():
    assert iht_rate(1 / PHI) == pytest.approx(1)
    assert iht_rate(delta_2k=0.3708) < 1 < iht_rate(delta_2k=0.3709)
    assert iht_rate([0.1, 0.2], delta_2k=0.1).tolist() == [PHI * 0.1, 5 / 3 * PHI * 0.1]


@given(st.integers(0, 10**6), st.integers(2, 3))
def test_depth_bound_on_dense_layers(seed, depth):
    """Go up through layers of one position, each pooled code the next input, and down with the switches."""
    rng = np.random.default_rng(seed)
    width, x = int(rng.integers(4, 9)), None
    layers, widths = [], []
    for _ in range(depth):
        K = int(rng.integers(2, 7))
        layers.append(gaussian_filters(K, width, 1, rng=rng)[:, :, 0])
        widths.append(width)
        width = K
    x = top = rng.standard_normal(widths[0])
    inputs, codes, errors, deltas = [], [], [], []
    for A in layers:
        k = int(rng.integers(1, len(A) + 1))
        z = BlockModel(len(A), 1, k).project(A @ x)
        errors.append(np.linalg.norm(A.T @ z - x) / np.linalg.norm(x))
        deltas.append(rip_constant(A, list(combinations(range(len(A)), k))))
        inputs.append(x)
        codes.append(z)
        x = z
    back = layers[-1].T @ codes[-1]
    for A, z in zip(layers[-2::-1], codes[-2::-1], strict=True):
        back = A.T @ np.where(z != 0, back, 0)
    assert np.linalg.norm(back - top) <= (depth_bound(errors, deltas) + 1e-9) * np.linalg.norm(top)


BAD = [
    (reconstruction_bound, {"delta_2k": -0.1}, ValueError, "delta_2k must be >= 0, but got -0.1"),
    (reconstruction_bound, {"delta_2k": 0.1, "delta_k": 0.2}, ValueError, "delta_k must not exceed delta_2k"),
    (reconstruction_bound, {"delta_2k": [0.1, np.nan]}, ValueError, "delta_2k must be finite"),
    (reconstruction_bound, {"delta_2k": "a"}, TypeError, "delta_2k must be"),
    (reconstruction_bound, {"delta_2k": 0.1, "noise": 1.5}, ValueError, "noise must be"),
    (reconstruction_bound, {"delta_2k": 0.1, "version": "phi"}, ValueError, "one of 'best', 'paper'"),
    (reconstruction_bound, {"delta_2k": [0.1] * 2, "delta_k": [0.1] * 3}, ValueError, "broadcast"),
    (code_bound, {"delta_2k": 0.1, "noise": -1}, ValueError, "noise must be >= 0"),
    (sharp_certificate, {"delta": [0.1, 1.0]}, ValueError, "delta must be < 1, but got 1.0"),
    (sharp_certificate, {"delta": -0.1}, ValueError, "delta must be >= 0"),
    (iht_rate, {}, ValueError, "needs delta_3k or delta_2k"),
    (iht_rate, {"delta_3k": -1}, ValueError, "delta_3k must be >= 0"),
    (depth_bound, {"errors": [0.1], "deltas": [0.1, 0.2]}, ValueError, "(1,) and (2,)"),
    (depth_bound, {"errors": [], "deltas": []}, ValueError, "one entry per layer"),
    (depth_bound, {"errors": [-0.1], "deltas": [0.1]}, ValueError, "errors must be >= 0"),
]


@pytest.mark.parametrize(("function", "arguments", "error", "sentence"), BAD)
def test_bad_numbers(function, arguments, error, sentence):
    with pytest.raises(error) as caught:
        function(**arguments)
    assert sentence in str(caught.value)
