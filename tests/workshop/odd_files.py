"""What students really hand in: a class of odd files, from their answers to lesson 3."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Callable

import nbformat

from workshop.lessons import exercises, notebooks

Book = nbformat.NotebookNode


def ordinary(lesson: str) -> Book:
    """Return a lesson as students have it."""
    return nbformat.read(notebooks.STUDENTS / f"{lesson}.ipynb", as_version=4)


def solution(id: str) -> str:
    return exercises()[id].solution


def stub_of(book: Book, id: str) -> nbformat.NotebookNode:
    name = exercises()[id].name
    return next(c for c in book.cells if f"def {name}(" in c.source and notebooks.STUB in c.source)


def check_of(book: Book, id: str) -> nbformat.NotebookNode:
    return next(c for c in book.cells if f"= checks.{exercises()[id].check}(" in c.source)


def answer(book: Book, id: str, body: str | None = None) -> nbformat.NotebookNode:
    """Write an answer into its cell, by default the right one; return the cell."""
    cell = stub_of(book, id)
    right = solution(id).partition("\n")[2]
    body = textwrap.indent(textwrap.dedent(right if body is None else body), "    ").strip()
    cell.source = cell.source.replace(notebooks.STUB, body)
    return cell


def solved(lesson: str, *ids: str) -> Book:
    """Return a lesson with right answers; [] for all of them."""
    book = ordinary(lesson)
    for id, task in exercises().items():
        if task.lesson == lesson and (not ids or id in ids):
            answer(book, id)
    return book


def raw(book: Book) -> bytes:
    """Return a notebook's file as it is, valid or not."""
    return json.dumps(book, ensure_ascii=False).encode("utf-8")


def insert_after(book: Book, cell: nbformat.NotebookNode, *sources: str) -> None:
    at = book.cells.index(cell) + 1
    book.cells[at:at] = [nbformat.v4.new_code_cell(source) for source in sources]


def zipped(files: dict[str, bytes], when: tuple = (2026, 11, 20, 12, 0, 0)) -> bytes:
    """Return a zip; every file in it has the same time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def changed(lesson: str, change: Callable[[Book], object], *ids: str) -> bytes:
    """Return a solved lesson's file after a change."""
    book = solved(lesson, *ids)
    change(book)
    return raw(book)
