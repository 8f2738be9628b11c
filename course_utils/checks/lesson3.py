"""Checks of lesson 3."""

from __future__ import annotations

import numpy as np

from course_utils.checks._judge import Exercise, shared

__all__ = ["alpha", "grad_cam_steps", "place_contributions", "side_share", "weighted_sum_of_maps"]


def _drawn(*shape: int, seed: int = 0, scale: float = 0.3) -> np.ndarray:
    """Return the same float32 numbers in every call: of both signs, and not round."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def _relu(x) -> np.ndarray:
    return np.maximum(x, 0)


def _per_picture(x: np.ndarray) -> np.ndarray:
    return x / np.abs(x).max(axis=tuple(range(1, x.ndim)), keepdims=True)


def _stretched(m: np.ndarray) -> np.ndarray:
    low = m.min(axis=(1, 2), keepdims=True)
    return (m - low) / np.ptp(m, axis=(1, 2), keepdims=True)


# ------------------------------------------------------------------------------------ 3.1


def _alpha(gradient, axis=(1, 2), pool=np.mean, before=np.asarray, after=np.asarray):
    return after(pool(before(np.asarray(gradient)), axis=axis))


def _slopes() -> tuple[np.ndarray]:
    g = np.zeros((2, 2, 3, 4))
    g[0, :, :, 0] = [[6, 0, 0], [0, 12, 0]]  # mean 18 / 6
    g[0, :, :, 1] = [[-6, 0, 0], [0, 0, 0]]
    g[0, :, :, 3] = [[1, -2, 3], [-4, 5, 9]]
    g[1, :, :, 2] = 5
    g[1, :, :, 3] = [[0, 0, 6], [0, 0, -18]]
    return (g,)


alpha = Exercise(
    id="3.1",
    right=lambda gradient: _alpha(gradient),
    inputs={
        "2 pictures with 4 maps of 2 x 3 positions": _slopes,
        "3 pictures with 2 maps of 3 x 4 positions": lambda: (_drawn(3, 3, 4, 2, scale=9),),
        "1 picture with 5 maps of 4 x 1 positions": lambda: (_drawn(1, 4, 1, 5, scale=0.01),),
    },
    truth=[[3, -1, 0, 2], [0, 0, 5, -2]],
    axes=("picture", "map"),
    errors=[
        ("AxisError", "The gradient has four axes, (B, h, w, K), counted from 0."),
        ("out of bounds", "The numbers of pictures, positions and maps aren't always the same: "
         "take them from gradient.shape, or all at once with axis=(1, 2)."),
        ("'list' object cannot|as a data type", "Two axes at once are one tuple: axis=(1, 2)."),
    ],
    wrong=[
        (lambda g: _alpha(g, pool=np.sum), "This is the sum over the positions. The formula has "
         "the mean: 1/Z, with Z the number of positions."),
        (lambda g: g.sum(axis=(1, 2)) / 49, "Divided by 49, which is right for maps of 7 x 7 "
         "positions only. Take the mean over the positions."),
        (lambda g: g.sum(axis=(1, 2)) / g.shape[1], "The sum over the positions was divided by "
         "their rows only. Z is the number of positions, h times w."),
        (lambda g: g.sum(axis=(1, 2)) / g.shape[2], "The sum over the positions was divided by "
         "their columns only. Z is the number of positions, h times w."),
        (lambda g: g.sum(axis=(1, 2)) / g.shape[1] * g.shape[2], "Brackets are missing: / (h * w). "
         "Without them it is divided by h and multiplied by w."),
        (lambda g: np.reshape(g, (len(g), g.shape[3], -1)).mean(axis=2), "This reshape mixes maps "
         "and positions: the maps are the last axis. Take the mean over the axes (1, 2)."),
        (lambda g: _alpha(g, before=np.abs), "This is the mean of |gradient|: a map that speaks "
         "against the class would speak for it. Keep the signs."),
        (lambda g: _alpha(g, after=np.abs), "The signs are gone: a map that speaks against the "
         "class would speak for it."),
        (lambda g: _alpha(g, after=_relu), "The negative weights are gone. The ReLU comes at the "
         "very end, after the sum, not here."),
        (lambda g: _alpha(g, before=_relu), "The negative slopes are gone before the mean. Average "
         "them with their signs."),
        (lambda g: _alpha(g, pool=np.max), "This is the largest slope. Grad-CAM takes the mean "
         "over the positions."),
        (lambda g: _alpha(g, pool=np.median), "This is the median. Grad-CAM takes the mean over "
         "the positions."),
        (lambda g: g[:, 0, 0], "This is the slope at one position, the first. Take the mean over "
         "the positions."),
        (lambda g: g.mean(axis=(1, 2), keepdims=True), "Right numbers, but the two position axes "
         "are still there: leave out keepdims."),
        (lambda g: _alpha(g, axis=(0, 1, 2)), "The mean went over the pictures as well. Each "
         "picture has its own weights: axis=(1, 2)."),
        (lambda g: np.tile(_alpha(g, axis=(0, 1, 2)), (len(g), 1)), "All pictures got the mean of "
         "their weights. Each picture has its own: axis=(1, 2)."),
        (lambda g: _alpha(g, axis=-1), "You pooled over the maps (channels), the last axis, so "
         "there's one number per position. Pool over the positions, axis=(1, 2)."),
        (lambda g: _alpha(g, axis=None), "One number for everything: average over the positions "
         "only, axis=(1, 2)."),
        *[
            (lambda g, a=axis: _alpha(g, axis=a), "Only one of the two position axes was averaged: "
             "axis=(1, 2).")
            for axis in (1, 2)
        ],
        *[
            (lambda g, a=axis: _alpha(g, axis=a), "The positions are the axes 1 and 2, counted "
             "from 0: axis=(1, 2).")
            for axis in ((0, 1), (2, 3), (1, 3), (0, 2), 0)
        ],
        (lambda g: _alpha(g).T, "Right numbers, but the axes are swapped: (B, K), pictures first."),
        (lambda g: _alpha(g)[0], "Only the first picture has weights. Return (B, K)."),
        (lambda g: _alpha(g)[:1], "Only the first picture has weights: is the `return` inside the "
         "loop?"),
        (lambda g: _alpha(g) / np.abs(_alpha(g)).max(), "The weights were divided by the largest "
         "one. Keep them as they are: their size has a meaning."),
        (lambda g: _per_picture(_alpha(g)), "The weights of each picture were divided by the "
         "largest one. Keep them as they are: their size has a meaning."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 3.2


FROM_THE_NOTEBOOK = (
    "The function uses something from the notebook (x, A, gradient, weights) instead of its "
    "arguments."
)
CROSSED = (
    "`@` multiplies the maps of every picture by the weights of every picture. Line them up "
    "instead: feature_maps * weights[:, None, None, :], then the sum over the last axis."
)
NOT_LINED_UP = (
    "The weights are not lined up with the maps: they need two position axes, weights[:, None, "
    "None, :] (in a loop over k, weights[:, k, None, None])."
)


def _weighted(A, v, of_weights=np.asarray, of_products=np.asarray, total=np.sum, axis=-1):
    v = of_weights(np.asarray(v))[:, None, None, :]
    return total(of_products(np.asarray(A) * v), axis=axis)


def _maps_and_weights() -> tuple[np.ndarray, np.ndarray]:
    # As many columns as pictures: weights without the position axes fit too, wrongly.
    A = np.zeros((2, 3, 2, 3))
    A[0, 0, 0] = [1, 2, 4]
    A[0, 1, 1] = [3, 0, 1]
    A[0, 2, 0] = [-2, 1, 0]
    A[1, 0, 0] = [2, 5, 1]
    A[1, 2, 1] = [0, 1, 6]
    return A, np.array([[2.0, -3.0, 1.0], [1.0, 2.0, -2.0]])


weighted_sum_of_maps = Exercise(
    id="3.2",
    right=lambda feature_maps, weights: _weighted(feature_maps, weights),
    inputs={
        "2 pictures with 3 maps of 3 x 2 positions": _maps_and_weights,
        "3 pictures with 5 maps of 2 x 4 positions": lambda: (_drawn(3, 2, 4, 5), _drawn(3, 5)),
        "1 picture with 2 maps of 1 x 3 positions": lambda: (_drawn(1, 1, 3, 2), _drawn(1, 2)),
    },
    # 2 - 6 + 4, 6 + 1 and -4 - 3; then 2 + 10 - 2 and 2 - 12
    truth=[[[0, 0], [0, 7], [-7, 0]], [[10, 0], [0, 0], [0, -10]]],
    axes=("picture", "row", "column"),
    errors=[
        ("gufunc|mismatch|matmul|align", CROSSED),
        ("1280|224|7,7", FROM_THE_NOTEBOOK),
        ("out of bounds", "The number of maps isn't always the same: it's weights.shape[1]."),
        ("broadcast", NOT_LINED_UP),
    ],
    wrong=[
        (lambda A, v: _relu(_weighted(A, v)), "The sum is right, but the negative numbers are "
         "gone. Keep them here; the ReLU comes in step 3."),
        (lambda A, v: np.abs(_weighted(A, v)), "The signs of the sum are gone. What speaks against "
         "the class must stay negative."),
        (lambda A, v: _weighted(A, v, of_products=_relu), "The ReLU came before the sum, so no map "
         "can speak against the class. Sum first, with signs."),
        (lambda A, v: _weighted(A, v, of_weights=_relu), "The ReLU came before the sum: maps with "
         "negative weights are missing. Sum over all maps, with signs."),
        (lambda A, v: _weighted(A, v, of_products=np.abs), "The absolute values were summed, so "
         "nothing can cancel. Keep the signs."),
        (lambda A, v: _weighted(A, v, of_weights=np.abs), "The weights have lost their signs."),
        (lambda A, v: _weighted(A, v, total=np.mean), "This is the mean over the maps. The formula "
         "has the sum."),
        (lambda A, v: _weighted(A, v, total=np.max), "This is the largest of the weighted maps. "
         "The formula has the sum."),
        (lambda A, v: A.sum(axis=-1), "The maps were summed without their weights."),
        (lambda A, v: A.mean(axis=-1), "The maps were averaged without their weights."),
        (lambda A, v: A * v[:, None, None, :], "These are the weighted maps. Sum them over k, the "
         "last axis."),
        (lambda A, v: (A * v).sum(axis=-1), "The weights were not lined up with the pictures: "
         "NumPy took the pictures' axis of the weights for the columns. Use "
         "weights[:, None, None, :] (in a loop over k, weights[:, k, None, None])."),
        *[
            (lambda A, v, k=k: _weighted(A[..., k], v[:, k]), sentence)
            for k, sentence in [
                (slice(1), "Only the first map counts: is the `return` inside the loop?"),
                (slice(-1, None), "Only the last map counts. Add them up in the loop: total = "
                 "total + ..."),
                (slice(1, None), "The first map is left out: they are counted from 0, "
                 "range(weights.shape[1])."),
                (slice(-1), "The last map is left out: range(weights.shape[1]) ends with it."),
            ]
        ],
        (lambda A, v: _weighted(A[..., : len(v)], v[:, : len(v)]), "weights.shape[0] is the number "
         "of pictures. The maps are counted by weights.shape[1]."),
        (lambda A, v: _weighted(A, v)[:1], "Only the first picture has a map: is the `return` "
         "inside the loop? Return (B, h, w)."),
        (lambda A, v: A @ v[0], "All pictures got the weights of the first one. Each has its own."),
        (lambda A, v: A @ v[-1], "All pictures got the weights of the last one. Each has its own."),
        (lambda A, v: A @ v.mean(axis=0), "All pictures got the same weights, the mean over the "
         "pictures. Each has its own."),
        (lambda A, v: A @ v.sum(axis=0), "All pictures got the same weights, the sum over the "
         "pictures. Each has its own: weights[:, None, None, :]."),
        (lambda A, v: A @ v.T, CROSSED),
        (lambda A, v: _weighted(A, v).sum(axis=0), "The pictures were summed as well: return one "
         "map per picture, (B, h, w)."),
        (lambda A, v: _weighted(A, v)[0], "The batch axis is gone: return one map per picture, (B, "
         "h, w)."),
        (lambda A, v: _weighted(A, v)[..., None], "The last axis is still there, with one number: "
         "leave out keepdims."),
        (lambda A, v: _weighted(A, v, axis=(1, 2)), "The positions were summed, and what is left "
         "is one number per map. Sum over the maps (channels), the last axis."),
        (lambda A, v: _weighted(A, v, axis=None), "Everything was summed. Sum over the maps "
         "(channels) only, the last axis."),
        (lambda A, v: _weighted(A, v, axis=0), "The pictures were summed, the first axis. Sum over "
         "the maps (channels), the last axis."),
        *[
            (lambda A, v, s=scaled: s(_weighted(A, v)), "Each map was scaled to its own range. "
             "That belongs to the display.")
            for scaled in (_per_picture, _stretched)
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 3.3


def _cam(
    maps_and_scores,
    inputs,
    class_index,
    *,
    target=lambda scores, c: scores[:, c],
    watch=True,
    of_slopes=lambda g: g,
    pool=lambda g: g.mean(axis=(1, 2), keepdims=True),
    of_products=np.asarray,
    total=np.sum,
    end=_relu,
):
    """Grad-CAM; or, with a keyword, a way to get it wrong."""
    import tensorflow as tf

    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        if watch:
            tape.watch(x)
        A, scores = maps_and_scores(x)
        score = target(scores, class_index)
    weights = pool(of_slopes(tape.gradient(score, A).numpy()))
    return end(total(of_products(A.numpy() * weights), axis=-1))


def _tf(name: str):
    """Return a function of tf.nn, which isn't imported before it is called."""

    def call(scores):
        import tensorflow as tf

        return getattr(tf.nn, name)(scores)

    return call


