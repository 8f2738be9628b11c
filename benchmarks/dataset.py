"""Explain 2,000 generated pictures: throughput against the limit, flat memory, a kill halfway.

    python benchmarks/dataset.py                     Grad-CAM of 2,000 files, a few minutes
    python benchmarks/dataset.py --method vanilla    input gradients, 1.2 GB of maps
    python benchmarks/dataset.py --write             and keep the table in benchmarks/results/

It runs in the course's own environment. The pictures are different cut-outs from the examples; 1 %
of the files are damaged on purpose. The run is killed when half of the files are done, then started
again. Then it counts every map, and compares some of them with the method's own.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import psutil
from PIL import Image

from course_utils import example_images, grad_cam, load_classifier, load_image, vanilla_gradients

HERE = Path(__file__).resolve().parent
METHODS = {"vanilla": vanilla_gradients, "grad_cam": grad_cam}


def generate(folder: Path, count: int) -> list[Path]:
    """Write `count` JPEG files of 320 x 320: random squares of the examples; 1 % are damaged."""
    rng = np.random.default_rng(0)
    examples = [Image.fromarray(load_image(name)) for name in example_images()]
    paths = [folder / f"{i:05d}.jpg" for i in range(count)]
    for i, path in enumerate(paths):
        picture = examples[rng.integers(len(examples))]
        side = int(rng.uniform(0.6, 1) * min(picture.size))
        left, top = (int(rng.integers(size - side + 1)) for size in picture.size)
        picture.crop((left, top, left + side, top + side)).resize((320, 320)).save(path)
        if i % 100 == 50:
            path.write_bytes(path.read_bytes()[:500])
    return paths


def counted(model, inputs, class_index, method=""):
    """A method that reports its progress before each batch."""
    counted.done += len(inputs)
    print(counted.done, flush=True)
    return METHODS[method](model, inputs, class_index)


counted.done = 0


def explain(folder: Path, method: str) -> None:
    """The part that runs in its own process."""
    from course_utils import explain_dataset

    files = sorted(folder.glob("*.jpg"))
    named = functools.partial(counted, method=method)
    explain_dataset(load_classifier(), files, folder / "maps.h5", named, progress=False)


def watch(folder: Path, method: str, kill_at: int | None) -> tuple[list, list, int]:
    """Run `explain`, and kill it once `kill_at` pictures are done: (done, seconds, MB) of each."""
    command = [sys.executable, __file__, "--method", method, "--explain", str(folder)]
    done, seconds, memory = [], [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        process = psutil.Process(run.pid)
        for line in run.stdout:
            done.append(int(line))
            seconds.append(time.perf_counter())
            memory.append(process.memory_info().rss / 1e6)
            if kill_at and done[-1] >= kill_at:
                run.kill()
                break
    return done, seconds, memory


def limit(files: list[Path], method: str) -> float:
    """Return the method's own seconds per picture, 16 at a time, with the pictures in memory."""
    classifier = load_classifier()
    x = classifier.prepare([load_image(path) for path in files[:16]])
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        METHODS[method](classifier.model, x)  # the predicted class, as in the run
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:])) / 16


def rate(done: list, seconds: list) -> float:
    """Return the seconds per picture, from the third batch on."""
    return (seconds[-1] - seconds[2]) / (done[-1] - done[2])


def check(folder: Path, files: list[Path], method: str) -> str:
    """Compare every 97th map in the file with one made alone, and return what was compared."""
    classifier = load_classifier()
    with h5py.File(folder / "maps.h5") as store:
        state = store["state"][:]
        bad = [i for i in range(len(files)) if i % 100 == 50]
        assert list(np.flatnonzero(state == 2)) == bad, "the damaged files, and no others"
        assert (state == 1).sum() == len(files) - len(bad), "no map is missing"
        for i in range(0, len(files), 97):
            if i not in bad:
                x = classifier.prepare(load_image(files[i]))
                expected = METHODS[method](classifier.model, x, int(store["class_index"][i]))[0]
                found = store["maps"][i]
                assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max(), files[i]
    return f"{(state == 1).sum()} maps, {len(bad)} damaged files named, none missing or twice"


def main() -> None:
    """Explain a folder of pictures, kill the process half-way, continue, and print the times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", choices=METHODS, default="grad_cam")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--explain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.explain:
        explain(options.explain, options.method)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = generate(folder, options.pictures)
        alone = limit(files, options.method)
        first = watch(folder, options.method, kill_at=options.pictures // 2)
        with h5py.File(folder / "maps.h5") as store:
            kept = int((store["state"][:] != 0).sum())
        second = watch(folder, options.method, kill_at=None)
        alone = (alone + limit(files, options.method)) / 2  # before and after
        pace = rate(*first[:2])
        memory = second[2]
        rows = {
            "pictures": f"{options.pictures}, 320 x 320 JPEG, {options.method}",
            "the method alone, ms per picture": f"{1e3 * alone:.1f}",
            "explain_dataset, ms per picture": f"{1e3 * pace:.1f}",
            "share of the limit": f"{alone / pace:.0%}",
            "memory after batch 3, at the end, MB": f"{memory[2]:.0f}, {memory[-1]:.0f}",
            "killed after": f"{first[0][-1]} maps computed, {kept} files done",
            "computed after the restart": f"{second[0][-1]} maps",
            "at the end": check(folder, files, options.method),
        }
    page = "| explain_dataset | |\n| --- | --- |\n" + "".join(
        f"| {name} | {value} |\n" for name, value in rows.items()
    )
    print(page)
    if options.write:
        (HERE / "results").mkdir(exist_ok=True)
        (HERE / "results" / f"dataset_{options.method}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
