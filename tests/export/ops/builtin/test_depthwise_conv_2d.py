# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel, strides, multiplier", [(3, 1, 1), (3, 2, 2), (5, 1, 3), (7, 2, 1), ((2, 3), 1, 1)])
def test_gradient_through_frozen_depthwise(tmp_path, kernel, strides, multiplier, padding):
    x = keras.Input((9, 8, 2))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    y = layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=multiplier, activation="relu")(y)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, model.output_shape[-1]), np.float32))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel, strides, multiplier", [(3, 1, 1), (3, 2, 2), (5, 1, 3), (7, 2, 1)])
def test_update_of_depthwise(tmp_path, kernel, strides, multiplier, padding):
    x = keras.Input((9, 8, 3))
    y = layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=multiplier, name="deep")(x)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((2, model.output_shape[-1]), np.float32), batch_size=2)
