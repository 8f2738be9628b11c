"""Unusually built networks: the right map, or one clear sentence.

Each network's map is computed a second time here, with plain layers and a GradientTape.
"""

from __future__ import annotations

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from messages import sentence
from tiny import (
    CLASSES,
    SHAPE,
    assert_same_map,
    conv_model,
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
    integrated_gradients,
    last_conv_layer,
    load_classifier,
    score_model,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.evaluation import deletion_curve, pointing_game, randomize_weights
from course_utils.models import Classifier
from course_utils.network import forget

pytestmark = pytest.mark.slow  # many small networks, each traced anew

ops = keras.ops


def image():
    return keras.Input(SHAPE)


def conv(filters=4, size=3, **options):
    return layers.Conv2D(filters, size, padding="same", **options)


def gap():
    return layers.GlobalAveragePooling2D()


def pooled(dense):
    return lambda A: tf.reduce_mean(A, axis=(1, 2)) @ dense.kernel + dense.bias


def same(found, expected, tolerance=1e-5):
    assert_same_map(found, expected, tolerance, "float32")


# ------------------------------------------------------ the last maps that every path goes through


@pytest.mark.parametrize("swapped", [False, True])
def test_the_maps_are_where_the_branches_meet(swapped):
    i = image()
    branches = [conv(name="c")(i), layers.AveragePooling2D(3, 1, "same", name="p")(i)]
    cat = layers.Concatenate(name="cat")(branches[::-1] if swapped else branches)
    top = layers.Dense(CLASSES, activation="softmax")
    net = fill(keras.Model(i, top(gap()(cat))))
    assert last_conv_layer(net).name == "cat"
    maps = keras.Model(i, cat)
    x = pictures()
    same(grad_cam(net, x, 1, relu=False), plain_grad_cam(maps, pooled(top), x, each(1, 2)))


def test_nothing_is_taken_for_the_whole_that_only_a_part_of_the_score_depends_on():
    """Two towers, pooled separately: no maps are on every path, but you can name a tower's."""
    i = image()
    a, b = gap()(conv(name="a")(i)), gap()(conv(name="b")(i))
    net = fill(keras.Model(i, layers.Dense(CLASSES)(layers.Concatenate()([a, b]))))
    for call in (last_conv_layer, lambda net: grad_cam(net, pictures())):
        with pytest.raises(ValueError, match=r"every path .* Its convolutions, in order: "):
            call(net)
    assert grad_cam(net, pictures(), 1, layer="a").any()


def test_a_backbone_before_two_heads_of_convolutions():
    i = image()
    stem = conv(6, activation="relu", name="stem")(i)
    a, b = gap()(conv(name="a")(stem)), gap()(conv(name="b")(stem))
    net = fill(keras.Model(i, layers.Dense(CLASSES)(layers.Concatenate()([a, b]))))
    assert last_conv_layer(net).name == "stem"


NETWORKS = {
    "VGG16": "block5_conv3",
    "ResNet50": "conv5_block3_out",
    "ResNet50V2": "post_relu",
    "MobileNet": "conv_pw_13_relu",
    "MobileNetV2": "out_relu",
    "MobileNetV3Small": "activation_",
    "DenseNet121": "relu",
    "InceptionV3": "mixed10",
    "Xception": "block14_sepconv2_act",
    "NASNetMobile": "activation_",
    "EfficientNetB0": "top_activation",
    "ConvNeXtTiny": "",
}


@pytest.mark.parametrize("swapped", [False, True])
def test_the_maps_of_several_outputs_are_those_that_all_come_from(swapped):
    i = image()
    shared = conv(name="shared")(i)
    one = layers.Dense(CLASSES)(gap()(conv(name="alone")(shared)))
    two = layers.Dense(CLASSES)(gap()(shared))
    net = keras.Model(i, [two, one] if swapped else [one, two])
    assert last_conv_layer(net).name == "shared"


OFFERED = {"VGG16", "ResNet50", "MobileNetV2"}  # by load_classifier


@pytest.mark.parametrize(
    "name", [n if n in OFFERED else pytest.param(n, marks=pytest.mark.patient) for n in NETWORKS]
)
def test_networks_of_keras_applications(name):
    size = {"NASNetMobile": 224, "InceptionV3": 139, "Xception": 71}.get(name, 64)
    keras.utils.set_random_seed(0)
    build = getattr(keras.applications, name)
    net = build(weights=None, input_shape=(size, size, 3), classes=7)
    layer = last_conv_layer(net)
    assert layer.name.startswith(NETWORKS[name])
    x = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    found = grad_cam(net, x, 1, layer=layer, relu=False)
    np.testing.assert_array_equal(found, grad_cam(net, x, 1, relu=False))
    if name == "NASNetMobile":
        assert layer.output.shape == (None, 7, 7, 1056)  # all the maps, not the 176 from one branch
        A = keras.Model(net.input, layer.output)(x, training=False).numpy()
        same(found, A @ net.layers[-1].kernel.numpy()[:, 1] / 49, 1e-4)


def test_a_scale_with_four_axes_is_no_convolution():
    class Scale(keras.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(1, 1, 1, shape[-1]), initializer="ones")

        def call(self, x):
            return x * self.scale

    i = image()
    y = layers.MaxPooling2D()(layers.Conv2D(4, 3, name="conv")(i))
    y = layers.GlobalAveragePooling2D()(Scale(name="scale")(y))
    assert last_conv_layer(keras.Model(i, layers.Dense(2)(y))).name == "conv"


def test_attention_over_places_explains_the_weighted_maps():
    """Conv 1x1 and a softmax over the positions: its own logits would get weights that sum to 0."""
    i = image()
    features = conv(5, activation="relu", name="features")(i)
    logits = conv(1, name="attention")(features)
    flat = layers.Reshape((-1, 1))(logits)
    weights = layers.Reshape((*SHAPE[:2], 1))(layers.Softmax(axis=1)(flat))
    product = layers.Multiply(name="weighted")([features, weights])
    top = layers.Dense(CLASSES)
    net = fill(keras.Model(i, top(ops.sum(product, axis=(1, 2)))))
    assert last_conv_layer(net).name == "weighted"
    x = pictures()
    A = keras.Model(i, product)(x).numpy()
    same(grad_cam(net, x, 1, relu=False), A @ top.kernel.numpy()[:, 1])


class ClassToken(keras.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x):
        return ops.concatenate([ops.repeat(self.token, ops.shape(x)[0], axis=0), x], axis=1)


def transformer(class_token: bool, shape=(16, 12, 3)):
    """A vision transformer with patches of 4 x 4: 4 x 3 tokens, not a square."""
    i = keras.Input(shape)
    y = layers.Conv2D(8, 4, strides=4, name="patches")(i)
    y = layers.Reshape((12, 8), name="tokens")(y)
    y = ClassToken(name="class_token")(y) if class_token else y
    for k in range(2):
        attended = layers.MultiHeadAttention(2, 4, name=f"attention_{k}")(y, y)
        y = layers.Add(name=f"add_{k}")([y, attended])
        y = layers.Dense(8, activation="gelu", name=f"mlp_{k}")(y)
    y = y[:, 0] if class_token else layers.GlobalAveragePooling1D()(y)
    return fill(keras.Model(i, layers.Dense(CLASSES, name="head")(y)))


@pytest.mark.parametrize("class_token", [False, True])
def test_a_vision_transformer_asks_for_a_layer_and_shows_its_tokens(class_token):
    net, x = transformer(class_token), pictures(2, (16, 12, 3))
    for call in (last_conv_layer, lambda net: grad_cam(net, x)):
        with pytest.raises(ValueError, match=r"tokens.*layer='") as error:
            call(net)
        sentence(error)
    found = grad_cam(net, x, 1, layer="mlp_0", relu=False)
    tokens = keras.Model(net.input, net.get_layer("mlp_0").output)
    rest = keras.Model(net.get_layer("mlp_0").output, net.output)
    T = tokens(x)
    with tf.GradientTape() as tape:
        tape.watch(T)
        score = rest(T)[:, 1]
    skip = int(class_token)
    g = tape.gradient(score, T).numpy()[:, skip:].reshape(2, 4, 3, 8)
    A = T.numpy()[:, skip:].reshape(2, 4, 3, 8)
    same(found, (A * g.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))


def test_tokens_that_are_on_no_grid_are_refused():
    i = image()
    y = layers.Reshape((-1, 4))(conv(name="c")(i))[:, :7]
    net = fill(
        keras.Model(
            i, layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Dense(3, name="t")(y)))
        )
    )
    with pytest.raises(ValueError, match="without height and width"):
        grad_cam(net, pictures(), 1, layer="t")


