"""Check a picture and a plan before the plan is sealed, and evaluate its condition (lesson 7)."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course_utils.display import map_values
from course_utils.fingerprint import describe
from course_utils.images import load_image
from course_utils.models import Classifier

__all__ = [
    "check_plan",
    "class_number",
    "code_of",
    "read_picture",
    "recipe",
    "remarks",
    "verdict",
]

Box = tuple[int, int, int, int]


def read_picture(source) -> np.ndarray:
    """Read a picture as `load_image` does; "upload" asks for a file in Colab.

    Raises:
        ValueError: "upload" outside Colab.
        FileNotFoundError: there's no such file, or its path has quotation marks in it.
    """
    if isinstance(source, str) and source == "upload":
        if "google.colab" not in sys.modules:
            raise ValueError('"upload" works in Colab only: give the path of a file instead.')
        # A button; the picture goes to Google's machine.
        uploaded = sys.modules["google.colab"].files.upload()
        source = next(iter(uploaded.values()), "astronaut")
    if isinstance(source, str) and source.strip() != source.strip().strip("\"'"):
        bare = source.strip().strip("\"'")
        raise FileNotFoundError(
            f"The path {source!r} has quotation marks in it, as Windows copies it. Leave out the "
            f'inner ones: source = r"{bare}".'
        )
    return load_image(source)


def remarks(picture: np.ndarray, input_size: tuple[int, int]) -> list[str]:
    """Return what to know about a picture, uint8 (H, W, 3), before a network looks at it."""
    (height, width), found = picture.shape[:2], []
    used = min(height, width) / max(height, width)
    if used < 0.5:
        found.append(
            f"Only the centre square of your picture is used, {used:.0%} of it. Crop the picture "
            "yourself if what matters is elsewhere."
        )
    if min(height, width) < min(input_size) / 2:
        found.append(
            f"Your picture is small, {width} x {height} pixels, and is enlarged to {input_size[1]} "
            f"x {input_size[0]}: the network sees it blurred, and so do you."
        )
    if picture.max() < 48:
        found.append(
            f"Your picture is nearly black: its brightest value is {picture.max()} of 255. If its "
            "file stores 12 bits in 16, divide by 4095 yourself and give the array: source = "
            "np.asarray(Image.open(path)) / 4095, with Pillow's Image."
        )
    elif np.ptp(picture) < 16:
        found.append("Your picture has one colour, more or less: there is little to explain in it.")
    return found


def class_number(classifier: Classifier, expected: int | str | None) -> int | None:
    """Return the number of a class, given its number or its name; None stays None.

    Raises:
        ValueError: the classifier has no such class.
    """
    if isinstance(expected, str):
        return classifier.class_index(expected)
    last = len(classifier.labels) - 1
    if expected is not None and (
        not isinstance(expected, (int, np.integer)) or not 0 <= expected <= last
    ):
        raise ValueError(
            f"expected={expected!r}: the classes of {classifier.name} are numbered from 0 to "
            f"{last}. Give a number, a name or None."
        )
    return expected


def recipe(method: Callable, settings_text: str, settings: Mapping, what: str) -> str:
    """Return how the maps are made, in words that are the same in every run.

    It names functions among the settings, because their repr has an address in memory.
    """
    for name, value in settings.items():
        if callable(value):
            named = describe(value, f"the setting {name}")
            settings_text = settings_text.replace(repr(value), named)
    return f"{describe(method, 'the method')}({settings_text}) of {what}"


def code_of(function: Callable) -> str:
    """Return a function's code on one line, without comments and docstring.

    It's the body; the arguments, unless they're called fall and control_falls; and the values of
    the names that come from outside the function. Otherwise, they could be changed unnoticed.

    Raises:
        ValueError: not defined with def, or a value from outside can't be written down.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        tree = None
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(
            "The condition must be a function that was defined with def, or its code can't be "
            "sealed with the plan."
        )
    documented = ast.get_docstring(tree) is not None
    code = "; ".join(" ".join(ast.unparse(s).split()) for s in tree.body[documented:])
    arguments = ast.unparse(tree.args)
    if arguments != "fall, control_falls":
        code = f"with the arguments ({arguments}): {code}"
    for name, value in _from_outside(inspect.unwrap(function), tree).items():
        try:
            code += f", where {name} is {describe(value, name)}"
        except ValueError:
            raise ValueError(
                f"The condition uses {name!r} from outside, and its value can't be written into "
                "the plan. Write what you need into the function."
            ) from None
    return code


def _from_outside(function: Callable, tree: ast.FunctionDef) -> dict[str, Any]:
    """Return the variables and functions that a function takes from its notebook."""
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {n.id for n in named if not isinstance(n.ctx, ast.Load)} | {tree.name}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    used = sorted({n.id for n in named} - own)
    return {n: known[n] for n in used if n in known and not inspect.ismodule(known[n])}


