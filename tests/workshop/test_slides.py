"""The slides: made from the lessons' cells, and complete without any other computer."""

import re
from pathlib import Path

import pytest
from page import Page

pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed: .[site]")

from workshop import lessons, slides

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = re.compile(r"^(?:[a-z]+:)?//")
CHOSEN = lessons.read_toml("slides.toml")["slide"]


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """The slides' folder, made the way an instructor makes it."""
    target = tmp_path_factory.mktemp("slides")
    slides.write(target)
    return target


@pytest.fixture(params=lessons.names())
def deck(decks, request):
    return (decks / f"{request.param}.html").read_text(encoding="utf-8")


def test_nothing_is_asked_of_another_computer(decks):
    pages = sorted(decks.glob("*.html"))
    assert len(pages) == len(lessons.names()) + 1
    for path in pages:
        text = path.read_text(encoding="utf-8")
        for tag, attributes in Page(text).elements:
            for name in ("src", "href", "srcset", "poster", "data"):
                value = attributes.get(name) or ""
                assert not OUTSIDE.match(value), (path.name, tag, value[:80])
                if value and not value.startswith(("data:", "#")):
                    assert (decks / value).is_file(), (path.name, value)
    for path in [*pages, *decks.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", text), path.name


def test_each_lesson_has_its_slides_and_figures_with_descriptions(deck):
    chosen = entries_of(deck)
    assert len(chosen) >= 8
    assert deck.count("<h2") == len(chosen)
    elements = Page(deck).elements
    figures = [tag for tag, a in elements if "jp-RenderedHTML" in (a.get("class") or "").split()]
    wanted = sum(piece.startswith(("figure", "> figure")) for e in chosen for piece in e["show"])
    assert len(figures) == wanted
    for picture in [a for tag, a in elements if tag == "img"]:
        assert picture["src"].startswith("data:image/")
        # Of a chart that may wrap, the first panel has the description.
        assert picture["alt"] or "flex: none" in picture["style"]


def entries_of(deck):
    """Return the entries of slides.toml that became this deck."""
    number = int(re.search(r"<title>Lesson (\d)", deck).group(1))
    return [entry for entry in CHOSEN if entry["lesson"] == number]


def test_each_slide_has_something_to_say_in_its_notes(deck):
    notes = re.findall(r'<aside class="notes">(.*?)</aside>', deck, re.DOTALL)
    assert len(notes) == len(entries_of(deck))
    for note in notes:
        assert len(re.sub(r"<[^>]+>", " ", note).split()) >= 12, note
        assert "the dots" not in note


def test_a_slide_has_few_sentences(deck):
    """One thought: not more prose than people read while somebody speaks."""
    slides_of_deck = re.split(r"<h2", re.sub(r"<aside.*?</aside>", "", deck, flags=re.DOTALL))[1:]
    for slide in slides_of_deck:
        prose = " ".join(re.findall(r"<p>(.*?)</p>", slide, re.DOTALL))
        words = re.sub(r"<math.*?</math>", "x", prose, flags=re.DOTALL)
        assert len(re.sub(r"<[^>]+>", " ", words).split()) <= 65, slide[:200]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("second one", "The second one ends here."),
        ("first ... second one", "It's the first (1.5 of 3). The second one ends here."),
        ("it to", "**Predict.** Will it to 0.5 rise?"),
        ("ends here. **Predict", "(all of it)"),
    ],
)
def test_sentences_are_cut_where_they_end(words, shown):
    text = "It's the first (1.5 of 3). The second one\nends here. **Predict.** Will it to 0.5 rise?"
    assert slides.sentences(text, words) == (text if shown == "(all of it)" else shown)


def test_formulas_are_mathml_and_no_mark_is_left(deck):
    visible = re.sub(r"<(script|style|pre|code)\b.*?</\1>|<img[^>]*>", "", deck, flags=re.DOTALL)
    assert "$" not in visible
    assert "\\frac" not in visible
    assert "FORMULA" not in deck
    assert "<<" not in visible
    assert "No prediction yet" not in deck
    assert deck.count("<math") == deck.count("</math>")


def test_a_prediction_comes_before_its_answer():
    """What checks.prediction prints appears at a click, after the question."""
    asked = 0
    for entry in CHOSEN:
        for place, piece in enumerate(entry["show"]):
            if "checks.prediction(" in piece:
                assert piece.startswith("> printed: "), piece
                assert place > 0, piece
                asked += 1
    assert asked >= 12


def test_what_the_instructor_says_is_in_the_notes(decks):
    plan = lessons.read_toml("plan.toml")
    with_notes = {entry["block"] for entry in CHOSEN if "block" in entry}
    assert with_notes == plan["block"].keys()
    text = (decks / "03_grad_cam.html").read_text(encoding="utf-8")
    assert re.search(r'<aside class="notes">.*I cover the bear with a grey box', text, re.DOTALL)


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ("text: these words are nowhere", "is nowhere in lesson 02"),
        ("text: the", "places in lesson 02"),
        ("picture: Three classes", "does not begin with one of text, code, printed, figure"),
        ("figure: def saliency_map(gradient)", "without it"),
    ],
)
def test_a_slip_in_the_selection_gets_one_sentence(piece, words):
    with pytest.raises(lessons.PlanError, match=re.escape(words)):
        slides.piece_of("02_vanilla_gradients", piece)


def test_the_same_slides_are_made_twice(decks, tmp_path):
    slides.write(tmp_path / "again")
    for path in (tmp_path / "again").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (decks / path.relative_to(tmp_path / "again")).read_bytes()


def test_reveal_comes_with_its_licence(decks):
    text = (decks / "reveal" / "LICENSE").read_text(encoding="utf-8")
    assert "Hakim El Hattab" in text
    assert "Permission is hereby granted" in text
