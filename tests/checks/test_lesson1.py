"""The checks of lesson 1 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from judging import judge

from course_utils import checks


def central(score, x, h):
    return np.array([(score(x + e) - score(x - e)) / (2 * h) for e in h * np.eye(len(x))])


def by_loop(score, x, h):
    slopes = []
    for i in range(len(x)):
        plus, minus = x.copy(), x.copy()
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return slopes


def moves_and_restores(score, x, h):
    x, slopes = np.array(x, float), np.zeros(len(x))
    for i, old in enumerate(x.tolist()):
        x[i] = old + h
        high = score(x)
        x[i] = old - h
        slopes[i] = (high - score(x)) / h / 2
        x[i] = old
    return slopes


def without_copies(score, x, h):
    slopes = []
    for i in range(len(x)):
        plus, minus = x, x
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return np.array(slopes)


def changes_x(score, x, h):
    slopes = []
    for i in range(len(x)):
        minus = x.copy()
        x[i] += h
        minus[i] -= h
        slopes.append((score(x) - score(minus)) / (2 * h))
    return np.array(slopes)


def never_restores(score, x, h):
    plus, minus, slopes = x.copy(), x.copy(), []
    for i in range(len(x)):
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return np.array(slopes)


def gate(x, w1, b1):
    return x @ w1 + b1 > 0


def by_hand(x, w1, b1, w2, c):
    return w1 @ (gate(x, w1, b1) * w2[:, c])


def closes_a_window(x, w1, b1, w2, c):
    v = w2[:, c]
    v[~gate(x, w1, b1)] = 0
    return w1 @ v


def by_paths(x, w1, b1, w2, c):
    g = [0.0] * len(x)
    for j in range(len(b1)):
        if sum(x[i] * w1[i, j] for i in range(len(x))) + b1[j] > 0:
            for i in range(len(x)):
                g[i] += w1[i, j] * w2[j, c]
    return g


def by_tape(x, w1, b1, w2, c):
    x = tf.constant(x[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = (tf.nn.relu(x @ w1 + b1) @ w2)[:, c]
    return tape.gradient(score, x)[0]


def of_weights_by_tape(x, w1, b1, w2, c):
    x, w1 = tf.constant(x[None]), tf.Variable(w1)
    with tf.GradientTape() as tape:
        score = (tf.nn.relu(x @ w1 + b1) @ w2)[:, c]
    return tape.gradient(score, w1)


RIGHT = {
    "predict_linear": [
        lambda x, w, b: x @ w + b,
        lambda x, w, b: (x * w).sum(axis=1) + b,
        lambda x, w, b: [sum(u * v for u, v in zip(row, w, strict=True)) + b for row in x],
    ],
    "contributions": [
        lambda x, reference, w: (x - reference) * w,
        lambda x, reference, w: x * w - reference * w,
        lambda x, reference, w: (x - reference) @ np.diag(w),
    ],
    "weight_picture": [
        lambda w, c: w[:, c].reshape(8, 8),
        lambda w, c: w.reshape(8, 8, 10)[:, :, c],
        lambda w, c: w.T[c].reshape((8, -1)),
        lambda w, c: tf.reshape(w[:, c], (8, 8)),
    ],
    "finite_differences": [central, by_loop, moves_and_restores],
    "two_layer_gradient": [by_hand, by_paths, by_tape],
}

WRONG = {
    "predict_linear": [
        (lambda x, w, b: np.multiply(x, w, out=x).sum(axis=1) + b, "table of flats"),
        (lambda x, w, b: x @ w, "constant b is missing"),
        (lambda x, w, b: x * w, "add up each row"),
        (lambda x, w, b: x * w + b, "not added up yet"),
        (lambda x, w, b: (x * w).sum(axis=0) + b, "axis=0"),
        (lambda x, w, b: (x * w + b).sum(axis=1), "once a feature"),
        (lambda x, w, b: (x * w).sum() + b, "All flats are added up"),
        (lambda x, w, b: x @ abs(w) + b, "lost their signs"),
        (lambda x, w, b: x.sum(axis=1) + b, "weights are missing"),
        (lambda x, w, b: x @ w - b, "must get"),
        (lambda x, w, b: np.dot(w, x) + b, "in this order"),
        (lambda x, w, b: w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + b, r"x\[:, 0\]"),
        (lambda x, w, b: (x @ w + b)[0], r"shape \(2,\)"),
        (lambda x, w, b: np.full(2, 803.0), "x, w and b that are given"),
    ],
    "contributions": [
        (lambda x, r, w: x * w, "reference is missing"),
        (lambda x, r, w: x * w - r, "units of x"),
        (lambda x, r, w: (r - x) * w, "turned round"),
        (lambda x, r, w: x - r, "difference alone"),
        (lambda x, r, w: (x - r) @ w, "one number a flat"),
        (lambda x, r, w: ((x - r) * w).sum(axis=0), "over the flats"),
        (lambda x, r, w: w, "sensitivity"),
        (lambda x, r, w: np.tile(w, (len(x), 1)), "sensitivity"),
        (lambda x, r, w: abs((x - r) * w), "signs are gone"),
        (
            lambda x, r, w: (x - r) * w / ((x - r) @ w)[:, None],
            "shares",
        ),
        (lambda x, r, w: np.multiply(np.subtract(x, r, out=x), w, out=x), "changed"),
        (lambda x, r, w: (x - x.mean(axis=0)) * w, "-100, not"),
        (lambda x, r, w: ((x - r) * w)[0], r"\(2, 3\)"),
    ],
    "weight_picture": [
        (lambda w, c: w[c], "pixel 4"),
        (lambda w, c: w[:, c], "one line"),
        (lambda w, c: w[c].reshape(8, 8), "64 numbers"),
        (lambda w, c: w[:, c].reshape(8, 8).T, "swapped"),
        (lambda w, c: w[:, c].reshape(8, 8, order="F"), "swapped"),
        (lambda w, c: w.reshape(10, 8, 8)[c], "mixes the classes"),
        (lambda w, c: abs(w[:, c]).reshape(8, 8), "signs are gone"),
        (lambda w, c: -w[:, c].reshape(8, 8), "sign is turned"),
        (lambda w, c: w[:, c].reshape(8, 8)[::-1], "upside down"),
        (lambda w, c: w[:, 0].reshape(8, 8), "class_index"),
        (lambda w, c: w[:, c - 1].reshape(8, 8), "counted from 0"),
        (lambda w, c: w.sum(axis=1).reshape(8, 8), "added up"),
        (lambda w, c: w.reshape(8, 8, 10), "all classes"),
        (lambda w, c: w[:, c].reshape(8, 8) / abs(w).max(), "scaled"),
        (lambda w, c: w[:, c].reshape(4, 16), "8 rows"),
        (lambda w, c: w[:, c].reshape(8, 8)[:, ::-1], "8 \\* row"),
    ],
    "finite_differences": [
        (lambda s, x, h: [x["a"] for i in x], "range.len.x"),
        (lambda s, x, h: 2 * central(s, x, h), "Twice too steep"),
        (lambda s, x, h: 2 * h * central(s, x, h), "not the slope yet"),
        (
            lambda s, x, h: [s(x + e) - s(x - e) / (2 * h) for e in h * np.eye(3)],
            "Brackets are missing",
        ),
        (
            lambda s, x, h: [(s(x + e) - s(x - e)) / 2 * h for e in h * np.eye(3)],
            "brackets|/ 2 \\*",
        ),
        (lambda s, x, h: [(s(x + e) - s(x - e)) / 2 for e in h * np.eye(3)], "Only divided by 2"),
        (lambda s, x, h: [(s(x + e) - s(x)) / h for e in h * np.eye(3)], "step up only"),
        (lambda s, x, h: [(s(x) - s(x - e)) / h for e in h * np.eye(3)], "step down only"),
        (lambda s, x, h: -central(s, x, h), "turned round"),
        (lambda s, x, h: abs(central(s, x, h)), "signs are gone"),
        (lambda s, x, h: (s(x + h) - s(x - h)) / (2 * h), "moved at once"),
        (lambda s, x, h: (s(x + h) - s(x)) / h, "moved at once"),
        (lambda s, x, h: [(s(x + h) - s(x - h)) / (2 * h) for _ in x], "moved at once"),
        (lambda s, x, h: [(s(x[i] + h) - s(x[i] - h)) / (2 * h) for i in range(3)], "all 3"),
        (lambda s, x, h: central(s, x, h)[0], r"shape \(3,\)"),
        (lambda s, x, h: central(s, x, 1e-4), "h that is given"),
        (without_copies, r"x\.copy\(\)"),
        (changes_x, "x itself was changed"),
        (never_restores, "fresh copy"),
    ],
    "two_layer_gradient": [
        (closes_a_window, "a window on w2"),
        (lambda x, w1, b1, w2, c: w1 @ gate(x, w1, b1) * w2[:, c], "brackets missing"),
        (lambda x, w1, b1, w2, c: w1 @ (gate(x, w1, b1) * w2[c]), "One class is a column"),
        (lambda x, w1, b1, w2, c: w1.T @ (gate(x, w1, b1) * w2[:, c]), r"without \.T"),
        (lambda x, w1, b1, w2, c: (gate(x, w1, b1) * w2[:, c]) @ w1, "in this order"),
        (lambda x, w1, b1, w2, c: w1 @ w2[:, c], "Closed units"),
        (
            lambda x, w1, b1, w2, c: w1 @ (np.maximum(x @ w1 + b1, 0) * w2[:, c]),
            "not its value a",
        ),
        (lambda x, w1, b1, w2, c: w1 @ ((x @ w1 + b1) * w2[:, c]), "not by z"),
        (lambda x, w1, b1, w2, c: w1 @ ((x @ w1 > 0) * w2[:, c]), "includes b1"),
        (lambda x, w1, b1, w2, c: w1 @ (~gate(x, w1, b1) * w2[:, c]), "other way round"),
        (
            lambda x, w1, b1, w2, c: w1 @ (gate(x, w1, b1) * np.maximum(w2[:, c], 0)),
            "guided",
        ),
        (lambda x, w1, b1, w2, c: w1 @ np.maximum(w2[:, c], 0), "closes no unit"),
        (lambda x, w1, b1, w2, c: np.maximum(by_hand(x, w1, b1, w2, c), 0), "cut at the end"),
        (lambda x, w1, b1, w2, c: abs(by_hand(x, w1, b1, w2, c)), "signs are gone"),
        (lambda x, w1, b1, w2, c: -by_hand(x, w1, b1, w2, c), "turned round"),
        (lambda x, w1, b1, w2, c: x * by_hand(x, w1, b1, w2, c), "gradient times input"),
        (lambda x, w1, b1, w2, c: by_hand(x, w1, b1, w2, 0), "use class_index"),
        (
            lambda x, w1, b1, w2, c: w1 @ (gate(x, w1, b1) * w2.sum(axis=1)),
            "All classes are added up",
        ),
        (of_weights_by_tape, "gradient of w1"),
        (lambda x, w1, b1, w2, c: np.maximum(x @ w1 + b1, 0), "gradient of w2"),
        (lambda x, w1, b1, w2, c: gate(x, w1, b1) * w2[:, c], "gradient of z"),
        (lambda x, w1, b1, w2, c: w2[:, c], "gradient of a alone"),
        (lambda x, w1, b1, w2, c: w1 * (gate(x, w1, b1) * w2[:, c]), "each path"),
        (lambda x, w1, b1, w2, c: w1 @ (gate(x, w1, b1)[:, None] * w2), "all classes"),
        (lambda x, w1, b1, w2, c: np.maximum(x @ w1 + b1, 0) @ w2[:, c], "score itself"),
        (lambda x, w1, b1, w2, c: by_hand(x, w1, b1, w2, c) / 2, "by hand"),
        (lambda x, w1, b1, w2, c: [11, -8] if c == 0 else [-10, 15], "shape"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


@pytest.mark.parametrize("name", RIGHT)
def test_a_fault_in_the_package_cannot_make_a_wrong_answer_pass(name, monkeypatch, capsys):
    """The checks of this lesson know their answers by hand: no method of the package is asked."""

    def broken(*arguments, **options):
        raise AssertionError("a check asked the package that it is to be independent of")

    for method in ("vanilla_gradients", "gradient_times_input", "score_model", "load_classifier"):
        monkeypatch.setattr(f"course_utils.{method}", broken)
    for wrong, _ in WRONG[name]:
        getattr(checks, name)(wrong)
        assert "not right yet" in capsys.readouterr().out
    getattr(checks, name)(RIGHT[name][0])
    assert ": right" in capsys.readouterr().out
