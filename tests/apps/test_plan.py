"""If something is wrong with a plan, one sentence says so before it's sealed."""

import functools
import io
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

from course_utils import grad_cam, smoothgrad
from course_utils.apps.plan import (
    check_plan,
    class_number,
    code_of,
    read_picture,
    recipe,
    remarks,
    verdict,
)
from course_utils.models import Classifier


@pytest.fixture(scope="module")
def small():
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3),
    ]
    net = keras.Sequential(layers)
    return Classifier("small", (8, 8), tuple("abc"), net, lambda p: p / 255, lambda x: 255 * x)


def less_than_a_control(fall, control_falls):
    """Say when.

    And this is no code.
    """
    strongest = max(  # a comment
        control_falls.values()
    )
    return fall < strongest


GOOD = {
    "classes": [0, 1],
    "method": grad_cam,
    "settings": {"relu": True},
    "box": (0, 0, 4, 4),
    "controls": {"other": (4, 4, 8, 8)},
    "times": 2,
    "condition": less_than_a_control,
}


def test_a_good_plan_raises_no_doubt(small):
    assert check_plan(small, **GOOD) == []
    many = GOOD | {"method": smoothgrad, "settings": {"samples": 2, "noise": 0.1, "seed": 1}}
    assert check_plan(small, **many) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"controls": {}}, "at least one box"),
        ({"controls": [(0, 0, 1, 1)]}, "expected a dictionary"),
        ({"controls": {"my box": (4, 4, 8, 8)}}, "name of the box itself"),
        ({"controls": {"wall": (4, 4, 9, 8)}}, "'wall' .* doesn't fit"),
        ({"box": (4, 0, 0, 4)}, "'my box' .* doesn't fit"),
        ({"box": (0, 0, 4)}, "four whole numbers"),
        ({"box": (0, 0, 0.5, 0.5)}, "four whole numbers"),
        ({"controls": {1: (4, 4, 8, 8)}}, "a name, as text"),
        ({"controls": {" ": (4, 4, 8, 8)}}, "a name, as text"),
        ({"times": 0}, "above 0"),
        ({"times": float("inf")}, "above 0"),
        ({"times": "2"}, "above 0"),
        ({"settings": {"sampels": 3}}, "grad_cam has no setting 'sampels'. It has: .*relu"),
        ({"settings": {"relu": "no"}}, "relu='no': expected True or False"),
        ({"method": smoothgrad}, "smoothgrad has no setting 'relu'. It has: .*samples"),
        ({"method": smoothgrad, "settings": {"samples": -1}}, "can't run with these settings: .*"),
        ({"settings": {"layer": "nowhere"}}, "can't run with these settings: .*nowhere"),
        ({"settings": ["relu"]}, "expected a dictionary"),
        ({"method": "grad_cam"}, "expected a function"),
        ({"condition": lambda fall, controls: True}, "defined with def"),
        ({"condition": "if the score falls"}, "defined with def"),
    ],
)
def test_a_bad_plan_is_refused_in_one_sentence(small, changed, said):
    with pytest.raises(ValueError, match=said) as caught:
        check_plan(small, **(GOOD | changed))
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".)"


def test_a_condition_that_cannot_run_is_refused(small):
    def asks_for_the_suit(fall, control_falls):
        return fall < control_falls["suit"]

    def returns_a_word(fall, control_falls):
        return "yes"

    def takes_one(fall):
        return fall < 1

    for condition, said in {
        asks_for_the_suit: "asks for the control 'suit'.*'other'",
        returns_a_word: "expected True",
        takes_one: "stopped when it was tried",
    }.items():
        with pytest.raises(ValueError, match=said):
            check_plan(small, **(GOOD | {"condition": condition}))


@pytest.mark.parametrize(("given", "number"), [(None, None), (2, 2), ("b", 1), (np.int64(0), 0)])
def test_a_class_is_given_by_number_or_by_name(small, given, number):
    assert class_number(small, given) == number


@pytest.mark.parametrize(
    ("given", "said"), [("d", "no class 'd'"), (3, "numbered from 0 to 2"), (1.0, "numbered")]
)
def test_a_class_that_is_not_there_is_refused(small, given, said):
    with pytest.raises(ValueError, match=said):
        class_number(small, given)


def test_what_is_allowed_and_unwise_is_said(small):
    controls = {"large": (0, 4, 8, 8), "across": (2, 2, 6, 6)}
    large, across = check_plan(small, **(GOOD | {"controls": controls}))
    assert "'large' has 32 pixels and your box 16" in large
    assert "'across' overlaps my box" in across
    [impossible] = check_plan(small, **(GOOD | {"times": np.float32(5)}))
    assert "only 4 times the box's area" in impossible


LIMIT = 0.5


def with_a_limit(fall, controls, least=0.1):
    return fall < LIMIT * max(controls.values()) + least


def as_far_as_it_goes(fall, control_falls):
    if fall > 1:
        return {1: "yes", 2: np.nan}[round(fall)]
    return 1 / (fall - 1) > 0


