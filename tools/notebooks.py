"""Run the chapters' notebooks, and turn them into text and back.

    python tools/notebooks.py run book/*.ipynb         execute, normalise, store in place
    python tools/notebooks.py to-text book/*.ipynb     write drafts/NAME.md, to be edited
    python tools/notebooks.py from-text drafts/*.md    write book/NAME.ipynb; outputs of unchanged cells stay

What is stored depends on the cells' sources and results alone: a second run gives the same bytes.
"""

import argparse
import hashlib
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
BOOK, DRAFTS = ROOT / "book", ROOT / "drafts"
WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "application/vnd.cnninv.live+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "mystnb", "slideshow", "tags")
ANSI = re.compile(r"\x1b\[[\d;]*m")
HEADER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)  # jupytext's: the same in every chapter, so left out


def merge_streams(outputs):
    """Join neighbouring pieces of one stream: how the kernel cuts it depends on timing."""
    merged = []
    for out in outputs:
        last = merged[-1] if merged else None
        if last and out.output_type == last.output_type == "stream" and out.name == last.name:
            last.text += out.text
        else:
            merged.append(out)
    return merged


def normalise(nb):
    """Keep what a reader needs; drop what changes with each run or machine.

    Cell ids are made from the cells' sources. A widget's view is dropped, as its state is not stored, and so
    is a live figure, as it holds others' photographs and weights: viewers without the book's build show the
    static picture beside it.
    """
    nb.metadata = nbformat.from_dict(METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    seen, solution = {}, False
    for cell in nb.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in CELL_METADATA}
        if marks := re.findall(r"\{solution-(start|end)\}", cell.source):
            solution = marks[-1] == "start"
        if cell.cell_type == "code":
            if solution or "hide-input" in cell.metadata.get("tags", ()):  # what pages fold, JupyterLab folds
                cell.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": solution}
            cell.outputs = merge_streams(cell.outputs)
            for out in cell.outputs:
                dropped = [out.get("data", {}).pop(kind, None) for kind in (WIDGET, LIVE)]
                if any(dropped) and not any(k.startswith("image/") for k in out.data):
                    print(f"warning: cell {cell.id}: a widget with no picture for viewers without widgets")
    nbformat.validate(nb)


def save(nb, path):
    """Write the notebook, keys sorted and a line of source on each line, if it changed; say so."""
    before = path.read_text(encoding="utf8") if path.exists() else ""
    after = nbformat.writes(nb) + "\n"
    if after != before:
        path.write_text(after, encoding="utf8", newline="\n")
    return "unchanged" if after == before else "written"


def execute(path, first=""):
    """Execute a notebook, after a first cell if one is given; return it, and an error as text or None."""
    nb = nbformat.read(path, as_version=4)
    if first:
        nb.cells.insert(0, nbformat.v4.new_code_cell(first))
    options = {"timeout": 600, "kernel_name": "python3", "record_timing": False, "store_widget_state": False}
    try:
        NotebookClient(nb, resources={"metadata": {"path": str(path.parent)}}, **options).execute()
    except CellExecutionError as error:  # its text has the cell's source and the traceback
        return nb, f"{path} failed:\n{ANSI.sub('', str(error))}"
    return nb, None


def in_parallel(function, jobs):
    """Return what a function makes of each job, with a process for each processor."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1)) as pool:
        return list(pool.map(function, jobs))


def run(path):
    """Execute one notebook and store it, if nothing fails; return an error as text, or None."""
    nb, error = execute(path)
    if not error:
        normalise(nb)
        print(path, save(nb, path), flush=True)
    return error


def to_text(path):
    """Write a notebook's text, in MyST Markdown, to the drafts folder."""
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in CELL_METADATA})
    nb.metadata = nbformat.from_dict(METADATA)
    DRAFTS.mkdir(exist_ok=True)
    target = DRAFTS / f"{path.stem}.md"
    target.write_text(HEADER.sub("", jupytext.writes(nb, fmt="md:myst")), encoding="utf8", newline="\n")
    print(target.relative_to(ROOT), "written")


def from_text(path):
    """Write a notebook from its text; a code cell whose source is unchanged keeps its outputs."""
    nb = jupytext.reads(HEADER.sub("", path.read_text(encoding="utf8")), fmt="md:myst")
    target = BOOK / f"{path.stem}.ipynb"
    stored = {}
    if target.exists():
        for cell in nbformat.read(target, as_version=4).cells:
            if cell.cell_type == "code":
                stored.setdefault(cell.source, []).append(cell)
    for cell in nb.cells:
        if cell.cell_type == "code" and stored.get(cell.source):
            old = stored[cell.source].pop(0)
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
    normalise(nb)
    print(target.relative_to(ROOT), save(nb, target))


def main():
    """Parse the command line and do the one thing asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["run", "to-text", "from-text"])
    parser.add_argument("paths", nargs="+", type=Path)
    args = parser.parse_args()
    if missing := [str(path) for path in args.paths if not path.is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    if args.command == "run":
        return "\n\n".join(filter(None, in_parallel(run, args.paths))) or None
    for path in args.paths:
        (to_text if args.command == "to-text" else from_text)(path)
    return None


if __name__ == "__main__":
    sys.exit(main())
