"""The playground: files, classes by keyboard, maps, the card, and a kernel that ends."""

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from course_utils import load_image
from course_utils.apps.playground import MAX_BYTES

pytestmark = [pytest.mark.slow, pytest.mark.patient]


@pytest.fixture
def playground(page, voila):
    page.goto(voila, wait_until="domcontentloaded", timeout=120_000)
    explain_button(page, "Egyptian cat (285)").wait_for(timeout=120_000)
    return page


def explain_button(page, name):
    return page.get_by_role("button", name=f"Explain {name}", exact=True)


def class_button(page, name):
    """The button that chooses a class: its name begins with the class's."""
    return page.get_by_role("group", name="Class").get_by_role("button", name=name)


def jpeg(picture):
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="jpeg", quality=92)
    return content.getvalue()


def choose_file(page, name, content, kind="image/jpeg"):
    """Press the upload button by keyboard, and choose a file in the dialog that opens."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a picture").press("Enter")
    chooser.value.set_files({"name": name, "mimeType": kind, "buffer": content})


HAND_OVER = """([kind, names, content]) => {
  const files = new DataTransfer();
  for (const name of names)
    files.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
  const how = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent(kind, { clipboardData: files, ...how })
    : new DragEvent(kind, { dataTransfer: files, ...how });
  document.body.dispatchEvent(event);
}"""


def hand_over(page, kind, content, *names):
    """Drop or paste files of that content."""
    page.evaluate(HAND_OVER, [kind, names, base64.b64encode(content).decode()])


def check_names_and_width(page):
    """Every control has a name, and nothing is wider than a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.documentElement.scrollWidth <= 390")
    named = {
        "group": ["Example", "Network", "Class"],
        "textbox": ["Search a class"],
        "checkbox": ["Vanilla gradients", "Integrated gradients", "Grad-CAM", "SmoothGrad"],
        "button": ["Upload a picture", "cat", "efficientnet-lite0", "Explain Egyptian cat (285)"],
    }
    for role, names in named.items():
        for name in names:
            assert page.get_by_role(role, name=name, exact=role != "button").count() >= 1, name


def check_that_it_follows_the_system(page):
    """Where the system is dark, words are lighter than what's behind them; else, darker."""
    words = "(name) => Number(getComputedStyle(document.body)[name].match(/[0-9]+/))"  # red, of 255
    lighter = f"['color', 'backgroundColor'].map({words}).reduce((text, page) => text > page)"
    for scheme, compare in (("dark", ""), ("light", "!")):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"{compare}({lighter})")


def see_maps_in_view(page, name):
    """The maps' heading gets the focus, and is in view; then the maps are completed."""
    heading = page.get_by_role("heading", name=f"The maps of {name}")
    heading.wait_for()
    page.wait_for_function("document.activeElement.matches('.playground-focus')")
    box, height = heading.bounding_box(), page.viewport_size["height"]
    assert box
    assert 0 <= box["y"] < height / 2
    page.get_by_text("Download the card as a page").wait_for()


def test_from_an_upload_to_the_card(playground):
    page = playground
    assert "Ready." not in page.locator("body").inner_text()
    check_names_and_width(page)
    check_that_it_follows_the_system(page)
    choose_file(page, "my dog.jpg", jpeg(load_image("coffee")))
    page.get_by_alt_text(re.compile("uploaded picture, my dog.jpg")).wait_for()
    explain_button(page, "espresso (967)").wait_for()
    # No example is chosen now, and choosing one counts; so does the same file again.
    cat = page.get_by_role("button", name="cat", exact=True)
    assert cat.get_attribute("aria-pressed") == "false"
    cat.press("Enter")
    explain_button(page, "Egyptian cat (285)").wait_for()
    choose_file(page, "my dog.jpg", jpeg(load_image("coffee")))
    explain_button(page, "espresso (967)").wait_for()

    page.get_by_label("Search a class").focus()
    page.keyboard.type("saucer cup")
    page.get_by_role("status").filter(has_text="No class has the name 'saucer cup'").wait_for()
    assert explain_button(page, "(choose a class)").is_disabled()
    page.keyboard.press("Control+a")
    page.keyboard.type("cup")
    page.get_by_role("status").filter(has_text="2 classes match 'cup'").wait_for()
    assert explain_button(page, "(choose a class)").is_disabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    explain_button(page, "cup (968)").wait_for()
    assert class_button(page, "cup (968)").get_attribute("aria-pressed") == "true"

    page.get_by_role("checkbox", name="SmoothGrad").uncheck()
    explain_button(page, "cup (968)").press("Enter")
    see_maps_in_view(page, "cup (968)")
    figure = page.get_by_role("figure").filter(
        has=page.get_by_alt_text(re.compile("^Grad-CAM: the picture"))
    )
    assert figure.count() == 1
    assert figure.get_by_alt_text(re.compile(r"^cup \(968\)")).count() == 1
    with page.expect_download() as download:
        page.get_by_text("Download the card as a page").press("Enter")
    card = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == "explanation_card.html"
    assert "my dog.jpg" in card
    assert "cup (968)" in card
    assert card.count("<img ") == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="as a picture").click()
    assert np.asarray(Image.open(download.value.path())).shape[1] > 600
    assert page.strangers == []


