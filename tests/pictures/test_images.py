"""Reading, cropping and resizing pictures: uint8 RGB comes out, whatever goes in."""

import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from course_utils import load_image
from course_utils.images import centre_square, resize_map, resize_picture

pytestmark = [
    pytest.mark.filterwarnings("error::RuntimeWarning"),  # such as NumPy's on an invalid cast
    pytest.mark.filterwarnings("error::ResourceWarning"),  # a file that was left open
]

RED, WHITE = [255, 0, 0], [255, 255, 255]


def colourful(height=5, width=7):
    """A picture whose pixels all differ, so every mix-up shows."""
    y, x = np.mgrid[:height, :width]
    return np.stack([10 + 30 * y, 20 + 25 * x, 200 - 10 * x - 5 * y], axis=2).astype(np.uint8)


def encoded(picture, file_format="png", **options):
    file = io.BytesIO()
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(file, file_format, **options)
    return file.getvalue()


# --------------------------------------------------------------------------- sources of all kinds


def as_path_text(folder, content):
    return str(as_path(folder, content))


def as_path(folder, content):
    path = folder / "Kätzchen – 猫 und noch eins.jpg"  # is a PNG: the name does not matter
    path.write_bytes(content)
    return path


def as_pure_path(folder, content):
    return pathlib.PurePath(as_path(folder, content))


def as_open_file(folder, content):
    return as_path(folder, content).open("rb")


SOURCES = {
    "path as text": as_path_text,
    "pathlib.Path": as_path,
    "os.PathLike": as_pure_path,
    "open file": as_open_file,
    "BytesIO": lambda folder, content: io.BytesIO(content),
    "bytes": lambda folder, content: content,
    "bytearray": lambda folder, content: bytearray(content),
    "memoryview": lambda folder, content: memoryview(content),
    "Pillow image": lambda folder, content: Image.open(io.BytesIO(content)),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_every_kind_of_source_gives_the_same_picture(make, tmp_path):
    source = make(tmp_path, encoded(colourful()))
    np.testing.assert_array_equal(load_image(source), colourful())
    if hasattr(source, "close"):
        source.close()


def test_an_open_file_stays_open(tmp_path):
    """The caller opened it, so the caller closes it."""
    with as_open_file(tmp_path, encoded(colourful())) as file:
        load_image(file)
        assert not file.closed


def test_a_relative_path_and_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "x.png").write_bytes(encoded(colourful()))
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(load_image("x.png"), colourful())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    np.testing.assert_array_equal(load_image("~/x.png"), colourful())


