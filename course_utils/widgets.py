"""The explorers of lessons 1, 2, 3, 4 and 6, under the names that the lessons import."""

from course_utils.apps.explorers import *  # noqa: F403
from course_utils.apps.explorers import __all__  # noqa: F401
