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
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from itertools import takewhile
from pathlib import Path

from workshop import lessons

LARGEST = 200 * 2**20  # bytes of a file, or an archive in one; a lesson with figures has 5 MB
MOST_BYTES = 2 * 2**30  # of all archives within archives together
MOST_FILES = 20_000  # in one student's archive
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
    r"(?P<name>[^_]+)_(?:(?P<late>LATE)_)?(?P<number>\d+)_"
    r"(?:(?:question_\d+_)?\d+_(?P<file>.+)|text\.html)$"
)
BLACKBOARD = re.compile(r".*_(?P<name>[^_]+)_attempt_\d{4}(?:-\d\d){5}(?:_(?P<file>.+)|\.txt)$")
BRIGHTSPACE = re.compile(r"(?P<number>\d+)-\d+ - (?P<name>.+?) - .+$")
ILIAS_FOLDER = re.compile(r"(?P<name>[^_\d]+_[^_\d]+)_(?P<login>[^_]+)_(?P<number>\d+)$")
ILIAS_TIME = re.compile(r"(?P<time>20\d{12})_(?P<file>.+)$")
NBGRADER = re.compile(r"(?P<name>[^+]+)\+[^+]+\+(?P<time>20\d\d-\d\d-\d\d \d\d.\d\d.\d\d)")
SUBMITTED, DRAFTS = "submitted files", "working files"
TEAMS = {SUBMITTED, DRAFTS, "student work"}
VERSION = re.compile(r"version (\d+)", re.IGNORECASE)
COURSE = re.compile(r"notebooks$|solutions$|(.*[-_ ])?course$|.*saliency", re.IGNORECASE)
NO_NAMES = {
    "", "copy", "of", "kopie", "von", "copie", "de", "copia", "cópia", "kopia", "копия", "копія",
    "副本", "final", "new", "lesson", "homework", "assignment", "exercise", "exercises", "notebook",
    "untitled", "submission", "submissions", "solution", "class", "downloads", "export",
    "week", "abgaben", "hw", "saliency", "course", "progress", "ipynb", "archive", "extracted",
}  # fmt: skip
# Not "v2" or the 2 in "Ada (2)", which are versions, but the 2 in "Group 2" is somebody's.
VERSION_WORD = re.compile(r"v\d+", re.IGNORECASE)
NUMBERED = re.compile(r"(group|gruppe|team|student|participant)[\W_]+(?=\d)", re.IGNORECASE)
GROUP = re.compile(r"(group|gruppe|team)[\W_]*\w?\w?$", re.IGNORECASE)
TOGETHER = re.compile(r"[\s_]*&[\s_]*|[\s_]+and[\s_]+")
ASSIGNMENT = re.compile(r"lesson_\d+$")


@dataclass(frozen=True)
class Owner:
    """A student: the name as the platform writes it, and its number for them, or ""."""

    name: str
    number: str = ""


@dataclass(frozen=True)
class Found:
    """A file in an export. `parts` are its folders, archives among them, and its name.

    It may also stand for a folder: then its name is "", and so is what it reads.
    """

    parts: tuple[str, ...]
    when: float = 0  # seconds since 1970
    size: int = 0
    read: Callable[[], bytes] = bytes

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
    everything = list(files(source, problems))
    found = [file for file in everything if file.parts[-1]]
    submitted = [file for file in found if DRAFTS not in map(str.lower, file.parts)]
    if any(SUBMITTED in map(str.lower, file.parts) for file in submitted) and submitted != found:
        problems.append('the drafts in "Working files" were left out: they weren\'t turned in')
        found = submitted
    owned, common = with_owners(found), shared_folders(found)
    known = {None, *(file.owner for file in owned)}
    for folder in (each for each in everything if not each.parts[-1]):
        owner = with_owner(folder, common).owner
        said_so = any(folder.path.rstrip("/") in problem for problem in problems)
        if owner and owner not in known and owner.name.lower() not in TEAMS and not said_so:
            known.add(owner)
            problems.append(
                f"{owner.name}: nothing to collect in {folder.path} (an editor's own copies "
                "don't count)"
            )
    return owned


