# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole networks train in int8 in TFLM as they do in float32 in Keras."""

import keras
import model_zoo
import numpy as np
import pytest
import tolerances
from keras import layers

import tfdgsu

N_STEPS, N_CLASSES = 120, 3
# Each with a learning rate at which it learns within so few steps from random weights.
NETWORKS = {"mobilenet_v1_net": 0.2, "residual_conv_net": 0.05, "keyword_net": 0.05, "pool_concat_net": 0.2}


def _examples(shape, n):
    """Noisy copies of one coarse pattern per class, [n, ...] and labels."""
    rng = np.random.default_rng(0)
    rows, columns = (np.arange(size) * 2 // size for size in shape[:2])
    patterns = rng.uniform(-1, 1, (N_CLASSES, 2, 2, shape[2]))[:, rows[:, np.newaxis], columns]
    y = np.arange(n, dtype=np.int32) % N_CLASSES
    return (0.7 * patterns[y] + 0.3 * rng.uniform(-1, 1, (n, *shape))).astype(np.float32), y


@pytest.mark.parametrize(("name", "learning_rate"), NETWORKS.items())
def test_network_trains_in_int8_as_in_float32(tmp_path, name, learning_rate):
    model = getattr(model_zoo, name)(n_classes=N_CLASSES)
    plan = tfdgsu.plan(model, update_fraction=0.1, quantize="int8")
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(learning_rate), loss="sparse_categorical_crossentropy")
    x, y = _examples(model.input_shape[1:], N_STEPS)
    callback = tfdgsu.DynamicSparseCallback(policy="random", every=5)
    path = tmp_path / "model.tflite"
    report = tfdgsu.export.export_training_bundle(sparse, path, representative_data=x, callback=callback)
    device = tfdgsu.micro_runtime.Session(path)
    before = device.evaluate(x, y).loss
    for i in range(N_STEPS):
        device.train(x[i : i + 1], y[i : i + 1], learning_rate=learning_rate)
    sparse.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[callback])

    after, in_keras = device.evaluate(x, y).loss, sparse.evaluate(x, y, verbose=0, batch_size=N_STEPS)
    fallen = before - in_keras
    assert fallen > 0.1 * before, "the float32 run must learn something to compare with"
    assert abs(after - in_keras) < tolerances.INT8_TRAINING_SHARE * fallen, (before, after, in_keras)
    measured = device.arena_report()
    assert measured.total_bytes == report.arena.total_bytes


def _normed(y, layer, is_rectified=True):
    y = layers.BatchNormalization()(layer(y))
    return layers.ReLU()(y) if is_rectified else y


def _resnet_8():
    """As in MLPerf Tiny's image classification: 32x32x3, 16 to 64 channels."""
    x = keras.Input((32, 32, 3))
    y = _normed(x, layers.Conv2D(16, 3, padding="same"))
    for n_out, strides in ((16, 1), (32, 2), (64, 2)):
        z = _normed(y, layers.Conv2D(n_out, 3, strides=strides, padding="same"))
        z = _normed(z, layers.Conv2D(n_out, 3, padding="same"), is_rectified=False)
        if strides > 1:
            y = layers.Conv2D(n_out, 1, strides=strides)(y)
        y = layers.ReLU()(layers.Add()([y, z]))
    return keras.Model(x, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(y)))


def _ds_cnn():
    """As in MLPerf Tiny's keyword spotting: a spectrogram of 49x10, 64 channels."""
    x = keras.Input((49, 10, 1))
    y = layers.Dropout(0.2)(_normed(x, layers.Conv2D(64, (10, 4), strides=2, padding="same")))
    for _ in range(4):
        y = _normed(y, layers.DepthwiseConv2D(3, padding="same"))
        y = _normed(y, layers.Conv2D(64, 1))
    y = layers.Flatten()(layers.AveragePooling2D(y.shape[1:3])(layers.Dropout(0.4)(y)))
    return keras.Model(x, layers.Dense(12, activation="softmax")(y))


def _mobilenet_v1():
    """As in MLPerf Tiny's visual wake words: 96x96x3, width 0.25."""
    return keras.applications.MobileNet(input_shape=(96, 96, 3), alpha=0.25, weights=None, classes=2)


@pytest.mark.parametrize("make", [_mobilenet_v1, _resnet_8, _ds_cnn])
def test_network_of_full_size_trains_in_256_kb(tmp_path, make):
    keras.utils.set_random_seed(0)
    model = model_zoo.randomise_weights(make())
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, ram="256KB", update_fraction=0.05, quantize="int8"))
    sparse.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    x = np.random.default_rng(0).uniform(-1, 1, (8, *model.input_shape[1:])).astype(np.float32)
    report = tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite", representative_data=x)
    device = tfdgsu.micro_runtime.Session(tmp_path / "model.tflite", arena_bytes=256 * 1024)
    before = device.variables()
    for i, image in enumerate(x):
        device.train(image, np.array([i % 2], np.int32), learning_rate=0.01)
    after = device.variables()
    assert all((after[f"{update.name}/bias"] != before[f"{update.name}/bias"]).any() for update in sparse.plan.layers)
    assert device.arena_report().total_bytes == report.arena.total_bytes
