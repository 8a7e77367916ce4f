# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A TFLite model as plain tuples, read by bounds-checked access only.

Field numbers are those of TensorFlow's `schema.fbs`, version 3.
"""

import math
from typing import NamedTuple

import numpy as np

from .errors import require
from .flatbuffer import Table, read_root
from .quantization_rules import check_quantization

_DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
_SCHEMA_VERSION = 3
_OPTIONS_WITH_VECTOR = (17, 30)  # ReshapeOptions, SqueezeOptions: TFLM copies the vector
CUSTOM = 32
MAX_ELEMENTS = 2**31 - 1


class Quantization(NamedTuple):
    """What integers stand for: real = scale * (integer - zero point), with a scale for each index of `axis` or one.

    The numbers are as the file states them; `quantization_rules.py` holds what must be true of them.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


class Tensor(NamedTuple):
    """`data` is None unless the tensor is a constant; `quantization` is None for numbers that stand for themselves."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_variable: bool
    data: memoryview | None
    quantization: Quantization | None = None

    @property
    def n_elements(self) -> int:
        """Product of the sizes; 1 for a scalar."""
        return math.prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Size of its values in memory."""
        return self.n_elements * np.dtype(self.dtype).itemsize


class Operator(NamedTuple):
    """`builtin_code` is `CUSTOM` for custom ops; tensor indices are -1 where absent."""

    builtin_code: int
    custom_code: str | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: int
    options: Table | None
    custom_options: bytes