# -------------------------------------------------------------------------- which files there are


def files(source: Path, problems: list[str]) -> Iterator[Found]:
    """Find all files, also those in archives, in any order."""
    left = [MOST_FILES, MOST_BYTES]
    if source.is_dir():
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if name not in NOT_THEIRS)
            yield Found((*map(tidy, Path(folder).relative_to(source).parts), ""))
            for path in (Path(folder, name) for name in sorted([*folders, *names])):
                parts = tuple(map(tidy, path.relative_to(source).parts))
                if path.is_symlink():  # it could lead to somebody else's work
                    problems.append(f"{'/'.join(parts)}: a link; collect what it leads to")
                elif path.is_file() and not JUNK.fullmatch(path.name):
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
    if depth == 1:  # nobody's many files take the place of somebody else's
        left[0] = MOST_FILES
    left[0] -= 1
    if left[0] < 0:
        if left[0] == -1:
            problems.append(f"{file.path}: there are more than {MOST_FILES} files; the rest is out")
        return
    if not is_archive(file.parts[-1]):
        yield file
        return
    yield Found((*file.parts, ""))
    left[1] -= file.size
    deep = depth > DEEPEST
    if deep or file.size > LARGEST or left[1] < 0:
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
        below = [tidy(p) for p in re.split(r"[/\\]", name) if p not in ("", ".", "..")]
        theirs = list(takewhile(lambda part: part not in NOT_THEIRS, below))
        if theirs == below and read and not JUNK.fullmatch(below[-1]):
            file = Found((*parts, *below), when or archive.when, size, read)
            yield from opened(file, problems, left, depth + 1)
        else:
            yield Found((*parts, *(theirs if theirs != below or not read else theirs[:-1]), ""))


# Name, time, size, and how to read it, unless it's a folder.
Member = tuple[str, float, int, Callable[[], bytes] | None]


def zip_members(stream: Path | io.BytesIO) -> Iterator[Member]:
    """Yield the files in a zip, which stays open as long as one of them may be read."""
    archive = zipfile.ZipFile(stream)
    for member in archive.infolist():
        date = member.date_time
        try:  # 1980 is a zip's way of saying nothing
            when = datetime(*date).timestamp() if date[0] > 1980 else 0.0
        except (ValueError, OverflowError):
            when = 0.0
        read = None if member.is_dir() else partial(archive.read, member)
        yield zip_name(member), when, member.file_size, read


def tar_members(stream: Path | io.BytesIO) -> Iterator[Member]:
    """Yield the files in a tar, perhaps compressed; no links."""
    total = 0
    with (
        tarfile.open(stream) if isinstance(stream, Path) else tarfile.open(fileobj=stream)
    ) as archive:
        for member in archive:
            total += member.size
            if total > LARGEST:
                raise tarfile.TarError("it's too large")
            content = archive.extractfile(member) if member.isfile() else None
            read = partial(bytes, content.read()) if content else None
            yield member.name, float(member.mtime), member.size, read


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
    if "encrypted" in str(error):  # and Python's own words for a zip's file
        return "it has a password"
    return str(error).strip(" .") or type(error).__name__


def is_archive(name: str) -> bool:
    """Return whether a file's name is an archive's."""
    return ARCHIVE.search(name) is not None


# --------------------------------------------------------------------------------- whose they are


def with_owners(files: Sequence[Found]) -> list[HandedIn]:
    """Say whose each file is."""
    common = shared_folders(files)
    owned = [with_owner(file, common) for file in files]
    if any(file.owner for file in owned):
        return owned
    return [  # the folder or the archive of one student
        replace(file, owner=by_folder(outside_course(file.path.split("/")[:-1])[-1:], 0))
        for file in owned
    ]


