# %% [markdown]
# # Lesson 3. Grad-CAM: what do the last feature maps say?
#
# Put a basketball and a brown bear into one picture. *Where* does the network see the ball, and
# where the bear? The maps of vanilla gradients could barely tell classes apart. Grad-CAM stops
# the backward pass early, at the last layer that still knows where things are, and gets a
# different answer.
#
# **Goals.** After this lesson you can
#
# 1. compute Grad-CAM step by step, and say what a network must have for it,
# 2. say what the ReLU hides, and when Grad-CAM is exact,
# 3. measure whether a map is where it should be, and say which layer and which resolution it has.
#
# **You need** lesson 2. **Time:** 90 minutes, less than one of them computing.
#
# The core path takes 45 minutes; sections marked *optional* can wait. Run their cells anyway: later
# cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **I lose count of the axes.** The order is B pictures, h rows, w columns, K maps, and axes are
#   counted from zero. The weights have no positions left: (B, K). The map has no K left: (B, h, w).
#   Print the shapes after each line.
# - **The gradient is `None` (exercise 3.3).** Feature maps and scores must come from *one* call of
#   the network inside the tape; two separate calls aren't connected.
# - **It works for one picture and not for two.** `weights[:, None, None, :]` gives each picture its
#   own weights at every position. Try it with made-up maps of 2 x 2 positions and 3 maps, small
#   enough to do in your head.
# - **My map is 0 everywhere.** Look at it without the ReLU. If everything is negative, nothing in
#   this layer speaks for that class, and that may be the right answer. Is it the class you meant?
#
# Still stuck? Move on: the check has given the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try first.
#
# </details>

# %%
from course_utils import load_classifier, load_image

classifier = load_classifier()
network = classifier.model
inputs = classifier.prepare(load_image("cat"))
seen = classifier.restore(inputs)[0]
tabby = classifier.class_index("tabby")

# %% [markdown]
# ## What is a feature map?
#
# A convolutional layer slides small filters over its input. At every position, each filter gives
# one number: how strongly *its* pattern is present there. These numbers, laid out as an image, are
# a **feature map**. From layer to layer, the maps of a network get smaller, and there are more of
# them. Here are a few layers of ours, with their shapes (height, width, number of maps):

# %% tags=["nbval-check-output"]
names = ["stem_conv", "block5_add", "block11_add", "head_conv", "average_pool", "logits"]
for name in names:
    print(f"{name:>12}: {network.get_layer(name).output.shape[1:]}")

# %% [markdown]
# `head_conv` is the last layer with positions: 1280 maps of 7 x 7 numbers. `average_pool` takes the
# mean of each map, and *where* is lost. `logits` computes the 1000 class scores from the 1280
# means. We build a network with two outputs, the maps of `head_conv` and the scores. It has the
# same layers and the same weights.

# %%
import keras
import numpy as np

maps_layer, scores_layer = network.get_layer("head_conv"), network.get_layer("logits")
maps_and_scores = keras.Model(network.input, [maps_layer.output, scores_layer.output])
A, scores = maps_and_scores(inputs)
A = A.numpy()
print("feature maps A:", A.shape, " scores:", scores.shape)
print(f"{(A == 0).mean():.0%} of the numbers in the maps are exactly 0")
assert (A == 0).mean() > 0.8 and A.min() == 0, (
    "After a ReLU, most numbers should be exactly 0, and none should be negative."
)

# %% [markdown]
# Most patterns are absent at most positions. Here are the three maps with the largest means. Each
# number is drawn as a square: the 7 x 7 positions cover the picture in squares of 32 x 32 pixels.
# The numbers have no unit, so don't compare them between maps. This layer ends in a ReLU, so zero
# means "not here". And 6 is the most that a map of this layer can reach: its ReLU, a *ReLU6*, also
# cuts off everything above 6.

# %%
from course_utils import show_maps

strongest = np.argsort(-A[0].mean(axis=(0, 1)))[:3]
chosen = {f"Feature map {k}": A[0, :, :, k] for k in strongest}
show_maps(seen, chosen, percentile=100, title="Three of 1280")
# %% [markdown]
# All three are strong on much of the face. So is one of them "the cat"? The maps have no names and
# can't tell us. What a map is worth for a class depends on what comes after it: the **head** of the
# network. We'll come back to the strongest of them.
#
# ## With the head, or without? (optional)
#
# Keras offers networks in two forms. With `include_top=True` they have the head, and end in
# classes; with `include_top=False` they end in feature maps, ready for you to build something new
# on top. Which form can you ask "what speaks for tabby"? Let's cut ours off after the feature maps,
# as `include_top=False` does.

# %% tags=["nbval-check-output"]
from course_utils import score_model

headless = keras.Model(network.input, maps_layer.output, name="headless")
try:
    score_model(headless)
except ValueError as error:
    print(error)

# %% [markdown]
# **Without the head there is no class score, and so nothing to differentiate.** The feature maps
# are there, but nothing says which of them matter for which class.
#
# That error is the friendly case. Put a mean over the positions on top (in Keras,
# `include_top=False, pooling="avg"`), and the output has one number per map, 1280 in all. That
# looks like 1280 classes. Ask this network about "class 294", *brown bear*, in the picture with the
# bear. (`grad_cam` is the finished method, which you'll build in steps 1 to 3. For now it's enough
# that it gives a map for a class.)

# %%
from course_utils import grad_cam

