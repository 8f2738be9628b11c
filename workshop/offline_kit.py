"""Make an archive that installs the course on a computer without internet.

It has the course and a folder `wheels` with every package of requirements.txt, for one kind of
computer and one Python. start.py finds that folder and installs only from it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tools import notebooks
from workshop import lessons, machine
from workshop.lessons import PlanError

# The oldest systems that TensorFlow's wheels run on, and what else they can use. pip accepts wheels
# with one of these tags.
TAGS = {
    "linux-x86_64": [
        *(f"manylinux_2_{minor}_x86_64" for minor in range(31, 4, -1)),
        *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"),
    ],
    "linux-aarch64": [
        *(f"manylinux_2_{minor}_aarch64" for minor in range(31, 16, -1)),
        "manylinux2014_aarch64",
    ],
    "win-amd64": ["win_amd64"],
    "macosx-arm64": [f"macosx_{major}_0_arm64" for major in range(14, 10, -1)],
}
SYSTEMS = {  # what the markers in requirements.txt ask about
    "linux-x86_64": ("linux", "posix", "Linux", "x86_64"),
    "linux-aarch64": ("linux", "posix", "Linux", "aarch64"),
    "win-amd64": ("win32", "nt", "Windows", "AMD64"),
    "macosx-arm64": ("darwin", "posix", "Darwin", "arm64"),
}
LEFT_OUT = {".git", ".venv", "__pycache__", "_build", ".ipynb_checkpoints"}
# What students take the course without; of workshop/ and tools/, start.py needs the rest.
NOT_FOR_STUDENTS = (
    *(".*", "CONTRIBUTING.md", "conftest.py", "benchmarks/*", "site/*", "tests/*"),
    *("notebooks/solutions/*", "notebooks/source/*", "tools/house.py", "tools/site.py"),
)
FOR_STUDENTS = ("workshop/__init__.py", "workshop/machine.py")


def marker_environment(platform: str, release: str) -> dict[str, str]:
    """Return a computer's values in markers, for its kind and a Python such as 3.11.4."""
    sys_platform, os_name, system, machine = SYSTEMS[platform]
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "sys_platform": sys_platform,
        "os_name": os_name,
        "platform_system": system,
        "platform_machine": machine,
        "python_version": release.rpartition(".")[0],
        "python_full_version": release,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def releases(python: str) -> tuple[str, str]:
    """Return the first release of this Python and one after the last: theirs is in between.

    Some packages have other versions for the earlier releases: the kit has both.
    """
    return f"{python}.0", f"{python}.99"


def pins(path: Path = lessons.ROOT / "requirements.txt") -> dict[Requirement, list[str]]:
    """Return a file's pins, each with its hashes, such as "sha256:0123..."."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    split = [line.partition(" #")[0].split(" --hash=") for line in lines if line[:1].isalnum()]
    return {Requirement(name): [h.strip() for h in hashes] for name, *hashes in split}


def requirements(platform: str, release: str) -> dict[Requirement, list[str]]:
    """Return the pins that apply to this kind of computer, without markers."""
    environment, chosen = marker_environment(platform, release), {}
    for requirement, hashes in pins().items():
        if requirement.marker is None or requirement.marker.evaluate(environment):
            requirement.marker = None
            chosen[requirement] = hashes
    return chosen


def check_target(platform: str, python: str) -> None:
    """Raise PlanError if no kit can be made for this kind of computer."""
    supported = [f"3.{minor}" for minor in range(machine.OLDEST[1], machine.NEWEST[1] + 1)]
    if platform not in TAGS:
        raise PlanError(f"there are kits for {', '.join(TAGS)}, and not for {platform!r}")
    if python not in supported:
        raise PlanError(f"the course runs on Python {', '.join(supported)}, and not on {python!r}")


def download(platform: str, python: str, folder: Path) -> None:
    """Download the wheels whose hashes are in requirements.txt."""
    short = python.replace(".", "")
    listed = folder / "wanted.txt"
    got: set[str] = set()
    for release in releases(python):
        chosen = requirements(platform, release).items()
        wanted = {f"{r} --hash=" + " --hash=".join(hashes) for r, hashes in chosen}
        listed.write_text("\n".join(sorted(wanted - got)), encoding="utf-8")
        got |= wanted
        # requirements.txt lists everything, and pip would judge what the packages need by this
        # computer instead of theirs: hence --no-deps.
        command = [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
            *("--require-hashes", "--disable-pip-version-check", "--quiet", "--dest", str(folder)),
            *("--python-version", release, "--implementation", "cp"),
            *("--abi", f"cp{short}", "--abi", "abi3", "--abi", "none"),
            *(word for tag in TAGS[platform] for word in ("--platform", tag)),
            *("--requirement", str(listed)),
        ]
        if (
            listed.read_text(encoding="utf-8")
            and subprocess.run(command, stdin=subprocess.DEVNULL).returncode
        ):
            raise PlanError("the packages could not be downloaded; the reason is above")
    listed.unlink()
    (folder / machine.KIT).write_text(
        json.dumps({"platform": platform, "python": python}), encoding="utf-8"
    )


def missing(platform: str, python: str, folder: Path) -> list[str]:
    """Return the requirements without a wheel of the right version in a folder."""
    have = {parse_wheel_filename(path.name)[:2] for path in folder.glob("*.whl")}
    lacking = set()
    for release in releases(python):
        for requirement in requirements(platform, release):
            found = [v for name, v in have if name == canonicalize_name(requirement.name)]
            if not any(requirement.specifier.contains(v, prereleases=True) for v in found):
                lacking.add(str(requirement))
    return sorted(lacking)


def course_files(root: Path = lessons.ROOT) -> list[Path]:
    """Return the course's files, relative to its folder: those that git knows, or all.

    git's list counts only if it's whole. It's empty or partial if somebody unpacked the course
    within another repository, or has only just begun one.
    """
    everything = [path.relative_to(root) for path in root.rglob("*")]
    known = set(everything)
    try:  # without the variables that lead git to another repository, as in its hooks
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        command = ["git", "ls-files", "-z"]
        listed = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, check=True
        ).stdout
        tracked = {Path(os.fsdecode(name)) for name in listed.split(b"\0") if name}
        if needed(root) <= tracked:
            known = tracked
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        pass
    environments = {name.parent for name in everything if name.name == "pyvenv.cfg"}
    return sorted(
        name
        for name in known
        if not LEFT_OUT & set(name.parts)
        and not environments & set(name.parents)
        and name.parts[0] != machine.WHEELS.name
        and (root / name).is_file()
    )


def needed(root: Path) -> set[Path]:
    """Return files that every copy of the course has, and that nobody else's folder has."""
    data = json.loads((root / "data" / "manifest.json").read_text(encoding="utf-8"))
    code = (root / "course_utils").rglob("*.py")
    names = ["start.py", "requirements.txt", "pyproject.toml", *(f"data/{name}" for name in data)]
    return {*map(Path, names), *(path.relative_to(root) for path in code)}


