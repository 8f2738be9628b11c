"""Make the questions before and after each lesson: sheets to print, a key, and a table to fill in.

They are in questions.toml. People mark their sheets under a word of their own choice, the
instructor types the letters into the table, and the class report reads that.
"""

from __future__ import annotations

import collections
import csv
import html
import io
import re
from pathlib import Path
from typing import NamedTuple

from workshop import lessons
from workshop.lessons import PlanError

HEADER = ["who", "lesson", "when", "1", "2"]
TIMES = {"before": "before", "pre": "before", "after": "after", "post": "after"}
LETTERS = "abcd"


class Sheet(NamedTuple):
    """One person's answers to the two questions before or after a lesson."""

    who: str  # the word that they chose; "" if there's none
    lesson: int
    when: str  # "before" or "after"
    answers: tuple[str, str]  # a letter, "?" for "I don't know", or "" for none


class Change(NamedTuple):
    """How a class answered the two questions on one goal."""

    lesson: int
    goal: int
    before: int  # how many answered
    before_right: int
    after: int
    after_right: int
    both: int  # how many answered before and after
    gained: int  # of these, wrong before and right after
    lost: int


def questions(lesson: int, when: str) -> list[dict]:
    """Return the two questions "before" or "after" a lesson."""
    found = lessons.read_toml("questions.toml")["question"]
    return [q for q in found if (q["lesson"], q["when"]) == (lesson, when)]


# ---------------------------------------------------------------------------- reading the answers


def read_sheets(path: Path) -> tuple[list[Sheet], list[str]]:
    """Return the answers in a table, saved by any spreadsheet, and sentences on bad lines.

    Raises:
        PlanError: it isn't such a table.
    """
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    try:
        header, *lines = [[cell.strip() for cell in row] for row in rows]
    except (csv.Error, ValueError):
        header, lines = [], []
    columns = [name.lower() for name in header]
    if missing := [name for name in HEADER if name not in columns]:
        raise PlanError(
            f"{path} is no table of answers: it has no column {', '.join(missing)}. Expected "
            f"{', '.join(HEADER)} in the first line"
        )
    sheets, problems = [], []
    for number, line in enumerate(lines, 2):
        row = dict(zip(columns, line, strict=False))
        if any(row.values()):
            try:
                sheets.append(sheet(row))
            except PlanError as problem:
                problems.append(f"{path}, line {number}: {problem}.")
    return sheets, problems


def sheet(row: dict[str, str]) -> Sheet:
    """Return one line of the table; PlanError if it says something else."""
    number, when = row.get("lesson", ""), row.get("when", "").lower()
    if number not in map(str, range(len(lessons.names()))):
        raise PlanError(f"there are lessons 0 to {len(lessons.names()) - 1}, not {number!r}")
    if when not in TIMES:
        raise PlanError(f'expected "before" or "after", not {when!r}')
    answers = row.get("1", "").lower(), row.get("2", "").lower()
    if odd := [answer for answer in answers if answer not in ("", "?", *LETTERS)]:
        raise PlanError(f"expected a, b, c, d, ? or nothing as an answer, not {odd[0]!r}")
    return Sheet(row.get("who", "").lower(), int(number), TIMES[when], answers)


def changes(sheets: list[Sheet]) -> list[Change]:
    """Return, for each goal that was asked about, how the answers changed.

    If somebody is in the table twice, the last line counts. "?" counts as wrong; an empty field
    doesn't count.
    """
    latest = {(s.who or i, s.lesson, s.when): s for i, s in enumerate(sheets)}
    found = []
    for lesson in sorted({s.lesson for s in sheets}):
        for place in range(2):
            right: dict[str, dict] = collections.defaultdict(dict)
            for when in ("before", "after"):
                key = questions(lesson, when)[place]["right"]
                for (who, number, time), one in latest.items():
                    if (number, time) == (lesson, when) and one.answers[place]:
                        right[when][who] = one.answers[place] == key
            before, after = right["before"], right["after"]
            both = before.keys() & after.keys()
            found.append(
                Change(
                    lesson,
                    questions(lesson, "before")[place]["goal"],
                    *(len(before), sum(before.values())),
                    *(len(after), sum(after.values())),
                    len(both),
                    sum(after[w] and not before[w] for w in both),
                    sum(before[w] and not after[w] for w in both),
                )
            )
    return found


