"""Try random damaged and hostile inputs: nothing crashes, hangs, fills memory or rambles.

    python tests/fuzz.py                                  every target, 30 seconds in all
    python tests/fuzz.py --seconds 600 --seed 7 pictures  one target, ten minutes, from seed 7

Each case has its own seed, so you can repeat a failure:

    python tests/fuzz.py --case 7001234 pictures

A target makes a case from a random generator and tries it. It must succeed, or raise one of its
documented errors, with one sentence. The cases run in a separate process with limited memory, which
is killed when a case takes too long. Both count as failures.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("", "dataset", "pictures"))]

LONGEST = 20  # seconds per case: the largest pictures take 5 on a busy machine
MEMORY = 1_200_000_000  # bytes more than an idle process: a file of 200 MB, and 10 per pixel

# --------------------------------------------------------------------------------- the mutations


def flip_bits(rng: np.random.Generator, content: bytes) -> bytes:
    changed = bytearray(content)
    for at in rng.integers(0, len(changed), rng.integers(1, 20)):
        changed[at] ^= 1 << rng.integers(8)
    return bytes(changed)


def cut(rng: np.random.Generator, content: bytes) -> bytes:
    return content[: rng.integers(len(content))]


def repeat_a_part(rng: np.random.Generator, content: bytes) -> bytes:
    start, end = sorted(rng.integers(0, len(content) + 1, 2))
    times = int(rng.choice([1, 2, 50, 5000])) if end - start < 1000 else 2
    return content[:end] + content[start:end] * times + content[end:]


def drop_a_part(rng: np.random.Generator, content: bytes) -> bytes:
    start, end = sorted(rng.integers(0, len(content) + 1, 2))
    return content[:start] + content[end:]


def write_a_number(rng: np.random.Generator, content: bytes) -> bytes:
    """Put an extreme number where a size, a count or an offset could be, mostly near the top."""
    size = int(rng.choice([1, 2, 4, 8]))
    at = int(rng.integers(min(len(content), 200 if rng.random() < 0.7 else len(content))))
    numbers = [0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), len(content), 7071]
    number = int(rng.choice(np.array(numbers, object))) % 2 ** (8 * size)
    order = "little" if rng.random() < 0.5 else "big"
    return content[:at] + number.to_bytes(size, order) + content[at + size :]


def insert_noise(rng: np.random.Generator, content: bytes) -> bytes:
    at, size = int(rng.integers(len(content) + 1)), int(rng.choice([1, 10, 1000, 1_000_000]))
    noise = rng.bytes(size) if rng.random() < 0.5 else bytes([int(rng.choice([0, 255]))]) * size
    return content[:at] + noise + content[at:]


MUTATIONS = (flip_bits, cut, repeat_a_part, drop_a_part, write_a_number, insert_noise)


def mutate(rng: np.random.Generator, content: bytes) -> bytes:
    """Return contents that were changed one to three times."""
    for _ in range(rng.integers(1, 4)):
        content = MUTATIONS[rng.integers(len(MUTATIONS))](rng, content or b"\0")
    return content


# ----------------------------------------------------------------------------------- the targets


def pictures() -> Callable[[np.random.Generator], None]:
    """Pictures in all formats that Pillow writes, damaged or as bombs, as a path or bytes."""
    from PIL import Image
    from test_hostile_pictures import METADATA, claims, tiff_changed, with_scans

    from course_utils import load_image
    from course_utils.models import Classifier

    class Network:
        input_size, _preprocess = (224, 224), staticmethod(lambda x: x)

    Image.init()
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 4), np.uint8)
    seeds = []
    for file_format in sorted(Image.SAVE):
        for mode in ("RGB", "RGBA", "L", "P", "1", "I;16", "F", "CMYK", "LA"):
            for options in ({}, {"progressive": True}, {"lossless": True}, {"compression": "jpeg"}):
                file = io.BytesIO()
                try:
                    Image.fromarray(noise).convert(mode).save(file, file_format, **options)
                except Exception:  # which formats can hold which modes
                    continue
                if file.getvalue() not in seeds:
                    seeds.append(file.getvalue())
    allowed = ("png", "jpeg", "webp", "gif", "tiff", "bmp")
    bombs = [
        *(lambda rng, name=name: claims(name, *rng.integers(1, 7071, 2)) for name in allowed),
        lambda rng: with_scans(int(rng.integers(100_000)), tuple(rng.integers(1, 9000, 2))),
        lambda rng: list(METADATA.values())[rng.integers(len(METADATA))](),
        lambda rng: tiff_changed(claims("tiff", *rng.integers(1, 7071, 2)), (278, 4, 1, 1)),
    ]

    def case(rng: np.random.Generator) -> None:
        if rng.random() < 0.05:
            content = bombs[rng.integers(len(bombs))](rng)
        else:
            content = mutate(rng, seeds[rng.integers(len(seeds))])
        if rng.random() < 0.5:
            with tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / "picture.png"
                source.write_bytes(content)
                picture = load_image(source)
        else:
            picture = load_image(content)
        assert picture.dtype == np.uint8
        assert picture.shape[2:] == (3,)
        assert Classifier.prepare(Network, picture).shape == (1, 224, 224, 3)

    return case


def hdf5() -> Callable[[np.random.Generator], None]:
    """Damaged destinations of explain_dataset: continued, or refused and left untouched."""
    from PIL import Image
    from test_dataset import tiny_classifier, tiny_maps

    classifier = tiny_classifier()
    folder = Path(tempfile.mkdtemp(prefix="course-fuzz-"))
    files = [folder / f"{i}.png" for i in range(3)]
    for i, file in enumerate(files):
        Image.fromarray(np.full((16, 16, 3), 80 * i, np.uint8)).save(file)
    store = folder / "maps.h5"
    tiny_maps(store, files, classifier)
    intact = store.read_bytes()

    def case(rng: np.random.Generator) -> None:
        content = mutate(rng, intact)
        store.write_bytes(content)
        try:
            assert tiny_maps(store, files, classifier) == {}
        except ValueError:
            assert store.read_bytes() == content, "it was refused, but changed"
            raise

    return case


def progress() -> Callable[[np.random.Generator], None]:
    """Progress files with anything in them."""
    from fuzz_targets import fuzz_progress

    return fuzz_progress


def uploads() -> Callable[[np.random.Generator], None]:
    """Whatever a browser may send to the playground."""
    from fuzz_targets import fuzz_upload

    return fuzz_upload


# name: (prepares the target and returns a function of a random generator, errors it may raise)
TARGETS: dict[str, tuple[Callable, tuple[type[Exception], ...]]] = {
    "pictures": (pictures, (ValueError,)),
    "hdf5": (hdf5, (ValueError,)),
    "progress": (progress, ()),
    "uploads": (uploads, ()),
}

# ------------------------------------------------------------------------------------ the running


def memory() -> int:
    """Return the peak memory of this process, in bytes; 0 if it's unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def run_cases(name: str, first: int, only_one: bool, pipe) -> None:
    """Run cases in turn, in a process of its own; send (case, outcome) for each."""
    prepare, expected = TARGETS[name]
    case = prepare()
    if not only_one:  # C libraries complain there, line by line
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    idle, number = memory(), first
    pipe.send((None, "ready", 0))
    while True:
        pipe.send((number, "begins", 0))
        try:
            case(np.random.default_rng(number))
            outcome = "accepted"
        except expected as error:
            text = str(error)
            one_sentence = 20 < len(text) < 600 and "\n" not in text and "object at 0x" not in text
            outcome = "refused" if one_sentence else f"FAILED: not a sentence: {text[:300]!r}"
        except BaseException as error:
            outcome = f"FAILED: {type(error).__name__}: {str(error)[:300]!r}"
        peak = memory() - idle
        if peak > MEMORY:
            outcome = f"FAILED: took {peak / 1e6:.0f} MB"
        pipe.send((number, outcome, peak))
        if only_one:
            return
        number += 1