scene = classifier.prepare(load_image("two_objects"))
seen_scene = classifier.restore(scene)[0]
pooled = keras.Model(network.input, network.get_layer("average_pool").output, name="pooled")
no_bear = grad_cam(pooled, scene, 294)[0]
map_294 = maps_and_scores(scene)[0].numpy()[0, :, :, 294]
# Divided by 49, because this output is the mean over 49 positions.
same_map = np.allclose(no_bear, map_294 / 49, atol=1e-4)
print("no error; and 'class 294' is feature map 294:", same_map)
assert same_map and no_bear.max() > 0, (
    "Without the head, 'class 294' should be feature map 294, divided by 49."
)

# %% [markdown]
# No error, and out comes a map; but it's the map of feature number 294. And look where it is:

# %%
show_maps(seen_scene, {"'class 294'": no_bear}, percentile=100, title="Without the head")
head, _ = scores_layer.get_weights()
ranks = (head[294] > head[294, 294]).sum() + 1
print(
    f"weight of feature 294 for 'brown bear': {head[294, 294]:+.2f}, rank {ranks} of 1000 classes"
)
largest = np.argsort(-head[294])[:3]
print("its largest weights are for:", ", ".join(classifier.labels[c] for c in largest))
assert head[294, 294] < 0 and ranks > 900 and no_bear[:, :3].max() == 0, (
    "Feature 294 should speak against brown bear, and its map should be 0 on the left."
)
# %% [markdown]
# It's on the bear and exactly 0 on the left: it would pass for the bear's map. But to the network
# this feature speaks *against* brown bear: the head, which we cut off, gives it a negative weight.
# A map in the right place isn't always an answer to your question. So whatever network you use, ask
# first: *what are its outputs?*
#
# ## Step 1: what is a feature map worth?
#
# Let $A^k_{ij}$ be the number of map $k$ in row $i$ and column $j$. How much does the score of
# *tabby* rise with it? That's a gradient again, $\partial S_c / \partial A^k_{ij}$, this time with
# respect to the feature maps instead of the pixels. We watch the input, and with it everything
# that's computed from it.

# %%
import tensorflow as tf

x = tf.constant(inputs)
with tf.GradientTape() as tape:
    tape.watch(x)
    feature_maps, scores = maps_and_scores(x)
    score = scores[:, tabby]
gradient = tape.gradient(score, feature_maps).numpy()
print("gradient:", gradient.shape, " one number for each number of the feature maps")

# %% [markdown]
# **Predict.** After these maps come only a mean over the 49 positions and one layer of weights.
# Take one map, $k = 0$. Do the slopes differ between its 49 positions?

# %%
from course_utils import checks

guess_places = checks.guess(["yes", "no"])

# %%
one = gradient[0, :, :, 0]
print(f"smallest slope {one.min():+.6f}, largest {one.max():+.6f}")
same = np.ptp(gradient, axis=(1, 2)).max() < 1e-6  # largest minus smallest, of every map
checks.prediction(guess_places, "no" if same else "yes", ["yes", "no"])
assert same, "After a mean over all positions, the slopes should be the same at all of them."

# %% [markdown]
# They are the same, for each of the 1280 maps: a mean treats all positions alike. ResNet50 and
# MobileNetV2 end in the same way, so it's the same there. In VGG16, which ends in three dense
# layers, and in the earlier layers of any network, the slopes differ. So Grad-CAM averages them. It
# gives each map one weight,
#
# $$\alpha_k^c = \frac1Z \sum_{ij} \frac{\partial S_c}{\partial A^k_{ij}},$$
#
# where $Z$ is the number of positions, here 49. A map with a positive weight speaks for the class,
# one with a negative weight against it.

# %% [markdown] exercise={"id": "3.1", "minutes": 5, "difficulty": "easy", "goal": 1}
# ### Exercise 3.1: the weight of each map (5 minutes, easy)
#
# Write a function that takes the gradient, (B, h, w, K), for B pictures and K maps of h x w
# positions, and returns the weights $\alpha_k^c$ of each picture, (B, K).
#
# <details><summary>Hint 1</summary>
#
# Which axes are the positions? The second and the third. Axes are counted from 0.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.mean(..., axis=(1, 2))` takes the mean over two axes at once.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# The mean over the maps (the last axis) instead of the positions; the sum instead of the mean; the
# mean over the pictures as well; dropping the signs.
#
# </details>


# %%
def alpha(gradient):
    ### BEGIN SOLUTION
    return np.mean(gradient, axis=(1, 2))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
alpha = checks.alpha(alpha)

# %%
weights = np.asarray(alpha(gradient))
print("weights:", weights.shape)
print(f"{(weights > 0).mean():.0%} of the maps have a positive weight for tabby")
assert weights.shape == (1, 1280) and 0.2 < (weights > 0).mean() < 0.8, (
    "There should be one weight per map, about half of them positive. Run the check of exercise "
    "3.1, then this cell."
)

# %% [markdown]
# ## Step 2: the weighted sum
#
# Add up all the maps, each with its weight. The result is *one* map of 7 x 7 numbers for the class:
#
# $$L^c_{ij} = \sum_k \alpha_k^c A^k_{ij}$$

