"""Do our packages have known vulnerabilities? Ask the advisory database about every version.

    python tests/environments/audit.py

It looks at everything that is pinned for any system and Python: for the course, its instructors,
.ci/run and the Hub. It isn't part of .ci/run: when somebody finds a vulnerability, your change
isn't to blame. A weekly workflow runs it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from shared import ROOT, Failure, environment_variables, get_uv

from workshop import offline_kit

TOOL = "pip-audit==2.10.1"
FILES = [
    "requirements.txt",
    ".ci/requirements.txt",
    "workshop/requirements.txt",
    "workshop/hub/requirements.txt",
    "workshop/hub/image.txt",
]


def rounds(pinned: set[tuple[str, str]]) -> list[list[str]]:
    """Return lists of pins with each package once, because the tool takes one version at a time."""
    found: list[dict[str, str]] = []
    for name, version in sorted(pinned):
        place = next((pins for pins in found if name not in pins), None)
        if place is None:
            found.append(place := {})
        place[name] = f"{name}{version}"
    return [list(pins.values()) for pins in found]


def main() -> int:
    print("== Known weaknesses", flush=True)
    pins = {
        (pin.name, str(pin.specifier)) for name in FILES for pin in offline_kit.pins(ROOT / name)
    }
    failed = 0
    with tempfile.TemporaryDirectory(prefix="course-audit-") as name:
        tool = [get_uv(Path(name) / "uv"), "tool", "run", "--no-config", "--quiet", TOOL]
        for listed in rounds(pins):
            file = Path(name) / "pins.txt"
            file.write_text("\n".join(listed), encoding="utf-8")
            command = [*tool, "--strict", "--no-deps", "--disable-pip", "-r", file]
            failed |= subprocess.call([str(w) for w in command], env=environment_variables())
    print("Audit:", "FAILED, see above." if failed else f"{len(pins)} versions, all is well.")
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
