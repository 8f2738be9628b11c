"""Tell the course where it's hosted: `start.py workshop host ADDRESS`, on any Python, in a second.

It changes pyproject.toml, and in each notebook the link to Colab and the address for the set-up.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tools import address
from workshop.machine import StartError

NOTEBOOKS = address.PYPROJECT.parent / "notebooks"
# ada/course; also as a web page, as a clone's address, and as Colab's address of a lesson.
ON_GITHUB = re.compile(
    r"(?i:(?:https?://|ssh://git@)?(?:www\.)?github\.com/|git@github\.com:"
    r"|https://colab\.research\.google\.com/github/)?"
    r"(?P<name>[\w-]+/[\w.-]+?)(?:\.git)?"
    r"(?:/(?:tree|blob)/(?P<branch>[^\s?#\"]+?)(?:/notebooks.*)?)?/*(?:[?#].*)?"
)
ELSEWHERE = re.compile(r"(https|file)://[^\s\"\\]+")


def clean(text: str) -> str:
    """Return the address that somebody means, such as https://github.com/ada/course.

    Raises:
        StartError: it isn't one.
    """
    text = text.strip()
    found = ON_GITHUB.fullmatch(text)
    if found and found["name"].startswith("YOU/"):
        raise StartError(f"Put your own name instead of YOU into {text}")
    if found:
        branch = found["branch"]
        tree = f"/tree/{branch}" if branch and branch != "main" else ""
        return f"https://github.com/{found['name']}{tree}"
    if ELSEWHERE.fullmatch(text) and "github.com" not in text.lower():
        return text.replace("/-/tree/", "/tree/").rstrip("/")  # GitLab's pages
    raise StartError(
        f"{text!r} is not the address of a repository: expected one such as "
        "https://github.com/ada/saliency-course, with /tree/NAME after it for a branch other than "
        "main"
    )


def put_into(path: Path, where: str) -> bytes:
    """Return a notebook's file with the address in it."""
    try:
        notebook = json.loads(path.read_bytes().decode("utf-8"))
        address.put(where, path.stem, notebook)
    except (ValueError, LookupError, TypeError):
        raise StartError(
            f"{path} is damaged, so nothing was changed: get it again, or delete it"
        ) from None
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)  # as nbformat does
    return f"{text}\n".encode()


def main(arguments: list) -> int:
    """Change the address everywhere, and say what to do next; returns an exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise StartError(
            "Expected the address of your repository: "
            "`start.py workshop host https://github.com/ada/saliency-course`"
        )
    where = clean(arguments[0])
    text = address.PYPROJECT.read_bytes().decode("utf-8")
    project = address.SOURCE.sub(lambda _: f'Source = "{where}"', text)
    where = address.of(project)
    paths = [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]
    ours = [path for path in paths if b"HOSTED = " in path.read_bytes()]
    after = {path: put_into(path, where) for path in ours}
    after[address.PYPROJECT] = project.encode()  # the last one: it stands for all of them
    changed = [path for path in after if path.read_bytes() != after[path]]
    for path in changed:
        address.write(path, after[path])
    told = (
        f"{len(changed)} files changed. Commit them, and push." if changed else "nothing to change."
    )
    print(f"{where or 'No address'}: {told}")
    if where.startswith("https://github.com/"):
        print(f"Lesson 0 in Colab: {address.colab(where, '00_start_here')}")
    else:
        print("Colab only opens notebooks from GitHub: the lessons have no link to it.")
    return 0
