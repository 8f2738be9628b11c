"""Read what learning platforms export: which files are there, and whose are they?

Moodle, Canvas, Blackboard, Brightspace, ILIAS, Teams, Google Classroom and nbgrader each lay out a
download in their own way, and students hand in archives inside it. Nothing is unpacked to disk:
names in an archive are only labels here, so none of them can lead out of a folder. Sizes are
limited before anything is read.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

from workshop import lessons

LARGEST_FILE = 50 * 2**20  # bytes; a lesson with all its figures has 5 MB
LARGEST_ARCHIVE = 200 * 2**20  # of an archive within an archive
MOST_BYTES = 2 * 2**30  # of all archives within archives together
MOST_FILES = 20_000
DEEPEST = 3  # an archive in a student's archive in the platform's archive

# Other people's packages, and an editor's copies.
NOT_THEIRS = {
    "__MACOSX", ".git", ".ipynb_checkpoints", ".venv", "site-packages", "node_modules",
    "__pycache__",
}  # fmt: skip
JUNK = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini|~\$.*", re.IGNORECASE)
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)$", re.IGNORECASE)

MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)$")
CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?:(?P<late>LATE)_)?(?P<number>\d+)_(?:question_\d+_)?\d+_(?P<file>.+)$"
)
BLACKBOARD = re.compile(r".+_(?P<name>[^_]+)_attempt_\d{4}(?:-\d\d){5}_(?P<file>.+)$")
BRIGHTSPACE = re.compile(r"(?P<number>\d+)-\d+ - (?P<name>.+?) - .+$")
ILIAS_FOLDER = re.compile(r"(?P<name>[^_\d]+_[^_\d]+)_(?P<login>[^_]+)_(?P<number>\d+)$")
ILIAS_TIME = re.compile(r"(?P<time>20\d{12})_(?P<file>.+)$")
TEAMS = {"submitted files", "working files", "student work"}
VERSION = re.compile(r"version (\d+)", re.IGNORECASE)
COURSE = re.compile(r"notebooks$|solutions$|(.*[-_ ])?course$|.*saliency", re.IGNORECASE)
NO_NAMES = {
    "", "copy", "of", "kopie", "von", "copie", "de", "copia", "final", "new", "lesson", "homework",
    "assignment", "exercise", "exercises", "notebook", "untitled", "submission", "solution",
}  # fmt: skip
ASSIGNMENT = re.compile(r"lesson_\d+$")


@dataclass(frozen=True)
class Owner:
    """A student: the name as the platform writes it, and its number for them, or ""."""

    name: str
    number: str = ""


@dataclass(frozen=True)
class Found:
    """A file in an export. `parts` are its folders, archives among them, and its name."""

    parts: tuple[str, ...]
    when: float  # seconds since 1970
    size: int
    read: Callable[[], bytes]

    @property
    def path(self) -> str:
        """Where it was, for messages."""
        return "/".join(self.parts)


@dataclass(frozen=True)
class HandedIn:
    """A file that a student handed in."""

    owner: Owner | None  # None if nothing says whose it is
    name: str  # without what the platform put in front
    path: str  # in the export
    when: float  # seconds since 1970
    late: bool
    version: int  # where the platform counts versions; otherwise 0
    size: int
    read: Callable[[], bytes]


def handed_in(source: Path, problems: list[str]) -> list[HandedIn]:
    """Return all files in a folder or an archive with their owners; say what can't be read.

    Of a course folder of nbgrader's, that's the folder `submitted`.

    Raises:
        OSError: there's no such folder or file.
    """
    if (source / "submitted").is_dir() and (source / "source").is_dir():
        source = source / "submitted"
    found = list(files(source, problems))
    common = shared_folders([file.parts for file in found])
    return [with_owner(file, common) for file in found]


# -------------------------------------------------------------------------- which files there are


def files(source: Path, problems: list[str]) -> Iterator[Found]:
    """Find all files, also those in archives, in any order."""
    left = [MOST_FILES, MOST_BYTES]
    if source.is_dir():
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if name not in NOT_THEIRS)
            for path in (Path(folder, name) for name in sorted(names)):
                if path.is_file() and not JUNK.fullmatch(path.name):
                    parts = tuple(map(tidy, path.relative_to(source).parts))
                    about = path.stat()
                    file = Found(parts, about.st_mtime, about.st_size, path.read_bytes)
                    yield from opened(file, problems, left, 1)
        return
    about = source.stat()
    file = Found((tidy(source.name),), about.st_mtime, about.st_size, source.read_bytes)
    if not is_archive(source.name):
        yield file
        return
    try:
        yield from inside(file, source, (), problems, left, 0)
    except Exception as error:  # damaged in any way
        problems.append(f"{source.name}: can't be opened as an archive ({said(error)})")


def opened(file: Found, problems: list[str], left: list[int], depth: int) -> Iterator[Found]:
    """Yield a file, or if it's an archive, what is in it."""
    left[0] -= 1
    if left[0] < 0:
        if left[0] == -1:
            problems.append(f"{file.path}: there are more than {MOST_FILES} files; the rest is out")
        return
    if not is_archive(file.parts[-1]):
        yield file
        return
    left[1] -= file.size
    deep = depth > DEEPEST
    if deep or file.size > LARGEST_ARCHIVE or left[1] < 0:
        reason = f"more than {DEEPEST} archives inside one another" if deep else "too large"
        problems.append(f"{file.path}: {reason}; unpack it yourself if it's worth a look")
        return
    try:
        yield from inside(file, io.BytesIO(file.read()), file.parts, problems, left, depth)
    except Exception as error:  # anybody's archive, damaged in any way
        problems.append(f"{file.path}: can't be opened as an archive ({said(error)})")


