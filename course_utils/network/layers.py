"""Find the feature maps that a class score is computed from: the last ones, or a layer's.

"The last feature maps" are the last values that still have positions and that *every* path from
the picture to the scores goes through. At one of several branches, a map would show only part of
what the score depends on, but look complete.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from course_utils.network.graph import Call, is_graph, kind_of
from course_utils.network.open import Opened, opened
from course_utils.network.tensorflow import keras, tf


class FeatureMaps(NamedTuple):
    """A tensor of a network, and where its positions are.

    Attributes:
        layer: the layer that computes it.
        tensor: (B, h, w, K), or tokens (B, n, K).
        grid: of tokens, (h, w); None for maps, which already have positions.
        skip: how many tokens, such as a class token, come before the picture's.
    """

    layer: keras.Operation
    tensor: keras.KerasTensor
    grid: tuple[int, int] | None = None
    skip: int = 0

    def with_positions(self, values) -> tf.Tensor:
        """Return values of the tensor's shape as float32 (B, h, w, K).

        It's float32 even if the layers compute in float16: sums over positions have many terms.

        Raises:
            ValueError: there are no values, because the score doesn't depend on the layer.
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

    These are the last maps that every path from the picture to the scores goes through, after the
    last convolution and before pooling. If batch norm, residual addition and activation are
    separate layers, it's after those, too. It's "block5_conv3" in VGG16, "conv5_block3_out" in
    ResNet50, "out_relu" in MobileNetV2, "activation_187" in NASNetMobile, and "head_conv" in the
    course's own network.

    Args:
        model: a Functional or Sequential keras.Model; nested models are searched, too.

    Returns:
        The layer, which `grad_cam` takes as `layer`. (An operation such as `a + b` counts as one.)

    Raises:
        ValueError: the model has no convolution on every path, computes with tokens afterwards (as
            vision transformers do), or is subclassed, so we can't search it.
    """
    return last_maps(opened(model)).layer


def last_maps(network: Opened) -> FeatureMaps:
    """Return the last feature maps: see `last_conv_layer`."""
    calls = _calls(network)
    places = _places(network, calls)
    spatial = [i for i in _passed_by_all(network, calls) if _is_map(calls[i].output, places)]
    # A convolution on one of several branches shows up where the branches meet again.
    last, base, carries_on = None, -1, False
    for i in spatial:
        between = calls[base + 1 : i + 1]
        if any(_transforms(c.layer) and _is_map(c.output, places) for c in between):
            carries_on = True
        elif last is not None:
            carries_on = carries_on and _same_maps(calls[last], calls[i])
        last, base = i if carries_on else last, i
    if any(_computes_with_tokens(c) for c in calls[(-1 if last is None else last) + 1 :]):
        layer = _token_layer(calls, places)
        raise ValueError(
            f"The model {network.name!r} computes with tokens, (batch, tokens, channels), so it "
            "has no last convolution to look at. "
            + (f"Name a layer, for example layer={layer!r}." if layer else _suggest(calls, ""))
        )
    if last is None:
        raise ValueError(
            f"The model {network.name!r} has no convolution with an output of more than one "
            "position that every path to the scores goes through, so there are no last feature "
            f"maps. {_suggest(calls, '')}"
        )
    return FeatureMaps(calls[last].layer, calls[last].output)


@tf.autograph.experimental.do_not_convert  # nothing in it is a tensor
def find_maps(network: Opened, layer) -> FeatureMaps:
    """Return the feature maps of a layer, given its name or the layer; for None, the last ones.

    If a layer is called several times, we use the call with the last feature maps, or otherwise, if
    each call follows the one before, the last call; "name:0" is the first, "name:1" the second.

    Raises:
        ValueError: no layer, or several, with that name; or its output has no positions.
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
        has = "1 output, 0" if len(found) == 1 else f"{len(found)} outputs, 0 to {len(found) - 1}"
        raise ValueError(f"The layer {name!r} has {has}.")
    if number is None and len(found) > 1:
        with contextlib.suppress(ValueError):
            if (last := last_maps(network)).layer is found[0].layer:
                return last
    if number is None and not _in_a_row(calls, found):
        raise ValueError(
            f"The layer {name!r} has {len(found)} parallel outputs, and a map would show one "
            f"of them. Say which: layer='{name}:0' to layer='{name}:{len(found) - 1}'."
        )
    maps = _maps_of(_places(network, calls), found[-1 if number is None else number])
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
            "can't be followed. Build it with keras.Model(inputs, outputs) or keras.Sequential."
        )
    return network.calls


