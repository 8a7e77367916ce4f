# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""LoadVariables needs constants, so it has a model of its own."""

import numpy as np
import one_op_model
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec, pack_options
from tfdgsu.micro_runtime.interpreter import Interpreter

FACTORY = [np.arange(6, dtype=np.float32).reshape(2, 3) - 2, np.array([7, -8], np.int32), np.array([200], np.uint8)]


def build():
    model, subgraph = one_op_model.new_model()
    constants = []
    for i, value in enumerate(FACTORY):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        model.buffers.append(buffer)
        constants.append(one_op_model.add_tensor(subgraph, f"f{i}", value.shape, value.dtype, buffer=i + 1))
    variables = [
        one_op_model.add_tensor(subgraph, f"v{i}", value.shape, value.dtype, is_variable=True)
        for i, value in enumerate(FACTORY)
    ]
    options = pack_options("TfdgsuLoadVariables", {"n_variables": len(FACTORY)})
    one_op_model.add_custom_op(model, constants + variables, [], "TfdgsuLoadVariables", options)
    subgraph.inputs = subgraph.outputs = variables
    return one_op_model.pack_model(model)


def test_factory_values_are_loaded_once_and_again_after_reset():
    interpreter = Interpreter(build(), 1 << 16)
    for _ in range(2):
        assert not interpreter.get_output(0).any()
        interpreter.invoke()
        for i, value in enumerate(FACTORY):
            np.testing.assert_array_equal(interpreter.get_output(i), value)
        interpreter.set_input(1, np.array([1, 2], np.int32))
        interpreter.invoke()
        np.testing.assert_array_equal(interpreter.get_output(1), [1, 2])
        interpreter.reset()


def test_reference_copies():
    variables = [np.zeros_like(value) for value in FACTORY]
    REGISTRY["TfdgsuLoadVariables"].reference([*FACTORY, *variables], {"n_variables": 3}, [])
    for variable, value in zip(variables, FACTORY):
        np.testing.assert_array_equal(variable, value)


def test_shape_rule_wants_pairs():
    op = REGISTRY["TfdgsuLoadVariables"]
    pair = [TensorSpec((2,), "float32"), TensorSpec((2,), "int32")]
    with pytest.raises(ValueError, match="must agree"):
        op.check(pair, [], {"n_variables": 1})
    with pytest.raises(ValueError, match="2 inputs"):
        op.check(pair[:1], [], {"n_variables": 1})
