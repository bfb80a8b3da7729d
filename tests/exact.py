"""What a RIP constant is, in integers alone: no rounding, no eigenvalue routine, nothing of the module.

Floats are dyadic rationals. So the Gram matrix G_T of a support and t - side (G_T - I), for a threshold t,
are integer matrices over a power of two. Elimination without fractions tells whether such a matrix is
positive semi-definite. If it is for t - side (G_T - I), then no eigenvalue of side (G_T - I) is above t.
"""

from fractions import Fraction
from itertools import product

import numpy as np


def exponent(a):
    """Return e such that all entries of `a` are integers over 2**e."""
    return max((Fraction(v).denominator.bit_length() - 1 for v in np.ravel(a).tolist()), default=0)


def integers(a, e):
    """Return `a` 2**e as Python integers in an object array."""
    flat = [int(Fraction(v) * 2**e) for v in np.ravel(a).tolist()]
    return np.array(flat, dtype=object).reshape(np.shape(a))


def definite(A, *, semi):
    """Tell whether a symmetric integer matrix is positive definite, or semi-definite.

    Bareiss: after eliminating the columns before j, entry (i, k) is the minor of rows (.., i) and columns
    (.., k), an integer. In a semi-definite matrix a zero on the diagonal has zeros beside it: its row is left
    out.
    """
    A, last = [list(row) for row in A], 1
    alive = list(range(len(A)))
    while alive:
        j, *alive = alive
        if A[j][j] < 0 or (A[j][j] == 0 and not semi):
            return False
        if A[j][j] == 0:
            if any(A[i][j] for i in alive):
                return False
            continue
        for i, k in product(alive, alive):
            if k <= i:
                A[i][k] = (A[i][k] * A[j][j] - A[i][j] * A[k][j]) // last
                A[k][i] = A[i][k]
        last = A[j][j]
    return True


class Exact:
    """The matrix W W^T of a bank, or A^T A of a matrix, in integers over 2**e."""

    def __init__(self, rows):
        e = exponent(rows)
        rows = integers(rows, e)
        self.G, self.e = rows.dot(rows.T), 2 * e

    def above(self, T, side, t):
        """Say whether side (G_T - I) has an eigenvalue above the float t."""
        return not definite(self._shifted(T, side, t), semi=True)

    def reaches(self, T, side, t):
        """Say whether side (G_T - I) has an eigenvalue of at least the float t."""
        return not definite(self._shifted(T, side, t), semi=False)

    def _shifted(self, T, side, t):
        t = Fraction(t) + side
        e = max(self.e, t.denominator.bit_length() - 1)
        A = -side * self.G[np.ix_(T, T)] * 2 ** (e - self.e)
        A[range(len(T)), range(len(T))] += int(t * 2**e)
        return A.tolist()


def violations(exact, supports, found):
    """List how a bracket is wrong: ends that no witness or no support allows."""
    wrong = []
    for name, side in (("stretch", 1), ("crush", -1)):
        ends = getattr(found, name)
        if not exact.reaches(ends.witness.support, side, ends.lower):
            wrong.append(f"{name}: the witness does not reach lower = {ends.lower!r}")
        for T in supports:
            if exact.above(T, side, ends.upper):
                wrong.append(f"{name}: support {T.tolist()} is above upper = {ends.upper!r}")
    return wrong
