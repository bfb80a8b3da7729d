"""One chapter under the reader's hands: keys alone, the switch for code, large figures, search, paper."""

import re

import pytest


@pytest.fixture
def chapter(site, browser):
    """Open a chapter with everything in it but formulas, fresh for each test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.set_default_timeout(15_000)
    page.route("**/mathjax/**", lambda route: route.abort())
    page.goto(site + "book/max_pooling.html", wait_until="load")
    page.wait_for_function("document.querySelectorAll('.noUi-handle').length > 0")
    yield page
    page.close()


def test_tab_reaches_everything_and_shows_where_it_is(chapter):
    """Each stop of the Tab key looks different from what it is without the focus."""
    stops, hidden = [], []
    chapter.evaluate("document.querySelectorAll('details').forEach(e => e.open = false)")
    for _ in range(500):
        chapter.keyboard.press("Tab")
        name, seen = chapter.evaluate(
            """() => {
                const e = document.activeElement, look = () => ["", "::before", "::after"].map(part => {
                    const s = getComputedStyle(e, part);
                    return [s.outlineStyle != "none" && s.outlineWidth, s.boxShadow, s.borderColor,
                            s.backgroundColor, s.textDecorationThickness].join();
                }).join();
                const focused = look();
                e.blur();
                const seen = look() != focused;
                e.focus();
                return [e === document.body ? "" : e.outerHTML.slice(0, 160), seen];
            }"""
        )
        if not name or (stops and name == stops[0]):
            break
        stops.append(name)
        if not seen:
            hidden.append(name)
    parts = "Skip to main", "theme-switch", "search", "toggle-button", "noUi-handle", "<summary", "right-next"
    for what in parts:
        assert any(what in stop for stop in stops), what
    assert not hidden, "\n".join(hidden)


def test_keys_alone(chapter):
    """A proof opens and closes, the theme changes, the search opens, closes and finds."""
    keys = chapter.keyboard
    button = chapter.locator("button.toggle-button").first
    proof = chapter.locator(".admonition.toggle").first
    button.focus()
    for key, hidden in (("Enter", False), ("Enter", True), ("Space", False), ("Space", True)):
        keys.press(key)
        assert ("toggle-hidden" in proof.get_attribute("class")) == hidden, key
    cell = chapter.locator("details.hide").first
    cell.locator("summary").focus()
    keys.press("Enter")
    assert cell.evaluate("e => e.open")

    switch, modes = chapter.locator("button.theme-switch-button:visible").first, set()
    for _ in range(3):
        switch.focus()  # the theme takes it away each time
        keys.press("Enter")
        modes.add(chapter.evaluate("document.documentElement.dataset.mode"))
    assert modes == {"light", "dark", "auto"}

    field = chapter.locator("#pst-search-dialog input")
    keys.press("Control+k")
    assert field.is_visible()
    keys.press("Escape")
    assert not field.is_visible()
    keys.press("Control+k")
    keys.type("golden ratio")
    keys.press("Enter")
    chapter.wait_for_url("**/search.html?q=golden+ratio*")
    chapter.wait_for_function("document.querySelectorAll('#search-results li a').length > 2")
    assert "reconstruction" in " ".join(
        link.get_attribute("href") for link in chapter.locator("#search-results li a").all()
    )


def test_one_switch_for_all_code(chapter):
    button = chapter.locator("button.all-code")
    shown = "[...document.querySelectorAll('div.cell_input')].filter(e => e.checkVisibility()).length"
    total = chapter.locator("div.cell_input").count()
    before = chapter.evaluate(shown)
    assert 0 < before < total
    button.focus()
    chapter.keyboard.press("Enter")
    assert chapter.evaluate(shown) == 0
    chapter.keyboard.press("Enter")
    assert chapter.evaluate(shown) == total


def test_a_figure_opens_in_its_own_size(chapter):
    chapter.set_viewport_size({"width": 390, "height": 844})
    figure, large = chapter.locator("button.enlarge").first, chapter.locator("dialog.look img")
    small = figure.locator("img").bounding_box()["width"]
    figure.click()
    assert large.bounding_box()["width"] > 1.5 * small
    assert large.get_attribute("alt") == figure.locator("img").get_attribute("alt")
    chapter.keyboard.press("Escape")
    assert not large.is_visible()
    figure.focus()
    chapter.keyboard.press("Enter")
    assert large.is_visible()
    chapter.locator("dialog.look button").click()
    assert not large.is_visible()


def test_excerpts_of_a_search_are_text(site, browser):
    page = browser.new_page()
    page.goto(site + "search.html?q=isometry", wait_until="load")
    page.wait_for_function("document.querySelectorAll('#search-results .context').length > 2")
    excerpts = page.locator("#search-results .context").all_text_contents()
    page.close()
    wrong = [text for text in excerpts if re.search(r"\\[A-Za-z(]|Ctrl|Back to top|\.ipynb", text)]
    assert not wrong, "\n".join(wrong)


def test_paper_has_proofs_and_no_buttons(chapter):
    chapter.emulate_media(media="print")
    shown = chapter.evaluate(
        """() => {
            const visible = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
                                 && e.getBoundingClientRect().height > 0;
            const count = selector => [...document.querySelectorAll(selector)].map(visible);
            return {
                proofs: count(".admonition.toggle:not(.solution) > .admonition-title ~ *"),
                solutions: count(".solution.toggle > .admonition-title ~ *"),
                buttons: count(`main button:not(.enlarge), .bd-sidebar-primary, .bd-sidebar-secondary,
                                .headerlink`),
            };
        }"""
    )
    assert len(shown["proofs"]) > 5
    assert all(shown["proofs"])
    assert len(shown["solutions"]) > 3
    assert not any(shown["solutions"])
    assert not any(shown["buttons"])

    chapter.emulate_media(media="screen", color_scheme="dark")
    chapter.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    themes = chapter.evaluate(
        """() => ["beforeprint", "afterprint"].map(event => {
            window.dispatchEvent(new Event(event));
            return document.documentElement.dataset.theme;
        })"""
    )
    assert themes == ["light", "dark"]
