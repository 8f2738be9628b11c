"""Open the course, or test it, on a machine that has Python and nothing else.

    python start.py            open the course in JupyterLab, at lesson 0
    python start.py check      is everything here? (versions, and the cat classified)
    python start.py playground open the playground: your picture, any class, all methods
    python start.py test       run the tests
    python start.py reset 3.2  begin exercise 3.2, or a lesson, again; it keeps your answers
    python start.py answers ../OLD    bring your answers from another copy of the course
    python start.py workshop   for instructors: run sheets, slides, grading, offline kits

Further arguments are passed on to JupyterLab, the check, Voila, pytest or the workshop's commands:

    python start.py --no-browser --port 8899
    python start.py test -x tests

The first run makes an environment in the folder .venv, which takes a few minutes and needs the
internet. Later runs start at once and don't. To undo everything, delete the folder .venv (where
Windows can't have it, the first run names another). In an unpacked offline kit, which has a folder
wheels, the first run doesn't need the internet either.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

try:
    from workshop import machine
    from workshop.machine import DISK_SPACE, WHEELS, StartError, child_environment
except ImportError:  # Windows shows what's in an archive like a folder
    sys.exit(
        "start.py: The course is not in this folder: unpack the whole archive, and run it there."
    )

ROOT = Path(__file__).resolve().parent
VENV = Path(machine.environment_folder(ROOT))
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MARKER = VENV / "saliency-course.json"  # says that this script made the folder, and how far it got
LESSON = "notebooks/00_start_here.ipynb"
INPUTS = ("requirements.txt", "pyproject.toml")  # when one of these changes, install again
LEAST_SPACE, TOO_FULL = 1.5e9, 0.1e9  # with less, no installation can begin or go on
LEFT_OUT = {"test": "tests", "workshop": "workshop/__main__.py"}  # of a kit for students
NEWS = "@jupyterlab/apputils-extension:announcements"  # JupyterLab would ask whether to fetch them
COMMANDS = {
    "lab": (
        "jupyterlab",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{LESSON}",
    ),
    "check": ("course_utils",),
    "playground": ("course_utils.apps.server",),
    "test": ("pytest",),
    "reset": ("tools.answers", "reset"),
    "answers": ("tools.answers", "answers"),
    "workshop": ("workshop",),
}


def say(text):
    """Print a line at once, even if the output goes to a file."""
    print(text, flush=True)


# --------------------------------------------------------------------------- the environment


def digest(root=ROOT):
    """Return a digest of everything that decides what belongs in the environment."""
    total = hashlib.sha256()
    for name in INPUTS:
        total.update((root / name).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def read_marker(path=None):
    """Return what the marker says, {} if it's unreadable, None if it's missing."""
    path = path or MARKER
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
        return marker if isinstance(marker, dict) else {}
    except FileNotFoundError:  # or an earlier start.py was stopped while writing its first one
        return {} if path.with_suffix(".tmp").exists() else None
    except (OSError, ValueError, RecursionError):
        return {}


def write_marker(ready, python, path=None):
    """Note the digest of what's installed (None until it's complete), and for which Python."""
    text = json.dumps({"ready": ready, "python": python})
    (path or MARKER).write_text(text, encoding="utf-8")


def look(quiet=True):
    """Return (version of .venv's Python or None, is pip usable, can the packages be imported)."""
    code = (  # a full disk can leave a pip that exits with 0 and prints nothing
        "import runpy, sys; print('{}.{}'.format(*sys.version_info), flush=True)\n"
        "sys.argv = ['pip', '--version']\n"
        "try: runpy.run_module('pip', run_name='__main__', alter_sys=True)\n"
        "except SystemExit: print(flush=True)\n"
        "import IPython, jupyterlab_server, numpy, PIL.Image, pytest, zmq; print('complete')"
    )
    try:
        output = subprocess.run(
            [str(VENV_PYTHON), "-I", "-c", code],
            env=child_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            timeout=300,  # a virus scanner may read everything first
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None, False, False
    lines = output.decode(errors="replace").split("\n")
    has_pip = any(line.startswith("pip ") for line in lines)
    return lines[0].strip() or None, has_pip, has_pip and "complete" in map(str.strip, lines)


def state(marker, seen, wanted):
    """Return what the folder .venv is: foreign, broken, unfinished (or out of date) or ready.

    marker: from `read_marker`; seen: from `look`; wanted: from `digest`.
    """
    python, has_pip, complete = seen
    if marker is None:
        return "foreign"
    if not has_pip or marker.get("python") != python:
        return "broken"  # or a newer Python has replaced the system's, which it needs
    if marker.get("ready") != wanted:
        return "unfinished"
    return "ready" if complete else "broken"


def current_state():
    """Return what `state` says about .venv, or absent."""
    if not VENV.is_dir() or not any(VENV.iterdir()):
        return "absent"
    marker = read_marker()
    found = state(marker, look(), digest())
    kit = machine.read_kit()
    if found == "unfinished" and kit and marker and kit["python"] != marker["python"]:
        return "broken"  # begun with a different Python from the kit's
    return found


def succeeds(command, quiet=False):
    """Run a command in the course's folder; did it succeed? OSError if the disk is full."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=str(ROOT),
        env=child_environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.PIPE,
        close_fds=False,  # if this process is killed, its child goes on and keeps the lock
    )
    said = b""
    for line in process.stderr or ():
        said += line
        if not quiet:
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
    if process.wait() == 0:
        return True
    if machine.says_no_room(said) or machine.free_space(VENV) < TOO_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return False


def base_python():
    """Return the interpreter to make .venv with: this one, unless it's .venv's own."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        return sys.executable
    base = getattr(sys, "_base_executable", sys.executable)
    if base == sys.executable:  # that's what Python 3.10 says on Linux and macOS, where it's a link
        base = str(Path(sys.executable).resolve())
    return base


def no_venv():
    """Return what to say if this Python can't make an environment, or put pip into it."""
    lacking = not succeeds([base_python(), "-c", "import ensurepip, venv"], quiet=True)
    return StartError(machine.no_venv(lacking))


def pip_install(python, requirements):
    """Install requirements: exactly the files with those hashes, from a kit if there's one.

    Raises:
        StartError: pip failed.
    """
    kit, reason = machine.read_kit(), "could not be installed; the reason is above this line"
    command = [python, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:"]
    if kit:
        command += ["--no-index", "--find-links", WHEELS]
    if succeeds([*command, *requirements]):
        return
    if kit:
        raise StartError(
            f"The packages {reason}. If a package is missing in the folder {WHEELS.name}, "
            "unpack the archive of the offline kit again"
        )
    raise StartError(
        f"The packages {reason}. If the network was the problem, run the same command when it "
        "works: it goes on where this one stopped"
    )


def packages_folder(python):
    """Return .venv's site-packages. python: its version."""
    return VENV / ("Lib" if os.name == "nt" else f"lib/python{python}") / "site-packages"


def make_environment():
    """Make .venv, with pip in it: Python's own or, if Debian left that out, one from its pip."""
    VENV.mkdir(parents=True, exist_ok=True)
    python = "{}.{}".format(*sys.version_info)
    write_marker(None, python)
    if not succeeds([base_python(), "-m", "venv", "--without-pip", VENV]):
        raise no_venv()
    if succeeds([VENV_PYTHON, "-m", "ensurepip", "--default-pip"], quiet=True):
        return
    if not succeeds([base_python(), "-m", "pip", "--version"], quiet=True):
        raise no_venv()
    # `pip --python` would work, too, but Ubuntu 22.04's pip is too old for it.
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    only_pip = VENV / "pip.txt"
    [pin] = re.findall(r"^pip==(?:.*\\\n)*.*\n", pins, re.M)
    only_pip.write_text(pin, encoding="utf-8")
    pip_install(base_python(), ["--target", packages_folder(python), "-r", only_pip])


def forget_halves(packages):
    """Let pip reinstall what it was unpacking when it was stopped.

    For pip, a package is there as soon as its METADATA is; the file INSTALLER comes last.
    """
    for folder in packages.glob("*.dist-info"):
        if not (folder / "INSTALLER").is_file():
            shutil.rmtree(str(folder))


def install_packages(packages):
    """Install requirements.txt and, in place, the course's own package."""
    forget_halves(packages)
    pip_install(VENV_PYTHON, ["-r", ROOT / "requirements.txt"])
    # Its build tool has just been installed, so the build needs no environment of its own.
    own = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT]
    if not succeeds([VENV_PYTHON, "-m", "pip", "install", *own]):
        raise StartError("The course's own package could not be installed; the reason is above")
    # pip wrote the full path of this folder, in UTF-8, where Python on Windows reads the local
    # encoding: with a letter such as é in it, Python can't find the package or even start.
    path = f"import sys; sys.path.append({str(ROOT)!a})"
    if VENV.parent == ROOT:  # you can still rename or move the folder
        path = os.path.relpath(str(ROOT), str(packages))
    (packages / "_saliency_course.pth").write_text(path + "\n")
    page = VENV / "etc" / "jupyter" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"disabledExtensions": {NEWS: True}}), encoding="utf-8")


