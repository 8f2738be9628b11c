"""Checks of lesson 6."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks._judge import Exercise, Mistake, numbers

__all__ = ["accuracy_by_group", "deletion", "points_inside", "rank_agreement", "shuffled"]


def _drawn(*shape: int, seed: int = 0, scale: float = 0.3) -> np.ndarray:
    """Return the same unround numbers of both signs in every call."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape)


# ------------------------------------------------------------------------------------ 6.1


def _inside(m, mask, of=np.asarray, index=np.argmax):
    return np.asarray(mask)[_place(m, of, index)]


def _place(m, of=np.asarray, index=np.argmax) -> tuple:
    return np.unravel_index(index(of(np.asarray(m))), np.shape(m))


def _yes_or_no(answer: Any) -> bool:
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    if isinstance(answer, str):
        raise Mistake(f"Return True or False, not a text. Yours is {answer!r}.")
    answer = np.asarray(answer)
    if answer.shape:
        raise Mistake(
            f"Return one answer, True or False. Yours has the shape {answer.shape}. "
            "Look the mask up at one position, mask[row, column]."
        )
    if answer not in (0, 1):
        raise Mistake(f"Return True or False: whether it's a hit. Yours is {answer}.")
    return bool(answer)


def _object(rows: int = 4, columns: int = 6, top: int = 1, left: int = 3) -> np.ndarray:
    mask = np.zeros((rows, columns), bool)
    mask[top : top + 2, left : left + 2] = True
    return mask


