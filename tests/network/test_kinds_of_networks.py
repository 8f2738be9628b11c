"""Every kind of Keras classifier, every method: compared with a plain GradientTape.

Each kind is also written as two halves, `maps` (picture -> feature maps of the last convolution)
and `head` (feature maps -> logits, written out with the weights of the last layers). They share the
model's layers, and use nothing from `course_utils`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf
from messages import sentence
from tiny import (
    CLASSES,
    SHAPE,
    assert_same_map,
    each,
    fill,
    layers,
    linear_model,
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

pytestmark = pytest.mark.slow  # all kinds of models: half a minute


@dataclass
class Kind:
    """A model, the same model written by hand in two halves, and what we expect of it."""

    model: keras.Model
    maps: Callable  # (B, H, W, C) -> (B, h, w, K), the output of `layer`
    head: Callable  # (B, h, w, K) -> logits, (B, classes) or (B, 1)
    layer: str  # the layer whose maps Grad-CAM uses by default
    inputs: np.ndarray | None = None
    # Sums in another order differ by 1e-6 of the map's largest value in float32, more in float16.
    tolerance: float = 1e-5

    def scores(self, x):
        return self.head(self.maps(x))


def chain(*parts):
    """Return one function that calls layers (or functions) in turn, as in inference."""

    def call(x):
        for part in parts:
            x = part(x, training=False) if isinstance(part, keras.Layer) else part(x)
        return x

    return call


def pooled(dense):
    """The head of most kinds: global average pooling and a dense layer without activation."""
    return lambda A: tf.reduce_mean(A, axis=(1, 2)) @ dense.kernel + dense.bias


def conv(filters=5, size=3, **options):
    options = {"padding": "same", "activation": "relu", **options}
    return layers.Conv2D(filters, size, **options)


def gap():
    return layers.GlobalAveragePooling2D()


def dense(activation="softmax", units=CLASSES, **options):
    return layers.Dense(units, activation=activation, **options)


def straight(*front, last=None, head=None, end=(), shape=SHAPE, dtype=None, **expected):
    """Functional: front layers, `last` (the maps), pooling, head, and `end` on top."""
    last, head = last or conv(6, strides=2, name="last"), head or dense()
    x = image = keras.Input(shape, dtype=dtype)
    for layer in [*front, last, gap(), head, *end]:
        x = layer(x)
    model = fill(keras.Model(image, x))
    expected.setdefault("layer", last.name)
    expected.setdefault("inputs", pictures(2, [size or 14 for size in shape]))
    return Kind(model, chain(*front, last), pooled(head), **expected)


# The kinds ----------------------------------------------------------------------------------------


def functional():
    return straight(conv())


def softmax_layer():
    return straight(conv(), head=dense(None), end=[layers.Softmax()])


def sequential():
    parts = conv(), conv(6, name="last"), gap(), dense()
    model = fill(keras.Sequential([keras.Input(SHAPE), *parts]))
    return Kind(model, chain(*parts[:2]), pooled(parts[3]), "last")


def sequential_built_by_a_call():
    """Without keras.Input; called on 3 pictures, explained on 2."""
    parts = conv(), conv(6, name="last"), gap(), dense()
    model = keras.Sequential(list(parts))
    model(pictures(3))
    return Kind(fill(model), chain(*parts[:2]), pooled(parts[3]), "last")


def flatten_and_dense():
    """LeNet: max pooling, Flatten, two dense layers."""
    first, last, hidden, top = conv(name="first"), conv(6, name="last"), dense("relu", 8), dense()
    parts = first, layers.MaxPooling2D(), last, layers.MaxPooling2D(), layers.Flatten(), hidden, top
    model = fill(keras.Sequential([keras.Input(SHAPE), *parts]))
    pool = layers.MaxPooling2D()

    def head(A):
        flat = tf.reshape(pool(A), (len(A), -1))
        return tf.nn.relu(flat @ hidden.kernel + hidden.bias) @ top.kernel + top.bias

    return Kind(model, chain(first, pool, last), head, "last")


def nested_backbone():
    """Transfer learning: a frozen backbone, called with training=False."""
    backbone = keras.Sequential(
        [keras.Input(SHAPE), conv(), layers.BatchNormalization(), conv(6, name="last")],
        name="backbone",
    )
    backbone.trainable = False
    image, top = keras.Input(SHAPE), dense()
    x = layers.Dropout(0.5)(gap()(backbone(image, training=False)))
    return Kind(fill(keras.Model(image, top(x))), chain(backbone), pooled(top), "last")


def nested_backbone_by_keyword():
    """The same call with the picture as a keyword argument."""
    backbone = keras.Sequential([keras.Input(SHAPE), conv(), conv(6, name="last")])
    image, top = keras.Input(SHAPE), dense()
    x = gap()(backbone(inputs=image, training=False))
    return Kind(fill(keras.Model(image, top(x))), chain(backbone), pooled(top), "last")


def mobilenet_backbone():
    """keras.applications as a layer, with its preprocessing in front."""
    shape = (32, 40, 3)
    backbone = keras.applications.MobileNetV2(
        shape, alpha=0.35, include_top=False, weights=None, name="backbone"
    )
    scale, top = layers.Rescaling(1 / 127.5, offset=-1), dense()
    image = keras.Input(shape)
    model = fill(keras.Model(image, top(gap()(backbone(scale(image), training=False)))))
    inputs = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.float32)
    # 1e-3: 50 layers with ReLU6, compiled or not; a unit at its kink may fall on either side.
    return Kind(
        model, chain(scale, backbone), pooled(top), "out_relu", inputs=inputs, tolerance=1e-3
    )


def pooling_inside_the_backbone():
    """include_top=False, pooling='avg': the maps are inside, their mean comes out."""
    parts = conv(), conv(6, name="last")
    backbone = keras.Sequential([keras.Input(SHAPE), *parts, gap()])
    top = dense()
    model = fill(keras.Sequential([keras.Input(SHAPE), backbone, top]))
    return Kind(model, chain(*parts), pooled(top), "last")


def preprocessing_in_front():
    front = [
        layers.RandomFlip(),
        layers.RandomRotation(0.2),
        layers.Resizing(9, 11),
        layers.Rescaling(0.5, offset=0.1),
        layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]),
        conv(),
    ]
    return straight(*front)


def uint8_input():
    kind = straight(layers.Rescaling(1 / 255), conv(), dtype="uint8")
    kind.inputs = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype(np.float32)
    return kind


def mixed_precision():
    """float16 layers, float32 softmax, as keras.mixed_precision recommends."""
    policy = "mixed_float16"
    # tanh, because with float16's rounding, a ReLU's unit may fall on either side of the kink.
    first = conv(dtype=policy, activation="tanh")
    last = conv(6, dtype=policy, activation="tanh", name="last")
    pool, top = layers.GlobalAveragePooling2D(dtype=policy), dense(dtype="float32")
    image = keras.Input(SHAPE)
    model = fill(keras.Model(image, top(pool(last(first(image))))))

    def head(A):
        return tf.cast(pool(A), tf.float32) @ top.kernel + top.bias

    # 1e-2: float16 keeps 3 digits, and compiled sums round elsewhere.
    return Kind(model, chain(first, last), head, "last", tolerance=1e-2)


def any_size():
    return straight(conv(), shape=(None, None, 3))


def greyscale():
    return straight(conv(), shape=(12, 10, 1))


def five_channels():
    return straight(conv(), shape=(12, 10, 5))


def one_picture_at_a_time():
    """keras.Input(batch_size=1): the model's limit doesn't limit the methods."""
    first, last, top = conv(), conv(6, name="last"), dense()
    image = keras.Input(SHAPE, batch_size=1)
    model = fill(keras.Model(image, top(gap()(last(first(image))))))
    return Kind(model, chain(first, last), pooled(top), "last")


def batch_norm_and_dropout():
    """Convolution, batch norm and ReLU are separate layers: the maps are the ReLU's output."""
    front = conv(6, use_bias=False, activation=None), layers.BatchNormalization()
    noise = layers.GaussianNoise(0.5), layers.SpatialDropout2D(0.4), layers.Dropout(0.5)
    return straight(noise[0], *front, *noise[1:], last=layers.ReLU(name="last"))


