"""The workshop: its run sheets fit into their time and say what the lessons say."""

import copy
import dataclasses
import datetime
import os
import re
import signal
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from course_utils import checks, progress
from tools import answers
from workshop import lessons, machine, run_sheet

ROOT = Path(__file__).resolve().parents[2]
PLAN = lessons.read_toml("plan.toml")
FORMATS = PLAN["format"]


@pytest.fixture(params=FORMATS)
def form(request):
    return FORMATS[request.param]


@pytest.fixture
def sheet(form):
    return (ROOT / "workshop" / form["file"]).read_text(encoding="utf-8")


def tables(text):
    """Return the tables of a Markdown text, each as a list of rows, each a list of cells."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    return [
        [[c.strip() for c in line.strip("|").split("|")] for line in t.splitlines()] for t in found
    ]


def at_a_glance(text):
    return [table[2:] for table in tables(text) if table[0][0] == "From"]


@pytest.mark.slow
def test_the_run_sheets_are_what_the_plan_and_the_lessons_give():
    for path, text in run_sheet.sheets().items():
        assert path.read_bytes().decode() == text, (
            f"{path.name} is out of step: run `python start.py workshop run-sheet`."
        )


def test_the_clock_on_the_sheet_adds_up_to_the_session(form, sheet):
    """Each step begins when the one before it ends; we look only at the page."""
    schedules = at_a_glance(sheet)
    assert len(schedules) == len(form["session"])
    for rows, session in zip(schedules, form["session"], strict=True):
        begins = [datetime.datetime.strptime(row[0], "%H:%M") for row in rows]
        lasts = [datetime.timedelta(minutes=int(row[1])) for row in rows]
        assert begins[0].strftime("%H:%M") == session["start"]
        for begin, length, following in zip(begins, lasts, begins[1:], strict=False):
            assert begin + length == following
        length = begins[-1] + lasts[-1] - begins[0]
        assert length == datetime.timedelta(minutes=session["length"])
        assert int(rows[-1][1]) >= form["reserve"] >= 5
        assert "reserve" in rows[-1][2]


def test_each_session_has_a_break_and_much_of_it_is_theirs(sheet):
    for rows in at_a_glance(sheet):
        assert any("Break" in row[2] for row in rows)
        minutes = sum(int(row[1]) for row in rows)
        active = [int(row[1]) for row in rows if "they" in row[3]]
        assert sum(active) > minutes / 2.5
        talking = [int(row[1]) for row in rows if row[3] == "you speak"]
        assert max(talking) <= 6


def test_a_plan_that_takes_too_long_is_refused(form):
    run_sheet.check_minutes(PLAN, form)
    longer = copy.deepcopy(PLAN)
    longer["block"]["weights"]["minutes"] += 15
    with pytest.raises(lessons.PlanError, match="Take something out"):
        run_sheet.check_minutes(longer, form)


def test_every_start_of_tensorflow_is_on_the_clock(form, sheet):
    """Whoever works in a lesson has opened it in that session; we look only at the page."""
    for rows, session in zip(at_a_glance(sheet), form["session"], strict=True):
        opened = []
        for _, _, what, how, lesson in rows:
            if what.startswith("Everybody opens lesson"):
                opened.append(lesson)
            assert not how.startswith("they work") or lesson in opened
        minutes = sum(int(row[1]) for row in rows if row[3] == "they start it")
        coding = sum(
            int(found[1]) for row in rows if (found := re.match(r"they work (\d+)", row[3]))
        )
        assert f"they open ({', '.join(opened)}), which is {minutes} min." in sheet
        assert f"They write code for {coding} of the {session['length']} minutes" in sheet


def without(session, name):
    return {key: [n for n in session[key] if n != name] for key in ("plan", "late")}


def test_whatever_you_drop_the_rest_is_a_plan(form):
    """Each exercise and each block by itself; openings and breaks stay."""
    for place, session in enumerate(form["session"]):
        for name in session["plan"]:
            if not name.startswith(("open", "break")):
                shorter = copy.deepcopy(form)
                shorter["session"][place] |= without(session, name)
                run_sheet.check_minutes(PLAN, shorter)
                said = run_sheet.glance(PLAN, shorter["session"][place])
                assert f"| {run_sheet.step(PLAN, name).title} |" not in said
                assert run_sheet.late(PLAN, shorter)


def test_steps_can_change_places(form):
    moved = copy.deepcopy(form)
    plan = moved["session"][-1]["plan"]
    i, j = plan.index("coins"), plan.index("edges")
    plan[i], plan[j] = plan[j], plan[i]
    schedule = run_sheet.make(PLAN, moved)
    assert schedule.index("| Can you trust it? A bet |") < schedule.index("| The coin test |")
    first = moved["session"][0]["plan"]
    first.insert(0, first.pop(first.index("exercise 0.1")))
    with pytest.raises(lessons.PlanError, match='Put "open 0" above it'):
        run_sheet.make(PLAN, moved)


def test_an_exercise_that_the_lesson_makes_longer_is_refused_too(form, monkeypatch):
    tasks = dict(lessons.exercises())
    tasks["2.1"] = dataclasses.replace(tasks["2.1"], minutes=40)
    monkeypatch.setattr(run_sheet, "exercises", lambda: tasks)
    with pytest.raises(lessons.PlanError, match="Take something out"):
        run_sheet.check_minutes(PLAN, form)


def test_every_exercise_is_somewhere_once_with_its_minutes(sheet):
    """In the room, shown or as homework, with the minutes that the lessons' sources give."""
    expected = {}
    for path in sorted((ROOT / "notebooks" / "source").glob("0*.py")):
        text = path.read_text(encoding="utf-8")
        expected |= dict(re.findall(r'exercise=\{"id": "([\d.]+)", "minutes": (\d+)', text))
    assert len(expected) > 30
    [rows] = [table[2:] for table in tables(sheet) if table[0][0] == "Lesson"]
    said = re.findall(r"([\d.]+) \((\d+) min\)", " ".join(cell for row in rows for cell in row[1:]))
    assert sorted(said) == sorted(expected.items())


