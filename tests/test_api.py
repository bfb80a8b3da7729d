"""The page of the module has every public name."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import cnninv_lite
from cnninv_lite import book

PAGE = (Path(__file__).parent.parent / "book" / "api.md").read_text(encoding="utf8")


SHOWN = [
    name for name in book.__all__ if not name.isupper() and not name.startswith(("show_", "stem_", "use_"))
]


def test_every_public_name_is_on_the_page_once():
    documented = re.findall(r"^\.\. auto(?:class|function):: (\w+)$", PAGE, re.M)
    assert sorted(documented) == sorted([*cnninv_lite.__all__, *SHOWN])


@pytest.mark.parametrize("package", [cnninv_lite, book])
def test_every_public_name_is_listed(package):
    assert dir(package) == sorted(package.__all__)
    assert all(hasattr(package, name) for name in dir(package))


@pytest.mark.parametrize(
    "name", sorted(info.name for info in pkgutil.walk_packages(cnninv_lite.__path__, "cnninv_lite."))
)
def test_the_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
