"""Check the class's Hub for real: two students who can't read each other's files, and lesson 3.

    sudo python3 workshop/hub/check.py --environment .venv

The Hub runs with the class's configuration, encrypted, on loopback. The two log in with their
passwords. It tries what they may do and what they mustn't, the copies of the notebooks, the
stopping of an idle server and, where systemd is running, the memory limit. It makes accounts and
deletes them, so it needs Linux and root: use a machine that you can throw away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import trial
from trial import Problem, Server, say

ADA, BOB, EVE = "trial-ada", "trial-bob", "trial-eve"  # eve has an account, but isn't in the class
LESSON = "saliency-course/03_grad_cam.ipynb"
IDLE = 15  # seconds; the class's Hub waits an hour
# The class's culler, but impatient; and activity is noted more often than every 5 minutes.
IMPATIENT = f"""
for service in c.JupyterHub.services:
    if service["name"] == "idle-culler":
        words = [word for word in service["command"] if not word.startswith("--timeout")]
        service["command"] = [*words, "--timeout={IDLE}", "--cull-every=2"]
c.JupyterHub.last_activity_interval = 2
c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = "2"
"""

# Each must fail in bob's kernel. {home} and {pid} are ada's, {course} is the shared folder.
FORBIDDEN = {
    "list the other's home folder": "os.listdir('{home}')",
    "read the other's notebook": "open('{home}/saliency-course/03_grad_cam.ipynb').read()",
    "write into the other's home folder": "open('{home}/x', 'w')",
    "read the keys of the other's kernels": "os.listdir('{home}/.local/share/jupyter/runtime')",
    "read the other's token": "open('/proc/{pid}/environ').read()",
    "end the other's server": "os.kill({pid}, 15)",
    "change the shared course": "open('{course}/course_utils/__init__.py', 'a')",
    "change the shared weights": "open('{course}/data/manifest.json', 'a')",
    "write into the shared environment": "open(sys.prefix + '/x', 'w')",
}

# Ada's kernel prints, and has a file in /tmp. Bob's tries to listen in, at every port of ada's
# processes, and to see the file.
TALK = """
import tempfile, time
with tempfile.NamedTemporaryFile(prefix="trial-ada-"):
    for _ in range(30):
        print("secret", flush=True)
        time.sleep(0.1)
"""
LISTEN = """
import zmq
ear = zmq.Context().socket(zmq.SUB)
ear.subscribe(b"")
for port in {ports}:
    ear.connect("tcp://127.0.0.1:%d" % port)
print("heard" if ear.poll(2000) else "silence")
print("seen" if any(name.startswith("trial-ada-") for name in os.listdir("/tmp")) else "nothing")
"""


class Report:
    """Says what was checked, and counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, what: str, holds: bool, otherwise: object = "") -> None:
        """Print whether it holds and, if not, what was found instead; count it."""
        self.passed += bool(holds)
        self.failed += not holds
        say(f"  ok      {what}" if holds else f"  FAILED  {what}: {otherwise}")


# ------------------------------------------------------------------------------------- the checks


async def log_in(hub: trial.Hub, name: str, password: str) -> str | None:
    """Log in with the page's form, and return the account's own token; None if refused."""
    async with trial.session(hub.certificate) as browser:
        async with browser.get(f"{hub.url}/hub/login") as page:
            form = {"_xsrf": xsrf_in(await page.text())}
        form |= {"username": name, "password": password}
        login = browser.post(f"{hub.url}/hub/login", data=form, allow_redirects=False)
        async with login as answer:
            if answer.status != 302:
                return None
        async with browser.get(f"{hub.url}/hub/token") as page:
            headers = {"X-XSRFToken": xsrf_in(await page.text()), "Referer": f"{hub.url}/hub/token"}
        url = f"{hub.url}/hub/api/users/{name}/tokens"
        async with browser.post(url, headers=headers, json={}) as answer:
            return (await answer.json())["token"] if answer.status == 201 else None


