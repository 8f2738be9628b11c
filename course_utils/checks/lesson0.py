"""Checks of lesson 0."""

from __future__ import annotations

import re

import numpy as np

from course_utils.checks._judge import Exercise, Mistake, as_it_is, difference, shared

__all__ = ["best_label", "softmax"]


# ------------------------------------------------------------------------------------ 0.1


@shared
def _colours():
    """Return a classifier of colours: scores W x, with x the mean colour of a picture, -1 to 1."""
    return _classifier(
        "colours",
        ("yellow", "green", "black", "white", "red", "cyan", "blue"),
        [[1, 1, -1], [-1, 1, -1], [-1, -1, -1], [1, 1, 1], [1, -1, -1], [-1, 1, 1], [-1, -1, 1]],
        [0] * 7,
    )


@shared
def _day_or_night():
    return _classifier("day or night", ("night", "day"), [[-1, -1, -2], [1, 1, 1]], [0.5, 0])


def _classifier(name: str, labels: tuple[str, ...], w, b):
    from course_utils.models import Classifier
    from course_utils.network.tensorflow import keras

    picture = keras.Input((4, 4, 3))
    head = keras.layers.Dense(len(labels))
    scores = head(keras.layers.GlobalAveragePooling2D()(picture))
    model = keras.Model(picture, keras.layers.Softmax()(scores))
    head.set_weights([np.transpose(w), np.array(b)])
    return Classifier(
        name, (4, 4), labels, model, lambda p: p / 127.5 - 1, lambda x: (x + 1) * 127.5
    )


def _plain(colour: tuple[int, int, int], height: int = 4, width: int = 4) -> np.ndarray:
    """Return a picture of one colour; a wide one has a stripe of another colour on each side."""
    picture = np.full((height, width, 3), colour, np.uint8)
    if width > height:  # the stripes are cut off before the network sees it
        picture[:, 0] = picture[:, -1] = 255 - picture[0, 1]
    return picture


def _label(answer):
    """Return a copy of a label; raise Mistake if it's another part of what `predict` returns."""
    if hasattr(answer, "label"):
        raise Mistake("That's the whole prediction. Return only its name, its .label.")
    if isinstance(answer, (list, tuple)):
        labels = [part for part in answer if isinstance(part, str)]
        if len(labels) == 1:
            raise Mistake(f"There is more than the label in {answer!r}. Return the label alone.")
        if labels:
            raise Mistake("These are the labels of several classes. Return the best one's alone.")
        raise Mistake(
            "predict returns a list with one entry per picture, and each entry is a list of "
            "classes. Take the first picture, then the first class: [0][0]."
        )
    if answer is not None and not isinstance(answer, str):
        raise Mistake(f"A label is a string such as 'espresso', and this is {answer!r}.")
    return as_it_is(answer) if answer is None else str(answer)


def _label_difference(got, want, axes=(), place=""):
    said = difference(got, want, axes, place)
    known = [label for make in (_colours, _day_or_night) for label in make().labels]
    if said is None or got in known:
        return said
    if set(known) & set(re.findall(r"\w+", got.lower())):
        return f"{said} Return the label as it is, with nothing added."
    return (
        f"{said} No classifier here has a class with that name: use the classifier and the picture "
        "your function is given, and nothing from further up."
    )


def _scores(classifier, picture) -> np.ndarray:
    return np.asarray(classifier.score_model(classifier.prepare(picture)))[0]


