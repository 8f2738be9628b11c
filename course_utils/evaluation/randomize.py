"""Shuffle what a network has learned: a map that stays the same didn't show it (lesson 6)."""

from __future__ import annotations

import difflib
import random
from collections.abc import Collection, Iterator

import numpy as np

from course_utils.checking import check_seed
from course_utils.network.graph import is_graph
from course_utils.network.tensorflow import keras


def randomize_weights(
    model: keras.Model,
    layers: str | keras.Layer | Collection[str | keras.Layer] | None = None,
    seed: int = 0,
) -> keras.Model:
    """Return a copy of the model with the weights of some layers shuffled.

    This is the model parameter randomisation test of Adebayo et al. 2018, arXiv:1810.03292, section
    3: a map that stays the same when the network forgets what it has learned didn't show what it
    had learned. *Cascading* means the last layer, then the last two, and so on. The paper draws new
    weights, as before training. Here each array keeps its numbers but shuffles them, so their size
    stays right for any network, however it was initialised.

    Args:
        model: a Functional or Sequential Keras model, nested or not; it isn't changed.
        layers: the names of the layers to shuffle (or the layers): one or a list; None for all.
            Some of them may have no weights, such as pooling layers.
        seed: a whole number, at least 0. A layer is shuffled in the same way, whatever others are.

    Returns:
        keras.Model, a copy with its own weights.

    Raises:
        TypeError, ValueError: a model that can't be copied; a name that no layer has; no layers
            with weights; a wrong seed.

    Lesson 6 does it by hand.
    """
    check_seed(seed)
    twins = list(zip(_all_layers(model), _all_layers(copy := _copy_model(model)), strict=True))
    names = [layer.name for layer, _ in twins]
    chosen = _chosen_layers([layer for layer, _ in twins], layers, model.name)
    changed = False
    for number, (layer, twin) in enumerate(twins):
        if id(layer) not in chosen:
            continue
        rng = np.random.default_rng([seed, number])
        for variable in twin.weights:
            if _was_learned(variable):
                variable.assign(_shuffled(np.asarray(variable), rng))
                changed = True
    _refresh(copy)
    if not changed:
        raise ValueError(
            f"None of the given layers of {model.name!r} has weights. The layers are: "
            f"{', '.join(names[:60])}."
        )
    return copy


def _was_learned(variable) -> bool:
    """Return whether a weight is more than a counter or the state of a random generator.

    Those are whole numbers, too, but of a larger type than an int8 or int4 kernel.
    """
    return "int" not in variable.dtype or variable.dtype in ("int8", "uint8")


def _shuffled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permuted(values.ravel()).reshape(values.shape)


def _refresh(model: keras.Model) -> None:
    """Let Normalization layers, which compute with copies of their weights, copy them again."""
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state") and layer.built:
            layer.finalize_state()


def _copy_model(model: keras.Model) -> keras.Model:
    if not is_graph(model):
        raise ValueError(
            f"Expected a Functional or Sequential keras.Model, but got {type(model).__name__}"
            ": other models can't be copied layer by layer."
        )
    state = random.getstate()  # Keras seeds the copy's initial weights from it
    made: dict[int, keras.Operation] = {}  # a layer that two nested models share stays one layer

    def twin_of(layer):
        if id(layer) not in made:
            made[id(layer)] = type(layer).from_config(layer.get_config())
        return made[id(layer)]

    try:
        copy = keras.models.clone_model(model, clone_function=twin_of, recursive=True)
    except Exception as error:  # a custom layer without a config to rebuild it from
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(f"The model {model.name!r} can't be copied by Keras: {reason}") from None
    finally:
        random.setstate(state)
    copy.set_weights(model.get_weights())
    _refresh(copy)
    return copy


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of those nested in it, in their order."""
    for layer in model.layers:
        if is_graph(layer):
            yield from _all_layers(layer)
        else:
            yield layer


def _chosen_layers(all_layers: list, layers, model_name: str) -> set[int]:
    if layers is None:
        return {id(layer) for layer in all_layers}
    wanted = layers if isinstance(layers, (list, tuple, set)) else [layers]
    chosen = set()
    for one in wanted:
        if not isinstance(one, (str, keras.Layer)):
            raise TypeError(
                f"layers={one!r}: expected names of layers (or layers), or None for all."
            )
        found = [a for a in all_layers if a is one or a.name == one]
        if not found:
            name = one if isinstance(one, str) else one.name
            close = difflib.get_close_matches(name, [a.name for a in all_layers], n=3)
            guess = f" Closest: {', '.join(close)}." if close else ""
            raise ValueError(f"The model {model_name!r} has no layer {name!r}.{guess}")
        chosen |= {id(layer) for layer in found}
    return chosen