def residual():
    first, second, third, top = conv(6), conv(6), conv(6, activation=None), dense()
    add, relu = layers.Add(), layers.ReLU(name="last")
    image = keras.Input(SHAPE)
    a = first(image)
    model = keras.Model(image, top(gap()(relu(add([a, third(second(a))])))))

    def maps(x):
        a = first(x)
        return tf.nn.relu(a + third(second(a)))

    return Kind(fill(model), maps, pooled(top), "last")


def residual_by_operators():
    """Additions and activations written with + and keras.ops instead of layers."""
    first, second, top = conv(6), conv(6, name="last"), dense(None)
    image = keras.Input(SHAPE)
    a = first(image)
    b = second(a) * 0.5
    logits = top(keras.ops.mean(a + b, axis=(1, 2)))
    model = keras.Model(image, keras.ops.softmax(logits))
    # The score also uses `a` past the last convolution, so `head` only serves for gradients.
    return (
        Kind(fill(model), lambda x: second(first(x)), None, "last"),
        lambda x: (
            tf.reduce_mean(first(x) + 0.5 * second(first(x)), axis=(1, 2)) @ top.kernel + top.bias
        ),
    )


def concatenation():
    left, right, top = conv(3), conv(4, 5), dense()
    image = keras.Input(SHAPE)
    x = layers.Concatenate(name="last")([left(image), right(image)])
    model = fill(keras.Model(image, top(gap()(x))))
    return Kind(model, lambda x: tf.concat([left(x), right(x)], axis=3), pooled(top), "last")