def for_students(names: list[Path]) -> list[Path]:
    """Leave out the solutions, and what students never run."""
    return [
        name
        for name in names
        if name.as_posix() in FOR_STUDENTS
        or (
            name.parts[0] != "workshop"
            and not any(fnmatch(name.as_posix(), pattern) for pattern in NOT_FOR_STUDENTS)
        )
    ]


def without_dead_links(page: str, names: list[Path]) -> str:
    """Return a page whose links to files that aren't in the kit are text."""
    inside = {
        str(part) for name in names for part in (name.as_posix(), *map(Path.as_posix, name.parents))
    }

    def living(link: re.Match) -> str:
        path = link[2].partition("#")[0].rstrip("/")
        return link[0] if "://" in path or not path or path in inside else link[1]

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)]+)\)", living, page)


def pack(archive: Path, wheels: Path, students: bool = False) -> None:
    """Write the archive: the course, with the wheels next to start.py."""
    half_written = archive.with_suffix(".tmp")
    names = course_files()
    top = Path("saliency-course")
    with zipfile.ZipFile(half_written, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as kit:
        if students:
            names = for_students(names)
            for lesson in notebooks.lessons():  # `start.py reset` begins again with these
                book = Path("notebooks") / f"{lesson}.ipynb"
                kit.write(lessons.ROOT / book, top / "notebooks" / "source" / book.name)
        for name in names:
            if students and name.suffix == ".md":
                page = (lessons.ROOT / name).read_text(encoding="utf-8")
                kit.writestr(str(top / name), without_dead_links(page, names))
            else:
                kit.write(lessons.ROOT / name, top / name)
        for path in sorted(wheels.iterdir()):  # a wheel is already compressed
            inside = top / machine.WHEELS.name / path.name
            kit.write(path, inside, compress_type=zipfile.ZIP_STORED)
    half_written.replace(archive)


def longest_path(wheels: Path) -> str:
    """Return the longest path that these wheels install, below an environment on Windows."""
    folders = {"scripts": "Scripts/", "data": "", "headers": "Include/site/python3.12/"}
    longest = ""
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                top, _, rest = name.partition("/")
                kind, _, moved = rest.partition("/") if top.endswith(".data") else ("", "", name)
                path = folders.get(kind, "Lib/site-packages/") + moved
                longest = max(longest, path, key=len)
    return longest


def write(platform: str, python: str, students: bool = False, folder: Path = lessons.BUILT) -> Path:
    """Make the kit for one kind of computer, and return it.

    students: without the solutions, the tests, and the workshop.
    """
    check_target(platform, python)
    folder.mkdir(parents=True, exist_ok=True)
    whose = "saliency-course-students" if students else "saliency-course"
    archive = folder / f"{whose}-{platform}-py{python}.zip"
    if shutil.disk_usage(folder).free < 3e9:
        raise PlanError("making a kit takes up to 3 GB of this disk, and there is less left")
    print(f"Downloading the packages for Python {python} on {platform}: about 1 GB ...", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wheels = Path(temporary)
        download(platform, python, wheels)
        if lacking := missing(platform, python, wheels):
            raise PlanError(f"there is no wheel of {', '.join(lacking)}")
        longest = longest_path(wheels)
        if platform == "win-amd64" and len(longest) > machine.LONGEST_INSIDE:
            raise PlanError(
                f"{longest} has {len(longest)} characters: write this number into "
                "workshop/machine.py as LONGEST_INSIDE, or it may not fit on Windows"
            )
        pack(archive, wheels, students)
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB")
    return archive
