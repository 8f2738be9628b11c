"""Explain thousands of picture files: any method, stored raw, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from course_utils.attribution import vanilla_gradients
from course_utils.checking import check_count, method_name
from course_utils.images import load_image
from course_utils.models import Classifier
from course_utils.network.run import checked
from course_utils.network.tensorflow import tf

TO_DO, DONE, UNREADABLE = 0, 1, 2  # what stands in "state"


def explain_dataset(
    classifier: Classifier,
    files: Sequence,
    destination,
    method: Callable = vanilla_gradients,
    *,
    class_index: int | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> dict[str, str]:
    """Compute a map for each of many picture files, and store them raw in one HDF5 file.

    A run that was stopped, by Ctrl-C, a crash or a power switch, is continued by calling it again
    with the same arguments. At most the batch in work is computed twice; nothing is stored twice.
    Memory does not grow with the number of files.

    Args:
        classifier: from `load_classifier`.
        files: paths of pictures, for example sorted(Path("pictures").glob("*.jpg")).
        destination: the path of the HDF5 file, which is made, or continued. It holds, all in the
            order of `files`:
            "maps": float32 (files, ...), what the method returns, raw and signed; 0 where missing;
            "class_index": int32, the class that was explained; -1 where missing;
            "state": uint8, 0 to do, 1 done, 2 unreadable; and "error", the reason, as UTF-8 text;
            "files": their paths.
            Read it with h5py.File(destination)["maps"][i], which loads no more than map i.
        method: called as method(model, inputs, class_index): `vanilla_gradients`, `grad_cam`,
            functools.partial(smoothgrad, samples=20), or your own.
        class_index: one class for all pictures, or None for each picture's predicted class.
        batch_size: how many pictures are read and explained at a time.
        progress: whether to show a progress bar, and to name what could not be read.

    Returns:
        {path: reason} of the files that could not be read. They are skipped, and tried again when
        the run is continued.

    Raises:
        ValueError: no files; a file twice; a destination that holds another task's maps.
        TypeError, ValueError: as the method.
    """
    from tqdm.auto import tqdm

    names = [str(Path(file)) for file in files]
    if not names:
        raise ValueError("files is empty: expected the paths of pictures.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands in files more than once: expected each path once.")
    check_count("batch_size", batch_size)
    destination = Path(destination)
    task = {"network": classifier.name, "method": _describe(method), "class": str(class_index)}

    if not destination.exists():
        shape = _shape_of_one_map(classifier, method)
        _make(destination, names, shape, task)
    with _open(destination, names, task) as store:
        state = store["state"]
        todo = np.flatnonzero(state[:] != DONE)
        bar = tqdm(
            total=len(names), initial=len(names) - len(todo), unit="file", disable=not progress
        )
        with bar:
            for i, x, errors in _read(classifier, names, todo, batch_size):
                good = np.array([error == b"" for error in errors])
                if good.any():
                    _, c = checked(classifier.model, x[good], class_index)
                    store["maps"][i[good]] = method(classifier.model, x[good], c)
                    store["class_index"][i[good]] = c
                store["error"][i] = errors.astype("S300")
                store.flush()  # the maps first: what is called done is there
                state[i] = np.where(good, DONE, UNREADABLE)
                store.flush()
                bar.update(len(i))
        skipped = {
            names[i]: store["error"][i].decode(errors="ignore")
            for i in np.flatnonzero(state[:] == UNREADABLE)
        }
    if progress and skipped:
        print(f"{len(skipped)} of {len(names)} files could not be read, among them:")
        print(*(f"  {reason}" for reason in list(skipped.values())[:5]), sep="\n")
    return skipped


def _describe(method: Callable) -> str:
    """Return a method's name with the options that a functools.partial sets."""
    options = ", ".join(f"{k}={v!r}" for k, v in sorted(getattr(method, "keywords", {}).items()))
    return f"{method_name(method)}({options})"


def _shape_of_one_map(classifier: Classifier, method: Callable) -> tuple[int, ...]:
    grey = classifier.prepare(np.full((*classifier.input_size, 3), 127, np.uint8))
    return np.shape(method(classifier.model, grey, np.zeros(1, np.int32)))[1:]


def _make(destination: Path, names: list[str], shape: tuple[int, ...], task: dict) -> None:
    """Lay out the whole file, so that later nothing but numbers in it change.

    That is why a run may be killed at any time: HDF5 files break where their layout is written.
    """
    unfinished = destination.with_name(destination.name + ".unfinished")
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    n = len(names)
    with h5py.File(unfinished, "w") as store:
        store.attrs.update(task)
        store["files"] = names
        for name, dtype, size, empty in (
            ("maps", "f4", (n, *shape), 0),
            ("class_index", "i4", (n,), -1),
            ("state", "u1", (n,), TO_DO),
            ("error", "S300", (n,), b""),
        ):
            store.create_dataset(name, size, dtype, fillvalue=empty, dcpl=early.copy())
    unfinished.replace(destination)


def _open(destination: Path, names: list[str], task: dict) -> h5py.File:
    try:
        store = h5py.File(destination, "r+")
        found = {key: store.attrs.get(key) for key in task}
        same_files = [name.decode() for name in store["files"][:]] == names
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{str(destination)!r} exists and is no file that explain_dataset could continue "
            f"({error}). Give another destination, or delete it."
        ) from None
    if found != task or not same_files:
        store.close()
        differs = [
            f"{key} {found[key]}, not {task[key]}" for key in task if found[key] != task[key]
        ]
        raise ValueError(
            f"{str(destination)!r} holds the maps of another task "
            f"({'; '.join(differs) or 'other files'}). Give another destination, or delete it."
        )
    return store


def _read(
    classifier: Classifier, names: list[str], todo: np.ndarray, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (indices, inputs, errors), read by a tf.data pipeline while the network works."""
    shape = (*classifier.input_size, 3)

    def read(i):
        try:
            return classifier.prepare(load_image(Path(names[i])))[0], b""
        except Exception as error:  # whatever is wrong with a file, the others go on
            return np.zeros(shape, np.float32), str(error).encode()

    def read_in_graph(i):
        x, error = tf.numpy_function(read, [i], [tf.float32, tf.string])
        return i, tf.ensure_shape(x, shape), tf.ensure_shape(error, ())

    pictures = tf.data.Dataset.from_tensor_slices(todo)
    pictures = pictures.map(read_in_graph, num_parallel_calls=tf.data.AUTOTUNE)
    yield from pictures.batch(batch_size).prefetch(1).as_numpy_iterator()
