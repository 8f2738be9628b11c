# %% [markdown]
# # Lesson 7. Creative brief: explain a picture of your own
#
# You can compute three kinds of map, and you've seen each of them mislead. Now choose a picture of
# your own, ask a network about it, and tell somebody else on one page what you found. Will the page
# say what is true, or what you hoped to see?
#
# **Goals.** After this lesson you can
#
# 1. choose two classes, a method and its settings, and write down what you expect *before* you
#    look at a map,
# 2. put a number on what a map shows, and test it by changing the picture,
# 3. make an explanation card that opens offline, works for everybody, and can be reproduced.
#
# **You need** lessons 2 to 4. **Time:** 90 minutes: 50 for the example and 40 for your own card.
# The computer is busy for less than one of them. The core path takes 45 minutes; sections marked
# *optional* can wait. Run their cells anyway: later cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **I have no picture, or no idea.** Take the *astronaut*, as the notebook does, and change one
#   thing: the class, the method or the layer. The prompts under *Now yours* are starting points,
#   too.
# - **My picture is refused, or its class isn't there.** The message says what was expected. There
#   are 1000 classes, and `classifier.class_index("dog")` names the ones closest to yours. You can't
#   explain a class that the network doesn't have, and that is worth a card of its own.
# - **All four corners of my box are wrong (exercise 7.3).** Rows count from the top, columns from
#   the left, and the end isn't included. Try a map of 4 x 4 with a single 1 in it.
# - **What do I write under *what would change your mind*?** Something you could *do*: cover this
#   part, choose that class, take another seed. Then say which result would make you take your
#   sentence back.
#
# Still stuck? Move on: the check has given the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try, and in which order.
#
# </details>

# %% [markdown]
# ## The brief
#
# Hand in one **explanation card**, as a picture (PNG) and as a web page (HTML). It shows your
# picture, the prediction with probabilities, two maps with their raw ranges, the settings, and what
# would change your mind. This is how it's judged:
#
# | Criterion | From | To | Points |
# |---|---|---|---|
# | Expectation | "it will look at the object" | place, reason, number; sealed before the map | 4 |
# | Classes | two names for one thing | a comparison that could come out either way | 3 |
# | Method | the defaults, no reason | a reason for it; anybody can run it again | 3 |
# | Evidence | "as you see" | a share, the area beside it, a test with controls | 4 |
# | Honesty | the map is "the reason" | what it doesn't show; failed expectations kept | 3 |
# | Change of mind | "more data" | a condition that was evaluated, whatever came out | 2 |
# | Readable by all | no description | an alt text from which you could draw the card | 1 |
#
# There are 20 points in all. The right end of a row earns its points, and the left end earns none.
# You lose no points for an expectation that turned out wrong. You do lose points for one that was
# changed afterwards.
#
# Go through the lesson once as it is, with the example. Then put in your own picture and start
# again at the top, cell by cell. With *Run all* you would see the map before you've written down
# what you expect.

# %% [markdown]
# ## Your picture, and who sees it
#
# On your own machine nothing is uploaded: the picture goes from your disk into this notebook, and
# the network runs here. In **Colab** the notebook runs on one of Google's computers, and a picture
# that you upload goes there. So choose a picture that you're allowed to share. If it shows people,
# ask them; the card will show them too.
#
# `source` may be the name of an example, the path of a file, an array or, in Colab, "upload".

# %% tags=["brief"]
from course_utils import example_images
from course_utils.apps.plan import read_picture, remarks

source = "astronaut"  # or r"D:\pictures\dog.jpg", or in Colab "upload"
picture = read_picture(source)
print("Examples:", ", ".join(example_images()))

# %% [markdown]
# A photograph from a phone also records when and where it was taken. The card is made from the
# pixels that the network sees and from nothing else, so the time and the place don't travel with
# it.
#
# You'll draw a box later; that's what the rulers along the edges are for.

# %%
from matplotlib import pyplot as plt

from course_utils import load_classifier
from course_utils.display import show_figure

classifier = load_classifier()
for remark in remarks(picture, classifier.input_size):
    print("Note:", remark)
inputs = classifier.prepare(picture)
seen = classifier.restore(inputs)[0]

