# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes types, scales and constants of a quantized copy over into the graph that it was made of.

Ops and tensors stay the objects they are, under their names: whoever holds an update layer's op goes on holding it.
"""

from __future__ import annotations

import numpy as np

from ..ir import Graph, Op, Quantization, Tensor


class Overlay:
    """Quantizes tensors in place, or a copy of them where somebody outside reads the float value."""

    def __init__(self, graph: Graph, ops: list[Op]):
        self._inside = {id(op) for op in ops}
        self._graph = graph
        self._done: set[int] = set()

    def value(self, tensor: Tensor, quantization: Quantization) -> None:
        """Makes a run-time value int8."""
        tensor.dtype, tensor.quantization = "int8", quantization

    def constant(self, op: Op, position: int, data: np.ndarray, quantization: Quantization | None) -> None:
        """Gives operand ``position`` of ``op`` a quantized value."""
        old = op.inputs[position]
        shared = any(id(reader) not in self._inside for reader in self._graph.consumers(old))
        if id(old) in self._done and _same(old, data, quantization):
            return
        if shared or id(old) in self._done:
            op.inputs[position] = Tensor(old.name, old.shape, data.dtype.name, data, quantization=quantization)
            self._done.add(id(op.inputs[position]))
            return
        old.dtype, old.data, old.quantization = data.dtype.name, data, quantization
        self._done.add(id(old))


def take_over(graph: Graph, ops: list[Op], quantized: Graph, tensor_of: dict[str, Tensor]) -> None:
    """Quantizes ``ops`` of ``graph`` as ``quantized`` is.

    Args:
        graph: The graph to change.
        ops: Those of its ops that ``quantized`` is a copy of.
        quantized: What TFLite's quantizer made of the copy. It may hold QUANTIZE ops that rescale an operand.
        tensor_of: The tensors of ``graph``, by the names they have in ``quantized``.

    Raises:
        ValueError: naming an op that the quantizer left float32.
    """
    overlay = Overlay(graph, ops)
    op_of = {id(t): op for op in ops for t in op.outputs}
    here: dict[int, Tensor] = {}  # by id of the tensor in ``quantized``
    for tensor in quantized.inputs:
        here[id(tensor)] = tensor_of[tensor.name]
        overlay.value(tensor_of[tensor.name], _int8(tensor))
    for copied in quantized.ops:
        # A rescaled value may bear the name of the value itself.
        original = None if copied.kind == "QUANTIZE" else tensor_of.get(copied.outputs[0].name)
        op = op_of.get(id(original)) if original is not None else None
        if op is not None:
            _match(op, copied, here, overlay)
        elif ops:
            rescaling = _rescaling(copied, here)
            reader = _first_reader(copied, quantized, tensor_of, op_of)
            if reader is not None:
                graph.ops.insert(graph.index(reader), rescaling)
    _drop_unread(graph, ops)


def _drop_unread(graph: Graph, ops: list[Op]) -> None:
    """Removes those that the quantizer merged with others, reshapes of reshapes, which float32 reads and int8 does not."""
    for op in reversed(ops):
        is_read = any(graph.consumers(t) or any(t is result for result in graph.outputs) for t in op.outputs)
        if not is_read and all(tensor.dtype == "float32" for tensor in op.outputs):
            graph.ops.remove(op)


def _match(op: Op, copied: Op, here: dict[int, Tensor], overlay: Overlay) -> None:
    if op.kind != copied.kind:
        raise ValueError(_left_float(op))
    for position, tensor in enumerate(copied.inputs):
        if tensor is None:
            continue
        if not tensor.is_constant:
            op.inputs[position] = here[id(tensor)]
        elif tensor.quantization is not None:
            overlay.constant(op, position, tensor.data, tensor.quantization)
    for tensor, result in zip(copied.outputs, op.outputs, strict=True):
        if tensor.dtype != "int8" or tensor.quantization is None:
            raise ValueError(_left_float(op))
        here[id(tensor)] = result
        overlay.value(result, tensor.quantization)
    op.version = copied.version


def _rescaling(copied: Op, here: dict[int, Tensor]) -> Op:
    """An op that the quantizer added: the same value with another scale."""
    source, result = copied.inputs[0], copied.outputs[0]
    if copied.kind != "QUANTIZE" or (source.dtype, result.dtype) != ("int8", "int8") or source.is_constant:
        reader = copied.outputs[0].name
        raise ValueError(
            "Every op in front of the float32 tail runs in int8. "
            f"Received: the quantizer put {copied.kind} ({source.dtype} to {result.dtype}, '{reader}') between two ops. "
            "Remedy: replace the layer that TensorFlow Lite can't quantize."
        )
    operand = here[id(source)]
    here[id(result)] = Tensor(f"{operand.name}/rescaled", result.shape, "int8", None, False, result.quantization)
    return Op("QUANTIZE", [operand], [here[id(result)]], copied.options, copied.version)


def _first_reader(copied: Op, quantized: Graph, tensor_of: dict[str, Tensor], op_of: dict[int, Op]) -> Op | None:
    """The first op that reads what ``copied`` makes, rescaled again or not; None if only the caller does."""
    for reader in quantized.consumers(copied.outputs[0]):
        if reader.kind != "QUANTIZE":
            return op_of[id(tensor_of[reader.outputs[0].name])]
        if (behind := _first_reader(reader, quantized, tensor_of, op_of)) is not None:
            return behind
    return None


def _int8(tensor: Tensor) -> Quantization:
    if tensor.dtype != "int8" or tensor.quantization is None:
        raise ValueError(
            "The input of an int8 bundle is int8. "
            f"Received: {tensor.dtype} from TensorFlow Lite's quantizer. Remedy: start the model with a convolution."
        )
    return tensor.quantization


def _same(tensor: Tensor, data: np.ndarray, quantization: Quantization | None) -> bool:
    if tensor.data.dtype != data.dtype or not np.array_equal(tensor.data, data):
        return False
    mine = tensor.quantization
    if mine is None or quantization is None:
        return mine is quantization
    return np.array_equal(mine.scale, quantization.scale) and np.array_equal(mine.zero_point, quantization.zero_point)


def _left_float(op: Op) -> str:
    return (
        "Every op in front of the float32 tail runs in int8. "
        f"Received: {op.kind} '{op.outputs[0].name}', which TensorFlow Lite's quantizer leaves float32. "
        "Remedy: replace the layer, or export without quantize=."
    )
