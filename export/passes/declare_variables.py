# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Turns the weights of update layers into variables and adds the state of the training step."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..gradients import UpdateTensors
from ..ir import Graph, Tensor
from ..training_spec import LayerSpec
from ..training_step import TrainingStep
from .fuse_conv_blocks import can_overlay


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Fills ``step.variables`` and ``step.updates``; returns the graph.

    Where channels are never re-drawn, those of an int8 convolution that aren't selected never change: they stay in flash.

    Raises:
        ValueError: for a pool of channels in a layer whose forward op can't read weights from two places.
    """
    if step.spec.schedule.device_kind == "static":
        layers = tuple(_without_the_unselected(layer, graph, step) for layer in step.spec.layers)
        step.spec = dataclasses.replace(step.spec, layers=layers)
    for layer in step.spec.layers:
        if layer.pool is not None and not can_overlay(graph, step.layer_ops[layer.name], len(layer.pool)):
            raise ValueError(
                "Only an int8 Conv2D that is computed in int8 on the device can leave some of its channels in flash. "
                f"Received: a pool of {layer.n_mutable} of {layer.n_channels} channels for '{layer.name}'. "
                "Remedy: plan this layer without a pool, as a number of channels."
            )
        step.updates[layer.name] = _declare(layer, step)
    rates = [layer.rate for layer in step.spec.layers if layer.rate is not None]
    if rates:
        state = np.array([[rate.mean_square, rate.rate] for rate in rates], np.float32)
        step.add_variable("layer_rates", "layer_rates", "", state)
    if step.spec.counts_steps:
        step.add_variable("step", "step", "", np.array([step.spec.step], np.int32))
    return graph


def _without_the_unselected(layer: LayerSpec, graph: Graph, step: TrainingStep) -> LayerSpec:
    if layer.is_sparse and can_overlay(graph, step.layer_ops[layer.name], layer.n_selected):
        return layer.with_selection_as_pool()
    return layer


def _declare(layer: LayerSpec, step: TrainingStep) -> UpdateTensors:
    trains_bias = layer.update_bias and layer.bias is not None
    kernel = None
    if layer.n_selected:
        kernel = _weight_variable(layer, "kernel", 1, step) if layer.pool is None else _overlay(layer, step)
    return UpdateTensors(
        kernel=kernel,
        bias=_weight_variable(layer, "bias", 2, step) if trains_bias else None,
        channels=_channels(layer, step) if layer.is_sparse else None,
        kernel_velocity=_velocity(layer, "kernel", layer.kernel_velocity, step) if layer.n_selected else None,
        bias_velocity=_velocity(layer, "bias", layer.bias_velocity, step) if trains_bias else None,
        kernel_remainder=_remainder(layer, kernel, step) if layer.n_selected else None,
        layer_id=layer.layer_id,
        pool=None if layer.pool is None else Tensor(f"{layer.name}/pool", layer.pool.shape, "int32", layer.pool),
        rate=None if layer.rate is None else Tensor(f"{layer.name}/kernel/rate", (1,)),
    )


def _weight_variable(layer: LayerSpec, role: str, position: int, step: TrainingStep) -> Tensor:
    """A variable in place of the constant that the layer's op reads."""
    inputs = step.layer_ops[layer.name].inputs
    constant = inputs[position]
    inputs[position] = step.add_variable(f"{layer.name}/{role}", role, layer.name, constant.data)
    inputs[position].quantization = constant.quantization
    return inputs[position]


def _overlay(layer: LayerSpec, step: TrainingStep) -> Tensor:
    """A variable with the weights of the layer's pool, which become 0 in the constant that the layer's op reads."""
    inputs = step.layer_ops[layer.name].inputs
    whole, name = inputs[1], f"{layer.name}/kernel"
    frozen = whole.data.copy()
    frozen[..., layer.pool] = 0
    inputs[1] = Tensor(f"{name}/frozen", whole.shape, whole.dtype, frozen, quantization=whole.quantization)
    return step.add_variable(name, "kernel", layer.name, whole.data[..., layer.pool])


def _remainder(layer: LayerSpec, kernel: Tensor, step: TrainingStep) -> Tensor | None:
    """The second byte of each int8 weight, in 1/256 of the first one's unit."""
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
