# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the selected channels of an activation."""

from .base import TRAIN, CustomOp, Operand


class GatherChannels(CustomOp):
    """x_sel[..., j] = x[..., channels[j]]."""

    NAME = "TfdgsuGatherChannels"
    INPUTS = (TRAIN, Operand("x"), Operand("channels", "int32"))
    OUTPUTS = (Operand("x_sel"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, x, channels = inputs
        cls.require(len(x) >= 1, "`x` must have a channel axis", x)
        cls.require(len(channels) == 1 and channels[0] <= x[-1], f"`channels` must be [k] with k <= {x[-1]}", channels)
        expected = x[:-1] + channels
        cls.require(outputs[0] == expected, f"`x_sel` must have shape {expected}", outputs[0])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, x, channels = inputs
        return [x[..., channels]]
