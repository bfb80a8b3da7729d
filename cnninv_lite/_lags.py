"""Gram matrices of supports, read from a table of lags: two columns of W^T know only their distance."""

from __future__ import annotations

from math import prod

import numpy as np

from ._checks import as_real, as_size
from .codes import BlockModel
from .layer import FilterBank, unravel

__all__ = [
    "LagTable",
    "as_pair",
    "bank_of",
]

CHUNK = 1 << 18  # numbers gathered at a time: they stay in the cache


def bank_of(W) -> FilterBank:
    """Return a bank as it is, a matrix (m, N) as one: its columns are filters of length 1 at one position."""
    if isinstance(W, FilterBank):
        return W
    if not isinstance(W, (np.ndarray, list, tuple)):
        raise TypeError(f"W must be a FilterBank or a matrix, but got {type(W).__name__}.")
    A = as_real(W, "W")
    if A.ndim != 2 or 0 in A.shape:
        raise ValueError(
            f"W must be a FilterBank or a matrix (m, N) that is not empty, but got shape {A.shape}."
        )
    return FilterBank(A.T[:, :, None], (len(A), 1))


def as_pair(W, model) -> tuple[FilterBank, BlockModel]:
    """Return a bank and a model that fit: as given, or those of a matrix (m, N) and a sparsity.

    With filters of length 1 at one position W^T is the matrix, and codes of at most one non-zero for each of
    N filters are all codes.

    Raises
    ------
    TypeError, ValueError
        If W is neither a bank nor a matrix of numbers, or the model does not fit it.
    """
    bank = bank_of(W)
    if bank is not W:
        if isinstance(model, BlockModel):
            raise TypeError(f"k must be an integer, the sparsity, for a matrix W, but got {model!r}.")
        return bank, BlockModel(bank.K, 1, as_size(model, "k", high=bank.K))
    if not isinstance(model, BlockModel):
        raise TypeError(f"model must be a BlockModel for a FilterBank W, but got {type(model).__name__}.")
    if model.shape != (bank.K, *bank.n):
        raise ValueError(
            f"model must have the shape (K, *n) = {(bank.K, *bank.n)} of W, but got {model.shape}."
        )
    return bank, model


