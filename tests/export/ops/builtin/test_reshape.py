# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


def test_gradient_through_reshape(tmp_path):
    x = keras.Input((4, 4, 2))
    y = layers.Conv2D(3, 3, padding="same", activation="relu", name="deep")(x)
    y = layers.Conv2D(2, 2, activation="relu", bias_initializer="ones")(layers.Reshape((8, 2, 3))(y))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 14), np.float32))
