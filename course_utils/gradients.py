"""Gradients of a class score with respect to the input (lessons 1 and 2).

The three methods share one quantity, computed by one backward pass: d S_c / d x, how much the
score of class c rises per unit that one input value rises.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils._cache import per_model
from course_utils._compute import CLASSES, compile_for, in_batches, weighted_sum
from course_utils._inputs import check_baseline, check_class_index, check_count, check_inputs
from course_utils._network import score_model
from course_utils._tensorflow import keras, tf


def vanilla_gradients(model: keras.Model, inputs, class_index=None) -> np.ndarray:
    """Return the gradient of the class score with respect to every input value.

        w = d S_c / d x                         Simonyan et al. 2014, arXiv:1312.6034, eq. 4

    Args:
        model: any Keras image classifier (see `score_model`); its logits are differentiated.
        inputs: (B, H, W, C), prepared for the model.
        class_index: the class c: an int for all pictures, one int a picture, or None for each
            picture's predicted class. Of a model with a single sigmoid or logit z, class 1 has the
            score z and class 0 the score -z.

    Returns:
        float32 (B, H, W, C), signed, in score per unit of the input. Picking channels is left to
        the display: Simonyan et al. show max over channels of |w|.

    Raises:
        TypeError, ValueError: see `score_model`; inputs or class_index of the wrong kind, shape or
            range.

    Lesson 2 derives it.
    """
    x = check_inputs(model, inputs)
    c = check_class_index(model, x, class_index)
    return in_batches(_gradient(model), x, c)


@per_model
def _gradient(model: keras.Model) -> Callable:
    scores = score_model(model)
    unconnected = []

    @compile_for(scores, CLASSES)
    def gradient(x, c):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = tf.gather(scores(x, training=False), c, batch_dims=1)
        # The score of one picture does not depend on the others, so that the gradient of the
        # sum over the batch holds each picture's own.
        dS_dx = tape.gradient(score, x)
        if dS_dx is None:
            unconnected.append(model.name)
            dS_dx = tf.zeros_like(x)
        return dS_dx

    if unconnected:
        raise ValueError(
            f"The score of the model {model.name!r} does not depend on its input in a way that can "
            "be differentiated: is the input rounded, or turned into integers?"
        )
    return gradient


def gradient_times_input(model: keras.Model, inputs, class_index=None) -> np.ndarray:
    """Return the gradient times the input: for a linear score w.x, each term's contribution.

        x * d S_c / d x                         Shrikumar et al. 2016, arXiv:1605.01713

    "Input" is what the network sees: where the preprocessing subtracts a mean, an input of 0 is
    that mean colour, and contributes nothing.

    Arguments, result and errors as for `vanilla_gradients`; unit: score. Lesson 2 derives it.
    """
    x = check_inputs(model, inputs)
    return x * vanilla_gradients(model, x, class_index)


def integrated_gradients(
    model: keras.Model,
    inputs,
    class_index=None,
    *,
    baseline=0.0,
    steps: int = 64,
    batch_size: int = 16,
) -> np.ndarray:
    """Return the gradients averaged along the straight line from a baseline, times the way gone.

        (x - x') * integral over a in 0..1 of  d S_c / d x  at  x' + a (x - x')
                                                Sundararajan et al. 2017, arXiv:1703.01365, eq. 1

    The integral is sum_k w_k d S_c / d x at x' + a_k (x - x'), with the nodes a_k and weights w_k
    of Gauss and Legendre, which need fewer steps than equal ones where the score rises steeply
    near the baseline. Completeness: the values of one picture sum to S_c(x) - S_c(x'). A deep
    ReLU network is so rough along the line that 64 steps miss the sum by some per cent; check it,
    and take 500 steps where it matters.

    Args:
        model, inputs, class_index: as for `vanilla_gradients`. The predicted class is that of x.
        baseline: x', in the model's input range: a number, or an array that broadcasts to inputs.
        steps: how many points on the line, at least 1.
        batch_size: how many points exist at a time; does not change the result.

    Returns:
        float32 (B, H, W, C), signed, unit: score.

    Raises:
        TypeError, ValueError: as `vanilla_gradients`; or a baseline that does not fit.

    Lesson 2 derives it.
    """
    x = check_inputs(model, inputs)
    c = check_class_index(model, x, class_index)
    steps, batch_size = check_count("steps", steps), check_count("batch_size", batch_size)
    x0 = check_baseline(baseline, x)

    nodes, weights = np.polynomial.legendre.leggauss(steps)  # for an integral over -1..1
    a = ((nodes + 1) / 2).astype(np.float32)

    def point(b, k):
        return x0[b] + a[k][:, None, None, None] * (x[b] - x0[b])

    return (x - x0) * weighted_sum(vanilla_gradients, model, c, point, weights / 2, batch_size)
