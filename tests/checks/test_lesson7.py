"""The checks of lesson 7 accept right answers, however written, and name each mistake."""

from __future__ import annotations

import base64
import html
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from judging import judge

from course_utils import checks
from course_utils.checks import lesson7

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "source" / "07_creative_brief.py"

# ------------------------------------------------------------------------------------ 7.1


def right_classes(predictions, expected):
    indexes = [p.class_index for p in predictions]
    rivals = indexes[1:] if expected in (None, indexes[0]) else [expected]
    return [indexes[0], rivals[0]]


def by_cases(predictions, expected):
    first, second, *_ = (p[0] for p in predictions)
    return np.array([first, second if expected is None or expected == first else expected])


def truthy(predictions, expected):
    first, second = predictions[0].class_index, predictions[1].class_index
    return (first, expected) if expected and expected != first else (first, second)


def only_among_the_first(predictions, expected):
    indexes = [p.class_index for p in predictions]
    found = expected in indexes and expected != indexes[0]
    return indexes[0], expected if found else indexes[1]


def the_last(predictions, expected):
    first, rival = right_classes(predictions, expected)
    return first, predictions[-1].class_index if rival == predictions[1].class_index else rival


# ------------------------------------------------------------------------------------ 7.2


def one_by_one(settings):
    parts = []
    for name in settings:
        parts.append(name + "=" + repr(settings[name]))
    return ",".join(parts)


def popping(settings):
    return ", ".join("{}={!r}".format(*settings.popitem()) for _ in range(len(settings)))


# ------------------------------------------------------------------------------------ 7.3


def by_mask(values, box):
    top, left, bottom, right = box
    inside = np.zeros(values.shape, bool)
    inside[top:bottom, left:right] = True
    strength = np.sqrt(values**2)
    return strength[inside].sum() / max(strength.sum(), 1e-30)


def by_loops(values, box):
    total = sum(abs(v) for row in values for v in row)
    rows = values[box[0] : box[2]]
    return sum(abs(v) for row in rows for v in row[box[1] : box[3]]) / total if total else 0


def share(cut=lambda v, t, left, b, r: v[t:b, left:r], inside=np.abs, whole=np.abs):
    """Exercise 7.3 with one thing done otherwise."""

    def answer(values, box):
        part, total = inside(cut(values, *box)).sum(), whole(values).sum()
        return part / total if total else 0.0

    return answer


def in_place(values, box):
    result = by_mask(values, box)
    np.abs(values, out=values)
    return result


# ------------------------------------------------------------------------------------ 7.4


def page(
    title_as=html.escape,
    alt_as=html.escape,
    text_as=html.escape,
    heading_as=None,
    encode=lambda png: base64.b64encode(png).decode(),
    source="data:image/png;base64,{}",
    picture='<img src="{src}" alt="{alt}">',
    frame='<html><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body><h1>{title}</h1>{body}</body></html>",
    facts_as=lambda facts: facts,
):
    """Exercise 7.4 with one thing done otherwise."""

    def answer(title, png, alt, facts):
        body = picture.format(src=source.format(encode(png)), alt=alt_as(alt))
        for heading, text in facts_as(facts).items():
            body += f"<p>{(heading_as or text_as)(heading)}: {text_as(text)}</p>"
        return frame.format(title=title_as(title), body=body)

    return answer


def as_a_table(title, png, alt, facts):
    from xml.sax.saxutils import escape, quoteattr

    rows = "".join(f"<tr><th>{escape(h)}</th><td>{escape(t)}</td></tr>" for h, t in facts.items())
    data = base64.standard_b64encode(png).decode("ascii")
    return f"""<!DOCTYPE html>
<html lang="en"><head><META CHARSET='UTF-8'/><title>
{escape(title)}</title><style>img {{ width: 100% }}</style></head>
<body><h1>{escape(title)}</h1>
<img alt={quoteattr(alt)} src='data:image/png;base64,{data}'/><table>{rows}</table></body></html>"""


def twice(text):
    return html.escape(html.escape(text))


def unescaped(text):
    return text


RIGHT = {
    "choose_classes": [right_classes, by_cases],
    "settings_text": [
        lambda s: ", ".join(f"{name}={value!r}" for name, value in s.items()),
        one_by_one,
        lambda s: "".join(f"{k} = {v!r}, " for k, v in sorted(s.items())),
    ],
    "evidence_share": [by_mask, by_loops],
    "card_html": [page(), as_a_table],
}

