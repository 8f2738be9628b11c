"""What a correct saliency map must satisfy, whatever the network: one property per test.

Most run on tiny models with known weights; a few, which say so, on the embedded network.
"""

from __future__ import annotations

import functools
import gc
import inspect
import random
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import (
    CLASSES,
    SHAPE,
    assert_same_map,
    conv_model,
    each,
    fill,
    layers,
    linear_model,
    linear_weights,
    pictures,
    plain_grad_cam,
    plain_gradient,
)

from course_utils import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    last_conv_layer,
    score_model,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.network.run import normal

# float32 keeps 7 digits; reordering a few hundred additions changes the last one or two.
FLOAT32 = 1e-5
WHY_FLOAT32 = "float32 sums in another order differ by about 1e-6"

# Chunks of two, because most tests have two pictures: each network is traced only once.
METHODS = {
    "vanilla_gradients": vanilla_gradients,
    "gradient_times_input": gradient_times_input,
    "integrated_gradients": functools.partial(integrated_gradients, steps=4, batch_size=2),
    "grad_cam": grad_cam,
    "grad_cam_signed": functools.partial(grad_cam, relu=False),
    "smoothgrad": functools.partial(smoothgrad, samples=4, batch_size=2),
    "smoothgrad_of_grad_cam": functools.partial(
        smoothgrad, samples=4, batch_size=2, method=grad_cam
    ),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


@pytest.fixture(scope="module")
def model():
    """Two convolutions, pooling, Dense with a fused softmax. No test changes it.

    Its biases favour no class: different pictures get different classes.
    """
    net = conv_model()
    average = score_by_hand(net, pictures(64, seed=3)).mean(axis=0)
    net.get_layer("head").bias.assign_sub(average)
    return net


def score_by_hand(net, x):
    """The logits of a `conv_model`: the head's input, times its kernel, plus its bias."""
    head = net.get_layer("head")
    features = keras.Model(net.input, net.layers[-2].output)(x)
    return (features @ head.kernel + head.bias).numpy()


@pytest.fixture(scope="module")
def linear():
    return linear_model()


TABBY = 281


# ------------------------------------------------------------------------------ known answers


@pytest.mark.parametrize("c", range(CLASSES))
@pytest.mark.parametrize("scale", [0.0, 1.0, 255.0])
def test_gradient_of_a_linear_model_is_w_for_every_input(linear, c, scale):
    """S_c = w.x + b has the gradient w everywhere. It's exact, because nothing is added up."""
    gradient = vanilla_gradients(linear, scale * pictures(3), c)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, each_picture(linear_weights(linear, c), 3))


def each_picture(one: np.ndarray, batch: int) -> np.ndarray:
    return np.broadcast_to(one, (batch, *one.shape))


def test_contributions_on_a_linear_model_are_w_times_x(linear):
    """Gradient x input is w x, and IG is w (x - baseline), for any number of steps."""
    x, w = pictures(), linear_weights(linear, 1)
    np.testing.assert_array_equal(gradient_times_input(linear, x, 1), w * x)
    for steps in (1, 2, 7):
        ig = integrated_gradients(linear, x, 1, baseline=-0.5, steps=steps)
        assert_same_map(ig, w * (x + 0.5), FLOAT32, WHY_FLOAT32)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_gradient_equals_central_finite_differences(activation):
    """(S_c(x + h e) - S_c(x - h e)) / 2h for every input value, scores computed in float64.

    The activations are smooth, because a ReLU's kink between x - h and x + h has no gradient to
    compare with. With h = 1e-4, the formula is off by about h^2 = 1e-8 and float64 rounds to
    1e-12. So the limit is the float32 of the gradient itself.
    """
    net = conv_model(activation)
    twin = conv_model(activation, head=None, dtype="float64")
    twin.set_weights(net.get_weights())
    x, c, h = pictures(1), 2, 1e-4

    steps = h * np.eye(x.size).reshape(-1, *SHAPE)
    up, down = (twin(x + sign * steps).numpy()[:, c] for sign in (1, -1))
    differences = ((up - down) / (2 * h)).reshape(x.shape)

    assert differences.dtype == np.float64
    assert_same_map(vanilla_gradients(net, x, c), differences, FLOAT32, WHY_FLOAT32)


@pytest.mark.parametrize("c", range(CLASSES))
@pytest.mark.parametrize("relu", [True, False])
def test_grad_cam_equals_cam_over_z(model, c, relu):
    """On pooling + Dense, alpha_k = w_k / Z, and Grad-CAM is CAM (Zhou et al. 2016) / Z."""
    x = pictures()
    A = keras.Model(model.input, model.get_layer("conv2").output)(x).numpy().astype(np.float64)
    Z = A.shape[1] * A.shape[2]
    assert A.shape[1:3] == (6, 5)
    cams = A @ model.get_layer("head").kernel.numpy() / Z
    assert (cams < 0).any()
    assert (cams > 0).any()
    cam = cams[..., c]
    expected = np.maximum(cam, 0) if relu else cam
    assert_same_map(grad_cam(model, x, c, relu=relu), expected, FLOAT32, WHY_FLOAT32)


