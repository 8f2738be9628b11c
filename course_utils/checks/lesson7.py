"""Checks of lesson 7.

Each truth here is a number or a page worked out by hand; no method of the package is asked.
"""

from __future__ import annotations

import ast
import base64
import html
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np

from course_utils.checks._verdict import Mistake, answer_array, verdict

__all__ = ["card_html", "choose_classes", "evidence_share", "settings_text"]


# ------------------------------------------------------------------------------------ 7.1


def choose_classes(student: Callable) -> Callable:
    """Exercise 7.1: choose_classes(predictions, expected) -> (predicted class, its rival)."""

    def working(predictions, expected):
        first, second = predictions[0].class_index, predictions[1].class_index
        if expected is None or expected == first:
            return first, second
        return first, expected

    def cases(student):
        from course_utils.models import Prediction

        five = [
            Prediction(41, "plum", 0.60, 5.0),
            Prediction(7, "pear", 0.20, 3.9),
            Prediction(99, "fig", 0.10, 3.2),
            Prediction(3, "lime", 0.05, 2.5),
            Prediction(12, "date", 0.02, 1.6),
        ]
        right = "You expect the class that was predicted: its rival is the runner-up."
        none = "With expected=None nothing was expected: the rival is the runner-up."
        for expected, truth, hint in (
            (99, (41, 99), "You expect class 99 and the network says 41: the pair is (41, 99)."),
            (500, (41, 500), "A class that you expect counts also if it is not among the first."),
            (41, (41, 7), right),
            (None, (41, 7), none),
            (0, (41, 0), "Class 0 is a class, but `if expected:` takes 0 for no: `is None`."),
        ):
            pair = _pair(student(list(five), expected), five)
            if pair == truth:
                continue
            called = f"For expected={expected} the answer was {pair}."
            if pair == truth[::-1]:
                raise Mistake(f"{called} The predicted class comes first, its rival second.")
            if pair[0] == pair[1]:
                raise Mistake(f"{called} Two different classes are needed for a comparison.")
            if pair in ((0, 1), (0, 2), (1, 2)):
                raise Mistake(f"{called} These are places in the list: take each .class_index.")
            if pair[0] != 41:
                raise Mistake(f"{called} The first one is the predicted class, the most probable.")
            if pair[1] is None:
                raise Mistake(f"{called} None is not a class. {none}")
            if pair[1] == 12:
                raise Mistake(f"{called} The runner-up is the second of the list, not the last.")
            raise Mistake(f"{called} {hint}")

    return verdict("7.1", student, working, cases)


def _pair(answer, five) -> tuple:
    if answer is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    if isinstance(answer, (str, bytes, dict)) or not hasattr(answer, "__len__"):
        raise Mistake(f"Expected two class indexes, such as (41, 7), not {answer!r:.60}.")
    if hasattr(answer, "class_index"):
        raise Mistake("That is one whole prediction. Two class indexes are asked for.")
    pair = list(answer)
    if len(pair) != 2:
        raise Mistake(f"Expected two class indexes, not {len(pair)} things.")
    for value in pair:
        if hasattr(value, "class_index"):
            raise Mistake("These are whole predictions. Take the .class_index of each.")
        if isinstance(value, str):
            raise Mistake(
                f"{value!r} is a label. Two classes can share a label; the methods want the number "
                "of the class, .class_index."
            )
        if isinstance(value, float) and value in [number for p in five for number in p[2:]]:
            raise Mistake("These are probabilities or scores. Take the .class_index of each.")
    return tuple(v if v is None else int(v) for v in pair)


# ------------------------------------------------------------------------------------ 7.2