def install(found):
    """Bring .venv to the state ready. found: the state it's in."""
    if found == "foreign":
        raise StartError(
            f"There's a {machine.name_of(VENV, ROOT)} that start.py didn't make: rename or delete "
            "it, then run the same command again"
        )
    if found == "broken":
        say(f"The environment ({machine.name_of(VENV, ROOT)}) is damaged: making it again.")
        shutil.rmtree(str(VENV))
    free = machine.free_space(VENV)
    if free < (TOO_FULL if found == "unfinished" else LEAST_SPACE):
        raise StartError(machine.no_room())
    obstacle = machine.path_problem(ROOT, VENV)
    if obstacle:
        raise StartError(obstacle)
    if free < DISK_SPACE:
        say(f"Warning: {free / 1e9:.1f} GB of this disk are free, and the course needs 4 GB.")
    say(f"1/3 Making an environment for the course ({machine.name_of(VENV, ROOT)}) ...")
    try:
        if found != "unfinished":
            make_environment()
        python = (read_marker() or {})["python"]
        write_marker(None, python)
        if machine.read_kit() is None:
            say("2/3 Downloading and installing the packages, about 1 GB: 2 to 10 minutes ...")
        else:
            say(f"2/3 Installing the packages from the folder {WHEELS.name}, without internet ...")
        install_packages(packages_folder(python))
        say("3/3 Checking that the packages start ...")
        if not look(quiet=False)[2]:
            if found == "unfinished":  # an installation that was cut off may leave damaged files
                install("broken")
                return
            raise StartError(
                "The packages were installed, but don't start; the reason is above this line. "
                "Run the same command again, and they are installed from the beginning"
            )
        write_marker(digest(), python)
    except OSError as error:
        if error.errno not in machine.NO_ROOM:
            raise
        shutil.rmtree(str(VENV), ignore_errors=True)  # any file in it may have been cut off
        raise StartError(machine.no_room()) from None
    say("The environment is ready. From now on, the course starts at once, without internet.")


