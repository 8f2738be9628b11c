"""Look up what the lessons' sources and solved notebooks say: exercises, goals, printed numbers."""

from __future__ import annotations

import functools
import html
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils.checks._quiz import read_quiz
from tools import notebooks

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - depends on the Python version
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILT = HERE / "_build"  # where the commands write; git ignores it


POINTS = {"easy": 1, "medium": 2, "hard": 3}  # an exercise's points when it's graded
CHECK = re.compile(r"^(?P<name>\w+) = checks\.(?P<check>\w+)\((?P=name)\)$", re.MULTILINE)


class PlanError(Exception):
    """What's wrong with one of the workshop's own files, in a sentence for whoever edits it."""


@dataclass(frozen=True)
class Exercise:
    """An exercise, as its lesson's source describes it."""

    id: str
    lesson: str
    title: str
    minutes: int
    difficulty: str
    goal: str
    mistakes: str
    solution: str
    check: str  # the name of the check and of the student's function
    name: str

    @property
    def points(self) -> int:
        """The points for a right answer: 1 to 3, by difficulty."""
        return POINTS[self.difficulty]


def read_toml(name: str) -> dict:
    """Return the contents of one of the files that people edit here."""
    try:
        return tomllib.loads((HERE / name).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"workshop/{name} is not valid TOML: {error}") from None


def names() -> list[str]:
    """Return the names of the lessons, "00_start_here", in order."""
    return notebooks.lessons()


def name_of(number: int) -> str:
    """Return the name of a lesson, "00_start_here", by its number."""
    if number not in range(len(names())):
        raise PlanError(f"there are lessons 0 to {len(names()) - 1}, and no lesson {number!r}")
    return names()[number]


@functools.cache
def source(lesson: str) -> nbformat.NotebookNode:
    """Return a lesson's source as a notebook, with its solutions, not executed."""
    return notebooks.read(lesson)


@functools.cache
def solved(lesson: str) -> nbformat.NotebookNode:
    """Return a lesson's solved notebook, with its outputs."""
    return nbformat.read(notebooks.SOLUTIONS / f"{lesson}.ipynb", as_version=4)


def title(lesson: str) -> str:
    """Return a lesson's title, such as "Lesson 0. Start here"."""
    return notebooks.about(lesson).title


def flat(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def headings(lesson: str) -> list[str]:
    """Return the headings of all levels in a lesson, in order."""
    text = "\n".join(c.source for c in source(lesson).cells if c.cell_type == "markdown")
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Return all exercises by their ids, in order."""
    found = {}
    for lesson in names():
        cells = source(lesson).cells
        for task, answer, check in zip(cells, cells[1:], cells[2:], strict=False):
            if "exercise" not in task.metadata:
                continue
            exercise = task.metadata["exercise"]
            [call] = CHECK.finditer(check.source)
            found[exercise["id"]] = Exercise(
                id=exercise["id"],
                lesson=lesson,
                title=notebooks.title_of(task),
                minutes=exercise["minutes"],
                difficulty=exercise["difficulty"],
                goal=notebooks.about(lesson).goals[exercise["goal"] - 1],
                mistakes=folded(task.source, "Common mistakes"),
                solution=without_marks(answer.source),
                check=call["check"],
                name=call["name"],
            )
    return found


def folded(task: str, summary: str) -> str:
    """Return the text folded away in a task under this summary, as one line."""
    pattern = rf"<details><summary>{summary}</summary>\n+(.*?)\n+</details>"
    [found] = re.findall(pattern, task, re.DOTALL)
    return " ".join(found.split())


def without_marks(code: str) -> str:
    """Return only the function, without the marks around the solution and the imports above it."""
    lines = [line for line in code.splitlines() if "### " not in line]
    first = next(i for i, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[first:]).rstrip()


@functools.cache
def printed(lesson: str) -> str:
    """Return everything the solved lesson prints, and its figures' descriptions, on one line."""
    said = []
    for cell in solved(lesson).cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                said.append(output.text)
            page = output.get("data", {}).get("text/html", "")
            said += [html.unescape(alt) for _, alt in notebooks.FIGURE.findall(page)]
    return " ".join(" ".join(said).split())


QUOTATION = re.compile(r"<<(\d): (.+?)>>", re.DOTALL)


def quote(text: str) -> str:
    """Replace each quotation, such as <<2: not prepared: pillow>>, by what lesson 2 prints."""

    def replaced(match: re.Match) -> str:
        lesson, words = name_of(int(match[1])), " ".join(match[2].split())
        if words not in printed(lesson):
            raise PlanError(
                f"workshop/plan.toml quotes lesson {match[1]} as {words!r}, and the solved lesson "
                "does not print this: put in what it prints now"
            )
        return f"`{words}`"

    return QUOTATION.sub(replaced, text)


def quiz(lesson: int, question: int) -> dict:
    """Return a question of a lesson's closing quiz, counted from 1."""
    questions = read_quiz(lesson)
    if not 1 <= question <= len(questions):
        raise PlanError(f"lesson {lesson} has no quiz question {question}")
    return questions[question - 1]
