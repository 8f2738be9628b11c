"""Lesson 5: answers as students type them, right and wrong, none of them spelled like the table."""

import keras  # noqa: F401 - what the notebook has imported
import numpy as np  # noqa: F401
import tensorflow as tf  # noqa: F401

# What is typed before the last `else` of exercise 5.1.
RANGES = """
low, high = image.min(), image.max()
if image.dtype == np.uint8:
    return image
if -1 <= low < 0 and high <= 1:
    image = (image + 1) * 127.5
elif 0 <= low and high <= 1:
    image = image * 255.0
"""
ELSE = "elif not (0 <= low and high <= 255):\n    raise ValueError('which range?')\n"
END = "return np.round(image).astype(np.uint8)"
# What is typed before the last line of exercise 5.3.
COPIED = """
last = model.layers[-1]
new = keras.layers.Dense(last.units, use_bias=last.use_bias)
"""

RIGHT = {
    "repaired_picture": [
        RANGES + ELSE + END,
        RANGES + ELSE + "return np.floor(image).astype('uint8')",
        RANGES + ELSE + "return tf.cast(image, tf.uint8)",
        "if image.dtype == np.uint8:\n    return image.copy()\n"
        "for low, high in ((0, 1), (-1, 1), (0, 255)):\n"
        "    if low <= image.min() and image.max() <= high:\n"
        "        levels = (image - low) * (255 / (high - low))\n"
        "        return tf.cast(levels + 0.5, tf.uint8).numpy()\nraise ValueError",
        "if image.dtype != np.uint8:\n"
        "    if np.isnan(image).any() or image.min() < -1 or image.max() > 255:\n"
        "        raise ValueError('no range')\n    if image.min() < 0 and image.max() > 1:\n"
        "        raise ValueError('two ranges')\n    if image.min() < 0:\n"
        "        image = np.interp(image, [-1, 1], [0, 255])\n    elif image.max() <= 1:\n"
        "        image = np.interp(image, [0, 1], [0, 255])\n"
        "return np.rint(image).astype(np.uint8)",
    ],
    "kept_order": [
        "levels = np.zeros(maps.shape, np.uint8)\nfor one, level in zip(maps, levels):\n"
        "    if one.any():\n        level[:] = one / one.max() * 255\nreturn levels",
        "with np.errstate(all='ignore'):\n"
        "    share = maps / tf.reduce_max(maps, axis=(1, 2), keepdims=True).numpy()\n"
        "return (255 * np.where(np.isnan(share), 0, share)).astype('uint8')",
        "share = np.nan_to_num(maps / maps.max((1, 2))[:, None, None])\n"
        "return np.uint8(np.rint(255 * share))",
        "top = np.amax(maps, axis=(1, 2), keepdims=True)\ntop[top == 0] = 1\n"
        "return (maps * (255.0 / top) + 0.5).astype(np.uint8)",
        "return [np.round(255 * m / (m.max() or 1)).astype(np.uint8) for m in maps]",
    ],
    "score_not_probability": [
        COPIED + "result = keras.Model(model.inputs, new(last.input))\n"
        "for w, old in zip(new.weights, last.weights):\n    w.assign(old)\nreturn result",
        "copy = keras.models.clone_model(model)\ncopy.set_weights(model.get_weights())\n"
        "copy.layers[-1].activation = keras.activations.linear\nreturn copy",
        "old = model.layers[-1]\n"
        "config = old.get_config() | {'activation': 'linear', 'name': 'scores'}\n"
        "new = keras.layers.Dense.from_config(config)\nscores = new(old.input)\n"
        "new.set_weights(old.get_weights())\n"
        "return keras.Model(inputs=model.input, outputs=scores)",
        "w = model.layers[-1].get_weights()\n"
        "scores = keras.ops.matmul(model.layers[-1].input, w[0])\n"
        "return keras.Model(model.input, scores + w[1] if len(w) > 1 else scores)",
    ],
    "unguided_cam": [
        "flat = gradients.reshape(len(gradients), -1, gradients.shape[-1])\n"
        "alpha = np.average(flat, axis=1)\n"
        "cam = np.matmul(maps, alpha[:, None, :, None])[..., 0]\n"
        "return (cam + np.abs(cam)) / 2",
        "alpha = tf.reduce_mean(gradients, axis=(1, 2))\n"
        "return tf.nn.relu(tf.einsum('bijk,bk->bij', maps, alpha))",
        "found = [np.clip(a @ g.mean(axis=(0, 1)), 0, None) for a, g in zip(maps, gradients)]\n"
        "return np.stack(found)",
        "b, h, w, k = maps.shape\ncam = np.zeros((b, h, w))\nfor i in range(k):\n"
        "    cam += gradients[..., i].sum((1, 2), keepdims=True) / (h * w) * maps[..., i]\n"
        "cam[cam < 0] = 0\nreturn cam",
    ],
}  # fmt: skip

