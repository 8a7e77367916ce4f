# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""RESHAPE, EXPAND_DIMS and SQUEEZE: the gradient is a flat copy."""

from __future__ import annotations

from ...ir import Op, Tensor
from .pad import slice_options
from .registry import gradient_rule


@gradient_rule("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
def reshape_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx is dy in the shape of x."""
    x = op.inputs[0]
    flat = slice_options((x.n_elements,), (0,), (x.n_elements,))
    return [back.emit("TfdgsuSlice", [dy], like=x, **flat)] + [None] * (len(op.inputs) - 1)