def _pixel_slopes(maps_and_scores, inputs, class_index):
    import tensorflow as tf

    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = maps_and_scores(x)[1][:, class_index]
    return tape.gradient(score, x).numpy()


def _highest(scores, class_index):
    import tensorflow as tf

    return tf.reduce_max(scores, axis=1)


@shared
def _by_hand():
    """Maps A = x; scores sum_ijk V_ijkc A_ijk, with small whole numbers V: slopes dS_c / dA = V."""
    from course_utils.network.tensorflow import keras

    image = keras.Input((1, 2, 2))
    copied = keras.layers.Conv2D(2, 1, use_bias=False)
    dense = keras.layers.Dense(3, use_bias=False)
    A = copied(image)
    model = keras.Model(image, [A, dense(keras.layers.Flatten()(A))])
    copied.set_weights([np.eye(2)[None, None]])
    # One column per class: the slopes at position 0, map 0 and 1, then at position 1.
    dense.set_weights([np.array([[1, 4, 0], [0, -3, 2], [1, 0, -4], [2, 1, 0]])])
    return model


@shared
def _bent():
    """A network of two branches after the maps, with bends, so slopes differ by picture."""
    from course_utils.network.tensorflow import keras

    rng = np.random.default_rng(7)
    image = keras.Input((3, 4, 2))
    A = keras.layers.Conv2D(3, 1)(image)
    B = keras.layers.Conv2D(4, 2, activation="tanh")(A)
    C = keras.layers.Conv2D(4, 2, activation="sigmoid")(A)
    last = keras.layers.Flatten()(keras.layers.Multiply()([B, C]))
    skipped = keras.layers.Dense(4)(keras.layers.Flatten()(A))
    model = keras.Model(image, [A, keras.layers.Add()([keras.layers.Dense(4)(last), skipped])])
    model.set_weights([rng.normal(scale=0.7, size=w.shape) for w in model.get_weights()])
    return model