def settings_text(student: Callable) -> Callable:
    """Exercise 7.2: settings_text(settings) -> "samples=30, noise=0.15, seed=0"."""

    def working(settings):
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())

    def cases(student):
        for settings in (
            {"samples": 30, "noise": 0.15, "seed": 0},
            {"relu": False, "layer": "top_conv"},
            {"noise": 0.123456789, "samples": 7},
            {"baseline": -0.5, "steps": 128},
            {},
        ):
            given = dict(settings)
            text = student(given)
            if given != settings:
                raise Mistake("The dictionary itself was changed; the method still needs it.")
            _compare_settings(text, settings)

    errors = [("^'(samples|noise|seed)'$", "Another method has other settings: take the names from "
               "the dictionary, for name, value in settings.items().")]  # fmt: skip
    return verdict("7.2", student, working, cases, errors)


def _compare_settings(text, settings: dict) -> None:
    if text is None:
        raise Mistake("The function returns nothing. Return the text; printing it is not enough.")
    if not isinstance(text, str):
        raise Mistake(f"Expected a text, not {type(text).__name__}.")
    if text.strip().startswith(("{", "[", "dict(")):
        raise Mistake(
            f"{text!r} is Python's own spelling of the dictionary. Write name=value, name=value, "
            "as between the brackets of a call."
        )
    missing = [name for name in settings if name not in text]
    for name in missing:
        if not settings[name]:
            raise Mistake(
                f"{name}={settings[name]!r} is missing. Zero and False are settings like others: "
                "do not leave them out because they are not true."
            )
    if missing:
        raise Mistake(f"{', '.join(missing)} is missing: write every entry of `settings`.")
    named = _as_call(text)
    if named is None:
        quotes = any(isinstance(value, str) for value in settings.values())
        raise Mistake(
            f"{text!r} is not what stands between the brackets of a call. "
            + (
                "A text needs its quotes there: {value!r} writes them."
                if quotes
                else "Expected name=value, with commas between."
            )
        )
    for name, value in settings.items():
        if name not in named or named[name] == value:
            continue
        if isinstance(value, float) and isinstance(named[name], (int, float)):
            raise Mistake(
                f"{name} is {value!r}, and the text says {named[name]!r}. Rounded settings give "
                "another map: write the value as it is, {value!r}."
            )
        raise Mistake(f"{name} is {value!r}, and the text says {named[name]!r}.")
    if named != settings:
        more = sorted(set(named) - set(settings))
        raise Mistake(f"The text names {', '.join(more)}, which is not in `settings`.")


