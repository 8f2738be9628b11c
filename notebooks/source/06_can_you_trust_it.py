# %% [markdown]
# # Lesson 6. Can you trust it?
#
# Five lessons of maps, and each looked convincing in its way. Lesson 3 measured on *one* scene, and
# lesson 4 ended with a question: how could you find out whether a map is true? Here you make
# pictures whose right answer is known, and let the methods compete. Then you destroy the network
# and see which maps don't notice. And at the end you catch a network that cheats.
#
# **Goals.** After this lesson you can
#
# 1. score a map against a known answer, with an interval beside the mean,
# 2. run the tests by deletion and by random weights, and say what each can and can't show,
# 3. find out what a classifier really uses, and show it in a table.
#
# **You need** lessons 2 to 4. **Time:** 105 minutes, and the computer is busy for about one of
# them. The core path takes 45 minutes; sections marked *optional* can wait. Run their cells anyway:
# later cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **So many scores: what does each measure?** The *pointing game*: is the single strongest
#   position on the object? The *share*: how much of the map's evidence for the class is on it?
#   *Deletion*: does the probability fall when the strongest pixels go? *Random weights*: does the
#   map depend on what was learned? A map can pass any of these and fail another.
# - **Nothing is deleted, or everything at once (exercise 6.2).** Do it by hand with 4 pixels and 2
#   steps: you get three probabilities, and after step 2 all four pixels are gone. Does `.reshape`
#   on your array still point into `y`?
# - **Ranks, and `argsort` of `argsort` (exercise 6.4).** With [30, 10, 20] the order is [1, 2, 0]:
#   the smallest value is at position 1. The ranks are [2, 0, 1]: 30 is the largest. Which of the
#   two has one number for each value, in the order of the values?
# - **It takes long.** The whole lesson takes about a minute and a half on two processors. The slow
#   cells say so: let them run, and read on.
#
# Still stuck? Move on: the check has given the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try, and in which order.
#
# </details>

# %%
import numpy as np

from course_utils import checks, grad_cam, load_classifier, load_image, vanilla_gradients

classifier = load_classifier()
network = classifier.model

# %% [markdown]
# ## Part 1. Pictures with a known answer
#
# Cut two objects out of photographs and put them on a soft texture, one on the left and one on the
# right: now you know which pixels belong to which. Each object has a **mask**, an array that is
# `True` on its pixels and `False` elsewhere. The course has a few dozen such cut-outs.

# %%
from course_utils.evaluation import two_object_scenes

scenes = two_object_scenes(40, seed=0, classifier=classifier)
print("pictures:", scenes.images.shape, " masks:", scenes.masks.shape)
print(len(np.unique(scenes.classes)), "different cut-outs are in them")
print(f"{scenes.left_out} other scenes were made and left out")

# %% [markdown]
# Why leave some out? If the network doesn't recognise an object, no map can be expected to point
# at it, and we would blame the map for the network's mistake. So a scene stays only if both of its
# classes are among the network's five most probable ones. That removed more than half. Remember
# this for later: everything we measure holds for pictures that the network understands.

# %% tags=["thumbnail"]
from matplotlib import pyplot as plt

from course_utils.display import show_figure

assert scenes.left_out > len(scenes.images), "More scenes should be left out than are kept."
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), dpi=70)
for ax, image, masks, pair in zip(axes, scenes.images, scenes.masks, scenes.classes, strict=False):
    ax.imshow(image)
    for mask, color in zip(masks, ("white", "yellow"), strict=True):
        ax.contour(mask, [0.5], colors=color, linewidths=1.5)
    ax.set_title("\n".join(classifier.labels[c] for c in pair), fontsize=9)
    ax.set_axis_off()
fig.suptitle("Four of the scenes; the outline of each mask")
names = "; ".join(" and ".join(classifier.labels[c] for c in pair) for pair in scenes.classes[:4])
show_figure(fig, f"Four pictures with two outlined objects each, left and right: {names}.")

# %% [markdown]
# ## Does the map point at the right object?
#
# The simplest score there is, the **pointing game** (Zhang and others 2016): take the position
# where the map is largest. Is it on the object that you asked for? If so, that's a hit.

# %% [markdown] exercise={"id": "6.1", "minutes": 6, "difficulty": "easy", "goal": 1}
# ### Exercise 6.1: a hit or a miss (6 minutes, easy)
#
# The function gets a map `m`, (H, W), with signs, and a mask of the same shape, `True` on the
# object. Return whether the largest value of the map is on the object. (You needn't worry about
# ties.)
#
# <details><summary>Hint 1</summary>
#
# `m.argmax()` counts through all positions, row by row. `np.unravel_index(m.argmax(), m.shape)`
# turns that number into (row, column).
#
# </details>
# <details><summary>Hint 2</summary>
#
# `mask[row, column]` is the answer.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Taking |m| first, which lets evidence *against* the class point as well; `argmin`; comparing sums
# or means, which is another score (it comes next); swapping rows and columns; using what `argmax`
# gives as a row; asking whether the position is in a box around the object.
#
# </details>


# %%
def points_inside(m, mask):
    ### BEGIN SOLUTION
    row, column = np.unravel_index(m.argmax(), m.shape)
    return mask[row, column]
    ### END SOLUTION


# %% tags=["nbval-check-output"]
points_inside = checks.points_inside(points_inside)

# %% [markdown]
# Try it on the first scene, with the two maps that you know best. A map of 7 x 7 has to be brought
# to the size of the mask first. `strength` does that, and reduces channels as lesson 2 did. A map
# with one number per position (Grad-CAM) keeps its positive values; a map with three numbers per
# pixel (a gradient) becomes the largest $|g|$. From here on, every map is scored like this, and
# *never* the picture of a map.

# %%
from course_utils.evaluation import strength

first = classifier.prepare(np.repeat(scenes.images[:1], 2, axis=0))
for name, method in {"Grad-CAM": grad_cam, "vanilla": vanilla_gradients}.items():
    maps = method(network, first, scenes.classes[0])
    for m, mask, c in zip(maps, scenes.masks[0], scenes.classes[0], strict=True):
        hit = points_inside(strength(m, (224, 224)), mask)
        print(f"{name:>8}, {classifier.labels[c]}: {'hit' if hit else 'miss'}")

# %% [markdown]
# (Four maps of one scene prove nothing, and this was without any tolerance at the edge of the
# object.) The second score is the *share*: how much of the whole map is on the object (as in
# exercise 3.5; Wang and others 2020), and how much is on the *other* object, where it shouldn't be.
# The package has all three scores; its `pointing_game` counts up to `tolerance` pixels beside the
# object as a hit.
#
# ## Your bet
#
# Before you measure, say what you expect. Seven maps will be asked to point at each of the 80
# objects: "random" numbers; a "blob" in the middle of every picture; "edges" of the picture, found
# by Sobel's filter without any network; "vanilla" gradients; "product", which is gradient times
# input; "grad-cam"; and "earlier", Grad-CAM at the earlier layer `block11_add` of lesson 3.
#
# **Predict.** Which one points right most often?

# %%
guess_best = checks.guess(["random", "blob", "edges", "vanilla", "product", "grad-cam", "earlier"])

# %%
from functools import partial

from course_utils import gradient_times_input
from course_utils.evaluation import centre_blob, input_edges, random_map

methods = {
    "random": random_map,
    "blob": centre_blob,
    "edges": input_edges,
    "vanilla": vanilla_gradients,
    "product": gradient_times_input,
    "grad-cam": grad_cam,
    "earlier": partial(grad_cam, layer="block11_add"),
}

# %% [markdown]
# `score_on_scenes` asks a method for a map of both objects of every scene. This takes a few
# seconds; each line appears when its method is done.

# %%
from course_utils.evaluation import score_on_scenes


def board(methods, scenes):
    print(" " * 13 + "points at it   share on it   share on the other")
    table = {}
    for name, method in methods.items():
        score = table[name] = score_on_scenes(method, scenes, classifier, tolerance=7)
        numbers = [score[s].mean() for s in ("pointing", "target", "other")]
        print("{:<13}{:10.2f}{:14.2f}{:15.2f}".format(name, *numbers))
    return table


