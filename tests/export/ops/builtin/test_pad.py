# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("padding", [1, ((0, 1), (2, 0))])
def test_gradient_through_zero_padding(tmp_path, padding):
    x = keras.Input((4, 4, 2))
    y = layers.ZeroPadding2D(padding)(layers.Conv2D(3, 3, padding="same", name="deep")(x))
    y = layers.DepthwiseConv2D(3, 2)(y)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, model.output_shape[-1]), np.float32))


def test_gradient_through_zero_padding_1d(tmp_path):
    x = keras.Input((5, 2))
    y = layers.ZeroPadding1D((2, 1))(layers.Conv1D(3, 3, padding="same", name="deep")(x))
    model = random_weights(keras.Model(x, layers.Flatten()(layers.Conv1D(2, 3)(y))))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 12), np.float32))
