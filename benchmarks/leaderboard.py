"""Which maps point at the object they were asked about? Measured on scenes with a known answer.

    python benchmarks/leaderboard.py                 100 scenes
    python benchmarks/leaderboard.py --scenes 10     a quick look

It asks every method for a map of both objects in every scene (`two_object_scenes`), and
`score_on_scenes` scores the raw maps. The result is printed and written to this folder, as
leaderboard.md for people and leaderboard.csv for programs. It needs the course's packages with the
extra "notebook", for tf-explain, but no network.
"""

from __future__ import annotations

import argparse
import csv
import functools
import os
import platform
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np

from course_utils import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    load_classifier,
    smoothgrad,
    vanilla_gradients,
)
from course_utils.evaluation import (
    bootstrap_interval,
    centre_blob,
    input_edges,
    random_map,
    score_on_scenes,
    two_object_scenes,
)

HERE = Path(__file__).resolve().parent
SAMPLES, STEPS, TOLERANCE = 16, 16, 7
SCORES = {"pointing": "points at it", "target": "share on it", "other": "share on the other"}
LAST_LAYER, EARLIER_LAYER = "head_conv", "block11_add"


def absolute_gradients(model, inputs, class_index) -> np.ndarray:
    """Return |g|, which some packages average instead of g."""
    return np.abs(vanilla_gradients(model, inputs, class_index))


def one_by_one(explain):
    """Turn a method for a single picture and class into a method for batches.

    tf_explain takes one class for a whole batch.
    """

    @functools.wraps(explain)
    def method(model, inputs, class_index):
        pairs = zip(inputs[:, None], class_index, strict=True)
        return np.concatenate([np.asarray(explain(model, x, int(c))) for x, c in pairs])

    return method


@one_by_one
def tf_explain_vanilla(model, x, c) -> np.ndarray:
    """Return |gradient of the score| summed over the colours, which is what the package displays.

    `python_function` is the package's own code, without recompiling it for each class.
    """
    from tf_explain.core import VanillaGradients

    scores = score_model_of_tf_explain(model)
    gradients = VanillaGradients.compute_gradients.python_function(x, scores, c)
    return np.abs(gradients).sum(axis=-1)


@functools.cache
def score_model_of_tf_explain(model):
    """Return tf-explain's model without a softmax, made once for each model."""
    from tf_explain.core import VanillaGradients

    return VanillaGradients().get_score_model(model)


@one_by_one
def tf_explain_grad_cam(model, x, c) -> np.ndarray:
    """Return the weighted sum with guided gradients of the probability, its default."""
    from tf_explain.core import GradCAM

    with warnings.catch_warnings():  # Keras remarks that it was given a list in a list
        warnings.filterwarnings("ignore", message="The structure of `inputs`")
        parts = GradCAM.get_gradients_and_filters(model, x, LAST_LAYER, c, True)
    return np.stack(GradCAM.generate_ponderated_output(*parts))


@one_by_one
def tf_explain_smoothgrad(model, x, c) -> np.ndarray:
    """Return |mean gradient of the loss|, summed over colours: by default 5 samples, sigma 1."""
    from tf_explain.core import SmoothGrad

    copies = SmoothGrad.generate_noisy_images(x, 5, 1.0)
    gradients = SmoothGrad.get_averaged_gradients.python_function(copies, model, c, 5)
    return np.abs(gradients).sum(axis=-1)


METHODS = {
    "random numbers": random_map,
    "a blob in the centre": centre_blob,
    "edges of the picture": input_edges,
    "vanilla gradients": vanilla_gradients,
    "gradient x input": gradient_times_input,
    "integrated gradients": functools.partial(integrated_gradients, steps=STEPS),
    "SmoothGrad": functools.partial(smoothgrad, samples=SAMPLES),
    "SmoothGrad of absolute values": functools.partial(
        smoothgrad, samples=SAMPLES, method=absolute_gradients
    ),
    "Grad-CAM": grad_cam,
    f"Grad-CAM at {EARLIER_LAYER}": functools.partial(grad_cam, layer=EARLIER_LAYER),
    "SmoothGrad over Grad-CAM": functools.partial(smoothgrad, samples=SAMPLES, method=grad_cam),
    "tf_explain: VanillaGradients": tf_explain_vanilla,
    "tf_explain: GradCAM": tf_explain_grad_cam,
    "tf_explain: SmoothGrad": tf_explain_smoothgrad,
}


def measure(scenes, classifier, method) -> dict[str, float]:
    """Return the mean of each score, the ends of its interval, and how many maps were empty."""
    np.random.seed(0)  # tf_explain draws its noise from it
    scores = score_on_scenes(method, scenes, classifier, tolerance=TOLERANCE, progress=True)
    row = {}
    for name in SCORES:
        low, high = bootstrap_interval(scores[name])
        row |= {name: scores[name].mean(), f"{name} low": low, f"{name} high": high}
    row["empty maps"] = int(scores["empty"].sum())
    return row


def as_markdown(rows: dict[str, dict], setting: str) -> str:
    """Return the whole page: how maps are scored, the table, and what computed it."""
    header = ["method", *SCORES.values(), "empty maps"]
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " --- |" * (len(header) - 1)]
    for method, row in rows.items():
        cells = [f"{row[s]:.2f} ({row[f'{s} low']:.2f} to {row[f'{s} high']:.2f})" for s in SCORES]
        lines.append("| " + " | ".join([method, *cells, str(row["empty maps"])]) + " |")
    return f"{EXPLANATION}\n\n{chr(10).join(lines)}\n\n{setting}\n"


EXPLANATION = f"""# Leaderboard

Made by `python benchmarks/leaderboard.py`; do not edit. In brackets: a 95 % interval from
resampling the scenes. It holds for this kind of scene and this network.

- *points at it*: how often the strongest position is on the object that the map was asked about,
  or within {TOLERANCE} pixels of it.
- *share on it*, *share on the other*: the share of the map's sum there. A map that's the same
  everywhere gets the object's share of the picture, as random numbers do.
- A gradient counts with its largest |value| over the colours, a map with one value per position
  with its positive part. A map that is nowhere positive scores 0 in all three."""


def main() -> None:
    """Score every kind of map on the scenes, and write the page and the table of numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    classifier = load_classifier()
    scenes = two_object_scenes(
        arguments.scenes, arguments.seed, classifier=classifier, progress=True
    )
    rows = {name: measure(scenes, classifier, method) for name, method in METHODS.items()}
    versions = ", ".join(
        f"{name} {metadata.version(name)}"
        for name in ("tensorflow", "keras", "numpy", "tf-explain")
    )
    setting = (
        f"{arguments.scenes} scenes of seed {arguments.seed}, two maps each; "
        f"{scenes.left_out} more were left out, because {classifier.name} did not have both "
        f"classes among its five most probable ones. {SAMPLES} samples of 15 % noise, {STEPS} "
        f"steps of integrated gradients. Python {platform.python_version()}, {versions}; "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors."
    )
    text = as_markdown(rows, setting)
    print(text)
    (HERE / "leaderboard.md").write_text(text, encoding="utf-8", newline="\n")
    with (HERE / "leaderboard.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", *next(iter(rows.values()))])
        for name, row in rows.items():
            values = [v if isinstance(v, int) else f"{v:.4f}" for v in row.values()]
            writer.writerow([name, *values])


if __name__ == "__main__":
    main()
