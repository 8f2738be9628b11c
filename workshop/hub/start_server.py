"""Start one student's server: give them their own copy of the notebooks, then become the server.

It runs as the student, so it can only write what the student may write. JupyterHub's configuration
on one machine (jupyterhub_config.py) and on Kubernetes (values.yaml) both name it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def copy_missing(source: Path, target: Path) -> list[str]:
    """Copy the student notebooks that `target` lacks, and return their names.

    Existing files are a student's work, and are never touched. A copy gets its name once it's
    complete: a full disk, or a server that's stopped midway, leaves no half notebook behind.
    """
    target.mkdir(exist_ok=True)
    copied = []
    for notebook in sorted(source.glob("*.ipynb")):
        own = target / notebook.name
        if not os.path.lexists(own):
            part = own.with_suffix(".part")
            shutil.copyfile(notebook, part)
            part.rename(own)
            copied.append(own.name)
    return copied


def main() -> None:
    """Give the student the missing notebooks, then become their server."""
    try:
        copy_missing(NOTEBOOKS, Path.home() / "saliency-course")
    except OSError as error:  # a full disk, say: the student gets in and can make room
        print(f"The notebooks couldn't be copied: {error}", file=sys.stderr, flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
