# %% [markdown]
# # Lesson 4. SmoothGrad: average the noise away
#
# The vanilla gradients of lesson 2 were full of noise, although the picture was not. What if you
# ask for the map many times, each time of a slightly different picture, and take the mean? You'll
# measure what that buys, what it costs, and whether the result is *truer*.
#
# **Goals.** After this lesson you can
#
# 1. write SmoothGrad, for gradients, Grad-CAM or any other map,
# 2. measure how far an average has settled, and choose the noise and the number of samples,
# 3. find out by a test which average a package computes, and say what smoothness does not prove.
#
# **You need** lesson 2, and for one section lesson 3. **Time:** 90 minutes, about one of them
# computing. A good place for a break is before *Other averages*.
#
# The core path takes 45 minutes; sections marked *optional* can wait. Run their cells anyway: later
# cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **My map changes at each call.** Where is the generator made? Make it once, from the seed,
#   before the loop: `np.random.default_rng(seed)`.
# - **All copies are the same.** Then you make a new generator for every copy, and each one starts
#   from the same seed.
# - **What is sigma, what is noise?** `noise` is a fraction, such as 0.15; sigma is that fraction of
#   *this* picture's range. A picture from -1 to 1 has the range 2, so sigma is 0.3.
# - **The standard error confuses me (exercise 4.3).** Throw a die four times and take the mean; do
#   that again and again. The single throws scatter by 1.7, the means by half of that:
#   $1.7 / \sqrt 4$. The standard error is about the mean.
#
# Still stuck? Move on: the check has given the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try first.
#
# </details>

# %% [markdown]
# ## Two pictures that look alike
#
# Take the cat, and a copy with a little random noise added to every number: 2 % of the picture's
# range (about four of the 256 levels of brightness). You would hardly notice. How alike are their
# maps? The *correlation* says it in one number: 1 for maps with the same pattern, 0 for maps that
# have nothing to do with each other. (`np.ptp`, "peak to peak", is the largest number minus the
# smallest: the *range*.)

# %%
import numpy as np

from course_utils import load_classifier, load_image, vanilla_gradients

classifier = load_classifier()
model = classifier.model
inputs = classifier.prepare(load_image("cat"))
tabby = classifier.class_index("tabby")


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


# %%
rng = np.random.default_rng(0)
hardly = inputs + 0.02 * np.ptp(inputs) * rng.standard_normal(inputs.shape, dtype=np.float32)
vanilla = vanilla_gradients(model, inputs, tabby)
vanilla_hardly = vanilla_gradients(model, hardly, tabby)
print(f"pictures: correlation {correlation(inputs, hardly):.2f}")
print(f"maps:     correlation {correlation(vanilla, vanilla_hardly):.2f}")
assert correlation(inputs, hardly) > 0.95 and correlation(vanilla, vanilla_hardly) < 0.4, (
    "The two pictures should look the same to you, and their maps shouldn't."
)

# %%
from course_utils import show_maps

seen, noisy = classifier.restore(np.concatenate([inputs, hardly]))
panels = {"with 2 % noise": noisy, "its map": vanilla[0], "map with noise": vanilla_hardly[0]}
show_maps(seen, panels, title="The cat twice, and both maps")
# %% [markdown]
# Two pictures that you cannot tell apart, and two maps that have little in common, pixel by pixel
# and with their signs. Much of a vanilla map belongs to this very array of numbers, not to what you
# see in it.
#
# ## Why: a rough hill
#
# Think of a walker on a slope that is paved with cobblestones. Its height is
# $f(t) = 0.5\,t + 0.1 \sin(20\,t)$: a steady rise of 0.5, and small bumps. The bumps are low, but
# *steep*. The slope under one foot, $f'(t) = 0.5 + 2 \cos(20\,t)$, says next to nothing about the
# hill. We put the foot where a bump goes down most steeply.


# %%
def slope(t):
    return 0.5 + 2 * np.cos(20 * t)


here = np.pi / 20  # there cos(20 t) is -1
around = here + 0.15 * np.random.default_rng(0).standard_normal(10_000)
mean_slope = slope(around).mean()
print(f"slope here {slope(here):+.2f},  mean slope around here {mean_slope:+.2f}")
assert abs(mean_slope - 0.5) < 0.1, "The mean slope should be close to 0.5, the slope of the hill."

# %% [markdown]
# The mean over many points nearby, *with signs*, recovers the 0.5: steps up and steps down a bump
# cancel. Here are the slopes, and their means over normally distributed points around each $t$,
# once with a standard deviation of 0.15, and once with only 0.05, a sixth of a bump's length.

# %%
from matplotlib import pyplot as plt

from course_utils.display import show_figure

t = np.linspace(0, 1, 400)
steps = np.random.default_rng(1).standard_normal((2000, 1))
fig, ax = plt.subplots(figsize=(6, 3.2), dpi=80)
ax.plot(t, slope(t), color="0.6", label="slope at t")
for width, style in ((0.05, "k:"), (0.15, "k--")):
    mean = slope(t + width * steps).mean(axis=0)
    ax.plot(t, mean, style, lw=2, label=f"mean, {width} around t")
    print(f"mean over points {width} around t: from {mean.min():+.2f} to {mean.max():+.2f}")
ax.set(xlabel="point t", ylabel="slope (height per step)")
ax.legend(loc="lower right", bbox_to_anchor=(1, 1), title="A rough hill", ncols=2)
alt = "Slope against point t. The slope swings between -1.5 and 2.5 about three times. The mean"
show_figure(fig, f"{alt} over 0.05 swings along, less; over 0.15 it stays close to 0.5.")

# %% [markdown]
# The wide average shows the hill. The narrow one still follows the bumps. (Too wide would be wrong
# as well, on a hill that has a top: uphill and downhill would cancel.)
#
# Smilkov and others (2017) proposed to do the same with a network, and called it **SmoothGrad**:
#
# $$\hat M_c(x) = \frac1n \sum_{k=1}^{n} M_c(x + \varepsilon_k), \qquad
# \varepsilon_k \sim N(0, \sigma^2)$$
#
# $M_c$ is the map of class $c$ *with its signs*; each $\varepsilon_k$ is fresh noise, one number
# for every number of the picture, from a *normal distribution* with mean 0 and standard deviation
# $\sigma$ (sigma). Two choices are left to you: $\sigma$ and $n$.
#
# ## Noisy copies
#
# A $\sigma$ of 0.2 is a usual amount, 10 %, for inputs from -1 to 1, and almost nothing for inputs
# from 0 to 255. So we give $\sigma$ as a *fraction of the picture's own range*: the paper shows
# 10 % to 20 %.

