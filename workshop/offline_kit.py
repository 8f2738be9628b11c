"""Make an archive that installs the course on a computer without internet.

It has the course and a folder `wheels` with every package of requirements.txt, for one kind of
computer and one Python. start.py finds that folder and installs only from it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

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


def marker_environment(platform: str, release: str) -> dict[str, str]:
    """Return a computer's values in markers, for its kind and a Python such as 3.11.4."""
    sys_platform, os_name, system, machine = SYSTEMS[platform]
    return {
        **default_environment(),
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


def course_files() -> list[Path]:
    """Return the course's files, relative to its folder: those that git knows, or all."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=lessons.ROOT, capture_output=True, check=True
        ).stdout.decode("utf-8")
        names = [Path(name) for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        names = [path.relative_to(lessons.ROOT) for path in lessons.ROOT.rglob("*")]
    return sorted(
        name
        for name in names
        if not LEFT_OUT & set(name.parts)
        and name.parts[0] != machine.WHEELS.name
        and (lessons.ROOT / name).is_file()
    )


def pack(archive: Path, wheels: Path) -> None:
    """Write the archive: the course, with the wheels next to start.py."""
    half_written = archive.with_suffix(".tmp")
    with zipfile.ZipFile(half_written, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as kit:
        for name in course_files():
            kit.write(lessons.ROOT / name, Path("saliency-course") / name)
        for path in sorted(wheels.iterdir()):  # a wheel is already compressed
            inside = Path("saliency-course") / machine.WHEELS.name / path.name
            kit.write(path, inside, compress_type=zipfile.ZIP_STORED)
    half_written.replace(archive)


def write(platform: str, python: str, folder: Path = lessons.BUILT) -> Path:
    """Make the kit for one kind of computer, and return it."""
    check_target(platform, python)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"saliency-course-{platform}-py{python}.zip"
    if shutil.disk_usage(folder).free < 3e9:
        raise PlanError("making a kit takes up to 3 GB of this disk, and there is less left")
    print(f"Downloading the packages for Python {python} on {platform}: about 1 GB ...", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wheels = Path(temporary)
        download(platform, python, wheels)
        if lacking := missing(platform, python, wheels):
            raise PlanError(f"there is no wheel of {', '.join(lacking)}")
        pack(archive, wheels)
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB")
    return archive
