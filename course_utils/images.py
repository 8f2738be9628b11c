"""Read, check and resize pictures (lesson 0).

A picture is always a NumPy array, uint8, (height, width, 3), red-green-blue, 0 black, 255 white.
"""

from __future__ import annotations

import difflib
import functools
import io
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, UnidentifiedImageError

from course_utils import picture_limits
from course_utils.data_files import data_path, read_json
from course_utils.picture_limits import MAX_BYTES

try:
    import cv2
except ImportError as error:  # pragma: no cover - depends on the machine
    raise ImportError(
        f"OpenCV could not be loaded ({error}). Install it with `pip install opencv-python`; on a "
        "Linux server without a screen, its system libraries too: `apt-get install libgl1 "
        "libglib2.0-0`."
    ) from error

GREY = 127  # middle grey, of 0 to 255; it becomes 0 for the embedded network
Picture: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | ArrayLike
"""What `load_image` reads."""


def example_images() -> dict[str, str]:
    """Return the names that `load_image` knows, each with a sentence describing the picture."""
    return {name: entry["description"] for name, entry in _examples().items()}


def example_class(name: str) -> int | None:
    """Return an example's ImageNet class in the lessons; None if it has none."""
    classes = _examples().get(name, {}).get("classes")
    return classes[0]["class_index"] if classes else None


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1797 handwritten digits and which digit each one is (lesson 1).

    Returns:
        uint8 (1797, 8, 8), 0 paper to 16 full ink; and uint8 (1797,), the labels 0 to 9.
    """
    with np.load(data_path("digits.npz"), allow_pickle=False) as file:
        return file["images"], file["labels"]


def load_image(source: Picture) -> np.ndarray:
    """Read a picture from almost anything, as uint8 RGB.

    Files may come from anywhere, so limits are checked before anything is decoded: on the format
    (by the first bytes, whatever the name ends in), the file's size, the number of pixels, the
    passes over a JPEG, and the metadata. Reading a picture takes at most 500 MB of memory on top of
    the file itself, 10 bytes for each of 50 million pixels. If a decoder takes more per pixel, the
    limit is lower: 30 million for an AVIF (12 bytes), 24 for an animated WebP (16), 48 for a
    progressive JPEG with full-size colour (10.0), 40 for one in CMYK (12).

    One thing can't be limited in advance: an AVIF's header may claim fewer pixels than its data
    have. Its decoder stops at 268 million, which took 550 MB.

    Args:
        source: the name of an example ("cat"; `example_images()` lists them), a path, the bytes
            of a picture file, an open binary file, a Pillow image, or an array:
            uint8 in 0..255 or float in 0..1 or 0..255, of shape (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4). If no value in a float array exceeds 1, it's read as 0..1.
            Files are PNG, JPEG, WebP, GIF, TIFF or BMP, and AVIF if Pillow can read it.

    Returns:
        A new uint8 array (H, W, 3), in the picture's own size. Photographs are turned upright, as
        their EXIF says; transparency becomes white, 16 bits become 8, and only the first frame of
        an animation is read.

    Raises:
        FileNotFoundError, IsADirectoryError: there's no such file; it's a folder.
        ValueError: not a picture, cut off, more than 50 million pixels or 200 MB, or an array of
            another shape or range, or with NaN.
        TypeError: none of the above kinds of source.
        MemoryError: the computer doesn't have enough memory left for this picture.
    """
    return check_picture(source).decode()


class CheckedPicture(NamedTuple):
    """A picture that's safe to decode, but hasn't been decoded yet."""

    pixels: int
    decode: Callable[[], np.ndarray]


def check_picture(source: Picture) -> CheckedPicture:
    """Do everything `load_image` does before it takes memory for the pixels."""
    if isinstance(source, Image.Image):
        return _check_pillow(source)
    if hasattr(source, "__array__"):  # of NumPy, TensorFlow and others
        array = _check_array(np.asarray(source))
        return CheckedPicture(array[..., 0].size, functools.partial(_from_array, array))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _check_bytes(bytes(source), "the given bytes")
    # A name of one word: a student's own path mustn't depend on the course's list of examples.
    if isinstance(source, str) and source.isidentifier() and source in _examples():
        return _check_bytes(data_path(f"images/{_examples()[source]['file']}").read_bytes(), source)
    if isinstance(source, (str, os.PathLike)):
        return _check_bytes(_read_file(source), f"the file {os.fspath(source)!r}")
    if hasattr(source, "read"):
        name = f"the file {getattr(source, 'name', 'object')!r}"
        return _check_bytes(_read_open_file(source), name)
    raise TypeError(
        "load_image expects an example's name, a path, bytes, an open binary file or a NumPy "
        f"array, but got {type(source).__name__}. For other arrays: np.asarray(x)."
    )


def centre_square(image: np.ndarray) -> np.ndarray:
    """Return the largest square in the middle of a picture: (H, W, 3) -> (S, S, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize_picture(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture to (height, width), as float32 in 0..255, not rounded.

    Bilinear and *antialiased*: if the picture shrinks, each new pixel averages all the old ones it
    covers. Plain bilinear skips most of them, and the network sees jagged edges.
    """
    # First the rows, a few at a time, then the columns, as Pillow does: a large picture never
    # exists as float32, which takes four times the memory.
    rows = max(1, _PART**2 // image.shape[1])
    starts = range(0, len(image), rows)
    narrow = [_resize(part := image[i : i + rows], (len(part), size[1])) for i in starts]
    return _resize(np.concatenate(narrow), size)


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image.astype(np.float32), 2, 0)]
    size = (size[1], size[0])
    return np.stack([np.asarray(c.resize(size, Image.Resampling.BILINEAR)) for c in channels], 2)


def resize_map(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge a map (h, w) to (height, width), linearly between the centres of its cells.

    A cell of a 7 x 7 map covers 32 x 32 pixels of a 224 x 224 picture, and its value belongs to
    their middle. Linear interpolation never leaves the range of the values: no cell turns
    negative, and none exceeds the maximum. (Bicubic does both.) If a map has to shrink, each new
    cell is the mean of all those it covers.
    """
    values = np.ascontiguousarray(values, np.float32)
    shrinks = size[0] < values.shape[0] or size[1] < values.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(values, (size[1], size[0]), interpolation=interpolation)


def _examples() -> dict[str, dict]:
    return read_json("images/examples.json")


def _read_file(source: str | os.PathLike) -> bytes:
    # Not cv2.imread: on Windows it can't open non-ASCII paths, and doesn't say so.
    name = os.fspath(source)
    if isinstance(name, str) and name.split("://")[0] in ("http", "https", "ftp"):
        raise ValueError(
            f"{name!r} is a web address, but load_image reads files: save the picture first, then "
            "give its path."
        )
    try:
        path = Path(os.fsdecode(name)).expanduser()
        found = path.stat() if name else None
    except PermissionError:
        raise
    except (OSError, RuntimeError, ValueError):  # no file can have this name
        path, found = Path(), None
    if found is None:
        names = list(_examples())
        close = difflib.get_close_matches(str(name), names, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise FileNotFoundError(
            f"There is no file {name[:200]!r} in {Path.cwd()}, and no example of that name.{guess} "
            f"Examples: {', '.join(names)}."
        )
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{name!r} is a folder: give the path of one picture in it.")
    if not stat.S_ISREG(found.st_mode):  # opening a pipe or a device can wait forever
        raise ValueError(f"{name!r} is a pipe or a device, not a file: give a picture's path.")
    if found.st_size > MAX_BYTES:
        raise picture_limits.too_many_bytes(f"the file {name!r}", f"{found.st_size / 1e6:,.0f} MB")
    if found.st_size == 0:  # and the "files" in /proc, some of which wait when you read them
        return b""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)  # it may be growing


def _read_open_file(file) -> bytes:
    parts, size = [], 0
    while size <= MAX_BYTES and (part := file.read(MAX_BYTES + 1 - size)):
        if not isinstance(part, bytes):
            raise TypeError("load_image needs a file opened in binary mode: open(path, 'rb').")
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _check_bytes(content: bytes, name: str) -> CheckedPicture:
    file_format = picture_limits.check(content, name)
    if file_format == "WEBP":  # Pillow takes 8 bytes per pixel as soon as it opens one
        width, height, animated = picture_limits.webp_header(content)
        # Pillow holds an animation's frame four times.
        picture_limits.check_size(width, height, name, 16 * width * height if animated else 0)
        decode = functools.partial(_decode_webp, content, animated, name)
        return CheckedPicture(width * height, decode)
    if file_format == "AVIF":
        picture = _open(picture_limits.without_exif(content), file_format, name)
        # Planes of up to 16 bits, and two copies of the pixels.
        beside = 12 * picture.width * picture.height
        picture_limits.check_size(picture.width, picture.height, name, beside)
    else:
        picture = _open(content, file_format, name)
    return _check_opened(picture, name)


_OPENING = threading.Lock()


def _open(content: bytes, file_format: str, name: str) -> Image.Image:
    try:
        # One thread at a time, because catch_warnings changes the settings of them all.
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is ours
            return Image.open(io.BytesIO(content), formats=[file_format])
    except Image.DecompressionBombError:
        size = f"more than {2e-6 * (Image.MAX_IMAGE_PIXELS or 0):.0f} million"
        raise picture_limits.too_many_pixels(name, size) from None
    except UnidentifiedImageError:
        raise _unreadable(name, f"its {file_format} header is incomplete") from None
    except (
        Exception
    ) as error:  # a header that promises a format but breaks it: each raises its own error
        raise _unreadable(name, error) from None


def _check_pillow(picture: Image.Image) -> CheckedPicture:
    """Check a Pillow image that somebody else has opened, but perhaps not decoded."""
    name = "the given Pillow image"
    file = getattr(picture, "fp", None) if getattr(picture, "tile", None) else None
    if file is not None:
        if picture.format not in (*picture_limits.FORMATS, "MPO"):
            raise ValueError(
                f"This Pillow image is from a {picture.format} file, which load_image doesn't "
                "decode. If you trust the file, decode it yourself first: image.load()."
            )
        position = file.tell()
        file.seek(0)
        content = _read_open_file(file)
        file.seek(position)
        if picture.format not in ("WEBP", "AVIF"):  # they were read when they were opened
            picture_limits.check(content, name)
    return _check_opened(picture, name)


def _check_opened(picture: Image.Image, name: str) -> CheckedPicture:
    picture_limits.check_size(picture.width, picture.height, name)
    pixels = picture.width * picture.height
    return CheckedPicture(pixels, functools.partial(_from_pillow, picture, name))


def _from_pillow(picture: Image.Image, name: str) -> np.ndarray:
    try:
        picture.load()
        orientation = picture.getexif().get(0x0112, 1)
    except Exception as error:  # decoders' errors have no common class
        raise _unreadable(name, error) from None

    def part(rows: slice, columns: slice) -> Image.Image:
        return picture.crop((columns.start, rows.start, columns.stop, rows.stop))

    size = (picture.height, picture.width)
    convert = _to_rgb
    if picture.mode == "F":
        lows, highs = zip(*(_extrema(part(*where)) for where in _parts(*size)), strict=True)
        scale = _float_scale(np.min(lows), np.max(highs))
        convert = functools.partial(_grey_to_rgb, scale=scale)
    elif picture.mode.startswith("I"):  # 16-bit greyscale
        low, high = np.ravel(picture.getextrema())
        if low < 0 or high > 65535:
            raise ValueError(
                f"The picture in {name} has values from {low} to {high}, outside 16 bits. Scale it "
                "to 0..1 and pass it as an array."
            )
        # Pillow reads 8-bit values into the same kind of image, if a program asks it to.
        scale = 1 / 257 if high > 255 or picture.mode != "I" else 1  # 65535 / 257 = 255
        convert = functools.partial(_grey_to_rgb, scale=scale)
    return _from_parts(size, lambda *where: convert(part(*where)), orientation)


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.asarray(picture.convert("RGB"))


def _extrema(picture: Image.Image) -> tuple[float, float]:
    """Return the lowest and the highest value; NaN if there is one, which Pillow would overlook."""
    values = np.asarray(picture)
    return values.min(), values.max()


def _grey_to_rgb(picture: Image.Image, scale: float) -> np.ndarray:
    return np.round(np.asarray(picture, np.float32) * np.float32(scale))[..., None]


def _decode_webp(content: bytes, animated: bool, name: str) -> np.ndarray:
    if animated:
        return _from_pillow(_open(content, "WEBP", name), name)
    # Not with Pillow, which takes 16 bytes per pixel.
    try:
        orientation = picture_limits.webp_orientation(content)
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # its text has many lines
        picture, orientation = None, 1
        if error.code == cv2.Error.StsNoMem:
            raise _unreadable(name, MemoryError()) from None
    except Exception as error:
        raise _unreadable(name, error) from None
    if picture is None:
        raise _unreadable(name, "its WebP data is incomplete")
    to_rgb = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return _from_array(cv2.cvtColor(picture, to_rgb, dst=picture), orientation)


def _check_array(array: np.ndarray) -> np.ndarray:
    """Return a picture array as (H, W, channels), or raise an error that says why it isn't one."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"An array of shape {array.shape} is not one picture: expected (H, W), (H, W, 1), "
            "(H, W, 3) or (H, W, 4). From a batch, pass one: images[0]."
        )
    picture_limits.check_size(array.shape[1], array.shape[0], "the array")
    if array.dtype.kind == "f":
        _float_scale(array.min(), array.max())
    elif array.dtype != np.uint8:
        raise ValueError(
            f"A picture array of dtype {array.dtype} could mean several things: expected uint8 in "
            "0..255, or float in 0..1 or 0..255. If it holds 0..255, use array.astype('uint8')."
        )
    return array


def _from_array(array: np.ndarray, orientation: int = 1) -> np.ndarray:
    scale = _float_scale(array.min(), array.max()) if array.dtype.kind == "f" else 1

    def part(rows: slice, columns: slice) -> np.ndarray:
        values = array[rows, columns]
        if array.dtype.kind == "f":
            values = np.round(values * scale).astype(np.uint8)
        return _to_rgb(Image.fromarray(values)) if array.shape[2] == 4 else values

    return _from_parts(array.shape[:2], part, orientation)


def _float_scale(low, high) -> int:
    """Return the factor that brings floats to 0..255, given the lowest and the highest."""
    if not np.isfinite([low, high]).all():
        raise ValueError("The picture array holds NaN or infinity: expected numbers in 0..255.")
    if low < 0 or high > 255:
        raise ValueError(
            f"A picture array of floats must be in 0..1 or 0..255; this one goes from {low:.3g} "
            f"to {high:.3g}. If it went through a network's preprocessing, undo that first: "
            "classifier.restore(inputs)[0]."
        )
    return 255 if high <= 1 else 1


# EXIF's orientation -> a view of the picture, turned. All except 6 and 8 undo themselves.
_TURNS = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


def _from_parts(size: tuple[int, int], part: Callable, orientation: int) -> np.ndarray:
    """Put a picture together, upright, from parts of the stored one, which has this size.

    Only one part at a time exists in any form other than uint8 RGB, and the picture is turned while
    it's put together: a large one in two forms would take twice the memory.
    """
    height, width = size
    if orientation in _TURNS:
        shape = (height, width, 3) if orientation < 5 else (width, height, 3)
        image = np.empty(shape, np.uint8)
        stored = _TURNS[{6: 8, 8: 6}.get(orientation, orientation)](image)
    else:
        image = stored = np.empty((height, width, 3), np.uint8)
    for rows, columns in _parts(height, width):
        stored[rows, columns] = part(rows, columns)
    return image


_PART = 1024  # rows and columns


def _parts(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of parts that together cover a picture."""
    for top in range(0, height, _PART):
        for left in range(0, width, _PART):
            bottom, right = min(top + _PART, height), min(left + _PART, width)
            yield slice(top, bottom), slice(left, right)


def _unreadable(name: str, error: Exception | str) -> Exception:
    if isinstance(error, MemoryError):
        return MemoryError(
            f"There isn't enough memory left to read the picture in {name}: close other programs "
            "or notebooks, or make it smaller."
        )
    reason = str(error).split("\n")[0] or type(error).__name__
    return ValueError(
        f"The picture in {name} is damaged or cut off ({reason}). Download or export it again."
    )
