"""The notebooks match their sources; the solved ones run, and their checks judge.

That the untouched ones run is tested elsewhere: plain `pytest` has nbval execute them.
"""

from __future__ import annotations

import ast
import base64
import copy
import functools
import io
import os
import re
import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pytest
from answers import RIGHT, WRONG
from PIL import Image

from tools import notebooks

CHECK = re.compile(r"^\w+ = checks\.(?P<check>\w+)\((\w+)\)$", re.MULTILINE)
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ADDED = "added-by-a-test"  # how the ids of cells begin that aren't in the lesson


def stored(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def without_outputs(notebook):
    """Return everything that comes from the source: cells, ids, metadata."""
    return [
        {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
        for cell in notebook.cells
    ]


def figures(notebook) -> list[tuple[np.ndarray, str]]:
    """The figures with their alt texts, in order."""
    found = []
    for output in outputs_of(notebook):
        for png, alt in notebooks.FIGURE.findall(output.get("data", {}).get("text/html", "")):
            picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
            found.append((np.asarray(picture, float), alt))
    return found


def texts(notebook) -> list[str]:
    return [output.text for output in outputs_of(notebook) if output.output_type == "stream"]


def said(cell) -> str:
    """What a cell printed."""
    return "".join(o.text for o in cell.get("outputs", []) if o.output_type == "stream")


def test_there_are_lessons():
    assert {"00_start_here", "02_vanilla_gradients"} <= set(notebooks.lessons())


@pytest.mark.parametrize(
    "marks", [("BEGIN",), ("END",), ("BEGIN", "BEGIN", "END"), ("BEGIN", "END", "END")]
)
def test_a_mark_without_its_other_half_stops_the_build(marks):
    """Otherwise students would get a solution, or lose what comes after it."""
    source = "\n".join(f"    ### {mark} SOLUTION\n    return 0" for mark in marks)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    for version in (notebooks.student_version, notebooks.solved_version):
        with pytest.raises(ValueError, match="Each ### BEGIN SOLUTION needs an ### END SOLUTION"):
            version(notebook)


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in notebooks.lessons()]
)
def lesson(request) -> str:
    return request.param


def test_student_notebook_is_what_the_source_gives(lesson):
    path = NOTEBOOKS / f"{lesson}.ipynb"
    solved = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    expected = notebooks.with_targets(notebooks.student_version(notebooks.read(lesson)), solved)
    assert path.read_bytes().decode() == notebooks.text(expected), (
        f"{path.name} and its source differ: run `python -m tools.notebooks {lesson[:2]}`."
    )


def test_solved_notebook_has_the_cells_of_the_source(lesson):
    solved = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    expected = notebooks.solved_version(notebooks.read(lesson))
    assert without_outputs(solved) == without_outputs(expected), (
        f"The solved {lesson} and its source differ: run `python -m tools.notebooks {lesson[:2]}`."
    )
    assert all(cell.execution_count for cell in solved.cells if cell.cell_type == "code")


def test_the_list_of_exercises_in_the_package_is_that_of_the_sources():
    assert notebooks.CATALOGUE.read_bytes().decode() == notebooks.catalogue(), (
        "Run `python -m tools.notebooks 00`."
    )


def test_each_lesson_says_what_to_do_when_stuck_and_shows_progress(lesson):
    cells = stored(NOTEBOOKS / f"{lesson}.ipynb").cells
    folded = "<details><summary>I am stuck</summary>"
    assert sum(folded in cell.source for cell in cells) == 1
    assert sum("show_progress()" in cell.source for cell in cells) == 1


def test_no_notebook_lies_without_a_source():
    for folder, apps in ((NOTEBOOKS, notebooks.APPS), (NOTEBOOKS / "solutions", ())):
        found = {path.stem for path in folder.glob("*.ipynb")}
        assert found == {*notebooks.lessons(), *apps}


def test_students_get_no_solution(lesson):
    """A stub replaces every solution, and none of the solution's lines appears anywhere else."""
    source = (NOTEBOOKS / "source" / f"{lesson}.py").read_text(encoding="utf-8")
    student = stored(NOTEBOOKS / f"{lesson}.ipynb")
    code = "\n".join(cell.source for cell in student.cells if cell.cell_type == "code")
    solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, flags=re.DOTALL)
    assert solutions
    assert code.count(notebooks.STUB) == len(solutions)
    for solution in solutions:
        last = solution.strip().splitlines()[-1].strip()
        assert last.startswith("return")
        assert last not in code
    assert outputs_of(student) == []


def test_solved_notebook_shows_no_error_and_no_warning(lesson):
    for output in outputs_of(stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"


def test_every_exercise_is_complete(lesson):
    """Metadata, task, stub, check, two hints and the common mistakes."""
    cells = notebooks.read(lesson).cells
    exercises = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata]
    assert exercises
    for i in exercises:
        task, stub, check = cells[i : i + 3]
        about = task.metadata["exercise"]
        assert {"id", "minutes", "difficulty", "goal"} <= set(about)
        assert f"### Exercise {about['id']}:" in task.source
        assert f"({about['minutes']} minutes, {about['difficulty']})" in task.source
        for summary in ("Hint 1", "Hint 2", "Common mistakes"):
            assert f"<summary>{summary}</summary>" in task.source
        assert "### BEGIN SOLUTION" in stub.source
        assert "checks." in check.source
        assert "nbval-check-output" in check.metadata.tags


def test_a_notebook_stays_small_enough_to_open(lesson):
    assert (NOTEBOOKS / "solutions" / f"{lesson}.ipynb").stat().st_size < 3e6


def test_every_assert_says_what_was_expected(lesson):
    for cell in notebooks.read(lesson).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.Assert) or node.msg, ast.unparse(node)


