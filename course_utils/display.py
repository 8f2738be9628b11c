"""Turn raw maps into pictures: channels, clipping, resizing, colours, alt text.

It's the only module that does. The methods return signed numbers at their own resolution; nothing
that judges a method should ever read a picture made here.
"""

from __future__ import annotations

import base64
import io
import itertools
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import matplotlib
import numpy as np
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import ArrayLike
from PIL import Image

from course_utils.checking import check_number, check_numbers, covers
from course_utils.figures_html import (
    LINKED,
    Panel,
    for_a_screen,
    img,
    maps_html,
    number,
    title_html,
)
from course_utils.images import Picture, load_image, resize_map

SEQUENTIAL, DIVERGING = "inferno", "coolwarm"
"""Colour maps in which equal steps look equal: for values from 0 on, and for signed ones."""

LEGIBLE = 8
"""Pixels: how small a figure's smallest text may get on a small screen."""

PHONE = 320
"""Pixels: how wide a figure may be at least, and be shown in one piece."""


# ------------------------------------------------------------------------------ raw map -> values


def channel_max(attribution: ArrayLike) -> np.ndarray:
    """Return one value per pixel: the largest |value| over the channels, (..., C) -> (...).

    That's what Simonyan et al. 2014 show: a pixel matters if any of its channels does.
    """
    return np.abs(np.asarray(attribution)).max(axis=-1)


def map_values(attribution: ArrayLike) -> np.ndarray:
    """Return the 2-D values of one map, float32, not scaled.

    Args:
        attribution: (h, w), such as one Grad-CAM map, stays as it is, with its signs. (H, W, 3)
            or (H, W, 1), such as the gradient of one picture, becomes `channel_max` (do that
            yourself for other numbers of channels). A batch of one map is fine, too.

    Raises:
        ValueError: several maps, another shape, or NaN or infinity.
        TypeError: not numbers.
    """
    values = check_numbers("The map", attribution, "finite numbers, as a method returns")
    shape = values.shape
    if values.ndim in (3, 4) and shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[2] in (1, 3):
        values = channel_max(values)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"An array of shape {shape} is not one map: expected (h, w) or (H, W, channels). Of a "
            "batch, pass one: maps[0]."
        )
    return values


def color_limits(values: np.ndarray, percentile: float = 100.0) -> tuple[float, float]:
    """Return the (lowest, highest) value of the colour scale: from 0, or symmetric around 0.

    A map with negative values gets a scale from -m to m, with 0 in the centre. m is the given
    percentile of |value|: at 99, the strongest 1 % of the pixels share the last colour, and you
    can see the others.
    """
    magnitude = np.abs(values)
    m = float(np.percentile(magnitude, percentile)) or float(magnitude.max())
    return (-m if values.min() < 0 else 0.0), m


# --------------------------------------------------------------------------------- the overlay


def overlay(
    image: Picture, attribution: ArrayLike, *, alpha: float = 0.5, cmap: str = "inferno"
) -> np.ndarray:
    """Lay a map over its picture: the stronger the map, the more of its colour.

        out = (1 - alpha v) * image + alpha v * colour(v),   v = max(value, 0) / max value

    with the map's values after it was resized to the picture. Where the map is zero (or negative),
    the picture stays exactly as it was: neither darker nor tinted.

    Args:
        image: the picture that the network saw, as for `load_image`: uint8, or float in 0..1 or
            0..255. For prepared inputs, pass classifier.restore(inputs)[0].
        attribution: one map of any resolution, as for `map_values`.
        alpha: the share of colour where the map is strongest, 0 to 1.
        cmap: the name of a Matplotlib colour map.

    Returns:
        uint8 (H, W, 3), of the picture's size.

    Warns:
        UserWarning: the map is zero everywhere, or nowhere positive, so there's nothing to show;
            or its shape differs from the picture's, so it was stretched.

    Raises:
        TypeError, ValueError: not a picture, not a map, an unknown colour map, or an alpha outside
            0..1.
    """
    image = load_image(image)
    values = map_values(attribution)
    expected = "a number from 0 (picture) to 1 (colours)"
    alpha = check_number("alpha", alpha, lambda a: 0 <= a <= 1, expected)
    if values.max() <= 0:
        what = "zero everywhere" if not values.any() else "nowhere positive"
        warnings.warn(f"The map is {what}: the overlay shows the picture alone.", stacklevel=2)
    _warn_if_stretched(values, image, stacklevel=2)
    values = np.maximum(resize_map(values, image.shape[:2]), 0)
    v = values / (values.max() or 1)
    colour = 255 * _colormap(cmap)(v)[..., :3]
    weight = alpha * v[..., None]
    return np.round((1 - weight) * image + weight * colour).astype(np.uint8)


