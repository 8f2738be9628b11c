# @title Set-up: run this cell first (Shift + Enter). You don't need to unfold it.
import http.client
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

HOSTED = ""  # the course's address, for when Colab doesn't know where this notebook is from
# On GitHub: the repository, the version (with slashes, maybe), perhaps a folder, and the lesson.
ORIGIN = (
    r'(?i)github(?:usercontent)?(?:\.com)?/([^/"]+/[^/"]+)/(?:blob/|raw/)?([^"]+?)'
    r'/(?:notebooks/[^"]*)?[^/"]+ipynb'
)
PACKAGE = "course_utils/apps/colab.py"
ARCHIVE = r"(?i)\.(zip|tar\.gz|tgz)$"
GET = """git init -q; export GIT_TERMINAL_PROMPT=0
for version in "$@" HEAD; do
    git fetch -q --depth=1 "$0" "$version" && git checkout -q FETCH_HEAD && echo "$version" && exit
done; exit 1"""


def addresses():
    """Yield where the course is on the web, and its version: this notebook's origin comes first."""
    known = ""
    with suppress(Exception):  # Colab knows which notebook is open, but doesn't document this,
        host = os.environ.get("COLAB_JUPYTER_IP", "172.28.0.12")
        colab = http.client.HTTPConnection(host, 9000, timeout=5)
        colab.request("GET", "/api/sessions")
        known += colab.getresponse().read().decode().replace("\\/", "/")
    with suppress(Exception):  # and of which one it's a copy
        from google.colab import _message

        notebook = _message.blocking_request("get_ipynb", timeout_sec=10)["ipynb"]
        known += json.dumps(notebook["metadata"], ensure_ascii=False)
    for name, version in re.findall(ORIGIN, unquote(unquote(known))):
        yield f"https://github.com/{name}", version
    if HOSTED:
        address, _, version = unquote(HOSTED).partition("/tree/")
        yield address, version


def fetched():
    """Yield folders with what's at these addresses: in that version, or else in the newest."""
    for address, version in addresses():
        parts = version.split("/")  # the last ones may be folders
        versions = ["/".join(parts[:length]) for length in range(len(parts), 0, -1) if version]
        folder = tempfile.mkdtemp()
        git = subprocess.run(["sh", "-c", GET, address, *versions], cwd=folder, capture_output=True)
        if git.returncode:
            print(git.stderr.decode(errors="replace"), end="")
        elif versions and git.stdout == b"HEAD\n":
            print(f"{address} no longer has {version}, so this is its newest version.")
        yield folder


def courses():
    """Yield copies of the course: near this notebook; in Colab's files; on the web; in Drive."""
    yield from (p for p in (Path.cwd(), *Path.cwd().parents) if list(p.glob(PACKAGE)))
    if "google.colab" in sys.modules:
        files = {Path.cwd(), Path("/content")}
        for top in files:
            yield from below(top, os.path.ismount)
        for folder in fetched():
            yield from below(folder)
        for top in files:
            yield from below(top)


def below(top, skip=lambda path: False):
    """Yield copies of the course in a folder, at any depth; archives that hold one are unpacked."""
    for folder, inside, files in os.walk(top):
        inside[:] = [name for name in inside if not skip(Path(folder, name))]
        if Path(folder, PACKAGE).is_file():
            yield Path(folder)
        archives = [Path(folder, name) for name in files if re.search(ARCHIVE, name)]
        for archive in sorted(archives, key=lambda path: -path.lstat().st_mtime):  # newest first
            is_zip = archive.suffix.lower() == ".zip"
            kind = zipfile.ZipFile if is_zip else tarfile.open
            with suppress(Exception), kind(archive) as opened:  # it may be cut off
                names = opened.namelist() if is_zip else opened.getnames()
                if any(name.endswith(PACKAGE) for name in names):
                    safely = {} if is_zip else {"filter": "data"}
                    opened.extractall(unpacked := tempfile.mkdtemp(), **safely)
                    yield from below(unpacked)


def found():
    """Say whether Python can import the course, and not only half of it, or a namesake."""
    with suppress(Exception):
        return bool(find_spec("course_utils.apps.colab"))
    sys.modules.pop("course_utils", None)
    return False


if not found():
    sys.path.insert(0, str(next(courses(), "")))
if not found():
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
