# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One training step in TFLM against ``tf.GradientTape``: shared by the tests of gradient rules."""

import keras
import numpy as np
import tensorflow as tf
import tolerances

import tfdgsu

# Large enough that the weights visibly move, exact in float32.
LEARNING_RATE = 0.5


def export(model, path, layers, loss="mean_squared_error", batch_size=1, optimizer=None, **kwargs):
    """Exports ``model`` with the given update layers; returns (sparse model, report)."""
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=layers, train_head=False))
    sparse.compile(optimizer or keras.optimizers.SGD(LEARNING_RATE), loss=loss)
    return sparse, tfdgsu.export.export_training_bundle(sparse, path, batch_size=batch_size, **kwargs)


def random_weights(model, seed=0):
    """Weights of order one, so that no gradient is lost in rounding; returns the model."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(rng.uniform(-1, 1, weight.shape) / np.sqrt(max(np.prod(weight.shape[:-1]), 1)))
    return model


def dense_step(model, x, y, loss, layer_name):
    """(loss, new kernel, new bias) of one layer after a dense SGD step by automatic differentiation."""
    layer = model.get_layer(layer_name)
    weights = [w for w in (layer.kernel, layer.bias) if w is not None]
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=False))
    gradients = tape.gradient(value, [w.value for w in weights])
    return float(value), *(w.numpy() - LEARNING_RATE * g.numpy() for w, g in zip(weights, gradients))


def assert_step_matches(model, tmp_path, loss, y, layer_name="deep", batch_size=1, seed=1):
    """One step on the device moves kernel and bias of ``layer_name`` as the dense gradient says."""
    from tfdgsu.export.weight_layout import to_tflite

    path = tmp_path / "model.tflite"
    layer = model.get_layer(layer_name)
    n_channels = layer.kernel.shape[-2]
    export(model, path, {layer_name: n_channels}, loss, batch_size)
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (batch_size, *model.input_shape[1:])).astype(np.float32)
    expected_loss, kernel, bias = dense_step(model, x, y, loss, layer_name)

    device = tfdgsu.micro_runtime.Session(path)
    device_loss = device.train(x, y, learning_rate=LEARNING_RATE)

    close = {"rtol": tolerances.GRADIENT_FLOAT32_RTOL, "atol": tolerances.GRADIENT_FLOAT32_ATOL}
    np.testing.assert_allclose(device_loss, expected_loss, **close)
    variables = device.variables()
    before = to_tflite(type(layer).__name__, layer.kernel.numpy())
    assert np.abs(variables[f"{layer_name}/kernel"] - before).max() > 1e-4, "the step must move the weights"
    np.testing.assert_allclose(variables[f"{layer_name}/kernel"], to_tflite(type(layer).__name__, kernel), **close)
    np.testing.assert_allclose(variables[f"{layer_name}/bias"], bias, **close)