def _map(values: dict, rest: float = 0.0, mask: Callable = _object) -> Callable:
    """Return what makes a map with a few values, and its mask."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        m = np.full(mask().shape, rest)
        for place, value in values.items():
            m[place] = value
        return m, mask()

    return make


def _notched() -> np.ndarray:
    mask = _object()
    mask[1, 3] = False
    return mask


def _widened(mask: np.ndarray) -> np.ndarray:
    """Return the mask with the places beside it."""
    wide = np.pad(mask, 1)
    return np.any([wide[i : i + len(mask), j : j + len(mask.T)]
                   for i in range(3) for j in range(3)], axis=0)  # fmt: skip


ON = {(i, j): 2.0 for i in (1, 2) for j in (3, 4)}
SCORE = "That's another score. Here only the position of the single largest value counts."
ONE_AXIS = "The row or the column alone decides. A position needs both: mask[row, column]."

points_inside = Exercise(
    id="6.1",
    right=lambda m, mask: _inside(m, mask),
    inputs={  # the object is in the rows 1 and 2, columns 3 and 4, of 4 x 6 places
        "a map whose largest value is on the object, in row 2, column 4": _map({(2, 4): 3}),
        "a map whose largest value is in the upper left corner, off the object": _map({(0, 0): 3}),
        "a map whose largest value is in row 3, column 1, off the object": _map({(3, 1): 3}),
        "a map whose largest value is off the object, to the left of it": _map({(1, 0): 3}),
        "a map whose largest value is off the object, straight above it": _map({(0, 3): 3}),
        "a map whose largest value is just off the object, with large ones on it": _map(
            {**ON, (0, 5): 2.1}
        ),
        "a map with one large value on the object, and many off it": _map(
            {(0, j): 1.0 for j in range(6)} | {(1, 4): 1.5}
        ),
        "a map with a value of -9 off the object and its largest, 1, on it": _map(
            {(0, 0): -9, (1, 3): 1}
        ),
        "a map with a value of -9 on the object and its largest, 1, off it": _map(
            {(1, 4): -9, (3, 0): 1}
        ),
        "a map of negative values, the largest on the object": _map({(1, 3): -1}, rest=-2),
        "a map without positive values, the largest, 0, off the object": _map(
            {(3, 0): 0}, rest=-2, mask=lambda: _object(left=0, top=0)
        ),
        "an object with a notch, and the largest value in the notch": _map(
            {(1, 3): 3}, mask=_notched
        ),
        "a square map whose largest value is on the object, in row 4, column 1": _map(
            {(4, 1): 3}, mask=lambda: _object(5, 5, top=3, left=0)
        ),
        "a square map whose largest value is off the object, in row 1, column 3": _map(
            {(1, 3): 3}, mask=lambda: _object(5, 5, top=3, left=0)
        ),
    },
    truth=True,
    normalise=_yes_or_no,
    errors=[
        ("out of bounds", "`m.argmax()` counts through all positions, row by row; a position is "
         "(row, column), in this order: np.unravel_index(m.argmax(), m.shape)."),
        ("ambiguous|broadcast", "Look at one position only: m.argmax() without an axis, and then "
         "mask[row, column]."),
    ],
    wrong=[
        (lambda m, mask: not _inside(m, mask), "It's the other way round: True means that the "
         "maximum is on the object."),
        (lambda m, mask: _inside(m, mask, index=np.argmin), "This asks where the *smallest* value "
         "is. The largest is at m.argmax()."),
        (lambda m, mask: not _inside(m, mask, index=np.argmin), "This asks whether the *smallest* "
         "value is off the object. Look at the largest only, m.argmax()."),
        (lambda m, mask: _inside(m, mask, of=np.abs), "|m| or m squared turns evidence against "
         "the class into evidence for it: leave the signs."),
        (lambda m, mask: _inside(m, mask, of=np.abs, index=np.argmin), "This asks where |m| is "
         "smallest. The largest value is at m.argmax()."),
        *[
            (lambda m, mask, s=swapped: s(m, mask), "Rows and columns are swapped: "
             "`np.unravel_index(m.argmax(), m.shape)` gives (row, column).")
            for swapped in (
                lambda m, mask: mask[_place(m)[::-1]],
                lambda m, mask: mask.T[_place(m.T)[::-1]],
                lambda m, mask: mask.ravel()[m.T.argmax()],
                lambda m, mask: mask[m.argmax() % m.shape[1], m.argmax() // m.shape[1]],
            )
        ],
        *[
            (lambda m, mask, s=split: mask[s(int(m.argmax()), *m.shape)], "The number that argmax "
             "gives was split wrongly. A row has m.shape[1] values: the row is argmax // "
             "m.shape[1] and the column argmax % m.shape[1], or np.unravel_index does both.")
            for split in (
                lambda k, h, w: (k // h, k % h),
                lambda k, h, w: (k % h, k // h),
                lambda k, h, w: (k % h, k % w),
                lambda k, h, w: (k // h, k // w),
                lambda k, h, w: (k // h, k % w),
            )
        ],
        (lambda m, mask: m.argmax() == mask.argmax(), "The two numbers that argmax gives were "
         "compared: mask.argmax() is only the first place of the object. Ask the mask at the "
         "position of the map's largest value."),
        (lambda m, mask: mask.any(axis=1)[_place(m)[0]], ONE_AXIS),
        (lambda m, mask: mask.any(axis=0)[_place(m)[1]], ONE_AXIS),
        (lambda m, mask: mask.any(axis=1)[_place(m)[0]] or mask.any(axis=0)[_place(m)[1]],
         ONE_AXIS),
        (lambda m, mask: mask.any(axis=1)[_place(m)[0]] and mask.any(axis=0)[_place(m)[1]],
         "The box around the object was used. The object may have notches and holes: ask the "
         "mask itself, mask[row, column]."),
        (lambda m, mask: _inside(m, _widened(mask)), "A position off the object counts as a hit. "
         "There's no tolerance here: ask the mask itself."),
        *[
            (lambda m, mask, s=score: s(m, mask), f"Sums, means, shares or several places were "
             f"compared. {SCORE}")
            for score in (
                lambda m, mask: m[mask].mean() > m[~mask].mean(),
                lambda m, mask: m[mask].sum() > m[~mask].sum(),
                lambda m, mask: m[mask].mean() > m.mean(),
                lambda m, mask: (m * mask).sum() > m.sum() / 2,
                lambda m, mask: m[mask].clip(0).sum() > m.clip(0).sum() / 2,
                lambda m, mask: np.abs(m[mask]).sum() > np.abs(m).sum() / 2,
                lambda m, mask: np.abs(m[mask]).mean() > np.abs(m[~mask]).mean(),
                lambda m, mask: np.median(m[mask]) > np.median(m[~mask]),
            )
        ],
        (lambda m, mask: mask[m.sum(axis=1).argmax(), m.sum(axis=0).argmax()], "The row and the "
         f"column with the largest sums were taken. {SCORE}"),
        *[
            (lambda m, mask, s=some: s(m, mask), "Something large on the object was enough for a "
             f"hit. {SCORE}")
            for some in (
                lambda m, mask: (m[mask] >= 0.5 * m.max()).any(),
                lambda m, mask: m[mask].max() >= 0.9 * m.max(),
                lambda m, mask: m[mask].max() > m.mean(),
                lambda m, mask: m[mask].max() > 0,
                lambda m, mask: _inside(m * mask, mask),
            )
        ],
        *[
            (lambda m, mask, z=zeros: z(m, mask), "m * mask, or max(m, 0), makes zeros. Where no "
             "value is positive, 0 is the largest. Ask the mask at one position, for m as it is.")
            for zeros in (
                lambda m, mask: (m * mask).max() == m.max(),
                lambda m, mask: m.max() in m * mask,
                lambda m, mask: _inside(m, mask, of=lambda m: np.maximum(m, 0)),
            )
        ],
        (lambda m, mask: True, "The answer is True for every map that was tried."),
        (lambda m, mask: False, "The answer is False for every map that was tried."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 6.2


def _score(weights: np.ndarray, link: Callable = float) -> Callable[[np.ndarray], float]:
    """Return a "network" that shows by its one number which pixels are left."""

    def probability(picture) -> float:
        if not isinstance(picture, np.ndarray):
            kind = type(picture).__name__
            raise Mistake(f"`probability` takes a picture as a NumPy array, not a {kind}.")
        if picture.shape != weights.shape:
            raise Mistake(
                f"`probability` was given an array of the shape {picture.shape}. A picture has the "
                f"shape {weights.shape} here, (H, W, C): set pixels to 0 instead of taking them "
                "away, and add no axis."
            )
        return link((picture * weights).sum())

    return probability


def _strongest_first(m: np.ndarray) -> np.ndarray:
    return np.argsort(-np.ravel(m), kind="stable")


def _deleted(
    probability, x, m, steps, *, order=_strongest_first, split=np.array_split, keep=True, fill=0.0,
    channels=slice(None), start=np.array,
):  # fmt: skip
    x, m = np.asarray(x), np.asarray(m)
    y = start(x)
    found = [probability(y)]
    for part in split(order(m), steps):
        y = y if keep else np.array(x)
        y.reshape(-1, y.shape[-1])[part, channels] = fill(x) if callable(fill) else fill
        found.append(probability(y))
    return np.array(found)


def _inserted(probability, x, m, steps, first=_strongest_first):
    y = np.zeros_like(x)
    found = [probability(y)]
    for part in np.array_split(first(m), steps):
        y.reshape(-1, x.shape[-1])[part] = x.reshape(-1, x.shape[-1])[part]
        found.append(probability(y))
    return np.array(found)


def _above(probability, x, m, bounds, gone=np.greater):
    """Delete what is larger than each of the bounds."""
    return np.array([probability(x * ~gone(m, bound)[..., None]) for bound in bounds])


def _numbers_deleted(probability, x, m, steps):
    """Take the number of a pixel for that of a number."""
    y = x.copy()
    found = [probability(y)]
    for part in np.array_split(_strongest_first(m), steps):
        y.reshape(-1)[part] = 0
        found.append(probability(y))
    return np.array(found)


def _too_late(probability, x, m, steps):
    curve = _deleted(probability, x, m, steps)
    return np.concatenate([curve[:1], curve[:-1]])


def _small_picture() -> tuple:
    x = np.array([[[1, 2], [5, 3], [2, 1], [3, 6]], [[4, 5], [1, 3], [2, 4], [6, 2]]], np.float32)
    m = np.array([[0.1, 0.9, 0.3, 0.7], [0.5, -0.8, 0.2, 0.6]])
    return _score(np.full(x.shape, 0.01)), x, m, 4


def _picture(height: int, width: int, channels: int, steps: int) -> Callable[[], tuple]:
    def make() -> tuple:
        x = _drawn(height, width, channels, seed=1).astype(np.float32)
        weights = _drawn(height, width, channels, seed=2)
        probability = _score(weights, link=lambda score: float(1 / (1 + np.exp(-score))))
        return probability, x, _drawn(height, width, seed=3), steps

    return make


def _until_all_are_gone(student: Callable) -> None:
    """8 pixels in 3 steps: the parts may be 3, 3, 2 or 2, 3, 3, and the last takes the rest."""
    probability, x, m, _ = _small_picture()
    every = np.append(_deleted(probability, x, m, 8), np.inf)
    found = numbers(student(probability, x, m, 3))
    if found.shape != (4,):
        raise Mistake(
            f"8 pixels in 3 steps must give 4 probabilities, and yours gives {found.shape}: "
            "np.array_split(order, steps) makes as many parts as steps, whatever is left over."
        )
    gone = [int(np.argmin(np.abs(every - p))) for p in found]
    if gone[-1] != 8:
        raise Mistake(
            "8 pixels in 3 steps: after the last step some are left over. All must be gone: "
            "np.array_split(order, steps) makes parts that differ by one at most."
        )
    parts = np.diff(gone)
    if gone[0] or parts.min() < 2 or parts.max() > 4:
        raise Mistake(
            f"8 pixels in 3 steps: yours deletes {', '.join(map(str, parts))} of them. "
            "np.array_split(order, steps) makes parts that differ by one at most."
        )


BY_ITSELF = "Each row of the map was sorted by itself. Sort all positions at once: m.ravel()."

deletion = Exercise(
    id="6.2",
    right=lambda probability, x, m, steps: _deleted(probability, x, m, steps),
    inputs={
        "a picture of 2 x 4 pixels in 4 steps": _small_picture,
        "a picture of 5 x 3 pixels in 5 steps": _picture(5, 3, 3, 5),
        "a picture of 4 x 4 pixels in 2 steps": _picture(4, 4, 3, 2),
        "a picture of 3 x 2 pixels in 1 step": _picture(3, 2, 1, 1),
    },
    # The pixels have the sums 3, 8, 3, 9, 9, 4, 6, 8. In the order of the map: 8 + 9, 8 + 9, 3 + 6,
    # 3 + 4, of 50 in all.
    truth=[0.5, 0.33, 0.16, 0.07, 0],
    axes=("step",),
    errors=[
        ("out of bounds|too many indices", "The order counts through all H x W positions at once: "
         "make a list of pixels first, y.reshape(-1, y.shape[-1])."),
        ("read-only", "The picture may not be changed: work on a copy, x.copy()."),
        ("broadcast", "A map has no channels, (H, W), and a picture has: either turn the picture "
         "into a list of pixels, y.reshape(-1, y.shape[-1]), or give the mask a third axis, "
         "[..., None]."),
        ("cannot reshape", "The number of channels isn't always three, and there may be fewer "
         "pixels: y.reshape(-1, y.shape[-1])."),
        ("arrays used as indices", "np.sort gives the values themselves, np.argsort "
         "their places."),
        ("equal division", "np.split wants parts of one size. np.array_split takes any number."),
    ],
    rules=[_until_all_are_gone],
    wrong=[
        (lambda p, x, m, s: _deleted(p, x, m, s)[1:], "The first number is missing: the "
         "probability of the whole picture."),
        (lambda p, x, m, s: _deleted(p, x, m, s)[:-1], "The last number is missing: the "
         "probability when all the pixels are gone."),
        (lambda p, x, m, s: _deleted(p, x, m, s)[1:-1], "The first and the last number are "
         "missing: of the whole picture, and when all the pixels are gone."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.argsort(m.ravel())),
         "The weakest pixels were deleted first. The strongest go first: argsort of -m."),
        (lambda p, x, m, s: _inserted(p, x, m, s), "This is insertion: pixels are brought in. "
         "Begin with the whole picture and delete."),
        (lambda p, x, m, s: _inserted(p, x, m, s, first=lambda m: _strongest_first(-m)),
         "The order is reversed, or it's insertion, the weakest first. Begin with the whole "
         "picture and delete the strongest."),
        (lambda p, x, m, s: _deleted(p, x, m, s, keep=False), "Each step deletes only its own "
         "pixels, from the whole picture. What is deleted stays deleted."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: _strongest_first(np.abs(m))),
         "The order follows |m|: pixels that count against the class were taken for strong."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.arange(m.size)), "The pixels "
         "were deleted row by row: the map did not decide."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.arange(m.size)[::-1]), "The "
         "pixels were deleted row by row, from below: the map did not decide."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.argsort(_strongest_first(m))),
         "argsort of argsort gives each pixel's rank. You need the order, which pixel comes "
         "first: argsort once."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: _strongest_first(m.T)), "The map "
         "was made flat column by column, and the picture row by row. Use m.ravel()."),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.argsort(-m)), BY_ITSELF),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.argsort(-m).ravel()),
         BY_ITSELF),
        (lambda p, x, m, s: _deleted(p, x, m, s, order=lambda m: np.argsort(-m, axis=0).ravel()),
         "Each column of the map was sorted by itself. Sort all positions at once: m.ravel()."),
        (_numbers_deleted, "The order counts pixels, and was used to count the numbers of the "
         "picture, which has several per pixel. Use y.reshape(-1, y.shape[-1])[part] = 0."),
        (lambda p, x, m, s: _deleted(p, x, m, s, channels=0), "Only the first channel of each "
         "pixel was deleted. A pixel has all its channels."),
        (lambda p, x, m, s: _deleted(p, x, m, s, channels=-1), "Only the last channel of each "
         "pixel was deleted. A pixel has all its channels."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: order[:n, None]), "One "
         "pixel was deleted in each step, and most of them never. After the last step all must be "
         "gone: np.array_split(order, steps)."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: order[:, None]), "One "
         "pixel was deleted in each step, and there are too many steps: np.array_split(order, "
         "steps)."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: [order[: len(order) // n]]
         * n), "Every step deleted the same pixels, the first part. Take the next part each time."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: [order[:0]] * n), "Nothing "
         "was deleted in the picture that was asked about. Did a copy lose its pixels instead? "
         "`y.reshape(-1, y.shape[-1])[part] = 0` deletes in y itself."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: [order] * n), "Everything "
         "was deleted in the first step. Delete one part per step."),
        (lambda p, x, m, s: _deleted(p, x, m, s)[:2], "There are only the first two numbers. Is "
         "the `return` inside the loop?"),
        (lambda p, x, m, s: _deleted(p, x, m, s + 1)[1:], "The pixels were cut into steps + 1 "
         "parts, and the first of them is missing from the start. Ask about the whole picture "
         "first, and then delete in `steps` parts."),
        (lambda p, x, m, s: _deleted(p, x, m, s, split=lambda order, n: [
         order[k::n] for k in range(n)]), "Each step took pixels from everywhere in the order, "
         "order[k::steps]. The strongest go first, as a block: np.array_split(order, steps)."),
        (_too_late, "Each probability was asked for before the pixels of its step were deleted. "
         "Delete first, then ask."),
        *[
            (lambda p, x, m, s, f=fill: _deleted(p, x, m, s, fill=f), "The pixels were not set to "
             "0, which is grey for the network: a prepared picture goes from -1 to 1.")
            for fill in (1, -1, 0.5, 127, 127.5, 128, 255, 1e-3, np.nan)
        ],
        (lambda p, x, m, s: _deleted(p, x, m, s, fill=np.mean), "The pixels were set to the "
         "picture's mean. Set them to 0, which is grey for the network."),
        (lambda p, x, m, s: _deleted(p, x, m, s, fill=lambda x: x.mean(axis=(0, 1))), "The pixels "
         "were set to the picture's mean colour. Set them to 0, which is grey for the network."),
        (lambda p, x, m, s: _deleted(p, x, m, s, fill=np.min), "The pixels were set to the "
         "picture's smallest number. Set them to 0, which is grey for the network."),
        (lambda p, x, m, s: _above(p, x, m, np.quantile(m, np.linspace(1, 0, s + 1)),
         np.greater_equal), "The strongest pixel is missing from the start: the first probability "
         "is that of the whole picture."),
        (lambda p, x, m, s: _above(p, x, m, np.quantile(m, np.linspace(1, 0, s + 1))), "One pixel, "
         "the weakest, is never deleted. After the last step all must be gone."),
        *[
            (lambda p, x, m, s, g=gone: _above(p, x, m, np.linspace(m.max(), m.min(), s + 1), g),
             "Each step goes down by the same share of the map's *range*. It must delete the same "
             "number of pixels: sort them, and use np.array_split(order, steps).")
            for gone in (np.greater, np.greater_equal)
        ],
        (lambda p, x, m, s: _deleted(p, x, m, s).mean(), "One number, the mean, is returned. "
         "Return all the steps + 1 probabilities."),
        (lambda p, x, m, s: _deleted(p, x, m, s)[-1], "Only the last probability is returned. "
         "Keep all the steps + 1 of them in a list."),
        (lambda p, x, m, s: _deleted(p, x, m, s)[0] - _deleted(p, x, m, s), "These are the drops "
         "since the whole picture. Return the probabilities themselves."),
        (lambda p, x, m, s: np.diff(_deleted(p, x, m, s)), "These are the changes from step to "
         "step. Return the probabilities themselves."),
        (lambda p, x, m, s: _deleted(p, x, m, s) / _deleted(p, x, m, s)[0], "The probabilities "
         "were divided by the first one. Return them as they are."),
        (lambda p, x, m, s: 1 - _deleted(p, x, m, s), "These are 1 minus the probabilities. Return "
         "them as they are."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 6.3


def _permuted(w, rng, of=np.asarray):
    return of(rng.permutation(np.ravel(w))).reshape(np.shape(w))


def _along_every_axis(w, rng):
    for axis in range(w.ndim):
        w = rng.permutation(w, axis=axis)
    return w


def _within_slices(w, rng):
    return np.array([rng.permutation(part.ravel()).reshape(part.shape) for part in w])


def _half(w, rng):
    flat = w.flatten()
    flat[: len(flat) // 2] = rng.permutation(flat[: len(flat) // 2])
    return flat.reshape(w.shape)


def _each_half(w, rng):
    return np.concatenate([rng.permutation(half) for half in np.array_split(w.ravel(), 2)]).reshape(
        w.shape
    )


def _two_swapped(w, rng):
    flat = w.flatten()
    i, j = rng.choice(len(flat), 2, replace=False)
    flat[[i, j]] = flat[[j, i]]
    return flat.reshape(w.shape)


def _in_blocks(w, rng):
    return rng.permutation(w.reshape(-1, w.shape[-1])).reshape(w.shape)


def _where_from(answer: Any) -> dict:
    """Say what became of the numbers of `_drawn`; the same for all good shuffles.

    Along each axis, the numbers of one index are "together" at one index, old or new, as when
    whole filters change places, or they are "mixed".
    """
    if answer is None:
        raise Mistake(
            "The function returns nothing. `rng.shuffle` works in place and returns None; "
            "`rng.permutation` returns a new array."
        )
    answer = numbers(answer)
    facts = {"shape": answer.shape, "numbers": np.sort(answer, axis=None)}
    before = np.argsort(_drawn(answer.size))[np.argsort(np.argsort(answer.ravel()))]
    steps = np.diff(before) % answer.size
    for step, order in ((1, "moved on"), (answer.size - 1, "reversed")):
        if (steps == step).all():
            return facts | {"order": order if before[0] or step > 1 else "as before"}
    along, moved = [], 0
    came_from = np.unravel_index(before.reshape(answer.shape), answer.shape)
    for axis, (old, new) in enumerate(zip(came_from, np.indices(answer.shape), strict=True)):
        whole = all(np.ptp(part) == 0 for part in np.moveaxis(old, axis, 0))
        along.append("together" if whole else "mixed")
        moved += bool((old != new).any())
    mixed = answer.ndim == 1 or "together" not in along
    return facts | {
        "order": along,
        "axes": min(moved, 2),
        # Of 70 numbers, a good shuffle gives 1 or 2; a quarter of them is beyond all chance.
        "neighbours": mixed and bool(np.mean((steps == 1) | (steps == answer.size - 1)) > 0.25),
        # A good shuffle leaves half of them in their half.
        "halves": mixed
        and bool(
            np.mean((before < before.size / 2) == (np.arange(before.size) < before.size / 2)) > 0.95
        ),
        "stayed": bool(np.mean(before == np.arange(before.size)) > 0.25),
    }


OTHER = (
    "These aren't the same numbers as before. Each number must be there once more, in another "
    "place: with numbers of another size, the network would change for that reason alone."
)
SLICES = (
    "What was together is still together, a whole filter for example: only the order along an "
    "axis has changed. Shuffle all the numbers: make them flat first, np.ravel(weights)."
)


def _shuffled_otherwise(got: dict, want: dict, axes=(), place: str = "") -> str | None:
    if got["shape"] != want["shape"]:
        return (
            f"the result has the shape {got['shape']}. A layer takes only its own shape: "
            ".reshape(weights.shape)."
        )
    if not np.allclose(got["numbers"], want["numbers"], rtol=1e-6, atol=0):
        return OTHER[0].lower() + OTHER[1:]
    for fact, text in {
        "order": SLICES[0].lower() + SLICES[1:],
        "axes": "the numbers moved along other axes than they should. Shuffle all of them.",
        "stayed": "many of the numbers are still where they were. Shuffle all of them.",
        "halves": "the numbers of each half are still in that half. Shuffle all of them together.",
        "neighbours": "many of the numbers still have their neighbours. Shuffle all of them.",
    }.items():
        if got.get(fact) != want.get(fact):
            return text
    return None


def _draws_from_rng(student: Callable) -> None:
    weights = _drawn(5, 4, 3)

    def ask(rng) -> np.ndarray:
        return numbers(student(weights.copy(), rng))

    found, rng = ask(np.random.default_rng(0)), np.random.default_rng(1)
    if np.array_equal(found, ask(rng)):
        raise Mistake("Every generator gives the same order. Draw from the rng that's handed in.")
    if not np.array_equal(found, ask(np.random.default_rng(0))):
        raise Mistake(
            "The same seed gives another order each time, so nobody can repeat the test. Draw from "
            "the rng that's handed in, not from np.random or from a generator of your own."
        )
    if np.array_equal(ask(rng), ask(rng)):
        raise Mistake(
            "Called twice with one rng, it shuffles in the same way: two layers of one size would "
            "get the same order. Draw from rng itself, not from a copy of it."
        )


shuffled = Exercise(
    id="6.3",
    right=lambda weights, rng: _permuted(weights, rng),
    inputs={
        "weights of the shape (5, 6, 7)": lambda: (_drawn(5, 6, 7), np.random.default_rng(0)),
        "weights of the shape (6, 5, 1, 7)": lambda: (
            _drawn(6, 5, 1, 7).astype(np.float32), np.random.default_rng(1),
        ),
        "weights of the shape (12, 6)": lambda: (_drawn(12, 6), np.random.default_rng(2)),
        "weights of the shape (80,)": lambda: (_drawn(80), np.random.default_rng(3)),
    },
    # Any order that mixes: what a shuffle has to be, worked out for one that's made by another way.
    truth=_drawn(210)[np.argsort(np.sin(np.arange(210) ** 2.0))].reshape(5, 6, 7),
    normalise=_where_from,
    difference=_shuffled_otherwise,
    rules=[_draws_from_rng],
    errors=[
        ("NoneType", "`rng.shuffle` works in place and returns None. `rng.permutation` returns a "
         "new array."),
        ("cannot reshape", "There must be as many numbers as before: .reshape(weights.shape)."),
    ],
    wrong=[
        (lambda w, rng: w.copy(), "The weights came back as they were. `rng.permutation` returns a "
         "new array and changes nothing in place."),
        (lambda w, rng: _permuted(w, rng).ravel(), "The shape is lost, and a layer takes only its "
         "own: .reshape(weights.shape)."),
        (_along_every_axis, "The axes were shuffled in turn: what was in one "
         "row or filter is still in one. Shuffle all the numbers: make them flat first, "
         "np.ravel(weights)."),
        *[
            (lambda w, rng, a=axis: rng.permutation(w, axis=a), SLICES)
            for axis in (0, 1, 2, 3, -1, -2)
        ],
        *[
            (lambda w, rng, a=axis: rng.permuted(w, axis=a), "The numbers only moved along one "
             "axis. Shuffle all of them together: make them flat first, or leave out axis.")
            for axis in (0, 1, 2, 3, -1, -2)
        ],
        (_within_slices, "Each slice was shuffled by itself, so its numbers are still "
         "together. Shuffle all of them: make them flat first, np.ravel(weights)."),
        (_in_blocks, "The rows along the last axis moved as a whole. Shuffle all the numbers: make "
         "them flat first, np.ravel(weights)."),
        (_each_half, "Each half was shuffled by itself. Shuffle all the numbers together."),
        (_half, "Only a part of the numbers was shuffled. Shuffle all of them."),
        (_two_swapped, "Only two numbers changed places. Shuffle all of them."),
        (lambda w, rng: np.roll(w, rng.integers(1, w.size)), "The numbers moved on together, each "
         "still beside its neighbour. np.roll doesn't shuffle; rng.permutation does."),
        (lambda w, rng: np.roll(w, 1, axis=-1), "The numbers moved on together along an axis. "
         "np.roll doesn't shuffle; rng.permutation does."),
        (lambda w, rng: np.flip(w), "The numbers are in the reverse order. That isn't a shuffle: "
         "rng.permutation."),
        *[
            (lambda w, rng, a=axis: np.flip(w, axis=a), "The numbers are in the reverse order "
             "along an axis. That isn't a shuffle: rng.permutation.")
            for axis in (0, -1)
        ],
        (lambda w, rng: rng.choice(w.ravel(), w.shape), "These were drawn with replacement: some "
         "numbers come twice, others are lost. Use rng.permutation."),
        *[
            (lambda w, rng, d=draw: d(w, rng), OTHER)
            for draw in (
                lambda w, rng: rng.standard_normal(w.shape),
                lambda w, rng: rng.random(w.shape),
            )
        ],
        (lambda w, rng: rng.normal(w.mean(), w.std(), w.shape), "These are new numbers with the "
         "mean and the spread of the old ones. Shuffle the old numbers themselves."),
        (lambda w, rng: rng.uniform(w.min(), w.max(), w.shape), "These are new numbers between the "
         "smallest and the largest old one. Shuffle the old numbers themselves."),
        (lambda w, rng: np.zeros_like(w), "All the numbers are 0. Shuffle the old ones."),
        (lambda w, rng: np.full_like(w, w.mean()), "All the numbers are the mean. Shuffle the old "
         "ones."),
        (lambda w, rng: _permuted(w, rng, np.negative), "The numbers have lost their signs, or "
         "have the wrong ones. Only their places may change."),
        (lambda w, rng: _permuted(w, rng, np.abs), "The numbers have lost their signs, or have "
         "the wrong ones. Only their places may change."),
        (lambda w, rng: w * rng.choice([-1, 1], w.shape), "The signs were drawn at random, and the "
         "places are the old ones. Shuffle the numbers instead."),
        *[
            (lambda w, rng, d=decimals: _permuted(w, rng, lambda flat: np.round(flat, d)), "The "
             "numbers were rounded. Only their places may change.")
            for decimals in range(4)
        ],
        (lambda w, rng: rng.permutation(w.size).reshape(w.shape), "These are *places*, drawn "
         "at random. Take the numbers there: np.ravel(weights)[places]."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 6.4


def _ranks(m, axis=None, of=np.asarray):
    order = np.argsort(of(np.asarray(m)), axis=axis)
    return np.argsort(order, axis=-1 if axis is None else axis)


def _corr(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def _agreement(a, b, ranks_a=_ranks, ranks_b=None, compare=_corr):
    return compare(ranks_a(a), (ranks_b or ranks_a)(b))


def _row(a, b):
    """Compare what is one row with another, and takes no maps."""
    return np.corrcoef(_ranks(a, axis=-1), _ranks(b, axis=-1))[0, 1]


def _spearman(p, q, factor=6, n=np.size, of=np.square):
    n = n(p)
    return 1 - factor * of(p - q).sum() / (n * (n**2 - 1))


def _kendall(p, q):
    signs = [np.sign(v[:, None] - v) for v in (np.ravel(p), np.ravel(q))]
    return (signs[0] * signs[1]).sum() / (len(signs[0]) * (len(signs[0]) - 1))


def _two_small_maps() -> tuple[np.ndarray, np.ndarray]:
    return (np.array([[3.0, -2.0, 9.0], [1.0, 4.0, 50.0]]),
            np.array([[-7.0, 2.0, 30.0], [-1.0, 0.5, 8.0]]))  # fmt: skip


def _related(*shape: int) -> Callable[[], tuple]:
    def make() -> tuple[np.ndarray, np.ndarray]:
        a = _drawn(*shape, seed=1).astype(np.float32)
        return a, a + _drawn(*shape, seed=2).astype(np.float32)

    return make


def _fit_for_large_maps(student: Callable) -> None:
    def cost(n: int) -> float:
        """Return the seconds of the processor: those of the clock depend on what else runs."""
        rng = np.random.default_rng(0)
        a, b = rng.permutation(n) / n, rng.permutation(n) / n
        start = time.thread_time()
        student(a, b)
        return time.thread_time() - start

    # Sorting takes milliseconds, and some 100 bytes per value. The slowest are found with few.
    slow, memory = cost(1_000) > 0.1, 0
    if not slow:
        tracemalloc.start()
        try:
            slow, (_, memory) = cost(4_000) > 1, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    if memory > 4_000**2 / 2 or slow or cost(16_000) > 1:
        raise Mistake(
            "Right, but every value is compared with every other. That takes hours, or all the "
            "memory, for the maps that come now: they have 150,000 values. Sort them instead, with "
            "np.argsort."
        )


ALONE = (
    "The maps were not made flat, so each row was ranked or correlated by itself. Rank all "
    "the values of a map together: np.ravel(a)."
)

rank_agreement = Exercise(
    id="6.4",
    right=lambda a, b: _agreement(a, b),
    inputs={
        "two maps of 2 x 3 values": _two_small_maps,
        "two maps of 5 x 3 values that have much in common": _related(5, 3),
        "two maps of 3 x 3 values, one of which is the other to the power of 3, and negative": (
            lambda: (_drawn(3, 3, seed=5), -(_drawn(3, 3, seed=5) ** 3))
        ),
        "two maps of 2 x 2 positions with 3 channels": _related(2, 2, 3),
    },
    # The ranks of a: 2 0 4 1 3 5, and of b: 0 3 5 1 2 4. The squared differences are 4 + 9 + 1 + 0
    # + 1 + 1 = 16, and by Spearman's formula 1 - 6 * 16 / (6 * 35) = 114 / 210.
    truth=114 / 210,
    errors=[
        ("2 dimensions|2-dimensional|only integer|only length-1|truth value|index", "Make each map "
         "a flat list first: np.ravel(a)."),
    ],
    rules=[_fit_for_large_maps],
    wrong=[
        (lambda a, b: _corr(a, b), "This is the correlation of the values, in which one huge value "
         "counts for more than all the others. Correlate the ranks."),
        (lambda a, b: _agreement(a, b, lambda m: np.argsort(m, axis=None)), "This correlates "
         "np.argsort(a) with np.argsort(b). argsort gives no ranks: it says which position "
         "comes first. The rank of each position is argsort of argsort."),
        (lambda a, b: _agreement(a, b, _ranks, lambda m: np.argsort(m, axis=None)), "One map has "
         "its ranks, and for the other there's only argsort. Take argsort of argsort for both."),
        (lambda a, b: _agreement(a, b, lambda m: np.argsort(m, axis=None), _ranks), "One map has "
         "its ranks, and for the other there's only argsort. Take argsort of argsort for both."),
        (lambda a, b: _agreement(a, b, lambda m: np.sort(m, axis=None)), "Each map was sorted by "
         "itself, so it's no longer known which values belong together."),
        (lambda a, b: 1.0, "The result is always 1: either the maps were sorted before they were "
         "ranked, or a map is correlated with itself, [0, 0] instead of [0, 1], or differences "
         "of ranks were summed without their squares."),
        (lambda a, b: _agreement(a, b, lambda m: _ranks(m, of=np.abs)), "The signs are gone before "
         "the ranks: -7 is smaller than 2."),
        (lambda a, b: _agreement(a, b, lambda m: _ranks(m, of=lambda v: np.maximum(v, 0))), "The "
         "negative values were set to 0 before the ranks. Rank all the values, with signs."),
        (lambda a, b: -_agreement(a, b), "The sign is turned round: one of the two was ranked from "
         "the top and the other from the bottom."),
        (lambda a, b: _agreement(a, b, _ranks, np.asarray), "Only one of the two maps was turned "
         "into ranks."),
        (lambda a, b: _agreement(a, b, np.asarray, _ranks), "Only one of the two maps was turned "
         "into ranks."),
        *[
            (lambda a, b, f=unflattened: f(a, b), ALONE)
            for unflattened in (
                lambda a, b: _agreement(a, b, lambda m: _ranks(m, axis=-1)),
                lambda a, b: _agreement(a, b, lambda m: _ranks(m, axis=0)),
                lambda a, b: _agreement(a, b, lambda m: np.argsort(m, axis=-1)),
                lambda a, b: _row(a, b),
                lambda a, b: np.corrcoef(_ranks(a, axis=0), _ranks(b, axis=0))[0, 1],
                lambda a, b: np.corrcoef(*(_ranks(m).reshape(m.shape) for m in (a, b)))[0, 1],
                lambda a, b: np.corrcoef(a, b)[0, 1],
                lambda a, b: np.corrcoef(np.argsort(a), np.argsort(b))[0, 1],
                lambda a, b: np.mean([_row(p, q) for p, q in zip(a, b, strict=True)]),
                lambda a, b: np.mean([_corr(p, q) for p, q in zip(a, b, strict=True)]),
                lambda a, b: np.mean([np.corrcoef(*rows)[0, 1] for rows in zip(a, b, strict=True)]),
                lambda a, b: np.mean([_agreement(p, q) for p, q in zip(a, b, strict=True)]),
                lambda a, b: np.mean([_agreement(p, q) for p, q in zip(a.T, b.T, strict=True)]),
                lambda a, b: [_agreement(p, q) for p, q in zip(a, b, strict=True)],
                lambda a, b: _spearman(_ranks(a, axis=-1), _ranks(b, axis=-1)),
                lambda a, b: _spearman(_ranks(a, axis=-1), _ranks(b, axis=-1), n=len),
                lambda a, b: _agreement(a, b, lambda m: _ranks(m[0])),
            )
        ],
        (lambda a, b: np.corrcoef(_ranks(a), _ranks(b)), "This is the whole 2 x 2 table. The "
         "correlation of the two is at [0, 1]."),
        (lambda a, b: _agreement(a, b, compare=lambda p, q: (p == q).mean()), "This is the share "
         "of positions with the same rank. Close ranks should count as well: correlate them."),
        (lambda a, b: _agreement(a, b) ** 2, "This is the square of the correlation, which has "
         "lost its sign."),
        (lambda a, b: abs(_agreement(a, b)), "The sign of the correlation is gone. A map and its "
         "negative have -1."),
        (lambda a, b: (1 + _agreement(a, b)) / 2, "The correlation was moved to 0...1. Leave it as "
         "it is, from -1 to 1."),
        (lambda a, b: 1 - _agreement(a, b), "This is 1 minus the correlation. (With Spearman's "
         "formula: the 1 - at its beginning is missing.)"),
        *[
            (lambda a, b, d=ddof: _agreement(a, b, compare=lambda p, q: np.cov(p, q, ddof=d)[0, 1]),
             "This is the covariance. The correlation is divided by both standard deviations.")
            for ddof in (0, 1)
        ],
        (lambda a, b: _agreement(a, b, compare=lambda p, q: np.cov(p, q)[0, 1] / p.std() / q.std()),
         "np.cov divides by n - 1 and np.std by n. Use np.corrcoef."),
        (lambda a, b: _agreement(a, b, compare=lambda p, q: (p @ q) / np.sqrt((p @ p) * (q @ q))),
         "The mean rank was not subtracted, so nothing can be negative. Use np.corrcoef."),
        (lambda a, b: _agreement(a, b, compare=_kendall), "This counts pairs in the same order "
         "(Kendall's correlation). Correlate the ranks themselves."),
        *[
            (lambda a, b, o=options: _spearman(_ranks(a), _ranks(b), **o), "Spearman's formula is "
             "1 - 6 sum d² / (n (n² - 1)), with n the number of all values.")
            for options in ({"factor": 1}, {"of": np.abs})
        ],
        *[
            (lambda a, b, n=n: _spearman(_ranks(a), _ranks(b), n=lambda _: n(a)), "Spearman's "
             "formula has n, the number of *all* values. Here it's that of the rows only, or of "
             "the columns: np.size(a).")
            for n in (len, lambda m: m.shape[-1])
        ],
        (lambda a, b: _agreement(a, b, compare=lambda p, q: np.abs(p - q).mean()), "This is the "
         "mean difference of the ranks. Correlate them."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 6.5


def _mean(values: np.ndarray) -> float:
    return values.mean() if values.size else np.nan  # NumPy's own mean of nothing warns


def _by_group(
    predicted, labels, tagged, *, of=lambda right, group: right[group].mean(), empty=np.nan,
    rows=lambda predicted, labels: labels, right=lambda predicted, labels, tagged: (
        predicted == labels
    ), group=np.logical_and,
):  # fmt: skip
    predicted, labels, tagged = (np.asarray(v) for v in (predicted, labels, tagged))
    table = np.full((2, 2), float(empty))
    for i in (0, 1):
        for j in (0, 1):
            chosen = group(rows(predicted, labels) == i, tagged == j)
            if chosen.any():
                table[i, j] = of(right(predicted, labels, tagged), chosen)
    return table


def _share_of(whole: Callable) -> Callable:
    """Return a table of the right answers, divided by another number than the group's size."""

    def program(predicted, labels, tagged):
        right = predicted == labels
        table = np.full((2, 2), np.nan)
        for i in (0, 1):
            for j in (0, 1):
                group = (labels == i) & (tagged == j)
                if group.any():
                    table[i, j] = right[group].sum() / whole(labels == i, tagged == j, right)
        return table

    return program