def _colormap(name: str) -> Colormap:
    try:
        return matplotlib.colormaps[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"There is no colour map {name!r}. Good ones: inferno, viridis, cividis, coolwarm."
        ) from None


def _warn_if_stretched(values: np.ndarray, image: np.ndarray, stacklevel: int) -> None:
    (h, w), (height, width) = values.shape, image.shape[:2]
    if not covers((h, w), (height, width)):
        warnings.warn(
            f"The map is {h} x {w} and the picture {height} x {width}, of another shape: the map "
            "is stretched. A map belongs to the picture that the network saw, "
            "classifier.restore(inputs)[0].",
            stacklevel=stacklevel + 1,
        )


# ----------------------------------------------------------------------- figures with alt text


class DescribedFigure(Figure):
    """A Matplotlib figure whose description reaches the reader of a notebook.

    Notebooks drop the alt text of ordinary figures, but keep that of an `<img alt="...">` element.
    `savefig` and everything else work as usual.
    """

    alt_text = ""
    _panels_html = ""
    _shown_in: int | None = None

    def _repr_html_(self) -> str:
        return self._panels_html or _figure_img(self, as_png(self), self.alt_text)

    def _ipython_display_(self) -> None:
        # If the figure is also its cell's last line, that cell has shown it already.
        if self._shown_in != _cell_number():
            png = as_png(self)
            picture = self._panels_html or _figure_img(self, png, self.alt_text)
            _show(picture, png, self.alt_text)


def show_figure(figure: Figure, alt_text: str) -> None:
    """Show any Matplotlib figure in a notebook once, with a description for those who can't see it.

    Outside a notebook it shows nothing. A pyplot figure is closed, or it would appear again.
    """
    if not alt_text.strip():
        raise ValueError("The figure needs a description: what does it show?")
    if figure.get_layout_engine() is None and not isinstance(figure, DescribedFigure):
        figure.set_layout_engine("constrained")  # or labels at the edge would be clipped
    png = _smaller(as_png(figure))
    if hasattr(figure.canvas.manager, "num"):
        from matplotlib import pyplot

        pyplot.close(figure)
    _show(_figure_img(figure, png, alt_text), png, alt_text)


def show_maps(
    image: Picture,
    maps: Mapping[str, ArrayLike],
    *,
    title: str = "",
    percentile: float = 99.0,
    shared_scale: bool = False,
) -> DescribedFigure:
    """Draw a picture and its maps side by side, each with its colour bar and raw range.

    A map is drawn at its own resolution: each of its values is a square of whole pixels. In a
    notebook, unless the maps are many or large, you can point at a panel, or use the arrow keys,
    and read the values in all maps at that place.

    Args:
        image: the picture that the network saw, as for `overlay`.
        maps: name -> one map, as for `map_values`; or a uint8 picture (H, W, 3), such as an
            `overlay`, which is drawn as it is.
        title: what the picture shows; the figure and its description begin with it.
        percentile: which percentile of |value| gets the last colour (see `color_limits`). The raw
            minimum and maximum are written below each map.
        shared_scale: whether all maps get one colour scale; without it, you can't compare the
            colours of two maps.

    Returns:
        The figure, with a description in `alt_text`: where each map is strongest, its minimum and
        maximum, or that it's zero everywhere. A notebook shows it once.

    Raises:
        TypeError, ValueError: as `overlay`; no maps.
    """
    panels = _panels(image, maps, title, percentile, shared_scale, stacklevel=2)
    figure = _drawn(title, panels)
    figure._panels_html = maps_html(title, panels)
    figure._ipython_display_()
    figure._shown_in = _cell_number()
    return figure


