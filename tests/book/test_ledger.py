"""The ledger has a row for every box, and what its rows name exists."""

import re
import tomllib
from operator import attrgetter
from pathlib import Path

import ledger as tool
import pytest

import cnninv_lite.book
import proofs

ROOT = Path(__file__).resolve().parents[2]

ROWS, BOOKS = tool.ledger(), tool.chapters()
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text(encoding="utf8")
FIELDS = {"paper", "verdict", "code", "tests", "cell", "figure", "fails", "words", "source", "formal"}


def home(label, row):
    return next((book for book in BOOKS.values() if book.has(label, row)), None)


def problems(label, row):
    """Yield what is wrong with a row, as sentences."""
    if unknown := set(row) - FIELDS:
        yield f"{label}: unknown fields {unknown}"
    if row.get("verdict") not in tool.VERDICTS:
        yield f"{label}: verdict {row.get('verdict')!r} is not one of {list(tool.VERDICTS)}"
    book = home(label, row)
    if book is None:
        yield f"{label}: no chapter has a box, a figure or the words of this label"
        return
    for name in row.get("code", []):
        try:
            attrgetter(name)(cnninv_lite)
        except AttributeError:
            yield f"{label}: cnninv_lite has no {name}"
    for test in row.get("tests", []):
        file, _, name = test.partition("::")
        path = ROOT / "tests" / f"test_{file}.py"
        if not (path.exists() and re.search(rf"^def {name}\(", path.read_text("utf8"), re.M)):
            yield f"{label}: there is no test {test}"
    if "cell" in row and row["cell"] not in book.code:
        yield f"{label}: no cell of its chapter has the line {row['cell']}"
    if "figure" in row and row["figure"] not in book.figures:
        yield f"{label}: its chapter has no figure {row['figure']}"
    if "fails" in row and row["fails"] not in book.prose:
        yield f"{label}: its chapter does not say {row['fails']!r}"
    for key in row.get("source", []):
        if f"{{{key}," not in BIBLIOGRAPHY:
            yield f"{label}: book/references.bib has no {key}"
    if row.get("verdict") not in ("definition", "open") and not ("tests" in row or "cell" in row):
        yield f"{label}: nothing attacks it"


@pytest.mark.parametrize("label", ROWS)
def test_what_a_row_names_exists(label):
    assert not list(problems(label, ROWS[label]))


def test_every_box_has_a_row_in_the_order_of_the_book():
    labels = [label for book in BOOKS.values() for label in book.boxes]
    assert [label for label in ROWS if label in labels] == labels
    for book in BOOKS.values():  # a box without a label would have no row
        assert len(book.boxes) == len(re.findall(r"^:::+\{prf:(?!ref)", book.prose, re.M))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "true"},
        {"code": ["no_such_function"]},
        {"tests": ["bounds::test_nothing"]},
        {"tests": ["nowhere::test_nothing"]},
        {"cell": "assert nothing"},
        {"figure": "fig-nowhere"},
        {"fails": "words that nobody wrote"},
        {"source": ["nobody1900"]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_the_rules_notice(change):
    label = "thm-random"
    assert len(list(problems(label, ROWS[label] | change))) == 1
    assert list(problems("thm-nowhere", ROWS[label]))
    assert list(problems(label, {"verdict": "new"}))


def test_the_page_is_that_of_the_data():
    written = (ROOT / "book" / "ledger.md").read_text(encoding="utf8")
    assert written == tool.page(ROWS, BOOKS), "book/ledger.md is stale: run `make ledger`"


def test_every_box_is_in_the_index_whose_terms_are_in_order():
    """The build itself fails on a place that is gone."""
    index = tomllib.loads((ROOT / "book" / "index.toml").read_text(encoding="utf8"))
    places = {place for found in index.values() for place in ([found] if isinstance(found, str) else found)}
    missing = {label for book in BOOKS.values() for label in book.boxes} - places
    assert not missing, f"book/index.toml has no term for {missing}"
    assert list(index) == sorted(index, key=str.casefold)


def test_the_page_of_the_proofs_is_that_of_the_ledger_and_the_files():
    """Each theorem has a box or a reason; each box of the page its theorems, in their files."""
    page = (ROOT / "book" / "machine_checked.md").read_text(encoding="utf8")
    files = proofs.theorems()
    formal = {label: row["formal"] for label, row in ROWS.items() if "formal" in row}
    boxes = re.findall(r"^\| \{prf:ref\}`([\w-]+)` \| (`.*?`) \| (`.*?`) \|", page, re.M)
    without = re.findall(r"^\| `(\w+)` \| `(\w+\.v)` \| \S.*\|$", page, re.M)
    assert boxes == [
        (label, f"`{'`, `'.join(names)}`", f"`{'`, `'.join(dict.fromkeys(files[n] for n in names))}`")
        for label, names in formal.items()
    ]
    covered = {name for names in formal.values() for name in names}
    assert dict(without) == {name: file for name, file in files.items() if name not in covered}
    assert covered <= set(files)
