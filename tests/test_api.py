"""The page of the module has every public name."""

import re
from pathlib import Path

import cnninv_lite

PAGE = (Path(__file__).parent.parent / "book" / "api.md").read_text(encoding="utf8")


def test_every_public_name_is_on_the_page_once():
    documented = re.findall(r"^\.\. auto(?:class|function):: (\w+)", PAGE, re.M)
    assert sorted(documented) == sorted({*cnninv_lite.__all__, *cnninv_lite._LAZY})
