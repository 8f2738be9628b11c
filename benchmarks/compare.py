"""Time the course's three methods against the limit and against four published libraries.

    python benchmarks/compare.py                 everything: about an hour on two cores
    python benchmarks/compare.py --quick         the embedded network alone: about ten minutes
    python benchmarks/compare.py --write         and keep the tables in benchmarks/

It makes a separate environment for the libraries (Python's venv and pip, the versions in
requirements-course.txt and requirements-peers.txt), about 2.5 GB, in --environment or in a
temporary folder that is deleted afterwards. It needs the internet once, and only Python.

Every library gets the same network and weights, picture, class, noise and number of samples, in the
same TensorFlow with the same settings. Within a process, calls are timed in turns; memory and the
first call are measured in one process each. At the end, you see which targets are met or missed.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NETWORKS = ("embedded", "vgg16")
LIBRARIES = ("ours", "tf-explain", "tf-keras-vis", "PAIR saliency", "Xplique")
METHODS = ("vanilla", "Grad-CAM", "SmoothGrad-50")
# (pictures, samples) of the measurement of growth
SIZES = [(1, 1), (1, 10), (1, 50), (1, 100), (1, 400), (4, 10), (16, 10), (64, 10)]
SETTINGS = {
    # What `import course_utils` sets, for all libraries, whatever they import first.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore",
}


def say(text: str) -> None:
    """Print a line at once, even if the output goes to a file."""
    print(text, flush=True)


# ------------------------------------------------------------------------------- the environment


def environment(folder: Path) -> Path:
    """Make (or complete) the environment, and return its Python. Name the missing peers."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        say(f"Making an environment in {folder} ...")
        venv.create(folder, with_pip=True)
    install(python, "-r", str(HERE / "requirements-course.txt"))
    for line in (HERE / "requirements-peers.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            try:
                install(python, line)
            except RuntimeError as error:
                say(f"{line} could not be installed and is left out ({error}).")
    return python


def install(python: Path, *what: str) -> None:
    """Install packages into the environment of this Python; RuntimeError repeats pip's reason."""
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *what]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise RuntimeError((errors or ["pip failed without saying why"])[-1])


# ---------------------------------------------------------------------------- running, watching


def measure(*arguments: str) -> list[dict]:
    """Run measure.py and return what it reports, with the peak memory since it was ready."""
    command = [sys.executable, str(HERE / "measure.py"), *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | SETTINGS
        )
        memory = Memory(worker.pid)
        reports = []
        for line in worker.stdout:
            if not line.startswith("@"):
                continue
            found = json.loads(line[1:])
            if found["kind"] == "ready":
                memory.begin()
            else:
                reports.append(found)
        worker.wait()
        if worker.returncode:
            errors.seek(0)
            why = (
                errors.read().strip().splitlines() or ["killed, perhaps because memory ran out"]
            )[-1]
            say(f"  {' '.join(arguments)} stopped: {why[:200]}")
    for found in reports:
        if found["kind"] == "once":
            found["peak_mb"] = memory.above_baseline() / 1e6
    return reports


class Memory(threading.Thread):
    """Watch another process's resident memory, every 2 ms, from `begin` to its end."""

    def __init__(self, pid: int):
        import psutil

        super().__init__(daemon=True)
        self.process, self.gone = psutil.Process(pid), psutil.Error
        self.baseline = self.peak = 0

    def begin(self) -> None:
        """Note how much memory the process takes now, and watch it from here on."""
        self.baseline = self.peak = self.process.memory_info().rss
        self.start()

    def run(self) -> None:
        """Look at the process every 2 ms until it's gone; `begin` starts this thread."""
        try:
            while True:
                self.peak = max(self.peak, self.process.memory_info().rss)
                time.sleep(0.002)
        except self.gone:
            pass

    def above_baseline(self) -> int:
        """Return the bytes at the peak beyond those at `begin`."""
        self.join(timeout=5)
        return self.peak - self.baseline


def machine() -> str:
    """Describe the machine in a line, without its name or paths."""
    script = (
        "import tensorflow as tf, keras, numpy\n"
        "print('TensorFlow', tf.__version__ + ', Keras', keras.__version__ + ', NumPy',"
        " numpy.__version__ + ',', len(tf.config.list_physical_devices('GPU')), 'GPUs')"
    )
    versions = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ | SETTINGS
    ).stdout
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory_gb():.0f} GB; {platform.system()}, "
        f"Python {platform.python_version()}; {versions.strip()}; oneDNN on"
    )


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def memory_gb() -> float:
    """Return this computer's memory, in GB."""
    import psutil  # in the environment of the peers

    return psutil.virtual_memory().total / 1e9


# ----------------------------------------------------------------------------------- the targets


