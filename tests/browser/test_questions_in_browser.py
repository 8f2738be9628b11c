"""Predictions, quizzes and verdicts by mouse and keyboard: in JupyterLab, and in a plain page."""

import os
from pathlib import Path

import nbformat
import pytest

from course_utils.checks._quiz import guess_html, quiz_html, read_quiz

pytestmark = [pytest.mark.slow, pytest.mark.patient]

SOURCES = [
    "from course_utils import checks\n\nchange = checks.guess(['rise', 'fall', 'stay'])",
    "checks.prediction(change, 'stay', ['rise', 'fall', 'stay'])",
    "share = checks.guess()",
    "checks.prediction(share, 37)",
    "checks.quiz(1)",
    "_ = checks.predict_linear(lambda x, w, b: x @ w + b)",
    "_ = checks.predict_linear(lambda x, w, b: x @ w)",
    "_ = checks.predict_linear(lambda x, w, b: ...)",
]
# The text's contrast with the nearest background that isn't transparent, by WCAG's formula.
CONTRAST = """element => {
  const rgb = (css) => css.match(/[\\d.]+/g).map(Number);
  const light = (css) => rgb(css).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = element;
  const solid = (css) => (rgb(css)[3] ?? 1) > 0;
  while (behind && !solid(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const ground = behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)";
  const [dark, bright] = [light(getComputedStyle(element).color), light(ground)].sort();
  return (bright + 0.05) / (dark + 0.05);
}"""
STOP_KERNELS = """async () => {
  const headers = { "X-XSRFToken": document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? "" };
  for (const { id } of await (await fetch("/api/sessions")).json()) {
    await fetch(`/api/sessions/${id}`, { method: "DELETE", headers });
  }
}"""
QUIZ = read_quiz(1)


def focused(page):
    """The text or the value of what has the focus, and the width of its outline in pixels."""
    return page.evaluate(
        "(e => [e.textContent || e.parentElement.textContent, parseFloat("
        "getComputedStyle(e).outlineWidth)])(document.activeElement)"
    )


def cell(page, number):
    return page.locator(".jp-CodeCell").nth(number)


def run_cell(page, number):
    cell(page, number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def test_in_jupyterlab(page, jupyterlab):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(20_000)
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, SOURCES)))
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "name": "python3"}
    nbformat.write(notebook, folder / "one.ipynb")
    page.goto(f"{address}/lab/tree/one.ipynb?reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    # Nothing chosen.
    cell(page, 1).get_by_text("No prediction yet. It is: stay").wait_for()
    cell(page, 3).get_by_text("No prediction yet. It is: 37").wait_for()
    verdicts = [cell(page, number).locator("pre") for number in (5, 6, 7)]
    for verdict, words in zip(
        verdicts, ("right, well", "not right yet", "not done yet"), strict=True
    ):
        verdict.get_by_text(words).wait_for()
    looks = {v.evaluate("e => getComputedStyle(e).borderLeft") for v in verdicts}
    assert len(looks) == 3
    assert {v.evaluate("e => getComputedStyle(e).wordBreak") for v in verdicts} == {"normal"}

    # One form of each question is to be seen: the one with the kernel.
    assert cell(page, 0).get_by_role("button", name="rise").count() == 1
    cell(page, 0).get_by_role("button", name="rise").click()
    cell(page, 0).get_by_text("You predict rise. Now run the next cell.").wait_for()
    run_cell(page, 1)
    cell(page, 1).get_by_text("You predicted rise. It is: stay. What surprised you?").wait_for()
    page.keyboard.press("Escape")
    cell(page, 0).get_by_role("button", name="fall").focus()
    page.keyboard.press("Tab")
    for key in ("ArrowDown", "ArrowLeft", "d", "d"):  # none of them is JupyterLab's
        page.keyboard.press(key)
        assert focused(page) == ["stay", 3]
    assert page.locator(".jp-CodeCell").count() == len(SOURCES)
    page.keyboard.press("Space")
    cell(page, 0).get_by_text("You predict stay.").wait_for()
    run_cell(page, 1)
    cell(page, 1).get_by_text("As you predicted: stay").wait_for()
    cell(page, 2).get_by_role("textbox", name="Your guess").fill("40 %")
    page.keyboard.press("Enter")
    cell(page, 2).get_by_text("You predict 40 %.").wait_for()
    run_cell(page, 3)
    cell(page, 3).get_by_text("You predicted 40. It is: 37, so you were 3 off.").wait_for()

    answer_by_keyboard(page, cell(page, 4))
    good_contrast(page.locator(".course-quiz"))
    page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name=save]").click()
    for _ in range(100):  # until it's written
        saved = (folder / "one.ipynb").read_text(encoding="utf-8")
        if "You predicted 40" in saved:
            break
        page.wait_for_timeout(100)
    page.get_by_role("tab", name="File Browser").click()  # folds it: a phone has no room for it
    page.set_viewport_size({"width": 390, "height": 844})
    for verdict in verdicts:
        verdict.scroll_into_view_if_needed()
        assert verdict.evaluate("e => e.scrollWidth <= e.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})

    # Later, in the dark: the notebook is there as it was saved, but its kernel isn't.
    assert "You predicted 40" in saved
    theme = "lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    settings = Path(os.environ["JUPYTER_CONFIG_DIR"]) / theme
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"theme": "JupyterLab Dark"}', encoding="utf-8")
    page.evaluate(STOP_KERNELS)
    open_notebook(page, address, "one.ipynb")
    cell(page, 0).get_by_role("group", name="Your guess").get_by_role("button", name="fall").click()
    cell(page, 0).get_by_text("You predict fall.").wait_for()
    assert not any(e.is_visible() for e in page.get_by_text("Error displaying widget").all())
    answer_by_keyboard(page, cell(page, 4))
    good_contrast(page.locator(".course-quiz, .course-prediction"))

    # As somebody else sees it, who doesn't trust it: plain lists.
    other = nbformat.reads(saved, as_version=4)
    other.cells.append(nbformat.v4.new_markdown_cell("another notebook"))
    nbformat.write(other, folder / "two.ipynb")
    open_notebook(page, address, "two.ipynb")
    assert cell(page, 4).get_by_role("radio").count() == 0
    first = cell(page, 4).get_by_text("What each answer means").first
    first.click()
    assert cell(page, 4).get_by_text(QUIZ[0]["answers"][0]["feedback"]).is_visible()
    assert cell(page, 0).get_by_role("listitem").all_inner_texts() == ["rise", "fall", "stay"]
    assert page.get_by_text("IPython.core.display").count() == 0
    good_contrast(cell(page, 4).locator(".jp-OutputArea-output"))
    assert page.strangers == errors == []


