# %% [markdown]
# # Lesson 1. What does a gradient tell you?
#
# A flat costs 900 euros a month. *What would one more square metre cost? How much of the 900 is due
# to its size?* These are two questions with two answers, and a gradient answers only the first. We
# start where you can check everything: with a straight line.
#
# **Goals.** After this lesson you can
#
# 1. tell a *sensitivity* from a *contribution*, and say which of them depends on the units,
# 2. draw the weights of a linear classifier as a picture, and read it,
# 3. tell the gradient with respect to the input from the gradient that training uses, and, in the
#    optional part, compute it by hand and check it in two ways.
#
# **You need** lesson 0, linear regression, and a first acquaintance with derivatives. **Time:** 100
# minutes, less than one of them computing. The core path takes 45 minutes; sections marked
# *optional* can wait. Run their cells anyway: later cells need them.

# %% [markdown]
# <details><summary>I am stuck</summary>
#
# - **I mix up w and x.** A weight belongs to a *feature* and was learned once; x belongs to *one
#   flat*, or to one picture. Take one flat with one feature and do the sum on paper, with units:
#   euros per square metre times square metres gives euros.
# - **Which of the two shapes do I get?** Print `.shape` of everything in the line that fails. `@`
#   adds up over the features, `*` doesn't.
# - **All my slopes are 0 (exercise 1.4).** Then `plus` and `minus` are the same array: `plus = x`
#   makes a second name, `x.copy()` a second array.
# - **The chain rule is too long for me (exercise 1.5).** Take the worked example just before it.
#   Draw its two inputs, two hidden units and one score, and write a number on each arrow. Then
#   write the same as matrices.
#
# Still stuck? Move on: the check gives the notebook a working version. Lesson 0, *How exercises
# work*, lists what to try.
#
# </details>

# %% [markdown]
# ## A model whose weights you can read
#
# Here are 60 flats. The cell below makes them up, so for once we know the truth: each square metre
# adds 11 euros a month, each year of age takes off 2, and each kilometre from the centre takes off
# 30. Random noise comes on top, typically 40 euros.

# %%
import numpy as np

rng = np.random.default_rng(1)
area = rng.uniform(25, 120, 60).round()  # square metres
age = rng.uniform(0, 100, 60).round()  # years
distance = rng.uniform(0, 12, 60).round(1)  # kilometres to the centre
rent = 300 + 11 * area - 2 * age - 30 * distance + rng.normal(0, 40, 60)  # euros a month

names = ["area", "age", "distance"]
flats = np.column_stack([area, age, distance])
print("flats:", flats.shape, " the first one:", flats[0], f" its rent: {rent[0]:.0f} euros")

# %%
from matplotlib import pyplot as plt

from course_utils.display import show_figure

fig, axes = plt.subplots(1, 3, figsize=(8.4, 2.9))
for ax, name, unit, column in zip(axes, names, ["m²", "years", "km"], flats.T, strict=True):
    ax.plot(column, rent, "o", markersize=4)
    ax.set(xlabel=f"{name} ({unit})", title=f"Rent and {name}")
axes[0].set_ylabel("rent (euros a month)")
alt = "Three scatter plots of the rent of 60 flats. Against area the points lie close to a rising"
show_figure(fig, f"{alt} line; against age and against distance they are a cloud without a line.")

# %% [markdown]
# The effect of the area is obvious; it hides those of age and distance. A linear model separates
# them:
#
# $$y = w_1 x_1 + w_2 x_2 + w_3 x_3 + b = w \cdot x + b$$
#
# We choose the three **weights** $w$ and the constant $b$ that make the sum of the squared errors
# as small as possible. That's *least squares*, and NumPy has it. It knows only weights, so the cell
# adds a column of ones to the flats, and the weight of that column is $b$.


# %%
def fit(x, y):
    with_ones = np.column_stack([x, np.ones(len(x))])
    solution = np.linalg.lstsq(with_ones, y, rcond=None)[0]  # the other results: how well it fits
    return solution[:-1], solution[-1]


w_rent, b_rent = fit(flats, rent)
for name, unit, weight in zip(names, ["m²", "year", "km"], w_rent, strict=True):
    print(f"{name:>8}: {weight:+7.2f} euros per {unit}")
assert np.allclose(w_rent, [11, -2, -30], atol=3), (
    "The weights should be close to the prices that we put in: 11, -2 and -30 euros."
)

# %% [markdown]
# The model has nearly recovered the prices we put in. Mind the **units**: a weight is *euros per
# something*. It answers the question: *if this one number rises by one unit and the others stay the
# same, how much does the rent change?* That's a slope, a derivative, and all the slopes together
# are called the **gradient**:
#
# $$\frac{\partial y}{\partial x_i} = w_i$$

# %% [markdown] exercise={"id": "1.1", "minutes": 4, "difficulty": "easy", "goal": 1}
# ### Exercise 1.1: the prediction (4 minutes, easy)
#
# Write the model as a function. `x` has one row per flat and one column per feature, `w` has one
# number per feature, `b` is one number. The result has one number per flat.
#
# <details><summary>Hint 1</summary>
#
# For each row: multiply by the weights, add up the products, add `b`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x @ w` multiplies and adds up along the last axis, all rows at once.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Leaving out `b`; `x * w`, which multiplies but doesn't add up; adding up along the wrong axis,
# which gives one number per feature; using `flats` instead of the argument `x`.
#
# </details>


# %%
def predict_linear(x, w, b):
    ### BEGIN SOLUTION
    return x @ w + b
    ### END SOLUTION


