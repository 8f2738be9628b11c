"""Make pictures we know everything about, from cut-outs on soft textures (lesson 6)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from course_utils.checking import check_count, check_seed
from course_utils.data_files import data_path, read_json
from course_utils.images import cv2, resize_picture
from course_utils.models import Classifier, load_classifier

# ----------------------------------------------------------------------- two objects per picture


class Scenes(NamedTuple):
    """Pictures of two objects each, with everything we know about them.

    Attributes:
        images: uint8 (n, H, W, 3), RGB, of the classifier's input size.
        classes: int (n, 2), the class indices of the objects on the left and on the right.
        masks: bool (n, 2, H, W), True exactly where the object covers some of a pixel. The two
            never overlap. Elsewhere, a picture equals its background, bit for bit.
        backgrounds: uint8 (n, H, W, 3), the pictures without their objects.
        left_out: how many other scenes were made and left out, because the classifier didn't have
            both classes among its five most probable ones.
    """

    images: np.ndarray
    classes: np.ndarray
    masks: np.ndarray
    backgrounds: np.ndarray
    left_out: int


def two_object_scenes(
    n: int, seed: int = 0, *, classifier: Classifier | None = None, progress: bool = False
) -> Scenes:
    """Make n pictures of two objects in known places: one on the left, one on the right.

    Cut-outs (data/objects) are laid on soft textures of low contrast, 98 to 110 of 224 pixels along
    their longer side, at random heights. You can't expect a map to point at something that the
    network doesn't recognise, so scenes whose two classes aren't both among the five most probable
    are left out, and counted. The scores of a map are for pictures that the network understands.

    Args:
        n: how many scenes to return, at least 1.
        seed: a whole number, at least 0. Scene k depends only on the seed and k, so if you ask for
            fewer scenes, you get the first of them.
        classifier: decides which scenes are left out; None for the embedded one.
        progress: whether to show a progress bar (from two seconds on).

    Returns:
        `Scenes`: images, classes, masks, backgrounds, left_out.

    Raises:
        TypeError, ValueError: n or seed out of range; the classifier recognises too few of the
            objects to find n scenes.

    Lesson 6 uses it.
    """
    from tqdm.auto import tqdm

    n = check_count("n", n)
    check_seed(seed)
    classifier = classifier or load_classifier()
    kept, tried, limit = [], 0, 20 * n + 100
    with tqdm(total=n, desc="scenes", delay=2, disable=not progress) as bar:
        while len(kept) < n:
            if tried >= limit:
                raise ValueError(
                    f"{classifier.name} has both classes among its five most probable ones in only "
                    f"{len(kept)} of {tried} scenes: are its weights those of a trained network?"
                )
            batch = [_scene(seed, tried + k, classifier.input_size) for k in range(16)]
            top = classifier.predict([scene[0] for scene in batch], top=5)
            for scene, predictions in zip(batch, top, strict=True):
                tried += 1
                if set(scene[1]) <= {p.class_index for p in predictions}:
                    kept.append(scene)
                    bar.update()
                if len(kept) == n:
                    break
    images, classes, masks, backgrounds = (np.stack(part) for part in zip(*kept, strict=True))
    return Scenes(images, classes, masks, backgrounds, tried - n)


def _scene(seed: int, number: int, size: tuple[int, int]):
    """Return one scene, recognised or not: image, classes (2,), masks (2, H, W), background."""
    height, width = size
    rng = np.random.default_rng([seed, number])
    cut_outs = _cut_outs()
    background = _texture(rng, size)
    image, classes, masks = background.astype(np.float32), [], []
    for side, which in enumerate(rng.choice(len(cut_outs), 2, replace=False)):
        class_index, rgba = cut_outs[which]
        longer = rng.integers(98, 111) * width / 224
        colour, alpha = _scaled_cut_out(rgba, longer)
        h, w = alpha.shape
        top = rng.integers(0, height - h + 1)
        left = side * (width // 2) + rng.integers(0, width // 2 - w + 1)
        mask = np.zeros(size, bool)
        mask[top : top + h, left : left + w] = alpha > 0
        _paste(image, colour, alpha, top, left)
        classes.append(class_index)
        masks.append(mask)
    return np.round(image).astype(np.uint8), np.array(classes), np.stack(masks), background


# ---------------------------------------------------------------------- a shortcut to fall for


class TaggedPictures(NamedTuple):
    """Pictures of one animal each, some of them with a coloured tag.

    Attributes:
        images: uint8 (n, H, W, 3), RGB, 224 x 224.
        labels: int (n,): 0 a sea lion, 1 a killer whale, in turn.
        animals: bool (n, H, W), True where the animal covers some of a pixel.
        tags: bool (n, H, W), True where the tag is, or would be. It's never on the animal.
    """

    images: np.ndarray
    labels: np.ndarray
    animals: np.ndarray
    tags: np.ndarray


def tagged_pictures(tagged: Sequence[bool], seed: int = 0) -> TaggedPictures:
    """Make pictures of sea lions and killer whales in fog, with or without a tag.

    The animals are small and pale (28 % of their contrast, and some grain), so they're hard to tell
    apart, and a classifier is tempted to use something easier: the tag, a red disc with a white
    middle, 24 of 224 pixels wide, anywhere off the animal. At this size and contrast, a classifier
    falls for the tag when one class always has it, but can still tell the animals apart when it has
    to. There's one cut-out of each animal, mirrored or not: pictures of another seed show the same
    two animals.

    Args:
        tagged: (n,), whether each picture gets its tag.
        seed: a whole number, at least 0. Except for the tag, picture k depends only on the seed
            and k: you can have the same pictures with and without it.

    Returns:
        `TaggedPictures`: images, labels, animals, tags.

    Raises:
        ValueError: not a list of True and False; a seed out of range.

    Lesson 6 uses it.
    """
    tags = np.asarray(tagged)
    if tags.ndim != 1 or len(tags) == 0 or tags.dtype != bool:
        raise ValueError(
            f"tagged has the shape {tags.shape} and dtype {tags.dtype}: expected True or False "
            "for each picture, such as np.arange(40) % 2 == 1."
        )
    check_seed(seed)
    pictures = [_tagged_picture(seed, k, k % 2, tag) for k, tag in enumerate(tags)]
    images, animals, tags = (np.stack(part) for part in zip(*pictures, strict=True))
    return TaggedPictures(images, np.arange(len(images)) % 2, animals, tags)


ANIMALS = (150, 148)  # sea lion, killer whale: classes of ImageNet
TAG, SIDE = 24, 224  # pixels
FOG, GRAIN = 0.28, 8  # the animal's remaining contrast, as a share; levels of 256


def _tagged_picture(seed: int, number: int, label: int, tag: bool):
    """Return one picture: image, the animal's mask and the tag's."""
    rng = np.random.default_rng([seed, number])
    image = _texture(rng, (SIDE, SIDE)).astype(np.float32)
    rgba = dict(_cut_outs())[ANIMALS[label]]
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    colour, alpha = _scaled_cut_out(rgba, float(rng.integers(55, 85)))
    h, w = alpha.shape
    top, left = rng.integers(0, SIDE - h + 1), rng.integers(0, SIDE - w + 1)
    _paste(image, FOG * colour, FOG * alpha, top, left)
    animal = np.zeros((SIDE, SIDE), bool)
    animal[top : top + h, left : left + w] = alpha > 0
    image += GRAIN * rng.standard_normal(image.shape, dtype=np.float32)

    i, j = np.mgrid[:SIDE, :SIDE]
    while True:
        y, x = rng.integers(TAG, SIDE - TAG, 2)  # its middle
        distance = np.hypot(i - y, j - x)
        disc = distance < TAG / 2
        if not (disc & animal).any():
            break
    if tag:
        image[disc] = 250, 60, 30
        image[distance < TAG / 4] = 250
    return np.clip(np.round(image), 0, 255).astype(np.uint8), animal, disc


# ------------------------------------------------------------------------ textures and cut-outs


def _texture(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return a soft texture of low contrast around a muted colour, uint8 (H, W, 3).

    Smoothed random numbers on grids of 4, 16 and 64 cells, with standard deviations of about 8, 4
    and 2 of 256 levels: nothing in it looks like an object.
    """
    colour = rng.uniform(95, 160) + rng.uniform(-25, 25, 3)
    levels = np.tile(colour.astype(np.float32), (*size, 1))
    for cells, amplitude in ((4, 8), (16, 4), (64, 2)):
        grid = amplitude * rng.standard_normal((cells, cells)).astype(np.float32)
        smooth = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
        levels += smooth[..., None]
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def _scaled_cut_out(rgba: np.ndarray, longer_side: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a cut-out at another size: colour times alpha (h, w, 3), 0..255, and alpha, 0..1."""
    h, w = rgba.shape[:2]
    scale = longer_side / max(h, w)
    size = max(1, round(h * scale)), max(1, round(w * scale))
    alpha = rgba[..., 3:].astype(np.float32) / 255
    # Times alpha before resizing, or the colour of transparent pixels would bleed in.
    resized = resize_picture(np.concatenate([rgba[..., :3] * alpha, alpha], axis=2), size)
    visible = resized[..., 3:] >= 1 / 255
    resized = resized * visible
    return resized[..., :3], np.minimum(resized[..., 3], 1)


def _paste(image: np.ndarray, colour: np.ndarray, alpha: np.ndarray, top: int, left: int) -> None:
    """Lay a scaled cut-out on a float picture (H, W, 3), in place."""
    h, w = alpha.shape
    part = image[top : top + h, left : left + w]
    part[:] = part * (1 - alpha[..., None]) + colour


@functools.cache
def _cut_outs() -> tuple[tuple[int, np.ndarray], ...]:
    """Return (class index, uint8 RGBA) of every cut-out."""
    entries = read_json("objects/objects.json")
    return tuple(
        (entry["class_index"], np.array(Image.open(data_path(f"objects/{entry['file']}"))))
        for entry in entries
    )
