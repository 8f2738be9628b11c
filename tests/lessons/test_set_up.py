"""The set-up cell, the first of every notebook: every way into Colab, with no cell edited.

Each test runs the cell in a Python of its own that lacks the course, where google.colab seems to
have been imported. GitHub is a folder of git repositories, and Colab's session service a server on
this computer. `tests/environments/colab.py` does it all again with Colab's versions.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sessions import Sessions, instead_of_github, sessions

from tools import address, notebooks
from workshop.offline_kit import pins

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow  # it starts Python, git and pip for real

ROOT = Path(__file__).resolve().parents[2]
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Colab runs on Linux")
# What the cell needs to find, to import, and to read; the package's other modules are left out.
COURSE = (
    "course_utils/__init__.py",
    "course_utils/apps/__init__.py",
    "course_utils/apps/colab.py",
    "requirements.txt",
)
AS_IN_COLAB = """
import json, os, sys, types
colab = types.ModuleType("google.colab")
colab._message = types.ModuleType("google.colab._message")
notebook = json.loads(os.environ["NOTEBOOK"])
colab._message.blocking_request = lambda what, timeout_sec: {"ipynb": notebook}
google = types.ModuleType("google")
google.colab = colab
sys.modules |= {"google": google, "google.colab": colab, "google.colab._message": colab._message}
"""
WHERE = "\nimport course_utils; print(course_utils.__file__)"


def make_course(folder: Path) -> Path:
    for name in COURSE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


class Colab:
    """A machine as Colab lends one: a Python, a folder of files, git, and a session service."""

    def __init__(self, folder: Path, service: Sessions) -> None:
        self.content, self.github = folder / "content", folder / "github"
        self.temporary = folder / "tmp"
        for made in (self.content, self.github, self.temporary):
            made.mkdir()
        venv.create(folder / "python", symlinks=True)
        self.python = folder / "python" / "bin" / "python"
        self.service, self.notebook, self.hosted = service, {"metadata": {}}, ""

    def repository(self, name: str, branch: str = "main", inside: str = ".") -> Path:
        """Make a repository on "GitHub" with the course in it."""
        folder = self.github / name
        make_course(folder / inside)
        git(folder, "init", "--quiet", "--initial-branch", branch)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "The course")
        return folder

    def run(self, *, content: Path | None = None, **more: str) -> list[str]:
        """Run the set-up cell in a new kernel, as it is; return the lines that it prints."""
        done = self.start(content, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def start(self, content: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        cell = notebooks.set_up(self.hosted)
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.github.parent),
            "TMPDIR": str(self.temporary),
            "COLAB_JUPYTER_IP": self.service.host,
            "NOTEBOOK": json.dumps(self.notebook),
            "PIP_NO_INDEX": "1",
            **instead_of_github(self.github),
        }
        return subprocess.run(
            [str(self.python), "-c", AS_IN_COLAB + cell + WHERE],
            cwd=content or self.content,
            env=variables | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )


@pytest.fixture
def colab(tmp_path):
    with sessions() as service:
        yield Colab(tmp_path, service)


# --------------------------------------------------------------------------- opened from GitHub


@ON_LINUX
@pytest.mark.parametrize(
    ("name", "branch", "path"),
    [
        ("ada/saliency-course", "main", "notebooks/03_grad_cam.ipynb"),
        ("Ada-L/kurs.2026", "winter/week-1", "notebooks/solutions/03_grad_cam.ipynb"),
        ("ada/kurs", "notebooks", "notebooks/00_start_here.ipynb"),
        ("ada/kurs", "grün#1", "notebooks/00_start_here.ipynb"),
        ("ada/teaching", "main", "My courses/saliency/notebooks/Copy of 00_start_here (1).ipynb"),
        ("ada/teaching", "main", "release/lesson_3/03_grad_cam.ipynb"),
    ],
)
def test_opened_from_github_under_any_owner_name_and_branch(colab, name, branch, path):
    colab.repository(name, branch, path.partition("/notebooks/")[0] if "courses" in path else ".")
    colab.service.opened(f"https://github.com/{name}/blob/{quote(branch)}/{quote(path)}")
    colab.hosted = "https://github.com/nobody/elsewhere"  # the notebook's own address comes first
    *said, ready, where = colab.run()
    assert ready == "Ready."
    assert where.endswith("course_utils/__init__.py")
    assert not [line for line in said if line.startswith(("hint", "fatal"))]  # git's
    assert list(colab.content.iterdir()) == []  # nothing in Colab's files


@ON_LINUX
@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/ada/kurs/raw/main/notebooks/03_grad_cam.ipynb",
        "https://raw.githubusercontent.com/ada/kurs/refs/heads/main/notebooks/03_grad_cam.ipynb",
        "https://GitHub.com/ada/kurs/blob/main/notebooks/03_GRAD_CAM.IPYNB?raw=true#scrollTo=1",
    ],
)
def test_github_has_several_addresses_for_a_file(colab, address):
    colab.repository("ada/kurs")
    colab.service.opened(address)
    assert colab.run()[-2] == "Ready."


@ON_LINUX
def test_instead_of_a_version_that_is_gone_it_takes_the_newest_and_says_so(colab):
    colab.repository("ada/kurs")
    colab.service.opened("https://github.com/ada/kurs/blob/winter/2025/notebooks/03.ipynb")
    said, *_, ready, _ = colab.run()
    assert said.endswith("no longer has winter/2025, so this is its newest version.")
    assert ready == "Ready."


@ON_LINUX
def test_a_notebook_opened_at_a_commit_gets_the_course_of_that_commit(colab):
    folder = colab.repository("ada/kurs")
    first = git(folder, "rev-parse", "HEAD")
    (folder / "requirements.txt").write_text("later")
    git(folder, "commit", "--quiet", "--all", "--message", "Later")
    colab.service.opened(f"https://github.com/ada/kurs/blob/{first}/notebooks/03_grad_cam.ipynb")
    *_, where = colab.run()
    assert Path(where).parents[1].joinpath("requirements.txt").read_text() != "later"


# ----------------------------------------------------------------------------- a copy in Drive


@ON_LINUX
def test_a_copy_in_drive_knows_what_it_is_a_copy_of(colab):
    colab.repository("ada/kurs", "frühling")
    colab.service.opened("1w6mqQiNV3liPIX70NOgitOlDF1_4sRMw")
    origin = "https://github.com/ada/kurs/blob/frühling/notebooks/03_grad_cam.ipynb"
    origins = [{"file_id": "1w6mqQiNV3liPIX7"}, {"file_id": origin, "timestamp": 1669093216189}]
    colab.notebook = {"metadata": {"colab": {"provenance": origins}}}
    assert colab.run()[-2] == "Ready."


@ON_LINUX
@pytest.mark.parametrize(
    "answer", [b"[]", b"<html>", b"[{}]", b'[{"path": null}]', b"\xff", b'{"message": "no"}']
)
def test_where_colab_says_nothing_the_address_of_the_host_counts(colab, answer):
    colab.repository("ada/kurs", "grün", "a course")
    colab.service.answer = answer
    for version in ("", "/tree/grün", "/tree/gr%C3%BCn/a%20course"):
        colab.hosted = f"https://github.com/ada/kurs{version}"
        assert colab.run()[-2] == "Ready."


@ON_LINUX
def test_without_a_session_service_the_address_of_the_host_counts(colab):
    colab.repository("ada/kurs")
    colab.hosted = "https://github.com/ada/kurs"
    assert colab.run(COLAB_JUPYTER_IP="127.254.254.9")[-2] == "Ready."


# --------------------------------------------------------------- Colab's files, and a mounted Drive


@ON_LINUX
@pytest.mark.parametrize(
    "folder",
    [
        "saliency-course",
        "a/b/saliency-course-main/saliency-course-main",
        "drive/MyDrive/saliency-course",
        "drive/MyDrive/Colab Notebooks/Übung 2026/course",
        "drive/.shortcut-targets-by-id/1w6mqQ/saliency-course",
    ],
)
def test_unpacked_anywhere_in_colabs_files_or_in_drive(colab, folder):
    course = make_course(colab.content / folder)
    assert Path(colab.run()[-1]) == course / "course_utils" / "__init__.py"
    (colab.content / "later").mkdir()  # after a restart, even in another folder
    assert Path(colab.run(content=colab.content / "later")[-1]).parents[1] == course


@ON_LINUX
def test_in_the_courses_own_folder_that_copy_is_taken(colab):
    make_course(colab.content / "a")
    course = make_course(colab.content / "b")
    (course / "notebooks" / "solutions").mkdir(parents=True)
    where = colab.run(content=course / "notebooks" / "solutions")[-1]
    assert Path(where).parents[1] == course


@ON_LINUX
@pytest.mark.parametrize("name", ["course_utils", "half/course_utils"])
def test_a_namesake_or_half_of_a_copy_is_not_taken_for_the_course(colab, name):
    for folder in ("course_utils", name):
        (colab.content / folder).mkdir(parents=True, exist_ok=True)
    (colab.content / name / "__init__.py").touch()
    colab.repository("ada/kurs")
    colab.service.opened("https://github.com/ada/kurs/blob/main/notebooks/03_grad_cam.ipynb")
    *_, ready, where = colab.run()
    assert ready == "Ready."
    assert Path(where).parent.joinpath("apps", "colab.py").is_file()


def archived(course: Path, archive: Path) -> Path:
    """Write an archive as GitHub makes them: all in one folder."""
    form = "gztar" if archive.name.endswith("gz") else "zip"
    made = shutil.make_archive(str(course.parent / "made"), form, course.parent, course.name)
    archive.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(made, archive))


@ON_LINUX
@pytest.mark.parametrize(
    "name", ["saliency-course-main.ZIP", "drive/MyDrive/kurs (1).zip", "kurs-1.0.tar.gz"]
)
def test_an_uploaded_archive_is_enough_and_the_newest_one_counts(colab, name, tmp_path):
    course = make_course(tmp_path / "saliency-course-main")
    archived(course, colab.content / name)
    os.utime(archived(course, (colab.content / name).with_name("a.zip")), (1, 1))
    (course / "requirements.txt").write_text("newer")
    archived(course, colab.content / name)
    (colab.content / "another.zip").write_bytes(b"cut off")
    (colab.content / "link.zip").symlink_to("nowhere")
    *_, ready, where = colab.run()
    assert ready == "Ready."
    assert Path(where).parents[1].joinpath("requirements.txt").read_text() == "newer"
    assert colab.run()[-2] == "Ready."  # after a restart


# ----------------------------------------------------------------------- nothing is found, restarts


@ON_LINUX
def test_if_nothing_is_found_one_sentence_says_what_to_do(colab, tmp_path):
    colab.service.opened("https://github.com/ada/private/blob/main/notebooks/03_grad_cam.ipynb")
    done = colab.start()
    assert done.returncode == 1
    assert "ada/private" in done.stdout  # git's own reason
    said = done.stderr.splitlines()[-1]
    assert said.startswith("RuntimeError: The course wasn't found.")
    assert "as a .zip file" in said
    archive = archived(make_course(tmp_path / "unpacked"), tmp_path / "whole.zip")
    half = colab.content / "saliency-course-main.zip"
    half.write_bytes(archive.read_bytes()[:1000])  # the upload isn't complete
    assert colab.start().returncode == 1
    half.write_bytes(archive.read_bytes())
    assert colab.run()[-2] == "Ready."


@ON_LINUX
def test_the_network_fails_in_mid_install_and_comes_back(colab):
    """Without a network, the course isn't found; then pip can't install what lesson 5 needs."""
    colab.service.opened("https://github.com/ada/kurs/blob/main/notebooks/03_grad_cam.ipynb")
    assert colab.start().returncode == 1
    colab.repository("ada/kurs")
    *said, ready, _ = colab.run()
    assert "run this cell again" in said[-1]
    assert ready == "Ready."
    shutil.rmtree(colab.github)  # gone again, but a restart needs nothing
    assert colab.run()[-2] == "Ready."


@ON_LINUX
def test_what_colab_lacks_is_installed_in_the_tested_version_and_nothing_else(colab, tmp_path):
    """The real pip, with packages of these names in a folder."""
    from course_utils.apps.colab import NEEDED

    colab.repository("ada/kurs")
    colab.service.opened("https://github.com/ada/kurs/blob/main/notebooks/03_grad_cam.ipynb")
    for part in metadata.distribution("pip").locate_file("").glob("pip*"):  # this environment's pip
        (tmp_path / "pip").mkdir(exist_ok=True)
        (tmp_path / "pip" / part.name).symlink_to(part)
    tested = {r.name: str(r.specifier).removeprefix("==") for r in pins(ROOT / "requirements.txt")}
    for module, name in NEEDED.items():
        for version in (tested[name], "999"):
            wheel(tmp_path / "wheels", module, name, version)
    paths = {"PYTHONPATH": str(tmp_path / "pip"), "PIP_FIND_LINKS": str(tmp_path / "wheels")}

    def installed():
        command = [colab.python, "-m", "pip", "list", "--format=json"]
        return {
            p["name"]: p["version"] for p in json.loads(subprocess.check_output(command, env=paths))
        }

    before = installed()
    *_, told, ready, _ = colab.run(**paths)
    assert told == f"Installed for this session: {', '.join(NEEDED)}. Nothing else changed."
    assert ready == "Ready."
    new = {name: tested[name] for name in NEEDED.values()}
    after = {canonicalize_name(name): version for name, version in installed().items()}
    assert after == before | new
    assert colab.run()[:-1] == ["Ready."]  # and not again


def wheel(folder: Path, module: str, name: str, version: str) -> None:
    """Write an empty package that needs another one, which nobody has."""
    folder.mkdir(exist_ok=True)
    about = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: nobody\n"
    files = {
        f"{module}.py": "",
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as opened:
        for path, text in files.items():
            opened.writestr(path, text)


# ------------------------------------------------------------------------------ not in Colab


def run_here(folder: Path, python: Path | str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-I", "-c", notebooks.set_up("") + WHERE]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_in_a_clone_the_package_beside_the_notebooks_is_used(folder, tmp_path):
    """As with conda and on Binder, where the course isn't installed."""
    venv.create(tmp_path / "python")
    scripts = "Scripts" if os.name == "nt" else "bin"
    done = run_here(ROOT / folder, tmp_path / "python" / scripts / "python")
    assert done.stdout.splitlines() == ["Ready.", str(ROOT / "course_utils" / "__init__.py")]


