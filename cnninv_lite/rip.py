"""Measuring the model-RIP constant: what samples see, what an adversary finds, and what rows of G certify."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from ._adversary import Found, search
from ._branch_and_bound import Exhausted, Work, settle
from ._checks import as_generator, as_size
from ._lags import CHUNK, LagTable, check_pair
from ._parallel import as_executor, gather, progress_bar, watched
from .codes import BlockModel, law_of
from .coherence import certificates

__all__ = [
    "RIPBracket",
    "RIPSample",
    "Witness",
    "rip_bracket",
    "rip_exact",
    "rip_sample",
    "rip_sample_parts",
    "rip_search",
]

PART = 1 << 17  # codes to a task: about a second of work


@dataclass(frozen=True, eq=False)
class Witness:
    """A code that shows a deviation: no smaller RIP constant is possible.

    Attributes
    ----------
    support : ndarray of int, shape (m,)
        Where it lives, as sorted flat indices into (K n,); m may be smaller than s k.
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


def rip_sample(W, model, n, *, rng=None, values="normal", progress=False, executor=None) -> RIPSample:
    """Draw random codes; measure how far W^T is from an isometry on them and on their supports.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    n : int
        Number of codes, at least 1. A code costs O((s k)^3), whatever the size of W; memory is 24 bytes each.
    rng : None, int or numpy.random.Generator
        Each 131,072 codes have a generator of their own, spawned from it.
    values : {"normal", "uniform", "sign"}
        Law of the non-zeros, as in `BlockModel.sample`: codes are sums of `order` order-1 codes with uniform
        supports.
    progress : bool
        Show a bar, if tqdm is installed.
    executor : concurrent.futures.Executor, optional
        Who does the work: a pool of threads or processes, ``dask.distributed.Client.get_executor()``,
        ``mpi4py.futures.MPIPoolExecutor()``; without one it is done here. The result is the same for all.

    Returns
    -------
    RIPSample
        Both maxima are lower bounds of delta(M_k^s), usually far below it.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W, n < 1, `values` is unknown, or `executor` is none.

    See Also
    --------
    rip_sample_parts : the same in parts, for samples that the memory does not hold.

    References
    ----------
    Gilbert et al. (2017), Figure 2, draws such histograms of codes.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 5, rng=0), (4, 32))
    >>> seen = rip_sample(W, BlockModel(16, W.n, k=4), 1000, rng=1)
    >>> seen.from_codes < seen.from_supports
    True
    """
    parts = rip_sample_parts(W, model, n, rng=rng, values=values, progress=progress, executor=executor)
    seen, first = RIPSample(*(np.empty(n) for _ in range(3))), 0
    for part in parts:
        rows = slice(first, first + len(part.energies))
        seen.energies[rows], seen.smallest[rows], seen.largest[rows] = (
            part.energies,
            part.smallest,
            part.largest,
        )
        first = rows.stop
    return seen


def rip_sample_parts(
    W, model, n, *, rng=None, values="normal", progress=False, executor=None
) -> Iterator[RIPSample]:
    """Yield what `rip_sample` returns in parts of at most 131,072 codes, as they are done.

    Parameters and errors are those of `rip_sample`; the parts, one after the other, are its result. A few
    hundred parts are under way at a time, whatever n is.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(16, 4, 5, rng=0), (4, 32))
    >>> parts = rip_sample_parts(W, BlockModel(16, W.n, k=2), 300_000, rng=1)
    >>> [len(part.energies) for part in parts]
    [131072, 131072, 37856]
    """
    check_pair(W, model)
    n, rng, executor = as_size(n, "n"), as_generator(rng), as_executor(executor)
    law_of(values)  # is it known?
    table = LagTable(W, model)
    tasks = ((table, model, min(PART, n - first), rng.spawn(1)[0], values) for first in range(0, n, PART))
    bar = progress_bar(progress, n, "codes")
    return watched(gather(_sample, tasks, executor), bar, lambda part: len(part.energies))


def _sample(table: LagTable, model: BlockModel, n: int, rng, values: str) -> RIPSample:
    """Do one task of `rip_sample`."""
    energies, smallest, largest = np.empty(n), np.empty(n), np.empty(n)
    m = model.order * model.k
    step = max(1, CHUNK // (4 * m * m))
    for first in range(0, n, step):
        part = slice(first, min(first + step, n))
        I, place, v = _draw(model, part.stop - first, rng, values)
        shape = tuple(table.n.tolist())
        P = np.stack([i.reshape(place.shape) for i in np.unravel_index(place.ravel(), shape)], axis=-1)
        G = table.gram(I, P)
        same = (I[:, :, None] == I[:, None]) & (place[:, :, None] == place[:, None])
        norm = np.einsum("ba,bac,bc->b", v, same, v)  # columns drawn twice add up
        energy = table.energies(I, P, v)
        energies[part] = np.divide(energy, norm, out=np.ones(len(v)), where=norm > 0)  # z = 0 shows nothing
        if model.order > 1:  # a column drawn twice counts once: cut its copy off
            copy = np.tril(same, -1).any(axis=-1)
            cut = (copy[:, :, None] | copy[:, None]) & ~np.eye(m, dtype=bool)
            G[cut] = 0
        e = np.linalg.eigvalsh(G)
        smallest[part], largest[part] = e[:, 0], e[:, -1]
    return RIPSample(energies, smallest, largest)


def rip_search(W, model, restarts=64, *, rng=None, executor=None) -> RIPBracket:
    """Look for the code of the model that W^T stretches or shrinks most.

    Supports grow greedily from the strongest pairs of columns and from random ones, each time by the column
    that moves the extreme eigenvalue most; then single columns are swapped while that helps; then half of
    each support is dropped and grown again. Both signs are tried.

    Parameters
    ----------
    W : FilterBank
    model : BlockModel
    restarts : int
        Starts from the strongest pairs, and as many random ones, for each sign.
    rng : None, int or numpy.random.Generator
    executor : concurrent.futures.Executor, optional
        Who does the work, as in `rip_sample`.

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
    restarts, rng, executor = as_size(restarts, "restarts"), as_generator(rng), as_executor(executor)
    table = LagTable(W, model)
    best, evaluated = search(table, table.size, restarts, rng, executor=executor)
    return as_bracket(table, W, best, min(certificates(table, table.size).values()), evaluated)


def as_bracket(table: LagTable, W, best: Found, upper: float, evaluated: int) -> RIPBracket:
    """Turn a found support into a bracket with its witness."""
    e, U = np.linalg.eigh(table.gram(best.I[None], best.P[None])[0])
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
    """Draw sparse codes: filters (Floyd's subsets), flat positions and values, each (count, order k)."""
    I = np.empty((count, model.order, model.k), int)
    for a, last in enumerate(range(model.n_blocks - model.k, model.n_blocks)):
        pick = rng.integers(0, last + 1, (count, model.order))
        I[..., a] = np.where((I[..., :a] == pick[..., None]).any(axis=-1), last, pick)
    shape = (count, model.order * model.k)
    return I.reshape(shape), rng.integers(0, model.block_size, shape), law_of(values)(rng, shape)


def rip_exact(W, model, *, limit=1_000_000_000, progress=False, executor=None) -> RIPBracket:
    """Return delta(M_k^s) exactly (to rounding), or refuse.

    Branch and bound over connected supports at the origin; the proof of its two rules stands at the top of
    `_branch_and_bound.py`. It takes any order, stride and filter norms, one axis or two, and honours the n
    of W.

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
