# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The network of the quickstart: depthwise-separable blocks, as networks for microcontrollers have them."""

import keras

from . import digits

_SEED = 1
_EPOCHS = 12
_PRETRAIN_BATCH_SIZE = 32
_PRETRAIN_RATE = 3e-3
# A pretraining of some hundred steps is too short for the default of 0.99.
_NORM_MOMENTUM = 0.9

# Output channels and stride of each block.
_BLOCKS = ((24, 2), (48, 1), (48, 2), (96, 1))


def build() -> keras.Model:
    """Returns the untrained network; input float32 [B, 16, 16, 1], output class probabilities [B, 10]."""
    keras.utils.set_random_seed(_SEED)
    image = keras.Input(digits.IMAGE_SHAPE, name="image")
    x = keras.layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(image)
    x = _normalise(x, "stem")
    for i, (n_channels, stride) in enumerate(_BLOCKS, start=1):
        x = _separable_block(x, n_channels, stride, f"block_{i}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    probabilities = keras.layers.Dense(digits.N_CLASSES, activation="softmax", name="head")(x)
    return keras.Model(image, probabilities, name="digits")


def pretrain(model: keras.Model, examples: digits.Examples, advance) -> None:
    """Trains all of `model` on upright digits; calls `advance()` after each of the `n_pretrain_steps`."""
    model.compile(keras.optimizers.Adam(_PRETRAIN_RATE), loss="sparse_categorical_crossentropy")
    ticker = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: advance())
    model.fit(*examples, batch_size=_PRETRAIN_BATCH_SIZE, epochs=_EPOCHS, verbose=0, callbacks=[ticker])


def n_pretrain_steps(n_examples: int) -> int:
    """How often `pretrain` calls `advance`."""
    return _EPOCHS * -(-n_examples // _PRETRAIN_BATCH_SIZE)


def _separable_block(x, n_channels: int, stride: int, name: str):
    x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _normalise(x, f"{name}_depthwise")
    x = keras.layers.Conv2D(n_channels, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return _normalise(x, f"{name}_pointwise")


def _normalise(x, name: str):
    x = keras.layers.BatchNormalization(momentum=_NORM_MOMENTUM, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