@pytest.mark.slow
def test_grad_cam_of_the_embedded_network_equals_cam_over_z(classifier, cat_inputs):
    """The embedded network also ends in pooling and one dense layer."""
    network = classifier.model
    A = keras.Model(network.input, network.get_layer("head_conv").output)(cat_inputs).numpy()
    cam = A.astype(np.float64) @ network.get_layer("logits").kernel.numpy()[:, TABBY] / 49
    found = grad_cam(network, cat_inputs, TABBY, relu=False)
    # 1e-4: over 50 layers, the compiled network adds up in a different order from the eager one.
    assert_same_map(found, cam, 1e-4, "50 layers of float32 in another order")
    np.testing.assert_array_equal(grad_cam(network, cat_inputs, TABBY), np.maximum(found, 0))


# ------------------------------------------------------------------------------ completeness


def score_change(model, x, x0, c):
    scores = score_model(model)
    return (scores(x) - scores(np.broadcast_to(x0, x.shape))).numpy()[:, c]


@pytest.mark.parametrize("baseline", ["zero", "number", "picture", "batch", "channels"])
def test_integrated_gradients_are_complete(baseline):
    """The values of one picture sum to S_c(x) - S_c(baseline).

    On a smooth network Gauss-Legendre with 64 points is exact to float32: 1e-5 of the score.
    """
    x0 = {
        "zero": 0.0,
        "number": -0.7,
        "picture": pictures(1, seed=5)[0],
        "batch": pictures(2, seed=7),
        "channels": np.array([0.1, -0.2, 0.3]),
    }[baseline]
    net, x = conv_model("tanh"), pictures()
    total = integrated_gradients(net, x, 1, baseline=x0).sum(axis=(1, 2, 3), dtype=np.float64)
    change = score_change(net, x, np.asarray(x0, np.float32), 1)
    np.testing.assert_allclose(total, change, atol=1e-5)
    assert np.abs(change).min() > 0.01  # the sum is not trivially 0


def test_integrated_gradients_of_the_baseline_itself_are_zero(model):
    """If nothing has changed, there's nothing to explain."""
    x = pictures()
    assert not integrated_gradients(model, x, 1, baseline=x, steps=3).any()


@pytest.mark.slow
@pytest.mark.parametrize(("brightness", "steps", "tolerance"), [(0.0, 64, 0.10), (0.5, 32, 0.02)])
def test_integrated_gradients_of_the_embedded_network_are_nearly_complete(
    classifier, cat_inputs, brightness, steps, tolerance
):
    """The cat's score, from the mean colour, and from the picture at half the contrast.

    ReLU6 makes the gradient jump along the line, so n steps miss about 1/n of a long, uneven sum.
    Measured: 5 % from the mean colour with 64 steps (2 % with 512), 0.4 % from half the contrast
    with 32. We allow a little more than twice that, because a single kink moves it.
    """
    x0 = brightness * cat_inputs
    ig = integrated_gradients(classifier.model, cat_inputs, TABBY, baseline=x0, steps=steps)
    change = score_change(classifier.model, cat_inputs, x0, TABBY)
    np.testing.assert_allclose(ig.sum(dtype=np.float64), change[0], rtol=tolerance)


# -------------------------------------------------------------------------------- SmoothGrad


def plain_method(model, inputs, class_index):
    """A user's own method, whose map doesn't have a picture's shape."""
    return np.stack([inputs.mean(axis=(1, 2, 3)), class_index], axis=1)


@pytest.mark.parametrize(
    "method",
    [
        vanilla_gradients,
        gradient_times_input,
        functools.partial(integrated_gradients, steps=3),
        grad_cam,
        functools.partial(grad_cam, layer="conv1", relu=False),
        plain_method,
    ],
    ids=["vanilla", "times_input", "integrated", "grad_cam", "partial", "own"],
)
def test_smoothgrad_without_noise_is_its_method(model, method):
    """Noise 0: n times the same map, over any method, including a partial and a user's function."""
    x, c = pictures(3), np.array([0, 2, 1])
    smooth = smoothgrad(model, x, c, samples=4, noise=0, method=method)
    assert_same_map(smooth, method(model, x, c), FLOAT32, WHY_FLOAT32)


@pytest.mark.slow
def test_smoothgrad_without_noise_is_its_method_on_the_embedded_network(classifier, cat_inputs):
    """The same on the real network."""
    smooth = smoothgrad(classifier.model, cat_inputs, samples=2, noise=0)
    plain = vanilla_gradients(classifier.model, cat_inputs)
    # 1e-4: over 50 layers, two pictures at a time are added up in a different order from one.
    assert_same_map(smooth, plain, 1e-4, "50 layers of float32 in another order")


@pytest.mark.parametrize("noise", [0.1, 1.0, 30.0])
def test_smoothgrad_of_a_linear_model_is_w_for_any_noise(linear, noise):
    """The gradient is w everywhere, so its average is too (n = 7: 1/7 is rounded)."""
    smooth = smoothgrad(linear, pictures(), 3, samples=7, noise=noise)
    expected = each_picture(linear_weights(linear, 3), 2)
    assert_same_map(smooth, expected, FLOAT32, "only 7 times 1/7 is rounded")


def noise_of(x, **options):
    """Return the noisy copies of a picture, (samples, H, W, C), by a method that records them."""
    copies = []

    def record(model, inputs, class_index):
        copies.append(inputs.copy())
        return inputs

    smoothgrad(linear_model(), x, 0, method=record, **options)
    return np.concatenate(copies)


