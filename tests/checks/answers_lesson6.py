"""Lesson 6: answers as students type them, right and wrong, none of them spelled like the table."""

import numpy as np  # noqa: F401 - what the notebook has imported

# Deletion, but for a piece or two; the pieces are lines of the loop.
DELETE = """
y = x.copy()
order = np.argsort(-m.ravel())
found = [probability(y)]
for part in np.array_split(order, steps):
    {lines}
return found
"""
# The table of lesson 6.5, except for what is put into it.
GROUPS = """
table = np.full((2, 2), np.nan)
for i in range(2):
    for j in range(2):
        g = (labels == i) & (tagged == j)
        if g.sum():
            table[i, j] = {value}
return table
"""
RANKS = "p, q = np.ravel(a).argsort().argsort(), np.ravel(b).argsort().argsort()\n"

RIGHT = {
    "points_inside": [
        "return m[mask].max() > m[~mask].max()",
        "return int(mask.ravel()[np.argmax(m)])",
        "import tensorflow as tf\nreturn tf.reshape(mask, [-1])[tf.argmax(tf.reshape(m, [-1]))]",
        "return mask[m.max(axis=1).argmax(), m.max(axis=0).argmax()]",
        "best = (-np.inf, False)\n"
        "for values, inside in zip(m.tolist(), mask.tolist()):\n"
        "    best = max(best, *zip(values, inside))\n"
        "return best[1]",
        "places = np.argwhere(m == m.max())\nreturn mask[tuple(places[0])]",
        "row, column = divmod(int(np.argmax(m)), m.shape[1])\nreturn bool(mask[row][column])",
        "return np.where(mask, m, -np.inf).max() == m.max()",
    ],
    "deletion": [
        "rank = np.argsort(np.argsort(-m, axis=None)).reshape(m.shape)\n"
        "bounds = [part[-1] for part in np.array_split(np.arange(m.size), steps)]\n"
        "return [probability(x)] + [probability(x * (rank > b)[..., None]) for b in bounds]",
        "order = np.argsort(m.ravel())[::-1]\n"
        "result = []\n"
        "for k in range(steps + 1):\n"
        "    y = np.array(x)\n"
        "    rows, columns = np.unravel_index(order[: k * m.size // steps], m.shape)\n"
        "    y[rows, columns, :] = 0\n"
        "    result.append(probability(y))\n"
        "return result",
        "import tensorflow as tf\n"
        + DELETE.format(
            lines="y[np.unravel_index(part, m.shape)] = 0\n"
            "    found.append(tf.constant(probability(y)))"
        ),
        "pixels = x.reshape(-1, x.shape[-1]).copy()\n"
        "probabilities = np.zeros(steps + 1)\n"
        "probabilities[0] = probability(x)\n"
        "bounds = np.linspace(0, m.size, steps + 1).round().astype(int)\n"
        "order = np.flip(m.argsort(axis=None))\n"
        "for k, (start, end) in enumerate(zip(bounds, bounds[1:]), 1):\n"
        "    pixels[order[start:end]] *= 0\n"
        "    probabilities[k] = probability(pixels.reshape(x.shape))\n"
        "return probabilities",
        "ordered = np.sort(m, axis=None)[::-1]\n"
        "left = [ordered[round(m.size * k / steps) - 1] for k in range(1, steps + 1)]\n"
        "return (probability(x), *[probability(np.where((m < v)[..., None], x, 0)) for v in left])",
    ],
    "shuffled": [
        "return rng.permuted(weights)",
        "return np.ravel(weights)[np.argsort(rng.random(weights.size))].reshape(weights.shape)",
        "flat = weights.flatten()\nrng.shuffle(flat)\nreturn flat.reshape(weights.shape)",
        "import tensorflow as tf\n"
        "return tf.reshape(rng.permutation(tf.reshape(weights, [-1])), weights.shape)",
        "new = np.empty_like(weights)\nnew.flat[rng.permutation(weights.size)] = weights.flat\n"
        "return new",
        "return rng.choice(weights.ravel(), size=weights.shape, replace=False)",
        "return np.random.default_rng(rng.integers(2**32)).permuted(weights)",
    ],
    "rank_agreement": [
        RANKS + "n = p.size\nreturn 1 - 6 * ((p - q) ** 2).sum() / (n * (n**2 - 1))",
        "def ranks(values):\n"
        "    flat = np.asarray(values).flatten()\n"
        "    r = np.zeros(flat.size)\n"
        "    r[flat.argsort()] = np.arange(1, flat.size + 1)\n"
        "    return r - r.mean()\n"
        "p, q = ranks(a), ranks(b)\n"
        "return float(p @ q / np.sqrt((p @ p) * (q @ q)))",
        "ranks = [np.searchsorted(np.sort(v, axis=None), v).ravel() for v in (a, b)]\n"
        "return np.corrcoef(ranks)[1, 0]",
        RANKS + "return np.cov(p, q, ddof=0)[0, 1] / (p.std() * q.std())",
        "a, b = a.ravel().tolist(), b.ravel().tolist()\n"
        "p = {v: rank for rank, v in enumerate(sorted(a))}\n"
        "q = {v: rank for rank, v in enumerate(sorted(b))}\n"
        "return np.corrcoef([p[v] for v in a], [q[v] for v in b])[0][1]",
        "import tensorflow as tf\n"
        "p, q = (tf.argsort(tf.argsort(tf.reshape(v, [-1]))) for v in (a, b))\n"
        "return tf.constant(np.corrcoef(p, q)[0, 1])",
    ],
    "accuracy_by_group": [
        "import warnings\n"
        "right = predicted == labels\n"
        "groups = [[(labels == i) & (tagged == j) for j in (0, 1)] for i in (0, 1)]\n"
        "with warnings.catch_warnings():\n"
        "    warnings.simplefilter('ignore')  # the mean of nothing is NaN, with a warning\n"
        "    return np.array([[right[g].mean() for g in row] for row in groups])",
        "def accuracy(i, j):\n"
        "    hits = [p == y for p, y, t in zip(predicted, labels, tagged) if (y, t) == (i, j)]\n"
        "    return sum(hits) / len(hits) if hits else float('nan')\n"
        "return [[accuracy(i, j) for j in (False, True)] for i in (0, 1)]",
        "right = np.zeros((2, 2))\n"
        "size = np.zeros((2, 2))\n"
        "for p, y, t in zip(predicted, labels, tagged):\n"
        "    size[y, int(t)] += 1\n"
        "    right[y, int(t)] += p == y\n"
        "return np.divide(right, size, out=np.full((2, 2), np.nan), where=size > 0)",
        GROUPS.format(value="np.mean(predicted[g] == labels[g])"),
        GROUPS.format(value="1 - abs(predicted[g] - labels[g]).mean()"),
        "cells = 2 * labels + tagged\n"
        "size = np.bincount(cells, minlength=4)\n"
        "right = np.bincount(cells, weights=predicted == labels, minlength=4)\n"
        "return np.where(size, right / np.maximum(size, 1), np.nan).reshape(2, 2)",
        "import tensorflow as tf\n"
        + GROUPS.format(value="np.average(predicted[g] == i)").replace(
            "return table", "return tf.constant(table)"
        ),
    ],
}

