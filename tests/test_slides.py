"""The slides number statements and figures as the pages do."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
spec = importlib.util.spec_from_file_location("slides", ROOT / "tools" / "slides.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
NOTEBOOKS = {p.stem: nbformat.read(p, as_version=4) for p in sorted((ROOT / "book").glob("*.ipynb"))}
CAPTION = re.compile(
    r'<(?:div class="proof \w+ admonition"|figure\b[^>]*?) id="([\w-]+)">(?:(?!<figure|class="proof ).)*?'
    r'<span class="caption-number">\w+\.? ([\d.]+) </span>',
    re.DOTALL,
)


def test_numbers_are_those_of_the_pages():
    pages = [ROOT / "_build" / "html" / "book" / f"{name}.html" for name in NOTEBOOKS]
    if not all(page.exists() for page in pages):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there are no built pages: make book")
    built = dict(pair for page in pages for pair in CAPTION.findall(page.read_text(encoding="utf8")))
    number = tool.numbers(NOTEBOOKS)
    assert len(number) > 100
    assert {label: built.get(label) for label in number} == number


def test_every_box_has_a_slide_with_its_number():
    number = tool.numbers(NOTEBOOKS)
    deck = list(tool.slides(NOTEBOOKS["long_signals"], "long_signals", lambda source: source, number))
    assert deck[0].startswith('<section id="long_signals"><h2>Long signals cost nothing</h2>')
    assert any(f"<h2>Theorem {number['thm-length']}: " in slide for slide in deck)
    assert any(f"Fig. {number['fig-length']}" in slide for slide in deck)
