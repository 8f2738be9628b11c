"""Answers as students type them: lines that replace a stub, made into functions.

`answers_lessonN` has RIGHT, check -> lines, and WRONG, check -> (lines, a pattern in the verdict).
None of them is written like the tables of `course_utils.checks.lessonN`, so they try the tables
on answers that the tables don't contain.
"""

from __future__ import annotations

import importlib
import itertools
import linecache
import textwrap
from collections.abc import Callable
from pathlib import Path

from course_utils import checks
from course_utils.checks._judge import Exercise

EXERCISES = {
    name: exercise
    for name in checks.__all__
    if isinstance(exercise := getattr(checks, name), Exercise)
}
LESSONS = {
    int(path.stem.removeprefix("answers_lesson")): importlib.import_module(path.stem)
    for path in sorted(Path(__file__).parent.glob("answers_lesson?.py"))
}
RIGHT = {name: lines for lesson in LESSONS.values() for name, lines in lesson.RIGHT.items()}
WRONG = {name: pairs for lesson in LESSONS.values() for name, pairs in lesson.WRONG.items()}
_cells = itertools.count()


def function(name: str, lines: str) -> Callable:
    """Return the function that a student gets who types the lines. It has a source, as in a cell.

    It sees what the lesson's answers import, and the answers to the lesson's other exercises.
    """
    exercise = EXERCISES[name]
    lesson = LESSONS[int(exercise.id[0])]
    others = {n: e.right for n, e in EXERCISES.items() if e.id[0] == exercise.id[0]}
    body = textwrap.indent(textwrap.dedent(lines).strip(), "    ")
    source = f"def {name}({', '.join(exercise.arguments)}):\n{body}\n"
    file = f"<cell {next(_cells)}>"
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    names = vars(lesson) | others
    exec(compile(source, file, "exec"), names)
    return names[name]
