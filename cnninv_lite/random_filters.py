"""What random Gaussian filters guarantee: the model-RIP theorems as functions, every constant explicit.

Throughout, the entries of the K filters are independent N(0, 1/(M ell)), m stands for M ell (in two
dimensions ell is the filter's area), and delta(M_k^s) is the smallest delta with
(1 - delta) ||z||^2 <= ||W^T z||^2 <= (1 + delta) ||z||^2 for all codes z of the model M_k^s.

Every function takes the pair (W, model). It uses the sizes of a FilterBank alone, so a shape (K, M, *ell)
will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, prod, sqrt

import numpy as np

from ._checks import as_number
from ._union_bound import UnionBound
from .codes import BlockModel
from .energy_law import sizes_of
from .layer import FilterBank

__all__ = [
    "PaperCondition",
    "RIPNecessary",
    "connected_supports",
    "paper_condition",
    "rip_guarantee",
    "rip_necessary",
    "size_needed",
]


def rip_guarantee(W, model: BlockModel, *, eps=0.01, method="closed", stride=None) -> float:
    """Return delta such that delta(M_k^s) <= delta with probability at least 1 - eps over the filters.

    Method "closed" is Theorem 3.1 of the paper (order 1) and its Corollary 3.2 (order 2), with constants:

        delta = 1024/449 (sqrt(u) + u),   u = s' tau / (M ell),   s' = min(s, prod ceil(ell / stride)),
        tau = log(2/eps) + s k log 9 + s log C(K, k) + s k log n_*,   n_* = prod min(n, (s k - 1) q + 1),

    with q = ceil(ell / stride) - 1. Method "optimised" averages over the sphere of each support instead of
    taking a net, counts connected supports only, and minimises numerically; it is never larger.

    Parameters
    ----------
    W : FilterBank or tuple of int
        The layer, of which only the sizes are used, or its shape (K, M, *ell).
    model : BlockModel
        The model M_k^s; its blocks have the positions n of the layer.
    eps : float
        Probability of failure, in (0, 1).
    method : {"closed", "optimised"}
    stride : None, int or tuple of int
        With a shape, the step t (None means 1). A FilterBank has its own.

    Returns
    -------
    float
        A bound of 1 or more says nothing about the lower side of the RIP.

    References
    ----------
    Gilbert et al. (2017), Theorem 3.1 and Corollary 3.2, without their factor D / ell.

    Examples
    --------
    >>> shape, model = (64, 256, 9), BlockModel(64, 1000, k=4)
    >>> [round(rip_guarantee(shape, model, eps=0.05, method=m), 3) for m in ("closed", "optimised")]
    [0.334, 0.262]
    """
    _, M, ell, stride = _pair(W, model, stride)
    return UnionBound.of(ell, stride, model, eps, method).delta(M * prod(ell))


def size_needed(delta, W, model: BlockModel, *, eps=0.01, method="closed", stride=None) -> int:
    """Return the smallest M ell for which `rip_guarantee` promises `delta`: channels times taps.

    In closed form, 9.2 s' tau / delta^2 is always enough for delta <= 1.

    Parameters
    ----------
    delta : float
        The constant wanted, > 0.
    W, model, eps, method, stride
        As in `rip_guarantee`; ell fixes how far filters overlap, and the M of `W` is not used.

    Examples
    --------
    >>> shape, model = (64, 1, 9), BlockModel(64, 1000, k=4)
    >>> size_needed(0.5, shape, model), size_needed(0.5, shape, model, method="optimised")
    (1179, 748)
    """
    delta = as_number(delta, "delta")
    _, _, ell, stride = _pair(W, model, stride)
    return UnionBound.of(ell, stride, model, eps, method).needed(delta)


def connected_supports(W, model: BlockModel, *, stride=None) -> int:
    """Return a bound on the number of supports, up to translation, that decide delta(M_k^s).

    Only supports whose filters overlap in one connected chain need to be looked at. With r = s k non-zeros
    there are at most Lambda P of them, where Lambda = [y^r] (1 + y + ... + y^s/s!)^K counts the choices of
    blocks, and P those of positions: the least of n_*^r, of the product over the axes of
    sum_j j! S(r, j) q^(j-1) (S: Stirling numbers of the second kind), and of r^(r-2) prod (2 q + 1)^(r-1).
    In one dimension, for order 1 and n >= (k - 1) q + 1, that is C(K, k) sum_j j! S(k, j) q^(j-1) and exact.

    Parameters
    ----------
    W, model, stride
        As in `rip_guarantee`; M is not used.

    Examples
    --------
    >>> connected_supports((4, 1, 3), BlockModel(4, 50, k=2))  # 6 pairs of filters, at lags -2, ..., 2
    30
    """
    _, _, ell, stride = _pair(W, model, stride)
    return UnionBound.of(ell, stride, model).supports


@dataclass(frozen=True)
class PaperCondition:
    """Both sides of the paper's sufficient condition, and whether left >= right."""

    left: float
    right: float
    holds: bool