# --------------------------------------------------------------------------- naming what is shown


def test_an_operation_is_taken_as_it_is_handed_back():
    """a + b is an operation, not a layer; in ConvNeXt, for example."""
    i = image()
    a = conv(name="a")(i)
    net = fill(keras.Model(i, layers.Dense(CLASSES)(gap()(a + conv(name="b")(a)))))
    layer = last_conv_layer(net)
    assert not isinstance(layer, keras.Layer)
    x = pictures()
    np.testing.assert_array_equal(grad_cam(net, x, 1, layer=layer), grad_cam(net, x, 1))


def test_a_layer_that_is_called_twice():
    shared, top = conv(3, name="shared"), layers.Dense(CLASSES)
    i = image()
    one, two = shared(i), shared(i * 2)
    side_by_side = fill(keras.Model(i, top(gap()(layers.Concatenate()([one, two])))))
    x = pictures()
    with pytest.raises(ValueError, match=r"'shared:0'.*'shared:1'") as error:
        grad_cam(side_by_side, x, 1, layer="shared")
    sentence(error)
    for k in (0, 1):
        kernel = top.kernel.numpy()[3 * k : 3 * k + 3, 1]
        expected = shared(x * (k + 1)).numpy() @ kernel / np.prod(SHAPE[:2])
        same(grad_cam(side_by_side, x, 1, layer=f"shared:{k}", relu=False), expected)
    with pytest.raises(ValueError, match="2 outputs, 0 to 1"):
        grad_cam(side_by_side, x, 1, layer="shared:2")


def test_nested_backbones_with_two_inputs_or_outputs():
    a, mask = image(), keras.Input((*SHAPE[:2], 1))
    p4 = conv(5, activation="relu", name="p4")(a * mask)
    p5 = conv(6, activation="relu", name="p5")(p4)
    pyramid = keras.Model([a, mask], {"four": p4, "five": p5}, name="pyramid")
    i, top = image(), layers.Dense(CLASSES)
    out = pyramid([i, ops.ones_like(i[..., :1])])
    net = fill(keras.Model(i, top(gap()(out["five"]))))
    assert last_conv_layer(net).name == "p5"
    x = pictures()
    p4_layer, p5_layer = pyramid.get_layer("p4"), pyramid.get_layer("p5")
    expected = plain_grad_cam(p4_layer, lambda A: pooled(top)(p5_layer(A)), x, each(1, 2))
    same(grad_cam(net, x, 1, layer="p4", relu=False), expected)


