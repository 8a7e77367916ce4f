# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses int8 graphs that TFLM would abort on or compute wrongly, while layers still have names.

TFLM derives fixed-point multipliers from the scales when it prepares an op, and ends the program where one is out of
range; a multiplier above 1 shifts 32-bit sums to the left, unchecked.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..ir import Graph, Op, Tensor
from .int8_kinds import CHANNEL_AXIS, KEEPS_SCALE, VERSIONS

_SMALLEST = float(np.finfo(np.float32).tiny)  # the smallest normal float32
_LARGEST = 1e37
_ADD_SHIFT = 20  # bits that TFLM's ADD and SUB shift their operands to the left
_MAX_SOFTMAX_CLASSES = 511  # as many equal exponentials add up to what TFLM can divide by
_SUM_LIMIT = 2**31
_REMEDY = (
    "Remedy: give calibration data that exercise the layer, remove channels that are always 0, "
    "or leave the layer out of the int8 part."
)
_REMEDY_RELU6 = "Remedy: let nothing but the ReLU6 read the layer in front of it, so that the two become one op."


def check_kinds(ops: list[Op]) -> None:
    """Raises ValueError naming the first op that TFLM has no int8 kernel for."""
    for op in ops:
        if op.kind not in VERSIONS:
            raise ValueError(
                "Every op in front of the float32 tail has an int8 kernel in TensorFlow Lite Micro. "
                f"Received: {op.kind}, from '{op.outputs[0].name}'. "
                "Remedy: replace the layer, or export without quantize=."
            )


def check_finite(ops: list[Op]) -> None:
    """Raises ValueError naming a constant with NaN or infinity, which no scale covers; TFLite writes 3.4e38 for it."""
    for op in ops:
        for tensor in op.inputs:
            if tensor is not None and tensor.is_constant and not np.all(np.abs(tensor.data) < _LARGEST):
                raise ValueError(
                    "Weights are finite numbers. "
                    f"Received: NaN or infinity in '{tensor.name}' of {op.kind} '{op.outputs[0].name}'. "
                    "Remedy: train with a lower learning rate."
                )


def check_trainable(op: Op) -> None:
    """Raises ValueError naming a layer with filters whose scale leaves no room for training."""
    kernel = op.inputs[1]
    if kernel.dtype != "int8":
        return
    others = tuple(i for i in range(len(kernel.shape)) if i != CHANNEL_AXIS[op.kind])
    dead = np.flatnonzero(~np.any(kernel.data, axis=others))
    if len(dead):
        raise ValueError(
            "Filters of an int8 update layer get their scale from their values, for good. "
            f"Received: '{kernel.name}', where output channels {dead[:8].tolist()} are all 0. "
            "Remedy: train the layer in Keras first, or leave it out of the plan."
        )


def check_int8(graph: Graph) -> Graph:
    """Returns the graph.

    Raises:
        ValueError: naming the op, its layer and the rule.
    """
    for tensor in graph.tensors():
        _check_scales(tensor)
    for op in graph.ops:
        if op.is_custom or op.outputs[0].dtype != "int8":
            continue
        check_kinds([op])
        if op.kind in KEEPS_SCALE:
            _check_keeps_scale(op)
        _RULES.get(op.kind, _check_any)(op)
        _check_fused_activation(op)
    return graph


def _check_scales(tensor: Tensor) -> None:
    if tensor.dtype == "int8" and tensor.quantization is None:
        raise ValueError(f"An int8 tensor has a scale. Received: '{tensor.name}' without one. {_REMEDY}")
    if tensor.quantization is None:
        return
    scale, zero_point = tensor.quantization.scale.astype(np.float64), tensor.quantization.zero_point
    # A bias' scale is a product that kernels don't read.
    if tensor.dtype == "int8" and not np.all(np.isfinite(scale) & (scale >= _SMALLEST)):
        bad = scale[~(np.isfinite(scale) & (scale >= _SMALLEST))]
        raise ValueError(f"Scales are positive, normal numbers. Received: {bad[0]} for '{tensor.name}'. {_REMEDY}")
    if tensor.dtype == "int8" and not np.all((zero_point >= -128) & (zero_point <= 127)):
        raise ValueError(f"Zero points are int8. Received: {zero_point.tolist()} for '{tensor.name}'. {_REMEDY}")
    if tensor.is_constant and tensor.dtype == "int8" and len(scale) > 1 and np.any(zero_point):
        raise ValueError(f"Filters have zero point 0. Received: {zero_point.tolist()} for '{tensor.name}'. {_REMEDY}")


def _check_any(op: Op) -> None:
    """Ops that need nothing, or that rescale one operand: MEAN has its own rule, as it sums first."""
    if op.kind in KEEPS_SCALE:
        return
    _check_shift(op, _scale(op.inputs[0]) / _scale(op.outputs[0]), 255.0)


def _check_weighted(op: Op) -> None:
    kernel = op.inputs[1]
    axis = CHANNEL_AXIS[op.kind]
    n_terms = kernel.n_elements // kernel.shape[axis]
    zero_point = int(op.inputs[0].quantization.zero_point[0])
    largest = 127.0 * max(127 - zero_point, zero_point + 128) * n_terms
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    if bias is not None and bias.is_constant:
        largest += float(np.abs(bias.data.astype(np.float64)).max(initial=0.0))
    multiplier = _scale(op.inputs[0]) * float(kernel.quantization.scale.max()) / _scale(op.outputs[0])
    _check_shift(op, multiplier, largest)


