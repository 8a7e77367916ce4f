# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of the TFLite schema, read from the schema's own generated enums."""

from __future__ import annotations

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

_NUMPY_BY_TYPE = {
    schema_fb.TensorType.FLOAT32: "float32",
    schema_fb.TensorType.FLOAT16: "float16",
    schema_fb.TensorType.INT32: "int32",
    schema_fb.TensorType.UINT8: "uint8",
    schema_fb.TensorType.INT64: "int64",
    schema_fb.TensorType.BOOL: "bool",
    schema_fb.TensorType.INT16: "int16",
    schema_fb.TensorType.INT8: "int8",
    schema_fb.TensorType.UINT32: "uint32",
    schema_fb.TensorType.UINT16: "uint16",
}
_TYPE_BY_NUMPY = {name: number for number, name in _NUMPY_BY_TYPE.items()}


def _names(enum: type) -> dict[int, str]:
    return {v: k for k, v in vars(enum).items() if not k.startswith("_") and isinstance(v, int)}


OPERATOR_NAMES = _names(schema_fb.BuiltinOperator)
OPERATOR_NUMBERS = {name: number for number, name in OPERATOR_NAMES.items()}
OPTIONS_NUMBERS = {name: number for number, name in _names(schema_fb.BuiltinOptions).items()}


def numpy_name(tensor_type: int, tensor_name: str) -> str:
    """NumPy dtype name of a schema tensor type.

    Raises:
        ValueError: for types that TensorFlow Lite Micro tensors of this project never have (strings, resources …).
    """
    if tensor_type not in _NUMPY_BY_TYPE:
        known = _names(schema_fb.TensorType).get(tensor_type, tensor_type)
        raise ValueError(
            f"Tensors in a bundle are plain numbers. Received: tensor '{tensor_name}' of type {known}. "
            "Remedy: remove the layer that makes it, or move it out of the exported model."
        )
    return _NUMPY_BY_TYPE[tensor_type]


def tensor_type(dtype: str) -> int:
    """Schema number of a NumPy dtype name; the inverse of ``numpy_name``."""
    return _TYPE_BY_NUMPY[np.dtype(dtype).name]
