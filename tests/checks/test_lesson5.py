"""The checks of lesson 5 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from judging import judge

from course_utils import checks, score_model

# ------------------------------------------------------------------------------------ 5.1


def picture(
    zero_one=lambda x: x * 255,
    minus_one=lambda x: (x + 1) / 2 * 255,
    levels=lambda x: x,
    refuse=True,
    end=lambda x: np.round(x).astype(np.uint8),
):
    """Exercise 5.1 with one thing done otherwise."""

    def answer(image):
        if image.dtype == np.uint8:
            return image
        low, high = image.min(), image.max()
        if low < 0 and low >= -1 and high <= 1:
            return end(minus_one(image))
        if refuse and (low < 0 or high > 255):
            raise ValueError("no picture")
        return end(zero_one(image) if high <= 1 else levels(image))

    return answer


def with_tensors(image):
    """Right, written otherwise: a table of ranges, cut off instead of rounded."""
    if image.dtype == np.uint8:
        return image.copy()
    for low, high in ((0, 1), (-1, 1), (0, 255)):
        if low <= image.min() and image.max() <= high:
            return tf.cast((image - low) * (255 / (high - low)), tf.uint8).numpy()
    raise ValueError


def as_in_the_package(image):
    if image.dtype == np.uint8:
        return image
    if image.min() < 0:
        image = (image + 1.0) / 2.0
    return (image * 255).astype(np.int64).astype(np.uint8)


def stretched(image):
    image = image.astype(float)
    return np.round(255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)


def refuses_floats(image):
    if image.dtype == np.uint8:
        return image
    if image.max() > 1:
        raise ValueError("not in 0 to 1")
    return picture()(image)


def minus_one_first(image):
    if image.dtype != np.uint8 and image.min() >= -1 and image.max() <= 1:
        return np.round((image + 1) / 2 * 255).astype(np.uint8)
    return picture()(image)


def only_full_ranges(image):
    if image.dtype == np.uint8 or (image.min(), image.max()) in ((0, 1), (-1, 1), (0, 255)):
        return picture()(image)
    raise ValueError("which range?")


def no_look_at_both_ends(image):
    if image.dtype != np.uint8 and -1 <= image.min() < 0:
        return np.round((image + 1) / 2 * 255).astype(np.int64).astype(np.uint8)
    return picture()(image)


def scales_in_place(image):
    if image.dtype != np.uint8 and image.min() >= 0 and image.max() > 1:
        image /= 255
    return picture()(image)


# ------------------------------------------------------------------------------------ 5.2


def display(top=lambda m: m.max(axis=(1, 2), keepdims=True), low=lambda m: 0, safe=True):
    """Exercise 5.2 with one thing done otherwise."""

    def answer(maps):
        span = top(maps) - low(maps)
        if safe:
            span = np.where(span == 0, 1, span)
        return np.round(255 * (maps - low(maps)) / span).astype(np.uint8)

    return answer


def one_by_one(maps):
    levels = np.zeros(maps.shape, np.uint8)
    for one, level in zip(maps, levels, strict=True):
        if one.any():
            level[:] = one / one.max() * 255
    return levels


def where_afterwards(maps):
    with np.errstate(all="ignore"):
        share = maps / tf.reduce_max(maps, axis=(1, 2), keepdims=True).numpy()
    return (255 * np.where(np.isnan(share), 0, share)).astype("uint8")


def standardised(maps):
    z = (maps - maps.mean()) / (maps.std() + 1e-9)
    return np.clip(255 * z, 0, 255).astype(np.uint8)


def own_max(maps):
    return maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9)


def divides_in_place(maps):
    maps /= np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9)
    return (255 * maps).astype(np.uint8)


# ------------------------------------------------------------------------------------ 5.3


def rebuilt(weights=lambda w: w, use_bias=True, activation=None, units=None):
    """Exercise 5.3 with one thing done otherwise."""

    def answer(model):
        last = model.layers[-1]
        new = keras.layers.Dense(units or last.units, activation=activation, use_bias=use_bias)
        result = keras.Model(model.input, new(last.input))
        if weights is not None:
            new.set_weights(weights(last.get_weights()))
        return result

    return answer


def cloned(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.layers[-1].activation = keras.activations.linear
    return copy


def clone_with_random_weights(model):
    copy = keras.models.clone_model(model)
    copy.layers[-1].activation = keras.activations.linear
    return copy


def changes_the_model(model):
    model.layers[-1].activation = keras.activations.linear
    return model


def on_top(function):
    def answer(model):
        return keras.Model(model.input, function(model.output))

    return answer


def weights_too_early(model):
    new = keras.layers.Dense(model.layers[-1].units)
    new.set_weights(model.layers[-1].get_weights())
    return keras.Model(model.input, new(model.layers[-1].input))


def behind(model, units):
    new = keras.layers.Dense(units)
    result = keras.Model(model.input, new(model.layers[-1].output))
    new.set_weights(model.layers[-1].get_weights())
    return result


def cut_off(model):
    return keras.Model(model.input, model.layers[-1].input)


# ------------------------------------------------------------------------------------ 5.4


def cam(
    gradients=lambda A, G: G,
    weights=lambda G: G.mean(axis=(1, 2), keepdims=True),
    end=lambda cam: np.maximum(cam, 0),
):
    """Exercise 5.4 with one thing done otherwise."""

    def answer(A, G):
        return end((weights(gradients(A, G)) * A).sum(axis=-1))

    return answer


def with_einsum(A, G):
    alpha = tf.reduce_mean(G, axis=(1, 2))
    return tf.nn.relu(tf.einsum("bijk,bk->bij", A, alpha))


def in_loops(A, G):
    return np.stack([np.clip(a @ g.mean(axis=(0, 1)), 0, None) for a, g in zip(A, G, strict=True)])


def sketch(maps, gradients):
    """What the lesson hands out to be repaired."""
    gradients = gradients * (gradients > 0) * (maps > 0)
    weights = gradients.mean(axis=(0, 1, 2))
    cam = (weights * maps).sum(axis=-1)
    low, high = (f(cam, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    return (cam - low) / (high - low)


def guide(A, G):
    return G * (G > 0) * (A > 0)


def stretch(c):
    return (c - c.min()) / np.ptp(c)


def relu_before_the_sum(A, G):
    return np.maximum(G.mean(axis=(1, 2), keepdims=True) * A, 0).sum(axis=-1)


def cam_in_place(A, G):
    A *= G.mean(axis=(1, 2), keepdims=True)
    return np.maximum(A.sum(axis=-1), 0)


RIGHT = {
    "repaired_picture": [picture(), with_tensors],
    "kept_order": [display(), one_by_one, where_afterwards],
    "score_not_probability": [rebuilt(), cloned, score_model],
    "unguided_cam": [cam(), with_einsum, in_loops],
}

WRONG = {
    "repaired_picture": [
        (only_full_ranges, "need not reach"),
        (no_look_at_both_ends, "none of the ranges"),
        (lambda x: picture()(x.astype(np.float32)), "very dark uint8"),
        (minus_one_first, "treated as -1 to 1"),
        (lambda x: ValueError("no"), "raise ValueError"),
        (as_in_the_package, "still multiplied by 255"),
        (picture(levels=lambda x: np.clip(x * 255, 0, 255)), "still multiplied by 255"),
        (lambda x: np.clip(x, 0, 255).astype(np.uint8), "1 has to become 255"),
        (picture(levels=lambda x: x / x.max() * 255), "own maximum"),
        (picture(zero_one=lambda x: x / x.max() * 255), "own maximum"),
        (stretched, "brightened|as it is"),
        (picture(minus_one=lambda x: np.maximum(x, 0) * 255), "cut off"),
        (picture(minus_one=lambda x: (x - x.min()) / np.ptp(x) * 255), "own minimum"),
        (picture(refuse=False), "raise ValueError"),
        (refuses_floats, "They are fine"),
        (picture(end=lambda x: x), "dtype float32"),
        (picture(zero_one=lambda x: x), "almost black"),
        (scales_in_place, "itself was changed"),
        (lambda x: picture()(x)[0], "shape"),
    ],
    "kept_order": [
        (display(top=lambda m: np.maximum(m.max(axis=(1, 2), keepdims=True), 1)), "does not reach"),
        (display(top=lambda m: m.max(axis=(1, 2))), "keepdims=True"),
        (lambda m: (m * 255).astype(np.uint8), "not divided"),
        (standardised, "standardises"),
        (display(top=lambda m: m.max()), "whole batch"),
        (display(low=lambda m: m.min(axis=(1, 2), keepdims=True)), "minimum was subtracted"),
        (display(low=lambda m: m.min(), top=lambda m: m.max()), "whole batch"),
        (lambda m: m.astype(np.uint8), "as they are"),
        (lambda m: own_max(m).astype(np.uint8), "fractions were cut off"),
        (lambda m: 255 * own_max(m).astype(np.uint8), "fractions were cut off"),
        (lambda m: 255 * own_max(m), "dtype"),
        (display(top=lambda m: m.max(axis=2, keepdims=True)), "Each row"),
        (display(top=lambda m: m.max(axis=0)), "over the batch"),
        (lambda m: (255 * np.minimum(2 * own_max(m), 1)).astype(np.uint8), "share the level 255"),
        (lambda m: (255 * (1 - own_max(m))).astype(np.uint8), "order is lost"),
        (lambda m: (255 * own_max(m) ** 2).astype(np.uint8), "its own maximum"),
        (divides_in_place, "themselves were changed"),
        (lambda m: own_max(m)[0], "shape"),
    ],
    "score_not_probability": [
        (lambda model: model.get_layer("probabilities"), r"model.layers\[-1\]"),
        (weights_too_early, "until it is called"),
        (lambda model: behind(model, model.layers[-1].units), r"`\.input`, not"),
        (lambda model: rebuilt(units=1000)(model), r"`\.units`"),
        (lambda model: model, "still ends in probabilities"),
        (changes_the_model, "caller's model was changed"),
        (on_top(keras.ops.log), "logarithm of the probability"),
        (on_top(keras.layers.Softmax()), "second softmax"),
        (cut_off, "cut off"),
        (rebuilt(weights=None), "random weights"),
        (clone_with_random_weights, "random weights"),
        (rebuilt(weights=lambda w: w[:1], use_bias=False), "biases are missing"),
        (rebuilt(activation="softmax"), "still ends in probabilities"),
        (rebuilt(weights=None, activation="softmax"), "still a softmax"),
        (lambda model: rebuilt()(model)(np.zeros((1, 2, 3, 1))), "Expected a Keras model"),
    ],
    "unguided_cam": [
        (cam(weights=lambda G: G.sum(axis=(1, 2), keepdims=True) / 49), "right for maps of 7 x 7"),
        (lambda A, G: np.maximum((G.mean(axis=(1, 2)) * A).sum(axis=-1), 0), "keepdims=True"),
        (sketch, "still guided.*batch.*stretched"),
        (cam(gradients=guide), "still guided"),
        (cam(gradients=lambda A, G: G * (G > 0)), "negative gradients are still dropped"),
        (cam(gradients=lambda A, G: G * (A > 0)), "not positive"),
        (cam(gradients=lambda A, G: np.abs(G)), r"\|G\| before the mean"),
        (cam(weights=lambda G: G.mean(axis=(0, 1, 2))), "neighbours"),
        (cam(weights=lambda G: G.sum(axis=(1, 2), keepdims=True)), "summed over the places"),
        (cam(weights=lambda G: G.mean(axis=-1, keepdims=True)), "over the feature maps"),
        (cam(weights=lambda G: G), "not averaged"),
        (cam(end=lambda c: c), "ReLU is missing"),
        (cam(end=np.abs), r"\|...\| at the end"),
        (cam(end=stretch), "stretched"),
        (cam(gradients=guide, end=stretch), "still guided.*stretched"),
        (cam(end=lambda c: np.maximum(c, 0) / c.max()), "Divided by the maximum"),
        (relu_before_the_sum, "before the sum"),
        (lambda A, G: G.mean(axis=(1, 2), keepdims=True) * A, "sum over k"),
        (lambda A, G: cam()(A, G)[0], "shape"),
        (cam_in_place, "themselves were changed"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


def test_a_fault_in_the_package_cannot_make_a_wrong_answer_pass(monkeypatch, capsys):
    """The checks know their answers by hand or from a layer's weights, not from the package."""
    monkeypatch.setattr("course_utils.score_model", changes_the_model)
    monkeypatch.setattr("course_utils.grad_cam", lambda *arguments, **options: np.ones((1, 7, 7)))
    for name, answer in (
        ("score_not_probability", on_top(keras.ops.log)),
        ("unguided_cam", lambda A, G: np.ones(A.shape[:3])),
        ("unguided_cam", cam(gradients=guide)),
        ("kept_order", standardised),
        ("repaired_picture", as_in_the_package),
    ):
        getattr(checks, name)(answer)
        assert "not right yet" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_zero_divided_by_zero_is_noticed(capsys):
    """Whatever level this processor makes of NaN, and it may well be 0."""
    checks.kept_order(display(safe=False))
    assert "0 / 0" in capsys.readouterr().out
