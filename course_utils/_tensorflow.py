"""Start TensorFlow and Keras, in one place, or say in one sentence why they do not start."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before the start: no chatter from C++

try:
    import keras
    import tensorflow as tf
except ImportError as error:  # pragma: no cover - depends on the machine
    raise ImportError(
        f"TensorFlow could not be loaded ({error}). Install what the course needs with `python "
        "start.py` in the course's folder, or `pip install tensorflow` in your own environment."
    ) from error

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Keras runs on {keras.backend.backend()!r} here, and the course needs TensorFlow. Remove "
        "KERAS_BACKEND from the environment (or set it to 'tensorflow') and restart Python."
    )

__all__ = ["keras", "tf"]
