"""Make the notebooks from notebooks/source/NN_name.py, one text file per lesson.

    python -m tools.notebooks                  all lessons, and the playground
    python -m tools.notebooks 02               only those whose name begins with that

Each source becomes two notebooks: NN_name.ipynb, which students open, without outputs and with a
stub instead of each solution; and solutions/NN_name.ipynb, executed, with its outputs. The
playground, which is an app and not a lesson, only becomes the first. If you rebuild an unchanged
lesson, not a byte changes.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import html
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from tools import address

ROOT = Path(__file__).resolve().parents[1]
STUDENTS = ROOT / "notebooks"
SOURCES = STUDENTS / "source"
SOLUTIONS = STUDENTS / "solutions"
CATALOGUE = ROOT / "course_utils" / "checks" / "exercises.json"
STUB = "return ...  # your code here"
SOLUTION = re.compile(
    r"^( *)### BEGIN SOLUTION\n((?:(?!### BEGIN SOLUTION).)*?)\n *### END SOLUTION$",
    flags=re.MULTILINE | re.DOTALL,
)
SECONDS_A_CELL = 300
APPS = ("playground",)
WIDGET = "application/vnd.jupyter.widget-view+json"
FIGURE = re.compile(r'<img src="data:image/(?:png|jpeg);base64,([^"]+)" alt="([^"]*)"')
TARGET = """
<details><summary>Target figure</summary>

![{alt}](attachment:target.png)

</details>"""

# The cell is folded: by JupyterLab and by Colab, where its first line is a title.
SET_UP = {"tags": ["set-up"], "jupyter": {"source_hidden": True}, "cellView": "form"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def lessons(prefix: str = "") -> list[str]:
    """Return the names of the lessons, "00_start_here", in order."""
    kinds = ("py", "ipynb")  # in a kit for students, there are new notebooks instead of the sources
    names = {path.stem for kind in kinds for path in SOURCES.glob(f"{prefix}*.{kind}")}
    return sorted(names - {"set_up", *APPS})


def set_up(where: str) -> str:
    """Return the set-up cell for a course at this address."""
    return address.set_up((SOURCES / "set_up.py").read_text(encoding="utf-8").strip(), where)


@functools.cache  # jupytext takes 0.1 s, and the tests read each lesson many times
def parse(source: str) -> nbformat.NotebookNode:
    """Return a source as a notebook, without what `read` adds."""
    return jupytext.reads(source, fmt="py:percent")


def read(lesson: str) -> nbformat.NotebookNode:
    """Return the lesson's source as a notebook: title, link to Colab, set-up cell, solutions."""
    notebook = copy.deepcopy(parse((SOURCES / f"{lesson}.py").read_text(encoding="utf-8")))
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5

    cell = nbformat.v4.new_code_cell(set_up(""), metadata=copy.deepcopy(SET_UP))
    notebook.cells.insert(1, cell)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        # An id that only depends on the content (and on how often it came before), and not on where
        # the course is hosted.
        repeat = seen[cell.source] = seen.get(cell.source, -1) + 1
        cell.id = hashlib.sha256(f"{repeat}{cell.source}".encode()).hexdigest()[:12]
    address.put(address.read(), lesson, notebook)
    return notebook


