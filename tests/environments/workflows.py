"""Does GitHub accept the workflows, the issue forms and CITATION.cff? Ask its schemas.

    python tests/environments/workflows.py

check-jsonschema comes with the schemas; zizmor looks for what a stranger could misuse. Once they're
downloaded, neither needs the network. (`tests/release/test_workflows.py` looks at what the files
say.)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from shared import ROOT, Failure, get_uv, run

SCHEMA = ["check-jsonschema==0.39.0", "--builtin-schema"]
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"
AUDIT = ["zizmor==1.32.0", "--offline", "--no-progress", "--config", ROOT / ".github/zizmor.yml"]


def main() -> None:
    print("== Workflows")
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    with tempfile.TemporaryDirectory(prefix="course-workflows-") as name:
        tool = [get_uv(Path(name) / "uv"), "tool", "run", "--no-config", "--quiet"]
        run(*tool, *SCHEMA, "vendor.github-workflows", *files)
        run(*tool, *SCHEMA, "vendor.dependabot", DEPENDABOT)
        run(*tool, *SCHEMA, "vendor.github-issue-forms", *sorted(FORMS.glob("[0-9]*.yml")))
        run(*tool, *SCHEMA, "vendor.github-issue-config", FORMS / "config.yml")
        run(*tool, *SCHEMA, "vendor.citation-file-format", ROOT / "CITATION.cff")
        run(*tool, *AUDIT, *files, DEPENDABOT)
    print(f"  {len(files)} workflows, and what else GitHub reads: all is well.")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
