"""Every reader must be able to read the lessons: check all notebooks as they're built.

Figures have text alternatives and stay legible on a phone; colours step evenly; headings are
nested without gaps; everything you can click has a name.
"""

import base64
import io
import itertools
import re
from pathlib import Path

import cv2
import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib import pyplot
from page import Page
from PIL import Image

from course_utils import display
from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]
SOLVED = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
STUDENTS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.py"))


def names(paths):
    return {"argvalues": paths, "ids": [f"{p.parent.name}-{p.stem}" for p in paths]}


def html_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                yield output["data"]["text/html"]


def figures(path):
    for text in html_outputs(path):
        for tag, attributes in Page(text).elements:
            if tag == "img":
                yield attributes


# -------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize("path", **names(SOLVED))
def test_every_picture_that_reaches_the_reader_has_a_text_alternative(path):
    found = list(figures(path))
    assert found
    for attributes in found:
        if attributes["alt"] == "" and "flex: none" in attributes["style"]:
            continue  # another panel of a chart whose first panel has the description
        least = 8 if "pixelated" in attributes["style"] or "flex: 1" in attributes["style"] else 40
        assert len(attributes.get("alt", "")) > least, attributes.get("alt")
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            kinds = set(output.get("data", {}))
            assert not kinds & {"image/jpeg", "image/svg+xml"}  # has no alt text
            if "image/png" in kinds:
                assert "text/html" in kinds
                assert len(output.metadata["image/png"]["alt"]) > 40
            assert notebooks.WIDGET not in kinds or "text/html" not in kinds
        if cell.cell_type == "markdown":
            for alt in re.findall(r"!\[([^\]]*)\]\(", cell.source):
                assert alt.strip()


@pytest.mark.parametrize("path", **names(SOLVED))
def test_the_text_of_a_figure_stays_legible_on_a_phone(path):
    """A figure never shrinks until its smallest text is below 8 pixels (`display.LEGIBLE`)."""
    for attributes in figures(path):
        if "pixelated" in attributes["style"] or "flex: 1" in attributes["style"]:
            continue  # a panel or its colours, with text around them
        width = re.search(r"min-width: (\d+)px", attributes.get("style", ""))
        assert width, "built before figures had a least width: run tools/notebooks.py"
        png = base64.b64decode(attributes["src"].partition(",")[2])
        assert int(width.group(1)) <= Image.open(io.BytesIO(png)).width


@pytest.mark.parametrize(("size", "dpi", "expected"), [(10, 72, 0.8), (8, 144, 0.5), (6, 72, 1.0)])
def test_the_least_width_follows_from_the_smallest_text(size, dpi, expected):
    """Text of 10 pixels may shrink to 8, text of 16 to a half; smaller text mustn't shrink."""
    figure = display.DescribedFigure(figsize=(5, 2), dpi=dpi)
    figure.text(0.5, 0.5, "text", fontsize=size)
    figure.text(0.5, 0.2, "larger text", fontsize=2 * size)
    figure.text(0.5, 0.8, " ", fontsize=1)  # nothing to read
    width = re.search(r"min-width: (\d+)px", figure._repr_html_())
    assert int(width.group(1)) == round(5 * dpi * expected)


def test_a_chart_wraps_between_its_panels_and_is_described_once(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "_show", lambda picture, png, alt_text: shown.append(picture))
    figure, axes = pyplot.subplots(2, 4, figsize=(8, 4))
    for ax in axes.flat:
        ax.plot([1, 2])
    figure.suptitle("Eight lines")
    display.show_figure(figure, "Eight rising lines.")
    panels = [a for tag, a in Page(shown[0]).elements if tag == "img"]
    assert [panel["alt"] for panel in panels] == ["Eight rising lines.", *[""] * 7]
    assert ">Eight lines<" in shown[0]
    drawn = [Image.open(io.BytesIO(base64.b64decode(p["src"].partition(",")[2]))) for p in panels]
    assert 780 <= sum(panel.width for panel in drawn[:4]) <= 800
    for panel, picture in zip(panels, drawn, strict=True):
        least, share = re.search(r"width: ([\d.]+)%; min-width: (\d+)px", panel["style"]).groups()[
            ::-1
        ]
        assert int(least) < 200
        assert float(share) <= 25
        dark = np.asarray(picture.convert("L")) < 128  # a line, an axis; nothing cuts through one
        assert dark.sum() > 400
        assert not dark[:, [0, -1]].any()


