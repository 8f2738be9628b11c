"""Python imports a module of this name when it starts: round differently in this one."""

import os

import rounding  # noqa: F401 - importing it is what does it

# And in every Python that this one starts in another folder, such as the kernel of a notebook.
folders = os.environ["PYTHONPATH"].split(os.pathsep)
os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, folders))