WRONG = {
    "repaired_picture": [
        ("if image.dtype == np.uint8:\n    return image\n"
         "return np.clip(image * 255, 0, 255).astype(np.uint8)", "still multiplied by 255"),
        ("if image.dtype == np.uint8:\n    return image\nif image.min() < 0:\n"
         "    image = (image + 1.0) / 2.0\n"
         "return (image * 255).astype(np.int64).astype(np.uint8)", "still multiplied by 255"),
        # NaN, and ranges per channel, row or number
        (RANGES + "elif low < 0 or high > 255:\n    raise ValueError\n" + END,
         "NaN in it.*a picture.*inside a range"),
        (RANGES.replace("image.min(), image.max()", "np.nanmin(image), np.nanmax(image)") + ELSE +
         END, "NaN in it"),
        (RANGES.replace("image.min(), image.max()", "min(image.flat), max(image.flat)") + ELSE +
         END, "NaN in it"),
        ("image = np.nan_to_num(image)\n" + RANGES + ELSE + END, "NaN in it"),
        ("if image.ndim == 3:\n"
         "    channels = [repaired_picture(image[..., i]) for i in range(image.shape[-1])]\n"
         "    return np.stack(channels, axis=-1)\n" + RANGES + ELSE + END, "Each row or channel"),
        (RANGES.replace("image.min(), image.max()", "image.min(axis=0), image.max(axis=0)") + ELSE +
         END, "without an axis"),
        ("if image.dtype == np.uint8:\n    return image\n"
         "if image.min() < -1 or not image.max() <= 255:\n    raise ValueError\n"
         "if image.min() < 0:\n    return np.uint8(np.round((image + 1) * 127.5))\n"
         "return np.where(image <= 1, image * 255, image).round().astype(np.uint8)",
         "Each number was judged by itself"),
        # Refused, or not refused
        (RANGES + "elif high > 255:\n    raise ValueError\n" + END,
         "from -124 to 151.*returns a picture"),
        (RANGES.replace(" and high <= 1:\n    image = (i", ":\n    image = (i") + ELSE +
         "return np.round(image).astype(int).astype(np.uint8)", "from -0.5 to 200 isn't in any"),
        (RANGES + "else:\n    raise ValueError('not in 0 to 1')\n" + END, "0 to 255 were refused"),
        (RANGES + "elif high > 255 or low < 0:\n    return ValueError('no')\n" + END, "returns V"),
        (RANGES + ELSE.replace("ValueError", "TypeError") + END, "ends with TypeError"),
        (RANGES.replace("low < 0", "low <= 0") + ELSE + END, "treated as one of -1 to 1"),
        (RANGES.replace("-1 <= low", "-1 < low") + ELSE + END,
         "-1 belongs to the range"),
        # Wrong levels
        ("image = image.astype(np.float32)\n" + RANGES + ELSE + END, "very dark uint8"),
        (RANGES + "elif 0 <= low and high <= 255:\n    image = image / high * 255\n"
         "else:\n    raise ValueError\n" + END, "100 of 255 levels stays 100"),
        (RANGES.replace("* 255.0", "/ high * 255") + ELSE + END, "half of white"),
        ("span = np.ptp(image.astype(float)) or 1\n"
         "return np.uint8((image.astype(float) - image.min()) / span * 255)",
         "Pictures were stretched"),
        (RANGES.replace("* 127.5", "* 127") + ELSE + END, "254"),
        (RANGES.replace("* 255.0", "* 254") + ELSE + END, "255 exactly"),
        ("if image.dtype == np.uint8:\n    return (image * (1 / 255) * 255).astype(np.uint8)\n" +
         RANGES + ELSE + END, "off by one"),
        (RANGES + ELSE + "return image", "dtype float"),
        (RANGES + ELSE + "return np.round(image).astype(int)", "dtype int64"),
        (RANGES + ELSE + "return np.round(image).astype(np.uint8).ravel()", "shape"),
        (RANGES.replace("image = image * 255.0", "image *= 255") + ELSE + END, "`image` was chan"),
    ],
    "kept_order": [
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "top = np.clip(top, 1e-12, None)\n"
         "return np.round(255 * maps / top).astype(np.uint8)",
         "kept from getting small"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "top = top + np.finfo(float).eps\n"
         "return np.round(255 * maps / top).astype(np.uint8)",
         "kept from getting small"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "top = np.where(top < 1e-10, 1, top)\n"
         "return np.round(255 * maps / top).astype(np.uint8)",
         "kept from getting small"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "top = np.where(np.isclose(top, 0), 1, top)\n"
         "return np.round(255 * maps / top).astype(np.uint8)",
         "kept from getting small"),
        ("return np.uint8(255 * maps / maps.max())", "whole batch"),
        # 0 / 0
        ("return np.round(255 * maps / maps.max(axis=(1, 2), keepdims=True)).astype(np.uint8)",
         "0 / 0"),
        ("return np.uint8([255 * m / m.max() for m in maps])", "0 / 0"),
        # scaled nearly right
        ("top = maps.max(axis=(1, 2), keepdims=True) + 1e-7\n"
         "return (255 * maps / top).astype(np.uint8)", "Something was added"),
        ("top = maps.max(axis=(1, 2), keepdims=True) + 1e-3\n"
         "return np.round(255 * maps / top).astype(np.uint8)", "Something was added"),
        ("top = maps.max(axis=(1, 2), keepdims=True) + np.float64(1e-12)\n"
         "return (255 * maps / top).astype(np.uint8)", "254"),
        ("top = np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-6)\n"
         "return np.rint(255 * maps / top).astype(np.uint8)", "Something was added"),
        ("top = np.maximum(maps.max(axis=(1, 2), keepdims=True), 1)\n"
         "return np.rint(255 * maps / top).astype(np.uint8)", "kept from getting small"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return np.where(top > 0, 254 * maps / np.where(top > 0, top, 1), 0).astype(np.uint8)",
         "becomes 254"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return (256 * (maps / np.where(top, top, 1))).astype(int).astype(np.uint8)",
         "256, which"),
        ("top = np.percentile(maps, 99, axis=(1, 2), keepdims=True)\n"
         "return (255 * np.minimum(maps / np.where(top > 0, top, 1), 1)).astype(np.uint8)",
         "percentile"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return np.uint8(255 * np.minimum(2 * maps / np.where(top, top, 1), 1))",
         "share the level 255"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return np.uint8(255 * (maps / np.where(top, top, 1)) ** 2)", "not proportional"),
        # other faults
        ("z = (maps - maps.mean()) / (maps.std() + 1e-12)\n"
         "return np.clip(255 * z, 0, 255).astype(np.uint8)", "standardises"),
        ("low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)\n"
         "span = np.where(high > low, high - low, 1)\n"
         "return np.rint((maps - low) / span * 255).astype(np.uint8)", "minimum was subtracted"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return (maps / np.where(top, top, 1)).astype(np.uint8) * 255", "cut off by astype"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\nreturn 255 * maps / np.maximum(top, 1e-9)",
         "dtype"),
        ("top = tf.reduce_max(maps, axis=(1, 2), keepdims=True)\n"
         "return tf.cast(tf.round(tf.math.divide_no_nan(255 * maps, top)), tf.uint8)",
         r"add \.numpy\(\)"),
        ("return np.uint8(255 * maps / maps.max(axis=(1, 2)))", "keepdims=True"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\nmaps /= np.where(top, top, 1)\n"
         "return np.round(255 * maps).astype(np.uint8)", "`maps` was changed"),
        ("top = maps.max(axis=(1, 2), keepdims=True)\n"
         "return np.round(255 * maps / np.where(top, top, 1)).astype(np.uint8)[0]",
         "Only the first"),
        ("return np.round(255 - 255 * maps / (maps.max() or 1)).astype(np.uint8)", "must be"),
    ],
    "score_not_probability": [
        ("model.layers[-1].activation = 'linear'\n"
         "return model",
         "is a function, and .linear. a text"),
        ("last = model.layers[-1]\n"
         "new = keras.layers.Dense(last.units, use_bias=last.use_bias)\n"
         "result = keras.Model(model.input, new(last.input))\n"
         "new.set_weights(model.get_weights())\n"
         "return result",
         "weights of the whole model"),
        ("last = model.layers[-1]\n"
         "new = keras.layers.Dense(last.units, use_bias=last.use_bias)\n"
         "scores = keras.ops.softplus(new(last.input))\n"
         "result = keras.Model(model.input, scores)\n"
         "new.set_weights(last.get_weights())\n"
         "return result",
         "has a softplus"),
        ("return keras.Model(model.input, keras.layers.Dense(3)(model.layers[-1]))",
         "new\\(last\\.input\\)"),
        ("return keras.Model(model.input, keras.layers.Rescaling(100)(model.output))",
         "made of the probabilities"),
        ("return keras.Model(model.input, keras.ops.log(model.output))", "logarithm"),
        # rebuilt as a chain
        (COPIED + "result = keras.Sequential(model.layers[:-1] + [new])\n"
         "new.set_weights(last.get_weights())\nreturn result", "model that branches"),
        (COPIED + "result = keras.Sequential()\nresult.add(keras.Input(model.input_shape[1:]))\n"
         "for layer in model.layers[1:-1]:\n    result.add(layer)\n"
         "result.add(new)\nnew.set_weights(last.get_weights())\nreturn result",
         "model that branches"),
        (COPIED + "x = image = keras.Input(model.input_shape[1:])\n"
         "for layer in model.layers[1:-1]:\n    x = layer(x)\n"
         "x = new(x)\nnew.set_weights(last.get_weights())\nreturn keras.Model(image, x)",
         "model that branches"),
        (COPIED + "result = keras.Model(model.input, new(model.layers[-2].output))\n"
         "new.set_weights(last.get_weights())\nreturn result", r"model\.layers\[-2\]"),
        # right scores, but no way from the feature maps to them
        (COPIED + "body = keras.Model(model.input, last.input)\n"
         "result = keras.Sequential([keras.Input(model.input_shape[1:]), body, new])\n"
         "new.set_weights(last.get_weights())\nreturn result", "Grad-CAM, which comes next"),
        ("from course_utils import score_model\nreturn score_model(model)", "'maps' isn't found"),
        # of the notebook
        ("image = keras.Input((224, 224, 3))\n"
         "return keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(image)))",
         "from the notebook"),
        (COPIED + "other = keras.Input((224, 224, 3))\nreturn keras.Model(other, new(last.input))",
         "different models"),
        (COPIED + "new(last.input)\nnew.set_weights([np.zeros((1280, 1000)), np.zeros(1000)])",
         "from the notebook"),
        # the caller's model
        ("model.layers[-1].activation = keras.activations.linear\nreturn model",
         "`model` was changed"),
        ("model.layers[-1].activation = None\ncopy = keras.models.clone_model(model)\n"
         "copy.set_weights(model.get_weights())\nreturn copy", "Set it on a copy"),
        (COPIED + "result = keras.Model(model.input, new(last.input))\n"
         "new.set_weights(last.get_weights())\n"
         "last.set_weights([0.999 * w for w in last.get_weights()])\nreturn result",
         "`model` was changed"),
        # weights
        (COPIED + "return keras.Model(model.input, new(last.input))", "random weights"),
        ("copy = keras.models.clone_model(model)\n"
         "copy.layers[-1].activation = keras.activations.linear\nreturn copy", "random weights"),
        ("return keras.models.clone_model(model)", "still a softmax"),
        (COPIED + "new.set_weights(last.get_weights())\n"
         "return keras.Model(model.input, new(last.input))", "call it first"),
        ("new = keras.layers.Dense(model.layers[-1].units)\n"
         "result = keras.Model(model.input, new(model.layers[-1].input))\n"
         "new.set_weights(model.layers[-1].get_weights())\nreturn result", "use_bias"),
        ("new = keras.layers.Dense(1000)\n"
         "result = keras.Model(model.input, new(model.layers[-1].input))\n"
         "new.set_weights(model.layers[-1].get_weights())\nreturn result", r"`?\.units"),
        (COPIED + "result = keras.Model(model.input, new(last.output))\n"
         "new.set_weights(last.get_weights())\nreturn result", r"`\.input`"),
        (COPIED + "result = keras.Model(model.input, new(last.input))\n"
         "new.set_weights([w.round(2) for w in last.get_weights()])\nreturn result", "must be"),
        # other faults
        ("return keras.Model(model.input, model.layers[-1].input)", "cut off"),
        ("return keras.Sequential([model, keras.layers.Softmax()])", "second softmax"),
        ("return model", "still ends in probabilities"),
        ("return model.get_layer('probabilities')", r"model\.layers\[-1\]"),
        ("return model.layers[-1].input", "a Keras model, not KerasTensor"),
        ("return model(np.zeros((1, 2, 3, 2)))", "a Keras model, not EagerTensor"),
        ("return keras.Model(model.input, [model.output, model.output])", "2 outputs"),
    ],
    "unguided_cam": [
        ("w = gradients.mean(axis=(1, 2), keepdims=True)\n"
         "return max((w * maps).sum(axis=-1), 0)",
         "Python's max"),
        ("return np.clip(maps @ gradients.mean((1, 2)), 0, None)",
         "weights of every picture"),
        ("w = gradients.mean((1, 2))\n"
         "return np.einsum('bijk,bk->bij', gradients, w).clip(0)",
         "their own mean"),
        ("weights = gradients.mean(axis=(1, 2), keepdims=True)\n"
         "return (weights * maps).sum(axis=-1)", "ReLU is missing"),
        ("gradients = gradients * (gradients > 0) * (maps > 0)\n"
         "weights = gradients.mean(axis=(0, 1, 2))\ncam = (weights * maps).sum(axis=-1)\n"
         "low, high = (f(cam, axis=(1, 2), keepdims=True) for f in (np.min, np.max))\n"
         "return (cam - low) / (high - low)", "still guided.*batch.*stretched"),
        ("weights = np.maximum(gradients.mean(axis=(1, 2)), 0)\n"
         "return np.einsum('bijk,bk->bij', maps, weights).clip(0)", "ReLU on the weights"),
        ("return np.maximum(maps @ gradients[0].mean(axis=(0, 1)), 0)", "of the first one"),
        ("return tf.nn.relu(tf.einsum('bijk,bk->bij', gradients, tf.reduce_mean(maps, (1, 2))))",
         "swapped"),
        ("weights = np.stack([[np.median(p[..., k]) for k in range(p.shape[-1])]\n"
         "                    for p in gradients])\n"
         "return np.einsum('bijk,bk->bij', maps, weights).clip(0)", "median"),
        ("gradients = np.where(gradients > 0, gradients, 0)\n"
         "return np.einsum('bijk,bk->bij', maps, gradients.mean((1, 2))).clip(0)",
         "half of the guiding"),
        ("weights = gradients.mean(axis=(0, 1, 2))\nreturn np.clip(maps @ weights, 0, None)",
         "neighbours"),
        ("cam = np.einsum('bijk,bk->bij', maps, gradients.mean((1, 2))).clip(0)\n"
         "return cam / np.maximum(cam.max(axis=(1, 2), keepdims=True), 1e-12)",
         "Divided by the maximum"),
        ("total = 0\nfor k in range(maps.shape[-1]):\n"
         "    alpha = gradients[..., k].mean((1, 2), keepdims=True)\n"
         "    total = total + np.maximum(alpha * maps[..., k], 0)\nreturn total",
         "before the sum"),
        ("return np.maximum((gradients.mean(axis=(1, 2)) * maps).sum(-1), 0)", "keepdims=True"),
        ("cam = np.einsum('bijk,bk->bij', maps, gradients.mean((1, 2)))\n"
         "return np.maximum(cam, 0)[0]", "Only the first"),
        ("return np.einsum('bijk,bk->bij', maps, gradients.mean((1, 2))).clip(0).round(2)",
         "rounded"),
        ("maps *= gradients.mean(axis=(1, 2), keepdims=True)\n"
         "return np.maximum(maps.sum(axis=-1), 0)", "`maps` was changed"),
        ("gradients[gradients < 0] = 0\n"
         "return np.einsum('bijk,bk->bij', maps, gradients.mean((1, 2))).clip(0)",
         "half of the guiding"),
    ],
}  # fmt: skip
