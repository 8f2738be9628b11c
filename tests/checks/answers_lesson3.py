"""Lesson 3: answers as students type them, right and wrong, none of them spelled like the table."""

import keras  # noqa: F401 - what the notebook has imported
import numpy as np  # noqa: F401
import tensorflow as tf  # noqa: F401

# What is typed before the last lines of Grad-CAM: A, scores and g are there after it.
TAPED = """
x = tf.convert_to_tensor(inputs)
with tf.GradientTape() as tape:
    tape.watch(x)
    A, scores = maps_and_scores(x)
    y = {score}
g = tape.gradient(y, A)
"""
START = TAPED.format(score="scores[:, class_index]")

RIGHT = {
    "alpha": [
        ("import keras\nreturn keras.layers.GlobalAveragePooling2D()(gradient)"),
        ("return gradient.mean((-3, -2))"),
        "return gradient.mean(axis=1).mean(axis=1)",
        "b, h, w, k = gradient.shape\nreturn gradient.reshape(b, -1, k).sum(axis=1) / (h * w)",
        "return tf.reduce_mean(gradient, axis=[1, 2])",
        "return [[np.mean(one[:, :, k]) for k in range(one.shape[2])] for one in gradient]",
        "return np.einsum('bijk->bk', gradient) / gradient[0, ..., 0].size",
        "z = gradient.shape[1] * gradient.shape[2]\nreturn np.float32(gradient.sum((1, 2))) / z",
    ],
    "weighted_sum_of_maps": [
        ("return np.squeeze(np.matmul(feature_maps, weights[:, None, :, None]), -1)"),
        (
            "b, h, w, k = feature_maps.shape\n"
            "out = np.zeros((b, h, w))\n"
            "for i in range(b):\n"
            "    out[i] = np.dot(feature_maps[i], weights[i])\n"
            "return out"
        ),
        "return np.einsum('bijk,bk->bij', feature_maps, weights)",
        "return np.stack([one @ w for one, w in zip(feature_maps, weights)])",
        "total = 0\n"
        "for k in range(weights.shape[1]):\n"
        "    total = total + feature_maps[..., k] * weights[:, k, None, None]\n"
        "return total",
        "return tf.reduce_sum(feature_maps * tf.reshape(weights, (len(weights), 1, 1, -1)), 3)",
        "return (feature_maps @ weights[:, None, :, None])[..., 0]",
    ],
    "grad_cam_steps": [
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, class_index]\n"
            "g = tape.gradient(y, A)\n"
            "c = weighted_sum_of_maps(A, alpha(g))\n"
            "return c * (c > 0)"
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, class_index]\n"
            "g = tape.gradient(y, A)\n"
            "L = np.asarray(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())))\n"
            "return (L + np.abs(L)) / 2"
        ),
        (
            "x = tf.constant(inputs)\n"
            "with tf.GradientTape(persistent=True) as t:\n"
            "    t.watch(x)\n"
            "    o = maps_and_scores(x)\n"
            "    s = o[1][:, class_index]\n"
            "w = tf.reduce_mean(t.gradient(s, o[0]), axis=(1, 2))\n"
            "return tf.nn.relu(tf.linalg.matvec(o[0], w[:, None, :]))"
        ),
        START + "return tf.nn.relu(tf.einsum('bijk,bk->bij', A, tf.reduce_mean(g, [1, 2])))",
        START + "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
        START + "return np.clip(weighted_sum_of_maps(A, np.asarray(alpha(g))), 0, None)",
        "x = tf.Variable(inputs)\n"
        "with tf.GradientTape() as tape:\n"
        "    A, scores = maps_and_scores(x)\n"
        "    score = tf.reduce_sum(tf.gather(scores, class_index, axis=1))\n"
        "g = tape.gradient(score, A)\n"
        "weights = tf.reduce_mean(g, axis=[1, 2], keepdims=True)\n"
        "return tf.nn.relu(tf.reduce_sum(weights * A, axis=-1))",
        "maps = []\n"
        "for one in inputs:\n"
        "    x = tf.constant(one[None])\n"
        "    with tf.GradientTape() as tape:\n"
        "        tape.watch(x)\n"
        "        A, scores = maps_and_scores(x)\n"
        "        score = scores[0, class_index]\n"
        "    v = tape.gradient(score, A).numpy().mean(axis=(0, 1, 2))\n"
        "    m = A.numpy()[0] @ v\n"
        "    m[m < 0] = 0\n"
        "    maps.append(m)\n"
        "return np.array(maps)",
    ],
    "place_contributions": [
        (
            "return np.tensordot(feature_maps, W[:, class_index], 1) / "
            "(feature_maps.shape[1] * feature_maps.shape[2])"
        ),
        (
            "b, h, w, k = feature_maps.shape\n"
            "return tf.nn.conv2d(feature_maps.astype('float32'), W[:, "
            "class_index].astype('float32')[None, None, :, None], 1, 'SAME')[..., 0] / (h "
            "* w)"
        ),
        "z = feature_maps[0, ..., 0].size\n"
        "return np.einsum('bijk,k->bij', feature_maps, W[:, class_index]) / z",
        "z = np.prod(feature_maps.shape[1:3])\n"
        "return tf.reduce_sum(feature_maps * W.T[class_index], axis=-1) / z",
        "b, h, w, k = feature_maps.shape\n"
        "out = np.zeros((b, h, w))\n"
        "for i in range(k):\n"
        "    out += W[i, class_index] * feature_maps[..., i]\n"
        "return out / h / w",
        "_, h, w, _ = feature_maps.shape\nreturn (feature_maps @ W)[..., class_index] / (h * w)",
        "z = feature_maps[0, :, :, 0].size\n"
        "return (feature_maps * W[:, class_index] / z).sum(-1).tolist()",
    ],
    "side_share": [
        (
            "p = (m + abs(m)) / 2\n"
            "try:\n"
            "    return float((p * side).sum()) / float(p.sum())\n"
            "except ZeroDivisionError:\n"
            "    return 0"
        ),
        (
            "p = tf.nn.relu(m)\n"
            "return tf.math.divide_no_nan(tf.reduce_sum(p * side), tf.reduce_sum(p))"
        ),
        (
            "p = np.maximum(m, 0)\n"
            "on, off = (p * side).sum(), (p * (1 - side)).sum()\n"
            "return on / (on + off) if on + off else 0.0"
        ),
        "if not (m > 0).any():\n    return 0\nreturn np.average(side, weights=np.maximum(m, 0))",
        "m = np.where(m > 0, m, 0)\n"
        "return tf.constant((m * side).sum() / m.sum() if m.sum() else 0.0)",
        "part = whole = 0\n"
        "for row, row_side in zip(m, side):\n"
        "    for value, s in zip(row, row_side):\n"
        "        if value > 0:\n"
        "            part += value * s\n"
        "            whole += value\n"
        "return part / whole if whole else 0",
        "p = m[m > 0]\nreturn (p * side[m > 0]).sum() / p.sum() if p.size else 0.0",
        "p = np.clip(m, 0, None)\nreturn np.nan_to_num(np.divide(np.vdot(p, side), p.sum()))",
    ],
}