@shared
def _frozen():
    """A network without trainable weights: the tape sees nothing unless it watches the input."""
    from course_utils.network.tensorflow import keras

    image = keras.Input((3, 4, 2))
    A = keras.ops.matmul(image, _drawn(2, 3, seed=1))
    flat = keras.ops.reshape(A, (-1, 3 * 4 * 3))
    return keras.Model(image, [A, keras.ops.tanh(keras.ops.matmul(flat, _drawn(36, 3, seed=2)))])


WATCH = (
    "Right for a network with trainable weights, which the tape watches by itself. With a frozen "
    "network its gradient is None: call tape.watch(x) before the network."
)
BEFORE_THE_SUM = (
    "Maps with negative weights are missing: the ReLU came before the sum. Sum over all maps, then "
    "the ReLU."
)

grad_cam_steps = Exercise(
    id="3.3",
    right=lambda maps_and_scores, inputs, class_index: _cam(maps_and_scores, inputs, class_index),
    inputs={
        "2 pictures and class 1": lambda: (
            _by_hand(),
            np.array([[[[3, 2], [3, 1]]], [[[1, 4], [5, -1]]]], np.float32),
            1,
        ),
        "3 pictures, a network that bends and branches, and its last class": lambda: (
            _bent(),
            _drawn(3, 3, 4, 2, scale=1),
            3,
        ),
        "1 picture, a network without trainable weights, and class 0": lambda: (
            _frozen(),
            _drawn(1, 3, 4, 2, scale=1),
            0,
        ),
    },
    # Slopes 4, -3 at the first position and 0, 1 at the second, so the weights are 2 and -1:
    # 6 - 2 and 6 - 1; 2 - 4, which is negative, and 10 + 1.
    truth=[[[4, 5]], [[0, 11]]],
    axes=("picture", "row", "column"),
    errors=[
        ("1280|224", FROM_THE_NOTEBOOK),
        ("EagerTensor.*attribute|list indices|ndims must", "A tensor (or a list) came where an "
         "array is expected: add .numpy() to the gradient and to the feature maps; and if your "
         "alpha returns a tensor or a list, write np.asarray(alpha(gradient))."),
        ("'_id'", "The tape needs the tensors: take the gradient first, then .numpy()."),
        ("Passed in object|Expected.*Tensor.*watch", "A tape watches tensors, not arrays: begin "
         "with x = tf.convert_to_tensor(inputs)."),
        ("slice index|out of bounds", "The networks here have three or four classes. Use the "
         "class_index that is given, not the number of the cat's class."),
        ("NoneType|None values", "The tape's gradient is None: it has not seen how the score comes "
         "from the feature maps. Call tape.watch(x) first, and compute maps *and* score in one "
         "call inside the `with` block. In tape.gradient(score, feature_maps), the score comes "
         "first."),
        ("broadcast|mismatch|gufunc", "These shapes don't fit together. Is it the gradient with "
         "respect to x, the pixels? You need tape.gradient(score, feature_maps)."),
    ],
    wrong=[
        (lambda m, x, c: _cam(m, x, c, watch=False), WATCH),
        (lambda m, x, c: _cam(m, x, c, end=np.asarray), "The ReLU is missing: negative values "
         "speak against the class. Use np.maximum(..., 0) at the end."),
        (lambda m, x, c: _cam(m, x, c, end=np.abs), "The absolute value was taken: what speaks "
         "against the class now looks like evidence for it. ReLU keeps the positive and makes the "
         "rest 0."),
        (lambda m, x, c: _cam(m, x, c, end=lambda s: _relu(-s)), "The sign is flipped: "
         "differentiate the score itself, not a loss."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g.sum(axis=(1, 2), keepdims=True)),
         "The slopes were summed over the positions. The weights are their mean."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g.sum(axis=(1, 2), keepdims=True),
         end=np.asarray), "The slopes were summed, not averaged, and the ReLU is missing."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g.max(axis=(1, 2), keepdims=True)),
         "The largest slope was taken for the weights. They are the mean over the positions."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g.mean(axis=(0, 1, 2), keepdims=True)),
         "The slopes were averaged over the pictures too, so they all got the same weights. Each "
         "picture has its own: the mean over the axes 1 and 2."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g[:1].mean(axis=(1, 2), keepdims=True)),
         "All pictures got the weights of the first one. Each has its own."),
        (lambda m, x, c: _cam(m, x, c, of_products=_relu), "The ReLU came before the sum, so no "
         "map can speak against the class. Sum first, then the ReLU."),
        *[
            (lambda m, x, c, e=end: _cam(
                m, x, c, pool=lambda g: _relu(g.mean(axis=(1, 2), keepdims=True)), end=e
            ), BEFORE_THE_SUM)
            for end in (_relu, np.asarray)
        ],
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: np.abs(g.mean(axis=(1, 2), keepdims=True))),
         "The absolute value of the weights was taken. Keep their signs."),
        (lambda m, x, c: _cam(m, x, c, of_slopes=np.abs), "The mean of |gradient| was taken for "
         "the weights. Average the slopes with their signs."),
        (lambda m, x, c: _cam(m, x, c, of_slopes=_relu), "Negative slopes were dropped before the "
         "mean (as in guided gradients). Average all of them."),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g), "Each number was multiplied by its own "
         "slope: the average over the positions is missing. (That is HiResCAM, another method.)"),
        (lambda m, x, c: _cam(m, x, c, pool=lambda g: g.mean(axis=-1, keepdims=True)),
         "The slopes were pooled over the maps (channels) instead of the positions."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: _tf("softmax")(s)[:, c]), "This is the "
         "gradient of the probability. The network given to the function ends in scores: leave the "
         "softmax out."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: _tf("softmax")(s)[:, c],
         end=np.asarray), "This is the gradient of the probability, and the ReLU is missing."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: _tf("log_softmax")(s)[:, c]),
         "This is the gradient of the log-probability: differentiate the score itself."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[:, 0]), "These are the weights of the "
         "wrong class, always class 0: use class_index."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[:, 1]), "Right for class 1, wrong for "
         "other classes: use class_index."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[:, c - 1]), "This is the class "
         "before: classes are counted from 0."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[:, (c + 1) % s.shape[1]]), "This is "
         "the class after: classes are counted from 0."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[:, -1]), "These are the weights of "
         "the wrong class, always the last: use class_index."),
        (lambda m, x, c: _cam(m, x, c)[:1], "Only the first picture has a map: put the whole batch "
         "through the network, and return (B, h, w)."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s), "This is for the sum over all "
         "classes. Pick the score of one class first: scores[:, class_index]."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[c]), "scores[class_index] is one "
         "picture, with all its classes. One class is scores[:, class_index]."),
        (lambda m, x, c: _cam(m, x, c, target=_highest),
         "These are the weights of the wrong class, the predicted one: use class_index."),
        (lambda m, x, c: _cam(m, x, c, target=lambda s, c: s[0, c]), "Only the first "
         "picture's score was differentiated: the score of each is scores[:, class_index]."),
        (lambda m, x, c: _cam(m, x, c, total=np.mean), "The maps were averaged. The formula has "
         "the sum over the maps."),
        (lambda m, x, c: _cam(m, x, c)[0], "The batch axis is gone: return one map per picture, "
         "(B, h, w)."),
        (lambda m, x, c: _cam(m, x, c)[..., None], "The axis of the maps is still there: leave out "
         "keepdims."),
        (lambda m, x, c: _cam(m, x, c, end=lambda s: _per_picture(_relu(s))), "Each map was "
         "divided by its maximum. That belongs to the display: without its size, nobody can see "
         "whether there is anything at all."),
        (lambda m, x, c: _cam(m, x, c, end=lambda s: _relu(s) / _relu(s).max()), "The maps were "
         "divided by their maximum. That belongs to the display: without its size, nobody can see "
         "whether there is anything at all."),
        (lambda m, x, c: _cam(m, x, c, end=_stretched), "The map was stretched to 0...1 instead of "
         "the ReLU: its zero is lost."),
        (_pixel_slopes, "This is the gradient with respect to the inputs. Differentiate with "
         "respect to the feature maps, and return one map per picture, (B, h, w)."),
        (lambda m, x, c: np.abs(_pixel_slopes(m, x, c)).max(axis=-1), "This is a vanilla gradient, "
         "with respect to the inputs. Differentiate with respect to the feature maps."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 3.4


def _contributions(A, W, c, places=lambda A: A.shape[1] * A.shape[2]):
    return np.asarray(A) @ np.asarray(W)[:, c] / places(np.asarray(A))


def _maps_and_head() -> tuple[np.ndarray, np.ndarray]:
    # As many maps as classes: a row of W instead of a column fits too, wrongly.
    A = np.zeros((3, 2, 4, 3))
    A[0, 0, 1] = [8, 0, 16]
    A[0, 1, 3] = [0, 24, 8]
    A[1, 1, 0] = [16, 8, 0]
    return A, np.array([[1.0, 2.0, -4.0], [0.5, -1.0, 3.0], [2.0, 5.0, 1.0]])


CLASS = "Use the class_index that is given"

place_contributions = Exercise(
    id="3.4",
    right=lambda feature_maps, W, class_index: _contributions(feature_maps, W, class_index),
    inputs={
        "3 pictures with 3 maps of 2 x 4 positions and class 2": lambda: (*_maps_and_head(), 2),
        "2 pictures with 4 maps of 3 x 2 positions and class 0 of 5": lambda: (
            _drawn(2, 3, 2, 4), _drawn(4, 5), 0,
        ),
        "1 picture with 3 maps of 1 x 1 position and class 1 of 3": lambda: (
            _drawn(1, 1, 1, 3, seed=1), _drawn(3, 3, seed=1), 1,
        ),
    },
    # With the weights -4, 3, 1 and Z = 8: -2 = (-32 + 16) / 8; 10 = (72 + 8) / 8; -5.
    truth=[[[0, -2, 0, 0], [0, 0, 0, 10]], [[0, 0, 0, 0], [-5, 0, 0, 0]], [[0] * 4] * 2],
    axes=("picture", "row", "column"),
    errors=[
        ("out of bounds", f"The weights here have three or five classes. {CLASS}, not the number "
         "of the cat's class."),
        ("gufunc|mismatch|align|broadcast", "The maps have K numbers at each position, and so has "
         "a column of W, W[:, class_index]. W[class_index] is a row: one map, all classes."),
    ],
    wrong=[
        (lambda A, W, c: _relu(_contributions(A, W, c)), "The negative contributions are gone, so "
         "the rest no longer adds up to the score. Leave the ReLU out here."),
        (lambda A, W, c: np.abs(_contributions(A, W, c)), "The signs are gone: contributions "
         "against the class must stay negative."),
        *[
            (lambda A, W, c, z=z: _contributions(A, W, c, places=z), sentence)
            for z, sentence in [
                (lambda A: 1, "This is CAM itself. The contribution has 1/Z before the sum, with Z "
                 "the number of positions, h times w."),
                (lambda A: 49, "Divided by 49, which is right for maps of 7 x 7 positions only. Z "
                 "is h times w."),
                (lambda A: A.shape[2], "Divided by the width only. Z is the number of positions, h "
                 "times w."),
                (lambda A: A.shape[1], "Divided by the height only. Z is the number of positions, "
                 "h times w."),
                (lambda A: A.shape[1] ** 2, "Divided by the height twice, which is right for "
                 "square maps only. Z is the number of positions, h times w."),
                (lambda A: A.shape[2] ** 2, "Divided by the width twice, which is right for square "
                 "maps only. Z is the number of positions, h times w."),
                (lambda A: A.shape[1] + A.shape[2], "Divided by h + w. Z is the number of "
                 "positions, h times w."),
                (lambda A: A.shape[0] * A.shape[1], "The first axis is the picture. The positions "
                 "are the axes 1 and 2: Z is shape[1] * shape[2]."),
                (lambda A: A.shape[2] * A.shape[3], "The last axis is the maps. The positions are "
                 "the axes 1 and 2: Z is shape[1] * shape[2]."),
                (lambda A: A.shape[1] / A.shape[2], "Brackets are missing: / (h * w). Without them "
                 "it is divided by h and multiplied by w."),
                (lambda A: A[..., 0].size, "Divided by the number of pictures too. Z is the number "
                 "of positions, h times w."),
                (lambda A: A.shape[3], "Divided by the number of maps. Z is the number of "
                 "positions, h times w."),
                (lambda A: A.size, "Divided by the size of all the maps. Z is the number of "
                 "positions, h times w."),
            ]
        ],
        (lambda A, W, c: _contributions(A, W.T, c), "This is a row of W: the weights of one map "
         "for all classes. One class is a column, W[:, class_index]."),
        (lambda A, W, c: A @ W[c], "This is a row of W, and 1/Z is missing. One class is a column, "
         "W[:, class_index]."),
        (lambda A, W, c: _contributions(A, W, 0), f"This is always class 0. {CLASS}."),
        (lambda A, W, c: _contributions(A, W, -1), f"This is always the last class. {CLASS}."),
        (lambda A, W, c: _contributions(A, W, 1), f"This is always class 1. {CLASS}."),
        (lambda A, W, c: _contributions(A, W, c - 1), "This is the class before: classes are "
         "counted from 0."),
        (lambda A, W, c: _contributions(A, W, slice(None)), "These are the contributions to all "
         "classes. Pick one column of W."),
        (lambda A, W, c: A @ W.sum(axis=1) / (A.shape[1] * A.shape[2]), "This is for the sum over "
         "all classes. Pick one column of W."),
        *[
            (lambda A, W, c, f=f: _contributions(A, f(W), c), "The negative weights lost their "
             "sign, or are gone. They speak against the class: take W as it is.")
            for f in (np.abs, _relu)
        ],
        (lambda A, W, c: _contributions(A, W, [c]), "Right numbers, but the last axis is still "
         "there, with one number: W[:, class_index], without inner brackets."),
        (lambda A, W, c: A.mean(axis=(1, 2)) @ W[:, c], "The mean over the positions was taken, "
         "and *where* is lost: this is the score. Keep the positions."),
        (lambda A, W, c: A * W[:, c] / (A.shape[1] * A.shape[2]), "The contributions of the maps "
         "are not summed yet: sum over the last axis."),
        (lambda A, W, c: _contributions(A, W, c)[0], "The batch axis is gone: return one map per "
         "picture, (B, h, w)."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 3.5


def _share(m, side, part=_relu, whole=_relu, of_side=np.asarray):
    m, side = np.asarray(m, float), of_side(np.asarray(side, float))
    total = whole(m).sum()
    return (part(m) * side).sum() / total if (m > 0).any() else 0.0


def _strong(m):
    return np.where(m > 0.1 * m.max(), m, 0)


side_share = Exercise(
    id="3.5",
    right=lambda m, side: _share(m, side),
    inputs={
        # The positive part: 6 + 4 + 3 + 2 + 5 = 20, of which 6 + (4 + 2) / 2 = 9 on the side.
        "a map with 6 on the side, 4 and 2 half on it, and 3 and 5 off it": lambda: (
            np.array([[6.0, 4.0, 3.0], [-7.0, 0.0, -1.0], [0.0, 2.0, 5.0]]),
            np.array([[1.0, 0.5, 0.0]] * 3),
        ),
        "a map of 4 x 5 positions": lambda: (_drawn(4, 5), np.tile([0, 0, 0.5, 1, 1], (4, 1))),
        "a map in another unit, with very small numbers": lambda: (
            _drawn(2, 3, scale=3e-8), np.array([[1, 1, 0], [0.5, 0, 0]]),
        ),
        "a map with few strong positions": lambda: (
            np.array([[9.0, 0.4, 0.3, 0.7, -0.2]]), np.array([[0, 1, 1, 0, 1]]),
        ),
        "a map where nothing speaks for the class": lambda: (
            np.array([[-1.0, 0.0]]), np.array([[1.0, 0.0]]),
        ),
        "a map of zeros": lambda: (np.zeros((2, 2)), np.ones((2, 2))),
        "a map of one position": lambda: (np.array([[0.37]]), np.array([[0.5]])),
    },
    truth=0.45,
    errors=[
        ("ZeroDivision", "Where nothing speaks for the class, zero was divided by zero. Return 0 "
         "in this case."),
        ("truth value", "An `if` takes one number: ask about the sum of what is positive."),
        ("broadcast|bool.*index", "`side` has the shape of `m`, whatever that is: multiply them."),
    ],
    wrong=[
        *[
            (lambda m, s, w=with_signs: w(m, s), "The negative values were summed as well: they "
             "cancel evidence, and the result isn't a share. np.maximum(m, 0) first.")
            for with_signs in (
                lambda m, s: _share(m, s, np.asarray, np.asarray),
                lambda m, s: (m * s).sum() / m.sum(),
                lambda m, s: (m * s).sum() / m.sum() if m.sum() > 0 else 0.0,
            )
        ],
        *[
            (lambda m, s, w=with_signs: w(m, s), "The part has negative values in it, and the "
             "whole doesn't. Use np.maximum(m, 0) for both.")
            for with_signs in (
                lambda m, s: _share(m, s, part=np.asarray),
                lambda m, s: (m * s).sum() / _relu(m).sum(),
            )
        ],
        (lambda m, s: _share(m, s, whole=np.asarray), "The whole has negative values in it, and "
         "the part doesn't. Use np.maximum(m, 0) for both."),
        *[
            (lambda m, s, w=absolute: w(m, s), "Absolute values turn what speaks against the class "
             "into evidence for it. np.maximum(m, 0) instead.")
            for absolute in (
                lambda m, s: _share(m, s, np.abs, np.abs),
                lambda m, s: _share(np.abs(m), s),
            )
        ],
        (lambda m, s: _share(m, s, whole=np.abs), "The whole is the sum of |m|. It should be the "
         "sum of what is positive."),
        (lambda m, s: (_relu(m) * s).sum() / _relu(m).sum(), "Where nothing speaks for the class, "
         "zero was divided by zero. Return 0 in this case."),
        (lambda m, s: (_relu(m) * s).sum(), "This is the part. Divide it by the whole, the sum of "
         "what is positive."),
        (lambda m, s: 100 * _share(m, s), "This is in per cent. A share goes from 0 to 1."),
        (lambda m, s: _share(m, s) / (1 - _share(m, s)) if _share(m, s) < 1 else 0.0, "This is one "
         "side divided by the other. Divide by the whole."),
        (lambda m, s: _share(m, 1 - s), "This is the share of the other side."),
        (lambda m, s: (_relu(m) * s).sum() / s.sum(), "Divided by the size of the side: that is a "
         "mean. Divide by the sum of what is positive."),
        (lambda m, s: (_relu(m) * s).sum() / m.size, "Divided by the number of positions: that is "
         "a mean. Divide by the sum of what is positive."),
        (lambda m, s: _share(m, s, of_side=np.ceil), "Positions that are half on the side were "
         "counted in full: multiply by side, where 0.5 counts half."),
        (lambda m, s: _share(m, s, of_side=np.floor), "Positions that are half on the side were "
         "left out: multiply by side, where 0.5 counts half."),
        (lambda m, s: _share(m > 0, s), "The positions were counted. Sum the values: a strong "
         "position must count more."),
        (lambda m, s: _share(m, s, _strong, _strong), "Weak positions are missing: everything "
         "positive counts, however small."),
        (lambda m, s: (_relu(m) * s).max() / m.max() if m.max() > 0 else 0.0, "These are the "
         "largest values. Sum them over the positions."),
        *[
            (lambda m, s, v=value: _share(m, s) if (m > 0).any() else v, "Where nothing speaks "
             "for the class, return 0.")
            for value in (0.5, 1.0)
        ],
        *[
            (lambda m, s, e=e: (_relu(m) * s).sum() / (_relu(m).sum() + e), "Something was added "
             "to the whole: the same map in another unit has another share. Test for zero with an "
             "if instead.")
            for e in (1.0, 1e-3, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
        ],
        (lambda m, s: _relu(m) * s / _relu(m).sum(), "One number is needed: sum over all the "
         "positions."),
    ],
)  # fmt: skip
