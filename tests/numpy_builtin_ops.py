# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The builtin ops of int8 bundles as TFLM's reference kernels compute them: `BUILTIN_OPS[kind](op, *inputs)`."""

import math

import numpy as np
from tfdgsu.export.ops.custom.deterministic_math import sequential_sum
from tfdgsu.export.ops.custom.fixed_point import add_int8, add_scalings, convolution_scalings, scale_sums

_SAME = 0  # schema_fb.Padding
_LIMITS = {0: (-math.inf, math.inf), 1: (0, math.inf), 2: (-1, 1), 3: (0, 6)}  # by fused activation


def _scale(tensor):
    return tensor.quantization.scale


def _zero_point(tensor):
    return int(tensor.quantization.zero_point[0])


def _int8_limits(tensor, activation):
    """Range of an int8 output behind its fused activation."""
    scale, zero_point = float(_scale(tensor)[0]), _zero_point(tensor)
    return [
        default if math.isinf(limit) else zero_point + _round_half_away(limit / scale)
        for limit, default in zip(_LIMITS[activation], (-128, 127))
    ]


def _clamp_int8(values, tensor, activation):
    low, high = _int8_limits(tensor, activation)
    return np.clip(values, max(low, -128), min(high, 127)).astype(np.int8)


def _round_half_away(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _patches(x, filter_hw, op, fill):
    """[taps, B, Ho, Wo, C] of the values that every window holds, `fill` outside of the image."""
    options, (out_h, out_w) = op.options, op.outputs[0].shape[1:3]
    strides = options.strideH, options.strideW
    pads = [0, 0]
    if options.padding == _SAME:
        sizes = zip((out_h, out_w), strides, filter_hw, x.shape[1:3])
        pads = [max(0, (out - 1) * stride + size - image) // 2 for out, stride, size, image in sizes]
    room = [max(0, (out - 1) * s + f) for out, s, f in zip((out_h, out_w), strides, filter_hw)]
    padding = [(pad, max(0, size - image - pad)) for pad, size, image in zip(pads, room, x.shape[1:3])]
    padded = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=fill)
    return np.stack(
        [
            padded[:, ky : ky + (out_h - 1) * strides[0] + 1 : strides[0]][
                :, :, kx : kx + (out_w - 1) * strides[1] + 1 : strides[1]
            ]
            for ky in range(filter_hw[0])
            for kx in range(filter_hw[1])
        ]
    )


def _convolution(op, sums, bias):
    """Rescales int64 sums [.., O] of an int8 convolution."""
    x, w = op.inputs[:2]
    (y,) = op.outputs
    if bias is not None:
        sums = sums + bias.astype(np.int64)
    multipliers, shifts = convolution_scalings(_scale(x)[0], _scale(w), _scale(y)[0], sums.shape[-1])
    scaled = scale_sums(sums, multipliers, shifts) + _zero_point(y)
    return _clamp_int8(scaled, y, op.options.fusedActivationFunction)


def _conv_2d(op, x, w, bias=None):
    taps = _patches(x.astype(np.int64) - _zero_point(op.inputs[0]), w.shape[1:3], op, 0)
    flat = w.reshape(w.shape[0], -1, w.shape[3]).astype(np.int64)
    return _convolution(op, np.einsum("tbyxc,otc->byxo", taps, flat), bias)


def _depthwise_conv_2d(op, x, w, bias=None):
    taps = _patches(x.astype(np.int64) - _zero_point(op.inputs[0]), w.shape[1:3], op, 0)
    taps = np.repeat(taps, w.shape[3] // x.shape[3], axis=-1)
    return _convolution(op, np.einsum("tbyxc,tc->byxc", taps, w.reshape(-1, w.shape[3]).astype(np.int64)), bias)


def _add(op, x, y):
    tensors = [*op.inputs, *op.outputs]
    scalings = add_scalings(*(_scale(tensor)[0] for tensor in tensors))
    low, high = _int8_limits(op.outputs[0], op.options.fusedActivationFunction)
    zero_points = [_zero_point(tensor) for tensor in tensors]
    return add_int8(x, zero_points[0], y, zero_points[1], scalings, zero_points[2], max(low, -128), min(high, 127))


def _max_pool_2d(op, x):
    size = op.options.filterHeight, op.options.filterWidth
    best = _patches(x.astype(np.int64), size, op, -128).max(axis=0)
    return _clamp_int8(best, op.outputs[0], op.options.fusedActivationFunction)


def _average_pool_2d(op, x):
    """Half away from zero, over the elements inside the image."""
    size = op.options.filterHeight, op.options.filterWidth
    sums = _patches(x.astype(np.int64), size, op, 0).sum(axis=0)
    counts = _patches(np.ones_like(x, np.int64), size, op, 0).sum(axis=0)
    means = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return _clamp_int8(means, op.outputs[0], op.options.fusedActivationFunction)


def _pad(op, x, paddings):
    return np.pad(x, paddings.tolist(), constant_values=_zero_point(op.inputs[0]))


def _mean(op, x, axes):
    """float32 over height and width: the sum in the order of memory, divided by the number."""
    if x.dtype != np.float32 or sorted(axes.tolist()) != [1, 2]:
        raise NotImplementedError(f"MEAN of {x.dtype} over {axes.tolist()}")
    rows = x.reshape(x.shape[0], -1, x.shape[3])
    return (sequential_sum(rows.transpose(0, 2, 1))[..., 0] / np.float32(rows.shape[1])).reshape(op.outputs[0].shape)


def _fully_connected(op, x, w, bias=None):
    """float32: products summed one after the other, the bias last."""
    rows = x.reshape(-1, w.shape[1])
    sums = sequential_sum(rows[:, None, :] * w)[..., 0]
    low, high = _LIMITS[op.options.fusedActivationFunction]
    return np.clip(sums if bias is None else sums + bias, np.float32(low), np.float32(high))


def _softmax(op, x):
    """exp in float64, rounded: libm's expf is off by little more than half a unit. No gradient follows from it."""
    shifted = (x - x.max(axis=-1, keepdims=True)) * np.float32(op.options.beta)
    powers = np.exp(shifted.astype(np.float64)).astype(np.float32)
    return powers / sequential_sum(powers)


def _dequantize(op, x):
    (tensor,) = op.inputs
    return (float(_scale(tensor)[0]) * (x.astype(np.int64) - _zero_point(tensor))).astype(np.float32)


def _quantize(op, x):
    (tensor,) = op.outputs
    units = x.astype(np.float32) / _scale(tensor)[0]
    rounded = np.copysign(np.floor(np.abs(units.astype(np.float64)) + 0.5), units)
    return np.clip(rounded + _zero_point(tensor), -128, 127).astype(np.int8)


def _reshape(op, x, shape=None):
    del shape
    return x.reshape(op.outputs[0].shape)


BUILTIN_OPS = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool_2d,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEQUANTIZE": _dequantize,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool_2d,
    "MEAN": _mean,
    "PAD": _pad,
    "QUANTIZE": _quantize,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
}