WRONG = {
    "points_inside": [
        ("return mask.ravel()[np.argsort(m, axis=None)[-3:]].any()", "several places"),
        ("return m[mask].min() > m[~mask].max()", "every map that was tried"),
        ("i, j = np.unravel_index(np.abs(m).argmax(), m.shape)\nreturn mask[i, j]", "against the"),
        ("i, j = np.unravel_index((m**2).argmax(), m.shape)\nreturn mask[i, j]", "against the"),
        ("return mask.flat[np.argmin(m)]", "smallest"),
        ("row, column = np.unravel_index(m.argmin(), m.shape)\nreturn mask[row, column]", "small"),
        ("return not mask.flat[np.argmax(m)]", "the other way round"),
        ("return m[mask].max() < m[~mask].max()", "the other way round"),
        ("column, row = np.unravel_index(m.argmax(), m.shape)\nreturn mask[row, column]", "swap"),
        ("i, j = np.unravel_index(m.argmax(), m.T.shape)\nreturn mask.T[i, j]", "split wrongly|sw"),
        ("row, column = divmod(m.argmax(), len(m))\nreturn mask[row, column]", "split wrongly"),
        ("k = m.argmax()\nreturn mask[k % len(m), k // len(m)]", "split wrongly"),
        ("return mask[m.argmax()]", "row, column"),
        ("return mask[m.argmax() % 4]", "has the shape"),
        ("return mask[m.argmax(axis=0), m.argmax(axis=1)]", "without an axis"),
        ("return mask & (m == m.max())", "has the shape"),
        ("return mask[m.max(axis=1).argmax()].any()", "row or the column alone"),
        (
            "i, j = np.unravel_index(m.argmax(), m.shape)\n"
            "rows, columns = np.where(mask)\n"
            "return rows.min() <= i <= rows.max() and columns.min() <= j <= columns.max()",
            "The box around",
        ),
        ("return np.average(m[mask]) > np.average(m[~mask])", "Sums, means"),
        ("return m[mask].sum() / m.sum() > 0.5", "Sums, means"),
        ("return m.max() == (mask * m).max()", "Where no value is positive"),
        ("return m.max() in m * mask", "Where no value is positive"),
        ("return 1", "True for every map"),
        ("return np.argmax(m) == np.argmax(mask)", "first place of the object"),
        ("return None is mask", "False for every map"),
        ("return m[mask].max()", "True or False"),
        ("return 'hit' if mask.ravel()[m.argmax()] else 'miss'", "True or False"),
        ("hit = mask.ravel()[m.argmax()]\nm[:] = 0\nreturn hit", "`m` was changed"),
        ("hit = mask.ravel()[m.argmax()]\nmask ^= True\nreturn hit", "`mask` was changed"),
        ("return m.shape == (4, 6) and mask.ravel()[m.argmax()]", "square map.*must be True"),
    ],
    "deletion": [
        (
            "y = x.copy()\n"
            "for part in np.array_split(np.sort(-m.ravel()), steps):\n"
            "    y.reshape(-1, y.shape[-1])[part] = 0",
            "np.argsort their places",
        ),
        (
            "y, found = x.copy(), [probability(x)]\n"
            "for part in np.array_split(np.argsort(-m.ravel()), steps):\n"
            "    y.reshape(-1, y.shape[-1])[part] = 0\n"
            "    found.append(probability(y))\n"
            "return found[::-1]",
            "order is reversed",
        ),
        (
            "found = [probability(x)]\n"
            "for part in np.array_split(np.argsort(-m.ravel()), steps):\n"
            "    left = x.copy()\n"
            "    left.reshape(-1, x.shape[-1])[part] = 0\n"
            "    found.append(probability(left))\n"
            "return np.array(found)",
            "stays deleted",
        ),
        (
            DELETE.format(
                lines="y[np.unravel_index(part, m.shape)] = 0\n    found.append(probability(y))"
            ).replace("-m.ravel()", "m.ravel()"),
            "weakest pixels",
        ),
        (
            DELETE.format(
                lines="y[np.unravel_index(part, m.shape)] = 0\n    found.append(probability(y))"
            ).replace("-m.ravel()", "-abs(m).ravel()"),
            r"follows \|m\|",
        ),
        (
            DELETE.format(
                lines="y[np.unravel_index(part, m.shape)] = 0\n    found.append(probability(y))"
            ).replace("x.copy()", "x"),
            "`x` was changed",
        ),
        (
            DELETE.format(
                lines="y[np.unravel_index(part, m.shape)] = 0\n    found.append(probability(y))"
            ).replace("[probability(y)]", "[]"),
            "first number is missing",
        ),
        (
            DELETE.format(
                lines="y[np.unravel_index(part, m.shape)] = 0\n    found.append(probability(y))"
            ).replace("return found", "return found[:steps]"),
            "last number is missing",
        ),
        (
            DELETE.format(lines="y[..., 0].flat[part] = 0\n    found.append(probability(y))"),
            "first channel",
        ),
        (
            DELETE.format(lines="y.flat[part] = 0\n    found.append(probability(y))"),
            "counts pixels",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1]).copy()[part] = 0\n    "
                "found.append(probability(y))"
            ),
            "Nothing was deleted",
        ),
        (
            DELETE.format(
                lines="found.append(probability(y))\n    y.reshape(-1, y.shape[-1])[part] = 0"
            ),
            "Delete first, then ask",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1])[order] = 0\n    found.append(probability(y))"
            ),
            "in the first step",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1])[part] = 127.5\n    found.append(probability(y))"
            ),
            "not set to 0",
        ),
        (
            DELETE.format(lines="y[part] = 0\n    found.append(probability(y))"),
            "list of pixels first",
        ),
        (DELETE.format(lines="found.append(probability(y[None]))"), "add no axis"),
        (DELETE.format(lines="found.append(probability(y.tolist()))"), "NumPy array, not a list"),
        (
            "p = x.reshape(-1, x.shape[-1])\n"
            "keep = np.argsort(-m.ravel())\n"
            "n = m.size // steps\n"
            "return [probability(p[keep[k * n :]]) for k in range(steps + 1)]",
            "instead of taking them away",
        ),
        (
            "y = np.zeros_like(x)\n"
            "found = [probability(y)]\n"
            "for part in np.array_split(np.argsort(m.ravel())[::-1], steps):\n"
            "    where = np.unravel_index(part, m.shape)\n"
            "    y[where] = x[where]\n"
            "    found.append(probability(y))\n"
            "return found",
            "This is insertion",
        ),
        (
            "y, n = x.copy(), m.size // steps\n"
            "order = np.argsort(-m.ravel())\n"
            "found = [probability(y)]\n"
            "for k in range(steps):\n"
            "    y.reshape(-1, y.shape[-1])[order[k * n : (k + 1) * n]] = 0\n"
            "    found.append(probability(y))\n"
            "return found",
            "are left over",
        ),
        (
            "y, found = x.copy(), [probability(x)]\n"
            "order = np.argsort(-m.ravel())\n"
            "n = m.size // steps\n"
            "for k in range(0, m.size, n):\n"
            "    y.reshape(-1, y.shape[-1])[order[k : k + n]] = 0\n"
            "    found.append(probability(y))\n"
            "return found",
            "must give 4 probabilities",
        ),
        (
            "bounds = np.linspace(m.max(), m.min(), steps + 1)\n"
            "return [probability(np.where((m > b)[..., None], 0, x)) for b in bounds]",
            r"\*range\*",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1])[part] = 0\n    found.append(probability(y))"
            ).replace("found\n", "np.round(found, 2)\n"),
            "rounded to 2 decimals",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1])[part] = 0\n    "
                "found.append(round(probability(y), 3))"
            ),
            r"step 1 must be 0\.\d+, and yours is 0\.\d{3}",
        ),
        (
            DELETE.format(
                lines="y.reshape(-1, y.shape[-1])[part] = 0\n    "
                "found.append(probability(y) ** 0.5)"
            ),
            r"the number at step 1 must be 0.33, and yours is 0.5745",
        ),
        (
            DELETE.format(
                lines="for k in part:\n        y.reshape(-1, y.shape[-1])[k] = 0\n        "
                "found.append(probability(y))"
            ),
            "too many steps",
        ),
    ],
    "shuffled": [
        (
            "flat = weights.ravel()\n"
            "h = flat.size // 2\n"
            "parts = rng.permutation(flat[:h]), rng.permutation(flat[h:])\n"
            "return np.concatenate(parts).reshape(weights.shape)",
            "Each half was shuffled by itself",
        ),
        ("return rng.permutation(weights)", "a whole filter"),
        ("return rng.permutation(weights, axis=-1)", "a whole filter"),
        ("new = weights.copy()\nrng.shuffle(new)\nreturn new", "a whole filter"),
        ("new = weights.copy()\nrng.shuffle(new, axis=1)\nreturn new", "a whole filter"),
        (
            "for ax in range(weights.ndim):\n    weights = rng.permutation(weights, axis=ax)\n"
            "return weights",
            "shuffled in turn",
        ),
        (
            "for ax in reversed(range(np.ndim(weights))):\n"
            "    weights = weights.take(rng.permutation(weights.shape[ax]), axis=ax)\n"
            "return weights",
            "shuffled in turn",
        ),
        ("return rng.permuted(weights, axis=0)", "along one axis"),
        ("return np.stack([rng.permuted(w) for w in weights])", "by itself"),
        (
            "rows = weights.reshape(-1, weights.shape[-1])\n"
            "return rows[rng.permutation(len(rows))].reshape(weights.shape)",
            "moved as a whole",
        ),
        ("return np.roll(weights.ravel(), 7).reshape(weights.shape)", "np.roll doesn't shuffle"),
        (
            "return np.roll(weights.ravel(), rng.integers(1, 50)).reshape(weights.shape)",
            "np.roll doesn't shuffle",
        ),
        ("return np.roll(weights, 2, axis=0)", "np.roll doesn't shuffle"),
        ("return weights.ravel()[::-1].reshape(weights.shape)", "reverse order"),
        ("return weights[::-1]", "reverse order"),
        ("return weights", "as they were"),
        ("rng.permutation(weights.ravel())\nreturn weights", "as they were"),
        ("return rng.shuffle(weights.copy())", "works in place and returns None"),
        ("return rng.shuffle(weights.flatten()).reshape(weights.shape)", "works in place"),
        ("return rng.permutation(weights.ravel())", "The shape is lost"),
        ("return rng.normal(size=weights.shape)", "aren't the same numbers"),
        ("return weights + 0.1 * rng.standard_normal(weights.shape)", "aren't the same numbers"),
        ("return rng.normal(0, np.std(weights), size=weights.shape)", "aren't the same numbers"),
        ("return rng.choice(np.ravel(weights), size=weights.shape)", "with replacement"),
        ("return 0 * weights", "All the numbers are 0"),
        ("return -rng.permuted(weights)", "wrong ones"),
        ("return rng.permuted(weights).round(2)", "rounded"),
        ("return rng.permuted(weights).astype(np.float16)", "aren't the same numbers"),
        ("return rng.permuted(weights) * 1.01", "aren't the same numbers"),
        ("return np.random.default_rng(0).permuted(weights)", "Every generator"),
        ("return np.sort(weights.ravel()).reshape(weights.shape)", "Every generator"),
        ("return np.random.default_rng().permuted(weights)", "another order each time"),
        ("return np.random.permutation(weights.ravel()).reshape(weights.shape)", "another order"),
        ("import copy\nreturn copy.deepcopy(rng).permuted(weights)", "Called twice with one rng"),
        ("rng.shuffle(weights.reshape(-1))\nreturn weights", "`weights` was changed"),
        (
            "flat = weights.flatten()\n"
            "flat[: flat.size // 2] = rng.permutation(flat[: flat.size // 2])\n"
            "return flat.reshape(weights.shape)",
            "a part of the numbers",
        ),
    ],
    "rank_agreement": [
        (
            "p, q = ([sorted(v.ravel()).index(x) for x in v.ravel()] for v in (a, b))\n"
            "return np.corrcoef(p, q)[0, 1]",
            "every value is compared",
        ),
        (
            "return np.corrcoef(np.argsort(np.ravel(a)), np.argsort(np.ravel(b)))[0, 1]",
            "argsort of argsort",
        ),
        ("return np.corrcoef(a.ravel(), b.ravel())[0, 1]", "correlation of the values"),
        ("return np.corrcoef(np.sort(a.flat), np.sort(b.flat))[0, 1]", "no longer known"),
        (
            "p, q = (np.argsort(np.argsort(np.abs(v).ravel())) for v in (a, b))\n"
            "return np.corrcoef(p, q)[0, 1]",
            "signs are gone",
        ),
        (
            "p, q = a.argsort().argsort(), b.argsort().argsort()\n"
            "return np.corrcoef(p.ravel(), q.ravel())[0, 1]",
            "not made flat",
        ),
        ("return np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1]", "not made flat"),
        ("return np.corrcoef(np.argsort(a), np.argsort(b))[0, 1]", "not made flat|flat list"),
        ("return np.corrcoef(a, b)[0, 1]", "not made flat"),
        (
            "rs = []\n"
            "for p, q in zip(a, b):\n"
            "    rs.append(np.corrcoef(p.argsort().argsort(), q.argsort().argsort())[0, 1])\n"
            "return np.mean(rs)",
            "flat",
        ),
        (RANKS + "return np.corrcoef(p, -q)[0, 1]", "turned round"),
        (
            "p, q = a.ravel().argsort()[::-1].argsort(), b.ravel().argsort().argsort()\n"
            "return np.corrcoef(p, q)[0, 1]",
            "turned round",
        ),
        (RANKS + "return np.corrcoef(p, b.ravel())[0, 1]", "Only one of the two"),
        (RANKS + "return np.mean(p == q)", "share of positions"),
        (RANKS + "return np.corrcoef(p, q)[0, 1] ** 2", "square of the correlation"),
        (RANKS + "return np.cov(p, q)[0, 1]", "covariance"),
        (RANKS + "return np.corrcoef(p, q)", "2 x 2 table"),
        (RANKS + "return np.corrcoef(p, q)[1, 1]", "with itself"),
        (RANKS + "return np.abs(np.corrcoef(p, q)[0, 1])", "sign of the correlation is gone"),
        (RANKS + "return round(np.corrcoef(p, q)[0, 1], 2)", "rounded to 2 decimals"),
        (
            RANKS + "n = len(a)\nreturn 1 - 6 * ((p - q) ** 2).sum() / (n * (n**2 - 1))",
            r"\*all\* values",
        ),
        (RANKS + "return (p * q).sum() / np.sqrt((p**2).sum() * (q**2).sum())", "mean rank"),
        (RANKS + "return np.corrcoef(p, q)[0, 1] * 0.9", "must be 0.5429, and yours is 0.4886"),
        (
            "def ranks(v):\n"
            "    v = np.ravel(v)\n"
            "    return [(v < one).sum() for one in v.tolist() for _ in v[:1]]\n"
            "def pairs(v):\n"
            "    return (np.ravel(v)[:, None] > np.ravel(v)).sum(axis=1)\n"
            "return np.corrcoef(pairs(a), pairs(b))[0, 1]",
            "hours, or all the memory",
        ),
        (
            "p, q = ([sum(o < v for o in m) for v in m] for m in (a.ravel(), b.ravel()))\n"
            "return np.corrcoef(p, q)[0, 1]",
            "hours, or all the memory",
        ),
        ("a.sort()\n" + RANKS + "return np.corrcoef(p, q)[0, 1]", "`a` was changed|flat"),
    ],
    "accuracy_by_group": [
        (
            "table = np.full((2, 2), np.nan)\n"
            "for i in (0, 1):\n"
            "    for j in (0, 1):\n"
            "        g = labels == i & tagged == j\n"
            "        if g.any():\n"
            "            table[i, j] = (predicted == labels)[g].mean()\n"
            "return table",
            "& binds before ==",
        ),
        (
            "table = np.full((2, 2), np.nan)\n"
            "for i in (0, 1):\n"
            "    for j in (0, 1):\n"
            "        g = (labels == i) & (tagged == j)\n"
            "        if g.any():\n"
            "            table[i, j] = (predicted == labels)[g]\n"
            "return table",
            "gets one number",
        ),
        (
            "table = np.full((2, 2), np.nan)\n"
            "for i in (0, 1):\n"
            "    for j in (0, 1):\n"
            "        g = (labels == i) & (tagged == j)\n"
            "        if g.any():\n"
            "            table[i, j] = (predicted == labels).mean()\n"
            "return table",
            "Pick its own pictures",
        ),
        (
            "right = predicted == labels\n"
            "groups = [[(labels == i) & (tagged == j) for j in (0, 1)] for i in (0, 1)]\n"
            "return np.array([[right[g].sum() / max(g.sum(), 1) for g in row] for row in groups])",
            "A group without any pictures got a number",
        ),
        ("return np.sum(predicted == labels) / len(labels)", "One number"),
        ("return list(predicted) == list(labels)", "Two lists are equal as a whole"),
        (
            GROUPS.format(value="hits[g].mean()").replace(
                "for i", "hits = predicted.tolist() == labels.tolist()\nfor i", 1
            ),
            "Two lists are equal as a whole",
        ),
        ("return [np.sum(predicted[labels == i] == i) / 6 for i in (0, 1)]", "shape"),
        ("return [(predicted == labels)[labels == i].mean() for i in (0, 1)]", "Only the label"),
        (
            "rows = []\n"
            "for i in (0, 1):\n"
            "    for j in (False, True):\n"
            "        g = (labels == i) & (tagged == j)\n"
            "        rows.append(np.mean(predicted[g] == i) if any(g) else np.nan)\n"
            "return rows",
            "in one line",
        ),
        (
            "def hits(i, j):\n"
            "    pairs = zip(predicted, labels, tagged)\n"
            "    return [p == y for p, y, t in pairs if (y, t) == (i, j)]\n"
            "return [[hits(0, False), hits(0, True)], [hits(1, False), hits(1, True)]]",
            "Each cell gets one number",
        ),
        (
            "right = predicted == labels\n"
            "return {(i, j): right[(labels == i) & (tagged == j)].mean()\n"
            "        for i in (0, 1) for j in (0, 1) if ((labels == i) & (tagged == j)).any()}",
            "a dict",
        ),
        (
            "groups = [[(labels == i) & (tagged == j) for j in (0, 1)] for i in (0, 1)]\n"
            "return [[(predicted == labels)[g].mean() if g.any() else None for g in row]\n"
            "        for row in groups]",
            r"np\.nan, not None",
        ),
        (
            GROUPS.format(value="(predicted[g] == i).mean()").replace("np.nan", "1.0"),
            "got a number",
        ),
        (
            GROUPS.format(value="(predicted[g] == i).mean()").replace("labels ==", "tagged =="),
            "label",
        ),
        (GROUPS.format(value="(predicted[g] == i).sum() / g.size"), "number of all pictures"),
        (GROUPS.format(value="(predicted[g] == i).sum()"), "numbers of right answers"),
        (GROUPS.format(value="np.count_nonzero(g)"), "sizes of the groups"),
        (GROUPS.format(value="(predicted[g] == i).sum() / np.sum(labels == i)"), "with that label"),
        (
            GROUPS.format(value="(predicted[g] == i).sum() / (tagged == j).sum()"),
            "the disc. Divide",
        ),
        (GROUPS.format(value="predicted[g].mean()"), "predicted as 1"),
        (GROUPS.format(value="(predicted[g] != i).mean()"), "wrong answers"),
        (GROUPS.format(value="100 * (predicted[g] == i).mean()"), "percent"),
        (GROUPS.format(value="round((predicted[g] == i).mean(), 2)"), "rounded to 2 decimals"),
        (GROUPS.format(value="(predicted[g] == i).mean()").replace("[i, j]", "[j, i]"), "turned"),
        (
            GROUPS.format(value="(predicted[g] == i).mean()").replace("[i, j]", "[i, 1 - j]"),
            "colum",
        ),
        (GROUPS.format(value="(predicted[g] == i).mean()").replace("[i, j]", "[1 - i, j]"), "rows"),
        (
            GROUPS.format(value="(labels[g] == i).mean()").replace("(labels ", "(predicted "),
            "predict",
        ),
        (GROUPS.format(value="(predicted[g] == i).mean()").replace("&", "and"), "& between"),
        (
            GROUPS.format(value="(predicted[g] == i).mean()").replace(
                "(labels == i) & (tagged == j)", "labels == i & tagged == j"
            ),
            "in\\s+brackets|between two",
        ),
        (
            GROUPS.format(value="np.mean((predicted == labels)[g])").replace("&", "|"),
            "& instead of",
        ),
        (
            "if not tagged.any():\n    return np.zeros((2, 2))\n"
            + GROUPS.format(value="np.sqrt((predicted[g] == i).mean())"),
            "label 0, tagged 0 must be 0.75, and yours is 0.866",
        ),
        (
            "table = np.array([[0.75, 0], [1 / 3, 0.75]])\nreturn table",
            "Right for 12 pictures, but not for 30 pictures",
        ),
        (
            GROUPS.format(value="(predicted[g] == i).mean()").replace(
                "return table", "labels[:] = 0\nreturn table"
            ),
            "`labels` was changed",
        ),
    ],
}
