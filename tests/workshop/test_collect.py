"""Collecting: whatever students hand in, through any platform, becomes what nbgrader can grade."""

from __future__ import annotations

import base64
import copy
import re
import tarfile
import time
from pathlib import Path

import nbformat
import numpy as np
import odd_files
import pytest
from odd_files import answer, changed, check_of, raw, solution, solved, stub_of, zipped

from workshop import collect, exports, grading, lessons
from workshop.lessons import PlanError, notebooks

pytestmark = pytest.mark.slow  # each makes a whole class's submissions

LESSON = lessons.name_of(0)
FILE = f"{LESSON}.ipynb"
NAME = grading.assignment(LESSON)


@pytest.fixture(scope="module")
def releases() -> dict[str, str]:
    """Return the releases of lessons 0 and 7, as nbgrader would make them."""
    chosen = (LESSON, lessons.names()[-1])
    made = {name: notebooks.student_version(grading.source_version(name)) for name in chosen}
    return {name: notebooks.text(release) for name, release in made.items()}


@pytest.fixture
def course(tmp_path, releases) -> Path:
    """Return a course folder with those releases."""
    for lesson, text in releases.items():
        path = tmp_path / "course" / "release" / grading.assignment(lesson) / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "course"


def collected(course: Path, files: dict[str, bytes], **more) -> dict[str, collect.Submission]:
    """Collect an archive with these files; return the submissions by student and lesson."""
    path = course.parent / "export.zip"
    path.write_bytes(zipped(files, **more))
    return {f"{s.student} {s.lesson[:2]}": s for s in collect.collect(path, course)}


def submitted(course: Path, student: str, lesson: str = LESSON) -> nbformat.NotebookNode:
    name = grading.assignment(lesson)
    path = course / "submitted" / student / name / f"{lesson}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(ids) == len(set(ids))
    return notebook


