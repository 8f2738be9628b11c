"""Make the reading version of the course: one page per lesson, with nothing to run.

    python -m tools.site                 into site/_build/html; open index.html there
    python -m tools.site FOLDER          into another folder

The pages are the solved notebooks, with the solutions folded away. They ask no other computer for
anything, so you can read them from a disk, without internet.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from course_utils.checks._quiz import quiz_html
from tools import notebooks

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"


METHODS = (
    "vanilla_gradients",
    "gradient_times_input",
    "integrated_gradients",
    "grad_cam",
    "smoothgrad",
)
BADGE = re.compile(r"\n*\[!\[Open this lesson in Colab\]\([^)]*\)\]\([^)]*\)")
QUIZ = re.compile(r"^checks\.quiz\((\d+)\)$", re.MULTILINE)


def page(lesson: str) -> nbformat.NotebookNode:
    """Return a solved lesson for reading: solutions folded, the quiz as text."""
    solved = nbformat.read(notebooks.SOLUTIONS / f"{lesson}.ipynb", as_version=4)
    solutions = {
        cell.id for cell in notebooks.read(lesson).cells if "### BEGIN SOLUTION" in cell.source
    }
    kept = [cell for cell in solved.cells if "set-up" not in cell.metadata.get("tags", [])]
    for cell in kept:
        cell.source = BADGE.sub("", cell.source)
        tags = cell.metadata.get("tags", [])
        if cell.id in solutions or "solution" in tags:
            cell.metadata.tags = [*tags, "hide-input"]
            cell.metadata.mystnb = {"code_prompt_show": "Show the solution"}
        if cell.cell_type == "code" and (quiz := QUIZ.search(cell.source)):
            cell.outputs = [_html_output(quiz_html(int(quiz.group(1))))]
            cell.metadata.tags = [*tags, "remove-input"]
    solved.cells = kept
    return solved


def _html_output(text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def write_sources(folder: Path) -> None:
    """Write a page per lesson and method, the glossary, and the front page, which lists them."""
    folder.mkdir(parents=True)
    lessons = notebooks.lessons()
    for lesson in lessons:
        nbformat.write(page(lesson), folder / f"{lesson}.ipynb")
    index = (SITE / "index.md").read_text(encoding="utf-8")
    index = index.replace("LESSONS", "\n".join(lessons)).replace("METHODS", "\n".join(METHODS))
    (folder / "index.md").write_text(index, encoding="utf-8", newline="\n")
    docs = ROOT / "docs"
    for path in (docs / "cat_three_maps.png", docs / "glossary.md"):
        shutil.copy(path, folder)
    for name in METHODS:  # their links lead to notebooks, but here to pages
        text = (docs / "methods" / f"{name}.md").read_text(encoding="utf-8")
        text = re.sub(r"\(\.\./\.\./notebooks/solutions/(\w+)\.ipynb\)", r"(\1)", text)
        (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")


def build(target: Path) -> int:
    """Build the pages into target/html, with Sphinx's warnings as errors; 0 if all is well."""
    shutil.rmtree(target, ignore_errors=True)
    write_sources(target / "source")
    options = ["-q", "-W", "--keep-going", "-c", str(SITE), "-d", str(target / "cache")]
    status = build_main([*options, str(target / "source"), str(target / "html")])
    if status == 0:
        print(f"{target / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else SITE / "_build"))
