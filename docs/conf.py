"""Sphinx builds these pages without the network; warnings are errors (`make docs`)."""

import ncenet

project = "ncenet"
author = "The ncenet authors"
copyright = "the ncenet authors, Apache-2.0"
version = release = ncenet.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = "ncenet"
html_show_sourcelink = False
