# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


def test_gradient_through_batch_norm_that_cannot_fold(tmp_path):
    """Behind a pool it becomes MUL and ADD by constants per channel."""
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", activation="relu", name="deep")(x)
    y = layers.BatchNormalization(name="norm")(layers.MaxPooling2D(2)(y))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    rng = np.random.default_rng(0)
    model.get_layer("norm").moving_variance.assign(rng.uniform(0.5, 2, 3))
    model.get_layer("norm").moving_mean.assign(rng.uniform(-1, 1, 3))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 27), np.float32))
