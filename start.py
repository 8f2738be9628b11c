"""Open the course, or test it, on a machine that has Python and nothing else.

    python start.py            open the course in JupyterLab, at lesson 0
    python start.py check      is everything here? (versions, and the cat classified)
    python start.py playground open the playground: your picture, any class, all methods
    python start.py test       run the tests
    python start.py workshop   for instructors: run sheets, slides, grading, offline kits

What follows is passed on to JupyterLab, the check, Voila, pytest or the workshop's commands:

    python start.py --no-browser --port 8899
    python start.py test -x tests

The first run makes an environment of its own, in the folder .venv, and needs the internet for some
minutes. Later runs start at once and need none. To undo everything, delete the folder .venv. Where
an offline kit was unpacked, its folder wheels is here, and the first run needs no internet either.
"""

import hashlib
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

# An old Python shall get as far as the sentence that names a newer one. So this file keeps to the
# standard library, and to a language that Python 3.6 understands.

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MARKER = VENV / "saliency-course.json"  # says that this script made the folder, and how far it got
LESSON = "notebooks/00_start_here.ipynb"
PLAYGROUND = "notebooks/playground.ipynb"
INPUTS = ("requirements.txt", "pyproject.toml")  # when one of these changes, install again
WHEELS = "wheels"  # in an offline kit: all packages, for one kind of computer and one Python
KIT = "kit.json"  # in that folder: for which

OLDEST, NEWEST = (3, 10), (3, 13)
PLATFORMS = ("linux-x86_64", "linux-aarch64", "win-amd64", "macosx-arm64")  # of TensorFlow's wheels
DISK_SPACE = 4e9  # bytes; a finished .venv takes up to 2.9e9
# Windows refuses paths of 260 characters and more; TensorFlow's longest, inside .venv, has 201.
LONGEST_WINDOWS_ROOT = 259 - 201 - 1


class StartError(Exception):
    """What stands in the way, in one sentence for the person who ran this script."""


def say(text):
    print(text, flush=True)


# ----------------------------------------------------------------- is this Python good for it?


def describe():
    """The facts about the running interpreter that decide whether TensorFlow can be installed."""
    if platform.system() == "Darwin":  # a universal Python says universal2: what it runs as counts
        kind = f"macosx-{platform.machine()}"
    else:
        kind = sysconfig.get_platform()
    return {
        "version": list(sys.version_info[:2]),
        "implementation": platform.python_implementation(),
        "bits": struct.calcsize("P") * 8,
        "platform": kind,
        "musl": "musl" in (sysconfig.get_config_var("SOABI") or ""),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }


def problem(facts):
    """One sentence on why the course cannot run on the interpreter `describe` saw, or None."""
    version = tuple(facts["version"])
    this = "This is {} {}.{}".format(facts["implementation"], *version)
    wanted = "the ordinary 64-bit Python {}.{} from python.org".format(*NEWEST)
    with_it = (
        "py -{}.{} start.py" if facts["platform"].startswith("win") else "python{}.{} start.py"
    )
    again = "and run: " + with_it.format(*NEWEST)

    if not OLDEST <= version <= NEWEST:
        return "{}, and the course runs on Python {}.{} to {}.{}: install {} beside it, {}".format(
            this.replace("CPython", "Python"), *OLDEST, *NEWEST, wanted, again
        )
    if facts["implementation"] != "CPython":
        return f"{this}, for which there is no TensorFlow: install {wanted}, {again}"
    if facts["bits"] != 64:
        return (
            f"This is a 32-bit Python, for which there is no TensorFlow: install {wanted}, {again}"
        )
    if facts["free_threaded"]:
        return (
            "This is the free-threaded build of Python, for which there is no TensorFlow: "
            f"install {wanted}, {again}"
        )
    if facts["platform"] == "macosx-x86_64":
        return (
            "TensorFlow no longer comes for Macs with an Intel processor: take the course on Colab "
            f"(see README.md); and if this Mac has an Apple processor, install {wanted}, {again}"
        )
    if facts["platform"] == "win-arm64":
        return (
            "There is no TensorFlow for the ARM64 build of Python: install the 64-bit build for "
            f"Intel and AMD processors, which Windows on ARM runs as well, {again}"
        )
    if facts["musl"]:
        return (
            "There is no TensorFlow for Linux systems built on musl, such as Alpine: "
            "use a Debian or Ubuntu container, or take the course on Colab (see README.md)"
        )
    if facts["platform"] not in PLATFORMS:
        return (
            "There is no TensorFlow for {}: take the course on Colab (see README.md), "
            "or on a 64-bit Windows, Linux or Apple machine".format(facts["platform"])
        )
    return None


