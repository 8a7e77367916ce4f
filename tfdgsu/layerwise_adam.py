# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""An optimizer whose state is the selected channels' momentum and one number for each layer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfdgsu")
class LayerwiseAdam(keras.optimizers.Optimizer):
    """Adam with one second moment for a whole convolution kernel, in steps relative to its weights; SGD for the rest.

    Of a kernel w with gradient g, r being the root mean square of its weights when the optimizer was built (of a slice,
    that of the whole kernel):

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) mean(g^2)
        w -= learning_rate relative_step r m / (sqrt(v) + epsilon)

    Biases and the kernels of dense layers take plain steps: w -= learning_rate g.

    Adam: Kingma and Ba, arXiv 1412.6980, here without its correction of early moments, which cancels out where beta_2 =
    1 - (1 - beta_1)^2, as by default. One second moment for a block of weights: Adam-mini, arXiv 2406.16793. Steps relative
    to the weights: Adafactor, arXiv 1804.04235. `SparseUpdateModel` clears m when channels are re-drawn, and keeps v.

    Example:
        sparse.compile(tfdgsu.LayerwiseAdam(0.3, relative_step=0.13), loss="sparse_categorical_crossentropy")

    Args:
        learning_rate: Of biases and dense layers; a float or a schedule.
        relative_step: Root mean square of a kernel's step, as a share of that of its weights, at a learning rate of 1 and a
            steady gradient.
        beta_1, beta_2: How much of the moments stays in a step.
        epsilon: Keeps a layer without gradient from a division by zero.
        **kwargs: As those of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate=0.3,
        relative_step: float = 0.13,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        epsilon: float = 1e-12,
        name: str = "layerwise_adam",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.relative_step = relative_step
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._moments = [self.add_variable_from_reference(variable, "momentum") for variable in variables]
        self._second_moments = [self._add_scalar(variable, "second_moment", "zeros") for variable in variables]
        self._root_mean_squares = [
            self._add_scalar(variable, "root_mean_square", self._initializer(variable)) for variable in variables
        ]

    def _add_scalar(self, variable: keras.Variable, name: str, initializer) -> keras.Variable:
        return self.add_variable((), initializer=initializer, dtype="float32", name=f"{variable.name}_{name}")

    def _initializer(self, variable: keras.Variable):
        # A function: a training step may be being traced, where a kernel has no value yet.
        kernel = getattr(variable, "whole_kernel", variable)
        return lambda shape, dtype: ops.cast(ops.sqrt(ops.mean(ops.square(ops.convert_to_tensor(kernel)))), dtype)

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        position = self._get_variable_index(variable)
        if not is_stepped_relatively(variable):
            self.assign_sub(variable, rate * gradient)
            return
        moment, second = self._moments[position], self._second_moments[position]
        self.assign(moment, self.beta_1 * moment + (1 - self.beta_1) * gradient)
        self.assign(second, self.beta_2 * second + (1 - self.beta_2) * ops.mean(ops.square(gradient)))
        step = rate * self.relative_step * self._root_mean_squares[position] / (ops.sqrt(second) + self.epsilon)
        self.assign_sub(variable, step * moment)

    def get_config(self):
        return {
            **super().get_config(),
            "relative_step": self.relative_step,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def is_stepped_relatively(variable: keras.Variable) -> bool:
    """True for the kernel of a convolution, or a slice of one: its axes are those of a window, input and output channels."""
    return len(variable.shape) > 2
