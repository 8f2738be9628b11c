"""Every quiz teaches: four to six questions, one right choice each, an explanation per choice."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pytest

from course_utils import checks
from course_utils.checks import _quiz

QUIZZES = sorted(_quiz.QUIZZES.glob("lesson*.json"))


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_is_complete(path):
    questions = json.loads(path.read_text(encoding="utf-8"))
    assert 4 <= len(questions) <= 6
    places = []
    for question in questions:
        assert question.keys() == {"question", "answers"}
        assert question["question"].endswith("?")
        answers = question["answers"]
        assert 3 <= len(answers) <= 4
        assert [a["correct"] for a in answers].count(True) == 1
        assert all(len(a["feedback"]) > 20 for a in answers), "each choice needs its explanation"
        assert len({a["answer"] for a in answers}) == len(answers)
        places.append(next(i for i, a in enumerate(answers) if a["correct"]))
    assert len(set(places)) > 1, "the right choice must not always be first"


def test_the_longest_choice_is_seldom_the_right_one():
    """The right choice is a longest one in at most a third of each quiz's questions."""
    for path in QUIZZES:
        questions = json.loads(path.read_text(encoding="utf-8"))
        longest = [
            question["question"]
            for question in questions
            if all(
                len(right["answer"]) >= len(other["answer"])
                for right in question["answers"]
                if right["correct"]
                for other in question["answers"]
            )
        ]
        assert 3 * len(longest) <= len(questions), (path.stem, longest)


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_outside_notebooks_is_printed(path, capsys):
    checks.quiz(int(path.stem.removeprefix("lesson")))
    said = capsys.readouterr().out
    for question in json.loads(path.read_text(encoding="utf-8")):
        assert question["question"] in said
        assert all(a["answer"] in said and a["feedback"] in said for a in question["answers"])


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_in_html_says_in_words_what_is_right(path):
    """Also without its script, which a browser doesn't run in a notebook that it doesn't trust."""
    page = _quiz.quiz_html(int(path.stem.removeprefix("lesson"))).partition("<script>")[0]
    for question in json.loads(path.read_text(encoding="utf-8")):
        for answer in question["answers"]:
            word = "Right" if answer["correct"] else "Not right"
            assert f"<b>{word}.</b> {_quiz._text(answer['feedback'])}" in page


def test_a_question_outside_notebooks_is_printed_and_left_open(capsys):
    assert checks.guess(["rise", "fall"]) is ...
    assert capsys.readouterr().out == "Your guess: one of these: rise, fall.\n"
    assert checks.guess() is ...
    assert capsys.readouterr().out == "Your guess: a number.\n"


def test_what_is_clicked_or_typed_into_a_field_is_compared(capsys):
    """The widgets that `checks.guess` returns in a notebook."""
    buttons = widgets.ToggleButtons(options=["rise", "fall"], value=None)
    checks.prediction(buttons, "fall", ["rise", "fall"])
    buttons.value = "rise"
    checks.prediction(buttons, "fall", ["rise", "fall"])
    field = widgets.Text()
    checks.prediction(field, 37)
    field.value = "forty"
    checks.prediction(field, 37)
    field.value = "40 %"
    checks.prediction(field, 37)
    assert capsys.readouterr().out.splitlines() == [
        "No prediction yet. It is: fall",
        "You predicted rise. It is: fall. What surprised you?",
        "No prediction yet. It is: 37",
        "'forty' is not a number: write one such as 12. "
        "Change your guess, and run this cell again.",
        "You predicted 40. It is: 37, so you were 3 off.",
    ]


WORDS = ["rise", "fall", "stay"]
SHARES = ["above 0.5", "below 0.5"]
CATS = ["tabby", "tiger cat", "Grad-CAM"]


