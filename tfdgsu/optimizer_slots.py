# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The state that a Keras optimizer keeps for one variable."""

import keras


def slots_of(optimizer: keras.Optimizer | None, variable: keras.Variable) -> list[keras.Variable]:
    """Returns the optimizer's variables that belong to `variable`: momentum, moments, accumulators.

    Every Keras optimizer holds them as lists parallel to the variables it was built with. Empty if it isn't built.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not optimizer.built:
        return []
    built_with = optimizer._trainable_variables
    position = next((i for i, candidate in enumerate(built_with) if candidate is variable), None)
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
    """Returns the momentum that SGD keeps for `variable`, or `None`: no momentum, not built, or another optimizer."""
    if not isinstance(optimizer, keras.optimizers.SGD):
        return None
    return next(iter(slots_of(optimizer, variable)), None)
