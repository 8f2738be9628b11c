# %% [markdown]
# # Lesson 7. Creative brief: explain a picture of your own
#
# You can compute three kinds of map, and you have seen each of them mislead. Now choose a picture
# of your own, ask a network about it, and tell somebody else on one page what you found. Will the
# page say what is true, or what you hoped to see?
#
# **Goals.** After this lesson you can
#
# 1. choose two classes, a method and its settings, and write down what you expect *before* you
#    look at a map,
# 2. put a number on what a map shows, and test it by changing the picture,
# 3. make an explanation card that opens offline, can be read by everybody, and can be run again.
#
# **You need** lessons 2 to 4. **Time:** 90 minutes, 50 for the example and 40 for your own card;
# the computer works less than one.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **I have no picture, or no idea.** Take the *astronaut*, as the notebook does, and change
#   one thing: the class, the method, the layer. The prompts under *Now yours* are beginnings, too.
# - **My picture is refused, or its class is not there.** The message says what was expected. There
#   are 1000 classes: `classifier.class_index("dog")` names those that come close to yours. What the
#   network has no class for cannot be explained as that class, and this is worth a card of its own.
# - **All four corners of my box are wrong (exercise 7.3).** Rows count from the top, columns from
#   the left, and the end is not included. Try a map of 4 x 4 with a single 1 in it.
# - **What do I write under *what would change your mind*?** Something that one could *do*: cover
#   this part, choose that class, take another seed; and what would have to come out for you to take
#   your sentence back.
#
# Nothing of it helps? Go on: the check has given the notebook a working version. What to try in
# which order stands in lesson 0, *How exercises work*.
#
# </details>

# %% [markdown]
# ## The brief
#
# Hand in one **explanation card**, as a picture (PNG) and as a web page (HTML). It shows: your
# picture, the prediction with probabilities, two maps with their raw ranges, the settings, and one
# sentence on what would change your mind. This is how it is judged:
#
# | What is judged | From | To | Points |
# |---|---|---|---|
# | Expectation | "it will look at the object" | place, reason, number; sealed before the map | 4 |
# | Classes | two names for one thing | a comparison that could come out either way | 3 |
# | Method | the defaults, no reason | a reason for it; anybody can run it again | 3 |
# | Evidence | "as one can see" | a share, the area beside it, a test with controls | 4 |
# | Honesty | the map is "the reason" | what it does not show; failed expectations kept | 3 |
# | Change of mind | "more data" | what could be done, and what would have to come out | 2 |
# | Readable by all | no description | alt text after which one could draw the card | 1 |
#
# The points, 20 in all, are for the right end of a row; the left end gets none.
# An expectation that turned out wrong costs no points. One that was changed afterwards does.
#
# Go through the lesson once as it is, with the example. Then put in your own picture and begin
# again at the top, cell by cell: with *Run all* you would see the map before you have written down
# what you expect.

# %% [markdown]
# ## Your picture, and who sees it
#
# On your own machine nothing is uploaded: the picture goes from your disk into this notebook, and
# the network runs here. In **Colab** the notebook runs on a computer of Google's, and a picture
# that you upload goes there. So choose a picture that you may pass on. If it shows people, ask
# them; the card will show them too.
#
# `source` may be the name of an example, the path of a file, an array, or, in Colab, "upload".

# %%
import sys

from course_utils import example_images, load_image

source = "astronaut"  # or r"D:\pictures\dog.jpg", or in Colab "upload"


def read_picture(source):
    if isinstance(source, str) and source == "upload":
        if "google.colab" not in sys.modules:
            raise ValueError('"upload" works in Colab only: give the path of a file instead.')
        from google.colab import files

        uploaded = files.upload()  # a button; the picture goes to Google's machine
        source = next(iter(uploaded.values()), "astronaut")
    return load_image(source)


picture = read_picture(source)
print("Examples:", ", ".join(example_images()))

# %% [markdown]
# A photograph from a telephone also carries the place and the time at which it was taken. The card
# is made from the pixels alone, the ones that the network sees, and so these do not travel with it.
#
# The ruler along the edges is for later: you will draw a box.

# %%
from matplotlib import pyplot as plt

from course_utils import load_classifier
from course_utils.display import show_figure

classifier = load_classifier()
inputs = classifier.prepare(picture)
seen = classifier.restore(inputs)[0]
fig, ax = plt.subplots(figsize=(4.2, 4.2))
ax.imshow(seen)
ax.grid(color="white", linewidth=0.4)
ax.set(title="What the network sees", xlabel="column (pixel)", ylabel="row (pixel)")
description = example_images().get(str(source), "A picture of my own.")  # describe yours here
show_figure(fig, f"{description} Seen by the network, with rows and columns numbered from 0.")

