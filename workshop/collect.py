"""Collect what students handed in, and make of it what nbgrader can grade.

    python start.py workshop collect FOLDER
    python start.py workshop collect FILE.zip

Students hand in copied cells, renamed files, the ordinary notebook in place of the release, or
yesterday's version as well. So nbgrader never sees their files. Each answer is taken out of
whatever they sent and put into a fresh copy of the release, which has the course's own cells in the
course's own order. The originals stay in `handed_in/`, and what was repaired is said.
"""

from __future__ import annotations

import ast
import base64
import builtins
import json
import os
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import nbformat

from tools import answers
from workshop import exports, grading, lessons
from workshop.cell_names import bound, statements, used
from workshop.exports import HandedIn, Owner
from workshop.lessons import Exercise, PlanError, exercises

CARDS = (".png", ".jpg", ".jpeg", ".webp", ".html", ".htm")
OF_THE_COURSE = re.compile(r"(^|/)(docs|data|site|benchmarks|course_utils|workshop|tests)/")
MOST_LINES = 3  # about files that are no lessons, for each student
COPY = re.compile(r"\((\d+)\)|[-_ ](\d+)(?=\.\w+$)")  # "03_grad_cam (1).ipynb", Canvas' "-1.ipynb"
NOTEBOOK = re.compile(r"(\.(ipynb|json|txt))+$", re.IGNORECASE)  # browsers add ".txt"
TIMED = re.compile(r"\A%%(time|capture)\b.*\n")  # hides from Python what's below
PICTURE = re.compile(
    r"""[rR]?(["'])([^"'\n]+\.(?:png|jpe?g|webp|bmp|gif|tiff?))\1""", re.IGNORECASE
)


class Unreadable(Exception):
    """Why a file isn't a notebook, in a sentence for whoever asks for another one."""


@dataclass
class Sent:
    """A notebook that a student sent, reduced to its cells."""

    file: str
    when: float
    notebook: nbformat.NotebookNode
    repaired: list[str] = field(default_factory=list)


@dataclass
class Answer:
    """A student's answer to an exercise: its cells' code, and what to say about it."""

    code: list[str]
    file: str
    notes: list[str] = field(default_factory=list)
    refused: str = ""  # why it earns nothing


@dataclass
class Submission:
    """What one student handed in for one lesson."""

    student: str
    name: str
    lesson: str
    files: list[str] = field(default_factory=list)
    when: float = 0
    late: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    look: list[str] = field(default_factory=list)


# ------------------------------------------------------------------------------------- one notebook


def read(data: bytes, repaired: list[str]) -> nbformat.NotebookNode:
    """Return a file's cells as a notebook: their kinds and sources, and the outputs with figures.

    Raises:
        Unreadable: it isn't a notebook, or only a part of one.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, said = "utf-16", "its letters were UTF-16"
    elif data.startswith(b"\xef\xbb\xbf"):
        encoding, said = "utf-8-sig", "it began with a byte-order mark"
    else:
        encoding, said = "utf-8", ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, said = data.decode("cp1252", errors="replace"), "its letters weren't UTF-8"
    start = text.lstrip()[:200].lower()
    if not start:
        raise Unreadable("it's empty: ask for it again")
    if data.startswith(b"PK\x03\x04"):
        raise Unreadable("it's an archive with another name: unpack it, and collect again")
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise Unreadable("it's a web page, not a notebook: ask for the .ipynb file")
    if not start.startswith("{"):
        raise Unreadable("it isn't a notebook: ask for the .ipynb file")
    try:
        found = json.loads(text)
    except RecursionError:
        raise Unreadable("it can't be read as a notebook: ask for it again") from None
    except ValueError as error:
        cut = text.rstrip()[-1:] != "}"
        why = "it breaks off, as if an upload had stopped" if cut else f"it's damaged ({error})"
        raise Unreadable(f"{why}: ask for it again") from None
    sheets = found.get("worksheets") or [found]  # nbformat 3 had sheets, and `input`
    try:
        raw = [cell for sheet in sheets for cell in sheet["cells"]]
        cells = [simple(cell) for cell in raw]
    except (KeyError, TypeError, AttributeError):
        raise Unreadable(
            "it has no cells, so it isn't a notebook: ask for the .ipynb file"
        ) from None
    if said:
        repaired.append(said)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.author = author(raw)
    return notebook


def simple(cell: dict) -> nbformat.NotebookNode:
    """Return a new cell with only what's needed of a cell, whatever else an editor stored."""
    source = cell.get("source", cell.get("input")) or ""
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    source = source.encode("utf-8", "replace").decode()  # half an emoji can't be written
    source = TIMED.sub("", re.sub("\r\n?", "\n", source))
    if cell.get("cell_type") != "code":
        return nbformat.v4.new_markdown_cell(source)
    new = nbformat.v4.new_code_cell(source)
    pages = [(out.get("data") or {}).get("text/html") for out in cell.get("outputs") or []]
    new.metadata.pages = ["".join(page or "") for page in pages]  # a list of lines, or a text
    return new


