"""W(x - W^T z) of sparse codes z, through the signals or from the lag table: what pursuits are made of."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ._checks import norm
from ._lags import LagTable
from .codes import BlockModel
from .layer import FilterBank, unravel

__all__ = [
    "Code",
    "LagPath",
    "SignalPath",
    "address",
    "column",
    "dense",
    "item",
    "lag_is_cheaper",
    "minus",
    "normalised_step",
    "norms",
    "plus",
    "pool",
    "ratio",
]

LARGEST_TABLE = 1 << 25  # entries of the table of correlations that pursuits are ready to store
Code = tuple[np.ndarray, np.ndarray]  # flat indices and values, both (B, m), as `BlockModel.pool` gives them


class SignalPath:
    """W(x - W^T z) through the signal domain: one synthesis and one analysis a step.

    `gradient` gives it with the norm of x - W^T z, `energy` gives ||W^T z||^2, `keep` drops signals that are
    done.
    """

    def __init__(self, W: FilterBank, x: np.ndarray):
        self.W, self.x, self.u = W, x, W.analysis(x, check_finite=False)

    def keep(self, on: np.ndarray) -> None:
        self.x = self.x[on]

    def gradient(self, code: Code) -> tuple[np.ndarray, np.ndarray]:
        residual = self.x - self.W.synthesis(dense(self.W, code), check_finite=False)
        return self.W.analysis(residual, check_finite=False), norms(residual)

    def energy(self, code: Code) -> np.ndarray:
        return norms(self.W.synthesis(dense(self.W, code), check_finite=False)) ** 2


class LagPath:
    """W(x - W^T z) = W x - (W W^T) z, where each non-zero of z subtracts one window of the lag table.

    `table` is that of `lags.windows`, in the type of the signals.

    The next call overwrites the gradient that the last one gave.
    """

    def __init__(self, W: FilterBank, x: np.ndarray, lags: LagTable, table: np.ndarray):
        self.W, self.lags, self.table, self.norm = W, lags, table, norms(x)
        self.u = W.analysis(x, check_finite=False)
        reach = lags.reach.tolist()
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
        rows, block, *place = at = address((self.W.K, *self.W.n), index)
        for a in range(index.shape[1]):  # windows may overlap: one at a time, for the whole batch
            window = self.table[block[:, a]]
            window *= value[:, a].reshape(-1, *(1,) * (window.ndim - 1))
            where: tuple = (rows[:, 0], slice(None), *(p[:, a] for p in place))
            self.windows[where] -= window
        # ||x - W^T z||^2 = ||x||^2 - <z, W x> - <z, W(x - W^T z)>
        square = self.norm**2 - np.sum(value * (self.u[at] + g[at]), axis=1)
        return g, np.sqrt(np.maximum(square, 0))

    def energy(self, code: Code) -> np.ndarray:
        index, value = code
        _, block, *place = address((self.W.K, *self.W.n), index)
        G = self.lags.gram(block, np.stack(place, axis=-1)).astype(value.dtype, copy=False)
        return np.maximum(np.einsum("bi,bij,bj->b", value, G, value), 0)


def lag_is_cheaper(W: FilterBank, model: BlockModel) -> bool:
    """Estimate the work of a step: windows subtracted one by one, or patches copied and multiplied twice."""
    window = prod(2 * -(-length // step) - 1 for length, step in zip(W.ell, W.stride, strict=True))
    patches = prod(W.n) * W.M * prod(W.ell)
    return W.K**2 * window <= LARGEST_TABLE and model.sparsity * W.K * window <= patches * (1 + W.K / 40)


def normalised_step(path, model: BlockModel, nonnegative: bool, code: Code, g: np.ndarray) -> Code:
    """Take a normalised step: line search on its support, shortened if a new one is too bold."""
    index, value = code[0].copy(), np.where(code[1] != 0, g[address(model.shape, code[0])], 0)
    # At the start, and where other rows offer far more than this support, search along the best rows instead.
    axes = tuple(range(1, g.ndim))
    largest = np.maximum(g.max(axis=axes), -g.min(axis=axes))
    still = np.abs(value).max(axis=1) <= np.finfo(g.dtype).eps ** 0.5 * largest
    index[still], value[still] = pool(model, g[still], nonnegative)
    mu = ratio(norms(value) ** 2, path.energy((index, value)))
    start = (code[1] == 0).all(axis=1)
    support = _support(index, np.where(start[:, None], value, code[1]))
    support[still & ~start] = -2  # not along its own support: any step is a bold one
    new, bold = (np.zeros_like(index), np.zeros_like(value)), np.arange(len(g))
    while len(bold):
        before = code[0][bold], code[1][bold]
        after = pool(model, plus(column(mu[bold], g) * g[bold], before), nonnegative)
        new[0][bold], new[1][bold] = after
        changed = (_support(*after) != support[bold]).any(axis=1)
        moved = minus(after, before)
        bold = bold[changed & (mu[bold] * path.energy(moved) > 0.99 * norms(moved[1]) ** 2)]
        mu[bold] /= 2
    return new


def pool(model: BlockModel, h: np.ndarray, nonnegative: bool = False) -> Code:
    return model.pool(h, nonnegative=nonnegative, check_finite=False)


def _support(index: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the indices of the non-zeros in order, -1 for the rest: equal supports give equal arrays."""
    return np.sort(np.where(value != 0, index, -1), axis=1)


def address(shape: tuple[int, ...], index: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what picks the flat indices (B, m) out of an array (B, *shape): batch, block, position."""
    return (np.arange(len(index))[:, None], *unravel(index, shape))


def plus(h: np.ndarray, code: Code) -> np.ndarray:
    """Add a code to `h` (B, K, *n) in place, and return `h`."""
    rows, column = np.nonzero(code[1])
    _, *at = address(h.shape[1:], code[0])
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


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def column(a: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Shape one number for each signal so that it multiplies arrays like `like`."""
    return a.astype(like.dtype, copy=False).reshape(-1, *(1,) * (like.ndim - 1))


def norms(a: np.ndarray) -> np.ndarray:
    """Return the norm of each member of a batch."""
    return norm(a, a.ndim - 1)


def item(a):
    """Return the only element of an array without axes, other arrays as they are."""
    return a.item() if a.ndim == 0 else a
