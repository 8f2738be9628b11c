"""Lesson 4: answers as students type them, right and wrong, none of them spelled like the table."""

import numpy as np  # noqa: F401 - what the notebook has imported
import tensorflow as tf  # noqa: F401

from course_utils import vanilla_gradients  # noqa: F401

SIGMA = "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
COPIES = SIGMA + "copies = inputs + sigma * rng.standard_normal(inputs.shape)\n"
# What is typed before the loop of SmoothGrad, and one map in the loop.
RNG = "rng = np.random.default_rng(seed)\n"
MAP = "method(model, noisy_copies(inputs, noise, rng), class_index)"
MAPS = RNG + f"maps = [{MAP} for _ in range(samples)]\n"
LOOP = RNG + "total = 0\nfor k in range(samples):\n"
DONE = "return total / samples"
TOLD = """
r = average(lambda copies: np.full(np.shape(copies), {w}), np.zeros((1, 2, 2, 3)))
for value, name in {table}:
    if np.allclose(r, value):
        return name
"""

RIGHT = {
    "noisy_copies": [
        "copies = []\n"
        "for picture in inputs:\n"
        "    sigma = noise * (picture.max() - picture.min())\n"
        "    copies.append(rng.normal(picture, sigma))\n"
        "return np.stack(copies)",
        "x = tf.convert_to_tensor(inputs)\n"
        "axes = (1, 2, 3)\n"
        "spread = tf.reduce_max(x, axes, True) - tf.reduce_min(x, axes, True)\n"
        "e = tf.cast(rng.standard_normal(x.shape), x.dtype)\n"
        "return x + tf.cast(noise, x.dtype) * spread * e",
        SIGMA + "return rng.normal(inputs, sigma).astype('float32')",
        SIGMA + "return inputs - sigma * rng.standard_normal(inputs.shape, dtype=np.float32)",
        "out = inputs.copy()\n"
        "for b in range(len(inputs)):\n"
        "    out[b] += noise * np.ptp(inputs[b]) * rng.standard_normal(inputs[b].shape)\n"
        "return out",
        "flat = inputs.reshape(len(inputs), -1)\n"
        "s = noise * (flat.max(axis=1) - flat.min(axis=1))\n"
        "return inputs + np.einsum('b,bijk->bijk', s, rng.standard_normal(inputs.shape))",
        "return [x + noise * np.ptp(x) * rng.standard_normal(x.shape) for x in inputs]",
        SIGMA + "return inputs + sigma * rng.normal(size=inputs.size).reshape(inputs.shape)",
        "low, high = inputs.min((1, 2, 3)), inputs.max((1, 2, 3))\n"
        "e = np.array([rng.normal(0, noise * (b - a), inputs.shape[1:])\n"
        "              for a, b in zip(low, high)])\n"
        "return np.add(inputs, e)",
    ],
    "smooth_gradient": [
        RNG + f"total = {MAP}\nfor _ in range(samples - 1):\n    total += {MAP}\n" + DONE,
        MAPS + "return np.mean(maps, axis=0)",
        RNG + "copies = noisy_copies(np.repeat(inputs, samples, axis=0), noise, rng)\n"
        "maps = np.asarray(method(model, copies, [class_index] * len(copies)))\n"
        "return maps.reshape(len(inputs), samples, *maps.shape[1:]).mean(axis=1)",
        RNG + "mean = 0.0\n"
        "for k in range(samples):\n"
        "    copies = noisy_copies(inputs, noise, rng)\n"
        "    one = np.asarray(method(model, copies, class_index=class_index))\n"
        "    mean = mean + (one - mean) / (k + 1)\n"
        "return tf.constant(mean)",
        RNG + "total = np.zeros_like(method(model, inputs, class_index))\n"
        f"for _ in range(samples):\n    total += {MAP} / samples\nreturn total",
        RNG + "total = None\n"
        "while samples and (k := 0 if total is None else k + 1) < samples:\n"
        f"    one = {MAP}\n"
        "    total = one if total is None else np.add(total, one)\n" + DONE,
        "total = 0\n"
        "for k in range(samples):\n"
        "    rng = np.random.default_rng([seed, k])\n"
        f"    total = total + {MAP}\n" + DONE,
        "results = []\n"
        "for one in inputs:\n"
        "    rng, total = np.random.default_rng(seed), 0\n"
        "    for _ in range(samples):\n"
        "        total = total + method(model, noisy_copies(one[None], noise, rng), class_index)\n"
        "    results.append(total[0] / samples)\n"
        "return np.stack(results)",
        RNG + "copies = [noisy_copies(inputs, noise, rng) for _ in range(samples)]\n"
        "return sum(method(model, c, class_index).astype(float) for c in copies) / samples",
    ],
    "standard_error": [
        "return np.sqrt(np.var(maps, axis=0) / (len(maps) - 1))",
        "n = maps.shape[0]\n"
        "return np.sqrt(((maps - maps.mean(axis=0)) ** 2).sum(axis=0) / (n - 1) / n)",
        "return np.std(maps, ddof=1, axis=0) * len(maps) ** -0.5",
        "n = len(maps)\nreturn tf.math.reduce_std(maps, axis=0) / np.sqrt(n - 1)",
        "n = len(maps)\n"
        "flat = maps.reshape(n, -1)\n"
        "flat = flat - flat.mean(axis=0)\n"
        "return (np.linalg.norm(flat, axis=0) / np.sqrt(n * (n - 1))).reshape(maps.shape[1:])",
    ],
    "which_average": [
        TOLD.format(w="-2.0", table="[(-2, 'signed'), (2, 'absolute'), (4, 'squared')]"),
        TOLD.format(w="-0.3", table="[(0.09, 'squared'), (0.3, 'absolute'), (-0.3, 'signed')]"),
        "x = np.linspace(-2, 2, 48).reshape(1, 4, 4, 3)\n"
        "result = average(lambda copies: np.broadcast_to(x, np.shape(copies)), x)\n"
        "kinds = {'signed': x, 'absolute': np.abs(x), 'squared': x**2}\n"
        "return min(kinds, key=lambda kind: np.abs(np.asarray(result) - kinds[kind]).max())",
        "r = average(lambda x: -2.0 * np.ones(np.shape(x)), np.ones((1, 1, 1, 1))).item()\n"
        "return 'signed' if r < 0 else 'absolute' if r < 3 else 'squared'",
        "w = -5 * np.ones((1, 3, 3, 3))\n"
        "r = average(lambda copies: w, w).ravel()[0]\n"
        "if round(float(r)) == -5:\n"
        "    return 'signed'\n"
        "return 'absolute' if round(float(r)) == 5 else 'squared'",
    ],
}

