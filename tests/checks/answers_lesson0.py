"""Lesson 0: answers as students type them, right and wrong, none of them spelled like the table."""

import math  # noqa: F401 - what students try

import numpy as np
import tensorflow as tf  # noqa: F401

cat = np.zeros((6, 9, 3), np.uint8)  # what the notebook has made further up

RIGHT = {
    "best_label": [
        ("return classifier.predict([picture, picture], top=2)[1][0].label"),
        ("p, = classifier.predict(picture)\nbest, *rest = p\nreturn best.label"),
        ("return classifier.predict(picture)[0][0][1]"),
        "return classifier.predict(picture, top=1)[0][0].label",
        "scores = classifier.score_model(classifier.prepare(picture))\n"
        "return classifier.labels[int(tf.argmax(scores, axis=1)[0])]",
        "predictions = classifier.predict(picture)[0]\n"
        "return max(predictions, key=lambda p: p.probability).label",
        "for one in classifier.predict([picture]):\n"
        "    for number, label, probability, score in one:\n"
        "        return label",
        "import numpy as np\n"
        "p = classifier.model(classifier.prepare(picture)).numpy()[0]\n"
        "return np.array(classifier.labels)[p.argsort()[-1]]",
    ],
    "softmax": [
        ("import keras\nreturn keras.ops.softmax(scores, axis=-1)"),
        (
            "s = scores.copy()\n"
            "for i in range(len(s)):\n"
            "    s[i] -= max(s[i])\n"
            "    s[i] = np.exp(s[i])\n"
            "    s[i] /= sum(s[i])\n"
            "return s"
        ),
        (
            "d = scores[:, None, :] - scores[:, :, None]\n"
            "with np.errstate(over='ignore'):\n"
            "    return 1 / np.exp(d).sum(axis=2)"
        ),
        "e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))\n"
        "return e / e.sum(axis=-1)[:, None]",
        "return tf.nn.softmax(tf.constant(scores)).numpy()",
        "return tf.nn.softmax(scores)",
        "result = []\n"
        "for row in scores:\n"
        "    e = np.exp(row - max(row))\n"
        "    result.append(e / sum(e))\n"
        "return result",
        "s = scores - np.max(scores, 1, keepdims=True)\n"
        "return np.exp(s - np.log(np.exp(s).sum(1, keepdims=True)))",
        "shifted = (scores.T - scores.max(axis=1)).T\n"
        "e = np.exp(shifted)\n"
        "return np.einsum('bc,b->bc', e, 1 / e.sum(axis=1))",
        "return [[1 / np.exp(row - s).sum() for s in row] for row in scores]",
    ],
}

