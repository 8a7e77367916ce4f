# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Drops reshapes that only make an operand broadcast: ADD(x, RESHAPE(y)) is ADD(x, y) where y already fits.

The converter writes them for 1x1 images, where [1, 1, 1, C] and [C] mean the same; on a
microcontroller each costs a copy and an op.
"""

from __future__ import annotations

from ..ir import Graph, Op, Tensor

_ELEMENTWISE = ("ADD", "SUB", "MUL")


def run(graph: Graph) -> Graph:
    """Drops them; returns the graph."""
    for op in graph.ops:
        if op.kind in _ELEMENTWISE:
            op.inputs = [_without_reshape(graph, op, operand) for operand in op.inputs]
    graph.ops = [op for op in graph.ops if not _is_dead_reshape(graph, op)]
    return graph


def _without_reshape(graph: Graph, op: Op, operand: Tensor) -> Tensor:
    producer = graph.producer(operand)
    if producer is None or producer.kind != "RESHAPE":
        return operand
    source = producer.inputs[0]
    return source if source.shape == op.outputs[0].shape else operand


def _is_dead_reshape(graph: Graph, op: Op) -> bool:
    if op.kind != "RESHAPE":
        return False
    result = op.outputs[0]
    return not graph.consumers(result) and not any(t is result for t in graph.outputs)
