"""The files around the course agree with each other, and everything needed is included."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from workshop import offline_kit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
GENERATED = ("notebooks/*.ipynb", "notebooks/solutions/*.ipynb")  # by tools/notebooks.py
NOT_OURS = {".git", ".venv", "__pycache__", ".ipynb_checkpoints", ".ruff_cache", ".pytest_cache"}
NOT_OURS |= {"wheels", "_build"}  # an offline kit's, and what the course's own tools make


def project_files():
    """Return every file of the project: what git tracks or, without git, what's here."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
        ).stdout.decode()
    except (OSError, subprocess.SubprocessError):
        listing = ""
    paths = [ROOT / name for name in listing.split("\0") if name]
    if not paths:
        paths = [
            path for path in ROOT.rglob("*") if not NOT_OURS & set(path.relative_to(ROOT).parts)
        ]
    return sorted(path for path in paths if path.is_file())


def project_texts():
    """Yield (name, text) for every text file of the project."""
    for path in project_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8")


COURSE = ["requirements.txt", "workshop/requirements.txt", ".ci/requirements.txt"]
PINNED = [*COURSE, "workshop/hub/requirements.txt", "workshop/hub/image.txt"]


# ------------------------------------------------------------------------- requirements.txt


def direct_dependencies():
    return [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    ("sys_platform", "os_name", "machine"),
    [("linux", "posix", "x86_64"), ("darwin", "posix", "arm64"), ("win32", "nt", "AMD64")],
)
def test_every_dependency_is_pinned_once_to_a_version_that_fits(
    python, sys_platform, os_name, machine
):
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.11",
        "sys_platform": sys_platform,
        "os_name": os_name,
        "platform_machine": machine,
    }
    pins = {}
    for requirement in (pin for name in COURSE for pin in offline_kit.pins(ROOT / name)):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in pins, f"{name} is pinned twice for Python {python}"
            pins[name] = str(requirement.specifier).removeprefix("==")
    for text in direct_dependencies():
        dependency = Requirement(text)
        if dependency.marker is None or dependency.marker.evaluate(environment):
            version = pins[canonicalize_name(dependency.name)]
            assert dependency.specifier.contains(version), f"{text}, but {version} is pinned"


@pytest.mark.parametrize("name", PINNED)
def test_every_package_is_pinned_to_files_whose_hashes_are_known(name):
    pins = offline_kit.pins(ROOT / name)
    assert pins
    for requirement, hashes in pins.items():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        assert "*" not in specifier.version, requirement
        assert requirement.url is None, requirement
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", h) for h in hashes), requirement


@pytest.mark.parametrize("name", PINNED)
def test_requirements_name_no_index_and_no_folder(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    options = [line for line in text.splitlines() if line.startswith("-")]
    assert options == []
    assert "://" not in text
    command = text.split("\n")[1]  # how to make it again
    assert "uv pip compile" in command
    assert "--generate-hashes" in command
    # Where hashes count, pip takes a needed coverage[toml] for something that nobody pinned, unless
    # the pin says [toml] as well; it fails as soon as there is a newer version.
    assert "--no-strip-extras" in command
    assert name in command


INSTALLS = re.compile(r"pip +install|pip_install|\bpip\b.*\binstall\b")


def test_what_installs_from_a_file_of_pins_checks_the_hashes():
    """pip does, once a file given by -r has hashes; constraints don't count."""
    names = ["start.py", "environment.yml", "workshop/hub/Dockerfile", "workshop/hub/trial.py"]
    paths = [ROOT / name for name in names] + sorted((ROOT / ".github").rglob("*.yml"))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"--constraint|\B-c requirements", text), path


