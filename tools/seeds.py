"""Run the chapters with other random numbers: what their sentences claim, their cells must still find.

    python tools/seeds.py book/*.ipynb                     offsets 1, 2 and 3
    python tools/seeds.py book/iht.ipynb --offset 7        one chapter, one offset

Every random number of the book comes out of `numpy.random.default_rng(seed)`. A first cell is put before the
chapter's own that makes it `default_rng([seed, offset])`. Nothing is stored and no output is compared: a
chapter fails where an assertion of its cells does.
"""

import argparse
import itertools
import sys
from pathlib import Path

from notebooks import execute, in_parallel

CELL = """\
import numpy

def default_rng(seed=None, _original=numpy.random.default_rng):
    return _original([seed, {offset}] if isinstance(seed, (int, numpy.integer)) else seed)

numpy.random.default_rng = default_rng
"""


def run(job):
    """Execute one notebook with one offset; return its first error as text, or None."""
    path, offset = job
    _, error = execute(path, CELL.format(offset=offset))
    print(path, f"offset {offset}:", "FAILED" if error else "holds", flush=True)
    return error and f"With offset {offset} {error}"


def main():
    """Run each notebook with each offset; fail if one fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--offset", type=int, action="append", help="instead of 1, 2, 3; may be repeated")
    args = parser.parse_args()
    jobs = list(itertools.product(args.paths, args.offset or (1, 2, 3)))
    errors = [error for error in in_parallel(run, jobs) if error]
    print(f"{len(jobs) - len(errors)} of {len(jobs)} runs hold.")
    return "\n\n".join(errors) or None


if __name__ == "__main__":
    sys.exit(main())
