"""Make slides of each part from the chapters: questions, boxes, figures, summaries; prose becomes the notes.

A figure's headline is the first sentence of its caption; the part ends with its questions of the quiz.

    python tools/slides.py      write _build/slides/*.html

nbconvert writes them as tools/slides.html.j2 says. reveal.js and MathJax come from tools/vendor_js.sh: a deck
needs no network. Proofs stay in the book, where they can be unfolded.
"""

import re
import shutil
import sys
from html import escape

from colab import BOX, EQUATION, ROOT, bibliography, chapters, labels, options, parts, readable
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell, new_notebook

TARGET, VENDOR = ROOT / "_build" / "slides", ROOT / "book" / "assets" / "vendor"
LONG = 560  # characters of a box on one slide; longer ones go on, paragraph by paragraph
QUESTION = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE | re.DOTALL)
QUIZ = re.compile(
    r"^\*\*(\d+)\.\*\* (.*?)\n\n(:::+)\{admonition\} Answer\n:class: \S+ answer\n(.*?)\n\3$", re.M | re.S
)
SUMMARY = re.compile(r"^## Summary\n(.*?)(?=^:::|^## |\Z)", re.MULTILINE | re.DOTALL)


def cell(kind, *lines):
    """Return a cell of the deck: a slide, or the notes to the one before."""
    return new_markdown_cell("\n\n".join(lines), metadata={"slideshow": {"slide_type": kind}})


def slide(head, body, name="", css=""):
    """Return a slide; one with a name can be linked to."""
    return cell("slide", f'## <span id="{name}"></span>{head}', f'<div class="{css}">', body, "</div>")


def pieces(paragraphs, longest=LONG):
    """Join paragraphs to pieces of at most so many characters, if they are not longer themselves.

    A line of a formula with several lines takes the room of a line of text.
    """
    cut, size = [[]], 0
    for paragraph in paragraphs:
        room = len(paragraph) + 60 * paragraph.count(r"\\")
        if cut[-1] and size + room > longest:
            cut.append([])
            size = 0
        cut[-1].append(paragraph)
        size += room
    return ["\n\n".join(piece) for piece in cut]


def picture(shown, text, number):
    """Return the slide of a figure: the first sentence of its caption, which says what to see, is on top."""
    caption = " ".join(text(shown.metadata["mystnb"]["figure"]["caption"]).split())
    first, *rest = re.split(r"(?<=[.?!])\s+(?=[A-Z])", caption, maxsplit=1)
    rest = "".join(rest) if len(caption) <= LONG // 2 else ""
    alt = escape(shown.metadata["mystnb"].get("image", {}).get("alt", ""), quote=True)
    data = next(o["data"]["image/png"] for o in shown.outputs if "image/png" in o.get("data", {})).strip()
    image = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
    return cell(
        "slide", f"## {first}", image, '<div class="caption">', f"*{number}* {rest}".strip(), "</div>"
    )


def slides(name, nb, text, called):
    """Yield the cells of a chapter; `text` turns MyST into plain Markdown, `called` has names of labels."""
    yield slide(called[name], text(QUESTION.search(nb.cells[0].source)[1]), name)
    notes = ""
    for part in nb.cells[1:]:
        deck = []
        if part.cell_type == "code":
            figure = part.metadata.get("mystnb", {}).get("figure")
            if figure and "sliders(" not in part.source:  # the first frame of sliders is the dullest
                deck.append(picture(part, text, called[figure["name"]]))
        else:
            for _, directive, head, opts, body in BOX.findall(part.source):
                if directive.startswith("prf:"):
                    head = re.sub(r" *\{cite:\w+\}`[^`]*`", "", head)
                    label = options(opts)["label"]
                    for i, piece in enumerate(pieces(text(body).split("\n\n"))):
                        more = " (continued)" if i else ""
                        deck.append(slide(f"{called[label]}: {head}{more}", piece, "" if i else label, "box"))
            if found := SUMMARY.search(part.source):
                for i, piece in enumerate(pieces(re.split(r"\n(?=- )", text(found[1]).strip()))):
                    deck.append(slide("Summary" + (" (continued)" if i else ""), piece, css="steps"))
            notes += "\n\n" + text(BOX.sub("", part.source).split("## Summary")[0])
        if deck:
            yield from [*deck, cell("notes", notes.strip())]
            notes = ""


def quiz(part, text):
    """Yield the questions of a part, each with its answer on the next slide: of choices, the right one."""
    found = re.search(
        rf"^## {part}\n(.*?)(?=^## |\Z)", (ROOT / "book" / "quiz.md").read_text("utf8"), re.M | re.S
    )
    for number, question, _, answer in QUIZ.findall(found[1]) if found else []:
        yield slide(f"Question {number}", text(question))
        right = re.search(r"^- (\(\w\)) Right\.? *(.*)", answer, re.M)
        yield slide(
            f"Question {number}: the answer", text(f"{right[1]} {right[2]}" if right else answer), css="box"
        )


def main():
    """Write the decks."""
    if not (VENDOR / "reveal").exists():
        return "reveal.js is missing: run `sh tools/vendor_js.sh` (it needs npm)"
    books, entries = chapters(), bibliography()
    called, _ = labels(books)

    def text(source):
        source = re.sub(r"\{eq\}`[^`]*`", "the equation of the chapter", EQUATION.sub(r"$$\n\1$$", source))
        return readable(source, called, {}, entries, [])

    shutil.rmtree(TARGET, ignore_errors=True)
    for name in ("reveal", "mathjax"):
        shutil.copytree(VENDOR / name, TARGET / "vendor" / name)
    export = SlidesExporter(
        exclude_anchor_links=True,
        extra_template_basedirs=[],
        extra_template_paths=[str(ROOT / "tools")],
        template_file="slides.html.j2",
    )
    for caption, _, names in parts():
        if not caption or not (names := [name for name in names if name in books]):
            continue
        contents = "\n".join(f"- [{called[name]}](#/{name})" for name in names)
        deck = [slide(caption, contents), *(c for n in names for c in slides(n, books[n], text, called))]
        deck += quiz(caption, text)
        path = TARGET / (caption.lower().replace(" ", "_") + ".html")
        page, _ = export.from_notebook_node(new_notebook(cells=deck, metadata={"title": caption}))
        path.write_text(page, encoding="utf8")
        count = sum(c.metadata.slideshow.slide_type == "slide" for c in deck)
        print(f"{caption}, {count} slides: {path.as_uri()}")
    return None


if __name__ == "__main__":
    sys.exit(main())
