"""What the scripts in this folder share: uv, a Python of a given version, a new environment.

The scripts need the network, unlike all the tests, so plain pytest leaves them out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
from workshop import machine  # noqa: E402 - it knows which variables to remove

UV = "uv==0.13.8"  # pinned, so a new uv can't break a build


class Failure(Exception):
    """What's wrong, in a sentence."""


def environment_variables(**more: str) -> dict[str, str]:
    """Return this process's variables without those that mislead another Python."""
    return machine.child_environment(os.environ) | more


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    """Run a command, and return what it printed; a Failure shows that, if the command fails."""
    words = [str(word) for word in command]
    options = {"env": environment_variables(), "stdin": subprocess.DEVNULL} | options
    try:
        done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", **options)
    except OSError as error:
        raise Failure(f"{words[0]} could not be started: {error}") from None
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise Failure(f"This failed (exit status {done.returncode}): {' '.join(words)}\n{said}")
    return done


def get_uv(folder: Path) -> Path:
    """Install uv into a folder, and return the path of its program."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, UV)
    places = os.pathsep.join(str(folder / name) for name in ("bin", "Scripts"))
    return Path(shutil.which("uv", path=places))


def get_python(uv: Path, version: str, folder: Path) -> str | None:
    """Return the path of a Python "3.13": this computer's, or one that uv puts into a folder.

    None if this computer doesn't have it and uv can't get it (it asks GitHub).
    """
    if found := find_python(version):
        return found
    try:
        run(uv, "python", "install", "--quiet", "--no-bin", "--install-dir", folder, version)
    except Failure:
        return None
    pattern = "*/python.exe" if os.name == "nt" else "*/bin/python3"
    return next(map(str, sorted(folder.glob(pattern))), None)


def find_python(version: str) -> str | None:
    """Return the path of a Python "3.13" on this computer, or None."""
    named = [[name] for name in (f"python{version}", "python3", "python") if shutil.which(name)]
    if os.name == "nt":
        named.insert(0, ["py", f"-{version}"])
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = sorted(pyenv.glob(f"{version}.*/bin/python"))
    asked = "import sys; print('{}.{}'.format(*sys.version_info), sys.executable)"
    # If a version is missing, Windows' launcher must not install it.
    env = environment_variables(PYTHON_MANAGER_AUTOMATIC_INSTALL="false")
    for command in [[sys.executable], *named, *([str(path)] for path in kept)]:
        try:
            found, path = run(*command, "-c", asked, env=env).stdout.strip().split(" ", 1)
        except (Failure, ValueError):
            continue
        if found == version:
            return path
    return None


def new_environment(uv: Path, folder: Path, python: str, *options: str | Path) -> Path:
    """Make an environment, install into it what the options of `uv pip install` say.

    Returns the path of its Python. It has a pip, as in Colab.
    """
    run(uv, "venv", "--quiet", "--seed", "--python", python, folder)
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(uv, "pip", "install", "--quiet", "--no-config", "--python", inside, *options, cwd=ROOT)
    return inside


def versions(python: Path) -> dict[str, str]:
    """Return name -> version of everything that pip sees in an environment."""
    listed = run(python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
    pairs = (line.split("==") for line in listed.stdout.split())
    return {canonicalize_name(name): version for name, version in pairs}