# %% tags=["nbval-check-output"]
from course_utils import checks

predict_linear = checks.predict_linear(predict_linear)

# %%
error = np.subtract(rent, predict_linear(flats, w_rent, b_rent))
print(f"typical error: {error.std():.0f} euros; standard deviation of the rents: {rent.std():.0f}")
assert error.std() < 50 < rent.std(), (
    "The predictions should be close to the rents. Run the check of exercise 1.1, then this cell."
)

# %% [markdown]
# **Predict.** One more square metre raises the predicted rent of the *smallest* flat by about 11
# euros. Is that number different for the *largest* flat: does it rise, fall or stay the same?

# %%
guess_area = checks.guess(["rise", "fall", "stay"])

# %%
two = flats[[area.argmin(), area.argmax()]]  # the smallest and the largest flat
larger = two.copy()
larger[:, 0] += 1
before = predict_linear(two, w_rent, b_rent)
after = predict_linear(larger, w_rent, b_rent)
small, large = np.subtract(after, before)
print(f"{two[0, 0]:.0f} m²: {small:+.2f} euros     {two[1, 0]:.0f} m²: {large:+.2f} euros")
answer = "stay" if np.isclose(small, large) else "rise" if large > small else "fall"
checks.prediction(guess_area, answer, ["rise", "fall", "stay"])

# %% [markdown]
# It stays the same, as it must: the gradient of a linear model is $w$ *wherever you are*. (Real
# rents hardly behave like that.) Remember this sentence. It will come back with pictures.

# %% [markdown]
# ## Which feature matters most?
#
# 30 euros per kilometre, 11 per square metre, 2 per year: does the distance matter most? Before you
# agree, measure the distance in *metres*, and fit again.
#
# **Predict.** Ignoring its sign, does the weight of the distance rise, fall or stay the same?

# %%
guess_metres = checks.guess(["rise", "fall", "stay"])

# %%
in_metres = flats * [1, 1, 1000]
w_metres, b_metres = fit(in_metres, rent)
print(f"weight: {w_rent[2]:+.2f} euros per km, {w_metres[2]:+.5f} euros per m")
ratio = abs(w_metres[2] / w_rent[2])
answer = "stay" if np.isclose(ratio, 1) else "rise" if ratio > 1 else "fall"
checks.prediction(guess_metres, answer, ["rise", "fall", "stay"])
in_km = predict_linear(flats, w_rent, b_rent)
same = np.subtract(predict_linear(in_metres, w_metres, b_metres), in_km)
print(f"largest change of a predicted rent: {abs(same).max():.4f} euros")
assert np.isclose(ratio, 1 / 1000) and abs(same).max() < 0.001, (
    "In metres, the weight should be a thousandth, and every rent should be the same."
)

# %% [markdown]
# The weight is a thousandth of what it was, and the model is the same: no rent has changed. So *you
# can compare the sizes of slopes only if you can compare their units*. One way to do that: instead
# of one unit, take a **typical difference**, the standard deviation of the feature.

# %%
typical = flats.std(axis=0)
for name, weight, step in zip(names, w_rent, typical, strict=True):
    print(f"{name:>8}: {weight:+7.2f} per unit x {step:5.1f} = {weight * step:+7.1f} euros")
assert np.allclose(w_rent * typical, w_metres * in_metres.std(axis=0)), (
    "Per typical difference, metres and kilometres should give the same."
)
assert abs(w_rent[0] * typical[0]) > 3 * abs(w_rent[2] * typical[2]), (
    "Per typical difference, the area should lead by far."
)

# %% [markdown]
# Now the area leads by far, and measuring in metres wouldn't change the last column. With
# pictures we're lucky: every pixel has the same unit. (Its typical difference still varies: in a
# corner there may hardly ever be anything.) Remember the flats whenever somebody compares slopes
# of *different* things.
#
# ## Sensitivity and contribution
#
# A weight says how *sensitive* the rent is. It doesn't say how much of *this* flat's rent comes
# from *this* feature. For that you multiply: the **contribution** is $w_i x_i$, in euros. It's the
# same in metres and in kilometres. But it has a weakness of its own. Instead of the age, take the
# year in which the flat was built:

# %%
built = flats * [1, -1, 1] + [0, 2026, 0]
w_built, b_built = fit(built, rent)
print(f"sensitivity: {w_rent[1]:+.2f} euros per year of age, {w_built[1]:+.2f} per year built")
print(f"w x of the first flat: {w_rent[1] * flats[0, 1]:+.0f} euros because of its age,")
print(f"                      {w_built[1] * built[0, 1]:+.0f} euros because of its year")
assert np.allclose(w_metres * in_metres, w_rent * flats), (
    "In euros, metres and kilometres should give the same."
)
assert np.isclose(w_built[1], -w_rent[1]) and w_built[1] * built[0, 1] > 2000, (
    "Only the sign of the slope should change, while w x jumps to thousands of euros."
)
assert np.allclose(
    predict_linear(built, w_built, b_built), predict_linear(flats, w_rent, b_rent)
), "The year instead of the age shouldn't change any rent."

# %% [markdown]
# It's the same model again (the last assert checks that), with the same slope except for its sign.
# But now the contribution is thousands of euros, which $b$ takes back. A contribution depends on
# *where zero is*. So you have to say compared **with what**: choose a reference $x'$, such as the
# average flat, and take
#
# $$w_i (x_i - x'_i)$$
#
# | | depends on the unit | on the zero point | on the reference | says |
# |---|---|---|---|---|
# | sensitivity $w_i$ | yes | no | has none | what a small change *would* add |
# | product $w_i x_i$ | no | yes | it's always 0 | little, unless 0 means "nothing" |
# | contribution $w_i (x_i - x'_i)$ | no | no | yes | what the difference from $x'$ adds |