# %% [markdown] exercise={"id": "4.1", "minutes": 9, "difficulty": "medium", "goal": 1}
# ### Exercise 4.1: noisy copies (9 minutes, medium) (optional)
#
# Write a function that returns one noisy copy of each picture in a batch: (B, H, W, C) in,
# (B, H, W, C) out. Every number of every picture gets its own normal random number, with mean 0 and
# a standard deviation of `noise` times that picture's range. `rng` is a random generator like the
# one that `np.random.default_rng(0)` makes: `rng.standard_normal(shape)` draws numbers with mean 0
# and standard deviation 1.
#
# <details><summary>Hint 1</summary>
#
# The range of each picture alone, kept in a shape that fits the batch:
# `np.ptp(inputs, axis=(1, 2, 3), keepdims=True)`, of shape (B, 1, 1, 1).
#
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply `rng.standard_normal(inputs.shape)` by sigma, and add it to `inputs`, making a new array.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Taking `noise` itself for sigma; one range, or the same noise, for the whole batch; uniform noise
# (`rng.random`), which is never negative; making a new generator inside, which gives the same noise
# each time; `np.random.seed`, which changes the random numbers of all other cells; `inputs += ...`,
# which changes the caller's picture; clipping or rounding the copies.
#
# </details>


# %%
def noisy_copies(inputs, noise, rng):
    ### BEGIN SOLUTION
    sigma = noise * np.ptp(inputs, axis=(1, 2, 3), keepdims=True)
    return inputs + sigma * rng.standard_normal(inputs.shape)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
from course_utils import checks

noisy_copies = checks.noisy_copies(noisy_copies)

# %% [markdown]
# Here are four noise levels to look at. (A screen shows nothing below 0 or above 255, so `restore`
# cuts the noise off there. The network gets all of it.)

# %%
levels = (0, 0.05, 0.15, 0.3)
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), dpi=60)
for ax, noise in zip(axes, levels, strict=True):
    copy = noisy_copies(inputs, noise, np.random.default_rng(0))
    ax.imshow(classifier.restore(copy)[0])
    ax.set_title(f"noise {noise:.0%} of the range", fontsize=10)
    ax.set_axis_off()
fig.suptitle("Noisy copies of the cat")
show_figure(fig, "The cat's face four times with 0, 5, 15, 30 % noise; still a cat at 30 %.")

# %% [markdown]
# You see a cat in all four. What does the network see?
#
# **Predict.** Does the probability of *tabby*, on average over 32 copies with 30 % noise, rise,
# fall or stay (within 0.05), compared with the clean picture?

# %%
guess_tabby = checks.guess(["rise", "fall", "stay"])


# %%
def in_copies(noise):
    rng = np.random.default_rng(0)
    copies = np.concatenate([noisy_copies(inputs, noise, rng) for _ in range(32)])
    return model.predict(copies, verbose=0)


p = {noise: in_copies(noise) for noise in levels}
change = p[0.3][:, tabby].mean() - p[0][:, tabby].mean()
answer_tabby = "stay" if abs(change) < 0.05 else "rise" if change > 0 else "fall"
checks.prediction(guess_tabby, answer_tabby, ["rise", "fall", "stay"])

# %%
from collections import Counter

for noise in levels:
    top = [classifier.labels[c] for c in p[noise].argmax(axis=1)]
    classes = ", ".join(f"{name} {count}" for name, count in Counter(top).most_common())
    print(f"noise {noise:4.0%}: p(tabby) {p[noise][:, tabby].mean():.2f};  first: {classes}")
clean = p[0][:, tabby].mean()
assert answer_tabby == "rise" and min(p[k][:, tabby].mean() for k in levels[1:]) > clean, (
    "At each noise level tabby should be more probable than without noise."
)
assert len(set(p[0.05].argmax(axis=1))) > 1, (
    "With 5 % noise, the copies should disagree on the most probable class."
)

# %% [markdown]
# Noise is not neutral. For this picture, every noise level we tried raised the probability of
# *tabby* (why, we haven't tested). And even at 5 % the copies don't agree on the most probable
# class. Two things follow. Fix the class before you add noise: a mean over maps of *different*
# classes explains none of them. And a noisy copy is a kind of picture that the network was never
# trained on: its map explains the score of the noisy copy, not that of the clean picture.

# %% [markdown] exercise={"id": "4.2", "minutes": 10, "difficulty": "medium", "goal": 1}
# ### Exercise 4.2: SmoothGrad (10 minutes, medium)
#
# Write the formula. `method` is a function such as `vanilla_gradients` or `grad_cam`. Call it as
# `method(model, copies, class_index)` on each of `samples` noisy copies, and return the mean of the
# maps, with signs. Draw each copy with `noisy_copies(inputs, noise, rng)` from exercise 4.1. (If
# you skipped it, its check gave you ours.) Use one generator `rng` for all the noise,
# `np.random.default_rng(seed)`: then the same seed always gives the same map.
#
# <details><summary>Hint 1</summary>
#
# Make the generator once, before the loop, and start a total at 0.
#
# </details>
# <details><summary>Hint 2</summary>
#
# In the loop: `copies = noisy_copies(inputs, noise, rng)`, and add
# `method(model, copies, class_index)` to the total. After the loop, divide by `samples`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# The absolute value of each map before the mean; the generator made inside the loop; the sum
# instead of the mean; leaving out `class_index`, which explains each copy for its own most probable
# class; `inputs = noisy_copies(inputs, ...)`, which piles noise on noise; a total in the shape of
# the picture, since a map needn't have that shape (Grad-CAM's has 7 x 7 positions).
#
# </details>