def _split_number(layer, calls) -> tuple[str, int | None]:
    """Split "name:1" into the name and the number of the call; a layer itself has no name here."""
    if not isinstance(layer, str):
        return "", None
    name, colon, number = layer.rpartition(":")
    if colon and number.isdecimal() and not any(c.layer.name == layer for c in calls):
        return name, int(number)
    return layer, None


def _passed_by_all(network: Opened, calls: tuple[Call, ...]) -> list[int]:
    """Return the positions in `calls` of the tensors that every path to every output goes through.

    In graph theory, they're the outputs' dominators.
    """
    before: dict[int, frozenset[int]] = {}  # tensor -> the calls on every path to it
    for i, call in enumerate(calls):
        if not is_graph(call.layer):
            before[id(call.output)] = _common(before, call.inputs) | {i}
    ends = _outputs(network, before)
    return sorted(frozenset.intersection(*ends)) if ends else []


def _common(before: dict, tensors) -> frozenset[int]:
    """Return the calls on every path to any of these tensors (constants have no path)."""
    known = [before.get(id(t), frozenset()) for t in tensors]
    return frozenset.intersection(*known) if known else frozenset()


def _outputs(network: Opened, before: dict) -> list[frozenset[int]]:
    """Return, for each output of the network, the calls on every path to it.

    The outputs come from layers that were put on top (float32, a Dense without its softmax), so we
    follow them back to the first tensor of `calls`.
    """
    ends = []
    for output in keras.tree.flatten(network.model.keras_model.outputs):
        while id(output) not in before:
            history = output._keras_history
            output = history.operation._inbound_nodes[history.node_index].input_tensors[0]
        ends.append(before[id(output)])
    return ends


def _in_a_row(calls: tuple[Call, ...], found: list[Call]) -> bool:
    """Return whether each of these calls depends on the one before it."""
    for one, following in itertools.pairwise(found):
        reached = {id(one.output)}
        for call in calls:
            if any(id(t) in reached for t in call.inputs):
                reached.add(id(call.output))
        if id(following.output) not in reached:
            return False
    return True


def _transforms(layer) -> bool:
    """Return whether a layer computes new features: a convolution, a Dense, or a custom one.

    Then it has a weight with at least two axes longer than 1, such as (height, width, in, out).
    """
    if is_graph(layer) or kind_of(layer) == "prelu":  # its slopes have an axis per position
        return False
    shapes = [tuple(variable.shape) for variable in getattr(layer, "weights", ())]
    kernel = hasattr(layer, "kernel_size") and any(len(shape) > 2 for shape in shapes)
    return kernel or any(sum(size > 1 for size in shape) >= 2 for shape in shapes)


def _same_maps(last: Call, call: Call) -> bool:
    """Return whether a call without a convolution keeps the same maps, as a ReLU does."""
    same_size = call.output.shape[1:3] == last.output.shape[1:3]
    return same_size and "pool" not in kind_of(call.layer)


# --------------------------------------------------------------------------- where positions are


class Places(NamedTuple):
    """Where a tensor's positions are: on a grid, after `skip` tokens that have none.

    The grid is (height, width), with None if any size will do.
    """

    grid: tuple[Any, Any]
    skip: int = 0


def _places(network: Opened, calls: tuple[Call, ...]) -> dict[int, Places]:
    """Return where each tensor's positions are, if it has any, following them from the picture.

    A shape isn't enough: in (B, 16, 16, 4), the first 16 may be channels rather than rows.
    """
    picture = network.model.keras_model.inputs[0]
    places = {id(picture): Places(tuple(picture.shape[1:3]))}
    for call in calls:
        if id(call.output) in places:
            continue  # for a nested model, whose own layers came before
        for given in call.inputs:
            if id(given) in places:
                found = _after(call, given, places[id(given)], network)
                if found is not None:
                    places[id(call.output)] = found
                    break
    return places


_AXES = {"permute": "dims", "transpose": "axes"}


