"""Every letter of a statement stands on the notation page, with one meaning for its chapter."""

import re
from pathlib import Path

import ledger as tool
import pytest

PAGE = (Path(__file__).resolve().parents[2] / "book" / "notation.md").read_text(encoding="utf8")
BOOKS = tool.chapters()
BOX = re.compile(r"^(:{3,})\{prf:\w+\}[^\n]*\n:label: \S+\n(.*?)^\1\s*$", re.M | re.S)
MATHS = re.compile(r"\$\$(.*?)\$\$|\$([^$]+)\$", re.S)
COMPOUND = re.compile(
    r"c_\{(?:ij|ii|ji)\}|(?:[AGP]_\{?(?:\\hat )?[FST0]|S_p)(?![a-z])|\\math(?:cal|bb)\s*\{?[A-Z]"
)
WORDS = re.compile(r"\\(?:text|textcolor|tag|operatorname\*?|mathrm|begin|end)\{[^{}]*\}")
GREEK = re.compile(
    "(?:var)?(?:alpha|beta|[gG]amma|[dD]elta|epsilon|zeta|eta|[tT]heta|kappa|[lL]ambda|mu|nu|[xX]i|[pP]i|rho"
    "|[sS]igma|tau|[pP]hi|chi|[pP]si|[oO]mega)|ell"
)


def letters(text):
    """Return the letters of the formulas of a text; some with an index, as `G_T`, are letters themselves."""
    found = set()
    for maths in (one or other for one, other in MATHS.findall(text)):
        maths = WORDS.sub(" ", maths)
        for name in COMPOUND.findall(maths):
            found.add(name[:2] if "_" in name else re.sub(r"[\s{]", "", name))
        maths = COMPOUND.sub(" ", maths)
        found |= {rf"\{name}" for name in re.findall(r"\\([a-zA-Z]+)", maths) if GREEK.fullmatch(name)}
        found |= set(re.findall("[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", " ", maths)))
    return found


def everywhere():
    """Return the letters in the first columns of the tables."""
    cells = re.findall(r"^\| (\$.*?) \|", PAGE.partition("## Letters of one chapter")[0], re.M)
    return letters(" ".join(cells))


def in_chapters():
    """Return chapter -> the letters that each item of its line begins with."""
    lines = re.findall(r"^- \{doc\}`(\w+)`: (.*)\.$", PAGE.partition("## Letters of one chapter")[2], re.M)
    names = re.compile(r"(?:\$[^$]+\$(?:, | and )?)+")
    return {
        chapter: [names.match(item)[0] for item in re.split(r"; (?=\$)", line)] for chapter, line in lines
    }


@pytest.mark.parametrize("chapter", BOOKS)
def test_every_letter_of_a_statement_has_a_meaning(chapter):
    used = set().union(*(letters(text) for _, text in BOX.findall(BOOKS[chapter].prose)))
    own = in_chapters().get(chapter, [])
    missing = used - everywhere() - letters(" ".join(own))
    assert not missing, f"book/notation.md does not say what {missing} mean in {chapter}"


@pytest.mark.parametrize("chapter", in_chapters())
def test_a_chapter_gives_a_letter_one_meaning(chapter):
    heads = [re.findall(r"\$([^$]+)\$", item) for item in in_chapters()[chapter]]
    bases = [
        re.match(r"\\?[a-zA-Z]+( [A-Z])?", name)[0] for item in heads for name in item if "_" not in name
    ]
    assert len(bases) == len(set(bases)), f"a letter has two meanings in {chapter}"
    used = set().union(*(letters(text) for _, text in BOX.findall(BOOKS[chapter].prose)))
    unused = {name for item in heads for name in item if not letters(f"${name}$") & used}
    assert not unused, f"no statement of {chapter} has {unused}"


def test_letters_are_found():
    assert letters(r"$x=\hat z_{i,p}$, $\delta(\mathcal M_k^s)\le\ell$") == {
        *("x", "z", "i", "p", "k", "s", r"\delta", r"\ell", r"\mathcalM"),
    }
    assert letters(r"$c_{ij}(d)$, $c$ and $G_{\hat S}$") == {"c_", "c", "d", "G_"}
    assert letters(r"$\operatorname{Var}\,\log2$ and 5") == set()
