"""Check types with pyright, which VS Code runs as well: python -m tools.typecheck [file ...].

pyright is written in JavaScript, and fetches Node where there is none. Playwright brings one for
the tests in a browser, so nothing more has to be installed, and no network is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import playwright

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(playwright.__file__).with_name("driver")


def pyright(*arguments: str | Path, **options) -> subprocess.CompletedProcess:
    """Run pyright as the project sets it up, for the Python that runs this.

    Args:
        arguments: of pyright's command line.
        options: of subprocess.run.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.environ["PATH"], str(NODE)]),
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",  # or it asks the network for a newer version
    }
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, **options)


if __name__ == "__main__":
    sys.exit(pyright(*sys.argv[1:]).returncode)
