# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The independent check of a plan catches what it is there for."""

import dataclasses
import itertools

import pytest
from flat_graphs import FlatGraph
from tfdgsu.export.arena import predict_arena, verify_no_overlap


@pytest.fixture
def prediction():
    graph = FlatGraph()
    tensors = [graph.tensor([8]) for _ in range(4)]
    for x, y in itertools.pairwise(tensors):
        graph.op("RELU", [x], [y])
    return predict_arena(graph.build(tensors[:1], tensors[-1:]))


def _move(prediction, idx, **changes):
    buffers = list(prediction.buffers)
    buffers[idx] = dataclasses.replace(buffers[idx], **changes)
    return dataclasses.replace(prediction, buffers=tuple(buffers))


def test_a_good_plan_passes(prediction):
    verify_no_overlap(prediction)


def test_overlap_is_caught_and_names_both(prediction):
    a, b = prediction.buffers[1:3]
    with pytest.raises(ValueError, match=f"'{a.name}'.*'{b.name}'"):
        verify_no_overlap(_move(prediction, 2, offset=a.offset))


def test_overlap_by_the_last_16_bytes_is_caught(prediction):
    wide = dataclasses.replace(prediction, head_bytes=1024)
    a = prediction.buffers[1]
    with pytest.raises(ValueError, match="overlap"):
        verify_no_overlap(_move(wide, 2, offset=a.offset + a.n_bytes - 16))


def test_buffers_that_share_one_moment_overlap(prediction):
    """Prolonging a life by one op makes sharing its place a fault."""
    same_place = [b for b in prediction.buffers if b.offset == prediction.buffers[0].offset]
    assert len(same_place) > 1
    idx = prediction.buffers.index(same_place[0])
    with pytest.raises(ValueError, match="overlap"):
        verify_no_overlap(_move(prediction, idx, last_used=same_place[1].first_used))


def test_buffer_outside_the_head_is_caught(prediction):
    with pytest.raises(ValueError, match="inside the head"):
        verify_no_overlap(_move(prediction, 0, offset=prediction.head_bytes))
    with pytest.raises(ValueError, match="inside the head"):
        verify_no_overlap(_move(prediction, 0, offset=-16))


def test_misaligned_buffer_is_caught(prediction):
    with pytest.raises(ValueError, match="multiples of 16"):
        verify_no_overlap(_move(prediction, 0, offset=8))
