"""Tiny models with known weights, and the maps that plain TensorFlow gives for them.

Nothing here uses `course_utils`: these maps, which the tests compare with, are computed a second
time, eagerly, with a plain GradientTape.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

layers = keras.layers
SHAPE = (12, 10, 3)  # not square, so swapped axes show
CLASSES = 4


def pictures(batch: int = 2, shape=SHAPE, seed: int = 0) -> np.ndarray:
    """Return random inputs, float32 (batch, *shape): noise around a random colour for each."""
    rng = np.random.default_rng(seed)
    colour = rng.standard_normal((batch, 1, 1, shape[-1]))
    return (colour + rng.standard_normal((batch, *shape))).astype(np.float32)


def fill(model: keras.Model, seed: int = 0) -> keras.Model:
    """Give every weight of a model a known random value, and return the model.

    Weights are scaled by fan-in to keep scores of order 1; variances are positive; seeds and counts
    stay as they are.
    """
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if "seed" in variable.name or not keras.backend.is_float_dtype(variable.dtype):
            continue
        fan_in = int(np.prod(variable.shape[:-1])) if len(variable.shape) > 1 else 4
        value = rng.standard_normal(variable.shape) / np.sqrt(fan_in)
        if len(variable.shape) == 1:
            value *= 0.2  # small biases: the picture decides the class
        if "variance" in variable.name or "gamma" in variable.name:
            value = 1 + np.abs(value)
        variable.assign(value)
    return model


def linear_model(activation="softmax", classes: int = CLASSES, shape=SHAPE) -> keras.Model:
    """Scores w.x + b: the gradient is w, whatever the picture."""
    model = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(classes, activation=activation)]
    )
    return fill(model)


def linear_weights(model: keras.Model, c: int, shape=SHAPE) -> np.ndarray:
    """Return a `linear_model`'s w for class c, in the shape of a picture."""
    return model.layers[-1].kernel.numpy()[:, c].reshape(shape)


def conv_model(activation="relu", head="softmax", dtype="float32", shape=SHAPE) -> keras.Model:
    """Two convolutions, global average pooling, one dense layer."""
    image = keras.Input(shape, dtype=dtype)
    x = layers.Conv2D(5, 3, padding="same", activation=activation, dtype=dtype, name="conv1")(image)
    x = layers.Conv2D(
        6, 3, strides=2, padding="same", activation=activation, dtype=dtype, name="conv2"
    )(x)
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)
    x = layers.Dense(CLASSES, activation=head, dtype=dtype, name="head")(x)
    return fill(keras.Model(image, x))


def each(class_index, batch: int) -> np.ndarray:
    return np.broadcast_to(class_index, batch).astype(np.int32)


def class_score(scores: tf.Tensor, c: np.ndarray) -> tf.Tensor:
    """Pick S_c; with a single logit z, class 1 has the score z and class 0 has -z."""
    scores = tf.cast(scores, tf.float32)
    if scores.shape[1] == 1:
        scores = tf.concat([-scores, scores], axis=1)
    return tf.gather(scores, c, batch_dims=1)


def plain_gradient(logits: Callable, x: np.ndarray, c: np.ndarray) -> np.ndarray:
    """d S_c / d x by a GradientTape; `logits` is any function of a float32 tensor."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = class_score(logits(x), c)
    return tape.gradient(score, x).numpy()


def plain_grad_cam(maps: Callable, head: Callable, x: np.ndarray, c: np.ndarray) -> np.ndarray:
    """sum_k alpha_k A^k without ReLU, for a network cut in two: scores = head(maps(x))."""
    A = tf.convert_to_tensor(maps(tf.constant(x)))
    with tf.GradientTape() as tape:
        tape.watch(A)
        score = class_score(head(A), c)
    gradient = tape.gradient(score, A).numpy().astype(np.float64)
    alpha = gradient.mean(axis=(1, 2), keepdims=True)
    return (alpha * A.numpy()).sum(axis=3)


def assert_same_map(found: np.ndarray, expected: np.ndarray, tolerance: float, reason: str) -> None:
    """Compare two maps with a tolerance in units of the expected map's largest value.

    It's relative to the largest value and not to each one: a value near 0 is a sum of larger terms
    that cancel, and has their rounding.
    """
    assert found.shape == expected.shape
    scale = np.abs(expected).max()
    assert scale > 0, "the expected map is all zero: the test would show nothing"
    error = np.abs(found - expected).max() / scale
    assert error <= tolerance, f"maps differ by {error:.2g} of the largest value; {reason}"
