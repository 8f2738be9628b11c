"""The scores must be right themselves: known answers, properties, a clear message for nonsense.

Mostly on tiny models and handmade maps; the embedded network only for making scenes.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from messages import sentence
from PIL import Image
from tiny import conv_model, fill, layers, linear_model, pictures

from course_utils import grad_cam, load_classifier, score_model, vanilla_gradients
from course_utils.evaluation import (
    agreement,
    bootstrap_interval,
    centre_blob,
    deletion_curve,
    energy_in_mask,
    input_edges,
    insertion_curve,
    pointing_game,
    random_map,
    randomize_weights,
    rank_correlation,
    score_on_scenes,
    sensitivity,
    ssim,
    strength,
    tagged_pictures,
    two_object_scenes,
)
from course_utils.models import Prediction

RNG = np.random.default_rng(0)


def mask_of(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


# ------------------------------------------------------------------ what a map says at a place


def test_strength_is_the_positive_part_or_the_largest_channel():
    np.testing.assert_array_equal(strength([[1.0, -2.0], [0.0, 3.0]]), [[1, 0], [0, 3]])
    gradient = np.array([[[0.1, -0.5, 0.2], [0, 0, -0.1]], [[0, 0, 0], [3, 0, -4]]])
    np.testing.assert_allclose(strength(gradient), [[0.5, 0.1], [0, 4]], rtol=1e-6)
    np.testing.assert_array_equal(strength(gradient[None]), strength(gradient))


def test_strength_at_another_resolution_neither_overshoots_nor_moves():
    m = np.zeros((7, 7), np.float32)
    m[2, 5] = 3
    fine = strength(m, (224, 224))
    assert fine.shape == (224, 224)
    assert fine.min() == 0
    assert fine.max() <= 3
    i, j = np.mgrid[:224, :224]
    centre = (fine * i).sum() / fine.sum(), (fine * j).sum() / fine.sum()
    # The middle of cell (2, 5), in pixels; linear interpolation is symmetric around it.
    np.testing.assert_allclose(centre, (2.5 * 32 - 0.5, 5.5 * 32 - 0.5), atol=1e-3)


# ---------------------------------------------------------------------- the pointing game


def test_pointing_game_on_maps_whose_answer_is_seen():
    mask = mask_of((8, 10), slice(2, 5), slice(6, 9))
    m = np.zeros((8, 10))
    m[3, 7] = 1
    assert pointing_game(m, mask) is True
    assert pointing_game(m.T, mask.T) is True
    assert pointing_game(m, ~mask) is False
    m[0, 0] = -5  # evidence against the class doesn't point
    assert pointing_game(m, mask) is True
    m[7, 0] = 2
    assert pointing_game(m, mask) is False


@pytest.mark.parametrize(("tolerance", "hit"), [(0, False), (2, False), (3, True), (4.5, True)])
def test_tolerance_is_a_distance_in_pixels(tolerance, hit):
    m = np.zeros((8, 10))
    m[3, 3] = 1  # three columns left of the mask
    mask = mask_of((8, 10), slice(2, 5), slice(6, 9))
    assert pointing_game(m, mask, tolerance=tolerance) is hit


def test_a_coarse_map_points_to_the_middle_of_its_strongest_place():
    """Even at the edge, where enlarging turns the maximum into a plateau that reaches the edge."""
    m = np.zeros((7, 7))
    m[0, 6] = 1
    assert pointing_game(m, mask_of((224, 224), 16, 208))
    assert not pointing_game(m, mask_of((224, 224), slice(0, 10), slice(215, 224)))


def test_a_tie_is_a_hit_only_if_all_of_it_lies_on_the_object():
    mask = mask_of((6, 6), slice(0, 3), slice(0, 3))
    assert pointing_game(mask.astype(float), mask)
    m = mask.astype(float)
    m[5, 5] = 1
    assert not pointing_game(m, mask)
    assert not pointing_game(np.ones((6, 6)), mask)


@pytest.mark.parametrize("m", [np.zeros((6, 6)), np.full((6, 6), -1.0), np.zeros((6, 6, 3))])
def test_a_map_that_is_nowhere_positive_misses_and_it_is_said(m):
    whole = np.ones((6, 6), bool)
    with pytest.warns(UserWarning, match="nowhere positive.*a miss"):
        assert pointing_game(m, whole) is False
    with pytest.warns(UserWarning, match="nowhere positive.*scores 0"):
        assert energy_in_mask(m, whole) == 0


# --------------------------------------------------------------------------------- the energy


def test_energy_is_the_share_of_what_is_positive():
    m = np.array([[6.0, 4, 0], [-7, 0, 10]])
    mask = np.array([[1, 1, 1], [1, 0, 0]])
    assert energy_in_mask(m, mask) == 0.5
    assert energy_in_mask(m, np.ones((2, 3))) == 1
    assert isinstance(energy_in_mask(m, mask), float)


def test_energy_of_complements_adds_up_and_units_do_not_matter():
    m, mask = RNG.random((9, 9, 3)) - 0.5, RNG.random((9, 9)) < 0.3
    share = energy_in_mask(m, mask)
    assert energy_in_mask(m, ~mask) == pytest.approx(1 - share)
    assert energy_in_mask(1e-6 * m, mask) == pytest.approx(share, rel=1e-5)  # float32


def test_a_map_that_is_the_same_everywhere_has_the_share_of_chance():
    mask = mask_of((224, 224), slice(0, 56), slice(None))
    assert energy_in_mask(np.full((7, 7), 0.3), mask) == pytest.approx(0.25)


# ------------------------------------------------------------------- deletion and insertion


def two_class_linear(w):
    """Logits (0, sum of w x): the probability of class 1 is the sigmoid of the second."""
    model = keras.Sequential([keras.Input(w.shape), layers.Flatten(), layers.Dense(2)])
    model.layers[-1].set_weights([np.stack([0 * w.ravel(), w.ravel()], 1), np.zeros(2)])
    return model


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_deletion_and_insertion_by_hand():
    """Four pixels with contributions 4, 3, 2, 1, ranked correctly: we know what's left."""
    w = np.array([[[4.0], [1.0]], [[3.0], [2.0]]])
    model, x = two_class_linear(w), np.ones((1, 2, 2, 1))
    deletion = deletion_curve(model, x, w[..., 0], 1, steps=4)
    np.testing.assert_allclose(deletion.fractions, [0, 0.25, 0.5, 0.75, 1])
    expected = sigmoid(np.array([10.0, 6, 3, 1, 0]))
    np.testing.assert_allclose(deletion.probabilities, expected, rtol=1e-5)
    area = sum((expected[i] + expected[i + 1]) / 2 * 0.25 for i in range(4))
    assert deletion.area == pytest.approx(area, rel=1e-5)
    insertion = insertion_curve(model, x, w[..., 0], 1, steps=4)
    np.testing.assert_allclose(insertion.probabilities, sigmoid(np.array([0.0, 4, 7, 9, 10])), 1e-5)


