"""Checks of lesson 5."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks._judge import Exercise, Mistake, _Raised, difference, numbers, shared

__all__ = ["kept_order", "repaired_picture", "score_not_probability", "unguided_cam"]


def _drawn(*shape: int, seed: int = 0, scale: float = 1) -> np.ndarray:
    """Return the same float32 numbers in every call: of both signs, and not round."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def _relu(x) -> np.ndarray:
    return np.maximum(x, 0)


def _levels(answer: Any) -> np.ndarray:
    """Return a picture's levels as floats; Mistake unless they are uint8."""
    array = numbers(answer)
    if (dtype := np.asarray(answer).dtype) != np.uint8:
        raise Mistake(
            f"The result has the dtype {dtype}, and a picture is uint8. Convert at the end: "
            ".astype(np.uint8)."
        )
    return array


def _levels_differ(got: np.ndarray, want: np.ndarray, axes=(), place="") -> str | None:
    """Accept both rounding and cutting off, one level apart, but black and white only exactly."""
    if got.shape == want.shape:
        ends = ((got == 0) | (want != 0)) & ((got == 255) == (want == 255))
        got = np.where((np.abs(got - want) <= 1) & ends, want, got)
    return difference(got, want, axes, place)


def _rounded(levels) -> np.ndarray:
    return np.round(levels).astype(np.uint8)


def _wrapped(levels) -> np.ndarray:
    """Convert as most processors do with numbers that do not fit."""
    return np.asarray(levels).astype(np.int64).astype(np.uint8)


def _clipped(levels) -> np.ndarray:
    return np.clip(levels, 0, 255).astype(np.uint8)


# ------------------------------------------------------------------------------------ 5.1


def _picture(
    image,
    *,
    unit=lambda x: 255 * x,
    signed=lambda x: (x + 1) / 2 * 255,
    levels=lambda x: x,
    is_done=lambda x: x.dtype == np.uint8,
    is_signed=lambda x: x.min() < 0,
    is_unit=lambda x: x.max() <= 1,
    end=_rounded,
):
    """The right conversion; or, with a keyword, a way to get it wrong."""
    image = np.asarray(image)
    if is_done(image):
        return image
    if not (-1 <= image.min() and image.max() <= (255 if image.min() >= 0 else 1)):
        raise ValueError(f"No range of colours goes from {image.min()} to {image.max()}.")
    return end((signed if is_signed(image) else unit if is_unit(image) else levels)(image))


def _stretched(x) -> np.ndarray:
    x = x.astype(float)
    return 255 * (x - x.min()) / max(float(np.ptp(x)), 1e-9)


def _only_full_ranges(image):
    if image.dtype != np.uint8 and (image.min(), image.max()) not in ((0, 1), (-1, 1), (0, 255)):
        raise ValueError("which range?")
    return _picture(image)


def _each(image, axis: int, of: int):
    """Give every row or channel of an array of so many axes a range of its own."""
    if image.ndim < of:
        return _picture(image)
    parts = np.moveaxis(image, axis, 0)
    return np.moveaxis(np.stack([_picture(part) for part in parts]), 0, axis).reshape(image.shape)


def _refusing(refused: Callable):
    def answer(image):
        if image.dtype != np.uint8 and refused(image):
            raise ValueError("no")
        return _picture(image)

    return answer


BOTH_ENDS = "Better no picture than a wrong one: look at both ends, and raise ValueError."
NOT_A_NUMBER = (
    "Every comparison with NaN is False, so ask what's inside a range (0 <= low and high <= 255), "
    "and raise ValueError in the `else`."
)
_UNFIT = [
    *[
        (values, f"numbers from {min(values):g} to {max(values):g}", BOTH_ENDS)
        for values in (
            [-124.0, 0, 151], [0, 1, 2, 900], [0, 20, 255.5], [-3, 0, 1], [-1.01, -0.2],
            [-0.5, 0, 200], [-1, 0, 1.5], [0, 0.5, np.inf], [-np.inf, 0, 1],
        )
    ],
    *[
        (values, "NaN in it", NOT_A_NUMBER)
        for values in ([0.5, np.nan, 0.7], [np.nan, 200, 7], [-0.5, 0.2, np.nan], [np.nan] * 3)
    ],
]  # fmt: skip


def _refuses(student: Callable) -> None:
    for values, words, advice in _UNFIT:
        try:
            answer = student(np.array(values, np.float32).reshape(-1, 1))
        except _Raised as raised:
            if isinstance(raised.error, ValueError):
                continue
            ending = f"ends with {type(raised.error).__name__}"
        else:
            ending = "returns " + ("a picture" if hasattr(answer, "dtype") else repr(answer))
        raise Mistake(
            f"A picture with {words} isn't in any of the ranges, and your function {ending}. "
            f"{advice}"
        )


def _keeps_levels(student: Callable) -> None:
    levels = np.arange(256, dtype=np.uint8)
    if not np.array_equal(numbers(student(levels.copy())), levels):
        raise Mistake(
            "Some levels of a uint8 picture are off by one: return it as it is, without arithmetic."
        )


OWN_MAXIMUM = "A dark picture was brightened: don't divide by the picture's own maximum."
MULTIPLIED = (
    "Floats within 0 to 255 are still multiplied by 255, as in the package. They're levels already."
)