def _as_call(text: str) -> dict | None:
    """Return the keyword arguments in a text, or None if it holds anything else."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            return None
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        return None


# ------------------------------------------------------------------------------------ 7.3


def evidence_share(student: Callable) -> Callable:
    """Exercise 7.3: evidence_share(values, box) -> the share of the sum of |values| in the box."""

    def working(values, box):
        top, left, bottom, right = box
        strength = np.abs(values)
        total = strength.sum()
        return float(strength[top:bottom, left:right].sum() / total) if total else 0.0

    def cases(student):
        # Rows 1 and 2, columns 3 and 4: 3 + 5 + 1 + 3 = 12 of a total of 40.
        values = np.array(
            [
                [1, -2, 1, 0, 4, 1, 1],
                [2, 1, -1, 3, -5, 1, -1],
                [1, 0, 2, 1, 3, -1, 1],
                [-1, 1, 0, 2, 1, -1, 1],
            ],
            float,
        )
        box = (1, 3, 3, 5)
        given = values.copy()
        share = float(answer_array(student, given, box, shape=()))
        if not np.array_equal(given, values):
            raise Mistake("The map itself was changed. Make a new array instead.")
        if not np.isclose(share, 0.3):
            _name_share(share, values, box)
        # A box that touches the edge, on a map that is higher than it is wide.
        tall = np.array([[0, 1], [2, -3], [-1, 1]], float)
        if not np.isclose(answer_array(student, tall, (1, 0, 3, 1), shape=()), 3 / 8):
            raise Mistake("Right for one box, wrong for another: use all four numbers of `box`.")
        with np.errstate(all="ignore"):
            zero = float(answer_array(student, np.zeros((4, 6)), box, shape=()))
        if not zero == 0:
            raise Mistake(
                f"A map that is zero everywhere gives {zero}: zero divided by zero. Grad-CAM makes "
                "such maps, so return 0.0 for them."
            )

    return verdict("7.3", student, working, cases)


def _name_share(share: float, v: np.ndarray, box) -> None:
    t, l, b, r = box  # noqa: E741
    a = np.abs(v)
    inside, total = v[t:b, l:r], a.sum()
    rise = np.maximum(v, 0)
    for wrong, hint in (
        (
            inside.sum() / v.sum(),
            "This is a share of the map with its signs, in which rising and falling cancel; such a "
            "share can exceed 1 or be negative. Take |map| first.",
        ),
        (inside.sum() / total, "Inside the box the signs are still there: |map| in both sums."),
        (a[t:b, l:r].sum() / v.sum(), "The total is taken with signs: |map| in both sums."),
        (rise[t:b, l:r].sum() / rise.sum(), "Negative values are dropped: take |map| of all."),
        (a[l:r, t:b].sum() / total, "Rows and columns are swapped: [top:bottom, left:right]."),
        (
            a[t : t + b, l : l + r].sum() / total,
            "The last two numbers are taken for height and width. They are bottom and right.",
        ),
        (a[t : b + 1, l : r + 1].sum() / total, "bottom and right are the first row and column "
         "outside of the box: [top:bottom, left:right], without + 1."),
        (a[t:b, l:r].mean() / a.mean(), "This is the mean in the box over the mean of the map. "
         "Asked for is a share: sum over sum."),
        (a[t:b, l:r].mean(), "This is the mean in the box. Asked for is a share: sum over sum."),
        (a[t:b, l:r].sum(), "Divide by the total of the whole map."),
        (inside.size / v.size, "This is the share of the area, whatever the map is."),
        (1 - 0.3, "This is the share outside of the box."),
        (30, "This is a percentage. Return a fraction from 0 to 1; {:.0%} prints it in per cent."),
        ((inside**2).sum() / (v**2).sum(), "These are squares: take |map|, the absolute value."),
        (a[t:b, l:r].max() / a.max(), "This compares the largest values. Sum over sum."),
    ):  # fmt: skip
        if np.isclose(share, wrong):
            raise Mistake(hint)
    raise Mistake(
        f"In the box |map| sums to 12, everywhere to 40: a share of 0.3, not {share:.3g}."
    )


# ------------------------------------------------------------------------------------ 7.4


def card_html(student: Callable) -> Callable:
    """Exercise 7.4: card_html(title, png, alt, facts) -> a web page that needs no other file."""

    def working(title, png, alt, facts):
        data = base64.b64encode(png).decode("ascii")
        body = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'
        for heading, text in facts.items():
            body += f"<h2>{html.escape(heading)}</h2><p>{html.escape(text)}</p>"
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>{html.escape(title)}</title></head>"
            f"<body><h1>{html.escape(title)}</h1>{body}</body></html>"
        )

    def cases(student):
        png = base64.b64decode(_DOT)
        plain = ("My card", "Two maps of a cat", {"Settings": "seed=0", "Network": "Lite0"})
        nasty = (
            "Is <b>it</b> a cat & a dog?",
            'The word "tabby" in front of <cat> & me',
            {"Prediction": "p < 0.5 & p > 0.1", "Mind <i>& more</i>": "if <i>this</i> & that"},
        )
        for title, alt, facts in (plain, nasty):
            page = student(title, png, alt, dict(facts))
            _read_page(page, png, title, alt, facts)

    return verdict("7.4", student, working, cases)


_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


class _Page(HTMLParser):
    """Reads a page as a browser does: the pictures, the text under each tag."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pictures, self.tags, self.charset, self.elsewhere = [], [], None, []
        self.title, self.words, self._open = "", "", None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        self._open = tag
        if tag == "img":
            self.pictures.append(attributes)
        elif tag in ("script", "link", "iframe"):
            self.elsewhere += [attributes.get("src", "") + attributes.get("href", "")]
        if tag == "meta" and (
            "charset" in attributes or "charset" in attributes.get("content", "")
        ):
            self.charset = attributes.get("charset") or attributes["content"].split("=")[-1]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if tag == "title":
            self._open = None

    def handle_data(self, data):
        if self._open == "title":
            self.title += data
        elif self._open not in ("style", "script"):
            self.words += " " + data


