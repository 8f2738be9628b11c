"""The cells of lesson 7 keep their promises: they read a picture where it is, and keep the card."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from course_utils.checks.lesson7 import _PNG

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "source" / "07_creative_brief.py"


def cell_with(text: str) -> dict:
    """Run the one cell of the lesson that contains this text, and return its names."""
    cells = SOURCE.read_text(encoding="utf-8").split("\n# %%")
    [cell] = [cell for cell in cells if text in cell]
    names: dict = {}
    exec(cell[cell.index("\n") :], names)
    return names


@pytest.mark.parametrize("chosen", ["a file", "nothing"])
def test_in_colab_the_picture_is_uploaded(chosen, monkeypatch):
    """Google's upload returns name -> bytes, and an empty dictionary if nothing was chosen."""
    dot = {"dot.png": _PNG} if chosen == "a file" else {}
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(upload=lambda: dot)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    read_picture = cell_with("def read_picture")["read_picture"]
    assert read_picture("upload").shape == ((1, 1, 3) if dot else (512, 512, 3))


def test_elsewhere_a_path_is_read_and_an_upload_is_no_file(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    read_picture = cell_with("def read_picture")["read_picture"]
    path = tmp_path / "mein Löwe.png"
    path.write_bytes(_PNG)
    assert read_picture(str(path)).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="works in Colab only"):
        read_picture("upload")


def test_a_named_folder_keeps_the_card(tmp_path):
    write_card = cell_with("def write_card")["write_card"]
    png, page = write_card(tmp_path / "my cards" / "é", "card", b"png", "é < ł")
    assert png.read_bytes() == b"png"
    assert page.read_text(encoding="utf-8") == "é < ł"
    assert (
        {png.name, page.name}
        == {"card.png", "card.html"}
        == {p.name for p in page.parent.iterdir()}
    )
