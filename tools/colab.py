"""Write copies of the chapters for viewers that do not know MyST, such as Colab, to _build/colab/book.

Boxes become quoted Markdown, references become titles and links, citations become names and years.
The first cell installs the module where it is missing; without the repository's address it says how to do so.
"""

import base64
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

sys.path.insert(0, str(Path(__file__).parent))
from book_fixes import repository

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "_build" / "colab" / "book"
BOX = re.compile(
    r"^(:{3,})\{([\w:-]+)\}[ \t]*([^\n]*)\n((?::[\w-]+:[^\n]*\n)*)(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL
)
ROLE = re.compile(r"\{(prf:ref|ref|numref|eq|doc|cite:[pt])\}`([^`]+)`")
EQUATION = re.compile(r"^\$\$[ \t]*\n(.*?)^\$\$[ \t]*\(([\w-]+)\)[ \t]*$", re.MULTILINE | re.DOTALL)


def options(text):
    """Return a directive's options as a dictionary."""
    return dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", text, re.MULTILINE))


def kind(name):
    """Return the word that a reader knows a directive by: Theorem for prf:theorem."""
    return name.removeprefix("prf:").removesuffix("-start").capitalize()


def labels(notebooks):
    """Return what a reference to each label is called: a box's kind and title, a chapter's name."""
    found = {}
    for name, nb in notebooks.items():
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                for _, directive, title, opts, _ in BOX.findall(cell.source):
                    opts, title = options(opts), re.sub(r"\s*\{cite:[pt]\}`[^`]*`", "", title)
                    if label := opts.get("label") or opts.get("name"):
                        called = kind(directive) + (f" “{title}”" if title else f" `{label}`")
                        found[label] = f"[{called}]({name}.ipynb)"
            elif label := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"):
                found[label] = f"[the figure `{label}`]({name}.ipynb)"
        found[name] = f"[{re.search('^# (.+)', nb.cells[0].source, re.MULTILINE)[1]}]({name}.ipynb)"
    for page in (ROOT / "book").glob("*.md"):
        found[page.stem] = f"*{re.search('^# (.+)', page.read_text(encoding='utf8'), re.MULTILINE)[1]}*"
    return found


def bibliography(text):
    """Return each entry of a BibTeX file as (authors, year, title)."""
    entries = {}
    for key, body in re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        field = {
            k: re.search(rf"\b{k}\s*=\s*\{{(.*?)\}},?\s*$", body, re.MULTILINE)
            for k in ("author", "year", "title")
        }
        author, year, title = (re.sub(r"[{}]", "", m[1]) if m else "" for m in field.values())
        names = [a.split(",")[0] for a in author.split(" and ")]
        short = names[0] + " et al." if len(names) > 2 else " and ".join(names)
        entries[key] = (short, year, title)
    return entries


def readable(source, known, entries, cited):
    """Return a Markdown cell without directives and roles; add to `cited` the keys that it cites."""

    def role(match):
        name, target = match.groups()
        if name == "eq":
            return f"({target})"
        if name.startswith("cite"):
            keys = [key.strip() for key in target.split(",")]
            cited.extend(key for key in keys if key not in cited)
            if name == "cite:t":
                return ", ".join(f"{entries[k][0]} ({entries[k][1]})" for k in keys)
            return "(" + "; ".join(f"{entries[k][0]}, {entries[k][1]}" for k in keys) + ")"
        if inner := re.fullmatch(r"(.*?)\s*<(.+)>", target):
            return inner[1]
        return known[target]

    def box(match):
        _, name, title, opts, body = match.groups()
        opts = options(opts)
        if name in ("exercise-end", "solution-end"):
            return ""
        if name == "exercise-start":
            return f"**Exercise** `{opts['label']}`"
        if name == "solution-start":
            return f"**Solution** of `{title}` (try it first)"
        if name == "bibliography":
            return "\n".join(f"- {entries[k][0]} ({entries[k][1]}). *{entries[k][2]}*." for k in cited)
        if name == "figure":
            data = base64.b64encode((ROOT / "book" / title).read_bytes()).decode()
            return f"![{opts.get('alt', '')}](data:image/svg+xml;base64,{data})\n\n{body.strip()}"
        head = title if name == "admonition" else kind(name) + (f" ({title})" if title else "")
        lines = [f"**{head}**", "", *BOX.sub(box, body).strip().split("\n")]
        return "\n".join(f"> {line}".rstrip() for line in lines)

    source = EQUATION.sub(r"$$\n\1\\tag{\2}\n$$", ROLE.sub(role, source))
    while (after := BOX.sub(box, source)) != source:
        source = after
    return source.strip()


def first_cell(package):
    """Return the cell that sees to the module: it installs the package, as pip is to call it."""
    if package:
        how = f'    %pip install --quiet "{package}" scikit-learn'
    else:
        how = (
            "    print(\"Install the module first: pip install '.[plotting]' in a copy of the repository.\")"
        )
    return new_code_cell(
        f"try:\n    import cnninv_lite  # noqa: F401\nexcept ImportError:\n{how}", id="install"
    )


def main(target=TARGET, package=None):
    """Write all copies; return their paths."""
    notebooks = {p.stem: nbformat.read(p, as_version=4) for p in sorted((ROOT / "book").glob("*.ipynb"))}
    known = labels(notebooks)
    entries = bibliography((ROOT / "book" / "references.bib").read_text(encoding="utf8"))
    target.mkdir(parents=True, exist_ok=True)
    for name, nb in notebooks.items():
        cited = []
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = readable(cell.source, known, entries, cited)
        nb.cells = [first_cell(package), *(c for c in nb.cells if c.source)]
        nbformat.validate(nb)
        nbformat.write(nb, target / f"{name}.ipynb")
    return [target / f"{name}.ipynb" for name in notebooks]


if __name__ == "__main__":
    address = repository(ROOT)
    print(*main(package=address and f"cnninv-lite[plotting] @ git+{address}"), sep="\n")
