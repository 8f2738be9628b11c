"""The one judge of all exercises: run the answer, and compare it with known wrong programs.

An `Exercise` is a table: the reference program, a few inputs that bring mistakes to light, and
wrong programs with the sentence each one deserves. The judge runs the student's function on the
inputs. If its results match the reference's, it's right. If they match a wrong program's on every
input, the student gets that program's sentence, and otherwise the first number that differs. Only
`_say` prints verdicts, and no verdict ever raises.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import inspect
import re
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils import progress
from course_utils.checks._quiz import in_notebook

# Results are the same if they differ by less than this share of each number, plus this share of the
# largest one. That rejects numbers rounded to three decimals, where an input has small ones. And it
# forgives float32 sums in any order: 2**-17 in each product, eight times a GPU's error, passes all
# tables.
RTOL, ATOL = 1e-4, 3e-4


class Mistake(Exception):
    """A wrong answer; the text says what, where, and what to try."""


class _Undone(Exception):
    """The function still returns the `...` of its stub."""


class _Raised(Exception):
    """The student's code raised `error`."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error


def numbers(answer: Any) -> np.ndarray:
    """Return an answer as a new array of floats; raise Mistake if it can't be one."""
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    try:
        array = np.asarray(answer)
    except ValueError:
        shapes = ", ".join(sorted({str(np.shape(part)) for part in answer}))
        kind = type(answer).__name__
        raise Mistake(f"The parts of the {kind} have different shapes: {shapes}.") from None
    if array.dtype.kind not in "biuf":
        raise TypeError
    return np.array(array, float)


def as_it_is(answer: Any) -> Any:
    """Return a copy of an answer that's a text, or a list or dict of texts and numbers."""
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    return copy.deepcopy(answer)


def difference(got: Any, want: Any, axes: Sequence[str] = (), place: str = "") -> str | None:
    """Return a sentence on where two results first differ, and how; None if they don't."""
    of = place or "the result"
    if isinstance(want, (np.ndarray, np.generic)):
        want = np.asarray(want)
        try:
            got = np.asarray(got, float)
        except (TypeError, ValueError):
            return f"{of} must be numbers, not {_short(got)}."
        named = len(axes) == want.ndim > 0
        if got.shape != want.shape:
            shape = f"the shape {want.shape}" + f", ({', '.join(axes)})" * named
            should = f"have {shape}" if want.shape else "be one number"
            return f"{of} must {should}, and yours has the shape {got.shape}."
        finite = np.abs(want[np.isfinite(want)])
        scale = finite.max() if finite.any() else 1
        close = np.isclose(got, want, rtol=RTOL, atol=ATOL * scale, equal_nan=True)
        if close.all():
            return None
        first = tuple(map(int, np.argwhere(~close)[0]))
        should, is_ = tell_apart(float(want[first]), float(got[first]))
        if first:
            at = ", ".join(map("{} {}".format, axes, first)) if named else list(first)
            of = f"in {place}, " * bool(place) + f"the number at {at}"
        return f"{of} must be {should}, and yours is {is_}."
    if isinstance(want, Mapping):
        if not isinstance(got, Mapping):
            return f"{of} must be a dict, not {_short(got)}."
        for key in [*want, *got]:
            if key not in got:
                return f"in {of}, {key!r} is missing."
            if key not in want:
                return f"in {of}, {key!r} shouldn't be there."
            if found := difference(got[key], want[key], axes, f"{place}[{key!r}]"):
                return found
        return None
    if isinstance(want, (list, tuple)):
        if not isinstance(got, (list, tuple)):
            kind = type(want).__name__
            return f"{of} must be a {kind} of {len(want)}, not {_short(got)}."
        for i, (g, w) in enumerate(zip(got, want, strict=False)):
            if found := difference(g, w, axes, f"{place}[{i}]"):
                return found
        if len(got) != len(want):
            return f"{of} must have {len(want)} parts, and yours has {len(got)}."
        return None
    if isinstance(got, np.generic):
        got = got.item()
    if isinstance(want, float) and isinstance(got, (int, float)):
        return difference(np.asarray(got, float), np.asarray(want), axes, place)
    if isinstance(got, type(want)) and got == want:
        return None
    if isinstance(want, str) and isinstance(got, str):
        same = next((i for i, (g, w) in enumerate(zip(got, want, strict=False)) if g != w), None)
        start = max(0, (min(len(got), len(want)) if same is None else same) - 20)
        dots = "..." if start else ""
        got, want = dots + got[start:], dots + want[start:]
    return f"{of} must be {_short(want)}, and yours is {_short(got)}."


