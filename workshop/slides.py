"""Make slides from the lessons' own cells, one deck per lesson, with nbconvert and reveal.js.

slides.toml in this folder says which pieces of which cells become slides. A slide shows sentences;
what the lesson says around them is in the speaker's notes. The decks have everything they need with
them: reveal.js comes from the package sphinx-revealjs, and formulas are MathML.
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

from tools import address
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


SENTENCE_END = re.compile(
    r"""(?:(?<=[.?!])|(?<=[.?!][")*])|(?<=[.?!]\*\*))(?<!Predict\.\*\*)\s+(?=["*(`$]*[A-Z0-9`$])"""
)
SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
EXERCISE = re.compile(r"Exercise (\d\.\d): ")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, list, table or formula from a lesson, its section, and its cell's place."""

    text: str
    heading: str
    place: int


@dataclass(frozen=True)
class Piece:
    """A piece of a slide: the cell that shows it, the heading above it, and its cell's place."""

    cell: nbformat.NotebookNode
    heading: str
    place: int


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
    for place, (cell, heading) in enumerate(headed_cells(lesson)):
        if cell.cell_type != "markdown":
            continue
        visible = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL)
        visible = lessons.notebooks.NOTEBOOK_TALK.sub("", visible)
        visible = re.sub(r"^(\*\*Your progress|A few questions).*", "", visible, flags=re.MULTILINE)
        for part in re.split(r"\n\s*\n", visible.strip()):
            if part.startswith("#"):
                heading = part.lstrip("# ").splitlines()[0]
            elif part.strip():
                found.append(Paragraph(part, heading, place))
    return found


def sentences(text: str, words: str) -> str:
    """Return the sentences of a paragraph with these words, or from "these words ... to those".

    A list, table or formula is returned whole.
    """
    if re.match(r"- |\d+\. |\||\$\$", text):
        return text
    first, _, last = words.partition(" ... ")
    every = [flat(sentence) for sentence in SENTENCE_END.split(text)]
    begins = [number for number, sentence in enumerate(every) if first in sentence]
    ends = [number for number, sentence in enumerate(every) if (last or first) in sentence]
    if not begins or not ends:  # the words run over the end of a sentence
        return text
    return " ".join(every[begins[0] : ends[-1] + 1])


def only(found: list, piece: str, lesson: str):
    """Return the only thing found for a piece of text; PlanError if it isn't the only one."""
    if len(found) != 1:
        problem = "is nowhere" if not found else f"is in {len(found)} places"
        raise PlanError(
            f"slides.toml: {piece!r} {problem} in lesson {lesson[:2]}; it must be in one"
        )
    return found[0]


def piece_of(lesson: str, piece: str) -> Piece:
    """Return one piece of a slide."""
    kind, _, words = piece.removeprefix("> ").partition(": ")
    words = flat(words)
    if kind not in KINDS or not words:
        raise PlanError(f"slides.toml: {piece!r} does not begin with one of {', '.join(KINDS)}")
    if kind == "text":
        marks = words.split(" ... ")
        paragraph = only(
            [p for p in paragraphs(lesson) if all(mark in flat(p.text) for mark in marks)],
            piece,
            lesson,
        )
        text = sentences(paragraph.text, words)
        return Piece(nbformat.v4.new_markdown_cell(text), paragraph.heading, paragraph.place)
    place, (cell, heading) = only(
        [
            (place, (cell, heading))
            for place, (cell, heading) in enumerate(headed_cells(lesson))
            if cell.cell_type == "code"
            and (words in flat(cell.source) or (kind == "figure" and described(cell, words)))
        ],
        piece,
        lesson,
    )
    shown = copy.deepcopy(cell)
    shown.metadata = nbformat.NotebookNode()
    if kind == "code":
        shown.outputs = []
        code = "\n".join(
            line for line in shown.source.splitlines() if not line.startswith("assert ")
        )
        shown.source = re.sub(r"\n{3,}", "\n\n", code)
        return Piece(shown, heading, place)
    shown.metadata.transient = {"remove_source": True}
    shown.outputs = [o for o in shown.outputs if is_figure(o) == (kind == "figure")]
    if kind == "figure":
        shown.outputs = described(shown, words) or shown.outputs
        # A slide has no room for the line that reads the values.
        for output in shown.outputs:
            output.data["text/html"] = SCRIPT.sub("", output.data["text/html"])
    if kind == "printed":
        shown.outputs = [o for o in shown.outputs if o.output_type == "stream"]
        for output in shown.outputs:
            output.text = output.text.replace("No prediction yet. It is", "It is").rstrip("\n")
    if not shown.outputs:
        raise PlanError(f"slides.toml: {piece!r} chooses a cell of lesson {lesson[:2]} without it")
    return Piece(shown, heading, place)


def described(cell: nbformat.NotebookNode, words: str) -> list[nbformat.NotebookNode]:
    """Return the figures of a cell whose description has these words."""
    figures = [output for output in cell.outputs if is_figure(output)]
    return [o for o in figures if words in flat(o.metadata.get("image/png", {}).get("alt", ""))]


def is_figure(output: nbformat.NotebookNode) -> bool:
    """Return whether an output is a figure."""
    return bool(lessons.notebooks.FIGURE.search(output.get("data", {}).get("text/html", "")))


def slide(entry: dict, following: dict | None, plan: dict) -> list[nbformat.NotebookNode]:
    """Return the cells of one slide: its heading, its pieces, the speaker's notes.

    following: the entry of the next slide of the same lesson, up to which the notes go.
    """
    lesson = lessons.name_of(entry["lesson"])
    pieces = [piece_of(lesson, piece) for piece in entry["show"]]
    end = piece_of(lesson, following["show"][0]).place if following else None
    cells = [nbformat.v4.new_markdown_cell(f"## {pieces[0].heading}")]
    cells[0].metadata.slideshow = {"slide_type": "slide"}
    for shown, piece in zip(entry["show"], pieces, strict=True):
        later = shown.startswith("> ")
        piece.cell.metadata.slideshow = {"slide_type": "fragment" if later else "-"}
        cells.append(piece.cell)
    notes = nbformat.v4.new_markdown_cell("\n\n".join(notes_of(lesson, entry, pieces, end, plan)))
    notes.metadata.slideshow = {"slide_type": "notes"}
    return [*cells, notes]


def notes_of(
    lesson: str, entry: dict, pieces: list[Piece], end: int | None, plan: dict
) -> list[str]:
    """Return the notes of one slide: what the run sheet says, then the lesson around its pieces."""
    notes = []
    if "block" in entry:
        if entry["block"] not in plan["block"]:
            raise PlanError(f"slides.toml: plan.toml has no [block.{entry['block']}]")
        notes.append(lessons.quote(plan["block"][entry["block"]]["say"]).strip())
    if "say" in entry:
        notes.append(entry["say"].strip())
    if exercise := EXERCISE.match(pieces[0].heading):
        about = plan["exercise"].get(exercise[1], {})
        notes += [lessons.quote(about[key]).strip() for key in ("before", "after") if key in about]
        notes.append(f"Common mistakes: {lessons.exercises()[exercise[1]].mistakes}")
    shown = {flat(piece.cell.source) for piece in pieces}
    first = min(piece.place for piece in pieces)
    last = max(piece.place for piece in pieces)
    end = max(last + 1, end) if end and end > first else last + 2
    around = [
        paragraph.text
        for paragraph in paragraphs(lesson)
        if first - 1 <= paragraph.place <= end
        and paragraph.heading == pieces[0].heading
        and flat(paragraph.text) not in shown
    ]
    if around:
        notes += ["**In the lesson:**", *around]
    if not notes:
        raise PlanError(f"slides.toml: {entry['show'][0]!r} leaves nothing to say: add `say`")
    return notes


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


def invitation() -> list[nbformat.NotebookNode]:
    """Return the first slide's QR code of the page where you try it; none if nobody hosts it."""
    where = address.trying(address.read())
    if not where:
        return []
    import segno  # which only a hosted course needs

    code = segno.make(where, micro=False).svg_data_uri(light="white", omitsize=True)
    shown = where.partition("//")[2]
    cell = nbformat.v4.new_markdown_cell(
        f'<figure class="try"><img src="{code}" alt="QR code: {where}">'
        f"<figcaption>Try it:<br>{shown}</figcaption></figure>"
    )
    cell.metadata.slideshow = {"slide_type": "-"}
    return [cell]


def deck(lesson: str, entries: list[dict], plan: dict) -> str:
    """Return the slides of one lesson as a page."""
    pairs = zip(entries, [*entries[1:], None], strict=True)
    cells = [cell for entry, following in pairs for cell in slide(entry, following, plan)]
    if lesson == lessons.names()[0]:
        cells[1:1] = invitation()
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
<body style="font: 22px sans-serif; max-width: 45em; margin: 2em auto"><main>
<h1>Slides</h1>
<ul>{items}</ul>
<p>The space bar goes on, Esc shows all slides of a lesson, F fills the screen, S opens the notes.
To print a deck, add <code>?print-pdf</code> to its address.</p>
</main></body></html>
"""


def copy_reveal(target: Path) -> None:
    """Copy the parts of reveal.js that the slides need into a folder."""
    package = importlib.util.find_spec("sphinx_revealjs")
    if package is None or package.origin is None:
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
