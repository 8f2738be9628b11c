"""The slides in a browser: each fits on a screen of 1280 x 720 and is readable."""

import cv2
import numpy as np
import pytest

pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed: .[site]")

from tools import address
from workshop import lessons, slides

pytestmark = [
    pytest.mark.slow,
    pytest.mark.patient,
    pytest.mark.xdist_group("slides_in_browser"),
]  # all read what is built once

# For the current slide, with everything that clicks reveal: what sticks out, how much of the height
# the pieces take, and the sizes of the smallest text, code, label of a figure, and figure.
MEASURE = """() => {
    const slide = Reveal.getCurrentSlide();
    const seen = [...slide.querySelectorAll('*')].filter(e => !e.closest('aside, script'));
    const visible = seen.filter(e => e.getBoundingClientRect().width > 0);
    const texts = visible.filter(e => !e.closest('math') && e.innerText && !e.children.length);
    const size = (found) =>
        Math.min(999, ...found.map(e => parseFloat(getComputedStyle(e).fontSize)));
    const pieces = visible.filter(e => e.matches('p, ul, ol, table, pre, .formula, img'));
    const low = Math.max(...visible.map(e => e.getBoundingClientRect().bottom));
    const figures = [...slide.querySelectorAll('.jp-RenderedHTML')];
    return {
        title: slide.querySelector('h2').innerText,
        bottom: low,
        right: Math.max(...visible.map(e => e.getBoundingClientRect().right)),
        cut: visible.filter(e => e.matches('pre') && e.scrollWidth > e.clientWidth).length,
        filled: low - Math.min(...pieces.map(e => e.getBoundingClientRect().top)),
        text: size(texts.filter(e => !e.closest('.maps, pre, code'))),
        code: size(texts.filter(e => e.closest('pre'))),
        label: size(texts.filter(e => e.closest('.maps'))),
        uneven: visible.filter(e => e.matches(".maps img[style*=pixelated]")
            && e.getBoundingClientRect().width % e.naturalWidth).length,
        figure: Math.min(999, ...figures.map(e => e.getBoundingClientRect().height)),
    };
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    target = tmp_path_factory.mktemp("slides")
    slides.write(target)
    return target


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    """The first deck of a course that somebody hosts."""
    pytest.importorskip("segno", reason="segno is not installed: pip install -e .[site]")
    target = tmp_path_factory.mktemp("hosted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(address, "read", lambda: "https://github.com/Ada/saliency-course")
        slides.write(target)
    return target


def test_the_first_slides_code_leads_to_the_page_where_you_try_it(hosted, page):
    see_that_each_slide_fits(hosted, page, lessons.names()[0])
    page.evaluate("Reveal.slide(0, 0)")
    shown = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    read, _, _ = cv2.QRCodeDetector().detectAndDecode(shown)
    assert read == "https://ada.github.io/saliency-course/try.html"
    assert read.partition("//")[2] in page.locator(".try").inner_text()


@pytest.mark.parametrize("lesson", lessons.names())
def test_every_slide_fits_on_the_screen_and_is_legible(decks, page, lesson):
    see_that_each_slide_fits(decks, page, lesson)


def see_that_each_slide_fits(decks, page, lesson):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto((decks / f"{lesson}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    count = page.evaluate("Reveal.getTotalSlides()")
    assert count >= 8
    for number in range(count):
        page.evaluate(f"Reveal.slide({number}, 0, 99)")
        found = page.evaluate(MEASURE)
        assert found["bottom"] <= 712, found
        assert found["right"] <= 1240, found
        assert found["cut"] == 0, found
        assert found["filled"] >= 130, (
            found
        )  # 18 % of the height: one sentence and two lines of code
        assert found["text"] >= 24, found
        assert found["code"] >= 24, found
        assert found["label"] >= 20, found
        assert found["uneven"] == 0, found  # each value is a block
        assert found["figure"] >= 250, found
    assert page.strangers == []
