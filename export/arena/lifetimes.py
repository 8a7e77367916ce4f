# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""From when to when every buffer of the head is alive, in moments.

Moment 0 is the start of the main subgraph, when its inputs arrive; op i runs at moment i + 1. A subgraph that a
control-flow op calls takes moments of its own in between. Source: the behaviour of
`micro/micro_allocation_info.cc` of tflite-micro.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .flat_model import FlatOp, FlatSubgraph, FlatTensor

NEVER = -1
_CALLED_SUBGRAPHS = {
    "IF": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "CALL_ONCE": ("initSubgraphIndex",),
    "WHILE": ("condSubgraphIndex", "bodySubgraphIndex"),
}


@dataclasses.dataclass
class Lifetime:
    """First and last moment of use, both included; `NEVER` if there is none."""

    first_used: int = NEVER
    last_used: int = NEVER

    def begin(self, moment: int) -> None:
        """Marks the creation; only the first one counts."""
        if self.first_used == NEVER:
            self.first_used = moment

    def end(self, moment: int) -> None:
        """Marks a use."""
        self.last_used = moment


@dataclasses.dataclass(frozen=True)
class ScratchRequest:
    """A buffer that an op asked for in Prepare."""

    subgraph_idx: int
    op_idx: int
    n_bytes: int


@dataclasses.dataclass
class Lifetimes:
    """Result: lifetimes of tensors by subgraph, of scratch buffers, and what happens at each moment."""

    tensors: list[list[Lifetime]]
    scratch: list[Lifetime]
    moments: list[str]


def find_lifetimes(subgraphs: Sequence[FlatSubgraph], scratch: Sequence[ScratchRequest]) -> Lifetimes:
    """Walks the main subgraph, and the ones it calls, in order of execution."""
    walk = _Walk(subgraphs, scratch)
    walk.visit(0)
    return walk.result


def needs_head(tensor: FlatTensor) -> bool:
    """Whether the planner places the tensor: not constants, and variables only by prescription."""
    if tensor.is_variable:
        return tensor.offline_offset is not None
    return not tensor.is_constant and tensor.n_bytes > 0


class _Walk:
    def __init__(self, subgraphs: Sequence[FlatSubgraph], scratch: Sequence[ScratchRequest]):
        self._subgraphs = subgraphs
        self._scratch = scratch
        self.result = Lifetimes(
            tensors=[[Lifetime() for _ in s.tensors] for s in subgraphs],
            scratch=[Lifetime() for _ in scratch],
            moments=["(inputs)"],
        )

    def visit(self, subgraph_idx: int) -> None:
        """Marks one run of a subgraph, which begins at the current moment."""
        subgraph, tensors = self._subgraphs[subgraph_idx], self.result.tensors[subgraph_idx]
        for i in subgraph.inputs:
            tensors[i].begin(self._now)
            tensors[i].end(self._now)
        for op_idx, op in enumerate(subgraph.ops):
            self._visit_op(subgraph_idx, op_idx, op)
        for i in subgraph.outputs:
            tensors[i].begin(self._now)
            tensors[i].end(self._now)

    def _visit_op(self, subgraph_idx: int, op_idx: int, op: FlatOp) -> None:
        tensors = self.result.tensors[subgraph_idx]
        self.result.moments.append(op.name)
        start = self._now
        for i in op.outputs:
            tensors[i].begin(start)
        for option in _CALLED_SUBGRAPHS.get(op.name, ()):
            self.result.moments.append(f"{op.name}.{option.removesuffix('SubgraphIndex')}")
            self.visit(getattr(op.options, option))
        for i in op.inputs + op.outputs:
            if i >= 0:
                tensors[i].end(self._now)
        for lifetime, request in zip(self.result.scratch, self._scratch, strict=True):
            if (request.subgraph_idx, request.op_idx) == (subgraph_idx, op_idx):
                lifetime.begin(start)
                lifetime.end(self._now)

    @property
    def _now(self) -> int:
        return len(self.result.moments) - 1
