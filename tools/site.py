"""Make the reading version of the course: a book of one page per lesson, with nothing to run.

    python -m tools.site                 into site/_build/html; open index.html there
    python -m tools.site FOLDER          into another folder

The pages are the solved notebooks as a book would print them: without what only a notebook needs,
and with solutions, drawing code and the outcomes of predictions folded. They ask no other computer
for anything, so you can read them from a disk, without internet.
"""

from __future__ import annotations

import ast
import base64
import html
import io
import re
import shutil
import sys
from pathlib import Path

import nbformat
from PIL import Image
from sphinx.cmd.build import build_main

from tools import address, notebooks, try_page

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
METHODS = (
    "vanilla_gradients",
    "gradient_times_input",
    "integrated_gradients",
    "grad_cam",
    "smoothgrad",
)

ARXIV = re.compile(r"(?<!\[)\barXiv:(\d{4}\.\d{4,5})")
NOTEBOOK_ONLY = re.compile(
    r"^(?P<name>\w+) = checks\.\w+\((?P=name)\)$"  # the check of the reader's own answer
    r"|^show_progress\(\)$|^\*\*Your progress",
    re.MULTILINE,
)
ADVICE = re.compile(  # the end of an assert's message, on one line or more: run a check first
    r' ?(?:"\s+")?(?:Run\W+the\W+checks?|Have\W+checks)\b.*?(?:cell\.|run\?)(?=")', re.DOTALL
)
ANSWERED = re.compile(r"^ *checks\.prediction\(", re.MULTILINE)
ASKED = re.compile(r"^(?:\w+ = checks\.guess|checks\.quiz)\(", re.MULTILINE)
COLUMNS = re.compile(r"^.*\S {2,}\S.*$", re.MULTILINE)  # a line with columns
PANEL = re.compile(
    r">([^<>]*)</div>(?:<picture>.*?)?"
    r'<img src="data:image/(?:png|jpeg);base64,([^"]+)" alt="([^"]+)"',
    re.DOTALL,
)
TILE = 224  # pixels: how high a panel is on a lesson's card
DRAWING = re.compile(r"plt|fig|ax|axes|show_figure|draw\w*|\w+_explorer")


def page(lesson: str) -> nbformat.NotebookNode:
    """Return a solved lesson as a page of the book."""
    sources = {cell.id: cell for cell in notebooks.read(lesson).cells}
    solved = nbformat.read(notebooks.SOLUTIONS / f"{lesson}.ipynb", as_version=4)
    shown: list[nbformat.NotebookNode] = []
    waiting = is_open = False  # between a guess and its answer; in the fold with what came out
    for cell in solved.cells:
        source = sources.get(cell.id, cell)
        tags = source.metadata.get("tags", [])
        if {"set-up", "notebook"} & set(tags) or NOTEBOOK_ONLY.search(cell.source):
            continue
        if cell.cell_type == "markdown":
            text = _for_reading(cell.source)
            if is_open:  # all of it shows what came out, up to the next thought
                meaning, text = _up_to_the_next_thought(text)
                shown += [_markdown(meaning), *[_markdown("</details>")] * bool(text)]
                is_open = not text
            shown.append(_markdown(text))
            continue
        cell.source = ADVICE.sub("", cell.source)
        if ASKED.search(cell.source):
            shown.append(_outputs(cell))
            waiting = "checks.guess(" in cell.source
            continue
        if waiting and not is_open:
            shown.append(_opening("Have you chosen? Then see what came out", "course-outcome"))
            is_open = True
        if ANSWERED.search(cell.source):
            _without_the_missing_guess(cell)
            waiting = False
        if summary := _fold(source, tags):
            shown += [_opening(summary), _code(cell), _markdown("</details>"), _outputs(cell)]
        else:
            shown.append(cell)
    shown += [_markdown("</details>")] * is_open
    solved.cells = [c for c in shown if c.source]
    for number, cell in enumerate(solved.cells):
        cell.id = f"cell-{number}"
        printed = "\n".join(output.get("text", "") for output in cell.get("outputs", []))
        if len(COLUMNS.findall(printed)) > 1:
            cell.metadata.tags = [*cell.metadata.get("tags", []), "columns"]
    return solved


