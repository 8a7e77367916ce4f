# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What every op that is known allocates: one table of builtin ops, one dict for our custom ops.

Sizes of structs were measured with `sizeof` (builds: see `layout`), the sequences of Prepare read from the reference
kernels of tflite-micro at the commit of the pinned wheel (`micro/kernels/*.cc`). A pair means (x86-64, Cortex-M).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import op_prepare as prepare
from .layout import Struct
from .op_cost import OpCost, OpOperands, Step

# Persistent bytes that a custom op of ours allocates in Init, on every target. Ops that are not listed allocate none.
CUSTOM_PERSISTENT_BYTES = {"TfdgsuLoadVariables": 4, "TfdgsuConvBlock": 4, "TfdgsuConvBlockGrad": 4}
_CUSTOM_STEPS = {"TfdgsuConvBlock": prepare.conv_block, "TfdgsuConvBlockGrad": prepare.conv_block}
CUSTOM_PREFIX = "Tfdgsu"

Pair = int | tuple[int, int]
Steps = Callable[[OpOperands], Iterator[Step]]


def _pair(value: Pair) -> dict[str, int]:
    host, device = value if isinstance(value, tuple) else (value, value)
    return {"x86_64": host, "cortex_m": device}


def _cost(steps: str | Steps = "", data: Pair = 0, options: Pair = 0, alignment: Pair = 4) -> OpCost:
    structs = {
        target: Struct(n_bytes, _pair(alignment)[target]) for target, n_bytes in _pair(options).items() if n_bytes
    }
    run = steps if callable(steps) else lambda operands: operands.temporaries(steps)
    return OpCost(structs or None, _pair(data), run)


_ELEMENTWISE = _cost("i0 o0")
_RESIZE = _cost("i0 i1 o0", options=2, alignment=1)
_REDUCTION = _cost(prepare.sum_or_mean, data=44, options=1, alignment=1)
_EXTREMUM = _cost(prepare.reduce_extremum, data=44, options=1, alignment=1)
_POOL = _cost("i0 o0", data=32, options=40)
_PAD = _cost("i0 i1 i2 o0", data=56)
_ARG = _cost(options=(4, 1), alignment=(4, 1))

BUILTIN_COSTS: dict[str, OpCost] = {
    "ABS": _cost("i0 o0", data=28),
    "ADD": _cost("i0 i1 o0", data=60, options=(8, 2), alignment=(4, 1)),
    "ARG_MAX": _ARG,
    "ARG_MIN": _ARG,
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": _cost(prepare.batch_matmul, data=(32, 16), options=3, alignment=1),
    "CAST": _cost("i0 o0", options=(8, 2), alignment=(4, 1)),
    "CONCATENATION": _cost(prepare.concatenation, data=(80, 24), options=8),
    "CONV_2D": _cost(prepare.conv_2d, data=(80, 56), options=28),
    "COS": _ELEMENTWISE,
    "DEPTHWISE_CONV_2D": _cost(prepare.depthwise_conv_2d, data=(80, 56), options=28),
    "DEQUANTIZE": _cost("i0 o0", data=32),
    "DIV": _cost("i0 i1 o0", data=28, options=(4, 1), alignment=(4, 1)),
    "EXP": _ELEMENTWISE,
    "EXPAND_DIMS": _cost("i0 i1 o0"),
    "FULLY_CONNECTED": _cost(prepare.fully_connected, data=(72, 48), options=(16, 5), alignment=(4, 1)),
    "GATHER": _cost(prepare.gather, options=8),
    "HARD_SWISH": _cost("i0 o0", data=20),
    "LEAKY_RELU": _cost("i0 o0", data=24, options=4),
    "LOG": _ELEMENTWISE,
    "LOGISTIC": _cost("i0 o0", data=16),
    "MAXIMUM": _cost(),
    "MAX_POOL_2D": _POOL,
    "MEAN": _REDUCTION,
    "MINIMUM": _cost(),
    "MUL": _cost("i0 i1 o0", data=36, options=(4, 1), alignment=(4, 1)),
    "NEG": _cost(),
    "PACK": _cost(options=8),
    "PAD": _PAD,
    "PADV2": _PAD,
    "QUANTIZE": _cost("i0 o0", data=32),
    "REDUCE_MAX": _EXTREMUM,
    "REDUCE_MIN": _EXTREMUM,
    "RELU": _cost("i0 o0", data=28),
    "RELU6": _cost("i0", data=8),
    "RESHAPE": _cost(prepare.reshape, options=36),
    "RESIZE_BILINEAR": _RESIZE,
    "RESIZE_NEAREST_NEIGHBOR": _RESIZE,
    "RSQRT": _cost("i0 o0", data=28),
    "SHAPE": _cost(options=(4, 1), alignment=(4, 1)),
    "SIN": _ELEMENTWISE,
    "SLICE": _cost("i0 i1 i2 o0"),
    "SOFTMAX": _cost(prepare.softmax, data=(80, 56), options=4),
    "SPLIT": _cost("i0", options=4),
    "SPLIT_V": _cost("i2", options=4),
    "SQRT": _ELEMENTWISE,
    "SQUARE": _ELEMENTWISE,
    "SQUARED_DIFFERENCE": _cost("i0 i1 o0", data=112),
    "SQUEEZE": _cost("i0 o0", options=36),
    "STRIDED_SLICE": _cost("i0 i1 i2 i3 o0", data=84, options=24),
    "SUB": _cost("i0 i1 o0", data=52, options=(8, 2), alignment=(4, 1)),
    "SUM": _REDUCTION,
    "TANH": _cost(prepare.tanh, data=16),
    "TRANSPOSE": _cost("i0 i1 o0"),
    "TRANSPOSE_CONV": _cost(prepare.transpose_conv, data=(88, 72), options=(20, 16)),
    "UNPACK": _cost(options=8),
}


def find_cost(name: str, is_custom: bool) -> OpCost | None:
    """The cost of an op, or None if it is not known."""
    if not is_custom:
        return BUILTIN_COSTS.get(name)
    if name.startswith(CUSTOM_PREFIX):
        return _cost(_CUSTOM_STEPS.get(name, ""), data=CUSTOM_PERSISTENT_BYTES.get(name, 0))
    return None
