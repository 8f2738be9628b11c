"""Make the page "Try it in the browser": its text, its script, and the examples, for tools/site.py.

The sentences about pictures, the limits, the defaults and the colours are those of course_utils.
"""

from __future__ import annotations

import ast
import base64
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from course_utils import picture_limits, scripts
from course_utils.data_files import read_json
from course_utils.display import SEQUENTIAL
from course_utils.figures_html import Panel, maps_html
from course_utils.images import centre_square, example_images, load_image
from tools import browser_page

ROOT = Path(__file__).resolve().parents[1]
SOURCES = browser_page.SOURCES
POLICY = (
    "default-src 'none'; script-src 'self' file:; worker-src blob:; style-src 'self' file: "
    "'unsafe-inline'; img-src 'self' file: data:; base-uri 'none'; form-action 'self' file:"
)
"""What the page may load, and from where: it may connect to nothing. file: is for a page on a disk,
and the only form is the search of the book."""

NOTES = {
    "Vanilla gradients": (
        "Shows which pixels change the score most if they change a little. Doesn't show where the "
        "object is: the gradient jumps from pixel to pixel.",
        2,
    ),
    "Grad-CAM": (
        "Shows in which of 7 x 7 squares the last layer's features speak for the class. Doesn't "
        "show anything finer, or what speaks against the class.",
        3,
    ),
    "SmoothGrad": (
        "Shows what's left of the gradient in the average over noisy copies of the picture. "
        "Doesn't show how sure you can be: it depends on how much noise you choose.",
        4,
    ),
}
"""Each map, what it does and doesn't show, and the lesson about it."""


def text(lessons: list[str], stage: Callable[..., str], folder: Path) -> str:
    """Return the page in MyST's Markdown.

    Args:
        lessons: the names of their pages.
        stage: draws the wipe (tools/site.py).
        folder: has the page's scripts.
    """
    examples = example_images()
    first = next(iter(examples))
    grey = np.full((224, 224, 3), 127, np.uint8)
    panels = [Panel("Picture", grey, "")]
    for name, (note, lesson) in NOTES.items():
        side = 7 if name == "Grad-CAM" else 224
        link = f'<a href="{lessons[lesson]}.html">Lesson {lesson}</a>'
        below = f'<span></span><p class="note">{note} {link}</p>'
        none = np.zeros((side, side))
        panels.append(Panel(name, none, name, (224, 224), (0, 1), SEQUENTIAL, below))
    empty = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    drawn = [(name, "", empty) for name in NOTES]
    parts = {
        "EXAMPLES": "".join(
            f'<button data-name="{name}" title="{html.escape(described)}" '
            f'aria-pressed="{json.dumps(name == first)}">{name.replace("_", " ")}</button>'
            for name, described in examples.items()
        ),
        "FIRST": first,
        "DESCRIBED": f"{html.escape(examples[first])} The centre square, as the network sees it.",
        "FIGURE": maps_html("", panels, linked=0),
        "WIPE": stage(empty, "", drawn, '<em class="class">this class</em>'),
        "SIZE": f"{_megabytes(folder):.0f}",
    }
    parts |= {f"LESSON{number}": name for number, name in enumerate(lessons)}
    page = (SOURCES / "try.md").read_text(encoding="utf-8")
    return re.sub(r"\b(?:" + "|".join(parts) + r")\b", lambda match: parts[match[0]], page)


def _megabytes(folder: Path) -> float:
    """Return how much of the page is the network."""
    return (
        sum(file.stat().st_size for file in [folder / "engine.js", *folder.glob("weights-*.js")])
        / 1e6
    )


