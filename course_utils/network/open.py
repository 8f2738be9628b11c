"""Open any Keras image classifier: from its input to its class scores, layer by layer.

`score_model` is the network that ends in logits; `opened` is the same network with every nested
model opened. The methods run on that.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from course_utils.network.graph import Call, is_graph, plain, replay
from course_utils.network.logits import SIGMOIDS, hidden_softmax, sum_to_one, without_activation
from course_utils.network.tensorflow import keras, tf


@dataclass(frozen=True, eq=False)
class Opened:
    """A model with all nested models opened, from a float32 input to the class scores.

    Attributes:
        name: the model's name, for messages.
        calls: every layer in the order of execution. The layers are the model's own, not copies,
            so the weights are shared and always up to date. None for a subclassed model.
        inputs: the input's shape, (None, H, W, C), with None if any size will do.
        model: (B, H, W, C) float32 -> the list of outputs as logits, float32. A keras.Model with
            the layers of `calls`, or, for a subclassed model, a function.
        classes: how many scores the single output has; None if that's unknown.
        activations: for each output, the function that was taken off it, or None.
        no_classes: why a class index makes no sense here; None if it does.
        compiled: the compiled functions for this network, by formula.
    """

    name: str
    calls: tuple[Call, ...] | None
    inputs: tuple[int | None, ...]
    model: Any
    classes: int | None
    activations: tuple[Callable | None, ...]
    no_classes: str | None
    compiled: dict = field(default_factory=dict)

    def scores(self, x) -> list[tf.Tensor]:
        """Return S(x), one tensor per output: (B, classes) for a classifier."""
        return self.model(x, training=False)

    def score(self, x, c: list[tf.Tensor]) -> tf.Tensor:
        """Return S_c(x), (B,). The class c is given as a direction in the space of the scores.

        That's 1 for the class and 0 for all others, or the gradient of your own target. Then
        S_c = sum_k c_k S_k.
        """
        return weighted_score(self.scores(x), c)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores (B, classes) into the model's own probabilities, float64 (B, classes).

        Several sigmoids give each label its own; everything else is a softmax over the classes.
        """
        z = np.asarray(scores, np.float64)
        if self.single_logit:
            z = z / 2  # the softmax of (-z/2, z/2) is the sigmoid of z
        elif self.activations[0] in SIGMOIDS:
            return np.exp(-np.logaddexp(0, -z))
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    @property
    def single_logit(self) -> bool:
        """Return whether the model has one output number z, shown as two classes, -z and z."""
        return self.classes == 2 and bool(getattr(self.model, "single_logit", False))


def weighted_score(scores: list[tf.Tensor], c: list[tf.Tensor]) -> tf.Tensor:
    """Return sum_k c_k S_k for each picture, (B,)."""
    return tf.add_n(
        [
            tf.reduce_sum(c_i * s_i, axis=list(range(1, len(s_i.shape))))
            for c_i, s_i in zip(c, scores, strict=True)
        ]
    )


# ------------------------------------------------------------------- one opened network per model

_known: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def opened(model: keras.Model) -> Opened:
    """Return a model's opened network: built once, and again after the model has changed.

    Opening a model and compiling a formula take seconds; using them takes milliseconds. So they're
    cached for as long as the model lives (or until `forget`), and don't keep it alive. We notice a
    change of its layers, variables or the layers' settings, an `adapt`, and a `compile`. Nothing
    is cached for a subclassed model, because its code may do anything.

    Raises:
        TypeError, ValueError: see `score_model`.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Expected a keras.Model, but got {type(model).__module__}."
            f"{type(model).__name__}. Of a classifier, pass classifier.model; a model of tf_keras "
            "(Keras 2) has to be loaded with Keras 3."
        )
    with _lock:
        known = _known.get(model)
        if known is None or not known.is_current(model):
            if not is_graph(model):
                return _open_closed(model)
            network = _open_graph(model)
            # Remembered after opening, because that may build a layer.
            _known[model] = known = _known_now(network, model)
        return known.network


def forget(model: keras.Model | None = None) -> None:
    """Forget what was compiled for a model, or for all of them (None), and free its memory.

    You rarely need it. The cache goes when the model goes, and is rebuilt after a change of its
    layers, `load_weights`, `adapt` or `compile()`. Call it after a change that Keras wouldn't
    notice either, such as a number in a custom function that a Lambda layer calls.
    """
    if model is not None and not isinstance(model, keras.Model):
        raise TypeError(f"forget expects a keras.Model or nothing, not {type(model).__name__}.")
    with _lock:
        for known in (_known, _endings):
            known.clear() if model is None else known.pop(model, None)


class _Known(NamedTuple):
    """An opened network, and the parts its model had when it was opened."""

    network: Any  # or anything else that was found
    layers: list
    parts: list
    settings: tuple[list, ...]  # owners, their attributes' names, values
    own: dict

    def is_current(self, model: keras.Model) -> bool:
        """Return whether the model still has the same parts; every call asks, so it's quick."""
        owners, names, values = self.settings
        try:
            now = list(map(getattr, owners, names))
        except AttributeError:
            return False
        parts = _parts(model, self.layers)
        return (
            len(parts) == len(self.parts)
            and not any(map(operator.is_not, parts, self.parts))
            and not any(map(operator.is_not, now, values))
            and _own(model) == self.own
        )


