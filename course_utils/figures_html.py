"""Draw maps as HTML: one pixel per value, which the browser enlarges in whole blocks.

It needs neither a script nor a style sheet: JupyterLab takes both away from a notebook that it
doesn't trust, and keeps pictures, their descriptions, and sizes.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image

SIDE = 224
"""Screen pixels: a smaller panel is enlarged as long as it isn't larger than this."""


class Panel(NamedTuple):
    """One part of a figure, ready to be drawn: a map with its colours, or a picture."""

    name: str
    pixels: np.ndarray
    """(h, w) values, or a picture, uint8 (H, W, 3)."""
    size: tuple[int, int]
    """Height and width on the screen, in pixels: at least as many as there are values."""
    described: str
    limits: tuple[float, float] = (0.0, 1.0)
    cmap: str = ""
    """The name of the colour map; empty for a picture."""
    range_text: str = ""

    @property
    def clipped(self) -> tuple[bool, bool]:
        """Whether there are values below and above the colour scale."""
        return bool(self.pixels.min() < self.limits[0]), bool(self.pixels.max() > self.limits[1])

    @property
    def levels(self) -> np.ndarray:
        """Each value's place in the colour map, 0 to 255, uint8 (h, w)."""
        low, high = self.limits
        share = (self.pixels.astype(float) - low) / ((high - low) or 1)
        return np.clip(np.floor(256 * share), 0, 255).astype(np.uint8)


def whole_blocks(size: tuple[int, int], *others: tuple[int, int]) -> tuple[int, int]:
    """Return the screen size of a picture: a multiple of its own, and no smaller than the others'.

    Args:
        size: height and width of the picture.
        others: of the maps that are drawn as large as the picture.
    """
    k = max(1, SIDE // max(size))
    for other in others:
        k = max(k, *(-(-o // s) for o, s in zip(other, size, strict=True)))
    return k * size[0], k * size[1]


def img(png: bytes, alt_text: str, style: str = "max-width: 100%") -> str:
    """Return a PNG as an `<img>` with its description."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{_text(alt_text)}" style="{style}"/>'


def maps_html(title: str, panels: Sequence[Panel]) -> str:
    """Return panels side by side; where there's no room, they go on in the next row."""
    heading = f'<p style="margin: 0; font-weight: bold">{_text(title)}</p>' if title else ""
    row = "display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start"
    # All names get the lines that the longest needs, or the pictures wouldn't be level.
    lines = max(len(textwrap.wrap(panel.name, panel.size[1] // 9)) for panel in panels)
    return (
        f'<figure class="maps" style="margin: 0">{heading}<div style="{row}">'
        f"{''.join(_panel(panel, lines) for panel in panels)}</div></figure>"
    )


def _panel(panel: Panel, lines: int) -> str:
    height, width = panel.size
    size = f"display: block; width: {width}px; height: {height}px; image-rendering: pixelated"
    parts = [
        f'<div style="width: {width}px; line-height: 1.4"><div style="display: flex; '
        f'align-items: flex-end; min-height: {1.4 * lines:.1f}em">{_text(panel.name)}</div>',
        img(_png(panel), panel.described, f"{size}; max-width: none"),
    ]
    if panel.cmap:
        small = "font-size: 12px; margin-top: 4px"
        bar = "flex: 1; width: 20px; min-width: 20px; height: 10px; margin: 0"
        low, high = (number(limit) for limit in panel.limits)
        below, above = panel.clipped
        parts.append(
            f'<div style="display: flex; gap: 6px; align-items: center; {small}">'
            f"<span>{'≤ ' * below}{low}</span>{img(_colours(panel.cmap), '', bar)}"
            f'<span>{"≥ " * above}{high}</span></div><div style="{small}">{panel.range_text}</div>'
        )
    return "".join([*parts, "</div>"])


def _png(panel: Panel) -> bytes:
    if not panel.cmap:
        return _encoded(Image.fromarray(panel.pixels))
    levels = Image.fromarray(panel.levels)
    levels.putpalette(_palette(panel.cmap))
    return _encoded(levels)


def _colours(cmap: str) -> bytes:
    """Return a colour bar: all colours of a colour map, from left to right."""
    bar = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    bar.putpalette(_palette(cmap))
    return _encoded(bar)


def _palette(cmap: str) -> bytes:
    return matplotlib.colormaps[cmap](np.arange(256), bytes=True)[:, :3].tobytes()


def _encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return file.getvalue()


def number(value: float) -> str:
    """Return a number with two digits, or all those before the point."""
    value += 0.0  # -0.0 becomes 0.0
    return f"{value:.2g}" if abs(value) < 1000 else f"{value:.0f}"


def _text(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)
