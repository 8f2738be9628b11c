"""Say what came out: a page per student, the hint first, and the reason for each lost point."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter, HTMLExporter
from nbgrader.api import Gradebook
from pygments.formatters import HtmlFormatter

from workshop import grading
from workshop.execute import LEFT_OUT, STOPPED, is_given, sections
from workshop.lessons import exercises
from workshop.slides import Formulas

VERDICT = re.compile(r"^\W*Exercise \d\.\d: (.+?)\s*\Z", re.MULTILINE | re.DOTALL)
ON = " Until then, the notebook goes on with a working version."  # true of lessons, not of feedback
CARD_TITLE = "Your card"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 1em auto; padding: 0 1em }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3em 0.8em; border: 1px solid gray }}
pre {{ overflow-x: auto; padding: 0.5em; color: black; background: #f4f4f4 }}
img {{ max-width: 100%; background: white }}
.anchor-link, .jp-InputPrompt, .jp-OutputPrompt, .prompt {{ display: none }}
.hint {{ border-left: 0.3em solid #36c; padding-left: 0.8em; white-space: pre-line }}
{code}
</style></head>
<body>
{body}
</body></html>
"""


@dataclass(frozen=True)
class Result:
    """What came out of one exercise, or of the card."""

    id: str  # such as "3.2", or "card"
    title: str
    name: str  # of its grade, for nbgrader
    points: int
    right: bool
    why: str


def results(notebook: nbformat.NotebookNode, about: dict) -> list[Result]:
    """Return what came out of each exercise of a notebook that was run.

    Args:
        notebook: as nbgrader's autograding leaves it.
        about: what collecting said about it (`collected.json`), or {}.
    """
    found = []
    for id in dict.fromkeys(filter(None, sections(notebook))):
        cells = section(notebook, id)
        task = exercises()[id]
        grade = next((c for c in cells if c.metadata.get("nbgrader", {}).get("grade")), None)
        if grade is None:  # somebody put a notebook into `submitted/` by hand
            continue
        right = not any(output.output_type == "error" for output in grade.outputs)
        said = about.get("exercises", {}).get(id, {})
        why = "right" if right else reason(cells, said, task.name)
        name = grade.metadata.nbgrader.grade_id
        found.append(Result(id, task.title, name, task.points, right, why))
    if any(
        cell.metadata.get("nbgrader", {}).get("grade_id") == grading.CARD for cell in notebook.cells
    ):
        looks = [said for said in about.get("look", []) if "card" in said]
        why = "; ".join(looks) or "graded by a person, by the table in The brief"
        found.append(Result("card", CARD_TITLE, grading.CARD, grading.CARD_POINTS, False, why))
    return found


def section(notebook: nbformat.NotebookNode, id: str) -> list[nbformat.NotebookNode]:
    """Return an exercise's cells, from its task to its points."""
    return [c for c, at in zip(notebook.cells, sections(notebook), strict=True) if at == id]


def reason(cells: list[nbformat.NotebookNode], said: dict, name: str) -> str:
    """Return why an exercise isn't right, in the words of its check or of Python."""
    if said.get("refused"):
        return f"it earns nothing, because {said['refused']}"
    own = [c for c in cells if c.cell_type == "code" and not is_given(c)]
    errors = [o for c in own for o in c.outputs if o.output_type == "error"]
    for output in errors:
        if output.ename in (LEFT_OUT, STOPPED):
            return output.evalue
    check = next(c for c in cells if c.cell_type == "code" and is_given(c))
    printed = "".join(o.text for o in check.outputs if o.output_type == "stream")
    verdict = VERDICT.search(printed)
    words = verdict[1].removesuffix(ON) if verdict else ""
    if errors:
        value = re.sub(r" \(\S+\.py, (line \d+)\)$", r" in \1 of the cell", errors[-1].evalue)
        stopped = f"the cell stopped with {errors[-1].ename}: {value}"
        return f"{stopped}\n{words}" if verdict else stopped
    if words.startswith("right"):
        return f"{name} is one of the course's functions, or fails when it's checked once more"
    if said and not said["answered"]:
        return "not answered"
    if words:
        return words
    stops = [o for o in check.outputs if o.output_type == "error"]
    if stops and stops[-1].ename == STOPPED:
        return stops[-1].evalue
    if stops and (lacks := [note for note in said.get("notes", []) if "nothing called" in note]):
        return f"the answer {lacks[0]}"
    if stops:
        return f"the check stopped with {stops[0].ename}: {stops[0].evalue}"
    return "the check said nothing: after this answer, Python couldn't print any more"


