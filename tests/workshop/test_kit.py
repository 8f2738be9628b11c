"""The offline kit: what goes into it for which computer. No test downloads anything.

.ci/offline_kit tries whether a kit installs without a network.
"""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from tools import notebooks
from workshop import lessons, machine, offline_kit

PLATFORMS = sorted(offline_kit.TAGS)
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def names(platform, release):
    return {requirement.name for requirement in offline_kit.requirements(platform, release)}


def test_there_are_kits_for_what_start_runs_on():
    assert set(offline_kit.TAGS) == set(offline_kit.SYSTEMS) == set(machine.PLATFORMS)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_package_once_in_the_version_for_that_computer(platform, python):
    for release in offline_kit.releases(python):
        chosen = offline_kit.requirements(platform, release)
        assert len(chosen) == len({requirement.name for requirement in chosen}) > 150
        assert all(str(requirement.specifier).startswith("==") for requirement in chosen)
        assert {"tensorflow", "jupyterlab", "hatchling"} <= names(platform, release)


def test_markers_are_read_for_the_other_computer_and_not_for_this_one():
    assert "pywinpty" in names("win-amd64", "3.12.0")
    assert not {"pexpect", "ptyprocess"} & names("win-amd64", "3.12.0")
    for platform in ("linux-x86_64", "macosx-arm64"):
        assert "pywinpty" not in names(platform, "3.12.0")
        assert "pexpect" in names(platform, "3.12.0")
    assert "tomli" in names("macosx-arm64", "3.10.0")
    assert "tomli" not in names("macosx-arm64", "3.13.0")


def test_a_package_that_depends_on_the_bugfix_release_comes_in_both_versions():
    """Debian 12 has Python 3.11.2, others 3.11.14."""
    first, last = ("3.11.0", "3.11.99")
    versions = {
        str(r)
        for release in (first, last)
        for r in offline_kit.requirements("linux-x86_64", release)
    }
    assert len([text for text in versions if text.startswith("soupsieve==")]) == 2


def test_a_wheel_that_is_missing_is_named(tmp_path):
    for release in offline_kit.releases("3.12"):
        for requirement in offline_kit.requirements("win-amd64", release):
            version = str(requirement.specifier).removeprefix("==")
            name = requirement.name.replace("-", "_")
            (tmp_path / f"{name}-{version}-py3-none-any.whl").touch()
    assert offline_kit.missing("win-amd64", "3.12", tmp_path) == []
    [keras] = tmp_path.glob("keras-*")
    keras.rename(tmp_path / "keras-0.1-py3-none-any.whl")
    assert [text[:7] for text in offline_kit.missing("win-amd64", "3.12", tmp_path)] == ["keras=="]


