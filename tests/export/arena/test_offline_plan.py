# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Plans of whole graphs: smaller, as predicted, proved, and without any effect on what is computed."""

import dataclasses
import itertools

import keras
import model_zoo
import numpy as np
import pytest
from tfdgsu.export.arena import offline_plan, pack_buffers, plan_memory, predict_arena, verify_no_overlap
from tfdgsu.export.arena.offline_plan import choose_offsets
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.passes.order_ops import find_orders
from tfdgsu.export.schema import read_graph, write_graph
from tfdgsu.micro_runtime.interpreter import Interpreter
from tflm_arena import probe_arenas

import tfdgsu

_N_STEPS = 4


def _chain(n):
    """RELU after RELU."""
    tensors = [Tensor(f"t{i}", (1, 16, 16, 4)) for i in range(n + 1)]
    ops = [Op("RELU", [x], [y]) for x, y in itertools.pairwise(tensors)]
    return Graph(ops, [tensors[0]], [tensors[-1]])


def _write(plan):
    return write_graph(plan.graph, offsets=plan.offsets)


def test_a_chain_of_elementwise_ops_needs_one_place():
    graph = _chain(4)
    plan = plan_memory(graph)
    assert set(plan.offsets.values()) == {0}
    assert predict_arena(_write(plan)).head_bytes == graph.inputs[0].n_bytes
    assert predict_arena(write_graph(graph)).head_bytes == 2 * graph.inputs[0].n_bytes


def test_a_graph_that_tflm_plans_as_well_stays_as_it_is():
    x, y = Tensor("x", (1, 8, 8, 2)), Tensor("y", (1, 2))
    axes = Tensor("axes", (2,), "int32", np.array([1, 2], np.int32))
    graph = Graph([Op("MEAN", [x, axes], [y])], [x], [y])
    plan = plan_memory(graph)
    assert plan.graph is graph
    assert plan.offsets is None


def test_prediction_and_least_arena_are_those_of_tflm():
    data = _write(plan_memory(_chain(3)))
    prediction = predict_arena(data)
    least = prediction.minimum_arena_bytes
    (usage, printed), (again, _), (too_small, _) = probe_arenas([(data, 1 << 20), (data, least), (data, least - 16)])
    assert usage is not None, printed
    assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes)
    assert again == usage
    assert too_small is None


@pytest.fixture(
    scope="module",
    params=[
        ("small_conv_net", None),
        ("depthwise_residual_net", None),
        ("concat_net", None),
        ("mobilenet_v1_net", "int8"),
    ],
    ids=lambda parameters: parameters[0],
)
def bundle(request, tmp_path_factory):
    """The graph of a training bundle, and what it is fed with."""
    name, quantize = request.param
    path = tmp_path_factory.mktemp("bundle") / "model.tflite"
    model = model_zoo.build(name)
    x, y = model_zoo.random_batch(model, _N_STEPS)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.3, quantize=quantize))
    sparse.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss="sparse_categorical_crossentropy")
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=2)
    examples = x if quantize else None
    tfdgsu.export.export_training_bundle(sparse, path, callback=callback, representative_data=examples)
    return read_graph(path.read_bytes()), (x * 40).astype(np.int8) if quantize else x, y


def _train(data, graph, x, y):
    """What is defined after a few steps and an inference, which has no loss: predictions, losses, variables."""
    position = {t.name: i for i, t in enumerate(graph.inputs)}
    interpreter = Interpreter(data, predict_arena(data).minimum_arena_bytes)
    outputs = []
    for i in [*range(_N_STEPS), 0]:
        interpreter.set_input(position["x"], x[i : i + 1])
        interpreter.set_input(position["y"], y[i : i + 1])
        interpreter.set_input(position["learning_rate"], np.array([0.05], np.float32))
        interpreter.set_input(position["train"], np.array([int(len(outputs) < _N_STEPS)], np.int32))
        interpreter.invoke()
        defined = [k for k, t in enumerate(graph.outputs) if t.name != "loss" or len(outputs) < _N_STEPS]
        outputs.append([interpreter.get_output(k) for k in defined])
    return outputs


