"""The checks of lesson 4 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from judging import judge

from course_utils import checks, smoothgrad, vanilla_gradients
from course_utils.checks import _quiz

# ------------------------------------------------------------------------------------ 4.1

PICTURE = (1, 2, 3)


def ptp(x, axis=PICTURE):
    return np.ptp(x, axis=axis, keepdims=True)


def noisy(sigma=lambda x, noise: noise * ptp(x), draw=lambda rng, x: rng.standard_normal(x.shape)):
    """Exercise 4.1 with another sigma, or other noise."""
    return lambda inputs, noise, rng: inputs + sigma(inputs, noise) * draw(rng, inputs)


right_copies = noisy()


def picture_by_picture(inputs, noise, rng):
    copies = []
    for picture in inputs:
        sigma = noise * (picture.max() - picture.min())
        copies.append(rng.normal(picture, sigma))
    return np.stack(copies)


def as_tensors(inputs, noise, rng):
    x = tf.convert_to_tensor(inputs)
    spread = tf.reduce_max(x, PICTURE, True) - tf.reduce_min(x, PICTURE, True)
    return x + noise * spread * rng.standard_normal(x.shape, dtype=np.float32)


def one_noise_for_all_pictures(inputs, noise, rng):
    """As the helper package does: allowed, since the pictures are not averaged together."""
    return inputs + noise * ptp(inputs) * rng.standard_normal(inputs.shape[1:])


def in_place(inputs, noise, rng):
    inputs += (noise * ptp(inputs) * rng.standard_normal(inputs.shape)).astype(inputs.dtype)
    return inputs


def in_place_float64(inputs, noise, rng):
    """As a student writes it: on the float32 pictures of the lesson NumPy stops it."""
    inputs += noise * ptp(inputs) * rng.standard_normal(inputs.shape)
    return inputs


def clipped(inputs, noise, rng):
    low, high = (f(axis=PICTURE, keepdims=True) for f in (inputs.min, inputs.max))
    return np.clip(right_copies(inputs, noise, rng), low, high)


# ------------------------------------------------------------------------------------ 4.2


def right_smooth(method, model, inputs, class_index, samples, noise, seed):
    rng = np.random.default_rng(seed)
    maps = [method(model, right_copies(inputs, noise, rng), class_index) for _ in range(samples)]
    return np.mean(maps, axis=0)


def in_one_batch(method, model, inputs, class_index, samples, noise, seed):
    """All copies go through the network together, each picture's samples in a row."""
    rng = np.random.default_rng(seed)
    copies = right_copies(np.repeat(inputs, samples, axis=0), noise, rng)
    maps = np.asarray(method(model, copies, [class_index] * len(copies)))
    return maps.reshape(len(inputs), samples, *maps.shape[1:]).mean(axis=1)


def with_a_running_mean(method, model, inputs, class_index, samples, noise, seed):
    rng, mean = np.random.default_rng(seed), 0.0
    for k in range(samples):
        copies = right_copies(inputs, noise, rng)
        mean = mean + (np.asarray(method(model, copies, class_index=class_index)) - mean) / (k + 1)
    return tf.constant(mean)


def smooth(
    each=lambda g: g,
    mean=lambda maps: np.mean(maps, axis=0),
    copies=right_copies,
    number=lambda n: n,
    seed=lambda s: s,
    call=lambda method, model, x, c: method(model, x, c),
):
    """Exercise 4.2 with one part changed."""

    def answer(method, model, inputs, class_index, samples, noise, seed_given):
        rng = np.random.default_rng(seed(seed_given))
        return mean(
            [
                each(call(method, model, copies(inputs, noise, rng), class_index))
                for _ in range(number(samples))
            ]
        )

    return answer


def piled_up(method, model, inputs, class_index, samples, noise, seed):
    rng, total = np.random.default_rng(seed), 0
    for _ in range(samples):
        inputs = right_copies(inputs, noise, rng)
        total = total + method(model, inputs, class_index)
    return total / samples


