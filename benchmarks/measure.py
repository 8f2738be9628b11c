"""What compare.py runs in the peers' environment: one network, or one call, per process.

    python measure.py timing NETWORK       everything warm, in one process, in turns
    python measure.py once LIBRARY METHOD NETWORK      the first call and the second one
    python measure.py growth IMAGES SAMPLES            the same for our SmoothGrad, of any size

Results are written to stdout as lines that begin with @, in JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import psutil
from peers import LIBRARIES, SAMPLES, Task, make_task, ways

BATCHES = (1, 2, 4, 8, 10, 16, 25, 50)  # SmoothGrad's own: 10, and on a GPU 50
QUIET = 0.1  # a call counts as undisturbed if others had less of the processors than this


def report(**values) -> None:
    """Print one result as a line that compare.py recognizes."""
    print("@" + json.dumps(values), flush=True)


def limits(task: Task) -> dict[tuple[str, str], Callable]:
    """Return the bare compiled passes that every method needs, at several batch sizes."""
    import tensorflow as tf

    from course_utils import score_model

    scores = score_model(task.model)
    pictures = tf.TensorSpec((None, *task.x.shape[1:]))
    forward = tf.function(lambda x: scores(x, training=False), [pictures])

    @tf.function(input_signature=[pictures, tf.TensorSpec([None], tf.int32)])
    def gradient(x, c):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.gather(scores(x, training=False), c, batch_dims=1)
        return tape.gradient(score, x)

    found = {}
    for batch in BATCHES:
        x = tf.constant(np.repeat(task.x, batch, axis=0))
        c = tf.fill([batch], task.c)
        found["limit", f"forward {batch}"] = lambda x=x: forward(x)
        found["limit", f"gradient {batch}"] = lambda x=x, c=c: gradient(x, c)
    return found


def busy_seconds() -> float:
    """Return how long all processors have been busy in total, with any program."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0)


class Call(NamedTuple):
    """One call: its seconds, its processor seconds, and the others' share of the processors."""

    seconds: float
    cpu: float
    others: float


def time_one(run: Callable) -> Call:
    """Run a function once, and time it."""
    cores = psutil.cpu_count()
    busy, own, start = busy_seconds(), time.process_time(), time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    own, busy = time.process_time() - own, busy_seconds() - busy
    return Call(seconds, own, max(0.0, busy - own) / (cores * seconds))


def timing(network: str, repeats: int, methods: list[str]) -> None:
    """Report how long each library's methods take when warm, and whether the maps agree."""
    task = make_task(network)
    # Ours gets its own network with the same weights: opening it adds to its layers' record of
    # their calls, which some of the others can't read.
    task_ours = make_task(network)
    runs, our_maps = {}, {}
    for library in LIBRARIES:
        try:
            found = ways(library, task_ours if library == "ours" else task)
        except Exception as error:
            report(kind="missing", library=library, why=f"{type(error).__name__}: {error}")
            continue
        for method in methods:
            way = found[method]
            try:
                result = np.squeeze(np.asarray(way.run()))  # and warm from now on
                other = np.squeeze(np.asarray(way.raw())) if way.raw else result
            except Exception as error:
                why = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                report(kind="failed", library=library, method=method, why=why)
                continue
            if library == "ours":
                our_maps[method] = result
            mine = np.squeeze(np.asarray(way.like(our_maps[method])))
            raw = (
                np.corrcoef(other.ravel(), our_maps[method].ravel())
                if (other.shape == our_maps[method].shape)
                else np.full((2, 2), np.nan)
            )
            report(
                kind="map",
                network=network,
                library=library,
                method=method,
                raw=float(raw[0, 1]),
                like=float(np.corrcoef(other.ravel(), mine.ravel())[0, 1]),
                note=way.note,
            )
            runs[library, method] = way.run
    bare = limits(task_ours)
    for run in bare.values():
        run()
    runs |= bare

    seen: dict[tuple[str, str], list[Call]] = {key: [] for key in runs}
    for turn in range(2 * repeats):  # in turns: whatever changes meanwhile affects all alike
        for key, run in runs.items():
            calls = seen[key]
            quiet = sum(call.others < QUIET for call in calls)
            # Repeat disturbed calls, but not long ones.
            if turn < repeats or (quiet < repeats and calls[-1].seconds < 5):
                calls.append(time_one(run))
    for (library, method), all_calls in seen.items():
        calls = sorted(all_calls, key=lambda call: call.others)[:repeats]  # the least disturbed
        report(
            kind="time",
            network=network,
            library=library,
            method=method,
            seconds=statistics.median(call.seconds for call in calls),
            fastest=min(call.seconds for call in all_calls),
            cpu=statistics.median(call.cpu for call in calls),
            others=statistics.median(call.others for call in calls),
            calls=len(calls),
        )


def once(run: Callable, **what) -> None:
    """Report the first call and the second; from @ready to the end, our parent watches RSS."""
    report(kind="ready")
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    report(kind="once", **what, first=first, second=time_one(run).seconds)


def main() -> None:
    """Measure what the command line asks for, in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["timing", "once", "growth"])
    parser.add_argument("arguments", nargs="+")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--methods", nargs="+", default=["vanilla", "Grad-CAM", f"SmoothGrad-{SAMPLES}"]
    )
    options = parser.parse_args()
    if options.what == "timing":
        timing(options.arguments[0], options.repeats, options.methods)
    elif options.what == "once":
        library, method, network = options.arguments
        way = ways(library, make_task(network))[method]
        once(way.run, library=library, method=method, network=network)
    else:
        from course_utils import smoothgrad

        images, samples = map(int, options.arguments)
        task = make_task("embedded")
        x = np.repeat(task.x, images, axis=0)
        once(
            lambda: smoothgrad(task.model, x, task.c, samples=samples),
            library="ours",
            method="SmoothGrad",
            network="embedded",
            images=images,
            samples=samples,
            given=int(2 * x.nbytes),  # the inputs and the result, which the caller keeps
        )


if __name__ == "__main__":
    main()
