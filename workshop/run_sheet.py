"""Make the run sheets: what the instructor says and does, minute by minute.

They combine plan.toml in this folder, which people edit, with the lessons' sources and solved
notebooks. If a format's minutes don't fit, no sheet is made.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from workshop import lessons
from workshop.lessons import Exercise, PlanError, exercises, flat, quote

KINDS = {"talk": "you speak", "show": "you show", "predict": "they predict, you show"}
NOTEBOOKS = "../notebooks"
HEADER = """<!-- Made by `python start.py workshop run-sheet` from workshop/plan.toml and the
lessons. Change those, not this file. -->
"""


@dataclass(frozen=True)
class Step:
    """One entry of a session's plan: a block of plan.toml, an exercise or a break."""

    name: str  # as in the plan: "cat", "exercise 2.1", "show 4.2", "break 15"
    title: str
    minutes: int
    how: str
    lesson: str | None = None
    exercise: Exercise | None = None


def steps(plan: dict, session: dict) -> list[Step]:
    """Return the steps of a session, with the minutes from plan.toml and the lessons."""
    return [step(plan, name) for name in session["plan"]]


def step(plan: dict, name: str) -> Step:
    """Return the step that plan.toml calls by this name; PlanError if it's incomplete."""
    word, _, rest = name.partition(" ")
    if word == "break" and rest.isdigit():
        return Step(name, "Break", int(rest), "break")
    if word in ("exercise", "show") and rest in exercises():
        task = exercises()[rest]
        about = plan["exercise"].get(rest, {})
        needed = ("before", "after", "review") if word == "exercise" else ("after", "shown")
        if missing := [key for key in needed if key not in about]:
            raise PlanError(
                f'plan.toml: [exercise."{rest}"] needs {", ".join(missing)} for the room'
            )
        title = f"Exercise {rest}: {task.title}"
        if word == "show":
            return Step(name, title, about["shown"], "you show the solution", task.lesson, task)
        how = f"they work {task.minutes}, you show {about['review']}"
        return Step(name, title, task.minutes + about["review"], how, task.lesson, task)
    if name in plan["block"]:
        block = plan["block"][name]
        if block["kind"] not in KINDS:
            raise PlanError(
                f"plan.toml: [block.{name}] has a kind that isn't one of {', '.join(KINDS)}"
            )
        lesson = lessons.name_of(block["lesson"])
        if block["heading"] not in lessons.headings(lesson):
            raise PlanError(
                f"plan.toml: [block.{name}] names the heading {block['heading']!r}, which lesson "
                f"{block['lesson']} doesn't have"
            )
        return Step(name, block["title"], block["minutes"], KINDS[block["kind"]], lesson)
    raise PlanError(f"plan.toml: {name!r} is no block, no exercise of the lessons and no break")


def check_minutes(plan: dict, form: dict) -> None:
    """Raise PlanError if a session of this format takes longer than it has."""
    for number, session in enumerate(form["session"], 1):
        needed = sum(s.minutes for s in steps(plan, session))
        left = session["length"] - needed
        if left < form["reserve"]:
            raise PlanError(
                f"{form['title']}, session {number}: the plan takes {needed} of "
                f"{session['length']} minutes, and {form['reserve']} must be left over. Take "
                "something out of it"
            )


def make(plan: dict, form: dict) -> str:
    """Return the run sheet of one format, as Markdown."""
    check_minutes(plan, form)
    done = in_the_room(plan, form)
    parts = [f"# Run sheet: {form['title'].lower()}\n\n{HEADER}", intro(form)]
    several = len(form["session"]) > 1
    for number, session in enumerate(form["session"], 1):
        heading = f"Session {number}, " if several else ""
        parts.append(f"## {heading}at a glance\n".replace("## at", "## At") + glance(plan, session))
    parts.append("## What happens where\n" + where(done))
    parts.append("## If you are late\n" + late(plan, form))
    for number, session in enumerate(form["session"], 1):
        heading = f"Session {number}, minute by minute" if several else "Minute by minute"
        parts.append(f"## {heading}\n\n" + "\n".join(script(plan, session)))
        if several and number < len(form["session"]):
            parts.append("## Between the sessions\n" + homework_between(form))
    parts.append("## Homework\n" + homework(plan, form, done))
    text = "\n".join(part.rstrip("\n") + "\n" for part in parts)
    return quote(text)


def intro(form: dict) -> str:
    """Return the first paragraphs of a sheet: how to read it."""
    hours = " and ".join(f"{s['length']} minutes" for s in form["session"])
    return f"""For the instructor: {hours}, breaks included. Times are an example; shift them as you
need. Before you begin, go through [README.md](README.md). Grey boxes like `this` quote what the
cells print with the course's network; except for a last digit, it's the same on every computer.

**Say** is for speaking, in your own words. **Predict** means that everybody writes a guess into the
notebook, or raises a hand, before the next cell runs. A check that says *not done yet* or *not
right yet* hands the notebook a working version, so nobody has to finish an exercise to go on. If
you've lost somebody, they click on the heading where you are and choose *Run*, *Run All Above
Selected Cell*. **What they do** quotes *Common mistakes*, folded away in the task; the check names
these mistakes when it meets them.
"""


