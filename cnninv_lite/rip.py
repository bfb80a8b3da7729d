"""Measuring the model-RIP constant: what samples see, what an adversary finds, and what rows of G certify."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ._checks import as_generator, as_size
from .coherence import rip_certificates
from .gram import CHUNK, LagTable, check_pair
from .models import BlockModel

__all__ = ["RIPBracket", "RIPSample", "Witness", "rip_sample", "rip_search"]


@dataclass(frozen=True, eq=False)
class Witness:
    """A code that shows a deviation: no smaller RIP constant is possible.

    Attributes
    ----------
    support : ndarray of int, shape (m,)
        Its non-zeros, as sorted flat indices into (K n,); m may be smaller than s k.
    code : ndarray of shape (K, *n)
        The code, of unit norm: the extreme eigenvector of the Gram matrix of its support.
    energy : float
        |W^T code|^2, so that delta >= |energy - 1|.
    side : {"upper", "lower"}
        Whether the energy is the largest found, 1 + delta, or the smallest, 1 - delta.
    """

    support: np.ndarray
    code: np.ndarray
    energy: float
    side: str


@dataclass(frozen=True)
class RIPBracket:
    """The model-RIP constant delta(M_k^s) lies in [lower, upper].

    Attributes
    ----------
    lower : float
        Attained by the witness.
    upper : float
        Certified: no code of the model deviates by more, to rounding (about 1e-12).
    witness : Witness
        The support and the code on it that attain `lower`.
    exact : bool
        Whether the two meet (to rounding).
    evaluated : int
        Supports that were looked at: eigenvalues computed or compared with a threshold.
    """

    lower: float
    upper: float
    witness: Witness
    exact: bool
    evaluated: int


@dataclass(frozen=True, eq=False)
class RIPSample:
    """What n random codes and the supports they live on see of a RIP constant; neither is that constant.

    Attributes
    ----------
    energies : ndarray of shape (n,)
        |W^T z|^2 / |z|^2 of each code.
    smallest, largest : ndarray of shape (n,)
        Extreme eigenvalues of the Gram matrix of each code's support: the least and the most that any code
        on the same support could have shown.
    """

    energies: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray

    @property
    def from_codes(self) -> float:
        """Largest |energy - 1| over the codes."""
        return float(np.abs(self.energies - 1).max())

    @property
    def from_supports(self) -> float:
        """Largest ||G_T - I|| over their supports."""
        return float(np.maximum(self.largest - 1, 1 - self.smallest).max())


def rip_sample(W, model, n, *, rng=None, values="normal") -> RIPSample:
    """Draw n random codes of the model and measure how far W^T is from an isometry on them and on their supports.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    n : int
        Number of codes, at least 1. A code costs O((s k)^2), whatever the size of W; memory is 24 bytes each.
    rng : None, int or numpy.random.Generator
    values : {"normal", "uniform", "sign"}
        Law of the non-zeros, as in `BlockModel.sample`: codes are sums of `order` order-1 codes with uniform
        supports.

    Returns
    -------
    RIPSample
        Both maxima are lower bounds of delta(M_k^s), usually far below it.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W, n < 1, or `values` is unknown.

    References
    ----------
    Gilbert et al. (2017), Section 5.1 and Figure 2, draws such histograms of codes.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 5, rng=0), (4, 32))
    >>> seen = rip_sample(W, BlockModel(16, W.n, k=4), 1000, rng=1)
    >>> seen.from_codes < seen.from_supports
    True
    """
    check_pair(W, model)
    n, rng, table = as_size(n, "n"), as_generator(rng), LagTable(W, model)
    energies, smallest, largest = np.empty(n), np.empty(n), np.empty(n)
    m = model.order * model.k
    step = max(1, CHUNK // (4 * m * m))
    for first in range(0, n, step):
        part = slice(first, min(first + step, n))
        I, place, v = _draw(model, part.stop - first, rng, values)
        P = np.stack(np.unravel_index(place, W.n), axis=-1)
        G = table.gram(I, P)
        same = (I[:, :, None] == I[:, None]) & (place[:, :, None] == place[:, None])
        norm = np.einsum("ba,bac,bc->b", v, same, v)  # columns drawn twice add up
        energy = np.einsum("ba,bac,bc->b", v, G, v)
        energies[part] = np.divide(energy, norm, out=np.ones(len(v)), where=norm > 0)  # z = 0 deviates by nothing
        if model.order > 1:  # a column drawn twice counts once: cut its copy off
            copy = np.tril(same, -1).any(axis=-1)
            cut = (copy[:, :, None] | copy[:, None]) & ~np.eye(m, dtype=bool)
            G[cut] = 0
        e = np.linalg.eigvalsh(G)
        smallest[part], largest[part] = e[:, 0], e[:, -1]
    return RIPSample(energies, smallest, largest)


def rip_search(W, model, restarts=32, *, rng=None) -> RIPBracket:
    """Look for the code of the model that W^T stretches or shrinks most.

    Supports grow greedily from the strongest pairs of columns and from random ones, each time by the column that
    moves the extreme eigenvalue most; then single columns are swapped while that helps. Both signs are tried.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    restarts : int
        Starts from the strongest pairs, and as many random ones, for each sign.
    rng : None, int or numpy.random.Generator

    Returns
    -------
    RIPBracket
        `lower` is what the witness attains; `upper` the least of `rip_certificates`.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W or restarts < 1.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 5, rng=0), (4, 32))
    >>> found = rip_search(W, BlockModel(16, W.n, k=4), rng=1)
    >>> z = found.witness.code
    >>> bool(np.isclose(abs((W.synthesis(z) ** 2).sum() - 1), found.lower))
    True
    """
    check_pair(W, model)
    restarts, rng, table = as_size(restarts, "restarts"), as_generator(rng), LagTable(W, model)
    best, evaluated = search(table, table.size, restarts, rng)
    upper = min(rip_certificates(W, model).values())
    return as_bracket(W, best, upper, evaluated)


@dataclass
class Found:
    """The largest deviation seen so far, and where: `side` times an eigenvalue of G_T - I."""

    value: float
    side: int
    I: np.ndarray
    P: np.ndarray

    def offer(self, values, side, I, P) -> None:
        """Keep the best of a batch if it is larger than what is known."""
        b = int(np.argmax(values))
        if values[b] > self.value:
            self.value, self.side, self.I, self.P = float(values[b]), side, I[b], P[b]


def best_column(table: LagTable) -> Found:
    """Return the deviation of single columns."""
    i = int(np.argmax(np.abs(table.energy - 1)))
    side = 1 if table.energy[i] >= 1 else -1
    return Found(abs(float(table.energy[i]) - 1), side, np.array([i]), np.zeros((1, len(table.n)), int))


def search(table: LagTable, size: int, restarts: int, rng) -> tuple[Found, int]:
    """Grow and swap supports of at most `size` columns; return the best and how many were looked at."""
    best, evaluated = best_column(table), 0
    for side in (1, -1):
        I, P = _pairs(table, side, restarts, rng) if size > 1 else (np.empty((0, 0), int),) * 2
        while len(I):
            e = np.linalg.eigvalsh(table.deviation(I, P, side))[:, -1]
            best.offer(e, side, I, P)
            evaluated += len(I)
            if I.shape[1] == size:
                break
            I, P, _, count = _grow(table, I, P, side)
            evaluated += count
            if len(I):
                I, P = table.unique(I, P)
        if len(I) and size > 2:
            evaluated += _swap(table, I, P, e, side, best)
    return best, evaluated


def as_bracket(W, best: Found, upper: float, evaluated: int) -> RIPBracket:
    """Turn a found support into a bracket with its witness."""
    e, U = np.linalg.eigh(LagTable(W).gram(best.I[None], best.P[None])[0])
    index = -1 if best.side > 0 else 0
    flat = best.I * prod(W.n) + np.ravel_multi_index(best.P.T, W.n)
    code = np.zeros(W.shape[0])
    code[flat] = U[:, index]
    lower = abs(float(e[index]) - 1)
    exact = upper - lower <= 1e-12 * max(1.0, float(e[-1]))
    side = "upper" if best.side > 0 else "lower"
    witness = Witness(np.sort(flat), code.reshape(W.K, *W.n), float(e[index]), side)
    return RIPBracket(lower, lower if exact else upper, witness, exact, evaluated)


def _draw(model: BlockModel, count: int, rng, values: str):
    """Draw sparse codes: filters, flat positions and values, each (count, order k); Floyd's subsets of blocks."""
    laws = {
        "normal": rng.standard_normal,
        "uniform": lambda shape: rng.uniform(-1, 1, shape),
        "sign": lambda shape: 2.0 * rng.integers(0, 2, shape) - 1.0,
    }
    if values not in laws:
        raise ValueError(f"values must be one of {', '.join(map(repr, laws))}, but came as {values!r}.")
    I = np.empty((count, model.order, model.k), int)
    for a, last in enumerate(range(model.n_blocks - model.k, model.n_blocks)):
        pick = rng.integers(0, last + 1, (count, model.order))
        I[..., a] = np.where((I[..., :a] == pick[..., None]).any(axis=-1), last, pick)
    shape = (count, model.order * model.k)
    return I.reshape(shape), rng.integers(0, model.block_size, shape), laws[values](shape)


