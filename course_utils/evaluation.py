"""Score maps where the right answer is known; test whether they depend on the network (lesson 6).

Everything here scores *raw* maps, never pictures of them. What a map says at a place is defined
once, in `strength`: of one number a place, (h, w), what speaks for the class, max(m, 0); of one
number a channel, (H, W, C), such as a gradient, the largest |value|.
"""

from __future__ import annotations

import difflib
import random
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from course_utils._scenes import Scenes, TaggedPictures, tagged_pictures, two_object_scenes
from course_utils.checking import (
    check_baseline,
    check_count,
    check_inputs,
    check_seed,
    method_name,
)
from course_utils.display import map_values
from course_utils.images import cv2, resize_map
from course_utils.models import Classifier, load_classifier
from course_utils.network.open import is_graph, opened
from course_utils.network.run import checked, class_scores
from course_utils.network.tensorflow import keras

__all__ = [
    "Curve",
    "Scenes",
    "TaggedPictures",
    "agreement",
    "bootstrap_interval",
    "centre_blob",
    "deletion_curve",
    "energy_in_mask",
    "input_edges",
    "insertion_curve",
    "pointing_game",
    "random_map",
    "randomize_weights",
    "rank_correlation",
    "score_on_scenes",
    "sensitivity",
    "ssim",
    "strength",
    "tagged_pictures",
    "two_object_scenes",
]


# ------------------------------------------------------------------- what a map says at a place


