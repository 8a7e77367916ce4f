# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Draws channels on the device, one selection op per layer in front, and counts steps at the end."""

from __future__ import annotations

from ..gradients import custom_op
from ..ir import Graph
from ..training_spec import LayerSpec
from ..training_step import TrainingStep

_POLICY_NUMBER = {"cyclic": 1, "random": 2}


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Adds the ops, if the device has use for them; returns the graph."""
    if not step.spec.counts_steps:
        return graph
    counter = step.variable("step").tensor
    draws = []
    for layer in step.spec.layers:
        if layer.is_sparse and step.spec.draws_on_device:
            update = step.updates[layer.name]
            inputs = [step.train, counter, update.channels, update.kernel_velocity]
            draws.append(custom_op("TfdgsuSelectChannels", inputs, [], _options(layer, step)))
    graph.ops[:0] = draws
    graph.ops.append(custom_op("TfdgsuAdvanceStep", [step.train, counter], [], {}))
    return graph


def _options(layer: LayerSpec, step: TrainingStep) -> dict[str, int]:
    schedule = step.spec.schedule
    return {
        "policy": _POLICY_NUMBER[schedule.device_kind],
        "period_steps": schedule.every,
        "seed": schedule.seed,
        "layer_id": layer.layer_id,
        "n_channels": layer.n_mutable,
    }
