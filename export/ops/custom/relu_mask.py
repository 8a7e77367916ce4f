# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One bit per element of an activation: where the gradient passes."""

import numpy as np

from .base import FLOAT_OR_INT8, TRAIN, CustomOp, Field, Operand
from .masks import mask_bytes, pack_bits


class ReluMask(CustomOp):
    """bit = low < y < high. ReLU: (0, inf); ReLU6: (0, 6).

    Of an int8 `y` the limits are in its units, and may lie outside of int8: then a saturated element passes.
    """

    NAME = "TfdgsuReluMask"
    OPTIONS = (Field("low", "f"), Field("high", "f"))
    INPUTS = (TRAIN, Operand("y", FLOAT_OR_INT8))
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
        if y.dtype == np.int8:
            y = y.astype(np.float32)
        return [pack_bits((y > y.dtype.type(options["low"])) & (y < y.dtype.type(options["high"])))]
