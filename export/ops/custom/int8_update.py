# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""SGD on integers: the end of every gradient of int8 weights and of the int32 biases beside them.

Gradients are with respect to real values, so a step is divided by the weight's scale and then rounded to whole units.
"""

import numpy as np

from .base import LEARNING_RATE, TRAIN, Field, Operand
from .select_channels import mix32
from .sgd import SGD_OPTIONS

NEAREST, STOCHASTIC, REMAINDER = 0, 1, 2
INT8_MAX, INT32_MAX = 127, 1 << 30  # of weights and of biases; the negative limits are the same
REMAINDERS_PER_UNIT = 256
MAX_UNITS = 1e6  # longest step: whatever comes after is exact in int32, with remainders too
BIAS_LAYER_OFFSET = 0x80000000  # keeps a bias' random numbers apart from those of its layer's weights

ROUNDING_OPTIONS = (Field("rounding", "i"), Field("seed", "u"), Field("layer_id", "i"))
INT8_UPDATE_OPTIONS = SGD_OPTIONS + (Field("x_scale", "f"), Field("x_zero_point", "i")) + ROUNDING_OPTIONS
INT8_GRAD_FILTER_OPERANDS = (
    TRAIN,
    LEARNING_RATE,
    Operand("x_sel", "int8"),
    Operand("dy"),
    Operand("channels", "int32", optional=True),
    Operand("w", "int8"),
    Operand("scales"),
    Operand("velocity", optional=True),
    Operand("remainder", "int8", optional=True),
    Operand("step", "int32"),
)
INT8_GRAD_FILTER_MUTATES = (5, 7, 8)

_MASK = 0xFFFFFFFF


def check_scales(op, scales, n_channels):
    """One scale per output channel."""
    op.require(scales == (n_channels,), f"`scales` must have shape [{n_channels}]", scales)


def check_rounding(op, step, options):
    """The step counter and the options that say how to round."""
    op.require(step == (1,), "`step` must have shape [1]", step)
    rounding = options["rounding"]
    op.require(rounding in (NEAREST, STOCHASTIC, REMAINDER), "rounding must be 0, 1 or 2", rounding)
    op.require(options["layer_id"] >= 0, "layer_id must not be negative", options["layer_id"])


def check_int8_update(op, w, remainder, step, options):
    """What the filter gradients' updates have besides an SGD's."""
    check_rounding(op, step, options)
    keeps_remainder = options["rounding"] == REMAINDER
    op.require(
        (remainder is not None) == keeps_remainder, "`remainder` must be present with rounding 2 only", remainder
    )
    if keeps_remainder:
        op.require(remainder == w, f"`remainder` must have shape {w}", remainder)
    x_scale, zero_point = options["x_scale"], options["x_zero_point"]
    op.require(0.0 < x_scale < float("inf"), "x_scale must be positive and finite", x_scale)
    op.require(-128 <= zero_point <= 127, "x_zero_point must be in [-128, 127]", zero_point)


def random_key(options, step, layer_offset=0):
    """What the random numbers of one update of one tensor follow from."""
    layer_id = options["layer_id"] + layer_offset
    return mix32((mix32((mix32(options["seed"]) + layer_id) & _MASK) + int(step[0])) & _MASK)


def chance(key, index, dtype):
    """Numbers in (-1/2, 1/2) of weights with these flat indices: 23 random bits each, and their mean is 0."""
    counter = (np.uint64(key) + np.asarray(index).astype(np.uint64) * np.uint64(0x9E3779B9)) & np.uint64(_MASK)
    odd = (mix32(counter).astype(np.uint32).view(np.int32) >> 8) | 1
    return odd.astype(dtype) * dtype.type(2.0**-24)


def units_of_step(gradient, scales, velocity, lr, options):
    """The SGD step in units of `scales`; updates `velocity` (or None) in place.

    Where the step or its units are not finite, the unit is 0 and the velocity stays.

    Returns:
        (units, flags of where a step is taken), both as `gradient`.
    """
    dtype = gradient.dtype
    rate, scales = lr.reshape(-1)[0].astype(dtype), np.asarray(scales, dtype)
    if velocity is None:
        units = gradient * -(rate / scales)
        taken = np.isfinite(units)
    else:
        step, momentum = rate * gradient, dtype.type(options["momentum"])
        moved = momentum * velocity - step
        delta = momentum * moved - step if options["nesterov"] else moved
        units = delta * (dtype.type(1) / scales)
        taken = np.isfinite(step) & np.isfinite(units)
        velocity[...] = np.where(taken, moved, velocity)
    limit = dtype.type(MAX_UNITS)
    return np.clip(np.where(taken, units, dtype.type(0)), -limit, limit), taken


def round_units(units, index, key, rounding):
    """Whole units of each step, to the nearest or by chance; int64."""
    if rounding != NEAREST:
        units = units + chance(key, index, units.dtype)
    return np.rint(units).astype(np.int64)


def apply_int8_update(w, index, remainder, velocity, gradient, scales, lr, step, options):
    """Updates `w[index]`, and `remainder[index]` and `velocity` if there are any, in place.

    Args:
        w: The weights, int8.
        index: Selects the slice to update.
        remainder: As `w`, or None: what is left of the weight, in 256ths of a unit.
        velocity: As the slice, or None.
        gradient: As the slice.
        scales: Of the slice's weights; broadcast against it.
        lr: Learning rate [1].
        step: Step counter [1].
        options: Of `INT8_UPDATE_OPTIONS`.
    """
    units, taken = units_of_step(gradient, scales, velocity, lr, options)
    old = w[index].astype(np.int64)
    if options["rounding"] == REMAINDER:
        fine = np.rint(units * units.dtype.type(REMAINDERS_PER_UNIT)).astype(np.int64)
        limit = INT8_MAX * REMAINDERS_PER_UNIT
        total = np.clip(old * REMAINDERS_PER_UNIT + remainder[index] + fine, -limit, limit)
        new = (total + REMAINDERS_PER_UNIT // 2) // REMAINDERS_PER_UNIT
        remainder[index] = np.where(taken, total - new * REMAINDERS_PER_UNIT, remainder[index]).astype(np.int8)
    else:
        flat = np.arange(w.size).reshape(w.shape)[index]
        new = old + round_units(units, flat, random_key(options, step), options["rounding"])
    w[index] = np.where(taken, np.clip(new, -INT8_MAX, INT8_MAX), old).astype(np.int8)


def centered(x, options, dtype):
    """x - zero point, as numbers of `dtype`: real values but for the scale."""
    return (x.astype(np.int32) - np.int32(options["x_zero_point"])).astype(dtype)
