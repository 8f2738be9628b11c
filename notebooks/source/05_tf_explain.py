# %% [markdown]
# # Lesson 5. Put to the test with tf_explain
#
# You have written three methods yourself. Most people don't: they install a package, type three
# lines, and get a picture. Does the picture show what the method's name promises? You will use a
# published package, `tf_explain`, and then look inside it, as you should with any package.
#
# **Goals.** After this lesson you can
#
# 1. explain a picture with a published package, from loading it to saving the maps as PNG,
# 2. find out by small experiments which quantity a package's map holds, and what its display hides,
# 3. say when each of its choices is defensible, and repair those that are not.
#
# **You need** lessons 2 to 4. **Time:** 90 minutes, one or two of them computing. A good place for
# a break is before *Where the softmax is part of the last layer*.
#
# The core path takes 45 minutes; sections marked *optional* can wait. Run their cells anyway: later
# cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **I don't see what is wrong with the package's picture.** Make a tiny one whose answer you know:
#   three numbers, such as 0, 1 and 250, in place of a map. What goes in, what comes out, and is the
#   order kept?
# - **My model's weights are random (exercise 5.3).** A new `Dense` starts with weights of its own.
#   It has them only once it is part of a model: build the model, then `set_weights`.
# - **I can name two of the three faults (exercise 5.4).** Read the sketch with the formula beside
#   it, one sign at a time, and say aloud which axis each `mean` and each `sum` goes over. What in
#   the sketch has no counterpart in the formula?
# - **Is this really a fault?** Sometimes it is a choice. Ask: does the documentation say so, does
#   the paper do so, and would it mislead someone who sees the picture? You may come to another
#   verdict than we do, if you show why.
#
# Still stuck? Move on: the check has given the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try first.
#
# </details>

# %% [markdown]
# ## Part 1. A walk-through
#
# `tf_explain` (by Raphaël Meudec, at the company Sicara) puts these methods behind one simple call.
# We test its last release, 0.3.1 of 2021. Its own examples use VGG16, whose weights are a download
# of 528 MB. So by default you use the course's model; if you have internet, change the first line.

# %%
NAME = "efficientnet-lite0"  # with internet: "vgg16"

from importlib import metadata, util

from course_utils import checks, last_conv_layer, load_classifier, load_image

if util.find_spec("tf_explain") is None:
    raise RuntimeError(
        "This lesson needs the package tf_explain: run `%pip install --no-deps tf-explain==0.3.1` "
        "in a cell of its own, then this cell again."
    )
classifier = load_classifier(NAME)
print("tf_explain", metadata.version("tf-explain"), "explains", classifier.name)

# %% [markdown]
# Two messages are switched off, because both are known and harmless. Keras 3 notes that the package
# hands it a list in a list; it finds the input all the same. And TensorFlow notes that a function
# is compiled anew for each class and model, which costs time but changes no number.

# %%
import warnings

import tensorflow as tf

warnings.filterwarnings("ignore", message="The structure of `inputs` doesn't match")
tf.get_logger().setLevel("ERROR")

# %% [markdown]
# **Load and preprocess.** The package takes a tuple of inputs and labels, and never looks at the
# labels. Before anything else: does the network see a cat?

# %%
cat = classifier.prepare(load_image("cat"))
data = (cat, None)
tabby = 281
for p in classifier.predict(load_image("cat"), top=3)[0]:
    print(f"{p.probability:6.1%}  {p.label} ({p.class_index})")

# %% [markdown]
# Three kinds of cat share the probability. *Tabby* is the class that we'll ask about; remember that
# its probability is small.
#
# **Look at the model.** For Grad-CAM we need the name of the last convolutional layer; for the
# gradients we need to know whether the softmax is a layer of its own. The end of `model.summary()`
# shows both.

# %%
lines = []
classifier.model.summary(line_length=80, print_fn=lines.append)
table = "\n".join(lines).splitlines()
print("\n".join([*table[:5], "  ...", *table[-15:]]))
layer = last_conv_layer(classifier.model).name
print("The last convolutional layer:", layer)

# %% [markdown]
# **Vanilla gradients** take three lines. What comes back is a *picture*: whole numbers from 0 to
# 255.

# %%
from tf_explain.core import GradCAM, SmoothGrad, VanillaGradients

vanilla_picture = VanillaGradients().explain(data, classifier.model, tabby)
print(vanilla_picture.shape, vanilla_picture.dtype)

# %% [markdown]
# **Grad-CAM.** The package can find the layer by itself, says its documentation. Since Keras 3 it
# can't:

# %%
try:
    GradCAM().explain(data, classifier.model, tabby)
except AttributeError as error:
    print("AttributeError:", error)

# %% [markdown]
# Keras 3 removed an attribute in 2023, and the package is from 2021: nobody's fault, and common. If
# you name the layer, it works.

# %% tags=["nbval-check-output"]
cam_picture = GradCAM().explain(data, classifier.model, tabby, layer_name=layer)
print(cam_picture.shape, cam_picture.dtype)

# %% [markdown]
# **SmoothGrad** draws its noise from NumPy's global generator, so we seed that first.

# %%
import numpy as np

np.random.seed(0)
smooth_picture = SmoothGrad().explain(data, classifier.model, tabby)
print(smooth_picture.shape, smooth_picture.dtype)

# %% [markdown]
# **Predict.** Run all three once more, without seeding again. The first two pictures will come out
# the same; the third won't, because it draws different noise. How alike are the two SmoothGrad
# pictures: is their correlation "above 0.5" or "below 0.5"?

# %%
guess_again = checks.guess(["above 0.5", "below 0.5"])

# %%
second = {
    "vanilla": VanillaGradients().explain(data, classifier.model, tabby),
    "grad-cam": GradCAM().explain(data, classifier.model, tabby, layer_name=layer),
    "smoothgrad": SmoothGrad().explain(data, classifier.model, tabby),
}
r = {}
for name, picture in zip(second, (vanilla_picture, cam_picture, smooth_picture), strict=True):
    r[name] = np.corrcoef(picture.ravel(), second[name].ravel())[0, 1]
    print(f"{name:>10}: correlation of two runs {r[name]:.2f}")
answer = "above 0.5" if r["smoothgrad"] > 0.5 else "below 0.5"
checks.prediction(guess_again, answer, ["above 0.5", "below 0.5"])
assert min(r["vanilla"], r["grad-cam"]) > 0.99 and r["smoothgrad"] < 0.9, (
    "Only SmoothGrad, which draws new noise each time, should differ between two runs."
)

# %% [markdown]
# With the default settings, much of the *displayed* picture is chance. We come back to this at the
# end, and to how much of the signed map is.

