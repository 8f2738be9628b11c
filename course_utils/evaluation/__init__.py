"""Score maps where the right answer is known; test whether they depend on the network (lesson 6).

Everything here scores *raw* maps, never pictures of them. What a map says at a position is defined
once, in `strength`: the positive part, max(m, 0), of a map with one value per position, (h, w); the
largest |value| of a map with one value per channel, (H, W, C), such as a gradient.
"""

from course_utils.evaluation.baselines import centre_blob, input_edges, random_map
from course_utils.evaluation.curves import Curve, deletion_curve, insertion_curve
from course_utils.evaluation.localization import energy_in_mask, pointing_game, strength
from course_utils.evaluation.randomize import randomize_weights
from course_utils.evaluation.scenes import (
    Scenes,
    TaggedPictures,
    tagged_pictures,
    two_object_scenes,
)
from course_utils.evaluation.score_methods import bootstrap_interval, score_on_scenes
from course_utils.evaluation.similarity import agreement, rank_correlation, sensitivity, ssim

__all__ = [
    "Curve",
    "Scenes",
    "TaggedPictures",
    "agreement",
    "bootstrap_interval",
    "centre_blob",
    "deletion_curve",
    "energy_in_mask",
    "input_edges",
    "insertion_curve",
    "pointing_game",
    "random_map",
    "randomize_weights",
    "rank_correlation",
    "score_on_scenes",
    "sensitivity",
    "ssim",
    "strength",
    "tagged_pictures",
    "two_object_scenes",
]
