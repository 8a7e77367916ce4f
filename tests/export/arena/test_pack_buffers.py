# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The packer alone: nothing collides, permissions are used and not overstepped, never above TFLM's planner."""

import numpy as np
import pytest
from tfdgsu.export.arena.greedy_planner import Request, place_buffers
from tfdgsu.export.arena.pack_buffers import Buffer, Sharing, pack_buffers


def _random_buffers(rng, n):
    buffers = []
    for _ in range(n):
        first = int(rng.integers(0, 12))
        buffers.append(Buffer(16 * int(rng.integers(1, 40)), first, first + int(rng.integers(0, 6))))
    return buffers


def _chain(sizes):
    """Buffer i is made at moment i and last read at i + 1."""
    return [Buffer(size, i, i + 1) for i, size in enumerate(sizes)]


def _height(buffers, offsets):
    return max(b.n_bytes + o for b, o in zip(buffers, offsets, strict=True))


def _collisions(buffers, offsets):
    return {
        (i, j)
        for i, a in enumerate(buffers)
        for j, b in enumerate(buffers)
        if i < j
        and max(a.first_used, b.first_used) <= min(a.last_used, b.last_used)
        and max(offsets[i], offsets[j]) < min(offsets[i] + a.n_bytes, offsets[j] + b.n_bytes)
    }


@pytest.mark.parametrize("seed", range(30))
def test_nothing_collides_and_the_height_is_at_most_that_of_tflm(seed):
    rng = np.random.default_rng(seed)
    buffers = _random_buffers(rng, int(rng.integers(1, 40)))
    offsets = pack_buffers(buffers)
    assert not _collisions(buffers, offsets)
    assert all(o >= 0 and o % 16 == 0 for o in offsets)
    greedy = place_buffers([Request(b.n_bytes, b.first_used, b.last_used) for b in buffers])
    assert _height(buffers, offsets) <= _height(buffers, greedy)


def test_packing_is_the_same_every_time():
    buffers = _random_buffers(np.random.default_rng(7), 30)
    assert pack_buffers(buffers) == pack_buffers(buffers)


def test_a_gap_that_tflm_leaves_is_filled():
    """By size alone the 48 goes on top of the 64, and then nothing fits below."""
    buffers = [Buffer(64, 0, 1), Buffer(48, 1, 2), Buffer(32, 2, 3), Buffer(32, 3, 4), Buffer(48, 0, 0)]
    bound = max(sum(b.n_bytes for b in buffers if b.first_used <= t <= b.last_used) for t in range(5))
    assert _height(buffers, pack_buffers(buffers)) == bound


def test_nothing_to_place():
    assert pack_buffers([]) == []


def test_results_in_place_of_operands():
    buffers = _chain([64, 64, 64, 64])
    sharings = [Sharing(i + 1, i, None) for i in range(3)]
    assert pack_buffers(buffers, sharings) == [0, 0, 0, 0]
    assert _height(buffers, pack_buffers(buffers)) == 128


def test_one_address_is_taken_by_one_of_two_operands():
    """c may take the place of a or of b, which are alive together."""
    a, b, c = Buffer(64, 0, 2), Buffer(64, 1, 2), Buffer(64, 2, 3)
    offsets = pack_buffers([a, b, c], [Sharing(2, 0, None), Sharing(2, 1, None)])
    assert offsets[2] in offsets[:2]
    assert len(_collisions([a, b, c], offsets)) == 1
    assert _height([a, b, c], offsets) == 128


def test_a_result_slides_below_its_operand():
    buffers = _chain([480, 320])
    offsets = pack_buffers(buffers, [Sharing(1, 0, 32)])
    assert offsets[1] + 32 <= offsets[0]
    assert _height(buffers, offsets) == 512


def test_a_chain_of_sliding_results():
    buffers = _chain([480, 480, 480, 480])
    offsets = pack_buffers(buffers, [Sharing(i + 1, i, 32) for i in range(3)])
    assert _height(buffers, offsets) < 960
    for i in range(3):
        apart = abs(offsets[i] - offsets[i + 1]) >= 480
        assert apart or offsets[i + 1] + 32 <= offsets[i]


@pytest.mark.parametrize("seed", range(20))
def test_only_what_is_permitted_overlaps(seed):
    rng = np.random.default_rng(seed)
    buffers = _random_buffers(rng, 25)
    sharings = [
        Sharing(i, j, None if a.n_bytes == b.n_bytes else 16 * int(rng.integers(1, 4)))
        for i, a in enumerate(buffers)
        for j, b in enumerate(buffers)
        if i != j and a.first_used == b.last_used and rng.random() < 0.3
    ]
    offsets = pack_buffers(buffers, sharings)
    permitted = {(s.result, s.operand): s.distance for s in sharings}
    for i, j in _collisions(buffers, offsets):
        fits = [
            offsets[o] == offsets[x] if permitted[o, x] is None else offsets[o] + permitted[o, x] <= offsets[x]
            for o, x in ((i, j), (j, i))
            if (o, x) in permitted
        ]
        assert any(fits)
