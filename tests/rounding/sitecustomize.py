"""Python imports a module of this name when it starts: round differently in this one."""

import rounding  # noqa: F401 - importing it is what does it
