# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a float32 graph with the scales of a checkpoint, so that its unchanged weights come back bit for bit."""

from __future__ import annotations

import re

import numpy as np

from ...int8_scales import Int8Scales, LayerScales, bias_values
from ..ir import Graph, Op, Quantization, Tensor
from .int8_kinds import CHANNEL_AXIS, KEEPS_SCALE, VERSIONS
from .take_over import Overlay

_COUNTER = re.compile(r"_\d+$")
_LIMIT = 127  # int8 filters are symmetric
_BIAS_LIMIT = 2**30  # what an int32 bias is kept within while it is trained
# A clamp is exact in the scale of its result, and a mean has no range of its own in a checkpoint.
_TAKES_INPUT_SCALE = KEEPS_SCALE | {"MEAN", "RELU"}


def apply_scales(graph: Graph, ops: list[Op], scales: Int8Scales) -> None:
    """Quantizes ``ops`` of ``graph`` in place.

    Raises:
        ValueError: naming a layer that has no scales, or whose weights left the checkpoint's range.
    """
    overlay = Overlay(graph, ops)
    overlay.value(graph.inputs[0], Quantization.of(scales.input_scale, scales.input_zero_point))
    for op in ops:
        layer = _layer_of(op, scales)
        if op.kind in CHANNEL_AXIS:
            _quantize_weights(op, layer, overlay)
        else:
            _check_no_constants(op)
        overlay.value(op.outputs[0], _output(op, layer))
        op.version = max(op.version, VERSIONS[op.kind])


def _layer_of(op: Op, scales: Int8Scales) -> LayerScales | None:
    """By the layer that its result is named after, or its weights; those of an update layer are named for certain."""
    names = [op.outputs[0].name]
    if op.kind in CHANNEL_AXIS:
        layer_name, what = op.inputs[1].name.rsplit("/", 1) if "/" in op.inputs[1].name else (op.inputs[1].name, "")
        names.insert(0 if what == "kernel" else 1, layer_name)
    for name in [*names, *(_COUNTER.sub("", name) for name in names)]:
        if name in scales.layers:
            return scales.layers[name]
    return None


def _output(op: Op, layer: LayerScales | None) -> Quantization:
    if layer is not None:
        return Quantization.of(layer.output_scale, layer.output_zero_point)
    if op.kind in _TAKES_INPUT_SCALE:
        return op.inputs[0].quantization
    raise ValueError(_unknown(op))


def _quantize_weights(op: Op, layer: LayerScales | None, overlay: Overlay) -> None:
    if layer is None or layer.weight_scales is None:
        raise ValueError(_unknown(op))
    kernel, axis = op.inputs[1], CHANNEL_AXIS[op.kind]
    scales = np.asarray(layer.weight_scales, np.float32)
    if scales.shape != (kernel.shape[axis],):
        raise ValueError(
            "A layer has one weight scale per output channel. "
            f"Received: scales {list(scales.shape)} for '{kernel.name}' {list(kernel.shape)}. "
            "Remedy: pass the scales that were loaded together with the model."
        )
    x_scale = float(op.inputs[0].quantization.scale[0])
    if len(op.inputs) > 2 and op.inputs[2] is not None:
        data = _to_int32(op.inputs[2], x_scale, scales, layer.bias)
        overlay.constant(op, 2, data, Quantization.of(x_scale * scales.astype(np.float64)))
    overlay.constant(op, 1, _to_int8(kernel, scales, axis), Quantization.of(scales, 0, axis))


def _to_int8(kernel: Tensor, scales: np.ndarray, axis: int) -> np.ndarray:
    along = [1] * len(kernel.shape)
    along[axis] = -1
    units = np.rint(kernel.data.astype(np.float64) / scales.astype(np.float64).reshape(along))
    outside = np.abs(units) > _LIMIT
    if not np.all(np.abs(units) <= _LIMIT):
        raise ValueError(
            "Scales of a checkpoint hold weights within 127 units. "
            f"Received: {int(outside.sum())} of {kernel.n_elements} weights of '{kernel.name}' beyond that, "
            f"up to {float(np.abs(units).max()):.0f} units: the model was trained out of the checkpoint's range. "
            "Remedy: export with representative_data= in place of scales=."
        )
    return units.astype(np.int8)


def _to_int32(bias: Tensor, x_scale: float, scales: np.ndarray, own: np.ndarray | None) -> np.ndarray:
    units = np.rint(bias.data.astype(np.float64) / (x_scale * scales.astype(np.float64)))
    if own is not None:
        is_own = bias_values(own, x_scale, scales) == bias.data
        units = np.where(is_own, own, units)
    if not np.all(np.abs(units) <= _BIAS_LIMIT):
        raise ValueError(
            "A bias is a number of input scale * weight scale that fits 31 bits. "
            f"Received: '{bias.name}' with up to {float(np.abs(units).max()):.3g} units. "
            "Remedy: export with representative_data= in place of scales=."
        )
    return units.astype(np.int32)


def _check_no_constants(op: Op) -> None:
    for tensor in op.inputs:
        if tensor is not None and tensor.is_constant and tensor.dtype == "float32":
            raise ValueError(
                "Scales of a checkpoint cover weights and activations. "
                f"Received: {op.kind} '{op.outputs[0].name}' with the constant '{tensor.name}'. "
                "Remedy: fold it into a neighbouring layer, or export with representative_data=."
            )


def _unknown(op: Op) -> str:
    return (
        "scales= must know every layer in front of the float32 tail. "
        f"Received: none for {op.kind} '{op.outputs[0].name}'. "
        "Remedy: pass the scales that were loaded with this model, or export with representative_data=."
    )
