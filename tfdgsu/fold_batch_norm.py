# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Inference-mode batch normalization as an affine map, and its folding into the layer in front of it."""

import keras
import numpy as np
from keras import layers

from .layer_graph import LayerCall, LayerGraph

FOLDABLE = (layers.Conv2D, layers.Conv1D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)


def find_foldable(graph: LayerGraph) -> dict[LayerCall, LayerCall]:
    """Maps each batch normalization call that can be folded to the call that it is folded into.

    Foldable means: the layer in front is a convolution, a depthwise convolution or a dense layer without activation,
    each of the two is called once, nothing else reads what is between them, and the normalized axis is the last.
    """
    n_calls: dict[int, int] = {}
    for call in graph.calls:
        n_calls[id(call.layer)] = n_calls.get(id(call.layer), 0) + 1
    foldable = {}
    for call in graph.calls:
        if type(call.layer) is not layers.BatchNormalization or n_calls[id(call.layer)] > 1:
            continue
        before = call.inputs[0].producer
        if before is None or type(before.layer) not in FOLDABLE or n_calls[id(before.layer)] > 1:
            continue
        only_reader = call.inputs[0].consumers == [call] and call.inputs[0] not in graph.outputs
        if only_reader and is_linear(before.layer) and axis_is_last(call):
            foldable[call] = before
    return foldable


def is_linear(layer: keras.Layer) -> bool:
    """True if the layer applies no activation of its own."""
    return getattr(layer, "activation", None) in (None, keras.activations.linear)


def axis_is_last(call: LayerCall) -> bool:
    """True if a batch normalization normalizes over the last axis of its input."""
    return call.layer.axis in (-1, len(call.inputs[0].shape) - 1)


def affine(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Returns float64 `(scale, offset)`, each [C], such that inference is `x * scale + offset`."""
    mean = keras.ops.convert_to_numpy(norm.moving_mean).astype(np.float64)
    variance = keras.ops.convert_to_numpy(norm.moving_variance).astype(np.float64)
    scale = 1.0 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * keras.ops.convert_to_numpy(norm.gamma).astype(np.float64)
    offset = -mean * scale
    if norm.center:
        offset = offset + keras.ops.convert_to_numpy(norm.beta).astype(np.float64)
    return scale, offset


def fold(kernel: np.ndarray, bias: np.ndarray | None, norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(kernel, bias)` of one layer that equals the layer followed by `norm` in inference mode.

    Args:
        kernel: [..., O], or [kh, kw, C, m] of a depthwise convolution, whose output c * m + j belongs to [..., c, j].
        bias: [O] or `None`.
        norm: A built batch normalization over O channels.
    """
    scale, offset = affine(norm)
    # Only a depthwise kernel's last axis is shorter than the number of outputs.
    per_kernel_element = scale if kernel.shape[-1] == scale.size else scale.reshape(kernel.shape[-2:])
    folded_kernel = kernel.astype(np.float64) * per_kernel_element
    folded_bias = offset if bias is None else bias.astype(np.float64) * scale + offset
    return folded_kernel.astype(kernel.dtype), folded_bias.astype(kernel.dtype)
