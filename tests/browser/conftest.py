"""A real browser, and what it opens: JupyterLab and Voila, each on this computer only.

The browser is the system's Chromium (Debian: `apt-get install chromium`). Without it, the tests in
this folder are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import start

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium on this computer (looked for {', '.join(NAMES)})")
    # Without a sandbox, because root can't use one; and a container's /dev/shm is small.
    options = ["--no-sandbox", "--disable-dev-shm-usage"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page of 1280 x 900 that notes in `strangers` what it requests from other computers."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.strangers = []
    page.on("request", lambda request: _note_stranger(page.strangers, request.url))
    yield page
    page.close()


def _note_stranger(strangers: list[str], url: str) -> None:
    if url.startswith(("http", "ws")) and not url.startswith(("http://127.", "ws://127.")):
        strangers.append(url)


@pytest.fixture
def serve(tmp_path):
    """Start a server with the arguments that follow `python -m`, and return its address."""
    running: list[subprocess.Popen] = []

    def start(*arguments: str, folder: Path) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "JUPYTER_PREFER_ENV_PATH": "1",
        }
        command = [sys.executable, "-m", *arguments, f"--port={port}"]
        with (tmp_path / "server.log").open("w") as log:
            server = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        running.append(server)
        address = f"http://127.0.0.1:{port}"
        for _ in _for_a_minute():
            if server.poll() is not None:
                break
            if _listens(port):
                return address
        raise RuntimeError(f"{' '.join(command)}:\n{(tmp_path / 'server.log').read_text()}")

    yield start
    for server in running:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _for_a_minute() -> Iterator[None]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        yield
        time.sleep(0.3)


def _listens(port: int) -> bool:
    """Return whether anybody is listening. (A request to Voila would run its notebook.)"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture
def jupyterlab(serve, tmp_path):
    """JupyterLab on an empty folder: (address, folder)."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--ip=127.0.0.1"]
    # No news, which needs the internet, as with start.py. And all cells are on the page, even those
    # that a window of this size doesn't show.
    settings = {
        "labconfig/page_config.json": {"disabledExtensions": {start.NEWS: True}},
        "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
            "windowingMode": "none"
        },
    }
    for name, content in settings.items():
        path = Path(os.environ["JUPYTER_CONFIG_DIR"]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return serve("jupyterlab", *options, f"--ServerApp.root_dir={folder}", folder=folder), folder


@pytest.fixture
def voila(serve):
    """The playground as `start.py playground` serves it: its address."""
    _, _, *arguments = start.command_line("playground", ["--no-browser", "--Voila.ip=127.0.0.1"])
    return serve(*arguments, folder=ROOT)
