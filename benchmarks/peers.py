"""How we ask each library for the three methods: same network, picture, class and noise.

Each function below returns {method: Way}. A peer is set up as its documentation says, with the
options that come closest to the papers' formulas, on the network that ends in logits. Everything
that can be prepared once is prepared before the clock starts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SAMPLES = 50
NOISE = 0.15
METHODS = ("vanilla", "Grad-CAM", "SmoothGrad-50")


@dataclass
class Task:
    """The input for all libraries.

    Attributes:
        model: the network as published, which ends in probabilities.
        logits: the same network, its own layers, ending in logits.
        layer: the name of the last layer with feature maps.
        x: float32 (1, H, W, 3), the prepared picture. c: the class.
    """

    model: object
    logits: object
    layer: str
    x: np.ndarray
    c: int

    @property
    def sigma(self) -> float:
        """The standard deviation of SmoothGrad's noise, in the units of the inputs."""
        return NOISE * float(np.ptp(self.x))


@dataclass
class Way:
    """One library's way to one method.

    Attributes:
        run: what a user calls, and what is timed.
        raw: the map before it's turned into a picture, a float array; None if `run` returns it.
        like: turns our raw map into the kind that this library returns.
        note: how its result differs.
    """

    run: Callable[[], object]
    raw: Callable[[], np.ndarray] | None = None
    like: Callable[[np.ndarray], np.ndarray] = lambda ours: ours
    note: str = ""


def ours(task: Task) -> dict[str, Way]:
    """Return this course's methods."""
    from course_utils import grad_cam, smoothgrad, vanilla_gradients

    def smooth(seed=0):
        return smoothgrad(task.model, task.x, task.c, samples=SAMPLES, noise=NOISE, seed=seed)

    return {
        "vanilla": Way(lambda: vanilla_gradients(task.model, task.x, task.c)),
        "Grad-CAM": Way(lambda: grad_cam(task.model, task.x, task.c)),
        "SmoothGrad-50": Way(
            smooth,
            raw=lambda: smooth(seed=1),
            note="correlation: with our own map from another seed, the most you can expect",
        ),
    }


def tf_explain(task: Task) -> dict[str, Way]:
    """Return tf-explain's methods."""
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.smoothgrad import SmoothGrad
    from tf_explain.core.vanilla_gradients import VanillaGradients

    data = (task.x, None)

    def raw_cam():
        maps = GradCAM.get_gradients_and_filters(task.logits, task.x, task.layer, task.c, True)
        return GradCAM.generate_ponderated_output(*maps)[0]

    def raw_smooth():
        copies = SmoothGrad.generate_noisy_images(task.x, SAMPLES, task.sigma)
        return SmoothGrad.get_averaged_gradients(copies, task.model, task.c, SAMPLES)

    return {
        "vanilla": Way(
            lambda: VanillaGradients().explain_score_model(data, task.logits, task.c),
            lambda: VanillaGradients.compute_gradients(task.x, task.logits, task.c),
        ),
        "Grad-CAM": Way(
            lambda: GradCAM().explain(data, task.logits, task.c, task.layer),
            raw_cam,
            note="guided gradients, no ReLU (its defaults)",
        ),
        "SmoothGrad-50": Way(
            lambda: SmoothGrad().explain(data, task.model, task.c, SAMPLES, task.sigma),
            raw_smooth,
            like=np.negative,
            note="differentiates the cross-entropy -log p, so the sign is turned",
        ),
    }


