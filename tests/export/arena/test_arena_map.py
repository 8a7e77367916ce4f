# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The drawing of an arena."""

import itertools

from flat_graphs import FlatGraph
from tfdgsu.export.arena import format_arena_map, predict_arena


def _chain(op="RELU"):
    graph = FlatGraph()
    tensors = [graph.tensor([8]) for _ in range(3)]
    for x, y in itertools.pairwise(tensors):
        graph.op(op, [x], [y])
    return predict_arena(graph.build(tensors[:1], tensors[-1:]))


def test_rows_are_moments_and_bars_are_bytes():
    text = format_arena_map(_chain(), width=8)
    lines = text.splitlines()
    bars = [line.split("|")[1] for line in lines if "|" in line]
    # Of equal buffers the later is placed first: C at the bottom, B above it, A at the bottom again.
    assert bars == ["AAAA....", "AAAABBBB", "CCCCBBBB"]
    assert sum(line.endswith("<") for line in lines) == 1
    assert lines[-1].startswith("Tail: ")


def test_unknown_ops_are_told():
    assert "nothing is known about LOG_SOFTMAX" in format_arena_map(_chain("LOG_SOFTMAX"))


def test_graph_without_head():
    graph = FlatGraph()
    v = graph.tensor([4], variable=True)
    assert "|" + "." * 64 + "|" in format_arena_map(predict_arena(graph.build([v], [v])))
