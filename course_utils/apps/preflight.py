"""The preflight: `python -m course_utils` checks whether this computer is ready for the course.

`python -m course_utils progress` shows which exercises are done.
"""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import metadata
from pathlib import Path

NEEDED = {
    "numpy": "arrays of numbers",
    "pillow": "reads pictures",
    "opencv-python": "resizes maps",
    "matplotlib": "draws figures",
    "tensorflow": "computes networks and their gradients",
    "keras": "builds networks",
    "tqdm": "progress bars",
    "ipython": "shows figures in notebooks",
    "ipywidgets": "sliders and buttons in notebooks",
}
OPTIONAL = {
    "jupyterlab": "opens the lessons on this computer (not needed in Colab)",
    "tf-explain": "the package that lesson 5 puts to the test",
    "nbval": "runs the tests",
}


def main(arguments: list[str] | None = None) -> int:
    """Check the set-up, classify a picture, write a figure with three maps; 0 if all is well."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["progress"]:
        from course_utils import progress

        return progress.main(arguments[1:])
    options = _options(arguments)
    if not _report_versions():
        return 1
    try:
        _explain(options)
    except (ImportError, OSError, TypeError, ValueError) as problem:
        print(f"\nProblem: {problem}", file=sys.stderr)
        return 1
    print("\nAll is well. The course begins with notebooks/00_start_here.ipynb.")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils",
        description="Check the set-up, classify a picture, and write it with three saliency maps.",
        epilog="`python -m course_utils progress` shows which exercises are done.",
    )
    parser.add_argument("--image", default="cat", help="an example's name or a file (cat)")
    parser.add_argument(
        "--class",
        dest="class_name",
        help="the class to explain, by name or number (an example's own, else the predicted one)",
    )
    parser.add_argument("--model", default="efficientnet-lite0", help="(efficientnet-lite0)")
    parser.add_argument(
        "--output", default="saliency_check.png", type=Path, help="(saliency_check.png)"
    )
    return parser.parse_args(arguments)


def _report_versions() -> bool:
    """Print what's installed; return False if the course needs something that's missing."""
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    missing = []
    for name, purpose in (NEEDED | OPTIONAL).items():
        version = _version(name)
        if version is None and name in NEEDED:
            missing.append(name)
        note = "" if version else f"missing: {purpose}"
        print(f"  {name:<14} {version or '-':<10} {note}".rstrip())
    if missing:
        print(
            f"\nProblem: the course needs {', '.join(missing)}. Run `python start.py` in the "
            f"course's folder, which installs everything, or `pip install {' '.join(missing)}`.",
            file=sys.stderr,
        )
    return not missing


def _version(name: str) -> str | None:
    """Return an installed distribution's version; OpenCV and TensorFlow have several names."""
    others = {
        "opencv-python": ["opencv-python-headless", "opencv-contrib-python"],
        "tensorflow": ["tensorflow-cpu", "tensorflow-macos", "tf-nightly"],
    }
    for candidate in [name, *others.get(name, [])]:
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def _explain(options: argparse.Namespace) -> None:
    """Classify the picture, and write a figure with it and three maps of one class."""
    folder = options.output.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} to write {options.output.name} into.")
    if options.output.suffix.lower() != ".png" or options.output.is_dir():
        raise ValueError(f"--output {options.output}: expected the name of a file ending in .png.")

    from course_utils import grad_cam, load_classifier, load_image, smoothgrad, vanilla_gradients
    from course_utils.display import show_maps

    picture = load_image(options.image)
    classifier = load_classifier(options.model)
    print(f"\nThe five most probable classes of {options.image!r}, by {classifier.name}:")
    predictions = classifier.predict(picture)[0]
    for p in predictions:
        print(f"  {p.probability:6.1%}  {p.label} ({p.class_index})")

    c = _class_index(options, classifier, predictions[0].class_index)
    label = classifier.labels[c]
    x = classifier.prepare(picture)
    maps = {
        "Vanilla gradients": vanilla_gradients(classifier.model, x, c)[0],
        "Grad-CAM": grad_cam(classifier.model, x, c)[0],
        "SmoothGrad": smoothgrad(classifier.model, x, c)[0],
    }
    title = f"What matters for the class {label!r} ({c})"
    figure = show_maps(classifier.restore(x)[0], maps, title=title)
    figure.savefig(options.output, metadata={"Software": None})
    print(f"\nWritten: {options.output}\n  {figure.alt_text}")


def _class_index(options: argparse.Namespace, classifier, predicted: int) -> int:
    from course_utils.images import example_class

    name = options.class_name
    if name is None:
        own = example_class(options.image)
        return predicted if own is None else own
    if not name.isdecimal():
        return classifier.class_index(name)
    if int(name) >= len(classifier.labels):
        raise ValueError(
            f"--class {name}: there are the classes 0 to {len(classifier.labels) - 1}."
        )
    return int(name)