def shared_layer():
    """One convolution, used twice: its maps are those of its last use."""
    first, shared, top = conv(6), conv(6, name="last"), dense()
    image = keras.Input(SHAPE)
    model = fill(keras.Model(image, top(gap()(shared(shared(first(image)))))))
    return Kind(model, chain(first, shared, shared), pooled(top), "last")


def conv_head():
    """SqueezeNet: a 1x1 convolution makes one map per class, whose mean is the score."""
    first, last = conv(6), conv(CLASSES, 1, activation=None, name="last")
    image = keras.Input(SHAPE)
    model = fill(keras.Model(image, layers.Softmax()(gap()(last(first(image))))))
    return Kind(model, chain(first, last), lambda A: tf.reduce_mean(A, axis=(1, 2)), "last")


def mobilenet_head(*end):
    """MobileNet: pooling with keepdims, a 1x1 convolution on the single position, Reshape."""
    first, last = conv(), conv(6, name="last")
    top = layers.Conv2D(CLASSES, 1)
    x = image = keras.Input(SHAPE)
    for layer in (first, last, layers.GlobalAveragePooling2D(keepdims=True), top, *end):
        x = layer(x)

    def head(A):
        return tf.reduce_mean(A, axis=(1, 2)) @ top.kernel[0, 0] + top.bias

    return Kind(fill(keras.Model(image, x)), chain(first, last), head, "last")


def mobilenet_head_reshape():
    return mobilenet_head(layers.Reshape((CLASSES,)), layers.Activation("softmax"))


def mobilenet_head_flatten():
    return mobilenet_head(layers.Dropout(0.1), layers.Flatten(), layers.Softmax())


def multi_label():
    return straight(conv(), head=dense("sigmoid"))


