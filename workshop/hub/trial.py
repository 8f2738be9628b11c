"""A trial machine for a class: what README.md sets up, in its own folder, on loopback.

check.py and measure.py use it. It uses the class's configuration; `TRIAL` below has what a trial
changes. The students' accounts are real, so this needs Linux and root: use a machine that you can
throw away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
COURSE = HERE.parents[1]
GROUPS = ("saliency", "saliency-teachers")
PROXY = "configurable-http-proxy@5.3.0"
NEEDED = ("course_utils", "data", "notebooks", "workshop", "start.py", "pyproject.toml")
NEEDED += ("requirements.txt", "README.md", "LICENSE", "LICENSE-TEXT")

# What a trial changes: other ports, a token for this script, and no servers left behind.
TRIAL = """
load_subconfig({config!r})
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.cleanup_servers = True
c.JupyterHub.services.append({{"name": "trial", "api_token": {token!r}}})
scopes = ["admin:users", "servers", "access:servers"]
c.JupyterHub.load_roles.append({{"name": "trial", "services": ["trial"], "scopes": scopes}})
"""
# The servers' messages go to a file, if no journal keeps them.
WITH_SYSTEMD = 'c.SystemdSpawner.unit_extra_properties = {{"StandardError": "append:{log}"}}\n'
# Without systemd, nothing enforces the memory limit, and check.py says so.
WITHOUT_SYSTEMD = 'c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"\n'


class Problem(Exception):
    """What's wrong, in a sentence for the person who runs the trial."""


def say(text: str) -> None:
    """Print a line at once, even if the output goes to a file."""
    print(text, flush=True)


def has_systemd() -> bool:
    """Return whether systemd is running here."""
    return Path("/run/systemd/system").is_dir()


def can_have_systemd() -> bool:
    """Return whether with_systemd.sh can start a systemd where none is running."""
    return Path("/lib/systemd/systemd").exists() and Path("/sys/fs/cgroup/memory").is_dir()


def run(*command: str | Path, cwd: Path | None = None, text: str | None = None, env=None) -> str:
    """Run a command and return what it printed; if it fails, raise Problem with its last words."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, input=text, capture_output=True, text=True, env=env)
    except FileNotFoundError:
        raise Problem(f"`{words[0]}` is not installed; README.md says what is needed.") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise Problem(f"`{' '.join(words)}` failed: {last}")
    return done.stdout


# ----------------------------------------------------------------------------------- the machine


def python_of(environment: Path) -> Path:
    """Return the path of an environment's Python."""
    return environment / "bin" / "python"


def needs_root() -> None:
    """Raise Problem unless this is Linux and root."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise Problem(
            "This makes accounts on the machine, so it needs Linux and root: run it with `sudo`, "
            "on a machine that you can throw away."
        )


def make_machine(folder: Path, environment: Path | None) -> Path:
    """Put the course, its environment with JupyterHub, and the proxy into `folder`.

    environment: a virtual environment with the packages of requirements.txt, which isn't changed;
        without one, `start.py check` makes it, as the guide says. Anything already there is kept.

    Returns the Python to run the Hub with.
    """
    os.umask(0o022)  # students must be able to read what is made here
    course, made = folder / "saliency-course", folder / "made"
    python = python_of(course / ".venv")
    shutil.rmtree(course / "workshop", ignore_errors=True)  # this, and the notebooks, may be newer
    for name in NEEDED:
        source, target = COURSE / name, course / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    if made.exists():
        return python

    if environment:
        say(f"Taking the environment from {environment} ...")
        link_environment(environment, course / ".venv")
    else:
        say("Making the course's environment: this takes a few minutes ...")
        run(sys.executable, "start.py", "check", "--output", folder / "check.png", cwd=course)
    if not is_open_to_all(python):
        use_another_python(course / ".venv")
    say("Adding JupyterHub and its proxy ...")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--requirement", course / "workshop/hub/requirements.txt")
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    run("npm", "install", *quiet, "--prefix", folder / "proxy", PROXY)
    made.touch()
    return python


def link_environment(source: Path, target: Path) -> None:
    """Copy an environment by sharing its files, because nobody writes to them."""
    if not python_of(source).exists():
        raise Problem(f"There is no environment in {source}: {python_of(source)} is missing.")
    shutil.rmtree(target, ignore_errors=True)  # one that wasn't finished

    def link(a: str, b: str) -> None:
        try:
            os.link(a, b)
        except OSError:  # on another disk
            shutil.copy2(a, b)

    shutil.copytree(source, target, symlinks=True, copy_function=link)
    (packages,) = (target / "lib").glob("python3*/site-packages")
    for pointer in packages.glob("*saliency_course*.pth"):  # to the folder it came from
        pointer.unlink()
    (packages / "_saliency_course.pth").write_text("../../../..\n", encoding="utf-8")


def is_open_to_all(path: Path) -> bool:
    """Return whether any account can reach a file."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def use_another_python(environment: Path) -> None:
    """Let an environment run on the system's Python of the same version."""
    (library,) = (environment / "lib").glob("python3*")
    python = Path("/usr/bin", library.name)
    if not python.exists():
        raise Problem(
            f"The students' accounts cannot reach {python_of(environment).resolve()}, and there is "
            f"no {python}: use an environment made with a Python that every account can run."
        )
    for link in (environment / "bin").glob("python*"):
        if link.is_symlink():
            link.unlink()
            link.symlink_to(python)
    settings = environment / "pyvenv.cfg"
    settings.unlink()  # it may be the original's file
    settings.write_text("home = /usr/bin\ninclude-system-site-packages = false\n", encoding="utf-8")