def paper_condition(W, model: BlockModel, delta, *, eps=0.01, C=1.0, stride=None) -> PaperCondition:
    """Return both sides of the condition M ell^2 / D >= C / delta^2 (k (log K + log n) - log eps).

    Parameters
    ----------
    W, model, eps, stride
        As in `rip_guarantee`; D = (n - 1) stride + ell is the shortest input with n positions, and the order
        of the model is not used.
    delta : float
        The RIP constant wanted, > 0.
    C : float
        The constant that the paper leaves open, > 0.

    References
    ----------
    Gilbert et al. (2017), Theorem 3.1.

    Examples
    --------
    >>> paper_condition((96, 32, 5), BlockModel(96, 32, k=10), delta=0.5)
    PaperCondition(left=22.22222222222222, right=339.6240445146549, holds=False)
    """
    K, M, ell, stride = _pair(W, model, stride)
    delta, C, eps = as_number(delta, "delta"), as_number(C, "C"), as_number(eps, "eps", high=1.0)
    n = model.shape[1:]
    D = prod((count - 1) * t + length for length, count, t in zip(ell, n, stride))
    left = M * prod(ell) ** 2 / D
    right = C / delta**2 * (model.k * (log(K) + log(prod(n))) - log(eps))
    return PaperCondition(left, right, left >= right)


@dataclass(frozen=True)
class RIPNecessary:
    """What no Gaussian filters can beat.

    Attributes
    ----------
    rms : float
        sqrt(E delta(M_k)^2) is at least this: a theorem for every K, k, M and ell.
    edge : float
        2 sqrt(k / (M ell)) + k / (M ell), the Marchenko-Pastur edge: what the first k filters at one position
        reach for large k and M ell.
    logarithm : float
        sqrt(2 (k - 1) log((K - 1) / (k - 1)) / (M ell)): what one row of the Gram matrix reaches for k << K.
    """

    rms: float
    edge: float
    logarithm: float


def rip_necessary(W, model: BlockModel) -> RIPNecessary:
    """Return lower bounds on delta(M_k), from filters at one position alone.

    rms is sqrt((2 + A) / (M ell)), with A the expected sum of the k - 1 largest of K - 1 squared standard
    normals: the row of one filter in the Gram matrix with the k - 1 filters that correlate most with it.

    Parameters
    ----------
    W, model
        As in `rip_guarantee`; the positions and the order of the model are not used.

    Examples
    --------
    >>> needed = rip_necessary((96, 32, 5), BlockModel(96, 32, k=10))
    >>> round(needed.rms, 3), round(needed.edge, 3), round(needed.logarithm, 3)
    (0.51, 0.562, 0.515)
    """
    from scipy.integrate import quad
    from scipy.special import bdtrc, erfc

    K, M, ell, _ = _pair(W, model, None)
    k, m = model.k, M * prod(ell)
    row = np.arange(k - 1)

    def expected_above(x):  # of the k - 1 largest, how many squares exceed x on average
        return bdtrc(row, K - 1, erfc(sqrt(x / 2))).sum()

    largest = quad(expected_above, 0, inf, limit=200)[0] if k > 1 else 0.0
    logarithm = sqrt(2 * (k - 1) * log((K - 1) / (k - 1)) / m) if k > 1 else 0.0
    return RIPNecessary(sqrt((2 + largest) / m), 2 * sqrt(k / m) + k / m, logarithm)


def _pair(W, model, stride) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
    """Return K, M, ell and the stride of `W`, checked against the blocks of `model`."""
    K, M, ell, stride = sizes_of(W, stride)
    if not isinstance(model, BlockModel):
        raise TypeError(f"model must be a BlockModel, but got {type(model).__name__}.")
    positions = W.n if isinstance(W, FilterBank) else model.shape[1:]
    if model.shape != (K, *positions) or len(positions) != len(ell):
        fits = (K, *positions) if isinstance(W, FilterBank) else f"({K}, {', '.join('n' * len(ell))})"
        raise ValueError(f"model must have codes of the shape (K, *n) = {fits} of W, but got {model!r}.")
    return K, M, ell, stride
