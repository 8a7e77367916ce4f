# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Replays the interpreter's AllocateTensors on an `ArenaTrace`.

Source: the behaviour of `micro/micro_interpreter.cc` and `micro/micro_allocator.cc` of tflite-micro.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .flat_model import FlatOp, FlatSubgraph, FlatTensor
from .greedy_planner import Request, place_buffers
from .layout import LAYOUTS, Layout, align_up, int_array_bytes
from .lifetimes import Lifetime, Lifetimes, ScratchRequest, find_lifetimes, needs_head
from .op_cost import OpCost, OpOperands, Persistent, Scratch, Temporary
from .op_costs import find_cost
from .trace import ArenaTrace

_MAX_SCRATCH_PER_OP = 12  # The head keeps room for so many requests of the next op.
_PLANNER_BYTES_PER_BUFFER = 40


@dataclasses.dataclass(frozen=True)
class PlacedBuffer:
    """A buffer of the head with the tensor it is for and its index, or the op whose scratch it is."""

    tensor: FlatTensor | None
    tensor_idx: int | None
    subgraph_idx: int
    op_idx: int | None
    request: Request
    offset: int


class AllocateTensors:
    """One replay; after `run`, the attributes say what the interpreter did.

    Attributes:
        trace: Both ends of the arena.
        buffers: Everything in the head, in the planner's order: tensors, then scratch.
        lifetimes: When what is alive, and the names of the moments.
        op_tail_bytes: Tail bytes of each op, by (subgraph, op): node, parsed options and op data.
        unknown_ops: Names of ops whose cost is not known; they count as if they allocated nothing.
    """

    def __init__(self, subgraphs: Sequence[FlatSubgraph], target: str):
        self.trace = ArenaTrace()
        self.buffers: list[PlacedBuffer] = []
        self.lifetimes = Lifetimes([], [], [])
        self.op_tail_bytes: dict[tuple[int, int], int] = {}
        self.unknown_ops: set[str] = set()
        self._subgraphs = subgraphs
        self._target = target
        self._layout: Layout = LAYOUTS[target]
        self._scratch: list[ScratchRequest] = []

    def run(self) -> AllocateTensors:
        """Replays everything; returns self."""
        self._start()
        self._parse_options()
        self._init_ops()
        self._prepare_ops()
        self._plan_head()
        self._make_io_tensors(self._subgraphs[0].inputs)
        self._make_io_tensors(self._subgraphs[0].outputs)
        return self

    def _start(self) -> None:
        layout, trace = self._layout, self.trace
        for struct in (*layout.allocators, layout.builtin_data_allocator):
            trace.persistent_array("interpreter", struct)
        trace.resize_head(_MAX_SCRATCH_PER_OP * layout.scratch_request.n_bytes)
        trace.persistent_array("interpreter", layout.subgraph, len(self._subgraphs))
        for subgraph in self._subgraphs:
            trace.persistent_array("eval_tensors", layout.eval_tensor, len(subgraph.tensors))
        for subgraph in self._subgraphs:
            trace.persistent_array("nodes", layout.node, len(subgraph.ops))

    def _parse_options(self) -> None:
        for key, op in self._ops():
            self.op_tail_bytes[key] = self._layout.node.n_bytes
            cost = self._cost(op)
            if cost is not None and cost.options is not None:
                used = self.trace.persistent_array("op_options", cost.options[self._target])
                self.op_tail_bytes[key] += used

    def _init_ops(self) -> None:
        for key, op in self._ops():
            cost = self._cost(op)
            n_bytes = 0 if cost is None else cost.op_data_bytes[self._target]
            if n_bytes:
                self.op_tail_bytes[key] += self.trace.persistent("op_data", n_bytes)

    def _prepare_ops(self) -> None:
        for key, op in self._ops():
            cost = self._cost(op)
            if cost is None:
                self.unknown_ops.add(op.name)
            else:
                self._prepare_op(key, op, cost)
            n_requests = len(self._scratch) + _MAX_SCRATCH_PER_OP
            self.trace.resize_head(n_requests * self._layout.scratch_request.n_bytes)

    def _prepare_op(self, key: tuple[int, int], op: FlatOp, cost: OpCost) -> None:
        operands = OpOperands(op, self._subgraphs[key[0]].tensors, self._target)
        for step in cost.prepare(operands):
            match step:
                case Temporary(tensor):
                    self._look_at(tensor)
                case Persistent(n_bytes):
                    self.op_tail_bytes[key] += self.trace.persistent("op_data", n_bytes)
                case Scratch(n_bytes):
                    self._scratch.append(ScratchRequest(*key, n_bytes))

    def _look_at(self, tensor: FlatTensor) -> None:
        layout, trace = self._layout, self.trace
        trace.temporary(layout.tensor.n_bytes, layout.tensor.alignment)
        if tensor.n_scales:
            trace.temporary(layout.quantization.n_bytes, layout.quantization.alignment)
            trace.temporary(int_array_bytes(tensor.n_scales), 4)

    def _plan_head(self) -> None:
        layout, trace = self._layout, self.trace
        if self._scratch:
            trace.persistent_array("scratch_handles", layout.scratch_handle, len(self._scratch))
        n_infos = sum(len(s.tensors) for s in self._subgraphs) + len(self._scratch)
        trace.temporary(len(self._subgraphs) * layout.pointer.n_bytes, layout.pointer.alignment)
        trace.temporary(n_infos * layout.allocation_info.n_bytes, layout.allocation_info.alignment)
        for subgraph in self._subgraphs:
            for tensor in subgraph.tensors:
                if tensor.is_variable and tensor.offline_offset is None:
                    trace.persistent("variables", tensor.n_bytes)
        self.lifetimes = find_lifetimes(self._subgraphs, self._scratch)
        self.buffers = self._place()
        trace.temporary_to_the_end(len(self.buffers) * _PLANNER_BYTES_PER_BUFFER)
        trace.resize_head(max((b.offset + b.request.n_bytes for b in self.buffers), default=0))

    def _place(self) -> list[PlacedBuffer]:
        owners: list[tuple[FlatTensor | None, int | None, int, int | None, Request]] = []
        for subgraph_idx, subgraph in enumerate(self._subgraphs):
            lives = zip(subgraph.tensors, self.lifetimes.tensors[subgraph_idx], strict=True)
            for tensor_idx, (tensor, life) in enumerate(lives):
                if needs_head(tensor):
                    request = _request(tensor.n_bytes, life, tensor.offline_offset)
                    owners.append((tensor, tensor_idx, subgraph_idx, None, request))
        for scratch, life in zip(self._scratch, self.lifetimes.scratch, strict=True):
            owners.append((None, None, scratch.subgraph_idx, scratch.op_idx, _request(scratch.n_bytes, life, None)))
        offsets = place_buffers([owner[-1] for owner in owners])
        return [PlacedBuffer(*owner, offset) for owner, offset in zip(owners, offsets, strict=True)]

    def _make_io_tensors(self, indices: tuple[int, ...]) -> None:
        layout, trace = self._layout, self.trace
        trace.persistent("io_tensors", layout.pointer.n_bytes * len(indices))
        for i in indices:
            trace.persistent_array("io_tensors", layout.tensor)
            n_scales = self._subgraphs[0].tensors[i].n_scales
            if n_scales:
                trace.persistent_array("io_quantization", layout.quantization)
                trace.persistent("io_quantization", int_array_bytes(n_scales), 4)

    def _ops(self):
        for subgraph_idx, subgraph in enumerate(self._subgraphs):
            for op_idx, op in enumerate(subgraph.ops):
                yield (subgraph_idx, op_idx), op

    def _cost(self, op: FlatOp) -> OpCost | None:
        return find_cost(op.name, op.is_custom)


def _request(n_bytes: int, life: Lifetime, offset: int | None) -> Request:
    return Request(align_up(n_bytes), life.first_used, life.last_used, offset)
