# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Momentum SGD at a rate of its own for each convolution: state enough for selected channels, and for a device."""

import keras
from keras import ops

from .channel_schedule import ChannelSchedule

# Of gradients larger than any, so that the step that finds out how large they are is a small one.
UNKNOWN_MEAN_SQUARE = 1e12
# Steps between two draws of channels.
LEAST_PERIOD = 2


@keras.saving.register_keras_serializable(package="tfdgsu")
class LARS(keras.optimizers.Optimizer):
    """Layer-wise adaptive rate scaling: momentum SGD in steps relative to a layer's weights; plain SGD for biases and head.

    Of a kernel w with gradient g, r being the root mean square of its weights when the optimizer was built (of a slice,
    that of the whole kernel) and s a running mean of g^2 over the kernel:

        s = beta s + (1 - beta) (1 - momentum^2) mean((velocity / rate)^2)
        rate = learning_rate trust_coefficient r / sqrt(s)
        velocity = momentum velocity - rate g
        w += velocity

    So s comes from what the steps before left in the velocity, whose mean square is rate^2 g^2 / (1 - momentum^2) after a
    while: no gradient is kept, and the step of SGD with momentum remains as it is. Where the velocity was cleared, s stays.
    The first step has no s, takes 1e12 instead and so changes next to nothing; the second has mean((velocity / rate)^2).
    Channels must therefore stay for two steps or more: a draw at every step would leave no velocity to learn from.

    LARS: You et al., arXiv 1708.03888, equation 6, whose norms are those of the step's weights and gradient. Bundles have
    it, too: docs/design/0005-layer-rates.md.

    Example:
        sparse.compile(tfdgsu.LARS(0.1), loss="sparse_categorical_crossentropy")

    Args:
        learning_rate: Of biases and dense layers; a float or a schedule.
        trust_coefficient: Of convolutions: root mean square of what a steady learning rate of 1 and one gradient change,
            as a share of that of the weights.
        momentum: How much of the velocity stays in a step, in (0, 1).
        beta: How much of s stays in a step.
        **kwargs: As those of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate=0.1,
        trust_coefficient: float = 0.02,
        momentum: float = 0.9,
        beta: float = 0.99,
        name: str = "lars",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.trust_coefficient = trust_coefficient
        self.momentum = momentum
        self.beta = beta

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # Parallel to the variables, as those of Keras' optimizers are; of others than kernels, `None`.
        self._velocities, self._mean_squares, self._rates, self._root_mean_squares = [], [], [], []
        for variable in variables:
            is_kernel = has_own_rate(variable.shape)
            self._velocities.append(self.add_variable_from_reference(variable, "velocity") if is_kernel else None)
            self._mean_squares.append(self._add_scalar(variable, "mean_square", "zeros") if is_kernel else None)
            self._rates.append(self._add_scalar(variable, "rate", "zeros") if is_kernel else None)
            self._root_mean_squares.append(
                self._add_scalar(variable, "root_mean_square", _root_mean_square_of(variable)) if is_kernel else None
            )

    def _add_scalar(self, variable: keras.Variable, name: str, initializer) -> keras.Variable:
        return self.add_variable((), initializer=initializer, dtype="float32", name=f"{variable.name}_{name}")

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if not has_own_rate(variable.shape):
            self.assign_sub(variable, learning_rate * gradient)
            return
        position = self._get_variable_index(variable)
        velocity, mean_square, rate = (
            column[position] for column in (self._velocities, self._mean_squares, self._rates)
        )
        self.assign(mean_square, self._next_mean_square(velocity, mean_square, rate))
        scale = ops.sqrt(ops.where(mean_square > 0, mean_square, UNKNOWN_MEAN_SQUARE))
        self.assign(rate, learning_rate * self.trust_coefficient * self._root_mean_squares[position] / scale)
        self.assign(velocity, self.momentum * velocity - rate * gradient)
        self.assign_add(variable, velocity)

    def _next_mean_square(self, velocity, mean_square, rate):
        # In units of the gradient before it is squared, as on a device: squares of small steps vanish.
        found = ops.mean(ops.square(velocity / ops.where(rate > 0, rate, 1.0)))
        is_known = ops.logical_and(found > 0, rate > 0)
        steady = self.beta * mean_square + (1 - self.beta) * (1 - self.momentum**2) * found
        return ops.where(is_known, ops.where(mean_square > 0, steady, found), mean_square)

    def get_config(self):
        return {
            **super().get_config(),
            "trust_coefficient": self.trust_coefficient,
            "momentum": self.momentum,
            "beta": self.beta,
        }


def check_period(optimizer: keras.Optimizer | None, schedule: ChannelSchedule) -> None:
    """Checks that channels stay long enough for the optimizer.

    Raises:
        ValueError: `LARS`, and channels that are drawn anew at every step.
    """
    is_lars = isinstance(getattr(optimizer, "inner_optimizer", optimizer), LARS)
    if is_lars and schedule.device_kind != "static" and schedule.every < LEAST_PERIOD:
        raise ValueError(
            f"With LARS channels must stay for at least {LEAST_PERIOD} steps: what a step leaves in the velocity tells how "
            f"large the gradient is, and a draw clears it. Received: every={schedule.every}. Raise every, or compile with "
            "keras.optimizers.SGD."
        )


def has_own_rate(shape: tuple[int, ...]) -> bool:
    """True for the kernel of a convolution, or a slice of one: its axes are those of a window, input and output channels."""
    return len(shape) > 2


def _root_mean_square_of(variable: keras.Variable):
    # A function: a training step may be being traced, where a kernel has no value yet.
    kernel = getattr(variable, "whole_kernel", variable)
    return lambda shape, dtype: ops.cast(ops.sqrt(ops.mean(ops.square(ops.convert_to_tensor(kernel)))), dtype)
