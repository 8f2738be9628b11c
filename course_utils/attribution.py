"""The course's five methods, each with its formula: how much a picture's parts matter for a score.

They share one quantity, which one backward pass computes: d S_c / d (something), how much the score
of class c rises per unit that something rises. A formula gets x (B, H, W, C), the network's score
S_c (B,) and the class c, already checked and on the device; `network` runs it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_utils.checking import (
    ClassIndex,
    Method,
    check_baseline,
    check_count,
    check_method,
    check_noise,
    check_seed,
)
from course_utils.network.layers import find_maps
from course_utils.network.run import (
    checked,
    explain,
    maps_and_score,
    normal,
    on_device,
    weighted_mean,
)
from course_utils.network.tensorflow import keras, tf


@on_device
def vanilla_gradients(
    model: keras.Model, inputs: ArrayLike, class_index: ClassIndex = None
) -> np.ndarray:
    """Return the gradient of the class score with respect to every input value.

        w = d S_c / d x                         Simonyan et al. 2014, arXiv:1312.6034, eq. 4

    Args:
        model: any Keras image classifier (see `score_model`); its logits are differentiated.
        inputs: (B, H, W, C), prepared for the model.
        class_index: what to explain: a class c, as an int for all pictures or one int per picture;
            None for each picture's predicted class; or a function of the scores, (B, classes) ->
            (B,), in TensorFlow, such as `lambda s: s[:, 281] - s[:, 285]`: tabby rather than
            Egyptian cat. (It's called with some of the pictures at a time.) In a model with a
            single sigmoid or logit z, class 1 has the score z and class 0 the score -z, so both
            have the same |gradient|. A model with several outputs has no classes: pass a function
            of the list of its outputs.

    Returns:
        float32 (B, H, W, C), signed, in score per unit of the input. The display picks channels:
        Simonyan et al. show the maximum over channels of |w|.

    Raises:
        TypeError, ValueError: see `score_model`; inputs or class_index of the wrong kind, shape or
            range.

    Lesson 2 derives it.
    """

    def w(network, x, c):
        with tf.GradientTape() as tape:
            tape.watch(x)
            S_c = network.score(x, c)
        # The score of one picture does not depend on the others, so the gradient of the sum over
        # the batch holds each picture's own.
        return tape.gradient(S_c, x)

    return explain(model, inputs, class_index, w)


def gradient_times_input(
    model: keras.Model, inputs: ArrayLike, class_index: ClassIndex = None
) -> np.ndarray:
    """Return the gradient times the input: for a linear score w.x, each term's contribution.

        x * d S_c / d x                         Shrikumar et al. 2016, arXiv:1605.01713

    "Input" is what the network sees: if the preprocessing subtracts a mean colour, that colour
    becomes an input of 0 and contributes nothing.

    Arguments, result and errors as for `vanilla_gradients`; unit: score. Lesson 2 derives it.
    """
    x, c = checked(model, inputs, class_index)
    return x * vanilla_gradients(model, x, c)


def integrated_gradients(
    model: keras.Model,
    inputs: ArrayLike,
    class_index: ClassIndex = None,
    *,
    baseline: ArrayLike = 0.0,
    steps: int = 64,
    batch_size: int | None = None,
) -> np.ndarray:
    """Return the gradients averaged on the straight line from a baseline, times the displacement.

        (x - x') * integral over a in 0..1 of  d S_c / d x  at  x' + a (x - x')
                                                Sundararajan et al. 2017, arXiv:1703.01365, eq. 1

    The integral is the mean of d S_c / d x over the points x' + a_k (x - x'), with the nodes a_k
    and weights w_k of Gauss and Legendre. They need fewer steps than equal spacing does if the
    score rises steeply near the baseline. Completeness: the values of one picture sum to S_c(x) -
    S_c(x'). A deep ReLU network is so rough along the line that 64 steps miss the sum by a few per
    cent; check it, and use 500 steps if it matters.

    Args:
        model, inputs, class_index: as for `vanilla_gradients`. The predicted class is that of x.
        baseline: x', in the model's input range: a number, or an array that broadcasts to inputs.
        steps: how many points on the line, at least 1.
        batch_size: how many points exist at a time. It doesn't change the result; None lets the
            function choose.

    Returns:
        float32 (B, H, W, C), signed, unit: score.

    Raises:
        TypeError, ValueError: as `vanilla_gradients`; or a baseline that doesn't fit.

    Lesson 2 derives it.
    """
    x, c = checked(model, inputs, class_index)
    x0 = check_baseline(baseline, x)
    nodes, w = np.polynomial.legendre.leggauss(check_count("steps", steps))  # on -1..1
    a = ((nodes + 1) / 2).astype(np.float32)[:, None, None, None]  # on 0..1

    def on_the_line(b, k):
        return x0[b] + a[k] * (x[b] - x0[b])

    return (x - x0) * weighted_mean(vanilla_gradients, model, x, c, on_the_line, w, batch_size)


@on_device
def grad_cam(
    model: keras.Model,
    inputs: ArrayLike,
    class_index: ClassIndex = None,
    *,
    layer: str | keras.Operation | None = None,
    relu: bool = True,
) -> np.ndarray:
    """Return the feature maps of a layer, weighted by how much each raises the class score.

        alpha_k^c = (1/Z) sum_ij  d S_c / d A^k_ij
        L^c = ReLU( sum_k alpha_k^c A^k )       Selvaraju et al. 2017, arXiv:1610.02391, eq. 1, 2

    with A^k the k-th feature map of the layer, and Z its number of positions ij. If the network
    ends in global average pooling and one dense layer, alpha_k^c is that layer's weight / Z, and
    this is CAM (Zhou et al. 2016) / Z.

    Args:
        model: a Functional or Sequential Keras classifier (see `score_model`), nested or not.
        inputs: (B, H, W, C), prepared for the model.
        class_index: what to explain, as for `vanilla_gradients`.
        layer: the name of a layer, or the layer, with an output (B, h, w, channels), or with
            tokens (B, h * w, channels), with or without a class token in front; "name:0" is the
            first call of a layer that is called several times. None for `last_conv_layer(model)`.
        relu: whether to keep only evidence for the class, as the paper does. Without it, negative
            values show evidence against it.

    Returns:
        float32 (B, h, w), at the layer's own resolution (7 x 7 in the embedded network), in score
        per position. The display resizes it to the picture.

    Raises:
        TypeError, ValueError: as `vanilla_gradients`; no last feature maps in the model (see
            `last_conv_layer`); an unknown layer, one without feature maps, or one that the class
            score doesn't depend on.

    Lesson 3 derives it.
    """

    def L(network, x, c):
        maps = find_maps(network, layer)
        with tf.GradientTape() as tape:
            tape.watch(x)  # and with x, everything computed from it: the maps A
            A, S_c = maps_and_score(network, maps, x, c)
        dS_dA = maps.with_positions(tape.gradient(S_c, A))
        alpha = tf.reduce_mean(dS_dA, axis=(1, 2))
        total = tf.einsum("bijk,bk->bij", maps.with_positions(A), alpha)
        return tf.nn.relu(total) if relu else total

    return explain(model, inputs, class_index, L)


def smoothgrad(
    model: keras.Model,
    inputs: ArrayLike,
    class_index: ClassIndex = None,
    *,
    samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
    batch_size: int | None = None,
    method: Method = vanilla_gradients,
    progress: bool = False,
) -> np.ndarray:
    """Return a method's signed maps averaged over noisy copies of each picture.

        M(x) = (1/n) sum_{k=1..n} M_c( x + N(0, sigma^2) )    Smilkov et al. 2017, arXiv:1706.03825
        sigma = noise * (max x - min x)

    It averages the maps with their signs, so the noise in them cancels. In |M| it wouldn't.

    Args:
        model, inputs: as for the method.
        class_index: what to explain, as for `vanilla_gradients`; None for the class predicted for
            the picture without noise.
        samples: n, at least 1. The paper uses 50 and finds little change beyond that.
        noise: sigma as a fraction of each picture's own range, at least 0; the paper's figures
            show 0.1 to 0.2. With 0 the result is the method's own.
        seed: a whole number, at least 0. Sample k gets the same noise in every picture, whatever
            the batch size, so the same seed gives the same map. `normal` draws it.
        batch_size: how many noisy copies exist at a time. It doesn't change the result; None lets
            the function choose.
        method: whose maps to average, called as method(model, inputs, class_index):
            `vanilla_gradients`, `grad_cam`, functools.partial(grad_cam, layer=...), or your own.
        progress: whether to show a progress bar.

    Returns:
        float32, what the method returns: (B, H, W, C) for `vanilla_gradients`.

    Raises:
        TypeError, ValueError: as the method; samples, batch_size, noise or seed out of range.

    Lesson 4 derives it.
    """
    x, c = checked(model, inputs, class_index)
    n, M = check_count("samples", samples), check_method(method)
    sigma = check_noise(noise, "0.1 to 0.2") * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    seed = check_seed(seed)

    def noisy(b, k):
        return x[b] + sigma[b] * normal(seed, k, x[b].shape)

    return weighted_mean(M, model, x, c, noisy, np.ones(n), batch_size, progress)
