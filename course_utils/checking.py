"""Check the arguments of public functions: inputs, a class, numbers and maps.

Each check returns the value in the form that the methods use, or raises an error with one sentence:
what was wrong, what was expected, what to try.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

ClassIndex: TypeAlias = ArrayLike | Callable[..., Any] | None
"""What to explain: see `vanilla_gradients`."""

Method: TypeAlias = Callable[..., Any]
"""Called as method(model, inputs, class_index), it returns one map per picture."""


def check_inputs(inputs: ArrayLike, shape: tuple[int | None, ...], name: str) -> np.ndarray:
    """Return a model's inputs as float32 (B, H, W, C); None in its shape means any size."""
    expected = (
        "an array of numbers, (batch, height, width, channels), as classifier.prepare returns"
    )
    x = check_numbers("inputs", inputs, expected, kinds="fiu")
    if x.ndim == 3:
        raise ValueError(
            f"inputs has the shape {x.shape}, one picture without a batch axis. Pass inputs[None]; "
            "classifier.prepare(image) adds the axis itself."
        )
    sizes = shape[1:]
    if x.ndim != 4 or any(a not in (None, b) for a, b in zip(sizes, x.shape[1:], strict=True)):
        expected = ", ".join("any" if size is None else str(size) for size in sizes)
        raise ValueError(
            f"inputs has the shape {x.shape}; the model {name!r} takes (batch, {expected}). "
            "classifier.prepare(image) makes such a batch."
        )
    if 0 in x.shape:
        raise ValueError(f"inputs has the shape {x.shape}: there is no picture in it.")
    return x


def check_class_index(class_index: ArrayLike, pictures: int, classes: int, name: str) -> np.ndarray:
    """Return one class per picture, int32 (B,), for a model with this number of classes."""
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


def check_numbers(
    what: str, values: ArrayLike, expected: str, *, dtype: type = np.float32, kinds: str = "fiub"
) -> np.ndarray:
    """Return values as an array of this dtype, all of them finite.

    Args:
        what: what to call the values in a sentence.
        expected: what they should be.
        kinds: which kinds of numbers are accepted, as NumPy abbreviates them.
    """
    try:
        array = np.asarray(values)
    except Exception:  # rows of different lengths, a symbolic tensor: each library raises its own
        array = np.asarray(None)
    if array.dtype.kind not in kinds:
        found = (
            f"an array of {array.dtype}" if array.ndim else f"of the type {type(values).__name__}"
        )
        raise TypeError(f"{what} is {found}: expected {expected}.")
    with np.errstate(over="ignore"):  # beyond float32 it's infinity, which the next line refuses
        array = array.astype(dtype, copy=False)
    if not is_finite(array):
        raise ValueError(f"{what} holds NaN or infinity: expected {expected}.")
    return array


def check_number(name: str, value: object, fits: Callable[[float], bool], expected: str) -> float:
    """Return a number for which `fits` holds, such as `lambda p: 0 < p < 1`."""
    if not _is_number(value):
        raise TypeError(f"{name}={value!r}: expected {expected}.")
    if not fits(value):  # and NaN never fits
        raise ValueError(f"{name}={value!r}: expected {expected}.")
    return value


def check_count(name: str, value: object) -> int:
    """Return a number of samples, steps or pictures, which must be a whole number, at least 1."""
    if not _is_whole(value):
        raise TypeError(f"{name}={value!r}: expected a whole number, at least 1.")
    if value < 1:
        raise ValueError(f"{name}={value}: expected at least 1.")
    return int(value)


def check_seed(seed: object) -> int:
    """Return a number that can seed a random generator."""
    if not _is_whole(seed) or seed < 0:
        raise ValueError(f"seed={seed!r}: expected a whole number, at least 0.")
    return int(seed)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (float, np.floating)) or _is_whole(value)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_noise(noise: object, usual: str) -> np.float32:
    """Return how much noise to add, as a fraction of the picture's range."""
    expected = f"a fraction of the picture's range, 0 or more; {usual} is usual"
    # Beyond a million, only noise would be left.
    return np.float32(check_number("noise", noise, lambda n: 0 <= n <= 1e6, expected))


def check_method(method: object) -> Callable:
    """Return a function that can be called as method(model, inputs, class_index)."""
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
    except ValueError:  # a function that isn't written in Python doesn't list its arguments
        pass
    return method


def check_baseline(baseline: ArrayLike, x: np.ndarray) -> np.ndarray:
    """Return the baseline, a number or an array, as float32 of the inputs' shape."""
    try:
        x0 = np.broadcast_to(np.asarray(baseline).astype(np.float32, casting="same_kind"), x.shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"The baseline, {type(baseline).__name__} of shape {getattr(baseline, 'shape', '?')}, "
            f"does not fit the inputs, {x.shape}: expected a number, or an array of their shape."
        ) from None
    if not is_finite(x0):
        raise ValueError("The baseline holds NaN or infinity.")
    return x0


def check_maps(
    maps: ArrayLike,
    pictures: int,
    method: Callable,
    shape: tuple[int, ...] | None = None,
    finite: bool = True,
) -> np.ndarray:
    """Return a method's result for a batch, once it's one map of numbers per picture.

    Args:
        shape: of each map; None for any.
        finite: whether to refuse NaN and infinity.
    """
    maps, name = np.asarray(maps), method_name(method)
    expected = (pictures, *(maps.shape[1:] if shape is None else shape))  # and so not ()
    if maps.shape != expected or not maps.size or maps.dtype.kind not in "fiub":
        raise ValueError(
            f"The method {name!r} returned an array of shape {maps.shape} and dtype {maps.dtype} "
            f"for {pictures} pictures: expected one map for each, all of the same shape."
        )
    if finite and not is_finite(maps):
        raise ValueError(f"The method {name!r} returned NaN or infinity.")
    return maps


def method_name(method: Callable) -> str:
    """Return the name of a function, or of the function inside a functools.partial."""
    function = getattr(method, "func", method)
    return getattr(function, "__name__", type(function).__name__)


def check_mask(mask: ArrayLike) -> np.ndarray:
    """Return a mask of where an object is, bool (H, W)."""
    m = np.asarray(mask)
    if m.ndim != 2 or m.dtype.kind not in "buif" or not np.isin(m, (0, 1)).all():
        raise ValueError(
            f"The mask has the shape {m.shape} and dtype {m.dtype}: expected (H, W), True (or 1) "
            "where the object is and False (or 0) elsewhere. From a batch, pass one: masks[0]."
        )
    if not m.any():
        raise ValueError("The mask is empty: there's no object to find.")
    return m.astype(bool)


def covers(map_size: tuple[int, int], picture_size: tuple[int, int]) -> bool:
    """Return whether a map (h, w) has the shape of a picture (H, W), at whatever resolution.

    A layer with strides rounds its size, so up to about one cell in each direction is normal.
    """
    (h, w), (H, W) = map_size, picture_size
    return abs(w - h * W / H) <= 1.5 or abs(h - w * H / W) <= 1.5


def is_finite(values: np.ndarray) -> bool:
    """Return whether no value is NaN or infinity, without an array of as many truth values."""
    return not values.size or bool(np.isfinite([values.min(), values.max()]).all())
