"""From the code back to the input: x^ = W^T M(W x, k), and what can be said of its error afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._checks import as_array, as_real, as_size
from ._codes import as_bank, entries, gram, paint, plus, pool
from .models import BlockModel
from .operators import CHUNK_BYTES, FilterBank

__all__ = ["Reconstruction", "certificate", "error_from_code", "reconstruct", "relative_error"]

GOLDEN = (1 + 5**0.5) / 2


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

    Returns
    -------
    float or ndarray
        One number for each signal.
    """
    approximation, target = as_real(approximation, "approximation"), as_real(target, "target")
    if approximation.shape != target.shape:
        raise ValueError(
            "approximation and target must have one shape, but came with shapes "
            f"{approximation.shape} and {target.shape}."
        )
    axes = target.ndim if axes is None else as_size(axes, "axes", high=target.ndim)
    over = tuple(range(-axes, 0))
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
    as_bank(W)
    model = BlockModel(W.K, W.n, k)
    x = as_real(x, "x")
    signals, batch = W._batch(x, "x", (W.M, *W.D))
    dtype = np.result_type(x, W.filters)
    z = np.zeros((len(signals), W.K, *W.n), dtype)
    back = np.empty((len(signals), W.M, *W.D), dtype)
    step = max(1, CHUNK_BYTES // (dtype.itemsize * W.shape[0]))  # h stays in the processor's cache
    for first in range(0, len(signals), step):
        part = slice(first, first + step)
        code = pool(model, W._analyse(signals[part]), nonnegative)
        plus(z[part], code)
        back[part] = paint(W, code)
    z, back = z.reshape(*batch, W.K, *W.n), back.reshape(*batch, W.M, *W.D)
    return Reconstruction(back, z, relative_error(back, x, axes=1 + len(W.D)))


def certificate(W, true_support, found_support):
    """Bound ||x^ - x|| / ||x|| for one input, from the Gram matrix of the two supports it involves.

    For x = W^T z with z in the model, and z^ = M(W x, k) with x^ = W^T z^, let S and S^ be the supports of
    z and z^, T their union and G the Gram matrices of the rows of W. Then

        ||x^ - x|| <= c ||G_T - I|| sqrt(lambda_max(G_T) / lambda_min(G_S)) ||x||,

    with c the golden ratio, or c = 1 where one of S and S^ contains the other. No isometry constant is
    needed, but S has to be known. The bound says nothing of an x outside W^T M_k.

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
    On T the vector e = W x - z is (G_T - I) z. If S^ contains S, or S contains S^ (then W x is zero on the
    rest of S), z^ - z = e; otherwise ||z^ - z|| is at most the golden ratio times ||e||, because S^ holds
    the largest energy of W x. The same holds for codes z >= 0 and the projection with ReLU.

    References
    ----------
    Gilbert et al. (2017), Theorem 3.3, whose proof looks at no other rows than those of T.

    Examples
    --------
    >>> W = FilterBank([[[1.0, 0.0]], [[0.6, 0.8]]], (1, 2))
    >>> round(certificate(W, [0], [0, 1]), 3)  # S = {row 0}, S^ = both rows, <w_0, w_1> = 0.6
    0.759
    """
    as_bank(W)
    true, batch = _mask(W, true_support, "true_support")
    found, found_batch = _mask(W, found_support, "found_support")
    try:
        shape = np.broadcast_shapes(batch, found_batch)
    except ValueError:
        raise ValueError(
            "true_support and found_support must have batches that broadcast, but came with the batch shapes "
            f"{batch} and {found_batch}."
        ) from None
    true, found = (
        np.broadcast_to(mask.reshape(*own, W.shape[0]), (*shape, W.shape[0])).reshape(-1, W.shape[0])
        for mask, own in ((true, batch), (found, found_batch))
    )
    table = W.correlations().astype(np.float64)
    union = np.linalg.eigvalsh(gram(W, *entries(true | found), table))
    own = np.linalg.eigvalsh(gram(W, *entries(true), table))
    deviation = np.maximum(union[:, -1] - 1, 1 - union[:, 0])
    floor = own.shape[1] * np.finfo(W.dtype).eps * own[:, -1]
    unknown = np.where(true.any(axis=1), np.inf, 0.0)
    ratio = np.divide(union[:, -1], own[:, 0], out=unknown, where=own[:, 0] > floor)
    nested = (true <= found).all(axis=1) | (found <= true).all(axis=1)
    bound = (np.where(nested, 1.0, GOLDEN) * deviation * np.sqrt(ratio)).reshape(shape)
    return float(bound) if bound.ndim == 0 else bound


def error_from_code(W, z, norm):
    """Return ||x^ - x|| from the pooled code z^ of x and the norm of x, without x itself.

    The entries of z^ are entries of W x, so that <x, W^T z^> = ||z^||^2 and

        ||x^ - x||^2 = ||x||^2 - 2 ||z^||^2 + ||W^T z^||^2,

    for every x, however far from the model.

    Parameters
    ----------
    W : FilterBank
    z : array_like of shape (..., K, *n)
        Codes z^ = M(W x, k), or any other restriction of W x to a support.
    norm : float or array_like of shape (...)
        ||x||.

    Returns
    -------
    float or ndarray of shape (...)
        The error; an error below about ||x|| sqrt(machine epsilon) is lost in rounding.

    Raises
    ------
    ValueError
        If ||z||^2 > ||x|| ||W^T z||: no x of that norm has this code.

    Examples
    --------
    >>> W = FilterBank([[[0.6, 0.8]]], (1, 4), stride=2)
    >>> x = np.array([[3.0, 4.0, 0.0, 2.0]])
    >>> result = reconstruct(W, x, k=1)
    >>> round(error_from_code(W, result.z, np.linalg.norm(x)), 12)
    2.0
    """
    back = as_bank(W).synthesis(z)
    z, norm = np.asarray(z, back.dtype), as_real(norm, "norm").astype(np.float64)
    axes = tuple(range(-1 - len(W.n), 0))
    if norm.shape != back.shape[: back.ndim + axes[0]] or (norm < 0).any():
        raise ValueError(
            f"norm must be one number >= 0 for each code of z of shape {z.shape}, but came as {norm!r}."
        )
    energy = np.sum(np.square(z, dtype=np.float64), axis=axes)
    reach = np.sqrt(np.sum(np.square(back, dtype=np.float64), axis=axes))
    slack = 100 * np.finfo(back.dtype).eps
    if (energy > norm * reach * (1 + slack)).any():
        raise ValueError(
            "z must hold entries of W x, but ||z||^2 > ||x|| ||W^T z||: norm is too small or z no code."
        )
    error = np.sqrt(np.maximum(norm**2 - 2 * energy + reach**2, 0))
    return float(error) if error.ndim == 0 else error


def _mask(W: FilterBank, support, name: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return a support as a mask (B, K n) and the shape of its batch."""
    support = as_array(support, name)
    if support.ndim != 1:
        codes = support.astype(float) if support.dtype.kind == "b" else support
        mask, batch = W._batch(codes, name, (W.K, *W.n))
        return (mask != 0).reshape(len(mask), W.shape[0]), batch
    if support.size and support.dtype.kind not in "iu":
        raise TypeError(
            f"{name} must be a code or mask of shape (..., {', '.join(map(str, (W.K, *W.n)))}) or a list of "
            f"integers, but came as {support.dtype} of shape {support.shape}."
        )
    if support.size and not (support.min() >= 0 and support.max() < W.shape[0]):
        raise ValueError(f"{name} must hold indices in 0..{W.shape[0] - 1}, but came as {support.tolist()}.")
    mask = np.zeros((1, W.shape[0]), bool)
    mask[0, support.astype(int)] = True
    return mask, ()