def script() -> str:
    """Return the page's script: the figures' maps.js, and what's in site/try."""
    classes = read_json("imagenet_classes.json")
    colours = matplotlib.colormaps[SEQUENTIAL](np.arange(256), bytes=True).ravel().tolist()
    values = {
        "SENTENCES": _sentences(),
        "LIMITS": {
            "bytes": picture_limits.MAX_BYTES,
            "pixels": picture_limits.MAX_PIXELS,
            "metadata": picture_limits.MAX_METADATA,
            "scans": picture_limits.MAX_SCANS,
            "large": 10_000_000,  # pixels: from there on, a lack of memory is likely
        },
        "LABELS": [classes[str(c)][1].replace("_", " ") for c in range(len(classes))],
        "COLOURS": colours,
        **_defaults(),
    }
    texts = [f"const {name} = {json.dumps(value)};" for name, value in values.items()]
    files = [
        Path(scripts.__file__).with_name("maps.js"),
        SOURCES / "picture.js",
        SOURCES / "page.js",
    ]
    texts += [file.read_text(encoding="utf-8") for file in files]
    return "(() => {\n" + "\n".join(texts) + "})();\n"


def _defaults() -> dict[str, float]:
    """Return SmoothGrad's defaults, without importing TensorFlow."""
    source = (ROOT / "course_utils" / "attribution.py").read_text(encoding="utf-8")
    [function] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "smoothgrad"
    ]
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    found = {argument.arg: default for argument, default in pairs}
    return {
        name.upper(): ast.literal_eval(found[name])  # type: ignore[arg-type]
        for name in ("samples", "noise", "seed")
    }


def _sentences() -> dict[str, str]:
    """Return what picture_limits says about unreadable files, with names in braces to fill in."""
    png, scan = b"\x89PNG\r\n\x1a\n", b"\xff\xda\x00\x03\x01"
    parts = picture_limits.MAX_METADATA // 100 + 1
    files = {
        "empty": b"",
        "format": b"?",
        "damaged": b"GIF89a",
        "metadata": png + parts * (4 * b"\0" + b"tEXt" + 4 * b"\0"),
        "scans": b"\xff\xd8" + (picture_limits.MAX_SCANS + 1) * scan,
    }
    said = {key: _refusal(content) for key, content in files.items()}
    formats = ", ".join(picture_limits.FORMATS)
    return said | {
        "format": said["format"].replace(formats, "{formats}"),
        "damaged": said["damaged"].replace("its GIF header contradicts itself", "{why}"),
        "bytes": str(picture_limits.too_many_bytes("{name}", "{size}")),
        "pixels": str(picture_limits.too_many_pixels("{name}", "{size}")),
        "memory": (
            "There isn't enough memory for the picture in {name}, of {size} pixels: close other "
            "tabs and programs, or make it smaller."
        ),
        "noFile": (
            "That was no picture file, but perhaps a folder or a link: save the picture, then "
            "choose its file here."
        ),
    }


def _refusal(content: bytes) -> str:
    try:
        picture_limits.check(content, "{name}")
    except ValueError as error:
        return str(error)
    raise AssertionError("this file was made to be refused")


def write(folder: Path) -> None:
    """Write the network, and the page's script, style and examples, into a folder."""
    browser_page.write(folder)
    files = {"page.js": script()}
    for name in ("old.js", "page.css"):
        files[name] = (SOURCES / name).read_text(encoding="utf-8")
    for name in example_images():
        content = json.dumps(base64.b64encode(_example(name)).decode())
        files[f"example-{name}.js"] = f"addExample({json.dumps(name)}, {content});\n"
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")


def _example(name: str) -> bytes:
    """Return what the network sees of an example, in two thirds of its file's bytes."""
    file = io.BytesIO()
    square = Image.fromarray(centre_square(load_image(name)))
    square.save(file, format="webp", lossless=True, quality=100, method=6)
    return file.getvalue()


def finish(page: Path) -> None:
    """Give the page that Sphinx made its policy, and its own scripts instead of the theme's.

    The theme's keep its colours and searches in the browser's storage, which this page leaves
    alone: it's light or dark as the system is.
    """
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"(?s)<script\b.*?</script>\s*", "", text)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    text = text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">{meta}', 1)
    # Without an icon of its own, a browser would ask the server for one.
    links = '<link rel="icon" href="data:,"><link rel="stylesheet" href="try/page.css">'
    text = text.replace("</head>", f"{links}</head>", 1)
    own = "".join(
        f'<script src="{name}" defer></script>'
        for name in ("try/old.js", "try/page.js", "_static/course.js")
    )
    text = text.replace("</body>", f"{own}</body>", 1)
    page.write_text(text, encoding="utf-8", newline="\n")
