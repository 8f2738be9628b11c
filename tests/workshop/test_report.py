"""The class report says what a class did, whatever form it was handed in; it names nobody."""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import itertools
import json
import re
import shutil
import textwrap
from pathlib import Path

import nbformat
import pytest
from answers import RIGHT, WRONG, function
from nbclient import NotebookClient
from page import Page

from course_utils import checks, progress
from tools import answers
from workshop import __main__ as workshop
from workshop import lessons, questions, report
from workshop.lessons import exercises

LESSON = lessons.name_of(1)
IDS = [task.id for task in exercises().values() if task.lesson == LESSON]
NAMES = {task.id: task.name for task in exercises().values()}
STUB, TYPED = None, "typed, and never run"

# What 12 people answered to exercises 1.1 to 1.5: nothing, the n-th right or wrong answer that
# tests/checks has for the exercise, or something of their own.
PEOPLE = {
    "ada": ("right 0", "right 1", "right 2", "right 3", "right 0"),
    "bela": ("right 3", "right 2", "right 3", "wrong 0", STUB),
    "chen": ("right 2", "wrong 0", "right 4", "wrong 1", STUB),
    "dora": ("right 5", "wrong 0", "right 5", "wrong 0", STUB),
    "emre": ("right 6", "wrong 0", "wrong 0", "right 4", "wrong 2"),
    "fela": ("wrong 0", "wrong 1", "wrong 0", STUB, STUB),
    "gita": ("wrong 0", "wrong 1", "right 6", STUB, STUB),
    "hugo": ("wrong 1", "wrong 2", "wrong 1", TYPED, STUB),
    "inga": ("right 7", "wrong 3", "right 7", "right 5", TYPED),
    "jona": ("right 4", "raise NameError('jona was here')", "right 2", STUB, STUB),
    "kofi": ("right 5", "return 'kofi'", STUB, STUB, STUB),
    "lena": (STUB, STUB, STUB, STUB, STUB),
}
GUESSES = {"ada": "stay", "bela": "rise", "chen": "rise", "dora": "fall", "emre": "sideways"}


def lines(id: str, answer: str) -> str:
    """Return what somebody types in place of the stub's three dots."""
    kind, _, number = answer.partition(" ")
    if kind == "right":
        return RIGHT[NAMES[id]][int(number)]
    if kind == "wrong":
        return WRONG[NAMES[id]][int(number)][0]
    return RIGHT[NAMES[id]][0] if answer == TYPED else answer


def type_in(notebook, answered: tuple, word: str | None) -> None:
    """Type somebody's answers into a notebook, and their guess at guess_area."""
    for id, answer in zip(IDS, answered, strict=True):
        if answer:
            stub = notebook.cells[answers.places(notebook)[id][0]]
            body = textwrap.indent(textwrap.dedent(lines(id, answer)).strip(), "    ")
            head, _, _ = stub.source.rpartition("\n")  # the last line is `return ...`
            stub.source = f"{head}\n{body}"
    for cell in notebook.cells:
        if cell.cell_type == "code" and word:
            asked = r"^guess_area = (?:\.\.\.|checks\.guess\(.*\))$"
            cell.source = re.sub(asked, f'guess_area = "{word}"', cell.source, flags=re.M)


def verdict(id: str, answer: str | None) -> str:
    """Return what the real check prints."""
    if answer == TYPED:
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        name = NAMES[id]
        getattr(checks, name)(function(name, lines(id, answer) if answer else "return ..."))
    return said.getvalue()


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory) -> dict[str, Path]:
    """Return one class's work in two forms: notebooks with their outputs, and progress files."""
    folder = tmp_path_factory.mktemp("handed in, für alle")
    fresh = answers.fresh(LESSON)
    with pytest.MonkeyPatch.context() as patch:
        for name, answered in PEOPLE.items():
            kept = folder / "progress" / f"{name}.jsonl"
            kept.parent.mkdir(exist_ok=True)
            patch.setenv(progress.VARIABLE, str(kept))
            notebook = copy.deepcopy(fresh)
            type_in(notebook, answered, GUESSES.get(name))
            for id, answer in zip(IDS, answered, strict=True):
                _, end = answers.places(notebook)[id]
                if said := verdict(id, answer):
                    notebook.cells[end].outputs = [nbformat.v4.new_output("stream", text=said)]
            run_guess(notebook, GUESSES.get(name))
            path = folder / "submitted" / name / "lesson_1" / f"{LESSON}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)
    return {"notebooks": folder / "submitted", "progress": folder / "progress"}


