"""The live figures: their numbers are the module's, and they answer to a mouse, a finger and keys."""

import base64
import functools
import gzip
import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnninv_lite import BlockModel, FilterBank, dct_filters, gaussian_filters, gram, iht, max_pool, unpool

live = pytest.importorskip("cnninv_lite.book.live")

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / os.environ.get("PAGES", "_build/html")
NAMES = sorted(path.stem for path in (ROOT / "cnninv_lite/book/js").glob("*.js") if path.stem != "common")
LOADER = (ROOT / "book/assets/live-loader.js").read_text(encoding="utf8")
CLOSE = 1e-5
RNG = np.random.default_rng(0)
SHAPES = gaussian_filters(3, 1, 12, rng=0)
GAME = FilterBank(gaussian_filters(10, 6, 5, rng=0), (6, 16)).normalized()
NOTES = (0, 4, 7, 12, 5, 9, 14, 17, 2, 11, 16, 19, 21, 24, 23)
TUNE = [(i, 2 + 6 * c, 1 - 0.03 * c) for c, i in enumerate(NOTES)]
SIZES = {"K": 25, "ell": 1600, "stride": 80, "D": 9600, "rate": 4000, "low": 196, "k": len(TUNE)}
PICTURES = RNG.integers(0, 256, (2, 40, 40)).astype(np.uint8)
BANKS = {
    "random": gaussian_filters(64, 1, (8, 8), rng=0),
    "cosine": dct_filters(64, 1, (8, 8)),
    "VGG-16": RNG.standard_normal((64, 1, 3, 3)),  # of its size; the book's page takes the trained ones
}
SETTING = {"picture": "one", "other": "two", "bank": "random", "K": 64, "window": 8, "places": "known"}
STATES = {
    "layer": {
        "names": ["one", "two"],
        "pictures": live.packed(PICTURES),
        "banks": {name: live.packed(w) for name, w in BANKS.items()},
        "setting": SETTING | {"per_band": True},
    },
    "painting": {
        "filters": live.packed(SHAPES),
        "D": 50,
        "places": [4, 24, 10],
        "values": [1, -0.8, 0.7],
    },
    "adversary": {
        "filters": live.packed(GAME.filters),
        "D": 16,
        "counts": [10, 80, 10],
        "edges": [0.5, 0.8, 1.2, 1.6],
        "found": [[0, 2, 0.5], [2, 0, -0.5], [7, 0, 0.5], [9, 0, 0.5]],
        "start": [[0, 1, 1.0], [3, 4, 1.0], [5, 7, 1.0], [8, 10, 1.0]],
        "beat": 1.3,
    },
    "melody": {"sizes": SIZES, "tunes": [TUNE]},
}


def html(name):
    """Return a page with one live figure, as tools/live_figures.py puts it on the book's."""
    modules = json.dumps({name: live.source(name)}).replace("</", "<\\/")
    return (
        '<!doctype html><html lang="en" data-theme="light"><title>A live figure</title><body>'
        f'<div class="live" data-live="{name}"><div class="live-still">still</div>'
        f'<script type="application/json">{json.dumps(STATES[name])}</script></div>'
        f"<script>window.liveModules = {modules}; {LOADER}</script>"
    )


@pytest.fixture
def show(browser, tmp_path):
    """Return what opens a live figure from a file; nothing may be asked of any host."""
    contexts, wrong = [], []

    def show(name, width=1000, theme="light"):
        path = tmp_path / f"{name}.html"
        path.write_text(html(name), encoding="utf8")
        context = browser.new_context(viewport={"width": width, "height": 1400}, has_touch=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.on("console", lambda entry: entry.type == "error" and wrong.append(entry.text))
        page.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:", "blob:")) or wrong.append(asked.url),
        )
        page.goto(path.as_uri())
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_function("document.querySelector('.live').dataset.started")
        assert page.locator(".live").get_attribute("data-started") == "yes", wrong
        assert page.locator(".live-still").is_hidden()
        return page

    yield show
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def result(page, *names):
    """Return arrays of the result that a figure shows."""
    found = page.evaluate(
        """names => { const r = document.querySelector('.live-figure').result;
                      return names.map(name => r[name].length ? Array.from(r[name]) : r[name]); }""",
        list(names),
    )
    return [np.array(each) for each in found]


# The pictures compared are not of whole numbers: with symmetric filters those have equal hidden units, and
# rounding decides which of them is kept.
FINE = [picture - picture.mean() for picture in (PICTURES + 0.01 * RNG.random(PICTURES.shape)) / 255]


@functools.cache
def there_and_back(bank, window, places, per_band):
    x, other = (picture[None] for picture in FINE)
    w = BANKS[bank].astype(np.float32).astype(float)
    return live.there_and_back(x, other, w, window, places, per_band)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("bank", BANKS)