@pytest.mark.parametrize(
    ("guess", "answer", "choices", "said"),
    [
        (..., "stay", WORDS, "No prediction yet. It is: stay"),
        (" Stay ", "stay", WORDS, "As you predicted: stay"),
        ("STAY.", "stay", WORDS, "As you predicted: stay"),
        ("Yes ", "yes", ["yes", "no"], "As you predicted: yes"),
        ("YES!", "no", ["yes", "no"], "You predicted yes. It is: no."),
        ("rises", "stay", WORDS, "You predicted rise. It is: stay."),
        ("stays", "stay", WORDS, "As you predicted: stay"),
        ("Above 0.5.", "above 0.5", SHARES, "As you predicted: above 0.5"),
        ("GradCAM", "Grad-CAM", CATS, "As you predicted: Grad-CAM"),
        ("Tiger-cat", "tabby", CATS, "You predicted tiger cat. It is: tabby."),
        ("lynx", "tabby", (), "You predicted lynx. It is: tabby."),
        ("Tabby", "tabby", (), "As you predicted: tabby"),
        (3, 3, (), "As you predicted: 3"),
        (np.int64(3), np.int64(3), (), "As you predicted: 3"),
        ("40", 40, (), "As you predicted: 40"),
        ("40 %", 40, (), "As you predicted: 40"),
        ("40%.", 40, (), "As you predicted: 40"),
        ("40 per cent", 40, (), "As you predicted: 40"),
        (40.0, 40, (), "As you predicted: 40"),
        (0.0, 0, (), "As you predicted: 0"),
        (40, 37, (), "You predicted 40. It is: 37, so you were 3 off."),
        ("40 %", 37, (), "You predicted 40. It is: 37, so you were 3 off."),
        ("0.5 %", 37, (), "You predicted 0.5. It is: 37, so you were 36.5 off."),
        (-3, 2, (), "You predicted -3. It is: 2, so you were 5 off."),
    ],
)
def test_a_prediction_is_compared(guess, answer, choices, said, capsys):
    checks.prediction(guess, answer, choices)
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize(
    "guess", ["rising", "up", "stay or rise", "st", "", " ", "...", None, 1, 0.5, True, [], "s"]
)
@pytest.mark.parametrize("answer", WORDS)
def test_a_slip_is_told_the_choices_and_not_the_answer(guess, answer, capsys):
    checks.prediction(guess, answer, WORDS)
    assert capsys.readouterr().out == (
        f"{guess!r} is not one of the choices: rise, fall, stay. Change your guess, and run both "
        "cells.\n"
    )


@pytest.mark.parametrize("guess", ["many", "", None, True, [40], "forty", "%", "4 or 5"])
def test_what_is_no_number_reveals_nothing(guess, capsys):
    checks.prediction(guess, 37)
    said = capsys.readouterr().out
    assert "is not a number: write one such as" in said
    assert "37" not in said


@pytest.mark.parametrize("guess", [None, "", 1, ["tabby"], "?"])
def test_a_question_without_choices_does_not_take_anything(guess, capsys):
    checks.prediction(guess, "tabby")
    assert capsys.readouterr().out == (
        f"{guess!r} is not a word. Change your guess, and run both cells.\n"
    )


@pytest.mark.parametrize("guess", [0.4, "0.4", ".4"])
def test_a_fraction_is_told_about_per_cent(guess, capsys):
    checks.prediction(guess, 37)
    said = capsys.readouterr().out
    assert "in per cent, 0.4 is 40" in said
    assert "37" not in said


def test_of_a_thousand_names_the_similar_ones_are_told(capsys):
    names = [f"word {i}" for i in range(1000)] + ["Egyptian cat"]
    checks.prediction("egyptain cat", "word 7", names)
    said = capsys.readouterr().out
    assert "not one of the 1001 names. Similar names: Egyptian cat." in said
    assert "word 7" not in said
    checks.prediction("qqq", "word 7", names)
    assert "Try another word" in capsys.readouterr().out


SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "source").glob("0*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_asks_for_a_number_or_names_the_choices(path):
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "checks.prediction"
    ]
    assert calls
    for call in calls:
        number = ast.unparse(call.args[1]).startswith(("round(", "int("))
        assert number or len(call.args) == 3 or call.keywords, ast.unparse(call)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_asks_before_it_compares_and_offers_the_same_choices(path):
    """Each prediction has its own buttons above it, in an earlier cell; typing needs no choices."""
    text = path.read_text(encoding="utf-8")
    asked = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("checks.guess("):
            asked[ast.unparse(node.targets[0])] = node
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "checks.prediction":
            question = asked.pop(ast.unparse(node.args[0]))
            between = text.splitlines()[question.lineno : node.lineno - 1]
            assert any(line.startswith("# %%") for line in between)
            offered = question.value.args[:1]
            if offered and len(node.args) == 3 and isinstance(offered[0], ast.List):
                compared = node.args[2]
                if isinstance(compared, ast.List):
                    assert ast.unparse(offered[0]) == ast.unparse(compared)
    assert not asked


def test_the_answer_is_not_stay_three_times_in_a_row():
    answers = []
    for path in sorted((Path(__file__).parents[2] / "notebooks" / "solutions").glob("0*.ipynb")):
        answers += re.findall(r"No prediction yet\. It is: (\w+)", path.read_text(encoding="utf-8"))
    assert {"rise", "fall", "stay"} < set(answers)
    of_three = [answer for answer in answers if answer in WORDS]
    assert "stay stay stay" not in " ".join(of_three)
