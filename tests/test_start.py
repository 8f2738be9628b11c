"""start.py: what it decides, as plain functions; nothing is installed and nothing downloaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import start

ROOT = Path(__file__).resolve().parent.parent
GOOD = {
    "version": [3, 12],
    "implementation": "CPython",
    "bits": 64,
    "platform": "linux-x86_64",
    "musl": False,
    "free_threaded": False,
}


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64", "win-amd64", "macosx-arm64"])
def test_suitable_pythons_pass(minor, platform):
    assert start.problem({**GOOD, "version": [3, minor], "platform": platform}) is None


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": [3, 9]}, "This is Python 3.9, and the course runs on Python 3.10 to 3.13"),
        ({"version": [3, 14]}, "python3.13 start.py"),
        ({"version": [3, 14], "platform": "win-amd64"}, "py -3.13 start.py"),
        ({"implementation": "PyPy"}, "This is PyPy 3.12"),
        ({"bits": 32, "platform": "win32"}, "32-bit"),
        ({"free_threaded": True}, "free-threaded"),
        ({"platform": "macosx-x86_64"}, "Intel"),
        ({"platform": "win-arm64"}, "ARM64"),
        ({"musl": True}, "Alpine"),
        ({"platform": "linux-riscv64"}, "no TensorFlow for linux-riscv64"),
        ({"platform": "mingw_x86_64"}, "no TensorFlow for mingw_x86_64"),
    ],
)
def test_unsuitable_pythons_get_one_sentence(facts, words):
    sentence = start.problem({**GOOD, **facts})
    assert words in sentence
    assert "\n" not in sentence and not sentence.endswith(".")


def test_the_running_python_is_described():
    facts = start.describe()
    assert facts.keys() == GOOD.keys()
    assert facts["version"] == list(sys.version_info[:2])
    assert start.problem(facts) is None


def test_the_supported_versions_are_those_of_pyproject():
    assert 'requires-python = ">={}.{},<{}.{}"'.format(
        *start.OLDEST, start.NEWEST[0], start.NEWEST[1] + 1
    ) in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_candidate_is_tried_until_one_will_do(monkeypatch):
    answers = {
        "python3.13": subprocess.CalledProcessError(127, "a shim without a Python behind it"),
        "python3.12": json.dumps({**GOOD, "bits": 32}).encode(),
        "python3.11": b"not JSON",
        "python3.10": json.dumps({**GOOD, "version": [3, 10]}).encode(),
    }

    def answer(command, **_):
        if isinstance(answers[command[0]], Exception):
            raise answers[command[0]]
        return answers[command[0]]

    monkeypatch.setattr(start, "candidates", lambda: [[name] for name in ["absent", *answers]])
    monkeypatch.setattr(start.shutil, "which", lambda name: name if name in answers else None)
    monkeypatch.setattr(start.subprocess, "check_output", answer)
    assert start.find_another() == ["python3.10"]
    answers["python3.10"] = OSError()
    assert start.find_another() is None


@pytest.mark.parametrize(
    ("marker", "python", "expected"),
    [
        (None, "3.12", "foreign"),
        ({}, "3.12", "broken"),
        ({"ready": "now", "python": "3.12"}, None, "broken"),
        ({"ready": "now", "python": "3.11"}, "3.12", "broken"),
        ({"ready": None, "python": "3.12"}, "3.12", "unfinished"),
        ({"ready": "before", "python": "3.12"}, "3.12", "unfinished"),
        ({"ready": "now", "python": "3.12"}, "3.12", "ready"),
    ],
)
def test_the_state_of_the_environment(marker, python, expected):
    assert start.state(marker, python, wanted="now") == expected


def test_an_empty_or_missing_folder_is_no_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    assert start.current_state() == "absent"
    (tmp_path / ".venv").mkdir()
    assert start.current_state() == "absent"


def test_the_marker_survives_a_round_trip_and_nonsense(tmp_path):
    path = tmp_path / "marker.json"
    assert start.read_marker(path) is None
    start.write_marker("digest", "3.12", path)
    assert start.read_marker(path) == {"ready": "digest", "python": "3.12"}
    assert [file.name for file in tmp_path.iterdir()] == ["marker.json"]
    for nonsense in ("", "[1]", '{"ready": '):
        path.write_text(nonsense, encoding="utf-8")
        assert start.read_marker(path) == {}


def test_the_digest_changes_with_what_is_installed_but_not_with_line_ends(tmp_path):
    for name in start.INPUTS:
        (tmp_path / name).write_bytes(b"one\ntwo\n")
    before = start.digest(tmp_path)
    (tmp_path / "requirements.txt").write_bytes(b"one\r\ntwo\r\n")
    assert start.digest(tmp_path) == before
    for name in start.INPUTS:
        (tmp_path / name).write_bytes(b"one\nthree\n")
        assert start.digest(tmp_path) != before
        before = start.digest(tmp_path)


def test_a_folder_that_start_did_not_make_is_left_alone(tmp_path, monkeypatch):
    precious = tmp_path / ".venv" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine", encoding="utf-8")
    monkeypatch.setattr(start, "VENV", precious.parent)
    monkeypatch.setattr(start, "MARKER", precious.parent / "marker.json")
    assert start.current_state() == "foreign"
    with pytest.raises(start.StartError, match="did not make"):
        start.install("foreign")
    assert [file.name for file in precious.parent.iterdir()] == ["precious.txt"]


def test_variables_that_would_lead_astray_are_dropped_and_the_others_kept():
    env = start.child_environment(
        {
            "PATH": "here",
            "PYTHONPATH": "elsewhere",
            "PIP_TARGET": "elsewhere",
            "PIP_USER": "1",
            "PIP_CERT": "company.pem",
            "KERAS_BACKEND": "torch",
            "MPLBACKEND": "module://nowhere",
        }
    )
    assert env["PATH"] == "here" and env["PIP_CERT"] == "company.pem"
    assert env["PIP_USER"] == "0" and env["KERAS_BACKEND"] == "tensorflow"
    assert not {"PYTHONPATH", "PIP_TARGET", "MPLBACKEND"} & env.keys()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("lab", [])),
        (["lab"], ("lab", [])),
        (["--no-browser", "--port", "8899"], ("lab", ["--no-browser", "--port", "8899"])),
        (["--", "--no-browser"], ("lab", ["--no-browser"])),
        (["test", "-x", "tests"], ("test", ["-x", "tests"])),
        (["check", "--", "--output", "a.png"], ("check", ["--output", "a.png"])),
    ],
)
def test_the_command_and_what_is_passed_on(arguments, expected):
    assert start.parse(arguments) == expected


def test_an_unknown_command_is_named():
    with pytest.raises(start.StartError, match="'tset'"):
        start.parse(["tset"])


def test_the_command_lines():
    python = str(start.VENV_PYTHON)
    assert start.command_line("test", ["-x"]) == [python, "-m", "pytest", "-x"]
    assert start.command_line("check", []) == [python, "-m", "course_utils"]
    page = str(ROOT / start.PLAYGROUND)
    assert start.command_line("playground", ["--port=1"]) == [
        python,
        "-m",
        "voila",
        page,
        "--port=1",
    ]
    assert start.command_line("workshop", ["slides"]) == [python, "-m", "workshop", "slides"]
    lab = start.command_line("lab", ["--no-browser"])
    assert lab[:3] == [python, "-m", "jupyterlab"] and lab[-1] == "--no-browser"
    assert f"--ServerApp.root_dir={ROOT}" in lab and "--allow-root" not in lab
    assert "--allow-root" in start.command_line("lab", [], is_root=True)


def test_the_first_lesson_is_there():
    assert (ROOT / start.LESSON).is_file()
    assert (ROOT / start.PLAYGROUND).is_file()


def test_warnings_before_the_installation():
    short, long = Path("x" * 30), Path("x" * 80)
    assert list(start.warnings_before_install(50e9, True, long)) == []
    assert list(start.warnings_before_install(50e9, False, short)) == []
    (space,) = start.warnings_before_install(1.5e9, True, short)
    assert "1.5 GB" in space
    (path,) = start.warnings_before_install(50e9, False, long)
    assert str(start.LONGEST_WINDOWS_ROOT) in path


def test_without_venv_or_pip_the_exact_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "succeeds", lambda *_, **__: False)
    monkeypatch.setattr(start.shutil, "which", lambda _: "/usr/bin/apt-get")
    version = "{}.{}".format(*sys.version_info[:2])
    with pytest.raises(start.StartError, match=f"sudo apt install python{version}-venv"):
        start.install_pip()


def test_pip_comes_from_the_system_where_python_has_none_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "WHEELS", "none")  # also in an unpacked kit, which runs this too
    commands = []

    def succeeds(command, quiet=False):
        commands.append([str(word) for word in command])
        own = commands[-1][0] == str(start.VENV_PYTHON)
        return not own or "-c" in command  # neither pip nor ensurepip inside, a good pip outside

    monkeypatch.setattr(start, "succeeds", succeeds)
    monkeypatch.setattr(start, "packages_folder", lambda: tmp_path)
    start.install_pip()
    assert [
        start.base_python(),
        "-m",
        "pip",
        "install",
        "--target",
        str(tmp_path),
        "pip",
    ] in commands


def test_what_was_unpacked_in_half_is_forgotten(tmp_path):
    for name, last in (("whole", "INSTALLER"), ("half", "METADATA")):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / last).write_text("pip", encoding="utf-8")
        (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    start.forget_halves(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["half.py", "whole-1.0.dist-info", "whole.py"]


def test_an_installation_that_fails_is_not_called_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "WHEELS", "none")  # also in an unpacked kit, which runs this too
    monkeypatch.setattr(start, "VENV", tmp_path)
    monkeypatch.setattr(start, "MARKER", tmp_path / "marker.json")
    monkeypatch.setattr(start, "venv_python_version", lambda: "3.12")
    monkeypatch.setattr(start, "install_pip", lambda: None)
    monkeypatch.setattr(start, "packages_folder", lambda: tmp_path)
    monkeypatch.setattr(start, "succeeds", lambda *_, **__: False)
    start.write_marker("an older digest", "3.12", start.MARKER)
    with pytest.raises(start.StartError, match="goes on where this one stopped"):
        start.install("unfinished")
    assert start.read_marker(start.MARKER) == {"ready": None, "python": "3.12"}


KIT = {"platform": "linux-x86_64", "python": "3.12"}


def unpacked(folder, kit=KIT):
    """A folder of wheels, as an unpacked kit has it, without any wheels."""
    (folder / start.WHEELS).mkdir()
    (folder / start.WHEELS / start.KIT).write_text(json.dumps(kit), encoding="utf-8")
    return folder


def test_a_kit_says_what_it_is_for_and_a_damaged_one_that_it_is_damaged(tmp_path):
    wheels = tmp_path / start.WHEELS
    assert start.read_kit(wheels) is None
    unpacked(tmp_path)
    assert start.read_kit(wheels) == KIT
    for nonsense in ("", "[]", '"text"', '{"platform": "win-amd64"}'):
        (wheels / start.KIT).write_text(nonsense, encoding="utf-8")
        with pytest.raises(start.StartError, match="no complete offline kit"):
            start.read_kit(wheels)
    (wheels / start.KIT).unlink()
    with pytest.raises(start.StartError, match="no complete offline kit"):
        start.read_kit(wheels)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": [3, 11]}, "install Python 3.12 beside it, or ask for the offline kit"),
        ({"platform": "win-amd64"}, "this is Python 3.12 on win-amd64: ask for the offline kit"),
        ({"version": [3, 13], "platform": "macosx-arm64"}, "for Python 3.12 on linux-x86_64"),
    ],
)
def test_a_kit_for_another_computer_says_so_in_one_sentence(facts, words):
    assert start.problem({**GOOD, **facts}) is None
    sentence = start.kit_problem({**GOOD, **facts}, KIT)
    assert words in sentence and "delete the folder wheels" in sentence
    assert "\n" not in sentence and sentence.count(". ") == 0 and not sentence.endswith(".")


def test_the_right_kit_and_no_kit_are_no_problem():
    assert start.kit_problem(GOOD, KIT) is None
    assert start.kit_problem(GOOD, None) is None


def test_the_python_that_the_kit_is_for_is_looked_for(monkeypatch):
    answers = {
        "python3.13": json.dumps({**GOOD, "version": [3, 13]}).encode(),
        "python3.12": json.dumps(GOOD).encode(),
    }
    monkeypatch.setattr(start, "candidates", lambda: [[name] for name in answers])
    monkeypatch.setattr(start.shutil, "which", lambda name: name)
    monkeypatch.setattr(start.subprocess, "check_output", lambda command, **_: answers[command[0]])
    assert start.find_another() == ["python3.13"]
    assert start.find_another(KIT) == ["python3.12"]
    assert start.find_another({**KIT, "platform": "win-amd64"}) is None


def test_with_a_kit_pip_asks_nobody_else(tmp_path, monkeypatch):
    folder = tmp_path / "Kurs für alle"
    folder.mkdir()
    monkeypatch.setattr(start, "ROOT", folder)
    commands = []
    monkeypatch.setattr(start, "succeeds", lambda c, quiet=False: commands.append(c) or True)
    monkeypatch.setattr(start, "packages_folder", lambda: tmp_path)
    start.install_packages()
    assert len(commands) == 2 and not any("--no-index" in command for command in commands)
    unpacked(folder)
    start.install_packages()
    for command in commands[2:]:
        place = command.index("--find-links")
        assert command[place - 1] == "--no-index" and command[place + 1] == folder / start.WHEELS
    assert len(commands) == 4


def test_an_installation_begun_with_another_python_than_the_kits_begins_again(monkeypatch):
    other = {"platform": start.describe()["platform"], "python": "3.99"}
    monkeypatch.setattr(start, "current_state", lambda: "unfinished")
    monkeypatch.setattr(start, "venv_python_version", lambda: "3.12")
    monkeypatch.setattr(start, "read_kit", lambda: other)
    monkeypatch.setattr(start, "find_another", lambda kit: None)
    with pytest.raises(start.StartError, match=r"are for Python 3\.99"):
        start.main(["check"])


def test_a_kit_that_lacks_a_package_does_not_blame_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "ROOT", unpacked(tmp_path))
    monkeypatch.setattr(start, "packages_folder", lambda: tmp_path)
    monkeypatch.setattr(start, "succeeds", lambda *_, **__: False)
    with pytest.raises(start.StartError, match="unpack the archive of the offline kit again"):
        start.install_packages()


def run(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, str(ROOT / "start.py"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        **kwargs,
    )


def test_help_and_a_wrong_word_from_another_folder(tmp_path):
    result = run("--help", cwd=tmp_path)
    assert result.returncode == 0 and "python start.py test" in result.stdout
    result = run("tset", cwd=tmp_path)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith(
        "start.py: the commands are lab, check, playground, test and workshop"
    )
    assert result.stderr.count("\n") == 1
