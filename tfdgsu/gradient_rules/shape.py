# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that only move elements: merging, padding, reshaping. None keeps anything."""

import tensorflow as tf
from keras import layers

from .rule import GradientRule, input_shape, input_sizes, refusal_of_data_format


class AddRule(GradientRule):
    """y = a + b + ...: every input gets dy."""

    LAYERS = (layers.Add,)

    def refusal(self, call):
        shapes = [value.shape for value in call.inputs]
        if len(set(shapes)) > 1:
            return f"Add must have inputs of one shape. Received: shapes={shapes}. Make the broadcast explicit."
        return None

    def backward(self, call, kept, dy):
        return [dy] * len(call.inputs)


class ConcatenateRule(GradientRule):
    """Every input gets its part of dy."""

    LAYERS = (layers.Concatenate,)

    def refusal(self, call):
        if call.layer.axis % len(call.output.shape) == 0:
            return f"Concatenate can't join batches. Received: axis={call.layer.axis}. Join along another axis."
        return None

    def backward(self, call, kept, dy):
        axis = call.layer.axis
        return tf.split(dy, [value.shape[axis] for value in call.inputs], axis=axis)


class ZeroPaddingRule(GradientRule):
    """dx is the part of dy inside the padding."""

    LAYERS = (layers.ZeroPadding2D, layers.ZeroPadding1D)

    def refusal(self, call):
        return refusal_of_data_format(call)

    def backward(self, call, kept, dy):
        padding = call.layer.padding if len(call.output.shape) == 4 else [call.layer.padding]
        begin = [0, *(before for before, _ in padding), 0]
        return [tf.slice(dy, begin, input_sizes(call, dy))]


class ReshapeRule(GradientRule):
    """dx is dy in the shape of x."""

    LAYERS = (layers.Flatten, layers.Reshape)

    def refusal(self, call):
        return refusal_of_data_format(call)

    def backward(self, call, kept, dy):
        return [tf.reshape(dy, input_shape(call))]
