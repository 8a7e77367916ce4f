# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of MEAN (global average pooling)."""

import numpy as np

from .base import TRAIN, CustomOp, Operand
from .reduction import REDUCTION_OPTIONS, check_reduction, extents


class MeanGrad(CustomOp):
    """dx[o,r,i] = dy[o,i] / reduced."""

    NAME = "TfdgsuMeanGrad"
    OPTIONS = REDUCTION_OPTIONS
    INPUTS = (TRAIN, Operand("dy"))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        check_reduction(cls, outputs[0], inputs[1], options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        outer, reduced, inner = extents(options)
        share = inputs[1].reshape(outer, 1, inner) / inputs[1].dtype.type(reduced)
        return [np.broadcast_to(share, (outer, reduced, inner)).reshape(output_shapes[0]).copy()]
