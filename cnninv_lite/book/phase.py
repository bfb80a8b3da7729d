"""Phase diagrams: which codes come back, over the size of the filters and the number of active ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .._checks import as_generator, as_size, as_sizes
from .._parallel import as_executor, gather, progress_bar, watched
from ..codes import BlockModel
from ..filters import gaussian_filters
from ..layer import FilterBank

__all__ = [
    "PhaseCell",
    "phase_diagram",
]


@dataclass(frozen=True)
class PhaseCell:
    """One cell of a phase diagram.

    Attributes
    ----------
    M, k : int
        Channels of the filters and active filters of the codes.
    codes : int
        How many codes were tried.
    recovered : dict of str to int
        How many of them each method recovered.
    """

    M: int
    k: int
    codes: int
    recovered: dict[str, int]


def phase_diagram(
    trial: Callable, Ms, ks, *, K, ell, D, stride=1, banks=2, codes=6, rng=None, progress=False, executor=None
) -> Iterator[PhaseCell]:
    """Yield the cells of a phase diagram, one for each M and k, as they are done.

    A cell draws `banks` Gaussian filter banks of unit filters, and for each bank `codes` codes of the model
    M_k with normal values; `trial` says which of them come back. Nothing is kept: write the cells where you
    want them. A cell depends on `rng`, M and k alone, not on the others: what is missing can be drawn later.

    Parameters
    ----------
    trial : callable
        ``trial(W, z)``, with z of shape (codes, K, *n), returns a dict from the name of a method to booleans
        of shape (codes,): whether it recovered each code from W^T z. For processes it must be importable.
    Ms, ks : sequence of int
        Channels, and active filters in 1..K.
    K : int
        Number of filters.
    ell, D, stride : int or tuple of int
        Filter length, input length and step, as in `FilterBank`.
    banks, codes : int
        Banks of a cell, and codes of a bank.
    rng : None, int or numpy.random.Generator
        One number drawn from it, M and k are the seed of each cell.
    progress : bool
        Show a bar, if tqdm is installed.
    executor : concurrent.futures.Executor, optional
        Who does the work, as in `rip_sample`: a cell is a task.

    Yields
    ------
    PhaseCell

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Donoho & Tanner (2009), Observed universality of phase transitions in high-dimensional geometry.

    Examples
    --------
    >>> from cnninv_lite import iht
    >>> def by_iht(W, z):
    ...     found = iht(W, W.synthesis(z), k=np.count_nonzero(z[0])).z
    ...     return {"IHT": np.linalg.norm(found - z, axis=(1, 2)) < 0.01 * np.linalg.norm(z, axis=(1, 2))}
    >>> for cell in phase_diagram(by_iht, [2, 64], [6], K=16, ell=5, D=20, rng=0):
    ...     print(cell.M, cell.k, cell.recovered["IHT"], "of", cell.codes)
    2 6 0 of 12
    64 6 12 of 12
    """
    if not callable(trial):
        raise TypeError(f"trial must be a function of W and z, but got {type(trial).__name__}.")
    Ms, K = as_sizes(Ms, "Ms"), as_size(K, "K")
    ks = tuple(as_size(k, "ks", high=K) for k in as_sizes(ks, "ks"))
    banks, codes = as_size(banks, "banks"), as_size(codes, "codes")
    rng, executor = as_generator(rng), as_executor(executor)
    ell = as_sizes(ell, "ell")
    shape = as_sizes(D, "D", len(ell))
    FilterBank(np.zeros((1, 1, *ell)), (1, *shape), stride)  # do the filters fit?
    cells = [(M, k) for M in Ms for k in ks]
    seed = int(rng.integers(1 << 63))
    tasks = ((trial, M, k, K, ell, shape, stride, banks, codes, [seed, M, k]) for M, k in cells)
    return watched(gather(_cell, tasks, executor), progress_bar(progress, len(cells), "cells"))


def _cell(trial, M, k, K, ell, D, stride, banks, codes, seed) -> PhaseCell:
    """Do one task of `phase_diagram`."""
    rng = np.random.default_rng(seed)
    recovered: dict[str, int] = {}
    for _ in range(banks):
        W = FilterBank(gaussian_filters(K, M, ell, rng=rng), (M, *D), stride).normalized()
        z = BlockModel(K, W.n, k).sample(codes, rng=rng)
        for name, good in trial(W, z).items():
            if np.shape(good) != (codes,):
                raise ValueError(
                    f"trial must return booleans of shape ({codes},) for each method, but got shape "
                    f"{np.shape(good)} for {name!r}."
                )
            recovered[name] = recovered.get(name, 0) + int(np.count_nonzero(good))
    return PhaseCell(M, k, banks * codes, recovered)
