"""The exact law of ||W^T z||^2 over random Gaussian filters: a mixture of chi-square variables."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, pi, prod, sqrt

import numpy as np
from scipy.sparse import csr_array

from ._checks import as_generator, as_real, as_sizes, exponent
from .layer import FilterBank

__all__ = [
    "EnergyLaw",
    "energy_law",
    "sizes_of",
]


@dataclass(frozen=True, eq=False)
class EnergyLaw:
    """The law of Q = sum_j a_j X_j with independent X_j, each chi-square with M degrees of freedom.

    Attributes
    ----------
    weights : ndarray of shape (J,)
        The positive weights a_j = lambda_j / (M ell), largest first.
    dof : int
        Degrees of freedom of each term: the number of channels M.

    Notes
    -----
    `cdf` and `sf` invert the characteristic function numerically along a parabola through the saddle point.
    The smaller of the two has about ten correct digits, far into either tail.
    """

    weights: np.ndarray
    dof: int

    def __repr__(self) -> str:
        largest, smallest = self.weights[0], self.weights[-1]
        return f"EnergyLaw({self.weights.size} weights from {largest:.4g} to {smallest:.4g}, dof={self.dof})"

    @property
    def mean(self) -> float:
        """The expectation of Q: ||z||^2 for the law of ||W^T z||^2."""
        return float(self.dof * self.weights.sum())

    @property
    def variance(self) -> float:
        """The variance of Q: 2 M sum_j a_j^2."""
        return float(2 * self.dof * np.square(self.weights / self.mean).sum()) * self.mean * self.mean

    def cdf(self, x):
        """Return P(Q <= x), an array of the shape of `x`."""
        return self._probability(x, upper=False)

    def sf(self, x):
        """Return P(Q > x), an array of the shape of `x`."""
        return self._probability(x, upper=True)

    def tail(self, deviation):
        """Return P(|Q - E Q| >= deviation * E Q), an array of the shape of `deviation` >= 0."""
        deviation = _deviation(deviation)
        return self.cdf(self.mean * (1 - deviation)) + self.sf(self.mean * (1 + deviation))

    def tail_bound(self, deviation):
        """Return the bound of Laurent and Massart on `tail`, from the two norms of the weights.

        With a the vector of all M J weights, P(Q - E Q >= 2 ||a||_2 sqrt(tau) + 2 ||a||_inf tau) and
        P(Q - E Q <= -2 ||a||_2 sqrt(tau)) are both at most exp(-tau).

        References
        ----------
        Laurent and Massart (2000), Lemma 1.
        """
        gap, shares = _deviation(deviation), self.weights / self.mean
        norm, largest = sqrt(self.dof * np.square(shares).sum()), shares[0]
        upper = np.square((np.sqrt(norm**2 + 2 * largest * gap) - norm) / (2 * largest))
        lower = np.square(gap / (2 * norm))
        return np.minimum(1.0, np.exp(-upper) + np.exp(-lower) * (gap <= 1))

    def sample(self, size=None, *, rng=None):
        """Draw from the law.

        Parameters
        ----------
        size : None, int or tuple of int
            Shape of the result; None gives one number.
        rng : None, int or numpy.random.Generator

        Returns
        -------
        float or ndarray of shape `size`
        """
        rng = as_generator(rng)
        total = np.zeros(() if size is None else as_sizes(size, "size"))
        for weight, count in zip(*np.unique(self.weights, return_counts=True)):
            total += weight * rng.chisquare(self.dof * int(count), total.shape)
        return float(total) if size is None else total

    def _probability(self, x, upper: bool):
        x = as_real(x, "x")
        out = np.array([self._tail_at(float(value), upper) for value in x.ravel()]).reshape(x.shape)
        return float(out) if out.ndim == 0 else out

    def _tail_at(self, x: float, upper: bool) -> float:
        ratio = x / self.mean
        if ratio <= 1e-280:
            return 1.0 if upper else 0.0
        weights, counts = np.unique(self.weights / self.mean, return_counts=True)
        value = _saddle_integral(weights, self.dof * counts, ratio)
        return value if upper == (ratio >= 1) else 1 - value


def _saddle_integral(weights: np.ndarray, dof: np.ndarray, x: float) -> float:
    """Return P(Q > x) for x >= 1 and P(Q <= x) for x < 1, where E Q = 1 and X_j has dof_j degrees of freedom.

    With the cumulant function C(s) = -sum_j (dof_j / 2) log(1 - 2 a_j s), P(Q > x) is the integral of
    exp(C(s) - s x) / s over a line left of every branch point and right of 0, divided by 2 pi i; left of 0
    it is -P(Q <= x). The line starts at the saddle point c and is bent to the right, where nothing is in the
    way, into a hyperbola with the curvature of steepest descent. Its slopes stay above 2, and there the
    integrand is nowhere larger than at c. A probability below exp(-750) is 0.
    """
    from scipy.integrate import quad
    from scipy.optimize import brentq

    def slope(s, power=1):
        return np.sum(dof * (weights / (1 - 2 * weights * s)) ** power)

    def height_at(s):
        return -0.5 * np.log(1 - 2 * np.multiply.outer(s, weights)) @ dof - s * x

    largest = weights.max()
    if x > 1 and height_at(0.49 / largest) < -750:
        return 0.0
    keep_off = 0.5 / sqrt(2 * slope(0.0, 2))  # near the mean, c keeps away from the pole at 0
    if abs(x - 1) < 1e-9:
        c = keep_off if x >= 1 else -keep_off
    elif x > 1:
        far = (1 - largest / (2 * x)) / (2 * largest)  # its term of the slope alone is 2 x
        c = max(brentq(lambda s: slope(s) - x, 0.0, far, xtol=1e-15), keep_off)
    else:
        c = min(brentq(lambda s: slope(s) - x, -dof.sum() / x, 0.0, xtol=1e-15), -keep_off)
    terms = weights / (1 - 2 * weights * c)  # of the second derivative of C, and of its third
    most = terms.max()
    second, third = dof @ (terms / most) ** 2, dof @ (terms / most) ** 3
    width, turn = 1 / (most * sqrt(2 * second)), 0.375 * second / (most * third)

    height = height_at(c)
    if height < -750:
        return 0.0

    def integrand(v):
        y = v * width
        root = hypot(1.0, y / turn)
        s = c + turn * (root - 1) / 2 + 1j * y
        return (np.exp(height_at(s) - height) / s * (1 - 0.5j * y / (turn * root))).real

    area = quad(integrand, 0, np.inf, epsabs=1e-12 / abs(c), epsrel=1e-10, limit=400)[0]
    return float(np.sign(c) * area * width / pi * exp(height))


def _deviation(deviation) -> np.ndarray:
    deviation = as_real(deviation, "deviation")
    if deviation.size and deviation.min() < 0:
        raise ValueError(f"deviation must be >= 0, but got {deviation.min()}.")
    return deviation


def energy_law(W, z, *, stride=None) -> EnergyLaw:
    """Return the law of ||W^T z||^2 for a fixed code z and filters with independent N(0, 1/(M ell)) entries.

    With Z_i the banded matrix that takes a filter to its share of the output, and lambda_j the eigenvalues
    of sum_i Z_i Z_i^T, exactly in distribution

        ||W^T z||^2 = 1/(M ell) sum_j lambda_j X_j,    X_j independent, chi-square with M degrees of freedom.

    Parameters
    ----------
    W : FilterBank or tuple of int
        The layer, of which only the shape is used, or that shape: (K, M, *ell).
    z : array_like of shape (K, *n)
        The code.
    stride : None, int or tuple of int
        With a shape, the step t (None means 1). A FilterBank brings its own.

    Returns
    -------
    EnergyLaw

    Raises
    ------
    ValueError
        If shapes disagree, or z is zero.

    References
    ----------
    It sharpens the concentration step in the proof of Gilbert et al. (2017), Theorem 3.1.

    Examples
    --------
    >>> z = np.zeros((2, 4))
    >>> z[0, 1], z[1, 2] = 0.6, 0.8  # two filters of length 2, overlapping in one position
    >>> law = energy_law((2, 8, 2), z)
    >>> law.weights * 16  # the energy of z over each position of the input
    array([1.  , 0.64, 0.36])
    >>> round(law.mean, 12), round(law.sf(1.5), 4)
    (1.0, 0.0671)
    """
    K, M, ell, steps = sizes_of(W, stride)
    z = as_real(z, "z").astype(float)
    if z.ndim != 1 + len(ell) or z.shape[0] != K or 0 in z.shape:
        expected = f"({K}, {', '.join('n' * len(ell))})"
        raise ValueError(f"z must have shape (K, *n) = {expected}, but got shape {z.shape}.")
    if not z.any():
        raise ValueError("z must not be zero, because then W^T z is 0 for all filters, but got zeros alone.")
    e = exponent(z)
    weights = _eigenvalues(np.ldexp(z, -e), ell, steps) / (M * prod(ell))
    return EnergyLaw(np.ldexp(weights, 2 * e.item()), M)


def sizes_of(W, stride=None) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """Return K, M, ell and the stride of a FilterBank, or of a shape (K, M, *ell) with `stride`."""
    if isinstance(W, FilterBank):
        if stride is not None:
            raise ValueError(f"stride must be left out when W is a FilterBank, but got {stride!r}.")
        return W.K, W.M, W.ell, W.stride
    shape = as_sizes(W, "W")
    if len(shape) < 3:
        raise ValueError(f"W must be a FilterBank or a shape (K, M, *ell), but got {W!r}.")
    K, M, *ell = shape
    return K, M, tuple(ell), as_sizes(1 if stride is None else stride, "stride", len(ell))


def _eigenvalues(z: np.ndarray, ell: tuple[int, ...], stride: tuple[int, ...]) -> np.ndarray:
    """Return the positive eigenvalues of sum_i Z_i Z_i^T, largest first."""
    from scipy.sparse.csgraph import connected_components

    size = [(n - 1) * t + length for n, t, length in zip(z.shape[1:], stride, ell)]
    block, *where = np.nonzero(z)
    starts = np.asarray(np.ravel_multi_index([p * t for p, t in zip(where, stride)], size))
    taps = np.asarray(np.ravel_multi_index(list(np.indices(ell).reshape(len(ell), -1)), size))
    rows = starts[:, None] + taps
    columns = block[:, None] * len(taps) + np.arange(len(taps))
    values = np.repeat(z[z != 0], len(taps))
    Z = csr_array((values, (rows.ravel(), columns.ravel())), shape=(prod(size), len(z) * len(taps)))
    used = np.unique(rows)
    gram = (Z @ Z.T)[used][:, used]
    count, part = connected_components(gram, directed=False)
    order = np.argsort(part, kind="stable")
    found = []
    diagonal = gram.diagonal()
    for members in np.split(order, np.cumsum(np.bincount(part, minlength=count))[:-1]):
        if len(members) == 1:
            found.append(diagonal[members])
        else:
            found.append(np.linalg.eigvalsh(gram[members][:, members].toarray()))
    eigenvalues = np.sort(np.concatenate(found))[::-1]
    return eigenvalues[eigenvalues > eigenvalues[0] * 1e-13]
