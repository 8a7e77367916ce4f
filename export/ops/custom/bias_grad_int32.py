# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Bias gradient of an int8 layer, and the update of its int32 bias."""

import numpy as np

from .base import LEARNING_RATE, TRAIN, CustomOp, Operand
from .int8_update import (
    BIAS_LAYER_OFFSET,
    INT32_MAX,
    NEAREST,
    ROUNDING_OPTIONS,
    STOCHASTIC,
    check_rounding,
    check_scales,
    random_key,
    round_units,
    units_of_step,
)
from .sgd import SGD_OPTIONS, check_sgd


class BiasGradInt32(CustomOp):
    """g[c] = sum of dy[..., c] over all other axes; updates b, whose unit is scales[c]."""

    NAME = "TfdgsuBiasGradInt32"
    OPTIONS = SGD_OPTIONS + ROUNDING_OPTIONS
    INPUTS = (
        TRAIN,
        LEARNING_RATE,
        Operand("dy"),
        Operand("b", "int32"),
        Operand("scales"),
        Operand("velocity", optional=True),
        Operand("step", "int32"),
    )
    MUTATES = (3, 5)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, dy, b, scales, velocity, step = inputs
        cls.require(len(dy) >= 1 and b == dy[-1:], "`b` must be [C] for `dy` [...,C]", (dy, b))
        check_sgd(cls, velocity, b, options)
        check_scales(cls, scales, b[0])
        check_rounding(cls, step, options)

    @classmethod
    @np.errstate(all="ignore")  # a gradient that is not finite is skipped where it would move a weight
    def reference(cls, inputs, options, output_shapes):
        _, lr, dy, b, scales, velocity, step = inputs
        gradient = np.zeros(b.shape, dy.dtype)
        for row in dy.reshape(-1, dy.shape[-1]):
            gradient += row
        units, taken = units_of_step(gradient, scales, velocity, lr, options)
        # A bias keeps no remainder: its unit is small enough to round by chance.
        rounding = NEAREST if options["rounding"] == NEAREST else STOCHASTIC
        start = np.clip(b, -INT32_MAX, INT32_MAX)
        moved = start + round_units(units, np.arange(b.size), random_key(options, step, BIAS_LAYER_OFFSET), rounding)
        b[...] = np.where(taken, np.clip(moved, -INT32_MAX, INT32_MAX), b)
        return []