def test_every_exercise_has_its_misconception_and_its_common_mistakes(sheet):
    for task in lessons.exercises().values():
        about = PLAN["exercise"][task.id]
        assert about["belief"] in sheet
        assert task.mistakes in sheet
        assert len(about["answer"]) > 30
        assert f"Exercise {task.id}: {task.title}" in sheet


def test_what_is_done_in_the_room_is_told_before_and_after_with_its_solution(form, sheet):
    done = run_sheet.in_the_room(PLAN, form)
    assert len(done["exercise"]) >= 5
    for id in done["exercise"] | done["show"]:
        assert lessons.exercises()[id].solution in sheet
    script = sheet.partition("inute by minute")[2]
    assert script.count("**Say, before.**") == len(done["exercise"])
    assert script.count("**Ask.**") >= 10
    assert script.count("**What goes wrong.**") >= 5


def test_the_helpers_know_every_exercise_in_the_room_and_every_slip():
    sheet = (ROOT / "workshop" / run_sheet.HELPERS).read_text(encoding="utf-8")
    for form in FORMATS.values():
        for id in run_sheet.in_the_room(PLAN, form)["exercise"]:
            assert PLAN["exercise"][id]["belief"] in sheet
            assert lessons.exercises()[id].mistakes in sheet
    [rows] = [table[2:] for table in tables(sheet)]
    assert [row[2] for row in rows] == [slip["say"] for slip in PLAN["slip"]]


def run(client, cells) -> str:
    """Run cells as *Run All Above* does, to the first error; return its name, or "".

    A loop that never ends is interrupted, as with *Kernel*, *Interrupt Kernel*.
    """
    client.nb = nbformat.v4.new_notebook(cells=cells)
    for place, cell in enumerate(cells):
        typed_above = cells[place - 1].source if place else ""
        stop = threading.Timer(2, os.kill, (client.km.provisioner.pid, signal.SIGINT))
        try:
            if "while True" in typed_above:
                stop.start()
            client.execute_cell(cell, place)
        except CellExecutionError as error:
            return error.ename
        finally:
            stop.cancel()
    return ""


