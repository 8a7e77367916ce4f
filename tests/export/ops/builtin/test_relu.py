# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize(
    "activation",
    [
        layers.ReLU(),
        layers.ReLU(max_value=6.0),
        layers.LeakyReLU(negative_slope=0.3),
        layers.LeakyReLU(negative_slope=1.5),
    ],
    ids=["relu", "relu6", "leaky", "steep"],
)
def test_gradient_through_activation_behind_a_pool(tmp_path, activation):
    """The pool keeps the converter from fusing the activation into the convolution."""
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    y = activation(layers.AveragePooling2D(2)(y))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 27), np.float32))