def test_the_best_ranking_has_the_smallest_deletion_area_and_the_largest_insertion_area():
    w = RNG.standard_normal((6, 5, 1))
    model, x = two_class_linear(w), np.ones((1, 6, 5, 1), np.float32)
    best = w[..., 0] - w.min()  # positive, in the order of the contributions
    others = [RNG.random((6, 5)) for _ in range(20)]
    deletion = [deletion_curve(model, x, m, 1, steps=30).area for m in [best, *others]]
    insertion = [insertion_curve(model, x, m, 1, steps=30).area for m in [best, *others]]
    assert np.argmin(deletion) == 0
    assert np.argmax(insertion) == 0


@pytest.mark.parametrize("curve", [deletion_curve, insertion_curve])
def test_curves_begin_and_end_where_they_must_whatever_the_batch(curve):
    model, x = conv_model(), pictures(1)
    m = RNG.random((6, 5))  # of a coarser layer
    found = curve(model, x, m, 2, steps=7, baseline=0.5, batch_size=3)
    ends = model.predict(np.concatenate([x, np.full_like(x, 0.5)]), verbose=0)[:, 2]
    if curve is insertion_curve:
        ends = ends[::-1]
    np.testing.assert_allclose(found.probabilities[[0, -1]], ends, rtol=1e-4)
    whole = curve(model, x, m, 2, steps=7, baseline=0.5, batch_size=100)
    np.testing.assert_allclose(whole.probabilities, found.probabilities, rtol=1e-5)
    assert 0 <= found.area <= 1
    assert len(found.fractions) == 8


