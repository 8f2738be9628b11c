"""Importing this module makes TensorFlow round differently every time, in the running Python.

The result of every convolution and matrix product, forward and backward, in eager mode and in a
graph, is multiplied by 1 + e, with |e| <= 2**-20 and a fresh e for each number of each call. That
is what another GPU, another batch size or another version of cuDNN does to float32, and a little
more. A lesson or a test that fails under it depends on the last digits.

Import it before TensorFlow. `sitecustomize.py`, next to it, does that in every Python started with
this folder on PYTHONPATH, and so in notebook kernels too.
"""

import functools
import re
import sys
from importlib.machinery import PathFinder
from types import SimpleNamespace

SIZE = 2**-20

# All roads lead here: layers, tf.nn, tf.matmul, their gradients and tf.raw_ops.
MODULES = {f"tensorflow.python.ops.gen_{kind}_ops" for kind in ("nn", "math", "linalg")}
PRODUCTS = re.compile(
    r"(conv([23]d)?|depthwiseconv2dnative)(backprop(input|filter))?(v2)?"
    r"|(batch)?matmul(v[23])?|einsum"
)  # without capitals and underscores: conv2d_backprop_input and tf.raw_ops.Conv2DBackpropInput


def rounded(product):
    """Return the same operation with different last digits."""

    @functools.wraps(product)
    def with_other_digits(*args, **kwargs):
        import tensorflow as tf

        y = product(*args, **kwargs)
        if not y.dtype.is_floating:
            return y
        # Without seeds, the operation seeds itself: it uses up nobody's random numbers, and
        # tf.random.set_seed doesn't bring the same e back.
        u = tf.raw_ops.RandomUniform(shape=tf.shape(y), dtype=y.dtype, seed=0, seed2=0)
        # The gradient doesn't see the factor. It gets its own, in its own products.
        return tf.ensure_shape(y + tf.stop_gradient(y * ((2 * u - 1) * SIZE)), y.shape)

    return with_other_digits


def find_spec(name, path, target=None):
    if name not in MODULES:
        return None
    spec = PathFinder.find_spec(name, path)
    load = spec.loader.exec_module

    def load_and_replace(module):
        load(module)
        for key, value in list(vars(module).items()):
            if callable(value) and PRODUCTS.fullmatch(key.replace("_", "").lower()):
                setattr(module, key, rounded(value))

    spec.loader.exec_module = load_and_replace
    return spec


if MODULES & sys.modules.keys():
    raise ImportError("TensorFlow has been imported already. Import rounding first.")
sys.meta_path.insert(0, SimpleNamespace(find_spec=find_spec))
