# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""When a result may lie over an operand, and that the planner and the check agree about the ops."""

import numpy as np
import pytest
from tfdgsu.export.arena import find_overlaps as planner
from tfdgsu.export.arena import permitted_overlaps as check
from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ops.custom import REGISTRY

_SHAPE = (1, 4, 4, 2)


def _tensor(name, shape=_SHAPE, **kwargs):
    return Tensor(name, shape, **kwargs)


def _found(graph):
    return [(o.result.name, o.operand.name, o.distance) for o in planner.find_overlaps(graph)]


def test_last_reader_may_overwrite():
    x, y, z = _tensor("x"), _tensor("y"), _tensor("z")
    graph = Graph([Op("RELU", [x], [y]), Op("RELU", [y], [z])], [x], [z])
    assert _found(graph) == [("y", "x", None), ("z", "y", None)]


def test_an_operand_that_is_read_later_stays():
    x, y, z = _tensor("x"), _tensor("y"), _tensor("z")
    graph = Graph([Op("RELU", [x], [y]), Op("ADD", [x, y], [z])], [x], [z])
    assert _found(graph) == [("z", "x", None), ("z", "y", None)]


def test_a_graph_output_a_constant_and_a_variable_stay():
    constant = _tensor("c", data=np.zeros(_SHAPE, np.float32))
    variable = _tensor("v", is_variable=True)
    x, y, z, w = (_tensor(n) for n in "xyzw")
    ops = [Op("RELU", [x], [y]), Op("ADD", [y, constant], [z]), Op("ADD", [z, variable], [w])]
    assert _found(Graph(ops, [x], [w, y])) == [("y", "x", None), ("w", "z", None)]


def test_a_smaller_operand_that_is_broadcast_stays():
    x, row, y = _tensor("x"), _tensor("row", (2,)), _tensor("y")
    assert _found(Graph([Op("ADD", [x, row], [y])], [x, row], [y])) == [("y", "x", None)]


def test_an_op_that_reads_the_operand_elsewhere_too_may_not():
    """dx = transposed convolution of g, plus g: elements of g are needed again and again."""
    train, w = _tensor("train", (1,), dtype="int32", is_variable=True), _tensor("w", (2, 3, 3, 2), is_variable=True)
    options = {"stride_h": 1, "stride_w": 1, "pad_top": 1, "pad_left": 1, "mask_alpha": 0.0}
    g, h, dx = _tensor("g"), _tensor("h"), _tensor("dx")
    assert _found(Graph([custom_op("TfdgsuConv2DGradInput", [train, g, w, g, None], [dx], options)], [g], [dx])) == []
    apart = custom_op("TfdgsuConv2DGradInput", [train, g, w, h, None], [dx], options)
    assert _found(Graph([apart], [g, h], [dx])) == [("dx", "h", None)]


@pytest.mark.parametrize(("from_logits", "expected"), [(1, [("dy", "logits", None)]), (0, [])])
def test_a_loss_overwrites_logits_only(from_logits, expected):
    train = _tensor("train", (1,), dtype="int32", is_variable=True)
    logits, label = _tensor("logits", (2, 5)), _tensor("label", (2,), dtype="int32")
    loss, dy = _tensor("loss", (1,)), _tensor("dy", (2, 5))
    inputs, options = [train, logits, label], {"from_logits": from_logits}
    op = custom_op("TfdgsuSparseCategoricalCrossentropy", inputs, [loss, dy], options)
    assert _found(Graph([op], [logits, label], [loss, dy])) == expected


def _options(op):
    return {field.name: 0 for field in op.OPTIONS}


@pytest.mark.parametrize("name", list(REGISTRY))
def test_planner_and_check_agree_about_every_custom_op(name):
    op = REGISTRY[name]
    assert set(op.may_overwrite(_options(op))) == check.SAME_PLACE.get(name, set())
    if "from_logits" in _options(op):
        assert (set(op.may_overwrite({"from_logits": 1})) == {(1, 1)}) == (name in check._LOSSES)
    assert (op.rows_needed(_options(op), 0) is not None) == (name == check._CONV_BLOCK)


def test_planner_and_check_agree_about_builtin_ops():
    builtin = {name: set(pairs) for name, pairs in planner._BUILTIN.items()}
    assert builtin == {name: pairs for name, pairs in check.SAME_PLACE.items() if not name.startswith("Tfdgsu")}
