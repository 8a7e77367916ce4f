# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Names the entry points: train, infer, save, restore.

A variable among the graph's outputs can be read without a copy, one among its inputs written.
"""

from __future__ import annotations

from ..ir import Graph, Signature
from ..training_step import TrainingStep


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Lists the variables among inputs and outputs, adds the signatures; returns the graph."""
    variables = {v.name: v.tensor for v in step.variables}
    x = graph.inputs[0]
    graph.inputs += variables.values()
    graph.outputs += variables.values()
    graph.signatures = {
        "train": Signature(
            {"x": x, "y": step.label, "learning_rate": step.learning_rate, "train": step.train},
            {"loss": step.loss, "output": step.output},
        ),
        "infer": Signature({"x": x}, {"output": step.output}),
        "save": Signature({}, variables),
        "restore": Signature(variables, {}),
    }
    return graph
