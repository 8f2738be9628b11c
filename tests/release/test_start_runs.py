"""start.py for real: it makes environments in a small course that has its packages with it.

Its offline kit has one package, which pretends to be all those that start.py tries to import. So no
test needs the network, or takes a minute.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from workshop import machine

pytestmark = [pytest.mark.slow, pytest.mark.patient]

ROOT = Path(__file__).resolve().parents[2]
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
AS_ROOT = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="needs root")
WHEEL = "packages-1.0-py3-none-any.whl"
MODULES = ("IPython", "jupyterlab_server", "numpy", "PIL/__init__", "PIL/Image", "pytest", "zmq")
OWN = "saliency_course-0.1-py3-none-any.whl"
BACKEND = f"""
import os, shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    shutil.copy(os.path.join(os.path.dirname(__file__), {OWN!r}), folder)
    return {OWN!r}
"""


def make_wheel(path, name, version, files):
    """Write a wheel with these files, {path: text}."""
    about = f"{name.replace('-', '_')}-{version}.dist-info"
    listed = [*files, *(f"{about}/{file}" for file in ("METADATA", "WHEEL", "RECORD"))]
    files = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "".join(f"{file},,\n" for file in listed),
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(zipfile.ZipInfo(file), text)  # the same bytes each time


def make_course(folder: Path) -> Path:
    """Make a small course with an offline kit for this Python."""
    for name in ("start.py", "workshop/__init__.py", "workshop/machine.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    wheels = folder / "wheels"
    wheels.mkdir()
    facts = machine.describe()
    kit = {"platform": facts["platform"], "python": "{}.{}".format(*facts["version"])}
    (wheels / machine.KIT).write_text(json.dumps(kit), encoding="utf-8")
    make_wheel(wheels / WHEEL, "packages", "1.0", {f"{module}.py": "" for module in MODULES})
    sha = hashlib.sha256((wheels / WHEEL).read_bytes()).hexdigest()
    pins = f"packages==1.0 \\\n    --hash=sha256:{sha}\n    # via nothing\n"
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["backend"]\n',
        encoding="utf-8",
    )
    (folder / "backend").mkdir()
    (folder / "backend" / "backend.py").write_text(BACKEND, encoding="utf-8")
    make_wheel(folder / "backend" / OWN, "saliency-course", "0.1", {"_saliency_course.pth": ""})
    own = folder / "course_utils"
    own.mkdir()
    (own / "__init__.py").write_text("", encoding="utf-8")
    (own / "__main__.py").write_text(
        "import sys, os\nprint('All is well', os.path.expanduser('~'), sys.flags.utf8_mode)\n"
    )
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small course with an environment, in a folder with spaces and an umlaut."""
    course = make_course(tmp_path_factory.mktemp("course") / "Kurs für alle")
    done = run(course)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The environment is ready" in done.stdout
    assert "All is well" in done.stdout
    return course


@pytest.fixture
def course(tmp_path):
    """A small course without an environment."""
    return make_course(tmp_path / "course")


def begin(course, command="check", environ=None, **options):
    return subprocess.Popen(
        [sys.executable, str(course / "start.py"), command],
        cwd=course,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        **options,
    )


def run(course, command="check", environ=None, **options):
    process = begin(course, command, environ, **options)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def last_line(text):
    return text.strip().splitlines()[-1]


@pytest.mark.xdist_group("finished")
def test_a_later_run_installs_nothing(finished):
    done = run(finished)
    assert done.returncode == 0
    assert done.stdout.startswith("All is well")
    assert done.stderr == ""


