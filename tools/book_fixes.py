"""Sphinx extension: what the book's configuration must find out when it is built.

- MathJax and the widgets' script come from the book itself if tools/vendor_js.sh fetched them, else from a
  public address.
- Links to the repository, and the pages' own address, appear where they are known: from the git remote or the
  CI's variables, and from the variable ``BOOK_URL``. None is made up; without them the buttons are left out.
- The index has the terms of book/index.toml, each with a link to where it is introduced, and stands in the
  table of contents. A term whose place is gone is a warning, which fails the build.
- Under each statement that a machine has checked stands, folded, what it has checked, as it is in proofs/.
- Exercises and the quiz can be answered in the page: pages with any get answers.js and the sealed answers.
- Sliders show their first frame where scripts are off.
- A formula and the full stop behind it stay on one line.
- What widgets need comes after the text, and their names are the same in each build.
- The PDF is offered where tools/pdf.py has made it.
- Scripts that an extension adds twice are added once; the bibliography is marked up as the list that it is.
"""

import ast
import json
import os
import re
import subprocess
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path

PDF = "_build/book.pdf"
COPIES = "colab"  # the branch to which the copies for Colab are published
CDN = "https://cdn.jsdelivr.net/npm/"
MATHJAX = ("vendor/mathjax/tex-chtml-full.js", CDN + "mathjax@3.2.2/es5/tex-chtml-full.js")
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGETS = ("vendor/html-manager/embed.js", CDN + "@jupyter-widgets/html-manager@1.0.15/dist/embed.js")


def repository(root):
    """Return the address of the repository on GitHub, or None."""
    if "GITHUB_REPOSITORY" in os.environ:
        return (
            f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ['GITHUB_REPOSITORY']}"
        )
    try:
        command = ["git", "-C", str(root), "remote", "get-url", "origin"]
        remote = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git
        return None
    found = re.fullmatch(r"(?:https://|ssh://git@|git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?", remote)
    return found and f"https://github.com/{found[1]}"


def configure(app, config):
    """Set the addresses, before other extensions read them."""
    local, public = 0, 1
    where = local if (Path(app.srcdir) / "book/assets" / MATHJAX[local]).exists() else public
    config.mathjax_path = MATHJAX[where]
    config.nb_ipywidgets_js = {WIDGETS[where]: {"async": "async"}}  # the text does not wait for it
    if (Path(app.srcdir) / PDF).exists():
        config.html_extra_path = [PDF]
    if url := repository(app.srcdir):
        config.html_theme_options |= {
            "repository_url": url,
            "repository_branch": "main",
            "use_repository_button": True,
            "use_issues_button": True,
            "use_edit_page_button": True,
        }
        if url.startswith("https://github.com/"):
            config.html_theme_options["launch_buttons"] = {
                "notebook_interface": "jupyterlab",
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
            }
    if url := os.environ.get("BOOK_URL"):
        config.html_baseurl = config.ogp_site_url = url
        config.ogp_site_name = config.project
        config.ogp_social_cards = {"enable": False}


def index_terms(root):
    """Return the terms of the index: term -> list of its places, labels or "chapter: words"."""
    terms = tomllib.loads((Path(root) / "book" / "index.toml").read_text(encoding="utf8"))
    return {term: [places] if isinstance(places, str) else places for term, places in terms.items()}


def place(doctree, docname, target):
    """Return the id of the element of a page that a place of the index means, or None."""
    from docutils import nodes

    page, _, words = target.partition(": ")
    if not words:
        return next((target for node in doctree.findall(nodes.Element) if target in node["ids"]), None)
    if docname == f"book/{page}":
        for node in doctree.findall(lambda n: isinstance(n, nodes.title | nodes.paragraph | nodes.term)):
            if words in " ".join(node.astext().split()):
                owner = node.parent if isinstance(node, nodes.title) else node
                if not owner["ids"]:
                    owner["ids"].append(nodes.make_id(f"index-{words}"))
                return owner["ids"][0]
    return None


