"""One plausible wrong answer for each exercise, as a student types it, and what it must be told.

Exercise -> (the lines that stand in place of the stub, a pattern in the check's message). More
wrong answers, and right ones, are in tests/checks; these are run inside the whole notebook.
"""

WRONG_ANSWERS = {
    "0.1": ("return classifier.predict(picture)[0][0]", r"\.label"),
    "0.2": ("e = np.exp(scores)\nreturn e / e.sum()", "Each picture has its own"),
    "1.1": ("return x @ w", "constant b is missing"),
    "1.2": ("return x * w", "reference is missing"),
    "1.3": ("return weights.reshape(10, 8, 8)[class_index]", "mixes the classes"),
    "1.4": (
        "slopes = []\n"
        "for i in range(len(x)):\n"
        "    plus, minus = x, x\n"
        "    plus[i] += h\n"
        "    minus[i] -= h\n"
        "    slopes.append((score(plus) - score(minus)) / (2 * h))\n"
        "return np.array(slopes)",
        r"plus = x\.copy\(\)",
    ),
    "1.5": ("return w1 @ w2[:, class_index]", "Closed units pass nothing on"),
    "2.1": (
        "x = tf.convert_to_tensor(inputs)\n"
        "with tf.GradientTape() as tape:\n"
        "    tape.watch(x)\n"
        "    p = tf.nn.softmax(score_model(x))[:, class_index]\n"
        "return tape.gradient(p, x)",
        "gradient of the probability",
    ),
    "2.2": ("return gradient.max(axis=-1)", r"\|g\| first"),
    "2.3": (
        "inputs = np.float32(picture)[None]\n"
        "c = classifier.class_index(name)\n"
        "return saliency_map(gradients(classifier.score_model, inputs, c))[0]",
        "through classifier.prepare",
    ),
    "2.4": (
        "total = 0\n"
        "for k in range(steps):\n"
        "    a = (k + 0.5) / steps\n"
        "    total = total + gradients(score_model, np.float32(a * inputs), class_index)\n"
        "return inputs * np.asarray(total)",
        "not divided",
    ),
    "3.1": ("return np.mean(gradient, axis=-1)", "places"),
    "3.2": ("return np.mean(feature_maps * weights[:, None, None, :], axis=-1)", "sum"),
    "3.3": (
        "x = tf.convert_to_tensor(inputs)\n"
        "with tf.GradientTape() as tape:\n"
        "    tape.watch(x)\n"
        "    feature_maps, scores = maps_and_scores(x)\n"
        "    score = scores[:, class_index]\n"
        "gradient = tape.gradient(score, feature_maps).numpy()\n"
        "return weighted_sum_of_maps(feature_maps.numpy(), alpha(gradient))",
        "ReLU is missing",
    ),
    "3.4": ("return feature_maps @ W[:, class_index]", "1/Z"),
    "3.5": ("return (m * side).sum() / m.sum()", "negative values were summed"),
    "4.1": ("return inputs + noise * rng.standard_normal(inputs.shape)", "sigma is absolute"),
    "4.2": (
        "rng = np.random.default_rng(seed)\n"
        "total = 0\n"
        "for _ in range(samples):\n"
        "    copies = noisy_copies(inputs, noise, rng)\n"
        "    total = total + np.abs(method(model, copies, class_index))\n"
        "return total / samples",
        r"mean of \|g\|",
    ),
    "4.3": ("return maps.std(axis=0, ddof=1) / len(maps)", "square root of n"),
    "4.4": (
        "ones = average(lambda copies: np.ones(np.shape(copies)), np.zeros((1, 4, 4, 3)))\n"
        'return "signed" if np.allclose(ones, 1) else "squared"',
        "nobody can tell them apart",
    ),
    "5.1": (
        "if image.dtype == np.uint8:\n"
        "    return image\n"
        "return np.clip(image * 255, 0, 255).astype(np.uint8)",
        "still multiplied by 255",
    ),
    "5.2": ("return np.uint8(255 * maps / maps.max())", "whole batch"),
    "5.3": ("return keras.Model(model.input, keras.ops.log(model.output))", "logarithm"),
    "5.4": (
        "weights = gradients.mean(axis=(1, 2), keepdims=True)\n"
        "return (weights * maps).sum(axis=-1)",
        "ReLU is missing",
    ),
    "6.1": (
        "i, j = np.unravel_index(np.abs(m).argmax(), m.shape)\nreturn mask[i, j]",
        "against the class",
    ),
    "6.2": (
        "found = [probability(x)]\n"
        "for part in np.array_split(np.argsort(-m.ravel()), steps):\n"
        "    left = x.copy()\n"
        "    left.reshape(-1, x.shape[-1])[part] = 0\n"
        "    found.append(probability(left))\n"
        "return np.array(found)",
        "stays deleted",
    ),
    "6.3": ("return rng.permutation(weights)", "Only axis 0 was shuffled"),
    "6.4": (
        "return np.corrcoef(np.argsort(np.ravel(a)), np.argsort(np.ravel(b)))[0, 1]",
        "argsort of argsort",
    ),
    "6.5": (
        "right = predicted == labels\n"
        "groups = [[(labels == i) & (tagged == j) for j in (0, 1)] for i in (0, 1)]\n"
        "return np.array([[right[g].sum() / max(g.sum(), 1) for g in row] for row in groups])",
        "A group without any pictures got 0",
    ),
    "7.1": ("return predictions[0].label, predictions[1].label", "is a label"),
    "7.2": ("return str(settings)", "own spelling"),
    "7.3": (
        "top, left, bottom, right = box\n"
        "return values[top:bottom, left:right].sum() / values.sum()",
        "signs, in which rising and falling cancel",
    ),
    "7.4": (
        "data = base64.b64encode(png).decode()\n"
        "body = f'<img src=\"data:image/png;base64,{data}\">'\n"
        "return PAGE.format(title=html.escape(title), body=body)",
        "no alt text",
    ),
}