def _known_now(network: Opened | bool, model: keras.Model) -> _Known:
    layers = list(model._flatten_layers(include_self=False))  # including those inside other layers
    return _Known(network, layers, _parts(model, layers), _settings(layers), _own(model))


def _parts(model: keras.Model, layers: list) -> list:
    """Return a model's parts, as far as you can replace them without calling it again.

    They include each `compile`'s record: that's when Keras itself looks at a model afresh.
    """
    lists = map(operator.attrgetter(*_LISTS), (model, *layers))
    return [
        *(getattr(model, "outputs", None) or ()),
        *itertools.chain.from_iterable(itertools.chain.from_iterable(lists)),
        getattr(model, "_compile_config", None),
    ]


_LISTS = ("_layers", "_trainable_variables", "_non_trainable_variables")


def _settings(layers: list) -> tuple[list, ...]:
    """Return every public setting of every layer, such as strides, activation, adapted mean."""
    found = [
        (layer, name, value)
        for layer in layers
        for name, value in vars(layer).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, _SETTINGS))
    ]
    return tuple(map(list, zip(*found, strict=True))) if found else ([], [], [])


def _own(model: keras.Model) -> dict:
    """Return the model's own settings, in a form that doesn't keep it alive."""
    return {
        name: value
        for name, value in vars(model).items()
        if not name.startswith("_") and isinstance(value, (bool, int, float, str))
    }


_SETTINGS = (bool, int, float, str, tuple, type(None), np.ndarray, np.generic, tf.Tensor)


# -------------------------------------------------------------------------------- class scores


def score_model(model: keras.Model) -> keras.Model:
    """Return the network that ends in class scores (logits) instead of probabilities.

    S_c(x), of which p_c = exp(S_c) / sum_k exp(S_k). Lesson 2 shows what goes wrong without it.

    Args:
        model: any Keras image classifier with one input and one output: Functional or Sequential,
            with nested models, ending in a softmax (in the last layer or as its own layer), or
            already in logits. A single sigmoid or logit z means a two-class model: class 1 has the
            score z, class 0 the score -z. Several sigmoids give one score each. A subclassed model
            must return logits.

    Returns:
        keras.Model, float32 (B, H, W, C) -> float32 (B, classes). It shares the given model's
        layers, and so its weights; the given model isn't changed. If an activation was taken off,
        the result has been compared with the model's own output. As with any Keras model that has
        dropout or augmentation, call it with training=False.

    Raises:
        TypeError: not a Keras model.
        ValueError: the model isn't built, doesn't end in class scores, has several inputs or
            outputs, or hides its softmax where it can't be taken off.
    """
    if isinstance(model, _ClosedScores):
        return model
    network = opened(model)
    if network.no_classes:
        raise ValueError(network.no_classes)
    return _ClosedScores(model, network) if network.calls is None else network.model.keras_model


class _Graph:
    """An opened graph's keras.Model, as a function that always returns a list."""

    def __init__(self, keras_model: keras.Model, single_logit: bool):
        self.keras_model, self.single_logit = keras_model, single_logit

    def __call__(self, x, training=False):
        return keras.tree.flatten(self.keras_model(x, training=training))


class _ClosedScores(keras.Model):
    """A subclassed model that returns logits, as float32 class scores."""

    def __init__(self, model: keras.Model, network: Opened):
        super().__init__(name=f"{model.name}_scores")
        self.subclassed, self.network, self.built = model, network, True

    def __call__(self, x, training=False):  # not `call`: Keras would wrap the errors
        return self.network.model(x, training=training)[0]


