"""Draw maps as HTML: one pixel per value, which the browser enlarges in whole blocks.

It needs neither a script nor a style sheet: JupyterLab takes both away from a notebook that it
doesn't trust, and keeps pictures, their descriptions, and sizes.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image

from course_utils.scripts import script

SIDE = 224
"""Screen pixels: a smaller panel is enlarged as long as it isn't larger than this."""

LARGEST = 1024
"""Pixels: how long a side of a panel gets; beyond, several values share a pixel."""

ROOM = 240
"""Screen pixels: a panel of this width fits everywhere."""

BESIDE = 450
"""Screen pixels of a window that a page needs beside a figure, in JupyterLab or on the site."""

LINKED = 60_000
"""A figure in a notebook holds its maps' values, for reading them off, if they aren't more."""


class Panel(NamedTuple):
    """One part of a figure, ready to be drawn: a map with its colours, or a picture."""

    name: str
    pixels: np.ndarray
    """(h, w) values, or a picture, uint8 (H, W, 3)."""
    described: str
    beside: tuple[int, int] = (0, 0)
    """The size of the picture that a map belongs to, and that it's drawn about as large as."""
    limits: tuple[float, float] = (0.0, 1.0)
    cmap: str = ""
    """The name of the colour map; empty for a picture."""
    range_text: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width on the screen, in pixels: whole multiples of the numbers of values."""
        h, w = self.pixels.shape[:2]
        if not self.cmap:
            k = max(1, SIDE // max(h, w))
            return k * h, k * w
        height, width = self.beside
        return max(1, round(height / h)) * h, max(1, round(width / w)) * w

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


def for_a_screen(pixels: np.ndarray) -> np.ndarray:
    """Return a map or a picture, reduced if it has more pixels than a screen has room for."""
    return reduced(pixels, -(-max(pixels.shape[:2]) // LARGEST))


def reduced(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Return a map or a picture with one pixel for each block of factor x factor.

    A picture's is their mean; a map's is their strongest value. In a mean, one strong value among
    many zeros would fade, and in what a browser makes of too many pixels, it may be gone.
    """
    if factor == 1:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).reduce(factor))
    rows, columns = (np.arange(0, n, factor) for n in pixels.shape)
    high, low = (
        f.reduceat(f.reduceat(pixels, rows, axis=0), columns, axis=1)
        for f in (np.maximum, np.minimum)
    )
    return np.where(high >= -low, high, low)


def img(png: bytes, alt_text: str, style: str = "max-width: 100%") -> str:
    """Return a PNG as an `<img>` with its description."""
    return _img(_url(png), alt_text, style)


def _img(url: str, alt_text: str, style: str, more: str = "", sharp: str = "") -> str:
    """Return an `<img>`; `sharp` is the picture's address where it's enlarged in whole blocks."""
    sharp = sharp and f' srcset="{sharp}"'
    return f'<img src="{url}" alt="{_text(alt_text)}" style="{style}"{sharp}{more}/>'


def title_html(title: str) -> str:
    """Return what is above a figure's panels."""
    return f'<p style="margin: 0 0 6px; font-weight: bold">{_text(title)}</p>' if title else ""


