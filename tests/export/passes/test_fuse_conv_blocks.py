# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs of builtin int8 ops, fused and not, in TFLM: bit-identical results, and never a larger arena."""

import collections
import dataclasses
import os
import pathlib

import numpy as np
import pytest
from conv_block_cases import BLOCKS, NAME, Block, Stage
from conv_block_chain import make_chain
from stock_mobilenet import FILE_NAME, make_stock_mobilenet
from tfdgsu.export.arena import predict_arena
from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Op, Tensor
from tfdgsu.export.ir.verify import verify
from tfdgsu.export.ops.custom.masks import mask_bytes
from tfdgsu.export.passes import fuse_conv_blocks
from tfdgsu.export.schema import read_graph, write_graph
from tfdgsu.micro_runtime.interpreter import Interpreter
from tflm_arena import measure_arena

DATA = pathlib.Path(os.environ.get("TFDGSU_DATA_DIR", pathlib.Path(__file__).parents[4] / "shared" / "data"))
WIDE = Block(Stage(channels=24), Stage((3, 3)), Stage(channels=4), x_channels=4, x_hw=(12, 12), has_add=True)


def _fuse(graph, train=None):
    graph = fuse_conv_blocks.run(graph, train)
    graph.make_names_unique()
    return verify(graph, "fuse_conv_blocks")


def _kinds(graph):
    return [op.kind for op in graph.ops]


def _run(model, *inputs):
    interpreter = Interpreter(model, 1 << 20)
    for i, array in enumerate(inputs):
        interpreter.set_input(i, array)
    interpreter.invoke()
    n_outputs = len(read_graph(model).outputs)
    return [interpreter.get_output(i) for i in range(n_outputs)]


def _assert_same(model, fused, *inputs):
    for expected, actual in zip(_run(model, *inputs), _run(write_graph(fused), *inputs), strict=True):
        np.testing.assert_array_equal(actual, expected)


def _without_overlay(block):
    return dataclasses.replace(block, n_overlay=0)


@pytest.mark.parametrize("pads_by_op", [True, False], ids=["pad", "same"])
@pytest.mark.parametrize("name", BLOCKS)
def test_every_convolution_is_fused(name, pads_by_op):
    model, x = make_chain(_without_overlay(BLOCKS[name]), keeps_all=False, pads_by_op=pads_by_op)
    fused = _fuse(read_graph(model))
    # In images of a few rows a sum of its own may need less than rows kept inside.
    assert NAME in _kinds(fused) and set(_kinds(fused)) <= {NAME, "ADD"}
    _assert_same(model, fused, x)


@pytest.mark.parametrize("name", BLOCKS)
def test_arena_never_grows(name):
    block = dataclasses.replace(_without_overlay(BLOCKS[name]), x_hw=(9, 12), batches=1)
    model, _ = make_chain(block, keeps_all=False)
    graph = _fuse(read_graph(model))
    assert set(_kinds(graph)) == {NAME}
    fused = predict_arena(write_graph(graph))
    before = predict_arena(write_graph(read_graph(model)))
    assert fused.head_bytes <= before.head_bytes
    # Each convolution has parsed options and two numbers per channel there, the block one number.
    assert fused.tail_bytes < before.tail_bytes


def test_inverted_residual_becomes_one_op():
    model, _ = make_chain(WIDE, keeps_all=False)
    fused = _fuse(read_graph(model))
    assert _kinds(fused) == [NAME]
    assert fused.ops[0].options["has_add"] == 1
    assert predict_arena(write_graph(fused)).head_bytes * 2 < predict_arena(model).head_bytes


def test_narrow_middle_is_not_worth_one_op():
    """Input and output of the whole are larger than what is alive at any time inside."""
    block = Block(Stage(channels=2), Stage((3, 3), (2, 2)), Stage(channels=64), x_channels=40, x_hw=(12, 12))
    model, x = make_chain(block, keeps_all=False)
    fused = _fuse(read_graph(model))
    assert len(fused.ops) > 1 and set(_kinds(fused)) == {NAME}
    _assert_same(model, fused, x)


def _with_masks(model):
    """The graph with the train gate as an input and a mask of every stage's result as an output."""
    graph = read_graph(model)
    train = Tensor("train", (1,), "int32")
    graph.inputs.append(train)
    for op in list(graph.ops):
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            y = op.outputs[0]
            bits = Tensor(f"mask/{y.name}", (mask_bytes(y.n_elements),), "uint8")
            zero_point = float(y.quantization.zero_point[0])
            options = {"low": zero_point, "high": zero_point + 70.5}
            graph.insert_after(op, custom_op("TfdgsuReluMask", [train, y], [bits], options))
            graph.outputs.append(bits)
    return graph, train


