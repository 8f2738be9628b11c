"""Explain thousands of picture files: any method, stored raw, resumable."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from course_utils.attribution import vanilla_gradients
from course_utils.checking import Method, check_count, check_maps, check_method
from course_utils.fingerprint import describe, digest, weights_digest
from course_utils.images import check_picture
from course_utils.models import Classifier
from course_utils.network.open import opened
from course_utils.network.run import checked
from course_utils.network.tensorflow import tf
from course_utils.picture_limits import MAX_PIXELS

if os.name == "nt":
    import msvcrt

    def _lock(file) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


TO_DO, DONE, UNREADABLE = 0, 1, 2  # what "state" holds


def explain_dataset(
    classifier: Classifier,
    files: Iterable[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    method: Method = vanilla_gradients,
    *,
    class_index: int | Callable[..., Any] | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> dict[str, str]:
    """Compute a map for each of many picture files, and store them raw in one HDF5 file.

    If a run was stopped, by Ctrl-C or because the process was killed, call it again with the same
    arguments, and it continues. At most the current batch is computed twice; nothing is stored
    twice. The same arguments means the same network with the same weights, the same files, and the
    same method with the same options; anything else is refused. The file takes all its disk space
    at the beginning, and memory doesn't grow with the number of files or processors: the pictures
    being read at any time have at most 50 million pixels in total.

    Args:
        classifier: from `load_classifier`, or your own.
        files: paths of pictures, for example sorted(Path("pictures").glob("*.jpg")).
        destination: the path of the HDF5 file, which is made or continued. It holds, all in the
            order of `files`:
            "maps": float32 (files, ...), what the method returns, raw and signed; 0 where missing;
            "class_index": int32, the class that was explained; -1 where missing;
            "state": uint8, 0 to do, 1 done, 2 unreadable; and "error", the reason, as UTF-8 text;
            "files": their paths, as bytes (os.fsdecode turns them into text).
            Read it with h5py.File(destination)["maps"][i], which loads no more than map i.
        method: called as method(model, inputs, class_index): `vanilla_gradients`, `grad_cam`,
            functools.partial(smoothgrad, samples=20), or your own function, defined with def at
            the top of a module or a notebook cell. A lambda has no name to recognise it by.
        class_index: one class for all pictures, or None for each picture's predicted class. A
            function of the scores is passed on to the method, if that accepts one.
        batch_size: how many pictures are read and explained at a time.
        progress: whether to show a progress bar, and to name the files that couldn't be read.

    Returns:
        {path: reason} for the files that couldn't be read. They're skipped, and tried again when
        you continue the run.

    Raises:
        ValueError: no files; a file twice; a method without a name; a destination that holds
            another task's maps, is damaged, or that another run is writing.
        TypeError, ValueError: as the method; or it doesn't return one map per input.
        OSError: the destination can't be written, for example because the disk is full.
    """
    from tqdm.auto import tqdm

    names = _names(files)
    check_count("batch_size", batch_size)
    # Called with a real picture: only a call shows what a subclassed model needs.
    x = classifier.prepare(_TRIAL)
    if not callable(class_index):
        checked(classifier.model, x, 0 if class_index is None else class_index)
    task = _task(classifier, names, method, class_index, x)
    destination = Path(os.fsdecode(destination)).absolute()

    with _only_run(destination):
        if not destination.exists():
            _make(destination, names, _explain(classifier, method, x, class_index)[0][0], task)
        with _open(destination, task) as store:
            state = store["state"]
            todo = np.flatnonzero(state[:] != DONE)
            done = len(names) - len(todo)
            bar = tqdm(total=len(names), initial=done, unit="file", disable=not progress)
            with bar:
                for i, x, readable, errors in _read(classifier, names, todo, batch_size):
                    good, maps, c = i[readable], None, None
                    if len(good):
                        shape = store["maps"].shape[1:]
                        maps, c = _explain(classifier, method, x[readable], class_index, shape)
                    with _writing(destination):
                        if len(good):
                            store["maps"][good] = maps
                            store["class_index"][good] = c
                        store["error"][i] = errors.astype(_ERROR)
                        store.flush()  # the maps first: if it says done, the map is there
                        state[i] = np.where(readable, DONE, UNREADABLE)
                        store.flush()
                    bar.update(len(i))
            skipped = _skipped(store, names)
    if progress and skipped:
        print(f"{len(skipped)} of {len(names)} files couldn't be read, among them:")
        print(*(f"  {reason}" for reason in list(skipped.values())[:5]), sep="\n")
    return skipped


_TRIAL = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
_ERROR = "S300"


def _names(files) -> list[str]:
    if isinstance(files, (str, bytes, os.PathLike)):
        raise TypeError(
            f"files={os.fsdecode(files)!r} is one path: expected a list of paths, for example "
            "sorted(Path('pictures').glob('*.jpg')), or [path] for a single picture."
        )
    try:
        names = [os.fsdecode(file) for file in files]
    except TypeError as error:
        raise TypeError(f"files must be a list of the paths of pictures ({error}).") from None
    if not names:
        raise ValueError("files is empty: expected the paths of pictures.")
    if len(set(names)) < len(names):
        seen = set()
        twice = next(name for name in names if name in seen or seen.add(name))
        raise ValueError(f"{twice!r} occurs in files more than once: expected each path once.")
    return names


# ------------------------------------------------------------------------------------ the task


def _task(classifier: Classifier, names: list[str], method, class_index, x: np.ndarray) -> dict:
    """Describe everything a map depends on; the trial picture's results describe functions.

    Neither the preprocessing nor what happens between a network's weights has a name.
    """
    check_method(method)
    c = class_index if class_index is None or callable(class_index) else int(class_index)
    return {
        "network": classifier.name,
        "weights": weights_digest(classifier.model),
        "method": _shortened(describe(method, "the method")),
        "class": _shortened(describe(c, "class_index")),
        "files": digest(os.fsencode(name) + b"\0" for name in names),
        "input": x.ravel()[:: max(1, x.size // 1000)],
        "scores": np.concatenate([np.ravel(s) for s in opened(classifier.model).scores(x)])[:1000],
    }


def _shortened(text: str) -> str:
    """Return a text that fits into an HDF5 attribute."""
    return text if len(text) < 2000 else f"{text[:1000]} ... {digest([text.encode()])}"


def _differences(found: dict, task: dict) -> Iterator[str]:
    """Yield, in words, how another task differs."""
    for key in ("network", "method", "class"):
        if found[key] != task[key]:
            yield f"{key} {found[key]}, not {task[key]}"
    if found["network"] == task["network"] and found["weights"] != task["weights"]:
        yield "a network of this name with other weights"
    elif not _same(found["input"], task["input"]):
        yield "pictures of another size or preprocessing"
    elif not _same(found["scores"], task["scores"]):
        yield "a network with these weights that computes something else"
    if found["files"] != task["files"]:
        yield "other files"


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    # 1 %: processors and graphics cards round differently, some after 10 bits.
    return np.shape(a) == np.shape(b) and np.allclose(a, b, 0.01, 0.01 * np.abs(b).max())


def _explain(
    classifier: Classifier, method: Callable, x: np.ndarray, class_index, shape=None
) -> tuple:
    """Return the maps and the classes they explain; -1 for a function of the scores."""
    if callable(class_index):
        maps, c = method(classifier.model, x, class_index), -1
    else:
        _, c = checked(classifier.model, x, class_index)
        maps = method(classifier.model, x, c)
    return check_maps(maps, len(x), method, shape, finite=False), c  # stored raw, whatever it holds


# ------------------------------------------------------------------------------------ the file


@contextlib.contextmanager
def _only_run(destination: Path) -> Iterator[None]:
    """Lock a destination against other runs; the system ends the lock with the process."""
    path = destination.with_name(destination.name + ".lock")
    while True:
        try:
            lock = path.open("ab")
        except OSError as error:
            raise _cannot_write(destination, error) from None
        try:
            _lock(lock)
        except OSError as error:
            lock.close()
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                raise _in_use(destination) from None
            raise _cannot_write(destination, error) from None
        with contextlib.suppress(OSError):  # deleted by a run that has just ended?
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                break
        lock.close()
    try:
        yield
    finally:
        if os.name == "nt":  # where open files can't be deleted
            lock.close()
        with contextlib.suppress(OSError):
            path.unlink()
        lock.close()


def _in_use(destination: Path) -> ValueError:
    return ValueError(
        f"{str(destination)!r} is in use: another run is writing to it, or a program or notebook "
        "has it open. Wait for it, close the file there, or give another destination."
    )


def _cannot_write(destination: Path, error: OSError) -> OSError:
    reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
    return OSError(
        f"{str(destination)!r} can't be written ({reason}): give a destination in a folder that "
        "exists and in which you may write."
    )


@contextlib.contextmanager
def _writing(destination: Path, size: int | None = None) -> Iterator[None]:
    """Turn HDF5's many lines about what went wrong while writing into one sentence."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS):
            raise _cannot_write(destination, error) from None
        number = getattr(error, "errno", None) or re.search(r"errno = (\d+)", str(error))
        if isinstance(number, re.Match):  # as HDF5 writes it
            number = int(number[1])
        reason = os.strerror(number) if number else str(error).splitlines()[0]
        needed = f"; it needs {size / 1e6:,.1f} MB" if size else ""
        raise OSError(
            f"{str(destination)!r} could not be written ({reason}{needed}): free some space on the "
            "disk and call explain_dataset again, which continues with what is stored."
        ) from None


