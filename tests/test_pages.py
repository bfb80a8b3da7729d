"""The built pages, in a browser: what a reader gets, with a mouse, with keys, on a telephone, in the dark."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
AXE = ROOT / "book" / "assets" / "vendor" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if "_static" not in path.parts and "http-equiv=" not in path.read_text(encoding="utf8")[:400].lower()
)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Rules that the theme's own markup breaks: the names of its search buttons, and parts outside landmarks.
THEME_RULES = {"label-content-name-mismatch", "region"}


def need(thing, reason):
    """Skip the tests where a tool is missing; in CI nothing is skipped."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files, and be quiet about it."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    """Serve the built pages on this machine; return their address."""
    need(PAGES, "there are no built pages: make book")
    need((HTML / "_static" / "vendor" / "mathjax").exists(), "the pages were built without npm's scripts")
    handler = functools.partial(Handler, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """Start Chromium."""
    need(CHROMIUM, "Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=PAGES or ["no pages"])
def page(request, site, browser):
    """Open one page, with a list of all that went wrong on the way, and wait until scripts are done."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.wrong = []
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: page.wrong.append(f"script error: {error}"))
    page.on("console", lambda line: line.type == "error" and page.wrong.append(f"console: {line.text}"))
    page.on("response", lambda r: r.status >= 400 and page.wrong.append(f"{r.status} for {r.url}"))

    def local_only(route):
        if route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            page.wrong.append(f"a request to {route.request.url}")
            route.abort()

    page.route("**/*", local_only)
    page.goto(site + request.param, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    if views:
        page.wait_for_function(f"document.querySelectorAll('.jupyter-widgets.widget-box').length >= {views}")
    page.views = views
    yield page
    page.close()


def test_nothing_goes_wrong_and_nothing_comes_from_elsewhere(page):
    assert not page.wrong, "\n".join(page.wrong)


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
    for handle in handles:
        name = handle.get_attribute("aria-label")
        assert name, "a slider's handle has no name"
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, theme):
    need(AXE.exists(), "axe-core is not there: make clean, and make book where npm is installed")
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    page.wait_for_timeout(300)
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    wrong = [
        f"{rule['id']} ({rule['help']}): {node['html'][:160]} {node.get('failureSummary', '')[:240]}"
        for rule in found["violations"]
        if rule["id"] not in THEME_RULES
        for node in rule["nodes"]
    ]
    assert not wrong, "\n".join(wrong)


def test_narrow_page_does_not_overflow(page):
    """The last test of a page, as it changes its width."""
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