def author(cells: list[dict]) -> str:
    """Return the name of whoever ran the cells in Colab, which it writes into each."""
    for cell in cells:
        try:
            return str(cell["metadata"]["executionInfo"]["user"]["displayName"])
        except (KeyError, TypeError):
            continue
    return ""


def lesson_of(notebook: nbformat.NotebookNode, file: str) -> str | None:
    """Return which lesson a notebook is: the one with most of its exercises, or of its name."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    counts = dict.fromkeys(lessons.names(), 0)
    for task in exercises().values():
        pattern = rf"^def {task.name}\(|\bchecks\.{task.check}\("
        counts[task.lesson] += any(re.search(pattern, text, re.MULTILINE) for text in code)
    best = max(counts, key=lambda lesson: counts[lesson])
    if counts[best]:
        return best
    titles = "\n".join(cell.source for cell in notebook.cells[:3])
    if match := re.search(r"^# Lesson (\d)\.", titles, re.MULTILINE):
        return lessons.name_of(int(match[1]))
    return next((lesson for lesson in lessons.names() if lesson in file and len(code) > 5), None)


# --------------------------------------------------------------------------------------- one answer


def without_checks(code: str) -> str:
    """Return an answer without its own calls of the checks, or its own `checks`.

    Joining the cells of an answer and its check is a slip. Defining `checks` isn't one, and earns
    nothing either.
    """
    parts = statements(code)
    if parts is None:  # the call may be right, and the answer above it wrong
        return re.sub(r"^[^#\s].*\bchecks\.\w+\(.*\n?", "", code, flags=re.MULTILINE).rstrip()
    kept = [
        part
        for part in parts
        if "checks" not in bound(part)
        and not ("checks" in used(part) and not part.startswith(("def ", "@", "async ", "class ")))
    ]
    return code if len(kept) == len(parts) else "\n".join(kept)


def asks_the_checks(code: str) -> bool:
    """Return whether an answer gets its result from the course's checks."""
    if re.search(r"from_the_course|\bcourse_utils\s*\.\s*checks\b|_judge\b", code):
        return True
    parts = statements(code)
    return parts is not None and "checks" in used("\n".join(parts))


def defines(code: str, name: str) -> bool:
    """Return whether a cell gives this name a value that isn't the stub."""
    parts = statements(code)
    if parts is None:
        return re.search(rf"^(def {name}\(|{name} *=[^=])", code, re.MULTILINE) is not None
    return any(name in bound(part) and not is_stub(part) for part in parts)


def is_stub(part: str) -> bool:
    """Return whether a statement is a function that only returns `...`."""
    return re.search(r"^def [^\n]+:\n\s+return \.\.\.$", part) is not None


