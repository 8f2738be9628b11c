"""Run a notebook for nbgrader, and let no answer take the others with it.

An answer that never ends is interrupted, and its check hands out a working version. An answer that
can't be interrupted, or that ends Python itself, is left out, and the notebook runs again without
it. Before each check, the names that an answer may have changed are the course's again. Of the
course's own cells, only those statements run that an answer or a check needs.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader.preprocessors import execute
from traitlets import Integer, default

from workshop.cell_names import bound, parts_of, used, used_in
from workshop.lessons import CHECK

COURSE_SECONDS = 120  # for the course's own code
PROBE_SECONDS = 20  # until the kernel says that it's there
TASK = re.compile(r"^### Exercise (\d\.\d)\b", flags=re.MULTILINE)
STOPPED = "CellTimeoutError"  # nbgrader's name for it
LEFT_OUT = "LeftOut"

# Builtins that were hidden by a variable, and the checks as they are on disk. `import` is the one
# word that no variable can hide.
RESTORE = """\
import builtins
builtins.exec('''
import importlib, sys
for name in vars(__import__("builtins")):
    if not name.startswith("_"):
        notebook.pop(name, None)
for name in [name for name in sys.modules if (name + ".").startswith("course_utils.checks.")]:
    del sys.modules[name]
notebook["checks"] = importlib.import_module("course_utils.checks")
''', {"notebook": builtins.globals()})
"""

# An answer that fills the memory gets a MemoryError before the computer stops responding. (Only
# Linux keeps this limit.)
LIMIT = """\
import resource
resource.setrlimit(resource.RLIMIT_DATA, (8 * 2**30,) * 2)
"""

# A check's first call starts TensorFlow and builds its models. That isn't the answer's time.
WARM_UP = """\
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    checks.{check}(lambda *_: ...)
"""


class Stuck(Exception):
    """The kernel doesn't answer any more."""


def sections(notebook: nbformat.NotebookNode) -> list[str | None]:
    """Return the exercise that each cell belongs to, from its task to its points."""
    found, id = [], None
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (title := TASK.search(cell.source)):
            id = title[1]
        found.append(id)
        if cell.metadata.get("nbgrader", {}).get("grade"):
            id = None
    return found


def is_given(cell: nbformat.NotebookNode) -> bool:
    """Return whether a code cell is the course's: a check, a grade or a part of the story."""
    about = cell.metadata.get("nbgrader", {})
    return bool(about.get("locked") or (about.get("grade") and not about.get("solution")))


def story(notebook: nbformat.NotebookNode) -> dict[int, str]:
    """Return what must be run of each of the course's own cells, for the answers and the checks.

    Mostly, that's an import or nothing, which makes grading fast. Where a brief is the student's
    own, the result is {}: whoever grades the card will want to see what became of it.
    """
    if any("brief" in cell.metadata.get("tags", []) for cell in notebook.cells):
        return {}
    waiting, needed, chosen = {}, set(), set()
    for place, (cell, exercise) in enumerate(zip(notebook.cells, sections(notebook), strict=True)):
        if exercise:
            needed |= used_in(cell)
        elif "set-up" not in cell.metadata.get("tags", []):
            waiting |= {(place, n): part for n, part in enumerate(parts_of(cell))}
    while more := {at for at, part in waiting.items() if bound(part) & needed} - chosen:
        chosen |= more
        needed |= frozenset().union(*(used(waiting[at]) for at in more))
    found: dict[int, list[str]] = {place: [] for place, _ in waiting}
    for place, n in sorted(chosen):
        found[place].append(waiting[place, n])
    return {place: "\n".join(parts) for place, parts in found.items()}


class Execute(execute.Execute):
    """nbgrader's preprocessor, with a time limit per kind of cell, and a second chance."""

    seconds = Integer(
        45, help="For an answer, and for its check. A right one needs two or three."
    ).tag(config=True)

    @default("timeout_func")
    def _timeout_func(self) -> Any:
        return self.limit

    def limit(self, cell: nbformat.NotebookNode) -> int:
        """Return how many seconds a cell may run."""
        exercise = next(i for c, i in zip(self.nb.cells, self.section, strict=True) if c is cell)
        return self.seconds if exercise or not is_given(cell) else COURSE_SECONDS

    def preprocess(self, nb, resources=None, km=None):
        """Run a notebook; leave out what stops the kernel, and run the rest again."""
        self.section, self.story, self.left_out, self.current = sections(nb), story(nb), {}, 0
        self.error_on_timeout = {
            "ename": STOPPED,
            "evalue": "It ran too long, and was stopped.",
            "traceback": ["It ran too long, and was stopped."],
        }
        while True:
            attempt = copy.deepcopy(nb)
            try:
                return super().preprocess(attempt, resources, km)
            except (DeadKernelError, CellTimeoutError, Stuck) as error:
                ended = isinstance(error, DeadKernelError)
                self.leave_out(attempt, "ended Python itself" if ended else "could not be stopped")

    def leave_out(self, nb: nbformat.NotebookNode, why: str) -> None:
        """Choose the cells to leave out: the one that stopped the kernel, or its answer."""
        exercise, cell = self.section[self.current], nb.cells[self.current]
        guilty = [self.current]
        if exercise and is_given(cell):
            answers = [i for i, id in enumerate(self.section) if id == exercise]
            answers = [i for i in answers if nb.cells[i].cell_type == "code"]
            answers = [i for i in answers if not is_given(nb.cells[i])]
            guilty = [i for i in answers if i not in self.left_out] or guilty
        self.log.warning("Cells %s left out, because the code %s", guilty, why)
        self.left_out |= dict.fromkeys(guilty, f"This code {why}, so it was left out.")

    def preprocess_cell(self, cell, resources, index):
        """Run a cell, with the course's own checks if it's one of the course's."""
        if index == 0:
            self.quietly(LIMIT)
        if index in self.left_out:
            why = self.left_out[index]
            cell.outputs = [nbformat.v4.new_output("error", ename=LEFT_OUT, evalue=why)]
            return cell, resources
        if index in self.story:
            self.current = index
            self.quietly(self.story[index])
            return cell, resources
        answer = self.section[index] and cell.cell_type == "code"
        if answer and is_given(cell):
            if not self.quietly(RESTORE):
                raise Stuck  # then the cell before this one is to blame
            if call := CHECK.search(cell.source):
                self.quietly(WARM_UP.format(check=call["check"]))
        self.current = index
        cell, resources = super().preprocess_cell(cell, resources, index)
        if answer or any(output.get("ename") == STOPPED for output in cell.get("outputs", [])):
            self.quietly("pass", PROBE_SECONDS)
        return cell, resources

    def quietly(self, code: str, seconds: int = COURSE_SECONDS) -> bool:
        """Run some code without its output; return whether it had no error.

        Raises:
            Stuck: the kernel doesn't answer.
        """
        self.timeout = seconds
        asked = self.kc and self.kc.execute(code, silent=True, store_history=False)
        reply = self.wait_for_reply(asked)
        if reply is None:
            raise Stuck
        return reply["content"]["status"] == "ok"
