"""Open any Keras image classifier: from its input to its class scores, layer by layer.

`score_model` and `last_conv_layer`, which `models` passes on, and what the methods need besides.
"""

from __future__ import annotations

import difflib
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from course_utils._tensorflow import keras, tf


class Call(NamedTuple):
    """One layer at work: what it was given and what it gave, as symbolic tensors."""

    layer: keras.Layer
    inputs: tuple[keras.KerasTensor, ...]
    output: keras.KerasTensor


@dataclass(frozen=True)
class Network:
    """A model with all nested models opened, from a float32 input to the class scores.

    Attributes:
        calls: every layer in the order of execution. The layers are the model's own, not copies,
            so the weights are shared and always up to date.
        scores: keras.Model, (B, H, W, C) float32 -> logits (B, classes).
    """

    calls: tuple[Call, ...]
    scores: keras.Model

    def output_of(self, layer: keras.Layer) -> keras.KerasTensor:
        """Return the (last) output of a layer in this network."""
        return next(call.output for call in reversed(self.calls) if call.layer is layer)


def is_graph(model) -> bool:
    """Whether the model is Functional or Sequential, so that its layers can be followed."""
    return isinstance(model, keras.Model) and bool(getattr(model, "outputs", None))


def per_model(build: Callable) -> Callable:
    """Decorator: keep what `build(model, *args)` returns for as long as the model lives.

    Opening a model and compiling a function take seconds, using them takes milliseconds. The model
    is not kept alive, two threads may ask at once, and a model that got other layers or other
    activations is opened again. Nothing is kept for a subclassed model, since what is built from
    it holds it.
    """
    kept = weakref.WeakKeyDictionary()
    lock = threading.RLock()

    def get(model, *args):
        if not is_graph(model):
            return build(model, *args)
        parts = _parts(model)
        with lock:
            known, results = kept.get(model, ([], {}))
            if len(known) != len(parts) or any(
                a is not b for a, b in zip(known, parts, strict=True)
            ):
                results = {}
                kept[model] = (parts, results)
            if args not in results:
                results[args] = build(model, *args)
            return results[args]

    get.__doc__ = build.__doc__
    return get


def _parts(model: keras.Model) -> list:
    """Return what a model is made of, as far as it can be exchanged without calling it anew."""
    parts = [model.outputs[0]]
    for layer in model.layers:
        parts += _parts(layer) if is_graph(layer) else [getattr(layer, "activation", None)]
    return parts


def score_model(model: keras.Model) -> keras.Model:
    """Return the network that ends in class scores (logits) instead of probabilities.

    S_c(x), of which p_c = exp(S_c) / sum_k exp(S_k). Lesson 2 shows what goes wrong without it.

    Args:
        model: any Keras image classifier with one input and one output: Functional or Sequential,
            with nested models, ending in a softmax (in the last layer or as a layer of its own),
            or in logits already. A single sigmoid or logit z is a two-class model: class 1 has the
            score z, class 0 the score -z. Several sigmoids give one score each. A subclassed model
            must return logits.

    Returns:
        keras.Model, float32 (B, H, W, C) -> float32 (B, classes). It shares the layers, and so the
        weights, of the given model, which is not changed. Where an activation was taken off, the
        result has been compared with the model's own output. As with every Keras model that has
        dropout or augmentation, call it with training=False.

    Raises:
        TypeError: not a Keras model.
        ValueError: the model is not built, ends in no class scores, has several inputs or outputs,
            or hides its softmax where it cannot be taken off.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Expected a keras.Model, and was given {type(model).__module__}."
            f"{type(model).__name__}. Of a classifier, pass classifier.model; a model of tf_keras "
            "(Keras 2) has to be loaded with Keras 3."
        )
    if not is_graph(model):
        if not isinstance(model, keras.Sequential) and model.built:
            return model  # subclassed: its call() cannot be opened
        raise ValueError(
            f"The model {model.name!r} does not know the size of its input yet. Begin it with "
            "keras.Input((height, width, channels)), or call it once on a batch of pictures."
        )
    return open_network(model).scores


@per_model
def open_network(model: keras.Model) -> Network:
    """Open a Functional or Sequential model: see `Network`. Raises ValueError as `score_model`."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs; expected one picture in, one vector of class scores out."
        )
    if len(model.inputs[0].shape) != 4:
        raise ValueError(
            f"The model {model.name!r} takes inputs of shape {model.inputs[0].shape}; expected "
            "pictures, (batch, height, width, channels)."
        )
    # float32 also where the model takes uint8: an integer has no gradient.
    image = keras.Input(model.inputs[0].shape[1:], dtype="float32")
    calls: list[Call] = []
    output = _replay(model, image, calls)
    logits, activation = _without_activation(output, calls)
    if len(logits.shape) != 2 or logits.shape[1] is None:
        raise ValueError(
            f"The model {model.name!r} ends in an output of shape {logits.shape}, not in one score "
            "a class, (batch, classes). A network loaded with include_top=False has no classes: "
            "load it with include_top=True, or put pooling and a Dense layer on top."
        )
    _compare(model, keras.Model(image, logits), activation)
    name = f"{model.name}_scores"
    scores = keras.Model(image, _Scores(name=f"{name}_float32")(logits), name=name)
    return Network(tuple(calls), scores)