def answer_in(sent: Sent, task: Exercise) -> Answer | None:
    """Return an answer, from its place or else from wherever the notebook has it; or None.

    The function identifies an exercise: in another version of the course, its number was another.
    """
    notebook, notes = sent.notebook, []
    numbers = {name: id for id, name in answers.names(notebook).items()}
    code = answers.answer(notebook, numbers[task.name]) if task.name in numbers else []
    everywhere = [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]
    bare = [without_checks(text) for text in everywhere]
    elsewhere = [text for text in bare if defines(text, task.name)]
    if any(defines(text, task.name) for text in code):
        last = [text for text in elsewhere if statements(text)][-1:]
        if not set(last) & set(map(without_checks, code)):
            code += last  # tried again in new cells, perhaps below the check
    else:
        call = rf"^[^#\n]*\bchecks\.{task.check}\((?!{task.name}\))(\w+)\)"
        renamed = re.findall(call, "\n".join(everywhere), re.MULTILINE)
        others = [text for name in renamed[-1:] for text in bare if defines(text, name)]
        texts = [c.source for c in notebook.cells if c.cell_type != "code" and statements(c.source)]
        texts = [text for text in texts if defines(text, task.name)]
        if elsewhere:
            code = [*code, elsewhere[-1]]
            notes.append("was found outside its place, between the task and the check")
        elif others:
            code = [*code, others[-1], f"{task.name} = {renamed[-1]}"]
            notes.append(f"was called {renamed[-1]}")
        elif texts:
            code = [*code, texts[-1]]
            notes.append("was in a text cell")
        elif code:
            notes.append(f"has code, and nothing called {task.name} in it")
    parts = [text for text in map(without_checks, code) if text]
    if parts != code:
        notes.append("calls of the checks in it were taken out")
    if not parts:
        return None
    found = Answer(parts, sent.file, notes)
    if len([text for text in parts if defines(text, task.name)]) > 1:
        notes.append(f"defines {task.name} more than once; the last one counts")
    if asks_the_checks("\n".join(parts)) or any(map(asks_the_checks, parts)):
        found.refused = "it takes its result from the course's own checks"
    return found


def helpers(sent: Sent, found: Answer, known: set[str]) -> list[str]:
    """Return the student's own statements from other cells that an answer needs, in order."""
    pool = [
        part
        for cell in sent.notebook.cells
        if cell.cell_type == "code" and cell.source.strip() not in found.code
        for part in statements(cell.source) or []
        if "checks" not in used(part) | bound(part) and not asks_the_checks(part)
    ]
    own = [part for code in found.code for part in statements(code) or []]
    have = set().union(known, vars(builtins), *map(bound, own))
    needed = set().union(*map(used, own)) - have
    chosen: set[int] = set()
    while needed:
        more = {i for i, part in enumerate(pool) if bound(part) & needed} - chosen
        have |= needed
        chosen |= more
        needed = set().union(*(used(pool[i]) for i in more)) - have
    return [pool[i] for i in sorted(chosen)]


# --------------------------------------------------------------------------------- one submission


def is_own(cell: nbformat.NotebookNode) -> bool:
    """Return whether a cell of the release is the student's: a prediction, or their brief."""
    return cell.cell_type == "code" and not cell.metadata.get("nbgrader")


