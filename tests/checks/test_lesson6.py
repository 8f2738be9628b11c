"""The checks of lesson 6 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from judging import judge

from course_utils import checks

# ------------------------------------------------------------------------------------ 6.1


def right_points(m, mask):
    return mask[np.unravel_index(m.argmax(), m.shape)]


def flat_as_row(m, mask):
    return mask[m.argmax() % len(m), m.argmax() // len(m)]


def within_the_box(m, mask):
    i, j = np.unravel_index(m.argmax(), m.shape)
    return mask.any(axis=1)[i] and mask.any(axis=0)[j]


# ------------------------------------------------------------------------------------ 6.2


def delete(
    order=lambda m: np.argsort(-m.ravel(), kind="stable"),
    copy=True,
    keep=True,
    first=True,
    split=np.array_split,
    channel=slice(None),
):
    """Exercise 6.2 with one thing done otherwise."""

    def answer(probability, x, m, steps):
        y = x.copy() if copy else x
        found = [probability(y)] if first else []
        for part in split(order(m), steps):
            if not keep:
                y = x.copy()
            y.reshape(-1, y.shape[-1])[part, channel] = 0
            found.append(probability(y))
        return np.array(found)

    return answer


def by_masks(probability, x, m, steps):
    rank = np.argsort(np.argsort(-m, axis=None)).reshape(m.shape)
    bounds = [part[-1] for part in np.array_split(np.arange(m.size), steps)]
    return [probability(x)] + [probability(x * (rank > b)[..., None]) for b in bounds]


def insertion(probability, x, m, steps):
    y, found = np.zeros_like(x), [probability(np.zeros_like(x))]
    for part in np.array_split(np.argsort(-m.ravel()), steps):
        y.reshape(-1, x.shape[-1])[part] = x.reshape(-1, x.shape[-1])[part]
        found.append(probability(y))
    return found


def taken_away(probability, x, m, steps):
    pixels = x.reshape(-1, x.shape[-1])
    keep = np.argsort(-m.ravel())
    return [probability(pixels[keep[k * 2 :]]) for k in range(steps + 1)]


def equal_parts(order, steps):
    n = len(order) // steps
    return [order[k * n : (k + 1) * n] for k in range(steps)]


# ------------------------------------------------------------------------------------ 6.3


def right_shuffle(weights, rng):
    return rng.permuted(weights)


def in_place(weights, rng):
    rng.shuffle(weights.reshape(-1))
    return weights


# ------------------------------------------------------------------------------------ 6.4


def ranks(a):
    return np.argsort(np.argsort(np.ravel(a)))


def corr(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def by_formula(a, b):
    d, n = ranks(a) - ranks(b), np.size(a)
    return 1 - 6 * (d**2).sum() / (n * (n**2 - 1))


def by_counting(a, b):
    def rank(values):
        return [sum(other < value for other in values) for value in values]

    return corr(rank(np.ravel(a)), rank(np.ravel(b)))


# ------------------------------------------------------------------------------------ 6.5


def grouped(value=None, rows=None, empty=np.nan):
    """Exercise 6.5 with one thing done otherwise."""
    value = value or (lambda right, group: right[group].mean())

    def answer(predicted, labels, tagged):
        table = np.full((2, 2), float(empty))
        for i in (0, 1):
            for j in (0, 1):
                group = ((labels if rows is None else predicted) == i) & (tagged == j)
                if group.any():
                    table[i, j] = value(predicted == labels, group)
        return table

    return answer


right_table = grouped()


def nested_lists(predicted, labels, tagged):
    def accuracy(i, j):
        hits = [
            p == y for p, y, t in zip(predicted, labels, tagged, strict=True) if (y, t) == (i, j)
        ]
        return sum(hits) / len(hits) if hits else float("nan")

    return [[accuracy(i, j) for j in (False, True)] for i in (0, 1)]


def by_mean_of_empty(predicted, labels, tagged):
    right = predicted == labels
    return np.array(
        [[np.mean(right[(labels == i) & (tagged == j)]) for j in (0, 1)] for i in (0, 1)]
    )


def marginal(axis):
    """Divide by the pictures of the label (0) or of the tag (1) instead of the group."""

    def answer(predicted, labels, tagged):
        right = predicted == labels
        table = np.zeros((2, 2))
        for i in (0, 1):
            for j in (0, 1):
                whole = (labels == i) if axis == 0 else (tagged == j)
                table[i, j] = (right & (labels == i) & (tagged == j)).sum() / whole.sum()
        return table

    return answer


def clear(predicted, labels, tagged):
    table = right_table(predicted, labels, tagged)
    predicted[:] = 0
    return table


RIGHT = {
    "points_inside": [
        right_points,
        lambda m, mask: m[mask].max() > m[~mask].max(),
        lambda m, mask: tf.reshape(mask, [-1])[tf.argmax(tf.reshape(m, [-1]))],
        lambda m, mask: int(mask.ravel()[np.argmax(m)]),
    ],
    "deletion": [
        delete(),
        by_masks,
        delete(order=lambda m: np.argsort(m.ravel())[::-1]),
        lambda p, x, m, s: [tf.constant(v) for v in delete()(p, x, m, s)],
    ],
    "shuffled": [
        right_shuffle,
        lambda w, rng: rng.permutation(w.ravel()).reshape(w.shape),
        lambda w, rng: np.ravel(w)[np.argsort(rng.random(w.size))].reshape(w.shape),
    ],
    "rank_agreement": [lambda a, b: corr(ranks(a), ranks(b)), by_formula, by_counting],
    "accuracy_by_group": [right_table, nested_lists],
}

WRONG = {
    "points_inside": [
        (lambda m, mask: not right_points(m, mask), "other way round"),
        (
            lambda m, mask: mask.T[np.unravel_index(m.argmax(), m.T.shape)],
            "swapped|upper left",
        ),
        (flat_as_row, "swapped|end up as a row"),
        (lambda m, mask: mask[np.unravel_index(np.abs(m).argmax(), m.shape)], "against the class"),
        (lambda m, mask: mask[np.unravel_index((m**2).argmax(), m.shape)], "against the class"),
        (lambda m, mask: m[mask].mean() > m[~mask].mean(), "single largest"),
        (lambda m, mask: m[mask].sum() > m[~mask].sum(), "single largest"),
        (lambda m, mask: (m * mask).sum() > m.sum() / 2, "single largest"),
        (lambda m, mask: (m * mask).max() == m.max(), "closest to 0"),
        (within_the_box, "the box around"),
        (lambda m, mask: mask[m.max(axis=1).argmax()].any(), "row or the column alone"),
        (lambda m, mask: mask[m.argmax() % 4], "has the shape"),
        (lambda m, mask: mask & (m == m.max()), "has the shape"),
        (lambda m, mask: True, "upper left"),
        (lambda m, mask: m.put(m.argmax(), 0) or False, "itself was"),
    ],
    "deletion": [
        (delete(order=lambda m: np.argsort(m.ravel())), "weakest pixels"),
        (delete(order=lambda m: np.argsort(-np.abs(m).ravel())), r"follows \|m\|"),
        (delete(order=lambda m: np.arange(m.size)), "row by row"),
        (delete(order=lambda m: np.argsort(np.argsort(-m.ravel()))), "argsort twice"),
        (delete(keep=False), "stays deleted"),
        (delete(first=False), "first number is missing"),
        (lambda p, x, m, s: delete()(p, x, m, s)[:-1], "last number is missing"),
        (insertion, "This is insertion"),
        (lambda p, x, m, s: insertion(p, x, m, s)[::-1], "weakest pixels"),
        (delete(copy=False), "itself was changed"),
        (delete(channel=0), "one channel"),
        (delete(split=lambda order, steps: order[:steps, None]), "One pixel a step"),
        (delete(split=equal_parts), "left over"),
        (taken_away, "instead of taking them away"),
        (lambda p, x, m, s: delete()(p, x, m, 2 * s), r"4 steps give 5"),
        (lambda p, x, m, s: delete()(p, x, m, s) / 2, "After the first step"),
    ],
    "shuffled": [
        (lambda w, rng: w, "as they were"),
        (lambda w, rng: rng.permutation(w), "Only axis 0"),
        (lambda w, rng: rng.permutation(w, axis=-1), "Only axis 2"),
        (lambda w, rng: rng.permuted(w, axis=0), "along one axis"),
        (lambda w, rng: rng.permutation(w.ravel()), "its own shape"),
        (lambda w, rng: rng.standard_normal(w.shape), "other numbers"),
        (lambda w, rng: w + 0.1 * rng.standard_normal(w.shape), "other numbers"),
        (lambda w, rng: rng.choice(w.ravel(), w.shape), "other numbers"),
        (lambda w, rng: np.zeros(w.shape), "other numbers"),
        (lambda w, rng: np.random.default_rng(0).permuted(w), "Every generator"),
        (lambda w, rng: np.random.default_rng().permuted(w), "another order each time"),
        (in_place, "themselves were"),
    ],
    "rank_agreement": [
        (corr, "correlation of the values"),
        (lambda a, b: corr(np.argsort(a.ravel()), np.argsort(b.ravel())), "argsort of argsort"),
        (lambda a, b: corr(np.sort(a.ravel()), np.sort(b.ravel())), "no longer known"),
        (lambda a, b: corr(ranks(np.abs(a)), ranks(np.abs(b))), "signs are gone"),
        (lambda a, b: corr(ranks(a), ranks(-b)), "turned round"),
        (lambda a, b: corr(ranks(a), b), "Only one of the two"),
        (lambda a, b: (ranks(a) == ranks(b)).mean(), "share of places"),
        (lambda a, b: by_formula(a, b) ** 2, "square of the correlation"),
        (lambda a, b: np.cov(ranks(a), ranks(b))[0, 1], "covariance"),
        (lambda a, b: np.corrcoef(ranks(a), ranks(b)), "One number"),
        (lambda a, b: np.corrcoef(a, b, rowvar=True)[0, 1], "rank correlation 0.543"),
        (lambda a, b: abs(by_formula(a, b)), "have -1"),
    ],
    "accuracy_by_group": [
        (lambda p, y, t: (p == y).mean(), "One number"),
        (lambda p, y, t: [(p == y)[y == i].mean() for i in (0, 1)], r"\(2, 2\)"),
        (lambda p, y, t: right_table(p, y, t).T, "turned"),
        (lambda p, y, t: right_table(p, y, ~t), "columns are swapped"),
        (lambda p, y, t: right_table(p, y, t)[::-1], "rows are swapped"),
        (lambda p, y, t: 1 - right_table(p, y, t), "wrong answers"),
        (grouped(lambda right, group: right[group].sum()), "numbers of right"),
        (grouped(lambda right, group: (right & group).mean()), "number of all pictures"),
        (marginal(0), "with that label"),
        (marginal(1), "without\\) the tag"),
        (grouped(rows="predicted"), "what was predicted"),
        (grouped(lambda right, group: group.sum()), "sizes of the groups"),
        (lambda p, y, t: 100 * right_table(p, y, t), "percent"),
        (grouped(empty=0), "got 0"),
        (grouped(empty=1), "got 1"),
        (lambda p, y, t: np.sqrt(right_table(p, y, t)), "row 0, column 0"),
        (clear, "was changed"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


def test_the_mean_of_nothing_is_accepted_as_no_accuracy(capsys):
    """np.mean of an empty group is NaN as well, with a warning of NumPy's that nobody needs."""
    assert checks.accuracy_by_group(by_mean_of_empty) is by_mean_of_empty


def test_a_fault_in_the_package_cannot_make_a_wrong_answer_pass(monkeypatch, capsys):
    """The checks know the answers by hand."""

    def wrong(a, b):
        return corr(np.argsort(np.ravel(a)), np.argsort(np.ravel(b)))

    monkeypatch.setattr("course_utils.evaluation.rank_correlation", wrong)
    assert checks.rank_agreement(wrong) is not wrong
    assert "argsort of argsort" in capsys.readouterr().out


def test_what_is_handed_out_is_what_the_package_computes():
    from course_utils.evaluation import pointing_game, rank_correlation

    rng = np.random.default_rng(0)
    stub = lambda *arguments: ...  # noqa: E731
    inside, agreement = checks.points_inside(stub), checks.rank_agreement(stub)
    for _ in range(20):
        a, b = rng.random((2, 5, 6))
        mask = b > 0.5
        assert inside(a, mask) == pointing_game(a, mask)
        assert np.isclose(agreement(a, b), rank_correlation(a, b))