WRONG = {
    "noisy_copies": [
        (
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "return inputs + sigma * rng.standard_normal()",
            "Every number of a picture got the same noise",
        ),
        (
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "return inputs + sigma * rng.standard_normal(3 if inputs.shape[3] == 3 else 1)",
            "one number per channel",
        ),
        (
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "return inputs + sigma * rng.standard_normal(len(inputs))",
            "one number per channel|and the noise inputs.shape",
        ),
        (
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "return inputs + sigma * rng.standard_normal(inputs)",
            "takes a shape",
        ),
        ("return inputs + noise * rng.standard_normal(inputs.shape)", "sigma is absolute"),
        ("return rng.normal(inputs, noise)", "sigma is absolute"),
        (
            "return inputs + noise * (inputs.max() - inputs.min()) * rng.normal(size=inputs.shape)",
            "whole batch",
        ),
        (SIGMA + "return rng.normal(inputs, sigma**2)", "variance"),
        (SIGMA + "return inputs + sigma * (2 * rng.random(inputs.shape) - 1)", "uniform"),
        (SIGMA + "return inputs + rng.laplace(0, sigma, inputs.shape)", "Laplace"),
        (SIGMA + "return inputs + rng.uniform(0, sigma, inputs.shape)", "mean 0"),
        (SIGMA + "return inputs + sigma * rng.logistic(size=inputs.shape)", "about 0.2, and yours"),
        (
            SIGMA + "e = rng.triangular(-1, 0, 1, inputs.shape)\n"
            "return inputs + sigma * e / np.sqrt(1 / 6)",
            "the part of the noise beyond 2.5 standard deviations must be about 0.01",
        ),
        (
            SIGMA + "return np.stack([x + s * np.random.default_rng(0).normal(size=x.shape)\n"
            "                 for x, s in zip(inputs, sigma)])",
            "All pictures got the same noise",
        ),
        (SIGMA + "return inputs + sigma * rng.standard_normal(inputs[0].shape)", "same noise"),
        (
            "e = rng.standard_normal(inputs[..., :1].shape)\n"
            + SIGMA
            + "return inputs + sigma * np.concatenate([e] * inputs.shape[-1], axis=-1)",
            "channels got the same noise",
        ),
        (
            SIGMA
            + "g = np.random.default_rng(0)\nreturn inputs + sigma * g.normal(size=inputs.shape)",
            "same noise each time",
        ),
        (SIGMA + "return inputs + sigma * np.random.randn(*inputs.shape)", "np.random itself"),
        (
            "np.random.seed(0)\n"
            + SIGMA
            + "return inputs + sigma * np.random.standard_normal(inputs.shape)",
            "leave out np.random.seed",
        ),
        ("np.random.seed(0)\n" + COPIES + "return copies", "leave out np.random.seed"),
        (
            SIGMA + "return inputs + sigma * np.random.default_rng().normal(size=inputs.shape)",
            "same seed gives different noise",
        ),
        (
            SIGMA + "return inputs + sigma * tf.random.normal(inputs.shape)",
            "different noise|stopped",
        ),
        (
            SIGMA + "inputs += sigma * rng.standard_normal(inputs.shape)\nreturn inputs",
            "`inputs` was ch",
        ),
        (
            SIGMA
            + "inputs += (sigma * rng.standard_normal(inputs.shape)).astype(inputs.dtype)\n"
            + "return inputs",
            "`inputs` was changed",
        ),
        (
            "for b in range(len(inputs)):\n"
            "    inputs[b] += noise * np.ptp(inputs[b]) * rng.normal(size=inputs[b].shape)\n"
            "return inputs",
            "`inputs` was changed",
        ),
        (COPIES + "return np.clip(copies, inputs.min(), inputs.max())", "clipped"),
        (COPIES + "return np.clip(copies, -1, 1)", "clipped"),
        (
            COPIES
            + "low, high = (f(axis=(1, 2, 3), keepdims=True) for f in (inputs.min, inputs.max))\n"
            "return np.minimum(np.maximum(copies, low), high)",
            "clipped",
        ),
        ("return inputs.copy()", "where is the noise"),
        (COPIES + "return copies.astype(np.uint8)", "whole numbers"),
        (COPIES + "return np.round(copies, 2)", "rounded to 2 decimals"),
        (COPIES + "return copies[0]", "shape"),
        (
            "copies = np.full_like(inputs, np.nan)\n"
            "copies[0] = rng.normal(inputs[0], noise * np.ptp(inputs[0]))\n"
            "return copies",
            "NaN",
        ),
        (COPIES + "return copies[::-1]", "reverse"),
        (COPIES + "return copies - inputs", "noise alone"),
        (
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3))\n"
            "return inputs + sigma * rng.standard_normal(inputs.shape)",
            "keepdims|range of its|the standard deviation",
        ),
    ],
    "smooth_gradient": [
        (
            "rng = np.random.default_rng(seed)\n"
            "total = method(model, inputs, class_index)\n"
            "for _ in range(samples):\n"
            "    total = total + method(model, noisy_copies(inputs, noise, rng), class_index)\n"
            "return total / samples",
            "clean picture's map is in the sum",
        ),
        (
            "rng = np.random.default_rng(seed)\n"
            "total = method(model, inputs, class_index)\n"
            "for _ in range(samples):\n"
            "    total = total + method(model, noisy_copies(inputs, noise, rng), class_index)\n"
            "return total / (samples + 1)",
            "clean picture's map is in the sum",
        ),
        (
            "maps = [method(model, noisy_copies(inputs, noise, seed), class_index)]\n"
            "return maps[0]",
            "a generator, not a seed",
        ),
        (
            "rng = np.random.default_rng(seed)\n"
            "return method(noisy_copies(inputs, noise, rng), model, class_index)",
            "Call it as method\\(model, copies",
        ),
        (
            LOOP + "    copies = noisy_copies(inputs, noise, rng)\n"
            "    total = total + np.abs(method(model, copies, class_index))\n" + DONE,
            r"mean of \|g\|",
        ),
        (MAPS + "return np.abs(np.array(maps).mean(axis=0))", "signs are gone"),
        (MAPS + "return np.square(maps).mean(axis=0)", "mean of the squares"),
        (
            MAPS + "return np.linalg.norm(maps, axis=0) / np.sqrt(samples)",
            "root of the mean square",
        ),
        (LOOP + f"    total = total + {MAP}\nreturn total", "This is the sum"),
        (LOOP + f"    total = {MAP}\n" + DONE, "Only the last map"),
        (LOOP + f"    total = total + {MAP}\n    return total / samples", "return inside"),
        (LOOP + f"    return {MAP}", "return inside"),
        (LOOP + f"    total += {MAP} / samples\n" + DONE, "samples twice"),
        (LOOP + f"    total = (total + {MAP}) / 2\nreturn total", "count half"),
        (MAPS + "return np.mean(maps)", "averaged into one"),
        (MAPS + "return np.median(np.stack(maps), axis=0)", "median"),
        (MAPS + "return np.stack(maps)", "all the maps"),
        (MAPS + "return np.mean(maps, axis=0)[0]", "batch axis is gone"),
        (MAPS + "return np.mean(maps, axis=0)[::-1]", "reverse order"),
        (
            MAPS + "m = np.mean(maps, axis=0)\nreturn np.stack([m.mean(axis=0)] * len(m))",
            "mean over",
        ),
        (MAPS + "return np.mean(maps, axis=(0, 1))", "averaged too"),
        (
            MAPS + "return 2 * np.mean(maps, axis=0)",
            "picture 0, row 0, column 0 must be -1, and yours is -2",
        ),
        (MAPS + "return np.round(np.mean(maps, axis=0), 3)", "rounded to 3"),
        (MAPS + "return np.mean(maps, axis=0).astype(int)", "cut off"),
        (MAPS + "return np.mean(maps[1:], axis=0)", "must be"),
        (
            RNG + "total = np.zeros_like(inputs)\n"
            f"for _ in range(samples):\n    total += {MAP}\n" + DONE,
            "needn't have the picture's shape",
        ),
        (
            RNG + "total = np.zeros(inputs.shape)\n"
            f"for _ in range(samples):\n    total = total + {MAP}\n" + DONE,
            "needn't have the picture's shape",
        ),
        (
            RNG + "maps = np.empty((samples, *inputs.shape))\n"
            f"for k in range(samples):\n    maps[k] = {MAP}\nreturn maps.mean(axis=0)",
            "needn't have the picture's shape",
        ),
        (
            RNG + "copies = noisy_copies(np.repeat(inputs, samples, 0), noise, rng)\n"
            "maps = np.asarray(method(model, copies, class_index))\n"
            "return maps.reshape(samples, len(inputs), *maps.shape[1:]).mean(axis=0)",
            "mixed up",
        ),
        (
            "total = 0\n"
            "for k in range(samples):\n"
            "    rng = np.random.default_rng(seed)\n"
            f"    total = total + {MAP}\n" + DONE,
            "before the loop",
        ),
        (
            "total = 0\n"
            "for k in range(samples):\n"
            "    rng = np.random.default_rng(seed + k)\n"
            f"    total = total + {MAP}\n" + DONE,
            "share samples",
        ),
        ("seed = 0\n" + MAPS + "return np.mean(maps, axis=0)", "seed is ignored"),
        ("seed = None\n" + MAPS + "return np.mean(maps, axis=0)", "same seed gave another"),
        (
            "np.random.seed(seed)\n"
            "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "total = 0\n"
            "for _ in range(samples):\n"
            "    copies = inputs + sigma * np.random.randn(*inputs.shape)\n"
            "    total = total + method(model, copies, class_index)\n" + DONE,
            "leave out np.random.seed",
        ),
        (
            "np.random.seed(seed)\n" + MAPS + "return np.mean(maps, axis=0)",
            "leave out np.random.se",
        ),
        (
            RNG + "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True) / np.sqrt(2)\n"
            "maps = [method(model, inputs + rng.laplace(0, sigma, inputs.shape), class_index)\n"
            "        for _ in range(samples)]\n"
            "return np.mean(maps, axis=0)",
            "isn't that of noisy_copies.*half a standard deviation",
        ),
        (
            RNG + "sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)\n"
            "maps = []\n"
            "for _ in range(samples):\n"
            "    copies = inputs + sigma * rng.normal(size=inputs[0].shape)\n"
            "    maps.append(method(model, copies, class_index))\n"
            "return np.mean(maps, axis=0)",
            "All pictures of a batch got the same noise",
        ),
        (
            LOOP + "    copies = inputs + noise * rng.standard_normal(inputs.shape)\n"
            "    total = total + method(model, copies, class_index)\n" + DONE,
            "wrong size",
        ),
        (
            LOOP + "    total = total + method(noisy_copies(inputs, noise, rng))\n" + DONE,
            r"called as method\(model, copies, class_index\)",
        ),
        (
            RNG + "maps = []\n"
            "for _ in range(samples):\n"
            "    inputs = noisy_copies(inputs, noise, rng)\n"
            "    maps.append(method(model, inputs, class_index))\n"
            "return np.mean(maps, axis=0)",
            "piles up",
        ),
        (
            RNG + "copies = [noisy_copies(inputs, noise, rng) for _ in range(samples)]\n"
            "return method(model, np.mean(copies, axis=0), class_index)",
            "averaged before the method",
        ),
        (
            LOOP + "    copies = noisy_copies(inputs, noise, rng)\n"
            "    total = total + method(model, inputs, class_index)\n" + DONE,
            "clean picture",
        ),
        (
            LOOP + "    total = total + method(model, noisy_copies(inputs, noise, rng))\n" + DONE,
            "own predicted class",
        ),
        (
            LOOP
            + "    total = total + method(model, noisy_copies(inputs, noise, rng), 281)\n"
            + DONE,
            "Another class",
        ),
        (
            LOOP
            + "    total = total + method('cat', noisy_copies(inputs, noise, rng), 7)\n"
            + DONE,
            "another model",
        ),
        (
            LOOP + "    copy = noisy_copies(inputs, noise, rng)[0]\n"
            "    total = total + method(model, copy, class_index)\n" + DONE,
            "takes a batch",
        ),
        ("samples = 50\n" + MAPS + "return np.mean(maps, axis=0)", "always 50 samples"),
        (
            RNG + f"total = 0\nfor k in range(1, samples):\n    total = total + {MAP}\n" + DONE,
            "One sample is missing",
        ),
        (
            RNG + "copies = noisy_copies(inputs, noise, rng)\n"
            "return vanilla_gradients(model, copies, class_index)",
            "method that is given",
        ),
        (MAPS + "inputs *= 2\nreturn np.mean(maps, axis=0)", "`inputs` was changed"),
        (
            RNG
            + "return np.mean([noisy_copies(inputs, noise, rng) for _ in range(samples)], axis=0)",
            "never called",
        ),
    ],
    "standard_error": [
        ("return np.sqrt(maps.std(axis=0, ddof=1)) / np.sqrt(len(maps))", "root is taken twice"),
        (
            "d = maps - maps.mean()\n"
            "return np.sqrt((d**2).sum(axis=0) / (len(maps) - 1) / len(maps))",
            "mean over the samples",
        ),
        ("return maps.std(axis=0, ddof=1) / len(maps)", "square root of n"),
        ("return maps.std(0) / len(maps) ** 0.5", "ddof=1"),
        ("n = len(maps)\nreturn np.std(maps, axis=0, ddof=1) / (n - 1) ** 0.5", "variance only"),
        ("return np.sqrt(np.var(maps, axis=0, ddof=1))", "standard deviation of the samples"),
        ("return np.var(maps, axis=0, ddof=1) / maps.shape[0]", "variance of the mean"),
        (
            "d = maps.max(0) - maps.min(0)\nreturn d / np.sqrt(len(maps))",
            "the range of the samples",
        ),
        ("return (maps.max(0) - maps.min(0)) / len(maps)", "must be 2.121"),
        ("return np.abs(maps).std(axis=0, ddof=1) / len(maps) ** 0.5", r"error of \|g\|"),
        ("return maps.std(ddof=1) / np.sqrt(len(maps))", "axis=0"),
        ("return maps.std(axis=-1, ddof=1) / np.sqrt(len(maps))", "over pixels"),
        ("return maps.std(axis=0, ddof=1) / np.sqrt(maps.shape[1])", "wrong axis"),
        ("return maps.std(axis=0, ddof=1) / 2", "always 4 samples"),
        ("return maps.mean(axis=0) / np.sqrt(len(maps))", "This is the mean, divided"),
        ("d = np.abs(maps - maps.mean(0))\nreturn d.mean(0) / np.sqrt(len(maps))", "mean size"),
        (
            "maps -= maps.mean(axis=0)\n"
            "return np.sqrt((maps**2).sum(axis=0) / (len(maps) - 1) / len(maps))",
            "`maps` was changed",
        ),
        (
            "n = len(maps)\n"
            "centred = np.subtract(maps, maps.mean(0), out=maps)\n"
            "return np.linalg.norm(centred, axis=0) / np.sqrt(n * (n - 1))",
            "`maps` was changed",
        ),
        ("return np.round(maps.std(axis=0, ddof=1) / np.sqrt(len(maps)), 3)", "rounded to 3"),
        ("return (maps.std(axis=0, ddof=1) / np.sqrt(len(maps))).mean(axis=(0, 1))", "shape"),
    ],
    "which_average": [
        (
            "ones = average(lambda copies: np.ones(np.shape(copies)), np.zeros((1, 4, 4, 3)))\n"
            'return "signed" if np.allclose(ones, 1) else "squared"',
            "nobody can tell them apart",
        ),
        (
            TOLD.format(w="3", table="[(9, 'squared'), (3, 'signed'), (3, 'absolute')]"),
            "own absolute value",
        ),
        (
            TOLD.format(w="-1", table="[(-1, 'signed'), (1, 'absolute'), (1, 'squared')]"),
            r"\|-1\| = \(-1\)\^2",
        ),
        (
            "r = average(lambda c: np.full(np.shape(c), -0.5), np.zeros((1, 1, 1, 3))).mean()\n"
            "return 'signed' if r < 0 else 'squared' if r > 0.4 else 'absolute'",
            "swapped. Is your number between -1 and 0",
        ),
        (
            "r = average(lambda c: np.full(np.shape(c), -0.3), np.zeros((1, 4, 4, 3)))\n"
            "for value, name in ((-0.3, 'signed'), (0.3, 'absolute'), (0.09, 'squared')):\n"
            "    if (r == value).all():\n"
            "        return name",
            "np.allclose, not with ==",
        ),
        (
            "w = np.float32(-0.3)\n"
            "r = average(lambda c: np.full(np.shape(c), w), np.zeros((1, 4, 4, 3))).ravel()[0]\n"
            "return {w: 'signed', -w: 'absolute'}.get(r, 'squared')",
            "np.allclose and not with ==|compared with ==",
        ),
        (
            "r = average(lambda c: c, np.full((1, 4, 4, 3), -3.0))\n"
            "return {-3: 'signed', 3: 'absolute'}.get(r.mean(), 'squared')",
            "All three are called 'squared'",
        ),
        (
            "r = average(lambda c: np.full(np.shape(c), -2.0), np.zeros((1, 4, 4, 3)))\n"
            "return {-2.0: 'signed', 2.0: 'absolute', 4.0: 'squared'}[r.mean()]",
            "np.allclose",
        ),
        ("return 'signed'", "All three"),
        ("return which_average.__name__", "Return .signed"),
        (TOLD.format(w="-2", table="[(-2, 'Signed'), (2, 'Absolute'), (4, 'Squared')]"), "Return"),
        (
            TOLD.format(w="-2", table="[(4, 'absolute'), (2, 'signed'), (-2, 'squared')]"),
            "in the wrong place",
        ),
        ("return average(lambda x: -2 * np.ones_like(x), np.ones((1, 1, 1, 1)))", "Return"),
        (
            "r = average(lambda c: np.full(np.shape(c), -2.0), np.zeros((1, 2, 2, 3)))\n"
            "if r == -2:\n    return 'signed'\nreturn 'absolute' if r == 2 else 'squared'",
            "wants one answer",
        ),
        (
            "r = average(lambda model, c: np.full(np.shape(c), -2.0), np.zeros((1, 2, 2, 3)))\n"
            "return 'signed' if r.mean() < 0 else 'absolute'",
            "calls your method with one",
        ),
        (
            "r = average(-2.0, np.zeros((1, 2, 2, 3)))\nreturn 'signed' if r < 0 else 'absolute'",
            "return a whole map",
        ),
    ],
}
