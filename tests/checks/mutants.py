"""Change each solution in one place at a time: does its check notice?

    python tests/checks/mutants.py              all the lessons
    python tests/checks/mutants.py 6 3.1        a lesson, an exercise

Each mutant has another axis, sign, operator, constant, name or order, or lacks something. If a
check accepts one, it must be in equivalent.py, with the reason why it's right, too. If there's no
such reason, a wrong answer hears "right, well done": add a row to the exercise's table, or an input
where its result differs.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import io
import os
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

os.environ["SALIENCY_COURSE_PROGRESS"] = str(Path(tempfile.mkdtemp(), "nobody"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from answers import EXERCISES, LESSONS
from equivalent import EQUIVALENT

from workshop.lessons import exercises

SECONDS = 20  # after this long, interrupt a mutant, as a student would: some loops never end

OTHER_OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div], ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is], ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.And: [ast.Or],
    ast.Or: [ast.And], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
}  # fmt: skip
OTHER_NAMES = dict(
    pair
    for one, two in [
        ("mean", "sum"), ("max", "min"), ("maximum", "minimum"), ("argmax", "argmin"),
        ("zeros_like", "ones_like"), ("zeros", "ones"), ("any", "all"), ("floor", "ceil"),
        ("reduce_mean", "reduce_sum"), ("std", "var"), ("standard_normal", "random"),
    ]
    for pair in [(one, two), (two, one)]
)  # fmt: skip


def variants(node: ast.AST, arguments: list[str]) -> Iterator[ast.AST]:
    """Yield what could replace an expression."""
    for field in ("op", "ops"):  # of a comparison, the first
        operator = getattr(node, field, None)
        operator = operator[0] if isinstance(operator, list) else operator
        for other in OTHER_OPERATORS.get(type(operator), []):
            yield changed(node, **{field: [other()] if field == "ops" else other()})
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from map(ast.Constant, {value + 1, value - 1, 2 * value, -value} - {value})
        case ast.Constant(value=str(value)) if value:
            yield ast.Constant("")
        case ast.Name(id=name, ctx=ast.Load()) if name in arguments:
            yield from (ast.Name(other, ast.Load()) for other in arguments if other != name)
        case ast.Name(id=name) if name in OTHER_NAMES:
            yield changed(node, id=OTHER_NAMES[name])
        case ast.Attribute(attr=name) if name in OTHER_NAMES:
            yield changed(node, attr=OTHER_NAMES[name])
        case ast.BinOp(left=left, right=right):
            yield from (left, right)
            if not isinstance(node.op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)):
                yield changed(node, left=right, right=left)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.BoolOp(values=values):
            yield from values
        case ast.IfExp(body=body, orelse=otherwise):
            yield from (body, otherwise)
        case ast.Call(func=function, args=args, keywords=keywords):
            if isinstance(function, ast.Attribute):
                yield function.value
            yield from args
            yield from (changed(node, keywords=less) for less in without_one(keywords))
            yield from (changed(node, args=less) for less in without_one(args))
            if len(args) > 1:
                yield changed(node, args=[args[1], args[0], *args[2:]])
        case ast.Subscript(value=value, ctx=ast.Load()):
            yield value
        case ast.Slice():
            for field in ("lower", "upper", "step"):
                if getattr(node, field):
                    yield changed(node, **{field: None})
        case ast.Tuple(elts=parts, ctx=ast.Load()) | ast.List(elts=parts, ctx=ast.Load()):
            yield from (changed(node, elts=less) for less in without_one(parts))
            if len(parts) > 1:
                yield changed(node, elts=[parts[1], parts[0], *parts[2:]])
        case ast.comprehension(ifs=[_, *_]):
            yield changed(node, ifs=[])
        case ast.Return(value=ast.AST() as value):
            yield ast.Return(ast.UnaryOp(ast.USub(), value))


def changed(node: ast.AST, **fields) -> ast.AST:
    """Return a copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def without_one(parts: list) -> Iterator[list]:
    return (parts[:i] + parts[i + 1 :] for i in range(len(parts)))