def test_insertion_is_deletion_of_the_reversed_map_backwards():
    model, x = conv_model(), pictures(1)
    m = RNG.permutation(120).reshape(12, 10) + 1.0  # no ties
    there = deletion_curve(model, x, m, 1, steps=12)
    back = insertion_curve(model, x, 200 - m, 1, steps=12)
    np.testing.assert_allclose(back.probabilities, there.probabilities[::-1], rtol=1e-5)


def test_equal_places_are_ranked_at_random_and_always_in_the_same_way():
    """Row by row, the top of the picture would always go first."""
    model, x = (
        two_class_linear(np.ones((8, 8, 1)) * np.linspace(1, 0, 8)[:, None, None]),
        np.ones((1, 8, 8, 1)),
    )  # the upper rows count more
    constant = deletion_curve(model, x, np.ones((8, 8)), 1, steps=2)
    again = deletion_curve(model, x, np.ones((8, 8)), 1, steps=2)
    np.testing.assert_array_equal(constant.probabilities, again.probabilities)
    logit = np.log(constant.probabilities / (1 - constant.probabilities))
    assert 0.35 < logit[1] / logit[0] < 0.65  # half of the pixels gone, half of the score gone
    with pytest.warns(UserWarning, match="nowhere positive.*at random"):
        deletion_curve(model, x, np.zeros((8, 8)), 1, steps=2)


def test_a_single_logit_has_the_probability_of_its_sigmoid():
    model = fill(keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)]))
    x = pictures(1, (4, 4, 1))
    z = float(model(x)[0, 0])
    for c, expected in ((1, sigmoid(z)), (0, sigmoid(-z))):
        found = deletion_curve(model, x, np.ones((4, 4)), c, steps=1).probabilities[0]
        assert found == pytest.approx(expected, rel=1e-4)


def test_a_curve_changes_nothing_that_it_was_given():
    model, x, m = conv_model(), pictures(1), RNG.random((12, 10))
    x.setflags(write=False)
    m.setflags(write=False)
    before = [w.copy() for w in model.get_weights()]
    deletion_curve(model, x, m, steps=3)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


# ------------------------------------------------------------------------ random weights


def test_only_the_named_layers_are_shuffled_and_only_in_the_copy():
    model = conv_model()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    state = random.getstate(), np.random.get_state()[1].copy()
    copy = randomize_weights(model, ["head", "conv2"], seed=1)
    assert random.getstate() == state[0]
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])
    for old, new in zip(model.layers, copy.layers, strict=True):
        for a, b, c in zip(before[old.name], old.get_weights(), new.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.array_equal(a, c) == (old.name == "conv1")
            np.testing.assert_array_equal(np.sort(a, axis=None), np.sort(c, axis=None))
    copy.layers[1].set_weights([0 * w for w in copy.layers[1].get_weights()])
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], before["conv1"][0])


def test_the_numbers_change_places_along_every_axis():
    """Shuffling along the first axis alone would leave every filter as it was."""
    kernel = randomize_weights(conv_model(), "conv1").get_layer("conv1").get_weights()[0]
    old = conv_model().get_layer("conv1").get_weights()[0]
    for axis in range(4):
        rows = {np.moveaxis(kernel, axis, 0)[i].tobytes() for i in range(kernel.shape[axis])}
        old_rows = {np.moveaxis(old, axis, 0)[i].tobytes() for i in range(old.shape[axis])}
        assert not rows & old_rows


def test_the_seed_decides_and_a_layer_is_shuffled_alike_whichever_others_are():
    model = conv_model()

    def head(layers, seed):
        return randomize_weights(model, layers, seed).get_layer("head").get_weights()[0]

    np.testing.assert_array_equal(head("head", 3), head(["head", "conv1"], 3))
    np.testing.assert_array_equal(head(None, 3), head(model.get_layer("head"), 3))
    assert not np.array_equal(head("head", 3), head("head", 4))