def overwritten(method, model, inputs, class_index, samples, noise, seed):
    rng = np.random.default_rng(seed)
    for _ in range(samples):
        total = method(model, right_copies(inputs, noise, rng), class_index)
    return total / samples


def of_the_mean_picture(method, model, inputs, class_index, samples, noise, seed):
    rng = np.random.default_rng(seed)
    copies = [right_copies(inputs, noise, rng) for _ in range(samples)]
    return method(model, np.mean(copies, axis=0), class_index)


def too_early(method, model, inputs, class_index, samples, noise, seed):
    rng = np.random.default_rng(seed)
    for _ in range(samples):
        return method(model, right_copies(inputs, noise, rng), class_index)


# ------------------------------------------------------------------------------------ 4.4


def on_a_constant(w, compare=None):
    """Exercise 4.4 with the constant map w."""

    def answer(average):
        result = average(lambda copies: np.full(np.shape(copies), w), np.zeros((1, 2, 2, 3)))
        for value, name in ((w, "signed"), (abs(w), "absolute"), (w**2, "squared")):
            same = np.allclose(result, value) if compare is None else compare(result, value)
            if same:
                return name

    return answer


def on_a_picture(average):
    """Looks at the input's own numbers, which lie on both sides of 0: all that it needs."""
    x = np.linspace(-2, 2, 48).reshape(1, 4, 4, 3)
    result = average(lambda copies: np.broadcast_to(x, np.shape(copies)), x)
    kinds = {"signed": x, "absolute": np.abs(x), "squared": x**2}
    return min(kinds, key=lambda kind: np.abs(np.asarray(result) - kinds[kind]).max())


def by_sign_and_size(average):
    value = float(np.mean(average(lambda x: -2.0 * np.ones(np.shape(x)), np.ones((1, 1, 1, 1)))))
    if value < 0:
        return "signed"
    return "absolute" if value < 3 else "squared"


def mixed_up(average):
    names = {"signed": "absolute", "absolute": "squared", "squared": "signed"}
    return names[by_sign_and_size(average)]


def two_of_a_kind(average):
    return "absolute" if by_sign_and_size(average) == "absolute" else "signed"


def exact_or_squared(average):
    """Right but for rounding: whatever equals neither -0.3 nor 0.3 must be the square."""
    result = average(
        lambda copies: np.full(np.shape(copies), -0.3, np.float32), np.zeros((1, 2, 2, 3))
    )
    known = {np.float32(-0.3): "signed", np.float32(0.3): "absolute"}
    return known.get(np.ravel(result)[0], "squared")


def neighbouring_seeds(method, model, inputs, class_index, samples, noise, seed):
    maps = []
    for k in range(samples):
        rng = np.random.default_rng(seed + k)
        maps.append(method(model, right_copies(inputs, noise, rng), class_index))
    return np.mean(maps, axis=0)


def calls_by_name(method, model, inputs, class_index, samples, noise, seed):
    return vanilla_gradients(model, right_copies(inputs, noise, np.random.default_rng(seed)), 7)


RIGHT = {
    "noisy_copies": [
        right_copies,
        picture_by_picture,
        as_tensors,
        one_noise_for_all_pictures,
        lambda x, noise, rng: rng.normal(x, noise * ptp(x)).astype("float32"),
    ],
    "smooth_gradient": [right_smooth, in_one_batch, with_a_running_mean, smooth()],
    "standard_error": [
        lambda maps: maps.std(axis=0, ddof=1) / np.sqrt(len(maps)),
        lambda maps: np.sqrt(np.var(maps, axis=0) / (len(maps) - 1)),
        lambda maps: np.sqrt(
            ((maps - maps.mean(axis=0)) ** 2).sum(axis=0) / (len(maps) - 1) / len(maps)
        ),
    ],
    "which_average": [on_a_constant(-2.0), on_a_constant(-0.3), on_a_picture, by_sign_and_size],
}

