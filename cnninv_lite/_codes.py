"""Sparse codes as indices and values, and two ways from them to W(x - W^T z): what pursuits are made of."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .codes import BlockModel
from .layer import FilterBank

__all__ = [
    "Code",
    "LagPath",
    "SignalPath",
    "address",
    "as_bank",
    "column",
    "dense",
    "entries",
    "gram",
    "minus",
    "norm",
    "paint",
    "plus",
    "pool",
    "positions",
    "ratio",
]

Code = tuple[np.ndarray, np.ndarray]  # flat indices and values, both (B, m); padded by index 0, value 0


def as_bank(W) -> FilterBank:
    """Return `W`, refusing what is not a FilterBank."""
    if not isinstance(W, FilterBank):
        raise TypeError(f"W must be a FilterBank, but got {type(W).__name__}.")
    return W


def entries(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the True entries of each row of `mask` (B, N): indices (B, m) padded by 0, and which are real."""
    rows, at = np.nonzero(mask)
    count = np.bincount(rows, minlength=len(mask))
    index = np.zeros((len(mask), max(1, count.max(initial=0))), int)
    index[rows, np.arange(len(rows)) - (np.cumsum(count) - count)[rows]] = at
    return index, np.arange(index.shape[1]) < count[:, None]


def positions(n: tuple[int, ...], place: np.ndarray) -> list[np.ndarray]:
    """Split flat positions into one array per axis (NumPy 2.4's unravel_index errs on long arrays (B, 1))."""
    return [np.asarray(where).reshape(place.shape) for where in np.unravel_index(place.ravel(), n)]


