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
OPEN = "they start it"
NOTEBOOKS = "../notebooks"
HELPERS = "helper_sheet.md"
HEADER = """<!-- Made by `python start.py workshop run-sheet` from workshop/plan.toml and the
lessons. Change those, not this file. -->
"""


@dataclass(frozen=True)
class Step:
    """One entry of a session's plan: a block of plan.toml, an exercise, an opening or a break."""

    name: str  # as in the plan: "cat", "exercise 2.1", "show 4.2", "open 2", "break 15"
    title: str
    minutes: int
    how: str
    lesson: str = ""
    exercise: Exercise | None = None


def steps(plan: dict, session: dict) -> list[Step]:
    """Return the steps of a session, with the minutes from plan.toml and the lessons."""
    return [step(plan, name) for name in session["plan"]]


def step(plan: dict, name: str) -> Step:
    """Return the step that plan.toml calls by this name; PlanError if it's incomplete."""
    word, _, rest = name.partition(" ")
    if word == "break" and rest.isdigit():
        return Step(name, "Break", int(rest), "break")
    if word == "open" and rest in plan["opening"]:
        title = f"Everybody opens lesson {rest}"
        lesson = lessons.name_of(int(rest))
        return Step(name, title, plan["opening"][rest]["minutes"], OPEN, lesson)
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
    raise PlanError(f"plan.toml: {name!r} is no block, exercise, opening or break")


def check_minutes(plan: dict, form: dict) -> None:
    """Raise PlanError if a session takes longer than it has, or a lesson's start isn't in it."""
    for number, session in enumerate(form["session"], 1):
        opened = set()
        for one in steps(plan, session):
            opened |= {one.lesson} if one.how == OPEN else set()
            if one.name.startswith("exercise") and one.lesson not in opened:
                raise PlanError(
                    f"{form['title']}, session {number}: {one.name} comes before anybody has "
                    f'opened its lesson. Put "open {int(one.lesson[:2])}" above it'
                )
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

**Say** is for speaking, in your own words. **Predict** means that everybody clicks a guess in the
notebook, or raises a hand, before the next cell runs. A check that says *not done yet* or *not
right yet* hands the notebook a working version, so nobody has to finish an exercise to go on. If
you've lost somebody, they click on the heading where you are and choose *Run*, *Run All Above
Selected Cell*. It runs through wrong answers, but stops at a cell with a red error;
[the helpers' sheet]({HELPERS}) says what to do then. **What they do** quotes *Common mistakes*,
folded away in the task; the check names these mistakes when it meets them.
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
    works = sum(
        s.exercise.minutes
        for s in steps(plan, session)
        if s.exercise and s.name.startswith("exercise")
    )
    guesses = sum(s.how == KINDS["predict"] for s in steps(plan, session))
    opened = [s for s in steps(plan, session) if s.how == OPEN]
    starts = ", ".join(str(number(s.lesson)) for s in opened)
    return "\n".join(lines) + (
        f"\n\nThey write code for {works} of the {session['length']} minutes, and predict in "
        f"{guesses} other steps. Each laptop starts TensorFlow once per lesson that they open "
        f"({starts}), which is {sum(s.minutes for s in opened)} min.\n"
    )


def number(lesson: str) -> int:
    """Return a lesson's number."""
    return int(lesson[:2])


def in_the_room(plan: dict, form: dict) -> dict[str, set[str]]:
    """Return the ids of the exercises done in the room, and of those shown."""
    all_steps = [s for session in form["session"] for s in steps(plan, session) if s.exercise]
    return {
        word: {s.exercise.id for s in all_steps if s.exercise and s.name.startswith(word)}
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
            lines += exercise_script(plan, one, one.exercise)
        elif one.how == OPEN:
            lines += ["**Say.**\n", spoken(plan["opening"][one.name.split()[1]]["say"]), ""]
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


def exercise_script(plan: dict, one: Step, task: Exercise) -> list[str]:
    """Return what the instructor says around an exercise, and its solution."""
    about = plan["exercise"][task.id]
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


def helper_sheet(plan: dict) -> str:
    """Return the sheet for those who walk around and help, as Markdown."""
    ids = {id for form in plan["format"].values() for id in in_the_room(plan, form)["exercise"]}
    lines = [f"# For helpers\n\n{HEADER}\n{HELP}"]
    lines += ["| They typed | What happens | What to say |", "| --- | --- | --- |"]
    for slip in plan["slip"]:
        typed = "<br>".join(f"`{line}`" for line in slip["typed"].strip().splitlines())
        happens = f"{slip['stops']}: all below waits" if slip["stops"] else "the notebook goes on"
        lines.append(f"| {typed} | {happens} | {slip['say']} |")
    lines.append("\n## The exercises in the room\n")
    for task in exercises().values():
        if task.id in ids:
            lines += [
                f"### Exercise {task.id}: {task.title}\n",
                *misconception(plan["exercise"][task.id], task),
            ]
    return quote("\n".join(lines).rstrip("\n") + "\n")


HELP = """\
One of you per ten people is enough. Read this page once, and do the exercises below yourself.

## Signals

Everybody has two sticky notes, or two pieces of paper. On the lid of the laptop:

- **green**: "My check says *right*." Don't interrupt, and ask whether a neighbour wants a hint.
- **red**: "I'm stuck." Go there. If several are red, help the one who has waited longest.
- **none**: still working. Leave people alone for the first two minutes.

Tell the instructor when half of the notes are green, and when three people have the same mistake.
Online, a thumbs-up and a raised hand do the same.

## What to say first

1. *What does the check say?* Let them read it aloud. It usually names the mistake.
2. *What did you expect it to be?* Ask for a number, or for a shape.
3. *Have you opened hint 1?* Hints are folded away below the task.
4. Don't touch their keyboard. If time is up, let them run the check: it hands out a working
   version.

## A prediction

They run the cell below the question, click their guess, and only then run the next cell. With many
choices, or for a number, there's a field: they type, and press Enter.

- There are no buttons, or a click changes nothing: *You predict ...* must appear below them. Run
  the cell again, click, and run the next one.
- Their guess is gone: *Run All Above*, or running that cell again, asks anew, and the next cell
  says *No prediction yet. It is: ...*. Everything below goes on.
- They'd like to type it: `first_guess = "tabby"` instead of `first_guess = checks.guess(cats)`,
  with the quotes.

## A red error

*Run All Above* runs through wrong answers and missing ones. It stops at a cell that Python can't
run. The way out is the same for all of them: **type the name that the next cell asks for, and three
dots**, such as `first_guess = ...` or `best_label = ...`, in place of the guess or the function.
(Leave the lines above as they are.) Then choose *Run All Above* again. They can still answer
later; Ctrl+Z brings back what they typed. It also brings back the lines above, if they deleted
those too: then the NameError is about another name, such as `checks` or `cats`.

"""


def sheets() -> dict[Path, str]:
    """Return the run sheets and the helpers' sheet, by the files they belong in."""
    plan = lessons.read_toml("plan.toml")
    if unknown := plan["exercise"].keys() - exercises().keys():
        raise PlanError(f"plan.toml describes exercises that do not exist: {', '.join(unknown)}")
    made = {lessons.HERE / form["file"]: make(plan, form) for form in plan["format"].values()}
    return made | {lessons.HERE / HELPERS: helper_sheet(plan)}


def write() -> None:
    """Write all sheets."""
    for path, text in sheets().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.relative_to(lessons.ROOT))
