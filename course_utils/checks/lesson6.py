"""Checks of lesson 6."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, verdict

__all__ = ["accuracy_by_group", "deletion", "points_inside", "rank_agreement", "shuffled"]


def _number(student, *args) -> float:
    """Return the student's answer as one number."""
    answer = answer_array(student, *args, shape=None)
    if answer.shape != ():
        raise Mistake(f"One number is asked for, and the result has the shape {answer.shape}.")
    return float(answer)


def _unchanged(arrays, before, what: str) -> None:
    if not all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True)):
        raise Mistake(f"{what} changed by your function. Make a new array instead.")


# ------------------------------------------------------------------------------------ 6.1


def points_inside(student: Callable) -> Callable:
    """Exercise 6.1: points_inside(m, mask) -> whether the largest value lies on the object."""

    def working(m, mask):
        return bool(np.asarray(mask).ravel()[np.argmax(m)])

    return verdict("6.1", student, working, _judge_points_inside)


# Maps of 4 x 6 places, each with one largest value, and what a mistake would say about them.
OBJECT = np.zeros((4, 6), bool)
OBJECT[1:3, 3:5] = True  # in rows 1 and 2, columns 3 and 4; its box is itself


def _judge_points_inside(student) -> None:
    def ask(values: dict, fill: float = 0.0, mask=OBJECT) -> bool:
        m = np.full(mask.shape, fill)
        for place, value in values.items():
            m[place] = value
        copies = m.copy(), mask.copy()
        answer = student(m, mask)
        _unchanged((m, mask), copies, "The map or the mask itself was")
        if answer is None:
            raise Mistake("The function returns nothing: is the `return` missing?")
        if isinstance(answer, str):
            raise Mistake("Expected True or False, not a text.")
        if np.ndim(answer):
            raise Mistake(
                f"One answer is asked for, True or False, and the result has the shape "
                f"{np.shape(answer)}. Look the mask up at one place."
            )
        return bool(answer)

    if not ask({(2, 4): 3.0}):
        if ask({(0, 0): 3.0}):
            raise Mistake("It is the other way round: True means that the maximum is inside.")
        raise Mistake(
            "A map whose largest value is in row 2, column 4, on the object, gets False. Are rows "
            "and columns swapped? `np.unravel_index(m.argmax(), m.shape)` gives (row, column)."
        )
    if ask({(0, 0): 3.0}):
        raise Mistake(
            "A map whose largest value is in the upper left corner, off the object, hits."
        )
    if ask({(3, 1): 3.0}):
        raise Mistake(
            "A map whose largest value is in row 3, column 1, off the object, hits. Does the "
            "number that argmax gives, which counts through all places, end up as a row?"
        )
    if ask({(3, 4): 3.0}) or ask({(1, 0): 3.0}):
        raise Mistake(
            "The row or the column alone decides. The maximum must be at a place of the mask."
        )
    if ask({(0, 0): 3.0, (1, 3): 2.0, (1, 4): 2.0, (2, 3): 2.0, (2, 4): 2.0}):
        raise Mistake(
            "The object has the largest sum or mean here, but the single largest value lies off it."
        )
    if not ask({(0, j): 1.0 for j in range(6)} | {(2, 3): 1.5}):
        raise Mistake(
            "Most of the map lies off the object, but its largest value is on it: that is a hit."
        )
    if not ask({(0, 0): -9.0, (1, 3): 1.0}):
        raise Mistake(
            "A value of -9 off the object was taken for the largest: |m| or m squared turns what "
            "speaks against the class into what speaks for it."
        )
    if not ask({(1, 3): -1.0}, fill=-2.0):
        raise Mistake("Where all values are negative, the largest is the one closest to 0.")
    ring = OBJECT.copy()
    ring[1, 3] = False  # an object with a notch
    if ask({(1, 3): 3.0}, mask=ring):
        raise Mistake(
            "The largest value lies within the box around the object, but not on the object. Ask "
            "the mask itself."
        )


# ------------------------------------------------------------------------------------ 6.2


def deletion(student: Callable) -> Callable:
    """Exercise 6.2: deletion(probability, x, m, steps) -> probabilities, (steps + 1,)."""

    def working(probability, x, m, steps):
        x = np.array(x)
        order = np.argsort(-np.asarray(m).ravel(), kind="stable")
        found = [float(probability(x))]
        for part in np.array_split(order, steps):
            x.reshape(-1, x.shape[-1])[part] = 0
            found.append(float(probability(x)))
        return np.array(found)

    return verdict("6.2", student, working, _judge_deletion, errors=DELETION_ERRORS)


