"""Sphinx's settings for the reading version. `python -m tools.site` makes the pages."""

from __future__ import annotations

import re

import latex2mathml.converter

project = "Saliency maps"
author = "The authors of the saliency course"
copyright = "the authors, CC BY 4.0"
language = "en"

extensions = ["myst_nb"]
myst_enable_extensions = ["deflist", "dollarmath"]
nb_execution_mode = "off"  # the notebooks have been run, and have their outputs
nb_ipywidgets_js = {}  # no widgets: their scripts would come from another host
nb_merge_streams = True

html_theme = "furo"
pygments_dark_style = "a11y-dark"  # the theme's own underlines modules, like links
html_title = project
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
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


def for_everybody(app, name, template, context, doctree):
    """Repair what a screen reader can't use: empty table headers, headings without a level."""
    context["body"] = re.sub(
        r"<th[^>]*>(<p>)?\s*(</p>)?</th>", "<td></td>", context.get("body", "")
    )
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def setup(app):
    """Let Sphinx write formulas as MathML; it calls this by its name."""
    app.connect("html-page-context", for_everybody, priority=900)  # after the theme
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
