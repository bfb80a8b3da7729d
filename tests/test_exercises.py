"""Answers are recognised and not given away, hints come in stages, claims are refuted by codes that exist."""

import json
import re
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cnninv_lite import BlockModel, FilterBank
from cnninv_lite.book import attack, check, exercises
from cnninv_lite.book.exercises import seal

ROOT = Path(__file__).resolve().parent.parent
STORED = json.loads((ROOT / "cnninv_lite" / "book" / "exercises.json").read_text(encoding="utf8"))
CHAPTERS = sorted(
    path for path in (ROOT / "book").glob("*.ipynb") if "{exercise-start}" in path.read_text("utf8")
)
LABEL = re.compile(r"^:label: (ex-\S+)", re.M)
bank = FilterBank([[[1, 0]], [[0.6, 0.8]]], (1, 12))
model = BlockModel(2, bank.n, k=2)


@pytest.fixture
def stored(monkeypatch):
    """Provide three exercises of which the answers are known here."""
    answers = {"ex-int": ((6, True), 0), "ex-real": (0.5, 0.01), "ex-word": ("Welch", 0)}
    entries = {}
    for label, (a, tol) in answers.items():
        kinds, sealed = seal(label, a, tol)
        entries[label] = {"tolerance": tol, "kinds": kinds, "sealed": sealed, "hints": ["First.", "Second."]}
    monkeypatch.setattr(exercises, "_answers", lambda: entries)
    exercises._misses.clear()
    return entries


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("ex-int", (6, True)),
        ("ex-int", [6.0, np.True_]),
        ("ex-int", (np.int64(6), True)),
        ("ex-int", (Fraction(12, 2), True)),
        ("ex-int", (3 * 0.1 * 20, True)),  # 6.000000000000001
        ("ex-real", Fraction(1, 2)),
        ("ex-real", 0.5),
        ("ex-real", np.float32(0.5)),
        ("ex-real", np.array([0.495])),
        ("ex-real", 0.505),
        ("ex-word", " welch "),
    ],
)
def test_right(stored, capsys, label, answer):
    check(label, answer)
    assert capsys.readouterr().out == f"{label}: right.\n"


@pytest.mark.parametrize(
    ("label", "answer", "said"),
    [
        ("ex-int", (6, False), "not yet, 1 of 2 parts"),
        ("ex-int", (7, True), "not yet, 1 of 2 parts"),
        ("ex-int", (6.4, True), "part 1 must be a whole number, but got 6.4."),
        ("ex-int", ("six", True), "part 1 must be a whole number, but got 'six'."),
        ("ex-int", (True, True), "part 1 must be a whole number, but got True."),
        ("ex-int", (6, 1), "part 2 must be True or False, but got 1."),
        ("ex-int", 6, "the answer has 2 parts, in a tuple, but got 1"),
        ("ex-int", [], "the answer has 2 parts, in a tuple, but got 0"),
        ("ex-real", 0.52, "not yet. Hint 1 of 2: First."),
        ("ex-real", 0.48, "not yet."),
        ("ex-real", -0.5, "not yet."),
        ("ex-real", "0.5", "the answer must be a number, but got '0.5'."),
        ("ex-real", (0.5, 0.5), "the answer has one part, a number, but got 2"),
        ("ex-word", "Gauss", "not yet."),
        ("ex-word", 1, "the answer must be a word, but got 1."),
    ],
)
def test_wrong(stored, capsys, label, answer, said):
    check(label, answer)
    out = capsys.readouterr().out
    assert said in out
    assert "right.\n" not in out


def test_hints_come_in_stages(stored, capsys):
    for answer, hint in ((1, "1 of 2: First."), (None, "2 of 2: Second."), (2, "2 of 2: Second.")):
        check("ex-real", answer)
        assert capsys.readouterr().out.endswith(f"Hint {hint}\n")


@pytest.mark.parametrize(
    ("label", "answer", "error", "said"),
    [
        ("ex-rael", 1, ValueError, "label must be .* got 'ex-rael'. Did you mean 'ex-real'"),
        (3, 1, ValueError, "label must be .* got 3"),
        (None, 1, ValueError, "label must be .* got None"),
        ("ex-real", 1j, TypeError, "answer must consist .* got 1j"),
        ("ex-real", len, TypeError, "answer must consist of .* got <built-in function len>"),
        ("ex-real", {"a": 1}, TypeError, "answer must consist"),
        ("ex-real", float("nan"), ValueError, "answer must be finite, but got nan"),
        ("ex-real", [1, np.inf], ValueError, "answer must be finite, but got inf"),
    ],
)
def test_bad_calls(stored, label, answer, error, said):
    with pytest.raises(error, match=said):
        check(label, answer)


