# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Turns the weights of update layers into variables and adds the state of the training step."""

from __future__ import annotations

import numpy as np

from ..gradients import UpdateTensors
from ..ir import Graph, Tensor
from ..training_spec import LayerSpec
from ..training_step import TrainingStep


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Fills ``step.variables`` and ``step.updates``; returns the graph."""
    for layer in step.spec.layers:
        step.updates[layer.name] = _declare(layer, step)
    if step.spec.counts_steps:
        step.add_variable("step", "step", "", np.array([step.spec.step], np.int32))
    return graph


def _declare(layer: LayerSpec, step: TrainingStep) -> UpdateTensors:
    trains_bias = layer.update_bias and layer.bias is not None
    return UpdateTensors(
        kernel=_weight_variable(layer, "kernel", 1, step) if layer.n_selected else None,
        bias=_weight_variable(layer, "bias", 2, step) if trains_bias else None,
        channels=_channels(layer, step) if layer.is_sparse else None,
        kernel_velocity=_velocity(layer, "kernel", layer.kernel_velocity, step) if layer.n_selected else None,
        bias_velocity=_velocity(layer, "bias", layer.bias_velocity, step) if trains_bias else None,
        kernel_remainder=_remainder(layer, step) if layer.n_selected else None,
        layer_id=layer.layer_id,
    )


def _weight_variable(layer: LayerSpec, role: str, position: int, step: TrainingStep) -> Tensor:
    """A variable in place of the constant that the layer's op reads."""
    inputs = step.layer_ops[layer.name].inputs
    constant = inputs[position]
    inputs[position] = step.add_variable(f"{layer.name}/{role}", role, layer.name, constant.data)
    inputs[position].quantization = constant.quantization
    return inputs[position]


def _remainder(layer: LayerSpec, step: TrainingStep) -> Tensor | None:
    """The second byte of each int8 weight, in 1/256 of the first one's unit."""
    kernel = step.layer_ops[layer.name].inputs[1]
    if kernel.dtype != "int8" or step.spec.rounding != "remainder":
        return None
    return step.add_variable(f"{layer.name}/kernel/remainder", "remainder", layer.name, np.zeros(kernel.shape, np.int8))


def _channels(layer: LayerSpec, step: TrainingStep) -> Tensor:
    """A constant when the selection never changes, otherwise a variable."""
    name = f"{layer.name}/channels"
    if step.spec.schedule.device_kind == "static":
        return Tensor(name, layer.channels.shape, "int32", layer.channels.astype(np.int32))
    return step.add_variable(name, "channels", layer.name, layer.channels.astype(np.int32))


def _velocity(layer: LayerSpec, role: str, value: np.ndarray | None, step: TrainingStep) -> Tensor | None:
    if value is None:
        return None
    return step.add_variable(f"{layer.name}/{role}/velocity", "velocity", layer.name, value)
