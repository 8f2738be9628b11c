"""Checks of lesson 1."""

from __future__ import annotations

import numpy as np

from course_utils.checks._judge import Exercise, Mistake

__all__ = [
    "contributions",
    "finite_differences",
    "predict_linear",
    "two_layer_gradient",
    "weight_picture",
]


def _drawn(*shape: int, seed: int = 0, scale: float = 9) -> np.ndarray:
    """Return random numbers of both signs, the same in every call."""
    return np.random.default_rng(seed).normal(scale=scale, size=shape)


# ------------------------------------------------------------------------------------ 1.1


def _flats() -> tuple[np.ndarray, np.ndarray, float]:
    x = np.array([[50.0, 10.0, 2.0], [80.0, 0.0, 5.0]])
    return x, np.array([10.0, -2.0, -30.0]), 300.0


OVER_THE_FLATS = "axis=0 adds up over the flats: one number per feature. Add up each row, axis=1."
NOT_ADDED_UP = "The products aren't added up yet: return one number per row of x."
FIRST_FLAT_ONLY = (
    "Only the first flat gets a prediction. Return one number per row of x: is the `return` inside "
    "the loop?"
)

predict_linear = Exercise(
    id="1.1",
    right=lambda x, w, b: np.asarray(x) @ np.asarray(w) + b,
    inputs={
        "the flats (50, 10, 2) and (80, 0, 5), the weights 10, -2, -30 and b = 300": _flats,
        "4 flats with 5 features": lambda: (_drawn(4, 5), _drawn(5, seed=1), -1.375),
        "3 flats with 3 features": lambda: (_drawn(3, 3, seed=2), _drawn(3, seed=3), 0.123),
        "1 flat with 1 feature": lambda: (np.array([[0.61]]), np.array([-0.37]), 0.0271),
    },
    truth=[720, 950],  # 10*50 - 2*10 - 30*2 + 300 and 10*80 - 2*0 - 30*5 + 300
    axes=("flat",),
    errors=[
        ("'float' object", "b is one number, the same for every flat: + b."),
        ("concatenate list", "You can't add a number to a list. Add b to each prediction, or make "
         "an array of the list first."),
        ("align|mismatch|broadcast", "These shapes don't fit together. x has one row per flat and "
         "w one number per feature, so it's x @ w, in this order."),
        ("out of bounds|subscript|invalid index", "x[0] is the first flat. The first feature of "
         "all is x[:, 0]. And the number of features isn't always three."),
    ],
    wrong=[
        (lambda x, w, b: x @ w, "The constant b is missing: it belongs to every prediction."),
        (lambda x, w, b: x * w, "x * w multiplies; now add up each row's products, and then add "
         "b."),
        (lambda x, w, b: x * w + b, NOT_ADDED_UP),
        (lambda x, w, b: (x * w).sum(axis=0), OVER_THE_FLATS),
        (lambda x, w, b: (x * w).sum(axis=0) + b, OVER_THE_FLATS),
        (lambda x, w, b: (x * w + b).sum(axis=1), "b is added once per feature; add it once per "
         "flat."),
        (lambda x, w, b: (x + b) @ w, "b is added before the weights; add it once per flat, after "
         "x @ w."),
        (lambda x, w, b: x @ (w + b), "b is added to the weights; add it once per flat, after "
         "x @ w."),
        (lambda x, w, b: (x * w).sum() + b, "All flats are added up. Return one number per row of "
         "x: x @ w."),
        (lambda x, w, b: x @ abs(w) + b, "The weights lost their signs: age and distance lower the "
         "rent."),
        (lambda x, w, b: abs(x @ w + b), "The prediction lost its sign."),
        (lambda x, w, b: x.sum(axis=1) + b, "The weights are missing: multiply each feature by its "
         "own."),
        (lambda x, w, b: (x * w).mean(axis=1) + b, "That's the mean of the products. Add them up, "
         "then add b."),
        (lambda x, w, b: x @ w - b, "b is subtracted. Add it."),
        (lambda x, w, b: x @ w * b, "It's times b. Add b."),
        (lambda x, w, b: x @ w + len(x) * b, "b is added once for every flat in x; once is "
         "enough."),
        (lambda x, w, b: x @ w[::-1] + b, "The weights are in the reverse order."),
        (lambda x, w, b: x[:, 0] * w[0] + b, "Only the first feature counts. Add up the products "
         "of all: x @ w."),
        (lambda x, w, b: x[:, -1] * w[-1] + b, "Only the last feature counts. Add up the products "
         "in the loop, y = y + ..., or all at once: x @ w."),
        (lambda x, w, b: sum(x.T[:-1] * w[:-1, None], b), "The last feature is left out: "
         "range(len(w)) ends with it, and x @ w takes all."),
        (lambda x, w, b: w[0] * x[:, 0] + w[1] * x[:, 1] + w[2] * x[:, 2] + b, "Three columns are "
         "written out, and the number of features isn't always three: x @ w takes all."),
        (lambda x, w, b: w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + b, "x[0] is the first flat. The "
         "first feature of all is x[:, 0]; and x @ w takes all features at once."),
        (lambda x, w, b: np.array([x[0] @ w + b, x[1] @ w + b]), "Two flats are written out, and "
         "there aren't always two: x @ w takes all rows at once."),
        (lambda x, w, b: x[0] @ w + b, FIRST_FLAT_ONLY),
        (lambda x, w, b: x[:1] @ w + b, FIRST_FLAT_ONLY),
        (lambda x, w, b: x[-1] @ w + b, "Only the last flat gets a prediction. Collect one number "
         "per row of x."),
        (lambda x, w, b: (x @ w + b)[:, None], "Right numbers, but in a column: one number per "
         "flat, shape (flats,), without keepdims."),
        (lambda x, w, b: np.add.outer(x @ w, np.full(len(x), b)), "There's a row of predictions "
         "per flat. There should be one number each: add the number b as it is."),
        (lambda x, w, b: (x - x.mean(axis=0)) @ w + b, "The mean was subtracted from x. Take x as "
         "it is."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 1.2


def _contributions(x, reference, w):
    return (np.asarray(x) - reference) * np.asarray(w)


def _flats_and_reference() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.array([[50.0, 10.0, 3.0], [80.0, 0.0, 5.0]])
    return x, np.array([60.0, 30.0, 4.0]), np.array([10.0, -2.0, -30.0])


SENSITIVITY = "That's the sensitivity, the same for each flat: multiply it by x - reference."

contributions = Exercise(
    id="1.2",
    right=lambda x, reference, w: _contributions(x, reference, w),
    inputs={
        "2 flats with 3 features": _flats_and_reference,
        "4 flats with 2 features": lambda: (
            _drawn(4, 2), _drawn(2, seed=1), _drawn(2, seed=2, scale=1),
        ),
        "1 flat with 5 features": lambda: (
            _drawn(1, 5, seed=3), _drawn(5, seed=4), _drawn(5, seed=5, scale=0.1),
        ),
    },
    truth=[[-100, 40, 30], [200, 60, -30]],  # 10 (50 - 60), -2 (10 - 30), -30 (3 - 4); ...
    axes=("flat", "feature"),
    errors=[
        ("align|mismatch|broadcast", "These shapes don't fit together. x has one row per flat; "
         "reference and w have one number per feature, and NumPy aligns them for you: (x - "
         "reference) * w."),
        ("out of bounds", "The numbers of flats and of features aren't always the same: take all "
         "rows and columns at once, (x - reference) * w."),
    ],
    wrong=[
        (lambda x, r, w: x * w, "The reference is missing: compared with what? Subtract it from x "
         "first."),
        (lambda x, r, w: x * w - r, "The reference is in the units of x: subtract it first, then "
         "multiply by w."),
        (lambda x, r, w: x - r * w, "Brackets are missing: (x - reference) * w. Without them only "
         "the reference is multiplied."),
        (lambda x, r, w: (x + r) * w, "The reference is added. Subtract it: x - reference."),
        (lambda x, r, w: (r - x) * w, "The sign is flipped: it's x - reference, from the reference "
         "to the flat."),
        (lambda x, r, w: x - r, "That's the difference alone, in mixed units: multiply it by the "
         "weights."),
        (lambda x, r, w: (x - r) / w, "The difference is divided by the weights: multiply."),
        (lambda x, r, w: (x - r) @ w, "That's the sum, one number per flat: @ adds up, * doesn't."),
        (lambda x, r, w: ((x - r) * w).sum(axis=0), "That's the sum over the flats. Don't add "
         "anything up."),
        (lambda x, r, w: ((x - r) * w).sum(), "That's the sum of everything. Don't add anything "
         "up."),
        (lambda x, r, w: ((x - r) @ w)[:, None], "That's the sum of each flat. Don't add anything "
         "up."),
        (lambda x, r, w: ((x - r) * w).mean(axis=1), "That's the mean over the features. Return "
         "one number per feature, as in x."),
        (lambda x, r, w: x / r * w, "x is divided by the reference. Subtract it: x - reference."),
        (lambda x, r, w: ((x - r) * w)[:1], "Only the first flat is returned. Return one row per "
         "flat: is the `return` inside the loop?"),
        (lambda x, r, w: ((x - r) * w).mean(axis=0), "That's the mean over the flats. Return one "
         "row per flat."),
        (lambda x, r, w: w, SENSITIVITY),
        (lambda x, r, w: np.tile(w, (len(x), 1)), SENSITIVITY),
        (lambda x, r, w: abs((x - r) * w), "The signs are gone: a contribution may lower the "
         "rent."),
        (lambda x, r, w: abs(x - r) * w, "The difference lost its sign: below the reference it's "
         "negative."),
        (lambda x, r, w: (x - r) * abs(w), "The weights lost their signs: a weight may be "
         "negative."),
        (lambda x, r, w: (x - r) * w / ((x - r) @ w)[:, None], "Those are shares that sum to 1, "
         "not euros: don't divide by the sum."),
        (lambda x, r, w: (x - r) * w / abs((x - r) * w).sum(axis=1, keepdims=True), "Those are "
         "shares, not euros: don't divide by the sum."),
        (lambda x, r, w: (x - r) / r * w, "The difference was divided by the reference: leave it "
         "in the units of x."),
        (lambda x, r, w: (x - x.mean(axis=0)) * w, "The mean of the x that's given was subtracted. "
         "Subtract the reference that's given."),
        (lambda x, r, w: (x - r.mean()) * w, "The mean of the reference was subtracted. Each "
         "feature has a reference of its own."),
        (lambda x, r, w: ((x - r) * w)[0], "Only the first flat is returned. Return one row per "
         "flat: is the `return` inside the loop?"),
        (lambda x, r, w: np.array([(x[0] - r) * w, (x[1] - r) * w]), "Two flats are written out, "
         "and there aren't always two: (x - reference) * w takes all."),
        (lambda x, r, w: np.stack([(x[:, i] - r[i]) * w[i] for i in range(3)], axis=1), "Three "
         "features are written out, and there aren't always three: (x - reference) * w takes all."),
        (lambda x, r, w: ((x - r) * w).T, "One row per feature is returned. Return one row per "
         "flat, like x."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 1.3


def _picture(weights, class_index):
    return np.asarray(weights)[:, class_index].reshape(8, 8)


def _by_place() -> np.ndarray:
    """Numbers that encode where they are: class, row, column, and a sign."""
    row, column, c = np.meshgrid(range(8), range(8), range(10), indexing="ij")
    sign = np.where((row + column + c) % 3, 1, -1)
    return (sign * (100 * (c + 1) + 10 * row + column)).reshape(64, 10).astype(float)


# Hundreds: the class, counted from 1. Tens: the row. Ones: the column. Signs: see above.
CLASS_4 = [
    [500, 501, -502, 503, 504, -505, 506, 507],
    [510, -511, 512, 513, -514, 515, 516, -517],
    [-520, 521, 522, -523, 524, 525, -526, 527],
    [530, 531, -532, 533, 534, -535, 536, 537],
    [540, -541, 542, 543, -544, 545, 546, -547],
    [-550, 551, 552, -553, 554, 555, -556, 557],
    [560, 561, -562, 563, 564, -565, 566, 567],
    [570, -571, 572, 573, -574, 575, 576, -577],
]
A_ROW = "weights[4] is pixel 4 for all classes. Class 4 is a column: [:, 4]."
SWAPPED = "Rows and columns are swapped: reading order is .reshape(8, 8) alone."
SCALED = "The numbers were scaled or shifted. Return the weights themselves."

weight_picture = Exercise(
    id="1.3",
    right=lambda weights, class_index: _picture(weights, class_index),
    inputs={
        "class 4": lambda: (_by_place(), 4),
        "class 0": lambda: (_drawn(64, 10), 0),
        "the last class": lambda: (_drawn(64, 10, seed=1, scale=0.3).astype(np.float32), 9),
    },
    truth=CLASS_4,
    axes=("row", "column"),
    errors=[
        ("reshape", "A picture has 64 numbers, and those of class c are the column weights[:, c]."),
        ("out of bounds", "weights has 64 rows, one per pixel, and one column per class: class c "
         "is weights[:, c]."),
    ],
    wrong=[
        (lambda w, c: w[c], A_ROW),
        (lambda w, c: w[:, c], "Right weights, still in one line: .reshape(8, 8) makes rows."),
        (lambda w, c: w[:, [c]], "Right weights, still in one column: .reshape(8, 8) makes rows."),
        (lambda w, c: _picture(w, c).T, SWAPPED),
        (lambda w, c: _picture(w, c)[::-1], "The picture is upside down: row 0 is the top row."),
        (lambda w, c: _picture(w, c)[:, ::-1], "Left and right are swapped: column 0 is on the "
         "left."),
        (lambda w, c: _picture(w, c)[::-1, ::-1], "The pixels are in the reverse order: the first "
         "is at the top left."),
        (lambda w, c: w.reshape(10, 8, 8)[c], "reshape(10, 8, 8) mixes the classes: pick the "
         "column first."),
        (lambda w, c: w.ravel()[64 * c : 64 * c + 64].reshape(8, 8), "reshape(10, 8, 8) mixes the "
         "classes: pick the column first."),
        (lambda w, c: w.reshape(8, 8, 10)[min(c, 7)], "That's one row of the picture, for all "
         "classes. The classes are the last axis: pick the column first."),
        (lambda w, c: [w[i : i + 8, c] for i in range(8)], "The rows overlap: row i begins at "
         "pixel 8 * i."),
        (lambda w, c: abs(_picture(w, c)), "The signs are gone, and with them the evidence against "
         "the class."),
        (lambda w, c: np.maximum(_picture(w, c), 0), "The negative weights are gone, and with them "
         "the evidence against the class."),
        (lambda w, c: -_picture(w, c), "The sign is flipped."),
        *[
            (lambda w, c, k=k: _picture(w, k), f"This is always class {k}: use class_index.")
            for k in range(10)
        ],
        (lambda w, c: _picture(w, c - 1), "This is the class before: classes are counted from 0."),
        (lambda w, c: _picture(w, min(c + 1, 9)), "This is the class after: classes are counted "
         "from 0."),
        (lambda w, c: w.sum(axis=1).reshape(8, 8), "All classes are added up: pick one column."),
        (lambda w, c: w.mean(axis=1).reshape(8, 8), "This is the mean of all classes: pick one "
         "column."),
        (lambda w, c: w.max(axis=1).reshape(8, 8), "This is the largest weight of all classes: "
         "pick one column."),
        (lambda w, c: w.reshape(8, 8, 10), "These are the pictures of all classes: pick one."),
        (lambda w, c: w.T.reshape(10, 8, 8), "These are the pictures of all classes: pick one."),
        (lambda w, c: _picture(w, c)[None], "Right numbers, but there's an axis too many: the "
         "picture is (8, 8)."),
        *[
            (lambda w, c, f=scaled: f(_picture(w, c), w), SCALED)
            for scaled in (
                lambda p, w: p / abs(p).max(),
                lambda p, w: p / abs(w).max(),
                lambda p, w: p / p.max(),
                lambda p, w: p / w.max(),
                lambda p, w: p / p.sum(),
                lambda p, w: (p - p.min()) / np.ptp(p),
                lambda p, w: p - p.mean(),
                lambda p, w: (p - p.mean()) / p.std(),
                lambda p, w: p - w.mean(axis=1).reshape(8, 8),
                lambda p, w: p * 16,
                lambda p, w: p / 16,
            )
        ],
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 1.4


def _central(score, x, h, up=1, down=1, over=None, finish=np.array, inputs=slice(None)):
    """Slopes from steps of up * h and down * h, divided by `over`: right by default."""
    x = np.asarray(x, float)
    over = 2 * h if over is None else over
    steps = h * np.eye(len(x))[inputs]
    return finish([(score(x + up * s) - score(x - down * s)) / over for s in steps])


def _all_inputs_at_once(score, x, h):
    return (score(x + h) - score(x - h)) / (2 * h)


def _without_copies(score, x, h):
    slopes = []
    for i in range(len(x)):
        plus, minus = x, x
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return np.array(slopes)


def _copies_before_the_loop(score, x, h):
    plus, minus, slopes = x.copy(), x.copy(), []
    for i in range(len(x)):
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return np.array(slopes)


def _moves_x(score, x, h):
    slopes = []
    for i in range(len(x)):
        minus = x.copy()
        x[i] += h
        minus[i] -= h
        slopes.append((score(x) - score(minus)) / (2 * h))
    return np.array(slopes)


def _takes(count: int, formula):
    """Return a score of `count` numbers, which says so if it's called with another shape."""

    def score(x):
        if np.shape(x) != (count,):
            raise Mistake(
                f"The score was asked for an input of shape {np.shape(x)}; it takes all {count} "
                "numbers at once. Change one entry of a copy, and pass the whole copy."
            )
        return formula(np.asarray(x, float))

    return score


AT_ONCE = "All inputs were moved at once: move one, hold the others."
GIVEN_STEP = "Right for one step size, but the step must be the h that is given."
FIRST_SLOPE_ONLY = "Only the first slope is returned: is the `return` inside the loop?"
FIRST_INPUT_MISSING = "The first input is left out: inputs are counted from 0, range(len(x))."

finite_differences = Exercise(
    id="1.4",
    right=lambda score, x, h: _central(score, x, h),
    inputs={
        # Central differences are exact for a square, whatever the step; one-sided ones aren't.
        "S = a^2 + 3ab - 5c at a=1, b=2, c=4, with h = 0.25": lambda: (
            _takes(3, lambda x: x[0] ** 2 + 3 * x[0] * x[1] - 5 * x[2]),
            np.array([1.0, 2.0, 4.0]),
            0.25,
        ),
        # From 0.3, only a step of 0.5 crosses the kink.
        "S = |a| + |b| at a=0.3, b=-4, with h = 0.5": lambda: (
            _takes(2, lambda x: abs(x).sum()), np.array([0.3, -4.0]), 0.5,
        ),
        "a curved score of five inputs, with h = 0.1": lambda: (
            _takes(5, lambda x: np.exp(x[:3]).sum() * np.sin(x[2:]).sum()),
            _drawn(5, scale=1),
            0.1,
        ),
        "S = a^3 at a=0.7, with h = 0.3": lambda: (
            _takes(1, lambda x: x[0] ** 3), np.array([0.7]), 0.3,
        ),
    },
    truth=[8, 3, -5],  # 2a + 3b, 3a and -5
    axes=("input",),
    errors=[
        ("only integers|must be integers|'int' object is not iterable", "i has to count the "
         "inputs: range(len(x))."),
        ("out of bounds", "The inputs are counted from 0 to len(x) - 1, and there aren't always "
         "three: range(len(x))."),
        ("builtin_function", "Brackets are missing: x.copy() makes a copy."),
    ],
    wrong=[
        (_without_copies, "Both scores are the same. Do plus and minus both go the same way? Or "
         "are they one and the same array: plus = x is only a second name for x, plus = x.copy() "
         "is a copy."),
        (_copies_before_the_loop, "Each input needs a fresh copy of x. These copies were made "
         "once, before the loop, so all earlier inputs have moved as well."),
        (_moves_x, "x itself was changed: plus = x is a second name, plus = x.copy() a copy."),
        (lambda s, x, h: _central(s, x, h, over=h), "Twice too steep: the two points are 2h apart, "
         "so divide by 2h."),
        (lambda s, x, h: _central(s, x, h, over=1), "That's the difference, not the slope yet: "
         "divide by 2h."),
        (lambda s, x, h: _central(s, x, h, over=2 / h), "/ 2 * h divides by 2 and multiplies by h: "
         "write / (2 * h)."),
        (lambda s, x, h: _central(s, x, h, over=2), "Only divided by 2: the points are 2h apart, "
         "so write / (2 * h)."),
        (lambda s, x, h: _central(s, x, h, over=h / 2), "/ h * 2 divides by h and multiplies by 2: "
         "write / (2 * h)."),
        (lambda s, x, h: _central(s, x, 1, over=2 * h), "The step is 1. Go h up and h down."),
        (lambda s, x, h: [
            (s(np.where(e, h, x)) - s(np.where(e, -h, x))) / (2 * h) for e in np.eye(len(x))
        ], "The entry was set to h and -h. Start from x: plus[i] += h, minus[i] -= h."),
        (lambda s, x, h: _central(s, x, h, over=h**2), "Divided by h squared: the points are 2h "
         "apart, so write / (2 * h)."),
        (lambda s, x, h: -_central(s, x, h), "The sign is flipped: take the step up minus the step "
         "down."),
        (lambda s, x, h: [s(x + e) - s(x - e) / (2 * h) for e in h * np.eye(len(x))], "Brackets "
         "are missing: (score(plus) - score(minus)) / (2 * h). Without them only the second score "
         "is divided."),
        (lambda s, x, h: [(s(x + e) + s(x - e)) / (2 * h) for e in h * np.eye(len(x))], "The two "
         "scores are added: take the step up minus the step down."),
        (lambda s, x, h: abs(_central(s, x, h)), "The signs are gone: a slope may be negative."),
        (lambda s, x, h: _central(s, x, h, down=0, over=h), "A step up only: go down as well, and "
         "divide by 2h."),
        (lambda s, x, h: _central(s, x, h, down=0), "A step up only, and divided by 2h: go down "
         "as well."),
        (lambda s, x, h: _central(s, x, h, up=2, down=0), "A step of 2h up only: go h up and h "
         "down."),
        (lambda s, x, h: _central(s, x, h, up=0, over=h), "A step down only: go up as well, and "
         "divide by 2h."),
        (lambda s, x, h: _central(s, x, h, up=0), "A step down only, and divided by 2h: go up as "
         "well."),
        (lambda s, x, h: _central(s, x, h, up=0.5, down=0.5, over=h), "The steps are h / 2: go h "
         "up and h down, and divide by 2h."),
        (lambda s, x, h: _central(s, x, h, up=2, down=2, over=4 * h), "The steps are 2h: go h up "
         "and h down, and divide by 2h."),
        (lambda s, x, h: (s(x + h) - s(x)) / h, "All inputs were moved at once: move one at a "
         "time."),
        (_all_inputs_at_once, AT_ONCE),
        (lambda s, x, h: [_all_inputs_at_once(s, x, h) for _ in x], AT_ONCE),
        (lambda s, x, h: [(s(x + h) - s(x)) / h for _ in x], AT_ONCE),
        *[
            (lambda s, x, h, step=step: _central(s, x, step), GIVEN_STEP)
            for step in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
        ],
        (lambda s, x, h: _central(s, x, h)[0], FIRST_SLOPE_ONLY),
        (lambda s, x, h: _central(s, x, h)[:1], FIRST_SLOPE_ONLY),
        (lambda s, x, h: _central(s, x, h)[-1], "Only the last slope is returned. Collect them in "
         "a list, and return them all."),
        (lambda s, x, h: _central(s, x, h, inputs=slice(1, None)), FIRST_INPUT_MISSING),
        (lambda s, x, h: [0, *_central(s, x, h)[1:]], FIRST_INPUT_MISSING),
        (lambda s, x, h: _central(s, x, h, inputs=slice(-1)), "The last input is left out: "
         "range(len(x)) ends with it."),
        (lambda s, x, h: _central(s, x, h, inputs=slice(3)), "Three inputs are written out, and "
         "there aren't always three: range(len(x))."),
        (lambda s, x, h: _central(s, x, h, finish=np.sum), "The slopes were added up. Return them "
         "all."),
        (lambda s, x, h: [_central(s, x, h)], "Right numbers, but with an axis too many: one slope "
         "per input."),
        (lambda s, x, h: x * _central(s, x, h), "That's gradient times input: leave the input "
         "out."),
    ],
)  # fmt: skip


# ------------------------------------------------------------------------------------ 1.5


def _two_layers(
    x,
    w1,
    b1,
    w2,
    class_index,
    *,
    gate=lambda z: z > 0,
    of_z=lambda x, w1, b1: x @ w1 + b1,
    column=lambda w2, c: w2[:, c],
    back=lambda w1, v: w1 @ v,
):
    """The chain rule; each keyword is a way to get it wrong."""
    x, w1, w2 = np.asarray(x), np.asarray(w1), np.asarray(w2)
    return back(w1, gate(of_z(x, w1, b1)) * column(w2, class_index))


def _hidden(x, w1, b1):
    return np.maximum(x @ w1 + b1, 0)


def _by_hand() -> tuple[np.ndarray, ...]:
    # z = (1, 5, 0) + (-2, -1, 1) = (-1, 4, 1): the first unit is closed.
    x, b1 = np.array([1.0, 2.0]), np.array([-2.0, -1.0, 1.0])
    w1 = np.array([[1.0, -1.0, 2.0], [0.0, 3.0, -1.0]])
    return x, w1, b1, np.array([[2.0, 1.0], [-1.0, 4.0], [5.0, -3.0]])


def _network(n: int, m: int, classes: int, seed: int) -> tuple[np.ndarray, ...]:
    shapes = (n,), (n, m), (m,), (m, classes)
    return tuple(_drawn(*s, seed=10 * seed + i, scale=1) for i, s in enumerate(shapes))


CUT_AT_THE_END = "Negative slopes were cut at the end: a slope may be negative."
THE_SCORE = "That's the score itself. Return how it changes with x."

two_layer_gradient = Exercise(
    id="1.5",
    right=lambda x, w1, b1, w2, class_index: _two_layers(x, w1, b1, w2, class_index),
    inputs={
        "2 inputs, 3 hidden units (the first is closed) and class 1": lambda: (
            *_by_hand(), 1,
        ),
        "the same network and class 0": lambda: (*_by_hand(), 0),
        "the same network with b1 = (-1, -1, 1), where z = 0 in the first unit": lambda: (
            *_by_hand()[:2], np.array([-1.0, -1.0, 1.0]), _by_hand()[3], 0,
        ),
        "6 inputs, 5 hidden units and class 2 of 3": lambda: (*_network(6, 5, 3, seed=21), 2),
        "3 inputs, 7 hidden units and class 0 of 4": lambda: (*_network(3, 7, 4, seed=20), 0),
        "4 inputs, 4 hidden units and class 3 of 4": lambda: (*_network(4, 4, 4, seed=23), 3),
    },
    truth=[-10, 15],  # w1 (0, 4, -3)
    axes=("input",),
    errors=[
        ("broadcast", "These shapes don't fit together. Are brackets missing, as in w1 @ ((z > 0) "
         "* column)? One class is a column, w2[:, class_index]: one number per hidden unit. "
         "w2[class_index] is a row: one unit, all classes."),
        ("mismatch|align", "These shapes don't fit together. w1 is (n, m): x @ w1 sums over the "
         "inputs, and w1 @ v, in this order and without .T, over the hidden units."),
        ("out of bounds", "One class is a column, w2[:, class_index]; the hidden units are "
         "counted by range(len(b1)), the inputs by range(len(x))."),
        ("truth value", "z > 0 is one True or False per hidden unit: multiply by it instead of "
         "using an if."),
    ],
    wrong=[
        (lambda x, w1, b1, w2, c: w1 @ ((x @ w1 + b1 > 0) * w2)[:, c], "z > 0 is one number per "
         "hidden unit, and so is a column: pick it before you multiply, "
         "(z > 0) * w2[:, class_index]."),
        (lambda *a: _two_layers(*a, gate=lambda z: np.where(z > 0, 1, z)), "Open units count 1, "
         "but closed ones still count z: put a zero where z <= 0."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: 1), "W2 is missing: multiply z > 0 by the "
         "column w2[:, class_index]."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: (w1 * v)[
            :, np.flatnonzero(v).max(initial=0)
        ]), "Only the last open unit counts. Add up over all of them: +=, not =."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: (w1 * v).sum(axis=0)), "Added up over the "
         "inputs, axis=0. Add up over the hidden units, axis=1."),
        (lambda *a: _two_layers(*a).sum(), "The slopes were added up. Return one per input."),
        (lambda *a: _two_layers(*a)[:1], "Only the first slope is returned: is the `return` inside "
         "the loop?"),
        (lambda *a: _two_layers(*a, gate=np.ones_like), "Closed units pass nothing on: put a zero "
         "where z <= 0."),
        (lambda *a: _two_layers(*a, gate=lambda z: np.maximum(z, 0)), "An open unit counts 1, not "
         "its value a: multiply by z > 0."),
        (lambda *a: _two_layers(*a, gate=np.asarray), "Multiply by 1 where z > 0 and by 0 "
         "elsewhere, not by z."),
        (lambda *a: _two_layers(*a, gate=np.sign), "The sign of z gives -1 where a unit is closed. "
         "Multiply by 1 where z > 0 and by 0 elsewhere."),
        (lambda *a: _two_layers(*a, gate=lambda z: z < 0), "It's the other way round: the units "
         "with z > 0 are open."),
        (lambda *a: _two_layers(*a, gate=lambda z: (z > 0) & (np.arange(len(z)) > 0)), "The first "
         "hidden unit is left out: they are counted from 0, range(len(z))."),
        (lambda *a: _two_layers(*a, gate=lambda z: (z > 0) & (np.arange(len(z)) < len(z) - 1)),
         "The last hidden unit is left out: range(len(z)) ends with it."),
        (lambda *a: _two_layers(*a, gate=lambda z: (z > 0) & (np.arange(len(z)) < 3)), "Three "
         "hidden units are written out, and there aren't always three."),
        (lambda *a: _two_layers(*a, gate=lambda z: z >= 0), "A unit with z = 0 is closed: only "
         "units with z > 0 are open."),
        (lambda *a: _two_layers(*a, gate=lambda z: z > 1), "Units with z > 0 are open, not only "
         "those with z > 1."),
        (lambda *a: _two_layers(*a, gate=lambda z: 1 / (1 + np.exp(-z))), "That's a sigmoid of z. "
         "A ReLU is open or closed: multiply by z > 0."),
        (lambda *a: _two_layers(*a, of_z=lambda x, w1, b1: x @ w1), "z includes b1: without it, "
         "the wrong units are open."),
        (lambda *a: _two_layers(*a, of_z=lambda x, w1, b1: x @ w1 - b1), "b1 is subtracted: z is "
         "x @ w1 + b1."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: np.maximum(w2[:, c], 0)), "Negative "
         "slopes were cut as well (that is 'guided' backpropagation): only the sign of z closes a "
         "unit."),
        (lambda *a: _two_layers(*a, gate=np.ones_like,
         column=lambda w2, c: np.maximum(w2[:, c], 0)), "It's the sign of z that closes a unit, "
         "not that of w2."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: w2[:, c] > 0), "The sign of w2 doesn't "
         "close a unit, and its value counts: multiply w2[:, class_index] by z > 0."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: abs(w2[:, c])), "w2 lost its signs: a "
         "hidden unit may lower the score."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: abs(w1) @ v), "w1 lost its signs: an input "
         "may lower a hidden unit."),
        (lambda *a: np.maximum(_two_layers(*a), 0), CUT_AT_THE_END),
        (lambda *a: abs(_two_layers(*a)), "The signs are gone: a slope may be negative."),
        (lambda *a: -_two_layers(*a), "The sign is flipped."),
        (lambda *a: a[0] * _two_layers(*a), "That's gradient times input: leave the input out."),
        *[
            (lambda x, w1, b1, w2, c, k=k: _two_layers(x, w1, b1, w2, k), sentence)
            for k, sentence in [
                (0, "This is always class 0: use class_index."),
                (1, "This is always class 1: use class_index."),
                (-1, "This is always the last class: use class_index."),
            ]
        ],
        (lambda x, w1, b1, w2, c: _two_layers(x, w1, b1, w2, c - 1), "This is the class before: "
         "classes are counted from 0."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: w2[c]), "w2[class_index] is a row: one "
         "unit, all classes. One class is a column, w2[:, class_index]."),
        (lambda *a: _two_layers(*a, column=lambda w2, c: w2.sum(axis=1)), "All classes are added "
         "up: pick one column."),
        (lambda x, w1, b1, w2, c: _two_layers(
            x, w1, b1, w2, (_hidden(x, w1, b1) @ w2).argmax()
        ), "This is the class with the largest score: use class_index."),
        (lambda x, w1, b1, w2, c: np.outer(x, (x @ w1 + b1 > 0) * w2[:, c]), "That's the gradient "
         "with respect to w1, as in training. Return the one with respect to x."),
        (lambda x, w1, b1, w2, c: _hidden(x, w1, b1), "That's the gradient with respect to w2, as "
         "in training. Return the one with respect to x."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: v), "That's the gradient with respect to z. "
         "Go one step further back: w1 @ this."),
        (lambda x, w1, b1, w2, c: w2[:, c], "That's the gradient with respect to a. Keep going "
         "back: the gate, then w1."),
        (lambda x, w1, b1, w2, c: w1 @ ((x @ w1 + b1 > 0)[:, None] * w2), "These are all classes: "
         "pick the column first."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: w1 * v), "That's one number per path: add "
         "them up over the hidden units."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: (w1 * v).mean(axis=1)), "That's the mean "
         "over the hidden units. Take the sum."),
        (lambda *a: _two_layers(*a, back=lambda w1, v: w1.T @ v), "w1 is (n, m): it's w1 @ v, in "
         "this order and without .T, that sums over the hidden units."),
        (lambda x, w1, b1, w2, c: _hidden(x, w1, b1) @ w2, THE_SCORE),
        (lambda x, w1, b1, w2, c: _hidden(x, w1, b1) @ w2[:, c], THE_SCORE),
        (lambda *a: _two_layers(*a)[None], "Right numbers, but with an axis too many: the result "
         "has the shape of x."),
    ],
)  # fmt: skip
