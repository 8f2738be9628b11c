"""Starting again, and taking answers along: nothing is lost, whatever people did in a notebook."""

import os

import nbformat
import pytest

from tools import answers, notebooks

LESSON = "03_grad_cam"
MINE = "def alpha(gradient):\n    return gradient.mean(axis=(1, 2))"


@pytest.fixture
def folder(tmp_path):
    """A folder with lesson 3 in which exercise 3.1 is answered."""
    notebook = answers.fresh(LESSON)
    start, _ = answers.places(notebook)["3.1"]
    notebook.cells[start].source = MINE
    answers.write(notebook, tmp_path / f"{LESSON}.ipynb")
    return tmp_path


def stored(folder, name=f"{LESSON}.ipynb"):
    return nbformat.read(folder / name, as_version=4)


@pytest.mark.parametrize("lesson", notebooks.lessons())
def test_every_exercise_has_its_place_and_a_fresh_notebook_has_no_answer(lesson):
    notebook = answers.fresh(lesson)
    tasks = {c.metadata["exercise"]["id"] for c in notebook.cells if "exercise" in c.metadata}
    assert set(answers.places(notebook)) == tasks
    assert not any(answers.answer(notebook, id) for id in tasks)
    built = notebooks.STUDENTS / f"{lesson}.ipynb"
    assert notebooks.text(notebook) == built.read_text(encoding="utf-8")


def test_an_exercise_starts_again_and_the_answer_is_kept(folder):
    before = stored(folder)
    assert "3.1 is new" in answers.reset_exercise("3.1", folder)
    after = stored(folder)
    assert not answers.answer(after, "3.1")
    start, end = answers.places(after)["3.1"]
    assert after.cells[start].source == answers.fresh(LESSON).cells[start].source
    assert MINE in after.cells[end + 1].source
    others = [cell.source for cell in before.cells if cell.source != MINE]
    assert [c.source for c in after.cells if c.source in others] == others, "nothing else changed"
    again = (folder / f"{LESSON}.ipynb").read_bytes()
    assert "nothing was changed" in answers.reset_exercise("3.1", folder)
    assert (folder / f"{LESSON}.ipynb").read_bytes() == again


def test_an_answer_in_several_cells_is_one_answer(folder):
    notebook = stored(folder)
    start, _ = answers.places(notebook)["3.1"]
    notebook.cells.insert(start, nbformat.v4.new_code_cell("import numpy as np"))
    notebook.cells.insert(start, nbformat.v4.new_markdown_cell("My notes."))
    answers.write(notebook, folder / f"{LESSON}.ipynb")
    answers.reset_exercise("3.1", folder)
    kept = [cell.source for cell in stored(folder).cells]
    assert any(f"```python\nimport numpy as np\n\n{MINE}\n```" in source for source in kept)
    assert kept.count("My notes.") == 1


def test_a_lesson_starts_again_and_the_notebook_is_kept(folder):
    before = (folder / f"{LESSON}.ipynb").read_bytes()
    said = answers.reset_lesson("3", folder)
    answers.reset_lesson("3", folder)
    assert "(before 1)" in said
    assert (folder / f"{LESSON} (before 1).ipynb").read_bytes() == before
    assert (folder / f"{LESSON} (before 2).ipynb").exists()
    assert notebooks.text(stored(folder)) == notebooks.text(answers.fresh(LESSON))


