"""Lesson 2: answers as students type them, right and wrong, none of them spelled like the table."""

import numpy as np
import tensorflow as tf  # noqa: F401 - what the notebook has imported

from course_utils import integrated_gradients, vanilla_gradients  # noqa: F401

# What the notebook has made further up.
tabby, inputs = 281, np.zeros((1, 224, 224, 3), np.float32)

TAPED = """
x = tf.convert_to_tensor({inputs})
with tf.GradientTape() as tape:
    tape.watch(x)
    y = {score}
return {then}
"""


def taped(score="score_model(x)[:, class_index]", inputs="inputs", then="tape.gradient(y, x)"):
    return TAPED.format(score=score, inputs=inputs, then=then)


def path(point="(k + 0.5) / steps", steps="steps", at="a * inputs", then="inputs * total / steps"):
    return (
        "total = 0\n"
        f"for k in range({steps}):\n"
        f"    a = {point}\n"
        f"    total = total + np.asarray(gradients(score_model, np.float32({at}), class_index))\n"
        f"return {then}"
    )


RIGHT = {
    "gradients": [
        (
            "x = tf.cast(inputs, tf.float32)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    scores = score_model(x)\n"
            "    score = tf.reduce_sum(scores * tf.one_hot(class_index, scores.shape[1]))\n"
            "return tape.gradient(score, x)"
        ),
        (
            "@tf.function\n"
            "def f(x):\n"
            "    with tf.GradientTape() as t:\n"
            "        t.watch(x)\n"
            "        y = score_model(x)[:, class_index]\n"
            "    return t.gradient(y, x)\n"
            "return f(tf.constant(inputs))"
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    scores = score_model(x)\n"
            "return tape.gradient(scores, x, output_gradients=tf.one_hot([class_index] * "
            "len(inputs), scores.shape[1]))"
        ),
        taped("tf.gather(score_model(x), class_index, axis=1)"),
        "x = tf.Variable(inputs)\n"
        "with tf.GradientTape() as tape:\n"
        "    score = tf.reduce_sum(score_model(x)[:, class_index])\n"
        "return tape.gradient(score, x).numpy()",
        "result = []\n"
        "for one in inputs:\n"
        "    x = tf.constant(one[None])\n"
        "    with tf.GradientTape() as tape:\n"
        "        tape.watch(x)\n"
        "        score = score_model(x)[0, class_index]\n"
        "    result.append(tape.gradient(score, x)[0])\n"
        "return result",
        "x = tf.constant(inputs)\n"
        "with tf.GradientTape(watch_accessed_variables=False) as t:\n"
        "    t.watch(x)\n"
        "    scores = score_model(x, training=False)\n"
        "    score = tf.unstack(scores, axis=1)[class_index]\n"
        "return t.gradient(score, x).numpy().tolist()",
        taped(
            "score_model(x)[:, class_index : class_index + 1]",
            then="tape.batch_jacobian(y, x)[:, 0]",
        ),
    ],
    "saliency_map": [
        ("g = np.fabs(gradient)\nreturn np.sort(g, axis=-1)[..., -1]"),
        (
            "m = np.zeros(gradient.shape[:3])\n"
            "for c in range(3):\n"
            "    m = np.where(np.abs(gradient[..., c]) > m, np.abs(gradient[..., c]), m)\n"
            "return m"
        ),
        "g = np.asarray(gradient)\nreturn np.maximum(g.max(axis=3), -g.min(axis=3))",
        "return tf.reduce_max(tf.abs(gradient), axis=-1)",
        "r, g, b = np.abs(np.moveaxis(np.asarray(gradient), -1, 0))\n"
        "return np.maximum(np.maximum(r, g), b)",
        "return [[[max(abs(v) for v in p) for p in row] for row in one] for one in gradient]",
        "return np.sqrt(np.max(np.square(gradient), axis=3))",
        "return np.linalg.norm(gradient, ord=np.inf, axis=-1)",
    ],
    "explain": [
        (
            "x = classifier.prepare(picture)\n"
            "c = int(np.argmax([label == name for label in classifier.labels]))\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return saliency_map(g[:1]).reshape(x.shape[1:3])"
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return saliency_map(g).sum(axis=0)"
        ),
        "x = classifier.prepare([picture])\n"
        "g = vanilla_gradients(classifier.model, x, classifier.class_index(name))\n"
        "return np.abs(g)[0].max(-1)",
        "x = classifier.prepare(picture)\n"
        "c = list(classifier.labels).index(name)\n"
        "return np.asarray(saliency_map(gradients(classifier.score_model, x, c)))[0]",
        "g = gradients(\n"
        "    score_model=classifier.score_model,\n"
        "    inputs=classifier.prepare(picture),\n"
        "    class_index=classifier.class_index(name),\n"
        ")\n"
        "(m,) = saliency_map(np.asarray(g))\n"
        "return m",
        "x = tf.constant(classifier.prepare(picture))\n"
        "with tf.GradientTape() as tape:\n"
        "    tape.watch(x)\n"
        "    score = classifier.score_model(x)[0, classifier.class_index(name)]\n"
        "return tf.reduce_max(tf.abs(tape.gradient(score, x)[0]), axis=-1)",
    ],
    "path_gradients": [
        (
            "edges = np.linspace(0, 1, steps + 1)\n"
            "m = (edges[1:] + edges[:-1]) / 2\n"
            "return sum(inputs * np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index)) for a in m) / steps"
        ),
        (
            "total = 0\n"
            "for k in range(steps):\n"
            "    a = 1 - (k + 0.5) / steps\n"
            "    total = total + np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index))\n"
            "return inputs * total / steps"
        ),
        path(point="(2 * k + 1) / (2 * steps)", then="total * inputs * (1 / steps)"),
        "a = np.linspace(0.5 / steps, 1 - 0.5 / steps, steps, dtype=np.float32)\n"
        "points = a.reshape(-1, 1, 1, 1) * inputs\n"
        "g = np.asarray(gradients(score_model, points, class_index))\n"
        "return tf.reduce_mean(g, axis=0) * inputs",
        "slopes = [\n"
        "    vanilla_gradients(score_model, (k - 0.5) / steps * inputs, class_index)\n"
        "    for k in range(1, steps + 1)\n"
        "]\n"
        "return inputs * np.mean(slopes, axis=0)",
        "ig = np.zeros_like(inputs)\n"
        "for k in range(steps):\n"
        "    point = tf.constant(inputs * np.float32((k + 0.5) / steps))\n"
        "    with tf.GradientTape() as tape:\n"
        "        tape.watch(point)\n"
        "        score = score_model(point)[:, class_index]\n"
        "    ig += tape.gradient(score, point).numpy() * inputs / steps\n"
        "return ig",
    ],
}

