"""Write the map of the house for CONTRIBUTING.md, from the modules' own first lines.

python -m tools.house
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- the map: python -m tools.house -->\n", "<!-- the end of the map -->\n"

# Folders whose modules are listed one by one, in that order; and what the others contain.
OPEN = ("course_utils", "tools", "workshop", "tests")
CLOSED = {
    "notebooks": "source/: a text file per lesson, for editing; and the notebooks made from them.",
    "data": "Pictures, weights and class names, their licences, and the scripts that made them.",
    "benchmarks": "How fast, compared with four other libraries; which maps point at the object.",
    "site": "The reading version's settings and front page; try/: the network in a browser.",
    "docs": "A page per method, the glossary, and the README's figure.",
}


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def rooms(folder: Path, depth: int = 0) -> list[str]:
    """Return a line per module below a folder, each folder's own line first."""
    start = folder / "__init__.py"
    lines = [line(f"{folder.name}/", first_line(start) if start.is_file() else "", depth)]
    modules = [path for path in folder.glob("*.py") if not path.name.startswith("__")]
    numbered = [path for path in modules if re.search(r"lesson\d$", path.stem)]
    others = sorted(set(modules) - set(numbered))
    lines += [line(path.name, first_line(path), depth + 1) for path in others]
    if numbered:
        name = re.sub(r"\d$", "N", sorted(numbered)[0].stem)
        text = re.sub(r"(lesson) \d", r"\1 N", first_line(sorted(numbered)[0]), flags=re.IGNORECASE)
        lines.append(line(f"{name}.py", text, depth + 1))
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and any(inner.glob("*.py")):
            lines += rooms(inner, depth + 1)
    return lines


def line(name: str, text: str, depth: int) -> str:
    """Return a line of the map."""
    return f"{'  ' * depth + name:<30} {text}".rstrip()


def house() -> str:
    """Return the map, as Markdown."""
    lines = [room for name in OPEN for room in rooms(ROOT / name)]
    lines += [line(f"{name}/", text, 0) for name, text in CLOSED.items()]
    lines += [line(path.name, first_line(path), 0) for path in sorted(ROOT.glob("*.py"))]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def with_map(page: str) -> str:
    """Return the page with the current map."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + house() + END + rest.partition(END)[2]


if __name__ == "__main__":
    text = with_map(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8", newline="\n")
