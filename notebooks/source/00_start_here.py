# %% [markdown]
# # Lesson 0. Start here
#
# A neural network looks at a photo and says *cat*. *Which pixels made it say so?* In this course
# you build three answers to that question, and learn when not to believe them.
#
# **Goals.** After this lesson you can
#
# 1. load a trained network and read its five most probable classes,
# 2. say what a *class score* is, and how it becomes a probability,
# 3. solve an exercise, check it, and go on when you are stuck.
#
# **You need** a little Python and NumPy. **Time:** 20 minutes, less than one of them computing. The
# core path takes 20 minutes, which is all of this lesson. Later lessons are longer: their core path
# takes about 45 minutes, and sections marked *optional* can wait.
#
# Curious already? *Try it in the browser*, a page of the course's reading version, shows all three
# answers for a picture of your own. You don't need it for the lessons; the README says where it is.

# %% [markdown] tags=["notebook"]
# ## How a lesson works
#
# A lesson is a sequence of *cells*. Click on a grey one and press **Shift + Enter**: it runs, and
# the next one is selected. Run them all, in order, starting with the folded one above: it sets
# things up, and you don't need to read it. If something looks odd, choose *Kernel*, *Restart Kernel
# and Run All Cells* from the menu (in Colab *Runtime*, *Restart and run all*): the code you wrote
# stays. A cell that prints nothing is fine; it did its job quietly.
#
# When we ask you to **predict**, run the cell below the question, click your guess, and only then
# run the next cell. You'll remember a guess that turned out wrong better than an answer you only
# read. (You can also type a guess: write `my_guess = "rise"` instead of `my_guess = checks.guess`
# and what follows it.)

# %% [markdown]
# ## The picture
#
# To a computer, a picture is an array of numbers. `load_image` reads one of the course's examples,
# or any picture file of your own.

# %%
from course_utils import load_image

cat = load_image("cat")
print("shape:", cat.shape, " type:", cat.dtype, " from", cat.min(), "to", cat.max())
print(f"{cat.size:,} numbers")

# %% [markdown]
# The picture has 300 rows and 451 columns, and three numbers from 0 to 255 for each point
# (*pixel*): how much red, green and blue it has. These are its three *channels*. Together that
# makes 405,900 numbers. Here they are as colours.

# %%
from matplotlib import pyplot as plt

from course_utils import example_images
from course_utils.display import show_figure

fig, ax = plt.subplots(figsize=(5, 3.4))
ax.imshow(cat)
ax.set(title="The picture 'cat'", xlabel="column (pixel)", ylabel="row (pixel)")
show_figure(fig, example_images()["cat"])

# %% [markdown]
# ## The network
#
# The course comes with a network called *EfficientNet-Lite0*. It was trained on ImageNet: 1.28
# million photos in 1000 classes, from *tench* (a fish) to *toilet tissue*. It's a real network,
# built for mobile phones, and it works offline.

# %%
from course_utils import load_classifier

classifier = load_classifier()
print(classifier)
print("numbers learned in training:", f"{classifier.model.count_params():,}")
print("three of its classes:", [classifier.labels[c] for c in (0, 281, 954)])

# %% [markdown]
# ## What does it see?
#
# **Predict.** The cat in the picture is a tabby. The network knows the classes *tabby*, *tiger
# cat*, *Egyptian cat*, *Persian cat* and *Siamese cat*. Which of these five will it put first, and
# how sure will it be?

# %%
from course_utils import checks

cats = ["tabby", "tiger cat", "Egyptian cat", "Persian cat", "Siamese cat"]
first_guess = checks.guess(cats)

# %% tags=["nbval-check-output"]
for p in classifier.predict(cat)[0]:
    print(f"{p.probability:6.1%}  {p.label} (class {p.class_index})")
checks.prediction(first_guess, classifier.predict(cat)[0][0].label, cats)

# %% [markdown]
# The network is torn between three kinds of cat, and *tabby* comes third. Don't be too quick to
# call that wrong: could you tell a tabby from a tiger cat in a photo? When this picture comes back,
# we mostly ask what matters for class **281, tabby**.
#
# ## What the network really takes
#
# The network takes exactly 224 x 224 pixels, as numbers around zero. `prepare` cuts out the centre
# square, shrinks it, and rescales the numbers. `restore` undoes the rescaling, which lets us look
# at what the network looked at.