def xsrf_in(page: str) -> str:
    """Return the token against forged requests from a page of the Hub."""
    return re.findall(r'(?:name="_xsrf"\s+value=|xsrf_token:\s*)"([^"]+)"', page)[0]


async def check_log_in(hub: trial.Hub, people: dict, report: Report) -> dict[str, str]:
    """Check who gets in, and return each student's token by name."""
    tokens = {name: await log_in(hub, name, people[name].password) for name in (ADA, BOB)}
    report("both students log in with their passwords", all(tokens.values()), "refused")
    wrong = await log_in(hub, ADA, people[BOB].password)
    report("a wrong password is refused", wrong is None, "let in")
    outsider = await log_in(hub, EVE, people[EVE].password)
    report("an account outside the class is refused", outsider is None, "let in")
    if not all(tokens.values()):
        raise Problem(f"Without a log-in, the rest can't be checked:\n{trial.tail(hub.log)}")
    return {name: token for name, token in tokens.items() if token}


async def check_copies(server: Server, course: Path, report: Report) -> None:
    """Check that students find their own copies, and keep their changes."""
    expected = sorted(path.name for path in (course / "notebooks").glob("*.ipynb"))
    _, folder = await server.api("GET", "contents/saliency-course")
    names = sorted(entry["name"] for entry in folder["content"])
    report("a student finds the notebooks, but no solutions", names == expected, names)
    async with server.kernel(LESSON) as kernel:
        await kernel.run("open('03_grad_cam.ipynb', 'w').write('my work')")
        await kernel.run("import os; os.remove('04_smoothgrad.ipynb')")
    await server.stop()
    await server.start()
    async with server.kernel(LESSON) as kernel:
        kept = await kernel.run("print(open('03_grad_cam.ipynb').read())")
        again = await kernel.run("open('04_smoothgrad.ipynb').read()")
    report("their work is still there at the next start", kept.text == "my work\n", kept)
    report("a notebook that they deleted is there again", again.error is None, again.error)


async def check_isolation(session, hub, people, tokens, course: Path, report: Report) -> None:
    """Check that one student can neither read nor stop what belongs to another."""
    bob = Server(session, hub, BOB, tokens[BOB])
    ada_by_bob = Server(session, hub, ADA, tokens[BOB])
    words = {"home": f"/home/{ADA}", "pid": min(trial.processes_of(people[ADA].uid))}
    async with bob.kernel(LESSON) as kernel:
        ran = await kernel.run("import os, sys\nprint([os.getuid(), 0 in os.getgroups()])")
        report("a kernel runs as the student", ran.text == f"[{people[BOB].uid}, False]\n", ran)
        async with Server(session, hub, ADA, tokens[ADA]).kernel(LESSON) as other:
            listen = LISTEN.format(ports=ports_of(people[ADA].uid))
            heard, _ = await asyncio.gather(kernel.run(listen), other.run(TALK))
        report("cannot hear what the other's kernel prints", "silence" in heard.text, heard)
        if trial.has_systemd():
            report("cannot see the other's files in /tmp", "nothing" in heard.text, heard)
        else:
            say("  --      a /tmp per student: not checked, because systemd isn't running here")
        for what, code in FORBIDDEN.items():
            ran = await kernel.run(code.format(course=course, **words))
            report(
                f"cannot {what}", ran.error is not None and ran.error[0] == "PermissionError", ran
            )
    for what, asking in {
        "open the other's files through the Hub": ada_by_bob.api("GET", "contents"),
        "start a kernel on the other's server": ada_by_bob.api("POST", "kernels", json={}),
        "stop the other's server": ada_by_bob.hub("DELETE", f"/users/{ADA}/server"),
        "get a token of the other's": ada_by_bob.hub("POST", f"/users/{ADA}/tokens", json={}),
        "list the class": bob.hub("GET", "/users"),
    }.items():
        status, _ = await asking
        report(f"cannot {what}", status in (403, 404), f"answered {status}")


