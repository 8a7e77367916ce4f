# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Joins the gradients of two consumers of one tensor."""

from .base import TRAIN, CustomOp, Operand


class AddGradients(CustomOp):
    """c = a + b."""

    NAME = "TfdgsuAddGradients"
    INPUTS = (TRAIN, Operand("a"), Operand("b"))
    OUTPUTS = (Operand("c"),)
    MAY_OVERWRITE = ((0, 1), (0, 2))

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, a, b = inputs
        cls.require(a == b == outputs[0], "`a`, `b` and `c` must have one shape", (a, b, outputs[0]))

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        return [inputs[1] + inputs[2]]