repaired_picture = Exercise(
    id="5.1",
    right=lambda image: _picture(image),
    inputs={
        "floats from -1 to 1": lambda: (np.array([[-1, -0.6], [0.2, 1]], np.float32),),
        "floats from 0 to 1": lambda: (np.array([[0, 0.25, 0.5, 1]], np.float32),),
        "floats from 0 to 255": lambda: (np.array([0, 1, 10, 100, 200, 255.0]),),
        "a uint8 picture": lambda: (np.uint8([[0, 1, 10], [100, 200, 255]]),),
        "a very dark uint8 picture, of levels 0 and 1": lambda: (np.uint8([[0, 1, 1], [0, 0, 1]]),),
        "floats from 0 to 2, very dark levels": lambda: (np.array([[0, 1], [1.5, 2]]),),
        "floats from 0.1 to 0.5": lambda: (np.array([[0.1, 0.25], [0.25, 0.5]]),),
        "floats from -0.5 to 0.5": lambda: (np.array([[-0.5, 0.1], [-0.2, 0.5]], np.float32),),
        "floats from -0.9 to -0.3": lambda: (np.array([[-0.9, -0.3], [-0.6, -0.4]], np.float32),),
        "floats from 20 to 100": lambda: (np.array([[20, 40], [40, 100]], np.float32),),
        "floats from 0 to 3, most of them 0": lambda: (np.array([[0, 3, 0, 0, 1.0]]),),
        "floats from 0 to 200, with only 0 and 1 in the red channel and in the last row": lambda: (
            np.array([[[0.0, 20, 200]], [[1, 60, 100]], [[1, 1, 0]]], np.float32),
        ),
        "floats from -0.8 to 1 without negative numbers in the red channel": lambda: (
            np.array([[[0.2, -0.8, 1]], [[0.4, 0.1, -0.4]]], np.float32),
        ),
        "a picture of one pixel, the float 1": lambda: (np.ones((1, 1, 1)),),
        "a picture of zeros": lambda: (np.zeros((2, 2, 3)),),
    },
    # (1 - 0.6) / 2 * 255 = 51, and (1 + 0.2) / 2 * 255 = 153
    truth=np.uint8([[0, 51], [153, 255]]),
    normalise=_levels,
    difference=_levels_differ,
    rules=[_keeps_levels, _refuses],
    errors=[
        ("ambiguous|broadcast", "The smallest and the largest number of the whole picture decide: "
         "image.min() and image.max(), without an axis."),
        ("^ValueError", "This picture is in one of the ranges, so don't refuse it. -1, 0, 1 and "
         "255 belong to the ranges, and a picture needn't reach them: <= and >=."),
        ("^AttributeError", "The picture is a NumPy array: image.min(), image.max(), image.dtype."),
    ],
    wrong=[
        *[
            (lambda x, e=end: _picture(x, levels=lambda x: 255 * x, end=e), MULTIPLIED)
            for end in (_wrapped, _clipped)
        ],
        *[
            (lambda x, d=done, e=end: _picture(
                x, signed=lambda x: 255 * x, levels=lambda x: 255 * x, is_done=d, end=e
            ), MULTIPLIED + " And within -1 to 1, they must be moved first.")
            for done in (lambda x: x.dtype == np.uint8, lambda x: False)
            for end in (_clipped, _wrapped)
        ],
        (_refusing(lambda x: x.max() > 1), "Floats within 0 to 255 were refused. They're levels "
         "already: just round them."),
        (_refusing(lambda x: x.min() < 0), "Pictures with negative numbers were refused. Within -1 "
         "to 1 they are fine: -1 is black, 1 is white."),
        (_only_full_ranges, "A picture that doesn't reach the ends of its range was refused. They "
         "are bounds: <= and >=, not ==."),
        (_refusing(lambda x: x.min() <= -1), "A picture that reaches -1 was refused: -1 belongs to "
         "the range, <=."),
        (_refusing(lambda x: x.max() >= 255), "A picture that reaches 255 was refused: 255 belongs "
         "to the range, <=."),
        (lambda x: _picture(x, levels=lambda x: 255 * x / x.max()), OWN_MAXIMUM
         + " 100 of 255 levels stays 100."),
        (lambda x: _picture(x, unit=lambda x: 255 * x / max(x.max(), 1e-9)), OWN_MAXIMUM
         + " 0.5 is half of white, whatever else is in it."),
        *[
            (lambda x, e=end: _picture(
                x, unit=lambda x: 255 * x / max(x.max(), 1e-9),
                levels=lambda x: 255 * x / x.max(), signed=e,
            ), OWN_MAXIMUM + " It's the range that decides: 1, or 255.")
            for end in (lambda x: (x + 1) / 2 * 255, lambda x: (x + 1) / (x + 1).max() * 255)
        ],
        (lambda x: _picture(x, signed=_stretched), "A picture within -1 to 1 was stretched from "
         "its own minimum to its own maximum. -1 is black, and 1 is white."),
        *[
            (lambda x, d=done: _picture(
                x, unit=_stretched, signed=_stretched, levels=_stretched, is_done=d
            ), "Pictures were stretched from their own minimum to their own maximum, so a dark one "
             "comes out bright. Find out which of the ranges it is.")
            for done in (lambda x: x.dtype == np.uint8, lambda x: False)
        ],
        *[
            (lambda x, c=cut: _picture(x, signed=c), "Negative numbers were cut off. In a picture "
             "within -1 to 1, -1 is black, and 0 is middle grey.")
            for cut in (lambda x: _relu(x) * 255, lambda x: np.clip(x * 255, 0, 255))
        ],
        (lambda x: _picture(x, signed=lambda x: 255 * np.abs(x)), "The negative numbers have lost "
         "their sign: -1 is black, not white."),
        *[
            (lambda x, e=end: _picture(x, signed=lambda x: 255 * (x + 1), end=e), "Within -1 to 1, "
             "the numbers were moved but not halved: (image + 1) / 2 goes from 0 to 1.")
            for end in (_wrapped, _clipped)
        ],
        (lambda x: _picture(x, signed=lambda x: 255 * x, end=_wrapped), "Within -1 to 1, the "
         "numbers must be moved first: (image + 1) / 2 goes from 0 to 1."),
        (lambda x: _picture(x, signed=lambda x: (x + 1) / 2), "Within -1 to 1, (image + 1) / 2 "
         "goes from 0 to 1: times 255."),
        (lambda x: _picture(x, signed=lambda x: 127 * (x + 1)), "1 becomes 254 instead of 255 in a "
         "picture within -1 to 1: (image + 1) / 2 * 255."),
        *[
            (lambda x, s=signed: _picture(x, is_signed=s, end=_clipped), "A picture within 0 to 1 "
             "was treated as one of -1 to 1, where 0 is grey. Only a picture with negative numbers "
             "is one of -1 to 1.")
            for signed in (
                lambda x: True, lambda x: x.max() <= 1, lambda x: x.min() <= 0 and x.max() <= 1,
            )
        ],
        (lambda x: _picture(x, is_unit=lambda x: x.mean() <= 1), "The mean, or one pixel, doesn't "
         "show which range a picture is in: look at its smallest and its largest number."),
        (lambda x: _picture(x, unit=lambda x: x), "A picture within 0 to 1 comes out almost black: "
         "multiply it by 255 before you convert."),
        (lambda x: _picture(x, is_unit=lambda x: x.max() < 1), "1 itself belongs to the range 0 to "
         "1 (<=): a picture that reaches it comes out almost black."),
        (lambda x: _picture(x, unit=lambda x: 255 * x.astype(np.uint8)), "The numbers were "
         "converted before the arithmetic: the fractions are gone. Convert at the end."),
        *[
            (lambda x, f=factor: _picture(x, unit=lambda x: f * x, end=_wrapped), "1 has to become "
             "255 exactly: multiply by 255.")
            for factor in (254, 256)
        ],
        (lambda x: _picture(x, is_done=lambda x: False), "A very dark uint8 picture, of levels 0 "
         "and 1, was taken for floats within 0 to 1. uint8 is in levels already, whatever its "
         "largest number: ask for the dtype first."),
        *[
            (lambda x, a=axis, n=of: _each(x, a, n), "Each row or channel got a range of its own, "
             "which changes the colours. One range is for the whole picture: image.min() and "
             "image.max(), without an axis.")
            for axis, of in ((-1, 1), (-1, 2), (-1, 3), (0, 1), (0, 2), (0, 3))
        ],
        (lambda x: _picture(x, unit=lambda x: np.where(x <= 1, 255 * x, x),
         levels=lambda x: np.where(x <= 1, 255 * x, x)), "Each number was judged by itself, so "
         "level 1 became white beside level 2, which is almost black. One range is for the whole "
         "picture: image.min() and image.max()."),
        (lambda x: 255 - _picture(x), "Black and white are swapped."),
        (lambda x: _wrapped(x), "The numbers were converted as they are. First find out which "
         "range it is, and bring it to 0 to 255."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 5.2


def _own_top(maps) -> np.ndarray:
    return maps.max(axis=(1, 2), keepdims=True)


def _own_low(maps) -> np.ndarray:
    return maps.min(axis=(1, 2), keepdims=True)


def _display(maps, *, top=_own_top, low=lambda m: 0, scale=255, share=np.asarray, end=_rounded):
    """255 times each map's share of its maximum; or, with a keyword, a way to get it wrong."""
    maps = np.asarray(maps)
    span = top(maps) - low(maps)
    return end(scale * share((maps - low(maps)) / np.where(span == 0, 1, span)))


def _standardised(maps, axis=None, added=0.0) -> np.ndarray:
    deviation = maps.std(axis=axis, keepdims=True) + added
    mean = maps.mean(axis=axis, keepdims=True)
    return _clipped(255 * (maps - mean) / np.where(deviation == 0, 1, deviation))


def _positive(*shape: int, scale: float = 1) -> np.ndarray:
    """Return maps without small shares, and with one share of 0.998, which isn't the largest."""
    maps = np.random.default_rng(4).uniform(0.05, 0.98, shape)
    maps[:, 0, -1], maps[:, -1, 0] = 1, 0.998
    return (scale * maps * np.arange(1, shape[0] + 1)[:, None, None]).astype(np.float32)


def _three_maps() -> np.ndarray:
    # As many maps as columns: a maximum without the position axes fits too, wrongly.
    maps = _positive(3, 4, 3)
    maps[1] = 0
    return maps


def _array_of_levels(answer: Any) -> np.ndarray:
    """The lesson goes on with methods of arrays: a tensor has none of them."""
    levels = _levels(answer)
    if not isinstance(answer, (np.ndarray, list, tuple)):
        kind = type(answer).__name__
        raise Mistake(f"The result must be a NumPy array, not {kind}: add .numpy() at the end.")
    return levels


def _no_zero_by_zero(student: Callable) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        student(_three_maps(), invalid="warn")
    if any("in cast" in str(warning.message) for warning in heard):
        raise Mistake(
            "A map that is zero everywhere was divided by its maximum: 0 / 0 is NaN, and which "
            "level NaN becomes depends on the processor. Divide by 1 there: "
            "np.where(top == 0, 1, top)."
        )


ADDED = (
    "Something was added to the maximum, or it was kept from getting small, so a map with small "
    "numbers doesn't reach 255. Guard against 0 / 0 only where the maximum is 0: np.where(top == "
    "0, 1, top)."
)
SHORT_OF_255 = (
    "The largest value of each map must become 255, and becomes 254. Multiply by 255, add nothing "
    "to the maximum, and round before you convert."
)
STANDARDISED = (
    "This standardises, as the package does: all below the mean becomes 0, and the strongest are "
    "all 255. Divide each map by its own maximum."
)

kept_order = Exercise(
    id="5.2",
    right=lambda maps: _display(maps),
    inputs={
        "2 maps of 2 x 3 pixels": lambda: (
            np.array([[[0.5, 1, 2], [4, 8, 3]], [[20, 40, 10], [10, 80, 50]]], np.float32),
        ),
        "3 maps of 4 x 3 pixels, the second of them zero everywhere": lambda: (_three_maps(),),
        "1 map of 3 x 2 pixels with small numbers": lambda: (_positive(1, 3, 2, scale=2e-3),),
        "2 maps of 2 x 4 pixels with tiny numbers": lambda: (_positive(2, 2, 4, scale=3e-20),),
        "3 maps of one pixel": lambda: (np.array([[[0.3]], [[7]], [[2]]]),),
        "a map of zeros": lambda: (np.zeros((1, 2, 2), np.float32),),
    },
    # 255 times 1/16, 1/8, 1/4, 1/2, 1 and 3/8; 255 times 1/4, 1/2, 1/8, 1/8, 1 and 5/8
    truth=np.uint8([[[16, 32, 64], [128, 255, 96]], [[64, 128, 32], [32, 255, 159]]]),
    axes=("map", "row", "column"),
    normalise=_array_of_levels,
    difference=_levels_differ,
    rules=[_no_zero_by_zero],
    errors=[
        ("broadcast", "These shapes don't fit together: each map's maximum needs the axes of its "
         "map, max(axis=(1, 2), keepdims=True)."),
        ("out of bounds", "The maps have three axes, (B, H, W), counted from 0."),
        ("ambiguous", "One test for many numbers: np.where(top == 0, 1, top) tests each of them."),
        ("EagerTensor", "A tensor has no methods of arrays: add .numpy(), or use np.max."),
    ],
    wrong=[
        (lambda m: _display(m, scale=254), SHORT_OF_255),
        *[
            (lambda m, t=top, e=end: _display(m, top=t, end=e), ADDED)
            for end in (_rounded, np.uint8)
            for top in (
                *(lambda m, e=e: _own_top(m) + e for e in (1, 0.1, 1e-2, 1e-3, 1e-4, 1e-5)),
                *(lambda m, e=e: _own_top(m) + e for e in (1e-6, 1e-7, 1e-8, 1e-9)),
                *(lambda m, e=e: np.maximum(_own_top(m), e) for e in (1, 1e-3, 1e-6, 1e-7)),
                *(lambda m, e=e: np.where(_own_top(m) < e, 1, _own_top(m)) for e in (1e-2, 1e-6)),
            )
        ],
        *[
            (lambda m, f=scale, e=end: _display(m, scale=f, end=e), "Several values became 255, "
             "or 256, which doesn't fit into uint8: multiply by 255, no more, and don't round up.")
            for scale in (256, 255.999) for end in (_wrapped, _clipped)
        ],
        (lambda m: _display(m, top=np.max), "One maximum for the whole batch makes a map depend on "
         "its neighbours. Each map's own: max(axis=(1, 2), keepdims=True)."),
        (lambda m: _display(m, top=_own_top, low=_own_low), "The minimum was subtracted, so 0 no "
         "longer means 'nothing'. Divide by the maximum only."),
        (lambda m: _display(m, top=np.max, low=np.min), "One minimum and maximum for the whole "
         "batch, and 0 no longer means 'nothing'. Divide each map by its own maximum."),
        *[
            (lambda m, a=axis, e=added: _standardised(m, a, e), STANDARDISED)
            for axis in (None, (1, 2)) for added in (0, 1e-9)
        ],
        (lambda m: _display(m, top=lambda m: m.max(axis=2, keepdims=True)), "Each row got a "
         "maximum of its own: take it over both axes of a map, axis=(1, 2)."),
        (lambda m: _display(m, top=lambda m: m.max(axis=1, keepdims=True)), "Each column got a "
         "maximum of its own: take it over both axes of a map, axis=(1, 2)."),
        (lambda m: _display(m, top=lambda m: m.max(axis=0)), "The maximum was taken over the "
         "batch, axis 0. The pixels of one map are the axes 1 and 2."),
        (lambda m: _display(m, top=lambda m: m[:1].max(), end=_clipped), "All maps were divided by "
         "the first one's maximum. Each has its own: max(axis=(1, 2), keepdims=True)."),
        (lambda m: _display(m, top=lambda m: m.max(axis=(1, 2)), end=_clipped), "The maxima are "
         "not lined up with their maps: max(axis=(1, 2), keepdims=True)."),
        (lambda m: _display(m, top=lambda m: m.sum(axis=(1, 2), keepdims=True)), "Divided by the "
         "sum: the largest value must become 255. Divide by the maximum."),
        (lambda m: _display(m, top=lambda m: m.mean(axis=(1, 2), keepdims=True), end=_clipped),
         "Divided by the mean: the largest value must become 255. Divide by the maximum."),
        (lambda m: _display(m, top=lambda m: np.sqrt((m**2).sum(axis=(1, 2), keepdims=True))),
         "Divided by the norm: the largest value must become 255. Divide by the maximum."),
        *[
            (lambda m, q=q: _display(
                m, top=lambda m: np.percentile(m, q, axis=(1, 2), keepdims=True), end=_clipped
            ), "The strongest values were cut off at a percentile, as in lesson 2, so several get "
             "255. Divide by the maximum.")
            for q in (99, 95)
        ],
        (lambda m: _display(m, scale=510, end=_clipped), "Several values share the level 255. Only "
         "the largest may have it."),
        (lambda m: _wrapped(m), "The numbers were converted as they are. Divide by the map's "
         "maximum, times 255."),
        *[
            (lambda m, e=end: e(255 * m), "Times 255, but not divided by the map's maximum.")
            for end in (_wrapped, _clipped)
        ],
        (lambda m: _display(m, scale=1), "Only 0 and 1 are left: divided by the maximum, but not "
         "multiplied by 255 before the fractions were cut off."),
        (lambda m: _display(m, share=np.floor), "All but the maximum is 0: the fractions were cut "
         "off by astype. Multiply by 255 first."),
        (lambda m: _display(m, share=np.round), "All is black or white: the shares were rounded "
         "too early. Multiply by 255 first."),
        (lambda m: _display(m, share=lambda s: np.where(s > 0, 1, 0)), "All but 0 became 255. In "
         "between, levels are proportional: divide by the maximum, times 255."),
        (lambda m: _wrapped(255 // np.where(_own_top(m) == 0, 1, _own_top(m)) * m), "`//` cuts the "
         "fractions off: use `/`."),
        *[
            (lambda m, s=share: _display(m, share=s), "Zero and the maximum are right, but in "
             "between the levels are not proportional: 255 * map / maximum, no more.")
            for share in (np.sqrt, np.square, lambda s: np.log1p(s) / np.log(2))
        ],
        (lambda m: 255 - _display(m), "Black and white are swapped: a stronger value must get a "
         "higher level."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 5.3


_PIXELS = (2, 3, 2)  # of the pictures that all models here take


def _rescored(
    model, *, flow=lambda last: last.input, weights=list, bias=None, units=None, activation=None
):
    """A new last layer instead of the old one; or, with a keyword, a way to get it wrong."""
    from course_utils.network.tensorflow import keras

    last = model.layers[-1]
    use_bias = last.use_bias if bias is None else bias
    new = keras.layers.Dense(units or last.units, use_bias=use_bias, activation=activation)
    result = keras.Model(model.input, new(flow(last)))
    new.set_weights(weights(last.get_weights()))
    return result


def _rectified(features):
    from course_utils.network.tensorflow import keras

    return keras.layers.ReLU()(features)


def _on_top(function: Callable):
    def answer(model):
        from course_utils.network.tensorflow import keras

        return keras.Model(model.input, function(keras, model.output))

    return answer


def _cut_off(reads: Callable):
    def answer(model):
        from course_utils.network.tensorflow import keras

        return keras.Model(model.input, reads(model))

    return answer


def _sequential(model):
    from course_utils.network.tensorflow import keras

    last = model.layers[-1]
    new = keras.layers.Dense(last.units, use_bias=last.use_bias)
    result = keras.Sequential([keras.Input(_PIXELS), *model.layers[1:-1], new])
    new.set_weights(last.get_weights())
    return result


@shared
def _chain():
    from course_utils.network.tensorflow import keras

    image = keras.Input(_PIXELS)
    features = keras.layers.ReLU()(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(features))
    # The scores are the first pixel's red; the second pixel's green, doubled; the last number.
    w = np.zeros((12, 3))
    w[[0, 3, 11], [0, 1, 2]] = 1, 2, 1
    model.set_weights([w, np.array([1, 0, -1])])
    return model


@shared
def _branching():
    """A model of two branches and a skip, and with one layer that is used twice."""
    from course_utils.network.tensorflow import keras

    image = keras.Input(_PIXELS)
    bend = keras.layers.Activation("tanh")
    A = bend(keras.layers.Conv2D(3, 1, name="maps")(image))
    B = keras.layers.Conv2D(4, 2, activation="sigmoid")(A)
    C = keras.layers.Conv2D(4, 2, activation="softplus")(image)
    both = keras.layers.Flatten()(keras.layers.Multiply()([B, C]))
    wide = keras.layers.Concatenate()([both, keras.layers.Flatten()(A)])
    features = bend(keras.layers.Dense(6)(wide))
    return _with_weights(keras.Model(image, keras.layers.Dense(4, activation="softmax")(features)))


@shared
def _nested():
    """A model with a model inside it, without biases, and with as many features as classes."""
    from course_utils.network.tensorflow import keras

    inner = keras.Sequential(
        [keras.Input(_PIXELS), keras.layers.Conv2D(5, 2, activation="tanh", name="inside")]
    )
    image = keras.Input(_PIXELS)
    features = keras.layers.GlobalAveragePooling2D()(inner(image))
    last = keras.layers.Dense(5, activation="softmax", use_bias=False)
    return _with_weights(keras.Model(image, last(features)))


def _with_weights(model):
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(scale=0.7, size=w.shape) for w in model.get_weights()])
    return model


def _pictures() -> np.ndarray:
    x = _drawn(3, *_PIXELS)
    x[:, 0, 0, 0], x[:, 0, 1, 1], x[:, 1, 2, 1] = [3, 1, -1], [2, 0.5, 0], [-5, 4, 1]
    return x


# Of `_chain`: red + 1, twice the green, the last number - 1; its ReLU cuts the negative ones off.
TRUTH = [[4, 4, -1], [2, 1, 3], [1, 0, 0]]


def _outputs(answer: Any) -> np.ndarray:
    """Return what a model makes of three pictures."""
    from course_utils.network.tensorflow import keras

    if answer is TRUTH:
        return np.array(TRUTH)
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    if not isinstance(answer, keras.Model):
        raise Mistake(
            f"The function must return a Keras model, not {type(answer).__name__}: "
            "keras.Model(model.input, ...)."
        )
    shapes = [tuple(tensor.shape[1:]) for tensor in answer.inputs or []]
    if shapes != [_PIXELS]:
        raise Mistake(
            f"Your model takes inputs of the shape {', '.join(map(str, shapes))}, and the one that "
            f"was given takes {_PIXELS}. {FROM_THE_NOTEBOOK}"
        )
    if len(answer.outputs) != 1:
        raise Mistake(f"Your model has {len(answer.outputs)} outputs. Return the scores only.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras remarks on a list of one input
            return numbers(answer(_pictures()))
    except Exception as error:
        text = f"Your model stops when a picture goes through it, with {type(error).__name__}."
        if "'str' object" in str(error):
            text += ' An activation is a function, and "linear" a text: put a new layer in place.'
        raise Mistake(text) from None


def _scores_differ(got: np.ndarray, want: np.ndarray, axes=(), place="") -> str | None:
    found = difference(got, want, axes, place)
    if found is None or got.shape != want.shape:
        return found
    if (got >= 0).all() and np.allclose(got.sum(axis=-1), 1):
        return "each row still sums to 1, so there's still a softmax at the end. " + COPY
    if np.allclose(np.ptp(got - want, axis=-1), 0, atol=1e-3):
        return found + (
            " All classes of a picture are off by the same number, as logarithms of probabilities "
            "are: the other classes are still in it."
        )
    return found if np.allclose(got, want, rtol=0.1, atol=0.1) else f"{found} {COPY}"


def _keeps_its_layers(student: Callable) -> None:
    """Grad-CAM, which comes next, takes a layer by its name and needs the way from it."""
    from course_utils.network.tensorflow import keras

    for model in (_branching(), _nested()):
        result = student(model)
        for layer in model.layers[1:-1]:
            try:
                maps = result.get_layer(layer.name).output
                keras.Model(result.inputs, [maps, result.output])
            except Exception:
                raise Mistake(
                    "The scores are right, but Grad-CAM, which comes next, needs the layers "
                    f"before them too, and {layer.name!r} isn't found in your model, or leads "
                    "nowhere. Build on the old model: keras.Model(model.input, ...)."
                ) from None


FROM_THE_NOTEBOOK = (
    "Did you use a model from the notebook (model, fused_model) instead of the function's argument?"
)
COPY = (
    "A new layer begins with random weights: have you copied the old ones, "
    "new.set_weights(old.get_weights()), after the new layer was called?"
)
ORDER = (
    "Right for a plain chain of layers. In a model that branches, the list model.layers isn't the "
    "picture's way through it: build on the old model, keras.Model(model.input, "
    "new(model.layers[-1].input))."
)

score_not_probability = Exercise(
    id="5.3",
    right=lambda model: _rescored(model),
    inputs={
        "a chain of layers and 3 classes": lambda: (_chain(),),
        "a model that branches and 4 classes": lambda: (_branching(),),
        "a model inside a model, 5 classes and no biases": lambda: (_nested(),),
    },
    truth=TRUTH,
    axes=("picture", "class"),
    normalise=_outputs,
    difference=_scores_differ,
    rules=[_keeps_its_layers],
    errors=[
        ("No such layer", "Other models have other names: the last layer is model.layers[-1]."),
        ("1280|224", FROM_THE_NOTEBOOK),
        ("1000", "Not every model has 1000 classes: the number is model.layers[-1].units."),
        ("not connected|disconnected", "The inputs and the outputs belong to different models. "
         + FROM_THE_NOTEBOOK),
        ("NoneType.*iterable", "Was the activation taken from the caller's own model? Set it on a "
         "copy, keras.models.clone_model(model), with the weights copied too."),
        ("expecting 0|0 weights|Expected 0", "The new layer has no weights until it's called on "
         "something: call it first, then set_weights."),
        ("expects 1 weight|expected 1|expecting 1|expects 2|expected 2|expecting 2|length 1|unpack",
         "Not every layer has biases: the new one needs use_bias=last.use_bias."),
        ("Only input tensors", "A layer is called on what flows into the old one, "
         "new(last.input)."),
        ("merge layer|Merge|list of inputs|list of at least", "In a model that branches, a layer "
         "may take several inputs: build on the old model, not on a list of its layers."),
        ("weight shape", "The new layer isn't the size of the old one. It needs as many units as "
         "the old one (`.units`), and reads what the old one reads (`.input`, not `.output`)."),
    ],
    wrong=[
        *[
            (program, "This still ends in probabilities: the softmax is part of the last layer. "
             "A new last layer without activation has to replace it.")
            for program in (
                lambda m: m,
                lambda m: _rescored(m, activation="softmax"),
            )
        ],
        (_on_top(lambda k, p: k.ops.log(p)), "This is the logarithm of the probability, "
         "S_c - log sum exp(S_k): the other classes are still in it. Take the layer's output "
         "before the softmax."),
        (_on_top(lambda k, p: k.ops.log(p / (1 - p))), "This is the logarithm of the odds, "
         "p / (1 - p): the other classes are still in it. Take the layer's output before the "
         "softmax."),
        (_on_top(lambda k, p: k.ops.softmax(p)), "A second softmax was put on the probabilities. "
         "It removes nothing."),
        (lambda m: _rescored(m, activation="sigmoid"), "The new layer has a sigmoid. It needs no "
         "activation at all."),
        (lambda m: _rescored(m, activation="relu"), "The new layer has a ReLU, so negative scores "
         "are gone. It needs no activation at all."),
        (lambda m: _rescored(m, activation="softplus"), "The new layer has a softplus. It needs no "
         "activation at all."),
        (lambda m: _rescored(m, flow=lambda last: _rectified(last.input)), "The features go "
         "through a ReLU before the new layer. It has to read the old one's `.input` itself."),
        *[
            (_on_top(function), "This is still made of the probabilities. The scores come before "
             "the softmax: a new last layer without activation.")
            for function in (lambda k, p: k.ops.exp(p), lambda k, p: 100 * p)
        ],
        (lambda m: _rescored(m, activation="tanh"), "The new layer has a tanh. It needs no "
         "activation at all."),
        *[
            (program, "The biases are missing: copy all the weights of the old layer.")
            for program in (
                lambda m: _rescored(m, weights=lambda w: w[:1], bias=False),
                lambda m: _rescored(m, weights=lambda w: [w[0], *(0 * b for b in w[1:])]),
            )
        ],
        (lambda m: _rescored(m, weights=lambda w: [w[0], *(1 + 0 * b for b in w[1:])]),
         "The biases are all 1: copy all the weights of the old layer."),
        (lambda m: _rescored(m, weights=lambda w: [0 * w[0], *w[1:]]), "Only the biases were "
         "copied: copy all the weights of the old layer."),
        *[
            (_cut_off(reads), "The whole last layer was cut off: these are the features before it. "
             "The scores need its weights.")
            for reads in (lambda m: m.layers[-1].input, lambda m: m.layers[-2].output)
        ],
        (lambda m: _rescored(m, flow=lambda last: last.output), "The new layer reads the "
         "probabilities, the old layer's `.output`. It has to read what the old one reads, its "
         "`.input`."),
        (lambda m: _rescored(m, flow=lambda last: m.layers[-2].output), "model.layers[-2] isn't "
         "always what comes before the last layer, because a layer may be used twice. The last "
         "layer's input is model.layers[-1].input."),
        (_sequential, ORDER),
        *[
            (lambda m, u=units: _rescored(m, units=u), "Not every model has as many classes as "
             "this one: the number is model.layers[-1].units. (Or were the weights of the whole "
             "model copied, not those of its last layer?)")
            for units in (3, 4, 5)
        ],
        (lambda m: _rescored(m, bias=True), "Not every layer has biases: the new one needs "
         "use_bias=last.use_bias."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 5.4


def _cam(
    A,
    G,
    *,
    before=lambda A, G: G,
    pool=lambda G: G.mean(axis=(1, 2), keepdims=True),
    weight=np.asarray,
    of_products=np.asarray,
    total=np.sum,
    after=_relu,
):
    """The formula; or, with a keyword, a way to get it wrong."""
    A, G = np.asarray(A), np.asarray(G)
    return after(total(of_products(weight(pool(before(A, G))) * A), axis=-1))


def _per_map(cam, reduce) -> np.ndarray:
    return reduce(cam, axis=(1, 2), keepdims=True)


def _full_colour(cam) -> np.ndarray:
    return (cam - _per_map(cam, np.min)) / _per_map(cam, np.ptp)


def _over_maximum(cam) -> np.ndarray:
    top = _per_map(_relu(cam), np.max)
    return _relu(cam) / np.where(top == 0, 1, top)


_BEFORE = [  # on the gradients, before the mean
    (lambda A, G: G * (G > 0) * (A > 0), "The gradients are still guided: negative ones are set to "
     "zero, so nothing can speak against the class. Use them as they are."),
    (lambda A, G: G * (G > 0), "The negative gradients are still dropped, half of the guiding. Use "
     "them all."),
    (lambda A, G: G * (A > 0), "The gradients are still dropped where the feature map is not "
     "positive, half of the guiding. Use them all."),
    (lambda A, G: np.abs(G), "|G| before the mean: a gradient against the class now counts for "
     "it."),
]  # fmt: skip
_POOLS = [  # instead of the mean over the positions
    (lambda G: G.mean(axis=(0, 1, 2), keepdims=True), "The weights are averaged over the whole "
     "batch, so a picture's map depends on its neighbours. Mean over the positions only: axis=(1, "
     "2), keepdims=True."),
    *[
        (lambda G, i=i: G[i][None].mean(axis=(1, 2), keepdims=True), "All pictures got the weights "
         f"of the {which} one. Each has its own.")
        for i, which in ((0, "first"), (-1, "last"))
    ],
    (lambda G: G.sum(axis=(1, 2), keepdims=True), "The gradients are summed over the positions: "
     "the formula has the mean, 1/Z."),
    (lambda G: G.sum(axis=(1, 2), keepdims=True) / 49, "Divided by 49, which is right for maps of "
     "7 x 7 positions only: take the mean."),
    *[
        (lambda G, z=z: G.mean(axis=(1, 2), keepdims=True) / z(G), "The mean was divided by the "
         "number of positions once more.")
        for z in (lambda G: 49, lambda G: G.shape[1] * G.shape[2])
    ],
    (lambda G: G.mean(axis=-1, keepdims=True), "The mean goes over the feature maps. Take it over "
     "the positions, axes 1 and 2."),
    (lambda G: G, "The gradients were not averaged over the positions before the product."),
    (lambda G: G.max(axis=(1, 2), keepdims=True), "The largest gradient of each feature map was "
     "taken; the formula has the mean."),
    (lambda G: np.median(G, axis=(1, 2), keepdims=True), "The median of the gradients was taken; "
     "the formula has the mean."),
    (lambda G: G.mean(axis=1, keepdims=True), "Only the rows were averaged over: the positions are "
     "the axes 1 and 2."),
    (lambda G: G.mean(axis=2, keepdims=True), "Only the columns were averaged over: the positions "
     "are the axes 1 and 2."),
    (lambda G: G.mean(axis=(1, 2, 3), keepdims=True), "The mean goes over the feature maps as "
     "well: each map has its own weight, axis=(1, 2)."),
    (lambda G: G.mean(axis=0, keepdims=True), "The mean goes over the pictures. Take it over the "
     "positions, axes 1 and 2."),
    (lambda G: G.mean(keepdims=True), "One mean for everything: take it over the positions, axes 1 "
     "and 2."),
]  # fmt: skip
_AFTER = [  # instead of the ReLU
    (np.asarray, "The ReLU is missing: what speaks against the class must become 0."),
    *[
        (stretched, "The map is still stretched from its minimum to its maximum, so every map is "
         "in full colour. ReLU instead, and no stretching.")
        for stretched in (_full_colour, lambda c: (c - c.min()) / np.ptp(c))
    ],
    *[
        (scaled, "Divided by the maximum, which is the display's business: keep the score's unit.")
        for scaled in (_over_maximum, lambda c: _relu(c) / max(c.max(), 1e-9))
    ],
    (np.abs, "|...| at the end turns what speaks against the class into what speaks for it. ReLU "
     "sets it to 0."),
    (lambda c: _relu(-c), "The sign is flipped: this is what speaks against the class."),
]  # fmt: skip


def _lined_up_with_columns(A, G):
    return _relu((G.mean(axis=(1, 2)) * A).sum(axis=-1))


def _by_hand() -> tuple[np.ndarray, np.ndarray]:
    # Mean gradients 1 and -2 for the first picture, -1 and 2 for the second.
    A = np.array([[[[5, 1], [1, 3]]], [[[2, 4], [6, -1]]]], float)
    G = np.array([[[[4, -2], [-2, -2]]], [[[-3, 1], [1, 3]]]], float)
    return A, G


def _two_drawn(*shape: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps and gradients with other mean gradients for each picture and each map."""
    b, _, _, k = shape
    return _drawn(*shape, seed=seed) + 0.3, _drawn(*shape, seed=seed + 1) + _drawn(b, 1, 1, k)


unguided_cam = Exercise(
    id="5.4",
    right=lambda maps, gradients: _cam(maps, gradients),
    inputs={
        "2 pictures with 2 maps of 1 x 2 positions": _by_hand,
        "2 pictures with 5 maps of 3 x 4 positions": lambda: _two_drawn(2, 3, 4, 5, seed=5),
        "3 pictures with 4 maps of 2 x 3 positions": lambda: _two_drawn(3, 2, 3, 4, seed=7),
        "1 picture with 3 maps of 4 x 1 positions": lambda: _two_drawn(1, 4, 1, 3, seed=9),
    },
    # 5 - 2 * 1 = 3 and 1 - 2 * 3 < 0; -2 + 2 * 4 = 6 and -6 - 2 < 0
    truth=[[[3, 0]], [[6, 0]]],
    axes=("picture", "row", "column"),
    errors=[
        ("broadcast", "These shapes don't fit together: the means need the two position axes, "
         "mean(axis=(1, 2), keepdims=True)."),
        ("out of bounds", "Maps and gradients have four axes, (B, h, w, K), counted from 0."),
        ("ambiguous", "Python's max compares two wholes: np.maximum(..., 0) takes number by "
         "number."),
        ("gufunc|matmul|align", "`@` multiplies the maps of every picture by the weights of every "
         "picture. Line them up instead: mean(axis=(1, 2), keepdims=True) * maps, then the sum "
         "over the last axis."),
    ],
    wrong=[
        # The fewer mistakes at once, the surer the diagnosis.
        *[(lambda A, G, b=b: _cam(A, G, before=b), said) for b, said in _BEFORE],
        *[(lambda A, G, p=p: _cam(A, G, pool=p), said) for p, said in _POOLS],
        *[(lambda A, G, a=a: _cam(A, G, after=a), said) for a, said in _AFTER],
        (lambda A, G: _cam(G, G), "The gradients are multiplied by their own mean: multiply the "
         "maps."),
        (lambda A, G: _cam(G, A), "Maps and gradients are swapped: average the gradients, and "
         "multiply the maps."),
        (lambda A, G: _relu(A @ G.mean(axis=(1, 2))), "`@` multiplies the maps of every picture by "
         "the weights of every picture. Line them up instead: mean(axis=(1, 2), keepdims=True) * "
         "maps, then the sum over the last axis."),
        (_lined_up_with_columns, "The weights are not lined up with the pictures: "
         "mean(axis=(1, 2), keepdims=True)."),
        (lambda A, G: _cam(A, G, of_products=_relu), "The ReLU came before the sum: feature maps "
         "that speak against the class are lost. Sum first."),
        (lambda A, G: _cam(_relu(A), G), "The ReLU was taken of the feature maps. It comes at the "
         "end, after the sum."),
        (lambda A, G: _cam(A, G, weight=_relu), "Feature maps with a negative weight were dropped, "
         "by a ReLU on the weights. They speak against the class, and belong in the sum."),
        (lambda A, G: _cam(A, G, weight=np.abs), "The weights have lost their signs: a map with a "
         "negative weight speaks against the class."),
        *[
            (lambda A, G, w=w: _cam(A, G, weight=w), "The weights were scaled. Keep them as they "
             "are: their size has a meaning.")
            for w in (
                lambda w: w / np.abs(w).max(),
                lambda w: w / np.abs(w).max(axis=-1, keepdims=True),
                lambda w: w / w.sum(axis=-1, keepdims=True),
            )
        ],
        (lambda A, G: _cam(A, G, total=np.mean), "The mean over k: the formula has the sum."),
        (lambda A, G: _cam(A, G, total=np.max), "The largest of the weighted maps: the formula has "
         "the sum."),
        (lambda A, G: _cam(A, np.ones_like(G)), "The maps were summed without their weights."),
        *[
            (lambda A, G, e=end: e(G.mean(axis=(1, 2), keepdims=True) * A), "The sum over k, the "
             "last axis, is missing.")
            for end in (np.asarray, _relu)
        ],
        (lambda A, G: _cam(A, G)[..., None], "The last axis is still there, with one number: leave "
         "out keepdims in the sum over k."),
        *[
            (lambda A, G, b=b, p=p: _cam(A, G, before=b, pool=p), f"{said} {also}")
            for b, said in _BEFORE for p, also in _POOLS[:5]
        ],
        *[
            (lambda A, G, b=b, a=a: _cam(A, G, before=b, after=a), f"{said} {also}")
            for b, said in _BEFORE for a, also in _AFTER
        ],
        *[
            (lambda A, G, p=p, a=a: _cam(A, G, pool=p, after=a), f"{said} {also}")
            for i, (p, said) in enumerate(_POOLS) for a, also in _AFTER[: 7 if i < 2 else 1]
        ],
        *[
            (lambda A, G, b=b, p=p, a=a: _cam(A, G, before=b, pool=p, after=a),
             f"{said} {also} {last}")
            for b, said in _BEFORE[:3] for p, also in _POOLS[:1] for a, last in _AFTER[:2]
        ],
    ],
)  # fmt: skip