def test_smoothgrad_averages_the_maps_with_their_signs(model):
    """M is the mean of the maps at the noisy copies, not of their absolute values or squares."""
    x, n = pictures(1), 6
    copies = noise_of(x, samples=n)
    assert len(copies) == n
    maps = vanilla_gradients(model, copies, 2)
    smooth = smoothgrad(model, x, 2, samples=n)
    assert_same_map(smooth, maps.mean(axis=0, keepdims=True), FLOAT32, WHY_FLOAT32)
    assert (smooth < 0).any()


def test_smoothgrad_error_falls_as_one_over_root_n():
    """16 times the samples give a quarter of the standard error, for any method's mean.

    The method returns the noisy picture itself, so we know the mean's error: sigma / sqrt(n). Over
    4320 independent values, the measured deviation is within 1/sqrt(2 * 4320) = 1.1 %; we allow
    four times that.
    """
    x = pictures(1, (40, 36, 3))
    net = linear_model(shape=(40, 36, 3))
    sigma = 0.2 * np.ptp(x)
    for n in (4, 16, 64):
        mean = smoothgrad(net, x, 0, samples=n, noise=0.2, method=lambda m, copies, c: copies)
        assert np.std(mean - x) == pytest.approx(sigma / np.sqrt(n), rel=0.044)
        # The mean of the noise is 0: its own standard error is sigma / sqrt(n * 4320).
        assert abs(np.mean(mean - x)) < 4 * sigma / np.sqrt(n * 4320)


def test_smoothgrad_noise_is_relative_to_each_pictures_own_range():
    """Twice the contrast, twice the noise, even for two pictures in one batch. Brightness is free.

    The same seed gives every picture the same noise up to its size, so this is exact to float32.
    Subtracting 255 again costs 255 * 6e-8 = 2e-5.
    """
    x = pictures(1)
    one = noise_of(x, samples=3) - x
    scaled = noise_of(100 * x + 255, samples=3) - (100 * x + 255)
    both = noise_of(np.concatenate([x, 100 * x + 255]), samples=3)
    np.testing.assert_allclose(scaled / 100, one, atol=1e-5)
    np.testing.assert_allclose(both[:3] - x, one, atol=1e-6)
    np.testing.assert_allclose(both[3:] - (100 * x + 255), scaled, atol=1e-4)
    # The size itself: 3 * 360 values estimate sigma to 2.2 %; we allow four times that.
    assert np.std(one) == pytest.approx(0.15 * np.ptp(x), rel=0.09)


def test_smoothgrad_of_a_constant_picture_has_no_noise(model):
    """Range 0, noise 0: the method's own map, without dividing by 0."""
    x = np.full((1, *SHAPE), 3.0, np.float32)
    smooth = smoothgrad(model, x, 1, samples=3, noise=0.5)
    assert_same_map(smooth, vanilla_gradients(model, x, 1), FLOAT32, WHY_FLOAT32)


def test_smoothgrad_takes_the_predicted_class_from_the_clean_picture(model):
    """With much noise, the copies would get other classes; the map must stick to one."""
    x = pictures(3)
    predicted = model(x).numpy().argmax(axis=1)
    seen = []

    def record(net, inputs, class_index):
        seen.append((model(inputs).numpy().argmax(axis=1), np.array(class_index)))
        return vanilla_gradients(net, inputs, class_index)

    smooth = smoothgrad(model, x, samples=20, noise=2.0, method=record)
    of_copies, given = (np.concatenate(values) for values in zip(*seen, strict=True))
    np.testing.assert_array_equal(given, np.repeat(predicted, 20))
    assert (of_copies != given).any()  # so there was something to get wrong here
    expected = smoothgrad(model, x, predicted, samples=20, noise=2.0)
    np.testing.assert_array_equal(smooth, expected)


# ------------------------------------------------------------------- the class and its score


@every_method
def test_another_class_gives_another_map(model, method):
    """A map that doesn't depend on the class explains nothing about it."""
    x = pictures()
    maps = [method(model, x, c) for c in range(CLASSES)]
    for a in range(CLASSES):
        for b in range(a):
            assert np.abs(maps[a] - maps[b]).max() > 0.01 * np.abs(maps[a]).max()


@pytest.mark.slow
def test_another_class_gives_another_map_on_the_embedded_network(classifier, cat_inputs):
    """Cat and banana are far apart, for gradients and for Grad-CAM."""
    banana = classifier.class_index("banana")
    for method in (vanilla_gradients, functools.partial(grad_cam, relu=False)):
        cat, other = (method(classifier.model, cat_inputs, c).ravel() for c in (TABBY, banana))
        assert np.corrcoef(cat, other)[0, 1] < 0.9


@every_method
def test_no_class_means_the_predicted_class(model, method):
    """None, the default, is the class with the highest score, for each picture separately."""
    x = pictures(4)
    predicted = model(x).numpy().argmax(axis=1)
    assert len(set(predicted)) > 1
    np.testing.assert_array_equal(method(model, x), method(model, x, predicted))