def _replay(model: keras.Model, x: keras.KerasTensor, calls: list[Call]) -> keras.KerasTensor:
    """Call the model's own layers once more, on `x`, opening nested models on the way."""

    def call(layer, *args, **kwargs):
        given = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)]
        if is_graph(layer) and len(given) == len(layer.inputs) == len(layer.outputs) == 1:
            y = _replay(layer, given[0], calls)
        elif any(c.layer.name == layer.name and c.layer is not layer for c in calls):
            y = _Alias(layer, f"{layer.name}_call_{len(calls)}")(*args, **kwargs)
        else:
            y = layer(*args, **kwargs)
        calls.extend(Call(layer, tuple(given), output) for output in keras.tree.flatten(y))
        return y

    graph = keras.Model(model.inputs, model.outputs)  # Sequential too becomes a graph
    # What keras.models.clone_model does with a call_function, which can't begin in mid-network.
    return graph._run_through_graph([x], operation_fn=lambda layer: layer, call_fn=call)[0]


_ACTIVATIONS = {
    "softmax": tf.nn.softmax,
    "softmax_v2": tf.nn.softmax,  # the name that tf.nn.softmax has
    "log_softmax": tf.nn.log_softmax,
    "log_softmax_v2": tf.nn.log_softmax,
    "logsoftmax": tf.nn.log_softmax,  # the operation keras.ops.log_softmax
    "sigmoid": tf.nn.sigmoid,
}


def _without_activation(y: keras.KerasTensor, calls: list[Call]):
    """Walk back from the output over its softmax or sigmoid: (logits, that activation or None)."""
    for call in reversed(calls):
        if call.output is not y or is_graph(call.layer):
            continue
        kind = type(call.layer).__name__.lower()
        activation = getattr(call.layer, "activation", None)
        fused = getattr(activation, "__name__", type(activation).__name__).lower()
        if kind in _ACTIVATIONS:
            return call.inputs[0], _ACTIVATIONS[kind]
        if kind == "activation" and fused in _ACTIVATIONS:
            return call.inputs[0], _ACTIVATIONS[fused]
        if fused in _ACTIVATIONS:
            return _Linear(call.layer)(call.inputs[0]), _ACTIVATIONS[fused]
        if kind in ("dropout", "identity") or (kind == "activation" and fused == "linear"):
            y = call.inputs[0]  # changes nothing when a trained network is used
            continue
        break
    return y, None


class _Linear(keras.Layer):
    """A layer without its activation: the same variables, the same configuration otherwise."""

    def __init__(self, layer: keras.Layer):
        super().__init__(name=f"{layer.name}_without_activation", dtype=layer.dtype_policy)
        config = {**layer.get_config(), "activation": "linear", "trainable": True}
        # The copy has variables too, which are never used: make them without random numbers, and
        # keep no more of the copy than its methods, so that they are not counted as weights.
        config |= {key: "zeros" for key in config if key.endswith("_initializer")}
        linear = type(layer).from_config(config)
        self.layer = layer
        self.build_linear, self.call_linear = linear.build, linear.stateless_call

    def build(self, input_shape):
        self.build_linear(input_shape)

    def call(self, x):
        return self.call_linear(self.layer.weights, [], x)[0]


class _Alias(keras.Layer):
    """A layer under another name: two nested models may have layers of one name, a model not."""

    def __init__(self, layer: keras.Layer, name: str):
        dtype = getattr(layer, "dtype_policy", None)
        super().__init__(name=name, dtype=dtype, autocast=False)
        self.layer = layer

    def call(self, *args, **kwargs):
        return self.layer(*args, **kwargs)


class _Scores(keras.Layer):
    """The logits as class scores, float32; of a single logit z the two scores -z and z."""

    def __init__(self, name: str):
        super().__init__(name=name, dtype="float32")

    def call(self, z):
        return keras.ops.concatenate([-z, z], axis=1) if z.shape[1] == 1 else z


