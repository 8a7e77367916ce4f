# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient through a ReLU whose mask could not be fused into another op."""

from .base import TRAIN, CustomOp, Field, Operand
from .masks import apply_mask, check_epilogue


class ApplyMask(CustomOp):
    """dz = bit ? dy : mask_alpha * dy."""

    NAME = "TfdgsuApplyMask"
    OPTIONS = (Field("mask_alpha", "f"),)
    INPUTS = (TRAIN, Operand("dy"), Operand("bits", "uint8"))
    OUTPUTS = (Operand("dz"),)
    MAY_OVERWRITE = ((0, 1),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        cls.require(outputs[0] == inputs[1], f"`dz` must have the shape of `dy`, {inputs[1]}", outputs[0])
        check_epilogue(cls, inputs[1], None, inputs[2])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, bits = inputs
        return [apply_mask(dy, bits, options["mask_alpha"])]
