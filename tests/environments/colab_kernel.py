"""Start a kernel as Colab does: google.colab has been imported before the first cell runs."""

import sys
import types

sys.path.pop(0)  # this file's folder: the kernel must not find the files in it

import google

colab = types.ModuleType("google.colab")
colab.files = types.ModuleType("google.colab.files")  # lesson 7 would ask it to upload a file
google.colab = sys.modules["google.colab"] = colab
sys.modules["google.colab.files"] = colab.files

from ipykernel.kernelapp import launch_new_instance  # noqa: E402

launch_new_instance()