# ------------------------------------------------------------------------------ opening a graph


def _open_graph(model: keras.Model) -> Opened:
    if len(model.inputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs; expected one picture. Make "
            "a model of the picture alone, keras.Model(picture, model([picture, other])), where "
            "other is computed from picture = keras.Input(...), by a Lambda layer for example."
        )
    if len(model.inputs[0].shape) != 4:
        raise ValueError(
            f"The model {model.name!r} takes inputs of shape {model.inputs[0].shape}; expected "
            "pictures, (batch, height, width, channels)."
        )
    # float32 even if the model takes uint8: integers have no gradient.
    image = keras.Input(model.inputs[0].shape[1:], dtype="float32")
    calls: list[Call] = []
    outputs = replay(model, [image], calls)
    if any(getattr(call.layer, "data_format", None) == "channels_first" for call in calls):
        raise ValueError(
            f"The model {model.name!r} puts the channels first; the course's maps are (batch, "
            "height, width, channels). Build it with data_format='channels_last'."
        )
    stripped: dict[int, tuple] = {}  # an output may appear twice
    for y in outputs:
        if id(y) not in stripped:
            stripped[id(y)] = without_activation(model, y, calls, len(stripped))
    logits, activations = zip(*(stripped[id(y)] for y in outputs), strict=True)
    _compare(model, keras.Model(image, list(logits)), activations)
    no_classes = _no_classes(model, logits)
    single_logit = no_classes is None and logits[0].shape[1] == 1
    name = f"{model.name}_scores"
    scores = [
        _Scores(two_classes=single_logit, name=f"{name}_float32_{i}" if i else f"{name}_float32")(z)
        for i, z in enumerate(logits)
    ]
    keras_model = keras.Model(image, scores if len(scores) > 1 else scores[0], name=name)
    return Opened(
        name=model.name,
        calls=tuple(calls),
        inputs=(None, *model.inputs[0].shape[1:]),
        model=_Graph(keras_model, single_logit),
        classes=None if no_classes else scores[0].shape[1],
        activations=activations,
        no_classes=no_classes,
    )


class _Scores(keras.Layer):
    """The logits as float32 class scores; a single logit z gives the two scores -z and z."""

    def __init__(self, two_classes: bool, name: str):
        super().__init__(name=name, dtype="float32")
        self.two_classes = two_classes

    def call(self, z):
        return keras.ops.concatenate([-z, z], axis=1) if self.two_classes else z


def _no_classes(model: keras.Model, logits) -> str | None:
    """Return why a class index makes no sense for these outputs, or None if it does."""
    if len(logits) > 1:
        return (
            f"The model {model.name!r} has {len(logits)} outputs; expected one picture in, one "
            "vector of class scores out. Say what to explain with a function of the list of its "
            "outputs, such as class_index=lambda s: s[0][:, 3]."
        )
    if len(logits[0].shape) != 2 or logits[0].shape[1] is None:
        return (
            f"The model {model.name!r} ends in an output of shape {logits[0].shape}, not in one "
            "score per class, (batch, classes). A network loaded with include_top=False has no "
            "classes: load it with include_top=True, or put pooling and a trained Dense layer on "
            "top."
        )
    return None


def _compare(model: keras.Model, logits: keras.Model, activations) -> None:
    """Check numerically that the opened network computes what the model computes."""
    expected, found = _tried_on_pictures(model, logits)
    for y, z, activation in zip(expected, found, activations, strict=True):
        _compare_one(model, y, (activation or tf.identity)(tf.cast(z, tf.float32)).numpy())
        if activation is None and sum_to_one(y[np.isfinite(y).all(axis=tuple(range(1, y.ndim)))]):
            raise hidden_softmax(model, [model.layers[-1].name])


def _tried_on_pictures(model: keras.Model, logits: keras.Model):
    """Return the model's and the opened network's outputs for two pictures of a size that works."""
    sizes = (224, 64, 96, 63, 299) if None in logits.input_shape[1:3] else (224,)
    *others, last = ([s or size for s in logits.input_shape[1:]] for size in sizes)
    for shape in others:
        with contextlib.suppress(Exception):
            return _outputs(model, logits, shape)
    try:
        return _outputs(model, logits, last)
    except Exception as error:
        raise plain(error, f"The model {model.name!r} stopped") from None