WRONG = {
    "best_label": [
        ("return classifier.predict(picture)[0][0].Label", r"has the attributes"),
        ("return classifier.predict(picture)[0][0]['label']", r"with a dot"),
        ("return classifier.predict(picture)[0][0].label()", r"without brackets"),
        ("return classifier.predict('picture')[0][0].label", r"in quotes"),
        (
            "return classifier.labels[classifier.predict(picture)[0][0].class_index + 1]",
            r"class after",
        ),
        (
            "return "
            "classifier.labels[np.argmax(classifier.score_model(classifier.prepare(picture)"
            "), axis=1)]",
            r"take the first, \[0\]",
        ),
        (
            "for p in classifier.predict(picture)[0]:\n"
            "    if p.probability > 0.9:\n"
            "        return p.label",
            r"no class is very",
        ),
        (
            "for p in classifier.predict(picture)[0]:\n"
            "    if p.probability > 0.5:\n"
            "        return p.label\n"
            "return 'unknown'",
            r"yellow",
        ),
        (
            "return classifier.predict(picture.astype(float) / 255)[0][0].label",
            r"prepares the picture itself",
        ),
        ("return classifier.predict(picture)[0][0]", r"\.label"),
        ("print(classifier.predict(picture)[0][0].label)", "return"),
        ("return classifier.predict(picture)", r"\[0\]\[0\]"),
        ("return classifier.predict(picture)[0]", r"\[0\]\[0\]"),
        ("return classifier.predict(picture)[0].label", r"\[0\]\[0\]"),
        ("return classifier.predict(picture).label", r"\[0\]\[0\]"),
        ("return classifier.predict(picture)[0][0].class_index", "A label is a string"),
        ("return classifier.predict(picture)[0][0].probability", "A label is a string"),
        ("return classifier.predict(picture)[0][0].name", "has the attributes"),
        ("return classifier.label", "has a method"),
        ("return [classifier.predict(picture)[0][0].label]", "more than the label"),
        (
            "p = classifier.predict(picture)[0][0]\nreturn p.label, p.probability",
            "more than the label",
        ),
        ("return [p.label for p in classifier.predict(picture)[0]]", "several classes"),
        (
            "p = classifier.predict(picture)[0][0]\nreturn f'{p.label} ({p.probability:.1%})'",
            "be 'green', and yours is 'green .*with nothing added",
        ),
        ("return classifier.predict(picture)[0][0].label + ' '", "with nothing added"),
        ("return repr(classifier.predict(picture)[0][0].label)", "with nothing added"),
        ("return 'Egyptian cat'", "be 'green', and yours is 'Egyptian cat'. No class"),
        ("return 'classifier.predict(picture)[0][0].label'", "use the classifier and the picture"),
        (
            "return classifier.predict(cat)[0][0].label",
            "'green', and yours is 'black'",
        ),
        (
            "scores = classifier.score_model(classifier.prepare(picture))\n"
            "return classifier.labels[int(tf.argmax(scores, axis=0)[0])]",
            "over the classes, axis=1",
        ),
        (
            "p = sorted(classifier.predict(picture)[0], key=lambda p: p.probability)\n"
            "return p[0].label",
            "The most probable class comes first|lowest",
        ),
        (
            "return classifier.labels[int(tf.argmax(classifier.score_model(picture[None])[0]))]",
            "takes a prepared batch|unprepared",
        ),
    ],
    "softmax": [
        (
            "e = np.exp(scores + scores.max(axis=1, keepdims=True))\n"
            "return e / e.sum(axis=1, keepdims=True)",
            r"score was added",
        ),
        (
            "e = np.exp(scores.astype(np.longdouble))\nreturn e / e.sum(axis=1, keepdims=True)",
            r"infinite|exp",
        ),
        (
            "e = np.exp(scores - scores.max(axis=1, keepdim=True))\n"
            "return e / e.sum(axis=1, keepdim=True)",
            r"with an s",
        ),
        (
            "e = np.exp(scores - scores[:, :1])\nreturn e / e.sum(axis=1, keepdims=True)",
            r"first or the last",
        ),
        (
            "e = np.exp(scores - scores[:, -1:])\nreturn e / e.sum(axis=1, keepdims=True)",
            r"first or the last",
        ),
        (
            "e = np.exp(scores)\ne[np.isinf(e)] = 1\nreturn e / e.sum(axis=1, keepdims=True)",
            r"must be 0.2447",
        ),
        ("e = np.exp(scores)\nreturn e / e.sum()", "Each picture has its own"),
        ("e = np.exp(scores)\nreturn e / e.sum(axis=0)", "axis=0"),
        ("e = np.exp(scores - scores.max())\nreturn e / e.sum(1, keepdims=True)", "whole batch"),
        ("return np.exp(scores)", "divide by the sum"),
        ("e = np.exp(scores)\nreturn e / e.sum(axis=1)", "keepdims"),
        ("e = np.exp(scores - scores.max(1))\nreturn e / e.sum(1, keepdims=True)", "keepdims"),
        (
            "scores -= scores.max(axis=1, keepdims=True)\n"
            "e = np.exp(scores)\n"
            "return e / e.sum(axis=1, keepdims=True)",
            "`scores` was changed",
        ),
        ("return scores / scores.sum(axis=1, keepdims=True)", "exp is missing"),
        ("e = np.exp(scores)\nreturn (e.T / e.sum(axis=1)).T", r"exp\(1000\) is infinite"),
        (
            "e = [[math.exp(s) for s in r] for r in scores]\nreturn np.divide(e, np.sum(e, 1))",
            "OverflowError|keepdims",
        ),
        ("e = math.exp(scores)\nreturn e / e.sum()", "functions of `math` take"),
        ("return tf.nn.softmax(scores, axis=0)", "axis=0"),
        ("return tf.nn.softmax(scores)[0]", "Only the first"),
        ("return tf.nn.softmax(scores).numpy().round(3)", "rounded to 3 decimals"),
        ("return tf.nn.softmax(scores).numpy().round(4)", "50 classes|4 decimals"),
        ("return np.max(tf.nn.softmax(scores), axis=-1)", "highest probability of each row"),
        (
            "e = np.exp(scores - scores.min(axis=1, keepdims=True))\n"
            "return e / e.sum(axis=1, keepdims=True)",
            "subtract the largest",
        ),
        (
            "e = np.exp(scores - scores.mean(axis=1, keepdims=True))\n"
            "return e / e.sum(axis=1, keepdims=True)",
            "subtract the largest",
        ),
        (
            "e = np.exp(np.clip(scores, -700, 700))\nreturn e / e.sum(axis=1, keepdims=True)",
            "were clipped",
        ),
        (
            "e = np.exp(np.clip(scores, None, 300))\nreturn e / e.sum(axis=1, keepdims=True)",
            "were clipped",
        ),
        (
            "e = np.exp(scores - 1000)\nreturn e / e.sum(axis=1, keepdims=True)",
            "same number was subtracted",
        ),
        (
            "e = np.exp(scores / 1000)\nreturn e / e.sum(axis=1, keepdims=True)",
            "picture 0, class 0 must be 0.2",
        ),
        ("e = np.exp(scores)\nfor row in e:\n    return row / row.sum()", "Only one row"),
        (
            "for row in scores:\n"
            "    e = np.exp(row - row.max())\n"
            "    result = e / e.sum()\n"
            "return result",
            "Only the last",
        ),
    ],
}