# %%
def smooth_gradient(method, model, inputs, class_index, samples, noise, seed):
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    total = 0
    for _ in range(samples):
        total = total + method(model, noisy_copies(inputs, noise, rng), class_index)
    return total / samples
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
smooth_gradient = checks.smooth_gradient(smooth_gradient)

# %% [markdown]
# Now the cat, with 50 samples as in the paper, at 5 % and at 15 % noise. Each sample takes one
# backward pass, so this takes a few seconds. We draw the maps small: $|g|$, the largest of the
# three colours as in lesson 2, then the mean of each square of 2 x 2 pixels. Each map has its own
# scale, in which the strongest 1 % share the last colour.

# %%
from course_utils.display import channel_max


def small(g):
    rows = channel_max(g).reshape(112, 2, 112, 2)  # 112 pairs of rows, 112 pairs of columns
    return rows.mean(axis=(1, 3))


# %%
def rms(a):
    return float(np.sqrt(np.mean(np.square(a))))  # "root mean square": the typical size


smooth_5 = smooth_gradient(vanilla_gradients, model, inputs, tabby, 50, 0.05, 0)
smooth = smooth_gradient(vanilla_gradients, model, inputs, tabby, 50, 0.15, 0)
maps = {"Vanilla": vanilla, "SmoothGrad, 5 %": smooth_5, "SmoothGrad, 15 %": smooth}
drawn = {name: small(m[0]) for name, m in maps.items()}
show_maps(seen, drawn, title="Class 'tabby', SmoothGrad with n = 50")
assert rms(smooth) < rms(vanilla) / 2, (
    "Most of the map should cancel in the mean. Run the checks of exercises 4.1 and 4.2, then "
    "this cell."
)

# %% [markdown]
# Compare the ends of the colour bars first: the means are several times smaller than the vanilla
# map, since most of it has cancelled. Then look at the pictures. At 5 % the brightness gathers at
# the left eye, between the eyes, and at the nose and mouth; the lower corners have become dark. At
# 15 % you can make out both eyes, the stripes above them, and a spot among the whiskers, in a good
# deal of grain. You may have seen SmoothGrad pictures of other networks that look far cleaner.
# Before you blame the code, or look for a nicer seed, let's check the code, and then *measure* the
# grain.
#
# ## Checks that cost little (optional)
#
# **Without noise it must be the method itself**, and the helper package's `smoothgrad`, which you
# can use from now on, must agree:

# %%
from course_utils import smoothgrad

without = smooth_gradient(vanilla_gradients, model, inputs, tabby, 3, 0.0, 0)
packaged = smoothgrad(model, inputs, tabby, samples=3, noise=0.0)
size = np.linalg.norm(vanilla)
differences = [np.linalg.norm(m - vanilla) / size for m in (without, packaged)]
print("difference from vanilla: yours {:.0%}, the package {:.0%}".format(*differences))
assert max(differences) < 0.05, (
    "Without noise, SmoothGrad should be the method itself. Run the checks of exercises 4.1 and "
    "4.2, then this cell."
)

# %% [markdown]
# **With the same noise it must be the same map.** The package draws its noise with a function
# `normal(seed, k, shape)`, which always gives the same numbers for sample `k` of a seed. Average
# the maps over just those copies, with nothing of the package's `smoothgrad`:

# %% tags=["nbval-check-output"]
from course_utils.network.run import normal

total, sigma = 0, 0.15 * np.ptp(inputs)
for k in range(8):
    e = normal(0, np.array([k]), (inputs.size,)).numpy().reshape(inputs.shape)
    total = total + vanilla_gradients(model, inputs + sigma * e, tabby)
packaged = smoothgrad(model, inputs, tabby, samples=8, noise=0.15, seed=0)
apart = np.linalg.norm(total / 8 - packaged) / np.linalg.norm(packaged)
print("the same noise, and the maps differ by less than 5 % of their size:", apart < 0.05)
assert apart < 0.05, "With the same noise, the formula and the package should give the same map."

# %% [markdown]
# Only the last digits differ. At a few pixels, where the network bends (its ReLU6), a tiny
# difference grows. That's why we compare two maps of a deep network by their distance, not number
# by number.

# %% [markdown]
# **On a linear model it must be $w$.** There the slope is the same everywhere (lesson 1): nothing
# to smooth.
#
# **Predict.** A linear model of two classes, five samples, and noise of *ten times* the picture's
# range. Is the map still $w$ (except for rounding)?

# %%
guess_linear = checks.guess(["yes", "no"])

# %%
import keras

linear = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
w = np.random.default_rng(0).standard_normal((192, 2)).astype("float32")
linear.layers[-1].set_weights([w, np.zeros(2, "float32")])
x = np.random.default_rng(1).random((1, 8, 8, 3)).astype("float32")
deviation = {}
for noise in (0.0, 10.0):
    g = smooth_gradient(vanilla_gradients, linear, x, 1, 5, noise, 0)
    deviation[noise] = np.abs(g[0] - w[:, 1].reshape(8, 8, 3)).max()
for noise, largest in deviation.items():
    print(f"noise {noise:4.1f} x the range: largest deviation from w {largest:.0e}")
checks.prediction(guess_linear, "yes" if deviation[10.0] < 1e-3 else "no", ["yes", "no"])
assert deviation[10.0] < 1e-3, "Noise should change nothing. Have checks 4.1 and 4.2 been run?"

# %% [markdown]
# So the noise that you saw in the cat's map is not in the picture: it comes from how the slope
# *changes* from point to point. Remember this test. Below, it will tell averages apart.
#
# ## Two knobs: sigma and n
#
# For each of three noise levels we compute many maps and keep them all: the mean of the first $n$
# of them is the map for $n$ samples. (Together 256 gradients: the longest cell of this lesson.)


# %%
def many_maps(noise, samples, seed=0):
    rng = np.random.default_rng(seed)
    copies = np.concatenate([noisy_copies(inputs, noise, rng) for _ in range(samples)])
    return vanilla_gradients(model, copies, tabby)


# More at 15 %, for later.
samples_of = {0.05: many_maps(0.05, 64), 0.15: many_maps(0.15, 128), 0.3: many_maps(0.3, 64)}

