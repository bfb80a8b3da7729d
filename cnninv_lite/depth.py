"""What is guaranteed of several layers: how their errors add up, and what the best gain leaves of them."""

from __future__ import annotations

import numpy as np

from ._checks import as_real

__all__ = ["error_recursion", "gain_bound"]


def error_recursion(errors, norms, deltas) -> np.ndarray:
    """Return the bounds e_j = c_j ||x_j|| + sqrt(1 + delta_j) e_{j+1} on ||x^_j - x_j||, for switches kept.

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
        raise ValueError(f"errors, norms and deltas must agree on shape (L, ...), but came with {shapes}.")
    for name, a, low in (("errors", c, 0), ("norms", norm, 0), ("deltas", delta, -1)):
        if a.min() < low:
            raise ValueError(f"{name} must be >= {low}, but came as small as {a.min():.4g}.")
    e = c * norm
    for j in reversed(range(len(c) - 1)):
        e[j] += np.sqrt(1 + delta[j]) * e[j + 1]
    return e


def gain_bound(deltas, outside=0.0) -> float:
    """Bound the relative error of the best multiple of the reconstruction from L layers: always at most 1.

    It is sqrt(1 - prod_j (1 - eta_j^2) (1 - delta_j) / (1 + delta_j)), for switches kept.

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
            raise ValueError(f"{name} must lie in [0, 1], but came as {a}.")
    return float(np.sqrt(1 - np.prod((1 - eta**2) * (1 - delta) / (1 + delta))))
