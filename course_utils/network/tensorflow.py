"""Start TensorFlow and Keras, in one place, or say in one sentence why they don't start."""

from __future__ import annotations

import contextlib
import os


@contextlib.contextmanager
def _without_chatter():
    """Hide TensorFlow's start-up log from the reader.

    It's a dozen lines that look like errors but aren't, such as "failed call to cuInit" on every
    computer without a GPU. They bypass Python's sys.stderr, so we redirect the file descriptor.
    Set TF_CPP_MIN_LOG_LEVEL=0 to see them, for example if Python itself stops here.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0":
        yield
        return
    try:
        stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a console on Windows
        yield
        return
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(nowhere)
        os.close(stderr)


# TensorFlow has two sets of convolutions for CPUs, and only uses oneDNN's by default on the newest
# processors. On the others, too, a batch's gradients take half the time with it. (If you've made a
# choice, or TensorFlow was imported before, nothing changes.)
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_backend = os.environ.get("KERAS_BACKEND", "tensorflow")
_WRONG_BACKEND = (
    "Keras runs on {!r} here, but the course needs TensorFlow. Remove KERAS_BACKEND from the "
    "environment (or set it to 'tensorflow') and restart Python."
)
if _backend != "tensorflow":
    raise ImportError(_WRONG_BACKEND.format(_backend))

try:
    with _without_chatter():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs now rather than at the first operation
except ImportError as error:  # pragma: no cover - depends on the machine
    remedy = (
        "Install Microsoft's Visual C++ Redistributable (x64), then try again: see docs/windows.md."
        if "DLL load failed" in str(error)
        else "Install what the course needs with `python start.py` in the course's folder, or `pip "
        "install tensorflow` in your own environment."
    )
    raise ImportError(f"TensorFlow could not be loaded ({error}). {remedy}") from error

# float32 means float32. From Ampere on (Colab's L4 and A100) TensorFlow multiplies in TF32 instead,
# with 10 bits of mantissa, and a gradient then differs by up to a third of its largest value. It's
# switched off for the whole process, even if a notebook used TensorFlow before the course.
tf.config.experimental.enable_tensor_float_32_execution(False)

if keras.backend.backend() != "tensorflow":  # chosen in Keras' own settings file
    raise ImportError(_WRONG_BACKEND.format(keras.backend.backend()))

__all__ = ["keras", "tf"]
