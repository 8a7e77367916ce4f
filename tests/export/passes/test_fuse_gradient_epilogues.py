# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The fusions on hand-made graphs, by their text."""

from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Graph, Tensor
from tfdgsu.export.passes import elide_gradient_copies, fuse_gradient_epilogues

TRAIN = Tensor("train", (1,), "int32", is_variable=True)


def _tensor(name, shape=(1, 2)):
    return Tensor(name, shape)


def _dense_gradient(dy, dx):
    kernel = Tensor("w", (dy.shape[-1], dx.shape[-1]), is_variable=True)
    return custom_op("TfdgsuFullyConnectedGradInput", [TRAIN, dy, kernel, None, None], [dx], {"mask_alpha": 0.0})


def _sum(a, b, total):
    return custom_op("TfdgsuAddGradients", [TRAIN, a, b], [total], {})


def _kinds(graph):
    return [op.kind.removeprefix("Tfdgsu") for op in graph.ops]


def test_sum_and_mask_become_the_epilogue():
    dy, side, bits = _tensor("dy"), _tensor("side"), Tensor("bits", (1,), "uint8")
    dx, total, masked = _tensor("dx"), _tensor("total"), _tensor("masked")
    mask = custom_op("TfdgsuApplyMask", [TRAIN, total, bits], [masked], {"mask_alpha": 0.25})
    graph = Graph([_dense_gradient(dy, dx), _sum(side, dx, total), mask], [dy, side, bits, TRAIN], [masked])
    fuse_gradient_epilogues.run(graph)
    assert _kinds(graph) == ["FullyConnectedGradInput"]
    (op,) = graph.ops
    assert op.inputs[3:] == [side, bits]
    assert op.options == {"mask_alpha": 0.25}
    assert op.outputs == [masked]


def test_sum_whose_part_has_another_reader_stays():
    dy, side, dx, total, other = (_tensor(n) for n in ("dy", "side", "dx", "total", "other"))
    reader = custom_op("TfdgsuLogisticGrad", [TRAIN, dx, side], [other], {})
    graph = Graph([_dense_gradient(dy, dx), reader, _sum(side, dx, total)], [dy, side, TRAIN], [total, other])
    fuse_gradient_epilogues.run(graph)
    assert _kinds(graph) == ["FullyConnectedGradInput", "LogisticGrad", "AddGradients"]


def test_sum_with_a_part_made_later_stays():
    dy, late, dx, total = (_tensor(n) for n in ("dy", "late", "dx", "total"))
    maker = custom_op("TfdgsuLogisticGrad", [TRAIN, dy, dy], [late], {})
    graph = Graph([_dense_gradient(dy, dx), maker, _sum(late, dx, total)], [dy, TRAIN], [total])
    fuse_gradient_epilogues.run(graph)
    assert "AddGradients" in _kinds(graph)


def test_flat_copy_behind_dense_is_elided():
    dy, flat, image = _tensor("dy"), _tensor("flat", (1, 8)), _tensor("image", (1, 2, 2, 2))
    extents = {f"{what}_{i}": 1 for what in ("in", "size") for i in range(3)} | {"in_3": 8, "size_3": 8}
    copy = custom_op("TfdgsuSlice", [TRAIN, flat], [image], extents | {f"begin_{i}": 0 for i in range(4)})
    graph = Graph([_dense_gradient(dy, flat), copy], [dy, TRAIN], [image])
    elide_gradient_copies.run(graph)
    assert _kinds(graph) == ["FullyConnectedGradInput"]
    assert graph.ops[0].outputs == [image]


def test_flat_copy_behind_an_op_that_reads_its_shape_stays():
    dy, flat, image = _tensor("dy", (1, 8)), _tensor("flat", (1, 8)), _tensor("image", (1, 2, 2, 2))
    extents = {f"{what}_{i}": 1 for what in ("in", "size") for i in range(3)} | {"in_3": 8, "size_3": 8}
    copy = custom_op("TfdgsuSlice", [TRAIN, flat], [image], extents | {f"begin_{i}": 0 for i in range(4)})
    maker = custom_op("TfdgsuLogisticGrad", [TRAIN, dy, dy], [flat], {})
    graph = Graph([maker, copy], [dy, TRAIN], [image])
    elide_gradient_copies.run(graph)
    assert _kinds(graph) == ["LogisticGrad", "Slice"]


def test_mask_behind_global_pooling_is_fused():
    """ReLU in front of global average pooling: the usual end of a network, and its largest gradient."""
    dy, dx, bits, masked = (
        _tensor("dy"),
        _tensor("dx", (1, 4, 2)),
        Tensor("bits", (1,), "uint8"),
        _tensor("masked", (1, 4, 2)),
    )
    extents = {"outer": 1, "reduced": 4, "inner": 2, "mask_alpha": 0.0}
    mean = custom_op("TfdgsuMeanGrad", [TRAIN, dy, None, None], [dx], extents)
    mask = custom_op("TfdgsuApplyMask", [TRAIN, dx, bits], [masked], {"mask_alpha": 0.5})
    graph = Graph([mean, mask], [dy, bits, TRAIN], [masked])
    fuse_gradient_epilogues.run(graph)
    assert _kinds(graph) == ["MeanGrad"]
    assert graph.ops[0].inputs == [TRAIN, dy, None, bits]
    assert graph.ops[0].options == {**extents, "mask_alpha": 0.5}
