"""Make the pictures, cut-outs, class names and digits in this folder.

You don't need to run this to take the course: its results are in the repository. It's here for
tracing every file to its source, and for making it again, byte for byte.

Run with Python 3.11, numpy 2.4.6, pillow 13.0.0, scikit-image 0.26.0 and scikit-learn 1.9.1 on

    tuxpaint-stamps-default 2022.06.04-1    Debian package, unpacked with `dpkg -x`   (cut-outs)
    timm 1.0.20                             wheel from PyPI, unpacked with `unzip`    (class names)

Pictures come from scikit-image's own data folder and digits from scikit-learn's, so neither needs a
folder here. From the root of the repository:

    apt-get download tuxpaint-stamps-default
    dpkg -x tuxpaint-stamps-default_2022.06.04-1_all.deb stamps
    pip download --no-deps timm==1.0.20
    unzip timm-1.0.20-py3-none-any.whl -d timm
    python data/build_data.py --stamps stamps --imagenet timm

A different version of Pillow or zlib may compress the same pixels into different bytes.
ATTRIBUTION.md and licenses/ are written by hand: they say who made what, under which licence.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import skimage
from PIL import Image
from sklearn.datasets import load_digits

DATA = Path(__file__).resolve().parent
WEIGHTS = "weights/efficientnet_lite0_float16.npz"  # made by weights/convert_efficientnet_lite0.py
LONGEST_SIDE = 250  # of a cut-out: a scene is 224 pixels wide, so more would be wasted

# Example name -> (scikit-image's file, what it shows, ImageNet classes that it shows).
PHOTOS: dict[str, tuple[str, str, list[int]]] = {
    "cat": (
        "chelsea.png",
        "Close-up of the face of a brown tabby cat with green eyes and a pink-brown nose.",
        [281],
    ),
    "coffee": (
        "coffee.png",
        "A red cup, white inside, with espresso, on a red saucer with a spoon, on a wooden table.",
        [967],
    ),
    "camera": (
        "camera.png",
        "Grey-scale photograph of a man in a dark coat who looks through a camera on a tripod, "
        "standing in a field with buildings far behind him.",
        [872],
    ),
    "rocket": (
        "rocket.jpg",
        "A white rocket stands upright on its launch pad at dusk, among four lattice masts and "
        "bright lamps.",
        [],  # ImageNet has missiles and space shuttles, but no class for this rocket ...
    ),
    "astronaut": (
        "astronaut.png",
        "A smiling astronaut in an orange space suit, her helmet in front of her; behind her a "
        "flag and a model of a space shuttle.",
        [],  # ... nor one for astronauts: the network has to answer with something else.
    ),
}

# Cut-out -> (file below the package's stamps folder, ImageNet class). The classifier puts that
# class first for each of them, centred on plain grey with its longer side at 140 of 224 pixels.
# Stamps were left out where the package's authors name a licence that Debian's GPL-2 can't cover.
OBJECTS: dict[str, tuple[str, int]] = {
    "badger": ("animals/mammals/badger.png", 362),
    "basketball": ("sports/basketball.png", 430),
    "bell_pepper": ("food/vegetables/yellowpepper.png", 945),
    "binoculars": ("hobbies/binoculars.png", 447),
    "bison": ("animals/mammals/bovines/bison.png", 347),
    "broccoli": ("food/vegetables/broccoli.png", 937),
    "brown_bear": ("animals/mammals/bears/european-bear.png", 294),
    "camera": ("hobbies/camera_35mm.png", 759),
    "dromedary": ("animals/mammals/camel/dromedary.png", 354),
    "duck": ("animals/birds/duck.png", 97),
    "electric_guitar": ("hobbies/music/string/guitar2.png", 546),
    "fire_engine": ("vehicles/emergency/firetruck.png", 555),
    "flamingo": ("animals/birds/pink_flamingo.png", 130),
    "garbage_truck": ("vehicles/garbagetruck.png", 569),
    "gorilla": ("animals/mammals/apes/gorilla.png", 366),
    "hippopotamus": ("animals/mammals/hippopotamus.png", 344),
    "hot_air_balloon": ("vehicles/flight/balloon360.png", 417),
    "killer_whale": ("animals/mammals/aquatic/orca.png", 148),
    "koala": ("animals/marsupials/koala.png", 105),
    "lemon": ("food/fruit/lemon.png", 951),
    "mushroom": ("plants/mushrooms/cep-1.png", 997),
    "penguin": ("animals/birds/penguin.png", 145),
    "pig": ("animals/mammals/pig_golden.png", 341),
    "pitcher": ("household/dishes/pitcher_small.png", 899),
    "sea_lion": ("animals/mammals/aquatic/sea_lion.png", 150),
    "soccer_ball": ("sports/soccer.png", 805),
    "squirrel": ("animals/mammals/rodents/squirrel.png", 335),
    "syringe": ("medical/syringe.png", 845),
    "tennis_racket": ("sports/tennis_racket.png", 752),
    "tiger": ("animals/mammals/cats/tiger.png", 292),
    "toucan": ("animals/birds/tucan.png", 96),
    "zebra": ("animals/mammals/equines/zebra.png", 340),
}


def main() -> None:
    """Write every data file, then the list of what was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=Path, required=True, help="the unpacked Debian package")
    parser.add_argument("--imagenet", type=Path, required=True, help="the unpacked timm wheel")
    arguments = parser.parse_args()
    stamps = arguments.stamps / "usr/share/tuxpaint/stamps"

    for folder in ("images", "objects"):
        (DATA / folder).mkdir(exist_ok=True)
    class_index = read_class_index(arguments.imagenet / "timm/data/_info")
    labels = [class_index[str(index)][1].replace("_", " ") for index in range(len(class_index))]

    # json.dumps' own separators: that is how Keras wrote its file, so the two have one checksum.
    written = [write(DATA / "imagenet_classes.json", json.dumps(class_index))]
    written += make_images(stamps, labels)
    written += make_objects(stamps, labels)
    written += [make_digits()]
    write_manifest([*written, DATA / WEIGHTS])


