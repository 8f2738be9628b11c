"""Figures in a browser: every value is seen, nothing is cut, and values are read off by hand."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

from course_utils import show_maps

pytestmark = [pytest.mark.slow, pytest.mark.patient]

ROOT = Path(__file__).resolve().parents[2]
GREY = np.full((224, 224, 3), 128, np.uint8)
PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Figures</title>'
    '<meta name="viewport" content="width=device-width"><body style="margin: 16px">{}'
)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Write figures into a file as a page without anything else, and return its address."""

    def page(name, *figures):
        path = tmp_path_factory.mktemp("page") / f"{name}.html"
        drawn = "<br>".join(figure._repr_html_() for figure in figures)
        path.write_text(PAGE.format(drawn), encoding="utf-8")
        return path.as_uri()

    return page


# ---------------------------------------------------------------------------------- every value


def lit(size, at):
    values = np.zeros((size, size), np.float32)
    values[at] = 1
    return values


@pytest.fixture(scope="module")
def one_lit_each(write):
    """Figures of one to three maps with one value that isn't 0: (address, the maps in order)."""
    rng = np.random.default_rng(0)
    figures, maps = [], []
    for size in (7, 14, 28, 112, 224, 480):
        n = len(maps) % 3 + 1
        drawn = {f"map {k}": lit(size, tuple(rng.integers(size, size=2))) for k in range(n)}
        side = max(size, 224)
        figures.append(show_maps(np.full((side, side, 3), 128, np.uint8), drawn))
        maps += drawn.values()
    return write("lit", *figures), maps


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("width", [1280, 390])
def test_one_lit_value_is_a_block_on_the_screen(width, ratio, chromium, one_lit_each):
    address, maps = one_lit_each
    view = {"viewport": {"width": width, "height": 800}, "device_scale_factor": ratio}
    with chromium.new_page(**view) as page:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width  # nothing is cut
        panels = page.get_by_alt_text(re.compile("^map"))
        assert panels.count() == len(maps)
        for panel, values in zip(panels.all(), maps, strict=True):
            shown = np.asarray(Image.open(io.BytesIO(panel.screenshot())).convert("RGB"), int)
            rows, columns = np.nonzero(shown.max(axis=2) > 64)  # a quarter of the contrast
            (row,), (column,) = np.nonzero(values)
            stored = panel.evaluate("image => image.naturalWidth")
            each, block = len(values) // stored, panel.bounding_box()["width"] * ratio / stored
            assert block in (1, 2, 4, 8, 16, 32, 64)
            assert each == (2 if len(values) == 480 and width == 390 else 1)
            assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (block, block)
            # A screenshot begins at the whole pixel before the panel.
            assert 0 <= rows.min() - block * (row // each) <= 1
            assert 0 <= columns.min() - block * (column // each) <= 1


# ------------------------------------------------------------------------------- linked reading


@pytest.fixture(scope="module")
def linked(write):
    """A figure of a 224 x 224 and a 7 x 7 map: (address, the maps)."""
    rng = np.random.default_rng(0)
    fine = (rng.normal(size=(224, 224)) * 1e-3).astype(np.float32)
    coarse = rng.normal(size=(7, 7)).astype(np.float32)
    return write("linked", show_maps(GREY, {"Fine": fine, "Coarse": coarse})), fine, coarse


def said_of(name, values, row, column):
    """What the line below a figure must say about a value, which has lost some of its digits."""
    size = np.abs(values)
    rank = 1 + int((size > size[row, column]).sum())
    return (name, row, column, pytest.approx(float(values[row, column]), rel=1e-2), rank)


def reading(page):
    line = r"(\w+): row (\d+), column (\d+), value (\S+), rank (\d+)(?: to (\d+))? of \d+"
    found = re.findall(line, page.get_by_role("status").inner_text())
    return [
        (name, int(r), int(c), float(v), range(int(first), int(last or first) + 1))
        for name, r, c, v, first, last in found
    ]


def check(found, expected):
    """Check that readings agree. Some ranks are a range, because values are equal in 12 bits."""
    assert [f[:4] for f in found] == [e[:4] for e in expected]
    assert all(e[4] in f[4] and len(f[4]) < 100 for f, e in zip(found, expected, strict=True))


def test_a_mouse_reads_all_maps_at_once(page, linked):
    address, fine, coarse = linked
    page.goto(address)
    for panel in page.locator("figure img[data-name]").all():  # the picture and both maps
        panel.hover(position={"x": 100.5, "y": 60.5})
        check(reading(page), [said_of("Fine", fine, 60, 100), said_of("Coarse", coarse, 1, 3)])
    assert page.strangers == []


def test_a_square_lights_its_pixels_in_the_picture(page, linked):
    page.goto(linked[0])
    picture, _, coarse = page.locator("figure img[data-name]").all()
    before = np.asarray(Image.open(io.BytesIO(picture.screenshot())), int)
    coarse.hover(position={"x": 40, "y": 170})  # row 5, column 1
    changed = (np.asarray(Image.open(io.BytesIO(picture.screenshot())), int) != before).any(axis=2)
    frame = changed.copy()
    frame[166:176], frame[:, 36:46] = False, False  # without the crosshair
    rows, columns = np.nonzero(frame)
    # The outline is just outside of the 32 x 32 pixels: two pixels wide on each side.
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == pytest.approx(
        [5 * 32 - 2, 6 * 32 + 1, 32 - 2, 2 * 32 + 1], abs=1
    )
    assert not frame[5 * 32 + 1 : 6 * 32 - 1, 32 + 1 : 2 * 32 - 1].any()


def test_the_arrow_keys_move_by_one_value_of_the_finest_map(page, linked):
    address, fine, coarse = linked
    page.goto(address)
    page.get_by_role("status").wait_for()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-label").startswith("To read the values")
    assert "solid" in focused.evaluate("e => getComputedStyle(e).outline")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    check(reading(page), [said_of("Fine", fine, 113, 112), said_of("Coarse", coarse, 3, 3)])
    for _ in range(120):
        page.keyboard.press("ArrowUp")  # at the edge, it stays
    check(reading(page), [said_of("Fine", fine, 0, 112), said_of("Coarse", coarse, 0, 3)])
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("Escape")
    assert reading(page) == []
    assert page.locator("figure :focus").count() == 0


def test_a_finger_reads_on_a_phone(chromium, linked):
    address, fine, coarse = linked
    view = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
    with chromium.new_page(**view, has_touch=True, is_mobile=True) as page:
        page.goto(address)
        panel = page.locator("figure img[data-name]").nth(1)
        panel.tap(position={"x": 30.5, "y": 200.5})
        check(reading(page), [said_of("Fine", fine, 200, 30), said_of("Coarse", coarse, 6, 0)])
        line = page.get_by_role("status").bounding_box()
        assert 0 <= line["y"] <= 844 - line["height"]  # in sight, wherever the panel is
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_maps_of_one_size_share_their_row_and_column_and_fit_a_phone(chromium, write):
    rng = np.random.default_rng(0)
    maps = {f"mean of g, n = {n}": rng.normal(size=(112, 112)) / 100 for n in (1, 8, 64)}
    with chromium.new_page(viewport={"width": 390, "height": 844}) as page:
        page.goto(write("sizes", show_maps(GREY, maps)))
        page.locator("figure img[data-name]").nth(3).hover(position={"x": 201, "y": 221})
        status = page.get_by_role("status")
        first, *others = status.inner_text().splitlines()
        assert first.startswith("mean of g, n = 1: row 110, column 100, value ")
        assert first.endswith(" of 12544")
        assert [line.partition(":")[0] for line in others] == [*maps][1:]
        for line, values in zip(others, [*maps.values()][1:], strict=True):
            value = float(re.search(r": (\S+), rank \d+(?: to \d+)?$", line)[1])
            assert value == pytest.approx(values[110, 100], rel=1e-2)
        assert status.bounding_box()["height"] <= 4 * 18 + 8  # only the first needs two lines


CELL = """import numpy as np
from course_utils import show_maps

picture = np.full((224, 224, 3), 128, np.uint8)
show_maps(picture, {"Coarse": np.eye(7)})"""


def test_in_jupyterlab_trusted_or_not(page, jupyterlab):
    """Without trust, JupyterLab keeps neither script nor data, but pictures and descriptions."""
    address, folder = jupyterlab
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL) for _ in range(2)])
    path = folder / "figures.ipynb"
    nbclient.NotebookClient(notebook, kernel_name="python3").execute(
        env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    nbformat.write(notebook, path)

    page.goto(f"{address}/lab/tree/figures.ipynb?reset")
    panel = page.get_by_alt_text("Coarse: strongest").first
    panel.wait_for()
    assert panel.bounding_box()["width"] == panel.bounding_box()["height"] == 224
    assert page.get_by_role("status").filter(has_text="To read the values").count() == 0
    shown = np.asarray(Image.open(io.BytesIO(panel.screenshot())).convert("RGB"))[:224, :224]
    blocks = shown.reshape(7, 32, 7, 32, 3)[:, 2:30, :, 2:30]  # not blurred
    assert (blocks == blocks[:, :1, :, :1]).all()

    shutil.copy(path, folder / "trusted.ipynb")  # trust is in what a notebook holds
    subprocess.run([sys.executable, "-m", "jupyter", "trust", folder / "trusted.ipynb"], check=True)
    page.goto(f"{address}/lab/tree/trusted.ipynb?reset")
    panel = page.get_by_alt_text("Coarse: strongest").first
    panel.wait_for()
    page.get_by_role("application").first.focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    said = page.get_by_role("status").filter(has_text="Coarse")
    said.wait_for()
    assert "row 4, column 4, value 1, rank 1 to 7 of 49" in said.inner_text()
    assert page.locator(".jp-Cell.jp-mod-selected").count() == 1  # the arrows are the figure's
    assert page.locator("figure :focus").count() == 1
