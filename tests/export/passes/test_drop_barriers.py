# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ir.verify import verify
from tfdgsu.export.passes import drop_barriers


def test_readers_of_a_barrier_read_its_source():
    x, once, twice, y = (Tensor(name, (1, 4)) for name in ("x", "once", "twice", "y"))
    barriers = [Op("DeepCopy", [x], [once], is_custom=True), Op("DeepCopy", [once], [twice], is_custom=True)]
    relu = Op("RELU", [twice], [y])
    graph = drop_barriers.run(Graph([*barriers, relu], [x], [y]))
    verify(graph, "drop_barriers")
    assert graph.ops == [relu]
    assert relu.inputs == [x]


def test_a_barrier_in_front_of_the_output_is_dropped():
    x, y, copied = (Tensor(name, (1, 4)) for name in ("x", "y", "copied"))
    graph = drop_barriers.run(
        Graph([Op("RELU", [x], [y]), Op("DeepCopy", [y], [copied], is_custom=True)], [x], [copied])
    )
    assert graph.outputs == [y]