# %% [markdown] exercise={"id": "3.2", "minutes": 10, "difficulty": "medium", "goal": 1}
# ### Exercise 3.2: the weighted sum of the maps (10 minutes, medium)
#
# The function takes the feature maps, (B, h, w, K), and the weights, (B, K), and returns the sum
# $L$, (B, h, w), with its signs. Each picture has its own weights.
#
# <details><summary>Hint 1</summary>
#
# The weights need two axes for the positions, (B, 1, 1, K). NumPy then repeats them at every
# position: `weights[:, None, None, :]`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply with `*`, then sum over the maps, `axis=-1`. Or in one line:
# `np.einsum("bijk,bk->bij", ...)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# `feature_maps * weights` without the two axes, which works for one picture and fails for two, or
# worse, doesn't fail; `@`, which multiplies every picture's maps by every picture's weights; the
# mean over the maps; summing over positions; removing negative numbers *before* the sum, so nothing
# can speak against the class.
#
# </details>


# %%
def weighted_sum_of_maps(feature_maps, weights):
    ### BEGIN SOLUTION
    weights = np.asarray(weights)[:, None, None, :]
    return np.sum(np.asarray(feature_maps) * weights, axis=-1)
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
weighted_sum_of_maps = checks.weighted_sum_of_maps(weighted_sum_of_maps)

# %% [markdown]
# Here is the cat's whole map in numbers. There's nothing more in it than this. For comparison, we
# add up the 1280 maps without any weights.

# %%
tabby_map = np.asarray(weighted_sum_of_maps(A, weights))[0]
print(np.array2string(tabby_map, formatter={"float": "{:5.2f}".format}))
plain_sum = A[0].sum(axis=-1)  # without weights, so it asks about no class
r = np.corrcoef(tabby_map.ravel(), plain_sum.ravel())[0, 1]
print(f"correlation with the plain sum: {r:.2f}")

# %% [markdown]
# ## 49 numbers are not 224 x 224
#
# To lay the map over the picture, it has to be enlarged from 7 x 7 to 224 x 224. How? You can keep
# the squares. Or you can draw it *linearly*: each number sits in the middle of its square of
# 32 x 32 pixels, and the pixels in between get values in between. (`overlay` does that with any
# small map; `show_maps` keeps the squares.)

# %%
from course_utils import overlay
from course_utils.images import resize_map

panels = {
    "As computed": tabby_map,
    "Linear between": resize_map(tabby_map, (224, 224)),
    "Laid over": overlay(seen, tabby_map),
}
show_maps(seen, panels, percentile=100, title="Class 'tabby', one map, three drawings")
# %% [markdown]
# The face stands out, and the edges of the picture don't. (Don't credit *tabby* with that yet: the
# plain sum of all maps, which asks about no class, looks nearly the same. The cat fills the
# picture. Two objects, below, are a harder test.) The soft drawing looks like a finer measurement
# than the squares. It isn't: everything finer than a square was made up by the drawing.
#
# Does each number at least describe *its own* square? Ask the tape: how does the number in row 3,
# column 3 (counted from 0, so the one in the middle) depend on the pixels?

# %%
with tf.GradientTape() as tape:
    tape.watch(x)
    feature_maps, _ = maps_and_scores(x)
    # The weighted sum again, at this one position: 1280 weights times 1280 numbers.
    middle = tf.reduce_sum(weights[0] * feature_maps[0, 3, 3])
slopes = np.abs(tape.gradient(middle, x).numpy()[0]).max(axis=-1)
own = slopes[96:128, 96:128].sum() / slopes.sum()  # rows and columns 3 x 32 to 4 x 32
print(f"pixels that it depends on: {(slopes > 0).mean():.0%}")
print(f"share of its own square: {own:.0%}, where an even spread gives {1 / 49:.0%}")
assert (slopes > 0).mean() > 0.9 and 1 / 49 < own < 0.4, (
    "The number should depend on nearly all pixels, and mostly on those of other squares."
)

# %% [markdown]
# It depends on the whole picture, and mostly on pixels outside its own square. A bright square
# means "at this position the network has gathered what speaks for tabby", not "these pixels alone
# did it".
#
# ## Step 3: the ReLU, and what happens without it
#
# Grad-CAM ends with $\mathrm{ReLU}(L) = \max(L, 0)$: whatever speaks *against* the class becomes 0.
#
# **Predict.** In the table above, no number of the tabby map is negative. Now take *banana*, which
# isn't in the picture. How many of its 49 numbers does the ReLU change? Type a whole number.

# %%
guess_relu = checks.guess()

# %%
banana = classifier.class_index("banana")
banana_map = grad_cam(network, inputs, banana, relu=False)[0]
print(f"tabby:  {tabby_map.min():+.3f} to {tabby_map.max():+.3f}")
print(f"banana: {banana_map.min():+.3f} to {banana_map.max():+.3f},", end=" ")
print(f"{(banana_map < 0).sum()} of 49 negative")
checks.prediction(guess_relu, int((banana_map < 0).sum()))
assert (tabby_map > 0).all() and 15 < (banana_map < 0).sum() < 35, (
    "All positions should speak for tabby, and about half of them against banana."
)
assert banana_map.max() < 0.3 * tabby_map.max(), (
    "Every position should speak less for banana than the best ones do for tabby."
)

# %% [markdown]
# The cat fills the picture, and for *tabby* the ReLU changes nothing at all. For *banana*, about
# half of the positions speak against it and the others for it, all of them weakly.
#
# Some packages leave the ReLU out and stretch each map instead: its smallest number becomes 0, and
# its largest 1 (lesson 5 takes one of them apart). See what that does to the banana. Compare the
# *colour bars*.