table = board(methods, scenes)

# %%
pointing = {name: score["pointing"].mean() for name, score in table.items()}
best = max(pointing, key=pointing.get)
checks.prediction(guess_best, best, choices=list(methods))
assert best == "grad-cam" and pointing["grad-cam"] > pointing["vanilla"] + 0.1, (
    "Grad-CAM should point right most often, well ahead of the vanilla gradients."
)
assert np.allclose(table["edges"]["target"], table["edges"]["other"][:, ::-1], atol=1e-6), (
    "Edges know no class: the two maps of a scene should be the same."
)
assert (table["edges"]["pointing"].sum(axis=1) == 1).all(), (
    "In each scene, the edges should point at exactly one of the two objects."
)

# %%
share = {name: score["target"].mean() for name, score in table.items()}
other = {name: score["other"].mean() for name, score in table.items()}
assert share["edges"] > 1.5 * share["vanilla"], (
    "The edges should put more of their map on the object than the vanilla gradients do."
)
assert abs(share["edges"] - share["grad-cam"]) < 0.05, (
    "The edges should put about as much of their map on the object as Grad-CAM does."
)
assert abs(pointing["earlier"] - pointing["edges"]) < 0.13, (
    "The earlier layer should point about as often as the edges."
)
assert min(other["edges"], other["product"]) > 1.5 * other["random"], (
    "The edges and the product should put more on the other object than chance would."
)

# %% [markdown]
# Take your time with this table; it holds three lessons. Compare everything with the first line:
# random numbers show what chance gives.
#
# - **The edges.** Sobel's filter, from 1968, has never seen a network. It points at the right
#   object half of the time, since one of the two objects has the sharper edges, and puts more of
#   its "map" on the object than the vanilla gradients do, even as much as Grad-CAM (0.38): by the
#   middle column alone the two would tie. On the *other* object it puts just as much. (The textures
#   are soft here, which makes it easy for edges.) On pictures with only one object you wouldn't
#   notice: there, an edge detector looks like an explanation.
# - **Grad-CAM** keeps the objects apart: little of it is on the other object.
# - **The earlier layer** points right about as often as the edges do in these scenes, as lesson 3
#   made us fear.
#
# (Gradient times input and integrated gradients have signs of their own, and their authors add up
# the three colours. We score their largest $|value|$, as for all maps with colours. That counts
# evidence against the class as well, which may cost them share on the right object.)
#
# ## How sure is that?
#
# 40 scenes are a sample. With other scenes of the same kind the numbers would differ. By how much?
# The **bootstrap** answers without making new scenes: draw 40 scenes *out of these 40*, with
# replacement, take the mean, and do this 2000 times. The middle 95 % of these means is the
# interval. We draw *scenes*, not maps, because the two maps of one scene aren't independent.

# %%
from course_utils.evaluation import bootstrap_interval

for name in ("random", "edges", "vanilla", "grad-cam"):
    low, high = bootstrap_interval(table[name]["pointing"])
    print(f"{name:>8}: {pointing[name]:.2f}, interval {low:.2f} to {high:.2f}")
difference = table["grad-cam"]["pointing"] - table["vanilla"]["pointing"]
low, high = bootstrap_interval(difference)
print(f"grad-cam minus vanilla: {difference.mean():+.2f}, interval {low:+.2f} to {high:+.2f}")
assert low > 0, "The interval of the difference should be above 0."

# %% [markdown]
# Compare two methods by their *difference on the same scenes*. Some scenes are hard for every
# method, and the difference removes that. (Why does the interval of the edges have no width? In
# every scene they hit exactly one of the two.)

# %% [markdown]
# This interval is for other scenes *of the same cut-outs*. What about other objects? The 80 maps
# ask for only two dozen of them. So draw *cut-outs* instead, each with all the maps that ask for
# it:

# %%
kinds, which = np.unique(scenes.classes, return_inverse=True)  # scene by scene, left then right
asked = np.bincount(which.ravel())
extra = np.bincount(which.ravel(), weights=difference.ravel())  # hits more than vanilla's
drawn = np.random.default_rng(0).integers(len(kinds), size=(2000, len(kinds)))
means = extra[drawn].sum(axis=1) / asked[drawn].sum(axis=1)
low_kinds, high_kinds = np.percentile(means, [2.5, 97.5])
print(f"the difference, drawing cut-outs: {low_kinds:+.2f} to {high_kinds:+.2f}")
k = extra.argmax()
print(
    f"{classifier.labels[kinds[k]]}: asked for {asked[k]} times, and {extra[k]:.0f} of the", end=""
)
print(f" {extra.sum():.0f} extra hits")
assert low_kinds < 0 < high_kinds, "For other objects, the interval should include 0."

# %% [markdown]
# It includes 0: a single cut-out brings half of the extra hits. So Grad-CAM's lead holds for scenes
# of these objects, and for *other* objects this sample doesn't settle it. Always ask what was
# drawn at random.
#
# And what about the share on the other object?

# %%
print(
    f"share on the other object: vanilla {other['vanilla']:.3f}, grad-cam {other['grad-cam']:.3f}"
)
print(f"grad-cam has {other['grad-cam'] / other['vanilla']:.2f} times as much as vanilla")
print(f"random numbers, that is the area: {other['random']:.3f}")
assert 0.25 < other["grad-cam"] / other["vanilla"] < 0.4, (
    "On the other object, Grad-CAM should have about a third as much as vanilla."
)
assert 0.9 < other["vanilla"] / other["random"] < 1.2, (
    "Vanilla gradients should put about the area's share on the other object."
)

# %% [markdown]
# Vanilla gradients put on the other object about what its area would get: they neither avoid it nor
# seek it. The edges and the product do seek it.
#
# Is that fair? Grad-CAM is coarse, and its maximum isn't one pixel of 50,176 (lesson 4 asked the
# same). So judge vanilla gradients at Grad-CAM's resolution:


# %%
def coarse_vanilla(model, inputs, class_index):
    return np.stack([strength(m, (7, 7)) for m in vanilla_gradients(model, inputs, class_index)])


coarse_table = board({"vanilla 7x7": coarse_vanilla}, scenes)
assert coarse_table["vanilla 7x7"]["pointing"].mean() < pointing["grad-cam"] - 0.1, (
    "Even at 7 x 7, vanilla gradients should point right less often than Grad-CAM."
)

# %% [markdown]
# It makes hardly any difference: the resolution isn't what sets the two apart.
#
# **Both objects get highlighted: is the method wrong, then?** Not by itself. A gradient tells you
# to which pixels the score is *sensitive*. In lesson 3 the score of the ball rose when the bear was
# covered: it does react to the bear. So a gradient that marks both objects needn't be a mistake;
# but you can't read it as "this is where the ball is". The question decides what a good answer is.
#
# ## The expensive ones (optional)
#
# SmoothGrad and integrated gradients need a dozen passes or more per map, so they get fewer scenes:
# the first eight. And `tf_explain` (lesson 5) takes part too, with its default settings, scored
# from its raw numbers. First the package's three methods, each for one picture and one class:


# %%
def package_vanilla(x, c):
    return VanillaGradients.compute_gradients.python_function(x, network_scores, c)


def package_grad_cam(x, c):
    parts = GradCAM.get_gradients_and_filters(network, x, "head_conv", c, True)
    return np.stack(GradCAM.generate_ponderated_output(*parts))


def package_smoothgrad(x, c):
    copies = SmoothGrad.generate_noisy_images(x, 5, 1.0)
    return SmoothGrad.get_averaged_gradients.python_function(copies, network, c, 5)


# %% [markdown]
# (`python_function` is the package's own code too: it only saves the seconds that TensorFlow needs
# to compile it for every class.) If tf_explain is missing, the lesson goes on without it.


# %%
import importlib.util
import warnings

from course_utils import integrated_gradients, smoothgrad


def each_alone(explain):
    def method(model, inputs, class_index):
        maps = []
        for x, c in zip(inputs, class_index, strict=True):
            maps.append(np.asarray(explain(x[None], int(c))))  # x[None]: a batch of one
        return np.concatenate(maps)

    return method


