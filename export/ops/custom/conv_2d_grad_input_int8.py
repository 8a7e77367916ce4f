# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of an int8 CONV_2D."""

import numpy as np

from .base import CustomOp, Field, Operand
from .conv_block_stages import check_overlay, put_overlay
from .deterministic_math import multiply_add
from .int8_update import check_scales
from .masks import INT8_GRAD_INPUT_OPERANDS, check_epilogue, epilogue
from .windows import STRIDE_AND_PADDING, check_windows, crop_image, pad_image, tap


class Conv2DGradInputInt8(CustomOp):
    """dx[b,y,x,c] = mask(sum over ky,kx,o of (dy[b,oy,ox,o] * scales[o]) * w[o,ky,kx,c] + addend).

    Of the channels of an overlay, ascending, its weights count in place of `w`.
    """

    NAME = "TfdgsuConv2DGradInputInt8"
    OPTIONS = STRIDE_AND_PADDING + (Field("mask_alpha", "f"),)
    INPUTS = (
        *INT8_GRAD_INPUT_OPERANDS,
        Operand("overlay", "int8", optional=True),
        Operand("overlay_channels", "int32", optional=True),
    )
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, w, scales, addend, bits, overlay, channels = inputs
        (dx,) = outputs
        cls.require(len(dy) == len(w) == len(dx) == 4, "`dy`, `w` and `dx` must be 4-D", (dy, w, dx))
        cls.require(
            dy[0] == dx[0] and dy[3] == w[0] and dx[3] == w[3],
            "`dy` [B,Ho,Wo,O], `w` [O,kh,kw,C] and `dx` [B,H,W,C] must agree",
            (dy, w, dx),
        )
        check_scales(cls, scales, w[0])
        check_overlay(cls, w, overlay, channels)
        check_windows(cls, dx[1:3], dy[1:3], w[1:3], options)
        check_epilogue(cls, dx, addend, bits)

    @classmethod
    @np.errstate(all="ignore")  # a gradient need not be finite
    def reference(cls, inputs, options, output_shapes):
        _, dy, w, scales, addend, bits, overlay, channels = inputs
        w = put_overlay(w, overlay, channels)
        output_hw = dy.shape[1:3]
        real = w.astype(dy.dtype) * scales.astype(dy.dtype)[:, None, None, None]
        padded = pad_image(np.zeros(output_shapes[0], dy.dtype), output_hw, w.shape[1:3], options)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                sums = tap(padded, ky, kx, output_hw, options)
                # One output channel after the other, in the kernel's order.
                for o in range(w.shape[0]):
                    sums[:] = multiply_add(dy[..., o, None], real[o, ky, kx], sums)
        dx = crop_image(padded, output_shapes[0], options)
        return [epilogue(dx, addend, bits, options["mask_alpha"])]
