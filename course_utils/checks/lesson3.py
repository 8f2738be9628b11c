"""Checks of lesson 3."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, softmax_rows, verdict

__all__ = ["alpha", "grad_cam_steps", "place_contributions", "side_share", "weighted_sum_of_maps"]


def _name_the_mistake(answer: np.ndarray, table, atol: float = 1e-4) -> None:
    """Raise the hint that belongs to the first wrong value that the answer is equal to."""
    for value, hint in table:
        if answer.shape == np.shape(value) and np.allclose(answer, value, atol=atol):
            raise Mistake(hint)


# ------------------------------------------------------------------------------------ 3.1


def alpha(student: Callable) -> Callable:
    """Exercise 3.1: alpha(gradient), (B, h, w, K) -> mean over the places, (B, K)."""

    def working(gradient):
        return np.mean(np.asarray(gradient), axis=(1, 2))

    return verdict("3.1", student, working, _judge_alpha)


def _judge_alpha(student) -> None:
    g = np.zeros((2, 2, 3, 4))
    g[0, :, :, 0] = [[6, 0, 0], [0, 12, 0]]  # mean 18 / 6
    g[0, :, :, 1] = [[-6, 0, 0], [0, 0, 0]]
    g[0, :, :, 3] = [[1, -2, 3], [-4, 5, 9]]
    g[1, :, :, 2] = 5
    g[1, :, :, 3] = [[0, 0, 6], [0, 0, -18]]
    truth = np.array([[3.0, -1, 0, 2], [0, 0, 5, -2]])
    before = g.copy()
    a = answer_array(student, g, shape=None)
    if not np.array_equal(g, before):
        raise Mistake("The gradient itself was changed. Make a new array instead.")
    g = before
    _name_the_mistake(
        a,
        (
            (truth * 6, "This is the sum over the places. The formula has the mean: 1/Z, with Z "
             "the number of places."),
            (truth * 6 / 49, "Divided by 49, which is right for maps of 7 x 7 places only. Take "
             "the mean over the places."),
            (np.abs(g).mean(axis=(1, 2)), "This is the mean of |gradient|: a map that speaks "
             "against the class would speak for it. Keep the signs."),
            (np.abs(truth), "The signs are gone: a map that speaks against the class would speak "
             "for it."),
            (np.maximum(truth, 0), "The negative weights are gone. The ReLU comes at the very end, "
             "after the sum, not here."),
            (np.maximum(g, 0).mean(axis=(1, 2)), "The negative slopes are gone before the mean. "
             "Average them with their signs."),
            (g.max(axis=(1, 2)), "This is the largest slope. Grad-CAM takes the mean over the "
             "places."),
            (truth[:, None, None, :], "Right numbers, but the two axes of the places are still "
             "there: leave out keepdims."),
            (g.mean(axis=(0, 1, 2)), "The mean went over the pictures as well. Each picture has "
             "its own weights: axis=(1, 2)."),
            (truth.T, "Right numbers, but the axes are swapped: (B, K), pictures first."),
            (truth[0], "Only the first picture has got weights. Return (B, K)."),
            (truth / np.abs(truth).max(), "The weights were divided by the largest one. Keep them "
             "as they are: their size has a meaning."),
            (truth / np.abs(truth).max(axis=1, keepdims=True), "The weights of each picture were "
             "divided by the largest one. Keep them as they are: their size has a meaning."),
        ),
    )  # fmt: skip
    if a.shape == (2, 2, 3):
        raise Mistake(
            "One number for each place is what comes out, not one for each map: you pooled over "
            "the maps (channels), the last axis. Pool over the places, axis=(1, 2)."
        )
    if a.shape == ():
        raise Mistake("One number for everything: average over the places only, axis=(1, 2).")
    if a.shape in ((2, 3, 4), (2, 2, 4)):
        raise Mistake("Only one of the two axes of the places was averaged: axis=(1, 2).")
    if a.shape in ((3, 4), (2, 2)):
        raise Mistake("The places are the axes 1 and 2, counted from 0: axis=(1, 2).")
    if a.shape != (2, 4):
        raise Mistake(
            f"The weights of 2 pictures with 4 maps have the shape (2, 4), not {a.shape}."
        )
    if not np.allclose(a, truth, atol=1e-5):
        raise Mistake(
            "A map with the slopes 6 and 12 at two of its six places, and 0 elsewhere, has the "
            f"weight 3. Yours: {a[0, 0]:.3g}."
        )


# ------------------------------------------------------------------------------------ 3.2


def weighted_sum_of_maps(student: Callable) -> Callable:
    """Exercise 3.2: weighted_sum_of_maps(feature_maps, weights) -> sum_k alpha_k A^k, signed."""

    def working(feature_maps, weights):
        return np.einsum("bijk,bk->bij", np.asarray(feature_maps), np.asarray(weights))

    errors = [
        ("gufunc|mismatch|matmul|align", CROSSED),
        ("1280|224", FROM_THE_NOTEBOOK),
        ("out of bounds", "The maps of this check are three: their number is weights.shape[1]."),
        ("broadcast", "The weights are not lined up with the maps: they need two axes for the "
         "places, weights[:, None, None, :] (in a loop over k, weights[:, k, None, None])."),
    ]  # fmt: skip
    return verdict("3.2", student, working, _judge_weighted_sum, errors)


FROM_THE_NOTEBOOK = (
    "Something of the notebook (x, A, gradient, weights) is used instead of what the function is "
    "given."
)
CROSSED = (
    "`@` multiplies the maps of every picture with the weights of every picture. Line them up "
    "instead: feature_maps * weights[:, None, None, :], then the sum over the last axis."
)


def _judge_weighted_sum(student) -> None:
    # As many columns as pictures, so that weights without the axes of the places do fit, wrongly.
    A = np.zeros((2, 3, 2, 3))
    A[0, 0, 0] = [1, 2, 4]
    A[0, 1, 1] = [3, 0, 1]
    A[0, 2, 0] = [-2, 1, 0]
    A[1, 0, 0] = [2, 5, 1]
    A[1, 2, 1] = [0, 1, 6]
    v = np.array([[2.0, -3.0, 1.0], [1.0, 2.0, -2.0]])
    truth = np.zeros((2, 3, 2))
    truth[0, 0, 0], truth[0, 1, 1], truth[0, 2, 0] = 0, 7, -7  # 2 - 6 + 4; 6 + 1; -4 - 3
    truth[1, 0, 0], truth[1, 2, 1] = 10, -10  # 2 + 10 - 2; 2 - 12
    A_before, v_before = A.copy(), v.copy()
    m = answer_array(student, A, v, shape=None)
    if not np.array_equal(A, A_before) or not np.array_equal(v, v_before):
        raise Mistake("The feature maps or the weights themselves were changed. Make new arrays.")
    A, v = A_before, v_before
    products = A * v[:, None, None, :]
    _name_the_mistake(
        m,
        (
            (np.maximum(truth, 0), "The sum is right, but the negative numbers are gone. Here they "
             "are to stay; the ReLU comes in step 3."),
            (np.abs(truth), "The signs of the sum are gone. What speaks against the class must "
             "stay negative."),
            (np.maximum(products, 0).sum(axis=-1), "The ReLU came before the sum, so that no map "
             "can speak against the class. Sum first, with signs."),
            ((A * np.maximum(v, 0)[:, None, None]).sum(axis=-1), "The ReLU came before the sum: "
             "maps with negative weights are missing. Sum over all maps, with signs."),
            (np.abs(products).sum(axis=-1), "The absolute values were summed, so that nothing can "
             "cancel. Keep the signs."),
            ((A * np.abs(v)[:, None, None]).sum(axis=-1), "The weights have lost their signs."),
            (products.mean(axis=-1), "This is the mean over the maps. The formula has the sum."),
            (A.sum(axis=-1), "The maps were summed without their weights."),
            (A.mean(axis=-1), "The maps were averaged without their weights."),
            (products, "These are the weighted maps. Sum them over k, the last axis."),
            ((A * v).sum(axis=-1), "The weights were not lined up with the pictures: NumPy took "
             "the pictures' axis of the weights for the columns. Use weights[:, None, None, :] (in "
             "a loop over k, weights[:, k, None, None])."),
            (np.einsum("bijk,k->bij", A, v[0]), "All pictures got the weights of the first one. "
             "Each has its own."),
            (np.einsum("bijk,k->bij", A, v.mean(axis=0)), "All pictures got the same weights, the "
             "mean over the pictures. Each has its own."),
            (np.einsum("bijk,k->bij", A, v.sum(axis=0)), "All pictures got the same weights, the "
             "sum over the pictures. Each has its own: weights[:, None, None, :]."),
            (A @ v.T, CROSSED),
            (truth[0], "The batch axis is gone: return one map for each picture, (B, h, w)."),
            (truth[..., None], "The last axis is still there, with one number: leave out "
             "keepdims."),
        ),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        peak = np.abs(truth).max(axis=(1, 2), keepdims=True)
        low = truth.min(axis=(1, 2), keepdims=True)
        for scaled in (truth / peak, (truth - low) / np.ptp(truth, axis=(1, 2), keepdims=True)):
            _name_the_mistake(
                m, [(scaled, "Each map was scaled to its own range. That belongs to the display.")]
            )
    if m.shape == (2, 3):
        raise Mistake(
            "The places were summed, and what is left is one number for each map. Sum over the "
            "maps (channels), the last axis."
        )
    if m.shape != (2, 3, 2):
        raise Mistake(
            f"Feature maps (2, 3, 2, 3) give one map for each picture, (2, 3, 2), not {m.shape}."
        )
    if not np.allclose(m, truth, atol=1e-5):
        raise Mistake(
            "At a place where three maps are 3, 0, 1, with the weights 2, -3, 1, the sum is 7. "
            f"Yours: {m[0, 1, 1]:.3g}."
        )
    one = answer_array(student, A[:1], v[:1], shape=(1, 3, 2))
    if not np.allclose(one, truth[:1], atol=1e-5):
        raise Mistake("Right for two pictures, wrong for one alone.")


# ------------------------------------------------------------------------------------ 3.3


def grad_cam_steps(student: Callable) -> Callable:
    """Exercise 3.3: grad_cam_steps(maps_and_scores, inputs, class_index) -> map, (B, h, w)."""

    def working(maps_and_scores, inputs, class_index):
        import tensorflow as tf

        x = tf.convert_to_tensor(inputs)
        with tf.GradientTape() as tape:
            tape.watch(x)
            feature_maps, scores = maps_and_scores(x)
            score = scores[:, class_index]
        weights = tf.reduce_mean(tape.gradient(score, feature_maps), axis=(1, 2))
        return tf.nn.relu(tf.einsum("bijk,bk->bij", feature_maps, weights)).numpy()

    errors = [
        ("1280|224", FROM_THE_NOTEBOOK),
        ("EagerTensor.*attribute|list indices", "A tensor (or a list) came where an array is "
         "expected: add .numpy() to the gradient and to the feature maps; and if your alpha "
         "returns a tensor or a list, write np.asarray(alpha(gradient))."),
        ("'_id'", "The tape needs the tensors: take the gradient first, then .numpy()."),
        ("Passed in object|Expected.*Tensor.*watch", "A tape watches tensors, not arrays: begin "
         "with x = tf.convert_to_tensor(inputs)."),
        ("slice index|out of bounds", "The network here has three classes. Use the class_index "
         "that is given, not the number of the cat's class."),
        ("NoneType.*(numpy|attribute|mean)", "The tape's gradient is None: it has not seen how the "
         "score comes from the feature maps. Watch x first, and compute maps *and* score inside "
         "the `with` block."),
        ("broadcast|mismatch|gufunc", "These shapes do not fit together. Is it the gradient with "
         "respect to x, the pixels? Asked for is tape.gradient(score, feature_maps)."),
    ]  # fmt: skip
    return verdict("3.3", student, working, _judge_steps, errors)


PLACES = 3 * 4


def _judge_steps(student) -> None:
    model, U, V = _two_outputs()
    # Pictures of which the network predicts class 0 and class 2, when class 1 is asked for.
    x = np.random.default_rng(45).normal(size=(2, 3, 4, 2)).astype(np.float32)
    before = x.copy()
    m = student(model, x, 1)
    if isinstance(m, (list, tuple)) and len(m) != 2:
        raise Mistake("Return one array, (B, h, w), not a list.")
    m = answer_array(lambda: m, shape=None)
    if not np.array_equal(x, before):
        raise Mistake("The inputs themselves were changed. Make new arrays instead.")
    _judge_map(m, before, U, V)
    _judge_watching(student)


def _judge_map(m: np.ndarray, x: np.ndarray, U: np.ndarray, V: np.ndarray) -> None:
    # By hand: A = x U, S_c = sum of V_c A. So the slope dS_c / dA is V_c, whatever the input.
    A = x @ U
    scores = np.einsum("bijk,ijkc->bc", A, V)
    weights = V.mean(axis=(0, 1))  # (K, classes)
    a = weights[:, 1]
    signed = A @ a
    truth = np.maximum(signed, 0)
    if m.shape == truth.shape and np.allclose(m, truth, atol=1e-5):
        return
    p = softmax_rows(scores)
    a_p = p[:, 1:2] * (a - p @ weights.T)  # of the probability, (B, K)
    cam_p = np.einsum("bijk,bk->bij", A, a_p)
    cam_log = cam_p / p[:, 1, None, None]
    best = np.stack([A[b] @ weights[:, c] for b, c in enumerate(scores.argmax(axis=1))])
    over_maps = V[..., 1].mean(axis=-1) * A.sum(axis=-1)
    mistakes = (
        (signed, "The ReLU is missing: negative values speak against the class. Use "
         "np.maximum(..., 0) at the end."),
        (np.abs(signed), "The absolute value was taken: what speaks against the class now looks "
         "like evidence for it. ReLU keeps the positive and makes the rest 0."),
        (truth * PLACES, "The slopes were summed over the places. The weights are their mean."),
        (signed * PLACES, "The slopes were summed, not averaged, and the ReLU is missing."),
        (np.maximum(A * a, 0).sum(axis=-1), "The ReLU came before the sum, so that no map can "
         "speak against the class. Sum first, then the ReLU."),
        (np.maximum(A @ np.maximum(a, 0), 0), "Maps with negative weights are missing: the ReLU "
         "came before the sum. Sum over all maps, then the ReLU."),
        (A @ np.maximum(a, 0), "Maps with negative weights are missing: the ReLU came before the "
         "sum. Sum over all maps, then the ReLU."),
        (np.maximum(A @ np.abs(a), 0), "The absolute value of the weights was taken. Keep their "
         "signs."),
        (np.maximum(A @ np.abs(V[..., 1]).mean(axis=(0, 1)), 0), "The mean of |gradient| was "
         "taken for the weights. Average the slopes with their signs."),
        (np.maximum(A @ np.maximum(V[..., 1], 0).mean(axis=(0, 1)), 0), "Negative slopes were "
         "dropped before the mean (as in guided gradients). Average all of them."),
        (np.maximum(np.sum(A * V[..., 1], axis=-1), 0), "Each number was multiplied by its own "
         "slope: the average over the places is missing. (That is HiResCAM, another method.)"),
        (np.maximum(over_maps, 0), "The slopes were pooled over the maps (channels) instead of "
         "the places."),
        (np.maximum(cam_p, 0), "This is the gradient of the probability. The network given to the "
         "function ends in scores: leave the softmax out."),
        (cam_p, "This is the gradient of the probability, and the ReLU is missing."),
        (np.maximum(cam_log, 0), "This is the gradient of the log-probability: differentiate the "
         "score itself."),
        (np.maximum(A @ weights[:, 0], 0), "These are the weights of the wrong class, always class "
         "0: use class_index."),
        (np.maximum(A @ weights.sum(axis=1), 0), "This is for the sum over all classes. Pick the "
         "score of one class first: scores[:, class_index]."),
        (np.maximum(best, 0), "These are the weights of the wrong class, the predicted one: use "
         "class_index."),
        (np.maximum(-signed, 0), "The sign is turned round: differentiate the score itself, not a "
         "loss."),
        (truth / 3, "The maps were averaged. The formula has the sum over the maps."),
        (np.stack([0 * truth[0], np.maximum(A[1] @ weights.sum(axis=1), 0)]), "scores[class_index] "
         "is one picture, with all its classes. One class is scores[:, class_index]."),
        (np.stack([truth[0], 0 * truth[1]]), "Only the first picture's score was differentiated: "
         "the score of each picture is scores[:, class_index]."),
        (truth[0], "The batch axis is gone: return one map for each picture, (B, h, w)."),
        (truth[..., None], "The axis of the maps is still there: leave out keepdims."),
    )  # fmt: skip
    _name_the_mistake(m, mistakes, atol=1e-5)
    peak = truth.max(axis=(1, 2), keepdims=True)
    if m.shape == truth.shape and (
        np.allclose(m, truth / peak, atol=1e-3) or np.allclose(m, truth / truth.max(), atol=1e-3)
    ):
        raise Mistake(
            "The map was divided by its maximum. That belongs to the display: without its size, "
            "nobody can see whether there is anything at all."
        )
    stretched = (signed - signed.min(axis=(1, 2), keepdims=True)) / np.ptp(
        signed, axis=(1, 2), keepdims=True
    )
    if m.shape == truth.shape and np.allclose(m, stretched, atol=1e-3):
        raise Mistake("The map was stretched to 0...1 instead of the ReLU: its zero is lost.")
    if m.shape == x.shape:
        raise Mistake(
            f"The result has the shape of the inputs, {m.shape}. Differentiate with respect to the "
            "feature maps, and return one map for each picture, (B, h, w)."
        )
    if m.shape != truth.shape:
        raise Mistake(f"The result has the shape {m.shape}; expected {truth.shape}, (B, h, w).")
    raise Mistake(
        "On a network whose slopes are known by hand, the result is not ReLU(sum of alpha_k A^k)."
    )


def _judge_watching(student) -> None:
    """A network without trainable weights: the tape sees nothing unless it watches the input."""
    model, U, V = _two_outputs(trainable=False)
    x = np.random.default_rng(2).normal(size=(2, 3, 4, 2)).astype(np.float32)
    truth = np.maximum(x @ U @ V[..., 2].mean(axis=(0, 1)), 0)
    try:
        m = np.asarray(student(model, x, 2), float)
    except Exception:
        m = None
    if m is None or m.shape != truth.shape:
        raise Mistake(
            "Right for a network with trainable weights, which the tape watches by itself. With a "
            "frozen network its gradient is None: call tape.watch(x) before the network."
        )
    if not np.allclose(m, truth, atol=1e-5):
        raise Mistake("Right for class 1, wrong for class 2: use class_index.")


def _two_outputs(trainable: bool = True):
    """Return a network of two outputs, A = x U (signed) and S = sum of V A, and its U and V."""
    from course_utils.network.tensorflow import keras

    rng = np.random.default_rng(7)
    U = rng.normal(size=(2, 3)).astype(np.float32)
    V = (rng.normal(size=(3, 4, 3, 3)) + rng.normal(size=(1, 1, 3, 3))).astype(np.float32)
    image = keras.Input((3, 4, 2))
    if not trainable:
        A = keras.ops.matmul(image, U)
        scores = keras.ops.matmul(keras.ops.reshape(A, (-1, PLACES * 3)), V.reshape(-1, 3))
        return keras.Model(image, [A, scores]), U, V
    convolution = keras.layers.Conv2D(3, 1, use_bias=False)
    dense = keras.layers.Dense(3, use_bias=False)
    A = convolution(image)
    model = keras.Model(image, [A, dense(keras.layers.Flatten()(A))])
    convolution.set_weights([U[None, None]])
    dense.set_weights([V.reshape(-1, 3)])
    return model, U, V


# ------------------------------------------------------------------------------------ 3.4


def place_contributions(student: Callable) -> Callable:
    """Exercise 3.4: place_contributions(feature_maps, W, class_index) -> 1/Z sum_k W_kc A^k."""

    def working(feature_maps, W, class_index):
        A = np.asarray(feature_maps)
        return A @ np.asarray(W)[:, class_index] / (A.shape[1] * A.shape[2])

    errors = [
        ("out of bounds", "The weights of this check have three classes. Use the class_index that "
         "is given, not the number of the cat's class."),
    ]  # fmt: skip
    return verdict("3.4", student, working, _judge_cam, errors)


def _judge_cam(student) -> None:
    # As many maps as classes, so that a row of W in place of a column does fit, wrongly.
    A = np.zeros((3, 2, 4, 3))
    A[0, 0, 1] = [8, 0, 16]
    A[0, 1, 3] = [0, 24, 8]
    A[1, 1, 0] = [16, 8, 0]
    W = np.array([[1.0, 2.0, -4.0], [0.5, -1.0, 3.0], [2.0, 5.0, 1.0]])
    truth = np.zeros((3, 2, 4))  # with the weights 2, -1, 5 of class 1, and Z = 8
    truth[0, 0, 1], truth[0, 1, 3], truth[1, 1, 0] = 12, 2, 3
    low = np.zeros((3, 2, 4))  # with the weights -4, 3, 1 of class 2
    low[0, 0, 1], low[0, 1, 3], low[1, 1, 0] = -2, 10, -5
    A_before, W_before = A.copy(), W.copy()
    m, n = (answer_array(student, A, W, c, shape=None) for c in (1, 2))
    if not np.array_equal(A, A_before) or not np.array_equal(W, W_before):
        raise Mistake("The feature maps or the weights themselves were changed. Make new arrays.")
    A, W = A_before, W_before
    _name_the_mistake(
        n,
        (
            (np.maximum(low, 0), "The negative contributions are gone, so that the rest no longer "
             "adds up to the score. Leave the ReLU out here."),
            (np.abs(low), "The signs are gone: contributions against the class must stay "
             "negative."),
            (low * 8, "This is CAM itself. The contribution has 1/Z before the sum, with Z the "
             "number of places, h times w."),
            (low * 8 / 49, "Divided by 49, which is right for maps of 7 x 7 places only. Z is h "
             "times w."),
            (low * 2, "Divided by the width only. Z is the number of places, h times w."),
            (low * 4, "Divided by the height only. Z is the number of places, h times w."),
            (low * 8 / 6, "The first axis is the picture. The places are the axes 1 and 2: Z is "
             "shape[1] * shape[2]."),
            (low * 16, "Brackets are missing: / (h * w). Without "
             "them it is divided by h and multiplied by w."),
            (low / 3, "Divided by the number of pictures too. Z is the number of places, h times "
             "w."),
            (low * 8 / 3, "Divided by the number of maps. Z is the number of places, h times w."),
            (A @ W[2] / 8, "This is a row of W: the weights of map 2 for all classes. One class is "
             "a column, W[:, class_index]."),
            (A @ W[2], "This is a row of W, and 1/Z is missing. One class is a column, "
             "W[:, class_index]."),
            (truth, "For class 2 the result is that of class 1: use class_index."),
            (A @ W[:, 0] / 8, "This is always class 0: use class_index."),
            (A @ W / 8, "These are the contributions to all classes. Pick one column of W."),
            (A @ W.sum(axis=1) / 8, "This is for the sum over all classes. Pick one column of W."),
            (A.mean(axis=(1, 2)) @ W[:, 2], "The mean over the places was taken, so that where is "
             "gone: this is the score. Leave the places as they are."),
            (low[0], "The batch axis is gone: return one map for each picture, (B, h, w)."),
        ),
    )  # fmt: skip
    if m.shape != truth.shape:
        raise Mistake(f"The result has the shape {m.shape}; expected {truth.shape}, (B, h, w).")
    if n.shape != low.shape or not (np.allclose(m, truth) and np.allclose(n, low)):
        raise Mistake(
            "A place where three maps are 8, 0, 16, with the weights 2, -1, 5 and Z = 8, "
            f"contributes 12. Yours: {m[0, 0, 1]:.3g}."
        )


# ------------------------------------------------------------------------------------ 3.5


def side_share(student: Callable) -> Callable:
    """Exercise 3.5: side_share(m, side) -> share of the positive part of the map on the side."""

    def working(m, side):
        positive = np.maximum(np.asarray(m, float), 0)
        whole = positive.sum()
        return float((positive * side).sum() / whole) if whole > 0 else 0.0

    return verdict("3.5", student, working, _judge_side_share)


def _judge_side_share(student) -> None:
    m = np.array([[6.0, 4.0, 3.0], [-7.0, 0.0, -1.0], [0.0, 2.0, 5.0]])
    side = np.array([[1.0, 0.5, 0.0]] * 3)
    # The positive part: 6 + 4 + 3 + 2 + 5 = 20, of which 6 + (4 + 2) / 2 = 9 on the side.
    m_before, side_before = m.copy(), side.copy()
    share = answer_array(student, m, side, shape=None)
    if not np.array_equal(m, m_before) or not np.array_equal(side, side_before):
        raise Mistake("The map or the side itself was changed. Make new arrays instead.")
    if share.shape != ():
        raise Mistake(
            f"One number is asked for, and the result has the shape {share.shape}. Sum over all "
            "the places."
        )
    m, side = m_before, side_before
    a = np.abs(m)
    _name_the_mistake(
        share,
        (
            ((m * side).sum() / m.sum(), "The negative values were summed as well: they cancel "
             "evidence, and the result is no share. np.maximum(m, 0) first."),
            ((m * side).sum() / 20, "The part has negative values in it, the whole has not. Use "
             "np.maximum(m, 0) for both."),
            (9 / m.sum(), "The whole has negative values in it, the part has not. Use "
             "np.maximum(m, 0) for both."),
            ((a * side).sum() / a.sum(), "Absolute values turn what speaks against the class into "
             "evidence for it. np.maximum(m, 0) instead."),
            (9 / a.sum(), "The whole is the sum of |m|. It should be the sum of what is positive."),
            (9.0, "This is the part. Divide it by the whole, the sum of what is positive."),
            (45.0, "This is in percent. A share goes from 0 to 1."),
            (9 / 11, "This is one side divided by the other. Divide by the whole."),
            (11 / 20, "This is the share of the other side."),
            (9 / side.sum(), "Divided by the size of the side: that is a mean. Divide by the sum "
             "of what is positive."),
            (12 / 20, "The middle column was counted in full: multiply by side, where 0.5 counts "
             "by half."),
            (6 / 20, "The middle column was left out: multiply by side, where 0.5 counts by half."),
            (((m > 0) * side).sum() / (m > 0).sum(), "The places were counted. Sum the values: a "
             "strong place must count more."),
        ),
    )  # fmt: skip
    if not np.isclose(share, 9 / 20, rtol=1e-3):
        raise Mistake(
            "A map with 6 on the side, 4 and 2 by half on it, and 3 and 5 off it has the share "
            f"9 / 20 = 0.45. Yours: {float(share):.3g}."
        )
    with np.errstate(all="ignore"):
        try:
            nothing = answer_array(student, np.array([[-1.0, 0.0]]), np.array([[1.0, 0.0]]),
                                   shape=())  # fmt: skip
        except ZeroDivisionError:
            nothing = np.nan
    if np.isnan(nothing):
        raise Mistake(
            "Where nothing speaks for the class, zero was divided by zero. Return 0 in this case."
        )
    if nothing != 0:
        raise Mistake("Where nothing speaks for the class, return 0.")
    small = answer_array(student, m * 1e-4, side, shape=())
    if not np.isclose(small, 9 / 20, rtol=1e-4):
        raise Mistake(
            "The same map in another unit has another share. Was something added to the whole? "
            "Test for zero with an if instead."
        )
