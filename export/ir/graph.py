# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Object graph of one subgraph.

Ops and tensors refer to each other as objects. Indices exist only in the file, so
they are born in ``schema/writer.py`` and nowhere else; a pass that inserts or drops
an op never renumbers anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Quantization:
    """How integers stand for real numbers: real = scale * (integer - zero_point).

    Attributes:
        scale: float32 ``[n]``; n is 1, or the size of ``axis`` with a scale per channel.
        zero_point: int64 ``[n]``.
        axis: The dimension that the scales run along.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int = 0

    @classmethod
    def of(cls, scale, zero_point=0, axis: int = 0) -> Quantization:
        """From a scale or one per channel; a single zero point serves all channels."""
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        return cls(scales, np.broadcast_to(np.asarray(zero_point, np.int64), scales.shape).copy(), axis)


@dataclasses.dataclass(eq=False)
class Tensor:
    """A value of the graph.

    Attributes:
        name: Unique within the graph once ``Graph.make_names_unique`` ran.
        shape: Static dimensions.
        dtype: NumPy name of the element type, e.g. ``"float32"``.
        data: The constant's value, or None for a value made at run time.
        is_variable: True when the tensor keeps its value between invocations.
        quantization: What the integers mean; None for a tensor that is not quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    data: np.ndarray | None = None
    is_variable: bool = False
    quantization: Quantization | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the file holds its value."""
        return self.data is not None

    @property
    def n_elements(self) -> int:
        """Product of the dimensions; 1 for a scalar."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def n_bytes(self) -> int:
        """Size of its value in memory."""
        return self.n_elements * np.dtype(self.dtype).itemsize

    def __repr__(self) -> str:
        return f"<Tensor {self.name} {self.dtype}{list(self.shape)}>"


@dataclasses.dataclass(eq=False)
class Op:
    """One operator.

    Attributes:
        kind: Builtin name of the TFLite schema (``"CONV_2D"``) or a custom op string.
        inputs: Operands; None stands for an omitted optional one.
        outputs: Results. An op that only mutates variables has none.
        options: The schema's options object (builtin) or a dict (custom).
        version: Operator version of the schema.
        is_custom: Whether ``kind`` names a custom op.
        mutates: Operands that the op overwrites in place.
    """

    kind: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: Any = None
    version: int = 1
    is_custom: bool = False
    mutates: tuple[Tensor, ...] = ()

    def __repr__(self) -> str:
        return f"<Op {self.kind} -> {[t.name for t in self.outputs]}>"


@dataclasses.dataclass
class Signature:
    """A named entry point: public names to tensors."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


@dataclasses.dataclass(eq=False)
class Graph:
    """One subgraph: ops in execution order, its inputs, outputs and signatures."""

    ops: list[Op]
    inputs: list[Tensor]
    outputs: list[Tensor]
    signatures: dict[str, Signature] = dataclasses.field(default_factory=dict)

    def tensors(self) -> list[Tensor]:
        """Every tensor once, inputs first, then in order of first appearance."""
        seen: dict[int, Tensor] = {}
        for tensor in self._mentions():
            seen.setdefault(id(tensor), tensor)
        return list(seen.values())

    def producer(self, tensor: Tensor) -> Op | None:
        """The op that makes ``tensor``, or None for inputs, constants and variables."""
        return next((op for op in self.ops if any(t is tensor for t in op.outputs)), None)

    def consumers(self, tensor: Tensor) -> list[Op]:
        """The ops that read ``tensor``, in order of execution."""
        return [op for op in self.ops if any(t is tensor for t in op.inputs)]

    def insert_after(self, anchor: Op, new_op: Op) -> None:
        """Puts ``new_op`` right behind ``anchor``."""
        self.ops.insert(self.index(anchor) + 1, new_op)

    def index(self, op: Op) -> int:
        """Position of ``op`` by identity (ops do not compare equal by content)."""
        return next(i for i, candidate in enumerate(self.ops) if candidate is op)

    def make_names_unique(self) -> None:
        """Appends ``_1``, ``_2`` … to repeated names, first come first kept, variables before all: theirs are public."""
        taken: set[str] = set()
        for tensor in sorted(self.tensors(), key=lambda t: not t.is_variable):
            tensor.name = _free_name(tensor.name, taken)
            taken.add(tensor.name)

    def __str__(self) -> str:
        from .text import format_graph

        return format_graph(self)

    def _mentions(self) -> Iterator[Tensor]:
        yield from self.inputs
        for op in self.ops:
            yield from _present(op.inputs)
            yield from op.outputs
        yield from self.outputs


def _present(tensors: Iterable[Tensor | None]) -> Iterator[Tensor]:
    return (tensor for tensor in tensors if tensor is not None)


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    suffix = 1
    while f"{name}_{suffix}" in taken:
        suffix += 1
    return f"{name}_{suffix}"
