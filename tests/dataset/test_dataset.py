"""explain_dataset: every file once, bad ones named; killed and continued; on several devices."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image
from tiny import conv_model, fill

from course_utils import (
    explain_dataset,
    grad_cam,
    integrated_gradients,
    load_image,
    score_model,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.dataset import _only_run
from course_utils.fingerprint import describe, weights_digest
from course_utils.models import Classifier

CAM_TOLERANCE = 1e-5  # of the largest value: batches differ, so sums are in another order


@pytest.fixture(scope="module")
def files(tmp_path_factory, cat):
    """Twelve pictures; the fourth is damaged, the ninth is missing."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for i in range(12):
        paths.append(folder / f"picture {i:02d}.png")
        Image.fromarray(np.roll(cat, 30 * i, axis=1)).save(paths[-1])
    paths[3].write_bytes(paths[3].read_bytes()[:1000])
    paths[8].unlink()
    return paths


def read(path) -> dict[str, np.ndarray]:
    with h5py.File(path) as store:
        return {name: values[:] for name, values in store.items()}


def expected_cam(classifier, path):
    return grad_cam(classifier.model, classifier.prepare(load_image(path)))[0]


def check(classifier, files, stored):
    """Every good file has its own map, and the bad ones have none."""
    assert list(stored["state"]) == [2 if i in (3, 8) else 1 for i in range(12)]
    assert [name.decode() for name in stored["files"]] == [str(path) for path in files]
    assert stored["maps"].dtype == np.float32
    assert stored["maps"].shape == (12, 7, 7)
    for i in (0, 4, 11):
        expected = expected_cam(classifier, files[i])
        assert np.abs(stored["maps"][i] - expected).max() <= CAM_TOLERANCE * expected.max()
    assert not stored["maps"][[3, 8]].any()
    assert (stored["class_index"][[3, 8]] == -1).all()
    assert (stored["class_index"][[0, 4, 11]] >= 0).all()


def test_every_file_has_its_map_and_bad_ones_their_reason(classifier, files, tmp_path, capsys):
    skipped = explain_dataset(classifier, files, tmp_path / "maps.h5", grad_cam, batch_size=5)
    check(classifier, files, read(tmp_path / "maps.h5"))
    assert list(skipped) == [str(files[3]), str(files[8])]
    assert all(name in reason for name, reason in skipped.items())
    assert "2 of 12 files couldn't be read" in capsys.readouterr().out


CALLS: list[int] = []


def counted_cam(model, inputs, class_index):
    """Grad-CAM that counts its calls, in this process."""
    CALLS.append(len(inputs))
    return grad_cam(model, inputs, class_index)


@pytest.mark.slow
def test_a_file_that_was_repaired_is_done_when_the_run_is_continued(
    classifier, files, tmp_path, cat
):
    good, store = tmp_path / "late.png", tmp_path / "maps.h5"
    run = functools.partial(
        explain_dataset, classifier, [files[0], good], store, counted_cam, progress=False
    )
    assert list(run()) == [str(good)]
    Image.fromarray(cat).save(good)
    CALLS.clear()
    assert run() == {}
    assert CALLS == [1], "only the missing file is computed"
    assert run() == {}
    assert CALLS == [1], "nothing is left to do"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"method": vanilla_gradients},
            "method course_utils.grad_cam, not course_utils.vanilla_gradients",
        ),
        (
            {"method": functools.partial(grad_cam, relu=False)},
            r"not course_utils.grad_cam\(relu=False\)",
        ),
        ({"class_index": 281}, "class None, not 281"),
        ({"files": slice(1, None)}, "other files"),
        ({"files": slice(1, None, -1)}, "other files"),  # the same, in another order
    ],
)
def test_another_task_does_not_write_into_a_file(classifier, files, tmp_path, change, message):
    store = tmp_path / "maps.h5"
    explain_dataset(classifier, files[:2], store, grad_cam, progress=False)
    before = store.read_bytes()
    some = files[:3][change.pop("files", slice(2))]
    with pytest.raises(ValueError, match=message):
        explain_dataset(classifier, some, store, **{"method": grad_cam} | change, progress=False)
    assert store.read_bytes() == before
    open_files = [file.path for file in psutil.Process().open_files()]
    assert str(store) not in open_files, "who was refused doesn't keep others out"