def run_guess(notebook, word: str | None) -> None:
    """Run the cell below guess_area, as if its answer were "stay"."""
    for cell in notebook.cells:
        if "checks.prediction(guess_area" in cell.source:
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                checks.prediction(word or ..., "stay", ["rise", "fall", "stay"])
            text = "something of the lesson's own\n" + said.getvalue()
            cell.outputs = [nbformat.v4.new_output("stream", text=text)]


def states(folder: Path, exercises_only: bool = False) -> dict:
    """Return the report's numbers: {item: ({state: students}, {mistake: students})}."""
    tallies = report.tally(report.read_class(folder).work)
    return {
        key: (dict(counted.states), dict(counted.mistakes))
        for key, counted in tallies.items()
        if key[1] in NAMES or not exercises_only
    }


def state(answer: str | None) -> str:
    words = {STUB: report.UNTOUCHED, TYPED: report.NOT_RUN}
    return words.get(answer) or (report.RIGHT if answer.startswith("right") else report.TRIED)


def test_the_numbers_are_what_the_class_did(handed_in):
    found = states(handed_in["notebooks"])
    for place, id in enumerate(IDS):
        answered = [state(person[place]) for person in PEOPLE.values()]
        counted, mistakes = found[1, id]
        assert counted == {word: answered.count(word) for word in set(answered)}
        assert sum(mistakes.values()) == answered.count(report.TRIED)
    assert found[1, "1.2"][1]["Your function stopped with NameError."] == 1
    assert max(found[1, "1.2"][1].values()) == 3  # "wrong 0", three times
    counted, mistakes = found[1, "guess_area"]
    assert counted == {report.RIGHT: 1, report.TRIED: 4, report.UNTOUCHED: 7}
    assert mistakes == {
        "predicted rise": 2,
        "predicted fall": 1,
        "a guess that isn't one of the choices": 1,
    }
    assert found[1, "guess_seven"][0] == {report.UNTOUCHED: 12}


def test_progress_files_say_the_same_as_notebooks(handed_in):
    """Except for what no check has seen: there's no such line, and no line means untouched."""
    notebooks = states(handed_in["notebooks"], exercises_only=True)
    files = states(handed_in["progress"])
    assert len(list(handed_in["progress"].iterdir())) == 11  # Lena's checks had nothing to note
    for key, (counted, mistakes) in notebooks.items():
        unseen = counted.pop(report.NOT_RUN, 0)
        counted[report.UNTOUCHED] = counted.get(report.UNTOUCHED, 0) + unseen - 1  # Lena
        assert files[key] == ({k: n for k, n in counted.items() if n}, mistakes)


def test_without_outputs_nothing_is_right_or_wrong(handed_in, tmp_path):
    before = states(handed_in["notebooks"])
    shutil.copytree(handed_in["notebooks"], tmp_path / "submitted")
    for path in tmp_path.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        nbformat.write(notebook, path)
    for key, (counted, mistakes) in states(tmp_path).items():
        touched = 12 - before[key][0].get(report.UNTOUCHED, 0)
        assert counted.get(report.NOT_RUN, 0) == touched
        assert counted.get(report.UNTOUCHED, 0) == 12 - touched
        assert not mistakes


LAYOUTS = {
    "a folder per student": "{name}/{lesson}.ipynb",
    "one folder": "{name}_{lesson}.ipynb",
    "one folder, with names after": "{lesson} - {name} (1).ipynb",
    "a folder per lesson": "lesson_1/{name}.ipynb",
    "a folder per lesson, then per student": "01_gradients/{name}/notebook.ipynb",
    "nbgrader's course folder": "submitted/{name}/lesson_1/{lesson}.ipynb",
    "as collecting leaves it": "handed_in/{name}/lesson_1/{lesson}.ipynb",
    "graded as well": "autograded/{name}/lesson_1/{lesson}.ipynb",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_it_reads_the_class_however_it_was_collected(layout, handed_in, tmp_path):
    for path in handed_in["notebooks"].rglob("*.ipynb"):
        new = tmp_path / layout.format(name=path.parts[-3], lesson=LESSON)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, new)
        if "handed_in" in layout:  # beside it is what collecting made of it: nothing has run
            blank = nbformat.read(path, as_version=4)
            for cell in (c for c in blank.cells if c.cell_type == "code"):
                cell.outputs = []
            made = tmp_path / "submitted" / path.parts[-3] / "lesson_1"
            made.mkdir(parents=True)
            nbformat.write(blank, made / path.name)
            (tmp_path / "points.csv").touch()
    for other in ("source/lesson_1", "release/lesson_1", ".ipynb_checkpoints", "__MACOSX"):
        (tmp_path / other).mkdir(parents=True)
        shutil.copy(answers.notebooks.SOLUTIONS / f"{LESSON}.ipynb", tmp_path / other)
    assert states(tmp_path) == states(handed_in["notebooks"])


