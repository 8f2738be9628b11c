"""Questions without code: a guess before a cell runs, and the quiz at the end of a lesson."""

from __future__ import annotations

import difflib
import html
import json
import numbers
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.scripts import script

QUIZZES = Path(__file__).with_name("quizzes")
VIEW = "application/vnd.jupyter.widget-view+json"
BUTTONS = 10  # with more choices, you type


def guess(choices: Sequence[str] = (), label: str = "Your guess") -> Any:
    """Show the choices as buttons, and return what `prediction` takes as the guess.

    Where there's no kernel (a solved notebook, the course's pages), scripts/questions.js makes
    buttons of the HTML below the widget. Without a script, it's a list.

    Args:
        choices: the words to choose from; with none, or with more than ten, you type.
        label: what the guess is about, if a cell asks for more than one.

    Returns:
        A widget whose value is the guess so far; outside notebooks `...`, no guess.
    """
    few = list(choices) if len(choices) <= BUTTONS else []
    kind = "one of these" if few else "a name" if choices else "a number"
    if not in_notebook():
        print(f"{label}: {kind}{': ' * bool(few)}{', '.join(few)}.")
        return ...
    import ipywidgets as widgets
    from IPython.display import display

    if few:
        asked = widgets.ToggleButtons(options=few, value=None, style={"button_width": "auto"})
    else:
        asked = widgets.Text(placeholder=kind, continuous_update=False)
    asked.description, asked.style.description_width = label, "initial"
    asked.layout.max_width = "98%"
    said = widgets.HTML()

    def say(change):
        chosen = html.escape(str(change.new))
        said.value = (
            f'<span role="status">You predict <b>{chosen}</b>. Now run the next cell.</span>'
        )

    asked.observe(say, "value")
    live = widgets.VBox([asked, said])
    live.add_class("course-guess")
    view = {"version_major": 2, "version_minor": 0, "model_id": live.model_id}
    display({VIEW: view, "text/plain": f"{label}:"}, raw=True)
    if "google.colab" not in sys.modules:  # each of its cells is a page of its own
        text = "\n".join([f"{label}: {kind}", *(f"- {choice}" for choice in few)])
        display({"text/html": guess_html(f"{label}: {kind}", few), "text/plain": text}, raw=True)
    return asked


def guess_html(label: str, choices: Sequence[str]) -> str:
    """Return a list of choices as HTML; scripts/questions.js makes buttons, or a field, of it."""
    listed = "".join(f"<li>{_text(choice)}</li>" for choice in choices)
    return (
        '<fieldset class="course-prediction" data-lm-suppress-shortcuts="true">'
        f"<legend>{_text(label)}</legend><ul>{listed}</ul></fieldset>{script('questions')}"
    )


def prediction(guess: object, answer: Any, choices: Sequence[str] = ()) -> None:
    """Compare the reader's prediction with what came out; `...` means no prediction yet.

    An impossible guess, such as a word that isn't among the choices, is a slip: the reader learns
    what to type instead, and nothing about the answer.

    Args:
        guess: what the reader typed, or what `guess` returned. Capitals, spaces, hyphens and a full
            stop don't matter, nor does an s at the end ("rises"); 40, "40", "40%" and "40 %" are
            the same number.
        answer: what the notebook computed: one of the choices, or a number.
        choices: the words to choose from, if the answer isn't a number.
    """
    again = "run both cells"
    if hasattr(guess, "comm") and hasattr(guess, "value"):  # a widget
        guess, again = guess.value or ..., "run this cell again"
    if guess is ...:
        print(f"No prediction yet. It is: {answer}")
        return
    predicted = _chosen(guess, choices) if choices or isinstance(answer, str) else _number(guess)
    if predicted is None:
        print(f"{guess!r} is {_slip(guess, answer, choices)} Change your guess, and {again}.")
    elif _is_a_fraction(guess, predicted, answer):
        print(
            f"{guess!r} is less than 1, but the answer is a whole number: in per cent, "
            f"{predicted:g} is {100 * predicted:g}. Change your guess, and {again}."
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
    if len(choices) <= BUTTONS:
        return f"not one of the choices: {', '.join(choices)}."
    known = {choice.lower(): choice for choice in choices}
    close = [known[c] for c in difflib.get_close_matches(str(guess).lower(), known, n=5)]
    hint = f"Similar names: {', '.join(close)}." if close else "Try another word."
    return f"not one of the {len(choices)} names. {hint}"


def read_quiz(lesson: int) -> list[dict]:
    """Return the questions of a lesson's closing quiz, each with its answers and what they mean."""
    return json.loads((QUIZZES / f"lesson{lesson}.json").read_text(encoding="utf-8"))


def quiz(lesson: int) -> None:
    """Show a lesson's closing quiz, with an explanation for every choice."""
    text = _as_text(read_quiz(lesson))
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    display({"text/html": quiz_html(lesson), "text/plain": text}, raw=True)


def quiz_html(lesson: int) -> str:
    """Return a closing quiz as HTML, of which scripts/questions.js makes radio buttons.

    Without the script it's lists: the choices, and folded below them what each one means.
    """
    asked = []
    for number, question in enumerate(read_quiz(lesson), 1):
        choices = "".join(f"<li>{_text(c['answer'])}</li>" for c in question["answers"])
        meanings = "".join(
            f"<li><b>{'Right' if c['correct'] else 'Not right'}.</b> {_text(c['feedback'])}</li>"
            for c in question["answers"]
        )
        asked.append(
            f"<fieldset><legend>{number}. {_text(question['question'])}</legend>"
            f'<ol type="a">{choices}</ol><details><summary>What each answer means</summary>'
            f'<ol type="a">{meanings}</ol></details></fieldset>'
        )
    return (
        f'<div class="course-quiz" data-lm-suppress-shortcuts="true">{"".join(asked)}</div>'
        + script("questions")
    )


def in_notebook() -> bool:
    """Return whether this runs in a notebook, and not in a terminal or a script."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython(), "kernel") if ipython else False


def _text(text: str) -> str:
    """Return a text as HTML, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _as_text(questions: list[dict]) -> str:
    """Return the quiz as text: questions first, explanations last."""
    asked, explained = [], []
    for number, question in enumerate(questions, 1):
        asked.append(f"{number}. {question['question']}")
        for letter, choice in zip("abcdefgh", question["answers"]):  # noqa: B905 - up to 8 choices
            asked.append(f"   {letter}) {choice['answer']}")
            explained.append(f"{number}{letter}) {choice['feedback']}")
    return "\n".join([*asked, "", "Explanations:", *explained])
