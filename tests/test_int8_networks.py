# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole networks train in int8 in TFLM as they do in float32 in Keras."""

import keras
import model_zoo
import numpy as np
import pytest
import tolerances

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
