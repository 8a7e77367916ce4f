# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every order computes the same; what can be freed early is."""

import keras
import model_zoo
import pytest
from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ir.verify import verify
from tfdgsu.export.passes.order_ops import find_orders
from tfdgsu.export.schema import read_graph

import tfdgsu


def _values(graph, ops):
    """Every graph output's and variable's final value, as the expression that made it."""
    value = {}

    def of(tensor):
        return value.get(id(tensor), tensor.name)

    for op in ops:
        inputs = tuple(None if t is None else of(t) for t in op.inputs)
        made = hash((op.kind, inputs, str(op.options)))
        for i, tensor in enumerate([*op.outputs, *op.mutates]):
            value[id(tensor)] = (made, i)
    return [of(t) for t in [*graph.outputs, *graph.inputs]]


@pytest.fixture(scope="module", params=["small_conv_net", "depthwise_residual_net", "concat_net"])
def graph(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "model.tflite"
    model = model_zoo.build(request.param)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.4))
    sparse.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss="sparse_categorical_crossentropy")
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=2)
    tfdgsu.export.export_training_bundle(sparse, path, callback=callback)
    return read_graph(path.read_bytes())


def test_every_order_computes_the_same(graph):
    orders = find_orders(graph)
    assert orders[0] == graph.ops
    assert len(orders) > 1
    for ops in orders[1:]:
        assert sorted(map(id, ops)) == sorted(map(id, graph.ops))
        verify(Graph(ops, graph.inputs, graph.outputs), "order_ops")
        assert _values(graph, ops) == _values(graph, graph.ops)


def test_the_expressions_notice_a_swap(graph):
    """That the comparison above can fail: a reader of an updated weight, moved to the other side of the update."""
    writer = next(op for op in graph.ops if op.mutates and op.kind.endswith("GradFilter"))
    reader = next(op for op in graph.ops if writer.mutates[0] in op.inputs and op.outputs)
    ops = [op for op in graph.ops if op is not reader]
    ops.insert(ops.index(writer) + 1, reader)
    assert _values(graph, ops) != _values(graph, graph.ops)


def test_variables_are_loaded_first_and_the_step_is_counted_last(graph):
    for ops in find_orders(graph):
        assert ops[0].kind == "TfdgsuLoadVariables"
        assert ops[-1].kind == "TfdgsuAdvanceStep"


def _train():
    return Tensor("train", (1,), "int32", is_variable=True)


def test_an_update_runs_as_soon_as_it_can():
    """The bias update frees dy before an unrelated gradient is made."""
    train, lr, bias = _train(), Tensor("lr", (1,)), Tensor("b", (4,), is_variable=True)
    x, dy, a, b = Tensor("x", (64, 4)), Tensor("dy", (64, 4)), Tensor("a", (64, 4)), Tensor("b2", (64, 4))
    ops = [
        Op("RELU", [x], [dy]),
        Op("RELU", [x], [a]),
        Op("RELU", [a], [b]),
        custom_op("TfdgsuBiasGrad", [train, lr, dy, bias, None], [], {"momentum": 0.0, "nesterov": 0}),
    ]
    graph = Graph(ops, [x, lr, train, bias], [b])
    assert any([op.kind for op in order[:2]] == ["RELU", "TfdgsuBiasGrad"] for order in find_orders(graph))


def test_what_is_kept_is_gathered_before_others_read():
    """So that the other reader is the last and may overwrite the large tensor."""
    train, channels = _train(), Tensor("channels", (1,), "int32", is_variable=True)
    x, y, kept = Tensor("x", (1, 8, 8, 4)), Tensor("y", (1, 8, 8, 4)), Tensor("kept", (1, 8, 8, 1))
    ops = [Op("RELU", [x], [y]), custom_op("TfdgsuGatherChannels", [train, x, channels], [kept], {})]
    graph = Graph(ops, [x, train, channels], [y, kept])
    assert [ops[1], ops[0]] in find_orders(graph)


def test_the_gate_stays_between_those_before_and_behind_it():
    train = _train()
    x, label, z = Tensor("x", (2, 3)), Tensor("label", (2,), "int32"), Tensor("z", (2, 3))
    loss, dy, dz, bits = Tensor("loss", (1,)), Tensor("dy", (2, 3)), Tensor("dz", (2, 3)), Tensor("bits", (1,), "uint8")
    ops = [
        Op("RELU", [x], [z]),
        custom_op("TfdgsuReluMask", [train, z], [bits], {"low": 0.0, "high": 6.0}),
        custom_op("TfdgsuSparseCategoricalCrossentropy", [train, z, label], [loss, dy], {"from_logits": 1}),
        custom_op("TfdgsuApplyMask", [train, dy, bits], [dz], {"mask_alpha": 0.0}),
    ]
    for order in find_orders(Graph(ops, [x, label, train], [loss, dz])):
        assert order == ops
