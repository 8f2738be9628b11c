"""The explorers: pictures in lessons 1, 2, 3, 4 and 6 that follow a slider.

Each is two functions: one draws a figure from plain values and knows nothing about widgets; the
other puts controls above it. They run with ipywidgets 7.7 and 8.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from matplotlib import rc_context
from numpy.typing import ArrayLike

from course_utils.apps.controls import Explorer, choice, number, switch
from course_utils.attribution import grad_cam, smoothgrad, vanilla_gradients
from course_utils.display import DescribedFigure, map_values, maps_figure, overlay
from course_utils.evaluation.curves import deletion_order
from course_utils.evaluation.localization import strength
from course_utils.images import GREY, Picture, load_image
from course_utils.models import Classifier

__all__ = [
    "cam_explorer",
    "cam_figure",
    "deletion_explorer",
    "deletion_figure",
    "gradient_explorer",
    "gradient_figure",
    "linear_explorer",
    "linear_figure",
    "smoothgrad_explorer",
    "smoothgrad_figures",
]

SAMPLES_A_STEP = 8  # of SmoothGrad, between two checks of the Cancel button

# What readers without a kernel can choose.
PERCENTILES = (90.0, 95.0, 99.0, 100.0)
NOISES = (0.0, 0.05, 0.15, 0.3)
SAMPLES = (8, 16, 32)
MOST_FRACTIONS = 33

# ------------------------------------------------------------------------- lesson 1: linear model

LINEAR = {
    "slope": "slope {slope} per {unit}",
    "adds": "adds {adds}",
    "x": "{name}: {x} ({unit})",
    "title": "{target}: {y}, including the constant {constant}",
    "said": "{name} {x} ({unit}), slope {slope} per {unit}, adds {adds}",
    "all": "{title}. A line over each input, with a point. {said}.",
}
"""The words of the figure, which its script fills with other numbers."""


def linear_figure(
    names: Sequence[str],
    units: Sequence[str],
    ranges: ArrayLike,
    weights: ArrayLike,
    inputs: ArrayLike,
    constant: float,
    target: str = "y",
    limits: tuple[float, float] | None = None,
) -> DescribedFigure:
    """Draw y = w.x + b along each of its inputs, through the current point.

    The slope of the line over input i is the sensitivity w_i; the contribution w_i x_i is what the
    input adds to y. The title gives both.

    Args:
        names, units: of each input.
        ranges: (n, 2), the lowest and the highest value of each axis.
        weights, inputs: w and x, n numbers each.
        constant: b.
        target: what y is, with its unit.
        limits: of the y axis; None for the lines' own.
    """
    w, x, ranges = (np.asarray(a, float) for a in (weights, inputs, ranges))
    if not len(names) == len(units) == len(w) == len(x) == len(ranges) or ranges.shape[1:] != (2,):
        raise ValueError(
            f"Each of the {len(names)} inputs needs a unit, a range (low, high), a weight and a "
            f"value: there are {len(units)}, {len(ranges)}, {len(w)} and {len(x)}."
        )
    y = w @ x + constant
    width = max(2 * len(names), 0.09 * (len(target) + 46))  # inches: the title fits, too
    figure = DescribedFigure(figsize=(width, 3), dpi=80)
    # In fixed places: a layout that measured every label would take as long as all the drawing.
    places = {"left": 0.7 / width, "right": 1 - 0.2 / width, "bottom": 0.18, "top": 0.75}
    axes = figure.subplots(1, len(names), sharey=True, gridspec_kw=places, squeeze=False)[0]
    said = []
    for i, (ax, ends, slope, value) in enumerate(zip(axes, ranges, w, x, strict=True)):
        ax.plot(ends, y + slope * (ends - value), color="black", gid=f"line{i}")
        ax.plot(value, y, "o", color="black", markersize=8, gid=f"point{i}")
        words = {"name": names[i], "unit": units[i], "x": f"{value:.4g}"}
        words |= {"slope": f"{slope:+.4g}", "adds": f"{slope * value:+.4g}"}
        adds = ax.text(0.5, 1.03, "", transform=ax.transAxes, ha="center")
        texts = {"slope": ax.set_title("", pad=18), "adds": adds, "x": ax.set_xlabel("")}
        for part, text in texts.items():
            text.set(text=LINEAR[part].format(**words), gid=f"{part}{i}", fontsize=10)
        said.append(LINEAR["said"].format(**words))
    if limits is not None:
        axes[0].set_ylim(*limits)
    axes[0].set_ylabel(target, fontsize=10, parse_math=False)
    title = LINEAR["title"].format(target=target, y=f"{y:.4g}", constant=f"{constant:.4g}")
    figure.suptitle(title, fontsize=11, parse_math=False, gid="title")
    figure.alt_text = LINEAR["all"].format(title=title, said="; ".join(said))
    return figure


def linear_explorer(
    names: Sequence[str],
    units: Sequence[str],
    ranges: ArrayLike,
    weights: ArrayLike,
    inputs: ArrayLike,
    constant: float,
    target: str = "y",
) -> Explorer:
    """Let the reader move the weights and the inputs of a linear model (lesson 1).

    Arguments as for `linear_figure`, which it draws; weights go from -2 |w| to 2 |w|.
    """
    ranges, w0, x0 = (np.asarray(a, float) for a in (ranges, weights, inputs))
    draw = functools.partial(linear_figure, names, units, ranges)
    ends = np.multiply(ranges, w0[:, None])
    low, high = ends.min(axis=1).sum() + constant, ends.max(axis=1).sum() + constant
    # Moving a weight then turns the line instead of moving the axis.
    limits = (low - 0.3 * (high - low), high + 0.3 * (high - low))

    controls = {}
    for i, (name, unit) in enumerate(zip(names, units, strict=True)):
        w, (least, most) = float(w0[i]), ranges[i]
        reach = 2 * abs(w) or 1.0
        controls[f"w{i}"] = _hundred_steps(f"w of {name} (per {unit})", w, -reach, reach)
        controls[f"x{i}"] = _hundred_steps(f"{name} ({unit})", x0[i], least, most)

    def follow(**values):
        w, x = ([values[f"{kind}{i}"] for i in range(len(names))] for kind in "wx")
        return draw(w, x, constant, target, limits)

    start = draw(w0, x0, constant, target, limits)
    words = [{"name": name, "unit": unit} for name, unit in zip(names, units, strict=True)]
    drawing = _linear_drawing(start, ranges, words, target, constant)
    moves = "move the weights and the inputs"
    return Explorer(follow, controls, moves=moves, drawing=drawing)


def _linear_drawing(
    figure: DescribedFigure, ranges: np.ndarray, inputs: list[dict], target: str, constant: float
) -> dict:
    """Return a `linear_figure` for the script, which moves its lines, points and words."""

    def points(ax, x, y):  # the SVG's own, 72 per inch and from the top
        across, up = ax.transData.transform((x, y)) * 72 / figure.dpi
        return across, figure.get_figheight() * 72 - up

    low, high = figure.axes[0].get_ylim()
    bottom, top = (points(figure.axes[0], 0, y)[1] for y in (low, high))
    panels = [
        {"ends": list(ends), "pixels": [points(ax, x, low)[0] for x in ends], "words": words}
        for ax, ends, words in zip(figure.axes, ranges, inputs, strict=True)
    ]
    return {
        "svg": as_svg(figure),
        "panels": panels,
        "scale": {"value": low, "pixel": bottom, "slope": (top - bottom) / (high - low)},
        "constant": float(constant),
        "words": {"target": target, "constant": f"{constant:.4g}"},
        "texts": LINEAR,
    }


def as_svg(figure: DescribedFigure) -> str:
    """Return a figure as an <svg> element, with its text as text."""
    file = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "explorer"}):
        figure.savefig(file, format="svg", metadata=nothing)
    return '<svg role="img"' + file.getvalue().partition("<svg")[2]


def _hundred_steps(name: str, value: float, low: float, high: float):
    step = float(f"{(high - low) / 100:.0e}")  # about a hundred, of a round size
    value, low, high = (float(f"{given:.6g}") for given in (value, low, high))
    return number(name, min(max(value, low), high), low, high, step)


# ---------------------------------------------------------------------- lesson 2: vanilla gradients


def gradient_figure(
    picture: Picture, gradient: ArrayLike, percentile: float, label: str = ""
) -> DescribedFigure:
    """Draw the gradient of a class score, max |.| over channels, clipped at a percentile.

    Args:
        picture: the picture that the network saw, as for `show_maps`.
        gradient: (H, W, C), raw; only the drawing depends on the percentile.
        percentile: above 0, up to 100.
        label: the name of the class.
    """
    title = f"Class {label!r}, last colour from the {percentile:g}th percentile"
    return maps_figure(picture, {"Vanilla gradients": gradient}, title=title, percentile=percentile)


def gradient_explorer(
    classifier: Classifier, inputs: ArrayLike, classes: Sequence[str]
) -> Explorer:
    """Let the reader choose the class and the percentile of a vanilla gradient (lesson 2).

    Args:
        classifier: from `load_classifier`.
        inputs: one prepared picture, (1, H, W, 3).
        classes: names to choose from.
    """
    picture, indices = _one_picture(classifier, inputs), _class_indices(classifier, classes)

    @functools.cache  # a new percentile needs no new gradient
    def gradient(label):
        return vanilla_gradients(classifier.model, inputs, indices[label])[0]

    def follow(label, percentile):
        return gradient_figure(picture, gradient(label), percentile, label)

    controls = {
        "label": choice("Class", list(indices)),
        "percentile": number("Percentile", 99.0, 90.0, 100.0, 0.5, stops=PERCENTILES),
    }
    return Explorer(follow, controls, moves="choose the class and where the colours end")


# ------------------------------------------------------------------------------- lesson 3: Grad-CAM


def cam_figure(picture: Picture, cam: ArrayLike, title: str = "") -> DescribedFigure:
    """Draw one Grad-CAM map laid over its picture, and as the squares it really has.

    Args:
        picture: the picture that the network saw, as for `show_maps`.
        cam: (h, w), with or without its negative values. The overlay shows the positive ones.
        title: what the picture shows.
    """
    picture, values = load_image(picture), map_values(cam)
    laid_over = overlay(picture, values) if values.max() > 0 else picture
    panels = {"Laid over": laid_over, f"Grad-CAM, {values.shape[0]} x {values.shape[1]}": values}
    return maps_figure(picture, panels, percentile=100, title=title)


def cam_explorer(
    classifier: Classifier, inputs: ArrayLike, classes: Sequence[str], layers: Sequence[str]
) -> Explorer:
    """Let the reader choose a Grad-CAM's layer, class and ReLU (lesson 3).

    Args:
        classifier, inputs, classes: as for `gradient_explorer`.
        layers: names of layers with feature maps; it starts with the first.
    """
    picture, indices = _one_picture(classifier, inputs), _class_indices(classifier, classes)

    @functools.cache
    def signed(label, layer):
        return grad_cam(classifier.model, inputs, indices[label], layer=layer, relu=False)[0]

    for layer in layers:  # a layer's first map takes a second, the others a few hundredths
        signed(next(iter(indices)), layer)

    def follow(label, layer, relu):
        cam = signed(label, layer)
        title = f"{label!r} at {layer}, {'with' if relu else 'without'} ReLU"
        return cam_figure(picture, np.maximum(cam, 0) if relu else cam, title)

    controls = {
        "label": choice("Class", list(indices)),
        "layer": choice("Layer", list(layers)),
        "relu": switch("ReLU", True),
    }
    return Explorer(follow, controls, moves="choose the class and the layer, and drop the ReLU")


# ----------------------------------------------------------------------------- lesson 4: SmoothGrad


def smoothgrad_figures(
    classifier: Classifier, inputs: ArrayLike, class_index: int, samples: int, noise: float
) -> Iterator[tuple[float, DescribedFigure]]:
    """Draw SmoothGrad again and again while it samples: (share done, figure so far).

    Each step averages `SAMPLES_A_STEP` noisy copies, with its own seed, and adds them to the mean.
    Arguments as for `smoothgrad`; one prepared picture.
    """
    return _settling(classifier, inputs, class_index)(noise, samples)


def _settling(classifier: Classifier, inputs: ArrayLike, class_index: int) -> Callable:
    """Return `smoothgrad_figures` for one picture and class; it remembers its last samples."""
    picture, label = _one_picture(classifier, inputs), classifier.labels[class_index]

    @functools.lru_cache(maxsize=64)  # 40 MB. More samples then only cost those that are new.
    def step(noise, seed, k):
        return smoothgrad(
            classifier.model, inputs, class_index, samples=k, noise=noise, seed=seed, batch_size=k
        )[0]

    def figures(noise, samples):
        total, n = 0.0, 0
        while n < samples:
            k = min(SAMPLES_A_STEP, samples - n)
            seed = n if noise else 0  # without noise, all samples are the same
            total, n = total + k * step(noise, seed, k).astype(float), n + k
            title = f"Class {label!r}, noise {noise:.0%}: {n} of {samples} samples"
            yield n / samples, maps_figure(picture, {"SmoothGrad": total / n}, title=title)

    return figures


def smoothgrad_explorer(
    classifier: Classifier, inputs: ArrayLike, label: str, samples: int = 16
) -> Explorer:
    """Let the reader choose noise and samples and watch the average settle (lesson 4).

    Args:
        classifier, inputs: as for `gradient_explorer`.
        label: the name of the class.
        samples: how many at first, 8 to 200.
    """
    (class_index,) = _class_indices(classifier, [label]).values()
    stops = sorted({*SAMPLES, samples})
    controls = {
        "noise": number("Noise (share of range)", 0.15, 0.0, 0.5, 0.01, slow=True, stops=NOISES),
        "samples": number("Samples", samples, 8, 200, 8, slow=True, stops=stops),
    }
    follow = _settling(classifier, inputs, class_index)
    return Explorer(follow, controls, moves="choose noise and samples and watch the map settle")


# ------------------------------------------------------------------------- lesson 6: deletion curve


def deletion_figure(
    picture: Picture,
    attribution: ArrayLike,
    fractions: ArrayLike,
    probabilities: ArrayLike,
    fraction: float,
) -> DescribedFigure:
    """Draw a picture without its most important pixels, next to the curve of the effect.

    Args:
        picture: the picture that the network saw, as for `show_maps`.
        attribution: one raw map of it. The pixels turn grey in the order of `deletion_curve`, the
            strongest first.
        fractions: (k,), rising from 0 to 1: how much of the picture is gone.
        probabilities: (k,), the class's probability at each fraction.
        fraction: how much is gone in the picture to draw.
    """
    picture = load_image(picture)
    fractions, p = np.asarray(fractions, float), np.asarray(probabilities, float)
    if fractions.ndim != 1 or fractions.shape != p.shape or len(fractions) < 2:
        raise ValueError(
            f"A curve needs as many probabilities as fractions, at least 2, in one row: there are "
            f"arrays of shapes {p.shape} and {fractions.shape}."
        )
    if (np.diff(fractions) <= 0).any() or fractions[0] < 0 or fractions[-1] > 1:
        raise ValueError(
            "The fractions of a curve must rise from 0 to 1, each above the one before."
        )
    order = deletion_order(strength(attribution, picture.shape[:2]))
    left = picture.reshape(-1, 3).copy()
    left[order[: round(fraction * len(order))]] = GREY
    now = float(np.interp(fraction, fractions, p))

    # In pixels, for a picture of 224: each of its own is one of the figure's, none left out.
    width, height = 512, 310
    figure = DescribedFigure(figsize=(width / 80, height / 80), dpi=80)
    ax = figure.add_axes((8 / width, 34 / height, 224 / width, 224 / height))
    curve = figure.add_axes((300 / width, 46 / height, 200 / width, 212 / height))
    ax.imshow(left.reshape(picture.shape), interpolation="nearest")
    ax.set_title("What is left", fontsize=11)
    ax.set(xticks=[], yticks=[], frame_on=False)
    curve.plot(fractions, p, color="black")
    curve.fill_between(fractions, p, color="0.85")
    curve.plot(fraction, now, "o", color="black", markersize=9)
    curve.tick_params(labelsize=11)
    curve.set_title("Deletion curve", fontsize=11)
    curve.set_xlabel("share that is gone", fontsize=11)
    curve.set_ylabel("probability of the class", fontsize=11)
    title = f"{fraction:.0%} of the pixels gone, probability {now:.2f}, was {p[0]:.2f}"
    figure.suptitle(title)
    figure.alt_text = (
        f"{title}. On the left the picture, with the pixels that the map ranks highest in grey. On "
        f"the right the probability against the share that is gone, from {p[0]:.2f} to "
        f"{p[-1]:.2f}, with a point at {fraction:.0%}."
    )
    return figure


def deletion_explorer(
    picture: Picture, attribution: ArrayLike, fractions: ArrayLike, probabilities: ArrayLike
) -> Explorer:
    """Let the reader delete a picture bit by bit, and see where on the curve that is (lesson 6).

    Arguments as for `deletion_figure`. It only draws; nothing else is computed.
    """

    def follow(fraction):
        return deletion_figure(picture, attribution, fractions, probabilities, fraction)

    measured = np.asarray(fractions, float).tolist()
    stops = measured[:: math.ceil(len(measured) / MOST_FRACTIONS)]
    name = "Share that is gone"
    controls = {"fraction": number(name, stops[1], 0.0, 1.0, 0.01, stops=stops)}
    return Explorer(follow, controls, moves="delete more and more of the picture")


# ----------------------------------------------------------------------- what they have in common


def _one_picture(classifier: Classifier, inputs) -> np.ndarray:
    """Return the prepared picture as uint8 (H, W, 3)."""
    pictures = classifier.restore(inputs)
    if len(pictures) != 1:
        raise ValueError(f"An explorer shows one picture, and inputs holds {len(pictures)}.")
    return pictures[0]


def _class_indices(classifier: Classifier, labels: Sequence[str]) -> dict[str, int]:
    if isinstance(labels, str) or not labels:
        raise ValueError(f"classes={labels!r}: expected a list of names, such as ['tabby'].")
    return {label: classifier.class_index(label) for label in labels}
