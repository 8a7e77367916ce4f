# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be true of a tensor's scales and zero points, whichever op reads it."""

import math

from .errors import require

# The integers that a zero point may be; no other dtypes are quantized.
_ZERO_POINTS = {"int8": (-128, 127), "int32": (0, 0)}


def check_quantization(tensor) -> None:
    """Checks the quantization of a `Tensor`, if it has one.

    Raises:
        BundleError: naming the tensor and the rule.
    """
    if tensor.quantization is None:
        return
    scales, zero_points, axis = tensor.quantization
    what = f"tensor '{tensor.name}'"
    require(tensor.dtype in _ZERO_POINTS, f"{what} must be int8 or int32 to be quantized", tensor.dtype)
    usable = all(math.isfinite(scale) and scale > 0 for scale in scales)
    require(usable and len(scales) >= 1, f"{what} must have finite, positive scales", _shortened(scales))
    counts = len(scales), len(zero_points)
    require(counts[0] == counts[1], f"{what} must have a zero point for each scale", counts)
    low, high = _ZERO_POINTS[tensor.dtype]
    in_range = all(low <= point <= high for point in zero_points)
    require(in_range, f"{what} must have zero points in [{low}, {high}]", _shortened(zero_points))
    require(0 <= axis < max(len(tensor.shape), 1), f"{what} must be quantized along one of its axes", axis)
    if len(scales) > 1:
        require(
            bool(tensor.shape) and tensor.shape[axis] == len(scales),
            f"{what} must have 1 scale or one for each index of axis {axis}, {tensor.shape}",
            len(scales),
        )
        require(not any(zero_points), f"{what} must have zero points of 0 along an axis", _shortened(zero_points))


def _shortened(numbers: tuple) -> str:
    return f"{list(numbers[:4])}{' …' if len(numbers) > 4 else ''}"
