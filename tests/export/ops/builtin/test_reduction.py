# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from step_parity import assert_step_matches, random_weights

MSE = keras.losses.MeanSquaredError()


@pytest.mark.parametrize("pool", [layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D])
@pytest.mark.parametrize("keepdims", [False, True])
def test_gradient_through_global_pool(tmp_path, pool, keepdims):
    x = keras.Input((4, 3, 2))
    y = pool(keepdims=keepdims)(layers.Conv2D(5, 3, padding="same", name="deep")(x))
    model = random_weights(keras.Model(x, layers.Flatten()(y)))
    assert_step_matches(model, tmp_path, MSE, np.ones((2, 5), np.float32), batch_size=2)


@pytest.mark.parametrize("pool", [layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D])
def test_gradient_through_global_pool_1d(tmp_path, pool):
    x = keras.Input((6, 2))
    y = pool()(layers.Conv1D(5, 3, padding="same", name="deep")(x))
    assert_step_matches(random_weights(keras.Model(x, y)), tmp_path, MSE, np.ones((1, 5), np.float32))
