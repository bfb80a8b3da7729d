"""Pursuits: recover a code of the model from x by iterating, the CNN layer being the first step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from ._checks import as_array, as_number, as_real, as_size, at_least_0, exponent
from ._fista import fista
from ._lags import LagTable
from ._residuals import (
    LagPath,
    SignalPath,
    address,
    dense,
    item,
    lag_is_cheaper,
    minus,
    normalised_step,
    norms,
    plus,
    pool,
    ratio,
)
from .codes import BlockModel, entries
from .layer import FilterBank, as_bank
from .reconstruction import GOLDEN

__all__ = [
    "Pursuit",
    "Reason",
    "cosamp",
    "iht",
    "iht_rate",
    "lasso",
]

CHUNK_BYTES = 1 << 20  # codes iterated at a time: they and what is computed from them stay in the cache
BLOWN_UP = 100.0  # a residual of this many norms of x counts as divergence


class Reason(StrEnum):
    """Why a pursuit stopped. A member is its word: ``result.reason == "settled"``."""

    SETTLED = (
        "settled"  #: The last step moved the code by at most `tol` of its norm; `lasso`: its gap closed.
    )
    DEPENDENT = "dependent"  #: `cosamp`: settled on a support whose least-squares problem has many solutions.
    MAX_ITER = "max_iter"  #: Still moving when the steps ran out.
    DIVERGED = "diverged"  #: The residual passed 100 ||x||: the code reached then is useless.

    __repr__ = str.__repr__


@dataclass(frozen=True, eq=False)
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
    reason : Reason or ndarray of Reason of shape (...)
        A settled code may still be a wrong one: `relative_error` tells.
    """

    z: np.ndarray
    x: np.ndarray
    relative_error: float | np.ndarray
    history: np.ndarray
    iterations: int | np.ndarray
    converged: bool | np.ndarray
    reason: Reason | np.ndarray

    def __repr__(self) -> str:
        """Print the largest error, the most steps and how often each reason came up, not the arrays."""
        error, steps = np.max(self.relative_error, initial=0), np.max(self.iterations, initial=0)
        reasons = dict(Counter(np.ravel(self.reason).tolist()))
        shape = f"shape={self.z.shape}, relative_error<={error:.3g}"
        return f"Pursuit({shape}, iterations<={steps}, reason={reasons})"