# %%
stretched = (banana_map - banana_map.min()) / np.ptp(banana_map)
panels = {
    "tabby, ReLU": np.maximum(tabby_map, 0),
    "banana, ReLU": np.maximum(banana_map, 0),
    "banana, stretched": stretched,
}
show_maps(seen, panels, percentile=100, title="Two classes; the third map is stretched to 0...1")
# %%
zero = -banana_map.min() / np.ptp(banana_map)
print(f"positions that speak for banana: {(banana_map > 0).sum()} of 49")
print(f"positions with colour in the stretched map: {(stretched > 0).sum()} of 49")
print(f"'neither for nor against', 0, has become {zero:.2f}")
assert zero > 0.3, "Stretching should give 0 a colour in the middle of the scale."

# %% [markdown]
# Stretched, the map has lost its zero. A position that speaks neither for nor against gets a middle
# colour, and the best position for a fruit that isn't there shines like the best one for the cat.
# Leaving the ReLU out is a good choice if you keep the signs and show them, as we'll do below.
# Stretching is fine if you only want to see the *pattern* of one map. It can't tell you whether
# there's anything there at all.
#
# The same goes for the first two panels: each has its own colours. Only the numbers on the bars
# show that the banana's scale ends at a fraction of the tabby's. **Raw range first, colours last.**

# %% [markdown] exercise={"id": "3.3", "minutes": 15, "difficulty": "hard", "goal": 1}
# ### Exercise 3.3: Grad-CAM, all steps (15 minutes, hard) (optional)
#
# Put everything together. The function takes a network with two outputs, feature maps and scores,
# such as `maps_and_scores`; a batch of prepared inputs (a NumPy array); and the index of a class.
# It returns $\mathrm{ReLU}\big(\sum_k \alpha_k^c A^k\big)$, of shape (B, h, w). You may use `alpha`
# and `weighted_sum_of_maps`.
#
# <details><summary>Hint 1</summary>
#
# Begin as in step 1: a tensor of the inputs, a tape that watches it, the two outputs, the score of
# the class. After the tape, take the gradient with respect to the feature maps. `.numpy()` turns a
# tensor into an array.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Then three lines: the weights from the gradient, the weighted sum from maps and weights, and
# `np.maximum(..., 0)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Differentiating a probability; the gradient with respect to the inputs; the ReLU forgotten, or
# applied before the sum; an absolute value, which turns what speaks against a class into what
# speaks for it; dividing by the map's maximum, which belongs to the display. If you read that an
# `EagerTensor` has no attribute `mean` or `sum`, your function got a tensor where it needs an
# array: add `.numpy()`.
#
# </details>


# %%
def grad_cam_steps(maps_and_scores, inputs, class_index):
    ### BEGIN SOLUTION
    x = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        feature_maps, scores = maps_and_scores(x)
        score = scores[:, class_index]
    gradient = tape.gradient(score, feature_maps).numpy()
    cam = weighted_sum_of_maps(feature_maps.numpy(), alpha(gradient))
    return np.maximum(cam, 0)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
grad_cam_steps = checks.grad_cam_steps(grad_cam_steps)

# %% [markdown]
# Compare it with the helper package, which does the same for any Keras classifier and finds the
# last convolutional layer by itself.

# %%
ours = np.asarray(grad_cam_steps(maps_and_scores, inputs, tabby))
theirs = grad_cam(network, inputs, tabby)
print("largest difference:", f"{np.abs(ours - theirs).max():.0e}")
assert np.allclose(ours, theirs, atol=1e-3), (
    "Your Grad-CAM and ours should agree. Run the check of exercise 3.3, then this cell."
)

# %% [markdown]
# ## Where it is exact: CAM (optional)
#
# Our network ends in a mean over positions and one layer of weights, so we can do without any
# gradient. With $W_{kc}$ the weight from map $k$ to class $c$, and $b_c$ a constant,
#
# $$S_c = b_c + \sum_k W_{kc} \frac1Z \sum_{ij} A^k_{ij}
# = b_c + \sum_{ij} \frac1Z \sum_k W_{kc} A^k_{ij}.$$
#
# The inner sum $\sum_k W_{kc} A^k_{ij}$ is the **class activation map**, CAM (Zhou and others,
# 2016). Divided by $Z$, it is the **contribution** of position $ij$ to the score. It needs only the
# weights that are stored in the network.

# %% [markdown] exercise={"id": "3.4", "minutes": 8, "difficulty": "easy", "goal": 2}
# ### Exercise 3.4: without a gradient (8 minutes, easy) (optional)
#
# Write the contribution of each position, $\frac1Z \sum_k W_{kc} A^k_{ij}$, with its sign. The
# function takes the feature maps, (B, h, w, K), the weights $W$ of the last layer, (K, classes),
# and the index of a class. It returns (B, h, w). What is $Z$ for maps of h x w positions?
#
# <details><summary>Hint 1</summary>
#
# The weights of one class are a column of $W$: `W[:, class_index]`, K numbers.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `feature_maps @ column` multiplies along the last axis and sums over it. (Here `@` is right,
# because one column serves all pictures.) Then divide by
# `feature_maps.shape[1] * feature_maps.shape[2]`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# A row of $W$ instead of a column; forgetting $1/Z$, or writing 49, which is right for only one
# network; the ReLU, after which the contributions no longer add up.
#
# </details>


