"""Progress survives what happens to files: restarts, cuts, damage, two writers, a full folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fuzz_targets import fuzz_progress

from course_utils import checks, progress
from course_utils.apps import preflight as command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def kept_in(tmp_path, monkeypatch):
    """A file of its own for each test."""
    path = tmp_path / "with space and ü" / "progress"
    path.parent.mkdir()
    monkeypatch.setenv(progress.VARIABLE, str(path))
    return path


def test_right_stays_right_and_nothing_is_written_twice(kept_in):
    assert progress.read() == ({}, 0)
    for right in (False, False, True, False, True):
        progress.record("1.2", right)
    progress.record("3.1", False)
    assert progress.read() == ({"1.2": "right", "3.1": "tried"}, 0)
    assert len(kept_in.read_bytes().splitlines()) == 3


def test_each_mistake_is_noted_once_until_it_is_right(kept_in):
    for right, mistake in [(0, "a"), (0, "b"), (0, "a"), (1, ""), (0, "c"), (0, "b")]:
        progress.record("1.2", bool(right), mistake)
    noted = [entry["mistake"] for entry in progress.entries()[0]]
    assert noted == ["a", "b", ""]
    assert progress.read() == ({"1.2": "right"}, 0)


def test_what_a_check_notes_is_the_courses_own_words(kept_in):
    """Nothing of the student's: no code, no names, no values."""
    weight = np.random.default_rng(0).normal(size=(8, 8))
    wrong = [
        lambda weights, c: weight * 1234567,
        lambda weights, c: "Geheim",
        lambda weights, c: {"geheim": 1234567},
        lambda weights, c: geheim,  # noqa: F821
        lambda weights, c: Path("/geheim/1234567").read_text(),
        lambda weights, c: weights[:, c],
        lambda weights, c: weights[c],
    ]
    for program in wrong:
        checks.weight_picture(program)
    text = kept_in.read_text(encoding="utf-8").lower()
    assert "geheim" not in text
    assert "1234567" not in text
    noted = {entry["mistake"] for entry in progress.entries()[0]}
    assert {"Your function stopped with NameError."} < noted
    assert "Your function stopped with FileNotFoundError." in noted
    sentences = {sentence for _, sentence in checks.weight_picture.wrong}
    assert len(noted & sentences) >= 1
    assert all(len(mistake) > 10 for mistake in noted)


def test_cut_at_any_byte_no_whole_line_is_lost_and_the_next_one_counts(kept_in):
    for exercise in ("0.1", "0.2", "1.1"):
        progress.record(exercise, True)
    whole = kept_in.read_bytes()
    for length in range(len(whole) + 1):
        kept_in.write_bytes(whole[:length])
        complete = whole[:length].count(b"}")  # a line is complete with its last bracket
        found, damaged = progress.read()
        assert len(found) == complete
        assert damaged == (whole[:length][-1:] not in (b"", b"\n", b"}"))
        progress.record("7.4", True)
        assert progress.read()[0] == {**found, "7.4": "right"}


def test_damaged_lines_are_counted_and_the_others_kept(kept_in):
    progress.record("0.1", True)
    rubbish = [
        b"\xff\xfe\x00",
        b"null",
        b"[1]",
        b"7",
        b'{"exercise": 1, "verdict": "right"}',
        b"{}",
    ]
    rubbish += [b'{"exercise": "1.1", "verdict": "right", "mistake": ["a"]}']
    rubbish += [b'{"exercise": "1.1", "verdict": "well"}', b'{"exercise": ["1.1"], "verdict": []}']
    with kept_in.open("ab") as file:
        file.write(b"\n".join(rubbish) + b"\n\n")
    progress.record("0.2", False)
    assert progress.read() == ({"0.1": "right", "0.2": "tried"}, len(rubbish))
    assert f"{len(rubbish)} damaged lines" in progress.as_text(progress.lessons())


WRITE = """
import sys
from course_utils import progress
print("ready", flush=True)
input()
for i in range(25):
    progress.record(f"{sys.argv[1]}.{i}", True)
"""


def test_several_notebooks_write_at_once(kept_in):
    kernels, pipe = range(4), subprocess.PIPE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(kernel)], cwd=ROOT, stdin=pipe, stdout=pipe, text=True
        )
        for kernel in kernels
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 4
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.communicate(timeout=60)[0] for writer in writers] == [""] * 4
    written = {f"{kernel}.{i}": "right" for kernel in kernels for i in range(25)}
    assert progress.read() == (written, 0)


def test_a_check_keeps_its_verdict(capsys):
    checks.weight_picture(lambda weights, c: ...)
    assert progress.read()[0] == {}
    working = checks.weight_picture(lambda weights, c: weights[c])
    assert progress.read()[0] == {"1.3": "tried"}
    checks.weight_picture(working)  # the course's own: the student gets no credit for it
    assert progress.read()[0] == {"1.3": "tried"}
    checks.weight_picture(lambda weights, c: np.asarray(weights)[:, c].reshape(8, 8))
    assert progress.read()[0] == {"1.3": "right"}


