"""The nbgrader release: the lessons' exercises, graded by the lessons' checks."""

from __future__ import annotations

import csv
import html
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import odd_files
import pytest

pytest.importorskip(
    "nbgrader", reason="nbgrader is missing: `python start.py workshop grading` gets it"
)

from nbgrader.nbgraderformat import MetadataValidator

from course_utils import checks
from workshop import collect, execute, feedback, grading, lessons
from workshop.lessons import exercises, notebooks

LESSON = lessons.name_of(1)  # it needs no network, and so no TensorFlow


def about(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def of_kind(notebook, kind: str) -> dict[str, nbformat.NotebookNode]:
    """Return the cells that are a "solution" or a "grade", by exercise."""
    return {
        about(cell)["grade_id"].partition("-")[2].replace("-", "."): cell
        for cell in notebook.cells
        if about(cell).get(kind) and cell.id != grading.CARD
    }


@pytest.fixture(params=lessons.names())
def lesson(request) -> str:
    return request.param


def test_each_exercise_has_an_answer_a_check_and_its_points(lesson):
    notebook = grading.source_version(lesson)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    tasks = {task.id: task for task in exercises().values() if task.lesson == lesson}
    card = [cell for cell in notebook.cells if cell.id == grading.CARD]
    assert len(card) == (lesson == lessons.names()[-1])
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
    added = {grading.CARD, "card-task"}
    plain = [c for c in notebook.cells if not about(c).get("grade") and c.id not in added]
    student = nbformat.read(notebooks.STUDENTS / f"{lesson}.ipynb", as_version=4)
    assert [cell.id for cell in plain] == [cell.id for cell in student.cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            own = grading.GUESS.match(cell.source) or "brief" in cell.metadata.get("tags", [])
            assert bool(about(cell)) != bool(own)


def test_of_the_story_only_what_answers_need_is_run(lesson):
    """Right answers need the imports, and no network, picture or map: grading is fast."""
    notebook = grading.source_version(lesson)
    run = execute.story(notebook)
    if lesson == lessons.names()[-1]:  # whoever grades the card sees the brief carried out
        assert run == {}
        return
    statements = "\n".join(run.values())
    assert all(line.startswith(("import ", "from ")) for line in statements.split("\n") if line)
    own = next(cell for cell in notebook.cells if about(cell).get("solution"))
    own.source += "\nfirst = load_classifier()"
    assert "load_classifier" in "\n".join(execute.story(notebook).values())


def test_settings_survive_when_the_course_moves(tmp_path):
    grading.configure(tmp_path)
    path = tmp_path / "nbgrader_config.py"
    made = path.read_text(encoding="utf-8")
    own = made + "c.Execute.seconds = 120\n"
    path.write_text(own.replace(repr(str(lessons.ROOT)), "'/old/place'"), encoding="utf-8")
    grading.configure(tmp_path)
    assert path.read_text(encoding="utf-8") == own
    path.write_text("c.CourseDirectory.course_id = 'another'", encoding="utf-8")
    grading.configure(tmp_path)
    assert path.read_text(encoding="utf-8") == made


SLOWEST = 10  # seconds for an answer or its check here; 45 in a course


def cheated(book) -> None:
    """Change what the check is, in every way that needs no knowledge of Python's insides."""
    cell = odd_files.stub_of(book, "1.1")
    cell.source = (
        "from importlib import import_module\n"
        "hasattr = startswith = lambda *_: False\n"
        "open_a_door = import_module('course_utils.' + 'che' + 'cks')\n"
        "open_a_door.predict_linear = lambda f: f\n"
        "def predict_linear(x, w, b): return x @ w"
    )
    cell = odd_files.stub_of(book, "1.2")
    cell.source = (
        "working = open_a_door.contributions(lambda *_: ...)\n"
        "del vars(working)['from_the_' + 'course']\n"
        "contributions = working"
    )


def stuck(book) -> None:
    """Never end, in code that can't be interrupted; the other answer is right."""
    cell = odd_files.stub_of(book, "1.1")
    cell.source = cell.source.replace(notebooks.STUB, "return sum(range(10**18))")
    odd_files.answer(book, "1.2")


def mistyped(book) -> None:
    """Make a typing mistake in one answer, leave the next out, and need too much memory."""
    cell = odd_files.stub_of(book, "1.1")
    cell.source = cell.source.replace(notebooks.STUB, "return (x @ w + b")
    odd_files.answer(book, "1.3", "return bytearray(9 * 2**30)")


def warned(book) -> None:
    """Answer both, and let NumPy warn: nbgrader gives no points to a cell that writes to stderr."""
    odd_files.answer(book, "1.1")
    body = exercises()["1.2"].solution.partition("\n")[2]
    odd_files.answer(book, "1.2", "    np.array([1.0]) / 0\n" + body)


# student -> what they do to lesson 1, their points from 1.1 on, and the words that say why
MEMORY = "MemoryError" if sys.platform == "linux" else "not right yet"
CLASS = {
    "Ada": (warned, (1, 2), ("right", "right")),
    "Bob": (mistyped, (0, 0, 0), ("SyntaxError", "not answered", MEMORY)),
    "Cheat": (cheated, (0, 0), ("not right yet", "one of the course's functions")),
    "Eve": (stuck, (0, 2), ("could not be stopped", "right")),
}


def handed_in(student: str) -> bytes:
    """Return a student's notebook."""
    book = odd_files.ordinary(LESSON)
    CLASS[student][0](book)
    return odd_files.raw(book)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course folder in which a class was collected and graded, by nbgrader itself."""
    folder = tmp_path_factory.mktemp("Kurs für alle")
    export = folder / "export.zip"
    export.write_bytes(odd_files.zipped({f"{name}/a.ipynb": handed_in(name) for name in CLASS}))
    grading.configure(folder)
    with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(f"c.Execute.seconds = {SLOWEST}\n")
    collect.collect(export, folder)
    grading.grade([], folder)
    return folder


def points(course: Path) -> dict[tuple[str, str], dict]:
    with (course / "points.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}


def reason(output: nbformat.NotebookNode, *notes: str) -> str:
    """Return why an answer got no points, if this is its check's output."""
    check = nbformat.v4.new_code_cell("", outputs=[output])
    check.metadata.nbgrader = grading.marked("given", "given-1")
    said = {"answered": True, "notes": notes}
    return feedback.reason([nbformat.v4.new_code_cell("1"), check], said, "predict_linear")


def test_a_reason_is_the_whole_verdict_or_what_is_missing(capsys):
    checks.predict_linear(lambda *_: np.array([["two\nlines"] * 3] * 3))
    words = reason(nbformat.v4.new_output("stream", text=capsys.readouterr().out))
    assert "\n" in words
    assert not words.endswith(feedback.ON)
    stopped = nbformat.v4.new_output("error", ename="NameError", evalue="no such name")
    assert "NameError: no such name" in reason(stopped)
    note = "has code, and nothing called predict_linear in it"
    assert reason(stopped, "was in a text cell", note).endswith(note)


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.xdist_group("course")
def test_the_release_shows_no_answer_and_no_hidden_test(course):
    released = course / "release" / grading.assignment(LESSON) / f"{LESSON}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert code.count(notebooks.STUB) == 5
    assert "judged" not in code
    assert "### BEGIN" not in code
    assert exercises()["1.2"].solution not in code
    for cell in of_kind(notebook, "grade").values():
        assert "point" in cell.source
        assert not cell.metadata.editable
    given = [cell for cell in notebook.cells if not about(cell).get("grade")]
    assert all(cell.metadata.get("editable", True) for cell in given)


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.xdist_group("course")
@pytest.mark.parametrize("student", CLASS)
def test_each_student_gets_the_points_of_the_right_answers_and_a_reason_for_the_others(
    course, student
):
    _, expected, reasons = CLASS[student]
    rows = [points(course)[student, f"1.{n}"] for n, _ in enumerate(expected, 1)]
    assert tuple(float(row["points"]) for row in rows) == expected
    for row, reason in zip(rows, reasons, strict=True):
        assert re.search(reason, row["why"])


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.xdist_group("course")
def test_feedback_says_the_hint_first_and_needs_no_internet(course):
    for student in CLASS:
        path = course / "feedback" / student / grading.assignment(LESSON) / f"{LESSON}.html"
        text = path.read_text(encoding="utf-8")
        for id in ("1.1", "1.2"):
            label = f"Exercise {id}: {exercises()[id].title}"
            why = html.escape(points(course)[student, id]["why"])
            heading = text.index(f'<h2 id="points-{id.replace(".", "-")}">{label}')
            assert label in text[:heading]
            assert why.split(chr(10))[0][:60] in text[heading : heading + 900]
        assert "Test cell" not in text
        assert "Traceback (most" not in text
        assert not re.search(r"<(script|link)\b|src=.https?:", text)
        assert "<math" in text or "$" not in text


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.xdist_group("course")
def test_a_resubmission_updates_the_old_score_and_nobody_else_is_graded_again(course):
    name = grading.assignment(LESSON)
    before = {path: path.stat().st_mtime for path in course.glob("autograded/*/*/*.ipynb")}
    export = course / "again.zip"
    newer = odd_files.raw(odd_files.solved(LESSON, "1.1"))
    export.write_bytes(odd_files.zipped({"Bob/b.ipynb": newer}, when=(2026, 11, 25, 9, 0, 0)))
    collect.collect(export, course)
    grading.grade([name], course)
    assert points(course)["Bob", "1.1"]["points"] == "1.0"
    after = {path: path.stat().st_mtime for path in course.glob("autograded/*/*/*.ipynb")}
    assert {path.parts[-3] for path in after if after[path] != before[path]} == {"Bob"}
    with (course / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {student: sum(row[1]) for student, row in CLASS.items()} | {"Bob": 1}


@pytest.mark.slow
@pytest.mark.patient
@pytest.mark.xdist_group("course")
def test_without_its_gradebook_or_with_another_everything_is_graded_again(
    course, capsys, monkeypatch
):
    """The last test of this course: it has no gradebook afterwards."""
    name, path = grading.assignment(LESSON), course / "gradebook.db"
    made = []
    monkeypatch.setattr(grading, "release", lambda *_: made.append("release"))
    with grading.gradebook(course) as book:
        book.find_submission(name, "Ada").notebooks[0].grades[0].auto_score = 0
        book.db.commit()
    grading.check_gradebook(course, name)
    assert "1 graded notebooks disagree" in capsys.readouterr().out
    with grading.gradebook(course) as book:
        book.find_notebook(LESSON, name).grade_cells[0].max_score = 99
        book.db.commit()
    with pytest.raises(lessons.PlanError, match="other exercises"):
        grading.check_gradebook(course, name)
    assert not made
    with grading.gradebook(course) as book:
        book.remove_assignment(name)
    grading.check_gradebook(course, name)
    assert made
    assert not list(course.glob("autograded/*/*"))
    path.write_bytes(b"no database" * 100)
    with pytest.raises(lessons.PlanError, match="not a database"):
        grading.check_gradebook(course, name)
    path.unlink()
    monkeypatch.setattr(grading, "release", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        grading.check_gradebook(course, name)
