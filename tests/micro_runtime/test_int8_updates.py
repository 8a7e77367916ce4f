# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Many updates of integer weights in TFLM: equal to NumPy bit for bit, and what each rounding does to small steps."""

import math

import numpy as np
import one_op_model
import pytest
from op_case import WINDOWS
from tfdgsu.export.ops.custom import REGISTRY
from tfdgsu.micro_runtime.interpreter import Interpreter

NEAREST, STOCHASTIC, REMAINDER = 0, 1, 2
STEPS = 1000
UNIT = 0.01  # scale of the weights of the small layers below


class Device:
    """One op in TFLM whose variables stay from invoke to invoke."""

    def __init__(self, name, inputs, options):
        specs = [None if array is None else (array.shape, array.dtype) for array in inputs]
        self._interpreter = Interpreter(one_op_model.build(name, specs, [], options), 1 << 16)
        present = [i for i, array in enumerate(inputs) if array is not None]
        self._position = {i: position for position, i in enumerate(present)}
        for i in present:
            self.set(i, inputs[i])

    def set(self, i, array):
        self._interpreter.set_input(self._position[i], array)

    def get(self, i):
        return self._interpreter.get_output(self._position[i])

    def invoke(self):
        self._interpreter.invoke()


def _layer(rng, rounding, momentum, depthwise):
    """A small layer with channels to select: (name, inputs, options)."""
    window, c, k = WINDOWS["same3_stride2"], 5, 3
    o = c if depthwise else 6
    w_shape = (1, 3, 3, c) if depthwise else (o, 3, 3, c)
    w = rng.integers(-127, 128, w_shape).astype(np.int8)
    inputs = [
        np.ones(1, np.int32),
        np.array([0.01], np.float32),
        np.zeros((window.batch, *window.image, k), np.int8),
        np.zeros((window.batch, *window.output, o), np.float32),
        np.array([4, 0, 3], np.int32),
        w,
        rng.uniform(0.002, 0.02, o).astype(np.float32),
        np.zeros((*w_shape[:3], k), np.float32) if momentum else None,
        np.zeros(w_shape, np.int8) if rounding == REMAINDER else None,
        np.zeros(1, np.int32),
    ]
    options = {**window.options, "momentum": momentum, "nesterov": int(depthwise and momentum > 0)}
    options |= {"x_scale": 0.0235, "x_zero_point": -3, "rounding": rounding, "seed": 0xDEADBEEF, "layer_id": 2}
    if depthwise:
        return "TfdgsuDepthwiseConv2DGradFilterInt8", inputs, {**options, "depth_multiplier": 1}
    return "TfdgsuConv2DGradFilterInt8", inputs, options


@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC, REMAINDER])
@pytest.mark.parametrize(("momentum", "depthwise"), [(0.0, False), (0.9, False), (0.9, True)])
def test_a_thousand_updates_equal_numpy_bit_for_bit(rounding, momentum, depthwise):
    rng = np.random.default_rng(rounding)
    name, inputs, options = _layer(rng, rounding, momentum, depthwise)
    device, start = Device(name, inputs, options), inputs[5].copy()
    for step in range(STEPS):
        inputs[2] = rng.integers(-128, 128, inputs[2].shape).astype(np.int8)
        inputs[3] = (0.3 * rng.standard_normal(inputs[3].shape)).astype(np.float32)
        inputs[9] = np.array([step], np.int32)
        for i in (2, 3, 9):
            device.set(i, inputs[i])
        device.invoke()
        REGISTRY[name].reference(inputs, options, [])
    for i in REGISTRY[name].MUTATES:
        if inputs[i] is not None:
            np.testing.assert_array_equal(device.get(i), inputs[i])
    assert np.array_equal(inputs[5][..., [1, 2]], start[..., [1, 2]]), "channels that are not selected moved"
    assert (inputs[5] != start).mean() > 0.3 and np.abs(inputs[5].astype(int)).max() <= 127


