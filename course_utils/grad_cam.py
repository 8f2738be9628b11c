"""Grad-CAM: which places of the last feature maps speak for a class (lesson 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils._cache import per_model
from course_utils._compute import CLASSES, compile_for, in_batches
from course_utils._inputs import check_class_index, check_inputs
from course_utils._layers import find_layer
from course_utils._network import open_network
from course_utils._tensorflow import keras, tf


def grad_cam(
    model: keras.Model, inputs, class_index=None, *, layer=None, relu: bool = True
) -> np.ndarray:
    """Return the feature maps of a layer, weighted by how much each raises the class score.

        alpha_k = (1/Z) sum_ij  d S_c / d A^k_ij
        L = ReLU( sum_k alpha_k A^k )           Selvaraju et al. 2017, arXiv:1610.02391, eq. 1, 2

    with A^k the k-th feature map of the layer, and Z its number of positions ij. Where the network
    ends in global average pooling and one dense layer, alpha_k is that layer's weight / Z, and
    this is CAM (Zhou et al. 2016) / Z.

    Args:
        model: a Functional or Sequential Keras classifier (see `score_model`), nested or not.
        inputs: (B, H, W, C), prepared for the model.
        class_index: an int, one int a picture, or None for the predicted class, as for
            `vanilla_gradients`.
        layer: the name of a layer, or the layer, with an output (B, h, w, channels); None for
            `last_conv_layer(model)`.
        relu: whether to keep only what speaks for the class, as the paper does. Without it,
            negative values show what speaks against it.

    Returns:
        float32 (B, h, w), at the layer's own resolution (7 x 7 in the embedded network), in score
        per position. Resizing to the picture is left to the display.

    Raises:
        TypeError, ValueError: as `vanilla_gradients`; no convolution in the model; an unknown
            layer, one without feature maps, or one that the class score does not depend on.

    Lesson 3 derives it.
    """
    x = check_inputs(model, inputs)
    c = check_class_index(model, x, class_index)
    cam = in_batches(_weighted_maps(model, find_layer(model, layer)), x, c)
    return np.maximum(cam, 0) if relu else cam


@per_model
def _weighted_maps(model: keras.Model, layer: keras.Layer) -> Callable:
    network = open_network(model)
    outputs = [network.output_of(layer), network.scores.output]
    maps_and_scores = keras.Model(network.scores.input, outputs)
    unconnected = []

    @compile_for(maps_and_scores, CLASSES)
    def weighted_maps(x, c):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)  # and with x everything that is computed from it: the maps A
            A, scores = maps_and_scores(x, training=False)
            score = tf.gather(scores, c, batch_dims=1)
        dS_dA = tape.gradient(score, A)
        if dS_dA is None:  # A is in a branch that ends before the scores
            unconnected.append(layer.name)
            dS_dA = tf.zeros_like(A)
        # In float32, also where the layers compute in float16: the sum has many terms.
        A, dS_dA = tf.cast(A, tf.float32), tf.cast(dS_dA, tf.float32)
        alpha = tf.reduce_mean(dS_dA, axis=(1, 2))
        return tf.einsum("bijk,bk->bij", A, alpha)

    if unconnected:
        raise ValueError(
            f"The class score does not depend on the layer {layer.name!r}: choose another."
        )
    return weighted_maps
