"""The last exercise of a method's lesson shows the student's code and the package's."""

from __future__ import annotations

import pytest

from course_utils import checks, grad_cam, smoothgrad, vanilla_gradients


def mine(x):
    return 2 * x  # my own line


@pytest.mark.parametrize(
    ("method", "formula"),
    [
        (vanilla_gradients, "tape.gradient(S_c, x)"),
        (grad_cam, "alpha = tf.reduce_mean(dS_dA, axis=(1, 2))"),
        (smoothgrad, "x[b] + sigma[b] * normal(seed, k, x[b].shape)"),
    ],
)
def test_both_are_shown_and_the_docstring_is_left_out(method, formula, capsys):
    checks.read_both(mine, method)
    shown = capsys.readouterr().out
    assert "# my own line" in shown
    assert formula in shown
    assert '"""' not in shown
    assert "arXiv" not in shown
    code = shown.split("without its docstring\n")[1]
    compile(code, "shown", "exec")
    assert len(code.splitlines()) < 30


def test_what_is_still_to_do_is_said(capsys):
    def stub(x):
        return ...

    working = checks.softmax(stub)
    capsys.readouterr()
    checks.read_both(working, vanilla_gradients)
    assert "isn't there yet" in capsys.readouterr().out
