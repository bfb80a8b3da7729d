"""Filter banks: arrays of shape (K, M, *ell), one filter w_i of M channels per row."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ._checks import as_generator, as_real, as_size, as_sizes, exponent

__all__ = [
    "dct_filters",
    "gaussian_filters",
    "load_filters",
    "patches",
    "pca_filters",
    "rademacher_filters",
]


def _shape(K: int, M: int, ell: int | Sequence[int]) -> tuple[int, ...]:
    ell = as_sizes(ell, "ell")
    if len(ell) > 2:
        raise ValueError(f"ell must have one or two axes, but got {ell}.")
    return (as_size(K, "K"), as_size(M, "M"), *ell)


def gaussian_filters(
    K: int, M: int, ell: int | Sequence[int], *, rng: int | np.random.Generator | None = None
) -> np.ndarray:
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


def rademacher_filters(
    K: int, M: int, ell: int | Sequence[int], *, rng: int | np.random.Generator | None = None
) -> np.ndarray:
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


def dct_filters(K: int, M: int, ell: int | Sequence[int]) -> np.ndarray:
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
        raise ValueError(f"K must be at most M |ell| = {size}, the size of the basis, but got {K}.")
    from scipy.fft import idctn  # here, because it takes longer than all else in this file to import

    frequency = sum(f / n for f, n in zip(np.indices(axes), axes, strict=True))
    chosen = np.argsort(frequency.ravel().round(12), kind="stable")[: shape[0]]
    coefficients = np.zeros((shape[0], size))
    coefficients[np.arange(shape[0]), chosen] = 1.0
    return idctn(coefficients.reshape(shape), axes=tuple(range(1, len(shape))), norm="ortho")


def pca_filters(images: npt.ArrayLike, K: int, ell: int | Sequence[int]) -> np.ndarray:
    """Return the K leading principal components of all patches, as orthonormal filters.

    Parameters
    ----------
    images : array_like of shape (..., M, *D)
    K : int
        Number of filters, at most M |ell|.
    ell : int or tuple of int
        Size of the patches, one length per axis of D; a single int means one axis.

    Returns
    -------
    ndarray of shape (K, M, *ell), float64
        Orthonormal, the direction of largest variance first; the entry of largest magnitude is positive.

    Raises
    ------
    ValueError
        If K exceeds M |ell|, or the patches do not fit into the images.

    Examples
    --------
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((1, 500)), axis=1)
    >>> w = pca_filters(x, 3, 8)
    >>> bool(np.allclose(w[:, 0] @ w[:, 0].T, np.eye(3)))
    True
    """
    windows, shape = patches(images, ell)
    size = int(np.prod(shape))
    K = as_size(K, "K")
    if size < K:
        raise ValueError(f"K must be at most M |ell| = {size}, the dimension of a patch, but got {K}.")
    e, count = exponent(windows).item(), windows.size // size

    def flat(image):  # one at a time, so that not all are copied; scaled, so that squares are numbers
        return np.ldexp(image.reshape(-1, size).astype(float, copy=False), -e)

    mean, second = np.zeros(size), np.zeros((size, size))
    for image in windows:
        mean += flat(image).sum(axis=0) / count
    for image in windows:
        rows = flat(image) - mean
        second += rows.T @ rows
    _, U = np.linalg.eigh(second / count)
    w = U[:, ::-1][:, :K].T
    largest = np.take_along_axis(w, np.abs(w).round(9).argmax(axis=1)[:, None], axis=1)
    return (w * np.sign(largest)).reshape(K, *shape)


def load_filters(source: npt.ArrayLike | str | os.PathLike, *, name: str | None = None) -> np.ndarray:
    """Return a filter bank from an array or from a NumPy file, checked.

    Parameters
    ----------
    source : array_like of shape (K, M, *ell), str or path
        An array, or the path of a .npy or .npz file.
    name : str, optional
        Which array of an .npz file; may be left out if it holds one only.

    Returns
    -------
    ndarray of shape (K, M, *ell)
        float32 stays float32, other real numbers become float64.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError, TypeError
        If the file is none of NumPy's, has no such array, or the array is no filter bank.

    Notes
    -----
    Where torchvision is installed, two lines store every convolution of VGG-16::

        layers = torchvision.models.vgg16(weights="DEFAULT").features.named_parameters()
        np.savez("vgg16.npz", **{name: p.detach().numpy() for name, p in layers if p.ndim == 4})

    and ``load_filters("vgg16.npz", name="0.weight")`` is its first layer, of shape (64, 3, 3, 3).

    Examples
    --------
    >>> load_filters(np.ones((2, 3, 5, 5))).shape
    (2, 3, 5, 5)
    """
    if isinstance(source, (str, os.PathLike)):
        source = _read(Path(source), name)
    elif name is not None:
        raise TypeError(f"name is for .npz files, but got {name!r} with an array.")
    w = as_real(source, "filters")
    if w.ndim not in (3, 4) or 0 in w.shape:
        raise ValueError(
            "filters must have shape (K, M, ell) or (K, M, ell_1, ell_2) with no empty axis, "
            f"but got shape {w.shape}."
        )
    return w


def _read(path: Path, name):
    """Return one array of a .npy or .npz file; nothing is unpickled."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r} to load filters from.")
    try:
        data = np.load(path, allow_pickle=False)
        if not isinstance(data, np.lib.npyio.NpzFile):
            return data
        with data:
            if name is None and len(data.files) != 1:
                raise KeyError
            return data[data.files[0] if name is None else name]
    except KeyError:
        held = ", ".join(map(repr, data.files)) or "none"
        raise ValueError(
            f"name must be one of the arrays of {str(path)!r}: {held}; but got {name!r}."
        ) from None
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise ValueError(f"{str(path)!r} is not a .npy or .npz file of numbers ({error}).") from error


def patches(images, ell) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return a view of images (..., M, *D) as patches of shape (B, *n, M, *ell), and (M, *ell)."""
    images, ell = as_real(images, "images"), as_sizes(ell, "ell")
    axes = len(ell)
    if axes > 2 or images.ndim < axes + 1 or any(d < e for d, e in zip(images.shape[-axes:], ell)):
        raise ValueError(
            f"images must have shape (..., M, *D) with D at least ell = {ell} on each of its {axes} axes, "
            f"but got shape {images.shape}."
        )
    images = images.reshape(-1, *images.shape[-axes - 1 :])
    if not images.size:
        raise ValueError(f"images must hold at least one image, but got shape {images.shape}.")
    windows = sliding_window_view(images, ell, axis=tuple(range(2, 2 + axes)))
    return np.moveaxis(windows, 1, 1 + axes), (images.shape[1], *ell)