# %%
fig, axes = plt.subplots(3, 3, figsize=(6.6, 6.9), dpi=75)
for i, (noise, gradients) in enumerate(samples_of.items()):
    axes[i, 0].set_ylabel(f"noise {noise:.0%}")
    for ax, n in zip(axes[i], (1, 8, 64), strict=True):
        m = small(gradients[:n].mean(axis=0))
        top = np.percentile(m, 99)
        ax.imshow(m, cmap="inferno", vmin=0, vmax=top, interpolation="nearest")
        ax.set(xticks=[], yticks=[], title=f"n = {n}, bright: {top:.3f}")
fig.suptitle("SmoothGrad by noise and number of samples")
show_figure(
    fig,
    "Nine maps of the cat, noise 5, 15, 30 % by n = 1, 8, 64. At 5 % the eyes and nose emerge from "
    "the grain as n grows; at 15 % faintly; at 30 % the two eyes are there at n = 1 already.",
)

# %% [markdown]
# The number after "bright" is the value of the brightest colour. Along each row it falls. Down each
# column you choose *which question* is asked: how wide a neighbourhood the slope is averaged over.
# Note one odd thing: at 30 % the eyes are there with a single sample, and 64 samples change the
# picture little. We'll come back to it.
#
# ## How many samples?
#
# Every sample takes one run forward and one backward, so $n$ samples cost $n$ gradients. How many
# do you need? Statistics has a tool for this. Look at one number of the map. If its $n$ samples
# scatter with a standard deviation $s$, their mean scatters, from one seed to the next, with the
# **standard error**
#
# $$\mathrm{SE} = \frac{s}{\sqrt n}$$

# %% [markdown] exercise={"id": "4.3", "minutes": 5, "difficulty": "easy", "goal": 2}
# ### Exercise 4.3: the standard error (5 minutes, easy) (optional)
#
# `maps` holds $n$ maps, (n, H, W, C). Return the standard error of their mean for each number of
# the map, (H, W, C). The mean is estimated from the same samples, so divide by $n - 1$ in the
# variance: NumPy's `ddof=1`.
#
# <details><summary>Hint 1</summary>
#
# The samples are the first axis: `maps.std(axis=0, ddof=1)` is their standard deviation.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Divide it by the square root of the number of samples, `len(maps)`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Leaving out the $\sqrt n$, or dividing by $n$; the standard deviation over pixels instead of
# samples; the variance, or the range; `maps -= ...`, which changes the caller's maps.
#
# </details>


# %%
def standard_error(maps):
    ### BEGIN SOLUTION
    return maps.std(axis=0, ddof=1) / np.sqrt(len(maps))
    ### END SOLUTION


# %% tags=["nbval-check-output"]
standard_error = checks.standard_error(standard_error)

# %% [markdown]
# **Predict.** Take four times as many samples. What part of the error is left: "half", "quarter" or
# "sixteenth"?

# %%
guess_error = checks.guess(["half", "quarter", "sixteenth"])

# %%
gradients = samples_of[0.15]
part = rms(standard_error(gradients[:128])) / rms(standard_error(gradients[:32]))
names = {"half": 1 / 2, "quarter": 1 / 4, "sixteenth": 1 / 16}
answer_error = min(names, key=lambda name: abs(names[name] - part))  # the closest of the three
checks.prediction(guess_error, answer_error, list(names))
assert 0.4 < part < 0.6, (
    "Four times as many samples should halve the error. Run the check of exercise 4.3, then this "
    "cell."
)

# %% [markdown]
# That was the formula. Does the mean *really* scatter so much? Cut the 128 maps into groups of $n$,
# average each group, and see how far apart the groups' means are. This uses no formula for the
# error.