@pytest.mark.xdist_group("finished")
@ON_LINUX
def test_a_home_that_cannot_be_written_to_and_an_odd_locale(finished):
    odd = {"HOME": "/proc/nowhere", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = run(finished, environ=odd)
    assert done.returncode == 0
    assert done.stderr == ""
    said, well = done.stdout.splitlines()
    assert said.startswith("Your home folder cannot be written to")
    assert well.startswith("All is well")
    assert well.endswith(".venv/home 1")


def scripts(course):
    return course / ".venv" / ("Scripts" if os.name == "nt" else "bin")


@ON_LINUX
def test_an_environment_that_is_not_in_the_courses_folder(course, tmp_path):
    """As on Windows, where the paths would be too long: only the folder is made up."""
    code = """
import sys, start
from pathlib import Path
start.VENV = Path(sys.argv[1])
start.VENV_PYTHON, start.MARKER = start.VENV / "bin/python", start.VENV / "saliency-course.json"
start.main(["check"])
"""
    renamed = course.rename(course.with_name("Kurs für alle łó"))
    command = [sys.executable, "-c", code, str(tmp_path / "home" / "1a2b3c")]
    for first in (True, False):
        done = subprocess.run(command, cwd=renamed, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("Making an environment" in done.stdout) == first
        assert "All is well" in done.stdout
    assert not (renamed / ".venv").exists()


@pytest.mark.parametrize("name", [b"K\xe4se", b"a:b"])
@ON_LINUX
def test_in_a_folder_that_python_does_not_take_nothing_is_made(name, course, tmp_path):
    """And nobody is told to install a package that wouldn't help."""
    odd = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118
    os.rename(course, odd)  # noqa: PTH104
    for environ in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
        done = subprocess.run(
            [sys.executable, b"start.py", "check"],
            cwd=odd,
            env={**os.environ, **environ},
            capture_output=True,
            timeout=100,
        )
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert b"rename the folder" in done.stderr
        assert b".venv" not in os.listdir(odd)  # noqa: PTH208


@ON_LINUX
def test_an_umlaut_in_the_path_and_an_ascii_locale(course):
    renamed = course.rename(course.with_name("Käse"))
    done = run(renamed, environ={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well" in done.stdout


DAMAGES = {
    "an empty pip": lambda course, packages: (packages / "pip/__main__.py").write_text(""),
    "an empty package": lambda course, packages: (packages / "numpy.py").write_text("import gone"),
    "no Python": lambda course, packages: shutil.rmtree(scripts(course)),
    "a marker cut off": lambda course, packages: (course / ".venv/saliency-course.json").write_text(
        '{"ready": "'
    ),
}


@pytest.mark.xdist_group("finished")
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_environment_that_does_not_work_is_made_again(damage, finished):
    (numpy,) = (finished / ".venv").rglob("numpy.py")
    DAMAGES[damage](finished, numpy.parent)
    done = run(finished)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is damaged: making it again" in done.stdout
    assert "All is well" in done.stdout
    assert run(finished).stdout.startswith("All is well")


@pytest.mark.xdist_group("finished")
def test_what_an_interrupted_installation_left_is_made_again_if_it_does_not_work(finished):
    (numpy,) = (finished / ".venv").rglob("numpy.py")
    numpy.write_text("import gone", encoding="utf-8")  # to pip, the package is installed
    marker = finished / ".venv" / "saliency-course.json"
    before = json.loads(marker.read_text(encoding="utf-8"))
    marker.write_text(json.dumps({**before, "ready": None}), encoding="utf-8")
    done = run(finished)
    assert done.returncode == 0
    assert "No module named 'gone'" in done.stderr
    assert "is damaged: making it again" in done.stdout


def test_a_first_marker_that_was_not_finished_is_no_foreign_folder(course):
    (course / ".venv").mkdir()
    (course / ".venv" / "saliency-course.tmp").write_text("", encoding="utf-8")
    done = run(course)
    assert done.returncode == 0, done.stderr
    assert "All is well" in done.stdout


def test_two_at_once(course):
    both = [begin(course), begin(course)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("Making an environment" in text for text in said) == [False, True]
    assert sorted("Another start.py is installing" in text for text in said) == [False, True]
    assert all("All is well" in text for text in said)


def test_a_file_with_another_hash_is_refused_and_a_missing_one_named(course):
    wheel = course / "wheels" / WHEEL
    make_wheel(wheel, "packages", "1.0", {f"{m}.py": "print('other')" for m in MODULES})
    done = run(course)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "unpack the archive of the offline kit again" in last_line(done.stderr)
    assert not list((course / ".venv").rglob("numpy.py"))
    wheel.unlink()
    done = run(course)
    assert done.returncode == 1
    assert "unpack the archive of the offline kit again" in last_line(done.stderr)
    # An environment that was begun with a different Python from the kit's begins again.
    (course / "wheels" / machine.KIT).write_text('{"platform": "nowhere", "python": "3.99"}')
    done = run(course)
    assert done.returncode == 1
    assert "are for Python 3.99 on nowhere" in last_line(done.stderr)


@ON_LINUX
@pytest.mark.parametrize("seed", range(3))
def test_stopped_at_any_moment_the_next_start_makes_it_whole(seed, course):
    process = begin(course, start_new_session=True)
    time.sleep(random.Random(seed).uniform(0.2, 6))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = run(course)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well" in done.stdout


NO_ROOM = "start.py: There is no room left on the disk"


@ON_LINUX
@AS_ROOT
@pytest.mark.parametrize("megabytes", [9, 60])
def test_a_full_disk(megabytes, tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(tmp_path)]
    )
    if mounted.returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        course = make_course(tmp_path / "course")
        done = run(course)
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith(NO_ROOM)
        assert done.stderr.count("\n") == 1
        assert not (course / ".venv").exists()
        subprocess.run(["mount", "-o", "remount,size=3g", str(tmp_path)], check=True)
        done = run(course)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "All is well" in done.stdout
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@ON_LINUX
def test_a_disk_that_fills_up_on_the_way_leaves_nothing_half_made(course):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = run(course, preexec_fn=limit)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(NO_ROOM)
    assert done.stderr.count("\n") == 1
    assert not (course / ".venv").exists()
    done = run(course)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is well" in done.stdout


@ON_LINUX
@AS_ROOT
def test_a_folder_that_cannot_be_written_to(course):
    subprocess.run(["mount", "--bind", str(course), str(course)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(course)], check=True)
        done = run(course)
        assert done.returncode == 1
        assert "Read-only file system" in done.stderr
        assert "copy the course's folder into your home folder" in done.stderr
        assert done.stderr.startswith("start.py: ")
        assert done.stderr.count("\n") == 1
    finally:
        subprocess.run(["umount", str(course)], check=True)
