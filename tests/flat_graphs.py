# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Hand-made flatbuffers: graphs that no converter would write."""

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

_TYPES = {
    "float32": schema_fb.TensorType.FLOAT32,
    "int8": schema_fb.TensorType.INT8,
    "int32": schema_fb.TensorType.INT32,
    "uint8": schema_fb.TensorType.UINT8,
}


class FlatGraph:
    """Builds a one-subgraph `.tflite` from tensor indices.

    Example:
        graph = FlatGraph()
        x, y = graph.tensor([1, 4]), graph.tensor([1, 4])
        graph.op("RELU", [x], [y])
        model = graph.build([x], [y])
    """

    def __init__(self):
        self._tensors = []
        self._ops = []
        self._codes = []
        self._buffers = [schema_fb.BufferT()]
        self._metadata = []
        self._signatures = []

    def tensor(self, shape, dtype="float32", data=None, variable=False, scales=None, zero_point=0, axis=0) -> int:
        """Adds a tensor; int8 gets one scale of 0.5 unless `scales` (along `axis`) are given. Returns its index."""
        tensor = schema_fb.TensorT()
        tensor.name = f"t{len(self._tensors)}".encode()
        tensor.shape = np.asarray(shape, np.int32)
        tensor.type = _TYPES[dtype]
        tensor.isVariable = variable
        if data is not None:
            tensor.buffer = self._add_buffer(np.asarray(data, dtype).tobytes())
        if scales is None and dtype == "int8":
            scales = [0.5]
        if scales is not None:
            tensor.quantization = schema_fb.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(scales, np.float32)
            tensor.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
            tensor.quantization.quantizedDimension = axis
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Dimensions of a tensor."""
        return tuple(int(d) for d in self._tensors[tensor].shape)

    def quantization(self, tensor: int) -> tuple[float, int]:
        """First scale and zero point of a tensor."""
        q = self._tensors[tensor].quantization
        return float(q.scale[0]), int(q.zeroPoint[0])

    def is_constant(self, tensor: int) -> bool:
        """Whether a tensor has data."""
        return self._tensors[tensor].buffer > 0

    def op(self, name, inputs, outputs, options=None, custom_options=None) -> None:
        """Adds an op: a builtin by the schema's name, else a custom op. `options`: class name and fields."""
        code = schema_fb.OperatorCodeT()
        code.version = 1
        builtin = getattr(schema_fb.BuiltinOperator, name, None)
        if builtin is None:
            builtin = schema_fb.BuiltinOperator.CUSTOM
            code.customCode = name.encode()
        code.builtinCode = builtin
        code.deprecatedBuiltinCode = min(builtin, 127)
        op = schema_fb.OperatorT()
        op.opcodeIndex = len(self._codes)
        op.inputs, op.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if options is not None:
            kind, fields = options
            op.builtinOptionsType = getattr(schema_fb.BuiltinOptions, kind)
            op.builtinOptions = getattr(schema_fb, kind + "T")()
            for field, value in fields.items():
                setattr(op.builtinOptions, field, value)
        if custom_options is not None:
            op.customOptions = np.frombuffer(custom_options, np.uint8)
        self._codes.append(code)
        self._ops.append(op)

    def prescribe_offsets(self, offsets) -> None:
        """Adds an offline memory plan: an offset for each tensor, -1 for none."""
        self.metadata("OfflineMemoryAllocation", np.asarray([1, 0, len(offsets), *offsets], np.int32).tobytes())

    def metadata(self, name: str, data: bytes) -> None:
        """Adds a metadata buffer."""
        entry = schema_fb.MetadataT()
        entry.name = name.encode()
        entry.buffer = self._add_buffer(data)
        self._metadata.append(entry)

    def signature(self, name: str, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        """Adds a signature: tensors by their public names."""
        signature = schema_fb.SignatureDefT()
        signature.signatureKey = name.encode()
        signature.inputs, signature.outputs = ([_named(*item) for item in part.items()] for part in (inputs, outputs))
        self._signatures.append(signature)

    def build(self, inputs, outputs) -> bytes:
        """Writes the flatbuffer."""
        subgraph = schema_fb.SubGraphT()
        subgraph.tensors, subgraph.operators = self._tensors, self._ops
        subgraph.inputs, subgraph.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        model = schema_fb.ModelT()
        model.version = 3
        model.operatorCodes, model.subgraphs, model.buffers = self._codes, [subgraph], self._buffers
        model.metadata = self._metadata or None
        model.signatureDefs = self._signatures or None
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _add_buffer(self, data: bytes) -> int:
        buffer = schema_fb.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        self._buffers.append(buffer)
        return len(self._buffers) - 1


def _named(name: str, tensor: int):
    entry = schema_fb.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
