"""The embedded network is the real one, and importing the course starts no TensorFlow."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import last_conv_layer, load_classifier, load_image, score_model
from course_utils.images import centre_square, resize_picture
from course_utils.models import Classifier, application_classifier

ROOT = Path(__file__).resolve().parents[2]

# ----------------------------------------------------------------------- what the network is known
# to say: logits and probabilities of the original weights, in float32 and with their batch norms

CAT = {
    # class: (label, logit, probability)
    285: ("Egyptian cat", 9.16, 0.403),
    282: ("tiger cat", 8.93, 0.321),
    281: ("tabby", 8.26, 0.164),
    287: ("lynx", 6.67, 0.033),
}


def test_the_cat(classifier, cat):
    (predictions,) = classifier.predict(cat)
    assert len(predictions) == 5
    for (index, (label, score, probability)), found in zip(CAT.items(), predictions, strict=False):
        assert (found.class_index, found.label) == (index, label)
        # 0.05: float16 weights change logits by up to 0.015; other resizing, by as much again.
        assert found.score == pytest.approx(score, abs=0.05)
        # p (1 - p) times the difference of two such logits.
        assert found.probability == pytest.approx(probability, abs=0.025)


@pytest.mark.parametrize(
    ("name", "index", "label", "probability"),
    [
        ("coffee", 967, "espresso", 0.94),
        ("camera", 872, "tripod", 0.94),
        ("rocket", 657, "missile", 0.23),
    ],
)
def test_other_pictures(name, index, label, probability, classifier):
    (top,) = classifier.predict(load_image(name))
    assert (top[0].class_index, top[0].label) == (index, label)
    # 0.03: we noted two decimals, and logits differ as above.
    assert top[0].probability == pytest.approx(probability, abs=0.03)


def test_predictions_are_sorted_complete_and_plain_numbers(classifier, cat):
    (everything,) = classifier.predict(cat, top=2000)
    assert sorted(p.class_index for p in everything) == list(range(1000))
    scores = [p.score for p in everything]
    assert scores == sorted(scores, reverse=True)
    # 1e-4: a thousand float32 roundings.
    assert sum(p.probability for p in everything) == pytest.approx(1, abs=1e-4)
    assert json.loads(json.dumps(everything[0])) == list(everything[0])
    assert all(p.label == classifier.labels[p.class_index] for p in everything)
    assert classifier.predict(cat, top=1) == [everything[:1]]


def test_one_picture_a_batch_and_a_list_give_the_same_predictions(classifier, cat):
    coffee = load_image("coffee")
    alone = [classifier.predict(picture)[0] for picture in (cat, coffee)]
    for images in ([cat, coffee], (cat, coffee)):
        together = classifier.predict(images)
        for one, other in zip(alone, together, strict=True):
            assert [p.class_index for p in one] == [p.class_index for p in other]
            # 1e-3: a batch sums the same numbers in another order; logits are about 10.
            np.testing.assert_allclose([p.score for p in one], [p.score for p in other], atol=1e-3)


# -------------------------------------------------------------------------------- its attributes


def test_attributes(classifier):
    assert classifier.name == "efficientnet-lite0"
    assert classifier.input_size == (224, 224)
    assert isinstance(classifier.labels, tuple)
    assert len(classifier.labels) == 1000
    assert classifier.labels[281] == "tabby"
    assert classifier.labels[285] == "Egyptian cat"
    assert isinstance(classifier.model, keras.Model)
    assert classifier.model.output_shape == (None, 1000)
    assert classifier.score_model.output_shape == (None, 1000)
    assert last_conv_layer(classifier.model).name == "head_conv"
    assert repr(classifier) == "Classifier('efficientnet-lite0', 224 x 224 input, 1000 classes)"


def test_the_parameters_are_those_of_the_paper(classifier):
    """4,694,024 with batch norm, which has 4 per channel; the folded network has 1 (the bias).

    So there are 3 fewer for each channel before a batch norm.
    """
    convolutions = [w for w in classifier.model.layers if "conv" in type(w).__name__.lower()]
    channels = sum(layer.output.shape[-1] for layer in convolutions)
    assert classifier.model.count_params() == 4_694_024 - 3 * channels


def test_the_model_is_as_published_and_the_score_model_is_its_softmax_inverse(
    classifier, cat_inputs
):
    probabilities = classifier.model(cat_inputs).numpy()
    scores = classifier.score_model(cat_inputs).numpy()
    # 1e-4: a thousand float32 roundings.
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert np.abs(scores.sum(axis=1) - 1).max() > 1  # no probabilities
    # 1e-6: float32 rounding of numbers below 1.
    np.testing.assert_allclose(tf.nn.softmax(scores), probabilities, atol=1e-6)
    # And vice versa: logits are the logarithms of probabilities, up to a constant.
    # 1e-3: float32 rounding of logarithms of about -15.
    constant = scores - np.log(probabilities)
    np.testing.assert_allclose(constant, constant.mean(), atol=1e-3)


def test_asking_twice_gives_the_same_score_model(classifier):
    assert classifier.score_model is classifier.score_model
    assert classifier.score_model is score_model(classifier.model)


@pytest.mark.slow
def test_two_classifiers_share_nothing(classifier, cat):
    """So a lesson can scramble the weights of one of them."""
    other = load_classifier()
    layer = other.model.get_layer("logits")
    layer.set_weights([0 * w for w in layer.get_weights()])
    assert other.predict(cat)[0][0].score == 0
    assert classifier.predict(cat)[0][0].score > 9


# ------------------------------------------------------------------------------------ class names


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("tabby", 281),
        ("Tabby", 281),
        ("TABBY", 281),
        (" tabby ", 281),
        ("Egyptian cat", 285),
        ("Egyptian_cat", 285),
        ("egyptian_cat", 285),
        ("tiger_cat", 282),
        ("Cardigan", 264),  # a dog
        ("cardigan", 474),  # a garment
        ("tench", 0),
        ("toilet tissue", 999),
    ],
)
def test_class_index(name, index, classifier):
    assert classifier.class_index(name) == index
    assert type(classifier.class_index(name)) is int


def test_every_label_finds_its_class(classifier):
    twice = {"crane", "maillot"}
    for index, label in enumerate(classifier.labels):
        if label not in twice:
            assert classifier.class_index(label) == index


# ------------------------------------------------------------------------------------ preprocessing

SHAPES = [(1, 1), (1, 500), (7, 5), (223, 225), (224, 224), (1000, 600)]


def noise(shape):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_size_is_prepared_and_restored(shape, classifier):
    picture = noise(shape)
    before = picture.copy()
    inputs = classifier.prepare(picture)
    assert (inputs.shape, inputs.dtype) == ((1, 224, 224, 3), np.float32)
    restored = classifier.restore(inputs)
    assert (restored.shape, restored.dtype) == ((1, 224, 224, 3), np.uint8)
    expected = resize_picture(centre_square(picture), (224, 224))
    # One level of 255: the rounding to whole ones.
    assert np.abs(restored[0] - expected).max() <= 1
    np.testing.assert_array_equal(picture, before)


def test_the_range_is_the_one_that_the_network_was_trained_with(classifier):
    extremes = np.array([[[0, 127, 255]]], np.uint8)
    inputs = classifier.prepare(extremes)[0, 0, 0]
    # (value - 127) / 128, exactly.
    np.testing.assert_array_equal(inputs, np.float32([-127 / 128, 0, 1]))


def test_pictures_of_different_sizes_make_one_batch(classifier):
    pictures = [noise(shape) for shape in SHAPES]
    together = classifier.prepare(pictures)
    assert together.shape == (len(SHAPES), 224, 224, 3)
    for picture, inputs in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(classifier.prepare(picture)[0], inputs)


def test_a_batch_is_prepared_picture_by_picture(classifier):
    batch = np.stack([noise((60, 80)), 255 - noise((60, 80))])
    inputs = classifier.prepare(batch)
    for form in (list(batch), tuple(batch)):
        np.testing.assert_array_equal(classifier.prepare(form), inputs)
    np.testing.assert_array_equal(classifier.prepare(batch[1]), inputs[1:])


def test_restored_pictures_are_clipped_not_wrapped(classifier):
    """Noisy copies, as SmoothGrad makes them, leave the range 0..255."""
    inputs = np.array([-100, 100], np.float32).reshape(1, 1, 2, 1) * np.ones((1, 1, 1, 3))
    np.testing.assert_array_equal(classifier.restore(inputs)[0, 0], [[0] * 3, [255] * 3])


# ------------------------------------------------------------- keras.applications, without weights

APPLICATIONS = {
    # name: (module with the preprocessing, last layer with feature maps, their size)
    "mobilenet_v2": (keras.applications.mobilenet_v2, "out_relu", (7, 7, 1280)),
    "resnet50": (keras.applications.resnet50, "conv5_block3_out", (7, 7, 2048)),
    "vgg16": (keras.applications.vgg16, "block5_conv3", (14, 14, 512)),
}


@pytest.fixture(scope="module", params=APPLICATIONS)
def application(request):
    yield application_classifier(request.param, weights=None)
    keras.backend.clear_session()  # VGG16 needs half a gigabyte


@pytest.mark.slow
def test_applications(application, cat):
    """Everything that doesn't need the weights, in one test: building VGG16 takes seconds."""
    module, layer, size = APPLICATIONS[application.name]
    assert application.input_size == (224, 224) == application.model.input_shape[1:3]

    # The classes are in Keras' order; decode_predictions reads the same file if it can.
    assert application.labels[281] == "tabby"
    assert application.labels[954] == "banana"
    assert application.class_index("Egyptian cat") == 285
    assert len(application.labels) == application.model.output_shape[1] == 1000

    # Its own preprocessing: channels swapped or not, centred or scaled.
    resized = resize_picture(centre_square(cat), (224, 224))
    inputs = application.prepare(cat)
    np.testing.assert_array_equal(inputs[0], module.preprocess_input(resized.copy()))
    # One level of 255: the rounding to whole ones.
    assert np.abs(application.restore(inputs)[0] - resized).max() <= 1

    found = last_conv_layer(application.model)
    assert (found.name, found.output.shape[1:]) == (layer, size)

    # The fused softmax is off, on a copy: the published model still ends in probabilities.
    probabilities = application.model(inputs).numpy()
    scores = application.score_model(inputs).numpy()
    # 1e-4 and 1e-6: float32 rounding of a sum of a thousand, and of numbers below 1.
    np.testing.assert_allclose(probabilities.sum(), 1, atol=1e-4)
    np.testing.assert_allclose(tf.nn.softmax(scores), probabilities, atol=1e-6)
    assert np.abs(scores.sum() - 1) > 1e-3
    assert application.model.layers[-1].activation.__name__ == "softmax"


