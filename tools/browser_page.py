"""Make the files of "Try it in the browser": the network's weights and its engine, as scripts.

    python -m tools.browser_page 4.22.0      get that version of TensorFlow.js, with npm

A page that was opened from a disk may load its neighbours as scripts only, and may not start a
worker from a file. So tools/site.py writes everything into scripts; site/try/worker.js says how a
page uses them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from course_utils.data_files import data_path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "site" / "try"
VENDOR = SOURCES / "vendor"
SCRIPT_BYTES = 1_200_000  # of weights in one script; a larger array has a script to itself

ENGINE = """\
// Made by tools/browser_page.py. See site/try/worker.js for what the worker understands and says.
var weightFiles = %(files)s;

self.weights = [];

function addWeights(stored) {
  stored.forEach(function (w) {
    var bytes = atob(w.float16), array = new Uint8Array(bytes.length);
    for (var i = 0; i < bytes.length; i++) array[i] = bytes.charCodeAt(i);
    w.float16 = array.buffer;
    self.weights.push(w);
  });
}

function startEngine() {
  var url = URL.createObjectURL(new Blob([%(engine)s], { type: "text/javascript" }));
  var worker = new Worker(url);
  worker.onerror = function (event) { // it didn't even understand the text
    worker.dispatchEvent(new MessageEvent("message", { data: { type: "failed", id: null, sentence:
      "This browser is too old for the network (" + event.message + "). Try a newer one." } }));
  };
  return worker;
}
"""


def write(folder: Path) -> None:
    """Write the scripts into a folder, which may exist, and the licence of what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {
        f"weights-{number}.js": f"addWeights({json.dumps(stored)});\n"
        for number, stored in enumerate(_weights(), start=1)
    }
    parts = [VENDOR / "tf.min.js", SOURCES / "network.js", SOURCES / "worker.js"]
    # Without this name, TensorFlow.js would evaluate a string, which the page's policy forbids.
    texts = ["var regeneratorRuntime;", *(part.read_text(encoding="utf-8") for part in parts)]
    text = "\n".join(texts)
    fillings = {"files": json.dumps(list(scripts)), "engine": json.dumps(text)}
    for name, script in (scripts | {"engine.js": ENGINE % fillings}).items():
        (folder / name).write_text(script, encoding="utf-8", newline="\n")
    shutil.copy(ROOT / "data" / "licenses" / "Apache-2.0.txt", folder)


def _weights() -> list[list[dict]]:
    """Return the network's arrays as the scripts store them, the largest first: a list a script."""
    (path,) = (ROOT / "data" / "weights").glob("*.npz")
    with np.load(data_path(f"weights/{path.name}"), allow_pickle=False) as file:
        arrays = sorted(file.items(), key=lambda item: item[1].nbytes, reverse=True)
    scripts: list[list[dict]] = []
    room = 0
    for name, array in arrays:
        if array.nbytes > room:
            scripts.append([])
            room = SCRIPT_BYTES
        room -= array.nbytes
        data = array.astype("<f2").tobytes()
        stored = {"float16": base64.b64encode(data).decode(), "adler32": zlib.adler32(data)}
        scripts[-1].append({"name": name, "shape": array.shape} | stored)
    return scripts


def fetch(version: str) -> None:
    """Get a version of TensorFlow.js with npm: one file, and a record of where it's from."""
    manifest = VENDOR / "manifest.json"
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    package = f"{entry['package']}@{version}"
    published = json.loads(_npm("view", package, "license", "dist.integrity", "--json"))
    if published["license"] != entry["licence"]:
        raise SystemExit(f"The licence of {package} is {published['license']}: may we pass it on?")
    with tempfile.TemporaryDirectory() as folder:
        _npm("pack", package, "--pack-destination", folder)
        (archive,) = Path(folder).iterdir()
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if published["dist.integrity"] != f"sha512-{base64.b64encode(digest).decode()}":
            raise SystemExit(f"{package} isn't what was published: its digest differs. Try again.")
        with tarfile.open(archive) as members, members.extractfile(entry["file"]) as file:  # type: ignore[union-attr]
            script = file.read()
    (VENDOR / Path(entry["file"]).name).write_bytes(script)
    entry |= {
        "version": version,
        "integrity": published["dist.integrity"],
        "bytes": len(script),
        "sha256": hashlib.sha256(script).hexdigest(),
    }
    manifest.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8", newline="\n")


def _npm(*arguments: str) -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm isn't here: install Node.js, which npm comes with, and try again.")
    run = subprocess.run([npm, *arguments], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"npm {' '.join(arguments)} failed: {run.stderr.strip()}")
    return run.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Say which version of TensorFlow.js: python -m tools.browser_page 4.22.0")
    fetch(sys.argv[1])
