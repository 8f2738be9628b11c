"""Checks of lesson 2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, linear_model, softmax_rows, verdict

__all__ = ["explain", "gradients", "path_gradients", "saliency_map"]


def gradients(student: Callable) -> Callable:
    """Exercise 2.1: gradients(score_model, inputs, class_index) -> d S_c / d inputs."""
    from course_utils import vanilla_gradients

    def cases(student):
        model, w = linear_model()
        x = np.random.default_rng(1).normal(size=(2, 3, 4, 2)).astype(np.float32)
        g = student(model, x.copy(), 1)
        if g is None:
            raise Mistake(f"The result is None. Either the `return` is missing, or: {NOT_SEEN}")
        if isinstance(g, (list, tuple)):
            raise Mistake(
                "That is a list of gradients, as for the weights. The question is the gradient "
                "with respect to the inputs: tape.gradient(score, x), with x the tensor of inputs."
            )
        g = answer_array(lambda: g, shape=x.shape)
        if np.allclose(g, w[1], atol=1e-5):
            return
        p = softmax_rows(model(x).numpy())
        if np.allclose(g, w.sum(axis=0), atol=1e-5):
            raise Mistake(
                "This is the gradient of the sum over all classes. Pick the score of one class "
                "first: scores[:, class_index]."
            )
        if np.allclose(g, w[0], atol=1e-5):
            raise Mistake("This is always the gradient of class 0: use class_index.")
        of_probability = p[:, 1, None, None, None] * (w[1] - np.einsum("bk,khwc->bhwc", p, w))
        if np.allclose(g, of_probability, atol=1e-5):
            raise Mistake(
                "This is the gradient of the probability. The model given to the function ends in "
                "scores already: leave the softmax out."
            )
        if np.allclose(g, of_probability / p[:, 1, None, None, None], atol=1e-5):
            raise Mistake("This is the gradient of the log-probability: leave the softmax out.")
        if np.allclose(g, np.abs(w[1]), atol=1e-5):
            raise Mistake("The signs are gone. Keep them here; |g| belongs to the display.")
        if np.allclose(g, -w[1], atol=1e-5):
            raise Mistake("The sign is turned round: differentiate the score itself, not a loss.")
        if np.allclose(g, w[1] * x, atol=1e-5):
            raise Mistake("This is gradient times input. The gradient alone is asked for here.")
        if np.allclose(g[0], w[1], atol=1e-5) and not g[1].any():
            raise Mistake("Only the first picture has a gradient: take scores[:, class_index].")
        if not g[0].any() and np.allclose(g[1], w.sum(axis=0), atol=1e-5):
            raise Mistake(
                "This picks a picture, not a class: the first axis of the scores is the batch. "
                "Take scores[:, class_index]."
            )
        if np.allclose(g, w[1] / len(x), atol=1e-5):
            raise Mistake(
                "This is divided by the batch size: a mean over the pictures was taken. Give the "
                "tape scores[:, class_index] as it is, or its sum."
            )
        raise Mistake(
            "For a linear model S_c = w_c . x the gradient must be w_c, whatever the input, and "
            "this is not."
        )

    errors = [
        NOT_THIS_CLASS,
        ("'NoneType' object has no attribute", NOT_SEEN),
        ("'_id'", "A NumPy array cannot be differentiated: begin with x = "
         "tf.convert_to_tensor(inputs). Inside the tape call score_model(x), and neither .numpy() "
         "nor .predict."),
        ("ndarray", "The tape watches tensors, and inputs is a NumPy array: begin with x = "
         "tf.convert_to_tensor(inputs)."),
        ("[Ss]hape", "The shapes do not fit. Use the function's own arguments, score_model, inputs "
         "and class_index, and nothing that was made further up in the notebook."),
    ]  # fmt: skip
    return verdict("2.1", student, vanilla_gradients, cases, errors)


NOT_SEEN = (
    "The tape did not see how the score comes from the inputs. Make them a tensor, x = "
    "tf.convert_to_tensor(inputs); inside the `with`, call tape.watch(x), then the model on x, and "
    "pick the column there too."
)


NOT_THIS_CLASS = (
    "slice index|out of bounds",
    "The small model of this check has few classes. Use the class that is given to the function, "
    "not the number of the notebook's tabby.",
)


def saliency_map(student: Callable) -> Callable:
    """Exercise 2.2: saliency_map(gradient) -> max over channels of |gradient|, (B, H, W)."""

    def working(gradient):
        return np.abs(gradient).max(axis=-1)

    def cases(student):
        gradient = np.zeros((2, 2, 3, 3))
        gradient[0, 0, 0] = [1, -5, 2]
        gradient[1, 1, 2] = [0.5, 0.25, 0]
        before = gradient.copy()
        m = answer_array(student, gradient, shape=None)
        if not np.array_equal(gradient, before):
            raise Mistake("The gradient itself was changed. Make a new array instead.")
        if m.shape == (2, 3, 3):
            raise Mistake("axis=0 or 1 is not the channels: they are the last axis, axis=-1.")
        if m.shape != (2, 2, 3):
            raise Mistake(f"One number a pixel has the shape (2, 2, 3) here, not {m.shape}.")
        if np.allclose(m, np.abs(before).max(axis=2)):
            raise Mistake("axis=2 goes over the columns; the channels are the last axis, axis=-1.")
        for value, hint in (
            (2.0, "The largest gradient is not the strongest: -5 is stronger than 2. |g| first."),
            (-5.0, "The result must not be negative: take |g| first, then the largest."),
            (8.0, "This is the sum over the channels; the paper takes the largest."),
            (8 / 3, "This is the mean over the channels; the paper takes the largest."),
            (-2 / 3, "This is the mean with signs, in which colours cancel. |g| first, then max."),
        ):
            if np.isclose(m[0, 0, 0], value):
                raise Mistake(hint)
        if not np.allclose(m, working(before)):
            raise Mistake("A pixel with the gradients 1, -5 and 2 must get 5, each picture alone.")

    return verdict("2.2", student, working, cases)


def explain(student: Callable) -> Callable:
    """Exercise 2.3: explain(classifier, picture, name) -> the picture's saliency map, (H, W)."""
    from course_utils import vanilla_gradients

    def working(classifier, picture, name):
        x = classifier.prepare(picture)
        g = vanilla_gradients(classifier.model, x, classifier.class_index(name))
        return np.abs(g[0]).max(axis=-1)

    def cases(student):
        network, w = _square_classifier()
        picture = np.random.default_rng(2).integers(0, 256, (4, 6, 3)).astype(np.uint8)
        x = picture[:, 1:5].astype(float) / 255 - 0.5  # the centre square, and its preparation
        gradients = w * x  # of S_c = sum of w_c x^2 / 2, for both classes
        truth = np.abs(gradients[1]).max(axis=-1)
        m = answer_array(student, network, picture, "one", shape=None)
        if m.shape[:1] == (1,) and m.ndim in (3, 4):
            raise Mistake("The result still has a batch axis: take the first picture's map, [0].")
        if m.shape == (4, 4, 3):
            raise Mistake("One number a pixel is asked for: put the gradient into saliency_map.")
        if m.shape != (4, 4):
            raise Mistake(f"The map of this picture has the shape (4, 4), not {m.shape}.")
        if np.allclose(m, truth, atol=1e-4):
            return
        if np.allclose(m, np.abs(w[1] * picture[:, 1:5]).max(axis=-1), rtol=1e-3):
            raise Mistake("The picture went into the network unprepared: classifier.prepare first.")
        p = softmax_rows((w * x**2 / 2).sum(axis=(1, 2, 3))[None])[0]
        of_probability = p[1] * (gradients[1] - np.einsum("k,khwc->hwc", p, gradients))
        if np.allclose(m, np.abs(of_probability).max(axis=-1), atol=1e-4):
            raise Mistake(
                "This is the gradient of the probability: classifier.model ends in a softmax. Take "
                "classifier.score_model."
            )
        if np.allclose(m, np.abs(gradients[0]).max(axis=-1), atol=1e-4):
            raise Mistake(
                "This explains another class than the one asked for: use "
                "classifier.class_index(name)."
            )
        raise Mistake("The map is not max over channels of |d S_c / d x| of the prepared picture.")

    errors = [
        NOT_THIS_CLASS,
        ("has the shape|found shape|incompatible", "The network here takes pictures of another "
         "size. Put the picture that is given through classifier.prepare, and use nothing made "
         "further up."),
        ("[Ii]nvalid type|Only integers|must be integers", "`gradients` takes the number of a "
         "class, not its name: classifier.class_index(name)."),
    ]  # fmt: skip
    return verdict("2.3", student, working, cases, errors)