# %% tags=["brief"]
fig, ax = plt.subplots(figsize=(4.2, 4.2))
ax.imshow(seen)
ax.grid(color="white", linewidth=0.4)
ax.set(title="What the network sees", xlabel="column (pixel)", ylabel="row (pixel)")
description = example_images().get(str(source), "A picture of my own.")  # describe yours here
show_figure(fig, f"{description} Seen by the network, with rows and columns numbered from 0.")
example = str(source) == "astronaut" and classifier.name == "efficientnet-lite0"

# %% [markdown]
# ## Choose before you look
#
# If you look at a map first and think second, you'll find a reason for *any* map: bright on the
# face, "of course, the face"; bright on the wall, "of course, the light". This is **confirmation
# bias**, and good intentions don't help. A fixed order does. Look at the picture and guess the
# prediction. Look at the prediction and write down what you expect of the map. Only then look at
# the map.
#
# **Predict.** ImageNet has 1000 classes, and *astronaut* isn't one of them. What will the network
# say? Write the name of a class that you think it may know.

# %%
from course_utils import checks

label_guess = checks.guess(classifier.labels)

# %% tags=["nbval-check-output"]
every = classifier.predict(picture, top=len(classifier.labels))[0]  # all classes, in order
predictions = every[:5]
for p in predictions:
    print(f"{p.probability:6.1%}  {p.label} (class {p.class_index})")
checks.prediction(label_guess, predictions[0].label, classifier.labels)

# %% tags=["nbval-check-output"]
rest = sum(p.probability for p in every[5:])
print(f"all classes except the first five: {rest:.0%}")
if example:
    assert predictions[0].label == "bobsled" and 0.45 < rest < 0.55, (
        "The network should say bobsled, with half of the 100 % in classes not listed."
    )

# %% [markdown]
# A bobsled! A network can't say "none of these": it has to share out 100 % among the classes that
# it knows. It isn't sure, either: half of the 100 % went to classes that aren't even on the list.
# But why a bobsled, of all things? Is it the helmet? To ask, you need *two* classes: a region that
# supports both tells you nothing about the choice between them.

# %% [markdown] exercise={"id": "7.1", "minutes": 6, "difficulty": "easy", "goal": 1}
# ### Exercise 7.1: two classes (6 minutes, easy)
#
# `predictions` is the list for one picture, the most probable class first. `expected` is the index
# of the class that you think is right, or `None` if the network has no such class. Return two class
# indexes: the predicted class and its **rival**. The rival is the class you expected. If that is
# the predicted class, or `None`, the rival is the runner-up.
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

# %% tags=["nbval-check-output", "brief"]
from course_utils.apps.plan import class_number

expected = None  # for your own picture, for example "tabby", or the number of a class
chosen = choose_classes(predictions, class_number(classifier, expected))
classes = [int(c) for c in chosen]
names = [classifier.labels[c] for c in classes]
if names[0] == names[1]:  # ImageNet has two cranes, a bird and a machine
    names = [f"{name} ({c})" for name, c in zip(names, classes, strict=True)]
shown = [p for p in every if p in predictions or p.class_index in classes]  # on the card
for p in shown:
    if p.class_index in classes:
        print(f"{p.label}: {p.probability:.1%}")

# %% [markdown]
# The card always gives the probability of the rival, even if it's the five-hundredth on the list. A
# comparison with a class that the network all but rules out reads differently.
#
# ## The method and its settings
#
# Which method answers *your* question? In lesson 6, Grad-CAM kept two objects apart best, in 7 x 7
# coarse cells. SmoothGrad has finer detail, but in lesson 4 it drew *tabby* and *banana* much
# alike. (Change both lines together: each method has settings of its own.) One dictionary holds the
# settings, and the same dictionary goes to the method *and* onto the card, so the two can't
# disagree.

# %% tags=["brief"]
from course_utils import grad_cam, gradient_times_input, smoothgrad, vanilla_gradients

method = grad_cam  # or smoothgrad, vanilla_gradients, gradient_times_input
settings = {"relu": True}  # for smoothgrad: {"samples": 30, "noise": 0.15, "seed": 0}

