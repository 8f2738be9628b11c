# %% [markdown]
# # Lesson 2. Vanilla gradients: one backward pass to the pixels
#
# Change one pixel a little: does the network become more or less sure of *tabby*? There are 150,528
# numbers in the picture, and you could try them one by one. Backpropagation answers for all of
# them at once.
#
# **Goals.** After this lesson you can
#
# 1. compute the gradient of a class score with respect to the input, with TensorFlow's tape,
# 2. turn that gradient into a saliency map, and say what was thrown away on the way,
# 3. explain why one differentiates the score and not the probability.
#
# **You need** lessons 0 and 1, or to have met the derivative of a function of several variables.
# Backpropagation is the chain rule, done by the computer; lesson 1 does it by hand.
# **Time:** 75 minutes, of which the computer works less than one; 60 without the optional exercise.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **The gradient is `None`.** The tape did not see how the score came about. Is the input a
#   tensor, does `tape.watch(x)` come before the model, and is the score computed *inside* the
#   `with`?
# - **My numbers are tiny, or almost all 0.** Is it the gradient of a probability? Take
#   `classifier.score_model`. Or is the input the picture itself, from 0 to 255? Send it through
#   `classifier.prepare`.
# - **My map has one axis too many.** The networks take and return *batches*: (1, 224, 224, 3). The
#   channels go with the maximum, the batch with `[0]`.
# - **Integrated gradients are one idea too many (exercise 2.4).** It is optional. On paper: $y =
#   x^2$ from 0 to 3, with the slopes at 0.5, 1.5 and 2.5; their mean times 3 is 9, which is $y$.
#
# Nothing of it helps? Go on: the check has given the notebook a working version. What to try in
# which order stands in lesson 0, *How exercises work*.
#
# </details>

# %% [markdown]
# ## The question
#
# Of a linear score $S = w_1 x_1 + w_2 x_2 + \dots$ you can read the answer off: one unit more of
# $x_i$ moves $S$ by the weight $w_i$, wherever you are. A deep network has no such weights. But
# close to one picture $x_0$, for small enough steps, it is approximately linear,
#
# $$S_c(x) \approx S_c(x_0) + w \cdot (x - x_0),
# \qquad w = \frac{\partial S_c}{\partial x}\Big|_{x_0}$$
#
# and its gradient $w$ plays the part of the weights. Simonyan, Vedaldi and Zisserman (2014)
# proposed to look at $w$ as a picture. That is all there is to *vanilla gradients*.

# %%
from course_utils import load_classifier, load_image

classifier = load_classifier()
picture = load_image("cat")
inputs = classifier.prepare(picture)
tabby = classifier.class_index("tabby")
print("inputs:", inputs.shape, " class:", tabby)

# %% [markdown]
# ## By hand first: nudge one number
#
# Take the green value of the pixel in row 90, column 83, in the iris of the eye on the left. Add
# a little,
# $h$, and see how the score moves; subtract as much, and divide the difference by $2h$. This is a
# *finite difference*, and it needs no calculus at all.

# %%
row, column, green = 90, 83, 1


def slope_by_hand(h):
    plus, minus = inputs.copy(), inputs.copy()
    plus[0, row, column, green] += h
    minus[0, row, column, green] -= h
    score_plus = classifier.score_model(plus)[0, tabby].numpy()
    score_minus = classifier.score_model(minus)[0, tabby].numpy()
    return (score_plus - score_minus) / (2 * h)


slope = slope_by_hand(h=0.002)
print(f"slope {slope:+.3f}: the score per unit of this one number")

# %% [markdown]
# Two runs of the network for one number of 150,528. **Predict.** How long would all of them take
# on your computer? Write "seconds", "minutes" or "hours" in place of the dots.

# %%
time_guess = ...

# %%
import time

from course_utils import checks

start = time.perf_counter()
for _ in range(10):
    classifier.score_model(inputs)
seconds = (time.perf_counter() - start) / 10 * 2 * inputs.size
print(f"{2 * inputs.size:,} runs of the network")
answer = "seconds" if seconds < 60 else "minutes" if seconds < 3600 else "hours"
checks.prediction(time_guess, answer, ["seconds", "minutes", "hours"])

# %% [markdown]
# ## One backward pass
#
# A `GradientTape` records what is computed while it is open, and then goes backwards through the
# record with the chain rule. By default it watches only trainable variables, such as a network's
# weights, since that is what training needs. Here the weights stay as they are; **the question is
# about the input**, and so we ask the tape to watch the input.

