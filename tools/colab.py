"""Write copies of the chapters for viewers that do not know MyST, such as Colab, to _build/colab/book.

Boxes become quoted Markdown, references become the numbers of the pages with links to the copies, citations
become names and years. The first cell installs the module where it is missing; without the repository's
address it says how to do so.
"""

import base64
import re
from collections import Counter
from pathlib import Path

import nbformat
import yaml
from book_fixes import repository

ROOT = Path(__file__).resolve().parent.parent
BOOK, TARGET = ROOT / "book", ROOT / "_build" / "colab" / "book"
BOX = re.compile(
    r"^(:{3,})\{([\w:-]+)\}[ \t]*([^\n]*)\n((?::[\w-]+:[^\n]*\n)*)(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL
)
ROLE = re.compile(r"\{(prf:ref|ref|numref|eq|doc|cite:[pt])\}`([^`]+)`")
EQUATION = re.compile(r"^\$\$[ \t]*\n(.*?)^\$\$[ \t]*\(([\w-]+)\)[ \t]*$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^# (.+)", re.MULTILINE)


def parts():
    """Return the parts of the book as (caption, whether chapters are numbered, names of the pages)."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    first = {"chapters": [{"file": toc["root"]}]}
    return [
        (part.get("caption"), "numbered" in part, [Path(page["file"]).name for page in part["chapters"]])
        for part in (first, *toc["parts"])
    ]


def chapters():
    """Return the chapters in the order of the table of contents: name -> notebook."""
    names = (name for _, _, pages in parts() for name in pages)
    return {n: nbformat.read(p, as_version=4) for n in names if (p := BOOK / f"{n}.ipynb").exists()}


def options(text):
    """Return a directive's options as a dictionary."""
    return dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", text, re.MULTILINE))


def kind(name):
    """Return the word that a reader knows a directive by: Theorem for prf:theorem."""
    return name.removeprefix("prf:").removesuffix("-start").capitalize()


def labelled(nb):
    """Yield what has a label in a chapter, in its order: the kind and the label of boxes and figures."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            for _, directive, _, opts, _ in BOX.findall(cell.source):
                if label := options(opts).get("label") or options(opts).get("name"):
                    yield directive, label
        elif label := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"):
            yield "figure", label


def labels(books):
    """Return what references call each label, with the numbers of the pages, and the chapters they are in."""
    called = {page.stem: TITLE.search(page.read_text(encoding="utf8"))[1] for page in BOOK.glob("*.md")}
    numbered = [name for _, counts, names in parts() if counts for name in names]
    home = {}
    for name, nb in books.items():
        called[name], count = TITLE.search(nb.cells[0].source)[1], Counter()
        for directive, label in labelled(nb):
            home[label] = name
            counter = "Fig." if directive == "figure" else "box" if directive.startswith("prf:") else None
            word = counter if counter == "Fig." else kind(directive)
            if counter and name in numbered:
                count[counter] += 1
                called[label] = f"{word} {numbered.index(name) + 1}.{count[counter]}"
            else:
                called[label] = f"{word} `{label}`"
    return called, home | {name: name for name in books}


def bibliography():
    """Return each entry of the bibliography as (authors, year, title)."""
    text, entries = (BOOK / "references.bib").read_text(encoding="utf8"), {}
    for key, body in re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        found = dict(re.findall(r"\b(author|year|title)\s*=\s*\{(.*?)\},?\s*$", body, re.MULTILINE))
        field = {name: re.sub(r"[{}]", "", value) for name, value in found.items()}
        names = [author.split(",")[0] for author in field["author"].split(" and ")]
        short = names[0] + " et al." if len(names) > 2 else " and ".join(names)
        entries[key] = (short, field.get("year", ""), field["title"])
    return entries


def readable(source, called, home, entries, cited):
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
        return f"[{called[target]}]({home[target]}.ipynb)" if target in home else f"*{called[target]}*"

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
            data = base64.b64encode((BOOK / title).read_bytes()).decode()
            return f"![{opts.get('alt', '')}](data:image/svg+xml;base64,{data})\n\n{body.strip()}"
        head = called.get(opts.get("label"), kind(name)) + (f" ({title})" if title else "")
        quoted = f"**{title if name == 'admonition' else head}**\n\n{BOX.sub(box, body).strip()}"
        return "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))

    source = EQUATION.sub(r"$$\n\1\\tag{\2}\n$$", ROLE.sub(role, source))
    while (after := BOX.sub(box, source)) != source:
        source = after
    return source.strip()


def first_cell(package, nb=None):
    """Return the cell that sees to the module: it installs the package, as pip is to call it.

    Where the notebook needs trained networks the cell fetches them, too.
    """
    how = f'%pip install --quiet "{package}"'
    if not package:
        how = "print(\"Install the module first: pip install '.[book]' in a copy of the repository.\")"
    wanted = "import cnninv_lite, ipywidgets, matplotlib, skimage, sklearn  # noqa: E401, F401"
    source = f"try:\n    {wanted}\nexcept ImportError:\n    {how}"
    code = [cell.source for cell in nb.cells if cell.cell_type == "code"] if nb else []
    if any(re.search(r"\b(vgg16|crepe)\(", cell) for cell in code):
        source += "\nfrom cnninv_lite.book.fetch import fetch\n\nfetch()"
    return nbformat.v4.new_code_cell(source, id="install", metadata={"tags": ["remove-cell"]})


def main(target=TARGET, package=None):
    """Write all copies; return their paths."""
    books, entries = chapters(), bibliography()
    called, home = labels(books)
    target.mkdir(parents=True, exist_ok=True)
    for name, nb in books.items():
        cited = []
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = readable(cell.source, called, home, entries, cited)
        nb.cells = [first_cell(package, nb), *(cell for cell in nb.cells if cell.source)]
        nbformat.validate(nb)
        nbformat.write(nb, target / f"{name}.ipynb")
    return [target / f"{name}.ipynb" for name in books]


if __name__ == "__main__":
    address = repository(ROOT)
    main(package=address and f"cnninv-lite[book] @ git+{address}")
    print(f"{len(list(TARGET.glob('*.ipynb')))} copies for Colab are in {TARGET.relative_to(ROOT)}")
