# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Appends the backward pass: gradients of activations, and in-place updates of the weights."""

from __future__ import annotations

from ..gradients import Backward
from ..ir import Graph
from ..training_spec import ROUNDING
from ..training_step import TrainingStep


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Appends the ops; returns the graph.

    Raises:
        ValueError: for an op between the deepest update layer and the loss that gradient can't pass through.
    """
    optimizer, counter = step.spec.optimizer, step.variable("step")
    backward = Backward(
        graph=graph,
        train=step.train,
        learning_rate=step.learning_rate,
        updates={id(step.layer_ops[name]): update for name, update in step.updates.items()},
        sgd_options={"momentum": optimizer.momentum, "nesterov": int(optimizer.nesterov)},
        step=counter.tensor if counter else None,
        rounding_options={"rounding": ROUNDING[step.spec.rounding], "seed": step.spec.schedule.seed}
        if step.spec.rounding
        else {},
    )
    backward.run(step.loss_operand, step.loss_gradient)
    return graph
