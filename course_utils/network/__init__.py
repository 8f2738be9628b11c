"""The one door to a network, from a Keras model to a formula that runs on it.

Data flows one way: tensorflow -> graph (a model as the calls of its layers) -> logits (take the
softmax off) -> open -> layers (find feature maps) -> run. `attribution` has the formulas.
`forget(model)` frees everything cached for a model while the model itself lives on.
"""

from course_utils.network.open import forget

__all__ = ["forget"]
