"""The slides number statements and figures as the pages do; each fits the screen, with no raw text."""

import re

import colab
import pytest
import slides

BOOKS = colab.chapters()
CALLED, HOME = colab.labels(BOOKS)
CAPTION = re.compile(
    r'<(?:div class="proof \w+ admonition"|figure\b[^>]*?) id="([\w-]+)">(?:(?!<figure|class="proof ).)*?'
    r'<span class="caption-number">(\w+\.? [\d.]+) </span>',
    re.DOTALL,
)
DECKS = sorted(slides.TARGET.glob("*.html")) or ["no decks"]


def test_numbers_are_those_of_the_pages(need):
    pages = [colab.ROOT / "_build" / "html" / "book" / f"{name}.html" for name in BOOKS]
    need(all(page.exists() for page in pages), "there are no built pages: make book")
    built = dict(pair for page in pages for pair in CAPTION.findall(page.read_text(encoding="utf8")))
    number = {label: name for label, name in CALLED.items() if name[-1].isdecimal() and label in HOME}
    assert len(number) > 100
    assert {label: built.get(label) for label in number} == number


def test_every_box_has_a_slide_with_its_number_and_prose_becomes_notes():
    deck = list(slides.slides("long_signals", BOOKS["long_signals"], lambda source: source, CALLED))
    heads = [cell.source for cell in deck]
    assert heads[0].startswith('## <span id="long_signals"></span>The length of the signal does not matter')
    assert any(f'<span id="thm-length"></span>{CALLED["thm-length"]}: ' in head for head in heads)
    figure = next(head for head in heads if f"*{CALLED['fig-length']}*" in head)
    assert re.match(r"## [A-Z].*\.\n", figure), "a figure's headline is a sentence"
    assert any(cell.metadata.slideshow.slide_type == "notes" and len(cell.source) > 100 for cell in deck)


def test_questions_come_before_their_answers():
    deck = [cell.source for cell in slides.quiz("One layer", lambda source: source)]
    assert len(deck) > 8
    for question, answer in zip(deck[::2], deck[1::2], strict=True):
        name = re.search(r"Question \d+", question)[0]
        assert f"{name}: the answer" in answer
        assert "answer" not in question


@pytest.mark.parametrize("path", DECKS, ids=lambda path: getattr(path, "stem", path))
def test_every_slide_fits(path, browser):
    if path == "no decks":
        pytest.skip("there are no slides: make slides")
    page, wrong = browser.new_page(viewport={"width": 1280, "height": 720}), []
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on("console", lambda line: line.type == "error" and wrong.append(f"console: {line.text}"))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(f"request to {r.url}"))
    page.goto(path.as_uri())
    page.evaluate("MathJax.startup.promise")
    for i in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({i})")
        page.evaluate("fit()")
        low, wide, words = page.evaluate(
            """() => {
                const s = Reveal.getCurrentSlide(), edge = c => c.getBoundingClientRect();
                const parts = [...s.querySelectorAll('h2, p, li, img, mjx-math')];
                const most = side => Math.max(...parts.map(c => edge(c)[side]));
                return [most("bottom"), most("right"), s.innerText];
            }"""
        )
        if low > 720 or wide > 1280:
            wrong.append(f"slide {i + 1} reaches to {wide:.0f} x {low:.0f}: {words[:60]!r}")
        if re.search(r":::|\{(prf|numref|cite|doc|ref|eq)\b|\$\$|MathJax|Math input error", words):
            wrong.append(f"slide {i + 1} has raw text: {words[:200]!r}")
    page.close()
    assert not wrong, "\n".join(wrong)
