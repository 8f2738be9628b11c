"""Make the class report: which exercises and predictions went wrong, and what to say about them.

It reads what a class hands in: notebooks, as they were saved or after grading, progress files, and
answer sheets (questions.py). Only what's in them counts: the verdicts that the checks printed. If a
notebook was saved without them, the report says "not run". It names nobody.
"""

from __future__ import annotations

import collections
import csv
import functools
import html
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import nbformat
from markdown_it import MarkdownIt

from course_utils import checks, progress
from course_utils.checks._judge import Exercise, in_general
from tools import answers, notebooks
from workshop import exports, grading, lessons, questions
from workshop.lessons import PlanError, exercises, flat, quote

RIGHT, TRIED, NOT_RUN, UNTOUCHED = STATES = ("right", "tried", "not run", "untouched")
MOST = 3  # mistakes to show
VERDICT = re.compile(
    r"^(?:[✓✗○] )?Exercise (?P<id>\d\.\d): (?:(?P<right>right, well done)|not done yet\."
    r"(?P<left> (?:Your code is below|There is code above)[^:]*)?|not right yet\. (?P<wrong>.*?) "
    r"Until then, the notebook goes on)",
    re.MULTILINE | re.DOTALL,
)
GUESSED = re.compile(
    r"^(?:(?P<none>No prediction yet\. It is: )|(?P<right>As you predicted: )|You predicted "
    r"(?P<wrong>.+?)\. It is: |.* (?P<slip>is not (?:one of the|a number:|a word\.)"
    r"|is less than 1, but))",
    re.MULTILINE,
)
PREDICTION = re.compile(r"checks\.prediction\((\w+)")
# Nbgrader's other folders, and those of a copy of the course.
LEFT_OUT = {"source", "release", "feedback", "solutions", *exports.NOT_THEIRS}


class Item(NamedTuple):
    """An exercise or a prediction of a lesson, and the run sheet's paragraph about it."""

    lesson: int
    id: str  # "1.2" or, for a prediction, the name of its variable
    title: str
    question: str  # what was to be predicted; "" for an exercise
    advice: str  # in Markdown


Key = tuple[int, str]  # a lesson and an item's id
Work = dict[Key, tuple[str, set[str]]]  # the state of each item, and the mistakes made in it


@dataclass
class Tally:
    """How many students are in each state, and how many made each mistake."""

    states: collections.Counter = field(default_factory=collections.Counter)
    mistakes: collections.Counter = field(default_factory=collections.Counter)

    @property
    def n(self) -> int:
        """The number of students who handed in this lesson."""
        return self.states.total()


# ------------------------------------------------------------------------------ what there is


@functools.cache
def items() -> dict[Key, Item]:
    """Return the exercises and predictions of all lessons, in order."""
    plan, found = lessons.read_toml("plan.toml"), {}
    for number, lesson in enumerate(lessons.names()):
        headings, question = {}, ""
        for cell in lessons.source(lesson).cells:
            if cell.cell_type == "markdown":
                for level, heading in re.findall(r"^(#+) (?!Exercise)(.+)$", cell.source, re.M):
                    headings = {k: v for k, v in headings.items() if k < len(level)}
                    headings[len(level)] = heading
                if asked := re.findall(r"\*\*[^*]*(?:[Pp]redict|bet)[^*]*\*\*(.+?)(?:\n\n|\Z)",
                                       cell.source, re.DOTALL):  # fmt: skip
                    sentences = re.split(r"(?<=[.?!]) ", flat(asked[-1]))
                    question = " ".join(text for text in sentences if "the dots" not in text)
            if "exercise" in cell.metadata:
                task = exercises()[cell.metadata["exercise"]["id"]]
                about = plan["exercise"][task.id]
                advice = f'They think: "{flat(about["belief"])}" {quote(flat(about["answer"]))}'
                title = f"Exercise {task.id}: {task.title}"
                found[number, task.id] = Item(number, task.id, title, "", advice)
            elif cell.cell_type == "code":
                for name in PREDICTION.findall(cell.source):
                    title = f"Prediction: {headings[max(headings)]} ({name})"
                    advice = said_about(plan, number, set(headings.values()))
                    found[number, name] = Item(number, name, title, question, advice)
    return found


def said_about(plan: dict, lesson: int, headings: set[str]) -> str:
    """Return the run sheet's paragraph on what came out of a prediction below these headings.

    If the run sheet leaves the section out, that's a reference to the section.
    """
    for block in plan["block"].values():
        if block["lesson"] == lesson and block["heading"] in headings:
            paragraphs = block["say"].split("\n\n")
            after = [text for text in paragraphs if flat(text).startswith(("(*Run", "(*Show"))]
            if after:
                return quote(flat(after[-1]))
    return "Not in the run sheet: read the text below the cell together."


