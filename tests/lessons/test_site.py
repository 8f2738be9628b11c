"""The reading version: a book that builds offline, talks like a book, and asks nobody anything."""

import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e .[site]")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed: pip install -e .[site]")

from tools import notebooks, site

ROOT = Path(__file__).resolve().parents[2]

LESSONS = notebooks.lessons()
OUTSIDE = re.compile(r"^(?:[a-z]+:)?//")

# All read what is built once.
pytestmark = [pytest.mark.slow, pytest.mark.patient, pytest.mark.xdist_group("site")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of the pages, built as the README says; a Sphinx warning is an error."""
    target = tmp_path_factory.mktemp("site")
    assert site.build(target) == 0
    return target / "html"


class Elements(HTMLParser):
    """A page's elements, (tag, attributes); its texts, (folds around it, text); its code."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.texts, self.code = [], [], []
        self._inside, self._folds = "", []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "details":
            self._folds.append(dict(attrs).get("class", ""))

    def handle_data(self, data):
        if self._inside in ("script", "style"):
            self.code.append(data)
        else:
            self.texts.append((" ".join(self._folds), data))

    def handle_endtag(self, tag):
        self._inside = ""
        if tag == "details":
            self._folds.pop()

    @property
    def words(self):
        """All text, folded or not."""
        return " ".join("".join(text for _, text in self.texts).split())

    @property
    def unfolded(self):
        """The text that you see without unfolding anything."""
        return " ".join("".join(text for folds, text in self.texts if not folds).split())


def test_there_is_one_page_a_lesson_and_one_that_lists_them(pages):
    index = (pages / "index.html").read_text(encoding="utf-8")
    for lesson in LESSONS:
        assert (pages / f"{lesson}.html").is_file()
        assert f'href="{lesson}.html"' in index


def test_there_is_a_page_per_method_and_a_glossary_and_both_lead_to_lessons(pages):
    index = (pages / "index.html").read_text(encoding="utf-8")
    for name in [*site.METHODS, "glossary"]:
        assert f'href="{name}.html"' in index
    for name in site.METHODS:
        page = (pages / f"{name}.html").read_text(encoding="utf-8")
        assert "<math" in page
        assert any(f'href="{lesson}.html"' in page for lesson in LESSONS)


def test_links_lead_to_pages_and_places_that_exist(pages):
    parsed = {path.name: Elements(path) for path in pages.glob("*.html")}
    places = {
        name: {a["id"] for _, a in page.elements if a.get("id")} for name, page in parsed.items()
    }
    checked = 0
    for name, page in parsed.items():
        for tag, attributes in page.elements:
            link = attributes.get("href") if tag in ("a", "link") else attributes.get("src")
            if not link or OUTSIDE.match(link) or link.startswith(("data:", "mailto:")):
                continue
            file, _, place = urllib.parse.unquote(link).partition("#")
            target = file.partition("?")[0] or name
            assert (pages / target).exists(), f"{name}: {link}"
            if place and target in places:
                assert place in places[target], f"{name}: {link}"
            checked += 1
    assert checked > 10 * len(LESSONS)


def test_nothing_is_loaded_from_another_host(pages):
    for path in pages.glob("*.html"):
        page = Elements(path)
        for tag, attributes in page.elements:
            if tag in ("script", "img", "iframe", "source", "video", "audio"):
                assert not OUTSIDE.match(attributes.get("src") or ""), (path.name, attributes)
            if tag == "link" and attributes.get("rel") != "canonical":
                assert not OUTSIDE.match(attributes.get("href") or ""), (path.name, attributes)
        for code in page.code:
            assert not re.search(r"""['"(](?:https?:)?//[\w-]+\.[\w.-]+/\S*\.(?:js|css)""", code)
    for path in (pages / "_static").rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_titled_and_in_its_place(pages, lesson):
    text = (pages / f"{lesson}.html").read_text(encoding="utf-8")
    assert text.count("<h1>") == 1
    position = LESSONS.index(lesson)
    links = [a.get("href") for tag, a in Elements(pages / f"{lesson}.html").elements if tag == "a"]
    for neighbour in LESSONS[max(position - 1, 0) : position + 2]:
        assert f"{neighbour}.html" in links or neighbour == lesson
    assert "next-page" in text or lesson == LESSONS[-1]
    assert "prev-page" in text


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_a_chapter_and_not_a_notebook(pages, lesson):
    page = Elements(pages / f"{lesson}.html")
    for talk in (
        *(
            "Shift + Enter",
            "Click on an answer",
            "the dots",
            "No prediction yet",
            "Run their cells",
        ),
        *("Your progress", "Set-up:", "Still stuck?", "checks.quiz(", "checks.guess(", "well done"),
    ):
        assert talk not in page.words, talk
    assert not re.search(r"(?i)\b(?:run\W+the|have)\W+checks?\b", page.words)  # nor in code
    assert "colab" not in "".join(a.get("src") or "" for _, a in page.elements)
    assert "What each answer means" in page.words  # the quiz
    source = (ROOT / "notebooks" / "source" / f"{lesson}.py").read_text(encoding="utf-8")
    assert page.words.count("Show the solution") == source.count("### BEGIN SOLUTION") > 0


@pytest.mark.parametrize("lesson", LESSONS)
def test_drawing_code_tests_and_outcomes_are_folded(pages, lesson):
    page = Elements(pages / f"{lesson}.html")
    for drawing in ("plt.subplots(", "ax.set(", "show_figure(fig"):
        assert drawing not in page.unfolded, drawing
    source = (ROOT / "notebooks" / "source" / f"{lesson}.py").read_text(encoding="utf-8")
    assert "It is: " not in page.unfolded
    assert "checks.prediction(" not in page.unfolded  # and what a cell asserts tells it, too
    assert 0 < source.count("**Predict") <= source.count(" = checks.guess(")
    folds = [a for tag, a in page.elements if tag == "details" and a.get("class")]
    outcomes = [fold for fold in folds if fold["class"] == "course-outcome"]
    assert len(outcomes) >= bool(source.count("checks.prediction("))


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_small_and_its_first_figure_needs_no_script(pages, lesson):
    path = pages / f"{lesson}.html"
    assert path.stat().st_size < 4_000_000
    article = path.read_text(encoding="utf-8").partition("<article")[2]
    figure = re.search(r"<img[^>]*>", article)
    assert 'src="data:image/' in figure.group()
    before = article[: figure.start()]
    assert before.count("<details") == before.count("</details>")


def test_numbers_on_arxiv_are_links(pages):
    found = 0
    for path in pages.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for number in re.findall(r"\barXiv:(\d{4}\.\d{4,5})", re.sub(r"<a .*?</a>", "", text)):
            raise AssertionError(f"{path.name}: {number}")
        found += len(re.findall(r'href="https://arxiv.org/abs/\d{4}\.\d{4,5}"', text))
    assert found > 20


def test_what_axe_found_stays_away(pages):
    """No name that differs from what one sees, no empty header, no picture without a text."""
    for path in pages.glob("*.html"):
        page = Elements(path)
        for tag, attributes in page.elements:
            assert tag != "summary" or "aria-label" not in attributes, path.name
            assert tag != "img" or "alt" in attributes, path.name
            assert attributes.get("role") != "heading" or attributes.get("aria-level"), path.name
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<th[^>]*>(<p>)?\s*(</p>)?</th>", text), path.name


def test_the_front_page_shows_what_the_course_is_about(pages):
    page = Elements(pages / "index.html")
    pictures = [a for tag, a in page.elements if tag == "img"]
    assert [a["src"] for a in pictures if a["alt"] == ""] == [
        f"pictures/{lesson}.png" for lesson in LESSONS
    ]
    wiped = [a["alt"] for a in pictures if a["alt"]]
    assert len(wiped) == 4  # the cat and its three maps
    inputs = [a for tag, a in page.elements if tag == "input" and "class" not in a]
    assert [a["type"] for a in inputs if a["type"] in ("range", "radio")] == [
        "range",
        *["radio"] * 3,
    ]
    links = [a.get("href") for tag, a in page.elements if tag == "a"]
    assert {"00_start_here.html", "#run-it", "#teach-it"} <= set(links)
    for lesson in LESSONS:
        about = notebooks.about(lesson)
        assert page.words.count(f"{about.minutes} minutes") >= 2  # on its card, in the syllabus
        for goal in about.goals:
            assert re.sub(r"[*`]|[^ ]*'[^ ]*", "", goal)[:20] in page.words, goal


def test_formulas_are_there_without_a_script(pages):
    text = (pages / "03_grad_cam.html").read_text(encoding="utf-8")
    assert text.count("<math") > 10
    assert not re.search("<script[^>]*mathjax", text, re.IGNORECASE)
    assert "\\frac" not in text
    assert "$$" not in text


def test_the_search_finds_words_of_the_lessons(pages):
    index = (pages / "searchindex.js").read_text(encoding="utf-8")
    assert '"smoothgrad"' in index or "smoothgrad:" in index  # an index of stems
    assert "counterfactu" in index
    assert "bear" in index