# %% [markdown]
# ## Choose before you look
#
# Whoever looks at a map first and thinks second finds a reason for *any* map: bright on the face,
# "of course, the face"; bright on the wall, "of course, the light". This is **confirmation bias**,
# and good intentions do not help. What helps is an order: look at the picture, guess the
# prediction; look at the prediction, write down what you expect of the map; and only then look at
# the map.
#
# **Predict.** ImageNet has 1000 classes, and *astronaut* is not one of them. What will the network
# say? Write the name of a class that you think it may know.

# %%
label_guess = ...

# %% tags=["nbval-check-output"]
from course_utils import checks

predictions = classifier.predict(picture)[0]
for p in predictions:
    print(f"{p.probability:6.1%}  {p.label} (class {p.class_index})")
checks.prediction(label_guess, predictions[0].label, classifier.labels)

# %% tags=["nbval-check-output"]
rest = 1 - sum(p.probability for p in predictions)
print(f"all classes but the first five: {rest:.0%}")
if isinstance(source, str) and source == "astronaut":
    assert predictions[0].label == "bobsled" and 0.45 < rest < 0.55, (
        "The network should say bobsled, with half of the 100 % in classes not listed."
    )

# %% [markdown]
# A bobsled! A network cannot say "none of these": it has to share 100 % among the classes that it
# knows. It is not sure, either: half of the 100 % went to classes that are not even in the list.
# But why a bobsled, of all things? Is it the helmet? To ask, you need *two* classes: a place that
# speaks for both says nothing about the choice between them.

# %% [markdown] exercise={"id": "7.1", "minutes": 6, "difficulty": "easy", "goal": 1}
# ### Exercise 7.1: two classes (6 minutes, easy)
#
# `predictions` is the list for one picture, the most probable class first. `expected` is the index
# of the class that you hold to be right, or `None` if the network has no such class. Return two
# class indexes: the predicted class, and its **rival**. The rival is the class that you expected;
# but if that is the predicted one, or `None`, it is the runner-up.
#
# <details><summary>Hint 1</summary>
#
# `predictions[0].class_index` is the predicted class, `predictions[1].class_index` the runner-up.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Begin with `if expected is None or expected == predictions[0].class_index:`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Returning names instead of indexes; `if expected:`, which overlooks class 0; `is` in place of `==`
# between numbers; looking for the expected class among the first five only; returning the same
# class twice.
#
# </details>


# %%
def choose_classes(predictions, expected):
    ### BEGIN SOLUTION
    first, second = predictions[0].class_index, predictions[1].class_index
    if expected is None or expected == first:
        return first, second
    return first, expected
    ### END SOLUTION


# %% tags=["nbval-check-output"]
choose_classes = checks.choose_classes(choose_classes)

# %% tags=["nbval-check-output"]
expected = None  # for your own picture, for example classifier.class_index("tabby")
cat = classifier.predict(load_image("cat"))[0]
for who, five, right_class in ("cat", cat, 281), ("my picture", predictions, expected):
    names = [classifier.labels[c] for c in choose_classes(five, right_class)]
    print(f"{who}: {names[0]} against {names[1]}")
classes = [int(c) for c in choose_classes(predictions, expected)]

# %% [markdown]
# ## The method and its settings
#
# Which method answers *your* question? Grad-CAM tells classes apart best, in 7 x 7 coarse cells.
# SmoothGrad is fine-grained and similar for many classes. (Change both lines together: each method
# has settings of its own.) One dictionary holds the settings, and
# this same dictionary goes to the method *and* onto the card: so the two cannot disagree.

# %%
from course_utils import grad_cam, gradient_times_input, smoothgrad, vanilla_gradients

method = grad_cam  # or smoothgrad, vanilla_gradients, gradient_times_input
settings = {"relu": True}  # for smoothgrad: {"samples": 30, "noise": 0.15, "seed": 0}

# %% [markdown] exercise={"id": "7.2", "minutes": 5, "difficulty": "easy", "goal": 3}
# ### Exercise 7.2: settings that can be run again (5 minutes, easy)
#
# Turn a dictionary such as `{"samples": 30, "noise": 0.15, "seed": 0}` into the text
# `samples=30, noise=0.15, seed=0`: what a reader could paste between the brackets of a call.
# Nothing is rounded and nothing left out.
#
# <details><summary>Hint 1</summary>
#
# `settings.items()` gives pairs of name and value; `", ".join(...)` puts commas between texts.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `f"{name}={value!r}"`: the `!r` writes the value as Python code, with all digits, and texts with
# their quotes.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Leaving out what is 0, False or None; rounding; quotes by hand, or none; typing the names of one
# method, when another has others; printing instead of returning.
#
# </details>


