"""The workflows call commands that exist, the same ones as .ci/run, and together do all it does.

tests/environments/workflows.py asks the schema whether GitHub accepts them.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
EVERY_DAY = set(re.search(r"\$\{\*:-(.+)\}", CI).group(1).split())
EVERY_CHANGE = EVERY_DAY | {"coverage"}  # on GitHub
WEEKLY = {"roundings", "solved", "newest", "links", "answers", "audit"}


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(name: str) -> dict:
    return load(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"]


def commands(job: dict) -> list[list[str]]:
    """Return the words of each command in a job."""
    lines = "\n".join(step.get("run", "") for step in job["steps"]).splitlines()
    return [shlex.split(line) for line in lines]


def steps_of_ci(job: dict) -> set[str]:
    """Return the steps of .ci/run that a job asks for."""
    asked = [words[2:] for words in commands(job) if words[:2] == ["bash", ".ci/run"]]
    return {step for steps in asked for step in steps or EVERY_DAY}


def unknown(words: list[str]) -> list[str]:
    """Return what a command names that is not in this repository."""
    if words[:2] == ["bash", ".ci/run"]:
        return [step for step in words[2:] if step not in EVERY_CHANGE | WEEKLY]
    files = [word for word in words if re.search(r"\.(py|txt|toml|yml|sh)$", word)]
    return [name for name in files if not (ROOT / name).is_file()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_be_read_and_names_what_exists(path):
    workflow = load(path)
    assert {"name", True, "permissions", "jobs"} <= workflow.keys()  # YAML 1.1 reads `on` as true
    for job in workflow["jobs"].values():
        assert [unknown(words) for words in commands(job) if unknown(words)] == []
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_taken_by_its_commit(path):
    """Somebody could move a tag to other code. Dependabot reads the comment after the hash."""
    used = re.findall(r"uses: *(.+)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+(\.\d+)+", action)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_do_what_it_needs_and_no_more(path):
    workflow = load(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        asked, runs_our_code = job["permissions"], bool(commands(job))
        assert asked == {"contents": "read"} if runs_our_code else "contents" not in asked
        assert "timeout-minutes" in job
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_what_is_pinned_is_kept_fresh_in_one_change_a_week():
    text = (ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8")
    updates = {entry["package-ecosystem"]: entry for entry in yaml.safe_load(text)["updates"]}
    assert updates.keys() == {"github-actions", "docker"}
    for entry in updates.values():
        assert entry["schedule"] == {"interval": "weekly"}
        assert [group["patterns"] for group in entry["groups"].values()] == [["*"]]
    assert (ROOT / updates["docker"]["directory"].strip("/") / "Dockerfile").is_file()


def test_a_command_that_does_not_exist_is_noticed():
    assert unknown(["bash", ".ci/run", "tests", "tset"]) == ["tset"]
    assert unknown(["python", "strat.py"]) == ["strat.py"]


def test_every_step_of_ci_is_known_and_leads_to_a_file():
    listed = re.findall(r"^    ([a-z |]+)\)(?: #.*)?$", CI, flags=re.MULTILINE)
    known = {step.strip() for line in listed for step in line.split("|")}
    assert known == EVERY_CHANGE | WEEKLY
    elsewhere = {"tests", "patient", "coverage", "style", "fuzz"}
    elsewhere |= {"rounding", "roundings", "solved", "answers"}
    for step in known - elsewhere:
        assert (ROOT / "tests" / "environments" / f"{step}.py").is_file()


def test_a_change_meets_three_systems_and_the_oldest_and_newest_python():
    tests = jobs("tests")
    matrix = tests["tests"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["system"]} == {"ubuntu", "windows", "macos"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest, beyond = re.fullmatch(r">=(3\.\d+),<3\.(\d+)", project["requires-python"]).groups()
    assert matrix["python"] == [oldest, f"3.{int(beyond) - 1}"]
    assert set.union(*map(steps_of_ci, tests.values())) == EVERY_CHANGE


def test_what_others_change_is_looked_at_every_week():
    weekly = load(ROOT / ".github" / "workflows" / "weekly.yml")
    assert weekly[True]["schedule"]
    asked = set.union(*map(steps_of_ci, weekly["jobs"].values()))
    assert asked >= WEEKLY | {"tests", "platforms", "fuzz"}
