# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX."""

from __future__ import annotations

from ...ir import Op, Tensor
from .real_values import kept_real
from .registry import gradient_rule


@gradient_rule("SOFTMAX")
def softmax_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = y * (dy - sum(dy * y)) over the last axis; keeps y."""
    if op.options.beta != 1.0:
        raise ValueError(
            "Gradients pass through SOFTMAX with beta 1. "
            f"Received: '{op.outputs[0].name}' with beta {op.options.beta}. Remedy: scale the logits in a layer before it."
        )
    return [back.emit("TfdgsuSoftmaxGrad", [kept_real(op.outputs[0], back), dy], like=op.inputs[0])]
