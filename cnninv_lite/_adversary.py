"""The adversary: supports that grow and swap columns to deviate as much as they can."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ._lags import CHUNK, LagTable
from ._parallel import Exhausted, Work, gather

__all__ = [
    "Found",
    "search",
]

PART = 64  # starts that climb together in one task


@dataclass
class Found:
    """The largest deviation seen so far, and where: `side` times an eigenvalue of G_T - I."""

    value: float
    side: int = 1
    I: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    P: np.ndarray = field(default_factory=lambda: np.empty((0, 0), int))

    def offer(self, values, side, I, P) -> None:
        """Keep the best of a batch if it is larger than what is known."""
        b = int(np.argmax(values))
        if values[b] > self.value:
            self.value, self.side, self.I, self.P = float(values[b]), side, I[b], P[b]


def best_column(table: LagTable, side: int) -> Found:
    """Return the largest deviation of a single column."""
    a = side * (table.energy - 1)
    i = int(np.argmax(a))
    return Found(float(a[i]), side, np.array([i]), np.zeros((1, len(table.n)), int))


def search(
    table: LagTable, size: int, restarts: int, rng, work: Work, *, sides=(1, -1), kicks=2
) -> dict[int, Found]:
    """Climb from many starts to supports of at most `size` columns; then drop half of each and climb again.

    Returns the best support of any size on the way for each side. Ends early, with what was found by then,
    when the work has been as much as may be.
    """
    tasks, found = [], {side: best_column(table, side) for side in sides}
    for side in sides if size > 1 else ():
        I, P = _pairs(table, side, restarts, rng)
        parts = [slice(first, first + PART) for first in range(0, len(I), PART)]
        tasks += [
            (table, I[part], P[part], size, side, kicks, child)
            for part, child in zip(parts, rng.spawn(len(parts)))
        ]
    with suppress(Exhausted), closing(gather(_explore, tasks, work.executor)) as results:
        for best, count in results:
            if len(best.I):
                found[best.side].offer([best.value], best.side, best.I[None], best.P[None])
            work.spend(count)
    return found


def _explore(table: LagTable, I, P, size: int, side: int, kicks: int, rng) -> tuple[Found, int]:
    """Climb from these starts, drop half of each support and climb again, `kicks` times."""
    best, evaluated = Found(-np.inf), 0
    for _ in range(1 + kicks):
        I, P, count = _climb(table, I, P, size, side, best)
        evaluated += count
        half = rng.random(I.shape).argsort(axis=1)[:, : (size + 1) // 2]
        I, P = np.take_along_axis(I, half, axis=1), np.take_along_axis(P, half[..., None], axis=1)
        P = P - P.min(axis=1, keepdims=True)
    return best, evaluated


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

    Returns the new supports, which of the old ones they came from, and how many were looked at. A threshold t
    rises from the root of one column to that of a better one until no column passes t.
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
            t = np.maximum(root, e[:, -1] + 1e-12 * np.maximum(1, np.abs(e).max(axis=1)))
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


def _climb(table: LagTable, I, P, size: int, side: int, best: Found):
    """Grow supports greedily to `size` columns, then swap single columns as long as that helps."""
    evaluated = 0
    while len(I):
        value = np.linalg.eigvalsh(table.deviation(I, P, side))[:, -1]
        best.offer(value, side, I, P)
        if I.shape[1] == size:
            break
        I, P, _, count = _grow(table, I, P, side)
        I, P = table.unique(I, P)
        evaluated += count
    active = np.arange(len(I) if size > 2 else 0)
    while len(active):
        before = value.copy()
        for a in range(size):
            rest = np.arange(size) != a
            free = P[active][:, rest]
            free -= free.min(axis=1, keepdims=True)
            I2, P2, origin, count = _grow(table, I[active][:, rest], free, side)
            e = np.linalg.eigvalsh(table.deviation(I2, P2, side))[:, -1]
            up = e > value[active[origin]] + 1e-12
            to = active[origin[up]]
            I[to], P[to], value[to] = I2[up], P2[up], e[up]
            evaluated += count
        best.offer(value, side, I, P)
        active = np.flatnonzero(value > before)
    return *table.unique(I, P), evaluated
