# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.passes import elide_broadcast_reshapes


def _graph(y_shape, flat_shape):
    x, y, flat, z = (
        Tensor("x", (1, 1, 1, 4)),
        Tensor("y", y_shape),
        Tensor("flat", flat_shape),
        Tensor("z", (1, 1, 1, 4)),
    )
    target = Tensor("target", (len(flat_shape),), "int32", np.array(flat_shape, np.int32))
    return Graph([Op("RESHAPE", [y, target], [flat]), Op("ADD", [x, flat], [z])], [x, y], [z])


def test_reshape_for_broadcasting_goes():
    graph = elide_broadcast_reshapes.run(_graph((1, 1, 1, 4), (4,)))
    assert [op.kind for op in graph.ops] == ["ADD"]
    assert [t.name for t in graph.ops[0].inputs] == ["x", "y"]


def test_reshape_that_changes_the_meaning_stays():
    graph = elide_broadcast_reshapes.run(_graph((2, 2), (1, 1, 1, 4)))
    assert [op.kind for op in graph.ops] == ["RESHAPE", "ADD"]


def test_reshape_with_another_reader_stays_for_it():
    graph = _graph((1, 1, 1, 4), (4,))
    graph.ops.append(Op("RELU", [graph.ops[0].outputs[0]], [Tensor("other", (4,))]))
    elide_broadcast_reshapes.run(graph)
    assert [op.kind for op in graph.ops] == ["RESHAPE", "ADD", "RELU"]
