"""Answers in the page: forms below exercises judge as `check` does, the quiz gives a reason for each choice.

The pages are opened from their files, without a server. Stored answers are replaced by some that the tests
know, sealed as `check` wants them.
"""

import json
import os
import random
import re
from pathlib import Path

import pytest

from cnninv_lite.book import check, exercises
from cnninv_lite.book.exercises import NUMBER, TRUTH, WHOLE, WORD, seal

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / os.environ.get("PAGES", "_build/html") / "book"
STORED = json.loads((ROOT / "cnninv_lite" / "book" / "exercises.json").read_text(encoding="utf8"))
PUT = """document.addEventListener("DOMContentLoaded", () => {{
    document.getElementById("exercise-answers").textContent = {};
}})"""
CHAPTERS = sorted(
    p.stem for p in BOOK.glob("*.html") if 'id="exercise-answers"' in p.read_text(encoding="utf8")
)
SEALED = re.compile(r'<script type="application/json" id="exercise-answers">(.*?)</script>')


def in_page(chapter):
    """Return what a built page says of its exercises."""
    return json.loads(SEALED.search((BOOK / f"{chapter}.html").read_text(encoding="utf8"))[1])


def known(label, entry):
    """Return an answer to each part, and nine texts that may stand for it.

    The first is right, the last but one is wrong; others are near the border or of the wrong kind.
    """
    rng, tolerance = random.Random(label), entry["tolerance"]
    answer, texts = [], []
    for kind in entry["kinds"]:
        if kind == WHOLE:
            part = rng.choice([0, 7, -3, 10**6, 2 * 10**15])
            texts.append([str(part), f"{part}.0", str(part + 1), f"{part}.5", ""])
        elif kind == NUMBER:
            part = rng.choice([0.0, 0.125, -2.5, 3.25, 40.5]) + 0.5 * tolerance
            near = [part + factor * tolerance for factor in (0, 0.45, -0.9, 1.1, -1.6)]
            others = ["one", f"{part:.3e}", repr(part + 2.5 * tolerance), f" {round(1000 * part)}/1000 "]
            texts.append([*map(repr, near), *others])
        elif kind == TRUTH:
            part = rng.random() < 0.5
            texts.append([str(part), str(not part), str(part)])
        else:
            assert kind == WORD
            part = rng.choice(["Welch", "the cat"])
            texts.append([part, "gauss", f" {part.upper()} "])
        answer.append(part)
    return answer, list(zip(*([one[i % len(one)] for i in range(9)] for one in texts), strict=True))


def typed(text, kind):
    """Return the value that a text in a field stands for, or None."""
    if kind in (TRUTH, WORD):
        return text == "True" if kind == TRUTH else text
    try:
        above, _, below = text.partition("/")
        return float(above) / float(below or 1) if "/" in text else float(text)
    except ValueError:
        return None


def verdict(label, texts, kinds, capsys):
    """Return what `check` says, without the label; "" where it says that a part has the wrong kind."""
    parts = [typed(text, kind) for text, kind in zip(texts, kinds, strict=True)]
    if None in parts or "" in texts:
        return ""
    check(label, tuple(parts))
    said = capsys.readouterr().out.removeprefix(f"{label}: ").strip()
    return "" if ", but got " in said else said


SUBMIT = """(form, texts) => texts.map((parts) => {
    form.querySelectorAll("input, select").forEach((field, i) => { field.value = parts[i]; });
    form.requestSubmit();
    return form.querySelector("output").textContent;
})"""


@pytest.fixture
def page(browser):
    """Open a telephone with a mouse and a keyboard; neither formulas nor sliders load."""
    page = browser.new_page(has_touch=True, viewport={"width": 390, "height": 844})
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    for script in ("**/mathjax/**", "**/html-manager/**"):
        page.route(script, lambda route: route.abort())
    yield page
    page.close()


def give(page, form, texts, kinds, means):
    """Answer an exercise with a mouse, with fingers or with keys alone."""
    button = form.get_by_role("button", name="Check")
    for field, text, kind in zip(form.locator("input, select").all(), texts, kinds, strict=True):
        if means == "keys" and kind == TRUTH:
            field.focus()
            page.keyboard.type(text[0])
        elif kind == TRUTH:
            field.select_option(text)
        elif means == "keys":
            field.focus()
            page.keyboard.press("Control+a")
            page.keyboard.type(text)
        else:
            (field.tap if means == "touch" else field.click)()
            field.fill(text)
    if means == "keys":
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    else:
        (button.tap if means == "touch" else button.click)()


