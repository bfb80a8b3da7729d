"""For the reader: `check` judges an answer to an exercise, `attack` a constant that somebody claims."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from math import inf, isfinite
from numbers import Real
from reprlib import repr as brief

import numpy as np

from .._checks import as_number, as_real, shape_error
from .._lags import as_pair
from ..rip import rip_search

__all__ = [
    "attack",
    "check",
    "seal",
]

_misses: Counter[str] = Counter()  # wrong answers and asked-for hints, by label: which hint comes next
WHOLE, NUMBER, TRUTH, WORD = "a whole number", "a number", "True or False", "a word"  # kinds of parts


def check(label, answer=None) -> None:
    """Say whether the answer to an exercise is right; if it is not, give the next hint.

    Parameters
    ----------
    label : str
        The exercise, as its text gives it, such as ``"ex-count"``.
    answer : number, bool, str or a sequence of them
        What the exercise asks for, in its order. Without an answer: the next hint.

    Raises
    ------
    TypeError
        If the answer has a part that is no number, bool or str.
    ValueError
        If there is no such exercise, or a number is not finite.

    Notes
    -----
    Answers are stored as salted hashes, one for each part, so that nobody reads one by accident. A part of
    the wrong kind, such as a word for a number, is named and costs no hint.

    Examples
    --------
    >>> check("ex-stride", 7)
    ex-stride: not yet. Hint 1 of 2: Which lags are left when neighbours no longer overlap?
    """
    entry = _stored(label)
    sealed, hints, verdict = entry["sealed"], entry["hints"], ""
    if answer is not None:
        parts, kinds = _parts(answer), entry["kinds"]
        if len(parts) != len(sealed):
            many = f"{len(sealed)} parts, in a tuple" if len(sealed) > 1 else f"one part, {kinds[0]}"
            print(f"{label}: the answer has {many}, but got {len(parts)}.")
            return
        for i, (part, wanted) in enumerate(zip(parts, kinds, strict=True), 1):
            if wanted not in _kinds(part):
                which = f"part {i}" if len(parts) > 1 else "the answer"
                print(f"{label}: {which} must be {wanted}, but got {brief(part)}.")
                return
        right = sum(_matches(label, i, part, entry) for i, part in enumerate(parts))
        if right == len(sealed):
            print(f"{label}: right.")
            return
        verdict = f"not yet, {right} of {len(sealed)} parts are right. " if len(sealed) > 1 else "not yet. "
    turn = min(_misses[label], len(hints) - 1)
    _misses[label] += 1
    print(f"{label}: {verdict}Hint {turn + 1} of {len(hints)}: {hints[turn]}")


def seal(label, answer, tolerance=0.0) -> tuple[list[str], list[str]]:
    """Return the kinds of an answer's parts and the hashes under which `check` recognises them.

    Parameters
    ----------
    label : str
    answer : number, bool, str or a sequence of them
    tolerance : float
        How far a number may be off, within a factor of 1.5. With 0 numbers must be integers.

    Raises
    ------
    TypeError, ValueError
        If a part is no number, bool or str, is not finite, or is no integer although the tolerance is 0.
    """
    parts = _parts(answer)
    if not all(tokens := [_token(part, tolerance) for part in parts]):
        raise ValueError(
            f"answer must consist of integers where the tolerance is 0, but got {brief(answer)}."
        )
    kinds = [_kinds(part)[-1 if tolerance else 0] for part in parts]
    return kinds, [_hash(label, i, token) for i, token in enumerate(tokens)]


def attack(W, model, bound, code=None, *, restarts=64, rng=0) -> bool:
    """Try to refute the claim delta(M_k^s) <= bound for a bank, with a code of yours or by `rip_search`.

    Parameters
    ----------
    W : FilterBank
        The bank; for the claims of the book mind their hypotheses (unit norms, number of positions).
    model : BlockModel
    bound : float
        The constant that is claimed.
    code : array_like of shape (K, *n), optional
        A code of the model, not zero. Without it the search looks for one.
    restarts, rng
        As in `rip_search`.

    Returns
    -------
    bool
        Whether the claim is refuted. What was found is printed. False proves nothing: a code that
        refutes the claim may have been missed.

    Raises
    ------
    TypeError, ValueError
        If W, model and code do not fit, the code is not in the model, or the bound is no finite number >= 0.

    Examples
    --------
    >>> from cnninv_lite import BlockModel, FilterBank
    >>> W = FilterBank([[[1, 0]], [[0.6, 0.8]]], (1, 12))
    >>> attack(W, BlockModel(2, W.n, k=2), 0.7)
    Refuted: a code with the energy 1.8000 deviates from 1 by 0.8000 > 0.7.
    True
    """
    W, model = as_pair(W, model)
    bound = as_number(bound, "bound", low=-inf)
    if code is None:
        energy, found = rip_search(W, model, restarts, rng=rng).witness.energy, "the worst code found has"
    else:
        code = as_real(code, "code")
        if code.shape != (W.K, *W.n):
            raise shape_error(code, "code", (W.K, *W.n))
        if not code.any():
            raise ValueError("code must not be zero: it has no energy to compare, but got zeros only.")
        if not model.contains(code):
            most = np.count_nonzero(code.reshape(W.K, -1), axis=1).max()
            raise ValueError(
                f"code must lie in {model}, but got {np.count_nonzero(code)} non-zeros, "
                f"up to {most} in a block."
            )
        energy, found = float((W.synthesis(code) ** 2).sum() / (code**2).sum()), "your code has"
    off = abs(float(energy) - 1)
    if off > bound + 1e-12:
        print(f"Refuted: a code with the energy {energy:.4f} deviates from 1 by {off:.4f} > {bound:.4g}.")
        return True
    print(f"Not refuted: {found} the energy {energy:.4f}, off by {off:.4f} <= {bound:.4g}.")
    return False


@cache
def _answers() -> dict:
    return json.loads(files(__package__).joinpath("exercises.json").read_text(encoding="utf-8"))


def _stored(label) -> dict:
    answers = _answers()
    if isinstance(label, str) and label in answers:
        return answers[label]
    near = get_close_matches(str(label), answers, n=1, cutoff=0.8)
    advice = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"label must be that of an exercise whose text asks for a check, but got {brief(label)}.{advice}"
    )


def _parts(answer) -> list:
    """Flatten an answer into its numbers, bools and strings."""
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if isinstance(answer, (list, tuple)):
        return [part for a in answer for part in _parts(a)]
    if isinstance(answer, np.generic):
        answer = answer.item()
    if not isinstance(answer, (str, bool, Real)):
        raise TypeError(f"answer must consist of numbers, bools and strings, but got {brief(answer)}.")
    if isinstance(answer, Real) and not isfinite(answer):
        raise ValueError(f"answer must be finite, but got {answer}.")
    return [answer]


def _kinds(part) -> tuple[str, ...]:
    """Return what a part can stand for."""
    if isinstance(part, (str, bool)):
        return (WORD if isinstance(part, str) else TRUTH,)
    return (WHOLE, NUMBER) if _whole(part) else (NUMBER,)


def _whole(part) -> bool:
    """Tell whether a number is an integer but for rounding."""
    return abs(part - round(part)) <= 1e-9 * max(1, abs(part))


def _token(part, tolerance: float, shift: int = 0) -> str:
    """Write a part in the one way that is hashed; empty for a fraction where an integer is asked for."""
    if isinstance(part, (str, bool)):
        return str(part).strip().lower()
    if tolerance:
        return str(round(part / tolerance) + shift)
    return str(round(part)) if _whole(part) else ""


def _matches(label, index: int, part, entry) -> bool:
    tolerance = entry["tolerance"]
    shifts = (-1, 0, 1) if tolerance and not isinstance(part, (str, bool)) else (0,)
    tokens = (_token(part, tolerance, shift) for shift in shifts)
    return any(t and _hash(label, index, t) == entry["sealed"][index] for t in tokens)


def _hash(label, index: int, token: str) -> str:
    """Hash a part's token, salted with the exercise and the part: equal answers have different hashes."""
    return hashlib.sha256(f"{label}/{index}/{token}".encode()).hexdigest()[:24]
