"""The computer as start.py finds it: its Pythons, an offline kit, disk, home folder, variables.

This file, like start.py, must run on old Pythons, because it tells people which version to install.
So it only uses the standard library, and code that Python 3.7 understands.
"""

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path, PureWindowsPath

OLDEST, NEWEST = (3, 10), (3, 13)
PLATFORMS = ("linux-x86_64", "linux-aarch64", "win-amd64", "macosx-arm64")  # of TensorFlow's wheels
WHEELS = (
    Path(__file__).resolve().parent.parent / "wheels"
)  # an offline kit has all its packages there
KIT = "kit.json"  # in that folder: for which kind of computer, and for which Python
DISK_SPACE = 4e9  # bytes; a finished .venv takes up to 3.0e9, and pip unpacks next to it
# Windows refuses longer paths. Below the environment's folder, the longest is one of TensorFlow's.
LONGEST_PATH, LONGEST_INSIDE = 259, 181
CLOUDS = ("onedrive", "dropbox", "icloud", "google drive", "my drive", "nextcloud")  # their folders
NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


class StartError(Exception):
    """What went wrong, in one sentence for the person who ran start.py."""


def describe():
    """Return the facts about this interpreter that decide whether TensorFlow can be installed."""
    mac = (
        platform.system() == "Darwin"
    )  # a universal Python says universal2, but what it runs as counts
    return {
        "version": list(sys.version_info[:2]),
        "implementation": platform.python_implementation(),
        "bits": struct.calcsize("P") * 8,
        "platform": f"macosx-{platform.machine()}" if mac else sysconfig.get_platform(),
        "musl": "musl" in (sysconfig.get_config_var("SOABI") or ""),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }


def problem(facts):
    """Return a sentence on why the course can't run on the interpreter `describe` saw, or None."""
    version, kind = tuple(facts["version"]), facts["platform"]
    name = "Python" if facts["implementation"] == "CPython" else facts["implementation"]
    this = "This is {} {}.{}".format(name, *version)
    newest = "{}.{}".format(*NEWEST)
    again = "and run: {}{} start.py".format("py -" if kind.startswith("win") else "python", newest)
    install = f"install the ordinary 64-bit Python {newest} from python.org, {again}"
    lacks = "for which there is no TensorFlow"
    colab = "take the course on Colab (see README.md)"

    if not OLDEST <= version <= NEWEST:
        supported = "the course runs on Python {}.{} to {}.{}".format(*OLDEST, *NEWEST)
        return f"{this}, and {supported}: {install}"
    if facts["implementation"] != "CPython":
        return f"{this}, {lacks}: {install}"
    if facts["bits"] != 64:
        return f"This is a 32-bit Python, {lacks}: {install}"
    if facts["free_threaded"]:
        return f"This is the free-threaded build of Python, {lacks}: {install}"
    if kind == "macosx-x86_64":
        return (
            "TensorFlow no longer supports Macs with an Intel processor: "
            f"{colab}; but if this Mac has an Apple processor, {install}"
        )
    if kind == "win-arm64":
        return (
            "There is no TensorFlow for the ARM64 build of Python: install the 64-bit build for "
            f"Intel and AMD processors, which also runs on Windows on ARM, {again}"
        )
    if facts["musl"]:
        return (
            "There is no TensorFlow for Linux systems built on musl, such as Alpine: "
            f"use a Debian or Ubuntu container, or {colab}"
        )
    if kind not in PLATFORMS:
        return (
            f"There is no TensorFlow for {kind}: {colab}, "
            "or use a 64-bit Windows, Linux or Apple machine"
        )
    return None


