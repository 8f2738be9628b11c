"""Find the names that a notebook's cells define, and those that they use."""

from __future__ import annotations

import ast
import functools
import symtable
from collections.abc import Iterator

import nbformat
from IPython.core.inputtransformer2 import TransformerManager


@functools.cache
def statements(code: str) -> tuple[str, ...] | None:
    """Return a cell's statements, its magics replaced by calls; None if it's no Python."""
    try:
        body = ast.parse(TransformerManager().transform_cell(code)).body
        return tuple(ast.unparse(statement) for statement in body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def scopes(code: str) -> Iterator[symtable.SymbolTable]:
    """Yield the scopes in some code: the notebook's, and then each function's and class's."""
    waiting = [symtable.symtable(code, "answer", "exec")]
    while waiting:
        yield (scope := waiting.pop())
        waiting += scope.get_children()


@functools.cache
def bound(code: str) -> frozenset[str]:
    """Return the names that some code gives the notebook."""
    top = next(scopes(code))
    return frozenset(s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported())


@functools.cache
def used(code: str) -> frozenset[str]:
    """Return the notebook's names that some code uses, anywhere."""
    return frozenset(
        symbol.get_name()
        for scope in scopes(code)
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (scope.get_type() == "module" or symbol.is_global())
    )


def used_in(cell: nbformat.NotebookNode) -> frozenset[str]:
    """Return the notebook's names that a code cell uses; none if it's no Python."""
    return frozenset().union(*map(used, parts_of(cell)))


def parts_of(cell: nbformat.NotebookNode) -> tuple[str, ...]:
    """Return the statements of a code cell; none if it's no Python."""
    return statements(cell.source) or () if cell.cell_type == "code" else ()