def _pairs(table: LagTable, side: int, restarts: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return the strongest pairs of columns and as many random ones that overlap, as supports."""
    c = table.rows.reshape(table.K, table.lags + 1, table.K)[:, :-1].copy()
    own = np.arange(table.K)
    c[own, table.lags // 2, own] = 0
    if table.cap == 1:
        c[own, :, own] = 0
    a = side * (table.energy - 1)
    middle, half = (a[:, None, None] + a) / 2, (a[:, None, None] - a) / 2
    strength = np.where(c != 0, middle + np.hypot(half, c), -np.inf).ravel()
    count = min(2 * restarts, len(strength))  # each pair is there twice
    strong = np.argpartition(-strength, count - 1)[:count]
    chosen = np.concatenate([strong, rng.integers(0, len(strength), restarts)])
    chosen = chosen[np.isfinite(strength[chosen])]
    i, lag, j = np.unravel_index(chosen, c.shape)
    d = lag[:, None] // table.pitch % (2 * table.reach + 1) - table.reach
    I, P = table.join(i[:, None], np.zeros((len(i), 1, len(table.n)), int), j, d)
    return table.unique(I, P) if len(I) else (I, P)


def _grow(table: LagTable, I, P, side: int):
    """Add to each support the column that raises its largest eigenvalue most; drop those that have none.

    Returns the new supports, which of the old ones they came from, and how many were looked at. A threshold t rises from the root of one column to that of a better one until no column passes t.
    """
    a = side * (table.energy - 1)
    m, grown, evaluated = I.shape[1], [], 0
    places = prod((P.max(axis=(0, 1)) + 2 * table.reach + 1).tolist())
    step = max(1, CHUNK // (m * places * table.K))
    for first in range(0, len(I), step):
        i, p = I[first : first + step], P[first : first + step]
        e, Q, y2 = table.scan(i, p, side)
        evaluated += len(i) * len(Q) * table.K
        y2 = y2.reshape(*y2.shape[:2], -1)
        batch = np.arange(len(i))
        top, own = y2[:, -1], np.tile(a, len(Q))
        mean, half = (e[:, -1:] + own) / 2, (e[:, -1:] - own) / 2
        choice = np.where(y2.any(axis=1), mean + np.sqrt(half**2 + top), -np.inf).argmax(axis=1)
        can = y2[batch, :, choice].any(axis=1)
        for _ in range(4):
            child = table.join(i, p, choice % table.K, Q[choice // table.K])
            root = np.linalg.eigvalsh(table.deviation(*child, side))[:, -1]
            t = np.maximum(root, e[:, -1] + 1e-12)
            gain = np.matmul((1 / (t[:, None] - e))[:, None], y2)[:, 0]
            gain = np.where(gain > 0, gain + own, -np.inf)
            better = gain.argmax(axis=1)
            passes = gain[batch, better] > t + 1e-12
            if not (passes & can).any():
                break
            choice = np.where(passes, better, choice)
        I2, P2 = table.join(i, p, choice % table.K, Q[choice // table.K])
        grown.append((I2[can], P2[can], np.flatnonzero(can) + first))
    return (*map(np.concatenate, zip(*grown)), evaluated)


def _swap(table: LagTable, I, P, value, side: int, best: Found) -> int:
    """Replace one column at a time by the best other while any support of the batch improves."""
    evaluated, m = 0, I.shape[1]
    improved = True
    while improved:
        improved = False
        for a in range(m):
            keep = np.arange(m) != a
            rest = P[:, keep] - P[:, keep].min(axis=1, keepdims=True)
            I2, P2, origin, count = _grow(table, I[:, keep], rest, side)
            evaluated += count
            e = np.linalg.eigvalsh(table.deviation(I2, P2, side))[:, -1]
            up = e > value[origin] + 1e-12
            to = origin[up]
            I[to], P[to], value[to] = I2[up], P2[up], e[up]
            improved |= bool(up.any())
        best.offer(value, side, I, P)
    return evaluated
