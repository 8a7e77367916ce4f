# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""ADD of two activations, or of an activation and a constant."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .registry import gradient_rule


@gradient_rule("ADD")
def add_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """da = db = dz, without a copy."""
    dz = through_fused_activation(op, dy, back)
    return [_gradient_of(operand, op, dz, back) for operand in op.inputs]


def _gradient_of(operand: Tensor, op: Op, dz: Tensor, back) -> Tensor | None:
    if not back.needs(operand):
        return None
    if operand.shape != op.outputs[0].shape:
        raise ValueError(
            "Gradients pass through additions whose operands have the shape of the sum. "
            f"Received: '{operand.name}' of shape {list(operand.shape)} in '{op.outputs[0].name}' "
            f"of shape {list(op.outputs[0].shape)}. Remedy: add tensors of equal shape."
        )
    return dz
