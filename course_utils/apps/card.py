"""The explanation card, as a picture and as a web page: lesson 7 and the playground make it."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from course_utils import display
from course_utils.display import DescribedFigure, describe_map
from course_utils.images import resize_map
from course_utils.models import Prediction

__all__ = ["PAGE", "card_figure", "card_html", "percent", "signed"]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
main {{ max-width: 42em; margin: auto; padding: 0 1em; font-family: sans-serif; line-height: 1.5 }}
h1 {{ font-size: 1.5em }}
h2 {{ font-size: 1.1em; margin: 1em 0 0 }}
p {{ margin: 0; overflow-wrap: anywhere }}
</style></head>
<body><main>
<h1>{title}</h1>
{body}
</main></body></html>"""
"""The page's frame, for str.format: it fits a phone, and stays narrow on a wide screen."""

DPI = 150
WIDTH = 6.4  # inches: fits a page of paper, and on a phone 10 points are still 8 pixels high
POINTS = 10  # the smallest text
ROW, LINE = 3.3, 0.18  # inches: the height of a row of pictures, and of a line of text
LETTERS = 78  # per line


def card_html(title: str, png: bytes, alt: str, facts: Mapping[str, str]) -> str:
    """Return the card as a page that needs no other files; everything that was typed is escaped."""
    body = display.img(png, alt)
    for heading, text in facts.items():
        body += f"\n<h2>{html.escape(heading)}</h2><p>{html.escape(text)}</p>"
    return PAGE.format(title=html.escape(title), body=body)


def card_figure(
    title: str,
    picture: np.ndarray,
    predictions: Sequence[Prediction],
    maps: Mapping[str, Mapping[str, np.ndarray]],
    facts: Mapping[str, str] | None = None,
    boxes: Mapping[str, tuple[int, int, int, int]] | None = None,
) -> DescribedFigure:
    """Draw the card: the picture, the predictions, the maps and, below them, the facts.

    Args:
        title: above everything; may be empty.
        picture: what the network saw, uint8 (H, W, 3).
        predictions: the bars, from top to bottom.
        maps: method -> {caption: raw map}. Each method gets a row and its own colour scale,
            because different methods have different units.
        facts: heading -> text.
        boxes: name -> (top, left, bottom, right). The first is drawn on the maps as well.

    Returns:
        The figure, 150 dots per inch, with a description in `alt_text`.
    """
    boxes, lines = dict(boxes or {}), _lines(facts or {})
    heights = [ROW * (1 + len(maps)) + 0.35 * bool(title), LINE * (len(lines) + 1)]
    if not lines:
        del heights[1]
    size = (WIDTH, sum(heights))
    figure = DescribedFigure(figsize=size, dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.12)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    rows = parts[0].subplots(1 + len(maps), 2, squeeze=False)
    parts[0].suptitle("\n".join(textwrap.wrap(title, 52)), fontsize=13, parse_math=False)

    display._draw_picture(rows[0, 0], picture, "Picture")
    for number, (name, box) in enumerate(boxes.items()):
        _draw_box(rows[0, 0], box, name, dashes="-" if number == 0 else ":")
    _draw_predictions(rows[0, 1], predictions)
    for axes, (method, panels) in zip(rows[1:], maps.items(), strict=True):
        _draw_row(parts[0], axes, method, panels, picture.shape[:2], boxes)
    for text in parts[0].findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), POINTS))
    for number, (words, weight) in enumerate(lines):
        y = 1 - (number + 0.5) / (len(lines) + 1)
        parts[1].text(0.02, y, words, va="center", fontsize=POINTS, weight=weight, parse_math=False)
    figure.alt_text = _describe(title, predictions, maps, boxes)
    return figure


def percent(probability: float) -> str:
    """Write a probability in per cent; one that isn't zero never reads 0.0%."""
    return "below 0.1%" if 0 < probability < 0.0005 else f"{abs(probability):.1%}"


def signed(change: float) -> str:
    """Write a change with its sign; one that isn't zero never reads 0.00."""
    return f"{change:+.2f}" if abs(change) >= 0.005 else f"{change + 0.0:+.1g}"


def _lines(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the lines of the card's text, each with the weight of its letters."""
    found = []
    for heading, text in facts.items():
        found += [(line, "bold") for line in textwrap.wrap(heading, LETTERS - 8)]
        found += [(line, "normal") for line in textwrap.wrap(text, LETTERS)]
    return found


def _fill(text: str, letters: int) -> str:
    """Break a text into lines; only as many as leave room for the pictures."""
    return textwrap.fill(text, letters, max_lines=4, placeholder="...")


def _draw_predictions(ax, predictions: Sequence[Prediction]) -> None:
    bars = ax.barh(range(len(predictions)), [p.probability for p in predictions], color="0.4")
    ax.bar_label(bars, [percent(p.probability) for p in predictions], padding=3)
    ax.set_yticks(range(len(predictions)), [_fill(p.label, 14) for p in predictions])
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.set(xlabel="probability", xlim=(0, 1.5), xticks=[0, 0.5, 1])  # beyond 1: for the numbers
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines["bottom"].set_bounds(0, 1)
    ax.set_title("Prediction", fontsize=11)
    ax.invert_yaxis()


def _draw_row(figure, axes, method: str, panels: Mapping, size, boxes: Mapping) -> None:
    limits = display.color_limits(np.concatenate([np.ravel(m) for m in panels.values()]), 99)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax, (caption, values) in zip(axes, panels.items(), strict=False):
        values = display.map_values(values)
        title = _fill(method, 30) + "\n" + _fill(caption, 30)
        display._draw_map(figure, ax, resize_map(values, size), title, limits)
        ax.set_xlabel(f"colour: value of the map\n{display._range_text(values)}")
        for name, box in list(boxes.items())[:1]:
            _draw_box(ax, box, name, dashes="-")


def _draw_box(ax, box: tuple[int, int, int, int], name: str, dashes: str) -> None:
    top, left, bottom, right = box
    for colour, style, width in (
        ("black", "-", 3),
        ("white", dashes, 1.5),
    ):  # visible on any background
        corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
        look = {"edgecolor": colour, "linestyle": style, "linewidth": width}
        ax.add_patch(Rectangle(corner, *size, fill=False, **look))
    label = {"facecolor": "black", "edgecolor": "none", "pad": 1.5}
    name = textwrap.shorten(name, 16, placeholder="...")
    where = (left - 0.5, top - 0.5)
    ax.text(*where, name, color="white", va="top", bbox=label, clip_on=True, parse_math=False)


def _describe(title: str, predictions, maps: Mapping, boxes: Mapping) -> str:
    said = [f"{title}: the picture" if title else "The picture"]
    if boxes:
        said[0] += " with boxes drawn in it: " + "; ".join(map(_described_box, boxes.items()))
    bars = ", ".join(f"{p.label} {percent(p.probability)}" for p in predictions)
    said.append(f"Bars of the probabilities: {bars}")
    for method, panels in maps.items():
        for caption, values in panels.items():
            said.append(f"{method}, {caption}: {describe_map(values)}")
    return ". ".join(said) + "."


def _described_box(item: tuple[str, tuple[int, int, int, int]]) -> str:
    name, (top, left, bottom, right) = item
    return f"{name}, rows {top} to {bottom - 1}, columns {left} to {right - 1}"
