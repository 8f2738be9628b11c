"""Checks of lesson 4."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np

from course_utils.checks._judge import Exercise, Mistake, numbers

__all__ = ["noisy_copies", "smooth_gradient", "standard_error", "which_average"]

PICTURE = (1, 2, 3)  # the axes of one picture in a batch


def _range(x: np.ndarray, axis=PICTURE) -> np.ndarray:
    return np.ptp(x, axis=axis, keepdims=True)


def _drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@contextlib.contextmanager
def _shared_generator_untouched() -> Iterator[None]:
    """Raise a Mistake if the block uses or seeds np.random itself; undo it in any case."""
    state = np.random.get_state()
    np.random.seed(9_876_543)
    expected = np.random.random()
    np.random.seed(9_876_543)
    try:
        yield
        touched = np.random.random() != expected
    finally:
        np.random.set_state(state)
    if touched:
        raise Mistake(
            "The noise comes from np.random itself, one generator that all cells share, so your "
            "function changes the random numbers of every other cell. Draw from a generator of its "
            "own, such as np.random.default_rng(seed), and leave out np.random.seed."
        )


# ------------------------------------------------------------------------------------ 4.1


def _noisy(
    inputs,
    noise,
    rng,
    *,
    sigma=lambda noise, x: noise * _range(x),
    draw=lambda rng, x: rng.standard_normal(x.shape),
):
    """Noisy copies; or, with a keyword, a way to get them wrong."""
    x = np.asarray(inputs)
    return x + sigma(noise, x) * draw(rng, x)


# Shape -> the lowest and the highest number of each picture.
PICTURES = {
    (2, 60, 50, 3): [(-1, 1), (0, 20)],
    (1, 100, 80, 1): [(0, 255)],
    (3, 40, 45, 3): [(-3, 1), (0.1, 1.4), (1 / 3, 1 / 3)],
}


def _pictures(shape: tuple[int, ...]) -> np.ndarray:
    """Return pictures in which each row, column and channel has a range of its own."""
    _, h, w, channels = shape
    hill = np.outer(np.linspace(0.1, 1, h), np.linspace(0.1, 1, w))
    hill = ((hill - 0.01) / 0.99)[..., None] * np.array([1, 0.25, 0.5])[:channels]
    x = np.stack([low + (high - low) * hill for low, high in PICTURES[shape]])
    return x.astype(np.float32)


def _standardised(a: np.ndarray) -> np.ndarray:
    """Return a with mean 0 and standard deviation 1 per picture; zeros for a constant picture."""
    sd = a.std(axis=PICTURE, keepdims=True)
    return (a - a.mean(axis=PICTURE, keepdims=True)) / np.where(sd < 1e-12, np.inf, sd)


def _figures(copies: np.ndarray, x: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return what describes the noise, whatever the draw: words -> the figure, its tolerance.

    The tolerances are five standard errors or more, for the thousands of numbers of a batch.
    """
    tiny = 1e-3 * np.abs(x).max(axis=PICTURE, keepdims=True)  # rounding, even of float16
    e = np.where(np.abs(copies - x) < tiny, 0, copies - x)
    mean, sd = e.mean(axis=PICTURE), e.std(axis=PICTURE)
    sd[sd < tiny.ravel()] = 0
    found = {}
    for i, of_channels in enumerate(e.std(axis=(1, 2))):
        bias = mean[i] / sd[i] if sd[i] else 1000 * bool(mean[i])
        words = f"the mean of the noise of picture {i}, divided by its standard deviation,"
        found[words] = bias, 0.1 + 0.1 * abs(bias)
        for c, value in enumerate(of_channels):
            words = f"the standard deviation of the noise of picture {i}, channel {c}"
            found[words] = value, max(0.1 * value, tiny[i].item())
    z = np.where(sd.reshape(-1, 1, 1, 1) > 0, _standardised(e), 0)  # of rounding, nothing
    seen = _standardised(x)
    if sd.any():
        scatter = np.abs(z[sd > 0])
        found["the part of the noise within half a standard deviation"] = (
            (scatter < 0.5).mean(),
            0.03,
        )
        found["the part of the noise beyond 2.5 standard deviations"] = (
            (scatter > 2.5).mean(),
            0.007,
        )
    sizes = _standardised(np.abs(z)), _standardised(np.abs(x))
    pairs = {
        "of the noise and the picture": (z, seen),
        "of the noise's size and the picture's": sizes,
        "of the noise in neighbouring rows": (z[:, 1:], z[:, :-1]),
        "of the noise in neighbouring columns": (z[:, :, 1:], z[:, :, :-1]),
    }
    if x.shape[3] > 1:
        pairs["of the noise in the channels 0 and 1"] = z[..., 0], z[..., 1]
    if len(x) > 1:
        pairs["of the noise of the pictures 0 and 1"] = z[0], z[1]
    return found | {f"the correlation {of}": ((a * b).mean(), 0.1) for of, (a, b) in pairs.items()}


