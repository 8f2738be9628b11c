"""The questions before and after each lesson: each key is computed, and every table can be read."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tools import notebooks
from workshop import lessons, questions
from workshop.lessons import PlanError

ALL = lessons.read_toml("questions.toml")["question"]


def grids(question) -> list[np.ndarray]:
    return [np.array(grid["rows"], float) for grid in question.get("grids", [])]


def numbers(question) -> list[float]:
    """Return the numbers in a question's text."""
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", question["text"])]


def percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def softmax(question) -> str:
    powers = np.exp(numbers(question)[:3])
    return f"{powers[2] / powers.sum():.2f}"


def rest(question) -> str:
    top = [float(n) for n in re.findall(r"(\d+\.\d) %", question["text"])]
    return f"{100 - sum(top):.1f} %, spread over the other {1000 - len(top)} classes"


def strongest(question) -> str:
    return f"{np.abs(numbers(question)[:3]).max()}"


def slope_of_probability(question) -> str:
    slope, p = numbers(question)
    return f"{slope * p * (1 - p):.2f} per unit"


def grad_cam(question) -> str:
    weights = [float(grid["title"].split()[1]) for grid in question["grids"]]
    maps = zip(weights, grids(question), strict=True)
    total = np.maximum(sum(weight * one for weight, one in maps), 0)
    return " / ".join(", ".join(f"{n:g}" for n in row) for row in total)


def share(columns):
    def said(question) -> str:
        positive = np.maximum(grids(question)[0], 0)
        area = positive[:, columns].size / positive.size
        on_it = positive[:, columns].sum() / positive.sum()
        return f"{percent(on_it)}, compared with {percent(area)}"

    return said


def samples(question) -> str:
    n, error, wanted = numbers(question)
    return f"{n * (error / wanted) ** 2:.0f}"


def kind_of_average(question) -> str:
    *slopes, said = numbers(question)
    kinds = {
        "The gradients with their signs": np.mean(slopes),
        "Their absolute values": np.mean(np.abs(slopes)),
        "Their squares": np.mean(np.square(slopes)),
        "Only the positive ones": np.mean(np.maximum(slopes, 0)),
    }
    [kind] = [kind for kind, value in kinds.items() if np.isclose(value, said)]
    return kind


def level(question) -> float:
    shown, number = grids(question)[0], numbers(question)[-1]
    return 255 * (number - shown.min()) / np.ptp(shown)


def package(question) -> str:
    slopes = np.array(numbers(question))
    return f"{slopes.mean():g}, and {np.maximum(slopes, 0).mean():g} in the package"


def unusual(question) -> str:
    """Return the share of right answers in the two unusual groups, which come in the middle."""
    groups = np.array(re.findall(r"(\d+) of (\d+)", question["text"]), int)
    right, total = groups[1:3].sum(axis=0)
    assert right < total / 2  # so it does worse than guessing there
    [whole] = {
        n
        for choice in question["choices"]
        for n in re.findall(r"^(\d+) % are right, so it rec", choice)
    }
    assert int(whole) == round(100 * groups[:, 0].sum() / groups[:, 1].sum())
    return f"{percent(right / total)} are right where the"


def one_per_picture(question) -> str:
    pictures, maps, _ = numbers(question)
    return f"{maps / (maps / pictures):.0f}"


def compared(question) -> str:
    """Return how a box's share of a map compares with its share of the area."""
    *size, box_height, box_width, part = numbers(question)
    return f"{part / 100 / (box_height * box_width / np.prod(size)):g} times as much"


# What the right choice says, or begins with, computed from the numbers in the question: the two
# questions of each lesson. None: there's nothing to compute.
COMPUTED = {
    (0, "before"): (softmax, rest),
    (0, "after"): (softmax, rest),
    (1, "before"): (
        lambda q: f"{numbers(q)[1] * (numbers(q)[3] - numbers(q)[5]):g} kWh",
        lambda q: f"{grids(q)[0][1, 1]:g}",
    ),
    (1, "after"): (
        lambda q: f"{numbers(q)[2] * (numbers(q)[4] - numbers(q)[6]):.1f} litres",
        lambda q: f"{grids(q)[0][1, 1]:g}",
    ),
    (2, "before"): (strongest, slope_of_probability),
    (2, "after"): (strongest, slope_of_probability),
    (3, "before"): (grad_cam, share(slice(0, 2))),
    (3, "after"): (grad_cam, share(slice(2, 3))),
    (4, "before"): (samples, lambda q: f"{np.mean(numbers(q)):g}"),
    (4, "after"): (samples, kind_of_average),
    (5, "before"): (lambda q: f"{level(q):.0f}", package),
    (5, "after"): (lambda q: f"About {level(q):.0f}", package),
    (6, "before"): (unusual, one_per_picture),
    (6, "after"): (unusual, one_per_picture),
    (7, "before"): (compared, None),
    (7, "after"): (compared, None),
}


