"""Questions without code: a guess before a cell runs, and the quiz at the end of a lesson."""

from __future__ import annotations

import difflib
import json
import numbers
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

QUIZZES = Path(__file__).with_name("quizzes")


def prediction(guess: object, answer: Any, choices: Sequence[str] = ()) -> None:
    """Compare the reader's prediction with what came out; `...` means no prediction yet.

    An impossible guess, such as a word that isn't among the choices, is a slip: the reader learns
    what to type instead, and nothing about the answer.

    Args:
        guess: what the reader typed. Capitals, spaces, hyphens and a full stop don't matter, nor
            does an s at the end ("rises"); 40, "40", "40%" and "40 %" are the same number.
        answer: what the notebook computed: one of the choices, or a number.
        choices: the words to choose from, if the answer isn't a number.
    """
    if guess is ...:
        print(f"No prediction yet. It is: {answer}")
        return
    predicted = _chosen(guess, choices) if choices or isinstance(answer, str) else _number(guess)
    if predicted is None:
        print(
            f"{guess!r} is {_slip(guess, answer, choices)} Change your guess, and run both cells."
        )
    elif _is_a_fraction(guess, predicted, answer):
        print(
            f"{guess!r} is less than 1, but the answer is a whole number: in per cent, "
            f"{predicted:g} is {100 * predicted:g}. Change your guess, and run both cells."
        )
    elif predicted == answer or _letters(predicted) == _letters(answer) != "":
        print(f"As you predicted: {answer}")
    elif isinstance(predicted, str):
        print(f"You predicted {predicted}. It is: {answer}. What surprised you?")
    else:
        off = abs(predicted - float(answer))
        print(f"You predicted {predicted:g}. It is: {answer}, so you were {off:g} off.")


def _chosen(guess, choices: Sequence[str]) -> str | None:
    """Return the choice that a guess means, or the word itself if there are no choices."""
    typed = _letters(guess)
    if not choices:
        return guess.strip() if isinstance(guess, str) and typed else None
    known = {_letters(choice): choice for choice in choices}
    return known.get(typed, known.get(typed.removesuffix("s")))


def _letters(text) -> str:
    """Return a text's letters and digits, in small letters, for comparing choices."""
    return "".join(re.findall(r"[^\W_]", text.lower())) if isinstance(text, str) else ""


def _number(guess) -> float | None:
    """Return the number that somebody typed: 40, "40", "40 %", "40 per cent" or "2,5"."""
    found = re.fullmatch(r"\s*([-+]?\d*[.,]?\d+)\s*(%|per ?cent)?\s*\.?", str(guess).lower())
    return float(found[1].replace(",", ".")) if found else None


def _is_a_fraction(guess, predicted, answer) -> bool:
    """Return whether somebody typed 0.4 for a whole number, such as a percentage."""
    whole = isinstance(answer, numbers.Integral) and "%" not in str(guess)
    return whole and 0 < abs(predicted) < 1


def _slip(guess, answer, choices: Sequence[str]) -> str:
    """Return a sentence on what to type instead of this guess."""
    if not choices:
        return "not a word." if isinstance(answer, str) else "not a number: write one such as 12."
    if len(choices) <= 10:
        return f"not one of the choices: {', '.join(choices)}."
    known = {choice.lower(): choice for choice in choices}
    close = [known[c] for c in difflib.get_close_matches(str(guess).lower(), known, n=5)]
    hint = f"Similar names: {', '.join(close)}." if close else "Try another word."
    return f"not one of the {len(choices)} names. {hint}"


def read_quiz(lesson: int) -> list[dict]:
    """Return the questions of a lesson's closing quiz, in the form of jupyterquiz."""
    return json.loads((QUIZZES / f"lesson{lesson}.json").read_text(encoding="utf-8"))


def quiz(lesson: int) -> None:
    """Show a lesson's closing quiz, with an explanation for every choice."""
    questions = read_quiz(lesson)
    try:
        from jupyterquiz import display_quiz
    except ImportError:
        print(_as_text(questions))
        return
    state = random.getstate()
    random.seed(f"quiz {lesson}")  # it draws an id: the same each time, and unique
    try:
        display_quiz(questions)
    finally:
        random.setstate(state)


def _as_text(questions: list[dict]) -> str:
    """Return the quiz for readers without jupyterquiz: questions first, explanations last."""
    asked, explained = [], []
    for number, question in enumerate(questions, 1):
        asked.append(f"{number}. {question['question']}")
        for letter, choice in zip("abcdefgh", question["answers"]):  # noqa: B905 - up to 8 choices
            asked.append(f"   {letter}) {choice['answer']}")
            explained.append(f"{number}{letter}) {choice['feedback']}")
    return "\n".join([*asked, "", "Explanations:", *explained])
