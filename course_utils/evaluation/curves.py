"""Deletion and insertion: replace the strongest pixels first, and watch the class (lesson 6)."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import ClassIndex, check_baseline, check_count
from course_utils.evaluation.localization import strength
from course_utils.network.open import opened
from course_utils.network.run import checked, class_scores
from course_utils.network.tensorflow import keras


class Curve(NamedTuple):
    """The result of deletion or insertion for one picture.

    Attributes:
        fractions: the share of pixels that has been replaced, float64 (steps + 1,), 0 to 1.
        probabilities: the class's probability at each, float64 (steps + 1,).
        area: the area under the curve, 0 to 1, by trapezoids.
    """

    fractions: np.ndarray
    probabilities: np.ndarray
    area: float


def deletion_curve(
    model: keras.Model,
    inputs: ArrayLike,
    attribution: ArrayLike,
    class_index: ClassIndex = None,
    *,
    steps: int = 32,
    baseline: ArrayLike = 0.0,
    batch_size: int = 16,
) -> Curve:
    """Replace the strongest pixels first, and watch the probability of the class.

    This is the deletion of Petsiuk et al. 2018 (RISE), arXiv:1806.07421, section 3.3. A small area
    means that the network needs the pixels that the map ranks first.

    **Read it with care.** The network was never trained on half-deleted pictures. The probability
    may fall because evidence is gone, or because the edges of the holes are evidence for something
    else. Both areas depend on the baseline and on the shape of what's deleted first (single pixels
    disturb more than patches), so compare maps of the same resolution, with the same baseline.

    Args:
        model: any Keras image classifier (see `score_model`).
        inputs: one prepared picture, (1, H, W, C).
        attribution: one raw map of it (see `strength`), of any resolution. Pixels of equal
            strength are ranked at random, but always in the same way.
        class_index: an int, or None for the predicted class.
        steps: the number of equal steps in which pixels are replaced, at least 1.
        baseline: what replaces them, in the model's input range: a number, or an array that
            broadcasts to inputs, such as a blurred picture.
        batch_size: how many pictures exist at a time; it doesn't change the result.

    Returns:
        `Curve`: fractions, probabilities, area. The first probability is the picture's, the last
        the baseline's. They're the model's own: a softmax over the class scores, or the sigmoid
        for a single logit or several sigmoids.

    Warns:
        UserWarning: the map is nowhere positive, so the whole order is random.

    Raises:
        TypeError, ValueError: as `vanilla_gradients` and `strength`; more than one picture; steps,
            batch_size or baseline out of range.

    Lesson 6 derives it.
    """
    x, x0, replaced, steps, c = _replacing(model, inputs, attribution, class_index, steps, baseline)
    return _curve(model, x, x0, replaced, steps, c, batch_size)


def insertion_curve(
    model: keras.Model,
    inputs: ArrayLike,
    attribution: ArrayLike,
    class_index: ClassIndex = None,
    *,
    steps: int = 32,
    baseline: ArrayLike = 0.0,
    batch_size: int = 16,
) -> Curve:
    """Begin with the baseline, bring in the strongest pixels first, and watch the probability.

    This is the insertion of Petsiuk et al. 2018 (RISE), arXiv:1806.07421, section 3.3. A large area
    means that a few of the pixels that the map ranks first are enough. (The paper begins with a
    blurred picture: pass it as the baseline.) Arguments, result and errors are as for
    `deletion_curve`, and read it with the same care. The first probability is the baseline's, the
    last the picture's.

    Lesson 6 derives it.
    """
    x, x0, replaced, steps, c = _replacing(model, inputs, attribution, class_index, steps, baseline)
    return _curve(model, x0, x, replaced, steps, c, batch_size)


def deletion_order(values: np.ndarray) -> np.ndarray:
    """Return a map's pixels, counted through all rows, the strongest first.

    Pixels of equal strength are ranked at random, but always in the same way: ranked row by row,
    the top of the picture would always go first.
    """
    at_random = np.random.default_rng(0).permutation(values.size)
    return np.lexsort((at_random, -values.ravel()))


def _replacing(model, inputs, attribution, class_index, steps, baseline):
    """Return the picture, the baseline, the step that replaces each pixel, steps, and the class."""
    x, c = checked(model, inputs, class_index)
    if len(x) != 1:
        raise ValueError(
            f"inputs holds {len(x)} pictures, but a curve belongs to one: pass inputs[:1]."
        )
    if callable(c):
        raise TypeError("A curve follows the probability of one class: give class_index a number.")
    x0, steps = check_baseline(baseline, x), check_count("steps", steps)
    values = strength(attribution, x.shape[1:3])
    if not values.any():
        warnings.warn("The map is nowhere positive: the pixels are ranked at random.", stacklevel=3)
    rank = np.empty(values.size, int)
    rank[deletion_order(values)] = np.arange(values.size)
    # Pixel r of n is replaced at the first step k with k / steps > r / n.
    return x, x0, (rank * steps // values.size + 1).reshape(values.shape), steps, int(c[0])


def _curve(model, start, end, replaced, steps: int, c: int, batch_size: int) -> Curve:
    batch_size = check_count("batch_size", batch_size)
    scores = []
    for first in range(0, steps + 1, batch_size):
        k = np.arange(first, min(first + batch_size, steps + 1))[:, None, None, None]
        pictures = np.where(k >= replaced[None, :, :, None], end, start).astype(np.float32)
        scores.append(class_scores(model, pictures))
    p = opened(model).probabilities(np.concatenate(scores))[:, c]
    return Curve(np.linspace(0, 1, steps + 1), p, float((p[1:] + p[:-1]).mean() / 2))