def _for_reading(text: str) -> str:
    """Return a text cell's text without what is said to people in a notebook, with links."""
    text = notebooks.NOTEBOOK_TALK.sub("", text)
    text = address.TRY.sub("[Try it in the browser](try.md)", text)
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def _up_to_the_next_thought(text: str) -> tuple[str, str]:
    """Cut a text at its first heading or prediction, or where a paragraph begins in bold."""
    below = re.search(r"^#+ |(?:\A|(?<=\n\n))\*\*|^[^\n]*\*\*Predict", text, re.MULTILINE)
    place = below.start() if below else len(text)
    return text[:place], text[place:]


def _fold(source: nbformat.NotebookNode, tags: list[str]) -> str:
    """Return what to write on a code cell's fold; "" if its code is for everybody to read."""
    if "### BEGIN SOLUTION" in source.source or "solution" in tags:
        return "Show the solution"
    lines = {True: 0, False: 0}
    statements = ast.parse(source.source).body
    for statement in statements:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            inside = statement.end_lineno - statement.lineno + 1  # type: ignore[operator]
            lines[_draws(statement)] += inside
    if lines[True] > lines[False]:
        return "Show the drawing code"
    if all(isinstance(statement, ast.Assert) for statement in statements):
        return "Show how this is tested"
    return ""


def _draws(statement: ast.stmt) -> bool:
    """Return whether a statement, or the function it defines, draws."""
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
    return any(DRAWING.fullmatch(name) for name in names)


def _without_the_missing_guess(cell: nbformat.NotebookNode) -> None:
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = output.text.replace("No prediction yet. It is", "It is")


def _opening(summary: str, name: str = "course-fold") -> nbformat.NotebookNode:
    return _markdown(f'<details class="{name}"><summary>{summary}</summary>')


def _markdown(text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text.strip())


