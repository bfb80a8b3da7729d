"""Print the book: one PDF from the stored outputs, through LaTeX.

    python tools/pdf.py      write _build/book.pdf; fail on what LaTeX's log says is wrong with it

Sphinx writes the LaTeX, `dressed` makes it a book, and tools/pdf.tex is the design. One list of references
stands at the end in place of one in each chapter.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import nbformat
import yaml

from cnninv_lite.book import use_style

sys.path.insert(0, str(Path(__file__).parent))
from student import ROOT, build, copy_sources

SOURCES, PDF = ROOT / "_build" / "pdf-sources", ROOT / "_build" / "book.pdf"
LATEX = SOURCES / "_build" / "latex"
PACKAGES = "texlive-xetex texlive-latex-extra texlive-fonts-recommended texlive-plain-generic latexmk lmodern"
WIDEST = 10  # points by which a line may stick out
LONG = 12  # rows of a table that may go on on the next page
BOXES = {  # how tools/pdf.tex draws a box <- the first words of its title
    "attention": "Exercise",
    "hint": "Proof|The idea|Solution|Answer",
    "important": "Algorithm|Assumption|Axiom|Conjecture|Corollary|Definition|Example|Lemma|Observation"
    "|Property|Proposition|Remark|Theorem",
}
WRONG = re.compile(
    r"^! .*|^\S+\.tex:\d+: .*|^Missing character: .*|^.*Warning: .*\b(?:undefined|multiply)\b.*"
    r"|^Overfull \\[hv]box \((?P<points>[\d.]+)pt.*",
    re.MULTILINE,
)
MONO = r"""
\setmonofont{DejaVuSansMono}[Path=%s/fonts/ttf/, Extension=.ttf, Scale=0.92, UprightFont=*, BoldFont=*-Bold,
  ItalicFont=*-Oblique, BoldItalicFont=*-BoldOblique]
"""


def configure(config):
    """Add to the book's configuration what only the PDF needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    design = (Path(__file__).parent / "pdf.tex").read_text(encoding="utf8")
    config["latex"] = {"latex_engine": "xelatex", "use_jupyterbook_latex": False}
    config["sphinx"]["config"] |= {
        "latex_documents": [["book/print", "book.tex", config["title"], config["author"], "manual"]],
        "latex_domain_indices": False,
        "latex_elements": {
            "papersize": "a4paper",
            "pointsize": "11pt",
            "extraclassoptions": "openany,oneside",
            "sphinxsetup": "hmargin={3cm,3cm}, vmargin={2.5cm,2.5cm}",
            "fontpkg": MONO
            % mpl.get_data_path(),  # the other fonts are LaTeX's own, as those of the formulas
            "fvset": r"\fvset{fontsize=\footnotesize}",
            "fncychap": "",
            "preamble": re.sub(r"@(\w+)@", lambda m: (project | config).get(m[1], m[0]), design),
            "makeindex": "",
            "printindex": "",
        },
    }


def broken(table):
    """Let a long table break between pages, with columns as wide as their texts need."""
    kind, columns, body = table.groups()
    rows = [re.split(r"(?<!\\)&", row) for row in re.split(r"\\\\\n", body)]
    if kind == "tabulary":  # Sphinx's table that never breaks
        if len(rows) < LONG:
            return table[0]
        body = body.replace(r"\sphinxmidrule", r"\sphinxmidrule\endhead", 1)
    texts = zip(*(row for row in rows if len(row) == len(columns)))
    width = [sum(len(re.sub(r"\\[a-zA-Z]+|\[.*?\]", "", t)) for t in column) ** 0.6 for column in texts]
    layout = [rf">{{\raggedright\arraybackslash}}\X{{{round(100 * w / sum(width))}}}{{100}}" for w in width]
    return rf"\begin{{longtable}}{{{''.join(layout)}}}{body}\end{{longtable}}"


