# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Last op of a training step: counts it."""

from .base import TRAIN, CustomOp, Operand


class AdvanceStep(CustomOp):
    """step += 1, so a step that was refused (non-finite loss) does not count. Wraps at 2^31 to 0."""

    NAME = "TfdgsuAdvanceStep"
    INPUTS = (TRAIN, Operand("step", "int32"))
    MUTATES = (1,)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        cls.require(inputs[1] == (1,), "`step` must have shape [1]", inputs[1])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        step = inputs[1]
        step[0] = (int(step[0]) + 1) & 0x7FFFFFFF
        return []
