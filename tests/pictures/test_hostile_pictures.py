"""Pictures from anywhere: few formats, and a limit on what reading can cost, checked in advance."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from messages import sentence
from PIL import Image, features

from course_utils import load_image
from course_utils.picture_limits import without_exif

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
OPTIONS = {"tiff": {"compression": "tiff_lzw"}}


def encoded(file_format, picture=PICTURE, **options) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(file, file_format, **(OPTIONS.get(file_format, {}) | options))
    return file.getvalue()


def refusal(source, error=ValueError) -> str:
    """Return the one sentence that refuses a picture, after checking the time it took."""
    start = time.process_time()  # whatever else the machine does meanwhile
    with pytest.raises(error) as caught:
        load_image(source)
    seconds = time.process_time() - start
    message = sentence(caught)
    # Most take a millisecond. 8 MB of small parts take 0.1 s.
    assert seconds < 5, f"{seconds:.1f} s: {message}"
    return message


# ------------------------------------------------------------------------------------ the formats

ALLOWED = ["png", "jpeg", "webp", "gif", "tiff", "bmp"]
if features.check("avif"):
    ALLOWED.append("avif")


@pytest.mark.parametrize("file_format", ALLOWED)
def test_allowed_formats_are_recognised_by_their_content(file_format, tmp_path):
    path = tmp_path / "picture.xyz"
    path.write_bytes(encoded(file_format))
    assert load_image(path).shape == PICTURE.shape


Image.init()
OTHERS = sorted(set(Image.SAVE) - {name.upper() for name in ALLOWED} - {"MPO", "WMF"})


@pytest.mark.parametrize("file_format", OTHERS)
def test_no_other_decoder_of_pillow_is_reached(file_format, tmp_path):
    for mode in ("RGB", "L", "1", "P", "F"):
        try:
            content = encoded(file_format, Image.fromarray(PICTURE).convert(mode))
            break
        except (OSError, KeyError, ValueError):
            continue
    else:
        pytest.skip("this Pillow writes no such files")
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert "not one of the formats" in refusal(path)
    if file_format not in ("PDF", "DIB"):
        assert "not one of the formats" in refusal(content)


def test_postscript_starts_no_other_program(tmp_path, monkeypatch):
    """Ghostscript would run forever, read and write files, and print."""
    ghostscript = tmp_path / "gs"
    ghostscript.write_text("#!/bin/sh\ntouch started\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n{} loop\n"
    assert "not one of the formats" in refusal(program)
    with pytest.raises(ValueError, match="from a EPS file, which load_image doesn't decode"):
        load_image(Image.open(io.BytesIO(program)))
    assert not (tmp_path / "started").exists()


def test_a_given_pillow_image_is_checked_before_it_is_decoded():
    with pytest.raises(ValueError, match="passes"):
        load_image(Image.open(io.BytesIO(with_scans(50))))
    opened = Image.open(io.BytesIO(encoded("ppm")))
    with pytest.raises(ValueError, match="PPM file"):
        load_image(opened)
    opened.load()
    np.testing.assert_array_equal(load_image(opened), PICTURE)


# ----------------------------------------------------------------------------------- special files


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files in folders")
def test_special_files_are_refused_without_opening_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    os.mkfifo("pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        Path("link.png").symlink_to("/dev/zero")
        for name in ("pipe.png", "socket.png", "link.png", "/dev/zero", "/dev/null"):
            assert "pipe or a device" in refusal(name)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_files_that_the_system_makes_up_do_not_wait():
    assert "empty" in refusal("/proc/self/clear_refs")


def test_a_file_without_end_is_read_up_to_the_limit():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 < size
            return bytes(min(size, 2**24))

    assert "200 MB" in refusal(Endless())


def test_a_huge_file_is_refused_by_its_size(tmp_path):
    path = tmp_path / "movie.png"
    with path.open("wb") as file:
        file.write(encoded("png"))
        file.truncate(40 * 10**9)
    assert "40,000 MB" in refusal(path)


# ------------------------------------------------------------------------------------------- pixels


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *more: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + data + png_chunk(b"IEND", b"")


def claims(file_format: str, width: int, height: int) -> bytes:
    """Return a small file of a format whose header claims a size."""
    if file_format == "png":
        return png_of(width, height)
    content = bytearray(encoded(file_format))
    w, h = (40, 60)[::-1]
    places = {
        "jpeg": (">HH", content.find(b"\xff\xc0") + 5, (height, width)),
        "gif": ("<HH", 6, (width, height)),
        "bmp": ("<II", 18, (width, height)),
        "webp": ("<HH", 26, (width, height)),
    }
    if file_format == "tiff":
        return tiff_changed(content, (256, 4, 1, width), (257, 4, 1, height))
    if file_format == "avif":
        at = content.find(b"ispe") + 8
        assert struct.unpack_from(">II", content, at) == (w, h)
        struct.pack_into(">II", content, at, width, height)
    else:
        form, at, values = places[file_format]
        struct.pack_into(form, content, at, *values)
    return bytes(content)


@pytest.mark.parametrize("file_format", ALLOWED)
def test_more_than_fifty_million_pixels_are_refused_by_the_header(file_format):
    size = (10_000, 5_001) if file_format != "gif" else (10_000, 65_535)
    assert "50 million" in refusal(claims(file_format, *size))


def test_decoders_that_take_more_memory_may_have_fewer_pixels():
    animated = bytearray(encoded("webp", save_all=True, append_images=[Image.new("RGB", (60, 40))]))
    assert animated[12:16] == b"VP8X"
    animated[24:30] = 2 * (5499).to_bytes(3, "little")  # width and height, minus 1
    assert "to decode, the way it is stored" in refusal(bytes(animated))
    if "avif" in ALLOWED:
        assert "to decode, the way it is stored" in refusal(claims("avif", 5500, 5500))


def test_a_webp_of_38_bytes_takes_no_gigabytes():
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "webp", lossless=True)
    content = bytearray(file.getvalue())
    struct.pack_into("<I", content, 21, 16382 | 16382 << 14)  # a width and height of 16,383
    assert "16383 x 16383 pixels" in refusal(bytes(content))


@pytest.mark.parametrize("cut", range(12, 60, 3))
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"icc_profile": bytes(99)}])
def test_a_webp_that_is_cut_off(cut, options):
    assert "damaged or cut off" in refusal(encoded("webp", **options)[: cut + 4])


def test_a_webp_that_opencv_finds_too_wide():
    """Its error is several lines about OpenCV's own source."""
    content = claims("webp", 16383, 1)
    assert "damaged or cut off (its WebP data is incomplete)" in refusal(content)


