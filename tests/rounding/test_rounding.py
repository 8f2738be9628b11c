"""Does TensorFlow with tests/rounding round differently everywhere, and by as little as it says?

We try it in other processes; in pytest's own, TensorFlow computes as always.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.skipif("rounding" in sys.modules, reason="it is at work already")

# Run everything twice. All numbers are positive: sums don't cancel, so the relative error of a
# result is that of its product.
PROGRAM = """
import json
import keras, numpy as np, tensorflow as tf

def positive(*shape):
    return tf.constant(np.random.default_rng(0).uniform(0.5, 1, shape).astype("float32"))

picture, sequence = positive(1, 8, 8, 3), positive(2, 4, 6)
kernel, deep, volume = positive(3, 3, 3, 5), positive(3, 3, 3, 1), positive(1, 1, 1, 6, 2)
matrix, batch = positive(6, 7), positive(2, 6, 5)
layer = keras.layers.Conv2D(5, 3, use_bias=False)
model = keras.Sequential([keras.Input((8, 8, 3)), layer])
layer.set_weights([kernel])
products = {
    "conv1d": (sequence, lambda s: tf.nn.conv1d(s, volume[0, 0], 1, "SAME")),
    "conv2d": (picture, lambda p: tf.nn.conv2d(p, kernel, 1, "SAME")),
    "conv2d of the kernel": (kernel, lambda k: tf.nn.conv2d(picture, k, 1, "SAME")),
    "conv2d_transpose": (
        picture,
        lambda p: tf.nn.conv2d_transpose(p, kernel[:, :, :1, :3], (1, 8, 8, 1), 1, "SAME"),
    ),
    "conv3d": (sequence, lambda s: tf.nn.conv3d(s[None, None], volume, [1] * 5, "SAME")),
    "depthwise": (picture, lambda p: tf.nn.depthwise_conv2d(p, deep, [1] * 4, "SAME")),
    "depthwise of the kernel": (
        deep, lambda d: tf.nn.depthwise_conv2d(picture, d, [1] * 4, "SAME")
    ),
    "matmul": (sequence[0], lambda s: s @ matrix),
    "matmul in batches": (sequence, lambda s: s @ batch),
    "einsum": (sequence, lambda s: tf.einsum("bij,bjk->bik", s, batch)),
    "raw_ops": (sequence[0], lambda s: tf.raw_ops.MatMul(a=s, b=matrix)),
    "keras.ops": (picture, lambda p: keras.ops.conv(p, kernel)),
    "keras model": (picture, model),
}

def gradient_of(f):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)
    return gradient

def next_numbers():
    return float(tf.random.uniform([])), float(np.random.random())

def seed():
    tf.random.set_seed(3)
    np.random.seed(3)

seed()
expected = next_numbers()
seed()
runs = {}
for name, (x, forward) in products.items():
    for way, f in {"forward": forward, "gradient": gradient_of(forward)}.items():
        graph = tf.function(f, autograph=False)
        compiled = tf.function(f, autograph=False, jit_compile=True)
        for mode, run in {"eager": f, "graph": graph, "XLA": compiled}.items():
            runs[f"{name}, {way}, {mode}"] = [run(x).numpy().tolist() for _ in range(2)]
print(json.dumps([runs, next_numbers() == expected]))
"""


def run_program(*folders: Path):
    paths = os.pathsep.join([os.environ["PYTHONPATH"], *map(str, folders)])
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.patient
def test_every_product_is_rounded_anew_forward_and_backward():
    plain, _ = run_program()
    rounded, random_numbers_are_untouched = run_program(HERE)
    assert random_numbers_are_untouched
    assert plain.keys() == rounded.keys()
    for name, (once, again) in plain.items():
        assert once == again, name
        one, other = np.array(rounded[name])
        error = np.abs(one / np.array(once) - 1).max()
        # 2**-23 more for the rounding of the result itself, which XLA may do in another order. The
        # largest of many errors comes close to 2**-20; none would be far below it by chance.
        assert 2**-22 < error <= 2**-20 + 2**-23, name
        assert 2**-22 < np.abs(one / other - 1).max() <= 2**-19 + 2**-22, name


@pytest.mark.slow
@pytest.mark.patient
def test_it_has_to_come_before_tensorflow():
    program = f"import sys, tensorflow; sys.path.append({str(HERE)!r}); import rounding"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert child.stderr.splitlines()[-1].startswith("ImportError: TensorFlow has been imported")


def test_it_reaches_what_is_started_in_another_folder(tmp_path):
    inner = "import sys; print('rounding' in sys.modules)"
    command, elsewhere = [sys.executable, "-c", inner], str(tmp_path)
    outer = f"import subprocess; subprocess.run({command!r}, cwd={elsewhere!r})"
    child = subprocess.run(
        [sys.executable, "-c", outer],
        cwd=HERE.parent,
        env=os.environ | {"PYTHONPATH": HERE.name},
        capture_output=True,
        text=True,
    )
    assert child.stdout.strip() == "True", child.stderr