def test_without_the_course_it_names_the_command(tmp_path):
    venv.create(tmp_path / "python")
    scripts = "Scripts" if os.name == "nt" else "bin"
    done = run_here(tmp_path, tmp_path / "python" / scripts / "python")
    assert done.returncode == 1
    assert "python start.py" in done.stderr.splitlines()[-1]


# --------------------------------------------------------------------------------- in the notebooks


@pytest.fixture(scope="module")
def books():
    return {name: notebooks.read(name) for name in [*notebooks.lessons(), *notebooks.APPS]}


def test_every_notebook_begins_with_it_folded_and_below_the_title(books):
    for notebook in books.values():
        title, cell, *_ = notebook.cells
        assert title.source.startswith("# ")
        assert cell.source == notebooks.set_up(address.read())
        assert cell.metadata.jupyter.source_hidden  # in JupyterLab, one line is left of it
        assert cell.metadata.cellView == "form"  # in Colab, its title, which is its first line
        assert cell.source.startswith("# @title Set-up")


@pytest.mark.parametrize(
    "where", ["https://gitlab.com/ada/kurs", "https://github.com/a/k/tree/b", ""]
)
def test_offline_no_picture_is_missing_and_no_link_leads_nowhere(where, books):
    for name, notebook in books.items():
        title, cell, *_ = copy.deepcopy(notebook.cells)
        address.put(where, name, {"cells": [title, cell]})
        link = f"](https://colab.research.google.com/github/a/k/blob/b/notebooks/{name}.ipynb)"
        assert title.source.endswith(link) == ("github" in where and name in notebooks.lessons())
        assert title.source.count("in Colab](") == title.source.count(link)
        assert "![" not in title.source
        assert "OWNER" not in title.source + cell.source
        assert f'HOSTED = "{where}"' in cell.source


# ------------------------------------------------------------------- what Colab has preloaded


COLAB = ROOT / "tests" / "environments"


def requirements(path: Path) -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in pins(path)}


def test_nothing_that_colab_has_preloaded_would_be_replaced():
    """The course works with each of Colab's versions: pyproject.toml's lower bounds allow it."""
    preloaded = requirements(COLAB / "colab.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        needed = Requirement(text)
        [pinned] = preloaded[canonicalize_name(needed.name)].specifier
        assert needed.specifier.contains(pinned.version), f"{text}, but Colab has {pinned.version}"


def test_the_environment_like_colabs_has_the_versions_that_colab_publishes():
    resolved = requirements(COLAB / "colab.txt")
    for name, published in requirements(COLAB / "colab.in").items():
        assert str(published.specifier) in ("", str(resolved[name].specifier))
    assert not {"tf-explain", "saliency-course", "nbval"} & resolved.keys()
