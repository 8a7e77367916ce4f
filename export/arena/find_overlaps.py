# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which results may lie over an operand of the op that makes them.

In general a result and the operands of its op are apart, since both are alive while the op runs. Two kinds of op allow
more, if the operand is used for the last time:

* Elementwise ops read an element before they write the one in its place: the result may have the operand's address.
* Ops that work row by row (`CustomOp.rows_needed`) may have their result begin `distance` bytes or more below the
  operand: every row is then written where rows lay that nobody reads any more.
"""

from __future__ import annotations

import dataclasses

from ..ir import Graph, Op, Tensor
from ..ops.custom import REGISTRY
from .layout import align_up

# Builtin ops that may overwrite an operand of the result's shape: (output, input) positions. Checked against the
# reference kernels of tflite-micro (`micro/kernels/*.cc`); RESHAPE copies only between different addresses.
_BUILTIN = {
    "ADD": ((0, 0), (0, 1)),
    "MUL": ((0, 0), (0, 1)),
    "RELU": ((0, 0),),
    "RELU6": ((0, 0),),
    "RESHAPE": ((0, 0),),
    "SUB": ((0, 0), (0, 1)),
}


@dataclasses.dataclass(frozen=True)
class Overlap:
    """A permission: `result` may lie over `operand`.

    Attributes:
        result, operand: The tensors.
        distance: Bytes by which the result must at least begin before the operand, a multiple of 16; None: both
            begin at the same address.
    """

    result: Tensor
    operand: Tensor
    distance: int | None


def find_overlaps(graph: Graph) -> list[Overlap]:
    """All permissions of a graph, in the order of its ops."""
    last_reader = {id(t): op for op in graph.ops for t in op.inputs if t is not None}
    kept = {id(t) for t in graph.outputs}
    overlaps = []
    for op in graph.ops:
        for result, operand, distance in _permissions(op):
            dies_here = last_reader.get(id(operand)) is op and id(operand) not in kept
            if dies_here and not operand.is_constant and not operand.is_variable:
                overlaps.append(Overlap(result, operand, distance))
    return overlaps


def _permissions(op: Op):
    """(result, operand, distance) of one op, whatever happens to the operand afterwards."""
    pairs = REGISTRY[op.kind].may_overwrite(op.options) if op.kind in REGISTRY else _BUILTIN.get(op.kind, ())
    allowed = {i for _, i in pairs}
    for o, i in pairs:
        operand, result = op.inputs[i], op.outputs[o]
        if operand is None:
            continue
        elsewhere = any(t is operand for position, t in enumerate(op.inputs) if position not in allowed)
        if not elsewhere and _same_elements(operand, result):
            yield result, operand, None
    distance = _row_distance(op)
    if distance is not None:
        yield op.outputs[0], op.inputs[1], distance


def _same_elements(a: Tensor, b: Tensor) -> bool:
    return a.n_elements == b.n_elements and a.dtype == b.dtype


def _row_distance(op: Op) -> int | None:
    """How far output 0 must begin below input 1, for an op that works row by row on one image."""
    if op.kind not in REGISTRY or REGISTRY[op.kind].rows_needed(op.options, 0) is None:
        return None
    x, y = op.inputs[1], op.outputs[0]
    if x.shape[0] != 1 or sum(t is x for t in op.inputs) != 1:
        return None
    x_row_bytes, y_row_bytes = x.n_bytes // x.shape[1], y.n_bytes // y.shape[1]
    needed = [min(REGISTRY[op.kind].rows_needed(op.options, row), x.shape[1]) for row in range(y.shape[1])]
    return align_up(max(0, *((row + 1) * y_row_bytes - first * x_row_bytes for row, first in enumerate(needed))))