@pytest.mark.parametrize("chapter", CHAPTERS or ["no pages"])
def test_exercises_are_judged_as_check_does(chapter, page, monkeypatch, capsys, need):
    """With each means a right and a wrong answer; then all texts, as scripts submit them."""
    need(CHAPTERS, "there are no built pages: make book")
    entries, texts = in_page(chapter), {}
    for label, entry in entries.items():
        assert {key: entry[key] for key in STORED[label]} == STORED[label]
        answer, texts[label] = known(label, entry)
        entry["kinds"], entry["sealed"] = seal(label, answer, entry["tolerance"])
    monkeypatch.setattr(exercises, "_answers", lambda: entries)
    exercises._misses.clear()
    page.add_init_script(PUT.format(json.dumps(json.dumps(entries))))
    page.goto((BOOK / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
    for label, entry in entries.items():
        form = page.locator(f"[id='{label}'] form.answer-form")
        fields, said = form.locator("input, select"), form.locator("output")
        assert fields.count() == len(entry["kinds"])
        assert form.get_by_role("button").count() == 2
        for target in (fields.first, form.get_by_role("button", name="Hint")):
            box = target.bounding_box()
            assert min(box["width"], box["height"]) >= 24
        right, wrong = texts[label][0], texts[label][7]
        shown, given = [], []
        for means, chosen in zip(
            ("mouse", "touch", "keys", "mouse"), (wrong, right, right, wrong), strict=True
        ):
            give(page, form, chosen, entry["kinds"], means)
            given.append(chosen)
            shown.append(said.inner_text())
        assert shown[0].startswith("Not yet")
        assert shown[1] == shown[2] == "Right."
        given += texts[label]
        shown += form.evaluate(SUBMIT, texts[label])
        for chosen, sentence in zip(given, shown, strict=True):
            if expected := verdict(label, chosen, entry["kinds"], capsys):
                assert sentence == expected[0].upper() + expected[1:], f"{label}: {chosen}"
            else:
                refused = r" must be (a .*|True or False), but got (“.*”|nothing)\.$"
                assert re.search(refused, sentence), f"{label}: {chosen}, {sentence}"
    assert not page.wrong


def test_every_answer_can_be_given_in_a_page(need):
    need(CHAPTERS, "there are no built pages: make book")
    assert {label for chapter in CHAPTERS for label in in_page(chapter)} == set(STORED)


def test_names_are_those_of_the_text(need):
    need(CHAPTERS, "there are no built pages: make book")
    count = in_page("convolution_matrix")["ex-count"]
    assert count["names"] == ["n", "parameters", "rows", "columns", "sample"]


def test_quiz_gives_a_reason_for_each_choice(page, need):
    need((BOOK / "quiz.html").exists(), "there are no built pages: make book")
    page.goto((BOOK / "quiz.html").as_uri(), wait_until="domcontentloaded")
    lists = page.locator("ul.choices").all()
    assert 2 * len(lists) == (ROOT / "book" / "quiz.md").read_text(encoding="utf8").count("\n- (a) ")
    for turn, choices in enumerate(lists):
        verdicts, reasons = [], set()
        reason = choices.locator("xpath=following-sibling::*[1]")
        assert reason.get_attribute("role") == "status"
        for i, button in enumerate(choices.get_by_role("button").all()):
            assert button.bounding_box()["height"] >= 24
            if (turn + i) % 3 == 0:
                button.click()
            elif (turn + i) % 3 == 1:
                button.tap()
            else:
                button.focus()
                page.keyboard.press("Enter" if turn % 2 else "Space")
            said = reason.inner_text()
            assert re.match(rf"\({'abcd'[i]}\) (Right|No)\.\s+\S", said), said
            assert button.get_attribute("aria-pressed") == "true"
            assert choices.locator("[aria-pressed=true]").count() == 1
            verdicts.append(button.get_attribute("data-verdict"))
            reasons.add(said)
        assert sorted(verdicts) == ["right"] + (len(verdicts) - 1) * ["wrong"]
        assert len(reasons) == len(verdicts)
    assert not page.wrong


def test_without_scripts_the_pages_are_as_before(browser, need):
    need(CHAPTERS, "there are no built pages: make book")
    page = browser.new_page(java_script_enabled=False)
    for name in ("quiz", CHAPTERS[0]):
        page.goto((BOOK / f"{name}.html").as_uri())
        assert page.locator("form.answer-form, ul.choices").count() == 0
        assert page.get_by_text("(b)").count() or name != "quiz"
    page.close()
