# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.passes.name_after_layers import name_after_layers


def _names(result_name, layer_names):
    x, y, z = Tensor("x", (1, 2)), Tensor(result_name, (1, 2)), Tensor("Identity", (1, 2))
    bias = Tensor("arith.constant3", (2,), data=np.zeros(2, np.float32))
    graph = Graph([Op("ADD", [x, bias], [y]), Op("RELU", [y], [z])], [x], [z])
    name_after_layers(graph, layer_names)
    return [t.name for t in graph.tensors()]


def test_counter_of_a_scope_is_dropped():
    assert _names("model_1/conv_2_1/add", ["conv_2"]) == ["x", "conv_2/operand_1", "conv_2", "output"]


def test_layer_whose_name_ends_in_a_number_is_itself():
    assert _names("model/conv_2/add", ["conv", "conv_2"])[2] == "conv_2"


def test_scope_of_no_layer_keeps_its_name():
    assert _names("model/mystery/add", ["conv"])[2] == "model/mystery/add"