@pytest.mark.parametrize("place", COMPUTED)
def test_the_key_is_what_the_numbers_give(place):
    for question, compute in zip(questions.questions(*place), COMPUTED[place], strict=True):
        assert len(set(question["choices"])) == 4
        if compute:
            said = re.compile(re.escape(compute(question)) + r"(?![\d.])")
            right = [
                letter
                for letter, choice in zip("abcd", question["choices"], strict=True)
                if said.match(choice)
            ]
            assert right == [question["right"]], compute(question)


def test_each_lesson_has_two_pairs_each_on_one_goal():
    assert len(ALL) == 4 * len(lessons.names())
    for number, lesson in enumerate(lessons.names()):
        before, after = (questions.questions(number, when) for when in ("before", "after"))
        goals = [question["goal"] for question in before]
        assert goals == [question["goal"] for question in after]
        assert len(set(goals)) == 2
        assert all(1 <= goal <= len(notebooks.about(lesson).goals) for goal in goals)
        for one, other in zip(before, after, strict=True):
            assert one["text"] != other["text"]
            assert one.get("grids", 0) != other.get("grids", 1)


def test_the_right_letters_give_nothing_away():
    letters = [question["right"] for question in ALL]
    assert all(4 <= letters.count(letter) <= 12 for letter in "abcd")


def test_the_sheets_say_every_question_and_no_answer():
    sheets, key = questions.page(solved=False), questions.page(solved=True)
    for text in (sheets, key):
        assert text.count("<article>") == 2 * len(lessons.names())
        assert '<html lang="en">' in text
        assert not re.search(r"(?:src|href)=", text)
    assert "class=right" not in sheets
    assert key.count("class=right") == len(ALL)


TABLE = """\
Who;Lesson;When;1;2
otter;1;Before;c;a
Otter;1;after;d;c
crane;1;pre;?;b
crane;1;post;d;
;1;before;c;b
otter;9;after;a;a
otter;1;sometime;a;a
otter;1;after;e;a
;;;;
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_from_any_spreadsheet(delimiter, encoding, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_bytes(TABLE.replace(";", delimiter).replace("\n", "\r\n").encode(encoding))
    sheets, problems = questions.read_sheets(path)
    assert len(sheets) == 5
    assert [re.search(r"line (\d+)", problem)[1] for problem in problems] == ["7", "8", "9"]
    first, second = questions.changes(sheets)
    # Question 1: c is right before, d after. Both people got it right after; one was right before.
    assert first == questions.Change(1, 1, 3, 2, 2, 2, 2, 1, 0)
    # Question 2: b before, c after. Crane left the second one empty.
    assert second == questions.Change(1, 3, 3, 2, 1, 1, 1, 1, 0)


def test_who_is_in_the_table_twice_counts_once():
    sheet = questions.Sheet("otter", 0, "before", ("a", "a"))
    right = sheet._replace(answers=("b", "c"))
    changes = questions.changes([sheet, right])
    assert [(c.before, c.before_right, c.after) for c in changes] == [(1, 1, 0), (1, 1, 0)]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "who,lesson,when,1\n"])
def test_another_table_is_refused_in_a_sentence(text, tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match="no table of answers"):
        questions.read_sheets(path)


def test_the_table_for_the_answers_is_never_overwritten(tmp_path, capsys):
    questions.write(tmp_path)
    table = tmp_path / "answers.csv"
    assert questions.read_sheets(table) == ([], [])
    with table.open("a", encoding="utf-8") as file:
        file.write("otter,1,before,c,b\n")
    questions.write(tmp_path)
    assert len(questions.read_sheets(table)[0]) == 1