# %%
def place_contributions(feature_maps, W, class_index):
    ### BEGIN SOLUTION
    places = feature_maps.shape[1] * feature_maps.shape[2]
    return feature_maps @ W[:, class_index] / places
    ### END SOLUTION


# %% tags=["nbval-check-output"]
place_contributions = checks.place_contributions(place_contributions)

# %%
W, b = scores_layer.get_weights()
by_hand = np.asarray(place_contributions(A, W, tabby))[0]
print("largest difference from Grad-CAM:", f"{np.abs(by_hand - tabby_map).max():.0e}")
print(f"sum of the map + constant: {by_hand.sum() + b[tabby]:.3f}")
print(f"score of tabby:            {float(scores[0, tabby]):.3f}")
assert np.allclose(by_hand, tabby_map, atol=1e-3), (
    "CAM and Grad-CAM should agree here. Run the check of exercise 3.4, then this cell."
)
assert np.isclose(by_hand.sum() + b[tabby], scores[0, tabby], atol=0.01), (
    "The 49 numbers and the constant should add up to the score."
)

# %% [markdown]
# Two things follow. Here, Grad-CAM *is* CAM, up to the factor 49 (and the ReLU). And the 49
# numbers, with their signs, account for the whole score except for a constant. Such an account is
# rare. It holds for networks that end this way (ResNet50, MobileNetV2, EfficientNet), at their last
# feature maps. It doesn't hold for VGG16, which ends in three dense layers.
#
# Does one *feature map* make the tabby? Here is what each feature map contributes, instead of each
# position.

# %%
contributions = W[:, tabby] * A[0].mean(axis=(0, 1))
best = contributions.argmax()
print(f"the score {scores[0, tabby]:.2f} comes from {(contributions != 0).sum()} maps;", end=" ")
print(f"the most, {contributions[best]:.2f}, from map {best}")
favourite = classifier.labels[W[best].argmax()]
print(f"and the class that map {best} has its largest weight for is: {favourite}")
assert contributions.max() < 0.1 * contributions.sum() and best in strongest, (
    "No map should give a tenth of the score, and the best should be in the first figure."
)
assert W[best].argmax() not in (281, 282, 283, 284, 285), (
    "The class that this map is worth most for shouldn't be a cat."
)

# %% [markdown]
# No. Many maps give a little each. The one that gives the most, one of the three in the first
# figure, has its largest weight for a class that has nothing to do with cats. It isn't the "cat
# detector" that it may look like; the weighted sum is what counts.
#
# ## Two objects, two maps
#
# Now the ball and the bear. As always, look at the prediction first.

# %%
top = classifier.predict(load_image("two_objects"), top=3)[0]
for p in top:
    print(f"{p.label:>14} ({p.class_index}): probability {p.probability:.2f}, score {p.score:.2f}")
ball, bear = classifier.class_index("basketball"), classifier.class_index("brown bear")
assert {p.class_index for p in top[:2]} == {ball, bear}, (
    "The two most probable classes should be the basketball and the brown bear."
)

# %% tags=["thumbnail"]
signed = grad_cam(network, np.repeat(scene, 2, axis=0), [ball, bear], relu=False)
cams = {"basketball": np.maximum(signed[0], 0), "brown bear": np.maximum(signed[1], 0)}
show_maps(seen_scene, cams, percentile=100, shared_scale=True, title="Grad-CAM, one scene")
# %% [markdown]
# One picture, one network, two questions, two answers. It looks convincing, but looking isn't
# measuring. The picture was put together: a ball and a bear, pasted on low-contrast grass. (Of some
# 600 pairs and placements, we chose one in which the network scores both objects high and about
# equally. So this is an easy case.) We *know* where the ball is: on the left half. What share of
# its map is there? Three of the seven columns belong to the left half and three to the right. The
# middle one belongs to both, so it counts half: 1, 1, 1, 0.5, 0, 0, 0.

# %% [markdown] exercise={"id": "3.5", "minutes": 6, "difficulty": "easy", "goal": 3}
# ### Exercise 3.5: what share of the map is on its side? (6 minutes, easy) (optional)
#
# The function takes a map `m`, (h, w), with signs, and an array `side` of the same shape: 1 at
# positions on the side, 0 at the others, 0.5 at positions that count half. Take only the positive
# numbers of the map, which speak *for* the class, and return the share of their sum that is on the
# side: a number from 0 to 1. If no number is positive, return 0.
#
# <details><summary>Hint 1</summary>
#
# What speaks for the class is `np.maximum(m, 0)`. A share is a part divided by the whole.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The part is `(positive * side).sum()`. If the whole is 0, you cannot divide by it.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Summing with signs, after which the share can exceed 1; taking absolute values, which counts
# evidence against the class as evidence for it; counting positions instead of summing their values;
# dividing zero by zero.
#
# </details>


# %%
def side_share(m, side):
    ### BEGIN SOLUTION
    positive = np.maximum(m, 0)
    whole = positive.sum()
    return (positive * side).sum() / whole if whole > 0 else 0.0
    ### END SOLUTION


# %% tags=["nbval-check-output"]
side_share = checks.side_share(side_share)

# %% [markdown]
# Here is the left half for a map of any size: 1 for columns whose middle is left of the picture's
# middle, 0.5 for a column exactly in the middle, 0 for the others.


