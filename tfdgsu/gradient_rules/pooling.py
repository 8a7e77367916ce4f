# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Pooling, local and global, in one and two dimensions. A 1-D layer is the 2-D one over an image of height 1."""

import tensorflow as tf
from keras import layers

from .rule import (
    GradientRule,
    image_sizes,
    input_shape,
    input_sizes,
    mask_bytes,
    refusal_of_data_format,
    with_height,
)


class PoolingRule(GradientRule):
    """What all pooling refuses."""

    def refusal(self, call):
        return refusal_of_data_format(call)


class MaxPoolingRule(PoolingRule):
    """The first maximum of each window gets its dy.

    TensorFlow's gradient wants x and y; a device keeps one byte per output, the maximum's place in its window.
    """

    LAYERS = (layers.MaxPooling2D, layers.MaxPooling1D)

    def keep(self, call, inputs, output):
        return inputs[0], output

    def backward(self, call, kept, dy):
        x, y, dy = (_as_images(tensor) for tensor in (*kept, dy))
        dx = tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=y, grad=dy, **_window(call.layer))
        return [tf.reshape(dx, input_shape(call))]

    def kept_activation_bytes(self, call, batch_size):
        return call.output.n_elements(batch_size)


class AveragePoolingRule(PoolingRule):
    """Every element of a window gets dy / (elements of the window inside the image). Keeps nothing."""

    LAYERS = (layers.AveragePooling2D, layers.AveragePooling1D)

    def backward(self, call, kept, dy):
        dx = tf.raw_ops.AvgPoolGrad(orig_input_shape=image_sizes(call, dy), grad=_as_images(dy), **_window(call.layer))
        return [tf.reshape(dx, input_shape(call))]


class GlobalAveragePoolingRule(PoolingRule):
    """Every element gets dy / (elements of the image). Keeps nothing."""

    LAYERS = (layers.GlobalAveragePooling2D, layers.GlobalAveragePooling1D)

    def backward(self, call, kept, dy):
        sizes = input_sizes(call, dy)
        n_pixels = tf.cast(tf.reduce_prod(sizes[1:-1]), dy.dtype)
        return [tf.broadcast_to(_with_spatial_axes(call, dy) / n_pixels, sizes)]


class GlobalMaxPoolingRule(PoolingRule):
    """The maximum gets dy, shared evenly among ties, as TensorFlow does. Keeps one bit per element of x."""

    LAYERS = (layers.GlobalMaxPooling2D, layers.GlobalMaxPooling1D)

    def keep(self, call, inputs, output):
        return (inputs[0] == _with_spatial_axes(call, output),)

    def backward(self, call, kept, dy):
        bits = tf.cast(kept[0], dy.dtype)
        n_ties = tf.reduce_sum(bits, axis=_spatial_axes(call), keepdims=True)
        return [bits * (_with_spatial_axes(call, dy) / n_ties)]

    def kept_mask_bytes(self, call, batch_size):
        return mask_bytes(call.inputs[0].n_elements(batch_size))


def _as_images(x: tf.Tensor) -> tf.Tensor:
    return x[:, tf.newaxis] if x.shape.rank == 3 else x


def _window(layer) -> dict:
    return {
        "ksize": [1, *with_height(layer.pool_size), 1],
        "strides": [1, *with_height(layer.strides), 1],
        "padding": layer.padding.upper(),
    }


def _spatial_axes(call) -> list[int]:
    return list(range(1, len(call.inputs[0].shape) - 1))


def _with_spatial_axes(call, y: tf.Tensor) -> tf.Tensor:
    """[B, C] or, with keepdims, [B, 1, 1, C] as [B, 1, 1, C]."""
    if call.layer.keepdims:
        return y
    for axis in _spatial_axes(call):
        y = tf.expand_dims(y, axis)
    return y
