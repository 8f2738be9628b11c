"""Checks of lesson 4."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, verdict

__all__ = ["noisy_copies", "smooth_gradient", "standard_error", "which_average"]


def _noisy(inputs, noise, rng):
    inputs = np.asarray(inputs)
    sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)
    return inputs + sigma * rng.standard_normal(inputs.shape)


# ------------------------------------------------------------------------------------ 4.1

IN_PLACE = (
    "The caller's picture itself was changed, so that noise would pile up on noise. Make a new "
    "array: inputs + sigma * ..., not inputs += ...."
)


def noisy_copies(student: Callable) -> Callable:
    """Exercise 4.1: noisy_copies(inputs, noise, rng) -> inputs + N(0, (noise * range)^2)."""

    def cases(student):
        x = _two_pictures()
        before = x.copy()
        if _changes_its_input(student, x.astype(float)):
            raise Mistake(IN_PLACE)
        copies = _copies(student, x, before, 0.1, seed=0)
        e = copies - before
        if not e.any():
            raise Mistake("The copies are the pictures themselves: where is the noise added?")
        if np.array_equal(copies, np.round(copies)):
            raise Mistake(
                "The copies are whole numbers. Add the noise to the prepared inputs, which the "
                "network takes, not to a picture of 0 to 255."
            )
        if abs(np.corrcoef(copies.ravel(), before.ravel())[0, 1]) < 0.1:
            raise Mistake("That is the noise alone. Return the picture plus the noise.")
        _judge_randomness(student, before, e)
        _judge_noise(e, copies, before)
        still = _copies(student, x, before, 0.0, seed=0)
        if not np.allclose(still, before, atol=1e-5):
            raise Mistake("With noise=0 the copies must be the pictures themselves.")

    return verdict("4.1", student, _noisy, cases)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _two_pictures() -> np.ndarray:
    """Two pictures of the ranges 2 (from -1 to 1) and 20 (from 0 to 20), unlike by channel."""
    ramp = np.linspace(0, 1, 40 * 30).reshape(40, 30)
    one = np.stack([ramp, 0.25 * ramp, 0.5 * ramp], axis=-1)
    return np.stack([2 * one - 1, 20 * one]).astype(np.float32)


def _copies(student, x, before, noise, seed) -> np.ndarray:
    copies = answer_array(student, x, noise, _rng(seed), shape=before.shape)
    if not np.array_equal(x, before):
        raise Mistake(IN_PLACE)
    return copies


def _changes_its_input(student, x) -> bool:
    """In float64, because NumPy refuses to add such noise to float32 in place: that stops."""
    before = x.copy()
    try:
        student(x, 0.1, _rng(0))
    except Exception:  # it comes again, and is reported, on inputs as the network takes them
        return False
    return not np.array_equal(x, before)


def _judge_randomness(student, before, e) -> None:
    rng = _rng(0)
    first, second = (answer_array(student, before.copy(), 0.1, rng, shape=None) for _ in range(2))
    if np.array_equal(first, second):
        raise Mistake(
            "Two calls with one generator give the same noise each time. Draw from the rng that is "
            "given, and make no new one inside."
        )
    if not np.allclose(first - before, e):
        raise Mistake(
            "The same seed gives other noise. Draw from the rng that is given, not from np.random: "
            "otherwise the seed is ignored, and nobody can repeat your map."
        )


def _judge_noise(e, copies, before) -> None:
    # Noise of a normal distribution hardly gives the same extreme number twice.
    if max((copies == copies.min()).sum(), (copies == copies.max()).sum()) > 3:
        raise Mistake("The copies are clipped to a range. Leave the noise as it is.")
    sd = e.std(axis=(1, 2, 3))
    sides = np.abs(e.mean(axis=(1, 2, 3)))
    if np.allclose(e, e[:, :1, :1, :1]) or (sd < 0.01 * sides).all():
        raise Mistake(
            "Every number of a picture got the same noise, so that it is only brighter or darker. "
            "Draw one number for each: rng.standard_normal(inputs.shape)."
        )
    if (sides > 0.5 * sd).any():
        raise Mistake(
            "The noise does not have the mean 0. rng.random is uniform from 0 to 1; take "
            "rng.standard_normal, which is as often negative as positive."
        )
    if (np.abs(e).max(axis=(1, 2, 3)) < 2 * sd).any():
        raise Mistake("This noise is uniform. The formula has a normal one: rng.standard_normal.")
    if np.allclose(e[..., 0], e[..., 1]) and np.allclose(e[..., 0], e[..., 2]):
        raise Mistake(
            "The three channels got the same noise. Draw from rng for inputs.shape, all axes."
        )
    _judge_sigma(sd, e, before)


def _judge_sigma(sd, e, before) -> None:
    """The standard deviation must be 0.1 of the ranges 2 and 20, that is 0.2 and 2."""

    def are(*values):
        return np.allclose(sd, values, rtol=0.08)

    channels = e.std(axis=(1, 2))
    if are(0.1, 0.1):
        raise Mistake(
            "sigma is absolute: 0.1, whatever the picture. It must be relative, noise times the "
            "picture's own range."
        )
    if are(2.1, 2.1):
        raise Mistake(
            "The range of the whole batch was taken. Each picture has its own: np.ptp(inputs, "
            "axis=(1, 2, 3), keepdims=True)."
        )
    if are(0.04, 4.0):
        raise Mistake("sigma is the standard deviation, not the variance: do not square it.")
    if are(np.sqrt(0.2), np.sqrt(2.0)):
        raise Mistake("sigma is the standard deviation already: do not take its square root.")
    if are(0.1, 2.0):
        raise Mistake("The maximum is not the range: a picture may begin below 0. max - min.")
    if are(*(0.1 * before.std(axis=(1, 2, 3)))):
        raise Mistake(
            "This is a fraction of the picture's standard deviation. Asked for is one of its "
            "range, max - min."
        )
    if channels.max(axis=1).max() > 1.5 * channels.min(axis=1).max():
        raise Mistake(
            "Each channel got noise of its own range. The range is that of the whole picture: "
            "axis=(1, 2, 3)."
        )
    if np.allclose(channels, [[0.2], [2.0]], rtol=0.12):
        return
    raise Mistake(
        "Two pictures with ranges 2 and 20 and noise=0.1 need noise of the standard deviations 0.2 "
        f"and 2. Yours: {sd[0]:.2f} and {sd[1]:.2f}."
    )


# ------------------------------------------------------------------------------------ 4.2


class _Recorder:
    """A method whose maps are known, and that remembers what it was asked: for 4.2."""

    def __init__(self, maps: Callable):
        self.maps, self.copies, self.classes, self.models = maps, [], [], []

    def __call__(self, model, inputs, class_index=None):
        x = np.array(inputs, float)
        self.copies.append(x)
        self.classes.append(class_index)
        self.models.append(model)
        return self.maps(x)


def smooth_gradient(student: Callable) -> Callable:
    """Exercise 4.2: smooth_gradient(method, model, inputs, class_index, samples, noise, seed)."""

    def working(method, model, inputs, class_index, samples, noise, seed):
        rng = np.random.default_rng(seed)
        maps = (method(model, _noisy(inputs, noise, rng), class_index) for _ in range(samples))
        return sum(np.asarray(one_map, float) for one_map in maps) / samples

    errors = [
        ("Expected a keras.Model|has no attribute", "Was one of the course's methods, or the "
         "model, called by name? Call the method that is given, on the model that is given."),
    ]  # fmt: skip
    return verdict("4.2", student, working, _judge_smooth_gradient, errors)


SHAPE = (1, 8, 9, 3)
SAMPLES = 6
MODEL = object()  # handed through to the method; nobody looks inside


def _judge_smooth_gradient(student) -> None:
    # The slope of the score sum a x^2 / 2 is a x: its signs differ, and so do the copies' maps.
    a = np.random.default_rng(3).normal(size=SHAPE[1:])
    x = np.random.default_rng(4).random(SHAPE).astype(np.float32) - 0.5
    before = x.copy()

    def ask(seed, noise=0.1, method=None):
        recorder = method or _Recorder(lambda copies: a * copies)
        answer = answer_array(
            lambda: student(recorder, MODEL, x, 7, SAMPLES, noise, seed), shape=None
        )
        if not np.array_equal(x, before):
            raise Mistake("The caller's picture itself was changed. Each copy starts from it.")
        return answer, recorder

    answer, asked = ask(seed=0)
    if not asked.copies:
        raise Mistake("The method was never called: method(model, copies, class_index).")
    _judge_calls(asked)
    copies = np.concatenate(asked.copies)
    _judge_copies(copies, before)
    _judge_mean(answer, a * copies)

    again, (other, asked_next) = ask(seed=0)[0], ask(seed=1)
    if not np.allclose(answer, again):
        raise Mistake(
            "The same seed gave another map. All noise must come from np.random.default_rng(seed)."
        )
    if np.allclose(answer, other):
        raise Mistake("Two seeds gave the same map: the seed is ignored. default_rng(seed).")
    if any(np.array_equal(a, b) for a in copies for b in np.concatenate(asked_next.copies)):
        raise Mistake(
            "Seeds 0 and 1 share samples, as with default_rng(seed + k): two runs that overlap "
            "agree too well. Make one generator, default_rng(seed), before the loop."
        )
    if not np.allclose(ask(seed=0, noise=0.0)[0], a * before, atol=1e-4):
        raise Mistake("With noise=0 the result must be the method's own map.")
    _judge_a_batch(student)


def _judge_calls(asked) -> None:
    if any(model is not MODEL for model in asked.models):
        raise Mistake("The method was called with another model: use the one that is given.")
    if any(c is None for c in asked.classes):
        raise Mistake(
            "The method was called without class_index, so that every noisy copy is explained for "
            "its own predicted class. Hand class_index on."
        )
    if not all(np.all(np.asarray(c) == 7) for c in asked.classes):
        raise Mistake("Another class was explained than asked for: hand class_index on.")
    number = sum(len(copies) for copies in asked.copies)
    if any(copies.shape[1:] != SHAPE[1:] for copies in asked.copies):
        raise Mistake("The method takes a batch, (B, H, W, C), as noisy_copies returns it.")
    if number != SAMPLES:
        raise Mistake(f"samples={SAMPLES} needs {SAMPLES} noisy copies, and {number} were made.")


def _judge_copies(copies, before) -> None:
    e = copies - before
    sd = e.std(axis=(1, 2, 3))
    if not e.any():
        raise Mistake("The method was called on the clean picture: noisy_copies is missing.")
    if np.allclose(e, e[0]):
        raise Mistake(
            "All samples have the same noise. Make the generator once, before the loop, or each "
            "turn starts again with the same numbers."
        )
    if np.isclose(sd, 0, atol=1e-6).any():
        raise Mistake("One of the samples is the clean picture: each needs noise.")
    if sd[-1] > 1.7 * sd[0]:
        raise Mistake(
            "The noise grows from sample to sample: noise piles up on noise. Make each copy from "
            "the clean inputs, and give it another name."
        )
    if not np.allclose(sd, 0.1 * np.ptp(before), rtol=0.3):
        raise Mistake(
            "The noise has the wrong size: its standard deviation is noise times the picture's "
            "range. noisy_copies(inputs, noise, rng) does that."
        )


def _judge_mean(answer, maps) -> None:
    mean = maps.mean(axis=0, keepdims=True)

    def is_(value):
        return answer.shape == np.shape(value) and np.allclose(answer, value, atol=1e-5)

    for value, hint in (
        (np.abs(maps).mean(axis=0, keepdims=True), "This is the mean of |g|: the signs were "
         "dropped before the mean, so that nothing can cancel. Average the signed maps."),
        (np.abs(mean), "The signs are gone. Return the signed mean; |g| belongs to the display."),
        (np.square(maps).mean(axis=0, keepdims=True), "This is the mean of the squares, another "
         "method: average the signed maps."),
        (maps.sum(axis=0, keepdims=True), "This is the sum of the maps. Divide it by samples."),
        (maps[-1:], "This is the last map alone: each turn of the loop overwrites the one before. "
         "Add them up."),
        (maps[:1], "This is the first map alone: is the return inside the loop?"),
        (maps[-1:] / SAMPLES, "Only the last map is in the result: add to the total in each turn."),
        (maps.sum(axis=0, keepdims=True) / (SAMPLES - 1), "A mean divides by samples, not by "
         "samples - 1."),
        (np.median(maps, axis=0, keepdims=True), "This is the median; the formula has the mean."),
        (maps.mean() , "All numbers were averaged into one. The mean goes over samples only: "
         "axis=0."),
        (maps, "These are all the maps. Return their mean."),
        (maps[:, None], "These are all the maps. Return their mean over the samples, axis=0."),
        (mean[0], "The batch axis is gone: the result has the shape of what the method returns."),
    ):  # fmt: skip
        if is_(value):
            raise Mistake(hint)
    if answer.shape != mean.shape:
        raise Mistake(f"The result has the shape {answer.shape}; expected {mean.shape}.")
    if not is_(mean):
        raise Mistake("The result is not the mean of the maps that the method returned.")


def _judge_a_batch(student) -> None:
    """Two pictures, and a linear score: the result is w for both, whatever the noise."""
    w = np.random.default_rng(5).normal(size=SHAPE[1:])
    x = np.random.default_rng(6).normal(size=(2, *SHAPE[1:])).astype(np.float32)
    linear = _Recorder(lambda copies: np.broadcast_to(w, copies.shape))
    answer = answer_array(
        lambda: student(linear, MODEL, x.copy(), 7, SAMPLES, 0.5, 0), shape=(2, *SHAPE[1:])
    )
    if not np.allclose(answer, w, atol=1e-5):
        raise Mistake("On a linear model the result must be w for each picture of a batch.")


# ------------------------------------------------------------------------------------ 4.3


def standard_error(student: Callable) -> Callable:
    """Exercise 4.3: standard_error(maps) -> std over the samples / sqrt(n), (H, W, C)."""

    def working(maps):
        return np.asarray(maps, float).std(axis=0, ddof=1) / np.sqrt(len(maps))

    def cases(student):
        # At the first place the samples -1, -2, 4, 7: their squares around the mean sum to 54, so
        # that the variance is 18 and the error sqrt(18 / 4).
        maps = np.zeros((4, 2, 3, 3))
        maps[:, 0, 0, 0] = [-1, -2, 4, 7]
        maps[:, 1, 2, 1] = [5, 5, 5, 5]
        answer = answer_array(student, maps.copy(), shape=None)
        if answer.shape == ():
            raise Mistake("One number for everything: the samples are the first axis, axis=0.")
        if answer.shape != (2, 3, 3):
            raise Mistake(
                f"The result has the shape {answer.shape}; expected (2, 3, 3), one number for each "
                "number of a map. The samples are the first axis, axis=0."
            )
        for value, hint in (
            (np.sqrt(18), "This is the standard deviation of the samples. Their mean scatters "
             "less: divide by the square root of n."),
            (np.sqrt(18) / 4, "Divided by n. The error falls more slowly, with the square root "
             "of n."),
            (np.sqrt(18 / 3), "The n - 1 belongs into the variance only, ddof=1. The mean of n "
             "samples is divided by the square root of n."),
            (np.sqrt(54 / 4) / 2, "Almost: NumPy divides by n in the variance. Use ddof=1, that "
             "is n - 1."),
            (np.sqrt(54 / 4), "This is the standard deviation with n in the variance. Use ddof=1, "
             "and divide by the square root of n."),
            (np.sqrt(54 / 4) / 4, "Divided by n. Use the square root of n, and ddof=1."),
            (18.0, "This is the variance: take its square root."),
            (18 / 4, "This is the variance of the mean: take its square root."),
            (18 / 2, "This is the variance: the formula has the standard deviation."),
            (np.sqrt(7) / 2, "This is the error of |g|: keep the signs of the samples."),
        ):  # fmt: skip
            if np.isclose(answer[0, 0, 0], value):
                raise Mistake(hint)
        expected = np.zeros((2, 3, 3))
        expected[0, 0, 0] = np.sqrt(18 / 4)
        if not np.allclose(answer, expected):
            raise Mistake(
                "The samples -1, -2, 4, 7 have the standard error 2.121, and four equal samples "
                f"the error 0. Yours: {answer[0, 0, 0]:.3f} and {answer[1, 2, 1]:.3f}."
            )
        # Another number of samples, so that a typed 4 or 2 is noticed: SE of 0, 3, 6 is sqrt(3).
        three = answer_array(student, np.full((3, 1, 1, 1), 3.0) * [[[[0]]], [[[1]]], [[[2]]]],
                             shape=(1, 1, 1))  # fmt: skip
        if not np.isclose(three[0, 0, 0], np.sqrt(3)):
            raise Mistake("Right for 4 samples, wrong for 3: use len(maps) for n.")

    return verdict("4.3", student, working, cases)


# ------------------------------------------------------------------------------------ 4.4


def _black_box(change: Callable, samples: int) -> Callable:
    """A SmoothGrad of somebody else's, on plain NumPy, one picture a call, rounded to float32."""

    def average(method, inputs):
        inputs = np.asarray(inputs)
        rng = np.random.default_rng(samples)
        total = np.zeros((), np.float32)
        for _ in range(samples):
            copies = inputs + 0.1 * rng.standard_normal(inputs.shape)
            total = total + change(np.asarray(method(copies), np.float32)) / np.float32(samples)
        return total

    return average


