# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC (sigmoid)."""

from __future__ import annotations

from ...ir import Op, Tensor
from .real_values import kept_real
from .registry import gradient_rule


@gradient_rule("LOGISTIC")
def logistic_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = dy * y * (1 - y); keeps y."""
    return [back.emit("TfdgsuLogisticGrad", [kept_real(op.outputs[0], back), dy], like=op.inputs[0])]
