"""Limit what reading a picture file can cost, by its headers, before any decoder runs.

Decoders trust their files. 600 kB of progressive JPEG keep one busy for a minute, 38 bytes of WebP
take gigabytes, and some of Pillow's 43 formats start other programs. So a file's first bytes must
belong to one of a few formats, and a walk along its headers must stay within the limits below.
If a file is cut off or contradicts itself, the decoder will say so.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator

from PIL import Image, features

MAX_BYTES = 200_000_000
"""A file's size: uncompressed, the largest picture has 4 bytes per pixel."""
MAX_PIXELS = 50_000_000
MAX_MEMORY = 480_000_000
"""Bytes while decoding, on top of the file: 10 per pixel, minus 4 % for surprises."""
MAX_METADATA = 8_000_000
"""Bytes that aren't pixels: EXIF, colour profiles, comments. Each part of a file counts as 100."""
MAX_NUMBERS = 1_000_000
"""Bytes of metadata that Pillow turns into Python numbers, which are a hundred times as large."""
MAX_SCANS = 32
"""Passes over a whole progressive JPEG. Programs write 10, or 18 in CMYK."""

PILLOW = 4
"""Bytes per pixel of a Pillow image in colour."""


def recognise(content: bytes) -> str | None:
    """Return the format, by Pillow's name for it, that a file's first bytes belong to."""
    for file_format, signature in _SIGNATURES.items():
        if signature.match(content):
            return file_format
    return None


_SIGNATURES = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WEBP": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "BMP": re.compile(rb"BM"),
}
if "avif" in features.modules and features.check_module("avif"):
    _SIGNATURES["AVIF"] = re.compile(rb"....ftyp(?:....){0,16}avi[fs]", re.DOTALL)

FORMATS = tuple(_SIGNATURES)


def check(content: bytes, name: str) -> str:
    """Return a picture file's format, after checking everything it says before its pixels.

    Raises:
        ValueError: empty, too large, of another format, or beyond one of the limits above.
    """
    if not content:
        raise ValueError(f"A picture was expected, but {name} is empty (0 bytes).")
    if len(content) > MAX_BYTES:
        raise too_many_bytes(name, f"more than {MAX_BYTES // 10**6} MB")
    file_format = recognise(content)
    if file_format is None:
        raise ValueError(
            f"A picture was expected, but the content of {name} is not one of the formats that can "
            f"be read ({', '.join(FORMATS)}), whatever its name ends in. Export the picture as "
            "JPEG or PNG; that includes HEIC photographs."
        )
    try:
        if file_format in _CHECKS:
            _CHECKS[file_format](content, name)
    except (struct.error, LookupError, ZeroDivisionError):
        raise ValueError(
            f"The picture in {name} is damaged or cut off (its {file_format} header contradicts "
            "itself). Download or export it again."
        ) from None
    return file_format


def check_size(width: int, height: int, name: str, beside: int = 0) -> None:
    """Refuse a picture with too many pixels, or whose decoder takes too much on top of them.

    Args:
        beside: bytes that the decoder needs, apart from the picture that it returns.
    """
    if width * height > MAX_PIXELS:
        raise too_many_pixels(name, f"{width} x {height}")
    memory = PILLOW * width * height + beside
    if memory > MAX_MEMORY:
        raise ValueError(
            f"The picture in {name} would take {memory / 1e6:,.0f} MB of memory to decode, the way "
            f"it is stored, but the limit is {MAX_MEMORY / 1e6:.0f} MB. Make it smaller, or "
            "export it as an ordinary JPEG or PNG."
        )


def too_many_pixels(name: str, size: str) -> ValueError:
    """Return the error for a picture with this many pixels."""
    return ValueError(
        f"The picture in {name} has {size} pixels; the limit is {MAX_PIXELS // 10**6} million, "
        "to protect this computer's memory. Make it smaller: the network looks at 224 x 224."
    )


def too_many_bytes(name: str, size: str) -> ValueError:
    """Return the error for a file with this many bytes."""
    return ValueError(
        f"A picture was expected, but {name} has {size}; the limit is {MAX_BYTES // 10**6} MB, to "
        "protect this computer's memory. Make the picture smaller, or export it as JPEG."
    )


