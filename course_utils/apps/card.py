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
from course_utils.figures_html import Panel, number, reduced
from course_utils.models import Prediction

__all__ = ["PAGE", "card_figure", "card_html", "percent", "signed"]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
main {{ max-width: 960px; margin: auto; padding: 0 1em; font-family: sans-serif; line-height: 1.5 }}
img {{ max-width: 100% }}
h1 {{ font-size: 1.5em }}
h2 {{ font-size: 1.1em; margin: 1em 0 0 }}
p {{ max-width: 42em; margin: 0; overflow-wrap: anywhere }}
</style></head>
<body><main>
<h1>{title}</h1>
{body}
</main></body></html>"""
"""The page's frame, for str.format: it fits a phone, and its lines stay short on a wide screen."""

DPI = 150
WIDTH = 960  # pixels: fits a page of paper, and on a phone 10 points are still 8 pixels high
POINTS = 10  # the smallest text
MARGIN, SIDE, GAP, LINE = 16, 448, 32, 28  # pixels; the largest side of a panel, a line of text
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
    boxes, lines, shape = dict(boxes or {}), _lines(facts or {}), picture.shape
    picture = _fitting(picture)
    k = SIDE // max(picture.shape[:2])
    size = (k * picture.shape[0], k * picture.shape[1])
    heading = textwrap.wrap(title, 52)
    rows = [[Panel("Picture", picture, "")]]
    rows += [_panels(method, panels, size) for method, panels in maps.items()]
    tops = []  # of each row's pictures, in pixels
    y = MARGIN + 36 * len(heading)
    for row in rows:
        y += LINE * (1 + max(panel.name.count("\n") for panel in row)) + 8
        tops.append(y)
        y += max(panel.size[0] if panel.cmap else size[0] for panel in row) + 4 * LINE
    height = y + LINE * (len(lines) + 1) * bool(lines)
    figure = DescribedFigure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)

    def axes(x, y, w, h):  # each value is then a whole number of pixels
        return figure.add_axes((x / WIDTH, 1 - (y + h) / height, w / WIDTH, h / height))

    if heading:
        where = {"y": 1 - MARGIN / height, "va": "top"}
        figure.suptitle("\n".join(heading), fontsize=13, parse_math=False, **where)
    for row, top in zip(rows, tops, strict=True):
        for x, panel in zip((MARGIN, MARGIN + SIDE + GAP), row, strict=False):
            h, w = panel.size if panel.cmap else size
            ax = axes(x, top, w, h)
            if panel.cmap:
                _draw_map(figure, ax, panel, axes(x, top + h + 10, w, 10))
            else:
                display._draw_picture(ax, panel.pixels, panel.name)
            ax.images[0].set_extent((-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5))
            ax.set_aspect("auto")
            drawn = list(boxes.items())[: 1 if panel.cmap else None]
            for place, (name, box) in enumerate(drawn):
                _draw_box(ax, box, name, dashes=":" if place else "-")
    left = MARGIN + SIDE + GAP + 200  # room for the names of classes
    _draw_predictions(axes(left, tops[0], WIDTH - left - MARGIN, size[0]), predictions)
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), POINTS))
    for place, (words, weight) in enumerate(lines):
        at = (MARGIN / WIDTH, 1 - (y + LINE * (place + 0.5)) / height)
        figure.text(*at, words, va="center", fontsize=POINTS, weight=weight, parse_math=False)
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


def _fitting(pixels: np.ndarray) -> np.ndarray:
    """Return a map or a picture, reduced if it's larger than a panel of the card."""
    return reduced(pixels, -(-max(pixels.shape[:2]) // SIDE))


def _panels(method: str, maps: Mapping[str, np.ndarray], size: tuple[int, int]) -> list[Panel]:
    """Return a method's maps, on one colour scale, each about as large as the picture."""
    values = {caption: display.map_values(given) for caption, given in maps.items()}
    limits = display.color_limits(np.concatenate([v.ravel() for v in values.values()]), 99)
    cmap = display.DIVERGING if limits[0] < 0 else display.SEQUENTIAL
    return [
        Panel(
            _fill(method, 30) + "\n" + _fill(caption, 30),
            _fitting(values[caption]),
            "",
            size,
            limits,
            cmap,
            display._range_text(given),
        )
        for caption, given in maps.items()
    ]


def _draw_map(figure, ax, panel: Panel, cax) -> None:
    bar = display._draw_map(figure, ax, panel, cax, "horizontal")
    low, high = panel.limits[0], panel.limits[1] or 1
    ticks = (low, (low + high) / 2, high)
    bar.set_ticks(ticks, labels=[number(tick) for tick in ticks])
    for text, side in zip(cax.get_xticklabels(), ("left", "center", "right"), strict=True):
        text.set_horizontalalignment(side)  # the outer ones end where the bar ends
    ax.set_xlabel(panel.range_text, labelpad=30)


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
