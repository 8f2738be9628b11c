"""Serve the playground with Voila: `python -m course_utils.apps.server`, on this computer.

Each visit starts a kernel with a network in it. So a kernel ends with its page, and it takes this
computer's own pages, or a person who opens the address, to start one.
"""

from __future__ import annotations

import ipaddress
import re
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "playground.ipynb"

SECONDS_TO_COME_BACK = 10
"""How long a kernel waits for its page if the connection breaks, after a nap, say."""

CONFIG = {
    # The safety net for `Page` and `PageConnection`: a page that stopped while loading.
    "MappingKernelManager": {"cull_idle_timeout": 60, "cull_interval": 10},
    "VoilaConfiguration": {"allow_template_override": "NO", "allow_theme_override": "NO"},
}

# Voila's page asks another host for a set of icons, but works without. We remove these links; the
# browser blocks any other request to another host.
OTHER_HOSTS = re.compile(r'<link [^>]*href="https?://[^>]*>')
LOADING = "Executing ${cell_index} of ${cell_count}"
KERNEL_ID = re.compile(r'"kernelId": *"([^"]+)"')
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'"

MAX_MESSAGE = 100_000_000
"""Bytes the server accepts at once: enough for the playground itself to refuse a big picture."""


def is_ours(host: str, ip: str) -> bool:
    """Return whether a request's Host header is a name of this server.

    Another site's page can point its own name at this computer (DNS rebinding). It can't do that
    with a numeric address, which counts if the server was told to listen on others.

    Args:
        host: the header, such as "localhost:8866" or "[::1]:8866".
        ip: the address that the server listens on.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", ip):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or ip in ("", "0.0.0.0", "::")
    except ValueError:
        return False


class FromElsewhere(Matcher):
    """Requests that another site caused, or that use another name for this server."""

    def __init__(self, ip: str) -> None:
        self.ip = ip

    def match(self, request: HTTPServerRequest) -> dict | None:
        """Return {} for a request from elsewhere, None for one of ours."""
        headers = request.headers
        site = headers.get("Sec-Fetch-Site")  # which a browser sends, and no page can change
        source = headers.get("Origin") or ("" if site else headers.get("Referer", ""))
        ours = (
            is_ours(headers.get("Host", ""), self.ip)
            and site in (None, "none", "same-origin")
            and source in ("", f"{request.protocol}://{headers.get('Host')}")
        )
        return None if ours else {}


class Refusal(RequestHandler):
    """Answer a request from elsewhere, whatever it asks for."""

    def prepare(self) -> None:
        """Write one sentence on what to do instead."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            "This request came from another site, or it used another name for this computer: open "
            "the playground by typing the address that `start.py playground` printed.\n"
        )


class Page(TornadoVoilaHandler):
    """Run the notebook, and show the result."""

    kernel_id, is_gone = None, False

    def write(self, chunk: str | bytes | dict) -> None:
        """Send a part of the page, without Voila's links to other hosts, and in our words."""
        if isinstance(chunk, str):
            if found := KERNEL_ID.search(chunk):
                self.kernel_id = found[1]
                self._end_without_reader()
            chunk = OTHER_HOSTS.sub("", chunk).replace(LOADING, "Loading the network ...")
        super().write(chunk)

    def on_connection_close(self) -> None:
        """Note that the page was closed or reloaded before it was complete."""
        super().on_connection_close()
        self.is_gone = True
        self._end_without_reader()

    def _end_without_reader(self) -> None:
        if self.is_gone and self.kernel_id:
            IOLoop.current().add_callback(end_without_page, self.kernel_manager, self.kernel_id)


class PageConnection(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel, which ends with the page."""

    def disconnect(self) -> None:
        """End the kernel, unless its page comes back."""
        super().disconnect()
        kernels = self.multi_kernel_manager
        IOLoop.current().call_later(SECONDS_TO_COME_BACK, end_without_page, kernels, self.kernel_id)


async def end_without_page(kernels: AsyncMappingKernelManager, kernel_id: str) -> None:
    """End a kernel if no page is connected to it."""
    if kernel_id in kernels and not kernels.kernel_model(kernel_id)["connections"]:
        await kernels.shutdown_kernel(kernel_id, now=True)


class PlaygroundServer(Voila):
    """Voila, with a guard in front of everything it serves, and kernels that end."""

    # Voila's own annotations of these two, Dict and List, are those of traitlets: no types.
    def init_settings(self) -> Any:
        """Return the settings of the web server."""
        settings: Any = super().init_settings()
        return settings | {
            "headers": {"Content-Security-Policy": POLICY},
            "kernel_websocket_connection_class": PageConnection,
            "websocket_max_message_size": MAX_MESSAGE,
        }

    def init_handlers(self) -> Any:
        """Return which handler answers which requests; the first match counts."""
        handlers: Any = super().init_handlers()
        handlers = [
            (path, Page if handler is TornadoVoilaHandler else handler, *more)
            for path, handler, *more in handlers
        ]
        return [Rule(FromElsewhere(self.ip), Refusal), *handlers]

    def launch_browser(self) -> None:
        """Open the page itself: Voila opens a file that leads there, which is another site."""
        browser = webbrowser.get(self.browser or None)
        threading.Thread(target=browser.open, args=(self.connection_url,)).start()


def main(arguments: list[str]) -> None:
    """Serve until Ctrl-C; the arguments are Voila's."""
    PlaygroundServer.launch_instance([str(NOTEBOOK), *arguments], config=Config(CONFIG))


if __name__ == "__main__":
    main(sys.argv[1:])