def test_masks_are_written_on_the_way():
    model, x = make_chain(WIDE, keeps_all=False)
    graph, train = _with_masks(model)
    unfused = write_graph(graph)
    fused = _fuse(graph, train)
    # The mask of the last stage has no room in the op; it reads a tensor that exists.
    assert _kinds(fused) == [NAME, "TfdgsuReluMask", "ADD"]
    _assert_same(unfused, fused, x, np.ones(1, np.int32))


def test_result_that_somebody_else_reads_ends_a_chain():
    model, x = make_chain(WIDE, keeps_all=False)
    graph = read_graph(model)
    expanded = graph.ops[0].outputs[0]
    graph.outputs.append(expanded)
    model = write_graph(graph)
    fused = _fuse(read_graph(model))
    assert _kinds(fused) == [NAME, NAME, "ADD"]
    _assert_same(model, fused, x)


def _make_variable(graph, kind):
    op = next(op for op in graph.ops if op.kind == kind)
    w = op.inputs[1]
    op.inputs[1] = Tensor("w", w.shape, w.dtype, is_variable=True, quantization=w.quantization)


@pytest.mark.parametrize(("kind", "n_stages"), [("CONV_2D", [3]), ("DEPTHWISE_CONV_2D", [1, 2])])
def test_variable_filter_begins_a_chain(kind, n_stages):
    graph = read_graph(make_chain(dataclasses.replace(WIDE, has_add=False), keeps_all=False)[0])
    _make_variable(graph, kind)
    fused = _fuse(graph)
    assert [sum(op.inputs[2 + 4 * i] is not None for i in range(3)) for op in fused.ops] == n_stages


def _edit(change):
    graph = read_graph(make_chain(dataclasses.replace(WIDE, has_add=False), keeps_all=False)[0])
    change(graph, next(op for op in graph.ops if op.kind == "DEPTHWISE_CONV_2D"))
    return graph


def _set_dilation(_, op):
    op.options.dilationHFactor = 2


def _set_lowest_weight(_, op):
    data = op.inputs[1].data.copy()
    data.flat[0] = -128
    op.inputs[1].data = data


def _drop_quantization(_, op):
    op.outputs[0].quantization = None


def _multiply_depth(graph, op):
    w, y = op.inputs[1], op.outputs[0]
    x = Tensor("x", (*op.inputs[0].shape[:3], w.shape[3] // 2), "int8", quantization=op.inputs[0].quantization)
    graph.inputs, graph.ops = [x], [Op(op.kind, [x, *op.inputs[1:]], [y], op.options)]
    graph.outputs = [y]


@pytest.mark.parametrize("change", [_set_dilation, _set_lowest_weight, _drop_quantization, _multiply_depth])
def test_what_the_op_cannot_compute_stays(change):
    fused = _edit(lambda graph, op: change(graph, op))
    kept = next(op for op in fused.ops if op.kind == "DEPTHWISE_CONV_2D")
    fused = fuse_conv_blocks.run(fused)
    assert any(op is kept for op in fused.ops)


def test_padding_of_channels_stays():
    model, _ = make_chain(Block(Stage((3, 3), channels=4)), keeps_all=False)
    graph = read_graph(model)
    pad = graph.ops[0]
    assert pad.kind == "PAD"
    borders = pad.inputs[1].data.copy()
    borders[3] = 1, 0
    pad.inputs[1].data = borders
    assert _kinds(fuse_conv_blocks.run(graph)) == ["PAD", NAME]


def test_stock_mobilenet_gives_the_same_in_a_quarter_of_the_memory():
    if not (DATA / f"{FILE_NAME}.npz").exists():
        pytest.skip(f"needs {FILE_NAME}.npz in {DATA}; set TFDGSU_DATA_DIR")
    model = make_stock_mobilenet(DATA)
    fused = _fuse(read_graph(model))
    assert collections.Counter(_kinds(fused)) == {NAME: 17, "AVERAGE_POOL_2D": 1, "FULLY_CONNECTED": 1}
    written = write_graph(fused)
    prediction, usage = predict_arena(written), measure_arena(written)
    assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes)
    # The image, the stem's 64 x 64 x 8 result, 3 + 1 rows of 64 x 16.
    assert usage.head_bytes == 128 * 128 * 3 + 64 * 64 * 8 + 4 * 64 * 16
    assert usage.total_bytes * 4 < measure_arena(model).total_bytes
    x = np.random.default_rng(0).integers(-128, 128, (1, 128, 128, 3), np.int8)
    _assert_same(model, fused, x)