# --------------------------------------------------------------- the model as it is, not as it was


def logits_gradient(net, x, c=1):
    return plain_gradient(lambda x: net(x, training=False), x, each(c, len(x)))


def changing(change):
    """A model with one layer in front that `change` changes."""
    front = {
        "slope": layers.LeakyReLU(negative_slope=0.3),
        "scale": layers.Rescaling(2.0),
        "epsilon": layers.BatchNormalization(),
        "dilation": layers.Conv2D(3, 3, padding="same"),
        "adapt": layers.Normalization(),
        "weights": layers.Normalization(),
    }[change]
    i = image()
    net = fill(keras.Model(i, layers.Dense(CLASSES)(gap()(conv(activation="tanh")(front(i))))))
    return net, front


@pytest.mark.parametrize("change", ["slope", "scale", "epsilon", "dilation", "adapt", "weights"])
def test_a_changed_model_is_explained_as_it_is_now(change, tmp_path):
    net, front = changing(change)
    x = pictures()
    if change == "weights":
        front.adapt(5 * pictures(8) + 3)
        net.save_weights(tmp_path / "model.weights.h5")
        front.adapt(pictures(8))
    before = [vanilla_gradients(net, x, 1), grad_cam(net, x, 1, relu=False)]
    if change == "slope":
        front.negative_slope = 0.9
    elif change == "scale":
        front.scale = 0.1
    elif change == "epsilon":
        front.epsilon = 4.0
    elif change == "dilation":
        front.dilation_rate = (2, 2)
    elif change == "adapt":
        front.adapt(7 * pictures(8))
    else:
        net.load_weights(tmp_path / "model.weights.h5")
    after = [vanilla_gradients(net, x, 1), grad_cam(net, x, 1, relu=False)]
    assert all(
        np.abs(a - b).max() > 0.01 * np.abs(b).max() for a, b in zip(after, before, strict=True)
    )
    same(after[0], logits_gradient(net, x))
    forget(net)
    np.testing.assert_array_equal(after[1], grad_cam(net, x, 1, relu=False))


def test_compile_alone_is_reason_enough_to_look_again():
    """Nobody notices a changed number in a custom function before `compile` (or `forget`)."""
    factor = {"is": 1.0}
    i = image()
    y = layers.Lambda(lambda x: x * factor["is"])(i)
    net = fill(keras.Model(i, layers.Dense(CLASSES)(layers.Flatten()(y))))
    x = pictures()
    before = vanilla_gradients(net, x, 1)
    for again in (net.compile, net.compile, lambda: forget(net), forget):
        factor["is"] *= 2
        again()
        same(vanilla_gradients(net, x, 1), before * factor["is"])


# ---------------------------------------------------------------------------- a custom `call`


def body(i):
    return gap()(layers.Conv2D(4, 3, activation="tanh")(i))


class Upside(keras.Model):
    """Built as a functional model, but its call() computes something else."""

    def call(self, x, training=None, mask=None):
        return super().call(1 - x)


class Subclassed(keras.Model):
    def __init__(self, head):
        super().__init__()
        self.conv, self.head = layers.Conv2D(4, 3, activation="tanh"), head

    def call(self, x):
        return self.head(tf.reduce_mean(self.conv(x), axis=(1, 2)))


@pytest.mark.parametrize("nested", [False, True])
def test_a_call_of_ones_own_is_respected(nested):
    i = image()
    net = fill(Upside(i, layers.Dense(3)(body(i))))
    if nested:
        i = image()
        net = keras.Model(i, layers.Dense(2)(net(i)))
    x = pictures()
    expected = logits_gradient(net, x)
    np.testing.assert_allclose(vanilla_gradients(net, x, 1), expected, atol=1e-6)  # float32


def test_a_subclassed_model_with_one_logit_has_two_classes():
    net = Subclassed(layers.Dense(1))
    x = pictures()
    z = net(x).numpy()
    g = plain_gradient(net, x, each(1, len(x)))
    np.testing.assert_allclose(vanilla_gradients(net, x, 1), g, atol=1e-6)
    np.testing.assert_allclose(vanilla_gradients(net, x, 0), -g, atol=1e-6)
    signs = np.where(z > 0, 1, -1)[:, :, None, None]
    np.testing.assert_allclose(vanilla_gradients(net, x), signs * g, atol=1e-6)


@pytest.mark.parametrize(
    "head",
    [
        layers.Dense(3, activation="softmax"),
        layers.Dense(1, activation="sigmoid"),
        layers.Dense(3, activation="sigmoid"),
    ],
)
def test_a_subclassed_model_that_returns_probabilities_is_refused(head):
    net = Subclassed(head)
    net(pictures())
    with pytest.raises(ValueError, match="returns probabilities"):
        vanilla_gradients(net, pictures(), 0)


def test_a_subclassed_model_without_class_scores_is_refused():
    net = Subclassed(lambda y: {"a": y, "b": y})
    net(pictures())
    with pytest.raises(ValueError, match="expected one score per class"):
        vanilla_gradients(net, pictures(), 0)


