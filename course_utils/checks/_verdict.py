"""How a check works: try the student's function, print one verdict, hand a function back."""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable, Sequence

import numpy as np

from course_utils import progress


class Mistake(Exception):
    """A wrong answer; the text names the misconception behind it."""


def verdict(
    name: str,
    student: Callable,
    working: Callable,
    cases: Callable,
    errors: Sequence[tuple[str, str]] = (),
) -> Callable:
    """Try the student's function, print what is to be said, return a function to go on with.

    `errors` are pairs of a pattern and a hint: what an error of NumPy or TensorFlow, which speaks
    of shapes and of tensors, says about this exercise. The first pattern found counts.
    """

    def watched(*args):
        answer = student(*args)
        if answer is ...:
            raise NotImplementedError
        return answer

    def handed_out(*args, **kwargs):
        return working(*args, **kwargs)

    handed_out.from_the_course = True
    if getattr(student, "from_the_course", False):
        print(
            f"Exercise {name}: this is the course's working version, not yours. Run the cell with "
            "your function again, then this one; if that cell shows an error, mend it first."
        )
        return student
    go_on = "Until then the notebook goes on with a working version."
    try:
        cases(watched)
    except NotImplementedError:
        print(f"Exercise {name}: not done yet. {go_on}")
    except Mistake as mistake:
        print(f"Exercise {name}: not right yet. {mistake} {go_on}")
        _keep(name, right=False)
    except Exception as error:  # whatever the student's code does, the notebook runs on
        reason = (str(error).splitlines() or [""])[0][:300].rstrip(".")
        hints = [f"{hint} " for pattern, hint in errors if re.search(pattern, str(error))]
        if "'ellipsis'" in str(error):  # the type of `...`
            hints = ["There is still a `...` in your function. "]
        print(
            f"Exercise {name}: not right yet. {(hints or [''])[0]}Your function stopped"
            f"{_place(student, error)} with {type(error).__name__}: {reason}. {go_on}"
        )
        _keep(name, right=False)
    else:
        print(f"Exercise {name}: right, well done.")
        _keep(name, right=True)
        return student
    return handed_out


def _keep(name: str, right: bool) -> None:
    """Note the verdict in the file of your progress; where that cannot be, say so once."""
    try:
        progress.record(name, right)
    except OSError as error:
        _say_once(f"(Your progress is not kept, the lesson goes on all the same: {error})")


@functools.cache
def _say_once(text: str) -> None:
    print(text)


def _place(student: Callable, error: Exception) -> str:
    """Return where in the student's own code it happened, not where in the libraries."""
    file = getattr(getattr(student, "__code__", None), "co_filename", None)
    lines = [f.line for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" at `{lines[-1]}`" if lines and lines[-1] else ""


def answer_array(student: Callable, *args, shape) -> np.ndarray:
    """Call the student's function and return its answer as numbers of the expected shape."""
    answer = student(*args)
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise Mistake(f"Expected an array of numbers, not {type(answer).__name__}.") from None
    if shape is not None and answer.shape != shape:
        raise Mistake(f"The result has the shape {answer.shape}; expected {shape}.")
    return answer


@functools.cache
def classifier():
    """Return the embedded classifier, loaded once for all checks."""
    from course_utils import load_classifier

    return load_classifier()


def linear_model():
    """Return a model with three linear scores of (3, 4, 2) inputs, and its known weights w_c."""
    from course_utils.network.tensorflow import keras

    w = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype(np.float32)
    dense = keras.layers.Dense(3, use_bias=False)
    model = keras.Sequential([keras.Input((3, 4, 2)), keras.layers.Flatten(), dense])
    dense.set_weights([w.reshape(3, -1).T])
    return model, w


def softmax_rows(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
