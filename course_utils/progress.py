"""Which exercises are done: kept in one small file, shown as a table.

Each verdict that says something new becomes a line in the file. Lines are only ever added, so two
notebooks may write at once. If the file is damaged, or a line is cut off, every other line still
counts. A lesson never stops because of this file: whatever is in its place, nothing here raises.

A line says which exercise, the verdict, the time, and which mistake the check found, in the
course's words: {"exercise": "1.2", "verdict": "tried", "time": "...", "mistake": "..."}. Nothing
in it is personal: no name, no code, no values. The file stays on this computer unless somebody
hands it in, for the class report in workshop/.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import functools
import html
import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

NAME = "saliency-course-progress.jsonl"
VARIABLE = "SALIENCY_COURSE_PROGRESS"
MOST_BYTES = 10_000_000
"""Bytes to read at most; a student who makes three mistakes in every exercise fills 30,000."""
CATALOGUE = Path(__file__).with_name("checks") / "exercises.json"
RIGHT, TRIED, OPEN = "right", "tried", "open"
MARKS = {RIGHT: "[x]", TRIED: "[~]", OPEN: "[ ]"}  # characters that every console can print
SIGNS = {RIGHT: "✓", TRIED: "…", OPEN: "○"}
WORDS = {RIGHT: "right", TRIED: "tried, not right yet", OPEN: "open"}


def progress_file() -> Path | None:
    """Return where progress is kept: in the home folder, where a new copy of the course finds it.

    In Colab, whose machines are thrown away, it's Google Drive if that's mounted. The environment
    variable SALIENCY_COURSE_PROGRESS names another file. If it's empty, or there's no home
    folder, nothing is kept.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    drive = Path(os.sep, "content", "drive", "MyDrive")
    try:
        if "google.colab" in sys.modules and drive.is_dir():
            return drive / NAME
        return Path.home() / NAME
    except (OSError, RuntimeError):
        return None


def record(exercise: str, right: bool, mistake: str = "") -> None:
    """Note that a check accepted ("1.2", True) or rejected an answer. Once right stays right.

    The mistake is the check's sentence about it, without anything of the student's: their code,
    values and names. Each is noted once. If that can't be kept, say so once.
    """
    path = progress_file()
    if path is None:
        return
    before = [entry for entry in entries(path)[0] if entry["exercise"] == exercise]
    if any(e["verdict"] == RIGHT or (not right and e["mistake"] == mistake) for e in before):
        return
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    line = {"exercise": exercise, "verdict": RIGHT if right else TRIED, "time": now}
    if mistake:
        line["mistake"] = mistake
    try:
        _check_is_file(path)
        with path.open("a+b") as file:  # one write at the end of the file, whoever else writes
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            cut = file.read(1) not in (b"", b"\n")  # the last line was cut off
            file.write(b"\n" * cut + json.dumps(line).encode() + b"\n")
    except (OSError, ValueError) as error:
        _say_once(f"(Your progress is not kept, but the lesson goes on: {error})")


@functools.cache
def _say_once(text: str) -> None:
    print(text)


def _check_is_file(path: Path) -> None:
    """Raise OSError if something else is in the file's place, such as a folder."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe, say, would wait forever
            raise OSError(f"{path} is not an ordinary file: rename or delete it")


def _lines(path: Path | None) -> tuple[list[bytes], str]:
    """Return the file's lines ([] without a file), and what went wrong, or ""."""
    try:
        if path is None:
            return [], ""
        _check_is_file(path)
        with path.open("rb") as file:
            return file.read(MOST_BYTES).splitlines(), ""
    except FileNotFoundError:
        return [], ""
    except (OSError, ValueError) as error:
        return [], str(error)


def entries(path: Path | None = None) -> tuple[list[dict[str, str]], int]:
    """Return the file's lines, and how many couldn't be read.

    Each line is {"exercise": "1.2", "verdict": "right" or "tried", "mistake": a sentence or ""}.
    A missing or unreadable file counts as empty.
    """
    found, damaged = [], 0
    for line in filter(bytes.strip, _lines(path or progress_file())[0]):
        try:
            entry = json.loads(line.decode())
            exercise, verdict = entry["exercise"], entry["verdict"]
            mistake = entry.get("mistake", "")  # versions before the class report don't note it
            if not (isinstance(exercise, str) and isinstance(mistake, str)):
                raise ValueError
            if verdict not in (RIGHT, TRIED):
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError):  # such as 100,000 brackets
            damaged += 1
            continue
        found.append({"exercise": exercise, "verdict": verdict, "mistake": mistake})
    return found, damaged


def read(path: Path | None = None) -> tuple[dict[str, str], int]:
    """Return {exercise: "right" or "tried"}, and how many lines couldn't be read.

    A missing or unreadable file counts as empty.
    """
    found, (lines, damaged) = {}, entries(path)
    for entry in lines:
        if found.get(entry["exercise"]) != RIGHT:
            found[entry["exercise"]] = entry["verdict"]
    return found, damaged


