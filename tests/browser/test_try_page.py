"""The page "Try it in the browser": it reads pictures as Python does, and keeps them here."""

import base64
import contextlib
import functools
import http.server
import io
import json
import re
import struct
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e .[site]")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed: pip install -e .[site]")

from course_utils import load_classifier, load_image
from course_utils.apps.playground import close_classes, find_classes
from course_utils.attribution import grad_cam
from course_utils.data_files import data_path, read_json
from course_utils.images import centre_square, resize_picture
from tools import site, try_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.patient,
    pytest.mark.xdist_group("try_page"),
]

LONG = 300_000  # ms for the network, whose graphics processor may be a program on a busy computer
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LISTEN = """
self.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    assert site.build(target) == 0
    return target / "html"


@contextlib.contextmanager
def opened(chromium, address, network=True, script=LISTEN, **options):
    """The page, with what it requested, and every error that the browser noted."""
    with chromium.new_context(**options) as context:
        page = context.new_page()
        page.set_default_timeout(LONG if network else 30_000)
        page.requested, page.noted = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda said: page.noted.append(said.text))
        page.on("pageerror", lambda error: page.noted.append(str(error)))
        page.add_init_script(script)
        if not network:  # and nothing that takes a processor
            page.route("**/engine.js", lambda route: route.abort())
        page.goto(address)
        yield page


@pytest.fixture(scope="module")
def reader(chromium, pages):
    """The page without its network, which reads pictures all the same."""
    with opened(chromium, (pages / "try.html").as_uri(), network=False) as page:
        page.locator("#name", has_text="cat").wait_for()
        page.get_by_text("engine.js didn't load. Check that you're online").wait_for()
        yield page


def give(page, name, content):
    """Choose a file by keyboard; return what the page then says against it, or "" ."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a picture").press("Enter")
        chooser.value.set_files(path)
        return answer(page, name)


def answer(page, name):
    for _ in range(1000):
        refused = page.locator("#refused").inner_text()
        is_read = page.locator("#name").inner_text() == name
        if refused or (is_read and not page.locator("#reading").inner_text()):
            return refused
        time.sleep(0.05)
    raise AssertionError("the page says nothing")


def seen(page):
    url = page.locator("#seen").get_attribute("src")
    content = io.BytesIO(base64.b64decode(url.partition(",")[2]))
    return np.asarray(Image.open(content).convert("RGB"), int)


def expected(content):
    return np.round(resize_picture(centre_square(load_image(content)), (224, 224)))


@contextlib.contextmanager
def never_busy_for(seconds, chromium, page):
    """Check that the page does nothing for so long that it'd feel frozen.

    That's in its processor's time, because on a busy computer everything waits; the time that the
    PerformanceObserver saw is printed.
    """
    page.evaluate("longTasks.length = 0")
    chromium.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "v8"])
    yield
    events = json.loads(chromium.stop_tracing())["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    done = [
        e for e in events if names.get((e["pid"], e["tid"])) == "CrRendererMain" and "tdur" in e
    ]
    tasks = [e for e in done if "RunTask" in e["name"]]
    assert len(tasks) > 100
    # Playwright's own questions run in the page, too.
    asked = [(e["pid"], e["ts"]) for e in done if e["name"].startswith("v8.evaluate")]
    own = [
        e["tdur"] / 1e6
        for e in tasks
        if not any(pid == e["pid"] and 0 <= ts - e["ts"] <= e["dur"] for pid, ts in asked)
    ]
    seen = page.evaluate("Math.max(0, ...longTasks)")
    print(f"longest task: {1000 * max(own):.0f} ms of the processor; from outside, {seen:.0f} ms")
    assert max(own) < seconds


# -------------------------------------------------------------------------------------- reading


def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def photo(width, height, mode="RGB"):
    """A smooth picture that isn't like itself however it's turned, with some noise."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    channels = [x, y, (x + y) / 2, np.clip(2 * x, 0, 1)]
    noise = np.random.default_rng(0).integers(0, 30, (height, width, 4))
    values = (np.stack(channels, 2) * 220 + noise).astype(np.uint8)
    return Image.fromarray(values, "RGBA").convert(mode)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def chunk(kind, data):
    content = kind + data
    return struct.pack(">I", len(data)) + content + struct.pack(">I", zlib.crc32(content))


def deep_png(channels):
    """A PNG of 16 bits per channel, which Pillow doesn't write in colour."""
    rows = np.random.default_rng(1).integers(0, 65536, (90, 120, channels)).astype(">u2")
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 120, 90, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def with_gamma(png):
    """A PNG that says its numbers mean other colours, as screenshots do: Pillow doesn't listen."""
    return png[:33] + chunk(b"gAMA", struct.pack(">I", 100_000)) + png[33:]


