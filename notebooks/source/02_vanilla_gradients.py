# %% [markdown]
# # Lesson 2. Vanilla gradients: one backward pass to the pixels
#
# Change one pixel a little: does the score of *tabby* rise or fall? The picture holds 150,528
# numbers, and you could try them one by one. Backpropagation answers for all of them at once.
#
# **Goals.** After this lesson you can
#
# 1. compute the gradient of a class score with respect to the input, with TensorFlow's tape,
# 2. turn that gradient into a saliency map, and say what was thrown away on the way,
# 3. explain why we differentiate the score and not the probability, and what that choice costs.
#
# **You need** lesson 0 and the core path of lesson 1, or derivatives of functions of several
# variables. Backpropagation is the chain rule, done by the computer; the optional part of lesson 1
# does it by hand. **Time:** 75 minutes, less than one of them computing. The core path takes 50
# minutes; sections marked *optional* can wait. Run their cells anyway: later cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **The gradient is `None`.** The tape didn't see where the score came from. Is the input a
#   tensor, does `tape.watch(x)` come before the model, and is the score computed *inside* the
#   `with`?
# - **My numbers are tiny, or almost all 0.** Did you differentiate a probability? Use
#   `classifier.score_model`. Or is the input the picture itself, from 0 to 255? Send it through
#   `classifier.prepare`.
# - **My map has one axis too many.** The networks take and return *batches*: (1, 224, 224, 3). The
#   maximum removes the channels, `[0]` the batch.
# - **Integrated gradients are one idea too many (exercise 2.4).** They're optional. On paper: take
#   $y = x^2$ from 0 to 3, with the slopes at 0.5, 1.5 and 2.5. Their mean times 3 is 9, which is
#   $y$.
#
# Still stuck? Move on: the check gives the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try.
#
# </details>

# %% [markdown]
# ## The question
#
# In a linear score $S = w_1 x_1 + w_2 x_2 + \dots$ the weights are the answer: one more unit of
# $x_i$ changes $S$ by $w_i$, wherever you are. A deep network has no such weights. But close to one
# picture $x_0$, for small enough steps, it's approximately linear,
#
# $$S_c(x) \approx S_c(x_0) + w \cdot (x - x_0),
# \qquad w = \frac{\partial S_c}{\partial x}\Big|_{x_0}$$
#
# and its gradient $w$ plays the role of the weights. Simonyan, Vedaldi and Zisserman (2014)
# proposed to look at $w$ as a picture. That's all there is to *vanilla gradients*.

# %%
import numpy as np

from course_utils import load_classifier, load_image

classifier = load_classifier()
picture = load_image("cat")
inputs = classifier.prepare(picture)
tabby = classifier.class_index("tabby")
print("inputs:", inputs.shape, " class:", tabby)

# %% [markdown]
# ## By hand first: nudge one number
#
# Take the green value of the pixel in row 90, column 83, in the iris of the eye on the left. Add a
# small amount $h$ and compute the score; subtract $h$ instead and compute it again; then divide the
# difference by $2h$. This is a *finite difference*, and it needs no calculus at all.

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
# That's two runs of the network for one of 150,528 numbers. **Predict.** How long would all of them
# take on your computer: seconds, minutes or hours? (To see the time itself, print `seconds`
# afterwards.)

# %%
from course_utils import checks

time_guess = checks.guess(["seconds", "minutes", "hours"])

# %%
import time

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
# weights, because that's what training needs. Here the weights stay as they are. **The question is
# about the input**, so we ask the tape to watch the input.

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
# That's one slope for every number of the input. Does it agree with the slope by hand?

# %%
by_tape = gradient[0, row, column, green]
# The step is small, and so is the difference of the two scores: their rounding affects the slope.
print(f"by hand {slope:+.3f}, by the tape {by_tape:+.3f}")
assert abs(by_tape - slope) < 0.3 * abs(by_tape), (
    "The two slopes should nearly agree. Are they for the same number of the input, and the same "
    "class?"
)

