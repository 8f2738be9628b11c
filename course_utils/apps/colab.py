"""Install what the lessons need and Colab lacks. The set-up cell calls it, in Colab only."""

from __future__ import annotations

import contextlib
import importlib
import re
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

NEEDED = {"tf_explain": "tf-explain"}  # module -> package


def install_the_rest() -> None:
    """Install the missing packages without their dependencies, so nothing of Colab's is replaced.

    Without a network, it says what's missing, and the lessons that don't need it can begin. After a
    restart, Python finds the course again, even if the set-up cell isn't run.
    """
    course = Path(__file__).resolve().parents[2]
    with contextlib.suppress(OSError, ValueError):  # or a folder with an odd name
        Path(sysconfig.get_path("purelib"), "saliency_course.pth").write_text(f"{course}\n")
    missing = [module for module in NEEDED if not find_spec(module)]
    if not missing:
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    wanted = [_pinned(NEEDED[module], course) for module in missing]
    run = subprocess.run([*pip, *wanted], capture_output=True)
    importlib.invalidate_caches()  # makes Python see what's new
    names = ", ".join(missing)
    if run.returncode:
        print(run.stderr.decode(errors="replace"))
        print(f"pip couldn't install {names}, for the reason above: run this cell again later.")
    else:
        print(f"Installed for this session: {names}. Nothing else changed.")


def _pinned(package: str, course: Path) -> str:
    """Return a requirement for the version that the course was tested with."""
    pins = course / "requirements.txt"
    text = pins.read_text(encoding="utf-8") if pins.is_file() else ""
    found = re.search(rf"^{re.escape(package)}==[^\s;]+", text, re.MULTILINE)
    return found.group() if found else package