def multi_label_activation():
    return straight(conv(), head=dense(None), end=[layers.Activation("sigmoid")])


def one_sigmoid():
    return straight(conv(), head=dense("sigmoid", 1))


def one_sigmoid_layer():
    return straight(conv(), head=dense(None, 1), end=[layers.Activation("sigmoid")])


def one_logit():
    return straight(conv(), head=dense(None, 1))


def dropout_after_softmax():
    return straight(conv(), end=[layers.Dropout(0.1), layers.Identity()])


def compiled_with_a_loss():
    class Loss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return keras.ops.sum(y_pred, axis=-1)

    kind = straight(conv())
    kind.model.compile(keras.optimizers.SGD(), Loss(), metrics=["accuracy"])
    return kind


def frozen():
    kind = straight(conv(), layers.BatchNormalization())
    kind.model.trainable = False
    return kind


def head_by_keyword():
    """Dense(...)(inputs=x) works like Dense(...)(x)."""
    first, last, top = conv(), conv(6, name="last"), dense()
    image = keras.Input(SHAPE)
    x = gap()(last(inputs=first(image)))
    return Kind(fill(keras.Model(image, top(inputs=x))), chain(first, last), pooled(top), "last")


def single_entries_in_lists_and_dicts():
    """keras.Model([image], {"classes": p}): one input and one output, in containers."""
    first, last, top = conv(), conv(6, name="last"), dense()
    image = keras.Input(SHAPE, name="image")
    model = keras.Model([image], {"classes": top(gap()(last(first(image))))})
    return Kind(fill(model), chain(first, last), pooled(top), "last")


def loaded_from_a_file(tmp_path):
    parts = conv(), layers.BatchNormalization(), conv(6, name="last"), gap(), dense()
    model = fill(keras.Sequential([keras.Input(SHAPE), *parts]))
    model.compile("adam", "categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    return Kind(
        keras.models.load_model(tmp_path / "model.keras"),
        chain(*parts[:3]),
        pooled(parts[4]),
        "last",
    )


class Block(keras.Layer):
    """A custom layer with a convolution inside."""

    def __init__(self, filters, strides=1, **options):
        super().__init__(**options)
        self.conv = layers.Conv2D(filters, 3, strides, padding="same")

    def build(self, shape):
        self.conv.build(shape)

    def call(self, x):
        return keras.ops.swish(self.conv(x))


class Conv2DOfMyOwn(layers.Conv2D):
    """A custom kind of convolution."""


def custom_layer():
    return straight(Block(6), last=conv(6, name="last"))


def custom_layer_last():
    """The last convolution is inside a custom layer, at another resolution."""
    return straight(conv(), last=Block(6, strides=2, name="last"))


def custom_convolution():
    return straight(conv(), last=Conv2DOfMyOwn(6, 3, activation="swish", name="last"))


def depthwise():
    return straight(conv(), last=layers.DepthwiseConv2D(3, name="last", activation="relu"))


def separable():
    return straight(conv(), last=layers.SeparableConv2D(6, 3, name="last", activation="tanh"))


def transposed():
    return straight(conv(), last=layers.Conv2DTranspose(6, 3, strides=2, name="last"))


KINDS = [
    functional,
    softmax_layer,
    sequential,
    sequential_built_by_a_call,
    flatten_and_dense,
    nested_backbone,
    nested_backbone_by_keyword,
    mobilenet_backbone,
    pooling_inside_the_backbone,
    preprocessing_in_front,
    uint8_input,
    mixed_precision,
    any_size,
    greyscale,
    five_channels,
    one_picture_at_a_time,
    batch_norm_and_dropout,
    residual,
    concatenation,
    shared_layer,
    conv_head,
    mobilenet_head_reshape,
    mobilenet_head_flatten,
    multi_label,
    multi_label_activation,
    one_sigmoid,
    one_sigmoid_layer,
    one_logit,
    dropout_after_softmax,
    compiled_with_a_loss,
    frozen,
    head_by_keyword,
    single_entries_in_lists_and_dicts,
    loaded_from_a_file,
    custom_layer,
    custom_layer_last,
    custom_convolution,
    depthwise,
    separable,
    transposed,
]


