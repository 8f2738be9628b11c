"""Explorers that need no kernel: pictures drawn ahead, in HTML, with a script that shows them."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from PIL import Image

from course_utils.display import DescribedFigure
from course_utils.scripts import script

_PNG = re.compile(r'"data:image/png;base64,([^"]+)"')


def explorer_html(
    still: DescribedFigure, moves: str, controls: Sequence[Mapping], drawing: Mapping
) -> str:
    """Return an explorer as HTML: without its script, a still picture and a note.

    Args:
        still: the first picture.
        moves: what you can do with the picture; it completes "run the cell to ...".
        controls: of each its `name`, `kind` ("choice", "switch" or "number"), `stops` (the values,
            as text) and `start`, the place of the first value.
        drawing: what scripts/explorer.js draws from, such as `frames`.
    """
    note = f"This picture moves: run the cell, or trust this notebook, to {html.escape(moves)}."
    data = json.dumps({"controls": list(controls), **drawing}, ensure_ascii=False)
    data = data.replace("</", r"<\/")  # would end the element
    return (
        f'<div class="course-explorer"><div class="course-explorer-picture">{_small(still)}</div>'
        f'<p class="course-explorer-note"><em>{note}</em></p>'
        f'<script type="application/json">{data}</script></div>{script("explorer")}'
    )


def frames(figures: Iterable[DescribedFigure]) -> dict[str, list]:
    """Return figures and their descriptions for the script, each image only once.

    One figure for each combination of the controls' stops; those of the last control change first.
    """
    places: dict[str, int] = {}
    pages = []
    for figure in figures:
        page = _PNG.sub(
            lambda m: f'"@{places.setdefault(m[1], len(places))}"', figure._repr_html_()
        )
        pages.append([page, figure.alt_text])
    return {"images": [_compact(png) for png in places], "frames": pages}


def _compact(png: str) -> str:
    """Return a PNG, in base64, as the address of a WebP that's a third as large.

    A map keeps each of its pixels, in 32 colours; a photo loses what you hardly see.
    """
    image = _opened(png)
    file = io.BytesIO()
    if image.getcolors(256) is None:
        image.save(file, format="webp", quality=80, method=6)
    else:
        few = image.quantize(32, dither=Image.Dither.NONE).convert("RGB")
        few.save(file, format="webp", lossless=True, quality=100)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _small(figure: DescribedFigure) -> str:
    """Return a figure's HTML at half its size; up to 256 colours stay as they are."""

    def smaller(found: re.Match) -> str:
        file = io.BytesIO()
        few = _opened(found[1]).quantize(256, dither=Image.Dither.NONE)
        few.save(file, format="png", optimize=True)
        return f'"data:image/png;base64,{base64.b64encode(file.getvalue()).decode("ascii")}"'

    return _PNG.sub(smaller, figure._repr_html_())


def _opened(png: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