# %%
def left_half(m):
    middles = (np.arange(m.shape[1]) + 0.5) / m.shape[1]  # of the columns, from 0 to 1
    row = np.where(middles < 0.5, 1, np.where(middles == 0.5, 0.5, 0))
    return np.tile(row, (m.shape[0], 1))


print(left_half(signed[0])[0])
cam_shares = {
    "basketball": side_share(signed[0], left_half(signed[0])),
    "brown bear": side_share(signed[1], 1 - left_half(signed[1])),
}
for name, share in cam_shares.items():
    print(f"{name}: {share:.0%} of its map is on its half")
assert min(cam_shares.values()) > 0.8, "Each map should be on its half. Has check 3.5 been run?"

# %% [markdown]
# A map that is the same everywhere would have 50 %. And vanilla gradients?

# %%
from course_utils import vanilla_gradients

pixel_slopes = vanilla_gradients(network, np.repeat(scene, 2, axis=0), [ball, bear])
vanilla = dict(zip(cams, np.abs(pixel_slopes).max(axis=-1), strict=True))
show_maps(seen_scene, vanilla, shared_scale=True, title="Vanilla gradients, one scene")
# %%
vanilla_shares = {
    "basketball": side_share(vanilla["basketball"], left_half(vanilla["basketball"])),
    "brown bear": side_share(vanilla["brown bear"], 1 - left_half(vanilla["brown bear"])),
}
for name in cam_shares:
    print(f"{name}: Grad-CAM {cam_shares[name]:.0%}, vanilla gradients {vanilla_shares[name]:.0%}")
    assert vanilla_shares[name] < cam_shares[name] - 0.1, (
        "Grad-CAM should keep the objects apart better than vanilla gradients."
    )
brightest = [m.max(axis=0).argmax() for m in vanilla.values()]  # the column of the brightest pixel
assert brightest[0] < 112 < brightest[1], "The brightest pixels should be on the right objects."
# %% [markdown]
# On this scene Grad-CAM keeps the objects apart better. The brightest pixels of the vanilla maps
# are on the right objects, but between a quarter and a half of each map is on the other half. To be
# fair, vanilla gradients answer another question. A score is *sensitive* to the pixels of the other
# object too, whether they speak for the class or against it; the absolute value can't say which. In
# return, a gradient shows the lines of the ball, which no 7 x 7 map can. And this is one scene,
# chosen for being easy. Lesson 6 measures many.

# %% [markdown]
# ## Evidence against
#
# Here are both maps without the ReLU. Zero is the middle of the colours, and blue is negative.
# Negative values are small, so we print them. In a network that ends as ours does, each number is
# what its position *contributes* to the score: all 49 and one constant add up to it. (The optional
# section *Where it is exact* derives that. You can check it in the first line that we print.)

# %%
from matplotlib import pyplot as plt

from course_utils.display import show_figure


def draw_signed(ax, m, name, limit):
    drawn = ax.imshow(m, cmap="coolwarm", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(m):
        if value <= -0.005:
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8)
    ax.set(title=name, xlabel="column of 7", ylabel="row of 7", xticks=range(7), yticks=range(7))
    return drawn


# %%
limit = np.abs(signed).max()
fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), dpi=80)
for ax, name, m in zip(axes, cams, signed, strict=True):
    drawn = draw_signed(ax, m, name, limit)
fig.colorbar(drawn, ax=axes, label="contribution (score)")
alt = (
    "Two maps of 7 by 7 squares. Basketball: red on the left; the negative numbers, down to -0.13,"
)
show_figure(fig, f"{alt} are mostly on the right. Bear: red on the right, negative on the left.")

# %%
print(f"basketball: all 49 numbers {signed[0].sum():+.2f}, constant {b[ball]:+.2f},", end=" ")
print(f"so the score is {signed[0].sum() + b[ball]:.2f}")
right = 1 - left_half(signed[0])
print(f"basketball: for {signed[0][signed[0] > 0].sum():+.2f},", end=" ")
print(f"against {signed[0][signed[0] < 0].sum():+.2f}, in units of the score")
print("lowest in (row, column):", *np.unravel_index(signed[0].argmin(), (7, 7)))
on_right = (signed[0] * right)[signed[0] < 0].sum() / signed[0][signed[0] < 0].sum()
print(f"{on_right:.0%} of the evidence against the ball is on the right half, with the bear")
assert on_right > 0.8 and signed[0].min() < -0.05, (
    "What speaks against the ball should be on the right half, with the bear."
)

# %% [markdown]
# The bear speaks *against* the ball, if quietly. (The paper shows this part alone: it flips the
# sign of the slopes and carries on as before, which gives $\mathrm{ReLU}(-L)$, a "counterfactual"
# map.) That's a claim you can test.
#
# **Predict.** Cover the bear with a plain grey box. The map's negative numbers are its evidence
# against the ball; we printed their sum. Will the score of *basketball* rise by "less" than that
# sum, by "as much" (within a quarter), or by "more"?

# %%
guess_cover = checks.guess(["less", "as much", "more"])

