# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION: each operand gets its slice of dy."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .pad import slice_options
from .registry import gradient_rule


@gradient_rule("CONCATENATION")
def concatenation_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx_i is the slice of dz that x_i fills."""
    dz = through_fused_activation(op, dy, back)
    axis = op.options.axis % len(dz.shape)
    gradients: list[Tensor | None] = []
    begin = [0] * len(dz.shape)
    for x in op.inputs:
        options = slice_options(dz.shape, begin, x.shape)
        gradients.append(back.emit("TfdgsuSlice", [dz], like=x, **options) if back.needs(x) else None)
        begin[axis] += x.shape[axis]
    return gradients