# %%
inputs = classifier.prepare(cat)
print("shape:", inputs.shape, " type:", inputs.dtype)
print(f"from {inputs.min():.2f} to {inputs.max():.2f}")

# %% [markdown]
# The 1 at the front is the *batch*: one picture. Networks always take a batch of pictures, and so
# do the methods in this course.

# %%
fig, ax = plt.subplots(figsize=(3.6, 3.6))
ax.imshow(classifier.restore(inputs)[0])
ax.set(title="What the network sees", xlabel="column (pixel)", ylabel="row (pixel)")
show_figure(fig, "The centre square of the cat's picture, 224 by 224 pixels: both eyes, the nose.")
height, width, _ = cat.shape
print(f"{(width - height) / width:.0%} of the columns were cut off, half of them on each side")

# %% [markdown]
# A third of the picture is gone, a sixth on the left and a sixth on the right. Whatever speaks for
# *tabby*, it can't be anything in those parts: it never saw them.

# %% [markdown]
# ## From scores to probabilities
#
# Inside, the network does not compute probabilities. It computes one number per class, the
# **score** $S_c$ (or *logit*), positive or negative. Only the last step, the *softmax*, turns the
# scores into probabilities:
#
# $$p_c = \frac{e^{S_c}}{\sum_k e^{S_k}}$$
#
# The network without that last step is `classifier.score_model`.

# %%
scores = classifier.score_model(inputs).numpy()
print("shape:", scores.shape)
for c in (285, 282, 281):
    print(f"score {scores[0, c]:5.2f}  {classifier.labels[c]}")

# %% [markdown]
# **Predict.** Add 100 to every score. Does the probability of *tabby* rise, fall, or stay the same?

# %%
shift_guess = checks.guess(["rise", "fall", "stay"])

# %%
import tensorflow as tf

before = tf.nn.softmax(scores).numpy()[0, 281]
after = tf.nn.softmax(scores + 100).numpy()[0, 281]
print(f"tabby before {before:.3f}, after {after:.3f}")
change = round(float(after - before), 3)
answer = "stay" if change == 0 else "rise" if change > 0 else "fall"
checks.prediction(shift_guess, answer, ["rise", "fall", "stay"])

# %% [markdown]
# It stays the same: the factor $e^{100}$ appears in the numerator and in every term of the
# denominator, so it cancels. Probabilities depend only on *differences* between scores. Lesson 2
# asks how a pixel changes a score, why we don't ask about the probability, and what that choice
# costs.

# %% [markdown] tags=["notebook"]
# ## How exercises work
#
# In an exercise you write a function. Replace the line `return ...` with your own code and run the
# cell. The cell after it is the **check**: it tells you whether the function is right, and if not,
# what the mistake probably is. If you skip an exercise, the check gives the notebook a working
# version, so everything after it still runs. (If your own cell shows an error, fix that first: the
# check can't see it.)
#
# <details><summary>I am stuck</summary>
#
# Try these, in this order. Read the check's message again: it names the mistake it found. Open the
# first hint. Try your function on the smallest input you can think of, and print the `shape` of
# everything in it. Open the second hint, then the common mistakes. Move on, and come back tomorrow.
# The solved lesson is in the folder `solutions`: compare it *with* your own attempt. Each lesson
# has its own list like this one, with the places where people get stuck. And if nothing works any
# more, *Restart Kernel and Run All Cells* keeps what you have typed. To start an exercise again,
# close the notebook and type `python start.py reset 0.1` in a terminal: your answer stays, folded
# below the new stub's check.
#
# Some cells end with `assert`: they test whether what the text says is also true on your computer.
# If one fails, its message says what we expected. Run the checks above it, then the cell again. If
# you changed a number or a picture on purpose, that may be the reason; delete the `assert` and move
# on.
#
# </details>

# %% [markdown] exercise={"id": "0.1", "minutes": 3, "difficulty": "easy", "goal": 1}
# ### Exercise 0.1: the best label (3 minutes, easy)
#
# Write a function that takes a classifier and a picture and returns the *name* of the most probable
# class.
#
# <details><summary>Hint 1</summary>
#
# `classifier.predict(picture)` returns a list with one entry per picture, even if there is only
# one. Each entry is a list of predictions, the most probable first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A prediction has four attributes: `.class_index`, `.label`, `.probability` and `.score`.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Returning the whole prediction instead of its label; forgetting one of the two `[0]`; using `cat`
# inside the function instead of its argument, `picture`.
#
# </details>


