"""Load a classifier, and find its class scores and its last feature maps (lesson 0).

A classifier ends in a softmax, which turns *scores* (logits, any real number) into probabilities.
Simonyan et al. 2014, Selvaraju et al. 2017 and Smilkov et al. 2017 all differentiate a class's
score, S_c, not its probability: a probability also rises when the scores of other classes fall.
`score_model` is the network that ends in those scores.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_utils import efficientnet_lite0 as lite0
from course_utils.checking import check_count
from course_utils.data_files import data_path, read_json
from course_utils.images import centre_square, resize_picture
from course_utils.network.graph import is_graph
from course_utils.network.layers import last_conv_layer
from course_utils.network.open import opened, score_model
from course_utils.network.run import class_scores
from course_utils.network.tensorflow import keras

__all__ = ["Classifier", "Prediction", "last_conv_layer", "load_classifier", "score_model"]


class Prediction(NamedTuple):
    """One of the classes that a classifier finds most probable."""

    class_index: int
    label: str
    probability: float
    score: float


@dataclass(frozen=True)
class Classifier:
    """A network with everything that belongs to it: input size, class names, preprocessing.

    Get one from `load_classifier`, or make it from your own model (lesson 7):

        Classifier(name, (height, width), labels, model, preprocess, undo)

    `preprocess` turns pictures, uint8 (B, height, width, 3), into the model's input, and `undo`
    turns inputs back into 0 to 255.

    Attributes:
        name: "efficientnet-lite0", "vgg16", "resnet50" or "mobilenet_v2".
        input_size: (height, width) of the network's input pictures.
        labels: the name of each class, in the order of the network's outputs.
        model: the keras.Model as published, which ends in softmax.

    Raises:
        ValueError: the model takes other inputs, or has a different number of classes.
    """

    name: str
    input_size: tuple[int, int]
    labels: tuple[str, ...]
    model: keras.Model
    _preprocess: Callable[[np.ndarray], Any]
    _undo: Callable[[np.ndarray], np.ndarray]

    def __post_init__(self) -> None:
        if not all(isinstance(label, str) for label in self.labels):
            raise ValueError(
                f"The labels of {self.name!r} must be texts, in the order of the outputs, such as "
                "('cat', 'dog'); for the numbers from 0 to 9, use tuple('0123456789')."
            )
        if not is_graph(self.model):
            return  # only a call would show its shapes
        shape, pictures = self.model.input_shape, (None, *self.input_size, 3)
        if len(shape) != 4 or any(a not in (None, b) for a, b in zip(shape, pictures, strict=True)):
            raise ValueError(
                f"The model {self.model.name!r} takes inputs of shape {shape}; pictures of the "
                f"input size {self.input_size} have the shape {pictures}."
            )
        classes = self.model.output_shape[-1]
        if classes == 1 and len(self.labels) != 2:
            raise ValueError(
                f"The model {self.model.name!r} has one output and needs two labels, the class "
                f"that it calls 0 and the class that it calls 1, such as ('no cat', 'cat'): there "
                f"are {len(self.labels)}."
            )
        if classes not in (1, len(self.labels)):
            raise ValueError(
                f"The model {self.model.name!r} has {classes} outputs, but there are "
                f"{len(self.labels)} labels: expected one per class, in the order of the outputs."
            )

    def __repr__(self) -> str:
        height, width = self.input_size
        return f"Classifier({self.name!r}, {height} x {width} input, {len(self.labels)} classes)"

    @property
    def score_model(self) -> keras.Model:
        """The same network ending in logits, (B, H, W, 3) -> (B, classes). See `score_model`."""
        return score_model(self.model)

    def prepare(self, images: ArrayLike | Sequence[ArrayLike]) -> np.ndarray:
        """Turn pictures into the network's input.

        Args:
            images: uint8 RGB, one picture (H, W, 3) of any size, a batch (B, H, W, 3), or a list
                of pictures.

        Returns:
            float32 (B, height, width, 3): the centre square, resized with antialiasing, in the
            range the network was trained with.

        Raises:
            ValueError: wrong shape, or no picture at all.
            TypeError: not uint8.
        """
        pictures = [resize_picture(centre_square(p), self.input_size) for p in _pictures(images)]
        inputs = np.asarray(self._preprocess(np.stack(pictures)), np.float32)
        if inputs.ndim != 4 or len(inputs) != len(pictures):
            raise ValueError(
                f"The preprocessing of {self.name!r} turned {len(pictures)} picture(s) into an "
                f"array of shape {inputs.shape}; expected ({len(pictures)}, height, width, "
                "channels), one input per picture."
            )
        return inputs

    def restore(self, inputs: ArrayLike) -> np.ndarray:
        """Undo the preprocessing, for display: float (B, H, W, 3) -> uint8 (B, H, W, 3)."""
        inputs = np.asarray(inputs)
        if inputs.dtype.kind not in "fiu" or inputs.ndim != 4 or inputs.shape[-1] != 3:
            raise ValueError(
                f"restore expects prepare's result, (B, H, W, 3), but was given an array of "
                f"shape {inputs.shape} and dtype {inputs.dtype}."
            )
        return np.clip(np.round(self._undo(inputs)), 0, 255).astype(np.uint8)

    def predict(
        self, images: ArrayLike | Sequence[ArrayLike], top: int = 5
    ) -> list[list[Prediction]]:
        """Return each picture's `top` most probable classes, the most probable first.

        Args:
            images: as for `prepare`.
            top: how many classes, at least 1; all of them if there are fewer.

        Returns:
            A list with one entry per picture (even for a single one): a list of `Prediction`s.
        """
        top = check_count("top", top)
        scores = class_scores(self.model, self.prepare(images))
        probabilities = opened(self.model).probabilities(scores)
        return [
            [
                Prediction(int(c), self.labels[c], float(p[c]), float(s[c]))
                for c in np.argsort(-s, kind="stable")[:top]
            ]
            for s, p in zip(scores, probabilities, strict=True)
        ]

    def class_index(self, name: str) -> int:
        """Return the index of the class called `name`, such as 281 for "tabby".

        Capitals only matter if two names differ in nothing else (264 Cardigan is a dog, 474
        cardigan a garment).

        Raises:
            ValueError: no class, or more than one, has that name; the message gives the closest.
        """
        if not isinstance(name, str):
            raise TypeError(f"A class name is a text such as 'tabby', not {name!r}.")
        wanted = name.replace("_", " ").strip()
        found = [c for c, label in enumerate(self.labels) if label == wanted]
        found = found or [
            c for c, label in enumerate(self.labels) if label.lower() == wanted.lower()
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"{len(found)} classes are called {name!r}: use one of the numbers "
                f"{', '.join(map(str, found))}."
            )
        raise ValueError(f"{self.name} has no class {name!r}. {self._closest(wanted)}")

    def _closest(self, wanted: str) -> str:
        lower = {label.lower(): label for label in self.labels}
        words = [label for low, label in lower.items() if wanted.lower() in low.split()]
        close = [lower[c] for c in difflib.get_close_matches(wanted.lower(), lower, n=5)]
        close = list(dict.fromkeys(words + close))[:5]
        if not close:
            return "Search classifier.labels for something similar."
        return "Closest names: " + ", ".join(f"{c} ({self.labels.index(c)})" for c in close) + "."


def load_classifier(name: str = "efficientnet-lite0") -> Classifier:
    """Load a classifier that was trained on ImageNet (1000 classes).

    Args:
        name: "efficientnet-lite0", which comes with the course and needs no internet; or
            "vgg16", "resnet50", "mobilenet_v2" from keras.applications, whose weights Keras
            downloads once (528, 98 and 14 MB) and keeps.

    Raises:
        ValueError: unknown name, or a damaged weights file.
        ConnectionError: the weights aren't on this computer and couldn't be downloaded.
    """
    if name == "efficientnet-lite0":
        return _embedded_classifier()
    if name not in APPLICATIONS:
        known = ", ".join(["efficientnet-lite0", *APPLICATIONS])
        raise ValueError(f"There is no classifier {name!r}. There are: {known}.")
    return application_classifier(name, weights="imagenet")


def _embedded_classifier() -> Classifier:
    model = lite0.build()
    lite0.read_weights(model, data_path(lite0.WEIGHTS_FILE))
    return Classifier(
        name=model.name,
        input_size=lite0.INPUT_SIZE,
        labels=_imagenet_labels(),
        model=model,
        _preprocess=lambda pictures: (pictures - 127) / 128,
        _undo=lambda inputs: inputs * 128 + 127,
    )


def _imagenet_labels() -> tuple[str, ...]:
    classes = read_json("imagenet_classes.json")
    return tuple(classes[str(c)][1].replace("_", " ") for c in range(len(classes)))


class Application(NamedTuple):
    """A network of keras.applications: its builder, its preprocessing, and its weights file."""

    build: Callable[..., keras.Model]
    preprocess: Callable[[np.ndarray], Any]
    undo: Callable[[np.ndarray], np.ndarray]
    weights_file: str


def _undo_caffe(inputs: np.ndarray) -> np.ndarray:
    """Undo the "caffe" preprocessing: blue-green-red, minus ImageNet's mean colour."""
    return (inputs + np.array([103.939, 116.779, 123.68], np.float32))[..., ::-1]


