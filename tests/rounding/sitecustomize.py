"""Python imports a module of this name at start-up: round differently in this Python."""

import os

import rounding  # noqa: F401 - importing it does it

# And in every Python that this one starts in another folder, such as the kernel of a notebook.
folders = os.environ["PYTHONPATH"].split(os.pathsep)
os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, folders))
