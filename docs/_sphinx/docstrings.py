# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What autodoc can't know of this package's docstrings and signatures."""

import inspect
import re

from sphinx.util.inspect import stringify_signature

_EXAMPLE = "Example:"
# A leading dot would be read as "look for this name below": `.tfdw`.
_FILE_ENDING = re.compile(r"(?<![`\w])`([.~!][^`\s]+)`(?!`)")


def mark_examples(app, what, name, obj, options, lines):
    """Makes each `Example:` section a code block, and what is indented behind a colon a literal one; changes `lines`."""
    marked, is_code = [], False
    for line, after, next_one in zip(lines, [*lines[1:], ""], [*lines[2:], "", ""]):
        if line.rstrip() == _EXAMPLE:
            marked += [".. rubric:: Example", "", ".. code-block:: python", ""]
            is_code = True
            continue
        if is_code and line.strip() and not line.startswith(" "):
            is_code = False
        if not is_code and line.endswith(":") and not after.strip() and _indent(next_one) > _indent(line):
            line += ":"
        marked.append(line if is_code else _FILE_ENDING.sub(r"``\1``", line))
    lines[:] = marked


def _indent(line):
    return len(line) - len(line.lstrip())


def sign_as_written(app, what, name, obj, options, signature, return_annotation):
    """Gives a Keras model the signature of its `__init__`, which Keras hides."""
    if what != "class" or signature != "(*args, **kwargs)":
        return None
    written = inspect.signature(obj.__init__)
    parameters = [p for p in written.parameters.values() if p.name not in ("self", "kwargs")]
    return stringify_signature(written.replace(parameters=parameters), unqualified_typehints=True), None


def skip_fields(app, what, name, obj, skip, options):
    """Leaves out what Python says of a named tuple's fields; the class describes them."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    # Before napoleon, which would take the section for text.
    app.connect("autodoc-process-docstring", mark_examples, priority=400)
    app.connect("autodoc-process-signature", sign_as_written)
    app.connect("autodoc-skip-member", skip_fields)
    return {"parallel_read_safe": True}
