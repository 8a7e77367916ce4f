# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a model so that the converter can't merge the weights of its update layers with those of their neighbours.

Two linear layers in a row, or a batch normalization in front of a convolution, are one affine map to the converter: it
computes a new kernel or bias out of both. That is right for inference, but then there is no weight left to train. So a
barrier stands between them, an op that the converter doesn't know; ``passes/drop_barriers.py`` takes it out again.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers, tree

from ..layer_graph import LayerGraph, Value, flatten
from ..rewrite_layer import STATELESS

# Constants pass through these, and paddings and reshapes are wanted next to the layer behind them: they fuse.
_TRANSPARENT = (
    layers.Activation,
    layers.Dropout,
    layers.Flatten,
    layers.Reshape,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
)


def keep_layers_apart(model: keras.Model, update_layers: set[str]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function that computes what a flat functional model does in inference, with barriers.

    Args:
        model: Functional, with one input and one output.
        update_layers: Names of the layers whose weights must survive conversion.
    """
    graph = flatten(model)
    guarded = _guarded_values(graph, update_layers)

    def run(x: tf.Tensor) -> tf.Tensor:
        tensors = {graph.inputs[0]: x}
        with tf.name_scope("model"):  # Some layer names can't be root scopes.
            for call in graph.calls:
                args, kwargs = call.arguments(tensors.__getitem__)
                if "training" not in kwargs and getattr(call.layer, "_call_has_training_arg", False):
                    kwargs = {**kwargs, "training": False}
                outputs = tree.flatten(call.layer(*args, **kwargs))
                for value, tensor in zip(call.outputs, outputs, strict=True):
                    tensors[value] = tf.raw_ops.DeepCopy(x=tensor) if value in guarded else tensor
        return tensors[graph.outputs[0]]

    return run


def _guarded_values(graph: LayerGraph, update_layers: set[str]) -> set[Value]:
    """What a layer with weights reads of a layer that may have constants, if one of the two is an update layer."""
    guarded = set()
    for call in graph.calls:
        if not getattr(call.layer, "weights", None):
            continue
        for value in map(_source, call.inputs):
            maker = value.producer
            if maker is None or isinstance(maker.layer, STATELESS):
                continue
            if call.name in update_layers or maker.name in update_layers:
                guarded.add(value)
    return guarded


def _source(value: Value) -> Value:
    while value.producer is not None and isinstance(value.producer.layer, _TRANSPARENT):
        value = value.producer.inputs[0]
    return value
