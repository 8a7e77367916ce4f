# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .conv_2d import check_no_dilation
from .layer_update import emit_input_gradient, emit_layer_update
from .padding import window_options
from .registry import gradient_rule


@gradient_rule("DEPTHWISE_CONV_2D")
def depthwise_conv_2d_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """As CONV_2D, channel by channel; channel c feeds outputs c*m to c*m+m-1."""
    x, kernel = op.inputs[:2]
    check_no_dilation(op)
    window = window_options(op.options, x.shape, kernel.shape[1], kernel.shape[2])
    dz = through_fused_activation(op, dy, back)
    dx = emit_input_gradient(op, dz, back, "TfdgsuDepthwiseConv2DGradInput", **window, mask_alpha=0.0)
    multiplier = kernel.shape[3] // x.shape[3]
    emit_layer_update(op, dz, back, "TfdgsuDepthwiseConv2DGradFilter", **window, depth_multiplier=multiplier)
    return [dx]
