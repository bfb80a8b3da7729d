"""Bracketing a RIP constant: what `rip_search`, `rip_bracket` and `rip_exact` share, and their result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from ._adversary import best_column, search
from ._branch_and_bound import most_energy, settle
from ._checks import as_generator, as_size
from ._lags import LagTable, as_pair
from ._parallel import Work, as_executor
from ._rounding import EIGEN, MOST, UNIT, checked, rules, slack
from .coherence import certificates

__all__ = ["Bracketing", "RIPBracket", "Side", "Witness"]

LARGEST = 1e150  # sum of squared norms over a support
FEW = 1000  # so many largest supports are simply enumerated
# What is asked for, as groups of sides (+1: stretch, -1: crush) whose largest deviation is wanted.
SIDES: dict[str, tuple[tuple[int, ...], ...]] = {
    "larger": ((1, -1),),
    "both": ((1,), (-1,)),
    "stretch": ((1,),),
    "crush": ((-1,),),
}


@dataclass(frozen=True, eq=False)
class Witness:
    """A code that shows a deviation: no smaller RIP constant is possible.

    Attributes
    ----------
    support : ndarray of int, shape (m,)
        Where it lives, as sorted flat indices into (K n,); m may be smaller than s k.
    code : ndarray of shape (K, *n), or (N,) for a matrix of N columns
        The code, of unit norm: the extreme eigenvector of the Gram matrix of its support.
    energy : float
        |W^T code|^2, so that delta >= |energy - 1|.
    side : {"upper", "lower"}
        Whether the energy is the largest found, 1 + delta, or the smallest, 1 - delta.
    """

    support: np.ndarray
    code: np.ndarray
    energy: float
    side: str

    def __repr__(self) -> str:
        return f"Witness({len(self.support)} columns, energy={self.energy:.6g}, side={self.side!r})"


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a RIP constant lies in [lower, upper]: the largest energy - 1, or 1 - the smallest.

    Attributes
    ----------
    lower, upper : float
        Bounds that hold whatever was rounded on the way.
    witness : Witness
        The support and the code on it that attain `lower`.
    exact : bool
        Whether the two meet, to the `rounding` of the result.
    """

    lower: float
    upper: float
    witness: Witness
    exact: bool


@dataclass(frozen=True, eq=False)
class RIPBracket:
    """The model-RIP constant delta(M_k^s) lies in [lower, upper].

    Attributes
    ----------
    stretch, crush : Side
        Brackets of the largest energy |W^T z|^2 minus 1 and of 1 minus the smallest, over codes of unit norm.
    rounding : float
        What rounding may have changed, proved: `lower` and `upper` allow for it, and cannot come closer.
    evaluated : int
        Supports that were looked at: eigenvalues computed or compared with a threshold.
    lower, upper : float
        Bounds of delta, the larger of the two sides.
    witness : Witness
        The support and the code on it that attain `lower`.
    exact : bool
        Whether the two meet, to the rounding.
    scale : float
        The factor c for which c W has the least constant, sqrt(2 / (2 + stretch - crush)), by the witnesses.
    rescaled : (float, float)
        Bounds of that least constant, (stretch + crush) / (2 + stretch - crush).
    """

    stretch: Side
    crush: Side
    rounding: float
    evaluated: int

    @property
    def lower(self) -> float:
        return max(self.stretch.lower, self.crush.lower, 0.0)

    @property
    def upper(self) -> float:
        return max(self.stretch.upper, self.crush.upper)

    @property
    def witness(self) -> Witness:
        return max((self.stretch, self.crush), key=lambda side: side.lower).witness

    @property
    def exact(self) -> bool:
        return self.upper - self.lower <= self.rounding

    @property
    def scale(self) -> float:
        ends = self.stretch.witness.energy + self.crush.witness.energy
        return float(np.sqrt(2 / ends)) if ends > 0 else 1.0

    @property
    def rescaled(self) -> tuple[float, float]:
        few = 8 * UNIT
        inner = _least(1 - self.crush.lower, 1 + self.stretch.lower) - few
        return max(inner, 0.0), min(_least(1 - self.crush.upper, 1 + self.stretch.upper) + few, 1.0)

    def __repr__(self) -> str:
        def ends(side) -> str:
            return f"{side.lower:.6g}" if side.exact else f"[{side.lower:.6g}, {side.upper:.6g}]"

        return (
            f"RIPBracket({ends(self)}, stretch={ends(self.stretch)}, crush={ends(self.crush)}, "
            f"rounding={self.rounding:.1e}, evaluated={self.evaluated})"
        )


def _least(smallest: float, largest: float) -> float:
    """Return the constant of the best multiple of a matrix with these extreme energies."""
    smallest = max(smallest, 0.0)
    return (largest - smallest) / (largest + smallest) if largest + smallest > 0 else 1.0