def test_an_example_comes_before_a_file_of_the_same_name(tmp_path, monkeypatch):
    """But "./cat" is the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat").write_bytes(encoded(colourful()))
    assert load_image("cat").shape == (300, 451, 3)
    np.testing.assert_array_equal(load_image("./cat"), colourful())


OPTIONS = {"webp": {"lossless": True}, "jpeg": {"quality": 100, "subsampling": 0}}
FORMATS = ["png", "bmp", "gif", "tiff", "webp", "jpeg"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_file_formats(file_format):
    picture = np.kron(colourful(2, 3), np.ones((16, 16, 1), np.uint8))
    content = encoded(picture, file_format, **OPTIONS.get(file_format, {}))
    # 6: JPEG's rounding in blocks of one colour. The other formats keep every value.
    tolerance = 6 if file_format == "jpeg" else 0
    np.testing.assert_allclose(load_image(content), picture.astype(int), atol=tolerance)


# --------------------------------------------------------------------------------- kinds of pixels

GREYS = np.array([[0, 51], [102, 255]], np.uint8)


def grey(values):
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


def test_greyscale_gets_three_equal_channels():
    np.testing.assert_array_equal(load_image(encoded(GREYS)), grey(GREYS))


@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_16_bit_greyscale_keeps_its_brightness(file_format):
    """Not the lowest or highest 8 bits, and not white: 65535 becomes 255, a half 128."""
    values = np.array([[0, 257, 128 * 257], [65535, 51 * 257, 1]], np.uint16)
    expected = grey([[0, 1, 128], [255, 51, 0]])
    np.testing.assert_array_equal(load_image(encoded(values, file_format)), expected)


def test_16_bit_colour_becomes_8_bits():
    """Pillow can't write such a PNG, so we build it here, chunk by chunk."""
    import struct
    import zlib

    pixels = np.array([[[65535, 0, 0], [0, 128 * 257, 0], [257, 514, 65535]]], np.uint16)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 1, 16, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" + pixels.astype(">u2").tobytes()))
    content = b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")
    np.testing.assert_array_equal(load_image(content), (pixels // 257).astype(np.uint8))


def test_transparency_is_put_on_white():
    """Red that's opaque, half transparent, fully transparent. What's hidden never shows."""
    picture = np.array([[[255, 0, 0, 255], [255, 0, 0, 128], [255, 0, 0, 0]]], np.uint8)
    # Red gets 128 of 255, which leaves 127 of white's green and blue. 1: rounding.
    expected = np.array([[RED, [255, 127, 127], WHITE]])
    for source in (encoded(picture), picture, picture / 255, picture.astype(float)):
        np.testing.assert_allclose(load_image(source), expected, atol=1)


def test_grey_with_transparency_is_put_on_white():
    picture = Image.fromarray(np.array([[[0, 255], [0, 0], [200, 255]]], np.uint8), "LA")
    np.testing.assert_array_equal(load_image(encoded(picture)), grey([[0, 255, 200]]))


def palette_picture():
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255, 0, 0, 0])
    picture.putdata([0, 1, 2])
    return picture


def test_palette():
    expected = [[RED, [0, 0, 255], [0, 0, 0]]]
    np.testing.assert_array_equal(load_image(encoded(palette_picture())), expected)


def test_palette_with_transparency():
    expected = [[RED, WHITE, [0, 0, 0]]]
    content = encoded(palette_picture(), transparency=1)
    np.testing.assert_array_equal(load_image(content), expected)


def test_black_and_white_with_one_bit():
    picture = Image.fromarray(np.array([[0, 255, 0]], np.uint8)).convert("1")
    np.testing.assert_array_equal(load_image(encoded(picture)), grey([[0, 255, 0]]))


def test_cmyk_jpeg_has_its_colours_and_is_no_negative():
    picture = Image.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK")
    found = load_image(encoded(picture, "jpeg", quality=95))
    # 4: JPEG's error in a picture of one colour, with room for other decoders.
    np.testing.assert_allclose(found, np.broadcast_to(RED, (16, 16, 3)), atol=4)


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(load_image(content), np.broadcast_to(RED, (4, 4, 3)))


# What each value of EXIF's tag 274 does to turn the stored picture the right way up.
ORIENTATIONS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("file_format", ["jpeg", "png"])
def test_photographs_are_turned_the_right_way_up(orientation, file_format):
    stored = np.kron(colourful(2, 3), np.ones((16, 16, 1), np.uint8))  # blocks: exact in JPEG
    exif = Image.Exif()
    exif[274] = orientation
    found = load_image(encoded(stored, file_format, exif=exif, **OPTIONS.get(file_format, {})))
    expected = ORIENTATIONS[orientation](stored)
    assert found.shape == expected.shape
    # 6: JPEG's rounding in blocks of one colour; neighbouring blocks differ by 10 or more.
    np.testing.assert_allclose(found, expected.astype(int), atol=6)


def test_one_pixel():
    np.testing.assert_array_equal(load_image(encoded(np.uint8([[RED]]))), [[RED]])


def test_twenty_megapixels():
    picture = Image.new("RGB", (5472, 3648), (1, 2, 3))  # a camera's usual 20 megapixels
    found = load_image(encoded(picture, "jpeg"))
    assert found.shape == (3648, 5472, 3)


# ------------------------------------------------------------------------------------------ arrays