def test_of_two_versions_the_better_one_counts(handed_in, tmp_path):
    for number, name in enumerate(("lena", "ada", "fela")):
        shutil.copy(
            handed_in["notebooks"] / name / "lesson_1" / f"{LESSON}.ipynb",
            tmp_path / f"{number}.ipynb",
        )
        (tmp_path / "one").mkdir(exist_ok=True)
        shutil.move(tmp_path / f"{number}.ipynb", tmp_path / "one")
    home = tmp_path / "one" / "saliency-course-progress.jsonl"
    shutil.copy(handed_in["progress"] / "bela.jsonl", home)
    for id, (counted, _) in states(tmp_path, exercises_only=True).items():
        assert counted == {report.RIGHT: 1}, id


def test_odd_files_are_named_and_stop_nothing(handed_in, tmp_path, capsys, recwarn):
    shutil.copytree(handed_in["notebooks"], tmp_path / "all" / "submitted")
    path = tmp_path / "all/submitted/ada/lesson_1" / f"{LESSON}.ipynb"
    whole = path.read_bytes()
    copied = json.loads(whole)
    copied["cells"].append(copied["cells"][0])  # with its id, as some editors copy cells
    path.write_text(json.dumps(copied), encoding="utf-8")
    (tmp_path / "all" / "zoë.zip").write_bytes(b"PK")
    odd = {
        "cut.ipynb": whole[:2000],
        "empty.ipynb": b"",
        "other.ipynb": nbformat.writes(nbformat.v4.new_notebook()).encode(),
        "lesson 12.ipynb": nbformat.writes(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Lesson 9. ?")])
        ).encode(),
        "rubbish.jsonl": b"\xff\x00[1]\n{",
        "marks.csv": b"name,points\nada,3\n",
        "grades.csv": b"nbgrader's own",
    }
    for name, content in odd.items():
        (tmp_path / "all" / "submitted" / name).write_bytes(content)
    expected = states(handed_in["notebooks"])
    assert states(tmp_path / "all") == expected
    report.write(tmp_path / "all", tmp_path / "made")
    printed = capsys.readouterr().out
    assert not recwarn
    named = [name for name in odd if f"{name}" in printed]
    assert named == [name for name in odd if name != "grades.csv"]
    assert printed.count("Not read: ") == len(named) + 1
    assert "zoë.zip is an archive" in printed
    assert "Not read: 7 files" in (tmp_path / "made" / "index.html").read_text(encoding="utf-8")


def test_a_byte_order_mark_is_no_obstacle(handed_in, tmp_path):
    path = handed_in["notebooks"] / "ada" / "lesson_1" / f"{LESSON}.ipynb"
    (tmp_path / "ada.ipynb").write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert states(tmp_path)[1, "1.5"][0] == {report.RIGHT: 1}


@pytest.mark.parametrize("what", ["nothing there", "empty", "archive.zip"])
def test_a_folder_without_work_is_refused_in_a_sentence(what, tmp_path, capsys):
    if what == "empty":
        (tmp_path / what).mkdir()
    elif what == "archive.zip":
        (tmp_path / what).write_bytes(b"PK")
    said = workshop.main(["report", str(tmp_path / what)])
    assert said is not None
    assert what in said
    assert "\n" not in said


def test_nothing_of_a_person_is_in_the_report_or_the_progress(handed_in, tmp_path):
    """Not their names, nor what's in their code, their results and their errors."""
    report.write(handed_in["notebooks"], tmp_path)
    made = [*tmp_path.iterdir(), *handed_in["progress"].iterdir()]
    assert len(made) == 2 + 11
    for path in made:
        text = path.read_text(encoding="utf-8")
        for name in PEOPLE:
            assert not re.search(rf"\b{name}\b", text), (path, name)


def test_an_answer_since_the_check_ran_has_no_verdict(tmp_path):
    """The output says "not done yet", but the cell has code by now."""
    notebook = answers.fresh(LESSON)
    start, end = answers.places(notebook)["1.1"]
    notebook.cells[end].outputs = [
        nbformat.v4.new_output("stream", text=verdict("1.1", STUB)),
    ]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert states(tmp_path)[1, "1.1"][0] == {report.UNTOUCHED: 1}
    notebook.cells[start].source = "def predict_linear(x, w, b):\n    return x @ w + b"
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert states(tmp_path)[1, "1.1"][0] == {report.NOT_RUN: 1}


