# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


def test_mean_squared_error_of_sigmoid(tmp_path):
    x = keras.Input((5,))
    model = random_weights(keras.Model(x, layers.Dense(4, activation="sigmoid", name="deep")(x)))
    assert_step_matches(model, tmp_path, MSE, np.zeros((1, 4), np.float32))
