"""Checks of lesson 2."""

from __future__ import annotations

import numpy as np

from course_utils.checks import lesson3
from course_utils.checks._judge import Exercise, Mistake, numbers, shared
from course_utils.checks.lesson3 import _drawn

__all__ = ["explain", "gradients", "path_gradients", "saliency_map"]

CLASS = "use the class your function is given"
OUT_OF_RANGE = (
    "slice index|out of bounds|out of range",
    "The small networks here have few classes: use the class your function is given, not the "
    "number of the notebook's tabby.",
)


def _scores_of_powers(w: np.ndarray, *powers: int, softmax: bool = False):
    """Return a model of the scores S_c = sum of w_c x^p / p, whose gradient is w_c x^(p - 1).

    Args:
        w: (classes, H, W, C).
        powers: one or more; their terms add up.
    """
    from course_utils.network.tensorflow import keras

    x = keras.Input(w.shape[1:])
    dense = keras.layers.Dense(len(w), use_bias=False)
    scores = dense(keras.layers.Flatten()(sum(x**p / p for p in powers)))
    model = keras.Model(x, keras.layers.Softmax()(scores) if softmax else scores)
    dense.set_weights([w.reshape(len(w), -1).T])
    return model


def _ends_in_scores(maps_and_scores):
    from course_utils.network.tensorflow import keras

    return keras.Model(maps_and_scores.input, maps_and_scores.output[1])


@shared
def _bent():
    return _ends_in_scores(lesson3._bent())


@shared
def _frozen():
    return _ends_in_scores(lesson3._frozen())


# ------------------------------------------------------------------------------------ 2.1


def _slopes(score_model, inputs, class_index, *, target=lambda scores, c: scores[:, c]):
    """The gradient of a target; another target is a way to get it wrong."""
    import tensorflow as tf

    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = target(score_model(x), class_index)
    return tape.gradient(y, x).numpy()


def _mean_score(scores, c):
    import tensorflow as tf

    return tf.reduce_mean(scores[:, c])


def _loss(scores, c):
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits([c] * len(scores), scores)


def _highest(scores, c):
    import tensorflow as tf

    return tf.reduce_max(scores, axis=1)


def _of_weights(score_model, inputs, class_index):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        y = score_model(tf.convert_to_tensor(inputs))[:, class_index]
    return tape.gradient(y, score_model.trainable_weights)


def _over_all(g: np.ndarray, of) -> np.ndarray:
    """Return one number per picture, such as its norm, in a shape to divide by."""
    return of(g, axis=tuple(range(1, g.ndim)), keepdims=True)


NOT_SEEN = (
    "The tape didn't see how the score depends on the inputs. Make them a tensor, x = "
    "tf.convert_to_tensor(inputs); inside the `with`, call tape.watch(x), then the model on x, and "
    "pick the column there too. In tape.gradient(score, x), the score comes first."
)


def _of_the_inputs(answer):
    if answer is None:
        raise Mistake(f"The result is None. Either the `return` is missing, or: {NOT_SEEN}")
    if isinstance(answer, (list, tuple)) and len({np.shape(part) for part in answer}) != 1:
        raise Mistake(
            "That is a list of gradients of several shapes, as for the weights. The question is "
            "the gradient with respect to the inputs: tape.gradient(score, x), with x the tensor "
            "of inputs."
        )
    return numbers(answer)