# %% [markdown] exercise={"id": "7.2", "minutes": 5, "difficulty": "easy", "goal": 3}
# ### Exercise 7.2: settings that can be run again (5 minutes, easy) (optional)
#
# Turn a dictionary such as `{"samples": 30, "noise": 0.15, "seed": 0}` into the text
# `samples=30, noise=0.15, seed=0`, which a reader could paste between the brackets of a call. Don't
# round anything, and leave nothing out.
#
# <details><summary>Hint 1</summary>
#
# `settings.items()` gives pairs of name and value; `", ".join(...)` puts commas between texts.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `f"{name}={value!r}"`: the `!r` writes the value as Python code, with all its digits, and puts
# quotes around texts.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Leaving out values that are 0, False or None; rounding; adding quotes by hand, or none; typing the
# names of one method's settings when another method has others; printing instead of returning.
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
# **box**: the first row, the first column, and the first row and column that are *outside* again.
# Ours holds the helmet. A box that covers a tenth of the picture gets a tenth of any map that is
# the same everywhere. How many *times* that share would you call support?
#
# And what would **change your mind**? Later you'll cover the box with grey and see how far the
# score falls. For comparison you need **controls**, boxes of the same size elsewhere. Choose them
# now. Ours are the suit with its collar; the upper right corner, with the wall and a part of the
# model shuttle; and the face.

# %% tags=["brief"]
box = (150, 125, 224, 222)  # top, left, bottom, right
controls = {"suit": (75, 20, 149, 117), "corner": (0, 127, 74, 224), "face": (10, 60, 84, 157)}
times = 2  # this many times the box's share of the area would be support
expectation = "the helmet in the box, because bobsledders wear helmets"
reason = "Grad-CAM, because two classes are to be compared"
change_of_mind = (
    "covering the box lowers the score by less than twice what the strongest control does"
)

# %% [markdown]
# A sentence can be bent afterwards; code can't. So write the condition once more, as a function
# that will be *run* after the test. It gets `fall`, by how much the score falls when your box is
# covered, and `control_falls`, the same for each control by name. It returns `True` if you have to
# change your mind. If your condition needs something that isn't measured here, return `None`: the
# card will then say that it was *not evaluated*.


# %% tags=["brief"]
def changes_my_mind(fall, control_falls):
    strongest = max(control_falls.values())
    return fall < 2 * max(strongest, 0)  # covering a control may also raise the score


# %% [markdown]
# `check_plan` tries out everything you've chosen, without a look at your map: it runs the method on
# a picture that shows nothing but a ramp of grey.

# %%
from course_utils.apps.plan import check_plan, code_of, recipe, verdict
from course_utils.images import GREY

doubts = check_plan(classifier, classes, method, settings, box, controls, times, changes_my_mind)
if not (expectation and reason and change_of_mind):
    doubts.append("One of the three sentences is empty.")
if not example and "helmet" in str(expectation):
    doubts.append("The picture or the model is yours, and the plan is still the example's.")
for doubt in doubts:
    print("Note:", doubt)

# %%
how = recipe(method, settings_text(settings), settings, f"{classifier.name}, classes {classes}")
plan = (
    f"I expect {expectation}: box {box}, at least {times} times its area. {reason}: {how}. "
    f"I change my mind if {change_of_mind}, in code: {code_of(changes_my_mind)}. "
    f"Controls: {controls}, each covered with grey (level {GREY} of 255)."
)
print(plan)

# %% [markdown]
# Now **seal** the plan. A *hash* is a number computed from a text. Change one letter, and you get a
# completely different one. (Spaces and line breaks don't count here: copying a text may change
# them.) Send the eight characters to a partner before you go on. They give nothing away now, and
# later they show that you didn't change the plan.

# %%
import hashlib


def seal(text):
    words = " ".join(text.split())
    return hashlib.sha256(words.encode("utf-8")).hexdigest()[:8]


print("my seal:", seal(plan))
print("with one more full stop:", seal(plan + "."))
assert seal(plan) != seal(plan + "."), "One more full stop should give another seal."
as_given = example and seal(plan) == "30045f82"  # what we say below is about this plan

# %% [markdown]
# ## How much of the map is in the box?
#
# "The map is mostly on the helmet" is an opinion. The *share* of the map in the box is a number:
#
# $$\text{share} = \frac{\sum_{\text{box}} |M_{ij}|}{\sum_{\text{picture}} |M_{ij}|}$$
#
# And how much is a lot? A map that knows nothing, the same everywhere, gives a box exactly the
# box's share of the *area*. Compare a share with that.

# %% [markdown] exercise={"id": "7.3", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 7.3: the share in a box (8 minutes, medium)
#
# `values` is a map of the picture's size, (H, W), perhaps with negative values; `box` is
# `(top, left, bottom, right)`. Return the share of $\sum |M|$ that is in the box, from 0 to 1.
# For a map that is zero everywhere, return 0.0.
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
# sliced in turn, `[top:bottom][left:right]`; taking `bottom` and `right` for height and
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
# channels becomes one number per pixel, as in lesson 2, and a coarse one is enlarged, as in lesson
# 3.