PICTURE = colourful()
ARRAYS = {
    "uint8": (PICTURE, PICTURE),
    "float in 0..1": (PICTURE / 255, PICTURE),
    "float32 in 0..1": (PICTURE.astype(np.float32) / 255, PICTURE),
    "float16 in 0..255": (PICTURE.astype(np.float16), PICTURE),
    "float in 0..255": (PICTURE.astype(float), PICTURE),
    "(H, W)": (GREYS, grey(GREYS)),
    "(H, W) of floats": (GREYS / 255, grey(GREYS)),
    "(H, W, 1)": (GREYS[..., None], grey(GREYS)),
    "RGBA, opaque": (np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)]), PICTURE),
    "a view with strides": (np.repeat(PICTURE, 2, axis=1)[:, ::2], PICTURE),
    "upside down": (PICTURE[::-1], PICTURE[::-1]),
    "columns first": (np.asfortranarray(PICTURE), PICTURE),
    "other byte order": (PICTURE.astype(">f4"), PICTURE),
    "black": (np.zeros((2, 2)), grey(np.zeros((2, 2)))),
    "white in 0..1": (np.ones((2, 2)), grey(np.full((2, 2), 255))),
    "1 x 1": (np.uint8([[RED]]), np.uint8([[RED]])),
}


@pytest.mark.parametrize(("array", "expected"), ARRAYS.values(), ids=ARRAYS)
def test_arrays(array, expected):
    np.testing.assert_array_equal(load_image(array), expected)


@pytest.mark.parametrize("array", [array for array, _ in ARRAYS.values()], ids=ARRAYS)
def test_the_result_is_the_callers_own(array):
    """You can draw on it without changing anything else, and pass it to any library."""
    before = array.copy()
    found = load_image(array)
    assert found.dtype == np.uint8
    assert found.ndim == 3
    assert found.shape[2] == 3
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert not np.shares_memory(found, array)
    found[:] = 77
    np.testing.assert_array_equal(array, before)


def test_a_loaded_file_is_the_callers_own():
    content = bytearray(encoded(colourful()))
    before = bytes(content)
    found = load_image(content)
    assert found.flags.c_contiguous
    assert found.flags.writeable
    found[:] = 77
    assert content == before
    np.testing.assert_array_equal(load_image(content), colourful())


def test_an_example_may_be_drawn_on():
    load_image("cat")[:] = 0
    assert load_image("cat").any()


def test_a_pillow_image_is_not_changed():
    exif = Image.Exif()
    exif[274] = 6
    picture = Image.open(io.BytesIO(encoded(colourful(), exif=exif)))
    assert load_image(picture).shape == (7, 5, 3)
    assert picture.size == (7, 5)  # width, height: as it was stored
    assert picture.getexif()[274] == 6


def test_loading_twice_changes_nothing():
    np.testing.assert_array_equal(load_image(load_image("cat")), load_image("cat"))


# --------------------------------------------------------------------------- cropping and resizing


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((5, 7), slice(0, 5), slice(1, 6)),
        ((7, 5), slice(1, 6), slice(0, 5)),
        ((6, 6), slice(0, 6), slice(0, 6)),
        ((1, 3), slice(0, 1), slice(1, 2)),
    ],
)
def test_centre_square(shape, rows, columns):
    picture = colourful(*shape)
    np.testing.assert_array_equal(centre_square(picture), picture[rows, columns])


def test_shrinking_a_picture_averages_it():
    """A fine checkerboard becomes grey. Without antialiasing it turns black, white or patterned."""
    y, x = np.mgrid[:512, :512]
    checkerboard = grey(255 * ((x + y) % 2))
    small = resize_picture(checkerboard, (100, 100))
    # 16 of 255: a small pixel covers 5.12 x 5.12 squares, which can't balance out.
    assert np.abs(small - 127.5).max() < 16


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((300, 300), (224, 224)),
        ((451, 300), (96, 160)),
        ((1000, 1000), (32, 32)),
        ((7, 5), (20, 30)),
    ],
)
def test_resize_picture_is_what_tensorflow_calls_antialiased(shape, size):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    expected = tf.image.resize(picture, size, antialias=True).numpy()
    # 0.01 of 255 levels: both sum up to a few thousand float32 products, in another order.
    np.testing.assert_allclose(resize_picture(picture, size), expected, atol=0.01)