def test_bad_arguments_get_a_sentence_and_make_no_file(classifier, files, tmp_path):
    store = tmp_path / "maps.h5"
    with pytest.raises(ValueError, match="files is empty"):
        explain_dataset(classifier, [], store)
    with pytest.raises(ValueError, match="more than once"):
        explain_dataset(classifier, [files[0], files[0]], store)
    with pytest.raises(ValueError, match="out of range"):
        explain_dataset(classifier, files, store, class_index=1000)
    assert not list(tmp_path.iterdir())
    store.write_bytes(b"a text")
    with pytest.raises(ValueError, match="Give another destination"):
        explain_dataset(classifier, files, store, grad_cam)
    assert store.read_bytes() == b"a text"


@pytest.mark.slow
def test_smoothgrad_of_files(classifier, files, tmp_path):
    method = functools.partial(smoothgrad, samples=2)
    explain_dataset(classifier, files[:1], tmp_path / "maps.h5", method, progress=False)
    stored = read(tmp_path / "maps.h5")
    inputs = classifier.prepare(load_image(files[0]))
    expected = smoothgrad(classifier.model, inputs, int(stored["class_index"][0]), samples=2)
    assert np.allclose(stored["maps"], expected, atol=1e-5 * np.abs(expected).max())


# ------------------------------------------------------------------------------------- the task


def scaled(model, inputs, class_index, factor=1.0):
    return factor * grad_cam(model, inputs, class_index)


def no_map(model, inputs, class_index):
    return None


def too_few(model, inputs, class_index):
    return inputs[1:]


class Scaled:
    def __call__(self, model, inputs, class_index):
        return grad_cam(model, inputs, class_index)

    def method(self, model, inputs, class_index):
        return grad_cam(model, inputs, class_index)


def tiny_classifier(seed=0, activation="relu", size=(16, 16), divisor=255) -> Classifier:
    model = fill(conv_model(activation, shape=(*size, 3)), seed)
    labels = ("a", "b", "c", "d")
    return Classifier("tiny", size, labels, model, lambda p: p / divisor, lambda x: x * divisor)


def tiny_maps(store, files, classifier=None, method=grad_cam, **options):
    return explain_dataset(
        classifier or tiny_classifier(), files, store, method, progress=False, **options
    )


ARRAY = np.linspace(0, 1, 16 * 16 * 3, dtype=np.float32).reshape(16, 16, 3)
TASKS = {
    "another array": (
        functools.partial(integrated_gradients, baseline=ARRAY, steps=2),
        functools.partial(integrated_gradients, baseline=ARRAY[::-1], steps=2),
    ),
    "another number": (functools.partial(scaled, factor=1), functools.partial(scaled, factor=2)),
    "another function in an option": (
        functools.partial(smoothgrad, method=grad_cam, samples=2),
        functools.partial(smoothgrad, method=vanilla_gradients, samples=2),
    ),
    "an option more": (grad_cam, functools.partial(grad_cam, relu=True)),
    "another module's function": (scaled, grad_cam),
    "a partial of a partial": (
        functools.partial(functools.partial(scaled, factor=1), factor=3),
        functools.partial(functools.partial(scaled, factor=1), factor=2),
    ),
}


@pytest.mark.parametrize(("first", "second"), TASKS.values(), ids=TASKS)
def test_methods_are_told_apart_by_name_and_every_option(first, second, files, tmp_path):
    store = tmp_path / "maps.h5"
    tiny_maps(store, files[:1], method=first)
    before = store.read_bytes()
    assert tiny_maps(store, files[:1], method=first) == {}, "the same task is continued"
    with pytest.raises(ValueError, match="another task"):
        tiny_maps(store, files[:1], method=second)
    assert store.read_bytes() == before


