# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Operands and options of the op that replaces a chain of convolutions."""

from __future__ import annotations

import math

import numpy as np

from ..ir import Op, Tensor
from ..ops.custom import REGISTRY
from ..ops.custom.fixed_point import AddScalings, add_scalings, convolution_scalings
from .conv_chain import Chain, Stage, activation_range

KIND = "TfdgsuConvBlock"
_INT32 = np.iinfo(np.int32)
_STAGES = ("conv", "depthwise", "project")


def chain_inputs(chain: Chain, train: Tensor, overlay: list[Tensor] | None = None) -> list[Tensor | None]:
    """The operands; ``overlay``: weights of some input channels of the first convolution, and these channels."""
    by_name = {stage.name: stage for stage in chain.stages}
    inputs: list[Tensor | None] = [train, chain.x]
    for name in _STAGES:
        inputs += _stage_inputs(by_name[name]) if name in by_name else [None] * 4
    return [*inputs, *(overlay or [None, None])]


def _stage_inputs(stage: Stage) -> list[Tensor | None]:
    w, y = stage.op.inputs[1], stage.y
    bias = stage.op.inputs[2] if len(stage.op.inputs) > 2 else None
    scalings = convolution_scalings(_scale(stage.x), w.quantization.scale, _scale(y), y.shape[3])
    multiplier, shift = (
        Tensor(f"{y.name}/{what}", values.shape, "int32", values)
        for what, values in zip(("multiplier", "shift"), scalings, strict=True)
    )
    return [w, bias, multiplier, shift]


def chain_options(chain: Chain) -> dict[str, int]:
    """The options."""
    options = dict.fromkeys((field.name for field in REGISTRY[KIND].OPTIONS), 0)
    options["x_zero_point"] = _zero_point(chain.x)
    for stage in chain.stages:
        low, high = activation_range(stage.op)
        values = {"zero_point": _zero_point(stage.y), "min": low, "max": high}
        if stage.name != "project":
            values |= {**stage.window, "out_h": stage.y.shape[1], "out_w": stage.y.shape[2]}
        if stage.mask is not None:
            options[f"keeps_{stage.name}_mask"] = 1
            values |= {"mask_low": _below(stage.mask), "mask_high": _above(stage.mask)}
        options |= {f"{stage.name}_{key}": value for key, value in values.items()}
    return options if chain.add is None else options | _add_options(chain)


def _add_options(chain: Chain) -> dict[str, int]:
    low, high = activation_range(chain.add)
    options = {"has_add": 1, "add_zero_point": _zero_point(chain.result), "add_min": low, "add_max": high}
    for prefix, scaling in zip(("add_x", "add_y", "add"), residual_scalings(chain), strict=True):
        options |= {f"{prefix}_multiplier": scaling.multiplier, f"{prefix}_shift": scaling.shift}
    return options


def residual_scalings(chain: Chain) -> AddScalings:
    """The scalings of a chain's ADD."""
    return add_scalings(_scale(chain.x), _scale(chain.stages[-1].y), _scale(chain.result))


def _below(mask: Op) -> int:
    """The largest integer that is no larger than the mask's exclusive lower bound, in int32."""
    return math.floor(max(mask.options["low"], _INT32.min))


def _above(mask: Op) -> int:
    """The smallest integer that is no smaller than the mask's exclusive upper bound, in int32."""
    return math.ceil(min(mask.options["high"], _INT32.max))


def _scale(tensor: Tensor) -> np.float32:
    return tensor.quantization.scale[0]


def _zero_point(tensor: Tensor) -> int:
    return int(tensor.quantization.zero_point[0])
