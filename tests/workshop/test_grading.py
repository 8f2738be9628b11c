"""The nbgrader release: the lessons' exercises, graded by the lessons' checks."""

from __future__ import annotations

import copy
import textwrap
from pathlib import Path

import nbformat
import pytest

pytest.importorskip(
    "nbgrader", reason="nbgrader is missing: `python start.py workshop grading` gets it"
)

from nbgrader.nbgraderformat import MetadataValidator

from workshop import grading, lessons
from workshop.lessons import exercises, notebooks


def about(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def of_kind(notebook, kind: str) -> dict[str, nbformat.NotebookNode]:
    """Return the cells that are a "solution" or a "grade", by exercise."""
    return {
        about(cell)["grade_id"].partition("-")[2].replace("-", "."): cell
        for cell in notebook.cells
        if about(cell).get(kind)
    }


@pytest.fixture(params=lessons.names())
def lesson(request) -> str:
    return request.param


def test_each_exercise_has_an_answer_a_check_and_its_points(lesson):
    notebook = grading.source_version(lesson)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    tasks = {task.id: task for task in exercises().values() if task.lesson == lesson}
    assert of_kind(notebook, "solution").keys() == of_kind(notebook, "grade").keys() == tasks.keys()
    for id, cell in of_kind(notebook, "grade").items():
        assert about(cell)["points"] == {"easy": 1, "medium": 2, "hard": 3}[tasks[id].difficulty]
        before = notebook.cells[notebook.cells.index(cell) - 1]
        assert f"{tasks[id].name} = checks.{tasks[id].check}({tasks[id].name})" in before.source
        assert about(before)["locked"]
        assert not about(before)["grade"]
    names = [about(cell)["grade_id"] for cell in notebook.cells if about(cell)]
    assert len(names) == len(set(names))


def test_the_rest_is_the_lesson_and_what_is_guessed_stays_open(lesson):
    """Before it grades, nbgrader puts back every code cell except the guesses."""
    notebook = grading.source_version(lesson)
    plain = [cell for cell in notebook.cells if not about(cell).get("grade")]
    student = nbformat.read(notebooks.STUDENTS / f"{lesson}.ipynb", as_version=4)
    assert [cell.id for cell in plain] == [cell.id for cell in student.cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert bool(about(cell)) != bool(grading.GUESS.match(cell.source))


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course folder with lesson 0, released, and two submissions.

    Ada has the first exercise right and the second wrong. Grace made a typing mistake in the first,
    so the function doesn't exist; her second is right, with a NumPy warning.
    """
    folder = tmp_path_factory.mktemp("Kurs für alle")
    (folder / "nbgrader_config.py").write_text(grading.CONFIG, encoding="utf-8")
    lesson = lessons.name_of(0)
    released = nbformat.read(grading.release(lesson, folder), as_version=4)
    right = exercises()["0.1"].solution.partition("\n")[2].strip()
    warns = (
        "np.array([1.0]) / 0\n"
        "e = np.exp(scores - scores.max(axis=1, keepdims=True))\n"
        "return e / e.sum(axis=1, keepdims=True)"
    )
    answers = {
        "ada": {"0.1": right, "0.2": "e = np.exp(scores)\nreturn e / e.sum()"},
        "grace": {"0.1": "return classifier.predict(picture)[0", "0.2": warns},
    }
    for student, typed in answers.items():
        notebook = copy.deepcopy(released)
        for id, cell in of_kind(notebook, "solution").items():
            lines = textwrap.indent(typed.get(id, notebooks.STUB), "    ").strip()
            assert notebooks.STUB in cell.source
            cell.source = cell.source.replace(notebooks.STUB, lines)
        path = folder / "submitted" / student / grading.assignment(lesson) / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return folder


@pytest.mark.slow
@pytest.mark.xdist_group("course")
def test_the_release_shows_no_answer_and_no_hidden_test(course):
    lesson = lessons.name_of(0)
    released = course / "release" / grading.assignment(lesson) / f"{lesson}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert code.count(notebooks.STUB) == 2
    assert "from_the_course" not in code
    assert "### BEGIN" not in code
    assert exercises()["0.2"].solution not in code
    for cell in of_kind(notebook, "grade").values():
        assert "point" in cell.source
        assert not cell.metadata.editable
    given = [cell for cell in notebook.cells if not about(cell).get("grade")]
    assert all(cell.metadata.get("editable", True) for cell in given)


@pytest.mark.patient
@pytest.mark.slow
@pytest.mark.xdist_group("course")
def test_nbgrader_gives_points_for_what_the_checks_call_right(course, monkeypatch):
    """Let nbgrader itself autograde both submissions, then read the scores from its gradebook."""
    from nbgrader.api import Gradebook

    monkeypatch.setenv("PATH", grading.environment()["PATH"])
    own = course / "the grader's own progress"
    monkeypatch.setenv("SALIENCY_COURSE_PROGRESS", str(own))
    name = grading.assignment(lessons.name_of(0))
    done = grading.nbgrader(course, "autograde", name)
    assert done.returncode == 0, done.stdout
    assert not own.exists()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = {
            student: {
                grade.name.partition("-")[2].replace("-", "."): (grade.auto_score, grade.max_score)
                for grade in book.find_submission(name, student).notebooks[0].grades
            }
            for student in ("ada", "grace")
        }
        assert not any(book.find_submission(name, s).needs_manual_grade for s in grades)
    assert grades == {
        "ada": {"0.1": (1, 1), "0.2": (0, 2)},
        "grace": {"0.1": (0, 1), "0.2": (2, 2)},
    }
