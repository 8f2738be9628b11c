"""Models and pictures that look ordinary but aren't: the right map, or one sentence why not."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny import SHAPE, conv_model, fill, pictures, plain_gradient

from course_utils import (
    grad_cam,
    last_conv_layer,
    load_classifier,
    overlay,
    score_model,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.display import map_values

pytestmark = pytest.mark.slow  # many small networks, each traced anew

layers = keras.layers
ROOT = Path(__file__).resolve().parents[2]


def body(image):
    return layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="tanh")(image))


def tape_gradient(function, x, c):
    """d function(x)[:, c] / dx, by a plain tape."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)[:, c]
    return tape.gradient(y, x).numpy()


# ------------------------------------------------------------------------------- own call()


class Upside(keras.Model):
    """Built as a functional model, but its call() computes something else."""

    def call(self, x, training=None, mask=None):
        return super().call(1 - x)


class Subclassed(keras.Model):
    def __init__(self, head):
        super().__init__()
        self.conv, self.head = layers.Conv2D(4, 3, activation="tanh"), head

    def call(self, x):
        return self.head(tf.reduce_mean(self.conv(x), axis=(1, 2)))


@pytest.mark.parametrize("nested", [False, True])
def test_a_call_of_ones_own_is_respected(nested):
    image = keras.Input(SHAPE)
    net = fill(Upside(image, layers.Dense(3)(body(image))))
    if nested:
        image = keras.Input(SHAPE)
        net = keras.Model(image, layers.Dense(2)(net(image)))
    x = pictures()
    expected = tape_gradient(lambda x: net(x, training=False), x, 1)
    np.testing.assert_allclose(vanilla_gradients(net, x, 1), expected, atol=1e-6)  # float32


def test_a_subclassed_model_with_one_logit_has_two_classes():
    net = Subclassed(layers.Dense(1))
    x = pictures()
    z = net(x).numpy()
    g = tape_gradient(net, x, 0)
    np.testing.assert_allclose(vanilla_gradients(net, x, 1), g, atol=1e-6)
    np.testing.assert_allclose(vanilla_gradients(net, x, 0), -g, atol=1e-6)
    signs = np.where(z > 0, 1, -1)[:, :, None, None]
    np.testing.assert_allclose(vanilla_gradients(net, x), signs * g, atol=1e-6)


@pytest.mark.parametrize(
    "head",
    [
        layers.Dense(3, activation="softmax"),
        layers.Dense(1, activation="sigmoid"),
        layers.Dense(3, activation="sigmoid"),
    ],
)
def test_a_subclassed_model_that_returns_probabilities_is_refused(head):
    net = Subclassed(head)
    net(pictures())
    with pytest.raises(ValueError, match="returns probabilities"):
        vanilla_gradients(net, pictures(), 0)


def test_a_subclassed_model_without_class_scores_is_refused():
    net = Subclassed(lambda y: {"a": y, "b": y})
    net(pictures())
    with pytest.raises(ValueError, match="expected one score per class"):
        vanilla_gradients(net, pictures(), 0)


# ---------------------------------------------------------------- probabilities in disguise


