"""Open any Keras image classifier: from its input to its class scores, layer by layer.

`score_model`, which `models` passes on, and the opened `Network` that Grad-CAM looks into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from course_utils._cache import is_graph, per_model
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
    if isinstance(model, _SubclassedScores):
        return model
    if not is_graph(model):
        if type(model) is not keras.Sequential and model.built:
            return _SubclassedScores(model)
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
    if any(getattr(call.layer, "data_format", None) == "channels_first" for call in calls):
        raise ValueError(
            f"The model {model.name!r} puts the channels first; the course's maps are (batch, "
            "height, width, channels). Build it with data_format='channels_last'."
        )
    logits, activation = _without_activation(model, output, calls)
    if len(logits.shape) != 2 or logits.shape[1] is None:
        raise ValueError(
            f"The model {model.name!r} ends in an output of shape {logits.shape}, not in one score "
            "a class, (batch, classes). A network loaded with include_top=False has no classes: "
            "load it with include_top=True, or put pooling and a trained Dense layer on top."
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


def _without_activation(model: keras.Model, y: keras.KerasTensor, calls: list[Call]):
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
            try:
                return _Linear(call.layer)(call.inputs[0]), _ACTIVATIONS[fused]
            except Exception:  # a layer with more variables than its configuration says
                raise _hidden(model, call.layer.name) from None
        same_shape = call.inputs and call.inputs[0].shape == y.shape
        if (kind in ("activation", "identity") and fused in ("linear", "nonetype")) or (
            kind in ("dropout", "flatten", "reshape") and same_shape
        ):
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
        return _two_classes(z)


def _two_classes(z):
    return keras.ops.concatenate([-z, z], axis=1) if z.shape[1] == 1 else z


class _SubclassedScores(keras.Model):
    """A subclassed model that returns logits: what can't be opened is checked at each call."""

    def __init__(self, model: keras.Model):
        super().__init__(name=f"{model.name}_scores")
        self.subclassed = model
        self.built = True

    def call(self, x, training=False):
        outputs = keras.tree.flatten(self.subclassed(x, training=training))
        if len(outputs) != 1 or len(outputs[0].shape) != 2:
            shapes = " and ".join(str(tuple(y.shape)) for y in outputs)
            raise ValueError(
                f"The model {self.subclassed.name!r} returns {shapes}; expected one score a class, "
                "(batch, classes)."
            )
        z = tf.cast(outputs[0], tf.float32)
        if _are_probabilities(z.numpy(), lambda a: self.subclassed(a * x, training=False)):
            raise _hidden(self.subclassed, "call()")
        return _two_classes(z)


def _compare(model: keras.Model, logits: keras.Model, activation) -> None:
    """Check numerically that the opened network computes what the model computes."""
    shape = [size or 224 for size in logits.input_shape[1:]]
    # One picture in 0..1 and one in 0..255: where a network made for one of them is saturated by
    # the other, or overflows in float16, that picture shows nothing.
    x = np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)
    x[1] *= 255
    if "int" in model.inputs[0].dtype:
        x = np.round(255 * x / x.max(axis=(1, 2, 3), keepdims=True))

    def outputs(x):
        given = x
        if not isinstance(model, keras.Sequential):
            given = keras.tree.map_structure(lambda _: x, model.input)  # a list or a dict, perhaps
        y = keras.tree.flatten(model(given, training=False))[0]
        return tf.cast(y, tf.float32).numpy()

    expected = outputs(x)
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
    if activation is None and _are_probabilities(expected, lambda a: outputs(a * x)):
        raise _hidden(model, model.layers[-1].name)


def _hidden(model: keras.Model, layer: str) -> ValueError:
    return ValueError(
        f"The model {model.name!r} returns probabilities, but its softmax or sigmoid is in the "
        f"layer {layer!r}, where it cannot be taken off. Give a model that ends in logits, in a "
        "softmax layer, or in Dense(..., activation='softmax')."
    )


def _are_probabilities(outputs: np.ndarray, of_scaled_inputs: Callable) -> bool:
    """Whether these rows are what a softmax, a log-softmax or sigmoids return.

    Rows that sum to 1 give a softmax away. Sigmoids stay between 0 and 1 even where the input is
    turned round or becomes enormous, as no logit does.
    """
    if not outputs.any():
        return False  # a network whose head is still zero
    if outputs.shape[1] > 1:
        rows = np.exp(outputs) if outputs.max() <= 0 else outputs
        if rows.min() >= 0 and np.allclose(rows.sum(axis=1), 1, atol=1e-3):
            return True
    return _between_0_and_1(outputs) and all(
        _between_0_and_1(np.asarray(of_scaled_inputs(a))) for a in (-1, 1e4, -1e4)
    )


def _between_0_and_1(values: np.ndarray) -> bool:
    return bool(values.min() >= 0 and values.max() <= 1)
