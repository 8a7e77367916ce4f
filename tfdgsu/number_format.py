# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""How a bundle stores numbers, and what its ops can do with them: the one place that knows about float32 and int8."""

import dataclasses

from .byte_size import FLOAT_BYTES

ROUNDINGS = ("nearest", "stochastic", "remainder")
DEFAULT_ROUNDING = "stochastic"


@dataclasses.dataclass(frozen=True)
class NumberFormat:
    """Bytes of a bundle's numbers. Gradients, biases, velocities, channel numbers and trained heads have four in any.

    Attributes:
        activation_bytes: Of one activation in front of the float tail, kept channels included.
        kernel_bytes: Of one mutable weight of a convolution, with its remainder if it has one.
        has_float_tail: Whether Dense layers on the gradient path, and what follows them, stay float32 behind a DEQUANTIZE.
        has_conv_blocks: Whether chains of convolutions run as one op, whose inner activations are never tensors.
        adds_gradients_in_place: Whether a branch's gradient is added to the other branch's where that lies.
        has_pools: Whether a part of a convolution's kernel can be mutable while the rest stays in flash.
    """

    activation_bytes: int
    kernel_bytes: int
    has_float_tail: bool
    has_conv_blocks: bool
    adds_gradients_in_place: bool
    has_pools: bool


FLOAT32 = NumberFormat(
    activation_bytes=FLOAT_BYTES,
    kernel_bytes=FLOAT_BYTES,
    has_float_tail=False,
    has_conv_blocks=False,
    adds_gradients_in_place=False,
    has_pools=False,
)
INT8 = NumberFormat(
    activation_bytes=1,
    kernel_bytes=1,
    has_float_tail=True,
    has_conv_blocks=True,
    adds_gradients_in_place=True,
    has_pools=True,
)


def number_format(quantize: str | None, rounding: str | None = None) -> NumberFormat:
    """Returns the format of a bundle exported with these arguments.

    Raises:
        ValueError: There is no such quantization or rounding.
    """
    if quantize not in (None, "int8"):
        raise ValueError(
            f"quantize must be None or 'int8'. Received: quantize={quantize!r}. Leave it out for a float32 bundle."
        )
    if quantize is None:
        return FLOAT32
    if rounding not in ROUNDINGS:
        raise ValueError(
            f"rounding must be one of {list(ROUNDINGS)}. Received: rounding={rounding!r}. Leave it out for {DEFAULT_ROUNDING!r}."
        )
    return dataclasses.replace(INT8, kernel_bytes=2) if rounding == "remainder" else INT8
