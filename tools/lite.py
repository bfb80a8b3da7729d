"""Make _build/lite: the chapters with Python in the browser, with no server behind them (JupyterLite).

It holds the copies of tools/colab.py, the module's wheel, Pyodide (Python for the browser, from npm) and the
packages in pure Python that the chapters load. Compiled packages, such as NumPy, are not on PyPI for the
browser: the site loads them from Pyodide's public address when a chapter runs.
"""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent))
import colab

ROOT = Path(__file__).resolve().parent.parent
SOURCES, SITE = ROOT / "_build" / "lite-sources", ROOT / "_build" / "lite"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
LOADED = ("micropip", "ipython", "jedi", "matplotlib", "scikit-learn")  # the kernel's and the book's
NOT_IN_PYODIDE = ("comm", "ipywidgets", "jupyterlab-widgets")


def split(lock, address):
    """Return what LOADED needs in pure Python; let Pyodide find all other packages at the address."""
    needed, todo = {}, list(LOADED)
    while todo:
        name = todo.pop().replace("_", "-")
        if name not in needed:
            needed[name] = lock["packages"][name]
            todo += needed[name]["depends"]
    pure = {name: p for name, p in needed.items() if p["file_name"].endswith("-none-any.whl")}
    for name in lock["packages"].keys() - pure.keys():
        package = lock["packages"][name]
        package["file_name"] = f"{address}/{package['file_name']}"
    return pure


def missing(site, chapters):
    """Return what a built site lacks of the chapters, the wheel and Pyodide, as files and in its lists."""
    wanted = [f"files/book/{name}" for name in chapters] + ["files/benchmarks/results.json"]
    wanted += ["pypi/cnninv_lite-*.whl", "static/pyodide/pyodide.mjs", "static/pyodide/pyodide.asm.wasm"]
    lost = [path for path in wanted if not any(site.glob(path))]
    for path, names in (("api/contents/book/all.json", chapters), ("pypi/all.json", ["cnninv-lite"])):
        text = (site / path).read_text(encoding="utf8")
        lost += [f"{name} in {path}" for name in names if f'"{name}"' not in text]
    return lost


def run(*command):
    """Run a command where the sources are; return what it prints."""
    return subprocess.run(command, cwd=SOURCES, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main():
    """Write the sources, build the site, look whether all is there."""
    from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL, PYODIDE_PYTHON_VERSION, PYODIDE_VERSION

    for folder in (SOURCES, SITE, ROOT / "build"):  # in build/, setuptools would find files that are no more
        shutil.rmtree(folder, ignore_errors=True)
    chapters = colab.main(SOURCES / "files" / "book", "cnninv-lite[plotting]")
    for path in chapters:  # texts as one string each: JupyterLite shows commas between the lines of a list
        path.write_text(json.dumps(nbformat.read(path, as_version=4)), encoding="utf8")
    (SOURCES / "files" / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "results.json", SOURCES / "files" / "benchmarks")

    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir=pypi", ROOT)
    run(*pip, "download", "--no-deps", "--dest=pypi", *(f"{n}=={version(n)}" for n in NOT_IN_PYODIDE))

    pyodide = SOURCES / "static" / "pyodide"
    pyodide.mkdir(parents=True)
    run(
        "tar",
        "xzf",
        run("npm", "pack", "--silent", f"pyodide@{PYODIDE_VERSION}"),
        "-C",
        pyodide,
        "--strip-components=1",
    )
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf8"))
    pure = split(lock, PYODIDE_CDN_URL)
    pinned = [f"{name}=={package['version']}" for name, package in pure.items()]
    wheels = ("--platform=any", f"--python-version={PYODIDE_PYTHON_VERSION}", "--only-binary=:all:")
    run(*pip, "download", "--no-deps", *wheels, "--dest", pyodide, *pinned)
    for wheel in pyodide.glob("*.whl"):  # some are not the very files of which Pyodide's list has the digests
        package = pure[wheel.name.split("-")[0].replace("_", "-").lower()]
        package |= {"file_name": wheel.name, "sha256": sha256(wheel.read_bytes()).hexdigest()}
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf8")

    kernel = {KERNEL: {"disablePyPIFallback": True}}  # else each package is sought on PyPI first
    config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {"litePluginSettings": kernel}}
    (SOURCES / "jupyter-lite.json").write_text(json.dumps(config), encoding="utf8")
    build = (sys.executable, "-W", "ignore", "-m", "jupyterlite_core", "build", "--log-level=ERROR")
    run(*build, "--output-dir", SITE, "--apps=lab", "--no-sourcemaps")
    if lost := missing(SITE, [path.name for path in chapters]):
        return f"the site lacks {', '.join(lost)}"
    print(f"The site: python3 -m http.server --directory {SITE.relative_to(ROOT)}")
    print("then open http://localhost:8000/lab/?path=book/intro.ipynb")
    return None


if __name__ == "__main__":
    sys.exit(main())
