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
from ..ir.verify import verify
from ..passes.order_ops import find_orders
from ..schema import write_graph
from .allocate_tensors import AllocateTensors
from .find_overlaps import find_overlaps
from .flat_model import FlatSubgraph, read_flat_model
from .pack_buffers import Buffer, Sharing, make_packings, pack_buffers
from .predict import predict_arena
from .prediction import ArenaPrediction

_TARGET = "x86_64"


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
    for estimate, plan in _candidates(graph):
        if estimate >= best_cost.head_bytes:
            break
        cost = _cost(plan)
        if (cost.minimum_arena_bytes, cost.total_bytes) < (best_cost.minimum_arena_bytes, best_cost.total_bytes):
            best, best_cost = plan, cost
    verify(best.graph, "order_ops")
    return best


def choose_offsets(graph: Graph) -> dict[Tensor, int]:
    """A place for every tensor of the head."""
    layout = _HeadLayout(graph)
    return layout.offsets(pack_buffers(layout.buffers, layout.sharings))


def _cost(plan: MemoryPlan) -> ArenaPrediction:
    return predict_arena(write_graph(plan.graph, offsets=plan.offsets))


def _candidates(graph: Graph) -> list[tuple[int, MemoryPlan]]:
    """Plans with the head that they should need, the lowest first: TFLM's for every order, and the best of our own."""
    source = _HeadLayout(graph)
    found, packings = [], []
    for ops in find_orders(graph):
        ordered = dataclasses.replace(graph, ops=ops)
        layout = source.reordered(ordered)
        found.append((layout.online_head_bytes, MemoryPlan(ordered, None)))
        packings += [(packing, layout) for packing in make_packings(layout.buffers, layout.sharings)]
    lowest = min(head_bytes for head_bytes, _ in found)
    for packing, layout in sorted(packings, key=lambda choice: choice[0].bound):
        if packing.bound >= lowest:
            break
        offsets, height = packing.search()
        if height < lowest:
            lowest = height
            found.append((height, MemoryPlan(layout.graph, layout.offsets(offsets))))
    return sorted(found, key=lambda candidate: candidate[0])


class _HeadLayout:
    """The buffers that an order of the ops gives rise to.

    Attributes:
        graph: The graph.
        buffers: What the head holds, scratch included.
        sharings: Which of them may lie over which.
        online_head_bytes: What TFLM's planner needs for them, but for ties.
    """

    def __init__(self, graph: Graph, subgraph: FlatSubgraph | None = None):
        self.graph = graph
        if subgraph is None:
            [subgraph] = read_flat_model(write_graph(graph))
        self._subgraph = subgraph
        replay = AllocateTensors([subgraph], _TARGET).run()
        requests = [placed.request for placed in replay.buffers]
        self.buffers = [Buffer(r.n_bytes, r.first_used, r.last_used) for r in requests]
        self.online_head_bytes = replay.trace.head_bytes
        tensors = {t.name: t for t in graph.tensors()}
        self._index = {tensors[b.tensor.name]: i for i, b in enumerate(replay.buffers) if b.tensor is not None}
        self.sharings = [
            Sharing(self._index[o.result], self._index[o.operand], o.distance)
            for o in find_overlaps(graph)
            if o.result in self._index and o.operand in self._index
        ]

    def reordered(self, graph: Graph) -> _HeadLayout:
        """The same for the graph with its ops in another order, without writing a file."""
        position = {id(op): i for i, op in enumerate(self.graph.ops)}
        ops = tuple(self._subgraph.ops[position[id(op)]] for op in graph.ops)
        return _HeadLayout(graph, dataclasses.replace(self._subgraph, ops=ops))

    def offsets(self, by_buffer: list[int]) -> dict[Tensor, int]:
        """Offsets of tensors, from those of all buffers; TFLM itself places scratch."""
        return {tensor: by_buffer[i] for tensor, i in self._index.items()}
