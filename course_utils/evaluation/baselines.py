"""Maps by methods that know nothing about the network: noise, the middle, edges (lesson 6)."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import ClassIndex, check_inputs
from course_utils.images import cv2
from course_utils.network.open import opened
from course_utils.network.tensorflow import keras


def random_map(
    model: keras.Model, inputs: ArrayLike, class_index: ArrayLike | None = None
) -> np.ndarray:
    """Return noise, to see what chance scores; float32 (B, H, W), 0..1.

    Each picture and class gets different noise, and always the same.
    """
    x = _pictures(model, inputs)
    c = np.broadcast_to(0 if class_index is None else class_index, len(x))
    seeds = [[zlib.crc32(picture.tobytes()), k] for picture, k in zip(x, c, strict=True)]
    return np.stack([np.random.default_rng(s).random(x.shape[1:3], np.float32) for s in seeds])


def centre_blob(
    model: keras.Model, inputs: ArrayLike, class_index: ClassIndex = None
) -> np.ndarray:
    """Return a Gaussian hill in the middle of every picture, a quarter of it wide (sigma).

    All it knows is that photographers put things in the middle; float32 (B, H, W), 0..1.
    """
    B, H, W, _ = _pictures(model, inputs).shape
    i, j = np.linspace(-2, 2, H)[:, None], np.linspace(-2, 2, W)[None]
    return np.tile(np.exp(-(i**2 + j**2) / 2).astype(np.float32), (B, 1, 1))


def input_edges(
    model: keras.Model, inputs: ArrayLike, class_index: ClassIndex = None
) -> np.ndarray:
    """Return how steeply the picture itself changes at each pixel, by Sobel's filters.

    It knows the picture, but neither the network nor the class; float32 (B, H, W, C), in units of
    the input per pixel.
    """
    x = _pictures(model, inputs)

    def edges(picture):
        dx, dy = (cv2.Sobel(picture, cv2.CV_32F, *d, scale=1 / 8) for d in ((1, 0), (0, 1)))
        return np.hypot(dx, dy).reshape(picture.shape)

    return np.stack([edges(picture) for picture in x])


def _pictures(model: keras.Model, inputs: ArrayLike) -> np.ndarray:
    network = opened(model)
    return check_inputs(inputs, network.inputs, network.name)
