# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Weight gradient of FULLY_CONNECTED on the selected features, and its SGD update."""

import numpy as np

from .base import CustomOp
from .deterministic_math import multiply_add
from .sgd import GRAD_FILTER_MUTATES, GRAD_FILTER_OPERANDS, SGD_OPTIONS, apply_sgd, check_channels, check_sgd


class FullyConnectedGradFilter(CustomOp):
    """g[o,j] = sum over b of dy[b,o] * x_sel[b,j]; updates w[o, channels[j]]."""

    NAME = "TfdgsuFullyConnectedGradFilter"
    OPTIONS = SGD_OPTIONS
    INPUTS = GRAD_FILTER_OPERANDS
    MUTATES = GRAD_FILTER_MUTATES

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, x, dy, channels, w, velocity = inputs
        same_rows = min(len(x), len(dy)) >= 1 and np.prod(x[:-1]) == np.prod(dy[:-1])
        agree = same_rows and len(w) == 2 and dy[-1] == w[0]
        cls.require(agree, "`x_sel` [...,k], `dy` [...,O] and `w` [O,I] must agree", (x, dy, w))
        check_channels(cls, channels, x[-1], w[1])
        check_sgd(cls, velocity, (w[0], x[-1]), options)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, lr, x, dy, channels, w, velocity = inputs
        index = (..., slice(None) if channels is None else channels)
        gradient = np.zeros((dy.shape[-1], x.shape[-1]), dy.dtype)
        for dy_row, x_row in zip(dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])):
            gradient = multiply_add(dy_row[:, None], x_row, gradient)
        apply_sgd(w, index, velocity, gradient, lr, options)
        return []
