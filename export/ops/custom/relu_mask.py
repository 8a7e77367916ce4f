# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One bit per element of an activation: where the gradient passes."""

import numpy as np

from .base import TRAIN, CustomOp, Field, Operand
from .masks import mask_bytes, pack_bits


class ReluMask(CustomOp):
    """bit = low < y < high. ReLU: (0, inf); ReLU6: (0, 6)."""

    NAME = "TfdgsuReluMask"
    OPTIONS = (Field("low", "f"), Field("high", "f"))
    INPUTS = (TRAIN, Operand("y"))
    OUTPUTS = (Operand("bits", "uint8"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        expected = (mask_bytes(int(np.prod(inputs[1]))),)
        cls.require(outputs[0] == expected, f"`bits` must have shape {expected}", outputs[0])
        low, high = options["low"], options["high"]
        cls.require(low < high, "`low` must be less than `high`", (low, high))

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        y = inputs[1]
        return [pack_bits((y > y.dtype.type(options["low"])) & (y < y.dtype.type(options["high"])))]
