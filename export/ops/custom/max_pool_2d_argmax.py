# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Where in its window each maximum stands: all that the backward pass needs to keep."""

import numpy as np

from .base import FLOAT_OR_INT8, TRAIN, CustomOp, Operand
from .pooling import POOL_OPTIONS, check_argmax_filter, check_pool, filter_size
from .windows import pad_image, tap


class MaxPool2DArgmax(CustomOp):
    """argmax = ky * filter_w + kx of the first maximum; padding never wins."""

    NAME = "TfdgsuMaxPool2DArgmax"
    OPTIONS = POOL_OPTIONS
    INPUTS = (TRAIN, Operand("x", FLOAT_OR_INT8))
    OUTPUTS = (Operand("argmax", "uint8"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        check_pool(cls, inputs[1], outputs[0], options)
        check_argmax_filter(cls, options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        x, output_hw = inputs[1], output_shapes[0][1:3]
        if x.dtype == np.int8:
            x = x.astype(np.float32)
        height, width = filter_size(options)
        padded = pad_image(x, output_hw, (height, width), options, value=-np.inf)
        taps = [tap(padded, ky, kx, output_hw, options) for ky in range(height) for kx in range(width)]
        return [np.argmax(np.stack(taps), axis=0).astype(np.uint8)]