def test_answers_are_taken_along_once_and_never_over_others(folder, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    old = (folder / f"{LESSON}.ipynb").read_bytes()
    with_notes = answers.fresh(LESSON)
    start, _ = answers.places(with_notes)["3.1"]
    with_notes.cells.insert(start, nbformat.v4.new_markdown_cell("My notes."))
    answers.write(with_notes, new / f"{LESSON}.ipynb")
    assert answers.take_along(folder, new) == [f"{LESSON}.ipynb: 3.1 filled in."]
    assert [cell.source for cell in stored(new).cells].count("My notes.") == 1
    assert answers.answer(stored(new), "3.1") == [MINE]
    assert answers.take_along(folder, new) == [f"No answers were found in {folder}."]
    other = stored(new)
    _, check = answers.places(other)["3.1"]
    other.cells[check - 1].source = "def alpha(gradient):\n    return 0"
    answers.write(other, new / f"{LESSON}.ipynb")
    assert "3.1 left out" in answers.take_along(folder, new)[0]
    with pytest.raises(answers.Problem, match="is this copy of the course"):
        answers.take_along(new, new)
    assert answers.answer(stored(new), "3.1") == [other.cells[check - 1].source]
    assert (folder / f"{LESSON}.ipynb").read_bytes() == old


CHECK = "alpha = checks.alpha(alpha)"
code, note = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def no_ids(cells, notebook):
    """As Colab saves them: without ids, in the first minor version."""
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        cell.pop("id", None)
    return cells


HABITS = {
    "notes and a magic": lambda cells, _: [
        cells[0],
        note("My notes."),
        code(f"%%time\n{MINE}"),
        code("plot()"),
        cells[2],
    ],
    "the stub left above": lambda cells, _: [cells[0], code(STUB), code(MINE), cells[2]],
    "the end of the stub left": lambda cells, _: [
        cells[0],
        code(f"{MINE}\n    return ...  # your code here"),
        cells[2],
    ],
    "answer and check in one cell": lambda cells, _: [cells[0], code(f"{MINE}\n\n{CHECK}")],
    "the check called otherwise": lambda cells, _: [
        cells[0],
        code(MINE),
        code(f"print({CHECK[8:]})"),
    ],
    "an earlier check commented out": lambda cells, _: [
        cells[0],
        code(f"# {CHECK}\n{MINE}"),
        note(CHECK),
        cells[2],
    ],
    "answered in the first of two copies": lambda cells, _: [
        *cells,
        cells[0],
        code(STUB),
        cells[2],
    ],
    "answered in the second": lambda cells, _: [cells[0], code(STUB), cells[2], *cells],
    "Windows line ends": lambda cells, _: [cells[0], code(MINE.replace("\n", "\r\n")), cells[2]],
    "metadata dropped": lambda cells, _: [note(cells[0].source), *cells[1:]],
    "no ids": no_ids,
    "backticks and tags": lambda cells, _: [
        cells[0],
        code(f'"""```\n\n</details>\n````"""\n{MINE}'),
        cells[2],
    ],
}
STUB = "def alpha(gradient):\n    return ...  # your code here"


@pytest.fixture(params=HABITS)
def habit(request, folder):
    """The folder, with exercise 3.1 as people leave it behind."""
    notebook = stored(folder)
    start, end = answers.places(notebook)["3.1"]
    notebook.cells[start - 1 : end + 1] = HABITS[request.param](
        notebook.cells[start - 1 : end + 1], notebook
    )
    text = nbformat.writes(notebook)
    (folder / f"{LESSON}.ipynb").write_text(text, encoding="utf-8")
    return folder


def everything(notebook):
    return "\n".join("\n".join(cell.source.splitlines()) for cell in notebook.cells)


def test_whatever_people_do_in_a_notebook_a_reset_keeps_it(habit):
    before = stored(habit)
    assert "folded below its check" in answers.reset_exercise("3.1", habit)
    after = stored(habit)
    nbformat.validate(after)
    assert not answers.answer(after, "3.1")
    [folded] = [cell.source for cell in after.cells if "An earlier answer" in cell.source]
    fence = folded.splitlines()[2].removesuffix("python")
    assert folded.count(fence) == 2, "nothing in the answer may end its block"
    for cell in before.cells:
        assert everything(nbformat.from_dict({"cells": [cell]})) in everything(after) + CHECK, cell


def test_whatever_people_do_in_a_notebook_its_answer_is_taken_along(habit, tmp_path):
    new = tmp_path / "nëw version"
    new.mkdir()
    assert answers.take_along(habit, new) == [f"{LESSON}.ipynb: 3.1 filled in."]
    taken = stored(new)
    nbformat.validate(taken)
    assert answers.answer(taken, "3.1") == answers.answer(stored(habit), "3.1")
    assert MINE in everything(taken)


def test_an_emptied_answer_gets_its_stub_back(folder):
    notebook = stored(folder)
    start, _ = answers.places(notebook)["3.1"]
    notebook.cells[start].source = ""
    answers.write(notebook, folder / f"{LESSON}.ipynb")
    assert answers.reset_exercise("3.1", folder) == f"Exercise 3.1 is new in {LESSON}.ipynb."
    assert answers.fresh(LESSON).cells[start].source == stored(folder).cells[start].source


@pytest.mark.parametrize("gone", [-1, 1], ids=["task", "check"])
def test_an_answer_that_has_lost_its_task_or_check_is_reported(gone, folder, tmp_path):
    notebook = stored(folder)
    start, _ = answers.places(notebook)["3.1"]
    del notebook.cells[start + gone]
    answers.write(notebook, folder / f"{LESSON}.ipynb")
    before = (folder / f"{LESSON}.ipynb").read_bytes()
    new = tmp_path / "new"
    new.mkdir()
    [said] = answers.take_along(folder, new)
    assert "3.1 left out" in said
    assert str(folder / f"{LESSON}.ipynb") in said, "where it is"
    assert "reset the whole lesson" in answers.main(["reset", "3.1"], folder)
    assert (folder / f"{LESSON}.ipynb").read_bytes() == before


def test_what_is_not_taken_along_is_reported(folder, tmp_path):
    (folder / "01_what_does_a_gradient_tell_you.ipynb").write_text("{", encoding="utf-8")
    (folder / f"Copy of {LESSON}.ipynb").write_text("{", encoding="utf-8")
    new = tmp_path / "new"
    new.mkdir()
    damaged, filled, other = answers.take_along(folder, new)
    assert "01_what_does_a_gradient_tell_you.ipynb can't be read" in damaged
    assert filled == f"{LESSON}.ipynb: 3.1 filled in."
    assert other.startswith(f"Copy of {LESSON}.ipynb doesn't have the name of a lesson")


def test_an_exercise_with_a_new_number_is_the_same_exercise(folder, tmp_path):
    notebook = stored(folder)
    start, _ = answers.places(notebook)["3.1"]
    task = notebook.cells[start - 1]
    task.source = task.source.replace("Exercise 3.1", "Exercise 3.4")
    four, _ = answers.places(notebook)["3.2"]
    notebook.cells[four - 1].source = "### Exercise 3.1: something else"
    answers.write(notebook, folder / f"{LESSON}.ipynb")
    new = tmp_path / "new"
    new.mkdir()
    answers.take_along(folder, new)
    assert answers.answer(stored(new), "3.1") == [MINE]


def test_a_notebook_of_long_ago_is_read(folder, tmp_path):
    text = nbformat.writes(nbformat.convert(stored(folder), to_version=3), version=3)
    (folder / f"{LESSON}.ipynb").write_text(text, encoding="utf-8")
    new = tmp_path / "new"
    new.mkdir()
    assert answers.take_along(folder, new) == [f"{LESSON}.ipynb: 3.1 filled in."]


def test_a_link_stays_a_link(folder, tmp_path):
    real = tmp_path / "drive" / "lesson.ipynb"
    real.parent.mkdir()
    link = folder / f"{LESSON}.ipynb"
    link.replace(real)
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("Windows lets only some accounts make links")
    answers.reset_exercise("3.1", folder)
    assert link.is_symlink()
    assert "folded" not in real.read_text(encoding="utf-8")
    assert MINE.splitlines()[1] in real.read_text(encoding="utf-8")
    assert [path.name for path in real.parent.iterdir()] == [real.name]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Expected `reset`"),
        (["reset"], "Expected `reset`"),
        (["reset", "3.9"], "has no exercise 3.9. There are: 3.1"),
        (["reset", "9"], "no lesson '9'"),
        (["reset", ""], "no lesson ''"),
        (["reset", "../x"], "no lesson ''"),
        (["reset", "cat"], "no lesson 'cat'"),
        (["reset", "2.1"], "There is no"),
        (["answers", "nowhere"], "no notebooks of the course in nowhere"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(arguments, says, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    said = answers.main(arguments, folder)
    assert says in said
    assert said.count("\n") == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_exercise_whose_check_was_deleted_does_not_take_the_next_ones(folder):
    notebook = stored(folder)
    _, check = answers.places(notebook)["3.1"]
    others = {id: place for id, place in answers.places(notebook).items() if id != "3.1"}
    del notebook.cells[check]
    shifted = {id: (start - 1, end - 1) for id, (start, end) in others.items()}
    assert answers.places(notebook) == shifted


def test_a_notebook_that_an_editor_saved_with_a_byte_order_mark_is_read(folder):
    path = folder / f"{LESSON}.ipynb"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert "3.1 is new" in answers.reset_exercise("3.1", folder)


@pytest.mark.skipif(os.name == "nt", reason="needs a limit that Windows doesn't have")
def test_a_full_disk_leaves_the_notebook_as_it_was(folder):
    import resource

    path, limits = folder / f"{LESSON}.ipynb", resource.getrlimit(resource.RLIMIT_FSIZE)
    before = path.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        said = answers.main(["reset", "3.1"], folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in said
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {path.name: before}


def test_a_damaged_notebook_is_named_and_left_alone(folder, capsys):
    path = folder / f"{LESSON}.ipynb"
    path.write_text("{", encoding="utf-8")
    assert "can't be read as a notebook" in answers.main(["reset", "3.1"], folder)
    assert path.read_text(encoding="utf-8") == "{"
    assert answers.main(["reset", "3"], folder) is None
    assert "(before 1)" in capsys.readouterr().out