# %% [markdown] exercise={"id": "1.2", "minutes": 8, "difficulty": "medium", "goal": 1}
# ### Exercise 1.2: contributions (8 minutes, medium)
#
# Compute the contribution of each feature to the rent of each flat. `x` has one row per flat;
# `reference` and `w` have one number per feature. The result has the shape of `x`.
#
# Once it works, you get something nice for free: the contributions of one flat add up to the
# difference between its prediction and the reference's.
#
# <details><summary>Hint 1</summary>
#
# First take the difference from the reference, then multiply by the weights. Don't add anything up.
#
# </details>
# <details><summary>Hint 2</summary>
#
# NumPy aligns the last axes for you: `x - reference` subtracts the reference from every row.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Forgetting the reference; subtracting the wrong way round; `@`, which adds up, instead of `*`;
# dividing by the sum, which gives shares and loses the unit.
#
# </details>


# %%
def contributions(x, reference, w):
    ### BEGIN SOLUTION
    return (x - reference) * w
    ### END SOLUTION


# %% tags=["nbval-check-output", "target"]
contributions = checks.contributions(contributions)

# %%
average = flats.mean(axis=0)
parts = np.asarray(contributions(two, average, w_rent))
rents = predict_linear(np.array([average, *two]), w_rent, b_rent)
differences = np.subtract(rents[1:], rents[0])
assert np.allclose(parts.sum(axis=1), differences), (
    "Each flat's contributions should add up to its difference from the average flat. Run the "
    "check of exercise 1.2, then this cell."
)
assert np.allclose(w_built * (built - built.mean(axis=0)), w_rent * (flats - average)), (
    "Age or year built: the contributions should be the same."
)

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharex=True)
for ax, flat, part in zip(axes, two, parts, strict=True):
    ax.barh(names, part)
    ax.axvline(0, color="black", linewidth=1)
    flat_text = f"{flat[0]:.0f} m², {flat[1]:.0f} years, {flat[2]:.1f} km"
    ax.set_title(f"{flat_text}: together {part.sum():+.0f}", fontsize=10)
    ax.set_xlabel("contribution (euros a month)")
alt = "Bars: contributions in euros for the smallest flat, then for the largest:"
for part in parts:
    alt += " " + ", ".join(f"{n} {v:+.0f}" for n, v in zip(names, part, strict=True)) + ";"
show_figure(fig, alt.rstrip(";") + ".")

# %% [markdown]
# The small flat *gains* something for its distance, although each kilometre lowers the rent: it's
# nearer to the centre than the average flat. And the three bars add up to the difference from the
# average flat's rent, shown in the title (the cell above asserts it).
#
# One model, one set of weights, two flats: the contributions differ, the sensitivities don't. Both
# are true. They answer different questions, and neither is *the* importance of a feature.

# %% [markdown]
# **Move it yourself.** Here's the model, drawn along each of its inputs. Move an *input*: which of
# the slopes change? Then move a *weight*: which line turns, and what does each input add now?
# ("Adds" means the product $w_i x_i$, compared with zero. That's why the small flat's distance,
# which was a gain compared with the average flat, takes off 110 euros here.)

# %%
from course_utils.widgets import linear_explorer

ranges = np.column_stack([flats.min(axis=0), flats.max(axis=0)])
units = ["m²", "year", "km"]
linear_explorer(names, units, ranges, w_rent, two[0], b_rent, "rent (euros a month)")

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# An input changes no slope. Its own point slides along its line, and the other two lines move up or
# down as a whole. A weight turns its own line, and changes what that input adds, $w_i x_i$, and no
# other: the other two lines only move up or down.
#
# </details>
#
# ## A model whose weights are a picture
#
# Now 64 features instead of three: the pixels of handwritten digits, 8 by 8. We divide by the
# largest value, 16, so 0 is paper and 1 is full ink. There are 1797 digits, and we train on 1300 of
# them.

# %%
from course_utils import load_classifier  # for the end; it starts TensorFlow quietly
from course_utils.images import load_digits

pictures, labels = load_digits()
pictures, labels = (pictures / 16).astype("float32"), labels.astype("int32")
x_train, x_test = np.split(pictures.reshape(-1, 64), [1300])
labels_train, labels_test = np.split(labels, [1300])
print("training:", x_train.shape, " test:", x_test.shape)

# %%
fig, axes = plt.subplots(1, 4, figsize=(8, 2.5))
for ax, picture, label in zip(axes, pictures, labels, strict=False):
    drawn = ax.imshow(picture, cmap="cividis", vmin=0, vmax=1)
    ax.set(title=f"label {label}", xlabel="column (pixel)")
axes[0].set_ylabel("row (pixel)")
fig.colorbar(drawn, ax=axes, label="ink (0 to 1)")
show_figure(fig, "The first four digits, 8 by 8 pixels, coarse but readable: 0, 1, 2 and 3.")

# %% [markdown]
# A **linear classifier** has one linear model per class. Each gives its class a score, as in lesson
# 0, and the class with the largest score is the answer:
#
# $$S_c = w_c \cdot x + b_c$$
#
# This time there's no formula for the best weights, so we start from zero and walk downhill. What
# goes down is the **loss**, one number that says how bad the weights are. Ours is the
# *cross-entropy*: for each picture, take the probability $p$ that the classifier gives to the right
# class, and compute $-\log p$ (the natural logarithm). That's $-\log 1 = 0$ where it's sure and
# right, and $-\log 0.1 = 2.3$ where all ten classes look the same to it. The loss is the mean over
# all pictures.
#
# One step downhill goes like this. A `GradientTape` records how the loss is computed. From this
# record it works out the gradient: for each weight, how the loss changes with it. Then each weight
# takes a small step in the opposite direction. Three hundred such steps are our **training**.

