"""explain_dataset: every file once, bad ones named, killed and continued, on several devices."""

from __future__ import annotations

import functools
import subprocess
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from course_utils import explain_dataset, grad_cam, load_image, smoothgrad, vanilla_gradients

CAM_TOLERANCE = 1e-5  # of the largest value: sums in another order, since batches differ


@pytest.fixture(scope="module")
def files(tmp_path_factory, cat):
    """Twelve pictures; the fourth is damaged, the ninth is not there."""
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
    assert stored["maps"].dtype == np.float32 and stored["maps"].shape == (12, 7, 7)
    for i in (0, 4, 11):
        expected = expected_cam(classifier, files[i])
        assert np.abs(stored["maps"][i] - expected).max() <= CAM_TOLERANCE * expected.max()
    assert not stored["maps"][[3, 8]].any() and (stored["class_index"][[3, 8]] == -1).all()
    assert (stored["class_index"][[0, 4, 11]] >= 0).all()


def test_every_file_has_its_map_and_bad_ones_their_reason(classifier, files, tmp_path, capsys):
    skipped = explain_dataset(classifier, files, tmp_path / "maps.h5", grad_cam, batch_size=5)
    check(classifier, files, read(tmp_path / "maps.h5"))
    assert list(skipped) == [str(files[3]), str(files[8])]
    assert all(name in reason for name, reason in skipped.items())
    assert "2 of 12 files could not be read" in capsys.readouterr().out


CALLS: list[int] = []


def counted_cam(model, inputs, class_index):
    """Grad-CAM that counts its calls, in this process."""
    CALLS.append(len(inputs))
    return grad_cam(model, inputs, class_index)


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
    assert CALLS == [1], "only the file that was missing is computed"
    assert run() == {} and CALLS == [1], "nothing is left to do"


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


def test_smoothgrad_of_files(classifier, files, tmp_path):
    method = functools.partial(smoothgrad, samples=2)
    explain_dataset(classifier, files[:1], tmp_path / "maps.h5", method, progress=False)
    stored = read(tmp_path / "maps.h5")
    inputs = classifier.prepare(load_image(files[0]))
    expected = smoothgrad(classifier.model, inputs, int(stored["class_index"][0]), samples=2)
    assert np.allclose(stored["maps"], expected, atol=1e-5 * np.abs(expected).max())


RUN = """
import sys
from course_utils import explain_dataset, grad_cam, load_classifier
def method(model, inputs, class_index):
    print("a batch", flush=True)
    return grad_cam(model, inputs, class_index)
method.__name__ = "grad_cam"
explain_dataset(load_classifier(), sys.argv[2:], sys.argv[1], method, batch_size=1, progress=False)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_is_continued_without_loss_or_duplicates(classifier, files, tmp_path):
    store = tmp_path / "maps.h5"
    command = [sys.executable, "-c", RUN, str(store), *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for _ in range(
            6
        ):  # the first call finds out the shape of a map; then pictures 0, 1, 2, 4, 5
            assert run.stdout.readline() == "a batch\n"
        run.kill()
    before = read(store)
    assert 3 <= (before["state"] == 1).sum() <= 6, "killed in the middle"

    calls = []

    def method(model, inputs, class_index):
        calls.append(len(inputs))
        return grad_cam(model, inputs, class_index)

    method.__name__ = "grad_cam"
    explain_dataset(classifier, files, store, method, progress=False)
    after = read(store)
    check(classifier, files, after)
    assert sum(calls) == 10 - (before["state"] == 1).sum(), "what was done is not done again"
    done = before["state"] == 1
    assert np.array_equal(after["maps"][done], before["maps"][done])


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
