"""Every quiz teaches: four to six questions, one right choice, an explanation for each choice."""

from __future__ import annotations

import json
import random
import sys

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
        assert question["type"] == "multiple_choice" and question["question"].endswith("?")
        answers = question["answers"]
        assert 3 <= len(answers) <= 4
        assert [a["correct"] for a in answers].count(True) == 1
        assert all(len(a["feedback"]) > 20 for a in answers), "each choice needs its explanation"
        assert len({a["answer"] for a in answers}) == len(answers)
        lengths = [len(a["answer"]) for a in answers]
        places.append(next(i for i, a in enumerate(answers) if a["correct"]))
        places[-1] = (places[-1], lengths[places[-1]] == max(lengths))
    assert len({place for place, _ in places}) > 1, "the right choice must not always be first"
    assert not all(longest for _, longest in places), "nor always the longest"


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


@pytest.mark.parametrize(
    "guess, answer, choices, said",
    [
        (..., "stay", WORDS, "No prediction yet. It is: stay"),
        (" Stay ", "stay", WORDS, "As you predicted: stay"),
        ("rise", "stay", WORDS, "You predicted rise. It is: stay."),
        ("rises", "stay", WORDS, "'rises' is none of the choices: rise, fall, stay. It is: stay"),
        ("lynx", "tabby", (), "You predicted lynx. It is: tabby."),
        (3, 3, (), "As you predicted: 3"),
        (40, 37, (), "You predicted 40. It is: 37, so you were 3 off."),
    ],
)
def test_a_prediction_is_compared(guess, answer, choices, said, capsys):
    checks.prediction(guess, answer, choices)
    assert capsys.readouterr().out.startswith(said)
