"""Helpers for the course *Saliency maps: from the gradient of a linear model to Grad-CAM*.

You can import everything that the lessons use from here:

    from course_utils import load_classifier, load_image, vanilla_gradients, show_maps

Each name is fetched from its module when it's first used, so `import course_utils` itself costs
nothing and doesn't start TensorFlow.
"""

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:  # for editors and type checkers; at run time see __getattr__
    from course_utils.attribution import (
        grad_cam,
        gradient_times_input,
        integrated_gradients,
        smoothgrad,
        vanilla_gradients,
    )
    from course_utils.dataset import explain_dataset
    from course_utils.display import overlay, show_maps
    from course_utils.images import example_images, load_image
    from course_utils.models import load_classifier
    from course_utils.network.layers import last_conv_layer
    from course_utils.network.open import score_model

_MODULE_OF = {
    "example_images": "images",
    "load_image": "images",
    "load_classifier": "models",
    "score_model": "network.open",
    "last_conv_layer": "network.layers",
    "vanilla_gradients": "attribution",
    "gradient_times_input": "attribution",
    "integrated_gradients": "attribution",
    "grad_cam": "attribution",
    "smoothgrad": "attribution",
    "explain_dataset": "dataset",
    "overlay": "display",
    "show_maps": "display",
}
__all__ = [
    "example_images",
    "explain_dataset",
    "grad_cam",
    "gradient_times_input",
    "integrated_gradients",
    "last_conv_layer",
    "load_classifier",
    "load_image",
    "overlay",
    "score_model",
    "show_maps",
    "smoothgrad",
    "vanilla_gradients",
]


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # so __getattr__ is only called once per name
    return value


def __dir__() -> list[str]:
    return __all__
