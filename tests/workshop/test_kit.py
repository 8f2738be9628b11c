"""The offline kit: what goes into it for which computer. No test downloads anything.

.ci/offline_kit tries whether a kit installs without a network.
"""

import subprocess
import sys
import zipfile

import pytest

from workshop import lessons, machine, offline_kit

PLATFORMS = sorted(offline_kit.TAGS)
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def names(platform, release):
    return {requirement.name for requirement in offline_kit.requirements(platform, release)}


def test_there_are_kits_for_what_start_runs_on():
    assert set(offline_kit.TAGS) == set(offline_kit.SYSTEMS) == set(machine.PLATFORMS)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_package_once_in_the_version_for_that_computer(platform, python):
    for release in offline_kit.releases(python):
        chosen = offline_kit.requirements(platform, release)
        assert len(chosen) == len({requirement.name for requirement in chosen}) > 150
        assert all(str(requirement.specifier).startswith("==") for requirement in chosen)
        assert {"tensorflow", "jupyterlab", "hatchling"} <= names(platform, release)


def test_markers_are_read_for_the_other_computer_and_not_for_this_one():
    assert "pywinpty" in names("win-amd64", "3.12.0")
    assert not {"pexpect", "ptyprocess"} & names("win-amd64", "3.12.0")
    for platform in ("linux-x86_64", "macosx-arm64"):
        assert "pywinpty" not in names(platform, "3.12.0")
        assert "pexpect" in names(platform, "3.12.0")
    assert "tomli" in names("macosx-arm64", "3.10.0")
    assert "tomli" not in names("macosx-arm64", "3.13.0")


def test_a_package_that_depends_on_the_bugfix_release_comes_in_both_versions():
    """Debian 12 has Python 3.11.2, others 3.11.14."""
    first, last = ("3.11.0", "3.11.99")
    versions = {
        str(r)
        for release in (first, last)
        for r in offline_kit.requirements("linux-x86_64", release)
    }
    assert len([text for text in versions if text.startswith("soupsieve==")]) == 2


def test_a_wheel_that_is_missing_is_named(tmp_path):
    for release in offline_kit.releases("3.12"):
        for requirement in offline_kit.requirements("win-amd64", release):
            version = str(requirement.specifier).removeprefix("==")
            name = requirement.name.replace("-", "_")
            (tmp_path / f"{name}-{version}-py3-none-any.whl").touch()
    assert offline_kit.missing("win-amd64", "3.12", tmp_path) == []
    [keras] = tmp_path.glob("keras-*")
    keras.rename(tmp_path / "keras-0.1-py3-none-any.whl")
    assert [text[:7] for text in offline_kit.missing("win-amd64", "3.12", tmp_path)] == ["keras=="]


@pytest.mark.slow
def test_the_archive_holds_the_course_and_the_wheels_beside_start(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "some-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (wheels / machine.KIT).write_text(
        '{"platform": "win-amd64", "python": "3.12"}', encoding="utf-8"
    )
    offline_kit.pack(tmp_path / "kit.zip", wheels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit.zip", "wheels"]
    with zipfile.ZipFile(tmp_path / "kit.zip") as kit:
        inside = kit.namelist()
        kit.extractall(tmp_path / "Kurs für alle")
    for name in (
        "start.py",
        "requirements.txt",
        "notebooks/00_start_here.ipynb",
        "data/digits.npz",
    ):
        assert f"saliency-course/{name}" in inside
    assert not any(part in name for name in inside for part in ("/.git/", "/.venv/", "/_build/"))
    root = tmp_path / "Kurs für alle" / "saliency-course"
    assert machine.read_kit(root / machine.WHEELS.name) == {
        "platform": "win-amd64",
        "python": "3.12",
    }
    # If a Python runs start.py there and the kit isn't for it, start.py says so in one sentence.
    other = "macosx-arm64" if machine.describe()["platform"] != "macosx-arm64" else "win-amd64"
    (root / machine.WHEELS.name / machine.KIT).write_text(
        f'{{"platform": "{other}", "python": "3.12"}}', encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, str(root / "start.py"), "check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"are for Python 3.12 on {other}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (root / ".venv").exists()


@pytest.mark.parametrize(
    ("platform", "python", "words"),
    [
        ("windows", "3.12", "not for 'windows'"),
        ("win-amd64", "3.9", "not on '3.9'"),
        ("win-amd64", "3.12.1", "not on '3.12.1'"),
    ],
)
def test_a_computer_without_a_kit_gets_one_sentence(platform, python, words, tmp_path):
    with pytest.raises(lessons.PlanError, match=words):
        offline_kit.write(platform, python, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_says_what_it_needs():
    def workshop(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "workshop", *arguments],
            cwd=lessons.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )

    done = workshop("kit", "toaster", "3.12")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("workshop: there are kits for")
    assert done.stderr.count("\n") == 1
    assert "run-sheet" in workshop("--help").stdout
