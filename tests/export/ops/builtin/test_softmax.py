# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


def test_gradient_through_softmax_in_the_middle(tmp_path):
    x = keras.Input((4, 4, 2))
    y = layers.Softmax()(layers.Conv2D(3, 3, padding="same", name="deep")(x))
    model = random_weights(keras.Model(x, layers.Flatten()(layers.Conv2D(2, 3)(y))))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 8), np.float32))


def test_mean_squared_error_of_softmax(tmp_path):
    x = keras.Input((5,))
    model = random_weights(keras.Model(x, layers.Dense(4, activation="softmax", name="deep")(x)))
    assert_step_matches(model, tmp_path, MSE, np.eye(4, dtype=np.float32)[:1])