gradients = Exercise(
    id="2.1",
    right=lambda score_model, inputs, class_index: _slopes(score_model, inputs, class_index),
    inputs={
        "2 pictures and class 1 of 3": lambda: (
            _by_hand(), np.array([[[[1, 2], [3, -1]]], [[[-2, 4], [5, 0]]]], np.float32), 1,
        ),
        "3 pictures, a network that bends and branches, and its last class": lambda: (
            _bent(), _drawn(3, 3, 4, 2, scale=1), 3,
        ),
        "1 picture, a network without trainable weights, and class 0": lambda: (
            _frozen(), _drawn(1, 3, 4, 2, scale=1), 0,
        ),
        "2 pictures, the network that bends, and class 0": lambda: (
            _bent(), _drawn(2, 3, 4, 2, seed=5, scale=1), 0,
        ),
    },
    # S_1 is the sum of w_1 x^2 / 2 with w_1 = 2, -1, 0, 3: its slopes are w_1 x.
    truth=[[[[2, -2], [0, -3]]], [[[-4, -4], [0, 0]]]],
    axes=("picture", "row", "column", "channel"),
    normalise=_of_the_inputs,
    errors=[
        OUT_OF_RANGE,
        ("'_id'", "You can't differentiate with respect to a NumPy array: start with x = "
         "tf.convert_to_tensor(inputs). Inside the tape, call score_model(x), without .numpy() or "
         ".predict."),
        ("Passed in object|Expected.*Tensor|ndarray", "The tape watches tensors, and inputs is a "
         "NumPy array: start with x = tf.convert_to_tensor(inputs)."),
        ("NoneType|None values", NOT_SEEN),
        ("GradientTape.gradient can only|non-persistent", "A tape answers only once. Take the "
         "gradient of the one score you need, outside the `with`."),
        ("(?<!')[Ss]hape|incompatible|expected", "The shapes don't fit. Use the function's own "
         "arguments, score_model, inputs and class_index, and nothing from further up in the "
         "notebook."),
    ],
    wrong=[
        *[
            (lambda m, x, c, t=target: _slopes(m, x, c, target=t), sentence)
            for target, sentence in [
                (lambda s, c: s, "This is the gradient of the sum over all classes. Pick the score "
                 "of one class first: scores[:, class_index]."),
                (lambda s, c: s[:, 0], f"This is always the gradient of class 0: {CLASS}."),
                (lambda s, c: s[:, 1], "Right for class 1, and always the gradient of class 1: "
                 f"{CLASS}."),
                (lambda s, c: s[:, -1], f"This is always the gradient of the last class: {CLASS}."),
                (lambda s, c: s[:, c - 1], "This is the class before the given one. Classes are "
                 "counted from 0, as columns are: scores[:, class_index]."),
                (lambda s, c: s[:, (c + 1) % s.shape[1]], "This is the class after the given one. "
                 "Classes are counted from 0, as columns are: scores[:, class_index]."),
                (lambda s, c: s[:, :c], "This adds up the classes before the given one: write "
                 "scores[:, class_index], without another colon."),
                (lambda s, c: s[:, c:], "This adds up the given class and all after it: write "
                 "scores[:, class_index], without another colon."),
                (_highest, f"This is always the class with the highest score: {CLASS}."),
                (lambda s, c: lesson3._tf("softmax")(s)[:, c], "This is the gradient of the "
                 "probability. The model given to the function ends in scores already: leave the "
                 "softmax out."),
                (lambda s, c: lesson3._tf("log_softmax")(s)[:, c], "This is the gradient of the "
                 "log-probability: leave the softmax out."),
                (lambda s, c: lesson3._tf("sigmoid")(s)[:, c], "This is the gradient of the "
                 "score's sigmoid: differentiate the score itself."),
                (_loss, "This is the gradient of a loss, as in training. Differentiate the score "
                 "itself."),
                (lambda s, c: -s[:, c], "The sign is flipped: differentiate the score itself, "
                 "not a loss."),
                (lambda s, c: s[:, c] ** 2, "This is the gradient of the score's square: "
                 "differentiate the score itself."),
                (lambda s, c: s[0, c], "Only the first picture has a gradient: take the whole "
                 "column, scores[:, class_index]."),
                (lambda s, c: s[-1, c], "Only the last picture has a gradient: take the whole "
                 "column, scores[:, class_index]."),
                (lambda s, c: s[c], "This picks a picture, not a class: the first axis of the "
                 "scores is the batch. Take scores[:, class_index]."),
                (_mean_score, "This is divided by the batch size: a mean over the pictures was "
                 "taken. Give the tape scores[:, class_index] as it is, or its sum."),
            ]
        ],
        *[
            (lambda m, x, c, at=at: _slopes(m, at(x), c), sentence)
            for at, sentence in [
                (np.zeros_like, "This is the gradient at an input of zeros: take it at the given "
                 "inputs."),
                (np.ones_like, "This is the gradient at an input of ones: take it at the given "
                 "inputs."),
                (lambda x: x / np.float32(255), "The inputs were divided by 255, and the gradient "
                 "is that of another picture. They are prepared already: take them as they are."),
                (lambda x: x * np.float32(128) + np.float32(127), "The inputs were turned back "
                 "into levels from 0 to 255. They are prepared already: take them as they are."),
                (lambda x: (x - np.float32(127)) / np.float32(128), "The inputs were prepared once "
                 "more. They are prepared already: take them as they are."),
                (lambda x: np.clip(x, 0, 1), "The inputs were clipped to 0...1. They are prepared "
                 "already, with both signs: take them as they are."),
                (lambda x: np.clip(x, -1, 1), "The inputs were clipped to -1...1: take them as "
                 "they are."),
                (lambda x: np.maximum(x, 0), "The negative inputs were set to 0: take them as they "
                 "are."),
                (np.abs, "The inputs have lost their signs: take them as they are."),
                (lambda x: x - x.mean(), "A mean was subtracted from the inputs. They are prepared "
                 "already: take them as they are."),
                (lambda x: np.repeat(x[:1], len(x), axis=0), "All pictures got the gradient of "
                 "the first one. Put the whole batch through the model."),
                (lambda x: x[:1], "Only the first picture went through the model. Put the whole "
                 "batch through it, and return one gradient per picture."),
            ]
        ],
        (lambda m, x, c: _slopes(m, x / np.float32(255), c) / 255, "The inputs were divided by "
         "255 inside the tape, and the gradient with them. They are prepared already: take them as "
         "they are."),
        (lambda m, x, c: _slopes(m, x * np.float32(128) + np.float32(127), c) * 128, "The inputs "
         "were turned back into levels from 0 to 255 inside the tape. They are prepared already: "
         "take them as they are."),
        *[
            (lambda m, x, c, f=after: f(_slopes(m, x, c), x), sentence)
            for after, sentence in [
                (lambda g, x: np.abs(g), "The signs are gone. Keep them here; |g| belongs to the "
                 "display."),
                (lambda g, x: np.maximum(g, 0), "The negative slopes are gone. Keep both signs "
                 "here."),
                (lambda g, x: g**2, "The slopes were squared. Return them as they are."),
                (lambda g, x: g * x, "This is gradient times input. Return the gradient alone."),
                (lambda g, x: g / _over_all(np.abs(g), np.max), "Each picture's gradient was "
                 "divided by its largest value. Return it as it is: its size means something."),
                (lambda g, x: g / np.abs(g).max(), "The gradient was divided by its largest value. "
                 "Return it as it is: its size means something."),
                (lambda g, x: g / np.sqrt(_over_all(g**2, np.sum)), "Each picture's gradient was "
                 "divided by its length. Return it as it is: its size means something."),
                (lambda g, x: g / np.linalg.norm(g), "The gradient was divided by its length. "
                 "Return it as it is: its size means something."),
                (lambda g, x: g[0], "The batch axis is gone: return one gradient per picture, in "
                 "the shape of the inputs."),
                (lambda g, x: np.abs(g).max(axis=-1), "This is a saliency map already. Return all "
                 "slopes with their signs, in the shape of the inputs."),
                (lambda g, x: g.sum(axis=-1), "The channels were summed. Return all slopes, in the "
                 "shape of the inputs."),
                (lambda g, x: g.mean(axis=-1), "The mean over the channels was taken. Return all "
                 "slopes, in the shape of the inputs."),
                (lambda g, x: g.sum(axis=0), "The gradients of the pictures were summed. Each "
                 "picture has its own."),
                (lambda g, x: np.broadcast_to(g.sum(axis=0), g.shape), "All pictures got the sum "
                 "of the gradients. Each picture has its own."),
                (lambda g, x: np.broadcast_to(g.mean(axis=0), g.shape), "All pictures got the mean "
                 "of the gradients. Each picture has its own."),
                (lambda g, x: np.zeros_like(x), "The gradient is zero everywhere. Return what "
                 "tape.gradient(score, x) gives."),
                (lambda g, x: x, "These are the inputs themselves. Return tape.gradient(score, "
                 "x)."),
            ]
        ],
        (_of_weights, "as for the weights. The question is the gradient with respect to the "
         "inputs: tape.gradient(score, x), with x the tensor of inputs."),
        (lambda m, x, c: np.asarray(m(x)), "These are the scores. Their gradient is "
         "tape.gradient(score, x)."),
        (lambda m, x, c: np.asarray(m(x))[:, c], "This is the score. Its gradient is "
         "tape.gradient(score, x)."),
    ],
)  # fmt: skip