def maps_figure(
    image: Picture,
    maps: Mapping[str, ArrayLike],
    *,
    title: str = "",
    percentile: float = 99.0,
    shared_scale: bool = False,
    linked: int = LINKED,
    stacklevel: int = 1,
) -> DescribedFigure:
    """Return the figure of `show_maps` without showing it: for explorers, and for files.

    It has a crosshair if its maps have no more than `linked` values. Other arguments and errors as
    for `show_maps`; a warning points `stacklevel` calls up.
    """
    panels = _panels(image, maps, title, percentile, shared_scale, stacklevel + 1)
    figure = _drawn(title, panels)
    figure._panels_html = maps_html(title, panels, linked=linked)
    return figure


def _panels(image, maps, title, percentile, shared_scale, stacklevel) -> list[Panel]:
    """Check the arguments of `show_maps`, and return what's to be drawn, the picture first."""
    image = load_image(image)
    if not isinstance(maps, Mapping) or not maps:
        raise ValueError('maps: expected a dictionary such as {"Grad-CAM": cam}.')
    expected = "a number above 0, up to 100"
    percentile = check_number("percentile", percentile, lambda p: 0 < p <= 100, expected)
    values = {name: map_values(a) for name, a in maps.items() if not _is_picture(a)}
    every = np.concatenate([v.ravel() for v in values.values()]) if values else np.zeros(1)
    common = color_limits(every, percentile)
    said = f"{title}: the picture" if title else "The picture"
    panels = [Panel("Picture", for_a_screen(image), said)]
    for name, given in maps.items():
        if name not in values:
            said = f"{name}: {_describe_picture(given, image)}"
            panels.append(Panel(name, for_a_screen(given), said))
            continue
        _warn_if_stretched(values[name], image, stacklevel=stacklevel + 1)
        limits = common if shared_scale else color_limits(values[name], percentile)
        cmap = DIVERGING if limits[0] < 0 else SEQUENTIAL
        said, written = f"{name}: {describe_map(given)}", _range_text(given)
        pixels = for_a_screen(values[name])
        panels.append(Panel(name, pixels, said, panels[0].size, limits, cmap, written))
    return panels


LEFT, BAR, GAP, LINE = 8, 60, 16, 17
"""Pixels of a drawn figure: its margin, a colour bar with its numbers, a gap, a line of text."""