KINDS = {"signed": np.positive, "absolute": np.abs, "squared": np.square}
RIGHT = {kind: kind for kind in KINDS}


def which_average(student: Callable) -> Callable:
    """Exercise 4.4: which_average(average) -> "signed", "absolute" or "squared"."""

    def working(average):
        result = np.mean(
            average(lambda copies: np.full(np.shape(copies), -3.0), np.zeros((1, 2, 2, 3)))
        )
        names = {-3.0: "signed", 3.0: "absolute", 9.0: "squared"}
        return names[min(names, key=lambda value: abs(value - result))]

    def cases(student):
        exact = {kind: student(_black_box(change, 1)) for kind, change in KINDS.items()}
        said = {}
        for samples in (7, 50):
            for kind, change in KINDS.items():
                answer = student(_black_box(change, samples))
                if exact == RIGHT and answer != kind:
                    raise Mistake(
                        f"Right for a mean of one sample, wrong for one of {samples}. Means are "
                        "rounded: compare with np.allclose, not with ==. And choose a method that "
                        "ignores the noise in its copies."
                    )
                _judge_answer(answer, kind)
                said.setdefault(kind, answer)
                if samples == 50 and answer != said[kind]:
                    raise Mistake(
                        f"The average of {kind} maps was called {said[kind]!r} with 7 samples and "
                        f"{answer!r} with 50. Choose a method that ignores the noise in its copies."
                    )
        _judge_names(said)

    return verdict("4.4", student, working, cases)