@functools.cache
def the_checks() -> dict[str, Exercise]:
    """Return the checks by the ids of their exercises."""
    found = [check for check in vars(checks).values() if isinstance(check, Exercise)]
    return {check.id: check for check in found}


# ------------------------------------------------------------------- what one student handed in


def read_notebook(path: Path) -> Work:
    """Return what a notebook says about each exercise and prediction of its lesson.

    Raises:
        answers.Problem: it can't be read, or it's no notebook of the course.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbformat warns of every copied cell
        notebook = answers.read(path)
    lesson = lesson_of(notebook)
    if lesson is None:
        raise answers.Problem(f"{path} is no lesson of this course")
    verdicts = collections.defaultdict(list)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        text = printed(cell)
        for verdict in VERDICT.finditer(text):
            verdicts[lesson, verdict["id"]].append(judged(verdict))
        names = PREDICTION.findall(cell.source)
        for name, guess in zip(names, GUESSED.finditer(text), strict=False):
            verdicts[lesson, name].append(guessed(guess))
    work = {}
    for key in (key for key in items() if key[0] == lesson):
        written = state_of_cells(notebook, key[1])
        found = verdicts[key] or [written]
        state = min((state for state, _ in found), key=STATES.index)
        if state == UNTOUCHED and written[0] != UNTOUCHED:  # answered since the check ran
            state, found = written[0], [written]
        work[key] = state, {mistake for _, mistake in found if mistake}
    return work


def lesson_of(notebook: nbformat.NotebookNode) -> int | None:
    """Return the number of a notebook's lesson: by its title or its exercises, not its name."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(r"^# Lesson (\d)\.", text, re.M) or answers.TASK.search(text)
    number = int(found[1][0]) if found else -1
    return number if 0 <= number < len(lessons.names()) else None


def printed(cell: nbformat.NotebookNode) -> str:
    """Return what a cell's saved output says."""
    streams = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"]
    return "".join(streams)


def judged(verdict: re.Match) -> tuple[str, str]:
    """Return the state of an exercise, and the mistake, from its check's verdict."""
    if verdict["right"]:
        return RIGHT, ""
    if verdict["wrong"]:
        check = the_checks().get(verdict["id"])
        return TRIED, in_general(check, flat(verdict["wrong"])) if check else ""
    return (TRIED, verdict["left"].strip()) if verdict["left"] else (UNTOUCHED, "")


def guessed(guess: re.Match) -> tuple[str, str]:
    """Return the state of a prediction, and the wrong guess, from what the cell printed."""
    if guess["right"]:
        return RIGHT, ""
    if guess["wrong"]:
        return TRIED, f"predicted {guess['wrong'][:60]}"
    return (UNTOUCHED, "") if guess["none"] else (TRIED, "a guess that isn't one of the choices")


def state_of_cells(notebook: nbformat.NotebookNode, id: str) -> tuple[str, str]:
    """Return the state of an exercise or prediction without a verdict, from its own cells."""
    if re.fullmatch(r"\d\.\d", id):
        place = answers.places(notebook).get(id)
        cells = notebook.cells[slice(*place)] if place else []
        code = bool(place and answers.answer(notebook, id))
    else:
        pattern = re.compile(rf"^{id} = (.+)$", re.M)
        cells = [c for c in notebook.cells if c.cell_type == "code" and pattern.search(c.source)]
        typed = [found for c in cells for found in pattern.findall(c.source)]
        code = any(not found.startswith(("...", "checks.guess(")) for found in typed)
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    errors = [output.ename for output in outputs if output.output_type == "error"]
    if code and errors:
        return TRIED, f"The cell stops with {errors[-1]}."
    return (NOT_RUN if code else UNTOUCHED), ""


def read_progress(path: Path) -> Work:
    """Return what a progress file says about the exercises of the lessons that were begun.

    Raises:
        answers.Problem: there's not one line of progress in it.
    """
    entries, _ = progress.entries(path)
    if not entries:
        raise answers.Problem(f"{path} is no progress file, or an empty one")
    begun = {entry["exercise"].partition(".")[0] for entry in entries}
    work = {key: (UNTOUCHED, set()) for key in items() if str(key[0]) in begun and "." in key[1]}
    for entry in entries:
        key = int(entry["exercise"][0]), entry["exercise"]
        if key in work:
            mistake = {entry["mistake"][:400]} - {""}
            state = min(work[key][0], entry["verdict"], key=STATES.index)
            work[key] = state, work[key][1] | mistake
    return work


