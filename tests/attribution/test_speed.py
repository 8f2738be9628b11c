"""That the methods stay fast and small: traces, memory, and ratios of times.

Times jump on a shared machine, so we only test ratios within one run, of the fastest of several
times. The bounds are wide enough for a busy machine and too tight for a slip in the code. The
strict targets are in benchmarks/compare.py.
"""

from __future__ import annotations

import functools
import gc
import itertools
import math
import subprocess
import sys
import threading
import time
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import CLASSES, SHAPE, conv_model, fill, layers, pictures

from course_utils import grad_cam, integrated_gradients, smoothgrad, vanilla_gradients

METHODS = {
    "vanilla_gradients": vanilla_gradients,
    "integrated_gradients": functools.partial(integrated_gradients, steps=5),
    "grad_cam": grad_cam,
    "smoothgrad": functools.partial(smoothgrad, samples=5),
    "smoothgrad_of_grad_cam": functools.partial(smoothgrad, samples=5, method=grad_cam),
}


# --------------------------------------------------------------------------------------- traces


class Counting(keras.Layer):
    """Change nothing, and count how often Python calls it: never in a compiled function."""

    calls = 0

    def call(self, x):
        Counting.calls += 1
        return x + 0.0


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_nothing_is_traced_again(method):
    """Another class, picture, batch, noise or target takes milliseconds and leaves nothing."""
    image = keras.Input(SHAPE)
    x = Counting()(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    x = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = fill(keras.Model(image, x))
    Counting.calls = 0
    method(model, pictures(1), None)
    calls = Counting.calls
    # Opening the model, comparing it with itself, its scores, and one formula or two.
    assert 0 < calls < 10
    for batch in (1, 2, 5, 70):
        for c in (0, 3, None, np.arange(batch) % CLASSES):
            method(model, pictures(batch, seed=batch), c)
    if getattr(method, "func", None) is smoothgrad:
        for noise, seed, batch_size in itertools.product((0, 0.3), (0, 7), (2, 16)):
            method(model, pictures(2), 1, noise=noise, seed=seed, batch_size=batch_size)
    targets = [lambda s, k=k: k * s[:, 1] for k in range(5)]
    gone = [weakref.ref(target) for target in targets]
    for target in targets:
        method(model, pictures(2), target)
    assert Counting.calls == calls, "the network was traced anew"
    del target, targets
    gc.collect()
    assert [reference() for reference in gone] == [None] * 5


@pytest.mark.patient
@pytest.mark.slow
def test_many_models_bring_no_warnings_onto_the_screen():
    """TensorFlow warns when it traces a function for the fifth time."""
    program = """
import numpy as np
from course_utils import grad_cam, vanilla_gradients
from course_utils.network.tensorflow import keras
for _ in range(8):
    image = keras.Input((8, 8, 3))
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image))
    net = keras.Model(image, keras.layers.Dense(2)(y))
    vanilla_gradients(net, np.ones((1, 8, 8, 3)), 0)
    grad_cam(net, np.ones((1, 8, 8, 3)), 0)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stderr == ""


# -------------------------------------------------------------------------------------- threads


def test_a_method_that_fails_leaves_no_thread_behind():
    def fails(model, inputs, class_index):
        raise RuntimeError("the student's own error")

    model, x = conv_model(), pictures(1)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="own error"):
        smoothgrad(model, x, 0, samples=40, method=fails)
    assert threading.active_count() == before


# --------------------------------------------------------------------------------------- memory

# A fresh Python prints by how many MB each call raises its peak memory.
PEAKS = """
import resource, sys
import keras, numpy as np
from course_utils import load_classifier, load_image, smoothgrad, vanilla_gradients

def rise(call):
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes or kilobytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    call()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit - before)