def _judge_answer(answer, kind) -> None:
    if answer is None:
        raise Mistake(
            f"The function returned nothing for an average of {kind} maps. Is a return missing, or "
            "was a rounded mean compared with ==? Use np.allclose."
        )
    if not isinstance(answer, str) or answer not in KINDS:
        raise Mistake(f'Return "signed", "absolute" or "squared", not {str(answer)[:60]!r}.')


def _judge_names(said) -> None:
    if said == RIGHT:
        return
    if len(set(said.values())) == 1:
        raise Mistake(
            f"All three are called {said['signed']!r}. With maps of +1 nobody can tell them "
            "apart, and if it was compared with ==, rounding decides. Which number differs from "
            "its absolute value and from its square?"
        )
    if said["absolute"] == said["squared"]:
        raise Mistake(
            "The absolute and the squared average look the same to your method. Is its map -1? "
            "|-1| = (-1)^2. Take another negative number."
        )
    if said["signed"] == said["absolute"]:
        raise Mistake(
            "The signed and the absolute average look the same to your method: a positive number "
            "is its own absolute value. Take a negative one."
        )
    if said["signed"] == said["squared"]:
        raise Mistake(
            "The signed and the squared average were given the same name. Which values do you "
            "expect for each, w or w^2?"
        )
    raise Mistake(
        "Your method can tell them apart, but the names are mixed up: w is signed, |w| absolute, "
        "w^2 squared."
    )