def test_code_cells_are_short(lesson):
    """At most ten lines per cell, so a reader can see what each does (14 with the def)."""
    for cell in notebooks.read(lesson).cells:
        if cell.cell_type == "code" and "set-up" not in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 14, cell.source


# ------------------------------------------------------------------------- one run of each lesson


def with_answers(lesson: str, number: int) -> tuple[nbformat.NotebookNode, dict[str, list]]:
    """Return a solved lesson in which each exercise is done four times, and check -> its verdicts.

    First comes the stub, as in an untouched notebook, then a wrong answer, then the solution, and
    finally another right answer: the one with this number, or the last if there are fewer. The rest
    of the notebook goes on with that.
    """
    notebook = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    stubs = {cell.id: cell for cell in stored(NOTEBOOKS / f"{lesson}.ipynb").cells}
    tasks = [i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata]
    verdicts = {}
    for i in reversed(tasks):
        solution, check = notebook.cells[i + 1 : i + 3]
        name, stub = CHECK.search(check.source)["check"], stubs[solution.id]
        assert notebooks.STUB in stub.source
        right = RIGHT[name][min(number, len(RIGHT[name]) - 1)]
        pairs = [[solution, check]]
        for lines in (notebooks.STUB, WRONG[name][0][0], right):
            answer, again = copy.deepcopy(stub), copy.deepcopy(check)
            lines = textwrap.indent(textwrap.dedent(lines).strip(), "    ").strip()
            answer.source = answer.source.replace(notebooks.STUB, lines)
            answer.id, again.id = f"{ADDED}-{i}-{len(pairs)}", f"{ADDED}-{i}-check-{len(pairs)}"
            pairs.append([answer, again])
        pairs = [pairs[1], pairs[2], pairs[0], pairs[3]]
        verdicts[name] = [pair[1] for pair in pairs]
        notebook.cells[i + 1 : i + 3] = [cell for pair in pairs for cell in pair]
    assert verdicts
    return notebook, verdicts


@functools.cache
def run(lesson: str, number: int) -> tuple[nbformat.NotebookNode, dict[str, list]]:
    """Run a lesson `with_answers`; return it without the added cells, and the verdicts."""
    notebook, verdicts = with_answers(lesson, number)
    notebooks.execute(notebook)
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith(ADDED)]
    return notebook, verdicts


def check_verdicts(lesson: str, number: int) -> None:
    after, verdicts = run(lesson, number)
    for check, cells in verdicts.items():
        undone, refused, solved, accepted = map(said, cells)
        assert ": not done yet." in undone
        assert ": not right yet." in refused
        assert re.search(WRONG[check][0][1], refused), refused
        assert ": right, well done." in solved, solved
        assert ": right, well done." in accepted, accepted
    before = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    for cell, old in zip(after.cells, before.cells, strict=True):
        if "nbval-check-output" in cell.metadata.get("tags", []):
            assert said(cell) == said(old), cell.source


@pytest.mark.patient
@pytest.mark.slow
def test_undone_wrong_and_right_the_solved_notebook_says_so_and_runs(lesson):
    """Every cell of the solved notebook runs, and its checks say what they said.

    Each check also gets the stub, which it must call not done yet, and a wrong answer, whose
    mistake it must name. With other right answers instead of the solutions, the notebook runs to
    its end. (nbval runs the untouched one.)
    """
    check_verdicts(lesson, 0)


@pytest.mark.patient
@pytest.mark.slow
@pytest.mark.skipif("COURSE_EVERY_ANSWER" not in os.environ, reason="weekly: .ci/run answers")
@pytest.mark.parametrize("number", range(1, max(map(len, RIGHT.values()))))
def test_every_accepted_answer_survives_the_rest_of_its_notebook(lesson, number):
    _, verdicts = with_answers(lesson, number)
    if number >= max(len(RIGHT[check]) for check in verdicts):
        pytest.skip("no exercise of this lesson has that many answers")
    check_verdicts(lesson, number)


@pytest.mark.patient
@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.xdist_group("00_start_here")  # where it has been run
def test_running_again_gives_the_same_outputs():
    """A rebuild changes nothing. We try lesson 0, which computes all three maps.

    On the machine that built them, not a byte changes. Elsewhere, sums in another order may move a
    pixel of a noisy map by a few colour levels: on average, far less than one.
    """
    before = stored(NOTEBOOKS / "solutions" / "00_start_here.ipynb")
    after, _ = run("00_start_here", 0)
    assert texts(after) == texts(before)
    for (picture, alt), (old_picture, old_alt) in zip(figures(after), figures(before), strict=True):
        assert alt == old_alt
        assert picture.shape == old_picture.shape
        assert np.abs(picture - old_picture).mean() < 0.5


# ------------------------------------------------------------------------- what is read, in print


def test_prose_is_the_same_for_students_and_in_the_solutions(lesson):
    def prose(path):
        cells = [cell for cell in stored(path).cells if cell.cell_type == "markdown"]
        return [cell.source.split("\n<details><summary>Target")[0] for cell in cells]

    student = prose(NOTEBOOKS / f"{lesson}.ipynb")
    assert student == prose(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    assert any(text.startswith("### Exercise") for text in student)


def test_a_target_figure_is_described(lesson):
    cells = stored(NOTEBOOKS / f"{lesson}.ipynb").cells
    targets = [cell for cell in cells if "attachments" in cell]
    assert len(targets) == sum("target" in cell.metadata.get("tags", []) for cell in cells)
    for cell in targets:
        [alt] = re.findall(r"!\[(.+)\]\(attachment:target.png\)", cell.source)
        assert len(alt) > 40
        Image.open(io.BytesIO(base64.b64decode(cell.attachments["target.png"]["image/png"])))