def _table(answer: Any) -> np.ndarray:
    if isinstance(answer, dict):
        raise Mistake("That's a dict. Return a table, (2, 2): [[..., ...], [..., ...]].")
    try:
        return numbers(answer)
    except TypeError:
        raise Mistake(
            "The table must hold numbers only. A group without any pictures gets np.nan, not None "
            "and not a text."
        ) from None
    except Exception:
        if answer is None:
            raise
        raise Mistake(
            "The single answers of each group were put into the table, some cells with more of "
            "them than others. Each cell gets one number, the accuracy: right[group].mean()."
        ) from None


def _pictures(n: int, seed: int, keep: Callable = lambda labels, tagged: labels >= 0) -> Callable:
    """Return what makes n pictures with labels and tags in all combinations that are kept."""

    def make() -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(seed)
        labels, tagged = rng.integers(2, size=9 * n), rng.integers(2, size=9 * n) == 1
        kept = np.flatnonzero(keep(labels, tagged))[:n]
        wrong = rng.random(n) < 0.4
        return np.where(wrong, 1 - labels[kept], labels[kept]), labels[kept], tagged[kept]

    return make


def _twelve() -> tuple[np.ndarray, ...]:
    predicted = np.array([0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    return predicted, labels, np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], bool)


EMPTY = (
    "A group without any pictures got a number. It has no accuracy, np.nan: a 0 or a 1 would say "
    "that something was tested."
)

