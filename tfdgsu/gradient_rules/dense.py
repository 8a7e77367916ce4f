# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Dense: input gradient, and the gradient of some rows of the kernel."""

import tensorflow as tf
from keras import layers

from .rule import WeightGradientRule


class DenseRule(WeightGradientRule):
    """y = x @ kernel + bias; an input feature is a channel, so dkernel[sel] = x[..., sel]^T @ dy."""

    LAYERS = (layers.Dense,)

    def backward(self, call, kept, dy):
        return [tf.matmul(dy, tf.convert_to_tensor(call.layer.kernel), transpose_b=True)]

    def kernel_gradient(self, call, x_selected, dy, channels):
        x_rows = tf.reshape(x_selected, [-1, x_selected.shape[-1]])
        return tf.matmul(x_rows, tf.reshape(dy, [-1, call.layer.units]), transpose_a=True)
