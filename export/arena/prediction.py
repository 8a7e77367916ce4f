# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What is known about the arena of a model before it runs."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ops.custom import LOSSES

_LOSS_OPS = frozenset(op.NAME for op in LOSSES.values())
# What a buffer of the head is for, in the order of a legend.
BUFFER_KINDS = ("activation", "kept for backward", "gradient", "scratch")


@dataclasses.dataclass(frozen=True)
class BufferPlan:
    """One buffer of the head.

    Attributes:
        name: The tensor's name, or "<op name>#<op index>/scratch" for scratch.
        offset: Where it begins, in bytes from the start of the arena.
        n_bytes: What it takes there: its size, rounded up to a multiple of 16.
        first_used, last_used: Moments between which it is alive, both included; moment 0 is before the
            first op, op i runs at moment i + 1, -1 means never.
        first_op, last_op: Names of what happens at these moments, "" for never.
        is_scratch: Whether it belongs to one op rather than to a tensor.
        tensor_idx: Number of the tensor in its subgraph; None for scratch.
    """

    name: str
    offset: int
    n_bytes: int
    first_used: int
    last_used: int
    first_op: str
    last_op: str
    is_scratch: bool
    tensor_idx: int | None

    def is_alive(self, moment: int) -> bool:
        """Whether its contents matter at this moment."""
        return self.first_used <= moment <= self.last_used


@dataclasses.dataclass(frozen=True)
class OpTail:
    """Tail bytes of one op: its node, its parsed options and what it allocated for itself."""

    name: str
    n_bytes: int


@dataclasses.dataclass(frozen=True)
class ArenaPrediction:
    """The arena that TFLM will report for a model, for arenas whose base and size are multiples of 16.

    Attributes:
        target: "x86_64" (the host's wheel, recording allocators) or "cortex_m" (32-bit, reference
            kernels, plain allocators).
        head_bytes: Activations and scratch; reused all the time.
        tail_bytes: What lives as long as the interpreter.
        minimum_arena_bytes: Smallest arena in which AllocateTensors succeeds. More than the total if its
            temporary data needs more room than the head. Includes room for the temporaries of an op that
            allocates persistent data in Prepare: TFLM does not notice when one overwrites the other.
        buffers: The head, buffer by buffer, in the planner's order.
        moments: What happens when: "(inputs)", then the ops.
        peak_moment: The first moment at which most bytes of the head are alive.
        tail_by_kind: The tail, split into: interpreter (allocators, planner, subgraph table), eval_tensors,
            nodes, op_options (parsed from the file), op_data (of Init and Prepare), scratch_handles,
            variables, io_tensors and io_quantization (structs of the model's inputs and outputs).
        op_tails: The ops' share of the tail, in order of the file.
        unknown_ops: Ops whose cost is not known, sorted; the figures are lower bounds if there are any.
    """

    target: str
    head_bytes: int
    tail_bytes: int
    minimum_arena_bytes: int
    buffers: tuple[BufferPlan, ...]
    moments: tuple[str, ...]
    peak_moment: int
    tail_by_kind: dict[str, int]
    op_tails: tuple[OpTail, ...]
    unknown_ops: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        """Head and tail: what `arena_used_bytes()` returns."""
        return self.head_bytes + self.tail_bytes

    @property
    def exact(self) -> bool:
        """Whether every op's cost is known."""
        return not self.unknown_ops

    @property
    def peak_op(self) -> str:
        """What happens at the peak."""
        return self.moments[self.peak_moment]

    @property
    def peak_buffers(self) -> tuple[BufferPlan, ...]:
        """What is alive at the peak, largest first."""
        return self.alive_at(self.peak_moment)

    @property
    def peak_live_bytes(self) -> int:
        """Bytes alive at the peak; the head is larger if gaps could not be filled, smaller if buffers overlap."""
        return sum(b.n_bytes for b in self.peak_buffers)

    def alive_at(self, moment: int) -> tuple[BufferPlan, ...]:
        """Buffers that are alive at a moment, largest first."""
        return tuple(sorted((b for b in self.buffers if b.is_alive(moment)), key=lambda b: (-b.n_bytes, b.offset)))

    @property
    def loss_moment(self) -> int | None:
        """When the loss is computed, which ends forward; None for a model that only infers."""
        return next((moment for moment, name in enumerate(self.moments) if name in _LOSS_OPS), None)

    def kind_of(self, buffer: BufferPlan) -> str:
        """What a buffer of the head is for, one of `BUFFER_KINDS`."""
        loss_moment = len(self.moments) if self.loss_moment is None else self.loss_moment
        if buffer.is_scratch:
            return "scratch"
        if buffer.first_used >= loss_moment:
            return "gradient"
        return "kept for backward" if buffer.last_used > loss_moment else "activation"

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON-serialisable values; derived figures included."""
        fields = dataclasses.asdict(self)
        derived = ("total_bytes", "exact", "peak_op", "peak_live_bytes")
        fields.update({name: getattr(self, name) for name in derived})
        fields["peak_buffers"] = [b.name for b in self.peak_buffers]
        return fields
