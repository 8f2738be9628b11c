"""Sphinx's settings for the reading version. `python -m tools.site` makes the pages."""

from __future__ import annotations

import latex2mathml.converter

project = "Saliency maps"
author = "The authors of the saliency course"
copyright = "the authors, CC BY 4.0"
language = "en"

extensions = ["myst_nb"]
myst_enable_extensions = ["deflist", "dollarmath"]
nb_execution_mode = "off"  # the notebooks have been run, and have their outputs
nb_ipywidgets_js = {}  # no widgets: their scripts would come from another host
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
nb_merge_streams = True

html_theme = "furo"
html_title = "Saliency maps: from the gradient of a linear model to Grad-CAM and SmoothGrad"
html_static_path = ["static"]
html_css_files = ["course.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"


def visit_math(self, node):
    """Write a formula as MathML, which browsers draw and screen readers read without a script."""
    self.body.append(latex2mathml.converter.convert(node.astext()))
    raise _skip()


def visit_math_block(self, node):
    """Write a formula on its own line."""
    formula = latex2mathml.converter.convert(node.astext(), display="block")
    self.body.append(f'<div class="formula">{formula}</div>')
    raise _skip()


def _skip():
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app):
    """Let Sphinx write formulas as MathML; it calls this by its name."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
