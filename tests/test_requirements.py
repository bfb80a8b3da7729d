"""What a reader installs, what `make` installs and what the module asks for agree."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
LINES = [line.split(" #")[0].strip() for line in (ROOT / "requirements.txt").read_text("utf8").splitlines()]
WANTED = {str(Requirement(line)) for line in LINES if line and not line.startswith(("#", "-"))}


def test_requirements_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    stated = PROJECT["dependencies"] + [line for extra in extras.values() for line in extra]
    assert {str(Requirement(line)) for line in stated} == WANTED


def test_the_lock_has_what_is_required():
    text = (ROOT / "requirements.lock").read_text(encoding="utf8")
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    locked = {canonicalize_name(name): version for name, version in locked.items()}
    for line in WANTED:
        wanted = Requirement(line)
        version = locked.get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in requirements.lock: make lock"
        assert wanted.specifier.contains(version), f"{wanted.name} is locked to {version}: make lock"
