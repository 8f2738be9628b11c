"""Score a method on scenes whose answer is known, with an interval for the mean (lesson 6)."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import (
    Method,
    check_count,
    check_maps,
    check_method,
    check_number,
    check_numbers,
    check_seed,
    method_name,
)
from course_utils.evaluation.localization import energy_in_mask, pointing_game, strength
from course_utils.evaluation.scenes import Scenes
from course_utils.models import Classifier, load_classifier


def score_on_scenes(
    method: Method,
    scenes: Scenes,
    classifier: Classifier | None = None,
    *,
    tolerance: float = 7,
    batch_size: int = 16,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    """Ask a method for a map of each object of each scene, and score the maps.

    Args:
        method: called as method(model, inputs, class_index), like `vanilla_gradients`; returns one
            raw map for each input, as for `strength`.
        scenes: from `two_object_scenes`.
        classifier: the one whose model to explain; None for the embedded one.
        tolerance: of the pointing game, in pixels.
        batch_size: how many maps to ask for at a time.
        progress: whether to show a progress bar (from two seconds on).

    Returns:
        Arrays (n, 2), one row per scene, one column per object (left, right):
        "pointing": 1 for a hit, 0 for a miss; "target": the share of the map on the object it was
        asked about; "other": the share on the other one; "empty": 1 where the map was nowhere
        positive, which scores 0 in all three.

    Raises:
        TypeError, ValueError: as the method and `strength`.

    Lesson 6 uses it.
    """
    from tqdm.auto import tqdm

    check_method(method)
    classifier = classifier or load_classifier()
    n = len(scenes.images)
    scores = {name: np.zeros((n, 2)) for name in ("pointing", "target", "other", "empty")}
    pairs = np.arange(2 * n)  # both objects of scene 0, then both of scene 1, ...
    starts = range(0, 2 * n, check_count("batch_size", batch_size))
    bar = tqdm(starts, desc=method_name(method), delay=2, disable=not progress)
    for start in bar:
        scene, side = np.divmod(pairs[start : start + batch_size], 2)
        inputs = classifier.prepare(scenes.images[scene])
        maps = method(classifier.model, inputs, scenes.classes[scene, side])
        maps = check_maps(maps, len(inputs), method)
        for i, j, one_map in zip(scene, side, maps, strict=True):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The map is nowhere positive")
                target, other = scenes.masks[i, j], scenes.masks[i, 1 - j]
                scores["pointing"][i, j] = pointing_game(one_map, target, tolerance=tolerance)
                scores["target"][i, j] = energy_in_mask(one_map, target)
                scores["other"][i, j] = energy_in_mask(one_map, other)
            scores["empty"][i, j] = not strength(one_map).any()
    return scores


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return an interval for the mean: the middle `level` of the means of resampled values.

    This is the percentile bootstrap of Efron 1979: draw as many *scenes* as there are, with
    replacement, take the mean, and repeat. It says how different the mean could have been with
    other scenes of this kind, and nothing about other kinds of scenes.

    Args:
        values: (n,) or (n, ...), with one entry along the first axis per independent case. The two
            objects of one scene aren't independent: pass (scenes, 2), not (2 * scenes,). To
            compare two methods on the same scenes, pass their differences.
        level: the share of the means within the interval, above 0 and below 1.
        resamples: how many means, at least 1.
        seed: a whole number, at least 0.

    Returns:
        (low, high), in the unit of the values.

    Raises:
        TypeError, ValueError: not numbers; fewer than 2 cases; NaN or infinity; a level, seed or
            number of resamples out of range.

    Lesson 6 uses it.
    """
    expected = "numbers of at least 2 independent cases along the first axis"
    v = check_numbers("values", values, expected, dtype=np.float64)
    if v.ndim == 0 or len(v) < 2:
        raise ValueError(f"values has the shape {v.shape}: expected {expected}.")
    check_number("level", level, lambda p: 0 < p < 1, "a share such as 0.95")
    check_seed(seed)
    cases = v.reshape(len(v), -1).mean(axis=1)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(cases), size=(check_count("resamples", resamples), len(cases)))
    low, high = np.quantile(cases[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