WRONG = {
    "alpha": [
        (
            "return gradient.sum(axis=(1, 2)) / gradient.shape[1] * gradient.shape[2]",
            r"Brackets are missing",
        ),
        ("return gradient.mean(axis=[1, 2])", r"one tuple"),
        ("return gradient.mean(1, 2)", r"one tuple"),
        (
            "out = []\nfor g in gradient:\n    out.append(g.mean(axis=(0, 1)))\n    return out",
            r"inside the loop",
        ),
        (
            "out = np.zeros((2, 4))\n"
            "for b in range(2):\n"
            "    for k in range(4):\n"
            "        out[b, k] = gradient[b, :, :, k].mean()\n"
            "return out",
            r"gradient\.shape",
        ),
        (
            "b, h, w, k = gradient.shape\nreturn gradient.reshape(b, k, h * w).mean(axis=2)",
            r"mixes",
        ),
        ("return np.mean(gradient, axis=-1)", "pooled over the maps"),
        ("return np.round(gradient.mean((1, 2)), 2)", "rounded to 2 decimals"),
        ("return gradient.mean((1, 2)).astype(int)", "cut off"),
        ("return gradient.mean((1, 2)).round(1)", "rounded to 1 decimals?"),
        ("gradient[gradient < 0] = 0\nreturn gradient.mean((1, 2))", "negative slopes are gone"),
        ("gradient /= 6\nreturn gradient.sum((1, 2))", "Right for 2 pictures.*but not for 3 pict"),
        (
            "gradient /= gradient.shape[1] * gradient.shape[2]\nreturn gradient.sum((1, 2))",
            "`gradient` was changed",
        ),
        ("return tf.reduce_sum(gradient, [1, 2])", "sum over the positions"),
        ("return tf.norm(gradient, axis=[1, 2])", r"picture 0, map 0 must be 3, and yours is 13"),
        ("return gradient.mean((1, 2, 3))", r"must have the shape \(2, 4\), \(picture, map\)"),
        ("return gradient.mean(axis=(1, 4))", "counted from 0"),
        ("for one in gradient:\n    return one.mean((0, 1))", "first picture"),
        ("return -gradient.mean((1, 2))", "wrong sign"),
        ("return 2.5 * gradient.mean((1, 2))", "must be 3, and yours is 7.5. All.*2.5 times"),
        ("return gradient.mean((1, 2)) + 0.5", "must be 3, and yours is 3.5. All.*0.5 too large"),
        ("return gradient.mean((1, 2))[::-1]", "reverse order"),
    ],
    "weighted_sum_of_maps": [
        (
            "total = 0\n"
            "for k in range(weights.shape[0]):\n"
            "    total = total + feature_maps[..., k] * weights[:, k, None, None]\n"
            "return total",
            r"number of pictures",
        ),
        (
            "total = 0\n"
            "for k in range(weights.shape[1] - 1):\n"
            "    total = total + feature_maps[..., k] * weights[:, k, None, None]\n"
            "return total",
            r"last map is left out",
        ),
        (
            "total = 0\n"
            "for k in range(1, weights.shape[1]):\n"
            "    total = total + feature_maps[..., k] * weights[:, k, None, None]\n"
            "return total",
            r"first map is left out",
        ),
        (
            "for k in range(weights.shape[1]):\n"
            "    total = feature_maps[..., k] * weights[:, k, None, None]\n"
            "return total",
            r"Only the last map",
        ),
        (
            "total = 0\n"
            "for k in range(weights.shape[1]):\n"
            "    total = total + feature_maps[..., k] * weights[:, k, None, None]\n"
            "    return total",
            r"Only the first map",
        ),
        (
            "out = []\n"
            "for A, w in zip(feature_maps, weights):\n"
            "    out.append(A @ w)\n"
            "    return out",
            r"Only the first picture",
        ),
        ("return np.mean(feature_maps * weights[:, None, None, :], axis=-1)", "has the sum"),
        ("return np.zeros((1, 7, 7, 1280)) * weights[:, None, None]", "from the notebook"),
        ("return sum(feature_maps[..., k] * weights[:, k] for k in range(3))", "weights.:, k, N"),
        (
            "return sum(feature_maps[..., k] * weights[:, k, None, None] for k in range(1280))",
            r"weights.shape\[1\]",
        ),
        ("return sum(feature_maps[..., k] * weights[:, k, None, None] for k in range(3))", "5 map"),
        ("return feature_maps @ weights", "`@` multiplies"),
        ("return (feature_maps @ weights.T).sum(axis=-1)", "sum over the pictures"),
        ("return np.einsum('bijk,bk->bij', feature_maps, -weights)", "wrong sign"),
        (
            "feature_maps *= weights[:, None, None]\nreturn feature_maps.sum(axis=-1)",
            "`feature_maps` was changed",
        ),
        ("return feature_maps @ weights[0]", "weights of the first one"),
        ("return np.round(np.einsum('bijk,bk->bij', feature_maps, weights), 2)", "rounded"),
        ("return np.einsum('bijk,bk->b', feature_maps, weights)", r"shape \(2, 3, 2\), \(pict"),
        (
            "products = feature_maps * weights[:, None, None, :]\n"
            "products[products < 0] = 0\n"
            "return products.sum(-1)",
            "before the sum",
        ),
    ],
    "grad_cam_steps": [
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, -1]\n"
            "g = tape.gradient(y, A)\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            r"always the last",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, class_index + 1]\n"
            "g = tape.gradient(y, A)\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            r"class after|slice index",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, :class_index]\n"
            "g = tape.gradient(y, A)\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            r"must be 4",
        ),
        (
            "x = tf.convert_to_tensor(inputs[:1])\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, class_index]\n"
            "g = tape.gradient(y, A)\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            r"whole batch",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    y = scores[:, class_index]\n"
            "g = tape.gradient(A, y)\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            r"score comes",
        ),
        (START + "return weighted_sum_of_maps(A.numpy(), alpha(g.numpy()))", "ReLU is missing"),
        (
            START
            + "v = tf.reduce_mean(g, axis=(0, 1, 2))\nreturn np.maximum(A.numpy() @ v.numpy(), 0)",
            "averaged over the pictures too",
        ),
        (START + "return np.maximum(A.numpy() @ alpha(g.numpy())[0], 0)", "weights of the first"),
        (START + "return tf.nn.relu(tf.reduce_sum(A * g, axis=-1))", "HiResCAM"),
        (START + "return g.mean(axis=(1, 2))", r"add \.numpy\(\)"),
        (START + "return A.numpy() @ tf.reduce_mean(g, axis=(0, 1, 2))", r"add \.numpy\(\)"),
        (
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(inputs)\n"
            "    A, scores = maps_and_scores(inputs)\n"
            "return tape.gradient(scores[:, class_index], A)",
            "not arrays",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    score = scores[:, class_index]\n"
            "A = A.numpy()\n"
            "return tape.gradient(score, A)",
            "take the gradient first",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "g = tape.gradient(scores[:, class_index], A).numpy()\n"
            "return np.maximum((A.numpy() * g.mean((1, 2), keepdims=True)).sum(-1), 0)",
            "inside the `with` block",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    score = maps_and_scores(x)[1][:, class_index]\n"
            "A = maps_and_scores(x)[0]\n"
            "g = tape.gradient(score, A).numpy()\n"
            "return np.maximum((A.numpy() * g.mean((1, 2), keepdims=True)).sum(-1), 0)",
            "in one call",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    A, scores = maps_and_scores(x)\n"
            "    score = scores[:, class_index]\n"
            "v = tf.reduce_mean(tape.gradient(score, A), [1, 2])\n"
            "return tf.nn.relu(tf.einsum('bijk,bk->bij', A, v))",
            r"tape.watch\(x\)",
        ),
        (
            TAPED.format(score="scores[:, 281]")
            + "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            "not the number of the cat",
        ),
        (
            TAPED.format(score="tf.nn.softmax(scores)[:, class_index]")
            + "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            "gradient of the probability",
        ),
        (
            TAPED.format(score="tf.math.log(tf.nn.softmax(scores))[:, class_index]")
            + "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            "log-probability",
        ),
        (
            TAPED.format(score="scores[class_index]")
            + "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g.numpy())), 0)",
            "one picture, with all its classes",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    A, scores = maps_and_scores(x)\n"
            "    score = scores[:, class_index]\n"
            "g = tape.gradient(score, x).numpy()\n"
            "return np.maximum(weighted_sum_of_maps(A.numpy(), alpha(g)), 0)",
            "the gradient with respect to x",
        ),
        (
            START + "m = tf.nn.relu(tf.einsum('bijk,bk->bij', A, tf.reduce_mean(g, [1, 2])))\n"
            "inputs *= 0\nreturn m",
            "`inputs` was changed",
        ),
        (
            START + "m = tf.nn.relu(tf.einsum('bijk,bk->bij', A, tf.reduce_mean(g, [1, 2])))\n"
            "maps_and_scores.set_weights([0 * w for w in maps_and_scores.get_weights()])\nreturn m",
            "`maps_and_scores` was changed",
        ),
    ],
    "place_contributions": [
        (
            "z = feature_maps.shape[1] * feature_maps.shape[2]\n"
            "return feature_maps @ np.abs(W[:, class_index]) / z",
            r"lost their",
        ),
        (
            "z = feature_maps.shape[1] * feature_maps.shape[2]\n"
            "return feature_maps @ np.maximum(W[:, class_index], 0) / z",
            r"lost their",
        ),
        (
            "z = feature_maps.shape[1] * feature_maps.shape[2]\n"
            "return feature_maps @ W[:, [class_index]] / z",
            r"inner brackets",
        ),
        (
            "z = feature_maps.shape[1] * feature_maps.shape[2]\n"
            "return feature_maps @ W[:, class_index + 1] / z",
            r"number of the cat",
        ),
        ("return feature_maps @ W[:, class_index]", "1/Z"),
        (
            "h, w = feature_maps.shape[1:3]\nreturn feature_maps @ W[:, class_index] / h * w",
            "Brackets are missing",
        ),
        ("return feature_maps @ W[:, class_index] / feature_maps.shape[1] ** 2", "height twice"),
        ("return feature_maps @ W[:, 281] / 8", "not the number of the cat"),
        ("return feature_maps @ W[:, class_index] / 8", "Right for 3 pict.*but not for 2 pict"),
        (
            "z = feature_maps.shape[1] * feature_maps.shape[2]\n"
            "return feature_maps @ W[class_index] / z",
            "a row",
        ),
        (
            "h, w = feature_maps.shape[1:3]\nreturn feature_maps @ W[:, 1] / (h * w)",
            "always class 1",
        ),
        ("return (feature_maps * W[:, class_index]).mean(axis=-1)", "number of maps"),
        ("return feature_maps.mean((1, 2)) @ W[:, class_index]", "is lost"),
        (
            "feature_maps /= feature_maps[0, ..., 0].size\nreturn feature_maps @ W[:, class_index]",
            "`feature_maps` was changed",
        ),
        (
            "h, w = feature_maps.shape[1:3]\n"
            "return np.round(feature_maps @ W[:, class_index] / (h * w), 2)",
            "rounded to 2",
        ),
        (
            "h, w = feature_maps.shape[1:3]\nreturn -(feature_maps @ W[:, class_index]) / (h * w)",
            "wrong sign",
        ),
    ],
    "side_share": [
        (
            "p = np.maximum(m, 0)\n"
            "if p.sum() == 0:\n"
            "    return 0\n"
            "return (p * (side == 0)).sum() / p.sum()",
            r"must be 0.45",
        ),
        (
            "p = np.maximum(m, 0)\n"
            "if p.sum() == 0:\n"
            "    return 0\n"
            "return 100 * (p * side).sum() / p.sum()",
            r"in per cent",
        ),
        (
            "p = np.maximum(m, 0)\nif p == 0:\n    return 0\nreturn (p * side).sum() / p.sum()",
            r"one number",
        ),
        (
            "p = np.maximum(m, 0)\nreturn (p * side).sum() / p.sum() if p.sum() > 1e-6 else 0",
            r"another unit",
        ),
        (
            "p = np.maximum(m, 0)\n"
            "if m.sum() <= 0:\n"
            "    return 0\n"
            "return (p * side).sum() / p.sum()",
            r"4 x 5",
        ),
        ("return (m * side).sum() / m.sum()", "negative values were summed"),
        (
            "if not (m > 0).any():\n    return 0\n"
            "return np.average(side, weights=np.minimum(m, 0))",
            "must be 0.45",
        ),
        (
            "p = np.maximum(m, 0)\nreturn (p * side).sum() / p.sum()",
            "zero was divided by zero",
        ),
        (
            "p = np.maximum(m, 0)\n"
            "return sum((p * side).ravel().tolist()) / sum(p.ravel().tolist())",
            "zero was divided by zero",
        ),
        (
            "p = np.where(m >= 0.1 * m.max(), m, 0)\n"
            "return (p * side).sum() / p.sum() if m.max() > 0 else 0.0",
            "Weak positions",
        ),
        (
            "p = np.maximum(m, 0)\nreturn round((p * side).sum() / p.sum(), 2) if p.any() else 0.0",
            "rounded to 2 decimals",
        ),
        (
            "p = np.maximum(m, 0)\nreturn (p * side).sum() / (p.sum() + 1e-9)",
            "Something was added",
        ),
        ("p = np.maximum(m, 0)\nreturn (p * side).max() / p.max() if p.any() else 0.0", "largest"),
        (
            "p = np.maximum(m, 0)\n"
            "return (p * side).sum(axis=0) / p.sum(axis=0) if p.any() else 0.0",
            "must be one number",
        ),
        (
            "np.maximum(m, 0, out=m)\nreturn (m * side).sum() / m.sum() if m.any() else 0.0",
            "`m` was changed",
        ),
        (
            "return float(np.sum(side[m > 0]) / np.sum(m > 0)) if (m > 0).any() else 0",
            "were counted",
        ),
    ],
}
