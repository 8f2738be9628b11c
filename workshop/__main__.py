"""Everything an instructor needs, one command each. `python start.py workshop` runs this.

    python start.py workshop run-sheet                 minute by minute, in two formats
    python start.py workshop questions                 two before and two after each lesson
    python start.py workshop report FOLDER             what to teach again, from a class's notebooks
    python start.py workshop slides                    slides of all lessons, to show offline
    python start.py workshop grading                   a course folder for nbgrader
    python start.py workshop collect EXPORT.zip        what students handed in, ready to grade
    python start.py workshop grade                     grade it, and say why points are missing
    python start.py workshop kit linux-x86_64 3.11     an archive that installs without internet
    python start.py workshop host ada/saliency-course  the address on GitHub, for Colab

README.md in this folder says when to use what.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path


def main(arguments: list[str]) -> str | None:
    """Run one command; return what went wrong, or None."""
    parser = argparse.ArgumentParser(
        prog="python start.py workshop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "run-sheet", help="write the run sheets and the helpers' sheet in workshop/"
    )
    commands.add_parser("questions", help="make workshop/_build/questions")
    report = commands.add_parser("report", help="make workshop/_build/report")
    report.add_argument(
        "folder", help="what the class handed in: notebooks, progress files, answers"
    )
    commands.add_parser("slides", help="make workshop/_build/slides")
    commands.add_parser("grading", help="make workshop/_build/grading")
    host = commands.add_parser("host", help="put your repository's address into the lessons")
    host.add_argument("address", help="such as https://github.com/ada/saliency-course")
    handed_in = commands.add_parser("collect", help="make submissions of what students handed in")
    handed_in.add_argument(
        "source", help="a folder, or the archive that a learning platform exports"
    )
    graded = commands.add_parser("grade", help="grade what was collected, and write feedback")
    graded.add_argument("assignment", nargs="*", help="such as lesson_3; otherwise all")
    kit = commands.add_parser("kit", help="make workshop/_build/saliency-course-...zip")
    kit.add_argument("platform", help="linux-x86_64, linux-aarch64, win-amd64 or macosx-arm64")
    kit.add_argument("python", help="the participants' Python, such as 3.12")
    kit.add_argument("--students", action="store_true", help="without solutions and tests")
    chosen = parser.parse_args(arguments)

    from workshop.lessons import PlanError
    from workshop.machine import StartError

    try:
        if chosen.command == "run-sheet":
            from workshop import run_sheet

            run_sheet.write()
        elif chosen.command == "questions":
            from workshop import questions

            questions.write()
        elif chosen.command == "report":
            from workshop import report

            report.write(Path(chosen.folder).expanduser())
        elif chosen.command == "slides":
            from workshop import slides

            slides.write()
        elif chosen.command == "grading":
            from workshop import grading

            grading.write()
        elif chosen.command == "host":
            from workshop import host

            host.main([chosen.address])
        elif chosen.command == "collect":
            from workshop import collect

            collect.collect(Path(chosen.source).expanduser())
        elif chosen.command == "grade":
            from workshop import grading

            grading.grade(chosen.assignment)
        else:
            from workshop import offline_kit

            offline_kit.write(chosen.platform, chosen.python, chosen.students)
    except (PlanError, StartError) as error:
        return f"workshop: {error}."
    except KeyError as error:
        return f"workshop: an entry of plan.toml or slides.toml lacks {error}."
    return None


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may have letters the console lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
