# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Drops the scales of variables that only custom ops read; those have theirs in a constant of their own.

A variable is an input and an output of the model, and TFLM keeps the zero points of both in the arena, four bytes for
each channel: 17 KB for the expanding convolutions of a small MobileNetV2.
"""

from __future__ import annotations

from ..ir import Graph


def run(graph: Graph) -> Graph:
    """Drops them; returns the graph."""
    for tensor in graph.tensors():
        if tensor.is_variable and all(op.is_custom for op in graph.consumers(tensor)):
            tensor.quantization = None
    return graph
