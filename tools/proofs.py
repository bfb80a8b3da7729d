"""What the pages show of the proofs: a theorem's statement, and a proof with its goals.

statement   the statement of a theorem in proofs/, as it stands there
unfold      a static page of one proof: each step opens to what is left to prove after it (needs Coq)
"""

import argparse
import html
import re
import subprocess
from pathlib import Path

PROOFS = Path(__file__).resolve().parent.parent / "proofs"
STYLE = """
.proof pre { white-space: pre-wrap; }
.proof details { display: inline; }
.proof summary { display: inline; cursor: pointer; list-style: none; }
.proof summary::after { content: " \\25b8"; opacity: 0.6; }
.proof details[open] > summary::after { content: " \\25be"; }
.proof details pre { border-left: 3px solid currentcolor; margin: 0.3em 0 0.3em 1em; padding-left: 0.7em; }
"""


def theorems(folder=PROOFS):
    """Return {name: file} for the theorems that check.sh checks."""
    pairs = (line.split() for line in (folder / "theorems.txt").read_text("utf8").splitlines())
    return {name: f"{file}.v" for file, name in pairs}


def statement(name, folder=PROOFS):
    """Return the sentence above the statement of a theorem, and the statement in Coq."""
    if name not in theorems(folder):
        raise KeyError(f"the name must be one of proofs/theorems.txt, but got {name!r}")
    text = (folder / theorems(folder)[name]).read_text("utf8")
    title = name[0].upper() + name[1:]
    found = re.search(rf"^\(\* ((?:(?!\*\)).)*) \*\)\nDefinition {title} :=\n(.*?\.)\n", text, re.S | re.M)
    if not (found and re.search(rf"^(Theorem|Corollary|Example) {name} : {title}\.$", text, re.M)):
        raise ValueError(f"{name} must have a comment, a Definition {title} and a theorem, but got less")
    return re.sub(r"\s+", " ", found[1]).strip(), f"Theorem {name} :\n{found[2]}"


def unfold(name, folder=PROOFS, build=PROOFS.parent / "_build" / "proofs"):
    """Return HTML of a theorem's proof, where each step opens to the goals that it leaves.

    check.sh must have compiled the files to `build`.
    """
    file = theorems(folder)[name]
    source = (folder / file).read_bytes()
    start = re.search(rf"^\w+ {name} : ".encode(), source, re.M).start()
    end = source.index(b"Qed.", start) + 4
    timed = run(["coqc", "-q", "-time", file], build)
    spans = [tuple(map(int, span)) for span in re.findall(r"^Chars (\d+) - (\d+) ", timed, re.M)]
    answers = run(["coqtop", "-q", "-emacs", "-color", "off"], build, source[:end])
    answers = re.split(r"<prompt>.*?</prompt>", answers, flags=re.S)[1:]
    steps = [
        (*span, goals(text)) for span, text in zip(spans, answers, strict=False) if start <= span[0] < end
    ]
    setting = set(steps[0][2][1])
    parts, last = [html.escape(statement(name, folder)[1])], steps[0][1]
    for begin, stop, (count, hypotheses, claim) in steps[1:]:
        step = html.escape(source[begin:stop].decode())
        parts.append(html.escape(source[last:begin].decode()))
        last = stop
        if claim:
            lines = [*(line for line in hypotheses if line not in setting), "─" * 30, claim]
            left = html.escape("\n".join(lines)) + (f"\n\n({count} goals in all)" if count > 1 else "")
            step = f"<details><summary>{step}</summary><pre>{left}</pre></details>"
        parts.append(step)
    return f"<style>{STYLE}</style>\n<div class='proof'><pre>{''.join(parts)}</pre></div>"


def run(command, folder, source=None):
    """Return what a program says to `source`, with its errors where they came."""
    done = subprocess.run(command, cwd=folder, input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode()


def goals(answer):
    """Return how many goals coqtop shows, and of the first one the hypotheses and the claim."""
    found = re.search(r"(\d+) goals?[^\n]*\n(.*?)\n  =+\n(.*?)(?:\n\n|$)", answer, re.S)
    if not found:
        return 0, [], ""
    unwrapped = re.sub(r"\n {3,}", " ", found[2])
    names = [line.strip() for line in unwrapped.split("\n") if line.strip()]
    return int(found[1]), names, "\n".join(line.strip() for line in found[3].split("\n"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["statement", "unfold"])
    parser.add_argument("name", help="a theorem of proofs/theorems.txt")
    args = parser.parse_args()
    print(*statement(args.name), sep="\n") if args.what == "statement" else print(unfold(args.name))