def ports_of(uid: int) -> list[int]:
    """Return the TCP ports on which an account's processes listen."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(s[1].split(":")[1], 16) for s in sockets if s[3] == "0A" and int(s[7]) == uid]


async def check_lesson(ada: Server, course: Path, report: Report) -> None:
    """Run lesson 3 to its first map, in ada's copy."""
    source = json.loads((course / "notebooks/03_grad_cam.ipynb").read_text(encoding="utf-8"))
    first_map, ran = None, None
    async with ada.kernel(LESSON) as kernel:
        for number, code in enumerate(trial.code_cells(source), 1):
            ran = await kernel.run(code)
            if ran.has_figure:
                first_map = number
            if ran.error or first_map:
                break
    report(f"lesson 3 draws its first map (cell {first_map})", first_map is not None, ran)


async def keep_clicking(server: Server) -> None:
    """Don't let a server become idle while something takes long, or it's stopped."""
    while True:
        await server.api("GET", "contents")
        await asyncio.sleep(1)


async def check_memory_limit(bob: Server, ada: Server, report: Report) -> None:
    """Check that a kernel that wants too much memory ends alone."""
    if not trial.has_systemd():
        say("  --      the memory limit: not checked, because systemd isn't running here")
        return
    async with bob.kernel(LESSON) as kernel:
        ran = await kernel.run("import os\nx = b'1' * int(1.2 * int(os.environ['MEM_LIMIT']))")
        report("a kernel that wants more than the limit is ended", ran.error == trial.DIED, ran)
    status, _ = await bob.api("GET", "contents")
    report("and its server goes on", status == 200, f"answered {status}")
    async with ada.kernel(LESSON) as kernel:
        report("and so do the others", (await kernel.run("print(1)")).text == "1\n")


async def check_culling(bob: Server, ada: Server, report: Report) -> None:
    """Leave bob's server alone until it stops, while ada works on."""
    async with ada.kernel(LESSON) as kernel:
        for _ in range(4 * IDLE):
            await kernel.run("1 + 1")
            if not await bob.is_running():
                break
            await asyncio.sleep(1)
        report("an idle server stops", not await bob.is_running(), "it runs")
        report("a server in use doesn't", await ada.is_running(), "it was stopped")


async def check(hub: trial.Hub, people: dict, course: Path, report: Report) -> None:
    """Run all checks on a running Hub."""
    tokens = await check_log_in(hub, people, report)
    async with trial.session(hub.certificate) as session:
        ada, bob = (Server(session, hub, name, tokens[name]) for name in (ADA, BOB))
        await asyncio.gather(ada.start(), bob.start())
        stays = asyncio.create_task(keep_clicking(ada))
        await check_isolation(session, hub, people, tokens, course, report)
        await check_copies(bob, course, report)
        await check_memory_limit(bob, ada, report)
        await check_lesson(ada, course, report)
        stays.cancel()
        await check_culling(bob, ada, report)


def inside(folder: Path, report: Report) -> None:
    """Make the class and the Hub on this machine, and check them."""
    course = folder / "saliency-course"
    python = trial.python_of(course / ".venv")
    with trial.class_of([ADA, BOB, EVE], folder, python) as students:
        people = {student.name: student for student in students}
        subprocess.run(["usermod", "--groups", "", EVE], check=True)
        modes = {name: oct(Path("/home", name).stat().st_mode & 0o777) for name in people}
        report("home folders are closed to others", set(modes.values()) == {"0o700"}, modes)
        with trial.running_hub(folder, python, IMPATIENT, tls=True) as hub:
            asyncio.run(check(hub, people, course, report))


def main() -> int:
    """Check a Hub on a machine of its own; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--environment",
        type=Path,
        help="one with the packages of requirements.txt; it isn't changed",
    )
    parser.add_argument("--machine", type=Path, help="the folder to install into and keep")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    trial.needs_root()
    if not options.inside:
        with trial.machine_folder(options.machine) as folder:
            return trial.inside(__file__, folder, trial.make_machine(folder, options.environment))
    report = Report()
    inside(options.inside, report)
    say(f"{report.passed} passed, {report.failed} failed")
    return report.failed > 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        sys.exit(f"check.py: {problem}")