def iht(
    W: FilterBank,
    x: ArrayLike,
    k: int,
    *,
    step: str | float = "fixed",
    nonnegative: bool = False,
    order: int = 1,
    max_iter: int = 100,
    tol: float = 1e-6,
    method: str = "auto",
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
    if isinstance(step, str) and step not in ("fixed", "normalised"):
        raise ValueError(f'step must be "fixed", "normalised" or a real number > 0, but got {step!r}.')
    model, normalised = BlockModel(as_bank(W).K, W.n, k, order), isinstance(step, str) and step != "fixed"

    def update(path, code, g, mu):
        if normalised:
            return normalised_step(path, model, nonnegative, code, g), False
        g *= mu
        return pool(model, plus(g, code), nonnegative), False

    mu = 1.0 if isinstance(step, str) else as_number(step, "step")
    return _pursue(W, x, model, method, update, max_iter, tol, mu)


def cosamp(
    W: FilterBank, x: ArrayLike, k: int, *, order: int = 1, max_iter: int = 100, tol: float = 1e-6
) -> Pursuit:
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

    def update(path, code, g, _):
        merged = (wider.project(g) != 0) | (dense(W, code) != 0)
        index, real = entries(merged.reshape(len(g), -1))
        values, vectors = np.linalg.eigh(path.lags.padded_gram(index, real).astype(g.dtype))
        usable = values > index.shape[1] * np.finfo(values.dtype).eps * values[:, -1:]
        inverse = np.divide(1, values, out=np.zeros_like(values), where=usable)
        target = np.where(real, path.u[address((W.K, *W.n), index)], 0)
        fit = np.einsum("bij,bj,bj->bi", vectors, inverse, np.einsum("bij,bi->bj", vectors, target))
        dependent = real.any(axis=1) & ~usable.all(axis=1)
        return pool(model, dense(W, (index, np.where(real, fit, 0)))), dependent

    return _pursue(W, x, model, "lag", update, max_iter, tol)


def lasso(
    W: FilterBank,
    x: ArrayLike,
    lam: ArrayLike,
    *,
    support: ArrayLike | None = None,
    max_iter: int = 2000,
    tol: float = 1e-4,
) -> Pursuit:
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
        A signal stops when its duality gap, computed in 64 bit from the code that is returned, is at most
        `tol` >= 0 times ||x||^2 / 2, the objective at z = 0.

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
            f"lam must be a number > 0, or one for each signal of the batch {batch}, but got {lam!r}."
        )
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", closed_low=True)
    mask = None
    if support is not None:
        codes = as_array(support, "support")
        codes = codes.astype(float) if codes.dtype.kind == "b" else codes
        mask, _ = W.as_codes(codes, "support")
        if len(mask) not in (1, len(signals)):
            raise ValueError(f"support must have the batch of x, {batch}, but got shape {codes.shape}.")
        mask = np.broadcast_to(mask != 0, (len(signals), W.K, *W.n))
    e = exponent(signals, signals.ndim - 1).reshape(-1)
    weight = np.broadcast_to(weight, batch).reshape(-1).astype(float)

    def start(V, unit, _):
        # Where that overflows, the largest number is large enough for the code to be zero.
        lam = np.minimum(np.ldexp(weight, -e - unit), np.finfo(float).max)

        def solve(part, signals, steps, reason):
            on = None if mask is None else mask[part]
            z, history, steps[:], settled = fista(V, signals, lam[part], on, max_iter, tol)
            reason[settled] = Reason.SETTLED
            return z, history

        return solve

    return _run(W, x, start)


@np.errstate(over="ignore", invalid="ignore")  # what overflows is reported as diverged
def _pursue(
    W: FilterBank, x, model: BlockModel, method: str, update: Callable, max_iter, tol, mu: float = 1.0
) -> Pursuit:
    """Iterate `update` with the step `mu` on `x`, through the signal domain or the lag table."""
    max_iter, tol = as_size(max_iter, "max_iter"), as_number(tol, "tol", closed_low=True)
    if method not in ("auto", "signal", "lag"):
        raise ValueError(f'method must be "auto", "signal" or "lag", but got {method!r}.')
    if method == "auto":
        method = "lag" if lag_is_cheaper(W, model) else "signal"

    def start(V, unit, dtype):
        step = float(np.ldexp(mu, 2 * unit))  # z = 2**-unit y makes of a step mu for W this one for V
        tables = None
        if method == "lag":
            lags = LagTable(V)
            tables = lags, lags.windows(dtype)

        def solve(part, signals, steps, reason):
            path = LagPath(V, signals, *tables) if tables else SignalPath(V, signals)
            size = norms(signals)
            code, history = _iterate(path, model, size, update, step, max_iter, tol, steps, reason)
            return dense(V, code), history

        return solve

    return _run(W, x, start)


