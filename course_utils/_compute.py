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

    def compiled(function):
        # Traced here and now: TensorFlow warns of functions that are traced again for each model.
        on_one = tf.function(function, signature).get_concrete_function()
        return on_one if devices() == 1 else _on_all_devices(function, on_one)

    return compiled


def devices() -> int:
    """Return on how many devices a model works: more than one inside a strategy's scope only."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def _on_all_devices(function: Callable, on_one: Callable) -> Callable:
    """Let each device of the strategy whose scope this is called in do its share of a batch."""
    strategy, n = tf.distribute.get_strategy(), devices()
    run = tf.function(lambda *share: strategy.run(function, share), reduce_retracing=True)

    def on_all(*batch):
        if len(batch[0]) < n:
            return on_one(*batch)
        parts = [np.array_split(a, n) for a in batch]  # parts[argument][device]
        shares = [
            strategy.experimental_distribute_values_from_function(
                lambda context, part=part: tf.constant(part[context.replica_id_in_sync_group])
            )
            for part in parts
        ]
        return np.concatenate(strategy.experimental_local_results(run(*shares)))

    return on_all


def in_batches(function: Callable, x: np.ndarray, *per_picture: np.ndarray):
    """Apply a compiled function to 16 pictures a device at a time, so that memory stays bounded."""
    results, batch_size = None, 16 * devices()
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        result = np.asarray(function(*(tf.constant(a[part]) for a in (x, *per_picture))))
        if not is_finite(result):
            raise ValueError(
                "The network computes NaN or infinity for these inputs: its weights may be "
                "damaged, or a function in it has no finite slope here (such as the root of zero)."
            )
        if results is None:
            results = np.empty((len(x), *result.shape[1:]), result.dtype)
        results[part] = result
    return results


def is_finite(values: np.ndarray) -> bool:
    """Whether no value is NaN or infinity, found without an array of as many truth values."""
    return bool(np.isfinite([values.min(), values.max()]).all())


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
    the points are made where they are used: beside the result there exists one batch of them.
    """
    from tqdm.auto import tqdm

    n = len(weights)
    pairs = np.arange(len(c) * n)  # all samples of picture 0, then all of picture 1, ...
    starts = range(0, len(pairs), batch_size)
    result = None
    for start in tqdm(starts, method_name(method), disable=not progress):
        b, k = np.divmod(pairs[start : start + batch_size], n)
        maps = np.asarray(method(model, point(b, k), c[b]))
        if maps.ndim < 2 or len(maps) != len(b) or maps.dtype.kind not in "fiu":
            raise ValueError(
                f"The method {method_name(method)!r} returned an array of shape {maps.shape} and "
                f"dtype {maps.dtype} for {len(b)} pictures: expected one map for each."
            )
        if result is None:
            result = np.empty((len(c), *maps.shape[1:]), np.float32)
        for picture, sample, one_map in zip(b, k, maps, strict=True):
            if sample == 0:
                total = np.zeros(one_map.shape)  # float64: no rounding to speak of
            total += weights[sample] * one_map
            if sample == n - 1:
                result[picture] = total
    return result


def method_name(method: Callable) -> str:
    """Return the name of a function, also of a functools.partial of it."""
    return getattr(getattr(method, "func", method), "__name__", "samples")
