"""The student's edition has all exercises and no solution."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("student", ROOT / "tools" / "student.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
CHAPTERS = sorted(p for p in (ROOT / "book").glob("*.ipynb") if "{solution-start}" in p.read_text("utf8"))


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.[im]*")), ids=lambda path: path.name)
def test_nothing_points_to_a_page_that_is_left_out(path):
    if path.stem in tool.LEFT_OUT:
        return
    if path.suffix == ".ipynb":
        left = text(tool.without_solutions(nbformat.read(path, as_version=4)))
    else:
        left = path.read_text(encoding="utf8")
    assert not re.search(rf"\b({'|'.join(tool.LEFT_OUT)})(`|\.md|\))", left)


def text(nb):
    return "\n".join(cell.source for cell in nb.cells)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_exercises_stay_and_solutions_go(path):
    nb = nbformat.read(path, as_version=4)
    cut = tool.without_solutions(nb)
    nbformat.validate(cut)
    labels = re.findall(r"\{exercise-start\}\n:label: (\S+)", text(nb))
    assert re.findall(r"\{exercise-start\}\n:label: (\S+)", text(cut)) == labels
    assert "solution-" not in text(cut)
    assert not re.search(r'^(assert )?check\("', text(cut), re.M)
    assert "right." not in str([cell.get("outputs") for cell in cut.cells])
    solutions = re.findall(r"\{solution-start\} \S+\n:class: dropdown\n:::\n(.{40})", text(nb))
    assert not [solution for solution in solutions if solution in text(cut)]
    assert text(nb) != text(cut)
    before = nb.cells[: next(i for i, c in enumerate(nb.cells) if "{solution-start}" in c.source)]
    assert cut.cells[: len(before)] == before  # what comes before the first exercise is left alone


@pytest.mark.parametrize("lost", [":::{solution-start} a\n:::\n1", "1\n:::{solution-end}\n:::"])
def test_marks_must_match(lost):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(lost)])
    with pytest.raises(ValueError, match="a solution is opened"):
        tool.without_solutions(nb)


def test_leaks_are_noticed(tmp_path):
    (tmp_path / "good.html").write_text("<p>an exercise</p>")
    (tmp_path / "bad.html").write_text('<div class="solution dropdown admonition">')
    (tmp_path / "bad.ipynb").write_text(":::{solution-start} ex-a")
    assert sorted(tool.leaks(tmp_path)) == ["bad.html", "bad.ipynb"]