DELETION_ERRORS = (
    ("out of bounds|too many indices", "The order counts through all H x W places at once: turn x "
     "into a list of pixels first, x.reshape(-1, x.shape[-1])."),
    ("read-only", "The picture may not be changed: work on a copy, x.copy()."),
)  # fmt: skip


def _judge_deletion(student) -> None:
    """On a "network" that returns what it was given as one number, so that all is seen.

    The numbers of the picture are powers of two: the sum tells exactly which ones are left.
    """
    x = 2.0 ** np.arange(16).reshape(2, 4, 2)  # 8 pixels of two channels: 3, 12, 48, ... in all
    pixels = x.sum(axis=-1)
    m = np.array([[0.1, 0.9, 0.3, 0.7], [0.5, -0.8, 0.2, 0.6]])
    order = [1, 3, 7, 4, 2, 6, 0, 5]  # of the places, the strongest first
    total = x.sum()

    def probability(picture):
        picture = np.asarray(picture, float)
        if picture.shape != x.shape:
            raise Mistake(
                f"The network was given an array of shape {picture.shape}; a picture has "
                f"{x.shape} here, (H, W, C). Set pixels to 0 instead of taking them away."
            )
        return picture.sum() / total

    def curve(places, steps=4, cumulative=True):
        n = len(places) // steps
        gone = [places[(0 if cumulative else k * n) : (k + 1) * n] for k in range(steps)]
        return 1 - np.array([0, *(pixels.ravel()[g].sum() / total for g in gone)])

    truth = curve(order)
    before = x.copy(), m.copy()
    found = answer_array(student, probability, x, m, 4, shape=None)
    _unchanged((x, m), before, "The picture or the map itself was")
    by_size = np.argsort(-np.abs(m).ravel(), kind="stable").tolist()
    in_order = list(range(8))
    ranks = np.argsort(np.argsort(-m.ravel())).tolist()
    inserted = 1 - truth
    for value, hint in (
        (truth[1:], "The first number is missing: the probability of the whole picture."),
        (truth[:-1], "The last number is missing: the probability when all pixels are gone."),
        (curve(order[::-1]), "The weakest pixels were deleted first. The strongest are to go "
         "first."),
        (curve(order, cumulative=False), "Each step deletes only its own pixels, from the whole "
         "picture. What is deleted stays deleted."),
        (inserted, "This is insertion: pixels are brought in. Begin with the whole picture and "
         "delete."),
        (curve(by_size), "The order follows |m|: what speaks against the class was taken for "
         "strong."),
        (curve(in_order), "The pixels were deleted row by row: the map did not decide."),
        (curve(ranks), "argsort twice gives each pixel's rank; wanted is the order, which pixel "
         "comes first. Once is enough."),
        (curve(order[:4], 4), "One pixel a step was deleted, and half of them are never deleted. "
         "At the last step all must be gone: np.array_split(order, steps)."),
    ):  # fmt: skip
        if found.shape == value.shape and np.allclose(found, value, atol=1e-9):
            raise Mistake(hint)
    channels = x.copy().reshape(-1, 2)
    for k in range(4):  # only the first channel
        channels[order[2 * k : 2 * k + 2], 0] = 0
    if found.shape == truth.shape and np.isclose(found[-1], channels.sum() / total):
        raise Mistake("Only one channel of each pixel was deleted. A pixel has all its channels.")
    if found.shape != truth.shape:
        raise Mistake(
            f"4 steps give 5 probabilities, the whole picture's first: the shape (5,), not "
            f"{found.shape}."
        )
    if not np.allclose(found, truth, atol=1e-9):
        raise Mistake(
            "On a picture of 8 pixels, 4 steps delete the two strongest, then the next two, and so "
            f"on. After the first step {truth[1]:.3f} is left. Yours: {found[1]:.3f}."
        )
    three = answer_array(student, probability, x, m, 3, shape=None)
    if three.shape != (4,) or not np.isclose(three[-1], 0):
        raise Mistake(
            "8 pixels in 3 steps: at the last step some are left over. All must be gone: "
            "np.array_split(order, steps) makes parts that differ by one at most."
        )


# ------------------------------------------------------------------------------------ 6.3


def shuffled(student: Callable) -> Callable:
    """Exercise 6.3: shuffled(weights, rng) -> the same numbers at random places."""

    def working(weights, rng):
        return rng.permutation(np.ravel(weights)).reshape(np.shape(weights))

    return verdict("6.3", student, working, _judge_shuffled)


