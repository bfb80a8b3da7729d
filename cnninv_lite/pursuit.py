"""Pursuits: recover a code of the model from x by iterating, the CNN layer being the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from ._checks import as_array, as_number, as_real, as_size
from ._lags import LagTable
from ._residuals import Code, LagPath, SignalPath, column, dense, minus, norms, plus, ratio
from .codes import BlockModel, address, entries
from .layer import FilterBank, as_bank
from .reconstruction import relative_error

__all__ = [
    "Pursuit",
    "cosamp",
    "iht",
    "lasso",
    "sparse_code",
]

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
    if not isinstance(step, str):
        mu = as_number(step, "step")
    elif step in ("fixed", "normalised"):
        mu = 1.0
    else:
        raise ValueError(f'step must be "fixed", "normalised" or a real number > 0, but got {step!r}.')
    model = BlockModel(as_bank(W).K, W.n, k, order)

    def update(path, code, g):
        if isinstance(step, str) and step == "normalised":
            return _normalised(path, model, nonnegative, code, g), False
        if mu != 1:
            g *= mu
        return _pool(model, plus(g, code), nonnegative), False

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
        values, vectors = np.linalg.eigh(path.lags.padded_gram(index, real).astype(g.dtype))
        usable = values > index.shape[1] * np.finfo(values.dtype).eps * values[:, -1:]
        inverse = np.divide(1, values, out=np.zeros_like(values), where=usable)
        target = np.where(real, path.u[address((W.K, *W.n), index)], 0)
        fit = np.einsum("bij,bj,bj->bi", vectors, inverse, np.einsum("bij,bi->bj", vectors, target))
        dependent = real.any(axis=1) & ~usable.all(axis=1)
        return _pool(model, dense(W, (index, np.where(real, fit, 0)))), dependent

    return _pursue(W, x, model, "lag", update, max_iter, tol)


def _normalised(path, model: BlockModel, nonnegative: bool, code: Code, g: np.ndarray) -> Code:
    """Take a normalised step: line search on its support, shortened if a new one is too bold."""
    index, value = code[0].copy(), np.where(code[1] != 0, g[address(model.shape, code[0])], 0)
    # At the start, and where other rows offer far more than this support, search along the best rows instead.
    axes = tuple(range(1, g.ndim))
    largest = np.maximum(g.max(axis=axes), -g.min(axis=axes))
    still = np.abs(value).max(axis=1) <= np.finfo(g.dtype).eps ** 0.5 * largest
    index[still], value[still] = _pool(model, g[still], nonnegative)
    mu = ratio(norms(value) ** 2, path.energy((index, value)))
    start = (code[1] == 0).all(axis=1)
    support = _support(index, np.where(start[:, None], value, code[1]))
    support[still & ~start] = -2  # not along its own support: any step is a bold one
    new, bold = (np.zeros_like(index), np.zeros_like(value)), np.arange(len(g))
    while len(bold):
        before = code[0][bold], code[1][bold]
        after = _pool(model, plus(column(mu[bold], g) * g[bold], before), nonnegative)
        new[0][bold], new[1][bold] = after
        changed = (_support(*after) != support[bold]).any(axis=1)
        moved = minus(after, before)
        bold = bold[changed & (mu[bold] * path.energy(moved) > 0.99 * norms(moved[1]) ** 2)]
        mu[bold] /= 2
    return new


def _pool(model: BlockModel, h: np.ndarray, nonnegative: bool = False) -> Code:
    return model.pool(h, nonnegative=nonnegative, check_finite=False)


def _support(index: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the indices of the non-zeros in order, -1 for the rest: equal supports give equal arrays."""
    return np.sort(np.where(value != 0, index, -1), axis=1)


@np.errstate(over="ignore", invalid="ignore")  # what overflows is reported as diverged
def _pursue(W, x, model: BlockModel, method: str, update: Callable, max_iter, tol) -> Pursuit:
    """Iterate `update` on `x`, through the signal domain or the lag table."""
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", closed_low=True)
    if method not in ("auto", "signal", "lag"):
        raise ValueError(f'method must be "auto", "signal" or "lag", but came as {method!r}.')
    x = as_real(x, "x")
    if method == "auto":
        method = "lag" if _lag_is_cheaper(W, model) else "signal"
    tables = None
    if method == "lag":
        lags = LagTable(W)
        tables = lags, lags.windows(np.result_type(x, W.dtype))

    def solve(part, signals, steps, reason):
        path = LagPath(W, signals, *tables) if tables else SignalPath(W, signals)
        code, history = _iterate(path, model, norms(signals), update, max_iter, tol, steps, reason)
        return dense(W, code), history

    return run(W, x, solve)