# %%
covered, grass = scene.copy(), scene.copy()
covered[:, 70:160, 118:214] = 0  # the box around the bear; the input 0 is a middle grey
grass[:, :70, 118:214] = grass[:, 160:, 118:214] = 0  # the control: above and below, a larger area
before, after, control = (float(maps_and_scores(z)[1][0, ball]) for z in (scene, covered, grass))
print(f"score of basketball: {before:.2f} before, {after:.2f} with the bear covered;")
print(f"{control:.2f} with the grass above and below the bear covered instead")
ratio = (after - before) / -signed[0][signed[0] < 0].sum()
answer_cover = "as much" if abs(ratio - 1) < 0.25 else "more" if ratio > 1 else "less"
checks.prediction(guess_cover, answer_cover, ["less", "as much", "more"])
assert after > before + 1 and control < before + 0.5 * (after - before), (
    "Covering the bear should raise the score by more than 1, and by far more than grass does."
)

# %% [markdown]
# It rises, as the map says, and far less if grass is covered instead of the bear. Is it the grey?
# Try boxes of other greys, from black to white.

# %%
rises = []
for grey in (-1, -0.5, 0.5, 1):
    covered_in_grey = scene.copy()
    covered_in_grey[:, 70:160, 118:214] = grey
    rises.append(float(maps_and_scores(covered_in_grey)[1][0, ball]) - before)
print(f"with four other greys the score rises by {min(rises):.1f} to {max(rises):.1f}")
assert min(rises) > 2, "With any grey, covering the bear should raise the score by more than 2."

# %% [markdown]
# Every box raises it. But look at *how much*: the map had less than 1 against the ball, and
# covering the bear brought far more. Where does the rest come from?

# %%
covered_map = grad_cam(network, covered, ball, relu=False)[0]
change = covered_map - signed[0]
print(f"change of the score {after - before:+.2f}:")
print(f"  columns 0 to 2, left of the box:   {change[:, :3].sum():+.2f}")
print(f"  column 3, which the box touches:   {change[:, 3].sum():+.2f}")
print(f"  columns 4 to 6, with the box:      {change[:, 4:].sum():+.2f}")
assert change[:, :3].sum() > 0.5 * (after - before), (
    "More than half of the rise should come from the left, where no pixel was changed."
)

# %% [markdown]
# More than half of it comes from the *left*, where not a pixel was changed. Every position sees the
# whole picture, and without the bear the ball's positions say "ball" more loudly. The map is an
# exact account of *this* picture, and no forecast of what happens when the picture changes.
#
# ## Which layer? (optional)
#
# 7 x 7 is coarse. Earlier layers have finer maps, so why not take one of those? `grad_cam` takes
# the name of any layer with feature maps. Here is `block11_add`, with 14 x 14 positions.
#
# **Predict.** When you go from `head_conv` to `block11_add`, does the share of the ball's map on
# its own half rise, fall or stay (within 5 percentage points)?

# %%
guess_layer = checks.guess(["rise", "fall", "stay"])

# %%
both = np.repeat(scene, 2, axis=0)
earlier = grad_cam(network, both, [ball, bear], layer="block11_add")
share = side_share(earlier[0], left_half(earlier[0]))
change = share - cam_shares["basketball"]
print(f"basketball on its half: head_conv {cam_shares['basketball']:.0%}, block11_add {share:.0%}")
answer_layer = "stay" if abs(change) < 0.05 else "rise" if change > 0 else "fall"
checks.prediction(guess_layer, answer_layer, ["rise", "fall", "stay"])
assert share < 0.6, "At block11_add, less than 60 % of the ball's map should be on its half."

# %%
assert earlier[0].max(axis=0).argmax() >= 7, "The ball's map should peak on the right, on the bear."
assert side_share(earlier[1], left_half(earlier[1])) > 0.6, (
    "Most of the bear's map should be on the left, on the ball."
)
panels = {
    "basketball, 14 x 14": earlier[0],
    "brown bear, 14 x 14": earlier[1],
}
show_maps(seen_scene, panels, percentile=100, title="Grad-CAM at block11_add")
# %% [markdown]
# Finer, and worse: the ball's map is brightest on the bear, and most of the bear's is on the ball.
# Three things could be to blame.
#
# 1. The maps of an earlier layer hold simpler patterns, edges and textures, which many classes
#    share.
# 2. The slopes are no longer the same at all positions, so their *average* throws something away.
# 3. Layers such as `block11_add` add the outputs of two others, and no ReLU follows. Their maps
#    have negative numbers too, so zero no longer means "not here".
#
# You can test the second by leaving the average out: multiply each number by its *own* slope, and
# sum over the maps. (This is known as HiResCAM.) For the third, count the negative numbers.


# %%
def maps_and_slopes(layer, class_index):
    two = keras.Model(network.input, [network.get_layer(layer).output, scores_layer.output])
    z = tf.constant(scene)
    with tf.GradientTape() as tape:
        tape.watch(z)
        maps, scores = two(z)
        score = scores[:, class_index]
    return maps.numpy(), tape.gradient(score, maps).numpy()


# %%
layer_shares, negative = {}, {}
for layer in ("head_conv", "block15_add", "block11_add", "block5_add"):
    layer_shares[layer] = []
    for class_index in (ball, bear):
        maps, g = maps_and_slopes(layer, class_index)
        averaged = np.asarray(weighted_sum_of_maps(maps, np.asarray(alpha(g))))[0]
        own = (g * maps).sum(axis=-1)[0]
        side = left_half(own) if class_index == ball else 1 - left_half(own)
        layer_shares[layer] += [side_share(averaged, side), side_share(own, side)]
    negative[layer] = (maps < 0).mean()

