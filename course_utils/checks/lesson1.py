"""Checks of lesson 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, verdict

__all__ = [
    "contributions",
    "finite_differences",
    "predict_linear",
    "two_layer_gradient",
    "weight_picture",
]


def _name_mistake(answer: np.ndarray, mistakes) -> None:
    """Raise the hint of the first known wrong answer that this one equals."""
    for wrong, hint in mistakes:
        wrong = np.asarray(wrong, float)
        if answer.shape == wrong.shape and np.allclose(answer, wrong, atol=1e-6):
            raise Mistake(hint)


def predict_linear(student: Callable) -> Callable:
    """Exercise 1.1: predict_linear(x, w, b) -> w . x + b, one number a row of x."""

    def working(x, w, b):
        return np.asarray(x) @ np.asarray(w) + b

    def cases(student):
        # Worked out by hand: 10*50 - 2*10 - 30*2 + 300 and 10*80 - 2*0 - 30*5 + 300.
        x = np.array([[50.0, 10.0, 2.0], [80.0, 0.0, 5.0]])
        w, b = np.array([10.0, -2.0, -30.0]), 300.0
        given = x.copy()
        y = answer_array(student, given, w.copy(), b, shape=None)
        if not np.array_equal(given, x):
            raise Mistake("x itself was changed, and with it the table of flats: no -=, no *=.")
        product = x * w
        _name_mistake(
            y,
            [
                ([420, 650], "The constant b is missing: it belongs to every prediction."),
                (product, "x * w multiplies; now add up each row's products, and then add b."),
                (product + b, "The products are not added up yet: one number a row of x."),
                (product.sum(axis=0), "axis=0 adds up over the flats: one number a feature."),
                (product.sum(axis=0) + b, "axis=0 adds up over the flats: one number a feature."),
                ((product + b).sum(axis=1), "b is added once a feature; add it once a flat."),
                (product.sum() + b, "All flats are added up. One number a row of x: x @ w."),
                (x @ abs(w) + b, "The weights lost their signs: age and distance lower the rent."),
                (x.sum(axis=1) + b, "The weights are missing: each feature counts w times."),
            ],
        )
        if y.shape != (2,):
            raise Mistake(
                f"Two flats need two predictions, shape (2,), and this is {y.shape}. Use the x "
                "that is given, not the notebook's flats."
            )
        if not np.allclose(y, [720, 950]):
            raise Mistake(
                "With the weights 10, -2, -30 and b = 300, the flat (50, 10, 2) must get "
                f"500 - 20 - 60 + 300 = 720, not {y[0]:.4g}. Use the x, w and b that are given."
            )

    errors = [
        ("align|mismatch|broadcast", "These shapes do not fit together. x is (2, 3) here and w is "
         "(3,), so it is x @ w, in this order."),
        ("out of bounds", "x[0] is the first flat. The first feature of all is x[:, 0]."),
    ]  # fmt: skip
    return verdict("1.1", student, working, cases, errors)


def contributions(student: Callable) -> Callable:
    """Exercise 1.2: contributions(x, reference, w) -> w (x - reference), of the shape of x."""

    def working(x, reference, w):
        return (np.asarray(x) - reference) * np.asarray(w)

    def cases(student):
        x = np.array([[50.0, 10.0, 3.0], [80.0, 0.0, 5.0]])
        reference, w = np.array([60.0, 30.0, 4.0]), np.array([10.0, -2.0, -30.0])
        truth = np.array([[-100.0, 40.0, 30.0], [200.0, 60.0, -30.0]])  # by hand
        before = x.copy()
        parts = answer_array(student, x, reference, w, shape=None)
        if not np.array_equal(x, before):
            raise Mistake("x itself was changed. Make a new array: no -=, no *=.")
        _name_mistake(
            parts,
            [
                (x * w, "The reference is missing: compared with what? Subtract it from x first."),
                (x * w - reference, "The reference is in the units of x: subtract, then times w."),
                (-truth, "The sign is turned round: it is x - reference, from there to here."),
                (x - reference, "That is the difference alone, in mixed units: times the weights."),
                (truth.sum(axis=1), "That is the sum, one number a flat: @ adds up, * does not."),
                (truth.sum(axis=0), "That is the sum over the flats. Nothing is to be added up."),
                (w, "That is the sensitivity, the same for each flat: times the difference."),
                (np.broadcast_to(w, x.shape), "That is the sensitivity: times the difference."),
                (abs(truth), "The signs are gone: a contribution may lower the rent."),
                (
                    truth / truth.sum(axis=1, keepdims=True),
                    "Those are shares that sum to 1, not euros: do not divide by the sum.",
                ),
            ],
        )
        if parts.shape != x.shape:
            raise Mistake(f"One number for each number of x, (2, 3), and this is {parts.shape}.")
        if not np.allclose(parts, truth):
            raise Mistake(
                "An area of 50 with the reference 60 and the weight 10 contributes "
                f"10 * (50 - 60) = -100, not {parts[0, 0]:.4g}."
            )

    return verdict("1.2", student, working, cases)


def weight_picture(student: Callable) -> Callable:
    """Exercise 1.3: weight_picture(weights, class_index) -> (8, 8), with signs."""

    def working(weights, class_index):
        return np.asarray(weights)[:, class_index].reshape(8, 8)

    def cases(student):
        # A number that tells where it comes from: class.row column, with a sign.
        row, column, c = np.meshgrid(range(8), range(8), range(10), indexing="ij")
        sign = np.where((row + column + c) % 3, 1, -1)
        by_place = sign * (100 * (c + 1) + 10 * row + column).astype(float)
        weights, truth = by_place.reshape(64, 10), by_place[:, :, 4]
        picture = answer_array(student, weights.copy(), 4, shape=None)
        mixed = weights.reshape(10, 8, 8)[4]
        _name_mistake(
            picture,
            [
                (weights[4], "weights[4] is pixel 4 for all classes. Class 4 is a column: [:, 4]."),
                (truth.ravel(), "Right weights, still in one line: .reshape(8, 8) makes rows."),
                (truth.T, "Rows and columns are swapped: reading order is .reshape(8, 8) alone."),
                (truth[::-1], "The picture is upside down: row 0 is the top row."),
                (mixed, "reshape(10, 8, 8) mixes the classes: pick the column first."),
                (abs(truth), "The signs are gone, and with them what speaks against the class."),
                (-truth, "The sign is turned round."),
                (by_place[:, :, 0], "This is always class 0: use class_index."),
                (by_place[:, :, 3], "This is the class before: classes are counted from 0."),
                (by_place.sum(axis=2), "All classes are added up: pick one column."),
                (by_place, "These are the pictures of all classes: pick one."),
            ],
        )
        if picture.shape != (8, 8):
            raise Mistake(f"The picture has 8 rows and 8 columns, and this is {picture.shape}.")
        if not np.allclose(picture, truth):
            if np.isclose(np.corrcoef(picture.ravel(), truth.ravel())[0, 1], 1):
                raise Mistake("The numbers were scaled or shifted: the weights themselves, please.")
            raise Mistake(
                "Pixel 8 * row + column of the class belongs at [row, column], of the weights that "
                "are given."
            )

    errors = [
        ("reshape", "A picture has 64 numbers, and those of class c are the column weights[:, c]."),
    ]
    return verdict("1.3", student, working, cases, errors)


def finite_differences(student: Callable) -> Callable:
    """Exercise 1.4: finite_differences(score, x, h) -> the n slopes, by steps up and down."""

    def working(score, x, h):
        x = np.asarray(x, float)
        return np.array(
            [(score(x + step) - score(x - step)) / (2 * h) for step in h * np.eye(len(x))]
        )

    def cases(student):
        # S = a^2 + 3 a b - 5 c at (1, 2, 4): the slopes are 2a + 3b = 8, 3a = 3, and -5. The step
        # is large: central differences are exact for a square, others show what they are.
        def score(x):
            if np.shape(x) != (3,):
                raise Mistake(
                    f"The score was asked for an input of shape {np.shape(x)}; it takes all 3 "
                    "numbers at once. Change one entry of a copy, and pass the whole copy."
                )
            return x[0] ** 2 + 3 * x[0] * x[1] - 5 * x[2]

        truth, h = np.array([8.0, 3.0, -5.0]), 0.25
        x = np.array([1.0, 2.0, 4.0])
        before = x.copy()
        slopes = answer_array(student, score, x, h, shape=None)
        if not np.array_equal(x, before):
            raise Mistake(
                "x itself was changed: plus = x is a second name, plus = x.copy() a copy."
            )
        together = (score(x + h) - score(x - h)) / (2 * h)
        half_a_step = np.array([h, 0, 0])
        _name_mistake(
            slopes,
            [
                (
                    np.zeros(3),
                    "Both scores are the same: are plus and minus one and the same array? "
                    "plus = x is only a second name for x, plus = x.copy() is a copy.",
                ),
                (truth * 2, "Twice too steep: the two points are 2h apart, so divide by 2h."),
                (truth * 2 * h, "That is the difference, not the slope yet: divide by 2h."),
                (truth * h * h, "/ 2 * h divides by 2 and multiplies by h: write / (2 * h)."),
                (truth * h, "Only divided by 2: the points are 2h apart, so write / (2 * h)."),
                (-truth, "The sign is turned round: the step up minus the step down."),
                (
                    [score(x + e) - score(x - e) / (2 * h) for e in h * np.eye(3)],
                    "Brackets are missing: (score(plus) - score(minus)) / (2 * h). Without them "
                    "only the second score is divided.",
                ),
                (abs(truth), "The signs are gone: a slope may be negative."),
                (truth + half_a_step, "A step up only: go down as well, and divide by 2h."),
                (truth - half_a_step, "A step down only: go up as well, and divide by 2h."),
                (
                    (score(x + h) - score(x)) / h,
                    "All inputs were moved at once: move one at a time.",
                ),
                (together, "All inputs were moved at once: move one, hold the others."),
                (np.full(3, together), "All inputs were moved at once: move one, hold the others."),
            ],
        )
        if slopes.shape != x.shape:
            raise Mistake(
                f"Three inputs have three slopes, shape (3,), and this is {slopes.shape}. Is the "
                "return inside the loop?"
            )
        if not np.allclose(slopes, truth):
            raise Mistake(
                "For S = a^2 + 3ab - 5c at a=1, b=2, c=4 the slopes are 8, 3 and -5, and these are "
                f"{slopes.round(3).tolist()}. Each input starts from a fresh copy of x, to one "
                "entry of which h is added (+=)."
            )
        # The step has to be the one that is given: from 0.3, only one of 0.5 goes round the corner.
        corner = answer_array(
            student, lambda x: abs(x).sum(), np.array([0.3, -4.0]), 0.5, shape=(2,)
        )
        if not np.allclose(corner, [0.6, -1]):
            raise Mistake("Right for one step size, but the step must be the h that is given.")

    errors = [("only integers|must be integers", "i has to count the inputs: range(len(x)).")]
    return verdict("1.4", student, working, cases, errors)


def two_layer_gradient(student: Callable) -> Callable:
    """Exercise 1.5: two_layer_gradient(x, w1, b1, w2, class_index) -> d S_c / d x."""

    def working(x, w1, b1, w2, class_index):
        is_open = np.asarray(x) @ w1 + b1 > 0
        return np.asarray(w1) @ (is_open * np.asarray(w2)[:, class_index])

    def cases(student):
        # By hand: z = (1, 5, 0) + (-2, -1, 1) = (-1, 4, 1): the first unit is closed.
        x = np.array([1.0, 2.0])
        w1, b1 = np.array([[1.0, -1.0, 2.0], [0.0, 3.0, -1.0]]), np.array([-2.0, -1.0, 1.0])
        w2 = np.array([[2.0, 1.0], [-1.0, 4.0], [5.0, -3.0]])
        truth = {0: [11.0, -8.0], 1: [-10.0, 15.0]}  # w1 (0, -1, 5) and w1 (0, 4, -3)
        arrays = (x, w1, b1, w2)
        given = tuple(a.copy() for a in arrays)
        z = np.array([-1.0, 4.0, 1.0])
        gate, a = z > 0, np.maximum(z, 0)
        answers = {}
        for c in (0, 1):
            g = answers[c] = answer_array(student, *given, c, shape=None)
            if not np.array_equal(w2, given[3]):
                raise Mistake(
                    "w2 was changed: w2[:, c] is a window on w2, not a copy. Multiply the column "
                    "by (z > 0), which makes a new array."
                )
            if not all(map(np.array_equal, given, arrays)):
                raise Mistake("One of the arrays given was changed. Make new ones instead.")
            v = w2[:, c]
            _name_mistake(
                g,
                [
                    (w1 @ v, "Closed units pass nothing on: put a zero where z <= 0."),
                    (w1 @ (a * v), "An open unit counts 1, not its value a: multiply by z > 0."),
                    (w1 @ (z * v), "Multiply by 1 where z > 0 and by 0 elsewhere, not by z."),
                    (w1 @ ((x @ w1 > 0) * v), "z includes b1: without it other units are open."),
                    (w1 @ (~gate * v), "The other way round: open are the units with z > 0."),
                    (
                        w1 @ (gate * np.maximum(v, 0)),
                        "Negative slopes were cut as well (that is 'guided' backpropagation): only "
                        "the sign of z closes a unit.",
                    ),
                    (w1 @ np.maximum(v, 0), "The sign of w2 closes no unit: the sign of z does."),
                    (
                        np.maximum(w1 @ (gate * v), 0),
                        "Negative slopes were cut at the end: a slope may be negative.",
                    ),
                    (abs(w1 @ (gate * v)), "The signs are gone: a slope may be negative."),
                    (-(w1 @ (gate * v)), "The sign is turned round."),
                    (x * (w1 @ (gate * v)), "That is gradient times input: leave the input out."),
                    (w1 @ (gate * w2.sum(axis=1)), "All classes are added up: pick one column."),
                    (
                        np.outer(x, gate * v),
                        "That is the gradient of w1, as in training: not of x.",
                    ),
                    (a, "That is the gradient of w2, as in training. Asked for: that of x."),
                    (gate * v, "That is the gradient of z. One step further back: w1 @ this."),
                    (
                        v,
                        "That is the gradient of a alone. Go on back: the gate, then w1.",
                    ),
                    (w1 @ (gate[:, None] * w2), "These are all classes: pick the column first."),
                    (w1 * (gate * v), "One number for each path: add up over the hidden units."),
                    (a @ w2, "That is the score itself. Asked for: how it moves with x."),
                    (a @ v, "That is the score itself. Asked for: how it moves with x."),
                ],
            )
            if g.shape != x.shape:
                raise Mistake(f"One slope for each input, shape (2,), and this is {g.shape}.")
        if np.allclose(answers[0], answers[1]):
            raise Mistake("Both classes get the same gradient: use class_index.")
        for c, g in answers.items():
            if not np.allclose(g, truth[c]):
                raise Mistake(
                    "In a network with two inputs and three hidden units, of which the first is "
                    f"closed, the gradient of class {c} is {truth[c]} by hand; yours is "
                    f"{g.round(3).tolist()}."
                )
        _against_nudges(student)

    errors = [
        ("broadcast", "These shapes do not fit together. Are brackets missing, as in "
         "w1 @ ((z > 0) * column)? One class is a column, "
         "w2[:, class_index]: one number for each hidden unit. w2[class_index] is a row: one unit, "
         "all classes."),
        ("mismatch|align", "These shapes do not fit together. w1 is (n, m): x @ w1 sums over the "
         "inputs, and w1 @ v, in this order and without .T, over the hidden units."),
    ]  # fmt: skip
    return verdict("1.5", student, working, cases, errors)


def _against_nudges(student: Callable) -> None:
    """Compare with finite differences on random networks of other sizes."""
    rng = np.random.default_rng(3)
    for n, m, classes in ((6, 5, 3), (3, 7, 4)):
        x, w1, b1 = rng.normal(size=n), rng.normal(size=(n, m)), rng.normal(size=m)
        w2 = rng.normal(size=(m, classes))
        steps = 1e-6 * np.eye(n)
        score = lambda x: np.maximum(x @ w1 + b1, 0) @ w2[:, 2]  # noqa: E731, B023 - used at once
        nudged = [(score(x + step) - score(x - step)) / 2e-6 for step in steps]
        g = answer_array(student, x, w1, b1, w2, 2, shape=(n,))
        if not np.allclose(g, nudged, atol=1e-5):
            raise Mistake("On another network the answer disagrees with finite differences.")
