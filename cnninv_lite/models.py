"""The codes that pooling produces: M_k^s, its projection M(h, k), and pooling over local windows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from math import comb, prod

import numpy as np

from ._checks import as_generator, as_real, as_size, as_sizes

__all__ = ["BlockModel", "fixed_unpool", "max_pool", "unpool"]


class BlockModel:
    """The model M_k^s: codes with at most s non-zeros in each block and at most s k in all.

    A code has `n_blocks` = K blocks (one per filter) of `block_size` = n positions. With s = `order` = 1
    these are the model-k-sparse codes of Gilbert et al. (2017); order s is the set of their sums of s.

    Parameters
    ----------
    n_blocks : int
        Number K of blocks.
    block_size : int or tuple of int
        Positions n in a block; a tuple (as `FilterBank.n`) if they lie on more than one axis.
    k : int
        Active blocks of an order-1 code, in 1..K.
    order : int
        The order s >= 1.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, or k exceeds the number of blocks.

    Examples
    --------
    >>> model = BlockModel(3, 4, k=2)
    >>> model.project([[1, -5, 2, 0], [3, 0, 0, 3], [0, 1, 0, 0]])
    array([[ 0., -5.,  0.,  0.],
           [ 3.,  0.,  0.,  0.],
           [ 0.,  0.,  0.,  0.]])
    >>> model.count()  # 3 pairs of blocks, 4 positions in each
    48
    """

    def __init__(self, n_blocks, block_size, k, order=1):
        self.n_blocks = as_size(n_blocks, "n_blocks")
        self.shape = (self.n_blocks, *as_sizes(block_size, "block_size"))
        self.block_size = prod(self.shape[1:])
        self.k = as_size(k, "k", high=self.n_blocks)
        self.order = as_size(order, "order")

    def __repr__(self) -> str:
        size = self.shape[1] if len(self.shape) == 2 else self.shape[1:]
        return f"BlockModel(n_blocks={self.n_blocks}, block_size={size}, k={self.k}, order={self.order})"

    @property
    def per_block(self) -> int:
        """Most non-zeros that a block can hold: min(s, n)."""
        return min(self.order, self.block_size)

    @property
    def sparsity(self) -> int:
        """Most non-zeros that a code can hold: min(s k, K min(s, n))."""
        return min(self.order * self.k, self.n_blocks * self.per_block)

    def project(self, h, *, nonnegative=False) -> np.ndarray:
        """Return the code of the model nearest to `h`: the projection M(h, k) for order 1.

        Each block keeps its `order` entries of largest magnitude; of those, the `order * k` largest stay.
        Ties go to the first index.

        Parameters
        ----------
        h : array_like of shape (..., K, *n) or (..., K n)
            Any leading batch shape.
        nonnegative : bool
            Project onto the codes of the model with no negative entry instead: ReLU, then max pooling.

        Returns
        -------
        ndarray of the shape of `h`
            The kept entries of `h`, zero elsewhere.
        """
        h = as_real(h, "h")
        blocks = self._blocks(h, "h")
        size = np.maximum(blocks, 0) if nonnegative else np.abs(blocks)
        keep = np.zeros(size.shape, bool)
        if self.per_block == 1:
            best = size.argmax(axis=-1)[..., None]
            largest = np.take_along_axis(size, best, axis=-1)[..., 0]
            np.put_along_axis(keep, best, _first_largest(largest, self.sparsity)[..., None], axis=-1)
        else:
            in_block = np.where(_first_largest(size, self.per_block), size, -1.0)
            flat = in_block.reshape(*in_block.shape[:-2], -1)
            keep = _first_largest(flat, self.sparsity).reshape(size.shape)
        if nonnegative:
            keep &= blocks > 0
        return np.where(keep, blocks, blocks.dtype.type(0)).reshape(h.shape)

    def contains(self, z) -> np.ndarray | np.bool_:
        """Say for each code of the batch `z`, of shape (..., K, *n) or (..., K n), whether the model holds it."""
        used = (self._blocks(as_real(z, "z"), "z") != 0).sum(axis=-1)
        return (used <= self.order).all(axis=-1) & (used.sum(axis=-1) <= self.order * self.k)

    def sample(self, size=None, *, rng=None, values="normal") -> np.ndarray:
        """Draw random codes: sums of `order` independent order-1 codes with uniform supports.

        Parameters
        ----------
        size : None, int or tuple of int
            Batch shape; None gives one code.
        rng : None, int or numpy.random.Generator
        values : {"normal", "uniform", "sign"}
            Law of the k non-zeros of each order-1 code: N(0, 1), uniform on [-1, 1], or +-1.

        Returns
        -------
        ndarray of shape (*size, K, *n)
        """
        rng = as_generator(rng)
        batch = () if size is None else as_sizes(size, "size")
        draw = {
            "normal": rng.standard_normal,
            "uniform": lambda shape: rng.uniform(-1, 1, shape),
            "sign": lambda shape: 2.0 * rng.integers(0, 2, shape) - 1.0,
        }
        if values not in draw:
            raise ValueError(f"values must be one of {', '.join(map(repr, draw))}, but came as {values!r}.")
        codes = np.zeros((prod(batch), self.n_blocks, self.block_size))
        rows = np.arange(len(codes))[:, None]
        for _ in range(self.order):
            keys = rng.random((len(codes), self.n_blocks))
            blocks = np.argpartition(keys, self.k - 1, axis=1)[:, : self.k]
            codes[rows, blocks, rng.integers(0, self.block_size, blocks.shape)] += draw[values](blocks.shape)
        return codes.reshape(*batch, *self.shape)

    def count(self) -> int:
        """Return the exact number of largest supports: the subspaces whose union is the model.

        For order 1 this is C(K, k) n^k.
        """
        ways = [1]  # ways[r]: supports of size r in the blocks seen so far
        in_block = [comb(self.block_size, r) for r in range(self.per_block + 1)]
        for _ in range(self.n_blocks):
            longer = [0] * min(len(ways) + self.per_block, self.sparsity + 1)
            for (a, left), (b, right) in product(enumerate(ways), enumerate(in_block)):
                if a + b < len(longer):
                    longer[a + b] += left * right
            ways = longer
        return ways[self.sparsity]

    def supports(self, *, limit=1_000_000) -> Iterator[np.ndarray]:
        """Iterate over all largest supports, each a sorted array of `sparsity` flat indices into (K n,).

        Raises
        ------
        ValueError
            At once, if there are more than `limit`.
        """
        limit = as_size(limit, "limit")
        if (total := self.count()) > limit:
            raise ValueError(f"the model has {total} supports, more than limit = {limit}: {self!r}.")
        return self._supports(0, self.sparsity)

    def _supports(self, block: int, missing: int) -> Iterator[np.ndarray]:
        if block == self.n_blocks:
            yield np.empty(0, int)
            return
        after = (self.n_blocks - block - 1) * self.per_block
        for r in range(max(0, missing - after), min(self.per_block, missing) + 1):
            for chosen in combinations(range(block * self.block_size, (block + 1) * self.block_size), r):
                for rest in self._supports(block + 1, missing - r):
                    yield np.concatenate([np.array(chosen, int), rest])

    def _blocks(self, a: np.ndarray, name: str) -> np.ndarray:
        """View `a`, of shape (..., K, *n) or (..., K n), as (..., K, n)."""
        for trailing in (self.shape, (prod(self.shape),)):
            if a.ndim >= len(trailing) and a.shape[a.ndim - len(trailing) :] == trailing:
                return a.reshape(*a.shape[: a.ndim - len(trailing)], self.n_blocks, self.block_size)
        structured = ", ".join(map(str, self.shape))
        raise ValueError(
            f"{name} must have shape (..., {structured}) or (..., {prod(self.shape)}), but came as {a.shape}."
        )


def _first_largest(a: np.ndarray, count: int) -> np.ndarray:
    """Mark the `count` largest entries along the last axis; among equals, the first ones."""
    if count >= a.shape[-1]:
        return np.ones(a.shape, bool)
    threshold = np.partition(a, -count, axis=-1)[..., -count, None]
    above, equal = a > threshold, a == threshold
    room = count - above.sum(axis=-1, keepdims=True)
    return above | (equal & (np.cumsum(equal, axis=-1) <= room))


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
    h = as_real(h, "h")
    window = as_sizes(window, "window")
    axes = len(window)
    if h.ndim < axes + 1:
        raise ValueError(f"h must have shape (..., K, *n) with one axis of n per entry of window {window}, "
                         f"but came as {h.shape}.")
    lead, n = h.shape[:-axes], h.shape[-axes:]
    if nonnegative:
        h = np.maximum(h, 0)
    count = [-(-size // w) for size, w in zip(n, window, strict=True)]
    margin = [(0, c * w - size) for size, w, c in zip(n, window, count, strict=True)]
    grid = [side for pair in zip(count, window, strict=True) for side in pair]
    order = (*range(0, 2 * axes, 2), *range(1, 2 * axes, 2))

    def windows(a, fill):
        a = np.pad(a, [(0, 0)] * (a.ndim - axes) + margin, constant_values=fill)
        first = a.ndim - axes
        a = a.reshape(*a.shape[:first], *grid).transpose(*range(first), *(first + o for o in order))
        return a.reshape(*a.shape[:first], *count, -1)

    best = windows(np.abs(h), -1).argmax(axis=-1)
    index = np.broadcast_to(windows(np.arange(prod(n)).reshape(n), -1), (*best.shape, prod(window)))
    switches = np.take_along_axis(index, best[..., None], axis=-1)[..., 0]
    flat = np.take_along_axis(h.reshape(*lead, -1), switches.reshape(*lead, -1), axis=-1)
    return flat.reshape(switches.shape), switches


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
    values, shape = as_real(values, "values"), as_sizes(shape, "shape")
    switches, size = np.asarray(switches), prod(shape[1:])
    if switches.shape != values.shape or switches.dtype.kind not in "iu":
        raise ValueError(
            f"switches must be integers of the shape of values, {values.shape}, but came as {switches.dtype} of "
            f"shape {switches.shape}."
        )
    axes = len(shape) - 1
    if axes < 1 or values.ndim < axes + 1 or values.shape[-axes - 1] != shape[0]:
        raise ValueError(
            f"shape must be (K, *n) with the K of values, whose shape is {values.shape}, but came as {shape}."
        )
    if switches.size and not (0 <= switches.min() and switches.max() < size):
        raise ValueError(
            f"switches must lie in 0..{size - 1}, but range from {switches.min()} to {switches.max()}."
        )
    lead = values.shape[:-axes]
    where = switches.reshape(*lead, -1)
    ordered = np.sort(where, axis=-1)
    if (ordered[..., 1:] == ordered[..., :-1]).any():
        raise ValueError("switches of one block must differ: two of them name the same position.")
    out = np.zeros((*lead, size), values.dtype)
    np.put_along_axis(out, where, values.reshape(*lead, -1), axis=-1)
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
        raise ValueError(f"shape must be (K, *n) with one n per entry of window {window}, but came as {shape}.")
    places = (place,) * axes if np.ndim(place) == 0 else tuple(place)
    if len(places) != axes:
        raise ValueError(f"place must be one integer or {axes} (one per axis), but came as {places}.")
    offsets = [
        np.minimum(np.arange(0, size, w) + as_size(at, "place", low=0, high=w - 1), size - 1)
        for size, w, at in zip(n, window, places, strict=True)
    ]
    switches = np.ravel_multi_index(np.meshgrid(*offsets, indexing="ij"), n)
    if values.shape[values.ndim - axes :] != switches.shape:
        raise ValueError(
            f"values must have shape (..., {', '.join(map(str, (shape[0], *switches.shape)))}), "
            f"but came as {values.shape}."
        )
    return unpool(values, np.broadcast_to(switches, values.shape), shape)
