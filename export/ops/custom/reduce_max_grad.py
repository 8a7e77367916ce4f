# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of REDUCE_MAX (global max pooling)."""

import numpy as np

from .base import TRAIN, CustomOp, Operand
from .masks import mask_bytes, unpack_bits
from .reduction import REDUCTION_OPTIONS, check_reduction, extents


class ReduceMaxGrad(CustomOp):
    """dx[o,r,i] = bit ? dy[o,i] / (number of bits in the reduced run) : 0."""

    NAME = "TfdgsuReduceMaxGrad"
    OPTIONS = REDUCTION_OPTIONS
    INPUTS = (TRAIN, Operand("dy"), Operand("bits", "uint8"))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        check_reduction(cls, outputs[0], inputs[1], options)
        expected = (mask_bytes(int(np.prod(outputs[0]))),)
        cls.require(inputs[2] == expected, f"`bits` must have shape {expected}", inputs[2])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, bits = inputs
        outer, reduced, inner = extents(options)
        is_max = unpack_bits(bits, (outer, reduced, inner))
        n_ties = np.maximum(is_max.sum(axis=1, keepdims=True), 1).astype(dy.dtype)
        share = dy.reshape(outer, 1, inner) / n_ties
        return [np.where(is_max, share, dy.dtype.type(0)).reshape(output_shapes[0])]
