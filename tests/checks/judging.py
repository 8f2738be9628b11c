"""What every check must do, whatever the exercise: for the tests of each lesson's checks.

A lesson's test gives two tables: RIGHT, check -> answers that are right, however written; and
WRONG, check -> (answer, pattern), where the pattern is in the hint that names the mistake.
"""

from __future__ import annotations

import re

import pytest

from course_utils import checks


def judge(right: dict, wrong: dict):
    """Return the tests of a lesson's checks; a module that has them as attributes runs them."""

    def cases(table):
        return [
            pytest.param(name, case, id=f"{name}{number}")
            for name, all_cases in table.items()
            for number, case in enumerate(all_cases)
        ]

    @pytest.mark.slow  # some hundred wrong answers for each lesson
    class TestChecks:
        @pytest.mark.parametrize("name, answer", cases(right))
        def test_right_answers_are_accepted_and_handed_back(self, name, answer, capsys):
            given = getattr(checks, name)(answer)
            said = capsys.readouterr().out
            assert ": right" in said, said
            assert given is answer

        @pytest.mark.parametrize("name, case", cases(wrong))
        def test_wrong_answers_get_the_hint_that_names_the_mistake(self, name, case, capsys):
            answer, hint = case
            given = getattr(checks, name)(answer)
            said = capsys.readouterr().out
            assert "not right yet" in said, said
            assert re.search(hint, said), said
            assert given is not answer

        @pytest.mark.parametrize("name", right)
        def test_a_stub_is_not_done_yet_and_the_notebook_goes_on(self, name, capsys):
            handed_out = getattr(checks, name)(stub)
            assert "not done yet" in capsys.readouterr().out

            def same(*arguments):
                return handed_out(*arguments)

            given = getattr(checks, name)(same)  # what is handed out passes its own check
            assert given is same, capsys.readouterr().out

        @pytest.mark.parametrize("name", right)
        def test_the_courses_own_version_gets_no_praise(self, name, capsys):
            """After a wrong answer the name is bound to the working version, and checked again."""
            handed_out = getattr(checks, name)(crash)
            capsys.readouterr()
            assert getattr(checks, name)(handed_out) is handed_out
            said = capsys.readouterr().out
            assert "not yours" in said and ": right" not in said

        @pytest.mark.parametrize("name", right)
        @pytest.mark.parametrize("answer", [crash, nothing, text, no_arguments, 5])
        def test_a_check_never_raises(self, name, answer, capsys):
            assert callable(getattr(checks, name)(answer))
            said = capsys.readouterr().out
            assert "not right yet" in said
            if answer is crash:
                assert "boom" in said and "raise RuntimeError" in said

        def test_enough_is_tried(self):
            for name in right:
                assert len(right[name]) >= 2 and len(wrong[name]) >= 4

    return TestChecks


def stub(*arguments, **options):
    return ...  # what the student notebook contains


def crash(*arguments, **options):
    raise RuntimeError("boom")


def nothing(*arguments, **options):
    return None


def text(*arguments, **options):
    return "text"


def no_arguments():
    return 1
