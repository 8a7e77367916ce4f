# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One layer of a user's model, rewritten as a chain of plain layers that share nothing with it."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from .fold_batch_norm import fold, is_linear

# Cloned with their weights; anything else that has weights is reused as it is and stays frozen.
WEIGHTED = (
    layers.Conv2D,
    layers.Conv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.Dense,
    layers.BatchNormalization,
)
STATELESS = (
    layers.ReLU,
    layers.LeakyReLU,
    layers.Activation,
    layers.Softmax,
    layers.Add,
    layers.Concatenate,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
    layers.Flatten,
    layers.Reshape,
    layers.Dropout,
)


@dataclasses.dataclass
class Link:
    """A new layer and the arrays for `layer.set_weights` once it is built."""

    layer: keras.Operation
    weights: list[np.ndarray] = dataclasses.field(default_factory=list)


def is_known(layer: keras.Operation) -> bool:
    """True for layers that are cloned. A subclass may compute something else, so the exact type counts."""
    return type(layer) in STATELESS or (type(layer) in WEIGHTED and getattr(layer, "quantization_mode", None) is None)


def rewrite(layer: keras.Operation, norm: layers.BatchNormalization | None, unique: Callable[[str], str]) -> list[Link]:
    """Returns the chain of layers that computes `norm(layer(x))` in inference mode.

    Known layers are cloned: separable convolutions split in two, `norm` folded in, inline activations and causal padding
    made layers of their own. An unknown layer is returned as it is: it stays frozen, so it can be anything.

    Args:
        layer: A built layer of the user's model.
        norm: The batch normalization to fold into it, or `None`.
        unique: Returns a name that no other layer of the new model has.
    """
    if not is_known(layer):
        return [Link(layer)]
    if type(layer) in WEIGHTED:
        return _rewrite_weighted(layer, norm, unique)
    if type(layer) is layers.Activation:
        return [Link(_activation_layer(layer.activation, unique(layer.name), layer.dtype_policy))]
    return [Link(_clone(layer, unique(layer.name)))]


def _rewrite_weighted(layer, norm, unique) -> list[Link]:
    if isinstance(layer, layers.BatchNormalization):
        return [Link(_clone(layer, unique(layer.name)), layer.get_weights())]
    chain = []
    if type(layer) is layers.SeparableConv2D:
        chain.append(_separable_depthwise(layer, unique))
        kernel, last = layer.pointwise_kernel, _separable_pointwise
    else:
        kernel, last = layer.kernel, _clone_linear
        if getattr(layer, "padding", None) == "causal":
            n_padded = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
            padding = layers.ZeroPadding1D(
                (n_padded, 0), name=unique(f"{layer.name}_padding"), dtype=layer.dtype_policy
            )
            chain.append(Link(padding))
    kernel = keras.ops.convert_to_numpy(kernel)
    bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else None
    if norm is not None:
        kernel, bias = fold(kernel, bias, norm)
    chain.append(Link(last(layer, bias is not None, unique), [kernel] if bias is None else [kernel, bias]))
    if not is_linear(layer):
        chain.append(Link(_activation_layer(layer.activation, unique(f"{layer.name}_activation"), layer.dtype_policy)))
    return chain


def _clone(layer: keras.Layer, name: str, **changes) -> keras.Layer:
    config = layer.get_config()
    config.update(changes, name=name)
    config.pop("lora_rank", None)
    config.pop("lora_alpha", None)
    return type(layer).from_config(config)


def _clone_linear(layer, use_bias, unique) -> keras.Layer:
    changes = {"use_bias": use_bias, "activation": None, "trainable": True}
    if getattr(layer, "padding", None) == "causal":
        changes["padding"] = "valid"
    return _clone(layer, unique(layer.name), **changes)


def _separable_depthwise(layer: layers.SeparableConv2D, unique) -> Link:
    depthwise = layers.DepthwiseConv2D(
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        depth_multiplier=layer.depth_multiplier,
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
        use_bias=False,
        depthwise_regularizer=layer.depthwise_regularizer,
        depthwise_constraint=layer.depthwise_constraint,
        dtype=layer.dtype_policy,
        name=unique(f"{layer.name}_depthwise"),
    )
    return Link(depthwise, [keras.ops.convert_to_numpy(layer.depthwise_kernel)])


def _separable_pointwise(layer: layers.SeparableConv2D, use_bias, unique) -> keras.Layer:
    return layers.Conv2D(
        layer.filters,
        1,
        data_format=layer.data_format,
        use_bias=use_bias,
        kernel_regularizer=layer.pointwise_regularizer,
        bias_regularizer=layer.bias_regularizer,
        activity_regularizer=layer.activity_regularizer,
        kernel_constraint=layer.pointwise_constraint,
        bias_constraint=layer.bias_constraint,
        dtype=layer.dtype_policy,
        name=unique(f"{layer.name}_pointwise"),
    )


def _activation_layer(activation, name: str, dtype) -> keras.Layer:
    """The layer for an inline activation; an unknown function becomes an `Activation` layer, fit for frozen use."""
    if isinstance(activation, keras.Layer) and type(activation) in STATELESS:
        return _clone(activation, name)
    if activation is keras.activations.relu:
        return layers.ReLU(name=name, dtype=dtype)
    if activation is keras.activations.relu6:
        return layers.ReLU(6.0, name=name, dtype=dtype)
    if activation is keras.activations.leaky_relu:
        return layers.LeakyReLU(0.2, name=name, dtype=dtype)  # keras.activations.leaky_relu's default slope
    if activation is keras.activations.softmax:
        return layers.Softmax(name=name, dtype=dtype)
    return layers.Activation(activation, name=name, dtype=dtype)
