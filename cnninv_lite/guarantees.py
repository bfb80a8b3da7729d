"""What a RIP constant guarantees: bounds on the code and the input, for one layer, its iteration and depth.

Here delta_k = delta(M_k) and delta_2k = delta(M_k^2), as in the paper. Beware: delta_2k is not delta(M_2k).
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from scipy.optimize import brentq

from ._checks import as_real

__all__ = ["code_bound", "depth_bound", "iht_rate", "largest_useful_delta", "reconstruction_bound"]

PHI = (1 + sqrt(5)) / 2
ROUNDING = 1e-9  # by this much delta_k may exceed delta_2k, when both were computed and are equal


def reconstruction_bound(delta_2k, delta_k=None, *, version="best", noise=0.0):
    """Return a bound on ||x^ - x|| / ||x|| for x^ = W^T M(W x, k) and x = W^T z + r, z in M_k.

    ========  ============================================================================  =================
    version   bound, without noise                                                          says something if
    ========  ============================================================================  =================
    "paper"   5 delta_2k / (1 - delta_k) sqrt((1 + delta_2k) / (1 - delta_2k))              delta_2k < 1
    "golden"  phi delta_2k sqrt((1 + delta_2k) / (1 - delta_k))                             delta_k < 1
    "direct"  delta_2k (rho + sqrt(rho^2 + 4)) / 2, rho^2 = (1 + delta_k) / (1 - delta_2k)  delta_2k < 1
    "energy"  sqrt(2 delta_k - delta_k^2), always below 1                                   delta_k <= 1
    "best"    the least of the last three
    ========  ============================================================================  =================

    phi is the golden ratio. With noise nu they become phi sqrt(1 + delta_2k) (delta_2k (1 + nu) /
    sqrt(1 - delta_k) + nu sqrt(1 + delta_2k)) + nu; the direct bound + rho nu; and
    sqrt(1 - (1 - delta_k)^2 (1 - nu^2)); the paper has no noise. The same bounds hold for non-negative z and
    ReLU + max pooling.

    Parameters
    ----------
    delta_2k : float or array_like
        RIP constant of M_k^2, >= 0.
    delta_k : None, float or array_like
        RIP constant of M_k, in [0, delta_2k]; None takes delta_2k for it.
    version : {"best", "paper", "golden", "direct", "energy"}
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
    >>> for version in ("paper", "golden", "direct", "energy"):
    ...     print(version, round(reconstruction_bound(0.2, version=version), 3))
    paper 1.531
    golden 0.396
    direct 0.357
    energy 0.6
    """
    if version not in (*_VERSIONS, "best"):
        raise ValueError(
            f"version must be one of {', '.join(map(repr, ('best', *_VERSIONS)))}, but came as {version!r}."
        )
    d2 = _at_least_0(delta_2k, "delta_2k")
    d1 = d2 if delta_k is None else _at_least_0(delta_k, "delta_k")
    noise = _at_least_0(noise, "noise")
    d2, d1, noise = np.broadcast_arrays(d2, d1, noise)
    if (d1 > d2 + ROUNDING).any():
        worst = np.unravel_index(np.argmax(d1 - d2), d1.shape)
        raise ValueError(
            "delta_k must not exceed delta_2k, because M_k lies in M_k^2, "
            f"but came as {d1[worst]} beside {d2[worst]}."
        )
    if (noise > 1).any():
        raise ValueError(f"noise must be ||r|| / ||x|| in [0, 1], but came as {noise.max()}.")
    chosen = ("golden", "direct", "energy") if version == "best" else (version,)
    return _plain(np.min([_VERSIONS[name](d2, d1, noise) for name in chosen], axis=0))


def _paper(d2, d1, noise):
    inside = (d2 < 1) & (noise == 0)
    d1, d2 = np.where(inside, (d1, d2), 0)
    return np.where(inside, 5 * d2 / (1 - d1) * np.sqrt((1 + d2) / (1 - d2)), inf)


def _golden(d2, d1, noise):
    code = d2 * (1 + noise) / np.sqrt(np.where(d1 < 1, 1 - d1, 1)) + noise * np.sqrt(1 + d2)
    return np.where(d1 < 1, PHI * np.sqrt(1 + d2) * code + noise, inf)


def _direct(d2, d1, noise):
    rho = np.sqrt((1 + d1) / np.where(d2 < 1, 1 - d2, 1))
    bound = d2 * (rho + np.sqrt(rho**2 + 4)) / 2 + rho * noise
    return np.where(d2 < 1, bound, inf)


def _energy(d2, d1, noise):
    kept = np.square(1 - np.minimum(d1, 1)) * (1 - np.square(noise))
    return np.where(d1 <= 1, np.sqrt(1 - kept), inf)


_VERSIONS = {"paper": _paper, "golden": _golden, "direct": _direct, "energy": _energy}


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
    d2, noise = _at_least_0(delta_2k, "delta_2k"), _at_least_0(noise, "noise")
    return _plain(PHI * (d2 + np.sqrt(1 + d2) * noise))


def largest_useful_delta(version="best") -> float:
    """Return the delta = delta_2k = delta_k at which a version of `reconstruction_bound` reaches 1.

    An error of 1 is that of the zero reconstruction. Below this delta the bound says more than that.

    Examples
    --------
    >>> {v: round(largest_useful_delta(v), 4) for v in ("paper", "golden", "direct", "energy")}
    {'paper': 0.1471, 'golden': 0.4031, 'direct': 0.469, 'energy': 1.0}
    """
    if version in ("energy", "best"):
        return 1.0
    return float(brentq(lambda d: reconstruction_bound(d, version=version) - 1, 0.0, 0.9))


def iht_rate(delta_3k=None, *, delta_2k=None):
    """Return a bound on the factor by which one step of model IHT shrinks ||z_j - z||; it converges if < 1.

    For x = W^T z, z in M_k, and z_{j+1} = M(z_j + W (x - W^T z_j), k): phi delta(M_k^3), or
    5/3 phi delta(M_k^2), or the smaller of the two if both constants are given.

    Parameters
    ----------
    delta_3k : None, float or array_like
        RIP constant of M_k^3, >= 0.
    delta_2k : None, float or array_like
        RIP constant of M_k^2, >= 0.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> round(iht_rate(0.5), 4), round(iht_rate(delta_2k=0.3), 4)
    (0.809, 0.809)
    """
    if delta_3k is None and delta_2k is None:
        raise ValueError("iht_rate needs delta_3k or delta_2k, but both came as None.")
    rates = []
    if delta_3k is not None:
        rates.append(PHI * _at_least_0(delta_3k, "delta_3k"))
    if delta_2k is not None:
        rates.append(5 / 3 * PHI * _at_least_0(delta_2k, "delta_2k"))
    return _plain(np.minimum(rates[0], rates[-1]))


def depth_bound(errors, deltas) -> float:
    """Return a bound on ||x^_1 - x_1|| / ||x_1|| for L layers run up and back down with their switches.

    It is the sum over j of c_j prod_{i<j} (1 + delta_i), where c_j bounds the relative error of layer j alone
    on the input x_j that it was really given, and delta_i = delta(M_k) of layer i.

    Parameters
    ----------
    errors : array_like of shape (L,)
        c_1, ..., c_L, each >= 0.
    deltas : array_like of shape (L,)
        delta_1, ..., delta_L, each >= 0; the last is not used.

    Examples
    --------
    >>> round(depth_bound([0.3, 0.3], [0.2, 0.2]), 2)  # 0.3 + 1.2 * 0.3
    0.66
    """
    errors, deltas = _at_least_0(errors, "errors"), _at_least_0(deltas, "deltas")
    if errors.ndim != 1 or errors.shape != deltas.shape or not errors.size:
        raise ValueError(
            "errors and deltas must have one entry per layer, shape (L,), but came with shapes "
            f"{errors.shape} and {deltas.shape}."
        )
    return float(errors @ np.cumprod(np.concatenate([[1.0], 1 + deltas[:-1]])))


def _at_least_0(value, name: str) -> np.ndarray:
    value = as_real(value, name).astype(np.float64)
    if value.size and value.min() < 0:
        raise ValueError(f"{name} must be >= 0, but came as small as {value.min()}.")
    return value


def _plain(a):
    return float(a) if np.ndim(a) == 0 else a