@every_method
def test_a_constant_added_to_the_score_changes_nothing(method):
    """S_c and S_c + 1000 have the same gradient, although the probabilities saturate."""
    net, shifted = conv_model(), conv_model()
    bias = net.get_layer("head").bias
    shifted.get_layer("head").bias.assign(bias + np.float32([1000, -1000, 0, 500]))
    x = pictures()
    for c in range(CLASSES):
        assert_same_map(method(shifted, x, c), method(net, x, c), FLOAT32, WHY_FLOAT32)


def test_the_score_is_explained_and_not_the_probability():
    """Where the probability is 1 to the last digit, its gradient is 0, but the score's isn't."""
    net = linear_model()
    net.layers[-1].bias.assign([200.0, 0, 0, 0])
    x = pictures(1)
    assert net(x).numpy()[0, 0] == 1
    np.testing.assert_array_equal(vanilla_gradients(net, x, 0)[0], linear_weights(net, 0))


# ------------------------------------------------------------ the same network, written otherwise


def body():
    """Fresh layers of `conv_model` before its head, always with the same weights."""
    return [
        layers.Conv2D(5, 3, padding="same", activation="relu"),
        layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
    ]


def functional(*head):
    x = image = keras.Input(SHAPE)
    for layer in [*body(), *head]:
        x = layer(x)
    return keras.Model(image, x)


def sequential(*head):
    return keras.Sequential([keras.Input(SHAPE), *body(), *head])


def nested(depth):
    """A backbone in a model in a model, called with training=False, as in transfer learning."""
    inner = keras.Sequential([keras.Input(SHAPE), *body()])
    for _ in range(depth - 1):
        outer = keras.Input(SHAPE)
        inner = keras.Model(outer, inner(outer, training=False))
    image = keras.Input(SHAPE)
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(inner(image)))


def dense(activation=None):
    return layers.Dense(CLASSES, activation=activation)


def with_operation():
    logits = functional(dense())
    return keras.Model(logits.input, keras.ops.softmax(logits.output))


SAME_NETWORK = {
    "softmax layer": lambda: functional(dense(), layers.Softmax()),
    "activation layer": lambda: functional(dense(), layers.Activation("softmax")),
    "keras.ops.softmax": with_operation,
    "logits": lambda: functional(dense()),
    "logits and a linear activation": lambda: functional(dense(), layers.Activation("linear")),
    "Sequential, fused": lambda: sequential(dense("softmax")),
    "Sequential, softmax layer": lambda: sequential(dense(), layers.Softmax()),
    "Sequential, logits": lambda: sequential(dense()),
    "nested": lambda: nested(1),
    "doubly nested": lambda: nested(2),
    "triply nested": lambda: nested(3),
    "head nested": lambda: functional(
        keras.Sequential([keras.Input((6,)), dense(), layers.Softmax()])
    ),
    "tf.nn.softmax, fused": lambda: functional(dense(tf.nn.softmax)),
    "tf.nn.softmax, activation layer": lambda: functional(
        dense(), layers.Activation(tf.nn.softmax)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("build", SAME_NETWORK.values(), ids=SAME_NETWORK.keys())
def test_the_same_network_written_otherwise_has_the_same_maps(model, build):
    """Fused softmax, separate softmax, logits; functional, Sequential, nested: one function."""
    other, x = build(), pictures()
    other.set_weights(model.get_weights())
    # 1e-6: scores of order 1 in float32.
    np.testing.assert_allclose(score_model(other)(x), score_by_hand(model, x), atol=1e-6)
    for c in (1, None):
        for name in ("vanilla_gradients", "integrated_gradients", "grad_cam", "smoothgrad"):
            method = METHODS[name]
            assert_same_map(method(other, x, c), method(model, x, c), FLOAT32, WHY_FLOAT32)


def test_a_score_model_may_be_explained_itself(model):
    """classifier.score_model instead of classifier.model: its outputs are logits already."""
    scores, x = score_model(model), pictures()
    for method in METHODS.values():
        assert_same_map(method(scores, x, 1), method(model, x, 1), FLOAT32, WHY_FLOAT32)


def test_the_score_model_has_the_weights_of_the_model_and_no_others(model):
    """It shares them: they're the same variables, so counting or setting them means the same."""
    scores = score_model(model)
    assert scores.count_params() == model.count_params()
    assert {id(v) for v in scores.weights} == {id(v) for v in model.weights}


# ------------------------------------------------------------------------------------ batches


@every_method
def test_a_map_alone_equals_the_same_map_in_a_batch(model, method):
    """Nothing is normalised, averaged or seeded over the batch: its order doesn't matter."""
    x = pictures(5) * np.float32([1, 100, 0.01, 1, 5])[:, None, None, None]
    batch = method(model, x, 1)
    for i in range(5):
        assert_same_map(method(model, x[i : i + 1], 1), batch[i : i + 1], FLOAT32, WHY_FLOAT32)
    assert_same_map(method(model, x[::-1], 1), batch[::-1], FLOAT32, WHY_FLOAT32)


@every_method
def test_more_pictures_than_are_computed_at_a_time_each_with_its_class(model, method):
    """70 pictures are computed 64 at a time, and come back in order."""
    x = pictures(70)
    c = np.arange(70) % CLASSES
    maps = method(model, x, c)
    assert len(maps) == 70
    ends = [0, 1, 63, 64, 69]
    alone = np.concatenate([method(model, x[i : i + 1], c[i : i + 1]) for i in ends])
    assert_same_map(maps[ends], alone, FLOAT32, WHY_FLOAT32)


@pytest.mark.parametrize("method", [smoothgrad, integrated_gradients])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_the_batch_size_does_not_change_the_map(model, method, batch_size):
    """Neither the noise nor the points on the line depend on the batch size."""
    x, count = pictures(3), {"samples" if method is smoothgrad else "steps": 7}
    expected = method(model, x, 1, **count)
    found = method(model, x, 1, batch_size=batch_size, **count)
    assert_same_map(found, expected, FLOAT32, WHY_FLOAT32)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 99])
