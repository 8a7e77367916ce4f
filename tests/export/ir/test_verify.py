# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ir.verify import GraphError, verify


def _weight(name="w", variable=False):
    data = None if variable else np.zeros((3, 2), np.float32)
    return Tensor(name, (3, 2), data=data, is_variable=variable)


def _graph(variable=True):
    """x -> FULLY_CONNECTED(w) -> y, then an in-place update of w."""
    x, y, w = Tensor("x", (1, 2)), Tensor("y", (1, 3)), _weight(variable=variable)
    train = Tensor("train", (1,), "int32", is_variable=True)
    forward = Op("FULLY_CONNECTED", [x, w], [y])
    update = Op("TfdgsuBiasGrad", [train, y, w], [], {}, is_custom=True, mutates=(w,))
    return Graph([forward, update], [x, train], [y])


def test_verify_sound_graph_returns_it():
    graph = _graph()
    assert verify(graph, "test") is graph


def test_verify_read_before_made_names_pass_and_tensor():
    graph = _graph()
    graph.ops[0].inputs[0] = Tensor("nowhere", (1, 2))
    with pytest.raises(GraphError, match="after pass 'my_pass': nowhere is read before it is made"):
        verify(graph, "my_pass")


def test_verify_forward_read_after_update_is_refused():
    graph = _graph()
    again = Op("FULLY_CONNECTED", list(graph.ops[0].inputs), [Tensor("z", (1, 3))])
    graph.ops.append(again)
    with pytest.raises(GraphError, match="after TfdgsuBiasGrad overwrote it"):
        verify(graph, "test")


def test_verify_input_gradient_after_update_is_refused():
    graph = _graph()
    train, w = graph.inputs[1], graph.ops[0].inputs[1]
    late = Op("TfdgsuFullyConnectedGradInput", [train, graph.outputs[0], w], [Tensor("dx", (1, 2))], {}, is_custom=True)
    graph.ops.append(late)
    with pytest.raises(GraphError, match="input gradient reads w after its update"):
        verify(graph, "test")


def test_verify_loading_a_variable_before_use_is_allowed():
    graph = _graph()
    w, factory = graph.ops[0].inputs[1], _weight("w/factory")
    graph.ops.insert(0, Op("TfdgsuLoadVariables", [factory, w], [], {}, is_custom=True, mutates=(w,)))
    verify(graph, "test")


def test_verify_overwriting_a_constant_is_refused():
    with pytest.raises(GraphError, match="w is overwritten but is no variable"):
        verify(_graph(variable=False), "test")


def test_verify_variable_with_data_is_refused():
    graph = _graph()
    graph.ops[0].inputs[1].data = np.zeros((3, 2), np.float32)
    with pytest.raises(GraphError, match="variable w has constant data"):
        verify(graph, "test")


@pytest.mark.parametrize("data", [np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float64)])
def test_verify_constant_whose_data_disagrees_is_refused(data):
    graph = _graph()
    graph.ops[0].inputs.append(Tensor("bias", (3, 2), data=data))
    with pytest.raises(GraphError, match="data of bias"):
        verify(graph, "test")


def test_verify_tensor_made_twice_is_refused():
    graph = _graph()
    graph.ops.insert(1, Op("RELU", [graph.inputs[0]], [graph.outputs[0]]))
    with pytest.raises(GraphError, match="y is made twice"):
        verify(graph, "test")


def test_verify_repeated_name_is_refused():
    graph = _graph()
    graph.outputs[0].name = "x"
    with pytest.raises(GraphError, match="two tensors are named x"):
        verify(graph, "test")
