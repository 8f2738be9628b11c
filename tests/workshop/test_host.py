"""`start.py workshop host`: the course's address, put everywhere, by any Python, in a moment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import address, notebooks
from workshop import host, machine

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ada/kurs", "https://github.com/ada/kurs"),
        ("https://github.com/ada/kurs", "https://github.com/ada/kurs"),
        (" http://www.github.com/ada/kurs.git/ ", "https://github.com/ada/kurs"),
        ("git@github.com:Ada-L/kurs.2026.git", "https://github.com/Ada-L/kurs.2026"),
        ("ssh://git@GitHub.com/ada/kurs.git", "https://github.com/ada/kurs"),
        ("github.com/ada/kurs/tree/winter/2026", "https://github.com/ada/kurs/tree/winter/2026"),
        ("https://github.com/ada/kurs/tree/main", "https://github.com/ada/kurs"),
        (
            "https://github.com/ada/kurs/blob/master/notebooks/03_grad_cam.ipynb?raw=1",
            "https://github.com/ada/kurs/tree/master",
        ),
        (
            "https://colab.research.google.com/github/ada/kurs/blob/main/notebooks/03.ipynb#scrollTo=1",
            "https://github.com/ada/kurs",
        ),
        ("https://gitlab.com/group/ada/kurs/", "https://gitlab.com/group/ada/kurs"),
        ("https://gitlab.com/ada/kurs/-/tree/2026", "https://gitlab.com/ada/kurs/tree/2026"),
    ],
)
def test_an_address_may_be_typed_or_copied_from_the_browser(typed, address):
    assert host.clean(typed) == address
    assert host.clean(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada kurs",
        "https://github.com/ada",
        "gitlab.com/ada/kurs",
        'https://x/"',
        "C:\\a",
    ],
)
def test_what_is_no_address_gets_a_sentence_and_changes_nothing(typed):
    with pytest.raises(machine.StartError, match="not the address of a repository") as told:
        host.clean(typed)
    assert "\n" not in str(told.value)


@pytest.fixture
def course(tmp_path):
    """A copy of what the command needs and changes."""
    for name in ("start.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("workshop", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("_build"))
    solved = tmp_path / "notebooks" / "solutions"
    solved.mkdir(parents=True)
    for lesson in notebooks.lessons()[:2]:
        book = notebooks.solved_version(notebooks.read(lesson))
        for path in (solved.parent / f"{lesson}.ipynb", solved / f"{lesson}.ipynb"):
            path.write_text(notebooks.text(book), encoding="utf-8", newline="\n")
    return tmp_path


def files(course):
    return {p.relative_to(course): p.read_bytes() for p in course.rglob("*") if p.is_file()}


def test_nothing_but_the_address_changes_and_back_again_nothing_is_left(course):
    """By a Python without a single package."""

    def run(*words):
        command = [sys.executable, "-EsSB", "start.py", "workshop", "host", *words]
        return subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=60)

    before = files(course)
    done = run("ada/kurs")
    assert done.returncode == 0, done.stderr
    assert "/github/ada/kurs/blob/main/notebooks/00_start_here.ipynb" in done.stdout
    after = files(course)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {p for p in after if p.suffix == ".ipynb"} | {Path("pyproject.toml")}
    for path in changed - {Path("pyproject.toml")}:
        expected = nbformat.reads(before[path].decode(), as_version=4)
        address.put("https://github.com/ada/kurs", path.stem, expected)
        assert after[path].decode() == notebooks.text(expected)

    assert run("ada/kurs").stdout.startswith("https://github.com/ada/kurs: nothing to change")
    assert run("OWNER/saliency-course").returncode == 0
    assert files(course) == before
    (course / "notebooks" / "my_notes.ipynb").write_text("{}", encoding="utf-8")
    assert run("OWNER/saliency-course").returncode == 0
    before = files(course)
    broken = course / "notebooks" / "solutions" / "half.ipynb"
    book = next(course.glob("notebooks/0*.ipynb")).read_bytes()
    broken.write_bytes(book[: len(book) // 2])
    for words in ((), ("a/b", "c/d"), ("--help",), ("nonsense",), ("YOU/kurs",), ("ada/kurs",)):
        done = run(*words)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
    broken.unlink()
    assert files(course) == before