def rebuilt(
    submission: Submission, sent: list[Sent], release: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return the release with a student's answers in it. sent: their notebooks, newest first."""
    given = [c.source for c in release.cells if c.cell_type == "code" and not is_solution(c)]
    known = set().union(*(bound(part) for code in given for part in statements(code) or []))
    tasks = {grading.named("exercise", t): t for t in exercises().values()}
    cells = []
    for cell in release.cells:
        task = tasks.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if task:
            cells += answered(submission, sent, task, cell, known)
            continue
        if is_own(cell):
            keep_own(sent, release, cell)
        cells.append(cell)
    release.cells = cells
    return release


def is_solution(cell: nbformat.NotebookNode) -> bool:
    """Return whether the student answers in this cell of the release."""
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def answered(
    submission: Submission,
    sent: list[Sent],
    task: Exercise,
    cell: nbformat.NotebookNode,
    known: set[str],
) -> list[nbformat.NotebookNode]:
    """Return an exercise's cells: the newest answer, and what it needs from elsewhere."""
    for book in sent:
        if found := answer_in(book, task):
            break
    else:
        return [cell]
    submission.answers[task.id] = found
    if book is not sent[0]:
        found.notes.append(f"is from the older {book.file}; the newest has no answer")
    carried = helpers(book, found, known)
    if carried:
        names = ", ".join(sorted(set().union(*map(bound, carried))))
        found.notes.append(f"needs {names} from another cell, which was taken along")
    if found.refused:
        fence = "`" * max([3, *(len(t) + 1 for t in re.findall("`+", "\n".join(found.code)))])
        shown = f"{fence}python\n" + "\n\n".join(found.code) + f"\n{fence}"
        return [cell, nbformat.v4.new_markdown_cell(shown, id=f"{cell.id}-refused")]
    main = max(i for i, text in enumerate(found.code) if i == 0 or defines(text, task.name))
    cells = []
    texts: list[str] = [*(["\n".join(carried)] if carried else []), *found.code]
    for place, text in enumerate(texts):
        if place == main + bool(carried):
            cell.source = text
            cells.append(cell)
        else:
            cells.append(nbformat.v4.new_code_cell(text, id=f"{cell.id}-{place}"))
    return cells


def keep_own(sent: list[Sent], release: nbformat.NotebookNode, cell: nbformat.NotebookNode) -> None:
    """Put a student's prediction, or their part of the brief, into a cell of the release."""
    others = [c.source for c in release.cells if c.cell_type == "code" and c is not cell]
    taken = set().union(*(bound(part) for code in others for part in statements(code) or []))
    names = bound(cell.source) - taken
    for book in sent:
        code = [c.source for c in book.notebook.cells if c.cell_type == "code"]
        if grading.GUESS.match(cell.source):
            values = [p for text in code for p in statements(text) or [] if bound(p) & names]
            if any(map(is_value, values)):
                cell.source = [part for part in values if is_value(part)][-1]
                return
        elif theirs := [text for text in code if any(defines(text, name) for name in names)]:
            cell.source = "\n\n".join(dict.fromkeys(theirs))
            return


def is_value(part: str) -> bool:
    """Return whether a statement sets a variable to a value, and can't run any other code."""
    try:
        statement = ast.parse(part).body[0]
        return isinstance(statement, ast.Assign) and ast.literal_eval(statement.value) is not ...
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def add_card(
    submission: Submission, sent: list[Sent], release: nbformat.NotebookNode, files: list[Path]
) -> None:
    """Show the card of lesson 7 where a person grades it; say so if there's none."""
    cell = next(c for c in release.cells if c.get("id") == grading.CARD)
    pages = [path.name for path in files if path.suffix.lower() in (".html", ".htm")]
    pictures = [path for path in files if path.suffix.lower() in CARDS and path.name not in pages]
    named = [path for path in pictures if "card" in path.name.lower()]
    links = ", ".join(f"[{name}](<{name}>)" for name in pages)
    if named or (pictures and pages):
        picture = (named or pictures)[-1]
        data = base64.b64encode(picture.read_bytes()).decode("ascii")
        kind = "image/png" if picture.suffix.lower() == ".png" else "image/jpeg"
        cell.attachments = {"card": {kind: data}}
        cell.source = (
            f"![The card, {picture.name}](attachment:card)\n\nHanded in as a page: {links}"
        )
        if not pages:
            cell.source = cell.source.replace("Handed in as a page: ", "No page was handed in.")
            submission.look.append("the card was handed in as a picture, not as a page (HTML)")
        return
    for book in sent:
        for own in reversed(book.notebook.cells):
            if "card_figure(" in own.source and own.cell_type == "code":
                shown = lessons.notebooks.FIGURE.findall("".join(own.metadata.pages))
                if shown:
                    cell.attachments = {"card": {"image/png": shown[-1][0]}}
                    cell.source = f"![The card, from the notebook](attachment:card)\n\n{links}"
                    submission.look.append(
                        "no card.png was handed in: the card is the one in the notebook's outputs"
                    )
                    return
    if pages:
        cell.source = f"Handed in as a page: {links}"
        submission.look.append("the card was handed in as a page, not as a picture (PNG)")
    else:
        submission.look.append("no card was handed in")


# -------------------------------------------------------------------------------------- one student


@dataclass
class Pile:
    """What one student handed in now, by lesson, and what can't be used."""

    books: dict[str, list[tuple[HandedIn, bytes]]] = field(default_factory=dict)
    blank: dict[str, list[tuple[HandedIn, bytes]]] = field(default_factory=dict)
    cards: list[HandedIn] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)  # path, and what it is


def sorted_out(files: list[HandedIn]) -> Pile:
    """Read one student's files, and say of each that isn't a lesson what it is."""
    pile = Pile()
    for file in files:
        suffix = Path(file.name).suffix.lower()
        if suffix in CARDS and file.size <= exports.LARGEST:
            if not OF_THE_COURSE.search(file.path):
                pile.cards.append(file)
        elif ".ipynb" not in file.name.lower() and suffix not in ("", ".json"):
            pile.unread.append((file.path, f"{file.path}: not a notebook"))
        elif file.size > exports.LARGEST:
            pile.unread.append(
                (file.path, f"{file.path}: {file.size / 2**20:.0f} MB, too large for a notebook")
            )
        else:
            try:
                data = file.read()
                sent = Sent(file.name, file.when, read(data, []))
            except Unreadable as why:
                pile.unread.append((file.path, f"{file.path}: {why}"))
                continue
            except Exception as error:  # in a damaged or locked archive: each kind raises its own
                pile.unread.append(
                    (file.path, f"{file.path}: can't be read ({exports.said(error)})")
                )
                continue
            lesson = lesson_of(sent.notebook, file.name)
            if lesson is None:
                pile.unread.append(
                    (file.path, f"{file.path}: a notebook, but no lesson of this course")
                )
            else:
                kind = pile.books if has_answers(sent, lesson) else pile.blank
                kind.setdefault(lesson, []).append((file, data))
    return pile


