"""Several layers, one on the other: the way up, the way back down, and the error of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ._checks import as_real, as_size, as_sizes, norm, shape_error
from .codes import BlockModel, max_pool, unpool
from .layer import FilterBank
from .network_layer import Layer
from .reconstruction import relative_error

__all__ = [
    "LayerErrors",
    "Network",
    "Pooled",
]


@dataclass(frozen=True, eq=False, repr=False)
class Pooled:
    """The code of one layer, as `Network.encode` returns it: three arrays of shape (..., K, *windows).

    Attributes
    ----------
    values : ndarray
        What the next layer gets: 0 (or the layer's `shift`) where nothing was kept.
    switches : ndarray of int
        The place of each value: its flat index in a block of shape n.
    kept : ndarray of bool
        Whether the window kept something: the masks of ReLU, and of `k`.
    """

    values: np.ndarray
    switches: np.ndarray
    kept: np.ndarray

    def __repr__(self) -> str:
        return f"Pooled(shape={self.values.shape}, kept={np.count_nonzero(self.kept)})"


@dataclass(frozen=True, eq=False)
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
        W_1, ..., W_L, each for the shape that reaches it, the zeros around it included.
    code_shape : tuple of int
        Shape of the last layer's values.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, or one does not fit what the layers below give it.

    Examples
    --------
    >>> from cnninv_lite import Layer, gaussian_filters
    >>> first = Layer(gaussian_filters(8, 1, (3, 3), rng=0), window=2)
    >>> second = Layer(gaussian_filters(16, 8, (3, 3), rng=1), window=2, padding="same")
    >>> net = Network([first, second], input_shape=(1, 22, 22))
    >>> net
    Network(1x22x22 -> 8x10x10 -> 16x5x5)
    >>> codes = net.encode(np.ones((5, 1, 22, 22)))  # a batch of five
    >>> codes[1]
    Pooled(shape=(5, 16, 5, 5), kept=970)
    >>> net.decode(codes).shape, net.decode(codes[:1]).shape
    ((5, 1, 22, 22), (5, 1, 22, 22))
    """

    def __init__(self, layers: Sequence[Layer], input_shape):
        self.layers = tuple(layers)
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise TypeError(f"layers must be one Layer or more, but got {layers!s:.80}.")
        banks, shapes = [], [as_sizes(input_shape, "input_shape")]
        for depth, layer in enumerate(self.layers, 1):
            try:
                M, *D = shapes[-1]
                if len(D) == len(layer.padding):
                    D = [size + sum(pair) for size, pair in zip(D, layer.padding, strict=True)]
                bank = FilterBank(layer.filters, (M, *D), layer.stride)
                shapes.append((bank.K, *(-(-n // w) for n, w in zip(bank.n, layer.window, strict=True))))
                if layer.k is not None:
                    as_size(layer.k, "k", high=prod(shapes[-1]))
            except (TypeError, ValueError) as error:
                raise type(error)(f"layer {depth} of {len(self.layers)}: {error}") from error
            banks.append(bank)
        self.banks, self._shapes, self.code_shape = tuple(banks), tuple(shapes), shapes[-1]

    def __repr__(self) -> str:
        return f"Network({' -> '.join('x'.join(map(str, shape)) for shape in self._shapes)})"

    def encode(self, x) -> list[Pooled]:
        """Send `x` up and return the code of every layer; the values of one are the input of the next.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)
        """
        x = as_real(x, "x")
        if x.shape[x.ndim - len(self._shapes[0]) :] != self._shapes[0]:
            raise shape_error(x, "x", self._shapes[0])
        codes = []
        for j, layer in enumerate(self.layers):
            h = self._analyse(j, x)
            if layer.bias is not None:
                h += self._per_filter(j, layer.bias)
            if prod(layer.window) == 1:  # every place is its own window
                n = h.shape[-len(layer.window) :]
                x = np.maximum(h, 0) if layer.nonnegative else h
                switches = np.broadcast_to(np.arange(prod(n)).reshape(n), h.shape)
            else:
                x, switches = max_pool(h, layer.window, nonnegative=layer.nonnegative)
            if layer.gain is not None:
                x = x * self._per_filter(j, layer.gain)
            if layer.k is not None:
                size = prod(self._shapes[j + 1])
                x = BlockModel(size, 1, layer.k).project(x.reshape(-1, size)).reshape(x.shape)
            kept = x != 0
            if layer.shift is not None:
                x = x + self._per_filter(j, layer.shift)
            codes.append(Pooled(x, switches, kept))
        return codes

    def decode(self, codes, *, top=None, switches="known", masks=None, relu=False) -> np.ndarray:
        """Come back down from the last code given: from each code z^_j to x^_j = W_j^T z^_j.

        From the values of a layer to its input: subtract the shift, divide by the gain, unpool, apply W_j^T,
        and cut off the zeros around the input. Biases stay in the code.

        Parameters
        ----------
        codes : sequence of Pooled
            Codes of the first layers, as `encode` returns them: ``codes[:j]`` starts at layer j.
        top : array_like, optional
            Other values for the last code: activations that came from somewhere else.
        switches : {"known", "fixed", "spread"}
            Where a value goes: to the place it came from; to the middle of its window; or to all places of
            its window alike, over the root of their number. Each preserves norms.
        masks : bool, optional
            Whether the windows in which ReLU or `k` kept nothing stay empty. By default they do if the
            switches are known, and not otherwise.
        relu : bool
            Set negative values to zero before each unpooling below the first one, as deconvolutional
            networks do.

        Returns
        -------
        ndarray of shape (..., M, *D)

        Notes
        -----
        With known switches and masks, without batch norm and `relu`, this is the adjoint of the linear
        part of the way up with its switches held constant; `held` gives both for every network. With `relu`
        and without batch norm it is positively homogeneous: twice the values give twice the picture.
        """
        return self._down(codes, top, switches, masks, relu)[0]

    def held(self, codes) -> LinearOperator:
        """Return B, the linear part of the way up of one input when its switches and masks are held constant.

        The way up is x -> B x + c, with B x + c the values of the last code. Biases and shifts are in c.

        Parameters
        ----------
        codes : sequence of Pooled
            Codes of the first layers for one input (no batch), as `encode` returns them.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator
            From flattened inputs to flattened values; ``B.T`` is its exact adjoint.

        Examples
        --------
        >>> net = Network([Layer(np.ones((2, 1, 3)), window=2)], input_shape=(1, 8))
        >>> x = np.arange(8.0)[None]
        >>> codes = net.encode(x)
        >>> bool(np.allclose(net.held(codes) @ x.ravel(), codes[0].values.ravel()))
        True
        """
        codes = self._codes(codes)
        below, above = self._shapes[0], self._shapes[len(codes)]
        if codes[-1].values.shape != above:
            raise shape_error(codes[-1].values, "codes[-1].values", above)
        factors = [
            code.kept if layer.gain is None else code.kept * self._per_filter(j, layer.gain)
            for j, (code, layer) in enumerate(zip(codes, self.layers, strict=False))
        ]

        def up(x):
            x = x.reshape(below)
            for j, (code, factor) in enumerate(zip(codes, factors, strict=True)):
                h, at = self._analyse(j, x), code.switches
                if prod(self.layers[j].window) > 1:
                    h = np.take_along_axis(h.reshape(len(h), -1), at.reshape(len(at), -1), axis=1)
                x = h.reshape(at.shape) * factor
            return x.ravel()

        def down(z):
            z = z.reshape(above)
            for j in reversed(range(len(codes))):
                z = self._synthesise(j, self._known(j, z * factors[j], codes[j]))
            return z.ravel()

        dtype = np.result_type(codes[-1].values, self.banks[0].dtype)
        return LinearOperator((prod(above), prod(below)), matvec=up, rmatvec=down, dtype=dtype)

    def normalized(self) -> Network:
        """Return the same network with filters of unit norm: their norms become gains.

        The way up gives the same values. The way down divides by the gains, and so paints a value z of the
        filter w_i with strength z / ||w_i||^2.

        Raises
        ------
        ValueError
            If a filter is zero.
        """
        layers = []
        for j, (layer, bank) in enumerate(zip(self.layers, self.banks, strict=True)):
            norms = norm(bank.filters, bank.filters.ndim - 1)
            if not norms.all():
                raise ValueError(
                    f"filters[{int(norms.argmin())}] of layer {j + 1} must not be zero, but got zeros."
                )
            layers.append(
                replace(
                    layer,
                    filters=bank.filters / norms.reshape(-1, *(1,) * (bank.filters.ndim - 1)),
                    bias=None if layer.bias is None else layer.bias / norms,
                    gain=norms if layer.gain is None else layer.gain * norms,
                )
            )
        return Network(layers, self._shapes[0])

    def layer_errors(self, x, *, switches="known") -> LayerErrors:
        """Return the errors of every layer alone and of the layers together, in both spaces.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)
        switches : {"known", "fixed", "spread"}
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
        norms = [norm(target, axes) for target in inputs]
        return LayerErrors(*map(np.array, (alone, image, composed, norms)))

    def calibrated(self, x) -> Network:
        """Return the network with each layer's filters scaled so that its inversion has best gain 1 on `x`.

        That is, sum ||c W_j^T z^_j - x_j||^2 over the inputs `x` is least at c = 1. No switch changes. Layers
        with a bias, a gain or a shift are refused: scaling one of them changes what the next ones keep.

        Parameters
        ----------
        x : array_like of shape (..., M, *D)

        Raises
        ------
        ValueError
            If a layer keeps nothing of `x`, or has a bias, a gain or a shift.
        """
        codes, layers = self.encode(x), []
        for j, (layer, bank) in enumerate(zip(self.layers, self.banks, strict=True)):
            if not layer.bias is layer.gain is layer.shift is None:
                raise ValueError(
                    f"calibrated needs layers without bias, gain and shift, but got {layer} at {j + 1}."
                )
            values = codes[j].values
            kept = norm(values)
            painted = self._synthesise(j, self._known(j, values, codes[j]))
            if not (paint := norm(painted)):
                raise ValueError(f"x must excite every layer, but layer {j + 1} paints nothing of it.")
            layers.append(replace(layer, filters=bank.filters * (kept / paint)))
        return Network(layers, self._shapes[0])

    def _per_filter(self, j: int, a: np.ndarray) -> np.ndarray:
        """View `a`, one number for each filter of layer j, so that it broadcasts against its codes."""
        return a.reshape(-1, *(1,) * len(self.layers[j].window))

    def _analyse(self, j: int, x: np.ndarray) -> np.ndarray:
        """Return W_j x with the zeros of layer j around x."""
        padding = self.layers[j].padding
        if any(map(any, padding)):
            x = np.pad(x, [(0, 0)] * (x.ndim - len(padding)) + list(padding))
        return self.banks[j].analysis(x)

    def _synthesise(self, j: int, z: np.ndarray) -> np.ndarray:
        """Return W_j^T z without the frame that is the zeros of layer j: the adjoint of `_analyse`."""
        sizes = zip(self.layers[j].padding, self.banks[j].D, strict=True)
        inner: list[Any] = [slice(before, size - after) for (before, after), size in sizes]
        return self.banks[j].synthesis(z)[..., *inner]

    def _known(self, j: int, values: np.ndarray, code: Pooled) -> np.ndarray:
        """Put `values` where the switches of layer j say."""
        if prod(self.layers[j].window) == 1:
            return values
        return unpool(values, code.switches, (self.banks[j].K, *self.banks[j].n))

    def _unpool(self, j: int, values, code: Pooled, switches: str, masks: bool) -> np.ndarray:
        """Return the code z^_j of layer j that its `values` stand for."""
        bank, layer = self.banks[j], self.layers[j]
        if masks:
            values = values * code.kept
        if switches == "known":
            return self._known(j, values, code)
        place = tuple(w // 2 for w in layer.window)
        return unpool(values, switches, (bank.K, *bank.n), window=layer.window, place=place)

    def _codes(self, codes) -> list[Pooled]:
        codes = list(codes)
        if not 1 <= len(codes) <= len(self.banks) or not all(isinstance(code, Pooled) for code in codes):
            raise TypeError(f"codes must be 1..{len(self.banks)} Pooled codes, but got {codes!s:.80}.")
        return codes

    def _down(self, codes, top, switches, masks=None, relu=False) -> list[np.ndarray]:
        """Return x^_1, ..., x^_j on the way down from the last of the j codes."""
        codes = self._codes(codes)
        if switches not in ("known", "fixed", "spread"):
            raise ValueError(f"switches must be 'known', 'fixed' or 'spread', but got {switches!r}.")
        masks = switches == "known" if masks is None else masks
        values = codes[-1].values if top is None else as_real(top, "top")
        if values.shape != codes[-1].values.shape:
            raise shape_error(values, "top", codes[-1].values.shape)
        down: list[np.ndarray] = []
        for j in reversed(range(len(codes))):
            layer = self.layers[j]
            if layer.shift is not None:
                values = values - self._per_filter(j, layer.shift)
            if (gain := layer.gain) is not None:  # a gain of 0 leaves no trace of what ReLU gave
                inverse = np.divide(1, gain, out=np.zeros_like(gain), where=gain > 0)
                values = values * self._per_filter(j, inverse)
            if relu and down:
                values = np.maximum(values, 0)
            values = self._synthesise(j, self._unpool(j, values, codes[j], switches, masks))
            down.append(values)
        return down[::-1]
