# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the end of the network that stays float32 when the rest becomes int8.

A Dense layer that gradient reaches is trained, or followed by one that is. A new head starts near zero and has no
meaningful scale, and filter scales can't change on the device; so it and everything behind it stay float32. The pooling
in front goes along: the average of 16 int8 values is finer than its int8 result.

In a network without such a Dense layer the last convolution makes the logits, and takes its place: int8 logits could never
leave the range that they had when they were calibrated, however long the network trains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..ir import Graph, Op, Tensor

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_FINAL_ACTIVATIONS = ("SOFTMAX", "LOGISTIC", "LOG_SOFTMAX")
_COUNTER = re.compile(r"_\d+$")


def op_of_layer(graph: Graph, layer_name: str) -> Op:
    """The op whose weights are named ``<layer>/kernel`` and ``<layer>/bias``.

    Raises:
        ValueError: if there is none.
    """
    wanted = (f"{layer_name}/kernel", f"{layer_name}/bias")
    for op in graph.ops:
        names = {t.name for t in op.inputs[1:3] if t is not None}
        names |= {_COUNTER.sub("", name) for name in names}
        if names.intersection(wanted):
            return op
    raise ValueError(
        "Every update layer is an op of the forward graph. "
        f"Received: no op with the weights of '{layer_name}'. Remedy: plan a layer that the model computes with."
    )


def find_float_tail(graph: Graph, updated: list[Op]) -> list[Op]:
    """Returns the ops of a forward graph that stay float32, in order of execution; ``updated`` are those trained."""
    path = _with_followers(graph, updated)
    dense = [op for op in graph.ops if id(op) in path and op.kind == "FULLY_CONNECTED"]
    last_convolution = [op for op in graph.ops if id(op) in path and op.kind in _CONVOLUTIONS][-1:]
    heads = dense or last_convolution
    tail = _with_followers(graph, heads) if heads else _final_activation(graph)
    while grown := _feeders_of(graph, tail):
        tail.update(grown)
    return [op for op in graph.ops if id(op) in tail]


def border(graph: Graph, tail: Iterable[Op]) -> list[Tensor]:
    """What the tail, or the caller, reads of the ops in front of the tail, each tensor once."""
    inside = {id(op) for op in tail}
    made_inside = {id(t) for op in graph.ops if id(op) in inside for t in op.outputs}
    read = [t for op in graph.ops if id(op) in inside for t in op.inputs] + list(graph.outputs)
    wanted = {id(t): t for t in read if t is not None and not t.is_constant and id(t) not in made_inside}
    return list(wanted.values())


def _with_followers(graph: Graph, ops: list[Op]) -> set[int]:
    """Ids of ``ops`` and of everything that depends on them."""
    found = {id(op) for op in ops}
    reached = {id(t) for op in ops for t in op.outputs}
    for op in graph.ops:
        if any(id(t) in reached for t in op.inputs if t is not None):
            found.add(id(op))
            reached.update(id(t) for t in op.outputs)
    return found


def _final_activation(graph: Graph) -> set[int]:
    """The loss is taken of what is in front of it, or of its result; either way it stays float32."""
    last = graph.producer(graph.outputs[0])
    return {id(last)} if last is not None and last.kind in _FINAL_ACTIVATIONS else set()


def _feeders_of(graph: Graph, tail: set[int]) -> set[int]:
    """Poolings and reshapes that only feed the tail."""
    found = set()
    for tensor in border(graph, [op for op in graph.ops if id(op) in tail]):
        op = graph.producer(tensor)
        if op is not None and _goes_along(op) and all(id(reader) in tail for reader in graph.consumers(tensor)):
            found.add(id(op))
    return found


def _goes_along(op: Op) -> bool:
    if op.kind == "AVERAGE_POOL_2D":
        return op.outputs[0].shape[1:3] == (1, 1)
    return op.kind in ("MEAN", "RESHAPE", "SQUEEZE")
