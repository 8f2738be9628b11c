"""The explanation card: what a reader sees, and that anything somebody typed stays text."""

import html
import io

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from page import Page
from PIL import Image

from course_utils.apps.card import DPI, WIDTH, card_figure, card_html, percent, signed
from course_utils.display import as_png
from course_utils.models import Prediction

PICTURE = np.zeros((8, 8, 3), np.uint8)
PREDICTIONS = [Prediction(0, "cat $x$", 0.99, 3.0), Prediction(1, "a dog of many long words", 0, 0)]
MAPS = {"one": {"cat": np.eye(8), "dog": -np.eye(8)}, "two": {"cat": np.zeros((8, 8))}}
BOXES = {"my box": (0, 0, 4, 4), "$wall": (4, 4, 8, 8)}
FACTS = {"<h>": "word " * 100, "$y": "long" * 100}


@pytest.fixture(scope="module")
def figure():
    return card_figure("$x$ & <b>", PICTURE, PREDICTIONS, MAPS, FACTS, BOXES)


def test_nothing_that_is_drawn_is_cut_off(figure):
    figure.draw(renderer := FigureCanvasAgg(figure).get_renderer())
    needed = figure.get_tightbbox(renderer)  # inches
    assert needed.x0 > -0.02
    assert needed.y0 > -0.02
    assert needed.x1 < WIDTH / DPI + 0.02
    assert needed.y1 < figure.get_figheight() + 0.02


def test_endless_names_leave_room_for_the_pictures():
    name = "one of many words and " * 20
    bars = [Prediction(c, name, 0.1, 1.0) for c in range(6)]
    figure = card_figure("title", PICTURE, bars, {name: {name: np.eye(8), f"{name}2": np.eye(8)}})
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    inches = [ax.get_window_extent().width / figure.dpi for ax in figure.findobj(Axes) if ax.images]
    assert min(inches) > 1


def test_it_is_sharp_on_paper_and_legible_on_a_phone(figure):
    picture = Image.open(io.BytesIO(as_png(figure)))
    assert round(picture.info["dpi"][0]) == 150
    smallest = min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip())
    pixels_per_inch = (390 - 32) * DPI / WIDTH  # of a phone's width, without the page's margins
    assert smallest / 72 * pixels_per_inch > 7.7


def test_the_maps_of_a_method_share_one_scale(figure):
    maps = [ax for ax in figure.findobj(Axes) if ax.images and ax.get_xlabel()]
    assert [ax.images[0].get_clim() for ax in maps] == [(-1, 1), (-1, 1), (0, 1)]
    assert "zero everywhere" in maps[2].get_xlabel()


@pytest.mark.parametrize(("size", "pixels"), [(7, 64), (224, 2), (480, 1)])
def test_a_value_is_a_block_of_whole_pixels(size, pixels):
    values = np.zeros((size, size, 3))
    values[size // 3, size // 2, 0] = -1  # a method's raw map: without its sign, as elsewhere
    side = max(224, size)
    figure = card_figure("", np.zeros((side, side, 3), np.uint8), PREDICTIONS, {"m": {"c": values}})
    (ax,) = (ax for ax in figure.findobj(Axes) if ax.images and ax.get_xlabel())
    assert ax.get_xlabel() == "raw: -1 to 0"
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    box = ax.get_window_extent()
    drawn = np.asarray(Image.open(io.BytesIO(as_png(figure))).convert("RGB"), int)
    x, y = round(box.x0), drawn.shape[0] - round(box.y1)
    panel = drawn[y : y + round(box.height), x : x + round(box.width)].sum(axis=2)
    rows, columns = np.nonzero(panel > 60)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (pixels, pixels)
    assert (panel[rows, columns] == panel.max()).all()


def test_its_description_names_what_is_drawn(figure):
    for said in ("my box, rows 0 to 3, columns 0 to 3", "$wall", "cat $x$ 99.0%", "one, dog: "):
        assert said in figure.alt_text


def test_what_a_person_typed_stays_text_on_the_page():
    page = card_html("<b>&", b"png", '"<i>"', {"<i>": "<script>"})
    tags = [tag for tag, _ in Page(page).elements]
    assert not {"b", "i", "script"} & set(tags)
    assert html.escape("<b>&") in page
    assert {"main", "meta", "h1", "h2", "p"} < set(tags)


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.308, "30.8%"), (1.0, "100.0%"), (0.0004, "below 0.1%"), (0.0, "0.0%"), (-0.0, "0.0%")],
)
def test_a_probability_is_never_rounded_to_nothing(probability, text):
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("change", "text"), [(-1.3, "-1.30"), (0.0, "+0"), (-0.0, "+0"), (-0.00012, "-0.0001")]
)
def test_a_change_is_never_rounded_to_nothing(change, text):
    assert signed(change) == text
