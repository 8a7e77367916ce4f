# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The scales that an int8 checkpoint was made with, by layer, as plain NumPy."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class LayerScales:
    """One layer's scales: real = scale * (integer - zero_point).

    Attributes:
        output_scale: Of its output, behind its activation.
        output_zero_point: The integer that stands for 0.
        weight_scales: float32 [O], one per output channel; `None` for a layer without weights.
        bias: int32 [O], the checkpoint's own bias in units of input scale * weight scale. A float32 bias has 24 bits
            only: where it equals this one's real value, this one is meant. `None` for a layer without weights.
    """

    output_scale: float
    output_zero_point: int
    weight_scales: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Int8Scales:
    """The scales of a whole network.

    Attributes:
        input_scale: Of the network's input.
        input_zero_point: The integer that stands for 0.
        layers: By layer name. Poolings, paddings and reshapes have the scale of their input and may be missing.
    """

    input_scale: float
    input_zero_point: int
    layers: Mapping[str, LayerScales]


def bias_values(bias: np.ndarray, input_scale: float, weight_scales: np.ndarray) -> np.ndarray:
    """Returns the float32 [O] that an int32 bias stands for.

    Args:
        bias: int32 [O].
        input_scale: Of the layer's input; rounded to float32 first, as files store it.
        weight_scales: float32 [O].
    """
    units = np.float64(np.float32(input_scale)) * np.asarray(weight_scales, np.float32).astype(np.float64)
    return (bias.astype(np.float64) * units).astype(np.float32)
