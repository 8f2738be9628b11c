"""Every check, whatever the exercise: its table is consistent, and it judges new answers too."""

from __future__ import annotations

import io
import re
import time
import warnings

import numpy as np
import pytest
from answers import EXERCISES, RIGHT, WRONG, function

from course_utils import checks
from course_utils.checks import _judge

METHODS = (
    "vanilla_gradients",
    "gradient_times_input",
    "integrated_gradients",
    "smoothgrad",
    "grad_cam",
)
# Their checks run a network for each of some dozens of programs.
OF_NETWORKS = {"path_gradients", "gradients", "explain", "score_not_probability", "grad_cam_steps"}


def every_exercise(slow: set[str]):
    """Parametrize a test; those of one exercise stay together, with what its table gives."""
    marks = {name: [pytest.mark.xdist_group(name)] for name in EXERCISES}
    for name in slow:
        marks[name].append(pytest.mark.slow)
    return pytest.mark.parametrize("name", [pytest.param(n, marks=m) for n, m in marks.items()])


exercises = every_exercise(slow=set())


def judge_all(cases, judge) -> None:
    """Judge each case, and fail with all that were misjudged."""
    misjudged = {}
    for number, case in enumerate(cases):
        try:
            judge(case)
        except AssertionError as error:
            misjudged[number, str(case)] = str(error)
    assert misjudged == {}


def judged(name: str, answer, capsys) -> tuple[str, object]:
    """Return what the check says, and what it returns. It never raises."""
    capsys.readouterr()
    given = getattr(checks, name)(answer)
    said = capsys.readouterr().out
    assert callable(given)
    return said, given


def refused(name: str, answer, capsys) -> str:
    said, given = judged(name, answer, capsys)
    assert f"Exercise {EXERCISES[name].id}: not right yet. " in said, said
    assert given is not answer
    assert given.from_the_course
    return said


def is_right(name: str, answer, capsys) -> None:
    said, given = judged(name, answer, capsys)
    assert f"Exercise {EXERCISES[name].id}: right, well done." in said, said
    assert given is answer


# ------------------------------------------------------------------------------------ the tables


@exercises
def test_the_reference_gives_the_truth_that_was_worked_out_by_hand(name):
    exercise = EXERCISES[name]
    first = next(iter(exercise.inputs.values()))
    found = exercise.normalise(exercise.right(*first()))
    assert exercise.difference(found, exercise.normalise(exercise.truth), exercise.axes) is None


@exercises
def test_the_reference_is_right_and_quickly_judged(name, capsys):
    exercise = EXERCISES[name]
    is_right(name, lambda *arguments: exercise.right(*arguments), capsys)
    start = time.process_time()
    is_right(name, lambda *arguments: exercise.right(*arguments), capsys)
    assert time.process_time() - start < 1


@every_exercise(slow=OF_NETWORKS)
def test_no_result_fits_all_inputs(name, capsys):
    """Returning what the verdict says it expected doesn't help."""
    exercise = EXERCISES[name]
    for make in exercise.inputs.values():
        result = exercise.right(*make())
        refused(name, lambda *arguments, result=result: result, capsys)


@every_exercise(slow=OF_NETWORKS)
def test_a_fault_in_the_package_cannot_make_a_wrong_answer_pass(name, monkeypatch, capsys):
    """The tables know what's right without the package's methods."""

    def broken(*arguments, **options):
        raise AssertionError("a check must not ask the package")

    for method in METHODS:
        monkeypatch.setattr(f"course_utils.{method}", broken)
    monkeypatch.setattr(_judge, "_known", _judge._try)
    is_right(name, lambda *arguments: EXERCISES[name].right(*arguments), capsys)
    for program, _ in EXERCISES[name].wrong[:5]:
        refused(name, program, capsys)


@every_exercise(slow=OF_NETWORKS)
def test_each_wrong_program_gets_its_own_sentence(name, capsys):
    def judge(case):
        program, sentence = case
        assert sentence in refused(name, program, capsys)

    judge_all(EXERCISES[name].wrong, judge)


@exercises
def test_there_are_ten_wrong_programs(name):
    assert len({sentence for _, sentence in EXERCISES[name].wrong}) >= 10


# ----------------------------------------------------------- answers that the tables don't contain


@every_exercise(slow=OF_NETWORKS)
def test_right_answers_are_accepted_however_written(name, capsys):
    judge_all(RIGHT[name], lambda lines: is_right(name, function(name, lines), capsys))


@every_exercise(slow=OF_NETWORKS)
def test_wrong_answers_get_the_hint_that_names_the_mistake(name, capsys):
    def judge(case):
        lines, hint = case
        said = refused(name, function(name, lines), capsys)
        assert re.search(hint, said), said

    judge_all(WRONG[name], judge)


@exercises
def test_enough_is_tried(name):
    assert len(RIGHT[name]) >= 3
    assert len(WRONG[name]) >= 3


# ------------------------------------------------------------------------------ whatever comes in


@exercises
def test_a_stub_is_not_done_yet_and_the_notebook_goes_on(name, capsys):
    said, handed_out = judged(name, function(name, "return ..."), capsys)
    assert "not done yet. Until then, the notebook goes on" in said
    is_right(name, lambda *arguments: handed_out(*arguments), capsys)


@exercises
def test_the_courses_own_version_gets_no_praise(name, capsys):
    """After a wrong answer, the name is bound to the working version and checked again."""
    _, handed_out = judged(name, function(name, "return ..."), capsys)
    said, given = judged(name, handed_out, capsys)
    assert "not yours" in said
    assert ": right" not in said
    assert given is handed_out