# ------------------------------------------------------------------------- logits or probabilities


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_reshape_behind_the_head_changes_nothing(activation):
    i = image()
    logits = layers.Dense(3)
    plain = fill(keras.Model(i, logits(body(i))))
    y = layers.Reshape((3,))(layers.Activation(activation)(plain.output))
    net = keras.Model(plain.input, y)
    expected = plain_gradient(plain, pictures(), np.full(len(pictures()), 2))
    np.testing.assert_allclose(vanilla_gradients(net, pictures(), 2), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_small_logits_are_not_taken_for_probabilities(seed, activation):
    """A new network's logits often happen to lie between 0 and 1."""
    keras.utils.set_random_seed(seed)
    i = image()
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation=activation)(i))
    net = keras.Model(i, layers.Dense(1)(y) / 100)
    vanilla_gradients(net, pictures(1), 0)
    subclassed = Subclassed(layers.Dense(1))
    subclassed(pictures(1))
    vanilla_gradients(subclassed, pictures(1), 0)


def test_a_head_that_is_still_zero_is_allowed():
    i = image()
    head = layers.Dense(3, kernel_initializer="zeros")
    assert not vanilla_gradients(keras.Model(i, head(body(i))), pictures(), 0).any()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("units", [1, 2])
def test_bounded_features_do_not_make_probabilities(seed, units):
    keras.utils.set_random_seed(seed)
    parts = [layers.GroupNormalization(1), layers.Conv2D(8, 3, activation="sigmoid"), gap()]
    net = keras.Sequential([keras.Input((32, 32, 3)), *parts, layers.Dense(units)])
    x = np.random.default_rng(0).uniform(size=(2, 32, 32, 3)).astype(np.float32)
    same(vanilla_gradients(net, x, units - 1), logits_gradient(net, x, units - 1), 1e-4)


class OwnDense(layers.Dense):
    """A Dense without a config to rebuild it from."""

    def get_config(self):
        raise NotImplementedError


HEADS = {
    "lora": lambda: layers.Dense(CLASSES, activation="softmax"),
    "own class": lambda: OwnDense(CLASSES, activation="softmax"),
    "int8": lambda: layers.Dense(CLASSES, activation="softmax"),
    "int4": lambda: layers.Dense(CLASSES, activation="softmax"),
    "float8": lambda: layers.Dense(CLASSES, activation="softmax"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_softmax_comes_off_whatever_its_dense_has_become(kind):
    head, body = HEADS[kind](), conv(6, activation="tanh")
    i = image()
    net = fill(keras.Model(i, head(gap()(body(i)))))
    x = pictures()
    before = vanilla_gradients(net, x, 1)
    if kind == "lora":
        head.enable_lora(2)
        for k, variable in enumerate(head.trainable_variables):
            variable.assign(np.random.default_rng(k).normal(size=variable.shape))
    elif kind in ("int8", "int4", "float8"):
        try:
            head.quantize(kind)
        except ValueError:
            pytest.skip(f"this Keras has no {kind}")
    found, said = None, ""
    try:
        found = vanilla_gradients(net, x, 1)
    except ValueError as error:
        said = str(error)
    if said:
        assert kind in ("int8", "int4", "float8")
        assert len(said) < 500
        return
    # d log p_c = d S_c - sum_k p_k d S_k: an independent check, through the softmax itself.
    log_p_of = tf.function(lambda x: tf.math.log(net(x, training=False)))  # float8 insists on it
    log_p = plain_gradient(log_p_of, x, each(1, 2))
    p = net(x, training=False).numpy()
    every = sum(p[:, k, None, None, None] * vanilla_gradients(net, x, k) for k in range(CLASSES))
    tolerance = 1e-4 if kind in ("lora", "own class") else 0.1  # 8 and 4 bits round coarsely
    same(found - every, log_p, tolerance)
    if kind == "lora":
        assert np.abs(found - before).max() > 0.1 * np.abs(before).max()


def test_a_softmax_behind_a_reshape_with_a_fixed_batch():
    i = keras.Input(SHAPE, batch_size=1)
    head = layers.Dense(CLASSES, activation="softmax")
    net = fill(keras.Model(i, ops.reshape(head(gap()(conv(activation="tanh")(i))), (1, CLASSES))))
    x = pictures(1)
    logits = lambda x: pooled(head)(net.layers[1](x))  # noqa: E731
    same(vanilla_gradients(net, x, 1), plain_gradient(logits, x, each(1, 1)))


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (lambda p: ops.clip(p, 1e-7, 1 - 1e-7), "'clip"),
        (lambda p: layers.Softmax(name="again")(p), "'again' on top of the probabilities"),
        (lambda p: layers.Activation("softmax", name="again")(p), "'again' on top"),
        (lambda p: p * 0.5 + 0.125, "returns probabilities"),
    ],
)
def test_what_follows_a_softmax_is_named(end, says):
    i = image()
    p = layers.Dense(CLASSES, activation="softmax", name="head")(gap()(conv()(i)))
    net = fill(keras.Model(i, end(p)))
    with pytest.raises(ValueError, match=says) as error:
        vanilla_gradients(net, pictures(), 1)
    sentence(error)


# --------------------------------------------------------------------------- a target of your own


def two_heads():
    i = image()
    features = gap()(conv(6, activation="tanh")(i))
    a = layers.Dense(CLASSES, activation="softmax", name="a")(features)
    b = layers.Dense(1, name="b")(features)
    return fill(keras.Model(i, [a, b]))


def test_a_difference_of_scores():
    net, x = conv_model("tanh"), pictures()
    target = lambda s: s[:, 1] - 2 * s[:, 3]  # noqa: E731
    for method in (
        vanilla_gradients,
        lambda *a: grad_cam(*a, relu=False),
        integrated_gradients,
        smoothgrad,
    ):
        expected = method(net, x, 1) - 2 * method(net, x, 3)
        same(method(net, x, target), expected, 1e-4)


