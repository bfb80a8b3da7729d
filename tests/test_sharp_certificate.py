"""The sharp curve: its proof in rational arithmetic, the layer that reaches it, climbs that stay below."""

from fractions import Fraction
from itertools import pairwise, product, zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from cnninv_lite import (
    BlockModel,
    sharp_certificate,
)


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