NETWORKS = {
    "other weights": ({"seed": 1}, "other weights"),
    "other activations": ({"activation": "tanh"}, "computes something else"),
    "another size": ({"size": (20, 20)}, "another size"),
    "another preprocessing": ({"divisor": 128}, "preprocessing"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "said"), NETWORKS.values(), ids=NETWORKS)
def test_networks_of_one_name_are_told_apart(change, said, files, tmp_path):
    store = tmp_path / "maps.h5"
    tiny_maps(store, files[:1])
    with pytest.raises(ValueError, match=said):
        tiny_maps(store, files[:1], tiny_classifier(**change))


NAMELESS = {
    "lambda": (lambda *a: grad_cam(*a), "a lambda"),
    "object": (Scaled(), "object of the class Scaled"),
    "method of an object": (Scaled().method, "something else"),
    "lambda as an option": (
        functools.partial(smoothgrad, method=lambda *a: grad_cam(*a)),
        "option method of the method is a lambda",
    ),
    "object as an option": (functools.partial(scaled, factor=object()), "option factor"),
}


@pytest.mark.parametrize(("method", "said"), NAMELESS.values(), ids=NAMELESS)
def test_what_has_no_name_is_refused_with_what_to_do(method, said, files, tmp_path):
    with pytest.raises(ValueError, match=rf"(?s){said}.*with def"):
        tiny_maps(tmp_path / "maps.h5", files[:1], method=method)
    assert not list(tmp_path.iterdir())


def test_a_function_inside_another_is_refused(files, tmp_path):
    def inner(*arguments):
        return grad_cam(*arguments)

    with pytest.raises(ValueError, match=r"inner, a function inside another.*with def"):
        tiny_maps(tmp_path / "maps.h5", files[:1], method=inner)


def in_notebook(*cells: str):
    """Return the last cell's `method`, in a notebook that ran these cells."""
    names = {"__name__": "__main__"}
    for cell in cells:
        exec(cell, names)
    return names["method"]


CELL = "def method(model, inputs, c):\n    return factor * helper(inputs)\n"
CELLS = ["factor = 2", "def helper(x):\n    return x[..., 0]", CELL]


def test_a_function_of_a_notebook_is_known_by_what_it_does(monkeypatch):
    def described(*cells):
        method = in_notebook(*cells)
        monkeypatch.setattr(sys.modules["__main__"], "method", method, raising=False)
        return describe(method, "the method")

    first = described(*CELLS)
    assert "__main__.method" in first
    assert first == described(*CELLS), "run again"
    assert first == described(*CELLS[:2], "# a remark\n\n" + CELL)
    assert first != described(*CELLS[:2], CELL.replace("factor *", "factor +"))
    assert first != described("factor = 3", *CELLS[1:]), "a number that it uses"
    assert first != described(CELLS[0], CELLS[1].replace("0", "1"), CELL), "a function it calls"
    assert first != described(*CELLS[:2], CELL.replace("c)", "c=1)"))


@pytest.mark.parametrize(
    ("cell", "change"),
    [
        ("def method(model, inputs, c, *, k=1):\n    return k * inputs\n", ("k=1", "k=2")),
        ("def method(model, inputs, c):\n    return inputs.max(3)\n", (".max", ".min")),
        ("def method(model, inputs, c):\n    return [2 * x for x in inputs]\n", ("2 *", "3 *")),
        ("def method(model, inputs, c):\n    return (lambda x: -x)(inputs)\n", ("-x", "+x")),
        (
            "import functools\n"
            "def twice(f):\n"
            "    @functools.wraps(f)\n"
            "    def both(*a):\n"
            "        return f(*a) + f(*a)\n"
            "    return both\n"
            "@twice\n"
            "def method(model, inputs, c):\n"
            "    return 2 * inputs\n",
            ("2 *", "3 *"),
        ),
    ],
    ids=["keyword default", "attribute", "comprehension", "inner function", "decorated"],
)
def test_a_change_anywhere_in_a_function_of_a_notebook_is_seen(cell, change, monkeypatch):
    def described(cell):
        method = in_notebook(cell)
        monkeypatch.setattr(sys.modules["__main__"], "method", method, raising=False)
        return describe(method, "the method")

    assert described(cell) == described(cell)
    assert described(cell) != described(cell.replace(*change))