# %%
from course_utils.display import map_values
from course_utils.images import resize_map


def maps_of(classifier, inputs, classes, method, settings):
    batch = np.repeat(inputs, len(classes), axis=0)  # the same picture once per class
    raw = method(classifier.model, batch, classes, **settings)
    return [resize_map(map_values(m), classifier.input_size) for m in raw]


area = evidence_share(np.ones(classifier.input_size), box)
print(f"the box covers {area:.1%} of the picture")

# %% [markdown]
# **Predict.** Is the share of the predicted class's map in your box "above" the share of the area,
# or "below" it?

# %%
share_guess = checks.guess(["above", "below"])

# %%
maps = maps_of(classifier, inputs, classes, method, settings)
shares = [evidence_share(m, box) for m in maps]
for name, share in zip(names, shares, strict=True):
    print(f"{name}: {share:.0%} in the box, {share / area:.1f} times its area")
checks.prediction(share_guess, "above" if shares[0] > area else "below", ["above", "below"])

# %% tags=["thumbnail"]
from course_utils import show_maps

title = how.partition(" of ")[0].removeprefix("course_utils.")
show_maps(seen, dict(zip(names, maps, strict=True)), title=title, shared_scale=True)

# %% [markdown]
# The example's expectation failed. In the map of *bobsled* the helmet gets more than its area, but
# not twice as much. Most of the map is elsewhere, a good part of it on the suit. In the map of
# *football helmet*, the runner-up, the helmet gets about half. Seen alone, the first map could have
# passed for "it's the helmet". Beside its rival, you see that the helmet does even more for the
# *other* class.

# %%
if as_given:
    assert area < shares[0] < 2 * area and 0.42 < shares[1] < 0.56, (
        "The helmet should get up to twice its area of the first map, and half of the second."
    )
    assert evidence_share(maps[0], controls["suit"]) > area, "The suit should get a good part."

# %% [markdown]
# ## The garden of methods (optional)
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

# %%
found = {}
for name, (one_method, options) in methods.items():
    try:
        [rival_map] = maps_of(classifier, inputs, classes[1:], one_method, options)
    except ValueError as why:  # Grad-CAM needs a convolution, and your own model may have none
        print(f"{name:>21}: not possible. {why}")
        continue
    found[name] = evidence_share(rival_map, box)
    print(f"{name:>21}: {found[name]:.0%} in the box, {area:.0%} of the area")

# %%
if as_given:
    assert 1.8 * min(found.values()) < max(found.values()) < 3 * min(found.values()), (
        "The largest of the four shares should be about twice the smallest."
    )
    assert sorted(found, key=found.get)[::3] == ["vanilla_gradients", "grad_cam"], (
        "Vanilla gradients should give the smallest share, and Grad-CAM the largest."
    )

# %% [markdown]
# If you like the helmet story, you report Grad-CAM; if you don't, vanilla gradients. Both numbers
# are right. The methods answer different questions, and if you pick the method *after* you've seen
# the numbers, you pick the answer. Nobody has to lie for that. If you do try several, report all of
# them.
#
# ## What would change your mind?
#
# A map is a hint, and a hint can be tested: change the picture, and let the network answer. Cover
# the box with grey. If the helmet is the reason, the score must fall, and it must fall *more* than
# when you cover something else of the same size. Our plan says: twice as much.

# %%
from course_utils.apps.card import percent, signed
from course_utils.network.run import class_scores

grey_picture = classifier.prepare(np.full_like(seen, GREY))


def score_changes(box):
    top, left, bottom, right = box
    covered = inputs.copy()
    covered[:, top:bottom, left:right] = grey_picture[:, top:bottom, left:right]
    before, after = class_scores(classifier.model, np.concatenate([inputs, covered]))
    return (after - before)[classes]


# %% [markdown]
# **Predict.** Cover the box: does the score of the predicted class "rise", "fall" or "stay" (change
# by less than 0.3)?

# %%
cover_guess = checks.guess(["rise", "fall", "stay"])


# %%
def in_a_word(change):
    return "stay" if abs(change) < 0.3 else "rise" if change > 0 else "fall"


