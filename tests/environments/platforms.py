"""Can you install the course everywhere? Resolve the pins for each system and Python.

    python tests/environments/platforms.py

It installs nothing, and only downloads descriptions of packages. Only wheels count, because
students have no compiler. The dependencies of each package must be pinned, too, or everybody would
get different versions of them. It resolves requirements.txt alone, as students install it, and then
with the additions for instructors and .ci/run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from packaging.markers import default_environment
from packaging.utils import canonicalize_name
from shared import ROOT, Failure, get_uv, run

from workshop import offline_kit

STUDENTS = [ROOT / "requirements.txt"]
EVERYBODY = [*STUDENTS, ROOT / "workshop" / "requirements.txt", ROOT / ".ci" / "requirements.txt"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# uv's name for each -> what the pins' markers ask about.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": ("linux", "posix", "Linux", "x86_64"),
    "aarch64-unknown-linux-gnu": ("linux", "posix", "Linux", "aarch64"),
    "x86_64-pc-windows-msvc": ("win32", "nt", "Windows", "AMD64"),
    "aarch64-apple-darwin": ("darwin", "posix", "Darwin", "arm64"),
}
# There's no TensorFlow for it, so the check must fail here. A check that can't fail is no use.
IMPOSSIBLE = "x86_64-apple-darwin"


def resolve(uv: Path, files: list[Path], platform: str, python: str) -> dict[str, str]:
    """Return name -> version for all wheels that a computer would get."""
    wheels = ["--only-binary", ":all:", "--python-platform", platform, "--python-version", python]
    quiet = ["--quiet", "--no-config", "--no-annotate", "--no-header", "--python", sys.executable]
    printed = run(uv, "pip", "compile", *files, *wheels, *quiet).stdout
    return dict(line.split("==") for line in printed.split())


def pins(files: list[Path], platform: str, python: str) -> dict[str, str]:
    """Return name -> version as these files pin them for a computer."""
    keys = ("sys_platform", "os_name", "platform_system", "platform_machine")
    environment = {
        **default_environment(),
        **dict(zip(keys, PLATFORMS[platform], strict=True)),
        "python_version": python,
        "python_full_version": f"{python}.0",  # so uv understands "3.11"
    }
    return {
        canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
        for path in files
        for requirement in offline_kit.pins(path)
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }


def main() -> None:
    print("== Wheels of all that is pinned")
    with tempfile.TemporaryDirectory(prefix="course-platforms-") as name:
        folder = Path(name)
        uv = get_uv(folder / "uv")
        for platform in PLATFORMS:
            for python in PYTHONS:
                counts = []
                for files in (STUDENTS, EVERYBODY):
                    found = resolve(uv, files, platform, python)
                    loose = sorted(found.items() - pins(files, platform, python).items())
                    if loose or len(found) < 100:
                        raise Failure(f"{platform}, Python {python}: not pinned: {loose}")
                    counts.append(len(found))
                what = "{} wheels, with grading and .ci {}".format(*counts)
                print(f"  {platform}, Python {python}: {what}", flush=True)
        try:
            tensorflow = folder / "tensorflow.txt"
            version = pins(STUDENTS, "aarch64-apple-darwin", "3.13")["tensorflow"]
            tensorflow.write_text(f"tensorflow=={version}\n", encoding="utf-8")
            resolve(uv, [tensorflow], IMPOSSIBLE, "3.13")
        except Failure as failure:
            if "wheels" not in str(failure):
                raise
        else:
            raise Failure(
                f"It found a TensorFlow for {IMPOSSIBLE}: this check can't see what's missing."
            )
    print("Platforms: all is well.")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
