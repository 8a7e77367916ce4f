# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("units", [1, 3, 8])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_gradient_through_frozen_dense(tmp_path, units, activation):
    x = keras.Input((6,))
    y = layers.Dense(5, name="deep", activation="relu")(x)
    y = layers.Dense(units, activation=activation, bias_initializer="ones")(y)
    model = random_weights(keras.Model(x, y))
    assert_step_matches(model, tmp_path, MSE, np.ones((2, units), np.float32), batch_size=2)


def test_dense_on_a_sequence(tmp_path):
    x = keras.Input((6, 5))
    y = layers.Dense(4, activation="relu", name="deep")(x)
    y = layers.Dense(3, activation="relu", bias_initializer="ones")(y)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 18), np.float32))


def test_flatten_of_a_1x1_image(tmp_path):
    """The converter drops this Flatten: the dense layer then reads [1, 1, 1, C] and writes [1, O]."""
    x = keras.Input((4, 4, 2))
    y = layers.Conv2D(6, 3, padding="same", activation="relu", name="front")(x)
    y = layers.Flatten()(layers.AveragePooling2D(4)(y))
    model = random_weights(keras.Model(x, layers.Dense(3, name="deep")(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 3), np.float32))