def of_one_worker(build):
    name = build.__name__
    return pytest.param(build, id=name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=map(of_one_worker, KINDS))
def kind(request, tmp_path_factory):
    """One kind at a time; it's freed before the next is built."""
    if request.param is loaded_from_a_file:
        return request.param(tmp_path_factory.mktemp("models"))
    return request.param()


@pytest.fixture(scope="module")
def x(kind):
    return pictures(2) if kind.inputs is None else kind.inputs


# Every kind, every method -------------------------------------------------------------------------


def test_score_model_gives_the_logits(kind, x):
    """A single logit z gives the two scores -z and z."""
    logits = kind.scores(tf.constant(x)).numpy()
    if logits.shape[1] == 1:
        logits = np.concatenate([-logits, logits], axis=1)
    found = score_model(kind.model)(x, training=False).numpy()
    np.testing.assert_allclose(found, logits, atol=kind.tolerance * np.abs(logits).max())


@pytest.mark.parametrize("class_index", [0, 1])
def test_vanilla_gradients(kind, x, class_index):
    """d S_c / d x; for a binary model, class 0 as well."""
    expected = plain_gradient(kind.scores, x, each(class_index, len(x)))
    compare(kind, vanilla_gradients(kind.model, x, class_index), expected)


def test_gradient_times_input(kind, x):
    expected = x * plain_gradient(kind.scores, x, each(1, len(x)))
    compare(kind, gradient_times_input(kind.model, x, 1), expected)


def test_integrated_gradients(kind, x):
    """Three Gauss-Legendre points on the line from a baseline, as the docstring says."""
    x0 = np.float32(0.3)
    nodes, weights = np.polynomial.legendre.leggauss(3)
    average = sum(
        w
        / 2
        * plain_gradient(kind.scores, x0 + np.float32((a + 1) / 2) * (x - x0), each(1, len(x)))
        for a, w in zip(nodes, weights, strict=True)
    )
    found = integrated_gradients(kind.model, x, 1, baseline=x0, steps=3, batch_size=len(x))
    compare(kind, found, (x - x0) * average)


def test_smoothgrad(kind, x):
    """The mean of the gradients at the noisy pictures, which a recording method sees."""
    copies = []

    def record(model, inputs, class_index):
        copies.append(inputs)
        return vanilla_gradients(model, inputs, class_index)

    found = smoothgrad(kind.model, x, 1, samples=3, method=record, batch_size=len(x))
    noisy = np.concatenate(copies)
    expected = plain_gradient(kind.scores, noisy, each(1, len(noisy)))
    compare(kind, found, expected.reshape(len(x), 3, *x.shape[1:]).mean(axis=1))


def test_last_conv_layer_and_grad_cam(kind, x):
    """The expected layer: its maps by default, by name and as an object, with and without ReLU."""
    layer = last_conv_layer(kind.model)
    assert layer.name == kind.layer
    expected = plain_grad_cam(kind.maps, kind.head, x, each(1, len(x)))
    for chosen in (None, kind.layer, layer):
        compare(kind, grad_cam(kind.model, x, 1, layer=chosen, relu=False), expected)
    signed = grad_cam(kind.model, x, 1, relu=False)
    np.testing.assert_array_equal(grad_cam(kind.model, x, 1), np.maximum(signed, 0))


def test_the_predicted_class(kind, x):
    """None means the class with the highest logit, for each picture."""
    logits = kind.scores(tf.constant(x)).numpy()
    c = logits.argmax(axis=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).astype(int)
    found = vanilla_gradients(kind.model, x)
    compare(kind, found, plain_gradient(kind.scores, x, c))


