# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


def _model(conv, size=(7, 6)):
    x = keras.Input((*size, 2))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    return random_weights(keras.Model(x, layers.Flatten()(conv(y))))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel, strides", [(1, 1), (3, 1), ((3, 2), 2), (5, (2, 3))])
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_gradient_through_frozen_conv(tmp_path, kernel, strides, padding, activation):
    conv = layers.Conv2D(5, kernel, strides=strides, padding=padding, activation=activation, bias_initializer="ones")
    model = _model(conv)
    assert_step_matches(model, tmp_path, MSE, np.ones((1, model.output_shape[-1]), np.float32))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel, strides", [(1, 1), (3, 2), ((2, 4), (1, 3))])
def test_update_of_conv(tmp_path, kernel, strides, padding):
    x = keras.Input((7, 6, 4))
    y = layers.Conv2D(5, kernel, strides=strides, padding=padding, activation="relu6", name="deep")(x)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((2, model.output_shape[-1]), np.float32), batch_size=2)
