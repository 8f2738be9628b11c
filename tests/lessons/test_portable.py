"""The lessons and the package run on Windows, macOS and Linux: nothing needs just one of them.

The tests read the code and don't run it, because this computer is only one of the three.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]

# Words, separated by spaces. First, modules and parts of modules that Windows doesn't have.
POSIX_MODULES = "crypt curses fcntl grp nis posix pty pwd resource spwd syslog termios tty"
NOT_EVERYWHERE = {
    "os": "chown chroot fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getuid "
    "killpg lchown mkfifo mknod nice posix_spawn sched_getaffinity setgid setsid setuid statvfs "
    "sysconf uname wait3 wait4 WNOHANG popen system",
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 "
    "alarm pause setitimer sigwait",
    "subprocess": "getoutput getstatusoutput",
    "time": "clock_gettime tzset",
}
MAGICS = "run_line_magic run_cell_magic system getoutput magic"
# Calls whose first argument names a file or folder.
OPENERS = (
    "open Path PurePath load loadtxt genfromtxt save savez savez_compressed savetxt imread imwrite "
    "imsave savefig load_img load_image load_model load_weights save_weights glob rglob exists "
    "isdir isfile listdir makedirs mkdir copy copytree move rmtree joinpath explain_dataset chdir"
)
OS_NAME, IN_COLAB = "os.name == 'nt'", "'google.colab' in sys.modules"
SEPARATOR = re.compile(r"[/\\]")
ABSOLUTE = re.compile(r"(?:/(?:tmp|home|usr|dev|etc|var|content|opt|mnt|root)(?:/|$)|[A-Z]:[/\\])")


def problems(code: str) -> list[str]:
    """Return what in the code needs a certain system, each with its line."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:  # such as "!ls" and "%cd": commands for a shell and for IPython
        return [f"{error.lineno}: not Python: {(error.text or '').strip()}"]
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if not _asks_for_the_system(node):  # if so, each system has its own way
            found += [f"{node.lineno}: {what}" for what in _problems_of(node)]
            todo += ast.iter_child_nodes(node)
    return found


def _asks_for_the_system(node: ast.AST) -> bool:
    """Return whether this is `if os.name == "nt": ... else: ...`, or if it's only for Colab."""
    asked = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return asked == IN_COLAB or (asked == OS_NAME and bool(node.orelse))


def _problems_of(node: ast.AST):
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        module = getattr(node, "module", None)
        names = [alias.name for alias in node.names]
        for name in [module] if module else names:
            if name.split(".")[0] in POSIX_MODULES.split():
                yield f"import {name}"
        if module:
            yield from (f"{module}.{name}" for name in names if _of_one_system(module, name))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if _of_one_system(node.value.id, node.attr):
            yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.Call):
        name = _name(node.func)
        of = getattr(getattr(node.func, "value", None), "func", None)
        if name in MAGICS.split() and _name(of) == "get_ipython":
            yield f"get_ipython().{name}"
        for keyword in node.keywords:
            if keyword.arg == "shell" and getattr(keyword.value, "value", None):
                yield "shell=True"
            if keyword.arg in ("preexec_fn", "start_new_session"):
                yield keyword.arg
        if name in OPENERS.split() and node.args:
            yield from _typed_in(node.args[0])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _typed_in(node.left)
        yield from _typed_in(node.right)
    elif isinstance(node, ast.Constant) and ABSOLUTE.match(str(node.value)):
        yield f"an absolute path: {node.value!r}"


def _of_one_system(module: str, name: str) -> bool:
    return name in NOT_EVERYWHERE.get(module, "").split()


def _name(function: ast.expr | None) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _typed_in(argument: ast.expr):
    """Yield the paths with separators that an argument, or a part of it, spells out."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    for part in parts:
        text = getattr(part, "value", None)
        if isinstance(part, ast.Constant) and isinstance(text, str) and SEPARATOR.search(text):
            yield f"a path with a separator: {text!r}"


def sources() -> dict[str, list[str]]:
    """Return the code of each module, and of each notebook cell."""
    modules = sorted((ROOT / "course_utils").rglob("*.py"))
    found = {
        path.relative_to(ROOT).as_posix(): [path.read_text(encoding="utf-8")] for path in modules
    }
    for name in [*notebooks.lessons(), *notebooks.APPS]:
        # The notebook, not its source, where the command "%pip" is a comment.
        cells = [cell.source for cell in notebooks.read(name).cells if cell.cell_type == "code"]
        found[f"{name}.ipynb"] = cells
    return found


SOURCES = sources()


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_needs_one_system(name):
    assert [problem for code in SOURCES[name] for problem in problems(code)] == []


def test_there_is_something_to_read():
    assert len(SOURCES) > 25
    assert all(any(codes) for codes in SOURCES.values())


@pytest.mark.parametrize(
    "code",
    [
        "!ls",
        "%matplotlib inline",
        "files = !dir",
        "get_ipython().system('ls')",
        "get_ipython().run_line_magic('cd', '..')",
        "import fcntl",
        "from resource import getrusage",
        "os.fork()",
        "import os\nif True:\n    print(os.uname())",
        "from os import getuid",
        "signal.signal(signal.SIGALRM, f)",
        "os.system('dir')",
        "subprocess.run('ls', shell=True)",
        "subprocess.Popen(c, preexec_fn=f)",
        "open('data/cat.png')",
        "Path('../course_utils')",
        "Path(r'data\\cat.png')",
        "folder / 'images/cat.png'",
        "Path(f'maps/{name}.png')",
        "np.load('maps/cat.npz')",
        "figure.savefig('maps/cat.png')",
        "picture = '/tmp/cat.png'",
        "picture = '/content/cat.png'",
        "picture = r'C:\\pictures\\cat.png'",
    ],
)
def test_what_needs_one_system_is_found(code):
    assert len(problems(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "mean = total / count",
        "Path('..') / 'data' / 'cat.png'",
        "label = 'loss / accuracy'",
        "print('of the mean, 1/Z')",
        "kind = 'image/png'",
        "html = '<p>cat</p>'",
        "pattern = r'\\d+/\\d+'",
        "data_path('images/cat.png')",  # a key of data/manifest.json
        "open(path)",
        "get_ipython()",
        "os.path.join(a, b)",
    ],
)
def test_what_runs_everywhere_is_let_pass(code):
    assert problems(code) == []
