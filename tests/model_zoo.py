# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Small deterministic Keras models that the tests share.

Every function seeds Keras, so two calls give the same weights. Batch normalization gets random statistics around the
real ones of the network: folding matters, and activations stay of order one through any number of layers.
"""

import keras
import numpy as np
from keras import layers

ALL_MODELS = ("small_conv_net", "depthwise_residual_net", "conv_1d_net", "mobilenet_v2", "nested_model", "concat_net")
# Input channels to update per step, for tests that want some of a layer's, all of them and none (bias only).
UPDATE_LAYERS = {
    "small_conv_net": {"conv_2": 3, "conv_3": 5, "dense": 7},
    "depthwise_residual_net": {
        "block_1_depthwise": 3,
        "block_2_project": 5,
        "block_3_expand": 0,
        "block_3_depthwise": 4,
    },
    "conv_1d_net": {"conv_2": 3, "conv_3": 5},
    "nested_model": {"body_conv": 2, "body_point": 3},
    "concat_net": {"separable_pointwise": 3, "depthwise": 5, "conv": 7},
}
# Networks for int8, as they run on microcontrollers, with input channels to update for each.
INT8_UPDATE_LAYERS = {
    "small_conv_net": {"conv_2": 3, "conv_3": 5},
    "depthwise_residual_net": {"block_2_project": 5, "block_3_expand": 0, "block_3_depthwise": 4},
    "nested_model": {"body_conv": 2, "body_point": 3},
    "concat_net": {"separable_pointwise": 3, "depthwise": 5, "conv": 7},
    "mobilenet_v1_net": {"block_2_depthwise": 4, "block_3_pointwise": 8},
    "residual_conv_net": {"block_2_conv_2": 4, "block_3_conv_1": 16},
    "keyword_net": {"block_3_depthwise": 3, "block_4_pointwise": 5},
    "pool_concat_net": {"left_conv": 2, "conv": 5},
}


def build(name: str) -> keras.Model:
    """Returns the zoo model called `name`."""
    return {
        "small_conv_net": small_conv_net,
        "depthwise_residual_net": depthwise_residual_net,
        "conv_1d_net": conv_1d_net,
        "mobilenet_v2": mobilenet_v2,
        "nested_model": nested_model,
        "concat_net": concat_net,
        "mobilenet_v1_net": mobilenet_v1_net,
        "residual_conv_net": residual_conv_net,
        "keyword_net": keyword_net,
        "pool_concat_net": pool_concat_net,
    }[name]()


def random_batch(model: keras.Model, batch_size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns random inputs [batch_size, ...] float32 and labels [batch_size] int32 for a zoo model."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch_size, *model.input_shape[1:])).astype(np.float32)
    y = rng.integers(0, model.output_shape[-1], batch_size).astype(np.int32)
    return x, y


def randomise_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives every bias and every batch normalization random values, in place; returns `model`."""
    rng = np.random.default_rng(seed)
    norms = [layer for layer in _all_layers(model) if isinstance(layer, layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # One training-mode call then stores the real statistics of the random batch.
    x = rng.standard_normal((32, *model.input_shape[1:])).astype(np.float32)
    model(x, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        n_channels = norm.moving_mean.shape[0]
        variance = norm.moving_variance.numpy() + 1e-2
        norm.moving_variance.assign(variance * rng.uniform(0.7, 1.4, n_channels))
        norm.moving_mean.assign(norm.moving_mean + 0.2 * np.sqrt(variance) * rng.standard_normal(n_channels))
        if norm.scale:
            norm.gamma.assign(rng.uniform(0.6, 1.4, n_channels))
        if norm.center:
            norm.beta.assign(0.3 * rng.standard_normal(n_channels))
    for layer in _all_layers(model):
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(0.1 * rng.standard_normal(layer.bias.shape))
    return model


def small_conv_net(n_classes: int = 5, activation: str | None = "softmax") -> keras.Model:
    """Conv2D, batch normalization and ReLU twice, max pooling, Flatten, two Dense; input 12x12x3."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv_1")(inputs)
    x = layers.BatchNormalization(name="norm_1")(x)
    x = layers.ReLU(name="relu_1")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(12, 3, strides=2, padding="same", name="conv_2")(x)
    x = layers.BatchNormalization(name="norm_2")(x)
    x = layers.ReLU(name="relu_2")(x)
    x = layers.Conv2D(10, (2, 3), padding="valid", activation="relu", name="conv_3")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(16, activation="relu", name="dense")(x)
    x = layers.Dropout(0.0, name="dropout")(x)
    outputs = layers.Dense(n_classes, activation=activation, name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="small_conv_net"))


def _inverted_residual(x, n_expanded: int, n_out: int, strides: int, name: str):
    residual = x
    x = layers.Conv2D(n_expanded, 1, use_bias=False, name=f"{name}_expand")(x)
    x = layers.BatchNormalization(name=f"{name}_expand_norm")(x)
    x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.BatchNormalization(name=f"{name}_depthwise_norm")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(n_out, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization(name=f"{name}_project_norm")(x)
    if strides == 1 and residual.shape[-1] == n_out:
        x = layers.Add(name=f"{name}_add")([residual, x])
    return x


def depthwise_residual_net(n_classes: int = 6) -> keras.Model:
    """Inverted residual blocks with ReLU6 and Add, global average pooling, Dense softmax; input 16x16x3."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    x = _inverted_residual(x, 16, 8, 1, "block_1")
    x = _inverted_residual(x, 24, 12, 2, "block_2")
    x = _inverted_residual(x, 24, 12, 1, "block_3")
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="depthwise_residual_net"))


def conv_1d_net(n_classes: int = 4) -> keras.Model:
    """Conv1D, LeakyReLU, max, average and global pooling in one dimension, Dense; input 32x4."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((32, 4), name="signal")
    x = layers.Conv1D(8, 5, padding="same", name="conv_1")(inputs)
    x = layers.BatchNormalization(name="norm_1")(x)
    x = layers.LeakyReLU(0.1, name="leaky_1")(x)
    x = layers.MaxPooling1D(2, name="max_pool")(x)
    x = layers.Conv1D(12, 3, strides=2, padding="valid", name="conv_2")(x)
    x = layers.LeakyReLU(0.2, name="leaky_2")(x)
    x = layers.AveragePooling1D(2, padding="same", name="average_pool")(x)
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="conv_3")(x)
    x = layers.GlobalMaxPooling1D(name="global_pool")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="conv_1d_net"))


def mobilenet_v2(n_classes: int = 10, size: int = 32) -> keras.Model:
    """keras.applications.MobileNetV2 of width 0.35, random weights; input `size` x `size` x 3."""
    keras.utils.set_random_seed(4)
    model = keras.applications.MobileNetV2((size, size, 3), alpha=0.35, weights=None, classes=n_classes)
    randomise_weights(model)
    # 1,280 features of order one would make the head's step so large that training diverges at any common learning rate.
    norm = model.get_layer("Conv_1_bn")
    norm.gamma.assign(0.2 * norm.gamma)
    norm.beta.assign(0.2 * norm.beta)
    return model


def nested_model(n_classes: int = 4) -> keras.Model:
    """A Sequential and a Functional model inside a Functional one; input 10x10x3."""
    keras.utils.set_random_seed(5)
    stem = keras.Sequential(
        [
            keras.Input((10, 10, 3)),
            layers.Conv2D(6, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
        ],
        name="stem",
    )
    body_inputs = keras.Input((10, 10, 6), name="body_input")
    y = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="body_conv")(body_inputs)
    y = layers.BatchNormalization(name="body_norm")(y)
    y = layers.ReLU(6.0, name="body_relu")(y)
    y = layers.Conv2D(8, 1, name="body_point")(y)
    body = keras.Model(body_inputs, y, name="body")
    inputs = keras.Input((10, 10, 3), name="image")
    x = body(stem(inputs))
    x = layers.GlobalMaxPooling2D(name="global_pool")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="nested_model"))


def concat_net(n_classes: int = 5) -> keras.Model:
    """Branches, Concatenate, SeparableConv2D, ZeroPadding2D, average pooling, depth multiplier 2; input 12x12x4."""
    keras.utils.set_random_seed(6)
    inputs = keras.Input((12, 12, 4), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu6", name="stem")(inputs)
    left = layers.SeparableConv2D(6, 3, padding="same", name="separable")(x)
    left = layers.BatchNormalization(name="separable_norm")(left)
    left = layers.ReLU(name="left_relu")(left)
    right = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(x)
    right = layers.ReLU(name="right_relu")(right)
    x = layers.Concatenate(name="concat")([left, right])
    x = layers.AveragePooling2D(2, name="average_pool")(x)
    x = layers.ZeroPadding2D(((0, 1), (1, 0)), name="pad")(x)
    x = layers.Conv2D(8, 3, strides=2, padding="valid", name="conv")(x)
    x = layers.BatchNormalization(name="conv_norm")(x)
    x = layers.ReLU(name="conv_relu")(x)
    x = layers.Reshape((-1,), name="reshape")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="concat_net"))


def _normed_conv(x, n_out: int, kernel, strides, name: str, activation=True):
    x = layers.Conv2D(n_out, kernel, strides=strides, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activation else x


def _separable(x, n_out: int, strides: int, name: str, max_value: float | None = None):
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.BatchNormalization(name=f"{name}_depthwise_norm")(x)
    x = layers.ReLU(max_value, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(n_out, 1, use_bias=False, name=f"{name}_pointwise")(x)
    x = layers.BatchNormalization(name=f"{name}_pointwise_norm")(x)
    return layers.ReLU(max_value, name=f"{name}_pointwise_relu")(x)


def mobilenet_v1_net(n_classes: int = 5) -> keras.Model:
    """MobileNetV1's blocks with ReLU6; stride 2 on even sizes, where SAME pads one side only; input 32x32x3."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    x = _separable(x, 16, 1, "block_1", 6.0)
    x = _separable(x, 24, 2, "block_2", 6.0)
    x = _separable(x, 32, 2, "block_3", 6.0)
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="mobilenet_v1_net"))


