# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reductions over one run of neighbouring axes, seen as [outer, reduced, inner]."""

import numpy as np

from .base import Field

REDUCTION_OPTIONS = (Field("outer", "i"), Field("reduced", "i"), Field("inner", "i"))


def extents(options):
    """(outer, reduced, inner): how many elements lie before, on and behind the reduced axes."""
    return options["outer"], options["reduced"], options["inner"]


def check_reduction(op, full, kept, options):
    """`full` has outer*reduced*inner elements, `kept` outer*inner."""
    outer, reduced, inner = extents(options)
    op.require(min(outer, reduced, inner) >= 1, "extents must be positive", (outer, reduced, inner))
    op.require(
        int(np.prod(full)) == outer * reduced * inner,
        "the full tensor must have outer*reduced*inner elements",
        (full, extents(options)),
    )
    op.require(
        int(np.prod(kept)) == outer * inner,
        "the reduced tensor must have outer*inner elements",
        (kept, extents(options)),
    )
