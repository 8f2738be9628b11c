"""The reading version in a browser: by keyboard, on a phone, on paper, and without scripts."""

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e .[site]")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed: pip install -e .[site]")

from tools import notebooks, site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.patient,
    pytest.mark.xdist_group("site_in_browser"),
]

LESSONS = notebooks.lessons()

# What is cut: the page is wider than the window, or something scrolls that the Tab key can't reach.
CUT = """() => {
    const cut = [...document.querySelectorAll("article *")].filter(e =>
        e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0 &&
        e.clientWidth > 0 && !["visible", "clip"].includes(getComputedStyle(e).overflowX));
    return [document.documentElement.scrollWidth, cut.map(e => e.outerHTML.slice(0, 200))];
}"""
# What is beyond the right edge of the text, and so missing on paper.
BEYOND = """() => {
    const edge = document.querySelector("article").getBoundingClientRect().right + 2;
    const kinds = "article img, article pre, article table, article .formula";
    return [...document.querySelectorAll(kinds)]
        .filter(e => e.getBoundingClientRect().right > edge).map(e => e.outerHTML.slice(0, 200));
}"""
# Maps, and charts' panels, that aren't drawn in whole blocks, in proportion, or on the screen.
DRAWN_BADLY = """() => [...document.querySelectorAll("article img")]
    .filter(e => e.checkVisibility() && e.naturalWidth > 1).filter(e => {
        const { width, height, right } = e.getBoundingClientRect();
        const k = width / e.naturalWidth;
        const bar = e.naturalHeight === 1 || getComputedStyle(e).objectFit === "contain";
        return right > innerWidth || (!bar && Math.abs(k - height / e.naturalHeight) > 0.02) ||
            (getComputedStyle(e).imageRendering === "pixelated" && !Number.isInteger(k));
    }).map(e => e.outerHTML.replace(/base64[^"]*/, "").slice(0, 200))"""
CUT_AT = "getComputedStyle(document.querySelector('.wipe')).getPropertyValue('--cut')"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    assert site.build(target) == 0
    return target / "html"


@pytest.mark.parametrize("lesson", ["index", *LESSONS])
def test_nothing_is_cut_on_a_phone_or_on_paper(pages, page, lesson):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((pages / f"{lesson}.html").as_uri())
    page.wait_for_function("document.readyState == 'complete'")
    width, cut = page.evaluate(CUT)
    assert width <= 390
    assert cut == []
    assert page.evaluate(DRAWN_BADLY) == []
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('article details:not([open])').length") == 0
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(DRAWN_BADLY) == []
    assert not page.locator(".skip-to-content").is_visible()
    assert page.strangers == []


def test_the_wipe_follows_its_slider_by_keyboard_and_mouse(pages, page):
    page.goto((pages / "index.html").as_uri())
    slider = page.locator(".wipe input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    assert page.evaluate(CUT_AT) == "100%"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 20)
    assert 20 <= float(page.evaluate(CUT_AT).rstrip("%")) <= 30
    page.get_by_label("SmoothGrad").check()
    assert page.locator(".wipe .map:visible").get_attribute("src") == "pictures/map-2.png"


def test_without_scripts_the_wipe_has_buttons_and_the_figures_are_there(pages, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / "index.html").as_uri())
    assert not page.locator(".wipe input[type=range]").is_visible()
    page.get_by_label("half of it").focus()
    page.keyboard.press("ArrowUp")
    assert page.get_by_label("all of it").is_checked()
    page.goto((pages / f"{LESSONS[0]}.html").as_uri())
    assert page.locator("article img").first.is_visible()
    fold = page.locator("details.course-outcome").first
    fold.locator("summary").click()
    assert fold.get_by_text("It is:").is_visible()
    context.close()


def test_a_choice_opens_what_came_out(pages, page):
    page.goto((pages / f"{LESSONS[1]}.html").as_uri())
    fold = page.locator("details.course-outcome").first
    assert fold.get_attribute("open") is None
    page.locator(".course-prediction button").first.focus()
    page.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None
    assert "It is: " in fold.inner_text()
