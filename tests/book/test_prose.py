"""What the chapters say is what their cells print, and what is stored is complete."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from notebooks import normalise

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
PAGES = sorted(BOOK.glob("*.md"))

DECIMAL = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d*)\.\d+(?![\d.]*\.\d)")

# What is no measured number, though it has a decimal point.
NOT_PROSE = re.compile(
    r"""
      ^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[`~]*\s*$      # fenced code and backtick directives
    | <!--.*?-->                                          # comments
    | ^\s*%.*?$
    | ^\s*:::+.*?$                                        # a directive's first and last line
    | ^\s*:[\w-]+:.*?$                                    # its options
    | ^\s*\([\w:.-]+\)=\s*$                               # labels
    | (?<!\{)(?<!\})(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)  # inline code
    | \{(?!cite)[\w:-]+\}`[^`]*`                          # roles, but for citations, which are looked for
    | \]\([^)]*\) | <https?://[^>]*> | https?://\S+       # addresses of links
    | \b(?:Python|CC\ BY|version|Section|Chapter|Theorem|Lemma|Proposition|Corollary|Definition|Remark
        |Example|Algorithm|Exercise|Figure|Table|Equation)s?[\ ~]*\(?\d+(?:\.\d+)+
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
SENTENCE_END = re.compile(r"(?<=[.!?])[)*_]*\s+(?=[A-Z$*(\[{`])|;\s+")


def units(markdown):
    """Split a text into what a citation speaks for: a sentence up to a semicolon, a list item, a table."""
    text = NOT_PROSE.sub(lambda found: "\n" if "\n" in found[0] else " ", markdown)
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith("|"):
            yield block
            continue
        for item in re.split(r"\n(?=\s*(?:[-*+]|\d+[.)])\s)", block):
            yield from SENTENCE_END.split(item)


def unsupported(markdown, printed):
    """Return the decimal numbers of a text that are neither printed nor cited, with their sentences."""
    return [
        (number, " ".join(unit.split()))
        for unit in units(markdown)
        if "{cite" not in unit
        for number in DECIMAL.findall(unit)
        if number not in printed
    ]


def printed_numbers(nb):
    """Return the decimal numbers in the stored text outputs of a notebook."""
    texts = []
    for cell in nb.cells:
        for out in cell.get("outputs", []):
            texts += [out.get("text", "")]
            texts += [text for mime, text in out.get("data", {}).items() if mime.startswith("text/")]
    return {number for text in texts for number in DECIMAL.findall(re.sub(r"(?<=\d)[eE][-+]?\d+", " ", text))}


def prose(nb):
    """Yield a name and the text of each Markdown cell and of each figure's caption."""
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            yield f"cell {number}", cell.source
        elif caption := cell.metadata.get("mystnb", {}).get("figure", {}).get("caption"):
            yield f"the caption of cell {number}", caption


@pytest.mark.parametrize("path", NOTEBOOKS + PAGES, ids=lambda path: path.name)
def test_every_decimal_number_is_printed_or_cited(path):
    if path.suffix == ".ipynb":
        nb = nbformat.read(path, as_version=4)
        printed, texts = printed_numbers(nb), list(prose(nb))
    else:
        printed, texts = set(), [("the page", path.read_text(encoding="utf8"))]
    wrong = [
        f"{path.name}, {where}: {number} is neither printed by a cell of the chapter nor cited, in: {unit}"
        for where, text in texts
        for number, unit in unsupported(text, printed)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("markdown", "numbers"),
    [
        ("The error is 0.37.", ["0.37"]),
        ("The error is $0.37$, not 0.12 % or -.5.", ["0.37", "0.12", ".5"]),
        ("In $[0.2,0.3]$.", ["0.2", "0.3"]),
        ("$$\n\\delta = 0.62\n$$", ["0.62"]),
        (":::{note}\n:label: a-1.5\nIt is 1,234.5.\n:::", ["1,234.5"]),
        ("| $k$ | error |\n|---|---|\n| 1 | 0.25 |", ["0.25"]),
        ("They find 0.5 {cite}`paper`.", []),
        ("They find 0.5 {cite}`paper`. We find 0.6.", ["0.6"]),
        ("We find 0.6; they find 0.5 {cite}`paper`.", ["0.6"]),
        ("- we find 0.6\n- they find 0.5 {cite}`paper`", ["0.6"]),
        ("| $k$ | {cite:t}`paper` |\n|---|---|\n| 1 | 0.25 |", []),
        ("See Theorem 1.2, Section 3.4 and {eq}`eq-1.5`, on Python 3.11, with `step=0.5`.", []),
        ("A [link](https://example.org/1.5).\n\n```python\nx = 0.5\n```\n", []),
        ("(label-1.5)=\n% 0.5\n<!-- 0.5 -->\nVersion 1.2.3 of 2026.", []),
        ("An end of 2017. 5 more, and 3.", []),
    ],
)
def test_the_rule_itself(markdown, numbers):
    assert [number for number, _ in unsupported(markdown, {"0.99"})] == numbers
    assert unsupported(markdown, set(numbers)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_stored_complete(path):
    nb = nbformat.read(path, as_version=4)
    wrong = []
    for number, (cell, after) in enumerate(pairwise([*nb.cells, None])):
        if "{exercise-end}" in cell.source and after.source != "# Your answer":
            wrong.append(f"no cell for the reader's answer follows cell {number}")
        if cell.cell_type != "code":
            continue
        if not cell.execution_count:
            wrong.append(f"cell {number} was not run")
        for out in cell.outputs:
            if out.output_type == "error":
                wrong.append(f"cell {number} stores an error: {out.ename}")
            if out.output_type == "stream" and out.name == "stderr":
                wrong.append(f"cell {number} stores a warning: {out.text[:80]}")
        pictures = any(mime.startswith("image/") for out in cell.outputs for mime in out.get("data", {}))
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and "sliders(" not in cell.source and len(alt.split()) < 3:
            wrong.append(f"cell {number} has a picture, but no alt text in its metadata (mystnb: image: alt)")
    stored = nbformat.writes(nb)
    normalise(nb)
    if nbformat.writes(nb) != stored:
        wrong.append("it is not stored as `make notebooks` stores it")
    assert not wrong, f"{path.name}: " + "; ".join(wrong)


def test_every_symbol_has_a_link_to_its_introduction():
    page = (BOOK / "notation.md").read_text(encoding="utf8")
    rows = [row for row in re.findall(r"^\| .*$", page, re.MULTILINE) if not row.startswith("| Symbol")]
    assert len(rows) > 20
    assert [row for row in rows if "{prf:ref}`" not in row] == []
