"""The data that comes with the course: it's complete and correct, or named if it isn't."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import data_files, example_images, load_classifier, load_image
from course_utils.images import load_digits

DATA = Path(__file__).resolve().parents[2] / "data"
MANIFEST = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))
EXAMPLES = json.loads((DATA / "images" / "examples.json").read_text(encoding="utf-8"))
OBJECTS = json.loads((DATA / "objects" / "objects.json").read_text(encoding="utf-8"))
ATTRIBUTION = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
GREY = 127  # what the embedded network sees as 0

# ---------------------------------------------------------------------------------- the manifest


def test_the_manifest_covers_every_file_that_is_loaded():
    """Only files for people aren't in it: programs that made the data, origins and licences."""
    files = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()}
    for_people = {
        name
        for name in files
        if name in ("manifest.json", "ATTRIBUTION.md")
        or name.startswith("licenses/")
        or name.endswith((".py", ".pyc"))
    }
    assert files - for_people == set(MANIFEST)


@pytest.mark.parametrize("name", MANIFEST)
def test_the_manifest_agrees_with_the_file(name):
    content = (DATA / name).read_bytes()
    found = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert found == MANIFEST[name]
    assert data_files.data_path(name) == DATA / name


# -------------------------------------------------------------------------------- damaged copies


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the data that a test may damage, instead of the real one."""
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("objects"))
    monkeypatch.setattr(data_files, "_ROOTS", (tmp_path / "not here", tmp_path / "data"))
    return tmp_path / "data"


def remove(path):
    path.unlink()


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def change_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


USES = {
    "images/cat.png": lambda: load_image("cat"),
    "images/examples.json": example_images,
    "imagenet_classes.json": load_classifier,
    "weights/efficientnet_lite0_float16.npz": load_classifier,
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (remove, FileNotFoundError, "is missing"),
        (cut_off, ValueError, "is damaged"),
        (empty, ValueError, "is damaged"),
        (change_one_bit, ValueError, "is damaged"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(copy, name, damage, error, said):
    damage(copy / name)
    with pytest.raises(error) as caught:
        USES[name]()
    message = str(caught.value)
    assert str(copy / name) in message
    assert said in message
    assert "Get the file again" in message
    assert "\n" not in message


WITHOUT_THE_CAT = json.dumps({k: v for k, v in MANIFEST.items() if k != "images/cat.png"}).encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param((DATA / "manifest.json").read_bytes()[:-100], id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="not text"),
        pytest.param(b"[]", id="another kind of JSON"),
        pytest.param(WITHOUT_THE_CAT, id="an entry is missing"),
        pytest.param(b'{"images/cat.png": {}, "images/examples.json": {}}', id="empty entries"),
    ],
)
def test_a_damaged_manifest_is_named_with_what_to_do(copy, content):
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"manifest\.json.*Get the file again") as caught:
        load_image("cat")
    assert "\n" not in str(caught.value)


def test_missing_data_is_named_with_both_places(tmp_path, monkeypatch):
    places = (tmp_path / "package" / "data", tmp_path / "clone" / "data")
    monkeypatch.setattr(data_files, "_ROOTS", places)
    with pytest.raises(FileNotFoundError) as caught:
        load_image("cat")
    assert all(str(place) in str(caught.value) for place in places)


def test_damage_to_class_names_is_no_download_problem(copy):
    """It wouldn't help to try again with internet."""
    change_one_bit(copy / "imagenet_classes.json")
    with pytest.raises(ValueError, match=r"imagenet_classes\.json is damaged"):
        load_classifier("mobilenet_v2")


def test_a_repaired_file_is_read_at_once(copy):
    """Nothing remembers the damage, so you don't have to restart the kernel."""
    good = (copy / "manifest.json").read_bytes()
    (copy / "manifest.json").write_bytes(good[:-100])
    with pytest.raises(ValueError, match="manifest"):
        load_image("cat")
    (copy / "manifest.json").write_bytes(good)
    assert load_image("cat").shape == (300, 451, 3)


def test_an_example_that_is_damaged_does_not_keep_others_from_opening(copy):
    change_one_bit(copy / "images" / "coffee.png")
    assert load_image("cat").shape == (300, 451, 3)


# ----------------------------------------------------------------------------------- class names


def test_class_names_are_in_the_format_of_keras():
    classes = data_files.read_json("imagenet_classes.json")
    assert list(classes) == [str(c) for c in range(1000)]
    synsets, names = zip(*classes.values(), strict=True)
    # ImageNet numbers its classes in the order of their synsets.
    assert list(synsets) == sorted(set(synsets))
    assert all(len(s) == 9 and s[0] == "n" and s[1:].isdigit() for s in synsets)
    assert not any(" " in name for name in names)  # underscores, as in Keras' own file
    assert sorted(name for name in set(names) if names.count(name) > 1) == ["crane", "maillot"]


@pytest.mark.parametrize(
    ("index", "synset", "name"),
    [
        (0, "n01440764", "tench"),
        (281, "n02123045", "tabby"),
        (282, "n02123159", "tiger_cat"),
        (285, "n02124075", "Egyptian_cat"),
        (954, "n07753592", "banana"),
        (999, "n15075141", "toilet_tissue"),
    ],
)
def test_known_class_names(index, synset, name):
    assert data_files.read_json("imagenet_classes.json")[str(index)] == [synset, name]


