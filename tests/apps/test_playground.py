"""The playground without a browser: what it accepts, finds, computes, says and hands out."""

import base64
import io
import re
from datetime import datetime

import numpy as np
import pytest
from fuzz_targets import fuzz_upload
from PIL import Image

from course_utils import load_image
from course_utils.apps.playground import (
    MAX_BYTES,
    METHODS,
    Playground,
    close_classes,
    explain,
    find_classes,
    uploaded,
)

IMG = re.compile(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"')


def png(picture) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="png")
    return file.getvalue()


def upload_8(name, content):
    about = {"name": name, "type": "", "size": len(content), "last_modified": datetime.now()}
    return ({**about, "content": memoryview(content)},)


def upload_7(name, content):
    return {name: {"metadata": {"name": name}, "content": content}}


@pytest.mark.parametrize("upload", [upload_7, upload_8])
def test_an_upload_is_read_in_both_versions_of_ipywidgets(upload):
    assert uploaded(upload("a.png", b"abc")) == ("a.png", b"abc")
    with pytest.raises(ValueError, match=r"'a.png' has 8.0 MB, but the limit is 8 MB"):
        uploaded(upload("a.png", b"x" * (MAX_BYTES + 1)))


@pytest.mark.parametrize("seed", range(50))
def test_any_upload_is_a_picture_or_one_sentence(seed):
    fuzz_upload(np.random.default_rng(seed))


@pytest.mark.parametrize("nothing", [(), {}])
def test_no_upload_is_said(nothing):
    with pytest.raises(ValueError, match="No file was uploaded"):
        uploaded(nothing)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tabby", {"tabby"}),
        ("TABBY ", {"tabby"}),
        ("281", {"tabby"}),
        ("tiger_cat", {"tiger cat"}),
        # Whole words: no catamaran, dogsled, cardigan or cupboard.
        ("cat", {"Egyptian cat", "Persian cat", "Siamese cat", "tiger cat", "Madagascar cat"}),
        ("cup", {"cup", "measuring cup"}),
        ("golden retr", {"golden retriever"}),  # while you're still typing
        ("olden retr", {"golden retriever"}),
        ("tabyb", set()),
        ("1000", set()),
    ],
)
def test_whole_words_find_classes_first_then_parts_of_words(words, expected, classifier):
    assert {classifier.labels[c] for c in find_classes(classifier, words)} == expected


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("tabyb", "tabby"),
        ("golden retreiver", "golden retriever"),
        ("bananas", "banana"),
        ("the pizza", "pizza"),
        ("xyzzy", None),
    ],
)
def test_similar_names_are_offered(words, first, classifier):
    close = close_classes(classifier, words)
    assert len(close) <= 5
    assert (classifier.labels[close[0]] if close else None) == first


def test_two_classes_of_one_name_are_both_found(classifier):
    cranes = [c for c in find_classes(classifier, "crane") if classifier.labels[c] == "crane"]
    assert cranes == [134, 517]


def test_the_maps_of_a_method_come_once_they_are_complete(classifier, cat_inputs):
    found = list(explain(classifier, cat_inputs, [281, 954], ["Grad-CAM"]))
    assert [share for share, _ in found] == [0.5, 1.0]
    assert [list(maps) for _, maps in found] == [[], ["tabby (281)", "banana (954)"]]


def test_every_method_is_one_that_can_be_called():
    assert list(METHODS) == [
        "Vanilla gradients",
        "Gradient x input",
        "Integrated gradients",
        "Grad-CAM",
        "SmoothGrad",
    ]
    assert all(callable(method) for method in METHODS.values())


@pytest.fixture(scope="module")
def playground():
    return Playground()


@pytest.fixture
def ready(playground):
    """The playground on the cat, with Grad-CAM alone, which is quick."""
    for box in playground.methods:
        box.value = box.description == "Grad-CAM"
    if playground._name != "cat":
        playground.example.value = "coffee"
        playground.example.value = "cat"
    assert playground.wait()
    playground.search.value = ""
    playground.label.value = 285
    return playground


def drawn(app) -> list[tuple[str, str]]:
    """Return the figures below the maps, each as (PNG in base64, alt text)."""
    return IMG.findall("".join(figure.value for figure in app.figures.children))