def files():
    """Yield (name, content) of every kind of picture file."""
    for entry in read_json("images/examples.json").values():
        yield entry["file"], data_path(f"images/{entry['file']}").read_bytes()
    for orientation in range(1, 9):
        exif = turned(orientation)
        yield f"turned-{orientation}.jpg", encoded(photo(317, 240), "jpeg", exif=exif, quality=95)
    yield "phone.jpg", encoded(photo(4032, 3024), "jpeg", exif=turned(6), quality=80)
    yield "turned.png", encoded(photo(241, 320), "png", exif=turned(8))
    yield "turned.webp", encoded(photo(241, 320), "webp", exif=turned(3), lossless=True)
    yield "progressive.jpg", encoded(photo(300, 301), "jpeg", progressive=True, quality=95)
    yield "grey.jpg", encoded(photo(300, 200, "L"), "jpeg", quality=95)
    transparent = photo(300, 200, "RGBA")
    yield "transparent.png", encoded(transparent, "png")
    yield "transparent.webp", encoded(transparent, "webp", lossless=True)
    yield "palette.png", encoded(photo(300, 200, "P"), "png", transparency=3)
    yield "screenshot.png", with_gamma(encoded(photo(1600, 900), "png"))
    yield "grey-and-alpha.png", encoded(photo(100, 100, "LA"), "png")
    for channels in (1, 3, 4):
        yield f"16-bit-{channels}.png", deep_png(channels)
    more = {"save_all": True, "append_images": [photo(200, 150).rotate(180)]}
    yield "animated.gif", encoded(photo(200, 150), "gif", **more)
    yield "animated.png", encoded(photo(200, 150), "png", **more)
    yield "animated.webp", encoded(photo(200, 150), "webp", lossless=True, **more)
    yield "picture.bmp", encoded(photo(224, 224), "bmp")
    yield "tiny.png", encoded(photo(5, 3), "png")
    yield "named-wrongly.gif", encoded(photo(50, 60), "png")


def test_pictures_are_read_as_python_reads_them(reader):
    """Within one grey level: a browser's decoder may round the other way."""
    for name, content in files():
        assert give(reader, name, content) == "", name
        difference = np.abs(seen(reader) - expected(content))
        print(f"{name}: {difference.max():.0f} levels, {(difference > 0).mean():.2%} of the values")
        assert difference.max() <= 1, name


def test_reading_a_large_photo_freezes_nothing(chromium, reader):
    content = encoded(photo(4032, 3024), "jpeg", exif=turned(6), quality=80)
    with never_busy_for(0.1, chromium, reader):
        assert give(reader, "large.jpg", content) == ""


def test_an_example_is_what_python_loads(reader):
    for button in reader.locator("#examples button").all():
        button.press("Enter")
        name = button.inner_text()
        assert answer(reader, name) == ""
        assert np.abs(seen(reader) - expected(name.replace(" ", "_"))).max() <= 1
        assert button.get_attribute("aria-pressed") == "true"