def test_the_layer_is_the_module_s(show, bank, theme):
    """All windows with known places, two windows for the other ways, with bands and with one factor."""
    page = show("layer", theme=theme)
    cases = [(window, "known", True) for window in range(1, 17)]
    cases += [(w, way, True) for w in (3, 8) for way in ("fixed", "spread", "other")]
    cases += [(8, way, False) for way in ("known", "fixed", "spread", "other")]
    x, other = (picture.ravel() for picture in FINE)
    w = BANKS[bank].astype(np.float32)
    backs = page.evaluate(
        """async ({ x, other, w, l, cases }) => {
            const url = URL.createObjectURL(new Blob([liveModules.layer], { type: "text/javascript" }));
            const { engine } = await import(url), E = engine(), array = (a) => Float64Array.from(a);
            const given = { x: array(x), other: array(other), w: array(w), l, K: 64 };
            return cases.map(([g, way, perBand]) => Array.from(E.run({ ...given, g, way, perBand }).back));
        }""",
        {"x": x.tolist(), "other": other.tolist(), "w": w.ravel().tolist(), "l": w.shape[-1], "cases": cases},
    )
    for (window, places, per_band), back in zip(cases, backs, strict=True):
        expected = there_and_back(bank, window, places, per_band).ravel()
        assert np.abs(np.array(back) - expected).max() < CLOSE, (window, places, per_band)


def test_what_is_kept_is_the_module_s(show):
    page = show("layer")
    back, values, map_, error = result(page, "back", "values", "map", "error")
    x = PICTURES[0][None] / 255 - PICTURES[0].mean() / 255
    W = FilterBank(BANKS["random"].astype(np.float32).astype(float), x.shape)
    kept, switches = max_pool(W.analysis(x), (8, 8), nonnegative=True)
    assert np.allclose(values, kept.ravel(), atol=CLOSE)
    assert np.allclose(map_, unpool(kept, switches, (64, *W.n))[0].ravel(), atol=CLOSE)
    assert np.isclose(error, np.linalg.norm(back - x.ravel()) / np.linalg.norm(x), atol=CLOSE)


def test_painting_is_the_module_s(show):
    page = show("painting")
    W = FilterBank(SHAPES.astype(np.float32).astype(float), (1, 50))
    z = np.zeros((3, *W.n))
    z[[0, 1, 2], [4, 24, 10]] = 1, -0.8, 0.7
    x, h = result(page, "x", "h")
    assert np.allclose(x, W.synthesis(z).ravel(), atol=CLOSE)
    assert np.allclose(h, W.analysis(W.synthesis(z)).ravel(), atol=CLOSE)


def test_the_energies_are_the_module_s(show):
    page = show("adversary")
    W = FilterBank(GAME.filters.astype(np.float32).astype(float), (6, 16))
    for button, entries in ((None, "start"), (".found", "found")):
        if button:
            page.locator(button).click()
        z = np.zeros((10, *W.n))
        for i, q, value in STATES["adversary"][entries]:
            z[i, q] = value
        z /= np.linalg.norm(z)
        x, energy = result(page, "x", "energy")
        assert np.allclose(x, W.synthesis(z).ravel(), atol=CLOSE)
        assert np.isclose(energy, np.sum(W.synthesis(z) ** 2), atol=CLOSE)
    page.locator(".values").click()
    best = np.linalg.eigvalsh(gram(W, np.flatnonzero(z)))[-1]
    assert np.isclose(result(page, "energy")[0], best, atol=CLOSE)


def test_the_steps_are_the_module_s(show):
    page = show("melody")
    w, x, truth = result(page, "w", "x", "truth")
    W = FilterBank(w.reshape(25, 1, 1600), (1, 9600), stride=80)
    assert np.allclose(np.linalg.norm(W.filters, axis=(1, 2)), 1)
    z = np.zeros((25, *W.n))
    for i, p, value in TUNE:
        z[i, p] = value
    assert np.allclose(truth, z.ravel())
    assert np.allclose(x, W.synthesis(z).ravel(), atol=CLOSE)
    assert BlockModel(25, W.n, SIZES["k"]).contains(z)
    for j in (1, 2, 3):
        expected = iht(W, W.synthesis(z), SIZES["k"], max_iter=j, tol=0).z
        assert np.allclose(result(page, "z")[0], expected.ravel(), atol=CLOSE), j
        page.locator(".step").click()