@exercises
def test_code_beside_a_leftover_stub_is_pointed_out(name, capsys):
    said, _ = judged(name, function(name, "result = 1 + 1\nreturn ..."), capsys)
    assert "not done yet. There is code above `return ...`" in said
    said, _ = judged(name, function(name, "return ...\nreturn 1 + 1"), capsys)
    assert "not done yet. Your code is below the line `return ...`" in said


RAISES = """
class Odd({base}):
    def __str__(self):
        {text}
raise Odd
"""


@exercises
@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("raise RuntimeError('boom')", "`raise RuntimeError.'boom'.` with RuntimeError: boom"),
        ("pass", "return|nothing"),
        ("raise SystemExit", "with SystemExit"),
        ("raise GeneratorExit", "with GeneratorExit"),
        (RAISES.format(base="Exception", text="raise ValueError"), "with Odd"),
        (RAISES.format(base="Exception", text="return 5"), "with Odd"),
        (RAISES.format(base="BaseException", text="raise SystemExit"), "with Odd"),
        ("raise KeyboardInterrupt", "interrupted.*loop"),
        ("return lambda: 1", ""),
        ("return [1, [2, 3]]", ""),
        ("return object()", ""),
        ("class Odd:\n    def __repr__(self):\n        raise ValueError\nreturn Odd()", ""),
    ],
)
def test_whatever_an_answer_does_is_a_verdict(name, lines, hint, capsys):
    said = refused(name, function(name, lines), capsys)
    assert re.search(hint, said), said


@exercises
@pytest.mark.parametrize("answer", [5, None, "text", lambda: 1, int])
def test_what_is_no_function_of_the_arguments_is_a_verdict(name, answer, capsys):
    refused(name, answer, capsys)


@exercises
def test_an_answer_that_spoils_its_arguments_is_refused_and_spoils_nothing(name, capsys):
    """Not even the shared models: the check judges the next answer as before."""
    exercise = EXERCISES[name]
    spoilt = []

    def spoil(arg):
        if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
            arg *= 0
            arg += 3
        elif isinstance(arg, list):
            arg.append(arg[0])
        elif model := _judge._model(arg):
            model.set_weights([0 * w for w in model.get_weights()])
        else:
            return
        spoilt.append(arg)

    def answer(*arguments):
        result = exercise.normalise(exercise.right(*arguments))
        for argument in arguments:
            spoil(argument)
        return result

    if exercise.normalise in (_judge.numbers, _judge.as_it_is):
        said, given = judged(name, answer, capsys)
        assert not spoilt or ("was changed" in said and given is not answer), said
    is_right(name, lambda *arguments: exercise.right(*arguments), capsys)


@exercises
def test_an_answer_that_remembers_is_refused(name, capsys):
    exercise = EXERCISES[name]
    calls = []

    def answer(*arguments):
        calls.append(arguments)
        return None if len(calls) > len(exercise.inputs) else exercise.right(*arguments)

    assert "called again" in refused(name, answer, capsys)


# ------------------------------------------------------------------------------ the judge itself


@pytest.mark.parametrize(("encoding", "signs"), [("utf-8", "✓✗○"), ("cp1252", ""), ("ascii", "")])
def test_three_kinds_of_verdict_on_every_console(encoding, signs, monkeypatch):
    name, exercise = next(iter(EXERCISES.items()))
    console = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr("sys.stdout", console)
    for answer in (exercise.right, lambda *a: None, lambda *a: ...):
        getattr(checks, name)(answer)
    console.flush()
    said = console.buffer.getvalue().decode(encoding).splitlines()
    assert [line[0] for line in said] == list(signs or "EEE")


@pytest.fixture
def broken() -> _judge.Exercise:
    """An exercise whose table has a fault."""

    def right(x):
        raise ZeroDivisionError("no truth")

    return _judge.Exercise(
        id="9.9", right=right, inputs={"a number": lambda: (1.0,)}, truth=1, wrong=[]
    )


def test_a_fault_of_the_check_is_not_told_as_the_students(broken, capsys):
    def answer(x):
        return x

    assert broken(answer) is answer
    said = capsys.readouterr().out
    assert "It's the check's fault, not yours" in said
    assert "not right" not in said


@pytest.mark.parametrize(
    ("a", "b"), [(720.0001, 720), (0.3, 0.3000004), (1 / 3, np.nextafter(1 / 3, 1))]
)
def test_the_numbers_shown_are_never_the_same(a, b):
    one, other = _judge.tell_apart(a, b)
    assert one != other


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, "'b' is missing"),
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}, "['a'][1] must be 2.5, and yours is 2."),
        (("cat", "dog"), ("cat", "dog", "bear"), "must have 3 parts, and yours has 2"),
        (
            "a long text that ends here",
            "a long text that ends there",
            "yours is '...long text that ends here'",
        ),
        (np.int64(5), 5, None),
        (np.float32(0.1), 0.1, None),
        (["a", True], ("a", True), None),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), None),
        (np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]]), "the number at [1, 1] must be 5"),
    ],
)
def test_the_first_difference_of_any_result(got, want, said):
    found = _judge.difference(got, want)
    assert found is None if said is None else said in found


def test_a_second_call_must_leave_the_first_result_alone(capsys):
    exercise = _judge.Exercise(
        id="9.9",
        right=lambda x: 2 * x,
        inputs={"one": lambda: (np.ones(3),), "two": lambda: (np.arange(3.0),)},
        truth=[2, 2, 2],
        wrong=[],
    )
    buffer = np.zeros(3)
    exercise(lambda x: np.multiply(x, 2, out=buffer))
    assert "not right yet" in capsys.readouterr().out


def test_a_verdict_comes_without_numpys_warnings(capsys):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        refused("standard_error", lambda maps: maps.std(axis=0, ddof=len(maps)), capsys)
    assert not heard
