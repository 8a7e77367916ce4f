# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of CONV_2D."""

import numpy as np

from .base import CustomOp, Field, Operand
from .masks import GRAD_INPUT_OPERANDS, check_epilogue, epilogue
from .windows import STRIDE_AND_PADDING, check_windows, crop_image, pad_image, tap


class Conv2DGradInput(CustomOp):
    """dx[b,y,x,c] = mask(sum over ky,kx,o of dy[b,oy,ox,o] * w[o,ky,kx,c] + addend)."""

    NAME = "TfdgsuConv2DGradInput"
    OPTIONS = STRIDE_AND_PADDING + (Field("mask_alpha", "f"),)
    INPUTS = GRAD_INPUT_OPERANDS
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, w, addend, bits = inputs
        (dx,) = outputs
        cls.require(len(dy) == len(w) == len(dx) == 4, "`dy`, `w` and `dx` must be 4-D", (dy, w, dx))
        cls.require(
            dy[0] == dx[0] and dy[3] == w[0] and dx[3] == w[3],
            "`dy` [B,Ho,Wo,O], `w` [O,kh,kw,C] and `dx` [B,H,W,C] must agree",
            (dy, w, dx),
        )
        check_windows(cls, dx[1:3], dy[1:3], w[1:3], options)
        check_epilogue(cls, dx, addend, bits)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, w, addend, bits = inputs
        output_hw = dy.shape[1:3]
        padded = pad_image(np.zeros(output_shapes[0], dy.dtype), output_hw, w.shape[1:3], options)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                tap(padded, ky, kx, output_hw, options)[...] += dy @ w[:, ky, kx]
        dx = crop_image(padded, output_shapes[0], options)
        return [epilogue(dx, addend, bits, options["mask_alpha"])]
