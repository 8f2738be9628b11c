"""Where a warm SmoothGrad of 50 samples spends its time, on the embedded network.

    python benchmarks/parts.py          half a minute; in the course's own environment

It shows how far from the limit it is, and why: the network's own passes, in SmoothGrad's batches;
the noise; adding up; and SmoothGrad itself, which draws the noise while the network works. The
parts are timed in turns. Each line has the median of 9 rounds, its range, and its ratio to the
first line, round by round. Last, what a call of Grad-CAM costs on top of its compiled function.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from measure import limits
from peers import Task, make_task

from course_utils import grad_cam, smoothgrad, vanilla_gradients
from course_utils.attribution import normal
from course_utils.network.open import opened
from course_utils.network.run import batch_of
from course_utils.network.tensorflow import keras, tf

SAMPLES, ROUNDS = 50, 9


def main() -> None:
    """Time the parts of a SmoothGrad one by one, and print them."""
    task = make_task("embedded")
    bare, x, c = limits(task), task.x, task.c
    batch = batch_of(x.shape)
    batches = np.split(np.arange(SAMPLES), range(batch, SAMPLES, batch))
    maps = normal(0, batches[0], x.shape[1:])

    def each(run) -> None:
        for k in batches:
            run(k)

    parts = {
        f"the bare gradient, in batches of {min(batch, SAMPLES)}": lambda: each(
            lambda k: bare["limit", f"gradient {len(k)}"]()
        ),
        "drawing the noise": lambda: each(lambda k: normal(0, k, x.shape[1:])),
        "adding up": lambda: each(lambda k: tf.reduce_sum(tf.cast(maps, tf.float64), axis=0)),
        "SmoothGrad": lambda: smoothgrad(task.model, x, c, samples=SAMPLES),
        "a vanilla gradient": lambda: vanilla_gradients(task.model, x, c),
        "a Grad-CAM": lambda: grad_cam(task.model, x, c),
    }
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for turn in range(ROUNDS + 1):
        for name, run in parts.items():
            start = time.perf_counter()
            run()
            if turn:  # the first one warms up
                seconds[name].append(time.perf_counter() - start)
    first = next(iter(seconds.values()))
    if tf.config.list_logical_devices("GPU"):
        print("On a GPU. Target: SmoothGrad in at most 1.3 times the first line.\n")
    else:
        print("On a processor. Target: SmoothGrad in at most 1.08 times the first line.")
        print("The GPU's targets were skipped: TensorFlow sees no GPU on this machine.\n")
    print("| | ms | range | of the first line |\n| --- | --- | --- | --- |")
    for name, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(values, first, strict=True))
        low, middle, high = (1e3 * f(values) for f in (min, statistics.median, max))
        print(f"| {name} | {middle:.1f} | {low:.1f} to {high:.1f} | {ratio:.3f} |")
    print(f"\nA warm Grad-CAM takes {overhead(task):.2f} ms more than its compiled function alone.")
    print("Target: at most 0.5 ms.")


def overhead(task: Task, pairs: int = 300) -> float:
    """Return how much longer a call takes than its compiled function, as a median in ms."""
    model = keras.models.clone_model(task.model)  # for which nothing else has been compiled
    grad_cam(model, task.x, task.c)
    [compiled] = opened(model).compiled.values()
    x, c = tf.constant(task.x), tf.one_hot([task.c], 1000)
    differences = []
    for _ in range(pairs):
        times = [time.perf_counter()]
        for run in (lambda: np.asarray(compiled(x, c)), lambda: grad_cam(model, task.x, task.c)):
            run()
            times.append(time.perf_counter())
        differences.append((times[2] - times[1]) - (times[1] - times[0]))
    return 1e3 * statistics.median(differences)


if __name__ == "__main__":
    main()
