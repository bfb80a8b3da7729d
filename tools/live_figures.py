"""Sphinx extension: live figures (cnninv_lite/book/live.py) on the built pages.

- MyST-NB learns their type: a still picture for readers without scripts, and the state of the figure as JSON.
- Their scripts are written as classic ones that hold a module's text, since a page that was opened as a file
  may load no modules; book/assets/live-loader.js starts them. Pages without live figures load none of them.
"""

import json
import os
import re
from html import escape
from importlib.resources import files
from pathlib import Path

from cnninv_lite.book import live


class Renderer:
    """What MyST-NB asks about types of outputs that it does not know."""

    mime_priority_overrides = tuple((builder, live.LIVE, 1) for builder in ("html", "dirhtml", "singlehtml"))

    @staticmethod
    def handle_mime(renderer, data, inline):
        """Return the nodes of a live figure; None for other types."""
        from docutils import nodes

        if data.mime_type != live.LIVE:
            return None
        state = json.dumps(data.content["state"], sort_keys=True).replace("<", "\\u003c")
        opening = f'<div class="live" data-live="{escape(data.content["module"])}"><div class="live-still">'
        closing = f'</div><script type="application/json">{state}</script></div>'
        return [nodes.raw("", html, format="html") for html in (opening, closing)]


def add_stills(app, doctree):
    """Put the picture of each live figure inside it."""
    from docutils import nodes

    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        kinds = {child["mime_type"]: child for child in bundle.children}
        if live.LIVE in kinds:
            kinds[live.LIVE][1:1] = [child.deepcopy() for child in kinds["image/png"].children]


def write_scripts(app):
    """Write each module as a classic script; before the pages, where Sphinx adds checksums to addresses."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "live"
    target.mkdir(parents=True, exist_ok=True)
    for path in files(live.__package__).joinpath("js").iterdir():
        if (name := path.name.removesuffix(".js")) not in ("common", path.name):
            text = json.dumps(live.source(name), ensure_ascii=False)
            script = f"(window.liveModules ||= {{}})[{json.dumps(name)}] = {text};\n"
            (target / path.name).write_text(script, encoding="utf8")


def add_scripts(app, pagename, templatename, context, doctree):
    """Load the loader, and the scripts of the live figures that a page has."""
    names = sorted(set(re.findall(r'data-live="(\w+)"', context.get("body", ""))))
    for file in [f"live/{name}.js" for name in names] + ["live-loader.js"] * bool(names):
        app.add_js_file(file, loading_method="defer")


def setup(app):
    """Connect the functions above to the build."""
    from myst_nb.core import render

    os.environ["CNNINV_PAGES"] = "1"  # the kernels of the build inherit it
    render.load_mime_renders = lambda: [Renderer]
    app.connect("builder-inited", write_scripts)
    app.connect("doctree-read", add_stills, priority=100)  # before Sphinx collects the images
    app.connect("html-page-context", add_scripts, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