def test_a_target_that_is_not_linear_is_differentiated_where_it_is():
    net, x = conv_model("tanh"), pictures()
    logits = score_model(net)
    with tf.GradientTape() as tape:
        y = tf.constant(x)
        tape.watch(y)
        p = tf.nn.softmax(logits(y))[:, 2]
    same(vanilla_gradients(net, x, lambda s: tf.nn.softmax(s)[:, 2]), tape.gradient(p, y).numpy())
    found = smoothgrad(net, x, lambda s: s[:, 0] ** 2, samples=4, noise=0.3, batch_size=3)

    def squared(model, inputs, _):
        return (
            2 * logits(inputs).numpy()[:, 0, None, None, None] * vanilla_gradients(net, inputs, 0)
        )

    same(found, smoothgrad(net, x, 0, samples=4, noise=0.3, method=squared), 1e-4)


def test_a_single_logit_gives_two_columns_and_several_outputs_a_list():
    i = image()
    net = fill(keras.Model(i, layers.Dense(1)(gap()(conv()(i)))))
    x = pictures()
    same(vanilla_gradients(net, x, lambda s: s[:, 1]), vanilla_gradients(net, x, 1))
    same(vanilla_gradients(net, x, lambda s: s[:, 1] - s[:, 0]), 2 * vanilla_gradients(net, x, 1))
    heads = two_heads()
    with pytest.raises(ValueError, match=r"2 outputs; .*function of the list") as error:
        vanilla_gradients(heads, x, 1)
    sentence(error)
    one = keras.Model(heads.input, heads.get_layer("a").output)
    same(vanilla_gradients(heads, x, lambda s: s[0][:, 2]), vanilla_gradients(one, x, 2))
    other = plain_gradient(lambda x: heads(x)[1], x, each(1, 2))
    same(vanilla_gradients(heads, x, lambda s: s[1][:, 0]), other)
    assert grad_cam(heads, x, lambda s: s[1][:, 0], relu=False).any()
    with pytest.raises(ValueError, match="2 outputs"):
        score_model(heads)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (lambda s: s, "one number per picture"),
        (lambda s: tf.reduce_sum(s), "one number per picture"),
        (lambda s: s.numpy()[:, 1], "one number per picture"),
        (lambda s: tf.cast(tf.argmax(s, axis=1), tf.float32), "can be differentiated"),
        (lambda s: s[:, 1] * 0 + 3 if False else tf.ones(len(s)), "can be differentiated"),
        (lambda s: None, "one number per picture"),
    ],
)
def test_a_target_that_is_none_gets_one_sentence(target, says):
    with pytest.raises(ValueError, match=says) as error:
        vanilla_gradients(conv_model(), pictures(), target)
    sentence(error)


def test_a_target_of_a_subclassed_model():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(tf.reshape(x, (len(x), -1)))

    net, x = Own(), pictures()
    net(x)
    found = vanilla_gradients(net, x, lambda s: s[:, 0] - s[:, 2])
    same(found, vanilla_gradients(net, x, 0) - vanilla_gradients(net, x, 2))


# ------------------------------------------------------------------------------ clear sentences


def test_channels_first_is_refused():
    i = keras.Input((3, 12, 10))
    y = layers.Conv2D(4, 3, data_format="channels_first")(i)
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(y)
    with pytest.raises(ValueError, match="channels first"):
        grad_cam(keras.Model(i, layers.Dense(2)(y)), np.zeros((1, 3, 12, 10)), 0)


def test_weights_that_are_nan_are_said():
    i = image()
    net = keras.Model(i, layers.Dense(3)(body(i)))
    vanilla_gradients(net, pictures(), 1)
    grad_cam(net, pictures(), 1)
    net.layers[1].set_weights([np.full_like(w, np.nan) for w in net.layers[1].get_weights()])
    for method in (vanilla_gradients, grad_cam, smoothgrad):
        with pytest.raises(ValueError, match="NaN or infinity"):
            method(net, pictures(), 1)


