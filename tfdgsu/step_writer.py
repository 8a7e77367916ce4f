# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The end of a training step: updated slices go back into their kernels, the step counter moves on."""

import keras
import tensorflow as tf

from .update_variables import UpdateVariables, scatter_indices

# A running mean forgets with this factor per step that its channel is selected.
DECAY = 0.9


class StepWriter:
    """Writes every replica's copy of the variables, from inside a replica context.

    Args:
        items: The variables of every update layer.
        step: The step counter.
    """

    def __init__(self, items: list[UpdateVariables], step: keras.Variable):
        self.items = [item for item in items if item.channels is not None]
        self.step = step

    def write(self, statistics: dict[str, dict[str, tf.Tensor]]) -> None:
        """Scatters the slices, counts the step, and takes in the selected channels' statistics, by layer and name."""
        tf.distribute.get_replica_context().merge_call(self._write_all, args=(statistics,))

    def _write_all(self, strategy: tf.distribute.Strategy, statistics: dict[str, dict[str, tf.Tensor]]) -> None:
        update = strategy.extended.update
        for item in self.items:
            channels = item.channels.value
            update(item.kernel.value, _scatter, args=(channels, item.slice.value), group=False)
            for name, values in statistics[item.update.name].items():
                # Replicas see different batches. The mean of their values, for norms and squares an upper bound of that of
                # their mean, needs no collective op, which would have to run in the same order as the optimizer's on every
                # replica.
                mean = tf.reduce_mean(tf.stack(strategy.experimental_local_results(values)), axis=0)
                update(item.statistics[name].value, _blend, args=(channels, mean), group=False)
        update(self.step.value, _increment, group=False)


def _scatter(kernel: tf.Variable, channels: tf.Tensor, updated: tf.Tensor) -> None:
    kernel.scatter_nd_update(
        scatter_indices(tuple(kernel.shape), tf.convert_to_tensor(channels)), tf.convert_to_tensor(updated)
    )


def _blend(running: tf.Variable, channels: tf.Tensor, values: tf.Tensor) -> None:
    channels = tf.convert_to_tensor(channels)
    before = tf.gather(running.read_value(), channels)
    values = tf.cast(values, running.dtype)
    blended = tf.where(before < 0, values, DECAY * before + (1 - DECAY) * values)
    running.scatter_nd_update(channels[:, tf.newaxis], blended)


def _increment(step: tf.Variable) -> None:
    step.assign_add(1)