def _noise(answer) -> dict[str, tuple[float, float]]:
    """Return what the check compares: figures that hardly depend on the draw."""
    if isinstance(answer, dict):  # the truth
        return answer
    copies = numbers(answer)
    if copies.shape not in PICTURES:
        raise Mistake(
            f"The result has the shape {copies.shape}. Return one copy of each picture of the "
            "batch, (B, H, W, C), in the order of the pictures."
        )
    if not np.isfinite(copies).all():
        raise Mistake("There is NaN or infinity in the copies. Are all of them filled?")
    for decimals in range(4):
        if np.allclose(copies, np.round(copies, decimals), rtol=1e-6, atol=1e-6):
            raise Mistake(
                f"The copies are rounded to {decimals} decimals. Leave the numbers as they are."
                if decimals
                else "The copies are whole numbers. The network takes the prepared inputs, so add "
                "the noise to those, and don't round the sum or turn it into integers."
            )
    x = _pictures(copies.shape)
    for copy, clean in zip(copies, x, strict=True):
        # Noise of a normal distribution hardly gives the same extreme number twice.
        ends = max((copy == copy.min()).sum(), (copy == copy.max()).sum())
        if ends > 3 and np.ptp(clean) > 0:
            raise Mistake("The copies are clipped to a range. Leave the noise as it is.")
    return _figures(copies, x)


def _noises_differ(got, want, axes=(), place="") -> str | None:
    for words, (should, tolerance) in want.items():
        is_ = got.get(words, (np.nan, 0))[0]
        if not abs(is_ - should) <= tolerance:
            digits = max(0, int(np.ceil(-np.log10(tolerance))))
            about, yours = round(should, digits) + 0.0, round(is_, digits) + 0.0
            return f"{words} must be about {about:.4g}, and yours is {yours:.4g}."
    return None


def _draws_from_rng(student: Callable) -> None:
    def draw(rng) -> np.ndarray:
        return numbers(student(_pictures((2, 60, 50, 3)), 0.1, rng))

    with _shared_generator_untouched():
        rng = np.random.default_rng(0)
        first, second = draw(rng), draw(rng)
        again = draw(np.random.default_rng(0))
    if np.array_equal(first, second):
        raise Mistake(
            "Two calls with one generator give the same noise each time. Draw from the rng that is "
            "given, and don't make a new one inside."
        )
    if not np.array_equal(first, again):
        raise Mistake(
            "The same seed gives different noise. Draw from the rng that is given and from nothing "
            "else: otherwise the seed is ignored, and nobody can repeat your map."
        )


UNIFORM = (
    "This noise is uniform. The formula has a normal one, whose numbers have no limit: "
    "rng.standard_normal."
)
ONE_NUMBER = (
    "Every number of a picture got the same noise, which only makes it brighter or darker. Draw "
    "one number for each: rng.standard_normal(inputs.shape)."
)
OWN_RANGE = (
    "The range is that of one whole picture, all its rows, columns and channels: axis=(1, 2, 3)."
)