def test_a_cell_that_is_no_python_was_tried(tmp_path):
    notebook = answers.fresh(LESSON)
    start, _ = answers.places(notebook)["1.1"]
    notebook.cells[start].source = "def predict_linear(x, w, b):\n    return x @ (w + b"
    error = nbformat.v4.new_output("error", ename="SyntaxError", evalue="'(' was never closed")
    notebook.cells[start].outputs = [error]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    expected = {report.TRIED: 1}, {"The cell stops with SyntaxError.": 1}
    assert states(tmp_path)[1, "1.1"] == expected


@pytest.fixture(scope="module")
def made(handed_in, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    both = shutil.copytree(handed_in["notebooks"], folder / "in" / "submitted").parent
    rows = [",".join(questions.HEADER), "otter,1,before,c,a", "otter,1,after,d,c"]
    (both / "answers.csv").write_text("\n".join(rows), encoding="utf-8")
    report.write(both, folder / "out")
    return folder / "out"


def test_the_table_has_the_numbers_for_every_exercise_and_prediction(made, handed_in):
    with (made / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    above, below = rows[: rows.index([])], rows[rows.index([]) + 1 :]
    head, *items = above
    assert len(items) == len([key for key in report.items() if key[0] == 1]) >= 10
    for row, (counted, mistakes) in zip(
        items, states(handed_in["notebooks"]).values(), strict=True
    ):
        said = dict(zip(head, row, strict=True))
        assert int(said["students"]) == 12
        for word in report.STATES:
            assert int(said[word]) == counted.get(word, 0)
            assert float(said[f"share {word}"]) == pytest.approx(int(said[word]) / 12, abs=5e-4)
        if mistakes:
            assert int(said["students 1"]) == max(mistakes.values())
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)  # no formulas
    goal = dict(zip(*below[:2], strict=True))
    assert {k: int(n) for k, n in goal.items() if n != "1"} == {"gained": 0, "lost": 0}


def test_the_page_is_one_file_that_everybody_can_read(made):
    text = (made / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    assert ("html", {"lang": "en"}) in page.elements
    assert not {"script", "img", "link", "iframe"} & set(tags)
    assert "@media print" in text
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    ids = [about["id"] for _, about in page.elements if "id" in about]
    links = [about["href"] for tag, about in page.elements if tag == "a"]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert tags.count("section") == len([key for key in report.items() if key[0] == 1])
    assert "Multiplying by the weights is the model." in text  # the run sheet's words
    assert "right (67\N{NO-BREAK SPACE}%)" in text  # 1.1: 8 of 12
    assert "1 of 1 (100\N{NO-BREAK SPACE}%)" in text


def test_progress_of_an_earlier_version_notes_no_mistake(tmp_path):
    line = '{"exercise": "1.1", "verdict": "tried", "time": "2026-11-26T09:00:00+01:00"}'
    (tmp_path / "ada.jsonl").write_text(line, encoding="utf-8")
    assert states(tmp_path)[1, "1.1"] == ({report.TRIED: 1}, {})
    assert "1 of 1 not right." in report.page(report.read_class(tmp_path))


def test_what_somebody_typed_stays_text(tmp_path):
    notebook = answers.fresh(LESSON)
    for cell in notebook.cells:
        if "checks.prediction(guess_area" in cell.source:
            said = "You predicted <script>alert(1)</script>. It is: stay. What surprised you?"
            cell.outputs = [nbformat.v4.new_output("stream", text=said)]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    text = report.page(report.read_class(tmp_path))
    assert "<script>" not in text
    assert "predicted &lt;script&gt;" in text


def test_every_exercise_and_prediction_has_a_title_and_something_to_say():
    for (lesson, id), item in report.items().items():
        assert item.title
        assert len(item.advice) > 30
        assert (len(item.question) > 20) == (id not in NAMES), (lesson, id)
    assert {id for _, id in report.items() if id in NAMES} == NAMES.keys()
    assert sum(id not in NAMES for _, id in report.items()) > 30


@pytest.mark.patient
@pytest.mark.slow
def test_lesson_1_as_somebody_runs_it(tmp_path, monkeypatch):
    """In a kernel, to the end: what the report reads is what a saved notebook contains."""
    notebook = answers.fresh(LESSON)
    type_in(notebook, PEOPLE["emre"], GUESSES["emre"])
    monkeypatch.setenv(progress.VARIABLE, "")
    here = {"metadata": {"path": str(answers.notebooks.STUDENTS)}}
    NotebookClient(notebook, kernel_name="python3", timeout=300, resources=here).execute()
    nbformat.write(notebook, tmp_path / "emre.ipynb")
    found = states(tmp_path)
    for id, answer in zip(IDS, PEOPLE["emre"], strict=True):
        assert found[1, id][0] == {state(answer): 1}
    assert found[1, "guess_area"][0] == {report.TRIED: 1}
    assert found[1, "guess_seven"][0] == {report.UNTOUCHED: 1}
