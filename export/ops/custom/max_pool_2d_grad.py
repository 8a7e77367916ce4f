# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of MAX_POOL_2D."""

import numpy as np

from .base import TRAIN, CustomOp, Operand
from .pooling import POOL_OPTIONS, check_argmax_filter, check_pool, filter_size
from .windows import crop_image, pad_image, tap


class MaxPool2DGrad(CustomOp):
    """dx = sum of dy over the windows whose maximum the element was."""

    NAME = "TfdgsuMaxPool2DGrad"
    OPTIONS = POOL_OPTIONS
    INPUTS = (TRAIN, Operand("dy"), Operand("argmax", "uint8"))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, argmax = inputs
        check_pool(cls, outputs[0], dy, options)
        check_argmax_filter(cls, options)
        cls.require(argmax == dy, f"`argmax` must have the shape of `dy`, {dy}", argmax)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, argmax = inputs
        height, width = filter_size(options)
        output_hw = dy.shape[1:3]
        padded = pad_image(np.zeros(output_shapes[0], dy.dtype), output_hw, (height, width), options)
        for ky in range(height):
            for kx in range(width):
                window = tap(padded, ky, kx, output_hw, options)
                window += np.where(argmax == ky * width + kx, dy, 0)
        return [crop_image(padded, output_shapes[0], options)]
