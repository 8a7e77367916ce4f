# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the order of the ops and the place of every tensor such that the arena is small.

TFLM's own planner places the largest buffer first and lets nothing overlap. A plan made here is written into the file
(`OfflineMemoryAllocation`) where it needs less; TFLM then takes over its offsets unchecked, costs nothing more, and
places scratch buffers in the gaps. What a plan may do and TFLM's may not: `find_overlaps.py`. It is proved by
`overlap_check.py`, which shares no code with this.
"""

from __future__ import annotations

import dataclasses

from ..ir import Graph, Tensor
from ..passes.order_ops import find_orders
from ..schema import write_graph
from .find_overlaps import find_overlaps
from .pack_buffers import Buffer, Sharing, pack_buffers
from .predict import predict_arena


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """A graph with its ops in order, and offsets of tensors in the arena, or None where TFLM shall choose them."""

    graph: Graph
    offsets: dict[Tensor, int] | None


def plan_memory(graph: Graph) -> MemoryPlan:
    """Tries orders of the ops, with TFLM's plan and with one of our own; returns the one with the smallest arena.

    The result is the graph as it is if nothing is smaller. The arena is the predicted one, of x86-64: heads of
    Cortex-M are the same.
    """
    best = MemoryPlan(graph, None)
    best_cost = _cost(best)
    for ops in find_orders(graph):
        ordered = dataclasses.replace(graph, ops=ops)
        for plan in (MemoryPlan(ordered, None), MemoryPlan(ordered, choose_offsets(ordered))):
            cost = _cost(plan)
            if cost < best_cost:
                best, best_cost = plan, cost
    return best


def _cost(plan: MemoryPlan) -> tuple[int, int]:
    prediction = predict_arena(write_graph(plan.graph, offsets=plan.offsets))
    return max(prediction.minimum_arena_bytes, prediction.total_bytes), prediction.total_bytes


def choose_offsets(graph: Graph) -> dict[Tensor, int]:
    """A place for every tensor of the head."""
    prediction = predict_arena(write_graph(graph))
    tensors = {t.name: t for t in graph.tensors()}
    index = {tensors[b.name]: i for i, b in enumerate(prediction.buffers) if not b.is_scratch}
    buffers = [Buffer(b.n_bytes, b.first_used, b.last_used) for b in prediction.buffers]
    sharings = [
        Sharing(index[o.result], index[o.operand], o.distance)
        for o in find_overlaps(graph)
        if o.result in index and o.operand in index
    ]
    offsets = pack_buffers(buffers, sharings)
    return {tensor: offsets[i] for tensor, i in index.items()}