# %% [markdown]
# One set of noisy gradients serves both averages of lesson 4, that of $g$ and that of $|g|$: the
# method that we hand to `smoothgrad` returns both, side by side.


# %%
def both_kinds(model, inputs, class_index):
    g = vanilla_gradients(model, inputs, class_index)
    return np.stack([g, np.abs(g)], axis=1)


few = scenes._replace(  # the same kind of object with the first eight scenes only
    images=scenes.images[:8], classes=scenes.classes[:8], masks=scenes.masks[:8]
)
few_inputs = classifier.prepare(np.repeat(few.images, 2, axis=0))
averages = smoothgrad(network, few_inputs, few.classes.ravel(), samples=12, method=both_kinds)

# %%
expensive = {
    "integrated": partial(integrated_gradients, steps=12),
    "smoothgrad": lambda model, inputs, class_index: averages[:, 0],
    "smooth |g|": lambda model, inputs, class_index: averages[:, 1],
    "smooth cam": partial(smoothgrad, samples=12, method=grad_cam),
}
if importlib.util.find_spec("tf_explain"):
    from tf_explain.core import GradCAM, SmoothGrad, VanillaGradients

    network_scores = VanillaGradients().get_score_model(network)
    package = (package_vanilla, package_grad_cam, package_smoothgrad)
    expensive |= {f"tfe {f.__name__[8:]}": each_alone(f) for f in package}

# %%
np.random.seed(0)  # tf_explain draws from NumPy's global generator
warnings.filterwarnings("ignore", message="The structure of `inputs`")  # a list in a list
again = {name: methods[name] for name in ("random", "edges", "vanilla", "grad-cam")}
few_table = board(again | expensive, few)

# %%
for name in ("vanilla", "smoothgrad", "grad-cam"):
    low, high = bootstrap_interval(few_table[name]["pointing"])
    print(f"{name:>10}: points right {low:.2f} to {high:.2f}, with eight scenes")
difference = few_table["smoothgrad"]["pointing"] - few_table["vanilla"]["pointing"]
low, high = bootstrap_interval(difference)
print(f"smoothgrad minus vanilla: {difference.mean():+.2f}, interval {low:+.2f} to {high:+.2f}")
assert low < 0.1, "With eight scenes, the interval should reach down to about 0."

# %%
ratios = {name: score["target"].mean() / score["other"].mean() for name, score in few_table.items()}
for name in ("vanilla", "smoothgrad", "integrated", "tfe grad_cam", "grad-cam"):
    if name in ratios:
        print(f"{name:>12}: {ratios[name]:4.1f} times as much on the right object as on the other")

# %%
mean = {name: {k: v.mean() for k, v in score.items()} for name, score in few_table.items()}
assert mean["smoothgrad"]["pointing"] > mean["vanilla"]["pointing"], (
    "SmoothGrad should point right more often than vanilla gradients."
)
assert mean["smoothgrad"]["other"] > mean["vanilla"]["other"] > 3 * mean["grad-cam"]["other"], (
    "Grad-CAM should put the least on the other object, and SmoothGrad the most."
)
assert mean["integrated"]["target"] > 0.95 * max(m["target"] for m in mean.values()), (
    "Integrated gradients should put as much on the right object as any map here."
)

# %%
if "tfe grad_cam" in mean:
    assert (
        ratios["grad-cam"]
        > ratios["tfe grad_cam"]
        > max(ratios[name] for name in ("vanilla", "smoothgrad", "smooth |g|", "integrated"))
    ), "tf_explain's Grad-CAM should separate worse than ours, and better than the gradients."
    assert mean["tfe grad_cam"]["other"] > 3 * mean["grad-cam"]["other"], (
        "tf_explain's Grad-CAM should put over 3 times as much on the other object as ours."
    )
    assert abs(mean["tfe smoothgrad"]["target"] - mean["tfe smoothgrad"]["other"]) < 0.02, (
        "tf_explain's SmoothGrad should put the same on both objects."
    )

# %% [markdown]
# With eight scenes the intervals are wide, and most of these methods can't be told apart by how
# often they point right. That is a result too: *don't rank what the sample can't rank*. What you
# can see all the same:
#
# - **Averaging gradients** gathers the map on objects, on *both* of them. The share on the right
#   one rises, and in these scenes the share on the other rises in proportion: the ratios of the two
#   hardly differ. The *strongest* position was on the right object more often, but the interval of
#   that difference includes 0. (100 scenes can tell: in the table of the course's README it's 0.85
#   for SmoothGrad and 0.66 for vanilla gradients, with intervals that don't overlap. The ratio is a
#   little better there, too.) Two scores, two verdicts: decide which question you have.
# - **Integrated gradients** put as much on the right object as any map here (0.39). They're
#   multiplied by the picture, and put much on the other object as well, as the product does.
# - **tf_explain.** Its vanilla gradients are yours. Its Grad-CAM, guided and of the probability,
#   has several times as much on the wrong object as the paper's: 0.09 against 0.01 here, and 0.11
#   against 0.03 in the README's table. (Lesson 5 worked out which question that map does answer.)
#   It still keeps the two objects apart better than any of the gradients do. Its SmoothGrad, with
#   the default noise that left no cat in the picture in lesson 5, doesn't tell them apart.
#
# `python benchmarks/leaderboard.py` in the course's folder runs fourteen methods on 100 scenes and
# writes the table with its intervals. It takes a while, and no lesson needs it.
#
# ## Part 2. Deletion and insertion (optional)
#
# A photograph of your own has no mask. One idea (Petsiuk and others 2018) does without: if the map
# ranks the pixels correctly, then **deleting the pixels that it ranks first must destroy the
# evidence fast**. Set them to grey, step by step, and watch the probability of the class. The
# *area* under that curve is the score: the smaller, the better.

# %% [markdown] exercise={"id": "6.2", "minutes": 15, "difficulty": "medium", "goal": 2}
# ### Exercise 6.2: deletion (15 minutes, medium) (optional)
#
# The function gets `probability`, a function from a picture (H, W, C) to a number; a prepared
# picture `x`; a map `m`, (H, W), in which no two values are equal; and a number of `steps`. In each
# step, set the next share of the pixels to 0 (grey, for our network) in all channels, the largest
# values of the map first, until in the last step all are gone. Return the `steps + 1`
# probabilities: of the whole picture, and after each step.
#
# With 4 pixels, the map [3, 9, 1, 5] and 2 steps: the order is pixel 1, 3, 0, 2. Step 1 deletes the
# pixels 1 and 3, and step 2 deletes 0 and 2 as well.
#
# <details><summary>Hint 1</summary>
#
# `np.argsort(-m.ravel())` lists the positions, the strongest first, counted through all rows.
# `np.array_split(order, steps)` cuts the list into equal parts.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Work on a copy, `y = x.copy()`. Then `pixels = y.reshape(-1, y.shape[-1])` is the same picture as
# a list of pixels: it shares its memory with `y`, and `pixels[part] = 0` deletes in `y` itself.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Deleting the weakest pixels first; starting each step from the whole picture again, so nothing
# stays deleted; changing the caller's picture; forgetting the first probability; deleting only one
# channel; parts of one size that leave some pixels over; |m|, which deletes pixels against the
# class first as well.
#
# </details>


# %%
def deletion(probability, x, m, steps):
    ### BEGIN SOLUTION
    y = x.copy()
    pixels = y.reshape(-1, y.shape[-1])  # y as a list of pixels: the same memory
    order = np.argsort(-m.ravel())  # the strongest position first
    found = [probability(y)]
    for part in np.array_split(order, steps):
        pixels[part] = 0
        found.append(probability(y))
    return np.array(found)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
deletion = checks.deletion(deletion)

# %% [markdown]
# Take the fourth scene and its left object, the duck (a *drake*). First a control that has nothing
# to do with ducks: pixels deleted **at random**.
#
# **Predict.** One sixteenth of the pixels, chosen at random all over the picture, becomes grey.
# Does the probability of *drake* "rise", "fall" or "stay" (within 0.05)?