def test_what_is_heard_is_what_is_shown(show):
    """The samples that go to the loudspeaker: the original, a step, and all notes at once."""
    page = show("melody")
    page.locator(".hear[value=original]").click()
    assert page.locator(".live-figure").get_attribute("data-heard") == "original"
    heard = page.evaluate(
        """async () => {
            const figure = document.querySelector(".live-figure");
            return Promise.all(["original", "now", "lost"].map(async (what) => {
                const context = new OfflineAudioContext(1, 9600, 4000), source = context.createBufferSource();
                const buffer = context.createBuffer(1, 9600, 4000);
                buffer.copyToChannel(figure.samples(what), 0);
                source.buffer = buffer; source.connect(context.destination); source.start();
                return Array.from((await context.startRendering()).getChannelData(0));
            }));
        }"""
    )
    original, now, lost = map(np.array, heard)
    x, back = result(page, "x", "back")
    assert np.allclose(original, 0.8 * x / np.abs(x).max(), atol=CLOSE)
    assert np.allclose(now, 0.8 * back / np.abs(back).max(), atol=CLOSE)
    assert np.abs(lost[:1600]).max() > 0.7
    assert not lost[1600:].any()  # a chord: every note at the first position


def test_the_layer_answers_to_the_mouse_and_keys(show):
    page = show("layer")
    figure, says = page.locator(".live-figure"), page.locator(".says")

    def changed(act):
        before = figure.get_attribute("data-error")
        act()
        page.wait_for_function(
            "before => document.querySelector('.live-figure').dataset.error !== before", arg=before
        )

    for value in ("fixed", "spread", "other"):
        changed(page.locator(f".way input[value={value}]").click)
        assert figure.get_attribute("data-way") == value
    assert "the places from “two”" in says.inner_text()
    page.locator(".way input:checked").focus()
    changed(lambda: page.keyboard.press("ArrowUp"))
    assert figure.get_attribute("data-way") == "spread"
    for control, key in ((".window", "ArrowRight"), (".count", "ArrowLeft")):
        page.locator(control).focus()
        changed(lambda key=key: page.keyboard.press(key))
    box = page.locator(".window").bounding_box()
    changed(lambda: page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2))
    assert page.locator("output.g").inner_text() == "1 × 1"
    for choice in (
        ".bank input[value=cosine]",
        ".factor input[value=one]",
        ".picture label:nth-child(2) input",
    ):
        changed(page.locator(choice).click)
    page.wait_for_function("document.querySelector('.live-figure').dataset.errors")
    assert "relative error" in says.inner_text()