def _code(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(cell.source)


def _outputs(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a cell that shows another's outputs without its code."""
    tags = ["remove-input"]  # MyST-NB leaves out a cell without any
    return nbformat.v4.new_code_cell("...", outputs=cell.outputs, metadata={"tags": tags})


def front_page(pictures: Path) -> str:
    """Return the front page, in MyST's Markdown: site/index.md, filled from the lessons."""
    lessons = notebooks.lessons()
    parts = {
        "WIPE": wipe(pictures),
        "CARDS": "\n".join(map(_card, lessons)),
        "SYLLABUS": "\n".join(map(_syllabus, lessons)),
        "LESSONS": "\n".join(lessons),
        "METHODS": "\n".join(METHODS),
        "REPOSITORY": address.read(),
    }
    text = (SITE / "index.md").read_text(encoding="utf-8")
    if not parts["REPOSITORY"]:  # nobody hosts the course yet
        text = re.sub(r"\[([^]]*)\]\(REPOSITORY[^)]*\)", r"\1", text)
    return re.sub("|".join(parts), lambda match: parts[match[0]], text)


def _card(lesson: str) -> str:
    """Return a lesson's card: thumbnail, title, minutes and first goal."""
    about = notebooks.about(lesson)
    goal = html.escape(re.sub(r"[*`]", "", about.goals[0]))
    return (
        f'<li><a href="{lesson}.html"><img src="pictures/{lesson}.png" alt="">'
        f"<strong>{html.escape(about.title)}</strong></a>"
        f"<span>{_minutes(about)}</span><p>You learn to {goal}.</p></li>"
    )


def _minutes(about: notebooks.About) -> str:
    core = f", core path {about.core}" if about.core < about.minutes else ""
    return f"{about.minutes} minutes{core}"


def _syllabus(lesson: str) -> str:
    """Return a lesson's entry in the syllabus: its minutes, and what you can do after it."""
    about = notebooks.about(lesson)
    goals = "\n".join(f"  - {goal}" for goal in about.goals)
    return f"[{about.title}]({lesson}.ipynb)\n: {_minutes(about)}. After it you can\n\n{goals}\n"


def panels(lesson: str, tag: str) -> list[tuple[str, str, Image.Image]]:
    """Return the panels of the figure whose cell has this tag: name, description, picture.

    A chart has panels without names.
    """
    tagged = {c.id for c in notebooks.read(lesson).cells if tag in c.metadata.get("tags", [])}
    solved = nbformat.read(notebooks.SOLUTIONS / f"{lesson}.ipynb", as_version=4)
    (cell,) = (cell for cell in solved.cells if cell.id in tagged)
    shown = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    found = PANEL.findall(shown) or [("", *figure) for figure in notebooks.FIGURE.findall(shown)]
    return [
        (name, alt, Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))
        for name, png, alt in found
    ]


def thumbnail(lesson: str) -> Image.Image:
    """Return the first three panels of the lesson's figure tagged "thumbnail", side by side."""
    pictures = [picture for _, _, picture in panels(lesson, "thumbnail")[:3]]
    tiles = []
    for picture in pictures:
        k = TILE / picture.height  # a map's values stay squares
        how = Image.Resampling.NEAREST if k == int(k) else Image.Resampling.LANCZOS
        tiles.append(picture.resize((round(k * picture.width), TILE), how))
    card = Image.new("RGB", (sum(tile.width for tile in tiles), TILE))
    for place, tile in enumerate(tiles):
        card.paste(tile, (sum(before.width for before in tiles[:place]), 0))
    return card


def wipe(pictures: Path) -> str:
    """Return the front page's wipe, lesson 0's picture below its maps, and write their files."""
    (_, seen, picture), *maps = panels(notebooks.lessons()[0], "thumbnail")
    picture.save(pictures / "picture.png", optimize=True)
    layers = []
    for number, (name, alt, drawn) in enumerate(maps):
        drawn.save(pictures / f"map-{number}.png", optimize=True)
        layers.append((name, alt, f"pictures/map-{number}.png"))
    return stage("pictures/picture.png", seen, layers, "<em>tabby</em>")


def stage(picture: str, seen: str, maps: list[tuple[str, str, str]], class_name: str) -> str:
    """Return a picture below its maps, with a slider that uncovers it.

    The slider needs a script; without one, three buttons show the map, half of it, or none.

    Args:
        picture: its address.
        seen: its description.
        maps: each map's name, description and address.
        class_name: as HTML.
    """
    layers = "".join(f'<img class="map" src="{url}" alt="{alt}">' for _, alt, url in maps)
    choices = "".join(
        f'<label><input type="radio" name="map"{" checked" * (number == 0)}> {name}</label>'
        for number, (name, _, _) in enumerate(maps)
    )
    cuts = "".join(
        f'<label><input type="radio" name="cut" class="{cut}"{" checked" * (cut == "half")}> {text}'
        "</label>"
        for cut, text in (("whole", "all of it"), ("half", "half of it"), ("none", "none of it"))
    )
    return (
        f'<div class="wipe"><div class="stage"><img src="{picture}" alt="{seen}">{layers}'
        '<input type="range" value="50" aria-label="How much of the picture lies open"></div>'
        f"<fieldset><legend>What matters for {class_name}?</legend>{choices}</fieldset>"
        f'<fieldset class="cuts"><legend>Show the map:</legend>{cuts}</fieldset></div>'
    )


def write_sources(folder: Path, beside: Path) -> None:
    """Write a page per lesson and method, and the others; pictures go to the folder beside."""
    pictures = beside / "pictures"
    folder.mkdir(parents=True)
    pictures.mkdir(parents=True)
    for lesson in notebooks.lessons():
        nbformat.write(page(lesson), folder / f"{lesson}.ipynb")
        thumbnail(lesson).save(pictures / f"{lesson}.png", optimize=True)
    tried = try_page.text(notebooks.lessons(), stage, beside / "try")
    for name, text in (("index", front_page(pictures)), ("try", tried)):
        (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")
    docs = ROOT / "docs"
    shutil.copy(docs / "glossary.md", folder)
    for name in METHODS:  # their links lead to notebooks, but here to pages
        text = (docs / "methods" / f"{name}.md").read_text(encoding="utf-8")
        text = re.sub(r"\(\.\./\.\./notebooks/solutions/(\w+)\.ipynb\)", r"(\1)", text)
        (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")


def build(target: Path) -> int:
    """Build the pages into target/html, with Sphinx's warnings as errors; 0 if all is well."""
    shutil.rmtree(target, ignore_errors=True)
    beside = target / "beside"
    try_page.write(beside / "try")
    write_sources(target / "source", beside)
    options = ["-q", "-W", "--keep-going", "-c", str(SITE), "-d", str(target / "cache")]
    options += ["-D", f"html_extra_path={beside}"]
    status = build_main([*options, str(target / "source"), str(target / "html")])
    if status == 0:
        try_page.finish(target / "html" / "try.html")
        print(f"{target / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else SITE / "_build"))