def read_class_index(folder: Path) -> dict[str, list[str]]:
    """Return {"0": ["n01440764", "tench"], ...}, Keras' format and, name for name, its content."""
    synsets = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    lines = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
    lemmas = dict(line.split("\t", 1) for line in lines)
    names = [lemmas[synset].split(",")[0].strip().replace(" ", "_") for synset in synsets]
    return {str(index): [synset, names[index]] for index, synset in enumerate(synsets)}


def make_images(stamps: Path, labels: list[str]) -> list[Path]:
    """Write the example pictures and examples.json; return their paths."""
    folder, source = DATA / "images", Path(skimage.__file__).parent / "data"
    written, examples = [], {}

    def add(name: str, path: Path, description: str, classes: list[dict]) -> None:
        written.append(path)
        examples[name] = {"file": path.name, "description": description, "classes": classes}

    def entry(index: int) -> dict:
        return {"class_index": index, "label": labels[index]}

    for name, (file, description, classes) in PHOTOS.items():
        path = folder / f"{name}{Path(file).suffix}"
        if path.suffix == ".png":
            save_png(Image.open(source / file), path)  # the same pixels, without metadata
        else:
            shutil.copyfile(source / file, path)  # compressing a JPEG again would change its pixels
        add(name, path, description, [entry(index) for index in classes])

    save_png(banana_on_white(stamps), folder / "banana.png")
    description = (
        "A single yellow banana, slightly curved and upright, on a plain white background."
    )
    add("banana", folder / "banana.png", description, [entry(954)])

    save_png(two_objects_on_grass(stamps, source), folder / "two_objects.png")
    description = (
        "A montage on a faint green grass texture: an orange basketball on the left, and on the "
        "right, about as large, a brown bear that faces right."
    )
    pair = [entry(430) | {"position": "left"}, entry(294) | {"position": "right"}]
    add("two_objects", folder / "two_objects.png", description, pair)

    return [*written, write(folder / "examples.json", json.dumps(examples, indent=1) + "\n")]


