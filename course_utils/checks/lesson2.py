"""Checks of lesson 2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, linear_model, softmax_rows, verdict

__all__ = ["gradients", "saliency_map"]


def gradients(student: Callable) -> Callable:
    """Exercise 2.1: gradients(score_model, inputs, class_index) -> d S_c / d inputs."""
    from course_utils import vanilla_gradients

    def cases(student):
        model, w = linear_model()
        x = np.random.default_rng(1).normal(size=(2, 3, 4, 2)).astype(np.float32)
        g = student(model, x.copy(), 1)
        if g is None:
            raise Mistake(
                "The tape returned None: it did not see how the score comes from the inputs. Make "
                "them a tensor, and call tape.watch(inputs) before the model is called."
            )
        if isinstance(g, (list, tuple)):
            raise Mistake(
                "That is a list of gradients, as for the weights. The question is the gradient "
                "with respect to the inputs: tape.gradient(score, inputs)."
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
        raise Mistake(
            "For a linear model S_c = w_c . x the gradient must be w_c, whatever the input, and "
            "this is not."
        )

    return verdict("2.1", student, vanilla_gradients, cases)


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
