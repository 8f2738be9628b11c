"""Checks of lesson 5."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, softmax_rows, verdict

__all__ = ["kept_order", "repaired_picture", "score_not_probability", "unguided_cam"]

# ------------------------------------------------------------------------------------ 5.1


def repaired_picture(student: Callable) -> Callable:
    """Exercise 5.1: repaired_picture(image) -> uint8, whatever range the picture is in."""

    def working(image):
        image = np.asarray(image)
        if image.dtype == np.uint8:
            return image
        low, high = image.min(), image.max()
        if -1 <= low < 0 and high <= 1:
            return np.round((image + 1) / 2 * 255).astype(np.uint8)
        if 0 <= low and high <= 255:
            return np.round(image * 255 if high <= 1 else image).astype(np.uint8)
        raise ValueError(f"No range of colours goes from {low} to {high}.")

    return verdict("5.1", student, working, _judge_repaired_picture)


def _judge_repaired_picture(student) -> None:
    def ask(values, dtype=np.float32, fits=True):
        image = np.array(values, dtype)
        before = image.copy()
        # Numbers that do not fit are cast in the student's function, and judged by the result.
        with np.errstate(all="ignore"):
            answer = _ask_for_one_that_fits(student, image) if fits else student(image)
        if not np.array_equal(image, before):
            raise Mistake("The caller's picture itself was changed. Make a new array.")
        if isinstance(answer, Exception) or answer is ValueError:
            raise Mistake("The error was returned. Write `raise ValueError(...)`, not `return`.")
        numbers = answer_array(lambda: answer, shape=before.shape)
        if getattr(answer, "dtype", None) != np.uint8:
            raise Mistake(
                f"The result has the dtype {getattr(answer, 'dtype', type(answer).__name__)}; a "
                "picture is uint8. Convert at the end: .astype(np.uint8)."
            )
        return numbers

    def close(found, expected):  # whether 127.5 becomes 127 or 128 is a matter of taste
        return np.abs(found - np.array(expected, float)).max() <= 1

    _judge_levels(ask, close)
    found = ask([[0, 0.25], [0.5, 1]])
    if not close(found, [[0, 64], [128, 255]]):
        if found.max() <= 1:
            raise Mistake(
                "A picture in 0 to 1 comes out almost black: 1 has to become 255. Multiply before "
                "you convert; and 1 itself belongs to the range, <= 1."
            )
        if close(found, [[128, 159], [191, 255]]):
            raise Mistake(
                "Numbers from 0 to 1 were treated as -1 to 1, where 0 is grey. Only a picture with "
                "negative numbers is one of -1 to 1."
            )
        raise Mistake(f"0, 0.25, 0.5, 1 must become 0, 64, 128, 255, not {_text(found)}.")
    if not close(ask([[0, 0.25], [0.25, 0.5]]), [[0, 64], [64, 128]]):
        raise Mistake(
            "A dark picture was brightened: 0.5 is half of white, whatever the largest number in "
            "the picture. Do not divide by the picture's own maximum."
        )
    found = ask([[-1, -0.5], [0, 1]])
    if close(found, [[0, 0], [0, 255]]):
        raise Mistake("Negative numbers were cut off. In a picture in -1 to 1, 0 is middle grey.")
    if not close(found, [[0, 64], [128, 255]]):
        raise Mistake(f"-1, -0.5, 0, 1 must become 0, 64, 128, 255, not {_text(found)}.")
    if not close(ask([[-0.5, 0], [0, 0.5]]), [[64, 128], [128, 191]]):
        raise Mistake(
            "A picture between -0.5 and 0.5 was stretched: -1 is black, whatever the picture's "
            "own minimum and maximum."
        )
    dark = [[0, 1, 1], [0, 0, 1]]
    if not close(ask(dark, np.uint8), dark):
        raise Mistake(
            "A very dark uint8 picture, of levels 0 and 1, was taken for floats in 0 to 1. uint8 "
            "is in levels already, whatever its largest number: ask for the dtype first."
        )
    none_of_them = [[[-124.0, 0], [0, 151]], [[0.0, 1], [2, 900]], [[-3.0, 0], [0, 1]]]
    for wrong in (*none_of_them, [[-0.5, 0], [1, 200]]):
        _judge_refusal(ask, wrong)


def _judge_levels(ask, close) -> None:
    levels = [[0, 1, 10], [100, 200, 255]]
    if not close(ask(levels, np.uint8), levels):
        raise Mistake("A uint8 picture must come out as it is: it is in levels already.")
    try:
        found = ask(levels, fits=False)
    except ValueError:
        raise Mistake("Floats from 0 to 255 were refused. They are fine: round them.") from None
    if close(found, [[0, 255, 246], [156, 56, 1]]) or close(found, [[0, 255, 255], [255] * 3]):
        raise Mistake(
            "Floats in 0 to 255 are still multiplied by 255, as in the package: 200 becomes "
            f"{found[1, 1]:.0f}. They are levels already."
        )
    if not close(found, levels):
        raise Mistake(
            "The floats 0, 1, 10, 100, 200, 255 must stay these levels; they became "
            f"{_text(found)}."
        )
    found = ask([[0, 20], [40, 100]])
    if not close(found, [[0, 20], [40, 100]]):
        raise Mistake(
            "A dark picture was brightened: 100 of 255 levels stays 100. Do not divide by the "
            "picture's own maximum."
        )


def _judge_refusal(ask, wrong) -> None:
    try:
        ask(wrong, fits=False)
    except ValueError:
        return
    raise Mistake(
        f"Numbers from {np.min(wrong):.0f} to {np.max(wrong):.0f} are in none of the ranges, and a "
        "picture came out all the same. Better none than a wrong one: raise ValueError."
    )


def _ask_for_one_that_fits(student, image):
    """Ask for a picture in one of the ranges, which must not be refused."""
    try:
        return student(image)
    except ValueError as error:
        if "ambiguous" in str(error):
            raise
        raise Mistake(
            f"A picture with numbers from {image.min():g} to {image.max():g} was refused, and it "
            "is in one of the ranges. They are bounds, which a picture need not reach: <= and >=."
        ) from None


def _text(levels: np.ndarray) -> str:
    return ", ".join(f"{level:.0f}" for level in levels.ravel())


# ------------------------------------------------------------------------------------ 5.2


def kept_order(student: Callable) -> Callable:
    """Exercise 5.2: kept_order(maps) -> uint8 (B, H, W), 0 stays 0, each map's largest is 255."""

    def working(maps):
        maps = np.asarray(maps, float)
        top = maps.max(axis=(1, 2), keepdims=True)
        return np.round(255 * maps / np.where(top == 0, 1, top)).astype(np.uint8)

    errors = [
        ("broadcast", "These shapes do not fit together: each map's maximum needs the axes of its "
         "map, max(axis=(1, 2), keepdims=True)."),
    ]  # fmt: skip
    return verdict("5.2", student, working, _judge_kept_order, errors)