# %% [markdown]
# **Save as PNG.** We write into a folder that is removed at the end, and read the files back. (The
# folder is beside this notebook because OpenCV, which writes the files, can't open every path on
# Windows, and doesn't say so.)

# %%
import tempfile
from pathlib import Path

saved = {}
with tempfile.TemporaryDirectory(dir=".") as folder:
    short = Path(folder).name
    VanillaGradients().save(vanilla_picture, short, "vanilla.png")
    GradCAM().save(cam_picture, short, "grad_cam.png")
    SmoothGrad().save(smooth_picture, short, "smoothgrad.png")
    for name in ("vanilla", "grad_cam", "smoothgrad"):
        saved[name] = load_image(Path(short) / f"{name}.png")
        print(f"{name}.png", saved[name].shape)
assert np.array_equal(saved["vanilla"][..., 0], vanilla_picture), "A PNG should lose nothing."
assert np.array_equal(saved["grad_cam"], cam_picture), "A PNG should lose nothing."

# %% [markdown]
# **The three side by side**, as they were saved.

# %%
from matplotlib import pyplot as plt

from course_utils.display import show_figure


def draw(title, pictures, alt):
    fig, axes = plt.subplots(1, len(pictures), figsize=(2.5 * len(pictures), 2.9), dpi=80)
    for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(name, fontsize=10)
        ax.set_axis_off()
    fig.suptitle(title)
    show_figure(fig, f"{title}. {alt}")


# %% tags=["thumbnail"]
seen = {"Picture": classifier.restore(cat)[0]}
draw(
    "tf_explain, class 'tabby', default settings",
    seen | saved,
    "Left the cat; then white specks on black all over; the cat under a green blob that is yellow "
    "left of the nose; and white specks on black that gather in two patches around the eyes.",
)

# %% [markdown]
# It looks as in the papers: noise, a soft blob, and, with SmoothGrad, patches around the two eyes.
# (In the overlay, violet is the map's lowest value, green is in between, and yellow is the highest.
# There is no colour bar. If you use VGG16, the package warns you, and the cat in the overlay has
# impossible colours. Part 2 explains both.)
#
# And **the banana** (954), whose probability is high.

# %%
banana = classifier.prepare(load_image("banana"))
np.random.seed(0)
fruit = {
    "Picture": classifier.restore(banana)[0],
    "vanilla": VanillaGradients().explain((banana, None), classifier.model, 954),
    "grad_cam": GradCAM().explain((banana, None), classifier.model, 954, layer_name=layer),
    "smoothgrad": SmoothGrad().explain((banana, None), classifier.model, 954),
}

# %%
draw(
    "tf_explain, class 'banana', default settings",
    fruit,
    "Left the banana on white; then white specks on black within and along the fruit; the fruit "
    "with yellow and green on it, and white and pink around it; and white specks on black in a "
    "broad bow along the fruit.",
)

# %% [markdown]
# That was easy, and it looks convincing. You could stop here. But are these the maps of lessons 2,
# 3 and 4? A method's name on a picture is a claim. You know what each method computes, so test the
# claim.
#
# ## Part 2. Behind the picture
#
# From here on everything is measured on the course's model, whatever `NAME` says, and you see the
# numbers that the text speaks of. As in lesson 4, the *correlation* says how alike two maps are: 1
# for the same pattern, 0 for nothing in common.

# %%
classifier = load_classifier()
model = classifier.model
layer = "head_conv"
cat = classifier.prepare(load_image("cat"))
banana = classifier.prepare(load_image("banana"))
cat_seen = classifier.restore(cat)[0]


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


# %% [markdown]
# ## The background of the overlay (optional)
#
# Grad-CAM's picture is laid over the input, which may be anything: 0 to 255, 0 to 1, -1 to 1. How
# does the package find out which? A package's source is open to you: `inspect.getsource` returns
# it.

# %%
import inspect
import textwrap

from tf_explain.utils.display import image_to_uint_255


def show_code(function, first, last):  # from the line with `first` to the next one with `last`
    lines = inspect.getsource(function).splitlines()
    start = next(i for i, line in enumerate(lines) if first in line)
    stop = next(i for i, line in enumerate(lines) if i > start and last in line)
    print(textwrap.dedent("\n".join(lines[start : stop + 1])))


show_code(image_to_uint_255, "if image.min()", "return")

# %% [markdown]
# (Before these lines, `uint8` pictures are returned as they are.)
#
# Read it like a detective: which of the three ranges above does it *not* handle? Try it.

# %%
floats = np.array([0, 1, 10, 100, 200, 255.0])
print("in: ", floats.astype(int))
with np.errstate(invalid="ignore"):  # some processors object to numbers that do not fit
    print("out:", image_to_uint_255(floats))
    assert correlation(floats, image_to_uint_255(floats)) < 0.5, (
        "Floats from 0 to 255 should come out wrong. Is this tf_explain 0.3.1?"
    )

# %% [markdown]
# Floats from 0 to 255 are multiplied by 255 once more. The results don't fit into 8 bits. On usual
# processors, what is left of them is the remainder modulo 256. Now $255 x = 256 x - x$, so the
# remainder is $256 - x$: from $x = 1$ on, that's the *negative* of the picture. (A processor that
# cuts off instead would give white. Either is wrong.) Who would feed it such floats? Look at the
# quick start in the package's own description, which is installed with it:

# %% tags=["nbval-check-output"]
readme = metadata.metadata("tf-explain").get_payload()
start = readme.index("# Load a sample image")
print(readme[start:].split("```")[0].rstrip())
print("preprocess_input is mentioned:", "preprocess_input" in readme)

# %% [markdown]
# `img_to_array` returns exactly that: floats from 0 to 255. And nothing prepares them for the
# network (lesson 2: then it sees something else). So the example does two things wrong, and neither
# gives an error.

# %%
as_in_quick_start = cat_seen.astype("float32")
# `[None]` below makes a batch of one picture.
right = GradCAM().explain((cat, None), model, 281, layer_name=layer)
with np.errstate(invalid="ignore"):
    negative = GradCAM().explain((as_in_quick_start[None], None), model, 281, layer_name=layer)
    inverted = correlation(image_to_uint_255(as_in_quick_start), cat_seen)
print(f"background and picture: correlation {inverted:.2f}")
draw(
    "tf_explain's overlay for two kinds of input",
    {"Picture": cat_seen, "Prepared, -1 to 1": right, "Floats 0 to 255": negative},
    "The cat; its overlay with natural light and dark; and its overlay as a photographic negative, "
    "with dark stripes and pupils turned light.",
)
assert inverted < 0.5, "The background shouldn't look like the picture. Is this tf_explain 0.3.1?"

# %% [markdown]
# VGG16 takes yet another range, about -124 to 151, with blue first. The function sees negative
# numbers and takes them for -1 to 1. Those were the impossible colours:

