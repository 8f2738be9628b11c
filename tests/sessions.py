"""Colab's session service, which says where the open notebook is from, and a GitHub of folders."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote


class Sessions:
    """What the service answers, and the address of this computer where it does."""

    def __init__(self, host: str) -> None:
        self.host, self.answer = host, b"[]"

    def opened(self, file: str) -> None:
        """The open notebook is this file: an address on GitHub, or its id in Drive."""
        session = {"path": "fileId=" + quote(file, safe=""), "name": file.rpartition("/")[2]}
        self.answer = json.dumps([session]).encode()


@contextmanager
def sessions():
    """Answer as Colab's service does, at the same port, and so on an address that nobody uses."""
    service = Sessions(f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.7")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/api/sessions" else 404)
            self.end_headers()
            self.wfile.write(service.answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((service.host, 9000), Answer) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield service
        server.shutdown()


def instead_of_github(folder: Path) -> dict[str, str]:
    """Return variables with which git takes a folder of repositories for GitHub."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder.as_uri()}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
