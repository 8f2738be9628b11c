"""Make a course folder for nbgrader: one assignment per lesson, one grade per exercise.

The checks that students see also grade their answers. A check prints its verdict and never raises,
but nbgrader grades a cell by whether it raises. So there's an extra cell after each check: it runs
the check again and looks whether it got back the student's function or one that the course handed
out. `execute.py` runs the notebooks, `collect.py` makes them out of what students hand in, and
`feedback.py` says what came out.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

import start
from workshop import lessons, machine
from workshop.lessons import Exercise, PlanError, exercises

if TYPE_CHECKING:
    from workshop import feedback

TARGET = lessons.BUILT / "grading"
NBGRADER = lessons.ROOT / "workshop" / "requirements.txt"
GUESS = re.compile(r"(?s:.*?)^(\w+) = checks\.guess\(", re.MULTILINE)

# nbgrader gives no points to a cell that writes to stderr, but a right answer may well cause a
# warning: hence the redirection. From here on, the notebook uses the course's function: exercises
# that build on a wrong answer can still be right, and nothing of the student's runs later.
GRADE = """\
# {points}, if the check says "right".
### BEGIN HIDDEN TESTS
import contextlib
import io
import os

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    judged = checks.{check}(globals().get("{name}", lambda *_: ...))
    {name} = checks.{check}(lambda *_: ...)
written_in = getattr(getattr(judged, "__code__", None), "co_filename", "")
assert not written_in.startswith(os.path.dirname(checks.__file__)), "The check says what's wrong."
### END HIDDEN TESTS"""

TABLES = GRADES, POINTS = "grades.csv", "points.csv"
MOVE = "move it to another folder, and grade again (points that a person gave are only in it)"
FORMGRADER = (
    "jupyter lab --ServerApp.jpserver_extensions nbgrader.server_extensions.formgrader=True"
    " --LabApp.default_url=/formgrader"
)
CARD = "points-card"  # the cell for the card of lesson 7, which a person grades
CARD_POINTS = 20
CARD_TASK = """\
### Your card ({points} points)

Hand in `card.png` and `card.html` together with this notebook. A person grades the card, by the
table in *The brief*:

{table}"""
NO_CARD = "*Your card goes here when it's collected.*"

CONFIG = """\
# Made by `python start.py workshop grading`, which keeps what you add.
import os
import sys

{line}
os.environ["SALIENCY_COURSE_PROGRESS"] = ""  # the participants' solutions aren't your own progress
c = get_config()
c.CourseDirectory.course_id = "saliency"
c.CourseDirectory.ignore.append("collected.json")  # it's for you, and not for feedback
c.ClearSolutions.code_stub = {{"python": {stub!r}}}
c.ClearSolutions.text_stub = {no_card!r}
# Participants may change any cell and see what happens; autograding puts the course's cells back.
c.LockCells.lock_readonly_cells = False
from nbgrader.converters import Autograde

import workshop.execute

c.Autograde.autograde_preprocessors = [
    workshop.execute.Execute, *Autograde.autograde_preprocessors.default_args[0][1:]
]
c.GenerateFeedback.exporter_class = "workshop.feedback.FeedbackPage"
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
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"]
        try:
            installed = start.succeeds([*pip, "--require-hashes", "-r", NBGRADER])
        except OSError as error:
            raise PlanError(f"nbgrader could not be installed: {error}") from None
    if not installed:
        raise PlanError(
            "nbgrader could not be installed; the reason is above. The first time, it takes "
            "the internet: run the same command again when there is one"
        )


def need_nbgrader() -> None:
    """Install nbgrader if there's none; making a course folder also replaces a wrong version."""
    if importlib.util.find_spec("nbgrader") is None:
        get_nbgrader()


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
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            continue
        cells.append(cell)
        if "exercise" in cell.metadata:
            task = exercises()[cell.metadata["exercise"]["id"]]
        elif task and cell.cell_type == "code" and "### BEGIN SOLUTION" in cell.source:
            cell.metadata.nbgrader = marked("solution", named("exercise", task))
        elif cell.cell_type == "code" and not GUESS.match(cell.source) and "brief" not in tags:
            cell.metadata.nbgrader = marked("given", f"given-{cell.id}")
            if task and lessons.CHECK.search(cell.source):
                cells.append(grade_cell(task))
                task = None
    notebook.cells = cells + card_cells(notebook)
    return notebook


