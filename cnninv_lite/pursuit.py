"""Pursuits: recover a code of the model from x by iterating, the CNN layer being the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from ._checks import as_real, as_size
from ._codes import (
    Code,
    LagPath,
    SignalPath,
    address,
    as_bank,
    as_number,
    column,
    dense,
    entries,
    gram,
    minus,
    norm,
    plus,
    pool,
    ratio,
)
from .models import BlockModel
from .operators import FilterBank
from .recovery import relative_error

__all__ = ["Pursuit", "cosamp", "iht"]

CHUNK_BYTES = 1 << 20  # codes iterated at a time: they and what is computed from them stay in the cache
LARGEST_TABLE = 1 << 25  # entries of the table of correlations that "auto" is ready to store
BLOWN_UP = 100.0  # a residual of this many norms of x counts as divergence


@dataclass(frozen=True)
class Pursuit:
    """What a pursuit found.

    Attributes
    ----------
    z : ndarray of shape (..., K, *n)
        The code, in the model (`lasso` apart).
    x : ndarray of shape (..., M, *D)
        The reconstruction W^T z.
    relative_error : float or ndarray of shape (...)
        ||W^T z - x|| / ||x||.
    history : ndarray of shape (most iterations + 1, ...)
        Residual norms ||x - W^T z_j||, from z_0 = 0 on. A signal that has stopped keeps its last one.
    iterations : int or ndarray of shape (...)
        Steps taken.
    converged : bool or ndarray of shape (...)
        Whether the reason is "settled" or "dependent".
    reason : str or ndarray of str of shape (...)
        "settled": the last step moved the code by at most `tol` of its norm (for `lasso` and `sparse_code`:
        the duality gap closed). "dependent" (`cosamp` alone): settled, but on a support whose least-squares
        problem had many solutions. "max_iter": still moving when the steps ran out. "diverged": the
        residual passed 100 ||x||, and the code reached then is useless. A settled code may still be a wrong
        one: `relative_error` tells.
    """

    z: np.ndarray
    x: np.ndarray
    relative_error: float | np.ndarray
    history: np.ndarray
    iterations: int | np.ndarray
    converged: bool | np.ndarray
    reason: str | np.ndarray


def iht(
    W, x, k, *, step="fixed", nonnegative=False, order=1, max_iter=100, tol=1e-6, method="auto"
) -> Pursuit:
    """Recover a model-sparse code by iterative hard thresholding, whose first step is the CNN layer.

    From z_0 = 0 it iterates

        z_{j+1} = M( z_j + mu W (x - W^T z_j), k ).

    Parameters
    ----------
    W : FilterBank
    x : array_like of shape (..., M, *D)
    k : int
        Filters that stay active, in 1..K.
    step : "fixed", "normalised" or float > 0
        "fixed" is mu = 1, so that z_1 is the code of `reconstruct`; a number is any other constant. The
        filters should then have about unit norm: where mu ||W^T z||^2 > 2 ||z||^2 for codes of the model
        the iteration can cycle or blow up, which `Pursuit.reason` reports. "normalised" chooses mu for
        each signal and step, on the current support, and shortens it until the residual cannot grow;
        the scale of W does not matter then, and z_1 is the layer's code times mu.
    nonnegative : bool
        Project with ReLU, onto the codes of the model with no negative entry.
    order : int
        Order s of the model M_k^s.
    max_iter : int
        Most steps, at least 1.
    tol : float
        A signal stops when a step moves its code by at most `tol` >= 0 times the code's norm.
    method : {"auto", "signal", "lag"}
        How W W^T z is found: through the signal domain, or from the table of correlations without leaving
        the codes. They differ by rounding alone, which may tip a choice between equals; the residual norms
        of "lag" are exact to about ||x|| sqrt(machine epsilon). "auto" takes the one with less work.

    Returns
    -------
    Pursuit

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or `x` is complex or not finite.

    References
    ----------
    Blumensath & Davies (2009), Iterative hard thresholding for compressed sensing.
    Blumensath & Davies (2010), Normalized iterative hard thresholding.
    Baraniuk, Cevher, Duarte & Hegde (2010), Model-based compressive sensing.
    Gilbert et al. (2017), Section 3.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(8, 64, 5, rng=0), (64, 30))
    >>> z = BlockModel(8, W.n, k=3).sample(rng=1)
    >>> result = iht(W, W.synthesis(z), k=3)
    >>> result.reason, bool(np.allclose(result.z, z, atol=1e-5))
    ('settled', True)
    """
    named = isinstance(step, str) and step in ("fixed", "normalised")
    mu = 1.0 if named else as_number(step, "step", '"fixed", "normalised" or a number > 0')
    model = BlockModel(as_bank(W).K, W.n, k, order)

    def update(path, code, g):
        if named and step == "normalised":
            return _normalised(path, model, nonnegative, code, g), False
        if mu != 1:
            g *= mu
        return pool(model, plus(g, code), nonnegative), False

    return _pursue(W, x, model, method, update, max_iter, tol)


def cosamp(W, x, k, *, order=1, max_iter=100, tol=1e-6) -> Pursuit:
    """Recover a model-sparse code by CoSaMP: fit least squares on more rows of W than needed, keep the best.

    A step adds to the support of z_j that of M_2(W(x - W^T z_j)), the projection onto the sums of two codes
    of the model, minimises ||x - W^T b|| over codes b on both, and takes z_{j+1} = M(b, k). There is no step
    length: the scale of W does not matter. The Gram matrices come from the table of correlations.

    Parameters
    ----------
    W : FilterBank
    x : array_like of shape (..., M, *D)
    k, order, max_iter, tol
        As for `iht`.

    Returns
    -------
    Pursuit
        Where the rows of W on the merged support are linearly dependent, to rounding, b is the shortest of
        the least-squares codes; a signal that settles there has the reason "dependent".

    Raises
    ------
    TypeError, ValueError
        As `iht` does.

    References
    ----------
    Needell & Tropp (2009), CoSaMP: iterative signal recovery from incomplete and inaccurate samples.
    Baraniuk, Cevher, Duarte & Hegde (2010), Model-based compressive sensing, Algorithm 1.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank, gaussian_filters
    >>> W = FilterBank(gaussian_filters(8, 64, 5, rng=0), (64, 30))
    >>> z = BlockModel(8, W.n, k=3).sample(rng=1)
    >>> bool(np.allclose(cosamp(W, W.synthesis(z), k=3).z, z))
    True
    """
    model = BlockModel(as_bank(W).K, W.n, k, order)
    wider = BlockModel(W.K, W.n, k, 2 * model.order)

    def update(path, code, g):
        merged = (wider.project(g) != 0) | (dense(W, code) != 0)
        index, real = entries(merged.reshape(len(g), -1))
        values, vectors = np.linalg.eigh(gram(W, index, real, path.table))
        usable = values > index.shape[1] * np.finfo(values.dtype).eps * values[:, -1:]
        inverse = np.divide(1, values, out=np.zeros_like(values), where=usable)
        target = np.where(real, path.u[address(W.n, index)], 0)
        fit = np.einsum("bij,bj,bj->bi", vectors, inverse, np.einsum("bij,bi->bj", vectors, target))
        dependent = real.any(axis=1) & ~usable.all(axis=1)
        return pool(model, dense(W, (index, np.where(real, fit, 0)))), dependent

    return _pursue(W, x, model, "lag", update, max_iter, tol)


def _normalised(path, model: BlockModel, nonnegative: bool, code: Code, g: np.ndarray) -> Code:
    """Take a normalised step: line search on its support, shortened if a new one is too bold."""
    index, value = code[0].copy(), np.where(code[1] != 0, g[address(model.shape[1:], code[0])], 0)
    # At the start, and where other rows offer far more than this support, search along the best rows instead.
    axes = tuple(range(1, g.ndim))
    largest = np.maximum(g.max(axis=axes), -g.min(axis=axes))
    still = np.abs(value).max(axis=1) <= np.finfo(g.dtype).eps ** 0.5 * largest
    index[still], value[still] = pool(model, g[still], nonnegative)
    mu = ratio(norm(value) ** 2, path.energy((index, value)))
    start = (code[1] == 0).all(axis=1)
    support = _support(index, np.where(start[:, None], value, code[1]))
    support[still & ~start] = -2  # not along its own support: any step is a bold one
    new, bold = (np.zeros_like(index), np.zeros_like(value)), np.arange(len(g))
    while len(bold):
        before = code[0][bold], code[1][bold]
        after = pool(model, plus(column(mu[bold], g) * g[bold], before), nonnegative)
        new[0][bold], new[1][bold] = after
        changed = (_support(*after) != support[bold]).any(axis=1)
        moved = minus(after, before)
        bold = bold[changed & (mu[bold] * path.energy(moved) > 0.99 * norm(moved[1]) ** 2)]
        mu[bold] /= 2
    return new


def _support(index: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the indices of the non-zeros in order, -1 for the rest: equal supports give equal arrays."""
    return np.sort(np.where(value != 0, index, -1), axis=1)