def _judge_kept_order(student) -> None:
    maps = np.array([[[1, 1, 2], [4, 8, 3]], [[20, 40, 10], [10, 80, 50]]], np.float32)
    maps[0, 0, 0] = 0.5  # neither map contains 0: whoever subtracts the minimum is found out
    found, _ = _display(student, maps)

    def is_(expected):  # rounded or cut off
        return np.abs(found - expected).max() <= 1

    own = maps.max(axis=(1, 2), keepdims=True)
    low = maps.min(axis=(1, 2), keepdims=True)
    mean, sd = maps.mean(), maps.std()
    means, sds = maps.mean(axis=(1, 2), keepdims=True), maps.std(axis=(1, 2), keepdims=True)
    rows = maps.max(axis=2, keepdims=True)
    if is_(255 * maps / own):
        _judge_zero_map(student)
        return
    for value, hint in (
        (maps, "The numbers were converted as they are. Divide by the map's maximum, times 255."),
        (np.floor(maps / own), "Almost all is 0 and the maximum 1: the fractions were cut off by "
         "astype. Multiply by 255 first."),
        (255 * np.floor(maps / own), "All but the maximum is 0: the fractions were cut off by "
         "astype. Multiply by 255 first."),
        (255 * maps / maps.max(), "One maximum for the whole batch, so that a map depends on its "
         "neighbours. Each map's own: max(axis=(1, 2), keepdims=True)."),
        (255 * (maps - low) / (own - low), "The minimum was subtracted, so that 0 no longer means "
         "'nothing'. Divide by the maximum only."),
        (255 * (maps - maps.min()) / np.ptp(maps), "One minimum and maximum for the whole batch, "
         "and 0 no longer means 'nothing'. Divide each map by its own maximum."),
        (np.clip(255 * (maps - mean) / sd, 0, 255), "This standardises, as the package does: all "
         "below the mean becomes 0, and the strongest are all 255."),
        (np.clip(255 * (maps - means) / sds, 0, 255), "This standardises, as the package does: all "
         "below the mean becomes 0, and the strongest are all 255."),
        (255 * maps / rows, "Each row got a maximum of its own: take it over both axes of a map, "
         "axis=(1, 2)."),
        (255 * maps / maps.max(axis=0), "The maximum was taken over the batch, axis 0. The places "
         "of one map are the axes 1 and 2."),
        (255 * maps / maps.sum(axis=(1, 2), keepdims=True), "Divided by the sum: the largest "
         "value must become 255. Divide by the maximum."),
    ):  # fmt: skip
        if is_(value):
            raise Mistake(hint)
    with np.errstate(all="ignore"):
        if is_((255 * maps).astype(np.int64) % 256):
            raise Mistake("Times 255, but not divided by the map's maximum: it does not fit.")
    order = np.argsort(maps[0].ravel())
    if (np.diff(found[0].ravel()[order]) < 0).any():
        raise Mistake("A stronger value got a darker level than a weaker one: the order is lost.")
    if (np.sort(found[0].ravel())[-2:] == 255).all():
        raise Mistake("Two different values share the level 255. Only the largest may have it.")
    raise Mistake(
        "Each map must be 255 * map / its own maximum. The values 0.5, 1, 2, 4, 8, 3 of one map "
        f"became {_text(found[0])}; expected 16, 32, 64, 128, 255, 96."
    )