def maps_html(title: str, panels: Sequence[Panel], *, linked: int = LINKED) -> str:
    """Return panels side by side; where there's no room, they go on in the next row.

    Args:
        title: above all panels.
        panels: the picture and its maps.
        linked: how many values it may bring along, for a crosshair; none if there are more.
    """
    row = "display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start"
    # All names get the lines that the longest needs, or the pictures wouldn't be level.
    lines = max(len(textwrap.wrap(panel.name, panel.size[1] // 9)) for panel in panels)
    reads = 0 < sum(panel.pixels.size for panel in panels if panel.cmap) <= linked
    drawn = "".join(_panel(panel, lines, reads) for panel in panels)
    return (
        f'<figure class="maps" style="margin: 0">{title_html(title)}'
        f'<div style="{row}">{drawn}</div></figure>'
        f"{script('maps') if reads else ''}"
    )


def _panel(panel: Panel, lines: int, linked: bool) -> str:
    whole = "width: min-content; line-height: 22px; page-break-inside: avoid"
    name = f"display: flex; align-items: flex-end; min-height: {22 * lines}px"
    parts = [
        f'<div style="{whole}"><div style="{name}">{_text(panel.name)}</div>'
        f"{_picture(panel, _values(panel) * linked)}",
    ]
    if panel.cmap:
        small = "font-size: 12px; margin-top: 4px"
        bar = "flex: 1; width: 20px; min-width: 20px; height: 10px; margin: 0"
        low, high = (number(limit) for limit in panel.limits)
        below, above = panel.clipped
        colours = img(_colours(panel.cmap), f"Colours from {low} to {high}", bar)
        parts.append(
            f'<div style="display: flex; gap: 6px; align-items: center; white-space: nowrap; '
            f'{small}"><span>{"&le; " * below}{low}</span>{colours}'
            f"<span>{'&ge; ' * above}{high}</span></div>"
            f'<div style="{small}">{panel.range_text}</div>'
        )
    return "".join([*parts, "</div>"])


def _picture(panel: Panel, values: str) -> str:
    """Return a panel's picture; a large one in several sizes, for narrow windows.

    A browser would shrink it pixel by pixel, and lose some values. And it would blur a coarse map
    on GitHub, and in JupyterLab without trust: they take `image-rendering` away. But they take
    `srcset` away, too, and what's left is a picture of the whole blocks.
    """
    style = "display: block; max-width: none; image-rendering: pixelated"
    url, sharp = _url(_encoded(panel)), ""
    height, width = panel.size
    k = [size // n for size, n in zip(panel.size, panel.pixels.shape[:2], strict=True)]
    if max(k) > 1:
        blocks = panel.pixels.repeat(k[0], axis=0).repeat(k[1], axis=1)
        url, sharp = _url(_encoded(panel._replace(pixels=blocks))), url
    if width <= ROOM:  # whatever the page says about pictures
        size = f"width: {width}px; height: {height}px"
        return _img(url, panel.described, f"{style}; {size}", values, sharp)
    sources = []
    size = f'width="{width}" height="{height}"'
    drawn = _img(url, panel.described, style, f" {size}{values}", sharp)
    for factor in range(2, -(-width // ROOM) + 1):
        # First with fewer pixels for each value, and then with fewer values.
        pixels = reduced(panel.pixels, -(-factor // min(k)))
        h, w = (max(1, each // factor) * n for each, n in zip(k, pixels.shape[:2], strict=True))
        url = _url(_encoded(panel._replace(pixels=pixels)))
        where = f'media="(max-width: {width + BESIDE}px)"'
        sources.append(f'<source srcset="{url}" width="{w}" height="{h}" {where}/>')
        width = w
    return f"<picture>{''.join(reversed(sources))}{drawn}</picture>"


def _values(panel: Panel) -> str:
    """Return what scripts/maps.js reads: the panel's name, and a map's values.

    A value is unit * q * |q|, with whole numbers q, so small values keep more of their digits. A
    large map's have 12 bits, so a few dozen of 50,000 may be equal.
    """
    name = f' data-name="{_text(panel.name)}"'
    if not panel.cmap:
        return name
    magnitude = np.abs(panel.pixels.astype(float))
    largest = 32767 if magnitude.size < 10_000 else 2047
    unit = float(magnitude.max()) / largest**2 or 1.0
    q = np.round(np.copysign(np.sqrt(magnitude / unit), panel.pixels)).astype("<i2")
    halves = q.ravel().view(np.uint8).reshape(-1, 2).T  # alike, so they need less space
    packed = _base64(zlib.compress(halves.tobytes(), 9))
    height, width = panel.pixels.shape
    return f'{name} data-shape="{height} {width}" data-unit="{unit}" data-values="{packed}"'


def _encoded(panel: Panel) -> bytes:
    """Return a panel as a PNG; a photograph as a JPEG, which takes a quarter of the space."""
    if panel.cmap:
        return _palette_png(panel.levels, panel.cmap)
    picture = Image.fromarray(panel.pixels)
    png = _saved(picture, "png")
    jpeg = _saved(picture, "jpeg", quality=95, subsampling=0)
    return jpeg if 2 * len(jpeg) < len(png) else png


def _colours(cmap: str) -> bytes:
    """Return a colour bar: all colours of a colour map, from left to right."""
    return _palette_png(np.arange(256, dtype=np.uint8)[None], cmap)


def _palette_png(levels: np.ndarray, cmap: str) -> bytes:
    picture = Image.fromarray(levels)
    picture.putpalette(matplotlib.colormaps[cmap](np.arange(256), bytes=True)[:, :3].tobytes())
    return _saved(picture, "png")


def _saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    # Pillow's optimized JPEG of noise doesn't fit its buffer, and fails.
    picture.save(file, format=kind, optimize=kind == "png", **options)
    return file.getvalue()


def _url(content: bytes) -> str:
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{_base64(content)}"


def number(value: float) -> str:
    """Return a number with two digits, or all those before the point."""
    value += 0.0  # -0.0 becomes 0.0
    return f"{value:.2g}" if abs(value) < 1000 else f"{value:.0f}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _text(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)