# %%
sizes = np.array([1, 2, 4, 8, 16, 32])
measured = []
for n in sizes:
    groups = gradients.reshape(128 // n, n, *inputs.shape[1:])  # 128 / n groups of n maps
    means = groups.mean(axis=1)
    measured.append(rms(means.std(axis=0, ddof=1)))
steepness = np.polyfit(np.log(sizes), np.log(measured), 1)[0]
print(f"the error falls as n to the power {steepness:.3f}")
assert abs(steepness + 0.5) < 0.03, (
    "The measured error should fall as one over the square root of n."
)

# %%
by_formula = rms(standard_error(gradients)) * np.sqrt(128 / sizes)
fig, ax = plt.subplots(figsize=(5.5, 3.4), dpi=80)
ax.loglog(sizes, by_formula, "--", color="0.4", label=r"formula, $s/\sqrt{n}$")
ax.loglog(sizes, measured, "ko", label="measured, between groups")
ax.set(title="How far SmoothGrad maps scatter", xlabel="samples n")
ax.set(ylabel="error (score per unit)", xticks=sizes, xticklabels=sizes)
ax.set(yticks=(0.002, 0.005, 0.01), yticklabels=("0.002", "0.005", "0.01"))
ax.minorticks_off()
ax.legend()
show_figure(
    fig,
    "Error against number of samples, both axes logarithmic: six measured points from n = 1 to 32 "
    "are on the dashed straight line of slope minus one half.",
)

# %% [markdown]
# The points are on the line (the first one by definition: with $n = 1$ there is nothing to
# average). Its slope is $-\frac12$. (Each point averages 150,528 numbers, which is why it scatters
# so little.) Half the grain takes four times the work, and a quarter of it sixteen times.
#
# ## Has it settled?
#
# An error is large or small *compared with the signal*, the map after endless sampling. Two runs
# share the signal, and each has its own error. Without error, they would correlate with $r = 1$.
# Measure signal and error by their mean squares over all numbers of the map: if they're equally
# large, half of each map's mean square is shared, and $r = \frac12$. In general,
#
# $$r_n = \frac{\text{signal}^2}{\text{signal}^2 + \mathrm{SE}^2}.$$
#
# You can't see the signal alone. But a map's mean square is the signal's plus the error's, so
# subtract the error's. We do that for the mean of all 128 samples.

# %%
error_128 = rms(standard_error(gradients))  # of the mean of all 128
signal = np.sqrt(rms(gradients.mean(axis=0)) ** 2 - error_128**2)
error_one = error_128 * np.sqrt(128)  # of a single sample: the s in s / sqrt(n)
error_50 = error_one / np.sqrt(50)
expected = signal**2 / (signal**2 + error_50**2)
print(f"signal {signal:.5f}, error of 50 samples {error_50:.5f}: r should be {expected:.2f}")
again = smooth_gradient(vanilla_gradients, model, inputs, tabby, 50, 0.15, 1)
agreement_50 = correlation(smooth, again)
print(f"two seeds, 50 samples each: r = {agreement_50:.2f}")
assert error_50 > signal and abs(agreement_50 - expected) < 0.15, (
    "The error should exceed the signal, and two seeds should agree as well as expected."
)

# %% [markdown]
# With the paper's settings, on this network and picture, the error is *larger* than the signal:
# more than half of the fine structure of the map above is chance, and another seed shows other
# details. How many samples would make two seeds agree to $r = 0.9$?

# %%
needed = 9 * (error_one / signal) ** 2  # the error must be a third of the signal: r = 9 / (9 + 1)
print(f"about {needed:.0f} samples, {needed / 50:.0f} times as many as usual")
assert needed > 250, "An agreement of 0.9 should take several hundred samples."

# %% [markdown]
# ## How much does one more sample agree?
#
# Is SmoothGrad the vanilla map with less noise in it? Compare the two at 15 %:

# %%
with_clean = {0.05: correlation(vanilla, smooth_5), 0.15: correlation(vanilla, smooth)}
print(f"the clean map and the mean of 50 copies with 15 % noise: r = {with_clean[0.15]:.2f}")

# %% [markdown]
# Next to nothing. Does that prove that they are two different things? A number needs something to
# compare it with. Make one more noisy copy, with noise that the mean has not seen. Its map is a
# sample like the 50 others.
#
# **Predict.** How alike are the map of this one copy and the mean of the 50? Is their
# correlation "above 0.5", "0.2 to 0.5" or "below 0.2"?

# %%
guess_fresh = checks.guess(["above 0.5", "0.2 to 0.5", "below 0.2"])

# %%
fresh = {}
for noise, mean_of_50 in {0.05: smooth_5, 0.15: smooth}.items():
    fresh[noise] = [correlation(one, mean_of_50) for one in many_maps(noise, 10, seed=7)]
r = np.mean(fresh[0.15])
answer_fresh = "above 0.5" if r > 0.5 else "below 0.2" if r < 0.2 else "0.2 to 0.5"
checks.prediction(guess_fresh, answer_fresh, ["above 0.5", "0.2 to 0.5", "below 0.2"])
for noise, of_ten in fresh.items():
    print(f"noise {noise:3.0%}: ten single copies with the mean of 50, r = {min(of_ten):.2f} to "
          f"{max(of_ten):.2f}; the clean map {with_clean[noise]:.2f}")  # fmt: skip

# %%
r_1 = signal**2 / (signal**2 + error_one**2)  # the formula for n = 1; `expected` is for n = 50
print(
    f"expected at 15 %: square root of {r_1:.3f} x {expected:.2f} = {np.sqrt(r_1 * expected):.2f}"
)
assert abs(r - np.sqrt(r_1 * expected)) < 0.03 and r < 0.12, (
    "Single copies should agree with the mean as little as their own noise lets them."
)
assert abs(np.mean(fresh[0.05]) - with_clean[0.05]) < 0.1 and min(fresh[0.15]) > with_clean[0.15], (
    "The clean map should agree with the mean a little less than a noisy copy does."
)

# %% [markdown]
# Even a sample of the very same kind hardly agrees with the mean. A single map is nearly all grain,
# and grain can't agree with anything. Statistics calls this **attenuation**: noise in either map
# lowers $r$. The formula for $r_n$ is for two maps that are equally noisy. If one has $n = 1$ and
# the other $n = 50$, each lowers the correlation by the root of its own $r_n$: they reach
# $\sqrt{r_1\, r_{50}}$, no more, which is the last number printed above. The clean map is a single
# map too. So its low $r$ may be mostly grain, and proves little. At 5 % it agrees almost as well as
# a fresh sample; at 15 % it agrees less than any of the ten.
#
# The better argument is the formula. The mean slope around $x$ is the slope of *another* score:
# $S_c$ averaged over all noisy neighbours. Vanilla asks what a tiny change does to this picture;
# SmoothGrad asks what such a change does on average over a crowd of grainy pictures. (Its authors
# hold that this is the better question. Either way, "cleaner" needn't mean "a better answer to
# vanilla's question".)
#
# ## More noise, less agreement? (optional)
#
# **Predict.** Average 32 samples with 5 % noise, then another 32, and compare the two maps. With
# 15 % noise instead, does their agreement rise, fall or stay (within 0.05)?

# %%
guess_noise = checks.guess(["rise", "fall", "stay"])

# %%
agreement = {}
for noise, maps_of_noise in samples_of.items():
    first, second = maps_of_noise[:32].mean(axis=0), maps_of_noise[32:64].mean(axis=0)
    agreement[noise] = correlation(first, second)
change = agreement[0.15] - agreement[0.05]
answer_noise = "stay" if abs(change) < 0.05 else "rise" if change > 0 else "fall"
checks.prediction(guess_noise, answer_noise, ["rise", "fall", "stay"])
for noise, r in agreement.items():
    g = samples_of[noise][:64]
    one = rms(g.std(axis=0, ddof=1))  # how far single samples scatter
    common = np.sqrt(rms(g.mean(axis=0)) ** 2 - one**2 / 64)
    print(f"noise {noise:3.0%}: scatter {one:.4f}, signal {common:.4f}; n = 32: r = {r:.2f}")
assert agreement[0.05] > agreement[0.15] > agreement[0.3], "More noise should mean less agreement."

# %% [markdown]
# More noise in the copies doesn't mean less noise in the map. What the samples have in common, the
# signal, gets weaker, at 15 % to less than half; and at 30 % they also differ more from each other.
# A practical rule: choose $\sigma$ by the question (how wide a neighbourhood?), check what the
# network makes of the copies, raise $n$ until two seeds agree as well as you need, and report
# $\sigma$, $n$ and the agreement.
#
# ## The coin test
#
# At 30 % two runs of 32 samples have almost nothing in common, pixel by pixel (r = 0.06). And yet
# the map showed two eyes, with every $n$. How can a picture of chance show eyes? Try this: before
# averaging, toss a coin for each of the 64 gradients, and flip its sign on tails. We put 32 heads
# and 32 tails in random order, so whatever the samples have in common cancels. The grain stays: its
# signs were random before.


# %%
def coins(seed):
    heads_and_tails = np.repeat([1.0, -1.0], 32)
    return np.random.default_rng(seed).permutation(heads_and_tails).reshape(64, 1, 1, 1)


own, tossed = {}, {}
for noise, g in samples_of.items():
    own[noise] = small(g[:64].mean(axis=0))
    tossed[noise] = [small((coins(seed) * g[:64]).mean(axis=0)) for seed in range(10)]

# %%
fig, axes = plt.subplots(2, 3, figsize=(6.6, 4.8), dpi=75)
for column, noise in zip(axes.T, own, strict=True):
    top = np.percentile(own[noise], 99)  # one scale for both panels of a column
    for ax, m in zip(column, (own[noise], tossed[noise][0]), strict=True):
        drawn = ax.imshow(m, cmap="inferno", vmin=0, vmax=top, interpolation="nearest")
        ax.set(xticks=[], yticks=[], title=f"noise {noise:.0%}")
    fig.colorbar(drawn, ax=column, location="bottom", extend="max", ticks=[0, top], format="%.2g")
axes[0, 0].set_ylabel("own signs")
axes[1, 0].set_ylabel("signs by coin")
fig.suptitle("Means of 64 gradients of 'tabby'")
alt = "Six maps of the cat: 5, 15, 30 % noise, with own signs above and signs by coin below. At 5 %"
show_figure(fig, f"{alt} the lower one is much darker, at 15 % somewhat; at 30 % they look alike.")


# %%
def blocks(m):  # 7 x 7 means over square blocks
    m, side = np.asarray(m), len(m) // 7
    return m.reshape(7, side, 7, side, *m.shape[2:]).mean(axis=(1, 3))


coin, kept = {}, {}
for noise in own:
    coin[noise] = correlation(blocks(own[noise]), blocks(tossed[noise][0]))
    kept[noise] = [rms(m) / rms(own[noise]) for m in tossed[noise]]
    print(f"noise {noise:3.0%}: the broad patterns agree to r = {coin[noise]:.2f},", end=" ")
    print(f"and with coins the mean keeps {kept[noise][0]:.0%} of its size", end=" ")
    print(f"(in ten orders of the coins {min(kept[noise]):.0%} to {max(kept[noise]):.0%})")
assert coin[0.3] > 0.9 > coin[0.05] > 0.5 and max(kept[0.05]) < 0.5 and min(kept[0.3]) > 0.85, (
    "At 30 % noise the coins should give almost the same picture; at 5 % they shouldn't."
)
assert agreement[0.3] < 0.1, "At 30 % noise, two runs of 32 should hardly agree."

# %% [markdown]
# (The two panels of a column share their colours.) At 30 % the coins give the same picture, nearly
# as strong. What it shows is where slopes are *steep*, in whichever direction: there the grain is
# strong, and the display draws the size of the grain. At 15 %, the usual noise, it is not so
# different: the coins keep three quarters of its size, so the eyes and the whiskers in our map are
# mostly steepness too. Only at 5 % do the coins leave a picture less than half as strong, without
# the detail: the rest is signal. (The coins judge the number of samples as well as the noise: what
# is left of the coins' grain shrinks with every sample.) So if a SmoothGrad map looks convincing,
# toss coins.
#
# The *broad* pattern survives the coins even at 5 % (r = 0.74): that a whole region is bright may
# be steepness at any of these levels. And the coins test what is *displayed*, the size of each
# pixel's mean. Whether the signed means agree over whole regions is another question; the
# section *SmoothGrad over Grad-CAM* asks it.
#
# ## Other averages (optional)
#
# What if you drop the signs *before* the mean, and average $|g|$, or $g^2$? It looks like a detail
# of display. On the rough hill:

# %%
print(f"mean of the slope:      {slope(around).mean():.2f}   (the hill: 0.50)")
print(f"mean of |slope|:        {np.abs(slope(around)).mean():.2f}")
print(f"root mean of slope^2:   {np.sqrt((slope(around) ** 2).mean()):.2f}")
assert np.abs(slope(around)).mean() > 1, (
    "Without signs, the mean should measure the bumps and exceed 1."
)

# %% [markdown]
# Steps up and down no longer cancel: the last two mostly measure how *steep the bumps* are. Neither
# comes closer to the hill with more samples. They are other methods, which ask where the slope is
# large in *either* direction. Here is the same on the cat, from one set of 128 gradients at 15 %:

# %% tags=["thumbnail"]
gradients = samples_of[0.15]
averages = {
    "mean of g": small(gradients.mean(axis=0)),
    "mean of |g|": small(np.abs(gradients).mean(axis=0)),
    "mean of g squared": small(np.square(gradients).mean(axis=0)),
}
show_maps(seen, averages, title="One set of gradients, three averages")

# %%
first, second = gradients[:50], gradients[50:100]
settled = {
    "mean of g": correlation(first.mean(axis=0), second.mean(axis=0)),
    "mean of |g|": correlation(np.abs(first).mean(axis=0), np.abs(second).mean(axis=0)),
    "mean of g squared": correlation((first**2).mean(axis=0), (second**2).mean(axis=0)),
}
for name, r in settled.items():
    print(f"{name:>18}: two runs of 50 agree to r = {r:.2f}")
assert settled["mean of |g|"] > settled["mean of g"], (
    "Without signs, two runs should agree better than with them."
)

# %% [markdown]
# To be fair: without signs, the maps look cleaner and settle sooner, and they show openly what an
# unsettled signed mean shows by accident. For the question "which pixels is the network sensitive
# to, in either direction?" they are a defensible choice. The average of $g^2$ has a name,
# *SmoothGrad-Squared*. It did better than the signed mean in a test that retrains networks without
# the pixels that a map ranks highest (Hooker and others 2019). But you can't call it SmoothGrad and
# not say so. Whether a package says so or not, you can *test* it.

# %% [markdown] exercise={"id": "4.4", "minutes": 15, "difficulty": "hard", "goal": 3}
# ### Exercise 4.4: unmask an average (15 minutes, hard) (optional)
#
# Someone gives you a function `average(method, inputs)` and calls it SmoothGrad. It runs
# `method(copies)` on noisy copies of `inputs` and averages something of the maps. Find out what:
# write `which_average(average)`, which returns `"signed"`, `"absolute"` or `"squared"`. You don't
# see its code, but **you choose the method and the inputs**: a method of your own whose maps you
# know.
#
# <details><summary>Hint 1</summary>
#
# On a linear model every copy has the same map $w$, so the three averages are $w$, $|w|$ and $w^2$.
# A method that ignores its copies and returns one number everywhere will do:
# `lambda copies: np.full(np.shape(copies), w)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Which number $w$ gives three *different* results? Not 1, and not -1. Inputs can be
# `np.zeros((1, 4, 4, 3))`. Compare with `np.allclose`, since means are rounded.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# A positive $w$, whose absolute value is itself; $w = -1$, since $|-1| = (-1)^2$; comparing rounded
# numbers with `==`; forgetting that the result is a whole map.
#
# </details>


# %%
def which_average(average):
    ### BEGIN SOLUTION
    result = average(lambda copies: np.full(np.shape(copies), -3.0), np.zeros((1, 4, 4, 3)))
    names = {-3.0: "signed", 3.0: "absolute", 9.0: "squared"}
    closest = min(names, key=lambda value: abs(value - np.mean(result)))
    return names[closest]
    ### END SOLUTION


# %% tags=["nbval-check-output"]
which_average = checks.which_average(which_average)


# %% [markdown]
# Try it on three functions with the same loop. They differ only in what they do to each map.


# %%
def with_change(change):
    def average(method, inputs):
        rng = np.random.default_rng(0)
        return np.mean([change(method(noisy_copies(inputs, 0.15, rng))) for _ in range(8)], axis=0)

    return average


# %% tags=["nbval-check-output"]
for change in (np.square, np.positive, np.abs):
    print(f"{change.__name__:>8}: {which_average(with_change(change))}")

# %% [markdown]
# Two much-used packages show that a default is easy to overlook. In the versions that we read,
# tf-keras-vis (0.8.7) averages $|g|$ (`gradient_modifier`; pass `None` for signs), and *saliency*
# (0.2.1), from the group of the paper's own authors, averages $g^2$ (`magnitude=True`, as its
# documentation says; `False` for signs). Neither is installed here, but you know how to find out:
# give the package a linear model whose weights you know, one of them negative.
#
# ## SmoothGrad over Grad-CAM (optional)
#
# Nothing in the formula says that the map must be a gradient. Your function takes any method, so
# let's average Grad-CAM (lesson 3). Which of the two gains more?

# %%
from course_utils import grad_cam

cam = grad_cam(model, inputs, tabby)
cams = [smooth_gradient(grad_cam, model, inputs, tabby, 50, 0.15, seed) for seed in (0, 1)]
maps = {"Grad-CAM": cam[0], "SmoothGrad, seed 0": cams[0][0], "SmoothGrad, seed 1": cams[1][0]}
show_maps(seen, maps, title="Grad-CAM of 'tabby', and its mean over 50 copies")


# %%
def gain(name, method, two_runs):
    single = [smooth_gradient(method, model, inputs, tabby, 1, 0.15, seed) for seed in (0, 1)]
    r = [correlation(*single), correlation(*two_runs)]
    print(f"{name:>9}: two seeds agree to r = {r[0]:.2f} with n = 1, {r[1]:.3f} with n = 50")
    return r


gain_gradients = gain("gradients", vanilla_gradients, [smooth, again])
gain_cam = gain("Grad-CAM", grad_cam, cams)
print(f"Grad-CAM of the clean picture and the mean of 50: r = {correlation(cam, cams[0]):.2f}")
assert gain_gradients[0] < 0.2 and gain_cam[0] > 0.6 and gain_cam[1] > 0.98, (
    "Single noisy copies should agree in their Grad-CAM maps, and hardly in their gradients."
)
assert correlation(cam, cams[0]) > 0.8, "The mean of Grad-CAM should be much like Grad-CAM."

# %% [markdown]
# The mean of Grad-CAM is still much like Grad-CAM. And already the Grad-CAM maps of two *single*
# noisy copies agree; there isn't much noise to take away. One reason: no noisy slope is in it. At
# this layer its weights are those of the network's last layer, the same for every copy (lesson 3),
# and only the feature maps change. The gradients need every sample, and more.
#
# Is that fair? Grad-CAM has 7 x 7 = 49 numbers and the gradient 150,528, and coarse things are
# easier to agree on. So compare them at equal resolution: take the mean of the signed SmoothGrad
# map over blocks of 32 x 32 pixels.

# %%
fair = correlation(blocks(smooth[0]), blocks(again[0]))
print(f"SmoothGrad, n = 50, as 7 x 7 blocks: two seeds agree to r = {fair:.2f}")
assert fair > agreement_50 + 0.2, (
    "In blocks, two seeds should agree far better than pixel by pixel."
)

# %% [markdown]
# Most of the disagreement was in the fine detail. With 50 samples, what SmoothGrad says about
# *regions* has settled; about single *pixels*, it hasn't.
#
# And the two pictures from the beginning, which look alike? Average both with 5 % noise, with a
# different seed for each picture:

# %%
alike = {"gradients": correlation(vanilla, vanilla_hardly)}
alike["Grad-CAM"] = correlation(cam, grad_cam(model, hardly, tabby))
for name, method in (("gradients", vanilla_gradients), ("Grad-CAM", grad_cam)):
    pair = [
        smoothgrad(model, x, tabby, noise=0.05, seed=seed, method=method)
        for seed, x in enumerate((inputs, hardly))
    ]
    alike["smooth " + name] = correlation(*pair)
    print(f"{name:>9}: alone {alike[name]:.2f}, averaged {alike['smooth ' + name]:.3f}")
ceiling = correlation(*(smoothgrad(model, inputs, tabby, noise=0.05, seed=s) for s in (0, 1)))
print(f"gradients of one picture, averaged with two seeds: {ceiling:.3f}")
assert alike["smooth gradients"] > alike["gradients"] + 0.2 and alike["Grad-CAM"] > 0.9, (
    "Averaging should make the gradients of the two pictures clearly more alike."
)

# %% [markdown]
# This is what SmoothGrad buys for gradients: pictures that look alike get maps that are more alike.
# (Two seeds of *one* picture are the ceiling, and the 0.67 is most of it.) For Grad-CAM there was
# little to buy.
#
# ## Does a smoother picture mean a truer one?
#
# Ask for a class that is not there: *banana*, of the same cat, with the same settings.
#
# **Predict.** Two seeds agree to some $r$ on the map of *tabby*. For the map of *banana*, does $r$
# rise, fall or stay (within 0.15)?

# %%
guess_banana = checks.guess(["rise", "fall", "stay"])

# %%
banana = classifier.class_index("banana")
bananas = [smoothgrad(model, inputs, banana, seed=seed) for seed in (0, 1)]
agreement_banana = correlation(*bananas)
change = agreement_banana - agreement_50
answer_banana = "stay" if abs(change) < 0.15 else "rise" if change > 0 else "fall"
checks.prediction(guess_banana, answer_banana, ["rise", "fall", "stay"])
print(f"two seeds: tabby r = {agreement_50:.2f}, banana r = {agreement_banana:.2f}")
across = correlation(smooth, bananas[0])
print(f"tabby and banana, with signs: r = {across:.2f}")
assert answer_banana == "stay" and abs(across) < 0.1, (
    "Banana should settle as fast as tabby, and have nothing in common with it."
)

# %%
regions = correlation(blocks(smooth[0]), blocks(bananas[0][0]))
print(f"as 7 x 7 blocks: tabby and banana r = {regions:.2f}, two seeds of tabby r = {fair:.2f}")
assert regions < 0.5 < fair, "In blocks, two seeds should agree far better than two classes."

# %%
maps = {"tabby": small(smooth[0]), "banana": small(bananas[0][0])}
show_maps(seen, maps, title="SmoothGrad of two classes, 15 %")

# %% [markdown]
# With their signs, the two maps have nothing in common, pixel by pixel (r = -0.01), while each
# agrees with its own second seed to about 0.4. In blocks, which have settled, they agree to 0.06,
# and two seeds of *tabby* to 0.93: the class does make a difference. But the map of the banana is
# as smooth, settles as fast, and looks just as convincing; it shows the eyes of a cat. More
# samples remove the scatter *of the sampling*. They can't say whether what's left has anything to
# do with the question. A blurred map is smooth as well, and so, perhaps, is the map of a network
# that has learned nothing (lesson 6).
#
# So: **how could you find out whether a map is true?** That needs pictures for which the right
# answer is known. Lesson 6 makes them.

# %% [markdown]
# ## Try it yourself (optional)
#
# Choose the noise and the number of samples, and watch the average settle. (While a kernel runs,
# it grows by eight samples at a time, and *Cancel* stops it.) At which noise do the eyes come out
# soonest? And with noise 0: what is there to settle?

# %%
from course_utils.widgets import smoothgrad_explorer

smoothgrad_explorer(classifier, inputs, "tabby")

# %% [markdown]
# <details><summary>What we found</summary>
#
# Of the three levels in the figure of *Two knobs*, soonest at 30 %: there a single sample shows
# both. But the coin test says what they are: steepness, which needs no agreement and so no
# averaging. With noise 0 all samples are the same map, so the first one is the mean already, and
# every seed agrees with every other to $r = 1$.
#
# </details>

# %% [markdown]
# ## Read the package (optional)
#
# Now you know enough to read the helper package's `smoothgrad`. Here are your function and the
# package's. Which line of one is which line of the other?

# %%
checks.read_both(smooth_gradient, smoothgrad)

# %% [markdown]
# `sigma` is a fraction of each picture's range, and `noisy` makes your noisy copies. The functions
# whose names begin with `check` catch a mistake in the arguments and say what to change.
# `weighted_mean` is your loop, with many copies at a time; here each sample has the weight 1.

# %% [markdown]
# ## What we saw
#
# - Noise of 2 %, which you hardly see, gave a vanilla map that had little in common with the first.
# - Noise of 15 % changed the network's most probable class from copy to copy; noise of 30 % made
#   *tabby* more probable, not less.
# - Without noise SmoothGrad was the method itself; on a linear model it was $w$, with any noise.
# - The error fell with slope $-\frac12$ in the log-log figure. With 50 samples of 15 % noise it was
#   still larger than the signal.
# - One more noisy sample agreed with the mean of 50 almost as little as the clean map did: a low
#   $r$ may be nothing but grain.
# - A coin for each sign gave almost the same picture at 30 %, and 74 % of its size at 15 %.
# - Averaging $|g|$ or $g^2$ gave other maps, which settled sooner; one negative number tells the
#   three apart.
# - Gradients of two pictures that look alike became more alike; Grad-CAM's maps were alike already.
# - The map of a banana that isn't there was as stable as the tabby's.
#
# ## Take away
#
# - SmoothGrad is the mean of **signed** maps over noisy copies of **one picture**, for **one
#   class**, with $\sigma$ relative to the picture's range.
# - $\sigma$ chooses the question, $n$ the precision: four times the samples for half the error.
# - Try a second seed, and the coins, before you interpret a map.
# - Before you call two maps different, ask how alike two maps of the same thing would be.
# - Stable is not the same as true.

# %%
checks.quiz(4)

# %% [markdown]
# **Your progress**, and what to do next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg, *SmoothGrad: removing noise by adding
#   noise* (2017), arXiv:1706.03825: the source of this lesson.
# - S. Hooker, D. Erhan, P.-J. Kindermans, B. Kim, *A Benchmark for Interpretability Methods in Deep
#   Neural Networks* (2019), arXiv:1806.10758: SmoothGrad against SmoothGrad-Squared.
# - J. Adebayo and others, *Sanity Checks for Saliency Maps* (2018), arXiv:1810.03292: when a map
#   does not depend on what the network has learned.
#
# **Next:** lesson 5, *Put to the test with tf_explain*: what does a package really compute?
