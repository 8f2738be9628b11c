"""Run formulas on an opened network: compiled once, in batches, on every device, at many points."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import (
    ClassIndex,
    Method,
    check_class_index,
    check_count,
    check_inputs,
    check_maps,
    is_finite,
    method_name,
)
from course_utils.network.graph import plain
from course_utils.network.layers import FeatureMaps
from course_utils.network.open import Opened, opened, weighted_score
from course_utils.network.tensorflow import keras, tf


class Points(NamedTuple):
    """Inputs that are already on the device, and whose maps should stay there."""

    network: Opened
    x: tf.Tensor


def explain(
    model: keras.Model, inputs: ArrayLike | Points, class_index: ClassIndex, formula: Callable
) -> np.ndarray:
    """Return formula(network, x, c) for any inputs and class, float32 (B, ...), in batches.

    Args:
        formula: a function of the `Opened` network, x (B, H, W, C), and c, what to explain, in
            the form that `Opened.score` takes. It's called once, to compile it.
    """
    if isinstance(inputs, Points):
        return _map(inputs.network, formula, inputs.x, class_index)
    network, x, c = _checked(model, inputs, class_index)
    return _in_batches(lambda x, c: _map(network, formula, x, c), x, c)


def checked(
    model: keras.Model, inputs: ArrayLike, class_index: ClassIndex
) -> tuple[np.ndarray, np.ndarray | Callable]:
    """Return the inputs, float32 (B, H, W, C), and what to explain.

    That's one class per picture, int32 (B,), or a function of the scores.
    """
    return _checked(model, inputs, class_index)[1:]


def _checked(model: keras.Model, inputs, class_index):
    if not tf.executing_eagerly():
        raise TypeError(
            "The methods compute numbers, so they can't be called inside a tf.function or a Keras "
            "model. Call them outside, with an array."
        )
    network = opened(model)
    x = check_inputs(inputs, network.inputs, network.name)
    if callable(class_index):
        return network, x, class_index
    if network.no_classes:
        raise ValueError(network.no_classes)
    if class_index is None:
        scores = _in_batches(lambda x, _: _class_scores(network, x), x, None)
        return network, x, scores.argmax(axis=1).astype(np.int32)
    c = check_class_index(class_index, len(x), _classes(network, x), network.name)
    return network, x, c


def class_scores(model: keras.Model, inputs: ArrayLike) -> np.ndarray:
    """Return the logits of prepared inputs, float32 (B, classes)."""
    network = opened(model)
    if network.no_classes:
        raise ValueError(network.no_classes)
    x = check_inputs(inputs, network.inputs, network.name)
    return _in_batches(lambda x, _: _class_scores(network, x), x, None)


def maps_and_score(network: Opened, maps: FeatureMaps, x, c) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the feature maps A, (B, h, w, K) or tokens, and the class score S_c, (B,)."""
    inside = network.model.keras_model
    A, *scores = keras.Model(inside.input, [maps.tensor, *inside.outputs])(x, training=False)
    return A, weighted_score(scores, c)


# ------------------------------------------------------------------------------- what to explain


def _map(network: Opened, formula: Callable, x, c):
    run, direction = _compiled(network, formula), _direction(network, x, c)
    try:
        return run(x, *direction)
    except tf.errors.OpError as error:
        raise plain(error, f"The model {network.name!r} stopped") from None


def _direction(network: Opened, x, c) -> list[tf.Tensor]:
    """Return d target / d S for each output: for a class, 1 for it and 0 for all others.

    Your own target is never compiled; only this gradient of it is used. So a new lambda per call
    costs nothing and leaves nothing behind.
    """
    if not callable(c):
        return [tf.one_hot(c, _classes(network, x))]
    scores = _compiled(network, _scores)(x)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        try:
            target = c(scores[0] if len(scores) == 1 else scores)
        except Exception as error:
            raise plain(error, "The function given as class_index stopped") from None
    if not isinstance(target, tf.Tensor) or target.shape != len(x):
        shape = f" of shape {target.shape}" if isinstance(target, (tf.Tensor, np.ndarray)) else ""
        raise ValueError(
            f"The function given as class_index returned a {type(target).__name__}{shape} for "
            f"{len(x)} picture(s): expected "
            "one number per picture, computed with TensorFlow, such as lambda s: s[:, 281]."
        )
    direction = tape.gradient(target, scores)
    if all(d is None for d in direction):
        raise ValueError(
            "The function given as class_index does not depend on the scores in a way that can be "
            "differentiated: does it compare or round them, or turn them into NumPy arrays?"
        )
    return [
        tf.zeros_like(s) if d is None else tf.convert_to_tensor(d)
        for s, d in zip(scores, direction, strict=True)
    ]


