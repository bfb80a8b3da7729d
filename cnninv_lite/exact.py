"""The model-RIP constant exactly, or a certified bracket of it."""

from __future__ import annotations

import numpy as np

from ._branch import Exhausted, Work, settle
from ._checks import as_generator, as_size
from ._search import search
from ._tasks import as_executor
from .coherence import certificates
from .gram import LagTable, check_pair
from .rip import RIPBracket, as_bracket

__all__ = ["rip_bracket", "rip_exact"]


def rip_exact(W, model, *, limit=1_000_000_000, progress=False, executor=None) -> RIPBracket:
    """Return delta(M_k^s) exactly (to rounding), or refuse.

    Branch and bound over connected supports at the origin; the proof of its two rules stands at the top of
    `_branch.py`. It takes any order, stride and filter norms, one axis or two, and honours the n of W.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    limit : int
        Supports that branch and bound may look at; ten million take about a second.
    progress : bool
        Show a bar, if tqdm is installed.
    executor : concurrent.futures.Executor, optional
        Who does the work, as in `rip_sample`.

    Returns
    -------
    RIPBracket
        With ``lower == upper`` and ``exact`` true.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W, or if there is more to look at than `limit`: it never samples instead.

    See Also
    --------
    rip_bracket : the same within a budget; what it has not settled by then stays open.

    References
    ----------
    Gilbert et al. (2017), the model-RIP of Theorem 3.1. Statements "length independence", "chain lemma" and
    "completion bound".

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 8, rng=0), (4, 64))
    >>> model = BlockModel(16, W.n, k=4)
    >>> model.count()  # all supports; those that are looked at are far fewer
    19211921820
    >>> found = rip_exact(W, model)
    >>> found.exact, round(found.lower, 6), found.witness.side
    (True, 1.341363, 'upper')
    """
    check_pair(W, model)
    limit, executor, rng = as_size(limit, "limit"), as_executor(executor), np.random.default_rng(0)
    table, work = LagTable(W, model), Work(limit, progress, executor)
    best, evaluated = search(table, table.size, 8 * table.size, rng, executor=executor)
    try:
        settle(table, best, best.value, work)
    except Exhausted as stop:
        raise ValueError(
            f"{stop} before delta was settled: the model has {model.count()} supports of {table.size} "
            f"columns, and the largest deviation found is {best.value:.6g}. Raise limit, or take "
            "rip_bracket, which gives certified bounds."
        ) from None
    finally:
        work.close()
    return as_bracket(table, W, best, best.value, evaluated + work.done)


def rip_bracket(W, model, budget=200_000_000, *, rng=None, progress=False, executor=None) -> RIPBracket:
    """Bracket delta(M_k^s): an adversary from below, certified bounds and branch and bound from above.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    budget : int
        Supports that branch and bound may look at, about; ten million take about a second.
    rng : None, int or numpy.random.Generator
        For the random starts of the adversary.
    progress : bool
        Show a bar, if tqdm is installed.
    executor : concurrent.futures.Executor, optional
        Who does the work, as in `rip_sample`.

    Returns
    -------
    RIPBracket
        `exact` if the two sides meet. `upper` is certified at any budget: the least of `rip_certificates` and
        of the thresholds that branch and bound could rule out.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W or the budget is below 1.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 8, 4, rng=0), (8, 40))
    >>> found = rip_bracket(W, BlockModel(16, W.n, k=4, order=2), budget=10_000, rng=0)
    >>> found.exact, found.lower < found.upper
    (False, True)
    """
    check_pair(W, model)
    budget, rng, executor = as_size(budget, "budget"), as_generator(rng), as_executor(executor)
    table, work = LagTable(W, model), Work(budget, progress, executor)
    best, evaluated = search(table, table.size, 8 * table.size, rng, executor=executor)
    upper, failed = min(certificates(table, table.size).values()), None
    try:
        for _ in range(8):
            if upper <= best.value or work.done >= budget:
                break
            below = best.value if failed is None else max(failed, best.value)
            threshold = below if failed is None else (below + upper) / 2
            if failed is not None and below < 1 < upper:
                threshold = 1.0  # the lower side needs no work from there on
            work.stop = work.done + (budget - work.done) / 2
            try:
                upper = min(upper, settle(table, best, threshold, work))
            except Exhausted:
                failed = threshold
    finally:
        work.close()
    return as_bracket(table, W, best, max(upper, best.value), evaluated + work.done)
