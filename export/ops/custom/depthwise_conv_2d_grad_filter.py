# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Filter gradient of DEPTHWISE_CONV_2D on the selected channels, and its SGD update."""

import numpy as np

from .base import CustomOp, Field
from .sgd import GRAD_FILTER_MUTATES, GRAD_FILTER_OPERANDS, SGD_OPTIONS, apply_sgd, check_channels, check_sgd
from .windows import STRIDE_AND_PADDING, check_windows, pad_image, tap


class DepthwiseConv2DGradFilter(CustomOp):
    """g[0,ky,kx,j*m+q] = sum over b,oy,ox of x_sel[..,j] * dy[..,channels[j]*m+q]."""

    NAME = "TfdgsuDepthwiseConv2DGradFilter"
    # With `channels` the depth multiplier m does not follow from the shapes.
    OPTIONS = STRIDE_AND_PADDING + SGD_OPTIONS + (Field("depth_multiplier", "i"),)
    INPUTS = GRAD_FILTER_OPERANDS
    MUTATES = GRAD_FILTER_MUTATES

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, x, dy, channels, w, velocity = inputs
        cls.require(len(x) == len(dy) == len(w) == 4, "`x_sel`, `dy` and `w` must be 4-D", (x, dy, w))
        cls.require(
            w[0] == 1 and x[0] == dy[0] and dy[3] == w[3],
            "`x_sel` [B,H,W,k], `dy` [B,Ho,Wo,C*m] and `w` [1,kh,kw,C*m] must agree",
            (x, dy, w),
        )
        check_windows(cls, x[1:3], dy[1:3], w[1:3], options)
        multiplier = options["depth_multiplier"]
        cls.require(
            multiplier >= 1 and w[3] % multiplier == 0,
            f"depth_multiplier must divide the {w[3]} output channels",
            multiplier,
        )
        check_channels(cls, channels, x[3], w[3] // multiplier)
        check_sgd(cls, velocity, w[:3] + (x[3] * multiplier,), options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, lr, x, dy, channels, w, velocity = inputs
        output_hw, n_selected = dy.shape[1:3], x.shape[3]
        multiplier = options["depth_multiplier"]
        if channels is None:
            channels = np.arange(n_selected)
        columns = (channels[:, None] * multiplier + np.arange(multiplier)).reshape(-1)
        padded = pad_image(x, output_hw, w.shape[1:3], options)
        gradient = np.empty(w.shape[:3] + (columns.size,), w.dtype)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                window = np.repeat(tap(padded, ky, kx, output_hw, options), multiplier, axis=-1)
                gradient[0, ky, kx] = (window * dy[..., columns]).sum(axis=(0, 1, 2))
        apply_sgd(w, (..., columns), velocity, gradient, lr, options)
        return []