def run(W: FilterBank, x, solve: Callable) -> Pursuit:
    """Solve for all signals of `x`, as many at a time as the cache holds; collect what came of it."""
    signals, batch = W.as_signals(x)
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
    back = W.synthesis(z, check_finite=False)
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
        settled = norms(minus(new, old)[1]) <= tol * norms(new[1])
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


def lasso(W, x, lam, *, support=None, max_iter=2000, tol=1e-4) -> Pursuit:
    """Minimise ||x - W^T z||^2 / 2 + lam ||z||_1 over all codes z, or over those on a support.

    The code is zero where lam >= max |W x|. scikit-learn's `Lasso` solves the same problem for a dense
    matrix, with alpha = lam / (M |D|) and no intercept.

    Parameters
    ----------
    W : FilterBank
    x : array_like of shape (..., M, *D)
    lam : float or array_like of shape (...)
        Weight of the l1 norm, > 0: one for all signals or one each.
    support : None or array_like of shape (..., K, *n)
        A mask or code, whose zeros the solution has to share; None for no such constraint.
    max_iter : int
        Most steps, at least 1.
    tol : float
        A signal stops when its duality gap is at most `tol` >= 0 times ||x||^2 / 2, the objective at z = 0.

    Returns
    -------
    Pursuit
        Not in the model as a rule. Its reason is "settled" where the gap closed, else "max_iter".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or `x` or `lam` is complex or not finite.

    Notes
    -----
    FISTA, with a step length found for each signal by backtracking and a restart of the momentum when it
    points uphill. The gap bounds how far the objective is above its minimum, whatever the steps were: a
    residual scaled so that no correlation with the rows of W exceeds lam is feasible for the dual problem.

    References
    ----------
    Beck & Teboulle (2009), A fast iterative shrinkage-thresholding algorithm for linear inverse problems.
    O'Donoghue & Candes (2015), Adaptive restart for accelerated gradient schemes.

    Examples
    --------
    >>> W = FilterBank(np.eye(3)[:, None, :], (1, 3))
    >>> lasso(W, [[3.0, -1.0, 0.5]], lam=1.0).z.ravel()
    array([2., 0., 0.])
    """
    signals, batch = as_bank(W).as_signals(x)
    weight = as_real(lam, "lam")
    if not (weight > 0).all() or weight.shape not in ((), batch):
        raise ValueError(
            f"lam must be a number > 0, or one for each signal of the batch {batch}, but came as {lam!r}."
        )
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", closed_low=True)
    mask = None
    if support is not None:
        codes = as_array(support, "support")
        codes = codes.astype(float) if codes.dtype.kind == "b" else codes
        mask, _ = W.as_codes(codes, "support")
        if len(mask) not in (1, len(signals)):
            raise ValueError(f"support must have the batch of x, {batch}, but came with shape {codes.shape}.")
        mask = np.broadcast_to(mask != 0, (len(signals), W.K, *W.n))
    weight = np.broadcast_to(weight, batch).reshape(-1)

    def solve(part, signals, steps, reason):
        lam = weight[part].astype(signals.dtype)
        return _fista(W, signals, lam, None if mask is None else mask[part], max_iter, tol, steps, reason)

    return run(W, x, solve)