@pytest.mark.parametrize(
    "end",
    [
        lambda z: layers.Lambda(tf.sigmoid)(z),
        lambda z: layers.Activation("hard_sigmoid")(z),
        lambda z: 1 - keras.ops.sigmoid(z),
        lambda z: layers.Lambda(tf.nn.softmax)(z),
    ],
)
@pytest.mark.parametrize("classes", [1, 3])
def test_a_hidden_sigmoid_or_softmax_is_not_taken_for_logits(end, classes):
    image = keras.Input(SHAPE)
    net = fill(keras.Model(image, end(layers.Dense(classes)(body(image)))))
    with pytest.raises(ValueError, match="returns probabilities"):
        vanilla_gradients(net, pictures(), 0)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_reshape_behind_the_head_changes_nothing(activation):
    image = keras.Input(SHAPE)
    logits = layers.Dense(3)
    plain = fill(keras.Model(image, logits(body(image))))
    y = layers.Reshape((3,))(layers.Activation(activation)(plain.output))
    net = keras.Model(plain.input, y)
    expected = plain_gradient(plain, pictures(), np.full(len(pictures()), 2))
    np.testing.assert_allclose(vanilla_gradients(net, pictures(), 2), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_small_logits_are_not_taken_for_probabilities(seed, activation):
    """A new network's logits often happen to lie between 0 and 1."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(SHAPE)
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation=activation)(image))
    net = keras.Model(image, layers.Dense(1)(y) / 100)
    vanilla_gradients(net, pictures(1), 0)
    subclassed = Subclassed(layers.Dense(1))
    subclassed(pictures(1))
    vanilla_gradients(subclassed, pictures(1), 0)


def test_a_head_that_is_still_zero_is_allowed():
    image = keras.Input(SHAPE)
    head = layers.Dense(3, kernel_initializer="zeros")
    assert not vanilla_gradients(keras.Model(image, head(body(image))), pictures(), 0).any()


# ------------------------------------------------------------------------ other hard models


def test_variables_added_later_are_noticed():
    image = keras.Input(SHAPE)
    net = fill(keras.Model(image, layers.Dense(3)(body(image))))
    x = pictures()
    before = vanilla_gradients(net, x, 1)
    net.layers[-1].enable_lora(2)
    for variable in net.layers[-1].trainable_variables:
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    after = vanilla_gradients(net, x, 1)
    assert np.abs(after - before).max() > 0.1 * np.abs(before).max()
    expected = tape_gradient(lambda x: net(x, training=False), x, 1)
    np.testing.assert_allclose(after, expected, atol=1e-5)  # float32


def test_channels_first_is_refused():
    image = keras.Input((3, 12, 10))
    y = layers.Conv2D(4, 3, data_format="channels_first")(image)
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(y)
    with pytest.raises(ValueError, match="channels first"):
        grad_cam(keras.Model(image, layers.Dense(2)(y)), np.zeros((1, 3, 12, 10)), 0)


def test_weights_that_are_nan_are_said():
    image = keras.Input(SHAPE)
    net = keras.Model(image, layers.Dense(3)(body(image)))
    vanilla_gradients(net, pictures(), 1)
    grad_cam(net, pictures(), 1)
    net.layers[1].set_weights([np.full_like(w, np.nan) for w in net.layers[1].get_weights()])
    for method in (vanilla_gradients, grad_cam, smoothgrad):
        with pytest.raises(ValueError, match="NaN or infinity"):
            method(net, pictures(), 1)


def test_a_network_that_rounds_its_input_has_no_gradient():
    image = keras.Input(SHAPE)
    y = keras.ops.cast(keras.ops.cast(image, "int32"), "float32")
    with pytest.raises(ValueError, match="differentiated"):
        vanilla_gradients(keras.Model(image, layers.Dense(2)(body(y))), pictures(), 0)


def test_a_scale_with_four_axes_is_no_convolution():
    class Scale(keras.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(1, 1, 1, shape[-1]), initializer="ones")

        def call(self, x):
            return x * self.scale

    image = keras.Input(SHAPE)
    y = layers.MaxPooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    y = layers.GlobalAveragePooling2D()(Scale(name="scale")(y))
    assert last_conv_layer(keras.Model(image, layers.Dense(2)(y))).name == "conv"


def test_a_score_model_is_explained_like_its_model():
    net = conv_model()
    expected = vanilla_gradients(net, pictures(), 1)
    np.testing.assert_allclose(
        vanilla_gradients(score_model(net), pictures(), 1), expected, atol=1e-7
    )


# ------------------------------------------------------------------------------ side effects


def test_loading_the_classifier_draws_no_random_numbers():
    random.seed(0)
    keras.utils.set_random_seed(0)
    expected = random.random(), layers.Dense(2).compute_output_shape((1, 3)), np.random.random()
    kernel = keras.initializers.GlorotUniform()((3, 3))
    random.seed(0)
    keras.utils.set_random_seed(0)
    load_classifier()
    found = random.random(), layers.Dense(2).compute_output_shape((1, 3)), np.random.random()
    assert found == expected
    np.testing.assert_array_equal(keras.initializers.GlorotUniform()((3, 3)), kernel)


def test_many_models_bring_no_warnings_onto_the_screen():
    """TensorFlow warns when it traces a function for the fifth time."""
    program = """
import numpy as np
from course_utils import grad_cam, vanilla_gradients
from course_utils.network.tensorflow import keras
for _ in range(8):
    image = keras.Input((8, 8, 3))
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image))
    net = keras.Model(image, keras.layers.Dense(2)(y))
    vanilla_gradients(net, np.ones((1, 8, 8, 3)), 0)
    grad_cam(net, np.ones((1, 8, 8, 3)), 0)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stderr == ""


# ------------------------------------------------------------------------------------ display


@pytest.mark.parametrize("mode", ["P", "CMYK", "L", "RGBA"])
def test_an_overlay_of_any_pillow_image_keeps_its_colours(mode):
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    picture = Image.fromarray(colours).convert(mode)
    with pytest.warns(UserWarning, match="zero everywhere"):
        out = overlay(picture, np.zeros((6, 8)))
    np.testing.assert_array_equal(out, np.asarray(picture.convert("RGB")))


def test_a_batch_of_small_maps_is_not_one_map():
    with pytest.raises(ValueError, match="not one map"):
        map_values(np.ones((8, 4, 4)))