def read_kit(folder=WHEELS):
    """Return what the offline kit in this folder is for, {"platform": ..., "python": ...}, or None.

    Raises:
        StartError: the kit is damaged.
    """
    if not folder.is_dir():
        return None
    try:
        kit = json.loads((folder / KIT).read_text(encoding="utf-8"))
        return {"platform": str(kit["platform"]), "python": str(kit["python"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StartError(
            f"The folder {folder.name} is not a complete offline kit: unpack its archive again, or "
            "delete the folder, and the packages will be downloaded"
        ) from None


def kit_problem(facts, kit):
    """Return a sentence on why the kit isn't for the interpreter `describe` saw, or None."""
    this = "{}.{}".format(*facts["version"])
    if kit is None or (kit["platform"], kit["python"]) == (facts["platform"], this):
        return None
    fix = "ask for the offline kit for this computer"
    if kit["platform"] == facts["platform"]:
        fix = f"install Python {kit['python']} as well, or {fix}"
    return (
        f"The packages in the folder {WHEELS.name} are for Python {kit['python']} on "
        f"{kit['platform']}, and this is Python {this} on {facts['platform']}: {fix}, or delete "
        f"the folder {WHEELS.name}, and the packages will be downloaded"
    )


def candidates():
    """Return commands that may start another Python, best first."""
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    names = [[f"python3.{minor}"] for minor in minors]
    if os.name == "nt":
        return [["py", f"-3.{minor}"] for minor in minors] + names
    return [*names, ["python3"], ["python"]]


def find_another(kit=None):
    """Return the command of a Python here that the course and the kit can use, or None."""
    # If a version is missing, Windows' launcher must not install it.
    env = dict(child_environment(os.environ), PYTHON_MANAGER_AUTOMATIC_INSTALL="false")
    null = subprocess.DEVNULL
    for command in candidates():
        path = shutil.which(command[0])
        if path is None:
            continue
        try:
            asked = [*command, __file__]
            output = subprocess.check_output(asked, env=env, stdin=null, stderr=null, timeout=60)
            facts = json.loads(output.decode())
            if problem(facts) is None and kit_problem(facts, kit) is None:
                return [path, *command[1:]]
        except (OSError, ValueError, KeyError, subprocess.SubprocessError):
            continue
    return None


# --------------------------------------------------- what its programs find and leave behind


def child_environment(environ):
    """Return the variables for the environment's Python, without those that would mislead it."""
    pip = "CONSTRAINT NO_BINARY NO_DEPS ONLY_BINARY PREFIX PYTHON REQUIREMENT ROOT TARGET"
    astray = {"__PYVENV_LAUNCHER__", "MPLBACKEND", "TF_USE_LEGACY_KERAS"}
    astray.update(f"PIP_{name}" for name in pip.split())
    kept = {k: v for k, v in environ.items() if k not in astray and not k.startswith("PYTHON")}
    return dict(
        kept,
        PYTHONNOUSERSITE="1",
        PIP_USER="0",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        JUPYTER_PREFER_ENV_PATH="1",  # .venv's kernel, not one in the home folder
        KERAS_BACKEND="tensorflow",
    )


def with_home(environ, folder):
    """Return the variables, with a home in this folder if programs can't write to the real one."""
    try:
        # Path.expanduser raises if an account has no home folder.
        with tempfile.TemporaryFile(dir=os.path.expanduser("~")):  # noqa: PTH111
            return environ
    except OSError:
        home = folder / "home"
        home.mkdir(exist_ok=True)
        print(f"Your home folder cannot be written to, so {home} takes its place.", flush=True)
        return dict(environ, HOME=str(home), USERPROFILE=str(home))


def says_no_room(said):
    """Is a full disk why a program stopped, by what it wrote to stderr?"""
    numbers = rb"(?:Errno |OSError\()(?:27|28|69|122)\b|WinError (?:39|112)\b"
    return re.search(numbers + rb"|No usable temporary directory|No space left", said) is not None


def free_space(folder):
    """Return how many bytes are free where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(str(folder)).free


def elsewhere(error):
    """Return the end of a sentence: what to try where people may not write, and else nothing."""
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ""
    return (
        ": if you may not write there, copy the course's folder into your home folder, and run the "
        "same command in the copy"
    )


def no_room():
    """Return what to say if the disk is full."""
    with contextlib.suppress(OSError):  # there's none if all its disks are full
        where = f", and for a while 1 GB in {tempfile.gettempdir()}"
        return (
            "There is no room left on the disk (or within a quota or a limit on file sizes): the "
            f"installation takes about {DISK_SPACE / 1e9:.0f} GB here{where}; make room, then run "
            "the same command again"
        )
    return f"There is no room left on any disk: make {DISK_SPACE / 1e9 + 1:.0f} GB, and try again"


def no_venv(lacking):
    """Return what to say if there's no environment. lacking: because Python has no ensurepip."""
    if not lacking:
        return (
            "The environment could not be made, and the reason is above this line: if it says "
            "nothing to you, move this folder to another place, and try again"
        )
    fix = "install the ordinary Python {}.{} from python.org".format(*NEWEST)
    if shutil.which("apt-get") is not None:
        command = "sudo apt install python{}.{}-venv".format(*sys.version_info)
        fix = f"run `{command}`, then the same command again"
    return f"This Python cannot make an environment with pip in it: {fix}"


# ------------------------------------------------------------------------ where it can be made


def environment_folder(root, environ=os.environ, long_paths=None):
    """Return the folder of the environment: .venv in the course's folder, except on some Windows.

    There it's in the home folder if paths in .venv would be too long, or if its 34,000 files would
    be copied into a cloud. (Not in AppData: the Store's Python has an AppData of its own, with a
    long path.) root: an absolute path.
    """
    venv = root / ".venv"
    if not isinstance(root, PureWindowsPath) or Path(str(venv / "saliency-course.json")).exists():
        return venv
    clouds = [PureWindowsPath(environ[name]) for name in environ if name.startswith("ONEDRIVE")]
    in_cloud = any(cloud in root.parents for cloud in clouds)
    in_cloud |= any(part.lower().startswith(CLOUDS) for part in root.parts)
    if "USERPROFILE" not in environ or not (in_cloud or too_long(venv, long_paths)):
        return venv
    name = hashlib.sha256(str(root).lower().encode("utf-8", "replace")).hexdigest()[:6]
    return type(root)(environ["USERPROFILE"], ".saliency-course", name)


def too_long(venv, long_paths=None):
    """Would Windows find some paths in this environment too long?"""
    works = long_paths_work() if long_paths is None else long_paths
    return not works and len(str(venv)) + 1 + LONGEST_INSIDE > LONGEST_PATH


def name_of(venv, root):
    """Return an environment's folder for people: its name if it's in the course's folder."""
    return f"folder {venv.name if venv.parent == root else venv}"


def path_problem(root, venv, long_paths=None):
    """Return a sentence on why no environment can be made in a folder, by its path; or None."""
    if too_long(venv, long_paths):
        room = LONGEST_PATH - LONGEST_INSIDE - 1 - len("\\.venv")
        return (
            f"Windows would find paths in this folder too long, as its own has {len(str(root))} "
            f"characters: move it to one with at most {room}, such as C:\\saliency-course, and run "
            "the same command there"
        )
    separator = ";" if isinstance(root, PureWindowsPath) else ":"
    if separator in str(venv):
        return (
            f"No environment can be made in {venv}, because of the {separator}: rename the folder"
        )
    try:
        os.fsencode(str(venv)).decode("utf-8")
    except UnicodeDecodeError:
        return (
            "The path of this folder has letters that aren't encoded in UTF-8, and Python can't "
            "make an environment there: rename the folder, with letters from a to z"
        )
    return None


def long_paths_work():
    """Return False on a Windows that refuses paths of 260 or more characters."""
    if os.name != "nt":
        return True
    import winreg

    key = r"SYSTEM\CurrentControlSet\Control\FileSystem"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            return winreg.QueryValueEx(opened, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


@contextlib.contextmanager
def alone(path):
    """Let only one start.py install at a time: a second one waits and says so."""
    with path.open("rb") as file:
        # The lock leaves no file behind. On Windows nobody can read a locked part, so it's a byte
        # far beyond the end.
        file.seek(2**30)
        os.set_inheritable(file.fileno(), True)
        waiting = False
        while not lock(file):
            if not waiting:
                print("Another start.py is installing here: waiting for it to end ...", flush=True)
            waiting = True
            time.sleep(0.5)
        yield


def lock(file):
    """Lock an open file for this process, if nobody else has; return whether that worked."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # any other error: a file system without locks
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


if __name__ == "__main__":
    print(json.dumps(describe()))
