# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What `overlap_check` reads from a file by itself: who uses a tensor when, and which overlaps the ops permit.

The lists repeat what the definitions of the ops say (`may_overwrite`, `rows_needed`), so that an error there does not
prove itself.
"""

from __future__ import annotations

import math
import struct

from tensorflow.lite.python import schema_py_generated as schema_fb

from ..ops.custom import unpack_options

_NAMES = {number: name for name, number in vars(schema_fb.BuiltinOperator).items() if not name.startswith("_")}
_BYTES = {
    schema_fb.TensorType.FLOAT32: 4,
    schema_fb.TensorType.INT32: 4,
    schema_fb.TensorType.INT64: 8,
    schema_fb.TensorType.INT16: 2,
}

# (output, input) positions; sources: the C files of the kernels.
SAME_PLACE = {
    "ADD": {(0, 0), (0, 1)},
    "MUL": {(0, 0), (0, 1)},
    "RELU": {(0, 0)},
    "RELU6": {(0, 0)},
    "RESHAPE": {(0, 0)},
    "SUB": {(0, 0), (0, 1)},
    "TfdgsuAddGradients": {(0, 1), (0, 2)},
    "TfdgsuApplyMask": {(0, 1)},
    "TfdgsuConv2DGradInput": {(0, 3)},
    "TfdgsuConv2DGradInputInt8": {(0, 4)},
    "TfdgsuDepthwiseConv2DGradInput": {(0, 3)},
    "TfdgsuDepthwiseConv2DGradInputInt8": {(0, 4)},
    "TfdgsuFullyConnectedGradInput": {(0, 3)},
    "TfdgsuLogisticGrad": {(0, 2)},
    "TfdgsuMeanGrad": {(0, 2)},
    "TfdgsuMulGrad": {(0, 1)},
    "TfdgsuSoftmaxGrad": {(0, 2)},
}
# Their gradient may take the place of logits, not of probabilities; the option follows the version.
_LOSSES = (
    "TfdgsuBinaryCrossentropy",
    "TfdgsuCategoricalCrossentropy",
    "TfdgsuSparseCategoricalCrossentropy",
)
_CONV_BLOCK = "TfdgsuConvBlock"
_CONV_W, _DEPTHWISE_W = 2, 6


class FileView:
    """The only subgraph of a file; moment 0 is before the first op, op i runs at moment i + 1."""

    def __init__(self, model: bytes):
        flat = schema_fb.ModelT.InitFromPackedBuf(model, 0)
        [self._subgraph] = flat.subgraphs
        self._codes = flat.operatorCodes

    def n_bytes(self, tensor_idx: int) -> int:
        """Size of a tensor's value."""
        tensor = self._subgraph.tensors[tensor_idx]
        return math.prod(self._shape(tensor_idx)) * _BYTES.get(tensor.type, 1)

    def moments_of(self, tensor_idx: int) -> list[int]:
        """Every moment at which the tensor is needed, ascending."""
        ops = self._subgraph.operators
        moments = [i + 1 for i, op in enumerate(ops) if tensor_idx in [*op.inputs, *op.outputs]]
        first = [0] if tensor_idx in list(self._subgraph.inputs) else []
        last = [len(ops)] if tensor_idx in list(self._subgraph.outputs) else []
        return first + moments + last

    def permits(self, moment: int, result: int, operand: int, distance: int) -> bool:
        """Whether the op at `moment` may write tensor `result` beginning `distance` bytes before `operand`."""
        if moment < 1 or moment > len(self._subgraph.operators):
            return False
        op = self._subgraph.operators[moment - 1]
        name = self._name(op)
        pairs = {
            (o, i) for o, y in enumerate(op.outputs) for i, x in enumerate(op.inputs) if y == result and x == operand
        }
        if not pairs:
            return False
        if name == _CONV_BLOCK:
            return pairs == {(0, 1)} and self._rows_are_apart(op, result, operand, distance)
        allowed = SAME_PLACE.get(name, set())
        if name in _LOSSES and struct.unpack("<ii", bytes(op.customOptions))[1] == 1:
            allowed = {(1, 1)}
        return pairs <= allowed and distance == 0 and self.n_bytes(result) == self.n_bytes(operand)

    def _rows_are_apart(self, op: schema_fb.OperatorT, result: int, operand: int, distance: int) -> bool:
        """Whether no row is written where a row lies that it, or a later one, is made of."""
        x_shape, y_shape = self._shape(operand), self._shape(result)
        x_row, y_row = math.prod(x_shape[2:]), math.prod(y_shape[2:])
        for row in range(y_shape[1]):
            first_needed = distance + x_row * self._first_row_read(op, row)
            if y_row * (row + 1) > first_needed and y_row * row < distance + x_row * x_shape[1]:
                return False
        return x_shape[0] == y_shape[0] == 1

    def _first_row_read(self, op: schema_fb.OperatorT, row: int) -> int:
        """First row of x that is read while output `row` is written, or later.

        A row of the conv stage's result is made once and then kept for the depthwise stage: rows of x whose conv rows
        are made are read no more. The addition reads the row of x that it writes.
        """
        options = unpack_options(_CONV_BLOCK, bytes(op.customOptions))
        first = row
        if op.inputs[_DEPTHWISE_W] >= 0:
            first = first * options["depthwise_stride_h"] - options["depthwise_pad_top"]
            if op.inputs[_CONV_W] >= 0:
                first += self._shape(op.inputs[_DEPTHWISE_W])[1]
        if op.inputs[_CONV_W] >= 0:
            first = first * options["conv_stride_h"] - options["conv_pad_top"]
        return max(0, min(first, row) if options["has_add"] else first)

    def _name(self, op: schema_fb.OperatorT) -> str:
        code = self._codes[op.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        if number != schema_fb.BuiltinOperator.CUSTOM:
            return _NAMES[number]
        return code.customCode.decode() if isinstance(code.customCode, bytes) else code.customCode

    def _shape(self, tensor_idx: int) -> list[int]:
        shape = self._subgraph.tensors[tensor_idx].shape
        return [] if shape is None else [int(d) for d in shape]