def _drawn(title: str, panels: Sequence[Panel]) -> DescribedFigure:
    """Draw panels side by side, each value in a whole number of pixels.

    A layout engine would make everything fit, such as 224 values into 204 pixels, and leave every
    eleventh value out.
    """

    def box(x, y, w, h):  # from pixels to the shares that Matplotlib wants
        return (x / width, 1 - (y + h) / height, w / width, h / height)

    names = [textwrap.fill(p.name, max(12, p.size[1] // 7)) for p in panels]
    top = LINE * (1 + max(name.count("\n") for name in names)) + 2 * LINE * bool(title) + 4
    height = top + max(p.size[0] for p in panels) + 2 * LINE
    lefts = np.cumsum([LEFT, *(p.size[1] + GAP + (BAR if p.cmap else 0) for p in panels)])
    width = int(lefts[-1])
    figure = DescribedFigure(figsize=(width / 80, height / 80), dpi=80)
    figure.suptitle(title, parse_math=False, y=1 - LINE / height, va="center")
    for panel, name, left in zip(panels, names, lefts, strict=False):
        rows, columns = panel.size
        ax = figure.add_axes(box(left, top, columns, rows))
        if not panel.cmap:
            _draw_picture(ax, panel.pixels, name)
            continue
        cax = figure.add_axes(box(left + columns + 6, top + LINE, 10, rows - LINE))
        _draw_map(figure, ax, panel._replace(name=name), cax)
        ax.set_xlabel(panel.range_text, fontsize=9)
    figure.alt_text = ". ".join(p.described for p in panels) + "."
    return figure


def describe_map(attribution: ArrayLike) -> str:
    """Return in words where a map is strongest, and its raw minimum and maximum.

    "Where" is whichever of nine fields of the picture has the largest mean |value|.
    """
    values = map_values(attribution)
    if not values.any():
        return "zero everywhere"
    if values.min() == values.max():
        return f"{values.min():.3g} everywhere"
    low, high = _raw_range(attribution)
    return f"strongest {_where_strongest(values)}, from {low} to {high}"


def _where_strongest(values: np.ndarray) -> str:
    strength = resize_map(np.abs(values), (9 * 8, 9 * 8))  # each field is then 24 x 24
    fields = strength.reshape(3, 24, 3, 24).mean(axis=(1, 3))
    row, column = np.unravel_index(fields.argmax(), fields.shape)
    vertical, horizontal = ("upper", "middle", "lower")[row], ("left", "centre", "right")[column]
    return "in the centre" if (row, column) == (1, 1) else f"in the {vertical} {horizontal}"


def _describe_picture(panel: np.ndarray, image: np.ndarray) -> str:
    """Return in words how a picture drawn beside the first one differs from it."""
    if panel.shape != image.shape:
        return f"another picture, of {panel.shape[1]} x {panel.shape[0]} pixels"
    change = np.abs(panel.astype(np.float32) - image).mean(axis=-1)
    if not change.any():
        return "the same picture"
    levels = f"{number(change.mean())} of 255 levels on average"
    return f"the picture, changed by {levels}, most {_where_strongest(change)}"


def _is_picture(panel) -> TypeGuard[np.ndarray]:
    return getattr(panel, "dtype", None) == np.uint8 and panel.ndim == 3 and panel.shape[2] == 3


def _draw_picture(ax, picture: np.ndarray, name: str) -> None:
    ax.imshow(picture)
    ax.set_title(name, fontsize=11, parse_math=False)
    ax.set_axis_off()


def _draw_map(figure: Figure, ax, panel: Panel, cax, orientation: str = "vertical") -> Colorbar:
    low, high = panel.limits
    drawn = ax.imshow(
        panel.pixels, cmap=panel.cmap, vmin=low, vmax=high or 1, interpolation="nearest"
    )
    extend = _extend(panel.pixels, panel.limits)
    bar = figure.colorbar(drawn, cax=cax, extend=extend, orientation=orientation)
    bar.ax.tick_params(labelsize=8)
    ax.set_aspect("auto")
    ax.set_title(panel.name, fontsize=11, parse_math=False)
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
    return bar


def _extend(values: np.ndarray, limits) -> str:
    """Show with arrows at the ends of the colour bar that stronger values were clipped."""
    below, above = values.min() < limits[0], values.max() > limits[1]
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[(below, above)]


def _raw_range(attribution) -> tuple[str, str]:
    """Return the smallest and the largest raw value, with signs and before picking channels."""
    raw = np.asarray(attribution)
    return number(raw.min()), number(raw.max())


def _range_text(attribution) -> str:
    if not np.any(attribution):
        return "zero everywhere"
    low, high = _raw_range(attribution)
    return f"raw: {low} to {high}"


def as_png(figure: Figure) -> bytes:
    """Return a figure as a PNG: the same bytes each time, whatever Matplotlib's version."""
    file, opaque = io.BytesIO(), io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})  # which would name it
    with Image.open(file) as drawn:  # without transparency, a tenth smaller
        drawn.convert("RGB").save(opaque, format="png", dpi=drawn.info["dpi"])
    return opaque.getvalue()


def few_colours(png: bytes, colours: int = 32) -> bytes:
    """Return a PNG in so few colours: with 32, a third of the size.

    They are spread over all that the figure has: the strongest colour of a map is rare, and mustn't
    become a grey.
    """
    file, spread = io.BytesIO(), Image.Quantize.MAXCOVERAGE
    with Image.open(io.BytesIO(png)) as drawn:
        few = drawn.convert("RGB").quantize(colours, spread, kmeans=1, dither=Image.Dither.NONE)
        few.save(file, format="png", optimize=True)
    return file.getvalue()


def _smaller(png: bytes) -> bytes:
    """Return a PNG in 256 colours if you can't see the difference, as in a drawing without photos.

    At most 1 in 1000 pixels may change by more than 16 of 255 levels.
    """
    small = few_colours(png, 256)
    before, after = (
        np.asarray(Image.open(io.BytesIO(p)).convert("RGB"), np.int16) for p in (png, small)
    )
    return small if (np.abs(before - after).max(axis=2) > 16).mean() < 0.001 else png


def _figure_img(figure: Figure, png: bytes, alt_text: str) -> str:
    """Return a figure as HTML. One that a phone has no room for is cut between its panels.

    Then they can wrap. None of them shrinks until you couldn't read its smallest text.
    """
    share = _legible_width(figure) / (figure.get_figwidth() * figure.dpi)
    with Image.open(io.BytesIO(png)) as drawn:
        rows = _panels_of(figure, *drawn.size) if share * drawn.width > PHONE else []
        if sum(map(len, rows)) < 2:
            return img(png, alt_text, f"max-width: 100%; min-width: {round(share * drawn.width)}px")
        parts = []
        for row in rows:
            cut = []
            for box in row:
                file, width = io.BytesIO(), box[2] - box[0]
                drawn.crop(box).save(file, format="png", optimize=True)
                percent = 1000 * width // drawn.width / 10  # rounded down, so a row fits
                sizes = f"min-width: {round(share * width)}px; max-width: {width}px"
                style = f"flex: none; width: {percent}%; {sizes}"
                cut.append(img(file.getvalue(), alt_text, style))
                alt_text = ""  # the first panel's description is that of them all
            style = "display: flex; flex-wrap: wrap; align-items: flex-start"
            parts.append(f'<div style="{style}">{"".join(cut)}</div>')
    return f'{title_html(figure.get_suptitle())}<div class="panels">{"".join(parts)}</div>'


def _panels_of(figure: Figure, width: int, height: int) -> list[list[tuple[int, int, int, int]]]:
    """Return the boxes, in pixels from the upper left, of what lies side by side: row by row.

    The figure's title isn't among them. A figure with other words or legends of its own, or one
    that was laid out by hand, stays whole.
    """
    words = len(figure.texts) - bool(figure.get_suptitle())
    if words or figure.legends or isinstance(figure, DescribedFigure):
        return []
    axes = [ax.get_tightbbox() for ax in figure.axes if ax.axison or ax.has_data()]
    axes = [box for box in axes if box is not None]
    if not axes:
        return []
    drawn = axes + [text.get_window_extent() for text in figure.texts]
    edges = [(b.x0, height - b.y1, b.x1, height - b.y0) for b in drawn]
    rows = []
    for top, bottom in _bands([(b[1], b[3]) for b in edges], height):
        inside = [b for b in edges if top <= (b[1] + b[3]) / 2 <= bottom]
        if inside == edges[len(axes) :]:
            continue  # the title
        columns = _bands([(b[0], b[2]) for b in inside], width)
        if len(columns) > 1:  # rows begin at one edge, or their columns wouldn't be level
            columns[0] = 0, columns[0][1]
        rows.append([(left, top, right, bottom) for left, right in columns])
    return rows


def _bands(intervals: list[tuple[float, float]], end: int) -> list[tuple[int, int]]:
    """Join intervals that overlap, and cut halfway between those that don't."""
    joined: list[list[float]] = []
    for low, high in sorted(intervals):
        if joined and low <= joined[-1][1]:
            joined[-1][1] = max(high, joined[-1][1])
        else:
            joined.append([low, high])
    cuts = [round((a[1] + b[0]) / 2) for a, b in itertools.pairwise(joined)]
    first, last = max(0, int(joined[0][0]) - 4), min(end, int(joined[-1][1]) + 5)
    return list(zip([first, *cuts], [*cuts, last], strict=True))


def _legible_width(figure: Figure) -> int:
    """Return the width in pixels below which you couldn't read the figure's smallest text."""
    sizes = [float(text.get_fontsize()) for text in figure.findobj(Text) if text.get_text().strip()]
    pixels = min(sizes, default=LEGIBLE) * figure.dpi / 72
    width = figure.get_figwidth() * figure.dpi
    return round(width * min(1, LEGIBLE / pixels))


def _show(picture: str, png: bytes, alt_text: str) -> None:
    """Display HTML if this is a notebook.

    VS Code doesn't show the HTML of a notebook that it doesn't trust, and a PDF can't: they get the
    plain PNG, with its description where they look for one.
    """
    if _cell_number() is None:
        return
    from IPython.display import display

    plain = base64.b64encode(few_colours(png)).decode("ascii")
    bundle = {"text/html": picture, "image/png": plain, "text/plain": alt_text}
    metadata = {"image/png": {"alt": alt_text, "vscode_altText": alt_text}}
    display(bundle, metadata=metadata, raw=True)


def _cell_number() -> int | None:
    """Return the number of the running cell, or None outside notebooks."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    # IPython in a terminal has no kernel, and can't show pictures.
    return shell.execution_count if hasattr(shell, "kernel") else None
