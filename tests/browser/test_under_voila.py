"""The playground as a page: upload, refusal, class search by keyboard, maps, and the card."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from course_utils import load_image
from course_utils.apps.playground import MAX_BYTES

pytestmark = pytest.mark.slow


@pytest.fixture
def playground(page, voila):
    page.goto(voila, wait_until="domcontentloaded", timeout=120_000)
    page.get_by_role("button", name="Explain").wait_for(timeout=120_000)
    page.get_by_role("status").filter(has_text="most probable").wait_for()
    return page


def jpeg(picture):
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="jpeg", quality=92)
    return content.getvalue()


def choose_file(page, name, content, kind="image/jpeg"):
    """Press the upload button by keyboard, and choose a file in the dialog that opens."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a picture").press("Enter")
    chooser.value.set_files({"name": name, "mimeType": kind, "buffer": content})


def check_names_and_width(page):
    """Every control has a name, and nothing is wider than a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)  # for the layout
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    named = {
        "combobox": ["Example", "Network"],
        "textbox": ["Search a class"],
        "listbox": ["Class"],
        "checkbox": ["Vanilla gradients", "Integrated gradients", "Grad-CAM", "SmoothGrad"],
        "button": ["Explain", "Cancel"],
    }
    for role, names in named.items():
        for name in names:
            assert page.get_by_role(role, name=name).count() == 1, (role, name)


def test_from_an_upload_to_the_card(playground):
    page = playground
    check_names_and_width(page)
    choose_file(page, "my dog.jpg", jpeg(load_image("coffee")))
    page.get_by_alt_text(re.compile("uploaded picture, my dog.jpg")).wait_for()
    page.get_by_role("cell", name="espresso (967)").wait_for()

    page.get_by_label("Search a class").focus()
    page.keyboard.type("saucer cup")
    page.get_by_role("status").filter(has_text="no class 'saucer cup'").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("cup")
    page.get_by_role("status").filter(has_text=re.compile(r"\d+ classes match")).wait_for()
    page.keyboard.press("Tab")
    chosen = page.get_by_role("listbox", name="Class")
    assert chosen.evaluate("e => e === document.activeElement")
    page.keyboard.press("End")
    label = chosen.evaluate("e => e.selectedOptions[0].innerText").replace("\xa0", " ")
    assert "cup" in label

    page.get_by_role("checkbox", name="SmoothGrad").uncheck()
    page.get_by_role("button", name="Explain").press("Enter")
    page.get_by_text("Download the card as a page").wait_for()
    figure = page.get_by_alt_text(re.compile("^Grad-CAM: the picture"))
    assert figure.count() == 1
    assert label in figure.get_attribute("alt")
    with page.expect_download() as download:
        page.get_by_text("Download the card as a page").press("Enter")
    card = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == "explanation_card.html"
    assert "my dog.jpg" in card
    assert label in card
    assert card.count("<img ") == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="as a picture").click()
    assert np.asarray(Image.open(download.value.path())).shape[1] > 600
    assert page.strangers == []


REFUSED = {
    "notes.png": (b"no picture at all", "content of 'notes.png' is not one of the formats"),
    "big.jpg": (b"x" * (MAX_BYTES + 1), "'big.jpg' has 8.0 MB, but the limit is 8 MB"),
    # More than a server accepts at once, unless apps/server.py allows it.
    "huge.jpg": (b"x" * 15_000_000, "'huge.jpg' has 15.0 MB, but the limit is 8 MB"),
}


def test_an_upload_that_is_refused(playground):
    """The previous picture is still there, and can be explained."""
    page = playground
    for name, (content, said) in REFUSED.items():
        choose_file(page, name, content)
        page.get_by_role("alert").filter(has_text=said).wait_for()
    assert page.get_by_alt_text(re.compile("Close-up of the face of a brown tabby")).count() == 1
    page.get_by_role("checkbox", name="SmoothGrad").uncheck()
    page.get_by_role("button", name="Explain").click()
    page.get_by_alt_text(re.compile("^Grad-CAM: the picture")).wait_for()
    assert page.get_by_role("alert").count() == 0
