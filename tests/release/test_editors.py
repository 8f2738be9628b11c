"""VS Code (pyright) and JupyterLab (jedi) show everything public: signature, docstring, type."""

import importlib
import importlib.util
import inspect
import json
import pkgutil
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import jedi
import pytest

import course_utils

ROOT = Path(__file__).resolve().parents[2]
MODULES = ["", ".checks", ".display", ".evaluation", ".progress", ".widgets"]


def public(module):
    """The names that a module offers: those it lists, or else what is defined in it."""
    own = [name for name, value in vars(module).items() if is_defined_in(module, value)]
    return getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]


def is_defined_in(module, value):
    return getattr(value, "__module__", None) == module.__name__


@pytest.fixture(params=MODULES, ids=lambda name: f"course_utils{name}")
def module(request):
    return importlib.import_module(f"course_utils{request.param}")


def test_everything_public_says_how_it_is_called_and_what_it_does(module):
    for name in public(module):
        value = getattr(module, name)
        assert len(inspect.getdoc(value)) > 20, name
        function = value.__init__ if inspect.isclass(value) else value
        if not inspect.isfunction(function):
            continue
        signature = inspect.signature(value)
        assert "args" not in signature.parameters, f"{name} is hidden behind a decorator"
        named = {p for p in signature.parameters if p not in ("_", "self")}
        assert named | {"return"} <= {*function.__annotations__, "return"}, name
        assert typing.get_type_hints(function)["return"] is not None


def test_no_module_is_in_the_way_of_a_name():
    """Python binds a module to its name in the package when it is imported, over anything there."""
    for package in [course_utils, *map(importlib.import_module, packages())]:
        modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
        assert not modules & set(getattr(package, "__all__", [])), package.__name__


def packages():
    walk = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    return [info.name for info in walk if info.ispkg]


def test_names_are_functions_whatever_was_imported_before():
    code = (
        "import importlib, pkgutil, types, course_utils\n"
        "for info in pkgutil.walk_packages(course_utils.__path__, 'course_utils.'):\n"
        "    if not info.name.endswith('__main__'):\n"
        "        importlib.import_module(info.name)\n"
        "from course_utils import *\n"
        "for name in course_utils.__all__:\n"
        "    assert isinstance(globals()[name], types.FunctionType), name\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# --------------------------------------------------------------------------------- JupyterLab


def test_completion_offers_public_names_and_nothing_else():
    offered = jedi.Interpreter("course_utils.", [{"course_utils": course_utils}]).complete()
    assert [one.name for one in offered] == sorted(course_utils.__all__)
    assert dir(course_utils) == sorted(course_utils.__all__)


@pytest.mark.slow
def test_jedi_finds_what_python_has(module):
    project = jedi.Project(ROOT)
    for name in public(module):
        source = f"from {module.__name__} import {name}\n{name}"
        value = getattr(module, name)
        (found,) = jedi.Script(source, project=project).infer(2, len(name))
        assert found.type != "module", name
        assert inspect.getdoc(value) in (found.docstring(raw=True), inspect.getdoc(type(value)))
        (signature,) = jedi.Script(f"{source}(", project=project).get_signatures()
        shown = [p.name for p in signature.params]
        assert shown == list(inspect.signature(value).parameters), name
        returned = {one.name for one in found.execute()}
        assert returned or returns(value) in (None, type(None)), name


def returns(value):
    return typing.get_type_hints(value).get("return") if inspect.isfunction(value) else None


# ------------------------------------------------------------------------------------ VS Code


@pytest.mark.slow
def test_pyright_resolves_every_public_name(tmp_path):
    pytest.importorskip("pyright")
    from tools.typecheck import pyright

    lines, names = [], []
    for suffix in MODULES:
        module = importlib.import_module(f"course_utils{suffix}")
        for name in public(module):
            lines.append(f"from {module.__name__} import {name}\nreveal_type({name})")
            names.append((name, getattr(module, name)))
    file = tmp_path / "editor.py"
    file.write_text("\n".join(lines), encoding="utf-8")
    run = pyright("--outputjson", file, capture_output=True, text=True)
    found = json.loads(run.stdout)["generalDiagnostics"]
    assert [one["message"] for one in found if one["severity"] != "information"] == []
    assert len(found) == len(names)
    for one, (name, value) in zip(found, names, strict=True):
        kind = (
            "type[" if inspect.isclass(value) else "(" if inspect.isfunction(value) else "Exercise"
        )
        assert one["message"].startswith(f'Type of "{name}" is "{kind}'), one["message"]
        assert "Unknown" not in one["message"], one["message"]