class _Metadata:
    """Add up what a file has besides its pixels, and refuse it if that's too much."""

    def __init__(self, name: str) -> None:
        self.name, self.bytes, self.numbers = name, 0, 0

    def add(self, parts: int, size: int = 0, numbers: int = 0) -> None:
        self.bytes += 100 * parts + size
        self.numbers += numbers
        if self.bytes > MAX_METADATA or self.numbers > MAX_NUMBERS:
            raise ValueError(
                f"The picture in {self.name} carries too much besides its pixels: metadata such as "
                "EXIF, colour profiles, comments or layers, or filler. Export it without them."
            )


def _png(content: bytes, name: str) -> None:
    metadata, position = _Metadata(name), 8
    while position + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, position)
        there = min(size, len(content) - position)
        metadata.add(1, 0 if kind in (b"IDAT", b"fdAT") else there)
        position += size + 12


# In a scan, FF 00 is data, and FF D0 to D7 a restart.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start of frame; the others define tables
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


def _jpeg(content: bytes, name: str) -> None:
    metadata, position = _Metadata(name), 2
    scans = components = coefficients = width = height = 0
    progressive = False
    while found := _MARKER.search(content, position):
        marker = content[found.start() + 1]
        if not scans:  # anything between the segments is read byte by byte
            metadata.add(found.start() - position)
        position = found.end()
        if marker == 0xD9:  # end of image; phones append videos
            break
        if marker in (0x01, 0xD8):  # markers without a segment
            metadata.add(1)
            continue
        size = max(2, *struct.unpack_from(">H", content, position))
        segment = content[position + 2 : position + size]
        position += size
        if marker in _SOF:
            height, width, components = struct.unpack_from(">HHB", segment, 1)
            factors = [divmod(segment[7 + 3 * i], 16) for i in range(components)] or [(0, 0)]
            across, down = (8 * max(f) for f in zip(*factors, strict=True))
            blocks = sum(h * v for h, v in factors)
            coefficients = 128 * blocks * math.ceil(width / across) * math.ceil(height / down)
            progressive = marker in _PROGRESSIVE
        elif marker == 0xDA:  # start of scan
            scans += 1
            if scans > MAX_SCANS:
                raise ValueError(
                    f"The picture in {name} is a JPEG of more than {MAX_SCANS} passes, each over "
                    "the whole picture: decoding it would take too long. Export it again as an "
                    "ordinary JPEG."
                )
            if scans == 1 and (progressive or segment[0] < components):
                check_size(width, height, name, beside=coefficients)
        else:
            exif = marker == 0xE1 and segment.startswith(b"Exif")
            metadata.add(1, len(segment), len(segment) if exif else 0)
    if not scans:
        metadata.add(len(content) - position)


def _gif(content: bytes, name: str) -> None:
    """Walk to the first frame; only its pixels are read after that."""
    palette = 3 * 2 ** (1 + content[10] % 8) if content[10] & 128 else 0
    metadata, position = _Metadata(name), 13 + palette
    while position < len(content) and content[position] not in b",;":
        metadata.add(1)
        position += 1
        if content[position - 1 : position] == b"!":
            position += 1
            while size := content[position]:
                metadata.add(1, size)
                position += size + 1
            position += 1


def _bmp(content: bytes, name: str) -> None:
    (header,) = struct.unpack_from("<I", content, 14)
    if header >= 40 and struct.unpack_from("<I", content, 30)[0] in (1, 2):
        # Pillow decodes them in Python, byte by byte.
        raise ValueError(
            f"The picture in {name} is a run-length encoded BMP: not supported. Save it as PNG."
        )


# TIFF: tags, and the bytes per value of each type.
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _STRIPS, _ORIENTATION = 256, 257, 258, 259, 273, 274
_SAMPLES, _ROWS, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILES = 277, 278, 284, 322, 323, 324
_POINTERS = (34665, 34853, 40965)  # leads to EXIF's own tags
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TEXT = (1, 2, 6, 7)  # types that stay bytes
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}  # none, CCITT, LZW, JPEG, deflate, PackBits