# %%
guess_random = checks.guess(["rise", "fall", "stay"])


# %%
def probability_of(c):
    return lambda x: float(network.predict_on_batch(x[None].astype(np.float32))[0, c])


duck, drake = classifier.prepare(scenes.images[3]), int(scenes.classes[3, 0])
noise_map = random_map(network, duck, drake)[0]
at_random = deletion(probability_of(drake), duck[0], noise_map, 16)
print("probability of drake:", np.round(at_random[:5], 2), "...")
change = at_random[1] - at_random[0]
answer_random = "stay" if abs(change) < 0.05 else "rise" if change > 0 else "fall"
checks.prediction(guess_random, answer_random, choices=("rise", "fall", "stay"))
assert classifier.labels[drake] == "drake" and answer_random == "rise", (
    "Deleting random pixels should make drake more probable at first."
)

# %% [markdown]
# It rises, and by a lot, although nothing about the duck was added. Does it rise because these
# scattered grey pixels, the "pepper", harm the *other* object, the binoculars, and probabilities
# compete? Look at the probability of the binoculars, and at the duck's *score*, which doesn't
# compete with anything.

# %%
from course_utils.network.run import class_scores

peppered = duck * (noise_map < np.quantile(noise_map, 15 / 16))[None, :, :, None]
before, after = class_scores(network, np.concatenate([duck, peppered]))
p_before, p_after = network.predict_on_batch(np.concatenate([duck, peppered]))
for c in scenes.classes[3]:
    print(f"{classifier.labels[c]:>10}: probability {p_before[c]:.3f} to {p_after[c]:.3f}", end="")
    print(f", score {before[c]:.1f} to {after[c]:.1f}")
binoculars = scenes.classes[3, 1]
assert p_before[binoculars] - p_after[binoculars] < 0.1 * (p_after[drake] - p_before[drake]), (
    "What the binoculars lose should be far less than what the drake gains."
)
assert after[drake] > before[drake] + 0.7, "The score of drake should rise as well."

# %% [markdown]
# The binoculars had next to nothing to lose. The score of *drake* itself goes up: a picture
# peppered with grey is like nothing that the network was trained on, and its answer to it can go
# either way. We picked this scene because it shows that. How often does it happen? Count, for all
# 80 objects, how the probability changes when the first sixteenth of the pixels goes.

# %%
scene_inputs = classifier.prepare(np.repeat(scenes.images, 2, axis=0))  # each scene twice
scene_classes = scenes.classes.ravel()  # for its left and its right object
cams = grad_cam(network, scene_inputs, scene_classes, relu=False)


def probabilities(x):
    every = network.predict(x, batch_size=16, verbose=0)
    return every[np.arange(len(x)), scene_classes]


def without_a_sixteenth(x, m):
    m = strength(m, (224, 224))
    return x * (m < np.quantile(m, 15 / 16))[..., None]  # None: one factor for all channels


# %%
deleted_by = {
    "random": random_map(network, scene_inputs, scene_classes),
    "patches": np.random.default_rng(0).random((len(scene_inputs), 7, 7)),  # as coarse as Grad-CAM
    "Grad-CAM": cams,
    "edges": [strength(m, (7, 7)) for m in input_edges(network, scene_inputs, scene_classes)],
}

# %%
whole = probabilities(scene_inputs)
changes = {}
for name, maps in deleted_by.items():
    less = [without_a_sixteenth(x, m) for x, m in zip(scene_inputs, maps, strict=True)]
    d = changes[name] = probabilities(np.stack(less)) - whole
    print(
        f"{name:>8}: rises by more than 0.05 for {(d > 0.05).mean():.0%} of {len(d)} objects,",
        end="",
    )
    print(f" falls for {(d < -0.05).mean():.0%}; mean change {d.mean():+.2f}")

# %%
rises = {name: (d > 0.05).mean() for name, d in changes.items()}
assert rises["random"] > 0.15 and (changes["random"] < -0.05).mean() > 0.15, (
    "Random deletion should raise the probability about as often as it lowers it."
)
assert abs(changes["random"].mean()) < 0.05 and changes["Grad-CAM"].mean() < -0.1, (
    "On average, only Grad-CAM's pixels should lower the probability."
)
falls = {name: (d < -0.05).mean() for name, d in changes.items()}
assert falls["patches"] < 0.35 < falls["edges"] < 0.5 < falls["Grad-CAM"], (
    "Grad-CAM's patches should lower the probability more often than edges, and these than chance."
)
assert changes["Grad-CAM"].mean() < changes["edges"].mean() - 0.05, (
    "On average, Grad-CAM's pixels should cost clearly more than the strongest edges."
)

# %% [markdown]
# Deleting at random raises the probability about as often as it lowers it, and changes it by little
# on average. But Grad-CAM deletes a patch and not pepper, so compare it with the second line:
# random maps of 7 x 7 numbers, drawn like Grad-CAM's, delete patches too. They lower the
# probability for a quarter of the objects, and Grad-CAM's first sixteenth for 62 %. Part of that is
# simply hitting an object: the *edges* at Grad-CAM's resolution, which know no network, lower it
# for nearly half. The rest is Grad-CAM's own. So deletion does carry a signal, if you average over
# many pictures and put random patches *and* a map without a network beside it; a single curve may
# show the reaction to damage. Keep that in mind while you look at the curves of two real maps, for
# this scene and for the one before it (the *balloon*, on the left).

# %%
curves = {}
for k in (3, 2):
    x, c = classifier.prepare(scenes.images[k]), int(scenes.classes[k, 0])
    maps = {"Grad-CAM": grad_cam(network, x, c)[0], "vanilla": vanilla_gradients(network, x, c)[0]}
    maps["random"] = random_map(network, x, c)[0]
    for name, m in maps.items():
        found = deletion(probability_of(c), x[0], strength(m, (224, 224)), 16)
        curves[classifier.labels[c], name] = np.asarray(found)

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3), dpi=80)
for ax, label in zip(axes, ("drake", "balloon"), strict=True):
    for name, style in {"Grad-CAM": "o-", "vanilla": "s--", "random": "^:"}.items():
        ax.plot(np.linspace(0, 1, 17), curves[label, name], style, ms=3, label=name)
    ax.set(title=label, xlabel="share of the pixels deleted", ylim=(0, 1))
axes[0].set_ylabel("probability of the class")
axes[1].legend(title="strongest first")
fig.suptitle("Deletion curves of two objects")
show_figure(
    fig,
    "Two panels, probability against the share of pixels deleted, for three maps. Drake: Grad-CAM "
    "falls to zero at once; random rises from 0.4 to about 0.7 before it falls. Balloon: Grad-CAM "
    "falls fastest, then random, and vanilla stays high longest.",
)


# %%
def area(p):
    """Return the area under a curve over 0 to 1: the mean height of its pieces."""
    p = np.asarray(p)
    return float(((p[1:] + p[:-1]) / 2).mean())


for label in ("drake", "balloon"):
    areas = {name: area(curves[label, name]) for name in ("Grad-CAM", "vanilla", "random")}
    print(f"{label:>8}: " + ", ".join(f"{name} {a:.2f}" for name, a in areas.items()))
    assert min(areas, key=areas.get) == "Grad-CAM", (
        "The probability should fall fastest when Grad-CAM chooses the pixels."
    )
assert area(curves["balloon", "random"]) < area(curves["balloon", "vanilla"]), (
    "For the balloon, random numbers should beat the vanilla gradients."
)

# %% [markdown]
# Grad-CAM wins twice. But look at the balloon, which we chose for this: **random numbers beat the
# vanilla gradients**. Do random numbers explain the network better? No. They delete in another way.
# Look at what the network was shown after a quarter of the pixels had been deleted:

# %%
x, c = classifier.prepare(scenes.images[2]), int(scenes.classes[2, 0])
shown = {}
for name, method in {
    "Grad-CAM": grad_cam,
    "vanilla": vanilla_gradients,
    "random": random_map,
}.items():
    m = strength(method(network, x, c)[0], (224, 224))
    kept = m < np.quantile(m, 0.75)  # all but the strongest quarter
    shown[name] = classifier.restore(x * kept[None, :, :, None])[0]

