"""Describe a task in a text: the same for the same network, method and options, else different.

Another process may continue a run of `explain_dataset` days later. So the text may only use what
lasts: names that can be imported, numbers, and digests of arrays and weights.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import hashlib
import math
import operator
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import PurePath

import numpy as np

import course_utils
from course_utils.network.tensorflow import keras, tf

_CHUNK = 2**22  # values that are hashed at a time


def digest(parts: Iterable[bytes]) -> str:
    """Return the first 128 bits of a SHA-256, as text."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()[:32]


def weights_digest(model: keras.Model) -> str:
    """Return a digest of a model's weights, in their order; their names don't matter."""

    def parts():
        for variable in model.weights:
            yield f"{variable.dtype}{tuple(variable.shape)}".encode()
            values = tf.reshape(variable.value, [-1])
            for start in range(0, math.prod(variable.shape), _CHUNK):
                yield values[start : start + _CHUNK].numpy().tobytes()

    return digest(parts())


_PLAIN = (bool, int, float, complex, str, bytes, slice, range, type(...))


def describe(value, what: str) -> str:
    """Describe a method or one of its options.

    Functions are described by their importable name, and those from a notebook or script also by a
    digest of their code; arrays by a digest; a functools.partial by its function and options.

    Args:
        what: what the value is, for the messages.

    Raises:
        ValueError: no description would be the same in another process.
    """
    if value is None or isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, (PurePath, np.dtype, enum.Enum)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(item, what) for item in value) + "]"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(describe(item, what) for item in value)) + "}"
    if isinstance(value, dict):
        items = (f"{describe(k, what)}: {describe(v, what)}" for k, v in value.items())
        return "{" + ", ".join(sorted(items)) + "}"
    if isinstance(value, functools.partial):
        options = [describe(item, f"an option of {what}") for item in value.args]
        options += [
            f"{key}={describe(item, f'the option {key} of {what}')}"
            for key, item in sorted(value.keywords.items())
        ]
        return f"{describe(value.func, what)}({', '.join(options)})"
    if isinstance(value, keras.Operation):  # a layer of the network
        return f"layer {value.name}"
    if callable(value):
        return _describe_callable(value, what)
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype != object:
            data = digest([np.ascontiguousarray(array).tobytes()])
            return f"array({array.dtype}, {array.shape}, {data})"
    raise _nameless(what, f"a {type(value).__name__}")


def _describe_callable(value: Callable, what: str) -> str:
    name = getattr(value, "__qualname__", getattr(value, "__name__", None))
    if getattr(course_utils, str(name), None) is value:  # whichever module defines it
        return f"course_utils.{name}"
    module = getattr(value, "__module__", None) or ("numpy" if isinstance(value, np.ufunc) else "")
    if name is None:
        raise _nameless(what, f"an object of the class {type(value).__name__}")
    if "<" in name:
        lambdas = name.endswith("<lambda>")
        raise _nameless(what, "a lambda" if lambdas else f"{name}, a function inside another")
    try:
        found = operator.attrgetter(name)(sys.modules[module])
    except (KeyError, AttributeError):
        found = None
    if found != value:
        raise _nameless(what, f"called {module}.{name}, and that is something else")
    text = f"{module}.{name}"
    return f"{text}, code {_code_digest(value, what)}" if module == "__main__" else text


def _nameless(what: str, kind: str) -> ValueError:
    return ValueError(
        f"{what[0].upper()}{what[1:]} is {kind}, which has no name to recognise it by when the run "
        "is continued. Define a function with def, in a module or at the top of a notebook cell, "
        "and give that; functools.partial sets its options: numbers, texts or arrays."
    )


def _code_digest(function: Callable, what: str) -> str:
    """Return a digest of what a function from a notebook or script does."""
    texts: list[str] = []
    seen: set[int] = set()

    def add_code(code: types.CodeType, names: dict) -> None:
        texts.append(code.co_code.hex())
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                add_code(constant, names)
            else:
                texts.append(describe(constant, what))
        for name in code.co_names:
            texts.append(name)
            if name in names:
                add(names[name])

    def add(value) -> None:
        """Add what the function uses from its notebook, if that can be described."""
        code = getattr(value, "__code__", None)
        if getattr(value, "__module__", None) != "__main__" or code is None:
            with contextlib.suppress(ValueError):
                texts.append(describe(value, what))
        elif id(value) not in seen:
            seen.add(id(value))
            add_code(code, value.__globals__)
            for used in (
                value.__defaults__,
                value.__kwdefaults__,
                getattr(value, "__wrapped__", 0),
            ):
                add(used)

    add(function)
    return digest(text.encode(errors="backslashreplace") + b"\0" for text in texts)
