"""Where a map is strong, and whether that is where the object is: pointing and energy (lesson 6).

The scores are for the *raw* map, never for a picture of it.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import check_mask, check_number, covers
from course_utils.display import map_values
from course_utils.images import cv2, resize_map


def strength(attribution: ArrayLike, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return how strongly one map marks each position, float32 (h, w), at least 0.

    (h, w), with one value per position, such as Grad-CAM: max(m, 0), the evidence *for* the class.
    If the sign of your map means something else, pass np.abs(m).
    (H, W, C), with one value per channel, such as a gradient: max over C of |m|, as Simonyan et al.
    show it. A slope's sign says in which direction the pixel would have to change, not whether the
    pixel is evidence for the class.

    Args:
        attribution: one raw map; a batch of one is fine, too.
        size: (height, width) to resize the map to, linearly between the centres of its cells (see
            `resize_map`); None keeps its own resolution.

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
    values = np.maximum(map_values(raw), 0)
    if size is None or values.shape == tuple(size):
        return values
    _check_one(raw.shape, size)
    _check_fit(values.shape, size)
    return resize_map(values, size)


def _check_one(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    if len(shape) == 3 and shape[1] <= 3 < size[1]:
        raise ValueError(
            f"An array of shape {shape} may be {shape[0]} maps of {shape[1]} x {shape[2]} numbers, "
            "or one map with channels: pass one map, maps[0], of the shape (h, w)."
        )


def _check_fit(shape: tuple[int, int], size: tuple[int, int]) -> None:
    if not covers(shape, size):
        (h, w), (height, width) = shape, size
        raise ValueError(
            f"A map of {h} x {w} positions doesn't fit {height} x {width}, another shape: "
            "it would have to be stretched. Score a map on the picture that the network saw."
        )


def _warn_if_zero(values: np.ndarray, consequence: str) -> None:
    if not values.any():
        warnings.warn(f"The map is nowhere positive: {consequence}.", stacklevel=3)


def pointing_game(attribution: ArrayLike, mask: ArrayLike, *, tolerance: float = 0) -> bool:
    """Return whether the map's strongest position is on the object.

    This is the pointing game of Zhang et al. 2016, arXiv:1608.00507, section 4.1, for one map.

    Args:
        attribution: one raw map (see `strength`), of any resolution. It points at the middle of
            its strongest position, at its own resolution.
        mask: bool (H, W), True on the object.
        tolerance: how many pixels away from the object still count; the paper allows 15.

    Returns:
        True for a hit. If several positions share the maximum, all must be on the object: a map
        that's the same everywhere points nowhere, and misses.

    Warns:
        UserWarning: the map is nowhere positive; it is scored as a miss.

    Raises:
        TypeError, ValueError: as `strength`; an empty mask, or one that doesn't fit the map; a
            tolerance below 0.

    Lesson 6 derives it.
    """
    m, values = check_mask(mask), strength(attribution)
    _check_one(np.shape(attribution), m.shape)
    _check_fit(values.shape, m.shape)
    check_number("tolerance", tolerance, lambda t: t >= 0, "a number of pixels, 0 or more")
    _warn_if_zero(values, "it points nowhere, which scores as a miss")
    places = np.argwhere(values == values.max())
    rows, columns = ((places + 0.5) * m.shape / values.shape).astype(int).T
    # The distance from each pixel to the object's nearest pixel; 0 on the object.
    distance = cv2.distanceTransform((~m).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return bool(values.any() and (distance[rows, columns] <= tolerance).all())


def energy_in_mask(attribution: ArrayLike, mask: ArrayLike) -> float:
    """Return the share of the map on the object: its sum over the mask / its sum everywhere.

    This is the energy-based pointing game of Wang et al. 2020, arXiv:1910.01279, section 4.3. By
    chance, that is for a map that's the same everywhere, it's the mask's share of the picture.

    Args:
        attribution: one raw map (see `strength`), of any resolution; it's resized to the mask's.
        mask: bool (H, W), True on the object. Pass another object's to get the share on the wrong
            one.

    Returns:
        0 to 1.

    Warns:
        UserWarning: the map is nowhere positive; its share is scored as 0, for every mask.

    Raises:
        TypeError, ValueError: as `strength`; an empty mask, or one that doesn't fit the map.

    Lesson 6 derives it.
    """
    m = check_mask(mask)
    values = strength(attribution, m.shape).astype(np.float64)
    _warn_if_zero(values, "no share of it is anywhere, which scores 0")
    whole = values.sum()
    return float(values[m].sum() / whole) if whole > 0 else 0.0
