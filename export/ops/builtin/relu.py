# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""RELU, RELU6, RELU_N1_TO_1 and LEAKY_RELU that stand alone."""

from __future__ import annotations

import math

from ...ir import Op, Tensor
from .activation import through_mask
from .registry import gradient_rule

_PASS_RANGE = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


@gradient_rule(*_PASS_RANGE)
def relu_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    return [through_mask(op, dy, back, *_PASS_RANGE[op.kind])]


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
