# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a bundle op by op on the host, each op as a model of its own in TFLM, and keeps what every custom op found and left.

A bundle's own arena can't be looked into: its tensors share memory. That the ops together do what the bundle does is
checked against a `Session` at the end of every run.
"""

import dataclasses
import itertools
import os
import pathlib
import sys
from typing import NamedTuple

import numpy as np
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.export.schema import read_graph, write_graph
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.examples import check_x
from tfdgsu.micro_runtime.interpreter import Interpreter

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests"))  # behind the package: it has a tests/tfdgsu
from op_case import Case

LOAD = "TfdgsuLoadVariables"
_ARENA_BYTES = 1 << 22
_FILL = 0xA5  # what outputs hold before: an op that must leave them alone is seen to


class RecordedOp(NamedTuple):
    """One run of one custom op.

    Attributes:
        case: What it found.
        after: Its inputs and outputs after it, None where absent.
        constants: Positions of the inputs that the file holds.
        n_output_bytes: Size of its outputs and of the variables that it may change; 0 for an op that returned at once.
        has_reference_bits: Whether the op's NumPy reference gives `after`, too; None for an op that returned at once.
    """

    case: Case
    after: list
    constants: frozenset[int]
    n_output_bytes: int
    has_reference_bits: bool | None


class RecordedBundle:
    """A bundle that runs op by op; variables stay from run to run.

    Example:
        bundle = RecordedBundle("model.tflite")
        ops = bundle.train(x, y, learning_rate=0.01)

    Attributes:
        bundle: As it was read.
        load: The op that loads the variables; it runs once, in front of everything else.
    """

    def __init__(self, path: str | os.PathLike):
        self.bundle = read_bundle(path)
        self._graph = read_graph(self.bundle.data)
        self._session = Session(path)
        self._alone: dict[Op, _Alone] = {}
        self._values: dict[Tensor, np.ndarray] = {}
        for tensor in self._graph.tensors():
            self._values[tensor] = np.zeros(tensor.shape, tensor.dtype) if tensor.data is None else tensor.data
        self.load = [self._run_custom(op) for op in self._graph.ops if op.kind == LOAD]

    @property
    def builtin_ops(self) -> dict[str, int]:
        """How often each of TFLM's own ops runs at every step, by name."""
        return _count(op.kind for op in self._graph.ops if not op.is_custom)

    @property
    def custom_ops(self) -> dict[str, int]:
        """The same of this library's."""
        return _count(op.kind for op in self._graph.ops if op.is_custom)

    def train(self, x: np.ndarray, y: np.ndarray, learning_rate: float) -> list[RecordedOp]:
        """One training step; its custom ops in order. Arguments as of `Session.train`.

        Raises:
            RuntimeError: A `Session` does something else.
        """
        ops = self._run(x=check_x(self.bundle, x), y=y, learning_rate=learning_rate, train=1)
        self._check("loss", np.float32(self._session.train(x, y, learning_rate)))
        return ops

    def infer(self, x: np.ndarray) -> list[RecordedOp]:
        """The same of one inference, where most ops return at once."""
        ops = self._run(x=check_x(self.bundle, x), train=0)
        self._check("output", self._session.infer(x))
        return ops

    def _run(self, **inputs) -> list[RecordedOp]:
        for name, value in inputs.items():
            tensor = self._graph.signatures["train"].inputs[name]
            self._values[tensor] = np.array(value, tensor.dtype).reshape(tensor.shape)
        recorded = []
        for op in self._graph.ops:
            if not op.is_custom:
                self._run_alone(op)
            elif op.kind != LOAD:
                recorded.append(self._run_custom(op))
        return recorded

    def _run_custom(self, op: Op) -> RecordedOp:
        found = [None if tensor is None else self._values[tensor] for tensor in op.inputs]
        outputs = [_filled(tensor) for tensor in op.outputs]
        self._values.update(zip(op.outputs, outputs, strict=True))
        self._run_alone(op)
        after = [None if tensor is None else self._values[tensor] for tensor in (*op.inputs, *op.outputs)]
        constants = frozenset(i for i, tensor in enumerate(op.inputs) if tensor is not None and tensor.is_constant)
        returned = all(map(_is_same, (*found, *outputs), after))
        case = Case(op.kind, op.kind, found, op.options, outputs)
        if returned:
            return RecordedOp(case, after, constants, 0, None)
        n_output_bytes = sum(tensor.n_bytes for tensor in (*op.outputs, *op.mutates))
        return RecordedOp(case, after, constants, n_output_bytes, _reference_agrees(op, found, after))

    def _run_alone(self, op: Op) -> None:
        if op not in self._alone:
            self._alone[op] = _Alone(op)
        self._alone[op].run(self._values)

    def _check(self, output: str, expected: np.ndarray) -> None:
        signatures = self._graph.signatures
        pairs = {output: (self._values[signatures["train"].outputs[output]], expected)}
        variables = self._session.variables()
        pairs |= {name: (self._values[signatures["save"].outputs[name]], value) for name, value in variables.items()}
        differing = [name for name, (ours, theirs) in pairs.items() if ours.tobytes() != theirs.tobytes()]
        if differing:
            raise RuntimeError(f"Ops run one by one must do what the bundle does. Received other bits in: {differing}.")


class _Alone:
    """A model of one op. Whatever a custom op may change is a variable, written before and read after it."""

    def __init__(self, op: Op):
        self._tensors = list(dict.fromkeys(t for t in (*op.inputs, *op.outputs) if t is not None and not t.is_constant))
        copies = {t: dataclasses.replace(t, is_variable=t.is_variable or op.is_custom) for t in self._tensors}
        alone = dataclasses.replace(
            op, inputs=[copies.get(t, t) for t in op.inputs], outputs=[copies[t] for t in op.outputs], mutates=()
        )
        self._is_given = [op.is_custom or t not in op.outputs for t in self._tensors]
        self._is_taken = [op.is_custom or t in op.outputs for t in self._tensors]
        given = [copies[t] for t in itertools.compress(self._tensors, self._is_given)]
        taken = [copies[t] for t in itertools.compress(self._tensors, self._is_taken)]
        self._interpreter = Interpreter(write_graph(Graph([alone], given, taken)), _ARENA_BYTES)

    def run(self, values: dict[Tensor, np.ndarray]) -> None:
        """Replaces what the op changes."""
        for position, tensor in enumerate(itertools.compress(self._tensors, self._is_given)):
            self._interpreter.set_input(position, values[tensor])
        self._interpreter.invoke()
        for position, tensor in enumerate(itertools.compress(self._tensors, self._is_taken)):
            values[tensor] = self._interpreter.get_output(position)


def _count(kinds) -> dict[str, int]:
    kinds = list(kinds)
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _filled(tensor: Tensor) -> np.ndarray:
    return np.full(tensor.n_bytes, _FILL, np.uint8).view(tensor.dtype).reshape(tensor.shape)


def _reference_agrees(op: Op, found: list, after: list) -> bool:
    """In all that the op wrote: at inference it leaves out what only training needs."""
    inputs = [None if array is None else array.copy() for array in found]
    outputs = REGISTRY[op.kind].reference(inputs, op.options, [tensor.shape for tensor in op.outputs])
    before = [*found, *map(_filled, op.outputs)]
    return all(
        value is None or _is_same(unwritten, value) or _is_same(np.asarray(ours, value.dtype), value)
        for unwritten, ours, value in zip(before, (*inputs, *outputs), after, strict=True)
    )


def _is_same(one: np.ndarray | None, two: np.ndarray | None) -> bool:
    return one is two is None or one.tobytes() == two.tobytes()
