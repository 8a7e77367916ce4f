# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A convolution behind a PAD that the converter can't absorb: its gradients pad by themselves, and stay right."""

import numpy as np
import pytest
import tolerances
from keras import Input, Model, layers
from step_parity import LEARNING_RATE, export, random_weights
from tfdgsu.export.weight_layout import to_tflite

import tfdgsu


def _model(conv, padding):
    x = Input((8, 6, 4))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="deep")(x)
    y = conv(layers.ZeroPadding2D(padding)(y))
    return random_weights(Model(x, layers.GlobalAveragePooling2D()(y)))


def _step_on_both(model, path, plan_layers):
    """One step in Keras and in TFLM, weights compared; returns the text of the graph."""
    sparse, report = export(model, path, plan_layers)
    x = np.random.default_rng(1).uniform(-1, 1, (1, 8, 6, 4)).astype(np.float32)
    y = np.ones((1, model.output_shape[-1]), np.float32)
    device = tfdgsu.micro_runtime.Session(path)
    device.train(x, y, learning_rate=LEARNING_RATE)
    sparse.train_on_batch(x, y)
    close = {"rtol": tolerances.GRADIENT_FLOAT32_RTOL, "atol": tolerances.GRADIENT_FLOAT32_ATOL}
    for name in plan_layers:
        layer = sparse.model.get_layer(name)
        expected = to_tflite(type(layer).__name__, layer.kernel.numpy())
        np.testing.assert_allclose(device.variables()[f"{name}/kernel"], expected, **close)
        assert np.abs(expected - to_tflite(type(layer).__name__, model.get_layer(name).kernel.numpy())).max() > 1e-4
    return report.graph_text


@pytest.mark.parametrize("n_selected", [2, 4])
@pytest.mark.parametrize("padding", [1, ((1, 1), (0, 1)), ((0, 1), (1, 0))])
@pytest.mark.parametrize("make", [layers.Conv2D, layers.DepthwiseConv2D])
def test_gradients_pad_by_themselves(tmp_path, make, padding, n_selected):
    conv = make(3, 3, strides=2, name="conv") if make is layers.Conv2D else make(3, strides=2, name="conv")
    text = _step_on_both(_model(conv, padding), tmp_path / "m.tflite", {"deep": 4, "conv": n_selected})
    assert "PAD(" in text
    assert "TfdgsuSlice" not in text


def test_padding_as_wide_as_the_filter_keeps_its_copy(tmp_path):
    conv = layers.Conv2D(3, 2, strides=2, name="conv")
    assert "TfdgsuSlice" in _step_on_both(_model(conv, 2), tmp_path / "m.tflite", {"deep": 4, "conv": 2})