def tell_apart(a: float, b: float) -> tuple[str, str]:
    """Return two numbers with enough digits to tell them apart, at least four."""
    digits = next((n for n in range(4, 17) if f"{a:.{n}g}" != f"{b:.{n}g}"), 17)
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except BaseException:  # the student's own __repr__
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """An exercise as its check knows it. Call it with a student's function, and it's the check.

    Each input has words, which go into sentences such as "For {words}, ...", and is made anew for
    each call. The truth is the result for the first of them, worked out by hand. `errors` are
    pairs of a pattern and a sentence: what an error of NumPy or TensorFlow means in this exercise.
    `rules` check what no comparison of results can show: each is called with the student's
    function, and raises a Mistake.
    """

    id: str
    right: Callable
    inputs: Mapping[str, Callable[[], tuple]]
    truth: Any
    wrong: Sequence[tuple[Callable, str]]
    errors: Sequence[tuple[str, str]] = ()
    axes: Sequence[str] = ()  # what the result's axes are, in the singular: "picture", "row"
    normalise: Callable[[Any], Any] = numbers
    difference: Callable[..., str | None] = difference
    rules: Sequence[Callable[[Callable], None]] = ()
    arguments: tuple[str, ...] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "arguments", tuple(inspect.signature(self.right).parameters))

    def __call__(self, student: Callable) -> Callable:
        """Print a verdict; return the student's function if it's right, else a working one."""

        def handed_out(*args, **kwargs):
            return self.right(*args, **kwargs)

        vars(handed_out).update(from_the_course=True)
        if getattr(student, "from_the_course", False):
            _say(
                f"Exercise {self.id}: this is the course's working "
                "version, not yours. Run the cell with your function again, then this one; if that "
                "cell shows an error, fix it first."
            )
            return student
        go_on = "Until then, the notebook goes on with a working version."
        try:
            with _on_the_cpu():
                sentence = _judged(self, student)
        except _Undone:
            text = f"not done yet. {_left_over(student)}{go_on}"
            _say(f"Exercise {self.id}: {text}", "○")
            return handed_out
        except KeyboardInterrupt:
            sentence = (
                "The check was interrupted while it waited for your function. If that took long, "
                "look for a loop that never ends, or for one that's far too long."
            )
        except Exception as error:  # in the table or the judge: the student's are caught elsewhere
            _say(
                f"Exercise {self.id}: no verdict. The check itself stopped with "
                f"{type(error).__name__}: {_text(error)}. It's the check's fault, not yours. "
                "The notebook goes on with your function."
            )
            return student
        if sentence is None:
            _say(f"Exercise {self.id}: right, well done.", "✓")
        else:
            _say(f"Exercise {self.id}: not right yet. {sentence} {go_on}", "✗")
        progress.record(self.id, right=sentence is None)
        return student if sentence is None else handed_out


def _judged(exercise: Exercise, student: Callable) -> str | None:
    """Return what's wrong with the student's function, or None if it's right."""
    labels = list(exercise.inputs)
    found = [_try(exercise, student, label) for label in labels]
    wanted = [_known(exercise, exercise.right, label) for label in labels]
    for outcome in wanted:
        if outcome.error:
            raise outcome.error
    wrong_at = [
        i for i, pair in enumerate(zip(found, wanted, strict=True)) if _differ(exercise, *pair)
    ]
    if wrong_at:
        return _explained(exercise, student, found, wanted, wrong_at[0])
    for outcome in found:
        if outcome.changed:
            return outcome.changed
    for outcome in found:
        if exercise.difference(exercise.normalise(outcome.raw), outcome.value) is not None:
            return (
                "The result is right, but a second call changes the first call's result: "
                "make a new array in every call."
            )
    if _differ(exercise, _try(exercise, student, labels[0]), wanted[0]):
        return (
            "Right on the first call, but not when it's called again with the "
            "same arguments: something is kept from call to call, in a global variable or a "
            "default value, or is drawn at random."
        )
    try:
        for rule in exercise.rules:
            rule(_watched(student))
    except Mistake as mistake:
        return str(mistake)
    except _Raised as raised:
        return _crash(exercise, student, raised.error)
    return None