def _compare(model: keras.Model, logits: keras.Model, activation) -> None:
    """Check numerically that the opened network computes what the model computes."""
    shape = [size or 96 for size in logits.input_shape[1:]]
    # One picture in 0..1 and one in 0..255: where a network made for one of them is saturated by
    # the other, or overflows in float16, that picture shows nothing.
    x = np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)
    x[1] *= 255
    flat = keras.Model(model.inputs[0], model.outputs[0])  # whatever lists or dicts they were in
    expected = tf.cast(flat(x, training=False), tf.float32).numpy()
    z = tf.cast(logits(x, training=False), tf.float32)
    found = (activation or tf.identity)(z).numpy()
    finite = np.isfinite(expected).all(axis=1)
    if not finite.any():
        raise ValueError(f"The model {model.name!r} returns NaN or infinity for any picture.")
    expected, found = expected[finite], found[finite]
    # float16 layers round to 1 part in 1000; the same sums in another order to far less.
    scale = np.abs(expected).max() + 1e-6
    if not np.allclose(found, expected, rtol=1e-2, atol=1e-2 * scale):
        raise ValueError(
            f"The class scores of the model {model.name!r} could not be found: what they give "
            f"differs from the model's own output by {np.abs(found - expected).max():.2g}. Give a "
            "model that ends in logits."
        )
    if activation is None and expected.shape[1] > 1 and _are_probabilities(expected):
        raise ValueError(
            f"The model {model.name!r} returns probabilities, but its softmax is in the layer "
            f"{model.layers[-1].name!r}, where it cannot be taken off. Give a model that ends in "
            "logits, in a softmax layer, or in Dense(..., activation='softmax')."
        )


def _are_probabilities(outputs: np.ndarray) -> bool:
    """Whether each row is what a softmax, or a log-softmax, returns."""
    if outputs.max() <= 0:
        outputs = np.exp(outputs)
    return outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)


def _has_kernel(layer) -> bool:
    """Whether a layer convolves: its kernel has four axes; also inside a layer of one's own."""
    return any(len(variable.shape) == 4 for variable in getattr(layer, "weights", ()))


def last_conv_layer(model: keras.Model) -> keras.Layer:
    """Return the layer whose output holds the last convolution's feature maps.

    That is the last convolution that still has more than one position, or, where batch norm,
    residual addition and activation are layers of their own, the last of those before pooling:
    the maps that the head of the network reads. "block5_conv3" in VGG16, "conv5_block3_out" in
    ResNet50, "out_relu" in MobileNetV2, "head_conv" in the embedded network.

    Args:
        model: a Functional or Sequential keras.Model; nested models are searched as well.

    Raises:
        ValueError: the model has no convolution, or is subclassed and cannot be searched.
    """
    calls = [call for call in _spatial_calls(model) if not is_graph(call.layer)]
    positions = [i for i, call in enumerate(calls) if _has_kernel(call.layer)]
    if not positions:
        raise ValueError(
            f"The model {model.name!r} has no convolution with an output of more than one "
            "position, so there are no feature maps to look at."
        )
    last = calls[positions[-1]]
    for call in calls[positions[-1] + 1 :]:
        same_size = call.output.shape[1:3] == last.output.shape[1:3]
        if not same_size or "pooling" in type(call.layer).__name__.lower():
            break
        last = call
    return last.layer


def find_layer(model: keras.Model, layer: str | keras.Layer | None) -> keras.Layer:
    """Return the layer of a model that has feature maps, by name, as it is, or the last one.

    Raises:
        ValueError: no layer, or several, of that name; or its output is not (B, h, w, channels).
        TypeError: neither a name, nor a layer, nor None.
    """
    if layer is None:
        return last_conv_layer(model)
    if not isinstance(layer, (str, keras.Layer)):
        raise TypeError(f"layer={layer!r}: expected a layer's name, a layer, or None.")
    calls = _calls(model)
    found = {id(c.layer): c for c in calls if c.layer is layer or c.layer.name == layer}
    if not found:
        name = layer if isinstance(layer, str) else layer.name
        raise ValueError(f"The model {model.name!r} has no layer {name!r}. {_suggest(calls, name)}")
    if len(found) > 1:
        raise ValueError(
            f"{len(found)} layers of the nested models in {model.name!r} are called {layer!r}: "
            "pass the layer itself, for example model.get_layer(...).get_layer(...)."
        )
    call = next(iter(found.values()))
    if len(call.output.shape) != 4:
        raise ValueError(
            f"The layer {call.layer.name!r} has the output {call.output.shape}, without height and "
            f"width, so it has no feature maps. {_suggest(calls, call.layer.name)}"
        )
    return call.layer


def _calls(model: keras.Model) -> tuple[Call, ...]:
    score_model(model)  # says in one sentence what is wrong with the model, if anything
    if not is_graph(model):
        raise ValueError(
            f"The model {model.name!r} is subclassed: its layers are called in Python code that "
            "cannot be followed. Build it with keras.Model(inputs, outputs) or keras.Sequential."
        )
    return open_network(model).calls


def _spatial_calls(model: keras.Model) -> list[Call]:
    """Return the calls whose output is (B, h, w, channels) with more than one position."""
    return [c for c in _calls(model) if len(c.output.shape) == 4 and c.output.shape[1:3] != (1, 1)]


def _suggest(calls: Sequence[Call], name: str) -> str:
    convolutions = [c.layer.name for c in calls if _has_kernel(c.layer) and not is_graph(c.layer)]
    spatial = [c.layer.name for c in calls if len(c.output.shape) == 4]
    close = difflib.get_close_matches(name, spatial, n=3)
    text = f"Closest: {', '.join(close)}. " if close else ""
    if not convolutions:
        return text + "It has no convolutions."
    return text + f"Its convolutions, in order: {', '.join(convolutions)}."