@np.errstate(over="ignore", invalid="ignore")  # what overflows is reported as diverged
def _pursue(W, x, model: BlockModel, method: str, update: Callable, max_iter, tol) -> Pursuit:
    """Iterate `update` on `x`, through the signal domain or the lag table."""
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", "a number >= 0", zero=True)
    if method not in ("auto", "signal", "lag"):
        raise ValueError(f'method must be "auto", "signal" or "lag", but came as {method!r}.')
    x = as_real(x, "x")
    if method == "auto":
        method = "lag" if _lag_is_cheaper(W, model) else "signal"
    table = W.correlations().astype(np.result_type(x, W.dtype), copy=False) if method == "lag" else None

    def solve(part, signals, steps, reason):
        path = SignalPath(W, signals) if table is None else LagPath(W, signals, table)
        code, history = _iterate(path, model, norm(signals), update, max_iter, tol, steps, reason)
        return dense(W, code), history

    return run(W, x, solve)


def run(W: FilterBank, x, solve: Callable) -> Pursuit:
    """Solve for all signals of `x`, as many at a time as the cache holds; collect what came of it."""
    signals, batch = W._batch(x, "x", (W.M, *W.D))
    signals = signals.astype(np.result_type(signals, W.dtype), copy=False)
    z = np.zeros((len(signals), W.K, *W.n), signals.dtype)
    steps, reason = np.zeros(len(z), int), np.full(len(z), "max_iter", dtype="<U9")
    size = max(1, CHUNK_BYTES // (W.shape[0] * z.itemsize))
    histories = []
    for b in range(0, len(z), size):
        part = slice(b, b + size)
        z[part], history = solve(part, signals[part], steps[part], reason[part])
        histories.append(history)
    longest = max(map(len, histories), default=1)
    padded = [np.pad(h, [(0, longest - len(h)), (0, 0)], mode="edge") for h in histories]
    history = np.concatenate([np.empty((longest, 0), z.dtype), *padded], axis=1)
    back = W._synthesise(z)
    return Pursuit(
        z.reshape(*batch, W.K, *W.n),
        back.reshape(*batch, W.M, *W.D),
        _item(relative_error(back, signals, axes=1 + len(W.D)).reshape(batch)),
        history.reshape(longest, *batch),
        _item(steps.reshape(batch)),
        _item(np.isin(reason, ("settled", "dependent")).reshape(batch)),
        _item(reason.reshape(batch)),
    )


def _lag_is_cheaper(W: FilterBank, model: BlockModel) -> bool:
    """Estimate the work of a step: windows subtracted one by one, or patches copied and multiplied twice."""
    window = prod(2 * -(-length // step) - 1 for length, step in zip(W.ell, W.stride, strict=True))
    patches = prod(W.n) * W.M * prod(W.ell)
    return W.K**2 * window <= LARGEST_TABLE and model.sparsity * W.K * window <= patches * (1 + W.K / 40)


def _iterate(path, model, size, update: Callable, max_iter: int, tol: float, steps, reason):
    """Iterate on one chunk: fill `steps` and `reason` in place, return the codes and the residual norms."""
    found = np.zeros((len(size), model.sparsity), int), np.zeros((len(size), model.sparsity), size.dtype)
    moving, g, history = np.arange(len(size)), path.u.copy(), [size]
    for j in range(1, max_iter + 1):
        old = found[0][moving], found[1][moving]
        new, dependent = update(path, old, g)
        g, residual = path.gradient(new)
        found[0][moving], found[1][moving] = new
        steps[moving] = j
        history.append(history[-1].copy())
        history[-1][moving] = residual
        settled = norm(minus(new, old)[1]) <= tol * norm(new[1])
        diverged = ~(residual <= BLOWN_UP * size[moving])
        reason[moving[settled]] = "settled"
        reason[moving[settled & dependent]] = "dependent"
        reason[moving[diverged]] = "diverged"
        on = ~(settled | diverged)
        if not on.any():
            break
        if not on.all():
            moving, g = moving[on], g[on]
            path.keep(on)
    return found, np.stack(history)


def _item(a: np.ndarray):
    """Return the only element of an array without axes, other arrays as they are."""
    return a.item() if a.ndim == 0 else a