def fill_index(app, doctree):
    """Add the entries that point to this page, as {index} directives do; list the index in the contents."""
    from sphinx import addnodes

    docname = app.env.docname
    entries = app.env.get_domain("index").entries.setdefault(docname, [])
    for term, targets in index_terms(app.srcdir).items():
        found = filter(None, (place(doctree, docname, target) for target in targets))
        entries += [("single", term, at, "", None) for at in found]
    if docname == app.config.root_doc and (contents := list(doctree.findall(addnodes.toctree))):
        contents[-1]["entries"].append((None, "genindex"))


def check_index(app, env):
    """Warn of places that no page has."""
    from sphinx.util import logging

    placed = Counter(entry[1] for entries in env.get_domain("index").entries.values() for entry in entries)
    for term, targets in index_terms(app.srcdir).items():
        if placed[term] < len(targets):
            logging.getLogger(__name__).warning(
                "book/index.toml: of the places of %r no page has %d: %s",
                term,
                len(targets) - placed[term],
                ", ".join(targets),
            )


def add_formal_statements(app, doctree):
    """Put under each box of this page, folded, the theorems of proofs/ that the ledger names."""
    from docutils import nodes

    import proofs

    if app.builder.format != "html":  # paper does not fold
        return
    rows = tomllib.loads((Path(app.srcdir) / "book" / "ledger.toml").read_text(encoding="utf8"))
    boxes = {label: node for node in doctree.findall(nodes.Element) for label in node["ids"]}
    for label in [label for label, row in rows.items() if "formal" in row and label in boxes]:
        fold = nodes.admonition(classes=["dropdown", "formal"])
        fold += nodes.title("", "Checked: formal statement")
        for name in rows[label]["formal"]:
            sentence, statement = proofs.statement(name)
            fold += nodes.paragraph("", sentence)
            fold += nodes.literal_block(statement, statement, language="text")
        box = boxes[label]
        box.parent.insert(box.parent.index(box) + 1, fold)


def add_stills(app, doctree):
    """Put the picture of sliders beside them, for readers without scripts."""
    from docutils import nodes

    for bundle in doctree.findall(nodes.container):
        outputs = {
            child.get("mime_type"): child for child in bundle.children if isinstance(child, nodes.container)
        }
        if bundle.get("nb_element") == "mime_bundle" and {WIDGET, "image/png"} <= outputs.keys():
            still = [child.deepcopy() for child in outputs["image/png"].children]
            marks = (nodes.raw("", f"<{end}noscript>", format="html") for end in ("", "/"))
            outputs[WIDGET] += [next(marks), *still, next(marks)]


def part_names(call):
    """Return the names of an answer's parts in a call of `check`, as in check("ex-a", (n, bound, "..."))."""
    parts = ast.parse(call, mode="eval").body.args[1]
    parts = parts.elts if isinstance(parts, ast.Tuple) else [parts]
    others = ["answer"] if len(parts) == 1 else [f"part {i}" for i in range(1, len(parts) + 1)]
    return [
        part.id.replace("_", " ") if isinstance(part, ast.Name) else other
        for part, other in zip(parts, others, strict=True)
    ]


def answerable(doctree):
    """Return what answers.js needs: label -> entry of exercises.json, with the names of the parts."""
    from docutils import nodes

    stored = json.loads(files("cnninv_lite.book").joinpath("exercises.json").read_text(encoding="utf8"))
    found = {}
    for box in doctree.findall(nodes.Element):
        for label in filter(stored.get, box["ids"]):
            calls = (text.astext() for text in box.findall(nodes.literal))
            call = next(call for call in calls if call.startswith(f'check("{label}"'))
            found[label] = stored[label] | {"names": part_names(call)}
    return found


