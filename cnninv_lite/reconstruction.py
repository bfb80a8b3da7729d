"""From the code back to the input: x^ = W^T M(W x, k), and what can be said of its error afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf, sqrt

import numpy as np

from ._checks import as_array, as_index, as_real, as_size, at_least_0, norm
from ._lags import LagTable
from .codes import BlockModel, entries
from .layer import CHUNK_BYTES, FilterBank, as_bank

__all__ = [
    "Reconstruction",
    "certificate",
    "code_bound",
    "reconstruct",
    "reconstruction_bound",
    "relative_error",
    "sharp_certificate",
]

GOLDEN = (1 + 5**0.5) / 2


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What one layer gives back.

    Attributes
    ----------
    x : ndarray of shape (..., M, *D)
        The reconstruction x^.
    z : ndarray of shape (..., K, *n)
        The pooled code z^.
    relative_error : float or ndarray of shape (...)
        ||x^ - x|| / ||x||, one for each input of the batch.
    """

    x: np.ndarray
    z: np.ndarray
    relative_error: float | np.ndarray

    def __repr__(self) -> str:
        with np.printoptions(precision=4, threshold=6, edgeitems=2):
            shapes = f"x of shape {self.x.shape}, z of shape {self.z.shape}"
            return f"Reconstruction({shapes}, relative_error={self.relative_error!r})"


def relative_error(approximation, target, axes=None):
    """Return ||approximation - target|| / ||target||; 0 where both are zero, inf where only the target is.

    Parameters
    ----------
    approximation, target : arrays of the same shape
    axes : None or int
        Number of trailing axes that make up one signal; None for all.

    Returns
    -------
    float or ndarray
        One number for each signal.
    """
    approximation, target = as_real(approximation, "approximation"), as_real(target, "target")
    if approximation.shape != target.shape:
        raise ValueError(
            "approximation and target must have one shape, but got shapes "
            f"{approximation.shape} and {target.shape}."
        )
    axes = target.ndim if axes is None else as_size(axes, "axes", high=target.ndim)
    error, size = norm(approximation - target, axes), norm(target, axes)
    with np.errstate(over="ignore"):
        ratio = np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0)
    return float(ratio) if np.ndim(ratio) == 0 else ratio