# %% [markdown]
# It does, nearly (0.002 is a small step, but not zero), and all 150,528 slopes came out of one run
# forward and one backward.
#
# ## How far does a slope reach?
#
# One unit of the input is 128 of the 256 levels of brightness, so our step of 0.002 was a quarter
# of one level: nobody could see it. **Predict.** With steps that you can see, does the slope stay
# about the same?

# %%
reach_guess = checks.guess(["yes", "no"])

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
# It doesn't: from thirteen levels down to thirteen levels up, the mean slope even has the other
# sign. We picked this number because it's striking. How striking? Try 100 numbers of the picture,
# chosen at random:

# %%
places = np.random.default_rng(0).choice(inputs.size, 100, replace=False)


def scores_after(step):
    scores = []
    for ten in np.split(places, 10):  # ten numbers at a time: each in its own copy of the picture
        copies = np.concatenate([inputs] * 10)
        for copy, place in zip(copies, ten, strict=True):
            copy.flat[place] += step  # .flat: all numbers of the picture in one line
        scores += list(classifier.score_model(copies)[:, tabby].numpy())
    return np.array(scores)


# %%
far = (scores_after(0.1) - scores_after(-0.1)) / 0.2
near = gradient.flat[places]  # the slopes by the tape
off = abs(far / near - 1) > 0.3
turned = far * near < 0
print(f"of 100 slopes, {off.sum()} are off by more than 30 %; {turned.sum()} change their sign")
together = np.corrcoef(near, far)[0, 1]
print(f"correlation of near and far: {together:.2f}")
assert 40 < off.sum() < 65 and 8 < turned.sum() < 25 and together > 0.8, (
    "Over 13 levels about half of the slopes should be off by 30 %, and one in seven should turn; "
    "but near and far should be much alike."
)

# %% [markdown]
# So our first number was an extreme case: one slope in seven changes its sign. About half are off
# by more than 30 % after thirteen levels. And yet near and far correlate to 0.89: taken together,
# the slopes hold up much better than one by one. A gradient is a statement about the *immediate
# neighbourhood* of this one picture. If you visibly change one number, it's a rough guide. It
# doesn't say what happens if you paint a part of the picture over, or take it away. Remember that
# whenever somebody calls a map an explanation.

# %% [markdown] exercise={"id": "2.1", "minutes": 8, "difficulty": "medium", "goal": 1}
# ### Exercise 2.1: gradients (8 minutes, medium)
#
# Put the above into a function. It takes a model that ends in scores, a batch of inputs (a NumPy
# array) and the index of a class, and returns the gradient of that class's score with respect to
# the inputs, with its signs.
#
# <details><summary>Hint 1</summary>
#
# A tape watches tensors, not NumPy arrays: start with `x = tf.convert_to_tensor(inputs)`.
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
# Forgetting `tape.watch`, which makes the gradient `None`; differentiating all scores at once,
# which adds their gradients up; applying a softmax; asking for the gradient with respect to the
# weights.
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
# The course's package, `course_utils`, has the same function, with the same formula in it, for any
# Keras classifier. From here on we use that one. Compare:

# %%
from course_utils import vanilla_gradients

ours = np.asarray(gradients(classifier.score_model, inputs, tabby))
theirs = vanilla_gradients(classifier.model, inputs, tabby)
difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
print(f"size of the difference: {difference:.0%} of the gradient's own size")
assert difference < 0.05, (
    "Your gradients and ours should agree. Run the check of exercise 2.1, then this cell."
)

# %% [markdown]
# They agree, though perhaps not in every digit: float32 numbers have about seven of them, and a GPU
# or another batch size rounds differently. That's why we compare whole gradients, not single
# numbers.
#
# ## From numbers to a picture
#
# The gradient has three signed numbers per pixel; a picture of it needs one colour per pixel. So we
# have to throw something away. Simonyan et al. take, at each pixel, the largest *absolute* value of
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
# Taking the maximum before the absolute value, which loses strong negative slopes; taking the mean,
# in which red and green can cancel; the wrong axis.
#
# </details>


