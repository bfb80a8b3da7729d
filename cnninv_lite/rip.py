"""Measuring the RIP constant: what samples see, what an adversary finds, what branch and bound settles."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ._bracket import Bracketing, RIPBracket, Side, Witness
from ._checks import as_generator, as_size
from ._lags import CHUNK, LagTable, as_pair
from ._parallel import as_executor, gather, progress_bar, watched
from ._rounding import MOST
from .codes import BlockModel, law_of
from .layer import FilterBank

__all__ = [
    "RIPBracket",
    "RIPSample",
    "Side",
    "Witness",
    "rip_bracket",
    "rip_exact",
    "rip_sample",
    "rip_sample_parts",
    "rip_search",
]

PART = 1 << 17  # codes to a task: about a second of work
Seed = int | np.random.Generator | None


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

    def __repr__(self) -> str:
        seen = f"from_codes={self.from_codes:.6g}, from_supports={self.from_supports:.6g}"
        return f"RIPSample({len(self.energies)} codes, {seen})"


def rip_sample(
    W: FilterBank | ArrayLike,
    model: BlockModel | int,
    n: int,
    *,
    rng: Seed = None,
    values: str = "normal",
    progress: bool = False,
    executor: Executor | None = None,
) -> RIPSample:
    """Draw random codes; measure how far W^T is from an isometry on them and on their supports.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
        A matrix stands for its columns.
    model : BlockModel or int
        The sparsity k, if W is a matrix.
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
    W: FilterBank | ArrayLike,
    model: BlockModel | int,
    n: int,
    *,
    rng: Seed = None,
    values: str = "normal",
    progress: bool = False,
    executor: Executor | None = None,
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
    W, model = as_pair(W, model)
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


def _draw(model: BlockModel, count: int, rng, values: str):
    """Draw sparse codes: filters (Floyd's subsets), flat positions and values, each (count, order k)."""
    I = np.empty((count, model.order, model.k), int)
    for a, last in enumerate(range(model.n_blocks - model.k, model.n_blocks)):
        pick = rng.integers(0, last + 1, (count, model.order))
        I[..., a] = np.where((I[..., :a] == pick[..., None]).any(axis=-1), last, pick)
    shape = (count, model.order * model.k)
    return I.reshape(shape), rng.integers(0, model.block_size, shape), law_of(values)(rng, shape)


def rip_search(
    W: FilterBank | ArrayLike,
    model: BlockModel | int,
    restarts: int = 64,
    *,
    side: str = "both",
    budget: int = 1_000_000_000,
    rng: Seed = None,
    progress: bool = False,
    executor: Executor | None = None,
) -> RIPBracket:
    """Look for the codes of the model that W^T stretches and crushes most.

    Supports grow greedily from the strongest pairs of columns and from random ones, each time by the column
    that moves the extreme eigenvalue most; then single columns are swapped while that helps; then half of
    each support is dropped and grown again.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
        A matrix stands for its columns.
    model : BlockModel or int
        The sparsity k, if W is a matrix.
    restarts : int
        Starts from the strongest pairs, and as many random ones, for each side.
    side, budget, rng, progress, executor
        As in `rip_exact`.

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
    restarts = as_size(restarts, "restarts")
    with Bracketing(W, model, side, budget, rng, progress, executor) as run:
        run.measure(restarts)
    return run.result()


def rip_exact(
    W: FilterBank | ArrayLike,
    model: BlockModel | int,
    *,
    side: str | None = None,
    budget: int = 1_000_000_000,
    rng: Seed = 0,
    progress: bool = False,
    executor: Executor | None = None,
) -> RIPBracket:
    """Return the RIP constant of a filter bank or of any matrix exactly (to proved rounding), or refuse.

    An adversary searches from below; then branch and bound over connected supports at the origin shows that
    no support deviates by more. The proof of its two rules stands at the top of `_branch_and_bound.py`. It
    takes any order, stride and filter norms, one axis or two, and honours the n of W.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
        A matrix stands for its columns.
    model : BlockModel or int
        The sparsity k, if W is a matrix.
    side : {"larger", "both", "stretch", "crush"}, optional
        What is settled: delta, that is the larger side (the cheapest, and what is done for a bank); each side
        for itself (what is done for a matrix); or one side.
    budget : int
        Supports that may be looked at, about; ten million take about a second. The search takes half of it at
        most.
    rng : None, int or numpy.random.Generator
        For the random starts of the search.
    progress : bool
        Show a bar, if tqdm is installed.
    executor : concurrent.futures.Executor, optional
        Who does the work, as in `rip_sample`.

    Returns
    -------
    RIPBracket
        With `exact` true for what was asked.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit W, if its supports have more than 100 columns and are too many to list, or
        if there is more to look at than `budget`: it never samples instead.

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

    Of a matrix each side is settled for itself:

    >>> A = np.random.default_rng(0).standard_normal((64, 128)) / 8
    >>> found = rip_exact(A, 3)
    >>> round(found.stretch.lower, 6), round(found.crush.lower, 6)
    (1.069618, 0.658656)
    """
    with Bracketing(W, model, side, budget, rng, progress, executor) as run:
        if run.table.size > MOST and not run.few():
            raise ValueError(
                f"supports must have at most {MOST} columns, for which the bounds of rounding are proved, "
                f"but got {run.table.size}: take rip_bracket, which gives certified bounds."
            )
        run.measure(8 * run.table.size, run.settle)
    result = run.result()
    if not run.done(result):
        raise ValueError(
            f"budget = {run.work.budget} supports were looked at before all was settled: the model has "
            f"{run.model.count()} supports of {run.table.size} columns, and the result is {result}. "
            "Raise budget, or take rip_bracket, which gives certified bounds."
        )
    return result


def rip_bracket(
    W: FilterBank | ArrayLike,
    model: BlockModel | int,
    budget: int = 200_000_000,
    *,
    side: str | None = None,
    rng: Seed = None,
    progress: bool = False,
    executor: Executor | None = None,
) -> RIPBracket:
    """Bracket delta(M_k^s): an adversary from below, certified bounds and branch and bound from above.

    Parameters
    ----------
    W : FilterBank or array_like of shape (m, N)
        A matrix stands for its columns.
    model : BlockModel or int
        The sparsity k, if W is a matrix.
    budget, side, rng, progress, executor
        As in `rip_exact`.

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
    with Bracketing(W, model, side, budget, rng, progress, executor) as run:
        run.measure(8 * run.table.size, run.narrow)
    return run.result()