@shared
def _by_hand():
    w = np.zeros((3, 1, 2, 2))
    w[0] = [[1, 0], [4, -2]]
    w[1] = [[2, -1], [0, 3]]
    w[2] = [[-3, 1], [1, 1]]
    return _scores_of_powers(w, 2)


# ------------------------------------------------------------------------------------ 2.2


def _map(gradient, before=np.abs, pick=np.max, after=np.asarray, channels=slice(None)):
    return after(pick(before(np.asarray(gradient)[..., channels]), axis=-1))


def _two_gradients() -> tuple[np.ndarray]:
    g = np.zeros((2, 1, 4, 3))
    g[0, 0, 0] = [1, -5, 2]
    g[0, 0, 3] = [-0.5, 0.25, 0.75]
    g[1, 0, 1] = [-3, -1, -2]
    g[1, 0, 2] = [0.5, 1.5, -2.5]
    return (g,)


def _length(a, axis):
    return np.sqrt((a**2).sum(axis=axis))


AS_IT_IS = "Return M as it is: scaling belongs to the display"

saliency_map = Exercise(
    id="2.2",
    right=lambda gradient: _map(gradient),
    inputs={
        "2 pictures of 1 x 4 pixels": _two_gradients,
        "3 pictures of 4 x 2 pixels": lambda: (_drawn(3, 4, 2, 3, scale=9),),
        "1 picture of 2 x 5 pixels, with small slopes": lambda: (_drawn(1, 2, 5, 3, scale=1e-4),),
        "2 pictures of 1 pixel": lambda: (_drawn(2, 1, 1, 3, seed=4),),
        "a gradient that is zero": lambda: (np.zeros((1, 2, 3, 3), np.float32),),
    },
    truth=[[[5, 0, 0, 0.75]], [[0, 3, 2.5, 0]]],
    axes=("picture", "row", "column"),
    errors=[
        ("out of bounds", "The gradient has four axes, (B, H, W, 3), counted from 0: the channels "
         "are the last one, axis=-1."),
        ("unexpected keyword.*dim", "NumPy says axis, not dim: .max(axis=-1)."),
        ("takes.*positional|bad operand|not callable", "np.abs(gradient) takes the whole array, "
         "and so does .max(axis=-1)."),
    ],
    wrong=[
        *[
            (lambda g, o=options: _map(g, **o), sentence)
            for options, sentence in [
                ({"before": np.asarray}, "The largest gradient isn't the strongest: -5 is stronger "
                 "than 2. Take |g| first, then the largest."),
                ({"before": np.asarray, "after": np.abs}, "The largest was taken first, and then "
                 "its absolute value: for 1, -5 and 2 that gives 2. Take |g| first, then the "
                 "largest."),
                ({"before": np.asarray, "pick": np.min}, "The smallest gradient was taken, which "
                 "may be negative. Take |g| first, then the largest."),
                ({"before": np.asarray, "pick": np.min, "after": np.abs}, "The smallest was taken "
                 "first, and then its absolute value: for 1, 2 and 5 that gives 1. Take |g| first, "
                 "then the largest."),
                ({"pick": np.min}, "This is the weakest channel. M is the largest of the three."),
                ({"pick": np.sum}, "This is the sum over the channels; the paper takes the "
                 "largest."),
                ({"pick": np.mean}, "This is the mean over the channels; the paper takes the "
                 "largest."),
                ({"pick": np.median}, "This is the median of the channels; the paper takes the "
                 "largest."),
                ({"pick": _length}, "This is the length, the root of the sum of squares; the paper "
                 "takes the largest |value|."),
                ({"before": np.square, "pick": np.mean, "after": np.sqrt}, "This is the root of "
                 "the mean square; the paper takes the largest |value|."),
                ({"before": np.square}, "These are the squares. M is the largest |value| itself."),
                ({"before": np.asarray, "pick": np.mean}, "This is the mean with signs, in which "
                 "colours cancel. Take |g| first, then the largest."),
                ({"before": np.asarray, "pick": np.mean, "after": np.abs}, "The mean was taken "
                 "first, in which colours cancel, and then its absolute value. Take |g| first, "
                 "then the largest."),
                ({"before": np.asarray, "pick": np.sum}, "This is the sum with signs, in which "
                 "colours cancel. Take |g| first, then the largest."),
                ({"before": np.asarray, "pick": np.sum, "after": np.abs}, "The sum was taken "
                 "first, in which colours cancel, and then its absolute value. Take |g| first, "
                 "then the largest."),
                ({"before": np.asarray, "pick": np.ptp}, "This is the largest minus the smallest. "
                 "M is the largest |value|."),
                ({"pick": np.std}, "This is the standard deviation of the channels. M is the "
                 "largest |value|."),
                ({"before": lambda g: np.maximum(g, 0)}, "Negative gradients were set to 0. They "
                 "change the score too: take |g|, then the largest."),
                ({"before": lambda g: np.maximum(-g, 0)}, "Positive gradients were set to 0. They "
                 "change the score too: take |g|, then the largest."),
                ({"pick": np.argmax}, "This is the index of the strongest channel. Take its "
                 "|value|: max, not argmax."),
                ({"after": np.negative}, "The map is negative: leave out the minus."),
                ({"after": np.sqrt}, "This is the square root. M is the largest |value| itself."),
                *[
                    ({"after": lambda m, e=e: m / (m.max() + e)}, "The maps were divided by their "
                     f"largest value. {AS_IT_IS}.")
                    for e in (0, 1e-8)
                ],
                *[
                    ({"after": lambda m, e=e: m / (_over_all(m, np.max) + e)}, "Each map was "
                     f"divided by its largest value. {AS_IT_IS}.")
                    for e in (0, 1e-8)
                ],
                ({"after": lambda m: (m - m.min()) / np.ptp(m)}, "The maps were stretched "
                 f"to 0...1. {AS_IT_IS}."),
                ({"after": lambda m: m[:1]}, "Only the first picture has a map: is the `return` "
                 "inside the loop? Return one map per picture, (B, H, W)."),
                ({"after": lambda m: np.minimum(m, np.percentile(m, 99))}, "The strongest values "
                 f"were clipped. {AS_IT_IS}."),
                ({"after": lambda m: m.sum(axis=0)}, "The pictures were summed. Each picture has "
                 "its own map, (B, H, W)."),
                ({"after": lambda m: m.max(axis=0)}, "The pictures were merged. Each picture has "
                 "its own map, (B, H, W)."),
                ({"after": lambda m: m[0]}, "The batch axis is gone. Return one map per picture, "
                 "(B, H, W)."),
                ({"after": lambda m: m[..., None]}, "The axis of the channels is still there, with "
                 "one number: leave out keepdims."),
                ({"after": lambda m: np.repeat(m[..., None], 3, axis=-1)}, "The axis of the "
                 "channels is still there. Return one number per pixel, (B, H, W)."),
            ]
        ],
        *[
            (lambda g, c=channels: _map(g, channels=c), "Only some of the three channels count. "
             "Take the largest of all three, .max(axis=-1).")
            for channels in ([0], [1], [2], [0, 1], [1, 2], [0, 2])
        ],
        *[
            (lambda g, c=channel: g[..., c], "This is one channel. Take the largest |value| of all "
             "three, np.abs(gradient).max(axis=-1).")
            for channel in (0, 1, 2)
        ],
        *[
            (lambda g, a=axis: np.abs(g).max(axis=a), sentence)
            for axis, sentence in [
                (0, "axis=0 goes over the pictures; the channels are the last axis, axis=-1."),
                (1, "axis=1 goes over the rows; the channels are the last axis, axis=-1."),
                (2, "axis=2 goes over the columns; the channels are the last axis, axis=-1."),
                ((1, 2), "The largest was taken over the pixels. Take it over the channels, the "
                 "last axis, axis=-1."),
                ((1, 2, 3), "The largest of each whole picture was taken. Take it over the "
                 "channels only, axis=-1."),
                (None, "The largest of everything was taken. Take it over the channels only, "
                 "axis=-1."),
            ]
        ],
        (lambda g: np.abs(g), "The signs are gone, and the channels are still there. Take the "
         "largest of the three, .max(axis=-1)."),
        (lambda g: g * (np.abs(g) == np.abs(g).max(axis=-1, keepdims=True)), "The weaker channels "
         "were set to 0. Return one number per pixel, .max(axis=-1)."),
        (lambda g: np.take_along_axis(g, np.abs(g).argmax(axis=-1)[..., None], axis=-1)[..., 0],
         "This is the strongest slope with its sign. M is its absolute value."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 2.3


def _classifier(labels: tuple[str, ...], w: np.ndarray, *powers: int):
    """Return a classifier that ends in a softmax, as published ones do; it maps grey 102 to 0."""
    from course_utils.models import Classifier

    model = _scores_of_powers(w, *powers, softmax=True)
    return Classifier(
        "small", w.shape[1:3], labels, model, lambda p: p / 51 - 2, lambda x: (x + 2) * 51
    )


@shared
def _cats():
    w = np.zeros((3, 2, 2, 3))
    w[0, 0] = [[1, 1, 1], [2, 0, 0]]
    w[1] = [[[1, -2, 1], [0, 1, 3]], [[4, 0, -1], [-3, 2, 1]]]
    w[2] = 5
    return _classifier(("tiger cat", "cat", "dog"), w, 2)


@shared
def _pens():
    # More classes than predict lists; and the signs of x matter, even for |gradient|.
    labels = ("pencil", "pen", "fountain pen", "penholder", "chalk", "crayon", "brush", "quill")
    return _classifier(labels, _drawn(8, 3, 3, 3), 4, 3)


def _photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def _four_pixels(width: int) -> np.ndarray:
    picture = np.full((2, width, 3), 255, np.uint8)
    # After preparation: [[(3, -2, 0), (1, 2, -1)], [(0, 1, 2), (-1, 0, 3)]]
    picture[:, width // 2 - 1 : width // 2 + 1] = [
        [[255, 0, 102], [153, 204, 51]],
        [[102, 153, 204], [51, 102, 255]],
    ]
    return picture


def _explain(
    classifier,
    picture,
    name,
    *,
    prepare=lambda c, p: c.prepare(p),
    model=lambda c: c.score_model,
    number=lambda c, x, name: c.labels.index(name),
    reduce=lambda g, x: np.abs(g).max(axis=-1),
    take=lambda m: m[0],
):
    x = prepare(classifier, picture)
    return take(reduce(_slopes(model(classifier), x, number(classifier, x, name)), x))


def _predicted(classifier, x, name) -> int:
    return int(np.argmax(classifier.score_model(x)[0]))


UNPREPARED = "The picture went into the network unprepared: put it through classifier.prepare first"

explain = Exercise(
    id="2.3",
    right=lambda classifier, picture, name: _explain(classifier, picture, name),
    inputs={
        "a wide picture of a cat": lambda: (_cats(), _four_pixels(4), "cat"),
        "the picture of a dog": lambda: (_cats(), _photograph(2, 2), "dog"),
        "a tall picture of a quill": lambda: (_pens(), _photograph(5, 3), "quill"),
        "a large picture of a pencil": lambda: (_pens(), _photograph(9, 12, seed=1), "pencil"),
        "a small picture of a pen": lambda: (_pens(), _photograph(3, 3, seed=2), "pen"),
    },
    # The gradients w x: (3, 4, 0), (0, 2, -3); (0, 0, -2), (3, 0, 3).
    truth=[[4, 3], [2, 3]],
    axes=("row", "column"),
    errors=[
        ("list index out of range", "predict lists only the most probable classes, and yours may "
         "not be among them: use classifier.class_index(name)."),
        ("index 1 .* size 1$", "The batch has only one picture, so its map is the first: [0]."),
        OUT_OF_RANGE,
        ("EagerTensor.*attribute|list indices|'list' object", "Your saliency_map needs an array: "
         "give it np.asarray(gradients(...))."),
        ("has no class", "These aren't the notebook's classes: use the name your function is "
         "given."),
        ("uint8|were prepared", "prepare takes the original picture, uint8, and only once."),
        ("[Ii]nvalid type|Only integers|must be integers|convert.*str|'str'|tuple index",
         "`gradients` takes the index of a class, not its name: classifier.class_index(name)."),
        ("[Ss]hape|incompatible|expected", "The network here takes pictures of another size. Put "
         "the given picture through classifier.prepare, and use nothing from further up."),
    ],
    wrong=[
        *[
            (lambda c, p, name, o=options: _explain(c, p, name, **o), sentence)
            for options, sentence in [
                ({"model": lambda c: c.model}, "This is the gradient of the probability: "
                 "classifier.model ends in a softmax. Take classifier.score_model."),
                ({"prepare": lambda c, p: np.float32(p)[None]}, f"{UNPREPARED}."),
                ({"prepare": lambda c, p: np.float32(p / 255)[None]}, f"{UNPREPARED}. Dividing by "
                 "255 isn't how it's prepared."),
                ({"prepare": lambda c, p: c.prepare(p) / np.float32(255)}, "The picture was "
                 "divided by 255 after it had been prepared. prepare does all that is needed."),
                ({"prepare": lambda c, p: np.float32(c.restore(c.prepare(p)))}, "The preparation "
                 "was undone by restore, which is for looking at the picture."),
                ({"prepare": lambda c, p: 0 * c.prepare(p)}, "This is the map of an empty picture. "
                 "Use the given picture."),
                ({"prepare": lambda c, p: -c.prepare(p)}, "The prepared picture was turned into "
                 "its negative. Take it as it is."),
                ({"prepare": lambda c, p: np.abs(c.prepare(p))}, "The prepared picture has lost "
                 "its signs. Take it as it is."),
                ({"prepare": lambda c, p: c.prepare(p[:, ::-1])}, "The picture is mirrored, left "
                 "to right."),
                ({"prepare": lambda c, p: c.prepare(p[..., ::-1])}, "The channels are in the "
                 "reverse order."),
                ({"number": _predicted}, "This explains the predicted class instead of the one "
                 "asked for: use classifier.class_index(name)."),
                ({"number": lambda c, x, name: 0}, "This always explains class 0: use "
                 "classifier.class_index(name)."),
                ({"number": lambda c, x, name: 1}, "This always explains class 1: use "
                 "classifier.class_index(name)."),
                ({"number": lambda c, x, name: -1}, "This always explains the last class: use "
                 "classifier.class_index(name)."),
                ({"number": lambda c, x, name: c.labels.index(name) - 1}, "This explains the class "
                 "before the one asked for: use classifier.class_index(name) as it is."),
                *[
                    ({"number": lambda c, x, name, fits=fits, i=i: [
                        k for k, label in enumerate(c.labels) if fits(label, name)
                    ][i]}, "This explains another class whose name contains the given one, as "
                     "'tiger cat' contains 'cat': use classifier.class_index(name).")
                    for fits in (lambda a, b: b in a, str.startswith, str.endswith)
                    for i in (0, -1)
                ],
                ({"number": lambda c, x, name: slice(None)}, "This is the gradient of all classes "
                 "at once: use classifier.class_index(name)."),
                ({"reduce": lambda g, x: g}, "Return one number per pixel: put the gradient into "
                 "saliency_map."),
                ({"reduce": lambda g, x: g.max(axis=-1)}, "The largest gradient isn't the "
                 "strongest: take |g| first, as saliency_map does."),
                ({"reduce": lambda g, x: np.abs(g.max(axis=-1))}, "The largest gradient was taken "
                 "before its absolute value: take |g| first, as saliency_map does."),
                ({"reduce": lambda g, x: np.abs(g).mean(axis=-1)}, "This is the mean over the "
                 "channels. Take the largest, as saliency_map does."),
                ({"reduce": lambda g, x: np.abs(g).sum(axis=-1)}, "This is the sum over the "
                 "channels. Take the largest, as saliency_map does."),
                ({"reduce": lambda g, x: np.abs(g.mean(axis=-1))}, "The mean was taken before the "
                 "absolute value, so colours cancel. Put the gradient into saliency_map."),
                *[
                    ({"reduce": lambda g, x, of=of: of(g, axis=-1)}, "The channels were put "
                     "together with their signs, so colours cancel. Put the gradient into "
                     "saliency_map.")
                    for of in (np.sum, np.mean)
                ],
                ({"reduce": lambda g, x: np.abs(g[..., 0])}, "This is the first channel only. Put "
                 "the gradient into saliency_map."),
                ({"reduce": lambda g, x: np.abs(g * x).max(axis=-1)}, "This is the map of gradient "
                 "times input. Take the gradient alone."),
                ({"reduce": lambda g, x: np.abs(g).max(axis=-1) / np.abs(g).max()}, "The map was "
                 "divided by its largest value. That belongs to the display."),
                ({"reduce": lambda g, x: np.abs(g), "take": lambda m: m.max(axis=0)}, "The largest "
                 "was taken over the batch. Take it over the channels, and the batch's first map "
                 "with [0]."),
                ({"take": lambda m: m}, "The result still has a batch axis: take the first "
                 "picture's map, [0]."),
                ({"take": lambda m: m[0][0]}, "This is the first row of the map: there is one [0] "
                 "too many."),
                ({"take": lambda m: m[..., 0]}, "This is the first column. The batch is the first "
                 "axis: [0]."),
            ]
        ],
        (lambda c, p, name: c.prepare(p)[0], "This is the prepared picture. Take the gradient of "
         "the class's score with respect to it."),
        (lambda c, p, name: _explain(c, p, name, reduce=lambda g, x: g, take=lambda m: m), "This "
         "is the gradient, with its batch axis. Put it into saliency_map, and take [0]."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 2.4


def _middles(steps: int) -> np.ndarray:
    return (np.arange(steps) + 0.5) / steps


def _path(
    score_model,
    inputs,
    class_index,
    steps,
    *,
    points=_middles,
    of_slopes=lambda g, a, x: g,
    pool=lambda gs, steps: np.sum(gs, axis=0) / steps,
    times=lambda x: x,
):
    """Integrated gradients; each keyword is a way to get it wrong."""
    x = np.asarray(inputs)
    a = np.float32(points(steps)).reshape(-1, 1, 1, 1)
    gs = [of_slopes(g, k, x) for g, k in zip(_slopes(score_model, a * x, class_index), a)]  # noqa: B905
    return times(x) * pool(gs, steps)


def _trapezoids(gs, steps):
    return (np.sum(gs, axis=0) - (gs[0] + gs[-1]) / 2) / (len(gs) - 1)


def _packages_own(score_model, inputs, class_index, steps):
    from course_utils import integrated_gradients

    return integrated_gradients(score_model, inputs, class_index, steps=steps)


@shared
def _quartic():
    w = np.zeros((3, 1, 2, 3))
    w[0] = [[1, 2, -1], [0, 1, 1]]
    w[1] = [[2, -1, 32], [-2, 4, 0]]
    w[2] = [[-1, 0, 3], [5, 1, 1]]
    return _scores_of_powers(w, 4)


path_gradients = Exercise(
    id="2.4",
    right=lambda score_model, inputs, class_index, steps: _path(
        score_model, inputs, class_index, steps
    ),
    inputs={
        "2 steps and class 1": lambda: (
            _quartic(), np.array([[[[2, -2, 1], [4, 0, 1]]]], np.float32), 1, 2,
        ),
        "5 steps, a network that bends and branches, and its last class": lambda: (
            _bent(), _drawn(1, 3, 4, 2, seed=1, scale=2), 3, 5,
        ),
        "1 step, a network without trainable weights, and class 0": lambda: (
            _frozen(), _drawn(1, 3, 4, 2, seed=3, scale=3), 0, 1,
        ),
        "8 steps, another picture and class 0": lambda: (
            _quartic(), _drawn(1, 1, 2, 3, seed=3, scale=2), 0, 8,
        ),
    },
    # The slopes are w x^3, and the middles 1/4 and 3/4: w x^4 (1/64 + 27/64) / 2 = w x^4 7/32.
    truth=[[[[7, -3.5, 7], [-112, 0, 0]]]],
    axes=("picture", "row", "column", "channel"),
    normalise=_of_the_inputs,
    errors=[
        OUT_OF_RANGE,
        ("EagerTensor.*attribute|list.*list|unsupported operand.*list", "Your gradients returns a "
         "tensor or a list: take np.asarray(gradients(...))."),
        ("float.*double|double.*float|dtype|must have the same type", "The points along the way "
         "are float64, and the inputs float32: np.float32(a * inputs)."),
        ("'int' object is not iterable", "`steps` is a number: for k in range(steps)."),
        ("positional arguments|unexpected keyword|missing a required", "The functions of the "
         "package take other arguments. Write the sum yourself, with gradients from above."),
        ("[Ss]hape|incompatible|expected", "The shapes don't fit. Put the points on the way "
         "through the model one by one, a * inputs, and use nothing from further up."),
    ],
    wrong=[
        *[
            (lambda m, x, c, n, o=options: _path(m, x, c, n, **o), sentence)
            for options, sentence in [
                ({"points": lambda n: np.ones(n)}, "This is gradient times input, with the slope "
                 "at the end only. Average the slopes along the way."),
                ({"points": lambda n: np.zeros(n)}, "This is the slope at the baseline only. "
                 "Average the slopes along the way."),
                ({"points": lambda n: np.full(n, 0.5)}, "This is the slope in the middle only. "
                 "Average the slopes at `steps` points."),
                ({"points": lambda n: (np.arange(n) + 1) / n}, "The points are the ends of the "
                 "pieces: take the middles, k + 0.5."),
                ({"points": lambda n: np.arange(n) / n}, "The points are the beginnings of the "
                 "pieces: take the middles, k + 0.5."),
                ({"points": lambda n: (np.arange(n) - 0.5) / n}, "The points begin at -0.5 / "
                 "steps: take k + 0.5 if k begins at 0."),
                ({"points": lambda n: (np.arange(n) + 1.5) / n}, "The points begin at 1.5 / "
                 "steps: take k + 0.5 if k begins at 0, and k - 0.5 if it begins at 1."),
                ({"points": lambda n: np.arange(n) + 0.5}, "The points go beyond the input: divide "
                 "k + 0.5 by steps."),
                ({"points": lambda n: np.arange(n) + 0.5 / n}, "Brackets are missing: (k + 0.5) / "
                 "steps."),
                ({"points": np.arange}, "The points are whole numbers, and go beyond the input: "
                 "(k + 0.5) / steps."),
                ({"points": lambda n: np.linspace(0, 1, n)}, "np.linspace(0, 1, steps) includes "
                 "both ends of the path. Take the middles of the pieces, (k + 0.5) / steps."),
                *[
                    ({"points": lambda n: np.linspace(0, 1, n + 1), "pool": pool}, "These are "
                     "steps + 1 points with both ends of the path. Take the middles of the pieces, "
                     "(k + 0.5) / steps.")
                    for pool in (lambda gs, n: np.mean(gs, axis=0), lambda gs, n: sum(gs) / n)
                ],
                ({"points": lambda n: np.linspace(0, 1, n + 1), "pool": _trapezoids}, "This is the "
                 "trapezoidal rule, with the ends of the pieces. Take the slopes at their middles, "
                 "(k + 0.5) / steps."),
                ({"points": lambda n: np.linspace(0, 1, n + 2)[1:-1]}, "These points are steps + 1 "
                 "pieces apart. Take the middles of `steps` pieces, (k + 0.5) / steps."),
                ({"points": lambda n: 1 + _middles(n)}, "The points go away from the input, beyond "
                 "it. They go from 0 to it: (k + 0.5) / steps."),
                ({"points": lambda n: -_middles(n)}, "The points go from 0 away from the input: "
                 "leave out the minus."),
                ({"points": lambda n: _middles(n)[:-1]}, "The last point is missing: `steps` "
                 "points."),
                ({"points": lambda n: _middles(n)[1:]}, "The first point is missing: `steps` "
                 "points, k from 0."),
                ({"pool": lambda gs, n: np.sum(gs, axis=0)}, "The gradients are added up, but not "
                 "divided by the number of steps."),
                ({"pool": lambda gs, n: np.sum(gs, axis=0), "times": np.ones_like}, "This is the "
                 "sum of the gradients. Divide it by steps, and multiply it by the displacement, "
                 "inputs."),
                ({"pool": lambda gs, n: np.sum(gs, axis=0) / (n + 1)}, "Divided by steps + 1: "
                 "there are `steps` points."),
                ({"pool": lambda gs, n: np.sum(gs, axis=0) * n}, "Multiplied by steps: divide by "
                 "it."),
                ({"pool": lambda gs, n: gs[-1] / n}, "This is the last gradient only, divided by "
                 "steps. Add them up in the loop: total = total + ..."),
                ({"pool": lambda gs, n: gs[-1]}, "This is the last gradient only. Add them up in "
                 "the loop: total = total + ..."),
                ({"pool": lambda gs, n: gs[0]}, "This is the first gradient only. Is the `return` "
                 "inside the loop?"),
                ({"pool": lambda gs, n: gs[0] / n}, "This is the first gradient only, divided by "
                 "steps. Is the `return` inside the loop?"),
                ({"pool": lambda gs, n: np.max(gs, axis=0)}, "This is the largest gradient along "
                 "the way. Take the mean."),
                ({"pool": lambda gs, n: np.median(gs, axis=0)}, "This is the median of the "
                 "gradients. Take the mean."),
                ({"pool": lambda gs, n: np.mean(gs)}, "You averaged over everything: average over "
                 "the points only, axis=0."),
                ({"of_slopes": lambda g, a, x: np.abs(g)}, "The gradients have lost their signs. "
                 "Add them up as they are."),
                ({"of_slopes": lambda g, a, x: np.maximum(g, 0)}, "Negative gradients were left "
                 "out. Add all of them up, with their signs."),
                ({"of_slopes": lambda g, a, x: a * g}, "Each gradient was multiplied by its own "
                 "point, a * inputs. Multiply their mean by the whole displacement, inputs."),
                ({"of_slopes": lambda g, a, x: a * g, "times": np.ones_like}, "Each gradient was "
                 "multiplied by a. Multiply their mean by the displacement, inputs."),
                ({"times": np.ones_like}, "The mean gradient still has to be multiplied by the "
                 "displacement, inputs."),
                ({"points": lambda n: np.ones(n), "times": np.ones_like}, "This is the gradient at "
                 "the input. Average along the way from 0 to it."),
                ({"times": np.abs}, "The displacement has lost its sign: multiply by inputs as "
                 "they are."),
                ({"times": np.negative}, "All numbers have the wrong sign: the displacement is "
                 "inputs - 0."),
                ({"times": lambda x: x - x.mean()}, "A mean was subtracted from the displacement. "
                 "The baseline is 0: multiply by inputs."),
                ({"times": lambda x: x / 2}, "The displacement was halved: multiply by inputs."),
                ({"times": np.square}, "Multiplied by inputs twice: once is enough."),
            ]
        ],
        *[
            (lambda m, x, c, n, k=k: _path(m, x, k(m, c), n), f"{said}: {CLASS}.")
            for k, said in [
                (lambda m, c: 0, "This is always class 0"),
                (lambda m, c: 1, "This is always class 1"),
                (lambda m, c: -1, "This is always the last class"),
                (lambda m, c: slice(None), "This is for the sum over all classes"),
                (lambda m, c: c - 1, "This is the class before"),
            ]
        ],
        (_packages_own, "This is the package's version, whose points aren't the middles of equal "
         "pieces. Write the sum yourself, with gradients from above."),
        *[
            (lambda m, x, c, n, k=k: _path(m, x, c, k), "The number of steps is always the same: "
             "use the one you're given, steps.")
            for k in (2, 5, 8, 10, 16, 20, 32, 50, 64, 100)
        ],
        (lambda m, x, c, n: _path(m, x, c, n)[0], "The batch axis is gone: return the shape of the "
         "inputs, (1, H, W, 3)."),
        (lambda m, x, c, n: np.abs(_path(m, x, c, n)).max(axis=-1), "This is a map already. Return "
         "all values with their signs, (1, H, W, 3)."),
        (lambda m, x, c, n: _path(m, x, c, n).sum(), "This is the sum of the values. Return all of "
         "them, (1, H, W, 3)."),
        (lambda m, x, c, n: np.repeat(_path(m, x, c, n), n, axis=0), "There is one result per "
         "point: average over the points, axis=0, before you multiply by inputs."),
    ],
)  # fmt: skip