def read_about(course: Path, student: str, assignment: str) -> dict:
    """Return what collecting said about a submission; {} if it wasn't collected."""
    path = course / "submitted" / student / assignment / "collected.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class FeedbackPage(Exporter):
    """nbgrader's exporter for feedback: a page that needs no other file and no internet."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb, resources=None, **kwargs) -> tuple[Any, dict[str, Any]]:
        """Return the page for an autograded notebook, and nbconvert's resources."""
        nb, resources = super().from_notebook_node(nb, resources, **kwargs)
        graded = resources["nbgrader"]
        where = graded["assignment"], graded["student"]
        about = read_about(Path.cwd(), graded["student"], graded["assignment"])
        with Gradebook(graded["db_url"]) as book:
            grades = book.find_submission(*where).notebooks[0].grades
            waiting = {grade.name for grade in grades if grade.needs_manual_grade}
        return page(nb, about, graded, waiting), resources


def page(
    notebook: nbformat.NotebookNode, about: dict, graded: dict, waiting: Collection[str]
) -> str:
    """Return a student's page: all points with their hints, then answer by answer.

    Args:
        notebook: as nbgrader's autograding leaves it.
        about: what collecting said about it, or {}.
        graded: what nbgrader knows about it.
        waiting: the names of the grades that a person must still give.
    """
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    name = html.escape(about.get("student", graded["student"]))
    rows, parts = [], []
    formulas = Formulas()
    for result in results(notebook, about):
        cell = next(
            c
            for c in notebook.cells
            if c.metadata.get("nbgrader", {}).get("grade_id") == result.name
        )
        score = cell.metadata.nbgrader.get("score") or 0
        points = f"{score:g} of {result.points}" if result.name not in waiting else "not graded yet"
        label = f"Exercise {result.id}: {result.title}" if result.id != "card" else result.title
        why = html.escape(result.why)
        rows.append(
            f'<tr><td><a href="#{result.name}">{html.escape(label)}</a></td>'
            f"<td>{points}</td><td>{why}</td></tr>"
        )
        cells = [cell] if result.id == "card" else section(notebook, result.id)
        comments = [c.metadata.get("nbgrader", {}).get("comment") for c in cells]
        parts += [
            f'<h2 id="{result.name}">{html.escape(label)} ({points})</h2>',
            f'<p class="hint">{why}</p>',
            *(
                f'<p class="hint">{html.escape(text)}</p>'
                for text in comments
                if text and text != "No response."  # which is nbgrader's own
            ),
            *answer_and_task(cells, formulas),
        ]
    total = f"{graded['score']:g} of {graded['max_score']:g} points"
    body = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{name}: <strong>{total}</strong></p>",
        "<table><tr><th>Exercise</th><th>Points</th><th>What came out</th></tr>",
        *rows,
        "</table>",
        *parts,
    ]
    style = HtmlFormatter(style="tango").get_style_defs(".highlight")
    text = PAGE.format(title=html.escape(title), code=style, body="\n".join(body))
    return formulas.show(text)


def answer_and_task(cells: list[nbformat.NotebookNode], formulas: Formulas) -> list[str]:
    """Return a student's cells as HTML, and the task folded below them."""
    own = [c for c in cells if not is_given(c) and not c.source.startswith("### Exercise")]
    for cell in own:
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # one line: the hint above says the rest
                output.traceback = [f"{output.ename}: {output.evalue}"]
    tasks = [c for c in cells if c.source.startswith("### Exercise")]
    for cell in tasks:
        cell.source = formulas.hide(cell.source)
    shown = [render(own)]
    if tasks:
        shown.append(f"<details><summary>The task</summary>{render(tasks)}</details>")
    return shown


def render(cells: list[nbformat.NotebookNode]) -> str:
    """Return some cells as a part of a page."""
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True)
    return exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0]
