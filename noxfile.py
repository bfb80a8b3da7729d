"""Checks that need environments of their own: other versions, readers' machines, mutants, licences, rivals.

    nox --list                          what there is (nox is in .venv/bin)
    nox -s tests                        as `make test` does
    nox -s 'notebooks(3.13)' -- book/iht.ipynb      one session, one chapter

uv makes the environments, below _build/nox, and fetches a Python that is missing where that is possible.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
CHAPTERS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("book/*.ipynb"))
OLDEST, NEWEST = ("3.11", "lowest-direct"), ("3.13", "highest")
ALL = [(f"3.{minor}", "highest") for minor in range(11, 15)]
VERSIONS = "import numpy, scipy, sys; print(sys.version.split()[0], numpy.__version__, scipy.__version__)"
PYTEST = "-m", "pytest", "-q", "-n2", "--dist=loadfile"
MODULE = "tests", "--ignore=tests/book"
NOTICED = "killed", "timeout", "segfault", "suspicious"  # a loop that does not end is noticed too

nox.options.default_venv_backend = "uv"
nox.options.envdir = "_build/nox"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if shutil.which("pyenv"):  # it knows names like python3.13 only for the versions that it is told to use
    known = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=True)
    os.environ["PYENV_VERSION"] = ":".join(reversed(known.stdout.split()))


@nox.session
@nox.parametrize("python, resolution", [OLDEST, NEWEST], ids=["oldest", "newest"])
def tests(session, resolution):
    """Test the module with the oldest and the newest NumPy and SciPy that the ranges allow."""
    session.install("--resolution", resolution, "-e", ".[book]")
    session.install("distributed", "hypothesis", "nbformat", "onnx", "pytest", "pytest-xdist", "tqdm")
    session.run("python", "-c", VERSIONS)
    session.run("python", *PYTEST, *(session.posargs or MODULE))


@nox.session
@nox.parametrize("python, resolution", [OLDEST, *ALL], ids=["oldest", *(python for python, _ in ALL)])
def notebooks(session, resolution):
    """Compare the notebooks' outputs with those stored, with old and new versions."""
    session.install("--resolution", resolution, "-e", ".[book]")
    session.install("ipykernel", "nbval", "pytest", "pytest-xdist")  # what runs them need not be old
    session.run("python", "-c", VERSIONS)
    session.run("python", *PYTEST, *(session.posargs or CHAPTERS))


@nox.session(venv_backend="none")
@nox.parametrize("threads", [1, 2])
@nox.parametrize("kernel", ["Prescott", "Haswell", "SkylakeX"])
def kernels(session, kernel, threads):
    """Compare the notebooks' outputs with those stored, under other processors' kernels."""
    os.environ |= {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)}
    session.run(sys.executable, "-c", "import numpy, threadpoolctl as t; print(t.threadpool_info())")
    session.run(sys.executable, *PYTEST, *(session.posargs or CHAPTERS))


@nox.session(python="3.11")
def editions(session):
    """Run each notebook for students and for Colab alone in a folder, with the module and its extra only."""
    session.install("--reinstall-package=cnninv-lite", ".[book]", "ipykernel", "jupytext", "nbclient", "pip")
    folder, copies = Path(session.create_tmp()).resolve(), []
    for edition in ("student/_sources", "colab"):
        for path in sorted(ROOT.glob(f"_build/{edition}/book/*.ipynb")):
            copies.append(folder / edition[:7] / path.stem / path.name)
            copies[-1].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copies[-1])
    if len(copies) != 2 * len(CHAPTERS):
        session.error(f"there are {len(copies)} notebooks, not two for each chapter: make student colab")
    session.run("python", "-I", "-m", "cnninv_lite.book.fetch")
    session.run("python", "tools/notebooks.py", "run", *map(str, copies), env={"PYTHONPATH": ""})


@nox.session(venv_backend="none")
def properties(session):
    """Try each law of the module on many more examples, new ones at each run, in this environment."""
    options = ["-m", "hypothesis", "--hypothesis-profile=long", *session.posargs]
    session.run(sys.executable, *PYTEST, *MODULE, *options)


@nox.session
def mutants(session):
    """Change the module in many places, one at a time: the tests must notice nine in ten (hours)."""
    session.install("--no-deps", "-r", "requirements.lock")
    session.install("mutmut==3.8.1")
    session.run("mutmut", "run", "--max-children=2")
    session.run("mutmut", "results")
    session.run("mutmut", "export-cicd-stats")
    stats = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text())
    share = sum(stats[outcome] for outcome in NOTICED) / stats["total"]
    session.log(f"{share:.1%} of {stats['total']} mutants are noticed; tests/survivors.md is on the others")
    if share < 0.9:
        session.error("nine in ten are wanted")


@nox.session
def licences(session):
    """List the licences of all installed packages; fail on one that pyproject.toml does not accept."""
    session.install("pip-licenses==5.5.5")
    session.log(found := session.run("pip-licenses", f"--python={sys.executable}", silent=True))
    if "numpy" not in found:
        session.error("no package was seen: pip-licenses cannot read a path with a space")


@nox.session(python=sys.version.split()[0].rpartition(".")[0])
def bench(session):
    """Compare the module's speed with that of torch and others."""
    session.install("-r", "benchmarks/requirements.txt")
    env = {"PYTHONPATH": ".", "OPENBLAS_CORETYPE": None, "OPENBLAS_L2_SIZE": None}
    session.run("python", "benchmarks/run.py", *session.posargs, env=env)