def _judge_zero_map(student) -> None:
    small, _ = _display(student, np.array([[[0.3, 0.15], [0, 0]]], np.float32))
    if small.max() < 250:
        raise Mistake(
            "A map whose largest value is 0.3 does not reach 255. Guard against 0 / 0 only where "
            "the maximum is 0: np.where(top == 0, 1, top)."
        )
    maps = np.zeros((2, 2, 2), np.float32)
    maps[1, 0, 0] = 2
    found, not_a_number = _display(student, maps)
    if not_a_number or found[0].any():
        raise Mistake(
            "A map that is zero everywhere was divided by its maximum: 0 / 0 is no number. Divide "
            "by 1 there: np.where(top == 0, 1, top)."
        )
    if found[1, 0, 0] != 255 or found[1].sum() != 255:
        raise Mistake("A map beside one that is zero everywhere came out wrong.")


def _display(student, maps) -> tuple[np.ndarray, bool]:
    """Return the levels, and whether a NaN was converted to a level on the way."""
    before = maps.copy()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        answer = student(maps)
    if not np.array_equal(maps, before):
        raise Mistake("The caller's maps themselves were changed. Make a new array.")
    levels = answer_array(lambda: answer, shape=maps.shape)
    if np.asarray(answer).dtype != np.uint8:
        raise Mistake(
            f"The result has the dtype {np.asarray(answer).dtype}, and a picture is uint8: "
            ".astype(np.uint8) at the end."
        )
    return levels, any("in cast" in str(warning.message) for warning in heard)


# ------------------------------------------------------------------------------------ 5.3


def score_not_probability(student: Callable) -> Callable:
    """Exercise 5.3: score_not_probability(model) -> the model that ends in scores."""

    def working(model):
        from course_utils.network.tensorflow import keras

        last = model.layers[-1]
        linear = keras.layers.Dense(last.units, use_bias=last.use_bias, name="scores")
        result = keras.Model(model.input, linear(last.input))
        linear.set_weights(last.get_weights())
        return result

    errors = [
        ("No such layer", "Other models have other names: the last layer is model.layers[-1]."),
        ("expecting 0|0 weights|Expected 0", "The new layer has no weights until it is called on "
         "something: call it first, then set_weights."),
        ("shape", "The new layer is not of the old one's size. It has as many units as the old "
         "one (`.units`; not every model has 1000 classes), and reads what the old one reads "
         "(`.input`, not `.output`)."),
    ]  # fmt: skip
    return verdict("5.3", student, working, _judge_score_not_probability, errors)


