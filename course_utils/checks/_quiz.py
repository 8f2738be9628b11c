"""Questions without code: a guess before a cell runs, and the quiz that closes a lesson."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

QUIZZES = Path(__file__).with_name("quizzes")


def prediction(guess, answer, choices: Sequence[str] = ()) -> None:
    """Compare what the reader predicted with what came out; `...` is no prediction yet.

    Args:
        guess: what the reader typed; capitals and spaces around it do not matter.
        answer: what the notebook computed.
        choices: the words that were offered. A guess that is none of them is a slip, not a wrong
            prediction, and is answered with these words instead.
    """
    typed = str(guess).strip().lower()
    if guess is ...:
        print(f"No prediction yet. It is: {answer}")
    elif typed == str(answer).lower():
        print(f"As you predicted: {answer}")
    elif choices and typed not in choices:
        print(f"{guess!r} is none of the choices: {', '.join(choices)}. It is: {answer}")
    elif _is_number(guess) and _is_number(answer):
        print(f"You predicted {guess}. It is: {answer}, so you were {abs(guess - answer):g} off.")
    else:
        print(f"You predicted {guess}. It is: {answer}. What did you not expect?")


def _is_number(value) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating))


def quiz(lesson: int) -> None:
    """Show the closing quiz of a lesson, in which every choice has its explanation."""
    questions = json.loads((QUIZZES / f"lesson{lesson}.json").read_text(encoding="utf-8"))
    try:
        from jupyterquiz import display_quiz
    except ImportError:
        print(_as_text(questions))
        return
    state = random.getstate()
    random.seed(f"quiz {lesson}")  # it draws an id: the same one each time, and nobody else's
    try:
        display_quiz(questions)
    finally:
        random.setstate(state)


def _as_text(questions: list[dict]) -> str:
    """Return the quiz for a reader who has no jupyterquiz: questions first, explanations last."""
    asked, explained = [], []
    for number, question in enumerate(questions, 1):
        asked.append(f"{number}. {question['question']}")
        for letter, choice in zip("abcdefgh", question["answers"]):  # noqa: B905 - up to 8 choices
            asked.append(f"   {letter}) {choice['answer']}")
            explained.append(f"{number}{letter}) {choice['feedback']}")
    return "\n".join([*asked, "", "Explanations:", *explained])
