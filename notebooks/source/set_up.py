# @title Set-up: run this cell first (Shift + Enter). You don't need to unfold it.
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

HOSTED = ""  # the course's address, for when Colab doesn't know where this notebook is from
ORIGIN = r'github(?:\.com)?/([^/\s"]+/[^/\s"]+)/blob/([^\s"]+?)/(?:notebooks/[^\s"]*)?[^/\s"]+ipynb'
PACKAGE = "course_utils/__init__.py"
GET = 'git init -q; git fetch -q --depth=1 "$0" "$1"; git checkout -q FETCH_HEAD'


def addresses():
    """Yield where the course is on the web, and its version: this notebook's origin comes first."""
    known = ""
    with suppress(Exception):  # Colab knows which notebook is open, but doesn't document this,
        host = os.environ.get("COLAB_JUPYTER_IP", "172.28.0.12")
        colab = http.client.HTTPConnection(host, 9000, timeout=5)
        colab.request("GET", "/api/sessions")
        known += colab.getresponse().read().decode()
    with suppress(Exception):  # and of which one it's a copy
        from google.colab import _message

        notebook = _message.blocking_request("get_ipynb", timeout_sec=10)["ipynb"]
        known += json.dumps(notebook["metadata"])
    for name, path in re.findall(ORIGIN, unquote(unquote(known))):
        parts = path.split("/")  # a branch, whose name may have slashes; then perhaps a folder
        for length in range(len(parts), 0, -1):
            yield f"https://github.com/{name}", "/".join(parts[:length])
    if HOSTED:
        address, _, branch = HOSTED.partition("/tree/")
        yield address, branch or "HEAD"


def courses():
    """Yield copies of the course: near this notebook; in Colab's files; on the web; in Drive."""
    yield from (p for p in (Path.cwd(), *Path.cwd().parents) if list(p.glob(PACKAGE)))
    if "google.colab" in sys.modules:
        files = {Path.cwd(), Path("/content")}
        for top in files:
            yield from below(top, os.path.ismount)
        for source in addresses():
            folder = tempfile.mkdtemp()
            git = subprocess.run(["sh", "-ec", GET, *source], cwd=folder, capture_output=True)
            print(git.stderr.decode(errors="replace"), end="")
            yield from below(folder)
        for top in files:
            yield from below(top)


def below(top, skip=lambda path: False):
    """Yield copies of the course in a folder, at any depth; a .zip that holds one is unpacked."""
    for folder, inside, files in os.walk(top):
        inside[:] = [name for name in inside if not skip(Path(folder, name))]
        if Path(folder, PACKAGE).is_file():
            yield Path(folder)
        for archive in [Path(folder, name) for name in files if name.endswith(".zip")]:
            with suppress(Exception), zipfile.ZipFile(archive) as opened:  # it may be cut off
                if any(name.endswith(PACKAGE) for name in opened.namelist()):
                    opened.extractall(unpacked := tempfile.mkdtemp())
                    yield from below(unpacked)


if not find_spec("course_utils"):
    sys.path.append(str(next(courses(), "")))
if not find_spec("course_utils"):
    raise RuntimeError(
        "The course wasn't found. If the network failed, run this cell again; otherwise get the "
        "course as a .zip file, drop it on Colab's list of files (the folder symbol on the left), "
        "wait until it's uploaded, and run this cell again."
        if "google.colab" in sys.modules
        else "course_utils is missing: open this notebook with `python start.py`."
    )
if "google.colab" in sys.modules:
    from course_utils.apps.colab import install_the_rest

    install_the_rest()
print("Ready.")
