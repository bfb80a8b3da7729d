"""Write book/ledger.md from book/ledger.toml and the chapters.

python tools/ledger.py
"""

import re
import tomllib
from collections import Counter

import colab
from colab import BOOK, TITLE

VERDICTS = {
    "as stated": "proved as the paper states it",
    "hypothesis added": "proved, with a hypothesis that the paper leaves out",
    "sharpened": "proved, with a better constant or under a weaker hypothesis",
    "corrected": "not true as the paper says it; what is true is proved",
    "known": "known before, for instance from the source that is named; proved here",
    "new": "not in the paper; proved here. Others may have it",
    "no earlier source": "not in the paper; we looked for an earlier source and found none; proved here",
    "definition": "a definition",
    "measured only": "measured, not proved",
    "open": "an open problem",
}
SAID = {
    "known": "known elsewhere",
    "new": "not in the paper",
    "no earlier source": "no earlier source known to us",
}
BOX = re.compile(r"^:::+\{prf:(\w+)\}(?: (.*))?\n:label: (\S+)", re.M)
HEAD = r"""# Ledger

Every numbered statement of this book, and for each: where the paper {cite:p}`gilbert2017` has it; what
became of it; the functions of `cnninv_lite` that compute it; what attacks it, a test (`rip::test_x` is
`test_x` in `tests/test_rip.py`) or a line of a cell; the theorems that Coq has checked
({doc}`machine_checked`); the figure that draws it; and the words beside the cell that shows what happens
without its hypothesis. What the paper says and the book does not is in {doc}`paper_map`. The data are in
`book/ledger.toml`; a test fails when a statement is missing there, or when what it names does not exist.

*No earlier source known to us* stands only where we searched. For these statements we looked for conditions
on $\delta_{2k}$ and $\delta_{3k}$ under which iterative hard thresholding converges, for its fixed points and
for its cycles. {doc}`iht` lists what we found.

| Verdict | Statements |
|---|---|
"""


def chapters():
    """Return the chapters in the order of the table of contents, each as a `Chapter`."""
    return {name: Chapter(nb.cells) for name, nb in colab.chapters().items()}


class Chapter:
    """The prose and the code of a notebook, its title, boxes (label -> kind, title) and labels of figures."""

    def __init__(self, cells):
        self.prose, self.code = (
            "\n\n".join(c.source for c in cells if c.cell_type == kind) for kind in ("markdown", "code")
        )
        self.title = TITLE.search(self.prose)[1]
        self.boxes = {label: (kind, title) for kind, title, label in BOX.findall(self.prose)}
        named = (c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in cells)
        self.figures = set(filter(None, named)) | set(re.findall(r"^:name: (fig-\S+)", self.prose, re.M))

    def has(self, label, row):
        """Tell whether a row of the ledger belongs here."""
        return label in self.boxes or label in self.figures or ("words" in row and row["words"] in self.prose)


def ledger():
    """Return the rows of the ledger: label -> fields."""
    return tomllib.loads((BOOK / "ledger.toml").read_text(encoding="utf8"))


def entry(label, row, chapter):
    """Write one statement: its title and verdict, then what computes it, attacks it and shows it."""
    if label in chapter.boxes:
        title = re.sub(r" *\{cite:\w+\}`[^`]*`", "", chapter.boxes[label][1])
        statement = f"{{prf:ref}}`{label}` {title}"
    else:
        statement = f"{{numref}}`{label}`" if label in chapter.figures else row["words"].strip("*.")
    if "paper" in row:
        statement += f" (in the paper: {row['paper']})"
    said = []
    if "code" in row:
        said.append("Computed by " + ", ".join(f"`{name}`" for name in row["code"]))
    attacks = [f"`{test}`" for test in row.get("tests", [])]
    if "cell" in row:
        attacks.append(f"the line `{row['cell']}` of the chapter")
    if attacks:
        said.append("Attacked by " + ", ".join(attacks))
    if "formal" in row:
        said.append("Checked by Coq: " + ", ".join(f"`{name}`" for name in row["formal"]))
    if "figure" in row and row["figure"] != label:
        said.append(f"Drawn in {{numref}}`{row['figure']}`")
    if "fails" in row:
        said.append(f"Without its hypothesis: “{row['fails']}…”")
    body = ". ".join(said or ["Said in the chapter"]) + ("" if "fails" in row else ".")
    verdict = f"*{SAID.get(row['verdict'], row['verdict'])}*"
    if "source" in row:
        role = "source" if row["verdict"] == "known" else "related"
        verdict += f" ({role}: {{cite:t}}`{','.join(row['source'])}`)"
    return f"{statement}: {verdict}\n: {body}\n"


def page(rows, books):
    """Return the whole page as MyST Markdown."""
    counts = Counter(row["verdict"] for row in rows.values())
    text = HEAD + "".join(
        f"| *{SAID.get(verdict, verdict)}*: {meaning} | {counts[verdict]} |\n"
        for verdict, meaning in VERDICTS.items()
    )
    for name, chapter in books.items():
        mine = [entry(label, row, chapter) for label, row in rows.items() if chapter.has(label, row)]
        if mine:
            text += f"\n## {chapter.title}\n\nIn {{doc}}`{name}`:\n\n" + "\n".join(mine)
    return text


if __name__ == "__main__":
    (BOOK / "ledger.md").write_text(page(ledger(), chapters()), encoding="utf8", newline="\n")
