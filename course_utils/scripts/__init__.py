"""Scripts in HTML outputs: they need no kernel and nothing from other computers."""

from __future__ import annotations

from pathlib import Path


def script(name: str) -> str:
    """Return scripts/NAME.js as an element for an HTML output, and what it needs in JupyterLab.

    A script finds its elements by their class and marks those that it has set up, because a page
    may hold it many times. Without it, an output is still text and a still picture.
    """
    texts = (
        Path(__file__).with_name(f"{part}.js").read_text(encoding="utf-8")
        for part in ["jupyterlab"] * (name != "maps") + [name]  # maps.js has keys of its own
    )
    return "<script>" + "".join(f"(() => {{\n{text}}})();\n" for text in texts) + "</script>"
