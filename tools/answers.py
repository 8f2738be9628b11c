"""Start an exercise or a lesson again, or take your answers along to a new version of the course.

    python start.py reset 3.2             exercise 3.2: the stub again, your answer kept below it
    python start.py reset 3               lesson 3: new, and your notebook kept next to it
    python start.py answers ../old-course fill in your answers from another copy

Nothing is deleted. Close the notebooks in JupyterLab first: it doesn't reload open ones by itself.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import nbformat

from tools import address, notebooks

OLD = """<details><summary>An earlier answer to exercise {id}</summary>

{fence}python
{code}
{fence}

</details>"""
TASK = re.compile(r"^### Exercise (\d\.\d)\b", flags=re.MULTILINE)
CHECK = re.compile(r"^[^#\n]*\bchecks\.(\w+)\(\1\b", flags=re.MULTILINE)  # checks.alpha(alpha)
LESSONS = "*0[0-9]_*.ipynb"
STUB = re.compile(r"(?:(?:import|from) .*\s+)*def \w+\([^)]*\):\s+return \.\.\.(?: *#.*)?")


class Problem(Exception):
    """What went wrong and what to try, in a sentence."""


def places(notebook: nbformat.NotebookNode) -> dict[str, tuple[int, int]]:
    """Return where each exercise's answer is: the cells from a to b - 1; b is the check.

    It begins after the cell with the task, which is known by its title: some editors drop metadata.
    People split cells, insert others and copy an exercise; then the last answered copy counts.
    """
    found: dict[str, tuple[int, int]] = {}
    id, start = "", 0
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and (title := TASK.search(cell.source)):
            id, start = title[1], place + 1
        elif id and cell.cell_type == "code" and CHECK.search(cell.source):
            if id not in found or written(notebook.cells[start : place + 1]):
                found[id] = start, place
            id = ""
    return found


def names(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Return the name of each exercise's function, which is also its check's."""
    ends = {id: notebook.cells[end].source for id, (_, end) in places(notebook).items()}
    return {id: found[1] for id, end in ends.items() if (found := CHECK.search(end))}


def answer(notebook: nbformat.NotebookNode, id: str) -> list[str]:
    """Return the code of an answer, cell by cell; [] if there's nothing but the stub."""
    start, end = places(notebook)[id]
    return written(notebook.cells[start : end + 1])


def written(cells: list[nbformat.NotebookNode]) -> list[str]:
    """Return the code in these cells that isn't a stub; the last is the check, and no answer."""
    answers = cells if has_answer(cells[-1]) else cells[:-1]
    code = [cell.source.strip() for cell in answers if cell.cell_type == "code"]
    return [text for text in code if text and not STUB.fullmatch(text)]


def has_answer(check: nbformat.NotebookNode) -> bool:
    """Did somebody join the cell of an answer and its check?"""
    return re.search("^def ", check.source, flags=re.MULTILINE) is not None


def reset_exercise(id: str, folder: Path) -> str:
    """Put an exercise's stub back, with the answer folded below its check."""
    lesson = lesson_of(id.partition(".")[0])
    path, new = folder / f"{lesson}.ipynb", fresh(lesson)
    if id not in places(new):
        known = ", ".join(places(new))
        raise Problem(f"Lesson {lesson[:2]} has no exercise {id}. There are: {known}")
    mine = read(path)
    if names(mine).get(id) != names(new)[id]:
        raise Problem(
            f"{path.name} has no task {id} with its check after it: reset the whole lesson, "
            f"`python start.py reset {int(lesson[:2])}`"
        )
    start, end = places(mine)[id]
    own, code = mine.cells[start : end + 1], "\n\n".join(answer(mine, id))
    if not code and any(STUB.fullmatch(cell.source.strip()) for cell in own):
        return f"Exercise {id} has no answer yet: nothing was changed."
    first, last = places(new)[id]
    check = new.cells[last] if has_answer(own[-1]) else own[-1]
    notes = [cell for cell in own if cell.cell_type != "code"]
    mine.cells[start : end + 1] = [*notes, *new.cells[first:last], check]
    said = f"Exercise {id} is new in {path.name}."
    if code:
        fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", code))])
        old = nbformat.v4.new_markdown_cell(OLD.format(id=id, fence=fence, code=code))
        mine.cells.insert(start + len(notes) + last - first + 1, old)
        said += " Your earlier answer is folded below its check."
    write(mine, path)
    return said


def reset_lesson(number: str, folder: Path) -> str:
    """Replace a lesson's notebook by a new one; keep the old one next to it."""
    lesson = lesson_of(number)
    path = folder / f"{lesson}.ipynb"
    if not path.exists():
        write(fresh(lesson), path)
        return f"{path.name} is new."
    kept = next(
        other
        for n in range(1, 10_000)
        if not (other := path.with_name(f"{lesson} (before {n}).ipynb")).exists()
    )
    shutil.copy2(path, kept)
    write(fresh(lesson), path)
    return f"{path.name} is new. The notebook you had is {kept.name}."