def _after(call: Call, given: keras.KerasTensor, places: Places, network: Opened) -> Places | None:
    """Return where the positions are after one call, or None once they're gone."""
    kind, shape = kind_of(call.layer), tuple(call.output.shape)
    kept = shape[1:3] == places.grid
    if kind in ("swapaxes", "moveaxis"):
        return None
    if kind in _AXES:
        axes = tuple(getattr(call.layer, _AXES[kind], None) or ())
        stay = axes[:2] == (1, 2) if kind == "permute" else axes[:3] == (0, 1, 2)
        return places if stay else None
    if len(given.shape) > 3 and len(shape) > 3:
        if "reshape" in kind or len(shape) != 4 or len(given.shape) != 4:
            return Places(shape[1:3]) if kept else None
        return Places(shape[1:3])  # a convolution, pooling, an activation, ...
    h, w = places.grid
    if len(given.shape) > 3 and len(shape) == 3:
        if None not in (h, w, shape[1]) and shape[1] == h * w:
            return places
        return _of_patches(shape[1], network)
    if len(given.shape) == 3 and len(shape) == 3 and None not in (shape[1], given.shape[1]):
        if shape[1] == given.shape[1]:
            return places
        if shape[1] > given.shape[1]:
            return _with_more_tokens(call, given, places)
    if len(given.shape) == 3 and len(shape) == 4 and kept and places.skip == 0:
        return places
    return None


def _of_patches(n: int | None, network: Opened) -> Places | None:
    """Return the grid of n patches that a custom layer cut, in the picture's proportions."""
    H, W, _ = network.inputs[1:]
    if not (n and H and W) or n < 2:
        return None
    h = round(math.sqrt(n * H / W))
    return Places((h, n // h)) if h and h * (n // h) == n and h * W == (n // h) * H else None


def _with_more_tokens(call: Call, given: keras.KerasTensor, places: Places) -> Places | None:
    """Return where the picture's tokens are after a class token, by trying the layer."""
    try:
        layer = keras.Model(list(call.inputs), call.output)
        rng = np.random.default_rng(0)
        z = [rng.standard_normal((1, *x.shape[1:])).astype(x.dtype) for x in call.inputs]
        with tf.init_scope():  # to compute numbers, even while a formula is being compiled
            found = np.asarray(layer(z, training=False))[0]
    except Exception:  # a layer that can't be tried by itself
        return None
    mine = next(a for a, x in zip(z, call.inputs, strict=True) if x is given)[0]
    for skip in range(len(found) - len(mine) + 1):
        if np.allclose(found[skip : skip + len(mine)], mine, atol=1e-5):
            return Places(places.grid, places.skip + skip)
    return None


def _is_map(tensor: keras.KerasTensor, places: dict[int, Places]) -> bool:
    """Return whether a tensor has rows and columns, and more than one position."""
    grid = places[id(tensor)].grid if id(tensor) in places else (1, 1)
    return len(tensor.shape) == 4 and grid != (1, 1)


def _maps_of(places: dict[int, Places], call: Call) -> FeatureMaps | None:
    """Return a call's output as feature maps, or None if it has no positions."""
    found = places.get(id(call.output))
    if found is None or len(call.output.shape) not in (3, 4):
        return None
    if len(call.output.shape) == 4:
        return FeatureMaps(call.layer, call.output)
    return FeatureMaps(call.layer, call.output, found.grid, found.skip)


def _computes_with_tokens(call: Call) -> bool:
    shape, kind = call.output.shape, kind_of(call.layer)
    many = len(shape) >= 3 and shape[1] not in (None, 1) and not is_graph(call.layer)
    mixes = _transforms(call.layer) or "attention" in kind or kind in ("matmul", "einsum")
    return many and mixes and any(len(x.shape) == 3 for x in call.inputs)


def _token_layer(calls: tuple[Call, ...], places: dict) -> str | None:
    """Return the last layer with tokens on a grid that attention still reads, or None."""
    of_tokens = [c for c in calls if len(c.output.shape) == 3 and id(c.output) in places]
    mixing = [i for i, c in enumerate(calls) if "attention" in kind_of(c.layer)]
    read = [c for c in of_tokens if not mixing or calls.index(c) < mixing[-1]]
    names = [c.layer.name for c in read or of_tokens if isinstance(c.layer, keras.Layer)]
    return names[-1] if names else None


def _suggest(calls: tuple[Call, ...], name: str) -> str:
    spatial = [c for c in calls if len(c.output.shape) == 4 and c.output.shape[1:3] != (1, 1)]
    convolutions = [c.layer.name for c in spatial if _transforms(c.layer)]
    spatial = [c.layer.name for c in spatial]
    close = difflib.get_close_matches(name, spatial, n=3)
    text = f"Closest: {', '.join(close)}. " if close else ""
    if not convolutions:
        return text + "It has no convolutions."
    return text + f"Its convolutions, in order: {', '.join(dict.fromkeys(convolutions))}."
