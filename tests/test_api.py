"""The page of the module has every public name."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import cnninv_lite

PAGE = (Path(__file__).parent.parent / "book" / "api.md").read_text(encoding="utf8")


def test_every_public_name_is_on_the_page_once():
    documented = re.findall(r"^\.\. auto(?:class|function):: (\w+)", PAGE, re.M)
    assert sorted(documented) == sorted({*cnninv_lite.__all__, *cnninv_lite._LAZY})


@pytest.mark.parametrize("name", sorted(info.name for info in pkgutil.iter_modules(cnninv_lite.__path__)))
def test_the_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(f"cnninv_lite.{name}")).failed == 0
