# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Bit masks (one bit per element, flat order, LSB first) and the epilogue they serve."""

import numpy as np

from .base import TRAIN, Operand

# Of every op that takes a gradient from a layer's output to its input, w being the layer's weights. A pass fuses sums
# and masks into these ops by position.
GRAD_INPUT_OPERANDS = (
    TRAIN,
    Operand("dy"),
    Operand("w"),
    Operand("addend", optional=True),
    Operand("bits", "uint8", optional=True),
)
# The same with int8 weights and a scale per output channel.
INT8_GRAD_INPUT_OPERANDS = (
    TRAIN,
    Operand("dy"),
    Operand("w", "int8"),
    Operand("scales"),
    Operand("addend", optional=True),
    Operand("bits", "uint8", optional=True),
)


def mask_bytes(n_elements):
    """Bytes of a mask over `n_elements`."""
    return (n_elements + 7) // 8


def pack_bits(flags):
    """Booleans of any shape -> uint8 [ceil(n/8)]; unused bits of the last byte are 0."""
    return np.packbits(np.ravel(flags), bitorder="little")


def unpack_bits(bits, shape):
    """uint8 mask -> booleans of `shape`."""
    n_elements = int(np.prod(shape))
    return np.unpackbits(bits, count=n_elements, bitorder="little").astype(bool).reshape(shape)


def apply_mask(values, bits, mask_alpha):
    """`bit ? v : mask_alpha * v`; without bits the values as they are."""
    if bits is None:
        return values
    alpha = values.dtype.type(mask_alpha)
    return np.where(unpack_bits(bits, values.shape), values, alpha * values)


def epilogue(values, addend, bits, mask_alpha):
    """The end of every input gradient: `mask(values + addend)`."""
    if addend is not None:
        values = values + addend.reshape(values.shape)
    return apply_mask(values, bits, mask_alpha)


def check_epilogue(op, dx, addend, bits):
    """Shapes of the optional `addend` (as dx, by element count) and `bits`."""
    n_elements = int(np.prod(dx))
    if addend is not None:
        op.require(int(np.prod(addend)) == n_elements, f"`addend` must have {n_elements} elements", addend)
    if bits is not None:
        op.require(bits == (mask_bytes(n_elements),), f"`bits` must have shape [{mask_bytes(n_elements)}]", bits)
