"""Store the answers to exercises: what the chapters' own solutions pass to `check`, as hashes.

    python tools/seal.py book/*.ipynb      run these chapters; seal what their solutions say

Tolerances and hints are written by hand in cnninv_lite/book/exercises.json; kinds and hashes come from the
answers. Read what is printed: it is what readers' answers are compared with.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

from cnninv_lite.book.exercises import seal

STORE = Path(__file__).resolve().parent.parent / "cnninv_lite" / "book" / "exercises.json"
RECORD = """
import json
import cnninv_lite.book
from cnninv_lite.book.exercises import _parts
def record(label, answer):
    with open({path!r}, "a") as file:
        print(json.dumps([label, _parts(answer)]), file=file)
cnninv_lite.book.check = record
"""


def answers(path):
    """Run a chapter with a `check` that only writes down what it is given."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / "answers"
        nb = nbformat.read(path, as_version=4)
        nb.cells.insert(0, nbformat.v4.new_code_cell(RECORD.format(path=str(record))))
        NotebookClient(nb, timeout=600, resources={"metadata": {"path": str(Path(path).parent)}}).execute()
        return dict(map(json.loads, record.read_text().splitlines())) if record.exists() else {}


def main(paths):
    """Seal the answers of all `paths`."""
    stored = json.loads(STORE.read_text(encoding="utf8"))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(answers, paths):
            for label, answer in found.items():
                print(label, *answer)
                stored[label]["kinds"], stored[label]["sealed"] = seal(
                    label, answer, stored[label]["tolerance"]
                )
    STORE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


if __name__ == "__main__":
    main(sys.argv[1:])
