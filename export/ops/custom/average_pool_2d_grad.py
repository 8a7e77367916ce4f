# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of AVERAGE_POOL_2D."""

import numpy as np

from .base import TRAIN, CustomOp, Operand
from .pooling import POOL_OPTIONS, check_pool, filter_size
from .windows import crop_image, pad_image, tap


class AveragePool2DGrad(CustomOp):
    """dx = sum over windows of dy / (elements of the window inside the image)."""

    NAME = "TfdgsuAveragePool2DGrad"
    OPTIONS = POOL_OPTIONS
    INPUTS = (TRAIN, Operand("dy"))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        check_pool(cls, outputs[0], inputs[1], options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        dy = inputs[1]
        height, width = filter_size(options)
        output_hw = dy.shape[1:3]
        shape = output_shapes[0]
        offsets = [(ky, kx) for ky in range(height) for kx in range(width)]
        inside = pad_image(np.ones((1,) + shape[1:3] + (1,), dy.dtype), output_hw, (height, width), options)
        n_inside = sum(tap(inside, ky, kx, output_hw, options) for ky, kx in offsets)
        share = dy * (dy.dtype.type(1) / n_inside)
        padded = pad_image(np.zeros(shape, dy.dtype), output_hw, (height, width), options)
        for ky, kx in reversed(offsets):  # Windows in ascending order, as the kernel adds them.
            tap(padded, ky, kx, output_hw, options)[...] += share
        return [crop_image(padded, shape, options)]