noisy_copies = Exercise(
    id="4.1",
    right=lambda inputs, noise, rng: _noisy(inputs, noise, rng),
    inputs={
        words: lambda shape=shape, noise=noise: (
            _pictures(shape), noise, np.random.default_rng(0),
        )
        for words, shape, noise in [
            ("2 pictures of the ranges 2 and 20, and noise=0.1", (2, 60, 50, 3), 0.1),
            ("1 grey picture of the range 255, and noise=0.3", (1, 100, 80, 1), 0.3),
            ("3 pictures, the last one constant, and noise=0.15", (3, 40, 45, 3), 0.15),
            ("2 pictures and noise=0", (2, 60, 50, 3), 0),
        ]
    },
    truth={
        f"the standard deviation of the noise of picture {i}, channel {c}": (sigma, 0.1 * sigma)
        for i, sigma in enumerate([0.2, 2.0])
        for c in range(3)
    },
    normalise=_noise,
    difference=_noises_differ,
    rules=[_draws_from_rng],
    errors=[
        ("broadcast", "These shapes don't fit together: the range needs (B, 1, 1, 1), as "
         "keepdims=True leaves it, and the noise inputs.shape."),
        ("only integer scalar|cannot be interpreted", "rng.standard_normal takes a shape, "
         "inputs.shape."),
        ("has no attribute 'seed'", "`rng` has its seed already: only draw from it."),
    ],
    wrong=[
        (lambda x, n, rng: x, "The copies are the pictures themselves: where is the noise added?"),
        (lambda x, n, rng: _noisy(x, n, rng) - x, "That is the noise alone. Return the picture "
         "plus the noise."),
        (lambda x, n, rng: _noisy(x, n, rng)[::-1], "The copies come in reverse order: picture 0 "
         "first."),
        (lambda x, n, rng: np.broadcast_to(_noisy(x, n, rng)[:1], x.shape), "All copies are copies "
         "of the first picture."),
        (lambda x, n, rng: x * (1 + n * rng.standard_normal(x.shape)), "Each number got noise in "
         "proportion to itself, and numbers near 0 hardly any. The range is that of the whole "
         "picture."),
        (lambda x, n, rng: x * (1 + (_noisy(x, n, rng) - x)), "The noise is multiplied by the "
         "picture, so numbers near 0 get hardly any. Add it."),
        *[
            (lambda x, n, rng, s=sigma: _noisy(x, n, rng, sigma=s), sentence)
            for sigma, sentence in [
                (lambda n, x: n, "sigma is absolute here: `noise` itself, whatever the picture. "
                 "Make it relative: noise times the picture's own range."),
                (lambda n, x: 1, "The noise has the standard deviation 1. Multiply it by sigma, "
                 "noise times the picture's range."),
                (lambda n, x: _range(x), "`noise` is missing: sigma is noise times the range."),
                (lambda n, x: n * np.ptp(x), "The range of the whole batch was taken. Each picture "
                 "has its own: np.ptp(inputs, axis=(1, 2, 3), keepdims=True)."),
                (lambda n, x: n * _range(x[:1]), "Every picture got noise for the first one's "
                 "range. Each has its own: np.ptp(inputs, axis=(1, 2, 3), keepdims=True)."),
                (lambda n, x: n * _range(x, (1, 2)), "Each channel got noise for its own range. "
                 + OWN_RANGE),
                *[
                    (lambda n, x, a=axis: n * _range(x, a), "Each row, column or pixel got noise "
                     "for its own range. " + OWN_RANGE)
                    for axis in (1, 2, 3, (1, 3), (2, 3))
                ],
                (lambda n, x: (n * _range(x)) ** 2, "sigma is the standard deviation, not the "
                 "variance: don't square it."),
                (lambda n, x: np.sqrt(n * _range(x)), "sigma is the standard deviation already: "
                 "don't take its square root."),
                (lambda n, x: n**2 * _range(x), "`noise` is squared. sigma is noise times the "
                 "range."),
                (lambda n, x: n * x.max(PICTURE, keepdims=True), "The maximum isn't the range: a "
                 "picture may begin below 0. Take max - min."),
                (lambda n, x: n * np.abs(x).max(PICTURE, keepdims=True), "The largest size isn't "
                 "the range, which goes from the smallest number to the largest: max - min."),
                (lambda n, x: n * x.std(PICTURE, keepdims=True), "This is a fraction of the "
                 "picture's standard deviation. sigma is one of its range, max - min."),
                (lambda n, x: n * _range(x) / 2, "sigma is half as large as it should be: noise "
                 "times the whole range, max - min."),
                (lambda n, x: 2 * n * _range(x), "sigma is twice as large as it should be: noise "
                 "times the range, max - min."),
                (lambda n, x: 2 * n, "sigma is 2 * noise whatever the picture, which is right for "
                 "a picture from -1 to 1 only. Take the picture's own range, max - min."),
                (lambda n, x: 255 * n, "sigma is 255 * noise whatever the picture, which is right "
                 "for a picture from 0 to 255 only. Take the picture's own range, max - min."),
            ]
        ],
        *[
            (lambda x, n, rng, d=draw: _noisy(x, n, rng, draw=d), sentence)
            for draw, sentence in [
                (lambda rng, x: rng.random(x.shape), "The noise doesn't have the mean 0. "
                 "rng.random is uniform from 0 to 1; take rng.standard_normal, which is negative "
                 "as often as positive."),
                (lambda rng, x: np.abs(rng.standard_normal(x.shape)), "The noise is never "
                 "negative. Leave its signs as they are drawn."),
                (lambda rng, x: rng.standard_normal(x.shape) + 1, "The noise has the mean sigma, "
                 "and should have the mean 0."),
                (lambda rng, x: rng.uniform(-1, 1, x.shape), UNIFORM),
                (lambda rng, x: rng.uniform(-0.5, 0.5, x.shape), UNIFORM),
                (lambda rng, x: rng.uniform(-(3**0.5), 3**0.5, x.shape), UNIFORM),
                (lambda rng, x: rng.laplace(size=x.shape), "This noise is Laplace's. The formula "
                 "has a normal one: rng.standard_normal."),
                (lambda rng, x: rng.laplace(scale=0.5**0.5, size=x.shape), "This noise is "
                 "Laplace's, with the right standard deviation. The formula has a normal one: "
                 "rng.standard_normal."),
                (lambda rng, x: rng.choice([-1.0, 1.0], x.shape), "This noise is a coin toss, plus "
                 "or minus sigma. The formula has a normal one: rng.standard_normal."),
                (lambda rng, x: rng.standard_normal((len(x), 1, 1, 1)), ONE_NUMBER),
                (lambda rng, x: rng.standard_normal((1, 1, 1, 1)), ONE_NUMBER),
                (lambda rng, x: rng.standard_normal(x.shape[3]), "All positions got the same "
                 "noise, one number per channel. Draw from rng for inputs.shape, all axes."),
                (lambda rng, x: rng.standard_normal((*x.shape[:3], 1)), "The channels got the same "
                 "noise. Draw from rng for inputs.shape, all axes."),
                (lambda rng, x: rng.standard_normal(x.shape[1:]), "All pictures got the same "
                 "noise. Draw for inputs.shape, including the pictures' axis."),
                (lambda rng, x: rng.standard_normal((len(x), x.shape[1], 1, x.shape[3])), "The "
                 "same noise goes along each row. Draw from rng for inputs.shape, all axes."),
                (lambda rng, x: rng.standard_normal((len(x), 1, *x.shape[2:])), "The same noise "
                 "goes down each column. Draw from rng for inputs.shape, all axes."),
            ]
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 4.2


MODEL = object()  # passed on to the method; nobody looks inside


def _method(x, samples, noise, class_index, maps: Callable, copies: list | None) -> Callable:
    """Return a method whose maps are known, whatever the noise, and which checks how it's called.

    The k-th noisy copy of picture b has the map maps(b, k), and the clean picture maps(b, -1). So
    the right result is known too, and doesn't depend on how the noise is drawn.
    """
    clean, wanted = np.array(x, float), class_index
    ranges = _range(clean).ravel()
    sigma = noise * ranges
    tiny = 1e-5 * np.abs(clean).max()
    seen = [[] for _ in clean]  # of each picture, its copies so far
    times = [[] for _ in clean]  # and how often each of them came

    def method(model, inputs, class_index=None):
        if model is not MODEL:
            raise Mistake(
                "The method was called with another model. Call it as method(model, copies, "
                "class_index), with the model that is given."
            )
        if class_index is None:
            raise Mistake(
                "The method was called without class_index, so every noisy copy is explained for "
                "its own predicted class. Hand class_index on."
            )
        if not np.all(np.asarray(class_index) == wanted):
            raise Mistake(
                "Another class was explained than the one asked for: hand class_index on."
            )
        batch = np.array(inputs, float)
        if batch.shape[1:] != clean.shape[1:]:
            raise Mistake(
                f"The method was called with inputs of the shape {batch.shape}. It takes a batch, "
                "(B, H, W, C), as noisy_copies returns it."
            )
        if copies is not None:
            copies.extend(batch)
        whose = [int(np.argmin(np.abs(copy - clean).mean(axis=PICTURE))) for copy in batch]
        z = [(copy - clean[b]) / ranges[b] for b, copy in zip(whose, batch, strict=True)]
        same = [b for b, one in zip(whose, z, strict=True) if np.allclose(one, z[0], atol=1e-4)]
        if len(set(same)) > 1 and np.abs(z[0]).max() > 1e-3:
            raise Mistake(
                "All pictures of a batch got the same noise. noisy_copies(inputs, noise, rng) "
                "draws for inputs.shape, including the pictures' axis."
            )
        return np.array(list(map(map_of, whose, batch)), np.float32)

    def map_of(b, copy):
        e = copy - clean[b]
        if np.abs(e).max() < tiny:
            return maps(b, -1)
        for k, other in enumerate(seen[b]):
            if np.abs(copy - other).max() < tiny:
                times[b][k] += 1
                if times[b][k] > 2:  # once more than to find out the shape of a map
                    raise Mistake(
                        "All samples have the same noise. Make the generator once, before the "
                        "loop, and use it to make new copies in each turn."
                    )
                return maps(b, k)
        if not 0.7 * sigma[b] < e.std() < 1.3 * sigma[b]:
            if seen[b] and e.std() > sigma[b]:
                raise Mistake(
                    "The noise grows from sample to sample: noise piles up on noise. Make each "
                    "copy from the clean inputs, and give it another name."
                )
            if not any(seen) and abs(e.std() * samples**0.5 / sigma[b] - 1) < 0.15:
                raise Mistake(
                    "The copies were averaged before the method saw them, so hardly any noise is "
                    "left. Call the method on each copy, and average its maps."
                )
            raise Mistake(
                "The noise has the wrong size: its standard deviation is noise times the picture's "
                "range. noisy_copies(inputs, noise, rng) does that."
            )
        seen[b].append(copy)
        times[b].append(1)
        return maps(b, len(seen[b]) - 1)

    method.__qualname__ = "method"  # in errors
    return method


def _smoothing(x, samples, noise, class_index, maps, seed=0, copies=None) -> tuple:
    """Return the arguments of smooth_gradient."""
    method = _method(x, samples, noise, class_index, maps, copies)
    return method, MODEL, x, class_index, samples, noise, seed


def _scenes(*shape: int) -> np.ndarray:
    """Pictures far apart and of different ranges, so a noisy copy shows whose it is."""
    number = np.arange(shape[0]).reshape(-1, 1, 1, 1)
    x = 1.6 * (1 + number) * (np.random.default_rng(4).random(shape) - 0.5) + 2 * number
    return x.astype(np.float32)


KNOWN = np.array([
    [[[4, 0], [-2, 1]], [[-8, 4], [2, 3]], [[-4, 4], [6, 3]], [[4, 0], [-6, 9]]],
    [[[1, 1], [0, -3]], [[3, -1], [0, -3]], [[1, 5], [2, 1]], [[7, 3], [-6, -3]]],
])  # fmt: skip


def _known_maps(b: int, k: int) -> np.ndarray:
    return KNOWN[b, k] if 0 <= k < 4 else _drawn_maps(2, 2)(b, k)


def _drawn_maps(*shape: int) -> Callable[[int, int], np.ndarray]:
    return lambda b, k: _drawn(*shape, seed=1000 * b + k + 1)


def _smooth(
    method,
    model,
    inputs,
    class_index,
    samples,
    noise,
    seed,
    *,
    each=np.asarray,
    mean=lambda maps, n: maps.sum(axis=0) / n,
    number=lambda n: n,
    copies=lambda x, k, *noise: _noisy(x, *noise),
):
    """SmoothGrad; or, with a keyword, a way to get it wrong."""
    rng = np.random.default_rng(seed)
    maps = [
        each(method(model, copies(inputs, k, noise, rng), class_index))
        for k in range(number(samples))
    ]
    return mean(np.array(maps, float), samples)


def _copies(inputs, samples, noise, seed) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [_noisy(inputs, noise, rng) for _ in range(samples)]


def _in_one_batch(method, model, inputs, class_index, samples, noise, seed, spread, fold):
    copies = _noisy(spread(inputs, samples), noise, np.random.default_rng(seed))
    return fold(method(model, copies, class_index), len(inputs), samples)


def _loop(turn: Callable) -> Callable:
    """Return the result of a loop whose every turn is total = turn(total, map, n)."""

    def mean(maps: np.ndarray, n: int) -> np.ndarray:
        total = 0
        for one_map in maps:
            total = turn(total, one_map, n)
        return total

    return mean


def _keeps_to_the_seed(student: Callable) -> None:
    x = _scenes(1, 8, 9, 3)

    def copies(seed: int, samples: int = 6) -> np.ndarray:
        found = []
        student(*_smoothing(x, samples, 0.1, 3, _drawn_maps(2, 3), seed, found))
        return np.array([copy for copy in found if not np.allclose(copy, x[0])])

    def figures(noisy: np.ndarray) -> dict:
        """Return the figures of all copies, stacked into one picture."""
        return _figures(*(a.reshape(1, -1, *x.shape[2:]) for a in (noisy, 0 * noisy + x)))

    with _shared_generator_untouched():
        first, again, other = copies(0), copies(0), copies(1)
    if not np.array_equal(first, again):
        raise Mistake(
            "The same seed gave another map. All noise must come from np.random.default_rng(seed)."
        )
    if np.array_equal(first, other):
        raise Mistake("Two seeds gave the same map: the seed is ignored. default_rng(seed).")
    if any(np.array_equal(a, b) for a in first for b in other):
        raise Mistake(
            "Seeds 0 and 1 share samples, as with default_rng(seed + k): two runs that overlap "
            "agree too well. Make one generator, default_rng(seed), before the loop."
        )
    many = 60
    truth = _noisy(np.repeat(x, many, axis=0), 0.1, np.random.default_rng(0))
    if found := _noises_differ(figures(copies(0, many)), figures(truth)):
        raise Mistake(
            "The noise isn't that of noisy_copies(inputs, noise, rng), normal and drawn anew for "
            f"each number: with {many} samples of 1 picture, {found}"
        )


DROPPED = "the signs were dropped before the mean, and nothing can cancel. Average the signed maps."
FIRST = "Only the first map is in the result: is the return inside the loop?"
AVERAGED_TOO = (
    "The pictures were averaged too. The mean goes over the samples only, one map per picture."
)
ALL_THE_MAPS = "These are all the maps. Return their mean over the samples, axis=0."
MIXED = (
    "The samples of different pictures are mixed up in the mean: np.repeat puts a picture's copies "
    "one after another, so reshape to (B, samples, ...) and average axis 1; after np.tile, to "
    "(samples, B, ...) and average axis 0."
)

smooth_gradient = Exercise(
    id="4.2",
    right=lambda method, model, inputs, class_index, samples, noise, seed: _smooth(
        method, model, inputs, class_index, samples, noise, seed
    ),
    inputs={
        "2 pictures, 4 samples, and a method with maps of 2 x 2 positions": lambda: _smoothing(
            _scenes(2, 12, 10, 3), 4, 0.1, 7, _known_maps
        ),
        "3 pictures, 6 samples, and a method with maps of the picture's shape": lambda: _smoothing(
            _scenes(3, 10, 11, 3), 6, 0.15, 0, _drawn_maps(10, 11, 3), seed=5
        ),
        "1 picture, 3 samples, and a method with one number per picture": lambda: _smoothing(
            _scenes(1, 11, 12, 3).astype(float), 3, 0.2, 2, _drawn_maps()
        ),
        "2 pictures and noise=0": lambda: _smoothing(
            _scenes(2, 8, 9, 3), 3, 0, 4, _drawn_maps(3, 2)
        ),
    },
    truth=[[[-1, 2], [0, 4]], [[3, 2], [-1, -2]]],
    axes=("picture", "row", "column"),
    rules=[_keeps_to_the_seed],
    errors=[
        ("Expected a keras.Model|expected a .*[mM]odel|'object' object", "Was one of the course's "
         "methods, or the model, called by name? Call the method that is given, on the model that "
         "is given."),
        ("'int' object has no attribute|of type 'int'", "noisy_copies takes a generator, not a "
         "seed: rng = np.random.default_rng(seed), once, before the loop."),
        (r"method\(\) (missing|got|takes)", "The method is called as method(model, copies, "
         "class_index)."),
        ("broadcast|array element with a sequence|Incompatible shapes", "A map needn't have the "
         "picture's shape: Grad-CAM's has 7 x 7 positions. Begin with total = 0 and add the first "
         "map to that."),
    ],
    wrong=[
        *[
            (lambda m, f, x, c, n, s, seed, many=many: np.mean(
                _copies(x, many(n), s, seed), axis=0
             ), "These are noisy pictures, not maps: the method was never called.")
            for many in (lambda n: n, lambda n: 1)
        ],
        (lambda m, f, x, c, n, s, seed: m(f, x, c), "The method was called on the clean picture: "
         "noisy_copies is missing."),
        *[
            (lambda m, f, x, c, n, s, seed, bad=bad: _smooth(m, f, x, c, n, s, seed, **bad),
             sentence)
            for bad, sentence in [
                *[
                    ({"copies": lambda x, k, *noise: _noisy(x, *noise) if k else x} | more, said)
                    for more, said in [
                        ({}, "The first of the samples is the clean picture: each needs noise."),
                        *[
                            ({"number": lambda n: n + 1, "mean": mean}, "The clean picture's map "
                             "is in the sum too: begin with total = 0.")
                            for mean in (lambda maps, n: maps.mean(axis=0),
                                         lambda maps, n: maps.sum(axis=0) / n)
                        ],
                    ]
                ],
                ({"each": np.abs}, "This is the mean of |g|: " + DROPPED),
                ({"each": lambda g: np.maximum(g, 0)}, "Negative numbers were set to 0 before the "
                 "mean, and nothing can cancel. Average the signed maps."),
                ({"each": np.square}, "This is the mean of the squares, another method: "
                 + DROPPED),
                ({"each": np.square, "mean": lambda maps, n: np.sqrt(maps.mean(axis=0))},
                 "This is the root of the mean square: " + DROPPED),
                ({"mean": lambda maps, n: np.abs(maps.mean(axis=0))}, "The signs are gone. Return "
                 "the signed mean; |g| belongs to the display."),
                ({"mean": lambda maps, n: maps.sum(axis=0)}, "This is the sum of the maps. Divide "
                 "it by samples."),
                ({"mean": lambda maps, n: maps.sum(axis=0) / (n - 1)}, "A mean is divided by "
                 "samples, not by samples - 1."),
                ({"mean": lambda maps, n: maps.mean(axis=0) / n}, "Divided by samples twice. Is "
                 "the division inside the loop as well?"),
                ({"mean": lambda maps, n: np.median(maps, axis=0)}, "This is the median; the "
                 "formula has the mean."),
                ({"mean": lambda maps, n: maps[-1]}, "This is the last map alone: each turn of the "
                 "loop overwrites the one before. Add them up."),
                ({"mean": lambda maps, n: maps[-1] / n}, "Only the last map is in the result: add "
                 "to the total in each turn."),
                ({"number": lambda n: 1, "mean": lambda maps, n: maps[0]}, FIRST),
                ({"number": lambda n: 1}, FIRST),
                ({"mean": _loop(lambda total, g, n: (total + g) / 2)}, "(total + map) / 2 in each "
                 "turn makes the last map count half. Add the maps up, and divide by samples after "
                 "the loop."),
                ({"mean": _loop(lambda total, g, n: (total + g) / n)}, "The total is divided in "
                 "each turn, so the first maps fade away. Divide once, after the loop."),
                ({"mean": lambda maps, n: maps.mean()}, "All numbers were averaged into one. The "
                 "mean goes over the samples only: axis=0."),
                ({"mean": lambda maps, n: maps}, ALL_THE_MAPS),
                ({"mean": lambda maps, n: np.concatenate(maps)}, ALL_THE_MAPS),
                ({"mean": lambda maps, n: maps.mean(axis=1)}, "The mean went over the pictures. It "
                 "goes over the samples: axis=0 of the list of maps."),
                ({"mean": lambda maps, n: np.concatenate(maps).mean(axis=0)}, AVERAGED_TOO),
                ({"mean": lambda maps, n: maps.mean(axis=0)[0]}, "The batch axis is gone: the "
                 "result has the shape of what the method returns."),
                ({"mean": lambda maps, n: maps.mean(axis=0).max(axis=-1)}, "The last axis of the "
                 "maps is gone: the result has the shape of what the method returns."),
                ({"number": lambda n: n - 1}, "One sample is missing, and the sum is divided by "
                 "samples all the same: range(samples) counts from 0 and has samples turns."),
                ({"number": lambda n: n - 1, "mean": lambda maps, n: maps.mean(axis=0)}, "One "
                 "sample is missing: range(samples) counts from 0 and has samples turns."),
                ({"number": lambda n: n + 1, "mean": lambda maps, n: maps.mean(axis=0)}, "There is "
                 "a sample too many: range(samples) has samples turns."),
                *[
                    ({"number": lambda n, typed=typed: typed, "mean": mean}, f"There are always "
                     f"{typed} samples. Use the number that is given, samples.")
                    for typed in (3, 4, 6, 10, 50)
                    for mean in (lambda maps, n: maps.mean(axis=0),
                                 lambda maps, n: maps.sum(axis=0) / n)
                ],
            ]
        ],
        (lambda m, f, x, c, n, s, seed: _smooth(m, f, x, c, n, s, seed)[::-1], "The pictures come "
         "in reverse order: the first map belongs to the first picture."),
        *[
            (lambda *args, spread=spread, fold=fold: _in_one_batch(*args, spread, fold), MIXED)
            for spread, fold in [
                (lambda x, n: np.repeat(x, n, axis=0),
                 lambda maps, b, n: maps.reshape(n, b, *maps.shape[1:]).mean(axis=0)),
                (lambda x, n: np.tile(x, (n, 1, 1, 1)),
                 lambda maps, b, n: maps.reshape(b, n, *maps.shape[1:]).mean(axis=1)),
            ]
        ],
        (lambda *args: _in_one_batch(
            *args, lambda x, n: np.repeat(x, n, axis=0), lambda maps, b, n: maps.mean(axis=0)
         )[None], AVERAGED_TOO),
        (lambda m, f, x, c, n, s, seed: np.zeros(x.shape) + _smooth(m, f, x, c, n, s, seed),
         "The result has the shape of the inputs. A map needn't have the picture's shape: begin "
         "with total = 0."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 4.3


def _error(
    maps, *, axis=0, ddof=1, power=0.5, of=np.asarray, by=lambda m: np.sqrt(len(m)), center=np.mean
):
    """The standard error; or, with a keyword, a way to get it wrong."""
    maps = of(np.asarray(maps, float))
    squares = np.square(maps - center(maps, axis=axis, keepdims=True)).sum(axis=axis)
    return (squares / (maps.size / squares.size - ddof)) ** power / by(maps)


def _four_samples() -> tuple[np.ndarray]:
    maps = np.zeros((4, 2, 3, 3))
    # The squares around the mean 2 sum to 54: the variance is 18, the error sqrt(18 / 4).
    maps[:, 0, 0, 0] = [-1, -2, 4, 7]
    maps[:, 0, 1, 2] = [6, -6, 0, 0]  # 72 / 3 / 4 = 6
    maps[:, 1, 2, 1] = [5, 5, 5, 5]
    return (maps,)


def _zero(maps: np.ndarray, **_) -> float:
    return 0.0


def _absolute_deviation(maps: np.ndarray) -> np.ndarray:
    return np.abs(maps - maps.mean(axis=0)).mean(axis=0)


TYPED = "There are always {} samples in it. Use the number of those that are given, len(maps)."

standard_error = Exercise(
    id="4.3",
    right=lambda maps: _error(maps),
    inputs={
        "4 maps of 2 x 3 positions and 3 channels": _four_samples,
        "9 maps of 4 x 5 positions and 3 channels": lambda: (_drawn(9, 4, 5, 3),),
        "2 maps of 1 position and 2 channels, with small numbers": lambda: (
            1e-6 * _drawn(2, 1, 1, 2),
        ),
        "5 maps of 3 x 2 positions and 2 channels, all far above 0": lambda: (
            300 + 9 * _drawn(5, 3, 2, 2),
        ),
    },
    truth=[[[18**0.5 / 2, 0, 0], [0, 0, 6**0.5], [0, 0, 0]], [[0, 0, 0]] * 3],
    axes=("row", "column", "channel"),
    errors=[
        ("out of bounds", "maps has four axes, (n, H, W, C), counted from 0."),
        ("broadcast|axes don't match", "The result has one number per number of a map, (H, W, C): "
         "the samples are the first axis, axis=0."),
    ],
    wrong=[
        (lambda m: _error(m, by=lambda m: 1), "This is the standard deviation of the samples. "
         "Their mean scatters less: divide by the square root of n."),
        (lambda m: _error(m, by=len), "Divided by n. The error falls more slowly, with the square "
         "root of n."),
        (lambda m: _error(m, by=lambda m: 1 / np.sqrt(len(m))), "Multiplied by the square root of "
         "n. The mean scatters less than the samples: divide."),
        (lambda m: _error(m, by=lambda m: np.sqrt(len(m) - 1)), "The n - 1 belongs in the variance "
         "only, ddof=1. The standard deviation is divided by the square root of n."),
        (lambda m: _error(m, ddof=0), "Almost: NumPy divides by n in the variance. Use ddof=1, "
         "which is n - 1."),
        (lambda m: _error(m, ddof=0, by=lambda m: 1), "This is the standard deviation with n in "
         "the variance. Use ddof=1, and divide by the square root of n."),
        (lambda m: _error(m, ddof=0, by=len), "Divided by n. Use the square root of n, and "
         "ddof=1."),
        (lambda m: _error(m, power=1, by=lambda m: 1), "This is the variance: take its "
         "square root, and divide by the square root of n."),
        (lambda m: _error(m, power=1, by=len), "This is the variance of the mean: take its "
         "square root."),
        (lambda m: _error(m, power=1), "This is the variance, divided by the square root of "
         "n: the formula has the standard deviation."),
        (lambda m: _error(m, power=1, ddof=0, by=len), "This is the variance of the mean, "
         "with n in it: take its square root, and use ddof=1."),
        (lambda m: _error(m, power=1, ddof=0), "This is the variance: the formula has the "
         "standard deviation, with ddof=1."),
        (lambda m: _error(m, power=1, ddof=0, by=lambda m: 1), "This is the variance, with n "
         "in it: take its square root, use ddof=1, and divide by the square root of n."),
        *[
            (lambda m, d=ddof, b=by: _error(m, power=0.25, ddof=d, by=b), "The root is taken "
             "twice: a standard deviation is the root of the variance already. Divide it by the "
             "square root of n.")
            for ddof in (0, 1) for by in (lambda m: np.sqrt(len(m)), lambda m: 1)
        ],
        (lambda m: _error(m - m.mean(), center=_zero), "The mean of *all* the numbers was "
         "subtracted. Each position has its own mean over the samples: maps.mean(axis=0)."),
        (lambda m: _error(m, of=np.abs), "This is the error of |g|: keep the signs of the "
         "samples."),
        (lambda m: np.ptp(m, axis=0) / np.sqrt(len(m)), "This is the range of the samples, largest "
         "minus smallest, divided by the square root of n. The formula has their standard "
         "deviation, maps.std(axis=0, ddof=1)."),
        (lambda m: np.ptp(m, axis=0), "This is the range of the samples, largest minus smallest. "
         "The formula has their standard deviation, divided by the square root of n."),
        (lambda m: _absolute_deviation(m) / np.sqrt(len(m)), "This is the mean size of the "
         "deviations. The standard deviation has their squares: maps.std(axis=0, ddof=1)."),
        (lambda m: _error(m, center=_zero), "The mean isn't subtracted from the samples before "
         "they are squared."),
        (lambda m: _error(m, center=_zero, ddof=0), "This is the root of the mean "
         "square: the mean isn't subtracted from the samples before they are squared."),
        (lambda m: m.mean(axis=0) / np.sqrt(len(m)), "This is the mean, divided by the square root "
         "of n. The error is about how the samples scatter: their standard deviation."),
        (lambda m: _error(m, axis=None), "One number for everything: the samples are the first "
         "axis, axis=0."),
        *[
            (lambda m, a=axis, d=ddof: _error(m, axis=a, ddof=d), "The standard deviation goes "
             "over pixels here. The samples are the first axis, axis=0.")
            for axis in (1, 2, 3, (1, 2), (1, 2, 3), (2, 3))
            for ddof in (0, 1)
        ],
        (lambda m: _error(m).mean(), "The mean over all pixels was taken. Return one error per "
         "number of the map, (H, W, C)."),
        (lambda m: _error(m).mean(axis=-1), "The mean over the channels was taken. Return one "
         "error per number of the map, (H, W, C)."),
        (lambda m: _error(m)[None], "There is an axis too many, that of the samples: leave out "
         "keepdims."),
        *[
            (lambda m, a=axis: _error(m, by=lambda m: np.sqrt(m.shape[a])), "Divided by the square "
             "root of the wrong axis' length. n is the number of samples, len(maps).")
            for axis in (1, 2, 3)
        ],
        (lambda m: _error(m, by=lambda m: np.sqrt(m.size)), "n is the number of samples, "
         "len(maps); maps.size counts all their pixels as well."),
        *[
            (lambda m, n=n: _error(m, by=lambda m: np.sqrt(n)), TYPED.format(n))
            for n in (4, 32, 50, 64, 128)
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 4.4


KINDS = {"signed": np.positive, "absolute": np.abs, "squared": np.square}


def _black_box(kind: str, samples: int) -> Callable:
    """Return someone else's SmoothGrad: plain NumPy, one picture per call, rounded to float32."""

    def average(method, inputs):
        inputs = np.asarray(inputs)
        rng = np.random.default_rng(samples)
        total = np.zeros((), np.float32)
        for _ in range(samples):
            copies = inputs + 0.1 * rng.standard_normal(inputs.shape)
            maps = np.asarray(method(copies), np.float32)
            total = total + KINDS[kind](maps) / np.float32(samples)
        return total

    average.__qualname__ = "average"  # in errors
    return average


def _value(average, w: float) -> float:
    maps = average(lambda copies: np.full(np.shape(copies), w), np.zeros((1, 2, 2, 3)))
    return float(np.mean(maps))


def _told(w: float, order=tuple(KINDS), same=np.isclose) -> Callable:
    """Return a program that sees which of w, |w| and w^2 comes out, in some order."""

    def program(average):
        result = _value(average, w)
        found = [kind for kind in order[:-1] if same(result, KINDS[kind](w))]
        return found[0] if found else order[-1]

    return program


def _renamed(signed: str, absolute: str, squared: str) -> Callable:
    """Return a program that tells the three apart, and gives them these names."""
    names = {"signed": signed, "absolute": absolute, "squared": squared}
    return lambda average: names[_told(-3.0)(average)]


def _name(answer) -> str:
    if answer is None:
        raise Mistake(
            "The function returns nothing. Is a `return` missing, or did no comparison come true? "
            "Means are rounded: compare with np.allclose, not with ==."
        )
    if not isinstance(answer, str) or answer not in KINDS:
        raise Mistake(f'Return "signed", "absolute" or "squared", not {str(answer)[:60]!r}.')
    return str(answer)


def _whatever_the_samples(student: Callable) -> None:
    for samples in (1, 50):
        for kind in KINDS:
            answer = _name(student(_black_box(kind, samples)))
            if answer != kind:
                raise Mistake(
                    f"Right for means of 7 samples, but not for those of {samples}: the average of "
                    f"{kind} maps is called {answer!r}. Means are rounded, so compare with "
                    "np.allclose and not with ==, and choose a method that ignores the noise in "
                    "its copies."
                )


GUESSED = (
    "All three are called {!r}. If your method's map is +1 everywhere, nobody can tell them apart; "
    "and if the result is compared with ==, rounding decides. Which number differs from its "
    "absolute value and from its square?"
)
MINUS_ONE = (
    "The absolute and the squared average look the same to your method. Is its map -1? "
    "|-1| = (-1)^2. Take another negative number."
)
POSITIVE = (
    "The signed and the absolute average look the same to your method: a positive number is its "
    "own absolute value. Take a negative one."
)
SIGN_LOST = (
    "The signed and the squared average are given the same name, {!r}. Which values do you expect "
    "for each, w or w^2?"
)

which_average = Exercise(
    id="4.4",
    right=lambda average: _told(-3.0)(average),
    inputs={
        f"an average of {kind} maps": lambda kind=kind: (_black_box(kind, 7),) for kind in KINDS
    },
    truth="signed",
    normalise=_name,
    rules=[_whatever_the_samples],
    errors=[
        ("ambiguous", "The result is a whole map, and `if` wants one answer: np.allclose(result, "
         "...) gives one."),
        ("KeyError", "Means are rounded, so the result is hardly ever a key of your dict. Compare "
         "with np.allclose, or take the value that's closest."),
        ("positional argument", "The function you're given is called with two arguments, "
         "average(method, inputs), and calls your method with one, method(copies)."),
        ("'(float|int)' object|'NoneType'|has no attribute|unsupported operand|float.. argument",
         "Your method has to return a whole map, as many numbers as its copies have: "
         "np.full(np.shape(copies), w)."),
    ],
    wrong=[
        (_told(1.0), GUESSED.format("signed")),
        (lambda average: "absolute", GUESSED.format("absolute")),
        (_told(0.3, same=lambda a, b: a == b), GUESSED.format("squared")),
        (_told(2.0), POSITIVE),
        (_told(2.0, order=("absolute", "signed", "squared")), "The signed average is called "
         "'absolute'. A positive number is its own absolute value: take a negative one."),
        (_told(-1.0), MINUS_ONE),
        (_told(-1.0, order=("signed", "squared", "absolute")), "The absolute average is called "
         "'squared'. Is your method's map -1? |-1| = (-1)^2. Take another negative number."),
        (_renamed("signed", "absolute", "signed"), SIGN_LOST.format("signed")),
        (_renamed("squared", "absolute", "squared"), SIGN_LOST.format("squared")),
        (_renamed("signed", "squared", "absolute"), "'absolute' and 'squared' are swapped. Is your "
         "number between -1 and 0? There the square is smaller than the absolute value."),
        (_renamed("absolute", "signed", "squared"), "'signed' and 'absolute' are swapped: with a "
         "negative w, the signed mean is the negative one."),
        (_renamed("squared", "absolute", "signed"), "'signed' and 'squared' are swapped: with a "
         "negative w, the signed mean is the negative one."),
        (_renamed("squared", "signed", "absolute"), "Your method can tell them apart, but each "
         "name is in the wrong place: signed is w, absolute |w|, squared w^2."),
    ],
)  # fmt: skip
