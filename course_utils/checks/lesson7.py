"""Checks of lesson 7."""

from __future__ import annotations

import ast
import base64
import html
import json
import re
import textwrap
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

import numpy as np

from course_utils.checks._judge import Exercise, Mistake, difference

__all__ = ["card_html", "choose_classes", "evidence_share", "settings_text"]

NOTHING = "The function returns nothing: is the `return` missing?"


# ------------------------------------------------------------------------------------ 7.1


def _classes(
    predictions, expected, *, none=lambda e: e is None, same=lambda a, b: a == b, runner=1
):
    """The predicted class and its rival, and with a keyword, each way to get it wrong."""
    first, second = predictions[0].class_index, predictions[runner].class_index
    return first, second if none(expected) or same(first, expected) else expected


def _listed(*indexes: int) -> list:
    """Return predictions of classes whose numbers are equal to others, but never the same object.

    Python keeps only one object for each of the numbers up to 256: there, `is` works by accident.
    """
    from course_utils.models import Prediction

    return [
        Prediction(int(str(c)), f"fruit {i // 2}", 0.6 / 2**i, 5.0 - i)
        for i, c in enumerate(indexes)
    ]


def _five() -> list:
    return _listed(412, 7, 999, 3, 12)


def _pair(answer: Any) -> tuple[int, int]:
    """Return two class indexes as they are in a list, a tuple or an array."""
    if answer is None:
        raise Mistake(NOTHING)
    if hasattr(answer, "class_index"):
        raise Mistake("That's one whole prediction. Return two class indexes.")
    if isinstance(answer, (str, bytes, dict, set)) or not hasattr(answer, "__len__"):
        raise Mistake(
            f"The function must return two class indexes, as in (412, 7), not {_short(answer)}."
        )
    pair = list(answer)
    if len(pair) != 2:
        raise Mistake(f"The function must return two class indexes, not {len(pair)} things.")
    for value in pair:
        if hasattr(value, "class_index"):
            raise Mistake("These are whole predictions. Take the .class_index of each.")
        if isinstance(value, str):
            raise Mistake(
                f"{value!r} is a text. Two classes can share a label; the methods want the number "
                "of the class, .class_index."
            )
        if value is None:
            raise Mistake("None isn't a class: with expected=None, the rival is the runner-up.")
        if isinstance(value, (float, np.floating)) or not hasattr(value, "__index__"):
            raise Mistake(
                f"{_short(value)} isn't a class index, which is a whole number. Take the "
                ".class_index of a prediction."
            )
    return tuple(int(value) for value in pair)


def _pairs_differ(got: tuple, want: tuple, axes=(), place="") -> str | None:
    return None if got == want else f"the two classes must be {want}, and yours are {got}."


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 60, placeholder="...")


