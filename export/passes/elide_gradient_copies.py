# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Drops the flat copy that the gradient of a reshape is, where the op before it can write either shape.

Flatten in front of the classifier is the usual case; the copy would double the largest
gradient of a small network.
"""

from __future__ import annotations

from ..ir import Graph, Op

# Ops whose result's shape the options don't depend on: the elements are the same in any shape.
_SHAPE_FREE = ("TfdgsuFullyConnectedGradInput", "TfdgsuMeanGrad", "TfdgsuReduceMaxGrad", "TfdgsuSlice")


def run(graph: Graph) -> Graph:
    """Drops them; returns the graph."""
    for op in list(graph.ops):
        if op.kind == "TfdgsuSlice" and _is_flat_copy(op):
            source = op.inputs[1]
            producer = graph.producer(source)
            if producer.kind in _SHAPE_FREE and len(graph.consumers(source)) == 1:
                producer.outputs = op.outputs
                del graph.ops[graph.index(op)]
    return graph


def _is_flat_copy(op: Op) -> bool:
    return op.inputs[1].n_elements == op.outputs[0].n_elements