# %%
import tensorflow as tf

x = tf.constant(inputs)
with tf.GradientTape() as tape:
    tape.watch(x)
    scores = classifier.score_model(x)
    score = scores[:, tabby]
gradient = tape.gradient(score, x).numpy()
print("gradient:", gradient.shape)

# %% [markdown]
# One slope for every number of the input. Is it the same slope as the one by hand?

# %%
by_tape = gradient[0, row, column, green]
# The step is small, and so is the difference of the two scores: their rounding shows in the slope.
print(f"by hand {slope:+.3f}, by the tape {by_tape:+.3f}")
assert abs(by_tape - slope) < 0.3 * abs(by_tape), (
    "The two slopes should nearly agree. Are they for the same number of the input, and the same "
    "class?"
)

# %% [markdown]
# It is, nearly (0.002 is a small step, but not zero), and all 150,528 slopes came out of one run
# forward and one backward.
#
# ## How far does a slope reach?
#
# One unit of the input is 128 of the 256 levels of brightness, so that our step of 0.002 was a
# quarter of one level: nobody could see it. **Predict.** With steps that one can see, does the
# slope stay about the same? Write "yes" or "no" in place of the dots.

# %%
reach_guess = ...

# %%
slopes = {h: slope_by_hand(h) for h in (0.002, 0.008, 0.03, 0.1)}
for h, one_slope in slopes.items():
    print(f"step {h:.3f} = {h * 128:4.1f} levels:   slope {one_slope:+.3f}")
answer = "yes" if abs(slopes[0.1] / slopes[0.002] - 1) < 0.3 else "no"
checks.prediction(reach_guess, answer, ["yes", "no"])
assert abs(slopes[0.1]) < 0.5 * slopes[0.002], (
    "Over a step of 0.1, the slope should lose more than half of its size."
)

# %% [markdown]
# It does not: from thirteen levels down to thirteen levels up, the mean slope even has the other
# sign. We chose a striking number, but it is no exception. A gradient is a statement about the
# *immediate neighbourhood* of this one picture. It does not say what happens when a pixel is
# changed visibly, painted over, or taken away. Keep this in mind whenever a map is called an
# explanation.

# %% [markdown] exercise={"id": "2.1", "minutes": 8, "difficulty": "medium", "goal": 1}
# ### Exercise 2.1: gradients (8 minutes, medium)
#
# Put the above into a function. It gets a model that ends in scores, a batch of inputs (a NumPy
# array), and the index of a class; it returns the gradient of that class's score with respect to
# the inputs, with signs.
#
# <details><summary>Hint 1</summary>
#
# A tape watches tensors, not NumPy arrays: begin with `x = tf.convert_to_tensor(inputs)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Inside the tape: watch `x`, call the model on `x`, pick the column of the class. Outside:
# `tape.gradient(score, x)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Forgetting `tape.watch`, so that the gradient is `None`; differentiating all scores at once, whose
# gradients then add up; applying a softmax; asking for the gradient of the weights.
#
# </details>


# %%
def gradients(score_model, inputs, class_index):
    ### BEGIN SOLUTION
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = score_model(x)[:, class_index]
    return tape.gradient(score, x)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
gradients = checks.gradients(gradients)

# %% [markdown]
# The helper package has the same function, with the same formula in it, for any Keras classifier.
# From here on we use it; compare.

# %%
import numpy as np

from course_utils import vanilla_gradients

ours = np.asarray(gradients(classifier.score_model, inputs, tabby))
theirs = vanilla_gradients(classifier.model, inputs, tabby)
difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
print(f"size of the difference: {difference:.0%} of the gradient's own size")
assert difference < 0.05, (
    "Your gradients and ours should agree. Run the check of exercise 2.1, then this cell."
)

# %% [markdown]
# They agree. But don't expect the same digits. Numbers in float32 have about seven of them, and a
# GPU, or another batch size, adds in another order and so rounds differently. A unit that is almost
# exactly at the kink of its ReLU may then fall on the other side of it, and at some pixels the
# slope changes visibly, by up to a few per cent of the largest. That is why we compare the sizes of
# the whole gradients here, and not number by number.
#
# ## From numbers to a picture
#
# The gradient has three signed numbers per pixel, a picture of it needs one colour per pixel. So we
# must throw something away. Simonyan et al. take, at each pixel, the largest *absolute* value of
# the three channels:
#
# $$M_{ij} = \max_k |w_{ijk}|$$
#
# This keeps *how much* a pixel matters, and loses *in which direction*.

