"""Find the files in data/, and make sure that they're complete."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "data", _PACKAGE.parent / "data")  # in an installed wheel; in a clone
_REMEDY = "Get the file again: clone or install the course again (or `git checkout -- data`)."


def data_folder() -> Path:
    """Return the folder data/, which is inside the wheel, or at the top of a clone."""
    for root in _ROOTS:
        if (root / "manifest.json").is_file():
            return root
    raise FileNotFoundError(
        f"The course's data was not found: no manifest.json in {_ROOTS[0]} or {_ROOTS[1]}. "
        + _REMEDY
    )


@functools.cache
def _digest(folder: Path, name: str) -> str:
    """Return a file's SHA-256 from the manifest."""
    manifest = folder / "manifest.json"
    try:
        return json.loads(manifest.read_text(encoding="utf-8"))[name]["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{manifest} is damaged: it says nothing readable about {name}. {_REMEDY}"
        ) from None


def data_path(name: str) -> Path:
    """Return the path of a data file, for example "images/cat.png", after checking its SHA-256.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: its content doesn't match the manifest: it's cut off or changed.
    """
    folder = data_folder()
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"The course's file {path} is missing. {_REMEDY}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _digest(folder, name):
        raise ValueError(
            f"The course's file {path} is damaged: its {len(content):,} bytes are not those that "
            f"data/manifest.json describes. {_REMEDY}"
        )
    return path


def read_json(name: str):
    """Return the contents of the JSON file `name` in data/."""
    return json.loads(data_path(name).read_text(encoding="utf-8"))