def test_nested_models_are_searched():
    inner = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(4, 3, name="deep")])
    outer = keras.Sequential(
        [inner, layers.BatchNormalization(name="norm"), layers.Flatten(), layers.Dense(3)]
    )
    fill(outer)
    copy = randomize_weights(outer, "deep")
    assert not np.array_equal(copy.layers[0].get_weights()[0], inner.get_weights()[0])
    np.testing.assert_array_equal(
        copy.layers[-1].get_weights()[0], outer.layers[-1].get_weights()[0]
    )
    gradient = vanilla_gradients(copy, pictures(1, (6, 6, 3)), 0)
    assert gradient.any()
    assert not np.allclose(gradient, vanilla_gradients(outer, pictures(1, (6, 6, 3)), 0))


# -------------------------------------------------------------------------- two maps compared


def test_rank_correlation_knows_order_and_nothing_else():
    a = RNG.random((6, 7, 3))
    assert rank_correlation(a, np.exp(5 * a)) == pytest.approx(1)
    assert rank_correlation(a, -(a**3)) == pytest.approx(-1)
    assert abs(rank_correlation(RNG.random(10_000), RNG.random(10_000))) < 0.05  # 5 sigma


def test_equal_values_share_the_mean_of_their_ranks():
    """Worked out by hand: ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4."""
    r = np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 3, 4])[0, 1]
    assert rank_correlation([0, 0, 5, 9], [1, 2, 3, 4]) == pytest.approx(r)


def test_a_map_without_an_order_has_no_rank_correlation():
    with pytest.warns(UserWarning, match="same everywhere"):
        assert np.isnan(rank_correlation(np.zeros((3, 3)), RNG.random((3, 3))))


def ssim_by_hand(a, b, L):
    """Eq. 13 of Wang et al., with the window's weights written out, position by position."""
    t = np.arange(-5, 6)
    g = np.exp(-(t**2) / (2 * 1.5**2))
    w = np.outer(g, g) / np.outer(g, g).sum()
    C1, C2, found = (0.01 * L) ** 2, (0.03 * L) ** 2, []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            m, n = (w * p).sum(), (w * q).sum()
            s, t2, st = (
                (w * (p - m) ** 2).sum(),
                (w * (q - n) ** 2).sum(),
                (w * (p - m) * (q - n)).sum(),
            )
            found.append((2 * m * n + C1) * (2 * st + C2) / ((m * m + n * n + C1) * (s + t2 + C2)))
    return np.mean(found)


def test_ssim_is_the_formula_of_the_paper():
    """scikit-image's structural_similarity gives the same to 1e-12, with gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False (compared once; it isn't a dependency)."""
    a, b = RNG.random((20, 24)), RNG.random((20, 24))
    a, b = a / a.max(), (0.6 * a + 0.4 * b) / (0.6 * a + 0.4 * b).max()
    assert ssim(a, b) == pytest.approx(ssim_by_hand(a, b, 1), abs=1e-9)
    c = a - 0.5
    c /= np.abs(c).max()
    assert ssim(c, b) == pytest.approx(ssim_by_hand(c, b, 2), abs=1e-9)


def test_ssim_of_equal_and_of_unlike_maps():
    a, b = RNG.random((30, 30)), RNG.random((30, 30))
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, 7 * a) == pytest.approx(1)
    assert ssim(a, b) == pytest.approx(ssim(b, a))
    assert abs(ssim(a, b)) < 0.2
    assert ssim(np.zeros((30, 30)), a) < 0.1
    assert ssim(np.zeros((30, 30)), np.zeros((30, 30))) == 1


def test_agreement_at_the_resolution_of_the_coarser_map():
    coarse = RNG.random((7, 7)).astype(np.float32)
    fine = np.kron(coarse, np.ones((32, 32)))[..., None] * np.array([0.1, -1, 0.5])
    assert agreement(coarse, fine) == pytest.approx(1)
    assert agreement(fine, coarse) == pytest.approx(1)