def card_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the cells for the card, if a lesson's brief has a table to judge it by."""
    tables = [
        re.findall(r"^\|.+\|$", cell.source, re.MULTILINE)
        for cell in notebook.cells
        if cell.source.startswith("## The brief")
    ]
    if not tables:
        return []
    text = CARD_TASK.format(points=CARD_POINTS, table="\n".join(tables[0]))
    task = nbformat.v4.new_markdown_cell(text, id="card-task")
    task.metadata.nbgrader = marked("given", "given-card")
    card = nbformat.v4.new_markdown_cell(NO_CARD, id=CARD)
    card.metadata.nbgrader = marked("solution", CARD, CARD_POINTS) | {"grade": True}
    return [task, card]


def environment() -> dict[str, str]:
    """Return the variables for nbgrader, which calls alembic and wants it on the path."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}


def nbgrader(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of nbgrader's commands in a course folder."""
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments, f"--CourseDirectory.root={folder}"],
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
    configure(folder)
    shutil.rmtree(folder / "source", ignore_errors=True)
    for lesson in lessons.names():
        path = release(lesson, folder)
        tasks = [task for task in exercises().values() if task.lesson == lesson]
        points = sum(task.points for task in tasks)
        print(f"{path.relative_to(folder)}: {len(tasks)} exercises, {points} points", flush=True)
    print(f"The course folder is {folder}")


def configure(folder: Path) -> None:
    """Write nbgrader's settings, or into those that are there, where this copy of the course is."""
    path, line = folder / "nbgrader_config.py", f"sys.path.insert(0, {str(lessons.ROOT)!r})"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    settings, ours = re.subn(r"(?m)^sys\.path\.insert\(0, .*\)$", lambda _: line, before)
    if not ours:
        settings = CONFIG.format(line=line, stub=lessons.notebooks.STUB, no_card=NO_CARD)
    if settings != before:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(settings, encoding="utf-8", newline="\n")


def released(lesson: str, folder: Path) -> nbformat.NotebookNode:
    """Return the participants' version of a lesson; make it if it isn't there yet."""
    path = folder / "release" / assignment(lesson) / f"{lesson}.ipynb"
    if not path.is_file():
        print(f"Making the release of {lesson} ...", flush=True)
        need_nbgrader()
        release(lesson, folder)
    return nbformat.read(path, as_version=4)


def grade(chosen: list[str], folder: Path = TARGET) -> None:
    """Grade what was collected, write feedback and `points.csv`, and say why points are missing.

    Args:
        chosen: assignments such as "lesson_3"; [] for all that have submissions.

    Raises:
        PlanError: nothing was collected for them.
    """
    need_nbgrader()
    waiting = sorted({path.name for path in folder.glob("submitted/*/lesson_[0-9]")})
    if not waiting:
        raise PlanError(f"nothing was collected in {folder}: first run `workshop collect`")
    for name in chosen:
        if name not in waiting:
            raise PlanError(
                f"nothing was collected for {name!r}. There is work for: {', '.join(waiting)}"
            )
    configure(folder)
    rows = []
    for name in waiting:
        if name in (chosen or waiting):
            check_gradebook(folder, name)
            new = sum(
                not (folder / "autograded" / path.parent.name / name).is_dir()
                for path in folder.glob(f"submitted/*/{name}")
            )
            print(f"{name}: grading {new} notebooks, about ten seconds each ...", flush=True)
            log = nbgrader(folder, "autograde", name).stdout
            log += nbgrader(folder, "generate_feedback", name, "--force").stdout
            (folder / f"{name}.log").write_text(log, encoding="utf-8")
        for student, scores in scores_of(folder, name).items():
            found = rows_of(folder, student, name, scores)
            rows += found
            if name in (chosen or waiting):
                say(student, name, found)
    export(folder / GRADES, folder)
    with (folder / POINTS).open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(
            [["student", "lesson", "exercise", "points", "of", "why"], *rows]
        )
    print(f"Totals: {folder / GRADES}")
    print(f"Each exercise with its reason: {folder / POINTS}")
    print(f"For the students: {folder / 'feedback'}")
    if any(row[3] is None for row in rows):
        print(f"What a person must grade: {FORMGRADER}, in {folder}; then grade again")