def sparse_code(W, x, k, lam, *, order=1, max_iter=2000, tol=1e-4) -> Pursuit:
    """Find a model-sparse code of `x`: l1 least squares, max pooling, l1 least squares on what was kept.

    Parameters
    ----------
    W : FilterBank
    x : array_like of shape (..., M, *D)
    k : int
        Filters that stay active, in 1..K.
    lam : float or array_like of shape (...)
        Weight of the l1 norm in both problems, as for `lasso`.
    order : int
        Order s of the model M_k^s: at most s non-zeros for each filter.
    max_iter, tol
        As for `lasso`, for each of the two problems.

    Returns
    -------
    Pursuit
        `history` holds the residual norms of the first problem and then those of the second, `iterations`
        the steps of both; `converged` says that both duality gaps closed.

    Raises
    ------
    TypeError, ValueError
        As `lasso` does; and if `k` or `order` is out of range.

    References
    ----------
    Gilbert et al. (2017), Algorithm 2.

    Examples
    --------
    >>> from cnninv_lite import gaussian_filters
    >>> W = FilterBank(gaussian_filters(8, 64, 5, rng=0), (64, 30))
    >>> z = BlockModel(8, W.n, k=3).sample(rng=1)
    >>> result = sparse_code(W, W.synthesis(z), k=3, lam=1e-3)
    >>> bool(((result.z != 0) == (z != 0)).all()), result.relative_error < 0.01
    (True, True)
    """
    model = BlockModel(as_bank(W).K, W.n, k, order)
    first = lasso(W, x, lam, max_iter=max_iter, tol=tol)
    second = lasso(W, x, lam, support=model.project(first.z), max_iter=max_iter, tol=tol)
    converged = np.logical_and(first.converged, second.converged)
    reason = np.where(converged, "settled", "max_iter")
    return replace(
        second,
        history=np.concatenate([first.history, second.history]),
        iterations=first.iterations + second.iterations,
        converged=converged if converged.ndim else bool(converged),
        reason=reason if reason.ndim else reason.item(),
    )


def _fista(W: FilterBank, x, lam, mask, max_iter: int, tol: float, steps, reason):
    """Minimise for a chunk: fill `steps` and `reason` in place, return the codes and the residual norms."""
    z = np.zeros((len(x), W.K, *W.n), x.dtype)
    history = [norms(x)]
    goal = tol * history[0] ** 2 / 2
    # Of the signals still moving: code, its image, extrapolated code, its image, momentum, 1 / step length.
    moving = np.arange(len(x))
    now, image, ahead, ahead_image = z, np.zeros_like(x), z, np.zeros_like(x)
    pace, bound = np.ones(len(x), x.dtype), np.full(len(x), np.square(W.filters).sum() / W.K or 1, x.dtype)
    for j in range(1, max_iter + 1):
        residual = x - ahead_image
        g = W.analysis(residual, check_finite=False)
        if mask is not None:
            g *= mask
        # A proximal gradient step; its length is shortened until the objective is sure to descend.
        while True:
            h, limit = ahead + g / column(bound, g), column(lam / bound, g)
            move = h - np.clip(h, -limit, limit) - ahead
            image_move = W.synthesis(move, check_finite=False)
            rise = norms(image_move) ** 2 > 1.001 * bound * norms(move) ** 2
            if not rise.any():
                break
            bound = np.where(rise, 1.5 * bound, bound)
        new, new_image = ahead + move, ahead_image + image_move
        # The gap between the objective at the new code and the dual one at the scaled residual.
        largest = np.abs(g).reshape(len(g), -1).max(axis=1)
        scale = np.minimum(1, np.divide(lam, largest, out=np.ones_like(lam), where=largest > 0))
        left = norms(x - new_image)
        value = left**2 / 2 + lam * np.abs(new).reshape(len(new), -1).sum(axis=1)
        dual = (norms(x) ** 2 - norms(x - column(scale, x) * residual) ** 2) / 2
        z[moving], steps[moving] = new, j
        history.append(history[-1].copy())
        history[-1][moving] = left
        done = value - dual <= goal[moving]
        reason[moving[done]] = "settled"
        if done.all():
            break
        on = ~done
        advance = new - now
        uphill = np.einsum("bi,bi->b", move.reshape(len(new), -1), advance.reshape(len(new), -1)) < 0
        pace = np.where(uphill, 1, pace)
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        push = np.where(uphill, 0, (pace - 1) / faster)
        advance *= column(push, new)
        ahead, ahead_image = new + advance, new_image + column(push, image) * (new_image - image)
        now, image, pace = new, new_image, faster
        if not on.all():
            moving, x, lam, now, image, pace = moving[on], x[on], lam[on], now[on], image[on], pace[on]
            ahead, ahead_image, bound = ahead[on], ahead_image[on], bound[on]
            mask = None if mask is None else mask[on]
    return z, np.stack(history)