def test_sensitivity_of_a_linear_model_is_nothing_and_of_the_picture_itself_is_known():
    model, x = linear_model(), pictures(2)
    assert (sensitivity(vanilla_gradients, model, x, 1, samples=2) < 1e-6).all()

    def the_picture(model, inputs, class_index):
        return inputs

    noise = 0.02
    found = sensitivity(the_picture, model, x, 1, noise=noise, samples=4)
    bound = noise * np.ptp(x, axis=(1, 2, 3)) * np.sqrt(x[0].size / 3)  # uniform: variance 1/3
    np.testing.assert_allclose(found, bound / np.linalg.norm(x.reshape(2, -1), axis=1), rtol=0.15)

    def nothing(model, inputs, class_index):
        return np.zeros(inputs.shape[:3])

    assert (sensitivity(nothing, model, x, 1, samples=1) == 0).all()
    # It's the largest change of all samples, so with more of them it can only grow.
    grows = np.diff(
        [
            [sensitivity(the_picture, model, x, 1, samples=k, seed=seed)[0] for k in range(1, 7)]
            for seed in range(4)
        ]
    )
    assert (grows >= 0).all()
    assert (grows > 0).any()


def test_sensitivity_is_for_the_class_predicted_for_the_clean_picture():
    model, x, seen = linear_model(), pictures(3), []

    def noted(model, inputs, class_index):
        seen.append(class_index)
        return inputs

    sensitivity(noted, model, x, noise=10, samples=3)  # the noisy pictures are of any class
    clean = score_model(model)(x).numpy().argmax(axis=1)
    assert len(seen) == 4
    assert all(np.array_equal(c, clean) for c in seen)


# ------------------------------------------------------------------------------- intervals


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        low, high = bootstrap_interval(rng.exponential(size=40), resamples=400, seed=trial)
        hits += low <= 1 <= high
    # 95 % at best: with 40 skewed values, the percentile bootstrap is known to give a little less.
    assert 0.86 <= hits / 200 <= 0.99


def test_the_interval_narrows_with_the_number_of_cases_and_keeps_cases_together():
    v = RNG.random(400)
    few, many = bootstrap_interval(v[:25]), bootstrap_interval(v)
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(4, rel=0.35)  # sqrt(16)
    assert bootstrap_interval(v) == many
    twice = np.repeat(v[:25, None], 2, axis=1)  # two objects per scene, always alike
    assert bootstrap_interval(twice) == pytest.approx(few)
    low, high = bootstrap_interval(v[:25], level=0.5)
    assert few[0] < low < v[:25].mean() < high < few[1]


# --------------------------------------------------------------------------------- the scenes


@pytest.fixture(scope="module")
def scenes(classifier):
    return two_object_scenes(6, seed=1, classifier=classifier)


def test_scenes_have_the_documented_shapes(scenes):
    assert scenes.images.shape == scenes.backgrounds.shape == (6, 224, 224, 3)
    assert scenes.images.dtype == scenes.backgrounds.dtype == np.uint8
    assert scenes.classes.shape == (6, 2)
    assert scenes.classes.dtype.kind == "i"
    assert scenes.masks.shape == (6, 2, 224, 224)
    assert scenes.masks.dtype == bool
    assert isinstance(scenes.left_out, int)
    assert scenes.left_out >= 0
    assert (scenes.classes[:, 0] != scenes.classes[:, 1]).all()


def test_masks_are_exact(scenes):
    """Outside the mask, a picture is its background, bit for bit; inside, it has changed."""
    for image, masks, background in zip(
        scenes.images, scenes.masks, scenes.backgrounds, strict=True
    ):
        either = masks.any(axis=0)
        np.testing.assert_array_equal(image[~either], background[~either])
        changed = (image != background).any(axis=2)
        # A faint edge pixel, or one with the background's colour, may stay unchanged.
        assert changed[either].mean() > 0.95
        assert not masks.all(axis=0).any(), "the objects overlap"
        assert masks[0, :, 112:].sum() == 0
        assert masks[1, :, :112].sum() == 0