def _make(destination: Path, names: list[str], one_map: np.ndarray, task: dict) -> None:
    """Lay out the whole file. After that, only numbers in it change.

    So you can kill a run at any time: HDF5 files only break while their layout is being written.
    And a digest in front of the HDF5 file, of everything but those numbers, shows whether the
    layout is damaged: HDF5's own library would fail in many ways, or never return.
    """
    unfinished = destination.with_name(destination.name + ".unfinished")
    n = len(names)
    layout = {
        "maps": ("f4", (n, *one_map.shape), 0),
        "class_index": ("i4", (n,), -1),
        "state": ("u1", (n,), TO_DO),
        "error": (_ERROR, (n,), b""),
    }
    size = sum(np.dtype(dtype).itemsize * np.prod(shape) for dtype, shape, _ in layout.values())
    try:
        with _writing(destination, size):
            with h5py.File(unfinished, "w", libver="earliest", userblock_size=_FRONT) as store:
                store.attrs.update(task)
                store.create_dataset(
                    "files",
                    data=np.array([*map(os.fsencode, names)], object),
                    dtype=h5py.string_dtype(),
                )
                for name, (dtype, shape, empty) in layout.items():
                    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # but below
                    store.create_dataset(name, shape, dtype, fillvalue=empty, dcpl=plan)
                places = [
                    (store[name].id.get_offset(), store[name].id.get_storage_size(), empty)
                    for name, (*_, empty) in layout.items()
                ]
            with unfinished.open("r+b") as file:
                for offset, length, empty in places:
                    file.seek(offset)
                    _fill(file, length, b"\xff" if empty == -1 else b"\0")
                numbers = [_OPEN, *([offset, length] for offset, length, _ in places)]
                front = json.dumps({"numbers": numbers, "digest": _layout_digest(file, numbers)})
                file.seek(0)
                file.write(front.encode().ljust(_FRONT))
            unfinished.replace(destination)
    except BaseException:
        with contextlib.suppress(OSError):
            os.truncate(
                unfinished, 0
            )  # after an error, HDF5 may keep the file open and hold on to its space
            unfinished.unlink()
        raise


