"""`python -m course_utils`: what a student runs first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.apps import preflight

pytestmark = pytest.mark.slow  # a whole program each time

ROOT = Path(__file__).resolve().parents[2]


def test_a_student_runs_it(tmp_path):
    """Exit 0, the versions, the cat's five classes, one PNG, and no alarming noise."""
    before = os.times()
    environment = {**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}{os.pathsep}{ROOT}"}
    run = subprocess.run(
        [sys.executable, "-m", "course_utils"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    after = os.times()
    worked = sum(after[2:4]) - sum(before[2:4])  # of the processors, however busy they are
    assert worked < 2 * 15, "The README promises 15 seconds, on two cores"
    assert run.stderr == ""
    assert "tensorflow" in run.stdout
    assert "All is well" in run.stdout
    shown = [line.split() for line in run.stdout.splitlines() if "%" in line]
    assert [line[1] for line in shown] == ["Egyptian", "tiger", "tabby", "lynx", "plastic"]
    # 0.5: the last digits differ from processor to processor
    found = [float(line[0].rstrip("%")) for line in shown]
    np.testing.assert_allclose(found, [40.4, 32.0, 16.4, 3.4, 0.2], atol=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["saliency_check.png"]


def test_the_figure_in_the_readme_is_the_one_it_draws(tmp_path):
    output = tmp_path / "figure.png"
    assert preflight.main(["--output", str(output)]) == 0
    drawn = np.asarray(Image.open(output).convert("RGB"), float)
    shown = np.asarray(Image.open(ROOT / "docs/cat_three_maps.png").convert("RGB"), float)
    assert drawn.shape == shown.shape
    # Another processor sums in another order, which moves pixels of noisy maps by a few levels.
    assert np.abs(drawn - shown).mean() < 0.5


def test_picture_class_and_output_can_be_chosen(tmp_path, capsys):
    output = tmp_path / "b.png"
    assert (
        preflight.main(["--image", "two_objects", "--class", "294", "--output", str(output)]) == 0
    )
    said = capsys.readouterr().out
    assert "'brown bear' (294)" in said
    assert "Grad-CAM: strongest in the middle right" in said
    assert output.exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--image", "dog"], "no example of that name"),
        (["--class", "tabbby"], "tabby"),
        (["--class", "1000"], "0 to 999"),
        (["--model", "vgg61"], "vgg16"),
        (["--output", "nowhere/a.png"], "no folder"),
        (["--output", "a.txt"], ".png"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(arguments, word, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert preflight.main(arguments) == 1
    problem = capsys.readouterr().err
    assert problem.startswith("\nProblem: ")
    assert word in problem
    assert "Traceback" not in problem
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_before_anything_is_imported(monkeypatch, capsys):
    present = preflight._version
    monkeypatch.setattr(
        preflight, "_version", lambda name: None if name == "tensorflow" else present(name)
    )
    assert preflight.main([]) == 1
    captured = capsys.readouterr()
    assert "missing: computes networks" in captured.out
    assert "the course needs tensorflow" in captured.err
    assert "start.py" in captured.err
