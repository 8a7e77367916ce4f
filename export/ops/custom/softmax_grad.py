# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of SOFTMAX over the last axis, beta 1."""

from .base import TRAIN, CustomOp, Operand


class SoftmaxGrad(CustomOp):
    """dx = (dy - sum(dy * y)) * y."""

    NAME = "TfdgsuSoftmaxGrad"
    INPUTS = (TRAIN, Operand("y"), Operand("dy"))
    OUTPUTS = (Operand("dx"),)
    MAY_OVERWRITE = ((0, 2),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, y, dy = inputs
        cls.require(
            len(y) >= 1 and y == dy == outputs[0], "`y`, `dy` and `dx` must have one shape", (y, dy, outputs[0])
        )

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, y, dy = inputs
        return [(dy - (dy * y).sum(axis=-1, keepdims=True)) * y]
