"""The checks of lesson 2 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from judging import judge

from course_utils import checks, vanilla_gradients


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


def watch_the_array(score_model, inputs, class_index):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        score = score_model(inputs)[:, class_index]
    return tape.gradient(score, inputs)


def leave_the_tape(score_model, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = score_model(x).numpy()[:, class_index]
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


def explain_with(prepare=True, name=None, reduce=lambda g: np.abs(g).max(axis=-1), take=0):
    """Exercise 2.3 with one thing done otherwise."""

    def answer(classifier, picture, wanted):
        x = classifier.prepare(picture) if prepare else picture[None, :, 1:5].astype(np.float32)
        c = classifier.class_index(name or wanted)
        m = reduce(np.asarray(right_gradients(classifier.score_model, x, c)))
        return m if take is None else m[take]

    return answer


def path(points=lambda m: (np.arange(m) + 0.5) / m, scale=lambda x, m: x / m, c=None):
    """Exercise 2.4 with one thing done otherwise."""

    def answer(score_model, inputs, class_index, steps):
        chosen = class_index if c is None else c
        gs = [right_gradients(score_model, np.float32(a) * inputs, chosen) for a in points(steps)]
        return scale(inputs, steps) * np.sum([g.numpy() for g in gs], axis=0)

    return answer


def all_points_at_once(score_model, inputs, class_index, steps):
    a = np.linspace(0.5 / steps, 1 - 0.5 / steps, steps, dtype=np.float32).reshape(-1, 1, 1, 1)
    g = right_gradients(score_model, a * inputs, class_index)
    return tf.reduce_mean(g, axis=0) * inputs


def mean_over_everything(score_model, inputs, class_index, steps):
    a = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    return inputs * np.mean([right_gradients(score_model, k * inputs, class_index) for k in a])


def of_the_probability(classifier, picture, name):
    x = classifier.prepare(picture)
    g = right_gradients(classifier.model, x, classifier.class_index(name))
    return np.abs(g).max(axis=-1)[0]


def in_place(score_model, inputs, class_index, steps):
    result = path()(score_model, inputs, class_index, steps)
    inputs *= 0
    return result


RIGHT = {
    "explain": [
        explain_with(),
        lambda classifier, picture, name: np.abs(
            vanilla_gradients(
                classifier.model, classifier.prepare([picture]), classifier.class_index(name)
            )
        )[0].max(-1),
    ],
    "path_gradients": [path(), all_points_at_once],
    "gradients": [right_gradients, with_a_variable],
    "saliency_map": [
        lambda g: np.abs(g).max(axis=-1),
        lambda g: np.maximum(g.max(axis=3), -g.min(axis=3)),
        lambda g: tf.reduce_max(tf.abs(g), axis=-1),
    ],
}

WRONG = {
    "explain": [
        (of_the_probability, "classifier.score_model"),
        (
            lambda c, p, name: right_gradients(c.score_model, c.prepare(p), 281),
            "number of the note",
        ),
        (lambda c, p, name: right_gradients(c.score_model, c.prepare(p), name), "class_index.name"),
        (lambda c, p, name: right_gradients(c.score_model, np.float32(p)[None], 1), "prepare"),
        (explain_with(prepare=False), "unprepared"),
        (explain_with(name="zero"), "another class"),
        (explain_with(take=None), "batch axis"),
        (explain_with(reduce=lambda g: g), "saliency_map"),
        (explain_with(reduce=lambda g: g.max(axis=-1)), "max over channels"),
        (explain_with(reduce=lambda g: np.abs(g).mean(axis=-1)), "max over channels"),
    ],
    "path_gradients": [
        (path(points=lambda m: (np.arange(m) - 0.5) / m), "begin at -0.5 / steps"),
        (lambda s, x, c, m: path()(s, x, c, 8), "use the number that is given"),
        (mean_over_everything, "axis=0"),
        (path(points=lambda m: np.ones(m)), "gradient times input"),
        (path(scale=lambda x, m: x), "not divided"),
        (path(scale=lambda x, m: 1 / m), "way gone"),
        (path(points=lambda m: np.ones(m), scale=lambda x, m: 1 / m), "gradient at the input"),
        (path(points=lambda m: (np.arange(m) + 1) / m), "ends of the pieces"),
        (path(points=lambda m: np.arange(m) / m), "beginnings"),
        (path(c=0), "another class"),
        (path(points=lambda m: 1 + (np.arange(m) + 0.5) / m), "account for it"),
        (in_place, "themselves were changed"),
    ],
    "gradients": [
        (gradients_of(lambda s, c: s[:, 281]), "number of the notebook's tabby"),
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
        (lambda m, x, c: right_gradients(m, x, c) / 3, "whatever the input"),
        (lambda m, x, c: unwatched(m, x, c).numpy(), "did not see"),
        (lambda m, x, c: None, "return"),
        (watch_the_array, "NumPy array"),
        (leave_the_tape, "NumPy array cannot be differentiated"),
        (lambda m, x, c: right_gradients(m, np.zeros((1, 224, 224, 3), "float32"), c), "own arg"),
        (gradients_of(lambda s, c: s[0, c]), "Only the first picture"),
        (gradients_of(lambda s, c: s[c]), "picks a picture"),
        (gradients_of(lambda s, c: tf.reduce_mean(s[:, c])), "divided by the batch size"),
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
        (lambda g: np.abs(g).max(axis=2), "columns"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


def test_a_fault_in_the_package_cannot_make_a_wrong_gradient_pass(monkeypatch, capsys):
    """The check knows the answer from the weights of a linear model, not from the package."""
    wrong = gradients_of(lambda s, c: tf.nn.softmax(s)[:, c])
    monkeypatch.setattr("course_utils.vanilla_gradients", wrong)
    checks.gradients(wrong)
    assert "not right yet" in capsys.readouterr().out
    assert vanilla_gradients is not wrong