def _scores(network: Opened, x) -> list[tf.Tensor]:
    return network.scores(x)


def _class_scores(network: Opened, x) -> tf.Tensor:
    """Return S(x), (B, classes); for a subclassed model, check the shape here."""
    scores = _compiled(network, _scores)(x)
    if len(scores) != 1 or len(scores[0].shape) != 2:
        shapes = " and ".join(str(tuple(s.shape)) for s in scores)
        raise ValueError(
            f"The model {network.name!r} returns {shapes}; expected one score per class, "
            "(batch, classes)."
        )
    return scores[0]


def _classes(network: Opened, x) -> int:
    if network.classes is None and _classes not in network.compiled:  # a subclassed model
        network.compiled[_classes] = _class_scores(network, tf.constant(x[:1])).shape[1]
    return network.classes or network.compiled[_classes]


# ------------------------------------------------------------------------- compiling, and devices


def _compiled(network: Opened, formula: Callable) -> Callable:
    """Return a formula for this network as a function of tensors x and c, compiled once.

    A subclassed model may need sizes that are unknown here, so it runs as it is.
    """
    if network.calls is None:
        return lambda x, *c: _connected(network, formula(network, x, *([list(c)] if c else [])))
    on = [_compiled_on(network, formula, device) for device in devices()]
    return on[0] if len(on) == 1 else functools.partial(_share, on)


def _compiled_on(network: Opened, formula: Callable, device: str | None) -> Callable:
    # Two formulas are the same if they have the same code and the same options from around it.
    options = tuple(cell.cell_contents for cell in formula.__closure__ or ())
    key = (formula.__code__, options, device, tf.distribute.get_strategy())
    try:
        if key in network.compiled:
            return network.compiled[key]
    except TypeError:  # an option that isn't a number or a name; the formula raises an error below
        pass
    x = tf.TensorSpec((None, *network.inputs[1:]), tf.float32)
    c = [tf.TensorSpec((None, *s.shape[1:])) for s in network.model.keras_model.outputs]

    def function(x, *c):
        with tf.device(device):
            return _connected(network, formula(network, x, *([list(c)] if c else [])))

    signature = [x] if formula is _scores else [x, *c]
    try:
        # Traced right here: TensorFlow warns about functions that are traced again.
        traced = tf.function(function, signature).get_concrete_function()
    except Exception as error:
        raise plain(error) from None
    network.compiled[key] = traced
    return traced


def _connected(network: Opened, gradient):
    if gradient is None:
        raise ValueError(
            f"The score of the model {network.name!r} does not depend on its input in a way that "
            "can be differentiated: is the input rounded, or turned into integers?"
        )
    return gradient


def devices() -> list[str | None]:
    """Return the devices that share a batch: those of the surrounding strategy scope."""
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return [None]
    return list(strategy.extended.worker_devices)


def _share(on: list[Callable], *batch):
    """Let each device do its share of a batch."""
    if len(batch[0]) < len(on):
        return on[0](*batch)
    shares = zip(*(np.array_split(np.asarray(a), len(on)) for a in batch), strict=True)
    found = [f(*map(tf.constant, share)) for f, share in zip(on, shares, strict=True)]
    return keras.tree.map_structure(lambda *parts: tf.concat(parts, axis=0), *found)


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))