# %%
import tensorflow as tf


def train(weights, scores_of, steps=300, rate=0.5):
    for _ in range(steps):
        with tf.GradientTape() as tape:
            scores = scores_of(x_train)
            # The softmax, and -log p of the right class, in one function:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels_train, scores)
            loss = tf.reduce_mean(losses)
        slopes = tape.gradient(loss, weights)  # with respect to the WEIGHTS
        for weight, slope in zip(weights, slopes, strict=True):
            weight.assign(weight - rate * slope)


# %%
w = tf.Variable(tf.zeros((64, 10)))
b = tf.Variable(tf.zeros(10))


def linear_scores(x):
    return tf.matmul(x, w) + b


train([w, b], linear_scores)
right = linear_scores(x_test).numpy().argmax(axis=1) == labels_test
print("weights:", w.shape, f" right on test digits: {right.mean():.0%}")
assert right.mean() > 0.85, "The linear model should read more than 85 % of the digits."

# %% [markdown]
# Each class has 64 weights, one per pixel, so we can draw each weight where its pixel is.

# %% [markdown] exercise={"id": "1.3", "minutes": 5, "difficulty": "easy", "goal": 2}
# ### Exercise 1.3: weights as a picture (5 minutes, easy)
#
# `weights` has 64 rows, one per pixel, and one column per class. The pixels are in reading order:
# the first row of the picture from left to right, then the second, and so on. Return the weights of
# one class as a picture, (8, 8), with their signs.
#
# <details><summary>Hint 1</summary>
#
# `weights[:, 3]` is column 3: the 64 weights of class 3.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `.reshape(8, 8)` puts 64 numbers into 8 rows, in reading order.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# `weights[3]`, which holds the weights of one *pixel* for all classes; `reshape(10, 8, 8)`, which
# mixes the classes; taking absolute values.
#
# </details>


# %%
def weight_picture(weights, class_index):
    ### BEGIN SOLUTION
    return weights[:, class_index].reshape(8, 8)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
weight_picture = checks.weight_picture(weight_picture)

# %% [markdown]
# **Predict.** In a picture of the weights of class 0, are those in the middle mostly positive,
# negative or zero? (The figure marks every weight above a third of the strongest with + or −, so
# you don't have to rely on the colours.)

# %%
sign_guess = checks.guess(["positive", "negative", "zero"])


# %%
def draw(ax, values, title, limit):
    drawn = ax.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(values):
        if abs(value) > limit / 3:
            mark = "+" if value > 0 else "−"
            color = "black" if abs(value) < 0.7 * limit else "white"
            ax.text(column, row, mark, color=color, ha="center", va="center", fontsize=9)
    ax.set(title=title, xticks=[], yticks=[])
    return drawn


# %% tags=["thumbnail"]
limit = abs(w.numpy()).max()
fig, axes = plt.subplots(3, 4, figsize=(7.6, 6))
for c, ax in enumerate(axes.flat[:10]):
    drawn = draw(ax, weight_picture(w.numpy(), c), f"class {c}", limit)
for ax in axes.flat[10:]:
    ax.set_axis_off()
fig.colorbar(drawn, ax=axes[2, 2:], location="bottom", label="weight (score per unit of ink)")
middle = np.asarray(weight_picture(w.numpy(), 0))[3:5, 3:5].mean()
alt = f"Ten 8 by 8 pictures of signed weights, one per class. Class 0: {middle:+.1f} in the middle,"
show_figure(
    fig, f"{alt} mostly positive around it. Class 1: mostly positive in the middle columns."
)

# %%
sign = "zero" if abs(middle) < limit / 10 else "positive" if middle > 0 else "negative"
checks.prediction(sign_guess, sign, ["positive", "negative", "zero"])
assert middle < -0.5, "In the middle, the weights of class 0 should be clearly negative."

# %% [markdown]
# Ink in the middle speaks *against* a zero, ink to the left and right of it speaks *for* it. You've
# drawn your first **saliency maps**: for each pixel, how strongly the score depends on it, and in
# which direction.
#
# Note what such a picture isn't. It doesn't show a typical zero, but what separates zeros from the
# nine other digits. Training started at zero, and moved the ten weights of a pixel by amounts that
# sum to zero. (With respect to a pixel's ten weights, the slopes of the cross-entropy are $p - 1$
# for the right class and $p$ for each of the others, times the pixel's ink. The ten probabilities
# sum to 1, so the ten slopes sum to zero.) So whatever one class gains at a pixel, the others lose:

# %%
sides = np.asarray(weight_picture(w.numpy(), 0))[2:6, [1, 2, 5, 6]].mean()
assert sides > 0.2, (
    "To the left and right of the middle, the weights of class 0 should be positive."
)
over_classes = abs(w.numpy().sum(axis=1)).max()
print(f"largest weight {limit:.1f}; largest sum of a pixel's ten weights {over_classes:.4f}")
assert over_classes < 1e-3, "At each pixel, the ten weights should add up to zero."

# %% [markdown]
# ## The same map for every picture
#
# Let's get the gradient of the score from a tape. One thing is new. A tape watches the weights
# without being asked, because training needs that. We ask about the **input**, so we have to say
# so.


