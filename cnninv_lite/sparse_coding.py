"""Sparse coding by l1 least squares: codes for signals that no code of the model makes, such as real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._checks import as_array, as_real, as_size
from ._codes import as_bank, as_number, column, norm
from .models import BlockModel
from .operators import FilterBank
from .pursuit import Pursuit, run

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
    weight = as_real(lam, "lam")
    if not (weight > 0).all() or weight.shape not in ((), batch):
        raise ValueError(
            f"lam must be a number > 0, or one for each signal of the batch {batch}, but came as {lam!r}."
        )
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", "a number >= 0", zero=True)
    mask = None
    if support is not None:
        codes = as_array(support, "support")
        codes = codes.astype(float) if codes.dtype.kind == "b" else codes
        mask, _ = W._batch(codes, "support", (W.K, *W.n))
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
    history = [norm(x)]
    goal = tol * history[0] ** 2 / 2
    # Of the signals still moving: code, its image, extrapolated code, its image, momentum, 1 / step length.
    moving = np.arange(len(x))
    now, image, ahead, ahead_image = z, np.zeros_like(x), z, np.zeros_like(x)
    pace, bound = np.ones(len(x), x.dtype), np.full(len(x), np.square(W.filters).sum() / W.K or 1, x.dtype)
    for j in range(1, max_iter + 1):
        residual = x - ahead_image
        g = W._analyse(residual)
        if mask is not None:
            g *= mask
        # A proximal gradient step; its length is shortened until the objective is sure to descend.
        while True:
            h, limit = ahead + g / column(bound, g), column(lam / bound, g)
            move = h - np.clip(h, -limit, limit) - ahead
            image_move = W._synthesise(move)
            rise = norm(image_move) ** 2 > 1.001 * bound * norm(move) ** 2
            if not rise.any():
                break
            bound = np.where(rise, 1.5 * bound, bound)
        new, new_image = ahead + move, ahead_image + image_move
        # The gap between the objective at the new code and the dual one at the scaled residual.
        largest = np.abs(g).reshape(len(g), -1).max(axis=1)
        scale = np.minimum(1, np.divide(lam, largest, out=np.ones_like(lam), where=largest > 0))
        left = norm(x - new_image)
        value = left**2 / 2 + lam * np.abs(new).reshape(len(new), -1).sum(axis=1)
        dual = (norm(x) ** 2 - norm(x - column(scale, x) * residual) ** 2) / 2
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
