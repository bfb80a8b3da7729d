"""Filter banks: arrays of shape (K, M, *ell), one filter w_i of M channels per row."""

from __future__ import annotations

import numpy as np
from scipy.fft import idctn

from ._checks import as_generator, as_size, as_sizes

__all__ = ["dct_filters", "gaussian_filters", "rademacher_filters"]


def _shape(K, M, ell) -> tuple[int, ...]:
    ell = as_sizes(ell, "ell")
    if len(ell) > 2:
        raise ValueError(f"ell must have one or two axes, but came as {ell}.")
    return (as_size(K, "K"), as_size(M, "M"), *ell)


def gaussian_filters(K, M, ell, *, rng=None) -> np.ndarray:
    """Draw K filters with independent N(0, 1/(M |ell|)) entries, so that E ||w_i||^2 = 1.

    Parameters
    ----------
    K, M : int
        Number of filters and of channels.
    ell : int or tuple of int
        Filter length, or one length per axis; |ell| is their product.
    rng : None, int or numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (K, M, *ell), float64

    References
    ----------
    Gilbert et al. (2017), the random filters of Theorem 3.1.

    Examples
    --------
    >>> gaussian_filters(8, 3, 5, rng=0).shape
    (8, 3, 5)
    """
    shape = _shape(K, M, ell)
    return as_generator(rng).standard_normal(shape) / np.sqrt(np.prod(shape[1:]))


def rademacher_filters(K, M, ell, *, rng=None) -> np.ndarray:
    """Draw K filters whose entries are +-1/sqrt(M |ell|) with equal chance, so that ||w_i|| = 1 exactly.

    Parameters and the shape of the result are those of `gaussian_filters`.

    Examples
    --------
    >>> float((rademacher_filters(4, 2, 8, rng=0) ** 2).sum(axis=(1, 2)).max())
    1.0
    """
    shape = _shape(K, M, ell)
    signs = 2.0 * as_generator(rng).integers(0, 2, shape) - 1.0
    return signs / np.sqrt(np.prod(shape[1:]))


def dct_filters(K, M, ell) -> np.ndarray:
    """Return K orthonormal cosine filters, the smoothest first.

    They are the first K elements of the orthonormal DCT-II basis of R^(M x ell), ordered by their total
    frequency: the sum over the axes (channels too) of frequency / length.

    Parameters
    ----------
    K, M : int
        Number of filters and of channels; K is at most M |ell|.
    ell : int or tuple of int
        Filter length, or one length per axis.

    Returns
    -------
    ndarray of shape (K, M, *ell), float64

    Raises
    ------
    ValueError
        If K exceeds the M |ell| elements of the basis.

    Examples
    --------
    >>> w = dct_filters(6, 1, 6)[:, 0]
    >>> bool(np.allclose(w @ w.T, np.eye(6)))
    True
    """
    shape = _shape(K, M, ell)
    axes, size = shape[1:], int(np.prod(shape[1:]))
    if shape[0] > size:
        raise ValueError(f"K must be at most M |ell| = {size}, the size of the basis, but came as {K}.")
    frequency = sum(f / n for f, n in zip(np.indices(axes), axes, strict=True))
    chosen = np.argsort(frequency.ravel().round(12), kind="stable")[: shape[0]]
    coefficients = np.zeros((shape[0], size))
    coefficients[np.arange(shape[0]), chosen] = 1.0
    return idctn(coefficients.reshape(shape), axes=tuple(range(1, len(shape))), norm="ortho")
