"""Bad input gets one or two clear sentences that say what to do, and nothing is lost."""

import functools
import io
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
from messages import LONGEST, sentence
from PIL import Image

from course_utils import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    last_conv_layer,
    load_classifier,
    load_image,
    models,
    overlay,
    score_model,
    show_maps,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.display import describe_map, map_values, show_figure

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def complaint(error, call, *arguments, longest=LONGEST, **options):
    """Return the message that a bad call gets, after checking its style."""
    with pytest.raises(error) as caught:
        call(*arguments, **options)
    assert type(caught.value).__module__ == "builtins"  # no error class of Keras, Pillow, OpenCV
    message = sentence(caught, longest)
    # No wall of text above it either: the library's own error isn't shown.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return message


# ------------------------------------------------------------------------------------- the models


def small_network(*, top=True, name="small"):
    """conv_one - conv_two - pool - scores: 4 classes of 8 x 8 pictures."""
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv_one"),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv_two"),
    ]
    if top:
        layers += [keras.layers.GlobalAveragePooling2D(name="pool")]
        layers += [keras.layers.Dense(4, name="scores")]
    return keras.Sequential(layers, name=name)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return small_network()


@pytest.fixture(scope="module")
def x():
    inputs = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    inputs.setflags(write=False)
    return inputs


def several_outputs():
    image = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(4, 3)(image)
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    heads = [keras.layers.Dense(4)(pooled), keras.layers.Dense(2)(pooled)]
    return keras.Model(image, heads, name="two_headed")


def several_inputs():
    images = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    both = keras.layers.Concatenate()(images)
    pooled = keras.layers.GlobalAveragePooling2D()(both)
    return keras.Model(images, keras.layers.Dense(4)(pooled), name="two_pictures")


def without_convolutions():
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(name="flat"), keras.layers.Dense(4)]
    return keras.Sequential(layers, name="linear")


def for_vectors():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)], name="for_vectors")


def hidden_softmax():
    class Head(keras.layers.Layer):
        def call(self, z):
            return keras.ops.softmax(z)

    layers = [keras.Input((8, 8, 3)), *small_network().layers, Head(name="own_head")]
    return keras.Sequential(layers, name="hidden")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.network = small_network()

    def call(self, x):
        return self.network(x)


def called_once(model):
    model(np.zeros((1, 8, 8, 3), np.float32))
    return model


# -------------------------------------------------------------------------------------- the files


