# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What must hold for every graph. Runs after every pass and names the pass that broke it."""

from __future__ import annotations

from .graph import Graph, Op, Tensor
from .text import format_op

# Custom ops of the forward pass: they must see weights before an update moves them, as builtin ops must.
FORWARD_OPS = ("TfdgsuConvBlock",)
# Positions of the weights that input gradients inside a fused op read.
WEIGHTS_PASSED = {"TfdgsuConvBlockGrad": (3, 9, 19, 28, 30)}

# No "Received: ...", by which the command line tells refused input from a defect.
DEFECT = "This is a defect of the exporter. Remedy: report it with the model."


class GraphError(ValueError):
    """An invariant of the graph does not hold; a defect of the compiler, not of the user's model."""


def verify(graph: Graph, after: str) -> Graph:
    """Checks the invariants and returns the graph unchanged.

    Args:
        graph: The graph to check.
        after: Name of the pass that ran last, for the message.

    Raises:
        GraphError: naming ``after``, the op and the rule.
    """
    defined = {id(t) for t in graph.inputs}
    used: set[int] = set()
    updated: dict[int, Op] = {}  # overwritten after somebody used the old value
    for op in graph.ops:
        for tensor in op.inputs:
            if tensor is not None:
                _check_read(op, tensor, defined, updated, after)
        for tensor in op.mutates:
            _check_write(op, tensor, after)
            if id(tensor) in used:
                updated[id(tensor)] = op
        used.update(id(t) for t in op.inputs if t is not None)
        for tensor in op.outputs:
            _check_definition(op, tensor, defined, after)
            defined.add(id(tensor))
    for tensor in graph.outputs:
        if id(tensor) not in defined and not _lives_outside(tensor):
            _fail(after, f"graph output {tensor.name} is made by no op")
    _check_names(graph, after)
    return graph


def _lives_outside(tensor: Tensor) -> bool:
    return tensor.is_constant or tensor.is_variable


def _check_read(op: Op, tensor: Tensor, defined: set[int], updated: dict[int, Op], after: str) -> None:
    if not _lives_outside(tensor) and id(tensor) not in defined:
        _fail(after, f"{tensor.name} is read before it is made", op)
    writer = updated.get(id(tensor))
    if writer is not None and (not op.is_custom or op.kind in FORWARD_OPS):
        _fail(after, f"{tensor.name} is read by the forward pass after {writer.kind} overwrote it", op)
    is_gate = tensor is op.inputs[0]  # the loss op may close the gate that every later op reads
    passes_gradient = "GradInput" in op.kind or any(op.inputs[i] is tensor for i in WEIGHTS_PASSED.get(op.kind, ()))
    if writer is not None and not is_gate and passes_gradient:
        _fail(after, f"input gradient reads {tensor.name} after its update", op)


def _check_write(op: Op, tensor: Tensor, after: str) -> None:
    if not tensor.is_variable:
        _fail(after, f"{tensor.name} is overwritten but is no variable", op)
    if not any(t is tensor for t in op.inputs):
        _fail(after, f"{tensor.name} is overwritten but not among the op's inputs", op)


def _check_definition(op: Op, tensor: Tensor, defined: set[int], after: str) -> None:
    if id(tensor) in defined:
        _fail(after, f"{tensor.name} is made twice", op)
    if _lives_outside(tensor):
        _fail(after, f"constant or variable {tensor.name} is an op's output", op)
    if any(d <= 0 for d in tensor.shape):
        _fail(after, f"{tensor.name} has no static shape: {list(tensor.shape)}", op)


def _check_names(graph: Graph, after: str) -> None:
    names: set[str] = set()
    for tensor in graph.tensors():
        if tensor.is_constant:
            if tensor.is_variable:
                _fail(after, f"variable {tensor.name} has constant data; TFLM would take it for a constant")
            if tuple(tensor.data.shape) != tuple(tensor.shape) or tensor.data.dtype != tensor.dtype:
                _fail(after, f"data of {tensor.name} is {tensor.data.dtype}{list(tensor.data.shape)}")
        if tensor.name in names:
            _fail(after, f"two tensors are named {tensor.name}")
        names.add(tensor.name)


def _fail(after: str, rule: str, op: Op | None = None) -> None:
    where = f"\n  at {format_op(op)}" if op is not None else ""
    raise GraphError(f"Invalid graph after pass '{after}': {rule}. {DEFECT}{where}")