def shared_folders(files: Sequence[Found]) -> int:
    """Return how many folders all notebooks and archives have in common: those aren't students."""
    paths = [file.parts for file in files]
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
        if match := NBGRADER.match(part):
            owner = Owner(match["name"])
            with contextlib.suppress(ValueError):
                when = seconds(match["time"], timezone.utc)
            break
        if match := ILIAS_FOLDER.match(part) or BRIGHTSPACE.match(part):
            owner = Owner(match["name"].replace("_", " "), match["number"])
            break
        below = folders[place + 1 :]
        if part.lower() in TEAMS and below and below[0].lower() not in TEAMS:
            owner = Owner(below[0])
            break
        # nbgrader's own layout, but not class/lesson_3/Ada.ipynb
        if ASSIGNMENT.match(part) and place and not (place <= common and by_name(name)):
            owner = Owner(folders[place - 1])
            break
    if match := ILIAS_TIME.match(name):
        with contextlib.suppress(ValueError):
            when, name = seconds(match["time"]), match["file"]
    if match := VERSION.search(" ".join(folders)):
        version = int(match[1])
    if owner is None:
        outside = outside_course(folders)
        owner = by_folder(outside, common) or by_name(name)
    return HandedIn(owner, name, file.path, when, late, version, file.size, file.read)


def seconds(time: str, zone: timezone | None = None) -> float:
    """Return the seconds since 1970 of a time that a platform writes into names."""
    digits = re.sub(r"\D", "", time)
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp()


def members(owner: Owner) -> list[Owner]:
    """Return the students of whom somebody made one name, "Ada & Bob"; a platform never does."""
    names = [] if owner.number else filter(None, TOGETHER.split(owner.name))
    return [Owner(name) for name in names] or [owner]


def names_below(owner: Owner, files: Sequence[HandedIn]) -> list[str]:
    """Return the names of folders in a student's folder, which may be a whole class's."""
    found = set()
    for file in files:
        folders = [ARCHIVE.sub("", part) for part in file.path.split("/")[:-1]]
        if owner.name in folders[:-1] and ".ipynb" in file.name.lower():
            found.update(outside_course(folders)[folders.index(owner.name) + 1 :][-1:])
    return sorted(name for name in found if is_name(name) and not VERSION.search(name))


def by_folder(folders: Sequence[str], common: int) -> Owner | None:
    """Return the student whose folder, or archive, a file is in."""
    mine = filter(is_name, (ARCHIVE.sub("", folder) for folder in folders[common:]))
    return next((Owner(without_lesson(folder).strip(" -_")) for folder in mine), None)


def by_name(file: str) -> Owner | None:
    """Return the student whose name is in a file's name, as in "Ada Lovelace - 03_grad_cam"."""
    names = [" ".join(own_words(part)) for part in TOGETHER.split(Path(file).stem)]
    name = " & ".join(filter(None, names))
    return Owner(name) if len(name) > 1 else None


def is_name(folder: str) -> bool:
    """Return whether a folder may be a student's: it has a word of its own, or is a number."""
    return bool(own_words(folder)) or not re.search(r"[^\W\d_]", folder)


def own_words(name: str) -> list[str]:
    """Return the words in a name that aren't a lesson's, nor those of any homework."""
    words = re.split(r"[\W_]+", NUMBERED.sub(r"\1", without_lesson(name)))
    return [
        word
        for word in words
        if re.sub(r"\d", "", word).lower() not in NO_NAMES and not VERSION_WORD.fullmatch(word)
    ]


def without_lesson(name: str) -> str:
    """Return a name without "03_grad_cam" or "lesson 3", or Google Drive's for a download."""
    for lesson in sorted(lessons.names(), key=len, reverse=True):
        name = re.sub(f"(?i){lesson}|{lesson[3:]}", " ", name, count=1)
    return re.sub(r"(?i)(?<![a-z])lesson[ _-]?\d|drive-download-\w+-\d+", " ", name)