def png_header(width, height):
    """A PNG of a few bytes that claims a size but has next to no pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def encoded(file_format):
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, file_format)
    return file.getvalue()


PNG, JPEG, GIF = encoded("png"), encoded("jpeg"), encoded("gif")
FLIPPED = PNG[:200] + bytes(b ^ 255 for b in PNG[200:300]) + PNG[300:]
FILES = {
    # name: (content, what the message says)
    "empty.png": (b"", ["empty"]),
    "text.jpg": (b"Dear diary, this is no picture.", ["JPEG", "not one of the formats"]),
    "page.png": (
        b"<!DOCTYPE html><html><body>404 not found</body></html>",
        ["not one of the formats"],
    ),
    "truncated.png": (PNG[: len(PNG) // 2], ["damaged or cut off"]),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], ["damaged or cut off"]),
    "truncated.gif": (GIF[: len(GIF) // 2], ["damaged or cut off"]),
    "header only.png": (PNG[:33], []),
    "half a header.png": (PNG[:20], []),
    "signature only.png": (PNG[:8], []),
    "changed.png": (FLIPPED, ["damaged or cut off"]),
    "photo.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), ["HEIC", "JPEG"]),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', ["not one of the formats"]),
    "bomb.png": (png_header(60_000, 60_000), ["pixels", "50 million"]),
    "too large.png": (png_header(10_000, 5_001), ["10000 x 5001", "50 million"]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["path", "bytes", "open file"])
def test_files_that_are_no_pictures(name, how, tmp_path):
    content, said = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with path.open("rb") as file:
        source = {"path": path, "bytes": content, "open file": file}[how]
        message = complaint(ValueError, load_image, source)
    assert all(words in message for words in said), message
    # Which picture? Bytes have no name.
    assert name in message or how == "bytes", message
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 5_001), (2**31 - 1, 1)])
def test_a_decompression_bomb_is_refused_from_its_header(size):
    tracemalloc.start()
    try:
        begin = time.perf_counter()
        complaint(ValueError, load_image, png_header(*size))
        seconds = time.perf_counter() - begin
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Decoded, the smallest takes 150 MB. tracemalloc doesn't see Pillow's pixels, but a clock does:
    # clearing that much memory takes a tenth of a second, a header less than a hundredth.
    assert peak < 1_000_000
    assert seconds < 0.1


def test_a_large_picture_that_somebody_else_opened_is_refused_too():
    with pytest.warns(Image.DecompressionBombWarning):
        picture = Image.open(io.BytesIO(png_header(10_000, 9_000)))
    assert "50 million" in complaint(ValueError, load_image, picture)


def test_the_largest_picture_is_not_refused_for_its_size():
    """It has only 1000 bytes of pixels, which gets a different message."""
    assert "cut off" in complaint(ValueError, load_image, png_header(10_000, 5_000))


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("no/such/picture.png", FileNotFoundError, ["no/such/picture.png", "cat", "banana"]),
        ("banan", FileNotFoundError, ["'banan'", "Did you mean 'banana'?"]),
        ("Cat", FileNotFoundError, ["Did you mean 'cat'?"]),
        ("", (FileNotFoundError, IsADirectoryError, ValueError), []),
        ("a\0b.png", (FileNotFoundError, ValueError), []),
        ("https://www.example/cat.png", ValueError, ["web address", "save the picture"]),
        (".", IsADirectoryError, ["'.' is a folder"]),
        (None, TypeError, ["NoneType"]),
        (7, TypeError, ["int"]),
        ([[1, 2], [3, 4]], TypeError, ["list", "np.asarray"]),
        ({"a": 1}, TypeError, ["dict"]),
        pytest.param(io.StringIO("text"), TypeError, ["binary mode", "'rb'"], id="text file"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_sources_that_are_none(source, error, said):
    message = complaint(error, load_image, source)
    assert all(words in message for words in said), message


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(PNG)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read every file")
    with pytest.raises(PermissionError, match=r"secret\.png"):
        load_image(path)


@pytest.mark.parametrize(
    ("array", "error", "said"),
    [
        (np.zeros((0, 5, 3), np.uint8), ValueError, ["(0, 5, 3)"]),
        (np.zeros((2, 5, 5, 3), np.uint8), ValueError, ["(2, 5, 5, 3)", "images[0]"]),
        (np.zeros(5, np.uint8), ValueError, ["(5,)"]),
        (np.array(5, np.uint8), ValueError, ["()"]),
        (np.zeros((5, 5, 2), np.uint8), ValueError, ["(5, 5, 2)"]),
        (np.zeros((3, 5, 5), np.uint8), ValueError, ["(3, 5, 5)"]),
        (np.zeros((5, 5, 3), np.int64), (TypeError, ValueError), ["int64", "uint8"]),
        (np.zeros((5, 5, 3), bool), (TypeError, ValueError), ["bool"]),
        (np.zeros((5, 5, 3), complex), (TypeError, ValueError), ["complex"]),
        (np.full((5, 5, 3), "a"), (TypeError, ValueError), ["U1"]),
        (np.full((5, 5, 3), None), (TypeError, ValueError), ["object"]),
        (np.full((5, 5, 3), np.nan), ValueError, ["NaN"]),
        (np.full((5, 5, 3), np.inf), ValueError, ["infinity"]),
        (np.full((5, 5, 3), -0.5), ValueError, ["-0.5", "restore"]),
        (np.full((5, 5, 3), 256.0), ValueError, ["256", "255"]),
        (np.zeros((5, 5, 0)), ValueError, ["(5, 5, 0)"]),
    ],
    ids=lambda value: f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else None,
)
def test_arrays_that_are_no_pictures(array, error, said):
    before = array.copy()
    message = complaint(error, load_image, array)
    assert all(words in message for words in said), message
    np.testing.assert_array_equal(array, before)


# ----------------------------------------------------------------------------------- what is given

ATTRIBUTIONS = [
    vanilla_gradients,
    gradient_times_input,
    integrated_gradients,
    grad_cam,
    smoothgrad,
]
ONE = np.zeros((1, 8, 8, 3), np.float32)
WITH_NAN = ONE.copy()
WITH_NAN[0, 3, 3, 1] = np.nan

INPUTS = {
    "no batch axis": (ONE[0], ValueError, ["(8, 8, 3)", "inputs[None]"]),
    "empty batch": (ONE[:0], ValueError, ["(0, 8, 8, 3)", "no picture"]),
    "two axes": (ONE[0, 0], ValueError, ["(8, 3)", "(batch, 8, 8, 3)"]),
    "five axes": (ONE[None], ValueError, ["(1, 1, 8, 8, 3)"]),
    "a number": (0.5, ValueError, ["()"]),
    "another size": (np.zeros((1, 9, 8, 3)), ValueError, ["(1, 9, 8, 3)", "(batch, 8, 8, 3)"]),
    "another number of channels": (np.zeros((1, 8, 8, 1)), ValueError, ["(1, 8, 8, 1)"]),
    "channels first": (np.zeros((1, 3, 8, 8)), ValueError, ["(1, 3, 8, 8)"]),
    "NaN": (WITH_NAN, ValueError, ["NaN"]),
    "infinity": (np.full((1, 8, 8, 3), np.inf), ValueError, ["infinity"]),
    "larger than float32": (np.full((1, 8, 8, 3), 1e300), ValueError, ["infinity"]),
    "complex": (ONE.astype(complex), TypeError, ["complex"]),
    "text": (np.full((1, 8, 8, 3), "a"), TypeError, ["<U1"]),
    "bool": (ONE.astype(bool), TypeError, ["bool"]),
    "None": (None, TypeError, []),
    "a ragged list": ([[1, 2], [3]], (TypeError, ValueError), []),
    "the name of a picture": ("cat", TypeError, []),
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", INPUTS)
def test_inputs(attribution, case, network):
    inputs, error, said = INPUTS[case]
    message = complaint(error, attribution, network, inputs)
    assert all(words in message for words in said), message


CLASS_INDICES = {
    "too large": (4, ValueError, ["class_index=4", "4 classes", "0 to 3"]),
    "negative": (-1, ValueError, ["class_index=-1", "0 to 3"]),
    "far too large": (10**30, (TypeError, ValueError), []),
    "one of two too large": ([0, 4], ValueError, ["class_index=4", "0 to 3"]),
    "one of two negative": ([-2, 0], ValueError, ["class_index=-2"]),
    "three for two pictures": ([0, 1, 2], ValueError, ["(3,)", "2 picture"]),
    "one in a list for two pictures": ([0], ValueError, ["(1,)", "2 picture"]),
    "none at all": ([], (TypeError, ValueError), []),
    "a table": ([[0, 1]], ValueError, ["(1, 2)"]),
    "a fraction": (1.5, TypeError, ["class_index=1.5"]),
    "a float": (1.0, TypeError, ["class_index=1.0"]),
    "NaN": (float("nan"), TypeError, ["nan"]),
    "a name": ("tabby", TypeError, ["'tabby'", "classifier.class_index"]),
    "bool": (True, TypeError, ["True"]),
    "bools": ([True, False], TypeError, ["True"]),
    "None in a list": ([0, None], TypeError, ["None"]),
    "a ragged list": ([[0], [0, 1]], (TypeError, ValueError), []),
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CLASS_INDICES)
def test_class_index(attribution, case, network, x):
    index, error, said = CLASS_INDICES[case]
    message = complaint(error, attribution, network, x, index)
    assert all(words in message for words in said), message


OPTIONS = {
    # method, options, error, what the message says
    "samples=0": (smoothgrad, {"samples": 0}, ValueError, ["samples=0", "at least 1"]),
    "samples=-1": (smoothgrad, {"samples": -1}, ValueError, ["samples=-1", "at least 1"]),
    "samples=1.5": (smoothgrad, {"samples": 1.5}, TypeError, ["samples=1.5", "whole number"]),
    "samples=True": (smoothgrad, {"samples": True}, TypeError, ["samples=True"]),
    "samples=None": (smoothgrad, {"samples": None}, TypeError, ["samples=None"]),
    "samples='50'": (smoothgrad, {"samples": "50"}, TypeError, ["samples='50'"]),
    "noise=-0.1": (smoothgrad, {"noise": -0.1}, ValueError, ["noise=-0.1", "0.1 to 0.2"]),
    "noise=nan": (smoothgrad, {"noise": float("nan")}, ValueError, ["noise=nan"]),
    "noise=inf": (smoothgrad, {"noise": float("inf")}, ValueError, ["noise=inf"]),
    "noise=1e60": (smoothgrad, {"noise": 1e60}, ValueError, ["noise=1e+60"]),
    "noise='a lot'": (smoothgrad, {"noise": "a lot"}, TypeError, ["'a lot'"]),
    "noise=None": (smoothgrad, {"noise": None}, TypeError, ["noise=None"]),
    "noise=[0.1]": (smoothgrad, {"noise": [0.1]}, TypeError, ["noise=[0.1]"]),
    "noise=True": (smoothgrad, {"noise": True}, TypeError, ["noise=True"]),
    "seed=-1": (smoothgrad, {"seed": -1}, ValueError, ["seed=-1"]),
    "seed=0.5": (smoothgrad, {"seed": 0.5}, (TypeError, ValueError), ["seed=0.5"]),
    "seed=None": (smoothgrad, {"seed": None}, (TypeError, ValueError), ["seed=None"]),
    "seed=True": (smoothgrad, {"seed": True}, (TypeError, ValueError), ["seed=True"]),
    "seed='a'": (smoothgrad, {"seed": "a"}, (TypeError, ValueError), ["seed='a'"]),
    "batch_size=0": (smoothgrad, {"batch_size": 0}, ValueError, ["batch_size=0"]),
    "batch_size=2.0": (smoothgrad, {"batch_size": 2.0}, TypeError, ["batch_size=2.0"]),
    "method='grad_cam'": (smoothgrad, {"method": "grad_cam"}, TypeError, ["method", "'grad_cam'"]),
    "method=None": (smoothgrad, {"method": None}, TypeError, ["method", "None"]),
    "a method that has its class": (
        smoothgrad,
        {"method": functools.partial(grad_cam, class_index=1)},
        TypeError,
        ["'grad_cam' can't be called as method(model, inputs, class_index)"],
    ),
    "a method of one argument": (
        smoothgrad,
        {"method": abs},
        TypeError,
        ["'abs' can't be called as"],
    ),
    "a method that returns NaN": (
        smoothgrad,
        {"method": lambda model, inputs, class_index: np.nan * inputs},
        ValueError,
        ["returned NaN"],
    ),
    "steps=0": (integrated_gradients, {"steps": 0}, ValueError, ["steps=0"]),
    "steps=8.0": (integrated_gradients, {"steps": 8.0}, TypeError, ["steps=8.0"]),
    "IG batch_size=-3": (integrated_gradients, {"batch_size": -3}, ValueError, ["batch_size=-3"]),
    "IG batch_size=2.0": (integrated_gradients, {"batch_size": 2.0}, TypeError, ["batch_size="]),
    "baseline of another size": (
        integrated_gradients,
        {"baseline": np.zeros((9, 9, 3))},
        ValueError,
        ["(9, 9, 3)", "(2, 8, 8, 3)"],
    ),
    "baseline of three": (
        integrated_gradients,
        {"baseline": np.zeros((3, 8, 8, 3))},
        ValueError,
        ["(3, 8, 8, 3)"],
    ),
    "baseline=nan": (integrated_gradients, {"baseline": np.nan}, ValueError, ["NaN"]),
    "baseline=inf": (integrated_gradients, {"baseline": np.inf}, ValueError, ["infinity"]),
    "baseline='black'": (
        integrated_gradients,
        {"baseline": "black"},
        (TypeError, ValueError),
        ["baseline"],
    ),
    "baseline=None": (
        integrated_gradients,
        {"baseline": None},
        ValueError,
        ["NoneType", "a number"],
    ),
    "baseline=[[1], [1, 2]]": (
        integrated_gradients,
        {"baseline": [[1], [1, 2]]},
        (TypeError, ValueError),
        ["baseline"],
    ),
    "layer='conv_tow'": (
        grad_cam,
        {"layer": "conv_tow"},
        ValueError,
        ["'conv_tow'", "Closest: conv_two", "conv_one, conv_two"],
    ),
    "layer='zzz'": (grad_cam, {"layer": "zzz"}, ValueError, ["'zzz'", "conv_one, conv_two"]),
    "layer=''": (grad_cam, {"layer": ""}, ValueError, ["''", "conv_one, conv_two"]),
    "layer that is not spatial": (
        grad_cam,
        {"layer": "scores"},
        ValueError,
        ["'scores'", "without height and width", "conv_one, conv_two"],
    ),
    "layer=-1": (grad_cam, {"layer": -1}, TypeError, ["layer=-1"]),
    "layer of another model": (
        grad_cam,
        {"layer": keras.layers.Conv2D(1, 3, name="conv_one")},  # though it has one of that name
        ValueError,
        ["no layer 'conv_one'"],
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(case, network, x):
    method, options, error, said = OPTIONS[case]
    message = complaint(error, method, network, x, 0, **options)
    assert all(words in message for words in said), message


MODELS = {
    "None": (lambda: None, TypeError, ["NoneType"]),
    "a name": (lambda: "vgg16", TypeError, ["str"]),
    "a function": (lambda: lambda x: x, TypeError, ["function"]),
    "a class": (lambda: keras.Model, TypeError, []),
    "a layer": (lambda: keras.layers.Dense(4), TypeError, ["Dense"]),
    "unbuilt Sequential": (
        lambda: keras.Sequential([keras.layers.Conv2D(4, 3)], name="unbuilt"),
        ValueError,
        ["'unbuilt'", "keras.Input"],
    ),
    "empty Sequential": (lambda: keras.Sequential(name="empty"), ValueError, ["'empty'"]),
    "unbuilt subclassed": (Subclassed, ValueError, ["'subclassed'", "call it once"]),
    "include_top=False": (
        lambda: small_network(top=False, name="topless"),
        ValueError,
        ["'topless'", "include_top=True"],
    ),
    "several outputs": (several_outputs, ValueError, ["'two_headed'", "2 outputs"]),
    "several inputs": (several_inputs, ValueError, ["'two_pictures'", "2 inputs"]),
    "for vectors": (for_vectors, ValueError, ["'for_vectors'", "pictures"]),
    "hidden softmax": (hidden_softmax, ValueError, ["'hidden'", "'own_head'", "logits"]),
}


@pytest.mark.parametrize("call", [score_model, *ATTRIBUTIONS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", MODELS)
def test_models(call, case):
    make, error, said = MODELS[case]
    arguments = () if call is score_model else (ONE, 0)
    message = complaint(error, call, make(), *arguments)
    assert all(words in message for words in said), message


def test_a_classifier_is_not_its_model(classifier):
    message = complaint(TypeError, vanilla_gradients, classifier, ONE)
    assert "classifier.model" in message


@pytest.mark.parametrize("call", [last_conv_layer, grad_cam], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (without_convolutions, ["'linear'", "no convolution"]),
        (lambda: called_once(Subclassed()), ["'subclassed'", "keras.Sequential"]),
    ],
)
def test_models_without_feature_maps(call, make, said):
    arguments = () if call is last_conv_layer else (ONE, 0)
    message = complaint(ValueError, call, make(), *arguments)
    assert all(words in message for words in said), message


def test_a_layer_that_the_score_does_not_depend_on():
    image = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(4, 3, name="used")(image)
    blocked = keras.layers.Lambda(lambda a: 0 * keras.ops.stop_gradient(a), name="blocked")(maps)
    scores = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(blocked))
    model = keras.Model(image, scores)
    message = complaint(ValueError, grad_cam, model, ONE, 0, layer="used")
    assert "'used'" in message


# -------------------------------------------------------------------------------- the classifier


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("taby", ValueError, ["'taby'", "tabby (281)"]),
        ("cat", ValueError, ["'cat'", "tiger cat (282)", "Egyptian cat (285)"]),
        ("crane", ValueError, ["2 classes", "134, 517"]),
        ("maillot", ValueError, ["2 classes", "638, 639"]),
        ("CRANE", ValueError, ["134, 517"]),
        ("qqqqqqqq", ValueError, ["'qqqqqqqq'", "classifier.labels"]),
        ("", ValueError, ["''"]),
        (281, TypeError, ["281"]),
        (None, TypeError, ["None"]),
    ],
)
def test_class_names(name, error, said, classifier):
    message = complaint(error, classifier.class_index, name)
    assert all(words in message for words in said), message


@pytest.mark.parametrize("call", ["prepare", "predict"])
@pytest.mark.parametrize(
    ("images", "error", "said"),
    [
        ([], ValueError, ["No picture"]),
        (np.zeros((0, 5, 5, 3), np.uint8), ValueError, ["No picture"]),
        (None, (TypeError, ValueError), []),
        ("cat", (TypeError, ValueError), []),
        (np.zeros((5, 5), np.uint8), ValueError, ["load_image"]),
        (np.zeros((5, 5, 4), np.uint8), ValueError, ["(5, 5, 4)", "load_image"]),
        (np.zeros((0, 5, 3), np.uint8), ValueError, ["(0, 5, 3)"]),
        (np.zeros((1, 1, 5, 5, 3), np.uint8), ValueError, ["(1, 5, 5, 3)"]),
        ([np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5), np.uint8)], ValueError, ["(5, 5)"]),
        (np.zeros((5, 5, 3)), TypeError, ["float64", "uint8"]),
        (np.zeros((5, 5, 3), np.int32), TypeError, ["int32", "uint8"]),
    ],
    ids=lambda value: str(getattr(value, "shape", ""))[:40],
)
def test_pictures_for_the_classifier(call, images, error, said, classifier):
    message = complaint(error, getattr(classifier, call), images)
    assert all(words in message for words in said), message


@pytest.mark.parametrize("top", [0, -1, 1.5, "5", None])
def test_top(top, classifier):
    picture = np.zeros((5, 5, 3), np.uint8)
    assert f"top={top!r}" in complaint((TypeError, ValueError), classifier.predict, picture, top)


@pytest.mark.parametrize("inputs", [np.zeros((5, 5, 3)), np.zeros((1, 5, 5, 1)), None])
def test_restore(inputs, classifier):
    complaint((TypeError, ValueError), classifier.restore, inputs)


@pytest.mark.parametrize("name", ["vgg99", "", "VGG-16", None, 16])
def test_classifier_names(name):
    message = complaint((TypeError, ValueError), load_classifier, name)
    assert repr(name) in message
    for known in ("efficientnet-lite0", "vgg16", "resnet50", "mobilenet_v2"):
        assert known in message


@pytest.mark.parametrize("name", ["mobilenet_v2", pytest.param("vgg16", marks=pytest.mark.slow)])
def test_weights_that_cannot_be_downloaded(name):
    """There's no network here (see conftest.py), and Keras' download folder is empty."""
    # 700: the address is long, and we can't shorten the folder.
    message = complaint(ConnectionError, load_classifier, name, longest=700)
    folder = str(Path(os.environ["KERAS_HOME"]) / "models")
    weights = next(word for word in message.split() if word.startswith(f"{name}_weights"))
    assert weights.rstrip(",").endswith(".h5")
    assert folder in message
    assert "load_classifier()" in message
    assert "https://" in message  # where to get the file
    assert not list(Path(folder).glob("*"))  # no half file that would get in the way later


@pytest.mark.slow
def test_weights_put_there_by_hand_that_are_damaged():
    """The file is on this computer, so it would be no help to say: put it there."""
    folder = Path(os.environ["KERAS_HOME"]) / "models"  # a temporary one, see conftest.py
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / models.APPLICATIONS["mobilenet_v2"].weights_file
    path.write_bytes(b"half of a file")
    try:
        message = complaint((OSError, ValueError), load_classifier, "mobilenet_v2", longest=700)
    finally:
        path.unlink(missing_ok=True)
    assert path.name in message
    assert "not on this computer" not in message


def test_a_download_that_fails_without_a_word(monkeypatch):
    """Some errors have no text, such as TimeoutError(). (We can't cause a real one on demand.)"""

    def build(weights):
        raise TimeoutError

    application = models.APPLICATIONS["mobilenet_v2"]._replace(build=build)
    monkeypatch.setitem(models.APPLICATIONS, "mobilenet_v2", application)
    assert "mobilenet_v2" in complaint(ConnectionError, load_classifier, "mobilenet_v2")


# ------------------------------------------------------------------------------------ the display

PICTURE = np.zeros((8, 8, 3), np.uint8)
MAP = np.ones((2, 2))
NAN_MAP = np.array([[0, np.nan], [1, 2]])

DISPLAY = {
    "overlay: alpha=-0.1": (overlay, (PICTURE, MAP), {"alpha": -0.1}, ["alpha=-0.1"]),
    "overlay: alpha=1.1": (overlay, (PICTURE, MAP), {"alpha": 1.1}, ["alpha=1.1"]),
    "overlay: alpha=nan": (overlay, (PICTURE, MAP), {"alpha": np.nan}, ["alpha=nan"]),
    "overlay: alpha=None": (overlay, (PICTURE, MAP), {"alpha": None}, ["alpha"]),
    "overlay: alpha='half'": (overlay, (PICTURE, MAP), {"alpha": "half"}, ["alpha", "half"]),
    "overlay: no such colours": (overlay, (PICTURE, MAP), {"cmap": "jett"}, ["'jett'", "inferno"]),
    "overlay: cmap=None": (overlay, (PICTURE, MAP), {"cmap": None}, ["None"]),
    "overlay: NaN": (overlay, (PICTURE, NAN_MAP), {}, ["NaN"]),
    "overlay: infinity": (overlay, (PICTURE, np.full((2, 2), np.inf)), {}, ["infinity"]),
    "overlay: several maps": (overlay, (PICTURE, np.ones((3, 8, 8))), {}, ["(3, 8, 8)", "maps[0]"]),
    "overlay: a batch": (overlay, (PICTURE, np.ones((2, 8, 8, 3))), {}, ["(2, 8, 8, 3)"]),
    "overlay: empty map": (overlay, (PICTURE, np.ones((0, 5))), {}, ["(0, 5)"]),
    "overlay: no map": (overlay, (PICTURE, None), {}, []),
    "overlay: text": (overlay, (PICTURE, "cam"), {}, []),
    "overlay: complex": (overlay, (PICTURE, MAP * 1j), {}, ["complex"]),
    "overlay: prepared picture": (overlay, (PICTURE - 0.5, MAP), {}, ["restore"]),
    "overlay: batch of pictures": (overlay, (PICTURE[None], MAP), {}, ["(1, 8, 8, 3)"]),
    "overlay: NaN picture": (overlay, (PICTURE * np.nan, MAP), {}, ["NaN"]),
    "overlay: no picture": (overlay, (None, MAP), {}, []),
    "show_maps: a map, no dictionary": (show_maps, (PICTURE, MAP), {}, ["dictionary"]),
    "show_maps: a list": (show_maps, (PICTURE, [MAP]), {}, ["dictionary"]),
    "show_maps: no map": (show_maps, (PICTURE, {}), {}, ["dictionary"]),
    "show_maps: NaN": (show_maps, (PICTURE, {"a": NAN_MAP}), {}, ["NaN"]),
    "show_maps: several": (show_maps, (PICTURE, {"a": np.ones((2, 8, 8))}), {}, ["(2, 8, 8)"]),
    "show_maps: percentile=0": (show_maps, (PICTURE, {"a": MAP}), {"percentile": 0}, ["=0"]),
    "show_maps: percentile=101": (show_maps, (PICTURE, {"a": MAP}), {"percentile": 101}, ["101"]),
    "show_maps: percentile=nan": (show_maps, (PICTURE, {"a": MAP}), {"percentile": np.nan}, []),
    "show_maps: percentile='99'": (show_maps, (PICTURE, {"a": MAP}), {"percentile": "99"}, ["99"]),
    "map_values: numbers as objects": (map_values, (np.full((2, 2), None),), {}, ["object"]),
    "describe_map: NaN": (describe_map, (NAN_MAP,), {}, ["NaN"]),
}


@pytest.mark.parametrize("case", DISPLAY)
def test_display(case):
    call, arguments, options, said = DISPLAY[case]
    message = complaint((TypeError, ValueError), call, *arguments, **options)
    assert all(words in message for words in said), message


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_figure_needs_a_description(text):
    from matplotlib.figure import Figure

    assert "description" in complaint((TypeError, ValueError), show_figure, Figure(), text)


# -------------------------------------------------------------------------------- nothing is lost


def test_after_all_complaints_a_good_call_works(x):
    """The same model and arrays go through every bad call, and still work afterwards."""
    keras.utils.set_random_seed(1)
    model = small_network()
    weights = [w.copy() for w in model.get_weights()]
    inputs = x.copy()
    expected = model(inputs).numpy()
    first = vanilla_gradients(model, inputs, 1)

    for method in ATTRIBUTIONS:
        for bad, error, _ in INPUTS.values():
            complaint(error, method, model, bad)
        for bad, error, _ in CLASS_INDICES.values():
            complaint(error, method, model, inputs, bad)

    np.testing.assert_array_equal(inputs, x)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(model(inputs).numpy(), expected)
    np.testing.assert_array_equal(vanilla_gradients(model, inputs, 1), first)


def test_a_model_that_was_not_built_works_once_it_is(x):
    """A bad call leaves no trace."""
    unbuilt = keras.Sequential(
        [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)]
    )
    complaint(ValueError, vanilla_gradients, unbuilt, x, 0)
    unbuilt(x)
    assert vanilla_gradients(unbuilt, x, 0).shape == x.shape


def test_a_file_that_was_refused_can_be_replaced(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(PNG[:100])
    complaint(ValueError, load_image, path)
    path.write_bytes(PNG)
    assert load_image(path).shape == (50, 50, 3)