def batch_of(shape: tuple[int, ...]) -> int:
    """Return how many pictures (..., H, W, C) to work on at a time, by their number of pixels.

    10 of 224 x 224 on a processor, because larger batches overflow its caches, and 64 on a GPU.
    """
    pictures = 64 if _has_gpu() else 10
    return max(1, pictures * 224 * 224 // (shape[-3] * shape[-2]))


def _in_batches(function: Callable, x: np.ndarray, c) -> np.ndarray:
    """Apply a function of pictures and classes to a few of them at a time, to save memory."""
    results, size = np.empty(0), min(batch_of(x.shape), 64) * len(devices())
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        result = np.asarray(function(tf.constant(x[part]), c if _is_target(c) else c[part]))
        if not is_finite(result):
            raise ValueError(NOT_FINITE)
        if start == 0:
            results = np.empty((len(x), *result.shape[1:]), result.dtype)
        results[part] = result
    return results


def _is_target(c) -> bool:
    return c is None or callable(c)


NOT_FINITE = (
    "The network computes NaN or infinity for these inputs: its weights may be damaged, or a "
    "function in it has no finite slope here (such as the root of zero)."
)


# ------------------------------------------------------------------------------- at many points


def normal(seed: int, k: np.ndarray, shape: tuple[int, ...]) -> tf.Tensor:
    """Return standard normal noise for the samples k = k_0, k_0 + 1, ...: float32 (len(k), *shape).

    A seed's sample k is always the same, whichever others you draw with it: the generator counts
    in blocks of four numbers, and sample k begins at its own count.
    """
    size = int(np.prod(shape))
    blocks = -(-size // 4)
    z = tf.raw_ops.StatelessRandomNormalV2(
        shape=[len(k), 4 * blocks],
        key=tf.constant([seed % 2**64], tf.uint64),
        counter=tf.constant([int(k[0]) * blocks, 0], tf.uint64),
        alg=1,  # Philox
    )
    return tf.reshape(z[:, :size], (len(k), *shape))


def weighted_mean(
    method: Method,
    model: keras.Model,
    x: np.ndarray,
    c,
    point: Callable[[int, np.ndarray], np.ndarray | tf.Tensor],
    w: np.ndarray,
    batch_size: int | None,
    progress: bool = False,
) -> np.ndarray:
    """Return sum_k w_k M_c(x_k) / sum_k w_k for each picture x[b], at points x_k = point(b, k).

    `point` gets a picture's number and some numbers k, and returns as many inputs. So points are
    made where they're used, and only one batch of them exists besides the result.
    """
    from tqdm.auto import tqdm

    network, n = opened(model), len(w)
    if batch_size is None:
        batches = -(-n // (batch_of(x.shape) * len(devices())))
        size = -(-n // batches)  # equal ones
    else:
        size = check_count("batch_size", batch_size)
    # In the order of the pictures: picture 0's first batch of samples, its second, ...
    parts = np.split(np.arange(n), range(size, n, size))
    batches = [(b, k) for b in range(len(x)) for k in parts]
    result, total = np.empty(0), 0.0
    bar = tqdm(total=len(x) * n, desc=method_name(method), disable=not progress)
    with bar, ThreadPoolExecutor(1) as ahead:  # makes the next points while the network works
        coming = ahead.submit(point, *batches[0])
        for i, (b, k) in enumerate(batches):
            points = tf.convert_to_tensor(coming.result())
            if i + 1 < len(batches):
                coming = ahead.submit(point, *batches[i + 1])
            classes = c if callable(c) else np.full(len(k), c[b])
            M = tf.cast(_maps_at(method, network, model, points, classes), tf.float64)
            w_k = tf.reshape(tf.constant(w[k]), (-1, *[1] * (len(M.shape) - 1)))
            total += tf.reduce_sum(w_k * M, axis=0)  # float64: no rounding to speak of
            bar.update(len(k))
            if k[-1] == n - 1:
                if b == 0:
                    result = np.empty((len(x), *total.shape), np.float32)
                result[b], total = total / w.sum(), 0.0
    if not is_finite(result):
        raise ValueError(NOT_FINITE)
    return result


F = TypeVar("F", bound=Callable[..., Any])

_on_device: set[Callable] = set()


def on_device(method: F) -> F:
    """Decorate a method to mark that it takes `Points` and returns a tensor."""
    _on_device.add(method)
    return method


def _maps_at(method: Callable, network: Opened, model, points: tf.Tensor, c):
    """Return a method's maps at some points, on the device if the method can."""
    function = getattr(method, "func", method)
    if isinstance(function, Hashable) and function in _on_device:
        return method(model, Points(network, points), c)
    return tf.constant(check_maps(method(model, points.numpy(), c), len(points), method))
