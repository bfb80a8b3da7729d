"""What one layer of a network has: filters, padding, bias, ReLU, pooling windows, batch norm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import as_real, as_size, as_sizes

__all__ = ["Layer"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Layer:
    """One layer of a `Network`: values = gain * pool(ReLU(W x + bias)) + shift, with zeros around x.

    Attributes
    ----------
    filters : array_like of shape (K, M, *ell)
        M is the K of the layer below.
    window : int or tuple of int
        Sides of the pooling windows. One int stands for all axes of the filters; the attribute is always a
        tuple with one side per axis, which is what `max_pool` takes.
    k : int, optional
        How many windows of one input keep their maximum, the largest ones; all of them if None.
    stride : int or tuple of int
        Stride of the convolution; the attribute is a tuple.
    nonnegative : bool
        Pool with ReLU + max, as networks do, rather than by magnitude.
    padding : "same", int or sequence of pairs
        Zeros around the input: a number for all sides, or (before, after) for each axis. "same" gives as many
        positions as the input has samples, ell - 1 zeros in all, the odd one after; it needs stride 1. The
        attribute is a tuple of pairs.
    bias : array_like of shape (K,), optional
        What is added to the hidden units of each filter before pooling.
    gain, shift : array_like of shape (K,), optional
        A batch norm after ReLU, as it acts once training is over. The gains are >= 0, and therefore it makes
        no difference whether it stands before or after max pooling. (A batch norm before ReLU is part of the
        filters and the bias, for gains of any sign.)

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this kind, or does not fit the filters.

    Examples
    --------
    >>> layer = Layer(np.ones((4, 1, 3, 3)), window=2, padding="same", bias=np.zeros(4))
    >>> layer
    Layer(K=4, M=1, ell=(3, 3), window=(2, 2), padding=((1, 1), (1, 1)), bias)
    """

    filters: np.ndarray
    window: tuple[int, ...]
    k: int | None
    stride: tuple[int, ...]
    nonnegative: bool
    padding: tuple[tuple[int, int], ...]
    bias: np.ndarray | None
    gain: np.ndarray | None
    shift: np.ndarray | None

    def __init__(
        self,
        filters: ArrayLike,
        window: int | Sequence[int],
        k: int | None = None,
        stride: int | Sequence[int] = 1,
        nonnegative: bool = True,
        padding: str | int | Sequence[Sequence[int]] = 0,
        bias: ArrayLike | None = None,
        gain: ArrayLike | None = None,
        shift: ArrayLike | None = None,
    ):
        filters = as_real(filters, "filters")
        if filters.ndim not in (3, 4) or 0 in filters.shape:
            raise ValueError(
                "filters must have shape (K, M, ell) or (K, M, ell_1, ell_2) with no empty axis, "
                f"but got shape {filters.shape}."
            )
        axes = filters.ndim - 2
        steps = as_sizes(stride, "stride", axes)
        settled: dict[str, Any] = {
            "filters": filters,
            "window": as_sizes(window, "window", axes),
            "k": k,
            "stride": steps,
            "nonnegative": nonnegative,
            "padding": _pairs(padding, filters.shape[2:], steps),
        }
        for name, given in (("bias", bias), ("gain", gain), ("shift", shift)):
            settled[name] = None if given is None else as_real(given, name).astype(filters.dtype)
            if given is not None and settled[name].shape != filters.shape[:1]:
                raise ValueError(
                    f"{name} must have shape {filters.shape[:1]}, but got {settled[name].shape}."
                )
        if gain is not None and (low := settled["gain"].min()) < 0:
            raise ValueError(
                f"gain must be >= 0, because max pooling commutes with no other, but got {low:.4g}."
            )
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        K, M, *ell = self.filters.shape
        text = f"Layer(K={K}, M={M}, ell={tuple(ell)}, window={self.window}"
        for name, plain in (("k", None), ("stride", (1,) * len(ell)), ("padding", ((0, 0),) * len(ell))):
            if (value := getattr(self, name)) != plain:
                text += f", {name}={value}"
        text += "" if self.nonnegative else ", nonnegative=False"
        return (
            text + "".join(f", {n}" for n in ("bias", "gain", "shift") if getattr(self, n) is not None) + ")"
        )


def _pairs(padding, ell, stride) -> tuple[tuple[int, int], ...]:
    """Return the zeros (before, after) on each axis."""
    if isinstance(padding, str):
        if padding != "same":
            raise ValueError(f"padding must be 'same', an integer or pairs, but got {padding!r}.")
        if set(stride) != {1}:
            raise ValueError(
                f"padding must be given as pairs where stride is not 1, but got 'same', {stride}."
            )
        return tuple(((length - 1) // 2, length // 2) for length in ell)
    if not isinstance(padding, (tuple, list)):
        return ((as_size(padding, "padding", low=0),) * 2,) * len(ell)
    if len(padding) != len(ell) or not all(isinstance(pair, (tuple, list)) for pair in padding):
        raise ValueError(f"padding must be {len(ell)} pair(s) (before, after), but got {padding!r:.80}.")
    before_after = tuple(as_sizes(pair, f"padding[{a}]", 2, low=0) for a, pair in enumerate(padding))
    return before_after  # type: ignore[return-value]