def dressed(tex, parts):
    """Put parts, kinds of boxes and numbers of exercises into Sphinx's LaTeX; let long tables break."""
    for part in parts:
        name = re.escape(part["chapters"][0]["file"])
        head = rf"(?=\\sphinxstepscope\s*\\chapter\{{[^\n]*\n[^\n]*\\detokenize\{{{name}::doc\}})"
        start = rf"\\bookpart{{{part.get('caption', '')}}}{{{part.get('numbered', 0) - 1}}}" + "\n"
        tex, found = re.subn(head, start, tex)
        if found != 1:
            raise ValueError(f"the start of {part} was found {found} times")
    box, to = r"\\begin\{sphinxadmonition\}\{note\}", r"\\detokenize\{book/\w+:([\w-]+)\}"
    numbers = dict(re.findall(rf"\\label\{{exercise:([\w-]+)\}}\s+{box}\{{Exercise ([\d.]+)", tex))
    tex = re.sub(
        rf"\\hyperref\[{to}\]\{{Exercise \\ref\{{{to}\}}\}}",
        lambda m: rf"\hyperref[exercise:{m[1]}]{{Exercise {numbers[m[1]]}}}",
        tex,
    )
    for kind, words in BOXES.items():
        tex = re.sub(rf"{box}(?=\{{(?:{words})\b)", rf"\\begin{{sphinxadmonition}}{{{kind}}}", tex)
    table = r"\\begin\{(longtable|tabulary)\}(?:\{\\linewidth\}\[t\])?\{([lT]+)\}(.*?)\\end\{\1\}"
    return re.sub(table, broken, tex, flags=re.DOTALL)


def complaints(log):
    """Return the lines of LaTeX's log that must not be there."""
    return [m[0] for m in WRONG.finditer(log) if not m["points"] or float(m["points"]) > WIDEST]


def main():
    """Write the sources, the LaTeX, the PDF; read the log."""
    if not (shutil.which("xelatex") and shutil.which("latexmk")):
        return f"XeLaTeX or latexmk is missing. On Debian and Ubuntu: apt-get install {PACKAGES}"
    copy_sources(SOURCES)
    PDF.unlink(missing_ok=True)
    config, toc = (
        yaml.safe_load((SOURCES / f"_{n}.yml").read_text(encoding="utf8")) for n in ("config", "toc")
    )
    configure(config)
    toc |= {"root": "book/print", "parts": [{"chapters": [{"file": toc["root"]}]}, *toc["parts"]]}
    (SOURCES / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf8")
    (SOURCES / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf8")
    (SOURCES / "book" / "print.md").write_text(f"# {config['title']}\n", encoding="utf8")
    from architecture import architecture  # chooses a backend of Matplotlib

    use_style()
    with mpl.rc_context({"savefig.bbox": "tight"}):
        architecture(SOURCES / "book" / "assets" / "architecture.pdf")  # LaTeX reads no SVG
    references = re.compile(r"^## References\n\n:::\{bibliography\}.*?^:::$", re.MULTILINE | re.DOTALL)
    for path in (SOURCES / "book").glob("*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        for cell in nb.cells:
            if "hide-input" in cell.metadata.get("tags", []):
                cell.metadata.tags.append("remove-input")  # what pages fold, paper leaves out
            cell.source = references.sub("", cell.source).replace("architecture.svg", "architecture.pdf")
        nbformat.write(nb, path)
    if build(SOURCES, "--builder", "latex"):
        return "Sphinx could not write the LaTeX"
    tex = LATEX / "book.tex"
    tex.write_text(dressed(tex.read_text(encoding="utf8"), toc["parts"]), encoding="utf8")
    env = os.environ | {"max_print_line": "1000", "LATEXOPTS": "", "XINDYOPTS": ""}  # long lines in the log
    command = ["latexmk", "-f", "-pdf", "-dvi-", "-ps-", "-interaction=nonstopmode", "-file-line-error"]
    subprocess.run([*command, tex.name], cwd=LATEX, env=env, capture_output=True, check=False)
    wrong = complaints((LATEX / "book.log").read_text(encoding="utf8", errors="replace"))
    if wrong or not (LATEX / "book.pdf").exists():
        wrong.sort(key=lambda line: "Warning" in line)  # after an error, no reference is defined
        return "\n".join([f"{len(wrong)} lines of {LATEX}/book.log say what is wrong:", *wrong[:20]])
    shutil.copy(LATEX / "book.pdf", PDF)
    print(f"The book, printed: {PDF.as_uri()}")
    return None


if __name__ == "__main__":
    sys.exit(main())
