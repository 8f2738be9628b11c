"""A Keras model as the calls of its layers: what goes into each, and what comes out."""

from __future__ import annotations

import re
from typing import NamedTuple

from course_utils.network.tensorflow import keras


class Call(NamedTuple):
    """One call of a layer: what went in and what came out, as symbolic tensors."""

    layer: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    output: keras.KerasTensor


def is_graph(model) -> bool:
    """Return whether the model is Functional or Sequential, because then we can follow its layers.

    A subclass with its own `call` may compute anything around its layers, so it isn't one.
    """
    if not isinstance(model, keras.Model) or not type(model).call.__module__.startswith("keras."):
        return False
    try:
        return bool(getattr(model, "outputs", None))
    except ValueError:  # what older versions of Keras say about an unbuilt Sequential
        return False


def replay(model: keras.Model, given: list, calls: list[Call]) -> list[keras.KerasTensor]:
    """Call the model's own layers again, on `given`, opening nested models on the way."""

    def call(layer, *args, **kwargs):
        tensors = _tensors((args, kwargs))
        if is_graph(layer) and (flat := _flat_inputs(layer, args, kwargs)) is not None:
            outputs = replay(layer, flat, calls)
            y = keras.tree.pack_sequence_as(_output_structure(layer), outputs)
        elif any(c.layer.name == layer.name and c.layer is not layer for c in calls):
            y = _Alias(layer, f"{layer.name}_call_{len(calls)}")(*args, **kwargs)
        else:
            y = layer(*args, **kwargs)
        calls.extend(Call(layer, tuple(tensors), output) for output in keras.tree.flatten(y))
        return y

    graph = keras.Model(model.inputs, model.outputs)  # Sequential becomes a graph, too
    # As keras.models.clone_model with a call_function, but that can't begin in mid-network.
    return graph._run_through_graph(given, operation_fn=lambda layer: layer, call_fn=call)


def _tensors(structure) -> list[keras.KerasTensor]:
    return [x for x in keras.tree.flatten(structure) if isinstance(x, keras.KerasTensor)]


def _flat_inputs(layer: keras.Model, args, kwargs) -> list[keras.KerasTensor] | None:
    """Return a nested model's arguments, in the order of its inputs; None if that's unclear."""
    given = args[0] if args else kwargs.get("inputs")
    if isinstance(given, dict):
        names = [x.name for x in layer.inputs]
        given = [given[name] for name in names] if set(names) <= set(given) else given
    flat = _tensors(given)
    unmasked = len(flat) == len(_tensors((args, kwargs)))  # no further tensor, such as a mask
    return flat if unmasked and len(flat) == len(layer.inputs) else None


def _output_structure(layer: keras.Model):
    structure = getattr(layer, "_outputs_struct", layer.outputs)
    return structure[0] if isinstance(structure, list) and len(structure) == 1 else structure


def call_of(y: keras.KerasTensor, calls: list[Call]) -> Call | None:
    """Return the call that made a tensor (the innermost, in nested models); None for the input."""
    return next((c for c in calls if c.output is y and not is_graph(c.layer)), None)


def kind_of(layer) -> str:
    """Return the name of a layer's class, in small letters."""
    return type(layer).__name__.lower()


class _Alias(keras.Layer):
    """A layer under another name: nested models may share layer names, but one model may not."""

    def __init__(self, layer: keras.Layer, name: str):
        dtype = getattr(layer, "dtype_policy", None)
        super().__init__(name=name, dtype=dtype, autocast=False)
        self.layer = layer

    def call(self, *args, **kwargs):
        return self.layer(*args, **kwargs)


def plain(error: Exception, what: str = "") -> Exception:
    """Return a Keras or TensorFlow error as one sentence, of the same type as the original.

    Keras wraps an error in coloured text about the layer and its arguments, TensorFlow in its own
    traceback.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = text.split("\n\nArguments received by")[0].split("[Op:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("Exception encountered when calling"):
        lines = lines[1:]
    if lines and lines[0].startswith("Graph execution error"):
        lines = [line for line in lines if line[0] not in "[({" and "File" not in line][-1:]
    lines = [re.sub(r"^\{\{[^}]*\}\} ", "", line) for line in lines]
    reason = lines[-1] if lines and "in user code" in lines[0] else " ".join(lines[:1])
    reason = re.sub(r"^\w*(Error|Exception): ", "", reason)
    kind = type(error) if type(error) in (TypeError, ValueError, MemoryError) else ValueError
    return kind(f"{what}: {reason[:300]}" if what else reason)