@contextlib.contextmanager
def machine_folder(kept: Path | None) -> Iterator[Path]:
    """Return the folder for the machine: one to keep, or a temporary one."""
    if kept:
        kept = kept.resolve()
        if kept.parts[1] in ("tmp", "home", "root"):
            raise Problem(f"{kept} isn't open to all accounts: use a folder in /opt, say.")
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    # Not in /tmp, because each student's server sees its own.
    folder = Path(tempfile.mkdtemp(prefix="saliency-trial-", dir="/opt"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------------------------- the accounts


class Student(NamedTuple):
    """An account: its name, its password and its number."""

    name: str
    password: str
    uid: int


@contextlib.contextmanager
def class_of(names: list[str], machine: Path, python: Path) -> Iterator[list[Student]]:
    """Make accounts with accounts.py, as in the guide; delete them afterwards."""
    import pwd

    new_groups = [group for group in GROUPS if not has_group(group)]
    listing = machine / "class.txt"
    listing.write_text("\n".join(names) + "\n", encoding="utf-8")
    delete(names)  # left over from a trial that was killed
    try:
        printed = run(python, machine / "saliency-course/workshop/hub/accounts.py", listing)
        passwords = dict(line.split(",") for line in printed.splitlines()[1:])
        students = [Student(n, passwords[n], pwd.getpwnam(n).pw_uid) for n in names]
        as_student = {"user": names[0], "group": names[0], "extra_groups": [], "cwd": "/"}
        try:
            imports = [python, "-c", "import course_utils, jupyterhub"]
            subprocess.run(imports, check=True, env={}, **as_student)
        except (OSError, subprocess.CalledProcessError):
            raise Problem(
                f"A student's account cannot run {python}: it, or a folder above it, is closed to "
                "others. Use a Python and a folder that all accounts can read."
            ) from None
        yield students
    finally:
        delete(names)
        for group in new_groups:
            subprocess.run(["groupdel", group], capture_output=True)


def has_group(name: str) -> bool:
    """Return whether this machine has a group of this name."""
    import grp  # not on Windows, where `needs_root` says what's needed

    try:
        return grp.getgrnam(name) is not None
    except KeyError:
        return False


def delete(names: list[str]) -> None:
    """Delete the trial's accounts, with everything they own and run."""
    import pwd

    for name in names:
        with contextlib.suppress(KeyError):
            for pid in processes_of(pwd.getpwnam(name).pw_uid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(["userdel", "--remove", name], capture_output=True)


def processes_of(uid: int) -> list[int]:
    """Return the ids of an account's processes."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    found.append(int(entry.name))
    return found


# --------------------------------------------------------------------------------------- the Hub


def free_port() -> int:
    """Return a port that nobody is listening on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Hub(NamedTuple):
    """A running Hub: its address, a token that may start servers, its process and its log."""

    url: str
    token: str
    pid: int
    log: Path
    certificate: Path | None


@contextlib.contextmanager
def running_hub(
    machine: Path, python: Path, settings: str = "", tls: bool = False
) -> Iterator[Hub]:
    """Start the Hub with the class's configuration, and stop it afterwards.

    settings: lines of configuration to add; tls: whether to encrypt, with a trial certificate.
    """
    state = Path(tempfile.mkdtemp(prefix="hub-", dir=machine))  # 0700, like the service's
    token = secrets.token_hex(16)
    url = f"http{'s' if tls else ''}://127.0.0.1:{free_port()}"
    config = machine / "saliency-course/workshop/hub/jupyterhub_config.py"
    text = TRIAL.format(
        config=str(config), url=url, hub_port=free_port(), proxy_port=free_port(), token=token
    )
    if tls:
        make_certificate(state)
        text += f"c.JupyterHub.ssl_cert = {str(state / 'tls.crt')!r}\n"
        text += f"c.JupyterHub.ssl_key = {str(state / 'tls.key')!r}\n"
    log = machine / "hub.log"
    text += WITH_SYSTEMD.format(log=log) if has_systemd() else WITHOUT_SYSTEMD
    text += settings
    (state / "trial_config.py").write_text(text, encoding="utf-8")
    paths = [str(machine / "proxy/node_modules/.bin"), os.environ["PATH"]]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [python, "-m", "jupyterhub", "--config=trial_config.py"],
            cwd=state,
            env={"PATH": os.pathsep.join(paths), "LANG": "C.UTF-8"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(url, process, log)
        yield Hub(url, token, process.pid, log, state / "tls.crt" if tls else None)
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(state, ignore_errors=True)


def make_certificate(folder: Path) -> None:
    """Write a certificate for 127.0.0.1 that's good for a day, and its key, into a folder."""
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", folder / "tls.key", "-out", folder / "tls.crt"),
    )


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    """Wait up to a minute for the Hub to run; Problem shows the end of its log."""
    port = int(url.rsplit(":", 1)[1])
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            if "JupyterHub is now running" in log.read_text(encoding="utf-8"):
                return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise Problem(f"The Hub didn't start; here's the end of its log:\n{tail(log)}")


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def inside(script: str, machine: Path, python: Path) -> int:
    """Run a script again, with the same arguments, in the machine's environment, under systemd."""
    command = [python, script, *sys.argv[1:], "--inside", machine]
    output = machine / "output.txt"
    output.write_text("", encoding="utf-8")
    if not has_systemd() and can_have_systemd():
        command = ["bash", HERE / "with_systemd.sh", output, *command]
    process = subprocess.Popen([str(word) for word in command])
    try:
        with output.open(encoding="utf-8") as lines:
            while process.poll() is None:
                print(lines.read(), end="", flush=True)
                time.sleep(0.2)
            print(lines.read(), end="", flush=True)
        return process.returncode
    except KeyboardInterrupt:
        process.wait()
        return 130


# ---------------------------------------------------------------------- talking to Hub and kernel
# aiohttp comes with JupyterHub: the functions below run in the machine's environment.


DIED = ("KernelDied", "the kernel was ended from outside")


class Ran(NamedTuple):
    """What a cell did: its output messages, and the error (name, value) if there was one."""

    outputs: list[dict]
    error: tuple[str, str] | None

    @property
    def text(self) -> str:
        """What the cell printed, and the text of its results."""
        return "".join(o["text"] for o in self.outputs if "text" in o)

    @property
    def has_figure(self) -> bool:
        """Return whether one of its outputs is a picture."""
        data = [o["data"] for o in self.outputs if "data" in o]
        return any("image/png" in d or "<img" in d.get("text/html", "") for d in data)


class Kernel:
    """A running kernel behind the Hub, reached the way a browser does: by its websocket."""

    def __init__(self, socket):
        self._socket = socket

    async def run(self, code: str, timeout: float = 600) -> Ran:
        """Run a cell to its end."""
        return await asyncio.wait_for(self._run(code), timeout)

    async def _run(self, code: str) -> Ran:
        message = uuid.uuid4().hex
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        header = {"msg_id": message, "msg_type": "execute_request", "version": "5.3"}
        header |= {"username": "", "session": "trial", "date": "2000-01-01T00:00:00Z"}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self._socket.send_json(request | {"channel": "shell", "buffers": []})
        outputs, error, idle, replied = [], None, False, False
        while not (idle and replied):
            received = await self._socket.receive()
            if received.type.name == "BINARY":  # a widget's picture
                continue
            if received.type.name != "TEXT":
                return Ran(outputs, ("Disconnected", f"the server's log may say why: {received}"))
            answer = json.loads(received.data)
            if answer["parent_header"].get("msg_id") != message:
                if answer["content"].get("execution_state") in ("restarting", "dead"):
                    return Ran(outputs, DIED)
                continue
            kind, content = answer["header"]["msg_type"], answer["content"]
            idle |= kind == "status" and content["execution_state"] == "idle"
            replied |= kind == "execute_reply"
            if kind in ("stream", "display_data", "execute_result"):
                outputs.append(content)
            elif kind == "error":
                error = (content["ename"], content["evalue"])
        return Ran(outputs, error)


class Server:
    """One student's server, with a token that may use it."""

    def __init__(self, session, hub: Hub, name: str, token: str):
        self._session, self._hub, self.name = session, hub, name
        self._headers = {"Authorization": f"token {token}"}

    async def _ask(self, method: str, path: str, **kwargs) -> tuple[int, Any]:
        """Return (status, JSON or None)."""
        url = self._hub.url + path
        async with self._session.request(method, url, headers=self._headers, **kwargs) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, await answer.json() if is_json else None

    async def hub(self, method: str, path: str, **kwargs) -> tuple[int, Any]:
        """Ask the Hub's API as this student: (status, JSON or None)."""
        return await self._ask(method, "/hub/api" + path, **kwargs)

    async def api(self, method: str, path: str, **kwargs) -> tuple[int, Any]:
        """Ask the API of the student's own server: (status, JSON or None)."""
        return await self._ask(method, f"/user/{self.name}/api/{path}", **kwargs)

    async def start(self) -> None:
        """Start the server, and follow the Hub's own news about it until it's ready."""
        status, body = await self.hub("POST", f"/users/{self.name}/server")
        if status not in (201, 202):
            raise Problem(f"{self.name}'s server did not start: {status} {body}")
        url = f"{self._hub.url}/hub/api/users/{self.name}/server/progress"
        async with self._session.get(url, headers=self._headers) as news:
            async for line in news.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if event.get("ready"):
                        return
                    if event.get("failed"):
                        break
        raise Problem(f"{self.name}'s server did not start:\n{tail(self._hub.log)}")

    async def stop(self) -> None:
        """Stop the server, and wait until it's gone."""
        await self.hub("DELETE", f"/users/{self.name}/server")
        while await self.is_running():
            await asyncio.sleep(0.2)

    async def is_running(self) -> bool:
        """Return whether the server is running, or about to start or stop."""
        _, user = await self.hub("GET", f"/users/{self.name}")
        return bool(user["servers"]) or user["pending"] is not None

    @contextlib.asynccontextmanager
    async def kernel(self, notebook: str) -> AsyncIterator[Kernel]:
        """A kernel for a notebook in the student's home folder."""
        wanted = {"path": notebook, "name": notebook, "type": "notebook"}
        status, body = await self.api(
            "POST", "sessions", json=wanted | {"kernel": {"name": "python3"}}
        )
        if status != 201:
            raise Problem(f"{self.name}'s kernel did not start: {status} {body}")
        url = f"{self._hub.url}/user/{self.name}/api/kernels/{body['kernel']['id']}/channels"
        connect = self._session.ws_connect(url, headers=self._headers, max_msg_size=0)
        async with connect as socket:
            yield Kernel(socket)


def session(certificate: Path | None = None):
    """Return an HTTP client with cookies that trusts the trial's certificate."""
    import ssl

    import aiohttp  # pyright: ignore[reportMissingImports]

    trust = ssl.create_default_context(cafile=str(certificate)) if certificate else True
    connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # even from a numeric address
        timeout=aiohttp.ClientTimeout(total=None),
    )


def code_cells(notebook: dict) -> list[str]:
    """Return the code of a notebook's cells."""
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
