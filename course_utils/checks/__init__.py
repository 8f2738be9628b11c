"""Self-checks of the exercises: right, not done yet, or what the mistake probably is.

Each check takes the function that a student wrote, tries it on small cases whose answer is known
without this package (the weights of a linear model, numbers worked out by hand), prints one
verdict, and returns a function to go on with: the student's if it is right, a working one if not.
So nobody is stuck, and an untouched notebook runs to its end. A check never raises.

The checks of lesson N are in `lessonN`; the notebooks call them as `checks.name`.
"""

import importlib
import pkgutil

from course_utils.checks._quiz import prediction, quiz
from course_utils.checks._reading import read_both

__all__ = ["prediction", "quiz", "read_both"]
for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("lesson"):
        _lesson = importlib.import_module(f"{__name__}.{_module.name}")
        globals().update({name: getattr(_lesson, name) for name in _lesson.__all__})
        __all__ += _lesson.__all__
