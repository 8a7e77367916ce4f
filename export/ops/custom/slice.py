# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A box of a gradient: the backward pass of CONCATENATION, PAD and RESHAPE."""

import numpy as np

from .base import TRAIN, CustomOp, Field, Operand


class Slice(CustomOp):
    """dx = dy[begin : begin + size], on dims padded with ones on the left to four."""

    NAME = "TfdgsuSlice"
    OPTIONS = tuple(Field(f"{what}_{axis}", "i") for what in ("in", "begin", "size") for axis in range(4))
    INPUTS = (TRAIN, Operand("dy"))
    OUTPUTS = (Operand("dx"),)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        extents, begins, sizes = cls.box(options)
        for extent, begin, size in zip(extents, begins, sizes):
            cls.require(
                begin >= 0 and size >= 1 and begin + size <= extent,
                "the box must lie inside `dy`",
                (extents, begins, sizes),
            )
        cls.require(
            int(np.prod(inputs[1])) == int(np.prod(extents)), f"`dy` must have the elements of {extents}", inputs[1]
        )
        cls.require(
            int(np.prod(outputs[0])) == int(np.prod(sizes)), f"`dx` must have the elements of {sizes}", outputs[0]
        )

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        extents, begins, sizes = cls.box(options)
        box = tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes))
        return [inputs[1].reshape(extents)[box].reshape(output_shapes[0]).copy()]

    @staticmethod
    def box(options):
        """(in, begin, size), each a tuple of four."""
        return tuple(tuple(options[f"{what}_{axis}"] for axis in range(4)) for what in ("in", "begin", "size"))
