"""The students' edition has all exercises and no solution."""

import re

import nbformat
import pytest
import student
from colab import BOOK

CHAPTERS = sorted(path for path in BOOK.glob("*.ipynb") if "{solution-start}" in path.read_text("utf8"))


def text(nb):
    return "\n".join(cell.source for cell in nb.cells)


def test_nothing_points_to_the_page_that_is_left_out():
    pages = [text(student.without_solutions(nbformat.read(p, as_version=4))) for p in BOOK.glob("*.ipynb")]
    pages += [path.read_text(encoding="utf8") for path in BOOK.glob("*.md")]
    assert not [page for page in pages if re.search(rf"\b{student.LEFT_OUT}(`|\.md|\))", page)]


def test_questions_stay_and_answers_go():
    quiz = (BOOK / "quiz.md").read_text(encoding="utf8")
    left = student.without_answers(quiz)
    questions = re.compile(r"^\*\*\d+\.\*\* .*", re.M)
    assert questions.findall(left) == questions.findall(quiz)
    assert "nswer" not in left
    assert "nswer" in quiz


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_exercises_stay_and_solutions_go(path):
    nb, cut = (nbformat.read(path, as_version=4) for _ in range(2))
    cut = student.without_solutions(cut)
    nbformat.validate(cut)
    labels = re.findall(r"\{exercise-start\}\n:label: (\S+)", text(nb))
    assert re.findall(r"\{exercise-start\}\n:label: (\S+)", text(cut)) == labels
    assert "solution-" not in text(cut)
    assert not re.search(r'^(assert )?check\("', text(cut), re.M)
    assert "right." not in str([cell.get("outputs") for cell in cut.cells])
    solutions = re.findall(r"\{solution-start\} \S+\n:class: dropdown\n:::\n(.{40})", text(nb))
    assert not [solution for solution in solutions if solution in text(cut)]
    before = nb.cells[: next(i for i, c in enumerate(nb.cells) if "{solution-start}" in c.source)]
    assert cut.cells[: len(before)] == before  # what comes before the first exercise is left alone


@pytest.mark.parametrize("lost", [":::{solution-start} a\n:::\n1", "1\n:::{solution-end}\n:::"])
def test_marks_must_match(lost):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(lost)])
    with pytest.raises(ValueError, match="a solution is opened"):
        student.without_solutions(nb)


def test_leaks_are_noticed(tmp_path):
    (tmp_path / "good.html").write_text("<p>an exercise</p>")
    (tmp_path / "bad.html").write_text('<div class="solution dropdown admonition">')
    (tmp_path / "bad.ipynb").write_text(":::{solution-start} ex-a")
    (tmp_path / "quiz.html").write_text('<div class="dropdown answer admonition">')
    assert sorted(student.leaks(tmp_path)) == ["bad.html", "bad.ipynb", "quiz.html"]
