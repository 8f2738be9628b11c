"""Make slides from the lessons' own cells, one deck per lesson, with nbconvert and reveal.js.

slides.toml in this folder says which pieces of which cells become slides. The decks have everything
they need with them: reveal.js comes from the package sphinx-revealjs, and formulas are MathML.
"""

from __future__ import annotations

import copy
import functools
import html
import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert.exporters import SlidesExporter
from pygments.formatters import HtmlFormatter

from workshop import lessons
from workshop.lessons import PlanError, flat

TARGET = lessons.BUILT / "slides"
KINDS = ("text", "code", "printed", "figure")
REVEAL = (
    "LICENSE",
    "dist/reset.css",
    "dist/reveal.css",
    "dist/reveal.js",
    "plugin/notes/notes.js",
    "plugin/notes/speaker-view.html",
)
FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+(?:\n[^$\n]+)?)\$", re.DOTALL)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, list, table or formula from a lesson, and the section it's in."""

    text: str
    heading: str


@functools.cache
def headed_cells(lesson: str) -> list[tuple[nbformat.NotebookNode, str]]:
    """Return the solved lesson's cells, each with the heading above it.

    An exercise's heading covers its task, its solution and its check, and nothing after that.
    """
    found, section, exercise, left = [], "", "", 0
    for cell in lessons.solved(lesson).cells:
        if "exercise" in cell.metadata:
            exercise, left = cell.source.splitlines()[0].lstrip("# "), 3
        found.append((cell, exercise if left > 0 else section))
        left -= 1
        if cell.cell_type == "markdown":
            section = [section, *re.findall(r"^##? (.+)$", cell.source, re.MULTILINE)][-1]
    return found


@functools.cache
def paragraphs(lesson: str) -> list[Paragraph]:
    """Return a lesson's paragraphs, without the folded parts, each with its heading."""
    found = []
    for cell, heading in headed_cells(lesson):
        if cell.cell_type != "markdown":
            continue
        visible = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL)
        for part in re.split(r"\n\s*\n", visible.strip()):
            if part.startswith("#"):
                heading = part.lstrip("# ").splitlines()[0]
            elif part.strip():
                found.append(Paragraph(part, heading))
    return found


@functools.cache
def code_cells(lesson: str) -> list[tuple[nbformat.NotebookNode, str]]:
    """Return a lesson's code cells, each with the heading above it."""
    return [pair for pair in headed_cells(lesson) if pair[0].cell_type == "code"]


def only(found: list, piece: str, lesson: str):
    """Return the only thing found for a piece of text; PlanError if it isn't the only one."""
    if len(found) != 1:
        problem = "is nowhere" if not found else f"is in {len(found)} places"
        raise PlanError(
            f"slides.toml: {piece!r} {problem} in lesson {lesson[:2]}; it must be in one"
        )
    return found[0]


def piece_of(lesson: str, piece: str) -> tuple[nbformat.NotebookNode, str]:
    """Return the cell that shows one piece of a slide, and the heading above it."""
    kind, _, words = piece.removeprefix("> ").partition(": ")
    words = flat(words)
    if kind not in KINDS or not words:
        raise PlanError(f"slides.toml: {piece!r} does not begin with one of {', '.join(KINDS)}")
    if kind == "text":
        paragraph = only([p for p in paragraphs(lesson) if words in flat(p.text)], piece, lesson)
        return nbformat.v4.new_markdown_cell(paragraph.text), paragraph.heading
    cell, heading = only(
        [(c, h) for c, h in code_cells(lesson) if words in flat(c.source)], piece, lesson
    )
    shown = copy.deepcopy(cell)
    shown.metadata = nbformat.from_dict({})
    if kind == "code":
        shown.outputs = []
        shown.source = "\n".join(
            line for line in shown.source.splitlines() if not line.startswith("assert ")
        )
        return shown, heading
    shown.metadata.transient = {"remove_source": True}
    shown.outputs = [o for o in shown.outputs if is_figure(o) == (kind == "figure")]
    if kind == "printed":
        shown.outputs = [o for o in shown.outputs if o.output_type == "stream"]
        for output in shown.outputs:
            output.text = output.text.replace("No prediction yet. It is", "It is").rstrip("\n")
    if not shown.outputs:
        raise PlanError(f"slides.toml: {piece!r} chooses a cell of lesson {lesson[:2]} without it")
    return shown, heading


def is_figure(output: nbformat.NotebookNode) -> bool:
    """Return whether an output is a figure."""
    return bool(lessons.notebooks.FIGURE.search(output.get("data", {}).get("text/html", "")))


