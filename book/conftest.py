"""The notebooks are tests: what they print is compared with what is stored.

nbval compares the text and the numbers that a reader sees, not pixels or last digits. It
runs the notebooks, or reads their runs in the folder that BUILT names: `make test` has just
built the pages from them.
"""

import math
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbval import plugin as nbval

# Numbers may differ by this much, relative to their size: processors round differently.
RTOL = 1e-6
# Numbers this small are rounding errors themselves.
ATOL = 1e-12
# Pictures' bytes depend on the versions of Matplotlib and FreeType.
# nbval itself skips PNG, JPEG and widgets; live figures are not stored
SKIPPED = ("image/svg+xml", "application/vnd.cnninv.live+json")

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


def same_number(a, b):
    """Tell whether two numbers agree: integers exactly, others up to the tolerance."""
    if re.fullmatch(r"[-+]?\d+", a) and re.fullmatch(r"[-+]?\d+", b):
        return int(a) == int(b)
    return math.isclose(float(a), float(b), rel_tol=RTOL, abs_tol=ATOL)


class Output(str):
    """A text that equals another up to the last digits of its numbers, and spaces."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        if str.__eq__(self, other):
            return True
        if NUMBER.sub(" # ", self).split() != NUMBER.sub(" # ", other).split():
            return False
        return all(map(same_number, NUMBER.findall(self), NUMBER.findall(other)))

    def __ne__(self, other):
        return not self == other


original_sanitize = nbval.IPyNbCell.sanitize


def sanitize(self, value):
    """Make nbval compare texts as `Output` does."""
    value = original_sanitize(self, value)
    return (
        Output(ADDRESS.sub("0xADDRESS", value))
        if isinstance(value, str)
        else value
    )


nbval.IPyNbCell.sanitize = sanitize


def read(self):
    """Read what the build's run printed, instead of starting a kernel."""
    nb = nbformat.read(Path(os.environ["BUILT"]) / self.path.name, as_version=4)
    self.built = [cell for cell in nb.cells if cell.cell_type == "code"]


def compare(self):
    """Compare a stored cell with the one that the build ran."""
    built = self.parent.built[self.cell_num]
    texts = [nbval.coalesce_streams(cell.outputs) for cell in (built, self.cell)]
    if built.source != self.cell.source:
        self.raise_cell_error("The build ran another cell", built.source)
    if not self.compare_outputs(*texts):
        self.raise_cell_error(
            "Cell outputs differ", "\n".join(self.comparison_traceback)
        )


if "BUILT" in os.environ:
    nbval.IPyNbFile.setup, nbval.IPyNbCell.runtest = read, compare


def pytest_configure(config):
    """Collect notebooks without being asked; run them where the tests run."""
    config.option.nbval = config.option.nbval_current_env = True


def pytest_collectstart(collector):
    """Leave pictures out of the comparison."""
    if isinstance(collector, nbval.IPyNbFile):
        collector.skip_compare += SKIPPED


def pytest_collection_modifyitems(items):
    """Fail cells stored without an execution count, whose output nbval does not compare."""
    for item in items:
        if (
            isinstance(item, nbval.IPyNbCell)
            and item.cell.source.strip()
            and not item.cell.execution_count
        ):
            item.runtest = lambda: pytest.fail(
                "stored without an execution count: nbval compares nothing"
            )
