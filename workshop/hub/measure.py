"""Measure what a class needs: N students start at once, and each kernel runs lesson 3 to its end.

    sudo python3 workshop/hub/measure.py --environment .venv         classes of 1 to 16
    sudo python3 workshop/hub/measure.py --students 30 --write       one size, kept as CSV
    sudo python3 workshop/hub/measure.py --kernel                    what fills one kernel
    sudo python3 workshop/hub/measure.py --set OMP_NUM_THREADS=1     with a variable set

It makes accounts, so it needs Linux and root: use a machine that you can throw away, and that's
otherwise idle. Everything is on loopback. --machine FOLDER keeps the course, the environment and
the proxy that it installs, some 3 GB, for the next time.

The students are processes that this script drives through the Hub's and the servers' REST API and
the kernels' websockets. The figures don't include what a browser itself loads.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import datetime
import os
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import trial
from trial import Problem, say

RESULTS = Path(__file__).resolve().parent / "results"
HANDED_OUT = "as handed out"
NOTEBOOK = "saliency-course/03_grad_cam.ipynb"
MB = 1e6

# ----------------------------------------------------------------------------------------- memory


class Memory(NamedTuple):
    """The total memory of some processes, in MB.

    Memory that several processes share counts fully in `rss` and by parts in `pss`; `own` is memory
    that doesn't come from a file and isn't shared.
    """

    rss: float
    pss: float
    own: float
    peak_rss: float
    cpu: float  # seconds of processor time so far


def memory_of(pids: list[int]) -> Memory:
    """Return the total memory and processor time of some processes."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError, KeyError):  # it has just ended
            found.append(memory_of_one(pid))
    return (
        Memory(*(sum(column) for column in zip(*found, strict=True))) if found else Memory(*[0] * 5)
    )