def compare(kind, found, expected):
    assert found.dtype == np.float32
    assert_same_map(found, expected, kind.tolerance, "see Kind.tolerance")


# Single kinds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [one_sigmoid, one_sigmoid_layer, one_logit])
def test_a_binary_model_has_two_classes(build):
    """Class 0 has the score -z, so its map is minus that of class 1; class 2 doesn't exist."""
    net, x = build().model, pictures(8)
    signed_cam = functools.partial(grad_cam, relu=False)
    for method in (vanilla_gradients, integrated_gradients, smoothgrad, signed_cam):
        one, zero = method(net, x[:1], 1), method(net, x[:1], 0)
        np.testing.assert_array_equal(zero, -one)
        assert one.any()
    # The predicted class is 1 where the probability is above one half.
    output = net(x).numpy()[:, 0]
    predicted = (output > (0.5 if "sigmoid" in build.__name__ else 0)).astype(int)
    assert set(predicted) == {0, 1}
    np.testing.assert_array_equal(vanilla_gradients(net, x), vanilla_gradients(net, x, predicted))
    with pytest.raises(ValueError, match=r"class_index=2 .* 2 classes, 0 to 1"):
        vanilla_gradients(net, x, 2)


def test_a_residual_written_with_operators():
    """+, * and keras.ops are followed like layers."""
    kind, scores = residual_by_operators()
    x = pictures()
    compare(kind, vanilla_gradients(kind.model, x, 1), plain_gradient(scores, x, each(1, 2)))
    assert grad_cam(kind.model, x, 1).shape == (2, *SHAPE[:2])


def test_a_picture_of_any_size():
    """(None, None, 3): the same model takes several sizes in turn."""
    kind = any_size()
    for shape in [(12, 10, 3), (7, 15, 3), (30, 31, 3)]:
        x = pictures(1, shape)
        compare(
            kind, vanilla_gradients(kind.model, x, 1), plain_gradient(kind.scores, x, each(1, 1))
        )
        expected = plain_grad_cam(kind.maps, kind.head, x, each(1, 1))
        compare(kind, grad_cam(kind.model, x, 1, relu=False), expected)


def test_log_softmax_is_not_taken_for_logits():
    """log p_c also falls with the other scores: it's taken off or refused, never explained."""
    net = linear_model("log_softmax")
    w = net.layers[-1].kernel.numpy()[:, 1].reshape(SHAPE)
    gradient, said = w, ""
    try:
        gradient = vanilla_gradients(net, pictures(1), 1)[0]
    except ValueError as error:
        said = str(error)
    assert not said or "logits" in said
    np.testing.assert_array_equal(gradient, w)


def test_float16_that_overflows_on_bright_pictures_can_be_explained():
    """A model for inputs of 0..1 may give NaN on 0..255: then the check must use other numbers."""
    policy = "mixed_float16"
    first, last, top = conv(dtype=policy), conv(dtype=policy), dense(dtype="float32")
    image = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D(dtype=policy)(last(first(image)))
    net = fill(keras.Model(image, top(x)))
    first.kernel.assign(first.kernel * 1000)
    small = pictures(2) / 100
    assert np.isfinite(net(small)).all()
    assert not np.isfinite(net(60000 * small)).all()
    assert np.isfinite(vanilla_gradients(net, small, 1)).all()


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.top = conv(6), gap(), dense(None)

    def call(self, x):
        return self.top(self.pool(self.conv(x)))


