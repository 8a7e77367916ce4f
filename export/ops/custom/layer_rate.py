# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The learning rate of one layer's filter with `tfdgsu.LARS`: steps relative to the weights, whatever the gradient's size."""

import numpy as np

from .base import LEARNING_RATE, TRAIN, CustomOp, Field, Operand

UNKNOWN_MEAN_SQUARE = 1e12  # as in tfdgsu/lars.py: of gradients larger than any
RUN_ELEMENTS = 256  # squares that are summed up before the sum is added to the others


class LayerRate(CustomOp):
    """rate = lr * size / sqrt(s), s being the running mean square of the gradient, found in the velocity.

    `layer_rates` [L,2] holds s and the rate of the step before of every layer; an s of 0 isn't known. The op reads the
    velocity as the step before has left it, so it runs before the filter's update, and behind what clears the velocity.
    """

    NAME = "TfdgsuLayerRate"
    # Row of `layer_rates`; beta; (1 - beta) * (1 - momentum^2); trust coefficient * root mean square of the weights.
    OPTIONS = (Field("row", "i"), Field("beta", "f"), Field("fresh_fraction", "f"), Field("size", "f"))
    INPUTS = (TRAIN, LEARNING_RATE, Operand("velocity"), Operand("layer_rates"))
    OUTPUTS = (Operand("rate"),)
    MUTATES = (3,)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, _, velocity, layer_rates = inputs
        cls.require(len(velocity) == 4, "`velocity` must be 4-D", velocity)
        cls.require(len(layer_rates) == 2 and layer_rates[1] == 2, "`layer_rates` must be [L,2]", layer_rates)
        cls.require(0 <= options["row"] < layer_rates[0], "row must be one of `layer_rates`", options["row"])
        cls.require(outputs[0] == (1,), "`rate` must have shape [1]", outputs[0])
        for name in ("beta", "fresh_fraction"):
            cls.require(0.0 <= options[name] <= 1.0, f"{name} must be in [0, 1]", options[name])
        cls.require(0.0 <= options["size"] < float("inf"), "size must be finite and not negative", options["size"])

    @classmethod
    @np.errstate(all="ignore")
    def reference(cls, inputs, options, output_shapes):
        del output_shapes
        _, lr, velocity, layer_rates = inputs
        number, state = velocity.dtype.type, layer_rates[options["row"]]
        found = _mean_square(velocity, state[1]) if state[1] > 0 else number(0)
        if found > 0:
            steady = number(options["beta"]) * state[0] + number(options["fresh_fraction"]) * found
            state[0] = steady if state[0] > 0 else found
        scale = np.sqrt(state[0] if state[0] > 0 else number(UNKNOWN_MEAN_SQUARE))
        state[1] = lr.reshape(-1)[0].astype(velocity.dtype) * number(options["size"]) / scale
        return [state[1:].copy()]


def _mean_square(velocity, rate):
    """Mean of (velocity / rate)^2, summed up in runs, one element after the other."""
    gradient = velocity.reshape(-1) * (velocity.dtype.type(1) / rate)
    squares = np.pad(gradient * gradient, (0, -velocity.size % RUN_ELEMENTS)).reshape(-1, RUN_ELEMENTS)
    runs = np.add.accumulate(squares, axis=1)[:, -1]
    return np.add.accumulate(runs)[-1] / velocity.dtype.type(velocity.size)