def test_an_average_is_the_same_to_the_last_bit_however_it_is_cut_up(model, batch_size):
    """The sum is made sample by sample, in float64. (The maps here are the noisy copies.)"""
    x = pictures(3)
    expected, found = (
        smoothgrad(model, x, 0, samples=7, method=lambda model, copies, c: copies, batch_size=size)
        for size in (None, batch_size)
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("size", "batch_size", "most"),
    [
        (16, 3, 3),
        (16, None, 40),
        (448, 20, 20),
        (448, None, 16),
        pytest.param(1500, None, 1, marks=pytest.mark.slow),
    ],
)
def test_memory_is_bounded_by_the_batch_size_or_by_the_pixels(size, batch_size, most):
    """None means fewer of large pictures: 64 of 224 x 224 at most, and on a processor 10."""
    net, sizes = conv_model(shape=(None, None, 3)), []

    def counted(model, copies, c):
        sizes.append(len(copies))
        return copies[:, :1, :1, 0]

    x = np.zeros((1, size, size, 3), np.float32)
    smoothgrad(net, x, 0, samples=40, method=counted, batch_size=batch_size)
    assert sum(sizes) == 40
    assert max(sizes) <= most


@pytest.mark.slow
def test_a_map_alone_equals_the_same_map_in_a_batch_on_the_embedded_network(classifier, cat_inputs):
    """The cat in a batch with its mirror image and a grey picture."""
    batch = np.concatenate([cat_inputs[:, :, ::-1], cat_inputs, 0 * cat_inputs])
    for method in (vanilla_gradients, grad_cam):
        alone = method(classifier.model, cat_inputs, TABBY)
        # 1e-4: over 50 layers, one picture and three are added up in different orders.
        together = method(classifier.model, batch, TABBY)[1:2]
        assert_same_map(together, alone, 1e-4, "50 layers of float32 in another order")


# ---------------------------------------------------------------------------- noise and seeds


def test_the_same_seed_gives_the_same_map_and_another_seed_another(model):
    """To the last bit. The default seed is fixed as well."""
    x = pictures()
    first = smoothgrad(model, x, 1, samples=3, seed=7)
    np.testing.assert_array_equal(smoothgrad(model, x, 1, samples=3, seed=7), first)
    assert (smoothgrad(model, x, 1, samples=3, seed=8) != first).any()
    default = smoothgrad(model, x, 1, samples=3)
    np.testing.assert_array_equal(smoothgrad(model, x, 1, samples=3), default)


def test_the_noise_of_a_sample_is_fixed_bit_for_bit():
    """What the lessons print rests on it: sample k of seed s is what `normal` draws."""
    x = pictures(2)
    copies = noise_of(x, samples=3, noise=0.25, seed=7, batch_size=2)
    sigma = np.float32(0.25) * np.ptp(x, axis=(1, 2, 3), keepdims=True)
    z = normal(7, np.arange(3), SHAPE).numpy()
    expected = [x[b] + sigma[b] * z[k] for b in (0, 1) for k in (0, 1, 2)]
    assert np.array_equal(copies, expected)


def test_a_sample_of_noise_is_the_same_whatever_is_drawn_with_it():
    for shape in [(12, 10, 3), (7, 5, 3), (1, 1, 1), (3, 3)]:
        whole = normal(7, np.arange(10), shape).numpy()
        parts = [normal(7, np.arange(*part), shape) for part in ((0, 3), (3, 10))]
        np.testing.assert_array_equal(whole, np.concatenate(parts))
        assert whole.shape == (10, *shape)
    z, other = (normal(seed, np.arange(200), (30, 30, 3)).numpy() for seed in (0, 1))
    assert abs(z.mean()) < 0.01
    assert abs(z.std() - 1) < 0.01
    # No sample shares its noise with another, nor with one of the next seed. By chance: 0.02.
    both = np.concatenate([z[:20], other[:20]]).reshape(40, -1)
    assert np.abs(np.corrcoef(both) - np.eye(40)).max() < 0.1


def next_random_numbers():
    generator = keras.random.SeedGenerator()  # without a seed: from Keras' global state
    return [
        random.random(),
        np.random.rand(),
        float(tf.random.uniform(())),
        float(keras.random.uniform(())),
        float(keras.random.uniform((), seed=generator)),
    ]


@pytest.mark.parametrize("head", ["softmax", None])
@pytest.mark.parametrize("method", [smoothgrad, grad_cam])
def test_the_global_random_state_is_not_touched(method, head):
    """After keras.utils.set_random_seed, the next numbers are the same with and without a map."""
    net = conv_model(head=head)  # a new one, because the first map builds and compiles
    x = pictures()
    keras.utils.set_random_seed(3)
    expected = next_random_numbers()
    keras.utils.set_random_seed(3)
    method(net, x)
    assert next_random_numbers() == expected


