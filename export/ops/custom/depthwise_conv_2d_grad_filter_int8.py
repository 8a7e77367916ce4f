# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Filter gradient of an int8 DEPTHWISE_CONV_2D on the selected channels, and the update of its int8 weights."""

import numpy as np

from .base import CustomOp, Field
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
from .windows import STRIDE_AND_PADDING, check_windows, pad_columns, positions_of_tap


class DepthwiseConv2DGradFilterInt8(CustomOp):
    """g[0,ky,kx,j*m+q] = x_scale * sum over b,oy,ox of (x_sel[..,j] - x_zero_point) * dy[..,channels[j]*m+q]."""

    NAME = "TfdgsuDepthwiseConv2DGradFilterInt8"
    # With `channels` the depth multiplier m does not follow from the shapes.
    OPTIONS = STRIDE_AND_PADDING + INT8_UPDATE_OPTIONS + (Field("depth_multiplier", "i"),)
    INPUTS = INT8_GRAD_FILTER_OPERANDS
    MUTATES = INT8_GRAD_FILTER_MUTATES

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, x, dy, channels, w, scales, velocity, remainder, step = inputs
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
        check_scales(cls, scales, w[3])
        check_int8_update(cls, w, remainder, step, options)

    @classmethod
    @np.errstate(all="ignore")  # a gradient that is not finite is skipped where it would move a weight
    def reference(cls, inputs, options, output_shapes):
        _, lr, x, dy, channels, w, scales, velocity, remainder, step = inputs
        multiplier = options["depth_multiplier"]
        if channels is None:
            channels = np.arange(x.shape[3])
        columns = (channels[:, None] * multiplier + np.arange(multiplier)).reshape(-1)
        # Zeros to the left and the right of rows take part, which shows where `dy` is not finite.
        values = np.repeat(centered(x, options, dy.dtype), multiplier, axis=-1)
        values = pad_columns(values, dy.shape[2], w.shape[2], options)
        within = options | {"pad_left": 0}
        gradient = np.zeros(w.shape[:3] + (columns.size,), dy.dtype)
        for ky in range(w.shape[1]):
            for kx in range(w.shape[2]):
                # One position after the other, in the kernel's order.
                for image, output in positions_of_tap(ky, kx, values.shape, dy.shape, within):
                    sums = gradient[0, ky, kx]
                    gradient[0, ky, kx] = multiply_add(values[image], dy[output][columns], sums)
        gradient *= dy.dtype.type(options["x_scale"])
        apply_int8_update(w, (..., columns), remainder, velocity, gradient, scales[columns], lr, step, options)
        return []
