"""Mutants of the solutions that are right, too: exercise -> why -> what was changed.

`...` matches anything.
"""

ONE_PICTURE = "There is one picture, so the first is the last."
COUNTED_FROM_THE_END = "The same axis or entry, counted from the end."
EITHER_ORDER = "The order makes no difference."
ANY_NEGATIVE = "NumPy takes any negative number to mean the remaining size."
LIST_OR_TENSOR = "A list, or a tensor, is as good as an array, here and in the cells that follow."
SAME_DTYPE = "A Python number times a float32 array is float32."

EQUIVALENT: dict[str, dict[str, list[str]]] = {
    "0.1": {ONE_PICTURE: ["... -> return classifier.predict(picture)[-1][0].label"]},
    "0.2": {
        COUNTED_FROM_THE_END: [
            "... -> powers = np.exp(scores - scores.max(axis=-1, keepdims=True))",
            "... -> return powers / powers.sum(axis=-1, keepdims=True)",
        ],
    },
    "1.3": {
        ANY_NEGATIVE: [
            "... -> return weights[:, class_index].reshape(-8, 8)",
            "... -> return weights[:, class_index].reshape(8, -8)",
        ],
    },
    "1.4": {
        EITHER_ORDER: ["moved: minus[i] -= h"],
        LIST_OR_TENSOR: ["return np.array(slopes) -> return slopes"],
    },
    "2.3": {
        EITHER_ORDER: ["moved: c = classifier.class_index(name)"],
        LIST_OR_TENSOR: ["... -> gradient = gradients(classifier.score_model, inputs, c)"],
        ONE_PICTURE: ["... -> return saliency_map(gradient)[-1]"],
    },
    "2.4": {
        LIST_OR_TENSOR: [
            "... -> total = total + gradients(score_model, np.float32(a * inputs), class_index)",
        ],
        SAME_DTYPE: [
            "... -> total = total + np.asarray(gradients(score_model, a * inputs, class_index))",
        ],
    },
    "3.1": {
        COUNTED_FROM_THE_END: ["... -> return np.mean(gradient, axis=(1, -2))"],
        EITHER_ORDER: ["... -> return np.mean(gradient, axis=(2, 1))"],
    },
    "3.2": {
        LIST_OR_TENSOR: [
            "... -> return np.sum(feature_maps * weights, axis=-1)",
            "... -> weights = weights[:, None, None, :]",
        ],
        "What isn't indexed stays whole.": ["... -> weights = np.asarray(weights)[:, None, None]"],
    },
    "3.3": {
        LIST_OR_TENSOR: [
            "... -> cam = weighted_sum_of_maps(feature_maps, alpha(gradient))",
            "... -> gradient = tape.gradient(score, feature_maps)",
        ],
        EITHER_ORDER: ["... -> return np.maximum(0, cam)"],
    },
    "3.4": {
        COUNTED_FROM_THE_END: [
            "... -> places = feature_maps.shape[1] * feature_maps.shape[-2]",
        ],
    },
    "3.5": {EITHER_ORDER: ["... -> positive = np.maximum(0, m)"]},
    "4.1": {
        "Noise and its negative have the same distribution.": [
            "... -> return inputs - sigma * rng.standard_normal(inputs.shape)",
        ],
        COUNTED_FROM_THE_END: [
            "... -> sigma = noise * np.ptp(inputs, axis=(1, -2, 3), keepdims=True)",
        ],
        EITHER_ORDER: ["... -> sigma = noise * np.ptp(inputs, axis=(2, 1, 3), keepdims=True)"],
    },
    "4.2": {EITHER_ORDER: ["moved: total = 0"]},
    "4.4": {
        EITHER_ORDER: [
            "... -> closest = min(names, key=lambda value: abs(np.mean(result) - value))",
            "moved: names = {-3.0: 'signed', 3.0: 'absolute', 9.0: 'squared'}",
        ],
        "The closest of three numbers is the same if one is a little off.": [
            "... -> names = {-...: 'signed', ...: 'absolute', ...: 'squared'}",
            "... -> result = average(lambda copies: np.full(np.shape(copies), -4.0), ...",
            "... -> result = average(lambda copies: np.full(np.shape(copies), -6.0), ...",
        ],
        "Any picture will do: the gradient doesn't depend on it.": [
            "... -> result = average(lambda copies: np.full(...), np.zeros(...))",
            "... -> result = average(lambda copies: np.full(...), np.ones(...))",
            "... -> result = average(lambda copies: np.full(...), (1, 4, 4, 3))",
            "... -> result = average(lambda copies: -3.0, np.zeros((1, 4, 4, 3)))",
        ],
    },
    "5.1": {
        "The error may say anything.": [
            "... -> raise ValueError(...)",
        ],
        "Levels may be rounded or cut off.": ["... -> return levels.astype(np.uint8)"],
    },
    "5.2": {
        "Levels may be rounded or cut off.": ["... -> return (255 * share).astype(np.uint8)"],
        "Zero divided by anything is zero.": [
            "... -> share = maps / np.where(top == 0, -1, top)",
            "... -> share = maps / np.where(top == 0, 2, top)",
        ],
        EITHER_ORDER: ["... -> top = maps.max(axis=(2, 1), keepdims=True)"],
    },
    "5.3": {
        "The layer may have any name.": [
            "... -> linear = keras.layers.Dense(last.units, use_bias=last.use_bias)",
            "... -> linear = keras.layers.Dense(last.units, use_bias=last.use_bias, name='')",
        ],
    },
    "5.4": {
        COUNTED_FROM_THE_END: [
            "... -> weights = gradients.mean(axis=(1, -2), keepdims=True)",
        ],
        EITHER_ORDER: [
            "... -> return np.maximum(0, cam)",
            "... -> weights = gradients.mean(axis=(2, 1), keepdims=True)",
        ],
    },
    "6.1": {
        "The mask has the shape of the map.": [
            "... -> row, column = np.unravel_index(m.argmax(), mask.shape)",
        ],
    },
    "6.2": {
        EITHER_ORDER: [
            "moved: order = np.argsort(-m.ravel())",
            "moved: found = [probability(y)]",
        ],
        LIST_OR_TENSOR: ["return np.array(found) -> return found"],
        ANY_NEGATIVE: ["... -> y.reshape(-2, y.shape[-1])[part] = 0"],
    },
    "6.4": {
        EITHER_ORDER: [
            "... -> ranks = [np.argsort(np.argsort(np.ravel(m))) for m in (b, a)]",
        ],
        "The table of correlations is symmetric.": ["... -> return np.corrcoef(*ranks)[1, 0]"],
        COUNTED_FROM_THE_END: ["... -> return np.corrcoef(*ranks)[0, -1]"],
    },
    "6.5": {
        EITHER_ORDER: [
            "for i in (0, 1): -> for i in (1, 0):",
            "for j in (0, 1): -> for j in (1, 0):",
            "moved: accuracy = np.full((2, 2), np.nan)",
        ],
    },
    "7.3": {
        EITHER_ORDER: ["moved: strength = np.abs(values)"],
        LIST_OR_TENSOR: ["return float(share) -> return share"],
    },
    "7.4": {
        "HTML closes a paragraph by itself.": ["... -> ...<p>{html.escape(text)}'"],
        "Base64 is ASCII, and so is its UTF-8.": ["... -> data = base64.b64encode(png).decode()"],
    },
}