change = score_changes(box)
for name, value in zip(names, change, strict=True):
    print(f"{name}: the score changes by {signed(value)}")
checks.prediction(cover_guess, in_a_word(change[0]), ["rise", "fall", "stay"])

# %% [markdown]
# Both scores fall, and the football helmet's falls by far the most. Now the controls of the plan.
# The map gave the face *less* than its area.
#
# **Predict.** Cover the face: does the score of *bobsled* "rise", "fall" or "stay"?

# %%
face_guess = checks.guess(["rise", "fall", "stay"])

# %%
tested = {}
for name, other in {"my box": box, **controls}.items():
    tested[name] = evidence_share(maps[0], other), *score_changes(other)
    share, first, rival = tested[name]
    print(f"{name:>7}: {share:4.0%} of the map", end="")
    print(f"   {names[0]} {signed(first)}   {names[1]} {signed(rival)}")
if "face" in tested:
    checks.prediction(face_guess, in_a_word(tested["face"][1]), ["rise", "fall", "stay"])

# %%
falls = {name: -first for name, (_, first, _) in tested.items()}
fall = falls.pop("my box")
strongest = max(falls, key=falls.get)
print(f"covering the box changes the score by {signed(-fall)}")
print(f"covering the strongest control, {strongest!r}, changes it by {signed(-falls[strongest])}")
outcome = verdict(changes_my_mind, fall, falls, plan)
print(outcome)

# %%
if as_given:
    assert "my mind is changed" in outcome and fall > falls[strongest], (
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
# The helmet counts, but only a little more than the suit. By our own condition, written down in
# advance, we have to change our mind. A card that says so is worth more than one on which
# everything came out as hoped.
#
# The test agrees with the map that the corner matters little, and that suit and helmet both
# count. But without the *face* the score of bobsled falls almost as much as without the suit,
# although the map gave the face less than its area. How can both be true? This map divides up the
# score of *this* picture (lesson 3: its numbers and a constant add up to it). Cover the face, and
# the other positions change too, since each of them has seen the whole picture: dividing up a
# score isn't predicting one. And a grey rectangle isn't "nothing". It's a new object with edges
# of its own, in a kind of picture that the network never saw in training. A test that disagrees
# with a map doesn't prove the map wrong. It shows that the card mustn't claim more than was
# tested.
#
# One thing is left to write: what does your card *not* show?

# %% tags=["brief"]
not_shown = "What the network does with other pictures; what matters by not being in the picture"

# %% [markdown]
# ## The card, as a picture
#
# The text of the card comes from one dictionary, `facts`, heading to text. It's used twice: for the
# picture and for the web page.

# %%
from course_utils.apps.card import card_figure

probabilities = ", ".join(f"{p.label} {percent(p.probability)}" for p in shown)
facts = {
    "Prediction": probabilities,
    "Planned before the maps were computed": f"{plan} Seal: {seal(plan)}",
}
tests = [f"{name} {signed(a)} and {signed(b)}" for name, (_, a, b) in tested.items()]
heading = f"Change of the scores of {names[0]} and {names[1]} when covered with grey"
facts[heading] = f"{', '.join(tests)} (grey is level {GREY} of 255)."

# %%
as_expected = "as" if shares[0] >= times * area else "not as"
facts["What came out"] = (
    f"In the map of {names[0]} the box got {shares[0] / area:.1f} times its area, {as_expected} "
    f"expected. {outcome}"
)
by_method = ", ".join(f"{name} {share:.0%}" for name, share in found.items())
facts[f"The same box, {names[1]}, by {len(found)} methods"] = f"{by_method}; area {area:.0%}."
facts["What this card does not show"] = f"{not_shown}."

# %% [markdown]
# `card_figure` draws it. The boxes are in the picture, the probabilities are written at the ends of
# the bars, and both maps share one scale, with their raw ranges below.

# %%
card_title = f"'{names[0]}' or '{names[1]}': what speaks for which?"
captions = [f"{n}: {s:.0%} in my box" for n, s in zip(names, shares, strict=True)]
drawn = {title: dict(zip(captions, maps, strict=True))}
boxes = {"my box": box, **controls}
card = card_figure(card_title, seen, shown, drawn, facts, boxes)
show_figure(card, f"{description} {card.alt_text}")

# %% [markdown]
# ## The card, as a web page
#
# A web page is a text in which `<` and `&` have a meaning. A title such as *Is p < 0.5?* must
# therefore be **escaped**: `html.escape` turns `<` into `&lt;`, which a browser shows as `<`. The
# picture goes *into* the page, its bytes written as letters (base64): the page then needs no other
# file and no internet. And the picture needs an **alt text**, a description that blind readers hear
# and that everybody reads when the picture fails to load.
#
# This is the frame of the page. The `viewport` makes a phone show it at a readable size, and
# `max-width` keeps its lines short on a wide screen. (`PAGE.format` turns the doubled braces into
# single ones.)

# %%
import base64
import html

from course_utils.apps.card import PAGE

print(PAGE)
print(html.escape('Is p < 0.5, "tabby" & co?'))
print(base64.b64encode(b"bytes").decode("ascii"))

# %% [markdown] exercise={"id": "7.4", "minutes": 12, "difficulty": "medium", "goal": 3}
# ### Exercise 7.4: a page for everybody (12 minutes, medium) (optional)
#
# Return the whole page as a text. `PAGE` from above is the frame. The body is an
# `<img src="data:image/png;base64,..." alt="...">` with the bytes `png`, and then an `<h2>` with
# the heading and a `<p>` with the text for each entry of `facts`. Escape everything that a person
# typed, exactly once: title, alt text, headings and texts.
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
# last line is `return PAGE.format(title=..., body=...)`. Escape the title there, and not the body,
# which is code already.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# No alt text; a path as `src`, which leaves the picture missing on every other machine; the title
# not escaped; the whole body escaped, which shows readers the code; all headings before all texts;
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


# %% tags=["nbval-check-output"]
card_html = checks.card_html(card_html)

# %% [markdown]
# ## Write both files
#
# With `folder = None` the files go to a temporary folder, are read back and removed. Name a folder,
# and your card stays there, beside this notebook. In Colab you'll find it on the left, under
# *Files*, and can download it from there. (A second card of the same name replaces the first.)
#
# On the page the facts are text, so its picture leaves them out.

# %% tags=["brief"]
import re
import tempfile
from pathlib import Path

from course_utils.display import as_png

folder = None  # for example "my_cards"


def write_card(folder, name, png, page):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png)
    (folder / f"{name}.html").write_bytes(page.encode("utf-8"))
    return folder / f"{name}.png", folder / f"{name}.html"


