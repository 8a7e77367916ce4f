# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One bit per element: does it equal the maximum it was reduced to?"""

import numpy as np

from .base import FLOAT_OR_INT8, TRAIN, CustomOp, Operand
from .masks import mask_bytes, pack_bits
from .reduction import REDUCTION_OPTIONS, check_reduction, extents


class ReduceMaxMask(CustomOp):
    """bit[o,r,i] = x[o,r,i] == y[o,i]."""

    NAME = "TfdgsuReduceMaxMask"
    OPTIONS = REDUCTION_OPTIONS
    INPUTS = (TRAIN, Operand("x", FLOAT_OR_INT8), Operand("y", FLOAT_OR_INT8))
    OUTPUTS = (Operand("bits", "uint8"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        check_reduction(cls, inputs[1], inputs[2], options)
        expected = (mask_bytes(int(np.prod(inputs[1]))),)
        cls.require(outputs[0] == expected, f"`bits` must have shape {expected}", outputs[0])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, x, y = inputs
        outer, reduced, inner = extents(options)
        return [pack_bits(x.reshape(outer, reduced, inner) == y.reshape(outer, 1, inner))]