def _judge_shuffled(student) -> None:
    w = np.arange(5 * 4 * 3.0).reshape(5, 4, 3) ** 1.5
    before = w.copy()

    def ask(seed):
        answer = answer_array(student, w, np.random.default_rng(seed), shape=None)
        _unchanged((w,), (before,), "The weights themselves were")
        if answer.shape != w.shape:
            raise Mistake(
                f"Weights of shape {w.shape} came back with the shape {answer.shape}: a layer "
                "takes only its own shape. `.reshape(weights.shape)`"
            )
        return answer

    found = ask(0)
    if np.array_equal(found, before):
        raise Mistake("The weights came back as they were.")
    if not np.allclose(np.sort(found, axis=None), np.sort(before, axis=None)):
        raise Mistake(
            "These are other numbers than before. Each number must be there once more, at another "
            "place: with another size of numbers, the network would change for that reason alone."
        )
    for axis in range(3):
        old = {line.tobytes() for line in np.moveaxis(before, axis, 0)}
        if {line.tobytes() for line in np.moveaxis(found, axis, 0).copy()} == old:
            raise Mistake(
                f"Only axis {axis} was shuffled: what stood together along the other axes, a whole "
                "filter for example, is still together. Shuffle all numbers: make them flat first, "
                "or use rng.permuted."
            )
    lines = np.sort(found, axis=0), np.sort(before, axis=0)
    if np.array_equal(*lines) or np.array_equal(np.sort(found, -1), np.sort(before, -1)):
        raise Mistake("The numbers only moved along one axis. Shuffle all numbers together.")
    if np.array_equal(found, ask(1)):
        raise Mistake("Every generator gives the same order. Use the rng that is handed in.")
    if not np.array_equal(found, ask(0)):
        raise Mistake(
            "The same seed gives another order each time, so that nobody can repeat the test. Use "
            "the rng that is handed in."
        )
    rng = np.random.default_rng(0)
    twice = [answer_array(student, w, rng, shape=w.shape) for _ in range(2)]
    if np.array_equal(*twice):
        raise Mistake(
            "Called twice, it shuffles in the same way: two layers of one size would get the same "
            "order. Draw from rng, and do not make a new generator inside."
        )


# ------------------------------------------------------------------------------------ 6.4


def rank_agreement(student: Callable) -> Callable:
    """Exercise 6.4: rank_agreement(a, b) -> Spearman's rank correlation, no ties."""

    def working(a, b):
        ranks = [np.argsort(np.argsort(np.ravel(values))) for values in (a, b)]
        return float(np.corrcoef(*ranks)[0, 1])

    return verdict("6.4", student, working, _judge_rank_agreement, errors=RANK_ERRORS)


RANK_ERRORS = (
    ("2-dimensional|only integer|only length-1|truth value", "Make each map a flat list first: "
     "np.ravel(a)."),
)  # fmt: skip


def _judge_rank_agreement(student) -> None:
    # Ranks a: 2 0 4 1 3 5; b: 0 3 5 1 2 4. Squared differences 4 + 9 + 1 + 0 + 1 + 1 = 16, and
    # Spearman's formula 1 - 6 * 16 / (6 * 35) = 114 / 210.
    a = np.array([[3.0, -2.0, 9.0], [1.0, 4.0, 50.0]])
    b = np.array([[-7.0, 2.0, 30.0], [-1.0, 0.5, 8.0]])
    truth = 114 / 210
    before = a.copy(), b.copy()
    r = _number(student, a, b)
    _unchanged((a, b), before, "A map itself was")
    flat, other = a.ravel(), b.ravel()

    def corr(p, q):
        return float(np.corrcoef(p, q)[0, 1])

    def ranks(values):
        return np.argsort(np.argsort(values))

    for value, hint in (
        (corr(flat, other), "This is the correlation of the values, in which the one value of 50 "
         "counts for more than all the others. Correlate the ranks."),
        (corr(np.argsort(flat), np.argsort(other)), "This correlates np.argsort(a) with "
         "np.argsort(b). argsort does not give ranks: it says which place comes first. The rank of "
         "each place is argsort of argsort."),
        (corr(np.sort(flat), np.sort(other)), "Each map was sorted by itself, so that it is no "
         "longer known which values belong together."),
        (corr(ranks(np.abs(flat)), ranks(np.abs(other))), "The signs are gone before the ranks: "
         "-7 is smaller than 2."),
        (-truth, "The sign is turned round: one of the two was ranked from the top and the other "
         "from the bottom."),
        (corr(ranks(flat), other), "Only one of the two maps was turned into ranks."),
        (corr(flat, ranks(other)), "Only one of the two maps was turned into ranks."),
        (float((ranks(flat) == ranks(other)).mean()), "This is the share of places with the same "
         "rank. Close ranks should count as well: correlate them."),
        (truth**2, "This is the square of the correlation, which has lost its sign."),
        (abs(np.cov(ranks(flat), ranks(other))[0, 1]), "This is the covariance. The correlation "
         "is divided by both standard deviations."),
    ):  # fmt: skip
        if np.isclose(r, value, atol=1e-6):
            raise Mistake(hint)
    if not np.isclose(r, truth, atol=1e-6):
        raise Mistake(
            "Two maps of six places with the ranks 2 0 4 1 3 5 and 0 3 5 1 2 4 have the rank "
            f"correlation {truth:.3f}. Yours: {r:.3f}."
        )
    reversed_order = _number(student, a, -a)
    if not np.isclose(reversed_order, -1):
        raise Mistake(
            f"A map and its negative have -1, the reverse order, not {reversed_order:.3g}."
        )