# %%
import keras

for_vgg16 = keras.applications.vgg16.preprocess_input(as_in_quick_start.copy())
print(f"VGG16's inputs for the cat: {for_vgg16.min():.0f} to {for_vgg16.max():.0f}")
with np.errstate(invalid="ignore"):
    vgg16_background = correlation(image_to_uint_255(for_vgg16), cat_seen)
print(f"background and picture: correlation {vgg16_background:.2f}")
assert abs(vgg16_background) < 0.3, "VGG16's background should have little of the picture."
# %% [markdown] exercise={"id": "5.1", "minutes": 15, "difficulty": "medium", "goal": 3}
# ### Exercise 5.1: repaired picture (15 minutes, medium) (optional)
#
# Repair the conversion. `repaired_picture(image)` takes an array of any shape and returns `uint8`
# from 0 (black) to 255 (white):
#
# - `uint8`: as it is;
# - floats with negative numbers, all within -1 to 1: -1 is black, 1 is white;
# - floats within 0 to 1: 0 is black, 1 is white;
# - floats within 0 to 255, with at least one above 1: already in levels;
# - everything else, such as -124 to 151 (what VGG16 takes): `raise ValueError`. Better no picture
#   than a wrong one.
#
# <details><summary>Hint 1</summary>
#
# Look at `low, high = image.min(), image.max()`, and treat one range after the other with `if`, the
# narrowest first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Bring every range to 0 to 255 as floats, and convert only at the end:
# `np.round(levels).astype(np.uint8)`. For -1 to 1, `levels` is `(image + 1) / 2 * 255`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Dividing by the picture's own maximum, which makes every dark picture bright; cutting negative
# numbers off; guessing where nothing fits, or letting NaN pass; a range for each channel or number
# instead of one for the whole picture; converting to `uint8` before the arithmetic.
#
# </details>


# %%
def repaired_picture(image):
    ### BEGIN SOLUTION
    low, high = image.min(), image.max()
    if image.dtype == np.uint8:
        levels = image
    elif -1 <= low < 0 and high <= 1:
        levels = (image + 1) / 2 * 255
    elif 0 <= low and high <= 255:
        levels = image * 255 if high <= 1 else image
    else:
        raise ValueError(f"What are the colours from {low} to {high}?")
    return np.round(levels).astype(np.uint8)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
repaired_picture = checks.repaired_picture(repaired_picture)

# %%
print("in: ", floats.astype(int))
print("out:", repaired_picture(floats))
for name, image in {"floats 0 to 255": as_in_quick_start, "prepared": cat[0]}.items():
    r = correlation(repaired_picture(image), cat_seen)
    print(f"{name}: correlation with the picture {r:+.3f}")
    assert r > 0.999, (
        "The repaired picture should look like the original. Run the check of exercise 5.1, then "
        "this cell."
    )

# %% [markdown]
# Even the repaired function guesses: an almost black picture in 0 to 255 looks like one in 0 to 1.
# No arithmetic can know. A safer design asks for the picture and the network's input *separately*,
# as `overlay(image, map)` of this course does.
#
# ## What is in the grey picture?
#
# `explain` returns pictures, but the package also has small documented methods that return numbers.
# First the good news: are its gradients those of lesson 2?

# %%
from course_utils import vanilla_gradients

score_model = VanillaGradients().get_score_model(model)  # without the softmax layer
raw = VanillaGradients.compute_gradients(cat, score_model, 281).numpy()
ours = vanilla_gradients(model, cat, 281)
difference = np.linalg.norm(raw - ours) / np.linalg.norm(ours)
print(f"size of the difference: {difference:.0%} of the gradient's own size")
assert difference < 0.05, "tf_explain's gradients and ours should agree: both are of the score."

# %% [markdown]
# They are the same, except for rounding: gradients of scores, not of probabilities. That's as it
# should be, because the softmax is a layer of its own here, and `VanillaGradients` takes it off.
# (Of the three, it is the only one that does, as you'll see.) From there to the picture takes two
# steps:

# %%
from tf_explain.utils.image import transform_to_normalized_grayscale as to_grey

show_code(to_grey.python_function, "grayscale_tensor =", "    )")

# %% [markdown]
# What comes in is $|w|$: the package takes the absolute value just before this call. Step one
# *sums* it over the three colours, where Simonyan et al. take the largest. Does it matter?

# %%
summed, largest = np.abs(raw[0]).sum(axis=-1), np.abs(raw[0]).max(axis=-1)
print(f"sum and largest: correlation {correlation(summed, largest):.2f}")
assert correlation(summed, largest) > 0.9, "Summed or largest, the maps should be nearly the same."

# %% [markdown]
# Hardly. A sum is a fair choice, as long as you say so. Step two *standardises*: subtract the mean,
# divide by the standard deviation, multiply by 255, convert to `uint8`. Everything below the mean
# becomes negative, everything beyond one standard deviation above it exceeds 255, and neither fits.

# %%
vanilla_picture = VanillaGradients().explain((cat, None), model, 281)
black, white = (vanilla_picture == 0).mean(), (vanilla_picture == 255).mean()
print(f"exactly 0: {black:.0%} of the pixels;  exactly 255: {white:.0%}")
strongest = summed[vanilla_picture == 255]
print(f"behind 255 there are values from {strongest.min():.3f} to {strongest.max():.3f}")
beyond = summed > summed.mean() + 1.1 * summed.std()
cut_off = bool((vanilla_picture[beyond] == 255).all())
print("Numbers that don't fit are", "cut off." if cut_off else "wrapped round, on this processor.")
if cut_off:
    assert 0.7 < black + white < 0.82 and 0.1 < white < 0.15, (
        "Most pixels should be black or white."
    )
    assert strongest.max() > 4.5 * strongest.min(), "White should hide large differences."

# %% [markdown]
# (TensorFlow doesn't promise what happens to numbers that don't fit. If your processor wraps them
# round, your picture is worse than described here.)
#
# Three quarters of the pixels are pure black or pure white. The strongest eighth of the picture,
# which is what you want to know about, is one flat white, although its values differ by a factor of
# five. For a quick look at *where*, that's defensible, and it makes weak structure visible. But
# anyone who ranks pixels by it, or scores a method with it, measures the display.

# %%
dark = summed[vanilla_picture == 0].sum() / summed.sum()
print(f"share of the total |w| that is shown as pure black: {dark:.0%}")
fig, ax = plt.subplots(figsize=(5.4, 2.6), dpi=80)
ax.plot(summed.ravel()[::7], vanilla_picture.ravel()[::7], "k.", ms=2)
ax.set(title="What the display keeps", xlabel="|w|, summed over colours", ylabel="grey level")
show_figure(
    fig,
    "Grey level against |w|: 0 up to about 0.03, a steep straight rise to 255 at about 0.06, then "
    "255 for all values up to 0.3.",
)
assert dark > 0.25 or not cut_off, (
    "More than a quarter of the total |w| should be shown as pure black."
)