class Rounds(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        x = tf.cast(tf.cast(x, tf.int32), tf.float32)
        return self.dense(tf.reduce_mean(x, axis=(1, 2)))


class Fails(keras.Model):
    def call(self, x):
        return tf.matmul(x, tf.zeros((7, 2)))


@pytest.mark.parametrize("subclassed", [False, True])
def test_a_network_that_rounds_its_input_has_no_gradient(subclassed):
    net = Rounds()
    net(pictures())
    if not subclassed:
        i = image()
        y = ops.cast(ops.cast(i, "int32"), "float32")
        net = keras.Model(i, layers.Dense(2)(body(y)))
    with pytest.raises(ValueError, match="differentiated") as error:
        vanilla_gradients(net, pictures(), 1)
    sentence(error)


def test_an_error_inside_a_model_is_one_sentence():
    net = Fails()
    net.built = True
    with pytest.raises(ValueError, match="stopped") as error:
        vanilla_gradients(net, pictures(), 1)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def test_inside_a_tf_function_the_methods_say_so():
    net = linear_model()

    @tf.function
    def inside(x):
        return vanilla_gradients(net, x, 1)

    with pytest.raises(TypeError, match=r"can't be called inside a tf\.function"):
        inside(pictures())


def test_a_preprocessing_that_drops_the_batch_axis_is_named():
    good = load_classifier()
    bad = Classifier(
        "mine", (12, 10), good.labels[:CLASSES], conv_model(), lambda p: p[0] / 255.0, None
    )
    with pytest.raises(ValueError, match="preprocessing of 'mine'") as error:
        bad.predict(np.zeros((12, 10, 3), np.uint8))
    sentence(error)


# ---------------------------------------------------------------------------------- strategies

STRATEGY = """
import numpy as np
import keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from course_utils import grad_cam, vanilla_gradients
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    image = keras.Input((8, 8, 3))
    y = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
    net = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(y)))
x = np.random.default_rng(0).normal(size=(7, 8, 8, 3)).astype(np.float32)
net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
net.fit(np.tile(x, (2, 1, 1, 1)), np.arange(14) % 3, batch_size=14, verbose=0)

def maps():
    return [method(net, x[:n], 1) for method in (vanilla_gradients, grad_cam) for n in (7, 5, 1)]

def expected():
    y = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(y)
        s = net(y, training=False)[:, 1]
    return tape.gradient(s, y)

first = maps()
np.testing.assert_allclose(first[0], expected(), atol=1e-6)
with strategy.scope():
    inside = maps()
again = maps()
for a, b, c in zip(first, inside, again):
    # Inside, each device reads the statistics of its own replica, as Keras' predict does.
    np.testing.assert_allclose(b, a, atol=0.01 * abs(a).max())
    np.testing.assert_array_equal(c, a)
"""


def test_in_and_outside_of_a_strategy_the_maps_are_the_same():
    done = subprocess.run([sys.executable, "-c", STRATEGY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "retracing" not in done.stderr


# ------------------------------------------------------------------- scores that a map is given


def test_a_curve_has_a_value_per_step_also_with_more_steps_than_pixels():
    net = fill(
        keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3, "softmax")])
    )
    curve = deletion_curve(net, pictures(1, (8, 8, 3)), np.ones((8, 8)), 1, steps=100)
    assert len(curve.fractions) == len(curve.probabilities) == 101
    black = net(np.zeros((1, 8, 8, 3)))[0, 1]
    np.testing.assert_allclose(curve.probabilities[-1], black, atol=1e-6)


def test_the_probability_of_a_label_is_the_models_own():
    """Several sigmoids: not a softmax over the labels."""
    i = image()
    net = fill(keras.Model(i, layers.Dense(3, "sigmoid")(gap()(conv(activation="tanh")(i)))))
    x = pictures(1)
    curve = deletion_curve(net, x, np.ones(SHAPE[:2]), 2, steps=4)
    np.testing.assert_allclose(curve.probabilities[0], net(x)[0, 2], atol=1e-6)


def test_several_small_maps_are_not_one():
    with pytest.raises(ValueError, match="may be 3 maps"):
        pointing_game(np.ones((3, 3, 3)), np.eye(24))


def test_shuffling_keeps_an_adapted_normalization_and_moves_quantised_kernels():
    front, head = layers.Normalization(name="front"), layers.Dense(CLASSES, name="head")
    front.adapt(5 * pictures(8) + 3)
    i = image()
    net = fill(keras.Model(i, head(gap()(conv(name="conv")(front(i))))))
    front.adapt(5 * pictures(8) + 3)
    copy = randomize_weights(net, "head")
    features = lambda net: keras.Model(net.input, net.layers[-2].output)(pictures())  # noqa: E731
    np.testing.assert_array_equal(features(copy), features(net))
    head.quantize("int8")
    moved = randomize_weights(net, "head").get_layer("head")
    kernels = [np.asarray(w) for w in moved.weights if w.dtype == "int8"]
    before = [np.asarray(w) for w in head.weights if w.dtype == "int8"]
    assert kernels
    assert not np.array_equal(kernels[0], before[0])
    assert np.array_equal(np.sort(kernels[0], axis=None), np.sort(before[0], axis=None))


def test_a_convolution_that_two_nested_models_share_can_be_shuffled():
    i, shared = image(), conv(3, name="shared")
    a = keras.Sequential([keras.Input(SHAPE), shared], name="a")
    b = keras.Sequential([keras.Input(SHAPE), shared, layers.ReLU()], name="b")
    net = fill(keras.Model(i, layers.Dense(2)(gap()(layers.Concatenate()([a(i), b(i)])))))
    copy = randomize_weights(net, "shared")
    assert len(copy.weights) == len(net.weights)
    kernel = copy.get_layer("a").get_layer("shared").kernel
    assert copy.get_layer("b").get_layer("shared").kernel is kernel
    assert not np.array_equal(kernel, shared.kernel)


