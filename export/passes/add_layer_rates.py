# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Computes the learning rates that kernels of convolutions have of their own with ``tfdgsu.LARS``.

They follow from the velocities of the steps before, so the ops stand in front of the whole backward pass, where none of
them keeps others apart that become one.
"""

from __future__ import annotations

from ..gradients import custom_op
from ..ir import Graph
from ..training_spec import LarsSpec, LayerRateSpec
from ..training_step import TrainingStep


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Adds one op per layer that has a rate of its own; returns the graph."""
    layers = [layer for layer in step.spec.layers if layer.rate is not None]
    for row, layer in enumerate(layers):
        update, state = step.updates[layer.name], step.variable("layer_rates").tensor
        inputs = [step.train, step.learning_rate, update.kernel_velocity, state]
        options = {"row": row, **_settings(step.spec.optimizer, layer.rate)}
        graph.ops.append(custom_op("TfdgsuLayerRate", inputs, [update.rate], options))
    return graph


def _settings(optimizer: LarsSpec, rate: LayerRateSpec) -> dict[str, float]:
    return {
        "beta": optimizer.beta,
        "fresh_fraction": (1.0 - optimizer.beta) * (1.0 - optimizer.momentum**2),
        "size": optimizer.trust_coefficient * rate.root_mean_square,
    }
