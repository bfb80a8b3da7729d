"""How errors add up with depth: bounds on the way back down through several layers."""

from __future__ import annotations

import numpy as np

from ._checks import as_real, at_least_0

__all__ = [
    "depth_bound",
    "error_recursion",
    "gain_bound",
]


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
    errors, deltas = at_least_0(errors, "errors"), at_least_0(deltas, "deltas")
    if errors.ndim != 1 or errors.shape != deltas.shape or not errors.size:
        raise ValueError(
            "errors and deltas must have one entry per layer, shape (L,), but got shapes "
            f"{errors.shape} and {deltas.shape}."
        )
    return float(errors @ np.cumprod(np.concatenate([[1.0], 1 + deltas[:-1]])))


def error_recursion(errors, norms, deltas) -> np.ndarray:
    """Return the bounds e_j = c_j ||x_j|| + sqrt(1 + delta_j) e_{j+1} on ||x^_j - x_j||, for known switches.

    Parameters
    ----------
    errors, norms : array_like of shape (L, ...)
        c_j, the relative error of layer j alone on its input x_j; and ||x_j||.
    deltas : array_like of shape (L,) or (L, ...)
        delta_j >= -1, where sqrt(1 + delta_j) bounds the norm of W_j^T on codes with the switches of layer j.

    Returns
    -------
    ndarray of shape (L, ...)
        e_1, ..., e_L. Without norms, `depth_bound` has the closed form.

    Examples
    --------
    >>> error_recursion([0.5, 0.25], [2.0, 4.0], [0.21, 0.3])
    array([2.1, 1. ])
    """
    c, norm, delta = (as_real(a, n) for a, n in ((errors, "errors"), (norms, "norms"), (deltas, "deltas")))
    if c.shape != norm.shape or not c.ndim or not len(c) or delta.shape not in (c.shape, c.shape[:1]):
        shapes = f"{c.shape}, {norm.shape} and {delta.shape}"
        raise ValueError(f"errors, norms and deltas must agree on shape (L, ...), but got {shapes}.")
    for name, a, low in (("errors", c, 0), ("norms", norm, 0), ("deltas", delta, -1)):
        if a.min() < low:
            raise ValueError(f"{name} must be >= {low}, but got {a.min():.4g}.")
    e = c * norm
    for j in reversed(range(len(c) - 1)):
        e[j] += np.sqrt(1 + delta[j]) * e[j + 1]
    return e


def gain_bound(deltas, outside=0.0) -> float:
    """Bound the relative error of the best multiple of the reconstruction from L layers: always at most 1.

    It is sqrt(1 - prod_j (1 - eta_j^2) (1 - delta_j) / (1 + delta_j)), for known switches.

    Parameters
    ----------
    deltas : array_like of shape (L,)
        delta_j = delta(M_k) of layer j, in [0, 1].
    outside : float or array_like of shape (L,)
        eta_j, the distance of x_j to the signals of its layer's model over ||x_j||, in [0, 1].

    Examples
    --------
    >>> [round(gain_bound([0.2] * L), 3) for L in (1, 2, 3)]
    [0.577, 0.745, 0.839]
    """
    delta, eta = as_real(deltas, "deltas"), as_real(outside, "outside")
    for name, a in (("deltas", delta), ("outside", eta)):
        if a.size and not 0 <= a.min() <= a.max() <= 1:
            raise ValueError(f"{name} must lie in [0, 1], but got {a}.")
    return float(np.sqrt(1 - np.prod((1 - eta**2) * (1 - delta) / (1 + delta))))
