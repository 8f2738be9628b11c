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
    ("words", "first", "least"),
    [("tabby", 281, 1), ("TABBY", 281, 1), ("281", 281, 1), ("bear", None, 4), ("", 0, 50)],
)
def test_classes_are_found_by_parts_of_their_names(words, first, least, classifier):
    found = find_classes(classifier, words)
    assert len(found) >= least
    assert len(set(found)) == len(found)
    if first is not None and words:
        assert found[0] == first
    assert all(words.lower() in f"{classifier.labels[c]} {c}".lower() for c in found)


def test_two_classes_of_one_name_are_both_found(classifier):
    cranes = [c for c in find_classes(classifier, "crane") if classifier.labels[c] == "crane"]
    assert cranes == [134, 517]


def test_a_class_that_is_not_there_gets_its_neighbours(classifier):
    with pytest.raises(ValueError, match="Closest names: tabby"):
        find_classes(classifier, "tabyb")


@pytest.mark.slow
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
    return playground


@pytest.mark.slow
def test_from_a_picture_to_the_card(ready):
    ready.search.value = "banana"
    assert ready.label.options == (("banana (954)", 954),)
    ready.go.click()
    assert ready.wait()
    assert ready.problem.value == ""
    ((_, alt),) = IMG.findall(ready.result.value)
    assert "banana (954)" in alt
    assert "Egyptian cat (285)" in alt
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


@pytest.mark.slow
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
    assert "banana (954)" in ready.seen.value
    assert "my &lt;fruit&gt;.png" in ready.seen.value


def test_a_refused_picture_leaves_the_one_before(ready):
    before = ready.seen.value
    ready.upload.set_trait("value", _as_installed("notes.png", b"no picture"))
    assert ready.wait()
    assert "content of &#x27;notes.png&#x27; is not one of the formats" in ready.problem.value
    assert ready.seen.value == before


@pytest.mark.slow
def test_a_network_that_cannot_be_had_is_said_and_the_old_one_goes_on(ready):
    """Tests can't reach the internet, and none has downloaded weights before."""
    ready.network.value = "mobilenet_v2"
    assert ready.wait()
    assert "are not on this computer and could not be downloaded" in ready.problem.value
    assert ready.network.value == "efficientnet-lite0"
    ready.go.click()
    assert ready.wait()
    assert IMG.search(ready.result.value)
    assert ready.problem.value == ""


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
    assert len(IMG.findall(ready.result.value)) == 1
    assert ready.card.value == ""


def _as_installed(name, content):
    import ipywidgets

    old = ipywidgets.__version__.startswith("7.")
    return upload_7(name, content) if old else upload_8(name, content)
