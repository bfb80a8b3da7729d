"""Branch and bound over connected supports: the proof that no support deviates by more.

Write A_T = side (G_T - I) for a support T of the model: delta(M_k^s) is the largest eigenvalue of any A_T,
for side = +1 or -1. Let t be a threshold above the diagonal a of every A_T, and S = diag((t - a)^(-1/2)).
Since S (t - A_T) S = I - X_T, where X_T has a zero diagonal and the scaled correlations of T beside it,
A_T exceeds t if and only if X_T exceeds 1: filters of any norm are reduced to filters of unit norm. A support
whose columns are not connected by overlaps falls apart into blocks of X_T, and X_T depends on lags alone
("length independence"): only connected supports at the origin are looked at, of every size up to r = s k.
They grow column by column. Two rules say which partial supports P, of m columns, cannot lead to one that
exceeds 1.

Chain lemma. Let v be the unit eigenvector of the largest eigenvalue lambda of X_T, |T| = m + 1. Without its
entry v_j it shows that T without j has an eigenvalue of at least

    (lambda - 2 v_j (X v)_j) / (1 - v_j^2) = lambda (1 - 2 v_j^2) / (1 - v_j^2) >= lambda (m - 1) / m

for the j with the smallest v_j^2 <= 1 / (m + 1). If that leaves T in pieces, one of them has this eigenvalue,
so has every connected set between it and T (interlacing), and one of those has m columns. So every connected
T of at most r columns with lambda > 1 grows from connected supports with lambda_m > (m - 1) / (r - 1).

Completion bound. Let T = P + R, let B hold the scaled correlations of P with R, and X_P < 1. By the Schur
complement X_T exceeds 1 if and only if X_R + B' (I - X_P)^{-1} B does. The second matrix is positive
semi-definite: its norm is at most its trace, the sum of q_c = b_c' (I - X_P)^{-1} b_c over c in R. So

    u_{r-m} + (the largest sum of q_c over r - m columns that the model allows) > 1

must hold, where u_j bounds the eigenvalues of X on supports of j columns (u_1 = 0: with one column missing
the rule is exact). The u_j come from rows, from the chain lemma, and for small j from the same branch and
bound. They may be cut at 1: of the supports that exceed 1 a smallest one has only such parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ._adversary import Found, search
from ._lags import CHUNK, LagTable
from ._parallel import Exhausted, Work, gather
from ._rounding import UNIT, rules, slack, whiten, whiten_hard
from .coherence import certificates, largest_sum

__all__ = [
    "most_energy",
    "settle",
]

SLAB = 1_000_000  # partial supports whose children are kept at a time
TASK = 64  # chunks to a task
ROUND = 16  # tasks to a round; the best support found is shared between rounds


def settle(table: LagTable, found: dict[int, Found], floor: float, work: Work) -> float:
    """Improve what was `found` on its sides until no support of these sides deviates by more.

    Returns a bound, at least `floor`, that no support of the model exceeds on a side of `found`. What was
    found is then the largest deviation, to the slack, if that is above the floor.
    """
    error = slack(table.terms, most_energy(table), rules(table.size))
    t = max(floor, *(best.value for best in found.values())) + error
    for side in found:
        if side > 0 or t < 1:  # no energy is negative: -(G_T - I) never exceeds 1
            t = _Above(table, side, t, found[side], error, work).run()
    return t + error


def most_energy(table: LagTable) -> float:
    """Return the largest sum of squared norms over a support of the model."""
    return float(np.sort(np.repeat(table.energy, table.cap))[::-1][: table.size].sum())


class _Rules:
    """The two rules: which children of partial supports may lead to one of `size` columns above `best`."""

    def __init__(self, table: LagTable, size: int, best: Found, uppers: list[float], fixed: bool = False):
        self.table, self.size, self.best, self.uppers, self.fixed = table, size, best, uppers, fixed

    def expand(self, I, P):
        """Return the children of a batch of supports that the rules keep."""
        table, m, left = self.table, I.shape[1], self.size - I.shape[1]
        X, (Q, b) = table.deviation(I, P, 1), table.offer(I, P)
        t = (1 if self.fixed else self.best.value) * (1 + 16 * UNIT)  # the rules, with t in place of 1
        R, hard = whiten(X, t)
        if len(hard):
            e, R[hard] = whiten_hard(X[hard], t)
            self.best.offer(e, 1, I[hard], P[hard])
        least = np.zeros((len(I), 1, 1))
        if self.uppers[left] < t:  # otherwise nothing is completed to more than that
            q = _energy(R, b).reshape(len(I), len(Q), table.K)
            if left == 1:
                return self.complete(q > t, I, P, Q)
            columns = self.largest_in_block(q, I, left)
            least += (t - self.uppers[left] - largest_sum(columns, left - 1))[:, None, None]
            alive = np.flatnonzero(q.max(axis=(1, 2)) > least[:, 0, 0])
            if len(alive) < len(I):
                I, P, X, b, q, least = (a[alive] for a in (I, P, X, b, q, least))
        chain = t * (m / (self.size - 1) - 1e-9)
        R, reached = whiten(X, chain)  # the second: those that have what the chain asks for, or nearly
        keep = _energy(R, b) > chain
        keep[reached] = b[reached].any(axis=1)
        keep = keep.reshape(len(I), len(Q), table.K)
        if self.uppers[left] < t:
            keep &= q > least
        row, w, j = np.nonzero(keep)
        return table.join(I[row], P[row], j, Q[w])

    def complete(self, above, I, P, Q):
        """Offer the supports of `size` columns that are above t; they have no children."""
        row, w, j = np.nonzero(above)
        I, P = self.table.join(I[row], P[row], j, Q[w])
        if len(I):
            self.best.offer(np.linalg.eigvalsh(self.table.deviation(I, P, 1))[:, -1], 1, I, P)
        return I[:0], P[:0]

    def largest_in_block(self, q, I, left: int):
        """Return the largest q of each block, as many as a completion by `left` columns can take from it."""
        if self.table.cap == 1:
            return q.max(axis=1)
        take = min(self.table.cap, left, q.shape[1])
        top = -np.sort(np.partition(-q, take - 1, axis=1)[:, :take], axis=1)
        room = self.table.cap - self.table.used(I)
        top[np.arange(take)[:, None] >= room[:, None]] = 0
        return top.reshape(len(I), take * self.table.K)

    def chunks(self, I, P) -> Iterator[np.ndarray]:
        """Cut a level into batches of at most about CHUNK numbers, narrow supports first."""
        span = P.max(axis=1)
        order = np.argsort((span + 1).prod(axis=1), kind="stable")
        widest = np.maximum.accumulate(span[order], axis=0)
        cost = (widest + 2 * self.table.reach + 1).prod(axis=1) * I.shape[1] * self.table.K
        first = 0
        while first < len(order):
            last = min(len(order), first + 1 + CHUNK // int(cost[first]))
            fits = np.arange(1, last - first + 1) * cost[first:last] <= CHUNK
            last = first + max(1, int(np.count_nonzero(fits)))
            yield order[first:last]
            first = last


class _Branch(_Rules):
    """Finds the support of at most `size` columns with the largest eigenvalue of X, if it is above `best`."""

    def __init__(self, table: LagTable, size: int, best: Found, uppers: list[float], work: Work):
        super().__init__(table, size, best, uppers)
        self.work = work

    def run(self) -> float:
        """Look at everything; return the largest eigenvalue found, which no support exceeds."""
        self.below(np.arange(self.table.K)[:, None], np.zeros((self.table.K, 1, len(self.table.n)), int))
        return self.best.value

    def below(self, I, P) -> None:
        """Look at everything that grows from these supports, SLAB of them at a time to bound the memory."""
        for first in range(0, len(I) if I.shape[1] < self.size else 0, SLAB):
            self.below(*self.level(I[first : first + SLAB], P[first : first + SLAB]))

    def level(self, I, P):
        """Return the supports one column larger that the rules keep, each once."""
        children = [self.table.join(I[:0], P[:0], I[:0, 0], P[:0, 0])]
        chunks = self.chunks(I, P)
        while parts := list(islice(chunks, ROUND * TASK)):
            paid, stop = [], None
            try:
                for part in parts:
                    self.work.spend(len(part) * self.table.offers(P[part]))
                    paid.append(part)
            except Exhausted as exhausted:  # what is paid for is looked at
                stop = exhausted
            rows = [np.concatenate(paid[a : a + TASK]) for a in range(0, len(paid), TASK)]
            while rows:
                state = (self.table, self.size, self.best.value, self.uppers, self.fixed)
                tasks, again = ((*state, I[r], P[r]) for r in rows), []
                for r, (found, kept) in zip(rows, gather(_expand, tasks, self.work.executor)):
                    if len(found.I):
                        self.found(found, stale=state[0] is not self.table)
                    if len(found.I) and self.fixed:
                        again.append(r)
                    else:
                        children.append(kept)
                rows = again
            if stop:
                raise stop
        return self.table.unique(*map(np.concatenate, zip(*children)))

    def found(self, found: Found, stale: bool) -> None:
        """Take over what a task found, perhaps for a table that has been replaced since."""
        self.best.offer([found.value], 1, found.I[None], found.P[None])


class _Above(_Branch):
    """Shows that no support has an eigenvalue of A = side (G_T - I) above t; raises t when one has.

    Supports that were kept for a smaller t include all that are needed for a larger one, and the bounds of
    the eigenvalues of X for it still hold: X shrinks when t grows.
    """

    def __init__(self, table: LagTable, side: int, t: float, best: Found, error: float, work: Work):
        self.whole, self.side, self.top, self.error = table, side, best, error
        self.work, self.size, self.uppers, self.fixed = work, table.size, [0.0, 0.0], True
        self.raise_to(t)

    def raise_to(self, t: float) -> None:
        """Look for supports above t from now on."""
        self.t, self.table, self.best = t, self.whole.balanced(self.side, t), Found(1.0)

    def found(self, found: Found, stale: bool) -> None:
        """Raise t to what the support that was found reaches, or by the error if t is still what it was."""
        I, P = found.I[None], found.P[None]
        value = np.linalg.eigvalsh(self.whole.deviation(I, P, self.side))[:, -1]
        self.top.offer(value, self.side, I, P)
        t = max(float(value[0]), -np.inf if stale else self.t) + self.error
        if t > self.t:
            self.raise_to(t)

    def run(self) -> float:
        """Return the final t."""
        rng = np.random.default_rng(0)
        for size in range(2, self.size):
            self.uppers.append(self.upper(size, rng))
        super().run()
        return self.t

    def upper(self, size: int, rng) -> float:
        """Bound the eigenvalues of X over supports of fewer columns: by rows, by the chain lemma, exactly."""
        by_rows = certificates(self.table, size)
        del by_rows["trace"]  # that one needs G >= 0
        by_chain = [self.uppers[m] * (size - 1) / (m - 1) for m in range(2, size)]
        upper = min(1.0, min(*by_rows.values(), *by_chain, np.inf) * (1 + 1e-12))
        if size <= self.size // 2:
            with self.work.share(1 / 4):
                best = search(self.table, size, 8, rng, self.work, sides=(1,), kicks=0)[1]
                if best.value < upper:
                    exact = _Branch(self.table, size, best, self.uppers, self.work).run()
                    upper = min(upper, exact + 1e-9)
                if best.value > 1:
                    self.found(best, stale=False)
        return max(upper, self.uppers[-1])


def _expand(table: LagTable, size: int, value: float, uppers: list[float], fixed: bool, I, P):
    """Do one task of a level: return the best support found, if it exceeds `value`, and the children."""
    branch = _Rules(table, size, Found(value), uppers, fixed)
    children = [table.unique(*branch.expand(I[part], P[part])) for part in branch.chunks(I, P)]
    return branch.best, table.unique(*map(np.concatenate, zip(*children)))


def _energy(R, b):
    """Return |R b|^2 for each support of a batch and each column that it is offered."""
    y = np.matmul(R, b)
    return np.einsum("bac,bac->bc", y, y)
