"""The one door to a network: `tensorflow` starts it, `open` opens it, `layers` finds feature maps
in it, and `run` runs formulas on it.

Data flows one way: tensorflow -> open -> layers -> run. `attribution` holds the formulas.
`forget(model)` frees what is kept of a model before the model itself goes.
"""

from course_utils.network.open import forget

__all__ = ["forget"]
