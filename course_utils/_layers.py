"""Find the layer whose feature maps are wanted: the last convolution, or one by its name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from course_utils._cache import is_graph, per_model
from course_utils._network import Call, open_network, score_model
from course_utils._tensorflow import keras


def _has_kernel(layer) -> bool:
    """Whether a layer convolves: it is a convolution, or a layer of one's own that contains one.

    The latter shows in a weight of four axes, (height, width, in, out), larger than 1 x 1.
    """
    shapes = [tuple(variable.shape) for variable in getattr(layer, "weights", ())]
    own_kernel = hasattr(layer, "kernel_size") and any(len(shape) == 4 for shape in shapes)
    return own_kernel or any(len(shape) == 4 and min(shape[:2]) > 1 for shape in shapes)


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
    return _last_conv_layer(model)


@per_model
def _last_conv_layer(model: keras.Model) -> keras.Layer:
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
