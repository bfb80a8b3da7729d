"""Build the student's edition: the same pages without solutions and without the page for instructors.

    python tools/student.py      build it from the stored outputs into _build/student

Solutions are cut out of the sources, cells and all, before the build: neither the search index nor the
notebooks that pages offer for download have them.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOURCES, SITE = ROOT / "_build" / "student-sources", ROOT / "_build" / "student"
LEFT_OUT = ["instructor"]
ENTRY = re.compile(rf"^\{{doc\}}`({'|'.join(LEFT_OUT)})`\n: .*\n\n?", re.M)  # of the list of chapters
BLOCK = re.compile(r"(?P<start>^:::+\{solution-start\})|(?P<end>^:::+\{solution-end\}\n:::+\n?)", re.M)


def without_solutions(nb):
    """Return a copy of a notebook without solutions and without entries for the pages that are left out."""
    nb, cells, inside = nbformat.from_dict(dict(nb)), [], False
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            if not inside:
                cells.append(cell)
            continue
        kept, at = "", 0
        for mark in BLOCK.finditer(cell.source + "\n"):
            if bool(mark["end"]) != inside:
                raise ValueError(f"a solution is opened twice or closed before it is opened: {mark[0]!r}")
            kept, at, inside = (
                kept + ("" if inside else cell.source[at : mark.start()]),
                mark.end(),
                not inside,
            )
        kept += "" if inside else cell.source[at:]
        if kept.strip():
            cells.append(nbformat.from_dict(cell | {"source": ENTRY.sub("", kept).strip("\n")}))
    if inside:
        raise ValueError("a solution is opened and never closed")
    nb.cells = cells
    return nb


def copy_sources(target, left_out=()):
    """Copy the book's sources to `target`, but for some pages, to be built from the stored outputs."""
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns(".*", *map("{}.*".format, left_out))
    shutil.copytree(ROOT / "book", target / "book", ignore=ignored)
    shutil.copytree(ROOT / "tools", target / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    config = (ROOT / "_config.yml").read_text(encoding="utf8")
    config = re.sub(r"execute_notebooks: \w+", 'execute_notebooks: "off"', config)
    (target / "_config.yml").write_text(config, encoding="utf8")
    toc = (ROOT / "_toc.yml").read_text(encoding="utf8")
    toc = re.sub(rf"^ *- file: book/({'|'.join(left_out)})\n", "", toc, flags=re.M)
    (target / "_toc.yml").write_text(toc, encoding="utf8")


def build(sources, *options):
    """Build the pages, or what the options say, from a copy of the sources; return whether that failed."""
    command = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        sources,
        "--all",
        "-W",
        "-n",
        "--keep-going",
    ]
    return subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=False).returncode != 0


def leaks(site):
    """Return the files of a built site in which a solution is left."""
    marks = re.compile(r"solution-(start|end)|class=\"[^\"]*\bsolution\b|Solution to")
    texts = (
        p
        for p in site.rglob("*")
        if p.suffix in {".html", ".ipynb", ".md", ".txt", ".js"} and "vendor" not in p.parts
    )
    return [
        str(p.relative_to(site))
        for p in texts
        if marks.search(p.read_text(encoding="utf8", errors="replace"))
    ]


def main():
    """Write the sources, build them, look for leaks."""
    copy_sources(SOURCES, LEFT_OUT)
    for path in (SOURCES / "book").glob("*.ipynb"):
        nbformat.write(without_solutions(nbformat.read(path, as_version=4)), path)
    if build(SOURCES):
        return "the student's edition could not be built"
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(SOURCES / "_build" / "html", SITE)
    if found := leaks(SITE):
        return f"solutions are left in {', '.join(found)}"
    print(f"The student's edition: file://{SITE}/index.html")
    return None


if __name__ == "__main__":
    sys.exit(main())
