# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What gradient rules need to know of quantized tensors. Gradients themselves are float32, of real values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

from ...ir import Op, Tensor

if TYPE_CHECKING:
    from ...gradients import Backward


def is_quantized(tensor: Tensor) -> bool:
    """Whether the tensor's integers stand for real numbers."""
    return tensor.quantization is not None and tensor.dtype != "float32"


def in_units_of(tensor: Tensor, real: float) -> float:
    """A real number in the tensor's own units, NOT clipped to what the tensor can hold."""
    if not is_quantized(tensor) or not np.isfinite(real):
        return real
    scale, zero_point = float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0])
    return float(zero_point + round(real / scale))


def kept_real(tensor: Tensor, back: Backward) -> Tensor:
    """The tensor in float32, for backward ops that compute with it; dequantized right where it is made."""
    if not is_quantized(tensor):
        return tensor
    real = Tensor(f"real/{tensor.name}", tensor.shape)
    dequantize = Op("DEQUANTIZE", [tensor], [real], schema_fb.DequantizeOptionsT(), version=2)
    back.graph.insert_after(back.graph.producer(tensor), dequantize)
    return real


def real_constant(tensor: Tensor) -> np.ndarray:
    """A constant's real values, float32."""
    if not is_quantized(tensor):
        return tensor.data
    q = tensor.quantization
    shape = [1] * tensor.data.ndim
    if q.scale.size > 1:
        shape[q.axis] = -1
    return ((tensor.data - q.zero_point.reshape(shape)) * q.scale.reshape(shape)).astype(np.float32)


def scales_of(kernel: Tensor, back: Backward) -> Tensor:
    """The scale of each output channel as a constant that gradient ops read from flash, float32 ``[n]``."""
    return back.constant(f"{kernel.name}/scales", _per_channel(kernel))


def bias_scales_of(x: Tensor, kernel: Tensor, back: Backward) -> Tensor:
    """Real value of one unit of each bias: the input's scale times the kernel's, float32 ``[n]``."""
    return back.constant(f"{kernel.name}/bias_scales", np.float64(x.quantization.scale[0]) * _per_channel(kernel))


def _per_channel(kernel: Tensor) -> np.ndarray:
    return np.broadcast_to(kernel.quantization.scale, (kernel.shape[kernel.quantization.axis],))