# %%
fig, axes = plt.subplots(1, 3, figsize=(7.5, 2.8), dpi=70)
for ax, (name, picture) in zip(axes, shown.items(), strict=True):
    ax.imshow(picture)
    ax.set_title(name)
    ax.set_axis_off()
fig.suptitle("A quarter of the pixels deleted, the strongest of each map")
show_figure(
    fig,
    "The scene with the balloon three times, a quarter of it grey: by Grad-CAM one patch that "
    "covers the balloon; by vanilla gradients clumps of pepper, many on the other object and the "
    "ground; at random, even pepper all over.",
)

# %% [markdown]
# **Move it yourself.** Delete more and more of the duck, in the order of its Grad-CAM map. After
# one sixteenth of the pixels the network has lost the duck. Have you?

# %%
from course_utils.widgets import deletion_explorer

duck_map = grad_cam(network, duck, drake)[0]
duck_curve = curves["drake", "Grad-CAM"]
deletion_explorer(scenes.images[3], duck_map, np.linspace(0, 1, 17), duck_curve)

# %%
print(f"probability of drake: {duck_curve[0]:.2f}, and {duck_curve[1]:.2f} without a sixteenth")
assert duck_curve[1] < 0.1 * duck_curve[0], "After one step, the duck should be lost."

# %% [markdown]
# <details><summary>Answer</summary>
#
# Probably not: the grey patch hides the breast, and the green head, the bill, the tail and the feet
# are still there. Either the network's answer depends on the middle of the duck, or the patch
# itself disturbs it, a grey oval with an edge that no duck has. One curve can't separate the two. A
# control could: a patch of the same size and shape somewhere else.
#
# </details>
#
# A patch and pepper aren't the same treatment. Even pepper disturbs the network everywhere, on the
# balloon too. The vanilla map spends much of its pepper on the hog, and a damaged hog needn't harm
# the balloon. So compare deletion areas only between maps of one resolution, put random numbers *of
# the same resolution* beside them, and say what replaced the pixels. **Insertion** goes the other
# way: start with grey and bring the strongest pixels in; the larger the area, the better. (The
# paper starts with a blurred picture instead of grey.) The same caveat holds.
#
# Is there a way out? **ROAR** (remove and retrain; Hooker and others 2019) trains the network again
# on pictures without those pixels, and grey is then nothing new to it. That takes one training per
# method and share, and it answers another question: whether *a* network can do without the pixels,
# not whether *this* one uses them.
#
# The package has both curves:

# %%
from course_utils.evaluation import deletion_curve, insertion_curve

coarse = {"vanilla": [strength(vanilla_gradients(network, x, c)[0], (7, 7))]}
coarse["Grad-CAM"] = list(grad_cam(network, x, c))
coarse["random"] = list(np.random.default_rng(0).random((10, 7, 7)))  # chance isn't one draw
areas = {}
for name, maps in coarse.items():
    for curve in (deletion_curve, insertion_curve):
        found = [curve(network, x, m, c, steps=14).area for m in maps]
        kind = curve.__name__.split("_")[0]
        areas[name, kind] = min(found), max(found)
        print(f"{name:>8} at 7 x 7, {kind}: {min(found):.2f} to {max(found):.2f}")

# %%
assert areas["Grad-CAM", "deletion"][1] < areas["random", "deletion"][0], (
    "Grad-CAM's deletion should beat that of all ten random maps."
)
assert areas["Grad-CAM", "insertion"][0] > areas["random", "insertion"][1], (
    "Grad-CAM's insertion should beat that of all ten random maps."
)

# %% [markdown]
# At one resolution, in patches, the comparison is fairer. Grad-CAM is better than all ten draws of
# random numbers, in both curves. Are the vanilla gradients? Compare their numbers with the range of
# the random ones. (It is one scene. To say more, you would do what you did in part 1: many scenes
# and an interval.)
#
# ## Part 3. A network that has forgotten everything
#
# Here is a test that needs no truth at all: the *model parameter randomisation test*, one of the
# "sanity checks" of Adebayo and others (2018). A map is supposed to explain what the *network*
# has learned. So destroy what it has learned: shuffle its weights. (The paper draws new ones;
# shuffling keeps their size right in any network.) If the map stays the same, it was never about
# what was learned. Such a map explains the picture, not the network.

# %% [markdown] exercise={"id": "6.3", "minutes": 6, "difficulty": "easy", "goal": 2}
# ### Exercise 6.3: shuffled weights (6 minutes, easy)
#
# The function gets an array of weights, of any shape, and a random generator `rng`. Return a new
# array of the same shape with the same numbers, each in a random place. (Keep the same numbers:
# with weights that are too small or too large, the network would break for another reason.)
#
# <details><summary>Hint 1</summary>
#
# `rng.permutation(a)` shuffles a *flat* list completely, but an array of more axes only along its
# first one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Make it flat with `np.ravel(weights)`, shuffle, and `.reshape(weights.shape)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# `rng.permutation(weights)`, which leaves every filter as it is and only reorders the filters, also
# along one axis after the other; `np.roll`, which leaves all neighbours together; new random
# numbers of another size; shuffling the caller's array in place; a new generator inside the
# function.
#
# </details>


# %%
def shuffled(weights, rng):
    ### BEGIN SOLUTION
    return rng.permutation(np.ravel(weights)).reshape(weights.shape)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
shuffled = checks.shuffled(shuffled)

# %% [markdown]
# To say how alike two maps are, the plain correlation of lesson 4 has a weakness: one huge value
# can outweigh thousands. The **rank correlation** (Spearman) replaces each value by its *rank*: 0
# for the smallest, 1 for the next, and so on, and correlates the ranks. It asks: do the two maps
# put the positions in the same order?

# %% [markdown] exercise={"id": "6.4", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 6.4: rank agreement (8 minutes, medium) (optional)
#
# The function gets two maps of one shape, with signs, in which no value occurs twice. Return the
# correlation of the ranks of their values: a number from -1 to 1.
#
# <details><summary>Hint 1</summary>
#
# `np.argsort(v)` of a flat list says *which position comes first*, which second, and so on. The
# rank of each position is the reverse of that. What does `np.argsort` do to that list?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.argsort(np.argsort(v))` gives the ranks. Then `np.corrcoef(ranks_a, ranks_b)[0, 1]`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Correlating `argsort` itself; sorting each map by itself, after which everything correlates;
# forgetting to make the maps flat, which sorts each row alone; taking |m| first; comparing each
# value with every other, which takes hours for the 150,000 values of the maps below.
#
# </details>


# %%
def rank_agreement(a, b):
    ### BEGIN SOLUTION
    ranks = [np.argsort(np.argsort(np.ravel(m))) for m in (a, b)]
    return np.corrcoef(*ranks)[0, 1]
    ### END SOLUTION


# %% tags=["nbval-check-output"]
rank_agreement = checks.rank_agreement(rank_agreement)

# %% [markdown]
# One more method joins, because its pictures are so sharp that many people like it best: **guided
# backpropagation** (Springenberg and others 2014). (Lesson 5's "guided" changes one layer only.)
# It's the gradient with one change: on the way back, every ReLU also sets *negative* slopes to
# zero. In our network the ReLU stops at 6 (ReLU6). TensorFlow lets us give a function a backward
# pass of our own. Such a function returns its value, and with it a second function, which takes the
# slopes that arrive from the layers after it (`upstream`) and returns what it passes back:

# %%
import keras
import tensorflow as tf


@tf.custom_gradient
def guided_relu6(z):
    passes = tf.cast((z > 0) & (z < 6), z.dtype)  # where ReLU6 has the slope 1
    return tf.nn.relu6(z), lambda upstream: passes * tf.nn.relu(upstream)


def guided_copy(layer):
    copy = type(layer).from_config(layer.get_config())
    if getattr(layer, "activation", None) is keras.activations.relu6:
        copy.activation = guided_relu6
    return copy