def test_an_array_of_too_many_pixels():
    assert "50 million" in refusal(np.broadcast_to(np.uint8(0), (10_000, 5_001, 3)))


# ------------------------------------------------------------------------------- passes of a JPEG


def with_scans(more: int, size=(64, 64), **options) -> bytes:
    """Return a progressive JPEG that repeats its last pass, over nothing but zeros."""
    grey = Image.new("RGB", (64, 64), (90, 90, 90))
    content = bytearray(encoded("jpeg", grey, progressive=True, **options))
    struct.pack_into(">HH", content, content.find(b"\xff\xc2") + 5, *size)
    last = content[content.rfind(b"\xff\xda") : -2]
    return bytes(content[:-2] + more * last + b"\xff\xd9")


def test_a_jpeg_of_too_many_passes_is_refused_before_it_is_decoded():
    """760 passes over 80 million pixels, 610 kB, took 43 s."""
    assert load_image(with_scans(20)).shape == (64, 64, 3)
    assert "more than 32 passes" in refusal(with_scans(60_000, (5000, 5000)))
    allowed = 32 - with_scans(0).count(b"\xff\xda")
    assert load_image(with_scans(allowed)).shape == (64, 64, 3)
    assert "more than 32 passes" in refusal(with_scans(allowed + 1))


def test_passes_are_counted_up_to_the_end_of_the_picture():
    """Phones append videos to photographs, and put thumbnails into EXIF."""
    assert load_image(with_scans(0) + 100 * b"\xff\xda\x00\x00").shape == (64, 64, 3)
    content = encoded("jpeg", exif=b"Exif\0\0II*\0\x08" + bytes(9) + 100 * b"\xff\xda")
    assert content.count(b"\xff\xda") > 1
    assert load_image(content).shape == PICTURE.shape