_FRONT = 1024  # bytes in front of the HDF5 file
_OPEN = [_FRONT + 20, 4]  # where HDF5 notes, in files of the earliest version, that they're open


def _fill(file, length: int, byte: bytes) -> None:
    for start in range(0, length, 2**20):
        file.write(byte * min(2**20, length - start))


def _layout_digest(file, numbers: list) -> str:
    """Return a digest of a file without its front and its numbers, given as (offset, length)."""
    numbers = [(0, _FRONT), *sorted(map(tuple, numbers)), (os.fstat(file.fileno()).st_size, 0)]

    def parts():
        for (offset, length), (end, _) in itertools.pairwise(numbers):
            file.seek(offset + length)
            yield f"{offset} {length} {end}".encode()
            for start in range(offset + length, end, 2**20):
                yield file.read(min(2**20, end - start))

    return digest(parts())


def _open(destination: Path, task: dict) -> Any:  # an h5py.File, whose parts have no types
    if not stat.S_ISREG(destination.stat().st_mode):
        raise ValueError(f"{str(destination)!r} is not a file: give the path of an HDF5 file.")
    with destination.open("rb") as file:
        try:
            front = json.loads(file.read(_FRONT))
            intact = front["digest"] == _layout_digest(file, front["numbers"])
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{str(destination)!r} exists and was not made by explain_dataset. Give another "
                "destination, or delete it."
            ) from None
    if not intact:
        raise ValueError(
            f"{str(destination)!r} is damaged: it can't be continued. Give another destination, or "
            "delete it."
        )
    try:
        # Without HDF5's buffer: if the disk is full, HDF5 would try to write that until it crashes.
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
        access.set_sieve_buf_size(0)
        name = os.fsencode(destination)
        store = h5py.File(h5py.h5f.open(name, h5py.h5f.ACC_RDWR, access))
    except OSError as error:
        if isinstance(error, BlockingIOError) or "already open" in str(error):
            raise _in_use(destination) from None
        with _writing(destination):
            raise
    differences = list(_differences(dict(store.attrs), task))
    if differences:
        store.close()
        raise ValueError(
            f"{str(destination)!r} holds another task's maps ({'; '.join(differences)}). Give "
            "another destination, or delete it."
        )
    return store


