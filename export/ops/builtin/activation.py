# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient through an activation that is fused into another op, or stands alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tensorflow.lite.python.schema_py_generated import ActivationFunctionType

from ...ir import Op, Tensor

if TYPE_CHECKING:
    from ...gradients import Backward

# Open interval of the output in which the slope is 1, as tf.raw_ops.ReluGrad and Relu6Grad define it.
_PASS_RANGE = {
    ActivationFunctionType.RELU: (0.0, math.inf),
    ActivationFunctionType.RELU6: (0.0, 6.0),
    ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}


def through_fused_activation(op: Op, dy: Tensor, back: Backward) -> Tensor:
    """Gradient in front of ``op``'s fused activation."""
    function = getattr(op.options, "fusedActivationFunction", ActivationFunctionType.NONE)
    if function == ActivationFunctionType.NONE:
        return dy
    if function not in _PASS_RANGE:
        raise ValueError(
            "Gradients pass through fused RELU, RELU6 and RELU_N1_TO_1 only. "
            f"Received: {op.kind} '{op.outputs[0].name}' with activation {function}. "
            "Remedy: use one of these activations, or plan only update layers behind this op."
        )
    low, high = _PASS_RANGE[function]
    return through_mask(op, dy, back, low, high)


def through_mask(op: Op, dy: Tensor, back: Backward, low: float, high: float, alpha: float = 0.0) -> Tensor:
    """``low < y < high ? dy : alpha * dy``, keeping one bit per element of y."""
    y = op.outputs[0]
    bits = Tensor(f"mask/{y.name}", ((y.n_elements + 7) // 8,), "uint8")
    back.keep("TfdgsuReluMask", [y], after=op, kept=bits, low=low, high=high)
    return back.emit("TfdgsuApplyMask", [dy, bits], like=y, mask_alpha=alpha)
