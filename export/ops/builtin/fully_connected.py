# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .layer_update import emit_input_gradient, emit_layer_update
from .real_values import is_quantized
from .registry import gradient_rule


@gradient_rule("FULLY_CONNECTED")
def fully_connected_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """y = x W^T + b: dx = dz W, dW = dz^T x. Leading dimensions of x count as batch."""
    x, kernel = op.inputs[:2]
    if x.shape[-1] != kernel.shape[1]:
        raise ValueError(
            "Gradients pass through dense layers over the last axis. "
            f"Received: '{op.outputs[0].name}', which flattens {list(x.shape)} into {kernel.shape[1]} features itself. "
            "Remedy: put a Flatten layer in front of it."
        )
    if is_quantized(kernel):
        raise ValueError(
            "Gradients pass through dense layers in float32 only. "
            f"Received: '{op.outputs[0].name}' with an int8 kernel. "
            "Remedy: export from a Keras model, which keeps dense layers behind an update layer in float32."
        )
    dz = through_fused_activation(op, dy, back)
    dx = emit_input_gradient(op, dz, back, "TfdgsuFullyConnectedGradInput", mask_alpha=0.0)
    emit_layer_update(op, dz, back, "TfdgsuFullyConnectedGradFilter")
    return [dx]