def fuzz(name: str, seconds: float, first: int, only_one: bool) -> int:
    """Run a target's cases for that many seconds, or only one case; return how many failed."""
    processes = multiprocessing.get_context("spawn")
    end = time.monotonic() + seconds
    outcomes, failures, longest, peak, number = Counter(), [], 0.0, 0, first
    while number == first or (not only_one and time.monotonic() < end):
        here, there = processes.Pipe()
        process = processes.Process(target=run_cases, args=(name, number, only_one, there))
        process.start()
        there.close()
        running, begun = False, time.monotonic()
        try:
            while time.monotonic() < end or only_one or not running:
                if not here.poll(LONGEST if running else 300):
                    raise TimeoutError
                case, outcome, taken = here.recv()
                if case is None:  # the time that TensorFlow takes to start doesn't count
                    running, end = True, end + time.monotonic() - begun
                elif outcome == "begins":
                    number, begun = case, time.monotonic()
                else:
                    longest, peak = max(longest, time.monotonic() - begun), max(peak, taken)
                    outcomes[outcome.split(":")[0]] += 1
                    if outcome.startswith("FAILED"):
                        failures.append(f"{name}, case {case}: {outcome}")
                        break  # its leftovers must not spoil the next
        except (EOFError, TimeoutError) as error:
            if not only_one or not outcomes:
                how = "takes too long" if isinstance(error, TimeoutError) else "ends the process"
                outcomes["FAILED"] += 1
                failures.append(f"{name}, case {number}: FAILED: {how}")
        process.kill()
        process.join()
        number += 1
    print(
        f"{name}: {outcomes.total()} cases from {first}; "
        + ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
        + f"; longest {longest:.2f} s; memory at most {peak / 1e6:.0f} MB more than idle",
        *failures,
        sep="\n",
        flush=True,
    )
    return len(failures)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all, if you name none")
    parser.add_argument("--seconds", type=float, default=30, help="in total, without preparations")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6)
    parser.add_argument("--case", type=int, help="run this case only")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    first = options.case if options.case is not None else 10**6 * options.seed
    with tempfile.TemporaryDirectory() as folder:  # processes that are killed don't clean up
        os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder))
        share = options.seconds / len(names)
        failed = sum(fuzz(name, share, first, options.case is not None) for name in names)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
