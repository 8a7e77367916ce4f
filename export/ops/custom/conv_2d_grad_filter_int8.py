# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Filter gradient of an int8 CONV_2D on the selected input channels, and the update of its int8 weights."""

import numpy as np

from .base import CustomOp
from .deterministic_math import multiply_add
from .int8_update import (
    INT8_GRAD_FILTER_MUTATES,
    INT8_GRAD_FILTER_OPERANDS,
    INT8_UPDATE_OPTIONS,
    apply_int8_update,
    centered,
    check_int8_update,
    check_scales,
)
from .sgd import check_channels, check_sgd
from .windows import STRIDE_AND_PADDING, check_windows, positions_of_tap


class Conv2DGradFilterInt8(CustomOp):
    """g[o,ky,kx,j] = sum over b,oy,ox of dy[..,o] * (x_scale * (x_sel[..,j] - x_zero_point)).

    Updates w[..., channels[j]].
    """

    NAME = "TfdgsuConv2DGradFilterInt8"
    OPTIONS = STRIDE_AND_PADDING + INT8_UPDATE_OPTIONS
    INPUTS = INT8_GRAD_FILTER_OPERANDS
    MUTATES = INT8_GRAD_FILTER_MUTATES

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, x, dy, channels, w, scales, velocity, remainder, step = inputs
        cls.require(len(x) == len(dy) == len(w) == 4, "`x_sel`, `dy` and `w` must be 4-D", (x, dy, w))
        cls.require(
            x[0] == dy[0] and dy[3] == w[0],
            "`x_sel` [B,H,W,k], `dy` [B,Ho,Wo,O] and `w` [O,kh,kw,C] must agree",
            (x, dy, w),
        )
        check_windows(cls, x[1:3], dy[1:3], w[1:3], options)
        check_channels(cls, channels, x[3], w[3])
        check_sgd(cls, velocity, w[:3] + x[3:], options)
        check_scales(cls, scales, w[0])
        check_int8_update(cls, w, remainder, step, options)

    @classmethod
    @np.errstate(all="ignore")  # a gradient that is not finite is skipped where it would move a weight
    def reference(cls, inputs, options, output_shapes):
        _, lr, x, dy, channels, w, scales, velocity, remainder, step = inputs
        values = centered(x, options, dy.dtype) * dy.dtype.type(options["x_scale"])
        gradient = np.zeros(w.shape[:3] + x.shape[3:], dy.dtype)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                # One position after the other, in the kernel's order.
                for image, output in positions_of_tap(ky, kx, x.shape, dy.shape, options):
                    sums = gradient[:, ky, kx]
                    gradient[:, ky, kx] = multiply_add(dy[output][:, None], values[image], sums)
        index = (..., slice(None) if channels is None else channels)
        scales = scales[:, None, None, None]
        apply_int8_update(w, index, remainder, velocity, gradient, scales, lr, step, options)
        return []