def test_masks_have_the_shape_of_the_cut_outs(scenes):
    """Compare with the cut-out's own alpha, resized here by OpenCV instead of Pillow."""
    from course_utils.data_files import data_path, read_json

    files = {o["class_index"]: o["file"] for o in read_json("objects/objects.json")}
    for classes, masks in zip(scenes.classes, scenes.masks, strict=True):
        for c, mask in zip(classes, masks, strict=True):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            found = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            alpha = np.asarray(Image.open(data_path(f"objects/{files[c]}")))[..., 3]
            rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
            alpha = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            expected = cv2.resize(alpha, found.shape[::-1], interpolation=cv2.INTER_AREA) > 0
            overlap = (found & expected).sum() / (found | expected).sum()
            assert overlap > 0.85  # along the outline, they differ by up to a pixel
            assert 95 <= max(found.shape) <= 111


class Recognises:
    """A classifier that finds the same classes in every picture."""

    name, input_size = "stubborn", (224, 224)

    def __init__(self, classes):
        self.found = [Prediction(c, "", 0.0, 0.0) for c in classes]

    def predict(self, images, top):
        return [self.found] * len(images)


def test_both_classes_are_recognised_and_the_others_were_counted(scenes, classifier):
    for classes, top in zip(scenes.classes, classifier.predict(scenes.images, top=5), strict=True):
        assert set(classes.tolist()) <= {p.class_index for p in top}
    made = two_object_scenes(6 + scenes.left_out, seed=1, classifier=Recognises(range(1000)))
    assert made.left_out == 0
    top = classifier.predict(made.images, top=5)
    kept = [
        set(classes.tolist()) <= {p.class_index for p in predictions}
        for classes, predictions in zip(made.classes, top, strict=True)
    ]
    assert kept[-1]
    np.testing.assert_array_equal(made.images[kept], scenes.images)


def test_the_same_seed_gives_the_same_scenes_and_fewer_are_the_first_of_more(scenes, classifier):
    state = random.getstate(), np.random.get_state()[1].copy()
    two = two_object_scenes(2, seed=1, classifier=classifier)
    np.testing.assert_array_equal(two.images, scenes.images[:2])
    np.testing.assert_array_equal(two.masks, scenes.masks[:2])
    one, other = (
        two_object_scenes(1, seed=seed, classifier=Recognises(range(1000))) for seed in (1, 2)
    )
    assert not np.array_equal(one.images, other.images)
    assert random.getstate() == state[0]
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])


def test_backgrounds_are_soft_and_of_low_contrast(scenes):
    for background in scenes.backgrounds.astype(float):
        assert background.std(axis=(0, 1)).max() < 20
        assert np.abs(np.diff(background, axis=1)).mean() < 3


@pytest.mark.slow
def test_a_network_that_recognises_nothing_is_said_to():
    with pytest.raises(ValueError, match=r"only 0 of 128 scenes"):
        two_object_scenes(1, classifier=Recognises([]))


# ----------------------------------------------------------------------- scoring on the scenes


def test_maps_that_know_the_answer_score_fully_and_blank_ones_are_counted(scenes, classifier):
    seen = iter([(i, j) for i in range(6) for j in range(2)])

    def oracle(model, inputs, class_index):
        found = []
        for c in class_index:
            i, j = next(seen)
            assert scenes.classes[i, j] == c
            found.append(scenes.masks[i, j].astype(float))
        return found

    scores = score_on_scenes(oracle, scenes, classifier, batch_size=5)
    assert all(a.shape == (6, 2) for a in scores.values())
    assert (scores["pointing"] == 1).all()
    assert (scores["target"] == 1).all()
    assert (scores["other"] == 0).all()
    assert (scores["empty"] == 0).all()

    def blank(model, inputs, class_index):
        return np.zeros((len(inputs), 7, 7))

    scores = score_on_scenes(blank, scenes, classifier)
    assert (scores["empty"] == 1).all()
    assert not any(scores[name].any() for name in ("pointing", "target", "other"))


def test_methods_that_do_not_know_the_class_score_the_same_for_both_objects(scenes, classifier):
    for method in (centre_blob, input_edges):
        scores = score_on_scenes(method, scenes, classifier)
        np.testing.assert_allclose(scores["target"], scores["other"][:, ::-1], rtol=1e-6)
    chance = scenes.masks.mean(axis=(2, 3))
    scores = score_on_scenes(random_map, scenes, classifier)
    np.testing.assert_allclose(scores["target"], chance, atol=0.01)  # 2000 pixels and more each


