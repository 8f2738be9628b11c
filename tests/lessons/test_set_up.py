"""The set-up cell, the first of every notebook: what it does on which computer, and what it says.

`tests/environments/colab.py` runs it in an environment like Colab's, where it really installs.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workshop.offline_kit import pins

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]

ADDRESS = "https://nobody.example/course"  # .example is reserved: nobody is there
MODULES = ("course_utils", "tf_explain")


def requirements(path: Path) -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in pins(path)}


@pytest.fixture
def computer(monkeypatch, tmp_path):
    """A computer that has only some modules, and where nothing may be started."""

    class Computer:
        def __init__(self):
            self.modules = set(MODULES)
            self.commands = []

        def be_colab(self):
            monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
            self.modules -= set(MODULES)

        def pip_works(self):
            """From now on, pip "installs" everything it's asked for."""

            def run(command, **_):
                self.commands.append(command)
                self.modules |= set(MODULES)
                return subprocess.CompletedProcess(command, 0, b"", b"")

            monkeypatch.setattr(subprocess, "run", run)

    computer = Computer()
    found = importlib.util.find_spec

    def find_spec(name, package=None):
        return computer.modules & {name} if name in MODULES else found(name, package)

    def run(*_, **__):
        raise AssertionError("The set-up cell started a program.")

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.chdir(tmp_path)
    return computer


def run_cell(address: str = ADDRESS) -> None:
    exec(compile(notebooks.set_up(address), "the set-up cell", "exec"), {})


def test_every_notebook_begins_with_it():
    for name in [*notebooks.lessons(), *notebooks.APPS]:
        first = next(cell for cell in notebooks.read(name).cells if cell.cell_type == "code")
        assert first.source == notebooks.set_up(notebooks.repository())


def test_the_versions_are_those_of_requirements_txt():
    pinned = requirements(ROOT / "requirements.txt")
    cell = notebooks.set_up(ADDRESS)
    assert f'"{pinned["tf-explain"]}"' in cell
    assert "VERSION" not in cell
    assert "SOURCE_URL" not in cell
    with pytest.raises(ValueError, match="0 versions of no-such-package"):
        notebooks.pin("no-such-package")


def test_on_your_own_computer_it_says_ready(computer, capsys):
    run_cell()
    assert capsys.readouterr().out == "Ready.\n"


def test_in_a_clone_the_helper_beside_the_notebooks_is_used(computer, capsys, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    monkeypatch.setattr(sys, "path", [])
    run_cell()
    assert sys.path == [str(ROOT)]


def test_without_the_helper_it_names_the_command(computer):
    computer.modules.clear()
    with pytest.raises(RuntimeError, match=r"python start\.py"):
        run_cell()


def test_in_colab_it_installs_what_is_missing_and_no_dependency(computer, capsys):
    computer.be_colab()
    computer.pip_works()
    run_cell()
    [command] = computer.commands
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    assert command == [*pip, f"git+{ADDRESS}", f"tf-explain=={notebooks.pin('tf-explain')}"]
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert all(name in said for name in MODULES)

    run_cell()  # and not again
    assert len(computer.commands) == 1
    assert capsys.readouterr().out == "Ready.\n"


def test_in_colab_it_installs_no_more_than_is_missing(computer, capsys):
    computer.be_colab()
    computer.pip_works()
    computer.modules |= {"course_utils"}
    run_cell()
    [command] = computer.commands
    assert command[command.index("--no-deps") + 1 :] == [
        f"tf-explain=={notebooks.pin('tf-explain')}"
    ]
    said = capsys.readouterr().out
    assert "tf_explain" in said
    assert "course_utils" not in said


def test_a_copy_without_an_address_says_what_to_do(computer):
    computer.be_colab()  # and pip is not even started
    placeholder = "https://github.com/OWNER/a-course"
    with pytest.raises(RuntimeError, match="replace OWNER by the account") as told:
        run_cell(placeholder)
    assert placeholder in str(told.value)
    assert "README.md" in str(told.value)


def test_without_network_pips_reason_is_shown_and_what_to_do(capsys, monkeypatch):
    """The real pip and git, which cannot reach anything."""
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match="Run this cell again") as told:
        run_cell()
    assert "course_utils" in str(told.value)
    assert ADDRESS in str(told.value)
    shown = capsys.readouterr().out
    assert "git" in shown  # it couldn't reach the address, or isn't installed


# ------------------------------------------------------------------- what Colab has preloaded


COLAB = ROOT / "tests" / "environments"


def test_nothing_that_colab_has_preloaded_would_be_replaced():
    """The course works with each of Colab's versions: pyproject.toml's lower bounds allow it."""
    preloaded = requirements(COLAB / "colab.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        needed = Requirement(text)
        [pinned] = preloaded[canonicalize_name(needed.name)].specifier
        assert needed.specifier.contains(pinned.version), f"{text}, but Colab has {pinned.version}"


def test_the_environment_like_colabs_has_the_versions_that_colab_publishes():
    resolved = requirements(COLAB / "colab.txt")
    for name, published in requirements(COLAB / "colab.in").items():
        assert str(published.specifier) in ("", str(resolved[name].specifier))
    assert not {"tf-explain", "saliency-course", "nbval"} & resolved.keys()