REFUSED = {
    "notes.png": (b"no picture at all", "content of 'notes.png' is not one of the formats"),
    "big.jpg": (b"x" * (MAX_BYTES + 1), "'big.jpg' has 8.0 MB, but the limit is 8 MB"),
    # In JupyterLab, its server would drop the connection.
    "huge.jpg": (b"x" * 15_000_000, "'huge.jpg' has 15.0 MB, but the limit is 8 MB"),
}
OPACITIES = """[...document.querySelectorAll(".playground-layers img")].map(
  (layer) => getComputedStyle(layer).opacity)"""


def test_refusals_the_fade_and_the_end(playground):
    """A refused file leaves the picture before; the fade needs no kernel; its end is said."""
    page = playground
    button = page.get_by_role("button", name="Upload a picture")
    for name, (content, said) in REFUSED.items():
        choose_file(page, name, content)
        alert = page.get_by_role("alert").filter(has_text=said)
        alert.wait_for()
        assert page.get_by_role("alert").filter(visible=True).count() == 1
        distance = alert.bounding_box()["y"] - button.bounding_box()["y"]
        assert distance < 200
        assert "(" not in button.inner_text()  # (1): one file
    assert page.get_by_alt_text(re.compile("Close-up of the face of a brown tabby")).count() == 1
    hand_over(page, "drop", jpeg(load_image("coffee")), "a.jpg", "b.jpg")
    page.get_by_role("alert").filter(has_text="Those were 2 files: give one picture.").wait_for()
    hand_over(page, "drop", jpeg(load_image("coffee")), "a long name " * 9)
    explain_button(page, "espresso (967)").wait_for()
    assert button.bounding_box()["width"] > 150
    assert page.get_by_role("alert").filter(visible=True).count() == 0
    hand_over(page, "paste", jpeg(load_image("banana")), "b.jpg")
    explain_button(page, "banana (954)").wait_for()

    page.get_by_role("checkbox", name="SmoothGrad").uncheck()
    class_button(page, "cucumber").click()
    explain_button(page, "cucumber (943)").click()
    see_maps_in_view(page, "cucumber (943)")
    controls = button.bounding_box()
    maps = page.get_by_role("slider").bounding_box()
    assert maps["x"] > controls["x"] + controls["width"]  # two columns

    for kernel in psutil.Process().children(recursive=True):
        if "ipykernel_launcher" in kernel.cmdline():
            kernel.kill()
    page.get_by_role("alert").filter(has_text="The kernel has stopped").wait_for()
    fade = page.get_by_role("slider")
    for key, said, opacities in [
        ("Home", "100% picture", ["1", "0", "0"]),
        ("ArrowRight", "95% picture, 5% cucumber (943)", ["1", "0.05", "0"]),
        ("End", "100% banana (954)", ["1", "1", "1"]),
        ("ArrowLeft", "5% cucumber (943), 95% banana (954)", ["1", "1", "0.95"]),
    ]:
        fade.press(key)
        assert fade.get_attribute("aria-valuetext") == said
        assert page.evaluate(OPACITIES) == opacities


def test_in_jupyterlab(page, jupyterlab):
    """Its server drops the connection at a message of 10 MB, and would take no picture after it."""
    address, folder = jupyterlab
    shutil.copy(Path(__file__).parents[2] / "notebooks" / "playground.ipynb", folder)
    page.goto(f"{address}/lab/tree/playground.ipynb?reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    explain_button(page, "Egyptian cat (285)").wait_for(timeout=120_000)

    content, said = REFUSED["huge.jpg"]
    choose_file(page, "huge.jpg", content)
    page.get_by_role("alert").filter(has_text=f"{said}.").wait_for()
    page.get_by_role("alert").filter(has_text="The picture is still: cat.").wait_for()
    choose_file(page, "good.jpg", jpeg(load_image("coffee")))
    explain_button(page, "espresso (967)").wait_for()
    assert page.get_by_role("alert").filter(visible=True).count() == 0

    class_button(page, "espresso").press("ArrowDown")  # which would go to the next cell
    class_button(page, "espresso").press("Space")
    page.get_by_role("checkbox", name="SmoothGrad").uncheck()
    explain_button(page, "espresso (967)").click()
    see_maps_in_view(page, "espresso (967)")
    page.get_by_alt_text(re.compile("^espresso .*: strongest")).hover(position={"x": 1, "y": 1})
    page.get_by_role("status").filter(has_text="espresso (967): row 0, column 0, value").wait_for()

    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    page.get_by_role("alert").filter(has_text="The kernel has stopped").wait_for()
    assert page.get_by_role("alert").filter(visible=True).count() == 1
