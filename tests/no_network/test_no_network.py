"""Do the tests really run without a network in every process, and leave nothing behind?"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]

# 192.0.2.0/24 and .example are reserved: nobody is there, even if a test gets out.
ATTEMPTS = {
    "connect": "socket.create_connection(('192.0.2.1', 80), timeout=5)",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "connect over IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "look up": "socket.getaddrinfo('www.example', 80)",
    "look up, the old way": "socket.gethostbyname('www.example')",
    "look up backwards": "socket.gethostbyaddr('192.0.2.1')",
    "name of an address": "socket.getnameinfo(('192.0.2.1', 80), 0)",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_nothing_but_this_computer_can_be_reached(attempt):
    with pytest.raises(ConnectionRefusedError, match="No network while the tests run"):
        exec(attempt, {"socket": socket})


def test_downloads_fail_as_without_internet():
    """urllib, and so Keras, turns it into the same error as without internet."""
    with pytest.raises(urllib.error.URLError, match="No network"):
        urllib.request.urlopen("https://www.example/weights.h5", timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_computer_can_be_reached(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port), timeout=5) as client:
            client.sendall(b"hello")
            connection, _ = server.accept()
            with connection:
                assert connection.recv(5) == b"hello"


def test_asyncio_and_socket_pairs_work():
    async def talk():
        async def answer(reader, writer):
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            said = await reader.read()
            writer.close()
            return said

    assert asyncio.run(talk()) == b"hello"
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"hello")
        assert right.recv(5) == b"hello"


def test_child_processes_are_blocked_beside_other_settings(tmp_path):
    """Even if a folder on PYTHONPATH has its own sitecustomize: both run."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.other_one_ran = True")
    environment = dict(os.environ)
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    attempts = "; ".join(
        ["import socket, sys", "assert sys.other_one_ran", ATTEMPTS["look up, the old way"]]
    )
    child = subprocess.run(
        [sys.executable, "-c", attempts], env=environment, capture_output=True, text=True
    )
    assert child.stderr.splitlines()[-1].startswith(
        "ConnectionRefusedError: No network while the tests run"
    )


# ------------------------------------------------------ a small repository with the same conftest

LEAVES_SOMETHING = """
from pathlib import Path

def test_that_passes_and_is_careless():
    Path("stray.txt").write_text("")
    Path("ignored.log").write_text("")
    Path("kept/old.txt").write_text("changed")
    Path("kept/gone.txt").unlink()
"""


@pytest.fixture
def repository(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("tests/no_network", "notebooks", "kept"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("no_network.py", "sitecustomize.py"):
        shutil.copy(ROOT / "tests" / "no_network" / name, tmp_path / "tests" / "no_network")
    for name in ("old.txt", "gone.txt", "same.txt"):
        (tmp_path / "kept" / name).write_text("as it was")
    return tmp_path.resolve()  # as the run prints it


def run_pytest(repository):
    """Run plain pytest at the top of a repository, in an environment without a block."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.slow
@pytest.mark.parametrize("with_git", [True, False], ids=["clone", "without git"])
def test_a_careless_test_fails_the_run(repository, with_git):
    if with_git:
        if shutil.which("git") is None:
            pytest.skip("needs git")
        (repository / ".gitignore").write_text("/kept/*.log\n")
        subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    (repository / "tests" / "test_careless.py").write_text(LEAVES_SOMETHING)
    run = run_pytest(repository)
    assert run.returncode == 1
    assert "1 passed" in run.stdout  # so the check failed, and not the test
    told = {line for line in run.stdout.splitlines() if line.startswith(("app", "van", "cha"))}
    assert told == {
        f"appeared: {repository / 'stray.txt'}",
        f"appeared: {repository / 'ignored.log'}",  # in the working directory, nothing is ignored
        f"changed: {repository / 'kept' / 'old.txt'}",
        f"vanished: {repository / 'kept' / 'gone.txt'}",
    }


@pytest.mark.slow
def test_the_kernels_of_notebooks_are_blocked(repository):
    """nbval can talk to its kernel, and the kernel can't get out. And a tidy run passes.

    If several processes share the tests, a notebook's cells stay together: the second needs the
    first.
    """
    cell = "\n".join(
        [
            "try:",
            "    " + ATTEMPTS["connect"],
            "except ConnectionRefusedError as error:",
            "    assert 'No network while the tests run' in str(error), error",
            "else:",
            "    raise AssertionError('the network was reached')",
            "assert 'course-tests-' in os.environ['IPYTHONDIR']  # not the user's own folder",
        ]
    )
    cells = [nbformat.v4.new_code_cell(source) for source in ("import os, socket", cell)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, repository / "notebooks" / "lesson.ipynb")
    run = run_pytest(repository)
    assert (run.returncode, "2 passed" in run.stdout) == (0, True), run.stdout