def test_the_methods_that_know_nothing():
    x = pictures(2, (40, 40, 3))
    model = linear_model(shape=(40, 40, 3))
    noise, blob, edges = (m(model, x, 0) for m in (random_map, centre_blob, input_edges))
    assert noise.shape == blob.shape == (2, 40, 40)
    assert edges.shape == (2, 40, 40, 3)
    assert noise.dtype == blob.dtype == edges.dtype == np.float32
    np.testing.assert_array_equal(noise[1:], random_map(model, x[1:], 0))  # alone, as in a batch
    for other in (random_map(model, x, 1)[0], noise[1]):  # another class, another picture
        assert abs(np.corrcoef(noise[0].ravel(), other.ravel())[0, 1]) < 0.1  # 1600 numbers each
    assert np.unravel_index(blob[0].argmax(), (40, 40)) in [(19, 19), (19, 20), (20, 19), (20, 20)]
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None, None], (1, 40, 40, 3))
    np.testing.assert_allclose(
        input_edges(model, ramp)[0, 1:-1], 1, rtol=1e-5
    )  # one unit per pixel


# -------------------------------------------------------------------------------- the shortcut


def test_with_and_without_the_tag_it_is_the_same_picture():
    tagged = np.array([True, False, True, True])
    some, none = tagged_pictures(tagged, seed=3), tagged_pictures(np.zeros(4, bool), seed=3)
    assert some.images.shape == (4, 224, 224, 3)
    assert some.images.dtype == np.uint8
    np.testing.assert_array_equal(some.labels, [0, 1, 0, 1])
    for part in ("animals", "tags"):
        assert getattr(some, part).dtype == bool
        np.testing.assert_array_equal(getattr(some, part), getattr(none, part))
    for k in range(4):
        changed = (some.images[k] != none.images[k]).any(axis=2)
        assert np.array_equal(changed, some.tags[k]) if tagged[k] else not changed.any()
    assert not (some.tags & some.animals).any()
    np.testing.assert_allclose(some.tags.sum(axis=(1, 2)), np.pi * 12**2, rtol=0.05)  # 24 wide


def test_tagged_pictures_depend_on_seed_and_number_alone():
    five, two = tagged_pictures(np.ones(5, bool), seed=1), tagged_pictures(np.ones(2, bool), seed=1)
    np.testing.assert_array_equal(five.images[:2], two.images)
    other = tagged_pictures(np.ones(2, bool), seed=2)
    assert (other.images != two.images).any(axis=(1, 2, 3)).all()


# ------------------------------------------------------------------------------------ bad input

MASK = mask_of((6, 6), slice(0, 2), slice(0, 2))
X = pictures(1)


def one_map_too_many(model, inputs, class_index):
    return np.concatenate([inputs, inputs])