@np.errstate(over="ignore", under="ignore")
def _run(W: FilterBank, x, start: Callable) -> Pursuit:
    """Solve for all signals of `x`, as many at a time as the cache holds; collect what came of it.

    Signals and filters are multiplied by powers of two, W = 2**unit V, so that their largest entries are in
    [1/2, 1) and no scale of the data changes what is found. `start` takes V and returns what solves.
    """
    signals, batch = W.as_signals(x)
    signals = signals.astype(np.result_type(signals, W.dtype), copy=False)
    e, unit = exponent(signals, signals.ndim - 1), int(exponent(W.filters).item())
    signals, V = np.ldexp(signals, -e), FilterBank(np.ldexp(W.filters, -unit), (W.M, *W.D), W.stride)
    solve = start(V, unit, signals.dtype)
    z = np.zeros((len(signals), W.K, *W.n), signals.dtype)
    steps, reason = np.zeros(len(z), int), np.array(len(z) * [Reason.MAX_ITER], object)
    histories, size = [], max(1, CHUNK_BYTES // (W.shape[0] * z.itemsize))
    for b in range(0, len(z), size):
        part = slice(b, b + size)
        z[part], history = solve(part, signals[part], steps[part], reason[part])
        histories.append(history)
    longest = max(map(len, histories), default=1)
    padded = [np.pad(h, [(0, longest - len(h)), (0, 0)], mode="edge") for h in histories]
    history = np.concatenate([np.empty((longest, 0), z.dtype), *padded], axis=1)
    back = V.synthesis(z, check_finite=False)
    return Pursuit(
        np.ldexp(z, e - unit).reshape(*batch, W.K, *W.n),
        np.ldexp(back, e).reshape(*batch, W.M, *W.D),
        item(ratio(norms(back - signals), norms(signals)).reshape(batch)),
        np.ldexp(history, e.reshape(1, -1)).reshape(longest, *batch),
        item(steps.reshape(batch)),
        item(((reason == Reason.SETTLED) | (reason == Reason.DEPENDENT)).reshape(batch)),
        item(reason.reshape(batch)),
    )


def _iterate(path, model, size, update: Callable, step, max_iter: int, tol: float, steps, reason):
    """Iterate on one chunk: fill `steps` and `reason` in place, return the codes and the residual norms."""
    found = np.zeros((len(size), model.sparsity), int), np.zeros((len(size), model.sparsity), size.dtype)
    moving, g, history = np.arange(len(size)), path.u.copy(), [size]
    for j in range(1, max_iter + 1):
        old = found[0][moving], found[1][moving]
        new, dependent = update(path, old, g, step)
        g, residual = path.gradient(new)
        found[0][moving], found[1][moving] = new
        steps[moving] = j
        history.append(history[-1].copy())
        history[-1][moving] = residual
        settled = norms(minus(new, old)[1]) <= tol * norms(new[1])
        diverged = ~(residual <= BLOWN_UP * size[moving])
        reason[moving[settled]] = Reason.SETTLED
        reason[moving[settled & dependent]] = Reason.DEPENDENT
        reason[moving[diverged]] = Reason.DIVERGED
        on = ~(settled | diverged)
        if not on.any():
            break
        if not on.all():
            moving, g = moving[on], g[on]
            path.keep(on)
    return found, np.stack(history)


def iht_rate(delta_3k: ArrayLike | None = None, *, delta_2k: ArrayLike | None = None) -> float | np.ndarray:
    """Return a bound on the factor by which one step of model IHT shrinks ||z_j - z||; it converges if < 1.

    For x = W^T z, z in M_k, and z_{j+1} = M(z_j + W (x - W^T z_j), k): phi delta(M_k^3), or
    5/3 phi delta(M_k^2), or the smaller of the two if both constants are given.

    Parameters
    ----------
    delta_3k : None, float or array_like
        RIP constant of M_k^3, >= 0.
    delta_2k : None, float or array_like
        RIP constant of M_k^2, >= 0.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> round(iht_rate(0.5), 4), round(iht_rate(delta_2k=0.3), 4)
    (0.809, 0.809)
    """
    rates = []
    for name, value, factor in (("delta_3k", delta_3k, 1.0), ("delta_2k", delta_2k, 5 / 3)):
        if value is not None:
            rates.append(factor * GOLDEN * at_least_0(value, name))
    if not rates:
        raise ValueError("iht_rate needs delta_3k or delta_2k, but got None for both.")
    try:
        return item(np.asarray(np.minimum(rates[0], rates[-1])))
    except ValueError as error:
        shapes = " and ".join(str(rate.shape) for rate in rates)
        raise ValueError(f"delta_3k and delta_2k must have shapes that fit, but got {shapes}.") from error
