"""Self-checks for the exercises: right, not done yet, or what the mistake probably is.

Each check takes the function that a student wrote and tries it on small cases whose answer is known
without this package (the weights of a linear model, numbers worked out by hand). It prints one
verdict and returns a function to go on with: the student's if it's right, a working one if not. So
nobody gets stuck, and an untouched notebook runs to its end. A check never raises.

The checks of lesson N are in `lessonN`; the notebooks call them as `checks.name`.
"""

# ruff: noqa: F403 - what the stars bring is listed below, in a form that editors can follow
from course_utils.checks import (
    lesson0,
    lesson1,
    lesson2,
    lesson3,
    lesson4,
    lesson5,
    lesson6,
    lesson7,
)
from course_utils.checks._quiz import guess, prediction, quiz
from course_utils.checks._reading import read_both
from course_utils.checks.lesson0 import *
from course_utils.checks.lesson1 import *
from course_utils.checks.lesson2 import *
from course_utils.checks.lesson3 import *
from course_utils.checks.lesson4 import *
from course_utils.checks.lesson5 import *
from course_utils.checks.lesson6 import *
from course_utils.checks.lesson7 import *

__all__ = ["guess", "prediction", "quiz", "read_both"]
__all__ += lesson0.__all__
__all__ += lesson1.__all__
__all__ += lesson2.__all__
__all__ += lesson3.__all__
__all__ += lesson4.__all__
__all__ += lesson5.__all__
__all__ += lesson6.__all__
__all__ += lesson7.__all__
