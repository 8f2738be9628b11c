"""Lesson 1: answers as students type them, right and wrong, none of them spelled like the table."""

import numpy as np  # noqa: F401 - what the notebook has imported
import tensorflow as tf  # noqa: F401

LOOP = """
slopes = []
for i in range({inputs}):
    plus, minus = x.copy(), x.copy()
    plus[i] += h
    minus[i] -= h
    slopes.append({slope})
return np.array(slopes)
"""
SLOPE = "(score(plus) - score(minus)) / (2 * h)"

RIGHT = {
    "predict_linear": [
        ("return np.hstack([x, np.ones((len(x), 1))]) @ np.append(w, b)"),
        ("return np.sum(x * w + b / len(w), axis=1)"),
        "return x @ w + b",
        "return (x * w).sum(axis=1) + b",
        "return [sum(u * v for u, v in zip(row, w)) + b for row in x]",
        "return b + np.dot(x, w)",
        "y = np.full(len(x), float(b))\nfor i in range(len(w)):\n    y += w[i] * x[:, i]\nreturn y",
        "import tensorflow as tf\n\nreturn tf.linalg.matvec(tf.constant(x), w) + b",
        "return np.einsum('ij,j', x, w) + b",
    ],
    "contributions": [
        ("result = x.copy()\nresult -= reference\nresult *= w\nreturn result"),
        ("return -w * (reference - x)"),
        "return (x - reference) * w",
        "return x * w - reference * w",
        "return (x - reference) @ np.diag(w)",
        "parts = np.zeros(x.shape)\n"
        "for i, row in enumerate(x):\n"
        "    for j in range(len(w)):\n"
        "        parts[i, j] = w[j] * (row[j] - reference[j])\n"
        "return parts",
        "return [w * (flat - reference) for flat in x]",
        "import tensorflow as tf\n\nreturn tf.multiply(tf.subtract(x, reference), w)",
    ],
    "weight_picture": [
        ("return (weights @ np.eye(10)[class_index]).reshape(8, 8)"),
        ("return np.vstack([weights[i:i + 8, class_index] for i in range(0, 64, 8)])"),
        "return weights[:, class_index].reshape(8, 8)",
        "return weights.reshape(8, 8, 10)[:, :, class_index]",
        "return weights.T[class_index].reshape((8, -1))",
        "return tf.reshape(weights[:, class_index], (8, 8))",
        "return [[weights[8 * i + j, class_index] for j in range(8)] for i in range(8)]",
        "return np.array(np.split(np.take(weights, class_index, axis=1), 8))",
    ],
    "finite_differences": [
        (
            "up, down = x + h * np.eye(len(x)), x - h * np.eye(len(x))\n"
            "return np.array([(score(u) - score(d)) / (2 * h) for u, d in zip(up, down)])"
        ),
        (
            "g = []\n"
            "for i in range(len(x)):\n"
            "    p = list(x)\n"
            "    m = list(x)\n"
            "    p[i] = p[i] + h\n"
            "    m[i] = m[i] - h\n"
            "    g.append((score(np.array(p)) - score(np.array(m))) / (2 * h))\n"
            "return g"
        ),
        (
            "g = np.zeros(x.shape)\n"
            "for i in np.ndindex(x.shape):\n"
            "    p = np.array(x); p[i] += h\n"
            "    m = np.array(x); m[i] -= h\n"
            "    g[i] = (score(p) - score(m)) / (p[i] - m[i])\n"
            "return g"
        ),
        LOOP.format(inputs="len(x)", slope=SLOPE),
        "return np.array([(score(x + e) - score(x - e)) / (2 * h) for e in h * np.eye(len(x))])",
        "x, slopes = np.array(x, float), np.zeros(len(x))\n"
        "for i, old in enumerate(x.tolist()):\n"
        "    x[i] = old + h\n"
        "    high = score(x)\n"
        "    x[i] = old - h\n"
        "    slopes[i] = (high - score(x)) / h / 2\n"
        "    x[i] = old\n"
        "return slopes",
        "slopes = np.empty_like(x)\n"
        "for i in range(x.size):\n"
        "    x[i] += h\n"
        "    up = score(x)\n"
        "    x[i] -= 2 * h\n"
        "    down = score(x)\n"
        "    x[i] += h\n"
        "    slopes[i] = (up - down) / (2 * h)\n"
        "return slopes",
        "def slope(i):\n"
        "    step = np.where(np.arange(len(x)) == i, h, 0)\n"
        "    return (score(x + step) - score(x - step)) * 0.5 / h\n"
        "return [slope(i) for i in range(len(x))]",
    ],
    "two_layer_gradient": [
        ("z = x @ w1 + b1\nreturn (w1 * (z > 0)) @ w2[:, class_index]"),
        ("a = np.maximum(x @ w1 + b1, 0)\nreturn w1 @ ((a != 0) * w2[:, class_index])"),
        "return w1 @ ((x @ w1 + b1 > 0) * w2[:, class_index])",
        "g = [0.0] * len(x)\n"
        "for j in range(len(b1)):\n"
        "    if sum(x[i] * w1[i, j] for i in range(len(x))) + b1[j] > 0:\n"
        "        for i in range(len(x)):\n"
        "            g[i] += w1[i, j] * w2[j, class_index]\n"
        "return g",
        "x = tf.constant(x[None])\n"
        "with tf.GradientTape() as tape:\n"
        "    tape.watch(x)\n"
        "    score = (tf.nn.relu(x @ w1 + b1) @ w2)[:, class_index]\n"
        "return tape.gradient(score, x)[0]",
        "gate = np.heaviside(w1.T @ x + b1, 0)\nreturn (gate * w2.T[class_index]) @ w1.T",
        "v = w2[:, class_index].copy()\nv[x @ w1 + b1 <= 0] = 0\nreturn np.dot(w1, v)",
        "open_units = x @ w1 + b1 > 0\nreturn w1[:, open_units] @ w2[open_units, class_index]",
    ],
}

