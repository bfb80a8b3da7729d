"""Build the students' edition: the same pages without solutions, answers and the page for instructors.

    python tools/student.py      build it into _build/student, from the notebooks that `make book` ran

Solutions are cut out of the sources, cells and all, before the build: neither the search index nor the
notebooks that pages offer for download have them.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from colab import ROOT, first_cell

SOURCES, SITE = ROOT / "_build" / "student-sources", ROOT / "_build" / "student"
EXECUTED = ROOT / "_build" / "jupyter_execute" / "book"  # with the sliders, which stored outputs lack
LEFT_OUT = "instructor"
ENTRY = re.compile(rf"^\{{doc\}}`{LEFT_OUT}`\n: .*\n*", re.M)  # of the list of chapters
MARK = re.compile(r"^:::+\{solution-(start|end)\}.*?^:::+$\n?", re.M | re.S)
ANSWER = re.compile(r"^(:::+)\{admonition\} Answer\n:class: dropdown answer\n.*?^\1$\n*", re.M | re.S)
LEAK = re.compile(r'solution-(start|end)|class="[^"]*\b(solution|answer)\b|Solution to|dropdown answer')


def without_solutions(nb):
    """Cut the solutions, and the entry of the page that is left out, out of a notebook; return it."""
    inside = False
    for cell in nb.cells:
        kept = ""
        for part in MARK.split(cell.source + "\n") if cell.cell_type == "markdown" else [cell.source]:
            if part in ("start", "end"):
                if inside == (part == "start"):
                    raise ValueError("a solution is opened twice or closed before it is opened")
                inside = not inside
            elif not inside:
                kept += part
        cell.source = ENTRY.sub("", kept).strip("\n")
    if inside:
        raise ValueError("a solution is opened and never closed")
    nb.cells = [cell for cell in nb.cells if cell.source]
    return nb


def without_answers(quiz):
    """Cut the answers, and what the page says of them, out of the page of quizzes."""
    return ANSWER.sub("", quiz.replace(" Answer\nfirst, then open the answer.", ""))


def copy_sources(target):
    """Copy the book's sources to `target`, where they are built from the outputs that notebooks have."""
    shutil.rmtree(target, ignore_errors=True)
    for name in ("book", "proofs", "tools"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for name in ("_config.yml", "_toc.yml"):
        text = (ROOT / name).read_text(encoding="utf8")
        text = re.sub(r"execute_notebooks: \w+", 'execute_notebooks: "off"', text)
        (target / name).write_text(text, encoding="utf8")


def build(sources, *options):
    """Build the pages, or what the options say, from a copy of the sources; return whether that failed."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", sources, "--all", "-W", "-n", "--keep-going"]
    return subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=False).returncode != 0


def leaks(site):
    """Return the files of a built site in which a solution or an answer is left."""
    texts = (path for ending in ("html", "ipynb", "md", "txt", "js") for path in site.rglob(f"*.{ending}"))
    mine = (path for path in texts if "vendor" not in path.parts)
    return [str(p.relative_to(site)) for p in mine if LEAK.search(p.read_text("utf8", errors="replace"))]


def main():
    """Write the sources, build them, look for leaks."""
    copy_sources(SOURCES)
    book, toc = SOURCES / "book", SOURCES / "_toc.yml"
    for path in EXECUTED.glob("*.ipynb"):
        nb = without_solutions(nbformat.read(path, as_version=4))
        nb.cells.insert(0, first_cell(None, nb))
        nbformat.write(nb, book / path.name)
    (book / f"{LEFT_OUT}.md").unlink()
    toc.write_text(re.sub(rf"^ *- file: book/{LEFT_OUT}\n", "", toc.read_text("utf8"), flags=re.M), "utf8")
    (book / "quiz.md").write_text(without_answers((book / "quiz.md").read_text("utf8")), "utf8")
    if build(SOURCES):
        return "the students' edition could not be built"
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(SOURCES / "_build" / "html", SITE)
    if found := leaks(SITE):
        return f"solutions are left in {', '.join(found)}"
    print(f"The students' edition: {(SITE / 'index.html').as_uri()}")
    return None


if __name__ == "__main__":
    sys.exit(main())
