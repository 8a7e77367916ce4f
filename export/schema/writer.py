# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Lowers the object graph to a ``.tflite`` file. The one place where indices are born."""

from __future__ import annotations

from collections.abc import Mapping

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

from ..ir import Graph, Op, Quantization, Tensor
from ..ops.custom import pack_options
from . import types

_BUFFER_ALIGNMENT = 16  # bytes; "force_align: 16" of Buffer.data in the TFLite schema
_FILE_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
_OFFLINE_PLAN = "OfflineMemoryAllocation"
_OFFLINE_PLAN_VERSION = 1
_ONLINE = -1


class _AlignedBuffer(schema_fb.BufferT):
    """A buffer whose data starts at a multiple of 16 bytes.

    The generated Python writer does not honour the schema's ``force_align``, and a
    microcontroller reads float weights straight from flash.
    """

    def Pack(self, builder: flatbuffers.Builder) -> int:
        vector = None
        if self.data is not None:
            builder.StartVector(1, len(self.data), _BUFFER_ALIGNMENT)
            builder.head = builder.Head() - len(self.data)
            builder.Bytes[builder.Head() : builder.Head() + len(self.data)] = self.data
            vector = builder.EndVector()
        schema_fb.BufferStart(builder)
        if vector is not None:
            schema_fb.BufferAddData(builder, vector)
        return schema_fb.BufferEnd(builder)


def write_graph(
    graph: Graph,
    metadata: Mapping[str, bytes] | None = None,
    description: str = "",
    offsets: Mapping[Tensor, int] | None = None,
) -> bytes:
    """Serialises a graph as a TFLite flatbuffer.

    Args:
        graph: A verified graph.
        metadata: Entries of the model's metadata table, name to bytes.
        description: The model's description field.
        offsets: Where tensors shall lie in TFLM's arena, in bytes; TFLM's planner places all others.

    Returns:
        The file's bytes; constants are aligned to 16 bytes from the file's start.
    """
    writer = _Writer(graph, description)
    plan = {} if offsets is None else {_OFFLINE_PLAN: writer.offline_plan(offsets)}
    return writer.write({**(metadata or {}), **plan})


class _Writer:
    def __init__(self, graph: Graph, description: str):
        self._graph = graph
        self._tensors = graph.tensors()
        self._index = {id(t): i for i, t in enumerate(self._tensors)}
        self._model = schema_fb.ModelT()
        self._model.version = _SCHEMA_VERSION
        self._model.description = description
        self._model.buffers = [_AlignedBuffer()]  # buffer 0 is empty by convention
        self._model.operatorCodes = []
        self._code_index: dict[tuple[str, int], int] = {}

    def write(self, metadata: dict[str, bytes]) -> bytes:
        subgraph = schema_fb.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors = [self._tensor(t) for t in self._tensors]
        subgraph.inputs = [self._index[id(t)] for t in self._graph.inputs]
        subgraph.outputs = [self._index[id(t)] for t in self._graph.outputs]
        subgraph.operators = [self._operator(op) for op in self._graph.ops]
        self._model.subgraphs = [subgraph]
        self._model.signatureDefs = [self._signature(k) for k in self._graph.signatures]
        self._model.metadata = [self._metadata(k, v) for k, v in metadata.items()]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self._model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
        return bytes(builder.Output())

    def offline_plan(self, offsets: Mapping[Tensor, int]) -> bytes:
        """TFLM's format: version, subgraph, number of tensors, an offset for each; little-endian int32."""
        places = [offsets.get(t, _ONLINE) for t in self._tensors]
        return np.array([_OFFLINE_PLAN_VERSION, 0, len(places), *places], "<i4").tobytes()

    def _tensor(self, tensor: Tensor) -> schema_fb.TensorT:
        flat = schema_fb.TensorT()
        flat.name = tensor.name
        flat.shape = list(tensor.shape)
        flat.type = types.tensor_type(tensor.dtype)
        flat.isVariable = tensor.is_variable
        flat.quantization = _quantization(tensor.quantization)
        flat.buffer = 0 if tensor.data is None else self._buffer(_little_endian_bytes(tensor.data))
        return flat

    def _buffer(self, data: bytes) -> int:
        buffer = _AlignedBuffer()
        buffer.data = data
        self._model.buffers.append(buffer)
        return len(self._model.buffers) - 1

    def _operator(self, op: Op) -> schema_fb.OperatorT:
        flat = schema_fb.OperatorT()
        flat.opcodeIndex = self._operator_code(op)
        flat.inputs = [-1 if t is None else self._index[id(t)] for t in op.inputs]
        flat.outputs = [self._index[id(t)] for t in op.outputs]
        if op.is_custom:
            flat.customOptions = np.frombuffer(pack_options(op.kind, op.options or {}), np.uint8)
        elif op.options is not None:
            flat.builtinOptions = op.options
            flat.builtinOptionsType = types.OPTIONS_NUMBERS[type(op.options).__name__.removesuffix("T")]
        return flat

    def _operator_code(self, op: Op) -> int:
        key = (op.kind, op.version)
        if key not in self._code_index:
            code = schema_fb.OperatorCodeT()
            code.version = op.version
            code.builtinCode = schema_fb.BuiltinOperator.CUSTOM if op.is_custom else types.OPERATOR_NUMBERS[op.kind]
            # Readers of schema version 3 look at both fields and take the larger.
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.customCode = op.kind if op.is_custom else None
            self._code_index[key] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        return self._code_index[key]

    def _signature(self, name: str) -> schema_fb.SignatureDefT:
        signature = self._graph.signatures[name]
        flat = schema_fb.SignatureDefT()
        flat.signatureKey = name
        flat.subgraphIndex = 0
        flat.inputs = [self._tensor_map(k, t) for k, t in signature.inputs.items()]
        flat.outputs = [self._tensor_map(k, t) for k, t in signature.outputs.items()]
        return flat

    def _tensor_map(self, name: str, tensor: Tensor) -> schema_fb.TensorMapT:
        flat = schema_fb.TensorMapT()
        flat.name = name
        flat.tensorIndex = self._index[id(tensor)]
        return flat

    def _metadata(self, name: str, data: bytes) -> schema_fb.MetadataT:
        flat = schema_fb.MetadataT()
        flat.name = name
        flat.buffer = self._buffer(data)
        return flat


def _little_endian_bytes(data: np.ndarray) -> bytes:
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<")).tobytes()


def _quantization(quantization: Quantization | None) -> schema_fb.QuantizationParametersT | None:
    if quantization is None:
        return None
    flat = schema_fb.QuantizationParametersT()
    flat.scale = quantization.scale.astype(np.float32)
    flat.zeroPoint = quantization.zero_point.astype(np.int64)
    flat.quantizedDimension = quantization.axis
    return flat