# %% [markdown]
# There is one more surprise in it. `per_image_standardization` takes the last three axes for one
# image. But the colours are summed up already, so the last three axes are (batch, height, width).
#
# **Predict.** Explain the cat in a batch with the banana instead of alone. Does the mean grey level
# of the *cat's* picture rise, fall or stay (within 1 level)?

# %%
guess_batch = checks.guess(["rise", "fall", "stay"])

# %%
pair = np.concatenate([cat, banana])
grid = VanillaGradients().explain((pair, None), model, 281)  # the first is in the upper left
alone, in_batch = vanilla_picture.mean(), grid[:224, :224].mean()
print(f"mean grey level of the cat: alone {alone:.0f}, beside the banana {in_batch:.0f}")
change = in_batch - alone
answer_batch = "stay" if abs(change) < 1 else "rise" if change > 0 else "fall"
checks.prediction(guess_batch, answer_batch, ["rise", "fall", "stay"])
weaker = np.abs(vanilla_gradients(model, banana, 281)).mean() / np.abs(raw).mean()
assert weaker < 0.8 and (answer_batch == "rise" or not cut_off), (
    "The banana should have weaker gradients, and the cat beside it get brighter."
)

# %% [markdown]
# The whole batch is standardised as one image. The banana has weaker gradients for *tabby*, lowers
# the common mean, and so the cat gets brighter. One scale for a batch can be a good choice, if you
# *want* to compare its pictures. Here it looks like an accident: the descriptions of
# `VanillaGradients.explain` and `transform_to_normalized_grayscale` don't mention it.

# %% [markdown] exercise={"id": "5.2", "minutes": 6, "difficulty": "easy", "goal": 3}
# ### Exercise 5.2: kept order (6 minutes, easy) (optional)
#
# Write a display that keeps the order. `kept_order(maps)` takes a batch of maps, (B, H, W), none
# negative, and returns an array of `uint8`, (B, H, W): 0 stays 0, the largest value of *each map*
# becomes 255, and in between it is proportional. A map that is zero everywhere becomes 0
# everywhere.
#
# <details><summary>Hint 1</summary>
#
# Each map's own maximum, in a shape that fits: `maps.max(axis=(1, 2), keepdims=True)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Where the maximum is 0, divide by 1 instead: `np.where(top == 0, 1, top)`. Round, then convert.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# One maximum for the whole batch; subtracting the minimum, after which 0 no longer means "nothing";
# `astype(np.uint8)` before the multiplication by 255; 0 / 0, or a small number added to every
# maximum to avoid it.
#
# </details>


# %%
def kept_order(maps):
    ### BEGIN SOLUTION
    top = maps.max(axis=(1, 2), keepdims=True)
    share = maps / np.where(top == 0, 1, top)
    return np.round(255 * share).astype(np.uint8)
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
kept_order = checks.kept_order(kept_order)

# %%
kept = kept_order(summed[None])[0]  # a batch of one map, and its first
for name, levels in {"tf_explain": vanilla_picture, "order kept": kept}.items():
    print(f"{name}: {(levels == 255).sum()} pixels at 255")
draw(
    "The same |w|, two displays",
    {"Picture": cat_seen, "tf_explain": vanilla_picture, "order kept": kept},
    "The cat; white specks on black; and a very dark picture with a faint grey ring around the "
    "left eye.",
)
assert kept.max() == 255 and (kept == 255).sum() < 5, (
    "Only the strongest pixels should be white. Run the check of exercise 5.2, then this cell."
)

# %% [markdown]
# Honest, and almost black: a few pixels are far stronger than all others. This is why lesson 2
# clips at the 99th percentile, *and writes the raw range under the map*. Every display loses
# something. What matters is that it says what, and that you can get at the numbers.
#
# ## Where the softmax is part of the last layer
#
# VGG16 and most networks of `keras.applications` end in `Dense(1000, activation="softmax")`: the
# softmax is *fused*. Here is our network rebuilt in that way, with the same weights.


# %%
def fused_version(model):
    head = model.get_layer("logits")
    fused = keras.layers.Dense(1000, activation="softmax", name="probabilities")
    rebuilt = keras.Model(model.input, fused(head.input))
    fused.set_weights(head.get_weights())
    return rebuilt


fused_model = fused_version(model)
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    not_scores = VanillaGradients().get_score_model(fused_model)
print("Warning:", heard[0].message)

# %% [markdown]
# The package says that it doesn't know how to take this softmax off, which is good. (With VGG16 you
# saw this warning in part 1.) Then it goes on with the probability, which is easily overlooked. How
# different is that map?

# %%
of_p = VanillaGradients.compute_gradients(cat, not_scores, 281).numpy()
signed = correlation(of_p, raw)
shown = correlation(np.abs(of_p).sum(axis=-1), summed)
print(f"gradient of the probability and of the score: correlation {signed:.2f}, shown {shown:.2f}")
assert np.allclose(fused_model(cat), model(cat), atol=1e-3), (
    "Both models should give the same probabilities."
)
assert signed < 0.6 and shown < 0.6, (
    "The maps of the probability and of the score should differ clearly."
)

# %%
from course_utils import show_maps

two = {"of the score": summed, "of the probability": np.abs(of_p[0]).sum(axis=-1)}
show_maps(cat_seen, two, title="|gradient|, summed over colours")
# %% [markdown]
# The same network, the same picture, the same class, and another map: pixel by pixel, their
# correlation is below one half. (And neither is mainly about the eye or the muzzle: the background
# at the top right is as bright.) The probability of *tabby* rises when *tabby* rises, and when its
# rivals fall, above all *Egyptian cat*. So its map is of "tabby rather than the other cats".
# **That's a sensible question too**, if you ask it knowingly. It shouldn't depend on how a
# programmer happened to write the last layer.

# %% [markdown] exercise={"id": "5.3", "minutes": 12, "difficulty": "medium", "goal": 3}
# ### Exercise 5.3: score, not probability (12 minutes, medium) (optional)
#
# Write `score_not_probability(model)`. The model's last layer is a `Dense` with a fused softmax;
# return a Keras model of the same input that ends in the *scores*, with the same weights. Grad-CAM
# will ask it for the other layers by name, and the caller's model must stay as it was.
#
# <details><summary>Hint 1</summary>
#
# `model.layers[-1]` is the last layer; it has `.units`, `.input` (what flows into it) and
# `.get_weights()`. A new `keras.layers.Dense(units)` has no activation.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Call the new layer on `.input` of the old one, build `keras.Model(model.input, ...)`, and only
# then copy the weights with `set_weights`. (`fused_version` above does the same the other way
# round.)
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Setting `model.layers[-1].activation`, which changes the caller's model; a new layer that keeps
# its random weights; the logarithm of the probability, which still has the other classes in it;
# cutting off the whole last layer; `keras.Sequential(model.layers[:-1] + ...)`, because many models
# branch.
#
# </details>


