# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The integer arithmetic by which int8 kernels scale their sums, bit for bit that of TensorFlow Lite Micro.

A positive real number is kept as `multiplier * 2**(shift - 31)`, with the multiplier in [2**30, 2**31). Source: the
behaviour of `kernels/internal/quantization_util.cc`, `kernels/internal/common.cc` (double rounding, as in the pinned
wheel) and `micro/kernels/add_common.cc` of tflite-micro.
"""

import math
from typing import NamedTuple

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
MIN_SHIFT, MAX_SHIFT = -31, 30
_ADD_LEFT_SHIFT = 20  # Headroom that int8 ADD gives its operands before it scales them.


class Scaling(NamedTuple):
    """A positive real number as the kernels hold it."""

    multiplier: int
    shift: int


class AddScalings(NamedTuple):
    """The three scalings of an int8 ADD: of both operands, and of their sum."""

    x: Scaling
    y: Scaling
    sum: Scaling


def quantize_multiplier(real: float) -> Scaling:
    """A real number >= 0 as multiplier and shift; what is below 2**-32 becomes 0.

    Example:
        >>> quantize_multiplier(0.75)
        Scaling(multiplier=1610612736, shift=0)
    """
    if real == 0.0:
        return Scaling(0, 0)
    mantissa, shift = math.frexp(real)
    # Half away from zero; exact, since a mantissa has 53 bits.
    multiplier = math.floor(mantissa * 2.0**31 + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return Scaling(0, 0) if shift < MIN_SHIFT else Scaling(multiplier, shift)


def convolution_scalings(x_scale, w_scales, y_scale, n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers and shifts (int32 `[n_channels]` each) of a convolution, from its tensors' float32 scales.

    A filter with a single scale has it for every channel.
    """
    scales = np.broadcast_to(np.asarray(w_scales, np.float32).astype(np.float64), n_channels)
    reals = float(np.float32(x_scale)) * scales / float(np.float32(y_scale))
    pairs = np.array([quantize_multiplier(float(real)) for real in reals], np.int64).reshape(-1, 2)
    return pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)


def add_scalings(x_scale, y_scale, sum_scale) -> AddScalings:
    """Of an int8 ADD of tensors with these float32 scales."""
    x, y, total = (float(np.float32(scale)) for scale in (x_scale, y_scale, sum_scale))
    twice_max = 2 * max(x, y)
    return AddScalings(
        quantize_multiplier(x / twice_max),
        quantize_multiplier(y / twice_max),
        quantize_multiplier(twice_max / ((1 << _ADD_LEFT_SHIFT) * total)),
    )


def scale_sums(sums, multiplier, shift) -> np.ndarray:
    """`sums * multiplier * 2**(shift - 31)` in integers, rounded twice: half up, then half away from zero.

    Args:
        sums: int64 array of int32 values.
        multiplier, shift: int32, broadcast against `sums`.

    Returns:
        int64 array. Left-shifted sums wrap at 32 bits, which TFLM leaves undefined.
    """
    multiplier, shift = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    shifted = (np.asarray(sums, np.int64) << np.maximum(shift, 0)).astype(np.int32).astype(np.int64)
    high = (shifted * multiplier + (1 << 30)) >> 31
    right = np.maximum(-shift, 0)
    half = (np.int64(1) << right) >> 1
    return (high + half - ((high < 0) & (right > 0))) >> right


def add_int8(x, x_zero_point, y, y_zero_point, scalings: AddScalings, zero_point, low, high) -> np.ndarray:
    """int8 ADD of two arrays; the result lies in [low, high]."""
    x = scale_sums((np.asarray(x, np.int64) - x_zero_point) << _ADD_LEFT_SHIFT, *scalings.x)
    y = scale_sums((np.asarray(y, np.int64) - y_zero_point) << _ADD_LEFT_SHIFT, *scalings.y)
    return np.clip(scale_sums(x + y, *scalings.sum) + zero_point, low, high).astype(np.int8)
