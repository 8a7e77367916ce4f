# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Copies the factory values from flash into the variables at the first invocation.

A variable tensor with data in its buffer would be taken for a constant by TFLM, and
AllocateTensors zeroes variables; so factory values are separate constants. Variables
that start at zero need none.
"""

from __future__ import annotations

import numpy as np

from ..gradients import custom_op
from ..ir import Graph, Tensor
from ..training_step import TrainingStep


def run(graph: Graph, step: TrainingStep) -> Graph:
    """Adds one op in front that loads them all, if there are any; returns the graph."""
    loaded = [v for v in step.variables if np.any(v.factory)]
    if not loaded:
        return graph
    factory = [Tensor(f"{v.name}/factory", v.factory.shape, v.factory.dtype.name, v.factory) for v in loaded]
    targets = [v.tensor for v in loaded]
    graph.ops.insert(0, custom_op("TfdgsuLoadVariables", [*factory, *targets], [], {"n_variables": len(targets)}))
    return graph