WRONG = {
    "noisy_copies": [
        (noisy(sigma=lambda x, noise: noise), "sigma is absolute"),
        (noisy(sigma=lambda x, noise: noise * np.ptp(x)), "whole batch"),
        (noisy(sigma=lambda x, noise: noise * ptp(x, (1, 2))), "own range.*axis"),
        (noisy(sigma=lambda x, noise: noise * x.max(PICTURE, keepdims=True)), "maximum is not"),
        (noisy(sigma=lambda x, noise: noise * x.std(PICTURE, keepdims=True)), "fraction of"),
        (noisy(sigma=lambda x, noise: (noise * ptp(x)) ** 2), "not the variance"),
        (noisy(sigma=lambda x, noise: np.sqrt(noise * ptp(x))), "square root"),
        (noisy(sigma=lambda x, noise: 2 * noise * ptp(x)), "0.2 and 2"),
        (noisy(draw=lambda rng, x: rng.random(x.shape)), "mean 0"),
        (noisy(draw=lambda rng, x: rng.uniform(-1, 1, x.shape)), "uniform"),
        (noisy(draw=lambda rng, x: rng.standard_normal((len(x), 1, 1, 1))), "brighter or darker"),
        (noisy(draw=lambda rng, x: rng.standard_normal()), "brighter or darker"),
        (noisy(draw=lambda rng, x: rng.standard_normal((*x.shape[:3], 1))), "three channels"),
        (
            noisy(draw=lambda rng, x: np.random.default_rng(0).standard_normal(x.shape)),
            "same noise each time",
        ),
        (noisy(draw=lambda rng, x: np.random.standard_normal(x.shape)), "seed is ignored"),
        (noisy(draw=lambda rng, x: np.random.default_rng().normal(size=x.shape)), "ignored"),
        (in_place, "picture itself was changed"),
        (in_place_float64, "picture itself was changed"),
        (clipped, "clipped"),
        (lambda x, noise, rng: np.clip(right_copies(x, noise, rng), x.min(), x.max()), "clipped"),
        (lambda x, noise, rng: np.clip(right_copies(x, noise, rng), -1, 1), "clipped"),
        (lambda x, noise, rng: x, "where is the noise"),
        (lambda x, noise, rng: x.copy(), "where is the noise"),
        (lambda x, noise, rng: right_copies(x, noise, rng).astype(np.uint8), "whole numbers"),
        (lambda x, noise, rng: np.round(right_copies(x, noise, rng)), "whole numbers"),
        (lambda x, noise, rng: right_copies(x, noise, rng)[0], "shape"),
        (lambda x, noise, rng: right_copies(x, noise, rng) - x, "noise alone"),
    ],
    "smooth_gradient": [
        (neighbouring_seeds, "share samples"),
        (calls_by_name, "method that is given"),
        (smooth(each=np.abs), r"mean of \|g\|"),
        (smooth(mean=lambda maps: np.abs(np.mean(maps, axis=0))), "signs are gone"),
        (smooth(each=np.square), "mean of the squares"),
        (smooth(mean=lambda maps: np.sum(maps, axis=0)), "This is the sum"),
        (smooth(mean=lambda maps: np.sum(maps, axis=0) / (len(maps) - 1)), "samples - 1"),
        (smooth(mean=lambda maps: maps[-1]), "last map alone"),
        (smooth(mean=lambda maps: np.median(maps, axis=0)), "median"),
        (smooth(mean=np.mean), "averaged into one"),
        (smooth(mean=np.array), "all the maps"),
        (smooth(mean=lambda maps: np.mean(maps, axis=0)[0]), "batch axis is gone"),
        (smooth(mean=lambda maps: np.mean(maps, axis=0).max(axis=-1)), "shape"),
        (smooth(mean=lambda maps: 2 * np.mean(maps, axis=0)), "not the mean"),
        (
            smooth(copies=lambda x, noise, rng: right_copies(x, noise, np.random.default_rng(0))),
            "before the loop",
        ),
        (smooth(copies=lambda x, noise, rng: x), "clean picture"),
        (smooth(copies=noisy(sigma=lambda x, noise: 10 * noise)), "wrong size"),
        (smooth(copies=in_place), "itself was changed"),
        (smooth(seed=lambda s: 0), "seed is ignored"),
        (smooth(seed=lambda s: None), "same seed gave another"),
        (smooth(number=lambda n: 50), "samples=6"),
        (smooth(call=lambda method, model, x, c: method(model, x)), "own predicted class"),
        (smooth(call=lambda method, model, x, c: method(model, x, 281)), "Another class"),
        (smooth(call=lambda method, model, x, c: method("m", x, c)), "another model"),
        (smooth(call=lambda method, model, x, c: x), "never called"),
        (piled_up, "piles up"),
        (overwritten, "Only the last map"),
        (too_early, "samples=6.*1 (was|were) made"),
        (of_the_mean_picture, "samples=6"),
    ],
    "standard_error": [
        (lambda m: m.std(axis=0, ddof=1) / np.sqrt(len(m) - 1), "variance only"),
        (lambda maps: maps.std(axis=0, ddof=1), "standard deviation of the samples"),
        (lambda maps: maps.std(axis=0, ddof=1) / len(maps), "Divided by n"),
        (lambda maps: maps.std(axis=0), "n in the variance"),
        (lambda maps: maps.std(axis=0) / np.sqrt(len(maps)), "ddof=1"),
        (lambda maps: maps.std(axis=0) / len(maps), "Divided by n"),
        (lambda maps: maps.var(axis=0, ddof=1), "take its square root"),
        (lambda maps: maps.var(axis=0, ddof=1) / len(maps), "variance of the mean"),
        (lambda maps: maps.var(axis=0, ddof=1) / np.sqrt(len(maps)), "the variance"),
        (lambda maps: np.abs(maps).std(axis=0, ddof=1) / np.sqrt(len(maps)), r"error of \|g\|"),
        (lambda maps: maps.std(ddof=1) / np.sqrt(len(maps)), "axis=0"),
        (lambda maps: maps.std(axis=-1, ddof=1) / np.sqrt(len(maps)), "axis=0"),
        (lambda maps: maps.std(axis=0, ddof=1) / 2, "len"),
        (lambda maps: maps.mean(axis=0) / np.sqrt(len(maps)), "2.121"),
    ],
    "which_average": [
        (on_a_constant(1.0), "positive|nobody can tell"),
        (on_a_constant(2.0), "own absolute value"),
        (on_a_constant(-1.0), "-1"),
        (on_a_constant(-0.3, compare=lambda a, b: np.all(a == b)), "rounded|=="),
        (exact_or_squared, "np.allclose, not with =="),
        (mixed_up, "mixed up"),
        (two_of_a_kind, "signed and the squared"),
        (lambda average: "signed", "All three"),
        (lambda average: by_sign_and_size(average).capitalize(), "Return .signed"),
        (lambda average: average(lambda x: -2 * np.ones_like(x), np.ones((1, 1, 1, 1))), "Return"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


def test_a_fault_in_the_package_cannot_make_a_wrong_smoothgrad_pass(monkeypatch, capsys):
    """The check knows the answer from a method of its own, not from the package."""
    wrong = smooth(each=np.abs)
    monkeypatch.setattr("course_utils.smoothgrad", lambda *args, **options: wrong)
    checks.smooth_gradient(wrong)
    assert "not right yet" in capsys.readouterr().out
    assert smoothgrad is not wrong


@pytest.mark.parametrize("name", RIGHT)
def test_a_check_leaves_the_global_random_numbers_alone(name, capsys):
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    getattr(checks, name)(RIGHT[name][0])
    assert np.random.random() == expected


def test_the_quiz_of_this_lesson_is_there():
    questions = json.loads((_quiz.QUIZZES / "lesson4.json").read_text(encoding="utf-8"))
    assert 4 <= len(questions) <= 6