def test_tf32_is_off_whoever_started_tensorflow():
    code = (
        "import tensorflow as tf\n"
        "assert tf.config.experimental.tensor_float_32_execution_enabled()\n"
        "from course_utils import grad_cam\n"
        "assert not tf.config.experimental.tensor_float_32_execution_enabled()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# ------------------------------------------------- found by somebody who had not seen the solution


def in_a_layer(inner):
    class Own(keras.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.inner = type(inner)()

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return self.inner(x)

    return Own()


def test_an_adapted_layer_inside_another_is_noticed_and_kept():
    outer = in_a_layer(layers.Normalization())
    i = image()
    net = fill(keras.Model(i, layers.Dense(3, name="top")(gap()(conv()(outer(i))))))
    x = pictures()
    vanilla_gradients(net, x, 1)
    outer.inner.adapt(7 * pictures(8))
    same(vanilla_gradients(net, x, 1), logits_gradient(net, x))
    before = keras.Model(net.input, net.layers[1].output)(x).numpy()
    copy = randomize_weights(net, "top")
    np.testing.assert_array_equal(keras.Model(copy.input, copy.layers[1].output)(x), before)


def test_a_nested_sequential_with_another_activation_is_noticed():
    nested = keras.Sequential([keras.Input(SHAPE), conv(), layers.Activation("relu")])
    i = image()
    net = fill(keras.Model(i, layers.Dense(3)(gap()(nested(i)))))
    x = pictures()
    vanilla_gradients(net, x, 1)
    nested.pop()
    nested.add(layers.Activation("tanh"))
    same(vanilla_gradients(net, x, 1), logits_gradient(net, x))


D = layers.Dense
DISGUISES = {
    "softmax in a lambda": lambda h, A: layers.Lambda(tf.nn.softmax)(D(3)(h)),
    "sigmoid in a lambda": lambda h, A: layers.Lambda(tf.sigmoid)(D(1)(h)),
    "hard sigmoid": lambda h, A: layers.Activation("hard_sigmoid")(D(3)(h)),
    "1 - sigmoid": lambda h, A: 1 - ops.sigmoid(D(1)(h)),
    "ensemble": lambda h, A: layers.Average()([D(3, "sigmoid")(h), D(3, "sigmoid")(h)]),
    "groups": lambda h, A: layers.Concatenate()([D(3, "softmax")(h), D(2, "softmax")(h)]),
    "objectness": lambda h, A: layers.Multiply()([D(1, "sigmoid")(h), D(3, "softmax")(h)]),
    "wrapper": lambda h, A: layers.SpectralNormalization(D(3, "sigmoid"))(h),
    "pipeline": lambda h, A: layers.Pipeline([D(3), layers.Activation("sigmoid")])(h),
    "per place": lambda h, A: layers.GlobalMaxPooling2D()(conv(3, 1, activation="sigmoid")(A)),
    "per cent": lambda h, A: D(3, "softmax")(h) * 100,
    "rescaled": lambda h, A: layers.Rescaling(100)(D(3, "sigmoid")(h)),
    "noisy or": lambda h, A: 1 - ops.prod(1 - conv(3, 1, activation="sigmoid")(A), axis=(1, 2)),
    "overflows": lambda h, A: layers.Lambda(lambda z: ops.exp(z) / (1 + ops.exp(z)))(D(3)(h)),
    "pairs": lambda h, A: ops.softmax(layers.Reshape((3, 2))(D(6)(h)))[:, :, 1],
    "again": lambda h, A: layers.Softmax()(layers.Dropout(0.2)(D(3, "softmax")(h))),
    "log": lambda h, A: ops.log(D(3, "sigmoid")(h)),
}


@pytest.mark.parametrize("name", DISGUISES)
def test_probabilities_in_any_disguise_are_refused(name):
    i = image()
    A = conv(4, activation="relu")(i)
    net = fill(keras.Model(i, DISGUISES[name](gap()(A), A)))
    with pytest.raises(ValueError, match=r"returns probabilities|on top of") as error:
        vanilla_gradients(net, pictures(), 1)
    sentence(error)


def own_gate():
    """A layer whose `activation` isn't its last step: it gates, and logits come out."""

    class Gate(layers.Dense):
        def call(self, x):
            return (x @ self.kernel) * self.activation(x @ self.kernel) * 50

    return Gate(3, activation="sigmoid")


def own_head():
    class Head(layers.Dense):
        def call(self, x):
            return self.activation(x @ self.kernel + self.bias)

    return Head(3, activation="softmax")


SCORES = {
    "gate": lambda h, A: own_gate()(h),
    "temperature": lambda h, A: D(3)(h) / 2.5,
    "attention over places": lambda h, A: ops.sum(
        layers.Reshape((-1, 3))(conv(3, 1)(A))
        * layers.Softmax(axis=1)(layers.Reshape((-1, 1))(conv(1, 1)(A))),
        axis=1,
    ),
    "batch norm": lambda h, A: layers.BatchNormalization()(D(3)(h)),
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_not_taken_for_probabilities(name):
    i = image()
    A = conv(4, activation="tanh")(i)
    net = fill(keras.Model(i, SCORES[name](gap()(A), A)))
    same(vanilla_gradients(net, pictures(), 1), logits_gradient(net, pictures()), 1e-4)


def test_a_softmax_in_a_head_of_ones_own_comes_off():
    i = image()
    head = own_head()
    net = fill(keras.Model(i, head(gap()(conv(4, activation="tanh")(i)))))
    logits = chain_of(net.layers[1:3], head)
    same(vanilla_gradients(net, pictures(), 1), plain_gradient(logits, pictures(), each(1, 2)))


def chain_of(body, head):
    def logits(x):
        for layer in body:
            x = layer(x)
        return x @ head.kernel + head.bias

    return logits


def tokens_behind(extra, last, shape=(16, 16, 3)):
    """A transformer with `extra` tokens before or after the picture's 4 x 4."""
    i = keras.Input(shape)
    y = layers.Reshape((16, 8))(layers.Conv2D(8, 4, 4, name="patches")(i))
    more = ops.zeros_like(y[:, :extra]) + 0.3
    y = layers.Concatenate(axis=1, name="all")([y, more] if last else [more, y])
    y = layers.Add(name="block")([y, layers.MultiHeadAttention(2, 4)(y, y)])
    y = layers.Dense(8, name="mlp")(layers.MultiHeadAttention(2, 4)(y, y))
    return fill(keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling1D()(y))))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("extra", [1, 2, 9])
def test_tokens_are_found_wherever_the_others_are(extra, last):
    net, x = tokens_behind(extra, last), pictures(2, (16, 16, 3))
    T = keras.Model(net.input, net.get_layer("block").output)(x)
    rest = keras.Model(net.get_layer("block").output, net.output)
    with tf.GradientTape() as tape:
        tape.watch(T)
        score = rest(T)[:, 1]
    part = slice(0, 16) if last else slice(extra, extra + 16)
    g = tape.gradient(score, T).numpy()[:, part].reshape(2, 4, 4, 8)
    A = T.numpy()[:, part].reshape(2, 4, 4, 8)
    found = grad_cam(net, x, 1, layer="block", relu=False)
    same(found, (A * g.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))


def test_channels_in_the_place_of_rows_are_no_map():
    """As many channels as rows, and a Permute, as in networks from PyTorch before Flatten."""
    i = keras.Input((16, 16, 3))
    c = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="c")(i)
    y = layers.Flatten()(layers.Permute((3, 1, 2), name="moved")(c))
    net = fill(keras.Model(i, layers.Dense(3)(y)))
    assert last_conv_layer(net).name == "c"
    with pytest.raises(ValueError, match="without height and width"):
        grad_cam(net, pictures(2, (16, 16, 3)), 1, layer="moved")