@dataclass
class _Outcome:
    raw: Any = None  # what the function returned
    value: Any = None  # and in the form that's compared
    error: BaseException | None = None
    changed: str | None = None


def _try(exercise: Exercise, program: Callable, label: str) -> _Outcome:
    """Run a program on one input; errors and changed arguments are part of the outcome."""
    args = exercise.inputs[label]()
    before = [_state(arg) for arg in args]
    outcome = _Outcome()
    try:
        outcome.raw = _watched(program)(*args)
        outcome.value = _normalised(exercise, outcome.raw)
    except _Raised as raised:
        outcome.error = raised.error
    except Mistake as mistake:
        outcome.error = mistake
    for name, arg, state in zip(exercise.arguments, args, before, strict=False):
        if not _same(_state(arg), state):
            outcome.changed = outcome.changed or _CHANGED.format(name=name)
            if model := _model(arg):  # a model may be shared with later calls
                forget_models()
                with contextlib.suppress(Exception):  # it has another shape by now
                    model.set_weights(state[1])
    return outcome


_known = functools.cache(_try)  # a table's wrong program does the same each time


_CHANGED = (
    "The result is right, but the argument `{name}` was changed, so the code that passed it in "
    "would go on with other values. Work on a copy: -=, *= and [...] = change `{name}` "
    "itself, even through a second name, or through a slice such as `{name}[0]`, which is a window "
    "on it."
)


def _watched(student: Callable) -> Callable:
    """Wrap the function: its errors can't be taken for the check's own."""

    def call(*args, **errstate: Any):  # a rule may want to hear NumPy's warnings, as invalid="warn"
        try:
            with np.errstate(**dict[str, Any](all="ignore") | errstate), warnings.catch_warnings():
                if not errstate:  # the verdict itself says what an answer warns about
                    warnings.simplefilter("ignore")
                answer = student(*args)
        except (KeyboardInterrupt, Mistake):
            raise
        except NotImplementedError as error:
            if error.args:
                raise _Raised(error) from None
            raise _Undone from None
        except BaseException as error:
            raise _Raised(error) from None
        if answer is ... or (isinstance(answer, tuple) and any(part is ... for part in answer)):
            raise _Undone
        return answer

    return call


def _normalised(exercise: Exercise, answer: Any) -> Any:
    try:
        return exercise.normalise(answer)
    except Mistake:
        raise
    except Exception:
        if answer is None:
            raise Mistake("The function returns nothing: is the `return` missing?") from None
        kind = "an array of numbers" if exercise.normalise is numbers else "a result of this kind"
        raise Mistake(f"The function must return {kind}, not {_short(answer)}.") from None


def _differ(exercise: Exercise, got: _Outcome, want: _Outcome) -> bool:
    """Return whether two outcomes differ, in their value or their kind of error."""
    if got.error or want.error:
        return type(got.error) is not type(want.error) or (
            isinstance(want.error, Mistake) and str(want.error) != str(got.error)
        )
    return exercise.difference(got.value, want.value) is not None