# %%
def score_not_probability(model):
    ### BEGIN SOLUTION
    last = model.layers[-1]
    linear = keras.layers.Dense(last.units, use_bias=last.use_bias, name="scores")
    result = keras.Model(model.input, linear(last.input))
    linear.set_weights(last.get_weights())
    return result
    ### END SOLUTION


# %% tags=["nbval-check-output"]
score_not_probability = checks.score_not_probability(score_not_probability)

# %% [markdown]
# The package has a method for exactly this case, `explain_score_model`. It takes your model as it
# is.

# %%
scores = score_not_probability(fused_model)
from_scores = VanillaGradients().explain_score_model((cat, None), scores, 281)
same = (np.abs(from_scores.astype(int) - vanilla_picture) <= 1).mean()
print(f"pixels as from the separate softmax: {same:.0%}")
assert same > 0.95, (
    "Your model should give the picture of the separate softmax. Run the check of exercise 5.3, "
    "then this cell."
)

# %% [markdown]
# ## Grad-CAM: which gradients?
#
# Now Grad-CAM. It uses the model's output as it is. So for *every* model that ends in a softmax,
# fused or separate, it differentiates the probability. The package's method
# `get_gradients_and_filters` returns the feature maps $A$ and the gradients;
# `generate_ponderated_output` makes the weighted ("ponderated") sum. We call both with each of two
# settings: gradients of the probability (the model as it is) or of the score; and *guided*, the
# default, or plain. Its source will show in a moment what "guided" means.


# %%
def package_cam(model, inputs, class_index, guided):
    A, G = GradCAM.get_gradients_and_filters(model, inputs, layer, class_index, guided)
    return np.stack(GradCAM.generate_ponderated_output(A, G))[0]


ends = {"probability": fused_model, "score": scores}
cams = {}
for end, ending in ends.items():
    for how in ("guided", "plain"):
        cams[f"{end}, {how}"] = package_cam(ending, cat, 281, how == "guided")

# %%
from course_utils import grad_cam

ours = grad_cam(model, cat, 281)[0]
for name, cam in cams.items():
    r, negative = correlation(cam, ours), (cam < 0).mean()
    print(f"{name:>19}: correlation with lesson 3 {r:5.2f},  negative cells {negative:.0%}")
assert np.allclose(cams["score, plain"], ours, atol=1e-3), (
    "With plain gradients of the score, the map should be lesson 3's."
)
assert np.allclose(package_cam(model, cat, 281, True), cams["probability, guided"], atol=1e-4), (
    "It shouldn't matter whether the softmax is fused: both maps are of the probability."
)

# %% [markdown]
# The last line is lesson 3's Grad-CAM, except for rounding. (A *cell* is one of the map's 7 x 7
# positions. For this cat none is negative, and the missing ReLU changes nothing.) The second line,
# plain gradients of the *probability*, has little in common with it: more than half of the cells
# speak against *tabby*. Before you call that map wrong, find out which question it answers.
#
# The other classes are in a probability (lesson 2), so put them into a map yourself. Take lesson
# 3's map $L^{c'}$ of *every* class $c'$, before the ReLU. From tabby's, subtract the mean of them
# all, each weighted by its probability: $L^{\text{tabby}} - \sum_{c'} p_{c'} L^{c'}$.
#
# **Predict.** Which of the four maps above is this one, up to a factor?

# %%
places = ["first", "second", "third", "fourth"]
guess_contrast = checks.guess(places)

# %%
A = GradCAM.get_gradients_and_filters(scores, cat, layer, 281, False)[0].numpy()[0]
W, _ = model.get_layer("logits").get_weights()
L = A @ W / 49  # (7, 7, 1000): lesson 3's CAM of all classes at once
p = model(cat).numpy()[0]
contrast = L[..., 281] - L @ p  # L @ p is the weighted mean, (7, 7)

# %%
alike = [correlation(contrast, cam) for cam in cams.values()]
checks.prediction(guess_contrast, places[int(np.argmax(alike))], places)
off = np.linalg.norm(cams["probability, plain"] - p[281] * contrast)
off /= np.linalg.norm(cams["probability, plain"])
print(f"difference from p(tabby) x your map: {off:.0%} of its size")
print(f"Egyptian cat, tiger cat and tabby have {p[[285, 282, 281]].sum():.0%} of the probability")
assert off < 0.01, "Tabby minus the weighted mean should be the map of the probability."

# %%
both = {"what speaks for tabby": ours, "for tabby rather than the others": contrast}
show_maps(cat_seen, both, percentile=100, title="One network, one picture, two questions")
# %% [markdown]
# It *is* the second map, times $p_{\text{tabby}}$. You could have derived it: the gradient of $p_c$
# is $p_c(\nabla S_c - \sum_k p_k \nabla S_k)$, and Grad-CAM carries that over to the maps. So
# nothing is broken. The map answers a **contrastive** question: what speaks for tabby *rather than*
# for the other classes? Here the rest of the probability is mostly that of two other cats. So most
# of what speaks for cats in general cancels, and what's left is where tabby differs. That's a good
# question. The fault is only to ask it without saying so.
#
# Now the first line, the default. It is of the probability too, and yet it looks almost like lesson
# 3's, as does the third. The guiding alone does that. How?

# %%
assert abs(correlation(cams["probability, plain"], ours)) < 0.4, (
    "Plain gradients of the probability should give quite another map than lesson 3's."
)
assert correlation(cams["probability, guided"], ours) > 0.9, (
    "Guided gradients of the probability should look much like lesson 3's map."
)
show_code(GradCAM.get_gradients_and_filters, "if use_guided_grads", "    )")

# %% [markdown]
# "Guided" sets every negative gradient to zero (and every one where the feature map is not
# positive). Then no weight is negative, nor are the maps of this layer, so no cell can be negative
# either: what speaks against the class is never heard, nor is what speaks for its rivals. On a
# class that *is* in the picture, that hides which question was asked. What about a class that is
# not?
#
# **Predict.** Lesson 3's Grad-CAM of the cat for *tabby* and for *banana* have a correlation below
# 0 (before the ReLU): different questions, different maps. With tf_explain's default, does this
# correlation rise, fall or stay (within 0.1)?

# %%
guess_banana = checks.guess(["rise", "fall", "stay"])