# %%
def input_gradient(scores_of, picture, class_index):
    x = tf.convert_to_tensor([picture])  # a batch of one
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = scores_of(x)[:, class_index]
    return tape.gradient(score, x)[0].numpy()  # with respect to the INPUT


zero = x_test[labels_test == 0][0]  # the first 0 among the test digits
seven = x_test[labels_test == 7][0]
slope_zero = input_gradient(linear_scores, zero, 0)
print(f"picture of a 0, score of class 0: the strongest slope is {abs(slope_zero).max():.3f}")

# %% [markdown]
# **Predict.** The same question about the score of class 0, but for the picture of a *7*: are its
# 64 slopes "equal" to those of the 0, "similar" or "different"?

# %%
guess_seven = checks.guess(["equal", "similar", "different"])

# %%
slope_seven = input_gradient(linear_scores, seven, 0)
strongest = abs(slope_zero).max(), abs(slope_seven).max()
print(f"picture of a 0: {strongest[0]:.3f}     picture of a 7: {strongest[1]:.3f}")
similar = np.corrcoef(slope_zero, slope_seven)[0, 1] > 0.5
equal = np.allclose(slope_zero, slope_seven, atol=1e-3)
answer = "equal" if equal else "similar" if similar else "different"
checks.prediction(guess_seven, answer, ["equal", "similar", "different"])
assert np.allclose([slope_zero, slope_seven], w.numpy()[:, 0], atol=1e-3), (
    "The slopes of a linear model should be its weights, whatever the picture."
)

# %% [markdown]
# They are equal, as with the flats, all 64 of them, and they *are* the weights of class 0. The
# gradient of a linear model knows nothing about the picture. The contributions do:

# %%
from course_utils import load_image, show_maps

for name, digit, slope in (("0", zero, slope_zero), ("7", seven, slope_seven)):
    drawn = {
        "sensitivity w (score per unit of ink)": slope.reshape(8, 8),
        "contribution w x (score)": (slope * digit).reshape(8, 8),
    }
    paper = 1 - digit.reshape(8, 8)  # white, and ink is black
    title = f"The score of class 0 for a picture of a {name}"
    show_maps(paper, drawn, title=title, percentile=100, shared_scale=True)
lost = (seven * slope_seven).reshape(8, 8)[3:5, 3:5].sum()
assert lost < -0.5, "In the middle, the ink of the 7 should cost class 0 some score."

# %%
for name, digit in (("0", zero), ("7", seven)):
    product = (digit * w.numpy()[:, 0]).sum()
    score = linear_scores([digit]).numpy()[0, 0]
    print(f"picture of a {name}: contributions sum to {product:+.2f}; score {score:+.2f}")
    assert np.isclose(product + b.numpy()[0], score, atol=1e-3), (
        "The contributions and the constant should add up to the score."
    )

# %% [markdown]
# The contributions and the constant $b_0$ add up to the score. Their reference is blank paper,
# $x' = 0$, which makes $w (x - x')$ equal to $w x$. Again: *compared with what?* Where the paper is
# blank, the contribution is zero, even where the weight is large: *no* ink in the middle is good
# for a zero's score, and $w x$ doesn't show it.

# %% [markdown]
# ## Two gradients not to be confused
#
# You've seen two uses of the same tape.
#
# | | training | saliency |
# |---|---|---|
# | asks | which weights would lower the loss? | what would a change of the picture do? |
# | differentiates | the loss, of many pictures | the score of one class, of one picture |
# | with respect to | the **weights** | the **input** |
# | holds fixed | the pictures | the weights |
# | has the shape of | the weights | the picture |
# | and then | takes a step | looks |
#
# For a linear score $S_0 = w_0 \cdot x + b_0$ the two swap roles: its slope with respect to the
# picture is $w_0$, and its slope with respect to $w_0$ is the *picture*. (Training differentiates
# the loss; this slope is one factor of it.)

# %%
x = tf.convert_to_tensor([seven])
with tf.GradientTape(persistent=True) as tape:  # persistent: we'll ask it twice
    tape.watch(x)
    score = linear_scores(x)[:, 0]
of_input, of_weights = tape.gradient(score, x), tape.gradient(score, w)
print("with respect to the input:  ", of_input.shape, " the weights:", of_weights.shape)
assert np.allclose(of_input[0], w[:, 0], atol=1e-3), (
    "With respect to the picture, the slope should be the weights."
)
assert np.allclose(of_weights[:, 0], seven, atol=1e-3), (
    "With respect to the weights, the slope should be the picture of the 7."
)

# %% [markdown]
# If your "saliency map" ever looks exactly like the picture, check what you differentiated with
# respect to.
#
# ## One hidden layer (optional)
#
# Put a layer in between: 16 *hidden units*. Each has its own linear score $z_j$, which goes through
# a *ReLU*: positive values pass, negative ones become zero.
#
# $$z = x W_1 + b_1, \qquad a = \max(z, 0), \qquad S = a W_2 + b_2$$
#
# Now the weights have to start as random numbers: if they were zero, all units would stay at zero
# forever. The seed makes them the same each time. The training function is the one you know.

# %%
rng = np.random.default_rng(0)
first_weights = rng.normal(0, 0.25, (64, 16)).astype("float32")
second_weights = rng.normal(0, 0.25, (16, 10)).astype("float32")
starts = [first_weights, np.zeros(16, "float32"), second_weights, np.zeros(10, "float32")]
network = [tf.Variable(start) for start in starts]  # W1, b1, W2, b2


