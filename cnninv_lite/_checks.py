"""Argument checks of the module: a refusal is a sentence that says what came and what was expected."""

from __future__ import annotations

import operator
from math import inf
from numbers import Integral, Real
from reprlib import repr as brief

import numpy as np

__all__ = [
    "as_array",
    "as_generator",
    "as_index",
    "as_number",
    "as_real",
    "as_size",
    "as_sizes",
    "at_least_0",
    "exponent",
    "norm",
    "shape_error",
]


def as_array(a, name: str) -> np.ndarray:
    """Return ``np.asarray(a)``, refusing masked arrays and ragged sequences by name."""
    if _masked(a):
        raise TypeError(f"{name} must be an array without a mask, but got a masked array: {brief(a)}.")
    try:
        return np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, but got a ragged sequence: {brief(a)}.") from error


def _masked(a) -> bool:
    """Say whether `a` is a masked array, or a sequence with one inside: NumPy would drop the mask."""
    return isinstance(a, np.ma.MaskedArray) or (isinstance(a, (list, tuple)) and any(map(_masked, a)))


def as_real(a, name: str, *, check_finite: bool = True) -> np.ndarray:
    """Return `a` as a finite real array: float32 stays float32, other floats and integers become float64.

    Without `check_finite`, a NaN or an infinity is let through.

    Raises
    ------
    TypeError
        If `a` is complex, boolean or not numeric.
    ValueError
        If `a` is ragged, or has a NaN or an infinity.
    """
    a = as_array(a, name)
    if a.dtype.kind == "c":
        raise TypeError(f"{name} must be real, but got the complex dtype {a.dtype}.")
    if a.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of real numbers, but got dtype {a.dtype}.")
    if a.dtype != np.float32:
        a = a.astype(np.float64, copy=False)
    if check_finite and a.size and not (np.isfinite(a.min()) and np.isfinite(a.max())):
        bad = "NaN" if np.isnan(a).any() else "an infinity"
        raise ValueError(f"{name} must be finite, but got {bad} in shape {a.shape}.")
    return a


def at_least_0(a, name: str) -> np.ndarray:
    """Return `a` as a finite real array of float64, refusing negative numbers."""
    a = as_real(a, name).astype(np.float64)
    if a.size and a.min() < 0:
        raise ValueError(f"{name} must be >= 0, but got {a.min()}.")
    return a


def as_index(a, name: str, size: int) -> np.ndarray:
    """Return `a` as an array of flat indices in 0..size - 1 with at least one axis.

    Raises
    ------
    TypeError
        If `a` does not consist of integers.
    ValueError
        If `a` is ragged or a single number, or an index is out of range.
    """
    a = as_array(a, name)
    if a.size and a.dtype.kind not in "iu":
        raise TypeError(f"{name} must be an array of integers, but got dtype {a.dtype}.")
    if a.ndim == 0:
        raise ValueError(f"{name} must have at least one axis, but got shape ().")
    if a.size and ((low := a.min()) < 0 or (high := a.max()) >= size):
        raise ValueError(f"{name} must hold integers in 0..{size - 1}, but got {low if low < 0 else high}.")
    return a.astype(int, copy=False)


def as_number(
    value,
    name: str,
    *,
    low: float = 0.0,
    high: float = inf,
    closed_low: bool = False,
    closed_high: bool = False,
) -> float:
    """Return `value`, a real scalar of Python or NumPy, as a finite float between `low` and `high`.

    Raises
    ------
    TypeError
        If `value` is a boolean, complex, an array or no number at all.
    ValueError
        If it is NaN, infinite or out of range; an end belongs to the range if it is closed.
    """
    left, right = ("[" if closed_low else "("), ("]" if closed_high else ")")
    within = f"in {left}{low:g}, {high:g}{right}" if high < inf else f"{'>=' if closed_low else '>'} {low:g}"
    expected = f"a real number {within}" if low > -inf else "a finite real number"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {expected}, but got {brief(value)} ({type(value).__name__}).")
    number = float(value)
    above = number > low or (closed_low and number == low)
    below = number < high or (closed_high and number == high)
    if not (above and below and abs(number) < inf):
        raise ValueError(f"{name} must be {expected}, but got {value}.")
    return number


def as_size(value, name: str, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an int in [low, high]; refuse floats, booleans and values out of range."""
    expected = f"an integer >= {low}" if high is None else f"an integer in {low}..{high}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {expected}, but got {brief(value)} ({type(value).__name__}).")
    value = operator.index(value)
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {expected}, but got {value}.")
    return value


def as_sizes(value, name: str, ndim: int | None = None, *, low: int = 1) -> tuple[int, ...]:
    """Return one int >= `low` per axis; a single int stands for all `ndim` axes (one axis if None)."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (tuple, list)):
        return (as_size(value, name, low=low),) * (ndim or 1)
    if not value or (ndim is not None and len(value) != ndim):
        expected = "at least one integer" if ndim is None else f"one integer or {ndim} (one per axis)"
        raise ValueError(f"{name} must be {expected}, but got {brief(value)}.")
    return tuple(as_size(v, f"{name}[{a}]", low=low) for a, v in enumerate(value))


def shape_error(a: np.ndarray, name: str, *expected: tuple) -> ValueError:
    """Return the error for an array whose trailing axes are none of the `expected` shapes."""
    shapes = " or ".join(f"(..., {', '.join(map(str, shape))})" for shape in expected)
    return ValueError(f"{name} must have shape {shapes}, but got shape {a.shape}.")


def as_generator(rng) -> np.random.Generator:
    """Return ``np.random.default_rng(rng)``, refusing what is neither a seed nor a Generator by name."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise TypeError(f"rng must be None, a seed or a Generator, but got {brief(rng)}.") from error


def exponent(a: np.ndarray, axes: int | None = None) -> np.ndarray:
    """Return e such that the largest entry of |a| 2**-e over the last `axes` axes is in [1/2, 1).

    The axes are kept with length 1 and None stands for all of them, so that ``np.ldexp(a, -e)`` is `a` scaled
    by powers of two: exactly, but for what is negligible beside the largest entry. Where `a` is 0, e is 0.
    """
    over = tuple(range(-(a.ndim if axes is None else axes), 0))
    largest, least = a.max(over, keepdims=True, initial=0), a.min(over, keepdims=True, initial=0)
    return np.frexp(np.maximum(largest, -least))[1]


# The least sum of squares beside which squares that vanish do not count.
SAFE = {np.dtype(real): np.finfo(real).tiny / np.finfo(real).eps ** 2 for real in (np.float32, np.float64)}


def norm(a: np.ndarray, axes: int | None = None) -> np.ndarray:
    """Return the Euclidean norm of `a` over its last `axes` axes, all of them if None, at any scale.

    Where a square would overflow or vanish, the norm is taken of ``np.ldexp(a, -e)``, with e as `exponent`
    gives it: multiplied by a power of two, `a` has the same norm times that power.
    """
    over = tuple(range(-(a.ndim if axes is None else axes), 0))
    with np.errstate(over="ignore", under="ignore"):
        square = np.sum(np.square(a), axis=over)
        if square.size and SAFE[a.dtype] < square.min() and square.max() < inf:
            return np.sqrt(square)
        e = exponent(a, axes)
        return np.ldexp(np.sqrt(np.sum(np.square(np.ldexp(a, -e)), axis=over)), e.reshape(square.shape))