def test_the_condition_is_sealed_as_code_and_evaluated(monkeypatch):
    code = "strongest = max(control_falls.values()); return fall < strongest"
    assert code_of(less_than_a_control) == code
    assert "my mind is changed" in verdict(less_than_a_control, 1.0, {"a": 2.0}, code)
    assert "my mind is not changed" in verdict(less_than_a_control, 1.0, {"a": 0.5}, code)
    assert "not evaluated" in verdict(less_than_a_control, 1.0, {}, code)
    assert "isn't the one" in verdict(with_a_limit, 1.0, {"a": 2.0}, code), "changed after the seal"
    monkeypatch.setitem(globals(), "strongest", 5)  # as later in the lesson: it's another one
    assert code_of(less_than_a_control) == code


def test_what_a_condition_takes_from_outside_is_sealed_too(small, monkeypatch):
    code = code_of(with_a_limit)
    assert code.startswith("with the arguments (fall, controls, least=0.1): return fall < LIMIT")
    assert code.endswith("where LIMIT is 0.5")
    assert "my mind is" in verdict(with_a_limit, 1.0, {"a": 2.0}, code)
    monkeypatch.setitem(globals(), "LIMIT", 5)
    assert "isn't the one" in verdict(with_a_limit, 1.0, {"a": 2.0}, code)


def test_a_closure_is_sealed_or_refused(small):
    def at_most(least):
        def condition(fall, control_falls):
            return fall < least

        return condition

    assert code_of(at_most(7)) == "return fall < least, where least is 7"
    with pytest.raises(ValueError, match="uses 'least' from outside"):
        check_plan(small, **(GOOD | {"condition": at_most(object())}))


@pytest.mark.parametrize(
    ("fall", "said"), [(1.2, "'yes', not True"), (2.2, "nan, not True"), (1.0, "ZeroDivisionError")]
)
def test_a_condition_that_gives_no_answer_with_the_real_numbers(fall, said):
    found = verdict(as_far_as_it_goes, fall, {"a": 0.0}, code_of(as_far_as_it_goes))
    assert found.startswith("The condition was not evaluated")
    assert said in found


def test_a_recipe_is_the_same_in_every_run():
    """A function's repr has its address in memory: two equal runs would get two seals."""
    settings = {"samples": 2, "method": grad_cam}
    text = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    assert "0x" in text
    found = recipe(functools.partial(smoothgrad, seed=0), text, settings, "net")
    assert found == (
        "course_utils.smoothgrad(seed=0)(samples=2, method=course_utils.grad_cam) of net"
    )


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.full((224, 2000, 3), 200, np.uint8), ["11% of it", "one colour"]),
        (np.arange(1200, dtype=np.uint8).reshape(20, 20, 3), ["20 x 20 pixels"]),
        (np.arange(224 * 224 * 3).reshape(224, 224, 3).astype(np.uint8) % 16, ["12 bits in 16"]),
        (np.arange(224 * 300 * 3).reshape(224, 300, 3).astype(np.uint8), []),
    ],
)
def test_remarks_on_a_picture(picture, said):
    found = remarks(picture, (224, 224))
    assert len(found) == len(said)
    for remark, words in zip(found, said, strict=True):
        assert words in remark


@pytest.mark.parametrize("path", ['"C:\\pictures\\dog.jpg"', "'dog.jpg'", ' "dog.jpg" '])
def test_a_path_in_quotation_marks_gets_a_hint(path):
    with pytest.raises(FileNotFoundError, match="quotation marks"):
        read_picture(path)


@pytest.mark.parametrize("chosen", ["a file", "nothing"])
def test_in_colab_the_picture_is_uploaded(chosen, monkeypatch):
    """Google's upload returns name -> bytes, and an empty dictionary if nothing was chosen."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, format="png")
    dot = {"dot.png": file.getvalue()} if chosen == "a file" else {}
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(upload=lambda: dot)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert read_picture("upload").shape == ((1, 1, 3) if dot else (512, 512, 3))


def test_elsewhere_a_path_is_read_and_an_upload_is_no_file(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    path = tmp_path / "mein Löwe.png"
    Image.new("L", (1, 1)).save(path)
    assert read_picture(str(path)).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="works in Colab only"):
        read_picture("upload")


@pytest.mark.parametrize("labels", [("cat",), ("a", "b", "c")])
def test_one_output_needs_two_labels(labels):
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    with pytest.raises(ValueError, match="one output and needs two labels"):
        Classifier("one", (8, 8), labels, keras.Sequential(layers), np.asarray, np.asarray)


@pytest.mark.parametrize("labels", [(0, 1, 2), range(3), {0: "a", 1: "b", 2: "c"}])
def test_labels_are_texts(small, labels):
    with pytest.raises(ValueError, match="must be texts"):
        Classifier("numbers", (8, 8), labels, small.model, np.asarray, np.asarray)


def test_the_hint_for_twelve_bits_in_sixteen_works(tmp_path):
    path = tmp_path / "microscope.png"
    Image.fromarray(np.linspace(0, 4095, 224 * 224).reshape(224, 224).astype(np.uint16)).save(path)
    [remark] = remarks(read_picture(path), (224, 224))
    assert "/ 4095" in remark
    assert remarks(read_picture(np.asarray(Image.open(path)) / 4095), (224, 224)) == []