WRONG = {
    "choose_classes": [
        (lambda p, e: (p[0].label, p[1].label), "is a label"),
        (lambda p, e: p[:2], "whole predictions"),
        (lambda p, e: p[0], "one whole prediction"),
        (lambda p, e: (0, 1), "places in the list"),
        (lambda p, e: (p[0].class_index, p[1].class_index), "You expect class 99"),
        (lambda p, e: (p[0].class_index, e), "Two different classes"),
        (lambda p, e: right_classes(p, e)[::-1], "comes first, its rival second"),
        (lambda p, e: (p[0].class_index, p[1].class_index if e == 41 else e), "None is not a"),
        (lambda p, e: (p[0].probability, p[1].probability), "probabilities or scores"),
        (lambda p, e: (p[0].score, p[1].score), "probabilities or scores"),
        (lambda p, e: [x.class_index for x in p], "not 5 things"),
        (lambda p, e: p[0].class_index, "two class indexes"),
        (truthy, "Class 0 is a class"),
        (only_among_the_first, "counts also if it is not among"),
        (the_last, "not the last"),
    ],
    "settings_text": [
        (lambda s: str(s), "own spelling"),
        (lambda s: ", ".join(f"{k}={v!r}" for k, v in s.items() if v), "seed=0 is missing"),
        (lambda s: ", ".join(f"{k}={v}" for k, v in s.items()), "needs its quotes"),
        (
            lambda s: ", ".join(
                f"{k}={v:.2f}" if isinstance(v, float) else f"{k}={v!r}" for k, v in s.items()
            ),
            "Rounded settings",
        ),
        (lambda s: f"samples={s['samples']}, noise={s['noise']}, seed={s['seed']}", "KeyError"),
        (lambda s: ", ".join(s), "brackets of a call"),
        (lambda s: ", ".join(f"{k}: {v!r}" for k, v in s.items()), "brackets of a call"),
        (lambda s: ", ".join(f"{v!r}" for v in s.values()), "samples, noise is missing|is missing"),
        (lambda s: print(s), "printing it is not enough"),
        (lambda s: next(f"{k}={v!r}" for k, v in s.items()), "missing"),
        (lambda s: [f"{k}={v!r}" for k, v in s.items()], "not list"),
        (popping, "dictionary itself was changed"),
        (lambda s: one_by_one({**s, "method": "grad_cam"}), "not in `settings`"),
    ],
    "evidence_share": [
        (share(inside=lambda v: v, whole=lambda v: v), "signs, in which rising and falling cancel"),
        (share(inside=lambda v: v), "signs are still there"),
        (share(whole=lambda v: v), "total is taken with signs"),
        (share(inside=lambda v: v.clip(0), whole=lambda v: v.clip(0)), "Negative"),
        (share(cut=lambda v, t, left, b, r: v[left:r, t:b]), "Rows and columns are swapped"),
        (share(cut=lambda v, t, left, b, r: v[t : t + b, left : left + r]), "height and width"),
        (
            share(cut=lambda v, t, left, b, r: v[t : b + 1, left : r + 1]),
            "first row and column outside",
        ),
        (lambda v, box: share()(v, box) * v.size / 4, "mean in the box over"),
        (lambda v, box: np.abs(v[box[0] : box[2], box[1] : box[3]]).mean(), "mean in the box"),
        (lambda v, box: np.abs(v[box[0] : box[2], box[1] : box[3]]).sum(), "Divide by the total"),
        (lambda v, box: (box[2] - box[0]) * (box[3] - box[1]) / v.size, "share of the area"),
        (lambda v, box: 1 - by_mask(v, box), "outside of the box"),
        (lambda v, box: 100 * by_mask(v, box), "percentage"),
        (share(inside=np.square, whole=np.square), "squares"),
        (lambda v, box: np.abs(v[1:3, 3:5]).sum() / max(np.abs(v).sum(), 1), "all four numbers"),
        (
            lambda v, box: np.abs(v[box[0] : box[2], box[1] : box[3]]).sum() / np.abs(v).sum(),
            "zero divided by zero",
        ),
        (lambda v, box: np.abs(v)[box[0] : box[2], box[1] : box[3]], r"shape \(2, 2\)"),
        (in_place, "map itself was changed"),
    ],
    "card_html": [
        (page(picture='<img src="{src}">'), "no alt text"),
        (page(alt_as=lambda a: ""), "no alt text"),
        (page(alt_as=lambda a: "a picture"), "expected the one that"),
        (page(alt_as=unescaped), "first quotation mark"),
        (page(alt_as=lambda a: html.escape(a, quote=False)), "first quotation mark"),
        (page(alt_as=twice), "alt text is escaped twice"),
        (page(title_as=unescaped), "html.escape"),
        (page(text_as=unescaped), "html.escape"),
        (page(heading_as=unescaped), "html.escape"),
        (page(title_as=twice), "escaped twice"),
        (page(text_as=twice), "escaped twice"),
        (page(encode=lambda png: base64.b64encode(png)), "begin with b'"),
        (page(source="card.png"), "another file"),
        (page(source="data:image/jpeg;base64,{}"), "expected 'data:image/png"),
        (page(encode=lambda png: png.hex()), "not the bytes"),
        (page(picture="{src}{alt}"), "no <img>"),
        (page(frame="<h1>{title}</h1>&lt;img {body}", picture="{src}"), "escaped as a whole"),
        (page(facts_as=lambda f: {}), "every entry of `facts`"),
        (page(facts_as=lambda f: dict(list(f.items())[:1])), "every entry of `facts`"),
        (page(frame='<meta charset="utf-8"><title>{title}</title>{body}'), "an <h1>"),
        (page(frame='<meta charset="utf-8"><h1>{title}</h1>{body}'), "The <title>"),
        (page(frame="<title>{title}</title><h1>{title}</h1>{body}"), "charset"),
        (
            page(frame='<link href="https://x.example/a.css"><h1>{title}</h1>{body}'),
            "it must open offline",
        ),
        (lambda *a: page()(*a).encode(), "bytes"),
    ],
}

