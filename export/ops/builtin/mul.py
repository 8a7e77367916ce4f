# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""MUL by a constant scalar or a constant per channel (a batch normalization that could not be folded)."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .real_values import real_constant
from .registry import gradient_rule


@gradient_rule("MUL")
def mul_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = dz * factor; the factor is a constant and gets none."""
    x, factor = op.inputs if back.needs(op.inputs[0]) else reversed(op.inputs)
    if not factor.is_constant or factor.n_elements not in (1, x.shape[-1]) or x.shape != op.outputs[0].shape:
        raise ValueError(
            "Gradients pass through multiplication by a constant scalar or one constant per channel. "
            f"Received: '{op.outputs[0].name}' = '{x.name}' {list(x.shape)} * '{factor.name}' {list(factor.shape)}. "
            "Remedy: plan only update layers behind this op."
        )
    dz = through_fused_activation(op, dy, back)
    flat = Tensor(f"{factor.name}/flat", (factor.n_elements,), "float32", real_constant(factor).reshape(-1))
    dx = back.emit("TfdgsuMulGrad", [dz, flat], like=x)
    return [dx if operand is x else None for operand in op.inputs]