# --------------------------------------------------------------------------------------- colours


def lightness(name: str) -> np.ndarray:
    """L* of CIELAB, 0 black to 100 white, along a colour map."""
    colours = matplotlib.colormaps[name](np.linspace(0, 1, 256))[None, :, :3].astype(np.float32)
    return cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0, :, 0]


def colour_maps():
    """Return every colour map that the lessons or the package name."""
    found = {display.SEQUENTIAL, display.DIVERGING}
    for path in [*SOURCES, *sorted((ROOT / "course_utils").glob("*.py"))]:
        found |= set(re.findall(r'cmap\s*[:=]+\s*(?:str = )?"(\w+)"', path.read_text("utf-8")))
    return sorted(found)


def test_there_are_colour_maps_to_look_at():
    assert {"inferno", "coolwarm", "cividis"} <= set(colour_maps())


@pytest.mark.parametrize("name", colour_maps())
def test_a_colour_map_is_told_apart_by_its_lightness_alone(name):
    """They work in greyscale, and for people who see no red or green: lighter means more, evenly.

    A diverging map gets darker on both sides of its centre, by the same amount.
    """
    L = lightness(name)
    if L[128] > max(L[0], L[-1]) + 10 or L[128] < min(L[0], L[-1]) - 10:
        halves = [L[:128], L[128:]]
        assert abs(L[0] - L[-1]) < 10
    else:
        halves = [L]
    for half in halves:
        steps = np.diff(half) * np.sign(half[-1] - half[0])
        # Interpolating a table of 256 colours leaves steps of a tenth of a level.
        assert steps.min() > -0.15, "not monotonic"
        # Of 16 long steps, none is over three times the mean; rainbow maps reach five.
        long = np.abs(np.diff(half[:: len(half) // 16]))
        assert long.max() < 3 * long.mean()


def test_a_rainbow_would_not_pass():
    for name in ("jet", "hsv", "rainbow"):
        with pytest.raises(AssertionError):
            test_a_colour_map_is_told_apart_by_its_lightness_alone(name)


# ------------------------------------------------------------------------------ headings and links


@pytest.mark.parametrize("path", **names([*STUDENTS, *SOLVED]))
def test_headings_are_nested_without_gaps(path):
    levels = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            levels += [len(marks) for marks in re.findall(r"^(#+) \S", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for before, after in itertools.pairwise(levels):
        assert after <= before + 1, levels


@pytest.mark.parametrize("path", **names([*STUDENTS, *SOLVED]))
def test_links_say_where_they_lead(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for text in re.findall(r"(?<!!)\[([^\[\]]+)\]\(", cell.source):
                assert text.strip().lower() not in {"here", "link", "this", "click here"}


@pytest.mark.parametrize("path", **names(SOLVED))
def test_what_is_embedded_or_clicked_has_a_name(path):
    for text in html_outputs(path):
        for tag, attributes in Page(text).elements:
            if tag == "iframe":
                assert attributes.get("title")
            if tag in ("input", "select", "textarea"):
                assert attributes.get("aria-label") or attributes.get("id")


@pytest.mark.parametrize("path", **names(SOURCES))
def test_a_lesson_that_draws_curves_labels_its_axes(path):
    """Where a lesson draws curves with pyplot, its axes get labels somewhere in the same lesson."""
    text = path.read_text(encoding="utf-8")
    if ".plot(" in text:
        assert "xlabel" in text
        assert "ylabel" in text