def memory_of_one(pid: int) -> Memory:
    """Return the memory and processor time of a process."""
    process = Path("/proc", str(pid))
    rollup = fields(process / "smaps_rollup")
    peak = fields(process / "status")["VmHWM"]
    # The name, the second field, may contain anything: count from its closing bracket.
    ticks = (process / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
    cpu = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return Memory(rollup["Rss"], rollup["Pss"], rollup["Anonymous"], peak, cpu)


def fields(path: Path) -> dict[str, float]:
    """Return the lines `Name: NUMBER kB` of a file in /proc, in MB."""
    lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    return {w[0].rstrip(":"): int(w[1]) * 1024 / MB for w in lines if len(w) == 3 and w[2] == "kB"}


def available() -> float:
    """Return how much memory the machine has left, in MB."""
    return fields(Path("/proc/meminfo"))["MemAvailable"]


def kernels_of(pids: list[int]) -> list[int]:
    """Return the processes that are kernels."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if b"ipykernel" in Path("/proc", str(pid), "cmdline").read_bytes():
                found.append(pid)
    return found


def descendants(pid: int) -> list[int]:
    """Return a process and all those it started."""
    parent = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text(errors="replace")
                parent[int(entry.name)] = int(stat.rsplit(")", 1)[1].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, its in parent.items() if its == one]
    return found


# ------------------------------------------------------------------------------------- one class


class Times(NamedTuple):
    """Seconds after one student's click on "Start"."""

    server: float
    first_map: float
    lesson: float
    cpu_first_map: float  # processor seconds of the student's processes until the first map
    problems: list[str]


async def student(server: trial.Server, uid: int, stay: asyncio.Event, done: asyncio.Semaphore):
    """Do what a student does, without thinking: start, open lesson 3, run all its cells."""
    begin = time.perf_counter()
    await server.start()
    ready = time.perf_counter() - begin
    _, notebook = await server.api("GET", f"contents/{NOTEBOOK}")
    first_map, cpu, problems = None, 0.0, []
    async with server.kernel(NOTEBOOK) as kernel:
        for code in trial.code_cells(notebook["content"]):
            ran = await kernel.run(code)
            if ran.error or "data rate exceeded" in ran.text:
                problems.append(f"{server.name}: {ran.error or ran.text}")
            if ran.has_figure and first_map is None:
                first_map = time.perf_counter() - begin
                cpu = memory_of(trial.processes_of(uid)).cpu
        lesson = time.perf_counter() - begin
        done.release()
        await stay.wait()
    return Times(ready, first_map or lesson, lesson, cpu, problems)


async def a_class(hub: trial.Hub, students: list[trial.Student]) -> dict[str, float]:
    """Let all students begin at once, and measure when the last one has finished."""
    async with trial.session() as session:
        servers = [trial.Server(session, hub, s.name, hub.token) for s in students]
        for server in servers:
            await server.hub("POST", f"/users/{server.name}")
        before = least = available()
        stay, done = asyncio.Event(), asyncio.Semaphore(0)
        work = [
            asyncio.create_task(student(server, s.uid, stay, done))
            for server, s in zip(servers, students, strict=True)
        ]
        waiting = asyncio.gather(*(done.acquire() for _ in work))
        while not waiting.done():
            least = min(least, available())
            for task in work:
                if task.done():  # it failed: students stay until we have measured
                    waiting.cancel()
                    task.result()
            await asyncio.sleep(0.5)
        await asyncio.sleep(3)  # idle, as while they read the next exercise
        after = available()
        pids = [trial.processes_of(s.uid) for s in students]
        kernels = [memory_of(kernels_of(own)) for own in pids]
        everything = [memory_of(own) for own in pids]
        hub_memory = memory_of(
            [p for p in descendants(hub.pid) if not any(p in own for own in pids)]
        )
        stay.set()
        times = await asyncio.gather(*work)
    for problem in sorted({p for t in times for p in t.problems}):
        say(f"  {problem}")
    if any(t.problems for t in times):
        raise Problem("Lesson 3 didn't run to its end without an error: see above.")

    def mean(values) -> float:
        return statistics.fmean(values)

    return {
        "students": len(students),
        "server_last_s": max(t.server for t in times),
        "first_map_median_s": statistics.median(t.first_map for t in times),
        "first_map_last_s": max(t.first_map for t in times),
        "lesson_last_s": max(t.lesson for t in times),
        "cpu_first_map_s": mean([t.cpu_first_map for t in times]),
        "cpu_lesson_s": mean([m.cpu for m in everything]),
        "kernel_rss_mb": mean([m.rss for m in kernels]),
        "kernel_pss_mb": mean([m.pss for m in kernels]),
        "kernel_own_mb": mean([m.own for m in kernels]),
        "kernel_peak_rss_mb": max(m.peak_rss for m in kernels),
        "student_rss_mb": mean([m.rss for m in everything]),
        "student_pss_mb": mean([m.pss for m in everything]),
        "hub_pss_mb": hub_memory.pss,
        "machine_mb": before - after,
        "machine_peak_mb": before - least,
    }


# ------------------------------------------------------------------------------- inside a kernel

STAGES = {
    "the kernel alone": "pass",
    "import course_utils": "import course_utils",
    "import tensorflow": "import course_utils.network.tensorflow",
    "the network loaded": (
        "from course_utils import load_classifier, load_image\nclassifier = load_classifier()"
    ),
    "a picture classified": "classifier.predict(load_image('cat'));",
}


async def a_kernel(hub: trial.Hub, student: trial.Student) -> list[dict[str, float | str]]:
    """Return what is in one kernel's memory after each stage, up to the end of lesson 3."""
    async with trial.session() as session:
        server = trial.Server(session, hub, student.name, hub.token)
        await server.hub("POST", f"/users/{student.name}")
        await server.start()
        _, notebook = await server.api("GET", f"contents/{NOTEBOOK}")
        rows = []
        async with server.kernel(NOTEBOOK) as kernel:
            cells = "\n".join(trial.code_cells(notebook["content"]))
            for stage, code in [*STAGES.items(), ("lesson 3 finished", cells)]:
                ran = await kernel.run(code)
                if ran.error:
                    raise Problem(f"{stage}: {ran.error}")
                memory = memory_of(kernels_of(trial.processes_of(student.uid)))
                own = {"rss_mb": memory.rss, "own_mb": memory.own, "peak_rss_mb": memory.peak_rss}
                rows.append({"stage": stage, **own, "cpu_s": memory.cpu})
        return rows


# ----------------------------------------------------------------------------------------- output


def machine() -> str:
    """Describe the machine in a line, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((w.split(":")[1].strip() for w in lines if w.startswith("model name")), "unknown")
    total = fields(Path("/proc/meminfo"))["MemTotal"] / 1000
    return f"{model}, {os.cpu_count()} cores, {total:.1f} GB"


def write(name: str, rows: list[dict]) -> None:
    """Store rows in results/NAME.csv; they replace those of the same class or stage."""
    path = RESULTS / f"{name}.csv"
    stamp = {"date": datetime.date.today().isoformat(), "machine": machine()}
    rows = [{k: round(v, 1) if isinstance(v, float) else v for k, v in r.items()} for r in rows]
    keys = [key for key in ("setting", "students", "stage") if key in rows[0]]
    kept = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            kept = {tuple(row[k] for k in keys): row for row in csv.DictReader(file)}
    kept |= {tuple(str(row[k]) for k in keys): row | stamp for row in rows}
    RESULTS.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *stamp], lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept.values())
    say(f"Written: {path.name}")


def read(name: str) -> list[dict]:
    """Return the rows of a table of stored figures."""
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        raise Problem(f"There are no figures in {path.name} yet: measure with --write first.")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


COLUMNS = {
    "class": {
        "students": "students at once",
        "server_last_s": "all have a server (s)",
        "first_map_median_s": "first map, median (s)",
        "first_map_last_s": "first map, slowest (s)",
        "lesson_last_s": "all done with lesson 3 (s)",
        "student_pss_mb": "memory per student (MB)",
        "machine_mb": "all students, idle (MB)",
        "machine_peak_mb": "all students, peak (MB)",
    },
    "kernel": {
        "stage": "after",
        "rss_mb": "in memory (MB)",
        "own_mb": "of that, not shared (MB)",
        "cpu_s": "processor time so far (s)",
    },
}


def table(name: str, rows: list[dict]) -> list[str]:
    """Return the lines of a table for the guide."""
    columns = COLUMNS[name]
    if name == "class" and any(row["setting"] != HANDED_OUT for row in rows):
        columns = {"setting": "setting"} | columns

    def cell(value) -> str:
        try:
            return f"{float(value):.0f}" if abs(float(value)) >= 10 else f"{float(value):.3g}"
        except ValueError:
            return str(value)

    lines = [columns.values(), ["---"] * len(columns), *([row[c] for c in columns] for row in rows)]
    return [f"| {' | '.join(map(cell, line))} |" for line in lines]


def sizing(rows: list[dict]) -> tuple[float, float]:
    """Return a and b of memory = a + b x students, in MB: the line through the measured classes.

    Memory counts what the Hub takes, and how little the machine had left while the class worked.
    """
    n = [float(row["students"]) for row in rows]
    used = [float(row["machine_peak_mb"]) + float(row["hub_pss_mb"]) for row in rows]
    b, a = statistics.linear_regression(n, used)
    return a, b


def tables() -> list[list[str]]:
    """Return the guide's tables, from the stored figures."""
    rows = sorted(read("class"), key=lambda row: int(row["students"]))
    handed_out = [row for row in rows if row["setting"] == HANDED_OUT]
    others = [row for row in rows if row["setting"] != HANDED_OUT]
    same_size = [r for r in handed_out if r["students"] in {o["students"] for o in others}]
    found = [table("class", handed_out), table("kernel", read("kernel"))]
    return found + ([table("class", same_size + others)] if others else [])


def tell() -> None:
    """Print the tables and the sizing rule."""
    for lines in tables():
        say("\n".join(lines) + "\n")
    a, b = sizing([row for row in read("class") if row["setting"] == HANDED_OUT])
    say(f"memory = {a:.0f} MB + {b:.0f} MB x students")


def show(row: dict) -> None:
    """Print a row of figures."""
    say(
        "  "
        + ", ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
    )


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, nargs="+", default=[1, 2, 4, 8, 16], metavar="N")
    parser.add_argument("--kernel", action="store_true", help="the stages of one kernel instead")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="variables"
    )
    parser.add_argument(
        "--tables", action="store_true", help="print the stored figures, measure nothing"
    )
    parser.add_argument("--write", action="store_true", help="store the figures in results/")
    parser.add_argument(
        "--environment",
        type=Path,
        help="one with the packages of requirements.txt; it isn't changed",
    )
    parser.add_argument("--machine", type=Path, help="the folder to install into and keep")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(options.students) < 1 or any("=" not in v for v in options.variables):
        parser.error("--students takes numbers of at least 1, --set takes NAME=VALUE")
    return options