image = keras.Input((256, 256, 3))
maps = keras.layers.Conv2D(2, 8, strides=8)(image)
model = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(maps)))
x = np.ones((1, 256, 256, 3), np.float32) * np.arange(3, dtype=np.float32)  # 0.8 MB
many = np.tile(x, (200, 1, 1, 1))  # 157 MB
smoothgrad(model, x, 0, samples=32)
rise(lambda: smoothgrad(model, x, 0, samples=600))
rise(lambda: vanilla_gradients(model, many, 0))
rise(lambda: smoothgrad(model, many, 0, samples=2))
classifier = load_classifier()
cats = classifier.prepare([load_image("cat")] * 16)
rise(lambda: smoothgrad(classifier.model, cats, 281, samples=2))
"""


@pytest.mark.patient
@pytest.mark.slow
def test_memory_stays_where_it_is():
    pytest.importorskip("resource", reason="Windows does not tell the peak memory of a process")
    done = subprocess.run(
        [sys.executable, "-c", PEAKS], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    samples, pictures, both, network = map(float, done.stdout.split())
    # The noisy copies would be 472 MB; two batches of 16 were there before.
    assert samples < 60, "memory grows with the number of samples"
    # The maps of all pictures are 157 MB, so there's no second copy of them or of the inputs.
    assert pictures < 157 + 60, "vanilla_gradients keeps more than the maps"
    assert both < 60, "smoothgrad keeps more than the maps and two batches"
    # Measured 440: the feature maps of 16 pictures, and their gradients.
    assert network < 700, "the embedded network needs more than the course promises"


# --------------------------------------------------------------------------------------- ratios


def check_costs(calls: dict, limits: dict, repeats: int) -> None:
    """Check the fastest times of calls: {(call, another): how many times as long, at most}.

    They are timed in turn. Other programs only make them slower, and then they get more turns.
    """
    fastest = dict.fromkeys(calls, math.inf)
    for call in calls.values():
        call()
    for _ in range(4):
        for _ in range(repeats):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                fastest[name] = min(fastest[name], time.perf_counter() - start)
        costs = {(a, b): fastest[a] / fastest[b] for a, b in limits}
        if all(costs[pair] < limits[pair] for pair in limits):
            break
    assert all(costs[pair] < limits[pair] for pair in limits), costs


@pytest.fixture(scope="module")
def passes(classifier):
    """Plain compiled passes, forward and back to the input, without the course's code."""
    network = keras.Model(classifier.model.input, classifier.model.get_layer("logits").output)

    @tf.function(input_signature=[tf.TensorSpec((None, 224, 224, 3))])
    def forward(x):
        return network(x, training=False)

    @tf.function(input_signature=[tf.TensorSpec((None, 224, 224, 3))])
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = network(x, training=False)[:, 281]
        return tape.gradient(score, x)

    return forward, gradient


@pytest.mark.slow
def test_one_picture_costs_little_more_than_its_passes(classifier, cat_inputs, passes):
    forward, gradient = passes
    x = tf.constant(cat_inputs)
    check_costs(
        {
            "forward": lambda: forward(x),
            "gradient": lambda: gradient(x),
            "vanilla": lambda: vanilla_gradients(classifier.model, cat_inputs, 281),
            "cam": lambda: grad_cam(classifier.model, cat_inputs, 281),
        },
        {
            # Measured 1.0 and 1.1. One more forward pass costs over 1.4; an uncompiled one, over 3.
            ("vanilla", "gradient"): 1.35,
            # Measured 1.05: the backward pass ends at the last maps. To the pixels, about 2.
            ("cam", "forward"): 1.5,
        },
        repeats=15,
    )


@pytest.mark.slow
def test_smoothgrad_costs_little_more_than_its_gradients(classifier, cat_inputs, passes):
    _, gradient = passes
    x = tf.constant(np.repeat(cat_inputs, 16, axis=0))
    check_costs(
        {
            "gradients": lambda: [gradient(x) for _ in range(2)],
            "smoothgrad": lambda: smoothgrad(classifier.model, cat_inputs, 281, samples=32),
        },
        {("smoothgrad", "gradients"): 1.4},  # measured 1.0 to 1.1; sample by sample, 2 or more
        repeats=3,
    )
