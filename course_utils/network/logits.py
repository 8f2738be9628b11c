"""Find a network's class scores, the logits: take the softmax off, or say why that can't be done.

A softmax shows in its layer's name; a hidden one, when you try the last layers on numbers.
"""

from __future__ import annotations

import numpy as np

from course_utils.network.graph import Call, call_of, kind_of
from course_utils.network.tensorflow import keras, tf

_ACTIVATIONS = {
    "softmax": tf.nn.softmax,
    "softmax_v2": tf.nn.softmax,  # the name that tf.nn.softmax has
    "log_softmax": tf.nn.log_softmax,
    "log_softmax_v2": tf.nn.log_softmax,
    "logsoftmax": tf.nn.log_softmax,  # the operation keras.ops.log_softmax
    "sigmoid": tf.nn.sigmoid,
    "log_sigmoid": tf.math.log_sigmoid,
    "logsigmoid": tf.math.log_sigmoid,
}
SIGMOIDS = (tf.nn.sigmoid, tf.math.log_sigmoid)


def without_activation(model: keras.Model, y: keras.KerasTensor, calls: list[Call], number: int):
    """Walk back from an output past its softmax or sigmoid: (logits, that activation or None)."""
    end, y = y, _before_identities(y, calls)
    call = call_of(y, calls)
    if call is None:
        return y, None
    kind, fused = kind_of(call.layer), _fused(call.layer)
    name = fused if kind == "activation" else kind
    if name in _ACTIVATIONS:
        _refuse_two(model, call, _before_identities(call.inputs[0], calls), calls)
        return call.inputs[0], _ACTIVATIONS[name]
    if fused in _ACTIVATIONS and (z := _linear(call, number)) is not None:
        return z, _ACTIVATIONS[fused]
    _refuse_probabilities(model, end, calls)
    return y, None


def _before_identities(y: keras.KerasTensor, calls: list[Call]) -> keras.KerasTensor:
    """Walk back past everything that changes nothing in a trained network."""
    while (call := call_of(y, calls)) is not None and call.inputs:
        kind, fused, source = kind_of(call.layer), _fused(call.layer), call.inputs[0]
        reshapes = kind in ("dropout", "flatten", "reshape")
        unchanged = reshapes and _may_be_equal(source.shape, y.shape)
        if not unchanged and not (
            kind in ("activation", "identity") and fused in ("linear", "nonetype")
        ):
            break
        y = source
    return y


def _linear(call: Call, number: int) -> keras.KerasTensor | None:
    """Return a layer's output without its activation; None if that isn't its last step."""
    if not isinstance(call.layer, keras.Layer):
        return None
    try:
        z = _Linear(call.layer, number)(call.inputs[0])
        tried = _tried([call.inputs[0]], [z, call.output], scale=1.0)
    except Exception:  # a layer whose activation can't be replaced, or that needs it
        return None
    found = _ACTIVATIONS[_fused(call.layer)](tf.cast(tried[0], tf.float32)).numpy()
    return z if np.allclose(found, tried[1], rtol=1e-2, atol=1e-3) else None


def _tried(sources: list, outputs: list, scale: float) -> list[np.ndarray]:
    """Return what the outputs become for random numbers of all sizes up to `scale`."""
    rng = np.random.default_rng(0)
    numbers = max(int(np.prod([size or 8 for size in s.shape[1:]])) for s in sources)
    rows = int(np.clip(10**7 // numbers, 4, 256))
    given = []
    for source in sources:
        z = rng.standard_normal((rows, *(size or 8 for size in source.shape[1:])))
        z *= scale ** rng.uniform(0, 1, (rows, *[1] * (z.ndim - 1)))
        given.append(z.astype(source.dtype))
    found = keras.tree.flatten(keras.Model(sources, outputs)(given, training=False))
    return [np.asarray(tf.cast(y, tf.float64)) for y in found]


def _fused(layer) -> str:
    """Return the name of the activation inside a layer, "nonetype" without one."""
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", type(activation).__name__).lower()


def _may_be_equal(a, b) -> bool:
    return len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b, strict=True))


def _refuse_two(model: keras.Model, call: Call, y: keras.KerasTensor, calls: list[Call]) -> None:
    """Refuse a softmax on top of a softmax: between them, there are no class scores."""
    before = call_of(y, calls)
    if before and (_fused(before.layer) in _ACTIVATIONS or kind_of(before.layer) in _ACTIVATIONS):
        raise ValueError(
            f"The model {model.name!r} puts the {kind_of(call.layer)} {call.layer.name!r} on top "
            f"of the probabilities of {before.layer.name!r}, so they are squashed twice. Take one "
            "of the two off."
        )


