"""Check what a public function is given: the inputs, the class, the baseline, numbers of samples.

Each check returns the value in the form that the methods use, or raises an error of one sentence:
what was wrong, what was expected, what to try.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from course_utils.network.open import Opened


def check_inputs(network: Opened, inputs) -> np.ndarray:
    """Return the inputs as float32 (B, H, W, C)."""
    try:
        x = np.asarray(inputs)
    except Exception:  # pictures of several sizes, a symbolic tensor: each library has its own
        x = np.asarray(None)
    if x.dtype.kind not in "fiu":
        what = f"an array of {x.dtype}" if x.ndim else f"of the type {type(inputs).__name__}"
        raise TypeError(
            f"inputs is {what}; expected an array of numbers of shape (batch, height, width, "
            "channels), as classifier.prepare returns."
        )
    if x.ndim == 3:
        raise ValueError(
            f"inputs has the shape {x.shape}, one picture without a batch axis. Pass inputs[None]; "
            "classifier.prepare(image) adds the axis itself."
        )
    expected = network.inputs[1:]
    if x.ndim != 4 or any(e not in (None, s) for e, s in zip(expected, x.shape[1:], strict=True)):
        sizes = ", ".join("any" if size is None else str(size) for size in expected)
        raise ValueError(
            f"inputs has the shape {x.shape}; the model {network.name!r} takes (batch, {sizes}). "
            "classifier.prepare(image) makes such a batch."
        )
    if 0 in x.shape:
        raise ValueError(f"inputs has the shape {x.shape}: there is no picture in it.")
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which the next line refuses
        x = x.astype(np.float32, copy=False)
    if not is_finite(x):
        raise ValueError("inputs holds NaN or infinity: check how the picture was prepared.")
    return x


def check_class_index(class_index, pictures: int, classes: int, name: str) -> np.ndarray:
    """Return one class per picture, int32 (B,), of a model with this number of classes."""
    try:
        c = np.asarray(class_index)
    except ValueError:  # lists of different lengths
        c = np.asarray(None)
    if c.dtype.kind not in "iu":
        raise TypeError(
            f"class_index={class_index!r}: expected a whole number, one per picture, None for the "
            "predicted class, or a function of the scores. For a name: "
            "classifier.class_index('tabby')."
        )
    if c.ndim > 1 or (c.ndim == 1 and len(c) != pictures):
        raise ValueError(
            f"class_index has the shape {c.shape} for {pictures} picture(s): expected one number "
            "for all of them, or one for each."
        )
    if c.min() < 0 or c.max() >= classes:
        wrong = int(c.min() if c.min() < 0 else c.max())
        raise ValueError(
            f"class_index={wrong} is out of range: the model {name!r} has {classes} classes, "
            f"0 to {classes - 1}."
        )
    return np.broadcast_to(c, pictures).astype(np.int32)


def check_count(name: str, value) -> int:
    """Return a number of samples, steps or pictures, which must be a whole number from 1 on."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={value!r}: expected a whole number, at least 1.")
    if value < 1:
        raise ValueError(f"{name}={value}: expected at least 1.")
    return int(value)


def check_seed(seed) -> int:
    """Return what can seed a random generator."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed={seed!r}: expected a whole number, at least 0.")
    return int(seed)


def check_noise(noise) -> np.float32:
    """Return the noise of SmoothGrad, a fraction of the picture's range."""
    if not isinstance(noise, (int, float, np.integer, np.floating)) or isinstance(noise, bool):
        raise TypeError(f"noise={noise!r}: expected a number such as 0.15.")
    if not 0 <= noise <= 1e6:  # beyond that, nothing but noise would be left; NaN fails as well
        raise ValueError(
            f"noise={noise}: expected a fraction of the picture's range, 0 or more; 0.1 to 0.2 is "
            "usual."
        )
    return np.float32(noise)


def check_method(method) -> Callable:
    """Return a method that `smoothgrad` can average."""
    if not callable(method):
        raise TypeError(
            f"method={method!r}: expected a function such as grad_cam, without quotes or brackets."
        )
    try:
        inspect.signature(method).bind("model", "inputs", "class_index")
    except TypeError as error:
        raise TypeError(
            f"The method {method_name(method)!r} can't be called as method(model, inputs, "
            f"class_index): {error}."
        ) from None
    except ValueError:  # a function that isn't written in Python doesn't say what it takes
        pass
    return method


def check_baseline(baseline, x: np.ndarray) -> np.ndarray:
    """Return the baseline as float32 of the inputs' shape: a number, or what broadcasts to it."""
    try:
        x0 = np.broadcast_to(np.asarray(baseline).astype(np.float32, casting="same_kind"), x.shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"The baseline, {type(baseline).__name__} of shape {getattr(baseline, 'shape', '?')}, "
            f"does not fit the inputs, {x.shape}: expected a number, or an array of their shape."
        ) from None
    if not np.isfinite(x0).all():
        raise ValueError("The baseline holds NaN or infinity.")
    return x0


def check_maps(maps, pictures: int, method: Callable) -> np.ndarray:
    """Return what a method returned for a batch: one map of numbers per picture."""
    maps = np.asarray(maps)
    if maps.ndim < 2 or len(maps) != pictures or maps.dtype.kind not in "fiu":
        raise ValueError(
            f"The method {method_name(method)!r} returned an array of shape {maps.shape} and "
            f"dtype {maps.dtype} for {pictures} pictures: expected one map for each."
        )
    if maps.size and not is_finite(maps):
        raise ValueError(f"The method {method_name(method)!r} returned NaN or infinity.")
    return maps


def method_name(method: Callable) -> str:
    """Return the name of a function, also of a functools.partial of it."""
    return getattr(getattr(method, "func", method), "__name__", "samples")


def is_finite(values: np.ndarray) -> bool:
    """Whether no value is NaN or infinity, found without an array of as many truth values."""
    return bool(np.isfinite([values.min(), values.max()]).all())
