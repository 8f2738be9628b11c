"""The notebooks are what their sources say, and what reaches the reader can be read by everybody.

That they run is tested beside this file: plain `pytest` lets nbval execute every notebook.
"""

from __future__ import annotations

import ast
import base64
import copy
import importlib.util
import io
import re
import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image
from wrong_answers import WRONG_ANSWERS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def stored(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def outputs_of(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def without_outputs(notebook):
    """Everything that comes from the source: cells, ids, metadata."""
    return [
        {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
        for cell in notebook.cells
    ]


def figures(notebook) -> list[tuple[np.ndarray, str]]:
    """The figures with their alt texts, in order."""
    found = []
    for output in outputs_of(notebook):
        for png, alt in build.FIGURE.findall(output.get("data", {}).get("text/html", "")):
            picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
            found.append((np.asarray(picture, float), alt))
    return found


def texts(notebook) -> list[str]:
    return [output.text for output in outputs_of(notebook) if output.output_type == "stream"]


def said(cell) -> str:
    """What a cell printed."""
    return "".join(o.text for o in cell.get("outputs", []) if o.output_type == "stream")


def test_there_are_lessons():
    assert {"00_start_here", "02_vanilla_gradients"} <= set(build.lessons())


@pytest.fixture(params=build.lessons())
def lesson(request) -> str:
    return request.param


def test_student_notebook_is_what_the_source_gives(lesson):
    path = NOTEBOOKS / f"{lesson}.ipynb"
    solved = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    expected = build.with_targets(build.student_version(build.read(lesson)), solved)
    assert path.read_bytes().decode() == build.text(expected), (
        f"{path.name} and its source differ: run `python notebooks/build.py {lesson[:2]}`."
    )


def test_solved_notebook_has_the_cells_of_the_source(lesson):
    solved = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    expected = build.solved_version(build.read(lesson))
    assert without_outputs(solved) == without_outputs(expected), (
        f"The solved {lesson} and its source differ: run `python notebooks/build.py {lesson[:2]}`."
    )
    assert all(cell.execution_count for cell in solved.cells if cell.cell_type == "code")


def test_the_list_of_exercises_in_the_package_is_that_of_the_sources():
    assert build.CATALOGUE.read_bytes().decode() == build.catalogue(), (
        "Run `python notebooks/build.py 00`."
    )


def test_each_lesson_says_what_to_do_when_stuck_and_shows_progress(lesson):
    cells = stored(NOTEBOOKS / f"{lesson}.ipynb").cells
    folded = "<details><summary>I am stuck</summary>"
    assert sum(folded in cell.source for cell in cells) == 1
    assert sum("show_progress()" in cell.source for cell in cells) == 1


def test_no_notebook_lies_without_a_source():
    for folder, apps in ((NOTEBOOKS, build.APPS), (NOTEBOOKS / "solutions", ())):
        found = {path.stem for path in folder.glob("*.ipynb")}
        assert found == {*build.lessons(), *apps}


def test_students_get_no_solution(lesson):
    """Every solution is replaced by a stub, and none of its lines stands anywhere else."""
    source = (NOTEBOOKS / "source" / f"{lesson}.py").read_text(encoding="utf-8")
    student = stored(NOTEBOOKS / f"{lesson}.ipynb")
    code = "\n".join(cell.source for cell in student.cells if cell.cell_type == "code")
    solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, flags=re.DOTALL)
    assert solutions and code.count(build.STUB) == len(solutions)
    for solution in solutions:
        last = solution.strip().splitlines()[-1].strip()
        assert last.startswith("return") and last not in code
    assert outputs_of(student) == []


def test_solved_notebook_shows_no_error_and_no_warning(lesson):
    for output in outputs_of(stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")):
        assert output.output_type != "error"
        assert output.get("name") != "stderr"


def test_every_figure_arrives_with_a_description(lesson):
    """As <img alt="...">, since notebooks drop what a plain PNG output has for alt text."""
    solved = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    assert all("image/png" not in output.get("data", {}) for output in outputs_of(solved))
    assert figures(solved)
    for _, alt in figures(solved):
        assert len(alt) > 40, f"too short to describe a figure: {alt!r}"


def test_every_exercise_is_complete(lesson):
    """Metadata, task, stub, check, two hints and the common mistakes."""
    cells = build.read(lesson).cells
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
    assert (NOTEBOOKS / "solutions" / f"{lesson}.ipynb").stat().st_size < 2.5e6


def test_every_assert_says_what_was_expected(lesson):
    for cell in build.read(lesson).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.Assert) or node.msg, ast.unparse(node)


def test_code_cells_are_short(lesson):
    """Ten lines a cell at the most, of which a reader can see what each does (with the def: 14)."""
    for cell in build.read(lesson).cells:
        if cell.cell_type == "code" and "set-up" not in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 14, cell.source


@pytest.mark.slow
@pytest.mark.exact
def test_running_again_gives_the_same_outputs():
    """A rebuild changes nothing. Shown on lesson 0, which computes all three maps.

    On the machine that built them, not a byte; elsewhere, sums in another order may move a pixel
    of a noisy map by some colour levels: on average far less than one.
    """
    lesson = "00_start_here"
    before = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    after = build.execute(build.solved_version(build.read(lesson)))
    assert texts(after) == texts(before)
    for (picture, alt), (old_picture, old_alt) in zip(figures(after), figures(before), strict=True):
        assert alt == old_alt
        assert picture.shape == old_picture.shape
        assert np.abs(picture - old_picture).mean() < 0.5


def bound(cell: str) -> set[str]:
    """The names that a cell gives a value, or whose value it changes: a = 1, a[0] = 1, a.sort()."""
    names = set()
    for node in ast.walk(ast.parse(cell)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=short):
                names.add((short or name).split(".")[0])
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                names.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
                names.add(name)
    return names


def what_exercises_need(cells: list, answers: str) -> set[int]:
    """The places of the code cells without those on which no exercise, check or answer depends."""
    kept, needed = set(), set(re.findall(r"\w+", answers))
    for i in reversed(range(len(cells))):
        if cells[i].cell_type == "code":
            of_an_exercise = any("exercise" in c.metadata for c in cells[max(0, i - 2) : i])
            set_up = "set-up" in cells[i].metadata.get("tags", [])
            if of_an_exercise or set_up or bound(cells[i].source) & needed:
                kept.add(i)
                names = ast.walk(ast.parse(cells[i].source))
                needed |= {node.id for node in names if isinstance(node, ast.Name)}
    return kept


@pytest.mark.slow
def test_left_undone_or_wrong_the_notebook_says_so(lesson):
    """Each check first meets the stub, as in an untouched notebook, and then a wrong answer.

    The stub must be called not done yet, and the wrong answer by the name of its mistake. After
    either the notebook goes on with the course's function; that all runs with it, nbval shows on
    the untouched notebook. So here the cells that no exercise depends on are left out.
    """
    student = stored(NOTEBOOKS / f"{lesson}.ipynb")
    answers = [lines for exercise, (lines, _) in WRONG_ANSWERS.items() if exercise[0] == lesson[1]]
    needed = what_exercises_need(student.cells, "\n".join(answers))
    cells, tried = [], {}
    for i, cell in enumerate(student.cells):
        if i not in needed:
            continue
        cells.append(cell)
        if i >= 2 and "exercise" in student.cells[i - 2].metadata:
            exercise = student.cells[i - 2].metadata["exercise"]["id"]
            lines, hint = WRONG_ANSWERS[exercise]
            answer = copy.deepcopy(student.cells[i - 1])
            answer.source = answer.source.replace(
                build.STUB, textwrap.indent(lines, "    ").strip()
            )
            assert build.STUB not in answer.source
            again = copy.deepcopy(cell)
            answer.id, again.id = f"wrong-{i}", f"again-{i}"
            cells += [answer, again]
            tried[exercise] = cell, again, hint
    student.cells = cells
    build.execute(student)
    for exercise, (untouched, again, hint) in tried.items():
        assert f"Exercise {exercise}: not done yet." in said(untouched)
        assert f"Exercise {exercise}: not right yet." in said(again)
        assert re.search(hint, said(again)), said(again)
    everything = "".join(map(said, student.cells))
    assert everything.count("not done yet") == everything.count("not right yet") == len(tried) > 0


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