@pytest.mark.slow
def test_from_a_picture_to_the_card(ready):
    ready.search.value = "banana"
    assert [c for _, c in ready.label.options] == [954]
    ready.label.value = 954
    assert ready.go.description == "Explain banana (954)"
    ready.go.click()
    assert ready.wait()
    assert ready.problem.value == ""
    alts = "; ".join(alt for _, alt in drawn(ready))
    assert "banana (954)" in alts
    assert "Egyptian cat (285)" in alts
    page, picture = (
        base64.b64decode(data)
        for data in re.findall(r"href=.data:[^;]+;base64,([^\"]+)", ready.card.value)
    )
    text = page.decode()
    assert len(IMG.findall(text)) == 1
    assert "What matters for &#x27;banana&#x27;?" in text
    assert "Egyptian cat 40.4%" in text
    assert 'src="http' not in text
    assert Image.open(io.BytesIO(picture)).width == 960


def test_only_a_chosen_class_is_explained(ready):
    for words in ("cat", "tabyb", "xyzzy", ""):
        ready.search.value = words
        assert ready.label.value is None, words
        assert ready.go.disabled, words
    ready.go.click()
    assert ready.wait()
    assert "No class was chosen" in ready.problem.value
    assert drawn(ready) == []


def test_what_a_search_says_and_offers(ready):
    said = {
        "banana": "1 class matches &#x27;banana&#x27;. Choose one.",
        "tabyb": "No class has the name &#x27;tabyb&#x27;. These are similar",
        "terrier": "classes match &#x27;terrier&#x27;; these are the first 10.",
        "xyzzy": "a number from 0 to 999",
        "<b>": "&lt;b&gt;",
    }
    for words, text in said.items():
        ready.search.value = words
        assert text in ready.found.value
        assert len(ready.label.options) <= 10
        assert (ready.label.layout.display == "none") == (not ready.label.options)


def test_no_method_is_said(ready):
    for box in ready.methods:
        box.value = False
    ready.go.click()
    assert ready.wait()
    assert "No method was chosen" in ready.problem.value


def test_a_picture_of_ones_own(ready):
    picture = load_image("banana")
    ready.upload.set_trait("value", _as_installed("my <fruit>.png", png(picture)))
    assert ready.wait()
    assert ready.problem.value == ""
    assert ready.go.description == "Explain banana (954)"
    assert "my &lt;fruit&gt;.png" in ready.seen.value
    assert ready.example.value is None
    assert not ready.upload.value  # so the same file counts again


def test_a_refused_picture_leaves_the_one_before(ready):
    before = ready.seen.value
    ready.upload.set_trait("value", _as_installed("notes.png", b"no picture"))
    assert ready.wait()
    assert "content of &#x27;notes.png&#x27; is not one of the formats" in ready.refused.value
    assert "The picture is still: cat." in ready.refused.value
    assert ready.seen.value == before
    assert ready.example.value == "cat"
    assert not ready.upload.value


@pytest.mark.slow
def test_a_network_that_cannot_be_had_is_said_and_the_old_one_goes_on(ready):
    """Tests can't reach the internet, and none has downloaded weights before."""
    ready.network.value = "mobilenet_v2"
    assert ready.wait()
    assert "are not on this computer and could not be downloaded" in ready.refused.value
    assert ready.network.value == "efficientnet-lite0"
    ready.go.click()
    assert ready.wait()
    assert drawn(ready)
    assert ready.refused.value == ready.problem.value == ""


@pytest.mark.slow
def test_cancel_leaves_what_was_done(ready):
    for box in ready.methods:
        box.value = box.description in ("Vanilla gradients", "Grad-CAM")
    seen = []

    def stop(change):
        seen.append(change.new)
        if change.new == 0.5:  # the first method is done
            ready.cancel.click()

    ready.progress.observe(stop, "value")
    ready.go.click()
    assert ready.wait()
    ready.progress.unobserve(stop, "value")
    assert seen[-1] == 0.5
    assert ready.cancel.disabled
    assert len(ready.figures.children) == 1
    assert ready.card.value == ""


def _as_installed(name, content):
    import ipywidgets

    old = ipywidgets.__version__.startswith("7.")
    return upload_7(name, content) if old else upload_8(name, content)