# ---------------------------------------------------------------------- what a class handed in


@dataclass
class Class:
    """What was read: everybody's work, the answers to the questions, and what can't be read."""

    work: dict[exports.Owner | str, Work] = field(default_factory=dict)  # or a file of nobody's
    sheets: list[questions.Sheet] = field(default_factory=list)
    files: collections.Counter = field(default_factory=collections.Counter)
    problems: list[str] = field(default_factory=list)


def read_class(folder: Path) -> Class:
    """Read all that's in a folder.

    It may be nbgrader's course folder, or what `collect` takes, unpacked. Of two versions of an
    exercise, the better one counts: so what was collected has the verdicts and guesses that
    students saved.

    Raises:
        PlanError: there's no such folder, or nothing in it can be read.
    """
    if not folder.is_dir():
        raise PlanError(
            f"{folder} is no folder: name the one with what your class handed in. Of an archive, "
            "`workshop collect` makes one, workshop/_build/grading"
        )
    found = Class()
    readers = {".ipynb": read_notebook, ".jsonl": read_progress}
    paths = list(handed_in(folder))
    named = [exports.Found((*map(exports.tidy, p.relative_to(folder).parts),)) for p in paths]
    for path, file in zip(paths, exports.with_owners(named), strict=True):
        try:
            if exports.is_archive(path.name):
                raise PlanError(f"{path} is an archive: collect it, or unpack it")
            if path.suffix == ".csv":
                sheets, problems = questions.read_sheets(path)
                found.sheets += sheets
                found.problems += problems
                found.files["answer sheets"] += len(sheets)
                continue
            work = readers[path.suffix](path)
        except (answers.Problem, PlanError, OSError, ValueError) as problem:
            found.problems.append(f"{problem}.")
            continue
        merge(found.work.setdefault(file.owner or file.path, {}), work)
        found.files["notebooks" if path.suffix == ".ipynb" else "progress files"] += 1
    if not found.work and not found.sheets:
        raise PlanError(
            f"{folder} has nothing that the report can read: expected the lessons' notebooks, "
            f"progress files (.jsonl) or answer sheets (.csv). {' '.join(found.problems[:3])}"
        )
    return found


def handed_in(folder: Path) -> Iterator[Path]:
    """Yield the files to read, without those of nbgrader, editors and systems."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in LEFT_OUT for part in inside)
        wanted = path.suffix in (".ipynb", ".jsonl", ".csv") or exports.is_archive(path.name)
        if wanted and path.is_file() and not hidden and path.name not in grading.TABLES:
            yield path


def merge(mine: Work, more: Work) -> None:
    """Add a file's work to a student's: the better state counts, and every mistake."""
    for key, (state, mistakes) in more.items():
        before, known = mine.get(key, (state, set()))
        mine[key] = min(before, state, key=STATES.index), known | mistakes


def tally(work: dict[exports.Owner | str, Work]) -> dict[Key, Tally]:
    """Count students, for each exercise and prediction that somebody handed in, in order."""
    found = collections.defaultdict(Tally)
    for one in work.values():
        for key, (state, mistakes) in one.items():
            found[key].states[state] += 1
            found[key].mistakes.update(mistakes)
    return {key: found[key] for key in items() if key in found}


def most_frequent(counted: Tally) -> list[tuple[str, int]]:
    """Return the most frequent mistakes; of equally frequent ones, the first in the alphabet."""
    return sorted(counted.mistakes.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]


def hardest(tallies: dict[Key, Tally]) -> list[Key]:
    """Return the exercises and predictions that somebody tried in vain, hardest first."""
    tried = [key for key, counted in tallies.items() if counted.states[TRIED]]
    return sorted(tried, key=lambda key: -tallies[key].states[TRIED] / tallies[key].n)


# ------------------------------------------------------------------------------- the table, CSV


def write_table(path: Path, tallies: dict[Key, Tally], sheets: list[questions.Sheet]) -> None:
    """Write the numbers for a spreadsheet, one row per exercise, prediction and goal."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark is for Excel
        table = csv.writer(file)
        shares = [f"share {state}" for state in STATES]
        mistakes = [f"{word} {n}" for n in range(1, MOST + 1) for word in ("mistake", "students")]
        table.writerow(["lesson", "what", "students", *STATES, *shares, *mistakes, "what to say"])
        for key, counted in tallies.items():
            numbers = [counted.states[state] for state in STATES]
            row = [key[0], items()[key].title, counted.n, *numbers]
            row += [f"{number / counted.n:.3f}" for number in numbers]
            frequent = [part for pair in most_frequent(counted) for part in pair]
            row += frequent + [""] * (2 * MOST - len(frequent)) + [items()[key].advice]
            table.writerow(row)
        table.writerow([])
        table.writerow([field.replace("_", " ") for field in questions.Change._fields])
        table.writerows(questions.changes(sheets))


