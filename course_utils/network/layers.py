"""Find the feature maps that a class score is computed from: the last ones, or a layer's.

"The last feature maps" are the last numbers that still have positions and that *every* path from
the picture to the scores goes through. At one branch of a network with several, a map would show
part of what the score depends on, and look like the whole.
"""

from __future__ import annotations

import difflib
import math
from typing import NamedTuple

from course_utils.network.open import Call, Opened, is_graph, opened
from course_utils.network.tensorflow import keras, tf


class FeatureMaps(NamedTuple):
    """A tensor of a network, and how to see positions in it.

    Attributes:
        layer: the layer that computes it.
        tensor: (B, h, w, K), or tokens (B, n, K).
        grid: of tokens, (h, w); None for maps, which have their positions already.
        skip: how many tokens come before those of the picture, such as a class token.
    """

    layer: keras.Operation
    tensor: keras.KerasTensor
    grid: tuple[int, int] | None = None
    skip: int = 0

    def with_positions(self, values: tf.Tensor) -> tf.Tensor:
        """Return values of the tensor's shape as float32 (B, h, w, K).

        float32 also where the layers compute in float16: sums over positions have many terms.

        Raises:
            ValueError: there are none, since the score does not depend on the layer.
        """
        if values is None:
            raise ValueError(
                f"The class score does not depend on the layer {self.layer.name!r}: choose another."
            )
        values = tf.cast(values, tf.float32)
        if self.grid is None:
            return values
        h, w = self.grid
        return tf.reshape(values[:, self.skip : self.skip + h * w], (-1, h, w, values.shape[-1]))


def last_conv_layer(model: keras.Model) -> keras.Operation:
    """Return the layer whose output holds the last feature maps.

    These are the last maps that every path from the picture to the scores goes through, behind the
    last convolution and before pooling; where batch norm, residual addition and activation are
    layers of their own, behind those. "block5_conv3" in VGG16, "conv5_block3_out" in ResNet50,
    "out_relu" in MobileNetV2, "activation_187" in NASNetMobile, "head_conv" in the course's own.

    Args:
        model: a Functional or Sequential keras.Model; nested models are searched as well.

    Returns:
        The layer, which `grad_cam` takes as `layer`. (An operation such as `a + b` counts as one.)

    Raises:
        ValueError: the model has no convolution that everything passes, computes with tokens
            afterwards (as vision transformers do), or is subclassed and cannot be searched.
    """
    return last_maps(opened(model)).layer


def last_maps(network: Opened) -> FeatureMaps:
    """Return the last feature maps: see `last_conv_layer`."""
    calls = _calls(network)
    passed = _passed_by_all(network, calls)
    spatial = [i for i in passed if _has_positions(calls[i].output)]
    # A convolution in one of several branches shows where the branches meet again.
    last, base, carries_on = None, -1, False
    for i in spatial:
        between = calls[base + 1 : i + 1]
        if any(_transforms(c.layer) and _has_positions(c.output) for c in between):
            carries_on = True
        elif last is not None:
            carries_on = carries_on and _same_maps(calls[last], calls[i])
        last, base = i if carries_on else last, i
    tokens = [
        c
        for c in calls[(-1 if last is None else last) + 1 :]
        if len(c.output.shape) == 3 and c.output.shape[1] not in (None, 1) and _transforms(c.layer)
    ]
    if tokens:
        raise ValueError(
            f"The model {network.name!r} computes with tokens, (batch, tokens, channels), so its "
            "last convolution is far from the scores. Name a layer, for example "
            f"layer={_token_layer(network, calls)!r}."
        )
    if last is None:
        raise ValueError(
            f"The model {network.name!r} has no convolution with an output of more than one "
            "position that every path to the scores goes through, so there are no last feature "
            f"maps. {_suggest(calls, '')}"
        )
    return FeatureMaps(calls[last].layer, calls[last].output)