def rows_of(
    folder: Path, student: str, name: str, scores: dict[str, tuple[float | None, float | None]]
) -> list[list[Any]]:
    """Return a student's rows of `points.csv`; [] if a notebook wasn't graded."""
    return [
        [student, name, one.id, scores[one.name][1], one.points, " ".join(one.why.split())]
        for one in results_of(folder, student, name)
    ]


def results_of(folder: Path, student: str, name: str) -> list[feedback.Result]:
    """Return what came out of a student's exercises; [] if the notebook wasn't graded."""
    from workshop import feedback

    path = next(folder.glob(f"autograded/{glob.escape(student)}/{name}/*.ipynb"), None)
    if path is None:
        return []
    about = feedback.read_about(folder, student, name)
    return feedback.results(nbformat.read(path, as_version=4), about)


def remove(folder: Path) -> None:
    """Remove a folder, of which nbgrader makes the files read-only."""
    for path in folder.rglob("*") if folder.exists() else ():
        path.chmod(path.stat().st_mode | stat.S_IWRITE)
    shutil.rmtree(folder, ignore_errors=True)


def say(student: str, name: str, rows: list[list[Any]]) -> None:
    """Print a student's points, and why some are missing."""
    if not rows:
        print(f"  {student}: could not be graded; {name}.log says why")
        return
    print(f"  {student}: {sum(row[3] or 0 for row in rows):g} of {sum(row[4] for row in rows)}")
    for _, _, id, score, points, why in rows:
        if score != points:
            shown = "not graded yet" if score is None else f"{score:g} of {points}"
            print(f"      {id}: {shown}, {why}")


def export(path: Path, folder: Path) -> None:
    """Write nbgrader's table of totals."""
    from nbgrader.plugins import CsvExportPlugin

    plugin = CsvExportPlugin()
    plugin.to = str(path)
    with gradebook(folder) as book:
        plugin.export(book)


@contextlib.contextmanager
def gradebook(folder: Path) -> Iterator[Any]:
    """Open nbgrader's database.

    Raises:
        PlanError: it's damaged.
    """
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
            yield book
    except SQLAlchemyError as error:
        why = str(error.__cause__ or error).splitlines()[0]
        raise PlanError(f"{folder / 'gradebook.db'} can't be used ({why}): {MOVE}") from None


def scores_of(folder: Path, name: str) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    """Return each student's scores in an assignment, by grade: by the check, and in the end.

    The latter is None if a person must grade it.
    """
    from nbgrader.api import MissingEntry

    students = sorted(path.parent.name for path in folder.glob(f"submitted/*/{name}"))
    found = {}
    with gradebook(folder) as book:
        for student in students:
            try:
                grades = book.find_submission(name, student).notebooks[0].grades
            except (MissingEntry, IndexError):
                grades = []
            found[student] = {
                grade.name: (grade.auto_score, None if grade.needs_manual_grade else grade.score)
                for grade in grades
            }
    return found


def check_gradebook(folder: Path, name: str) -> None:
    """Have everything graded again that was graded with another gradebook.

    Raises:
        PlanError: it's from another version of the course.
    """
    from nbgrader.api import MissingEntry

    lesson, path = lessons.name_of(int(name.rpartition("_")[2])), folder / "gradebook.db"
    marks = [cell.metadata.get("nbgrader", {}) for cell in released(lesson, folder).cells]
    if not (path.is_file() and path.stat().st_size):
        release(lesson, folder)
    with gradebook(folder) as book:
        try:
            known = {c.name: c.max_score for c in book.find_notebook(lesson, name).grade_cells}
        except MissingEntry:
            known = {}
    if not known:
        release(lesson, folder)
    elif known != {about["grade_id"]: about["points"] for about in marks if about.get("grade")}:
        raise PlanError(f"{path} has other exercises for {name}: {MOVE}")
    lost = {
        student
        for student, scores in scores_of(folder, name).items()
        for one in results_of(folder, student, name)
        if one.name not in scores
        or (one.name != CARD and scores[one.name][0] != one.points * one.right)
    }
    for student in lost:
        remove(folder / "autograded" / student / name)
    if lost:
        print(
            f"{name}: {len(lost)} graded notebooks disagree with gradebook.db, so they're graded "
            "again. If you've replaced that file, points given by hand are only in the old one"
        )
