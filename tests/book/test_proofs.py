"""The proofs in proofs/ are what their pages say, and check.sh notices what is wrong with them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import proofs as tool

ROOT = Path(__file__).resolve().parents[2]
PROOFS = ROOT / "proofs"

needs_coq = pytest.mark.skipif(not shutil.which("coqc"), reason="Coq is not installed")
FEW = "Sums Layer Pooling"


@pytest.mark.parametrize("name", tool.theorems())
def test_a_theorem_has_a_sentence_and_a_statement(name):
    sentence, statement = tool.statement(name)
    assert sentence.endswith(".")
    assert statement.startswith(f"Theorem {name} :\n  ")
    assert statement.count("Definition") == 0


def test_all_theorems_are_checked():
    pattern = r"^(?:Theorem|Corollary|Example) (\w+)"
    found = {(f.name, n) for f in PROOFS.glob("*.v") for n in re.findall(pattern, f.read_text("utf8"), re.M)}
    assert found == {(file, name) for name, file in tool.theorems().items()}
    listed = re.findall(r'^ALL="(?:\$ALL )?([\w ]+)"', (PROOFS / "check.sh").read_text("utf8"), re.M)
    listed = " ".join(listed).split()
    assert sorted(listed) == sorted(f.stem for f in PROOFS.glob("*.v"))


def test_lines_fit():
    long = [
        (f.name, line)
        for f in PROOFS.glob("*.v")
        for line in f.read_text("utf8").split("\n")
        if len(line) > 100
    ]
    assert not long


def check(folder, **env):
    command = ["sh", str(folder / "proofs" / "check.sh")]
    env = {**os.environ, "NOCHK": "1", "FILES": FEW, **env}
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_without_coq_a_sentence_says_how_to_get_it(tmp_path):
    (tmp_path / "dirname").symlink_to(shutil.which("dirname"))
    command = [shutil.which("sh"), PROOFS / "check.sh"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True)
    assert done.returncode == 1
    assert b"apt-get install coq" in done.stderr


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    shutil.copytree(PROOFS, folder / "proofs")
    if (ROOT / "_build" / "proofs").exists():  # what `make proofs` has compiled need not be compiled again
        shutil.copytree(ROOT / "_build" / "proofs", folder / "_build" / "proofs")
    done = check(folder)
    assert done.returncode == 0, done.stderr
    return folder


AXIOM = "Axiom too_good : forall a b : R, a <= b.\n"
NEAREST = r"Proof\.\n  intros u z S T \[_ B\].*?Qed\."
FALSE = "Proof. intros u z S T _ _ _. apply too_good. Qed."
CHANGES = {
    "an axiom": (NEAREST, FALSE, "too_good"),
    "a proof that is not finished": (NEAREST, "Proof. Admitted.", "nearest"),
    "another name": ("Theorem sums", "Theorem sum_of_codes", "not in the files"),
    "a false statement": (r"count T places <= s \* k", "count T places <= s + k", "does not compile"),
}


@needs_coq
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_for_the_worse_is_noticed(change, compiled, tmp_path):
    shutil.copytree(compiled, tmp_path / "copy")
    file = tmp_path / "copy" / "proofs" / "Pooling.v"
    pattern, new, complaint = CHANGES[change]
    text, n = re.subn(pattern, lambda _: new, file.read_text("utf8"), count=1, flags=re.S)
    assert n == 1
    text = text.replace("Section Any_model.", AXIOM + "Section Any_model.") if "too_good" in new else text
    file.write_text(text, "utf8")
    done = check(tmp_path / "copy")
    assert done.returncode == 1
    assert complaint in done.stderr


@needs_coq
def test_the_unfolded_proof_is_that_of_the_files(compiled):
    done = check(compiled, FILES=f"{FEW} Reconstruction")
    assert done.returncode == 0, done.stderr
    page = tool.unfold("golden", PROOFS, compiled / "_build" / "proofs")
    assert page + "\n" == (PROOFS / "golden.html").read_text("utf8")
