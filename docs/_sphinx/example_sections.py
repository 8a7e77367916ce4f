# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Shows what a docstring has under `Example:` as code."""

_HEADING = "Example:"


def mark_examples(app, what, name, obj, options, lines):
    """Makes each `Example:` section of a docstring a code block; changes `lines` in place."""
    marked, is_code = [], False
    for line in lines:
        if line.rstrip() == _HEADING:
            marked += [".. rubric:: Example", "", ".. code-block:: python", ""]
            is_code = True
            continue
        if is_code and line.strip() and not line.startswith(" "):
            is_code = False
        marked.append(line)
    lines[:] = marked


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    # Before napoleon, which would take the section for text.
    app.connect("autodoc-process-docstring", mark_examples, priority=400)
    return {"parallel_read_safe": True}
