"""The tool that prints the book: what it reads in LaTeX's log, and what it makes of Sphinx's LaTeX."""

from pathlib import Path

import pdf as tool
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "line",
    [
        "! Undefined control sequence.",
        "./book.tex:12: Undefined control sequence.",
        "book.tex:12: Package xcolor Error: Undefined color `royalblue'.",
        "Missing character: There is no δ (U+03B4) in font LMRoman10!",
        "LaTeX Warning: Reference `book/a:ex-b' on page 82 undefined on input line 5170.",
        "LaTeX Warning: There were undefined references.",
        "LaTeX Warning: Label `book/a:ex-b' multiply defined.",
        r"Overfull \hbox (10.49042pt too wide) in paragraph at lines 15083--15083",
        r"Overfull \vbox (31.0pt too high) has occurred while \output is active []",
    ],
)
def test_a_bad_line_is_noticed(line):
    assert tool.complaints(f"This is XeTeX\n{line}\n[1] [2]\n") == [line]


def test_a_good_log_is_good():
    log = r"""This is XeTeX
Overfull \hbox (9.9pt too wide) in paragraph at lines 1--2
Underfull \hbox (badness 10000) in paragraph at lines 3--4
Package hyperref Warning: Token not allowed in a PDF string (Unicode):
Output written on book.pdf (265 pages).
"""
    assert tool.complaints(log) == []


TEX = r"""\sphinxstepscope


\chapter{First}
\label{\detokenize{book/a:first}}\label{\detokenize{book/a::doc}}
\phantomsection \label{exercise:ex-b}
\begin{sphinxadmonition}{note}{Exercise 1.2}
\end{sphinxadmonition}
\begin{sphinxadmonition}{note}{Theorem 1.1 (One)}
\end{sphinxadmonition}
\begin{sphinxadmonition}{note}{Note}
\hyperref[\detokenize{book/a:ex-b}]{Exercise \ref{\detokenize{book/a:ex-b}}}
"""


def test_latex_is_dressed():
    tex = tool.dressed(TEX, [{"caption": "A part", "numbered": 2, "chapters": [{"file": "book/a"}]}])
    assert tex.startswith("\\bookpart{A part}{1}\n\\sphinxstepscope")
    assert [kind in tex for kind in ("{attention}{Exercise 1.2}", "{important}{Theorem", "{note}{Note}")] == [
        True
    ] * 3
    assert r"\hyperref[exercise:ex-b]{Exercise 1.2}" in tex
    with pytest.raises(ValueError, match="was found 0 times"):
        tool.dressed(TEX, [{"chapters": [{"file": "book/b"}]}])


def test_long_tables_may_break():
    short, long = (
        "\\begin{tabulary}{\\linewidth}[t]{TT}\n" + "a\n&a longer text\n\\\\\n" * rows + "\\end{tabulary}"
        for rows in (3, 40)
    )
    assert tool.dressed(short, []) == short
    assert tool.dressed(long, []).startswith("\\begin{longtable}{>{")


def test_the_workflow_installs_what_the_tool_needs():
    assert tool.PACKAGES in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf8")
