"""Checks of lesson 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, classifier, verdict

__all__ = ["best_label", "softmax"]


def best_label(student: Callable) -> Callable:
    """Exercise 0.1: best_label(classifier, picture) -> the label of the most probable class."""
    from course_utils import load_image

    def working(classifier, picture):
        return classifier.predict(picture, top=1)[0][0].label

    def cases(student):
        network = classifier()
        answers = {name: student(network, load_image(name)) for name in ("coffee", "banana")}
        truth = {"coffee": "espresso", "banana": "banana"}
        for answer in answers.values():
            if isinstance(answer, (list, tuple)) and not hasattr(answer, "label"):
                raise Mistake(
                    "predict returns a list with one entry a picture, and each entry is a list of "
                    "classes. Take the first picture, then the first class: [0][0]."
                )
            if hasattr(answer, "label"):
                raise Mistake("That is the whole prediction. Its name alone is its .label.")
            if answer is None:
                raise Mistake("The function returns nothing: is the `return` missing?")
            if not isinstance(answer, str):
                raise Mistake(f"A label is a text such as 'espresso', and this is {answer!r}.")
        if answers["coffee"] == answers["banana"]:
            raise Mistake(
                f"The answer is {answers['coffee']!r} for a cup of coffee and for a banana alike: "
                "use the picture that is given to the function."
            )
        for name, answer in answers.items():
            if answer != truth[name]:
                raise Mistake(
                    f"For {name!r} the most probable class is {truth[name]!r}, not {answer!r}. The "
                    "most probable class comes first in the list."
                )

    errors = [
        ("'list' object", "A list has no label. predict returns a list of pictures, of which each "
         "is a list of classes: take the first picture, then the first class, [0][0]."),
    ]  # fmt: skip
    return verdict("0.1", student, working, cases, errors)


def softmax(student: Callable) -> Callable:
    """Exercise 0.2: softmax(scores) -> probabilities, (B, classes) both, each row for itself."""

    def working(scores):
        scores = np.asarray(scores, float)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def cases(student):
        # exp(0) : exp(ln 3) = 1 : 3, and equal scores share evenly.
        scores = np.array([[0.0, np.log(3.0)], [2.0, 2.0]])
        before = scores.copy()
        p = answer_array(student, scores, shape=(2, 2))
        if not np.array_equal(scores, before):
            raise Mistake("The scores themselves were changed. Make a new array: scores - ...")
        truth = np.array([[0.25, 0.75], [0.5, 0.5]])
        if np.allclose(p, np.exp(scores) / np.exp(scores).sum()):
            raise Mistake(
                "All numbers of the batch together sum to 1. Each picture has its own "
                "probabilities: sum over the classes only, axis=1, with keepdims=True."
            )
        if np.allclose(p, np.exp(scores) / np.exp(scores).sum(axis=0)):
            raise Mistake("The columns sum to 1: axis=0 goes over the pictures. Classes: axis=1.")
        if np.allclose(p, np.exp(scores) / np.exp(scores).sum(axis=1)) or np.allclose(
            p, (e := np.exp(scores - scores.max(axis=1))) / e.sum(axis=1, keepdims=True)
        ):
            raise Mistake(
                "Each row was divided by (or lost) another row's number: without keepdims=True, "
                "NumPy lays the row of results across the columns."
            )
        if np.allclose(p, np.exp(scores)):
            raise Mistake("exp(S) is not a probability yet: divide by the sum over the classes.")
        if np.allclose(p, scores / scores.sum(axis=1, keepdims=True)):
            raise Mistake("The exp is missing: scores can be negative, probabilities cannot.")
        if not np.allclose(p, truth):
            found = [row.round(3).tolist() for row in p]
            raise Mistake(
                "The scores 0 and ln 3 give 1/4 and 3/4, and 2 and 2 give 1/2 and 1/2; yours are "
                f"{found[0]} and {found[1]}."
            )
        with np.errstate(all="ignore"):
            large = answer_array(student, np.array([[1000.0, 1000.0]]), shape=(1, 2))
        if not np.allclose(large, 0.5):
            raise Mistake(
                "Right for small scores, but exp(1000) is infinite, and the result is "
                f"{large[0].tolist()}. Subtract the largest score of the row first: that changes "
                "no ratio."
            )
        with np.errstate(all="ignore"):
            mixed = answer_array(student, np.array([[2000.0, 2000.0], [1.0, 1.0]]), shape=(2, 2))
        if not np.allclose(mixed, 0.5):
            raise Mistake(
                "The largest score of the whole batch was subtracted, so that nothing is left of "
                "a row of small scores. Each row's own: scores.max(axis=1, keepdims=True)."
            )

    return verdict("0.2", student, working, cases)