def inside(
    archive: Found,
    stream: Path | io.BytesIO,
    parts: tuple[str, ...],
    problems: list[str],
    left: list[int],
    depth: int,
) -> Iterator[Found]:
    """Yield the files in an archive, whose folders are `parts`."""
    members = zip_members if archive.parts[-1].lower().endswith(".zip") else tar_members
    for name, when, size, read in members(stream):
        below = tuple(tidy(p) for p in re.split(r"[/\\]", name) if p not in ("", ".", ".."))
        if below and not NOT_THEIRS.intersection(below[:-1]) and not JUNK.fullmatch(below[-1]):
            file = Found((*parts, *below), when or archive.when, size, read)
            yield from opened(file, problems, left, depth + 1)


Member = tuple[str, float, int, Callable[[], bytes]]  # name, time, size, and how to read it


def zip_members(stream: Path | io.BytesIO) -> Iterator[Member]:
    """Yield the files in a zip, which stays open as long as one of them may be read."""
    archive = zipfile.ZipFile(stream)
    for member in archive.infolist():
        if not member.is_dir():
            when = member.date_time
            try:  # 1980 is a zip's way of saying nothing
                when = datetime(*when).timestamp() if when[0] > 1980 else 0.0
            except (ValueError, OverflowError):
                when = 0.0
            yield zip_name(member), when, member.file_size, partial(archive.read, member)


def tar_members(stream: Path | io.BytesIO) -> Iterator[Member]:
    """Yield the files in a tar, perhaps compressed; no links."""
    total = 0
    with (
        tarfile.open(stream) if isinstance(stream, Path) else tarfile.open(fileobj=stream)
    ) as archive:
        for member in archive:
            total += member.size
            if total > LARGEST_ARCHIVE:
                raise tarfile.TarError("it's too large")
            if member.isfile():
                content = archive.extractfile(member)
                data = content.read() if content else b""
                yield member.name, float(member.mtime), member.size, partial(bytes, data)