def test_what_an_option_holds_and_in_which_order_is_part_of_the_task():
    zeros, turned = np.zeros((2, 3)), np.zeros((3, 2))
    for one, other in [([1, 2], [2, 1]), (zeros, turned), (zeros, zeros.astype(np.float32))]:
        assert describe(one, "it") == describe(one.copy(), "it")
        assert describe(one, "it") != describe(other, "it")
    assert describe({"a": 1, "b": 2}, "it") == describe({"b": 2, "a": 1}, "it")
    assert describe({"a": 1, "b": 2}, "it") != describe({"a": 2, "b": 1}, "it")
    positional = [functools.partial(scaled, model) for model in ("one", "two")]
    assert describe(positional[0], "it") != describe(positional[1], "it")


def test_every_weight_of_a_large_network_counts():
    network = keras.Sequential([keras.Input((2100,)), keras.layers.Dense(2000)])  # 4.2 million
    before, kernel = weights_digest(network), network.layers[0].kernel
    kernel.assign(tf.tensor_scatter_nd_add(kernel.value, [[2099, 1999]], [1.0]))
    assert weights_digest(network) != before


@pytest.mark.slow
@pytest.mark.patient
def test_a_description_is_the_same_in_every_process():
    """The order of sets and the addresses of objects differ from process to process."""
    code = (
        "import functools, course_utils as c\n"
        "from course_utils.fingerprint import describe\n"
        "def method(m, x, c, which={'one', 'two', 'three'}): return c in {'a', 'b', 'c', 'd'}\n"
        "print(describe(functools.partial(c.smoothgrad, method=method), 'the method'))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
    assert seen.pop().startswith("course_utils.smoothgrad(method=__main__.")


def test_each_picture_is_explained_for_its_own_class(tmp_path):
    classifier, rng, paths = tiny_classifier(), np.random.default_rng(0), []
    for i in range(6):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(paths[-1])
    x = np.concatenate([classifier.prepare(load_image(path)) for path in paths])
    head = classifier.model.layers[-1]
    head.bias.assign(-score_model(classifier.model)(x).numpy().mean(axis=0) + head.bias)
    c = score_model(classifier.model)(x).numpy().argmax(axis=1)
    assert len(set(c)) > 1
    tiny_maps(tmp_path / "maps.h5", paths, classifier)
    stored = read(tmp_path / "maps.h5")
    np.testing.assert_array_equal(stored["class_index"], c)
    expected = grad_cam(classifier.model, x, c)
    np.testing.assert_allclose(stored["maps"], expected, atol=CAM_TOLERANCE * expected.max())


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.network = conv_model(head=None, shape=(16, 16, 3))

    def call(self, x):
        return self.network(x)


@pytest.mark.parametrize("class_index", [None, 2])
def test_a_subclassed_classifier(class_index, files, tmp_path):
    classifier = Classifier("own", (16, 16), tuple("abcd"), Subclassed(), lambda p: p / 255, None)
    classifier.model(classifier.prepare(load_image(files[0])))  # which builds it
    run = functools.partial(tiny_maps, tmp_path / "maps.h5", files[:2], classifier)
    assert run(method=vanilla_gradients, class_index=class_index) == {}
    assert run(method=vanilla_gradients, class_index=class_index) == {}
    stored = read(tmp_path / "maps.h5")
    x = classifier.prepare(load_image(files[1]))
    expected = vanilla_gradients(classifier.model, x, class_index)[0]
    np.testing.assert_allclose(stored["maps"][1], expected, atol=1e-5 * np.abs(expected).max())
    with pytest.raises(ValueError, match="out of range"):
        tiny_maps(tmp_path / "others.h5", files[:2], classifier, class_index=4)


@pytest.mark.parametrize("method", [no_map, too_few])
def test_a_method_that_returns_no_maps_is_no_success(method, files, tmp_path):
    with pytest.raises(ValueError, match=rf"'{method.__name__}' returned an array of shape"):
        tiny_maps(tmp_path / "maps.h5", files[:2], method=method)
    assert not list(tmp_path.iterdir())


def another_shape_later(model, inputs, class_index):
    return inputs[..., 0] if len(inputs) == 1 else inputs[:, :1, :1, 0]


def test_maps_of_another_shape_are_not_stored(files, tmp_path):
    with pytest.raises(ValueError, match="all of the same shape"):
        tiny_maps(tmp_path / "maps.h5", files[:2], method=another_shape_later)
    assert not read(tmp_path / "maps.h5")["maps"].any()


# ----------------------------------------------------------------------------- names, and reasons


def test_a_file_that_is_too_large_is_named_and_gets_no_map(files, tmp_path, cat):
    """A sparse file of 40 GB: reading it raised a MemoryError with an empty text."""
    film, good = tmp_path / "movie.mp4", tmp_path / "p1.png"
    with film.open("wb") as file:
        file.truncate(40 * 10**9)
    Image.fromarray(cat).save(good)
    skipped = tiny_maps(tmp_path / "maps.h5", [files[0], film, good])
    assert list(skipped) == [str(film)]
    assert "40,000 MB" in skipped[str(film)]
    stored = read(tmp_path / "maps.h5")
    assert list(stored["state"]) == [1, 2, 1]
    assert list(stored["maps"].any(axis=(1, 2))) == [True, False, True]


class Silent(Classifier):
    """A network whose preprocessing fails without a message, as MemoryError does."""

    def prepare(self, images):
        if np.shape(images) == (300, 451, 3):
            raise MemoryError
        return super().prepare(images)


def test_an_error_without_a_text_is_an_error(files, tmp_path):
    silent = Silent(*vars(tiny_classifier()).values())
    assert tiny_maps(tmp_path / "maps.h5", files[:1], silent) == {str(files[0]): "MemoryError"}
    assert list(read(tmp_path / "maps.h5")["state"]) == [2]


class Watched(Classifier):
    """A network that remembers how many pixels it got at once."""

    now, most, lock = 0, 0, threading.Lock()

    def prepare(self, images):
        pixels = np.size(images) // 3
        with Watched.lock:
            Watched.now += pixels
            Watched.most = max(Watched.most, Watched.now)
        time.sleep(0.2)
        with Watched.lock:
            Watched.now -= pixels
        return super().prepare(images)


@pytest.mark.slow
def test_pictures_that_are_read_at_one_time_share_fifty_million_pixels(tmp_path):
    content = io.BytesIO()
    Image.new("P", (4000, 5000)).save(content, "png")
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for path in paths:
        path.write_bytes(content.getvalue())
    assert tiny_maps(tmp_path / "maps.h5", paths, Watched(*vars(tiny_classifier()).values())) == {}
    assert 20_000_000 <= Watched.most <= 50_000_000


@pytest.mark.slow
@pytest.mark.skipif(
    os.name == "nt" or sys.platform == "darwin", reason="Windows and macOS allow Unicode names only"
)
def test_names_of_any_bytes(tmp_path, cat):
    names = [b"caf\xe9.png", "猫.png".encode(), b"\xff\xfe", b"missing \xe9.png"]
    paths = [tmp_path / os.fsdecode(name) for name in names]
    for path in paths[:3]:
        Image.fromarray(cat).save(path, format="png")
    for _ in range(2):
        skipped = tiny_maps(tmp_path / "maps.h5", paths)
        assert list(skipped) == [str(paths[3])]
    stored = read(tmp_path / "maps.h5")
    assert [Path(os.fsdecode(name)) for name in stored["files"]] == paths
    assert list(stored["state"]) == [1, 1, 1, 2]


@pytest.mark.parametrize("files", ["cat.jpg", b"cat.jpg", Path("cat.jpg")])
def test_one_path_is_no_list_of_files(files, tmp_path):
    with pytest.raises(TypeError, match=r"files='cat.jpg' is one path.*\[path\]"):
        tiny_maps(tmp_path / "maps.h5", files)
    for wrong in (None, 3, [None], [3, 4]):
        with pytest.raises(TypeError, match="files must be a list"):
            tiny_maps(tmp_path / "maps.h5", wrong)
    assert not list(tmp_path.iterdir())


class Stop(Exception):
    pass


def stop_at_once(model, inputs, class_index):
    if len(CALLS):
        raise Stop
    CALLS.append(1)
    return inputs[:, 0, 0, 0]


@pytest.mark.slow
def test_a_million_names_take_seconds(files, tmp_path):
    names = [*map(str, files[:1]), *(f"/pictures/of/everything/{i:07d}.jpg" for i in range(10**6))]
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"0999999\.jpg' occurs in files more than once"):
        tiny_maps(tmp_path / "maps.h5", [*names, names[-1]])
    for _ in range(2):  # made, then continued, in both cases up to the first picture
        CALLS[:] = [1] if (tmp_path / "maps.h5").exists() else []
        with pytest.raises(Stop):
            tiny_maps(tmp_path / "maps.h5", names, method=stop_at_once, batch_size=1)
    # About 5 s on one processor. Comparing each name with all the others took hours.
    assert time.perf_counter() - start < 60