# ------------------------------------------------------------------------------ what is printed


def as_html(number: int, question: dict, solved: bool) -> str:
    """Return a question, with boxes to tick or, in the key, with the right answer and why."""
    grids = "".join(
        f"<table><caption>{html.escape(grid['title'])}</caption>"
        + "".join(f"<tr>{''.join(f'<td>{n}</td>' for n in row)}</tr>" for row in grid["rows"])
        + "</table>"
        for grid in question.get("grids", [])
    )
    choices = [*zip(LETTERS, question["choices"], strict=True), ("?", "I don't know yet")]
    rows = "".join(
        f"<li{' class=right' if solved and letter == question['right'] else ''}>"
        f"{'' if solved else '☐ '}{letter}) {html.escape(text)}</li>"
        for letter, text in choices
        if not (solved and letter == "?")
    )
    why = f"<p><b>{question['right']}.</b> {html.escape(question['why'])}</p>" if solved else ""
    return (
        f"<section><h3>{number}. {html.escape(question['text'])}</h3>"
        f"{f'<div>{grids}</div>' if grids else ''}"
        f"<ul>{rows}</ul>{why}</section>"
    )


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem }}
h3 {{ font-weight: normal; font-size: 1.05rem }} ul {{ list-style: none; padding-left: 1rem }}
li {{ margin: 0.3rem 0 }} .right {{ font-weight: bold }}
section > div {{ display: flex; flex-wrap: wrap; gap: 2rem; padding-left: 1rem }}
table {{ border-collapse: collapse }} caption {{ text-align: left }}
td {{ border: 1px solid; width: 2.8rem; height: 2rem; text-align: center }}
article {{ border-top: 3px solid; margin-top: 2rem }}
@media print {{ article {{ border: 0; margin: 0; break-before: page }} header {{ display: none }}
  section {{ break-inside: avoid }} }}
</style></head>
<body><main><header><h1>{title}</h1><p>{intro}</p></header>
{body}
</main></body></html>
"""
WORD = (
    "<p>Your word: ______________________ Not your name: a word that only you know, the same "
    "before and after. This isn't a test, and nobody is graded. Don't guess: tick <b>?</b>.</p>"
)


def page(solved: bool) -> str:
    """Return all sheets, one page per lesson and time, or the key to them."""
    parts = []
    for number, lesson in enumerate(lessons.names()):
        title = html.escape(re.sub(r"[*`]", "", lessons.title(lesson)))
        for when in ("before", "after"):
            asked = enumerate(questions(number, when), 1)
            body = "".join(as_html(place, question, solved) for place, question in asked)
            word = "" if solved else WORD
            parts.append(f"<article><h2>{when.title()}: {title}</h2>{word}{body}</article>")
    title = "Key to the questions" if solved else "Questions before and after each lesson"
    intro = (
        "For the instructor. Talk about the answers after the second sheet, not after the first."
        if solved
        else "Print the page of a lesson for everybody, on one sheet of paper per time."
    )
    return PAGE.format(title=title, intro=intro, body="\n".join(parts))


def write(folder: Path = lessons.BUILT / "questions") -> None:
    """Write the sheets, the key, and an empty table for the answers, which is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, solved in (("sheets.html", False), ("key.html", True)):
        (folder / name).write_text(page(solved), encoding="utf-8", newline="\n")
        print(folder / name)
    table = folder / "answers.csv"
    if not table.exists():
        table.write_text(",".join(HEADER) + "\n", encoding="utf-8", newline="\n")
    print(f"{table}: type the letters in here, a line per sheet, such as: otter,1,before,c,?")