def strength(attribution, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return how strongly one map marks each place, float32 (h, w), at least 0.

    (h, w), one number a place, such as Grad-CAM: max(m, 0), what speaks *for* the class. Where the
    sign of such a map means something else, pass np.abs(m).
    (H, W, C), one number a channel, such as a gradient: max over C of |m|, as Simonyan et al. show
    it. The sign of a slope says in which direction the pixel would have to change, not whether the
    pixel speaks for the class.

    Args:
        attribution: one raw map; a batch of one is accepted as well.
        size: (height, width) to bring the map to, linearly between the centres of its cells (see
            `resize_map`); None leaves it at its own resolution.

    Raises:
        ValueError: several maps, another shape, NaN or infinity, or a picture (uint8 with colours).
        TypeError: not numbers.
    """
    raw = np.asarray(attribution)
    if raw.dtype == np.uint8 and raw.ndim >= 3:
        raise ValueError(
            f"This is a picture, uint8 of shape {raw.shape}: its colours say what a display chose. "
            "Score the raw map that the method returned."
        )
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        raise ValueError(
            "The map holds NaN or infinity, and cannot be scored: check what the method divides by."
        )
    values = np.maximum(map_values(raw), 0)
    if size is None or values.shape == tuple(size):
        return values
    _check_one(raw.shape, size)
    _check_fit(values.shape, size)
    return resize_map(values, size)


def _check_one(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    if len(shape) == 3 and shape[1] <= 3 < size[1]:
        raise ValueError(
            f"An array of shape {shape} may be {shape[0]} maps of {shape[1]} x {shape[2]} places, "
            "or one map with channels: pass one map, maps[0], of the shape (h, w)."
        )


def _check_fit(shape: tuple[int, int], size: tuple[int, int]) -> None:
    (h, w), (height, width) = shape, size
    # A layer with strides rounds its size: up to about one cell in each direction is normal.
    if abs(w - h * width / height) > 1.5 and abs(h - w * height / width) > 1.5:
        raise ValueError(
            f"A map of {h} x {w} places does not fit {height} x {width}, which has another shape: "
            "it would have to be stretched. Score a map on the picture that the network saw."
        )


def _warn_if_zero(values: np.ndarray, consequence: str) -> None:
    if not values.any():
        warnings.warn(f"The map is nowhere positive: {consequence}.", stacklevel=3)


def _check_mask(mask) -> np.ndarray:
    m = np.asarray(mask)
    if m.ndim != 2 or m.dtype.kind not in "buif" or not np.isin(m, (0, 1)).all():
        raise ValueError(
            f"The mask has the shape {m.shape} and dtype {m.dtype}: expected (H, W), True (or 1) "
            "where the object is and False (or 0) elsewhere. Of a batch, pass one: masks[0]."
        )
    if not m.any():
        raise ValueError("The mask is empty: there is no object to be found.")
    return m.astype(bool)


# -------------------------------------------------------------------- does it point where it should


def pointing_game(attribution, mask, *, tolerance: float = 0) -> bool:
    """Return whether the map's strongest place lies on the object.

    The pointing game of Zhang et al. 2016, arXiv:1608.00507, section 4.1, for one map.

    Args:
        attribution: one raw map (see `strength`), of any resolution. The strongest place is looked
            for at the map's own resolution, and its middle is where the map points.
        mask: bool (H, W), True on the object.
        tolerance: how many pixels beside the object still count; the paper gives 15.

    Returns:
        True for a hit. Where several places share the maximum, they must all lie on the object: a
        map that is the same everywhere points nowhere, and misses.

    Warns:
        UserWarning: the map is nowhere positive; it is scored as a miss.

    Raises:
        TypeError, ValueError: as `strength`; an empty mask, or one that does not fit the map; a
            tolerance below 0.

    Lesson 6 derives it.
    """
    m, values = _check_mask(mask), strength(attribution)
    _check_one(np.shape(attribution), m.shape)
    _check_fit(values.shape, m.shape)
    if not isinstance(tolerance, (int, float, np.integer, np.floating)) or not tolerance >= 0:
        raise ValueError(f"tolerance={tolerance!r}: expected a number of pixels, 0 or more.")
    _warn_if_zero(values, "it points nowhere, and is scored as a miss")
    places = np.argwhere(values == values.max())
    rows, columns = ((places + 0.5) * m.shape / values.shape).astype(int).T
    # The distance of each pixel to the nearest one of the object; 0 on the object.
    distance = cv2.distanceTransform((~m).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return bool(values.any() and (distance[rows, columns] <= tolerance).all())


def energy_in_mask(attribution, mask) -> float:
    """Return which share of the map lies on the object: sum over the mask / sum over all places.

    The energy-based pointing game of Wang et al. 2020, arXiv:1910.01279, section 4.3. A map that is
    the same everywhere has the mask's share of the picture: that is chance.

    Args:
        attribution: one raw map (see `strength`), of any resolution; it is brought to the mask's.
        mask: bool (H, W), True on the object. Of another object, the share that lies on the wrong
            one.

    Returns:
        0 to 1.

    Warns:
        UserWarning: the map is nowhere positive; its share is scored as 0, for every mask.

    Raises:
        TypeError, ValueError: as `strength`; an empty mask, or one that does not fit the map.

    Lesson 6 derives it.
    """
    m = _check_mask(mask)
    values = strength(attribution, m.shape).astype(np.float64)
    _warn_if_zero(values, "no share of it lies anywhere, which is scored as 0")
    whole = values.sum()
    return float(values[m].sum() / whole) if whole > 0 else 0.0


# ------------------------------------------------------------------------- deletion and insertion


class Curve(NamedTuple):
    """What deletion or insertion measured for one picture.

    Attributes:
        fractions: which share of the pixels has been replaced, float64 (steps + 1,), 0 to 1.
        probabilities: of the class, float64 (steps + 1,).
        area: under the curve, 0 to 1, by trapezoids.
    """

    fractions: np.ndarray
    probabilities: np.ndarray
    area: float


def deletion_curve(
    model: keras.Model,
    inputs,
    attribution,
    class_index=None,
    *,
    steps: int = 32,
    baseline=0.0,
    batch_size: int = 16,
) -> Curve:
    """Replace the strongest pixels first, and follow the probability of the class.

    Deletion of Petsiuk et al. 2018 (RISE), arXiv:1806.07421, section 3.3: a small area means that
    the pixels that the map ranks first are those that the network needs.

    **Read it with care.** A half-deleted picture is like none that the network was trained on: the
    probability may fall because evidence is gone, or because the edges of the holes are evidence
    for something else. Both areas depend on the baseline and on the shape of what is deleted first
    (single pixels disturb more than patches), so compare maps of one resolution, with one baseline.

    Args:
        model: any Keras image classifier (see `score_model`).
        inputs: one prepared picture, (1, H, W, C).
        attribution: one raw map of it (see `strength`), of any resolution. Places of equal
            strength are ranked at random, but always in the same way.
        class_index: an int, or None for the predicted class.
        steps: in how many equal steps the pixels are replaced, at least 1.
        baseline: what they are replaced by, in the model's input range: a number, or an array that
            broadcasts to inputs, such as a blurred picture.
        batch_size: how many pictures exist at a time; does not change the result.

    Returns:
        `Curve`: fractions, probabilities, area. The first probability is that of the picture, the
        last that of the baseline. The probability is the model's own: a softmax over the class
        scores, and for a single logit or several sigmoids the sigmoid.

    Warns:
        UserWarning: the map is nowhere positive, so that the order is random altogether.

    Raises:
        TypeError, ValueError: as `vanilla_gradients` and `strength`; more than one picture; steps,
            batch_size or baseline out of range.

    Lesson 6 derives it.
    """
    x, x0, replaced, steps, c = _replacing(model, inputs, attribution, class_index, steps, baseline)
    return _curve(model, x, x0, replaced, steps, c, batch_size)


def insertion_curve(
    model: keras.Model,
    inputs,
    attribution,
    class_index=None,
    *,
    steps: int = 32,
    baseline=0.0,
    batch_size: int = 16,
) -> Curve:
    """Begin with the baseline, bring in the strongest pixels first, and follow the probability.

    Insertion of Petsiuk et al. 2018 (RISE), arXiv:1806.07421, section 3.3: a large area means that
    few of the pixels that the map ranks first are enough. (The paper begins with a blurred picture:
    pass it as the baseline.) Arguments, result, errors and the warning to read it with care as for
    `deletion_curve`; the first probability is that of the baseline, the last that of the picture.

    Lesson 6 derives it.
    """
    x, x0, replaced, steps, c = _replacing(model, inputs, attribution, class_index, steps, baseline)
    return _curve(model, x0, x, replaced, steps, c, batch_size)


def _replacing(model, inputs, attribution, class_index, steps, baseline):
    """Return picture, baseline, the step at which each pixel is replaced, steps, and class."""
    x, c = checked(model, inputs, class_index)
    if len(x) != 1:
        raise ValueError(
            f"inputs holds {len(x)} pictures, and a curve belongs to one: pass inputs[:1]."
        )
    if callable(c):
        raise TypeError("A curve follows the probability of one class: give class_index a number.")
    x0, steps = check_baseline(baseline, x), check_count("steps", steps)
    values = strength(attribution, x.shape[1:3])
    if not values.any():
        warnings.warn("The map is nowhere positive: the pixels are ranked at random.", stacklevel=3)
    at_random = np.random.default_rng(0).permutation(values.size)  # who wins among equals
    rank = np.empty(values.size, int)
    rank[np.lexsort((at_random, -values.ravel()))] = np.arange(values.size)
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


# ---------------------------------------------------------------- does it depend on the weights


def randomize_weights(model: keras.Model, layers=None, seed: int = 0) -> keras.Model:
    """Return a copy of the model in which the weights of some layers are shuffled.

    The model parameter randomisation test of Adebayo et al. 2018, arXiv:1810.03292, section 3: a
    map that stays the same when the network forgets what it has learned did not show what it had
    learned. *Cascading*: the last layer, then the last two, and so on. The paper draws the weights
    anew as before training; here each array keeps its numbers and they change places, so that
    their size stays right for any network, whatever it was initialised with.

    Args:
        model: a Functional or Sequential Keras model, nested or not; it is not changed.
        layers: the names of the layers to shuffle (or the layers): one or a list; None for all.
            Layers without weights, such as pooling, may be among them.
        seed: a whole number from 0 on. A layer is shuffled in the same way whichever others are.

    Returns:
        keras.Model, a copy with its own weights.

    Raises:
        TypeError, ValueError: not a model that can be copied; a name that no layer has; no layer
            with weights among them; another seed.

    Lesson 6 does it by hand.
    """
    check_seed(seed)
    twins = list(zip(_all_layers(model), _all_layers(copy := _copy_model(model)), strict=True))
    names = [layer.name for layer, _ in twins]
    chosen = _chosen_layers([layer for layer, _ in twins], layers, model.name)
    changed = False
    for number, (layer, twin) in enumerate(twins):
        if id(layer) not in chosen:
            continue
        rng = np.random.default_rng([seed, number])
        for variable in twin.weights:
            if _was_learned(variable):
                variable.assign(_shuffled(np.asarray(variable), rng))
                changed = True
    _refresh(copy)
    if not changed:
        raise ValueError(
            f"None of the given layers of {model.name!r} has weights. The layers are: "
            f"{', '.join(names[:60])}."
        )
    return copy


def _was_learned(variable) -> bool:
    """Whether a weight is more than a counter or the state of a random generator.

    Those are whole numbers too, but larger ones than an int8 or int4 kernel's.
    """
    return "int" not in variable.dtype or variable.dtype in ("int8", "uint8")


def _shuffled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permuted(values.ravel()).reshape(values.shape)


def _refresh(model: keras.Model) -> None:
    """Let Normalization layers, which compute with copies of their weights, copy them again."""
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state") and layer.built:
            layer.finalize_state()


def _copy_model(model: keras.Model) -> keras.Model:
    if not is_graph(model):
        raise ValueError(
            f"Expected a Functional or Sequential keras.Model, and was given {type(model).__name__}"
            ": other models cannot be copied layer by layer."
        )
    state = random.getstate()  # from which Keras seeds the initial weights of the copy
    made: dict[int, keras.Operation] = {}  # a layer that two nested models share stays one layer

    def twin_of(layer):
        if id(layer) not in made:
            made[id(layer)] = type(layer).from_config(layer.get_config())
        return made[id(layer)]

    try:
        copy = keras.models.clone_model(model, clone_function=twin_of, recursive=True)
    except Exception as error:  # a layer of one's own that does not say how to make it again
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(f"The model {model.name!r} cannot be copied by Keras: {reason}") from None
    finally:
        random.setstate(state)
    copy.set_weights(model.get_weights())
    _refresh(copy)
    return copy


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of those nested in it, in the order in which they stand."""
    for layer in model.layers:
        if is_graph(layer):
            yield from _all_layers(layer)
        else:
            yield layer


def _chosen_layers(all_layers: list, layers, model_name: str) -> set[int]:
    if layers is None:
        return {id(layer) for layer in all_layers}
    wanted = layers if isinstance(layers, (list, tuple, set)) else [layers]
    chosen = set()
    for one in wanted:
        if not isinstance(one, (str, keras.Layer)):
            raise TypeError(
                f"layers={one!r}: expected names of layers (or layers), or None for all."
            )
        found = [a for a in all_layers if a is one or a.name == one]
        if not found:
            name = one if isinstance(one, str) else one.name
            close = difflib.get_close_matches(name, [a.name for a in all_layers], n=3)
            guess = f" Closest: {', '.join(close)}." if close else ""
            raise ValueError(f"The model {model_name!r} has no layer {name!r}.{guess}")
        chosen |= {id(layer) for layer in found}
    return chosen


# ---------------------------------------------------------------------- how alike are two maps


def rank_correlation(a, b) -> float:
    """Return Spearman's rank correlation of two maps: do they put the places in the same order?

    1 for the same order, -1 for the reverse, 0 for nothing in common. The correlation of the ranks,
    where equal values share the mean of their ranks. The maps are compared as they are, with their
    signs and channels; for what a display shows, pass `strength` of each.

    Args:
        a, b: two arrays of one shape with at least 2 values.

    Returns:
        -1 to 1; NaN where one map is the same everywhere and so has no order.

    Warns:
        UserWarning: the result is NaN.

    Raises:
        TypeError, ValueError: not numbers; different shapes; NaN or infinity.

    Lesson 6 derives it.
    """
    a, b = _check_pair(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        warnings.warn(
            "One of the maps is the same everywhere: it has no order, and the rank correlation is "
            "not defined (NaN).",
            stacklevel=2,
        )
        return float("nan")
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value, from 1 on; equal values share the mean of their ranks."""
    _, which, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which.ravel()]


def _check_pair(a, b) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        raise TypeError(f"Maps hold numbers, and these have the dtypes {a.dtype} and {b.dtype}.")
    a, b = a.astype(np.float64), b.astype(np.float64)
    if a.shape != b.shape or a.size < 2:
        raise ValueError(
            f"Two maps of one shape are expected, and these have {a.shape} and {b.shape}. "
            "strength(map, (height, width)) brings a map to another resolution."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("One of the maps holds NaN or infinity.")
    return a, b


WINDOW, SIGMA = 11, 1.5  # pixels; as Wang et al. have it


def ssim(a, b) -> float:
    """Return the structural similarity of two maps, each divided by its own largest |value|.

        SSIM = mean of  (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2))
                                                Wang et al. 2004, eq. 13
    with the means m, variances s^2 and covariance s_ab in a Gaussian window (sigma 1.5 pixels,
    11 x 11) around each place that is 5 or more from the edge, C1 = (0.01 L)^2, C2 = (0.03 L)^2. L
    is the range of the values: 1, or 2 where one map has negative ones.

    Unlike a correlation, it compares neighbourhoods: a map shifted by two pixels still looks alike.
    Compare with `rank_correlation`: two maps that are zero almost everywhere have a high SSIM.

    Args:
        a, b: two maps (h, w) of one shape, at least 11 x 11. Enlarge coarser ones as a display
            would: strength(cam, (224, 224)).

    Returns:
        -1 to 1; 1 for maps that differ by a factor at most. A zero map stays as it is.

    Raises:
        TypeError, ValueError: not numbers; another shape; too small; NaN or infinity.

    Lesson 6 uses it.
    """
    a, b = _check_pair(a, b)
    if a.ndim != 2 or min(a.shape) < WINDOW:
        raise ValueError(
            f"SSIM compares windows of {WINDOW} x {WINDOW} pixels in maps (h, w), and these have "
            f"the shape {a.shape}. Bring each to the picture's size first: strength(map, (224, "
            "224))."
        )
    a, b = (m / (np.abs(m).max() or 1) for m in (a, b))
    L = 2 if min(a.min(), b.min()) < 0 else 1
    C1, C2 = (0.01 * L) ** 2, (0.03 * L) ** 2

    def mean(m):
        return cv2.GaussianBlur(m, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)

    m_a, m_b = mean(a), mean(b)
    s_aa, s_bb, s_ab = mean(a * a) - m_a**2, mean(b * b) - m_b**2, mean(a * b) - m_a * m_b
    similarity = (2 * m_a * m_b + C1) * (2 * s_ab + C2)
    similarity /= (m_a**2 + m_b**2 + C1) * (s_aa + s_bb + C2)
    inside = slice(WINDOW // 2, -(WINDOW // 2))
    return float(similarity[inside, inside].mean())


def agreement(a, b) -> float:
    """Return the rank correlation of what two maps of one picture say, whatever they are made of.

    Both are turned into `strength` and brought to the resolution of the coarser one, so that a
    gradient of 224 x 224 x 3 numbers and a Grad-CAM of 7 x 7 can be compared.

    Args:
        a, b: one raw map each, as for `strength`.

    Returns:
        -1 to 1, or NaN with a warning, as `rank_correlation`.

    Raises:
        TypeError, ValueError: as `strength`; maps of pictures of different shape.

    Lesson 6 uses it.
    """
    size = min(strength(a).shape, strength(b).shape, key=np.prod)
    return rank_correlation(strength(a, size), strength(b, size))


def sensitivity(
    method: Callable,
    model: keras.Model,
    inputs,
    class_index=None,
    *,
    noise: float = 0.02,
    samples: int = 8,
    seed: int = 0,
) -> np.ndarray:
    """Return how much a map changes when noise that is hardly seen is added to the picture.

        max over k of  ||M(x + e_k) - M(x)|| / ||M(x)||         after Yeh et al. 2019,
                                                                arXiv:1901.09392, definition 2
    with e_k uniform within +- noise times the picture's range. 0: not at all. From 1 on, the change
    is as large as the map. A constant map is not sensitive at all, and still says nothing.

    Args:
        method: called as method(model, inputs, class_index), as for `smoothgrad`.
        model, inputs: (B, H, W, C), as for the method.
        class_index: as for the method; None for the class predicted for the clean picture.
        noise: as a fraction of each picture's own range; the paper perturbs by at most 0.02.
        samples: how many noisy copies are tried, at least 1.
        seed: a whole number from 0 on.

    Returns:
        float64 (B,); infinity for a map that is zero and becomes something else, 0 for a map that
        stays zero.

    Raises:
        TypeError, ValueError: as the method; noise, samples or seed out of range.
    """
    x, c = checked(model, inputs, class_index)
    check_seed(seed)
    if not isinstance(noise, (int, float, np.integer, np.floating)) or not 0 <= noise <= 1e6:
        raise ValueError(
            f"noise={noise!r}: expected a fraction of the picture's range, such as 0.02."
        )
    bound = noise * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    clean = np.asarray(method(model, x, c), np.float64).reshape(len(x), -1)
    largest = np.zeros(len(x))
    for k in range(check_count("samples", samples)):
        e = np.random.default_rng([seed, k]).uniform(-1, 1, x.shape[1:])
        moved = method(model, (x + bound * e).astype(np.float32), c)
        change = np.linalg.norm(np.asarray(moved, np.float64).reshape(len(x), -1) - clean, axis=1)
        largest = np.maximum(largest, change)
    size = np.linalg.norm(clean, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(largest == 0, 0.0, largest / size)


def bootstrap_interval(
    values, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return an interval for the mean: the middle `level` of the means of resampled values.

    The percentile bootstrap of Efron 1979: draw as many *scenes* as there are, with replacement,
    take the mean, again and again. It says how much the mean could have come out otherwise with
    other scenes of this kind, and nothing about scenes of another kind.

    Args:
        values: (n,) or (n, ...), one entry of the first axis for each independent case. The two
            objects of one scene are not independent: pass (scenes, 2), not (2 * scenes,). To
            compare two methods on the same scenes, pass their differences.
        level: the share of the means that lies in the interval, above 0 and below 1.
        resamples: how many means, at least 1.
        seed: a whole number from 0 on.

    Returns:
        (low, high), in the unit of the values.

    Raises:
        TypeError, ValueError: not numbers; fewer than 2 cases; NaN or infinity; a level, seed or
            number of resamples out of range.

    Lesson 6 uses it.
    """
    v = np.asarray(values)
    if v.dtype.kind not in "fiub":
        raise TypeError(f"values has the dtype {v.dtype}; expected numbers.")
    v = v.astype(np.float64)
    if v.ndim == 0 or len(v) < 2 or not np.isfinite(v).all():
        raise ValueError(
            f"values has the shape {v.shape}{'' if np.isfinite(v).all() else ' and holds NaN'}: "
            "expected numbers of at least 2 independent cases along the first axis."
        )
    if not isinstance(level, (int, float, np.floating)) or not 0 < level < 1:
        raise ValueError(f"level={level!r}: expected a share such as 0.95.")
    check_seed(seed)
    cases = v.reshape(len(v), -1).mean(axis=1)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(cases), size=(check_count("resamples", resamples), len(cases)))
    low, high = np.quantile(cases[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# ------------------------------------------------- methods that know nothing, and a score for all


def random_map(model: keras.Model, inputs, class_index=None) -> np.ndarray:
    """Return noise: what chance scores; float32 (B, H, W), 0..1.

    Other noise for each picture and class, and always the same for the same ones.
    """
    x = check_inputs(opened(model), inputs)
    c = np.broadcast_to(0 if class_index is None else class_index, len(x))
    seeds = [[zlib.crc32(picture.tobytes()), k] for picture, k in zip(x, c, strict=True)]
    return np.stack([np.random.default_rng(s).random(x.shape[1:3], np.float32) for s in seeds])


def centre_blob(model: keras.Model, inputs, class_index=None) -> np.ndarray:
    """Return a Gaussian hill in the middle of every picture, of width (sigma) a quarter of it.

    It knows that photographers put things in the middle, and nothing else; float32 (B, H, W), 0..1.
    """
    B, H, W, _ = check_inputs(opened(model), inputs).shape
    i, j = np.linspace(-2, 2, H)[:, None], np.linspace(-2, 2, W)[None]
    return np.tile(np.exp(-(i**2 + j**2) / 2).astype(np.float32), (B, 1, 1))


def input_edges(model: keras.Model, inputs, class_index=None) -> np.ndarray:
    """Return how steeply the picture itself changes at each pixel, by Sobel's filters.

    It knows the picture, and neither the network nor the class; float32 (B, H, W, C), in units of
    the input per pixel.
    """
    x = check_inputs(opened(model), inputs)

    def edges(picture):
        dx, dy = (cv2.Sobel(picture, cv2.CV_32F, *d, scale=1 / 8) for d in ((1, 0), (0, 1)))
        return np.hypot(dx, dy).reshape(picture.shape)

    return np.stack([edges(picture) for picture in x])


def score_on_scenes(
    method: Callable,
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
        scenes: of `two_object_scenes`.
        classifier: whose model is explained; None for the embedded one.
        tolerance: of the pointing game, in pixels.
        batch_size: how many maps are asked for at a time.
        progress: whether to show a progress bar (from two seconds on).

    Returns:
        Arrays (n, 2), one row a scene, one column an object (left, right):
        "pointing": 1 for a hit, 0 for a miss; "target": the share of the map on the object that was
        asked for; "other": the share on the other one; "empty": 1 where the map was nowhere
        positive, which scores 0 in all three.

    Raises:
        TypeError, ValueError: as the method and `strength`.

    Lesson 6 uses it.
    """
    from tqdm.auto import tqdm

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
        if len(maps) != len(inputs):
            raise ValueError(
                f"The method {method_name(method)!r} returned {len(maps)} maps for {len(inputs)} "
                "pictures: expected one for each."
            )
        for i, j, one_map in zip(scene, side, maps, strict=True):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The map is nowhere positive")
                target, other = scenes.masks[i, j], scenes.masks[i, 1 - j]
                scores["pointing"][i, j] = pointing_game(one_map, target, tolerance=tolerance)
                scores["target"][i, j] = energy_in_mask(one_map, target)
                scores["other"][i, j] = energy_in_mask(one_map, other)
            scores["empty"][i, j] = not strength(one_map).any()
    return scores
