# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("activation", ["linear", "relu", "relu6"])
def test_gradient_through_residual_add(tmp_path, activation):
    x = keras.Input((5, 4, 2))
    y = layers.Conv2D(3, 3, padding="same", activation="relu", name="deep")(x)
    z = layers.Conv2D(3, 3, padding="same", activation="relu")(y)
    y = layers.Activation(activation)(layers.Add()([y, z]))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 60), np.float32))


def test_gradient_of_a_tensor_added_to_itself(tmp_path):
    x = keras.Input((5, 4, 2))
    y = layers.Conv2D(3, 3, name="deep")(x)
    model = random_weights(keras.Model(x, layers.Flatten()(layers.Add()([y, y]))))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 18), np.float32))