def gram(W: FilterBank, index: np.ndarray, real: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the Gram matrices (B, m, m) of the rows `index` (B, m) of W, read from the lag table.

    Rows that are not `real` count as orthogonal to all and as long as the first: no extreme eigenvalue moves.
    """
    block, place = np.divmod(index, prod(W.n))
    inside, at = real[:, :, None] & real[:, None, :], [block[:, :, None], block[:, None, :]]
    for where, size in zip(positions(W.n, place), table.shape[2:], strict=True):
        lag = where[:, None, :] - where[:, :, None] + size // 2
        inside &= (lag >= 0) & (lag < size)
        at.append(np.clip(lag, 0, size - 1))
    G = np.where(inside, table[tuple(at)], table.dtype.type(0))
    diagonal = np.arange(index.shape[1])
    G[:, diagonal, diagonal] += np.where(real, table.dtype.type(0), G[:, :1, 0])
    return G


class SignalPath:
    """W(x - W^T z) through the signal domain: one synthesis and one analysis a step.

    `gradient` gives it with the norm of x - W^T z, `energy` gives ||W^T z||^2, `keep` drops signals that are
    done.
    """

    def __init__(self, W: FilterBank, x: np.ndarray):
        self.W, self.x, self.u = W, x, W._analyse(x)

    def keep(self, on: np.ndarray) -> None:
        self.x = self.x[on]

    def gradient(self, code: Code) -> tuple[np.ndarray, np.ndarray]:
        residual = self.x - self.W._synthesise(dense(self.W, code))
        return self.W._analyse(residual), norm(residual)

    def energy(self, code: Code) -> np.ndarray:
        return norm(self.W._synthesise(dense(self.W, code))) ** 2


class LagPath:
    """W(x - W^T z) = W x - (W W^T) z, where each non-zero of z subtracts one window of the lag table.

    The next call overwrites the gradient that the last one gave.
    """

    def __init__(self, W: FilterBank, x: np.ndarray, table: np.ndarray):
        self.W, self.table, self.u, self.norm = W, table, W._analyse(x), norm(x)
        reach = [size // 2 for size in table.shape[2:]]
        padded = np.zeros((len(x), W.K, *(n + 2 * r for n, r in zip(W.n, reach, strict=True))), self.u.dtype)
        inner = (slice(r, r + n) for n, r in zip(W.n, reach, strict=True))
        self.product = padded[(slice(None), slice(None), *inner)]
        axes = tuple(range(2, padded.ndim))
        self.windows = sliding_window_view(padded, table.shape[2:], axis=axes, writeable=True)

    def keep(self, on: np.ndarray) -> None:
        self.u, self.norm = self.u[on], self.norm[on]

    def gradient(self, code: Code) -> tuple[np.ndarray, np.ndarray]:
        index, value = code
        g = self.product[: len(index)]
        g[...] = self.u
        rows, block, *place = at = address(self.W.n, index)
        for a in range(
            index.shape[1]
        ):  # windows of one signal may overlap: one at a time, for the whole batch
            window = self.table[block[:, a]]
            window *= value[:, a].reshape(-1, *(1,) * (window.ndim - 1))
            where: tuple = (rows[:, 0], slice(None), *(p[:, a] for p in place))
            self.windows[where] -= window
        # ||x - W^T z||^2 = ||x||^2 - <z, W x> - <z, W(x - W^T z)>
        square = self.norm**2 - np.sum(value * (self.u[at] + g[at]), axis=1)
        return g, np.sqrt(np.maximum(square, 0))

    def energy(self, code: Code) -> np.ndarray:
        index, value = code
        G = gram(self.W, index, value != 0, self.table)
        return np.maximum(np.einsum("bi,bij,bj->b", value, G, value), 0)


def pool(model: BlockModel, h: np.ndarray, nonnegative: bool = False) -> Code:
    """Return `model.project(h)` as indices and values; order 1 without a dense code in between."""
    if model.order > 1:
        z = model.project(h, nonnegative=nonnegative).reshape(len(h), model.n_blocks * model.block_size)
        index, real = entries(z != 0)
        pad = [(0, 0), (0, model.sparsity - index.shape[1])]
        return np.pad(index, pad), np.pad(np.take_along_axis(z, index, axis=1) * real, pad)
    size = (np.maximum(h, 0) if nonnegative else np.abs(h)).reshape(len(h), model.n_blocks, model.block_size)
    best = size.argmax(axis=2)
    largest = np.take_along_axis(size, best[..., None], axis=2)[..., 0]
    block = np.argsort(-largest, axis=1, kind="stable")[:, : model.k]
    index = block * model.block_size + np.take_along_axis(best, block, axis=1)
    value = h[address(model.shape[1:], index)]
    return index, np.maximum(value, 0) if nonnegative else value


def address(n: tuple[int, ...], index: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what picks the flat indices (B, m) out of an array (B, K, *n): batch, block, position."""
    block, place = np.divmod(index, prod(n))
    return (np.arange(len(index))[:, None], block, *positions(n, place))


def plus(h: np.ndarray, code: Code) -> np.ndarray:
    """Add a code to `h` (B, K, *n) in place, and return `h`."""
    rows, column = np.nonzero(code[1])
    _, *at = address(h.shape[2:], code[0])
    h[(rows, *(a[rows, column] for a in at))] += code[1][rows, column]
    return h


def minus(a: Code, b: Code) -> Code:
    """Return the code a - b, with no index twice among its non-zeros."""
    same = (a[0][:, :, None] == b[0][:, None, :]) & (a[1] != 0)[:, :, None]
    common = np.where(same, b[1][:, None, :], 0)
    return (
        np.concatenate([a[0], b[0]], axis=1),
        np.concatenate([a[1] - common.sum(axis=2), np.where(same.any(axis=1), 0, -b[1])], axis=1),
    )


def dense(W: FilterBank, code: Code) -> np.ndarray:
    """Write a code out in full, (B, K, *n)."""
    return plus(np.zeros((len(code[0]), W.K, *W.n), code[1].dtype), code)


def paint(W: FilterBank, code: Code) -> np.ndarray:
    """Return W^T z, (B, M, *D): one placed filter for each non-zero, the whole batch at a time."""
    index, value = code
    x = np.zeros((len(index), W.M, *W.D), np.result_type(value, W.filters))
    axes = tuple(range(2, x.ndim))
    windows = sliding_window_view(x, W.ell, axis=axes, writeable=True)
    windows = windows[(slice(None), slice(None), *(slice(None, None, t) for t in W.stride))]
    rows, block, *place = address(W.n, index)
    for a in range(index.shape[1]):  # windows of one signal may overlap
        placed = W.filters[block[:, a]] * column(value[:, a], x)
        where: tuple = (rows[:, 0], slice(None), *(p[:, a] for p in place))
        windows[where] += placed
    return x


def norm(a: np.ndarray) -> np.ndarray:
    """Return the norm of each member of a batch."""
    return np.linalg.norm(a.reshape(len(a), -1), axis=1)


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def column(a: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Shape one number for each signal so that it multiplies arrays like `like`."""
    return a.astype(like.dtype, copy=False).reshape(-1, *(1,) * (like.ndim - 1))
