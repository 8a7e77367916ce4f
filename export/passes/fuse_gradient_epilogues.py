# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Lets an input-gradient op add a second gradient and apply a ReLU mask while it writes.

Each fusion saves a tensor of the size of an activation, which is what the backward
peak is made of: dx = mask(conv_transpose(dz) + addend).
"""

from __future__ import annotations

from ..ir import Graph, Op, Tensor
from ..ops.custom import REGISTRY


def _positions(kind: str) -> dict[str, int]:
    """Operand positions of a custom op, by name."""
    return {operand.name: i for i, operand in enumerate(REGISTRY[kind].INPUTS)}


# The ops that end in an epilogue, and where its operands are.
_EPILOGUES = {kind: _positions(kind) for kind in REGISTRY if {"addend", "bits"} <= _positions(kind).keys()}


def run(graph: Graph) -> Graph:
    """Fuses what can be fused, sums before masks, as the epilogue applies them; returns the graph."""
    for op in list(graph.ops):
        if op.kind == "TfdgsuAddGradients":
            _fuse_sum(graph, op)
    for op in list(graph.ops):
        if op.kind == "TfdgsuApplyMask":
            _fuse_mask(graph, op)
    return graph


def _fuse_sum(graph: Graph, total: Op) -> None:
    _, earlier, later = total.inputs
    producer = _fusable_producer(graph, later)
    if producer is None or earlier is later or _operand(producer, "addend") is not None:
        return
    if graph.producer(earlier) is not None and graph.index(graph.producer(earlier)) > graph.index(producer):
        return
    producer.inputs[_EPILOGUES[producer.kind]["addend"]] = earlier
    _take_over(graph, producer, total)


def _fuse_mask(graph: Graph, mask: Op) -> None:
    _, dy, bits = mask.inputs
    producer = _fusable_producer(graph, dy)
    if producer is None or _operand(producer, "bits") is not None:
        return
    producer.inputs[_EPILOGUES[producer.kind]["bits"]] = bits
    producer.options = {**producer.options, "mask_alpha": mask.options["mask_alpha"]}
    _take_over(graph, producer, mask)


def _fusable_producer(graph: Graph, gradient: Tensor) -> Op | None:
    """The op that makes ``gradient``, if it can take an epilogue and nobody else reads its result."""
    producer = graph.producer(gradient)
    if producer is None or producer.kind not in _EPILOGUES or len(graph.consumers(gradient)) != 1:
        return None
    return producer


def _operand(producer: Op, name: str) -> Tensor | None:
    return producer.inputs[_EPILOGUES[producer.kind][name]]


def _take_over(graph: Graph, producer: Op, absorbed: Op) -> None:
    """Lets ``producer`` write the result of ``absorbed``, which then goes."""
    absorbed.outputs[0].name = producer.outputs[0].name
    producer.outputs = absorbed.outputs
    del graph.ops[graph.index(absorbed)]