# %%
def settings_text(settings):
    ### BEGIN SOLUTION
    parts = [f"{name}={value!r}" for name, value in settings.items()]
    return ", ".join(parts)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
settings_text = checks.settings_text(settings_text)

# %% [markdown]
# ## Write it down, and seal it
#
# Where will the map of the predicted class be strong, and why? Say it in a sentence, and as a
# **box**: first row, first column, and the first row and column that are *outside* again. Ours
# holds the helmet. How many *times* its share of the area must the box get, so that you would call
# it support?
#
# And what would **change your mind**? Later you will cover the box with grey and see how the score
# falls. For comparison you need **controls**, boxes of the same size elsewhere: choose them now,
# and say what would have to come out. Ours are the suit with its collar; the upper right corner,
# where there is wall and a part of the model shuttle; and the face.

# %%
box = (150, 125, 224, 222)  # top, left, bottom, right
controls = {"suit": (75, 20, 149, 117), "corner": (0, 127, 74, 224), "face": (10, 60, 84, 157)}
times = 2  # what I would call support: so many times the box's share of the area
expectation = "the helmet in the box, because bobsledders wear helmets"
reason = "Grad-CAM, because two classes are to be compared"
change_of_mind = "covering the box lowers the score by less than twice what any control does"

# %%
recipe = f"{method.__name__}({settings_text(settings)}) of {classifier.name}, classes {classes}"
plan = (
    f"I expect {expectation}: box {box}, at least {times} times its area. {reason}: {recipe}. "
    f"I change my mind if {change_of_mind}; controls {controls}."
)
print(plan)

# %%
ours = ("astronaut", grad_cam, {"relu": True}, (150, 125, 224, 222), None)
mine = (source if isinstance(source, str) else "", method, settings, box, expected)
as_given = mine == ours  # our sentences, and our checks of them, are about this one
height, width = classifier.input_size
for top, left, bottom, right in (box, *controls.values()):
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ValueError(f"A box is (top, left, bottom, right), within {height} x {width} pixels.")
if mine[0] != "astronaut" and "helmet" in plan:
    print("Careful: the picture is yours, and the plan is still the example's.")

# %% [markdown]
# Now **seal** the plan. A *hash* is a number computed from a text; change one letter, and it is
# quite another one. Send the eight characters to a partner before you go on: they give nothing
# away, and later they show that you did not change the plan.

# %%
import hashlib


