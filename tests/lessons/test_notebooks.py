"""The notebooks match their sources, and everybody can read what reaches the reader.

That they run is tested elsewhere: plain `pytest` has nbval execute every notebook.
"""

from __future__ import annotations

import ast
import base64
import copy
import io
import os
import re
import symtable
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
    """Otherwise students would get a solution, or lose what stands after it."""
    source = "\n".join(f"    ### {mark} SOLUTION\n    return 0" for mark in marks)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    for version in (notebooks.student_version, notebooks.solved_version):
        with pytest.raises(ValueError, match="Each ### BEGIN SOLUTION needs an ### END SOLUTION"):
            version(notebook)


@pytest.fixture(params=notebooks.lessons())
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
    assert (NOTEBOOKS / "solutions" / f"{lesson}.ipynb").stat().st_size < 2.5e6


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


@pytest.mark.slow
@pytest.mark.exact
def test_running_again_gives_the_same_outputs():
    """A rebuild changes nothing. We try lesson 0, which computes all three maps.

    On the machine that built them, not a byte changes. Elsewhere, sums in another order may move a
    pixel of a noisy map by a few colour levels: on average, far less than one.
    """
    lesson = "00_start_here"
    before = stored(NOTEBOOKS / "solutions" / f"{lesson}.ipynb")
    after = notebooks.execute(notebooks.solved_version(notebooks.read(lesson)))
    assert texts(after) == texts(before)
    for (picture, alt), (old_picture, old_alt) in zip(figures(after), figures(before), strict=True):
        assert alt == old_alt
        assert picture.shape == old_picture.shape
        assert np.abs(picture - old_picture).mean() < 0.5


# Which cells depend on which? Look at the names that a cell, or a part of it, uses and binds.


def statements(cell: str) -> list[ast.stmt]:
    """Return a cell's statements in order, with loops unrolled: for x in y: z becomes x = y; z."""
    found, left = [], list(ast.parse(cell).body)
    while left:
        match statement := left.pop(0):
            case ast.For(target=target, iter=values, body=body, orelse=orelse):
                head = ast.Assign([target], values, lineno=0)
                left = [head, *body, *orelse, *left]
            case _:
                found.append(statement)
    return found


def tables(statement: ast.stmt) -> list[symtable.SymbolTable]:
    """Return a statement's names, and those of each function, comprehension and class in it."""
    found = [symtable.symtable(ast.unparse(statement), "cell", "exec")]
    for table in found:
        found += table.get_children()
    return found


def taken(statement: ast.stmt) -> set[str]:
    outer, *inner = tables(statement)
    names = {s.get_name() for s in outer.get_symbols() if s.is_referenced()}
    return names | {s.get_name() for table in inner for s in table.get_symbols() if s.is_global()}


def given(statement: ast.stmt) -> set[str]:
    return {s.get_name() for s in tables(statement)[0].get_symbols() if s.is_assigned()} | {
        (name.asname or name.name).split(".")[0] for name in getattr(statement, "names", [])
    }


def changed(cell: str) -> set[str]:
    """Return the names whose values a cell changes: a[0] = 1, a.sort()."""
    names = set()
    for node in ast.walk(ast.parse(cell)):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                names.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
                names.add(name)
    return names


