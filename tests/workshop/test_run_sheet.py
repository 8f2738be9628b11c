"""The workshop: its run sheets fit into their time and say what the lessons say."""

import copy
import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from workshop import lessons, run_sheet

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
