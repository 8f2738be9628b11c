"""The exercises' checks accept right answers, however written, and name each mistake."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorflow as tf

from course_utils import checks, vanilla_gradients


def softmax_rows(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def gradients_of(target):
    """Exercise 2.1 with another thing to differentiate: target(scores, class_index)."""

    def answer(score_model, inputs, class_index):
        x = tf.convert_to_tensor(inputs)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = target(score_model(x), class_index)
        return tape.gradient(y, x)

    return answer


def right_gradients(score_model, inputs, class_index):
    return gradients_of(lambda s, c: s[:, c])(score_model, inputs, class_index)


def unwatched(score_model, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        score = score_model(x)[:, class_index]
    return tape.gradient(score, x)


def of_the_weights(score_model, inputs, class_index):
    with tf.GradientTape() as tape:
        score = score_model(tf.convert_to_tensor(inputs))[:, class_index]
    return tape.gradient(score, score_model.trainable_weights)


def with_a_variable(score_model, inputs, class_index):
    x = tf.Variable(inputs)
    with tf.GradientTape() as tape:
        score = tf.reduce_sum(tf.gather(score_model(x), class_index, axis=1))
    return tape.gradient(score, x).numpy()


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
    "gradients": [right_gradients, with_a_variable],
    "saliency_map": [
        lambda g: np.abs(g).max(axis=-1),
        lambda g: np.maximum(g.max(axis=3), -g.min(axis=3)),
        lambda g: tf.reduce_max(tf.abs(g), axis=-1),
    ],
}

WRONG = {
    "best_label": [
        (lambda c, p: c.predict(p), r"\[0\]\[0\]"),
        (lambda c, p: c.predict(p)[0], r"\[0\]\[0\]"),
        (lambda c, p: c.predict(p)[0][0], r"\.label"),
        (lambda c, p: c.predict(p)[0][0].class_index, "A label is a text"),
        (lambda c, p: c.predict(p)[0][-1].label, "comes first"),
        (lambda c, p: "Egyptian cat", "alike"),
    ],
    "softmax": [
        (lambda s: np.exp(s) / np.exp(s).sum(), "Each picture has its own"),
        (lambda s: np.exp(s) / np.exp(s).sum(axis=0), "axis=0"),
        (lambda s: np.exp(s), "divide by the sum"),
        (lambda s: s / s.sum(axis=1, keepdims=True), "exp is missing"),
        (lambda s: np.exp(s) / np.exp(s).sum(axis=1, keepdims=True), r"exp\(1000\) is infinite"),
        (lambda s: softmax_rows(s).max(axis=1), "shape"),
    ],
    "gradients": [
        (unwatched, "tape.watch"),
        (of_the_weights, "with respect to the inputs"),
        (gradients_of(lambda s, c: s), "sum over all classes"),
        (gradients_of(lambda s, c: tf.nn.softmax(s)[:, c]), "gradient of the probability"),
        (gradients_of(lambda s, c: tf.nn.log_softmax(s)[:, c]), "log-probability"),
        (gradients_of(lambda s, c: s[:, 0]), "always the gradient of class 0"),
        (gradients_of(lambda s, c: -s[:, c]), "turned round"),
        (lambda m, x, c: tf.abs(right_gradients(m, x, c)), "signs are gone"),
        (lambda m, x, c: x * right_gradients(m, x, c), "gradient times input"),
        (lambda m, x, c: right_gradients(m, x, c)[0], "shape"),
        (lambda m, x, c: right_gradients(m, x, c) / 2, "whatever the input"),
    ],
    "saliency_map": [
        (lambda g: g.max(axis=-1), r"\|g\| first"),
        (lambda g: np.abs(g).sum(axis=-1), "sum over the channels"),
        (lambda g: np.abs(g).mean(axis=-1), "mean over the channels"),
        (lambda g: g.mean(axis=-1), "colours cancel"),
        (lambda g: np.abs(g).max(axis=0), "last axis"),
        (lambda g: np.abs(g), r"shape \(2, 2, 3\)"),
        (lambda g: np.abs(g, out=g).max(axis=-1), "changed"),
        (lambda g: g.min(axis=-1), "negative"),
    ],
}


def cases(table):
    return [(name, case) for name, all_cases in table.items() for case in all_cases]


@pytest.mark.parametrize("name, answer", cases(RIGHT))
def test_right_answers_are_accepted_and_handed_back(name, answer, capsys):
    assert getattr(checks, name)(answer) is answer
    assert ": right" in capsys.readouterr().out


@pytest.mark.parametrize("name, case", cases(WRONG))
def test_wrong_answers_get_the_hint_that_names_the_mistake(name, case, capsys):
    answer, hint = case
    given = getattr(checks, name)(answer)
    said = capsys.readouterr().out
    assert "not right yet" in said
    assert re.search(hint, said), said
    assert given is not answer


def stub(*arguments):
    return ...  # what the student notebook contains


def crash(*arguments):
    raise RuntimeError("boom")


@pytest.mark.parametrize("name", RIGHT)
def test_a_stub_is_not_done_yet_and_the_notebook_goes_on(name, capsys):
    working = getattr(checks, name)(stub)
    assert "not done yet" in capsys.readouterr().out
    assert getattr(checks, name)(working) is working  # what is handed out passes its own check


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("answer", [crash, lambda *a: None, lambda *a: "text", lambda: 1, 5])
def test_a_check_never_raises(name, answer, capsys):
    assert callable(getattr(checks, name)(answer))
    assert "not right yet" in capsys.readouterr().out


def test_a_fault_in_the_package_cannot_make_a_wrong_gradient_pass(monkeypatch, capsys):
    """The check knows the answer from the weights of a linear model, not from the package."""
    wrong = gradients_of(lambda s, c: tf.nn.softmax(s)[:, c])
    monkeypatch.setattr("course_utils.vanilla_gradients", wrong)
    checks.gradients(wrong)
    assert "not right yet" in capsys.readouterr().out
    assert vanilla_gradients is not wrong
