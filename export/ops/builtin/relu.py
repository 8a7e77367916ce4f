# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""RELU, RELU6, RELU_N1_TO_1 and LEAKY_RELU that stand alone, and the MINIMUM of a ReLU with another maximum."""

from __future__ import annotations

import math

from ...ir import Op, Tensor
from .activation import PASS_RANGES, through_mask
from .real_values import real_constant
from .registry import gradient_rule


@gradient_rule(*PASS_RANGES)
def relu_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = dy where low < y < high, else 0; keeps one bit per element."""
    return [through_mask(op, dy, back, *PASS_RANGES[op.kind])]


@gradient_rule("LEAKY_RELU")
def leaky_relu_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """The output's sign tells the input's only while the slope is positive."""
    if op.options.alpha <= 0:
        raise ValueError(
            "Gradients pass through LEAKY_RELU with a positive slope. "
            f"Received: '{op.outputs[0].name}' with negative_slope={op.options.alpha}. "
            "Remedy: use a positive negative_slope, or ReLU."
        )
    return [through_mask(op, dy, back, 0.0, math.inf, alpha=op.options.alpha)]


@gradient_rule("MINIMUM")
def minimum_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """min(x, bound), which comes of a ReLU with a maximum other than 6: dx = dy where y < bound, else 0.

    An int8 bound lies within the range of y, so that saturated elements stop gradient even where the bound was higher.
    """
    x, bound = op.inputs
    if not (bound.is_constant and bound.n_elements == 1):
        raise ValueError(
            "Gradients pass through MINIMUM with one number as its bound. "
            f"Received: '{op.outputs[0].name}' of '{x.name}' and '{bound.name}' {list(bound.shape)}. "
            "Remedy: use ReLU(max_value=...), or plan only update layers behind this op."
        )
    return [through_mask(op, dy, back, -math.inf, float(real_constant(bound).item())), None]