def _skipped(store, names: list[str]) -> dict[str, str]:
    skipped = {}
    for start in range(0, len(names), 10_000):
        part = slice(start, start + 10_000)
        bad = np.flatnonzero(store["state"][part] == UNREADABLE)
        if len(bad):
            errors = store["error"][part]
            skipped |= {names[start + i]: errors[i].decode(errors="ignore") for i in bad}
    return skipped


# ------------------------------------------------------------------------------------ the pictures


def _read(classifier: Classifier, names: list[str], todo: np.ndarray, batch_size: int) -> Iterator:
    """Yield arrays (indices, inputs, readable, errors), read by tf.data while the network works."""
    shape = (*classifier.input_size, 3)
    room = _Room(MAX_PIXELS)

    def read(i):
        try:
            return _prepared(classifier, Path(names[i]), room), True, b""
        except Exception as error:  # whatever is wrong with one file, go on with the others
            reason = str(error) or type(error).__name__
            return np.zeros(shape, np.float32), False, reason.encode(errors="backslashreplace")

    def read_in_graph(i):
        x, readable, error = tf.numpy_function(read, [i], [tf.float32, tf.bool, tf.string])
        return (
            i,
            tf.ensure_shape(x, shape),
            tf.ensure_shape(readable, ()),
            tf.ensure_shape(error, ()),
        )

    pictures = tf.data.Dataset.from_tensor_slices(todo)
    pictures = pictures.map(read_in_graph, num_parallel_calls=tf.data.AUTOTUNE)
    yield from pictures.batch(batch_size).prefetch(1).as_numpy_iterator()


def _prepared(classifier: Classifier, path: Path, room: _Room) -> np.ndarray:
    # A large file is read alone: we don't know its pixels in advance.
    large = path.is_file() and path.stat().st_size > _LARGE
    with room.for_pixels(MAX_PIXELS if large else 0):
        picture = check_picture(path)
        with room.for_pixels(0 if large else picture.pixels):
            return classifier.prepare(picture.decode())[0]


_LARGE = 10_000_000  # bytes


class _Room:
    """Let threads work on a limited number of pixels at a time, in total."""

    def __init__(self, pixels: int) -> None:
        self._free, self._changed = pixels, threading.Condition()

    @contextlib.contextmanager
    def for_pixels(self, pixels: int) -> Iterator[None]:
        """Wait until there's room for a picture, and reserve it meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()
