# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The end of a training step: updated slices go back into their kernels, the step counter moves on."""

import keras
import tensorflow as tf

from .update_variables import UpdateVariables, scatter_indices

# A running norm forgets with this factor per step that its channel is selected.
NORM_DECAY = 0.9


class StepWriter:
    """Writes every replica's copy of the variables, from inside a replica context.

    Args:
        items: The variables of every update layer.
        step: The step counter.
    """

    def __init__(self, items: list[UpdateVariables], step: keras.Variable):
        self.items = [item for item in items if item.channels is not None]
        self.step = step

    def write(self, kernel_gradients: dict[str, tf.Tensor]) -> None:
        """Scatters the slices, counts the step, and updates the norms of the channels in `kernel_gradients`."""
        context = tf.distribute.get_replica_context()
        norms = {}
        for item in self.items:
            if item.update.name in kernel_gradients:
                gradient = kernel_gradients[item.update.name]
                axes = [axis for axis in range(gradient.shape.rank) if axis != gradient.shape.rank - 2]
                norms[item.update.name] = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=axes))
        context.merge_call(self._write_all, args=(norms,))

    def _write_all(self, strategy: tf.distribute.Strategy, norms: dict[str, tf.Tensor]) -> None:
        update = strategy.extended.update
        for item in self.items:
            channels = item.channels.value
            update(item.kernel.value, _scatter, args=(channels, item.slice.value), group=False)
            norm = norms.get(item.update.name)
            if norm is not None:
                # Replicas see different batches. The mean of their norms, an upper bound of the norm of their mean, needs
                # no collective op, which would have to run in the same order as the optimizer's on every replica.
                norm = tf.reduce_mean(tf.stack(strategy.experimental_local_results(norm)), axis=0)
                update(item.gradient_norms.value, _blend, args=(channels, norm), group=False)
        update(self.step.value, _increment, group=False)


def _scatter(kernel: tf.Variable, channels: tf.Tensor, updated: tf.Tensor) -> None:
    kernel.scatter_nd_update(
        scatter_indices(tuple(kernel.shape), tf.convert_to_tensor(channels)), tf.convert_to_tensor(updated)
    )


def _blend(running: tf.Variable, channels: tf.Tensor, norm: tf.Tensor) -> None:
    channels = tf.convert_to_tensor(channels)
    before = tf.gather(running.read_value(), channels)
    norm = tf.cast(norm, running.dtype)
    blended = tf.where(before < 0, norm, NORM_DECAY * before + (1 - NORM_DECAY) * norm)
    running.scatter_nd_update(channels[:, tf.newaxis], blended)


def _increment(step: tf.Variable) -> None:
    step.assign_add(1)