def targets(times: list[dict], once: list[dict], growth: list[dict]) -> list[dict]:
    """Compare the measurements on the embedded network with the course's promises."""
    t = {(r["library"], r["method"]): r["seconds"] for r in times if r["network"] == "embedded"}
    per_sample = {
        kind: {int(m.split()[1]): s / int(m.split()[1]) for (_, m), s in t.items() if kind in m}
        for kind in ("forward", "gradient")
    }
    best = min(per_sample["gradient"], key=per_sample["gradient"].get)
    smooth = t["ours", "SmoothGrad-50"] / 50
    rows = []

    def target(
        what: str, value: float | None, limit: float, at_least: bool = False, unit=""
    ) -> None:
        if value is None:
            met = "not measured"
        else:
            met = "met" if (value >= limit if at_least else value <= limit) else "MISSED"
        sign = "at least" if at_least else "at most"
        shown = "" if value is None else f"{value:.3g}{unit}"
        rows.append(
            {"target": what, "limit": f"{sign} {limit:g}{unit}", "measured": shown, "result": met}
        )

    forward1 = t["limit", "forward 1"]
    target("vanilla, one picture, in forward passes", t["ours", "vanilla"] / forward1, 2.8)
    target("Grad-CAM, one picture, in forward passes", t["ours", "Grad-CAM"] / forward1, 1.25)
    target(
        f"SmoothGrad-50, in bare gradients at the best batch size ({best})",
        smooth / per_sample["gradient"][best],
        1.08,
    )
    target(
        "SmoothGrad-50, per sample, in forward passes at the same batch size (10)",
        smooth / per_sample["forward"][10],
        2.8,
    )
    peers = {k[0]: s for k, s in t.items() if k[1] == "SmoothGrad-50" and k[0] != "ours"}
    if peers:
        first = min(peers, key=peers.get)
        target(
            f"SmoothGrad-50, times faster than {first}, the fastest peer",
            peers[first] / t["ours", "SmoothGrad-50"],
            1.15,
            at_least=True,
        )
    for slow in ("tf-keras-vis", "PAIR saliency"):
        ratio = peers[slow] / t["ours", "SmoothGrad-50"] if slow in peers else None
        target(f"SmoothGrad-50, times faster than {slow}", ratio, 10, at_least=True)
    mine = [r for r in once if r["library"] == "ours" and r["network"] == "embedded"]
    working = [r["peak_mb"] for r in mine]
    working += [r["peak_mb"] - r["given"] / 1e6 for r in growth]
    scope = "any number of pictures or samples" if growth else "one picture, up to 50 samples"
    target(
        f"memory above the loaded model, inputs and result, {scope}",
        max(working, default=None),
        700,
        unit=" MB",
    )
    extra = [r["first"] - r["second"] for r in mine]
    target("the first call, longer than a warm one by", max(extra, default=None), 2, unit=" s")
    return rows


# ------------------------------------------------------------------------------------- the tables


def table(rows: list[dict], columns: dict[str, str]) -> str:
    """Return rows as a Markdown table; `columns` maps the rows' keys to headings."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(text(row.get(k, "")) for k in columns) + " |" for row in rows]
    return "\n".join(lines)


def text(value) -> str:
    """Return a value as a cell of a table: three digits, and nothing for NaN."""
    if isinstance(value, float):
        return "" if value != value else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def write_csv(path: Path, rows: list[dict]) -> None:
    """Write rows of results to a table, with five digits per number."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "kind"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})