def test_resize_picture_to_its_own_size_changes_nothing():
    np.testing.assert_array_equal(resize_picture(PICTURE, PICTURE.shape[:2]), PICTURE)


def test_resize_picture_keeps_the_range():
    extremes = 255 * np.random.default_rng(0).integers(0, 2, (50, 50, 3)).astype(np.uint8)
    for size in [(20, 20), (99, 99)]:
        resized = resize_picture(extremes, size)
        # 1e-3: weights that sum to 1 in float32.
        assert -1e-3 <= resized.min()
        assert resized.max() <= 255 + 1e-3


@pytest.mark.parametrize("row", range(7))
@pytest.mark.parametrize("column", range(7))
def test_a_cell_of_a_map_stays_where_it_is(row, column):
    """A bright cell of 7 x 7 covers 32 x 32 pixels of 224 x 224, and its middle is their middle.

    Cells at the border lose half of their slope, so only the others are balanced.
    """
    cell = np.zeros((7, 7), np.float32)
    cell[row, column] = 1
    large = resize_map(cell, (224, 224))
    pixels = np.arange(224)
    if 0 < row < 6:
        centroid = (large.sum(axis=1) * pixels).sum() / large.sum()
        # Half a pixel: libraries that align the corners are 10 pixels off.
        assert abs(centroid - (32 * row + 15.5)) < 0.5
    if 0 < column < 6:
        centroid = (large.sum(axis=0) * pixels).sum() / large.sum()
        assert abs(centroid - (32 * column + 15.5)) < 0.5
    # At the border, too, the cell's own pixels are the brightest, and its middle stays bright.
    own = large[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
    assert own.min() >= np.delete(large, np.s_[32 * row : 32 * row + 32], axis=0).min()
    # 1/32: the middle of 32 pixels lies between two of them, 1/64 of a cell off in each direction.
    assert own[15:17, 15:17].min() > 1 - 1 / 16
    assert own.max() == large.max()


@pytest.mark.parametrize("size", [(224, 224), (96, 160), (7, 7), (3, 5)])
def test_resize_map_stays_in_the_range(size):
    rng = np.random.default_rng(0)
    for values in (rng.random((7, 9)), rng.normal(size=(7, 9)), np.full((7, 9), 0.1)):
        large = resize_map(values, size)
        assert large.shape == size
        assert large.dtype == np.float32
        # One part in a million: float32 rounding of weights that sum to 1.
        rounding = 1e-6 * np.abs(values).max()
        assert values.min() - rounding <= large.min()
        assert large.max() <= values.max() + rounding


def test_resize_map_keeps_zero_zero_and_nothing_turns_negative():
    """After Grad-CAM's ReLU, a negative value would be a lie (bicubic makes some)."""
    values = np.maximum(np.random.default_rng(0).normal(size=(7, 7)), 0)
    assert resize_map(values, (224, 224)).min() == 0
    assert not resize_map(np.zeros((7, 7)), (224, 224)).any()


@pytest.mark.parametrize(
    ("shape", "size"), [((7, 7), (224, 224)), ((3, 5), (96, 160)), ((10, 12), (75, 100))]
)
def test_resize_map_is_what_tensorflow_calls_bilinear(shape, size):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = tf.image.resize(values[..., None], size)[..., 0].numpy()
    # float32 rounding, OpenCV's coordinates included; the values are about 1.
    np.testing.assert_allclose(resize_map(values, size), expected, atol=1e-4)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda a: a[::-1], lambda a: a.tolist()])
def test_resize_map_takes_any_layout(make):
    values = np.random.default_rng(0).normal(size=(7, 7))
    expected = resize_map(np.array(make(values)), (14, 14))
    np.testing.assert_array_equal(resize_map(make(values), (14, 14)), expected)
