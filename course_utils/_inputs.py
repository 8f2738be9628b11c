"""What every method begins with: check the inputs, the class, the baseline, numbers of samples."""

from __future__ import annotations

import numpy as np

from course_utils._cache import is_graph
from course_utils._compute import class_scores, is_finite
from course_utils._network import score_model
from course_utils._tensorflow import keras


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
        x = x.astype(np.float32, copy=False)
    if not is_finite(x):
        raise ValueError("inputs holds NaN or infinity: check how the picture was prepared.")
    return x


def check_class_index(model: keras.Model, x: np.ndarray, class_index) -> np.ndarray:
    """Return one class a picture, int32 (B,): the given one(s), or for None the predicted ones."""
    if class_index is None:
        return class_scores(model, x).argmax(axis=1).astype(np.int32)
    try:
        c = np.asarray(class_index)
    except ValueError:  # lists of different lengths
        c = np.asarray(None)
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


def check_count(name: str, value) -> int:
    """Return a number of samples, steps or pictures, which must be a whole number from 1 on."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={value!r}: expected a whole number, at least 1.")
    if value < 1:
        raise ValueError(f"{name}={value}: expected at least 1.")
    return int(value)


def check_seed(seed) -> None:
    """Refuse what cannot seed a random generator."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed={seed!r}: expected a whole number, at least 0.")


def check_baseline(baseline, x: np.ndarray) -> np.ndarray:
    """Return the baseline as float32 of the inputs' shape: a number, or what broadcasts to it."""
    try:
        x0 = np.broadcast_to(np.asarray(baseline, np.float32), x.shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"The baseline, {type(baseline).__name__} of shape {getattr(baseline, 'shape', '?')}, "
            f"does not fit the inputs, {x.shape}: expected a number, or an array of their shape."
        ) from None
    if not np.isfinite(x0).all():
        raise ValueError("The baseline holds NaN or infinity.")
    return x0
