# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The vocabulary in which `op_costs` says what an op allocates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from .flat_model import FlatOp, FlatTensor
from .layout import LAYOUTS, Struct


@dataclasses.dataclass(frozen=True)
class Temporary:
    """Prepare looks at a tensor through a temporary struct."""

    tensor: FlatTensor


@dataclasses.dataclass(frozen=True)
class Persistent:
    """Prepare keeps bytes in the tail."""

    n_bytes: int


@dataclasses.dataclass(frozen=True)
class Scratch:
    """Prepare requests a buffer in the head, alive during this op only."""

    n_bytes: int


Step = Temporary | Persistent | Scratch


class OpOperands:
    """An op together with the tensors it refers to and the target it will run on."""

    def __init__(self, op: FlatOp, tensors: tuple[FlatTensor, ...], target: str):
        self.op = op
        self.eval_tensor_bytes = LAYOUTS[target].eval_tensor.n_bytes
        self._tensors = tensors

    def input(self, position: int) -> FlatTensor | None:
        """The operand, or None if it is absent."""
        return self._at(self.op.inputs, position)

    def output(self, position: int) -> FlatTensor | None:
        """The result, or None if it is absent."""
        return self._at(self.op.outputs, position)

    def temporaries(self, names: str) -> Iterator[Temporary]:
        """Steps for operands given as "i0 i1 o0", in that order; absent ones cost nothing."""
        for name in names.split():
            tensor = (self.input if name[0] == "i" else self.output)(int(name[1:]))
            if tensor is not None:
                yield Temporary(tensor)

    def _at(self, indices: tuple[int, ...], position: int) -> FlatTensor | None:
        present = position < len(indices) and indices[position] >= 0
        return self._tensors[indices[position]] if present else None


@dataclasses.dataclass(frozen=True)
class OpCost:
    """What one op allocates, by target.

    Attributes:
        options: Struct that its options are parsed into, or None if it has none.
        op_data_bytes: Persistent bytes of Init; 0 if it allocates none.
        prepare: Steps of Prepare, in order.
    """

    options: dict[str, Struct] | None
    op_data_bytes: dict[str, int]
    prepare: Callable[[OpOperands], Iterator[Step]]


def n_elements(tensor: FlatTensor) -> int:
    """Product of the dimensions; 1 for a scalar."""
    return math.prod(tensor.shape)