def test_seal_refuses_fractions_without_tolerance():
    with pytest.raises(ValueError, match=r"answer must consist of integers .* got 0.5"):
        seal("ex-new", 0.5)


def test_the_chapters_solutions_are_right_and_no_answer_is_orphaned():
    """Each stored answer belongs to an exercise whose text says what to pass, and its solution passes."""
    asked, right = set(), set()
    for path in CHAPTERS:
        nb = nbformat.read(path, as_version=4)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                asked |= set(re.findall(r'`check\("(ex-[\w-]+)", ', cell.source))
            else:
                out = "".join(o.get("text", "") for o in cell.outputs)
                right |= set(re.findall(r"^(ex-[\w-]+): right\.$", out, re.M))
    assert asked == right == set(STORED)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_each_chapter_has_six_exercises_and_most_can_be_checked(path):
    nb = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    labels = LABEL.findall(text)
    assert len(labels) >= 6
    assert len(set(labels) & set(STORED)) >= 4


def test_nothing_is_given_away():
    """The file holds hashes, tolerances and hints; the same answer has another hash elsewhere."""
    for entry in STORED.values():
        assert set(entry) == {"tolerance", "kinds", "sealed", "hints"}
        assert entry["sealed"]
        assert len(entry["hints"]) >= 2
        assert all(re.fullmatch("[0-9a-f]{24}", h) for h in entry["sealed"])
    assert seal("ex-a", 7) != seal("ex-b", 7)
    assert len(set(seal("ex-a", (7, 7))[1])) == 2


@pytest.mark.parametrize("label", STORED)
def test_the_kinds_are_those_of_the_answers(label):
    entry = STORED[label]
    assert len(entry["kinds"]) == len(entry["sealed"])
    for i, (kind, sealed) in enumerate(zip(entry["kinds"], entry["sealed"], strict=True)):
        truth = sealed in {exercises._hash(label, i, token) for token in ("true", "false")}
        assert truth == (kind == exercises.TRUTH)
        number = exercises.NUMBER if entry["tolerance"] else exercises.WHOLE
        assert truth or kind in (number, exercises.WORD)


def test_a_wrong_kind_costs_no_hint(stored, capsys):
    for answer in ("half", 0.6):
        check("ex-real", answer)
    assert capsys.readouterr().out.endswith("not yet. Hint 1 of 2: First.\n")


@pytest.mark.parametrize(("bound", "refuted"), [(0.7, True), (0.79, True), (0.8, False), (1, False)])
def test_attack_searches(capsys, bound, refuted):
    assert attack(bank, model, bound) is refuted
    out = capsys.readouterr().out
    assert out.startswith("Refuted: a code with" if refuted else "Not refuted: the worst code found has")
    assert "0.8000" in out


def test_attack_with_a_code(capsys):
    code = np.zeros((2, *bank.n))
    code[0, 3] = code[1, 3] = 2.0
    assert attack(bank, model, 0.5, code)
    assert capsys.readouterr().out.startswith("Refuted: a code with the energy 1.6000")
    assert not attack(bank, model, 0.6, code)
    assert capsys.readouterr().out.startswith("Not refuted: your code has the energy 1.6000")


@pytest.mark.parametrize(
    ("bound", "code", "said"),
    [
        (np.nan, None, "bound must be a finite real number, but got nan"),
        ("a", None, "bound must be a finite real number, but got 'a'"),
        (True, None, "bound must be a finite real number, but got True"),
        (0.5, np.zeros((2, 11)), "code must not be zero"),
        (
            0.5,
            np.ones((2, 11)),
            r"must lie in BlockModel\(.*, but got 22 non-zeros, up to 11 in a block",
        ),
        (0.5, np.ones((2, 5)), r"code must have shape .*2, 11\), but got shape \(2, 5\)"),
    ],
)
def test_attack_refuses(bound, code, said):
    with pytest.raises((TypeError, ValueError), match=said):
        attack(bank, model, bound, code)
