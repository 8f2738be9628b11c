"""How alike two maps are, and how much one changes with its picture (lesson 6)."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import (
    ClassIndex,
    Method,
    check_count,
    check_maps,
    check_method,
    check_noise,
    check_numbers,
    check_seed,
)
from course_utils.evaluation.localization import strength
from course_utils.images import cv2
from course_utils.network.run import checked
from course_utils.network.tensorflow import keras


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation of two maps: do they put positions in the same order?

    1 for the same order, -1 for the reverse, 0 for nothing in common. It's the correlation of the
    ranks, where equal values share the mean of their ranks. The maps are compared as they are, with
    their signs and channels; to compare what a display shows, pass `strength` of each.

    Args:
        a, b: two arrays of one shape with at least 2 values.

    Returns:
        -1 to 1; NaN if one map is the same everywhere and so has no order.

    Warns:
        UserWarning: the result is NaN.

    Raises:
        TypeError, ValueError: not numbers; different shapes; NaN or infinity.

    Lesson 6 derives it.
    """
    a, b = _check_pair(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        warnings.warn(
            "One of the maps is the same everywhere: it has no order, so the rank correlation is "
            "undefined (NaN).",
            stacklevel=2,
        )
        return float("nan")
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's rank, starting at 1; equal values share the mean of their ranks."""
    _, which, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which.ravel()]


def _check_pair(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = (
        check_numbers("One of the maps", m, "finite numbers, as a method returns", dtype=np.float64)
        for m in (a, b)
    )
    if a.shape != b.shape or a.size < 2:
        raise ValueError(
            f"Expected two maps of the same shape, but these have {a.shape} and {b.shape}. "
            "strength(map, (height, width)) brings a map to another resolution."
        )
    return a, b


WINDOW, SIGMA = 11, 1.5  # pixels, as in Wang et al.


def ssim(a: ArrayLike, b: ArrayLike) -> float:
    """Return the structural similarity of two maps, each divided by its own largest |value|.

        SSIM = mean of  (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2))
                                                Wang et al. 2004, eq. 13
    with the means m, variances s^2 and covariance s_ab in a Gaussian window (sigma 1.5 pixels,
    11 x 11) around each position 5 or more from the edge, C1 = (0.01 L)^2, C2 = (0.03 L)^2. L is
    the range of the values: 1, or 2 if one of the maps has negative ones.

    Unlike a correlation, it compares neighbourhoods: a map shifted by two pixels still looks alike.
    Compare with `rank_correlation`: two maps that are zero almost everywhere have a high SSIM.

    Args:
        a, b: two maps (h, w) of one shape, at least 11 x 11. Enlarge coarser ones as a display
            would: strength(cam, (224, 224)).

    Returns:
        -1 to 1; 1 for maps that are equal up to a factor. A zero map stays as it is.

    Raises:
        TypeError, ValueError: not numbers; another shape; too small; NaN or infinity.

    Lesson 6 uses it.
    """
    a, b = _check_pair(a, b)
    if a.ndim != 2 or min(a.shape) < WINDOW:
        raise ValueError(
            f"SSIM compares windows of {WINDOW} x {WINDOW} pixels in maps (h, w), but these have "
            f"the shape {a.shape}. Bring each to the picture's size first: strength(map, (224, "
            "224))."
        )
    a, b = _scaled(a), _scaled(b)
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


def _scaled(m: np.ndarray) -> np.ndarray:
    return m / (np.abs(m).max() or 1)


def agreement(a: ArrayLike, b: ArrayLike) -> float:
    """Return the rank correlation of what two maps of one picture say, whatever their kinds.

    Both are turned into `strength` and resized to the coarser one's resolution. So you can compare
    a gradient of 224 x 224 x 3 numbers with a Grad-CAM of 7 x 7.

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
    method: Method,
    model: keras.Model,
    inputs: ArrayLike,
    class_index: ClassIndex = None,
    *,
    noise: float = 0.02,
    samples: int = 8,
    seed: int = 0,
) -> np.ndarray:
    """Return how much a map changes when you add barely visible noise to the picture.

        max over k of  ||M(x + e_k) - M(x)|| / ||M(x)||         after Yeh et al. 2019,
                                                                arXiv:1901.09392, definition 2
    with e_k uniform within +- noise times the picture's range. 0 means not at all; from 1 on, the
    change is as large as the map. A constant map isn't sensitive at all, and still says nothing.

    Args:
        method: called as method(model, inputs, class_index), as for `smoothgrad`.
        model, inputs: (B, H, W, C), as for the method.
        class_index: as for the method; None for the class predicted for the clean picture.
        noise: a fraction of each picture's own range; the paper perturbs by at most 0.02.
        samples: how many noisy copies to try, at least 1.
        seed: a whole number, at least 0.

    Returns:
        float64 (B,); infinity for a zero map that becomes something else, 0 if it stays zero.

    Raises:
        TypeError, ValueError: as the method; noise, samples or seed out of range.
    """
    x, c = checked(model, inputs, class_index)
    check_method(method)
    check_seed(seed)
    bound = check_noise(noise, "0.02") * np.ptp(x, axis=(1, 2, 3), keepdims=True)

    def maps(inputs):
        found = check_maps(method(model, inputs, c), len(x), method)
        return found.astype(np.float64).reshape(len(x), -1)

    clean = maps(x)
    largest = np.zeros(len(x))
    for k in range(check_count("samples", samples)):
        e = np.random.default_rng([seed, k]).uniform(-1, 1, x.shape[1:])
        moved = maps((x + bound * e).astype(np.float32))
        largest = np.maximum(largest, np.linalg.norm(moved - clean, axis=1))
    size = np.linalg.norm(clean, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(largest == 0, 0.0, largest / size)
