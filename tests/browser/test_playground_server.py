"""The playground's server: what it refuses, and that a kernel ends with its page."""

from __future__ import annotations

import contextlib
import http.client
import time

import psutil
import pytest

from course_utils.apps.server import is_ours


@pytest.mark.parametrize(
    ("host", "ip", "ours"),
    [
        ("localhost:8866", "localhost", True),
        ("LOCALHOST", "localhost", True),
        ("127.0.0.1:8866", "localhost", True),
        ("127.9.9.9:8866", "localhost", True),
        ("[::1]:8866", "localhost", True),
        ("", "localhost", False),
        ("evil.example", "localhost", False),
        ("evil.example:8866", "0.0.0.0", False),  # whichever port it listens on
        ("localhost.evil.example", "localhost", False),
        ("127.0.0.1.evil.example", "localhost", False),
        ("evil.example@localhost.", "localhost", False),
        ("192.168.0.5:8866", "localhost", False),
        ("192.168.0.5:8866", "0.0.0.0", True),  # it was started that way, for a class
        ("192.168.0.5:8866", "192.168.0.5", True),
        ("[", "localhost", False),
        ("localhost:port", "localhost", True),
    ],
)
def test_the_names_of_this_server(host, ip, ours):
    assert is_ours(host, ip) is ours


def kernels() -> list[psutil.Process]:
    """Return the kernels that the tests' servers are running."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "ipykernel_launcher" in process.cmdline():
                found.append(process)
    return found


def wait_for_kernels(number: int, seconds: float) -> None:
    """Wait until this many kernels are running; fail if that takes too long."""
    end = time.monotonic() + seconds
    while len(kernels()) != number:
        assert time.monotonic() < end, f"{len(kernels())} kernels are running, not {number}"
        time.sleep(0.2)


FROM_ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},  # as a picture on a page, a form, a link
    {"Sec-Fetch-Site": "same-site"},  # another server on this computer
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Referer": "http://evil.example/page"},  # browsers that send none of the above with a picture
    {"Host": "evil.example"},
    {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
]
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
KERNEL = "/api/kernels/00000000-0000-0000-0000-000000000000"


@pytest.mark.slow
@pytest.mark.patient
def test_nothing_from_elsewhere_starts_a_kernel(voila):
    address = voila.removeprefix("http://")
    for headers in FROM_ELSEWHERE:
        for method, path, more in [
            ("GET", "/", {}),
            ("GET", "/?template=classic", {}),
            ("HEAD", "/", {}),
            ("POST", KERNEL.replace("/api/kernels", "/voila/api/shutdown"), {}),
            ("GET", f"{KERNEL}/channels", UPGRADE),
        ]:
            connection = http.client.HTTPConnection(address, timeout=60)
            connection.request(method, path, headers={**more, **headers})
            answer = connection.getresponse()
            said = answer.read().decode()
            connection.close()
            assert answer.status == 403, (method, path, headers)
            assert method == "HEAD" or "came from another site" in said
    assert kernels() == []
    # So is the page's own goodbye without its token: protection against forgery stays on.
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", KERNEL.replace("/api/kernels", "/voila/api/shutdown"))
    assert connection.getresponse().status == 403
    connection.close()
    # A page that's closed while it loads takes its kernel with it.
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", "/", headers={"Sec-Fetch-Site": "none"})
    wait_for_kernels(1, 60)
    connection.close()
    wait_for_kernels(0, 30)


@pytest.mark.patient
@pytest.mark.slow
def test_a_page_that_is_read_but_never_shown_is_left_to_the_culler(voila):
    """A program read it, or its scripts stopped: it never connects, so it can't disconnect."""
    wait_for_kernels(0, 30)
    connection = http.client.HTTPConnection(voila.removeprefix("http://"), timeout=120)
    connection.request("GET", "/")
    assert b"</html>" in connection.getresponse().read()
    connection.close()
    wait_for_kernels(1, 5)
    wait_for_kernels(0, 110)  # idle for a minute


@pytest.mark.patient
@pytest.mark.slow
def test_visits_end_at_the_memory_of_one(page, voila):
    explain = page.get_by_role("button", name="Explain")
    for _ in range(2):  # the last of them stays
        page.goto(voila, wait_until="domcontentloaded", timeout=120_000)
        explain.wait_for(timeout=120_000)
    wait_for_kernels(1, 30)
    for _ in range(3):  # an impatient visitor
        page.goto(voila, wait_until="commit")
        page.wait_for_timeout(500)
    explain.wait_for(timeout=120_000)
    wait_for_kernels(1, 30)
    second = page.context.browser.new_page()
    second.goto(voila, wait_until="domcontentloaded", timeout=120_000)
    second.get_by_role("button", name="Explain").wait_for(timeout=120_000)
    second.close()
    wait_for_kernels(1, 30)
    explain.click()  # the first page still works
    page.get_by_text("Download the card as a page").wait_for(timeout=120_000)
    page.goto("about:blank")
    wait_for_kernels(0, 30)
