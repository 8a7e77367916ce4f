# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Filter gradient of CONV_2D on the selected input channels, and its SGD update."""

import numpy as np

from .base import CustomOp
from .sgd import GRAD_FILTER_MUTATES, GRAD_FILTER_OPERANDS, SGD_OPTIONS, apply_sgd, check_channels, check_sgd
from .windows import STRIDE_AND_PADDING, check_windows, pad_image, tap


class Conv2DGradFilter(CustomOp):
    """g[o,ky,kx,j] = sum over b,oy,ox of dy[..,o] * x_sel[..,j]; updates w[..., channels[j]]."""

    NAME = "TfdgsuConv2DGradFilter"
    OPTIONS = STRIDE_AND_PADDING + SGD_OPTIONS
    INPUTS = GRAD_FILTER_OPERANDS
    MUTATES = GRAD_FILTER_MUTATES

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, x, dy, channels, w, velocity = inputs
        cls.require(len(x) == len(dy) == len(w) == 4, "`x_sel`, `dy` and `w` must be 4-D", (x, dy, w))
        cls.require(
            x[0] == dy[0] and dy[3] == w[0],
            "`x_sel` [B,H,W,k], `dy` [B,Ho,Wo,O] and `w` [O,kh,kw,C] must agree",
            (x, dy, w),
        )
        check_windows(cls, x[1:3], dy[1:3], w[1:3], options)
        check_channels(cls, channels, x[3], w[3])
        check_sgd(cls, velocity, w[:3] + x[3:], options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, lr, x, dy, channels, w, velocity = inputs
        output_hw = dy.shape[1:3]
        padded = pad_image(x, output_hw, w.shape[1:3], options)
        gradient = np.empty(w.shape[:3] + x.shape[3:], w.dtype)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                window = tap(padded, ky, kx, output_hw, options)
                gradient[:, ky, kx] = np.einsum("byxo,byxj->oj", dy, window)
        apply_sgd(w, (..., slice(None) if channels is None else channels), velocity, gradient, lr, options)
        return []