@pytest.mark.parametrize("kind", ["attention", "conv1d"])
def test_a_mixer_of_tokens_is_not_explained_by_its_patches(kind):
    i = keras.Input((16, 16, 3))
    t = layers.Reshape((16, 8))(layers.Conv2D(8, 4, 4, name="patch")(i))
    if kind == "attention":
        t = layers.Add()([t, layers.Attention()([t, t])])
    else:
        t = layers.Conv1D(8, 3, padding="same")(t)
    net = fill(keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling1D()(t))))
    with pytest.raises(ValueError, match="tokens") as error:
        last_conv_layer(net)
    sentence(error)


def test_the_layer_that_is_handed_back_shows_what_is_shown_without_it():
    """Even if the layer is called again later, on one branch."""
    act = layers.ReLU(name="act")
    i = image()
    a = act(conv(name="one")(i))
    b = act(conv(name="two")(a))
    net = fill(keras.Model(i, layers.Dense(3)(layers.Concatenate()([gap()(a), gap()(b)]))))
    x = pictures()
    expected = grad_cam(net, x, 1, relu=False)
    same(grad_cam(net, x, 1, layer=last_conv_layer(net), relu=False), expected)
    assert np.abs(grad_cam(net, x, 1, layer="act:1", relu=False) - expected).max() > 0


def test_seeds_of_numpy_and_wrapped_methods_are_fine():
    net, x = conv_model(), pictures(1)
    expected = smoothgrad(net, x, 1, samples=3, seed=3)
    for seed in (np.int64(3), np.uint64(3), np.int8(3)):
        np.testing.assert_array_equal(smoothgrad(net, x, 1, samples=3, seed=seed), expected)

    @functools.wraps(vanilla_gradients)
    def wrapped(model, inputs, class_index=None):
        assert isinstance(inputs, np.ndarray)
        return vanilla_gradients(model, inputs, class_index)

    same(smoothgrad(net, x, 1, samples=3, seed=3, method=wrapped), expected)


def test_an_error_while_a_network_runs_is_one_sentence():
    i = keras.Input((None, None, 3))
    c = conv()(i)
    up = layers.UpSampling2D(2)(layers.AveragePooling2D(2)(c))
    net = fill(keras.Model(i, layers.Dense(2)(gap()(layers.Add()([c, up])))))
    assert vanilla_gradients(net, pictures(1, (16, 16, 3)), 1).any()
    with pytest.raises(ValueError, match="stopped") as error:
        vanilla_gradients(net, pictures(1, (15, 15, 3)), 1)
    assert "\n" not in str(error.value)


def test_a_target_that_fails_is_one_sentence():
    for target in (lambda s: s[:, 500], lambda s: s.nothing, lambda s: 1 / 0):
        with pytest.raises((ValueError, TypeError), match="given as class_index stopped") as error:
            vanilla_gradients(conv_model(), pictures(), target)
        assert "\n" not in str(error.value)


def test_a_sigmoid_inside_a_compiled_function_of_a_subclassed_model_is_seen():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        @tf.function
        def head(self, x):
            return tf.sigmoid(self.dense(x))

        def call(self, x):
            return self.head(tf.reshape(x, (tf.shape(x)[0], 360)))

    net, x = Own(), pictures()
    net(x)
    with pytest.raises(ValueError, match="returns probabilities"):
        vanilla_gradients(net, x)


def test_the_advice_for_a_model_with_two_inputs_works():
    picture, other = keras.Input(SHAPE), keras.Input((5,))
    features = layers.Concatenate()([gap()(conv()(picture)), other])
    both = fill(keras.Model([picture, other], layers.Dense(3)(features)))
    with pytest.raises(ValueError, match=r"keras.Model\(picture, model\(\[picture, other\]\)\)"):
        vanilla_gradients(both, pictures())
    picture = keras.Input(SHAPE)
    zeros = layers.Lambda(lambda x: tf.zeros((tf.shape(x)[0], 5)))(picture)
    net = keras.Model(picture, both([picture, zeros]))
    same(vanilla_gradients(net, pictures(), 1), logits_gradient(net, pictures()))


def test_a_subclassed_model_that_was_changed_as_advised_is_explained():
    class Own(keras.Model):
        logits = False

        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            z = self.dense(tf.reshape(x, (tf.shape(x)[0], 360)))
            return z if self.logits else tf.sigmoid(z)

    net, x = Own(), pictures()
    net(x)
    with pytest.raises(ValueError, match="returns probabilities"):
        vanilla_gradients(net, x, 1)
    net.logits = True
    same(vanilla_gradients(net, x, 1), logits_gradient(net, x))