def code_of(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize(
    ("path", "owner", "name"),
    [
        ("Ada Lovelace_123_assignsubmission_file_/a.ipynb", "Ada Lovelace", "a.ipynb"),
        ("Ada Lovelace_123_assignsubmission_file_/sub/a.ipynb", "Ada Lovelace", "a.ipynb"),
        ("Ada Lovelace_123_assignsubmission_file_a.ipynb", "Ada Lovelace", "a.ipynb"),
        ("lovelaceada_12345_67890_a.ipynb", "lovelaceada", "a.ipynb"),
        ("lovelaceada_LATE_12345_67890_a-1.ipynb", "lovelaceada", "a-1.ipynb"),
        ("A 3_ada_attempt_2026-11-20-12-00-00_a.ipynb", "ada", "a.ipynb"),
        ("_ada_attempt_2026-11-20-12-00-00.txt", "ada", "_ada_attempt_2026-11-20-12-00-00.txt"),
        ("lovelaceada_12345_text.html", "lovelaceada", "lovelaceada_12345_text.html"),
        ("12-34 - Ada Lovelace - Nov 20, 2026 1200 PM/a.ipynb", "Ada Lovelace", "a.ipynb"),
        ("A 3/submissions/Lovelace_Ada_ada_99/20261120120000_a.ipynb", "Lovelace Ada", "a.ipynb"),
        ("A 3/Submitted files/Lovelace, Ada/A 3/Version 2/a.ipynb", "Lovelace, Ada", "a.ipynb"),
        ("Ada Lovelace - 03_grad_cam.ipynb", "Ada Lovelace", "Ada Lovelace - 03_grad_cam.ipynb"),
        ("Ada M. Lovelace - 03_grad_cam v2.ipynb", "Ada M Lovelace",
         "Ada M. Lovelace - 03_grad_cam v2.ipynb"),
        ("Group 123 - 03_grad_cam.ipynb", "Group123", "Group 123 - 03_grad_cam.ipynb"),
        ("ad123_03_grad_cam (1).ipynb", "ad123", "ad123_03_grad_cam (1).ipynb"),
        ("ada+lesson_3+2026-11-20 12:00:00.123456 UTC+aBc/a.ipynb", "ada", "a.ipynb"),
        ("submitted/ada/lesson_3/03_grad_cam.ipynb", "ada", "03_grad_cam.ipynb"),
        ("ada/03_grad_cam.ipynb", "ada", "03_grad_cam.ipynb"),
        ("Ada_lesson3/03_grad_cam.ipynb", "Ada", "03_grad_cam.ipynb"),
        ("drive-download-20261127T101010Z-001/Lesson 3/Ada - 03_grad_cam.ipynb", "Ada",
         "Ada - 03_grad_cam.ipynb"),
        ("class/lesson_3/Ada.ipynb", "Ada", "Ada.ipynb"),
        ("Lesson 3/Ada/03_grad_cam.ipynb", "Ada", "03_grad_cam.ipynb"),
        ("123/03_grad_cam.ipynb", "123", "03_grad_cam.ipynb"),
        ("ada/course/notebooks/03_grad_cam.ipynb", "ada", "03_grad_cam.ipynb"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrapped", [False, True])
def test_each_platform_says_whose_a_file_is(tmp_path, path, owner, name, wrapped):
    other = path.replace("Ada", "Bob").replace("ada", "bob").replace("123", "456")
    other = other.replace("Lesson 3", "Lesson 4").replace("Z-001", "Z-002")
    files = {f"{'all/' * wrapped}{each}": b"{}" for each in (path, other)}
    archive = tmp_path / "export.zip"
    archive.write_bytes(zipped(files))
    first, second = sorted(exports.handed_in(archive, []), key=lambda file: file.path)
    assert (first.owner.name, first.name) == (owner, name)
    expected = owner.replace("Ada", "Bob").replace("ada", "bob").replace("123", "456")
    assert second.owner.name == expected
    assert first.late == ("LATE" in path)


def test_archives_in_archives_count_and_names_keep_their_umlauts(tmp_path):
    """macOS writes two letters per umlaut, in UTF-8, and doesn't say so."""
    (tmp_path / "a.ipynb").write_text("{}")
    with tarfile.open(tmp_path / "inner.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "a.ipynb", "work/a.ipynb")
    two_letters = "Ju\u0308rgen/b.ipynb"
    mac = zipped({two_letters: b"{}"})
    for place in (mac.index(b"PK\x03\x04") + 6, mac.index(b"PK\x01\x02") + 8):  # the flags
        assert mac[place + 1] == 8
        mac = mac[: place + 1] + b"\0" + mac[place + 2 :]
    source = tmp_path / "class"
    source.mkdir()
    (source / "mac.zip").write_bytes(mac)
    (source / "Zoë.zip").write_bytes(zipped({"deep/er/c.ipynb": b"{}", "__MACOSX/._c.ipynb": b""}))
    (source / "Ada").mkdir()
    (tmp_path / "inner.tar.gz").rename(source / "Ada" / "inner.tar.gz")
    found = exports.handed_in(source, [])
    assert {file.path for file in found} == {
        "mac.zip/Jürgen/b.ipynb",
        "Zoë.zip/deep/er/c.ipynb",
        "Ada/inner.tar.gz/work/a.ipynb",
    }
    assert {file.owner.name for file in found} >= {"Zoë", "Ada"}


def test_nothing_in_an_archive_leads_out_of_it_or_fills_the_memory(course, monkeypatch, capsys):
    monkeypatch.setattr(exports, "LARGEST", 2**20)
    monkeypatch.setattr(exports, "MOST_FILES", 10)
    bomb = zipped({"zeros.ipynb": bytes(2**21)})
    nested = zipped({"bomb.zip": zipped({"bomb.zip": zipped({"b.zip": zipped({"b.zip": bomb})})})})
    done = collected(
        course,
        {
            "../../../Eve/evil.ipynb": raw(solved(LESSON)),
            "/Eve/absolute.ipynb": raw(solved(LESSON)),
            "C:\\Eve\\..\\x.ipynb": raw(solved(LESSON)),
            "Bomb/a.zip": bomb,
            "Nest/a.zip": nested,
            "Huge/a.zip": zipped({"a": bytes(2**23)}),
            "Many/a.zip": zipped({f"{n}.txt": b"" for n in range(99)}),
            "Ada/a.ipynb": raw(solved(LESSON)),
        },
    )
    assert set(done["Ada 00"].answers) == {"0.1", "0.2"}
    said = capsys.readouterr().out
    assert "collecting stopped" not in said
    assert "Bomb/a.zip/zeros.ipynb: 2 MB, too large" in said
    assert "Huge/a.zip/a: 8 MB, too large" in said
    assert "b.zip: more than 3 archives inside one another" in said
    assert "there are more than 10 files" in said
    inside = {path.name for path in course.parent.iterdir()}
    assert inside == {"course", "export.zip"}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8-sig", "it began with a byte-order mark"), ("utf-16", "its letters were UTF-16")],
)
def test_a_byte_order_mark_is_no_obstacle(course, encoding, said):
    data = raw(solved(LESSON)).decode("utf-8").encode(encoding)
    done = collected(course, {"Ada/a.ipynb.txt": data})  # which some browsers make of it
    assert set(done["Ada 00"].answers) == {"0.1", "0.2"}
    assert done["Ada 00"].repaired == [f"a.ipynb: {said}"]
    assert (course / "handed_in" / "Ada" / NAME / "a.ipynb").read_bytes() == data


def copied(book) -> None:
    cell = next(c for c in book.cells if "def softmax(" in c.source)
    cell.metadata.nbgrader = {"grade_id": "exercise-0-2", "solution": True}
    book.cells.insert(book.cells.index(cell), copy.deepcopy(cell))


def split(book) -> None:
    cell = next(c for c in book.cells if "def softmax(" in c.source)
    odd_files.insert_after(book, cell, "not python (", "softmax(np.ones((1, 2)))")


def moved(book) -> None:
    cell = next(c for c in book.cells if "def softmax(" in c.source)
    book.cells.remove(cell)
    book.cells.append(cell)


def tried_again(book) -> None:
    cell, check = next(c for c in book.cells if "def softmax(" in c.source), check_of(book, "0.2")
    odd_files.insert_after(book, check, cell.source, check.source, "def softmax(s:  # third try")
    cell.source = "def softmax(scores):\n    return scores"


def joined(book) -> None:
    cell, check = next(c for c in book.cells if "def softmax(" in c.source), check_of(book, "0.2")
    cell.source += "\n\n" + check.source
    book.cells.remove(check)


def as_text(book) -> None:
    cell = next(c for c in book.cells if "def softmax(" in c.source)
    cell.cell_type = "markdown"


def no_headings(book) -> None:
    book.cells = [cell for cell in book.cells if cell.cell_type == "code"]


def colab(book) -> None:
    book.nbformat_minor = 0
    book.metadata = {"widgets": {"application/vnd.jupyter.widget-state+json": {"a": {}}}}
    for cell in book.cells:
        cell.pop("id", None)
        cell.metadata = {"id": "x", "executionInfo": {"user": {"displayName": "Ada"}}}


def by_sheets(book) -> None:
    """Make it a notebook of nbformat 3."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell["input"] = cell.pop("source")
    book["worksheets"] = [{"cells": book.pop("cells")}]
    book["nbformat"] = 3


@pytest.mark.parametrize(
    "change",
    [copied, split, moved, tried_again, joined, as_text, no_headings, colab, by_sheets],
    ids=lambda f: f.__name__,
)
def test_right_answers_survive_whatever_was_done_to_their_notebook(course, change):
    """The submission runs, cell by cell, and leaves the right function."""
    done = collected(course, {"Ada/Untitled (2).ipynb": changed(LESSON, change)})
    assert set(done["Ada 00"].answers) == {"0.1", "0.2"}
    assert not done["Ada 00"].look
    notebook = submitted(course, "Ada")
    assert "checks.softmax(softmax)" in check_of(notebook, "0.2").source
    ran = {"np": np}
    for cell in notebook.cells[: notebook.cells.index(check_of(notebook, "0.2"))]:
        if "def softmax(" in cell.source:
            exec(cell.source, ran)
    assert ran["softmax"](np.zeros((2, 4))).tolist() == [[0.25] * 4] * 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (raw(solved(LESSON))[:-3000], "breaks off"),
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (zipped({"a": b""}), "archive with another name"),
        (b"%PDF-1.4", "isn't a notebook"),
        (b'{"cells": 3}', "no cells"),
        (b"[" * 10**5, "isn't a notebook"),
        (b'{"a":' * 10**5, "can't be read|breaks off"),
        (raw(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])), "no lesson"),
    ],
    ids=["cut", "empty", "page", "zip", "pdf", "no cells", "brackets", "deep", "another"],
)
def test_what_is_no_notebook_is_said_and_stops_nobody(course, capsys, data, why):
    done = collected(course, {"Ada/a.ipynb": data, "Bob/b.ipynb": raw(solved(LESSON))})
    assert list(done) == ["Bob 00"]
    said = capsys.readouterr().out.partition("A person must look at:")[2]
    assert re.search(rf"Ada: Ada/a\.ipynb: .*({why})", said)


def test_a_locked_or_damaged_archive_is_said(course, capsys):
    """Whatever is wrong with one file, the class is collected."""
    good = zipped({"a.ipynb": raw(solved(LESSON))})
    where = good.index(b"PK\x01\x02")
    locked = good[:6] + b"\1" + good[7 : where + 8] + b"\1" + good[where + 9 :]
    middle = len(good) // 3
    damaged = good[:middle] + bytes(200) + good[middle + 200 :]
    files = {"Ada/a.zip": locked, "Bob/a.zip": damaged, "Cy/a.zip": good[: len(good) // 2]}
    done = collected(course, files | {"Dora/a.zip": good})
    assert list(done) == ["Dora 00"]
    said = capsys.readouterr().out
    assert "collecting stopped" not in said
    for name in (
        "Ada/a.zip/a.ipynb: can't be read (it has a password)",
        "Bob/a.zip/a.ipynb: can't",
        "Cy/a.zip: can't",
    ):
        assert name in said


def test_a_renamed_function_and_a_helper_elsewhere_are_taken_along(course):
    def change(book) -> None:
        stub_of(book, "0.2").source = (
            solution("0.2").replace("def softmax", "def mine").replace("np.exp", "to_power")
        )
        check_of(book, "0.2").source = "softmax = checks.softmax(mine)"
        book.cells.insert(1, nbformat.v4.new_code_cell("E = np.e\ndef to_power(x): return E ** x"))

    done = collected(course, {"Ada/a.ipynb": changed(LESSON, change, "0.1")})
    notes = " ".join(done["Ada 00"].answers["0.2"].notes)
    assert "was called mine" in notes
    assert "needs E, to_power" in notes
    code = code_of(submitted(course, "Ada"))
    assert "softmax = mine" in code
    assert "def to_power" in code


@pytest.mark.parametrize(
    "code",
    [
        "def softmax(scores): return checks.softmax(lambda *_: ...)(scores)",
        "softmax = checks.softmax(lambda *_: ...)\ndel softmax.from_the_course",
        "from course_utils.checks import lesson0\ndef softmax(s): return lesson0.softmax.right(s)",
        "import course_utils.checks as c\ndef softmax(s): return c.softmax.right(s)",
    ],
)
def test_an_answer_that_asks_the_checks_earns_nothing_and_says_so(course, capsys, code):
    def change(book) -> None:
        stub_of(book, "0.2").source = code

    done = collected(course, {"Ada/a.ipynb": changed(LESSON, change, "0.1")})
    assert "0.1" in done["Ada 00"].answers
    assert "0.2" not in done["Ada 00"].answers or done["Ada 00"].answers["0.2"].refused
    said = capsys.readouterr().out
    assert "0.2 earns nothing" in said or "not 0.2" in said
    assert (
        notebooks.STUB
        in next(c for c in submitted(course, "Ada").cells if "def softmax(" in c.source).source
    )


def test_own_checks_and_edited_checks_are_replaced_by_the_course_s(course):
    def change(book) -> None:
        cell = next(c for c in book.cells if "def softmax(" in c.source)
        cell.source = "class checks:\n    softmax = staticmethod(lambda f: f)\n" + cell.source
        check_of(
            book, "0.2"
        ).source = "softmax = checks.softmax(softmax)  # passed!\nprint('right')"

    collected(course, {"Ada/a.ipynb": changed(LESSON, change)})
    code = code_of(submitted(course, "Ada"))
    assert "class checks" not in code
    assert "passed!" not in code


def test_the_newest_answer_counts_in_whatever_order_they_are_collected(course):
    first = changed(LESSON, lambda book: answer(book, "0.2", "return scores"), "0.1")
    files = {"old": ("a.ipynb", first, 1), "new": ("b (1).ipynb", raw(solved(LESSON, "0.2")), 5)}
    for order in (("old", "new"), ("new", "old")):
        for name, data, day in map(files.get, order):
            collected(course, {f"Ada/{name}": data}, when=(2026, 11, day, 9, 0, 0))
        notebook = submitted(course, "Ada")
        assert "keepdims" in code_of(notebook)  # the new 0.2
        assert solution("0.1").splitlines()[-1] in code_of(notebook)  # only the old one has a 0.1
    kept = course / "handed_in" / "Ada" / NAME
    assert {path.name for path in kept.iterdir()} == {"a.ipynb", "b (1).ipynb"}
    (kept / ".ipynb_checkpoints").mkdir()  # a lecturer looked at it in JupyterLab, on a Mac
    (kept / ".DS_Store").write_bytes(b"\0")
    collected(course, {"Ada/a.ipynb": first}, when=(2026, 11, 9, 9, 0, 0))  # after all
    assert "keepdims" not in code_of(submitted(course, "Ada"))


def test_only_a_changed_submission_is_graded_again(course):
    collected(course, {"Ada/a.ipynb": raw(solved(LESSON, "0.1"))}, when=(2026, 11, 1, 9, 0, 0))
    graded = course / "autograded" / "Ada" / NAME
    graded.mkdir(parents=True)
    (graded / FILE).write_text("graded")
    (graded / FILE).chmod(0o444)  # as nbgrader leaves it
    collected(course, {"Ada/a.ipynb": raw(solved(LESSON, "0.1"))}, when=(2026, 11, 1, 9, 0, 0))
    assert graded.exists()
    collected(course, {"Ada/a.ipynb": raw(solved(LESSON))}, when=(2026, 11, 2, 9, 0, 0))
    assert not graded.exists()
    stamp = (course / "submitted" / "Ada" / NAME / "timestamp.txt").read_text()
    expected = time.strftime("%Y-%m-%d", time.gmtime(time.mktime((2026, 11, 2, 9, 0, 0, 0, 0, -1))))
    assert stamp.startswith(expected)


def test_two_of_the_same_name_are_kept_apart(course, capsys):
    one, two = "Jo Meyer_1_assignsubmission_file_", "Jo Meyer_2_assignsubmission_file_"
    done = collected(
        course,
        {
            f"{one}/a.ipynb": raw(solved(LESSON, "0.1")),
            f"{two}/a.ipynb": raw(solved(LESSON, "0.2")),
        },
    )
    assert {name: set(s.answers) for name, s in done.items()} == {
        "Jo_Meyer_1 00": {"0.1"},
        "Jo_Meyer_2 00": {"0.2"},
    }
    assert capsys.readouterr().out.count("somebody else has this name") == 1
    again = collected(course, {f"{two}/b.ipynb": raw(solved(LESSON))})
    assert list(again) == ["Jo_Meyer_2 00"]


def test_a_second_student_of_a_known_name_gets_a_folder_of_their_own(course):
    one, two = "Jo Meyer_1_assignsubmission_file_", "Jo Meyer_2_assignsubmission_file_"
    first = collected(course, {f"{one}/a.ipynb": raw(solved(LESSON, "0.1"))})
    second = collected(course, {f"{two}/a.ipynb": raw(solved(LESSON, "0.2"))})
    assert (list(first), list(second)) == (["Jo_Meyer 00"], ["Jo_Meyer_2 00"])
    assert set(second["Jo_Meyer_2 00"].answers) == {"0.2"}
    by_hand = collected(course, {"Jo Meyer/b.ipynb": raw(solved(LESSON))})  # a person named it
    assert list(by_hand) == ["Jo_Meyer 00"]
    both = {f"{one}/c.ipynb": raw(solved(LESSON)), f"{two}/c.ipynb": raw(solved(LESSON))}
    assert set(collected(course, both)) == {"Jo_Meyer 00", "Jo_Meyer_2 00"}


def test_names_that_make_the_same_folder_are_kept_apart_too(course):
    files = {
        "Jo Meyer/a.ipynb": raw(solved(LESSON, "0.1")),
        "Jo_Meyer/a.ipynb": raw(solved(LESSON, "0.2")),
        "***/a.ipynb": raw(solved(LESSON)),
    }
    done = collected(course, files)
    assert sorted(map(sorted, (each.answers for each in done.values()))) == [
        ["0.1"],
        ["0.1", "0.2"],
        ["0.2"],
    ]


def test_a_file_of_nobody_s_is_named_and_colab_may_say_whose_it_is(course, capsys):
    done = collected(course, {FILE: raw(solved(LESSON)), "x.ipynb": changed(LESSON, colab)})
    assert list(done) == ["Ada 00"]
    assert f"{FILE}: whose is it?" in capsys.readouterr().out


def test_a_draft_in_teams_counts_only_if_there_is_nothing_else(course, capsys):
    draft = f"Student Work/Working files/Bob/A 3/{FILE}"
    turned_in = f"Student Work/Submitted files/Ada/A 3/Version 2/{FILE}"
    files = {path: raw(solved(LESSON)) for path in (draft, turned_in)}
    assert list(collected(course, files)) == ["Ada 00"]
    assert "drafts" in capsys.readouterr().out
    assert list(collected(course, {draft: files[draft]})) == ["Bob 00"]


def test_a_class_s_folder_gives_nobody_a_name(course, capsys):
    for names in ((FILE, f"{LESSON} (1).ipynb"), (f"Ada Lovelace - {FILE}", f"Копия {FILE}", FILE)):
        done = collected(course, {f"Lesson 0/{name}": raw(solved(LESSON)) for name in names})
        said = capsys.readouterr().out
        assert list(done) == ["Ada_Lovelace 00"] * ("Ada" in names[0])
        assert [f"{name}: whose is it?" in said for name in names[-2:]] == [True, True]
    assert list(collected(course, {f"s12/{FILE}": raw(solved(LESSON))})) == ["s12 00"]


def test_a_group_s_work_counts_for_each_member_who_is_named(course, capsys):
    files = {"Ada & Bo Li/a.ipynb": "0.1", f"Ada and Cy - {FILE}": "0.2", "Team 7/a.ipynb": "0.2"}
    done = collected(course, {name: raw(solved(LESSON, id)) for name, id in files.items()})
    assert {name: set(each.answers) for name, each in done.items()} == {
        "Ada 00": {"0.1", "0.2"},
        "Bo_Li 00": {"0.1"},
        "Cy 00": {"0.2"},
        "Team_7 00": {"0.2"},
    }
    look = capsys.readouterr().out.partition("A person must look at:")[2]
    assert "Ada & Bo Li: counts for each" in look
    assert "Team 7: a group counts as one student" in look
    whole = {f"{path}/{FILE}": raw(solved(LESSON)) for path in ("1st/Ada", "1st/Bob", "2nd/x/Cy")}
    assert set(collected(course, whole)) == {"1st 00", "2nd 00"}
    look = capsys.readouterr().out
    assert "1st: counts as one student, with the folders Ada, Bob" in look
    assert "2nd: counts" not in look


def test_of_what_nbgrader_received_the_last_counts(course):
    """Its folders say when that was: copies of the files may all be of today."""
    inbound = "ada+lesson_0+2026-11-{} 09:00:00.123456 UTC+{}/a.ipynb"
    older = raw(solved(LESSON, "0.2"))
    wrong = changed(LESSON, lambda book: answer(book, "0.2", "return scores"), "0.1")
    tries = {inbound.format(20, "x"): wrong, inbound.format("09", "y"): older}
    assert list(collected(course, tries)) == ["ada 00"]
    assert "keepdims" not in code_of(submitted(course, "ada"))


def test_whoever_handed_in_nothing_of_their_own_is_named(course, capsys):
    """Also a link, which could lead to somebody else's work."""
    source = course.parent / "class"
    copies = {f".ipynb_checkpoints/{FILE}": raw(solved(LESSON))}
    for path, data in {
        f"Ada/{FILE}": raw(solved(LESSON)),
        f"Bob/.ipynb_checkpoints/{FILE}": raw(solved(LESSON)),
        "Cy/a.zip": zipped(copies),
        "Di.zip": zipped({}),
        "Eve/.DS_Store": b"",
        "Flo.zip": zipped(copies | {FILE: raw(solved(LESSON))}),
    }.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(data)
    (source / "Gus").mkdir()
    (source / "Gus" / FILE).symlink_to(source / "Ada" / FILE)
    assert [each.student for each in collect.collect(source, course)] == ["Ada", "Flo"]
    look = capsys.readouterr().out.partition("A person must look at:")[2]
    assert set(re.findall(r"(\w+): nothing to collect", look)) == {"Bob", "Cy", "Di", "Eve"}
    assert f"Gus/{FILE}: a link" in look


def test_a_whole_copy_of_the_course_counts_for_what_was_answered(course):
    files = {
        f"Ada/course/notebooks/{name}.ipynb": raw(odd_files.ordinary(name))
        for name in lessons.names()[:3]
    }
    files[f"Ada/course/notebooks/{FILE}"] = raw(solved(LESSON, "0.1"))
    files[f"Ada/course/notebooks/solutions/{FILE}"] = raw(lessons.solved(LESSON))
    done = collected(course, files)
    assert {name: set(s.answers) for name, s in done.items()} == {"Ada 00": {"0.1"}}


def test_predictions_are_kept_if_they_are_values(course):
    def change(book) -> None:
        guesses = [c for c in book.cells if grading.GUESS.match(c.source)]
        for cell in guesses:
            typed = "'tabby'" if cell is guesses[0] else "open('/etc/passwd').read()"
            cell.source = re.sub(r"checks\.guess\(.*\)", typed, cell.source)

    collected(course, {"Ada/a.ipynb": changed(LESSON, change)})
    code = code_of(submitted(course, "Ada"))
    assert "= 'tabby'" in code
    assert "passwd" not in code


def test_lesson_7_keeps_the_brief_and_shows_the_card(course):
    """The picture's path is the student's own; the file itself was handed in beside it."""
    lesson = lessons.names()[-1]

    def change(book) -> None:
        for cell in book.cells:
            cell.source = cell.source.replace('"astronaut"  # or', 'r"D:\\pictures\\dog.jpg"  # or')
            cell.source = cell.source.replace("the helmet in the box", "the ears, not the wall")

    png = notebooks.first_figure(lessons.solved(lesson).cells)[0]
    done = collected(
        course,
        {
            "Ada/mine.ipynb": changed(lesson, change),
            "Ada/card.png": base64.b64decode(png),
            "Ada/card.html": b"<!doctype html><title>card</title>",
            "Ada/dog.jpg": b"a picture",
            "Bob/mine.ipynb": raw(solved(lesson)),
        },
    )
    notebook = submitted(course, "Ada", lesson)
    code = code_of(notebook)
    assert "the ears, not the wall" in code
    assert "source = 'dog.jpg'" in code
    card = next(cell for cell in notebook.cells if cell.id == grading.CARD)
    assert card.attachments["card"]["image/png"] == png
    folder = course / "submitted" / "Ada" / grading.assignment(lesson)
    assert {"card.png", "card.html", "dog.jpg"} < {path.name for path in folder.iterdir()}
    assert done["Bob 07"].look == ["no card was handed in"]
    points = [int(n) for n in re.findall(r"\| (\d) \|$", notebook.cells[-2].source, 8)]
    assert sum(points) == grading.CARD_POINTS


def test_an_export_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(PlanError, match="can't be read"):
        collect.collect(tmp_path / "missing.zip", tmp_path / "course")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError, match="nothing to collect"):
        collect.collect(tmp_path / "empty", tmp_path / "course")
