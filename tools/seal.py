"""Store the answers to exercises: what the chapters' own solutions pass to `check`, as hashes.

    python tools/seal.py book/*.ipynb      run these chapters; seal what their solutions say

Tolerances and hints are written by hand in cnninv_lite/book/exercises.json; kinds and hashes come from the
answers. Read what is printed: it is what readers' answers are compared with.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from notebooks import execute, in_parallel

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
    """Run a chapter with a `check` that only writes down what it is given; return that: label -> answer."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / "answers"
        record.touch()
        _, error = execute(path, RECORD.format(path=str(record)))
        if error:
            raise RuntimeError(error)
        return dict(map(json.loads, record.read_text().splitlines()))


def main():
    """Seal the answers of the chapters on the command line."""
    stored = json.loads(STORE.read_text(encoding="utf8"))
    for found in in_parallel(answers, list(map(Path, sys.argv[1:]))):
        for label, answer in found.items():
            print(label, *answer)
            entry = stored[label]
            entry["kinds"], entry["sealed"] = seal(label, answer, entry["tolerance"])
    STORE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
