"""Compare every notebook with its stored outputs under other processors' kernels, threads and versions.

    python tools/matrix.py book/*.ipynb                     all configurations
    python tools/matrix.py book/iht.ipynb --only kernel     those whose name holds a word

Kernels and threads are tried in the environment that runs this script. The versions are installed by uv, each
in an environment below _build/matrix; a Python that uv does not find is reported as not tried. Last
comes a table: the cells whose stored output came again, and those whose did not. It fails if one did not.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "matrix"
NEEDED = ["ipykernel", "nbval", "pytest", "pytest-xdist"]

# name: (Python, uv's way to resolve, kernel of OpenBLAS, threads)
CONFIGURATIONS = {
    **{
        f"kernel {kernel}, threads {threads}": (None, None, kernel, threads)
        for kernel in ("Prescott", "Haswell", "SkylakeX")
        for threads in (1, 2)
    },
    "oldest versions, Python 3.11": ("3.11", "lowest-direct", None, 1),
    **{
        f"newest versions, Python {python}": (python, "highest", None, 1)
        for python in ("3.11", "3.12", "3.13", "3.14")
    },
}
# What a configuration is in truth: a processor without a kernel's instructions gets another kernel.
ASK = """
import matplotlib, numpy, scipy, threadpoolctl
print(f"NumPy {numpy.__version__}, SciPy {scipy.__version__}, Matplotlib {matplotlib.__version__},", end=" ")
print(threadpoolctl.threadpool_info()[0]["architecture"])
"""


def environment(python, resolution):
    """Return the interpreter of an environment with these versions, made if need be, or None."""
    if python is None:
        return sys.executable
    path = FOLDER / f"{python}-{resolution}"
    interpreter = path / "bin" / "python"
    if not (path / ".ready").exists():
        venv = ["uv", "venv", "--clear", "--quiet", "--python", python, path]
        made = subprocess.run(venv, capture_output=True)
        if made.returncode:
            return None
        install = ["uv", "pip", "install", "--quiet", "--python", interpreter]
        wanted = ["--resolution", resolution, "-e", f"{ROOT}[plotting]", "scikit-learn>=1.5"]
        subprocess.run([*install, *wanted], check=True)
        subprocess.run([*install, *NEEDED], check=True)  # what runs the notebooks need not be old
        (path / ".ready").touch()
    return interpreter


def cells(interpreter, paths, kernel, threads, jobs):
    """Run the notebooks; return how many cells agree, and a line for each that does not."""
    env = os.environ | {"OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    if kernel:
        env["OPENBLAS_CORETYPE"] = kernel
    report = FOLDER / "report.xml"
    report.unlink(missing_ok=True)
    command = [interpreter, "-m", "pytest", "-q", "-n", str(jobs), "--dist", "loadfile"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", *paths]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    print(done.stdout if done.returncode else "", end="", flush=True)
    if not report.exists():
        return 0, [done.stdout + done.stderr]
    cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return len(cases) - len(bad), [f"{case.get('classname')} {case.get('name')}" for case in bad]


def main():
    """Run each configuration; print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--only", default="", help="a word of the names of the configurations to try")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = [path.resolve() for path in args.paths]
    rows, wrong = [], []
    for name, (python, resolution, kernel, threads) in CONFIGURATIONS.items():
        if args.only not in name:
            continue
        print(f"--- {name}", flush=True)
        interpreter = environment(python, resolution)
        if interpreter is None:
            rows.append((name, "not tried: uv finds no such Python", "", ""))
            continue
        env = os.environ | ({"OPENBLAS_CORETYPE": kernel} if kernel else {})
        found = subprocess.run([interpreter, "-c", ASK], env=env, capture_output=True, text=True).stdout
        good, bad = cells(interpreter, paths, kernel, threads, args.jobs)
        rows.append((name, found.strip(), good, len(bad)))
        wrong += [f"{name}: {line}" for line in bad]
    print("\n| configuration | found | cells that agree | that do not |\n| --- | --- | --- | --- |")
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")
    if not any(row[2] for row in rows):
        return "Nothing was compared."
    return "\n".join(wrong) or None


if __name__ == "__main__":
    sys.exit(main())
