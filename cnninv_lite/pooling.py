"""Pooling over local windows with switches, and the ways back."""

from __future__ import annotations

from itertools import chain
from math import prod

import numpy as np

from ._checks import as_array, as_real, as_sizes, shape_error

__all__ = ["fixed_unpool", "max_pool", "unpool"]


def max_pool(h, window, *, nonnegative=False) -> tuple[np.ndarray, np.ndarray]:
    """Keep one entry of each window of each block: the one of largest magnitude, and remember where it was.

    Parameters
    ----------
    h : array_like of shape (..., K, *n)
    window : int or tuple of int
        Length of the windows: one int for codes (..., K, n), one per axis for more axes. They do not overlap;
        the last one along an axis may be shorter, so that every entry belongs to a window.
    nonnegative : bool
        Apply ReLU first, so that the largest positive entry is kept, or 0 if there is none.

    Returns
    -------
    values : ndarray of shape (..., K, *ceil(n / window))
        The kept entries.
    switches : ndarray of int of the same shape
        Where each was: its flat index in the block of shape n. Ties go to the first index.

    Examples
    --------
    >>> values, switches = max_pool([[1.0, -3.0, 0.5, 2.0, 1.0]], window=2)
    >>> values, switches
    (array([[-3.,  2.,  1.]]), array([[1, 3, 4]]))
    >>> unpool(values, switches, (1, 5))
    array([[ 0., -3.,  0.,  2.,  1.]])
    """
    h, window = as_real(h, "h"), as_sizes(window, "window")
    axes = len(window)
    if h.ndim < axes + 1 or 0 in h.shape[-axes:]:
        raise shape_error(h, "h", ("K", *(f"n_{a + 1} >= 1" for a in range(axes))))
    lead, n = h.shape[:-axes], h.shape[-axes:]
    window = tuple(map(min, window, n))
    count = tuple(-(-size // w) for size, w in zip(n, window, strict=True))

    size = np.maximum(h, 0) if nonnegative else np.abs(h)
    margin = [(0, c * w - size) for c, w, size in zip(count, window, n, strict=True)]
    size = np.pad(size, [(0, 0)] * len(lead) + margin, constant_values=-1)  # never the largest
    split = size.reshape(*lead, *chain.from_iterable(zip(count, window, strict=True)))
    inner = range(len(lead) + 1, split.ndim, 2)
    windows = np.moveaxis(split, inner, range(-axes, 0)).reshape(*lead, *count, prod(window))

    best = windows.argmax(axis=-1)  # raveled: NumPy 2.4's unravel_index errs on long (..., 1) arrays
    inside = (i.reshape(best.shape) for i in np.unravel_index(best.ravel(), window))
    starts = (c * w for c, w in zip(np.indices(count, sparse=True), window, strict=True))
    switches = np.ravel_multi_index([s + i for s, i in zip(starts, inside, strict=True)], n)
    values = np.take_along_axis(h.reshape(*lead, prod(n)), switches.reshape(*lead, prod(count)), axis=-1)
    values = values.reshape(switches.shape)
    return (np.maximum(values, 0) if nonnegative else values), switches


def unpool(values, switches, shape) -> np.ndarray:
    """Put pooled values back where the switches say, zero elsewhere: the adjoint of keeping them.

    Parameters
    ----------
    values, switches : arrays of the same shape (..., K, *windows)
        As `max_pool` returns them.
    shape : tuple of int, (K, *n)
        Shape of a code, without the batch.

    Returns
    -------
    ndarray of shape (..., K, *n)

    Raises
    ------
    ValueError
        If shapes disagree, a switch lies outside its block, or two switches of a block coincide.
    """
    values, switches = as_real(values, "values"), as_array(switches, "switches")
    shape = as_sizes(shape, "shape")
    axes, size = len(shape) - 1, prod(shape[1:])
    if axes < 1 or values.ndim < axes + 1 or values.shape[-axes - 1] != shape[0]:
        raise ValueError(
            f"shape must be (K, *n) with the K of values, whose shape is {values.shape}, but came as {shape}."
        )
    if switches.dtype.kind not in "iu" or switches.shape != values.shape:
        raise ValueError(
            f"switches must be integers of the shape of values, {values.shape}, but came with dtype "
            f"{switches.dtype} and shape {switches.shape}."
        )
    lead, pooled = values.shape[:-axes], prod(values.shape[-axes:])
    values, where = values.reshape(*lead, pooled), switches.reshape(*lead, pooled)
    ordered = np.sort(where, axis=-1)
    if (low := where.min(initial=0)) < 0 or (high := where.max(initial=0)) >= size:
        raise ValueError(f"switches must lie in 0..{size - 1}, but one came as {low if low < 0 else high}.")
    if (same := ordered[..., 1:][ordered[..., 1:] == ordered[..., :-1]]).size:
        raise ValueError(f"switches of one block must differ, but {same[0]} came twice.")
    out = np.zeros((*lead, size), values.dtype)
    np.put_along_axis(out, where, values, axis=-1)
    return out.reshape(*lead, *shape[1:])


def fixed_unpool(values, window, shape, *, place=0) -> np.ndarray:
    """Put pooled values back at one fixed place of each window, as if the switches had been lost.

    Parameters
    ----------
    values : array_like of shape (..., K, *ceil(n / window))
    window : int or tuple of int
        The windows that `max_pool` used.
    shape : tuple of int, (K, *n)
    place : int or tuple of int
        Offset within the window, one for all axes or one per axis; in a last, shorter window the last
        position stands in for an offset that it does not have.

    Returns
    -------
    ndarray of shape (..., K, *n)
    """
    values, window, shape = as_real(values, "values"), as_sizes(window, "window"), as_sizes(shape, "shape")
    n, axes = shape[1:], len(window)
    if len(n) != axes:
        raise ValueError(f"shape must be (K, *n) with one n per entry of window {window}, but is {shape}.")
    places = as_sizes(place, "place", axes, low=0)
    if any(at >= w for at, w in zip(places, window, strict=True)):
        raise ValueError(f"place must lie inside the window {window}, but came as {places}.")
    offsets = [
        np.minimum(np.arange(0, size, w) + at, size - 1)
        for size, w, at in zip(n, window, places, strict=True)
    ]
    switches = np.ravel_multi_index(np.ix_(*offsets), n)
    pooled = (shape[0], *switches.shape)
    if values.shape[-len(pooled) :] != pooled:
        raise shape_error(values, "values", pooled)
    return unpool(values, np.broadcast_to(switches, values.shape), shape)
