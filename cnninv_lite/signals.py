"""Real signals that ship with Matplotlib: nothing is downloaded."""

from __future__ import annotations

import numpy as np

from ._checks import as_size

__all__ = ["eeg", "photograph"]


def eeg() -> np.ndarray:
    """Return the four-channel EEG among Matplotlib's sample data: 10 seconds at 80 samples a second.

    Returns
    -------
    ndarray of shape (4, 800), float64
        Each channel with mean 0 and variance 1.
    """
    from matplotlib.cbook import get_sample_data

    with get_sample_data("eeg.dat") as file:
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
    from matplotlib.cbook import get_sample_data
    from matplotlib.image import imread

    size = as_size(size, "size", high=384)
    if 384 % size:
        raise ValueError(f"size must divide 384, the side of the square, but came as {size}.")
    with get_sample_data("grace_hopper.jpg") as file:
        square = imread(file, format="jpg")[30:414, 60:444] / 255.0
    blocks = square.reshape(size, 384 // size, size, 384 // size, 3).mean(axis=(1, 3))
    return blocks.transpose(2, 0, 1) if colour else blocks.mean(axis=-1)[None]
