# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be true of scales, zero points and options before TFLM, which aborts or computes nonsense, prepares an
op on int8. `INT8_RULES` maps builtin code to `rule(operator, inputs, outputs)`; an op that has none here can't be int8.

Source: the Prepare functions of tflite-micro's `micro/kernels/*_common.cc` and the reference kernels that they set
up. They calculate some multipliers in double and some in float32; so does this.
"""

import math
from typing import NamedTuple

import numpy as np

from .model import Operator, Tensor
from .movement_rules import MOVEMENT_RULES

_RELU, _RELU_N1_TO_1, _RELU6 = 1, 2, 3  # schema.fbs, ActivationFunctionType
_FUSED_ACTIVATION = {0: 0, 1: 5, 3: 3, 4: 4, 9: 0, 17: 5, 18: 0, 41: 0}  # field of the op's options
_OPTIONAL_OPTIONS = {0: 11, 18: 21, 41: 28}  # type of the options of ops that may come without
_MAX_SHIFT = 30  # of a fixed-point multiplier, to the left; 31 would shift into the sign
_POOL_SCALE_TOLERANCE = 1e-6  # of TFLM
_BIAS_SCALE_TOLERANCE = 1e-3  # relative; the product of two float32 that a float32 has to hold, and some room
_SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)  # a product below has fewer digits
_FULLY_CONNECTED_BIAS_TOLERANCE = 0.02  # of TFLM, in units of the output
_MAX_SOFTMAX_CLASSES = 511  # the sum of as many equal exponentials is what TFLM can divide by
_SOFTMAX_INPUT_BITS, _LOGISTIC_INPUT_BITS = 26, 27  # fraction bits that the kernels bring their input to


class _Real(NamedTuple):
    """Scale and zero point of a tensor that has one of each."""

    scale: float
    zero_point: int


def _weighted(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""
    x, y, w = _single(inputs[0]), _single(outputs[0]), inputs[1]
    axis = 3 if operator.builtin_code == 4 else 0
    _require(w.quantization is not None, f"filter '{w.name}' must be quantized", "no scales")
    scales, zero_points, along = w.quantization
    _require(len(scales) in (1, w.shape[axis]), f"filter must have 1 or {w.shape[axis]} scales", len(scales))
    _require(len(scales) == 1 or along == axis, f"filter must be quantized along axis {axis}", along)
    _require(not any(zero_points), "filter must have zero points of 0", zero_points[:4])
    for scale in {min(scales), max(scales)}:
        _shift(x.scale * scale / y.scale, "scale of input times filter by output")
    _bias(operator, inputs, x.scale * np.asarray(scales, np.float64), y.scale)
    _fused_activation(operator, y)


def _bias(operator: Operator, inputs: list[Tensor], products: np.ndarray, y_scale: float) -> None:
    bias = inputs[2] if len(inputs) == 3 else None
    if bias is None:
        return
    by_tensor = operator.builtin_code == 9 and len(products) == 1
    if bias.quantization is None:
        # The convolutions don't read the bias's scale; this one compares it.
        _require(not by_tensor, f"bias '{bias.name}' must be quantized", "no scale")
        return
    scales = np.asarray(bias.quantization.scales, np.float64)
    _require(len(scales) in (1, len(products)), f"bias must have {len(products)} scales", len(scales))
    close = (np.abs(scales - products) <= _BIAS_SCALE_TOLERANCE * products + _SMALLEST_NORMAL).all()
    _require(bool(close), "bias must have the scales of input times filter", scales[:4].tolist())
    if by_tensor:
        difference = abs(float(scales[0] - products[0])) / y_scale
        _require(
            difference <= _FULLY_CONNECTED_BIAS_TOLERANCE, "bias must have the scale of input times filter", scales
        )


def _sum(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """ADD in double, SUB in float32."""
    kind = np.float64 if operator.builtin_code == 0 else np.float32
    first, second, y = _single(inputs[0]), _single(inputs[1]), _single(outputs[0])
    with np.errstate(all="ignore"):
        twice = kind(2) * kind(max(first.scale, second.scale))
        for scale in (first.scale, second.scale):
            _shift(float(kind(scale) / twice), "scale of an input by the larger one", below_one=True)
        _shift(float(twice / (kind(1 << 20) * kind(y.scale))), "scale of inputs by 2^20 times output", below_one=True)
    _fused_activation(operator, y)


def _product(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    first, second, y = _single(inputs[0]), _single(inputs[1]), _single(outputs[0])
    _shift(first.scale * second.scale / y.scale, "scale of inputs by output")
    _fused_activation(operator, y)


def _same(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """Ops that move or compare integers: they mean the same before and after."""
    y = _single(outputs[0])
    for tensor in inputs:
        if tensor is not None and tensor.dtype == "int8":
            _require(_single(tensor) == y, f"'{tensor.name}' must have the output's scale and zero point", tensor[5])


def _pool(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    x, y = _single(inputs[0]), _single(outputs[0])
    same = abs(x.scale - y.scale) <= _POOL_SCALE_TOLERANCE and x.zero_point == y.zero_point
    _require(same, "input and output must have one scale and zero point", (x, y))
    _fused_activation(operator, y)


def _rescale(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """MEAN, SUM, QUANTIZE of int8."""
    y = _single(outputs[0])
    if inputs[0].dtype == "int8":
        _shift(_single(inputs[0]).scale / y.scale, "scale of input by output")


def _dequantize(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _single(inputs[0])


def _relu(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _shift(_float32_ratio(_single(inputs[0]).scale, _single(outputs[0]).scale), "scale of input by output")


def _relu6(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    _same(operator, inputs, outputs)
    _units(6, _single(inputs[0]))


def _leaky_relu(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    x, y, alpha = _single(inputs[0]), _single(outputs[0]), operator.options.scalar(0, "f")
    _require(math.isfinite(alpha), "alpha must be finite", alpha)
    _shift(_float32_ratio(x.scale, y.scale), "scale of input by output")
    if alpha:
        _shift(_float32_ratio(x.scale * abs(alpha), y.scale), "scale of input times alpha by output")


def _hard_swish(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    x, y = _single(inputs[0]), _single(outputs[0])
    fine = x.scale / 128
    shift = _shift(_float32_ratio(fine, y.scale), "scale of input by 128 times output")
    _require(shift <= 0, "scale of input must be at most 128 times that of the output", (x.scale, y.scale))
    _shift(_float32_ratio(fine, 3 / 32768), "scale of input")


def _softmax(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    x, beta = _single(inputs[0]), operator.options.scalar(0, "f")
    _is(outputs[0], 1 / 256, -128)
    _require(math.isfinite(beta), "beta must be finite", beta)
    gain = beta * x.scale * (1 << _SOFTMAX_INPUT_BITS)
    _require(gain > 1, "beta times the input's scale must exceed 2^-26", beta * x.scale)
    n_classes = inputs[0].shape[-1]
    _require(n_classes <= _MAX_SOFTMAX_CLASSES, f"int8 softmax takes at most {_MAX_SOFTMAX_CLASSES} classes", n_classes)


def _logistic(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> None:
    """LOGISTIC, and TANH with another output."""
    x = _single(inputs[0])
    _is(outputs[0], *((1 / 256, -128) if operator.builtin_code == 14 else (1 / 128, 0)))
    shift = _shift(x.scale * (1 << _LOGISTIC_INPUT_BITS), "scale of input times 2^27")
    _require(shift >= 0, "scale of input must be at least 2^-28", x.scale)


def _single(tensor: Tensor) -> _Real:
    quantization = tensor.quantization
    n_scales = 0 if quantization is None else len(quantization.scales)
    _require(n_scales == 1, f"'{tensor.name}' must have one scale and zero point", n_scales)
    return _Real(quantization.scales[0], quantization.zero_points[0])


def _is(tensor: Tensor, scale: float, zero_point: int) -> None:
    expected, received = _Real(scale, zero_point), _single(tensor)
    _require(received == expected, f"output must have scale {scale} and zero point {zero_point}", tuple(received))


def _fused_activation(operator: Operator, y: _Real) -> None:
    code, options = operator.builtin_code, operator.options
    if options is None or operator.options_type != _OPTIONAL_OPTIONS.get(code, operator.options_type):
        return
    for value in {_RELU6: (6,), _RELU_N1_TO_1: (-1, 1)}.get(options.scalar(_FUSED_ACTIVATION[code], "b"), ()):
        _units(value, y)


def _units(value: float, real: _Real) -> None:
    """TFLM rounds value / scale to an int32."""
    fits = abs(value) / real.scale < (1 << 31) - 256
    _require(fits, f"output's scale must be large enough to count {value} in 31 bits", real.scale)


def _float32_ratio(numerator: float, denominator: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float32(numerator) / np.float32(denominator))


def _shift(multiplier: float, what: str, *, below_one: bool = False) -> int:
    """Shift to the left of the fixed-point form that TFLM's QuantizeMultiplier brings a multiplier into."""
    _require(math.isfinite(multiplier) and multiplier > 0, f"{what} must be finite and positive", multiplier)
    fraction, shift = math.frexp(multiplier)
    if round(fraction * (1 << 31)) == 1 << 31:
        shift += 1
    limit = 0 if below_one else _MAX_SHIFT
    _require(shift <= limit, f"{what} must be below 2^{limit}", multiplier)
    return shift


def _require(condition: bool, rule: str, received) -> None:
    if not condition:
        raise ValueError(f"{rule}. Received: {received}.")


INT8_RULES = {
    **{code: _weighted for code in (3, 4, 9)},
    **{code: _sum for code in (0, 41)},
    18: _product,
    **{code: _pool for code in (1, 17)},
    **{code: _rescale for code in (40, 74, 114)},
    6: _dequantize,
    19: _relu,
    21: _relu6,
    98: _leaky_relu,
    117: _hard_swish,
    25: _softmax,
    **{code: _logistic for code in (14, 28)},
    # CONCATENATION, RESHAPE, RESIZE_*, PAD, PADV2, MAXIMUM, MINIMUM, REDUCE_MAX, REDUCE_MIN; and ops that move elements.
    **{code: _same for code in (2, 22, 23, 97, 34, 60, 55, 57, 82, 89)},
    **dict.fromkeys(MOVEMENT_RULES, _same),
}