def measure(options: argparse.Namespace) -> None:
    """Measure classes of growing size, or one kernel, on this trial machine."""
    folder, python = options.inside, trial.python_of(options.inside / "saliency-course/.venv")
    variables = dict(v.split("=", 1) for v in options.variables)
    settings = (
        f"c.Spawner.environment.update({variables!r})\nc.JupyterHub.active_server_limit = 0\n"
    )
    names = [
        f"trial-{i:02}" for i in range(1, (1 if options.kernel else max(options.students)) + 1)
    ]
    say(f"{machine()}; {'systemd' if trial.has_systemd() else 'no systemd: no memory limit'}")
    with trial.class_of(names, folder, python) as students:
        if options.kernel:
            with trial.running_hub(folder, python, settings) as hub:
                rows = asyncio.run(a_kernel(hub, students[0]))
            for row in rows:
                show(row)
            if options.write:
                write("kernel", rows)
            return
        with trial.running_hub(folder, python, settings) as hub:
            asyncio.run(a_class(hub, students[:1]))  # now all files have been read once
        for n in options.students:
            with trial.running_hub(folder, python, settings) as hub:
                row = asyncio.run(a_class(hub, students[:n]))
            row = {"setting": " ".join(options.variables) or HANDED_OUT, **row}
            show(row)
            if options.write:
                write("class", [row])


def main() -> int:
    """Measure on a machine of its own, or print the stored figures; return the exit status."""
    options = options_of()
    if options.tables:
        tell()
        return 0
    trial.needs_root()
    if options.inside:
        measure(options)
        return 0
    with trial.machine_folder(options.machine) as folder:
        return trial.inside(__file__, folder, trial.make_machine(folder, options.environment))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        sys.exit(f"measure.py: {problem}")