def test_the_image_stands_on_one_that_cannot_change():
    recipe = (ROOT / "workshop" / "hub" / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", recipe, flags=re.MULTILINE)
    assert bases
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", base) for base in bases)


def test_jupyter_is_part_of_the_course_environment():
    assert "jupyter" in {Requirement(text).name for text in EXTRAS["notebook"]}


# -------------------------------------------------------------------------- environment.yml


def test_the_conda_environment_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge"]

    *packages, pip_section = environment["dependencies"]
    conda = dict(re.fullmatch(r"([a-z0-9_.-]+)(?:=([0-9.]+))?", text).groups() for text in packages)
    assert conda.keys() == {"python", "pip"}  # everything else is only in pyproject.toml
    assert SpecifierSet(PROJECT["requires-python"]).contains(conda["python"] + ".1")

    # Not the package itself: pip refuses a folder, which has no hash, next to pins with hashes.
    assert pip_section["pip"] == ["--requirement requirements.txt"]


def test_binder_gets_the_libraries_that_opencv_needs():
    packages = (ROOT / "apt.txt").read_text(encoding="utf-8").split()
    assert packages == ["libgl1", "libglib2.0-0"]


# -------------------------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    """Return the names in a wheel built from this folder."""
    from hatchling.builders.wheel import WheelBuilder

    folder = str(tmp_path_factory.mktemp("wheel"))
    (path,) = WheelBuilder(str(ROOT)).build(directory=folder, versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_holds_the_whole_package(wheel_names):
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("course_utils/**/*.py")}
    assert "course_utils/__init__.py" in modules
    assert modules | {"course_utils/py.typed"} <= wheel_names


def test_the_wheel_holds_the_data_and_its_licences(wheel_names):
    manifest = json.loads((ROOT / "data" / "manifest.json").read_text(encoding="utf-8"))
    expected = {f"course_utils/data/{name}" for name in manifest}
    assert expected | {"course_utils/data/manifest.json"} <= wheel_names
    assert "course_utils/data/ATTRIBUTION.md" in wheel_names
    licences = {name.partition("/licenses/")[2] for name in wheel_names if "dist-info" in name}
    assert {"LICENSE", "LICENSE-TEXT"} <= licences


def test_the_wheel_holds_nothing_else(wheel_names):
    scripts = {name for name in wheel_names if name.endswith(".py") and "/data/" in name}
    assert scripts == set()
    tops = {name.split("/")[0] for name in wheel_names if ".dist-info/" not in name}
    assert tops == {"course_utils"}


# ------------------------------------------------------------- what GitHub and contributors read


def read(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return yaml.safe_load(text) if name.endswith((".cff", ".yaml", ".yml")) else text


def test_the_citation_and_the_changelog_agree_with_the_package():
    citation = read("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert f"version {PROJECT['version']}" in read("CHANGELOG.md") or (
        f"## [{PROJECT['version']}]" in read("CHANGELOG.md")
    )
    assert f"# {citation['title']}\n" in read("README.md")
    assert citation["keywords"] == PROJECT["keywords"]
    assert citation["authors"] == PROJECT["authors"]
    assert set(citation["license"]) <= set(PROJECT["license"].split(" AND "))


def test_the_learners_issue_form_names_the_lessons():
    place, *_ = read(".github/ISSUE_TEMPLATE/1-learner.yml")["body"]
    lessons = json.loads(read("course_utils/checks/exercises.json"))
    expected = [f"Lesson {lesson['number']}. {lesson['title']}" for lesson in lessons]
    assert [o for o in place["attributes"]["options"] if o.startswith("Lesson")] == expected


def test_hooks_run_the_ruff_of_the_environment_so_there_is_no_second_version():
    repositories = read(".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    style = CI.partition("\n    style)\n")[2].partition(";;")[0]
    for hook in repositories[0]["hooks"]:
        if "ruff" in hook["id"]:
            assert hook["language"] == "system"
            assert hook["entry"].removeprefix("python") in style


# ---------------------------------------------------------------------- the files themselves


def test_the_address_of_the_repository_stands_in_one_place():
    address = PROJECT["urls"]["Source"].split("://")[1]
    generated = {path for pattern in GENERATED for path in ROOT.glob(pattern)}
    places = {name for name, text in project_texts() if address in text}
    places -= {path.relative_to(ROOT).as_posix() for path in generated}
    assert places <= {"pyproject.toml"}


@pytest.mark.slow
def test_no_file_names_a_package_index_or_a_folder_of_somebodys_machine():
    index_hosts = r"\b(?:py" + r"pi\.org|pythonhosted\.org|npm" + r"js\.org)\b"
    home = r"(?<![\w.~-])(?:/home|/Users|[A-Z]:\\+Users)[/\\]+\w"
    mine = [ROOT, Path.home(), *([Path(sys.prefix)] if sys.prefix != sys.base_prefix else [])]
    here = "|".join(re.escape(f"{path}/") for path in mine if len(str(path)) > 4)
    pattern = re.compile(rf"{index_hosts}|{home}|(?<![\w.~-])(?:{here})")
    found = {
        name: match.group() for name, text in project_texts() if (match := pattern.search(text))
    }
    assert found == {}


def test_what_others_wrote_is_unchanged():
    folder = ROOT / "site" / "try" / "vendor"
    entry = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    content = (folder / Path(entry["file"]).name).read_bytes()
    assert len(content) == entry["bytes"]
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert {path.name for path in folder.iterdir()} == {"manifest.json", Path(entry["file"]).name}
    assert (ROOT / "data" / "licenses" / f"{entry['licence']}.txt").is_file()


def test_no_file_is_too_big_for_a_slow_connection():
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in project_files()}
    assert {name: size for name, size in sizes.items() if size > 12e6} == {}
    assert sum(sizes.values()) < 60e6