# ------------------------------------------------------------------------------- the page, HTML


def marked_up(text: str) -> str:
    """Return a line of Markdown as HTML; HTML in it is text."""
    return MarkdownIt("js-default").renderInline(text)


def sentence(text: str) -> str:
    """Return a check's sentence as HTML; what's between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def percent(part: int, whole: int) -> str:
    """Return a share such as "58 %"."""
    return f"{100 * part / whole:.0f}\N{NO-BREAK SPACE}%"


def bar(counted: Tally) -> str:
    """Return a bar of the four states. The numbers below it say the same in words."""
    parts = "".join(
        f'<i class="{state.replace(" ", "-")}" style="flex-grow: {counted.states[state]}"></i>'
        for state in STATES
        if counted.states[state]
    )
    said = ",</span> ".join(
        f'<span><i class="{state.replace(" ", "-")}" aria-hidden="true"></i> '
        f"{counted.states[state]} {state} ({percent(counted.states[state], counted.n)})"
        for state in STATES
        if counted.states[state] or state != NOT_RUN
    )
    return f'<div class="bar" aria-hidden="true">{parts}</div><p class="said">{said}</span></p>'


def card(item: Item, counted: Tally) -> str:
    """Return what the page says about an exercise or a prediction."""
    lines = [
        f'<section id="{anchor(item)}"><h3>{marked_up(item.title)}</h3>',
        f"<p>{marked_up(item.question)}</p>" if item.question else "",
        bar(counted),
    ]
    if frequent := most_frequent(counted):
        rows = "".join(f"<li><b>{count} ×</b> {sentence(text)}</li>" for text, count in frequent)
        lines.append(f"<ul>{rows}</ul>")
    if counted.states[RIGHT] < counted.n:
        lines.append(f"<blockquote>{marked_up(item.advice)}</blockquote>")
    return "\n".join([*filter(None, lines), "</section>"])


def anchor(item: Item) -> str:
    """Return the id of an item's place on the page."""
    return f"l{item.lesson}-{item.id.replace('.', '-')}"


def summary(tallies: dict[Key, Tally]) -> str:
    """Return the lists of what to teach again, and of the predictions that went wrong."""
    exercise, guess = [], []
    for key in hardest(tallies):
        counted, item = tallies[key], items()[key]
        row = (
            f'<li><a href="#{anchor(item)}">{marked_up(item.title)}</a><br>'
            f"{counted.states[TRIED]} of {counted.n} not right."
        )
        for text, count in most_frequent(counted)[:1]:
            row += f" Most frequent ({count} ×): {sentence(text)}"
        (guess if item.question else exercise).append(f"{row}</li>")
    lists = (
        ("What to teach again", exercise[:5], "Every answer that was tried is right."),
        ("The guesses that surprised most", guess[:3], "No guess was wrong."),
    )
    return "".join(
        f"<h2>{title}</h2>" + (f"<ol>{''.join(rows)}</ol>" if rows else f"<p>{none}</p>")
        for title, rows, none in lists
    )


