# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Conv2D, Conv1D and DepthwiseConv2D: input gradient, and the gradient of some input channels of the kernel."""

import tensorflow as tf
from keras import layers

from ..layer_graph import LayerCall
from .rule import (
    WeightGradientRule,
    image_sizes,
    input_shape,
    input_sizes,
    refusal_of_data_format,
    with_height,
)


class ConvolutionRule(WeightGradientRule):
    """y[.., o] = sum over (window, c) of x[.., c] * kernel[window, c, o] + bias[o].

    dkernel[window, sel, :] needs only x[..., sel], so it is the filter gradient of a convolution with k input channels.
    Conv1D is the same over an image of height 1.
    """

    LAYERS = (layers.Conv2D, layers.Conv1D)

    def refusal(self, call: LayerCall) -> str | None:
        layer = call.layer
        if layer.groups != 1:
            return f"groups must be 1. Received: groups={layer.groups}. Use one convolution per group and Concatenate."
        return _refusal_of_any_convolution(call)

    def backward(self, call, kept, dy):
        layer = call.layer
        kernel = tf.convert_to_tensor(layer.kernel)
        if _is_pointwise(layer):
            # One matrix product over all pixels.
            rows = tf.matmul(tf.reshape(dy, [-1, layer.filters]), kernel[(0,) * layer.rank], transpose_b=True)
            return [tf.reshape(rows, input_shape(call))]
        if layer.rank == 1:
            dy, kernel = dy[:, tf.newaxis], kernel[tf.newaxis]
        dx = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=image_sizes(call, dy),
            filter=kernel,
            out_backprop=dy,
            strides=_strides(layer),
            padding=layer.padding.upper(),
        )
        return [dx[:, 0] if layer.rank == 1 else dx]

    def kernel_gradient(self, call, x_selected, dy, channels):
        layer = call.layer
        shape = (*layer.kernel_size, x_selected.shape[-1], layer.filters)
        if all(size == 1 for size in layer.kernel_size):
            # Also where it strides: Conv2DBackpropFilter with oneDNN (TensorFlow 2.21) then writes beyond its result.
            x_read = x_selected[(slice(None), *(slice(None, None, stride) for stride in layer.strides))]
            x_rows = tf.reshape(x_read, [-1, x_selected.shape[-1]])
            return tf.reshape(tf.matmul(x_rows, tf.reshape(dy, [-1, layer.filters]), transpose_a=True), shape)
        if layer.rank == 1:
            x_selected, dy = x_selected[:, tf.newaxis], dy[:, tf.newaxis]
        gradient = tf.raw_ops.Conv2DBackpropFilter(
            input=x_selected,
            filter_sizes=[*with_height(layer.kernel_size), x_selected.shape[-1], layer.filters],
            out_backprop=dy,
            strides=_strides(layer),
            padding=layer.padding.upper(),
        )
        return tf.reshape(gradient, shape)


class DepthwiseConvolutionRule(WeightGradientRule):
    """y[.., c * m + j] = sum over window of x[.., c] * kernel[window, c, j] + bias[c * m + j], m = depth_multiplier.

    dkernel[window, sel, :] needs x[..., sel] and, of dy, the m outputs of each selected channel.
    """

    LAYERS = (layers.DepthwiseConv2D,)

    def refusal(self, call: LayerCall) -> str | None:
        strides = call.layer.strides
        if strides[0] != strides[1]:
            return f"strides of a depthwise convolution must be equal. Received: strides={strides}. Make them equal."
        return _refusal_of_any_convolution(call)

    def backward(self, call, kept, dy):
        layer = call.layer
        return [
            tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=input_sizes(call, dy),
                filter=tf.convert_to_tensor(layer.kernel),
                out_backprop=dy,
                strides=_strides(layer),
                padding=layer.padding.upper(),
            )
        ]

    def kernel_gradient(self, call, x_selected, dy, channels):
        layer = call.layer
        multiplier = layer.depth_multiplier
        if channels is not None:
            outputs = channels[:, tf.newaxis] * multiplier + tf.range(multiplier)  # [k, m]
            dy = tf.gather(dy, tf.reshape(outputs, [-1]), axis=-1)
        return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=x_selected,
            filter_sizes=[*layer.kernel_size, x_selected.shape[-1], multiplier],
            out_backprop=dy,
            strides=_strides(layer),
            padding=layer.padding.upper(),
        )


def _refusal_of_any_convolution(call: LayerCall) -> str | None:
    layer = call.layer
    if any(rate != 1 for rate in layer.dilation_rate):
        return f"dilation_rate must be 1. Received: dilation_rate={layer.dilation_rate}. Use a larger kernel or stride."
    return refusal_of_data_format(call)


def _is_pointwise(layer) -> bool:
    return all(size == 1 for size in (*layer.kernel_size, *layer.strides))


def _strides(layer) -> list[int]:
    return [1, *with_height(layer.strides), 1]