TestChecks = judge(RIGHT, WRONG)


@pytest.mark.parametrize("name", RIGHT)
def test_the_answers_are_known_without_the_package(name, monkeypatch, capsys):
    """Whatever the helpers do: a wrong answer is rejected, a right one accepted."""

    def broken(*arguments, **options):
        raise AssertionError("a check asked the package for the answer")

    for helper in ("images.resize_map", "display.map_values", "display.channel_max"):
        monkeypatch.setattr(f"course_utils.{helper}", broken)
    monkeypatch.setattr("course_utils.models.Classifier.predict", broken)
    getattr(checks, name)(RIGHT[name][0])
    assert ": right" in capsys.readouterr().out
    getattr(checks, name)(WRONG[name][0][0])
    assert "not right yet" in capsys.readouterr().out


def test_a_page_is_read_as_a_browser_reads_it():
    read = lesson7._Page("<title>a &amp; b</title><p>c &lt; d<img alt='x' src=y>")
    assert (read.title, read.words.strip(), read.pictures) == (
        "a & b",
        "c < d",
        [{"alt": "x", "src": "y"}],
    )


# ------------------------------------------------------- what the notebook's own cells promise


def cell_with(text: str) -> dict:
    """Run the one cell of the lesson in which this stands, and return its names."""
    cells = SOURCE.read_text(encoding="utf-8").split("\n# %%")
    [cell] = [cell for cell in cells if text in cell]
    names: dict = {}
    exec(cell[cell.index("\n") :], names)
    return names


@pytest.mark.parametrize("chosen", ["a file", "nothing"])
def test_in_colab_the_picture_is_uploaded(chosen, monkeypatch):
    """Google's upload returns name -> bytes, and an empty dictionary if nothing was chosen."""
    dot = {"dot.png": base64.b64decode(lesson7._DOT)} if chosen == "a file" else {}
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(upload=lambda: dot)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    read_picture = cell_with("def read_picture")["read_picture"]
    assert read_picture("upload").shape == ((1, 1, 3) if dot else (512, 512, 3))


def test_elsewhere_a_path_is_read_and_an_upload_is_no_file(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    read_picture = cell_with("def read_picture")["read_picture"]
    path = tmp_path / "mein Löwe.png"
    path.write_bytes(base64.b64decode(lesson7._DOT))
    assert read_picture(str(path)).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="works in Colab only"):
        read_picture("upload")


def test_a_named_folder_keeps_the_card(tmp_path):
    write_card = cell_with("def write_card")["write_card"]
    png, page = write_card(tmp_path / "my cards" / "é", "card", b"png", "é < ł")
    assert png.read_bytes() == b"png" and page.read_text(encoding="utf-8") == "é < ł"
    assert (
        {png.name, page.name}
        == {"card.png", "card.html"}
        == {p.name for p in page.parent.iterdir()}
    )
