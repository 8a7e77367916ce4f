# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a flatbuffer that decide about memory, as plain objects."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

from ..schema.fields import as_list, as_text
from ..schema.types import OPERATOR_NAMES

_OFFLINE_PLAN = "OfflineMemoryAllocation"
_ONLINE = -1
_TYPE = schema_fb.TensorType
_ELEMENT_BYTES = {
    _TYPE.FLOAT16: 2,
    _TYPE.FLOAT32: 4,
    _TYPE.FLOAT64: 8,
    _TYPE.INT4: 1,  # TFLM counts one byte per element for planning.
    _TYPE.INT8: 1,
    _TYPE.INT16: 2,
    _TYPE.INT32: 4,
    _TYPE.INT64: 8,
    _TYPE.UINT8: 1,
    _TYPE.UINT16: 2,
    _TYPE.UINT32: 4,
    _TYPE.UINT64: 8,
    _TYPE.BOOL: 1,
    _TYPE.COMPLEX64: 8,
    _TYPE.COMPLEX128: 16,
    _TYPE.RESOURCE: 4,
    _TYPE.BFLOAT16: 2,
}
_DTYPE_NAMES = {value: name.lower() for name, value in vars(_TYPE).items() if not name.startswith("_")}


@dataclasses.dataclass(frozen=True)
class FlatTensor:
    """A tensor as the allocator sees it.

    Attributes:
        name: From the file.
        shape: Dimensions; `()` for a scalar.
        dtype: Lower-case name of the schema's type, e.g. "int8".
        n_bytes: Size of its data in memory.
        is_variable: Lives in the tail for the interpreter's lifetime.
        is_constant: Its data is in the file and needs no arena.
        n_scales: Quantization scales; 0 if it is not quantized.
        offline_offset: Offset that the file prescribes, or None.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    n_bytes: int
    is_variable: bool
    is_constant: bool
    n_scales: int
    offline_offset: int | None


@dataclasses.dataclass(frozen=True)
class FlatOp:
    """An op: its name (custom ops: their custom code), operands by tensor index (-1: absent), options.

    The options are the schema's object, those of a custom op bytes.
    """

    name: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclasses.dataclass(frozen=True)
class FlatSubgraph:
    """Tensors, ops in order of execution, and the indices of inputs and outputs."""

    tensors: tuple[FlatTensor, ...]
    ops: tuple[FlatOp, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_flat_model(model: bytes) -> tuple[FlatSubgraph, ...]:
    """Reads the subgraphs of a `.tflite` file.

    Raises:
        ValueError: if an offline memory plan does not fit the file's tensors, or a tensor has a type
            that TFLM can't hold.
    """
    flat = schema_fb.ModelT.InitFromPackedBuf(model, 0)
    n_tensors = sum(len(s.tensors) for s in flat.subgraphs)
    offsets = iter(_read_offline_plan(flat, n_tensors))
    return tuple(
        FlatSubgraph(
            tensors=tuple(_read_tensor(t, flat.buffers, next(offsets)) for t in s.tensors),
            ops=tuple(_read_op(o, flat.operatorCodes) for o in as_list(s.operators)),
            inputs=_indices(s.inputs),
            outputs=_indices(s.outputs),
        )
        for s in flat.subgraphs
    )


def _read_offline_plan(flat: schema_fb.ModelT, n_tensors: int) -> list[int | None]:
    for entry in as_list(flat.metadata):
        if as_text(entry.name) == _OFFLINE_PLAN:
            # Little-endian int32: version, subgraph, number of tensors, an offset for each (-1: not prescribed).
            words = np.frombuffer(bytes(flat.buffers[entry.buffer].data), "<i4")
            if words[2] != n_tensors or len(words) < 3 + n_tensors:
                raise ValueError(
                    "An offline memory plan has one offset for each tensor. "
                    f"Received: {words[2]} offsets for {n_tensors} tensors. Remedy: make the plan again."
                )
            return [None if w == _ONLINE else int(w) for w in words[3 : 3 + n_tensors]]
    return [None] * n_tensors


def _read_tensor(flat: schema_fb.TensorT, buffers: list, offline_offset: int | None) -> FlatTensor:
    name = as_text(flat.name)
    dtype = _DTYPE_NAMES.get(flat.type, str(flat.type))
    if flat.type not in _ELEMENT_BYTES:
        raise ValueError(
            f"TFLM can't allocate this tensor type. Received: {dtype} for tensor '{name}'. Remedy: use a numeric type."
        )
    shape = tuple(int(d) for d in as_list(flat.shape))
    data = buffers[flat.buffer].data
    return FlatTensor(
        name=name,
        shape=shape,
        dtype=dtype,
        n_bytes=math.prod(shape) * _ELEMENT_BYTES[flat.type],
        is_variable=bool(flat.isVariable),
        is_constant=data is not None and len(data) > 0,
        n_scales=_count_scales(flat.quantization),
        offline_offset=offline_offset,
    )


def _count_scales(quantization: schema_fb.QuantizationParametersT | None) -> int:
    if quantization is None or not len(as_list(quantization.zeroPoint)):
        return 0
    return len(as_list(quantization.scale))


def _read_op(flat: schema_fb.OperatorT, codes: list) -> FlatOp:
    code = codes[flat.opcodeIndex]
    # Files older than the wide field hold the code in the narrow one only.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    is_custom = builtin == schema_fb.BuiltinOperator.CUSTOM
    name = as_text(code.customCode) if is_custom else OPERATOR_NAMES.get(builtin, f"BUILTIN_{builtin}")
    options = bytes(bytearray(as_list(flat.customOptions))) if is_custom else flat.builtinOptions
    return FlatOp(name, is_custom, _indices(flat.inputs), _indices(flat.outputs), options)


def _indices(values) -> tuple[int, ...]:
    return tuple(int(v) for v in as_list(values))