# --------------------------------------------------------------------------------- the destination


def test_a_destination_in_use_gets_its_own_sentence(files, tmp_path):
    store = tmp_path / "maps.h5"
    tiny_maps(store, files[:1])
    before = store.read_bytes()
    with h5py.File(store), pytest.raises(ValueError, match="in use"):
        tiny_maps(store, files[:1])
    assert tiny_maps(store, files[:1]) == {}
    assert store.read_bytes() == before


INNER: list[str] = []


def starts_another_run(model, inputs, class_index, store=""):
    if not INNER:
        INNER.append("")
        try:
            tiny_maps(Path(store), [Path("other.png")])
        except ValueError as error:
            INNER[0] = str(error)
    return grad_cam(model, inputs, class_index)


@pytest.mark.slow
@pytest.mark.parametrize("existing", [False, True])
def test_a_second_run_on_one_destination_is_told_so_and_harms_nothing(
    existing, files, tmp_path, cat
):
    store = tmp_path / "maps.h5"
    method = functools.partial(starts_another_run, store=str(store))
    names = [files[0], tmp_path / "late.png"]
    for _ in range(1 + existing):
        INNER.clear()
        tiny_maps(store, names, method=method)
        assert "in use: another run" in INNER[0]
        Image.fromarray(cat).save(names[1])
    assert list(read(store)["state"]) == [1, 1 if existing else 2]
    assert bool(read(store)["error"][1]) != existing, "a reason goes with its problem"
    names[1].unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["maps.h5"], "no lock is left"