def _outputs(model: keras.Model, logits: keras.Model, shape: list[int]):
    # One picture in 0..1 and one in 0..255: if a network made for one of them saturates with the
    # other, or overflows in float16, that picture shows nothing.
    x = np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)
    x[1] *= 255
    if "int" in model.inputs[0].dtype:
        x = np.round(255 * x / x.max(axis=(1, 2, 3), keepdims=True))
    batch = model.inputs[0].shape[0] or 1  # one picture at a time, if the model insists on it

    def outputs(picture):
        given = picture = np.repeat(picture[None], batch, axis=0)
        if not isinstance(model, keras.Sequential):
            given = keras.tree.map_structure(lambda _: picture, model.input)  # a list or a dict
        return [
            tf.cast(y, tf.float32)[:1] for y in keras.tree.flatten(model(given, training=False))
        ]

    expected = [np.concatenate(y) for y in zip(*map(outputs, x), strict=True)]
    return expected, keras.tree.flatten(logits(x, training=False))


def _compare_one(model: keras.Model, expected: np.ndarray, found: np.ndarray) -> None:
    finite = np.isfinite(expected).reshape(len(expected), -1).all(axis=1)
    if not finite.any():
        raise ValueError(f"The model {model.name!r} returns NaN or infinity for any picture.")
    expected, found = expected[finite], found[finite].reshape(expected[finite].shape)
    # float16 layers round to 1 part in 1000; sums in another order change far less.
    scale = np.abs(expected).max() + 1e-6
    if not np.allclose(found, expected, rtol=1e-2, atol=1e-2 * scale):
        raise ValueError(
            f"The class scores of the model {model.name!r} could not be found: what they give "
            f"differs from the model's own output by {np.abs(found - expected).max():.2g}. Give a "
            "model that ends in logits."
        )


# --------------------------------------------------------------------------- subclassed models


def _open_closed(model: keras.Model) -> Opened:
    """Wrap a model whose code we can't open; each call checks what it returns."""
    if isinstance(model, _ClosedScores):
        return model.network
    if type(model) is keras.Sequential or not model.built:
        raise ValueError(
            f"The model {model.name!r} does not know the size of its input yet. Begin it with "
            "keras.Input((height, width, channels)), or call it once on a batch of pictures."
        )

    def scores(x, training=False):
        try:
            outputs = keras.tree.flatten(model(x, training=training))
        except Exception as error:
            raise plain(error, f"The model {model.name!r} stopped") from None
        outputs = [tf.cast(y, tf.float32) for y in outputs]
        for y in outputs:
            if tf.executing_eagerly() and sum_to_one(y.numpy()):
                raise hidden_softmax(model, [])
        if _squashing_end(model, x):
            raise hidden_softmax(model, [])
        if len(outputs) == 1 and outputs[0].shape[1:] == (1,):
            return [tf.concat([-outputs[0], outputs[0]], axis=1)]
        return outputs

    return Opened(
        name=model.name,
        calls=None,
        inputs=(None, None, None, None),
        model=scores,
        classes=None,
        activations=(None,),
        no_classes=None,
    )


_endings: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _squashing_end(model: keras.Model, x) -> bool:
    """Return whether a subclassed model ends in a softmax or sigmoid, by its TensorFlow graph."""
    known = _endings.get(model)
    if known is None or not known.is_current(model):
        squashes = False
        try:
            spec = tf.TensorSpec([None, *x.shape[1:]], tf.float32)
            traced = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
            squashes = _last_operation(traced.graph.outputs[0]) in _SQUASHING
        except Exception:  # code that only runs eagerly: its rows are all the evidence we have
            pass
        _endings[model] = known = _known_now(squashes, model)
    return known.network


def _last_operation(y: tf.Tensor) -> str:
    """Return the type of the operation that a tensor comes from, even inside tf.functions."""
    while y.op.type in (*_HARMLESS, "PartitionedCall", "StatefulPartitionedCall"):
        if y.op.type in _HARMLESS:
            y = y.op.inputs[0]
        else:
            function = y.op.graph._get_function(y.op.get_attr("f").name)
            y = function.graph.outputs[y.value_index]
    return y.op.type


_SQUASHING = ("Softmax", "LogSoftmax", "Sigmoid")
_HARMLESS = ("Identity", "Cast", "Reshape", "Squeeze", "Minimum", "Maximum", "ClipByValue")