def summary(results: dict, about: str, command: str) -> str:
    """Return all tables as one Markdown page."""
    times = {(r["network"], r["library"], r["method"]): r for r in results["time"]}
    parts = [
        "# How fast, and how much memory",
        "Made by\n\n    " + command + f"\n\non {datetime.date.today():%d %B %Y}. Machine: {about}.",
        "Every library got the same network and weights, picture, class, noise (15 % of the range) "
        "and TensorFlow settings. Calls were made in turn in one process. A time is the median of "
        "those calls (their number is given) during which other programs used the processors "
        "least; *others* is the share they still had; *CPU s* adds up the time of all cores. Only "
        "ratios carry over to another machine.",
        "## Targets (embedded network)",
        table(
            results["target"],
            {"target": "", "limit": "target", "measured": "measured", "result": ""},
        ),
    ]
    for network in dict.fromkeys(r["network"] for r in results["time"]):
        rows = []
        for method in METHODS:
            for library in LIBRARIES:
                row = times.get((network, library, method))
                if not row:
                    continue
                is_like = {"library": library, "method": method, "network": network}
                found = {}
                for kind in ("map", "once"):
                    match = [r for r in results[kind] if is_like.items() <= r.items()]
                    found |= match[0] if match else {}
                base = times[network, "ours", method]["seconds"]
                rows.append(found | row | {"ratio": row["seconds"] / base})
        parts += [
            f"## {network}, warm",
            table(
                rows,
                {
                    "method": "method",
                    "library": "library",
                    "seconds": "seconds",
                    "cpu": "CPU s",
                    "ratio": "times ours",
                    "calls": "calls",
                    "others": "others",
                    "first": "first call, s",
                    "peak_mb": "peak memory, MB",
                    "raw": "r with our map",
                    "like": "r with our map, turned into its kind",
                    "note": "differs by",
                },
            ),
        ]
        rows = []
        for (n, library, method), row in times.items():
            if n == network and library == "limit" and method.startswith("forward"):
                batch = int(method.split()[1])
                gradient = times[network, "limit", f"gradient {batch}"]["seconds"] / batch
                forward = row["seconds"] / batch
                rows.append(
                    {
                        "batch": batch,
                        "forward": 1e3 * forward,
                        "gradient": 1e3 * gradient,
                        "cpu": 1e3 * times[network, "limit", f"gradient {batch}"]["cpu"] / batch,
                        "ratio": gradient / forward,
                        "others": row["others"],
                    }
                )
        parts += [
            f"## {network}: the limit",
            "Bare compiled passes, the data already in tensors, in milliseconds per picture.",
            table(
                rows,
                {
                    "batch": "batch",
                    "forward": "forward",
                    "gradient": "input gradient",
                    "ratio": "ratio",
                    "cpu": "gradient, CPU",
                    "others": "others",
                },
            ),
        ]
    if results["growth"]:
        rows = [
            r
            | {
                "a_sample": 1e3 * r["second"] / r["images"] / r["samples"],
                "working": r["peak_mb"] - r["given"] / 1e6,
            }
            for r in results["growth"]
        ]
        parts += [
            "## Growth: our SmoothGrad on the embedded network",
            "*Working memory*: the peak above the loaded model, without the inputs and the result.",
            table(
                rows,
                {
                    "images": "pictures",
                    "samples": "samples",
                    "second": "seconds, warm",
                    "a_sample": "ms a sample",
                    "working": "working memory, MB",
                },
            ),
        ]
    gone = [
        f"{r['library']}{' ' + r['method'] if 'method' in r else ''}: {r['why']}"
        for r in results["missing"] + results["failed"]
    ]
    if gone:
        parts += ["## Left out", *dict.fromkeys(gone)]
    return "\n\n".join(parts) + "\n"


# --------------------------------------------------------------------------------------- the run


def main() -> None:
    """Make the environment or use one that's there, then measure in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, help="where to make it, or where it is already")
    parser.add_argument("--repeats", type=int, default=5, help="calls that count (default: 5)")
    parser.add_argument(
        "--quick", action="store_true", help="the embedded network alone, no growth"
    )
    parser.add_argument("--write", action="store_true", help="keep the tables in benchmarks/")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:  # in the environment that has been made
        run(options)
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        try:
            python = environment((options.environment or Path(temporary, "peers")).absolute())
        except RuntimeError as error:
            sys.exit(f"The environment for the comparison could not be made: {error}")
        again = [str(python), str(HERE / "compare.py"), *sys.argv[1:], "--inside"]
        sys.exit(subprocess.run(again).returncode)


def run(options: argparse.Namespace) -> None:
    """Measure all libraries, print what was found, and write the tables if asked to."""
    results: dict[str, list[dict]] = {
        kind: [] for kind in ("time", "map", "once", "growth", "missing", "failed", "target")
    }
    for network in NETWORKS[:1] if options.quick else NETWORKS:
        say(f"{network}: warm, in turns ...")
        for found in measure("timing", network, "--repeats", str(options.repeats)):
            results[found["kind"]].append(found)
        if not any(r["library"] == "limit" for r in results["time"]):
            sys.exit("The course's own methods could not be timed: see the reason above.")
        there = {(r["library"], r["method"]) for r in results["time"] if r["network"] == network}
        say(f"{network}: first call and memory, a process each ...")
        for library in LIBRARIES:
            for method in METHODS:
                if (library, method) in there:
                    results["once"] += measure("once", library, method, network)
        if network == NETWORKS[0] and not options.quick:
            say("growth ...")
            for images, samples in SIZES:
                results["growth"] += measure("growth", str(images), str(samples))
        publish(results, options)


def publish(results: dict[str, list[dict]], options: argparse.Namespace) -> None:
    """Print all tables so far, and keep them if that was asked for."""
    results["target"] = targets(results["time"], results["once"], results["growth"])

    flags = (
        [f"--repeats {options.repeats}"] + ["--quick"] * options.quick + ["--write"] * options.write
    )
    page = summary(results, machine(), f"python benchmarks/compare.py {' '.join(flags)}")
    say("\n" + page)
    if options.write:
        (HERE / "RESULTS.md").write_text(page, encoding="utf-8")
        (HERE / "results").mkdir(exist_ok=True)
        for kind in ("time", "map", "once", "growth", "target"):
            path = HERE / "results" / f"{kind}.csv"
            if results[kind]:
                write_csv(path, results[kind])
            else:  # not measured this time; an older table would belong to another run
                path.unlink(missing_ok=True)
        say(f"Written: {HERE / 'RESULTS.md'}, and the same in CSV in {HERE / 'results'}.")


if __name__ == "__main__":
    main()
