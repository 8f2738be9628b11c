"""The one door to a network, from a Keras model to a formula that runs on it.

Data flows one way: tensorflow -> graph (a model as the calls of its layers) -> logits (take the
softmax off) -> open -> layers (find feature maps) -> run. `attribution` holds the formulas.
`forget(model)` frees what is kept of a model before the model itself goes.
"""

from course_utils.network.open import forget

__all__ = ["forget"]