def _read_page(page, png: bytes, title: str, alt: str, facts: dict) -> None:
    if page is None:
        raise Mistake("The function returns nothing: is the `return` missing?")
    if isinstance(page, bytes):
        raise Mistake("These are bytes; return a text.")
    if hasattr(page, "data") and not isinstance(page, str):
        raise Mistake("That is an object for display. Return the text of the page itself.")
    if not isinstance(page, str):
        raise Mistake(f"Expected the text of a web page, not {type(page).__name__}.")
    read = _Page(page)
    _read_picture(read, png, alt)
    if any(read.elsewhere):
        raise Mistake(f"The page needs {read.elsewhere[0]!r}: it must open offline, and alone.")
    if any(tag in read.tags for tag in ("b", "i")):
        raise Mistake(
            "A text that holds <b> or <i> became part of the page's code: what a reader typed must "
            "arrive as typed. Put the title and each of the facts through html.escape."
        )
    if "&lt;" in read.words + read.title or "&amp;" in read.words + read.title:
        raise Mistake("Readers see &lt; or &amp;: something is escaped twice. Once is right.")
    if not _same(read.title, title):
        raise Mistake(
            f"The <title>, the name of the page in the browser, is {read.title!r}, not {title!r}."
        )
    words = " ".join(read.words.split())
    if title not in words:
        raise Mistake("The title stands in <title> only; put it on the page as well, in an <h1>.")
    for heading, text in facts.items():
        for part in (heading, text):
            if part not in words:
                raise Mistake(f"{part!r} is not on the page: write every entry of `facts`.")
    if (read.charset or "").strip("\"' ").lower() not in ("utf-8", "utf8"):
        raise Mistake(
            'The page does not say how its letters are stored: without <meta charset="utf-8"> an é '
            "may arrive as Ã©."
        )


def _read_picture(read: _Page, png: bytes, alt: str) -> None:
    if not read.pictures:
        if "<img" in read.words:
            raise Mistake(
                "Readers see the code <img ...> instead of the picture: the body was escaped as a "
                "whole. Escape what a person typed, piece by piece, before it goes into the body."
            )
        raise Mistake("There is no <img> on the page.")
    picture = read.pictures[0]
    source = picture.get("src", "")
    head, _, data = source.partition(",")
    if not source.startswith("data:"):
        raise Mistake(
            f"The picture's src is {source[:40]!r}, another file. Sent on alone, the page would "
            'show nothing: put the bytes into the page, "data:image/png;base64,...".'
        )
    if data.startswith("b'"):
        raise Mistake(
            "The data begin with b', which is how Python prints bytes. Turn them into a text with "
            '.decode("ascii").'
        )
    if head != "data:image/png;base64":
        raise Mistake(f"The src begins with {head!r}; expected 'data:image/png;base64'.")
    try:
        same = base64.b64decode(data, validate=True) == png
    except ValueError:
        same = False
    if not same:
        raise Mistake("The data are not the bytes of the picture: base64.b64encode(png).")
    given = picture.get("alt")
    if not given:
        raise Mistake(
            "The picture has no alt text. Who cannot see it hears the alt text instead: "
            'alt="...", with the description that the function is given.'
        )
    if given == alt:
        return
    if html.unescape(given) == alt:
        raise Mistake("The alt text is escaped twice: a listener would hear the signs of the code.")
    if '"' in alt and alt.startswith(given.rstrip()):
        raise Mistake(
            f"The alt text ends at its first quotation mark: {given!r}. html.escape(alt) makes the "
            "quotation marks safe."
        )
    raise Mistake(f"The alt text is {given!r}; expected the one that the function is given.")


def _same(a: str, b: str) -> bool:
    return " ".join(a.split()) == " ".join(b.split())
