# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import numpy as np
import pytest
from keras import layers
from tfdgsu.export.convert import convert_forward
from tfdgsu.export.weight_layout import to_keras, to_tflite

CASES = [
    (layers.Conv2D(5, (3, 2), name="layer"), (6, 7, 4)),
    (layers.Conv1D(5, 3, name="layer"), (9, 4)),
    (layers.DepthwiseConv2D((2, 3), depth_multiplier=2, name="layer"), (6, 7, 4)),
    (layers.DepthwiseConv2D(3, name="layer"), (6, 7, 1)),
    (layers.Dense(5, name="layer"), (4,)),
]


@pytest.mark.parametrize("layer, shape", CASES)
def test_layout_is_the_converters(layer, shape):
    layer = type(layer).from_config(layer.get_config())
    x = keras.Input(shape)
    model = keras.Model(x, layer(x))
    kernel = np.random.default_rng(0).uniform(0.5, 1, layer.kernel.shape).astype(np.float32)
    layer.kernel.assign(kernel)
    weighted = next(op for op in convert_forward(model, 1).ops if op.kind != "RESHAPE")
    converted = to_tflite(type(layer).__name__, kernel)
    np.testing.assert_array_equal(weighted.inputs[1].data, converted)
    np.testing.assert_array_equal(to_keras(type(layer).__name__, converted, kernel.shape), kernel)


def test_layout_of_another_layer_is_refused():
    with pytest.raises(ValueError, match="Received: a layer of class Conv3D"):
        to_tflite("Conv3D", np.zeros((1, 1, 1, 1, 1)))