def test_of_many_runs_at_once_one_has_the_destination(tmp_path):
    """The lock's file may be deleted between a run's opening and locking it."""
    inside, entered, most = [], [0], [0]

    def runs():
        for _ in range(300):
            with contextlib.suppress(ValueError), _only_run(tmp_path / "maps.h5"):
                inside.append(1)
                entered[0] += 1
                most[0] = max(most[0], len(inside))
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=runs) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entered[0] > 8
    assert most[0] == 1
    assert not list(tmp_path.iterdir())


def test_what_others_made_is_not_touched(files, tmp_path):
    folder, text, hdf5 = tmp_path / "folder", tmp_path / "text", tmp_path / "others.h5"
    folder.mkdir()
    text.write_text("my notes")
    with h5py.File(hdf5, "w") as file:
        file["maps"] = np.ones(3)
    for destination, said in [
        (folder, "is not a file"),
        (text, "was not made by explain_dataset"),
        (hdf5, "was not made by explain_dataset"),
        (tmp_path / "no" / "such" / "folder.h5", "in a folder that exists"),
    ]:
        with pytest.raises((ValueError, OSError), match=said):
            tiny_maps(destination, files[:1])
    assert text.read_text() == "my notes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "others.h5", "text"]


@pytest.fixture(scope="module")
def intact(files, tmp_path_factory) -> bytes:
    store = tmp_path_factory.mktemp("intact") / "maps.h5"
    tiny_maps(store, files[:2])
    return store.read_bytes()