def open_notebook(page, address, name):
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.locator(".jp-Notebook").get_by_text("What each answer means").first.wait_for()


def answer_by_keyboard(page, place):
    """Tab reaches each answer, and arrows choose the next; what it means is said in words."""
    question = place.locator(".course-quiz fieldset").first
    question.get_by_role("radio").first.focus()
    for answer in QUIZ[0]["answers"]:
        assert answer["answer"] in focused(page)[0]
        page.keyboard.press("Tab")
    assert question.get_by_role("radio", checked=True).count() == 0
    question.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    for answer in QUIZ[0]["answers"]:
        said = question.get_by_role("status").inner_text()
        assert said.startswith("Right." if answer["correct"] else "Not right."), said
        assert answer["feedback"] in said
        text, outline = focused(page)
        assert answer["answer"] in text
        assert outline >= 2
        assert question.get_by_role("radio", checked=True).count() == 1
        page.keyboard.press("ArrowDown")


def good_contrast(place):
    for element in place.locator("legend, label, summary, p, div, b, button").all():
        if element.is_visible():
            assert element.evaluate(CONTRAST) >= 4.5, element.inner_text()


def outcome(text):
    return (
        f'<details class="course-outcome"><summary>What came out</summary><pre>{text}</pre>'
        "</details>"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_page_without_a_kernel(page, tmp_path, width, scheme):
    """As on the course's pages: from a file, and the outcome stays folded until you choose."""
    words = guess_html("Your guess: one of these", ["rise", "fall", "stay"])
    first = outcome("rent +11\nNo prediction yet. It is: stay")
    last = outcome("It is: line 1\nIt is: line 2")
    pairs = "".join(guess_html(label, ["line 1", "line 2"]) for label in ("first", "second"))
    (tmp_path / "page.html").write_text(
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<style>:root{color-scheme:light dark;background:Canvas;color:CanvasText}</style>"
        f"{words}{first}"
        f"{guess_html('Your guess: a number', [])}{outcome('It is: 37')}"
        f"{pairs}{last}{quiz_html(1)}",
        encoding="utf-8",
    )
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    folds = page.locator("details.course-outcome")
    said = page.locator(".course-prediction [role=status]")

    assert folds.evaluate_all("all => all.map(fold => fold.open)") == [False] * 3
    page.keyboard.press("Tab")
    assert focused(page)[0] == "rise"
    assert focused(page)[1] >= 2
    page.keyboard.press("Enter")
    assert said.nth(0).inner_text() == "You predicted rise. It is: stay. What surprised you?"
    page.get_by_role("button", name="stay").click()
    assert said.nth(0).inner_text() == "As you predicted: stay"
    assert folds.nth(0).inner_text().endswith("rent +11\nIt is: stay")

    field = page.get_by_role("textbox", name="Your guess: a number")
    field.fill("forty")
    page.keyboard.press("Enter")
    assert "is not a number" in said.nth(1).inner_text()
    assert folds.evaluate_all("all => all.map(fold => fold.open)") == [True, False, False]
    field.fill("40 %")
    page.get_by_role("button", name="Predict").click()
    assert said.nth(1).inner_text() == "You predicted 40. It is: 37, so you were 3 off."

    page.get_by_role("group", name="first").get_by_role("button", name="line 1").click()
    assert folds.evaluate_all("all => all.map(fold => fold.open)") == [True, True, False]
    page.get_by_role("group", name="second").get_by_role("button", name="line 1").click()
    assert folds.evaluate_all("all => all.map(fold => fold.open)") == [True, True, True]
    assert said.nth(2).inner_text() == "As you predicted: line 1"
    assert said.nth(3).inner_text().startswith("You predicted line 1. It is: line 2.")

    answer_by_keyboard(page, page.locator("body"))
    good_contrast(page.locator("body"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.strangers == errors == []