def _check_sum(op: Op) -> None:
    """ADD and SUB rescale both operands to twice the larger scale, then the sum, each by a factor below 1."""
    twice = 2 * max(_scale(t) for t in op.inputs)
    factors = [*(_scale(t) / twice for t in op.inputs), twice / (2**_ADD_SHIFT * _scale(op.outputs[0]))]
    if not all(2.0**-31 <= factor < 1 for factor in factors):
        _refuse(op, f"the scales of {op.kind} lie within a factor of 2**19", [_scale(t) for t in _values(op)])


def _check_product(op: Op) -> None:
    _check_shift(op, _scale(op.inputs[0]) * _scale(op.inputs[1]) / _scale(op.outputs[0]), 255.0**2)


def _check_mean(op: Op) -> None:
    n_summed = op.inputs[0].n_elements // op.outputs[0].n_elements
    # The kernel divides its multiplier by the number of elements.
    _check_shift(op, _scale(op.inputs[0]) / _scale(op.outputs[0]) / n_summed, 255.0 * n_summed)


def _check_sigmoid(op: Op) -> None:
    """LOGISTIC and TANH rescale their operand to 4 integer bits, SOFTMAX to 5."""
    if not 2.0**-26 <= _scale(op.inputs[0]) * getattr(op.options, "beta", 1.0) <= 16:
        _refuse(op, f"the input scale of {op.kind} is between 2**-26 and 16", [_scale(op.inputs[0])])
    if op.kind == "SOFTMAX" and op.inputs[0].shape[-1] > _MAX_SOFTMAX_CLASSES:
        _refuse(op, f"an int8 SOFTMAX has at most {_MAX_SOFTMAX_CLASSES} classes", [_scale(op.inputs[0])])
    scale, zero_point = (2.0**-7, 0) if op.kind == "TANH" else (2.0**-8, -128)
    result = op.outputs[0].quantization
    if float(result.scale[0]) != scale or int(result.zero_point[0]) != zero_point:
        _refuse(op, f"{op.kind} has output scale {scale} and zero point {zero_point}", [_scale(op.outputs[0])])


def _check_hard_swish(op: Op) -> None:
    if not _scale(op.inputs[0]) / 128 / _scale(op.outputs[0]) < 1:
        _refuse(
            op, "the input scale of HARD_SWISH is below 128 times its output scale", [_scale(t) for t in _values(op)]
        )


def _check_leaky_relu(op: Op) -> None:
    ratio = _scale(op.inputs[0]) / _scale(op.outputs[0])
    _check_shift(op, ratio * max(1.0, abs(float(op.options.alpha))), 255.0)


def _check_quantize(op: Op) -> None:
    if op.inputs[0].dtype == "int8":
        _check_any(op)


_RULES: dict[str, Callable[[Op], None]] = {
    "ADD": _check_sum,
    "CONV_2D": _check_weighted,
    "DEPTHWISE_CONV_2D": _check_weighted,
    "FULLY_CONNECTED": _check_weighted,
    "HARD_SWISH": _check_hard_swish,
    "LEAKY_RELU": _check_leaky_relu,
    "LOGISTIC": _check_sigmoid,
    "MEAN": _check_mean,
    "MUL": _check_product,
    "QUANTIZE": _check_quantize,
    "SOFTMAX": _check_sigmoid,
    "SUB": _check_sum,
    "TANH": _check_sigmoid,
}


def _check_shift(op: Op, multiplier: float, largest: float) -> None:
    """An integer up to ``largest`` is shifted to the left by the multiplier's exponent, in 32 bits."""
    shift = max(0, math.frexp(multiplier)[1]) if math.isfinite(multiplier) else math.inf
    if not largest * 2.0 ** min(shift, 64) < _SUM_LIMIT:
        _refuse(op, f"sums of {op.kind}, rescaled to the output's scale, fit 32 bits", [_scale(t) for t in _values(op)])


def _check_keeps_scale(op: Op) -> None:
    expected = op.outputs[0].quantization
    for tensor in op.inputs:
        if tensor is None or tensor.dtype != "int8":
            continue
        got = tensor.quantization
        if not (got.scale[0] == expected.scale[0] and got.zero_point[0] == expected.zero_point[0]):
            remedy = _REMEDY_RELU6 if op.kind == "RELU6" else _REMEDY
            _refuse(
                op, f"{op.kind} keeps the scale and zero point of its input", [_scale(t) for t in _values(op)], remedy
            )


def _check_fused_activation(op: Op) -> None:
    """The clamp's bounds are integers of 32 bits."""
    if getattr(op.options, "fusedActivationFunction", 0) and not 6.0 / _scale(op.outputs[0]) < 2.0**30:
        _refuse(op, "the bounds of a fused activation fit 32 bits", [_scale(op.outputs[0])])


def _values(op: Op) -> list[Tensor]:
    return [t for t in [*op.inputs, *op.outputs] if t is not None and t.quantization is not None and t.dtype == "int8"]


def _scale(tensor: Tensor) -> float:
    if tensor.quantization is None:
        raise ValueError(f"An int8 op reads int8 tensors. Received: '{tensor.name}' of {tensor.dtype}. {_REMEDY}")
    return float(tensor.quantization.scale.max())


def _refuse(op: Op, rule: str, scales: list[float], remedy: str = _REMEDY) -> None:
    shown = ", ".join(f"{scale:.4g}" for scale in scales)
    raise ValueError(
        f"TensorFlow Lite Micro needs that {rule}. Received: scales {shown} at '{op.outputs[0].name}'. {remedy}"
    )
