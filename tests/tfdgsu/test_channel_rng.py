# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The integer generator: golden values that a C program printed, distribution, edge cases."""

import numpy as np
import pytest

from tfdgsu.channel_rng import cyclic_channels, mix32, random_channels

GOLDEN_MIX = {0: 0x00000000, 1: 0x688990C0, 2: 0xD1132181, 0xFFFFFFFF: 0x6768824A, 0x9E3779B9: 0x01FCE552}

# (seed, layer_id, draw, n_channels, n_selected) -> channels
GOLDEN_RANDOM = {
    (0, 0, 0, 16, 5): [0, 1, 2, 3, 5],
    (7, 3, 2, 16, 5): [2, 4, 5, 13, 14],
    (4294967295, 26, 1000, 112, 6): [7, 13, 22, 50, 66, 94],
    (1, 0, 9, 8, 8): [0, 1, 2, 3, 4, 5, 6, 7],
}


@pytest.mark.parametrize("x", GOLDEN_MIX)
def test_mix32_golden(x):
    assert mix32(x) == GOLDEN_MIX[x]


@pytest.mark.parametrize("arguments", GOLDEN_RANDOM)
def test_random_channels_golden(arguments):
    channels = random_channels(*arguments)
    assert channels.tolist() == GOLDEN_RANDOM[arguments]
    assert channels.dtype == np.int32


@pytest.mark.parametrize(("n_channels", "n_selected"), [(1, 1), (7, 1), (24, 5), (320, 319)])
def test_random_channels_are_distinct_ascending_and_k(n_channels, n_selected):
    for draw in range(50):
        channels = random_channels(3, 1, draw, n_channels, n_selected)
        assert len(channels) == n_selected
        assert np.all(np.diff(channels) > 0)
        assert 0 <= channels[0] and channels[-1] < n_channels


def test_random_channels_are_uniform():
    n_draws, n_channels, n_selected = 4000, 20, 5
    counts = np.zeros(n_channels)
    for draw in range(n_draws):
        counts[random_channels(11, 2, draw, n_channels, n_selected)] += 1
    expected = n_draws * n_selected / n_channels
    # Binomial standard deviation of one count is 27.4; 20 counts stay within four of them.
    assert np.all(np.abs(counts - expected) < 4 * np.sqrt(expected * (1 - n_selected / n_channels)))


def test_layers_draws_and_seeds_differ():
    base = random_channels(1, 1, 1, 64, 8).tolist()
    others = [random_channels(*arguments, 64, 8).tolist() for arguments in [(2, 1, 1), (1, 2, 1), (1, 1, 2)]]
    assert base not in others


def test_cyclic_channels_wrap_around_and_visit_all():
    assert cyclic_channels(0, 5, 2).tolist() == [0, 1]
    assert cyclic_channels(2, 5, 2).tolist() == [4, 0]
    assert cyclic_channels(2**31, 5, 2).tolist() == [(2**32 % 5 + i) % 5 for i in range(2)]
    visited = {channel for draw in range(3) for channel in cyclic_channels(draw, 5, 2).tolist()}
    assert visited == set(range(5))