def clock(start: str, after: int) -> str:
    """Return the time a number of minutes after a start such as "09:00"."""
    time = datetime.datetime.strptime(start, "%H:%M") + datetime.timedelta(minutes=after)
    return time.strftime("%H:%M")


def timed(plan: dict, session: dict) -> list[tuple[str, Step]]:
    """Return the steps of a session, each with the clock time at which it begins."""
    result, passed = [], 0
    for one in steps(plan, session):
        result.append((clock(session["start"], passed), one))
        passed += one.minutes
    return result


def glance(plan: dict, session: dict) -> str:
    """Return the table of a session's steps, with the clock times."""
    lines = ["\n| From | Min. | What | How | Lesson |", "| --- | --- | --- | --- | --- |"]
    for time, one in timed(plan, session):
        what = f"*{one.title}*" if one.how == "break" else one.title
        lesson = str(number(one.lesson)) if one.lesson else ""
        lines.append(f"| {time} | {one.minutes} | {what} | {one.how} | {lesson} |")
    needed = sum(s.minutes for s in steps(plan, session))
    left = session["length"] - needed
    end = clock(session["start"], needed)
    lines.append(f"| {end} | {left} | *In reserve* | for questions, or to end early | |")
    works = sum(s.exercise.minutes for s in steps(plan, session) if s.name.startswith("exercise"))
    guesses = sum(s.how == KINDS["predict"] for s in steps(plan, session))
    return "\n".join(lines) + (
        f"\n\nThey write code for {works} minutes, and predict in {guesses} other steps.\n"
    )


def number(lesson: str) -> int:
    """Return a lesson's number."""
    return int(lesson[:2])


def in_the_room(plan: dict, form: dict) -> dict[str, set[str]]:
    """Return the ids of the exercises done in the room, and of those shown."""
    all_steps = [s for session in form["session"] for s in steps(plan, session) if s.exercise]
    return {
        word: {s.exercise.id for s in all_steps if s.name.startswith(word)}
        for word in ("exercise", "show")
    }


def where(done: dict[str, set[str]]) -> str:
    """Return the table of where each exercise is done: in the room, shown, or at home."""
    lines = ["\n| Lesson | In the room | Shown | Homework |", "| --- | --- | --- | --- |"]
    for lesson in lessons.names():
        cells: list[list[str]] = [[], [], []]
        for task in exercises().values():
            if task.lesson == lesson:
                place = 0 if task.id in done["exercise"] else 1 if task.id in done["show"] else 2
                cells[place].append(f"{task.id} ({task.minutes} min)")
        row = " | ".join(", ".join(cell) for cell in cells)
        lines.append(f"| [{lessons.title(lesson)}]({NOTEBOOKS}/{lesson}.ipynb) | {row} |")
    return "\n".join(lines) + "\n"


def late(plan: dict, form: dict) -> str:
    """Return what to leave out if you're late, in order."""
    lines = []
    several = len(form["session"]) > 1
    for place, session in enumerate(form["session"], 1):
        of = f" of session {place}" if several else ""
        lines.append(f"\nIn this order{of}, leave out:\n")
        total = 0
        for name in session["late"]:
            if name not in session["plan"]:
                raise PlanError(f"plan.toml: {name!r} is to be left out, and is not in the plan")
            one = step(plan, name)
            total += one.minutes
            if one.exercise:
                instead = (
                    "they run the cell and the check as they are, which hands out a working version"
                )
            else:
                instead = "say: " + flat(plan["block"][name].get("late", ""))
                if instead == "say: ":
                    raise PlanError(
                        f"plan.toml: [block.{name}] may be left out, so it needs `late`"
                    )
            lines.append(f"- **{one.title}**, {one.minutes} minutes ({total} in all): {instead}")
    lines.append(
        "\nNever leave out *Cover the bear* or *A shortcut, caught in the act*: people remember "
        "these."
    )
    return "\n".join(lines) + "\n"


def spoken(text: str) -> str:
    """Return the words to say, as a block quote."""
    paragraphs = [flat(part) for part in text.strip().split("\n\n")]
    return "\n>\n".join(f"> {paragraph}" for paragraph in paragraphs)


def script(plan: dict, session: dict) -> list[str]:
    """Return what happens in a session, step by step."""
    lines = []
    for time, one in timed(plan, session):
        end = clock(time, one.minutes)
        lines.append(f"### {time} to {end}: {one.title} ({one.minutes} min)\n")
        if one.exercise:
            lines += exercise_script(plan, one)
        elif one.how != "break":
            lines += block_script(plan["block"][one.name], one)
        else:
            lines.append(
                "Walk around. If somebody has no green check yet, help them get one now.\n"
            )
    return lines


