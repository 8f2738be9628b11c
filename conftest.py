"""For every test: no network, nothing left behind, and the shared fixtures.

This file is at the top of the repository because the notebooks are tests as well.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
NO_NETWORK = ROOT / "tests" / "no_network"

# ------------------------------------------------------------------------------------ no network

sys.path.insert(0, str(NO_NETWORK))
import no_network  # noqa: E402, F401 - importing it does the blocking

# Kernels, and every other Python started by a test: sitecustomize.py in that folder.
_paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if _paths[0] != str(NO_NETWORK):  # as it is in a worker, which pytest has started
    os.environ["PYTHONPATH"] = os.pathsep.join([str(NO_NETWORK), *filter(None, _paths)])

# -------------------------------------------------------------------------- several at a time


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share the tests; with 0, pytest's own process runs them.

    Each takes up to 2 GB, including the kernel that it may start. For one file, or tests picked by
    name, starting them isn't worth it; and without capture (-s), you'd lose their output.
    """
    import psutil

    if config.option.keyword or config.option.capture == "no":
        return 0
    asked = [Path(argument.partition("::")[0]) for argument in config.args]
    parts = 4 if any(path.is_dir() for path in asked) else len(set(asked))
    memory = round(psutil.virtual_memory().total / 4e9)  # half of it is for others
    workers = min(4, parts, memory, os.cpu_count() or 1)
    return workers if workers > 1 else 0


if "PYTEST_XDIST_WORKER" in os.environ:
    # The processes share the processors: threads that wait for each other cost more than they save.
    _threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for _library in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM"):
        os.environ[f"{_library}_THREADS"] = str(_threads)
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # and a GPU's memory

# ------------------------------------------------------- nothing is written to the home folder

_HOME = Path(tempfile.mkdtemp(prefix="course-tests-"))
for _variable in (
    "KERAS_HOME",  # empty, so no test depends on weights downloaded earlier
    "MPLCONFIGDIR",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "SALIENCY_COURSE_PROGRESS",
):
    os.environ[_variable] = str(_HOME / _variable.lower())
os.environ.pop("KERAS_BACKEND", None)  # the course runs on TensorFlow


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


# ------------------------------------------------------------- nothing is left in the repository

# What the tools themselves keep, whoever starts them.
TOOLS = {
    ".DS_Store",
    ".coverage",
    ".git",
    ".ipynb_checkpoints",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "htmlcov",
}
_before = pytest.StashKey[dict[str, str]]()
_differences = pytest.StashKey[list[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # with pytest-xdist: once, not in each worker
        session.config.stash[_before] = _files(session.config.invocation_params.dir)


def pytest_sessionfinish(session: pytest.Session) -> None:
    before = session.config.stash.get(_before, None)
    if before is None:
        return
    now = _files(session.config.invocation_params.dir)
    in_both = sorted(now.keys() & before.keys())
    differences = [
        *(f"appeared: {name}" for name in sorted(now.keys() - before.keys())),
        *(f"vanished: {name}" for name in sorted(before.keys() - now.keys())),
        *(f"changed: {name}" for name in in_both if now[name] != before[name]),
    ]
    session.config.stash[_differences] = differences
    if differences and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    differences = config.stash.get(_differences, [])
    if differences:
        terminalreporter.section("ERROR: the tests must leave nothing behind", red=True, bold=True)
        for line in differences:
            terminalreporter.line(line)
        terminalreporter.line(
            "(If somebody worked in the folder in the meantime, run the tests again.)"
        )


def _files(working_directory: Path) -> dict[str, str]:
    """Return a digest of each file that belongs to the repository, or that git doesn't know yet.

    Include the names in the working directory, where a careless `open("x.png", "w")` would write.
    """
    paths = {str(path): path for path in map(ROOT.joinpath, _names()) if path.is_file()}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
    here = {str(p): "" for p in working_directory.resolve().iterdir() if p.name not in TOOLS}
    return here | digests


def _names() -> list[str]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):  # no git, or not a clone
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
    return [name for name in names if not TOOLS & set(Path(name).parts)]


# ----------------------------------------------------------------------------- quick tests first


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the quick tests first, then the notebooks, then the slow tests, each in their order.

    With pytest-xdist, a notebook's cells stay together, in their kernel, and so do a file's quick
    tests, with what they share. A slow test goes to any worker, unless it names a group. They come
    last because they're easy to spread evenly.
    """
    items.sort(
        key=lambda item: (
            1 if item.path.suffix == ".ipynb" else 2 * bool(item.get_closest_marker("slow"))
        )
    )
    for item in items:
        if not item.get_closest_marker("slow") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))


def pytest_collection_finish() -> None:
    """Hide TensorFlow and the tests from the garbage collector, which saves 25 % of the time."""
    gc.collect()
    gc.freeze()


# ---------------------------------------------------------------------------------- the fixtures


@pytest.fixture(scope="session")
def classifier():
    """The embedded network, loaded once: it takes a second."""
    from course_utils import load_classifier

    return load_classifier()


@pytest.fixture(scope="session")
def cat():
    """The example picture of a cat, write-protected: nothing may change its input."""
    from course_utils import load_image

    picture = load_image("cat")
    picture.setflags(write=False)
    return picture


@pytest.fixture(scope="session")
def cat_inputs(classifier, cat):
    """The cat, prepared for the embedded network: (1, 224, 224, 3), write-protected."""
    inputs = classifier.prepare(cat)
    inputs.setflags(write=False)
    return inputs
