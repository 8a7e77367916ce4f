# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes out the barriers that kept layers apart during conversion: DeepCopy(x) is x."""

from __future__ import annotations

from ..ir import Graph, Tensor

BARRIER = "DeepCopy"


def run(graph: Graph) -> Graph:
    source_of = {op.outputs[0]: op.inputs[0] for op in graph.ops if op.kind == BARRIER}

    def source(tensor: Tensor | None) -> Tensor | None:
        while tensor in source_of:
            tensor = source_of[tensor]
        return tensor

    graph.ops = [op for op in graph.ops if op.kind != BARRIER]
    for op in graph.ops:
        op.inputs = [source(tensor) for tensor in op.inputs]
    graph.outputs = [source(tensor) for tensor in graph.outputs]
    return graph