choose_classes = Exercise(
    id="7.1",
    right=lambda predictions, expected: _classes(predictions, expected),
    inputs={
        "five predictions, the first of class 412, and expected=999": lambda: (_five(), 999),
        "five predictions, the first of class 412, and expected=412": lambda: (
            _five(), int("412"),
        ),
        "three predictions, of the classes 300, 0 and 41, and expected=None": lambda: (
            _listed(300, 0, 41), None,
        ),
        "five predictions, the fourth of class 3, and expected=3": lambda: (_five(), 3),
        "five predictions, none of class 500, and expected=500": lambda: (_five(), 500),
        "five predictions, none of class 0, and expected=0": lambda: (_five(), 0),
        "two predictions, of the classes 0 and 650, and expected=0": lambda: (_listed(0, 650), 0),
        "three predictions, the second of class 282, and expected=282": lambda: (
            _listed(281, 282, 285), int("282"),
        ),
        "two predictions, of the classes 8 and 7, and expected=None": lambda: (_listed(8, 7), None),
    },
    truth=(412, 999),
    normalise=_pair,
    difference=_pairs_differ,
    errors=[
        ("no attribute", "The number of a prediction's class is its .class_index, and "
         "`predictions` is a list: predictions[0].class_index."),
        ("subscriptable", "`predictions` is the list for one picture already: predictions[0] is "
         "the most probable class."),
        ("out of range|not in list|StopIteration", "The list isn't always five long, and the class "
         "that you expect need not be in it. It counts all the same."),
    ],
    wrong=[
        (lambda p, e: _classes(p, e, same=lambda a, b: a is b), "`is` asks for the same object, "
         "and two equal numbers needn't be one (up to 256 they are, by accident). Compare numbers "
         "with ==."),
        (lambda p, e: _classes(p, e, none=lambda e: not e), "Class 0 is a class, but `if expected` "
         "takes 0 for no: `expected is None`."),
        (lambda p, e: _classes(p, e, none=lambda e: not e, same=lambda a, b: False), "Class 0 is a "
         "class, but `if expected` takes 0 for no; and the predicted class can't be its own rival: "
         "if it is expected, the rival is the runner-up."),
        (lambda p, e: _classes(p, e, none=lambda e: e not in [q.class_index for q in p]), "The "
         "class that you expect counts even if it isn't in the list. Don't look for it there."),
        (lambda p, e: _classes(p, e, same=lambda a, b: False), "Two different classes are needed "
         "for a comparison: if the predicted class is expected, its rival is the runner-up."),
        (lambda p, e: _classes(p, e, none=lambda e: True), "This is always the runner-up: if "
         "another class than the predicted one is expected, that is the rival."),
        (lambda p, e: (p[0].class_index, e), "None isn't a class, and the predicted class can't be "
         "its own rival: in both cases the rival is the runner-up."),
        (lambda p, e: _classes(p, e, none=lambda e: False), "None isn't a class: with "
         "expected=None, the rival is the runner-up."),
        (lambda p, e: _classes(p, e)[::-1], "The predicted class comes first, its rival second."),
        (lambda p, e: tuple(sorted(_classes(p, e))), "The two classes are sorted by their numbers. "
         "The predicted class comes first, its rival second."),
        (lambda p, e: _classes(p, e, runner=-1), "The runner-up is the second of the list, not the "
         "last: predictions[1]."),
        (lambda p, e: _classes(p, e, runner=2), "The runner-up is the second of the list: counted "
         "from 0, predictions[1]."),
        (lambda p, e: _classes(p, e, runner=0), "Where the rival is the runner-up, you return the "
         "predicted class twice: the runner-up is predictions[1]."),
        (lambda p, e: (p[1].class_index, _classes(p, e)[1]), "The predicted class is the first of "
         "the list: counted from 0, predictions[0]."),
        (lambda p, e: (p[-1].class_index, _classes(p, e)[1]), "The predicted class is the first of "
         "the list, predictions[0], not the last."),
        (lambda p, e: (_classes(p, e)[1],) * 2, "This is the rival twice. The predicted class "
         "comes first, its rival second."),
        (lambda p, e: (0, 1), "These are places in the list: take the .class_index of each."),
        (lambda p, e: tuple(next((i for i, q in enumerate(p) if q.class_index == c), c)
         for c in _classes(p, e)), "These are places in the list: take the .class_index of each."),
        (lambda p, e: (p[0].class_index, p[1].class_index) if e is None else (e, p[0].class_index
         if e != p[0].class_index else p[1].class_index), "The predicted class comes first, "
         "whichever you expected. The class that you expected is its rival."),
        *[
            (lambda p, e, n=number: _classes(p, n if e is None else e), "With expected=None, the "
             "rival is the runner-up, predictions[1].class_index.")
            for number in (0, -1)
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 7.2


def _written(settings: dict, *, keep=lambda v: True, value=repr, name=str, of=slice(None)) -> str:
    """The text between the brackets of a call and, with a keyword, each way to get it wrong."""
    chosen = list(settings.items())[of]
    return ", ".join(f"{name(n)}={value(v)}" for n, v in chosen if keep(v))


def _as_call(text: Any) -> dict[str, str]:
    """Read a text as the keyword arguments of a call: name -> value, as Python writes it."""
    if text is None:
        raise Mistake("The function returns nothing. Return the text: printing it isn't enough.")
    if not isinstance(text, str):
        raise Mistake(f"The function must return a text, not {_short(text)}.")
    if re.match(r"\s*(settings ?= ?)?(\{['\"}]|\[|dict\()", text):
        raise Mistake(
            f"{_short(text)} is the whole dictionary as it's printed. Write name=value, "
            "name=value, as between the brackets of a call."
        )
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
            raise SyntaxError
        found = {}
        for keyword in call.keywords:
            if keyword.arg:
                found[keyword.arg] = _as_python_writes(keyword.value)
            else:  # **{...}, which goes between the brackets too
                found |= {n: repr(v) for n, v in ast.literal_eval(keyword.value).items()}
        return found
    except (SyntaxError, ValueError, TypeError, AttributeError):
        raise Mistake(
            f"{_short(text)} can't be put between the brackets of a call: expected name=value, "
            "with commas between. (A text needs its quotes, also if it has an apostrophe in it: "
            "{value!r} writes them.)"
        ) from None


def _as_python_writes(node: ast.expr) -> str:
    try:
        return repr(ast.literal_eval(node))
    except ValueError:  # a name such as top_conv, or anything else that is no value
        return ast.unparse(node)


def _settings_differ(got: dict, want: dict, axes=(), place="") -> str | None:
    for name in [*want, *got]:
        if name not in got:
            return f"{name}={want[name]} is missing: write every entry of `settings`."
        if name not in want:
            return f"the text names {name}, which isn't in `settings`."
        if got[name] != want[name]:
            return f"it must be {name}={want[name]}, and yours is {name}={got[name]}."
    return None


def _numbers_as(convert: Callable) -> Callable:
    """Write floats, and leave all else as it is."""
    return lambda v: convert(v) if isinstance(v, float) else repr(v)


QUOTES = "A text needs its quotes between the brackets of a call: {value!r} writes them."
ROUNDED = "Rounded settings give another map: write the value as it is, {value!r}."

settings_text = Exercise(
    id="7.2",
    right=lambda settings: _written(settings),
    inputs={
        "samples, noise and seed": lambda: ({"samples": 30, "noise": 0.15, "seed": 0},),
        "relu=False and a layer's name": lambda: ({"relu": False, "layer": "top_conv"},),
        "no settings at all": lambda: ({},),
        "seven settings, with None, zeros and unround numbers": lambda: (
            {
                "noise": 0.12345678901234567, "steps": 128, "layer": None, "smallest": 3.25e-08,
                "baseline": -0.5, "shift": 0.0, "batch": 1, "relu": True,
            },
        ),
        "texts with quotes and commas, a list and a tuple": lambda: (
            {
                "title": "the cat's \"eye\", left=0.5", "classes": [281, 0],
                "box": (150, 125, 224, 222), "note": "",
            },
        ),
    },
    truth="samples=30, noise=0.15, seed=0",
    normalise=_as_call,
    difference=_settings_differ,
    errors=[
        ("KeyError", "Another method has other settings: take the names from the dictionary, "
         "for name, value in settings.items()."),
        ("sequence item|must be str|concatenate", "Only texts can be joined: "
         "f\"{name}={value!r}\" makes one of a name and a value."),
        ("unpack", "settings.items() gives pairs of name and value; the dictionary by itself gives "
         "the names only."),
        ("format code|format string", "Not every value is a number: {value!r} writes them all."),
        ("float\\(\\)|int\\(\\)|convert|__round__", "Not every value is a number, so don't convert "
         "them: {value!r} writes each as it is."),
    ],
    wrong=[
        *[
            (lambda s, k=keep: _written(s, keep=k), sentence)
            for keep, sentence in [
                (lambda v: v, "Something that is 0, False, None or empty was left out. Each is a "
                 "setting like any other: no `if value`."),
                (lambda v: v is not None, "None was left out, and it is a setting like any "
                 "other."),
                (lambda v: v is not False, "False was left out, and it is a setting like any "
                 "other."),
                (lambda v: v is not None and v is not False, "None or False was left out, "
                 "and they are settings like any other."),
                (lambda v: v != 0, "0 or False was left out, and they are settings like any "
                 "other."),
                (lambda v: v != "", "An empty text was left out. It's a setting like any other."),
                (lambda v: not isinstance(v, bool), "True or False was left out, and they "
                 "are settings like any other."),
                (lambda v: isinstance(v, (int, float)), "Everything but numbers was left out: "
                 "texts, lists and None are settings too."),
            ]
        ],
        *[
            (lambda s, n=number: _written(s, of=slice(n)), "Only the first entries were written: "
             "write all of them, however many there are.")
            for number in (1, 2, 3, 4)
        ],
        (lambda s: _written(s, of=slice(1, None)), "The first entry is missing."),
        (lambda s: _written(s, of=slice(0, -1)), "The last entry is missing."),
        (lambda s: _written(s, value=str), QUOTES),
        (lambda s: _written(s, value=lambda v: f"'{v}'"), "Every value is in quotes, numbers too: "
         "{value!r} writes quotes only where they belong."),
        *[
            (lambda s, q=quote: _written(s, value=q), "Quotes by hand fail if the text has such a "
             "quote in it: {value!r} chooses the right ones.")
            for quote in (
                lambda v: f"'{v}'" if isinstance(v, str) else repr(v),
                lambda v: f'"{v}"' if isinstance(v, str) else repr(v),
            )
        ],
        (lambda s: _written(s, value=json.dumps), "This is JSON's spelling: false, true and null "
         "are False, True and None in Python. {value!r} writes Python."),
        (lambda s: _written(s, value=lambda v: str(v).lower()), "Capitals matter in Python: False "
         "isn't false. {value!r} writes each value as it is."),
        *[
            (lambda s, r=rounded: _written(s, value=_numbers_as(r)), ROUNDED)
            for rounded in (
                *(lambda v, n=n: f"{v:.{n}f}" for n in range(1, 9)),
                *(lambda v, n=n: repr(round(v, n)) for n in range(1, 9)),
                *(lambda v, n=n: f"{v:.{n}g}" for n in range(1, 17)),
                lambda v: f"{v:g}",
                lambda v: f"{v}"[:6],
            )
        ],
        (lambda s: _written(s, value=_numbers_as(lambda v: repr(int(v)))), "Fractions were cut "
         "off. " + ROUNDED),
        (lambda s: _written(s, value=lambda v: repr(float(v)) if type(v) is int else repr(v)),
         "Whole numbers became floats, such as 30.0: a method may not accept that as a number of "
         "samples. Write each value as it is, {value!r}."),
        (lambda s: _written(s, value=lambda v: repr(float(v)) if isinstance(v, int) else repr(v)),
         "Whole numbers, True and False became floats. Write each value as it is, {value!r}."),
        (lambda s: _written(s, value=lambda v: repr(int(v)) if isinstance(v, bool) else repr(v)),
         "True and False became 1 and 0. Write each value as it is, {value!r}."),
        (lambda s: _written(s, value=lambda v: repr(abs(v)) if isinstance(v, float) else repr(v)),
         "The minus sign is gone. Write each value as it is, {value!r}."),
        *[
            (lambda s, v=value: ", ".join(f"{n}={v(s, n)}" for n in ("samples", "noise", "seed")),
             "The names of one method were typed, and another has others: take them from the "
             "dictionary, for name, value in settings.items().")
            for value in (lambda s, n: repr(s.get(n)), lambda s, n: repr(s.get(n, 0)))
        ],
        (lambda s: ", ".join(f"{n}={s[n]!r}" for n in ("samples", "noise", "seed") if n in s),
         "The names of one method were typed, and everything else was left out: take them from "
         "the dictionary, for name, value in settings.items()."),
        (lambda s: "samples=30, noise=0.15, seed=0", "This is the example's text. Make it from the "
         "dictionary that the function is given."),
        (lambda s: _written(s, name=str.upper), "The names are in capitals: write them as they "
         "are."),
        (lambda s: _written(s | {"method": "grad_cam"}), "The text names something that isn't in "
         "`settings`: write its entries, and no more."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 7.3


def _inside(v, t, left, b, r):
    return v[t:b, left:r]


def _share(
    v, box, *, cut=_inside, inside=np.abs, whole=np.abs, total=np.sum, end=np.asarray, zero=0.0
):
    """The share of sum |M| in the box, and with a keyword, each way to get it wrong."""
    part, everything = total(inside(cut(v, *box))), total(whole(v))
    return end(part / everything) if np.any(v) else zero


def _map(*shape: int, seed: int = 0, scale: float = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def _positive(v) -> np.ndarray:
    return np.maximum(v, 0)


def _by_hand() -> np.ndarray:
    # Rows 1 and 2, columns 3 and 4: 3 + 5 + 1 + 3 = 12 of a total of 40.
    rows = [1, -2, 1, 0, 4, 1, 1], [2, 1, -1, 3, -5, 1, -1], [1, 0, 2, 1, 3, -1, 1]
    return np.array([*rows, [-1, 1, 0, 2, 1, -1, 1]], float)


AREA = "This is the share of the area, whatever the map is."

evidence_share = Exercise(
    id="7.3",
    right=lambda values, box: float(_share(np.asarray(values), box)),
    inputs={
        "a map of 4 x 7 pixels and the box (1, 3, 3, 5)": lambda: (_by_hand(), (1, 3, 3, 5)),
        "a map of 6 x 4 pixels and the box (2, 0, 6, 1) at its edge": lambda: (
            _map(6, 4), (2, 0, 6, 1),
        ),
        "a map of 7 x 7 pixels and the box (0, 2, 3, 6)": lambda: (_map(7, 7), (0, 2, 3, 6)),
        "a map with very small numbers": lambda: (_map(5, 5, scale=3e-9), (1, 2, 4, 3)),
        "a map whose numbers sum to 0": lambda: (
            np.array([[1.0, -2.0, 4.0], [0.5, 0.5, -4.0]]), (0, 1, 1, 3),
        ),
        "a map without positive numbers": lambda: (-np.abs(_map(4, 3, seed=2)), (1, 0, 2, 3)),
        "a box that holds very little": lambda: (
            np.array([[0.137, -40, 30], [25, 20, -15]]), (0, 0, 1, 1),
        ),
        "a box that holds the whole picture": lambda: (_map(3, 3, seed=3), (0, 0, 3, 3)),
        "a box of one pixel": lambda: (_map(3, 5, seed=4), (2, 4, 3, 5)),
        "a map that is zero everywhere": lambda: (np.zeros((4, 6)), (1, 3, 3, 5)),
    },
    truth=0.3,
    errors=[
        ("ZeroDivision", "A map that is zero everywhere has the total 0, and zero was divided by "
         "zero. Return 0.0 for it."),
        ("slice indices|unpack", "`box` holds four whole numbers: "
         "top, left, bottom, right = box."),
        ("too many indices", "Four numbers cut nothing out by themselves: values[top:bottom, "
         "left:right]."),
        ("out of bounds", "The map isn't always as large as in the notebook: use `box`, as slices, "
         "[top:bottom, left:right]."),
        ("ambiguous", "Test one number, the total: `if total`."),
    ],
    wrong=[
        *[
            (lambda v, b, k=keywords, z=zero: _share(v, b, zero=z, **k), sentence)
            for keywords, sentence in [
                ({"inside": np.asarray, "whole": np.asarray}, "This is a share of the map with its "
                 "signs, in which rising and falling cancel; such a share can exceed 1 or be "
                 "negative. Take |map| first."),
                ({"inside": np.asarray, "whole": np.asarray, "end": np.abs}, "Rising and falling "
                 "cancelled before |...| was taken: first |map|, then the sums."),
                ({"inside": np.asarray}, "Inside the box the signs are still there: |map| in both "
                 "sums."),
                ({"inside": np.asarray, "end": np.abs}, "Inside the box |...| was taken of the "
                 "sum. Take |map| first, then the sum."),
                ({"whole": np.asarray}, "The total is taken with signs: |map| in both sums."),
                ({"inside": _positive, "whole": _positive}, "Negative values were dropped: take "
                 "|map| of all."),
                ({"inside": _positive}, "Inside the box negative values were dropped: take |map| "
                 "of all."),
                ({"inside": np.square, "whole": np.square}, "These are squares: take |map|, the "
                 "absolute value."),
                ({"total": np.max}, "This compares the largest values. Sum over sum."),
                ({"total": np.mean}, "This is the mean in the box over the mean of the map. The "
                 "share is sum over sum."),
                ({"whole": np.ones_like}, "The sum in the box was divided by the number of pixels. "
                 "Divide it by the total of the whole map."),
                ({"total": lambda x: x.mean(), "whole": lambda v: np.ones(1)}, "This is the mean "
                 "in the box. The share is sum over sum."),
                ({"whole": lambda v: np.ones(1)}, "This is the sum in the box. Divide it by the "
                 "total of the whole map."),
                ({"inside": np.ones_like, "whole": np.ones_like}, AREA),
                ({"end": lambda x: 1 - x}, "This is the share outside of the box."),
                ({"end": lambda x: 100 * x}, "This is a percentage. Return a fraction from 0 to 1; "
                 "{:.0%} prints it in per cent."),
                ({"end": lambda x: 1 / x}, "This is the total divided by the part. Divide the part "
                 "by the total."),
                ({"end": lambda x: x / (1 - x)}, "This is the box divided by the rest. Divide by "
                 "the total of the whole map."),
                *[
                    ({"cut": cut}, sentence)
                    for cut, sentence in [
                        (lambda v, y, x, Y, X: v[x:X, y:Y], "Rows and columns are swapped: "
                         "[top:bottom, left:right]."),
                        (lambda v, y, x, Y, X: v[y : y + Y, x : x + X], "The last two numbers were "
                         "taken for height and width. They are bottom and right."),
                        (lambda v, y, x, Y, X: v[y : Y + 1, x : X + 1], "bottom and right are the "
                         "first row and column outside of the box: without + 1."),
                        (lambda v, y, x, Y, X: v[y : Y - 1, x : X - 1], "The slice ends before its "
                         "end already: [top:bottom, left:right], without - 1."),
                        (lambda v, y, x, Y, X: v[y + 1 : Y, x + 1 : X], "The box begins one row "
                         "and one column too late: both are counted from 0, without + 1."),
                        (lambda v, y, x, Y, X: v[y:Y][x:X], "[top:bottom][left:right] slices the "
                         "rows twice. Both go into the same brackets: [top:bottom, left:right]."),
                        *[(c, "Only one direction was cut out: [top:bottom, left:right].") for c in
                          (lambda v, y, x, Y, X: v[y:Y], lambda v, y, x, Y, X: v[:, x:X])],
                        *[(c, "The four numbers are in another order: top, left, bottom, right = "
                           "box.") for c in
                          (lambda v, y, x, Y, X: v[y:x, Y:X], lambda v, y, x, Y, X: v[y:X, x:Y])],
                        *[(c, "The box has a beginning and an end: [top:bottom, left:right].") for c
                          in (lambda v, y, x, Y, X: v[:Y, :X], lambda v, y, x, Y, X: v[y:, x:])],
                        (lambda v, *_: v[1:3, 3:5], "The box is always the same: use the four "
                         "numbers of `box`."),
                        (lambda v, *_: v[:0], "The slice is empty. Does it use the four numbers of "
                         "`box`, in their order? top, left, bottom, right = box."),
                    ]
                ],
            ]
            for zero in (0.0, np.nan)
        ],
        (lambda v, b: _share(np.ones_like(v), b), AREA),
        (lambda v, b: 1 - _share(v, b), "This is the share outside of the box."),
        (lambda v, b: _share(v, b) > 0.5, "This says whether more than half is in the box. Return "
         "the share itself."),
        (lambda v, b: [_share(v, b)], "Right, but in a list or an array: return the number."),
        (lambda v, b: _share(v, b, inside=_positive, whole=_positive) if _positive(v).any() else 0,
         "Negative values were dropped: take |map| of all."),
        (lambda v, b: _share(v, b) if v.sum() else 0.0, "The test for zero is the map's sum with "
         "signs, which can be 0 with much in it. Take the sum of |map|."),
        *[
            (lambda v, b, z=zero: _share(v, b, zero=z), "A map that is zero everywhere was divided "
             "by its total, zero by zero. Grad-CAM makes such maps: return 0.0 for them.")
            for zero in (np.nan, 1.0)
        ],
        *[
            (lambda v, b, e=e: np.abs(_inside(v, *b)).sum() / (np.abs(v).sum() + e), "Something "
             "was added to the total: the same map in another unit has another share. Test for "
             "zero with an if instead.")
            for e in (1, 1e-2, 1e-4, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
        ],
        *[
            (lambda v, b, e=e: _share(v, b) if np.abs(v).sum() > e else 0.0, "A map with small "
             "numbers was taken for zero. Return 0.0 only where the total is exactly 0.")
            for e in (1e-2, 1e-6)
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 7.4


_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def _fact(heading: str, text: str) -> str:
    return f"<h2>{heading}</h2><p>{text}</p>"


def _card(
    title, png, alt, facts, *, in_title=html.escape, in_alt=html.escape, in_heading=html.escape,
    in_text=html.escape, quote='"', order=list, fact=_fact, top=True, of_alt=None,
):  # fmt: skip
    """The page, and with a keyword, each way to get it wrong."""
    data = base64.b64encode(png).decode("ascii")
    alt = in_alt(alt if of_alt is None else of_alt(title))
    picture = f"<img src='data:image/png;base64,{data}' alt={quote}{alt}{quote}>"
    body = "".join(fact(in_heading(h), in_text(t)) for h, t in order(facts.items()))
    body = picture + body if top else body + picture
    title = in_title(title)
    head = f'<meta charset="utf-8"><title>{title}</title>'
    return f"<!doctype html><html><head>{head}</head><body><h1>{title}</h1>{body}</body></html>"


def _headings_first(title, png, alt, facts):
    found = _card(title, png, alt, facts, fact=lambda h, t: f"<h2>{h}</h2>")
    texts = "".join(f"<p>{html.escape(text)}</p>" for text in facts.values())
    return found.replace("</body>", f"{texts}</body>")


class _Parts(HTMLParser):
    """Reads a page as a browser does: its headings, paragraphs and pictures, in their order."""

    _BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "dt", "dd", "th", "td", "pre")

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[list] = []  # [tag, text], and for a picture ["img", alt, src]
        self.charset = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if tag == "img":
            self.parts.append(["img", attributes.get("alt", ""), attributes.get("src", "")])
        elif tag == "meta":
            content = attributes.get("content", "").rpartition("charset=")[2]
            self.charset = attributes.get("charset") or self.charset or content
        elif tag in self._BLOCKS:
            if self._open[-1:] == ["p"]:  # the next block ends a paragraph
                self._open.pop()
            self._open.append(tag)
            self.parts.append([" in ".join(reversed(self._open)), ""])
        elif tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data):
        if self._open[-1:] in (["script"], ["style"]) or not data.strip():
            return
        if not self._open:  # text without a block of its own
            self.parts.append(["text", data])
        else:
            self.parts[-1][1] += data


def _read(page: Any) -> dict[str, Any]:
    """Return what a browser makes of a page: its name, and its parts in their order."""
    if page is None:
        raise Mistake(NOTHING)
    if isinstance(page, bytes):
        raise Mistake("These are bytes: return a text.")
    if not isinstance(page, str):
        kind = type(page).__name__
        raise Mistake(f"The function must return the text of a web page, not an object ({kind}).")
    name = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    if "&lt;title" in page:
        raise Mistake(
            "Readers see the page's code: the whole page was escaped. Escape what a person typed, "
            "piece by piece, before it goes into the page."
        )
    if not name:
        raise Mistake("The page has no <title>, its name in the browser: `PAGE` has one.")
    read = _Parts(page.replace(name[0], ""))
    parts = [[part[0], " ".join(part[1].split()), *part[2:]] for part in read.parts]
    pictures = [part for part in parts if part[0] == "img"]
    if not pictures:
        if any("<img" in part[1] for part in parts):
            raise Mistake(
                "Readers see the code <img ...> instead of the picture: the body was escaped as a "
                "whole. Escape what a person typed, piece by piece, before it goes into the body."
            )
        raise Mistake(
            "There's no <img> on the page. Does the body begin with it, and are the facts added to "
            "it with +=?"
        )
    for part in pictures:
        part[2] = _bytes_in(part[2])
    for tag in re.findall("<(?:img|link|script)[^>]*>", page):
        if "data:" not in tag:
            raise Mistake(f"The page needs {_short(tag)}: it must open offline, and alone.")
    if read.charset.strip("\"' ").lower() not in ("utf-8", "utf8"):
        raise Mistake(
            'The page needs <meta charset="utf-8">, which says how its letters are stored: without '
            "it an é may arrive as Ã©. `PAGE` has it."
        )
    if not any(part[0] == "h1" for part in parts):
        raise Mistake("The title isn't on the page itself: put it into an <h1>, as `PAGE` does.")
    if not any(part[1] for part in pictures):
        raise Mistake(
            "The picture has no alt text, which a blind reader hears instead of it: "
            'alt="...", with the description that the function is given.'
        )
    title = " ".join((name[1] if "<" in name[1] else html.unescape(name[1])).split())
    if "<" in name[1]:
        title += " (not escaped)"
    return {"title": title, "parts": parts}


def _bytes_in(src: str) -> bytes:
    """Return the picture in a `src`; Mistake if it isn't there."""
    head, _, data = src.partition(",")
    if not src.startswith("data:"):
        raise Mistake(
            f"The picture's src is {_short(src)}, another file. Sent on alone, the page would show "
            'nothing: put the bytes into the page, "data:image/png;base64,...".'
        )
    if data.startswith("b'"):
        raise Mistake(
            "The data begin with b', which is how Python prints bytes. Turn them into a text: "
            'base64.b64encode(png).decode("ascii").'
        )
    if head != "data:image/png;base64":
        raise Mistake(f"The src begins with {head!r}, and must with 'data:image/png;base64'.")
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        raise Mistake(
            "The picture's data aren't base64: base64.b64encode(png).decode(\"ascii\")."
        ) from None


def _pages_differ(got: dict, want: dict, axes=(), place="") -> str | None:
    if found := difference(got["title"], want["title"], (), "the <title>"):
        return found
    before = ""
    for g, w in zip_longest(got["parts"], want["parts"]):
        if g and w and g[0] == w[0]:
            what = "the alt text" if w[0] == "img" else f"the text of {_named(w)}"
            if found := difference(g[1], w[1], (), what):
                return found
            if g != w:
                return "the picture's data aren't the bytes that the function is given."
        elif g != w:
            return f"{before}the page must have {_named(w)}, and yours has {_named(g)}."
        before = f"after {_named(w)}, "
    return None


def _named(part: list | None) -> str:
    if part is None:
        return "nothing more"
    return f"<{part[0]}>" + ("" if part[0] == "img" else f" {_short(part[1])}")


def _twice(text: str) -> str:
    return html.escape(html.escape(text))


NOT_ESCAPED = "isn't escaped, and what a person typed became part of the page's code"
TWICE = "is escaped twice: readers see &lt; or &amp;. Once is right"

card_html = Exercise(
    id="7.4",
    right=lambda title, png, alt, facts: _card(title, png, alt, facts),
    inputs={
        "a card with two facts": lambda: (
            "My card", _PNG, "Two maps of a cat", {"Settings": "seed=0", "Network": "Lite0"},
        ),
        "a title, an alt text and facts with <, &, quotes and apostrophes": lambda: (
            "Is <b>it</b> R&amp;D & a dog?", _PNG[::-1],
            "The cat's \"eye\" > 0 in <i>front</i> of R&amp;D",
            {"Mind <i>& more</i>": "p < 0.5 &amp; q > 0", "On &lt;": "it's <i>\"this\"</i> & é"},
        ),
        "a card without facts": lambda: ("No facts", _PNG, "A dot", {}),
        "a card with four facts, and braces in it": lambda: (
            "{title} and {0}", _PNG, "{alt}",
            {"Maps": "{body}", "Area": "the same", "Prediction": "the same", "Box": "{}"},
        ),
    },
    truth=(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>My card</title></head>'
        f'\n<body>\n<h1>My card</h1>\n<img src="data:image/png;base64,'
        f'{base64.b64encode(_PNG).decode()}" alt="Two maps of a cat">\n<h2>Settings</h2>'
        "<p>seed=0</p>\n<h2>Network</h2><p>Lite0</p>\n</body></html>"
    ),
    normalise=_read,
    difference=_pages_differ,
    errors=[
        ("bytes-like|not .?bytes|can't concat", "png is bytes, and a page is a text: "
         'base64.b64encode(png).decode("ascii").'),
        ("unpack", "facts.items() gives pairs of heading and text; the dictionary by itself gives "
         "the headings only."),
        ("KeyError: '(title|body)'", "PAGE.format needs both names, title=... and body=..., in one "
         "call, with the finished body: a { that a person typed must stay as it is."),
        ("IndexError: Replacement|KeyError|Single '|unmatched", "A { that a person typed was taken "
         "for a place to fill in. Call PAGE.format(...) once, with the finished body."),
        ("'.*' object has no attribute 'replace'", "html.escape takes a text: each heading and "
         "each text by itself."),
    ],
    wrong=[
        *[
            (lambda *a, k=keywords: _card(*a, **k), sentence)
            for keywords, sentence in [
                (dict.fromkeys(["in_title", "in_alt", "in_heading", "in_text"], str),
                 f"Anything that a person typed {NOT_ESCAPED}: html.escape for title, alt text, "
                 "headings and texts."),
                (dict.fromkeys(["in_heading", "in_text"], str), f"What is in `facts` "
                 f"{NOT_ESCAPED}: html.escape for headings and texts."),
                ({"in_title": str}, f"The title {NOT_ESCAPED}: html.escape(title)."),
                ({"in_heading": str}, f"A fact's heading {NOT_ESCAPED}: html.escape(heading)."),
                ({"in_text": str}, f"A fact's text {NOT_ESCAPED}: html.escape(text)."),
                *[
                    ({"in_alt": escape, "quote": quote}, "The alt text ends at the first quote or "
                     "apostrophe in it: html.escape(alt) makes both safe, without quote=False.")
                    for escape in (str, lambda a: html.escape(a, quote=False))
                    for quote in "\"'"
                ],
                ({"quote": ""}, "The alt text ends at its first space: it needs quotes around it, "
                 'alt="...".'),
                (dict.fromkeys(["in_title", "in_alt", "in_heading", "in_text"], _twice),
                 f"Everything {TWICE}."),
                ({"in_title": _twice}, f"The title {TWICE}."),
                ({"in_alt": _twice}, "The alt text is escaped twice: a listener would hear the "
                 "signs of the code. Once is right."),
                (dict.fromkeys(["in_heading", "in_text"], _twice), f"What is in `facts` {TWICE}."),
                ({"in_heading": _twice}, f"A fact's heading {TWICE}."),
                ({"in_text": _twice}, f"A fact's text {TWICE}."),
                ({"order": sorted}, "The facts are sorted. Leave them in their order."),
                ({"order": lambda f: list(f)[::-1]}, "The facts are in the reverse order."),
                ({"order": lambda f: list(f)[:1]}, "Only the first of the facts is on the page. "
                 "Write every entry of `facts`."),
                ({"order": lambda f: list(f)[-1:]}, "Only the last of the facts is on the page: "
                 "add each to the body, +=."),
                ({"order": lambda f: []}, "The facts are missing: write every entry of `facts`."),
                ({"top": False}, "The picture comes last. It belongs before the facts."),
                ({"of_alt": lambda title: title}, "The alt text is the title. It must be the "
                 "description that the function is given, `alt`."),
                ({"of_alt": lambda title: "a picture"}, "The alt text must be the description that "
                 "the function is given, `alt`."),
                ({"fact": lambda h, t: f"<h2>{h}</h2>"}, "The texts of the facts are missing: a "
                 "<p> after each <h2>."),
                ({"fact": lambda h, t: f"<p>{t}</p>"}, "The headings of the facts are missing: an "
                 "<h2> before each <p>."),
                ({"fact": lambda h, t: f"<p>{h}</p><p>{t}</p>"}, "The headings are paragraphs. A "
                 "screen reader jumps from heading to heading: make each an <h2>."),
                ({"fact": lambda h, t: f"<h2>{h}</h2><h2>{t}</h2>"}, "The texts are headings: put "
                 "each into a <p>."),
                ({"fact": lambda h, t: f"<p>{h}</p><h2>{t}</h2>"}, "<h2> and <p> are swapped: the "
                 "heading is the <h2>, and the text the <p>."),
                ({"fact": lambda h, t: f"<h2>{t}</h2><p>{h}</p>"}, "Heading and text are swapped: "
                 "the heading is the <h2>, and the text the <p>."),
                ({"fact": lambda h, t: f"<p>{t}</p><h2>{h}</h2>"}, "The text comes before its "
                 "heading: first the <h2>, then the <p>."),
                *[
                    ({"fact": lambda h, t, n=n: f"<h{n}>{h}</h{n}><p>{t}</p>"}, "The headings of "
                     "the facts must be <h2>, the next level after the title's <h1>.")
                    for n in (1, 3, 4)
                ],
                *[
                    ({"fact": lambda h, t, s=s: f"<p>{h}{s}{t}</p>"}, "Heading and text are in one "
                     "paragraph. A screen reader jumps from heading to heading: make it an <h2>, "
                     "and the text a <p>.")
                    for s in (": ", " ", " = ")
                ],
                ({"fact": lambda h, t: f"<h2>{h}: {t}</h2>"}, "Heading and text are in one "
                 "heading: the heading is the <h2>, and the text a <p>."),
                ({"fact": lambda h, t: f"<tr><th>{h}</th><td>{t}</td></tr>"}, "The facts are in a "
                 "table. Use an <h2> and a <p>: a screen reader jumps from heading to "
                 "heading."),
                ({"fact": lambda h, t: f"<h2>{h}</h2>{t}"}, "The texts of the facts need a <p>."),
                ({"fact": lambda h, t: f"<h2>{h}<h2><p>{t}<p>"}, "The tags are not closed: "
                 "</h2> and </p>, with a slash."),
                ({"fact": lambda h, t: f"<h2>{h}<p>{t}</p>"}, "The headings are not closed: "
                 "</h2>."),
            ]
        ],
        (_headings_first, "All headings come first, and then all texts. Each <p> belongs right "
         "after its <h2>."),
        (lambda t, *rest: _card("My card", *rest), "The title is always the same: use `title`."),
        (lambda t, p, a, f: _card(t, _PNG, a, f), "The picture is always the same: use `png`."),
        (lambda t, p, a, f: _card(t, p, a, {"Settings": "seed=0", "Network": "Lite0"}), "The facts "
         "are always the same: use `facts`."),
        (lambda t, p, a, f: _card(t, p, a, f, in_text=lambda x: x.replace("<", "&lt;")), "In the "
         "texts only < is replaced, and a typed &lt; becomes <. html.escape does it all."),
    ],
)  # fmt: skip