@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 100))]
)
def test_a_damaged_destination_gets_one_sentence_or_is_continued(seed, files, intact, tmp_path):
    """HDF5's own library hangs on 3 of 1,200 damaged files, and fails on others in many ways."""
    store, content = tmp_path / "maps.h5", bytearray(intact)
    rng = np.random.default_rng(seed)
    if seed % 4 == 0:
        del content[rng.integers(len(content)) :]
    else:
        for at in rng.integers(0, len(content), 1 + seed % 7):
            content[at] ^= 1 << rng.integers(8)
    store.write_bytes(content)
    said = ""
    try:
        tiny_maps(store, files[:2])
    except ValueError as error:
        said = str(error)
    if said:
        assert "damaged" in said or "was not made" in said
        assert "\n" not in said
        assert store.read_bytes() == content


@contextlib.contextmanager
def full_disk(room):
    """Limit the size of files: writing fails where it does on a full disk, in mid-write."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match=r"could not be written \(File too large") as caught:
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)


WITH_LIMITS = pytest.mark.skipif(os.name == "nt", reason="needs a limit that Windows doesn't have")


@WITH_LIMITS
@pytest.mark.parametrize("room", [0, 100, 3000, 10_000, 1_000_000])
def test_a_full_disk_gets_one_sentence_and_leaves_nothing(room, files, tmp_path):
    names = [*files[:1], *(f"missing {i}" for i in range(5000))]  # 1.5 MB of reasons
    with full_disk(room):
        tiny_maps(tmp_path / "maps.h5", names)
    assert not list(tmp_path.iterdir())


def stops_once(model, inputs, class_index):
    CALLS.append(1)
    if len(CALLS) == 4:
        raise Stop
    return grad_cam(model, inputs, class_index)


@pytest.mark.slow
@WITH_LIMITS
def test_a_disk_that_is_full_later_costs_no_stored_map(files, tmp_path):
    """Some file systems need room to overwrite. HDF5 crashed Python when it couldn't."""
    store = tmp_path / "maps.h5"
    run = functools.partial(tiny_maps, store, files[:3], method=stops_once, batch_size=1)
    CALLS.clear()
    with pytest.raises(Stop):
        run()
    before = read(store)
    assert list(before["state"]) == [1, 1, 0]
    with h5py.File(store) as file:
        parts = [file[name].id.get_offset() for name in ("maps", "class_index", "state", "error")]
    for room in (0, 1100, *parts):  # it fails while HDF5 opens the file, or in one of its parts
        with full_disk(room):
            run()
        assert (read(store)["state"][:2] == 1).all()
        np.testing.assert_array_equal(read(store)["maps"][:2], before["maps"][:2])
    assert run() == {}
    assert list(read(store)["state"]) == [1, 1, 1]
    np.testing.assert_array_equal(read(store)["maps"][:2], before["maps"][:2])


# ------------------------------------------------------------------------------------------- kills

KILLS = int(os.environ.get("SALIENCY_COURSE_KILLS", "10"))  # 300 weekly


def logged_cam(model, inputs, class_index, log=""):
    maps = grad_cam(model, inputs, class_index)
    with open(log, "a") as file:  # noqa: PTH123 - one write, which the system appends as a whole
        file.write("x" * len(inputs))
    time.sleep(0.01)  # which leaves time for a kill
    return maps


