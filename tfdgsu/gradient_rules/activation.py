# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Activations, and frozen batch normalization: one bit per element where that is enough."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from ..byte_size import FLOAT_BYTES
from ..fold_batch_norm import axis_is_last
from .rule import GradientRule, mask_bytes

RELU6_MAX_VALUE = 6.0


class RectifierRule(GradientRule):
    """ReLU, ReLU6 and LeakyReLU: dx = dy where 0 < y < max_value, slope * dy elsewhere. Keeps one bit per element."""

    LAYERS = (layers.ReLU, layers.LeakyReLU)

    def refusal(self, call):
        layer = call.layer
        if getattr(layer, "threshold", 0):
            return f"threshold must be 0. Received: threshold={layer.threshold}. Use a plain ReLU."
        if layer.negative_slope < 0:
            return (
                f"negative_slope must not be negative. Received: negative_slope={layer.negative_slope}. Use LeakyReLU."
            )
        if layer.negative_slope and getattr(layer, "max_value", None) is not None:
            return (
                "one bit per element can't tell below zero from above max_value, so a ReLU has either. Received: "
                f"negative_slope={layer.negative_slope}, max_value={layer.max_value}. Drop one of the two."
            )
        return None

    def keep(self, call, inputs, output):
        layer = call.layer
        max_value = getattr(layer, "max_value", None)
        if layer.negative_slope:
            return (output > 0,)
        if max_value is None:
            return (tf.cast(output, tf.bool),)  # y >= 0, and a cast is faster than a comparison.
        if max_value == RELU6_MAX_VALUE:  # Two passes over y instead of three; this leaves y where 0 < y < 6.
            return (tf.cast(tf.raw_ops.Relu6Grad(gradients=output, features=output), tf.bool),)
        return (tf.logical_and(output > 0, output < max_value),)

    def backward(self, call, kept, dy):
        slope = float(np.float32(call.layer.negative_slope))  # TensorFlow's op holds it as float32 for every dtype.
        return [tf.where(kept[0], dy, slope * dy if slope else tf.zeros([], dy.dtype))]

    def kept_mask_bytes(self, call, batch_size):
        return mask_bytes(call.output.n_elements(batch_size))


class SoftmaxRule(GradientRule):
    """y = softmax(x) over the last axis: dx = (dy - sum(dy * y)) * y. Keeps y."""

    LAYERS = (layers.Softmax,)

    def refusal(self, call):
        if call.layer.axis not in (-1, len(call.output.shape) - 1):
            return f"Softmax must be over the last axis. Received: axis={call.layer.axis}. Permute in front of it."
        return None

    def keep(self, call, inputs, output):
        return (output,)

    def backward(self, call, kept, dy):
        (y,) = kept
        return [(dy - tf.reduce_sum(dy * y, axis=-1, keepdims=True)) * y]

    def kept_activation_bytes(self, call, batch_size):
        return FLOAT_BYTES * call.output.n_elements(batch_size)


class ActivationRule(GradientRule):
    """Activation("sigmoid"), which keeps y, and Activation("linear"), which keeps nothing."""

    LAYERS = (layers.Activation,)

    def refusal(self, call):
        activation = call.layer.activation
        if activation in (keras.activations.sigmoid, keras.activations.linear):
            return None
        return (
            "activations with a gradient are relu, relu6, leaky_relu, sigmoid, softmax and linear. "
            f"Received: activation={getattr(activation, '__name__', activation)!r}. Replace it by one of these."
        )

    def keep(self, call, inputs, output):
        return (output,) if self._is_sigmoid(call) else ()

    def backward(self, call, kept, dy):
        return [dy * kept[0] * (1 - kept[0])] if self._is_sigmoid(call) else [dy]

    def kept_activation_bytes(self, call, batch_size):
        return FLOAT_BYTES * call.output.n_elements(batch_size) if self._is_sigmoid(call) else 0

    def _is_sigmoid(self, call) -> bool:
        return call.layer.activation is keras.activations.sigmoid


class BatchNormalizationRule(GradientRule):
    """A batch normalization that couldn't be folded: y = x * scale + offset with frozen statistics. Keeps nothing."""

    LAYERS = (layers.BatchNormalization,)

    def refusal(self, call):
        if not axis_is_last(call):
            return (
                f"BatchNormalization must be over the last axis. Received: axis={call.layer.axis}. Transpose the model."
            )
        return None

    def forward(self, call, inputs):
        return call.layer(inputs[0], training=False), ()

    def backward(self, call, kept, dy):
        norm = call.layer
        scale = tf.math.rsqrt(tf.convert_to_tensor(norm.moving_variance) + norm.epsilon)
        return [dy * (scale * tf.convert_to_tensor(norm.gamma) if norm.scale else scale)]


class DropoutRule(GradientRule):
    """y = x * bits / (1 - rate). Keeps the bits. A device trains without dropout."""

    LAYERS = (layers.Dropout,)

    def forward(self, call, inputs):
        layer, (x,) = call.layer, inputs
        if not layer.rate:
            return x, ()
        scaled_bits = keras.random.dropout(tf.ones_like(x), layer.rate, layer.noise_shape, seed=layer.seed_generator)
        bits = scaled_bits > 0
        return self._apply(layer, bits, x), (bits,)

    def backward(self, call, kept, dy):
        return [self._apply(call.layer, kept[0], dy)] if kept else [dy]

    def _apply(self, layer, bits, x):
        return tf.where(bits, x / (1 - layer.rate), tf.zeros([], x.dtype))