def has_answers(sent: Sent, lesson: str) -> bool:
    """Return whether a notebook holds anything of the student's own: an answer or a prediction."""
    if any(answer_in(sent, task) for task in tasks_of(lesson)):
        return True
    guesses = {
        name for c in lessons.source(lesson).cells for name in grading.GUESS.findall(c.source)
    }
    cells = [c.source for c in sent.notebook.cells if c.cell_type == "code"]
    return any(bound(p) & guesses and is_value(p) for c in cells for p in statements(c) or ())


def tasks_of(lesson: str) -> list[Exercise]:
    """Return a lesson's exercises, in order."""
    return [task for task in exercises().values() if task.lesson == lesson]


def student(
    owner: Owner, files: list[HandedIn], owners: Iterable[Owner], folder: Path, problems: list[str]
) -> list[Submission]:
    """Keep one student's files in `handed_in/`, and rebuild the lessons that they belong to."""
    pile = sorted_out(files)
    chosen = pile.books or pile.blank  # in a copy of the whole course, most lessons are untouched
    for lesson, books in chosen.items():  # a copy of the course also holds its solved notebooks
        own = [each for each in books if "solutions/" not in each[0].path]
        if not own:
            problems.append(
                f"{owner.name}: {books[0][0].path} is in the course's folder of solutions"
            )
        chosen[lesson] = own or books
    brief = lessons.names()[-1]
    if pile.cards and any("card" in file.name.lower() for file in pile.cards):
        chosen.setdefault(brief, [])
    # Beside a lesson, only another notebook is worth a look; a copy of the course has many files.
    unread = [said for path, said in pile.unread if not chosen or ".ipynb" in path.lower()]
    problems += [f"{owner.name}: {said}" for said in unread[:MOST_LINES]]
    if len(unread) > MOST_LINES:
        problems.append(f"{owner.name}: {len(unread) - MOST_LINES} more files that are no lessons")
    if not chosen:
        if not unread:
            problems.append(f"{owner.name}: {files[0].path}: not a notebook")
        return []
    place = place_of(owner, chosen, owners, folder, problems)
    found = []
    for lesson, books in chosen.items():
        store = folder / "handed_in" / place / grading.assignment(lesson)
        for file, data in books:
            keep(store, replace(file, name=f"{NOTEBOOK.sub('', file.name)}.ipynb"), data)
        for file in pile.cards if lesson == brief else ():
            keep(store, file, file.read())
        submission = Submission(place, owner.name, lesson)
        submission.late = any(file.late for file in files)
        rebuild(submission, store, folder)
        found.append(submission)
    return found


def keep(store: Path, file: HandedIn, data: bytes) -> None:
    """Keep a file as it was handed in, under its own name, and once."""
    store.mkdir(parents=True, exist_ok=True)
    name = safe(Path(file.name).stem) + safe(Path(file.name).suffix, dots=True)
    # Files of the same time: a higher version, or a browser's "(2)", came later.
    number = max((int(a or b) for a, b in COPY.findall(file.name)), default=0)
    when = file.when + min(file.version * 0.1 + number * 0.001, 1)
    same = [path for path in kept(store) if path.read_bytes() == data]
    path, n = same[0] if same else store / name, 2
    while not same and path.exists():
        path, n = store / f"{Path(name).stem} [{n}]{Path(name).suffix}", n + 1
    if same:  # somebody may go back to an earlier version
        when = max(when, path.stat().st_mtime)
    else:
        path.write_bytes(data)
    os.utime(path, (when, when))


def kept(store: Path) -> list[Path]:
    """Return what was kept in a folder, which somebody may have opened with an editor since."""
    suffixes = (".ipynb", *CARDS)
    return [p for p in store.iterdir() if p.is_file() and p.suffix.lower() in suffixes]


