"""Run a network: compiled, in batches, at many points; and its class scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils._cache import is_graph, per_model
from course_utils._network import score_model
from course_utils._tensorflow import keras, tf


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
    signature = [tf.TensorSpec((None, *scores.input_shape[1:]), tf.float32), *more]
    # Traced here and now: TensorFlow warns of functions that are traced again for each model.
    return lambda function: tf.function(function, signature).get_concrete_function()


def in_batches(function: Callable, x: np.ndarray, *per_picture: np.ndarray, batch_size: int = 16):
    """Apply a compiled function to 16 pictures at a time, so that memory stays bounded."""
    parts = [slice(start, start + batch_size) for start in range(0, len(x), batch_size)]
    results = np.concatenate(
        [function(*(tf.constant(a[part]) for a in (x, *per_picture))).numpy() for part in parts]
    )
    if not np.isfinite(results).all():
        raise ValueError(
            "The network computes NaN or infinity for these inputs: its weights may be damaged, or "
            "a function in it has no finite slope here (such as the root of zero)."
        )
    return results


def weighted_sum(
    method: Callable,
    model: keras.Model,
    c: np.ndarray,
    point: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weights: np.ndarray,
    batch_size: int,
    progress: bool = False,
) -> np.ndarray:
    """Return sum_k w_k M(x_bk): a method's maps at several points around every picture b.

    `point` gets two int arrays, pictures b and samples k, and returns one input for each pair. So
    the points are made where they are used, and only one batch of them exists at a time.
    """
    from tqdm.auto import tqdm

    n = len(weights)
    pairs = np.arange(len(c) * n)  # all samples of picture 0, then all of picture 1, ...
    starts = range(0, len(pairs), batch_size)
    total = None
    for start in tqdm(starts, desc=method_name(method), disable=not progress):
        b, k = np.divmod(pairs[start : start + batch_size], n)
        maps = np.asarray(method(model, point(b, k), c[b]))
        if maps.ndim < 2 or len(maps) != len(b) or maps.dtype.kind not in "fiu":
            raise ValueError(
                f"The method {method_name(method)!r} returned an array of shape {maps.shape} and "
                f"dtype {maps.dtype} for {len(b)} pictures: expected one map for each."
            )
        if total is None:
            total = np.zeros((len(c), *maps.shape[1:]))  # float64: no rounding to speak of
        for picture, weight, one_map in zip(b, weights[k], maps, strict=True):
            total[picture] += weight * one_map
    return total.astype(np.float32)


def method_name(method: Callable) -> str:
    """Return the name of a function, also of a functools.partial of it."""
    return getattr(getattr(method, "func", method), "__name__", "samples")
