"""Self-checks of the exercises: right, not done yet, or what the mistake probably is.

Each check takes the function that a student wrote, tries it on small cases whose answer is known
without this package (the weights of a linear model, numbers worked out by hand), prints one
verdict, and returns a function to go on with: the student's if it is right, a working one if not.
So nobody is stuck, and an untouched notebook runs to its end. A check never raises.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable

import numpy as np


class _Mistake(Exception):
    """A wrong answer; the text names the misconception behind it."""


def best_label(student: Callable) -> Callable:
    """Exercise 0.1: best_label(classifier, picture) -> the label of the most probable class."""
    from course_utils import load_image

    def working(classifier, picture):
        return classifier.predict(picture, top=1)[0][0].label

    def cases(student):
        classifier = _classifier()
        answers = {name: student(classifier, load_image(name)) for name in ("coffee", "banana")}
        truth = {"coffee": "espresso", "banana": "banana"}
        for answer in answers.values():
            if isinstance(answer, (list, tuple)) and not hasattr(answer, "label"):
                raise _Mistake(
                    "predict returns a list with one entry a picture, and each entry is a list of "
                    "classes. Take the first picture, then the first class: [0][0]."
                )
            if hasattr(answer, "label"):
                raise _Mistake("That is the whole prediction. Its name alone is its .label.")
            if not isinstance(answer, str):
                raise _Mistake(f"A label is a text such as 'espresso', and this is {answer!r}.")
        if answers["coffee"] == answers["banana"]:
            raise _Mistake(
                f"The answer is {answers['coffee']!r} for a cup of coffee and for a banana alike: "
                "use the picture that is given to the function."
            )
        for name, answer in answers.items():
            if answer != truth[name]:
                raise _Mistake(
                    f"For {name!r} the most probable class is {truth[name]!r}, not {answer!r}. The "
                    "most probable class comes first in the list."
                )

    return _verdict("0.1", student, working, cases)


def softmax(student: Callable) -> Callable:
    """Exercise 0.2: softmax(scores) -> probabilities, (B, classes) both, each row for itself."""

    def working(scores):
        scores = np.asarray(scores, float)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def cases(student):
        # exp(0) : exp(ln 3) = 1 : 3, and equal scores share evenly.
        scores = np.array([[0.0, np.log(3.0)], [2.0, 2.0]])
        p = _array(student, scores, shape=(2, 2))
        truth = np.array([[0.25, 0.75], [0.5, 0.5]])
        if np.allclose(p, np.exp(scores) / np.exp(scores).sum()):
            raise _Mistake(
                "All numbers of the batch together sum to 1. Each picture has its own "
                "probabilities: sum over the classes only, axis=1, with keepdims=True."
            )
        if np.allclose(p, np.exp(scores) / np.exp(scores).sum(axis=0)):
            raise _Mistake("The columns sum to 1: axis=0 goes over the pictures. Classes: axis=1.")
        if np.allclose(p, np.exp(scores)):
            raise _Mistake("exp(S) is not a probability yet: divide by the sum over the classes.")
        if np.allclose(p, scores / scores.sum(axis=1, keepdims=True)):
            raise _Mistake("The exp is missing: scores can be negative, probabilities cannot.")
        if not np.allclose(p, truth):
            raise _Mistake(f"Scores 0 and ln 3 give 1/4 and 3/4, not {p[0].round(3).tolist()}.")
        with np.errstate(all="ignore"):
            large = _array(student, np.array([[1000.0, 1000.0]]), shape=(1, 2))
        if not np.allclose(large, 0.5):
            raise _Mistake(
                "Right for small scores, but exp(1000) is infinite, and the result is "
                f"{large[0].tolist()}. Subtract the largest score of the row first: that changes "
                "no ratio."
            )

    return _verdict("0.2", student, working, cases)


def gradients(student: Callable) -> Callable:
    """Exercise 2.1: gradients(score_model, inputs, class_index) -> d S_c / d inputs."""
    from course_utils import vanilla_gradients

    def cases(student):
        model, w = _linear_model()
        x = np.random.default_rng(1).normal(size=(2, 3, 4, 2)).astype(np.float32)
        g = student(model, x.copy(), 1)
        if g is None:
            raise _Mistake(
                "The tape returned None: it did not see how the score comes from the inputs. Make "
                "them a tensor, and call tape.watch(inputs) before the model is called."
            )
        if isinstance(g, (list, tuple)):
            raise _Mistake(
                "That is a list of gradients, as for the weights. The question is the gradient "
                "with respect to the inputs: tape.gradient(score, inputs)."
            )
        g = _array(lambda: g, shape=x.shape)
        if np.allclose(g, w[1], atol=1e-5):
            return
        p = _softmax_rows(model(x).numpy())
        if np.allclose(g, w.sum(axis=0), atol=1e-5):
            raise _Mistake(
                "This is the gradient of the sum over all classes. Pick the score of one class "
                "first: scores[:, class_index]."
            )
        if np.allclose(g, w[0], atol=1e-5):
            raise _Mistake("This is always the gradient of class 0: use class_index.")
        of_probability = p[:, 1, None, None, None] * (w[1] - np.einsum("bk,khwc->bhwc", p, w))
        if np.allclose(g, of_probability, atol=1e-5):
            raise _Mistake(
                "This is the gradient of the probability. The model given to the function ends in "
                "scores already: leave the softmax out."
            )
        if np.allclose(g, of_probability / p[:, 1, None, None, None], atol=1e-5):
            raise _Mistake("This is the gradient of the log-probability: leave the softmax out.")
        if np.allclose(g, np.abs(w[1]), atol=1e-5):
            raise _Mistake("The signs are gone. Keep them here; |g| belongs to the display.")
        if np.allclose(g, -w[1], atol=1e-5):
            raise _Mistake("The sign is turned round: differentiate the score itself, not a loss.")
        if np.allclose(g, w[1] * x, atol=1e-5):
            raise _Mistake("This is gradient times input. The gradient alone is asked for here.")
        raise _Mistake(
            "For a linear model S_c = w_c . x the gradient must be w_c, whatever the input, and "
            "this is not."
        )

    return _verdict("2.1", student, vanilla_gradients, cases)


def saliency_map(student: Callable) -> Callable:
    """Exercise 2.2: saliency_map(gradient) -> max over channels of |gradient|, (B, H, W)."""

    def working(gradient):
        return np.abs(gradient).max(axis=-1)

    def cases(student):
        gradient = np.zeros((2, 2, 3, 3))
        gradient[0, 0, 0] = [1, -5, 2]
        gradient[1, 1, 2] = [0.5, 0.25, 0]
        before = gradient.copy()
        m = _array(student, gradient, shape=None)
        if not np.array_equal(gradient, before):
            raise _Mistake("The gradient itself was changed. Make a new array instead.")
        if m.shape == (2, 3, 3):
            raise _Mistake("axis=0 or 1 is not the channels: they are the last axis, axis=-1.")
        if m.shape != (2, 2, 3):
            raise _Mistake(f"One number a pixel has the shape (2, 2, 3) here, not {m.shape}.")
        for value, hint in (
            (2.0, "The largest gradient is not the strongest: -5 is stronger than 2. |g| first."),
            (-5.0, "The result must not be negative: take |g| first, then the largest."),
            (8.0, "This is the sum over the channels; the paper takes the largest."),
            (8 / 3, "This is the mean over the channels; the paper takes the largest."),
            (-2 / 3, "This is the mean with signs, in which colours cancel. |g| first, then max."),
        ):
            if np.isclose(m[0, 0, 0], value):
                raise _Mistake(hint)
        if not np.allclose(m, working(before)):
            raise _Mistake("A pixel with the gradients 1, -5 and 2 must get 5, each picture alone.")

    return _verdict("2.2", student, working, cases)


# ------------------------------------------------------------------------------ how checks work


def _verdict(name: str, student: Callable, working: Callable, cases: Callable) -> Callable:
    """Try the student's function, print what is to be said, return a function to go on with."""

    def watched(*args):
        answer = student(*args)
        if answer is ...:
            raise NotImplementedError
        return answer

    go_on = "Until then the notebook goes on with a working version."
    try:
        cases(watched)
    except NotImplementedError:
        print(f"Exercise {name}: not done yet. {go_on}")
    except _Mistake as mistake:
        print(f"Exercise {name}: not right yet. {mistake} {go_on}")
    except Exception as error:  # whatever the student's code does, the notebook runs on
        place = traceback.extract_tb(error.__traceback__)[-1]
        line = f" at: {place.line}" if place.line else ""
        print(
            f"Exercise {name}: not right yet. Your function stopped with {type(error).__name__}: "
            f"{str(error)[:300]}{line}. {go_on}"
        )
    else:
        print(f"Exercise {name}: right, well done.")
        return student
    return working


def _array(student: Callable, *args, shape) -> np.ndarray:
    """Call the student's function and return its answer as numbers of the expected shape."""
    answer = student(*args)
    if answer is None:
        raise _Mistake("The function returns nothing: is the `return` missing?")
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Mistake(f"Expected an array of numbers, not {type(answer).__name__}.") from None
    if shape is not None and answer.shape != shape:
        raise _Mistake(f"The result has the shape {answer.shape}; expected {shape}.")
    return answer


@functools.cache
def _classifier():
    """Return the embedded classifier, loaded once for all checks."""
    from course_utils import load_classifier

    return load_classifier()


def _linear_model():
    """Return a model with three linear scores of (3, 4, 2) inputs, and its known weights w_c."""
    from course_utils._tensorflow import keras

    w = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype(np.float32)
    dense = keras.layers.Dense(3, use_bias=False)
    model = keras.Sequential([keras.Input((3, 4, 2)), keras.layers.Flatten(), dense])
    dense.set_weights([w.reshape(3, -1).T])
    return model, w


def _softmax_rows(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