def _explained(exercise, student, found, wanted, first: int) -> str:
    """Return the sentence for a wrong answer whose results first differ at the input `first`."""
    labels = list(exercise.inputs)
    compared = [_differ(exercise, *pair) for pair in zip(found, wanted, strict=True)]
    returned = [i for i, outcome in enumerate(found) if not outcome.error]
    attempts: list[Sequence[int]] = [range(len(labels))] if returned else []
    if any(compared[i] for i in returned):  # a wrong result, whatever happens elsewhere
        attempts.append(returned)
    for places in attempts:
        for program, sentence in exercise.wrong:
            tried = ((found[i], _known(exercise, program, labels[i])) for i in places)
            if not any(_differ(exercise, *pair) for pair in tried):
                return sentence
        for change, sentence in _CHANGES:
            if all(_is_changed(change, found[i], wanted[i]) for i in places):
                return sentence
    outcome, label = found[first], labels[first]
    at = f"Right for {labels[0]}, but not for {label}: " if first else f"For {label}, "
    if isinstance(outcome.error, Mistake):
        return str(outcome.error) if not first else at + str(outcome.error)
    if outcome.error:
        return (at if first else "") + _crash(exercise, student, outcome.error)
    said = at + exercise.difference(outcome.value, wanted[first].value, exercise.axes)
    said += _all_alike(found, wanted)
    if outcome.changed:
        said += f" And {outcome.changed.removeprefix('The result is right, but ')}"
    return said


# Mistakes that fit any right result; if a table says more about one, the table comes first.
_CHANGES: tuple[tuple[Callable, str], ...] = (
    (lambda r: -r, "All numbers have the wrong sign, but are right otherwise."),
    (np.abs, "The signs are gone: negative numbers must stay negative."),
    (lambda r: np.maximum(r, 0), "The negative numbers are gone, but should have stayed."),
    *[
        (functools.partial(np.round, decimals=d), f"The numbers are rounded {to}: leave them.")
        for d, to in enumerate(["to whole numbers", *(f"to {d} decimals" for d in (1, 2, 3))])
    ],
    (np.trunc, "The digits after the point are cut off: don't turn the result into whole numbers."),
    (lambda r: r.T, "Right numbers, but the axes are swapped (transposed)."),
    (lambda r: r[::-1], "Right numbers, but in the reverse order along the first axis."),
    (lambda r: r[0], "Only the first of them is returned. Is the `return` inside the loop?"),
    (lambda r: r[-1], "Only the last of them is returned."),
    (lambda r: np.broadcast_to(r[:1], r.shape), "The first of them is returned for all of them."),
    (lambda r: np.broadcast_to(r.mean(axis=0), r.shape), "All of them get the same numbers, the "
     "mean over the first axis."),
    (np.ravel, "Right numbers, but all in one line: the shape is missing."),
)  # fmt: skip


def _is_changed(change: Callable, got: _Outcome, want: _Outcome) -> bool:
    if got.error or not isinstance(want.value, np.ndarray):
        return False
    try:
        return difference(got.value, np.asarray(change(want.value))) is None
    except IndexError:
        return False


def _all_alike(found: Sequence[_Outcome], wanted: Sequence[_Outcome]) -> str:
    """Return a sentence if every number of every result is off by the same factor or amount."""
    pairs = [(outcome.value, want.value) for outcome, want in zip(found, wanted, strict=True)]
    if any(outcome.error for outcome in found) or not all(
        isinstance(w, np.ndarray) and np.shape(g) == w.shape for g, w in pairs
    ):
        return ""
    got, want = (np.concatenate([np.ravel(part[side]) for part in pairs]) for side in (0, 1))
    if len(want) < 3 or not np.isfinite(got).all() or not np.ptp(want):
        return ""
    factor, amount = (got @ want) / (want @ want), (got - want).mean()
    if f"{factor:.4g}" not in ("0", "1") and np.allclose(
        got, factor * want, rtol=RTOL, atol=ATOL * np.abs(got).max()
    ):
        return f" All numbers are {factor:.4g} times what they should be."
    if np.allclose(got, want + amount, rtol=RTOL, atol=ATOL * np.abs(got).max()):
        return f" All numbers are {abs(amount):.4g} too {'large' if amount > 0 else 'small'}."
    return ""