def place_of(
    owner: Owner,
    chosen: Iterable[str],
    owners: Iterable[Owner],
    folder: Path,
    problems: list[str],
) -> str:
    """Return a student's folder, which is their name; two of the same name are kept apart."""
    base = safe(owner.name.replace(" ", "_"))
    numbered = f"{base}_{owner.number or format(zlib.crc32(owner.name.encode()), 'x')}"
    like = [o for o in owners if safe(o.name.replace(" ", "_")).casefold() == base.casefold()]
    known = about(folder / "handed_in" / base)
    same = known.get("name", owner.name) == owner.name
    if same and owner.number:  # a name without a number is what a person wrote
        same = all(known.get(lesson) in (None, "", owner.number) for lesson in chosen)
    if len(like) > 1:
        same = same and owner.number in known.values() if owner.number else bool(known) and same
    twice = not same or (folder / "handed_in" / numbered).is_dir()
    place = numbered if twice else base
    if twice:
        problems.append(
            f"{owner.name}: somebody else has this name, so a number tells them apart. If they're "
            "one, put their files into one folder, and collect that"
        )
    home = folder / "handed_in" / place
    home.mkdir(parents=True, exist_ok=True)
    facts = (
        about(home) | {"name": owner.name} | {each: owner.number for each in chosen if owner.number}
    )
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (home / "student.json").write_text(text, encoding="utf-8")
    return place