def _assert_equal(a, b):
    for step_a, step_b in zip(a, b, strict=True):
        for value_a, value_b in zip(step_a, step_b, strict=True):
            np.testing.assert_array_equal(value_a, value_b)


def _overlap_wherever_permitted(monkeypatch):
    """Without this, results take the place of operands only where that makes the arena smaller."""

    def pack(buffers, sharings):
        return pack_buffers.make_packings(buffers, sharings)[-1].search()[0]

    monkeypatch.setattr(offline_plan, "pack_buffers", pack)


def test_training_is_bit_identical_in_every_order_and_place(bundle, monkeypatch):
    graph, x, y = bundle
    _overlap_wherever_permitted(monkeypatch)
    expected = _train(write_graph(graph), graph, x, y)
    assert len({float(step[1][0]) for step in expected[:_N_STEPS]}) == _N_STEPS  # It does train.
    for ops in find_orders(graph):
        ordered = dataclasses.replace(graph, ops=ops)
        data = write_graph(ordered, offsets=choose_offsets(ordered))
        verify_no_overlap(predict_arena(data), data)
        with pytest.raises(ValueError, match="do not overlap"):  # As if no op might overwrite anything.
            verify_no_overlap(predict_arena(data))
        if any(op.kind == "TfdgsuConvBlock" for op in ops):
            assert _n_sliding(data), "blocks begin below their inputs"
        _assert_equal(_train(data, graph, x, y), expected)


def _n_sliding(data):
    """How many pairs overlap that do not begin at one address."""
    buffers = predict_arena(data).buffers
    return sum(
        max(a.first_used, b.first_used) == min(a.last_used, b.last_used) and b.offset < a.offset < b.offset + b.n_bytes
        for a, b in itertools.permutations(buffers, 2)
    )


def test_the_plan_is_never_worse(bundle):
    graph, _, _ = bundle
    before, after = predict_arena(write_graph(graph)), predict_arena(_write(plan_memory(graph)))
    assert after.minimum_arena_bytes <= before.minimum_arena_bytes
    assert after.tail_bytes == before.tail_bytes


def test_both_targets_have_the_same_head(bundle):
    data = _write(plan_memory(bundle[0]))
    host, device = predict_arena(data), predict_arena(data, "cortex_m")
    assert [(b.name, b.offset) for b in host.buffers] == [(b.name, b.offset) for b in device.buffers]
    verify_no_overlap(device, data)


def test_planning_is_the_same_every_time(bundle):
    graph = bundle[0]
    assert _write(plan_memory(graph)) == _write(plan_memory(graph))


def test_a_wrong_plan_is_caught(bundle):
    """Every tensor of the head in turn is moved onto one that is alive with it."""
    graph, _, _ = bundle
    offsets = choose_offsets(graph)
    data = write_graph(graph, offsets=offsets)
    good = predict_arena(data)
    verify_no_overlap(good, data)
    tensors = {t.name: t for t in graph.tensors()}
    for a in good.buffers:
        others = [b for b in good.buffers if b is not a and not b.is_scratch and b.is_alive(a.first_used)]
        for b in [b for b in others if b.first_used < a.first_used < b.last_used][:1]:
            if a.is_scratch:
                continue
            wrong = write_graph(graph, offsets={**offsets, tensors[a.name]: b.offset})
            with pytest.raises(ValueError, match="do not overlap"):
                verify_no_overlap(predict_arena(wrong), wrong)


def test_a_lifetime_that_the_file_does_not_have_is_caught(bundle):
    """A planner that believed lives to be shorter would overlap at will; the check counts them itself."""
    graph, _, _ = bundle
    data = write_graph(graph)
    prediction = predict_arena(data)
    for i, buffer in enumerate(prediction.buffers):
        if buffer.is_scratch or buffer.first_used == buffer.last_used:
            continue
        shorter = [*prediction.buffers]
        shorter[i] = dataclasses.replace(buffer, last_used=buffer.last_used - 1)
        with pytest.raises(ValueError, match="as long as the file uses it"):
            verify_no_overlap(dataclasses.replace(prediction, buffers=tuple(shorter)), data)