# %%
png = as_png(card)
picture_only = card_figure("", seen, shown, drawn, boxes=boxes)
alt = f"{description} {picture_only.alt_text}"
page = card_html(card_title, as_png(picture_only), alt, facts)

# %%
with tempfile.TemporaryDirectory() as temporary:
    png_path, html_path = write_card(folder or temporary, "card", png, page)
    png_again, page_again = png_path.read_bytes(), html_path.read_bytes().decode("utf-8")
print(f"{png_path.name}: {len(png_again) // 1024} KB")
needs = [tag for tag in re.findall("<(?:img|link|script)[^>]*>", page_again) if "data:" not in tag]
print(f"{html_path.name}: {len(page_again) // 1024} KB, other files that it needs: {len(needs)}")
assert png_again == png and page_again == page and not needs, (
    "The files should hold what was written, and the page should need no other file."
)

# %% [markdown]
# This is the web page, as a browser shows it. Listen to it with a screen reader, if you have one.
# (Some viewers of notebooks leave the frame below empty. The file itself opens in every browser.)

# %%
from IPython.display import HTML

inside = html.escape(page_again)
style = "box-sizing: border-box; width: 100%; height: 30em; border: 1px solid grey"
HTML(f'<div><iframe title="The card as a page" srcdoc="{inside}" style="{style}"></iframe></div>')

# %% [markdown]
# ## Now yours
#
# Put in your own, from the top: `source`; `description`, which becomes part of the alt text;
# `expected`; `method` and `settings`; `box`, `controls`, `times`, the three sentences and
# `changes_my_mind`. Then stop, and seal the plan. After the map and the test: `not_shown` and
# `folder`.
#
# Any picture will do. If you can't decide:
#
# - **A misclassified picture.** Photograph something that the network gets wrong. What does the
#   right class's map show? (Give the right class as `expected`.)
# - **Two objects** in one picture: `source = "two_objects"`, or a dog and a cup. Does each class's
#   map find its own object? Cover one: what happens to the other's score?
# - **A class that is absent.** `expected = "banana"` on a picture without one. There is a map all
#   the same. Which number on your card tells the reader not to believe it?
# - **Another model.** `load_classifier("mobilenet_v2")` downloads 14 MB once. Same picture, same
#   classes, same box: is it the same answer?
# - **A Keras model of your own**, for example the one below.

