# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The planner alone, against what must hold and against TFLM's own on random graphs."""

import numpy as np
import pytest
from flat_graphs import FlatGraph
from tfdgsu.export.arena import predict_arena, verify_no_overlap
from tfdgsu.export.arena.greedy_planner import Request, place_buffers
from tflm_arena import PLENTY_BYTES, probe_arenas

_N_GRAPHS = 30


def _random_requests(rng, n_prescribed=0):
    requests = []
    for i in range(int(rng.integers(1, 40))):
        first = int(rng.integers(0, 12))
        n_bytes = 16 * int(rng.integers(0, 8))  # Few sizes: many ties.
        offset = i * 128 if i < n_prescribed else None
        requests.append(Request(n_bytes, first, first + int(rng.integers(0, 6)), offset))
    return requests


def _collide(a: Request, a_offset: int, b: Request, b_offset: int) -> bool:
    in_time = a.first_used <= b.last_used and b.first_used <= a.last_used
    return in_time and a_offset < b_offset + b.n_bytes and b_offset < a_offset + a.n_bytes


@pytest.mark.parametrize("seed", range(50))
def test_no_two_buffers_collide(seed):
    requests = _random_requests(np.random.default_rng(seed), n_prescribed=seed % 4)
    offsets = place_buffers(requests)
    for i, a in enumerate(requests):
        assert a.offset is None or offsets[i] == a.offset
        for j in range(i):
            assert not _collide(a, offsets[i], requests[j], offsets[j])


@pytest.mark.parametrize("seed", range(50))
def test_every_buffer_has_the_lowest_place_that_was_free(seed):
    requests = _random_requests(np.random.default_rng(seed))
    offsets = place_buffers(requests)
    order = sorted(range(len(requests)), key=lambda i: (-requests[i].n_bytes, -i))
    for position, i in enumerate(order):
        earlier = order[:position]
        for lower in range(0, offsets[i], 16):
            assert any(_collide(requests[i], lower, requests[j], offsets[j]) for j in earlier)


def test_of_equal_buffers_the_later_goes_first():
    assert place_buffers([Request(32, 0, 0), Request(32, 0, 0), Request(64, 0, 0)]) == [96, 64, 0]


def test_nothing_to_place():
    assert place_buffers([]) == []


def _random_graph(seed: int) -> bytes:
    """RELU and ADD on tensors of three sizes, so that there are many ties to break."""
    rng = np.random.default_rng(seed)
    graph = FlatGraph()
    sizes = [int(s) for s in rng.integers(1, 60, 3)]
    inputs = {size: graph.tensor([size]) for size in sizes}
    live = {size: [tensor] for size, tensor in inputs.items()}
    outputs = []
    for _ in range(int(rng.integers(5, 40))):
        size = sizes[int(rng.integers(len(sizes)))]
        a, b = (live[size][int(rng.integers(len(live[size])))] for _ in range(2))
        y = graph.tensor([size])
        if rng.random() < 0.5:
            graph.op("ADD", [a, b], [y], ("AddOptions", {}))
        else:
            graph.op("RELU", [a], [y])
        live[size].append(y)
        if rng.random() < 0.1:
            outputs.append(y)
    return graph.build(list(inputs.values()), outputs or [y])


def test_random_graphs_have_the_head_that_tflm_plans():
    models = [_random_graph(seed) for seed in range(_N_GRAPHS)]
    for model, (usage, printed) in zip(models, probe_arenas([(m, PLENTY_BYTES) for m in models]), strict=True):
        prediction = predict_arena(model)
        verify_no_overlap(prediction)
        assert usage is not None, printed
        assert (prediction.head_bytes, prediction.tail_bytes) == (usage.head_bytes, usage.tail_bytes)
