"""Take the course in an environment with Colab's exact versions, as a student in Colab does.

    python tests/environments/colab.py
    python tests/environments/colab.py --every         every notebook, the solved ones too

It makes an environment from colab.txt and runs the set-up cell in it: with no address anywhere, as
from a fork on GitHub, which is a copy of this folder. Then it cuts off the network and runs some of
the notebooks that students open, in kernels where google.colab seems to have been imported. Nothing
that was there before may change. In solved notebooks, the checks must say what they said.
tests/lessons/test_set_up.py tries all the other ways into Colab.

Without Colab's Python, the packages still have Colab's versions.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from shared import (
    HERE,
    ROOT,
    Failure,
    environment_variables,
    get_python,
    get_uv,
    new_environment,
    run,
    versions,
)

sys.path.insert(0, str(ROOT / "tests"))
from sessions import instead_of_github, sessions

from course_utils.apps import colab
from tools import notebooks

COLABS_PYTHON = "3.13"
MOST_OF_IT = {"03_grad_cam", "05_tf_explain", "playground"}  # every method, explorer and package
ADDED = set(colab.NEEDED.values())
INSTALLED = (
    f"Installed for this session: {', '.join(colab.NEEDED)}. Nothing else changed.\nReady.\n"
)
NO_NETWORK = ROOT / "tests" / "no_network"

# What students can use after the set-up cell, and where it comes from.
LOOK = """
import os, sys, tempfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow, keras, numpy, IPython, ipywidgets, matplotlib, course_utils
assert "google.colab" in sys.modules
assert course_utils.__file__.startswith(tempfile.gettempdir()), course_utils.__file__
print("Python", sys.version.split()[0])
for module in (tensorflow, keras, numpy, IPython, ipywidgets, matplotlib):
    print(module.__name__, module.__version__)
"""


def make_repository(folder: Path) -> None:
    """Copy this repository's files into a new git repository."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    run("git", "init", "--quiet", "--initial-branch", "winter/2026", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", *who, "commit", "--quiet", "--message", "A copy", cwd=folder)


class Colab:
    """An environment with Colab's versions, and a folder to work in, like Colab's /content."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.content = folder / "content"
        home = folder / "home"
        for made in (self.content, home):
            made.mkdir()
        kernel = folder / "kernels" / "colab" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        argv = [str(python), str(HERE / "colab_kernel.py"), "-f", "{connection_file}"]
        described = {"argv": argv, "display_name": "Colab", "language": "python"}
        kernel.write_text(json.dumps(described), encoding="utf-8")
        self.kernels = KernelSpecManager(kernel_dirs=[str(kernel.parents[1])])
        # As in Colab; and nothing ends up in your home folder when you run this.
        self.variables = environment_variables(
            HOME=str(home),
            MPLBACKEND="module://matplotlib_inline.backend_inline",
            PYDEVD_DISABLE_FILE_VALIDATION="1",  # from a debugger that nobody uses here
        )
        self.offline = self.variables | {"PYTHONPATH": str(NO_NETWORK)}

    def run(self, notebook: nbformat.NotebookNode, variables: dict[str, str]) -> None:
        """Run a notebook in a new kernel, and store its outputs in it."""
        manager = AsyncKernelManager(kernel_name="colab", kernel_spec_manager=self.kernels)
        resources = {"metadata": {"path": str(self.content)}}
        client = NotebookClient(
            notebook, km=manager, timeout=notebooks.SECONDS_A_CELL, resources=resources
        )
        try:
            client.execute(env=variables, cleanup_kc=True)
        except CellExecutionError as error:
            raise Failure(f"A cell failed:\n{error}") from None

    def run_cells(self, *sources: str, variables: dict[str, str]) -> list[str]:
        """Run cells in a new kernel, and return what each of them printed."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        self.run(notebook := nbformat.v4.new_notebook(cells=cells), variables)
        return [said(cell) for cell in notebook.cells]