@tf.autograph.experimental.do_not_convert  # nothing in here is a tensor
def find_maps(network: Opened, layer) -> FeatureMaps:
    """Return the feature maps of a layer, by name, as it is, or for None the last ones.

    A layer that is called several times one after the other is taken at its last call; "name:0" is
    its first call, "name:1" its second.

    Raises:
        ValueError: no layer, or several, of that name; or its output has no positions.
        TypeError: neither a name, nor a layer, nor None.
    """
    if layer is None:
        return last_maps(network)
    if not isinstance(layer, (str, keras.Operation)):
        raise TypeError(f"layer={layer!r}: expected a layer's name, a layer, or None.")
    calls = _calls(network)
    name, number = _split_number(layer, calls)
    found = [c for c in calls if c.layer is layer or c.layer.name == name]
    if not found:
        name = name if isinstance(layer, str) else layer.name
        raise ValueError(
            f"The model {network.name!r} has no layer {name!r}. {_suggest(calls, name)}"
        )
    if len({id(c.layer) for c in found}) > 1:
        raise ValueError(
            f"{len({id(c.layer) for c in found})} layers of the nested models in {network.name!r} "
            f"are called {layer!r}: pass the layer itself, for example "
            "model.get_layer(...).get_layer(...)."
        )
    name = found[0].layer.name
    if number is not None and number >= len(found):
        raise ValueError(f"The layer {name!r} has {len(found)} outputs, 0 to {len(found) - 1}.")
    if number is None and not _in_a_row(network, calls, found):
        raise ValueError(
            f"The layer {name!r} has {len(found)} outputs side by side, and a map would show one "
            f"of them. Say which: layer='{name}:0' to layer='{name}:{len(found) - 1}'."
        )
    maps = _maps_of(calls, found[-1 if number is None else number])
    if maps is None:
        raise ValueError(
            f"The layer {name!r} has the output {found[-1].output.shape}, without height and "
            f"width, so it has no feature maps. {_suggest(calls, name)}"
        )
    return maps


def _calls(network: Opened) -> tuple[Call, ...]:
    if network.calls is None:
        raise ValueError(
            f"The model {network.name!r} is subclassed: its layers are called in Python code that "
            "cannot be followed. Build it with keras.Model(inputs, outputs) or keras.Sequential."
        )
    return network.calls


def _split_number(layer, calls) -> tuple[str | None, int | None]:
    """Split "name:1" into the name and the number of the call."""
    if not isinstance(layer, str):
        return None, None
    name, colon, number = layer.rpartition(":")
    if colon and number.isdigit() and not any(c.layer.name == layer for c in calls):
        return name, int(number)
    return layer, None


def _passed_by_all(network: Opened, calls: tuple[Call, ...]) -> list[int]:
    """Return the positions in `calls` of the tensors that every path to every output goes through.

    In the language of graphs, the dominators of the outputs.
    """
    before: dict[int, frozenset[int]] = {}  # tensor -> the calls that every path to it passes
    for i, call in enumerate(calls):
        if not is_graph(call.layer):
            before[id(call.output)] = _common(before, call.inputs) | {i}
    ends = _outputs(network, before)
    return sorted(frozenset.intersection(*ends)) if ends else []


def _common(before: dict, tensors) -> frozenset[int]:
    """Return what every path to any of these tensors passes. (Constants have no path.)"""
    known = [before.get(id(t), frozenset()) for t in tensors]
    return frozenset.intersection(*known) if known else frozenset()


def _outputs(network: Opened, before: dict) -> list[frozenset[int]]:
    """Return for each output of the network what every path to it passes.

    The outputs come from layers put on top (float32, a Dense without its softmax), so they are
    followed back to the first tensor of `calls`.
    """
    ends = []
    for output in keras.tree.flatten(network.model.keras_model.outputs):
        while id(output) not in before:
            node = output._keras_history.operation._inbound_nodes[-1]
            output = node.input_tensors[0]
        ends.append(before[id(output)])
    return ends


