# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Names tensors after the Keras layers they come from, so that reports can be read.

The converter's names are name scopes, made unique by a counter and joined where ops
were fused: ``functional_1/block_1/convolution;functional_1/block_1_relu_1/Relu6``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..ir import Graph, Tensor

_COUNTER = re.compile(r"_\d+$")


def name_after_layers(graph: Graph, layer_names: Sequence[str]) -> Graph:
    """Renames results to ``<layer>`` and constants to ``<layer>/<what>``; what matches no layer keeps its name."""
    known = set(layer_names)
    results = {id(t) for op in graph.ops for t in op.outputs}
    for tensor in graph.tensors():
        layer = _layer_of(tensor.name, known)
        if layer is not None:
            what = _COUNTER.sub("", tensor.name.split("/")[-1])
            tensor.name = layer if id(tensor) in results else f"{layer}/{what}"
    for tensor in graph.outputs:
        tensor.name = "output"
    _rename_unnamed_constants(graph, results)
    graph.make_names_unique()
    return graph


def _layer_of(name: str, known: set[str]) -> str | None:
    """The innermost name scope that is a layer's name, counters ignored."""
    for scope in reversed(name.split("/")):
        for candidate in (scope, _COUNTER.sub("", scope)):
            if candidate in known:
                return candidate
    return None


def _rename_unnamed_constants(graph: Graph, results: set[int]) -> None:
    """Constants that optimisations made are called after their first reader."""
    for op in graph.ops:
        for position, tensor in enumerate(op.inputs):
            if tensor is not None and tensor.is_constant and _is_anonymous(tensor):
                tensor.name = f"{op.outputs[0].name}/operand_{position}"


def _is_anonymous(tensor: Tensor) -> bool:
    return tensor.name.startswith("arith.constant")
