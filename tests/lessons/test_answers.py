"""Starting again, and taking answers along: nothing is lost, whatever people did in a notebook."""

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
    assert answers.answer(after, "3.1") == ""
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
    kept = "\n".join(cell.source for cell in stored(folder).cells)
    assert f"import numpy as np\n\n{MINE}" in kept


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
    assert answers.take_along(folder, new) == [f"{LESSON}.ipynb: 3.1 filled in."]
    assert answers.answer(stored(new), "3.1") == MINE
    assert answers.take_along(folder, new) == [f"No answers were found in {folder}."]
    other = stored(new)
    start, _ = answers.places(other)["3.1"]
    other.cells[start].source = "def alpha(gradient):\n    return 0"
    answers.write(other, new / f"{LESSON}.ipynb")
    assert "3.1 left out" in answers.take_along(folder, new)[0]
    assert answers.answer(stored(new), "3.1") == other.cells[start].source
    assert (folder / f"{LESSON}.ipynb").read_bytes() == old


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Expected `reset`"),
        (["reset"], "Expected `reset`"),
        (["reset", "3.9"], "has no exercise 3.9. There are: 3.1"),
        (["reset", "9"], "no lesson '9'"),
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


def test_a_damaged_notebook_is_named_and_left_alone(folder, capsys):
    path = folder / f"{LESSON}.ipynb"
    path.write_text("{", encoding="utf-8")
    assert "can't be read as a notebook" in answers.main(["reset", "3.1"], folder)
    assert path.read_text(encoding="utf-8") == "{"
    assert answers.main(["reset", "3"], folder) is None
    assert "(before 1)" in capsys.readouterr().out