# %%
lesson_3 = [grad_cam(model, cat, c, relu=False)[0] for c in (281, 954)]
default = [package_cam(fused_model, cat, c, True) for c in (281, 954)]
r = correlation(*lesson_3), correlation(*default)
print(f"tabby and banana: lesson 3 {r[0]:.2f}, tf_explain's default {r[1]:.2f}")
answer_banana = "stay" if abs(r[1] - r[0]) < 0.1 else "rise" if r[1] > r[0] else "fall"
checks.prediction(guess_banana, answer_banana, ["rise", "fall", "stay"])
assert r[0] < 0 and r[1] > 0.7, (
    "Tabby and banana should be alike in the guided maps, and unlike in lesson 3's."
)

# %% [markdown]
# Is it only the banana? Here are all the 999 other classes. The formula for their guided maps is
# short at this layer, since the slopes are the same at all positions. A negative slope counts as 0.
# A positive one counts only where its feature map is above 0, so its average is the slope times the
# share of those positions.

# %%
active = (A > 0).mean(axis=(0, 1))  # of each feature map, the share of positions above 0
slopes = W.T - W @ p  # (1000, 1280): those of each probability, up to a factor
guided = A @ (np.maximum(slopes, 0) * active).T
assert correlation(guided[..., 954], default[1]) > 0.999, "This should be the package's map."
others = [c for c in range(1000) if c != 281]
for name, maps in {"lesson 3, no ReLU": L, "tf_explain's default": guided}.items():
    r = np.array([correlation(maps[..., 281], maps[..., c]) for c in others])
    print(f"{name:>20}: tabby and another class, median {np.median(r):5.2f}, "
          f"above 0.7 for {(r > 0.7).mean():.0%} of them")  # fmt: skip
assert np.median(r) > 0.8, "The guided maps of most classes should be like tabby's."

# %% [markdown]
# (Lesson 3's maps here keep their signs; with the ReLU, their median is a little above 0.) The
# guided map hardly asks *which* class. Wherever there is something to see, everything with a
# positive gradient lights up, for the tabby and for nearly any class that isn't there. Is it
# useless, then? Try it on a picture with two objects before you say so.

# %%
scene = classifier.prepare(load_image("two_objects"))
basketball, bear = 430, 294
print("the column of 0 to 6 in which the map is strongest:")
for end, guided in (("probability", True), ("probability", False), ("score", False)):
    maps = [package_cam(ends[end], scene, c, guided) for c in (basketball, bear)]
    left, right = (int(m.sum(axis=0).argmax()) for m in maps)
    how = f"{end}, {'guided' if guided else 'plain'}"
    print(f"{how:>19}: basketball (on the left) {left}, bear (on the right) {right}")
    assert left <= 2 and right >= 4, (
        "The ball's map should be strongest on the left, and the bear's on the right."
    )

# %% [markdown]
# It isn't: here, where both classes are in the picture, it points at the right object. (So do the
# plain gradients of the probability, whose question, ball rather than bear, suits this picture.) So
# this much can be defended: the guided map may show where, *provided that* the class is there.
# (This is one scene; lesson 6 asks eight, and the table in the README 100.) The paper on Grad-CAM
# doesn't guide these gradients (its "guided Grad-CAM" is another thing: the map times a guided
# backpropagation picture).
#
# One more step is missing in the package and one is added. It has no ReLU. With guided gradients
# that changes nothing at this layer, where nothing is negative; with plain ones it would. And for
# display it stretches each map from its minimum to its maximum. So *every* map ends in full colour,
# even if nothing in it speaks for the class. (And a map that is the same everywhere is 0 / 0.) Then
# the colours are *added* to a darkened picture. A sum above 255 is cut off, so on white, as around
# the banana above, you couldn't see where the map was strongest.

# %%
ours_banana = grad_cam(model, cat, 954)[0]
share = ours_banana.max() / ours.max()
cut = (GradCAM().explain((banana, None), model, 954, layer_name=layer) == 255).any(axis=2).mean()
print(f"overlay of the banana: {cut:.0%} of the pixels have a colour cut off at 255")
print(f"strongest cell for 'banana' on the cat: {share:.0%} of the strongest for 'tabby'")
assert share < 0.3 and cut > 0.5, (
    "The map of the banana should be weak, and its overlay just as colourful."
)

# %%
on_the_cat = {
    f"tf_explain: {name}": GradCAM().explain((cat, None), model, c, layer_name=layer)
    for name, c in {"tabby": 281, "banana": 954}.items()
}
draw(
    "Grad-CAM of the same cat, two classes",
    {"Picture": cat_seen} | on_the_cat,
    "The cat, and two overlays with green over most of the face, in the same region: for tabby it "
    "is yellow left of the nose, for banana yellow left of the eye, equally bright.",
)

# %% [markdown]
# ## Find the bugs
#
# Here is a sketch of a Grad-CAM in the manner of the package, written for this exercise. It has
# three faults: two are the package's own, and one we added. It takes the feature maps $A$ and the
# gradients $G$ of a batch, both (B, h, w, K), and returns maps (B, h, w). It runs, and its pictures
# look fine.


# %%
def sketch(maps, gradients):
    gradients = gradients * (gradients > 0) * (maps > 0)  # line 1
    weights = gradients.mean(axis=(0, 1, 2))  # line 2
    cam = (weights * maps).sum(axis=-1)  # line 3
    lowest = cam.min(axis=(1, 2), keepdims=True)
    return (cam - lowest) / np.ptp(cam, axis=(1, 2), keepdims=True)  # line 4


# %% [markdown]
# The formula is
#
# $$L = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big), \qquad
# \alpha_k = \frac{1}{Z} \sum_{ij} G^k_{ij}$$
#
# Before you mend anything, **name the faults**. The formula keeps three promises, for any batch:
#
# - **double**: feature maps twice as large give a map twice as large;
# - **alone**: a picture's map is the same alone and in a batch;
# - **against**: if what speaks against the class gets ten times as strong, the map changes.
#
# The sketch breaks all three, each in a different line.
#
# **Predict.** Which line breaks which promise?

# %%
lines = ["line 1", "line 2", "line 3", "line 4"]
guess_double = checks.guess(lines, "double")
guess_alone = checks.guess(lines, "alone")
guess_against = checks.guess(lines, "against")


# %%
def promises(cam_of):
    rng = np.random.default_rng(0)
    A, G = 1 + rng.random((2, 3, 3, 4)), rng.standard_normal((2, 3, 3, 4))
    cam = cam_of(A, G)
    return {
        "double": np.allclose(cam_of(2 * A, G), 2 * cam),
        "alone": np.allclose(cam_of(A[:1], G[:1]), cam[:1]),
        "against": not np.allclose(cam_of(A, np.where(G < 0, 10 * G, G)), cam),
    }