def nan_maps(model, inputs, class_index):
    return np.nan * inputs


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: pointing_game(np.full((6, 6), np.nan), MASK), ValueError, "NaN"),
        (lambda: energy_in_mask(np.full((6, 6), np.inf), MASK), ValueError, "infinity"),
        (lambda: pointing_game(np.ones((6, 6)), ~np.ones((6, 6), bool)), ValueError, "is empty"),
        (lambda: energy_in_mask(np.ones((6, 6)), 0.5 * MASK), ValueError, "True"),
        (lambda: energy_in_mask(np.ones((6, 6)), MASK[None]), ValueError, r"masks\[0\]"),
        (lambda: pointing_game(np.ones((6, 12)), MASK), ValueError, "doesn't fit"),
        (lambda: energy_in_mask(np.ones((2, 6, 6)), MASK), ValueError, r"maps\[0\]"),
        (lambda: pointing_game(np.ones((6, 6)), MASK, tolerance=-1), ValueError, "tolerance"),
        (lambda: pointing_game("map", MASK), TypeError, "numbers"),
        (lambda: strength(np.zeros((6, 6, 3), np.uint8)), ValueError, "picture"),
        (lambda: deletion_curve(linear_model(), pictures(2), MASK, 0), ValueError, r"inputs\[:1\]"),
        (lambda: deletion_curve(linear_model(), X, MASK, 0, steps=0), ValueError, "steps"),
        (lambda: deletion_curve(linear_model(), X, np.ones((12, 10)), 9), ValueError, "0 to 3"),
        (
            lambda: insertion_curve(linear_model(), X, np.ones((12, 10)), 0, baseline=np.ones(7)),
            ValueError,
            "baseline",
        ),
        (
            lambda: insertion_curve(linear_model(), X, np.ones((30, 10)), 0),
            ValueError,
            "doesn't fit",
        ),
        (lambda: randomize_weights(conv_model(), "heat"), ValueError, "Closest: head"),
        (lambda: randomize_weights(linear_model(), "flatten"), ValueError, "no layer|has weights"),
        (lambda: randomize_weights(conv_model(), 3), TypeError, "names of layers"),
        (lambda: randomize_weights(conv_model(), seed=-1), ValueError, "seed"),
        (lambda: randomize_weights("vgg16"), ValueError, "Functional or Sequential"),
        (lambda: rank_correlation([1, 2], [1, 2, 3]), ValueError, "same shape"),
        (lambda: rank_correlation([1, np.nan], [1, 2]), ValueError, "NaN"),
        (lambda: rank_correlation(["a", "b"], [1, 2]), TypeError, "numbers"),
        (lambda: ssim(np.ones((7, 7)), np.ones((7, 7))), ValueError, "11 x 11"),
        (lambda: sensitivity(grad_cam, conv_model(), X, 0, noise=-1), ValueError, "noise"),
        (
            lambda: sensitivity(one_map_too_many, conv_model(), X, 0),
            ValueError,
            r"\(2, 12, 10, 3\)",
        ),
        (lambda: sensitivity("grad_cam", conv_model(), X, 0), TypeError, "without quotes"),
        (lambda: score_on_scenes("grad_cam", None), TypeError, "without quotes"),
        (lambda: sensitivity(nan_maps, conv_model(), X, 0), ValueError, "returned NaN"),
        (lambda: bootstrap_interval([1.0]), ValueError, "at least 2"),
        (lambda: bootstrap_interval([1.0, np.nan]), ValueError, "NaN"),
        (lambda: bootstrap_interval([1.0, 2.0], level=95), ValueError, "0.95"),
        (lambda: bootstrap_interval([1.0, 2.0], level=True), TypeError, "level=True"),
        (lambda: bootstrap_interval([[1.0], [2.0, 3.0]]), TypeError, "list: expected numbers"),
        (lambda: pointing_game(MASK, MASK, tolerance="7"), TypeError, "tolerance='7'"),
        (lambda: two_object_scenes(0), ValueError, "at least 1"),
        (lambda: two_object_scenes(1, seed="a"), ValueError, "seed"),
        (lambda: tagged_pictures([1, 0]), ValueError, "True or False"),
        (lambda: tagged_pictures(True), ValueError, "True or False"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(call, error, said):
    with pytest.raises(error) as caught:
        call()
    message = sentence(caught)
    assert re.search(said, message), message
    assert caught.value.__cause__ is None


def test_a_method_that_returns_too_few_maps_is_named(scenes, classifier):
    def one_map(model, inputs, class_index):
        return np.ones((1, 7, 7))

    with pytest.raises(ValueError, match=r"'one_map' returned .* \(1, 7, 7\) .* 12 pictures"):
        score_on_scenes(one_map, scenes, classifier)


@pytest.mark.slow
def test_no_classifier_means_the_embedded_one(scenes):
    found = two_object_scenes(1, seed=1)
    np.testing.assert_array_equal(found.images[0], scenes.images[0])
    assert load_classifier().name == "efficientnet-lite0"


# ------------------------------------------------------------------------------ the leaderboard


def test_the_readme_quotes_the_leaderboard_that_was_run():
    root = Path(__file__).resolve().parents[2]
    full = (root / "benchmarks" / "leaderboard.md").read_text(encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Which maps point where they should?")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| .*\d\.\d\d \(", line)]
    assert len(rows) >= 5
    for row in rows:
        assert row in full  # the README leaves the last column out
