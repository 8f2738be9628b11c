"""Python imports a module of this name when it starts: block the network, as pytest's process does.

The folder is put first on PYTHONPATH by `conftest.py`. If another sitecustomize would have been
found without it (some Linux distributions have one), that one is run as well.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import no_network  # noqa: F401 - importing it is what blocks

here = Path(__file__).resolve().parent
others = [folder for folder in sys.path if Path(folder).resolve() != here]
spec = PathFinder.find_spec("sitecustomize", others)
if spec is not None and spec.loader is not None:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
