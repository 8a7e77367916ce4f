# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
from tfdgsu.export.ir import Graph, Op, Tensor


def test_variables_keep_their_public_names_when_names_are_made_unique():
    x, results = Tensor("x", (1, 2)), [Tensor("step", (1, 2)), Tensor("step", (1, 2))]
    step = Tensor("step", (1,), "int32", is_variable=True)
    ops = [Op("RELU", [x], results[:1]), Op("RELU", results[:1], results[1:]), Op("TfdgsuAdvanceStep", [step], [])]
    Graph(ops, [x], results[1:]).make_names_unique()
    assert (step.name, *(t.name for t in results)) == ("step", "step_1", "step_2")
