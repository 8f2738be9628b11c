"""The checks of lesson 3 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from judging import judge

from course_utils import checks


def right_alpha(gradient):
    return np.mean(gradient, axis=(1, 2))


def right_sum(feature_maps, weights):
    return np.einsum("bijk,bk->bij", feature_maps, weights)


def cam_of(target=lambda s, c: s[:, c], pool=None, total=None, end=None, watch=True):
    """Exercise 3.3 with one thing done otherwise."""
    pool = pool or (lambda g: g.mean(axis=(1, 2)))
    total = total or right_sum
    end = end or (lambda m: np.maximum(m, 0))

    def answer(maps_and_scores, inputs, class_index):
        x = tf.convert_to_tensor(inputs)
        with tf.GradientTape() as tape:
            if watch:
                tape.watch(x)
            A, scores = maps_and_scores(x)
            y = target(scores, class_index)
        g = tape.gradient(y, A).numpy()
        return end(total(A.numpy(), pool(g)))

    return answer


def in_tensorflow(maps_and_scores, inputs, class_index):
    x = tf.Variable(inputs)
    with tf.GradientTape() as tape:
        A, scores = maps_and_scores(x)
        score = tf.reduce_sum(tf.gather(scores, class_index, axis=1))
    g = tape.gradient(score, A)
    weights = tf.reduce_mean(g, axis=[1, 2], keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * A, axis=-1))


def with_respect_to_the_inputs(maps_and_scores, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = maps_and_scores(x)[1][:, class_index]
    return tape.gradient(score, x)


def pools_the_pixels(maps_and_scores, inputs, class_index):
    g = with_respect_to_the_inputs(maps_and_scores, inputs, class_index).numpy()
    weights = right_alpha(g)[:, None, None, :]
    return np.maximum((maps_and_scores(inputs)[0].numpy() * weights).sum(axis=-1), 0)


def watches_the_array(maps_and_scores, inputs, class_index):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        A, scores = maps_and_scores(inputs)
    return tape.gradient(scores[:, class_index], A)


def numpy_too_early(maps_and_scores, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        A, scores = maps_and_scores(x)
        score = scores[:, class_index]
    A = A.numpy()
    return tape.gradient(score, A)


def picks_too_late(maps_and_scores, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        A, scores = maps_and_scores(x)
    return tape.gradient(scores[:, class_index], A).numpy()


def with_tensors(maps_and_scores, inputs, class_index):
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        A, scores = maps_and_scores(x)
        score = scores[:, class_index]
    return tape.gradient(score, A).mean(axis=(1, 2))


def in_place(maps_and_scores, inputs, class_index):
    result = cam_of()(maps_and_scores, inputs, class_index)
    inputs *= 0
    return result


def per_picture(m):
    return m / m.max(axis=(1, 2), keepdims=True)


def stretched(m):
    low, high = m.min(axis=(1, 2), keepdims=True), m.max(axis=(1, 2), keepdims=True)
    return (m - low) / (high - low)


def right_cam(A, W, c):
    return A @ W[:, c] / (A.shape[1] * A.shape[2])


def predicted(s, c):
    return tf.reduce_max(s, axis=1)


def share(part, whole):
    def answer(m, side):
        total = whole(m, side)
        return part(m, side) / total if total > 0 else 0.0

    return answer


def relu(m):
    return np.maximum(m, 0)


def right_share(m, side):
    return share(lambda m, s: (relu(m) * s).sum(), lambda m, s: relu(m).sum())(m, side)


RIGHT = {
    "alpha": [
        right_alpha,
        lambda g: g.reshape(len(g), -1, g.shape[-1]).sum(axis=1) / (g.shape[1] * g.shape[2]),
        lambda g: tf.reduce_mean(g, axis=[1, 2]),
    ],
    "weighted_sum_of_maps": [
        right_sum,
        lambda A, v: (A * v[:, None, None, :]).sum(axis=-1),
        lambda A, v: np.stack([one @ w for one, w in zip(A, v, strict=True)]),
        lambda A, v: tf.reduce_sum(A * tf.reshape(v, (len(v), 1, 1, -1)), axis=3),
    ],
    "grad_cam_steps": [cam_of(), in_tensorflow],
    "place_contributions": [
        right_cam,
        lambda A, W, c: np.einsum("bijk,k->bij", A, W[:, c]) / A[0, ..., 0].size,
        lambda A, W, c: tf.reduce_sum(A * W.T[c], axis=-1) / np.prod(A.shape[1:3]),
    ],
    "side_share": [
        right_share,
        lambda m, side: np.average(side, weights=relu(m)) if (m > 0).any() else 0,
        lambda m, side: tf.constant(right_share(m, side)),
    ],
}

WRONG = {
    "alpha": [
        (lambda g: g.mean(axis=(0, 1)), "axes 1 and 2"),
        (lambda g: g.mean(axis=(2, 3)), "axes 1 and 2"),
        (lambda g: g.sum(axis=(1, 2)) / 49, "right for maps of 7 x 7 places only"),
        (lambda g: g.sum(axis=(1, 2)), "sum over the places"),
        (lambda g: g.mean(axis=-1), "pooled over the maps"),
        (lambda g: g.mean(axis=(0, 1, 2)), "over the pictures"),
        (lambda g: np.abs(g).mean(axis=(1, 2)), r"mean of \|gradient\|"),
        (lambda g: np.abs(right_alpha(g)), "signs are gone"),
        (lambda g: relu(right_alpha(g)), "ReLU comes at the very end"),
        (lambda g: relu(g).mean(axis=(1, 2)), "negative slopes are gone"),
        (lambda g: g.max(axis=(1, 2)), "largest slope"),
        (lambda g: g.mean(axis=(1, 2), keepdims=True), "keepdims"),
        (lambda g: g.mean(axis=1), "Only one of the two"),
        (lambda g: g.mean(axis=2), "Only one of the two"),
        (lambda g: g.mean(), "One number for everything"),
        (lambda g: right_alpha(g).T, "swapped"),
        (lambda g: right_alpha(g)[0], "Only the first picture"),
        (lambda g: right_alpha(g) / np.abs(right_alpha(g)).max(), "largest one"),
        (lambda g: np.median(g, axis=(1, 2)), "the weight 3"),
        (lambda g: np.divide(g, 6, out=g).sum(axis=(1, 2)), "itself was changed"),
    ],
    "weighted_sum_of_maps": [
        (lambda A, v: np.zeros((1, 7, 7, 1280)) * v[:, None, None], "of the notebook"),
        (lambda A, v: sum(A[..., k] * v[:, k] for k in range(3)), r"weights\[:, k, None, None\]"),
        (lambda A, v: sum(A[..., k] * v[:, k, None, None] for k in range(1280)), "of this check"),
        (lambda A, v: A @ v, "`@` multiplies"),
        (lambda A, v: A @ v.T, "`@` multiplies"),
        (lambda A, v: relu(right_sum(A, v)), "ReLU comes in step 3"),
        (lambda A, v: np.abs(right_sum(A, v)), "signs of the sum"),
        (lambda A, v: relu(A * v[:, None, None]).sum(axis=-1), "ReLU came before the sum"),
        (lambda A, v: right_sum(A, relu(v)), "negative weights are missing"),
        (lambda A, v: right_sum(A, np.abs(v)), "lost their signs"),
        (lambda A, v: np.abs(A * v[:, None, None]).sum(axis=-1), "nothing can"),
        (lambda A, v: (A * v[:, None, None]).mean(axis=-1), "mean over the maps"),
        (lambda A, v: A.sum(axis=-1), "without their weights"),
        (lambda A, v: A * v[:, None, None], "Sum them over k"),
        (lambda A, v: (A * v).sum(axis=-1), "lined up"),
        (lambda A, v: A @ v[0], "weights of the first one"),
        (lambda A, v: (A @ v.T).sum(axis=-1), "sum over the pictures"),
        (lambda A, v: right_sum(A, v)[0], "batch axis"),
        (lambda A, v: (A * v[:, None, None]).sum(axis=(1, 2)), "places were summed"),
        (lambda A, v: stretched(right_sum(A, v)), "own range"),
        (lambda A, v: np.multiply(A, v[:, None, None], out=A).sum(axis=-1), "were changed"),
        (lambda A, v: right_sum(A, -v), "the sum is 7"),
    ],
    "grad_cam_steps": [
        (cam_of(target=lambda s, c: s[c]), "one picture, with all its classes"),
        (cam_of(pool=lambda g: list(g), total=lambda A, v: v[:, None]), "np.asarray.alpha"),
        (numpy_too_early, "take the gradient first"),
        (watches_the_array, "not arrays"),
        (cam_of(target=lambda s, c: s[:, 281]), "not the number of the cat"),
        (cam_of(target=lambda s, c: s[0, c]), "Only the first picture's score"),
        (with_tensors, r"add \.numpy\(\)"),
        (pools_the_pixels, "the gradient with respect to x"),
        (picks_too_late, "inside the `with` block"),
        (cam_of(end=lambda m: m), "ReLU is missing"),
        (cam_of(end=np.abs), "absolute value was taken"),
        (cam_of(pool=lambda g: g.sum(axis=(1, 2))), "summed over the places"),
        (cam_of(target=lambda s, c: tf.nn.softmax(s)[:, c]), "gradient of the probability"),
        (cam_of(target=lambda s, c: tf.nn.log_softmax(s)[:, c]), "log-probability"),
        (cam_of(target=lambda s, c: s[:, 0]), "wrong class, always class 0"),
        (cam_of(target=predicted), "wrong class, the predicted one"),
        (cam_of(target=lambda s, c: s), "sum over all classes"),
        (cam_of(target=lambda s, c: -s[:, c]), "turned round"),
        (cam_of(total=lambda A, v: relu(A * v[:, None, None]).sum(axis=-1)), "before the sum"),
        (cam_of(pool=lambda g: relu(right_alpha(g))), "negative weights are missing"),
        (cam_of(pool=lambda g: np.abs(right_alpha(g))), "absolute value of the weights"),
        (cam_of(pool=lambda g: np.abs(g).mean(axis=(1, 2))), r"mean of \|gradient\|"),
        (cam_of(pool=lambda g: relu(g).mean(axis=(1, 2))), "guided"),
        (cam_of(pool=lambda g: g, total=lambda A, g: (A * g).sum(axis=-1)), "HiResCAM"),
        (
            cam_of(
                pool=lambda g: g.mean(axis=(0, 1, 2)),
                total=lambda A, v: (A * v).mean(axis=-1),
            ),
            "maps were averaged",
        ),
        (
            cam_of(
                pool=lambda g: g.mean(axis=(-1,), keepdims=True),
                total=lambda A, v: (A * v).sum(axis=-1),
            ),
            r"pooled over the maps \(channels\)",
        ),
        (cam_of(end=lambda m: per_picture(relu(m))), "divided by its maximum"),
        (cam_of(end=stretched), "stretched"),
        (cam_of(end=lambda m: relu(m)[0]), "batch axis"),
        (with_respect_to_the_inputs, "shape of the inputs"),
        (in_place, "themselves were changed"),
        (cam_of(watch=False), "tape.watch"),
        (lambda m, x, c: cam_of()(m, x, 1), "use class_index"),
    ],
    "place_contributions": [
        (lambda A, W, c: A @ W[:, c] / (A.shape[0] * A.shape[1]), "first axis is the picture"),
        (lambda A, W, c: A @ W[:, c] / A.shape[1] * A.shape[2], "Brackets are missing"),
        (lambda A, W, c: A @ W[:, 281] / 8, "not the number of the cat"),
        (lambda A, W, c: A @ W[:, c], "CAM itself"),
        (lambda A, W, c: A @ W[:, c] / 49, "Divided by 49"),
        (lambda A, W, c: A @ W[:, c] / A.shape[2], "width only"),
        (lambda A, W, c: A @ W[:, c] / A.shape[1], "height only"),
        (lambda A, W, c: A @ W[:, c] / A[..., 0].size, "number of pictures"),
        (lambda A, W, c: (A * W[:, c]).mean(axis=-1), "number of maps"),
        (lambda A, W, c: A @ W[c] / 8, "This is a row of W: "),
        (lambda A, W, c: A @ W[c], "row of W, and 1/Z"),
        (lambda A, W, c: relu(right_cam(A, W, c)), "Leave the ReLU out"),
        (lambda A, W, c: np.abs(right_cam(A, W, c)), "signs are gone"),
        (lambda A, W, c: right_cam(A, W, 0), "always class 0"),
        (lambda A, W, c: right_cam(A, W, 1), "that of class 1"),
        (lambda A, W, c: A @ W / 8, "all classes. Pick one"),
        (lambda A, W, c: A.mean(axis=(1, 2)) @ W[:, c], "where is gone"),
        (lambda A, W, c: right_cam(A, W, c)[0], "batch axis"),
        (lambda A, W, c: right_cam(A, -W, c), "contributes 12"),
        (lambda A, W, c: np.multiply(A, W[:, c], out=A).sum(axis=-1) / 8, "were changed"),
    ],
    "side_share": [
        (share(lambda m, s: (m * s).sum(), lambda m, s: m.sum()), "negative values were summed"),
        (share(lambda m, s: (m * s).sum(), lambda m, s: relu(m).sum()), "part has negative"),
        (share(lambda m, s: (relu(m) * s).sum(), lambda m, s: m.sum()), "whole has negative"),
        (
            share(lambda m, s: (np.abs(m) * s).sum(), lambda m, s: np.abs(m).sum()),
            "Absolute values",
        ),
        (lambda m, s: (relu(m) * s).sum(), "Divide it by the whole"),
        (lambda m, s: 100 * right_share(m, s), "percent"),
        (lambda m, s: right_share(m, 1 - s), "other side"),
        (lambda m, s: (relu(m) * s).sum() / s.sum(), "size of the side"),
        (lambda m, s: right_share(m, s > 0), "counted in full"),
        (lambda m, s: right_share(m, s == 1), "left out"),
        (lambda m, s: ((m > 0) * s).sum() / (m > 0).sum(), "places were counted"),
        (
            share(lambda m, s: (relu(m) * s).sum(), lambda m, s: (relu(m) * (1 - s)).sum()),
            "one side divided by the other",
        ),
        (lambda m, s: (relu(m) * s).sum() / relu(m).sum(), "zero was divided by zero"),
        (lambda m, s: sum((relu(m) * s).ravel().tolist()) / sum(relu(m).ravel().tolist()), "zero"),
        (lambda m, s: (relu(m) * s).sum() / (relu(m).sum() + 1e-3), "Was something added"),
        (lambda m, s: relu(m) * s / relu(m).sum(), "One number"),
        (lambda m, s: right_share(m, s) if (m > 0).any() else 0.5, "return 0"),
        (lambda m, s: float((m * s).max() / m.max()), "0.45"),
        (lambda m, s: right_share(relu(np.clip(m, 0, None, out=m)), s), "itself was changed"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


def test_a_fault_in_the_package_cannot_make_a_wrong_map_pass(monkeypatch, capsys):
    """The checks know the answer by hand, from the weights of a tiny network."""
    wrong = cam_of(end=lambda m: m)

    def broken(model, inputs, class_index=None, *, layer=None, relu=True):
        return wrong(model, inputs, class_index)

    monkeypatch.setattr("course_utils.grad_cam", broken)
    assert checks.grad_cam_steps(wrong) is not wrong
    assert "ReLU is missing" in capsys.readouterr().out
    assert checks.grad_cam_steps(in_tensorflow) is in_tensorflow


def test_what_is_handed_out_is_grad_cam(capsys):
    """The working version agrees with the package on the network of the lesson."""
    import keras

    from course_utils import grad_cam, load_classifier, load_image

    working = checks.grad_cam_steps(lambda maps_and_scores, inputs, class_index: ...)
    classifier = load_classifier()
    network = classifier.model
    outputs = [network.get_layer(name).output for name in ("head_conv", "logits")]
    x = classifier.prepare([load_image("cat"), load_image("two_objects")])
    found = working(keras.Model(network.input, outputs), x, 430)
    np.testing.assert_allclose(found, grad_cam(network, x, 430), atol=1e-4)
    assert "not done yet" in capsys.readouterr().out
