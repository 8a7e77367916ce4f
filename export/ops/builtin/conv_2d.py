# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""CONV_2D."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .layer_update import emit_input_gradient, emit_layer_update
from .padding import window_options
from .registry import gradient_rule


@gradient_rule("CONV_2D")
def conv_2d_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = dz convolved with the flipped kernel; dW[o,:,:,c] = x[..., c] correlated with dz[..., o]."""
    x, kernel = op.inputs[:2]
    check_no_dilation(op)
    if x.shape[3] != kernel.shape[3]:
        raise ValueError(
            "Gradients pass through convolutions of one group only. "
            f"Received: '{op.outputs[0].name}' with {x.shape[3]} input channels and kernel {list(kernel.shape)}. "
            "Remedy: use groups=1, or plan only update layers behind this layer."
        )
    window = window_options(op.options, x.shape, kernel.shape[1], kernel.shape[2])
    dz = through_fused_activation(op, dy, back)
    dx = emit_input_gradient(op, dz, back, "TfdgsuConv2DGradInput", **window, mask_alpha=0.0)
    emit_layer_update(op, dz, back, "TfdgsuConv2DGradFilter", **window)
    return [dx]


def check_no_dilation(op: Op) -> None:
    """Raises ValueError, naming the op, unless a convolution's dilation is 1 on both axes."""
    options = op.options
    if (options.dilationHFactor, options.dilationWFactor) != (1, 1):
        raise ValueError(
            "Gradients pass through undilated convolutions only. "
            f"Received: '{op.outputs[0].name}' with dilation {(options.dilationHFactor, options.dilationWFactor)}. "
            "Remedy: use dilation_rate=1, or plan only update layers behind this layer."
        )
