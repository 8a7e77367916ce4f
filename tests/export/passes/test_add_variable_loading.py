# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Variables that start at zero need no loading: TFLM zeroes them."""

import types

import numpy as np
from tfdgsu.export.ir import Graph, Tensor
from tfdgsu.export.passes import add_variable_loading
from tfdgsu.export.training_step import TrainingStep


def _step(**factories):
    step = TrainingStep(types.SimpleNamespace())
    for name, factory in factories.items():
        step.add_variable(name, "kernel", "layer", np.array(factory, np.float32))
    return step


def test_only_what_is_not_zero_is_loaded():
    step = _step(a=[0.0, 1.0], b=[0.0, 0.0], c=[2.0])
    [op] = add_variable_loading.run(Graph([], [], []), step).ops
    assert op.kind == "TfdgsuLoadVariables"
    assert [t.name for t in op.inputs] == ["a/factory", "c/factory", "a", "c"]


def test_nothing_to_load_takes_no_op():
    """TFLM would refuse one without variables: a bundle that trains a new last layer only."""
    x = Tensor("x", (1,))
    assert add_variable_loading.run(Graph([], [x], [x]), _step(a=[0.0])).ops == []