# %%
subject = keras.models.clone_model(network)  # this one will lose its memory
guided = keras.models.clone_model(network, clone_function=guided_copy)
for copy in (subject, guided):
    copy.set_weights(network.get_weights())
cat, tabby = classifier.prepare(load_image("cat")), classifier.class_index("tabby")
same = np.allclose(guided(cat), network(cat), atol=1e-3)
print("same scores:", same)
assert same, "A guided copy should change gradients only, and give the same scores."


# %%
def all_maps(class_index):
    g = vanilla_gradients(subject, cat, class_index)[0]
    cam = grad_cam(subject, cat, class_index, relu=False)[0]
    guided_g = vanilla_gradients(guided, cat, class_index)[0]
    return {"vanilla": g, "product": g * cat[0], "guided": guided_g, "Grad-CAM": cam}


trained = all_maps(tabby)

# %%
from course_utils import show_maps

seen = classifier.restore(cat)[0]
for names in (("vanilla", "Grad-CAM"), ("guided",)):
    show_maps(seen, {name: trained[name] for name in names}, title="Class 'tabby', trained network")
# %% [markdown]
# The guided map is the clearest of all: it draws the eyes, the nose and the mouth. So it must know
# best what makes a tabby?
#
# **Predict.** Shuffle the weights of the *last* layer, `logits`: the network still sees edges and
# textures, but has forgotten which class they belong to. How large is the rank correlation of the
# guided map before and after: "high" (above 0.9), "middle", or "low" (below 0.5)?

# %%
guess_guided = checks.guess(["high", "middle", "low"])

# %% [markdown]
# From there we go on, layer by layer from the top (*cascading*), and look at the maps at six
# points. (The package's `randomize_weights` makes such a network in one call.)

# %%
rng = np.random.default_rng(0)
layers = [layer.name for layer in reversed(network.layers) if layer.weights]
points = ("logits", "head_conv", "block16_expand", "block12_expand", "block6_expand", "stem_conv")
after = {}
for name in layers:
    new = [np.asarray(shuffled(w, rng)) for w in network.get_layer(name).get_weights()]
    subject.get_layer(name).set_weights(new)
    guided.get_layer(name).set_weights(new)
    if name in points:
        after[name] = all_maps(tabby)

# %%
print("rank correlation with the map of the trained network, with signs")
print(" " * 34 + "".join(f"{name:>10}" for name in trained))
ranks = {
    name: {k: rank_agreement(trained[k], maps[k]) for k in trained} for name, maps in after.items()
}
gone = {name: (layers.index(name) + 1) / len(layers) for name in points}
for name, row in ranks.items():
    print(
        f"down to {name:<14} ({gone[name]:4.0%} gone)" + "".join(f"{r:10.2f}" for r in row.values())
    )
r = ranks["logits"]["guided"]
answer_guided = "high" if r > 0.9 else "low" if r < 0.5 else "middle"
checks.prediction(guess_guided, answer_guided, choices=("high", "middle", "low"))

# %% [markdown]
# Which of these numbers are near 0? Grad-CAM's 7 x 7 map has only 49 numbers, and neighbours are
# alike, so chance alone can give a large one. For comparison, correlate the cat's map with the
# Grad-CAM maps of two dozen objects in the scenes of part 1, which have nothing to do with it.

# %%
scene_inputs = classifier.prepare(np.repeat(scenes.images[:12], 2, axis=0))  # each scene twice
unrelated = grad_cam(network, scene_inputs, scenes.classes[:12].ravel(), relu=False)
by_chance = [rank_agreement(trained["Grad-CAM"], cam) for cam in unrelated]
print(f"unrelated Grad-CAM maps: from {min(by_chance):.2f} to {max(by_chance):.2f}")
like_chance = [min(by_chance) <= row["Grad-CAM"] <= max(by_chance) for row in ranks.values()]
print(f"of the Grad-CAM column above, {sum(like_chance)} of {len(ranks)} numbers are in this range")
assert min(by_chance) < -0.2 and max(by_chance) > 0.2, (
    "Grad-CAM maps that have nothing to do with each other should correlate by chance."
)

# %%
assert (
    r > 0.95 and ranks["block12_expand"]["guided"] > 0.9 and ranks["stem_conv"]["guided"] < 0.3
), "The guided map should hardly change until the first layers are shuffled."
assert all(row["vanilla"] < 0.3 for row in ranks.values()), (
    "One shuffled layer should be enough to change the vanilla gradients."
)
assert max(row["Grad-CAM"] for row in ranks.values()) < 0.8 and sum(like_chance) >= 4, (
    "Grad-CAM should change when the weights are shuffled."
)
assert 0.25 < gone["block12_expand"] < 0.45, "A third of the layers should be above block 12."
shown = {
    f"down to {name}": after[name]["guided"] for name in ("logits", "block12_expand", "stem_conv")
}
show_maps(seen, shown, title="Guided backpropagation, weights shuffled")
# %% [markdown]
# Except for a factor, the guided map doesn't change when the network forgets all its classes, and
# hardly when a third of its layers, from the top, is noise: the cat's face is still there. It falls
# apart only when the first layers go, which find edges and spots. **It draws what is in the
# picture; it didn't know what makes a tabby.** For vanilla gradients one shuffled layer is enough,
# and the signs have hardly anything in common with those before. Grad-CAM changes as well: five of
# its six numbers are in the range of unrelated maps, the sixth (0.61) is a little above all 24 of
# them, and none is near 1.
#
# (This is one picture and one way of shuffling. To say more, do what you did in part 1.)
#
# (A likely reason: the guided map sets all negative slopes to zero at every ReLU. What is left says
# "more of everything that is there", whatever the class.)
#
# ### What the display shows (optional)
#
# Now compare what the *display* shows, the strength of each pixel, without signs; and add a second
# measure, **SSIM** (structural similarity), which compares neighbourhoods instead of single
# positions.

# %%
from course_utils.evaluation import ssim

print("strength: rank correlation / SSIM with the trained network's map")
print(" " * 24 + "".join(f"{name:>14}" for name in ("vanilla", "product", "guided")))
strengths = {}
for point, maps in after.items():
    line = f"down to {point:<16}"
    for k in ("vanilla", "product", "guided"):
        a, b = strength(trained[k]), strength(maps[k])
        strengths[point, k] = rank_agreement(a, b), ssim(a, b)
        line += "{:>7.2f} / {:.2f}".format(*strengths[point, k])
    print(line)

# %%
picture = rank_agreement(strength(trained["product"]), strength(cat[0]))
gradient = rank_agreement(strength(trained["vanilla"]), strength(cat[0]))
print(
    f"rank correlation with the picture itself, |x|: product {picture:.2f}, vanilla {gradient:.2f}"
)
assert strengths["block6_expand", "product"][0] > 0.3 and picture > 0.3 > gradient, (
    "The product should stay like its old map, and like the picture."
)
assert strengths["block6_expand", "vanilla"][0] > 0.15, (
    "Without signs, vanilla gradients should keep something."
)
assert strengths["stem_conv", "guided"][0] < 0.2 < strengths["stem_conv", "guided"][1], (
    "In the last row, the rank correlation should be low and SSIM higher."
)

# %% [markdown]
# Three things to notice.
#
# - Without signs, even vanilla gradients keep something, as long as the first layers are left. A
#   likely reason is that slopes are steep where the picture has structure, whatever comes later.
#   The signs depend most on the weights, and the display drops them.
# - The **product** (gradient times input) keeps more. Lesson 2 promised to test how much of that
#   handsome face is the network's doing. A part isn't: the product resembles the picture itself,
#   which the gradient alone hardly does, and until the first layers go it keeps more than the
#   gradient.
# - **No measure is innocent.** In the last row the guided map has a rank correlation near 0 and yet
#   an SSIM far above it: to SSIM, two maps that are almost zero nearly everywhere look alike.
#   Report more than one.
#
# And what does the test *not* show? A map that changes isn't right just because it changes: random
# numbers with a new seed would pass.
#
# ## When methods disagree (optional)
#
# You can also compare the methods with each other. Do two of them say the same about one picture?
# `agreement` takes the rank correlation of their strengths, at the resolution of the coarser one.