def blocks(statements: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Yield what a block could become: one statement fewer, or two swapped."""
    for less in without_one(statements):
        yield less or [ast.Pass()]
    for i in range(len(statements) - 1):
        yield [*statements[:i], statements[i + 1], statements[i], *statements[i + 2 :]]


def all_of(node: ast.AST, arguments: list[str]) -> Iterator[ast.AST]:
    """Yield a node with a change in one place, at the node itself or anywhere below it."""
    yield from variants(node, arguments)
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            for other in all_of(value, arguments):
                yield changed(node, **{field: other})
        elif isinstance(value, list) and value and isinstance(value[0], ast.AST):
            if isinstance(value[0], ast.stmt):
                for block in blocks(value):
                    yield changed(node, **{field: block})
            for i, part in enumerate(value):
                for other in all_of(part, arguments):
                    yield changed(node, **{field: [*value[:i], other, *value[i + 1 :]]})


def mutants(source: str) -> dict[str, str]:
    """Return a dictionary: what was changed in a function -> its source with this one change."""
    [function] = ast.parse(source).body
    arguments = [argument.arg for argument in function.args.args]
    original, found = ast.unparse(function), {}
    for body in all_of(ast.Module(function.body, []), arguments):
        mutant = ast.unparse(changed(function, body=body.body))
        if mutant != original and mutant not in found.values():
            try:
                compile(mutant, "<mutant>", "exec")
            except SyntaxError:
                continue
            text = said(original, mutant)
            while text in found:  # the same line, changed in two places
                text += " (another)"
            found[text] = mutant
    return found


def said(original: str, mutant: str) -> str:
    """Return the lines that a mutant changes, as they were and as they are."""
    lines = list(difflib.ndiff(original.splitlines(), mutant.splitlines()))
    before, after = (
        "; ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+"
    )
    return f"{before} -> {after}" if before != after else f"moved: {before}"


def accepted(check: str, source: str) -> bool:
    """Return whether the check accepts a function. Like a cell, it sees the lesson's names."""
    exercise = EXERCISES[check]
    names = vars(LESSONS[int(exercise.id[0])]) | {
        name: e.right for name, e in EXERCISES.items() if e.id[0] == exercise.id[0]
    }
    exec(compile(source, "<mutant>", "exec"), names)
    out = io.StringIO()
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            exercise(names[check])
    except KeyboardInterrupt:  # in the judge's work after the answer's own calls
        return False
    finally:
        signal.alarm(0)
    assert ": no verdict" not in out.getvalue(), out.getvalue()
    return ": right, well done" in out.getvalue()


def fits(pattern: str, text: str) -> bool:
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("..."))), text))


def main(wanted: list[str]) -> None:
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    wrong, counts = [], {}
    for id, exercise in exercises().items():
        if exercise.check not in EXERCISES or not id.startswith(tuple(wanted or [""])):
            continue
        assert accepted(exercise.check, exercise.solution), (
            f"the check rejects the solution of {id}"
        )
        found = mutants(exercise.solution)
        survivors = {text for text, source in found.items() if accepted(exercise.check, source)}
        listed = [text for texts in EQUIVALENT.get(id, {}).values() for text in texts]
        fitting = {text: {one for one in survivors if fits(text, one)} for text in listed}
        equivalent = set().union(*fitting.values())
        wrong += [f"{id} is accepted: {text}" for text in sorted(survivors - equivalent)]
        wrong += [
            f"{id} is listed, but isn't accepted: {text}" for text in listed if not fitting[text]
        ]
        counts[id] = Counter(made=len(found), killed=len(found) - len(survivors))
        counts[id]["equivalent"] = len(equivalent)
        print(id, dict(counts[id]), flush=True)
    for lesson in sorted({id[0] for id in counts}):
        of_lesson = sum((c for id, c in counts.items() if id[0] == lesson), Counter())
        print(f"lesson {lesson}:", dict(of_lesson))
    print("all:", dict(sum(counts.values(), Counter())))
    sys.exit("\n".join(wrong) or 0)  # an empty text would count as a failure


if __name__ == "__main__":
    main(sys.argv[1:])