def reconstruct(W, x, k, *, nonnegative=False) -> Reconstruction:
    """Send `x` through one layer and back: z^ = M(W x, k), then x^ = W^T z^.

    Parameters
    ----------
    W : FilterBank
    x : array_like of shape (..., M, *D)
    k : int
        Filters that stay active, in 1..K.
    nonnegative : bool
        Pool with ReLU + max instead of by magnitude.

    Returns
    -------
    Reconstruction

    References
    ----------
    Gilbert et al. (2017), Section 3.

    Examples
    --------
    >>> W = FilterBank(np.eye(4)[:, None, :], (1, 8), stride=4)  # two disjoint copies of the unit vectors
    >>> reconstruct(W, [[0, 5, 0, 0, 0, 0, -7, 0]], k=2).relative_error
    0.0
    """
    as_bank(W)
    model = BlockModel(W.K, W.n, k)
    signals, batch = W.as_signals(x)
    dtype = np.result_type(signals, W.filters)
    z = np.zeros((len(signals), W.shape[0]), dtype)
    back = np.empty((len(signals), W.M, *W.D), dtype)
    step = max(1, CHUNK_BYTES // (dtype.itemsize * W.shape[0]))  # h stays in the processor's cache
    for first in range(0, len(signals), step):
        part = slice(first, first + step)
        index, value = model.pool(  # not a name for W x: the next one reuses its memory
            W.analysis(signals[part], check_finite=False), nonnegative=nonnegative, check_finite=False
        )
        np.put_along_axis(z[part], index, value, axis=1)
        back[part] = W.paint(index, value)
    back, signals = (a.reshape(*batch, W.M, *W.D) for a in (back, signals))
    error = relative_error(back, signals, axes=1 + len(W.D))
    return Reconstruction(back, z.reshape(*batch, W.K, *W.n), error)


def certificate(W, true_support, found_support):
    """Bound ||x^ - x|| / ||x|| for one input, from the Gram matrix of the two supports it involves.

    For x = W^T z with z in the model, and z^ = M(W x, k) with x^ = W^T z^, let S and S^ be the supports of
    z and z^, T their union, G the Gram matrices of the rows of W, and d = ||G_T - I||. Then

        ||x^ - x|| <= min{ E(d), c d sqrt(lambda_max(G_T) / lambda_min(G_S)) } ||x||,

    with E as in `sharp_certificate` if d < 1, and c the golden ratio, or c = 1 where one of S and S^ contains
    the other. If S^ contains S, d takes the place of E(d). No isometry constant is needed, but S has to be
    known. The bound says nothing of an x outside W^T M_k.

    Parameters
    ----------
    W : FilterBank
    true_support, found_support : array_like
        S and S^, each either a code or mask of shape (..., K, *n), whose non-zeros are the support, or a
        one-dimensional array of integers, flat indices into the K n rows of W. Batches are broadcast.

    Returns
    -------
    float or ndarray of shape (...)
        The bound; inf where lambda_min(G_S) is zero to rounding, 0 where S is empty, since x is then 0.

    Raises
    ------
    TypeError, ValueError
        If a support has another shape, indices that are not integers in 0..K n - 1, or NaN.

    Notes
    -----
    The proofs look at T alone. On T the vector e = W x - z is (G_T - I) z. If S^ contains S, or S contains S^
    (then W x is zero on the rest of S), z^ - z = e; otherwise ||z^ - z|| is at most the golden ratio times
    ||e||, because S^ holds the largest energy of W x. The same holds for z >= 0 and the projection with ReLU.

    References
    ----------
    Gilbert et al. (2017), Theorem 3.3, whose proof looks at no other rows than those of T.

    Examples
    --------
    >>> W = FilterBank([[[1.0, 0.0]], [[0.6, 0.8]]], (1, 2))
    >>> round(certificate(W, [0], [0, 1]), 3)  # S = {row 0}, S^ = both rows, <w_0, w_1> = 0.6
    0.6
    """
    as_bank(W)
    true, batch = _mask(W, true_support, "true_support")
    found, found_batch = _mask(W, found_support, "found_support")
    try:
        shape = np.broadcast_shapes(batch, found_batch)
    except ValueError:
        raise ValueError(
            "true_support and found_support must have batches that broadcast, but got the batch shapes "
            f"{batch} and {found_batch}."
        ) from None
    true, found = (
        np.broadcast_to(mask.reshape(*own, W.shape[0]), (*shape, W.shape[0])).reshape(-1, W.shape[0])
        for mask, own in ((true, batch), (found, found_batch))
    )
    lags = LagTable(W)
    union = np.linalg.eigvalsh(lags.padded_gram(*entries(true | found)))
    own = np.linalg.eigvalsh(lags.padded_gram(*entries(true)))
    deviation = np.maximum(union[:, -1] - 1, 1 - union[:, 0])
    floor = own.shape[1] * np.finfo(W.dtype).eps * own[:, -1]
    unknown = np.where(true.any(axis=1), np.inf, 0.0)
    ratio = np.divide(union[:, -1], own[:, 0], out=unknown, where=own[:, 0] > floor)
    right, fewer = (true <= found).all(axis=1), (found <= true).all(axis=1)
    sharp = np.where(deviation < 1, sharp_certificate(np.where(deviation < 1, deviation, 0))[2], inf)
    golden = np.where(right | fewer, 1.0, GOLDEN) * deviation * np.sqrt(ratio)
    bound = np.minimum(np.where(right, deviation, sharp), golden).reshape(shape)
    return float(bound) if bound.ndim == 0 else bound


def _mask(W: FilterBank, support, name: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return a support as a mask (B, K n) and the shape of its batch."""
    support = as_array(support, name)
    if support.ndim != 1:
        codes = support.astype(float) if support.dtype.kind == "b" else support
        mask, batch = W.as_codes(codes, name)
        return (mask != 0).reshape(len(mask), W.shape[0]), batch
    mask = np.zeros((1, W.shape[0]), bool)
    mask[0, as_index(support, name, W.shape[0])] = True
    return mask, ()


ROUNDING = 1e-9  # by this much delta_k may exceed delta_2k, when both were computed and are equal


def reconstruction_bound(delta_2k, delta_k=None, *, version="best", noise=0.0):
    """Return a bound on ||x^ - x|| / ||x|| for x^ = W^T M(W x, k) and x = W^T z + r, z in M_k.

    ========  ============================================================================  =================
    version   bound, without noise                                                          says something if
    ========  ============================================================================  =================
    "paper"   5 delta_2k / (1 - delta_k) sqrt((1 + delta_2k) / (1 - delta_2k))              delta_2k < 1
    "sharp"   E(delta_2k), see `sharp_certificate`: no bound from delta_2k alone is less    delta_2k < 1
    "direct"  delta_2k (rho + sqrt(rho^2 + 4)) / 2, rho^2 = (1 + delta_k) / (1 - delta_2k)  delta_2k < 1
    "energy"  sqrt(2 delta_k - delta_k^2), always below 1                                   delta_k <= 1
    "best"    the least of the last three
    ========  ============================================================================  =================

    With noise nu, "direct" becomes itself + rho nu and "energy" sqrt(1 - (1 - delta_k)^2 (1 - nu^2)). "sharp"
    becomes E(d) sqrt((1 - delta_2k) (1 + nu) (1 + 2 nu) / (1 - d)) + nu, d = delta_2k + (1 + delta_2k) nu /
    (1 - nu), if d < 1. The paper has no noise. The same bounds hold for z >= 0 and ReLU + max pooling.

    Parameters
    ----------
    delta_2k : float or array_like
        RIP constant of M_k^2, >= 0.
    delta_k : None, float or array_like
        RIP constant of M_k, in [0, delta_2k]; None takes delta_2k for it.
    version : {"best", "paper", "sharp", "direct", "energy"}
    noise : float or array_like
        ||r|| / ||x||, in [0, 1]. For "energy" the distance of x to the signals W^T z of the model will do.

    Returns
    -------
    float or ndarray
        The arguments broadcast; inf where the version says nothing.

    References
    ----------
    Gilbert et al. (2017), Theorem 3.3.

    Examples
    --------
    >>> for version in ("paper", "sharp", "direct", "energy"):
    ...     print(version, round(reconstruction_bound(0.2, version=version), 3))
    paper 1.531
    sharp 0.326
    direct 0.357
    energy 0.6
    """
    if version not in (*_VERSIONS, "best"):
        raise ValueError(
            f"version must be one of {', '.join(map(repr, ('best', *_VERSIONS)))}, but got {version!r}."
        )
    d2 = at_least_0(delta_2k, "delta_2k")
    d1 = d2 if delta_k is None else at_least_0(delta_k, "delta_k")
    noise = at_least_0(noise, "noise")
    d2, d1, noise = np.broadcast_arrays(d2, d1, noise)
    if (d1 > d2 + ROUNDING).any():
        worst = np.unravel_index(np.argmax(d1 - d2), d1.shape)
        raise ValueError(
            "delta_k must not exceed delta_2k, because M_k lies in M_k^2, "
            f"but got {d1[worst]} with {d2[worst]}."
        )
    if (noise > 1).any():
        raise ValueError(f"noise must be ||r|| / ||x|| in [0, 1], but got {noise.max()}.")
    chosen = ("sharp", "direct", "energy") if version == "best" else (version,)
    return _plain(np.min([_VERSIONS[name](d2, d1, noise) for name in chosen], axis=0))


def _paper(d2, d1, noise):
    inside = (d2 < 1) & (noise == 0)
    d1, d2 = np.where(inside, (d1, d2), 0)
    return np.where(inside, 5 * d2 / (1 - d1) * np.sqrt((1 + d2) / (1 - d2)), inf)


def _sharp(d2, d1, noise):
    d = d2 + (1 + d2) * noise / np.where(noise < 1, 1 - noise, inf)
    inside = (d < 1) & (noise < 1)
    d = np.where(inside, d, 0.0)
    factor = np.sqrt(np.where(inside, (1 - d2) / (1 - d), 1) * (1 + noise) * (1 + 2 * noise))
    return np.where(inside, sharp_certificate(d)[2] * factor + noise, inf)


def _direct(d2, d1, noise):
    rho = np.sqrt((1 + d1) / np.where(d2 < 1, 1 - d2, 1))
    bound = d2 * (rho + np.sqrt(rho**2 + 4)) / 2 + rho * noise
    return np.where(d2 < 1, bound, inf)


def _energy(d2, d1, noise):
    kept = np.square(1 - np.minimum(d1, 1)) * (1 - np.square(noise))
    return np.where(d1 <= 1, np.sqrt(1 - kept), inf)


_VERSIONS = {"paper": _paper, "sharp": _sharp, "direct": _direct, "energy": _energy}


def sharp_certificate(delta):
    """Return the two numbers (c, pi) that prove ||x^ - x|| <= E ||x||, and E = E(delta).

    Let x = W^T z with z in M_k, and delta_2k <= delta < 1. If c is real, pi >= 0, beta = pi - 1 - delta + 2 c
    >= 0, and the two forms

        [[g - pi delta^2 - c^2 delta,                               g/2 - c delta + c^2/2 ], [., beta     ]],
        [[g - 1 - delta + 2 c delta - c^2 delta - pi delta^2 + beta, g/2 - c + c^2/2 + beta], [., pi + beta]]

    have no negative eigenvalue, then ||x^ - x||^2 <= g ||x||^2. The least such g is E(delta)^2, and a layer
    reaches it. E(delta) is below 1, and at most 1.65 delta.

    Parameters
    ----------
    delta : float or array_like
        Bound on the RIP constant of M_k^2, in [0, 1).

    Returns
    -------
    c, pi, E : float or ndarray
        E^2 is the least g for (c, pi), so that rounding in c or pi spoils no proof. Within 1e-3 of 1, where g
        drowns in rounding, E may be sqrt(2 delta - delta^2), which is true and as close.

    Examples
    --------
    >>> c, pi, E = sharp_certificate(0.3)
    >>> round(c, 3), round(pi, 3), round(E, 4)
    (0.468, 1.837, 0.486)
    """
    delta = at_least_0(delta, "delta")
    if (delta >= 1).any():
        raise ValueError(f"delta must be < 1, but got {delta.max()}.")
    c = 1 - (1 - delta) * np.interp(delta, *_best_slope())
    pi, g = _least_g(delta, c)
    return _plain(c), _plain(pi), _plain(np.sqrt(np.minimum(g, 1 - (1 - delta) ** 2)))


@cache
def _best_slope() -> tuple[np.ndarray, np.ndarray]:
    """Tabulate delta and (1 - c) / (1 - delta) for the c that makes g least; g is convex in c."""
    nodes, ratio = np.linspace(0, 1, 1025), (sqrt(5) - 1) / 2
    delta = nodes[1:-1]
    low, high = np.zeros_like(delta), np.ones_like(delta)
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        at_left, at_right = (_least_g(delta, 1 - (1 - delta) * slope)[1] for slope in (left, right))
        low, high = np.where(at_left < at_right, low, left), np.where(at_left < at_right, right, high)
    return nodes, np.concatenate([[1.0], (low + high) / 2, [0.0]])


def _least_g(d, c):
    """Return the pi that makes g least for this c, and g: the first form fixes g, the second allows it."""

    def least(pi):  # the smaller root of the first determinant
        beta, a = pi - 1 - d + 2 * c, pi * d**2 + c**2 * d
        h = a / 2 - c * d + c**2 / 2
        root = np.sqrt(np.maximum(beta * (beta - 2 * h), 0))
        return a + 2 * h**2 / np.maximum(beta - h + root, tiny), beta

    tiny = np.finfo(float).tiny
    low, high = np.maximum(np.maximum(1 + d - 2 * c, (1 - c) ** 2 / (1 - d)), 0), np.full_like(c, 3.0)
    for _ in range(56):
        pi = (low + high) / 2
        g, beta = least(pi)
        corner = g - 1 - d + 2 * c * d - c**2 * d - pi * d**2 + beta
        allowed = (corner >= 0) & (corner * (pi + beta) >= (g / 2 - c + c**2 / 2 + beta) ** 2)
        low, high = np.where(allowed, low, pi), np.where(allowed, pi, high)
    return high, least(high)[0]


def code_bound(delta_2k, *, noise=0.0):
    """Return the bound phi (delta_2k + sqrt(1 + delta_2k) noise) on ||z^ - z|| / ||z||, z^ = M(W x, k).

    It holds for x = W^T z + r with z in M_k, whatever delta_2k is, and some layer attains phi.

    Parameters
    ----------
    delta_2k : float or array_like
        RIP constant of M_k^2, >= 0.
    noise : float or array_like
        ||r|| / ||z||, >= 0: here relative to the code.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> round(code_bound(0.1), 4)
    0.1618
    """
    d2, noise = at_least_0(delta_2k, "delta_2k"), at_least_0(noise, "noise")
    return _plain(GOLDEN * (d2 + np.sqrt(1 + d2) * noise))


def _plain(a):
    return float(a) if np.ndim(a) == 0 else a
