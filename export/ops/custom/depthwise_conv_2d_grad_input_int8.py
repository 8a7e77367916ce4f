# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of an int8 DEPTHWISE_CONV_2D."""

import numpy as np

from .base import CustomOp, Field, Operand
from .deterministic_math import multiply_add
from .int8_update import check_scales
from .masks import INT8_GRAD_INPUT_OPERANDS, check_epilogue, epilogue
from .windows import STRIDE_AND_PADDING, check_windows, crop_image, pad_image, tap


class DepthwiseConv2DGradInputInt8(CustomOp):
    """dx[..,c] = mask(sum over ky,kx and q < m of dy[..,c*m+q] * (scales[c*m+q] * w[0,ky,kx,c*m+q]) + addend)."""

    NAME = "TfdgsuDepthwiseConv2DGradInputInt8"
    OPTIONS = STRIDE_AND_PADDING + (Field("mask_alpha", "f"),)
    INPUTS = INT8_GRAD_INPUT_OPERANDS
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, w, scales, addend, bits = inputs
        (dx,) = outputs
        cls.require(len(dy) == len(w) == len(dx) == 4, "`dy`, `w` and `dx` must be 4-D", (dy, w, dx))
        cls.require(
            w[0] == 1 and dy[0] == dx[0] and dy[3] == w[3] and w[3] % dx[3] == 0,
            "`dy` [B,Ho,Wo,C*m], `w` [1,kh,kw,C*m] and `dx` [B,H,W,C] must agree",
            (dy, w, dx),
        )
        check_scales(cls, scales, w[3])
        check_windows(cls, dx[1:3], dy[1:3], w[1:3], options)
        check_epilogue(cls, dx, addend, bits)

    @classmethod
    @np.errstate(all="ignore")  # a gradient need not be finite
    def reference(cls, inputs, options, output_shapes):
        _, dy, w, scales, addend, bits = inputs
        shape = output_shapes[0]
        output_hw, multiplier = dy.shape[1:3], w.shape[3] // shape[3]
        real = w.astype(dy.dtype) * scales.astype(dy.dtype)
        padded = pad_image(np.zeros(shape, dy.dtype), output_hw, w.shape[1:3], options)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                sums = tap(padded, ky, kx, output_hw, options)
                for q in range(multiplier):
                    sums[:] = multiply_add(dy[..., q::multiplier], real[0, ky, kx, q::multiplier], sums)
        dx = crop_image(padded, shape, options)
        return [epilogue(dx, addend, bits, options["mask_alpha"])]