def in_its_place(path, what):
    """Put something else where the progress file is kept."""
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)  # opening it waits for a partner
    elif what == "endless device":
        path.symlink_to("/dev/zero")
    elif what == "link to itself":
        path.symlink_to(path)
    elif what == "folder that is a file":
        path.parent.rmdir()
        path.parent.write_text("a file, and no folder")
    elif what == "name that is too long":
        return path.with_name("x" * 5000)
    return path


POSIX = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no pipes, devices or links like these"
)


@pytest.mark.parametrize(
    "what",
    [
        "folder",
        pytest.param("pipe", marks=POSIX),
        pytest.param("endless device", marks=POSIX),
        pytest.param("link to itself", marks=POSIX),
        "folder that is a file",
        "name that is too long",
    ],
)
def test_whatever_is_in_its_place_the_lesson_goes_on(what, kept_in, monkeypatch, capsys):
    monkeypatch.setenv(progress.VARIABLE, str(in_its_place(kept_in, what)))
    for _ in range(2):
        checks.weight_picture(lambda weights, c: np.asarray(weights)[:, c].reshape(8, 8))
    printed = capsys.readouterr().out
    assert printed.count("right, well done") == 2
    assert printed.count("Your progress is not kept") == 1
    assert progress.read() == ({}, 0)
    progress.show_progress()
    assert command.main(["progress"]) == 1
    said = capsys.readouterr()
    assert "0 of" in said.out
    assert "can't be read: " in said.out
    assert said.err.startswith("Problem: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_nested_brackets_are_one_damaged_line(depth, kept_in):
    progress.record("0.1", True)
    with kept_in.open("ab") as file:
        for nested in (b"[" * depth, b'{"exercise": ' * depth, b"[" * depth + b"]" * depth):
            file.write(nested + b"\n")
    progress.record("0.2", True)
    assert progress.read() == ({"0.1": "right", "0.2": "right"}, 3)
    assert "3 damaged lines" in progress.as_text(progress.lessons())


def test_of_a_huge_file_the_beginning_is_read(kept_in):
    progress.record("0.1", True)
    with kept_in.open("ab") as file:
        file.truncate(20 * progress.MOST_BYTES)  # zeros
    tracemalloc.start()
    try:
        assert progress.read() == ({"0.1": "right"}, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * progress.MOST_BYTES


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no accounts without a home")
def test_an_account_without_a_home_folder(monkeypatch, capsys):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 3)  # no such account
    assert progress.progress_file() is None
    progress.record("0.1", True)
    assert progress.read() == ({}, 0)
    assert command.main(["progress"]) == 0
    assert "there is no home folder" in capsys.readouterr().out


def test_nothing_is_kept_where_the_variable_is_empty(monkeypatch, capsys):
    monkeypatch.setenv(progress.VARIABLE, "")
    progress.record("0.1", True)
    assert progress.read() == ({}, 0)
    assert command.main(["progress"]) == 0
    assert "nothing is kept" in capsys.readouterr().out


def test_the_home_folder_unless_somebody_chose(monkeypatch, tmp_path):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert progress.progress_file() == tmp_path / progress.NAME


def test_the_command_says_where_to_go_on(kept_in, capsys):
    course = json.loads(progress.CATALOGUE.read_text(encoding="utf-8"))
    names = [exercise["id"] for lesson in course for exercise in lesson["exercises"]]
    assert len(set(names)) == len(names) > 30
    for exercise in names[:3]:
        progress.record(exercise, True)
    assert command.main(["progress"]) == 0
    printed = capsys.readouterr().out
    assert f"3 of {len(names)} exercises are right." in printed
    assert f"Go on with exercise {names[3]}," in printed
    assert str(kept_in) in printed
    assert printed.encode("ascii", "ignore").decode() == printed.replace("ü", "")  # any console
    for exercise in names[3:]:
        progress.record(exercise, True)
    assert command.main(["progress"]) == 0
    assert "The course is done." in capsys.readouterr().out


def test_the_page_stands_alone(tmp_path, capsys):
    progress.record("1.1", True)
    page = tmp_path / "mine.html"
    assert command.main(["progress", "--page", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert '<html lang="en">' in text
    assert "the prediction: right" in text
    assert "contributions: open" in text
    assert text.count("✓&nbsp;") == 1
    assert "✓&nbsp;1.1" in text
    assert "○&nbsp;1.2" in text
    assert "✓ right" in text
    assert "○ open" in text
    assert not re.search(r"(?:src|href)=", text)
    with pytest.raises(SystemExit):
        command.main(["progress", "--page", str(tmp_path / "mine.pdf")])
    assert "ending in .html" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(50))
def test_any_content_is_read(seed):
    fuzz_progress(np.random.default_rng(seed))