def tf_keras_vis(task: Task) -> dict[str, Way]:
    """Return tf-keras-vis's methods."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    score = CategoricalScore(task.c)
    saliency = Saliency(task.logits, clone=False)
    gradcam = Gradcam(task.logits, clone=False)
    raw = {"keepdims": True, "gradient_modifier": None, "normalize_map": False}
    return {
        "vanilla": Way(lambda: saliency(score, task.x, **raw)),
        "Grad-CAM": Way(
            lambda: gradcam(
                score,
                task.x,
                penultimate_layer=task.layer,
                seek_penultimate_conv_layer=False,
                expand_cam=False,
                normalize_cam=False,
            )
        ),
        "SmoothGrad-50": Way(
            lambda: saliency(score, task.x, smooth_samples=SAMPLES, smooth_noise=NOISE, **raw),
            note="asked for g of each sample; its default is the absolute value",
        ),
    }


def pair_saliency(task: Task) -> dict[str, Way]:
    """Return the methods of PAIR's `saliency`."""
    import keras
    import tensorflow as tf
    from saliency import core as saliency

    maps_and_scores = keras.Model(
        task.logits.input, [task.logits.get_layer(task.layer).output, task.logits.output]
    )

    def call_model(x, call_model_args=None, expected_keys=None):  # as in its example notebook
        x = tf.cast(tf.convert_to_tensor(x), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            if expected_keys == [saliency.base.INPUT_OUTPUT_GRADIENTS]:
                score = task.logits(x)[:, task.c]
                return {saliency.base.INPUT_OUTPUT_GRADIENTS: np.array(tape.gradient(score, x))}
            maps, scores = maps_and_scores(x)
            score = scores[:, task.c]
        return {
            saliency.base.CONVOLUTION_LAYER_VALUES: np.array(maps),
            saliency.base.CONVOLUTION_OUTPUT_GRADIENTS: np.array(tape.gradient(score, maps)),
        }

    gradient, cam, picture = saliency.GradientSaliency(), saliency.GradCam(), task.x[0]
    return {
        "vanilla": Way(lambda: gradient.GetMask(picture, call_model)),
        "Grad-CAM": Way(
            lambda: cam.GetMask(picture, call_model, should_resize=False, three_dims=False),
            note="differentiates one logit; its example notebook the whole softmax",
        ),
        "SmoothGrad-50": Way(
            lambda: gradient.GetSmoothedMask(
                picture, call_model, stdev_spread=NOISE, nsamples=SAMPLES, magnitude=False
            ),
            note="asked for the mean and not the mean square, which is its default",
        ),
    }


def xplique(task: Task) -> dict[str, Way]:
    """Return Xplique's methods."""
    import tensorflow as tf
    from xplique.attributions import GradCAM, Saliency, SmoothGrad

    target = np.eye(task.logits.output_shape[1], dtype=np.float32)[[task.c]]
    saliency = Saliency(task.logits, reducer=None)
    cam = GradCAM(task.logits, conv_layer=task.layer)
    smooth = SmoothGrad(task.logits, reducer=None, nb_samples=SAMPLES, noise=task.sigma)

    def resized(ours):
        return tf.image.resize(ours[..., None], task.x.shape[1:3], "bicubic")

    return {
        "vanilla": Way(
            lambda: saliency(task.x, target), like=np.abs, note="returns the absolute value"
        ),
        "Grad-CAM": Way(lambda: cam(task.x, target), like=resized, note="resized, bicubic"),
        "SmoothGrad-50": Way(lambda: smooth(task.x, target)),
    }


LIBRARIES: dict[str, Callable[[Task], dict[str, Way]]] = {
    "ours": ours,
    "tf-explain": tf_explain,
    "tf-keras-vis": tf_keras_vis,
    "PAIR saliency": pair_saliency,
    "Xplique": xplique,
}


def ways(library: str, task: Task) -> dict[str, Way]:
    """Set a library up for a task: {method: Way}. Raises ImportError if it's missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LIBRARIES[library](task)


def make_task(network: str) -> Task:
    """Load a network with its own weights, and prepare the cat for it."""
    import keras

    from course_utils import load_classifier, load_image
    from course_utils.models import application_classifier

    if network == "embedded":
        classifier = load_classifier()
        logits = keras.Model(classifier.model.input, classifier.model.get_layer("logits").output)
    else:
        keras.utils.set_random_seed(0)  # the same random weights in every process
        classifier = application_classifier(network, weights=None)
        last = classifier.model.layers[-1]
        top = keras.layers.Dense(last.units, name="logits")
        logits = keras.Model(classifier.model.input, top(last.input))
        top.set_weights(last.get_weights())
    x = classifier.prepare(load_image("cat"))
    return Task(classifier.model, logits, LAYERS[network], x, classifier.class_index("tabby"))


LAYERS = {"embedded": "head_conv", "vgg16": "block5_conv3"}