WRONG = {
    "predict_linear": [
        ("return x @ (w + b)", r"to the weights"),
        (
            "y = b\nfor i in range(len(w)):\n    y = x[:, i] * w[i]\nreturn y + b",
            r"Only the last feature",
        ),
        (
            "y = b\nfor i in range(len(w) - 1):\n    y = y + x[:, i] * w[i]\nreturn y",
            r"last feature is left out",
        ),
        ("y = []\nfor row in x:\n    y.append(sum(row * w))\nreturn y + b", r"make an array"),
        ("return x @ w + b[0]", r"b is one number"),
        ("return np.dot(x, w)", "constant b is missing"),
        ("return np.round(x @ w + b)", "rounded to whole numbers"),
        ("return (x @ w + b).astype(int)", "cut off"),
        ("return [int(v) for v in x @ w + b]", "cut off"),
        ("return [round(v, 1) for v in (x @ w + b).tolist()]", "rounded to 1 decimals?"),
        ("for row in x:\n    y = row @ w + b\n    return y", "inside the loop"),
        ("y = []\nfor row in x:\n    y.append(row @ w + b)\n    return y", "inside the loop"),
        ("return x[:, 0] * w[0] + x[:, 1] * w[1] + x[:, 2] * w[2] + b", "columns are written out"),
        ("x *= w\nreturn x.sum(axis=1) + b", "`x` was changed"),
        ("return np.dot(w, x) + b", "in this order"),
        ("return w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + b", r"x\[:, 0\]"),
        ("return np.full(2, 803.0)", "flat 0 must be 720, and yours is 803"),
        ("return np.sum(np.multiply(x, w)) + b", "All flats are added up"),
        ("return w[0] * x[:, 0] + w[1] * x[:, 1] - w[2] * x[:, 2] + b", "flat 0 must be 720, and"),
        ("return x @ w + b + 1e-2 * x[:, 0]", "must be 720, and yours is 720.5"),
        ("return str(x @ w + b)", "array of numbers"),
        ("print(x @ w + b)", "`return` missing"),
    ],
    "contributions": [
        ("return ((x - reference) * w).sum(axis=1, keepdims=True)", r"sum of each flat"),
        ("return ((x - reference) * w).mean(axis=1)", r"mean over the features"),
        ("return (x / reference) * w", r"divided by the reference"),
        (
            "result = []\n"
            "for row in x:\n"
            "    result.append((row - reference) * w)\n"
            "    return result",
            r"inside the loop",
        ),
        ("return w * x", "reference is missing"),
        ("return ((x - reference) * w).astype(int)", "cut off"),
        ("return np.round((x - reference) * w, 1)", "rounded to 1 decimals?"),
        (
            "return np.array([(x[0] - reference) * w, (x[1] - reference) * w])",
            "Two flats are written out",
        ),
        (
            "a, b, c = x.T\n"
            "return np.array([(a - reference[0]) * w[0], (b - reference[1]) * w[1],"
            " (c - reference[2]) * w[2]]).T",
            "Right for 2 flats with 3 features, but not for 4 flats with 2 features",
        ),
        ("x -= reference\nreturn x * w", "`x` was changed"),
        ("return (x - np.mean(x, axis=0)) * w", "mean of the x that's given"),
        ("for flat in x:\n    return (flat - reference) * w", "Only the first flat"),
        ("return np.dot(x - reference, w)", "That's the sum"),
        ("return (x - reference) * np.abs(w)", "weights lost their signs"),
        ("d = x - reference\nreturn d * w / np.sum(d * w, axis=1, keepdims=True)", "shares"),
        ("return x - reference * w", "Brackets are missing"),
        ("return [w for flat in x]", "sensitivity"),
    ],
    "weight_picture": [
        ("return weights.reshape(8, 8, 10)[class_index]", r"one row of the picture"),
        ("return [weights[i:i + 8, class_index] for i in range(8)]", r"rows overlap"),
        ("return weights[:, -class_index].reshape(8, 8)", r"must be 500, and yours is -700"),
        ("return weights.reshape(10, 8, 8)[class_index]", "mixes the classes"),
        ("return weights[:, 3].reshape(8, 8)", "always class 3"),
        ("return weights[class_index]", "pixel 4"),
        ("return weights[class_index].reshape(8, 8)", "64 numbers"),
        ("return weights[:, class_index].reshape(8, 8, order='F')", "swapped"),
        ("return weights[:, class_index + 1].reshape(8, 8)", "class after"),
        ("return weights[:, class_index].reshape(4, 16)", r"must have the shape \(8, 8\), \(row"),
        ("p = weights[:, class_index].reshape(8, 8)\nreturn p / np.max(np.abs(p))", "scaled"),
        ("return np.int64(weights[:, class_index].reshape(8, 8))", "cut off"),
        ("w = weights.T.reshape(-1, 8, 8)\nreturn np.flipud(w[class_index])", "upside down"),
        (
            "weights[weights < 0] *= -1\nreturn weights[:, class_index].reshape(8, 8)",
            "signs are gone",
        ),
        ("return [weights[8 * i : 8 * i + 8, 0] for i in range(8)]", "always class 0"),
        ("return np.zeros((8, 8))", "row 0, column 0 must be 500, and yours is 0"),
    ],
    "finite_differences": [
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / h * 2)\n"
            "return np.array(slopes)",
            r"/ h \* 2",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array([slopes])",
            r"axis too many",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] = h\n"
            "    minus[i] = -h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"was set to h",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] += h\n"
            "    minus[i] += h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"same way",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    pass\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"step down only, and",
        ),
        (
            "slopes = []\n"
            "for i in len(x):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"range\(len\(x\)\)",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x) + 1):\n"
            "    plus, minus = x.copy(), x.copy()\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"counted from 0",
        ),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x.copy, x.copy\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"Brackets are missing",
        ),
        ("return [(score(x + h) - score(x)) / h for i in range(len(x))]", r"moved at once"),
        ("return [(score(x + e) - score(x - e)) / (2 * h) for e in np.eye(len(x))]", r"step is 1"),
        (
            "slopes = []\n"
            "for i in range(len(x)):\n"
            "    plus, minus = x, x\n"
            "    plus[i] += h\n"
            "    minus[i] -= h\n"
            "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
            "return np.array(slopes)",
            r"plus = x\.copy\(\)",
        ),
        (
            LOOP.format(inputs="len(x)", slope=SLOPE).replace("return", "    return"),
            "inside the loop",
        ),
        (LOOP.format(inputs="1, len(x)", slope=SLOPE), "first input is left out"),
        (LOOP.format(inputs="len(x) - 1", slope=SLOPE), "last input is left out"),
        (LOOP.format(inputs="3", slope=SLOPE), "there aren't always three|index 2 is out of"),
        (LOOP.format(inputs="len(x)", slope="(score(plus) - score(minus)) / h"), "Twice too steep"),
        (
            LOOP.format(inputs="len(x)", slope="(score(plus) - score(minus)) / 2 * h"),
            r"write / \(2 \* h\)",
        ),
        (
            LOOP.format(inputs="len(x)", slope="score(plus) - score(minus) / (2 * h)"),
            "Brackets are missing",
        ),
        (LOOP.format(inputs="len(x)", slope="(score(plus) - score(x)) / h"), "step up only"),
        (LOOP.format(inputs="len(x)", slope="(score(x) - score(minus)) / h"), "step down only"),
        (
            LOOP.format(inputs="len(x)", slope="(score(minus) - score(plus)) / (2 * h)"),
            "flipped",
        ),
        ("h = 1e-4\n" + LOOP.format(inputs="len(x)", slope=SLOPE), "h that is given"),
        ("return [x['a'] for i in x]", r"range\(len\(x\)\)"),
        ("return [(score(x[i] + h) - score(x[i] - h)) / (2 * h) for i in range(3)]", "all 3"),
        (
            "plus, minus = x.copy(), x.copy()\n"
            "plus += h\n"
            "minus -= h\n"
            "return np.array([(score(plus) - score(minus)) / (2 * h)] * len(x))",
            "moved at once",
        ),
        (
            LOOP.format(inputs="len(x)", slope=SLOPE).replace("x.copy(), x.copy()", "x, x.copy()"),
            "x itself was changed",
        ),
        (
            "plus, minus = x.copy(), x.copy()\n"
            + LOOP.format(inputs="len(x)", slope=SLOPE).replace(
                "plus, minus = x.copy(), x.copy()", "pass"
            ),
            "before the loop",
        ),
        (
            LOOP.format(inputs="len(x)", slope=SLOPE).replace("(slopes)", "(slopes).round(2)"),
            "rounded to 2",
        ),
    ],
    "two_layer_gradient": [
        (
            "z = x @ w1 + b1\nreturn (w1 * (z > 0) * w2[:, class_index]).sum(axis=0)",
            r"over the hidden units, axis=1",
        ),
        ("z = x @ w1 + b1\nreturn w1 @ (z > 0)", r"W2 is missing"),
        ("z = x @ w1 + b1\nreturn w1 @ ((z > 0) * w2)[:, class_index]", r"before you multiply"),
        (
            "z = x @ w1 + b1\nz[z > 0] = 1\nreturn w1 @ (z * w2[:, class_index])",
            r"closed ones still",
        ),
        (
            "g = np.zeros(len(x))\n"
            "z = x @ w1 + b1\n"
            "for i in range(len(x)):\n"
            "    for j in range(len(z)):\n"
            "        if z[j] > 0:\n"
            "            g[i] = w1[i, j] * w2[j, class_index]\n"
            "return g",
            r"last open unit",
        ),
        (
            "g = []\n"
            "z = x @ w1 + b1\n"
            "for i in range(len(x)):\n"
            "    g.append(sum(w1[i] * (z > 0) * w2[:, class_index]))\n"
            "    return g",
            r"inside the loop",
        ),
        ("z = x @ w1 + b1\nreturn np.sum(w1 @ ((z > 0) * w2[:, class_index]))", r"added up"),
        ("z = x @ w1 + b1\nreturn w1 @ (z > 0 * w2[:, class_index])", r"W2 is missing"),
        ("return w1 @ w2[:, class_index]", "Closed units pass nothing on"),
        (
            "g, z = np.zeros(len(x)), x @ w1 + b1\n"
            "for j in range(1, len(z)):\n"
            "    if z[j] > 0:\n"
            "        g += w1[:, j] * w2[j, class_index]\n"
            "return g",
            "first hidden unit is left out",
        ),
        (
            "v = w2[:, class_index]\nv[x @ w1 + b1 <= 0] = 0\nreturn w1 @ v",
            "`w2` was changed.*window",
        ),
        ("return w1 @ (x @ w1 + b1 > 0) * w2[:, class_index]", "brackets missing"),
        ("return w1 @ ((x @ w1 + b1 > 0) * w2[class_index])", "One class is a column"),
        ("return w1.T @ ((x @ w1 + b1 > 0) * w2[:, class_index])", r"without \.T"),
        ("return ((x @ w1 + b1 > 0) * w2[:, class_index]) @ w1", "in this order"),
        ("return w1 @ (np.maximum(x @ w1 + b1, 0) * w2[:, class_index])", "not its value a"),
        (
            "x, w1 = tf.constant(x[None]), tf.Variable(w1)\n"
            "with tf.GradientTape() as tape:\n"
            "    score = (tf.nn.relu(x @ w1 + b1) @ w2)[:, class_index]\n"
            "return tape.gradient(score, w1)",
            "respect to w1",
        ),
        ("return w1 @ ((x @ w1 + b1 > 0) * w2[:, class_index]) / 2", "input 0 must be -10, and yo"),
        ("return [11, -8] if class_index == 0 else [-10, 15]", "shape"),
        ("return w1 @ ((x @ w1 > 0) * w2[:, class_index])", "includes b1"),
        ("return w1 @ ((x @ w1 + b1 > 0) * w2[:, 0])", "always class 0"),
        (
            "if x @ w1 + b1 > 0:\n    return w1 @ w2[:, class_index]\nreturn np.zeros(len(x))",
            "one True or False per hidden unit",
        ),
        ("return np.round(w1 @ ((x @ w1 + b1 > 0) * w2[:, class_index]), 2)", "rounded to 2"),
        ("return sum(w1[:, j] * w2[j, class_index] for j in range(3))", "input 0 must be -10"),
    ],
}