def slide(entry: dict, plan: dict) -> list[nbformat.NotebookNode]:
    """Return the cells of one slide: its heading, its pieces, the speaker's notes."""
    lesson = lessons.name_of(entry["lesson"])
    pieces = [piece_of(lesson, piece) for piece in entry["show"]]
    cells = [nbformat.v4.new_markdown_cell(f"## {pieces[0][1]}")]
    cells[0].metadata.slideshow = {"slide_type": "slide"}
    for piece, (cell, _) in zip(entry["show"], pieces, strict=True):
        later = piece.startswith("> ")
        cell.metadata.slideshow = {"slide_type": "fragment" if later else "-"}
        cells.append(cell)
    if "block" in entry:
        if entry["block"] not in plan["block"]:
            raise PlanError(f"slides.toml: plan.toml has no [block.{entry['block']}]")
        notes = nbformat.v4.new_markdown_cell(lessons.quote(plan["block"][entry["block"]]["say"]))
        notes.metadata.slideshow = {"slide_type": "notes"}
        cells.append(notes)
    return cells


class Formulas:
    """Keep formulas out of the way while Markdown becomes HTML, then put them in as MathML."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def hide(self, text: str) -> str:
        """Return a text with a word instead of each formula, which Markdown leaves alone."""

        def hidden(match: re.Match) -> str:
            block = match["block"]
            if block:
                formula = latex2mathml.converter.convert(block, display="block")
                self.found.append(f'<div class="formula">{formula}</div>')
            else:
                self.found.append(latex2mathml.converter.convert(match["inline"]))
            return f"FORMULA{len(self.found) - 1}END"

        return FORMULA.sub(hidden, text)

    def show(self, page: str) -> str:
        """Return a page with the formulas, as MathML, instead of those words."""
        page = re.sub(r"<p>(FORMULA\d+END)</p>", r"\1", page)
        return re.sub(r"FORMULA(\d+)END", lambda match: self.found[int(match[1])], page)


def deck(lesson: str, entries: list[dict], plan: dict) -> str:
    """Return the slides of one lesson as a page."""
    cells = [cell for entry in entries for cell in slide(entry, plan)]
    formulas = Formulas()
    for number, cell in enumerate(cells):
        cell.id = f"piece-{number}"  # the same in every build
        if cell.cell_type == "markdown":
            cell.source = formulas.hide(cell.source)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"title": lessons.title(lesson)})
    exporter = SlidesExporter(
        template_name="slides_template",
        extra_template_basedirs=[str(lessons.HERE)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    style = HtmlFormatter(style="tango").get_style_defs(".highlight")
    page, _ = exporter.from_notebook_node(notebook, {"code_style": style})
    return formulas.show(page)


def index(decks: dict[str, int]) -> str:
    """Return the page that lists the decks. decks: lesson -> number of slides."""
    items = "".join(
        f'<li><a href="{lesson}.html">{html.escape(lessons.title(lesson))}</a>, {count} slides</li>'
        for lesson, count in decks.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Slides</title></head>
<body style="font: 22px sans-serif; max-width: 45em; margin: 2em auto">
<h1>Slides</h1>
<ul>{items}</ul>
<p>The space bar goes on, Esc shows all slides of a lesson, F fills the screen, S opens the notes.
To print a deck, add <code>?print-pdf</code> to its address.</p>
</body></html>
"""


def copy_reveal(target: Path) -> None:
    """Copy the parts of reveal.js that the slides need into a folder."""
    package = importlib.util.find_spec("sphinx_revealjs")
    if package is None:
        raise PlanError(
            "reveal.js, which comes with the package sphinx-revealjs, is not installed: run "
            "`python start.py check` once, which installs it"
        )
    origin = Path(package.origin).parent / "_static" / "revealjs"
    for name in REVEAL:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin / name, target / name)


def write(target: Path = TARGET) -> None:
    """Make all decks in a folder, and a page that lists them."""
    plan, entries = lessons.read_toml("plan.toml"), lessons.read_toml("slides.toml")["slide"]
    decks = {lesson: [] for lesson in lessons.names()}
    for entry in entries:
        decks[lessons.name_of(entry["lesson"])].append(entry)
    pages = {lesson: deck(lesson, chosen, plan) for lesson, chosen in decks.items()}
    shutil.rmtree(target, ignore_errors=True)
    copy_reveal(target / "reveal")
    shutil.copyfile(lessons.HERE / "slides.css", target / "slides.css")
    for lesson, page in pages.items():
        (target / f"{lesson}.html").write_text(page, encoding="utf-8", newline="\n")
    listed = index({lesson: len(chosen) for lesson, chosen in decks.items()})
    (target / "index.html").write_text(listed, encoding="utf-8", newline="\n")
    print(target / "index.html")