def said(cell: nbformat.NotebookNode, stream: str = "stdout") -> str:
    """Return what a cell printed."""
    return "".join(o.text for o in cell.get("outputs", []) if o.get("name") == stream)


def expect(what: str, found, wanted) -> None:
    if found != wanted:
        raise Failure(f"{what}: expected {wanted!r}, but it is {found!r}.")


def check_set_up(machine: Colab, python: Path, github: Path) -> None:
    """Run the set-up cell where nothing is installed, twice, from a fork on "GitHub"."""
    before = versions(python)
    cell = notebooks.set_up("")
    with sessions() as service:
        service.opened("https://github.com/ada/kurs/blob/winter/2026/notebooks/03_grad_cam.ipynb")
        from_fork = {"COLAB_JUPYTER_IP": service.host, **instead_of_github(github)}
        variables = machine.variables | from_fork
        first, second, looked = machine.run_cells(cell, cell, LOOK, variables=variables)
    expect("The set-up cell says first", first, INSTALLED)
    expect("The set-up cell says the second time", second, "Ready.\n")
    print("    " + looked.replace("\n", ", ").rstrip(", "))

    after = versions(python)
    changed = {name: after.get(name, "gone") for name in before if after.get(name) != before[name]}
    expect("Which of the preinstalled packages changed", changed, {})
    expect("What is new", after.keys() - before.keys(), ADDED)
    print(f"    all {len(before)} preinstalled packages still have their versions")


def check_notebooks(machine: Colab, paths: Iterable[Path]) -> None:
    """Run notebooks as they are, and compare what their checks say."""
    for path in sorted(paths):
        stored = nbformat.read(path, as_version=4)
        notebook = copy.deepcopy(stored)
        began = time.monotonic()
        machine.run(notebook, machine.offline)
        expect(f"The set-up cell of {path.name} says", said(notebook.cells[1]), "Ready.\n")
        complaints = "".join(said(cell, "stderr") for cell in notebook.cells)
        expect(f"What {path.name} writes to stderr", complaints, "")
        for cell, before in zip(notebook.cells, stored.cells, strict=True):
            if "nbval-check-output" in cell.metadata.get("tags", []):
                expect(f"What this says:\n{cell.source}\n", said(cell), said(before))
        name = path.relative_to(ROOT).as_posix()
        print(f"    {name}: {time.monotonic() - began:.0f} s", flush=True)


def main(every: bool) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="course-colab-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        uv = get_uv(folder / "uv")
        python = get_python(uv, COLABS_PYTHON, folder / "python")
        this = "{}.{}".format(*sys.version_info)
        if python:
            print(f"== Colab's packages on its Python {COLABS_PYTHON}", flush=True)
        elif sys.version_info >= (3, 11):
            print(
                f"== Colab's packages on Python {this}: there's no {COLABS_PYTHON}, which Colab has"
            )
            python = sys.executable
        else:
            raise Failure(f"Colab's versions don't run on Python {this}: install {COLABS_PYTHON}.")
        inside = new_environment(uv, folder / "colab", python, "-r", HERE / "colab.txt")
        print(f"  the environment was made in {time.monotonic() - began:.0f} s")
        (folder / "github" / "ada" / "kurs").mkdir(parents=True)
        make_repository(folder / "github" / "ada" / "kurs")
        machine = Colab(folder, inside)
        print("  the set-up cell")
        check_set_up(machine, inside, folder / "github")
        print("  the notebooks")
        students = notebooks.STUDENTS.glob("*.ipynb")
        if every:
            check_notebooks(machine, [*students, *notebooks.SOLUTIONS.glob("*.ipynb")])
        else:
            check_notebooks(machine, [path for path in students if path.stem in MOST_OF_IT])
    print(f"Colab: all is well ({time.monotonic() - began:.0f} s).")


if __name__ == "__main__":
    try:
        main(every="--every" in sys.argv)
    except Failure as failure:
        sys.exit(f"\nFAILED: {failure}")
