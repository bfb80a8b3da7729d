"""Make slides of each part from the chapters: questions, boxes, figures, summaries.

    python tools/slides.py      write _build/slides/*.html, look at them, fail where a slide overflows

The texts and pictures are those of the notebooks. reveal.js and MathJax come from tools/vendor_js.sh: a deck
needs no network. Proofs stay in the book, where they can be unfolded.
"""

import re
import shutil
import sys
from html import escape
from itertools import count
from pathlib import Path

import nbformat
from nbconvert.filters.markdown_mistune import markdown2html_mistune as to_html

sys.path.insert(0, str(Path(__file__).parent))
from colab import BOX, ROOT, bibliography, kind, labels, options, readable

TARGET, VENDOR = ROOT / "_build" / "slides", ROOT / "book" / "assets" / "vendor"
PAGE = (Path(__file__).parent / "slides.html").read_text(encoding="utf8")
LONG = 560  # characters of a box on one slide; longer ones go on, paragraph by paragraph


def parts():
    """Return the parts of the book that hold chapters: caption -> names of the notebooks."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf8")
    found = {}
    for caption, body in re.findall(r"- caption: ([^\n]*)\n(.*?)(?=\n  - caption|\Z)", toc, re.DOTALL):
        names = [n for n in re.findall(r"file: book/(\w+)", body) if (ROOT / f"book/{n}.ipynb").exists()]
        if names:
            found[caption] = names
    return found


def numbers(notebooks):
    """Return the numbers that boxes and figures have on the pages: label -> "5.6"."""
    toc, found = (ROOT / "_toc.yml").read_text(encoding="utf8"), {}
    numbered = "".join(part for part in toc.split("- caption:") if "numbered:" in part)
    for chapter, name in enumerate(re.findall(r"file: book/(\w+)", numbered), 1):
        boxes, figures = count(1), count(1)
        for cell in notebooks[name].cells:
            for _, directive, _, opts, _ in BOX.findall(cell.source) if cell.cell_type == "markdown" else ():
                if directive.startswith("prf:"):
                    found[options(opts)["label"]] = f"{chapter}.{next(boxes)}"
                elif directive == "figure":
                    found[options(opts)["name"]] = f"{chapter}.{next(figures)}"
            if figure := cell.get("metadata", {}).get("mystnb", {}).get("figure"):
                found[figure["name"]] = f"{chapter}.{next(figures)}"
    return found


def unnumbered(source):
    """Leave out the numbers of equations, which stand on other slides or on none."""
    source = re.sub(r"^(\$\$) *\([\w-]+\) *$", r"\1", source, flags=re.MULTILINE)
    return re.sub(r"\{eq\}`[^`]*`", "the equation of the chapter", source)


def section(head, body, css="", name=""):
    """Write one slide from Markdown; one with a name can be linked to."""
    at = f' id="{name}"' if name else ""
    return f'<section{at}><h2>{escape(head)}</h2><div class="{css}">{to_html(body)}</div></section>'


def pieces(text):
    """Cut a text between paragraphs into pieces of at most about LONG characters."""
    cut = [""]
    for paragraph in re.split(
        r"\n\s*\n(?=(?:[^$]|\$[^$])*(?:\$\$(?:[^$]|\$[^$])*\$\$(?:[^$]|\$[^$])*)*\Z)", text.strip()
    ):
        if cut[-1] and len(cut[-1]) + len(paragraph) > LONG:
            cut.append("")
        cut[-1] += paragraph + "\n\n"
    return cut


def picture(cell, text, number):
    """Write the slide of a figure: its caption, or of a long one the first sentence, with its number."""
    figure = cell.metadata["mystnb"]["figure"]
    alt = escape(cell.metadata["mystnb"].get("image", {}).get("alt", ""), quote=True)
    data = [o["data"]["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
    if not data:
        return ""
    caption = " ".join(text(figure["caption"]).split())
    if len(caption) > LONG // 2:
        caption = re.split(r"(?<=[.?!])\s+(?=[A-Z])", caption)[0]
    caption = f"*Fig. {number}*: {caption}" if number else caption
    return (
        f'<section><img alt="{alt}" src="data:image/png;base64,{data[0].strip()}">'
        f'<div class="caption">{to_html(caption)}</div></section>'
    )


def title(nb):
    """Return the title of a chapter."""
    return re.search(r"^# (.+)", nb.cells[0].source, re.MULTILINE)[1]


def slides(nb, name, text, number):
    """Write the slides of a chapter; `text` turns MyST into plain Markdown, `number` has those of labels."""
    question = re.search(r"^\*\*(.+?)\*\*", nb.cells[0].source, re.MULTILINE | re.DOTALL)[1]
    yield section(title(nb), text(question), name=name)
    for cell in nb.cells:
        if cell.cell_type == "code":
            if figure := cell.get("metadata", {}).get("mystnb", {}).get("figure"):
                yield picture(cell, text, number.get(figure["name"]))
            continue
        for _, directive, head, opts, body in BOX.findall(cell.source):
            if directive.startswith("prf:"):
                head = re.sub(r" *\{cite:\w+\}`[^`]*`", "", head)
                label = options(opts)["label"]
                for i, piece in enumerate(pieces(text(body))):
                    called = f"{kind(directive)} {number[label]}: {head}{' (continued)' if i else ''}"
                    yield section(called, piece, "box", name="" if i else label)
        if found := re.search(r"^## Summary\n(.*?)(?=^:::|^## |\Z)", cell.source, re.MULTILINE | re.DOTALL):
            bullets = re.split(r"\n(?=- )", text(found[1]).strip())
            for i in range(0, len(bullets), 3):
                yield section("Summary" + (" (continued)" if i else ""), "\n".join(bullets[i : i + 3]))


def overflowing(path, browser):
    """Return what is wrong with a deck: slides that do not fit, raw directives, requests to others."""
    page, wrong = browser.new_page(viewport={"width": 1280, "height": 720}), []
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on(
        "request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(f"a request to {r.url}")
    )
    page.goto(path.as_uri())
    page.evaluate("MathJax.startup.promise")
    for i in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({i})")
        page.evaluate("fit()")
        low, wide, words = page.evaluate(
            """() => {
                const s = Reveal.getCurrentSlide(), edge = c => c.getBoundingClientRect();
                const low = Math.max(...[...s.children].map(c => edge(c).bottom));
                const parts = [...s.querySelectorAll('p, li, img, mjx-math')];
                return [low, Math.max(...parts.map(c => edge(c).right)), s.innerText];
            }"""
        )
        if low > 720 or wide > 1280:
            wrong.append(f"slide {i + 1} reaches to {wide:.0f} x {low:.0f}: {words[:60]!r}")
        if re.search(r":::|\{(prf|numref|cite|doc|ref|eq)\b|\$\$|MathJax|Math input error", words):
            wrong.append(f"slide {i + 1} has raw text: {words[:200]!r}")
    page.close()
    return [f"{path.name}: {line}" for line in wrong]


def main():
    """Write the decks; look at each slide where Chromium is installed."""
    if not (VENDOR / "reveal").exists():
        return "reveal.js is missing: run `sh tools/vendor_js.sh` (it needs npm)"
    notebooks = {p.stem: nbformat.read(p, as_version=4) for p in sorted((ROOT / "book").glob("*.ipynb"))}
    known, entries = (
        labels(notebooks),
        bibliography((ROOT / "book/references.bib").read_text(encoding="utf8")),
    )
    plain = {label: re.sub(r"\[(.*?)\]\(.*?\)", r"\1", called) for label, called in known.items()}
    number = numbers(notebooks)
    for label in number:
        word = plain[label].split()[0]  # "Theorem", or "the" of "the figure"
        plain[label] = f"{'Fig.' if word == 'the' else word} {number[label]}"

    def text(source):
        return readable(unnumbered(source), plain, entries, [])

    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for name in ("reveal", "mathjax"):
        shutil.copytree(VENDOR / name, TARGET / "vendor" / name)
    for caption, names in parts().items():
        contents = "\n".join(f"- [{title(notebooks[name])}](#/{name})" for name in names)
        deck = [section(caption, contents)]
        for name in names:
            deck += slides(notebooks[name], name, text, number)
        path = TARGET / (caption.lower().replace(" ", "_") + ".html")
        path.write_text(
            PAGE.replace("{title}", escape(caption)).replace("{slides}", "\n".join(filter(None, deck))),
            encoding="utf8",
        )
        print(f"{caption}, {len(deck)} slides: {path.as_uri()}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("Chromium is not installed: the slides were not looked at")
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        wrong = [line for path in sorted(TARGET.glob("*.html")) for line in overflowing(path, browser)]
        browser.close()
    return "\n".join(wrong) or None


if __name__ == "__main__":
    sys.exit(main())
