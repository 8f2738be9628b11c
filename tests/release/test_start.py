"""start.py's decisions, as plain functions. test_start_runs.py lets it install something."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

import start
from course_utils.apps import server
from workshop import machine

ROOT = Path(__file__).resolve().parents[2]
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
    assert machine.problem({**GOOD, "version": [3, minor], "platform": platform}) is None


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
    sentence = machine.problem({**GOOD, **facts})
    assert words in sentence
    assert "\n" not in sentence
    assert not sentence.endswith(".")


def test_the_running_python_is_described():
    facts = machine.describe()
    assert facts.keys() == GOOD.keys()
    assert facts["version"] == list(sys.version_info[:2])
    assert machine.problem(facts) is None


@pytest.mark.parametrize("name", ["start.py", "workshop/machine.py"])
def test_an_old_python_gets_as_far_as_the_sentence_that_names_a_newer_one(name):
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_supported_versions_are_those_of_pyproject():
    assert 'requires-python = ">={}.{},<{}.{}"'.format(
        *machine.OLDEST, machine.NEWEST[0], machine.NEWEST[1] + 1
    ) in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.fixture
def pythons(tmp_path, monkeypatch):
    """Put commands on the path that describe themselves by the given JSON."""
    if sys.platform == "win32":
        pytest.skip("Windows asks its launcher")

    def put(answers):
        for name, answer in answers.items():
            command = tmp_path / name
            text = answer if isinstance(answer, str) else json.dumps({**GOOD, **answer})
            command.write_text(f"#!/bin/sh\necho '{text}'\n", encoding="utf-8")
            command.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


def test_every_candidate_is_tried_until_one_will_do(pythons, tmp_path):
    pythons({"python3.12": {"bits": 32}, "python3.11": "not JSON", "python3.10": {}})
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")  # without a Python behind it
    shim.chmod(0o755)
    assert machine.find_another() == [str(tmp_path / "python3.10")]
    (tmp_path / "python3.10").unlink()
    assert machine.find_another() is None


@pytest.mark.parametrize(
    ("marker", "seen", "expected"),
    [
        (None, ("3.12", True, True), "foreign"),
        ({}, ("3.12", True, True), "broken"),
        ({"ready": "now", "python": "3.12"}, (None, False, False), "broken"),
        ({"ready": "now", "python": "3.11"}, ("3.12", True, True), "broken"),
        ({"ready": "now", "python": "3.12"}, ("3.12", True, False), "broken"),
        ({"ready": None, "python": "3.12"}, ("3.12", False, False), "broken"),
        ({"ready": None, "python": "3.12"}, ("3.12", True, False), "unfinished"),
        ({"ready": "before", "python": "3.12"}, ("3.12", True, True), "unfinished"),
        ({"ready": "now", "python": "3.12"}, ("3.12", True, True), "ready"),
    ],
)
def test_the_state_of_the_environment(marker, seen, expected):
    assert start.state(marker, seen, wanted="now") == expected


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
    for nonsense in ("", "[1]", '{"ready": ', "[" * 100_000):
        path.write_text(nonsense, encoding="utf-8")
        assert start.read_marker(path) == {}
    path.replace(
        path.with_suffix(".tmp")
    )  # earlier versions left it like this when they were stopped
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
    with pytest.raises(machine.StartError, match="didn't make"):
        start.install("foreign")
    assert [file.name for file in precious.parent.iterdir()] == ["precious.txt"]


def test_variables_that_would_lead_astray_are_dropped_and_the_others_kept():
    env = machine.child_environment(
        {
            "PATH": "here",
            "PYTHONPATH": "elsewhere",
            "PYTHONUTF8": "0",
            "PIP_TARGET": "elsewhere",
            "PIP_USER": "1",
            "PIP_CERT": "company.pem",
            "KERAS_BACKEND": "torch",
            "MPLBACKEND": "module://nowhere",
        }
    )
    assert env["PATH"] == "here"
    assert env["PIP_CERT"] == "company.pem"
    assert env["PIP_USER"] == "0"
    assert env["KERAS_BACKEND"] == "tensorflow"
    assert not {"PYTHONPATH", "PYTHONUTF8", "PIP_TARGET", "MPLBACKEND"} & env.keys()


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
    with pytest.raises(machine.StartError, match="'tset'"):
        start.parse(["tset"])


def test_the_command_lines():
    python = str(start.VENV_PYTHON)
    assert start.command_line("test", ["-x"]) == [python, "-m", "pytest", "-x"]
    assert start.command_line("check", []) == [python, "-m", "course_utils"]
    assert start.command_line("playground", ["--port=1"]) == [
        *(python, "-m", "course_utils.apps.server", "--port=1")
    ]
    assert start.command_line("workshop", ["slides"]) == [python, "-m", "workshop", "slides"]
    lab = start.command_line("lab", ["--no-browser"])
    assert lab[:3] == [python, "-m", "jupyterlab"]
    assert lab[-1] == "--no-browser"
    assert f"--ServerApp.root_dir={ROOT}" in lab
    assert "--allow-root" not in lab
    assert "--allow-root" in start.command_line("lab", [], is_root=True)


def test_the_first_lesson_is_there():
    assert (ROOT / start.LESSON).is_file()
    assert server.NOTEBOOK.is_file()


# ------------------------------------------------------------------- Windows, by its own arithmetic

HOME = "C:" + r"\Users\Maximiliane"  # in two parts: no file may name somebody's folder
WINDOWS = {
    "USERPROFILE": HOME,
    "ONEDRIVE": HOME + r"\OneDrive - Uni",
}
KIT_FOLDER = r"saliency-course-students-win-amd64-py3.12\saliency-course"  # of "Extract All"


def folder_on_windows(root, long_paths=False, environ=WINDOWS):
    root = PureWindowsPath(root)
    venv = machine.environment_folder(root, environ, long_paths)
    longest = len(str(venv)) + 1 + machine.LONGEST_INSIDE
    problem = machine.path_problem(root, venv, long_paths)
    assert longest <= 259 or long_paths or problem
    return venv, problem


@pytest.mark.parametrize(
    ("root", "long_paths", "where"),
    [
        (r"C:\saliency-course", False, "here"),
        ("C:\\" + 68 * "x", False, "here"),
        ("C:\\" + 69 * "x", False, "home"),
        ("C:\\" + 69 * "x", True, "here"),
        (rf"{HOME}\Downloads\{KIT_FOLDER}", False, "home"),
        (rf"{HOME}\Downloads\{KIT_FOLDER}", True, "here"),
        (rf"{HOME}\OneDrive - Uni\Desktop\{KIT_FOLDER}", False, "home"),
        (r"c:\users\maximiliane\onedrive - uni\course", True, "home"),  # not for its length
        (r"D:\OneDrive - Another Uni\course", True, "home"),
        (r"D:\Dropbox\course", True, "home"),
        (r"D:\Kurse\Käse & 100% für alle!\saliency-course", False, "here"),
        (rf"\\server\share\{120 * 'x'}", False, "home"),
    ],
)
def test_on_windows_the_environment_goes_where_its_paths_fit(root, long_paths, where):
    venv, problem = folder_on_windows(root, long_paths)
    assert problem is None
    home = PureWindowsPath(WINDOWS["USERPROFILE"], ".saliency-course")
    assert venv.parent == (PureWindowsPath(root) if where == "here" else home)
    assert str(venv if where == "home" else ".venv") in machine.name_of(venv, PureWindowsPath(root))


def test_two_copies_of_the_course_have_two_environments():
    first, second = (folder_on_windows("C:\\" + 90 * letter)[0] for letter in "xy")
    assert first != second
    assert first == folder_on_windows("c:\\" + 90 * "X")[0]


@pytest.mark.parametrize("environ", [{}, {"USERPROFILE": "C:" + r"\Users" + "\\" + 50 * "x"}])
def test_where_no_path_fits_nothing_is_installed_and_a_sentence_says_where_to_go(environ):
    _, problem = folder_on_windows("C:\\" + 80 * "x", environ=environ)
    assert "at most 71" in problem
    assert "\n" not in problem
    assert not problem.endswith(".")


def test_the_page_about_windows_quotes_what_is_said():
    page = (ROOT / "docs" / "windows.md").read_text(encoding="utf-8")
    assert "docs/windows.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    said = "".join((ROOT / name).read_text() for name in ("start.py", "workshop/machine.py"))
    for words in (
        "This is a 32-bit Python",
        "Windows would find paths in this folder too long",
        "The course is not in this folder",
        "Making an environment",
    ):
        assert words in page
        assert words in said
    for number in (machine.LONGEST_INSIDE, machine.LONGEST_PATH, "DLL load failed", "34,000"):
        assert str(number) in page


def test_the_file_to_double_click_is_one_that_windows_can_run():
    """What it does, only Windows could show: see docs/windows.md."""
    text = (ROOT / "start.cmd").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n") > 5  # cmd.exe loses labels in other files
    assert text.isascii()
    lines = text.decode().split("\r\n")
    labels = {line[1:] for line in lines if line.startswith(":")}
    assert labels == {line.rpartition(" ")[2] for line in lines if "goto " in line}
    assert "*.cmd text eol=crlf" in (ROOT / ".gitattributes").read_text(encoding="utf-8")


def test_without_the_rest_of_the_course_one_sentence_says_so(tmp_path):
    """As in the window that shows what's in an archive."""
    shutil.copy(ROOT / "start.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "start.py")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unpack the whole archive" in done.stderr


# ------------------------------------------------------------------------------ making .venv


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a:b" if os.name != "nt" else "a;b", f"because of the {os.pathsep}"),
        ("K\udce4se", "aren't encoded in UTF-8"),  # Käse in Latin 1
        ("Käse & 100% für alle!", None),
    ],
)
def test_a_folder_in_which_python_makes_no_environment_is_named_before(path, words, tmp_path):
    said = machine.path_problem(tmp_path / path, tmp_path / path / ".venv")
    assert said is None if words is None else words in said


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("OSError: [Errno 28] No space left on device", True),
        (
            "ProtocolError: (\"Connection broken: OSError(28, 'Kein Platz')\", OSError(28, ''))",
            True,
        ),
        ("OSError: [WinError 112] Es steht nicht genug Speicherplatz zur Verfügung", True),
        ("OSError: [Errno 122] Disk quota exceeded", True),
        ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']", True),
        ("fatal: write error: No space left on device", True),
        ("Connection broken: ConnectionResetError(104, 'Connection reset by peer')", False),
        ("[Errno 2] No such file or directory: '/x/Errno 280'", False),
    ],
)
def test_a_full_disk_is_told_from_a_broken_network(said, full):
    assert machine.says_no_room(said.encode()) == full


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that pretends to be an environment: its Python, pip and packages answer as told."""
    monkeypatch.setattr(start, "VENV", tmp_path)
    monkeypatch.setattr(start, "MARKER", tmp_path / "marker.json")
    monkeypatch.setattr(start.machine, "read_kit", lambda: None)  # an unpacked kit runs this too
    return tmp_path


def test_without_venv_or_pip_the_exact_command_is_named(folder, monkeypatch):
    monkeypatch.setattr(start, "succeeds", lambda *_, **__: False)
    monkeypatch.setattr(machine.shutil, "which", lambda _: "/usr/bin/apt-get")
    version = "{}.{}".format(*sys.version_info[:2])
    with pytest.raises(machine.StartError, match=f"sudo apt install python{version}-venv"):
        start.make_environment()


def test_where_python_has_venv_and_pip_no_package_is_blamed(folder, monkeypatch):
    monkeypatch.setattr(start, "succeeds", lambda command, **_: "-c" in command)
    with pytest.raises(machine.StartError, match="the reason is above this line"):
        start.make_environment()


def test_pip_comes_from_the_system_where_python_has_none_of_its_own(folder, monkeypatch):
    commands = []

    def succeeds(command, quiet=False):
        commands.append([str(word) for word in command])
        return "ensurepip" not in command

    monkeypatch.setattr(start, "succeeds", succeeds)
    start.make_environment()
    command = commands[-1]
    assert command[0] == start.base_python()
    assert "--require-hashes" in command
    listed = Path(command[-1]).read_text(encoding="utf-8")
    assert re.fullmatch(r"pip==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", listed)


def test_what_was_unpacked_in_half_is_forgotten(tmp_path):
    for name, last in (("whole", "INSTALLER"), ("half", "METADATA")):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / last).write_text("pip", encoding="utf-8")
        (tmp_path / f"{name}.py").write_text("", encoding="utf-8")
    start.forget_halves(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["half.py", "whole-1.0.dist-info", "whole.py"]


def test_an_installation_that_fails_is_not_called_ready(folder, monkeypatch):
    monkeypatch.setattr(start, "succeeds", lambda *_, **__: False)
    start.write_marker("an older digest", "3.12", start.MARKER)
    with pytest.raises(machine.StartError, match="goes on where this one stopped"):
        start.install("unfinished")
    assert start.read_marker(start.MARKER) == {"ready": None, "python": "3.12"}


KIT = {"platform": "linux-x86_64", "python": "3.12"}


def unpacked(folder, kit=KIT):
    """A folder for wheels, as in an unpacked kit, but without any wheels."""
    (folder / "wheels").mkdir()
    (folder / "wheels" / machine.KIT).write_text(json.dumps(kit), encoding="utf-8")
    return folder / "wheels"


def test_a_kit_says_what_it_is_for_and_a_damaged_one_that_it_is_damaged(tmp_path):
    assert machine.read_kit(tmp_path / "wheels") is None
    wheels = unpacked(tmp_path)
    assert machine.read_kit(wheels) == KIT
    for nonsense in ("", "[]", '"text"', '{"platform": "win-amd64"}'):
        (wheels / machine.KIT).write_text(nonsense, encoding="utf-8")
        with pytest.raises(machine.StartError, match="not a complete offline kit"):
            machine.read_kit(wheels)
    (wheels / machine.KIT).unlink()
    with pytest.raises(machine.StartError, match="not a complete offline kit"):
        machine.read_kit(wheels)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": [3, 11]}, "install Python 3.12 as well, or ask for the offline kit"),
        ({"platform": "win-amd64"}, "this is Python 3.12 on win-amd64: ask for the offline kit"),
        ({"version": [3, 13], "platform": "macosx-arm64"}, "for Python 3.12 on linux-x86_64"),
    ],
)
def test_a_kit_for_another_computer_says_so_in_one_sentence(facts, words):
    assert machine.problem({**GOOD, **facts}) is None
    sentence = machine.kit_problem({**GOOD, **facts}, KIT)
    assert words in sentence
    assert "delete the folder wheels" in sentence
    assert "\n" not in sentence
    assert sentence.count(". ") == 0
    assert not sentence.endswith(".")


def test_the_right_kit_and_no_kit_are_no_problem():
    assert machine.kit_problem(GOOD, KIT) is None
    assert machine.kit_problem(GOOD, None) is None


def test_the_python_that_the_kit_is_for_is_looked_for(pythons, tmp_path):
    pythons({"python3.13": {"version": [3, 13]}, "python3.12": {}})
    assert machine.find_another() == [str(tmp_path / "python3.13")]
    assert machine.find_another(KIT) == [str(tmp_path / "python3.12")]
    assert machine.find_another({**KIT, "platform": "win-amd64"}) is None


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
    assert result.returncode == 0
    assert "python start.py test" in result.stdout
    result = run("tset", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "start.py: the commands are lab, check, playground, test, reset, answers, workshop"
    )
    assert result.stderr.count("\n") == 1