def residual_conv_net(n_classes: int = 5) -> keras.Model:
    """ResNet-8's blocks: two 3x3 convolutions, a 1x1 convolution beside them where the size changes; input 16x16x3."""
    keras.utils.set_random_seed(8)
    inputs = keras.Input((16, 16, 3), name="image")
    x = _normed_conv(inputs, 8, 3, 1, "stem")
    for i, (n_out, strides) in enumerate([(8, 1), (16, 2), (24, 2)], start=1):
        y = _normed_conv(x, n_out, 3, strides, f"block_{i}_conv_1")
        y = _normed_conv(y, n_out, 3, 1, f"block_{i}_conv_2", activation=False)
        if strides > 1:
            x = layers.Conv2D(n_out, 1, strides=strides, name=f"block_{i}_shortcut")(x)
        x = layers.ReLU(name=f"block_{i}_relu")(layers.Add(name=f"block_{i}_add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="residual_conv_net"))


def keyword_net(n_classes: int = 6) -> keras.Model:
    """DS-CNN for keyword spotting: a 10x4 convolution on a spectrogram, separable ones behind it; input 49x10x1."""
    keras.utils.set_random_seed(9)
    inputs = keras.Input((49, 10, 1), name="spectrogram")
    x = _normed_conv(inputs, 8, (10, 4), 2, "stem")
    for i in range(1, 5):
        x = _separable(x, 8, 1, f"block_{i}")
    x = layers.AveragePooling2D(x.shape[1:3], name="average_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(n_classes, activation="softmax", name="head")(x)
    return randomise_weights(keras.Model(inputs, outputs, name="keyword_net"))


def pool_concat_net(n_classes: int = 4) -> keras.Model:
    """Max pooling beside convolutions, Concatenate, ReLU and ReLU6, no Dense layer: logits are pooled; input 16x16x3."""
    keras.utils.set_random_seed(10)
    inputs = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", activation="relu6", name="stem")(inputs)
    left = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="left_conv")(x)
    right = layers.MaxPooling2D(3, strides=2, padding="same", name="right_pool")(x)
    x = layers.Concatenate(name="concat")([left, right])
    x = layers.Conv2D(8, 3, activation="relu6", name="conv")(x)
    x = layers.Conv2D(n_classes, 1, name="logits")(x)
    x = layers.GlobalAveragePooling2D(name="global_pool")(x)
    return randomise_weights(keras.Model(inputs, layers.Softmax(name="softmax")(x), name="pool_concat_net"))


def _all_layers(model: keras.Model) -> list[keras.Layer]:
    found = []
    for layer in model.layers:
        found.extend(_all_layers(layer) if isinstance(layer, keras.Model) else [layer])
    return found