# ---------------------------------------------------------------------------------------- digits


def test_digits():
    images, labels = load_digits()
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.uint8)
    assert (images.min(), images.max()) == (0, 16)
    assert (labels.shape, labels.dtype) == ((1797,), np.uint8)
    # scikit-learn's description of the data: about 180 of each digit.
    counts = np.bincount(labels, minlength=10)
    assert len(counts) == 10
    assert counts.min() == 174
    assert counts.max() == 183
    # Pictures and labels match: the nearest mean gets nine of ten right, guessing gets one.
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    distances = ((images[:, None].astype(float) - means) ** 2).sum(axis=(2, 3))
    assert (distances.argmin(axis=1) == labels).mean() > 0.85


# ------------------------------------------------------------------------- pictures and cut-outs


def test_every_picture_is_an_example_and_the_other_way_round():
    pictures = {p.name for p in (DATA / "images").iterdir()} - {"examples.json"}
    assert {entry["file"] for entry in EXAMPLES.values()} == pictures
    assert set(example_images()) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_opens_and_is_described(name):
    picture = load_image(name)
    assert picture.dtype == np.uint8
    assert min(picture.shape[:2]) >= 224  # is never enlarged, for any of the networks
    description = example_images()[name]
    assert len(description) > 30
    assert description.endswith(".")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_network_sees_what_an_example_says(name, classifier):
    named = {c["class_index"]: c["label"] for c in EXAMPLES[name]["classes"]}
    assert named == {c: classifier.labels[c] for c in named}
    (top,) = classifier.predict(load_image(name), top=5)
    assert set(named) <= {p.class_index for p in top}


def test_every_file_is_attributed():
    for entry in EXAMPLES.values():
        assert f"| `{entry['file']}` |" in ATTRIBUTION
    for entry in OBJECTS:
        assert f"| `{entry['name']}` " in ATTRIBUTION
    for name in ("digits.npz", "imagenet_classes.json", "efficientnet_lite0_float16.npz"):
        assert name in ATTRIBUTION


def test_every_row_of_the_attribution_names_a_licence():
    rows = [line.split("|")[1:-1] for line in ATTRIBUTION.splitlines() if line.startswith("| `")]
    assert len(rows) == len(EXAMPLES) + len(OBJECTS)
    for name, *_, licence in (row if len(row) == 4 else row[:5] for row in rows):
        known = ("CC0", "CC BY", "GPL 2", "public domain", "Public domain")
        assert any(word in licence for word in known), name


def test_objects_are_listed_once_each_and_all_of_them():
    files = [entry["file"] for entry in OBJECTS]
    assert sorted(files) == sorted(p.name for p in (DATA / "objects").glob("*.png"))
    assert len({entry["class_index"] for entry in OBJECTS}) == len(OBJECTS) >= 25


@pytest.mark.parametrize("entry", OBJECTS, ids=[entry["name"] for entry in OBJECTS])
def test_an_object_has_a_real_mask(entry):
    """Scenes with a known answer need to know which pixels belong to the object."""
    with Image.open(DATA / "objects" / entry["file"]) as picture:
        assert picture.mode == "RGBA"
        assert picture.size == (entry["width"], entry["height"])
        rgba = np.asarray(picture)
    opaque, clear = rgba[..., 3] == 255, rgba[..., 3] == 0
    # Neither a full rectangle nor a few specks: the emptiest is a tennis racket's net, with 8 %.
    assert 0.05 < opaque.mean() < 0.95
    assert clear.mean() > 0.05
    assert opaque.mean() + clear.mean() > 0.6  # the rest are soft edges and the racket's net
    assert rgba[opaque, :3].std() > 10  # a photograph, not a silhouette
    # Cut out without a margin, so the object's box is the whole picture.
    touched = rgba[..., 3] > 0
    assert touched[0].any()
    assert touched[-1].any()
    assert touched[:, 0].any()
    assert touched[:, -1].any()


@pytest.mark.slow
def test_the_network_recognises_every_object_on_grey(classifier):
    """Otherwise a scene's right answer wouldn't be the network's."""
    scenes = []
    for entry in OBJECTS:
        with Image.open(DATA / "objects" / entry["file"]) as picture:
            scale = 140 / max(picture.size)  # of 224 pixels: large, with grey around it
            size = [max(1, round(side * scale)) for side in picture.size]
            cut_out = picture.resize(size, Image.Resampling.LANCZOS)
        scene = Image.new("RGBA", (224, 224), (GREY, GREY, GREY, 255))
        scene.alpha_composite(cut_out, ((224 - size[0]) // 2, (224 - size[1]) // 2))
        scenes.append(np.asarray(scene.convert("RGB")))
    missed = [
        f"{entry['name']}: {[p.label for p in top]}"
        for entry, top in zip(OBJECTS, classifier.predict(scenes, top=5), strict=True)
        if entry["class_index"] not in [p.class_index for p in top]
        or entry["label"] != classifier.labels[entry["class_index"]]
    ]
    assert missed == []
