# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the selected channels of an activation."""

from .base import FLOAT_OR_INT8, TRAIN, CustomOp, Operand


class GatherChannels(CustomOp):
    """x_sel[..., j] = x[..., channels[j]], or with a pool of channels x[..., pool[channels[j]]]."""

    NAME = "TfdgsuGatherChannels"
    INPUTS = (
        TRAIN,
        Operand("x", FLOAT_OR_INT8),
        Operand("channels", "int32"),
        Operand("pool", "int32", optional=True),
    )
    OUTPUTS = (Operand("x_sel", FLOAT_OR_INT8),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, x, channels, pool = inputs
        cls.require(len(x) >= 1, "`x` must have a channel axis", x)
        n_channels = x[-1]
        if pool is not None:
            cls.require(len(pool) == 1 and pool[0] <= x[-1], f"`pool` must be [P] with P <= {x[-1]}", pool)
            n_channels = pool[0]
        fits = len(channels) == 1 and channels[0] <= n_channels
        cls.require(fits, f"`channels` must be [k] with k <= {n_channels}", channels)
        expected = x[:-1] + channels
        cls.require(outputs[0] == expected, f"`x_sel` must have shape {expected}", outputs[0])

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, x, channels, pool = inputs
        return [x[..., channels if pool is None else pool[channels]]]
