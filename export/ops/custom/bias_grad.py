# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Bias gradient and its SGD update."""

import numpy as np

from .base import LEARNING_RATE, TRAIN, CustomOp, Operand
from .sgd import SGD_OPTIONS, apply_sgd, check_sgd


class BiasGrad(CustomOp):
    """g[c] = sum of dy[..., c] over all other axes; updates b."""

    NAME = "TfdgsuBiasGrad"
    OPTIONS = SGD_OPTIONS
    INPUTS = (TRAIN, LEARNING_RATE, Operand("dy"), Operand("b"), Operand("velocity", optional=True))
    MUTATES = (3, 4)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, dy, b, velocity = inputs
        cls.require(len(dy) >= 1 and b == dy[-1:], "`b` must be [C] for `dy` [...,C]", (dy, b))
        check_sgd(cls, velocity, b, options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, lr, dy, b, velocity = inputs
        gradient = np.zeros(b.shape, dy.dtype)
        for row in dy.reshape(-1, dy.shape[-1]):  # in the kernel's order
            gradient += row
        apply_sgd(b, ..., velocity, gradient, lr, options)
        return []