def verdict(condition: Callable, fall: float, control_falls: Mapping[str, float], plan: str) -> str:
    """Evaluate the sealed condition for changing your mind; return a sentence on what came out.

    Args:
        condition, control_falls: as for `check_plan`.
        plan: the text that was sealed, with the condition's code in it.
    """
    try:
        sealed = code_of(condition) in plan
        changed = condition(fall, dict(control_falls))
    except Exception as error:  # with other numbers than those of `check_plan`
        return f"The condition was not evaluated: it stopped ({_reason(error)})."
    if not sealed:
        return "The condition was not evaluated: it isn't the one in the sealed plan."
    if changed is None:
        return "The condition was not evaluated: whether my mind is changed is left open."
    if not isinstance(changed, (bool, np.bool_)):
        return f"The condition was not evaluated: it returned {changed!r}, not True or False."
    return f"The condition was evaluated: my mind is {'changed' if changed else 'not changed'}."


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def check_plan(
    classifier: Classifier,
    classes: list[int],
    method: Callable,
    settings: Mapping,
    box: Box,
    controls: Mapping[str, Box],
    times: float,
    condition: Callable[[float, dict[str, float]], bool | None],
) -> list[str]:
    """Try everything in a plan before it's sealed, without looking at the picture.

    Args:
        box: (top, left, bottom, right), in pixels of the classifier's input; the last two are
            outside.
        controls: name -> box.
        times: the box's share of the map must be this many times its share of the area.
        condition: called as condition(fall, control_falls): how far the score falls when the box
            is covered and, by name, when each control is.

    Returns:
        Remarks on what's allowed but probably not what you mean.

    Raises:
        ValueError: something in the plan can't be carried out; the sentence says what to change.
    """
    if not isinstance(controls, Mapping) or not controls:
        raise ValueError(
            f"controls={controls!r}: expected a dictionary with at least one box, name -> (top, "
            "left, bottom, right). Without a control, nobody can say whether a fall is large."
        )
    if not all(isinstance(name, str) and name.strip() for name in controls):
        raise ValueError(f"The controls are called {list(controls)}: each needs a name, as text.")
    if "my box" in controls:
        raise ValueError("A control can't be called 'my box': that is the name of the box itself.")
    boxes = {"my box": box, **controls}
    _check_boxes(boxes, classifier.input_size)
    number = isinstance(times, (int, float, np.number)) and not isinstance(times, bool)
    if not number or not 0 < times < np.inf:
        raise ValueError(f"times={times!r}: expected a number above 0, such as 2.")
    _try_method(classifier, classes, method, settings)
    code_of(condition)
    try:
        answer = condition(1.0, dict.fromkeys(controls, 0.5))
    except KeyError as error:
        raise ValueError(
            f"The condition asks for the control {error}, and the controls are called "
            f"{', '.join(map(repr, controls))}."
        ) from None
    except Exception as error:
        raise ValueError(
            f"The condition stopped when it was tried ({_reason(error)}). It is called with the "
            "fall of the score when the box is covered, and a dictionary: control -> fall."
        ) from None
    if answer is not None and not isinstance(answer, (bool, np.bool_)):
        raise ValueError(
            f"The condition returned {answer!r}: expected True (I change my mind), False, or None "
            "if nothing here can decide it."
        )
    (top, left, bottom, right), (height, width) = box, classifier.input_size
    most = height * width / ((bottom - top) * (right - left))
    found = _doubts(boxes)
    if times > most:
        found.append(
            f"times={times} can't be reached: even a map that is all in your box has only "
            f"{most:.3g} times the box's area in it."
        )
    return found


def _check_boxes(boxes: Mapping[str, Box], size: tuple[int, int]) -> None:
    height, width = size
    for name, box in boxes.items():
        numbers = list(box) if isinstance(box, (tuple, list, np.ndarray)) else []
        if len(numbers) != 4 or not all(isinstance(n, (int, np.integer)) for n in numbers):
            raise ValueError(
                f"The box {name!r} is {box!r}: expected four whole numbers, (top, left, bottom, "
                "right)."
            )
        top, left, bottom, right = numbers
        if not (0 <= top < bottom <= height and 0 <= left < right <= width):
            raise ValueError(
                f"The box {name!r} is {tuple(numbers)}, and doesn't fit: (top, left, bottom, "
                f"right) with top < bottom <= {height} and left < right <= {width} pixels."
            )


def _try_method(classifier: Classifier, classes, method: Callable, settings: Mapping) -> None:
    """Run the method once, on an empty picture, to find wrong settings now."""
    if not callable(method):
        raise ValueError(f"method={method!r}: expected a function, such as grad_cam.")
    name = getattr(method, "__name__", "The method")
    if not isinstance(settings, Mapping) or not all(isinstance(key, str) for key in settings):
        raise ValueError(f'settings={settings!r}: expected a dictionary, such as {{"seed": 0}}.')
    taken = list(inspect.signature(method).parameters.values())[3:]
    known = [p.name for p in taken if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [key for key in settings if key not in known]
    if unknown and not any(p.kind == p.VAR_KEYWORD for p in taken):
        raise ValueError(
            f"{name} has no setting {unknown[0]!r}. It has: {', '.join(known) or 'none'}. (Change "
            "method and settings together.)"
        )
    for p in taken:  # "no" would count as yes
        value = settings.get(p.name, p.default)
        if isinstance(p.default, bool) and not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{p.name}={value!r}: expected True or False.")
    height, width = classifier.input_size
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    ramp = np.broadcast_to(ramp[None, :, None], (height, width, 3))
    try:
        [tried] = method(classifier.model, classifier.prepare(ramp), classes[0], **settings)
        map_values(tried)
    except Exception as error:
        raise ValueError(
            f"{name} can't run with these settings: {' '.join(str(error).split())}"
        ) from None


def _doubts(boxes: Mapping[str, Box]) -> list[str]:
    (mine, box), *controls = boxes.items()
    found = []
    for name, other in controls:
        sizes = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
        if not 0.8 <= sizes[1] / sizes[0] <= 1.25:
            found.append(
                f"The control {name!r} has {sizes[1]} pixels and your box {sizes[0]}: a larger "
                "patch of grey does more harm. Make them equal."
            )
        if max(box[0], other[0]) < min(box[2], other[2]) and (
            max(box[1], other[1]) < min(box[3], other[3])
        ):
            found.append(f"The control {name!r} overlaps {mine}: it covers a part of that too.")
    return found
