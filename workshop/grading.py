"""Make a course folder for nbgrader: one assignment per lesson, one grade per exercise.

The checks that students see also grade their answers. A check prints its verdict and never raises,
but nbgrader grades a cell by whether it raises. So there's an extra cell after each check: it runs
the check again and looks whether it got back the student's function or one that the course handed
out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat

import start
from workshop import lessons, machine
from workshop.lessons import Exercise, PlanError, exercises

TARGET = lessons.BUILT / "grading"
NBGRADER = lessons.ROOT / "workshop" / "requirements.txt"
GUESS = re.compile(r".*\bchecks\.guess\(", re.DOTALL)

# nbgrader gives no points to a cell that writes to stderr, but a right answer may well cause a
# warning: hence the redirection. If a syntax error left the name without a function, it gets the
# working version: exercises that build on it can then still be right.
GRADE = """\
# {points}, if the check says "right".
### BEGIN HIDDEN TESTS
import contextlib
import io

with contextlib.redirect_stderr(io.StringIO()):
    {name} = checks.{check}(globals().get("{name}", lambda *_: ...))
assert not hasattr({name}, "from_the_course"), "The check above says what isn't right yet."
### END HIDDEN TESTS"""

CONFIG = f"""\
# Made by `python start.py workshop grading`.
import os

os.environ["SALIENCY_COURSE_PROGRESS"] = ""  # the participants' solutions aren't your own progress
c = get_config()
c.CourseDirectory.course_id = "saliency"
c.ClearSolutions.code_stub = {{"python": {lessons.notebooks.STUB!r}}}
# Participants may change any cell and see what happens; autograding puts the course's cells back.
c.LockCells.lock_readonly_cells = False
c.Execute.timeout = {lessons.notebooks.SECONDS_A_CELL}
"""


def get_nbgrader() -> None:
    """Install nbgrader next to the course's packages, unless the right version is there.

    Raises:
        PlanError: pip failed, or the disk is full.
    """
    if importlib.util.find_spec("nbgrader") is None:
        print("Installing nbgrader. Later runs need no internet ...", flush=True)
    with machine.alone(lessons.ROOT / "start.py"):
        start.forget_halves(start.packages_folder("{}.{}".format(*sys.version_info)))
        # Its other needs are in the course's requirements.txt, so pip needn't look: --no-deps.
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
        ]
        try:
            installed = start.succeeds([*pip, "--require-hashes", "-r", NBGRADER])
        except OSError as error:
            raise PlanError(f"nbgrader could not be installed: {error}") from None
    if not installed:
        raise PlanError(
            "nbgrader could not be installed; the reason is above. The first time, it takes "
            "the internet: run the same command again when there is one"
        )


def assignment(lesson: str) -> str:
    """Return the name of a lesson's assignment."""
    return f"lesson_{int(lesson[:2])}"


def named(word: str, task: Exercise) -> str:
    """Return an id such as "points-2-1"; nbgrader allows no full stop in it."""
    return f"{word}-{task.id.replace('.', '-')}"


def marked(kind: str, grade_id: str, points: int | None = None) -> dict:
    """Return nbgrader's metadata for a cell that's a solution, a grade or given."""
    about = {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": kind == "solution",
        "grade": kind == "grade",
        "locked": kind != "solution",
        "task": False,
    }
    return about if points is None else {**about, "points": points}


def grade_cell(task: Exercise) -> nbformat.NotebookNode:
    """Return the cell that turns a check's verdict into points."""
    points = "1 point" if task.points == 1 else f"{task.points} points"
    cell = nbformat.v4.new_code_cell(
        GRADE.format(points=points, name=task.name, check=task.check),
        id=named("points", task),
    )
    cell.metadata.nbgrader = marked("grade", named("points", task), task.points)
    return cell


def source_version(lesson: str) -> nbformat.NotebookNode:
    """Return a lesson with its solutions, the way nbgrader wants the instructor's version."""
    notebook = lessons.notebooks.with_targets(lessons.source(lesson), lessons.solved(lesson))
    cells, task = [], None
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            continue
        cells.append(cell)
        if "exercise" in cell.metadata:
            task = exercises()[cell.metadata["exercise"]["id"]]
        elif cell.cell_type == "code" and "### BEGIN SOLUTION" in cell.source:
            cell.metadata.nbgrader = marked("solution", named("exercise", task))
        elif cell.cell_type == "code" and not GUESS.match(cell.source):
            cell.metadata.nbgrader = marked("given", f"given-{cell.id}")
            if task and lessons.CHECK.search(cell.source):
                cells.append(grade_cell(task))
                task = None
    notebook.cells = cells
    return notebook


def environment() -> dict[str, str]:
    """Return the variables for nbgrader, which calls alembic and wants it on the path."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}


def nbgrader(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of nbgrader's commands in a course folder."""
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments, "--course-dir", str(folder)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def write_source(lesson: str, folder: Path) -> Path:
    """Write the instructor's version of a lesson into a course folder; return its path."""
    path = folder / "source" / assignment(lesson) / f"{lesson}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lessons.notebooks.text(source_version(lesson)), encoding="utf-8", newline="\n")
    return path


def release(lesson: str, folder: Path) -> Path:
    """Let nbgrader make the participants' version of a lesson, and return it."""
    write_source(lesson, folder)
    done = nbgrader(folder, "generate_assignment", assignment(lesson), "--force")
    path = folder / "release" / assignment(lesson) / f"{lesson}.ipynb"
    if done.returncode or not path.is_file():
        print(done.stdout)
        raise PlanError(f"nbgrader could not make the release of {lesson}; its reason is above")
    return path


def write(folder: Path = TARGET) -> None:
    """Make a course folder with all lessons; earlier submissions in it stay."""
    get_nbgrader()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8", newline="\n")
    shutil.rmtree(folder / "source", ignore_errors=True)
    for lesson in lessons.names():
        path = release(lesson, folder)
        tasks = [task for task in exercises().values() if task.lesson == lesson]
        points = sum(task.points for task in tasks)
        print(f"{path.relative_to(folder)}: {len(tasks)} exercises, {points} points", flush=True)
    print(f"The course folder is {folder}")