def test_a_picture_of_one_s_own(show, tmp_path):
    """A file, a dropped file, and drawing with a mouse, a finger and keys."""
    page = show("layer")
    figure, before = page.locator(".live-figure"), page.locator(".before")
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (30, 50)).astype(np.uint8)).save(buffer, "PNG")
    png = buffer.getvalue()
    shown = "() => document.querySelector('.before').toDataURL()"

    def changed(act):
        old = page.evaluate(shown)
        act()
        page.wait_for_function(f"old => ({shown})() !== old", arg=old)

    file = {"name": "mine.png", "mimeType": "image/png", "buffer": png}
    changed(lambda: page.locator("input[type=file]").set_input_files(file))
    page.wait_for_function("document.querySelector('figcaption').textContent.includes('your picture')")
    page.locator("input[type=file]").set_input_files(
        {"name": "words.txt", "mimeType": "text/plain", "buffer": b"words"}
    )
    page.wait_for_function("document.querySelector('.says').textContent.includes('but got words.txt')")
    page.wait_for_function("document.querySelector('.live-figure').dataset.errors")  # all is computed
    assert "but got words.txt" in page.locator(".says").inner_text()
    page.locator(".picture label").first.click()
    drop = """data => { const carried = new DataTransfer();
        carried.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], "it.png"));
        document.querySelector(".live-figure").dispatchEvent(
            new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })); }"""
    changed(lambda: page.evaluate(drop, base64.b64encode(png).decode()))

    changed(page.locator(".draw").click)
    box = before.bounding_box()
    at = [(box["x"] + box["width"] * s, box["y"] + box["height"] * s) for s in (0.2, 0.6, 0.9)]

    def mouse():
        page.mouse.move(*at[0])
        page.mouse.down()
        page.mouse.move(*at[1], steps=5)
        page.mouse.up()

    def finger():
        touch = page.context.new_cdp_session(page)
        for kind, points in (("touchStart", at[1:2]), ("touchMove", at[2:]), ("touchEnd", [])):
            points = [{"x": x, "y": y} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def keys():
        before.focus()
        for key in ("Space", "ArrowLeft", "ArrowLeft", "ArrowUp"):
            page.keyboard.press(key)

    for act in (mouse, finger, keys):
        error = figure.get_attribute("data-error")
        changed(act)
        page.wait_for_function(
            "old => document.querySelector('.live-figure').dataset.error !== old", arg=error
        )


def drag(page, knob, dx, dy, finger):
    """Drag a handle by pixels, with the mouse or a finger."""
    box = knob.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if finger:
        touch = page.context.new_cdp_session(page)
        for kind, points in (("touchStart", [(x, y)]), ("touchMove", [(x + dx, y + dy)]), ("touchEnd", [])):
            points = [{"x": a, "y": b} for a, b in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y + dy, steps=4)
        page.mouse.up()


@pytest.mark.parametrize("name", ["painting", "adversary"])
def test_handles_answer(show, name):
    page = show(name)

    def changed(element, look, act):
        before = element.evaluate(look)
        act()
        deadline = time.monotonic() + 5
        while element.evaluate(look) == before:
            assert time.monotonic() < deadline, "nothing has changed"
            page.wait_for_timeout(20)

    value = "e => e.getAttribute('aria-valuetext')"
    for knob in page.locator(".knob").all():
        assert knob.get_attribute("aria-label")
        changed(knob, value, lambda knob=knob: drag(page, knob, 90, 0, finger=False))
        changed(knob, value, lambda knob=knob: drag(page, knob, -60, 0, finger=True))
        for key in ("ArrowRight", "Space") if name == "adversary" else ("ArrowRight",):
            changed(knob, value, lambda knob=knob, key=key: knob.press(key))
    for control in page.locator("button, input[type=radio]").all():
        if not (control.get_attribute("type") == "radio" and control.is_checked()):
            changed(page.locator(".says"), "e => e.textContent", control.click)


def test_the_melody_plays_pauses_and_steps(show):
    page = show("melody")
    figure, play = page.locator(".live-figure"), page.locator(".play")
    step = "Number(document.querySelector('.live-figure').dataset.step)"
    assert page.evaluate(step) == 1
    page.locator(".step").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(step) == 2
    page.locator(".back").tap()
    assert page.evaluate(step) == 0
    play.click()
    page.wait_for_function(f"{step} >= 2")
    play.click()
    stopped = page.evaluate(step)
    page.wait_for_timeout(900)
    assert page.evaluate(step) == stopped
    assert play.inner_text() == "Play"
    play.click()
    page.wait_for_function("document.querySelector('.says').textContent.includes('The code is found')")
    assert float(figure.get_attribute("data-error")) < 1e-3
    page.locator("input[value='0.5']").click()
    assert page.evaluate(step) == 0
    page.locator(".other").click()
    truth = result(page, "truth")[0]
    assert np.count_nonzero(truth) == SIZES["k"]


@pytest.mark.parametrize("name", NAMES)
def test_narrow_and_for_fingers(show, name):
    page = show(name, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for control in page.locator("button, label:has(input), input[type=range], .file, .knob").all():
        if control.is_visible():
            box = control.bounding_box()
            assert min(box["width"], box["height"]) >= 24, control.evaluate("e => e.outerHTML.slice(0, 90)")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_that_fails_leaves_its_picture(browser, tmp_path, name):
    path = tmp_path / "broken.html"
    path.write_text(
        html(name)
        .replace("async function render", "async function broken")
        .replace("function render", "function broken"),
        encoding="utf8",
    )
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelector('.live').dataset.started === 'failed'")
    assert page.locator(".live-still").is_visible()
    page.close()


def test_weight():
    scripts = [live.source(name) for name in NAMES]
    shared = (ROOT / "cnninv_lite/book/js/common.js").read_text(encoding="utf8")
    total = sum(map(len, scripts)) - (len(scripts) - 1) * len(shared) + len(LOADER)
    assert total <= 60_000, f"{total:,} bytes of script"
    assert max(len(gzip.compress(text.encode())) for text in scripts) < 15_000


PAGES = sorted(p for p in HTML.glob("book/*.html") if 'data-live="' in p.read_text(encoding="utf8"))


@pytest.mark.parametrize("path", PAGES or ["no pages"], ids=lambda path: getattr(path, "stem", path))
def test_the_book_s_figures_start(browser, path, need):
    """On the built pages, opened as files."""
    need(PAGES, "there are no built pages with live figures: make book")
    page, wrong = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith("http") and wrong.append(asked.url))
    page.goto(path.as_uri(), wait_until="load")
    for figure in page.locator("[data-live]").all():
        figure.scroll_into_view_if_needed()
        name = figure.get_attribute("data-live")
        page.wait_for_function(
            "name => document.querySelector(`[data-live=${name}]`).dataset.started === 'yes'", arg=name
        )
        assert figure.locator(".says").inner_text()
    assert not wrong, "\n".join(wrong)
    page.close()
