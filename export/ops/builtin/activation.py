# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient through an activation that is fused into another op, or stands alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tensorflow.lite.python.schema_py_generated import ActivationFunctionType

from ...ir import Op, Tensor
from ..custom.masks import mask_bytes
from .real_values import in_units_of

if TYPE_CHECKING:
    from ...gradients import Backward

# Open interval of the output in which the slope is 1, as tf.raw_ops.ReluGrad and Relu6Grad define it. The schema gives
# an activation one name, fused or not.
PASS_RANGES = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
_FUSED_PASS_RANGES = {getattr(ActivationFunctionType, name): range_ for name, range_ in PASS_RANGES.items()}


def through_fused_activation(op: Op, dy: Tensor, back: Backward) -> Tensor:
    """Gradient in front of ``op``'s fused activation."""
    function = getattr(op.options, "fusedActivationFunction", ActivationFunctionType.NONE)
    if function == ActivationFunctionType.NONE:
        return dy
    if function not in _FUSED_PASS_RANGES:
        raise ValueError(
            "Gradients pass through fused RELU, RELU6 and RELU_N1_TO_1 only. "
            f"Received: {op.kind} '{op.outputs[0].name}' with activation {function}. "
            "Remedy: use one of these activations, or plan only update layers behind this op."
        )
    low, high = _FUSED_PASS_RANGES[function]
    return through_mask(op, dy, back, low, high)


def through_mask(op: Op, dy: Tensor, back: Backward, low: float, high: float, alpha: float = 0.0) -> Tensor:
    """``low < y < high ? dy : alpha * dy``, keeping one bit per element of y.

    The bounds are real numbers. Where an int8 y saturates below ``high``, gradient passes, as it does in float32.
    """
    y = op.outputs[0]
    bits = Tensor(f"mask/{y.name}", (mask_bytes(y.n_elements),), "uint8")
    low_unit, high_unit = in_units_of(y, low), in_units_of(y, high)
    if y.dtype == "int8" and not high_unit - low_unit >= 2:
        raise ValueError(
            "Gradient passes an int8 activation where its output lies between the activation's bounds. "
            f"Received: {op.kind} '{y.name}' with bounds {low:g} and {high:g} and a scale of "
            f"{float(y.quantization.scale[0]):.4g}, so that no int8 lies between them. "
            "Remedy: scale the model's inputs to about [-1, 1], in the representative data and in training, "
            "or plan only update layers behind this op."
        )
    back.keep("TfdgsuReluMask", [y], after=op, kept=bits, low=low_unit, high=high_unit)
    return back.emit("TfdgsuApplyMask", [dy, bits], like=y, mask_alpha=alpha)
