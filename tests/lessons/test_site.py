"""The reading version: it builds offline, its links work, and nothing comes from elsewhere."""

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

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]  # all read what is built once


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of the pages, built as the README says; a Sphinx warning is an error."""
    target = tmp_path_factory.mktemp("site")
    assert site.build(target) == 0
    return target / "html"


class Elements(HTMLParser):
    """Return a page's elements as (tag, attributes), and the text of <script> and <style>."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.code, self._inside = [], [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data):
        if self._inside in ("script", "style"):
            self.code.append(data)

    def handle_endtag(self, tag):
        self._inside = ""


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
def test_a_lesson_is_folded_titled_and_in_its_place(pages, lesson):
    text = (pages / f"{lesson}.html").read_text(encoding="utf-8")
    exercises = (ROOT / "notebooks" / "source" / f"{lesson}.py").read_text(encoding="utf-8")
    assert text.count("Show the solution") == exercises.count("### BEGIN SOLUTION") > 0
    assert "<h1>" in text
    assert text.count("<h1>") == 1
    position = LESSONS.index(lesson)
    links = [a.get("href") for tag, a in Elements(pages / f"{lesson}.html").elements if tag == "a"]
    for neighbour in LESSONS[max(position - 1, 0) : position + 2]:
        assert f"{neighbour}.html" in links or neighbour == lesson
    assert "next-page" in text or lesson == LESSONS[-1]
    assert "prev-page" in text
    assert "checks.quiz(" not in text
    assert "What each answer means" in text
    assert "Set-up: run this cell" not in text
    assert "Open this lesson in Colab" not in text


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