# %% [markdown] exercise={"id": "2.2", "minutes": 4, "difficulty": "easy", "goal": 2}
# ### Exercise 2.2: a saliency map (4 minutes, easy)
#
# Write $M$ for a whole batch: (B, H, W, 3) in, (B, H, W) out.
#
# <details><summary>Hint 1</summary>
#
# `np.abs` takes absolute values; the channels are the last axis.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `.max(axis=-1)` takes the largest along the last axis.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Taking the maximum before the absolute value, which loses strong negative slopes; the mean, in
# which red and green can cancel; the wrong axis.
#
# </details>


# %%
def saliency_map(gradient):
    ### BEGIN SOLUTION
    return np.abs(gradient).max(axis=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
saliency_map = checks.saliency_map(saliency_map)

# %% [markdown]
# **Predict.** Where will the map be bright: on the fur, on the eyes, on the background, everywhere?

# %%
from course_utils import show_maps

seen = classifier.restore(inputs)[0]
saliency = np.asarray(saliency_map(theirs))[0]
show_maps(seen, {"Vanilla gradients": saliency}, title="Class 'tabby'")
# %% [markdown]
# The muzzle and the eye on the left are brighter than the fur around them, but two corners and the
# blurred background at the top right are as bright. Had you looked only for the eye, you would
# have found it, and missed those. And everywhere bright pixels stand beside dark ones: *noise*. The
# picture is smooth, but its slopes are not: a network with many layers of ReLUs (which cut off
# whatever is negative) is made of very many linear pieces, and you have seen how short the reach of
# one slope is. Lesson 4 averages much of the noise away.
#
# ## What the display does to the numbers
#
# Look at the colour bar: it ends far below the maximum that is written under the map, and its
# pointed end says that stronger values share the last colour. They are the strongest 1 % of the
# pixels (all above the 99th *percentile*). If only the strongest one got the last colour, the rest
# would drown:

# %%
show_maps(seen, {"Not clipped": saliency}, percentile=100, title="Class 'tabby'")
top = np.percentile(saliency, 99)
share = top / saliency.max()
print(f"99 % of the pixels lie below {top:.3f}; the maximum is {saliency.max():.3f}")
print(f"so without clipping, 99 % of them share the darkest {share:.0%} of the colours")

# %% [markdown]
# Clipping is a choice of *display*. The numbers are the same, and whoever compares methods must
# compare numbers, not pictures.
#
# ## Another class, another map?
#
# We asked what speaks for *tabby*. The same picture can be asked about any class. *Egyptian cat*
# (285) is what the network thinks most probable; *banana* (954) is not in the picture.

# %%
classes = {"tabby": 281, "Egyptian cat": 285, "banana": 954}
batch = np.repeat(inputs, 3, axis=0)
three = vanilla_gradients(classifier.model, batch, list(classes.values()))
show_maps(seen, dict(zip(classes, saliency_map(three), strict=True)), title="Three classes")

# %% [markdown]
# (Each map has its own colour scale: compare where they are bright, not how bright.) How alike are
# they? The correlation of two maps is 1 where they agree, 0 where they have nothing to do with each
# other. We compute it for the maps, and for the gradients with their signs.

# %%
signed = three.reshape(3, -1)
unsigned = np.asarray(saliency_map(three)).reshape(3, -1)
for k, name in ((1, "Egyptian cat"), (2, "banana")):
    of_maps = np.corrcoef(unsigned[0], unsigned[k])[0, 1]
    of_gradients = np.corrcoef(signed[0], signed[k])[0, 1]
    print(f"tabby and {name:<12}  maps {of_maps:+.2f}   signed gradients {of_gradients:+.2f}")
assert of_maps > 0.2 and of_gradients < 0.05, (
    "For tabby and banana, the maps should be alike and the signed gradients shouldn't."
)

# %% [markdown]
# For comparison, another picture: is it the picture that makes maps alike?

# %%
fruit = classifier.prepare(load_image("banana"))
elsewhere = np.asarray(saliency_map(vanilla_gradients(classifier.model, fruit, tabby)))
other = np.corrcoef(unsigned[0], elsewhere.ravel())[0, 1]
print(f"tabby on this picture and on that of a banana: maps {other:+.2f}")
assert abs(other) < 0.1, "Maps of two different pictures should have nothing in common."

# %% [markdown]
# For *Egyptian cat* maps and gradients are both alike: it is nearly the same question. *Banana*, of
# which there is none, is another one, and the signed gradients have little in common. But the two
# *maps* of this one picture still share something, where maps of two different pictures share
# nothing. The **map** tells classes apart only weakly, because much of the difference is in the
# signs, which it drops. Remember as well what bright means: not "speaks for the class", but "moves
# its score, up *or* down". Lesson 3 does better on both counts.

# %% [markdown]
# **Move it yourself.** Choose the class, and the percentile where the colours end. Which of the two
# changes the raw range below the map, and which only the picture?

# %%
from course_utils.widgets import gradient_explorer

gradient_explorer(classifier, inputs, list(classes))

# %% [markdown]
# ## Why the score and not the probability?
#
# By the chain rule, the gradient of the probability $p_c$ is
#
# $$\nabla p_c = p_c \Big( \nabla S_c - \sum_k p_k \nabla S_k \Big)$$
#
# It mixes in every other class, weighted by its probability. For *tabby*, with two cats ahead of
# it, a pixel that lowers *Egyptian cat* can count as much as one that raises *tabby*.
# **Predict.** For which share of the numbers, in per cent, do the two gradients have opposite
# signs? Write a whole number.

# %%
share_guess = ...

# %%
x = tf.constant(inputs)
with tf.GradientTape() as tape:
    tape.watch(x)
    probability = tf.nn.softmax(classifier.score_model(x))[:, tabby]
of_probability = tape.gradient(probability, x).numpy()
opposite = np.mean(np.sign(of_probability) != np.sign(theirs))
checks.prediction(share_guess, round(100 * opposite))
assert 0.3 < opposite < 0.5, "Between 30 % and 50 % of the numbers should have opposite signs."

# %% [markdown]
# (Two gradients that have nothing to do with each other would differ in 50.) The two answer
# different questions. The probability asks what raises *tabby above the others*, the score what
# raises *tabby*. The papers, and this course, ask about the score: it belongs to one class, and the
# others have no part in it.
#
# There is a second, numerical reason. The coffee cup shows it, with the class *espresso*, which
# leads by far.

# %%
coffee = classifier.prepare(load_image("coffee"))
espresso = classifier.class_index("espresso")
x = tf.constant(coffee)
with tf.GradientTape(persistent=True) as tape:  # persistent: it may be asked twice
    tape.watch(x)
    score = classifier.score_model(x)[:, espresso]
    probability = tf.nn.softmax(classifier.score_model(x))[:, espresso]
for name, y in (("score", score), ("probability", probability)):
    print(f"mean |gradient| of the {name:<12} {np.abs(tape.gradient(y, x)).mean():.1e}")

# %% [markdown]
# **Predict.** Make the network surer of the leading class: multiply all scores by two, four and
# eight before the softmax. Does the gradient of the probability "rise", "fall" or "stay"?

# %%
sure_guess = ...

# %%
strength = []
for factor in (1, 2, 4, 8):
    with tf.GradientTape() as tape:
        tape.watch(x)
        probability = tf.nn.softmax(factor * classifier.score_model(x))[:, espresso]
    strength.append(np.abs(tape.gradient(probability, x)).mean())
    print(
        f"scores x {factor}:  1 - p = {1 - probability[0]:.1e}   mean |gradient| {strength[-1]:.1e}"
    )
ratio = strength[-1] / strength[0]
answer = "stay" if abs(ratio - 1) < 0.1 else "fall" if ratio < 1 else "rise"
checks.prediction(sure_guess, answer, ["rise", "fall", "stay"])
assert strength[-1] < 1e-6 and probability[0] == 1, "In the last line, p should be exactly 1."

# %% [markdown]
# Close to $p = 1$ the bracket in the formula above goes to zero, and so
# the gradient of the probability vanishes. In the last line the computer has rounded $p$ to exactly
# 1: what is left of the gradient comes from rounding, and a map of it would show
# rounding. (It would look like any other map, since each has its own colour scale.)
# The gradient of the score has neither problem. You need not take the softmax off yourself:
# `vanilla_gradients` gets the whole model, and differentiates its scores.

# %% [markdown]
# ## What if the preparation is forgotten?
#
# The most common mistake of all makes no error message: feeding pixels in 0 to 255 to a network
# that wants numbers around zero. The shapes fit, and a map comes out. Only the
# prediction gives the mistake away.

# %%
raw = classifier.restore(inputs).astype("float32")
wrong_scores = classifier.score_model(raw).numpy()[0]
print("prepared:     ", classifier.predict(picture)[0][0].label)
print("not prepared: ", classifier.labels[wrong_scores.argmax()])
assert wrong_scores.argmax() not in (281, 282, 285), (
    "Unprepared, the picture shouldn't be taken for a cat."
)

# %%
maps = {
    "Prepared": vanilla_gradients(classifier.model, inputs, tabby)[0],
    "Not prepared": vanilla_gradients(classifier.model, raw, tabby)[0],
}
show_maps(seen, maps, title="Class 'tabby', right and wrong")

# %% [markdown]
# The second map explains a network that does not see a cat at all. So **always look at the
# prediction before you look at the map.**

# %% [markdown] exercise={"id": "2.3", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 2.3: from the picture to the map (8 minutes, medium)
#
# Put it all together. `explain` gets a classifier, a picture (uint8, any size) and the name of a
# class, and returns the saliency map $M$ of that picture, of shape (H, W), without a batch axis.
# You may use `gradients` and `saliency_map` from above.
#
# <details><summary>Hint 1</summary>
#
# Four steps: `classifier.prepare(picture)`, `classifier.class_index(name)`, then
# `np.asarray(gradients(classifier.score_model, ...))`, then `saliency_map(...)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `prepare` makes a batch of one picture. Take that one picture's map with `[0]`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Giving the picture to the network unprepared; explaining the predicted class instead of the one
# that was asked for, or the first one with a similar name; returning the whole batch.
#
# </details>


# %%
def explain(classifier, picture, name):
    ### BEGIN SOLUTION
    inputs = classifier.prepare(picture)
    c = classifier.class_index(name)
    gradient = np.asarray(gradients(classifier.score_model, inputs, c))
    return saliency_map(gradient)[0]
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
explain = checks.explain(explain)

# %%
example = load_image("banana")
example_seen = classifier.restore(classifier.prepare(example))[0]
found = {"Vanilla gradients": explain(classifier, example, "banana")}
show_maps(example_seen, found, title="Class 'banana'")

# %% [markdown]
# ## A gradient of zero does not mean "unimportant"
#
# Suppose that a score rises from $x = 0$ to $x = 1$, and then stays: $S = \min(\max(x, 0), 1)$.
# At $x = 3$ the slope is zero. And yet the score is 1, instead of 0, *because* $x$ is not 0.

# %%
from matplotlib import pyplot as plt

from course_utils.display import show_figure

t = np.linspace(-0.5, 4, 200)
fig, ax = plt.subplots(figsize=(4.5, 2.6))
ax.plot(t, np.clip(t, 0, 1), color="black")
ax.plot([3], [1], "o", color="tab:orange")
ax.annotate("slope 0 here", (3, 1), (2.4, 0.5), arrowprops={"arrowstyle": "->"})
ax.set(title="A score that saturates", xlabel="input x", ylabel="score S")
show_figure(
    fig, "A line that rises from 0 at x = 0 to 1 at x = 1 and then stays flat; x = 3 is marked."
)

# %% [markdown]
# A remedy is to look not only at the slope where we are, but at the slopes on the whole way from a
# *baseline* $x'$, an input that means "nothing", to $x$. **Integrated gradients** (Sundararajan and
# others, 2017) averages them and multiplies by the way gone:
#
# $$IG = (x - x') \cdot \frac{1}{m} \sum_{k=1}^{m} \frac{\partial S}{\partial x}
# \Big|_{x' + a_k (x - x')}, \qquad a_k = \frac{k - 1/2}{m}$$
#
# Its values have the unit of the score, and together they account for it: the sum over all inputs
# is
# $S(x) - S(x')$. This is called *completeness*, and you can check it.

# %% [markdown] exercise={"id": "2.4", "minutes": 15, "difficulty": "hard", "goal": 1}
# ### Exercise 2.4: integrated gradients (15 minutes, hard)
#
# Optional: leave it out if you are short of time.
#
# Write it for one prepared picture, (1, H, W, 3), with the baseline $x' = 0$. With `gradients` from
# above, one call a step is enough.
#
# <details><summary>Hint 1</summary>
#
# The points on the way are `a * inputs` with `a = (k + 0.5) / steps` for `k` in `range(steps)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Add up the gradients at these points, divide by `steps`, multiply by `inputs`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Taking the gradient at the end point only, which is gradient times input; forgetting to multiply
# by the input; the sum instead of the mean.
#
# </details>


# %%
def path_gradients(score_model, inputs, class_index, steps):
    ### BEGIN SOLUTION
    total = 0
    for k in range(steps):
        a = (k + 0.5) / steps
        total = total + np.asarray(gradients(score_model, np.float32(a * inputs), class_index))
    return inputs * total / steps
    ### END SOLUTION


# %% tags=["nbval-check-output"]
path_gradients = checks.path_gradients(path_gradients)

# %% [markdown]
# Does it account for the score of the cat? The package's version takes 64 steps at better chosen
# points than the middles of equal pieces; your own is there for comparison.

# %%
from course_utils import gradient_times_input, integrated_gradients

both = classifier.score_model(np.concatenate([inputs, 0 * inputs])).numpy()[:, tabby]
integrated = integrated_gradients(classifier.model, inputs, tabby)
product = gradient_times_input(classifier.model, inputs, tabby)
print(f"score of the cat minus score of plain grey: {both[0] - both[1]:.2f}")
yours = np.asarray(path_gradients(classifier.score_model, inputs, tabby, 64))
print(f"sum of integrated gradients: {integrated.sum():.2f}  (64 equal steps: {yours.sum():.2f})")
print(f"sum of gradient x input:     {product.sum():.2f}")
assert abs(integrated.sum() - both[0] + both[1]) < abs(yours.sum() - both[0] + both[1]), (
    "The package's 64 points should come closer than 64 equal steps. Run the check of exercise "
    "2.4, then this cell."
)

# %% [markdown]
# Integrated gradients come close. Equal steps miss by more, because the score rises steeply near
# the baseline, where they are too few; with more steps both come closer still. Gradient times
# input, which knows only the slope at the end of the way, misses by far. What is the price? As many
# backward passes as steps, and a baseline that somebody has to choose: here plain grey, the input
# 0, so that whatever *is* grey in the picture can by definition get nothing.

# %%
assert abs(integrated.sum() / (both[0] - both[1]) - 1) < 0.15, (
    "Integrated gradients should add up to the difference of the scores, within 15 %."
)
# show_maps takes the largest |value| of the colours itself; the raw range below is before that.
maps = {"Gradient": theirs[0], "Gradient x input": product[0], "Integrated": integrated[0]}
show_maps(classifier.restore(inputs)[0], maps, title="Class 'tabby'")

# %% [markdown]
# The two maps on the right show a cat's face, and look the more convincing for it. Be careful:
# both were *multiplied by the picture*, so that eyes and nose, dark or bright against the grey
# baseline, would shine through whatever the gradient is. Lesson 6 tests how much of it is the
# network's doing.

# %% [markdown]
# ## Read the package
#
# Nothing in the helper package is magic. Here are your function and the package's: find each line
# of the formula in both.

# %%
checks.read_both(gradients, vanilla_gradients)

# %% [markdown]
# `network.score(x, c)` is your `score_model(x)[:, class_index]`, for one class per picture.
# Everything else is your code. `explain` does what isn't the formula: it checks what it's given,
# finds the logits, and works through a large batch in parts. (And it makes sure that float32 means
# float32: on newer GPUs TensorFlow would compute with 10 bits instead of 23, and give you another
# map. The course switches that off.)

# %% [markdown]
# ## What we saw
#
# - One backward pass gives the slope of a class score for every number of the input; a finite
#   difference by hand agrees with it.
# - The map keeps $\max_k |w|$ and loses the signs; the display clips, the numbers do not change.
# - The map is noisy, and for different classes it is alike; much of the difference is in the signs.
# - The gradient of a probability mixes in the other classes, and vanishes when the network is sure.
# - Without the preparation the network sees something else, and the map explains that.
# - A slope is short of reach, and can be zero where the input matters; integrated gradients account
#   for the score, at the price of many passes and a baseline.
#
# ## Take away
#
# - A saliency map is the gradient of one class score with respect to the *input*.
# - Look at the prediction first, at the raw range second, at the colours last.
#
# A few questions to close with. Click on an answer: each one tells you something.

# %%
checks.quiz(2)

# %% [markdown]
# **Your progress**, and where to go on:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - K. Simonyan, A. Vedaldi, A. Zisserman, *Deep Inside Convolutional Networks* (2014),
#   arXiv:1312.6034, section 3: the source of this lesson.
# - M. Sundararajan, A. Taly, Q. Yan, *Axiomatic Attribution for Deep Networks* (2017),
#   arXiv:1703.01365: integrated gradients.
# - TensorFlow's guide *Introduction to gradients and automatic differentiation*.
#
# **Next:** lesson 3, *Grad-CAM*: what does the last convolutional layer look at?
