"""Argument checks shared by the module: every refusal is a sentence that says what came and what was expected."""

from __future__ import annotations

import operator
from numbers import Integral

import numpy as np

__all__ = ["as_generator", "as_real", "as_size", "as_sizes"]


def as_real(a, name: str) -> np.ndarray:
    """Return `a` as a finite real array: float32 stays float32, everything else becomes float64.

    Raises
    ------
    TypeError
        If `a` is complex or not numeric.
    ValueError
        If `a` has a NaN or an infinity.
    """
    a = np.asarray(a)
    if a.dtype.kind == "c":
        raise TypeError(f"{name} must be real, but came with the complex dtype {a.dtype}.")
    if a.dtype.kind not in "fiub":
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
        raise TypeError(f"{name} must be {expected}, but came as {value!r} ({type(value).__name__}).")
    value = operator.index(value)
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {expected}, but came as {value}.")
    return value


def as_sizes(value, name: str, ndim: int | None = None) -> tuple[int, ...]:
    """Return one positive int per axis; a single int stands for all `ndim` axes (one axis if None)."""
    if np.ndim(value) == 0:
        return (as_size(value, name),) * (ndim or 1)
    sizes = tuple(as_size(v, f"{name}[{a}]") for a, v in enumerate(value))
    if not sizes or (ndim is not None and len(sizes) != ndim):
        expected = "at least one integer" if ndim is None else f"one integer or {ndim} (one per axis)"
        raise ValueError(f"{name} must be {expected}, but came as {tuple(value)!r}.")
    return sizes


def as_generator(rng) -> np.random.Generator:
    """Return ``np.random.default_rng(rng)``, refusing what is neither a seed nor a Generator by name."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise TypeError(f"rng must be None, a seed or a numpy Generator, but came as {rng!r}.") from error