def _crash(exercise: Exercise, student: Callable, error: BaseException) -> str:
    """Return a sentence on where the student's code stopped and what that means here."""
    text = _text(error)
    known = f"{type(error).__name__}: {_text(error, whole=True)}"
    hints = [f"{hint} " for pattern, hint in exercise.errors if re.search(pattern, known)]
    if "'ellipsis'" in known:  # the type of `...`
        hints = ["There is still a `...` in your function. "]
    if not callable(student):
        return f"That's {_short(student)}, not a function: run the cell with your `def` again."
    file = getattr(getattr(student, "__code__", None), "co_filename", None)
    lines = [f.line for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f" at `{lines[-1]}`" if lines and lines[-1] else ""
    reason = f": {text}" if text else ""
    return f"{(hints or [''])[0]}Your function stopped{place} with {type(error).__name__}{reason}."


def _text(error: BaseException, whole: bool = False) -> str:
    """Return the first line of an error's text, even if it has none to give."""
    try:
        text = str(error)
    except BaseException:  # the student's own __str__
        return ""
    return text if whole else (text.splitlines() or [""])[0][:300].rstrip(".")


def _left_over(student: Callable) -> str:
    """Return a sentence if there's code above or below a leftover `return ...`."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(student)))
        body = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)).body
    except (OSError, TypeError, SyntaxError, StopIteration):  # no source, as for a lambda
        return ""

    def stub(statement) -> bool:
        value = getattr(statement, "value", None)
        return isinstance(value, ast.Constant) and value.value is ...

    written = [s for s in body if not isinstance(getattr(s, "value", None), ast.Constant)]
    returns = [s for s in body if isinstance(s, ast.Return) and stub(s)]
    if not written or not returns:
        return ""
    if written[0].lineno > returns[0].lineno:
        return "Your code is below the line `return ...`, so it's never reached: remove that line. "
    return "There is code above `return ...`: remove that line, or return your result instead. "


# ------------------------------------------------------------------ arguments and shared models


_shared = []


def shared(make: Callable) -> Callable:
    """Build a model once for all checks; if an answer has changed one, build them all again."""
    cached = functools.cache(make)
    _shared.append(cached)
    return cached


def forget_models() -> None:
    for cached in _shared:
        cached.cache_clear()


def _state(arg: Any) -> Any:
    """Return a copy of everything that an answer could change in an argument."""
    if model := _model(arg):
        try:
            config = str(model.get_config())
        except Exception:  # not every layer has one
            config = None
        return [config, [np.array(w) for w in model.get_weights()]]
    if isinstance(arg, (np.ndarray, list, dict)):
        return copy.deepcopy(arg)
    return None


def _model(arg: Any) -> Any:
    """Return a Keras model, or the model of the package's classifier; None for anything else."""
    model = getattr(arg, "model", arg)
    return model if hasattr(model, "get_weights") and hasattr(model, "set_weights") else None


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind != "f":
            return a.tobytes() == b.tobytes()
        # += h and then -= h may change the last digit.
        return np.allclose(a, b, rtol=1e-6, atol=1e-6 * np.abs(b).max(initial=0), equal_nan=True)
    return bool(a == b)


def _on_the_cpu():
    """Small models are compared to four digits; a GPU's TensorFloat-32 has three."""
    tf = sys.modules.get("tensorflow")
    return tf.device("CPU:0") if tf else contextlib.nullcontext()


# ------------------------------------------------------------------------------ what is printed


# In JupyterLab, a printed line breaks in mid-word. This breaks it between words, and puts a line of
# its own kind beside each verdict. It follows what's printed, and shows nothing itself.
_STYLE = """<style class="course-verdict">
.jp-OutputArea-child:has(.course-verdict) {{ display: none; }}
.jp-OutputArea-child:has(+ .jp-OutputArea-child .course-{kind}) pre {{
  padding-left: 0.7em; border-left: 4px {border}; word-break: normal; overflow-wrap: anywhere;
}}
</style><i class="course-verdict course-{kind}"></i>"""
_LOOKS = {
    "✓": ("right", "solid #2a8a46"),
    "✗": ("wrong", "dashed #c8501e"),
    "○": ("open", "dotted #808080"),
    "": ("none", "dotted #808080"),
}


def _say(text: str, sign: str = "") -> None:
    """Print a verdict after its sign, which some Windows consoles don't have."""
    shown = sign
    try:
        sign.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        shown = ""
    print(f"{shown} {text}" if shown else text)
    if in_notebook():
        from IPython.display import display

        kind, border = _LOOKS[sign]
        display({"text/html": _STYLE.format(kind=kind, border=border)}, raw=True)
