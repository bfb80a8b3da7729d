"""The union bound behind the guarantees: how many supports there are, and how likely one of them fails."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, comb, factorial, inf, log, log1p, prod, sqrt

import numpy as np

from ._checks import as_number
from .codes import BlockModel

NET = 1024 / 449  # twice the factor 512/449 of a 1/4-net with 9^r points


@dataclass(frozen=True)
class UnionBound:
    """The union bound of one setting: how many supports of how many non-zeros, and how far codes pile up."""

    area: int  # |ell|
    overlaps: int  # s'
    size: int  # r
    supports: int
    tau: float
    eps: float
    method: str

    @classmethod
    def of(cls, ell, stride, model: BlockModel, eps=0.01, method="closed") -> UnionBound:
        eps = as_number(eps, "eps", high=1.0)
        if method not in ("closed", "optimised"):
            raise ValueError(f"method must be 'closed' or 'optimised', but got {method!r}.")
        K, *n = model.shape
        k, s = model.k, model.order
        q = [ceil(length / t) - 1 for length, t in zip(ell, stride)]
        box = prod(min(count, (s * k - 1) * reach + 1) for count, reach in zip(n, q))
        tau = log(2 / eps) + s * k * log(9) + s * log(comb(K, k)) + s * k * log(box)
        s = min(s, box)
        size = min(model.order * k, K * s)
        supports = _labels(K, size, s) * _placings(size, q, box) // factorial(size)
        supports = min(supports, comb(K, k) ** model.order * box ** (model.order * k))
        return cls(prod(ell), min(s, prod(reach + 1 for reach in q)), size, supports, tau, eps, method)

    def delta(self, m: int) -> float:
        u = self.overlaps * self.tau / m
        closed = NET * (sqrt(u) + u)
        excess = log(self.eps)
        if self.method == "closed" or self.log_failure(closed, m) > excess:
            return closed
        from scipy.optimize import brentq

        low = closed / 2
        while self.log_failure(low, m) <= excess:
            low /= 2
        return brentq(lambda d: self.log_failure(d, m) - excess, low, closed, xtol=1e-12, rtol=1e-10)

    def needed(self, delta: float) -> int:
        low, high = 0, ceil(self.overlaps * self.tau / _root(delta / NET) ** 2)
        while self.method == "optimised" and high - low > 1:
            middle = (low + high) // 2
            if self.log_failure(delta, middle) <= log(self.eps):
                high = middle
            else:
                low = middle
        return high

    def log_failure(self, delta: float, m: int) -> float:
        """Return log of a bound on P(delta(M_k^s) >= delta), the best over the free parameters.

        On a support where G - I has the eigenvalue delta and no other outside [-min(1, delta), delta], the
        average of exp(theta z^T (G - I) z) over the unit sphere is at least exp(-theta b) 1F1(1/2; r/2; theta
        (delta + b)), b = min(1, delta); its expectation is at most exp(-theta) (1 - 2 theta / a)^(-a/2) with
        a = M ell / s'. The same with signs exchanged for the lower side, which cannot exceed 1.
        """
        from scipy.optimize import minimize_scalar

        a, b = m / self.overlaps, min(1.0, delta)

        def side(theta, sign):
            growth = -sign * theta - a / 2 * log1p(-sign * 2 * theta / a)
            return growth + theta * b - _log_kummer(self.size, theta * (delta + b))

        most = a * delta / (2 * (1 + delta))  # beyond it, side only grows
        upper = minimize_scalar(side, args=(1,), bounds=(0, most), method="bounded").fun
        lower = -inf
        if delta <= 1:
            most = a * min(delta / (2 * (1 - delta)) if delta < 1 else inf, 50.0)
            lower = minimize_scalar(side, args=(-1,), bounds=(0, most), method="bounded").fun
        return log(self.supports) + float(np.logaddexp(upper, lower))


def _log_kummer(r: int, x: float) -> float:
    """Return log 1F1(1/2; r/2; x) for x > 0: the mean of exp(x z_1^2) over the unit sphere of R^r."""
    if r == 1:
        return x
    from scipy.special import gammaln, logsumexp

    wide = 12 * sqrt(x) + 40  # the largest term has x - r < j < x, and terms this far from there vanish
    j = np.arange(max(0, int(x - r - wide)), int(x + wide))
    terms = gammaln(j + 0.5) - gammaln(j + r / 2) - gammaln(j + 1) + j * log(x)
    return float(logsumexp(terms) + gammaln(r / 2) - gammaln(0.5))


def _labels(K: int, r: int, s: int) -> int:
    """Return the number of maps from r points to K blocks that hit no block more than s times."""
    counts = [1]
    for m in range(1, r + 1):
        total = sum((j * K - m + j) * comb(m, j) * counts[m - j] for j in range(1, min(s, m) + 1))
        counts.append(total // m)
    return counts[r]


def _placings(r: int, q: list[int], box: int) -> int:
    """Bound the number of ways to place r labelled points in one overlapping chain, up to translation."""
    onto = [1]  # onto[j]: maps of the points onto j levels
    for _ in range(r):
        onto = [j * (a + b) for j, (a, b) in enumerate(zip([*onto, 0], [0, *onto]))]
    by_axis = prod(sum(onto[j] * reach ** (j - 1) for j in range(1, r + 1)) for reach in q)
    trees = r ** max(r - 2, 0) * prod(2 * reach + 1 for reach in q) ** (r - 1)
    return min(box**r, by_axis, trees)


def _root(c: float) -> float:
    """Return the positive root v of v + v^2 = c."""
    return 2 * c / (1 + sqrt(1 + 4 * c))