def _refuse_probabilities(model, end: keras.KerasTensor, calls: list[Call]) -> None:
    """Refuse a softmax or sigmoid in a place where we can't take it off.

    We try a network's last layers by themselves, on numbers far larger than any feature. If the
    result stays within 0 and 1, or keeps the same sum, they squash. (A whole network's outputs
    can't show that, because its features may be bounded.) The last layers are everything after the
    last weights, and the layer with these weights, unless it's Keras' own without an activation.
    """
    trail, sources, todo = [], {}, [end]
    while todo:
        y = todo.pop()
        call = call_of(y, calls)
        if call is None or _ends_in_scores(call.layer):
            sources[id(y)] = y
        elif call.layer.name not in trail:
            trail.append(call.layer.name)
            if getattr(call.layer, "weights", ()):
                sources |= {id(x): x for x in call.inputs}
            else:
                todo += call.inputs
    if not trail or not sources:
        return
    try:
        found = _tried(list(sources.values()), [end], scale=1e4)[0].reshape(-1, *end.shape[1:])
    except Exception:  # if the ending can't run by itself, we have to believe it
        return
    found = found[np.isfinite(found).reshape(len(found), -1).all(axis=1)]
    if not len(found) or not found.any():
        return
    squashed = {_fused(c.layer) for c in calls if c.layer.name in trail}
    squashed |= {kind_of(c.layer) for c in calls if c.layer.name in trail}
    known = bool(squashed & set(_ACTIVATIONS))
    if (
        (found.min() >= 0 and found.max() <= (1e3 if known else 1))
        or (known and found.max() <= 0)
        or _same_sums(found)
    ):
        raise hidden_softmax(model, trail)


def _ends_in_scores(layer) -> bool:
    """Return whether a layer is Keras' own and computes a weighted sum, nothing more."""
    return (
        type(layer).__module__.startswith("keras.")
        and bool(getattr(layer, "weights", ()))
        and hasattr(layer, "activation")
        and _fused(layer) in ("linear", "nonetype")
    )


def hidden_softmax(model: keras.Model, layers: list[str]) -> ValueError:
    """Return the error for a model that hides its softmax in some layers, or in its code."""
    where = f"layers {' and '.join(map(repr, reversed(layers)))}"
    if len(layers) == 1:
        where = f"layer {layers[0]!r}"
    return ValueError(
        f"The model {model.name!r} returns probabilities, but its softmax or sigmoid is in "
        f"{'the ' + where if layers else 'its own code'}, where it can't be taken off. Give a "
        "model that ends in logits, in a softmax layer, or in Dense(..., activation='softmax')."
    )


def sum_to_one(outputs: np.ndarray) -> bool:
    """Return whether the rows look like the results of a softmax or a log-softmax."""
    rows = np.exp(outputs) if outputs.size and outputs.max() <= 0 else outputs
    return _same_sums(rows) and bool(np.allclose(rows.sum(axis=1), 1, atol=1e-3))


def _same_sums(rows: np.ndarray) -> bool:
    """Return whether the numbers in each row are positive and all rows have the same sum."""
    if rows.ndim != 2 or rows.shape[1] < 2 or not rows.any() or rows.min() < 0:
        return False  # all zero: the network's head is still new
    sums = rows.sum(axis=1)
    return bool(np.allclose(sums, sums[0], rtol=1e-3))


class _Linear(keras.Layer):
    """A layer without its activation: a second object with the same variables.

    So it does everything else that the layer does, such as LoRA or int8 kernels.
    """

    def __init__(self, layer: keras.Layer, number: int):
        name = f"{layer.name}_without_activation_{number}"
        super().__init__(name=name, dtype=layer.compute_dtype, autocast=False)
        self.layer = layer
        twin = object.__new__(type(layer))
        twin.__dict__.update(vars(layer))
        linear = {"activation": keras.activations.linear, "_inbound_nodes": []}
        for name, value in {**linear, "_outbound_nodes": []}.items():
            object.__setattr__(twin, name, value)
        self.linear = lambda x: twin(x)  # in a function: its weights mustn't count twice

    def call(self, x):
        return self.linear(x)
