# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Prepare of the ops that do more there than look at their operands.

Each function yields the steps in the order in which the reference kernel takes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ops.custom import REGISTRY, unpack_options
from .layout import int_array_bytes
from .op_cost import OpOperands, Persistent, Scratch, Step, n_elements

_QUANTIZED = ("int8", "int16")
_LUT_BYTES = 2 * 513  # int16 look-up table of TFLM.


def conv_2d(op: OpOperands) -> Iterator[Step]:
    """A multiplier and a shift per output channel, for float32 too."""
    yield from op.temporaries("o0 i0 i1")
    yield from _per_channel(op.input(1).shape[0])
    yield from op.temporaries("i0 i1 i2 o0")
    yield from _unpacked_int4(op)


def depthwise_conv_2d(op: OpOperands) -> Iterator[Step]:
    """As `conv_2d`; the channels are the filter's last dimension."""
    yield from op.temporaries("o0 i0 i1")
    yield from _per_channel(op.input(1).shape[3])
    yield from _unpacked_int4(op)
    yield from op.temporaries("i0 i1 i2 o0")


def fully_connected(op: OpOperands) -> Iterator[Step]:
    """Per-channel figures only if the filter has several scales."""
    yield from op.temporaries("i0 i1 i2 o0")
    yield from _unpacked_int4(op)
    if op.input(0).dtype in _QUANTIZED and op.input(1).n_scales > 1:
        yield from _per_channel(op.input(1).n_scales)


def transpose_conv(op: OpOperands) -> Iterator[Step]:
    """Quantized: an accumulator for every output element (32 bits for int8, 64 for int16)."""
    yield from op.temporaries("o0 i2 i1")
    yield from _per_channel(op.input(1).shape[0])
    dtype = op.input(2).dtype
    if dtype in _QUANTIZED:
        yield Scratch(n_elements(op.output(0)) * (4 if dtype == "int8" else 8))
    if dtype != "float32":
        yield from op.temporaries("i2 i1 i3 o0")
        bias = op.input(3)
        if dtype == "int16" and bias is not None and bias.dtype == "int16":
            yield Scratch(n_elements(bias) * 8)


def sum_or_mean(op: OpOperands) -> Iterator[Step]:
    """Quantized: a 32-bit accumulator for every output element; then two lists of dimensions."""
    yield from op.temporaries("i0 o0 i1")
    if op.input(0).dtype in _QUANTIZED:
        yield Scratch(4 * n_elements(op.output(0)))
    yield from _reduced_dimensions(op)
    yield from _check_reduction(op)


def reduce_extremum(op: OpOperands) -> Iterator[Step]:
    """Two lists of dimensions."""
    yield from _check_reduction(op)
    yield from op.temporaries("i0 o0 i1")
    yield from _reduced_dimensions(op)


def concatenation(op: OpOperands) -> Iterator[Step]:
    """Looks at the first input twice."""
    yield from op.temporaries("i0 o0")
    yield from op.temporaries(" ".join(f"i{i}" for i in range(len(op.op.inputs))))


def gather(op: OpOperands) -> Iterator[Step]:
    """Moves the output's dimensions from the file to the tail."""
    yield from op.temporaries("i0 i1 o0")
    yield _writable_dimensions(op)


def reshape(op: OpOperands) -> Iterator[Step]:
    """Moves the output's dimensions to the tail if one of them is still open (-1)."""
    yield from op.temporaries("i0 o0")
    if -1 in op.output(0).shape:
        yield _writable_dimensions(op)


def softmax(op: OpOperands) -> Iterator[Step]:
    """int16: two look-up tables."""
    yield from op.temporaries("i0 o0")
    if op.input(0).dtype == "int16":
        yield Persistent(_LUT_BYTES)
        yield Persistent(_LUT_BYTES)


def tanh(op: OpOperands) -> Iterator[Step]:
    """Looks at its input twice."""
    yield from op.temporaries("i0 i0 o0")


def batch_matmul(op: OpOperands) -> Iterator[Step]:
    """Quantized: one struct; and a persistent copy of every operand it has to transpose."""
    yield from op.temporaries("i0 i1 o0")
    if op.input(0).dtype in _QUANTIZED:
        yield Persistent(28)
    if op.op.options is not None and op.op.options.adjX:
        yield from _transposed_copy(op, 0)
    if op.op.options is None or not op.op.options.adjY:
        yield from _transposed_copy(op, 1)
    yield _writable_dimensions(op)


def conv_block(op: OpOperands) -> Iterator[Step]:
    """Our fused convolutions: one buffer for the rows they keep, if any."""
    name = op.op.name
    inputs = [op.input(position) for position in range(len(op.op.inputs))]
    shapes = [None if tensor is None else tensor.shape for tensor in inputs]
    n_bytes = REGISTRY[name].scratch_bytes(shapes, unpack_options(name, op.op.options))
    if n_bytes:
        yield Scratch(n_bytes)


def _per_channel(n_channels: int) -> Iterator[Step]:
    yield Persistent(4 * n_channels)
    yield Persistent(4 * n_channels)


def _unpacked_int4(op: OpOperands) -> Iterator[Step]:
    if op.input(1).dtype == "int4":
        yield Scratch(n_elements(op.input(1)))


def _check_reduction(op: OpOperands) -> Iterator[Step]:
    yield from op.temporaries("i0 i1 o0" if op.input(0).dtype == "int8" else "i0 i1")


def _reduced_dimensions(op: OpOperands) -> Iterator[Step]:
    yield Scratch(4 * len(op.input(0).shape))
    yield Scratch(4 * n_elements(op.input(1)))


def _writable_dimensions(op: OpOperands) -> Step:
    return Persistent(int_array_bytes(len(op.output(0).shape)))


def _transposed_copy(op: OpOperands, position: int) -> Iterator[Step]:
    tensor = op.input(position)
    yield Persistent(op.eval_tensor_bytes)
    yield Persistent(int_array_bytes(len(tensor.shape)))
    yield Persistent(tensor.n_bytes)