def flow(cell: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names a cell uses from above, those it may bind, and those it surely binds."""
    above, binds, surely = set(), set(), set()
    for statement in statements(cell):
        above |= taken(statement) - surely
        binds |= given(statement)
        if not isinstance(statement, (ast.If, ast.Try, ast.While)):
            surely |= given(statement)
    return above, binds | changed(cell), surely - above


def flows(cells: list) -> dict[int, tuple[set[str], set[str], set[str]]]:
    """Return each code cell's flow. A cell that uses a function also uses all that this needs."""
    found = {i: flow(cell.source) for i, cell in enumerate(cells) if cell.cell_type == "code"}
    needs = {
        statement.name: taken(statement)
        for i in found
        for statement in statements(cells[i].source)
        if isinstance(statement, ast.FunctionDef)
    }
    for above, _, surely in found.values():
        todo = list(above)
        while todo:
            new = needs.get(todo.pop(), set()) - above - surely
            above |= new
            todo += new
    return found


def what_answers_reach(cells: list) -> set[int]:
    """Return the positions of the cells whose values depend on an exercise's function."""
    reached, names = set(), set()
    for i, (above, binds, surely) in flows(cells).items():
        if check := CHECK.search(cells[i].source):
            names.add(check["check"])
        if above & names:
            reached.add(i)
            names |= binds
        else:
            names -= surely
    return reached


def what_is_needed(cells: list, wanted: set[int]) -> set[int]:
    """Return the positions of these cells, and of all cells they depend on."""
    kept, needed = set(), set()
    for i, (above, binds, surely) in reversed(flows(cells).items()):
        if i in wanted or binds & needed:
            kept.add(i)
            needed = needed - surely | above
    return kept


def with_answers(notebook, *tables: dict[str, str]) -> dict[str, list]:
    """Put an answer from each table after each check. Return check -> the cells that run it.

    Cells that no answer reaches, and that no reached cell depends on, are left out: nbval runs them
    in the untouched notebook.
    """
    cells, wanted, found = [], set(), {}
    for i, cell in enumerate(notebook.cells):
        cells.append(cell)
        if "set-up" in cell.metadata.get("tags", []):
            wanted.add(len(cells) - 1)
        if i >= 2 and "exercise" in notebook.cells[i - 2].metadata:
            check = CHECK.search(cell.source)["check"]
            found[check] = [cell]
            for table in tables:
                answer, again = copy.deepcopy(notebook.cells[i - 1]), copy.deepcopy(cell)
                lines = textwrap.indent(textwrap.dedent(table[check]).strip(), "    ").strip()
                assert notebooks.STUB in answer.source
                answer.source = answer.source.replace(notebooks.STUB, lines)
                answer.id, again.id = f"answer-{len(cells)}", f"again-{len(cells)}"
                cells += [answer, again]
                found[check].append(again)
            wanted.update(range(len(cells) - 2 - 2 * len(tables), len(cells)))
    kept = what_is_needed(cells, wanted | what_answers_reach(cells))
    notebook.cells = [cell for i, cell in enumerate(cells) if i in kept]
    assert found
    return found


def of_round(number: int) -> dict[str, str]:
    """Return the right answer of each exercise to try in a round; its last, if it has fewer."""
    return {check: answers[min(number, len(answers) - 1)] for check, answers in RIGHT.items()}


@pytest.mark.slow
def test_undone_wrong_and_right_the_notebook_says_so_and_runs(lesson):
    """Each check gets the stub, as in an untouched notebook, a wrong answer, and a right one.

    It must say that the stub isn't done yet, and name the wrong answer's mistake. With right
    answers to all the exercises at once, the notebook runs to its end.
    """
    notebook = stored(NOTEBOOKS / f"{lesson}.ipynb")
    wrong = {check: pairs[0][0] for check, pairs in WRONG.items()}
    found = with_answers(notebook, wrong, of_round(0))
    notebooks.execute(notebook)
    for check, cells in found.items():
        undone, refused, accepted = map(said, cells)
        assert ": not done yet." in undone
        assert ": not right yet." in refused
        assert re.search(WRONG[check][0][1], refused), refused
        assert ": right, well done." in accepted, accepted


@pytest.mark.slow
@pytest.mark.skipif("COURSE_EVERY_ANSWER" not in os.environ, reason="weekly: .ci/run answers")
@pytest.mark.parametrize("number", range(1, max(map(len, RIGHT.values()))))
def test_every_accepted_answer_survives_the_rest_of_its_notebook(lesson, number):
    notebook = stored(NOTEBOOKS / f"{lesson}.ipynb")
    found = with_answers(notebook, of_round(number))
    if number >= max(len(RIGHT[check]) for check in found):
        pytest.skip("no exercise of this lesson has that many answers")
    notebooks.execute(notebook)
    for undone, answered in found.values():
        assert ": not done yet." in said(undone)
        assert ": right, well done." in said(answered), said(answered)


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