def learned(sheets: list[questions.Sheet]) -> str:
    """Return the table of the questions before and after each lesson, by goal."""
    if not sheets:
        return ""
    rows = []
    for change in questions.changes(sheets):
        goal = marked_up(notebooks.about(lessons.name_of(change.lesson)).goals[change.goal - 1])
        cells = "".join(
            f"<td>{right} of {n} ({percent(right, n)})</td>" if n else "<td>no answers</td>"
            for n, right in (
                (change.before, change.before_right),
                (change.after, change.after_right),
            )
        )
        both = f"{change.both}: {change.gained} gained, {change.lost} lost" if change.both else "0"
        rows.append(f'<tr><th scope="row">{change.lesson}. {goal}</th>{cells}<td>{both}</td></tr>')
    head = "<th>Lesson and goal</th><th>Right before</th><th>Right after</th><th>Answered both</th>"
    return (
        "<h2>Did they learn?</h2><p>Two questions before and two after each lesson, one pair per "
        'goal. "Gained" means wrong before and right after.</p><div class="wide" tabindex="0" '
        'role="region" aria-label="Questions before and after"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Class report: saliency maps</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --soft: #f1f3f5; --line: #767676;
  --right: #0b6e4f; --tried: #c2570c; --not-run: #8a8f98; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ececec; --paper: #16181b; --soft: #24272c;
  --line: #8f959d; --right: #4fbf95; --tried: #f0a35e; --not-run: #9aa0a8; }}
  a {{ color: #8cb8ff }} }}
body {{ font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 52rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word }}
h1, h2, h3 {{ line-height: 1.25 }} h2 {{ margin-top: 2.5rem; border-bottom: 2px solid var(--line) }}
h3 {{ margin: 0 0 0.5rem; font-size: 1.05rem }}
section {{ margin: 1.25rem 0; padding: 1rem; background: var(--soft); border-radius: 0.5rem }}
section p, section ul {{ margin: 0.5rem 0 }}
.bar {{ display: flex; height: 1.1rem; border: 1px solid var(--line); background: var(--paper) }}
.bar i + i {{ border-left: 2px solid var(--paper) }}
i {{ print-color-adjust: exact; -webkit-print-color-adjust: exact }}
i.right {{ background: var(--right) }}
i.tried {{ background: repeating-linear-gradient(45deg, var(--tried) 0 6px, var(--paper) 6px 9px) }}
i.not-run {{ background: radial-gradient(var(--not-run) 35%, var(--paper) 40%) 0 0 / 6px 6px }}
i.untouched {{ background: var(--paper) }}
.said {{ display: flex; flex-wrap: wrap; gap: 0 1.25rem }} .said span {{ white-space: nowrap }}
.said i {{ display: inline-block; width: 0.8rem; height: 0.8rem; border: 1px solid var(--line) }}
blockquote {{ margin: 0.75rem 0 0; padding-left: 0.75rem; border-left: 4px solid var(--line) }}
table {{ border-collapse: collapse }} th, td {{ padding: 0.4rem 0.8rem 0.4rem 0; text-align: left;
  vertical-align: top; border-bottom: 1px solid var(--line) }} tbody th {{ font-weight: normal }}
td {{ min-width: 5.5rem }} tbody th {{ min-width: 9rem }} .wide {{ overflow-x: auto }}
code {{ font-size: 0.92em }}
@media print {{ body {{ max-width: none; padding: 0; font-size: 10pt }}
  :root {{ --ink: #000; --paper: #fff; --soft: #fff; --line: #555; --right: #0b6e4f;
    --tried: #c2570c; --not-run: #777 }} a {{ color: inherit; text-decoration: none }}
  section {{ break-inside: avoid; border: 1px solid var(--line) }} h2 {{ break-after: avoid }} }}
</style></head>
<body><main><h1>Class report</h1>
{body}
</main></body></html>
"""


def page(found: Class) -> str:
    """Return the report as one HTML page that needs no other file."""
    tallies = tally(found.work)
    read = "; ".join(f"{what}: {count}" for what, count in sorted(found.files.items()) if count)
    body = [
        f"<p>Students: {len(found.work)}; {read}. The numbers count the students who handed in the "
        "lesson. <b>Tried</b> means that the check didn't accept the answer. <b>Not run</b> means "
        "that there's an answer, but no verdict on it was saved. The mistakes are the checks' own "
        "sentences, with the number of students who made them. Below them is what the run sheet "
        "says.</p>"
    ]
    body += [summary(tallies) if tallies else "", learned(found.sheets)]
    for number, lesson in enumerate(lessons.names()):
        cards = [
            card(items()[key], counted) for key, counted in tallies.items() if key[0] == number
        ]
        if cards:
            body += [f"<h2>{marked_up(lessons.title(lesson))}</h2>", *cards]
    if found.problems:
        body.append(
            f"<p>Not read: {len(found.problems)} files or lines. The command names them.</p>"
        )
    return PAGE.format(body="\n".join(filter(None, body)))


def write(folder: Path, target: Path = lessons.BUILT / "report") -> None:
    """Write the class report on a folder, as a page and as a table."""
    found = read_class(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "index.html").write_text(page(found), encoding="utf-8", newline="\n")
    write_table(target / "report.csv", tally(found.work), found.sheets)
    for problem in found.problems:
        print(f"Not read: {problem}")
    print(f"Students: {len(found.work)}. The report: {target / 'index.html'} and report.csv")