def lessons() -> list[dict[str, Any]]:
    """Return the course's lessons: titles, notebooks, exercises, and what's done."""
    found, _ = read()
    course = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    for lesson in course:
        for exercise in lesson["exercises"]:
            exercise["state"] = found.get(exercise["id"], OPEN)
    return course


def next_exercise(course: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the lesson and the exercise to go on with: the first that isn't right."""
    for lesson in course:
        for exercise in lesson["exercises"]:
            if exercise["state"] != RIGHT:
                return lesson, exercise
    return None


def _sentences(course: list[dict[str, Any]]) -> list[str]:
    """Return sentences on how far you are, where to go on, and where that is kept."""
    states = [exercise["state"] for lesson in course for exercise in lesson["exercises"]]
    said = [f"{states.count(RIGHT)} of {len(states)} exercises are right."]
    following = next_exercise(course)
    if following is None:
        said.append("The course is done.")
    else:
        lesson, exercise = following
        said.append(
            f"Go on with exercise {exercise['id']}, {exercise['title']} ({exercise['minutes']} "
            f"minutes), in notebooks/{lesson['notebook']}."
        )
    if problem := _lines(progress_file())[1]:
        said.append(f"What you did before can't be read: {problem}.")
    if damaged := read()[1]:
        said.append(
            f"{damaged} damaged line{'s' if damaged > 1 else ''} of the file could not be read; "
            "run the checks again whose exercises are missing here."
        )
    return said


def as_text(course: list[dict[str, Any]]) -> str:
    """Return the table as plain text: a line per lesson, a mark per exercise."""
    lines, width = [], max(len(lesson["title"]) for lesson in course)
    for lesson in course:
        right = sum(exercise["state"] == RIGHT for exercise in lesson["exercises"])
        marks = "  ".join(f"{MARKS[e['state']]} {e['id']}" for e in lesson["exercises"])
        count = f"{right} of {len(lesson['exercises'])}"
        lines.append(f"{lesson['number']}  {lesson['title']:<{width}}  {count:>6}   {marks}")
    legend = "   ".join(f"{MARKS[state]} {WORDS[state]}" for state in MARKS)
    return "\n".join([*lines, "", legend, *_sentences(course)])


def as_html(course: list[dict[str, Any]]) -> str:
    """Return the table as HTML: a row per lesson, a sign per exercise, and what the signs mean."""
    rows = []
    for lesson in course:
        right = sum(exercise["state"] == RIGHT for exercise in lesson["exercises"])
        signs = "&ensp; ".join(
            f'<span title="{html.escape(e["title"])}: {WORDS[e["state"]]}">'
            f"{SIGNS[e['state']]}&nbsp;{e['id']}</span>"
            for e in lesson["exercises"]
        )
        title = html.escape(f"{lesson['number']}. {lesson['title']}")
        share = f"{right} of {len(lesson['exercises'])}"
        rows.append(
            f'<tr><th scope="row" style="text-align: left">{title}</th>'
            f'<td>{share}</td><td style="text-align: left">{signs}</td></tr>'
        )
    said = html.escape(" ".join(_sentences(course)))
    legend = ", ".join(f"{SIGNS[state]} {WORDS[state]}" for state in SIGNS)
    return (
        f"<p>{said}</p><table><thead><tr><th>Lesson</th><th>Right</th><th>Exercises</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table><p>{legend}.</p>"
    )


def show_progress() -> None:
    """Show in a notebook which exercises are right, and where to go on."""
    from IPython.display import display

    course = lessons()
    display({"text/html": as_html(course), "text/plain": as_text(course)}, raw=True)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>My progress: saliency maps</title>
<style>
body {{ font: 1rem/1.5 sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }} th, td {{ padding: 0.4rem 0.8rem; vertical-align: top }}
tr {{ border-top: 1px solid #777 }}
</style></head>
<body><h1>My progress</h1>{table}</body></html>
"""


def main(arguments: list[str] | None = None) -> int:
    """`python -m course_utils progress`: print the table and, if you like, write it as a page."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils progress",
        description="Show which exercises are right, and where to go on.",
    )
    parser.add_argument("--page", type=Path, metavar="FILE.html", help="write it as a web page too")
    options = parser.parse_args(arguments)
    if options.page and options.page.suffix.lower() not in (".html", ".htm"):
        parser.error(f"--page {options.page}: expected the name of a file ending in .html.")
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path may have letters that the console lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    course, file = lessons(), progress_file()
    print(as_text(course))
    print(
        f"Kept in: {file or f'nothing is kept ({VARIABLE} is empty, or there is no home folder)'}"
    )
    problem = _lines(file)[1]
    if options.page:
        try:
            options.page.write_text(PAGE.format(table=as_html(course)), encoding="utf-8")
            print(f"Written: {options.page}")
        except (OSError, ValueError) as error:
            problem = str(error)
    if problem:
        print(f"Problem: {problem}", file=sys.stderr)
    return int(bool(problem))