# %%
print("share of each map on its half; slopes averaged, or each position's own")
print("                     ball                 bear            numbers")
print("               averaged    own      averaged    own    below zero")
for layer, (ball_mean, ball_own, bear_mean, bear_own) in layer_shares.items():
    print(f"{layer:>12} {ball_mean:9.0%} {ball_own:7.0%} {bear_mean:12.0%} {bear_own:7.0%}"
          f" {negative[layer]:11.0%}")  # fmt: skip

# %%
last, next_to_last, middle, early = layer_shares.values()
assert np.allclose(last[::2], last[1::2], atol=1e-3), (
    "At head_conv, averaging the slopes should change nothing."
)
assert next_to_last[0] < 0.4 and 0.6 < next_to_last[1] < 0.8 and abs(last[0] - 0.9) < 0.05, (
    "At block15_add, own slopes should bring back much of the ball's share, and not all of it."
)
assert next_to_last[2] > next_to_last[3] > 0.8, "The bear's map shouldn't suffer from averaging."
assert middle[1] > 0.7 and min(middle[3], early[3]) > 0.65 and max(early[:2]) < 0.6, (
    "Own slopes should find both objects at block11_add, and only the bear at block5_add."
)
assert negative["head_conv"] == 0 and all(0.4 < negative[k] < 0.6 for k in list(negative)[1:]), (
    "About half of the numbers should be negative, except after a ReLU."
)

# %% [markdown]
# At `head_conv` averaging changes nothing. At `block15_add`, which has 7 x 7 positions as well,
# look at the ball first. With averaged slopes, less than a third of its map is on its own half.
# With each position's own slope it is more than two thirds, though not the nine tenths of
# `head_conv`. So the average explains much of the loss, and not all. Now look at the bear: averaged
# or not, more than 80 % of its map is on its own half, so the average cost it nothing. At
# `block11_add` own slopes help both maps. At `block5_add`, closer to the pixels, they still find
# the bear; the ball is lost.
#
# And the third reason? About half of the numbers in these layers are negative. Whether they or the
# simpler patterns explain the rest, this table can't say. So take the last layer unless you have a
# reason for another one, and say which one you took.

# %% [markdown]
# **Try it yourself.** Everything from this lesson is now in your hands: the layer, the class, the
# ReLU. What happens to the ball's map at `block5_add` without the ReLU? Does any layer but the last
# keep the two objects apart? Watch the colour bar when you change the class.

# %%
from course_utils.widgets import cam_explorer

cam_explorer(classifier, scene, ["basketball", "brown bear"], list(layer_shares))

# %%
early_ball = grad_cam(network, scene, ball, layer="block5_add", relu=False)[0]
print(f"block5_add, ball: {(early_ball < 0).mean():.0%} of the positions are negative")
assert 0.25 < (early_ball < 0).mean() < 0.45, "About a third should be negative."

# %% [markdown]
# <details><summary>What we found</summary>
#
# At `block5_add` about a third of the ball's map is negative, and the map doesn't find the ball:
# with the ReLU, 48 % of the map is on the ball's half, as for a map without any sense of place. And
# no: the explorer averages the slopes, and with averaged slopes only `head_conv` has most of *both*
# maps on their own halves. `block15_add` does so for the bear alone.
#
# </details>

# %% [markdown]
# ## Read the package (optional)
#
# Nothing in the helper package is magic. Here are your function and the package's. Find each line
# of the formula in both.

# %%
checks.read_both(grad_cam_steps, grad_cam)

# %% [markdown]
# The letters are the paper's: `A` holds the feature maps, `alpha` their weights, and `L` is the
# map. `find_maps` finds the layer, and `with_positions` makes sure that its output has rows and
# columns. (A vision transformer has a list of patches instead.)

# %% [markdown]
# ## What we saw
#
# - Feature maps are mostly zero, and the one that gave most to *tabby* has its largest weight for
#   another class, a paper towel.
# - Without the head there is no class score. A headless network with pooling gave a map all the
#   same: for "brown bear", that of feature 294.
# - The slopes at the last feature maps were the same at all positions. Grad-CAM agreed with CAM,
#   and its 49 signed numbers and a constant added up to the score.
# - For *tabby* the ReLU changed nothing, for *banana* about half of the positions; a stretched map
#   lost its zero.
# - On the scene, most of each map was on its own object's half, more than with vanilla gradients.
# - Covering the bear raised the ball's score by more than the map accounted for.
# - At an earlier layer the maps were finer, and most of the bear's was on the ball's half.
#
# ## Take away
#
# - Grad-CAM: slopes of *one* class score at the feature maps, averaged over positions; weighted
#   sum; ReLU. The rest is drawing.
# - Ask of each map: which class, which layer, what raw range, how many numbers are behind it?
#
# A few questions to finish with. Click on an answer: each one teaches you something.

# %%
checks.quiz(3)

# %% [markdown]
# **Your progress**, and what to do next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - R. R. Selvaraju and others, *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
#   Localization* (ICCV 2017; on arXiv since 2016), arXiv:1610.02391: the source of this lesson;
#   section 3.
# - B. Zhou and others, *Learning Deep Features for Discriminative Localization* (CVPR 2016; on
#   arXiv since 2015), arXiv:1512.04150: CAM.
# - R. L. Draelos, L. Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of
#   convolutional neural networks* (2020), arXiv:2011.08891: what the average throws away.
# - Stanford's lecture series CS231n has a lecture on visualising and understanding networks.
#
# **Next:** lesson 4, *SmoothGrad*: what if you ask for the map many times and take the mean?
