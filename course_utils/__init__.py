"""Helpers of the course *Saliency maps: from the gradient of a linear model to Grad-CAM*.

Everything that the lessons use is importable from here:

    from course_utils import load_classifier, load_image, vanilla_gradients, show_maps

Each name is fetched from its module the first time it is used, so that `import course_utils`
itself costs nothing and does not start TensorFlow.
"""

from __future__ import annotations

import importlib
import sys
import types

_MODULE_OF = {
    "example_images": "images",
    "load_image": "images",
    "load_classifier": "models",
    "score_model": "models",
    "last_conv_layer": "models",
    "vanilla_gradients": "gradients",
    "gradient_times_input": "gradients",
    "integrated_gradients": "gradients",
    "grad_cam": "grad_cam",
    "smoothgrad": "smoothgrad",
    "explain_dataset": "dataset",
    "overlay": "display",
    "show_maps": "display",
}
__all__ = list(_MODULE_OF)


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # so that __getattr__ is asked only once for each name
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


class _Package(types.ModuleType):
    """This package, in which `grad_cam` and `smoothgrad` are the functions, always.

    Python stores a submodule in its package when it is imported; `from course_utils.grad_cam
    import grad_cam` in one file would otherwise turn the function into a module in all others.
    """

    def __setattr__(self, name: str, value) -> None:
        if not (name in _MODULE_OF and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