def block_script(block: dict, one: Step) -> list[str]:
    """Return what the instructor shows, says and asks in a step that isn't an exercise."""
    place = f"[lesson {block['lesson']}]({NOTEBOOKS}/{one.lesson}.ipynb), *{block['heading']}*"
    lines = [
        f"**Screen** ({place}). {flat(block['screen'])}\n",
        "**Say.**\n",
        spoken(block["say"]),
        "",
    ]
    lines += [
        f"**Ask.** {flat(question['question'])}\\\n**Answer.** {flat(question['answer'])}\n"
        for question in block.get("ask", [])
    ]
    lines += [vote(lessons.quiz(lesson, which)) for lesson, which in block.get("quiz", [])]
    if block.get("wrong"):
        lines.append("**What goes wrong.**\n")
        lines += [f"- {flat(text)}" for text in block["wrong"]]
        lines.append("")
    return lines


def vote(question: dict) -> str:
    """Return a question of a closing quiz, with what to say about each answer."""
    lines = [f"**Vote.** {question['question']}\n"]
    for letter, choice in zip("abcdef", question["answers"], strict=False):
        right = "**right.** " if choice["correct"] else ""
        lines.append(f"- {letter}) {choice['answer']}\\\n  {right}{choice['feedback']}")
    return "\n".join(lines) + "\n"


def exercise_script(plan: dict, one: Step) -> list[str]:
    """Return what the instructor says around an exercise, and its solution."""
    task, about = one.exercise, plan["exercise"][one.exercise.id]
    place = f"[lesson {number(task.lesson)}]({NOTEBOOKS}/{task.lesson}.ipynb)"
    lines = [
        f"**Screen** ({place}). The task, *Exercise {task.id}*. "
        f"{task.difficulty.capitalize()}. The goal: {task.goal}.\n"
    ]
    if one.name.startswith("exercise"):
        lines += ["**Say, before.**\n", spoken(about["before"]), ""]
    lines += misconception(about, task)
    lines += ["**The solution.**\n", f"```python\n{task.solution}\n```\n"]
    lines += ["**Say, after.**\n", spoken(about["after"]), ""]
    return lines


def misconception(about: dict, task: Exercise) -> list[str]:
    """Return the thought behind an exercise's usual mistakes, and how to answer it."""
    if not {"belief", "answer"} <= about.keys():
        raise PlanError(f'plan.toml: [exercise."{task.id}"] needs belief and answer')
    return [
        f'**The thought behind the mistakes.** "{flat(about["belief"])}"\\\n'
        f"**What to answer.** {flat(about['answer'])}\n",
        f"**What they do.** {task.mistakes}\n",
    ]


def homework_between(form: dict) -> str:
    """Return the homework between two sessions."""
    chosen = [exercises()[id] for id in form["between"]]
    total = sum(task.minutes for task in chosen)
    lines = [f"\nOn the board, {total} minutes in total:\n"]
    for task in chosen:
        link = f"{NOTEBOOKS}/{task.lesson}.ipynb"
        lines.append(f"- [exercise {task.id}]({link}), {task.title}: {task.minutes} minutes")
    lines.append("\nSee *Homework* for the misconceptions behind them.")
    return "\n".join(lines) + "\n"


def homework(plan: dict, form: dict, done: dict[str, set[str]]) -> str:
    """Return the homework after the last session, and the misconceptions in it."""
    chosen = [exercises()[id] for id in form["first_homework"]]
    if doubled := {task.id for task in chosen} & done["exercise"]:
        raise PlanError(f"plan.toml: {', '.join(doubled)} is both done in the room and homework")
    total = sum(task.minutes for task in chosen)
    first = ", ".join(f"{task.id} ({task.title})" for task in chosen)
    last = lessons.names()[-1]
    minutes = lessons.notebooks.about(last).minutes
    lines = [
        f"\nFirst these, {total} minutes in total: {first}. Then lesson {number(last)}, with a "
        "picture of their own: two classes, a plan that is sealed, and a card to hand in. It takes "
        f"{minutes} minutes; the card is judged by the table in it.\n",
        "All exercises not done in the room, with the thought behind the usual mistakes:\n",
    ]
    for lesson in lessons.names():
        tasks = [
            t for t in exercises().values() if t.lesson == lesson and t.id not in done["exercise"]
        ]
        if not tasks:
            continue
        lines.append(f"### [{lessons.title(lesson)}]({NOTEBOOKS}/{lesson}.ipynb)\n")
        for task in tasks:
            seen = ", shown in the room" if task.id in done["show"] else ""
            lines.append(
                f"#### Exercise {task.id}: {task.title} "
                f"({task.minutes} minutes, {task.difficulty}{seen})\n"
            )
            lines += misconception(plan["exercise"].get(task.id, {}), task)
    return "\n".join(lines)


def sheets() -> dict[Path, str]:
    """Return the run sheets, by the files they belong in."""
    plan = lessons.read_toml("plan.toml")
    if unknown := plan["exercise"].keys() - exercises().keys():
        raise PlanError(f"plan.toml describes exercises that do not exist: {', '.join(unknown)}")
    return {lessons.HERE / form["file"]: make(plan, form) for form in plan["format"].values()}


def write() -> None:
    """Write all run sheets."""
    for path, text in sheets().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(lessons.ROOT))