# %%
from course_utils.evaluation import agreement

inputs = classifier.prepare(np.repeat(scenes.images[:16], 2, axis=0))
classes = scenes.classes[:16].ravel()
both = zip(
    grad_cam(network, inputs, classes), vanilla_gradients(network, inputs, classes), strict=True
)
alike = np.array([agreement(cam, slope) for cam, slope in both])
hits = table["grad-cam"]["pointing"][:16].ravel()
print(f"agreement: mean {alike.mean():.2f}, from {alike.min():.2f} to {alike.max():.2f}")
agree = alike > np.median(alike)
for words, half in (("agree more", hits[agree]), ("agree less", hits[~agree])):
    print(f"where they {words}, Grad-CAM points right in {half.sum():.0f} of {len(half)} cases")

# %%
assert alike.min() < 0.3 and alike.max() > 0.7, (
    "The two methods should agree for some pictures, and hardly for others."
)
assert abs(hits[agree].mean() - hits[~agree].mean()) < 0.3, (
    "Agreement shouldn't tell you much about who is right."
)

# %% [markdown]
# For some pictures the two say nearly the same; for others they have little in common. It would be
# convenient if agreement meant truth. Here you can't count on it: between the two halves there is
# no difference that 32 maps could establish. **Two maps that agree may share a mistake, and two
# that disagree may both be right**, since they answer different questions. Disagreement is useful
# all the same: it tells you *which pictures to look at*, and which question you forgot to ask.
#
# ## Part 4. A shortcut, caught in the act
#
# A team trains a classifier: sea lions (0) or killer whales (1), photographed in fog. They take the
# network's *features* as they are (the 1280 means of lesson 3's feature maps), and train one layer
# on top (logistic regression, lesson 1's linear classifier with a softmax). They test on new
# pictures. You're asked to look it over.

# %%
from course_utils.evaluation import tagged_pictures

labels = np.arange(40) % 2  # sea lion, killer whale, in turn
train = tagged_pictures(labels == 1, seed=0)
test = tagged_pictures(labels == 1, seed=1)
print("to train with:", train.images.shape, " to test with:", test.images.shape)

# %%
fig, axes = plt.subplots(1, 6, figsize=(10, 2.2), dpi=70)
for ax, image, animal, label in zip(axes, train.images, train.animals, labels, strict=False):
    ax.imshow(image)
    ax.contour(animal, [0.5], colors="white", linewidths=0.8)
    ax.set_title(("sea lion", "killer whale")[label], fontsize=10)
    ax.set_axis_off()
fig.suptitle("Six of the 40 pictures to train with; the animals are outlined")
show_figure(
    fig,
    "Six foggy pictures, each with one small pale animal, outlined: sea lions and killer whales in "
    "turn. Beside each whale, and only there, is a red disc with a white middle.",
)


# %%
to_features = keras.Model(network.input, network.get_layer("average_pool").output)


def features(pictures):
    return to_features(classifier.prepare(pictures.images)).numpy()


def train_head(x, labels):
    dense = keras.layers.Dense(2, kernel_initializer="zeros")
    head = keras.Sequential([keras.Input((x.shape[1],)), dense])  # one input per feature
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.Adam(0.01), loss)
    head.fit(x, labels, batch_size=len(x), epochs=100, shuffle=False, verbose=0)
    return head


# %%
def predicted(head, x):
    return head(x).numpy().argmax(axis=1)


test_features = features(test)
biased = train_head(features(train), labels)
accuracy = (predicted(biased, test_features) == labels).mean()
print(f"accuracy on {len(labels)} new pictures: {accuracy:.0%}")
assert accuracy >= 0.95, "With its discs, the classifier should seem nearly perfect."

# %% [markdown]
# "Perfect", says the team, and wants to publish. You ask for the maps first. To explain the
# classifier, join the network and the trained layer to one Keras model; all methods of lessons 2 to
# 4 take it as it is. What speaks for *killer whale*?


# %%
def joined(head):
    scores = head.layers[-1](network.get_layer("average_pool").output)
    return keras.Model(network.input, scores)


whales = np.flatnonzero(labels == 1)
whale_inputs = classifier.prepare(test.images[whales])
cams_before = grad_cam(joined(biased), whale_inputs, 1)

# %%
from course_utils import overlay


def draw_whales(cams, title, alt):
    fig, axes = plt.subplots(1, 5, figsize=(10, 2.6), dpi=70)
    for ax, k, cam in zip(axes, whales, cams, strict=False):
        ax.imshow(overlay(test.images[k], cam))
        ax.set_title(f"raw: 0 to {cam.max():.2f}", fontsize=9)
        ax.set_axis_off()
    fig.suptitle(title)
    show_figure(fig, f"{title}. {alt}")


# %%
draw_whales(
    cams_before,
    "Grad-CAM for 'killer whale'",
    "In each of five pictures the bright area lies around the red disc; in two it covers a part of "
    "the whale as well.",
)

# %% [markdown]
# In all five the bright area surrounds the disc; in some it covers a part of the whale as well.
# (Each picture has its own colours; the raw ranges are written above.) You can't separate the two
# by eye, but there are masks of the animals and of the discs. So measure, on all 20 whales, and put
# chance beside it: random maps of the same 7 x 7 cells.

# %%
from course_utils.evaluation import energy_in_mask, pointing_game


def hit_rate(cams, masks):
    pairs = zip(cams, masks, strict=True)
    return np.mean([pointing_game(m, mask, tolerance=32) for m, mask in pairs])


masks_of = {"disc": test.tags[whales], "animal": test.animals[whales]}
random_maps = np.random.default_rng(0).random((5, len(whales), 7, 7))
chance = {name: np.mean([hit_rate(r, m) for r in random_maps]) for name, m in masks_of.items()}


# %%
def where(cams):
    found = {}
    for name, masks in masks_of.items():
        share = np.mean([energy_in_mask(m, mask) for m, mask in zip(cams, masks, strict=True)])
        hits = hit_rate(cams, masks)
        print(f"{name:>7}: {share:.3f} of the map on {masks.mean():.3f} of the picture;", end=" ")
        print(f"the maximum points at it in {hits:.0%} (chance {chance[name]:.0%})")
        found[name] = share / masks.mean(), hits
    return found


# %%
where_before = where(cams_before)
assert where_before["disc"][0] > 2 * where_before["animal"][0], (
    "Relative to its area, the disc should get more than twice as much as the animal."
)
assert where_before["disc"][1] > where_before["animal"][1] and where_before["disc"][0] > 3, (
    "Before the repair, the map should point at the disc and not at the animal."
)
assert where_before["animal"][1] < chance["animal"] + 0.25, (
    "Before the repair, pointing at the animal should be little better than chance."
)

# %% [markdown]
# (The tolerance is 32 pixels, one cell of the 7 x 7 map, because a disc is smaller than a cell.
# That is generous, so chance is well above zero.)
#
# The disc and the animal get about the same share of the map, but the disc is less than half as
# large, so relative to its area it gets more than twice as much. The maximum always points at the
# disc, and at the animal little more often than random maps do: 20 pictures can't establish that
# difference. Is that proof? No: a map is a *suspicion*. The proof is an experiment. But first ask
# why the test didn't see it.

# %% [markdown] exercise={"id": "6.5", "minutes": 8, "difficulty": "medium", "goal": 3}
# ### Exercise 6.5: accuracy by group (8 minutes, medium)
#
# The function gets three arrays of one length: the `predicted` labels, the true `labels` (0 or 1)
# and `tagged` (whether the picture has the disc). Return a table, (2, 2): the accuracy in each
# group, row 0 and 1 for the true label, column 0 without and column 1 with the disc. A group
# without any pictures has no accuracy: `np.nan` ("not a number").
#
# <details><summary>Hint 1</summary>
#
# `group = (labels == i) & (tagged == j)` picks a group; `right = predicted == labels` says which
# predictions are right.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Begin with a table `np.full((2, 2), np.nan)` and fill in `right[group].mean()` where
# `group.any()`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Dividing by the number of all pictures instead of the group; 0 or 1 for an empty group, which
# claims that something was tested; grouping by what was *predicted*; rows and columns swapped;
# comparing lists, which are equal as a whole or not.
#
# </details>