def broken_files():
    png = encoded(photo(50, 40), "png")
    jpeg = encoded(photo(400, 400), "jpeg")
    yield "empty.png", b"", True
    yield "text.png", b"hello", False
    yield "picture.tif", encoded(photo(9, 9), "tiff"), False
    large = struct.pack(">IIBBBBB", 10_000, 6000, 8, 2, 0, 0, 0)
    yield "large.png", png[:8] + chunk(b"IHDR", large) + png[33:], True
    comments = b"".join(chunk(b"tEXt", b"") for _ in range(81_000))
    yield "comments.png", png[:33] + comments + png[33:], True
    yield "passes.jpg", jpeg[:-2] + 33 * b"\xff\xda\x00\x03\x01" + jpeg[-2:], True
    yield "half.png", png[: len(png) // 2], False
    yield "half.jpg", jpeg[: len(jpeg) // 2], False
    yield "half.gif", encoded(photo(50, 40), "gif")[:900], False
    yield "half.webp", encoded(photo(50, 40), "webp")[:200], False
    yield "changed.png", png[:60] + bytes(40) + png[100:], False


def test_what_isnt_a_picture_gets_a_sentence_and_changes_nothing(reader):
    give(reader, "before.png", encoded(photo(30, 30), "png"))
    before = seen(reader)
    for name, content, is_same in broken_files():
        said = give(reader, name, content)
        assert repr(name) in said, said
        assert said.endswith("The picture is still: before.png."), said
        assert (seen(reader) == before).all()
        if name == "picture.tif":  # which Python can read, and browsers can't
            assert "not one of the formats that can be read (PNG, JPEG, WEBP, GIF, BMP" in said
            continue
        with pytest.raises(ValueError, match=r".") as told:
            load_image(content)
        wanted = str(told.value).replace("the given bytes", repr(name))
        if is_same:
            assert said.startswith(wanted)
        else:  # decoders differ, and so do the formats
            assert said[:30] == wanted[:30]


HAND_OVER = """([kind, names, content]) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  for (const name of names) files.items.add(new File([bytes], name));
  const how = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent(kind, { clipboardData: files, ...how })
    : new DragEvent(kind, { dataTransfer: files, ...how });
  return !document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted(reader, kind):
    content = encoded(photo(40, 50), "png")
    name = f"{kind}.png"
    reader.evaluate("document.querySelector('footer').scrollIntoView({behavior: 'instant'})")
    packed = base64.b64encode(content).decode()
    assert reader.evaluate(HAND_OVER, [kind, ["a.png", "b.png"], packed])
    assert answer(reader, name).startswith("Those were 2 files: give one picture.")
    reader.wait_for_function(  # wherever you were
        "document.getElementById('refused').getBoundingClientRect().top > 0"
    )
    assert reader.evaluate(HAND_OVER, [kind, [name], packed])
    assert answer(reader, name) == ""
    assert np.abs(seen(reader) - expected(content)).max() <= 1


# ------------------------------------------------------------------------------------- the policy


def test_the_page_is_small_and_holds_no_other_hosts_and_no_storage(pages):
    text = (pages / "try.html").read_text(encoding="utf-8")
    head, _, rest = text.partition("<meta http-equiv")
    assert "<script" not in head
    assert "<link" not in head
    policy = rest.partition('content="')[2].partition('"')[0]
    assert policy == try_page.POLICY
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|connect-src|unsafe-eval", policy)
    own = [*re.findall(r'(?:src|href)="((?:try|_static|pictures)/[^"?]+)', text)]
    used = {pages / name for name in own} | set((pages / "try").iterdir())
    size = sum(file.stat().st_size for file in used) + len(text)
    light = sum((pages / name).stat().st_size for name in own) + len(text)
    print(f"all of it: {size / 1e6:.2f} MB; before the first example: {light / 1e6:.2f} MB")
    assert size <= 16e6
    assert light <= 0.5e6
    ours = [p for p in used if p.suffix == ".js" and not re.match("engine|weights|example", p.name)]
    for file in ours:
        words = file.read_text(encoding="utf-8")
        assert not re.search(
            r"localStorage|sessionStorage|indexedDB|document\.cookie|sendBeacon", words
        )


@pytest.mark.parametrize("script", ["delete self.OffscreenCanvas;", "delete self.Worker;"])
def test_an_old_browser_gets_a_sentence(chromium, pages, script):
    address = (pages / "try.html").as_uri()
    with opened(chromium, address, network=False, script=script) as page:
        page.locator("#problem", has_text="too old for this page").wait_for()
        # An even older one doesn't understand the script at all.
        page.route("**/page.js", lambda route: route.fulfill(body="let let"))
        page.reload()
        page.locator("#problem", has_text=re.compile("newest .* Safari.$")).wait_for()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "weights-8.js was cut off. Load this page again."),
        (lambda text: text.replace("AAAA", "BBBB", 1), "The network's file is damaged"),
        (None, "weights-8.js didn't load. Check that you're online, then load this page again."),
    ],
)
def test_a_network_that_did_not_arrive_whole_draws_no_map(chromium, pages, change, sentence):
    def arrive(route):
        text = (pages / "try" / "weights-8.js").read_text(encoding="utf-8")
        assert "AAAA" in text
        route.fulfill(body=change(text)) if change else route.abort()

    with opened(chromium, "about:blank") as page:
        page.route("**/weights-8.js", arrive)
        page.goto((pages / "try.html").as_uri())
        page.locator("#problem", has_text=sentence).wait_for()
        assert not page.locator("#loading").is_visible()
        assert not page.locator("#results").is_visible()


def test_without_scripts_the_page_says_what_it_needs(chromium, pages):
    with opened(chromium, (pages / "try.html").as_uri(), java_script_enabled=False) as page:
        assert page.get_by_text("it needs JavaScript").is_visible()
        assert page.locator("#seen").is_visible()
        assert not page.get_by_role("button", name="Choose a picture").is_visible()


# ------------------------------------------------------------------------------------ the network


def has_maps(page):
    page.locator("#working", has_text="SmoothGrad goes on").wait_for()


def offered(page):
    """The classes that the page offers: their names, and their probabilities in per cent."""
    buttons = page.locator("#classes button").all_inner_texts()
    found = [re.fullmatch(r"(.+ \(\d+\)) (?:below )?([\d.]+)%", text) for text in buttons]
    return [match[1] for match in found], [float(match[2]) for match in found]


def tab_to(page, name):
    """Press the Tab key until something with this name or text has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"the Tab key doesn't lead to {name}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(pages):
    """Where a server offers the pages."""
    handler = functools.partial(Quiet, directory=pages)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["a phone, from a disk", "a computer, from a server"])
def whole(request, chromium, pages, server):
    """The page with its network, at work on the cat; and where it came from."""
    phone = request.param.startswith("a phone")
    origin, options = (pages.as_uri(), PHONE | {"color_scheme": "dark"}) if phone else (server, {})
    with opened(chromium, f"{origin}/try.html", **options) as page:
        yield page, origin


def test_the_page_explains_a_picture_and_keeps_it_here(chromium, whole):
    """By keyboard alone; and once the network is there, without any other computer."""
    page, origin = whole
    classifier = load_classifier()
    has_maps(page)
    names, shares = offered(page)
    predicted = classifier.predict(load_image("cat"))[0]
    assert names == [f"{p.label} ({p.class_index})" for p in predicted]
    assert shares == pytest.approx([100 * p.probability for p in predicted], abs=0.3)

    for words in ("cat", "retr", "tabyb", "281", "great white", "xyzzy", "_", "crane"):
        page.get_by_label("Search a class").fill(words)
        found = find_classes(classifier, words) or close_classes(classifier, words)
        assert offered(page)[0] == [f"{classifier.labels[c]} ({c})" for c in found[:10]], words
    before = page.locator("#working").inner_text()
    assert "tabby" not in before  # a search explains nothing

    requested = len(page.requested)
    page.context.set_offline(True)
    page.get_by_label("Search a class").fill("")
    page.locator("h1").click()
    tab_to(page, "Search a class")
    page.keyboard.type("tabby")
    tab_to(page, "tabby (281)")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What matters for tabby (281)?").wait_for()
    # No map of the class before is under the new name; the keyboard stays where it was.
    for which in (".maps canvas", ".wipe canvas"):
        canvas = page.locator(which).last
        assert canvas.get_attribute("aria-label") == "SmoothGrad for tabby (281): not there yet."
        assert not canvas.evaluate(
            "(c) => c.getContext('2d').getImageData(0, 0, 224, 224).data.some(Boolean)"
        )
    page.get_by_role("img", name="Grad-CAM for tabby (281): strongest").first.wait_for()
    page.get_by_role("img", name="Vanilla gradients for tabby (281): strongest").first.wait_for()
    assert page.evaluate("document.activeElement.dataset.c") == "281"

    later = re.compile(
        r"n = ([2-9]|\d\d) of 50 noisy copies, noise 0.15. Standard error: .+ now \d"
    )
    page.locator("#smooth", has_text=later).wait_for()
    tab_to(page, "Stop SmoothGrad")
    page.keyboard.press("Enter")
    said = page.locator("#working").inner_text()
    assert re.fullmatch(r"SmoothGrad was stopped at n = \d+\.", said)

    # The crosshair reads the same numbers as Python computes.
    page.locator("figure.maps [role=application]").focus()
    page.keyboard.press("ArrowRight")
    read = page.locator("figure.maps [role=status]").inner_text()
    value = float(re.search(r"Grad-CAM: row 3, column 3, value (\S+),", read)[1])
    inputs = classifier.prepare(load_image("cat"))
    assert value == pytest.approx(grad_cam(classifier.model, inputs, 281)[0, 3, 3], rel=0.02)
    assert "SmoothGrad: row 112, column 113" in read

    with never_busy_for(0.1, chromium, page):
        assert give(page, "coffee.png", data_path("images/coffee.png").read_bytes()) == ""
        page.get_by_role("heading", name="What matters for espresso (967)?").wait_for()
        page.locator("#smooth", has_text=later).wait_for()
    assert offered(page)[0][0] == "espresso (967)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert len(page.requested) == requested
    assert all(url.startswith((origin, "blob:", "data:")) for url in page.requested)
    assert page.noted == []
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert page.evaluate(kept) == [0, 0, ""]
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    assert page.context.cookies() == []
    asked = "fetch('https://example.org/').then(() => 'allowed', () => 'refused')"
    assert page.evaluate(asked) == "refused"
    assert "Content Security Policy" in page.noted[0]
