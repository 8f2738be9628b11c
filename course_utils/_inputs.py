"""What every method begins with: check the inputs and the class, and compute class scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils._network import is_graph, per_model, score_model
from course_utils._tensorflow import keras, tf


def check_inputs(model: keras.Model, inputs) -> np.ndarray:
    """Return the inputs as float32 (B, H, W, C), or say in one sentence what is wrong with them."""
    scores = score_model(model)
    x = np.asarray(inputs)
    if x.dtype.kind not in "fiu":
        raise TypeError(
            f"inputs has dtype {x.dtype}; expected numbers, as classifier.prepare returns."
        )
    if x.ndim == 3:
        raise ValueError(
            f"inputs has the shape {x.shape}, one picture without a batch axis. Pass inputs[None]; "
            "classifier.prepare(image) adds the axis itself."
        )
    expected = tuple(scores.input_shape[1:]) if is_graph(scores) else (None, None, None)
    if x.ndim != 4 or any(e not in (None, s) for e, s in zip(expected, x.shape[1:], strict=True)):
        sizes = ", ".join("any" if size is None else str(size) for size in expected)
        raise ValueError(
            f"inputs has the shape {x.shape}; the model {model.name!r} takes (batch, {sizes}). "
            "classifier.prepare(image) makes such a batch."
        )
    if 0 in x.shape:
        raise ValueError(f"inputs has the shape {x.shape}: there is no picture in it.")
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which the next line refuses
        x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise ValueError("inputs holds NaN or infinity: check how the picture was prepared.")
    return x


def check_class_index(model: keras.Model, x: np.ndarray, class_index) -> np.ndarray:
    """Return one class a picture, int32 (B,): the given one(s), or for None the predicted ones."""
    if class_index is None:
        return class_scores(model, x).argmax(axis=1).astype(np.int32)
    c = np.asarray(class_index)
    if c.dtype.kind not in "iu":
        raise TypeError(
            f"class_index={class_index!r}: expected a whole number, one a picture, or None for the "
            "predicted class. For a name: classifier.class_index('tabby')."
        )
    if c.ndim > 1 or (c.ndim == 1 and len(c) != len(x)):
        raise ValueError(
            f"class_index has the shape {c.shape} for {len(x)} picture(s): expected one number for "
            "all of them, or one for each."
        )
    scores = score_model(model)
    classes = scores.output_shape[1] if is_graph(scores) else class_scores(model, x[:1]).shape[1]
    if c.min() < 0 or c.max() >= classes:
        wrong = int(c.min() if c.min() < 0 else c.max())
        raise ValueError(
            f"class_index={wrong} is out of range: the model {model.name!r} has {classes} classes, "
            f"0 to {classes - 1}."
        )
    return np.broadcast_to(c, len(x)).astype(np.int32)


def class_scores(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return the logits of prepared inputs, float32 (B, classes)."""
    return in_batches(_compiled_scores(model), x)


@per_model
def _compiled_scores(model: keras.Model):
    scores = score_model(model)
    return compile_for(scores)(lambda x: scores(x, training=False))


CLASSES = tf.TensorSpec([None], tf.int32)  # one class index a picture


def compile_for(scores: keras.Model, *more: tf.TensorSpec) -> Callable:
    """Decorator: compile a function of the inputs of `scores` (and more) once, for any batch size.

    A subclassed model may need to know sizes that are not known here, and runs as it is.
    """
    if not is_graph(scores):
        return lambda function: function
    inputs = tf.TensorSpec((None, *scores.input_shape[1:]), tf.float32)
    return tf.function(input_signature=[inputs, *more])


def in_batches(function: Callable, x: np.ndarray, *per_picture: np.ndarray, batch_size: int = 16):
    """Apply a compiled function to 16 pictures at a time, so that memory stays bounded."""
    parts = [slice(start, start + batch_size) for start in range(0, len(x), batch_size)]
    return np.concatenate(
        [function(*(tf.constant(a[part]) for a in (x, *per_picture))).numpy() for part in parts]
    )
