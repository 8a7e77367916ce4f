# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One-op `.tflite` files, and running them in the real interpreter."""

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tfdgsu.export.ops.custom import REGISTRY, pack_options
from tfdgsu.micro_runtime.interpreter import Interpreter

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
}


def add_tensor(subgraph, name, shape, dtype, *, is_variable=False, buffer=0):
    """Appends a tensor to a subgraph; returns its index."""
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, list(shape), _TYPES[str(np.dtype(dtype))]
    tensor.isVariable, tensor.buffer = is_variable, buffer
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def new_model():
    """An empty model with one empty subgraph."""
    model, subgraph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers = 3, [schema.BufferT()]
    model.operatorCodes, model.subgraphs = [], [subgraph]
    subgraph.tensors, subgraph.operators = [], []
    subgraph.inputs, subgraph.outputs = [], []
    return model, subgraph


def add_custom_op(model, inputs, outputs, name, options_bytes):
    """Appends a custom op with its own operator code to subgraph 0."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = name, 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = list(inputs), list(outputs)
    operator.customOptions = np.frombuffer(options_bytes, np.uint8)
    model.subgraphs[0].operators.append(operator)


def pack_model(model):
    """The bytes of a model."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def build(name, inputs, outputs, options, *, options_bytes=None):
    """One op as a model. Every input is a variable listed among the subgraph's inputs and outputs.

    So each can be written before and read after the invoke, also those the op mutates.

    Args:
        name: Custom op string.
        inputs: (shape, dtype) or None, per input.
        outputs: (shape, dtype), per output; variables too, so that what the op leaves alone stays.
        options: Dict of options.
        options_bytes: Given to the op instead of the packed options.
    """
    model, subgraph = new_model()
    specs = [*inputs, *outputs]
    indices = [
        -1 if spec is None else add_tensor(subgraph, f"t{i}", *spec, is_variable=True) for i, spec in enumerate(specs)
    ]
    subgraph.inputs = subgraph.outputs = [index for index in indices if index >= 0]
    data = pack_options(name, options) if options_bytes is None else options_bytes
    add_custom_op(model, indices[: len(inputs)], indices[len(inputs) :], name, data)
    return pack_model(model)


def run(name, inputs, options, outputs, arena_bytes=1 << 20):
    """Runs one op in TFLM.

    Args:
        inputs: Array or None, per input.
        outputs: Array per output: what it holds before the op runs.

    Returns:
        (inputs, outputs) after the invoke; None stays None.
    """
    arrays = [*inputs, *outputs]
    specs = [None if array is None else (array.shape, array.dtype) for array in arrays]
    interpreter = Interpreter(build(name, specs[: len(inputs)], specs[len(inputs) :], options), arena_bytes)
    present = [i for i, array in enumerate(arrays) if array is not None]
    for position, i in enumerate(present):
        interpreter.set_input(position, arrays[i])
    interpreter.invoke()
    after = list(arrays)
    for position, i in enumerate(present):
        after[i] = interpreter.get_output(position)
    return after[: len(inputs)], after[len(inputs) :]


def run_reference(name, inputs, options, outputs):
    """The same by the NumPy reference."""
    inputs = [None if array is None else array.copy() for array in inputs]
    outputs = REGISTRY[name].reference(inputs, options, [array.shape for array in outputs])
    return inputs, outputs
