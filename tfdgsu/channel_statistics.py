# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step tells of the channels that it updates, for policies that score them.

All comes from the gradient slices that the step computes anyway: a dense gradient never exists.
"""

from collections.abc import Collection

import keras
import tensorflow as tf


def _gradient_norm(gradient: tf.Tensor, weights: keras.Variable) -> tf.Tensor:
    """The norm of each channel's gradient."""
    del weights
    return tf.sqrt(_sum(tf.square(gradient)))


def _fisher(gradient: tf.Tensor, weights: keras.Variable) -> tf.Tensor:
    """The Fisher information of a factor on each input channel: the square of the loss's derivative by that factor.

    A factor on the channel's weights acts as one on its activations, so the sum of weights times gradients is the sum of
    activations times gradients of TinyTrain (arXiv 2307.09988; after Theis et al., arXiv 1801.05787). There squares
    are taken image by image; here of a batch's mean loss, which is the same for batches of one.
    """
    return tf.square(_sum(gradient * tf.convert_to_tensor(weights)))


def _sum(values: tf.Tensor) -> tf.Tensor:
    """Sums [..., k, O] to [k]."""
    rank = values.shape.rank
    return tf.reduce_sum(values, axis=[axis for axis in range(rank) if axis != rank - 2])


_FUNCTIONS = {"gradient_norms": _gradient_norm, "fisher": _fisher}
STATISTICS = tuple(_FUNCTIONS)


def check_names(names: Collection[str]) -> frozenset[str]:
    """Returns names of statistics as a set.

    Raises:
        ValueError: There is no such statistic.
    """
    unknown = sorted(set(names) - set(STATISTICS))
    if unknown:
        raise ValueError(f"statistics must be some of {STATISTICS}. Received: {unknown}. Name one of these, or none.")
    return frozenset(names)


def compute(names: Collection[str], gradient: tf.Tensor, weights: keras.Variable) -> dict[str, tf.Tensor]:
    """Returns statistics of the selected channels by name, [k] each.

    Args:
        names: Which.
        gradient: Of the mean loss, [..., k, O].
        weights: The slice before it is updated, [..., k, O]; read only by what needs it.
    """
    return {name: _FUNCTIONS[name](gradient, weights) for name in names}