def network_scores(x):
    return tf.nn.relu(x @ network[0] + network[1]) @ network[2] + network[3]


train(network, network_scores)
right = network_scores(x_test).numpy().argmax(axis=1) == labels_test
print(f"right on test digits: {right.mean():.0%}")
assert right.mean() > 0.85, "The network should read more than 85 % of the digits."

# %% [markdown]
# Next we copy the four arrays out as ordinary NumPy arrays, in double precision (float64), and
# write the score of one class as an ordinary function of one picture.

# %%
w1, b1, w2, b2 = (variable.numpy().astype(float) for variable in network)
picture = zero.astype(float)


def score_of_zero(x):
    hidden = np.maximum(x @ w1 + b1, 0)
    return (hidden @ w2 + b2)[0]


print(f"score of class 0: {score_of_zero(picture):.3f}")
assert np.isclose(score_of_zero(picture), network_scores([zero])[0, 0], atol=1e-3), (
    "NumPy and TensorFlow should compute the same score."
)

# %% [markdown]
# ## Without calculus: nudge each input (optional)
#
# What's the slope now? You can find out without any theory. Raise one pixel by a small amount $h$
# and note the score; lower it by the same amount and note the score again:
#
# $$\frac{\partial S}{\partial x_i} \approx
# \frac{S(x_1, \dots, x_i + h, \dots) - S(x_1, \dots, x_i - h, \dots)}{2h}$$
#
# These are **central finite differences**: slow, but every faster method is checked against them.

# %% [markdown] exercise={"id": "1.4", "minutes": 10, "difficulty": "medium", "goal": 3}
# ### Exercise 1.4: finite differences (10 minutes, medium)
#
# `score` is a function that takes an array of n numbers and returns one number. Return its n slopes
# at `x`, taking a step of `h` up and down, one input at a time.
#
# <details><summary>Hint 1</summary>
#
# Loop over `range(len(x))`. Each time, make two fresh copies, `plus = x.copy()` and
# `minus = x.copy()`, and change entry `i` of each.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The two copies are $2h$ apart. Collect `(score(plus) - score(minus)) / (2 * h)` in a list, and
# return it as an array.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# `plus = x` without `.copy()`, which changes `x` itself; dividing by `h`; adding `h` to all entries
# at once; a step on one side only, which is less accurate on a curve.
#
# </details>


# %%
def finite_differences(score, x, h):
    ### BEGIN SOLUTION
    slopes = []
    for i in range(len(x)):
        plus, minus = x.copy(), x.copy()
        plus[i] += h
        minus[i] -= h
        slopes.append((score(plus) - score(minus)) / (2 * h))
    return np.array(slopes)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
finite_differences = checks.finite_differences(finite_differences)

# %%
nudged = np.asarray(finite_differences(score_of_zero, picture, 1e-5))
strongest = nudged[abs(nudged).argmax()]
print(f"{nudged.size} slopes from {2 * nudged.size} scores; the strongest: {strongest:+.3f}")

# %% [markdown]
# ## By hand: the chain rule (optional)
#
# Now the same by reasoning. Raise input $i$ so little that no hidden unit opens or closes, and
# follow the change through the network:
#
# 1. $z_j$ changes by $W_{1,ij}$ times as much: a linear model.
# 2. If $z_j > 0$, the hidden unit is *open*, and its value $a_j$ changes by the same amount as
#    $z_j$. If not, it's *closed*, and $a_j$ stays at zero. So multiply by 1 or by 0.
# 3. The score $S_c$ changes by $W_{2,jc}$ times as much as $a_j$: a linear model again.
#
# There is one such path through each hidden unit. Multiply along each path, then add up the paths:
#
# $$\frac{\partial S_c}{\partial x_i} = \sum_j W_{1,ij} \; [z_j > 0] \; W_{2,jc}$$
#
# ($[z_j > 0]$ is 1 if that's true and 0 if not; $W_{1,ij}$ is row $i$, column $j$ of $W_1$.)
# Computed from the score back to the input, this is **backpropagation**. A tape does nothing else.

# %% [markdown]
# **A worked example.** Two inputs, $x = (1, 2)$, two hidden units and one score:
#
# $$W_1 = \begin{pmatrix} 3 & 1 \\ -1 & -2 \end{pmatrix}, \quad b_1 = (0, 1), \quad
# W_2 = \begin{pmatrix} 2 \\ 4 \end{pmatrix}$$
#
# First find out which units are open, then follow each path: a weight from $W_1$, times 1 or 0,
# times a weight from $W_2$.
#
# | | through hidden unit 1 | through hidden unit 2 | slope |
# |---|---|---|---|
# | $z_j$ | $3 \cdot 1 - 1 \cdot 2 + 0 = 1$: open | $1 \cdot 1 - 2 \cdot 2 + 1 = -2$: closed | |
# | from $x_1$ | $3 \cdot 1 \cdot 2 = 6$ | $1 \cdot 0 \cdot 4 = 0$ | $6 + 0 = 6$ |
# | from $x_2$ | $-1 \cdot 1 \cdot 2 = -2$ | $-2 \cdot 0 \cdot 4 = 0$ | $-2 + 0 = -2$ |
#
# Your nudging should find the same. **Predict.** Work out on paper what happens at $x = (1, 0.5)$:
# which units are open there, and what are the two slopes? Type the first one.

# %%
slope_guess = checks.guess()


# %%
def small_score(x):
    z = np.array([3 * x[0] - 1 * x[1] + 0, 1 * x[0] - 2 * x[1] + 1])
    a = np.maximum(z, 0)
    return 2 * a[0] + 4 * a[1]