accuracy_by_group = Exercise(
    id="6.5",
    right=lambda predicted, labels, tagged: _by_group(predicted, labels, tagged),
    inputs={
        "12 pictures": _twelve,
        "30 pictures in groups of different sizes": _pictures(30, seed=0),
        "8 pictures of label 0 only": _pictures(8, seed=1, keep=lambda y, t: y == 0),
        "9 pictures, with the disc on label 1 and nowhere else": _pictures(
            9, seed=2, keep=lambda y, t: t == (y == 1)
        ),
        "7 pictures, all with the disc": _pictures(7, seed=3, keep=lambda y, t: t),
    },
    # Of label 0, 3 of 4 are right without the disc and 0 of 1 with it; of label 1, 1 of 3 and 3 of
    # 4.
    truth=[[3 / 4, 0], [1 / 3, 3 / 4]],
    axes=("label", "tagged"),
    normalise=_table,
    errors=[
        ("truth value|ambiguous", "Put each condition in brackets, and & between them, since & "
         "binds before == and `and` doesn't work for arrays: (labels == i) & (tagged == j)."),
        ("array element with a sequence", "Each cell of the table gets one number: "
         "right[group].mean()."),
        ("bitwise_and|unsupported operand.*&|rand_", "& binds before ==: put each condition in "
         "brackets, (labels == i) & (tagged == j)."),
        ("not subscriptable", "Two lists are equal as a whole or not, which is one True or False. "
         "Compare the arrays as they are, predicted == labels."),
        ("division by zero", "A group without pictures has no accuracy: put np.nan there."),
    ],
    wrong=[
        (lambda p, y, t: list(p) == list(y), "Two lists are equal as a whole or not, which is one "
         "True or False. Compare the arrays as they are, predicted == labels, in each group."),
        (lambda p, y, t: (p == y).mean(), "One number for all pictures hides the groups. Return "
         "four, (2, 2): for each label without and with the disc."),
        (lambda p, y, t: [_mean((p == y)[y == i]) for i in (0, 1)], "Only the label makes the "
         "groups here. Return four, (2, 2): for each label without and with the disc."),
        (lambda p, y, t: [_mean((p == y)[t == j]) for j in (0, 1)], "Only the disc makes the "
         "groups here. Return four, (2, 2): for each label without and with the disc."),
        (lambda p, y, t: _by_group(p, y, t).ravel(), "Right numbers, but all in one line. Return "
         "a table, (2, 2): [[..., ...], [..., ...]]."),
        (lambda p, y, t: [v for v in _by_group(p, y, t).ravel() if v == v], "The groups are in one "
         "line, and the empty ones are left out. Return a table, (2, 2), with np.nan for those."),
        (lambda p, y, t: _by_group(p, y, t).T.ravel(), "Right numbers, but all in one line, and "
         "in the order of the columns. Return a table, (2, 2), with a row for each label."),
        (lambda p, y, t: _by_group(p, y, t).T, "The table is turned: the rows are the labels, the "
         "columns without and with the disc."),
        (lambda p, y, t: _by_group(p, y, t)[:, ::-1], "The columns are swapped: first without the "
         "disc, then with it."),
        (lambda p, y, t: _by_group(p, y, t)[::-1], "The rows are swapped: label 0 first."),
        (lambda p, y, t: _by_group(p, y, t)[::-1, ::-1], "The rows are swapped, and the columns "
         "too: label 0 first, and without the disc first."),
        (lambda p, y, t: 1 - _by_group(p, y, t), "These are the shares of wrong answers."),
        (lambda p, y, t: 100 * _by_group(p, y, t), "This is in percent. Give shares from 0 to 1."),
        *[
            (lambda p, y, t, e=empty: _by_group(p, y, t, empty=e), EMPTY)
            for empty in (0, 1, 0.5, -1)
        ],
        *[
            (lambda p, y, t, e=empty: _by_group(p, y, t, of=lambda right, group: right[group].sum(),
             empty=e), "These are the numbers of right answers. Divide by the size of each group.")
            for empty in (np.nan, 0)
        ],
        *[
            (lambda p, y, t, e=empty: _by_group(p, y, t, of=lambda right, group: group.sum(),
             empty=e), "These are the sizes of the groups.")
            for empty in (np.nan, 0)
        ],
        *[
            (lambda p, y, t, e=empty: _by_group(p, y, t, of=lambda right, group: (right
             & group).mean(), empty=e), "Divided by the number of all pictures. Divide by the size "
             "of each group.")
            for empty in (np.nan, 0)
        ],
        (_share_of(lambda label, tag, right: label.sum()), "Divided by the number of pictures with "
         "that label. Divide by the size of each group."),
        (_share_of(lambda label, tag, right: tag.sum()), "Divided by the number of pictures with "
         "(or without) the disc. Divide by the size of each group."),
        (_share_of(lambda label, tag, right: max(right.sum(), 1)), "Divided by the number of all "
         "right answers. Divide by the size of each group."),
        (_share_of(lambda label, tag, right: (label & tag).sum() + 1), "1 was added to the size "
         "of each group. Test for an empty group with an `if` instead."),
        (lambda p, y, t: _by_group(p, y, t, rows=lambda p, y: p), "The rows follow what was "
         "predicted. Group by what the pictures show, `labels`."),
        (lambda p, y, t: _by_group(p, y, t, right=lambda p, y, t: p), "This is the share that was "
         "predicted as 1. Right is where `predicted == labels`."),
        (lambda p, y, t: _by_group(p, y, t, right=lambda p, y, t: p == 0), "This is the share that "
         "was predicted as 0. Right is where `predicted == labels`."),
        (lambda p, y, t: _by_group(p, y, t, right=lambda p, y, t: p == t), "The predictions were "
         "compared with the disc. Right is where `predicted == labels`."),
        (lambda p, y, t: _by_group(p, y, t, group=np.logical_or), "A group is where both "
         "conditions hold: & instead of |."),
        (lambda p, y, t: _by_group(p, y, t, group=lambda label, tag: label), "The disc makes no "
         "difference here: both columns have all the pictures of the label."),
        (lambda p, y, t: _by_group(p, y, t, group=lambda label, tag: tag), "The label makes no "
         "difference here: both rows have all the pictures with (or without) the disc."),
        (lambda p, y, t: _by_group(p, y, t, of=lambda right, group: right[group][0]), "Only the "
         "first picture of each group was looked at. Take the mean over the group."),
        (lambda p, y, t: _by_group(p, y, t, of=lambda right, group: right[group].any()), "This "
         "says whether any, or all, of a group is right. Take the mean over the group."),
        (lambda p, y, t: _by_group(p, y, t, of=lambda right, group: right[group].all()), "This "
         "says whether any, or all, of a group is right. Take the mean over the group."),
        (lambda p, y, t: _by_group(p, y, t, of=lambda right, group: right.mean()), "Each group has "
         "the accuracy of all the pictures. Pick its own pictures first, right[group]."),
        (lambda p, y, t: np.full((2, 2), (p == y).mean()), "All four cells have the accuracy of "
         "all the pictures. Pick each group's pictures first, right[group]."),
    ],
)  # fmt: skip