def kill_at_random(pictures, folder, kills):
    """Run, kill and continue until there have been enough kills; in a process that can be forked.

    One kill in five hits while TensorFlow and the file are being set up, the others after a few
    batches, wherever the run happens to be.
    """
    rng = np.random.default_rng()
    print("seed", rng.bit_generator.seed_seq.entropy)
    rounds, partly_done = 0, 0
    while kills > 0:
        rounds += 1
        store, log, killed, before = folder / f"{rounds}.h5", folder / f"{rounds}.log", 0, None
        log.touch()
        while True:
            size, pid = log.stat().st_size, os.fork()
            if pid == 0:
                method = functools.partial(logged_cam, log=str(log))
                tiny_maps(store, pictures, method=method, batch_size=2)
                os._exit(0)
            if killed < 10:
                late = rng.integers(3, 20) if rng.random() < 0.8 else 0
                ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
                while log.stat().st_size < size + late and not os.waitid(os.P_PID, pid, ended):
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 0.05 if late else 1))
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            if store.exists():
                now = read(store)
                partly_done += status != 0 and 0 < (now["state"] == 1).sum() < len(pictures) - 1
                if before is not None:
                    done = before["state"] == 1
                    assert (now["state"][done] == 1).all(), "lost"
                    assert np.array_equal(now["maps"][done], before["maps"][done]), "torn"
                before = now
            if status == 0:
                break
            assert os.WIFSIGNALED(status), "it neither finished nor died"
            killed += 1
        # Each run tries the method once; a kill costs at most the current batch.
        assert len(log.read_text()) <= len(pictures) + 1 + killed * (2 + 1)
        assert sorted(folder.glob(f"{rounds}.*")) == [store, log], "nothing else is left"
        kills -= killed
        print(f"{killed} kills, {len(log.read_text())} maps computed", flush=True)
    assert partly_done > KILLS // 3, "most kills should hit a run that is writing maps"
    print(f"{partly_done} kills hit a run that was writing maps")


@pytest.mark.patient
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="starting TensorFlow each time takes minutes")
def test_a_run_that_is_killed_is_continued_without_loss_or_duplicates(files, tmp_path):
    pictures = []
    for i in range(100):
        pictures.append(str(tmp_path / f"{i:03d}.png"))
        noise = np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(noise).save(pictures[-1])
    pictures[7] = str(files[3])  # damaged
    folder = tmp_path / "maps"
    folder.mkdir()
    code = (
        f"import sys, pathlib; sys.path[:0] = {sys.path!r}; import test_dataset\n"
        "test_dataset.kill_at_random(sys.argv[3:], pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder, str(KILLS), *pictures],
        capture_output=True,
        text=True,
        timeout=30 + 20 * KILLS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    classifier = tiny_classifier()
    x = [classifier.prepare(load_image(path)) for path in pictures if path != str(files[3])]
    expected = np.insert(grad_cam(classifier.model, np.concatenate(x)), 7, 0, axis=0)
    for store in folder.glob("*.h5"):
        stored = read(store)
        assert list(np.flatnonzero(stored["state"] != 1)) == [7]
        assert stored["state"][7] == 2
        # The batches differ, so sums are in another order.
        np.testing.assert_allclose(stored["maps"], expected, atol=1e-5 * expected.max())


DEVICES = """
import sys, keras, numpy as np, tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
from course_utils import explain_dataset, grad_cam, load_classifier, smoothgrad, vanilla_gradients
seen = set()
class Seen(keras.Layer):
    def call(self, x):
        y = x + 0.0
        if tf.inside_function():
            seen.add(y.device[-5:])
        return y
def network():
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    x = Seen()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    return keras.Model(image, keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x)))
x = np.random.default_rng(0).standard_normal((21, 16, 16, 3)).astype(np.float32)
methods = (vanilla_gradients, grad_cam, lambda *a: smoothgrad(*a, samples=3))
one = network()
expected = [method(one, x) for method in methods]
seen.clear()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    several = network()
    for method, e in zip(methods, expected):
        np.testing.assert_allclose(method(several, x), e, atol=1e-5 * abs(e).max())
        np.testing.assert_allclose(method(several, x[:1]), e[:1], atol=1e-5 * abs(e).max())
    assert {"CPU:0", "CPU:1"} <= seen, seen
    explain_dataset(load_classifier(), sys.argv[2:], sys.argv[1], grad_cam, progress=False)
"""


@pytest.mark.slow
@pytest.mark.patient
def test_under_a_strategy_every_device_does_its_share(classifier, files, tmp_path):
    store = tmp_path / "maps.h5"
    done = subprocess.run(
        [sys.executable, "-c", DEVICES, str(store), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    check(classifier, files, read(store))
