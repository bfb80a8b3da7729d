"""Sparse coding by l1 least squares: codes for signals that no code of the model makes, such as real ones."""

from __future__ import annotations

import numpy as np

from ._checks import as_real, as_size
from ._codes import as_bank, as_number, column, norm
from .models import BlockModel
from .operators import FilterBank
from .pursuit import Pursuit, item
from .recovery import relative_error

__all__ = ["lasso", "sparse_code"]


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
    signals, batch = as_bank(W)._batch(x, "x", (W.M, *W.D))
    signals = signals.astype(np.result_type(signals, W.dtype), copy=False)
    weight = as_real(lam, "lam")
    if not (weight > 0).all() or weight.shape not in ((), batch):
        raise ValueError(
            f"lam must be a number > 0, or one for each signal of the batch {batch}, but came as {lam!r}."
        )
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", "a number >= 0", zero=True)
    mask = None
    if support is not None:
        codes = np.asarray(support)
        codes = codes.astype(float) if codes.dtype.kind == "b" else codes
        mask, _ = W._batch(codes, "support", (W.K, *W.n))
        if len(mask) not in (1, len(signals)):
            raise ValueError(f"support must have the batch of x, {batch}, but came with shape {codes.shape}.")
        mask = np.broadcast_to(mask != 0, (len(signals), W.K, *W.n))
    weight = np.broadcast_to(weight, batch).reshape(len(signals)).astype(signals.dtype)
    z, history, steps, reason = _fista(W, signals, weight, mask, max_iter, tol)
    back = W.synthesis(z)
    return Pursuit(
        z.reshape(*batch, W.K, *W.n),
        back.reshape(*batch, W.M, *W.D),
        item(relative_error(back, signals, axes=1 + len(W.D)).reshape(batch)),
        history.reshape(-1, *batch),
        item(steps.reshape(batch)),
        item((reason == "settled").reshape(batch)),
        item(reason.reshape(batch)),
    )


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
    return Pursuit(
        second.z,
        second.x,
        second.relative_error,
        np.concatenate([first.history, second.history]),
        first.iterations + second.iterations,
        item(np.asarray(converged)),
        item(np.where(converged, "settled", "max_iter")),
    )


def _fista(W: FilterBank, x: np.ndarray, lam: np.ndarray, mask, max_iter: int, tol: float):
    """Minimise for a batch: codes, residual norms, steps and reasons; signals that are done are left out."""
    z = np.zeros((len(x), W.K, *W.n), x.dtype)
    steps, reason = np.zeros(len(x), int), np.full(len(x), "max_iter", dtype="<U9")
    history = [norm(x)]
    goal = tol * history[0] ** 2 / 2
    # Of the signals still moving: code, its image, extrapolated code, its image, momentum, 1 / step length.
    moving = np.arange(len(x))
    now, image, ahead, ahead_image = z, np.zeros_like(x), z, np.zeros_like(x)
    pace, bound = np.ones(len(x), x.dtype), np.full(len(x), np.square(W.filters).sum() / W.K, x.dtype)
    for j in range(1, max_iter + 1):
        target, weight = x[moving], lam[moving]
        residual = target - ahead_image
        g = W.analysis(residual)
        if mask is not None:
            g *= mask[moving]
        new, new_image = _backtrack(W, ahead, ahead_image, g, weight, bound)
        # The gap between the objective at the new code and the dual one at the scaled residual.
        largest = np.abs(g).reshape(len(g), -1).max(axis=1)
        scale = np.minimum(1, np.divide(weight, largest, out=np.ones_like(weight), where=largest > 0))
        left = norm(target - new_image)
        value = left**2 / 2 + weight * np.abs(new).reshape(len(new), -1).sum(axis=1)
        dual = (norm(target) ** 2 - norm(target - column(scale, target) * residual) ** 2) / 2
        uphill = ((ahead - new) * (new - now)).reshape(len(new), -1).sum(axis=1) > 0
        z[moving], steps[moving] = new, j
        history.append(history[-1].copy())
        history[-1][moving] = left
        done = value - dual <= goal[moving]
        reason[moving[done]] = "settled"
        if done.all():
            break
        pace = np.where(uphill, 1, pace)
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        push = np.where(uphill, 0, (pace - 1) / faster)
        ahead = new + column(push, new) * (new - now)
        ahead_image = new_image + column(push, image) * (new_image - image)
        on = ~done
        moving, now, image = moving[on], new[on], new_image[on]
        ahead, ahead_image, pace, bound = ahead[on], ahead_image[on], faster[on], bound[on]
    return z, np.stack(history), steps, reason


def _backtrack(W: FilterBank, z, image, g, lam, bound):
    """Take a proximal gradient step from z; raise 1 / step length, in `bound`, until the step descends."""
    new, new_image, rows = np.empty_like(z), np.empty_like(image), np.arange(len(z))
    while len(rows):
        h = z[rows] + g[rows] / column(bound[rows], z)
        limit = column(lam[rows] / bound[rows], z)
        new[rows] = h - np.clip(h, -limit, limit)
        moved = new[rows] - z[rows]
        image_moved = W.synthesis(moved)
        new_image[rows] = image[rows] + image_moved
        rows = rows[norm(image_moved) ** 2 > 1.001 * bound[rows] * norm(moved) ** 2]
        bound[rows] *= 1.5
    return new, new_image