def test_the_class_names_are_those_that_keras_downloads():
    """Keras checks its own file by an MD5 sum, which pins down every name and their order."""
    import hashlib

    from keras.src.applications import imagenet_utils

    content = (ROOT / "data" / "imagenet_classes.json").read_bytes()
    source = Path(imagenet_utils.__file__).read_text(encoding="utf-8")
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() in source


# ---------------------------------------------------------------------------------- the import


def python(code, **environment):
    """Run code in a fresh Python that finds the package."""
    environment = {**os.environ, **environment}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


def test_the_import_costs_nothing():
    code = (
        "import sys, time; begin = time.perf_counter(); import course_utils; "
        "print(time.perf_counter() - begin); "
        "dir(course_utils); "
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    run = python(code)
    assert run.returncode == 0, run.stderr
    seconds, modules = run.stdout.splitlines()
    assert float(seconds) < 0.5
    heavy = {"tensorflow", "keras", "numpy", "matplotlib", "cv2", "PIL", "IPython"}
    assert heavy.isdisjoint(eval(modules))


@pytest.mark.slow
def test_pictures_and_figures_need_no_tensorflow():
    code = (
        "import sys; from course_utils import load_image, overlay, show_maps, example_images; "
        "load_image('cat'); assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    run = python(code)
    assert run.returncode == 0, run.stderr


def test_every_public_name_is_there_and_no_other():
    import course_utils

    assert set(course_utils.__all__) == {
        "example_images",
        "explain_dataset",
        "grad_cam",
        "gradient_times_input",
        "integrated_gradients",
        "last_conv_layer",
        "load_classifier",
        "load_image",
        "overlay",
        "score_model",
        "show_maps",
        "smoothgrad",
        "vanilla_gradients",
    }
    assert all(callable(getattr(course_utils, name)) for name in course_utils.__all__)
    assert all(getattr(course_utils, name).__doc__ for name in course_utils.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'gradcam'"):
        _ = course_utils.gradcam
    with pytest.raises(ImportError, match="gradcam"):
        from course_utils import gradcam  # noqa: F401


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_of_keras_is_named(backend):
    """Whether or not the other library is installed."""
    run = python("from course_utils import load_classifier", KERAS_BACKEND=backend)
    message = run.stderr.strip().splitlines()[-1]
    assert run.returncode == 1
    assert message.startswith("ImportError: ")
    assert "KERAS_BACKEND" in message
    assert backend in message
    assert len(message) < 500


def test_a_missing_tensorflow_is_named(tmp_path):
    """The message has the command that installs it."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no module here')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from course_utils import grad_cam"
    message = python(code).stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: TensorFlow could not be loaded")
    assert "start.py" in message
    assert "pip install tensorflow" in message


@pytest.mark.parametrize(
    ("size", "labels", "message"),
    [
        ((8, 9), ("a", "b", "c"), "takes inputs of shape"),
        ((8, 8), ("a", "b"), "3 outputs, but there are 2 labels"),
    ],
)
def test_a_classifier_of_parts_that_do_not_fit_is_refused(size, labels, message):
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    with pytest.raises(ValueError, match=message):
        Classifier("mine", size, labels, keras.Sequential(layers), lambda p: p / 255, lambda x: x)


def test_a_classifier_of_grey_pictures_is_refused():
    layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    with pytest.raises(ValueError, match=r"have the shape \(None, 8, 8, 3\)"):
        Classifier("grey", (8, 8), ("a", "b"), keras.Sequential(layers), lambda p: p, lambda x: x)


def test_loading_the_classifier_draws_no_random_numbers():
    def numbers(before):
        random.seed(0)
        keras.utils.set_random_seed(0)
        before()
        kernel = keras.initializers.GlorotUniform()((3, 3)).numpy()
        return [random.random(), np.random.random(), *kernel.ravel()]

    assert numbers(before=load_classifier) == numbers(before=lambda: None)