for point in (np.array([1.0, 2.0]), np.array([1.0, 0.5])):
    slopes = np.round(finite_differences(small_score, point, 1e-3), 6)
    print(f"at x = {point}: slopes {slopes}")
checks.prediction(slope_guess, round(slopes[0]))
assert np.allclose(slopes, [10, -10]), (
    "With both units open, the slopes should be 6 + 4 and -2 - 8. Run the check of exercise 1.4, "
    "then this cell."
)

# %% [markdown]
# At $x = (1, 0.5)$ both units are open, and the paths through the second one count too: the slopes
# are $6 + 1 \cdot 1 \cdot 4 = 10$ and $-2 - 2 \cdot 1 \cdot 4 = -10$. Same weights, another input,
# another gradient.

# %% [markdown] exercise={"id": "1.5", "minutes": 25, "difficulty": "hard", "goal": 3}
# ### Exercise 1.5: backpropagation by hand (25 minutes, hard)
#
# Write the formula with NumPy, for one picture `x` with n inputs, m hidden units and C classes:
# `w1` is (n, m), `b1` is (m,), `w2` is (m, C). The result has the shape of `x`. (You don't need
# $b_2$: a constant has no slope.)
#
# <details><summary>Hint 1</summary>
#
# Forward first, but only as far as you need: `z = x @ w1 + b1`, then `z > 0` says which units are
# open.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Then backward. Start with the column `w2[:, class_index]`, one number per hidden unit. Multiply it
# by `z > 0`, which puts a zero where a unit is closed. Then `w1 @ ...` sums over the hidden units,
# once for every input.
#
# </details>
# <details><summary>Common mistakes</summary>
#
# Forgetting that closed units pass nothing on; multiplying by the value $a_j$ instead of by 1 or 0;
# `w2[class_index]`, which is a row: one unit, all classes; closing units by the sign of $W_2$
# instead of $z$; leaving $b_1$ out of $z$.
#
# </details>


# %%
def two_layer_gradient(x, w1, b1, w2, class_index):
    ### BEGIN SOLUTION
    is_open = x @ w1 + b1 > 0
    return w1 @ (is_open * w2[:, class_index])
    ### END SOLUTION


# %% tags=["nbval-check-output"]
two_layer_gradient = checks.two_layer_gradient(two_layer_gradient)

# %% [markdown]
# You now have three ways to the same 64 numbers. Do they agree?

# %%
by_hand = np.asarray(two_layer_gradient(picture, w1, b1, w2, 0))
by_tape = input_gradient(network_scores, zero, 0)
print("pixel   by hand   by tape   nudged")
for i in (10, 27, 28, 36):
    print(f"{i:5} {by_hand[i]:+9.4f} {by_tape[i]:+9.4f} {nudged[i]:+8.4f}")
assert np.allclose(by_hand, [by_tape, nudged], atol=1e-3), (
    "By hand, by tape and nudged, the slopes should agree. Run the checks of exercises 1.4 and "
    "1.5, then this cell."
)

# %% [markdown]
# They do, for all 64. So you know what a tape computes, and how to check it when in doubt.
#
# ## Now the gradient can depend on the picture (optional)
#
# In the formula, $x$ appears only in $[z_j > 0]$. That's enough, as the worked example showed.
#
# **Predict.** In the linear model, the maps of two pictures for class 0 were equal: their
# correlation was 1. (Maps that have nothing to do with each other have a correlation of about 0.)
# Now take the network and all the test digits, and compare each map with that of our zero. How
# large is the correlation on average: "above 0.9", "0.5 to 0.9" or "below 0.5"?

# %%
guess_hidden = checks.guess(["above 0.9", "0.5 to 0.9", "below 0.5"])

# %%
maps = np.array([two_layer_gradient(x, w1, b1, w2, 0) for x in x_test.astype(float)])
correlation = np.array([np.corrcoef(by_hand, other)[0, 1] for other in maps])
mean = correlation.mean()
print(f"correlation with the zero's map: mean {mean:.2f}, lowest {correlation.min():.2f}")
choices = ["above 0.9", "0.5 to 0.9", "below 0.5"]
checks.prediction(guess_hidden, choices[0 if mean > 0.9 else 1 if mean > 0.5 else 2], choices)
assert correlation.min() < 0.9 < mean < 0.99, (
    "On average the maps should be much alike, with one that differs."
)

# %%
odd = correlation.argmin()
other = labels_test[odd]
drawn = {
    "gradient at the 0 (score per unit of ink)": by_hand.reshape(8, 8),
    f"gradient at the {other} (score per unit of ink)": maps[odd].reshape(8, 8),
    f"the picture of the {other}": load_image(1 - x_test[odd].reshape(8, 8)),
}
title = f"Gradients of the score of class 0 at two pictures: r = {correlation[odd]:.2f}"
show_maps(1 - picture.reshape(8, 8), drawn, title=title, percentile=100, shared_scale=True)

# %% [markdown]
# On average the maps differ only a little; the one we drew is the most different of all. Is that a
# high correlation? For comparison, ask about the nine *other* classes, with the picture of our
# zero:

# %%
others = [two_layer_gradient(picture, w1, b1, w2, c) for c in range(1, 10)]
of_classes = [np.corrcoef(by_hand, other)[0, 1] for other in others]
print(f"class 0 and another class, same picture: mean correlation {np.mean(of_classes):+.2f}")
print("one by one:", np.round(of_classes, 2))
assert max(of_classes) < 0.5, "Another class should give quite another map."

