"""SmoothGrad: average a method over noisy copies of the picture (lesson 4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from course_utils._compute import weighted_sum
from course_utils._inputs import check_class_index, check_count, check_inputs, check_seed
from course_utils._tensorflow import keras
from course_utils.gradients import vanilla_gradients


def smoothgrad(
    model: keras.Model,
    inputs,
    class_index=None,
    *,
    samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
    batch_size: int = 16,
    method: Callable = vanilla_gradients,
    progress: bool = False,
) -> np.ndarray:
    """Return a method's signed maps averaged over noisy copies of each picture.

        M(x) = (1/n) sum_{k=1..n} M_c( x + N(0, sigma^2) )    Smilkov et al. 2017, arXiv:1706.03825
        sigma = noise * (max x - min x)

    The maps are averaged with their signs: the noise in them cancels, which |M| would not allow.

    Args:
        model, inputs: as for the method.
        class_index: an int, one int a picture, or None for the class that is predicted for the
            picture without noise.
        samples: n, at least 1. The paper uses 50 and finds little change beyond.
        noise: sigma as a fraction of each picture's own range, at least 0; the paper's figures
            show 0.1 to 0.2. With 0 the result is the method's own.
        seed: a whole number from 0 on. Sample k gets the same noise in every picture and whatever
            the batch size, so that the same seed always gives the same map.
        batch_size: how many noisy copies exist at a time; does not change the result.
        method: what to average, called as method(model, inputs, class_index): `vanilla_gradients`,
            `grad_cam`, functools.partial(grad_cam, layer=...), or your own.
        progress: whether to show a progress bar.

    Returns:
        float32, what the method returns: (B, H, W, C) for `vanilla_gradients`.

    Raises:
        TypeError, ValueError: as the method; samples, batch_size, noise or seed out of range.

    Lesson 4 derives it.
    """
    x = check_inputs(model, inputs)
    c = check_class_index(model, x, class_index)
    n, batch_size = check_count("samples", samples), check_count("batch_size", batch_size)
    sigma = _check_noise(noise) * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    if not callable(method):
        raise TypeError(
            f"method={method!r}: expected a function such as grad_cam, without quotes or brackets."
        )
    check_seed(seed)

    def noisy(b, k):
        copies = np.empty((len(b), *x.shape[1:]), np.float32)

        def fill(i):
            _draw_normal(copies[i], seed, k[i])
            copies[i] *= sigma[b[i]]
            copies[i] += x[b[i]]

        with ThreadPoolExecutor(os.cpu_count()) as threads:  # NumPy draws without the GIL
            list(threads.map(fill, range(len(b))))
        return copies

    return weighted_sum(method, model, c, noisy, np.full(n, 1 / n), batch_size, progress)


def _draw_normal(out: np.ndarray, seed: int, sample: int) -> None:
    """Fill `out` with N(0, 1) noise that depends on the seed and the sample's number alone."""
    np.random.default_rng([seed, sample]).standard_normal(out=out, dtype=np.float32)


def _check_noise(noise) -> np.float32:
    if not isinstance(noise, (int, float, np.integer, np.floating)) or isinstance(noise, bool):
        raise TypeError(f"noise={noise!r}: expected a number such as 0.15.")
    if not 0 <= noise <= 1e6:  # beyond that, nothing but noise would be left; NaN fails as well
        raise ValueError(
            f"noise={noise}: expected a fraction of the picture's range, 0 or more; 0.1 to 0.2 is "
            "usual."
        )
    return np.float32(noise)
