"""From the code back to the input: x^ = W^T M(W x, k)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .models import BlockModel
from .operators import FilterBank

__all__ = ["Reconstruction", "reconstruct", "relative_error"]


@dataclass(frozen=True)
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


def relative_error(approximation, target, axes=None):
    """Return ||approximation - target|| / ||target||; 0 where both are zero, inf where only the target is.

    Parameters
    ----------
    approximation, target : arrays of the same shape
    axes : None or int
        Number of trailing axes that make up one signal; None for all.
    """
    approximation, target = np.asarray(approximation), np.asarray(target)
    if approximation.shape != target.shape:
        raise ValueError(
            f"approximation and target must have one shape, but came as {approximation.shape} and {target.shape}."
        )
    over = tuple(range(-(target.ndim if axes is None else axes), 0))
    error = np.sqrt(np.sum(np.square(approximation - target), axis=over))
    norm = np.sqrt(np.sum(np.square(target), axis=over))
    ratio = np.divide(error, norm, out=np.where(error > 0, np.inf, 0.0), where=norm > 0)
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
    if not isinstance(W, FilterBank):
        raise TypeError(f"W must be a FilterBank, but came as {type(W).__name__}.")
    model = BlockModel(W.K, W.n, k)
    x = np.asarray(x)
    z = model.project(W.analysis(x), nonnegative=nonnegative)
    back = W.synthesis(z)
    return Reconstruction(back, z, relative_error(back, x, axes=1 + len(W.D)))