class Model(NamedTuple):
    """Subgraph 0 of a model and what stands beside it. Signatures map names to tensor indices."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signatures: dict[str, tuple[dict[str, int], dict[str, int]]]
    metadata: dict[str, memoryview]


def read_model(data: bytes) -> Model:
    """Reads a model and checks that all its parts lie inside the file and refer to each other.

    Raises:
        BundleError: naming the rule that the file breaks.
    """
    root = read_root(data, b"TFL3")
    require(root.scalar(0, "I") == _SCHEMA_VERSION, "schema version must be 3", root.scalar(0, "I"))
    buffers = [_read_buffer(table) for table in root.tables(4)]
    codes = [_read_operator_code(table) for table in root.tables(1)]
    subgraphs = root.tables(2)
    require(len(subgraphs) == 1, "model must have one subgraph", len(subgraphs))
    subgraph = subgraphs[0]
    tensors = [_read_tensor(table, buffers) for table in subgraph.tables(0)]
    inputs = _indices(subgraph.numbers(1, "i"), len(tensors), "subgraph input")
    outputs = _indices(subgraph.numbers(2, "i"), len(tensors), "subgraph output")
    operators = [_read_operator(table, codes, len(tensors)) for table in subgraph.tables(3)]
    signatures = dict(_read_signature(table, len(tensors)) for table in root.tables(7))
    metadata = [_read_metadata(table, buffers) for table in root.tables(6)]
    names = [name for name, _ in metadata]
    require(len(set(names)) == len(names), "metadata must have distinct names", names)
    return Model(tensors, operators, inputs, outputs, signatures, dict(metadata))


def _read_buffer(table: Table) -> memoryview | None:
    require(
        not table.scalar(1, "Q") and not table.scalar(2, "Q"), "buffers must lie inside the flatbuffer", "an offset"
    )
    data = table.data(0)
    return data if data is not None and len(data) else None


def _read_operator_code(table: Table) -> tuple[int, str | None]:
    # Files of either age: the larger of the old 8-bit field and the new one counts.
    code = max(table.scalar(0, "b"), table.scalar(3, "i"))
    name = table.text(1)
    require((code == CUSTOM) == (name is not None), "custom ops, and only they, must have a name", (code, name))
    return code, name


def _read_tensor(table: Table, buffers: list) -> Tensor:
    name = table.text(3) or ""
    dtype = _DTYPES.get(table.scalar(1, "b"))
    require(dtype is not None, f"tensor '{name}' must be of a plain number type", table.scalar(1, "b"))
    shape = table.numbers(0, "i")
    require(len(shape) <= 6 and all(size > 0 for size in shape), f"tensor '{name}' must have a static shape", shape)
    require(math.prod(shape) <= MAX_ELEMENTS, f"tensor '{name}' must have fewer than 2^31 elements", shape)
    require(not table.numbers(7, "i") or table.numbers(7, "i") == shape, f"tensor '{name}' must have one shape", shape)
    require(table.table(6) is None and not table.tables(9), f"tensor '{name}' must be dense", "sparsity")
    quantization = _read_quantization(table.table(4), name)
    buffer = table.scalar(2, "I")
    require(buffer < len(buffers), f"tensor '{name}' must refer to one of {len(buffers)} buffers", buffer)
    tensor = Tensor(name, shape, dtype, bool(table.scalar(5, "B")), buffers[buffer], quantization)
    check_quantization(tensor)
    if tensor.data is not None:
        require(
            len(tensor.data) == tensor.n_bytes, f"tensor '{name}' must have {tensor.n_bytes} bytes", len(tensor.data)
        )
        require(not tensor.is_variable, f"variable '{name}' must have an empty buffer", len(tensor.data))
    return tensor


def _read_quantization(table: Table | None, name: str) -> Quantization | None:
    if table is None:
        return None
    has_details = table.scalar(4, "B") != 0 or table.table(5) is not None
    require(not has_details, f"tensor '{name}' must have scales and zero points only", "details")
    quantization = Quantization(table.numbers(2, "f"), table.numbers(3, "q"), table.scalar(6, "i"))
    return quantization if quantization.scales or quantization.zero_points else None


def _read_operator(table: Table, codes: list, n_tensors: int) -> Operator:
    code = table.scalar(0, "I")
    require(code < len(codes), f"op must refer to one of {len(codes)} operator codes", code)
    require(not table.numbers(8, "i"), "ops must have no intermediate tensors", table.numbers(8, "i"))
    require(
        not table.scalar(9, "Q") and not table.scalar(10, "Q"), "options must lie inside the flatbuffer", "an offset"
    )
    require(table.scalar(11, "B") == 0, "ops must not use the second options union", table.scalar(11, "B"))
    options = table.table(4)
    if options is not None and table.scalar(3, "B") in _OPTIONS_WITH_VECTOR:
        require(len(options.numbers(0, "i")) <= 8, "options must name at most eight axes", options.numbers(0, "i"))
    custom_options = table.data(5)
    require(codes[code][0] == CUSTOM or custom_options is None, "builtin ops must have no custom options", codes[code])
    return Operator(
        *codes[code],
        _indices(table.numbers(1, "i"), n_tensors, "op input", lowest=-1),
        _indices(table.numbers(2, "i"), n_tensors, "op output"),
        table.scalar(3, "B"),
        options,
        bytes(custom_options or b""),
    )


def _read_signature(table: Table, n_tensors: int):
    key = table.text(2)
    require(key is not None and table.scalar(4, "I") == 0, "signatures must have a name and be of subgraph 0", key)
    return key, (_read_tensor_map(table.tables(0), n_tensors), _read_tensor_map(table.tables(1), n_tensors))


def _read_tensor_map(tables: list[Table], n_tensors: int) -> dict[str, int]:
    named = {table.text(0): table.scalar(1, "I") for table in tables}
    require(None not in named and len(named) == len(tables), "signature entries must have distinct names", list(named))
    _indices(tuple(named.values()), n_tensors, "signature tensor")
    return named


def _read_metadata(table: Table, buffers: list) -> tuple[str, memoryview]:
    name, buffer = table.text(0), table.scalar(1, "I")
    require(name is not None, "metadata must have a name", None)
    # TFLM reads it without checking, and the exporter writes none. `memory_plan.py` checks the other one that it reads.
    require(name != "COMPRESSION_METADATA", "metadata must be known", name)
    require(buffer < len(buffers), f"metadata must refer to one of {len(buffers)} buffers", buffer)
    return name, buffers[buffer] if buffers[buffer] is not None else memoryview(b"")


def _indices(indices: tuple, n_tensors: int, what: str, lowest: int = 0) -> tuple:
    require(all(lowest <= i < n_tensors for i in indices), f"{what} must be one of {n_tensors} tensors", indices)
    return indices