def zip_name(member: zipfile.ZipInfo) -> str:
    """Return a name in a zip with its umlauts: macOS writes UTF-8 without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def tidy(name: str) -> str:
    """Return a name with one letter for an umlaut (macOS writes two), on one line."""
    name = unicodedata.normalize("NFC", name)
    return "".join(c if c.isprintable() else "_" for c in name).strip()


def said(error: Exception) -> str:
    """Return an error's words, or its kind if it has none."""
    return str(error).strip(" .") or type(error).__name__


def is_archive(name: str) -> bool:
    """Return whether a file's name is an archive's."""
    return ARCHIVE.search(name) is not None


# --------------------------------------------------------------------------------- whose they are


def shared_folders(paths: list[tuple[str, ...]]) -> int:
    """Return how many folders all notebooks and archives have in common: those aren't students."""
    wanted = [p for p in paths if ".ipynb" in p[-1] or any(map(is_archive, p))] or paths
    levels = zip(*(outside_course(path[:-1]) for path in wanted), strict=False)
    return len(list(takewhile(lambda level: len(set(level)) == 1, levels)))


def outside_course(folders: Sequence[str]) -> list[str]:
    """Return the folders above somebody's copy of the course, in which no folder is a name."""
    inside = [place for place, folder in enumerate(folders) if place and COURSE.match(folder)]
    return list(folders[: inside[0]] if inside else folders)


def with_owner(file: Found, common: int) -> HandedIn:
    """Say whose file it is, by the platform's names, or else by its first own folder."""
    *folders, name = file.parts
    owner, late, version, when = None, False, 0, file.when
    for place, part in enumerate(file.parts):
        part = ARCHIVE.sub("", part) if place < len(folders) else part
        if match := MOODLE.match(part) or CANVAS.match(part) or BLACKBOARD.match(part):
            about = match.groupdict()
            late = bool(about.get("late"))
            owner = Owner(about["name"].strip(), about.get("number", ""))
            name = (about["file"] or name) if place == len(folders) else name
            break
        if match := ILIAS_FOLDER.match(part) or BRIGHTSPACE.match(part):
            owner = Owner(match["name"].replace("_", " "), match["number"])
            break
        if part.lower() in TEAMS and place + 1 < len(folders):
            owner = Owner(folders[place + 1])
            break
        if ASSIGNMENT.match(part) and 0 < place < len(folders) + 1:  # nbgrader's own layout
            owner = Owner(folders[place - 1])
            break
    if match := ILIAS_TIME.match(name):
        with contextlib.suppress(ValueError):
            when, name = datetime.strptime(match["time"], "%Y%m%d%H%M%S").timestamp(), match["file"]
    if match := VERSION.search(" ".join(folders)):
        version = int(match[1])
    if owner is None:
        outside = outside_course(folders)
        owner = by_folder(outside, common) or by_name(name)
        if owner is None and outside:  # everything is in one folder
            owner = Owner(ARCHIVE.sub("", outside[-1]))
    return HandedIn(owner, name, file.path, when, late, version, file.size, file.read)


def by_folder(folders: Sequence[str], common: int) -> Owner | None:
    """Return the student whose folder, or archive, a file is in."""
    mine = folders[common:]
    return Owner(ARCHIVE.sub("", mine[0])) if mine else None


def by_name(file: str) -> Owner | None:
    """Return the student whose name is in a file's name, as in "Ada Lovelace - 03_grad_cam"."""
    stem = file.partition(".")[0].lower()
    kept = file[: len(stem)]
    for lesson in sorted(lessons.names(), key=len, reverse=True):
        for words in (lesson, lesson[3:]):
            at = stem.find(words)
            if at >= 0:
                kept, stem = kept[:at] + " " + kept[at + len(words) :], stem.replace(words, " ", 1)
    name = " ".join(w for w in re.split(r"[\W\d_]+", kept) if w.lower() not in NO_NAMES)
    return Owner(name) if len(name) > 1 else None