# ------------------------------------------------------------------------------------ 6.5


def accuracy_by_group(student: Callable) -> Callable:
    """Exercise 6.5: accuracy_by_group(predicted, labels, tagged) -> 2 x 2, [label, tagged]."""

    def working(predicted, labels, tagged):
        right = np.asarray(predicted) == np.asarray(labels)
        table = np.full((2, 2), np.nan)
        for label in (0, 1):
            for tag in (0, 1):
                group = (np.asarray(labels) == label) & (np.asarray(tagged) == tag)
                if group.any():
                    table[label, tag] = right[group].mean()
        return table

    return verdict("6.5", student, working, _judge_accuracy_by_group, errors=GROUP_ERRORS)


GROUP_ERRORS = (
    ("truth value", "`and` does not work for arrays: use & between two conditions in brackets."),
    ("division by zero", "A group without pictures has no accuracy: put np.nan there."),
)  # fmt: skip


def _judge_accuracy_by_group(student) -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    tagged = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], bool)
    predicted = np.array([0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1])
    right = predicted == labels
    truth = np.array([[3 / 4, 0], [1 / 3, 3 / 4]])
    before = [a.copy() for a in (predicted, labels, tagged)]
    table = answer_array(student, predicted, labels, tagged, shape=None)
    _unchanged((predicted, labels, tagged), before, "One of the arrays was")
    if table.shape == ():
        raise Mistake(
            "One number for all pictures hides the groups. Four are asked for: (2, 2), one for "
            "each label with and without the tag."
        )
    if table.shape != (2, 2):
        raise Mistake(f"Expected a table (2, 2), [label, tagged], not the shape {table.shape}.")

    def by(rows, columns):
        return np.array([[right[rows(i) & columns(j)].mean() for j in (0, 1)] for i in (0, 1)])

    counts = np.array([[4, 1], [3, 4]])
    for value, hint in (
        (truth.T, "The table is turned: rows are the labels, columns without and with the tag."),
        (truth[:, ::-1], "The columns are swapped: first without the tag, then with it."),
        (truth[::-1], "The rows are swapped: label 0 first."),
        (1 - truth, "These are the shares of wrong answers."),
        (truth * counts, "These are the numbers of right answers. Divide by the size of each "
         "group."),
        (truth * counts / 12, "Divided by the number of all pictures. Divide by the size of each "
         "group."),
        (truth * counts / counts.sum(axis=1, keepdims=True), "Divided by the number of pictures "
         "with that label. Divide by the size of each group."),
        (truth * counts / counts.sum(axis=0), "Divided by the number of pictures with (or "
         "without) the tag. Divide by the size of each group."),
        (counts.astype(float), "These are the sizes of the groups."),
        (100 * truth, "This is in percent. Give shares from 0 to 1."),
    ):  # fmt: skip
        if np.allclose(table, value):
            raise Mistake(hint)
    by_prediction = by(lambda i: predicted == i, lambda j: tagged == j)
    if np.allclose(table, by_prediction, equal_nan=True):
        raise Mistake("The rows go by what was predicted. Group by what the pictures show.")
    if not np.allclose(table, truth):
        raise Mistake(
            "Of 4 pictures of label 0 without the tag, 3 are predicted right: 0.75 in row 0, "
            f"column 0. Yours: {table[0, 0]:.3g}."
        )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as it should
        empty = answer_array(student, predicted[:5], labels[:5], tagged[:5], shape=(2, 2))
    if not np.isnan(empty[1]).all():
        raise Mistake(
            f"A group without any pictures got {empty[1, 0]:.3g}. It has no accuracy: put np.nan "
            "there. A 0 or a 1 would say that something was tested."
        )