# %%
print("promises kept by the sketch:", promises(sketch))
checks.prediction(guess_double, "line 4", lines)  # stretched: 0 and 1 are the ends of any map
checks.prediction(guess_alone, "line 2", lines)  # axis 0, the pictures, is averaged too
checks.prediction(guess_against, "line 1", lines)  # negative gradients are set to zero
assert not any(promises(sketch).values()), "The sketch should break all three promises."

# %% [markdown] exercise={"id": "5.4", "minutes": 10, "difficulty": "medium", "goal": 2}
# ### Exercise 5.4: unguided CAM: mend the bugs (10 minutes, medium)
#
# Write `unguided_cam(maps, gradients)`, which does what the formula says, for each picture of the
# batch by itself, in units of the score. NumPy arrays in, NumPy array out.
#
# <details><summary>Hint 1</summary>
#
# Line 1 has no counterpart in the formula. Line 2 averages over one axis too many. Line 3 is right.
# In place of line 4 comes the ReLU.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The mean goes over the *positions*, axes 1 and 2, not over the pictures, and `keepdims=True` lines
# the weights up with the maps. After the sum over $k$, the last axis: `np.maximum(..., 0)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Keeping half of the guiding, such as `gradients > 0`; the mean over the feature maps instead of
# the positions; dividing by the maximum, which is the display's business; ReLU on the weights, or
# on each feature map before the sum; one picture's weights for all of them.
#
# </details>


# %%
def unguided_cam(maps, gradients):
    ### BEGIN SOLUTION
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    cam = (weights * maps).sum(axis=-1)
    return np.maximum(cam, 0)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
unguided_cam = checks.unguided_cam(unguided_cam)

# %%
print("promises kept by yours:", promises(lambda A, G: np.asarray(unguided_cam(A, G))))
A, G = GradCAM.get_gradients_and_filters(scores, np.concatenate([cat, banana]), layer, 954, False)
repaired = np.asarray(unguided_cam(A.numpy(), G.numpy()))
expected = grad_cam(model, np.concatenate([cat, banana]), 954)
print(f"'banana' on the cat: up to {repaired[0].max():.2f}; on the banana: {repaired[1].max():.2f}")
assert np.allclose(repaired, expected, atol=1e-3) and repaired[1].max() > 4 * repaired[0].max(), (
    "Your map and ours should agree, and be far stronger on the banana. Run the check of exercise "
    "5.4, then this cell."
)

# %% [markdown]
# With the package's own feature maps and plain gradients of the score, your function gives lesson
# 3's map, and now the *numbers* tell a banana from a cat.
#
# ## SmoothGrad: the gradient of what? (optional)
#
# Last, SmoothGrad. It differentiates neither the score nor the probability, but the loss that is
# used in training, the *cross-entropy* $-\log p_c$. By the chain rule that is
# $-\frac{1}{p_c} \frac{\partial p_c}{\partial x}$. Without noise, one sample must show it:

# %%
of_loss = SmoothGrad.get_averaged_gradients(cat, model, 281, 1).numpy()
p_tabby = float(model(cat)[0, 281])
difference = np.linalg.norm(of_loss + of_p / p_tabby) / np.linalg.norm(of_loss)
print(f"loss against -(1/p) dp/dx: the size of the difference is {difference:.0%}")
print(f"loss against the score: correlation {correlation(of_loss, raw):.2f}")
assert difference < 0.05, "The gradient of the loss should be -1/p times that of the probability."

# %% [markdown]
# So it's the map of the probability once more, with the sign flipped (which $|g|$ removes from the
# picture) and without the factor $p_c$. By lesson 2's formula it is
# $-(\nabla S_c - \sum_k p_k \nabla S_k)$: the contrastive question again, and where the network is
# sure of $c$ it vanishes. As with the probability: a possible question, but not the paper's.
#
# Next, the noise. `noise=1.0` is the standard deviation *itself*, and not a fraction of the
# picture's range as in the paper and in lesson 4.

# %%
for name, x in {"this model's inputs": cat, "inputs in 0 to 255": as_in_quick_start}.items():
    print(f"{name}: range {np.ptp(x):5.1f}, and sigma = 1.0 is {1 / np.ptp(x):.1%} of it")
assert 1 / np.ptp(cat) > 0.5 and 1 / np.ptp(as_in_quick_start) < 0.01, (
    "A sigma of 1 should be over half of one range, and under 1 % of the other."
)

# %% [markdown]
# The paper shows 10 % to 20 %. So the default is far too much for one kind of network, and as good
# as nothing for the other.
#
# **Predict.** Take the network's mean probability of *tabby* over 32 noisy copies that the package
# makes with its default. Does it rise, fall or stay (within 0.05), compared with the clean picture?

# %%
guess_noise = checks.guess(["rise", "fall", "stay"])

# %%
np.random.seed(0)
copies = SmoothGrad.generate_noisy_images(cat, 32, 1.0)
p = model.predict(copies, verbose=0)
top = [classifier.labels[c] for c in p.argmax(axis=1)]
change = p[:, 281].mean() - p_tabby
print("taken for:", ", ".join(f"{name} {top.count(name)}" for name in sorted(set(top))))
answer_noise = "stay" if abs(change) < 0.05 else "rise" if change > 0 else "fall"
checks.prediction(guess_noise, answer_noise, ["rise", "fall", "stay"])
assert change < -0.1 and not {"tabby", "Egyptian cat", "tiger cat"} & set(top), (
    "No copy should be taken for a cat, and tabby should be less probable."
)

# %% [markdown]
# For the network there's no cat left in these copies: none of the 32 is taken for one. (In lesson
# 4, noise of 30 % made *tabby* more probable. This is twice as much, and you can't extrapolate from
# one to the other.) And yet their map, in part 1, looked the neatest of all, with its two patches
# around the eyes! Are the eyes more than steepness? Toss lesson 4's coins for these 32 copies: 16
# heads and 16 tails, in random order.


# %%
def one_gradient(copy):
    return SmoothGrad.get_averaged_gradients(copy[None], model, 281, 1).numpy()[0]


def size_in_blocks(g):  # |g|, summed over colours, as 7 x 7 means over squares of 32 x 32 pixels
    return np.abs(g).sum(axis=-1).reshape(7, 32, 7, 32).mean(axis=(1, 3))


g = np.stack([one_gradient(copy) for copy in copies])
coins = np.random.default_rng(0).permutation(np.repeat([1.0, -1.0], 16)).reshape(32, 1, 1, 1)
own, tossed = g.mean(axis=0), (coins * g).mean(axis=0)
kept = np.linalg.norm(tossed) / np.linalg.norm(own)
r = correlation(size_in_blocks(own), size_in_blocks(tossed))
print(f"with coins the mean keeps {kept:.0%} of its size, and its broad pattern: r = {r:.2f}")
assert kept > 0.85 and r > 0.95, "The coins should change almost nothing."

