# %% [markdown]
# # Playground
#
# Your picture, any of 1000 classes, five methods, side by side. Run the cells (in JupyterLab: menu
# *Run*, *Run All Cells*), then choose from the top down. Every control can be reached with the Tab
# key; a picture that you upload stays on the computer on which this notebook runs.

# %%
from course_utils.apps.playground import Playground

Playground()
