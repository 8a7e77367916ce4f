# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("pool", [layers.MaxPooling2D, layers.AveragePooling2D])
@pytest.mark.parametrize(
    "size, strides, padding", [(2, 2, "valid"), (3, 2, "same"), (2, 1, "same"), ((3, 2), (1, 3), "valid")]
)
def test_gradient_through_pool(tmp_path, pool, size, strides, padding):
    x = keras.Input((7, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", name="deep")(x)
    y = pool(size, strides, padding)(y)
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((2, model.output_shape[-1]), np.float32), batch_size=2)


@pytest.mark.parametrize("pool", [layers.MaxPooling1D, layers.AveragePooling1D])
def test_gradient_through_pool_1d(tmp_path, pool):
    x = keras.Input((9, 2))
    y = layers.Conv1D(3, 3, padding="same", name="deep")(x)
    model = random_weights(keras.Model(x, layers.Flatten()(pool(2, 2)(y))))
    assert_step_matches(model, tmp_path, MSE, np.ones((1, 12), np.float32))


def test_max_pool_with_a_huge_window_is_refused(tmp_path):
    from step_parity import export

    x = keras.Input((17, 17, 1))
    y = layers.MaxPooling2D(17)(layers.Conv2D(2, 3, padding="same", name="deep")(x))
    with pytest.raises(ValueError, match="at most 256 elements"):
        export(keras.Model(x, layers.Flatten()(y)), tmp_path / "model.tflite", {"deep": 1})
    assert not (tmp_path / "model.tflite").exists()
