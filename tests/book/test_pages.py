"""The built pages, in a browser: what a reader gets, with a mouse, with keys, on a telephone, in the dark."""

import functools
import gzip
import html.parser
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / os.environ.get("PAGES", "_build/html")
AXE = ROOT / "book" / "assets" / "vendor" / "axe.min.js"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if "_static" not in path.parts and "http-equiv=" not in path.read_text(encoding="utf8")[:400].lower()
)
# Other sites that pages may lead to: those of the buttons, the papers that the lists of references name, and
# where the pages themselves are published.
SITES = {"github.com", "mybinder.org", "colab.research.google.com", "doi.org"}
SITES |= {"papers.nips.cc", "proceedings.neurips.cc", "signalprocessingsociety.org"}
SITES.add(urlsplit(os.environ.get("BOOK_URL", "")).netloc)
# What a page may weigh in all, compressed as servers do it: a plain page, and one with sliders.
PLAIN, SLIDING = 1_500_000, 2_000_000
# Rules that the theme's own markup breaks: the names of its search buttons, and parts outside landmarks.
THEME_RULES = {"label-content-name-mismatch", "region"}


class Names(html.parser.HTMLParser):
    """The ids of a page, and the links from all its attributes that hold addresses."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = [], []
        self.feed(path.read_text(encoding="utf8"))

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [
            value or ""
            for name, value in attrs
            if name in ("href", "src", "action", "poster") or (name == "content" and "://" in (value or ""))
        ]


def wrong_links(folder):
    """Return the links of a folder of pages that lead nowhere or to other sites, and ids given twice."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages, wrong = {path.resolve(): Names(path) for path in paths}, []
    for path, page in pages.items():
        where = path.relative_to(folder.resolve()).as_posix()
        wrong += [f"{where}: id {name} is given twice" for name in set(page.ids) if page.ids.count(name) > 1]
        for link in set(page.links):
            parts = urlsplit(link)
            if parts.scheme in ("data", "mailto"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.netloc:
                if parts.netloc not in SITES:
                    wrong.append(f"{where}: another site, {link}")
            elif not target.exists():
                wrong.append(f"{where}: no file for {link}")
            elif parts.fragment and unquote(parts.fragment) not in pages[target].ids:
                wrong.append(f"{where}: no element for {link}")
    return wrong


def test_links_lead_somewhere(need):
    need(PAGES, "there are no built pages: make book")
    wrong = wrong_links(HTML)
    assert not wrong, "\n".join(wrong)


def test_wrong_links_are_noticed(tmp_path):
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html#y"></a><a href="#x"></a><img src="data:,">')
    (tmp_path / "b.html").write_text('<p id="y"><a href="a.html#x"></a><p id="z">')
    assert wrong_links(tmp_path) == []
    (tmp_path / "b.html").write_text(
        '<p id="z"><p id="z"><a href="https://site.invalid/"></a><img src="c.png">'
    )
    assert sorted(wrong_links(tmp_path)) == [
        "a.html: no element for b.html#y",
        "b.html: another site, https://site.invalid/",
        "b.html: id z is given twice",
        "b.html: no file for c.png",
    ]


@pytest.fixture(scope="module", params=PAGES or ["no pages"])
def page(request, site, browser):
    """Open one page, with lists of what was loaded and what went wrong, and wait until scripts are done.

    The widgets' script is held back until the formulas are set: reading does not wait for it.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.wrong, page.files, held = [], set(), []
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: page.wrong.append(f"script error: {error}"))
    page.on("console", lambda line: line.type == "error" and page.wrong.append(f"console: {line.text}"))
    page.on("response", lambda r: r.status >= 400 and page.wrong.append(f"{r.status} for {r.url}"))

    def local_only(route):
        if route.request.url.startswith(site):
            page.files.add(unquote(urlsplit(route.request.url).path).lstrip("/"))
        if "/html-manager/embed.js" in route.request.url:
            held.append(route)
        elif route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            page.wrong.append(f"a request to {route.request.url}")
            route.abort()

    page.route("**/*", local_only)
    page.goto(site + request.param, wait_until="commit")
    page.wait_for_function(  # fails where a script stands between the reader and the text
        """document.querySelector("footer, .footer-content, #search-results") &&
           (!document.querySelector("script[src*=mathjax]") || window.MathJax?.startup?.promise)"""
    )
    page.evaluate("window.MathJax?.startup?.promise")
    for route in held:
        route.continue_()
    page.wait_for_load_state("load")
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    if views:
        page.wait_for_function(f"document.querySelectorAll('.jupyter-widgets.widget-box').length >= {views}")
    page.views = views
    yield page
    page.close()


def test_nothing_goes_wrong_and_nothing_comes_from_elsewhere(page):
    assert not page.wrong, "\n".join(page.wrong)


@functools.cache
def weight(name):
    """Return the bytes that a file takes on its way to a reader."""
    data = (HTML / name).read_bytes()
    return len(data if name.endswith((".png", ".woff", ".woff2")) else gzip.compress(data, 6))


def test_weight(page):
    total = sum(map(weight, page.files))
    heavy = sorted(page.files, key=weight)[-5:]
    assert total > 200_000, "the requests were not seen"
    assert total < (SLIDING if page.views else PLAIN), f"{total:,} bytes, most of them in {heavy}"


def test_maths_is_typeset(page):
    """Every formula is an element of MathJax's, none is an error, and no source shines through."""
    wrong = page.evaluate(
        r"""() => {
            const select = selector => [...document.querySelectorAll(selector)];
            const untouched = select(".math").filter(e => !e.querySelector("mjx-container"));
            const errors = select("mjx-merror, .MathJax_Error");
            const main = (document.querySelector("main") || document.body).cloneNode(true);
            main.querySelectorAll("pre, code, script, style, mjx-container").forEach(e => e.remove());
            const source = main.textContent.match(
                /.{0,40}(\\[()\[\]]|\$|:::|\{(prf|cite|eq|numref|ref|doc)\b|\\[a-zA-Z]{2,}).{0,40}/g) || [];
            return [...untouched, ...errors].map(e => e.textContent.slice(0, 80)).concat(source);
        }"""
    )
    assert not wrong, "\n".join(wrong)


def test_formulas_fit_the_column(page):
    """On paper and on a laptop nobody scrolls a formula."""
    wide = page.evaluate(
        """() => [...document.querySelectorAll("article mjx-container[display=true]")]
            .filter(e => e.scrollWidth > e.clientWidth + 2)
            .map(e => `${e.scrollWidth} px: ${e.closest("section").id}`)"""
    )
    assert not wide, "\n".join(wide)


def test_no_line_starts_with_a_full_stop(page):
    """What stands behind a formula without a space is tied to it."""
    loose = page.evaluate(
        r"""() => [...document.querySelectorAll("article span.math")]
            .filter(e => /^[.,;:!?)]/.test(e.nextSibling?.nodeValue || "") && !e.closest(".unbroken"))
            .map(e => e.parentElement.textContent.slice(0, 80))"""
    )
    assert not loose, "\n".join(loose)


def test_images_have_alt_text(page):
    """Frames that a slider hides count too; a file's name is no text."""
    wrong = page.evaluate(
        r"""() => [...document.querySelectorAll("img")]
            .filter(e => {
                const alt = (e.getAttribute("alt") || "").trim();
                return alt.length < 4 || /^\S+\.(png|svg|jpe?g|gif)$/i.test(alt);
            })
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert not wrong, "\n".join(wrong)


def frame(handle):
    """Return what is shown below a slider."""
    return handle.evaluate(
        """handle => {
            const outer = e => e.parentElement.closest(".widget-vbox");
            let box = handle;
            while (outer(box)) box = outer(box);
            const pictures = [...box.querySelectorAll("img, svg")];
            return pictures.filter(e => e.checkVisibility()).map(e => e.outerHTML).join();
        }"""
    )


def test_sliders_move_with_keys_and_with_the_mouse(page):
    handles = page.locator(".noUi-handle").all()
    assert len(handles) >= page.views
    names = [handle.get_attribute("aria-label") for handle in handles]
    assert len(set(names)) == len(names), f"two sliders have one name: {names}"
    for handle, name in zip(handles, names, strict=True):
        assert name, "a slider's handle has no name"
        size = handle.bounding_box()
        assert min(size["width"], size["height"]) >= 24, f"slider {name} is too small for a finger"
        assert handle.is_visible(), f"slider {name} is hidden"
        handle.scroll_into_view_if_needed()
        handle.focus()
        shown = {}
        for key in ("End", "Home", "ArrowRight"):
            page.keyboard.press(key)
            page.wait_for_timeout(100)
            shown[key] = frame(handle)
        assert all(shown.values()), f"slider {name} shows no frame"
        assert len(set(shown.values())) >= 2, f"slider {name} does not answer to keys"
        assert shown["Home"] != shown["ArrowRight"], f"slider {name} does not answer to the arrow keys"
        assert handle.get_attribute("aria-valuetext"), f"slider {name} does not say its value"

        page.keyboard.press("Home")
        page.wait_for_timeout(100)
        before = frame(handle)
        knob, track = (
            handle.bounding_box(),
            handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]"),
        )
        rail = track.bounding_box()
        page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
        page.mouse.down()
        page.mouse.move(rail["x"] + rail["width"], rail["y"] + rail["height"] / 2, steps=8)
        page.mouse.up()
        page.wait_for_timeout(100)
        assert frame(handle) not in ("", before), f"slider {name} does not answer to the mouse"


def test_sliders_have_a_caption_and_without_scripts_a_picture(page):
    found = page.evaluate(
        """() => {
            const all = (selector) => [...document.querySelectorAll(selector)];
            const inside = (e) => e.closest("figure")?.querySelector("figcaption");
            const views = all('script[type="application/vnd.jupyter.widget-view+json"]');
            const stills = all("noscript").filter((e) => e.textContent.includes("<img alt="));
            return [views.filter(inside).length, stills.filter(inside).length];
        }"""
    )
    assert found == [page.views, page.views]


def test_narrow_page_does_not_overflow(page):
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    widest = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
            .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
            .slice(0, 3).map(e => e.outerHTML.slice(0, 100))"""
    )
    assert overflow <= 0, f"{overflow} px too wide: {widest}"
    cut = page.evaluate(
        """() => [...document.querySelectorAll("article mjx-container:not([display])")]
            .filter(e => !e.closest("td, th, .long") && e.getBoundingClientRect().right > window.innerWidth)
            .map(e => e.closest("p, li, dd, figcaption, div").textContent.slice(0, 80))"""
    )
    assert not cut, "\n".join(cut)


# Contrast depends on colours and sizes alone: axe-core looks at one text of each kind. With the thousands of
# parts of formulas it would take a minute; what screen readers get of a formula stays.
READY_FOR_AXE = """() => {
    document.querySelectorAll("mjx-math").forEach(e => e.replaceChildren("x"));
    document.querySelectorAll("[data-contrast]").forEach(e => e.removeAttribute("data-contrast"));
    const seen = new Set(), behind = new WeakMap();
    const look = e => {
        if (!behind.has(e)) {
            const s = getComputedStyle(e), own = [s.backgroundColor, s.backgroundImage, s.opacity].join();
            const above = e.parentElement ? look(e.parentElement) : "";
            behind.set(e, own === "rgba(0, 0, 0, 0),none,1" ? above : above + own + ";");
        }
        return behind.get(e);
    };
    const speaks = e => e.matches("input, select, textarea") ||
        [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    for (const e of document.body.querySelectorAll("*")) {
        if (!speaks(e) || !e.checkVisibility({visibilityProperty: true})) continue;
        const s = getComputedStyle(e);
        const kind = [s.color, s.fontSize, s.fontWeight, s.textShadow, look(e)].join();
        if (!seen.has(kind)) e.dataset.contrast = "";
        seen.add(kind);
    }
    axe.configure({rules: [{id: "color-contrast", selector: "[data-contrast]"}]});
    return seen.size;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, theme, need):
    """The last tests of a page, as they take its formulas apart. In the dark only colours change."""
    need(AXE.exists(), "axe-core is not there: make clean, and make book where npm is installed")
    if page.viewport_size["width"] != 1280:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.wait_for_timeout(1000)  # until the theme has found anew what scrolls
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    page.wait_for_timeout(300)
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=str(AXE))
    assert page.evaluate(READY_FOR_AXE) > 5
    only = "" if theme == "light" else ", runOnly: ['color-contrast']"
    found = page.evaluate(f"axe.run({{resultTypes: ['violations']{only}}})")
    wrong = [
        f"{rule['id']} ({rule['help']}): {node['html'][:160]} {node.get('failureSummary', '')[:240]}"
        for rule in found["violations"]
        if rule["id"] not in THEME_RULES
        for node in rule["nodes"]
    ]
    assert not wrong, "\n".join(wrong)