def test_padding_hides_no_passes():
    """The count skips what the decoder skips between two segments."""
    content = with_scans(0)
    last = content[content.rfind(b"\xff\xda") : -2]
    for padding in (b"\xff\xff\xff", b"\0\0\xff\0", b"\xff\xd0", b"\xff\xff\0\xff", b"\xff\x01"):
        assert "32 passes" in refusal(content[:-2] + 50 * (padding + last) + b"\xff\xd9")


def test_a_tiff_without_a_number_of_bits_is_damaged():
    assert "damaged" in refusal(tiff_changed(encoded("tiff"), (258, 3, 0, 0)))


@pytest.mark.parametrize("at", [9, 11], ids=["no components", "components of no size"])
def test_a_jpeg_frame_of_nothing_is_damaged(at):
    content = bytearray(encoded("jpeg"))
    content[content.index(b"\xff\xc0") + at] = 0
    assert "damaged" in refusal(bytes(content))


@pytest.mark.slow
def test_a_long_run_of_one_byte_takes_no_time():
    for byte in (b"\xff", b"\xff\x00", b"\xff\xd0", b"\0"):
        refusal(b"\xff\xd8\xff\xe0" + byte * 10**7)
        content = encoded("jpeg")
        start = time.process_time()
        at = content.find(b"\xff\xda") + 14
        with contextlib.suppress(ValueError):
            load_image(content[:at] + byte * 10**7 + content[at:])
        assert time.process_time() - start < 5


def test_a_progressive_jpeg_that_needs_too_much_memory():
    """Its coefficients take 6 bytes per pixel, on top of the picture's 4."""
    message = refusal(with_scans(0, (7071, 7071), subsampling=0))
    assert "to decode, the way it is stored" in message
    assert "ordinary JPEG" in message


def test_an_ordinary_jpeg_with_a_pass_per_colour_needs_as_much():
    content = bytearray(encoded("jpeg", subsampling=0))
    struct.pack_into(">HH", content, content.find(b"\xff\xc0") + 5, 7071, 7071)
    assert load_image(encoded("jpeg", subsampling=0)).shape == PICTURE.shape
    content[content.find(b"\xff\xda") + 4] = 1  # colours in the first pass
    assert "to decode, the way it is stored" in refusal(bytes(content))


# ----------------------------------------------------------------------------------------- metadata

TOO_MUCH = "too much besides its pixels"


def jpeg_with(*segments: bytes) -> bytes:
    content = encoded("jpeg")
    return content[:2] + b"".join(segments) + content[2:]


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def gif_with(comments: int) -> bytes:
    content = encoded("gif", Image.fromarray(PICTURE).convert("P"))
    at = 13 + 3 * 2 ** (1 + content[10] % 8)
    return content[:at] + b"!\xfe" + comments * b"\x01x" + b"\0" + content[at:]


def webp_with(kind: bytes, size: int) -> bytes:
    content = encoded("webp", icc_profile=bytes(100))
    assert content[12:16] == b"VP8X"
    return content + kind + struct.pack("<I", size) + bytes(size)


def tiff_changed(content: bytes, *changes: tuple[int, ...]) -> bytes:
    """Return a TIFF with other entries: (tag, type, number of values, value or where they are).

    Or (tag, another tag, ...), which replaces it.
    """
    content = bytearray(content)
    (start,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, start)
    places = range(start + 2, start + 2 + 12 * entries, 12)
    tags = {struct.unpack_from("<H", content, at)[0]: at for at in places}
    for tag, *entry in changes:
        entry = entry if len(entry) == 4 else (tag, *entry)
        struct.pack_into("<HHII", content, tags[tag], *entry)
    return bytes(content)


def tiff_with(kind: int, count: int, data: bytes) -> bytes:
    """Return a TIFF whose description has another type, and comes after it."""
    content = encoded("tiff", tiffinfo={270: "x" * 100})
    return tiff_changed(content, (270, kind, count, len(content))) + data


def tiff_with_exif(count: int) -> bytes:
    """Return a TIFF whose EXIF, a directory of its own, has one tag with so many fractions."""
    content = encoded("tiff", tiffinfo={270: "x" * 100})
    exif = struct.pack("<HHHIII", 1, 37500, 5, count, len(content) + 18, 0)
    return tiff_changed(content, (270, 34665, 4, 1, len(content))) + exif + bytes(8 * count)


