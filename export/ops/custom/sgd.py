# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""SGD as Keras defines it, on a slice of the weights: the end of every filter gradient."""

from .base import LEARNING_RATE, TRAIN, Field, Operand
from .deterministic_math import multiply_add

SGD_OPTIONS = (Field("momentum", "f"), Field("nesterov", "i"))
# Of every op that computes the gradient of some input channels of a layer's weights w and applies it.
GRAD_FILTER_OPERANDS = (
    TRAIN,
    LEARNING_RATE,
    Operand("x_sel"),
    Operand("dy"),
    Operand("channels", "int32", optional=True),
    Operand("w"),
    Operand("velocity", optional=True),
)
GRAD_FILTER_MUTATES = (5, 6)


def apply_sgd(w, index, velocity, gradient, lr, options):
    """Updates `w[index]` (and `velocity`) in place, as keras.optimizers.SGD does.

    v = m*v - lr*g; w += v, or with nesterov w += m*v - lr*g; without velocity w -= lr*g, rounded once.

    Args:
        w: The weights, in any layout.
        index: Selects the slice to update.
        velocity: As the slice, or `None`.
        gradient: As the slice.
        lr: Learning rate [1].
        options: With `momentum` and `nesterov`.
    """
    rate = lr.reshape(-1)[0].astype(w.dtype)
    if velocity is None:
        w[index] = multiply_add(-rate, gradient, w[index])
        return
    step = rate * gradient
    momentum = w.dtype.type(options["momentum"])
    velocity[...] = momentum * velocity - step
    w[index] += momentum * velocity - step if options["nesterov"] else velocity


def check_sgd(op, velocity, expected, options):
    """Velocity is present exactly when there is momentum, and has the slice's shape."""
    momentum = options["momentum"]
    op.require(0.0 <= momentum < 1.0, "momentum must be in [0, 1)", momentum)
    op.require(options["nesterov"] in (0, 1), "nesterov must be 0 or 1", options["nesterov"])
    op.require((velocity is not None) or momentum == 0.0, "momentum needs a `velocity` variable", momentum)
    if velocity is not None:
        op.require(velocity == tuple(expected), f"`velocity` must have shape {tuple(expected)}", velocity)


def check_channels(op, channels, n_selected, n_channels):
    """`channels` is [k]; without it every channel is selected."""
    if channels is None:
        op.require(n_selected == n_channels, f"without `channels` all {n_channels} are needed", n_selected)
        return
    op.require(channels == (n_selected,), f"`channels` must have shape [{n_selected}]", channels)
    op.require(n_selected <= n_channels, f"at most {n_channels} channels can be selected", n_selected)