# %% [markdown]
# So the map depends far more on the class than on the picture. Why do the pictures make so little
# difference? A map changes only when a hidden unit opens or closes, and most units do the same for
# most digits. Count:

# %%
is_open = x_test @ w1 + b1 > 0
patterns = len(np.unique(is_open, axis=0))
different = len(np.unique(maps.round(9), axis=0))
print(f"{len(x_test)} pictures, {patterns} patterns of open units, {different} different maps")
share = is_open.mean(axis=0)
steady = (np.maximum(share, 1 - share) > 0.85).sum()  # nearly always open, or nearly always closed
print(f"{steady} of {len(share)} units do the same for more than 85% of the digits")
assert 20 < patterns < 150 and different <= patterns and steady > len(share) / 2, (
    "Most units should do the same for most digits, which leaves a few dozen patterns."
)

# %% [markdown]
# A network of ReLUs is a *collection of linear models*. The picture chooses one of them by the
# units it opens, and as long as a change opens or closes none, the gradient is as exact as it was
# for the flats. For these digits, sixteen units gave a few dozen linear models. The network of
# lesson 0 has so many units that you'll hardly find two pictures that choose the same one.

# %% [markdown]
# ## Where no ink ever was (optional)
#
# Some pixels are blank in *all* pictures. In the linear model, their weights are exactly zero.
#
# **Predict.** Is the network's gradient zero at these pixels too?

# %%
guess_blank = checks.guess(["yes", "no"])

# %%
blank = pictures.reshape(-1, 64).max(axis=0) == 0
in_linear, in_network = abs(w.numpy()[blank, 0]).mean(), abs(maps[:, blank]).mean()
elsewhere = abs(maps[:, ~blank]).mean()
print(f"{blank.sum()} pixels are always blank; mean |gradient| there:")
print(f"linear {in_linear:.3f}, network {in_network:.3f} (elsewhere {elsewhere:.3f})")
checks.prediction(guess_blank, "yes" if in_network < 0.001 else "no", ["yes", "no"])
assert in_linear == 0 and np.array_equal(network[0].numpy()[blank], first_weights[blank]), (
    "Where no ink ever was, training should have changed no weight."
)
assert 0.3 < in_network / elsewhere < 0.5, (
    "Where no ink ever was, the network's gradient should be about two fifths of that elsewhere."
)

# %% [markdown]
# The gradient isn't zero where there was never anything to see; on average it's two fifths of what
# it is elsewhere. The two gradients of this lesson explain it together. With respect to a *weight*,
# the slope of the loss has the pixel's value as a factor. That value is always 0 here, so training
# never moved these weights, and (the first assert checks it) they're still the random numbers we
# started with. With respect to the *input*, the slope is made of exactly these weights. Don't blame
# the hidden layer: a linear classifier that starts from random weights would keep them there too.
# Ours started from zero.
#
# The map is right: ink there *would* change the score. The map describes the network, not zeros.
# Remember that when a map is bright where the picture shows nothing.

# %% [markdown]
# ## Towards deep networks
#
# For the network of lesson 0 the two questions stay the same. Only the numbers grow:

# %%
classifier = load_classifier()
inputs = classifier.prepare(load_image("cat"))
print(f"slopes with respect to the weights: {classifier.model.count_params():10,}  (training)")
print(f"slopes with respect to the input:   {inputs.size:10,}  (saliency)")

# %% [markdown]
# Nobody would work out so many slopes by hand, and trying out each input would take far too long. A
# tape needs one pass backwards. A deep network isn't linear: between its layers are functions such
# as the *ReLU*, which turns negative numbers into zero. Which numbers those are depends on the
# picture, and so does the gradient. (The optional part showed it on the digits.) But the idea stays
# the same: close to *one* picture, the score of a class is $w \cdot x$ plus a constant, and we look
# at $w$.
#
# ## What we saw
#
# - Kilometres or metres: the weight changed by a factor of 1000, and no prediction changed. Age or
#   year built: the slope kept its size, and $w x$ changed by thousands of euros.
# - The weights of a linear digit classifier, drawn as pictures, are negative in the middle for
#   class 0. The tape's gradient was that picture, for a 0 and for a 7.
# - The gradient of a linear score with respect to the input was the weights; with respect to the
#   weights it was the picture.
# - Optional: with a hidden layer, working by hand, asking a tape and nudging gave the same slopes.
#   They depended on which units the picture opened, and weren't zero at pixels that are always
#   blank.
#
# ## Take away
#
# - A gradient says what a *small change* would do, in units of output per unit of input.
# - A contribution, $w_i (x_i - x'_i)$, needs a reference: compared with what?
# - Training: the gradient of the loss with respect to the weights. Saliency: the gradient of a
#   score with respect to the input, with the weights held fixed.
# - A gradient describes the model. Whether the model is right is another question.

# %%
checks.quiz(1)

# %% [markdown]
# **Your progress**, and what to do next:

# %%
from course_utils.progress import show_progress

show_progress()

# %% [markdown]
# ## Further reading
#
# - K. Simonyan, A. Vedaldi, A. Zisserman, *Deep Inside Convolutional Networks* (2014),
#   arXiv:1312.6034, section 3: starts from a linear score, as we did.
# - D. Baehrens and others, *How to Explain Individual Classification Decisions* (2010),
#   arXiv:0912.1128: gradients as explanations, before deep networks.
# - D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating errors*,
#   Nature 323 (1986): four pages.
# - Video: 3Blue1Brown, *Backpropagation calculus*, from the series on neural networks.
#
# **Next:** lesson 2, *Vanilla gradients*: the same $w$, for a network with a thousand classes.