# %%
def saliency_map(gradient):
    ### BEGIN SOLUTION
    return np.abs(gradient).max(axis=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
saliency_map = checks.saliency_map(saliency_map)

# %% [markdown]
# Where will the map be bright: on the fur, on the eyes, on the background, everywhere? Choose, then
# look.

# %%
from course_utils import show_maps

seen = classifier.restore(inputs)[0]
saliency = np.asarray(saliency_map(theirs))[0]
show_maps(seen, {"Vanilla gradients": saliency}, title="Class 'tabby'")

# %%
brightness = {
    "eye on the left": saliency[60:110, 40:100].mean(),
    "muzzle": saliency[150:200, 90:170].mean(),
    "fur of the forehead": saliency[10:55, 70:150].mean(),
    "background, top right": saliency[:45, 179:].mean(),
    "corner, bottom right": saliency[179:, 179:].mean(),
}
for name, mean in brightness.items():
    print(f"{name:>21}: mean {mean:.3f}")
eye, muzzle, fur, background, corner = brightness.values()
assert min(background, corner) > max(eye, muzzle) > min(eye, muzzle) > 1.3 * fur, (
    "Eye and muzzle should be brighter than the fur, background and corner brighter still."
)

# %% [markdown]
# The eye and the muzzle are brighter than the fur. But a corner and the blurred background at the
# top right are brighter still. If you had looked only for the eye, you'd have found it, and missed
# those. And everywhere bright pixels sit next to dark ones: *noise*. The picture is smooth, but its
# slopes aren't. This network's activation is *ReLU6*: like the ReLU of lesson 1 it cuts off
# everything negative, and also everything above 6. With many such layers the network consists of
# very many linear pieces, and you've seen how short the reach of one slope is. Lesson 4 averages
# much of the noise away.
#
# ## What the display does to the numbers
#
# Look at the colour bar: it ends far below the maximum printed under the map. Its pointed end says
# that stronger values share the last colour. These are the strongest 1 % of the pixels, everything
# above the 99th *percentile*. If only the single strongest pixel got the last colour, the rest
# would drown:

# %%
show_maps(seen, {"Not clipped": saliency}, percentile=100, title="Class 'tabby'")
top = np.percentile(saliency, 99)
share = top / saliency.max()
print(f"99 % of the pixels lie below {top:.3f}; the maximum is {saliency.max():.3f}")
print(f"so without clipping, 99 % of them share the darkest {share:.0%} of the colours")

# %% [markdown]
# Clipping is a choice of *display*. The numbers haven't changed, and anyone who compares methods
# has to compare numbers, not pictures.
#
# ## Another class, another map?
#
# We asked about *tabby*. You can ask the same picture about any class. *Egyptian cat* (285) is the
# one the network finds most probable; *banana* (954) isn't in the picture.

# %% tags=["thumbnail"]
classes = {"tabby": 281, "Egyptian cat": 285, "banana": 954}
batch = np.repeat(inputs, 3, axis=0)
three = vanilla_gradients(classifier.model, batch, list(classes.values()))
show_maps(seen, dict(zip(classes, saliency_map(three), strict=True)), title="Three classes")

# %% [markdown]
# (Each map has its own colour scale: compare where they are bright, not how bright.) How alike are
# they? The correlation of two maps is 1 where they agree and 0 where they're unrelated. We compute
# it for the maps, and for the gradients with their signs.

# %%
signed = three.reshape(3, -1)  # one row of numbers per class
unsigned = np.asarray(saliency_map(three)).reshape(3, -1)
for k, name in ((1, "Egyptian cat"), (2, "banana")):
    of_maps = np.corrcoef(unsigned[0], unsigned[k])[0, 1]
    of_gradients = np.corrcoef(signed[0], signed[k])[0, 1]
    print(f"tabby and {name:<12}  maps {of_maps:+.2f}   signed gradients {of_gradients:+.2f}")
assert of_maps > 0.2 and of_gradients < 0.05, (
    "For tabby and banana, the maps should be alike and the signed gradients shouldn't."
)

# %% [markdown]
# Are these numbers large? Ask all seven pictures of the course about both classes, and compare with
# the maps of *one* class for two *different* pictures:

# %%
from course_utils import example_images

of_tabby, two_classes, with_signs = [], [], []
for name in example_images():
    other = classifier.prepare(load_image(name))
    both = vanilla_gradients(classifier.model, np.concatenate([other, other]), [281, 954])
    of_tabby.append(np.ravel(saliency_map(both)[0]))
    two_classes.append(np.corrcoef(of_tabby[-1], np.ravel(saliency_map(both)[1]))[0, 1])
    with_signs.append(np.corrcoef(*both.reshape(2, -1))[0, 1])

# %%
two_pictures = np.corrcoef(of_tabby)[np.triu_indices(len(of_tabby), k=1)]  # each pair once
for what, r in (("one picture, two classes", two_classes), ("two pictures, tabby", two_pictures)):
    print(f"{what:>24}: {len(r):2} pairs of maps, r from {min(r):+.2f} to {max(r):+.2f}")
print(f"one picture, two classes, with signs: r from {min(with_signs):+.2f}", end=" ")
print(f"to {max(with_signs):+.2f}")

# %%
assert max(two_pictures) < 0.25 < min(two_classes), (
    "Maps of one picture should always agree more than maps of two pictures."
)
assert max(np.subtract(with_signs, two_classes)) < -0.1, (
    "In each picture, the signed gradients should agree less than the maps."
)

# %% [markdown]
# For *Egyptian cat*, maps and gradients are both alike: it's nearly the same question. *Banana*
# is another one: with signs, the gradients agree to 0.30 at most in the seven pictures, and in
# one they even oppose each other (-0.59). Yet in all seven the two *maps* agree more (0.33 at
# least) than maps of different pictures do (0.18 at most). So the **map** separates classes only
# weakly: it drops the signs, and with them much of the difference. And remember what bright
# means: not "speaks for the class", but "changes its score, up *or* down". Lesson 3 does better
# on both counts.

# %% [markdown]
# **Move it yourself.** Choose the class, and the percentile where the colours end. Which of the two
# changes the raw range below the map, and which only the picture? (Where a raw range begins below
# 0, as it does here, it's that of the gradient *with* its signs. The colours still show the largest
# $|w|$ of each pixel.)

# %%
from course_utils.widgets import gradient_explorer

gradient_explorer(classifier, inputs, list(classes))

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# Another class has another gradient, so both the map and its raw range change. The percentile only
# decides where the colours end: the picture gets brighter or darker, the range stays the same.
#
# </details>
#
# ## Why the score and not the probability?
#
# Write $\nabla$ for the gradient, all the slopes with respect to the input at once. By the chain
# rule, the gradient of the probability $p_c$ is
#
# $$\nabla p_c = p_c \Big( \nabla S_c - \sum_k p_k \nabla S_k \Big)$$
#
# It mixes in every other class, weighted by its probability. For *tabby*, with two cats ahead of
# it, a pixel counts not only if it raises *tabby*, but also if it lowers *Egyptian cat*.
# **Predict.** For what share of the numbers, in per cent, do the two gradients have opposite signs?
# Type a whole number.

# %%
share_guess = checks.guess()

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
# (Two unrelated gradients would have opposite signs in about 50 % of the numbers.) They answer
# different questions. The probability asks what raises *tabby above the others*, the score what
# raises *tabby*. The papers, and this course, ask about the score: it belongs to one class, and the
# others have no part in it.
#
# That choice has a cost. A pixel that raises all cats alike is bright in the map of *tabby*'s
# score, but hardly changes *tabby*'s probability. If you want to know *why tabby rather than
# Egyptian cat*, ask exactly that. The package takes any function of the scores in place of the
# class:


# %%
def tabby_rather_than_egyptian(scores):
    return scores[:, 281] - scores[:, 285]


rather = vanilla_gradients(classifier.model, inputs, tabby_rather_than_egyptian)
maps = {"tabby": theirs[0], "tabby rather than\nEgyptian cat": rather[0]}
show_maps(seen, maps, title="Two questions")
of_two = np.corrcoef(np.ravel(saliency_map(theirs)), np.ravel(saliency_map(rather)))[0, 1]
with_p = np.corrcoef(of_probability.ravel(), rather.ravel())[0, 1]
print(f"these two maps: {of_two:+.2f}; the second gradient and the probability's: {with_p:+.2f}")
assert of_two < 0.5 < 0.8 < with_p, "The difference of scores should agree with the probability."

# %% [markdown]
# The two maps agree hardly more than those of *tabby* and *banana* did. And with its signs, the
# gradient of the difference is much like that of the probability. Neither question is wrong. Say
# which one you asked.
#
# There's a second, numerical reason against the probability. The coffee cup shows it, with the
# class *espresso*, which leads by far.

# %%
coffee = classifier.prepare(load_image("coffee"))
espresso = classifier.class_index("espresso")
x = tf.constant(coffee)
with tf.GradientTape(persistent=True) as tape:  # persistent: we may ask it twice
    tape.watch(x)
    score = classifier.score_model(x)[:, espresso]
    probability = tf.nn.softmax(classifier.score_model(x))[:, espresso]
for name, y in (("score", score), ("probability", probability)):
    print(f"mean |gradient| of the {name:<12} {np.abs(tape.gradient(y, x)).mean():.1e}")

# %% [markdown]
# **Predict.** Make the network surer of the leading class: multiply all scores by two, four and
# eight before the softmax. Does the gradient of the probability "rise", "fall" or "stay"?

# %%
sure_guess = checks.guess(["rise", "fall", "stay"])

# %%
strength = []
for factor in (1, 2, 4, 8):
    with tf.GradientTape() as tape:
        tape.watch(x)
        probability = tf.nn.softmax(factor * classifier.score_model(x))[:, espresso]
    leftover = tape.gradient(probability, x).numpy()
    strength.append(np.abs(leftover).mean())
    print(
        f"scores x {factor}:  1 - p = {1 - probability[0]:.1e}   mean |gradient| {strength[-1]:.1e}"
    )
ratio = strength[-1] / strength[0]
answer = "stay" if abs(ratio - 1) < 0.1 else "fall" if ratio < 1 else "rise"
checks.prediction(sure_guess, answer, ["rise", "fall", "stay"])
assert strength[-1] < 1e-6 and probability[0] == 1, "In the last line, p should be exactly 1."

# %% [markdown]
# Close to $p = 1$ the bracket in the formula above goes to zero, and with it the gradient of the
# probability. In the last line, float32 rounds $p$ to exactly 1. But the gradient isn't exactly 0,
# and `show_maps` gives every map its own colours.
#
# **Predict.** Draw a map of what's left. Will it show "noise", the map of "espresso", or that of
# "another class"?

# %%
leftover_guess = checks.guess(["noise", "espresso", "another class"])

# %%
five = classifier.predict(load_image("coffee"))[0]  # the five most probable classes
indices = [p.class_index for p in five]
of_five = vanilla_gradients(classifier.model, np.repeat(coffee, 5, axis=0), indices)
left = np.ravel(saliency_map(leftover))
alike = [np.corrcoef(left, np.ravel(one))[0, 1] for one in saliency_map(of_five)]
for p, r in zip(five, alike, strict=True):
    print(f"{p.label:>12}: its map and that of what is left correlate to {r:.4f}")
best = int(np.argmax(alike))
answer = "noise" if alike[best] < 0.9 else "another class" if best else "espresso"
checks.prediction(leftover_guess, answer, ["noise", "espresso", "another class"])
assert best == 1, "What is left should be the map of the runner-up."
assert alike[1] > 0.99, "What is left should be the map of the runner-up, to more than 99 %."

# %%
maps = {"what is left of\nespresso's probability": leftover[0], "score of cup": of_five[1]}
show_maps(classifier.restore(coffee)[0], maps, title="Whose map is this?")

# %% [markdown]
# It's the map of **cup**, the runner-up. Blame the rounding, not the formula. In the bracket the
# slopes of *espresso* appear twice: once alone, and once in the sum (which includes $k = c$) with
# the weight $-p_c$. Together that's $1 - p_c$, which is what the other $p_k$ add up to: tiny, and
# still as much as all the others together. Float32 makes $p_c$ exactly 1, so *espresso*'s own part
# is gone. All that's left is $-\sum p_k \nabla S_k$ over the *other* classes, and its largest term
# by far is that of *cup*. What would more digits give? Here's the softmax in float64:

# %%
with tf.GradientTape() as tape:
    tape.watch(x)
    eight_times = tf.cast(8 * classifier.score_model(x), tf.float64)
    probability = tf.nn.softmax(eight_times)[:, espresso]
exact = np.ravel(saliency_map(tape.gradient(probability, x).numpy()))
for name, m in (("cup", of_five[1]), ("espresso rather than cup", of_five[0] - of_five[1])):
    r = np.corrcoef(exact, np.ravel(saliency_map(m)))[0, 1]
    print(f"in float64, what is left and the map of {name}: {r:.3f}")
assert r > 0.99, "In float64, what is left should be the map of espresso rather than cup."

# %% [markdown]
# The exact gradient is that of *espresso rather than cup*, however tiny: the question that you
# know from the two cats. The float32 one, labelled *espresso*, shows, clean and convincing,
# another class. Only the raw range below it, some $10^{-14}$, gives it away. The gradient of the
# score has no such problem. You needn't remove the softmax yourself: `vanilla_gradients` takes
# the whole model, and differentiates its scores.

# %% [markdown]
# ## What if the preparation is forgotten?
#
# The most common mistake of all gives no error message: feeding pixels from 0 to 255 to a network
# that expects numbers around zero. The shapes fit, and a map comes out. Only the prediction gives
# the mistake away.

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
# The second map explains what the network makes of an input that it calls *pillow*, with no cat
# among its first ten classes. So **always look at the prediction before you look at the map.**

# %% [markdown] exercise={"id": "2.3", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 2.3: from the picture to the map (8 minutes, medium)
#
# Put it all together. `explain` takes a classifier, a picture (uint8, any size) and the name of a
# class, and returns the saliency map $M$ of that picture, of shape (H, W), without a batch axis.
# You can use `gradients` and `saliency_map` from above.
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
# Passing the picture to the network unprepared; explaining the predicted class, or one with a
# similar name, instead of the one asked for; returning the whole batch.
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
# ## Why is this map so clean? (optional)
#
# The banana's map is far cleaner than the cat's. We put other things behind the same banana, in
# place of the white paper: plain black, plain grey, and the course's six other pictures.
# **Predict.** What gives cleaner maps: the class *banana*, or the white paper in this picture?

# %%
clean_guess = checks.guess(["the class", "the picture"])

# %%
fruit = classifier.prepare(example)
paper = (classifier.restore(fruit)[0] > 250).all(axis=-1)  # where all three channels are white
backgrounds = {"white (as it is)": fruit, "black": 0 * fruit - 1, "grey": 0 * fruit}
for name in example_images():
    if name != "banana":
        backgrounds[name] = classifier.prepare(load_image(name))

# %%
levels = []
for name, background in backgrounds.items():
    mixed = fruit.copy()
    mixed[0, paper] = background[0, paper]
    one = np.asarray(saliency_map(vanilla_gradients(classifier.model, mixed, 954)))[0]
    levels.append(one[paper].mean())
    best = classifier.score_model(mixed).numpy().argmax()
    print(f"{name:>16}: mean |slope| {levels[-1]:.3f}; predicted: {classifier.labels[best]}")
assert levels[1] < 1.5 * levels[0] and min(levels[2:]) > 2 * levels[0], (
    "On black the slopes should be nearly as weak as on white, elsewhere more than twice as strong."
)

# %% [markdown]
# Behind the same banana, plain black is nearly as quiet as white; plain grey and all six photos
# have slopes more than twice as strong. So the class alone doesn't make a map clean. Does the
# picture, whatever the class?

# %%
grey = fruit.copy()
grey[0, paper] = 0
of_cat = [saliency_map(vanilla_gradients(classifier.model, x, tabby)) for x in (fruit, grey)]
white, grey = (np.asarray(m)[0][paper].mean() for m in of_cat)
print(f"class 'tabby': mean |slope| on white {white:.3f}, on grey instead {grey:.3f}")
clean = "the picture" if white < grey / 2 else "the class"
checks.prediction(clean_guess, clean, ["the class", "the picture"])
assert white < min(levels[0], grey / 2), "On white, tabby should be as quiet as banana."

# %% [markdown]
# It does: *tabby* is quiet on the white paper too, and far less quiet if the same pixels are grey.
# (In front of some of the photos the network doesn't even say *banana*. You did look at the
# prediction first?) So a clean map isn't the mark of a good method.

# %% [markdown]
# ## A gradient of zero does not mean "unimportant" (optional)
#
# Suppose that a score rises from $x = 0$ to $x = 1$, and then stays there:
# $S = \min(\max(x, 0), 1)$. (The network's ReLU6 has this shape, with 6 in place of 1.) At $x = 3$
# the slope is zero. And yet the score is 1, instead of 0, *because* $x$ isn't 0.

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
# The remedy is to look not only at the slope where we are, but at the slopes all the way from a
# *baseline* $x'$, an input that means "nothing", to $x$. **Integrated gradients** (Sundararajan and
# others, 2017) averages these slopes, and multiplies by the displacement $x - x'$:
#
# $$IG = (x - x') \cdot \frac{1}{m} \sum_{k=1}^{m} \frac{\partial S}{\partial x}
# \Big|_{x' + a_k (x - x')}, \qquad a_k = \frac{k - 1/2}{m}$$
#
# Its values have the unit of the score, and together they account for it: as $m$ grows, their sum
# over all inputs approaches $S(x) - S(x')$. This is called *completeness*, and you can check it.

# %% [markdown] exercise={"id": "2.4", "minutes": 15, "difficulty": "hard", "goal": 1}
# ### Exercise 2.4: integrated gradients (15 minutes, hard)
#
# Write it for one prepared picture, (1, H, W, 3), with the baseline $x' = 0$. With `gradients` from
# above, one call per step is enough.
#
# <details><summary>Hint 1</summary>
#
# The points along the way are `a * inputs` with `a = (k + 0.5) / steps` for `k` in `range(steps)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Add up the gradients at these points, divide by `steps`, multiply by `inputs`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Taking the gradient only at the end point, which gives gradient times input; forgetting to
# multiply by the input; taking the sum instead of the mean.
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
# Does it account for the cat's score? The package's version also takes 64 steps, but at better
# points than the middles of equal pieces. Yours is there for comparison.

# %%
from course_utils import gradient_times_input, integrated_gradients

on_the_way = np.concatenate([0 * inputs, 0.1 * inputs, inputs])
grey, tenth, whole = classifier.score_model(on_the_way).numpy()[:, tabby]
rise = whole - grey
print(f"score of the cat minus score of plain grey: {rise:.2f}")
print(f"of this, in the first tenth of the way:     {tenth - grey:.2f}")
assert 0.7 < (tenth - grey) / rise < 0.9, "Four fifths of the rise should be in the first tenth."

# %%
integrated = integrated_gradients(classifier.model, inputs, tabby)
product = gradient_times_input(classifier.model, inputs, tabby)
yours = np.asarray(path_gradients(classifier.score_model, inputs, tabby, 64))
print(f"sum of integrated gradients: {integrated.sum():.2f}  (64 equal steps: {yours.sum():.2f})")
print(f"sum of gradient x input:     {product.sum():.2f}")
assert abs(integrated.sum() - rise) < abs(yours.sum() - rise), (
    "The package's 64 points should come closer than 64 equal steps. Run the check of exercise "
    "2.4, then this cell."
)

# %% [markdown]
# The package's version comes close. Yours isn't wrong, but four fifths of the rise happen in the
# first tenth of the way, and only six of 64 equal steps fall there. (Try 256 steps.) Gradient times
# input, which knows only the slope at the end of the way, misses by far. What's the price? As many
# backward passes as steps, and a baseline that somebody has to choose. Here it's plain grey, the
# input 0, so whatever *is* grey in the picture gets nothing by definition.

# %%
assert abs(integrated.sum() / rise - 1) < 0.15, (
    "Integrated gradients should add up to the difference of the scores, within 15 %."
)
# show_maps takes the largest |value| of the channels; the raw range is from before that.
maps = {"Gradient": theirs[0], "Gradient x input": product[0], "Integrated": integrated[0]}
show_maps(classifier.restore(inputs)[0], maps, title="Class 'tabby'")

# %% [markdown]
# The two maps on the right show a cat's face, and look more convincing for it. Be careful: both
# were *multiplied by the picture*, so eyes and nose, which are dark or bright against the grey
# baseline, would show through whatever the gradient is. Lesson 6 tests how much of it is the
# network's doing.

# %% [markdown]
# ## Read the package (optional)
#
# Nothing in the package is magic. Here are your function and the package's: find each line of the
# formula in both.

# %%
checks.read_both(gradients, vanilla_gradients)

# %% [markdown]
# `network.score(x, c)` is your `score_model(x)[:, class_index]`, for one class per picture. The
# rest is your code. The package's `explain` shares only its name with yours of exercise 2.3: it
# does everything that isn't the formula. It checks its arguments, finds the logits, and works
# through a large batch in parts.

# %% [markdown]
# ## What we saw
#
# - One backward pass gives the slope of a class score for every number of the input, and a finite
#   difference by hand agrees with it.
# - Over thirteen levels of brightness, about half of the slopes are off by more than 30 %; all of
#   them together still correlate with the near ones to 0.89.
# - The map keeps $\max_k |w|$ and loses the signs. The display clips; the numbers don't change.
# - The map is noisy, and alike for different classes; much of the difference is in the signs.
# - The gradient of a probability mixes in the other classes. Where the network is sure, it's tiny,
#   and rounding can turn it into the map of another class.
# - Without the preparation the network sees something else, and the map explains that.
# - Optional: a slope can be zero where the input matters. Integrated gradients account for the
#   score, at the price of many passes and a baseline.
#
# ## Take away
#
# - Vanilla gradients: the gradient of one class score with respect to the *input*. The map shows
#   its largest absolute value at each pixel.
# - Say which question you asked: *what raises tabby*, or *why tabby rather than another class*.
# - Look at the prediction first, at the raw range second, at the colours last.
#
# A few questions to finish with. Click on an answer: even the wrong ones explain something.

# %%
checks.quiz(2)

# %% [markdown]
# **Your progress**, and what to do next:

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
