"""Every quiz teaches: four to six questions, one right choice each, an explanation per choice."""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from pathlib import Path

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
        assert question["type"] == "multiple_choice"
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
def test_a_quiz_without_jupyterquiz_is_printed(path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterquiz", None)
    checks.quiz(int(path.stem.removeprefix("lesson")))
    said = capsys.readouterr().out
    for question in json.loads(path.read_text(encoding="utf-8")):
        assert question["question"] in said
        assert all(a["answer"] in said and a["feedback"] in said for a in question["answers"])


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_leaves_the_random_numbers_alone(path):
    random.seed(1)
    expected = random.random()
    random.seed(1)
    checks.quiz(int(path.stem.removeprefix("lesson")))
    assert random.random() == expected


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


def test_the_answer_is_not_stay_three_times_in_a_row():
    answers = []
    for path in sorted((Path(__file__).parents[2] / "notebooks" / "solutions").glob("0*.ipynb")):
        answers += re.findall(r"No prediction yet\. It is: (\w+)", path.read_text(encoding="utf-8"))
    assert {"rise", "fall", "stay"} < set(answers)
    of_three = [answer for answer in answers if answer in WORDS]
    assert "stay stay stay" not in " ".join(of_three)
