"""The explorers' HTML, from a disk: by mouse, by keyboard, on a phone, and without scripts."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from course_utils.apps.controls import Explorer, choice, number, switch
from course_utils.apps.explorers import as_svg, cam_figure, linear_explorer, linear_figure

pytestmark = [pytest.mark.slow, pytest.mark.patient]

NAMES, UNITS, RANGES = ["area", "age"], ["m²", "year"], [(25, 120), (0, 100)]
MODEL = (NAMES, UNITS, RANGES, (11, -2), (60, 30), 300, "rent")


def linear(weights=(11, -2), inputs=(60, 30)):
    return linear_figure(NAMES, UNITS, RANGES, weights, inputs, 300, "rent")


def draw(area, sort, old):
    return linear((11 if sort == "dear" else 5, -2), (area, 80 if old else 30))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with two explorers: frames drawn ahead, and a linear model that the script draws."""
    controls = {
        "area": number("Size", 50.0, 25.0, 100.0, 1.0, stops=(25.0, 50.0, 75.0, 100.0)),
        "sort": choice("Sort", ["dear", "cheap"]),
        "old": switch("Old", False),
    }
    explorers = (
        Explorer(draw, controls, moves="move them"),
        linear_explorer(*MODEL),
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    head = (
        '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    )
    path.write_text(head + "".join(e.html() for e in explorers), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(page, address):
    page.set_default_timeout(10_000)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(error))
    page.goto(address)
    yield page
    assert page.errors == []
    assert page.strangers == []


def wait_for(page, place, **values):
    """Wait until an explorer shows what Python draws for these values, picture and words."""
    figure = draw(**values)
    explorer = page.locator(".course-explorer").nth(place)
    explorer.get_by_role("status").filter(has_text=figure.alt_text).wait_for()
    assert explorer.get_by_role("img").get_attribute("alt") == figure.alt_text
    assert explorer.get_by_role("img").evaluate("e => e.complete && e.naturalWidth > 100")
    return explorer.get_by_role("img").get_attribute("src")


def test_by_keyboard(opened):
    seen = {wait_for(opened, 0, area=50, sort="dear", old=False)}
    press = opened.keyboard.press
    press("Tab")
    assert opened.get_by_role("slider", name="Size").evaluate("e => e.matches(':focus-visible')")
    outline = "getComputedStyle(document.activeElement).outline"
    assert "solid 3px" in opened.evaluate(outline)
    press("ArrowUp")
    assert opened.get_by_role("slider", name="Size").get_attribute("aria-valuetext") == "75"
    seen.add(wait_for(opened, 0, area=75, sort="dear", old=False))
    press("Home")
    seen.add(wait_for(opened, 0, area=25, sort="dear", old=False))
    press("Tab")
    assert "solid 3px" in opened.evaluate(outline)
    press("ArrowDown")
    assert opened.get_by_role("radio", name="cheap").is_checked()
    seen.add(wait_for(opened, 0, area=25, sort="cheap", old=False))
    press("Tab")
    press("Space")
    assert opened.get_by_role("checkbox", name="Old").is_checked()
    seen.add(wait_for(opened, 0, area=25, sort="cheap", old=True))
    assert len(seen) == 5  # each picture is another
    press("Tab")  # and on to the other explorer, which hasn't moved
    assert opened.get_by_role("slider", name="w of area (per m²)").evaluate(
        "e => e === document.activeElement"
    )
    words = opened.get_by_role("status").nth(1).inner_text()
    assert words == linear().alt_text


@pytest.mark.parametrize("width", [1280, 390])
def test_by_mouse_and_by_finger(opened, width):
    opened.set_viewport_size({"width": width, "height": 844})
    slider = opened.get_by_role("slider", name="Size")
    box = slider.bounding_box()
    opened.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    wait_for(opened, 0, area=100, sort="dear", old=False)
    opened.get_by_text("cheap").click()
    opened.get_by_text("Old").click()
    wait_for(opened, 0, area=100, sort="cheap", old=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    for explorer in opened.locator(".course-explorer").all():  # controls and picture on one screen
        top = explorer.get_by_role("slider").first
        top.evaluate("e => e.scrollIntoView()")
        picture = explorer.get_by_role("img").bounding_box()
        assert picture["y"] + picture["height"] <= 844
        assert picture["x"] + picture["width"] <= width


def parts(svg):
    """Return a linear model's words, and the numbers that place its lines and points."""
    words = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    lines = re.findall(r'id="line\d">\s*<path d="([^"]+)"', svg)
    points = re.findall(r'id="point\d">.*?<use [^>]*?x="([^"]+)" y="([^"]+)"', svg, re.DOTALL)
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", f"{lines} {points}")]
    assert len(numbers) == 2 * (4 + 2)
    return words, numbers


def test_the_script_moves_a_linear_model_as_python_draws_it(opened):
    names = ["w of area (per m²)", "area (m²)", "w of age (per year)", "age (year)"]
    explorer = opened.locator(".course-explorer").nth(1)
    model = linear_explorer(*MODEL)
    # Neither level, nor so steep that it leaves the page: Matplotlib changes such lines.
    for places in ((60, 3, 41, 77), (75, 20, 45, 10), (40, 100, 60, 0)):
        values = []
        for name, place in zip(names, places, strict=True):
            slider = explorer.get_by_role("slider", name=name, exact=True)
            slider.fill(str(place))
            values.append(float(slider.get_attribute("aria-valuetext")))
        figure = model._draw(w0=values[0], x0=values[1], w1=values[2], x1=values[3])
        assert explorer.get_by_role("status").inner_text() == figure.alt_text
        shown, wanted = (
            parts(svg)
            for svg in (explorer.locator("svg").evaluate("e => e.outerHTML"), as_svg(figure))
        )
        assert shown[0] == wanted[0]
        assert shown[1] == pytest.approx(wanted[1], abs=1e-4)  # it writes six decimals


def test_the_maps_of_an_explorer_are_read_off(page, tmp_path):
    picture, maps = np.zeros((224, 224, 3), np.uint8), {n: np.eye(n) for n in (7, 14)}
    sizes = {"size": choice("Size", [str(n) for n in maps])}
    explorer = Explorer(lambda size: cam_figure(picture, maps[int(size)]), sizes, moves="choose")
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{explorer.html()}", encoding="utf-8")
    page.goto(path.as_uri())
    for size, said in (("14", "row 3, column 3, value 1"), ("7", "row 1, column 1, value 1")):
        page.get_by_role("radio", name=size, exact=True).check()
        panel = page.get_by_alt_text(re.compile(f"^Grad-CAM, {size} x"))
        panel.hover(position={"x": 50.5, "y": 50.5})
        page.get_by_role("status").filter(has_text=said).wait_for()
        shown = Image.open(io.BytesIO(panel.screenshot())).convert("RGB")
        assert max(shown.getpixel((200, 10))) < 10  # the map is still to be seen, with its zeros
        page.get_by_role("application").focus()
        page.keyboard.press("ArrowRight")
        page.get_by_role("status").filter(has_text=re.compile("column [24], value 0")).wait_for()


def test_without_scripts_there_is_the_still_and_a_note(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.get_by_role("img").count() == 2
    assert page.get_by_text("This picture moves: run the cell, or trust this notebook").count() == 2
    assert page.get_by_role("slider").count() == 0
    context.close()
