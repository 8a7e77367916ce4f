# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of MEAN (global average pooling)."""

import numpy as np

from .base import TRAIN, CustomOp, Field, Operand
from .masks import check_epilogue, epilogue
from .reduction import REDUCTION_OPTIONS, check_reduction, extents


class MeanGrad(CustomOp):
    """dx[o,r,i] = mask(dy[o,i] / reduced + addend[o,r,i])."""

    NAME = "TfdgsuMeanGrad"
    OPTIONS = (*REDUCTION_OPTIONS, Field("mask_alpha", "f"))
    INPUTS = (TRAIN, Operand("dy"), Operand("addend", optional=True), Operand("bits", "uint8", optional=True))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, addend, bits = inputs
        check_reduction(cls, outputs[0], dy, options)
        check_epilogue(cls, outputs[0], addend, bits)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, addend, bits = inputs
        outer, reduced, inner = extents(options)
        share = dy.reshape(outer, 1, inner) * (dy.dtype.type(1) / dy.dtype.type(reduced))
        dx = np.broadcast_to(share, (outer, reduced, inner)).reshape(output_shapes[0]).copy()
        return [epilogue(dx, addend, bits, options["mask_alpha"])]
