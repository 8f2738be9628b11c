"""The network that comes with the course: EfficientNet-Lite0 with its batch norms folded in.

Tan & Le 2019 (arXiv:1905.11946) describe the family; "Lite" leaves out squeeze-excite and uses
ReLU6. Folding a batch norm into the convolution before it doesn't change the function that the
network computes, and leaves only convolution + bias + ReLU6. That's easier to read in `summary()`,
and the same in training and inference mode. `data/weights/convert_efficientnet_lite0.py` did the
folding and proves that nothing else changed.
"""

from __future__ import annotations

import functools

import numpy as np

from course_utils.network.tensorflow import keras

INPUT_SIZE = (224, 224)
CLASSES = 1000
WEIGHTS_FILE = "weights/efficientnet_lite0_float16.npz"

# One row per stage: (repeats, kernel size, stride of the first block, expansion, output channels).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build() -> keras.Model:
    """Return the network with all weights zero: (B, 224, 224, 3) -> (B, 1000) probabilities."""
    # No random numbers: loading a network mustn't change the caller's.
    conv = functools.partial(keras.layers.Conv2D, kernel_initializer="zeros")
    depthwise = functools.partial(keras.layers.DepthwiseConv2D, depthwise_initializer="zeros")
    image = keras.Input((*INPUT_SIZE, 3), name="image")
    x = conv(32, 3, strides=2, padding="same", activation="relu6", name="stem_conv")(image)
    block = 0
    for repeats, kernel, first_stride, expansion, channels in STAGES:
        for stride in [first_stride] + [1] * (repeats - 1):
            block += 1
            name, block_input = f"block{block}", x
            if expansion != 1:
                expanded = x.shape[-1] * expansion
                x = conv(expanded, 1, activation="relu6", name=f"{name}_expand")(x)
            x = depthwise(
                kernel, strides=stride, padding="same", activation="relu6", name=f"{name}_depthwise"
            )(x)
            x = conv(channels, 1, name=f"{name}_project")(x)
            if block_input.shape == x.shape:
                x = keras.layers.Add(name=f"{name}_add")([block_input, x])
    x = conv(1280, 1, activation="relu6", name="head_conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average_pool")(x)
    logits = keras.layers.Dense(CLASSES, kernel_initializer="zeros", name="logits")(x)
    probabilities = keras.layers.Softmax(name="softmax")(logits)
    return keras.Model(image, probabilities, name="efficientnet-lite0")


def read_weights(model: keras.Model, path) -> None:
    """Fill `model` (from `build`) with the float16 arrays in the .npz file at `path`.

    It's an .npz with "layer/variable" names rather than Keras' own weight file, whose layout
    depends on the version of Keras that wrote it.
    """
    with np.load(path, allow_pickle=False) as arrays:
        for layer in model.layers:
            if layer.weights:
                names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
                layer.set_weights([arrays[name].astype(np.float32) for name in names])