def test_the_global_random_state_has_no_influence(model):
    """Only `seed` decides the noise."""
    keras.utils.set_random_seed(1)
    first = smoothgrad(model, pictures(), samples=3)
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(smoothgrad(model, pictures(), samples=3), first)


# -------------------------------------------------------------------------------- translation


@every_method
def test_a_shifted_picture_has_a_shifted_map(method):
    """Translation: a fully convolutional network with stride 1 does not know where it looks.

    Two 3x3 convolutions reach 2 pixels, and 2 more on the way back, so we compare nothing within
    4 pixels of the border. The picture is a blob on 0, shifted by (3, 2).
    """
    shape = (20, 24, 3)
    image = keras.Input(shape)
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(image)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    net = fill(keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x)))
    picture = np.zeros((1, *shape), np.float32)
    picture[:, 6:11, 7:13] = pictures(1, (5, 6, 3))
    moved = np.roll(picture, (3, 2), axis=(1, 2))

    if getattr(method, "func", None) is smoothgrad:  # without noise, which wouldn't move along
        method = functools.partial(method, noise=0)
    still, shifted = method(net, picture, 1), method(net, moved, 1)
    inside = np.s_[:, 4 + 3 : -4, 4 + 2 : -4]
    expected = np.roll(still, (3, 2), axis=(1, 2))[inside]
    assert_same_map(shifted[inside], expected, FLOAT32, WHY_FLOAT32)


# ------------------------------------------------------------------------------ odd pictures


@every_method
@pytest.mark.parametrize("value", [0.0, 1.0, 255.0])
def test_a_constant_picture_has_a_finite_map(model, method, value):
    """No map divides by a range or a maximum that may be 0."""
    maps = method(model, np.full((2, *SHAPE), value, np.float32), 1)
    assert np.isfinite(maps).all()
    assert maps.dtype == np.float32


@every_method
def test_a_map_without_evidence_is_zero_and_not_nan(method):
    """A network whose weights are all 0 has the map 0."""
    net = conv_model()
    net.set_weights([0 * weight for weight in net.get_weights()])
    maps = method(net, pictures(), 1)
    assert np.isfinite(maps).all()
    assert not maps.any()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(9, 21, 3), (21, 9, 3), (5, 2, 3)])
