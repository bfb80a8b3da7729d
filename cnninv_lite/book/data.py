"""Real signals that ship with Matplotlib, scikit-learn and scikit-image: nothing is downloaded."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from .._checks import as_size

__all__ = [
    "digits",
    "eeg",
    "photograph",
    "photographs",
    "sample_photographs",
]


def eeg() -> np.ndarray:
    """Return the four-channel EEG among Matplotlib's sample data: 10 seconds at 80 samples a second.

    Returns
    -------
    ndarray of shape (4, 800), float64
        Each channel with mean 0 and variance 1.
    """
    with library("matplotlib.cbook", "eeg").get_sample_data("eeg.dat") as file:
        x = np.frombuffer(file.read(), dtype="<f8").reshape(800, 4).T
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def photograph(size=128, *, colour=False) -> np.ndarray:
    """Return the portrait of Grace Hopper among Matplotlib's sample data, cut to a square.

    Parameters
    ----------
    size : int
        Pixels on a side, a divisor of 384: blocks of pixels are averaged.
    colour : bool
        Give red, green and blue instead of their mean.

    Returns
    -------
    ndarray of shape (3, size, size) if `colour`, else (1, size, size), float64
        Intensities in [0, 1].
    """
    cbook, image = (library(f"matplotlib.{part}", "photograph") for part in ("cbook", "image"))
    size = as_size(size, "size", high=384)
    if 384 % size:
        raise ValueError(f"size must divide 384, the side of the square, but got {size}.")
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        square = image.imread(file, format="jpg")[30:414, 60:444] / 255.0
    blocks = square.reshape(size, 384 // size, size, 384 // size, 3).mean(axis=(1, 3))
    return blocks.transpose(2, 0, 1) if colour else blocks.mean(axis=-1)[None]


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
    data = library("sklearn.datasets", "digits").load_digits()
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
    images = np.array(library("sklearn.datasets", "sample_photographs").load_sample_images().images) / 255
    height, width = 427 // shrink, 640 // shrink
    blocks = images[:, : height * shrink, : width * shrink].reshape(2, height, shrink, width, shrink, 3)
    images = blocks.mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    return images if colour else images.mean(axis=1, keepdims=True)


#: The photographs of `photographs`: name here -> name there. WEIGHTS.md has their
#: licences.
PHOTOGRAPHS = {
    "astronaut": "astronaut",
    "cat": "chelsea",
    "coffee": "coffee",
    "rocket": "rocket",
    "photographer": "camera",
    "coins": "coins",
    "galaxies": "hubble_deep_field",
    "eye": "retina",
    "temple": "china.jpg",
    "flower": "flower.jpg",
}


def photographs(size=224) -> dict[str, np.ndarray]:
    """Return ten photographs in colour: eight that ship with scikit-image, two with scikit-learn.

    The largest square in the middle of each is resized with smoothing. Two of them are grey.

    Parameters
    ----------
    size : int
        Pixels on a side, at most 224 (the smallest photograph has 300 on a side).

    Returns
    -------
    dict of name to ndarray of shape (3, size, size), float64
        Red, green and blue in [0, 1].
    """
    size = as_size(size, "size", high=224)
    data, transform = (library(f"skimage.{part}", "photographs") for part in ("data", "transform"))
    found = {}
    for name, source in PHOTOGRAPHS.items():
        if source.endswith(".jpg"):
            image = library("sklearn.datasets", "photographs").load_sample_image(source)
        else:
            image = getattr(data, source)()
        image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
        side = min(image.shape[:2])
        top, left = ((length - side) // 2 for length in image.shape[:2])
        square = image[top : top + side, left : left + side] / 255
        found[name] = np.clip(transform.resize(square, (size, size), anti_aliasing=True), 0, 1).transpose(
            2, 0, 1
        )
    return found


def library(part: str, caller: str):
    """Import a part of a library, or say in a sentence which one is missing and how to get it."""
    try:
        return import_module(part)
    except ModuleNotFoundError as error:
        raise missing(error, caller) from error


def missing(error: ModuleNotFoundError, caller: str) -> ImportError:
    """Return the error for a library of the book that is not installed."""
    package = {"sklearn": "scikit-learn", "skimage": "scikit-image"}.get(
        root := (error.name or "").split(".")[0], root
    )
    return ImportError(
        f"{caller} needs {package}, which is not installed: pip install '.[book]' in a clone.",
        name=error.name,
    )