class LagTable:
    """The correlations of a filter bank, stored so that one read gives a column against all K filters.

    A batch of B supports of m columns is a pair `I` (B, m), the filters, and `P` (B, m, axes), the positions,
    of which only the differences matter. Supports that the model does not have, because the columns lie
    further apart than n allows or a block holds more than s of them, are never offered by `scan`.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel, optional
        Whose supports are meant; without it only `gram`, `weights` and the table itself are used.

    Attributes
    ----------
    energy : ndarray of shape (K,)
        Squared norms of the filters: the diagonal of every Gram matrix.
    terms : int
        Products in a correlation.
    reach : ndarray of int, shape (axes,)
        Largest lag with overlap, min(ceil(ell / t), n) - 1.
    extent : ndarray of int, shape (axes,)
        Largest lag within a connected support, min((s k - 1) reach, n - 1).
    rows : ndarray of shape (K (lags + 1), K)
        Row i (lags + 1) + d holds <column (i, p), column (j, p + d)> for all j, with the lags d counted in C
        order; the last of each group is zero and stands for all pairs that do not overlap.
    """

    def __init__(self, W: FilterBank, model: BlockModel | None = None):
        if W.dtype != np.float64:
            W = FilterBank(W.filters.astype(float), (W.M, *W.D), W.stride)
        with np.errstate(over="ignore"):
            C = W.correlations()
        self.K, self.n, axes = W.K, np.array(W.n), len(W.n)
        middle = np.array(C.shape[2:]) // 2
        self.reach = np.minimum(middle, self.n - 1)
        near = tuple(slice(m - r, m + r + 1) for m, r in zip(middle, self.reach))
        C = C[(slice(None), slice(None), *near)]
        C = (C + np.flip(C.swapaxes(0, 1), tuple(range(2, 2 + axes)))) / 2  # symmetric to the last bit
        C = np.moveaxis(C, 1, -1)
        self.lags = prod(C.shape[1:-1])
        self.energy = C[(np.arange(W.K), *self.reach, np.arange(W.K))].copy()
        rows = np.zeros((W.K, self.lags + 1, W.K))
        rows[:, :-1] = C.reshape(W.K, self.lags, W.K)
        self.rows = rows.reshape(-1, W.K)
        self.pitch = np.array([prod(C.shape[2 + a : 1 + axes]) for a in range(axes)])
        self.made: tuple = (LagTable, (W, model))  # how to make it again: a worker is sent that
        self.terms = prod(W.filters.shape[1:])
        self.cap = 1 if model is None else model.per_block
        self.size = 1 if model is None else model.sparsity
        self.extent = np.minimum((self.size - 1) * self.reach, self.n - 1)

    def __reduce__(self):
        return self.made

    def normalized(self) -> LagTable:
        """Return the table of the same filters with unit norms; none of them may be zero."""
        return self._divided(np.sqrt(self.energy), 1, (LagTable.normalized, (self,)))

    def balanced(self, side: int, t: float) -> LagTable:
        """Return the table of I + X, where X exceeds 1 on just the supports whose side (G_T - I) exceeds t.

        With A_T = side (G_T - I), its diagonal a < t and S = diag((t - a)^(-1/2)), X_T is defined by
        S (t - A_T) S = I - X_T. It has a zero diagonal, whatever the norms of the columns were.
        """
        root = np.sqrt(t - side * (self.energy - 1))
        return self._divided(root, side, (LagTable.balanced, (self, side, t)))

    def _divided(self, root, side: int, made: tuple) -> LagTable:
        """Return the table of columns divided by `root`, correlations times `side`, with squared norms 1."""
        table = object.__new__(LagTable)
        table.__dict__ = self.__dict__ | {"made": made}
        rows = self.rows.reshape(self.K, -1, self.K) / (root[:, None, None] * (side * root))
        rows[np.arange(self.K), self.lags // 2, np.arange(self.K)] = 1
        table.rows, table.energy = rows.reshape(-1, self.K), np.ones(self.K)
        return table

    def lag_index(self, d) -> np.ndarray:
        """Return the row number, within a group of `rows`, of lags `d` of shape (..., axes)."""
        near, row = np.ones(d.shape[:-1], bool), 0
        for a, (reach, pitch) in enumerate(zip(self.reach.tolist(), self.pitch.tolist())):
            near &= np.abs(d[..., a]) <= reach
            row = row + (d[..., a] + reach) * pitch
        return np.where(near, row, self.lags)

    def gram(self, I, P) -> np.ndarray:
        """Return the Gram matrices, (B, m, m), of a batch of supports."""
        lag = self.lag_index(P[:, None] - P[:, :, None])
        return self.rows[I[:, :, None] * (self.lags + 1) + lag, I[:, None]]

    def padded_gram(self, index, real) -> np.ndarray:
        """Return the Gram matrices, (B, m, m), of supports of different sizes, as `codes.entries` lists them.

        Columns that are not `real` count as orthogonal to all and as long as the first: no extreme eigenvalue
        moves.
        """
        I, *P = unravel(index, (self.K, *self.n.tolist()))
        G = np.where(real[:, :, None] & real[:, None, :], self.gram(I, np.stack(P, axis=-1)), 0.0)
        diagonal = np.arange(index.shape[1])
        G[:, diagonal, diagonal] += np.where(real, 0.0, G[:, :1, 0])
        return G

    def windows(self, dtype) -> np.ndarray:
        """Return the table as (K, K, *(2 reach + 1)): column i against all others near it."""
        table = self.rows.reshape(self.K, self.lags + 1, self.K)[:, :-1].transpose(0, 2, 1).astype(dtype, "C")
        return table.reshape(self.K, self.K, *(2 * self.reach + 1))

    def energies(self, I, P, v) -> np.ndarray:
        """Return ||W^T z||^2, (B,), of codes z with values `v` (B, m) at filters `I` and positions `P`.

        The sum over all pairs of columns of their values times their correlation, which is read once for
        a < b, for many codes at a time: O(m^2) for each code. A column may occur twice: its values add up.
        """
        energies, correlation = np.empty(len(v)), self.rows.ravel()
        step = max(1, CHUNK // (8 * max(1, v.shape[1])))
        whole = np.int32 if self.rows.size < 1 << 31 else np.intp
        for first in range(0, len(v), step):
            part = slice(first, first + step)
            # one row for each column of a code, so that every line below runs along the codes
            i, values = np.ascontiguousarray(I[part].T, whole), np.ascontiguousarray(v[part].T, float)
            p = np.ascontiguousarray(P[part].transpose(2, 1, 0), whole).transpose(1, 2, 0)
            sums = np.einsum("ab,ab,ab->b", values, values, self.energy[i])
            group = i * (self.lags + 1)
            for a in range(len(i) - 1):
                c = correlation.take((group[a] + self.lag_index(p[a + 1 :] - p[a])) * self.K + i[a + 1 :])
                c *= values[a + 1 :]
                sums += 2 * values[a] * c.sum(axis=0)
            energies[part] = sums
        return energies

    def deviation(self, I, P, side: int) -> np.ndarray:
        """Return side (G_T - I), whose largest eigenvalue is what the side (+1 or -1) adds to delta."""
        return side * (self.gram(I, P) - np.eye(I.shape[1]))

    def scan(self, I, P, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offer every column that can join each support of a batch, in the eigenbasis of that support.

        Returns
        -------
        e : ndarray of shape (B, m)
            Ascending eigenvalues of A = side (G_S - I).
        Q : ndarray of int, shape (places, axes)
            Positions of the offered columns.
        y2 : ndarray of shape (B, m, places, K)
            Squares of U^T b, where U holds the eigenvectors of A and b the correlations of the column with S.
            Zero for a column that the model does not allow. Column (j, q) raises the largest eigenvalue above
            t > e[-1] if and only if side (|w_j|^2 - 1) + sum_a y2[a] / (t - e[a]) > t.
        """
        e, U = np.linalg.eigh(self.deviation(I, P, side))
        Q, b = self.offer(I, P)
        y2 = np.matmul(U.transpose(0, 2, 1), b)
        np.square(y2, out=y2)
        return e, Q, y2.reshape(*I.shape, len(Q), self.K)

    def offer(self, I, P) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions (places, axes) of all columns that can join a support of a batch, and b.

        b, (B, m, places K), holds the correlations of each support with each of these columns; it is zero for
        a column that the model does not allow.
        """
        B, m = I.shape
        span = P.max(axis=1)
        sides = [np.arange(-r, h + r + 1) for r, h in zip(self.reach, span.max(axis=0))]
        Q = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, len(self.n))
        lag = self.lag_index(Q - P[:, :, None])
        b = self.rows.take(I[:, :, None] * (self.lags + 1) + lag, axis=0)
        batch = np.arange(B)[:, None]
        if self.cap == 1:
            b[batch, :, :, I] = 0
        else:
            full = np.nonzero(self.used(I) >= self.cap)
            b[full[0], :, :, full[1]] = 0
            width = [len(side) for side in sides]
            b[batch, :, np.ravel_multi_index(np.moveaxis(P + self.reach, -1, 0), width), I] = 0
        if (span.max(axis=0) + self.reach > self.extent).any():
            wide = np.maximum(Q, span[:, None]) - np.minimum(Q, 0) > self.extent
            b[np.broadcast_to(wide.any(axis=-1)[:, None], b.shape[:3])] = 0
        return Q, b.reshape(B, m, -1)

    def offers(self, P) -> int:
        """Return how many columns `offer` offers to each support of a batch."""
        return self.K * prod((P.max(axis=(0, 1)) + 2 * self.reach + 1).tolist())

    def used(self, I) -> np.ndarray:
        """Return how many columns of each block the supports have, (B, K)."""
        used = np.zeros((len(I), self.K), int)
        np.add.at(used, (np.arange(len(I))[:, None], I), 1)
        return used

    def join(self, I, P, j, q) -> tuple[np.ndarray, np.ndarray]:
        """Add column (j, q) to each support and slide the result to the origin."""
        I = np.concatenate([I, j[:, None]], axis=1)
        P = np.concatenate([P, q[:, None]], axis=1)
        return I, P - P.min(axis=1, keepdims=True)

    def unique(self, I, P) -> tuple[np.ndarray, np.ndarray]:
        """Drop repeated supports of a batch, whatever the order of their columns."""
        box = self.extent + 1
        pitch = np.array([prod(box[a + 1 :].tolist()) for a in range(len(box))])
        names = np.sort((P @ pitch) * self.K + I, axis=1)
        bits = max(1, (self.K * prod(box.tolist())).bit_length())
        per_key = max(1, 63 // bits)
        keys = []
        for first in range(0, I.shape[1], per_key):  # several names to a 64-bit key: sorting keys is fast
            part = names[:, first : first + per_key]
            keys.append((part << (bits * np.arange(part.shape[1]))).sum(axis=1))
        if len(keys) == 1:
            key = np.sort(keys[0])  # far faster than argsort and than NumPy's unique
            key = key[np.diff(key, prepend=-1) > 0]
            names = key[:, None] >> (bits * np.arange(I.shape[1])) & ((1 << bits) - 1)
        else:
            order = np.lexsort(keys)
            keep = np.zeros(len(order), bool)
            keep[:1] = True
            for key in keys:
                keep[1:] |= key[order[1:]] != key[order[:-1]]
            names = names[order[keep]]
        I, P = names % self.K, names[..., None] // self.K // pitch % box
        return I.astype(np.int32), P.astype(np.int32)
