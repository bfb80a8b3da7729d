"""The model-RIP constant exactly, by branch and bound over connected supports, or a certified bracket of it.

Write A_T = side (G_T - I) for a support T of the model; delta(M_k^s) is the largest eigenvalue of any A_T, for
side = +1 or -1. A support whose columns do not all overlap, directly or through others, falls apart into blocks
of A_T, and shifts do not change A_T ("length independence"): it is enough to look at connected supports at the
origin, of every size up to s k. They are grown column by column, size by size. To find all that exceed a
threshold t, of at most r columns, two rules say which partial supports S, of m columns, can be dropped.

Chain. Let v be the unit eigenvector of lambda, the largest eigenvalue of A_T, |T| = m. Deleting column j leaves
the vector v without v_j, so that some eigenvalue of the rest is at least

    (lambda - 2 v_j (A v)_j + a_j v_j^2) / (1 - v_j^2) = lambda - (lambda - a_j) v_j^2 / (1 - v_j^2),

a_j = A_jj <= lambda. The smallest v_j^2 is at most 1/m, and a_j is at least a, the smallest diagonal entry of any
column of the bank: lambda' - a >= (lambda - a) (m-2)/(m-1). If the rest is not connected, one of its components
has this eigenvalue, and with it every connected set between that component and T (interlacing); such a set of
m - 1 columns exists because T is connected. By induction every connected T of at most r columns with lambda > t
can be grown through connected supports that satisfy lambda_m - a > (t - a) (m-1)/(r-1), m = 1, 2, ...

Completion. Let T = S + R, let B hold the correlations of S with R, and t > lambda_max(A_S). By the Schur
complement lambda_max(A_T) > t if and only if A_R + B^T (t - A_S)^{-1} B has an eigenvalue above t. The second
term is positive semi-definite, so its norm is at most its trace: a sum over the columns of R of
q_c = b_c^T (t - A_S)^{-1} b_c. Hence S can be dropped unless

    u_{r-m} + (the largest sum of q_c over r - m columns that the model allows) > t,

where u_j bounds delta for j columns: the bounds are found for one column, two columns, and so on. If R is one
column the rule is exact: a_c + q_c > t. On the lower side nothing exceeds 1, because G_T >= 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

import numpy as np

from ._checks import as_generator, as_size
from .coherence import certificates, largest_sum
from .gram import CHUNK, LagTable, check_pair
from .rip import Found, RIPBracket, as_bracket, best_column, search

__all__ = ["rip_bracket", "rip_exact"]

STORED = 50_000_000  # columns of supports of one size that are kept at a time
RESTARTS = 16


def rip_exact(W, model, *, limit=2_000_000_000) -> RIPBracket:
    """Return delta(M_k^s) exactly (to rounding), or refuse.

    A branch and bound over connected supports at the origin, growing them column by column; the proof of its two
    rules stands at the top of the source. It honours the true n of W and any order, stride and filter norms.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    limit : int
        Supports that may be looked at; a hundred million take a few seconds.

    Returns
    -------
    RIPBracket
        With ``lower == upper`` and ``exact`` true.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W, or the work exceeds `limit`: it never samples instead.

    See Also
    --------
    rip_bracket : the same within a budget; what it has not proved by then stays open.

    References
    ----------
    The statements "length independence", "chain lemma" and "completion bound" of the book.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 8, rng=0), (4, 64))
    >>> model = BlockModel(16, W.n, k=4)
    >>> model.count()  # supports; a small part of them is looked at
    19211921820
    >>> found = rip_exact(W, model)
    >>> found.exact, round(found.lower, 6)
    (True, 1.341363)
    """
    check_pair(W, model)
    table, work = LagTable(W, model), _Work(as_size(limit, "limit"))
    best, uppers, rng = best_column(table), [0.0], np.random.default_rng(0)
    try:
        for size in range(1, table.size + 1):
            _look(table, size, best, work, rng)
            uppers.append(_explore(table, size, best, best.value, uppers, work))
    except _Exhausted as stop:
        raise ValueError(
            f"{stop} before delta was proved: it is known for codes of {size - 1} non-zeros, and the model has "
            f"{table.size} and {model.count()} supports in all. Raise limit, or ask rip_bracket for what can be "
            "certified."
        ) from None
    return as_bracket(W, best, best.value, work.done + work.searched)


def rip_bracket(W, model, budget=200_000_000, *, rng=None, progress=False) -> RIPBracket:
    """Bracket delta(M_k^s): an adversary from below, certified bounds and branch and bound from above.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    budget : int
        Supports that may be looked at, about; a hundred million take a few seconds.
    rng : None, int or numpy.random.Generator
        For the random starts of the adversary.
    progress : bool
        Show a bar with tqdm, if it is installed.

    Returns
    -------
    RIPBracket
        ``exact`` if the two sides meet. `upper` is certified at any budget: the least of `rip_certificates`, of
        what smaller supports imply by the chain lemma, and of the thresholds that branch and bound could rule out.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W or the budget is below 1.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(32, 16, 5, rng=0), (16, 64))
    >>> found = rip_bracket(W, BlockModel(32, W.n, k=8, order=2), budget=100_000, rng=0)
    >>> found.exact, found.lower < found.upper
    (False, True)
    """
    check_pair(W, model)
    budget, rng = as_size(budget, "budget"), as_generator(rng)
    table, work = LagTable(W, model), _Work(budget, progress)
    best, r = best_column(table), table.size
    low = [float((side * (table.energy - 1)).min()) for side in (1, -1)]
    uppers = [0.0]
    _look(table, r, best, work, rng)
    for size in range(1, r + 1):
        found = best if size == r else best_column(table)
        if size < r:
            _look(table, size, found, work, rng)
        chain = [max(a + (uppers[m] - a) * (size - 1) / (m - 1) for a in low) for m in range(2, size)]
        uppers.append(min([*certificates(table, size).values(), *chain]))
        share = (work.limit - work.done) / (1 if size == r else 2 * (r - size))
        uppers[size] = _refine(table, size, found, uppers, work, share)
        best.offer([found.value], found.side, found.I[None], found.P[None])
    work.close()
    return as_bracket(W, best, uppers[r], work.done + work.searched)


def _refine(table: LagTable, size: int, best: Found, uppers: list[float], work: _Work, share: float) -> float:
    """Return a certified bound for `size` columns: exact if half the share allows, else found by bisection."""
    upper, failed = uppers[size], -np.inf
    for _ in range(8):
        if upper <= best.value or share < 1:
            break
        threshold = best.value if failed < 0 else (max(failed, best.value) + upper) / 2
        before, work.stop = work.done, work.done + share / 2
        try:
            upper = _explore(table, size, best, threshold, uppers, work)
        except _Exhausted:
            failed = threshold
        share -= work.done - before
    return max(upper, best.value)


class _Exhausted(Exception):
    """The work is more than was allowed."""


class _Work:
    """Counts the supports that branch and bound looks at, shows the count if asked, says when it is too much."""

    def __init__(self, limit: int, progress: bool = False):
        self.limit, self.stop, self.done, self.searched, self.bar = limit, limit, 0, 0, None
        if progress:
            with suppress(ImportError):
                self.bar = import_module("tqdm.auto").tqdm(total=limit, unit=" supports", unit_scale=True)

    def spend(self, count: int) -> None:
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        if self.done > self.stop:
            raise _Exhausted(f"more than {self.limit} supports had to be looked at")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _look(table: LagTable, size: int, best: Found, work: _Work, rng) -> None:
    """Let the adversary improve `best` first: a good threshold is half of the proof."""
    found, count = search(table, size, RESTARTS, rng)
    best.offer([found.value], found.side, found.I[None], found.P[None])
    work.searched += count


def _explore(table, size: int, best: Found, threshold: float, uppers: list[float], work: _Work) -> float:
    """Look for supports of at most `size` columns above the threshold and above `best`, which they replace.

    Returns the larger of the two in the end: a certified upper bound of delta for `size` columns.
    """
    for side in (1, -1):
        branch = _Branch(table, size, side, best, threshold, uppers)
        if side < 0 and branch.threshold() >= 1:
            continue
        I, P = np.arange(table.K)[:, None], np.zeros((table.K, 1, len(table.n)), int)
        while len(I) and I.shape[1] < size:
            I, P = branch.level(I, P, work)
    return max(threshold, best.value)


class _Branch:
    """One side of the search for supports of at most `size` columns above a threshold."""

    def __init__(self, table: LagTable, size: int, side: int, best: Found, floor: float, uppers: list[float]):
        self.table, self.size, self.side, self.best, self.floor, self.uppers = table, size, side, best, floor, uppers
        self.a = side * (table.energy - 1)
        self.slack = 1e-13 * (1 + size * float(table.energy.max()))

    def threshold(self) -> float:
        return max(self.floor, self.best.value) + self.slack

    def level(self, I, P, work: _Work):
        """Return all supports one column larger that the rules keep, each once."""
        children, stored = [self.table.join(I[:0], P[:0], I[:0, 0], P[:0, 0])], 0
        for part in self._chunks(I, P):
            work.spend(len(part) * self.table.offers(P[part]))
            children.append(self.table.unique(*self.expand(I[part], P[part])))
            stored += children[-1][0].size
            if stored > STORED:
                children = [self.table.unique(*map(np.concatenate, zip(*children)))]
                stored = children[0][0].size
                if stored > STORED // 2:
                    raise _Exhausted(f"more than {stored // len(children[0][0][0])} partial supports had to be kept")
        return self.table.unique(*map(np.concatenate, zip(*children)))

    def expand(self, I, P):
        """Return the children of a batch of supports that the rules keep."""
        table, m = self.table, I.shape[1]
        e, Q, y2 = table.scan(I, P, self.side)
        self.best.offer(e[:, -1], self.side, I, P)
        t, left = self.threshold(), self.size - m
        q = _weigh(y2, 1 / (t - e))
        if left == 1:
            b, w, j = np.nonzero((q > 0) & (q + self.a > t))
            I, P = table.join(I[b], P[b], j, Q[w])
            if len(b):
                self.best.offer(np.linalg.eigvalsh(table.deviation(I, P, self.side))[:, -1], self.side, I, P)
            return I[:0], P[:0]
        columns = self._largest_in_block(q, I, left)
        alive = np.flatnonzero(self.uppers[left] + largest_sum(columns, left) > t)
        I, P, e, q = I[alive], P[alive], e[alive], q[alive]
        others = self.uppers[left] + largest_sum(columns[alive], left - 1)
        low = self.a.min()
        chain = low + (t - low) * m / (self.size - 1) - 2 * self.slack
        above = e[:, -1] >= chain - self.slack
        rise = self.a + _weigh(y2[alive], 1 / np.where(above, np.inf, chain - e.T).T)
        keep = (q > 0) & (q + others[:, None, None] > t) & ((rise > chain) | above[:, None, None])
        b, w, j = np.nonzero(keep)
        return table.join(I[b], P[b], j, Q[w])

    def _largest_in_block(self, q, I, left: int):
        """Return, per block, the largest q as often as a completion by `left` columns can use the block."""
        if self.table.cap == 1:
            return q.max(axis=1)
        take = min(self.table.cap, left, q.shape[1])
        top = -np.sort(np.partition(-q, take - 1, axis=1)[:, :take], axis=1)
        room = self.table.cap - self.table.used(I)
        top[np.arange(take)[:, None] >= room[:, None]] = 0
        return top.reshape(len(I), -1)

    def _chunks(self, I, P) -> Iterator[np.ndarray]:
        """Cut a level into batches of at most about CHUNK numbers, narrow supports first."""
        span = P.max(axis=1)
        order = np.argsort((span + 1).prod(axis=1), kind="stable")
        widest = np.maximum.accumulate(span[order], axis=0)
        cost = (widest + 2 * self.table.reach + 1).prod(axis=1) * I.shape[1] * self.table.K
        first = 0
        while first < len(order):
            last = min(len(order), first + 1 + CHUNK // int(cost[first]))
            fits = np.arange(1, last - first + 1) * cost[first:last] <= CHUNK
            last = first + max(1, np.count_nonzero(fits))
            yield order[first:last]
            first = last


def _weigh(y2, weights):
    """Return sum_a weights[a] y2[a] for each support of a batch: shape (B, places, K)."""
    B, m, places, K = y2.shape
    return np.matmul(weights[:, None], y2.reshape(B, m, places * K)).reshape(B, places, K)
