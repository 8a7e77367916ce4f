# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of MUL with a constant: the scale of a frozen normalization."""

from .base import TRAIN, CustomOp, Operand


class MulGrad(CustomOp):
    """dx[..., c] = dy[..., c] * a[c] (or a[0], when `a` has one element)."""

    NAME = "TfdgsuMulGrad"
    INPUTS = (TRAIN, Operand("dy"), Operand("a"))
    OUTPUTS = (Operand("dx"),)
    MAY_OVERWRITE = ((0, 1),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, a = inputs
        cls.require(len(dy) >= 1 and dy == outputs[0], "`dx` must have the shape of `dy`", (dy, outputs[0]))
        cls.require(a in ((dy[-1],), (1,)), f"`a` must have shape [{dy[-1]}] or [1]", a)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        return [inputs[1] * inputs[2]]
