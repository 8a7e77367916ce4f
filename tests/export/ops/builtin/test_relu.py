# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from int8_step import assert_int8_step_matches
from keras import layers
from step_parity import assert_step_matches, export, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize(
    "activation",
    [
        layers.ReLU(),
        layers.ReLU(max_value=6.0),
        layers.ReLU(max_value=0.25),
        layers.LeakyReLU(negative_slope=0.3),
        layers.LeakyReLU(negative_slope=1.5),
    ],
    ids=["relu", "relu6", "low", "leaky", "steep"],
)
def test_gradient_through_activation_behind_a_pool(tmp_path, activation):
    """The pool keeps the converter from fusing the activation into the convolution."""
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    y = activation(layers.AveragePooling2D(2)(y))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 27), np.float32))


def test_int8_range_of_an_activation_within_one_unit_is_refused(tmp_path):
    """An addition gives an operand the range of the sum, here in units that are larger than 6."""
    x = keras.Input((4, 4, 1))
    y = layers.Add()([x, layers.Conv2D(1, 3, padding="same", activation="relu6", name="deep")(x)])
    y = layers.MaxPooling2D(2)(layers.Conv2D(1, 1)(y))
    model = random_weights(keras.Model(x, layers.Dense(2, name="head")(layers.Flatten()(y))))
    examples = np.random.default_rng(0).uniform(-1e4, 1e4, (16, 4, 4, 1)).astype(np.float32)
    path = tmp_path / "model.tflite"
    with pytest.raises(ValueError, match="'deep' with bounds 0 and 6 and a scale of .* Remedy"):
        export(model, path, {"deep": 1}, quantize="int8", representative_data=examples)
    assert not path.exists()


def test_int8_activation_with_a_low_maximum_steps_as_in_float32(tmp_path):
    x = keras.Input((6, 6, 2))
    y = layers.ReLU(0.5)(layers.Conv2D(3, 3, padding="same", name="deep")(x))
    y = layers.ReLU(1.5)(layers.Conv2D(4, 1, name="next")(y))
    model = random_weights(keras.Model(x, layers.Dense(3, activation="softmax", name="head")(layers.Flatten()(y))))
    assert_int8_step_matches(model, {"deep": 2, "next": 3}, tmp_path / "model.tflite")