def test_pictures_need_not_be_square(shape):
    """Height comes first, and no axes are swapped."""
    net, x = conv_model(shape=shape), pictures(2, shape)
    small = tuple(-(-size // 2) for size in shape[:2])  # stride 2, rounded up
    for method in METHODS.values():
        maps = method(net, x, 1)
        assert maps.shape == (2, *(shape if maps.ndim == 4 else small))
    logits = keras.Model(net.input, net.layers[-2].output)
    features = keras.Model(net.input, net.get_layer("conv2").output)
    head = net.get_layer("head")
    c = each(1, 2)
    gradient = plain_gradient(lambda v: logits(v) @ head.kernel + head.bias, x, c)
    assert_same_map(vanilla_gradients(net, x, 1), gradient, FLOAT32, WHY_FLOAT32)
    cam = plain_grad_cam(
        features, lambda A: tf.reduce_mean(A, axis=(1, 2)) @ head.kernel + head.bias, x, c
    )
    assert_same_map(grad_cam(net, x, 1, relu=False), cam, FLOAT32, WHY_FLOAT32)


# ---------------------------------------------------------- nothing is changed, nothing is stale


def trained_model(kind="functional", train=True):
    """A compiled model with an optimizer that has taken a step, dropout and batch norm."""
    parts = [
        layers.Conv2D(5, 3, padding="same", use_bias=False, name="conv1"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dropout(0.3, seed=1),
        layers.Conv2D(6, 3, activation="relu", name="conv2"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(CLASSES, activation="softmax", name="head"),
    ]
    if kind == "sequential":
        net = keras.Sequential([keras.Input(SHAPE), *parts])
    else:
        x = image = keras.Input(SHAPE)
        if kind == "nested":
            x = keras.Sequential([keras.Input(SHAPE), *parts[:5]], name="backbone")(x)
            parts = parts[5:]
        for part in parts:
            x = part(x)
        net = keras.Model(image, x)
    fill(net)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if train:
        net.train_on_batch(pictures(4), np.arange(4))
    return net


def summary(net):
    lines = []
    net.summary(print_fn=lambda line, **_: lines.append(line), expand_nested=True)
    return "\n".join(lines)


def state(net):
    """Return everything about a model that its owner can see."""
    flat = list(net._flatten_layers())  # the only way to reach all layers, including nested ones
    return {
        "config": net.to_json(),
        "get_config": str(net.get_config()),
        "summary": summary(net),
        "layers": [id(layer) for layer in flat],
        "names": [layer.name for layer in flat],
        "layer outputs": [id(layer.output) for layer in net.layers],
        "activations": [id(getattr(layer, "activation", None)) for layer in flat],
        "trainable": [layer.trainable for layer in flat],
        "dtypes": [layer.dtype_policy.name for layer in flat],
        "variables": [(id(v), v.path, v.numpy().tobytes()) for v in net.variables],
        "optimizer": [(v.path, v.numpy().tobytes()) for v in net.optimizer.variables],
        "compiled": (net.compiled, net.loss, id(net.optimizer), str(net.get_compile_config())),
        "tensors": (id(net.inputs[0]), id(net.outputs[0])),
        "predictions": net.predict(pictures(), verbose=0).tobytes(),
        "attributes": sorted(vars(net)),
    }


SLOW = pytest.mark.slow
KINDS = ["functional", pytest.param("sequential", marks=SLOW), pytest.param("nested", marks=SLOW)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_callers_is_changed(kind, tmp_path):
    """Model, weights, optimizer, layers, configuration, predictions and inputs haven't changed.

    You can still save, load, clone, cut and train the model.
    """
    net, x = trained_model(kind), pictures()
    before, bytes_before = state(net), x.tobytes()
    x.flags.writeable = False  # writing into the caller's picture would raise
    for method in METHODS.values():
        method(net, x)
    last_conv_layer(net), score_model(net)
    after = state(net)
    assert x.tobytes() == bytes_before
    for key in before:
        assert after[key] == before[key], key

    net.save(tmp_path / "model.keras")
    expected = net.predict(x, verbose=0)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(net)
    clone.set_weights(net.get_weights())
    cut = keras.Model(net.inputs, net.layers[-1].output)
    for other in (loaded, clone, cut):
        np.testing.assert_array_equal(other.predict(x, verbose=0), expected)
    net.train_on_batch(x, np.array([0, 1]))
    assert (net.predict(x, verbose=0) != expected).any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[::2])
def test_after_training_the_maps_follow_the_new_weights(kind):
    """No stale copy: the maps match those of a second model that starts with the new weights."""
    net, x = trained_model(kind), pictures()
    old = {name: method(net, x, 1) for name, method in METHODS.items()}
    net.optimizer.learning_rate = 0.1
    for _ in range(3):
        net.train_on_batch(pictures(4, seed=4), np.arange(4))
    fresh = trained_model(kind, train=False)
    fresh.set_weights(net.get_weights())
    for name, method in METHODS.items():
        new = method(net, x, 1)
        assert_same_map(new, method(fresh, x, 1), FLOAT32, WHY_FLOAT32)
        assert np.abs(new - old[name]).max() > 0.01 * np.abs(new).max(), name


def test_set_weights_and_assign_are_followed(model):
    """Weights set by hand, as in the randomisation test of lesson 6."""
    net, x = conv_model(), pictures()
    vanilla_gradients(net, x, 1), grad_cam(net, x, 1)
    fill(net, seed=9)
    fresh = fill(conv_model(), seed=9)
    for method in METHODS.values():
        assert_same_map(method(net, x, 1), method(fresh, x, 1), FLOAT32, WHY_FLOAT32)


def use(net):
    """Build and compile everything that is kept for a model."""
    for method in (vanilla_gradients, grad_cam, functools.partial(smoothgrad, samples=2)):
        method(net, pictures())


def test_a_replaced_head_is_noticed():
    """Sequential.pop and add: transfer learning by hand, after the model has been explained."""
    net, x = linear_model(), pictures()
    vanilla_gradients(net, x, 0)
    net.pop()
    net.add(layers.Dense(6, activation="softmax"))
    fill(net, seed=2)
    assert score_model(net).output_shape == (None, 6)
    gradient = vanilla_gradients(net, x, 5)
    np.testing.assert_array_equal(gradient, each_picture(linear_weights(net, 5), 2))


def test_a_layer_added_on_top_is_noticed():
    """The former head becomes a hidden layer, with its activation."""
    net, x = conv_model(), pictures()
    net = keras.Sequential([keras.Input(SHAPE), *net.layers[1:]])
    use(net)
    net.add(layers.Dense(3))
    fill(net)
    gradient = plain_gradient(net, x, each(2, 2))
    assert_same_map(vanilla_gradients(net, x, 2), gradient, FLOAT32, WHY_FLOAT32)


@pytest.mark.parametrize("before", ["softmax", "linear"])
def test_a_changed_last_activation_is_noticed(before):
    """model.layers[-1].activation = linear, as many recipes say, and back: the scores stay."""
    net, x = conv_model(head=before), pictures()
    use(net)
    methods = (vanilla_gradients, grad_cam)
    expected = [method(net, x, 1) for method in methods]
    after = "linear" if before == "softmax" else "softmax"
    net.layers[-1].activation = keras.activations.get(after)
    for method, old in zip(methods, expected, strict=True):
        assert_same_map(method(net, x, 1), old, FLOAT32, WHY_FLOAT32)


def test_a_changed_last_activation_is_noticed_in_a_nested_head():
    """The head may be a model of its own."""
    image = keras.Input(SHAPE)
    head = keras.Sequential([keras.Input((3,)), layers.Dense(CLASSES)])
    net = fill(keras.Model(image, head(layers.GlobalAveragePooling2D()(image))))
    x = pictures()
    expected = score_model(net)(x)
    gradient = vanilla_gradients(net, x, 1)
    head.layers[-1].activation = keras.activations.softmax
    np.testing.assert_allclose(score_model(net)(x), expected, atol=1e-6)  # float32, order 1
    assert_same_map(vanilla_gradients(net, x, 1), gradient, FLOAT32, WHY_FLOAT32)


def test_a_changed_activation_in_the_middle_is_noticed():
    """As guided backpropagation does: model.layers[k].activation = another function."""
    net, x = conv_model(head=None), pictures()
    use(net)
    net.get_layer("conv1").activation = keras.activations.tanh
    gradient = plain_gradient(net, x, each(1, 2))
    assert_same_map(vanilla_gradients(net, x, 1), gradient, FLOAT32, WHY_FLOAT32)


def test_two_models_with_the_same_names_are_not_confused():
    """The cache belongs to one model, not to its name or its address in memory."""
    x = pictures()
    for seed in range(2):
        net = fill(conv_model(head=None), seed)
        gradient = plain_gradient(net, x, each(1, 2))
        assert_same_map(vanilla_gradients(net, x, 1), gradient, FLOAT32, WHY_FLOAT32)
        del net
        gc.collect()


@pytest.mark.slow
def test_a_model_is_freed_after_use():
    """The cache doesn't keep the model, its layers or its weights alive."""
    net = trained_model("nested")
    use(net)
    watched = [net, *net.layers, *net.weights]
    references = [weakref.ref(item) for item in watched]
    del net, watched
    for _ in range(3):  # TensorFlow's functions are collected in several rounds
        gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


@pytest.mark.slow
def test_two_threads_on_one_model_give_the_maps_of_one():
    """Two sliders of an explorer may ask at once, even the first time."""
    expected_net, net = conv_model(), conv_model()
    x = pictures(4)
    jobs = [(method, i) for method in METHODS.values() for i in range(4)]
    found, errors = {}, []

    def work(mine):
        try:
            start.wait(timeout=60)
            for j in mine:
                method, i = jobs[j]
                found[threading.get_ident(), j] = method(net, x[i : i + 1], i)
        except Exception as error:
            errors.append(error)

    start = threading.Barrier(2)
    orders = (range(len(jobs)), reversed(range(len(jobs))))
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(found) == 2 * len(jobs)
    expected = [method(expected_net, x[i : i + 1], i) for method, i in jobs]
    for (_, j), value in found.items():
        assert_same_map(value, expected[j], FLOAT32, WHY_FLOAT32)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_the_global_dtype_policy_has_no_influence(policy):
    """A float32 model stays float32 even if the notebook has since set another policy."""
    net, same, x = conv_model(), conv_model(), pictures()
    expected = {name: method(net, x, 1) for name, method in METHODS.items()}
    keras.config.set_dtype_policy(policy)
    try:
        found = {name: method(same, x, 1) for name, method in METHODS.items()}
    finally:
        keras.config.set_dtype_policy("float32")
    for name in METHODS:
        assert_same_map(found[name], expected[name], FLOAT32, WHY_FLOAT32)


@pytest.mark.slow
def test_the_embedded_network_and_the_cat_are_unchanged(classifier, cat):
    """After all methods, the classifier has the same weights, layers and prediction."""
    network, picture = classifier.model, cat.copy()
    x = classifier.prepare(cat)
    weights = [weight.copy() for weight in network.get_weights()]
    config, probabilities = network.to_json(), network(x).numpy()
    inputs = x.tobytes()
    for method in (vanilla_gradients, grad_cam, functools.partial(smoothgrad, samples=2)):
        method(network, x)
    assert x.tobytes() == inputs
    assert np.array_equal(cat, picture)
    assert network.to_json() == config
    np.testing.assert_array_equal(network(x).numpy(), probabilities)
    for old, new in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


# ------------------------------------------------------------------ kinds of input and output


@every_method
def test_every_map_is_float32_and_belongs_to_the_caller(model, method):
    """Writing into one map mustn't change the next."""
    x = pictures()
    first = method(model, x, 1)
    assert first.dtype == np.float32
    assert isinstance(first, np.ndarray)
    kept = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(method(model, x, 1), kept)


@every_method
@pytest.mark.parametrize("kind", ["float64", "float16", "uint8", "tensor", "list", "fortran"])
def test_inputs_of_every_kind_of_number(model, method, kind):
    """Whole numbers in 0..255 mean the same as an array of any type, a tensor or a list."""
    x = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype(np.float32)
    other = {
        "tensor": tf.constant(x),
        "list": x.tolist(),
        "fortran": np.asfortranarray(x),
    }.get(kind)
    other = x.astype(kind) if other is None else other
    np.testing.assert_array_equal(method(model, other, 1), method(model, x, 1))


def test_the_methods_take_the_promised_arguments():
    """The notebooks and other people's tests rely on these names, orders and defaults."""
    promised = {
        vanilla_gradients: "(model, inputs, class_index=None)",
        gradient_times_input: "(model, inputs, class_index=None)",
        integrated_gradients: "(model, inputs, class_index=None, *, baseline=0.0, steps=64, "
        "batch_size=None)",
        grad_cam: "(model, inputs, class_index=None, *, layer=None, relu=True)",
        smoothgrad: "(model, inputs, class_index=None, *, samples=50, noise=0.15, seed=0, "
        "batch_size=None, method=<function vanilla_gradients>, progress=False)",
    }
    for method, expected in promised.items():
        signature = inspect.signature(method)
        bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        found = str(inspect.Signature(bare)).split(" at 0x")
        assert ">".join([found[0], *(part.split(">", 1)[1] for part in found[1:])]) == expected
