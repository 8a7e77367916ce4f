# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""SGD, channel draws and the step counter against Keras and against the Keras side of this package."""

import keras
import numpy as np
import pytest
import tolerances
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.export.ops.custom.select_channels import CYCLIC, RANDOM, draw_channels

from tfdgsu import channel_rng


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_is_that_of_keras(momentum, nesterov):
    rng = np.random.default_rng(0)
    start = rng.standard_normal(5).astype(np.float32)
    variable = keras.Variable(start)
    optimizer = keras.optimizers.SGD(0.1, momentum=momentum, nesterov=nesterov)
    w, velocity = start.copy(), np.zeros(5, np.float32) if momentum else None
    options = {"momentum": momentum, "nesterov": int(nesterov)}
    for _ in range(4):
        dy = rng.standard_normal((3, 5)).astype(np.float32)
        optimizer.apply([dy.sum(axis=0)], [variable])
        REGISTRY["TfdgsuBiasGrad"].reference([None, np.array([0.1], np.float32), dy, w, velocity], options, [])
    np.testing.assert_allclose(w, variable.numpy(), rtol=tolerances.OPTIMIZER_RTOL, atol=tolerances.OPTIMIZER_ATOL)


@pytest.mark.parametrize("n", [1, 2, 7, 32, 960])
@pytest.mark.parametrize("seed", [0, 1, 0xFFFFFFFF])
def test_draws_are_those_of_the_keras_side(n, seed):
    for k in {1, max(1, n // 3), n}:
        for layer_id in (0, 5):
            for draw in (0, 1, 2, 1000):
                expected = channel_rng.random_channels(seed, layer_id, draw, n, k)
                np.testing.assert_array_equal(draw_channels(RANDOM, seed, layer_id, draw, k, n), expected)
                expected = channel_rng.cyclic_channels(draw, n, k)
                np.testing.assert_array_equal(draw_channels(CYCLIC, seed, layer_id, draw, k, n), expected)


def test_draws_are_distinct_and_visit_every_channel():
    visited = set()
    for draw in range(100):
        channels = draw_channels(RANDOM, 3, 0, draw, 4, 16)
        assert len(set(channels)) == 4 and channels == sorted(channels)
        visited.update(channels)
    assert visited == set(range(16))


def test_a_redraw_happens_once_per_period_and_clears_the_velocity():
    options = {"policy": CYCLIC, "period_steps": 3, "seed": 0, "layer_id": 0, "n_channels": 5}
    channels, velocity = np.zeros(2, np.int32), np.ones(4)
    for step, expected, cleared in ((0, [0, 1], True), (1, [0, 1], False), (3, [2, 3], True), (6, [4, 0], True)):
        velocity[:] = 1
        REGISTRY["TfdgsuSelectChannels"].reference([None, np.array([step]), channels, velocity], options, [])
        np.testing.assert_array_equal(channels, expected)
        assert (not velocity.any()) == cleared
