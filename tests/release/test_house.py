"""The house: data flows one way, and CONTRIBUTING.md's map and names match it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import house

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", PAGE))
PATHS = sorted(code for code in CODE if re.fullmatch(r"[\w./-]+/[\w./-]+", code))
TESTS = sorted(code for code in CODE if code.startswith("test_") and "." not in code)
COMMANDS = r"python (?:-m (tools\.\w+)|((?:tests|tools|benchmarks)/[\w/.]+\.py))"


def test_data_flows_one_way():
    """The contracts are in pyproject.toml."""
    code = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=1))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_the_map_is_of_this_house():
    assert house.with_map(PAGE) == PAGE, "Run `python -m tools.house`."


def test_every_module_on_the_map_says_in_a_sentence_what_it_is_for():
    rooms = [line for line in house.house().splitlines() if ".py " in line]
    assert len(rooms) > 60
    for room in rooms:
        assert re.search(r"\.py +\S.*[.?!:]$", room), f"{room}: the first line isn't a sentence"


@pytest.mark.parametrize("path", PATHS)
def test_every_file_that_is_named_exists(path):
    names = path.replace("NN_name", "0[0-9]_*").replace("lessonN", "lesson[0-9]")
    here = (ROOT, ROOT / "course_utils")
    assert any(list(folder.glob(names.rstrip("/"))) for folder in here), path


@pytest.mark.parametrize("name", TESTS)
def test_every_test_that_is_named_exists(name):
    assert any(f"def {name}(" in p.read_text(encoding="utf-8") for p in ROOT.glob("tests/*/*.py"))


def test_every_command_names_a_file_or_module_that_exists():
    commands = re.findall(
        r"python (?:-m (tools\.\w+)|((?:tests|tools|benchmarks)/[\w/.]+\.py))", PAGE
    )
    assert len(commands) > 10
    for module, script in commands:
        assert (ROOT / (script or f"{module.replace('.', '/')}.py")).is_file(), module or script