def banana_on_white(stamps: Path) -> Image.Image:
    """Return the banana at 2.8 times its size: the first lesson needs a picture with one answer."""
    banana = read_stamp(stamps / "food/fruit/banana.png", trim=False)
    banana = resize(banana, (90, 196))
    picture = Image.new("RGB", (224, 224), "white")
    picture.paste(banana, ((224 - banana.width) // 2, (224 - banana.height) // 2), banana)
    return picture


def two_objects_on_grass(stamps: Path, source: Path) -> Image.Image:
    """Return a picture with two right answers that the network scores about the same.

    Out of some 600 pairs and placements, this one has two easy names and close, high scores, and
    keeps both classes on top when the sizes or the texture change a little. At the network's 224
    pixels, the ball is smaller than its original, so enlarging it here loses nothing.
    """
    grass = np.asarray(Image.open(source / "grass.png"), dtype=np.float64)[32:480, 32:480]
    grass = (grass - grass.mean()) / grass.std()
    # Low contrast, to look natural and explain nothing.
    texture = np.array([128.0, 138.0, 112.0]) + 12 * grass[..., None]
    picture = Image.fromarray(np.clip(texture, 0, 255).astype(np.uint8))
    for file, longest_side, centre in (
        ("sports/basketball.png", 216, 112),
        ("animals/mammals/bears/european-bear.png", 190, 336),
    ):
        stamp = read_stamp(stamps / file, trim=False)
        stamp = resize(stamp, fit(stamp.size, longest_side))
        corner = (round(centre - stamp.width / 2), round(224 - stamp.height / 2))
        picture.paste(stamp, corner, stamp)
    return picture


def make_objects(stamps: Path, labels: list[str]) -> list[Path]:
    """Write the cut-outs and objects.json; return their paths."""
    folder, written, entries = DATA / "objects", [], []
    for name, (file, class_index) in sorted(OBJECTS.items()):
        cutout = read_stamp(stamps / file, trim=True)
        if max(cutout.size) > LONGEST_SIDE:
            cutout = resize(cutout, fit(cutout.size, LONGEST_SIDE))
        path = folder / f"{name}.png"
        save_png(cutout, path)
        written.append(path)
        entries.append(
            {
                "name": name,
                "file": path.name,
                "class_index": class_index,
                "label": labels[class_index],
                "source": f"usr/share/tuxpaint/stamps/{file}",
                "width": cutout.width,
                "height": cutout.height,
            }
        )
    return [*written, write(folder / "objects.json", json.dumps(entries, indent=1) + "\n")]


def make_digits() -> Path:
    """Write scikit-learn's digits as small integers; return the path."""
    digits = load_digits()
    path = DATA / "digits.npz"
    # NumPy gives every array in the archive the same date (1980), so two runs agree.
    np.savez_compressed(
        path, images=digits.images.astype(np.uint8), labels=digits.target.astype(np.uint8)
    )
    return path


def write_manifest(paths: list[Path]) -> None:
    """Write every file's size and checksum, for recognising damaged copies."""
    entries = {}
    for path in paths:
        content = path.read_bytes()
        entries[path.relative_to(DATA).as_posix()] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    write(DATA / "manifest.json", json.dumps(entries, indent=1, sort_keys=True) + "\n")


def read_stamp(path: Path, *, trim: bool) -> Image.Image:
    """Return a stamp as RGBA, if asked without its empty border: its size is then the object's."""
    pixels = np.array(Image.open(path).convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0  # invisible colours only take up space
    stamp = Image.fromarray(pixels)
    return stamp.crop(stamp.getchannel("A").getbbox()) if trim else stamp


def fit(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """Return `size` scaled so that its longer side is `longest_side`."""
    scale = longest_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize RGBA with premultiplied alpha: invisible pixels must not bleed into the edge."""
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def save_png(image: Image.Image, path: Path) -> None:
    """Write `image` as a PNG without metadata: going through an array drops all of it."""
    Image.fromarray(np.asarray(image)).save(path, optimize=True)


def write(path: Path, text: str) -> Path:
    """Write `text` with LF line endings on every system, and return `path`."""
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


if __name__ == "__main__":
    main()
