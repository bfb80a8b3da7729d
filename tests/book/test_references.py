"""Each entry of the bibliography can be found by a number of the right form, and is cited."""

import re
from collections import Counter
from pathlib import Path

import pytest
from pybtex.database import parse_string

BOOK = Path(__file__).resolve().parents[2] / "book"
TEXT = (BOOK / "references.bib").read_text(encoding="utf8")
ENTRIES = parse_string(TEXT, "bibtex").entries
# No number was confirmed for these, but volume and pages were; Optimization Online keeps the last one.
PRINTED = {"gally2018", "haupt2010", "juditsky2011", "park2011", "shen2018"}
UNNUMBERED = {"gally2016"}

FORMS = {
    "doi": r"10\.\d{4,9}/[^\s{}]*[^\s{}.,;]",
    "isbn": r"978(-\d+){3}-\d",
    "arxiv": r"\d{2}(0[1-9]|1[0-2])\.\d{4,5}",
    "hal": r"[a-z]+-\d{8}",
    "url": r"https://[^\s{}]+",
}


def numbers(entry):
    """Return kind -> number of what an entry can be found by."""
    found = {kind: entry.fields[kind] for kind in ("doi", "isbn", "url") if kind in entry.fields}
    kind, colon, number = entry.fields.get("note", "").partition(":")
    return found | ({kind.lower(): number} if colon else {})


def problems(key, entry):
    """Yield what is wrong with an entry, as sentences."""
    found = numbers(entry)
    for kind, number in found.items():
        if not re.fullmatch(FORMS.get(kind, "never"), number):
            yield f"{key}: {kind} {number} does not have the right form"
        elif kind == "arxiv":
            if 2000 + int(number[:2]) > int(entry.fields["year"]):
                yield f"{key}: arXiv:{number} is younger than {entry.fields['year']}"
            if len(number) != (10 if int(number[:2]) >= 15 else 9):
                yield f"{key}: arXiv:{number} has the wrong number of digits for its year"
        elif kind == "isbn":
            digits = [int(c) for c in number if c != "-"]
            if len(digits) != 13 or sum(digits[::2] + 3 * digits[1::2]) % 10:
                yield f"{key}: the check digit of ISBN {number} is wrong"
    if not found and key not in UNNUMBERED:
        printed = {"journal", "volume", "number", "pages"} <= set(entry.fields)
        if key not in PRINTED or not printed:
            yield f"{key} has no DOI, arXiv number, ISBN, HAL number or address"
    if found and key in PRINTED | UNNUMBERED:
        yield f"{key} has a number now: take it off the list of those without"


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_can_be_found(key):
    assert not list(problems(key, ENTRIES[key]))


def test_no_entry_and_no_number_occurs_twice():
    keys = re.findall(r"^@\w+\{([^,]+),", TEXT, re.M)
    titles = (re.sub(r"\W", "", entry.fields["title"]).casefold() for entry in ENTRIES.values())
    shared = {"isbn"}  # of the proceedings
    found = (n for e in ENTRIES.values() for kind, n in numbers(e).items() if kind not in shared)
    for names in (map(str.casefold, keys), titles, map(str.casefold, found)):
        assert not [name for name, count in Counter(names).items() if count > 1]


def test_every_entry_is_cited():
    pages = [path.read_text(encoding="utf8") for path in BOOK.glob("*") if path.suffix in (".md", ".ipynb")]
    cited = {
        key.strip()
        for page in pages
        for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", page)
        for key in keys.split(",")
    }
    assert set(ENTRIES) == cited


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("field1987", {"doi": "josaa.4.002379"}),
        ("field1987", {"doi": "10.1364/JOSAA.4.002379."}),
        ("field1987", {"doi": ""}),
        ("schrijver2003", {"isbn": "978-3-540-44389-7"}),
        ("schrijver2003", {"isbn": "3-540-44389-4"}),
        ("weed2017", {"note": "arXiv:1713.00468"}),
        ("weed2017", {"note": "arXiv:1904.00468"}),
        ("weed2017", {"note": "arXiv:1704.0468"}),
        ("weed2017", {"note": "a preprint"}),
        ("haupt2010", {"doi": "10.1000/1"}),
    ],
    ids=str,
)
def test_the_rules_notice(key, change):
    entry = parse_string(TEXT, "bibtex").entries[key]
    entry.fields.update(change)
    assert len(list(problems(key, entry))) == 1
