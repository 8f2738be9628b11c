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

from tools import notebooks

OLD = """<details><summary>An earlier answer to exercise {id}</summary>

```python
{code}
```

</details>"""


class Problem(Exception):
    """What went wrong and what to try, in a sentence."""


def places(notebook: nbformat.NotebookNode) -> dict[str, tuple[int, int]]:
    """Return where each exercise's answer is: the cells from a to b - 1; b is the check.

    It begins after the cell with the task. People split cells and insert others.
    """
    found = {}
    tasks = {
        cell.metadata["exercise"]["id"]: place
        for place, cell in enumerate(notebook.cells)
        if "exercise" in cell.metadata
    }
    for id, task in tasks.items():
        for place in range(task + 1, len(notebook.cells)):
            if re.search(r"= checks\.\w+\(", notebook.cells[place].source):
                found[id] = (task + 1, place)
                break
            if "exercise" in notebook.cells[place].metadata:
                break
    return found


def answer(notebook: nbformat.NotebookNode, id: str) -> str:
    """Return the code of an answer, "" if the stub hasn't changed."""
    start, end = places(notebook)[id]
    cells = [cell.source for cell in notebook.cells[start:end] if cell.cell_type == "code"]
    code = "\n\n".join(cells).strip()
    return "" if notebooks.STUB in code else code


def _notes(cells: list, new: list) -> list:
    """Return the cells with text that people added to those of a new notebook."""
    known = [cell.source for cell in new]
    return [cell for cell in cells if cell.cell_type != "code" and cell.source not in known]


def reset_exercise(id: str, folder: Path) -> str:
    """Put an exercise's stub back, with the answer folded below its check."""
    lesson = lesson_of(id.partition(".")[0])
    path, new = folder / f"{lesson}.ipynb", fresh(lesson)
    if id not in places(new):
        known = ", ".join(places(new))
        raise Problem(f"Lesson {lesson[:2]} has no exercise {id}. There are: {known}")
    mine = read(path)
    if id not in places(mine):
        raise Problem(
            f"{path.name} has no task {id} with a check after it: reset the whole lesson, "
            f"`python start.py reset {int(lesson[:2])}`"
        )
    code = answer(mine, id)
    if not code:
        return f"Exercise {id} has no answer yet: nothing was changed."
    start, end = places(mine)[id]
    first, last = places(new)[id]
    old = nbformat.v4.new_markdown_cell(OLD.format(id=id, code=code))
    notes = _notes(mine.cells[start:end], new.cells[first:last])
    mine.cells[start : end + 1] = [*new.cells[first:last], mine.cells[end], *notes, old]
    write(mine, path)
    return f"Exercise {id} is new in {path.name}. Your earlier answer is folded below its check."


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
    old_folder = old_course if list(old_course.glob("0*.ipynb")) else old_course / "notebooks"
    if not list(old_folder.glob("0*.ipynb")):
        raise Problem(f"There are no notebooks of the course in {old_course} or {old_folder}")
    if old_folder.resolve() == folder.resolve():
        raise Problem(f"{old_course} is this copy of the course: name the folder of the other one")
    said = []
    for lesson in notebooks.lessons():
        if not (old_folder / f"{lesson}.ipynb").exists():
            continue
        old, path = read(old_folder / f"{lesson}.ipynb"), folder / f"{lesson}.ipynb"
        mine = read(path) if path.exists() else fresh(lesson)
        done, left = [], []
        for id in places(old):
            code = answer(old, id)
            if not code or (id in places(mine) and answer(mine, id) == code):
                continue
            if id not in places(mine) or answer(mine, id):
                left.append(id)
                continue
            start, end = places(mine)[id]
            notes = _notes(mine.cells[start:end], [])
            mine.cells[start:end] = [*notes, nbformat.v4.new_code_cell(code)]
            done.append(id)
        if done:
            write(mine, path)
            said.append(f"{path.name}: {', '.join(done)} filled in.")
        if left:
            said.append(f"{path.name}: {', '.join(left)} left out: answered here, or not there.")
    return said or [f"No answers were found in {old_folder}."]


def lesson_of(number: str) -> str:
    """Return the name of a lesson, "03_grad_cam", by its number."""
    found = [name for name in notebooks.lessons() if name.split("_")[0] == number.zfill(2)]
    if not found:
        last = len(notebooks.lessons()) - 1
        raise Problem(
            f"There is no lesson {number!r}: expected a lesson, 0 to {last}, or an exercise such "
            "as 3.2"
        )
    return found[0]


def fresh(lesson: str) -> nbformat.NotebookNode:
    """Return a lesson's student notebook from this version of the course."""
    student = notebooks.student_version(notebooks.read(lesson))
    solved = notebooks.SOLUTIONS / f"{lesson}.ipynb"
    return notebooks.with_targets(student, read(solved)) if solved.exists() else student


def read(path: Path) -> nbformat.NotebookNode:
    """Return a saved notebook."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
    except FileNotFoundError:
        raise Problem(f"There is no {path}: `python start.py reset N` makes lesson N new") from None
    except Exception:
        raise Problem(f"{path} can't be read as a notebook: it may be damaged") from None


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Replace a notebook completely or not at all."""
    half = path.with_suffix(".half")
    try:
        half.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


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
