"""Statements are short sentences: one idea, at most 25 words, a formula counted as one."""

import re

import ledger as tool
import pytest

BOX = re.compile(r"^(:{3,})\{prf:\w+\}[^\n]*\n:label: (\S+)\n(.*?)^\1\s*$", re.M | re.S)
BOXES = {label: text for book in tool.chapters().values() for _, label, text in BOX.findall(book.prose)}


def sentences(text):
    """Return the sentences of a box, each formula and each link as one word."""
    text = re.sub(r"\$\$.*?\$\$( \([\w-]+\))?|\$[^$]+\$|\{[^}]*\}`[^`]*`", "M", text, flags=re.S)
    return re.split(r"(?<=[.:?])\s+(?=[A-Z(*])|\n\n|;\s", text)


@pytest.mark.parametrize("label", BOXES)
def test_the_sentences_of_a_statement_are_short(label):
    long = [s for s in sentences(BOXES[label]) if len(re.findall(r"[\w'’–-]+", s)) > 25]
    assert not long, f"{label} has a sentence of more than 25 words: {' '.join(long[0].split())}"


def test_sentences_are_counted():
    assert len(BOXES) > 80
    assert len(sentences("Let $a. B$ be. Then $$x$$ (eq-x) holds; so it is.\n\nEnd")) == 4
