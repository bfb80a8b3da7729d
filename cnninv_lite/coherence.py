"""What the rows of W have in common, and what that certifies about the model-RIP constant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._checks import as_index, exponent
from ._lags import LagTable, as_pair, bank_of
from .codes import BlockModel
from .layer import FilterBank

__all__ = [
    "coherence",
    "cumulative_coherence",
    "gram",
    "rip_certificates",
]


def gram(W: FilterBank | npt.ArrayLike, support: npt.ArrayLike) -> np.ndarray:
    """Return the Gram matrix G_T of the columns of W^T in a support, without forming W.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
    support : array_like of int, shape (..., m)
        Flat indices into (K n,), as `BlockModel.supports` gives them.

    Returns
    -------
    ndarray of shape (..., m, m)

    Raises
    ------
    TypeError, ValueError
        If the indices are not integers in 0..K n - 1, or there is none.

    Examples
    --------
    >>> W = FilterBank([[[0.6, 0.8]], [[1.0, 0.0]]], (1, 4))
    >>> gram(W, [0, 1, 3])  # filter 0 at 0 and at 1, filter 1 at 0
    array([[1.  , 0.48, 0.6 ],
           [0.48, 1.  , 0.  ],
           [0.6 , 0.  , 1.  ]])
    """
    support = as_index(support, "support", bank_of(W).shape[0])
    if not (m := support.shape[-1]):
        raise ValueError(f"support must hold at least one index, but got shape {support.shape}.")
    index = support.reshape(-1, m)
    return LagTable(bank_of(W)).padded_gram(index, np.ones(index.shape, bool)).reshape(*support.shape, m)


def coherence(W: FilterBank | npt.ArrayLike, *, shifts: bool = True) -> float:
    """Return the largest |<u, v>| / (|u| |v|) over two different rows u, v of W.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
        A matrix stands for its columns.
    shifts : bool
        True: all pairs of rows, a filter against its own shifts included. False: two filters at one position.

    Returns
    -------
    float
        In [0, 1]; 0 if there are no two rows to compare.

    Raises
    ------
    TypeError, ValueError
        If W is neither, or a filter is zero: it has no direction.

    Examples
    --------
    >>> W = FilterBank([[[3.0, 4.0]], [[1.0, 0.0]]], (1, 4))
    >>> coherence(W), coherence(W, shifts=False)
    (0.8, 0.6)
    """
    table = _unit_table(bank_of(W))
    if shifts:
        return float(_meets(table, 2, 1)[0].max())
    place = table.rows.reshape(table.K, -1, table.K)[:, table.lags // 2]
    return float(np.abs(place)[~np.eye(table.K, dtype=bool)].max(initial=0))


def cumulative_coherence(W: FilterBank | npt.ArrayLike, model: BlockModel | int) -> float:
    """Return the Babel function of the model: the most that one row can have in common with a code's others.

    That is the largest sum of s k - 1 normalised correlations |<u, v>| / (|u| |v|) of one row u with other
    rows that a code of the model can hold beside it: at most s of each other block, s - 1 of its own.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
    model : BlockModel or int
        The sparsity k, if W is a matrix.

    Returns
    -------
    float
        For filters of unit norm delta(M_k^s) is at most this (Gershgorin). For order >= 2 rows of one block
        count together even if they are too far apart for a short block, so that it may be slightly large.

    Raises
    ------
    ValueError
        If a filter is zero, or the model does not fit W.

    References
    ----------
    Tropp (2004), "Greed is good", for the Babel function of a dictionary.

    Examples
    --------
    >>> from cnninv_lite import BlockModel
    >>> W = FilterBank([[[0.6, 0.8]], [[1.0, 0.0]]], (1, 4))
    >>> cumulative_coherence(W, BlockModel(2, 3, k=2))
    0.8
    """
    W, model = as_pair(W, model)
    values, _ = _meets(_unit_table(W, model), model.per_block, model.sparsity - 1)
    return float(largest_sum(values, model.sparsity - 1).max())


def rip_certificates(W: FilterBank | npt.ArrayLike, model: BlockModel | int) -> dict[str, float]:
    """Return upper bounds of delta(M_k^s) that hold for sure and cost O(K^2 (lags + s log)).

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
    model : BlockModel or int
        The sparsity k, if W is a matrix.

    Returns
    -------
    dict of str to float
        "trace", "gershgorin", "frobenius", "perron"; each is an upper bound of delta(M_k^s).

    Notes
    -----
    Let r = s k, a_i = | |w_i|^2 - 1 | and, for a column of block i, let c_i list the absolute correlations it
    can meet: the s largest of each other block over all lags, the s - 1 largest non-zero lags of its own.
    A column of a support T has at most r - 1 others beside it, so that what it meets in T is bounded entry by
    entry by r - 1 members of c_i. With E = G_T - I:

    - trace: 0 <= G_T <= trace(G_T), the sum of at most r squared norms, so ||E|| <= max(1, trace - 1);
    - gershgorin: ||E|| is at most the largest row sum of |E|, that is a_i + the r - 1 largest of c_i;
    - frobenius: split E = diagonal + F. F is symmetric with trace 0: beside an eigenvalue v the others sum to
      -v, hence their squares to at least v^2/(r-1), so that v^2 r/(r-1) <= |F|_F^2. A row adds to |F|_F^2 at
      most the sum of the r - 1 largest squares of c_i, and T has at most s rows of a block;
    - perron: for any x > 0 the spectral radius of the non-negative |E| is at most max_i (|E| x)_i / x_i
      (Collatz, Wielandt). With x constant on blocks (|E| x)_i <= a_i x_i + the sum of the r - 1 largest
      c_ij x_j. A nonlinear power iteration looks for a good x; every x on its way certifies, and the first,
      x = 1, is Gershgorin.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank
    >>> W = FilterBank([[[0.6, 0.8]], [[1.0, 0.0]]], (1, 4))
    >>> {name: round(bound, 3) for name, bound in rip_certificates(W, BlockModel(2, 3, k=2)).items()}
    {'trace': 1.0, 'gershgorin': 0.8, 'frobenius': 0.8, 'perron': 0.8}
    """
    table = LagTable(*as_pair(W, model))
    return certificates(table, table.size)


def certificates(table: LagTable, r: int) -> dict[str, float]:
    """Return `rip_certificates` for codes of at most r non-zeros."""
    s = table.cap
    c, blocks = _meets(table, s, r - 1)
    a = np.abs(table.energy - 1)
    squares = np.sort(np.repeat(largest_sum(c**2, r - 1), s))[::-1][:r]
    x, perron = np.ones(table.K), np.inf
    for step in range(60):
        y = a * x + largest_sum(c * x[blocks], r - 1)
        perron = min(perron, float((y / x).max()))
        if step == 0:
            gershgorin = perron
        if not y.max() > 0:
            break
        x = x / x.max() + y / y.max()
    return {
        "trace": max(1.0, float(np.sort(np.repeat(table.energy, s))[::-1][:r].sum()) - 1),
        "gershgorin": gershgorin,
        "frobenius": float(a.max() + np.sqrt((r - 1) / r * squares.sum())),
        "perron": perron,
    }


def largest_sum(values: np.ndarray, count: int) -> np.ndarray:
    """Return the sum of the `count` largest of the non-negative `values` along the last axis."""
    if count <= 0:
        return np.zeros(values.shape[:-1])
    if count >= values.shape[-1]:
        return values.sum(axis=-1)
    return np.partition(values, -count, axis=-1)[..., -count:].sum(axis=-1)


def _unit_table(W: FilterBank, model: BlockModel | None = None) -> LagTable:
    """Return the table of the bank with filters of unit norm."""
    largest = np.abs(W.filters).max(axis=tuple(range(1, W.filters.ndim)))
    if not largest.all():
        raise ValueError(
            f"W must have no filter that is zero, but got a zero filter {int(np.argmin(largest))}."
        )
    filters = W.filters.astype(float)
    scaled = FilterBank(np.ldexp(filters, -exponent(filters, filters.ndim - 1)), (W.M, *W.D), W.stride)
    return LagTable(scaled, model).normalized()


def _meets(table: LagTable, order: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the absolute correlations that one column can meet, for bounds by rows.

    Returns
    -------
    values : ndarray of shape (K, count)
        For a column of block i: of each other block the `order` largest |correlations| over all lags, of
        its own the order - 1 largest over non-zero lags. At most `most` of a block are listed.
    blocks : ndarray of int, shape (count,)
        Block of each entry.
    """
    a = np.abs(table.rows.reshape(table.K, -1, table.K)[:, :-1]).transpose(0, 2, 1)
    own, zero = np.arange(table.K), table.lags // 2
    a[own, own, zero] = 0
    take = max(1, min(order, most, table.lags))
    values = -np.partition(-a, take - 1, axis=-1)[..., :take]
    mine = np.sort(a[own, own], axis=-1)[:, ::-1][:, :take]
    mine[:, order - 1 :] = 0
    values[own, own] = mine
    return values.reshape(table.K, -1), np.repeat(own, take)
