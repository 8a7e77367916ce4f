# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from ...ir import Op, Tensor
from .activation import through_fused_activation
from .padding import window_options
from .registry import gradient_rule

_MAX_WINDOW = 256  # the position of a maximum is kept in one byte


@gradient_rule("AVERAGE_POOL_2D")
def average_pool_2d_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = sum over windows of dz / (elements of the window inside the image), as in tf.raw_ops.AvgPoolGrad."""
    dz = through_fused_activation(op, dy, back)
    return [back.emit("TfdgsuAveragePool2DGrad", [dz], like=op.inputs[0], **_pool_options(op))]


@gradient_rule("MAX_POOL_2D")
def max_pool_2d_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """The gradient goes to the first maximum of each window, as in tf.raw_ops.MaxPoolGrad."""
    window = op.options.filterHeight * op.options.filterWidth
    if window > _MAX_WINDOW:
        raise ValueError(
            f"Gradients pass through max pooling windows of at most {_MAX_WINDOW} elements. "
            f"Received: '{op.outputs[0].name}' with {window}. Remedy: use global max pooling, or a smaller pool_size."
        )
    dz = through_fused_activation(op, dy, back)
    kept = Tensor(f"argmax/{op.outputs[0].name}", op.outputs[0].shape, "uint8")
    back.keep("TfdgsuMaxPool2DArgmax", [op.inputs[0]], after=op, kept=kept, **_pool_options(op))
    return [back.emit("TfdgsuMaxPool2DGrad", [dz, kept], like=op.inputs[0], **_pool_options(op))]


def _pool_options(op: Op) -> dict[str, int]:
    o = op.options
    window = window_options(o, op.inputs[0].shape, o.filterHeight, o.filterWidth)
    return {"filter_h": o.filterHeight, "filter_w": o.filterWidth, **window}