# %% [markdown]
# They are not. The coins cancel all that the copies have in common, and the picture stays the same:
# it shows where slopes are steep. A neat map doesn't say that the network saw what you see. The
# remedy is to set the noise each time:
# `SmoothGrad().explain(data, model, 281, num_samples=20, noise=0.15 * np.ptp(cat))`. And the number
# of samples? With the default of 5, and with 20, how much do two runs agree? There are two ways to
# ask: of the signed means, as lesson 4 does, and of $|g|$, which is what the picture shows.


# %%
def package_smooth(samples, sigma, seed):
    np.random.seed(seed)
    copies = SmoothGrad.generate_noisy_images(cat, samples, sigma)
    return SmoothGrad.get_averaged_gradients(copies, model, 281, samples).numpy()


usual = 0.15 * np.ptp(cat)
agreement = {}
for name, sigma, n in (("sigma 1.0", 1.0, 5), ("15 %", usual, 5), ("15 %", usual, 20)):
    runs = [package_smooth(n, sigma, seed) for seed in (0, 1)]
    shown = [np.abs(run).sum(axis=-1) for run in runs]
    agreement[name, n] = correlation(*runs), correlation(*shown)
    print(f"{name:>9}, n = {n:2}: two runs agree to r = {agreement[name, n][0]:.2f} with signs, "
          f"{agreement[name, n][1]:.2f} as |g|")  # fmt: skip

# %%
assert agreement["sigma 1.0", 5][0] < 0.05 and agreement["sigma 1.0", 5][1] > 0.25, (
    "With the default noise, two runs should share their |g| and not their signs."
)
five, twenty = agreement["15 %", 5][0], agreement["15 %", 20][0]
assert five < 0.2 and twenty > five + 0.04, (
    "Two runs should have little in common with 5 samples, and a little more with 20."
)

# %% [markdown]
# With signs, two runs of five samples share almost nothing, at either noise. And yet, as $|g|$,
# the two runs with the default noise agree as well as two runs of *twenty* samples at 15 %: they
# show steepness, which needs no agreement. Twenty samples at 15 % are better, and not yet good:
# lesson 4 showed how slowly this converges. (Many more at once may not fit into memory, since the
# package puts all copies into one batch.) And without a seed every run gives another picture.
#
# Can you get the paper's SmoothGrad from this package? Yes, out of its own parts: its noisy copies
# and its (correct) gradients of the score.

# %%
np.random.seed(0)
copies = SmoothGrad.generate_noisy_images(cat, 20, 0.15 * np.ptp(cat))
g = VanillaGradients.compute_gradients(copies, scores, 281).numpy()
from_parts = g.mean(axis=0)
by_loss = package_smooth(20, usual, 0)[0]
print(f"score against loss, same 20 copies: correlation {correlation(from_parts, by_loss):.2f}")
assert correlation(from_parts, by_loss) < -0.5, (
    "The maps of score and loss should be much alike, except for the sign."
)

# %% [markdown]
# (The minus is the sign of the loss.) With the paper's noise, loss and score are closer on this
# picture than they were without noise; why, we have not tested.

# %% [markdown]
# ## The verdict is yours
#
# | tf_explain 0.3.1 | lessons 2 to 4 | defensible when |
# |---|---|---|
# | $\lvert w \rvert$ summed over colours | the largest | almost always: nearly the same map |
# | standardised, cut to 0 to 255 | raw numbers, scale shown | for a quick look at *where* |
# | batch standardised as one image | each map by itself | to compare pictures, if it is said |
# | probability (vanilla only if fused) | score | to ask "tabby *rather than* others", if said |
# | guided gradients in Grad-CAM | plain gradients | if the class is known to be in the picture |
# | no ReLU, minimum to maximum | ReLU, units of the score | to see counter-evidence, with a scale |
# | cross-entropy in SmoothGrad | score | as for the probability; with noise, the two were closer |
# | sigma = 1.0, absolute | a fraction of the range | if you set it yourself each time |
# | n = 5, no seed | n = 50, seeded | for a first look, if you seed it |
# | floats 0 to 255 come out inverted | picture given separately | never |
#
# Do you agree with every line? You needn't. But you can no longer say that it makes no difference.
# And be fair: many methods behind one simple call are a real service. The parts are small and
# readable, which is why you could find all this out in one lesson. The gradients and feature maps
# inside are right. And you can set most of the above differently, once you know of it.
#
# ## What we saw
#
# - The package runs on today's Keras, if you name the layer. It gives pictures; its documented
#   small methods give numbers.
# - Its gradients of the score are those of lesson 2, up to rounding; its plain Grad-CAM of the
#   score is that of lesson 3.
# - Its plain Grad-CAM of the probability is exactly "tabby minus the probability-weighted mean of
#   all classes": a contrastive map.
# - With the default settings, the Grad-CAM for *tabby* and for a banana that isn't there are much
#   alike, and so are those of nearly all other classes. On a picture with two objects it still
#   points at the right one.
# - A fused softmax changed the vanilla map of the same network: their correlation was below 0.5.
# - Three quarters of the pixels of the grey picture were pure black or pure white; the cat got
#   brighter beside a banana; the quick start's input came out as a negative.
# - SmoothGrad's default noise leaves no cat in the copies of this model's picture, and its map is
#   neat all the same. With their signs, two runs of 5 samples had almost nothing in common.
#
# ## Take away
#
# - The name on a picture is a claim. Test it: on a class that is absent, in a batch and alone, with
#   a fused and a separate softmax, against a number that you know.
# - A map that looks wrong may answer another question. Find the question before you judge the map.
# - Write down the quantity, the settings and the display along with every map that you publish.
#
# A few questions to finish with. Click on an answer: each one teaches you something.

# %%
checks.quiz(5)

# %% [markdown]
# **Your progress**, and what to do next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - The source of tf_explain, `tf_explain/core/grad_cam.py` and `tf_explain/utils/display.py`: a few
#   pages, worth reading in full.
# - R. R. Selvaraju and others, *Grad-CAM* (2017), arXiv:1610.02391, section 3: plain gradients, and
#   what the authors call guided Grad-CAM.
# - D. Smilkov and others, *SmoothGrad* (2017), arXiv:1706.03825, section 3: how much noise, and how
#   many samples.
# - J. Adebayo and others, *Sanity Checks for Saliency Maps* (2018), arXiv:1810.03292: maps that do
#   not react when they should.
#
# **Next:** lesson 6, *Can you trust it?*: pictures whose right answer is known.
