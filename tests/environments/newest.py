"""Take the course with the newest versions of everything, whatever requirements.txt says.

    python tests/environments/newest.py

It makes an environment from the ranges in pyproject.toml, runs the quick tests in it, and then the
notebooks that students open. It isn't part of .ci/run: when it fails, somebody else's new release
is to blame, and not your change. A weekly workflow runs it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from platforms import EVERYBODY, pins
from shared import ROOT, Failure, environment_variables, get_uv, new_environment, versions


def differences(newest: dict[str, str]) -> list[str]:
    """Return the versions in which an environment differs from the pins for Linux."""
    pinned = pins(EVERYBODY, "x86_64-unknown-linux-gnu", "{}.{}".format(*sys.version_info))
    both = sorted(pinned.keys() & newest.keys())
    changed = [name for name in both if pinned[name] != newest[name]]
    return [f"{name} {pinned[name]} -> {newest[name]}" for name in changed]


def main() -> int:
    print("== The newest versions of everything", flush=True)
    with tempfile.TemporaryDirectory(prefix="course-newest-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # TensorFlow first, or uv takes an older one for the sake of a newer h5py.
        course = ["--upgrade", "tensorflow", "--editable", ".[notebook,test,site,grading]"]
        python = new_environment(get_uv(folder / "uv"), folder / "env", sys.executable, *course)
        changed = differences(versions(python))
        print(f"  {len(changed)} differ from what is pinned", *changed, sep="\n    ", flush=True)
        failed = 0
        students = sorted(str(path) for path in (ROOT / "notebooks").glob("0*.ipynb"))
        for tests in (["tests", "-m", "not slow"], students):
            command = [python, "-m", "pytest", "-ra", *tests]
            failed |= subprocess.call(command, cwd=ROOT, env=environment_variables())
    print("Newest versions:", "FAILED, see above." if failed else "all is well.")
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
