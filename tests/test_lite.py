"""The site that runs in the browser: what it ships, what it loads from elsewhere, what it must not lack.

`make lite` builds it and looks the same way; here no JupyterLite is needed.
"""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("lite", ROOT / "tools" / "lite.py")
lite = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lite)


def package(file, *depends):
    return {"file_name": file, "depends": list(depends)}


def test_pure_packages_are_shipped_and_the_others_have_an_address():
    lock = {
        name: package(f"{name}-1-py3-none-any.whl") for name in (*lite.LOADED, "prompt-toolkit", "unused")
    }
    lock["ipython"]["depends"] = ["prompt_toolkit"]
    lock["scikit-learn"] = package("scikit_learn-1-cp314-cp314-pyemscripten_2026_0_wasm32.whl", "ipython")
    pure = lite.split({"packages": lock}, "https://pyodide.invalid")
    assert pure.keys() == {*lite.LOADED, "prompt-toolkit"} - {"scikit-learn"}
    for name, entry in lock.items():
        assert entry["file_name"].startswith("https://pyodide.invalid/") == (name not in pure)


def test_a_missing_chapter_or_wheel_is_seen(tmp_path):
    files = ["files/book/iht.ipynb", "files/benchmarks/results.json", "pypi/cnninv_lite-1-py3-none-any.whl"]
    files += ["static/pyodide/pyodide.mjs", "static/pyodide/pyodide.asm.wasm"]
    lists = {"api/contents/book/all.json": '"iht.ipynb"', "pypi/all.json": '"cnninv-lite"'}
    for path in (*files, *lists):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(lists.get(path, ""))
    assert lite.missing(tmp_path, ["iht.ipynb"]) == []
    assert lite.missing(tmp_path, ["gaps.ipynb"]) == [
        "files/book/gaps.ipynb",
        "gaps.ipynb in api/contents/book/all.json",
    ]
    for path in files:
        (tmp_path / path).rename(tmp_path / "away")
        assert len(lite.missing(tmp_path, ["iht.ipynb"])) == 1, path
        (tmp_path / "away").rename(tmp_path / path)
    for path in lists:
        (tmp_path / path).write_text("")
        assert len(lite.missing(tmp_path, ["iht.ipynb"])) == 1, path
        (tmp_path / path).write_text(lists[path])