def _undo_tf(inputs: np.ndarray) -> np.ndarray:
    """Undo the "tf" preprocessing: -1..1."""
    return (inputs + 1) * 127.5


APPLICATIONS = {
    "vgg16": Application(
        keras.applications.VGG16,
        keras.applications.vgg16.preprocess_input,
        _undo_caffe,
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    ),
    "resnet50": Application(
        keras.applications.ResNet50,
        keras.applications.resnet50.preprocess_input,
        _undo_caffe,
        "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
    ),
    "mobilenet_v2": Application(
        keras.applications.MobileNetV2,
        keras.applications.mobilenet_v2.preprocess_input,
        _undo_tf,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
    ),
}


# Where Keras keeps downloaded weights; as in Keras, it's settled on loading.
_DOWNLOADS = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


def application_classifier(name: str, weights: str | None) -> Classifier:
    """Build one of `APPLICATIONS`; with weights=None untrained, for tests and timings."""
    application = APPLICATIONS[name]
    labels = _imagenet_labels()
    try:
        model = application.build(weights=weights)
    except (
        Exception
    ) as error:  # urllib, SSL, hash and disk errors, and some bare Exceptions from Keras
        raise _no_weights(name, application.weights_file, error) from None
    return Classifier(name, (224, 224), labels, model, application.preprocess, application.undo)