def read_kit(folder=None):
    """What the offline kit in this folder is for, {"platform": ..., "python": ...}, or None."""
    folder = folder or ROOT / WHEELS
    if not folder.is_dir():
        return None
    try:
        kit = json.loads((folder / KIT).read_text(encoding="utf-8"))
        return {"platform": str(kit["platform"]), "python": str(kit["python"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise StartError(
            f"The folder {WHEELS} here is no complete offline kit: unpack its archive again, or "
            "delete the folder, and the packages will be downloaded"
        ) from None


def kit_problem(facts, kit):
    """One sentence on why the offline kit is not for the interpreter `describe` saw, or None."""
    this = "{}.{}".format(*facts["version"])
    if kit is None or (kit["platform"], kit["python"]) == (facts["platform"], this):
        return None
    sentence = (
        "The packages in the folder {} are for Python {} on {}, and this is Python {} on {}: "
    ).format(WHEELS, kit["python"], kit["platform"], this, facts["platform"])
    if kit["platform"] == facts["platform"]:
        sentence += "install Python {} beside it, or ask".format(kit["python"])
    else:
        sentence += "ask"
    return sentence + (
        f" for the offline kit for this computer, or delete the folder {WHEELS}, and the packages "
        "will be downloaded"
    )


def candidates():
    """Commands that may start another Python, best first."""
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    names = [f"python3.{minor}" for minor in minors]
    if os.name == "nt":
        return [["py", f"-3.{minor}"] for minor in minors] + [[name] for name in names]
    return [[name] for name in [*names, "python3", "python"]]


def find_another(kit=None):
    """The command of a Python on this machine that the course, and the kit, can use, or None."""
    # Asking Windows' launcher for a version that is not there must not make it install that one.
    env = dict(child_environment(os.environ), PYTHON_MANAGER_AUTOMATIC_INSTALL="false")
    for command in candidates():
        if shutil.which(command[0]) is None:
            continue
        try:
            output = subprocess.check_output(
                [*command, str(ROOT / "start.py"), "--describe"],
                env=env,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=60,
            )
            facts = json.loads(output.decode())
            if problem(facts) is None and kit_problem(facts, kit) is None:
                return command
        except (OSError, ValueError, KeyError, subprocess.SubprocessError):
            continue
    return None


# --------------------------------------------------------------------------- the environment


def child_environment(environ):
    """The variables for the environment's own Python: without those that would lead it astray."""
    astray = (
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "__PYVENV_LAUNCHER__",
        "PIP_CONSTRAINT",
        "PIP_NO_DEPS",
        "PIP_PREFIX",
        "PIP_PYTHON",
        "PIP_REQUIREMENT",
        "PIP_ROOT",
        "PIP_TARGET",
        "MPLBACKEND",
        "TF_USE_LEGACY_KERAS",
    )
    env = {name: value for name, value in environ.items() if name not in astray}
    env.update(
        PYTHONNOUSERSITE="1",
        PIP_USER="0",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        JUPYTER_PREFER_ENV_PATH="1",  # .venv's kernel, not one in the home folder
        KERAS_BACKEND="tensorflow",
    )
    return env


def digest(root=ROOT):
    """A digest of everything that decides what belongs into the environment."""
    total = hashlib.sha256()
    for name in INPUTS:
        total.update((root / name).read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def read_marker(path=None):
    """What the marker says, {} for one that cannot be read, None where there is none."""
    try:
        marker = json.loads((path or MARKER).read_text(encoding="utf-8"))
        return marker if isinstance(marker, dict) else {}
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}


def write_marker(ready, python, path=None):
    """Note how far the installation is.

    ready: the digest of what is installed, or None; python: the version it is installed for.
    """
    path = path or MARKER
    half_written = path.with_suffix(".tmp")
    half_written.write_text(json.dumps({"ready": ready, "python": python}), encoding="utf-8")
    half_written.replace(path)  # at one stroke: there is never half a marker


def state(marker, python_version, wanted):
    """What the folder .venv is: foreign, broken, unfinished (or out of date) or ready.

    marker: from `read_marker`; python_version: what .venv's Python says of itself, None where it
    does not run; wanted: from `digest`.
    """
    if marker is None:
        return "foreign"
    if python_version is None or marker.get("python") != python_version:
        return "broken"  # or the system's Python under it was replaced by a newer one
    return "ready" if marker.get("ready") == wanted else "unfinished"


def venv_python_version():
    """'3.12' and the like, or None where .venv has no Python that runs."""
    code = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        output = subprocess.check_output(
            [str(VENV_PYTHON), "-I", "-c", code],
            env=child_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return output.decode().strip()


def current_state():
    """What `state` says of .venv, or absent."""
    if not VENV.is_dir() or not any(VENV.iterdir()):
        return "absent"
    return state(read_marker(), venv_python_version(), digest())


def succeeds(command, quiet=False):
    """Run a command in the course's folder; did it exit with 0?"""
    output = subprocess.DEVNULL if quiet else None
    env = child_environment(os.environ)
    return (
        subprocess.call(
            [str(word) for word in command],
            cwd=str(ROOT),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        == 0
    )


def base_python():
    """The interpreter to make .venv with: this one, unless it is .venv's own."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        return sys.executable
    base = getattr(sys, "_base_executable", sys.executable)
    if base == sys.executable:  # so says Python 3.10 on Linux and macOS, where it is a link
        base = str(Path(sys.executable).resolve())
    return base


def no_venv_sentence(has_apt):
    """What to do where this Python can neither make an environment nor put pip into it."""
    if has_apt:
        return (
            "This Python cannot make an environment with pip in it: run "
            "`sudo apt install python{}.{}-venv`, then the same command again".format(
                *sys.version_info[:2]
            )
        )
    return (
        "This Python cannot make an environment with pip in it: "
        "install the ordinary Python {}.{} from python.org".format(*NEWEST)
    )


NOT_INSTALLED = (
    "The packages could not be installed; the reason stands above this line. If it was the "
    "network, run the same command when there is one: it goes on where this one stopped"
)
NOT_INSTALLED_FROM_KIT = (
    "The packages could not be installed; the reason stands above this line. If a package is "
    f"missing in the folder {WHEELS}, unpack the archive of the offline kit again"
)


def not_installed():
    """What to say when pip fails."""
    return StartError(NOT_INSTALLED if read_kit() is None else NOT_INSTALLED_FROM_KIT)


def pip_install(python):
    """The command with which packages are installed: from the offline kit, where there is one."""
    command = [python, "-m", "pip", "install"]
    if read_kit() is not None:
        command += ["--no-index", "--find-links", ROOT / WHEELS]
    return command


def packages_folder():
    """.venv's site-packages."""
    # As JSON, which is ASCII: no console encoding can garble the path.
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))"
    return Path(json.loads(subprocess.check_output([str(VENV_PYTHON), "-I", "-c", code]).decode()))


def make_environment():
    """Make .venv, so far without pip."""
    VENV.mkdir(exist_ok=True)
    write_marker(None, "{}.{}".format(*sys.version_info[:2]))
    if not succeeds([base_python(), "-m", "venv", "--without-pip", VENV]):
        raise StartError(no_venv_sentence(shutil.which("apt-get") is not None))


def install_pip():
    """Put pip into .venv: Python's own copy or, where Debian left that out, one from its pip."""
    has_pip = [VENV_PYTHON, "-m", "pip", "--version"]
    if succeeds(has_pip, quiet=True):
        return
    if not succeeds([VENV_PYTHON, "-m", "ensurepip", "--default-pip"], quiet=True):
        if not succeeds([base_python(), "-m", "pip", "--version"], quiet=True):
            raise StartError(no_venv_sentence(shutil.which("apt-get") is not None))
        # `pip --python` would do as well, but Ubuntu 22.04's pip is too old to know it.
        if not succeeds([*pip_install(base_python()), "--target", packages_folder(), "pip"]):
            raise not_installed()
    # The first pip that can install a pyproject.toml in place is 21.3; Python 3.10.0 brought 21.2.
    too_old = "import pip, sys; sys.exit(int(pip.__version__.split('.')[0]) < 22)"
    if not succeeds([VENV_PYTHON, "-I", "-c", too_old], quiet=True):
        succeeds([*pip_install(VENV_PYTHON), "--upgrade", "pip"])


def forget_halves(packages):
    """Let pip install again what it was unpacking when it was stopped.

    To pip a package is there as soon as its METADATA is; the file INSTALLER comes last.
    """
    for folder in packages.glob("*.dist-info"):
        if not (folder / "INSTALLER").is_file():
            shutil.rmtree(str(folder))


def install_packages():
    """Install requirements.txt and, from where it lies, the course's own package."""
    forget_halves(packages_folder())
    pip = pip_install(VENV_PYTHON)
    if not succeeds([*pip, "-r", ROOT / "requirements.txt"]):
        raise not_installed()
    # Its build tool has just been installed, so the build needs no environment of its own.
    own = [*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT]
    if not succeeds(own):
        raise not_installed()


def finish_environment():
    """Small files in .venv: where the package lies, and a JupyterLab without distractions."""
    packages = packages_folder()
    # pip wrote the full path of this folder, in UTF-8, where Python on Windows reads the local
    # encoding: with a letter such as é in it Python finds no package or does not even start.
    (packages / "_saliency_course.pth").write_text(os.path.relpath(str(ROOT), str(packages)) + "\n")
    # No question about Jupyter's news, and none of the menus of nbgrader, a tool for the teachers.
    pages = ["@jupyterlab/apputils-extension:announcements", "@jupyter/nbgrader"]
    servers = ["assignment_list", "course_list", "formgrader", "validate_assignment"]
    settings = {
        "labconfig/page_config.json": {"disabledExtensions": dict.fromkeys(pages, True)},
        "jupyter_server_config.json": {
            "ServerApp": {
                "jpserver_extensions": {
                    f"nbgrader.server_extensions.{name}": False for name in servers
                }
            }
        },
    }
    for name, content in settings.items():
        path = VENV / "etc" / "jupyter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


def warnings_before_install(free_space, long_paths, root=ROOT):
    """What may make the installation fail, in sentences."""
    if free_space < DISK_SPACE:
        yield (
            f"Warning: only {free_space / 1e9:.1f} GB are free on this disk, "
            f"and the installation takes about {DISK_SPACE / 1e9:.0f} GB."
        )
    if not long_paths and len(str(root)) > LONGEST_WINDOWS_ROOT:
        yield (
            f"Warning: Windows may find some paths too long. If the installation fails, move this "
            f"folder to one whose path has at most {LONGEST_WINDOWS_ROOT} characters."
        )


def long_paths_work():
    """False on a Windows that refuses paths of 260 characters and more."""
    if os.name != "nt":
        return True
    import winreg

    try:
        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem"
        ) as key:
            return winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


def install(found):
    """Bring .venv to the state ready. found: the state it is in."""
    if found == "foreign":
        raise StartError(
            "There is a folder .venv here which start.py did not make: rename or delete it, "
            "then run the same command again"
        )
    for warning in warnings_before_install(shutil.disk_usage(str(ROOT)).free, long_paths_work()):
        say(warning)
    if found == "broken":
        shutil.rmtree(str(VENV))
    say("1/3 Making an environment of its own for the course (folder .venv) ...")
    if found != "unfinished":
        make_environment()
    python = venv_python_version()
    write_marker(None, python)
    install_pip()
    if read_kit() is None:
        say("2/3 Downloading and installing the packages, about 1 GB: 2 to 10 minutes ...")
    else:
        say(f"2/3 Installing the packages from the folder {WHEELS}, without internet ...")
    install_packages()
    say("3/3 Finishing ...")
    finish_environment()
    write_marker(digest(), python)
    say("The environment is ready. From now on this step is skipped, and no internet is needed.")


# ----------------------------------------------------------------------------------- running


def parse(arguments):
    """The command's name and what is passed on to it."""
    if not arguments or arguments[0].startswith("-"):
        name, rest = "lab", list(arguments)
    else:
        name, rest = arguments[0], list(arguments[1:])
    if name not in ("lab", "check", "playground", "test", "workshop"):
        raise StartError(
            f"the commands are lab, check, playground, test and workshop, not {name!r}: "
            "see `python start.py --help`"
        )
    if rest[:1] == ["--"]:
        del rest[0]
    return name, rest


def command_line(name, rest, is_root=False):
    """What to run in the environment."""
    python = [str(VENV_PYTHON), "-m"]
    if name == "check":
        return [*python, "course_utils", *rest]
    if name == "test":
        return [*python, "pytest", *rest]
    if name == "workshop":
        return [*python, "workshop", *rest]
    if name == "playground":
        return [*python, "voila", str(ROOT / PLAYGROUND), *rest]  # and voila.json is read as well
    lab = [*python, "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    if is_root:  # in a container, say, where there is nobody else
        lab.append("--allow-root")
    if (ROOT / LESSON).is_file():
        lab.append(f"--LabApp.default_url=/lab/tree/{LESSON}")
    return lab + rest


def become(command, folder):
    """Run a command in this one's place: its exit status, and Ctrl-C, are the command's."""
    env = child_environment(os.environ)
    os.chdir(str(folder))
    if os.name != "nt":
        os.execve(command[0], command, env)
    process = subprocess.Popen(command, env=env)  # Windows' exec would return to the prompt at once
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the command got it too, and knows what to do
            continue


def main(arguments):
    if arguments == ["--describe"]:
        say(json.dumps(describe()))
        return 0
    if arguments in (["--help"], ["-h"]):
        say(__doc__.strip())
        return 0
    name, rest = parse(arguments)
    found = current_state()
    kit = None if found == "ready" else read_kit()
    if found == "unfinished" and kit and kit["python"] != venv_python_version():
        found = "broken"  # begun with another Python than the kit is for
    if found in ("absent", "broken"):
        facts = describe()
        obstacle = problem(facts) or kit_problem(facts, kit)
        if obstacle:
            other = find_another(kit)
            if other is None:
                raise StartError(obstacle)
            say(
                "Python {}.{} is not for this {}: going on with {}.".format(
                    *sys.version_info[:2], "offline kit" if kit else "course", " ".join(other)
                )
            )
            command = [shutil.which(other[0]), *other[1:], str(ROOT / "start.py"), *arguments]
            return become(command, Path.cwd())
    if found != "ready":
        install(found)
    if name == "lab":
        say("Opening JupyterLab in the browser. To stop it, press Ctrl-C here.")
    if name == "playground":
        say("Opening the playground in the browser. To stop it, press Ctrl-C here.")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # The check takes names of files, and means them as the person does who typed them.
    folder = Path.cwd() if name == "check" else ROOT
    return become(command_line(name, rest, is_root), folder)


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except StartError as error:
        status = f"start.py: {error}."
    except KeyboardInterrupt:
        say("\nstart.py: stopped. The same command goes on from here.")
        status = 130
    except OSError as error:
        status = f"start.py: {error}."
    sys.exit(status)
