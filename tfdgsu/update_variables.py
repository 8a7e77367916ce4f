# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The variables of one update layer: kernel, bias, the slice that the optimizer sees, channel numbers."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from .channel_rng import random_channels
from .channel_statistics import STATISTICS
from .sparse_update_plan import LayerUpdate

# Replicas hold equal values; the first one speaks for all.
AGGREGATION = "only_first_replica"


@dataclasses.dataclass(eq=False)
class UpdateVariables:
    """Variables of one update layer. The kernel is the truth; the slice is a copy of its selected channels.

    Attributes:
        update: The layer's part of the plan.
        layer_id: Its position in the plan.
        pool: int32 [P], the channels that selected ones are drawn from, ascending.
        kernel: The whole kernel [..., C, O].
        bias: The bias [O], or `None` if it isn't updated.
        channels: int32 [k], numbers in [0, C), or `None` unless 0 < k < C.
        slice: [..., k, O] for the optimizer: the kernel itself if k == C, `None` if k == 0.
        statistics: By name, see `channel_statistics`, float32 [C]: a running mean of each channel; -1 where there is none yet.
        visited: uint8 [C], 1 for channels that were ever updated.
    """

    update: LayerUpdate
    layer_id: int
    pool: np.ndarray
    kernel: keras.Variable
    bias: keras.Variable | None
    channels: keras.Variable | None = None
    slice: keras.Variable | None = None
    visited: keras.Variable | None = None
    statistics: dict[str, keras.Variable] = dataclasses.field(default_factory=dict)

    @property
    def trainable(self) -> list[keras.Variable]:
        return [variable for variable in (self.slice, self.bias) if variable is not None]

    @property
    def pool_channels(self) -> np.ndarray:
        """The selected channels as positions in the pool, int32 [k]: what a device stores."""
        return np.searchsorted(self.pool, self.channels.numpy()).astype(np.int32)

    def gather(self) -> tf.Tensor:
        """Returns the selected channels of the kernel, [..., k, O]."""
        return tf.gather(self.kernel.value, self.channels.value, axis=-2)


def choose_pool(kernel: np.ndarray, n_mutable: int) -> np.ndarray:
    """Returns the P input channels of a kernel [..., C, O] with the largest L1 norm, ascending, int32; of equals the first."""
    axes = tuple(axis for axis in range(kernel.ndim) if axis != kernel.ndim - 2)
    norms = np.sum(np.abs(kernel, dtype=np.float64), axis=axes)
    return np.sort(np.argsort(-norms, kind="stable")[:n_mutable]).astype(np.int32)


def create(
    owner: keras.Layer, layer: keras.Layer, update: LayerUpdate, layer_id: int, pool: np.ndarray | None = None
) -> UpdateVariables:
    """Creates the variables of one update layer as weights of `owner`; channels are the random draw 0 of seed 0.

    Args:
        owner: The model.
        layer: The prepared model's layer.
        update: Its part of the plan.
        layer_id: Its position in the plan.
        pool: Its pool if that was chosen before; else `choose_pool` chooses it.
    """
    if not update.has_pool:
        pool = np.arange(update.n_channels, dtype=np.int32)
    elif pool is None:
        pool = choose_pool(keras.ops.convert_to_numpy(layer.kernel), update.n_mutable)
    variables = UpdateVariables(update, layer_id, pool, layer.kernel, layer.bias if update.update_bias else None)
    if update.n_selected == update.n_channels:
        variables.slice = layer.kernel
    if not update.is_sparse:
        return variables
    channels = pool[random_channels(0, layer_id, 0, update.n_mutable, update.n_selected)]

    def add(name: str, value: np.ndarray, trainable: bool = False) -> keras.Variable:
        return owner.add_weight(
            name=f"{update.name}_{name}",
            shape=value.shape,
            dtype=str(value.dtype),
            initializer=lambda shape, dtype: tf.constant(value, dtype),
            trainable=trainable,
            aggregation="none" if trainable else AGGREGATION,
        )

    kernel = keras.ops.convert_to_numpy(layer.kernel)
    variables.channels = add("channels", channels)
    variables.slice = add("kernel_slice", np.take(kernel, channels, axis=-2), trainable=True)
    variables.slice.whole_kernel = layer.kernel  # For optimizers that go by it: LARS.
    for name in STATISTICS:
        variables.statistics[name] = add(name, np.full(update.n_channels, -1.0, np.float32))
    variables.visited = add("visited", np.zeros(update.n_channels, np.uint8))
    return variables


def scatter_indices(kernel_shape: tuple[int, ...], channels: tf.Tensor) -> tf.Tensor:
    """Returns where the rows [O] of a slice [..., k, O] lie in its kernel [..., C, O]: int32 [..., k, rank - 1]."""
    window = kernel_shape[:-2]
    shape = (*window, channels.shape[0], 1)
    # The window's part never changes, so it is a constant of the traced step.
    constant = np.indices(window, np.int32)  # [rank - 2, *window]
    constant = np.moveaxis(constant, 0, -1)[..., np.newaxis, :]
    constant = np.broadcast_to(constant, (*shape[:-1], len(window)))
    return tf.concat([constant, tf.broadcast_to(channels[:, tf.newaxis], shape)], axis=-1)
