"""Where the course is hosted: the address in pyproject.toml, put into each lesson.

It needs no packages, so `start.py workshop host` can use it on any Python.
"""

from __future__ import annotations

import re
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
GITHUB = "https://github.com/"
SOURCE = re.compile(r'^Source = "(.*)"$', re.MULTILINE)
PAGE = "*Try it in the browser*"
TRY = re.compile(rf"{re.escape(PAGE)}|\[{re.escape(PAGE)}\]\([^)]*\)")
LINK = re.compile(r"\n\n\[Open this lesson in Colab\]\([^)]*\)$")
HOSTED = re.compile(r'^HOSTED = ".*?"', re.MULTILINE)


def read() -> str:
    """Return the course's address, or "" as long as nobody hosts it."""
    return of(PYPROJECT.read_text(encoding="utf-8"))


def of(project: str) -> str:
    """Return the address that's in the text of pyproject.toml."""
    [source] = SOURCE.findall(project)
    return "" if "/OWNER/" in source else source.rstrip("/")


def put(address: str, lesson: str, notebook: dict) -> None:
    """Put the address into a notebook: its set-up cell, and the links in its first cell.

    One leads to Colab, which only opens notebooks from GitHub, and one to the reading version, if
    GitHub publishes it.
    """
    title, cell = notebook["cells"][:2]
    page = f"[{PAGE}]({trying(address)})" if trying(address) else PAGE
    link = ""
    if address.startswith(GITHUB) and text(title).startswith("# Lesson"):
        link = f"\n\n[Open this lesson in Colab]({colab(address, lesson)})"
    replace(title, TRY.sub(page, LINK.sub("", text(title))) + link)
    replace(cell, set_up(text(cell), address))


def colab(address: str, lesson: str) -> str:
    """Return the address under which Colab opens a lesson from GitHub."""
    name, _, branch = address[len(GITHUB) :].partition("/tree/")
    path = f"{name}/blob/{branch or 'main'}/notebooks/{lesson}.ipynb"
    return f"https://colab.research.google.com/github/{path}"


def trying(address: str) -> str:
    """Return where GitHub publishes the page "Try it in the browser"; "" if it doesn't.

    .github/workflows/site.yml publishes what's on the branch main.
    """
    owner, _, name = address[len(GITHUB) :].partition("/")
    if not address.startswith(GITHUB) or "/" in name:
        return ""
    return f"https://{owner.lower()}.github.io/{name}/try.html"


def set_up(source: str, address: str) -> str:
    """Return the source of the set-up cell with this address."""
    return HOSTED.sub(lambda _: f'HOSTED = "{address}"', source, count=1)


def write(path: Path, data: bytes) -> None:
    """Replace a file completely or not at all, even if the disk is full."""
    path = path.resolve()  # the file that a link leads to, or the link would become a copy
    half = path.with_suffix(".half")
    try:
        half.write_bytes(data)
        half.replace(path)
    finally:
        if half.exists():
            half.unlink()


def text(cell: dict) -> str:
    """Return a cell's text, which is a list of lines in a notebook's file."""
    return "".join(cell["source"])


def replace(cell: dict, new: str) -> None:
    """Replace a cell's text, and leave it of the kind that it is: lines, or one string."""
    lines = isinstance(cell["source"], list)
    cell["source"] = new.splitlines(keepends=True) if lines else new
