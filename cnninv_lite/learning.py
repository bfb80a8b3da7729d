"""Filter banks from patches or from a file, and the pictures to learn them from.

`digits`, `sample_photographs` and `dictionary_filters` need scikit-learn when they are called, and raise an
ImportError where it is not installed.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from pathlib import Path
from reprlib import repr as brief
from zipfile import BadZipFile

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ._checks import as_generator, as_real, as_size, as_sizes

__all__ = [
    "dictionary_filters",
    "digits",
    "load_filters",
    "pca_filters",
    "sample_photographs",
]

PATCHES = 2000  # patches that a dictionary is learned from


def digits(*, margin=2) -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's handwritten digits: 1,797 images of 8 x 8 pixels with their labels.

    Parameters
    ----------
    margin : int
        Black pixels to add on each side, so that filters can reach over the edges without being cut.

    Returns
    -------
    images : ndarray of shape (1797, 1, 8 + 2 margin, 8 + 2 margin), float64
        Intensities in [0, 1].
    labels : ndarray of int, shape (1797,)

    Examples
    --------
    >>> images, labels = digits()
    >>> images.shape, labels[:4]
    ((1797, 1, 12, 12), array([0, 1, 2, 3]))
    """
    margin = as_size(margin, "margin", low=0)
    data = _sklearn("datasets", "digits").load_digits()
    sides = (margin, margin)
    return np.pad(data.images[:, None] / 16, ((0, 0), (0, 0), sides, sides)), data.target


def sample_photographs(*, shrink=2, colour=False) -> np.ndarray:
    """Return scikit-learn's two photographs, a temple and a flower.

    Parameters
    ----------
    shrink : int
        Blocks of shrink x shrink pixels are averaged; what is left over at the edges is cut.
    colour : bool
        Give red, green and blue instead of their mean.

    Returns
    -------
    ndarray of shape (2, 3 or 1, 427 // shrink, 640 // shrink), float64
        Intensities in [0, 1].
    """
    shrink = as_size(shrink, "shrink", high=427)
    images = np.array(_sklearn("datasets", "sample_photographs").load_sample_images().images) / 255
    height, width = 427 // shrink, 640 // shrink
    blocks = images[:, : height * shrink, : width * shrink].reshape(2, height, shrink, width, shrink, 3)
    images = blocks.mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    return images if colour else images.mean(axis=1, keepdims=True)


def pca_filters(images, K, ell) -> np.ndarray:
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
    windows, shape = _patches(images, ell)
    size = int(np.prod(shape))
    K = as_size(K, "K")
    if size < K:
        raise ValueError(f"K must be at most M |ell| = {size}, the dimension of a patch, but came as {K}.")
    second, total, count = np.zeros((size, size)), np.zeros(size), 0
    for image in windows:  # one image at a time, so that the patches of one are copied, not of all
        rows = image.reshape(-1, size)
        second, total, count = second + rows.T @ rows, total + rows.sum(axis=0), count + len(rows)
    _, U = np.linalg.eigh(second / count - np.outer(total, total) / count**2)
    w = U[:, ::-1][:, :K].T
    largest = np.take_along_axis(w, np.abs(w).round(9).argmax(axis=1)[:, None], axis=1)
    return (w * np.sign(largest)).reshape(K, *shape)


def dictionary_filters(images, K, ell, *, alpha=1.0, rng=None) -> np.ndarray:
    """Learn K filters of unit norm in which patches have sparse codes (scikit-learn's dictionary learning).

    Parameters
    ----------
    images : array_like of shape (..., M, *D)
    K : int
        Number of filters; it may exceed M |ell|.
    ell : int or tuple of int
        Size of the patches, one length per axis of D; a single int means one axis.
    alpha : float
        Weight of the l1 norm of the codes, for patches of mean 0 scaled to overall variance 1.
    rng : None, int or numpy.random.Generator
        Chooses 2,000 patches (or all, if there are fewer) and the start.

    Returns
    -------
    ndarray of shape (K, M, *ell), float64

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    ValueError
        If alpha is not positive, the patches do not fit into the images, or they are all constant.
    """
    windows, shape = _patches(images, ell)
    K, rng = as_size(K, "K"), as_generator(rng)
    if not (isinstance(alpha, (int, float)) and 0 < alpha < np.inf):
        raise ValueError(f"alpha must be a positive number, but came as {brief(alpha)}.")
    decomposition = _sklearn("decomposition", "dictionary_filters")
    places = int(np.prod(windows.shape[: -len(shape)]))
    chosen = rng.choice(places, min(PATCHES, places), replace=False)
    rows = windows[np.unravel_index(chosen, windows.shape[: -len(shape)])].reshape(len(chosen), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    if not (scale := rows.std()) > 1e-12:
        raise ValueError("images must not be constant on every patch: there is nothing to learn.")
    learner = decomposition.MiniBatchDictionaryLearning(
        K, alpha=alpha, max_iter=5, batch_size=500, fit_algorithm="cd", random_state=int(rng.integers(2**31))
    )
    with warnings.catch_warnings():  # codes on the way may be inexact
        warnings.simplefilter("ignore", _sklearn("exceptions", "dictionary_filters").ConvergenceWarning)
        w = learner.fit(rows / scale).components_
    w = w + 1e-9 * rng.standard_normal(w.shape) * (np.linalg.norm(w, axis=1, keepdims=True) < 1e-9)
    return (w / np.linalg.norm(w, axis=1, keepdims=True)).reshape(K, *shape)


def load_filters(source, *, name=None) -> np.ndarray:
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
        raise TypeError(f"name is for .npz files, but came as {name!r} with an array.")
    w = as_real(source, "filters")
    if w.ndim not in (3, 4) or 0 in w.shape:
        raise ValueError(
            "filters must have shape (K, M, ell) or (K, M, ell_1, ell_2) with no empty axis, "
            f"but came with shape {w.shape}."
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
            f"name must be one of the arrays of {str(path)!r}: {held}; it came as {name!r}."
        ) from None
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise ValueError(f"{str(path)!r} is not a .npy or .npz file of numbers ({error}).") from error


def _patches(images, ell) -> tuple[np.ndarray, tuple[int, ...]]:
    """View images (..., M, *D) as patches of shape (B, *n, M, *ell); return them with (M, *ell)."""
    images, ell = as_real(images, "images"), as_sizes(ell, "ell")
    axes = len(ell)
    if axes > 2 or images.ndim < axes + 1 or any(d < e for d, e in zip(images.shape[-axes:], ell)):
        raise ValueError(
            f"images must have shape (..., M, *D) with D at least ell = {ell} on each of its {axes} axes, "
            f"but came with shape {images.shape}."
        )
    images = images.reshape(-1, *images.shape[-axes - 1 :])
    if not images.size:
        raise ValueError(f"images must hold at least one image, but came with shape {images.shape}.")
    windows = sliding_window_view(images, ell, axis=tuple(range(2, 2 + axes)))
    return np.moveaxis(windows, 1, 1 + axes), (images.shape[1], *ell)


def _sklearn(part: str, caller: str):
    """Import a part of scikit-learn, or say in a sentence that it is missing."""
    try:
        return import_module(f"sklearn.{part}")
    except ImportError as error:
        raise ImportError(
            f"{caller} needs scikit-learn, which is not installed: pip install scikit-learn."
        ) from error
