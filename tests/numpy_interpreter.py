# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a training bundle, or a model of builtin ops, in NumPy, op by op: what TFLM computes, bit for bit.

Custom ops by their references, TFLM's builtin ops by its integer arithmetic and its order of float32 sums.
"""

import numpy as np
from numpy_builtin_ops import BUILTIN_OPS
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.export.schema import read_graph

_ALWAYS = {"TfdgsuConvBlock"}  # runs at inference too


class NumpyInterpreter:
    """A bundle and its variables, which stay from step to step.

    Example:
        >>> bundle = NumpyInterpreter(path.read_bytes())
        >>> loss = bundle.train(x, y, learning_rate=0.1)
        >>> bundle.variables()["conv/kernel"]
    """

    def __init__(self, flat: bytes):
        self._graph = read_graph(flat)
        self._values = {}
        for tensor in self._graph.tensors():
            if tensor.is_constant:
                self._values[tensor.name] = tensor.data
            elif tensor.is_variable:
                self._values[tensor.name] = np.zeros(tensor.shape, tensor.dtype)
        for op in self._graph.ops:
            if op.kind == "TfdgsuLoadVariables":
                self._run_custom(op)

    def train(self, x: np.ndarray, y: np.ndarray, learning_rate: float) -> np.float32:
        """One step on inputs as the bundle has them, int8 too; returns the loss."""
        inputs = {"x": x, "y": y, "learning_rate": np.array([learning_rate], np.float32), "train": np.ones(1, np.int32)}
        signature = self._graph.signatures["train"]
        for name, array in inputs.items():
            tensor = signature.inputs[name]
            self._values[tensor.name] = np.array(array, tensor.dtype).reshape(tensor.shape)
        for op in self._graph.ops:
            self._run(op)
        return self._values[signature.outputs["loss"].name][0]

    def infer(self, x: np.ndarray) -> np.ndarray:
        """The output of a model of builtin ops only, with one input."""
        self._values[self._graph.inputs[0].name] = x
        for op in self._graph.ops:
            self._run(op)
        return self._values[self._graph.outputs[0].name]

    def variables(self) -> dict[str, np.ndarray]:
        """Every variable of the bundle by its name."""
        return {name: self._values[t.name] for name, t in self._graph.signatures["save"].outputs.items()}

    def _run(self, op):
        if not op.is_custom:
            inputs = [None if tensor is None else self._values[tensor.name] for tensor in op.inputs]
            (output,) = op.outputs
            value = np.asarray(BUILTIN_OPS[op.kind](op, *inputs))
            if value.dtype != output.dtype:
                raise TypeError(f"{op.kind} must make {output.dtype}. Received: {value.dtype}.")
            self._values[output.name] = value.reshape(output.shape)
        elif op.kind != "TfdgsuLoadVariables":
            train = self._values[op.inputs[0].name][0]
            if train == 1 or op.kind in _ALWAYS:
                self._run_custom(op)

    def _run_custom(self, op):
        inputs = [None if tensor is None else self._values[tensor.name] for tensor in op.inputs]
        results = REGISTRY[op.kind].reference(inputs, op.options, [tensor.shape for tensor in op.outputs])
        for tensor, value in zip(op.outputs, results, strict=True):
            if value.dtype != tensor.dtype:
                raise TypeError(f"{op.kind} must make {tensor.dtype}. Received: {value.dtype}.")
            self._values[tensor.name] = value.reshape(tensor.shape)