def test_a_subclassed_model_that_returns_logits():
    """We can't look inside: gradients work, and Grad-CAM says why it doesn't."""
    net, x = Subclassed(), pictures()
    net(x)
    fill(net)
    logits = chain(net.conv, pooled(net.top))
    expected = plain_gradient(logits, x, each(1, 2))
    assert_same_map(vanilla_gradients(net, x, 1), expected, 1e-5, "float32")
    assert_same_map(gradient_times_input(net, x, 1), x * expected, 1e-5, "float32")
    change = (logits(tf.constant(x)) - logits(tf.zeros_like(x))).numpy()[:, 1]
    ig = integrated_gradients(net, x, 1, steps=100, batch_size=200)
    # 2 %: there are ReLU kinks along the line; 100 steps miss about 1/100 of an uneven sum.
    np.testing.assert_allclose(ig.sum(axis=(1, 2, 3)), change, atol=0.02 * np.abs(change).max())
    assert_same_map(smoothgrad(net, x, 1, samples=2, noise=0), expected, 1e-5, "float32")
    predicted = logits(tf.constant(x)).numpy().argmax(axis=1)
    np.testing.assert_array_equal(vanilla_gradients(net, x), vanilla_gradients(net, x, predicted))
    for call in (last_conv_layer, lambda model: grad_cam(model, x, 1)):
        with pytest.raises(ValueError, match="subclassed") as error:
            call(net)
        sentence(error)


# Grad-CAM's layer ---------------------------------------------------------------------------------


def test_grad_cam_at_every_layer_of_a_nested_model():
    """By name or as an object: inside the backbone, the backbone itself, and outside it."""
    first, last, outside, top = (
        conv(name="first"),
        conv(name="last"),
        conv(6, name="outside"),
        dense(),
    )
    backbone = keras.Sequential([keras.Input(SHAPE), first, last], name="backbone")
    image = keras.Input(SHAPE)
    net = fill(keras.Model(image, top(gap()(outside(backbone(image))))))
    x, head = pictures(), pooled(top)
    assert last_conv_layer(net) is outside
    for name, layer, maps, rest in [
        ("first", first, first, chain(last, outside, head)),
        ("last", last, chain(first, last), chain(outside, head)),
        ("backbone", backbone, chain(first, last), chain(outside, head)),
        ("outside", outside, chain(first, last, outside), head),
    ]:
        expected = plain_grad_cam(maps, rest, x, each(1, 2))
        for chosen in (name, layer):
            found = grad_cam(net, x, 1, layer=chosen, relu=False)
            assert_same_map(found, expected, 1e-5, "float32")


def two_backbones():
    """Two nested models have layers with the same names."""
    image = keras.Input(SHAPE)
    branches = [
        keras.Sequential([keras.Input(SHAPE), conv(name="same_name")], name=name)
        for name in ("left", "right")
    ]
    x = layers.Concatenate(name="both")([branch(image) for branch in branches])
    return fill(keras.Model(image, dense()(gap()(x))))


def test_two_nested_models_may_have_layers_of_the_same_name():
    """As in two backbones side by side. Keras allows it, and so do the methods."""
    net, x = two_backbones(), pictures()
    branches, top = [net.get_layer("left"), net.get_layer("right")], net.layers[-1]

    def scores(x):
        return pooled(top)(tf.concat([branch(x) for branch in branches], axis=3))

    found = vanilla_gradients(net, x, 1)
    assert_same_map(found, plain_gradient(scores, x, each(1, 2)), 1e-5, "float32")
    assert last_conv_layer(net).name == "both"


def test_a_layer_name_that_two_nested_models_have_is_an_error():
    """The layer as an object says which one you mean."""
    net, x = two_backbones(), pictures()
    with pytest.raises(ValueError, match=r"2 layers .* 'same_name'") as error:
        grad_cam(net, x, layer="same_name")
    sentence(error)
    left, right = (net.get_layer(name).get_layer("same_name") for name in ("left", "right"))
    maps = [grad_cam(net, x, 1, layer=layer, relu=False) for layer in (left, right)]
    for k, layer in enumerate((left, right)):
        kernel = net.layers[-1].kernel.numpy()[5 * k : 5 * k + 5, 1]
        expected = layer(x).numpy() @ kernel / (SHAPE[0] * SHAPE[1])
        assert_same_map(maps[k], expected, 1e-5, "float32")