def seal(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


print("my seal:", seal(plan))
print("with one more full stop:", seal(plan + "."))
assert seal(plan) != seal(plan + "."), "One more full stop should give another seal."

# %% [markdown]
# ## How much of the map lies in the box?
#
# "The map is mostly on the helmet" is an opinion. The *share* of the map that lies in the box is a
# number:
#
# $$\text{share} = \frac{\sum_{\text{box}} |M_{ij}|}{\sum_{\text{picture}} |M_{ij}|}$$
#
# And what is much? A map that knows nothing, the same everywhere, puts into a box just the box's
# share of the *area*. That is what a share has to be compared with.

# %% [markdown] exercise={"id": "7.3", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 7.3: the share in a box (8 minutes, medium)
#
# `values` is a map of the picture's size, (H, W), perhaps with negative values; `box` is
# `(top, left, bottom, right)`. Return the share of $\sum |M|$ that lies in the box, from 0 to 1.
# For a map that is zero everywhere return 0.0.
#
# <details><summary>Hint 1</summary>
#
# `np.abs(values)[top:bottom, left:right]` is the part in the box: rows first, then columns.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Sum the part, sum the whole, divide; if the whole is zero, return 0.0.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# A share of the map with its signs, which can be negative or above 1; rows and columns swapped, or
# sliced one after the other, `[top:bottom][left:right]`; taking `bottom` and `right` for height and
# width; the mean instead of the sum; rounding.
#
# </details>

# %%
import numpy as np


def evidence_share(values, box):
    ### BEGIN SOLUTION
    top, left, bottom, right = box
    strength = np.abs(values)
    total = strength.sum()
    share = strength[top:bottom, left:right].sum() / total if total else 0.0
    return float(share)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
evidence_share = checks.evidence_share(evidence_share)

# %% [markdown]
# One function computes the maps of both classes, at the size of the picture. A map with three
# channels becomes one number a pixel, as in lesson 2, and a coarse one is enlarged, as in lesson 3.

# %%
from course_utils.display import map_values
from course_utils.images import resize_map


def maps_of(classifier, inputs, classes, method, settings):
    batch = np.repeat(inputs, len(classes), axis=0)
    raw = method(classifier.model, batch, classes, **settings)
    return [resize_map(map_values(m), classifier.input_size) for m in raw]


area = evidence_share(np.ones(classifier.input_size), box)
print(f"the box covers {area:.1%} of the picture")

# %% [markdown]
# **Predict.** Does the share of the predicted class's map in your box lie "above" the share of the
# area, or "below" it?

# %%
share_guess = ...

# %%
maps = maps_of(classifier, inputs, classes, method, settings)
shares = [evidence_share(m, box) for m in maps]
for c, share in zip(classes, shares, strict=True):
    print(f"{classifier.labels[c]}: {share:.0%} in the box, {share / area:.1f} times its area")
checks.prediction(share_guess, "above" if shares[0] > area else "below", ["above", "below"])

# %%
from course_utils import show_maps

names = [classifier.labels[c] for c in classes]
title = f"{method.__name__}({settings_text(settings)})"
show_maps(seen, dict(zip(names, maps, strict=True)), title=title, shared_scale=True)

# %% [markdown]
# The example's expectation failed. In the map of *bobsled* the helmet gets more than its area, but
# not twice as much, and most of the map lies elsewhere, a good part of it on the suit. In the map
# of *football helmet*, the runner-up, it gets about half. Seen alone, the first map could have
# passed for "it is the helmet"; beside its rival one sees that the helmet speaks even more for the
# *other* class.

# %%
if as_given:
    assert area < shares[0] < 2 * area and 0.42 < shares[1] < 0.56, (
        "The helmet should get up to twice its area of the first map, and half of the second."
    )

# %% [markdown]
# ## The garden of methods
#
# Suppose we had *not* sealed the method. Here is the share in the same box, for the same picture
# and the rival class, by four methods of this course.

# %%
methods = {
    "vanilla_gradients": (vanilla_gradients, {}),
    "gradient_times_input": (gradient_times_input, {}),
    "smoothgrad": (smoothgrad, {"samples": 20}),
    "grad_cam": (grad_cam, {}),
}
found = {}
for name, (one_method, options) in methods.items():
    [rival_map] = maps_of(classifier, inputs, classes[1:], one_method, options)
    found[name] = evidence_share(rival_map, box)
    print(f"{name:>21}: {found[name]:.0%}")

# %%
if as_given:
    assert max(found.values()) > 1.8 * min(found.values()), (
        "The four methods should give very different shares."
    )
    assert sorted(found, key=found.get)[::3] == ["vanilla_gradients", "grad_cam"], (
        "Vanilla gradients should give the smallest share, and Grad-CAM the largest."
    )

# %% [markdown]
# Who likes the helmet reports Grad-CAM; who does not, vanilla gradients. Both numbers are right.
# The methods answer different questions, and whoever picks the method *after* seeing the numbers
# picks the answer. Nobody has to lie for that. If you do try several, report all of them.
#
# ## What would change your mind?
#
# A map is a hint, and a hint can be tested: change the picture, and let the network say. Cover the
# box with grey. If the helmet is the reason, the score must fall, and it must fall *more* than when
# something else of the same size is covered: twice as much, our plan says.


# %%
def score_changes(box, grey=0.0):
    top, left, bottom, right = box
    covered = inputs.copy()
    covered[:, top:bottom, left:right] = grey  # an input of 0 is grey
    scores = classifier.score_model(np.concatenate([inputs, covered])).numpy()
    return (scores[1] - scores[0])[classes]


# %% [markdown]
# **Predict.** Cover the box: does the score of the predicted class "rise", "fall" or "stay" (change
# by less than 0.3)?

# %%
cover_guess = ...


# %%
def in_a_word(change):
    return "stay" if abs(change) < 0.3 else "rise" if change > 0 else "fall"


change = score_changes(box)
for name, value in zip(names, change, strict=True):
    print(f"{name}: score {value:+.2f}")
checks.prediction(cover_guess, in_a_word(change[0]), ["rise", "fall", "stay"])

# %% [markdown]
# Both scores fall, that of the football helmet by far the most. Now the controls of the plan. The
# map gave the face *less* than its area.
#
# **Predict.** Cover the face: does the score of *bobsled* "rise", "fall" or "stay"?

# %%
face_guess = ...

# %%
tested = {}
for name, other in {"my box": box, **controls}.items():
    tested[name] = evidence_share(maps[0], other), *score_changes(other)
    share, first, rival = tested[name]
    print(f"{name:>7}: {share:4.0%} of the map   {names[0]} {first:+.2f}   {names[1]} {rival:+.2f}")
if "face" in tested:
    checks.prediction(face_guess, in_a_word(tested["face"][1]), ["rise", "fall", "stay"])

# %%
falls = {name: -first for name, (_, first, _) in tested.items()}
strongest = max(falls[name] for name in controls)
changed = falls["my box"] < 2 * strongest  # for your own condition, change this line
print(f"covering the box: {falls['my box']:.2f} less; the strongest control: {strongest:.2f} less")
print("my mind is changed" if changed else "my mind is not changed")

# %%
if as_given:
    assert changed and falls["my box"] > strongest, (
        "The helmet should count most, but less than twice as much as a control."
    )
    assert tested["face"][0] < area and tested["face"][1] < -0.6, (
        "The face should get little of the map, and cost much when it is covered."
    )
    assert tested["suit"][1] < -0.7 and tested["suit"][2] > 0.4 and tested["suit"][0] > area, (
        "The suit should speak for bobsled and against the football helmet."
    )
    assert tested["face"][1] < 0.7 * tested["suit"][1], "The face should cost nearly as much."
    assert abs(tested["corner"][1]) < 0.4 and tested["my box"][2] < -2.5, (
        "The corner should matter little, and the helmet much to its own class."
    )

# %% [markdown]
# The helmet counts, and no more than a little above the suit: by our own condition, written down
# before, we have to change our mind. A card that says so is worth more than one on which everything
# came out as hoped.
#
# The map is right about the corner, and right that suit and helmet both count. But without the
# *face* the score of bobsled falls almost as much as without the suit, and the map gave the face
# less than its area. How can both be? This map divides up the score of *this* picture (lesson 3:
# its numbers and a constant add up to it). Cover the face, and the other places change too, since
# each of them has seen the whole picture: an account is no forecast. And a grey rectangle is not
# "nothing": it is a new object, with edges, in a picture of a kind that the network never saw in
# training. A test that disagrees with a map does not prove the map wrong; it shows that the card
# must not claim more than was tested.
#
# The last thing to write: what does your card *not* show?

# %%
not_shown = "what the network does with other pictures; what matters by not being in the picture"

# %% [markdown]
# ## The card, as a picture
#
# A few small functions draw it; you need not read them. The predictions are bars with their numbers
# written at the ends; a map gets its colour bar and its raw range, and both maps share one scale.

# %%
import textwrap

from course_utils.display import DIVERGING, SEQUENTIAL, color_limits, describe_map


def draw_predictions(ax, predictions):
    bars = ax.barh(range(len(predictions)), [p.probability for p in predictions], color="0.4")
    ax.bar_label(bars, [f"{p.probability:.1%}" for p in predictions], padding=3, fontsize=8)
    ax.set_yticks(range(len(predictions)), [p.label for p in predictions], fontsize=8)
    ax.set(title="Prediction", xlabel="probability", xlim=(0, 1.15))
    ax.invert_yaxis()


# %%
def draw_box(ax, box, title):
    top, left, bottom, right = box
    for colour, style, width in ("black", "-", 3), ("white", "--", 1.5):  # seen on any ground
        corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
        look = {"edgecolor": colour, "linestyle": style, "linewidth": width}
        ax.add_patch(plt.Rectangle(corner, *size, fill=False, **look))
    ax.set(title=title, xticks=[], yticks=[])


# %%
def draw_map(ax, values, name, limits, box):
    low, high = limits
    colours = DIVERGING if low < 0 else SEQUENTIAL
    drawn = ax.imshow(values, cmap=colours, vmin=low, vmax=high or 1)
    ends = "both" if low < 0 else "max"  # the strongest 1 % share the last colour
    ax.figure.colorbar(drawn, ax=ax, shrink=0.9, label="value of the map", extend=ends)
    draw_box(ax, box, f"Map of {name}")
    raw = f"raw: {values.min():.2g} to {values.max():.2g}"
    share, area = evidence_share(values, box), evidence_share(np.ones_like(values), box)
    ax.set_xlabel(f"{raw}\n{share:.0%} in the box, {area:.0%} of the area", fontsize=9)


# %% [markdown]
# The text comes from one dictionary, `facts`, heading to text. It is used twice, for the picture
# and for the web page.


# %%
def draw_card(title, seen, predictions, maps, names, box, facts):
    text = "\n\n".join(textwrap.fill(f"{head}: {fact}", 115) for head, fact in facts.items())
    heights = 6.6, 0.17 * (text.count("\n") + 2)  # the card grows with its text
    fig = plt.figure(figsize=(8.2, sum(heights)), dpi=80, layout="constrained")
    top, bottom = fig.subfigures(2, 1, height_ratios=heights)
    (picture_ax, bars_ax), map_axes = top.subplots(2, 2)
    picture_ax.imshow(seen)
    draw_box(picture_ax, box, "Picture, with my box")
    draw_predictions(bars_ax, predictions)
    for ax, values, name in zip(map_axes, maps, names, strict=True):
        draw_map(ax, values, name, color_limits(np.stack(maps), 99), box)
    bottom.text(0.02, 0.98, text, va="top", fontsize=9, parse_math=False)
    top.suptitle(title, parse_math=False)
    return fig


# %%
def tell(predictions, maps, names, box):
    said = [f"{p.label} {p.probability:.1%}" for p in predictions]
    area = evidence_share(np.ones_like(maps[0]), box)
    lines = [f"My box {box} covers {area:.0%} of the picture."]
    for name, values in zip(names, maps, strict=True):
        share = evidence_share(values, box)
        lines.append(f"{name}: {describe_map(values)}; {share:.0%} of |map| in the box.")
    return {"Prediction": ", ".join(said), "Maps": " ".join(lines)}


title = f"'{names[0]}' or '{names[1]}': what speaks for which?"
facts = tell(predictions, maps, names, box)
facts["Planned before the maps were computed"] = f"{plan} Seal: {seal(plan)}"
tests = [f"{name} {a:+.2f} and {b:+.2f}" for name, (_, a, b) in tested.items()]
facts[f"Scores of {names[0]} and {names[1]} when covered"] = ", ".join(tests) + "."

# %%
as_expected = "as" if shares[0] >= times * area else "not as"
facts["What came out"] = (
    f"The box got {shares[0] / area:.1f} times its area, {as_expected} expected. After the test my "
    f"mind is {'' if changed else 'not '}changed."
)
by_method = ", ".join(f"{name} {share:.0%}" for name, share in found.items())
facts[f"The same box, {names[1]}, by four methods"] = f"{by_method}."
facts["What this card does not show"] = f"{not_shown}."

# %% [markdown]
# ## The card, as a web page
#
# A web page is a text in which `<` and `&` have a meaning. A title such as *Is p < 0.5?* must
# therefore be **escaped**: `html.escape` turns `<` into `&lt;`, which a browser shows as `<`. The
# picture goes *into* the page, its bytes written as letters (base64), so that the page needs no
# other file and no internet. And the picture needs an **alt text**: the description that a blind
# reader hears, and that everybody reads when the picture fails to load.

# %%
import base64
import html

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="max-width: 50em; margin: auto; font-family: sans-serif">
<h1>{title}</h1>
{body}
</body></html>"""
print(html.escape('Is p < 0.5, "tabby" & co?'))
print(base64.b64encode(b"bytes").decode("ascii"))

# %% [markdown] exercise={"id": "7.4", "minutes": 12, "difficulty": "medium", "goal": 3}
# ### Exercise 7.4: a page for everybody (12 minutes, medium)
#
# Return the whole page as a text. `PAGE` from above is the frame. The body is an
# `<img src="data:image/png;base64,..." alt="...">` with the bytes `png`, and then for each entry of
# `facts` an `<h2>` with the heading and a `<p>` with the text. Everything that a person typed is
# escaped, exactly once: title, alt text, headings and texts.
#
# <details><summary>Hint 1</summary>
#
# `data = base64.b64encode(png).decode("ascii")`, and then
# `body = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Add `f"<h2>{html.escape(heading)}</h2>"` and the same with `<p>` for each of `facts.items()`. The
# last line is `return PAGE.format(title=..., body=...)`, with the title escaped and the body not:
# the body is code already.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# No alt text; a path as `src`, so that the picture is missing on every other machine; the title not
# escaped; the whole body escaped, so that readers see code; all headings before all texts;
# `b'...'` in the data, because `.decode("ascii")` was forgotten.
#
# </details>


# %%
def card_html(title, png, alt, facts):
    ### BEGIN SOLUTION
    data = base64.b64encode(png).decode("ascii")
    body = f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'
    for heading, text in facts.items():
        body += f"\n<h2>{html.escape(heading)}</h2><p>{html.escape(text)}</p>"
    return PAGE.format(title=html.escape(title), body=body)
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
card_html = checks.card_html(card_html)

# %% [markdown]
# ## Write both files
#
# `folder = None` writes into a temporary folder, which is read back and removed. Name a folder, and
# your card stays there, beside this notebook; in Colab you find it on the left, under *Files*, and
# download it from there. (A second card of the same name replaces the first.)

# %%
import io
import re
import tempfile
from pathlib import Path

folder = None  # for example "my_cards"


def write_card(folder, name, png, page):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png)
    (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder / f"{name}.png", folder / f"{name}.html"


# %%
fig = draw_card(title, seen, predictions, maps, names, box, facts)
file = io.BytesIO()
fig.savefig(file, format="png", metadata={"Software": None})
plt.close(fig)  # it will be shown in the next cell, with its description
alt = f"{description} A dashed box is drawn in it. Bars: {facts['Prediction']}. {facts['Maps']}"
page = card_html(title, file.getvalue(), alt, facts)

# %%
with tempfile.TemporaryDirectory() as temporary:
    png_path, html_path = write_card(folder or temporary, "card", file.getvalue(), page)
    png_again, page_again = png_path.read_bytes(), html_path.read_text(encoding="utf-8")
print(f"{png_path.name}: {len(png_again) // 1024} KB")
needs = [tag for tag in re.findall("<(?:img|link|script)[^>]*>", page_again) if "data:" not in tag]
print(f"{html_path.name}: {len(page_again) // 1024} KB, other files that it needs: {len(needs)}")
assert png_again == file.getvalue() and page_again == page and not needs, (
    "The files should hold what was written, and the page should need no other file."
)
show_figure(fig, alt)

# %% [markdown]
# This is the PNG. And below is the web page, as a browser shows it; listen to it with a screen
# reader, if you have one. (Some viewers of notebooks leave such a frame empty. The file itself
# opens in every browser.)

# %%
from IPython.display import HTML

inside = html.escape(page_again)
style = "width: 100%; height: 30em; border: 1px solid grey"
HTML(f'<div><iframe title="The card as a page" srcdoc="{inside}" style="{style}"></iframe></div>')

# %% [markdown]
# ## Now yours
#
# Put in your own, from the top: `source`; `description`, which becomes part of the alt text;
# `expected`; `method` and `settings`; `box`, `controls`, `times`, and the three sentences; then
# stop, and seal the plan. After the map and the test: `not_shown`, `folder`.
#
# Any picture will do. If you cannot decide:
#
# - **A misclassified picture.** Photograph something that the network gets wrong. What does the
#   right class's map show? (Give the right class as `expected`.)
# - **Two objects** in one picture: `source = "two_objects"`, or a dog and a cup. Does each class's
#   map find its own object? Cover one: what does the other's score do?
# - **A class that is absent.** `expected = classifier.class_index("banana")` on a picture without
#   one. There is a map all the same. Does anything on your card tell the reader that it is empty
#   talk?
# - **Another model.** `load_classifier("mobilenet_v2")` downloads 14 MB once. Same picture, same
#   classes, same box: is it the same answer?
# - **A Keras model of your own**, for example the following.

# %% [markdown]
# ## A model of your own
#
# The methods take any Keras image classifier. To use it like the course's own, wrap it in a
# `Classifier`: a name, the size of its input, its labels, the model, and two functions that prepare
# pixels and undo it. Here is a tiny network for the handwritten digits of lesson 1, dark ink on
# white paper, 8 by 8. (The model must take three channels; `load_image` makes three of a grey
# picture's one.)

# %%
from course_utils.images import load_digits

ink, digit_labels = load_digits()
pages = [load_image((255 - 15 * page).astype("uint8")) for page in ink]
print(len(pages), "pictures of the shape", pages[0].shape)

# %%
import keras

from course_utils.models import Classifier

keras.utils.set_random_seed(0)
layers = [
    keras.Input((8, 8, 3)),
    keras.layers.Conv2D(16, 3, activation="relu"),
    keras.layers.Conv2D(32, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(10),  # scores: no softmax here
]
net = keras.Sequential(layers)
ten = tuple("0123456789")
digits = Classifier("my digits", (8, 8), ten, net, lambda p: 1 - p / 255, lambda x: 255 * (1 - x))

# %%
x = digits.prepare(pages)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
net.compile(keras.optimizers.Adam(0.01), loss)
net.fit(x[:1300], digit_labels[:1300], epochs=20, batch_size=32, verbose=0)
right = net.predict(x[1300:], verbose=0).argmax(axis=1) == digit_labels[1300:]
print(f"right on test digits: {right.mean():.0%}")
assert right.mean() > 0.85, "The network should read more than 85 % of the digits."

# %% [markdown]
# Twenty rounds over 1300 digits take a few seconds. The functions above work with it as well. For a
# whole card about a network of yours, run its cells first, put it in place of `load_classifier()`
# at the top, and ask what *grey* is for it: our digits' input is 0 for white paper and 1 for ink,
# so that one would cover with 0.5.
#
# A misclassified picture is easy to find. What spoke for the wrong digit, and what for the right
# one?

# %%
wrong = 1300 + int(np.flatnonzero(~right)[0])
digit_predictions = digits.predict(pages[wrong])[0]
digit_classes = list(choose_classes(digit_predictions, int(digit_labels[wrong])))
digit_names = [digits.labels[c] for c in digit_classes]
print(f"the network says {digit_names[0]}, the label says {digit_names[1]}")
digit_maps = maps_of(digits, x[wrong : wrong + 1], digit_classes, grad_cam, {"relu": False})
assert digit_classes[0] != digit_classes[1] == digit_labels[wrong], (
    "The first class should be the wrong one, and the second the label."
)
panels = {f"Speaks for {n}": m for n, m in zip(digit_names, digit_maps, strict=True)}
show_maps(pages[wrong], panels, title="A digit that was misread", shared_scale=True)

# %% [markdown]
# With `relu=False` the map keeps its signs: red places speak for a digit, blue ones against it, and
# the numbers at the colour bar say the same. The last layer's map has 4 x 4 cells here, so look at
# nothing smaller than two pixels. (Which digit is misread depends a little on your computer, since
# training does.) Draw a digit yourself, dark on white, save it as a picture, and read it with
# `read_picture`.
#
# ## What a map does not show
#
# Before you hand in your card, read it once more with this list.
#
# - **Not the reason.** A map shows where *this network's* score is sensitive. Whether the network
#   uses a thing as you do, or for another reason, a place in a picture cannot say.
# - **Not what is missing.** What speaks for *bobsled* may be what is *not* there.
# - **Not a forecast.** You covered the face, and the score fell more than the map let expect.
# - **Not one answer.** Four methods gave four shares for one box.
# - **Not the rule.** One picture is one picture. "The network looks at helmets" is a claim about
#   thousands.
# - **Not right or wrong.** A sensible map does not make a prediction right, and a strange one does
#   not make it wrong.

# %% [markdown]
# ## What we saw
#
# - Without a class for what it saw, the network still shared out 100 %, and put *bobsled* first.
# - The helmet got more than its area in the map of *bobsled*, and about twice that in the map of
#   its rival, *football helmet*.
# - In the same box, four methods gave shares that differed by a factor of about two.
# - Covering the helmet lowered the score a little more than covering the suit: not twice as much,
#   as the plan had asked for.
# - Covering the face lowered the score of *bobsled*, though its map gave the face less than its
#   area.
# - The card went through a file and came back the same, with nothing else needed to open it.
#
# ## Take away
#
# - Choose before you look: class, method, settings, and an expectation with a number.
# - Compare: with a rival class, with the area, with a control.
# - Test a map by changing the picture, and claim no more than was tested.
# - Write down what would change your mind. If nothing would, the map was not needed.
#
# A few questions to close with. Click on an answer: each one tells you something.

# %%
checks.quiz(7)

# %% [markdown]
# **Your progress**, and where to go on:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - J. Adebayo and others, *Sanity Checks for Saliency Maps* (2018), arXiv:1810.03292: maps that
#   look right and do not depend on what the network learned.
# - M. Ribeiro, S. Singh, C. Guestrin, *"Why Should I Trust You?"* (2016), arXiv:1602.04938: a
#   husky that was taken for a wolf because of the snow.
# - F. Doshi-Velez, B. Kim, *Towards A Rigorous Science of Interpretable Machine Learning* (2017),
#   arXiv:1702.08608: how an explanation can be put to a test.
# - M. Mitchell and others, *Model Cards for Model Reporting* (2018), arXiv:1810.03993: one page
#   on a whole network.
#
# **Next:** exchange cards with a partner, and send the picture along. Copy the plan from your
# partner's web page, as far as the word *Seal*, into `seal("...")`: are they the same eight
# characters? Then run the recipe, and see whether you get the same map.
