# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Input gradient of FULLY_CONNECTED."""

import numpy as np

from .base import CustomOp, Field, Operand
from .deterministic_math import multiply_add
from .masks import GRAD_INPUT_OPERANDS, check_epilogue, epilogue


class FullyConnectedGradInput(CustomOp):
    """dx[..,i] = mask(sum over o of dy[..,o] * w[o,i] + addend); dx has any shape of that many elements."""

    NAME = "TfdgsuFullyConnectedGradInput"
    OPTIONS = (Field("mask_alpha", "f"),)
    INPUTS = GRAD_INPUT_OPERANDS
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, dy, w, addend, bits = inputs
        agree = len(dy) >= 1 and len(w) == 2 and dy[-1] == w[0]
        cls.require(agree, "`dy` [...,O] and `w` [O,I] must agree", (dy, w))
        n_elements = int(np.prod(dy[:-1])) * w[1]
        cls.require(int(np.prod(outputs[0])) == n_elements, f"`dx` must have {n_elements} elements", outputs[0])
        check_epilogue(cls, outputs[0], addend, bits)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        _, dy, w, addend, bits = inputs
        rows = dy.reshape(-1, w.shape[0])
        sums = np.zeros((len(rows), w.shape[1]), dy.dtype)
        for o in range(w.shape[0]):  # in the kernel's order
            sums = multiply_add(rows[:, o, None], w[o], sums)
        dx = sums.reshape(output_shapes[0])
        return [epilogue(dx, addend, bits, options["mask_alpha"])]