def with_solutions_as(text: str, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    r"""Return a copy with this text for each solution; \1 is its indentation, and \2 its code."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = SOLUTION.sub(text, cell.source)
            if re.search("### (BEGIN|END) SOLUTION", cell.source):
                raise ValueError(
                    "Each ### BEGIN SOLUTION needs an ### END SOLUTION, on lines of their own, "
                    f"before the next one begins. This cell has something else:\n{cell.source}"
                )
    return notebook


def student_version(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy with stubs instead of solutions, without anything that only solutions have."""
    notebook = with_solutions_as(rf"\1{STUB}", notebook)
    notebook.cells = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        if "tags" in cell.metadata:  # there are no outputs to compare with
            cell.metadata.tags = [t for t in cell.metadata.tags if t != "nbval-check-output"]
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
    return notebook


def solved_version(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy without the marks around the solutions; not executed."""
    return with_solutions_as(r"\2", notebook)


def with_targets(
    student: nbformat.NotebookNode, solved: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Give exercises the figure that a right answer leads to, folded.

    That's those whose check is tagged "target"; the figure is the first that the solved notebook
    shows after that check.
    """
    student = copy.deepcopy(student)
    places = {cell.id: place for place, cell in enumerate(solved.cells)}
    for task, _, check in zip(student.cells, student.cells[1:], student.cells[2:], strict=False):
        if "exercise" in task.metadata and "target" in check.metadata.get("tags", []):
            png, alt = first_figure(solved.cells[places[check.id] :])
            task.attachments = {"target.png": {"image/png": png}}
            alt = alt.replace("[", "(").replace("]", ")")
            task.source += TARGET.format(alt=alt)
    return student


def first_figure(cells: list[nbformat.NotebookNode]) -> tuple[str, str]:
    """Return the PNG, in base64, and the alt text of the first figure in some cells' outputs."""
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                return data["image/png"].strip(), data["text/plain"]
            found = FIGURE.search(data.get("text/html", ""))
            if found:
                return found.group(1), html.unescape(found.group(2))
    raise ValueError("After an exercise with the tag target, no figure is shown.")


def execute(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run a notebook in notebooks/ and keep its outputs, without anything that varies."""
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # the clock decides where a stream is cut into pieces
        resources={"metadata": {"path": str(STUDENTS)}},
    )
    with tempfile.TemporaryDirectory() as folder:  # solving the exercises here is nobody's progress
        client.execute(env=os.environ | {"SALIENCY_COURSE_PROGRESS": str(Path(folder, "progress"))})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                raise RuntimeError(f"This cell writes to stderr:\n{cell.source}\n\n{output.text}")
            # A widget lives as long as its kernel, and has a random id. What needs no kernel stays.
            if "text/html" in output.get("data", {}):
                output.data.pop(WIDGET, None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    # nbclient adds the version of this Python.
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    return notebook


# What only a notebook says: the link to Colab, where to get unstuck, sentences about working in it.
# (Whole cells about that are tagged "notebook".)
NOTEBOOK_TALK = re.compile(
    r"\n\n[^\n]*colab\.research\.google\.com[^\n]*"
    r"|\n\nStill stuck\?.*?(?=\n\n)"
    r"|[ \n]?(?:(?!\n\n)(?:[^.?!]|(?<=\d)\.(?=\d)))*"
    r"\b(?:the\s+dots|run\s+their\s+cells|click\s+on\s+an\s+answer)\b.*?\.(?=\s|$)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class About:
    """What a lesson's first cell says about it."""

    title: str  # "Lesson 2. Vanilla gradients"
    goals: list[str]  # each as one line: "load a trained network and ..."
    minutes: int
    core: int  # minutes of the core path


@functools.cache
def about(lesson: str) -> About:
    """Return what a lesson's source says about it in its first cell."""
    opening = parse((SOURCES / f"{lesson}.py").read_text(encoding="utf-8")).cells[0].source
    goals = re.findall(r"^\d+\. (.+?)(?=\n\d+\. |\n\n)", opening, flags=re.MULTILINE | re.DOTALL)
    flat = " ".join(opening.split())
    return About(
        title=opening.splitlines()[0].removeprefix("# "),
        goals=[" ".join(goal.split()).rstrip(",.") for goal in goals],
        minutes=int(re.findall(r"\*\*Time:\*\* (\d+) minutes", flat)[0]),
        core=int(re.findall(r"core path takes (\d+) minutes", flat)[0]),
    )


def title_of(task: nbformat.NotebookNode) -> str:
    """Return the title of an exercise, without its number and its minutes."""
    return re.findall(r"### Exercise \S+: (.+?) \(\d+ minutes", task.source)[0]


def catalogue() -> str:
    """Return the lessons and exercises that the progress table needs, as JSON."""
    found = []
    for lesson in lessons():
        cells = read(lesson).cells
        number, title = re.findall(r"^# Lesson (\d)\. (.+)", cells[0].source)[0]
        exercises = []
        for cell in cells:
            if "exercise" in cell.metadata:
                about = cell.metadata["exercise"]
                exercises.append(
                    {"id": about["id"], "title": title_of(cell), "minutes": about["minutes"]}
                )
        found.append(
            {
                "number": int(number),
                "title": title,
                "notebook": f"{lesson}.ipynb",
                "exercises": exercises,
            }
        )
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def text(notebook: nbformat.NotebookNode) -> str:
    """Return the text of a notebook's file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def build(lesson: str) -> None:
    """Write a lesson's two notebooks, or an app's one."""
    source = read(lesson)
    student = student_version(source)
    versions = {STUDENTS / f"{lesson}.ipynb": student}
    if lesson not in APPS:
        solved = execute(solved_version(source))
        versions = {
            STUDENTS / f"{lesson}.ipynb": with_targets(student, solved),
            SOLUTIONS / f"{lesson}.ipynb": solved,
        }
    for path, notebook in versions.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text(notebook), encoding="utf-8", newline="\n")
        print(f"{path.relative_to(ROOT)}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    prefixes = sys.argv[1:] or [""]
    chosen = [name for prefix in prefixes for name in lessons(prefix)]
    chosen += [name for name in APPS if name.startswith(tuple(prefixes))]
    if not chosen:
        sys.exit(f"No lesson begins with {' or '.join(sys.argv[1:])}. There are: {lessons()}")
    CATALOGUE.write_text(catalogue(), encoding="utf-8", newline="\n")
    for lesson in chosen:
        build(lesson)