def about(home: Path) -> dict[str, str]:
    """Return a student's name, and their number by lesson: Moodle has one per assignment."""
    try:
        return json.loads((home / "student.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def safe(name: str, dots: bool = False) -> str:
    """Return a name that can be a folder's on any system, with its umlauts."""
    kept = re.sub(r"[^\w.() -]", "_", name)[:60]
    kept = kept if dots else kept.strip("._- ") or f"student-{zlib.crc32(name.encode()):x}"
    return f"{kept}_" if re.fullmatch(r"con|prn|aux|nul|(com|lpt)\d", kept, re.I) else kept


def rebuild(submission: Submission, store: Path, folder: Path) -> None:
    """Write a student's submission anew from everything they have handed in for this lesson."""
    sent, others = [], []
    for path in sorted(kept(store), key=lambda path: (-path.stat().st_mtime, path.name)):
        if path.suffix.lower() in CARDS:
            others.append(path)
            continue
        repaired: list[str] = []
        book = Sent(path.name, path.stat().st_mtime, read(path.read_bytes(), repaired))
        submission.repaired += [f"{path.name}: {said}" for said in repaired]
        sent.append(book)
    name = grading.assignment(submission.lesson)
    release = grading.released(submission.lesson, folder)
    notebook = rebuilt(submission, sent, release)
    if submission.lesson == lessons.names()[-1]:
        add_card(submission, sent, notebook, others)
        find_pictures(notebook, others)
    submission.files = [book.file for book in sent]
    submission.when = max([book.when for book in sent] + [p.stat().st_mtime for p in others])
    write(submission, notebook, others, folder / "submitted" / submission.student / name)


def find_pictures(notebook: nbformat.NotebookNode, files: list[Path]) -> None:
    """Let a brief find the picture that was handed in with it, wherever it was at home."""
    names = {path.name.casefold(): path.name for path in files}

    def replaced(match: re.Match) -> str:
        name = names.get(re.split(r"[/\\]", match[2])[-1].casefold())
        return repr(name) if name else match[0]

    for cell in filter(is_own, notebook.cells):
        cell.source = PICTURE.sub(replaced, cell.source)


def write(
    submission: Submission, notebook: nbformat.NotebookNode, others: list[Path], target: Path
) -> None:
    """Write a submission; if it's new, nbgrader must grade it again."""
    path, text = target / f"{submission.lesson}.ipynb", nbformat.writes(notebook) + "\n"
    when = datetime.fromtimestamp(submission.when, timezone.utc)
    files = {
        path: text.encode("utf-8"),
        target / "timestamp.txt": f"{when:%Y-%m-%d %H:%M:%S} UTC\n".encode(),
        target / "collected.json": as_json(submission).encode("utf-8"),
        **{target / other.name: other.read_bytes() for other in others},
    }
    if all(file.is_file() and file.read_bytes() == data for file, data in files.items()):
        return
    for step in ("submitted", "autograded", "feedback"):
        grading.remove(target.parents[2] / step / target.parent.name / target.name)
    target.mkdir(parents=True)
    for file, data in files.items():
        file.write_bytes(data)


def as_json(submission: Submission) -> str:
    """Return what's known about a submission: grading adds it to its reasons."""
    facts = {
        "student": submission.name,
        "late": submission.late,
        "exercises": {
            task.id: notes(submission.answers.get(task.id)) for task in tasks_of(submission.lesson)
        },
        "look": submission.look,
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def notes(found: Answer | None) -> dict:
    """Return what to say about an answer."""
    if found is None:
        return {"answered": False, "notes": [], "refused": ""}
    return {"answered": True, "notes": found.notes, "refused": found.refused}


# ---------------------------------------------------------------------------------------- the class


def collect(source: Path, folder: Path = grading.TARGET) -> list[Submission]:
    """Collect what's in a folder or an archive into a course folder, and say what was found.

    What was collected before stays: of several versions of an answer, the newest counts.

    Raises:
        PlanError: there's nothing to collect, in a sentence.
    """
    problems: list[str] = []
    try:
        files = exports.handed_in(source, problems)
    except OSError as error:
        raise PlanError(f"{source} can't be read: {error.strerror or error}") from None
    if not files:
        raise PlanError(". ".join([f"there's nothing to collect in {source}", *problems]))
    grading.configure(folder)
    groups: dict[Owner, list[HandedIn]] = {}
    for file in sorted(files, key=lambda file: file.path):
        owner = file.owner or author_of(file)
        if owner is None:
            problems.append(
                f"{file.path}: whose is it? Put it into a folder with the student's name, and "
                "collect the folder above that"
            )
            continue
        members = exports.members(owner)
        for each in members:
            groups.setdefault(each, []).append(file)
        if len(members) > 1:
            problems.append(f"{owner.name}: counts for each of them")
        elif exports.GROUP.match(owner.name):
            problems.append(
                f"{owner.name}: a group counts as one student. To give its points to each member, "
                'put its files into a folder named "Ada & Bob"'
            )
    done: list[Submission] = []
    for owner, theirs in groups.items():
        below = exports.names_below(owner, theirs)
        if len(below) > 1:
            problems.append(
                f"{owner.name}: counts as one student, with the folders {', '.join(below[:3])}. If "
                "those are students, collect the folder above them"
            )
        try:
            done += student(owner, theirs, groups, folder, problems)
        except Exception as error:  # nobody's odd file stops another's work
            why = f"{type(error).__name__}: {exports.said(error)}"
            problems.append(f"{owner.name}: collecting stopped with {why}")
    print("\n".join(report(done, problems)))
    return done


def author_of(file: HandedIn) -> Owner | None:
    """Return whoever ran a notebook in Colab, for a file that nothing else gives a name to."""
    try:
        name = read(file.read(), []).metadata.author if file.size <= exports.LARGEST else ""
    except Exception:  # it's reported as nobody's, whatever it is
        return None
    return Owner(name) if name else None


def report(done: list[Submission], problems: list[str]) -> list[str]:
    """Return the lines that say who handed in what, what was repaired, and what to look at."""
    lines, look = [], list(dict.fromkeys(problems))
    for lesson in lessons.names():
        chosen = [each for each in done if each.lesson == lesson]
        if not chosen:
            continue
        lines += [
            f"{lessons.title(lesson)} ({grading.assignment(lesson)}): {len(chosen)} handed in"
        ]
        for each in sorted(chosen, key=lambda each: each.student.casefold()):
            missing = [task.id for task in tasks_of(lesson) if task.id not in each.answers]
            said = [f"{', '.join(each.answers) or 'nothing'} answered"]
            said += [f"not {', '.join(missing)}"] * bool(missing) + ["late"] * each.late
            files = ", ".join(each.files) or "no notebook"
            lines.append(f"  {each.student}: {'; '.join(said)} ({files})")
            lines += [f"      repaired: {repair}" for repair in each.repaired]
            for id, found in each.answers.items():
                lines += [f"      {id} {note}" for note in found.notes]
                if found.refused:
                    look.append(f"{each.student}: {id} earns nothing, because {found.refused}")
            look += [f"{each.student}: {said}" for said in each.look]
    if look:
        lines += ["A person must look at:", *(f"  {line}" for line in look)]
    return lines