@pytest.mark.patient
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to interrupt a kernel")
def test_run_all_above_stops_where_the_sheet_says_and_the_way_out_works(monkeypatch):
    """Each slip in a real kernel, then three dots in its place; at the end, all dots at once."""
    monkeypatch.setenv(progress.VARIABLE, "")
    here = {"metadata": {"path": str(answers.notebooks.STUDENTS)}}
    notebook = answers.fresh(lessons.name_of(0))
    client = NotebookClient(notebook, kernel_name="python3", timeout=120, resources=here)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with client.setup_kernel():
        assert run(client, code) == ""
        for slip in PLAN["slip"]:
            name = slip["name"]
            stub = rf"^(?:def {name}\(.*|{name} = (?:\.\.\.|checks\.guess\(.*\)))\Z"  # to its end
            [at] = [i for i, c in enumerate(code) if re.search(stub, c.source, re.M | re.S)]
            forget = nbformat.v4.new_code_cell(f"globals().pop('{name}', None)")
            for typed, stops in ((slip["typed"].strip(), slip["stops"]), (f"{name} = ...", "")):
                cell = copy.deepcopy(code[at])
                cell.source = re.sub(stub, lambda _, t=typed: t, cell.source, flags=re.M | re.S)
                assert run(client, [forget, cell, code[at + 1]]) == stops, slip
            code[at] = cell  # three dots
        afresh = nbformat.v4.new_code_cell("%reset -f")
        assert run(client, [afresh, *code]) == ""


def test_three_dots_for_any_answer_are_no_obstacle(capsys):
    """The way out of a red error, in every exercise: the check hands out a working version."""
    for task in lessons.exercises().values():
        handed_out = getattr(checks, task.check)(...)
        assert capsys.readouterr().out.startswith(f"○ Exercise {task.id}: not done yet.")
        assert handed_out.from_the_course


def test_the_invitation_says_what_the_course_needs():
    letter = lessons.flat((ROOT / "workshop" / "invitation.md").read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [versions] = re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project)
    low, high = map(int, versions)
    assert f"Python 3.{low} to 3.{high - 1}, 64-bit" in letter
    assert f"{machine.DISK_SPACE / 1e9:.0f} GB of free disk" in letter
    assert "python3 start.py check" in letter
    assert "py start.py check" in letter


def test_every_quotation_is_in_the_solved_lesson():
    text = (ROOT / "workshop" / "plan.toml").read_text(encoding="utf-8")
    assert len(lessons.QUOTATION.findall(text)) > 60
    assert lessons.quote("<<2: not prepared:\n pillow>>!") == "`not prepared: pillow`!"
    with pytest.raises(lessons.PlanError, match="does not print this"):
        lessons.quote("<<2: not prepared: a dog>>")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: plan["block"]["cat"].update(heading="No such heading"), "No such heading"),
        (lambda plan: plan["block"]["cat"].update(lesson=9), "no lesson 9"),
        (lambda plan: plan["block"]["cat"].update(kind="sing"), "one of talk, show, predict"),
        (lambda plan: plan["exercise"].pop("3.2"), "needs before, after, review"),
        (lambda plan: plan["exercise"].pop("5.1"), "needs belief and answer"),
        (lambda plan: plan["block"]["coins"].pop("late"), "may be left out"),
        (lambda plan: plan["opening"].pop("2"), "'open 2' is no block"),
        (lambda plan: plan["format"]["three_hours"]["session"][0]["plan"].append("x"), "'x' is no"),
        (lambda plan: plan["block"]["close"].update(quiz=[[3, 99]]), "no quiz question 99"),
    ],
)
def test_a_slip_in_the_plan_gets_one_sentence(change, words):
    plan = copy.deepcopy(PLAN)
    change(plan)
    with pytest.raises(lessons.PlanError) as error:
        [run_sheet.make(plan, form) for form in plan["format"].values()]
    assert words in str(error.value)
    assert "\n" not in str(error.value)
