"""Fuzz targets: hostile progress files and hostile uploads, drawn from a random generator.

Each target tries once: it returns if all is well, and fails an assertion otherwise.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
from fuzz import mutate
from PIL import Image

from course_utils import load_image, progress
from course_utils.apps.playground import MAX_BYTES, uploaded

FORMATS = ("png", "jpeg", "gif", "bmp", "tiff", "webp")


# ------------------------------------------------------------------------------------- progress

ODD_LINES = (
    b"",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1" * 100_000,
    b"\xef\xbb\xbf{}",
    b'{"exercise": "\\ud800", "verdict": "right"}',
    b'{"exercise": "0.1", "verdict": NaN}',
    b'{"exercise": "0.1", "verdict": {"right": []}}',
    '{"exercise": "0.1", "verdict": "right"}'.encode("utf-16"),
    b"\x00" * 1000,
)


def fuzz_progress(rng: np.random.Generator) -> None:
    """Whatever a progress file holds, nothing raises, and the next verdict counts."""
    lines = [
        json.dumps(
            {"exercise": f"{rng.integers(8)}.{i}", "verdict": rng.choice(["right", "tried"])}
        )
        for i in range(rng.integers(6))
    ]
    content = "\n".join(lines).encode()
    if rng.random() < 0.7:
        content = mutate(rng, content)
    for line in rng.choice(len(ODD_LINES), rng.integers(3)):
        content += b"\n" + ODD_LINES[line]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "progress")
        file.write_bytes(content)
        with mock.patch.dict(os.environ, {progress.VARIABLE: str(file)}):
            found, damaged = progress.read()
            assert set(found.values()) <= {progress.RIGHT, progress.TRIED}
            assert damaged >= 0
            progress.record("new", True)
            assert progress.read() == ({**found, "new": progress.RIGHT}, damaged)
            assert file.read_bytes().startswith(content)  # nothing ever gets lost
            course = progress.lessons()
            assert "exercises are right" in progress.as_text(course)
            assert "</table>" in progress.as_html(course)


# -------------------------------------------------------------------------------------- uploads


def picture(rng: np.random.Generator) -> bytes:
    """Return a file with a small picture in one of the usual formats."""
    shape = (*rng.integers(1, 40, size=2), 3)
    file = io.BytesIO()
    name = FORMATS[rng.integers(len(FORMATS))]
    Image.fromarray(rng.integers(256, size=shape, dtype=np.uint8)).save(file, format=name)
    return file.getvalue()


def bomb(rng: np.random.Generator) -> bytes:
    """Return a small PNG that says it is huge."""
    width, height = (int(side) for side in rng.integers(1, 2**31, size=2))

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def fuzz_upload(rng: np.random.Generator) -> None:
    """An upload becomes a picture, or one sentence that says what's wrong with it."""
    kind = rng.integers(5)
    if kind == 0:
        content = rng.bytes(int(rng.integers(2000)))
    elif kind == 1:
        content = bomb(rng)
    elif kind == 2:
        content = b"\0" * (MAX_BYTES + int(rng.integers(-1, 2)))
    else:
        content = mutate(rng, picture(rng))
    name = "".join(map(chr, rng.integers(1, 0xD800, size=rng.integers(20))))
    about = {"name": name, "content": memoryview(content)}
    value = (about,) if rng.random() < 0.5 else {name: {"content": content}}  # ipywidgets 8, 7
    try:
        taken, given = uploaded(value)
        assert (taken, given) == (name, content)
        pixels = load_image(given)
    except ValueError as error:
        said = str(error)
        assert said.endswith("."), said
        assert "\n" not in said, said
        assert len(said) < 1000, said
    else:
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