@pytest.mark.slow
def test_the_archive_holds_the_course_and_the_wheels_beside_start(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "some-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (wheels / machine.KIT).write_text(
        '{"platform": "win-amd64", "python": "3.12"}', encoding="utf-8"
    )
    offline_kit.pack(tmp_path / "kit.zip", wheels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit.zip", "wheels"]
    with zipfile.ZipFile(tmp_path / "kit.zip") as kit:
        inside = kit.namelist()
        kit.extractall(tmp_path / "Kurs für alle")
    for name in (
        "start.py",
        "requirements.txt",
        "notebooks/00_start_here.ipynb",
        "data/digits.npz",
    ):
        assert f"saliency-course/{name}" in inside
    assert not any(part in name for name in inside for part in ("/.git/", "/.venv/", "/_build/"))
    root = tmp_path / "Kurs für alle" / "saliency-course"
    assert machine.read_kit(root / machine.WHEELS.name) == {
        "platform": "win-amd64",
        "python": "3.12",
    }
    # If a Python runs start.py there and the kit isn't for it, start.py says so in one sentence.
    other = "macosx-arm64" if machine.describe()["platform"] != "macosx-arm64" else "win-amd64"
    (root / machine.WHEELS.name / machine.KIT).write_text(
        f'{{"platform": "{other}", "python": "3.12"}}', encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, str(root / "start.py"), "check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"are for Python 3.12 on {other}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (root / ".venv").exists()


# --------------------------------------------------------------------- which files are the course


SMALL = {
    "start.py": "",
    "requirements.txt": "",
    "pyproject.toml": "",
    "course_utils/__init__.py": "",
    "course_utils/apps/card.py": "",
    "data/manifest.json": '{"digits.npz": {}}',
    "data/digits.npz": "",
    "notebooks/03_grad_cam.ipynb": "{}",
    "docs/übersicht.md": "",
}
MADE = (".venv/pip.py", "wheels/a.whl", "workshop/_build/x.zip", "course_utils/__pycache__/a.pyc")
MADE += ("my env/pyvenv.cfg", "my env/lib/pip.py")


def git(folder, *words):
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")


def unpacked(folder):
    pass


def cloned(folder):
    commit(folder)
    (folder / "private.txt").write_text("not the course's", encoding="utf-8")


def in_another_repository(folder):
    (folder.parent / "mine.txt").write_text("", encoding="utf-8")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", "mine.txt")


def ignored_by_another_repository(folder):
    in_another_repository(folder)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")


def part_of_another_repository(folder):
    commit(folder.parent)


def just_begun(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "start.py", "requirements.txt")


def somebody_elses(folder):
    """As with sudo: git refuses to say anything."""
    commit(folder)
    (folder / ".git" / "config").write_text("nonsense", encoding="utf-8")


@pytest.mark.parametrize(
    "situation",
    [
        unpacked,
        cloned,
        in_another_repository,
        ignored_by_another_repository,
        part_of_another_repository,
        just_begun,
        somebody_elses,
    ],
)
def test_the_files_are_all_there_in_any_git_situation(situation, tmp_path):
    folder = tmp_path / "work" / "saliency-course"
    for name, text in {**SMALL, ".gitignore": "\n".join(MADE), **dict.fromkeys(MADE, "")}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    situation(folder)
    found = {name.as_posix() for name in offline_kit.course_files(folder)}
    assert found == {*SMALL, ".gitignore"}


def test_a_hook_of_another_repository_does_not_lead_astray(tmp_path, monkeypatch):
    before = offline_kit.course_files()
    git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert offline_kit.course_files() == before
    assert len(before) > 300


@pytest.mark.slow
def test_a_kit_for_students_has_no_solution_and_nothing_that_they_never_run(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    offline_kit.pack(tmp_path / "kit.zip", wheels, students=True)
    with zipfile.ZipFile(tmp_path / "kit.zip") as kit:
        kit.extractall(tmp_path)
    root = tmp_path / "saliency-course"
    folders = {path.name for path in root.iterdir() if path.is_dir()}
    assert folders == {"course_utils", "data", "docs", "notebooks", "tools", "workshop"}
    assert {path.name for path in (root / "workshop").iterdir()} == {"__init__.py", "machine.py"}
    for path in (*root.glob("notebooks/**/*"), *root.glob("tools/*")):
        assert path.is_dir() or "### BEGIN SOLUTION\n    " not in path.read_text(encoding="utf-8")
    for lesson in notebooks.lessons():
        assert (root / "notebooks" / f"{lesson}.ipynb").is_file()
    for page in root.rglob("*.md"):
        for path in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8")):
            assert (page.parent / path).exists(), f"{page.name} links to {path}"

    def start(*words):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys, start; sys.exit(start.main({words!r}))"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return done.stderr.strip().splitlines()[-1]

    for command in ("test", "workshop"):
        assert "This copy of the course is for students" in start(command)
    # Their exercises begin again from what's in the kit.
    code = "from tools import answers; sys.exit(answers.main(['reset', '3']))"
    book = root / "notebooks" / "03_grad_cam.ipynb"
    new = book.read_bytes()
    book.write_text("{}", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.environ["PYTHONPATH"].split(os.pathsep)[0]}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}"], cwd=root, env=environment, timeout=100
    )
    assert done.returncode == 0
    assert json.loads(book.read_bytes()) == json.loads(new)


def test_the_longest_path_that_a_kit_installs_is_found(tmp_path):
    with zipfile.ZipFile(tmp_path / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a/include/b.h", "")
        wheel.writestr("a-1.data/data/share/jupyter/x", "")
        wheel.writestr("a-1.data/scripts/a_very_long_name_of_a_script", "")
    assert offline_kit.longest_path(tmp_path) == "Scripts/a_very_long_name_of_a_script"
    with zipfile.ZipFile(tmp_path / "b-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("b-1.data/purelib/b/longer/than/the/script.h", "")
    assert offline_kit.longest_path(tmp_path) == "Lib/site-packages/b/longer/than/the/script.h"


@pytest.mark.parametrize(
    ("platform", "python", "words"),
    [
        ("windows", "3.12", "not for 'windows'"),
        ("win-amd64", "3.9", "not on '3.9'"),
        ("win-amd64", "3.12.1", "not on '3.12.1'"),
    ],
)
def test_a_computer_without_a_kit_gets_one_sentence(platform, python, words, tmp_path):
    with pytest.raises(lessons.PlanError, match=words):
        offline_kit.write(platform, python, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_says_what_it_needs():
    def workshop(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "workshop", *arguments],
            cwd=lessons.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )

    done = workshop("kit", "toaster", "3.12")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("workshop: there are kits for")
    assert done.stderr.count("\n") == 1
    assert "run-sheet" in workshop("--help").stdout