def _judge_score_not_probability(student) -> None:
    model, w, b = _fused_model()
    x = np.random.default_rng(1).normal(size=(5, 2, 3, 1)).astype(np.float32)
    features = np.maximum(x.reshape(5, 6), 0)
    z = features @ w + b
    p = softmax_rows(z)
    result = student(model)
    if result is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    if not callable(result) or not hasattr(result, "layers"):
        raise Mistake(f"Expected a Keras model, not {type(result).__name__}.")
    changed = [weights - was for weights, was in zip(model.get_weights(), (w, b), strict=True)]
    if not np.allclose(model(x), p, atol=1e-5) or any(c.any() for c in changed):
        raise Mistake(
            "The caller's model was changed: it no longer gives its probabilities. Make a new "
            "layer, and a new model, and leave the old ones as they are."
        )
    found = np.asarray(result(x), float)
    if found.shape == features.shape and np.allclose(found, features, atol=1e-5):
        raise Mistake(
            "The whole last layer was cut off: these are the features before it. The scores need "
            "its weights."
        )
    if found.shape != z.shape:
        raise Mistake(f"Five pictures and four classes need scores (5, 4), not {found.shape}.")
    if np.allclose(found, z, atol=1e-4):
        return
    for value, hint in (
        (p, "This still ends in probabilities: the softmax is part of the last layer."),
        (np.log(p), "This is the logarithm of the probability, S_c - log sum exp(S_k): the other "
         "classes are still in it. Take the layer's output before the softmax."),
        (softmax_rows(p), "A second softmax was put on the probabilities. It takes nothing off."),
        (z - b, "The biases are missing: copy all the weights of the old layer."),
        (features @ w[::-1] + b, "The weights are in another order than in the old layer."),
        (p @ (w.T @ w)[: p.shape[1]], "The new layer reads the probabilities."),
    ):  # fmt: skip
        if np.allclose(found, value, atol=1e-4):
            raise Mistake(hint)
    if np.allclose(found.sum(axis=1), 1, atol=1e-4) and found.min() >= 0:
        raise Mistake(
            "The rows sum to 1: there is still a softmax at the end, and the weights are not the "
            "trained ones."
        )
    raise Mistake(
        "The scores are not those of the model's own weights. A new layer begins with random "
        "weights: copy them, new.set_weights(old.get_weights()), once the new layer is connected."
    )


def _fused_model():
    """Return a network with a fused softmax, and the weights w, b of its scores."""
    from course_utils.network.tensorflow import keras

    rng = np.random.default_rng(0)
    w = rng.normal(size=(6, 4)).astype(np.float32)
    b = rng.normal(size=4).astype(np.float32)
    image = keras.Input((2, 3, 1))
    features = keras.layers.ReLU()(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(4, activation="softmax")(features))
    model.set_weights([w, b])
    return model, w, b


# ------------------------------------------------------------------------------------ 5.4


def unguided_cam(student: Callable) -> Callable:
    """Exercise 5.4: unguided_cam(maps, gradients) -> ReLU(sum_k mean(G^k) A^k), (B, h, w)."""

    def working(maps, gradients):
        weights = np.asarray(gradients).mean(axis=(1, 2))
        return np.maximum(np.einsum("bijk,bk->bij", np.asarray(maps), weights), 0)

    errors = [
        ("broadcast", "These shapes do not fit together: the means need the two axes of the "
         "places, mean(axis=(1, 2), keepdims=True)."),
    ]  # fmt: skip
    return verdict("5.4", student, working, _judge_unguided_cam, errors)


def _judge_unguided_cam(student) -> None:
    # By hand: the mean gradients are 1 and -2, so that the map is A^0 - 2 A^1, cut at zero.
    A = np.zeros((1, 1, 2, 2))
    A[0, 0] = [[5, 1], [1, 3]]
    G = np.zeros((1, 1, 2, 2))
    G[0, 0] = [[4, -2], [-2, -2]]
    by_hand = np.array([[[3.0, 0.0]]])

    rng = np.random.default_rng(5)
    maps = rng.normal(size=(2, 3, 4, 5)) + 0.3
    gradients = rng.normal(size=(2, 3, 4, 5)) + rng.normal(size=(2, 1, 1, 5))
    truth = np.zeros((2, 3, 4))
    for picture in range(2):
        for k in range(5):
            alpha = gradients[picture, :, :, k].sum() / 12
            truth[picture] += alpha * maps[picture, :, :, k]
    truth[truth < 0] = 0

    copies = maps.copy(), gradients.copy()
    found = answer_array(student, *copies, shape=None)
    if not all(np.array_equal(a, b) for a, b in zip(copies, (maps, gradients), strict=True)):
        raise Mistake("The maps or gradients themselves were changed. Make new arrays.")
    if found.shape == truth.shape and np.allclose(found, truth, atol=1e-5):
        if not np.allclose(answer_array(student, A, G, shape=(1, 1, 2)), by_hand, atol=1e-6):
            raise Mistake("Mean gradients of 1 and -2 on the maps 5, 1 and 1, 3 must give 3 and 0.")
        return
    for value, hint in _wrong_cams(maps, gradients):
        if found.shape == value.shape and np.allclose(found, value, atol=1e-5):
            raise Mistake(hint)
    if found.shape != truth.shape:
        raise Mistake(
            f"The result has the shape {found.shape}; two pictures of 3 x 4 places need (2, 3, 4)."
        )
    raise Mistake(
        "This is not what the formula says: plain gradients, their mean over the places of each "
        "picture, the sum over k, the ReLU, in this order."
    )