def _tiff(content: bytes, name: str) -> None:
    order = "<" if content[:2] == b"II" else ">"
    metadata = _Metadata(name)
    tags: dict[int, tuple[int, ...]] = {}

    def walk(offset: int, depth: int) -> None:
        (entries,) = struct.unpack_from(order + "H", content, offset)
        for i in range(entries):
            at = offset + 2 + 12 * i
            tag, kind, count = struct.unpack_from(order + "HHI", content, at)
            size = min(count * _SIZES.get(kind, 0), len(content))
            metadata.add(1, size, 0 if kind in _TEXT else size)
            if kind not in (3, 4):
                continue
            letter = {3: "H", 4: "I"}[kind]
            if size > 4:
                (at,) = struct.unpack_from(order + "I", content, at + 8)
            else:
                at += 8
            values = struct.unpack_from(f"{order}{min(count, 8)}{letter}", content, at)
            if depth == 0:
                if tag in tags:
                    raise IndexError("one tag twice: each reader uses a different one")
                tags[tag], counts[tag] = values, count
            if tag in _POINTERS and values and depth < 3:
                walk(values[0], depth + 1)

    counts: dict[int, int] = {}
    walk(struct.unpack_from(order + "I", content, 4)[0], 0)
    width, height = tags.get(_WIDTH, (0,))[0], tags.get(_HEIGHT, (0,))[0]
    compression = tags.get(_COMPRESSION, (1,))[0]
    if compression not in _COMPRESSIONS:
        raise ValueError(
            f"The picture in {name} is a TIFF with a compression that isn't supported "
            f"(number {compression}). Save it with LZW or as PNG."
        )
    samples, bits = tags.get(_SAMPLES, (1,))[0], sorted(tags.get(_BITS, (1,)))[-1]
    planes = samples if tags.get(_PLANAR, (1,))[0] == 2 else 1
    if _TILES in tags:
        across, down, found = tags[_TILE_WIDTH][0], tags[_TILE_HEIGHT][0], counts[_TILES]
    else:
        across, down = width, min(height, tags.get(_ROWS, (height,))[0])
        found = counts.get(_STRIPS, 0)
    parts = planes * math.ceil(width / across) * math.ceil(height / down)
    if found > parts:
        raise IndexError("more strips or tiles than the picture has room for")
    if compression == 7 and content.count(b"\xff\xda") > parts + MAX_SCANS:
        raise ValueError(
            f"The picture in {name} is a TIFF of progressive JPEGs: decoding it could take too "
            "long. Save it with LZW or as PNG."
        )
    beside = 0
    if compression != 1:  # a strip or tile is decoded in one piece
        beside += across * down * max(PILLOW, math.ceil(samples / planes * bits / 8))
    if tags.get(_ORIENTATION, (1,))[0] != 1:  # Pillow turns a TIFF itself
        beside += PILLOW * width * height
    check_size(width, height, name, beside)


def _webp(content: bytes, name: str) -> None:
    webp_header(content)  # which may be cut off
    metadata = _Metadata(name)
    for kind, data in _webp_chunks(content):
        pixels = kind in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF")
        metadata.add(1, 0 if pixels else len(data), len(data) if kind == b"EXIF" else 0)


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    position = 12
    while position + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, position)
        yield kind, memoryview(content)[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def webp_header(content: bytes) -> tuple[int, int, bool]:
    """Return the width, the height, and whether a WebP is animated.

    Pillow would take 8 bytes per pixel before it says.
    """
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[i : i + 3], "little") + 1 for i in (24, 27))
        return width, height, bool(content[20] & 2)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return bits % 2**14 + 1, (bits >> 14) % 2**14 + 1, False
    width, height = struct.unpack_from("<HH", content, 26)
    return width % 2**14, height % 2**14, False


def webp_orientation(content: bytes) -> int:
    """Return a WebP's orientation, as EXIF numbers it."""
    exif = Image.Exif()
    for kind, data in _webp_chunks(content):
        if kind == b"EXIF":
            exif.load(bytes(data))
    return exif.get(0x0112, 1)


def without_exif(avif: bytes) -> bytes:
    """Return an AVIF in which Pillow won't find the EXIF.

    Its orientation isn't there anyway (it has its own boxes), and Pillow would turn all the numbers
    in it into Python's.
    """
    position = 0
    while position + 16 <= len(avif):
        size, kind, large = struct.unpack_from(">I4sQ", avif, position)
        size = {0: len(avif) - position, 1: max(large, 16)}.get(size, max(size, 8))
        end = position + size
        if kind == b"meta":
            return avif[:position] + avif[position:end].replace(b"Exif", b"skip") + avif[end:]
        position = end
    return avif


_CHECKS: dict[str, Callable[[bytes, str], None]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
    "WEBP": _webp,
}