@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC, REMAINDER])
def test_a_thousand_bias_updates_equal_numpy_bit_for_bit(rounding):
    rng, options = np.random.default_rng(0), {"momentum": 0.9, "nesterov": 1, "seed": 7, "layer_id": 1}
    name, options = "TfdgsuBiasGradInt32", options | {"rounding": rounding}
    inputs = [np.ones(1, np.int32), np.array([1e-3], np.float32), np.zeros((4, 17), np.float32)]
    inputs += [np.zeros(17, np.int32), np.full(17, 2e-4, np.float32), np.zeros(17, np.float32), np.zeros(1, np.int32)]
    device = Device(name, inputs, options)
    for step in range(STEPS):
        inputs[2], inputs[6] = rng.standard_normal((4, 17)).astype(np.float32), np.array([step], np.int32)
        device.set(2, inputs[2])
        device.set(6, inputs[6])
        device.invoke()
        REGISTRY[name].reference(inputs, options, [])
    np.testing.assert_array_equal(device.get(3), inputs[3])
    np.testing.assert_array_equal(device.get(5), inputs[5])
    assert inputs[3].any()


def _steps_of(units, rounding, n_steps, seed=1, layer_id=0, shape=(32, 1, 1, 32)):
    """Weights, from 0 on, after steps of `units` each: a pointwise layer on one pixel whose gradient is 1 everywhere."""
    inputs = [
        np.ones(1, np.int32),
        np.array([-units * UNIT], np.float32),
        np.ones((1, 1, 1, shape[3]), np.int8),
        np.ones((1, 1, 1, shape[0]), np.float32),
        None,
        np.zeros(shape, np.int8),
        np.full(shape[0], UNIT, np.float32),
        None,
        np.zeros(shape, np.int8) if rounding == REMAINDER else None,
        np.zeros(1, np.int32),
    ]
    options = {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0, "momentum": 0.0, "nesterov": 0}
    options |= {"x_scale": 1.0, "x_zero_point": 0, "rounding": rounding, "seed": seed, "layer_id": layer_id}
    device = Device("TfdgsuConv2DGradFilterInt8", inputs, options)
    for step in range(n_steps):
        device.set(9, np.array([step], np.int32))
        device.invoke()
    return device.get(5).astype(float)


@pytest.mark.parametrize("units", [0.003, 0.3, 0.5, -0.25, -0.9, 2.7])
def test_stochastic_rounding_is_unbiased(units):
    """A step is a coin toss of variance f(1-f), f the fraction: the mean of N stays within 5 standard deviations."""
    moved = np.stack([_steps_of(units, STOCHASTIC, 1, seed=seed) for seed in range(40)])
    fraction = units - math.floor(units)
    assert set(np.unique(moved)) == {math.floor(units), math.floor(units) + 1}
    assert abs(moved.mean() - units) < 5 * math.sqrt(fraction * (1 - fraction) / moved.size)


def test_random_numbers_of_steps_layers_and_seeds_are_independent():
    """Signs of +-1 of half units: correlations of 1,024 coin tosses stay within 5 standard deviations."""
    first, second = _steps_of(0.5, STOCHASTIC, 1), _steps_of(0.5, STOCHASTIC, 2)
    draws = [first, second - first, _steps_of(0.5, STOCHASTIC, 1, layer_id=1), _steps_of(0.5, STOCHASTIC, 1, seed=2)]
    signs = np.stack([2 * draw.ravel() - 1 for draw in draws])
    correlations = signs @ signs.T / signs.shape[1]
    assert np.abs(correlations - np.eye(len(draws))).max() < 5 / math.sqrt(signs.shape[1])
    neighbours = (signs[:, 1:] * signs[:, :-1]).mean(axis=1)
    assert np.abs(neighbours).max() < 5 / math.sqrt(signs.shape[1])


def test_small_steps_are_lost_to_the_nearest_and_kept_by_the_other_roundings():
    """100 steps of 0.3 units: 30 units, which is why nearest is not the default."""
    assert not _steps_of(0.3, NEAREST, 100).any()
    kept = _steps_of(0.3, REMAINDER, 100)
    # Each step is rounded to 1/256 unit: 0.3 * 256 = 76.8 counts as 77.
    np.testing.assert_array_equal(kept, round(77 * 100 / 256))
    by_chance = _steps_of(0.3, STOCHASTIC, 100)
    assert abs(by_chance.mean() - 30) < 5 * math.sqrt(100 * 0.3 * 0.7 / by_chance.size)


@pytest.mark.parametrize("rounding", [NEAREST, STOCHASTIC, REMAINDER])
@pytest.mark.parametrize("sign", [1, -1])
def test_weights_saturate_symmetrically_and_come_back(rounding, sign):
    for units in (100.0, 1e9, 1e30):
        np.testing.assert_array_equal(_steps_of(sign * units, rounding, 3, shape=(3, 1, 1, 5)), sign * 127)
