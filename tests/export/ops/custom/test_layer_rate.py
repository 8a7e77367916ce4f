# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The rate of a layer, as its reference has it, within the steps of the Keras optimizer and in float64."""

import keras
import numpy as np
import pytest
import tolerances
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.export.ops.custom.layer_rate import UNKNOWN_MEAN_SQUARE

from tfdgsu import lars

OP, UPDATE = REGISTRY["TfdgsuLayerRate"], REGISTRY["TfdgsuConv2DGradFilter"]
TRUST, MOMENTUM, BETA = 0.02, 0.9, 0.99
OPTIONS = {"row": 1, "beta": BETA, "fresh_fraction": (1 - BETA) * (1 - MOMENTUM**2), "size": 0.5}


def _rate(velocity, state, learning_rate=0.1, **options):
    """(rate, state afterwards) of one layer of three; the others must stay."""
    velocity, states = np.asarray(velocity, np.float32), np.full((3, 2), 7, np.float32)
    states[1] = state
    operands = [np.ones(1, np.int32), np.array([learning_rate], np.float32), velocity.reshape(1, 1, 1, -1), states]
    (rate,) = OP.reference(operands, {**OPTIONS, **options}, [(1,)])
    np.testing.assert_array_equal(states[[0, 2]], 7)
    assert rate[0] == states[1, 1] and rate.dtype == np.float32
    return float(rate[0]), states[1].tolist()


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1009])
def test_formula_in_float64(n):
    velocity = np.random.default_rng(n).normal(size=n).astype(np.float32) * np.float32(1e-6)
    found = np.mean((velocity.astype(np.float64) / 1e-3) ** 2)
    for before, expected in ((0.0, found), (2.0, BETA * 2 + (1 - BETA) * (1 - MOMENTUM**2) * found)):
        rate, (mean_square, kept) = _rate(velocity, [before, 1e-3])
        np.testing.assert_allclose(mean_square, expected, rtol=tolerances.OPTIMIZER_RTOL)
        np.testing.assert_allclose(rate, 0.1 * 0.5 / np.sqrt(expected), rtol=tolerances.OPTIMIZER_RTOL)
        assert kept == rate


def test_nothing_is_learned_from_a_cleared_velocity_or_a_step_without_rate():
    assert UNKNOWN_MEAN_SQUARE == lars.UNKNOWN_MEAN_SQUARE
    unknown = np.float32(0.1 * 0.5 / np.sqrt(UNKNOWN_MEAN_SQUARE))
    for velocity, state in (([0, 0, 0], [0, 0]), ([0, 0, 0], [0, 1]), ([1, 2, 3], [0, 0])):
        rate, (mean_square, _) = _rate(velocity, state)
        assert mean_square == 0
        np.testing.assert_allclose(rate, unknown, rtol=tolerances.OPTIMIZER_RTOL)
    for velocity, state in (([0, 0], [4, 1e-3]), ([1, 2], [4, 0]), ([np.nan, 1], [4, 1])):
        rate, (mean_square, _) = _rate(velocity, state)
        assert mean_square == 4
        np.testing.assert_allclose(rate, 0.025, rtol=tolerances.OPTIMIZER_RTOL)
    assert _rate([1, 2], [4, 1e-3], learning_rate=0.0)[0] == 0


def test_velocities_whose_squares_vanish_are_taken_in_units_of_the_rate():
    rate, (mean_square, _) = _rate([3e-25, 4e-25], [0, 1e-22])
    np.testing.assert_allclose(mean_square, 12.5e-6, rtol=tolerances.OPTIMIZER_RTOL)
    assert rate > 0


def test_steps_are_those_of_keras():
    """A pointwise convolution for 30 steps, through a step without learning rate and clearings of the velocity."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(1, 1, 5, 7)).astype(np.float32)
    variable, optimizer = keras.Variable(start), lars.LARS(0.2, TRUST, MOMENTUM, BETA)
    optimizer.build([variable])
    w, velocity = start.transpose(3, 0, 1, 2).copy(), np.zeros((7, 1, 1, 5), np.float32)
    states, train = np.zeros((2, 2), np.float32), np.ones(1, np.int32)
    options = {**OPTIONS, "size": TRUST * float(np.sqrt(np.mean(start**2)))}
    update = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0, "momentum": MOMENTUM, "nesterov": 0}
    for step in range(30):
        rate = np.array([0.0 if step == 11 else 0.2 / (1 + step)], np.float32)
        x, dy = (rng.normal(size=(1, 3, 3, n)).astype(np.float32) for n in (5, 7))
        optimizer.learning_rate = float(rate[0])
        optimizer.apply([np.einsum("bhwi,bhwo->io", x, dy)[None, None]], [variable])
        (own,) = OP.reference([train, rate, velocity, states], options, [(1,)])
        UPDATE.reference([train, own, x, dy, None, w, velocity], update, [])
        if step in (6, 20):
            optimizer._velocities[0].assign(np.zeros_like(start))
            velocity[...] = 0
        np.testing.assert_allclose(own[0], optimizer._rates[0], rtol=tolerances.OPTIMIZER_RTOL)
        np.testing.assert_allclose(states[1, 0], optimizer._mean_squares[0], rtol=tolerances.OPTIMIZER_RTOL)
    expected = variable.numpy().transpose(3, 0, 1, 2)
    np.testing.assert_allclose(w, expected, rtol=tolerances.OPTIMIZER_RTOL, atol=tolerances.OPTIMIZER_ATOL)
    assert np.abs(w - start.transpose(3, 0, 1, 2)).max() > 0.01
