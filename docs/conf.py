# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the documentation: `sphinx-build -W --keep-going -c docs . build/docs`.

The source folder is the repository, not docs/, so that a link has one form, the one that works where the files are
read: README.md, the examples' READMEs and the pages in docs/ link to each other by path.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_sphinx"))

import tfdgsu

project = "tfdgsu"
author = "The tfdgsu Authors"
copyright = "2026, The tfdgsu Authors"
release = version = tfdgsu.__version__

extensions = ["myst_parser", "docstrings", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "micro_runtime/README.md",
    "colab/README.md",
    "examples/README.md",
    "examples/**/README.md",
]
# Nothing else is looked at: environments, build folders and links of Bazel lie here, too.
_LOOKED_AT = ("docs", "micro_runtime", "colab", "examples")
exclude_patterns = ["**/.pytest_cache"] + [
    path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in _LOOKED_AT
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # As GitHub makes them, for links to headings.

autodoc_inherit_docstrings = False  # What Keras' classes say of themselves stands in Keras' documentation.
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# Docstrings mark code by single backticks. What names an object becomes a link.
default_role = "py:obj"
add_module_names = False

smartquotes = False  # Two hyphens begin a flag, also where a docstring or an error names one.

html_theme = "furo"
html_title = f"tfdgsu {release}"
html_static_path = ["_static"]
html_css_files = ["tfdgsu.css"]
html_extra_path = ["_site"]  # A page at the root that leads to docs/.
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"sidebar_hide_name": False, "navigation_with_keys": True}
pygments_style = "default"
pygments_dark_style = "github-dark"