def _in_a_row(network: Opened, calls: tuple[Call, ...], found: list[Call]) -> bool:
    """Whether each of these calls depends on the one before it."""
    reached = {id(found[0].output)}
    for call in calls:
        if any(id(t) in reached for t in call.inputs):
            if call in found[1:] and not any(id(c.output) in reached for c in found[:1]):
                return False
            reached.add(id(call.output))
    return all(id(c.output) in reached for c in found)


def _has_positions(tensor: keras.KerasTensor) -> bool:
    return len(tensor.shape) == 4 and tensor.shape[1:3] != (1, 1)


def _transforms(layer) -> bool:
    """Whether a layer computes new features: a convolution, a Dense, or one's own that holds one.

    That shows in a weight with at least two axes longer than 1, such as (height, width, in, out).
    """
    if is_graph(layer):
        return False
    shapes = [tuple(variable.shape) for variable in getattr(layer, "weights", ())]
    if hasattr(layer, "kernel_size"):
        return any(len(shape) == 4 for shape in shapes)
    return any(sum(size > 1 for size in shape) >= 2 for shape in shapes)


def _same_maps(last: Call, call: Call) -> bool:
    """Whether a call without a convolution still belongs to the same maps, as a ReLU does."""
    same_size = call.output.shape[1:3] == last.output.shape[1:3]
    return same_size and "pooling" not in type(call.layer).__name__.lower()


# ---------------------------------------------------------------------------------------- tokens


def _maps_of(calls: tuple[Call, ...], call: Call) -> FeatureMaps | None:
    """Return a call's output as feature maps, or None where it has no positions."""
    shape = call.output.shape
    if len(shape) == 4:
        return FeatureMaps(call.layer, call.output)
    if len(shape) != 3 or shape[1] is None:
        return None
    for skip in _extra_tokens(calls, call):
        if (grid := _grid(calls, shape[1] - skip)) is not None:
            return FeatureMaps(call.layer, call.output, grid, skip)
    return None


def _extra_tokens(calls: tuple[Call, ...], call: Call) -> tuple[int, ...]:
    """Return how many tokens may come before those of the picture, the likeliest first.

    None, a class token, or a class token and one for distillation.
    """
    for earlier in calls:
        if earlier is call or len(earlier.output.shape) != 3:
            continue
        n, total = earlier.output.shape[1], call.output.shape[1]
        if n and total - n in (1, 2) and _grid(calls, n):
            return (total - n,)
    return 0, 1, 2


def _grid(calls: tuple[Call, ...], n: int) -> tuple[int, int] | None:
    """Return the height and width of n tokens: those of earlier maps, or a square; else None."""
    for c in calls:
        shape = c.output.shape
        if len(shape) == 4 and None not in shape[1:3] and shape[1] * shape[2] == n > 1:
            return tuple(shape[1:3])
    side = math.isqrt(max(n, 0))
    return (side, side) if side > 1 and side * side == n else None


def _token_layer(network: Opened, calls: tuple[Call, ...]) -> str:
    """Return the last layer with tokens on a grid, before attention reads a class token alone."""
    names = [c.layer.name for c in calls if len(c.output.shape) == 3 and _maps_of(calls, c)]
    return names[-2] if len(names) > 1 else (names or ["..."])[-1]


def _suggest(calls: tuple[Call, ...], name: str) -> str:
    convolutions = [
        c.layer.name for c in calls if _transforms(c.layer) and _has_positions(c.output)
    ]
    spatial = [c.layer.name for c in calls if _has_positions(c.output)]
    close = difflib.get_close_matches(name, spatial, n=3)
    text = f"Closest: {', '.join(close)}. " if close else ""
    if not convolutions:
        return text + "It has no convolutions."
    return text + f"Its convolutions, in order: {', '.join(dict.fromkeys(convolutions))}."