def path_gradients(student: Callable) -> Callable:
    """Exercise 2.4: path_gradients(score_model, inputs, class_index, steps) -> IG from zero."""
    from course_utils import vanilla_gradients

    def working(score_model, inputs, class_index, steps):
        a = ((np.arange(steps) + 0.5) / steps).astype(np.float32)[:, None, None, None]
        return inputs * vanilla_gradients(score_model, a * inputs, class_index).mean(axis=0)

    def cases(student):
        network, w = _square_classifier()
        x = np.random.default_rng(3).normal(size=(1, 4, 4, 3)).astype(np.float32)
        before = x.copy()
        ig = answer_array(student, network.score_model, x, 1, 8, shape=x.shape)
        if not np.array_equal(x, before):
            raise Mistake("The inputs themselves were changed. Make new arrays instead.")
        truth = w[1] * x**2 / 2  # the score of each input value, so that they sum to S(x) - S(0)
        if np.allclose(ig, truth, atol=1e-4):
            # Of the score sum of w x^4 / 4, two steps find 7/8: the middles are 1/4 and 3/4.
            few = answer_array(student, _quartic_scores(w), x, 1, 2, shape=x.shape)
            if not np.allclose(few, w[1] * x**4 * (1 / 4**3 + 27 / 4**3) / 2, atol=1e-4):
                raise Mistake("Right for 8 steps, but not for 2: use the number that is given.")
            return
        for wrong, hint in (
            (
                np.broadcast_to((w[1] * x / 2).mean() * x, x.shape),
                "The mean went over everything: average over the points only, axis=0.",
            ),
            (truth * 6 / 8, "The points begin at -0.5 / steps: take k + 0.5 if k begins at 0."),
            (2 * truth, "This is gradient times input, with the slope at the end of the way only."),
            (8 * truth, "The gradients are summed up but not divided by the number of steps."),
            (w[1] * x / 2, "The mean gradient still has to be multiplied by the way gone, inputs."),
            (w[1] * x, "This is the gradient at the input. Average over the way from 0 to it."),
            (truth * 9 / 8, "The points are the ends of the pieces: take the middles, k + 0.5."),
            (truth * 7 / 8, "The points are the beginnings of the pieces: take k + 0.5."),
            (w[0] * x**2 / 2, "This belongs to another class: use class_index."),
        ):
            if np.allclose(ig, wrong, atol=1e-4):
                raise Mistake(hint)
        raise Mistake(
            f"The values sum to {ig.sum():.3f}, and S(x) - S(0) is {truth.sum():.3f}: they must "
            "account for it."
        )

    return verdict("2.4", student, working, cases)


def _square_classifier():
    """Return a classifier of the scores S_c = sum of w_c x^2 / 2, whose gradient is w_c x.

    Its model ends in a softmax, as published ones do.
    """
    from course_utils.models import Classifier
    from course_utils.network.tensorflow import keras

    w = np.random.default_rng(4).normal(size=(2, 4, 4, 3)).astype(np.float32)
    image = keras.Input((4, 4, 3))
    dense = keras.layers.Dense(2, use_bias=False)
    scores = dense(keras.layers.Flatten()(image * image / 2))
    model = keras.Model(image, keras.layers.Softmax()(scores))
    dense.set_weights([w.reshape(2, -1).T])
    labels = ("zero", "one")
    network = Classifier(
        "squares", (4, 4), labels, model, lambda p: p / 255 - 0.5, lambda x: (x + 0.5) * 255
    )
    return network, w


def _quartic_scores(w: np.ndarray):
    """Return a model of the scores S_c = sum of w_c x^4 / 4, whose gradient w_c x^3 is curved."""
    from course_utils.network.tensorflow import keras

    image = keras.Input((4, 4, 3))
    dense = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(image, dense(keras.layers.Flatten()(image**4 / 4)))
    dense.set_weights([w.reshape(2, -1).T])
    return model
