"""VS Code (pyright) and JupyterLab (jedi) show everything public: signature, docstring, type."""

import importlib
import inspect
import json
import pkgutil
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
    """Return the names that a module offers: those it lists, or else those it defines."""
    own = [name for name, value in vars(module).items() if is_defined_in(module.__name__, value)]
    return getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]


def is_defined_in(module, value):
    return getattr(value, "__module__", None) == module


@pytest.fixture(params=MODULES, ids=lambda name: f"course_utils{name}")
def module(request):
    return importlib.import_module(f"course_utils{request.param}")


def test_everything_public_says_how_it_is_called_and_what_it_does(module):
    for name in public(module):
        value = getattr(module, name)
        assert len(inspect.getdoc(value)) > 20, name
        for function in functions(value):
            types = typing.get_type_hints(function)
            untyped = {*inspect.signature(function).parameters, "return"} - {*types, "self"}
            assert not untyped, f"{name}: {function.__name__} has no types for {untyped}"


def functions(value):
    """Return a function itself, or a class's own public methods."""
    if not inspect.isclass(value):
        return [value] if inspect.isfunction(value) else []
    own = [one for one in vars(value).values() if inspect.isfunction(one)]
    return [
        one
        for one in own
        if is_defined_in(value.__module__, one) and not one.__name__.startswith("_")
    ]


def test_no_module_is_in_the_way_of_a_name():
    """Importing a module binds it to its name in the package, and replaces anything there."""
    for package in [course_utils, *map(importlib.import_module, packages())]:
        modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
        assert not modules & set(getattr(package, "__all__", [])), package.__name__


def packages():
    walk = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    return [info.name for info in walk if info.ispkg]


@pytest.mark.slow
@pytest.mark.patient
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
@pytest.mark.patient
def test_jedi_finds_what_python_has(module):
    project = jedi.Project(ROOT)
    for name in public(module):
        source = f"from {module.__name__} import {name}\n{name}"
        value = getattr(module, name)
        (found,) = jedi.Script(source, project=project).infer(2, len(name))
        assert found.type != "module", name
        assert inspect.getdoc(value) in (found.docstring(raw=True), inspect.getdoc(type(value)))
        if fields := getattr(value, "_fields", ()):  # jedi doesn't know how to make one
            source = f"from {module.__name__} import {name}\ndef f(x: {name}):\n    x."
            offered = {one.name for one in jedi.Script(source, project=project).complete()}
            assert {*fields} <= offered
            continue
        (shown,) = jedi.Script(f"{source}(", project=project).get_signatures()
        assert [p.name for p in shown.params] == list(inspect.signature(value).parameters), name
        returned = {one.name for one in found.execute()}
        assert returned or returns(value) in (None, type(None)), name


def returns(value):
    return typing.get_type_hints(value).get("return") if inspect.isfunction(value) else None


# ------------------------------------------------------------------------------------ VS Code


@pytest.mark.slow
@pytest.mark.patient
def test_pyright_resolves_every_public_name(tmp_path):
    """It's a function with its types (a check is an Exercise), and not a module or Unknown."""
    pytest.importorskip("basedpyright", reason="only .ci/run installs the type checker")
    names, lines = [], []
    for suffix in MODULES:
        module = importlib.import_module(f"course_utils{suffix}")
        for name in public(module):
            names.append((name, getattr(module, name)))
            lines.append(f"from {module.__name__} import {name}\nreveal_type({name})")
    file = tmp_path / "lesson.py"
    file.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--outputjson"]
    run = subprocess.run([*command, file], cwd=ROOT, capture_output=True, text=True)
    shown = [one["message"] for one in json.loads(run.stdout)["generalDiagnostics"]]
    for (name, value), message in zip(names, shown, strict=True):
        start = (
            "type[" if inspect.isclass(value) else "(" if inspect.isfunction(value) else "Exercise"
        )
        assert message.startswith(f'Type of "{name}" is "{start}'), message
        assert "Unknown" not in message
