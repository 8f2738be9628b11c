"""Explorers that need no kernel: pictures drawn ahead, in HTML, with a script that shows them."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PIL import Image

from course_utils.display import DescribedFigure
from course_utils.scripts import script

_IMAGE = re.compile(r'"data:image/(?:png|jpeg);base64,([^"]+)"')

_BLOCKS = re.compile(r' src="[^"]*"( alt="[^"]*" style="[^"]*") srcset=')
"""The second form of a coarse map, for pages without scripts."""

_LARGE = re.compile(r"<script>.*?</script>| data-values=\"[^\"]{4000,}\"", re.DOTALL)
"""The crosshair's script, of which a page needs one, and the values of maps that aren't coarse."""


SMALL = 64 * 64
"""Pixels of an image that keeps its colours, such as a map of 7 x 7."""


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
    data = data.replace("<", r"\u003c")  # no tag in it may end the element
    return (
        f'<div class="course-explorer"><div class="course-explorer-picture">{_still(still)}</div>'
        f'<p class="course-explorer-note"><em>{note}</em></p>'
        f'<script type="application/json">{data}</script></div>{script("explorer")}'
        f"{script('maps')}"
    )


def frames(figures: Iterable[DescribedFigure], still: DescribedFigure) -> dict[str, list]:
    """Return figures and their descriptions for the script, each image only once.

    Args:
        figures: one for each combination of the controls' stops; those of the last control change
            first.
        still: one of them, which is on the page already.
    """
    places: dict[str, int] = {}
    pages = []
    for figure in figures:
        page = "" if figure is still else _LARGE.sub("", figure._repr_html_())
        page = _BLOCKS.sub(r"\1 src=", page)
        page = _IMAGE.sub(lambda m: f'"@{places.setdefault(m[1], len(places))}"', page)
        pages.append([page, figure.alt_text])
    return {"images": [_compact(image, "webp") for image in places], "frames": pages}


def _still(figure: DescribedFigure) -> str:
    page = _LARGE.sub("", figure._repr_html_())
    return _IMAGE.sub(lambda m: f'"{_compact(m[1], "png")}"', page)


def _compact(image: str, kind: str) -> str:
    """Return the address of an image, in base64, with fewer colours.

    A map keeps every pixel, in 32 colours if it's not a coarse one. A photo has 256, or as a WebP
    all of them, but loses what you hardly see.
    """
    content = base64.b64decode(image)
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    colours = len(picture.getcolors(picture.width * picture.height) or ())
    options: dict[str, Any] = {"optimize": True}
    blocks = kind == "png" and colours <= 14 * 14  # a coarse map, for pages without scripts
    if picture.width * picture.height > SMALL and colours <= 256 and not blocks:
        picture = picture.quantize(32, dither=Image.Dither.NONE)
    elif kind == "png" and colours > 256:
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    if kind == "webp":
        picture = picture.convert("RGB")
        options = {"lossless": colours <= 256, "quality": 100 if colours <= 256 else 80}
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
