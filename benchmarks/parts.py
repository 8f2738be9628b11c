"""Where a SmoothGrad of 50 samples spends its time, on the embedded network, warm.

    python benchmarks/parts.py          half a minute; in the course's own environment

Says how far from the limit it is, and why: the network's own passes, in the batches that SmoothGrad
makes and in the best ones; the noise; and what remains, which is copying, checking and adding up.
The parts are timed in turns, each is the median of 9 rounds.
"""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from course_utils import load_classifier, load_image, smoothgrad
from course_utils.network.tensorflow import tf
from course_utils.gradients import _gradient
from course_utils.smoothgrad import _draw_normal

SAMPLES, BATCH, BEST = 50, 16, 25
ROUNDS = 9


def main() -> None:
    classifier = load_classifier()
    model, x = classifier.model, classifier.prepare(load_image("cat"))
    c = classifier.class_index("tabby")
    gradient = _gradient(model)

    def passes(*sizes):
        batches = [(tf.constant(np.repeat(x, n, axis=0)), tf.fill([n], c)) for n in sizes]

        def run():
            for batch in batches:
                gradient(*batch)

        return run

    def no_network(model, copies, class_index):
        return copies

    def noise():
        one = [np.empty(x.shape[1:], np.float32) for _ in range(os.cpu_count() or 1)]
        with ThreadPoolExecutor(len(one)) as threads:
            list(threads.map(lambda k: _draw_normal(one[k % len(one)], 0, k), range(SAMPLES)))

    full, rest = divmod(SAMPLES, BATCH)
    parts = {
        f"the network alone, in batches of {BEST}": passes(BEST, BEST),
        f"the network alone, in batches of {BATCH} and a rest of {rest}": passes(
            *[BATCH] * full, rest
        ),
        "all but the network: noise, copying, adding up": lambda: smoothgrad(
            model, x, c, samples=SAMPLES, method=no_network
        ),
        "of that, drawing the noise": noise,
        "SmoothGrad": lambda: smoothgrad(model, x, c, samples=SAMPLES),
    }
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for turn in range(ROUNDS + 1):
        for name, run in parts.items():
            start = time.perf_counter()
            run()
            if turn:  # the first one warms up
                seconds[name].append(time.perf_counter() - start)
    print("| | ms a sample |\n| --- | --- |")
    for name, values in seconds.items():
        print(f"| {name} | {1e3 * statistics.median(values) / SAMPLES:.2f} |")


if __name__ == "__main__":
    main()