def add_answers(app, pagename, templatename, context, doctree):
    """Add answers.js to pages with exercises that have answers, or with choices."""
    entries = answerable(doctree) if doctree else {}
    if entries:
        sealed = json.dumps(entries).replace("<", "\\u003c")
        context["body"] += f'<script type="application/json" id="exercise-answers">{sealed}</script>'
    if entries or "<li><p>(a)" in context.get("body", ""):
        app.add_js_file("answers.js", loading_method="defer")


def keep_stops(app, doctree):
    """Tie marks such as full stops to the formulas before them: browsers would break the line between."""
    from docutils import nodes

    for formula in list(doctree.findall(nodes.math)) if app.builder.format == "html" else []:
        parent = formula.parent
        at = parent.index(formula)
        after = parent[at + 1] if at + 1 < len(parent) else None
        if isinstance(after, nodes.Text) and (marks := re.match(r"[^\s\w(\[–]+", after)):
            tied = nodes.inline("", "", formula, nodes.Text(marks[0]), classes=["unbroken"])
            parent[at : at + 2] = [tied, nodes.Text(after[marks.end() :])]


def numbered(text, state):
    """Return a text with numbers for the random names of widgets, which a state has in their order."""
    number = {name: f"widget-{i}" for i, name in enumerate(json.loads(state)["state"])}
    return re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", lambda name: number.get(name[0], name[0]), text)


def repair_page(app, pagename, templatename, context, doctree):
    """Put the state of widgets behind the text; repair scripts and markup of extensions; offer the PDF."""
    kept, seen = [], set()
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        body = attributes.get("body")
        if attributes.get("type") == WIDGET_STATE:
            script = f'<script type="{WIDGET_STATE}">{body}</script>'
            context["body"] = numbered(context["body"] + script, body)
        elif not (body and body in seen):  # sphinx-thebe repeats its own
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept
    for group in context.get("header_buttons", []):  # Colab opens the copies of tools/colab.py
        if group.get("label") == "download-buttons" and app.config.html_extra_path:
            book = {"url": context["pathto"](Path(PDF).name, 1), "text": "The book as .pdf", "type": "link"}
            book |= {
                "tooltip": "Download the whole book",
                "icon": "fas fa-book",
                "label": "download-book-button",
            }
            group["buttons"].append(book)
        for button in group.get("buttons", []) if group.get("label") == "launch-buttons" else []:
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace("/blob/main/", f"/blob/{COPIES}/")
            elif button.get("text") == "Binder":
                button["text"] = "JupyterLab on Binder"
    if "body" in context:
        body = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')  # in a list
        context["body"] = re.sub(r' id="(proof|exercise|solution)-content"', "", body)  # of many boxes


def plain_docstring(app, what, name, obj, opts, lines):
    """Keep formulas as they are: |x| is no substitution, (K, *n) no emphasis, M_ no reference."""
    special = re.compile(r"``.*?``|`[^`]*`|([|*]|(?<=\w)_(?=\W|$))")
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = special.sub(lambda m: "\\" * bool(m[1]) + m[0], line)


def setup(app):
    """Connect the functions above to the build; merge streams without the line breaks that MyST-NB adds."""
    from myst_nb.core import render
    from notebooks import merge_streams

    render.coalesce_streams = merge_streams  # how the kernel cuts a stream depends on timing
    if os.environ.get("BOOK_URL"):  # social cards need the pages' address
        app.setup_extension("sphinxext.opengraph")
    app.connect("config-inited", configure, priority=1)
    app.connect("doctree-read", fill_index, priority=100)  # before the contents are collected
    app.connect("doctree-read", add_formal_statements, priority=100)
    app.connect("doctree-read", add_stills, priority=100)  # before the images are collected
    app.connect("doctree-read", keep_stops, priority=900)  # after the table of contents has copied its titles
    app.connect("env-check-consistency", check_index)
    app.connect("html-page-context", add_answers)
    app.connect("html-page-context", repair_page, priority=900)
    app.connect("autodoc-process-docstring", plain_docstring, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
