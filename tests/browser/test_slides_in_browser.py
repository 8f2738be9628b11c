"""The slides in a browser: each fits on a screen of 1280 x 720 and is readable."""

import pytest

pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed: .[site]")

from workshop import lessons, slides

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("slides_in_browser"),
]  # all read what is built once

# For the current slide, with everything that clicks reveal: what sticks out, the height of the
# smallest figure, and the size of the smallest text.
MEASURE = """() => {
    const slide = Reveal.getCurrentSlide();
    const seen = [...slide.querySelectorAll('*')].filter(e => !e.closest('aside'));
    const boxes = seen.map(e => e.getBoundingClientRect()).filter(b => b.width > 0);
    const images = [...slide.querySelectorAll('img:not([alt^=Colours])')];
    const texts = seen.filter(e => !e.closest('math') && e.innerText && !e.children.length);
    return {
        title: slide.querySelector('h2').innerText,
        bottom: Math.max(...boxes.map(b => b.bottom)),
        right: Math.max(...boxes.map(b => b.right)),
        figure: Math.min(...images.map(i => i.clientHeight), 999),
        text: Math.min(...texts.map(e => parseFloat(getComputedStyle(e).fontSize))),
    };
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    target = tmp_path_factory.mktemp("slides")
    slides.write(target)
    return target


@pytest.mark.parametrize("lesson", lessons.names())
def test_every_slide_fits_on_the_screen_and_is_legible(decks, page, lesson):
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
        assert found["figure"] >= 170, found
        assert found["text"] >= 18, found
    assert page.strangers == []