# ----------------------------------------------------------------------------------- running


def parse(arguments):
    """Return the command's name and the arguments to pass on."""
    name, rest = "lab", list(arguments)
    if rest and not rest[0].startswith("-"):
        name = rest.pop(0)
    if name not in COMMANDS:
        raise StartError(
            f"the commands are {', '.join(COMMANDS)}, not {name!r}: see `python start.py --help`"
        )
    if rest[:1] == ["--"]:
        del rest[0]
    return name, rest


def command_line(name, rest, is_root=False):
    """Return the command to run in the environment."""
    # In a container, say, root may be the only user.
    root = ["--allow-root"] if name == "lab" and is_root else []
    return [str(VENV_PYTHON), "-m", *COMMANDS[name], *root, *rest]


def become(command, folder, env):
    """Become another command: the exit status and Ctrl-C are that command's."""
    os.chdir(str(folder))
    if os.name != "nt":
        os.execve(command[0], command, env)
    process = subprocess.Popen(command, env=env)  # Windows' exec would return to the prompt at once
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the command got it as well, and knows what to do
            continue


def main(arguments):
    """Make the environment ready, then become the command in it; returns an exit status."""
    if arguments in (["--help"], ["-h"]):
        say(str(__doc__).strip())
        return 0
    name, rest = parse(arguments)
    if not (ROOT / LEFT_OUT.get(name, "start.py")).exists():
        raise StartError(f"This copy of the course is for students: it has no `{name}`")
    if name == "workshop" and rest[:1] == ["host"]:
        from workshop import host  # needs no environment

        return host.main(rest[1:])
    env = child_environment(os.environ)
    found = current_state()
    if found != "ready":
        kit, facts = machine.read_kit(), machine.describe()
        obstacle = machine.problem(facts) or machine.kit_problem(facts, kit)
        if obstacle and found in ("absent", "broken"):
            other = machine.find_another(kit)
            if other is None:
                raise StartError(obstacle)
            this = "Python {}.{} is not for this".format(*facts["version"])
            what = "offline kit" if kit else "course"
            say(f"{this} {what}: going on with {' '.join(other)}.")
            return become([*other, str(ROOT / "start.py"), *arguments], Path.cwd(), env)
        with machine.alone(ROOT / "start.py"):
            found = current_state()  # meanwhile, another start.py may have finished
            if found != "ready":
                install(found)
    if name in ("lab", "playground"):
        what = {"lab": "JupyterLab", "playground": "the playground"}[name]
        say(f"Starting {what}. To stop it, press Ctrl-C here twice.")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # These take names of files, and mean them as the person does who typed them.
    folder = Path.cwd() if name in ("check", "answers", "workshop") else ROOT
    return become(command_line(name, rest, is_root), folder, machine.with_home(env, VENV))


if __name__ == "__main__":
    # A path may have letters that the console lacks. (Python 3.6 can't reconfigure.)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure and sys.stdout.errors == "strict":
        reconfigure(errors="backslashreplace")
    try:
        status = main(sys.argv[1:])
    except StartError as error:
        status = f"start.py: {error}."
    except KeyboardInterrupt:
        say("\nstart.py: stopped. Run the same command to go on from here.")
        status = 130
    except OSError as error:
        status = f"start.py: can't use a file or folder: {error}{machine.elsewhere(error)}."
    sys.exit(status)
