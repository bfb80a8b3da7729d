"""Argument checks of the module: a refusal is a sentence that says what came and what was expected."""

from __future__ import annotations

import operator
from numbers import Integral
from reprlib import repr as brief

import numpy as np

__all__ = ["as_array", "as_generator", "as_real", "as_size", "as_sizes", "shape_error"]


def as_array(a, name: str) -> np.ndarray:
    """Return ``np.asarray(a)``, refusing ragged sequences by name."""
    try:
        return np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, but came as a ragged sequence: {brief(a)}.") from error


def as_real(a, name: str) -> np.ndarray:
    """Return `a` as a finite real array: float32 stays float32, other floats and integers become float64.

    Raises
    ------
    TypeError
        If `a` is complex, boolean or not numeric.
    ValueError
        If `a` is ragged, or has a NaN or an infinity.
    """
    a = as_array(a, name)
    if a.dtype.kind == "c":
        raise TypeError(f"{name} must be real, but came with the complex dtype {a.dtype}.")
    if a.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of real numbers, but came with dtype {a.dtype}.")
    if a.dtype != np.float32:
        a = a.astype(np.float64, copy=False)
    if a.size and not (np.isfinite(a.min()) and np.isfinite(a.max())):
        bad = "NaN" if np.isnan(a).any() else "an infinity"
        raise ValueError(f"{name} must be finite, but holds {bad} (shape {a.shape}).")
    return a


def as_size(value, name: str, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an int in [low, high]; refuse floats, booleans and values out of range."""
    expected = f"an integer >= {low}" if high is None else f"an integer in {low}..{high}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {expected}, but came as {brief(value)} ({type(value).__name__}).")
    value = operator.index(value)
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {expected}, but came as {value}.")
    return value


def as_sizes(value, name: str, ndim: int | None = None, *, low: int = 1) -> tuple[int, ...]:
    """Return one int >= `low` per axis; a single int stands for all `ndim` axes (one axis if None)."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (tuple, list)):
        return (as_size(value, name, low=low),) * (ndim or 1)
    if not value or (ndim is not None and len(value) != ndim):
        expected = "at least one integer" if ndim is None else f"one integer or {ndim} (one per axis)"
        raise ValueError(f"{name} must be {expected}, but came as {brief(value)}.")
    return tuple(as_size(v, f"{name}[{a}]", low=low) for a, v in enumerate(value))


def shape_error(a: np.ndarray, name: str, *expected: tuple) -> ValueError:
    """Return the error for an array whose trailing axes are none of the `expected` shapes."""
    shapes = " or ".join(f"(..., {', '.join(map(str, shape))})" for shape in expected)
    return ValueError(f"{name} must have shape {shapes}, but came with shape {a.shape}.")


def as_generator(rng) -> np.random.Generator:
    """Return ``np.random.default_rng(rng)``, refusing what is neither a seed nor a Generator by name."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise TypeError(f"rng must be None, a seed or a Generator, but came as {brief(rng)}.") from error