METADATA = {
    "JPEG, EXIF": lambda: jpeg_with(*40 * [segment(0xE1, b"Exif\0\0II*\0" + bytes(60_000))]),
    "JPEG, comments": lambda: jpeg_with(*200 * [segment(0xFE, bytes(60_000))]),
    "JPEG, tiny segments": lambda: jpeg_with(2_000_000 * segment(0xFE, b"")),
    "JPEG, filler": lambda: jpeg_with(10_000_000 * b"\xff"),
    "JPEG, nothing else": lambda: encoded("jpeg").partition(b"\xff\xda")[0] + bytes(10_000_000),
    "PNG, text": lambda: png_of(9, 9, png_chunk(b"tEXt", b"a\0" + bytes(10_000_000))),
    "PNG, tiny chunks": lambda: png_of(9, 9, 500_000 * png_chunk(b"abCd", b"")),
    "PNG, tiny pieces of pixels": lambda: png_of(9, 9, 500_000 * png_chunk(b"IDAT", b"")),
    "GIF, comments": lambda: gif_with(1_000_000),
    "GIF, filler": lambda: encoded("gif")[:13] + 10_000_000 * b"\0",
    "WebP, EXIF": lambda: webp_with(b"EXIF", 2_000_000),
    "WebP, ICC": lambda: webp_with(b"ICCP", 10_000_000),
    "TIFF, a text": lambda: tiff_with(2, 10_000_000, bytes(10_000_000)),
    "TIFF, numbers": lambda: tiff_with(5, 200_000, bytes(1_600_000)),
    "TIFF, EXIF": lambda: tiff_with_exif(200_000),
}


@pytest.mark.parametrize("make", METADATA.values(), ids=METADATA)
def test_too_much_metadata(make):
    assert TOO_MUCH in refusal(make())


ORDINARY = {
    "JPEG": lambda: encoded(
        "jpeg", icc_profile=bytes(3_000_000), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"
    ),
    "PNG": lambda: png_of(9, 9, png_chunk(b"tEXt", b"a\0" + 900_000 * b"x")),
    "WebP": lambda: encoded("webp", icc_profile=bytes(3_000_000)),
    "TIFF": lambda: encoded("tiff", icc_profile=bytes(3_000_000)),
}


@pytest.mark.parametrize("make", ORDINARY.values(), ids=ORDINARY)
def test_colour_profiles_of_printers_are_no_harm(make):
    assert load_image(make()).size


@pytest.mark.skipif("avif" not in ALLOWED, reason="this Pillow can't read AVIF")
def test_pillow_does_not_find_the_numbers_in_an_avifs_exif():
    content = encoded("avif", exif=b"II*\0\x01\0" + bytes(20))
    for avif, found in [(content, True), (without_exif(content), False)]:
        with Image.open(io.BytesIO(avif)) as picture:
            assert bool(picture.info.get("exif")) is found


# --------------------------------------------------------------------------------------- TIFF, BMP


def test_compressions_of_tiff():
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        assert load_image(encoded("tiff", compression=compression)).shape == PICTURE.shape
    for number in (6, 34925, 50000, 50001):  # old JPEG, LZMA, Zstandard, WebP
        assert f"number {number}" in refusal(tiff_changed(encoded("tiff"), (259, 3, 1, number)))


def test_strips_of_a_tiff_are_decoded_once():
    """If the list of offsets is too long, the whole picture is decoded for each of them."""
    content = encoded("tiff", compression="raw")
    content = tiff_changed(content, (273, 4, 100_000, len(content)))
    assert "damaged" in refusal(content + 100_000 * struct.pack("<I", 8))


def test_a_tiff_of_jpegs_with_many_passes():
    content = encoded("tiff", compression="jpeg")
    assert "TIFF of progressive JPEGs" in refusal(content + 100 * b"\xff\xda")


def test_a_tiff_that_is_turned_takes_memory_twice():
    def large(**options):
        content = encoded("tiff", compression="tiff_lzw", **options)
        return tiff_changed(content, (256, 4, 1, 7071), (257, 4, 1, 7071), (278, 4, 1, 7071))

    assert "MB of memory to decode" in refusal(large(tiffinfo={274: 6}))
    assert "damaged" in refusal(large())  # small enough, but there's nothing in it