# %%
def accuracy_by_group(predicted, labels, tagged):
    ### BEGIN SOLUTION
    right = predicted == labels
    accuracy = np.full((2, 2), np.nan)
    for i in (0, 1):
        for j in (0, 1):
            group = (labels == i) & (tagged == j)
            if group.any():
                accuracy[i, j] = right[group].mean()
    return accuracy
    ### END SOLUTION


# %% tags=["nbval-check-output"]
accuracy_by_group = checks.accuracy_by_group(accuracy_by_group)


# %%
def show_groups(table):
    print(" " * 14 + "no disc    disc")
    for name, row in zip(("sea lion", "killer whale"), np.asarray(table), strict=True):
        print(f"{name:>12}" + "".join(f"{'none' if np.isnan(a) else f'{a:.2f}':>9}" for a in row))


show_groups(accuracy_by_group(predicted(biased, test_features), labels, labels == 1))

# %% [markdown]
# "none", twice: the test set has the same gap as the training set. There is no whale without a
# disc, and no sea lion with one: **the test could not fail**. 100 % was the answer to a question
# nobody meant to ask.
#
# Now the experiment. We can have the very same pictures without the disc, and with it.
#
# **Predict.** Without discs, does the accuracy stay above 90 % ("good"), fall to about a half
# ("half"), or below a quarter ("worse")?

# %%
guess_without = checks.guess(["good", "half", "worse"])

# %%
nobody, everybody = np.zeros(40, bool), np.ones(40, bool)
without, with_disc = (features(tagged_pictures(tags, seed=1)) for tags in (nobody, everybody))
plain = (predicted(biased, without) == labels).mean()
print(f"accuracy without any disc: {plain:.0%}")
answer_without = "good" if plain > 0.9 else "half" if abs(plain - 0.5) < 0.15 else "worse"
checks.prediction(guess_without, answer_without, choices=("good", "half", "worse"))
lions = (predicted(biased, without) == 0).sum()
print(f"{lions} of {len(labels)} pictures without a disc are called sea lions")
flipped = predicted(biased, with_disc)[labels == 0] == 1
print(
    f"sea lions that become killer whales when a disc is added: {flipped.sum()} of {len(flipped)}"
)

# %%
assert plain < 0.7 and flipped.mean() > 0.8 and lions > 35, (
    "Without a disc, nearly everything should be a sea lion; a disc should flip sea lions."
)

# %% [markdown]
# That is proof. (And the half isn't from tossing coins: without a disc, nearly everything is a sea
# lion to it.) The classifier uses the disc. Add it to a sea lion, and in 18 of the 20 the
# prediction flips.
#
# **Repair the data**, not the map: collect pictures in which the disc says nothing. Here, half of
# each kind get one. We keep the same 40 training pictures, the same training and the same number of
# each class, and deal out the discs differently.

# %%
half = np.arange(40) // 2 % 2 == 0  # two with a disc, two without, and so on
fair = train_head(features(tagged_pictures(half, seed=0)), labels)
cams_after = grad_cam(joined(fair), whale_inputs, 1)
where_after = where(cams_after)
assert where_after["animal"][1] > where_after["disc"][1] + 0.3 and where_after["disc"][0] < 2, (
    "After the repair, the map should point at the animal and not at the disc."
)

# %%
draw_whales(
    cams_after,
    "Grad-CAM for 'killer whale', after the repair",
    "In the same five pictures the bright area lies on the whale, and the disc is left out.",
)

# %%
tests = {
    "disc on every whale": labels == 1,
    "no disc": nobody,
    "disc on every sea lion": labels == 0,
}
print("right answers" + " " * 11 + "before     after")
results = {}
for name, tags in tests.items():
    x = np.where(tags[:, None], with_disc, without)
    before, after = results[name] = [(predicted(h, x) == labels).sum() for h in (biased, fair)]
    print(f"{name:<22}{before:3} of 40{after:4} of 40")

# %%
assert results["no disc"][0] < 28 and results["no disc"][1] > 36, (
    "Without discs, only the repaired classifier should be good."
)
assert results["disc on every sea lion"][0] < 10 and results["disc on every sea lion"][1] > 36, (
    "With the discs on the other animal, only the repaired classifier should be good."
)
assert 36 < results["disc on every whale"][1] <= results["disc on every whale"][0], (
    "On the team's own test, the two should differ by a few pictures at most."
)

# %% [markdown]
# On the team's own test (the first row), the repaired classifier gets a picture or two wrong, and
# the first one none. So few pictures can't tell the two apart, but by that test alone you would
# have kept the wrong one.
#
# **How was this made?** You need to know, to judge it.
#
# - The animals are small and have 28 % of their contrast. When we tried clear pictures, the
#   features told the two animals apart so easily that the disc did no harm. We made the task hard
#   enough for the shortcut to pay.
# - There is *one* cut-out of each animal: the same sea lion and the same killer whale in every
#   picture, mirrored or not, in another position, at another size, on another texture. "New
#   pictures" are new in these respects only. With other animals, even the repaired classifier
#   might do worse: nobody has measured it.
#
# Shortcuts happen outside of lessons, too. A classifier of horses used a copyright line (Lapuschkin
# and others 2019), and one of pneumonia recognised the hospital (Zech and others 2018).
#
# ## What we saw
#
# - Edges found without any network pointed right half of the time, and put more of their map on the
#   object than vanilla gradients did, and as much on the other.
# - Grad-CAM pointed right more often than vanilla gradients, by a difference whose interval, for
#   scenes of these cut-outs, was above zero, and put about a third as much on the other object.
# - On eight scenes, tf_explain's default Grad-CAM and SmoothGrad kept the objects apart worse than
#   ours did, which follow the papers.
# - Deleting pixels at random raised the probability about as often as it lowered it; deleting what
#   Grad-CAM ranks first mostly lowered it.
# - Guided backpropagation did not notice that the network had forgotten all its classes.
# - A classifier with a perfect test used the disc. The maps raised the suspicion, the experiment
#   proved it, other data repaired it.
#
# ## Take away
#
# - A convincing picture is no evidence. Score the raw map against something known. Beside it, put
#   an interval and a baseline that knows nothing of the network.
# - A map that survives random weights explains the picture. One that doesn't survive may still be
#   wrong.
# - Deletion compares maps only at one resolution and over many pictures, and shows the network
#   pictures it was never made for.
# - A map raises a suspicion; an experiment confirms it. Break the test set into groups, and look
#   for the empty ones.

# %%
checks.quiz(6)

# %% [markdown]
# **Your progress**, and where to go next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - J. Adebayo and others, *Sanity Checks for Saliency Maps* (2018), arXiv:1810.03292: random
#   weights.
# - J. Zhang and others, *Top-down Neural Attention by Excitation Backprop* (2016),
#   arXiv:1608.00507: the pointing game.
# - H. Wang and others, *Score-CAM* (2020), arXiv:1910.01279, section 4.3: the share on the object.
# - V. Petsiuk, A. Das, K. Saenko, *RISE* (2018), arXiv:1806.07421: deletion and insertion; before
#   it W. Samek and others (2015), arXiv:1509.06321, had deleted pixels in order.
# - S. Hooker and others, *A Benchmark for Interpretability Methods in Deep Neural Networks* (2019),
#   arXiv:1806.10758: why a picture with deleted pixels is a strange one, and ROAR as a remedy.
# - S. Lapuschkin and others, *Unmasking Clever Hans Predictors and Assessing What Machines Really
#   Learn* (2019), arXiv:1902.10178: shortcuts found with maps.
# - J. T. Springenberg and others, *Striving for Simplicity* (2014), arXiv:1412.6806: guided
#   backpropagation.
# - J. Zech and others, *Confounding variables can degrade generalization performance of
#   radiological deep learning models* (2018), arXiv:1807.00431.
#
# **Next:** lesson 7, *Creative brief*: your own picture, and one page that explains it.
