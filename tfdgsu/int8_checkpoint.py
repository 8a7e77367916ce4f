# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""An int8 checkpoint of a convolutional network as a Keras model, with the scales that it was made with."""

import os

import keras
import numpy as np
from keras import layers

from .int8_checkpoint_files import Checkpoint, CheckpointLayer, read_checkpoint
from .int8_scales import Int8Scales, LayerScales, bias_values
from .number_checks import is_whole
from .same_padding import same_padding


def load_int8_checkpoint(path: str | os.PathLike, n_classes: int | None = None) -> tuple[keras.Model, Int8Scales]:
    """Builds a float32 Keras model whose weights are exactly what the checkpoint's integers stand for.

    Example:
        model, scales = tfdgsu.load_int8_checkpoint("data/mobilenet_v2_w035_imagenet_int8", n_classes=10)
        sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, ram="256KB"))
        ...
        tfdgsu.export.export_training_bundle(sparse, "model.tflite", quantize="int8", scales=scales)

    Convolutions have the checkpoint's layer names, activations are layers of their own behind them (`<name>_relu6`).
    Padding that differs from Keras' SAME becomes ZeroPadding2D (`<name>_pad`). The last layer, a 1x1 convolution behind
    the global pooling, becomes a Dense layer with softmax under its name.

    Args:
        path: Of `<path>.json` and `<path>.npz`, without the ending.
        n_classes: Outputs of a new last layer that starts at zero. Default: the checkpoint's own.

    Returns:
        The model, and the scales of all its layers but a new last one.

    Raises:
        FileNotFoundError: One of the two files doesn't exist.
        ValueError: They are ill-formed, or `n_classes` isn't at least 2.
    """
    if n_classes is not None and not (is_whole(n_classes) and n_classes >= 2):
        raise ValueError(
            f"n_classes is the number of outputs, 2 or more. Received: n_classes={n_classes!r}. "
            "Remedy: count the classes, or leave it out to keep the checkpoint's own last layer."
        )
    checkpoint = read_checkpoint(path)
    name = os.path.basename(os.fspath(path)).replace(".", "_")
    model = _build(checkpoint, name, None if n_classes is None else int(n_classes))
    kept = checkpoint.layers if n_classes is None else checkpoint.layers[:-1]
    scales = {layer.name: _layer_scales(layer) for layer in kept if layer.op != "global_average_pool"}
    return model, Int8Scales(checkpoint.input_scale, checkpoint.input_zero_point, scales)


def _build(checkpoint: Checkpoint, name: str, n_classes: int | None) -> keras.Model:
    head = checkpoint.layers[-1]
    source = keras.Input(checkpoint.input_shape, name="image")
    tensors = {"input": source}
    for layer in checkpoint.layers[:-1]:
        inputs = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = _call(layer, inputs)
    features = tensors[head.inputs[0]]
    if head.op != "conv2d" or head.kernel != 1 or len(features.shape) != 2 or head.activation is not None:
        raise ValueError(
            "A checkpoint ends with a linear 1x1 convolution behind a global pooling, the classifier. "
            f"Received: '{head.name}', {head.op} on {list(features.shape[1:])}. Remedy: load another checkpoint."
        )
    _check_channels(head, features)
    # A new head starts at zero. Features are large here: random logits would be too, and the first gradients, taken of
    # confidently wrong predictions, would spoil the layers in front.
    dense = layers.Dense(n_classes or len(head.bias), activation="softmax", kernel_initializer="zeros", name=head.name)
    model = keras.Model(source, dense(features), name=name)
    for layer in checkpoint.layers if n_classes is None else checkpoint.layers[:-1]:
        if layer.weight is not None:
            kernel, bias = _float_weights(layer)
            model.get_layer(layer.name).set_weights([kernel[0, 0] if layer is head else kernel, bias])
    return model


def _call(layer: CheckpointLayer, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
    if layer.op == "add":
        if inputs[0].shape != inputs[1].shape:
            raise ValueError(
                f"An add has two inputs of one shape. Received: {[list(x.shape[1:]) for x in inputs]} at '{layer.name}'. "
                "Remedy: load another checkpoint."
            )
        return layers.Add(name=layer.name)(inputs)
    (x,) = inputs
    if len(x.shape) != 4:
        raise ValueError(
            "Only the last layer comes behind the global pooling. "
            f"Received: '{layer.name}' there. Remedy: load another checkpoint."
        )
    if layer.op == "global_average_pool":
        return layers.GlobalAveragePooling2D(name=layer.name)(x)
    _check_channels(layer, x)
    x, padding = _pad(layer, x)
    settings = {"strides": layer.stride, "padding": padding, "name": layer.name}
    if layer.op == "depthwise_conv2d":
        x = layers.DepthwiseConv2D(layer.kernel, **settings)(x)
    else:
        x = layers.Conv2D(len(layer.bias), layer.kernel, **settings)(x)
    if layer.activation is None:
        return x
    largest = 6.0 if layer.activation == "relu6" else None
    return layers.ReLU(largest, name=f"{layer.name}_{layer.activation}")(x)


def _pad(layer: CheckpointLayer, x: keras.KerasTensor) -> tuple[keras.KerasTensor, str]:
    """Zeros on all sides: by the convolution itself where SAME means just that, by a layer of their own elsewhere."""
    n = layer.padding
    if n == 0:
        return x, "valid"
    if all(same_padding(size, layer.kernel, layer.stride) == (n, n) for size in x.shape[1:3]):
        return x, "same"
    return layers.ZeroPadding2D(n, name=f"{layer.name}_pad")(x), "valid"


def _check_channels(layer: CheckpointLayer, x: keras.KerasTensor) -> None:
    expected = len(layer.bias) if layer.op == "depthwise_conv2d" else layer.weight.shape[1]
    if x.shape[-1] != expected:
        raise ValueError(
            f"A layer's weights fit its input. Received: '{layer.name}' for {expected} channels, with {x.shape[-1]}. "
            "Remedy: load a .json and a .npz that belong together."
        )


def _float_weights(layer: CheckpointLayer) -> tuple[np.ndarray, np.ndarray]:
    """The kernel in Keras' layout, and the bias."""
    scales = layer.weight_scales.reshape(-1, 1, 1, 1)
    weight = (layer.weight * scales).astype(np.float32)  # OIHW
    kernel = weight.transpose(2, 3, 0, 1) if layer.op == "depthwise_conv2d" else weight.transpose(2, 3, 1, 0)
    return kernel, bias_values(layer.bias, layer.input_scale, layer.weight_scales)


def _layer_scales(layer: CheckpointLayer) -> LayerScales:
    return LayerScales(layer.scale, layer.zero_point, layer.weight_scales, layer.bias)
