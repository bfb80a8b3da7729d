"""The codes that pooling produces: M_k^s, its projection M(h, k), and its supports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from math import comb, prod
from reprlib import repr as brief

import numpy as np
import numpy.typing as npt

from ._checks import as_array, as_generator, as_index, as_real, as_size, as_sizes, shape_error
from .layer import unravel

__all__ = [
    "BlockModel",
    "entries",
    "law_of",
    "max_pool",
    "unpool",
]

LAWS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "sign": lambda rng, shape: 2.0 * rng.integers(0, 2, shape) - 1.0,
}


def law_of(values: str):
    """Return what draws non-zeros, as a function of a generator and a shape; refuse an unknown name."""
    if not isinstance(values, str) or values not in LAWS:
        raise ValueError(f"values must be one of {', '.join(map(repr, LAWS))}, but got {values!r}.")
    return LAWS[values]


@dataclass(frozen=True, init=False, repr=False)
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

    Attributes
    ----------
    n_blocks, block_size, k, order : int
        As given; `block_size` counts all positions of a block.
    shape : tuple of int, (K, *n)
        Shape of one code. Models of equal attributes are equal.

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

    n_blocks: int
    block_size: int
    k: int
    order: int
    shape: tuple[int, ...]

    def __init__(self, n_blocks: int, block_size: int | Sequence[int], k: int, order: int = 1) -> None:
        n_blocks, n = as_size(n_blocks, "n_blocks"), as_sizes(block_size, "block_size")
        k, order = as_size(k, "k", high=n_blocks), as_size(order, "order")
        self.__dict__.update(n_blocks=n_blocks, block_size=prod(n), k=k, order=order, shape=(n_blocks, *n))

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

    def project(self, h: npt.ArrayLike, *, nonnegative: bool = False) -> np.ndarray:
        """Return the code of the model nearest to `h`: the projection M(h, k) for order 1.

        Each block keeps its `order` entries of largest magnitude; of those, the `order * k` largest stay.
        Among equal magnitudes the one with the lower flat index in (K n,) stays, in both steps.

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
        return self._project(self._blocks(h, "h"), nonnegative).reshape(h.shape)

    def _project(self, blocks: np.ndarray, nonnegative: bool) -> np.ndarray:
        size = np.maximum(blocks, 0) if nonnegative else np.abs(blocks)
        keep = np.zeros(size.shape, bool)
        if self.per_block == 1:
            best = size.argmax(axis=-1)[..., None]
            largest = np.take_along_axis(size, best, axis=-1)[..., 0]
            np.put_along_axis(keep, best, _first_largest(largest, self.sparsity)[..., None], axis=-1)
        else:
            in_block = np.where(_first_largest(size, self.per_block), size, -1.0)
            flat = in_block.reshape(*in_block.shape[:-2], prod(self.shape))
            keep = _first_largest(flat, self.sparsity).reshape(size.shape)
        if nonnegative:
            keep &= blocks > 0
        return np.where(keep, blocks, blocks.dtype.type(0))

    def pool(
        self, h: npt.ArrayLike, *, nonnegative: bool = False, check_finite: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `project(h)` by its non-zeros: what a network keeps, values and places.

        Parameters
        ----------
        h : array_like of shape (..., K, *n)
        nonnegative : bool
            As for `project`.
        check_finite : bool
            Whether to refuse NaN and infinities.

        Returns
        -------
        index : ndarray of int, shape (..., m)
            Flat indices into (K n,), m = `sparsity`; those of order 1 from the largest value down.
        value : ndarray of shape (..., m)
            The entries of `h` there. A code with fewer non-zeros is filled up with zeros at any index.

        Examples
        --------
        >>> index, value = BlockModel(3, 4, k=2).pool([[1, -5, 2, 0], [3, 0, 0, 3], [0, 1, 0, 0]])
        >>> index, value
        (array([1, 4]), array([-5.,  3.]))
        """
        h = as_real(h, "h", check_finite=check_finite)
        blocks = self._blocks(h, "h")
        batch = blocks.shape[:-2]
        blocks = blocks.reshape(prod(batch), *blocks.shape[-2:])
        if self.order > 1:
            z = self._project(blocks, nonnegative).reshape(len(blocks), prod(self.shape))
            index, real = entries(z != 0)
            pad = [(0, 0), (0, self.sparsity - index.shape[1])]
            index, value = np.pad(index, pad), np.pad(np.take_along_axis(z, index, axis=1) * real, pad)
        else:  # without a code in full in between
            size = np.maximum(blocks, 0) if nonnegative else np.abs(blocks)
            best = size.argmax(axis=2)
            largest = np.take_along_axis(size, best[..., None], axis=2)[..., 0]
            block = np.argsort(-largest, axis=1, kind="stable")[:, : self.k]
            place = np.take_along_axis(best, block, axis=1)
            value = blocks[np.arange(len(block))[:, None], block, place]
            index, value = block * self.block_size + place, np.maximum(value, 0) if nonnegative else value
        return index.reshape(*batch, index.shape[1]), value.reshape(*batch, index.shape[1])

    def contains(self, z: npt.ArrayLike) -> np.ndarray | np.bool_:
        """Say whether the model holds `z`: one answer for each code of a batch.

        Parameters
        ----------
        z : array_like of shape (..., K, *n) or (..., K n)

        Returns
        -------
        bool or ndarray of bool of shape (...)
        """
        used = np.count_nonzero(self._blocks(as_real(z, "z"), "z"), axis=-1)
        return (used <= self.order).all(axis=-1) & (used.sum(axis=-1) <= self.order * self.k)

    def sample(
        self,
        size: int | Sequence[int] | None = None,
        *,
        rng: int | np.random.Generator | None = None,
        values: str = "normal",
    ) -> np.ndarray:
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
        ndarray of shape (*size, K, *n), float64
        """
        rng = as_generator(rng)
        batch = () if size is None else as_sizes(size, "size")
        draw = law_of(values)
        codes = np.zeros((prod(batch), self.n_blocks, self.block_size))
        rows = np.arange(len(codes))[:, None]
        for _ in range(self.order):
            keys = rng.random((len(codes), self.n_blocks))
            blocks = np.argpartition(keys, self.k - 1, axis=1)[:, : self.k]
            codes[rows, blocks, rng.integers(0, self.block_size, blocks.shape)] += draw(rng, blocks.shape)
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

    def supports(self, *, limit: int = 1_000_000) -> Iterator[np.ndarray]:
        """Iterate over all largest supports, each a sorted array of `sparsity` flat indices into (K n,).

        Raises
        ------
        ValueError
            At once, if there are more than `limit`.
        """
        limit = as_size(limit, "limit")
        if (total := self.count()) > limit:
            raise ValueError(f"limit must be at least {total}, the supports of {self!r}, but got {limit}.")
        return self._supports()

    def _supports(self) -> Iterator[np.ndarray]:
        # Share out the non-zeros first: of all ways to do so with `per_block` numbered slots in each block,
        # the one that fills every block from its first slot on stands for the rest. Then place them.
        slots = product(range(self.n_blocks), range(self.per_block))
        for chosen in combinations(slots, self.sparsity):
            share = Counter(block for block, _ in chosen)
            if all(slot < share[block] for block, slot in chosen):
                starts = {block: block * self.block_size for block in share}
                blocks = (combinations(range(s, s + self.block_size), share[b]) for b, s in starts.items())
                for places in product(*blocks):
                    yield np.fromiter(chain.from_iterable(places), int, self.sparsity)

    def _blocks(self, a: np.ndarray, name: str) -> np.ndarray:
        """View `a`, of shape (..., K, *n) or (..., K n), as (..., K, n)."""
        for trailing in (self.shape, (prod(self.shape),)):
            if a.ndim >= len(trailing) and a.shape[a.ndim - len(trailing) :] == trailing:
                return a.reshape(*a.shape[: a.ndim - len(trailing)], self.n_blocks, self.block_size)
        raise shape_error(a, name, self.shape, (prod(self.shape),))


def entries(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the True entries of each row of `mask` (B, N): indices (B, m) padded by 0, and which are real."""
    rows, at = np.nonzero(mask)
    count = np.bincount(rows, minlength=len(mask))
    index = np.zeros((len(mask), max(1, count.max(initial=0))), int)
    index[rows, np.arange(len(rows)) - (np.cumsum(count) - count)[rows]] = at
    return index, np.arange(index.shape[1]) < count[:, None]


def _first_largest(a: np.ndarray, count: int) -> np.ndarray:
    """Mark the `count` largest entries along the last axis; among equals, the first ones."""
    if count >= a.shape[-1]:
        return np.ones(a.shape, bool)
    threshold = np.partition(a, -count, axis=-1)[..., -count, None]
    above, equal = a > threshold, a == threshold
    room = count - above.sum(axis=-1, keepdims=True)
    return above | (equal & (np.cumsum(equal, axis=-1) <= room))


def max_pool(
    h: npt.ArrayLike, window: Sequence[int], *, nonnegative: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Keep one entry of each window of each block: the one of largest magnitude, and remember where it was.

    Parameters
    ----------
    h : array_like of shape (..., K, *n)
    window : tuple of int
        Sides of the windows, one for each axis of a block: (w,) for codes (..., K, n). One int is refused,
        because it leaves open how many axes a block has. Windows do not overlap; the last one along an axis
        may be shorter, so that every entry belongs to a window.
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
    >>> values, switches = max_pool([[1.0, -3.0, 0.5, 2.0, 1.0]], window=(2,))
    >>> values, switches
    (array([[-3.,  2.,  1.]]), array([[1, 3, 4]]))
    """
    h = as_real(h, "h")
    if not isinstance(window, (tuple, list, np.ndarray)):
        raise TypeError(f"window must be a tuple of integers, one for each axis, but got {brief(window)}.")
    window = as_sizes(window, "window")
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

    best = windows.argmax(axis=-1)
    inside = unravel(best, window)
    starts = (c * w for c, w in zip(np.indices(count, sparse=True), window, strict=True))
    switches = np.ravel_multi_index([s + i for s, i in zip(starts, inside, strict=True)], n)
    values = np.take_along_axis(h.reshape(*lead, prod(n)), switches.reshape(*lead, prod(count)), axis=-1)
    values = values.reshape(switches.shape)
    return (np.maximum(values, 0) if nonnegative else values), switches


def unpool(
    values: npt.ArrayLike,
    switches: npt.ArrayLike,
    shape: Sequence[int],
    *,
    window: int | Sequence[int] | None = None,
    place: int | Sequence[int] = 0,
) -> np.ndarray:
    """Put pooled values back into blocks of full size, zero elsewhere; each way preserves norms.

    Parameters
    ----------
    values : array_like of shape (..., K, *windows)
        As `max_pool` returns them.
    switches : array of int of the shape of `values`, "fixed" or "spread"
        Where a value goes. Switches, as `max_pool` returns them, are the known places; this is the adjoint
        of keeping the entries there. "fixed" is one place in each window, "spread" all places of the window
        alike, over the root of their number: two ways to do without switches.
    shape : tuple of int, (K, *n)
        Shape of a code, without the batch.
    window : int or tuple of int
        The windows that `max_pool` used, one for all axes or one per axis; for "fixed" and "spread".
    place : int or tuple of int
        For "fixed": offset within the window, one for all axes or one per axis. In a last, shorter window the
        last position stands in for an offset that it does not have.

    Returns
    -------
    ndarray of shape (..., K, *n)

    Raises
    ------
    TypeError, ValueError
        If shapes disagree, a switch lies outside its block, or two switches of a block coincide.

    Examples
    --------
    >>> values, switches = max_pool([[1.0, -3.0, 0.5, 2.0]], (2,))
    >>> unpool(values, switches, (1, 4))
    array([[ 0., -3.,  0.,  2.]])
    >>> unpool(values, "fixed", (1, 4), window=2)
    array([[-3.,  0.,  2.,  0.]])
    >>> unpool(values, "spread", (1, 4), window=2).round(3)
    array([[-2.121, -2.121,  1.414,  1.414]])
    """
    values, shape = as_real(values, "values"), as_sizes(shape, "shape")
    axes, size = len(shape) - 1, prod(shape[1:])
    if axes < 1:
        raise ValueError(f"shape must be (K, *n), but got {shape}.")
    if values.ndim < axes + 1 or values.shape[-axes - 1] != shape[0]:
        raise shape_error(values, "values", (shape[0], *(f"windows_{a + 1}" for a in range(axes))))
    if isinstance(switches, str):
        if switches not in ("fixed", "spread"):
            raise ValueError(f'switches must be integers, "fixed" or "spread", but got {switches!r}.')
        window = as_sizes(window, "window", axes)
        pooled = (shape[0], *(-(-n // w) for n, w in zip(shape[1:], window, strict=True)))
        if values.shape[-axes - 1 :] != pooled:
            raise shape_error(values, "values", pooled)
        if switches == "spread":
            return _spread(values, window, shape[1:])
        places = as_sizes(place, "place", axes, low=0)
        switches = np.broadcast_to(_fixed(window, shape[1:], places), values.shape)
    where = as_array(switches, "switches")
    if where.dtype.kind not in "iu" or where.shape != values.shape:
        raise ValueError(
            f"switches must be integers of the shape of values, {values.shape}, but got dtype {where.dtype} "
            f"and shape {where.shape}."
        )
    lead, count = values.shape[:-axes], prod(values.shape[-axes:])
    values, where = values.reshape(*lead, count), as_index(where, "switches", size).reshape(*lead, count)
    ordered = np.sort(where, axis=-1)
    if (same := ordered[..., 1:][ordered[..., 1:] == ordered[..., :-1]]).size:
        raise ValueError(f"switches of one block must differ, but got {same[0]} twice.")
    out = np.zeros((*lead, size), values.dtype)
    np.put_along_axis(out, where, values, axis=-1)
    return out.reshape(*lead, *shape[1:])


def _fixed(window: tuple[int, ...], n: tuple[int, ...], place: tuple[int, ...]) -> np.ndarray:
    """Return the switches that name the same place in each window."""
    if any(at >= w for at, w in zip(place, window, strict=True)):
        raise ValueError(f"place must lie inside the window {window}, but got {place}.")
    starts = [np.arange(0, size, w) for size, w in zip(n, window, strict=True)]
    along = (np.minimum(start + at, size - 1) for start, at, size in zip(starts, place, n, strict=True))
    return np.ravel_multi_index(np.ix_(*along), n)


def _spread(values: np.ndarray, window: tuple[int, ...], n: tuple[int, ...]) -> np.ndarray:
    """Give each value to all places of its window, over the root of their number."""
    for axis, (w, size) in enumerate(zip(window, n, strict=True), -len(n)):
        length = np.diff(np.minimum(np.arange(0, size + w, w), size))  # the last window may be shorter
        scale = (1 / np.sqrt(length)).astype(values.dtype).reshape(-1, *(1,) * (-1 - axis))
        values = np.repeat(values * scale, length, axis=axis)
    return values
