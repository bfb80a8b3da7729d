"""Several layers: convolution, max pooling over local windows, again; and the way back down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from ._checks import as_real, as_size, as_sizes, shape_error
from .codes import BlockModel, fixed_unpool, max_pool, unpool
from .layer import FilterBank
from .reconstruction import relative_error

__all__ = [
    "Layer",
    "LayerErrors",
    "Network",
    "Pooled",
    "error_recursion",
    "gain_bound",
]


@dataclass(frozen=True)
class Layer:
    """One layer of a `Network`.

    Attributes
    ----------
    filters : array_like of shape (K, M, *ell)
        M is the K of the layer below.
    window : int or tuple of int
        Sides of the pooling windows, one for all axes or one per axis.
    k : int, optional
        How many windows of one input keep their maximum, the largest ones; all of them if None.
    stride : int or tuple of int
        Stride of the convolution.
    nonnegative : bool
        Pool with ReLU + max, as networks do, rather than by magnitude.
    """

    filters: np.ndarray
    window: int | tuple[int, ...]
    k: int | None = None
    stride: int | tuple[int, ...] = 1
    nonnegative: bool = True


@dataclass(frozen=True)
class Pooled:
    """The code of one layer: `values` of shape (..., K, *windows), 0 where nothing was kept, and `switches`.

    The switches are integers of the same shape: flat indices in a block of shape n.
    """

    values: np.ndarray
    switches: np.ndarray


@dataclass(frozen=True)
class LayerErrors:
    """Relative errors of a network of L layers, for each input of a batch (...).

    Attributes
    ----------
    alone : ndarray of shape (L, ...)
        ||W_j^T z^_j - x_j|| / ||x_j||: each layer's own inversion, in activation space.
    image : ndarray of shape (L, ...)
        ||x^ - x|| / ||x|| for the image that comes back from the code of layer j.
    composed : ndarray of shape (L, ...)
        ||x^_j - x_j|| / ||x_j|| on the way down from the top, in activation space.
    norms : ndarray of shape (L, ...)
        ||x_j||: norms of the layers' inputs.
    """

    alone: np.ndarray
    image: np.ndarray
    composed: np.ndarray
    norms: np.ndarray


class Network:
    """Layers x_{j+1} = pooled values of W_j x_j, and the way back through the transposes W_j^T.

    Parameters
    ----------
    layers : sequence of Layer
        From the input upwards.
    input_shape : tuple of int, (M, *D)
        Shape of one input x_1.

    Attributes
    ----------
    layers : tuple of Layer
    banks : tuple of FilterBank
        W_1, ..., W_L, each for the shape that reaches it.
    code_shape : tuple of int
        Shape of the last layer's values.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, or one does not fit what the layers below give it.

    Examples
    --------
    >>> from cnninv_lite import gaussian_filters
    >>> first = Layer(gaussian_filters(8, 1, (3, 3), rng=0), window=2)
    >>> second = Layer(gaussian_filters(16, 8, (3, 3), rng=1), window=2)
    >>> net = Network([first, second], input_shape=(1, 22, 22))
    >>> net
    Network(1x22x22 -> 8x10x10 -> 16x4x4)
    >>> codes = net.encode(np.ones((5, 1, 22, 22)))  # a batch of five
    >>> net.decode(codes).shape, net.decode(codes[:1]).shape
    ((5, 1, 22, 22), (5, 1, 22, 22))
    """

    def __init__(self, layers: Sequence[Layer], input_shape):
        self.layers = tuple(layers)
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise TypeError(f"layers must be one Layer or more, but came as {layers!s:.80}.")
        banks, windows, shape = [], [], input_shape
        for depth, layer in enumerate(self.layers, 1):
            try:
                bank = FilterBank(layer.filters, shape, layer.stride)
                window = as_sizes(layer.window, "window", len(bank.n))
                shape = (bank.K, *(-(-n // w) for n, w in zip(bank.n, window, strict=True)))
                if layer.k is not None:
                    as_size(layer.k, "k", high=prod(shape))
            except (TypeError, ValueError) as error:
                raise type(error)(f"layer {depth} of {len(self.layers)}: {error}") from error
            banks.append(bank)
            windows.append(window)
        self.banks, self._windows, self.code_shape = tuple(banks), tuple(windows), shape

    def __repr__(self) -> str:
        shapes = [(bank.M, *bank.D) for bank in self.banks] + [self.code_shape]
        return f"Network({' -> '.join('x'.join(map(str, shape)) for shape in shapes)})"

    def encode(self, x) -> list[Pooled]:
        """Send `x` up and return the code of every layer; the values of one are the input of the next.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)
        """
        codes = []
        for layer, bank, window in zip(self.layers, self.banks, self._windows, strict=True):
            x, switches = max_pool(bank.analysis(x), window, nonnegative=layer.nonnegative)
            if layer.k is not None:
                size = prod(x.shape[-1 - len(window) :])
                x = BlockModel(size, 1, layer.k).project(x.reshape(-1, size)).reshape(x.shape)
            codes.append(Pooled(x, switches))
        return codes

    def decode(self, codes, *, top=None, switches="kept") -> np.ndarray:
        """Come back down from the last code given: unpool, apply W_j^T, and so on to the image.

        Parameters
        ----------
        codes : sequence of Pooled
            Codes of the first layers, as `encode` returns them: ``codes[:j]`` starts at layer j.
        top : array_like, optional
            Other values for the last code: activations that came from somewhere else.
        switches : {"kept", "fixed", "lost"}
            Where a value goes: to the place it came from; to the middle of its window; or to all places of
            its window alike, over the root of their number. Each preserves norms.

        Returns
        -------
        ndarray of shape (..., M, *D)

        Notes
        -----
        With "kept", windows in which ReLU or `k` left nothing stay empty. The way down is then the adjoint of
        the way up with its switches held.
        """
        return self._down(codes, top, switches)[0]

    def layer_errors(self, x, *, switches="kept") -> LayerErrors:
        """Return the errors of every layer alone and of the layers together, in both spaces.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)
        switches : {"kept", "fixed", "lost"}
            As for `decode`.
        """
        codes, axes = self.encode(x), len(self.code_shape)
        inputs = [np.asarray(x, codes[0].values.dtype), *(code.values for code in codes[:-1])]
        alone, image = [], []
        for j, target in enumerate(inputs):
            down = self._down(codes[: j + 1], None, switches)
            alone.append(relative_error(down[j], target, axes))
            image.append(relative_error(down[0], inputs[0], axes))
        composed = [relative_error(back, target, axes) for back, target in zip(down, inputs, strict=True)]
        norms = [np.sqrt(np.square(target).sum(axis=tuple(range(-axes, 0)))) for target in inputs]
        return LayerErrors(*map(np.array, (alone, image, composed, norms)))

    def calibrated(self, x) -> Network:
        """Return the network with each layer's filters scaled so that its inversion has best gain 1 on `x`.

        That is, sum ||c W_j^T z^_j - x_j||^2 over the inputs `x` is least at c = 1. No switch changes.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)

        Raises
        ------
        ValueError
            If a layer keeps nothing of `x`.
        """
        codes, layers = self.encode(x), []
        for j, (layer, bank) in enumerate(zip(self.layers, self.banks, strict=True)):
            kept = np.square(codes[j].values).sum()
            painted = np.square(bank.synthesis(self._unpool(j, codes[j].values, codes[j], "kept"))).sum()
            if not painted:
                raise ValueError(f"x must excite every layer, but layer {j + 1} paints nothing of it.")
            layers.append(replace(layer, filters=bank.filters * np.sqrt(kept / painted)))
        return Network(layers, (self.banks[0].M, *self.banks[0].D))

    def _unpool(self, j: int, values, code: Pooled, switches: str) -> np.ndarray:
        bank, window = self.banks[j], self._windows[j]
        if switches == "kept":
            return unpool(values * (code.values != 0), code.switches, (bank.K, *bank.n))
        if switches == "fixed":
            return fixed_unpool(values, window, (bank.K, *bank.n), place=tuple(w // 2 for w in window))
        for axis, (w, n) in enumerate(zip(window, bank.n, strict=True), -len(window)):
            length = np.diff(np.minimum(np.arange(0, n + w, w), n))  # the last window may be shorter
            scale = (1 / np.sqrt(length)).astype(values.dtype).reshape(-1, *(1,) * (-1 - axis))
            values = np.repeat(values * scale, length, axis=axis)
        return values

    def _down(self, codes, top, switches) -> list[np.ndarray]:
        """Return x^_1, ..., x^_j on the way down from the last of the j codes."""
        codes = list(codes)
        if not 1 <= len(codes) <= len(self.banks) or not all(isinstance(code, Pooled) for code in codes):
            raise TypeError(f"codes must be 1..{len(self.banks)} Pooled codes, but came as {codes!s:.80}.")
        if switches not in ("kept", "fixed", "lost"):
            raise ValueError(f"switches must be 'kept', 'fixed' or 'lost', but came as {switches!r}.")
        values = codes[-1].values if top is None else as_real(top, "top")
        if values.shape != codes[-1].values.shape:
            raise shape_error(values, "top", codes[-1].values.shape)
        down = []
        for j in reversed(range(len(codes))):
            values = self.banks[j].synthesis(self._unpool(j, values, codes[j], switches))
            down.append(values)
        return down[::-1]


def error_recursion(errors, norms, deltas) -> np.ndarray:
    """Return the bounds e_j = c_j ||x_j|| + sqrt(1 + delta_j) e_{j+1} on ||x^_j - x_j||, for switches kept.

    Parameters
    ----------
    errors, norms : array_like of shape (L, ...)
        c_j, the relative error of layer j alone on its input x_j; and ||x_j||.
    deltas : array_like of shape (L,) or (L, ...)
        delta_j >= -1, where sqrt(1 + delta_j) bounds the norm of W_j^T on codes with the switches of layer j.

    Returns
    -------
    ndarray of shape (L, ...)
        e_1, ..., e_L. Without norms, `depth_bound` has the closed form.

    Examples
    --------
    >>> error_recursion([0.5, 0.25], [2.0, 4.0], [0.21, 0.3])
    array([2.1, 1. ])
    """
    c, norm, delta = (as_real(a, n) for a, n in ((errors, "errors"), (norms, "norms"), (deltas, "deltas")))
    if c.shape != norm.shape or not c.ndim or not len(c) or delta.shape not in (c.shape, c.shape[:1]):
        shapes = f"{c.shape}, {norm.shape} and {delta.shape}"
        raise ValueError(f"errors, norms and deltas must agree on shape (L, ...), but came with {shapes}.")
    for name, a, low in (("errors", c, 0), ("norms", norm, 0), ("deltas", delta, -1)):
        if a.min() < low:
            raise ValueError(f"{name} must be >= {low}, but came as small as {a.min():.4g}.")
    e = c * norm
    for j in reversed(range(len(c) - 1)):
        e[j] += np.sqrt(1 + delta[j]) * e[j + 1]
    return e


def gain_bound(deltas, outside=0.0) -> float:
    """Bound the relative error of the best multiple of the reconstruction from L layers: always at most 1.

    It is sqrt(1 - prod_j (1 - eta_j^2) (1 - delta_j) / (1 + delta_j)), for switches kept.

    Parameters
    ----------
    deltas : array_like of shape (L,)
        delta_j = delta(M_k) of layer j, in [0, 1].
    outside : float or array_like of shape (L,)
        eta_j, the distance of x_j to the signals of its layer's model over ||x_j||, in [0, 1].

    Examples
    --------
    >>> [round(gain_bound([0.2] * L), 3) for L in (1, 2, 3)]
    [0.577, 0.745, 0.839]
    """
    delta, eta = as_real(deltas, "deltas"), as_real(outside, "outside")
    for name, a in (("deltas", delta), ("outside", eta)):
        if a.size and not 0 <= a.min() <= a.max() <= 1:
            raise ValueError(f"{name} must lie in [0, 1], but came as {a}.")
    return float(np.sqrt(1 - np.prod((1 - eta**2) * (1 - delta) / (1 + delta))))
