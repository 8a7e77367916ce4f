# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("axis", [-1, 1])
def test_gradient_through_concatenation(tmp_path, axis):
    x = keras.Input((4, 4, 3))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    z = layers.Concatenate(axis=axis)([x, y, layers.Conv2D(3, 1, activation="relu", bias_initializer="ones")(y)])
    model = random_weights(keras.Model(x, layers.Flatten()(layers.Conv2D(2, 3)(z))))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, model.output_shape[-1]), np.float32))
