# %% [markdown]
# # Playground
#
# Your picture, any of 1000 classes, five methods, side by side. Every control can be reached with
# the Tab key; a picture that you upload stays on the computer on which this notebook runs.

# %%
# In JupyterLab, run this cell and the one above: menu Run, Run All Cells.
from course_utils.apps.playground import Playground

Playground()
