"""Read, check and resize pictures (lesson 0).

A picture is always a NumPy array, uint8, (height, width, 3), red-green-blue, 0 black, 255 white.
"""

from __future__ import annotations

import difflib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from course_utils._data import data_path, read_json

try:
    import cv2
except ImportError as error:  # pragma: no cover - depends on the machine
    raise ImportError(
        f"OpenCV could not be loaded ({error}). Install it with `pip install opencv-python`; on a "
        "Linux server without a screen, its system libraries too: `apt-get install libgl1 "
        "libglib2.0-0`."
    ) from error

MAX_PIXELS = 80_000_000
"""Larger pictures are refused from their header, before any memory is taken for them."""


def example_images() -> dict[str, str]:
    """Return the names that `load_image` knows, each with a sentence that describes the picture."""
    return {name: entry["description"] for name, entry in _examples().items()}


def example_class(name: str) -> int | None:
    """Return the ImageNet class that an example stands for in the lessons; None if it has none."""
    classes = _examples().get(name, {}).get("classes")
    return classes[0]["class_index"] if classes else None


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1797 handwritten digits and which digit each one is (lesson 1).

    Returns:
        uint8 (1797, 8, 8), 0 paper to 16 full ink; and uint8 (1797,), the labels 0 to 9.
    """
    with np.load(data_path("digits.npz"), allow_pickle=False) as file:
        return file["images"], file["labels"]


def load_image(source) -> np.ndarray:
    """Read a picture from almost anything, as uint8 RGB.

    Args:
        source: the name of an example ("cat"; `example_images()` lists them), a path, the bytes
            of a picture file, an open binary file, a Pillow image, or an array:
            uint8 in 0..255 or float in 0..1 or 0..255, of shape (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4). An array of floats in which nothing exceeds 1 is taken to be 0..1.

    Returns:
        uint8 array (H, W, 3) of its own, in the picture's own size. Photographs are turned the
        way up that their EXIF says, transparency is put on white, 16 bits become 8, and of an
        animation the first frame is taken.

    Raises:
        FileNotFoundError, IsADirectoryError: there is no such file; it is a folder.
        ValueError: not a picture, cut off, larger than 80 million pixels, or an array of another
            shape or range, or with NaN.
        TypeError: none of the above kinds of source.
    """
    if isinstance(source, Image.Image):
        return _from_pillow(source, "the given Pillow image")
    if hasattr(source, "__array__"):  # of NumPy, TensorFlow and others
        return _from_array(np.asarray(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), "the given bytes")
    # A name of one word: a student's own path must not depend on the course's list of examples.
    if isinstance(source, str) and source.isidentifier() and source in _examples():
        return _from_bytes(data_path(f"images/{_examples()[source]['file']}").read_bytes(), source)
    if isinstance(source, (str, os.PathLike)):
        return _from_bytes(_read_file(source), f"the file {os.fspath(source)!r}")
    if hasattr(source, "read"):
        content = source.read()
        if not isinstance(content, bytes):
            raise TypeError("load_image needs a file opened in binary mode: open(path, 'rb').")
        return _from_bytes(content, f"the file {getattr(source, 'name', 'object')!r}")
    raise TypeError(
        "load_image expects an example's name, a path, bytes, an open binary file or a NumPy "
        f"array, and was given {type(source).__name__}. For other arrays: np.asarray(x)."
    )


def centre_square(image: np.ndarray) -> np.ndarray:
    """Return the largest square in the middle of a picture: (H, W, 3) -> (S, S, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize_picture(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture to (height, width), as float32 in 0..255, not rounded.

    Bilinear and *antialiased*: where the picture shrinks, each new pixel averages all the old ones
    that it covers. Plain bilinear skips most of them, and the network sees jagged edges.
    """
    channels = [Image.fromarray(channel) for channel in np.moveaxis(image.astype(np.float32), 2, 0)]
    size = (size[1], size[0])
    return np.stack([np.asarray(c.resize(size, Image.Resampling.BILINEAR)) for c in channels], 2)


def resize_map(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge a map (h, w) to (height, width), linearly between the centres of its cells.

    A cell of a 7 x 7 map covers 32 x 32 pixels of a 224 x 224 picture, and its value belongs to
    the middle of them. Linear interpolation never leaves the range of the values: no cell turns
    negative, none exceeds the maximum. (Bicubic does both.) Where a map has to shrink, each new
    cell is the mean of those that it covers, so that none is overlooked.
    """
    values = np.ascontiguousarray(values, np.float32)
    shrinks = size[0] < values.shape[0] or size[1] < values.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(values, (size[1], size[0]), interpolation=interpolation)


def _examples() -> dict[str, dict]:
    return read_json("images/examples.json")


def _read_file(source: str | os.PathLike) -> bytes:
    # Not cv2.imread: on Windows it cannot open paths that are not ASCII, and says nothing.
    name = os.fspath(source)
    if isinstance(name, str) and name.split("://")[0] in ("http", "https", "ftp"):
        raise ValueError(
            f"{name!r} is a web address, and load_image reads files: save the picture first, then "
            "give its path."
        )
    path = Path(os.fsdecode(name))
    try:
        path = path.expanduser()
        exists, folder = path.exists() and bool(name), path.is_dir()
    except (OSError, RuntimeError, ValueError):  # a name that no file can have
        exists = False
    if exists and folder:
        raise IsADirectoryError(f"{name!r} is a folder: give the path of one picture in it.")
    if not exists:
        names = list(_examples())
        close = difflib.get_close_matches(str(name), names, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise FileNotFoundError(
            f"There is no file {name[:200]!r} in {Path.cwd()}, and no example of that name.{guess} "
            f"Examples: {', '.join(names)}."
        )
    return path.read_bytes()


def _from_bytes(content: bytes, name: str) -> np.ndarray:
    if not content:
        raise ValueError(f"A picture was expected, but {name} is empty (0 bytes).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is ours
            picture = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError:
        raise _too_large(name, "more than twice as many as Pillow's own limit") from None
    except UnidentifiedImageError:
        raise ValueError(
            f"A picture was expected, but the content of {name} is none that can be read, whatever "
            "its name ends in. PNG and JPEG always work; a HEIC photograph has to be exported as "
            "JPEG first."
        ) from None
    except Exception as error:  # a header that promises a format and breaks it: each in its own way
        raise _unreadable(name, error) from None
    return _from_pillow(picture, name)


def _from_pillow(picture: Image.Image, name: str) -> np.ndarray:
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_large(name, f"{picture.width} x {picture.height}")
    try:
        picture.load()
        picture = ImageOps.exif_transpose(picture)
    except Exception as error:  # the decoders' errors have no common class
        raise _unreadable(name, error) from None
    if picture.mode == "F":
        return _from_array(np.asarray(picture))
    if picture.mode.startswith("I"):  # 16-bit greyscale
        return _from_16_bits(np.asarray(picture), name)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def _from_16_bits(values: np.ndarray, name: str) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(
            f"{name} has values from {values.min()} to {values.max()}, outside 16 bits. Scale it "
            "to 0..1 and pass it as an array."
        )
    # Pillow reads 8-bit values into the same kind of image, if a program asks it to.
    scale = 257 if values.max() > 255 or values.dtype != np.int32 else 1  # 65535 / 257 = 255
    grey = np.round(values.astype(np.float32) / scale).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _from_array(array: np.ndarray) -> np.ndarray:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"An array of shape {array.shape} is not one picture: expected (H, W), (H, W, 1), "
            "(H, W, 3) or (H, W, 4). Of a batch, pass one: images[0]."
        )
    if array.dtype.kind == "f":
        array = _float_to_uint8(array)
    elif array.dtype != np.uint8:
        raise ValueError(
            f"A picture array of dtype {array.dtype} could mean several things: expected uint8 in "
            "0..255, or float in 0..1 or 0..255. If it holds 0..255, use array.astype('uint8')."
        )
    if array.shape[2] == 4:
        alpha = array[..., 3:] / 255
        array = np.round(array[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3))).copy()


def _float_to_uint8(array: np.ndarray) -> np.ndarray:
    if not np.isfinite(array).all():
        raise ValueError("The picture array holds NaN or infinity: expected numbers in 0..255.")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        raise ValueError(
            f"A picture array of floats must lie in 0..1 or 0..255; this one goes from {low:.3g} "
            f"to {high:.3g}. If it went through a network's preprocessing, undo that first: "
            "classifier.restore(inputs)[0]."
        )
    return np.round(array * (255 if high <= 1 else 1)).astype(np.uint8)


def _too_large(name: str, size: str) -> ValueError:
    return ValueError(
        f"The picture in {name} has {size} pixels; more than {MAX_PIXELS // 10**6} million are not "
        "read, to protect this computer's memory. Make it smaller: the network looks at 224 x 224."
    )


def _unreadable(name: str, error: Exception) -> ValueError:
    return ValueError(
        f"The picture in {name} is damaged or cut off ({error}). Download or export it again."
    )
