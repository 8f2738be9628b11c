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
    images = [f"data:image/png;base64,{in_256_colours(png)}" for png in places]
    return {"images": images, "frames": pages}


def in_256_colours(png: str) -> str:
    """Return a PNG, in base64, at half its size; up to 256 colours stay exactly as they are."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    file = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _small(figure: DescribedFigure) -> str:
    return _PNG.sub(
        lambda m: f'"data:image/png;base64,{in_256_colours(m[1])}"', figure._repr_html_()
    )