def _no_weights(name: str, file: str, error: Exception) -> Exception:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    instead = "or call load_classifier() without a name: the embedded model needs no download."
    if (_DOWNLOADS / file).exists():
        return ValueError(
            f"The weights of {name} in {_DOWNLOADS / file} could not be read ({reason}). If the "
            f"file is damaged, delete it and try again with internet; {instead}"
        )
    return ConnectionError(
        f"The weights of {name} are not on this computer and could not be downloaded ({reason}). "
        f"Try again with internet; or put the file {file}, from a computer that has it, into "
        f"{_DOWNLOADS}; {instead}"
    )


def _pictures(images) -> list[np.ndarray]:
    """Return a list of uint8 (H, W, 3) pictures, whatever `Classifier.prepare` was given."""
    if not isinstance(images, (list, tuple)):
        images = np.asarray(images)
        images = [images] if images.ndim in (0, 3) else images
    if len(images) == 0:
        raise ValueError("No picture was given: expected (H, W, 3), (B, H, W, 3) or a list.")
    pictures = [np.asarray(image) for image in images]
    for picture in pictures:
        if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise ValueError(
                f"A picture has the shape (H, W, 3), but this one has {picture.shape}. "
                "load_image makes one from files and other arrays."
            )
        if picture.dtype != np.uint8:
            raise TypeError(
                f"A picture is uint8 in 0..255, but this one is {picture.dtype}. load_image makes "
                "one from other arrays. A batch from prepare mustn't be prepared again."
            )
    return pictures
