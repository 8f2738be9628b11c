"""The checks of lesson 0 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from judging import judge


def softmax_rows(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def in_place(scores):
    scores -= scores.max(axis=1, keepdims=True)
    return softmax_rows(scores)


RIGHT = {
    "best_label": [
        lambda classifier, picture: classifier.predict(picture)[0][0].label,
        lambda classifier, picture: classifier.labels[
            int(np.argmax(classifier.score_model(classifier.prepare(picture)), axis=1)[0])
        ],
    ],
    "softmax": [
        softmax_rows,
        lambda s: tf.nn.softmax(tf.constant(s)).numpy(),
        lambda s: np.stack([np.exp(r - r.max()) / np.exp(r - r.max()).sum() for r in s]),
    ],
}

WRONG = {
    "best_label": [
        (lambda c, p: print(c.predict(p)[0][0].label), "return"),
        (lambda c, p: c.predict(p), r"\[0\]\[0\]"),
        (lambda c, p: c.predict(p)[0], r"\[0\]\[0\]"),
        (lambda c, p: c.predict(p)[0].label, r"\[0\]\[0\]"),
        (lambda c, p: c.predict(p)[0][0], r"\.label"),
        (lambda c, p: c.predict(p)[0][0].class_index, "A label is a text"),
        (lambda c, p: c.predict(p)[0][-1].label, "comes first"),
        (lambda c, p: "Egyptian cat", "alike"),
    ],
    "softmax": [
        (
            lambda s: np.exp(s - s.max()) / np.exp(s - s.max()).sum(axis=1, keepdims=True),
            "whole bat",
        ),
        (lambda s: np.exp(s) / np.exp(s).sum(), "Each picture has its own"),
        (lambda s: np.exp(s) / np.exp(s).sum(axis=0), "axis=0"),
        (lambda s: np.exp(s), "divide by the sum"),
        (lambda s: np.exp(s) / np.exp(s).sum(axis=1), "keepdims"),
        (lambda s: (e := np.exp(s - s.max(axis=1))) / e.sum(axis=1, keepdims=True), "keepdims"),
        (in_place, "were changed"),
        (lambda s: s / s.sum(axis=1, keepdims=True), "exp is missing"),
        (lambda s: np.exp(s) / np.exp(s).sum(axis=1, keepdims=True), r"exp\(1000\) is infinite"),
        (lambda s: softmax_rows(s).max(axis=1), "shape"),
    ],
}

TestChecks = judge(RIGHT, WRONG)