WRONG = {
    "gradients": [
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    y = score_model(x)[:, class_index]\n"
            "return tape.gradient(x, y)",
            r"score comes first",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    y = tf.argmax(score_model(x), axis=1)\n"
            "return tape.gradient(y, x)",
            r"didn't see",
        ),
        (
            "x = tf.convert_to_tensor(-inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    y = score_model(x)[:, class_index]\n"
            "return tape.gradient(y, x)",
            r"must be 2, and yours is -2",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    y = score_model(x)[:, class_index]\n"
            "return tape.gradient(y, x)[:, ::-1]",
            r"Right for 2 pictures.*but not",
        ),
        (taped("tf.nn.softmax(score_model(x))[:, class_index]"), "gradient of the probability"),
        (taped("tf.nn.log_softmax(score_model(x))[:, class_index]"), "log-probability"),
        (taped("score_model(x)"), "sum over all classes"),
        (taped("score_model(x)[:, 0]"), "always the gradient of class 0"),
        (taped("score_model(x)[:, 1]"), "always the gradient of class 1"),
        (taped("score_model(x)[:, class_index - 1]"), "class before the given"),
        (taped("score_model(x)[:, tabby]"), "number of the notebook's tabby"),
        (taped("score_model(x)[:, 281]"), "number of the notebook's tabby"),
        (taped("-score_model(x)[:, class_index]"), "flipped"),
        (taped("score_model(x)[0, class_index]"), "Only the first picture"),
        (taped("score_model(x)[class_index]"), "picks a picture"),
        (taped("tf.reduce_mean(score_model(x)[:, class_index])"), "divided by the batch size"),
        (taped("score_model.predict(x, verbose=0)[:, class_index]"), "can't differentiate"),
        (taped("score_model(x).numpy()[:, class_index]"), "can't differentiate"),
        (taped("score_model(inputs)[:, class_index]"), "didn't see"),
        (taped("score_model(x)[:, class_index]", then="tape.gradient(y, x).numpy()[0]"), "batch"),
        (taped(inputs="inputs / 255"), "divided by 255"),
        (taped(inputs="inputs * 128 + 127"), "0 to 255"),
        (taped("score_model(x / 255)[:, class_index]"), "inside the tape"),
        (taped(inputs="tf.zeros_like(inputs)"), "input of zeros"),
        (taped(inputs="tf.clip_by_value(inputs, 0, 1)"), r"clipped to 0\.\.\.1"),
        (taped(inputs="inputs + 0.1"), "must be .*, and yours is"),
        (taped(then="inputs * tape.gradient(y, x)"), "gradient times input"),
        (taped(then="tf.abs(tape.gradient(y, x))"), "signs are gone"),
        (taped(then="tape.gradient(y, x) / 3"), "picture 0, row 0, column 0, channel 0 must be 2"),
        (taped(then="np.round(tape.gradient(y, x), 2)"), "rounded to 2 decimals"),
        (
            taped(then="0 * x + tf.reduce_mean(tape.gradient(y, x), axis=0)"),
            "the mean of the gradients",
        ),
        (taped(then="tf.reduce_sum(tape.gradient(y, x), axis=-1)"), "channels were summed"),
        (taped(then="print(tape.gradient(y, x))"), "`return` is missing"),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    score = score_model(x)[:, class_index]\n"
            "return tape.gradient(score, x)",
            r"tape\.watch\(x\)",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    score = score_model(x)[:, class_index]\n"
            "return tape.gradient(score, x).numpy()",
            "didn't see",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    scores = score_model(x)\n"
            "return tape.gradient(scores[:, class_index], x)",
            "pick the column there too",
        ),
        (
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(inputs)\n"
            "    score = score_model(inputs)[:, class_index]\n"
            "return tape.gradient(score, inputs)",
            "inputs is a NumPy array",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    score = score_model(x)[:, class_index]\n"
            "return tape.gradient(score, score_model.trainable_variables)",
            "with respect to the inputs",
        ),
        (
            "x = tf.zeros((1, 224, 224, 3))\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    score = score_model(x)[:, class_index]\n"
            "return tape.gradient(score, x)",
            "own arguments",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    score = score_model(x)[:, class_index]\n"
            "g = tape.gradient(score, x).numpy()\n"
            "inputs -= inputs.mean()\n"
            "return g",
            "`inputs` was changed",
        ),
        (
            "x = tf.convert_to_tensor(inputs)\n"
            "with tf.GradientTape() as tape:\n"
            "    tape.watch(x)\n"
            "    score = score_model(x)[:, class_index]\n"
            "g = tape.gradient(score, x)\n"
            "score_model.trainable = False\n"
            "return g[::-1]",
            "reverse order",
        ),
    ],
    "saliency_map": [
        (
            "m = np.abs(gradient).max(axis=-1)\nreturn (m - m.min()) / (m.max() - m.min())",
            r"stretched",
        ),
        (
            "out = []\nfor g in gradient:\n    out.append(np.abs(g).max(axis=-1))\n    return out",
            r"inside the loop",
        ),
        ("return np.maximum(gradient.max(-1), -gradient.max(-1))", r"largest was taken first"),
        ("return gradient.max(axis=-1)", r"\|g\| first"),
        ("return np.abs(gradient).sum(axis=-1)", "sum over the channels"),
        ("return np.abs(gradient).mean(axis=-1)", "mean over the channels"),
        ("return gradient.mean(axis=-1)", "colours cancel"),
        ("return abs(gradient.mean(-1))", "mean was taken first"),
        ("return abs(gradient.max(-1))", "largest was taken first"),
        ("return np.abs(gradient).max(axis=0)", "last axis"),
        ("return np.abs(gradient).max(axis=1)", "axis=1 goes over the rows"),
        ("return np.abs(gradient).max(axis=2)", "columns"),
        ("return np.abs(gradient).max(axis=4)", "counted from 0"),
        ("return np.abs(gradient)", "channels are still there"),
        ("return np.abs(gradient).max()", "largest of everything"),
        ("return np.abs(gradient, out=gradient).max(axis=-1)", "`gradient` was changed"),
        ("gradient[gradient < 0] *= -1\nreturn gradient.max(axis=-1)", "`gradient` was changed"),
        ("return gradient.min(axis=-1)", "smallest"),
        ("return np.abs(gradient[..., :-1]).max(-1)", "Only some of the three channels"),
        ("return np.abs(gradient).max(axis=-1, keepdims=True)", "leave out keepdims"),
        ("return np.abs(gradient).max(axis=-1)[0]", "batch axis is gone"),
        ("return np.linalg.norm(gradient, axis=-1)", "root of the sum of squares"),
        ("m = np.abs(gradient).max(-1)\nreturn m / m.max(axis=(1, 2), keepdims=True)", "divided"),
        ("return np.abs(gradient).max(axis=-1).astype(int)", "cut off"),
        ("return np.round(np.abs(gradient).max(axis=-1), 3)", "rounded to 3 decimals"),
        ("return np.max(-np.abs(gradient), axis=-1)", "must be 5|weakest|minus"),
        ("return np.abs(gradient).max(axis=-1) > 0", "must be 5"),
        ("return np.abs(np.diff(gradient, axis=-1)).max(axis=-1)", "column 0 must be 5"),
    ],
    "explain": [
        (
            "x = classifier.prepare(picture)\n"
            "c = [p.class_index for p in classifier.predict(picture)[0] if p.label == "
            "name][0]\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return saliency_map(g)[0]",
            r"only the most probable classes",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, np.abs(x), c))\n"
            "return saliency_map(g)[0]",
            r"lost its signs",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, -x, c))\n"
            "return saliency_map(g)[0]",
            r"negative",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return saliency_map(g)[1]",
            r"first: \[0\]",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return g[0].mean(axis=-1)",
            r"colours cancel",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "g = np.asarray(gradients(classifier.score_model, x, c))\n"
            "return g[0].sum(axis=-1)",
            r"colours cancel",
        ),
        (
            "x = np.float32(picture)[None]\n"
            "c = classifier.class_index(name)\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            r"classifier\.prepare",
        ),
        (
            "x = np.float32(picture[None, :3, :3])\n"
            "x = x[:, : classifier.input_size[0], : classifier.input_size[1]]\n"
            "c = classifier.class_index(name)\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            "unprepared|must be",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "g = gradients(classifier.model, x, classifier.class_index(name))\n"
            "return saliency_map(g)[0]",
            r"classifier\.score_model",
        ),
        (
            "g = gradients(classifier.score_model, classifier.prepare(picture), 281)\n"
            "return saliency_map(g)[0]",
            "notebook's tabby",
        ),
        (
            "g = gradients(classifier.score_model, classifier.prepare(picture), name)\n"
            "return saliency_map(g)[0]",
            r"class_index\(name\)",
        ),
        (
            "g = gradients(classifier.score_model, inputs, classifier.class_index(name))\n"
            "return saliency_map(g)[0]",
            "nothing from further up",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index('tabby')\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            "use the name your function is given",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.predict(picture)[0][0].class_index\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            "predicted class instead",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = [i for i, label in enumerate(classifier.labels) if name in label][0]\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            "'tiger cat' contains 'cat'",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = max(i for i, label in enumerate(classifier.labels) if label.startswith(name))\n"
            "return saliency_map(gradients(classifier.score_model, x, c))[0]",
            "another class whose name",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "return saliency_map(vanilla_gradients(classifier.model, x))[0]",
            "predicted class instead",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "return saliency_map(\n"
            "    gradients(classifier.score_model, x, classifier.class_index(name))\n"
            ")",
            "batch axis",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "return gradients(classifier.score_model, x, classifier.class_index(name))",
            "saliency_map",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "g = gradients(classifier.score_model, x, classifier.class_index(name))\n"
            "return np.asarray(g)[0]",
            "one number per pixel",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "g = gradients(classifier.score_model, x, classifier.class_index(name))\n"
            "return np.asarray(g)[0].max(axis=-1)",
            r"\|g\| first",
        ),
        (
            "x = classifier.prepare(classifier.prepare(picture))\n"
            "g = gradients(classifier.score_model, x, classifier.class_index(name))\n"
            "return saliency_map(g)[0]",
            "only once",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "g = tf.constant(gradients(classifier.score_model, x, classifier.class_index(name)))\n"
            "return abs(g).max(axis=-1)[0]",
            "np.asarray",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "m = saliency_map(gradients(classifier.score_model, x, c))[0]\n"
            "return m.T",
            "transposed",
        ),
        (
            "x = classifier.prepare(picture)\n"
            "c = classifier.class_index(name)\n"
            "m = saliency_map(gradients(classifier.score_model, x, c))[0]\n"
            "picture[:] = 0\n"
            "return m",
            "`picture` was changed",
        ),
    ],
    "path_gradients": [
        (
            "total = 0\n"
            "for k in range(steps):\n"
            "    a = k\n"
            "    total = total + np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index))\n"
            "return inputs * total / steps",
            r"whole numbers",
        ),
        (
            "total = 0\n"
            "for k in range(steps):\n"
            "    a = (k + 0.5) / steps\n"
            "    total = total + np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index))\n"
            "return total",
            r"sum of the gradients",
        ),
        (
            "total = 0\n"
            "for k in range(steps):\n"
            "    a = (k + 0.5) / steps\n"
            "    total = total - np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index))\n"
            "return inputs * total / steps",
            r"wrong sign",
        ),
        (
            "steps = max(steps, 8)\n"
            "total = 0\n"
            "for k in range(steps):\n"
            "    a = (k + 0.5) / steps\n"
            "    total = total + np.asarray(gradients(score_model, np.float32(a * inputs), "
            "class_index))\n"
            "return inputs * total / steps",
            r"always the same",
        ),
        (path(then="inputs * np.asarray(total)"), "not divided"),
        (path(point="(k - 0.5) / steps"), r"begin at -0\.5 / steps"),
        (path(point="k / steps"), "beginnings"),
        (path(point="(k + 1) / steps"), "ends of the pieces"),
        (path(point="k + 0.5 / steps"), "Brackets"),
        (path(point="1"), "gradient times input"),
        (path(point="1", then="total / steps"), "gradient at the input"),
        (path(then="total / steps"), "multiplied by the displacement"),
        (path(then="inputs * np.mean(total) / steps"), "averaged over everything"),
        (path(point="np.random.rand()"), "must be .*, and yours is"),
        (path(point="(k + 0.5) / 8", steps="8", then="inputs * total / 8"), "always the same"),
        (path(point="(k + 0.5) / 50", steps="50", then="inputs * total / 50"), "always the same"),
        (path(point="(k + 0.5) / 40", steps="40", then="inputs * total / 40"), "always the same"),
        (path(steps="steps - 1"), "last point is missing"),
        (path(steps="1, steps"), "first point is missing"),
        (path(at="inputs + a * inputs"), "beyond"),
        (path(at="inputs + a"), "must be 7"),
        (path().replace("class_index))", "281))"), "notebook's tabby"),
        (path().replace("class_index))", "0))"), "always class 0"),
        (path().replace("total = total +", "total ="), "last gradient only"),
        (
            path(then="inputs * total / steps").replace("total = 0", "inputs *= 1.5\ntotal = 0"),
            "must be 7.*`inputs` was changed",
        ),
        (
            path(then="result").replace(
                "return", "result = inputs * total / steps\ninputs *= 0\nreturn"
            ),
            "`inputs` was changed",
        ),
        (
            "total = 0\n"
            "for a in np.linspace(0, 1, steps):\n"
            "    g = gradients(score_model, np.float32(a * inputs), class_index)\n"
            "    total = total + np.asarray(g)\n"
            "return inputs * total / steps",
            r"np\.linspace\(0, 1, steps\) includes both ends",
        ),
        (
            "gs = [\n"
            "    np.asarray(gradients(score_model, np.float32(a * inputs), class_index))\n"
            "    for a in np.linspace(0, 1, steps + 1)\n"
            "]\n"
            "return inputs * sum((p + q) / 2 for p, q in zip(gs, gs[1:])) / steps",
            "trapezoidal",
        ),
        (
            "return integrated_gradients(score_model, inputs, class_index, steps=steps)",
            "package's version",
        ),
        (
            "return integrated_gradients(score_model, inputs, class_index, steps)",
            "other arguments|Write the sum yourself",
        ),
        (
            path().replace("np.float32(a * inputs)", "inputs"),
            "gradient times input",
        ),
        (
            "g = [gradients(score_model, np.float32(k / steps * inputs), class_index) "
            "for k in range(steps)]\n"
            "return inputs * g / steps",
            "must have the shape",
        ),
    ],
}