def _wrong_cams(A, G):
    """Yield wrong maps with the misconception behind each; the first that fits is named."""
    ways = {
        "": G,
        "guided": G * (G > 0) * (A > 0),
        "positive": G * (G > 0),
        "where A is": G * (A > 0),
        "absolute": np.abs(G),
    }
    before = {
        "guided": "The gradients are still guided: negative ones are set to zero, so that nothing "
        "can speak against the class. Use them as they are.",
        "positive": "The negative gradients are still dropped, half of the guiding. Use all.",
        "where A is": "The gradients are still dropped where the feature map is not positive, half "
        "of the guiding. Use all.",
        "absolute": "|G| before the mean: a gradient against the class now counts for it.",
    }
    pools = {
        "": lambda g: g.mean(axis=(1, 2), keepdims=True),
        "batch": lambda g: g.mean(axis=(0, 1, 2), keepdims=True),
        "sum": lambda g: g.sum(axis=(1, 2), keepdims=True),
        "49": lambda g: g.sum(axis=(1, 2), keepdims=True) / 49,
        "channels": lambda g: g.mean(axis=-1, keepdims=True),
        "none": lambda g: g,
        "largest": lambda g: g.max(axis=(1, 2), keepdims=True),
    }
    during = {
        "batch": "The weights are averaged over the whole batch, so that a picture's map depends "
        "on its neighbours. Mean over the places only: axis=(1, 2), keepdims=True.",
        "sum": "The gradients are summed over the places: the formula has the mean, 1/Z.",
        "49": "Divided by 49, which is right for maps of 7 x 7 places only: take the mean.",
        "channels": "The mean goes over the feature maps. It belongs over the places, axes 1, 2.",
        "none": "The gradients were not averaged over the places before the product.",
        "largest": "The largest gradient of each feature map was taken; the formula has the mean.",
    }
    ends = {
        "": lambda c: np.maximum(c, 0),
        "no": lambda c: c,
        "stretched": lambda c: (c - c.min()) / np.ptp(c),
        "each": lambda c: (c - c.min((1, 2), keepdims=True)) / np.ptp(c, (1, 2), keepdims=True),
        "scaled": lambda c: np.maximum(c, 0) / max(c.max(), 1e-9),
        "scaled each": lambda c: np.maximum(c, 0) / np.maximum(c.max((1, 2), keepdims=True), 1e-9),
        "absolute": np.abs,
    }
    after = {
        "no": "The ReLU is missing: what speaks against the class must become 0.",
        "stretched": "The map is still stretched from its minimum to its maximum, so that every "
        "map is in full colour. ReLU instead, and no stretching.",
        "each": "The map is still stretched from its minimum to its maximum, so that every map is "
        "in full colour. ReLU instead, and no stretching.",
        "scaled": "Divided by the maximum, which is the display's business: keep the score's unit.",
        "scaled each": "Divided by the maximum, which is the display's business: keep the score's "
        "unit.",
        "absolute": "|...| at the end turns what speaks against the class into what speaks for it. "
        "ReLU sets it to 0.",
    }
    # The fewer mistakes at once, the surer the diagnosis.
    tried = [(g, w, e) for g in ways for w in pools for e in ends if g or w or e]
    for g, w, e in sorted(tried, key=lambda steps: sum(map(bool, steps))):
        hints = [table[key] for table, key in ((before, g), (during, w), (after, e)) if key]
        yield ends[e]((pools[w](ways[g]) * A).sum(axis=-1)), " ".join(hints)
    weights = G.mean(axis=(1, 2), keepdims=True)
    yield (
        np.maximum(weights * A, 0).sum(axis=-1),
        "The ReLU came before the sum: feature maps that speak against the class are lost. Sum "
        "first.",
    )
    yield np.maximum((weights * A).mean(axis=-1), 0), "The mean over k: the formula has the sum."
    yield weights * A, "The sum over k, the last axis, is missing."
    yield np.maximum(weights * A, 0), "The sum over k, the last axis, is missing."
    yield (
        np.maximum((np.maximum(weights, 0) * A).sum(axis=-1), 0),
        (
            "Feature maps with a negative weight were dropped: they speak against the class, and "
            "belong into the sum."
        ),
    )
