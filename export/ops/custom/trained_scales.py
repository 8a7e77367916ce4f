# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which operand of an op holds the scales of a weight that the op trains in place."""


def find_trained_scales(op, options: dict) -> list[tuple[int, int]]:
    """Positions (trained operand, its scales) of a custom op; trained operands without scales are left out.

    Args:
        op: A definition out of `REGISTRY`.
        options: The op's options.
    """
    names = [operand.name for operand in op.operands(options)]
    pairs = ((position, _scales_of(names[position])) for position in op.mutates(options))
    return [(position, names.index(scales)) for position, scales in pairs if scales in names]


def _scales_of(operand: str) -> str | None:
    """Name of the operand that holds the scales of a trained operand."""
    if operand in ("w", "b"):
        return "scales"
    if operand == "overlay":  # of the first convolution of a block
        return "conv_scales"
    if operand.endswith("_bias"):
        return f"{operand}_scales"
    return f"{operand.removesuffix('w')}scales" if operand.endswith("_w") else None
