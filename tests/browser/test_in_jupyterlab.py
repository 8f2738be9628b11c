"""Lesson 3 as a student opens it: JupyterLab, run all, and its explorer by keyboard alone."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSON = "03_grad_cam.ipynb"

pytestmark = [pytest.mark.slow, pytest.mark.patient]


def run_all(page, address, name):
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # until then, nothing would run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_for_words(page, pattern):
    """Wait until the explorer's words match; they appear with the picture."""
    words = page.get_by_role("status").filter(has_text=re.compile(pattern))
    words.wait_for()
    return words.inner_text()


def test_the_explorer_of_lesson_3_follows_the_keyboard(page, jupyterlab):
    address, folder = jupyterlab
    shutil.copy(ROOT / "notebooks" / LESSON, folder)
    run_all(page, address, LESSON)
    assert "Set-up" in page.locator(".jp-InputPlaceholder").inner_text()  # one line is left of it
    layer = page.get_by_role("button", name="block15_add")
    layer.wait_for(timeout=180_000)
    # When the last cell is done, JupyterLab moves the focus there.
    page.wait_for_function(
        "[...document.querySelectorAll('.jp-InputPrompt')].every(e => !e.innerText.includes('*'))",
        timeout=120_000,
    )
    assert page.locator(".jp-Notebook .jp-RenderedText[data-mime-type*=error]").count() == 0

    picture = page.locator(".widget-html img[alt^='Grad-CAM']")
    first = page.locator(".widget-html img").first
    wait_for_words(page, "'basketball' at head_conv, with ReLU")
    before = picture.get_attribute("src")
    assert "'basketball' at head_conv" in first.get_attribute("alt")

    layer.focus()
    page.keyboard.press("Space")
    wait_for_words(page, "'basketball' at block15_add, with ReLU")
    moved = picture.get_attribute("src")
    assert moved != before
    assert "block15_add" in first.get_attribute("alt")

    for _ in range(3):  # past two more layers, to the switch
        page.keyboard.press("Tab")
    assert page.get_by_role("checkbox", name="ReLU").evaluate("e => e === document.activeElement")
    page.keyboard.press("Space")
    words = wait_for_words(page, "'basketball' at block15_add, without ReLU")
    assert "from -" in words  # now the evidence against the class is there
    assert picture.get_attribute("src") != moved

    page.get_by_role("button", name="brown bear").focus()
    page.keyboard.press("Space")
    wait_for_words(page, "'brown bear' at block15_add, without ReLU")
    assert page.get_by_role("alert").count() == 0
    assert page.strangers == []


def test_a_number_is_typed_a_slider_is_moved_and_the_kernel_goes(page, jupyterlab):
    """Lesson 1's explorer needs no network, and has every other kind of control."""
    address, folder = jupyterlab
    (folder / "one.ipynb").write_text(NUMBERS)
    run_all(page, address, "one.ipynb")
    area = page.get_by_role("textbox", name="area (m²)")
    area.wait_for(timeout=120_000)
    wait_for_words(page, "rent: 900, .*slope [+]11 per m²")

    area.fill("70,0")
    page.keyboard.press("Enter")
    wait_for_words(page, "rent: 1010, .*slope [+]11 per m²")  # 110 more, and the same slope
    page.get_by_role("slider", name="area (m²)", exact=True).focus()
    page.keyboard.press("ArrowRight")  # a step is 0.9 m²
    wait_for_words(page, r"rent: 10(19|20), ")

    area.fill("1000")
    page.keyboard.press("Enter")
    wait_for_words(page, "It goes from 25 to 120: 1000 became 120.")
    wait_for_words(page, "area 120 ")

    # Without its kernel, the explorer that needs none takes the widget's place.
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".course-explorer").wait_for()
    assert page.locator(".live-explorer:visible").count() == 0
    slider = page.get_by_role("slider", name="area (m²)", exact=True)
    slider.focus()
    wait_for_words(page, "rent: 900, ")
    page.keyboard.press("ArrowUp")  # which JupyterLab would take to choose another cell
    wait_for_words(page, "rent: 90[1-9][^ ]*, .*slope [+]11 per m²")
    assert slider.evaluate("e => e === document.activeElement")

    # Saved and opened again, it has another kernel. For somebody else it isn't trusted, either.
    page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name=save]").click()
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    saved = (folder / "one.ipynb").read_text(encoding="utf-8")
    assert "course-explorer" in saved
    (folder / "two.ipynb").write_text(saved.replace('"cells": [', NOTE, 1), encoding="utf-8")
    for name in ("one.ipynb", "two.ipynb"):
        page.goto(f"{address}/lab/tree/{name}?reset")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        picture = page.locator(".course-explorer-picture :is(img, svg)")
        picture.wait_for()
        assert picture.bounding_box()["width"] > 300
        assert not any(e.is_visible() for e in page.get_by_text("model not found").all())
        trusted = name == "one.ipynb"
        assert (page.get_by_role("slider", name="area (m²)", exact=True).count() == 1) == trusted
        assert (page.get_by_text("This picture moves: run the cell").count() == 1) != trusted


NOTE = '"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "A note"},'
CELL = """from course_utils.widgets import linear_explorer

linear_explorer(["area", "age"], ["m²", "year"], [(25, 120), (0, 100)], (11, -2), (60, 30), 300,
                "rent")"""


def _notebook(source):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["kernelspec"] = kernel
    return nbformat.writes(notebook)


NUMBERS = _notebook(CELL)