# %% [markdown]
# ## A model of your own (optional)
#
# The methods take any Keras image classifier. To use it like the course's own, wrap it in a
# `Classifier`: a name, the size of its input, its labels, the model, and two functions that prepare
# pixels and undo it. (A model with one output, a sigmoid, gets two labels: the first is the class
# that it calls 0.) Here is a tiny network for the handwritten digits of lesson 1, dark ink on white
# paper, 8 by 8. (The model must take three channels; `load_image` makes three out of a grey
# picture's one.)

# %%
from course_utils import load_image
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
print(f"right on {len(right)} test digits: {right.mean():.0%} (guessing: 10%)")
assert right.mean() > 0.85, "The network should read more than 85 % of the digits."

# %% [markdown]
# Twenty passes over 1300 digits take a few seconds. All the functions above work with this model as
# well. For a whole card about a network of yours, run its cells first and put it in place of
# `load_classifier()` at the top; box and controls then count the pixels of *its* input.
#
# A misread digit is easy to find. What spoke for the wrong digit, and what spoke for the right one?

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
# With `relu=False` the map keeps its signs: red areas count for a digit, blue ones against it, and
# the numbers at the colour bar say the same. The map of the last layer has only 4 x 4 cells here,
# so don't read anything smaller than two pixels into it. (Which digit is misread depends a little
# on your computer, because training does.) Draw a digit yourself, dark on white, save it as a
# picture, and read it with `read_picture`.
#
# ## What a map does not show
#
# Before you hand in your card, read it once more with this list beside it.
#
# - **Not the reason.** A map shows where *this network's* score is sensitive (gradients) or where
#   it adds up (Grad-CAM, at the last layer). It can't say whether the network uses a thing as you
#   do, or for another reason.
# - **Not what is missing.** What speaks for *bobsled* may be something that is *not* there.
# - **Not a forecast.** You covered the face, and the score fell more than the map suggested.
# - **Not one answer.** Four methods gave four shares for one box.
# - **Not the rule.** One picture is one picture. "The network looks at helmets" is a claim about
#   thousands.
# - **Not right or wrong.** A sensible map doesn't make a prediction right, and a strange one
#   doesn't make it wrong.

# %% [markdown]
# ## What we saw
#
# - Without a class for what it saw, the network still shared out 100 %, and put *bobsled* first.
# - The helmet got more than its area in the map of *bobsled*, and far more in the map of its rival,
#   *football helmet*.
# - In the same box, four methods gave shares that differed by a factor of about two.
# - Covering the helmet lowered the score a little more than covering the suit: not twice as much,
#   as the plan had asked for.
# - Covering the face lowered the score of *bobsled*, though its map gave the face less than its
#   area.
# - The card went through a file and came back the same, and needed no other file to open.
#
# ## Take away
#
# - Choose before you look: class, method, settings, and an expectation with a number.
# - Compare: with a rival class, with the area, with a control.
# - Test a map by changing the picture, and claim no more than was tested.
# - Write down what would change your mind, as something that can be run. If nothing would, you
#   didn't need the map.
#
# A few questions to close with. Click on an answer: each one tells you something.

# %%
checks.quiz(7)

# %% [markdown]
# **Your progress**, and where to go next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - J. Adebayo and others, *Sanity Checks for Saliency Maps* (2018), arXiv:1810.03292: maps that
#   look right and don't depend on what the network learned.
# - M. Ribeiro, S. Singh, C. Guestrin, *"Why Should I Trust You?"* (2016), arXiv:1602.04938: a
#   husky that was taken for a wolf because of the snow.
# - F. Doshi-Velez, B. Kim, *Towards A Rigorous Science of Interpretable Machine Learning* (2017),
#   arXiv:1702.08608: how to put an explanation to the test.
# - M. Mitchell and others, *Model Cards for Model Reporting* (2018), arXiv:1810.03993: one page
#   about a whole network.
#
# **Next:** exchange cards with a partner, and send the picture along. Copy the plan from your
# partner's web page, as far as the word *Seal*, and put it between three quotes, with an `r` before
# them, `seal(r"""...""")`: do you get the same eight characters? Then run the recipe, and see
# whether you get the same map.
