"""The notebooks' comparison notices what it should: each cell below stores an output, right or not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

CONFTEST = Path(__file__).resolve().parents[2] / "book" / "conftest.py"

CELLS = {  # name: (source, stored text, passes)
    "unchanged": ("print(0.123456789, 7)", "0.123456789 7\n", True),
    "another last digit": ("print(0.123456789)", "0.1234567891\n", True),
    "a difference of 1e-9": ("print(1.0 + 1e-9)", "1.0\n", True),
    "other padding": ("print('[ 1.  2.]')", "[1. 2.]\n", True),
    "rounding noise": ("print(3e-17)", "-5e-16\n", True),
    "a changed digit": ("print(0.123456789)", "0.123466789\n", False),
    "a changed integer": ("print(10_000_000)", "10000001\n", False),
    "a changed negative integer": ("print(-10_000_000)", "-10000001\n", False),
    "a changed word": ("print('ab 1.0')", "ac 1.0\n", False),
    "a number too many": ("print(1.5)", "1.5 2.5\n", False),
    "no stored output": ("print(1.5)", None, False),
    "never run": ("print(1.5)", "1.5\n", False),
}


@pytest.fixture(scope="module", params=["run by nbval", "run by the build"])
def outcomes(request, tmp_path_factory):
    """Run nbval with this repository's rules on a notebook of these cells."""
    folder = tmp_path_factory.mktemp("nbval")
    shutil.copy(CONFTEST, folder)
    nb = new_notebook()
    for name, (source, text, _) in CELLS.items():
        outputs = [] if text is None else [new_output("stream", name="stdout", text=text)]
        nb.cells.append(new_code_cell(source, outputs=outputs, execution_count=1))
        if name == "never run":
            nb.cells[-1].execution_count = None
    nbformat.write(nb, folder / "cells.ipynb")
    command = [sys.executable, "-m", "pytest", "-v", "--color=no", "--tb=no", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if name != "BUILT"}
    if request.param == "run by the build":
        env["BUILT"] = str(folder / "built")
        (folder / "built").mkdir()
        nbformat.write(nbclient.execute(nb), folder / "built" / "cells.ipynb")
    command += ["-p", "no:xdist", "cells.ipynb"]
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    return dict(enumerate(re.findall(r"::Cell \d+ (\w+)", result.stdout)))


@pytest.mark.parametrize("name", CELLS)
def test_nbval_passes_and_fails_as_it_should(outcomes, name):
    number = list(CELLS).index(name)
    assert outcomes[number] == ("PASSED" if CELLS[name][2] else "FAILED")
