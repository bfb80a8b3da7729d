"""How far rounding can move a restricted isometry constant: the numbers behind "certified".

All of it is arithmetic of IEEE doubles, u = 2^-53, and gamma_n = n u / (1 - n u). The exact matrix is that of
the weights as they are stored. The proof stands in the chapter "How hard is it?"; in short:

- a correlation is a sum of n products in some order, with or without fused steps: it is off by at most
  gamma_n |w_i| |w_j|. So a Gram matrix G_T is off by at most gamma_n (the sum of |w_i|^2 over T) in norm;
- branch and bound eliminates in t - X, see `whiten`: the factors are those of a matrix nearby, whatever X is.
  Where t - X is nearly singular it takes an eigenvalue routine, which is not trusted: see `checked`;
- a rule of branch and bound that is evaluated in floating point is the exact rule of a matrix nearby.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MOST", "UNIT", "checked", "gamma", "rules", "slack", "whiten", "whiten_hard"]

UNIT = 2.0**-53
MOST = 100  # columns of a support for which the proof holds
SAFE = 64  # t R'R may have the trace SAFE m for m columns
EIGEN = 32  # an eigenvalue routine may err by EIGEN m UNIT for m columns; LAPACK was seen to reach 8


def gamma(n: int) -> float:
    """Return the bound n u / (1 - n u) of the relative error of n roundings."""
    return n * UNIT / (1 - n * UNIT)


def slack(terms: int, most: float, rules: float) -> float:
    """Return how far rounding can move what is computed from side (G_T - I), for every support T.

    Parameters
    ----------
    terms : int
        Products in a correlation.
    most : float
        The largest sum of squared norms over a support.
    rules : float
        What is added after the correlations, in units of UNIT (2 + most).
    """
    most *= 1 + 1e-9  # it was computed too
    return gamma(terms + 1) * most + terms * 1e-322 + rules * UNIT * (2 + most)


def rules(r: int) -> float:
    """Return what branch and bound over supports of r columns adds to the error, in units of UNIT (2 + most).

    For m columns a rule is that of a matrix within u (34 m^2 + 70 m) by `whiten`, and within
    u (97 m^2 + 3 m^3 + 2 m) and u m^0.5 (32 m + m^2 + 1 + (m + 3) m^0.5) for the correlations by
    `whiten_hard`. Sums add u (2 r + 22), X itself 11 u.
    """
    return 150 * r**2 + 5 * r**3


def checked(A, e, U) -> None:
    """Refuse eigenvalues `e`, (..., m), and eigenvectors `U` of `A` that are not as good as the proof needs.

    Raises
    ------
    ArithmeticError
        If an eigenvalue routine erred by more than EIGEN m UNIT, relative to the largest eigenvalue.
    """
    m = e.shape[-1]
    turned = U.swapaxes(-1, -2)
    R, F = np.matmul(A, U), np.matmul(turned, U)
    R -= U * e[..., None, :]
    F[..., range(m), range(m)] -= 1
    error = np.sqrt(np.einsum("...ij,...ij->...", R, R)) / np.maximum(np.abs(e).max(axis=-1), 1e-300)
    defect = np.sqrt(np.einsum("...ij,...ij->...", F, F))
    if not max(error.max(initial=0), defect.max(initial=0)) <= EIGEN * m * UNIT:
        raise ArithmeticError(
            f"the eigenvalue routine of this machine must err by at most {EIGEN} m u for m = {m} columns, "
            f"but got {max(error.max(), defect.max()) / (m * UNIT):.3g} m u."
        )


def whiten(X, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Return R with |R b|^2 = b' (t - X)^{-1} b for each of a batch of matrices X (B, m, m) of zero diagonal.

    Where t - X is not safely positive definite, that is if R would be larger than the proof allows, R is
    useless: these are listed. Plain elimination, m columns at a time for the whole batch: t - X = L D L',
    R = D^{-1/2} L^{-1}.

    Returns
    -------
    R : ndarray of shape (B, m, m)
    hard : ndarray of int
        Which of the batch are left to `whiten_hard`.
    """
    B, m, _ = X.shape
    L = np.ascontiguousarray(-X.transpose(1, 2, 0))
    d, R = np.empty((m, B)), np.zeros((m, m, B))
    with np.errstate(all="ignore"):
        for j in range(m):
            scaled = L[j, :j] * d[:j]
            d[j] = t - (L[j, :j] * scaled).sum(axis=0)
            L[j + 1 :, j] -= (L[j + 1 :, :j] * scaled).sum(axis=1)
            L[j + 1 :, j] /= d[j]
        for j in reversed(range(m)):
            R[j, j] = 1
            R[j + 1 :, j] = -(R[j + 1 :, j + 1 :] * L[j + 1 :, j]).sum(axis=1)
        R /= np.sqrt(d)[:, None]
        easy = (d > 0).all(axis=0) & (t * (R * R).sum(axis=(0, 1)) <= SAFE * m)
    return np.ascontiguousarray(R.transpose(2, 0, 1)), np.flatnonzero(~easy)


def whiten_hard(X, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues of X and R as `whiten` does, by a checked eigenvalue routine.

    Where an eigenvalue is t or more, R belongs to a larger t: |R b|^2 is then too small to rule anything out
    for the given one, and the caller, who is told the eigenvalue, has found a support above t.
    """
    e, U = np.linalg.eigh(X)
    checked(X, e, U)
    above = np.maximum(t, e[:, -1:] * (1 + 16 * UNIT))
    return e[:, -1], U.swapaxes(1, 2) / np.sqrt(above - e)[..., None]
