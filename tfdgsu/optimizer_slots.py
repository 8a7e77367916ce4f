# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The state that a Keras optimizer keeps for one variable."""

from typing import NamedTuple

import keras

from .lars import LARS

# Whose state a plan counts. A kernel has a rate of its own, two float32, where `LARS` keeps a velocity for it.
OPTIMIZERS = ("sgd", "lars")
LAYER_RATE_BYTES = 8


class LayerRate(NamedTuple):
    """What `LARS` keeps for the kernel of a convolution, or a slice of one, beside its velocity.

    Attributes:
        mean_square: Running mean square of the gradient; 0 before the first step.
        rate: The learning rate of the last step, or 0.
        root_mean_square: Of the whole kernel, when the optimizer was built.
    """

    mean_square: keras.Variable
    rate: keras.Variable
    root_mean_square: keras.Variable


def slots_of(optimizer: keras.Optimizer | None, variable: keras.Variable) -> list[keras.Variable]:
    """Returns the optimizer's variables that belong to `variable`: momentum, moments, accumulators.

    Every Keras optimizer holds them as lists parallel to the variables it was built with. Empty if it isn't built.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not optimizer.built:
        return []
    built_with, position = optimizer._trainable_variables, _position(optimizer, variable)
    if position is None:
        return []
    slots = []
    for name, column in sorted(vars(optimizer).items()):
        if name == "_trainable_variables" or not isinstance(column, list) or len(column) != len(built_with):
            continue
        slot = column[position]
        if isinstance(slot, keras.Variable) and tuple(slot.shape) == tuple(variable.shape):
            slots.append(slot)
    return slots


def velocity_of(optimizer: keras.Optimizer | None, variable: keras.Variable) -> keras.Variable | None:
    """Returns the momentum that SGD or LARS keeps for `variable`, or `None`: none, not built, or another optimizer."""
    if not isinstance(optimizer, (keras.optimizers.SGD, LARS)):
        return None
    return next(iter(slots_of(optimizer, variable)), None)


def layer_rate_of(optimizer: keras.Optimizer | None, variable: keras.Variable) -> LayerRate | None:
    """Returns what the rate of `variable` follows from, or `None`: not the kernel of a convolution, not built, or not LARS."""
    if not isinstance(optimizer, LARS) or not optimizer.built:
        return None
    position = _position(optimizer, variable)
    if position is None or optimizer._rates[position] is None:
        return None
    columns = optimizer._mean_squares, optimizer._rates, optimizer._root_mean_squares
    return LayerRate(*(column[position] for column in columns))


def _position(optimizer: keras.Optimizer, variable: keras.Variable) -> int | None:
    built_with = optimizer._trainable_variables
    return next((i for i, candidate in enumerate(built_with) if candidate is variable), None)
