"""Least squares with an l1 penalty, by accelerated proximal gradient steps: what `lasso` runs on."""

from __future__ import annotations

import numpy as np

from ._residuals import column, norms
from .layer import FilterBank

__all__ = ["fista"]


def fista(W: FilterBank, x, lam, mask, max_iter: int, tol: float):
    """Minimise ||x - W^T z||^2 / 2 + lam ||z||_1 for a batch, over codes that are zero where `mask` is.

    It returns the codes, the residual norms, the steps taken, and whether the gap closed.

    It computes in 64 bit; what it returns, and judges by the gap, has the precision of `x`.
    """
    dtype, x = x.dtype, x.astype(float, copy=False)
    z = np.zeros((len(x), W.K, *W.n), dtype)
    history = [norms(x)]
    goal = tol * history[0] ** 2 / 2
    # Of the signals still moving: code, its image, extrapolated code, its image, momentum, 1 / step length.
    moving, steps, settled = np.arange(len(x)), np.zeros(len(x), int), np.zeros(len(x), bool)
    now, image, ahead, ahead_image = z.astype(float), np.zeros_like(x), z.astype(float), np.zeros_like(x)
    pace, bound = np.ones(len(x)), np.full(len(x), np.square(W.filters, dtype=float).sum() / W.K or 1)
    for j in range(1, max_iter + 1):
        residual = x - ahead_image
        g = _correlate(W, residual, mask)
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
        z[moving], steps[moving] = new, j
        left = norms(x - new_image)
        history.append(history[-1].copy())
        history[-1][moving] = left
        # Where the residual above, scaled, is dual to the new code up to a small gap, the code is judged.
        value = left**2 / 2 + lam * np.abs(new).sum(axis=tuple(range(1, new.ndim)))
        scaled = column(_dual_scale(g, lam), x) * residual
        done = value - (norms(x) ** 2 - norms(x - scaled) ** 2) / 2 <= goal[moving]
        if done.any():
            code = z[moving[done]].astype(float)
            gap = _gap(W, x[done], lam[done], None if mask is None else mask[done], code)
            done[done] = gap <= goal[moving[done]]
            settled[moving] = done
            if done.all():
                break
        advance = new - now
        uphill = np.einsum("bi,bi->b", move.reshape(len(new), -1), advance.reshape(len(new), -1)) < 0
        pace = np.where(uphill, 1, pace)
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        push = np.where(uphill, 0, (pace - 1) / faster)
        advance *= column(push, new)
        ahead, ahead_image = new + advance, new_image + column(push, image) * (new_image - image)
        now, image, pace = new, new_image, faster
        if done.any():
            on = ~done
            moving, x, lam, now, image, pace = moving[on], x[on], lam[on], now[on], image[on], pace[on]
            ahead, ahead_image, bound = ahead[on], ahead_image[on], bound[on]
            mask = None if mask is None else mask[on]
    return z, np.stack(history).astype(dtype, copy=False), steps, settled


def _correlate(W: FilterBank, residual: np.ndarray, mask) -> np.ndarray:
    """Return W r, on the support alone where there is one."""
    g = W.analysis(residual, check_finite=False)
    return g if mask is None else g * mask


def _dual_scale(g: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """Return the largest s <= 1 for which no entry of s g exceeds lam."""
    largest = np.abs(g).reshape(len(g), -1).max(axis=1)
    return np.minimum(1, np.divide(lam, largest, out=np.ones_like(lam), where=largest > 0))


def _gap(W: FilterBank, x, lam, mask, z) -> np.ndarray:
    """Return the duality gap of codes z as a sum of terms >= 0.

    They are (1 - s)^2 ||r||^2 / 2 with r = x - W^T z, and |z_i| (lam - s sign(z_i) (W r)_i) for each place i.
    """
    residual = x - W.synthesis(z, check_finite=False)
    g = _correlate(W, residual, mask)
    s = _dual_scale(g, lam)
    terms = np.abs(z) * column(lam, z) - column(s, z) * z * g
    return (norms(residual) * (1 - s)) ** 2 / 2 + terms.reshape(len(z), -1).sum(axis=1)