def take_along(old_course: Path, folder: Path) -> list[str]:
    """Fill in the answers from another copy of the course, which isn't changed."""
    old_folder = next(
        (place for place in (old_course, old_course / "notebooks") if list(place.glob(LESSONS))),
        None,
    )
    if old_folder is None:
        raise Problem(
            f"There are no notebooks of the course in {old_course} or {old_course / 'notebooks'}: "
            "name the folder of the other copy"
        )
    if old_folder.resolve() == folder.resolve():
        raise Problem(f"{old_course} is this copy of the course: name the folder of the other one")
    said = []
    for old in sorted(old_folder.glob(LESSONS)):
        try:
            if old.stem in notebooks.lessons():
                said += take_lesson(old, folder / old.name)
            else:
                said.append(
                    f"{old.name} doesn't have the name of a lesson in this course: left out."
                )
        except (Problem, OSError) as problem:
            said.append(f"{problem}.")
    return said or [f"No answers were found in {old_folder}."]


def take_lesson(old_path: Path, path: Path) -> list[str]:
    """Fill in the answers from another copy of a lesson; return what to say.

    An exercise may have had another number. Its function is what identifies it.
    """
    old, new = read(old_path), fresh(path.stem)
    mine = read(path) if path.exists() else new
    was, number = ({name: id for id, name in names(book).items()} for book in (old, mine))
    done, left = [], []
    for name, id in {**was, **{name: id for id, name in names(new).items()}}.items():
        code = answer(old, was[name]) if name in was else []
        here = answer(mine, number[name]) if name in number else []
        if code and name in number and not here:
            start, end = places(mine)[number[name]]
            notes = [cell for cell in mine.cells[start:end] if cell.cell_type != "code"]
            mine.cells[start:end] = [*notes, *map(nbformat.v4.new_code_cell, code)]
            done.append(id)
        elif code != here if code else defines(old, name):
            left.append(id)
    said = []
    if done:
        write(mine, path)
        said.append(f"{path.name}: {', '.join(done)} filled in.")
    if left:
        said.append(
            f"{path.name}: {', '.join(left)} left out: answered here already, or not between its "
            f"task and its check. Copy it from {old_path} yourself."
        )
    return said


def defines(notebook: nbformat.NotebookNode, name: str) -> bool:
    """Is a function of this name written anywhere in the notebook, not only as a stub?"""
    code = [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]
    return any(
        re.search(rf"^def {name}\(", text, re.M) and not STUB.fullmatch(text) for text in code
    )


def lesson_of(number: str) -> str:
    """Return the name of a lesson, "03_grad_cam", by its number."""
    found = [
        name for name in notebooks.lessons() if name[: name.index("_")] in (number, f"0{number}")
    ]
    if not found:
        last = len(notebooks.lessons()) - 1
        raise Problem(
            f"There is no lesson {number!r}: expected a lesson, 0 to {last}, or an exercise such "
            "as 3.2"
        )
    return found[0]


def fresh(lesson: str) -> nbformat.NotebookNode:
    """Return a lesson's student notebook from this version of the course."""
    new = notebooks.SOURCES / f"{lesson}.ipynb"
    if new.exists():  # a kit for students has these instead of the sources
        return read(new)
    student = notebooks.student_version(notebooks.read(lesson))
    solved = notebooks.SOLUTIONS / f"{lesson}.ipynb"
    return notebooks.with_targets(student, read(solved)) if solved.exists() else student


def read(path: Path) -> nbformat.NotebookNode:
    """Return a saved notebook."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        if notebook.nbformat_minor < 5:  # as in Colab: its cells have no ids, and new cells do
            notebook = nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)
        return notebook
    except FileNotFoundError:
        raise Problem(f"There is no {path}: `python start.py reset N` makes lesson N new") from None
    except Exception:
        raise Problem(f"{path} can't be read as a notebook: it may be damaged") from None


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Replace a notebook."""
    address.write(path, f"{nbformat.writes(notebook)}\n".encode())


def main(arguments: list[str], folder: Path = notebooks.STUDENTS) -> str | None:
    """Run a command; return what went wrong, or None."""
    try:
        if len(arguments) != 2 or arguments[0] not in ("reset", "answers"):
            raise Problem(
                "Expected `reset` and an exercise or lesson, such as `python start.py reset 3.2`, "
                "or `answers` and the folder of another copy of the course"
            )
        command, what = arguments
        if command == "answers":
            print(*take_along(Path(what), folder), sep="\n")
        else:
            print((reset_exercise if "." in what else reset_lesson)(what, folder))
    except (Problem, OSError) as problem:
        return f"start.py: {problem}."
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