best_label = Exercise(
    id="0.1",
    right=lambda classifier, picture: classifier.predict(picture)[0][0].label,
    inputs={
        "a green picture": lambda: (_colours(), _plain((20, 240, 5))),
        "a wide blue picture": lambda: (_colours(), _plain((10, 0, 230), 5, 9)),
        "a light picture and a classifier with two classes": lambda: (
            _day_or_night(), _plain((250, 255, 240), 8, 8),
        ),
        "a dull yellow picture in which no class is probable": lambda: (
            _colours(), _plain((140, 150, 120)),
        ),
    },
    # x is about (-0.8, 0.9, -1), so green's score is 0.8 + 0.9 + 1. No other is above 1.
    truth="green",
    normalise=_label,
    difference=_label_difference,
    errors=[
        ("one has ..\\.", "'picture' in quotes is a string. Without the quotes, it's the picture "
         "your function is given."),
        ("'str' object is not callable", "A label is a string, not a function: .label, without "
         "brackets after it."),
        ("indices must be", "You reach the parts of a prediction with a dot: [0][0].label."),
        ("scalar index", "An argmax over axis=1 returns one number per picture, even for a single "
         "picture: take the first, [0]."),
        ("prepared again", "predict prepares the picture itself: give it the picture as it is."),
        ("'list' object", "A list has no label. predict returns a list with one entry per picture, "
         "and each entry is a list of classes: take the first picture, then the first class, "
         "[0][0]."),
        ("'Classifier' object", "The classifier has a method for this: "
         "classifier.predict(picture)."),
        ("'Prediction' object|tuple index", "A prediction has the attributes .class_index, .label, "
         ".probability and .score."),
        ("index out of range|out of bounds", "The first [0] picks the picture, the second one the "
         "most probable class: [0][0]."),
        ("[Ss]hape|incompatible|expected", "The network takes a prepared batch, "
         "classifier.prepare(picture). classifier.predict(picture) prepares it for you."),
    ],
    wrong=[
        (lambda c, p: c.labels[0], "This is always the first of classifier.labels. If it came from "
         "an argmax, it ran over the pictures, and there's only one: let it run over the classes, "
         "axis=1."),
        (lambda c, p: c.labels[-1], "This is always the last of classifier.labels. Take the most "
         "probable class of this picture."),
        (lambda c, p: c.predict(p)[0][-1].label, "This is the last in the list. The most probable "
         "class comes first."),
        (lambda c, p: c.labels[_scores(c, p).argmin()], "This is the class with the lowest score. "
         "The most probable one has the highest."),
        (lambda c, p: c.predict(p)[0][1].label, "This is the second in the list: counting starts "
         "at 0."),
        (lambda c, p: c.labels[_scores(c, p).argmax() - 1], "This is the class before the most "
         "probable one. The labels are counted from 0, as the classes are."),
        (lambda c, p: c.labels[(_scores(c, p).argmax() + 1) % len(c.labels)], "This is the class "
         "after the most probable one. The labels are counted from 0, as the classes are."),
        *[
            (lambda c, p, least=least: next(
                (q.label for q in c.predict(p)[0] if q.probability > least), None
            ), "Your function returns nothing where no class is very probable. Take the most "
             "probable one, whatever its probability.")
            for least in (0.5, 0.8, 0.9)
        ],
        (lambda c, p: c.labels[np.asarray(c.score_model(p[None]))[0].argmax()], "The picture went "
         "into the network unprepared: classifier.prepare(picture) first, or use "
         "classifier.predict."),
        (lambda c, p: max(q.label for q in c.predict(p)[0]), "This is the last in alphabetical "
         "order. Take the most probable one."),
        (lambda c, p: min(q.label for q in c.predict(p)[0]), "This is the first in alphabetical "
         "order. Take the most probable one."),
        (lambda c, p: c.predict(p)[0][0].label[0], "This is the first letter of the label: there "
         "is one [0] too many."),
        (lambda c, p: str(c.predict(p)[0][0].class_index), "This is the index of the class. Its "
         "name is its .label."),
        (lambda c, p: str(c.predict(p)[0][0]), "This is the whole prediction as a string. Return "
         "only its name, its .label."),
        (lambda c, p: c.predict(p)[0][0].label.title(), "Your label starts with a capital letter. "
         "Return it as it is."),
        (lambda c, p: c.predict(p)[0][0].label.upper(), "Your label is in capitals. Return it as "
         "it is."),
        (lambda c, p: "picture", "This is the same word for every picture: return the label you "
         "found, without quotes around the variable."),
        (lambda c, p: c.name, "This is the name of the classifier. Return the name of the class."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 0.2


def _rows(scores, total=np.sum):
    return total(scores, axis=1, keepdims=True)


def _softmax(scores, shift=lambda s: _rows(s, np.max), power=np.exp, whole=_rows):
    scores = np.asarray(scores, float)
    powers = power(scores - shift(scores))
    return powers / whole(powers)


def _with_any_shift(sentence: str, **change) -> list:
    """Return one wrong program with each way to treat large scores, all with the same sentence."""
    return [
        (lambda s, shift=shift: _softmax(s, shift=shift, **change), sentence)
        for shift in (lambda s: 0, lambda s: _rows(s, np.max), np.max)
    ]


LARGEST = "Subtract the largest score of each row first, scores.max(axis=1, keepdims=True)"

ADDED = (
    "Something was added to the sum, so the rows no longer sum to 1. Leave it out: with the "
    "largest score subtracted, the sum is never 0."
)

softmax = Exercise(
    id="0.2",
    right=lambda scores: _softmax(scores),
    inputs={
        "2 pictures and 3 classes": lambda: (
            np.array([[0, np.log(3), 0], [1, 1, 1 + np.log(2)]]),
        ),
        "3 pictures and 5 classes": lambda: (np.random.default_rng(0).normal(0, 2, (3, 5)),),
        "2 pictures and 2 classes": lambda: (np.array([[0.3, 1.7], [-0.4, -2.6]]),),
        "1 picture and 4 classes": lambda: (np.array([[0.5, -1.0, 2.5, 0.1]], np.float32),),
        "1 picture and 50 classes": lambda: (np.random.default_rng(1).normal(0, 0.5, (1, 50)),),
        "the scores 999, 1000 and 998": lambda: (np.array([[999.0, 1000.0, 998.0]]),),
        "the scores 0 and 1000, or 1000 and 0": lambda: (np.array([[0.0, 1e3], [1e3, 0.0]]),),
        "the scores 0, 0 and 30000": lambda: (np.array([[0.0, 0.0, 3e4]]),),
        "the scores 2000 and 2001 of one picture, 1 and 3 of another": lambda: (
            np.array([[2000.0, 2001.0], [1.0, 3.0]]),
        ),
        "the scores -1000 and -1001": lambda: (np.array([[-1000.0, -1001.0]]),),
        "the scores -25 and -24": lambda: (np.array([[-25.0, -24.0]]),),
        "4 pictures and 1 class": lambda: (np.array([[2.0], [0.0], [-1.0], [0.7]]),),
    },
    truth=[[0.2, 0.6, 0.2], [0.25, 0.25, 0.5]],  # 1 : 3 : 1, and 1 : 1 : 2
    axes=("picture", "class"),
    errors=[
        ("out of bounds", "The scores have two axes, counted from 0: axis=1 runs over the classes. "
         "Use the number of classes you're given, not the network's 1000."),
        ("broadcast", "The sums must keep their axis to line up with the rows: "
         ".sum(axis=1, keepdims=True), and .max(axis=1, keepdims=True) as well."),
        ("argument 'keepdim'", "NumPy says keepdims, with an s."),
        ("truth value|only.*scalar|size-1|math range|real number", "The functions of `math` take "
         "one number. np.exp takes the whole array."),
    ],
    wrong=[
        (lambda s: _softmax(s, shift=lambda s: 0), "Right for small scores, but exp(1000) is "
         f"infinite. {LARGEST}: that changes no ratio."),
        (lambda s: np.nan_to_num(_softmax(s, shift=lambda s: 0)), "Right for small scores, but "
         f"exp(1000) is infinite, and replacing NaN afterwards is too late. {LARGEST}."),
        *[
            (lambda s, low=-high, high=high: _softmax(np.clip(s, low, high), shift=lambda s: 0),
             f"The scores were clipped, and those beyond the limit are now all the same. {LARGEST} "
             "instead: that changes no ratio.")
            for high in (20, 50, 88, 100, 500, 700, 709)
        ],
        *[
            (lambda s, high=high: _softmax(np.minimum(s, high), shift=lambda s: 0),
             f"Large scores were clipped, and are now all the same. {LARGEST} instead: that "
             "changes no ratio.")
            for high in (20, 50, 88, 100, 500, 700, 709)
        ],
        (lambda s: _softmax(s, shift=lambda s: _rows(s, np.min)), "The smallest score of each row "
         "was subtracted, so exp of the largest can still be infinite: subtract the largest one."),
        (lambda s: _softmax(s, shift=lambda s: _rows(s, np.mean)), "The mean or the median of each "
         "row was subtracted, so exp of the largest can still be infinite: subtract the largest."),
        (lambda s: _softmax(s, shift=np.max), "You subtracted the largest score of the whole "
         "batch, which turns a row of small scores into zeros. Take each row's own: "
         "scores.max(axis=1, keepdims=True)."),
        (lambda s: _softmax(s, shift=np.min), "The smallest score of the batch was subtracted, so "
         f"exp of the largest can still be infinite. {LARGEST}."),
        (lambda s: _softmax(s, shift=np.mean), "The mean score of the batch was subtracted, so exp "
         f"of the largest can still be infinite. {LARGEST}."),
        *[
            (lambda s, shift=shift: _softmax(s, shift=shift), "The largest score was subtracted "
             "from each column instead of each row, which changes the ratios: axis=1.")
            for shift in (lambda s: s.max(axis=0), lambda s: s.max(axis=0, keepdims=True))
        ],
        *[
            (lambda s, i=i: _softmax(s, shift=lambda s: s[:, [i]]), "The same score of each row "
             f"was subtracted, the first or the last, and another may be much larger. {LARGEST}.")
            for i in (0, -1)
        ],
        (lambda s: _softmax(s, shift=lambda s: -_rows(s, np.max)), "The largest score was added, "
         "and exp of the sum is infinite. Subtract it."),
        (lambda s: _softmax(s, shift=lambda s: _rows(np.abs(s), np.max)), "The largest |score| was "
         "subtracted: exp of a row of large negative scores is then 0. Take the largest score."),
        *[
            (lambda s, e=e: _softmax(s, shift=lambda s: 0, whole=lambda p: _rows(p) + e), ADDED)
            for e in (1.0, 1e-3, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
        ],
        *[
            (lambda s, e=e: _softmax(s, whole=lambda p: _rows(p) + e), ADDED)
            for e in (1.0, 1e-3)
        ],
        *[
            (lambda s, n=n: _softmax(s, shift=lambda s: n), "The same number was subtracted from "
             f"all scores, which helps only with some. {LARGEST}.")
            for n in (500, 700, 1000)
        ],
        *_with_any_shift("All numbers together sum to 1. Each picture has its own sum: divide by "
                         ".sum(axis=1, keepdims=True).", whole=np.sum),
        *_with_any_shift("axis=0 sums over the pictures. The classes of a picture are in its row: "
                         "axis=1.", whole=lambda p: p.sum(axis=0)),
        (lambda s: _softmax(s, shift=lambda s: s.max(axis=0), whole=lambda p: p.sum(axis=0)),
         "axis=0 runs over the pictures. The classes of a picture are in its row: axis=1, for the "
         "largest score and for the sum."),
        *_with_any_shift("The powers are right. Now divide by the sum of each row.",
                         whole=lambda p: 1),
        (lambda s: _softmax(s, shift=lambda s: 0, whole=lambda p: _rows(p, np.max)), "Divided by "
         "the largest power of the row. Divide by their sum."),
        *_with_any_shift("Divided by the mean of the row. Divide by the sum.",
                         whole=lambda p: _rows(p, np.mean)),
        *_with_any_shift("Without keepdims, the sums were not lined up with the rows: "
                         ".sum(axis=1, keepdims=True).", whole=lambda p: p.sum(axis=1)),
        *[
            (lambda s, whole=whole: _softmax(s, shift=lambda s: s.max(axis=1), whole=whole),
             "Without keepdims, the largest scores were not lined up with the rows: "
             ".max(axis=1, keepdims=True).")
            for whole in (_rows, lambda p: p.sum(axis=1))
        ],
        *_with_any_shift("The exp is missing: divide each exp(score) by the sum of its row.",
                         power=np.asarray),
        (lambda s: s / s.max(axis=1, keepdims=True), "The scores were divided by the largest one. "
         "The softmax is exp(score), divided by the sum of the row's."),
        (lambda s: _softmax(s / s.max(axis=1, keepdims=True)), "The scores were divided by the "
         "largest one, which changes the probabilities. Subtract it."),
        *_with_any_shift("That's 2 ** score. The formula has e: np.exp.", power=np.exp2),
        *_with_any_shift("That's 10 ** score. The formula has e: np.exp.",
                         power=lambda s: 10**s),
        *_with_any_shift("You took |score|: negative scores are low, not high.",
                         power=lambda s: np.exp(np.abs(s))),
        (lambda s: _softmax(np.abs(s)), "You took |score|: negative scores are low, not high."),
        (lambda s: _softmax(np.maximum(s, 0)), "The negative scores were set to 0. Leave them as "
         "they are."),
        (lambda s: _softmax(-s), "The sign is flipped: the highest score must get the highest "
         "probability."),
        (lambda s: _softmax(-s, shift=lambda s: 0), "The sign is flipped: the highest score must "
         "get the highest probability."),
        (lambda s: 1 / (1 + np.exp(-s)), "This is the sigmoid, which treats each score on its own. "
         "The softmax divides by the sum of the row."),
        (lambda s: np.log(_softmax(s)), "This is the logarithm of the probabilities."),
        (lambda s: s - s.max(axis=1, keepdims=True) - np.log(_rows(np.exp(
            s - s.max(axis=1, keepdims=True)))), "This is the logarithm of the probabilities."),
        (lambda s: _softmax(_softmax(s)), "The softmax was applied twice."),
        (lambda s: 100 * _softmax(s), "These are percentages. Each row should sum to 1."),
        (lambda s: (s == s.max(axis=1, keepdims=True)) * 1.0, "This is 1 for the highest score and "
         "0 for the rest. The softmax leaves something for every class."),
        (lambda s: _softmax(s).max(axis=1), "This is the highest probability of each row. Return "
         "those of all classes."),
        (lambda s: _softmax(s).argmax(axis=1), "These are the indices of the best classes. Return "
         "the probabilities of all classes."),
        *[
            (lambda s, i=i: _softmax(s, shift=lambda s: 0)[i], "Only one row is returned. Is the "
             "`return` inside the loop? Return one row per picture.")
            for i in (0, -1)
        ],
    ],
)  # fmt: skip
