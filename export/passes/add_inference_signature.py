# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Names the one entry point of an inference model: infer."""

from __future__ import annotations

from ..ir import Graph, Signature


def run(graph: Graph) -> Graph:
    """Adds the signature; returns the graph."""
    graph.signatures = {"infer": Signature({"x": graph.inputs[0]}, {"output": graph.outputs[0]})}
    return graph
