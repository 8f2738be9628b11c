"""Python imports a module of this name at start-up: block the network, as in pytest's process.

`conftest.py` puts this folder first on PYTHONPATH. If Python would otherwise have found another
sitecustomize (some Linux distributions have one), that one runs as well.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import no_network  # noqa: F401 - importing it does the blocking

here = Path(__file__).resolve().parent
others = [folder for folder in sys.path if Path(folder).resolve() != here]
spec = PathFinder.find_spec("sitecustomize", others)
if spec is not None and spec.loader is not None:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
