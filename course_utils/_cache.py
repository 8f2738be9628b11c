"""Keep what is built from a model for as long as the model lives."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from course_utils._tensorflow import keras


def is_graph(model) -> bool:
    """Whether the model is Functional or Sequential, so that its layers can be followed.

    A subclass with a `call` of its own may compute anything around its layers, and is none.
    """
    if not isinstance(model, keras.Model) or not type(model).call.__module__.startswith("keras."):
        return False
    try:
        return bool(getattr(model, "outputs", None))
    except ValueError:  # what older versions of Keras say of a Sequential that is not built
        return False


def per_model(build: Callable) -> Callable:
    """Decorator: keep what `build(model, *args)` returns for as long as the model lives.

    Opening a model and compiling a function take seconds, using them takes milliseconds. The model
    is not kept alive, two threads may ask at once, and a model that got other layers, variables or
    activations is opened again. (Other settings, changed in a layer that has been used, are not
    noticed, as Keras itself does not notice them before compile().) Nothing is kept for a
    subclassed model, since what is built from it holds it.
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
    parts = [model.outputs[0], *model.variables]
    for layer in model.layers:
        parts += _parts(layer) if is_graph(layer) else [getattr(layer, "activation", None)]
    return parts
