"""Make a Linux account for each student of a class, and print the passwords.

    sudo .venv/bin/python workshop/hub/accounts.py class.txt --teacher maria > passwords.csv

class.txt has one name per line: small letters a to z, digits and -, such as `ada` or `group-7`.
Lines that begin with # and empty lines don't count. Accounts that this script made before stay as
they are, so you can add latecomers to the list. If one name is bad, it makes no accounts at all.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

STUDENTS, TEACHERS = "saliency", "saliency-teachers"  # groups; jupyterhub_config.py lets them in
# A kernel's socket has the name in its path, and Linux limits that to 107 letters.
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike


class Problem(Exception):
    """What's wrong, in a sentence for the person who ran this script."""


def read_names(path: Path) -> list[str]:
    """Return the names in a class list."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"The class list {path} couldn't be read ({error}).") from None
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for name in names:
        check_name(name)
        if names.count(name) > 1:
            raise Problem(f"The name {name!r} is twice in {path}: give one of them another name.")
    if not names:
        raise Problem(f"There's no name in {path}: write one per line.")
    return names


def check_name(name: str) -> None:
    """Raise Problem for a name that no account can have."""
    if not NAME.fullmatch(name):
        raise Problem(
            f"{name!r} can't be the name of an account: use up to 20 of a to z, 0 to 9 and -, and "
            "begin with a letter."
        )


def new_password() -> str:
    """Return twelve random letters, easy to type: about 59 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def groups_of(name: str) -> list[str] | None:
    """Return an account's groups, or None if there's no account with that name."""
    done = subprocess.run(["id", "-nG", name], capture_output=True, text=True)
    return None if done.returncode else done.stdout.split()


def is_new(name: str) -> bool:
    """Return whether the account has to be made; raise Problem if it's somebody else's."""
    groups = groups_of(name)
    if groups is not None and STUDENTS not in groups:
        raise Problem(
            f"There is an account {name!r} on this machine that this script did not make: give the "
            "student another name."
        )
    if groups is None and (home := Path("/home", name)).exists():
        raise Problem(f"There is a folder {home} of an older account: move it away, or delete it.")
    return groups is None


def make(name: str) -> str:
    """Make an account whose home folder nobody else can open, and return its password."""
    # No shell to log in with: the password opens the Hub, and not SSH.
    run(
        *("useradd", "--create-home", "--home-dir", f"/home/{name}", "--user-group"),
        *("--groups", STUDENTS, "--shell", "/usr/sbin/nologin", name),
    )
    Path("/home", name).chmod(0o700)
    password = new_password()
    run("chpasswd", text=f"{name}:{password}\n")
    return password


def run(*command: str, text: str | None = None) -> None:
    """Run a command with this text as its input; if it fails, Problem repeats its message."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Problem(f"`{' '.join(command)}` failed: {done.stderr.strip() or 'no reason given'}.")


def main() -> None:
    """Make the accounts listed in a file, and print the passwords of the new ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("list", type=Path, help="the file with the names")
    parser.add_argument(
        "--teacher", metavar="NAME", help="an account that may start and stop everything"
    )
    options = parser.parse_args()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Problem("Only root can make accounts: put `sudo` before the command (on Linux).")

    names = read_names(options.list)
    if options.teacher and options.teacher not in names:
        check_name(options.teacher)
        names.append(options.teacher)
    new = [name for name in names if is_new(name)]
    for group in (STUDENTS, TEACHERS):
        run("groupadd", "--force", group)
    if new:
        print("name,password", flush=True)
    for name in new:
        print(f"{name},{make(name)}", flush=True)
    if options.teacher:
        run("usermod", "--append", "--groups", TEACHERS, options.teacher)
    print(f"{len(new)} accounts made, {len(names) - len(new)} already existed.", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"accounts.py: {problem}")