# %%
def best_label(classifier, picture):
    ### BEGIN SOLUTION
    return classifier.predict(picture)[0][0].label
    ### END SOLUTION


# %% tags=["nbval-check-output"]
best_label = checks.best_label(best_label)

# %%
for name in ("cat", "coffee", "banana"):
    print(f"{name:>8}: {best_label(classifier, load_image(name))}")

# %% [markdown] exercise={"id": "0.2", "minutes": 8, "difficulty": "medium", "goal": 2}
# ### Exercise 0.2: softmax (8 minutes, medium)
#
# Write the softmax yourself, with NumPy: `scores` has one row per picture and one column per class,
# and the result has the same shape. Each row of the result sums to 1. It should work for large
# scores too, such as 1000.
#
# <details><summary>Hint 1</summary>
#
# `np.exp(scores)` takes the exponential of every number. Divide each row by its sum:
# `.sum(axis=1, keepdims=True)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A score of 1000 makes `np.exp` infinite. You've just seen that adding the same number to all
# scores changes nothing, so subtract the largest score of each row first.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Dividing by the sum of the whole batch; `axis=0`, which sums over pictures instead of classes;
# leaving out the exponential.
#
# </details>

# %%
import numpy as np


def softmax(scores):
    ### BEGIN SOLUTION
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
softmax = checks.softmax(softmax)

# %%
p = np.asarray(softmax(scores))
print(f"tabby: {p[0, 281]:.3f}   all classes together: {p.sum():.3f}")
assert np.isclose(p[0, 281], classifier.predict(cat, top=3)[0][2].probability, atol=1e-3), (
    "Your softmax and classifier.predict should agree on tabby. Run the check of exercise 0.2, "
    "then this cell."
)

# %% [markdown]
# ## Where the course goes
#
# A **saliency map** gives each pixel one number: how much it matters, by some definition, for the
# score of one class. Here's a first look at three such maps of the cat, for the class tabby. By
# lesson 4 you'll have built all three yourself, and by lesson 6 you'll have put them to the test.

# %% tags=["thumbnail"]
from course_utils import grad_cam, show_maps, smoothgrad, vanilla_gradients

maps = {
    "Vanilla gradients": vanilla_gradients(classifier.model, inputs, 281)[0],
    "Grad-CAM": grad_cam(classifier.model, inputs, 281)[0],
    "SmoothGrad": smoothgrad(classifier.model, inputs, 281)[0],
}
show_maps(classifier.restore(inputs)[0], maps, title="What matters for 'tabby'")

# %% [markdown]
# "Bright" doesn't mean the same thing in all three. In the first and the last map, the score is
# sensitive to a bright pixel: changing it moves the score, up *or* down. In Grad-CAM, bright is
# evidence *for* the class. (The line below each map gives its full range of values. Lesson 2
# explains why the colours can end earlier.) One network, one picture, one class, and three maps
# that don't look alike: each method answers a slightly different question, and this course is about
# knowing which.

# %% [markdown]
# ## What we saw
#
# - A picture of 451 x 300 pixels is an array, and its centre square became the network's input.
# - For a tabby cat the network put *Egyptian cat* first and *tabby* third.
# - Adding 100 to all scores didn't change the probabilities.
#
# ## Take away
#
# - A picture is an array of numbers; a network takes a batch of prepared pictures.
# - A network computes a **score** for each class; softmax turns scores into probabilities.
# - Probabilities depend on all scores at once; a score belongs to one class.
#
# A few questions to finish with. Click on an answer: even the wrong ones explain something.

# %%
checks.quiz(0)

# %% [markdown]
# **Your progress.** The exercises you've solved are remembered in one small file on your computer.
# Here they are, with the one to do next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - M. Tan, Q. Le, *EfficientNet* (2019), arXiv:1905.11946: the family of the course's network.
# - O. Russakovsky and others, *ImageNet Large Scale Visual Recognition Challenge* (2014),
#   arXiv:1409.0575: where its 1000 classes come from.
#
# **Next:** lesson 1, *What does a gradient tell you?* It starts with a straight line.