class Bracketing:
    """A bracket under way: the table, what was found on each side, what was ruled out there, and the work."""

    def __init__(self, W, model, side, budget, rng, progress: bool, executor):
        bank, self.model = as_pair(W, model)
        if side is None:
            side = "larger" if bank is W else "both"
        if not isinstance(side, str) or side not in SIDES:
            raise ValueError(f"side must be one of {', '.join(map(repr, SIDES))}, but got {side!r}.")
        self.groups, self.rng = SIDES[side], as_generator(rng)
        self.work = Work(as_size(budget, "budget"), progress, as_executor(executor))
        self.table, self.n = LagTable(bank, self.model), bank.n
        self.shape = self.model.shape if bank is W else (bank.K,)
        self.most = most_energy(self.table)
        if not self.most < LARGEST:
            raise ValueError(
                f"W must have squared norms below {LARGEST:g}, whose squares a float can hold, but got "
                f"{self.table.energy.max():g}: multiply W by a small number."
            )
        self.error = slack(self.table.terms, self.most, rules(self.table.size))
        by_rows = min(certificates(self.table, self.table.size).values()) * (1 + 1e-12) + self.error
        self.upper = {1: by_rows, -1: min(by_rows, 1.0)}  # no energy is negative
        self.found = {side: best_column(self.table, side) for side in (1, -1)}

    def __enter__(self) -> Bracketing:
        return self

    def __exit__(self, *_) -> None:
        self.work.close()

    def measure(self, restarts: int, rule_out: Callable[[tuple[int, ...]], object] | None = None) -> None:
        """Enumerate few supports; of many search some, and rule out the others with what is left to do so."""
        if self.few():
            self.enumerate()
            return
        with self.work.share(1 / 2 if rule_out else 1):
            self.search(restarts)
        if rule_out:
            for group in self.groups:
                rule_out(group)

    def few(self) -> bool:
        """Say whether every largest support can be looked at."""
        return self.model.count() <= min(FEW, self.work.budget)

    def enumerate(self) -> None:
        """Compute the eigenvalues of every largest support."""
        r = self.table.size
        self.error = slack(self.table.terms, self.most, 3 * EIGEN * r + 4 * r**2)
        self.upper = {1: -np.inf, -1: -np.inf}
        for support in self.model.supports(limit=FEW):
            I, p = np.divmod(support, prod(self.n))
            P = np.stack(np.unravel_index(p, self.n), axis=-1)
            A = self.table.deviation(I[None], P[None], 1)
            e, U = np.linalg.eigh(A)
            checked(A, e, U)
            for side, value in ((1, e[:, -1]), (-1, -e[:, 0])):
                self.found[side].offer(value, side, I[None], P[None])
                self.upper[side] = max(self.upper[side], float(value[0]) + self.error)
            self.work.spend(1)

    def search(self, restarts: int) -> None:
        """Let the adversary look at the sides that are asked for."""
        sides = tuple(side for group in self.groups for side in group)
        found = search(self.table, self.table.size, restarts, self.rng, self.work, sides=sides)
        for side, best in found.items():
            self.found[side].offer([best.value], side, best.I[None], best.P[None])

    def settle(self, group: tuple[int, ...], floor: float = -np.inf, part: float = 1.0) -> bool:
        """Settle what deviates most on a group of sides, if above the floor; say if the work sufficed."""
        if self.table.size > MOST:
            return False
        with self.work.share(part):
            upper = settle(self.table, {side: self.found[side] for side in group}, floor, self.work)
            self.upper.update((side, min(self.upper[side], upper)) for side in group)
            return True
        return False  # the share was spent

    def narrow(self, group: tuple[int, ...]) -> None:
        """Rule out thresholds, the lowest first and then in the middle of what is left, as far as it goes."""
        failed = -np.inf
        with self.work.share(1 / 2 if group != self.groups[-1] else 1):
            for _ in range(8):
                lower = max(failed, *(self.found[side].value for side in group))
                upper = max(self.upper[side] for side in group)
                if upper - lower <= 3 * self.error or self.work.done >= self.work.stop:
                    break
                floor = lower if failed == -np.inf else (lower + upper) / 2
                if floor > lower and lower < 1 < upper and -1 in group:
                    floor = 1.0  # the lower side needs no work from there on
                if not self.settle(group, floor, 1 / 2):
                    failed = floor

    def done(self, result: RIPBracket) -> bool:
        """Say whether what was asked for is settled."""
        sides = {1: result.stretch, -1: result.crush}
        return all(sides[group[0]].exact if len(group) == 1 else result.exact for group in self.groups)

    def result(self) -> RIPBracket:
        """Return the bracket."""
        return RIPBracket(self.side(1), self.side(-1), 4 * self.error, self.work.done)

    def side(self, side: int) -> Side:
        """Return the bracket of one side with its witness."""
        best, upper = self.found[side], self.upper[side]
        G = self.table.gram(best.I[None], best.P[None])[0]
        z = np.linalg.eigh(G)[1][:, -1 if side > 0 else 0]
        energy = float(z @ G @ z / (z @ z))
        flat = best.I * prod(self.n) + np.ravel_multi_index(best.P.T, self.n)
        code = np.zeros(prod(self.model.shape))
        code[flat] = z
        witness = Witness(np.sort(flat), code.reshape(self.shape), energy, "upper" if side > 0 else "lower")
        lower = side * (energy - 1) - slack(self.table.terms, self.most, 4 * len(z) + 8)
        return Side(lower, upper, witness, upper - lower <= 4 * self.error)