def test_a_tiff_that_says_something_twice():
    """Each reader would believe another of the two."""
    assert "contradicts itself" in refusal(tiff_changed(encoded("tiff"), (284, 256, 4, 1, 9)))


def test_tiles_of_a_tiff_are_no_larger_than_memory():
    # Strips become tiles: rows per strip, planes, offsets and byte counts give up their places.
    size, offset = (1, 2**20), (1, 8)
    tiles = (
        (278, 322, 4, *size),
        (284, 323, 4, *size),
        (273, 324, 4, *offset),
        (279, 325, 4, 1, 9),
    )
    huge = tiff_changed(encoded("tiff"), *tiles)
    assert "MB of memory to decode" in refusal(huge)


def test_a_run_length_encoded_bmp():
    content = bytearray(encoded("bmp", Image.fromarray(PICTURE).convert("P")))
    struct.pack_into("<I", content, 30, 1)
    assert "run-length" in refusal(bytes(content))


@pytest.mark.parametrize("file_format", ["tiff", "webp", *(["avif"] if "avif" in ALLOWED else [])])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_these_are_turned_as_a_png_is(file_format, orientation):
    def turned(file_format, **options):
        exif = Image.Exif()
        exif[274] = orientation
        return load_image(encoded(file_format, picture, exif=exif, **options))

    options = {"webp": {"lossless": True}, "avif": {"quality": 100, "subsampling": "4:4:4"}}
    picture = np.kron(PICTURE[:5, :8], np.ones((16, 16, 1), np.uint8))
    found, expected = turned(file_format, **options.get(file_format, {})), turned("png")
    # 3: AVIF's rounding. A pixel from the wrong block differs by 80 on average.
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 3


# ------------------------------------------------------------------------------------------- memory

PEAK = """
import sys
from course_utils import load_image
from course_utils.models import Classifier
class Network: input_size, _preprocess = (224, 224), staticmethod(lambda x: x)
Classifier.prepare(Network, load_image("cat"))  # what is loaded only once
def kilobytes(name):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(name)).split()[1])
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forgets the peak
before = kilobytes("VmRSS")
picture = load_image(sys.argv[1])
Classifier.prepare(Network, picture)
print(kilobytes("VmHWM") - before, picture.shape[0] * picture.shape[1])
"""
SIDE = 7071  # 49,999,041 pixels
LARGEST = {
    # name: (format, mode, side, options)
    "PNG with transparency, turned": ("png", "RGBA", SIDE, {"compress_level": 1, "turned": True}),
    "JPEG, turned": ("jpeg", "RGB", SIDE, {"turned": True}),
    "JPEG, progressive": ("jpeg", "RGB", 6900, {"progressive": True, "subsampling": 0}),
    "WebP": ("webp", "RGBA", SIDE, {"method": 0, "lossless": True, "quality": 0, "turned": True}),
    "GIF": ("gif", "P", SIDE, {"transparency": 3}),
    "TIFF": ("tiff", "RGB", SIDE, {"compression": "tiff_lzw"}),
    "BMP": ("bmp", "RGB", SIDE, {}),
    "AVIF": ("avif", "RGBA", 5400, {"speed": 10}),
}


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_picture_takes_at_most_ten_bytes_per_pixel_beside_its_file(name, tmp_path):
    file_format, mode, side, options = LARGEST[name]
    if file_format not in ALLOWED:
        pytest.skip("this Pillow can't read it")
    options = dict(options)
    if options.pop("turned", False):
        options["exif"] = Image.Exif()
        options["exif"][274] = 6
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), np.uint8)
    picture = Image.fromarray(noise).resize((side, side)).convert(mode)
    path = tmp_path / "largest"
    path.write_bytes(encoded(file_format, picture, **options))
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, check=True)
    kilobytes, pixels = map(int, done.stdout.split())
    assert pixels == side**2
    beside = 1024 * kilobytes - path.stat().st_size
    print(f"{name}: {beside / 1e6:.0f} MB beside the file, {beside / pixels:.2f} bytes per pixel")
    assert beside <= 10 * 50_000_000
